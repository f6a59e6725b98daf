//! RFID-SIMs: at their contacts, from a SIM whose issuer domain is the operator's to one with an enterprise's application.

use onecard_host::{
    apdu::{Command, ExchangeError, exchange},
    card::{SelectError, external_authentication, select},
    crypto::LineKey,
    globalplatform::{
        Aid, SelectDomainError,
        management::{ManagementCommand, ManagementError, ManagementRefusal, delete, install_enterprise_application},
        secure_channel::{HostChallenge, Level, OpenError, Request, Session, SessionError, open},
        select_domain,
    },
    key_store::NamedKey,
    keys::Purpose,
    line_protection::challenge,
    transport::Transport,
};
use onecard_wire::{aid, ins, key::CONTROL_KEY_ID, number::ApplicationSerial, status::StatusWord};

use super::{
    IssuingKeys, Orders, card_check,
    cpu_card::{application_serial, no_row, second_wash, silent, station, write_rights},
    sim_domain::DomainOfSims,
};
use crate::{
    batch::{Craft, Found, Job, Setback, Unfinished},
    numbers::{Number, Serial, Series},
    profile::SimTerms,
};

/// The making of a batch of RFID-SIMs.
#[derive(Debug)]
pub struct SimCraft<'c> {
    /// The keys.
    pub keys: &'c IssuingKeys,
    /// What each application gets.
    pub orders: &'c Orders<'c>,
    /// How the issuer domain is opened.
    pub terms: &'c SimTerms,
    /// The numbers.
    pub series: &'c Series,
}

/// What is to be done before the application is filled.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standing {
    /// INSTALL.
    Absent,
    /// DELETE, then INSTALL.
    There,
}

impl Craft for SimCraft<'_> {
    type Opening = Standing;

    fn look(&self, card: &mut dyn Transport, unfinished: &Unfinished) -> Result<Found<Standing>, Setback> {
        let unfinished = unfinished.all();
        let name = aid::enterprise_application(self.keys.enterprise_id());
        match select(card, &name) {
            Ok(application) => return self.whole(application.serial(), unfinished),
            Err(SelectError::Exchange(error)) => return Err(exchange_setback(error)),
            // Not there, not finished, locked or blocked.
            Err(_) => {}
        }
        let is_there = match selected(card, &name)? {
            StatusWord::FILE_NOT_FOUND => false,
            StatusWord::OK => true,
            status => {
                return Err(Setback::NotOurs(format!(
                    "the enterprise's application is on the SIM and answers {status}: see what `gp list` says of it"
                )));
            }
        };
        if is_there {
            return self.begun(card, &name, unfinished);
        }
        // That the domain is this operator's shows before a number is given to the SIM.
        self.session(card).map(drop)?;
        Ok(Found::Blank(Standing::Absent))
    }

    fn make(&self, card: &mut dyn Transport, job: &Job, standing: Standing) -> Result<(), Setback> {
        let serial = application_serial(job)?;
        let order = self.orders.order(job.row).ok_or_else(|| no_row(job.row))?;
        let management = self.keys.management(serial).map_err(station)?;
        let mut session = self.session(card)?;
        if standing == Standing::There {
            match delete(&mut session, &Aid::enterprise(order.enterprise), false) {
                Ok(()) => {}
                // Deleted by a tap whose answer was lost.
                Err(ManagementError::Refused(ManagementRefusal {
                    command: ManagementCommand::Delete,
                    status: StatusWord::DATA_NOT_FOUND | StatusWord::FILE_NOT_FOUND,
                })) => {}
                Err(error) => return Err(management_setback(error)),
            }
        }
        install_enterprise_application(&mut session, order.enterprise, &management).map_err(management_setback)?;
        drop((session, management));
        let mut keeper = self.keys.keeper();
        let application = second_wash(card, self.keys, &mut keeper, serial, &order)?;
        write_rights(card, &application, &mut keeper, &order, &self.orders.rights(&order))
            .map_err(|setback| keeper.explain(setback))
    }

    fn check(&self, card: &mut dyn Transport, job: &Job) -> Result<(), Setback> {
        let serial = application_serial(job)?;
        let order = self.orders.order(job.row).ok_or_else(|| no_row(job.row))?;
        card_check::check(card, self.keys, serial, &order, &self.orders.rights(&order))
    }
}

impl SimCraft<'_> {
    fn whole(&self, serial: ApplicationSerial, unfinished: &[Number]) -> Result<Found<Standing>, Setback> {
        let number = self.series.number_of(serial).ok_or_else(|| {
            Setback::NotOurs(format!("application {serial} is on the SIM already, with a number of another series"))
        })?;
        Ok(Found::Whole(number, unfinished.contains(&number).then_some(Standing::There)))
    }

    /// An application that tells no number: whose keys it has.
    fn begun(&self, card: &mut dyn Transport, name: &[u8], unfinished: &[Number]) -> Result<Found<Standing>, Setback> {
        let keys = [
            NamedKey { purpose: Purpose::Management, version: self.keys.operator_version() },
            NamedKey { purpose: Purpose::Control, version: self.keys.version() },
        ];
        for number in unfinished {
            let Some(Serial::Application { serial, .. }) = self.series.serial(*number) else { continue };
            for key in keys {
                let key = self.keys.card_key(key, serial.to_bytes()).map_err(station)?;
                match opens(card, name, &key.into())? {
                    Opened::Yes => return Ok(Found::Begun(*number, Standing::There)),
                    Opened::No => {}
                    Opened::AskNoMore => return Err(stranger()),
                }
            }
        }
        Err(stranger())
    }

    fn session<'t>(&self, card: &'t mut dyn Transport) -> Result<Session<&'t mut dyn Transport>, Setback> {
        let domain = select_domain(card, &Aid::ISSUER_DOMAIN).map_err(|error| match error {
            SelectDomainError::Exchange(error) => exchange_setback(error),
            other => Setback::NotOurs(other.to_string()),
        })?;
        if domain.is_locked {
            return Err(Setback::NotOurs("the SIM is locked by its operator: serve it at the desk".to_owned()));
        }
        let keys = DomainOfSims::new(self.keys, self.terms);
        let request = Request {
            keys: &keys,
            level: Level::Full,
            challenge: HostChallenge::draw(&mut rand::rng()),
            domain: Some(domain.aid.as_bytes()),
            scp02_pseudo_random: false,
        };
        let opened = open(card, &request);
        opened.map_err(|error| match (keys.trouble(), error) {
            (Some(trouble), _) => station(trouble),
            (None, OpenError::Exchange(error)) => exchange_setback(error),
            (None, OpenError::MissingKey(missing)) => Setback::Station(missing.to_string()),
            (None, other) => Setback::NotOurs(other.to_string()),
        })
    }
}

/// What a try of a key came to.
enum Opened {
    Yes,
    No,
    /// So few tries are left that they are somebody else's.
    AskNoMore,
}

/// Whether `key` is the application's control key, which allows 65,535 failures where this station made it.
fn opens(card: &mut dyn Transport, name: &[u8], key: &LineKey) -> Result<Opened, Setback> {
    const FEW: u8 = 3;
    selected(card, name)?;
    let Ok(challenge) = challenge(card) else { return Ok(Opened::AskNoMore) };
    let authenticate = external_authentication(CONTROL_KEY_ID, challenge, key);
    let status = exchange(card, &authenticate).map_err(exchange_setback)?.status;
    Ok(match status {
        StatusWord::OK => Opened::Yes,
        status if status.tries().is_some_and(|tries| tries > FEW) => Opened::No,
        _ => Opened::AskNoMore,
    })
}

/// What SELECT of the application answers.
fn selected(card: &mut dyn Transport, name: &[u8]) -> Result<StatusWord, Setback> {
    let select = Command::new(ins::CLA_ISO, ins::SELECT, 0x04, 0x00).with_bytes(name);
    let select = select.map_err(|error| Setback::Station(error.to_string()))?.expecting(0);
    Ok(exchange(card, &select).map_err(exchange_setback)?.status)
}

fn stranger() -> Setback {
    Setback::NotOurs(
        "an application of the enterprise is begun on the SIM, and with no number of this batch: finish it where it was begun, or \
         delete it by `gp delete`"
            .to_owned(),
    )
}

fn management_setback(error: ManagementError) -> Setback {
    match error {
        ManagementError::Session(SessionError::Exchange(error)) => exchange_setback(error),
        other => Setback::Failed(other.to_string()),
    }
}

fn exchange_setback(error: ExchangeError) -> Setback {
    match error {
        ExchangeError::Transport(source) => silent(source),
        malformed => Setback::Failed(malformed.to_string()),
    }
}

//! SAMs: from blank to a terminal's, in an MF under the operator's keys.

use onecard_host::{
    apdu::{Command, exchange},
    card::external_authentication,
    crypto::{DesKey, LineKey},
    issuing::{Condition, MfKeys, NotOurs, Opener, SamCardOrder, SamSerial, examine, issue_sam, prepare_mf_resumable},
    line_protection::challenge,
    transport::Transport,
};
use onecard_wire::{
    aid, fid::Fid, ins, key::CONTROL_KEY_ID, number::EnterpriseId, sam::CARD_INFO_LEN, status::StatusWord,
};

use super::{IssuingKeys, cpu_card::station, sam_check};
use crate::{
    batch::{Craft, Found, Job, Setback, Unfinished},
    list::List,
    numbers::{Number, Serial, Series},
    people::Terminal,
    profile::{Profile, SamTerms},
};

/// The making of a batch of SAMs.
#[derive(Debug)]
pub struct SamCraft<'c> {
    /// The keys.
    pub keys: &'c IssuingKeys,
    /// What every SAM gets.
    pub profile: &'c Profile,
    /// Of it, what SAMs alone have.
    pub terms: &'c SamTerms,
    /// The terminals.
    pub list: &'c List<Terminal>,
}

impl Craft for SamCraft<'_> {
    type Opening = LineKey;

    fn look(&self, card: &mut dyn Transport, unfinished: &Unfinished) -> Result<Found<LineKey>, Setback> {
        let unfinished = unfinished.all();
        if let Some(serial) = self.told_serial(card)? {
            return self.named(card, serial, unfinished);
        }
        let enterprise = self.keys.enterprise_id();
        let mut refused = match examine(card, enterprise, None) {
            Ok(Condition::Blank | Condition::Unfinished(_)) => return Ok(Found::Blank(DesKey::TRANSPORT.into())),
            Ok(Condition::Issued { .. }) => return Err(not_a_sam()),
            Err(error) => error,
        };
        for number in unfinished {
            if !matches!(refused, NotOurs::OtherKey(_) | NotOurs::OtherKeys | NotOurs::OtherApplication(_)) {
                break;
            }
            let mf = self.mf(self.serial(*number)?)?;
            // Files of the MF that are there and not written yet.
            if let NotOurs::OtherApplication(_) = refused {
                if let Some(opener) = opened(card, &mf)? {
                    return Ok(Found::Begun(*number, opener));
                }
                continue;
            }
            match examine(card, enterprise, Some(&mf)) {
                Ok(Condition::Unfinished(opener)) => return Ok(Found::Begun(*number, opener.key(&mf))),
                Ok(_) => return Err(not_a_sam()),
                Err(error) => refused = error,
            }
        }
        Err(refused.into())
    }

    fn make(&self, card: &mut dyn Transport, job: &Job, opening: LineKey) -> Result<(), Setback> {
        let order = self.order(job)?;
        // Asked for first: a store that gives none out makes no SAM, and no card is touched.
        let working = self.keys.working_keys().map_err(station)?;
        let mf = self.mf(order.serial)?;
        prepare_mf_resumable(card, &opening, &mf)?;
        Ok(issue_sam(card, &mf, &working, &order)?)
    }

    fn check(&self, card: &mut dyn Transport, job: &Job) -> Result<(), Setback> {
        sam_check::check(card, self.keys, self.terms, &self.order(job)?)
    }
}

impl SamCraft<'_> {
    /// A SAM whose MF tells a number: whole, or begun.
    fn named(
        &self,
        card: &mut dyn Transport,
        serial: SamSerial,
        unfinished: &[Number],
    ) -> Result<Found<LineKey>, Setback> {
        let number = self.series().sam_number_of(serial);
        let number =
            number.ok_or_else(|| Setback::NotOurs(format!("SAM {serial} is issued already, of another series")))?;
        let begun = unfinished.contains(&number);
        let opener = if begun { opened(card, &self.mf(serial)?)? } else { None };
        let is_whole = application_there(card, self.keys.enterprise_id())?;
        match (is_whole, opener) {
            (true, opener) => Ok(Found::Whole(number, opener)),
            (false, Some(opener)) => Ok(Found::Begun(number, opener)),
            (false, None) => Err(Setback::NotOurs(format!("SAM {serial} has no application of this enterprise"))),
        }
    }

    /// The number in EF 0015 of the MF; `None` if there is none, or none is written yet.
    fn told_serial(&self, card: &mut dyn Transport) -> Result<Option<SamSerial>, Setback> {
        const SFI: u8 = 0x80 | (Fid::SAM_CARD_INFO.0 & 0x1F) as u8;
        select_mf(card)?;
        let read = Command::new(ins::CLA_ISO, ins::READ_BINARY, SFI, 0).expecting(CARD_INFO_LEN as u8);
        let answer = exchange(card, &read).map_err(|error| Setback::from(NotOurs::Exchange(error)))?;
        let Ok(info) = answer.done() else { return Ok(None) };
        let digits = hex::encode(info.get(..10).unwrap_or_default());
        Ok(digits.parse().ok().filter(|serial: &SamSerial| serial.factor() != [0; 8]))
    }

    fn order(&self, job: &Job) -> Result<SamCardOrder, Setback> {
        let at = self.list.rows.binary_search_by_key(&job.row, |(row, _)| *row).ok();
        let terminal = at.and_then(|at| self.list.rows.get(at)).map(|(_, terminal)| terminal);
        let terminal = terminal.ok_or_else(|| Setback::Station(format!("the list has no row {}", job.row)))?;
        Ok(SamCardOrder {
            serial: self.serial(job.number)?,
            directory: self.profile.directory,
            terminal: terminal.number,
            valid_from: self.profile.valid_from,
            valid_to: self.profile.valid_to,
            load_limit: terminal.load_limit.unwrap_or(self.terms.load_limit),
            own_key_version: self.keys.version(),
            keys: self.terms.keys.clone(),
        })
    }

    fn mf(&self, serial: SamSerial) -> Result<MfKeys, Setback> {
        self.keys.mf_of_sam(serial).map_err(station)
    }

    fn serial(&self, number: Number) -> Result<SamSerial, Setback> {
        match self.series().serial(number) {
            Some(Serial::Sam(serial)) => Ok(serial),
            _ => Err(Setback::Station(format!("number {} is outside the profile's range", number.0))),
        }
    }

    const fn series(&self) -> &Series {
        &self.profile.series
    }
}

/// What of these keys opens the MF. A begun SAM's control key allows 65,535 failures.
fn opened(card: &mut dyn Transport, mf: &MfKeys) -> Result<Option<LineKey>, Setback> {
    for opener in [Opener::ControlKey, Opener::FirstKey] {
        select_mf(card)?;
        let key = opener.key(mf);
        let Ok(challenge) = challenge(card) else { return Ok(None) };
        let authenticate = external_authentication(CONTROL_KEY_ID, challenge, &key);
        let answer = exchange(card, &authenticate).map_err(|error| Setback::from(NotOurs::Exchange(error)))?;
        match answer.status {
            StatusWord::OK => return Ok(Some(key)),
            // Three tries at most are a card as sold, or a stranger's.
            status if status.tries().is_some_and(|tries| tries <= 3) => return Ok(None),
            _ => {}
        }
    }
    Ok(None)
}

fn application_there(card: &mut dyn Transport, enterprise: EnterpriseId) -> Result<bool, Setback> {
    let name = aid::sam_application(enterprise);
    let select = Command::new(ins::CLA_ISO, ins::SELECT, 0x04, 0x00).with_data(&name).expecting(0);
    let answer = exchange(card, &select).map_err(|error| Setback::from(NotOurs::Exchange(error)))?;
    Ok(answer.status == StatusWord::OK)
}

fn select_mf(card: &mut dyn Transport) -> Result<(), Setback> {
    let select = Command::new(ins::CLA_ISO, ins::SELECT, 0x00, 0x00).with_data(&Fid::MF.0.to_be_bytes());
    exchange(card, &select.expecting(0)).map(drop).map_err(|error| NotOurs::Exchange(error).into())
}

fn not_a_sam() -> Setback {
    Setback::NotOurs("a member's application is on it: this is no SAM".to_owned())
}

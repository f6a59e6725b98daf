//! The people with phones, their cards, and their orders.

use onecard_gateway::campaign::{
    ApplicationContent, EnterpriseDesk, FirstPin, Flow, IssuingOffice, KeysAtHand, NewCard, NewTask, OperatorKeys,
    SetCipher,
};
use onecard_host::{
    keys::Purpose,
    over_the_air::{
        SetVersion, Tries,
        deletion::{Deletion, DeletionTerms},
        issue::install_command,
        message::Address,
        recharge::{Patience, Recharge, RechargeTerms},
    },
};
use onecard_simulator::{
    message_centre::network::Network,
    sample::{OTA_VERSION, Sample},
};
use onecard_wire::{
    amount::Amount,
    date::Moment,
    number::{ApplicationSerial, EnterpriseId, TerminalNumber},
    uicc,
    wallet::Purse,
};

use super::{START, judge::Violation, radio::Radio};

/// Most short messages of a packet.
const PARTS: usize = 5;
const TRIES: Tries = Tries { packets: 10, attempts: 10 };

/// Everybody, by number from 0.
pub(super) struct People {
    cards: u32,
    sample: Sample,
    enterprise: EnterpriseId,
}

impl People {
    pub(super) fn new(cards: u32) -> Result<Self, Violation> {
        let sample = Sample::new("air")?;
        let enterprise = sample.enterprise();
        Ok(Self { cards, sample, enterprise })
    }

    /// A terminal of the enterprise.
    pub(super) fn radio(&mut self, moment: Moment, seed: u64) -> Result<Radio, Violation> {
        Radio::new(&mut self.sample, moment, seed)
    }

    pub(super) const fn enterprise(&self) -> EnterpriseId {
        self.enterprise
    }

    pub(super) fn numbers(&self) -> core::ops::Range<u32> {
        0..self.cards
    }

    pub(super) fn packet_keys(&self) -> OperatorKeys {
        OperatorKeys::new(self.sample.roots().clone(), Sample::KEY_VERSION)
    }

    pub(super) fn desk(&self) -> Result<EnterpriseDesk<'static>, Violation> {
        let keys = self.sample.roots().enterprise(self.enterprise);
        let office = IssuingOffice::open(Box::new(KeysAtHand::new(keys.clone())));
        let office = office.map_err(|_| Violation::World("the key store"))?;
        let office = office.with_pin(Some(self.sample.order().pin)).with_parts(PARTS);
        Ok(EnterpriseDesk::new(vec![keys]).issuing(office))
    }

    pub(super) fn serial(number: u32) -> Result<ApplicationSerial, Violation> {
        ApplicationSerial::from_parts(31, 1, u64::from(number) + 1).ok_or(Violation::World("a serial"))
    }

    pub(super) fn phone(number: u32) -> Result<Address, Violation> {
        format!("+86139{number:08}").parse().map_err(|_| Violation::World("a telephone number"))
    }

    /// The card's number in an order of that kind: I issue, R recharge, D deletion.
    pub(super) fn number_of(kind: char, order: &str) -> Option<u32> {
        order.strip_prefix(kind)?.parse().ok()
    }

    /// Every tenth application is deleted in the end.
    pub(super) const fn is_deleted(number: u32) -> bool {
        number % 10 == 3
    }

    /// What is loaded: another amount for each, so that none is taken for another's.
    pub(super) const fn amount(number: u32) -> Amount {
        Amount::from_fen(10_000 + number % 50_000)
    }

    fn iccid(number: u32) -> String {
        format!("8986011234{number:09}")
    }

    /// Everybody's phone with a SIM as its maker delivers it.
    pub(super) fn switch_on(&mut self, network: &mut Network) -> Result<(), Violation> {
        for number in self.numbers() {
            let iccid = uicc::iccid(&Self::iccid(number)).ok_or(Violation::World("an ICCID"))?;
            network.insert(Self::phone(number)?, self.sample.sim(iccid)?);
        }
        Ok(())
    }

    pub(super) fn issues(&self) -> impl Iterator<Item = Result<NewTask, Violation>> {
        self.numbers().map(|number| self.task('I', number, self.issue(number)?))
    }

    pub(super) fn recharges(&self) -> impl Iterator<Item = Result<NewTask, Violation>> {
        self.numbers().map(|number| self.task('R', number, self.recharge(number)?))
    }

    pub(super) fn deletions(&self) -> impl Iterator<Item = Result<NewTask, Violation>> {
        let numbers = self.numbers().filter(|number| Self::is_deleted(*number));
        numbers.map(|number| self.task('D', number, self.deletion(number)?))
    }

    fn task(&self, kind: char, number: u32, flow: Flow) -> Result<NewTask, Violation> {
        Ok(NewTask {
            order_number: format!("{kind}{number}"),
            card: NewCard {
                iccid: Self::iccid(number),
                phone: Self::phone(number)?,
                key_set: set_version()?,
                cipher: SetCipher::Aes,
                counter: 0,
            },
            flow,
            not_before: START,
        })
    }

    fn issue(&self, number: u32) -> Result<Flow, Violation> {
        let card = self.sample.order();
        let serial = Self::serial(number)?;
        let iccid = uicc::iccid(&Self::iccid(number)).ok_or(Violation::World("an ICCID"))?;
        let set = self.packet_keys().key_set(iccid, set_version()?, SetCipher::Aes);
        let set = set.map_err(|_| Violation::World("a SIM's keys"))?;
        let keys = self.sample.roots().enterprise(self.enterprise);
        let management = keys.card_key(serial, Purpose::Management, Sample::KEY_VERSION);
        let management = management.map_err(|_| Violation::World("the management key"))?;
        let install = install_command(&set, self.enterprise, &management).map_err(|_| Violation::World("INSTALL"))?;
        let content = ApplicationContent {
            valid_from: card.valid_from,
            valid_to: card.valid_to,
            holder: card.holder,
            parameters: card.parameters,
            pin: FirstPin::OfDesk,
            key_version: card.key_version,
            beside: card.beside,
            management: Sample::KEY_VERSION,
            check_values: Vec::new(),
        };
        content.issue(self.enterprise, serial, install, TRIES).map_err(|_| Violation::World("an issue's terms"))
    }

    fn recharge(&self, number: u32) -> Result<Flow, Violation> {
        let terms = RechargeTerms {
            enterprise: self.enterprise,
            purse: Purse::Ep,
            key_id: 0x11,
            amount: Self::amount(number),
            terminal: TerminalNumber([0x31, 0, 0, 0, 0, 1]),
        };
        let patience = Patience { packets: 10, credits: 5 };
        let recharge = Recharge::begin(terms, patience).map_err(|_| Violation::World("a recharge's terms"))?;
        Ok(Flow::Recharge { serial: Self::serial(number)?, recharge })
    }

    fn deletion(&self, number: u32) -> Result<Flow, Violation> {
        let terms = DeletionTerms { enterprise: self.enterprise, serial: Self::serial(number)?, deposit: Amount::ZERO };
        let deletion = Deletion::begin(terms, TRIES).map_err(|_| Violation::World("a deletion's terms"))?;
        Ok(Flow::Deletion(Box::new(deletion)))
    }
}

fn set_version() -> Result<SetVersion, Violation> {
    SetVersion::new(OTA_VERSION).ok_or(Violation::World("the key set"))
}

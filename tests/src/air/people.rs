//! The people with phones, their cards, and their orders.

use onecard_gateway::campaign::{EnterpriseDesk, Flow, NewCard, NewTask, OperatorKeys, SetCipher};
use onecard_host::over_the_air::{
    SetVersion,
    message::Address,
    recharge::{Patience, Recharge, RechargeTerms},
};
use onecard_simulator::{
    message_centre::network::Network,
    sample::{OTA_VERSION, Sample},
};
use onecard_wire::{
    amount::Amount,
    number::{ApplicationSerial, EnterpriseId, TerminalNumber},
    uicc,
    wallet::Purse,
};

use super::{START, judge::Violation};

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

    pub(super) const fn enterprise(&self) -> EnterpriseId {
        self.enterprise
    }

    pub(super) fn numbers(&self) -> core::ops::Range<u32> {
        0..self.cards
    }

    pub(super) fn packet_keys(&self) -> OperatorKeys {
        OperatorKeys::new(self.sample.roots().clone(), Sample::KEY_VERSION)
    }

    pub(super) fn desk(&self) -> EnterpriseDesk {
        EnterpriseDesk::new(vec![self.sample.roots().enterprise(self.enterprise)])
    }

    pub(super) fn serial(number: u32) -> Result<ApplicationSerial, Violation> {
        ApplicationSerial::from_parts(31, 1, u64::from(number) + 1).ok_or(Violation::World("a serial"))
    }

    pub(super) fn phone(number: u32) -> Result<Address, Violation> {
        format!("+86139{number:08}").parse().map_err(|_| Violation::World("a telephone number"))
    }

    /// The card's number in the order with that number of its own.
    pub(super) fn number_of(order: &str) -> Option<u32> {
        order.strip_prefix('R')?.parse().ok()
    }

    /// What is loaded: another amount for each, so that none is taken for another's.
    pub(super) const fn amount(number: u32) -> Amount {
        Amount::from_fen(10_000 + number % 50_000)
    }

    fn iccid(number: u32) -> String {
        format!("8986011234{number:09}")
    }

    /// Everybody's phone with a SIM that has the enterprise's application.
    pub(super) fn switch_on(&mut self, network: &mut Network) -> Result<(), Violation> {
        for number in self.numbers() {
            let iccid = uicc::iccid(&Self::iccid(number)).ok_or(Violation::World("an ICCID"))?;
            let chip = self.sample.sim(iccid)?;
            let chip = self.sample.install(chip, self.enterprise, Self::serial(number)?)?;
            network.insert(Self::phone(number)?, chip);
        }
        Ok(())
    }

    pub(super) fn recharges(&self) -> Result<Vec<NewTask>, Violation> {
        self.numbers().map(|number| self.recharge(number)).collect()
    }

    fn recharge(&self, number: u32) -> Result<NewTask, Violation> {
        let terms = RechargeTerms {
            enterprise: self.enterprise,
            purse: Purse::Ep,
            key_id: 0x11,
            amount: Self::amount(number),
            terminal: TerminalNumber([0x31, 0, 0, 0, 0, 1]),
        };
        let patience = Patience { packets: 10, credits: 5 };
        let recharge = Recharge::begin(terms, patience).map_err(|_| Violation::World("a recharge's terms"))?;
        Ok(NewTask {
            order_number: format!("R{number}"),
            card: NewCard {
                iccid: Self::iccid(number),
                phone: Self::phone(number)?,
                key_set: SetVersion::new(OTA_VERSION).ok_or(Violation::World("the key set"))?,
                cipher: SetCipher::Aes,
                counter: 0,
            },
            flow: Flow::Recharge { serial: Self::serial(number)?, recharge },
            not_before: START,
        })
    }
}

//! The terminal beside the phone.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use onecard_host::{
    card::{balance, select},
    terminal::{JournalFile, PurchaseOrder, purchase},
};
use onecard_simulator::{handset::script::Counter, phone_slot::Field};
use onecard_wire::{aid, amount::Amount, number::EnterpriseId, wallet::Purse};

use super::Phone;
use crate::{
    args::{At, ChipFile, positive_amount},
    commands::card::PURCHASE_KEY,
    ending::TapEnding,
    journal,
    reader::Place,
    terminal_sam::TerminalSam,
    trace::Trace,
};

/// A till that the phone can be held to.
pub(super) struct Till {
    /// None at a reader's contacts.
    field: Option<Field>,
    sam: Option<TerminalSam>,
    enterprise: EnterpriseId,
    journal: PathBuf,
    at: At,
}

impl Till {
    pub(super) fn new(field: Option<Field>, phone: &Phone, place: &Place) -> anyhow::Result<Self> {
        let trace = Trace::new(false);
        let named = phone.enterprise.enterprise;
        let sam =
            phone.sam.as_ref().map(|source| TerminalSam::open(source, &phone.passphrase, named, &trace)).transpose()?;
        let journal = match place {
            Place::Sim(ChipFile(path)) => journal::beside(path, ".journal"),
            Place::Pcsc(_) => Path::new("phone.journal").to_owned(),
        };
        let enterprise = sam.as_ref().map_or(named, |sam| sam.enterprise);
        Ok(Self { field, sam, enterprise, journal, at: phone.at.clone() })
    }

    fn serve(&mut self, order: &str) -> anyhow::Result<String> {
        match order.split_once(' ').unwrap_or((order, "")) {
            ("balance", "") => self.balance(),
            ("pay", yuan) => {
                let amount = positive_amount(yuan).map_err(|expected| anyhow::anyhow!("pay {yuan:?}: {expected}"))?;
                self.pay(amount)
            }
            _ => bail!("the terminal does: balance, pay YUAN; not {order:?}"),
        }
    }

    fn balance(&mut self) -> anyhow::Result<String> {
        let name = aid::enterprise_application(self.enterprise);
        let balance = self.held(|field| {
            let application = select(field, &name)?;
            Ok(balance(field, &application, Purse::Ep)?)
        })?;
        Ok(format!("Balance 余额 {balance}"))
    }

    fn pay(&mut self, amount: Amount) -> anyhow::Result<String> {
        let mut journal: JournalFile = journal::open(&self.journal)?;
        let number = journal::order_number(None, &journal, &self.journal)?;
        let (enterprise, moment) = (self.enterprise, self.at.moment()?);
        let order =
            PurchaseOrder { number, enterprise, purse: Purse::Ep, key_id: PURCHASE_KEY, amount, moment, pin: None };
        let mut sam = self.sam.take().context("the terminal has no SAM: give one by --sam")?;
        let ended = self.held(|field| Ok(purchase(field, sam.sam(), &mut journal, &order)?));
        self.sam = Some(sam);
        Ok(TapEnding::of(&ended.with_context(|| format!("order {number}"))?).to_string().trim_end().to_owned())
    }

    /// The phone comes into the field, the terminal works, the phone leaves.
    fn held<R>(&mut self, work: impl FnOnce(&mut Field) -> anyhow::Result<R>) -> anyhow::Result<R> {
        let field = self.field.as_mut().context("a card at a reader's contacts is in no terminal's field")?;
        field.enter();
        let result = work(field);
        field.leave();
        result
    }
}

impl Counter for Till {
    fn tap(&mut self, order: &str) -> Result<String, String> {
        self.serve(order).map_err(|error| format!("{error:#}"))
    }
}

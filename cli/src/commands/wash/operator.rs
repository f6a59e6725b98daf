//! What both first washes have in common: the operator's keys, and an MF under them.

use anyhow::{Context, ensure};
use clap::Args;
use onecard_host::{
    crypto::Key,
    issuing::{Condition, IssuingError, MfKeys, NotOurs, Opener, prepare_mf_resumable},
    key_store::{KeyTarget, NamedKey},
    keys::Purpose,
};
use onecard_simulator::chip::{Blank, Chip};
use onecard_wire::number::EnterpriseId;
use rand::RngExt;

use super::LeftAlone;
use crate::{
    args::Enterprise,
    consent::Consent,
    development_keys::KEY_VERSION,
    master_keys::MasterKeys,
    reader::{Inserted, Place, store_chip},
};

/// The operator's keys.
#[derive(Args, Debug)]
pub(super) struct OperatorKeys {
    #[command(flatten)]
    keys: MasterKeys,
    #[command(flatten)]
    enterprise: Enterprise,
    #[command(flatten)]
    not: NotOfAnEnterprise,
}

/// What the second wash takes and the first does not, to say so.
#[derive(Args, Debug)]
struct NotOfAnEnterprise {
    /// Refused.
    #[arg(long, value_name = "READER", hide = true)]
    master: Option<String>,
    /// Refused.
    #[arg(long, value_name = "READER", hide = true)]
    mother: Option<String>,
    /// Refused.
    #[arg(long, value_name = "FILE", hide = true)]
    master_pin_file: Option<String>,
}

/// Which keys of the operator's a card gets.
#[derive(Clone, Copy)]
pub(super) struct Purposes {
    /// Of the MF.
    pub(super) control: Purpose,
    /// Of the MF.
    pub(super) maintenance: Purpose,
    /// Of the application.
    pub(super) management: Purpose,
}

/// One card's, for as long as it is washed.
pub(super) struct CardKeys {
    pub(super) enterprise: EnterpriseId,
    pub(super) mf: MfKeys,
    pub(super) management: Key,
}

impl OperatorKeys {
    /// Those of the card with this factor.
    pub(super) fn of(&self, purposes: Purposes, factor: [u8; 8]) -> anyhow::Result<CardKeys> {
        self.not.is_named()?;
        let store = self.keys.as_store(self.enterprise.enterprise)?;
        let mut store =
            store.context("name the operator's keys by --keys FILE or --token LABEL 请加--keys或--token")?;
        let name = |purpose| NamedKey { purpose, version: KEY_VERSION };
        let mf = MfKeys {
            control: store.chip_key(name(purposes.control), factor)?,
            maintenance: store.chip_key(name(purposes.maintenance), factor)?,
        };
        let management = store.card_key(name(purposes.management), factor)?;
        Ok(CardKeys { enterprise: store.enterprise(), mf, management })
    }
}

impl NotOfAnEnterprise {
    fn is_named(&self) -> anyhow::Result<()> {
        let Self { master, mother, master_pin_file } = self;
        ensure!(
            master.is_none() && mother.is_none() && master_pin_file.is_none(),
            "a key master card makes no first wash 密钥母卡不能一次洗卡: it has an enterprise's keys and none of the master file's, which are \
             the operator's, and gives no management key. Name the operator's keys by --keys FILE or --token LABEL; the key master card \
             is for `onecard wash second`"
        );
        Ok(())
    }
}

/// A card about to be washed for the first time.
pub(super) struct First<'f> {
    pub(super) place: &'f Place,
    pub(super) blank: Blank<'static>,
    pub(super) consent: &'f Consent,
    pub(super) mf: &'f MfKeys,
    /// What it will say that it is, for its owner to agree to.
    pub(super) plan: Vec<String>,
    pub(super) target: KeyTarget,
    /// Whether the journal says that a card of that number is good, or may be whole.
    pub(super) is_given: bool,
}

impl First<'_> {
    /// Looks at the card, gives it the operator's MF if it has not got it, and has `wash` make the directory. A simulated card that is
    /// not there is made.
    pub(super) fn wash(
        &self,
        examine: impl FnOnce(&mut Inserted) -> Result<Condition, NotOurs>,
        wash: impl FnOnce(&mut Inserted) -> Result<(), IssuingError>,
    ) -> anyhow::Result<()> {
        if let Place::Sim(file) = self.place
            && !file.0.exists()
        {
            self.is_another()?;
            store_chip(&mut Chip::blank(self.blank, rand::rng().random())?, file)?;
        }
        let mut card = self.place.inserted(Some(self.blank.kind()))?;
        let washed = self.washed(&mut card, examine, wash).with_context(|| self.place.to_string());
        card.taken_out_of(self.place)?;
        washed
    }

    fn washed(
        &self,
        card: &mut Inserted,
        examine: impl FnOnce(&mut Inserted) -> Result<Condition, NotOurs>,
        wash: impl FnOnce(&mut Inserted) -> Result<(), IssuingError>,
    ) -> anyhow::Result<()> {
        let (opener, there) = match examine(card)? {
            Condition::Blank => (Opener::TransportKey, "blank 空白"),
            Condition::Unfinished(opener) => (opener, "of these keys and this number 未完成"),
            Condition::Issued { .. } => {
                return Err(LeftAlone("nothing was written: it is issued already 已发卡，未写入".to_owned()).into());
            }
        };
        self.is_another()?;
        self.consent.ask(self.place, there, &self.plan)?;
        if opener != Opener::ControlKey {
            prepare_mf_resumable(card, &opener.key(self.mf), self.mf)?;
        }
        Ok(wash(card)?)
    }

    /// A card that is not issued is not the one that has the number, whose second wash it would be refused (specification 18.7.2).
    fn is_another(&self) -> Result<(), LeftAlone> {
        if !self.is_given {
            return Ok(());
        }
        Err(LeftAlone(format!(
            "nothing was written 未写入: {} was washed before, and this card is not it 并非该卡: a number is given once, name another",
            self.target
        )))
    }
}

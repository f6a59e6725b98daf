//! A desk with the keys of some enterprises in memory.

use core::fmt;

use onecard_host::{
    crypto::{Key, SessionKey, TransactionTerms, load_tac, macs_equal},
    keys::{EnterpriseKeys, Purpose},
    over_the_air::{
        KeyInHand, MaintenanceKey,
        deletion::{self, Settlement, Suspension},
        issue::{self, Making},
        lock::{self, Writing},
        recharge::{Approval, Judgement, Next},
    },
};
use onecard_wire::{
    amount::Amount,
    date::Moment,
    key::KeyVersion,
    number::{ApplicationSerial, EnterpriseId},
    wallet::TransactionType,
};

use super::{Desk, IssuingOffice, NotSaid, Place, Unavailable};
use crate::campaign::content::ApplicationContent;

/// A desk with the keys of some enterprises in memory: for development, and inside one that unseals them.
pub struct EnterpriseDesk<'i> {
    enterprises: Vec<EnterpriseKeys>,
    issuing: Option<IssuingOffice<'i>>,
    deposits: Option<Deposits>,
}

/// Who knows what an ED holds by the books.
pub type Deposits = Box<dyn Fn(ApplicationSerial) -> Option<Amount>>;

impl fmt::Debug for EnterpriseDesk<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EnterpriseDesk").field("enterprises", &self.enterprises).finish_non_exhaustive()
    }
}

impl<'i> EnterpriseDesk<'i> {
    /// With the keys of `enterprises`.
    #[must_use]
    pub const fn new(enterprises: Vec<EnterpriseKeys>) -> Self {
        Self { enterprises, issuing: None, deposits: None }
    }

    /// One that issues, too.
    #[must_use]
    pub fn issuing(self, office: IssuingOffice<'i>) -> Self {
        Self { issuing: Some(office), ..self }
    }

    /// One that knows the books: without it no deletion is begun from a phone's menu.
    #[must_use]
    pub fn with_deposits(self, deposits: Deposits) -> Self {
        Self { deposits: Some(deposits), ..self }
    }

    fn office(&mut self) -> Result<&mut IssuingOffice<'i>, Unavailable> {
        let missing = "no key store is here that applications are issued from: open it where the gateway is begun 未打开发卡密钥库";
        self.issuing.as_mut().ok_or_else(|| Unavailable(missing.to_owned()))
    }

    fn keys_of(&self, enterprise: EnterpriseId) -> Result<&EnterpriseKeys, Unavailable> {
        let keys = self.enterprises.iter().find(|keys| keys.enterprise() == enterprise);
        keys.ok_or_else(|| Unavailable(format!("no keys of enterprise {enterprise} are at hand 无该企业密钥")))
    }

    /// The maintenance key that the card says it has; of one that says nothing the newest. No other is tried: the card counts.
    fn maintenance(
        &self,
        (enterprise, serial): (EnterpriseId, ApplicationSerial),
        shown: MaintenanceKey,
    ) -> Result<KeyInHand, Unavailable> {
        let keys = self.keys_of(enterprise)?;
        let versions = keys.keys().versions(Purpose::Maintenance);
        let of_card = versions.iter().filter_map(|it| keys.card_key(serial, Purpose::Maintenance, *it).ok());
        let key = of_card.map(KeyInHand).find(|KeyInHand(key)| shown.may_be(key));
        key.ok_or_else(|| Unavailable(no_maintenance_key(enterprise, shown, &versions)))
    }
}

impl Desk for EnterpriseDesk<'_> {
    fn approve(&mut self, serial: ApplicationSerial, approval: Approval, moment: Moment) -> Result<Next, Unavailable> {
        let terms = *approval.terms();
        let initialized = approval.initialized;
        let keys = self.keys_of(terms.enterprise)?;
        let key = keys.card_key(serial, Purpose::LoadForAir, initialized.key_version).ok();
        // A card that names a key there is none of is refused like one with a wrong MAC1.
        let Some(key) = key.filter(|key| key.algorithm() == initialized.algorithm.algorithm()) else {
            return Ok(Next::Ended(approval.refused()));
        };
        let session = SessionKey::of_load(&key, initialized.random, initialized.online_sequence);
        let transaction = TransactionTerms {
            amount: terms.amount,
            transaction_type: TransactionType::load(terms.purse),
            terminal: terms.terminal,
            moment,
        };
        if !macs_equal(session.load_mac1(initialized.old_balance, &transaction), initialized.mac1) {
            return Ok(Next::Ended(approval.refused()));
        }
        Ok(approval.approved(moment, session.load_mac2(&transaction)))
    }

    fn judge(
        &mut self,
        serial: ApplicationSerial,
        judgement: Judgement,
        place: &mut Place<'_>,
    ) -> Result<Next, NotSaid> {
        let keys = self.keys_of(judgement.enterprise())?;
        let versions = keys.keys().versions(Purpose::Tac);
        let tac_keys: Vec<Key> =
            versions.iter().filter_map(|it| keys.card_key(serial, Purpose::Tac, *it).ok()).collect();
        let ((terms, sequence), tac) = (judgement.terms(), judgement.tac());
        let is_tac = |key, balance| tac.is_some_and(|tac| macs_equal(load_tac(key, balance, sequence, &terms), tac));
        let is_right = |balance: &Amount| tac_keys.iter().any(|key| is_tac(key, *balance));
        let expected = judgement.expected_balance();
        // Nothing was paid in between, as nearly always; else the log says it. A desk that will never have the key leaves it to the books.
        if !expected.as_ref().is_some_and(is_right) && judgement.log_left() {
            let application = (judgement.enterprise(), serial);
            let Ok(mut keeper) = self.maintenance(application, judgement.maintenance_key()) else {
                return Ok(judgement.without_key().decide(expected, is_right));
            };
            let counter = place.reserve()?;
            if let Ok(next) = judgement.ask_log(counter, &mut keeper) {
                return Ok(next);
            }
        }
        Ok(judgement.decide(expected, is_right))
    }

    fn turn_begins(&mut self) {
        self.issuing.iter_mut().for_each(IssuingOffice::turn_begins);
    }

    fn issues(&mut self, enterprise: EnterpriseId, content: &ApplicationContent) -> Result<(), Unavailable> {
        self.office()?.ready_for(enterprise, content).map(drop)
    }

    fn make(
        &mut self,
        making: Making,
        content: &ApplicationContent,
        place: &mut Place<'_>,
    ) -> Result<issue::Next, NotSaid> {
        self.office()?.make(making, content, place)
    }

    fn write_status(&mut self, writing: Writing, place: &mut Place<'_>) -> Result<lock::Next, NotSaid> {
        let application = (writing.terms().enterprise, writing.terms().serial);
        let mut keeper = self.maintenance(application, writing.maintenance_key())?;
        let counter = place.reserve()?;
        Ok(writing.placed(counter, &mut keeper).unwrap_or_else(|_| writing.refused()))
    }

    fn suspend(&mut self, suspension: Suspension, place: &mut Place<'_>) -> Result<deletion::Next, NotSaid> {
        let application = (suspension.terms().enterprise, suspension.terms().serial);
        let mut keeper = self.maintenance(application, suspension.maintenance_key())?;
        let counter = place.reserve()?;
        Ok(suspension.placed(counter, &mut keeper).unwrap_or_else(|_| suspension.refused()))
    }

    fn deposit(&mut self, _: EnterpriseId, serial: ApplicationSerial) -> Result<Option<Amount>, Unavailable> {
        Ok(self.deposits.as_ref().and_then(|deposits| deposits(serial)))
    }

    /// The refund is what the campaign's book says of the order.
    fn settle(&mut self, settlement: Settlement) -> Result<deletion::Next, Unavailable> {
        Ok(settlement.settled())
    }
}

/// Why no maintenance key is the card's, and what to do. A card tells a check value: its key's record has no version (5.19.1).
fn no_maintenance_key(enterprise: EnterpriseId, shown: MaintenanceKey, versions: &[KeyVersion]) -> String {
    let at_hand = versions.iter().map(|version| format!("{:02X}", version.0)).collect::<Vec<_>>().join(", ");
    match shown {
        MaintenanceKey::Shown(check_value) if !versions.is_empty() => format!(
            "the card's maintenance key has the check value {check_value}, and none of enterprise {enterprise} at hand is that \
             (versions {at_hand}): begin the gateway with --keys of the version that the card was issued or rolled with \
             缺少该卡版本的维护密钥，请用含该版本的密钥库重新启动网关"
        ),
        _ => format!("no maintenance key of enterprise {enterprise} is at hand 无维护密钥"),
    }
}

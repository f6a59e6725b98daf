//! Whom a campaign asks: who has the packets' keys, and who has the enterprise's load and TAC keys.

use onecard_host::{
    crypto::{Key, SessionKey, TransactionTerms, load_tac, macs_equal},
    keys::{EnterpriseKeys, Purpose, RootKeys},
    over_the_air::{
        OtaKeySet, PacketKeys,
        recharge::{Approval, Judgement, Next},
    },
};
use onecard_wire::{
    date::Moment,
    key::KeyVersion,
    number::{ApplicationSerial, EnterpriseId},
    wallet::TransactionType,
};

use super::store::{Card, SetCipher};

/// Who has the keys of packets: the operator's, one set for each card.
pub trait PacketKeyStore {
    /// The ciphers of the card's set.
    ///
    /// # Errors
    /// [`Unavailable`].
    fn packet_keys(&mut self, card: &Card) -> Result<PacketKeys, Unavailable>;
}

/// Who approves loads and says whose they were: the enterprise's load server, which has its keys.
pub trait LoadDesk {
    /// Checks MAC1 and makes MAC2 at `moment`; or refuses.
    ///
    /// # Errors
    /// [`Unavailable`]: asked again later.
    fn approve(&mut self, serial: ApplicationSerial, approval: Approval, moment: Moment) -> Result<Next, Unavailable>;

    /// Says whether a proof is that of the load.
    ///
    /// # Errors
    /// [`Unavailable`]: asked again later.
    fn judge(&mut self, serial: ApplicationSerial, judgement: Judgement) -> Result<Next, Unavailable>;
}

/// Nobody is there who could say: later.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0}")]
pub struct Unavailable(pub String);

/// Packet keys out of an operator's roots.
#[derive(Debug)]
pub struct OperatorKeys {
    roots: RootKeys,
    version: KeyVersion,
}

/// A load server with the keys of some enterprises in memory.
#[derive(Debug)]
pub struct EnterpriseDesk {
    enterprises: Vec<EnterpriseKeys>,
}

impl OperatorKeys {
    /// Out of the roots of `version`.
    #[must_use]
    pub const fn new(roots: RootKeys, version: KeyVersion) -> Self {
        Self { roots, version }
    }
}

impl PacketKeyStore for OperatorKeys {
    fn packet_keys(&mut self, card: &Card) -> Result<PacketKeys, Unavailable> {
        let [_, _, chip @ ..] = card.iccid;
        let aes = card.cipher == SetCipher::Aes;
        let set = OtaKeySet::of_chip(&self.roots, self.version, (chip, card.key_set), aes);
        set.map(|set| PacketKeys::new(&set)).map_err(|missing| Unavailable(missing.to_string()))
    }
}

impl EnterpriseDesk {
    /// With the keys of `enterprises`.
    #[must_use]
    pub const fn new(enterprises: Vec<EnterpriseKeys>) -> Self {
        Self { enterprises }
    }

    fn keys_of(&self, enterprise: EnterpriseId) -> Result<&EnterpriseKeys, Unavailable> {
        let keys = self.enterprises.iter().find(|keys| keys.enterprise() == enterprise);
        keys.ok_or_else(|| Unavailable(format!("no keys of enterprise {enterprise} are at hand 无该企业密钥")))
    }
}

impl LoadDesk for EnterpriseDesk {
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

    fn judge(&mut self, serial: ApplicationSerial, judgement: Judgement) -> Result<Next, Unavailable> {
        let keys = self.keys_of(judgement.enterprise())?;
        let versions = keys.keys().versions(Purpose::Tac);
        let tac_keys: Vec<Key> =
            versions.iter().filter_map(|it| keys.card_key(serial, Purpose::Tac, *it).ok()).collect();
        let ((terms, sequence), tac) = (judgement.terms(), judgement.tac());
        Ok(judgement
            .decide(|balance| tac_keys.iter().any(|key| macs_equal(load_tac(key, balance, sequence, &terms), tac))))
    }
}

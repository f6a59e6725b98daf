//! Filling a key master card, at the ceremony or from another one: keys, and what it may export.

use onecard_wire::{
    ins,
    key_master::{LoadAllowance, Status},
};

use super::{
    error::{KeyMasterCommand, KeyMasterError},
    names::code_of,
    session::OpenKeyMaster,
    source::MasterKeySource,
};
use crate::{key_store::StoredKey, transport::Transport};

/// What filling did.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Filled {
    /// Keys that were loaded now.
    pub loaded: usize,
    /// Keys that were there already, by the same check values.
    pub there: usize,
}

/// Loads every key of `source` that `card` lacks. Nothing is loaded if the card holds another key under one of the names. Begun
/// again after a loss, it goes on with what is missing; at the end the check values of card and source are compared.
///
/// # Errors
/// [`KeyMasterError`].
pub fn fill<T, S>(card: &mut OpenKeyMaster<T>, source: &mut S) -> Result<Filled, KeyMasterError>
where
    T: Transport,
    S: MasterKeySource + ?Sized,
{
    if source.enterprise() != card.of_enterprise() {
        return Err(KeyMasterError::OtherEnterprise(card.of_enterprise(), source.enterprise()));
    }
    let wanted = source.master_keys()?;
    if let Some(stranger) = wanted.iter().find(|key| code_of(key.name.purpose).is_none()) {
        return Err(KeyMasterError::NotHeld(stranger.name));
    }
    let missing = missing(&wanted, &card.stored_keys()?)?;
    for key in &missing {
        let to = card.recipient()?;
        let body = source.load_key(key.name, to)?;
        card.load(KeyMasterCommand::LoadMasterKey, ins::LOAD_MASTER_KEY, &body)?;
    }
    match missing_after(&wanted, &card.stored_keys()?)? {
        None => Ok(Filled { loaded: missing.len(), there: wanted.len() - missing.len() }),
        Some(key) => Err(KeyMasterError::Source(crate::keys::MissingKey::from(key.name).into())),
    }
}

/// Loads an allowance that `source` gives; of another key master card it is taken off there **before** this card gets it, so that
/// the allowances of all never grow: one that is lost on the way is lost.
///
/// # Errors
/// [`KeyMasterError`]. After a silence the status of this card tells whether it has come.
pub fn move_allowance<T, S>(
    card: &mut OpenKeyMaster<T>,
    source: &mut S,
    allowance: LoadAllowance,
) -> Result<Status, KeyMasterError>
where
    T: Transport,
    S: MasterKeySource + ?Sized,
{
    if source.enterprise() != card.of_enterprise() {
        return Err(KeyMasterError::OtherEnterprise(card.of_enterprise(), source.enterprise()));
    }
    // Before the source gives it away: a card that has no room for it would lose it.
    let there = card.status()?.allowance;
    if sum(there, allowance).is_none() {
        let LoadAllowance { card_exports: cards, sam_exports: sams } = there;
        return Err(KeyMasterError::TooMuch { cards, sams });
    }
    let to = card.recipient()?;
    let body = source.load_allowance(allowance, to)?;
    card.load(KeyMasterCommand::LoadAllowance, ins::LOAD_ALLOWANCE, &body)?;
    card.status()
}

fn sum(there: LoadAllowance, more: LoadAllowance) -> Option<LoadAllowance> {
    Some(LoadAllowance {
        card_exports: there.card_exports.checked_add(more.card_exports)?,
        sam_exports: there.sam_exports.checked_add(more.sam_exports)?,
    })
}

/// What is not there yet; another key under a name is an error.
fn missing(wanted: &[StoredKey], there: &[StoredKey]) -> Result<Vec<StoredKey>, KeyMasterError> {
    let mut missing = Vec::new();
    for key in wanted {
        match there.iter().find(|held| held.name == key.name) {
            None => missing.push(*key),
            Some(held) if (held.check_value, held.algorithm) == (key.check_value, key.algorithm) => {}
            Some(held) => {
                let (there, wanted) = (held.check_value, key.check_value);
                return Err(KeyMasterError::OtherKey { name: key.name, there, wanted });
            }
        }
    }
    Ok(missing)
}

fn missing_after(wanted: &[StoredKey], there: &[StoredKey]) -> Result<Option<StoredKey>, KeyMasterError> {
    Ok(missing(wanted, there)?.first().copied())
}

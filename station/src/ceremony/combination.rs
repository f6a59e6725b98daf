//! Putting components together: nothing comes out before all of them are there and right.

use onecard_host::keys::CheckValue;
use rand_core::CryptoRng;
use subtle::ConstantTimeEq;
use vsss_rs::Gf256;
use zeroize::{Zeroize, Zeroizing};

use super::{BaseValue, Component, Record, WeakBaseValue};

/// Components that have been accepted so far, in memory alone (spec 17.1.6).
#[derive(Debug)]
pub struct Combination<'r> {
    record: &'r Record,
    accepted: Vec<Component>,
}

/// A component or result that is refused.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum CombineError {
    /// It is not the component that its holder made, or the plan is not the one it was made for.
    #[error(
        "{holder}'s component has check value {found}, and {recorded} was recorded when it was made: enter the right one; if it is \
         right, the plan was changed since"
    )]
    WrongComponent {
        /// Whose.
        holder: String,
        /// Of what was entered.
        found: CheckValue,
        /// Of what was made.
        recorded: CheckValue,
    },
    /// No component of that number was made.
    #[error("component {number} has not been made in this ceremony: make it by `onecard ceremony component`")]
    NotMade {
        /// Which.
        number: u8,
    },
    /// It was entered already.
    #[error("{holder}'s component is entered already: another holder is needed")]
    Twice {
        /// Whose.
        holder: String,
    },
    /// Two holders have the same one.
    #[error("{holder} and {other} hold the same component: both must make new ones, in a new ceremony")]
    Identical {
        /// Whose was entered last.
        holder: String,
        /// Whose was entered before.
        other: String,
    },
    /// It is one byte repeated.
    #[error("{holder}'s component is one byte repeated: make a new one, in a new ceremony")]
    Weak {
        /// Whose.
        holder: String,
    },
    /// Not enough yet.
    #[error("{missing} more of the holders are needed")]
    TooFew {
        /// How many.
        missing: usize,
    },
    /// What they give cannot be used.
    #[error(transparent)]
    WeakResult(#[from] WeakBaseValue),
    /// The others' components cancel each other out.
    #[error("the base value is {holder}'s component alone, since the others cancel out: make new ones")]
    KnownToOne {
        /// Who would know every key.
        holder: String,
    },
    /// It is not the base value that this ceremony gave before.
    #[error(
        "together they give check value {found}, and this ceremony gave {recorded} before: one component is of another ceremony"
    )]
    AnotherResult {
        /// Of what was entered.
        found: CheckValue,
        /// Of what was combined before.
        recorded: CheckValue,
    },
    /// The shares do not fit each other.
    #[error("the shares give no base value: one is of another ceremony")]
    Shares,
}

impl<'r> Combination<'r> {
    /// Nothing entered yet.
    #[must_use]
    pub const fn new(record: &'r Record) -> Self {
        Self { record, accepted: Vec::new() }
    }

    /// Takes a component if it is the one that was made.
    ///
    /// # Errors
    /// [`CombineError`] with whose it is; what was accepted before stays accepted.
    pub fn add(&mut self, component: Component) -> Result<(), CombineError> {
        let number = component.number();
        let made = self.record.made(number).ok_or(CombineError::NotMade { number })?;
        let (holder, recorded) = (made.holder().to_owned(), made.check_value());
        let found = component.check_value(self.record.plan());
        if found != recorded {
            return Err(CombineError::WrongComponent { holder, found, recorded });
        }
        if component.is_weak() {
            return Err(CombineError::Weak { holder });
        }
        if self.accepted.iter().any(|other| other.number() == number) {
            return Err(CombineError::Twice { holder });
        }
        if let Some(other) = self.accepted.iter().find(|other| **other == component) {
            return Err(CombineError::Identical { holder, other: self.holder(other) });
        }
        self.accepted.push(component);
        Ok(())
    }

    /// How many are still needed.
    #[must_use]
    pub fn missing(&self) -> usize {
        usize::from(self.record.plan().need()).saturating_sub(self.accepted.len())
    }

    /// The base value.
    ///
    /// # Errors
    /// [`CombineError`].
    pub fn finish(self) -> Result<BaseValue, CombineError> {
        if self.missing() > 0 {
            return Err(CombineError::TooFew { missing: self.missing() });
        }
        let together = if self.record.plan().needs_everyone() { self.exclusive_or() } else { self.interpolated()? };
        if let Some(known) = self.accepted.iter().find(|one| one.expose().ct_eq(&*together).into()) {
            return Err(CombineError::KnownToOne { holder: self.holder(known) });
        }
        let base = BaseValue::new(*together);
        let found = base.check_value();
        match self.record.base_check_value() {
            Some(recorded) if recorded != found => Err(CombineError::AnotherResult { found, recorded }),
            _ => Ok(base),
        }
    }

    fn exclusive_or(&self) -> Zeroizing<[u8; Component::LEN]> {
        let mut together = Zeroizing::new([0; Component::LEN]);
        for component in &self.accepted {
            for (to, byte) in together.iter_mut().zip(component.expose()) {
                *to ^= byte;
            }
        }
        together
    }

    fn interpolated(&self) -> Result<Zeroizing<[u8; Component::LEN]>, CombineError> {
        let mut shares: Vec<Vec<u8>> = self.accepted.iter().map(share_of).collect();
        let together = Gf256::combine_bytes(&shares).map(Zeroizing::new);
        shares.iter_mut().for_each(Zeroize::zeroize);
        let together = together.map_err(|_| CombineError::Shares)?;
        let mut value = Zeroizing::new([0; Component::LEN]);
        if together.len() != value.len() {
            return Err(CombineError::Shares);
        }
        value.copy_from_slice(&together);
        Ok(value)
    }

    fn holder(&self, component: &Component) -> String {
        self.record.plan().holder(component.number()).unwrap_or_default().to_owned()
    }
}

/// `base` in `holders` shares, of which any `need` give it back.
///
/// # Errors
/// [`CombineError::Shares`], if the numbers do not fit.
pub(super) fn deal(
    base: &BaseValue,
    need: u8,
    holders: usize,
    random: &mut impl CryptoRng,
) -> Result<Vec<Component>, CombineError> {
    let mut shares =
        Gf256::split_bytes(need.into(), holders, base.expose(), random).map_err(|_| CombineError::Shares)?;
    let components: Option<Vec<Component>> = shares.iter().map(|share| component_of(share)).collect();
    shares.iter_mut().for_each(Zeroize::zeroize);
    components.ok_or(CombineError::Shares)
}

/// Number ‖ value, as the library has a share.
fn share_of(component: &Component) -> Vec<u8> {
    [&[component.number()], component.expose().as_slice()].concat()
}

fn component_of(share: &[u8]) -> Option<Component> {
    let (number, value) = share.split_first()?;
    Some(Component::new(*number, value.try_into().ok()?))
}

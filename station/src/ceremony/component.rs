//! One person's part of a ceremony (密钥分量).

use core::fmt;

use aes::{
    Aes256,
    cipher::{BlockCipherEncrypt, KeyInit},
};
use onecard_host::keys::CheckValue;
use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::Plan;

/// A component or share: 32 bytes that one person holds, and its number in the ceremony, from 1 (spec 17.1.2, 17.1.3).
#[derive(Clone, ZeroizeOnDrop)]
pub struct Component {
    #[zeroize(skip)]
    number: u8,
    value: [u8; Self::LEN],
}

/// A component as its sealed file holds it: with whose it is and of which ceremony.
#[derive(Serialize, Deserialize, ZeroizeOnDrop)]
#[serde(deny_unknown_fields)]
pub struct SealedComponent {
    ceremony: String,
    plan: String,
    holder: String,
    number: u8,
    value: String,
}

/// What was typed is not a component. The text is not repeated: it may be most of one.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ComponentTextError {
    /// Not 64 hexadecimal digits.
    #[error("a component is 64 hexadecimal digits, spaces between them allowed")]
    Digits,
    /// A check value is three bytes.
    #[error("a check value is 6 hexadecimal digits")]
    CheckValue,
    /// A sealed file holds something else.
    #[error("the sealed file holds no component")]
    Content,
}

impl Component {
    /// Length of the value in bytes.
    pub const LEN: usize = 32;

    /// A new component from `random`.
    #[must_use]
    pub fn draw(number: u8, random: &mut impl CryptoRng) -> Self {
        let mut component = Self { number, value: [0; Self::LEN] };
        random.fill_bytes(&mut component.value);
        component
    }

    /// From its number and bytes.
    #[must_use]
    pub const fn new(number: u8, value: [u8; Self::LEN]) -> Self {
        Self { number, value }
    }

    /// From digits that its holder typed; spaces do not matter.
    ///
    /// # Errors
    /// [`ComponentTextError::Digits`].
    pub fn from_typed(number: u8, text: &str) -> Result<Self, ComponentTextError> {
        // Reserved at once: a growing buffer would leave copies of a secret behind.
        let mut digits = Zeroizing::new(String::with_capacity(text.len()));
        digits.extend(text.chars().filter(|c| !c.is_whitespace()));
        let mut component = Self { number, value: [0; Self::LEN] };
        hex::decode_to_slice(digits.as_bytes(), &mut component.value).map_err(|_| ComponentTextError::Digits)?;
        Ok(component)
    }

    /// In digits, four and four, for its holder's paper.
    #[must_use]
    pub fn expose_for_paper(&self) -> Zeroizing<String> {
        let digits = Zeroizing::new(hex::encode_upper(self.value));
        let mut text = Zeroizing::new(String::with_capacity(digits.len() + digits.len() / 4));
        for (digit, at) in digits.chars().zip(0_usize..) {
            if at > 0 && at % 4 == 0 {
                text.push(' ');
            }
            text.push(digit);
        }
        text
    }

    /// Its number in the ceremony.
    #[must_use]
    pub const fn number(&self) -> u8 {
        self.number
    }

    /// Its bytes.
    #[must_use]
    pub const fn expose(&self) -> &[u8; Self::LEN] {
        &self.value
    }

    /// First three bytes of AES-256 under the component of 15 bytes of its plan's digest and its number (spec 17.1.4): under another
    /// plan it is another component.
    #[must_use]
    pub fn check_value(&self, plan: &Plan) -> CheckValue {
        let mut block = [self.number; 16];
        block.iter_mut().take(15).zip(plan.digest()).for_each(|(to, from)| *to = from);
        check_value_of(&self.value, block)
    }

    /// Whether all its bytes are one and the same.
    #[must_use]
    pub fn is_weak(&self) -> bool {
        all_equal(&self.value)
    }
}

impl SealedComponent {
    /// `component` of `plan`'s ceremony, `holder`'s.
    #[must_use]
    pub fn new(plan: &Plan, holder: &str, component: &Component) -> Self {
        let (value, digest) = (hex::encode(component.value), hex::encode(plan.digest()));
        let (ceremony, holder) = (plan.id().to_owned(), holder.to_owned());
        Self { ceremony, plan: digest, holder, number: component.number, value }
    }

    /// What is sealed.
    ///
    /// # Errors
    /// [`ComponentTextError::Content`], which cannot be.
    pub fn to_text(&self) -> Result<Zeroizing<String>, ComponentTextError> {
        serde_json::to_string(self).map(Zeroizing::new).map_err(|_| ComponentTextError::Content)
    }

    /// From what was sealed.
    ///
    /// # Errors
    /// [`ComponentTextError::Content`].
    pub fn from_text(text: &str) -> Result<Self, ComponentTextError> {
        serde_json::from_str(text).map_err(|_| ComponentTextError::Content)
    }

    /// Which ceremony it is of, by its id.
    #[must_use]
    pub fn ceremony(&self) -> &str {
        &self.ceremony
    }

    /// Whether it was made for `plan` as it is.
    #[must_use]
    pub fn is_of(&self, plan: &Plan) -> bool {
        self.plan == hex::encode(plan.digest())
    }

    /// Whose it is.
    #[must_use]
    pub fn holder(&self) -> &str {
        &self.holder
    }

    /// The component.
    ///
    /// # Errors
    /// [`ComponentTextError::Content`].
    pub fn component(&self) -> Result<Component, ComponentTextError> {
        Component::from_typed(self.number, &self.value).map_err(|_| ComponentTextError::Content)
    }
}

/// A check value as people write it.
///
/// # Errors
/// [`ComponentTextError::CheckValue`].
pub fn parse_check_value(text: &str) -> Result<CheckValue, ComponentTextError> {
    text.trim().parse().map_err(|_| ComponentTextError::CheckValue)
}

pub(super) fn check_value_of(key: &[u8; Component::LEN], block: [u8; 16]) -> CheckValue {
    let mut block = aes::Block::from(block);
    Aes256::new(key.into()).encrypt_block(&mut block);
    let [a, b, c, ..] = <[u8; 16]>::from(block);
    CheckValue([a, b, c])
}

pub(super) fn all_equal(value: &[u8; Component::LEN]) -> bool {
    let mut pattern = [value[0]; Component::LEN];
    let equal = value.ct_eq(&pattern).into();
    pattern.zeroize();
    equal
}

impl PartialEq for Component {
    /// By value: the same bytes under two numbers are one component.
    fn eq(&self, other: &Self) -> bool {
        self.value.ct_eq(&other.value).into()
    }
}

impl Eq for Component {}

impl fmt::Debug for Component {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Component({}, ..)", self.number)
    }
}

impl fmt::Debug for SealedComponent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealedComponent({}, ..)", self.holder)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn typed_as_on_paper() {
        let component = Component::new(2, [0xA5; 32]);
        let paper = component.expose_for_paper();
        assert_eq!(paper.split(' ').count(), 16);
        assert_eq!(Component::from_typed(2, &paper).unwrap(), component);
        assert_eq!(Component::from_typed(2, &paper.to_lowercase()).unwrap(), component);
        assert_eq!(Component::from_typed(2, paper.get(1..).unwrap()), Err(ComponentTextError::Digits));
        assert_eq!(format!("{component:?}"), "Component(2, ..)");
    }

    #[test]
    fn the_check_value_is_of_value_plan_and_number() {
        let plan = r#"{"id": "0011223344556677", "enterprise": "1000000000000001", "version": 1, "cipher": "3des",
            "holders": ["a", "b"], "need": 2}"#;
        let plan: Plan = serde_json::from_str(plan).unwrap();
        // sha256sum of the seven lines; openssl enc -aes-256-ecb under 00 01 … 1F of its first 15 bytes and 01, or 02.
        assert!(hex::encode(plan.digest()).starts_with("0dd1c3e977c30d32bda968d973c7e46c"));
        let value = core::array::from_fn(|at| u8::try_from(at).unwrap());
        assert_eq!(Component::new(1, value).check_value(&plan).to_string(), "381B92");
        assert_eq!(Component::new(2, value).check_value(&plan).to_string(), "631506");
        assert_eq!(parse_check_value(" c4d957\n").unwrap().to_string(), "C4D957");
        assert!(parse_check_value("C4D9").is_err());
    }

    #[test]
    fn weak_is_one_byte_repeated() {
        assert!(Component::new(1, [0; 32]).is_weak() && Component::new(1, [0xFF; 32]).is_weak());
        let mut value = [0; 32];
        value[31] = 1;
        assert!(!Component::new(1, value).is_weak());
    }
}

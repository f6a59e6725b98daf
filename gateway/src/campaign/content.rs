//! What goes into an application that is issued, as the book keeps it with the order.

use core::fmt;

use onecard_host::{
    apdu::Command,
    card::Pin,
    issuing::{CardOrder, KeyBeside, issued_public_data},
    keys::{CheckValue, Purpose},
    over_the_air::{ScriptError, Tries, issue::Issue},
};
use onecard_wire::{
    date::Date,
    fid::Fid,
    key::KeyVersion,
    number::{ApplicationSerial, EnterpriseId},
    record::{Holder, Parameters},
};
use serde::{Deserialize, Serialize};

use super::flow::Flow;

/// What goes into an application: of its keys the versions, of its PIN where it comes from, and neither of both itself.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "InBook", into = "InBook")]
pub struct ApplicationContent {
    /// First day of validity.
    pub valid_from: Date,
    /// Last day of validity.
    pub valid_to: Date,
    /// EF 0016: who holds it.
    pub holder: Holder,
    /// EF 0017: limits and expiry.
    pub parameters: Parameters,
    /// Where the holder's first PIN comes from.
    pub pin: FirstPin,
    /// Version of the enterprise's keys.
    pub key_version: KeyVersion,
    /// Purchase and load keys of another version beside them.
    pub beside: Vec<KeyBeside>,
    /// Version of the operator's management key, which INSTALL brings.
    pub management: KeyVersion,
    /// Check values that the enterprise's keys must have before one is used.
    pub check_values: Vec<(Purpose, CheckValue)>,
}

/// Where a holder's first PIN comes from (初始密码).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FirstPin {
    /// The last six digits of the resident's id number in EF 0016, X as 0.
    IdNumber,
    /// The one for all that the desk has.
    OfDesk,
}

impl ApplicationContent {
    /// The issue of an application with it. `install` is that of [`install_command`](onecard_host::over_the_air::issue::install_command).
    ///
    /// # Errors
    /// [`ScriptError`]: never.
    pub fn issue(
        self,
        enterprise: EnterpriseId,
        serial: ApplicationSerial,
        install: Command,
        tries: Tries,
    ) -> Result<Flow, ScriptError> {
        let public = issued_public_data(enterprise, serial, [self.valid_from, self.valid_to]);
        let issue = Issue::begin(&public, install, tries)?;
        Ok(Flow::Issue { content: Box::new(self), issue: Box::new(issue) })
    }

    /// The PIN that its holder begins with; `of_desk` is the one for all. `None`: there is none such.
    #[must_use]
    pub fn first_pin(&self, of_desk: Option<&Pin>) -> Option<Pin> {
        /// Kind of document: the resident's id card.
        const RESIDENT_ID: u8 = 0x00;
        match self.pin {
            FirstPin::OfDesk => of_desk.cloned(),
            FirstPin::IdNumber if self.holder.id_type == RESIDENT_ID => {
                let digits = self.holder.id_number.get(12..18).map(<[u8]>::to_vec);
                let text = digits.and_then(|digits| String::from_utf8(digits).ok())?;
                Pin::from_digits(&text.replace('X', "0")).ok()
            }
            FirstPin::IdNumber => None,
        }
    }

    /// The order of the application with that PIN.
    #[must_use]
    pub fn order(&self, enterprise: EnterpriseId, pin: Pin) -> CardOrder {
        /// The card chooses its own.
        const ANY_DIRECTORY: Fid = Fid(0xDF01);
        CardOrder {
            enterprise,
            directory: ANY_DIRECTORY,
            valid_from: self.valid_from,
            valid_to: self.valid_to,
            holder: self.holder,
            parameters: self.parameters,
            pin,
            key_version: self.key_version,
            beside: self.beside.clone(),
        }
    }
}

impl fmt::Debug for ApplicationContent {
    /// Personal data stays out of logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApplicationContent(..)")
    }
}

/// As it stands in the book: files as hexadecimal digits.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct InBook {
    valid_from: String,
    valid_to: String,
    holder: String,
    parameters: String,
    pin: FirstPin,
    key_version: u8,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    beside: Vec<(Purpose, u8, u8)>,
    management: u8,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    check_values: Vec<(Purpose, String)>,
}

/// No content of an application.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` of an application's content cannot be read")]
struct NotContent(&'static str);

impl From<ApplicationContent> for InBook {
    fn from(content: ApplicationContent) -> Self {
        let beside = content.beside.iter().map(|key| (key.purpose, key.id, key.version.0));
        let check_values = content.check_values.iter().map(|(purpose, value)| (*purpose, value.to_string()));
        Self {
            valid_from: content.valid_from.to_string(),
            valid_to: content.valid_to.to_string(),
            holder: hex::encode_upper(content.holder.emit()),
            parameters: hex::encode_upper(content.parameters.emit()),
            pin: content.pin,
            key_version: content.key_version.0,
            beside: beside.collect(),
            management: content.management.0,
            check_values: check_values.collect(),
        }
    }
}

impl TryFrom<InBook> for ApplicationContent {
    type Error = NotContent;

    fn try_from(book: InBook) -> Result<Self, NotContent> {
        let date = |text: &str, what| Date::parse(text).ok_or(NotContent(what));
        let file = |text: &str| hex::decode(text).unwrap_or_default();
        let check_value = |(purpose, digits): (Purpose, String)| {
            let mut value = [0; 3];
            hex::decode_to_slice(digits, &mut value).map_err(|_| NotContent("check_values"))?;
            Ok((purpose, CheckValue(value)))
        };
        let beside = |(purpose, id, version)| KeyBeside { purpose, id, version: KeyVersion(version) };
        Ok(Self {
            valid_from: date(&book.valid_from, "valid_from")?,
            valid_to: date(&book.valid_to, "valid_to")?,
            holder: Holder::parse(&file(&book.holder)).ok_or(NotContent("holder"))?,
            parameters: Parameters::parse(&file(&book.parameters)).ok_or(NotContent("parameters"))?,
            pin: book.pin,
            key_version: KeyVersion(book.key_version),
            beside: book.beside.into_iter().map(beside).collect(),
            management: KeyVersion(book.management),
            check_values: book.check_values.into_iter().map(check_value).collect::<Result<_, _>>()?,
        })
    }
}

#[cfg(test)]
pub(super) mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    pub(in crate::campaign) fn content(id_number: &str) -> ApplicationContent {
        let mut holder = Holder { card_type: 1, staff: 0, name: [0; 20], id_number: [0; 32], id_type: 0 };
        holder.id_number.iter_mut().zip(id_number.bytes()).for_each(|(to, from)| *to = from);
        ApplicationContent {
            valid_from: Date::parse("2026-09-01").unwrap(),
            valid_to: Date::parse("2030-08-31").unwrap(),
            holder,
            parameters: Parameters::UNLIMITED,
            pin: FirstPin::IdNumber,
            key_version: KeyVersion(2),
            beside: vec![KeyBeside { purpose: Purpose::Purchase, id: 2, version: KeyVersion(1) }],
            management: KeyVersion(3),
            check_values: vec![(Purpose::Tac, CheckValue([1, 2, 0xAB]))],
        }
    }

    #[test]
    fn it_comes_back_from_the_book_and_shows_nobody() {
        let content = content("11010519491231002X");
        let text = serde_json::to_string(&content).unwrap();
        assert_eq!(serde_json::from_str::<ApplicationContent>(&text).unwrap(), content);
        assert_eq!(format!("{content:?}"), "ApplicationContent(..)");
        assert!(!text.contains("310020"), "the PIN: {text}");
        let damaged = text.replacen("2026-09-01", "2026-09-31", 1);
        let error = serde_json::from_str::<ApplicationContent>(&damaged).unwrap_err().to_string();
        assert!(error.contains("`valid_from`"), "{error}");
    }

    #[test]
    fn a_first_pin_is_made_of_a_residents_number_or_is_the_desks() {
        let pin = |digits: &str| Pin::from_digits(digits).unwrap();
        assert_eq!(content("11010519491231002X").first_pin(None), Some(pin("310020")));
        let passport = Holder { id_type: 2, ..content("11010519491231002X").holder };
        assert_eq!(ApplicationContent { holder: passport, ..content("") }.first_pin(Some(&pin("1234"))), None);
        let of_desk = ApplicationContent { pin: FirstPin::OfDesk, ..content("") };
        assert_eq!((of_desk.first_pin(Some(&pin("1234"))), of_desk.first_pin(None)), (Some(pin("1234")), None));
    }
}

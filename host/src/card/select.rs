//! SELECT of an enterprise application (profile §3).

use iso7816_tlv::ber::{Tag, Tlv, Value};
use onecard_wire::{fid::Fid, ins, number::ApplicationSerial, record::PublicData, status::StatusWord};

use crate::{
    apdu::{Command, ExchangeError, exchange},
    transport::Transport,
};

/// A selected application: who it is. Proof for the typed reads that SELECT was done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Selected {
    /// EF 0015.
    pub public_data: PublicData,
}

impl Selected {
    /// The card, for messages.
    #[must_use]
    pub fn serial(&self) -> ApplicationSerial {
        self.public_data.serial
    }

    /// Whether this profile's own parts are there; else it is a plain FMCOS wallet.
    #[must_use]
    pub fn has_own_parts(&self) -> bool {
        self.public_data.version == PublicData::VERSION_OWN
    }
}

/// Selects the application called `name` (5 to 16 bytes) and learns from the FCI who it is: one command. An FCI without
/// EF 0015, as a plain FMCOS card gives it, costs a READ BINARY more.
///
/// # Errors
/// [`SelectError`].
pub fn select<T: Transport + ?Sized>(transport: &mut T, name: &[u8]) -> Result<Selected, SelectError> {
    let command = Command::new(ins::CLA_ISO, ins::SELECT, 0x04, 0x00).with_bytes(name);
    let command = command.map_err(|_| SelectError::NoApplication)?.expecting(0);
    let fci = exchange(transport, &command)?.done().map_err(refused)?;
    let content = match public_data_of(&fci, name)? {
        Some(content) => content,
        None => read_public_data(transport)?,
    };
    if content.iter().all(|byte| *byte == 0) {
        return Err(SelectError::NotIssued);
    }
    let public_data = PublicData::parse(&content).ok_or(SelectError::Unreadable)?;
    Ok(Selected { public_data })
}

/// Why there is no application to work with. Nothing changed on the card, and its serial is not known yet.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SelectError {
    /// 6A82, or an erased directory without EF 0015.
    #[error("the card has no application of this enterprise: use a card of this enterprise")]
    NoApplication,
    /// 6A81.
    #[error("the application on this card is blocked: send the holder to the service desk")]
    Blocked,
    /// 9303.
    #[error("the application on this card is blocked for good: send the holder to the service desk for a new card")]
    PermanentlyBlocked,
    /// EF 0015 is all zero.
    #[error("the application on this card is not issued yet: finish issuing it at the station")]
    NotIssued,
    /// The answer to SELECT is not an FCI of the application asked for.
    #[error("the card's answer to SELECT is not this application's: present the card again, or use another")]
    WrongFci,
    /// EF 0015 holds something else.
    #[error("the card's public data are not those of a one-card: use a card of this enterprise")]
    Unreadable,
    /// A status word without a meaning here.
    #[error("the card answered {0} to SELECT: present it again, or send the holder to the service desk")]
    Unexpected(StatusWord),
    /// No answer.
    #[error(transparent)]
    Exchange(#[from] ExchangeError),
}

fn refused(status: StatusWord) -> SelectError {
    match status {
        StatusWord::FILE_NOT_FOUND => SelectError::NoApplication,
        StatusWord::FUNCTION_NOT_SUPPORTED => SelectError::Blocked,
        StatusWord::PERMANENTLY_BLOCKED => SelectError::PermanentlyBlocked,
        other => SelectError::Unexpected(other),
    }
}

/// EF 0015 out of `6F{84 name, A5{9F0C content}}`; `None` if the FCI has none (ISO/IEC 7816-4 clause 7.4).
pub(crate) fn public_data_of(fci: &[u8], name: &[u8]) -> Result<Option<Vec<u8>>, SelectError> {
    // The reader descends once for each nested template: a false card must not choose how deep.
    if fci.len() > FCI_LEN_MAX {
        return Err(SelectError::WrongFci);
    }
    let template = Tlv::from_bytes(fci).map_err(|_| SelectError::WrongFci)?;
    if template.tag().to_bytes() != [0x6F] {
        return Err(SelectError::WrongFci);
    }
    if child(&template, &[0x84]).and_then(primitive) != Some(name) {
        return Err(SelectError::WrongFci);
    }
    let content = child(&template, &[0xA5]).and_then(|proprietary| child(proprietary, &[0x9F, 0x0C]));
    Ok(content.and_then(primitive).map(<[u8]>::to_vec))
}

/// What fits one short answer.
const FCI_LEN_MAX: usize = 256;

fn child<'t>(parent: &'t Tlv, tag: &[u8]) -> Option<&'t Tlv> {
    let Value::Constructed(children) = parent.value() else { return None };
    children.iter().find(|child| Tag::to_bytes(child.tag()) == tag)
}

fn primitive(object: &Tlv) -> Option<&[u8]> {
    match object.value() {
        Value::Primitive(bytes) => Some(bytes),
        Value::Constructed(_) => None,
    }
}

fn read_public_data<T: Transport + ?Sized>(transport: &mut T) -> Result<Vec<u8>, SelectError> {
    const SFI: u8 = 0x80 | (Fid::PUBLIC_DATA.0 & 0x1F) as u8;
    const LEN: u8 = PublicData::LEN as u8;
    let command = Command::new(ins::CLA_ISO, ins::READ_BINARY, SFI, 0).expecting(LEN);
    exchange(transport, &command)?.done().map_err(refused)
}

/// Card 3100100000000423 of enterprise 1000000000000001.
#[cfg(test)]
#[allow(clippy::panic, reason = "tests")]
pub(crate) fn sample() -> Selected {
    let content = hex_literal::hex!("1000000000000001 02 02 0000 3100100000000423 20260101 20301231 0000");
    let Some(public_data) = PublicData::parse(&content) else { panic!("a valid EF 0015") };
    Selected { public_data }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::transport::Scripted;
    use hex_literal::hex;

    const NAME: [u8; 14] = hex!("F04F4E4543 01 1000000000000001");
    const SELECT: [u8; 20] = hex!("00A404000E F04F4E4543 01 1000000000000001 00");
    const CONTENT: [u8; 30] = hex!("1000000000000001 02 02 0000 3100100000000423 20260101 20301231 0000");

    fn with_fci(body: &[u8]) -> Vec<u8> {
        let length = u8::try_from(body.len()).unwrap();
        [&[0x6F, length], body, &[0x90, 0x00]].concat()
    }

    fn name_object() -> Vec<u8> {
        [&[0x84, 14][..], &NAME].concat()
    }

    #[test]
    fn one_command_tells_who_the_card_is() {
        let fci = with_fci(&[&name_object()[..], &hex!("A5219F0C1E"), &CONTENT].concat());
        assert_eq!(fci.len(), 53 + 2);
        let mut card = Scripted::new(&[(&SELECT, &fci)]);
        let selected = select(&mut card, &NAME).unwrap();
        assert_eq!(selected.public_data.emit(), CONTENT);
        assert!(selected.has_own_parts());
        card.finish();
    }

    #[test]
    fn an_fci_of_a_real_card_without_the_file_costs_one_read() {
        let mut card = Scripted::new(&[
            (&SELECT, &with_fci(&name_object())),
            (&hex!("00B095001E"), &[&CONTENT[..], &[0x90, 0]].concat()),
        ]);
        assert_eq!(select(&mut card, &NAME).unwrap().serial().to_string(), "3100100000000423");
        card.finish();
    }

    #[test]
    fn each_refusal_has_its_name() {
        let outcome = |answers: &[(&[u8], &[u8])]| select(&mut Scripted::new(answers), &NAME).unwrap_err();
        assert_eq!(outcome(&[(&SELECT, &hex!("6A82"))]), SelectError::NoApplication);
        assert_eq!(outcome(&[(&SELECT, &hex!("6A81"))]), SelectError::Blocked);
        let erased = with_fci(&name_object());
        assert_eq!(outcome(&[(&SELECT, &erased), (&hex!("00B095001E"), &hex!("6A82"))]), SelectError::NoApplication);
        let fresh = with_fci(&[&name_object()[..], &hex!("A5219F0C1E"), &[0; 30]].concat());
        assert_eq!(outcome(&[(&SELECT, &fresh)]), SelectError::NotIssued);
        let other = with_fci(&hex!("8405 0102030405"));
        assert_eq!(outcome(&[(&SELECT, &other)]), SelectError::WrongFci);
        assert_eq!(outcome(&[(&SELECT, &hex!("6F05 9000"))]), SelectError::WrongFci);
    }
}

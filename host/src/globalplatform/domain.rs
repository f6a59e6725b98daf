//! The issuer domain, and how commands reach it.

use onecard_wire::{globalplatform::tag, ins, status::StatusWord};

use super::{
    aid::Aid,
    card_data::CardRecognition,
    secure_channel::{Session, SessionError},
    template::{child, child_value, object},
};
use crate::{
    apdu::{Command, ExchangeError, Response, exchange},
    transport::Transport,
};

/// A way to the selected domain: in clear, or in a session.
pub trait Link {
    /// Sends one command.
    ///
    /// # Errors
    /// [`SessionError`].
    fn carry(&mut self, command: &Command) -> Result<Response, SessionError>;
}

/// Commands in clear, as GET DATA may be sent.
#[derive(Debug)]
pub struct InClear<T>(pub T);

impl<T: Transport> Link for InClear<T> {
    fn carry(&mut self, command: &Command) -> Result<Response, SessionError> {
        Ok(exchange(&mut self.0, command)?)
    }
}

impl<T: Transport> Link for Session<T> {
    fn carry(&mut self, command: &Command) -> Result<Response, SessionError> {
        self.exchange(command)
    }
}

/// A domain that is selected.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SelectedDomain {
    /// Its name by its FCI, which may be another than it was selected by.
    pub aid: Aid,
    /// Whether the card is locked (6283).
    pub is_locked: bool,
    /// Longest data field of a command, in bytes, where the FCI says it.
    pub data_max: Option<u32>,
    /// Card recognition data, where the FCI has them.
    pub recognition: Option<CardRecognition>,
}

/// Why no domain is selected.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SelectDomainError {
    /// 6A82.
    #[error(
        "the card has no issuer domain {0} on this interface: use an RFID-SIM, at its contacts; by radio it is not there"
    )]
    NoDomain(Aid),
    /// Another word.
    #[error("the card answered {status} to SELECT of the issuer domain {aid}: use another card, or reset this one")]
    Refused {
        /// What was selected.
        aid: Aid,
        /// Its answer.
        status: StatusWord,
    },
    /// Not a domain's FCI.
    #[error("the card's answer to SELECT of {0} is not a domain's: use another card")]
    WrongFci(Aid),
    /// No answer.
    #[error(transparent)]
    Exchange(#[from] ExchangeError),
}

/// Selects a domain, mostly [`Aid::ISSUER_DOMAIN`]: one command. A session with it ends.
///
/// # Errors
/// [`SelectDomainError`].
pub fn select_domain<T: Transport + ?Sized>(transport: &mut T, aid: &Aid) -> Result<SelectedDomain, SelectDomainError> {
    let wrong = SelectDomainError::WrongFci(*aid);
    let command = Command::new(ins::CLA_ISO, ins::SELECT, 0x04, 0x00).with_bytes(aid.as_bytes());
    let command = command.map_err(|_| wrong.clone())?.expecting(0);
    let Response { data, status } = exchange(transport, &command)?;
    match status {
        StatusWord::OK | StatusWord::FILE_INVALIDATED => {}
        StatusWord::FILE_NOT_FOUND => return Err(SelectDomainError::NoDomain(*aid)),
        status => return Err(SelectDomainError::Refused { aid: *aid, status }),
    }
    let mut selected = read_fci(&data).ok_or(wrong)?;
    selected.is_locked = status == StatusWord::FILE_INVALIDATED;
    Ok(selected)
}

/// `6F{84 AID, A5{73 …, 9F65 …}}` (11.9.3.1).
fn read_fci(data: &[u8]) -> Option<SelectedDomain> {
    let fci = object(data, tag::FCI)?;
    let aid = Aid::new(child_value(&fci, tag::DF_NAME)?).ok()?;
    let proprietary = child(&fci, tag::FCI_PROPRIETARY);
    let data_max = proprietary.and_then(|it| child_value(it, tag::MAX_DATA_LENGTH));
    let data_max = data_max.map(|bytes| bytes.iter().fold(0, |length: u32, byte| (length << 8) | u32::from(*byte)));
    let recognition = proprietary.and_then(|it| child(it, tag::CARD_RECOGNITION));
    Some(SelectedDomain { aid, is_locked: false, data_max, recognition: recognition.and_then(CardRecognition::read) })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::transport::Scripted;
    use hex_literal::hex;

    const SELECT: [u8; 14] = hex!("00A4040008 A000000151000000 00");

    fn outcome(answer: &[u8]) -> Result<SelectedDomain, SelectDomainError> {
        select_domain(&mut Scripted::new(&[(&SELECT, answer)]), &Aid::ISSUER_DOMAIN)
    }

    #[test]
    fn domains_of_cards() {
        // sysmoISIM-SJA5, by pySim's card data.
        let plain = outcome(&hex!("6F10 8408A000000003000000 A5049F6501FF 9000")).unwrap();
        assert_eq!((plain.aid.to_string().as_str(), plain.data_max), ("A000000003000000", Some(255)));
        assert!(plain.recognition.is_none() && !plain.is_locked);
        // A card in the transcripts of pancanaka/opal.
        let whole = hex!(
            "6F65 8408A000000003000000 A559 9F6501FF 9F6E06405163452900 734A06072A864886FC6B01600C060A2A864886FC6B02020101
             630906072A864886FC6B03640B06092A864886FC6B040215650B06092B8510864864020103660C060A2B060104012A026E0102 6283"
        );
        let whole = outcome(&whole).unwrap();
        assert!(whole.is_locked);
        assert_eq!(whole.recognition.unwrap().channels, [(0x02, vec![0x15])]);
    }

    #[test]
    fn what_is_no_domain() {
        assert_eq!(outcome(&hex!("6A82")), Err(SelectDomainError::NoDomain(Aid::ISSUER_DOMAIN)));
        let refused = outcome(&hex!("6999")).unwrap_err().to_string();
        assert!(refused.contains("6999") && refused.contains("A000000151000000"), "{refused}");
        for fci in [&hex!("9000")[..], &hex!("6F00 9000"), &hex!("6F06 8404A0000001 9000"), &hex!("6F0A 84 9000")] {
            assert_eq!(outcome(fci), Err(SelectDomainError::WrongFci(Aid::ISSUER_DOMAIN)));
        }
    }
}

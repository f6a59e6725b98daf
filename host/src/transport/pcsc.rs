//! A PC/SC reader as a [`Transport`] (feature `pcsc`; needs the system's PC/SC library).

use std::ffi::CString;

use pcsc::{Context, Disposition, Error, Protocols, Scope, ShareMode};

use super::{Transport, TransportError};

/// Longest short answer: 256 bytes and the status word.
const ANSWER_LEN_MAX: usize = 258;

/// A card in a PC/SC reader, for this program alone until it is dropped, which resets the card.
pub struct PcscReader {
    /// `None` only while it is dropped.
    card: Option<pcsc::Card>,
}

impl PcscReader {
    /// Connects to the card in the reader of this name, as [`reader_names`] lists it.
    ///
    /// # Errors
    /// [`TransportError::CardRemoved`] without a card, [`TransportError::Reader`] for anything else.
    pub fn connect(name: &str) -> Result<Self, TransportError> {
        let name = CString::new(name).map_err(|_| TransportError::Reader("its name holds a zero byte".to_owned()))?;
        let context = Context::establish(Scope::User).map_err(|error| transport_error(&error))?;
        let card =
            context.connect(&name, ShareMode::Exclusive, Protocols::ANY).map_err(|error| transport_error(&error))?;
        Ok(Self { card: Some(card) })
    }
}

/// The readers there are.
///
/// # Errors
/// [`TransportError::Reader`]: no PC/SC service, or none that answers.
pub fn reader_names() -> Result<Vec<String>, TransportError> {
    let failed = |error: Error| transport_error(&error);
    let context = Context::establish(Scope::User).map_err(failed)?;
    let names = context.list_readers_owned().map_err(failed)?;
    Ok(names.into_iter().map(|name| name.to_string_lossy().into_owned()).collect())
}

impl Transport for PcscReader {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        let card = self.card.as_ref().ok_or(TransportError::CardRemoved)?;
        let mut answer = [0; ANSWER_LEN_MAX];
        card.transmit(command, &mut answer).map(<[u8]>::to_vec).map_err(|error| transport_error(&error))
    }
}

impl Drop for PcscReader {
    /// Whoever comes next finds no selection and no security state of ours.
    fn drop(&mut self) {
        if let Some(card) = self.card.take() {
            // The card may be gone already; then there is nothing to reset.
            let _ = card.disconnect(Disposition::ResetCard);
        }
    }
}

fn transport_error(error: &Error) -> TransportError {
    match error {
        Error::NoSmartcard | Error::RemovedCard => TransportError::CardRemoved,
        Error::ResetCard | Error::UnresponsiveCard | Error::UnpoweredCard | Error::NotTransacted | Error::Timeout => {
            TransportError::NoAnswer
        }
        other => TransportError::Reader(other.to_string()),
    }
}

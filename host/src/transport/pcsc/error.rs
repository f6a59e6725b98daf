//! What PC/SC's error codes mean to a terminal.

use pcsc::Error;

use crate::transport::TransportError;

/// From the code of any PC/SC call.
pub(super) fn transport_error(error: Error) -> TransportError {
    match error {
        Error::NoSmartcard | Error::RemovedCard => TransportError::CardRemoved,
        Error::ResetCard => TransportError::CardReset,
        // "Not transacted": the driver got nothing from the card.
        Error::UnresponsiveCard | Error::UnpoweredCard | Error::NotTransacted | Error::Timeout => {
            TransportError::NoAnswer
        }
        Error::SharingViolation => TransportError::CardInUse,
        // With its reader pcsc-lite forgets the connection too.
        Error::ReaderUnavailable | Error::UnknownReader | Error::InvalidHandle => TransportError::ReaderUnplugged,
        Error::NoReadersAvailable => TransportError::NoReader,
        // "Communication error" is pcsc-lite's when its service ends in the middle of a call.
        Error::NoService | Error::ServiceStopped | Error::Shutdown | Error::CommError => TransportError::NoService,
        other => TransportError::Reader(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::panic)]
    use super::*;

    #[test]
    fn each_mishap_has_its_own_error() {
        let cases = [
            (Error::RemovedCard, TransportError::CardRemoved),
            (Error::NoSmartcard, TransportError::CardRemoved),
            (Error::ResetCard, TransportError::CardReset),
            (Error::UnresponsiveCard, TransportError::NoAnswer),
            (Error::NotTransacted, TransportError::NoAnswer),
            (Error::SharingViolation, TransportError::CardInUse),
            (Error::ReaderUnavailable, TransportError::ReaderUnplugged),
            (Error::UnknownReader, TransportError::ReaderUnplugged),
            (Error::NoReadersAvailable, TransportError::NoReader),
            (Error::NoService, TransportError::NoService),
        ];
        for (code, expected) in cases {
            assert_eq!(transport_error(code), expected, "{code:?}");
            assert!(!expected.is_unsent(), "{code:?}: it may have been executed");
        }
        let TransportError::Reader(why) = transport_error(Error::NoMemory) else { panic!("not the reader's") };
        assert!(!why.is_empty());
    }
}

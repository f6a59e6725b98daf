//! UPDATE BINARY with a MAC (FMCOS 2.0 user manual p. 63; profile §3.1).

use onecard_wire::{fid::Fid, ins, number::ApplicationSerial, status::StatusWord};

use super::Selected;
use crate::{
    apdu::{Command, CommandName, DataTooLong, ExchangeError, Refusal, exchange},
    line_protection::{ChallengeError, LineMac, ProtectError, challenge, with_mac},
    transport::Transport,
};

/// Writes `content` into the binary file `file` from `offset` on, with a MAC by whoever keeps the file's key.
///
/// # Errors
/// [`WriteError`].
pub fn update_binary<T, M>(
    transport: &mut T,
    card: &Selected,
    file: Fid,
    offset: u8,
    content: &[u8],
    keeper: &mut M,
) -> Result<(), WriteError<M::Error>>
where
    T: Transport + ?Sized,
    M: LineMac + ?Sized,
{
    const BY_SFI: u8 = 0x80;
    let serial = card.serial();
    let refused = |command| move |status| WriteError::Refused { serial, file, refusal: Refusal { command, status } };
    let sfi = file.sfi().ok_or_else(|| refused(CommandName::Write)(StatusWord::FILE_NOT_FOUND))?;
    let command = Command::new(ins::CLA_ISO, ins::UPDATE_BINARY, BY_SFI | sfi, offset).with_bytes(content);
    let no_mac = |source| WriteError::NoMac { serial, file, source };
    let command = command.map_err(|error: DataTooLong| no_mac(error.into()))?;
    let challenge = challenge(transport).map_err(|error| match error {
        ChallengeError::Refused(status) => refused(CommandName::GetChallenge)(status),
        ChallengeError::Exchange(source) => WriteError::Exchange { serial, file, source },
    })?;
    let sent = with_mac(&command, challenge, keeper).map_err(no_mac)?;
    let answer = exchange(transport, &sent).map_err(|source| WriteError::Exchange { serial, file, source })?;
    answer.done().map(drop).map_err(refused(CommandName::Write))
}

/// Why a file is as it was.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum WriteError<E> {
    /// The card refused.
    #[error("card {serial}: file {:04X} was not written, the card answered {refusal}", .file.0)]
    Refused {
        /// The card.
        serial: ApplicationSerial,
        /// The file.
        file: Fid,
        /// Its answer.
        refusal: Refusal,
    },
    /// Nothing was sent.
    #[error("card {serial}: file {:04X} was not written, no MAC was made", .file.0)]
    NoMac {
        /// The card.
        serial: ApplicationSerial,
        /// The file.
        file: Fid,
        /// Why.
        source: ProtectError<E>,
    },
    /// No answer.
    #[error("card {serial}: no answer, file {:04X} may be written or not: write it again, a second time is harmless",
        .file.0)]
    Exchange {
        /// The card.
        serial: ApplicationSerial,
        /// The file.
        file: Fid,
        /// What happened.
        source: ExchangeError,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        card::select::sample,
        crypto::{Key, LineKey},
        transport::Scripted,
    };
    use hex_literal::hex;

    #[test]
    fn the_mac_covers_header_length_and_data() {
        let mut key = LineKey::from(Key::from_bytes(hex!("00112233445566778899AABBCCDDEEFF")));
        let mac = key.mac(hex!("0102030400000000"), &hex!("04D6970105 01"));
        let sent = [&hex!("04D6970105 01")[..], &mac].concat();
        let mut write = |answer: &[u8]| {
            let mut card = Scripted::new(&[(&hex!("0084000004"), &hex!("01020304 9000")), (&sent, answer)]);
            let outcome = update_binary(&mut card, &sample(), Fid::PARAMETERS, 0x01, &[0x01], &mut key);
            card.finish();
            outcome
        };
        assert_eq!(write(&hex!("9000")), Ok(()));
        let refusal = Refusal { command: CommandName::Write, status: StatusWord::SM_DATA_WRONG };
        let (serial, file) = (sample().serial(), Fid::PARAMETERS);
        assert_eq!(write(&hex!("6988")), Err(WriteError::Refused { serial, file, refusal }));
    }
}

//! APPLICATION BLOCK, APPLICATION UNBLOCK and CARD BLOCK (FMCOS 2.0 user manual p. 79 to 82).

use onecard_wire::{ins, status::StatusWord};

use crate::{
    apdu::{Command, CommandName, ExchangeError, Refusal, exchange},
    line_protection::{ChallengeError, LineMac, ProtectError, challenge, with_mac},
    transport::Transport,
};

/// A change of an application's or a card's life cycle; each is `84 INS P1 P2 04 MAC`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LifeCycle {
    /// APPLICATION BLOCK until [`Self::UnblockApplication`].
    BlockApplication,
    /// APPLICATION BLOCK for good.
    BlockApplicationForGood,
    /// APPLICATION UNBLOCK. The third wrong MAC while it is blocked blocks the application for good.
    UnblockApplication,
    /// CARD BLOCK for good, in the MF and by the operator's key alone.
    BlockCard,
}

impl LifeCycle {
    /// The command before its MAC.
    #[must_use]
    pub fn command(self) -> Command {
        let (ins, p2) = match self {
            Self::BlockApplication => (ins::APPLICATION_BLOCK, 0x00),
            Self::BlockApplicationForGood => (ins::APPLICATION_BLOCK, 0x01),
            Self::UnblockApplication => (ins::APPLICATION_UNBLOCK, 0x00),
            Self::BlockCard => (ins::CARD_BLOCK, 0x00),
        };
        Command::new(ins::CLA_PBOC_SM, ins, 0x00, p2)
    }
}

/// Does `change` to the selected directory (a blocked application's SELECT answers 6A81 and selects it all the same),
/// with a MAC by its maintenance key.
///
/// # Errors
/// [`LifeCycleError`].
pub fn change_life_cycle<T, M>(
    transport: &mut T,
    change: LifeCycle,
    keeper: &mut M,
) -> Result<(), LifeCycleError<M::Error>>
where
    T: Transport + ?Sized,
    M: LineMac + ?Sized,
{
    let refused = |command| move |status| LifeCycleError::Refused(Refusal { command, status });
    let challenge = challenge(transport).map_err(|error| match error {
        ChallengeError::Refused(status) => refused(CommandName::GetChallenge)(status),
        ChallengeError::Exchange(source) => LifeCycleError::Exchange(source),
    })?;
    let command = with_mac(&change.command(), challenge, keeper).map_err(LifeCycleError::NoMac)?;
    exchange(transport, &command)?.done().map(drop).map_err(refused(CommandName::Block))
}

/// How far a block reaches.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Block {
    /// The application, until APPLICATION UNBLOCK.
    Application,
    /// The application, for good.
    ApplicationForGood,
    /// The whole card, for good.
    Card,
}

/// How far the block reaches of an application whose SELECT has just answered 6A81. It asks by an APPLICATION UNBLOCK
/// without its MAC, which is refused before it is counted as a failure.
///
/// # Errors
/// [`ExchangeError`].
pub fn block_of<T: Transport + ?Sized>(transport: &mut T) -> Result<Block, ExchangeError> {
    let answer = exchange(transport, &LifeCycle::UnblockApplication.command())?;
    Ok(match answer.status {
        StatusWord::PERMANENTLY_BLOCKED => Block::ApplicationForGood,
        StatusWord::FUNCTION_NOT_SUPPORTED => Block::Card,
        _ => Block::Application,
    })
}

/// Why the life cycle is as it was.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum LifeCycleError<E> {
    /// The card refused.
    #[error("not blocked or unblocked, the card answered {0}")]
    Refused(Refusal),
    /// Nothing was sent.
    #[error("not blocked or unblocked")]
    NoMac(#[source] ProtectError<E>),
    /// No answer: send it again, a second time is harmless.
    #[error("no answer: send the command again, a second time is harmless")]
    Exchange(#[from] ExchangeError),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        crypto::{Key, LineKey},
        transport::Scripted,
    };
    use hex_literal::hex;

    #[test]
    fn the_mac_covers_header_and_length() {
        let mut key = LineKey::from(Key::from_bytes(hex!("00112233445566778899AABBCCDDEEFF")));
        let mac = key.mac(hex!("0102030400000000"), &hex!("841E000104"));
        let sent = [&hex!("841E000104")[..], &mac].concat();
        let mut card = Scripted::new(&[(&hex!("0084000004"), &hex!("01020304 9000")), (&sent, &hex!("6988"))]);
        let refusal = Refusal { command: CommandName::Block, status: StatusWord::SM_DATA_WRONG };
        let outcome = change_life_cycle(&mut card, LifeCycle::BlockApplicationForGood, &mut key);
        assert_eq!(outcome, Err(LifeCycleError::Refused(refusal)));
        card.finish();
    }

    #[test]
    fn a_question_without_a_mac_tells_how_far_a_block_reaches() {
        for (answer, block) in
            [(hex!("6700"), Block::Application), (hex!("9303"), Block::ApplicationForGood), (hex!("6A81"), Block::Card)]
        {
            assert_eq!(block_of(&mut Scripted::new(&[(&hex!("8418000000"), &answer)])), Ok(block));
        }
    }
}

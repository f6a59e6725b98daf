//! Whoever makes and checks a terminal's MACs without showing a key: a SAM in a slot, a server, or software.

use onecard_wire::{
    amount::Amount,
    key::KeyVersion,
    number::{ApplicationSerial, EnterpriseId, TerminalNumber},
    sam::{InitSam, InitSamAnswer},
    status::StatusWord,
};

use crate::{apdu::ExchangeError, blacklist::ListVersion, transport::TransportError};

mod key_list;
mod psam;
mod remote;
mod software;
mod working_key;

pub use crate::crypto::Cryptogram;
pub use psam::{Levels, PsamCard};
pub use remote::{Link, LinkError, RemoteSam, SamServer};
pub use software::{LastLoad, LastPurchase, SoftwareSam, SoftwareSamState};
pub use working_key::{AuthenticationUse, LineKeyUse};

/// A terminal's keeper of keys. One transaction at a time; a failed call leaves none open.
pub trait Sam {
    /// The number that goes into every MAC: a terminal sends just this one to the card.
    ///
    /// # Errors
    /// [`SamError`].
    fn terminal(&mut self) -> Result<TerminalNumber, SamError>;

    /// INIT_SAM_FOR_PURCHASE: the next terminal sequence and the MAC1 for DEBIT.
    ///
    /// # Errors
    /// [`SamError::NoSuchKey`] if it lacks the card's key version.
    fn initialize_purchase(&mut self, order: &SamOrder) -> Result<InitSamAnswer, SamError>;

    /// CREDIT_SAM_FOR_PURCHASE: checks the MAC2 of the purchase just initialised; its sequence is then spent.
    ///
    /// # Errors
    /// [`SamError::WrongMac`]: the card is not what it says, nothing is spent.
    fn credit_purchase(&mut self, mac2: [u8; 4]) -> Result<(), SamError>;

    /// The terminal sequence and MAC1 for the DEBIT of an undo (own, profile §4, `80 70 01`): of this SAM's own last completed
    /// purchase alone, by serial, amount and the card's sequence plus one, and once.
    ///
    /// # Errors
    /// [`SamError::NotLastPurchase`] for any other; [`SamError::NoSuchKey`] without the cancel key.
    fn initialize_undo(&mut self, order: &SamOrder) -> Result<InitSamAnswer, SamError>;

    /// Checks the MAC2 of the undo just initialised (own, profile §4, `80 72 01`); its sequence is then spent.
    ///
    /// # Errors
    /// [`SamError::WrongMac`]: the card is not what it says, nothing is spent.
    fn credit_undo(&mut self, mac2: [u8; 4]) -> Result<(), SamError>;

    /// Checks the MAC2 of a past purchase or undo, as GET TRANSACTION PROVE brings it (own, profile §4, `80 72 03`).
    ///
    /// # Errors
    /// [`SamError::WrongMac`]: this was another transaction or a false card. [`SamError::NotSupported`]: a SAM without
    /// this profile's own parts.
    fn check_past_purchase(&mut self, order: &SamOrder, terminal_sequence: u32, mac2: [u8; 4]) -> Result<(), SamError>;

    /// Checks a load's MAC1, takes the amount off the limit and makes its MAC2 (own, profile §4, `80 70 02`).
    ///
    /// # Errors
    /// [`SamError::WrongMac`]: not a card of this enterprise. [`SamError::LimitReached`].
    fn load(&mut self, order: &SamOrder, old_balance: Amount, mac1: [u8; 4]) -> Result<[u8; 4], SamError>;

    /// Checks a load's MAC1 and changes nothing (own, `80 72 02`). `terminal` is what INITIALIZE said: a number nobody could
    /// foresee makes the answer a fresh one.
    ///
    /// # Errors
    /// [`SamError::WrongMac`]: not a card of this enterprise, or not its answer to this INITIALIZE.
    /// [`SamError::NotSupported`]: a SAM without this profile's own parts.
    fn check_load(
        &mut self,
        order: &SamOrder,
        terminal: TerminalNumber,
        old_balance: Amount,
        mac1: [u8; 4],
    ) -> Result<(), SamError>;

    /// Four bytes that nobody could foresee: a question no recording answers.
    ///
    /// # Errors
    /// [`SamError`].
    fn random(&mut self) -> Result<[u8; 4], SamError>;

    /// Line-protection MAC of `message` by the card's maintenance key (usage 05) with `initial` as IV.
    ///
    /// # Errors
    /// [`SamError::NotSupported`] or [`SamError::NoSuchKey`] where this keeper does not hold that key, as in any till.
    fn maintenance_mac(&mut self, card: CardFactors, initial: [u8; 8], message: &[u8]) -> Result<[u8; 4], SamError>;

    /// MAC of `message` by the card's maintenance key (usage 05) of `version` for a place in a secured packet, counter ‖ number of the
    /// command ‖ 00 00 (19.4.4): a station writes the contents of applications over the air by it.
    ///
    /// # Errors
    /// As [`Self::maintenance_mac`].
    fn placed_mac(
        &mut self,
        _card: CardFactors,
        _version: KeyVersion,
        _place: [u8; 8],
        _message: &[u8],
    ) -> Result<[u8; 4], SamError> {
        Err(SamError::NotSupported)
    }

    /// Line-protection MAC of `message` by a SAM's own maintenance key (usage 01), diversified by the last 8 bytes of its serial,
    /// with `initial` as IV: a station writes the contents of SAMs by it.
    ///
    /// # Errors
    /// [`SamError::NotSupported`] or [`SamError::NoSuchKey`] where this keeper does not hold that key, as in any terminal.
    fn sam_maintenance_mac(
        &mut self,
        _factor: [u8; 8],
        _version: KeyVersion,
        _initial: [u8; 8],
        _message: &[u8],
    ) -> Result<[u8; 4], SamError> {
        Err(SamError::NotSupported)
    }

    /// What `card` must answer to INTERNAL AUTHENTICATE of `challenge` (usages 0B and 0F, own): 8 random bytes, padded to
    /// the cipher's block.
    ///
    /// # Errors
    /// [`SamError::NoSuchKey`]: it lacks that key, or that version of it.
    fn authentication(
        &mut self,
        card: CardFactors,
        usage: AuthenticationUse,
        version: KeyVersion,
        challenge: [u8; 8],
    ) -> Result<Cryptogram, SamError>;

    /// Line-protection MAC of `message` by the card's key for `usage` (usages 0C, 0D and 10, own) with `initial` as IV.
    ///
    /// # Errors
    /// [`SamError::NoSuchKey`]: it lacks that key, or that version of it. [`SamError::MessageTooLong`].
    fn line_mac(
        &mut self,
        card: CardFactors,
        usage: LineKeyUse,
        version: KeyVersion,
        initial: [u8; 8],
        message: &[u8],
    ) -> Result<[u8; 4], SamError>;

    /// Versions of the marking key it holds, the newest first: a card tells no version of its own (its maintenance key), so one
    /// after the other is tried. Version 00 stands for the newest of a SAM that does not list its keys.
    ///
    /// # Errors
    /// [`SamError`].
    fn marking_versions(&mut self) -> Result<Vec<KeyVersion>, SamError>;

    /// The MAC of the one command that marks `card` as listed (usage 0E, own, profile §4, `80 74`), given its challenge, by the
    /// marking key of version `key`.
    ///
    /// # Errors
    /// [`SamError::NoSuchKey`]: it lacks that marking key. [`SamError::NotSupported`]: a SAM without this profile's own
    /// parts.
    fn mark(
        &mut self,
        card: CardFactors,
        key: KeyVersion,
        challenge: [u8; 4],
        list: ListVersion,
    ) -> Result<[u8; 4], SamError>;
}

/// What a card's keys are diversified by: enterprise first, serial last.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CardFactors {
    /// The enterprise.
    pub enterprise: EnterpriseId,
    /// The card.
    pub serial: ApplicationSerial,
}

/// One transaction, as a SAM is told of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SamOrder {
    /// The card.
    pub card: CardFactors,
    /// Its random, sequence, amount, type, moment and key.
    pub init: InitSam,
}

/// Why a SAM refused.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SamError {
    /// 9302.
    #[error("the card's MAC is wrong: not a genuine card of this enterprise, or its answer was changed")]
    WrongMac,
    /// 9403.
    #[error("the SAM has no key of the version and cipher this card uses: exchange the SAM or the card")]
    NoSuchKey,
    /// An undo of anything else than this SAM's last completed purchase, or of one that is undone already.
    #[error("this is not the SAM's last purchase, or it is undone already: refund it at the service desk")]
    NotLastPurchase,
    /// The load limit is used up.
    #[error("the SAM's load limit is used up: have the station raise it")]
    LimitReached,
    /// 9402: no terminal sequence is left.
    #[error("the SAM has made all its transactions: exchange it")]
    Exhausted,
    /// More than a SAM takes in one command.
    #[error("a message of {0} bytes is too long for a MAC by a SAM")]
    MessageTooLong(usize),
    /// The command is not there.
    #[error("this SAM cannot do that: it lacks the command or the key")]
    NotSupported,
    /// No answer.
    #[error("SAM: {0}")]
    Transport(#[from] TransportError),
    /// A status word without a meaning here.
    #[error("the SAM answered {0}, which has no meaning here")]
    Unexpected(StatusWord),
    /// The server that is the SAM does not answer.
    #[error("the SAM's server does not answer ({0}): present the same card again once it does")]
    Server(LinkError),
    /// The server has served a later session of this terminal, or another program asks in its name.
    #[error(
        "the SAM's server has served a later session: restart the terminal, alone and with a higher session number"
    )]
    StaleSession,
    /// The server does not understand the request.
    #[error("the SAM's server does not understand this terminal: bring both to the same release")]
    OtherRelease,
    /// An answer of the wrong shape.
    #[error("the SAM's answer has {0} bytes, which is not what the command returns")]
    Malformed(usize),
}

impl From<ExchangeError> for SamError {
    fn from(error: ExchangeError) -> Self {
        match error {
            ExchangeError::Transport(source) => Self::Transport(source),
            ExchangeError::Malformed(length) => Self::Malformed(length),
        }
    }
}

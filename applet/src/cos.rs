//! The card operating system (片内操作系统): what FMCOS commands do to files, keys and purses, in one session.
//!
//! A CPU card and a SAM have one session; a RFID-SIM has one on each logical channel and one on the radio.

use onecard_wire::{layout::Writer, ota::COUNTER_LEN, status::StatusWord};

use crate::{
    apdu::{Command, Response},
    crypto::{InitialBlock, Key},
    failure::Failure,
    fs::{Directory, FileIndex, Lock, Window},
    manufacture::Kind,
    nvm::Journal,
    platform::Platform,
    psam::{SamTransaction, WorkingKey},
    wallet::Wallet,
};

/// The memory, and the session whose command is executed.
pub(crate) struct Cos<'a, P> {
    pub(crate) nvm: &'a mut Journal<P>,
    pub(crate) kind: Kind,
    pub(crate) session: &'a mut Session,
    pub(crate) carriage: Carriage,
}

/// How a command came.
#[derive(Clone, Copy)]
pub(crate) enum Carriage {
    /// Over an interface of the chip.
    Direct,
    /// In a packet over the air.
    OverTheAir {
        /// The command's place, if the packet's counter makes it good once.
        place: Option<PacketPlace>,
    },
}

/// Counter of a packet, and a command's number in it, from 01.
#[derive(Clone, Copy)]
pub(crate) struct PacketPlace {
    pub(crate) counter: [u8; COUNTER_LEN],
    pub(crate) number: u8,
}

/// Selection and security state.
pub(crate) struct Session {
    pub(crate) directory: Directory,
    pub(crate) elementary: Option<FileIndex>,
    pub(crate) mf_state: u8,
    pub(crate) df_state: u8,
    pub(crate) window: Window,
    pub(crate) challenge: Option<Challenge>,
    pub(crate) wallet: Wallet,
    pub(crate) sam: SamTransaction,
    pub(crate) working_key: Option<WorkingKey>,
    /// CARD BLOCK was accepted: every command gets 6A81.
    pub(crate) card_blocked: bool,
}

/// What makes a MAC good once: using it consumes it.
pub(crate) enum Challenge {
    /// A random number given out, good for the next command alone. Zeros follow it.
    Random(InitialBlock),
    /// A place in a packet over the air, good there alone. Whoever picks the counter does not pick the block: it is enciphered.
    InPacket(InitialBlock),
}

impl<P: Platform> Cos<'_, P> {
    /// Executes one command. What has been begun belongs to the next command alone: it is taken away before the command is
    /// looked at, one whose lengths do not agree too.
    pub(crate) fn execute(
        &mut self,
        command: Result<Command<'_>, StatusWord>,
        answer: &mut Response,
    ) -> Result<(), Failure> {
        let given_out = self.session.challenge.take();
        let challenge = match self.carriage {
            Carriage::Direct => given_out,
            Carriage::OverTheAir { place } => place.map(Challenge::in_packet),
        };
        let wallet = core::mem::take(&mut self.session.wallet);
        let sam = core::mem::take(&mut self.session.sam);
        if self.session.card_blocked {
            return Err(StatusWord::FUNCTION_NOT_SUPPORTED.into());
        }
        self.dispatch(&command?, challenge, wallet, sam, answer)
    }
}

impl Session {
    /// With that directory current.
    pub(crate) fn new(directory: Directory, window: Window) -> Self {
        Self {
            card_blocked: directory.index == FileIndex::MF && directory.file.lock != Lock::Open,
            directory,
            elementary: None,
            mf_state: 0,
            df_state: 0,
            window,
            challenge: None,
            wallet: Wallet::Idle,
            sam: SamTransaction::Idle,
            working_key: None,
        }
    }

    /// Takes away what the next command alone may use.
    pub(crate) fn end_begun(&mut self) {
        self.challenge = None;
        self.wallet = Wallet::Idle;
        self.sam = SamTransaction::Idle;
    }
}

impl Challenge {
    /// Longest challenge in bytes.
    pub(crate) const LEN_MAX: usize = 8;

    /// Of 4 or 8 bytes.
    pub(crate) fn new(random: &[u8]) -> Self {
        Self::Random(Writer::new().put(random).finish())
    }

    fn in_packet(place: PacketPlace) -> Self {
        Self::InPacket(Writer::new().put(&place.counter).u8(place.number).finish())
    }

    /// As the IV of a MAC by `key`, or as the block in front of its message.
    pub(crate) fn initial_block(&self, key: &Key) -> InitialBlock {
        match self {
            Self::Random(block) => *block,
            Self::InPacket(block) => {
                let mut block = *block;
                key.cipher().encipher_all(block.get_mut(..key.block_len()).unwrap_or_default());
                block
            }
        }
    }

    /// As the block to encipher for EXTERNAL AUTHENTICATE; `None` unless it was given out.
    pub(crate) const fn given_out(&self) -> Option<InitialBlock> {
        match self {
            Self::Random(block) => Some(*block),
            Self::InPacket(_) => None,
        }
    }
}

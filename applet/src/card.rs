//! The card: power-up, one command after the other, power-down.

use onecard_wire::{layout::Writer, status::StatusWord};

use crate::{
    apdu::{Command, Response},
    crypto::InitialBlock,
    failure::Failure,
    fs::{Directory, FileIndex, Lock, Window, finish_erasing},
    manufacture::{Kind, chip_kind},
    nvm::{Journal, PowerLost},
    platform::Platform,
    psam::{SamTransaction, WorkingKey},
    wallet::Wallet,
};

/// A card under power. What it remembers is in `P`; everything else here is gone at power-off.
pub struct Card<P> {
    pub(crate) nvm: Journal<P>,
    pub(crate) kind: Kind,
    /// CARD BLOCK was accepted: every command gets 6A81.
    pub(crate) blocked: bool,
    pub(crate) session: Session,
    /// False once programming was cut short.
    powered: bool,
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
}

/// A random number given out, good for the next command alone: using it consumes it. Zeros follow it.
pub(crate) struct Challenge(InitialBlock);

impl Challenge {
    /// Longest challenge in bytes.
    pub(crate) const LEN_MAX: usize = 8;

    /// Of 4 or 8 bytes.
    pub(crate) fn new(random: &[u8]) -> Self {
        Self(Writer::new().put(random).finish())
    }

    /// As an IV, or as the block to encipher.
    pub(crate) const fn block(&self) -> InitialBlock {
        self.0
    }
}

/// A chip that does not come up. It keeps the memory: put it under power again.
#[derive(Debug)]
pub struct Dead<P> {
    /// The chip.
    pub platform: P,
    /// Why.
    pub cause: Cause,
}

/// Why a chip does not come up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cause {
    /// The power went during recovery.
    PowerLost,
    /// The memory holds no card of this layout: it was never manufactured.
    NotManufactured,
}

impl<P: Platform> Card<P> {
    /// Power-up: finishes what the last power-off cut short, then selects the MF.
    ///
    /// # Errors
    /// [`Dead`].
    pub fn power_up(platform: P) -> Result<Self, Dead<P>> {
        let mut nvm =
            Journal::recover(platform).map_err(|(platform, PowerLost)| Dead { platform, cause: Cause::PowerLost })?;
        let Some(kind) = chip_kind(&nvm) else {
            return Err(Dead { platform: nvm.into_memory(), cause: Cause::NotManufactured });
        };
        if finish_erasing(&mut nvm).is_err() {
            return Err(Dead { platform: nvm.into_memory(), cause: Cause::PowerLost });
        }
        let Some(mf) = Directory::read(&nvm, FileIndex::MF) else {
            return Err(Dead { platform: nvm.into_memory(), cause: Cause::NotManufactured });
        };
        let window = Window::on_entry(&nvm, FileIndex::MF);
        let blocked = mf.file.lock != Lock::Open;
        Ok(Self { nvm, kind, blocked, session: Session::new(mf, window), powered: true })
    }

    /// Executes one command APDU; `answer` becomes data and status word.
    ///
    /// # Errors
    /// [`PowerLost`]: no answer, now or to any later command; power the chip down and up.
    pub fn process(&mut self, command: &[u8], answer: &mut Response) -> Result<(), PowerLost> {
        answer.clear();
        if !self.powered {
            return Err(PowerLost);
        }
        let status = match self.execute(command, answer) {
            Ok(()) => StatusWord::OK,
            Err(Failure::Refused(status)) => {
                answer.clear();
                status
            }
            Err(Failure::PowerLost) => {
                answer.clear();
                self.powered = false;
                return Err(PowerLost);
            }
        };
        // Two bytes always fit behind what a command answers.
        let _ = answer.extend_from_slice(&status.to_bytes());
        Ok(())
    }

    /// Power-off.
    #[must_use]
    pub fn power_down(self) -> P {
        self.nvm.into_memory()
    }

    /// What has been begun belongs to the next command alone: it is taken away before the command is looked at.
    fn execute(&mut self, command: &[u8], answer: &mut Response) -> Result<(), Failure> {
        let challenge = self.session.challenge.take();
        let wallet = core::mem::take(&mut self.session.wallet);
        let sam = core::mem::take(&mut self.session.sam);
        if self.blocked {
            return Err(StatusWord::FUNCTION_NOT_SUPPORTED.into());
        }
        let command = Command::parse(command)?;
        self.dispatch(&command, challenge, wallet, sam, answer)
    }
}

impl Session {
    fn new(mf: Directory, window: Window) -> Self {
        Self {
            directory: mf,
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
}

//! A CPU card or SAM: power-up, one command after the other, power-down.

use onecard_wire::status::StatusWord;

use crate::{
    apdu::{Command, Response},
    cos::{Carriage, Cos, Session},
    failure::Failure,
    fs::{Directory, FileIndex, Window, finish_erasing},
    issuer_domain::finish_forgetting,
    manufacture::{Kind, chip_kind},
    nvm::{Journal, PowerLost},
    platform::Platform,
};

/// A card under power. What it remembers is in `P`; everything else here is gone at power-off.
pub struct Card<P> {
    nvm: Journal<P>,
    kind: Kind,
    session: Session,
    /// False once programming was cut short.
    powered: bool,
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
    /// The memory holds no card of this layout: it was never manufactured, or as another kind of chip.
    NotManufactured,
}

impl<P: Platform> Card<P> {
    /// Power-up: finishes what the last power-off cut short, then selects the MF.
    ///
    /// # Errors
    /// [`Dead`].
    pub fn power_up(platform: P) -> Result<Self, Dead<P>> {
        let (nvm, kind) = recover(platform)?;
        let Some(mf) = Directory::read(&nvm, FileIndex::MF).filter(|_| matches!(kind, Kind::CpuCard | Kind::Sam))
        else {
            return Err(Dead { platform: nvm.into_memory(), cause: Cause::NotManufactured });
        };
        let window = Window::on_entry(&nvm, FileIndex::MF);
        Ok(Self { nvm, kind, session: Session::new(mf, window), powered: true })
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
        let mut cos =
            Cos { nvm: &mut self.nvm, kind: self.kind, session: &mut self.session, carriage: Carriage::Direct };
        let executed = cos.execute(Command::parse(command), answer).map(|()| StatusWord::OK);
        let ended = end(executed, answer);
        self.powered = ended.is_ok();
        ended
    }

    /// Power-off.
    #[must_use]
    pub fn power_down(self) -> P {
        self.nvm.into_memory()
    }
}

/// Power-up of any chip: what the last power-off cut short is finished.
pub(crate) fn recover<P: Platform>(platform: P) -> Result<(Journal<P>, Kind), Dead<P>> {
    let mut nvm =
        Journal::recover(platform).map_err(|(platform, PowerLost)| Dead { platform, cause: Cause::PowerLost })?;
    let Some(kind) = chip_kind(&nvm) else {
        return Err(Dead { platform: nvm.into_memory(), cause: Cause::NotManufactured });
    };
    let finished = match kind {
        Kind::CpuCard | Kind::Sam => finish_erasing(&mut nvm),
        Kind::RfidSim => finish_forgetting(&mut nvm).and_then(|()| finish_erasing(&mut nvm)),
        // They have no files.
        Kind::KeyMaster | Kind::MotherAuthentication => Ok(()),
    };
    if finished.is_err() {
        return Err(Dead { platform: nvm.into_memory(), cause: Cause::PowerLost });
    }
    Ok((nvm, kind))
}

/// Puts the status word behind the data that go with it.
pub(crate) fn end(executed: Result<StatusWord, Failure>, answer: &mut Response) -> Result<(), PowerLost> {
    let status = match executed {
        Ok(status) => status,
        Err(Failure::Refused(status)) => {
            answer.clear();
            status
        }
        Err(Failure::PowerLost) => {
            answer.clear();
            return Err(PowerLost);
        }
    };
    // Two bytes always fit behind what a command answers.
    let _ = answer.extend_from_slice(&status.to_bytes());
    Ok(())
}

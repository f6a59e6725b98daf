//! The commands issuing is made of; each names its step when it fails.

use core::convert::Infallible;

use onecard_wire::{
    fid::Fid,
    file::{CreateElementary, FileKind},
    ins,
    key::{CONTROL_KEY_ID, KeyType},
    layout::Writer,
};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::{
    Cause, IssuingError, Step, Target,
    records::{ADD, KeyRecord, protected},
};
use crate::{
    apdu::{Command, CommandName, DataTooLong, Refusal, Response, exchange},
    card::external_authentication,
    crypto::{Key, LineKey},
    line_protection::{Challenge, ChallengeError, LineMac, ProtectError, challenge, enciphered, with_mac},
    sam::SamError,
    transport::Transport,
};

/// A card being issued.
pub(super) struct Script<'t, T: ?Sized> {
    pub(super) transport: &'t mut T,
    pub(super) target: Target,
}

impl<T: Transport + ?Sized> Script<'_, T> {
    /// Sends a command whose refusal says something.
    pub(super) fn ask(&mut self, step: Step, command: &Command) -> Result<Response, IssuingError> {
        exchange(self.transport, command).map_err(|error| self.failed(step, error))
    }

    /// Sends a command that must be done.
    pub(super) fn send(&mut self, step: Step, command: &Command) -> Result<Vec<u8>, IssuingError> {
        self.ask(step, command)?.done().map_err(|status| self.failed(step, Refusal { command: step.command(), status }))
    }

    /// SELECT of the MF, then EXTERNAL AUTHENTICATE by its control key.
    pub(super) fn open_mf(&mut self, control: &LineKey) -> Result<(), IssuingError> {
        self.select_mf()?;
        let challenge = self.challenge(Step::Authenticate)?;
        self.send(Step::Authenticate, &external_authentication(CONTROL_KEY_ID, challenge, control)).map(drop)
    }

    pub(super) fn select_mf(&mut self) -> Result<(), IssuingError> {
        let select = Command::new(ins::CLA_ISO, ins::SELECT, 0x00, 0x00).with_data(&Fid::MF.0.to_be_bytes());
        self.send(Step::SelectMf, &select.expecting(0)).map(drop)
    }

    /// CREATE FILE of a directory in the MF, and SELECT of it by name: its rights are not enforced until it is left.
    pub(super) fn create_directory(
        &mut self,
        directory: Fid,
        data: &[u8; 22],
        name: &[u8; 14],
    ) -> Result<(), IssuingError> {
        self.send(Step::Create(directory), &create(directory).with_data(data))?;
        self.select_by_name(name)
    }

    /// SELECT of an application.
    pub(super) fn select_by_name(&mut self, name: &[u8; 14]) -> Result<(), IssuingError> {
        let select = Command::new(ins::CLA_ISO, ins::SELECT, 0x04, 0x00).with_data(name).expecting(0);
        self.send(Step::SelectDirectory, &select).map(drop)
    }

    /// Washing of the control key (洗卡): the one there is replaced under itself.
    pub(super) fn wash_control_key(&mut self, step: Step, from: &Key, to: &Key) -> Result<(), IssuingError> {
        let record = KeyRecord::control(protected(KeyType::EXTERNAL), to).emit();
        self.write_enciphered(step, [KeyType::EXTERNAL.0, CONTROL_KEY_ID], &record, &from.clone().into())
    }

    /// CREATE FILE of an elementary, key or purse file in the current directory.
    pub(super) fn create_file(&mut self, (file, created): (Fid, CreateElementary)) -> Result<(), IssuingError> {
        self.send(Step::Create(file), &create(file).with_data(&created.emit())).map(drop)
    }

    /// A first control key in clear, washed at once into `real`.
    pub(super) fn install_control_key(&mut self, step: Step, real: &Key, first: Key) -> Result<(), IssuingError> {
        let record = KeyRecord::control(KeyType::EXTERNAL.0, &first).emit();
        let in_clear = Command::new(ins::CLA_PBOC, ins::WRITE_KEY, ADD, CONTROL_KEY_ID).with_bytes(&record);
        let in_clear = in_clear.map_err(|error| self.failed(Step::FirstControlKey, error))?;
        self.send(Step::FirstControlKey, &in_clear)?;
        self.wash_control_key(step, &first, real)
    }

    /// Adds a key under the directory's control key.
    pub(super) fn add_key(
        &mut self,
        step: Step,
        id: u8,
        record: &KeyRecord<'_>,
        control: &Key,
    ) -> Result<(), IssuingError> {
        self.write_enciphered(step, [ADD, id], &record.emit(), &control.clone().into())
    }

    /// WRITE KEY, enciphered and MACed under `control`.
    pub(super) fn write_enciphered(
        &mut self,
        step: Step,
        [p1, p2]: [u8; 2],
        record: &[u8],
        control: &LineKey,
    ) -> Result<(), IssuingError> {
        let challenge = self.challenge(step)?;
        let command = Command::new(ins::CLA_PBOC, ins::WRITE_KEY, p1, p2).with_bytes(record);
        let command = command.map_err(|error| self.failed(step, error))?;
        let sent = enciphered(&command, challenge, control).map_err(|error| self.failed(step, error))?;
        self.send(step, &sent).map(drop)
    }

    /// UPDATE BINARY from offset 0 with a MAC under the maintenance key.
    pub(super) fn write_file(&mut self, file: Fid, content: &[u8], maintenance: &Key) -> Result<(), IssuingError> {
        self.write_file_by(file, content, &mut LineKey::from(maintenance.clone()))
    }

    /// The same by whoever keeps the maintenance key.
    pub(super) fn write_file_by<M>(&mut self, file: Fid, content: &[u8], keeper: &mut M) -> Result<(), IssuingError>
    where
        M: LineMac + ?Sized,
        Cause: From<ProtectError<M::Error>>,
    {
        let step = Step::Write(file);
        let sfi = 0x80 | (file.0 & 0x1F) as u8;
        let challenge = self.challenge(step)?;
        let command = Command::new(ins::CLA_ISO, ins::UPDATE_BINARY, sfi, 0x00).with_bytes(content);
        let command = command.map_err(|error| self.failed(step, error))?;
        let sent = with_mac(&command, challenge, keeper).map_err(|error| self.failed(step, error))?;
        self.send(step, &sent).map(drop)
    }

    /// READ BINARY in clear must give `content`.
    pub(super) fn check_file(&mut self, file: Fid, content: &[u8]) -> Result<(), IssuingError> {
        let step = Step::Check(file);
        let length = u8::try_from(content.len()).map_err(|_| self.failed(step, DataTooLong(content.len())))?;
        let sfi = 0x80 | (file.0 & 0x1F) as u8;
        let read = self.send(step, &Command::new(ins::CLA_ISO, ins::READ_BINARY, sfi, 0x00).expecting(length))?;
        if read == content { Ok(()) } else { Err(self.failed(step, Cause::Different)) }
    }

    pub(super) fn challenge(&mut self, step: Step) -> Result<Challenge, IssuingError> {
        challenge(self.transport).map_err(|error| match error {
            ChallengeError::Refused(status) => {
                self.failed(step, Refusal { command: CommandName::GetChallenge, status })
            }
            ChallengeError::Exchange(source) => self.failed(step, source),
        })
    }

    pub(super) fn failed(&self, step: Step, cause: impl Into<Cause>) -> IssuingError {
        IssuingError { target: self.target, step, cause: cause.into() }
    }
}

/// A key of the cipher of `real` for the one moment before it is washed into that.
pub(super) fn random_first_key(real: &Key, random: &mut impl CryptoRng) -> Key {
    let mut bytes = Zeroizing::new([0; Key::LEN]);
    random.fill_bytes(&mut *bytes);
    Key::new(real.algorithm(), *bytes)
}

/// The data of CREATE FILE for a directory in the MF: only its control key, state F, creates in it and erases it.
pub(super) fn directory(size: u16, fci_file: Fid, name: &[u8; 14]) -> [u8; 22] {
    const STATE_F: u8 = 0xFF;
    const AS_APPLICATION: u8 = 0x80;
    Writer::new()
        .u8(FileKind::Directory as u8)
        .u16(size)
        .put(&[STATE_F, STATE_F, AS_APPLICATION | (fci_file.0 & 0x1F) as u8, 0xFF, 0xFF])
        .put(name)
        .finish()
}

fn create(file: Fid) -> Command {
    let [high, low] = file.0.to_be_bytes();
    Command::new(ins::CLA_PBOC, ins::CREATE_FILE, high, low)
}

/// A key in hand always makes a MAC, so only the length is left.
impl From<ProtectError<Infallible>> for Cause {
    fn from(error: ProtectError<Infallible>) -> Self {
        match error {
            ProtectError::TooLong(too_long) => Self::TooLong(too_long),
        }
    }
}

impl From<ProtectError<SamError>> for Cause {
    fn from(error: ProtectError<SamError>) -> Self {
        match error {
            ProtectError::TooLong(too_long) => Self::TooLong(too_long),
            ProtectError::Keeper(source) => Self::Keeper(source),
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::transport::TransportError;
    use rand_core::{TryCryptoRng, TryRng};
    use std::collections::BTreeMap;

    /// Not random at all.
    pub(in crate::issuing) struct Sevens;

    impl TryRng for Sevens {
        type Error = Infallible;
        fn try_next_u32(&mut self) -> Result<u32, Infallible> {
            Ok(0x0707_0707)
        }
        fn try_next_u64(&mut self) -> Result<u64, Infallible> {
            Ok(0x0707_0707_0707_0707)
        }
        fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
            bytes.fill(7);
            Ok(())
        }
    }
    impl TryCryptoRng for Sevens {}

    /// Answers GET CHALLENGE with one challenge, READ BINARY with what was written if it holds that, refuses one
    /// instruction, and does everything else without data.
    pub(in crate::issuing) struct Recorder {
        challenge: [u8; 4],
        files: Option<BTreeMap<u8, Vec<u8>>>,
        refused: Option<(u8, [u8; 2])>,
        sent: Vec<String>,
    }

    impl Recorder {
        pub(in crate::issuing) fn with_challenge(challenge: [u8; 4]) -> Self {
            Self { challenge, files: None, refused: None, sent: Vec::new() }
        }

        pub(in crate::issuing) fn refusing(mut self, ins: u8, status: [u8; 2]) -> Self {
            self.refused = Some((ins, status));
            self
        }

        pub(in crate::issuing) fn holding_what_is_written(mut self) -> Self {
            self.files = Some(BTreeMap::new());
            self
        }

        pub(in crate::issuing) fn sent(&self) -> &[String] {
            &self.sent
        }
    }

    impl Transport for Recorder {
        fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
            self.sent.push(hex::encode_upper(command));
            let instruction = command.get(1).copied().unwrap_or_default();
            let sfi = command.get(2).copied().unwrap_or_default();
            if let (Some(files), ins::UPDATE_BINARY, Some(data)) = (&mut self.files, instruction, command.get(5..)) {
                files
                    .insert(sfi, data.strip_suffix(data.last_chunk::<4>().unwrap_or(&[0; 4])).unwrap_or(data).to_vec());
            }
            let held = self.files.as_ref().and_then(|files| files.get(&sfi));
            Ok(match self.refused {
                Some((refused, status)) if refused == instruction => status.to_vec(),
                _ if instruction == ins::GET_CHALLENGE => [&self.challenge[..], &[0x90, 0x00]].concat(),
                _ if instruction == ins::READ_BINARY => [held.map_or(&[][..], |file| file), &[0x90, 0x00]].concat(),
                _ => vec![0x90, 0x00],
            })
        }
    }
}

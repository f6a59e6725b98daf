//! Line protection (线路保护): the card's side of CLA 04 and 84 (FMCOS 2.0 user manual p. 135-139).

use onecard_wire::{
    file::{WRITE_NEEDS_CIPHER, WRITE_NEEDS_MAC},
    ins::{CLA_SM_BIT, DATA_MAX},
    key::KeyType,
    status::StatusWord,
};
use zeroize::Zeroize;

use crate::{
    apdu::{Command, Response, put},
    cos::{Challenge, Cos},
    crypto::{InitialBlock, Key, line_mac, pad, same},
    failure::{Failure, refuse},
    fs::File,
    keys::{KeyRecord, Verdict, find},
    platform::Platform,
};

/// Most data bytes a read answers.
pub(crate) const ANSWER_DATA_MAX: usize = DATA_MAX;
const MAC_LEN: usize = 4;

/// The data field behind the protection, erased when dropped.
pub(crate) struct PlainData(heapless::Vec<u8, DATA_MAX>);

impl PlainData {
    pub(crate) fn from_slice(data: &[u8]) -> Result<Self, StatusWord> {
        heapless::Vec::from_slice(data).map(Self).map_err(|_| StatusWord::WRONG_LENGTH)
    }
}

impl core::ops::Deref for PlainData {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for PlainData {
    fn drop(&mut self) {
        self.0.as_mut_slice().zeroize();
    }
}

/// How the data field travels in front of its MAC.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Text {
    Clear,
    /// `length 1 ‖ text`, padded by 80 00… only where it does not fill whole blocks, ECB.
    Enciphered,
}

/// How the answer to a read travels.
pub(crate) enum ReadProtection {
    Clear,
    Protected { key: Key, initial: InitialBlock, text: Text },
}

impl<P: Platform> Cos<'_, P> {
    /// Checks a protected command's MAC, spending a try of its key, and returns its data.
    ///
    /// # Errors
    /// 6987 without a MAC, 6985 without a challenge, 6983 if the key is blocked, `wrong` for a wrong MAC, 6A80 for a text
    /// that does not decipher to its length.
    pub(crate) fn unwrap(
        &mut self,
        command: &Command<'_>,
        challenge: Option<Challenge>,
        key: &KeyRecord,
        text: Text,
        wrong: StatusWord,
    ) -> Result<PlainData, Failure> {
        let (body, mac) = command.data.split_last_chunk::<MAC_LEN>().ok_or(StatusWord::SM_DATA_MISSING)?;
        let challenge = challenge.ok_or(StatusWord::CONDITIONS_NOT_SATISFIED)?;
        let verdict = self.compare(key, |nvm| {
            let key = key.key(nvm)?;
            let expected = line_mac(&key, challenge.initial_block(&key), &[&command.header(), body]);
            Ok(same(&expected, mac))
        })?;
        if verdict != Verdict::Right {
            return refuse(wrong);
        }
        let mut data = PlainData::from_slice(body)?;
        if text == Text::Enciphered {
            let key = key.key(self.nvm)?;
            key.cipher().decipher_all(&mut data.0);
            strip(&mut data.0, key.block_len())?;
        }
        Ok(data)
    }

    /// The data of a write to `file`, its right and protection checked. A file created for it takes no other.
    pub(crate) fn open_write(
        &mut self,
        command: &Command<'_>,
        challenge: Option<Challenge>,
        file: &File,
    ) -> Result<PlainData, Failure> {
        self.session.require(file.second_right)?;
        if command.cla & CLA_SM_BIT == 0 {
            if file.type_byte & (WRITE_NEEDS_MAC | WRITE_NEEDS_CIPHER) != 0 {
                return refuse(StatusWord::SM_DATA_MISSING);
            }
            return Ok(PlainData::from_slice(command.data)?);
        }
        let key = self.line_key(file.line_keys().write_key_id())?;
        self.unwrap(command, challenge, &key, text_of(file), StatusWord::SM_DATA_WRONG)
    }

    /// Whether `file` may be read: by its right, or (own) by a right command MAC without any state.
    pub(crate) fn open_read(
        &mut self,
        command: &Command<'_>,
        challenge: Option<Challenge>,
        file: &File,
    ) -> Result<ReadProtection, Failure> {
        if command.cla & CLA_SM_BIT == 0 {
            command.require_data_len(0)?;
            if !file.line_keys().plain_read_allowed() {
                return refuse(StatusWord::SM_DATA_MISSING);
            }
            self.session.require(file.first_right)?;
            return Ok(ReadProtection::Clear);
        }
        if !file.first_right.can_be_met() {
            return refuse(StatusWord::SECURITY_NOT_SATISFIED);
        }
        let challenge = challenge.ok_or(StatusWord::CONDITIONS_NOT_SATISFIED)?;
        let record = self.line_key(file.line_keys().read_key_id())?;
        let key = record.key(self.nvm)?;
        let initial = challenge.initial_block(&key);
        let data = self.unwrap(command, Some(challenge), &record, Text::Clear, StatusWord::SM_DATA_WRONG)?;
        if !data.is_empty() {
            return refuse(StatusWord::WRONG_LENGTH);
        }
        Ok(ReadProtection::Protected { key, initial, text: text_of(file) })
    }

    /// A type 36 key of the current directory.
    pub(crate) fn line_key(&self, id: u8) -> Result<KeyRecord, StatusWord> {
        let keys = self.session.directory.keys.as_ref().ok_or(StatusWord::KEY_NOT_FOUND)?;
        find(self.nvm, keys, KeyType::MAINTENANCE, id).ok_or(StatusWord::KEY_NOT_FOUND)
    }
}

impl ReadProtection {
    /// Answers what was read: in clear, or with a MAC over it under the command's IV. `answer` is empty before.
    pub(crate) fn answer(&self, data: &[u8], answer: &mut Response) -> Result<(), StatusWord> {
        let Self::Protected { key, initial, text } = self else {
            return put(answer, data);
        };
        match text {
            Text::Clear => put(answer, data)?,
            Text::Enciphered => {
                put(answer, &[data.len() as u8])?;
                put(answer, data)?;
                if !answer.len().is_multiple_of(key.block_len()) {
                    pad(answer, key.block_len())?;
                }
                key.cipher().encipher_all(answer);
            }
        }
        let mac = line_mac(key, *initial, &[answer.as_slice()]);
        put(answer, &mac)
    }
}

const fn text_of(file: &File) -> Text {
    if file.type_byte & WRITE_NEEDS_CIPHER == 0 { Text::Clear } else { Text::Enciphered }
}

/// `length 1 ‖ text ‖ padding` → text.
fn strip<const N: usize>(data: &mut heapless::Vec<u8, N>, block_len: usize) -> Result<(), StatusWord> {
    let whole_blocks = !data.is_empty() && data.len().is_multiple_of(block_len);
    let length = usize::from(*data.first().filter(|_| whole_blocks).ok_or(StatusWord::WRONG_DATA)?);
    let padding = data.get(1 + length..).ok_or(StatusWord::WRONG_DATA)?;
    let right = match padding {
        [] => true,
        [0x80, zeros @ ..] => zeros.len() < block_len - 1 && zeros.iter().all(|byte| *byte == 0),
        _ => false,
    };
    if !right {
        return Err(StatusWord::WRONG_DATA);
    }
    data.copy_within(1..=length, 0);
    data.get_mut(length..).unwrap_or_default().zeroize();
    data.truncate(length);
    Ok(())
}

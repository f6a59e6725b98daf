//! GET CHALLENGE, EXTERNAL and INTERNAL AUTHENTICATE (FMCOS 2.0 user manual p. 51-55).

use onecard_wire::{key::KeyType, status::StatusWord};

use crate::{
    apdu::{Command, Response, put},
    cos::{Carriage, Challenge, Cos},
    crypto::{BLOCK_LEN_MAX, ZERO_BLOCK, line_mac, pad, same},
    failure::{Failure, refuse},
    keys::{KeyRecord, Verdict, find},
    platform::Platform,
};

/// Most data bytes of INTERNAL AUTHENTICATE.
const INTERNAL_DATA_MAX: usize = 232;

impl<P: Platform> Cos<'_, P> {
    /// GET CHALLENGE of 4 or 8 bytes, for the next command alone.
    pub(crate) fn challenge(&mut self, command: &Command<'_>, answer: &mut Response) -> Result<(), Failure> {
        command.require_p1p2(0x00, 0x00)?;
        command.require_data_len(0)?;
        if let Carriage::OverTheAir { .. } = self.carriage {
            return refuse(StatusWord::CONDITIONS_NOT_SATISFIED);
        }
        let mut random = [0; Challenge::LEN_MAX];
        let challenge = match command.le {
            Some(4) => random.get_mut(..4),
            Some(8) => random.get_mut(..),
            _ => return refuse(StatusWord::WRONG_LENGTH),
        };
        let challenge = challenge.unwrap_or_default();
        self.nvm.chip().random(challenge);
        put(answer, challenge)?;
        self.session.challenge = Some(Challenge::new(challenge));
        Ok(())
    }

    /// EXTERNAL AUTHENTICATE: one block, the challenge and zeros, enciphered by the key. Success sets the key's follow-up
    /// state.
    pub(crate) fn external_authenticate(
        &mut self,
        command: &Command<'_>,
        challenge: Option<Challenge>,
    ) -> Result<(), Failure> {
        command.require_no_answer()?;
        if command.p1 != 0 {
            return refuse(StatusWord::WRONG_P1P2);
        }
        if !matches!(command.data.len(), 8 | BLOCK_LEN_MAX) {
            return refuse(StatusWord::WRONG_LENGTH);
        }
        let record = self.find_key(KeyType::EXTERNAL, command.p2)?.ok_or(StatusWord::KEY_NOT_FOUND)?;
        command.require_data_len(record.algorithm().block_len())?;
        self.session.require(record.use_right)?;
        let given_out = challenge.and_then(|challenge| challenge.given_out());
        let mut block = given_out.ok_or(StatusWord::CONDITIONS_NOT_SATISFIED)?;
        let verdict = self.compare(&record, |nvm| {
            let expected = block.get_mut(..command.data.len()).unwrap_or_default();
            record.key(nvm)?.cipher().encipher_all(expected);
            Ok(same(expected, command.data))
        })?;
        match verdict {
            Verdict::Right => self.session.authenticated(record.b4),
            Verdict::Wrong { tries_left } => return refuse(StatusWord::tries_left(tries_left)),
        }
        Ok(())
    }

    /// INTERNAL AUTHENTICATE: P1 00 enciphers (key type 30), 01 deciphers (31), 02 makes a MAC (32).
    pub(crate) fn internal_authenticate(
        &mut self,
        command: &Command<'_>,
        answer: &mut Response,
    ) -> Result<(), Failure> {
        let key_type = match command.p1 {
            0x00 => KeyType::INTERNAL_ENCIPHER,
            0x01 => KeyType::INTERNAL_DECIPHER,
            0x02 => KeyType::INTERNAL_MAC,
            _ => return refuse(StatusWord::WRONG_P1P2),
        };
        if command.data.is_empty() || command.data.len() > INTERNAL_DATA_MAX {
            return refuse(StatusWord::WRONG_LENGTH);
        }
        let record = self.find_key(key_type, command.p2)?.ok_or(StatusWord::KEY_NOT_FOUND)?;
        self.session.require(record.use_right)?;
        self.require_in_use()?;
        let key = record.key(self.nvm)?;
        if key_type == KeyType::INTERNAL_MAC {
            command.require_answer_len(4)?;
            return Ok(put(answer, &line_mac(&key, ZERO_BLOCK, &[command.data]))?);
        }
        let block_len = key.block_len();
        command.require_answer_len(command.data.len().next_multiple_of(block_len))?;
        put(answer, command.data)?;
        if !command.data.len().is_multiple_of(block_len) {
            pad(answer, block_len)?;
        }
        match key_type {
            KeyType::INTERNAL_ENCIPHER => key.cipher().encipher_all(answer),
            _ => key.cipher().decipher_all(answer),
        }
        Ok(())
    }

    /// A key of the current directory.
    ///
    /// # Errors
    /// 6A82 if the directory has no key file.
    pub(crate) fn find_key(&self, key_type: KeyType, id: u8) -> Result<Option<KeyRecord>, StatusWord> {
        let keys = self.session.directory.keys.as_ref().ok_or(StatusWord::FILE_NOT_FOUND)?;
        Ok(find(self.nvm, keys, key_type, id))
    }
}

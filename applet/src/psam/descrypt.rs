//! INIT_FOR_DESCRYPT and DES CRYPT: a card's key for MACs and encipherment, never for money.

use onecard_wire::{
    layout::Writer,
    sam::{LEVELS_MAX, Usage, UsageKind},
    status::StatusWord,
};

use super::FACTOR_LEN;
use crate::{
    apdu::{Command, Response, put},
    cos::Cos,
    crypto::{BLOCK_LEN_MAX, InitialBlock, Key, TransactionKey, ZERO_BLOCK, chain, close_line_mac, cmac},
    failure::{Failure, refuse},
    platform::Platform,
};

/// P1 of DES CRYPT: encipher.
const ENCIPHER: u8 = 0x00;
/// Bit of P1: a MAC.
const MAC_BIT: u8 = 0x01;
/// Bit of P1: more blocks follow.
const MORE_BIT: u8 = 0x02;
/// Bit of P1: the MAC's IV stands in front of the data.
const INITIAL_BIT: u8 = 0x04;
/// P1: decipher.
const DECIPHER: u8 = 0x80;

/// The temporary key, lost on SELECT, on INIT_SAM and at power-off.
pub(crate) struct WorkingKey {
    key: Key,
    may: Uses,
    /// Chaining value of a MAC whose blocks are not all here yet.
    chain: Option<InitialBlock>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Uses {
    Mac,
    Encipherment,
    Both,
}

impl<P: Platform> Cos<'_, P> {
    /// INIT_FOR_DESCRYPT: P1 usage, P2 version, data the factors, card serial first.
    pub(crate) fn init_for_descrypt(&mut self, command: &Command<'_>) -> Result<(), Failure> {
        command.require_no_answer()?;
        self.session.working_key = None;
        let usage = Usage(command.p1);
        let (factors, rest) = command.data.as_chunks::<FACTOR_LEN>();
        if !rest.is_empty() || factors.len() != usize::from(usage.levels()) || factors.len() > LEVELS_MAX {
            return refuse(StatusWord::WRONG_LENGTH);
        }
        let may = uses(usage.kind()).ok_or(StatusWord::CONDITIONS_NOT_SATISFIED)?;
        let key = self.diversified(&self.working_key(usage.kind(), command.p2)?, factors)?;
        let key = if usage.kind() == UsageKind::PIN_RELOAD { TransactionKey::fold(&key).to_key() } else { key };
        self.session.working_key = Some(WorkingKey { key, may, chain: None });
        Ok(())
    }

    /// DES CRYPT of whole blocks, or of a message for AES, whose MAC pads by itself.
    pub(crate) fn des_crypt(&mut self, command: &Command<'_>, answer: &mut Response) -> Result<(), Failure> {
        if command.p2 != 0 {
            return refuse(StatusWord::WRONG_P1P2);
        }
        if command.data.is_empty() {
            return refuse(StatusWord::WRONG_LENGTH);
        }
        let working = self.session.working_key.as_mut().ok_or(StatusWord::CONDITIONS_NOT_SATISFIED)?;
        let pads_itself = matches!(working.key, Key::Aes(_)) && command.p1 & MAC_BIT != 0;
        if !pads_itself && !command.data.len().is_multiple_of(working.key.block_len()) {
            return refuse(StatusWord::WRONG_LENGTH);
        }
        match command.p1 {
            ENCIPHER | MORE_BIT | DECIPHER => {
                working.may.require(Uses::Encipherment)?;
                command.require_answer_len(command.data.len())?;
                put(answer, command.data)?;
                let cipher = working.key.cipher();
                if command.p1 == DECIPHER {
                    cipher.decipher_all(answer)
                } else {
                    cipher.encipher_all(answer)
                }
                Ok(())
            }
            p1 if p1 & MAC_BIT != 0 && p1 & !(MAC_BIT | MORE_BIT | INITIAL_BIT) == 0 => {
                working.may.require(Uses::Mac)?;
                command.require_answer_len(if p1 & MORE_BIT == 0 { 4 } else { 0 })?;
                Ok(working.mac(p1, command.data, answer)?)
            }
            _ => refuse(StatusWord::WRONG_P1P2),
        }
    }
}

impl WorkingKey {
    fn mac(&mut self, p1: u8, data: &[u8], answer: &mut Response) -> Result<(), StatusWord> {
        if let Key::Aes(key) = &self.key {
            return one_cmac(key, p1, data, answer);
        }
        let (initial, message) = match (self.chain.take(), data.split_at_checked(self.key.block_len())) {
            (Some(chained), _) => (chained, data),
            (None, Some((initial, message))) if p1 & INITIAL_BIT != 0 => (Writer::new().put(initial).finish(), message),
            (None, _) => (ZERO_BLOCK, data),
        };
        let chained = chain(&self.key, initial, message).ok_or(StatusWord::INTERNAL_ERROR)?;
        if p1 & MORE_BIT != 0 {
            self.chain = Some(chained);
            return Ok(());
        }
        put(answer, &close_line_mac(&self.key, chained))
    }
}

/// CMAC of one command's data: with P1 05 the initial block is but the first of the message.
fn one_cmac(key: &[u8; 16], p1: u8, data: &[u8], answer: &mut Response) -> Result<(), StatusWord> {
    if p1 & MORE_BIT != 0 {
        return Err(StatusWord::CONDITIONS_NOT_SATISFIED);
    }
    if p1 & INITIAL_BIT != 0 && data.len() < BLOCK_LEN_MAX {
        return Err(StatusWord::WRONG_LENGTH);
    }
    put(answer, &cmac(key, [data]))
}

impl Uses {
    /// # Errors
    /// 6985 if the key is not for that.
    fn require(self, wanted: Self) -> Result<(), StatusWord> {
        if self == Self::Both || self == wanted { Ok(()) } else { Err(StatusWord::CONDITIONS_NOT_SATISFIED) }
    }
}

/// What DES CRYPT does with a kind of key; nothing with those that move money or mark cards.
fn uses(kind: UsageKind) -> Option<Uses> {
    if kind.refused_by_init_for_descrypt() {
        return None;
    }
    Some(match kind {
        UsageKind::PIN_RELOAD
        | UsageKind::MAC
        | UsageKind::ACCESS_APPEND
        | UsageKind::ATTENDANCE_APPEND
        | UsageKind::RIGHTS => Uses::Mac,
        UsageKind::ENCIPHER
        | UsageKind::ACCESS_AUTHENTICATION
        | UsageKind::ATTENDANCE_AUTHENTICATION
        | UsageKind::READING => Uses::Encipherment,
        // PIN unblock, card maintenance, MAC and encipherment. No key of another kind can be written, so none is found.
        _ => Uses::Both,
    })
}

//! What travels between a terminal and the server that is its SAM.
//!
//! Big-endian, nothing optional, no trailing bytes:
//!
//! | message | layout |
//! |---|---|
//! | request | version 1 (01) ‖ session 8 ‖ number 4 ‖ operation 1 ‖ fields |
//! | answer | version 1 (01) ‖ session 8 ‖ number 4 ‖ result 1 (00: done) ‖ fields |
//!
//! An order is enterprise 8 ‖ serial 8 ‖ the 20 bytes of INIT_SAM; a card is enterprise 8 ‖ serial 8.

use onecard_wire::{
    amount::Amount,
    key::KeyVersion,
    layout::Reader,
    number::{ApplicationSerial, EnterpriseId, TerminalNumber},
    sam::InitSam,
    status::StatusWord,
};

use crate::{
    blacklist::ListVersion,
    sam::{AuthenticationUse, CardFactors, LineKeyUse, Sam, SamError, SamOrder},
    transport::TransportError,
};

/// The layout's version.
const VERSION: u8 = 1;

/// Which request: a later one has a higher session, or the same and a higher number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct RequestId {
    pub(super) session: u64,
    pub(super) number: u32,
}

/// What a SAM is asked.
#[derive(Clone, Copy, Debug)]
pub(super) enum Operation<'m> {
    Terminal,
    InitializePurchase(SamOrder),
    CreditPurchase([u8; 4]),
    InitializeUndo(SamOrder),
    CreditUndo([u8; 4]),
    CheckPastPurchase(SamOrder, u32, [u8; 4]),
    Load(SamOrder, Amount, [u8; 4]),
    CheckLoad(SamOrder, TerminalNumber, Amount, [u8; 4]),
    Random,
    MaintenanceMac(CardFactors, [u8; 8], &'m [u8]),
    Authentication(CardFactors, AuthenticationUse, KeyVersion, [u8; 8]),
    LineMac(CardFactors, LineKeyUse, KeyVersion, [u8; 8], &'m [u8]),
    Mark(CardFactors, KeyVersion, [u8; 4], ListVersion),
    MarkingKeys,
}

/// Why a server executes nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Rejection {
    /// Another version, or not a request.
    NotUnderstood,
    /// A later request was served already, or another one under this number.
    Stale,
}

impl RequestId {
    /// Takes version and id off the front of a message.
    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        if reader.u8()? != VERSION {
            return None;
        }
        let session = u64::from_be_bytes(reader.array()?);
        Some(Self { session, number: reader.u32()? })
    }

    fn head(self) -> Vec<u8> {
        [&[VERSION][..], &self.session.to_be_bytes(), &self.number.to_be_bytes()].concat()
    }

    pub(super) fn request(self, operation: &Operation<'_>) -> Vec<u8> {
        let (code, fields) = operation.emit();
        [&self.head()[..], &[code], &fields].concat()
    }

    pub(super) fn answer(self, result: Result<Vec<u8>, SamError>) -> Vec<u8> {
        let (code, fields) = match result {
            Ok(fields) => (0x00, fields),
            Err(error) => emit_error(&error),
        };
        [&self.head()[..], &[code], &fields].concat()
    }

    pub(super) fn rejection(self, rejection: Rejection) -> Vec<u8> {
        let code = match rejection {
            Rejection::NotUnderstood => NOT_UNDERSTOOD,
            Rejection::Stale => STALE,
        };
        [&self.head()[..], &[code]].concat()
    }
}

impl<'m> Operation<'m> {
    fn emit(&self) -> (u8, Vec<u8>) {
        match self {
            Self::Terminal => (0x01, Vec::new()),
            Self::InitializePurchase(order) => (0x02, emit_order(order)),
            Self::CreditPurchase(mac2) => (0x03, mac2.to_vec()),
            Self::InitializeUndo(order) => (0x04, emit_order(order)),
            Self::CreditUndo(mac2) => (0x05, mac2.to_vec()),
            Self::CheckPastPurchase(order, sequence, mac2) => {
                (0x06, [&emit_order(order)[..], &sequence.to_be_bytes(), mac2].concat())
            }
            Self::Load(order, balance, mac1) => (0x07, [&emit_order(order)[..], &balance.to_bytes(), mac1].concat()),
            Self::CheckLoad(order, terminal, balance, mac1) => {
                (0x08, [&emit_order(order)[..], &terminal.0, &balance.to_bytes(), mac1].concat())
            }
            Self::Random => (0x09, Vec::new()),
            Self::MaintenanceMac(card, initial, message) => (0x0A, [&emit_card(*card)[..], initial, message].concat()),
            Self::Authentication(card, usage, version, challenge) => {
                (0x0B, [&emit_card(*card)[..], &[usage.kind().0, version.0], challenge].concat())
            }
            Self::LineMac(card, usage, version, initial, message) => {
                (0x0C, [&emit_card(*card)[..], &[usage.kind().0, version.0], initial, message].concat())
            }
            Self::Mark(card, key, challenge, list) => {
                (0x0D, [&emit_card(*card)[..], &[key.0], challenge, &list.0].concat())
            }
            Self::MarkingKeys => (0x0E, Vec::new()),
        }
    }

    /// What follows the id in a request.
    pub(super) fn parse(mut reader: Reader<'m>) -> Option<Self> {
        let code = reader.u8()?;
        let operation = match code {
            0x01 => Self::Terminal,
            0x02 => Self::InitializePurchase(read_order(&mut reader)?),
            0x03 => Self::CreditPurchase(reader.array()?),
            0x04 => Self::InitializeUndo(read_order(&mut reader)?),
            0x05 => Self::CreditUndo(reader.array()?),
            0x06 => Self::CheckPastPurchase(read_order(&mut reader)?, reader.u32()?, reader.array()?),
            0x07 => Self::Load(read_order(&mut reader)?, Amount::from_bytes(reader.array()?), reader.array()?),
            0x08 => {
                let (order, terminal) = (read_order(&mut reader)?, TerminalNumber(reader.array()?));
                Self::CheckLoad(order, terminal, Amount::from_bytes(reader.array()?), reader.array()?)
            }
            0x09 => Self::Random,
            0x0A => return Some(Self::MaintenanceMac(read_card(&mut reader)?, reader.array()?, reader.rest())),
            0x0B => {
                let (card, kind) = (read_card(&mut reader)?, reader.u8()?);
                let usage = AuthenticationUse::ALL.into_iter().find(|usage| usage.kind().0 == kind)?;
                Self::Authentication(card, usage, KeyVersion(reader.u8()?), reader.array()?)
            }
            0x0C => {
                let (card, kind) = (read_card(&mut reader)?, reader.u8()?);
                let usage = LineKeyUse::ALL.into_iter().find(|usage| usage.kind().0 == kind)?;
                let (version, initial) = (KeyVersion(reader.u8()?), reader.array()?);
                return Some(Self::LineMac(card, usage, version, initial, reader.rest()));
            }
            0x0D => {
                let (card, key) = (read_card(&mut reader)?, KeyVersion(reader.u8()?));
                Self::Mark(card, key, reader.array()?, ListVersion(reader.array()?))
            }
            0x0E => Self::MarkingKeys,
            _ => return None,
        };
        reader.end(operation)
    }

    /// Has `sam` do it.
    pub(super) fn perform(&self, sam: &mut dyn Sam) -> Result<Vec<u8>, SamError> {
        let nothing = |()| Vec::new();
        let mac = |mac: [u8; 4]| mac.to_vec();
        match *self {
            Self::Terminal => sam.terminal().map(|terminal| terminal.0.to_vec()),
            Self::InitializePurchase(order) => sam.initialize_purchase(&order).map(|answer| answer.emit().to_vec()),
            Self::CreditPurchase(mac2) => sam.credit_purchase(mac2).map(nothing),
            Self::InitializeUndo(order) => sam.initialize_undo(&order).map(|answer| answer.emit().to_vec()),
            Self::CreditUndo(mac2) => sam.credit_undo(mac2).map(nothing),
            Self::CheckPastPurchase(order, sequence, mac2) => {
                sam.check_past_purchase(&order, sequence, mac2).map(nothing)
            }
            Self::Load(order, balance, mac1) => sam.load(&order, balance, mac1).map(mac),
            Self::CheckLoad(order, terminal, balance, mac1) => {
                sam.check_load(&order, terminal, balance, mac1).map(nothing)
            }
            Self::Random => sam.random().map(mac),
            Self::MaintenanceMac(card, initial, message) => sam.maintenance_mac(card, initial, message).map(mac),
            Self::Authentication(card, usage, version, challenge) => {
                sam.authentication(card, usage, version, challenge).map(|made| made.as_bytes().to_vec())
            }
            Self::LineMac(card, usage, version, initial, message) => {
                sam.line_mac(card, usage, version, initial, message).map(mac)
            }
            Self::Mark(card, key, challenge, list) => sam.mark(card, key, challenge, list).map(mac),
            Self::MarkingKeys => sam.marking_versions().map(|keys| keys.into_iter().map(|key| key.0).collect()),
        }
    }
}

/// What follows the id in an answer; `None` if it is no answer.
pub(super) fn parse_answer(mut reader: Reader<'_>) -> Option<Result<Vec<u8>, SamError>> {
    let code = reader.u8()?;
    let fields = reader.rest();
    Some(Err(match code {
        0x00 => return Some(Ok(fields.to_vec())),
        WRONG_MAC => SamError::WrongMac,
        NO_SUCH_KEY => SamError::NoSuchKey,
        NOT_LAST => SamError::NotLastPurchase,
        LIMIT => SamError::LimitReached,
        EXHAUSTED => SamError::Exhausted,
        TOO_LONG => SamError::MessageTooLong(reader.u32()?.try_into().ok()?),
        NOT_SUPPORTED => SamError::NotSupported,
        NO_ANSWER => SamError::Transport(TransportError::NoAnswer),
        UNEXPECTED => SamError::Unexpected(StatusWord(reader.u16()?)),
        MALFORMED => SamError::Malformed(reader.u32()?.try_into().ok()?),
        NOT_UNDERSTOOD => SamError::OtherRelease,
        STALE => SamError::StaleSession,
        _ => return None,
    }))
}

const WRONG_MAC: u8 = 0x01;
const NO_SUCH_KEY: u8 = 0x02;
const NOT_LAST: u8 = 0x03;
const LIMIT: u8 = 0x04;
const EXHAUSTED: u8 = 0x05;
const TOO_LONG: u8 = 0x06;
const NOT_SUPPORTED: u8 = 0x07;
/// The server's SAM, or what is behind it, does not answer.
const NO_ANSWER: u8 = 0x08;
/// Followed by the status word.
const UNEXPECTED: u8 = 0x09;
const MALFORMED: u8 = 0x0A;
const NOT_UNDERSTOOD: u8 = 0x0B;
const STALE: u8 = 0x0C;

fn emit_error(error: &SamError) -> (u8, Vec<u8>) {
    let length = |length: usize| u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes().to_vec();
    match error {
        SamError::WrongMac => (WRONG_MAC, Vec::new()),
        SamError::NoSuchKey => (NO_SUCH_KEY, Vec::new()),
        SamError::NotLastPurchase => (NOT_LAST, Vec::new()),
        SamError::LimitReached => (LIMIT, Vec::new()),
        SamError::Exhausted => (EXHAUSTED, Vec::new()),
        SamError::MessageTooLong(long) => (TOO_LONG, length(*long)),
        SamError::NotSupported => (NOT_SUPPORTED, Vec::new()),
        SamError::Transport(_) | SamError::Server(_) => (NO_ANSWER, Vec::new()),
        SamError::Unexpected(status) => (UNEXPECTED, status.to_bytes().to_vec()),
        SamError::Malformed(long) => (MALFORMED, length(*long)),
        SamError::OtherRelease => (NOT_UNDERSTOOD, Vec::new()),
        SamError::StaleSession => (STALE, Vec::new()),
    }
}

fn emit_card(card: CardFactors) -> Vec<u8> {
    [card.enterprise.to_bytes(), card.serial.to_bytes()].concat()
}

fn read_card(reader: &mut Reader<'_>) -> Option<CardFactors> {
    let enterprise = EnterpriseId::from_bytes(reader.array()?)?;
    Some(CardFactors { enterprise, serial: ApplicationSerial::from_bytes(reader.array()?)? })
}

fn emit_order(order: &SamOrder) -> Vec<u8> {
    [&emit_card(order.card)[..], &order.init.emit()].concat()
}

fn read_order(reader: &mut Reader<'_>) -> Option<SamOrder> {
    Some(SamOrder { card: read_card(reader)?, init: InitSam::read(reader)? })
}

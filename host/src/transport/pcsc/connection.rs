//! A card in a reader, for this program alone.

use std::ffi::CString;

use pcsc::{Attribute, Disposition, Protocols, ShareMode, ctl_code};

use super::{
    Service,
    error::transport_error,
    feature::{GET_FEATURES, longest_command, properties_code},
    line::{BitRate, Line, LineProtocol},
    session::{Handle, Session},
};
use crate::transport::{Transport, TransportError};

/// Who else may use the card while it is connected.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Sharing {
    /// Nobody: what a terminal wants.
    #[default]
    Exclusive,
    /// Other programs between two [taps](Connection::tap), never within one.
    Shared,
}

/// A connected card. It is reset when the connection is dropped: whoever comes next finds no selection and no security state
/// of ours.
///
/// As a [`Transport`] it serves who keeps a card for long, such as a terminal its SAM. After any error but
/// [`CommandTooLong`](TransportError::CommandTooLong) it answers every command with that error and sends none of them, until
/// [`reconnect`](Self::reconnect) or the next [`tap`](Self::tap).
pub struct Connection {
    card: pcsc::Card,
    sharing: Sharing,
    line: Line,
    session: Session,
}

impl Connection {
    /// Connects to the card in the reader of this name, as [`Service::readers`] lists it.
    ///
    /// # Errors
    /// [`TransportError`]: no card, a silent one, one in use by another program, no such reader.
    pub fn open(service: &Service, reader: &str, sharing: Sharing) -> Result<Self, TransportError> {
        let name = CString::new(reader).map_err(|_| TransportError::ReaderUnplugged)?;
        let card = service.context().connect(&name, sharing.mode(), Protocols::ANY).map_err(transport_error)?;
        let line = line_of(&card)?;
        Ok(Self { card, sharing, session: Session::new(&line), line })
    }

    /// How card and reader talk.
    #[must_use]
    pub const fn line(&self) -> &Line {
        &self.line
    }

    /// Does `work` with the card in one transaction: no other program's command comes between its commands, and the card is
    /// reset behind them if it is shared.
    ///
    /// A card that was reset or away since the last tap is connected anew, before `work` begins. One reset within `work` answers no further
    /// command of it.
    ///
    /// # Errors
    /// [`TransportError`]: `work` was not begun.
    pub fn tap<R>(&mut self, work: impl FnOnce(&mut dyn Transport) -> R) -> Result<R, TransportError> {
        if self.session.has_ended() {
            self.reconnect()?;
        }
        let Self { card, sharing, session, line, .. } = self;
        let transaction = match card.transaction2() {
            Ok(transaction) => transaction,
            // Away since, and back: pcscd says that it was removed until it is connected anew.
            Err((card, pcsc::Error::ResetCard | pcsc::Error::RemovedCard)) => {
                (*line, *session) = reset(card, *sharing)?;
                card.transaction().map_err(transport_error)?
            }
            Err((_, error)) => return Err(transport_error(error)),
        };
        let result = work(&mut Tap { handle: &*transaction, session });
        // A card that has gone meanwhile is reset already.
        let _ = transaction.end(sharing.at_the_end());
        Ok(result)
    }

    /// Resets the card and connects to it anew; whatever was selected or authenticated has ended.
    ///
    /// # Errors
    /// [`TransportError`], above all [`TransportError::CardRemoved`].
    pub fn reconnect(&mut self) -> Result<(), TransportError> {
        (self.line, self.session) = reset(&mut self.card, self.sharing)?;
        Ok(())
    }
}

impl Transport for Connection {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        self.session.transmit(&self.card, command)
    }
}

impl Sharing {
    const fn mode(self) -> ShareMode {
        match self {
            Self::Exclusive => ShareMode::Exclusive,
            Self::Shared => ShareMode::Shared,
        }
    }

    /// What the end of a tap does to the card.
    const fn at_the_end(self) -> Disposition {
        match self {
            Self::Exclusive => Disposition::LeaveCard,
            Self::Shared => Disposition::ResetCard,
        }
    }
}

/// The card within a transaction.
struct Tap<'c> {
    handle: &'c dyn Handle,
    session: &'c mut Session,
}

impl Transport for Tap<'_> {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        self.session.transmit(self.handle, command)
    }
}

fn reset(card: &mut pcsc::Card, sharing: Sharing) -> Result<(Line, Session), TransportError> {
    card.reconnect(sharing.mode(), Protocols::ANY, Disposition::ResetCard).map_err(transport_error)?;
    let line = line_of(card)?;
    let session = Session::new(&line);
    Ok((line, session))
}

fn line_of(card: &pcsc::Card) -> Result<Line, TransportError> {
    let status = card.status2_owned().map_err(transport_error)?;
    let protocol = status.protocol2().map(|protocol| match protocol {
        pcsc::Protocol::T0 => LineProtocol::T0,
        pcsc::Protocol::T1 => LineProtocol::T1,
        pcsc::Protocol::RAW => LineProtocol::Raw,
    });
    let number = |attribute| number(card, attribute);
    let (clock, f, d) = (Attribute::CurrentClk, Attribute::CurrentF, Attribute::CurrentD);
    let told = BitRate::of_reader(number(clock), number(f), number(d));
    let bit_rate = told.unwrap_or_else(|| BitRate::of_atr(status.atr()));
    Ok(Line { atr: status.atr().to_vec(), protocol, bit_rate, longest_command: longest_command_of(card) })
}

/// A number that the driver may or may not tell, of 4 bytes or as long as the machine's.
fn number(card: &pcsc::Card, attribute: Attribute) -> Option<u32> {
    let mut buffer = [0; 8];
    let value = card.get_attribute(attribute, &mut buffer).ok()?;
    let mut number = [0; 8];
    number.get_mut(..value.len())?.copy_from_slice(value);
    (value.len() >= 4).then(|| u64::from_le_bytes(number)).and_then(|number| u32::try_from(number).ok())
}

/// What the driver tells of extended lengths; nothing, if it has no such feature.
fn longest_command_of(card: &pcsc::Card) -> Option<usize> {
    let mut features = [0; pcsc::MAX_BUFFER_SIZE];
    let code = properties_code(card.control(ctl_code(GET_FEATURES.into()), &[], &mut features).ok()?)?;
    let mut properties = [0; pcsc::MAX_BUFFER_SIZE];
    longest_command(card.control(code.into(), &[], &mut properties).ok()?)
}

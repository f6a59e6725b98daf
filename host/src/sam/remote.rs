//! A server as the SAM of an online terminal.
//!
//! [`RemoteSam`] asks over a [`Link`], [`SamServer`] answers by any [`Sam`]. This library opens no sockets: the link is the
//! vendor's, and it is the link that keeps others from reading and changing what travels and that knows terminal and server by
//! their certificates: TLS with both sides authenticated, no less. The messages have no MAC of their own.

mod message;
mod server;

use onecard_wire::{amount::Amount, key::KeyVersion, layout::Reader, number::TerminalNumber, sam::InitSamAnswer};

pub use server::SamServer;

use self::message::{Operation, RequestId, parse_answer};
use super::{AuthenticationUse, CardFactors, Cryptogram, LineKeyUse, Sam, SamError, SamOrder};
use crate::blacklist::ListVersion;

/// The way to a server and back: one request, one answer.
pub trait Link {
    /// Sends `request` whole and returns the answer whole.
    ///
    /// # Errors
    /// [`LinkError`]: the server may have executed it or not.
    fn request(&mut self, request: &[u8]) -> Result<Vec<u8>, LinkError>;
}

impl<L: Link + ?Sized> Link for &mut L {
    fn request(&mut self, request: &[u8]) -> Result<Vec<u8>, LinkError> {
        (**self).request(request)
    }
}

/// No answer came from a server, in the link's own words.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0}")]
pub struct LinkError(pub String);

/// The SAM behind a server. Each question is asked again under its own number while no answer comes, and the server executes
/// it once.
#[derive(Debug)]
pub struct RemoteSam<L> {
    link: L,
    next: RequestId,
    attempts: u8,
}

impl<L: Link> RemoteSam<L> {
    /// A terminal's SAM over `link`, in a `session` above all its earlier ones: milliseconds since 1970 serve well, or a number
    /// the terminal stores. A question is asked up to `attempts` times.
    #[must_use]
    pub fn new(link: L, session: u64, attempts: u8) -> Self {
        Self { link, next: RequestId { session, number: 1 }, attempts }
    }

    fn ask(&mut self, operation: &Operation<'_>) -> Result<Vec<u8>, SamError> {
        let id = self.next;
        self.next.number = id.number.checked_add(1).ok_or(SamError::StaleSession)?;
        let request = id.request(operation);
        let mut lost = LinkError("it was not asked".to_owned());
        for _ in 0..self.attempts.max(1) {
            match self.link.request(&request) {
                Ok(answer) => match answer_to(id, &answer) {
                    Some(result) => return result,
                    // A late answer to a question that was given up.
                    None => lost = LinkError("its answer was another question's".to_owned()),
                },
                Err(error) => lost = error,
            }
        }
        Err(SamError::Server(lost))
    }

    fn ask_for<const N: usize>(&mut self, operation: &Operation<'_>) -> Result<[u8; N], SamError> {
        let answer = self.ask(operation)?;
        answer.as_slice().try_into().map_err(|_| SamError::Malformed(answer.len()))
    }
}

fn answer_to(id: RequestId, answer: &[u8]) -> Option<Result<Vec<u8>, SamError>> {
    let mut reader = Reader::new(answer);
    let answered = RequestId::read(&mut reader)?;
    // A server of another release answers nobody's number.
    let is_ours = answered == id || answered == RequestId { session: 0, number: 0 };
    if is_ours { parse_answer(reader) } else { None }
}

impl<L: Link> Sam for RemoteSam<L> {
    fn terminal(&mut self) -> Result<TerminalNumber, SamError> {
        self.ask_for(&Operation::Terminal).map(TerminalNumber)
    }

    fn initialize_purchase(&mut self, order: &SamOrder) -> Result<InitSamAnswer, SamError> {
        initialized(&self.ask(&Operation::InitializePurchase(*order))?)
    }

    fn credit_purchase(&mut self, mac2: [u8; 4]) -> Result<(), SamError> {
        self.ask_for::<0>(&Operation::CreditPurchase(mac2)).map(drop)
    }

    fn initialize_undo(&mut self, order: &SamOrder) -> Result<InitSamAnswer, SamError> {
        initialized(&self.ask(&Operation::InitializeUndo(*order))?)
    }

    fn credit_undo(&mut self, mac2: [u8; 4]) -> Result<(), SamError> {
        self.ask_for::<0>(&Operation::CreditUndo(mac2)).map(drop)
    }

    fn check_past_purchase(&mut self, order: &SamOrder, terminal_sequence: u32, mac2: [u8; 4]) -> Result<(), SamError> {
        self.ask_for::<0>(&Operation::CheckPastPurchase(*order, terminal_sequence, mac2)).map(drop)
    }

    fn load(&mut self, order: &SamOrder, old_balance: Amount, mac1: [u8; 4]) -> Result<[u8; 4], SamError> {
        self.ask_for(&Operation::Load(*order, old_balance, mac1))
    }

    fn check_load(
        &mut self,
        order: &SamOrder,
        terminal: TerminalNumber,
        old_balance: Amount,
        mac1: [u8; 4],
    ) -> Result<(), SamError> {
        self.ask_for::<0>(&Operation::CheckLoad(*order, terminal, old_balance, mac1)).map(drop)
    }

    fn random(&mut self) -> Result<[u8; 4], SamError> {
        self.ask_for(&Operation::Random)
    }

    fn maintenance_mac(&mut self, card: CardFactors, initial: [u8; 8], message: &[u8]) -> Result<[u8; 4], SamError> {
        self.ask_for(&Operation::MaintenanceMac(card, initial, message))
    }

    fn authentication(
        &mut self,
        card: CardFactors,
        usage: AuthenticationUse,
        version: KeyVersion,
        challenge: [u8; 8],
    ) -> Result<Cryptogram, SamError> {
        let answer = self.ask(&Operation::Authentication(card, usage, version, challenge))?;
        Cryptogram::from_answer(&answer).ok_or(SamError::Malformed(answer.len()))
    }

    fn line_mac(
        &mut self,
        card: CardFactors,
        usage: LineKeyUse,
        version: KeyVersion,
        initial: [u8; 8],
        message: &[u8],
    ) -> Result<[u8; 4], SamError> {
        self.ask_for(&Operation::LineMac(card, usage, version, initial, message))
    }

    fn marking_versions(&mut self) -> Result<Vec<KeyVersion>, SamError> {
        self.ask(&Operation::MarkingKeys).map(|versions| versions.into_iter().map(KeyVersion).collect())
    }

    fn mark(
        &mut self,
        card: CardFactors,
        key: KeyVersion,
        challenge: [u8; 4],
        list: ListVersion,
    ) -> Result<[u8; 4], SamError> {
        self.ask_for(&Operation::Mark(card, key, challenge, list))
    }
}

fn initialized(answer: &[u8]) -> Result<InitSamAnswer, SamError> {
    InitSamAnswer::parse(answer).ok_or(SamError::Malformed(answer.len()))
}

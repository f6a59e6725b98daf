//! The server's half.

use onecard_wire::layout::Reader;

use super::message::{Operation, Rejection, RequestId};
use crate::sam::Sam;

/// Serves one terminal: its SAM is behind a server, in a slot there or in software.
///
/// A request that comes again, since it or its answer was lost, is answered as before and executed once. One that comes after a
/// later one is refused: it was given up, and what it would do now nobody expects. After a restart of the server the first
/// request is taken as it is; a SAM's own rules then see to it that nothing is charged twice.
#[derive(Debug, Default)]
pub struct SamServer {
    last: Option<Served>,
}

#[derive(Debug)]
struct Served {
    id: RequestId,
    request: Vec<u8>,
    answer: Vec<u8>,
}

impl SamServer {
    /// One that has served nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The answer to `request`, by `sam`.
    pub fn serve(&mut self, sam: &mut dyn Sam, request: &[u8]) -> Vec<u8> {
        let mut reader = Reader::new(request);
        let nobody = RequestId { session: 0, number: 0 };
        let Some(id) = RequestId::read(&mut reader) else { return nobody.rejection(Rejection::NotUnderstood) };
        match &self.last {
            Some(last) if last.id == id && last.request == request => return last.answer.clone(),
            Some(last) if last.id >= id => return id.rejection(Rejection::Stale),
            _ => {}
        }
        let Some(operation) = Operation::parse(reader) else { return id.rejection(Rejection::NotUnderstood) };
        let answer = id.answer(operation.perform(sam));
        self.last = Some(Served { id, request: request.to_vec(), answer: answer.clone() });
        answer
    }
}

//! Why a command did not end with 9000.

use onecard_wire::status::StatusWord;

use crate::nvm::PowerLost;

/// A refusal, answered by its status word, or no answer at all.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Failure {
    Refused(StatusWord),
    PowerLost,
}

impl From<StatusWord> for Failure {
    fn from(status: StatusWord) -> Self {
        Self::Refused(status)
    }
}

impl From<PowerLost> for Failure {
    fn from(PowerLost: PowerLost) -> Self {
        Self::PowerLost
    }
}

/// Turns a status word into the early end of a command.
pub(crate) fn refuse<T>(status: StatusWord) -> Result<T, Failure> {
    Err(Failure::Refused(status))
}

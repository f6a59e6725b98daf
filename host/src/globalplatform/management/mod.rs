//! What an operator does with a card in a session with its issuer domain (Card Specification 2.3.1 clause 11).

mod delete;
mod install;
mod lookup;
mod put_key;
mod refusal;
mod registry;
mod status;
mod store_data;

use onecard_wire::status::StatusWord;

pub use delete::{delete, delete_key_set};
pub use install::{Installation, install, install_enterprise_application};
pub(crate) use install::{algorithm_id, install_data};
pub use lookup::{
    card_image_number, card_recognition, confirmation_counter, data_object, issuer_number, key_information,
    production_data, sequence_counter,
};
pub use put_key::{KeyForm, NewKeys, put_key};
pub use refusal::{ManagementCommand, ManagementRefusal};
pub use registry::{Kind, RegistryEntry, registry, whole_registry};
pub use status::{Lock, lock_application, lock_card, set_card_state, set_status};
pub use store_data::{StoreFormat, personalise, store_data};

use super::{
    domain::Link,
    secure_channel::{Closed, SessionError, TooLong},
};
use crate::{
    apdu::{Command, Response},
    keys::CheckValue,
};

/// Why something was not done. After [`Session`](Self::Session), whether it was done has to be looked up.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ManagementError {
    /// No answer to judge.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// The card's refusal; nothing changed.
    #[error(transparent)]
    Refused(#[from] ManagementRefusal),
    /// The answer is not as the standard has it.
    #[error("the card's answer to {0} cannot be read: look into a trace of it, or use another tool")]
    Unreadable(ManagementCommand),
    /// What was handed in does not fit a command.
    #[error("{0}")]
    DoesNotFit(&'static str),
    /// The card has got another key than was sent, by the check value it answers.
    #[error(
        "the card answers check value {answered} for key {id:02X} where {expected} was sent: put the key set again"
    )]
    CheckValue {
        /// The key's id.
        id: u8,
        /// Of what was sent.
        expected: CheckValue,
        /// The card's.
        answered: CheckValue,
    },
}

impl From<Closed> for ManagementError {
    fn from(closed: Closed) -> Self {
        Self::Session(closed.into())
    }
}

impl From<TooLong> for ManagementError {
    fn from(too_long: TooLong) -> Self {
        Self::Session(too_long.into())
    }
}

/// A command with its data, expecting whatever comes.
fn command(ins: u8, p1: u8, p2: u8, data: &[u8]) -> Result<Command, ManagementError> {
    let command = Command::new(onecard_wire::globalplatform::CLA, ins, p1, p2).with_bytes(data);
    command.map(|command| command.expecting(0)).map_err(|error| ManagementError::Session(TooLong(error.0).into()))
}

/// Sends it; 9000 gives its data.
fn done(
    link: &mut (impl Link + ?Sized),
    name: ManagementCommand,
    command: &Command,
) -> Result<Vec<u8>, ManagementError> {
    answered(link, name, command, &[StatusWord::OK]).map(|answer| answer.data)
}

/// Sends it; any of `good` is an answer.
fn answered(
    link: &mut (impl Link + ?Sized),
    name: ManagementCommand,
    command: &Command,
    good: &[StatusWord],
) -> Result<Response, ManagementError> {
    let answer = link.carry(command)?;
    if good.contains(&answer.status) {
        return Ok(answer);
    }
    Err(ManagementRefusal { command: name, status: answer.status }.into())
}

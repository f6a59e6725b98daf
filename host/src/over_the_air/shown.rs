//! What a card shows of an application to whoever asks over the air: the answer to SELECT, which stands first in each script.

use onecard_wire::{aid, number::EnterpriseId, record::PublicData, status::StatusWord};

use super::{Obstacle, PacketStatus, Proven, Script, ScriptAnswer, ScriptError};
use crate::card::public_data_of;

/// An application as SELECT shows it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Shown {
    /// The card has no application of this enterprise, or the operator has locked it.
    Absent,
    /// EF 0015 is all zeros: it is not issued yet, and nothing can be loaded onto it (15.4.5.4).
    Unissued,
    /// EF 0015.
    Issued(PublicData),
    /// Another status word than those of an application that is there, or is not.
    Refused(StatusWord),
    /// No FCI of this application.
    Unreadable,
}

/// What a script was answered, by the proof of its packet. A refusal says of the copy that was refused alone: one that came before it
/// may have been executed.
pub(super) fn proven_answer(script: Result<Script, ScriptError>, proven: &Proven) -> Result<ScriptAnswer, Obstacle> {
    if proven.status() != PacketStatus::OK {
        return Err(Obstacle::Packet(proven.status()));
    }
    let answer = script.ok().and_then(|script| script.read_answer(proven.data()).ok());
    answer.ok_or(Obstacle::Unreadable)
}

/// What the answer to a script that begins with SELECT shows.
pub(super) fn shown(enterprise: EnterpriseId, answer: &ScriptAnswer) -> Shown {
    let Some(selected) = answer.to_command(1) else { return Shown::Unreadable };
    match selected.status {
        StatusWord::OK => {}
        StatusWord::FILE_NOT_FOUND => return Shown::Absent,
        status => return Shown::Refused(status),
    }
    let name = aid::enterprise_application(enterprise);
    match public_data_of(&selected.data, &name) {
        Ok(Some(content)) if content.iter().all(|byte| *byte == 0) => Shown::Unissued,
        Ok(Some(content)) => PublicData::parse(&content).map_or(Shown::Unreadable, Shown::Issued),
        Ok(None) | Err(_) => Shown::Unreadable,
    }
}

/// What a command answered, if it is so many bytes.
pub(super) fn read<const N: usize>(answer: &ScriptAnswer, command: usize) -> Result<[u8; N], Obstacle> {
    let response = answer.to_command(command).ok_or(Obstacle::Unreadable)?;
    if !response.status.is_ok() {
        return Err(Obstacle::Refused { command, status: response.status });
    }
    response.data.as_slice().try_into().map_err(|_| Obstacle::Unreadable)
}

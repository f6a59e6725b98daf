//! An enterprise application issued over the air: INSTALL, keys, contents, and everything read back, as packets.
//!
//! What is in a packet is fixed before it is made: [`IssuePlan`] says how many counters it takes. They are reserved and kept, then
//! [`IssuePlan::packets`] has the key store make each body for the counter and the place in which it will stand, where alone it is
//! good (specification 19.4.4). The platform that sends them sees no enterprise key. [`Issue`] sees it through, whatever becomes of
//! the packets (19.8).

mod decision;
mod flow;
mod install;
#[cfg(test)]
mod tests;

use onecard_wire::{
    amount::Amount,
    fid::Fid,
    ins,
    key::{Algorithm, CONTROL_KEY_ID, KeyVersion},
    number::ApplicationSerial,
    record::PublicData,
    wallet::Purse,
};
use serde::{Deserialize, Serialize};

pub use decision::Decision;
pub use flow::{Issue, Making, Next};
pub use install::{InstallError, install_command};

pub use super::placed::{KeyInHand, PlacedMac};

use super::{
    Ending, Form, PacketCounter, PacketKeys, PacketTerms, PlaceError, Proven, Script, ScriptError, Tar, commands,
    commands::sfi,
    message::{Reference, answer_data_max, data_max},
    placed::with_placed_mac,
};
use crate::{
    apdu::{Command, DataTooLong},
    issuing::{CardOrder, other_keys, public_data},
    key_store::{
        Freshness, KeyStore, KeyTarget, Manner, NamedKey, Payload, StoreError, WrapperKey, WriteKeyBody, WriteKeyOrder,
    },
    keys::Purpose,
    terminal::stored::bytes,
};

/// One application to be issued.
#[derive(Clone, Copy, Debug)]
pub struct IssueOrder<'o> {
    /// What is on the card; [`CardOrder::directory`] is the card's own choice.
    pub card: &'o CardOrder,
    /// The application's serial.
    pub serial: ApplicationSerial,
    /// Version of the operator's management key, which INSTALL brings as the first control key.
    pub management: KeyVersion,
    /// Cipher of the keys 36 to 39.
    pub algorithm: Algorithm,
}

/// Which commands go in which packet.
#[derive(Clone, Debug)]
pub struct IssuePlan<'o> {
    order: IssueOrder<'o>,
    packets: Vec<Vec<Due<'o>>>,
}

/// A script under the counter that it was made for; it is good in no other packet.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IssuePacket {
    /// Its counter.
    pub counter: PacketCounter,
    /// Its commands.
    pub script: Script,
    answers: Vec<Expected>,
}

/// What a command must answer; of the others only that they were executed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    /// From 1.
    command: usize,
    #[serde(with = "bytes")]
    data: Vec<u8>,
}

/// One command to be made.
#[derive(Clone, Debug)]
enum Due<'o> {
    Write(Payload<'o>, WrapperKey),
    Content(Fid, Vec<u8>),
    ReadBack(Fid, Vec<u8>),
    Balance(Purse),
}

/// Why there are no packets of an issue.
#[derive(Debug, thiserror::Error)]
pub enum IssueError<E> {
    /// A script that cannot be.
    #[error(transparent)]
    Script(#[from] ScriptError),
    /// One command is longer than a packet may be.
    #[error(
        "a command of {length} bytes, or its answer, does not fit a packet of {room}: allow more parts, a proof by SMS-SUBMIT"
    )]
    Room {
        /// With its TLV, and SELECT in front.
        length: usize,
        /// Of secured data.
        room: usize,
    },
    /// As many counters as packets.
    #[error("the plan has {packets} packets, and {counters} counters were reserved: reserve one for each")]
    Counters {
        /// In the plan.
        packets: usize,
        /// Handed in.
        counters: usize,
    },
    /// The store made no body.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A body that no command carries.
    #[error(transparent)]
    TooLong(#[from] DataTooLong),
    /// No MAC of a content.
    #[error("a content has no MAC")]
    Place(#[from] PlaceError<E>),
}

/// What the card has is not what was written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NotIssued {
    /// The proof's data are no answer to the script.
    #[error("the proof's data cannot be read: ask the card again under a higher counter")]
    Unreadable,
    /// A packet that was not executed whole.
    #[error("the script ended otherwise than whole, {0:?}: delete the application and install it again")]
    Ended(Ending),
    /// A read that gave other bytes than were written.
    #[error("command {0} read something else than was written: delete the application and install it again")]
    Different(usize),
}

impl<'o> IssuePlan<'o> {
    /// Divides an issue among packets under `terms`, whose counter does not matter, each of at most `parts` short messages. What
    /// the commands answer fits proofs by SMS-SUBMIT; a delivery report has no room for what is read back.
    ///
    /// # Errors
    /// [`IssueError::Room`].
    pub fn new<E>(
        order: IssueOrder<'o>,
        keys: &PacketKeys,
        terms: &PacketTerms,
        parts: usize,
    ) -> Result<Self, IssueError<E>> {
        /// SELECT's answer: name and EF 0015 in an FCI, and the status word.
        const SELECTED: usize = 2 + 64 + 2;
        /// Template, number of commands, SELECT's answer, and the status word of one that would follow.
        const ANSWER_OVERHEAD: usize = 4 + 3 + SELECTED + 4;
        // The template's tag and length, and SELECT, which each packet begins with.
        let overhead = 4 + in_tlv(&commands::select_application(order.card.enterprise));
        let room = data_max(keys, terms, Reference::Wide(0), parts);
        let answer_room = answer_data_max(keys, terms);
        let (mut packets, mut packet, mut used, mut answered) = (Vec::new(), Vec::new(), overhead, ANSWER_OVERHEAD);
        for due in all_due(&order) {
            let (length, answer) =
                (due.length(order.algorithm), tlv_len(2 + due.answer().map_or(0, |data| data.len())));
            if overhead + length > room || ANSWER_OVERHEAD + answer > answer_room {
                return Err(IssueError::Room { length: overhead + length, room });
            }
            if used + length > room || answered + answer > answer_room {
                packets.push(core::mem::take(&mut packet));
                (used, answered) = (overhead, ANSWER_OVERHEAD);
            }
            (used, answered) = (used + length, answered + answer);
            packet.push(due);
        }
        packets.push(packet);
        Ok(Self { order, packets })
    }

    /// How many counters have to be reserved, besides that of INSTALL.
    #[must_use]
    pub const fn counters(&self) -> usize {
        self.packets.len()
    }

    /// Makes the packets' commands: bodies of WRITE KEY by the store, MACs of contents by whoever has the maintenance key of this
    /// application. The counters rise.
    ///
    /// # Errors
    /// [`IssueError`]. The counters are spent then: a store may have counted bodies made for them.
    pub fn packets<M: PlacedMac>(
        self,
        counters: &[PacketCounter],
        store: &mut (impl KeyStore + ?Sized),
        maintenance: &mut M,
    ) -> Result<Vec<IssuePacket>, IssueError<M::Error>> {
        if counters.len() != self.packets.len() {
            return Err(IssueError::Counters { packets: self.packets.len(), counters: counters.len() });
        }
        let order = self.order;
        let packet = |(due, counter): (Vec<Due<'_>>, &PacketCounter)| {
            let (mut script, mut answers) = (vec![commands::select_application(order.card.enterprise)], Vec::new());
            for due in due {
                let number = script.len() + 1;
                let place = (*counter, number as u8);
                answers.extend(due.answer().map(|data| Expected { command: number, data }));
                script.push(due.made(&order, place, store, maintenance)?);
            }
            let script = Script::new(Tar::ENTERPRISE, Form::EXPANDED, script)?;
            Ok(IssuePacket { counter: *counter, script, answers })
        };
        self.packets.into_iter().zip(counters).map(packet).collect()
    }
}

impl IssuePacket {
    /// Whether the proof of this packet shows that everything in it was done, and that what was read is what was written.
    ///
    /// # Errors
    /// [`NotIssued`].
    pub fn check(&self, proven: &Proven) -> Result<(), NotIssued> {
        let answer = self.script.read_answer(proven.data()).map_err(|_| NotIssued::Unreadable)?;
        if answer.ending != Ending::Complete {
            return Err(NotIssued::Ended(answer.ending));
        }
        let different = self
            .answers
            .iter()
            .find(|expected| answer.to_command(expected.command).is_none_or(|response| response.data != expected.data));
        different.map_or(Ok(()), |expected| Err(NotIssued::Different(expected.command)))
    }
}

/// The control key first, washed from the management key; then under it every other key, the PIN and the contents; at last what
/// is read back. EF 0015 is the last that is written: until then nothing can be loaded (15.4.5.4), and once it is there everything
/// in front of it is, for a script stops at what fails.
fn all_due<'o>(order: &IssueOrder<'o>) -> Vec<Due<'o>> {
    let card = order.card;
    let version = card.key_version;
    let control = Payload::CardKey {
        name: NamedKey { purpose: Purpose::Control, version },
        id: CONTROL_KEY_ID,
        manner: Manner::Replace,
    };
    let mut due = vec![Due::Write(control, WrapperKey::Management(order.management))];
    let under = WrapperKey::Control(version);
    due.extend(other_keys(card).map(|key| {
        let name = NamedKey { purpose: key.purpose, version: key.version };
        Due::Write(Payload::CardKey { name, id: key.id, manner: Manner::Add }, under)
    }));
    due.push(Due::Write(Payload::Pin(&card.pin), under));
    let public: [u8; PublicData::LEN] = public_data(order.serial, card).emit();
    let parameters = card.parameters.emit().to_vec();
    due.push(Due::Content(Fid::HOLDER, card.holder.emit().to_vec()));
    due.push(Due::Content(Fid::PARAMETERS, parameters.clone()));
    due.push(Due::Content(Fid::PUBLIC_DATA, public.to_vec()));
    due.push(Due::ReadBack(Fid::PUBLIC_DATA, public.to_vec()));
    due.push(Due::ReadBack(Fid::PARAMETERS, parameters));
    due.push(Due::Balance(Purse::Ep));
    due
}

impl Due<'_> {
    /// Bytes it takes in a script.
    fn length(&self, algorithm: Algorithm) -> usize {
        /// Type, use right, change right, two attributes.
        const RECORD_HEAD: usize = 5;
        const KEY: usize = 16;
        const MAC: usize = 4;
        let written = |value: usize| {
            let record = 1 + RECORD_HEAD + value;
            record.next_multiple_of(algorithm.block_len()) + MAC
        };
        let apdu = match self {
            Self::Write(Payload::Pin(pin), _) => 5 + written(pin.expose().len()),
            Self::Write(..) => 5 + written(KEY),
            Self::Content(_, content) => 5 + content.len() + MAC,
            Self::ReadBack(..) | Self::Balance(_) => 5,
        };
        tlv_len(apdu)
    }

    /// What it must answer, if that is known.
    fn answer(&self) -> Option<Vec<u8>> {
        match self {
            Self::Write(..) | Self::Content(..) => None,
            Self::ReadBack(_, content) => Some(content.clone()),
            Self::Balance(_) => Some(Amount::ZERO.to_bytes().to_vec()),
        }
    }

    /// The command for its place.
    fn made<M: PlacedMac>(
        self,
        order: &IssueOrder<'_>,
        (counter, number): (PacketCounter, u8),
        store: &mut (impl KeyStore + ?Sized),
        maintenance: &mut M,
    ) -> Result<Command, IssueError<M::Error>> {
        Ok(match self {
            Self::Write(payload, under) => {
                let fresh = Freshness::OverTheAir { counter: counter.to_bytes(), command: number };
                let target = KeyTarget::Application(order.serial);
                let write = WriteKeyOrder { target, payload, under, fresh };
                let body: WriteKeyBody = store.write_key(&write)?;
                write.command(&body)?
            }
            Self::Content(file, content) => {
                let plain = Command::new(ins::CLA_ISO, ins::UPDATE_BINARY, sfi(file), 0x00).with_bytes(&content)?;
                with_placed_mac(&plain, (counter, number), maintenance)?
            }
            Self::ReadBack(file, content) => commands::read_binary(file, content.len() as u8),
            Self::Balance(purse) => commands::balance(purse),
        })
    }
}

fn in_tlv(command: &Command) -> usize {
    tlv_len(command.to_bytes().len())
}

/// Tag, length and value.
const fn tlv_len(value: usize) -> usize {
    value + if value < 0x80 { 2 } else { 3 }
}

//! Over the air: packets and the messages that carry them (ETSI TS 102 225, 102 226; 3GPP TS 31.115, 23.040).
//!
//! | module | what |
//! |---|---|
//! | `deliver`, `assembly` | a short message for the card; the parts of one |
//! | `opened` | a command packet, deciphered and checked |
//! | `script` | the commands in it, in either format |
//! | `proof` | the response packet |
//! | `packet` | a command packet of the card's own: checksum, then enciphered |
//! | `checksum` | the RC/CC field of all of them |
//! | `submit` | the short messages that carry requests and proofs |

mod assembly;
mod checksum;
mod deliver;
mod opened;
mod packet;
mod proof;
mod script;
mod submit;

pub(crate) use assembly::Assembly;
pub(crate) use deliver::Deliver;
pub(crate) use opened::{Authority, CounterMode, Opened, Refused, Target, is_security, open};
pub(crate) use packet::{PacketHeader, PacketKeys, command_packet};
pub(crate) use proof::{Proof, ProofData, Route};
pub(crate) use script::{Chaining, Commands, Outcome, chaining_of, compact, expanded, is_expanded};
pub(crate) use submit::{ReturnAddress, SERVICE_CENTRE_MAX, SUBMIT_MAX, SentProof, submit};

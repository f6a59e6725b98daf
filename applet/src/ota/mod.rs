//! Over the air: what the card sends (ETSI TS 102 225, 3GPP TS 31.115 and 23.040).
//!
//! | module | what |
//! |---|---|
//! | `packet` | a command packet: checksum, then enciphered |
//! | `submit` | the short message that carries it |

mod packet;
mod submit;

pub(crate) use packet::{PacketHeader, PacketKeys, command_packet};
pub(crate) use submit::{SUBMIT_MAX, submit};

//! MACs that are good in one place of one packet (specification 19.4.4).

use core::convert::Infallible;

use onecard_wire::ins::CLA_SM_BIT;

use super::PacketCounter;
use crate::{
    apdu::{Command, DataTooLong},
    crypto::{Key, MAC_LEN},
};

/// Whoever keeps the maintenance key of the application and makes MACs for places in packets.
pub trait PlacedMac {
    /// Why no MAC was made.
    type Error;

    /// The MAC of `message`, unpadded, for the command of that number, from 01, in the packet of that counter.
    ///
    /// # Errors
    /// The keeper's own; a key in hand has none.
    fn placed_mac(&mut self, place: (PacketCounter, u8), message: &[u8]) -> Result<[u8; MAC_LEN], Self::Error>;
}

/// The application's own maintenance key in memory: for development, and inside keepers that unseal it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeyInHand(pub Key);

/// A command that has no MAC.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError<E> {
    /// With the MAC it is longer than a command may be.
    #[error(transparent)]
    TooLong(#[from] DataTooLong),
    /// No MAC was made.
    #[error("no MAC was made")]
    Keeper(#[source] E),
}

impl PlacedMac for KeyInHand {
    type Error = Infallible;

    fn placed_mac(
        &mut self,
        (counter, number): (PacketCounter, u8),
        message: &[u8],
    ) -> Result<[u8; MAC_LEN], Infallible> {
        let [a, b, c, d, e] = counter.to_bytes();
        Ok(self.0.line_mac_over_the_air([a, b, c, d, e, number, 0, 0], message))
    }
}

/// `command` with a MAC behind its data: CLA gains 04, Lc counts the MAC.
pub(super) fn with_placed_mac<M: PlacedMac>(
    command: &Command,
    place: (PacketCounter, u8),
    keeper: &mut M,
) -> Result<Command, PlaceError<M::Error>> {
    let [cla, ins, p1, p2] = command.header();
    let data = command.data();
    let lc = u8::try_from(data.len() + MAC_LEN).map_err(|_| DataTooLong(data.len() + MAC_LEN))?;
    let message = [&[cla | CLA_SM_BIT, ins, p1, p2, lc][..], data].concat();
    let mac = keeper.placed_mac(place, &message).map_err(PlaceError::Keeper)?;
    let protected = Command::new(cla | CLA_SM_BIT, ins, p1, p2).with_bytes(&[data, &mac].concat())?;
    Ok(match command.expected() {
        Some(length) => protected.expecting(length),
        None => protected,
    })
}

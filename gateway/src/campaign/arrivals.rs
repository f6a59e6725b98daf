//! Messages of phones, put together.

use std::collections::{HashMap, VecDeque};

use onecard_host::over_the_air::message::{Address, Assembly, PacketKind, UserData};
use onecard_wire::ota::PARTS_MAX;

use crate::carrier::ShortMessage;

/// Messages in parts that are waited for at once. Anybody can send first parts: the oldest is given up for a new one.
const ASSEMBLIES_MAX: usize = 10_000;

/// Of whom and which message.
type Key = (Address, bool, u16, u8);

/// Messages in parts that are not whole yet.
#[derive(Debug, Default)]
pub(super) struct Arrivals {
    assemblies: HashMap<Key, Assembly>,
    order: VecDeque<Key>,
}

impl Arrivals {
    /// The packet that is whole by this message.
    pub(super) fn packet(&mut self, message: &ShortMessage) -> Option<(PacketKind, Vec<u8>)> {
        let part = UserData::parse(&message.user_data).ok()?;
        let Some(of) = part.concatenation else { return part.packet.map(|kind| (kind, part.body)) };
        // A card sends no more parts (19.1.4), and nobody else is to claim room for them.
        if usize::from(of.parts) > PARTS_MAX {
            return None;
        }
        let key = (message.phone.clone(), of.wide, of.reference, of.parts);
        match self.assemblies.get_mut(&key) {
            Some(assembly) if assembly.goes_with(&part) => assembly.add(part).ok()?,
            // Of a message that never became whole, or of nobody's: what comes now counts.
            Some(assembly) => *assembly = Assembly::begin(part)?,
            None => self.begin(key.clone(), Assembly::begin(part)?),
        }
        let whole = self.assemblies.get(&key)?.packet()?;
        self.assemblies.remove(&key);
        self.order.retain(|other| *other != key);
        Some(whole)
    }

    fn begin(&mut self, key: Key, assembly: Assembly) {
        if self.order.len() >= ASSEMBLIES_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.assemblies.remove(&oldest);
        }
        self.order.push_back(key.clone());
        self.assemblies.insert(key, assembly);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use onecard_host::over_the_air::message::{Reference, divide};

    use super::*;

    fn parts(packet: &[u8]) -> Vec<ShortMessage> {
        let parts = divide(PacketKind::Response, packet, Reference::Short(7)).unwrap();
        let phone: Address = "+8613800000001".parse().unwrap();
        parts.iter().map(|part| ShortMessage { phone: phone.clone(), user_data: part.to_bytes() }).collect()
    }

    /// A part was lost, or somebody sent one in the phone's name: the next message of that reference is not mixed with it.
    #[test]
    fn what_is_left_of_another_message_is_given_up() {
        let (old, new) = (parts(&[0x11; 200]), parts(&[0x22; 200]));
        let whole = Some((PacketKind::Response, vec![0x22; 200]));
        for left in [0, 1] {
            let mut arrivals = Arrivals::default();
            assert_eq!(arrivals.packet(old.get(left).unwrap()), None);
            assert_eq!(arrivals.packet(new.get(left).unwrap()), None);
            // The same part comes twice.
            assert_eq!(arrivals.packet(new.get(left).unwrap()), None);
            assert_eq!(arrivals.packet(new.get(1 - left).unwrap()), whole);
        }
    }
}

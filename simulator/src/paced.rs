//! A card behind a link of some speed: what a command takes on the wire, by its bytes alone.

use std::{
    thread,
    time::{Duration, Instant},
};

use onecard_host::transport::{Transport, TransportError};

/// A contact link (ISO/IEC 7816-3, T=1) of some bit rate.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Link {
    /// Bits a second.
    baud: u32,
}

/// A card whose answers come no sooner than the link would have carried them, but for a nap of 5 ms.
#[derive(Debug)]
pub struct Paced<T> {
    card: T,
    link: Link,
    /// What the link would still be busy for.
    owed: Duration,
    /// Slept too long before: the system wakes nobody to the microsecond, least of all on a busy machine.
    slept_over: Duration,
}

impl Link {
    /// 115,200 bits a second, as most readers run.
    pub const CONTACT_115200: Self = Self { baud: 115_200 };

    /// What command and answer take: each a block with 4 bytes around it, each byte 11 bits; nothing for the card's thinking.
    #[must_use]
    pub fn time(self, command: usize, answer: usize) -> Duration {
        const BITS: u64 = 11;
        const AROUND_A_BLOCK: u64 = 4;
        let bytes = command as u64 + answer as u64 + 2 * AROUND_A_BLOCK;
        Duration::from_nanos(bytes * BITS * 1_000_000_000 / u64::from(self.baud))
    }
}

impl<T: Transport> Paced<T> {
    /// `card` behind `link`.
    #[must_use]
    pub const fn new(card: T, link: Link) -> Self {
        Self { card, link, owed: Duration::ZERO, slept_over: Duration::ZERO }
    }
}

impl<T> Paced<T> {
    /// Lets the link's time pass: all of it in the end, in naps that are worth one.
    fn pass(&mut self, time: Duration) {
        const NAP: Duration = Duration::from_millis(5);
        self.owed += time;
        let credit = self.slept_over.min(self.owed);
        (self.owed, self.slept_over) = (self.owed - credit, self.slept_over - credit);
        if self.owed >= NAP {
            let began = Instant::now();
            thread::sleep(self.owed);
            self.slept_over = began.elapsed().saturating_sub(self.owed);
            self.owed = Duration::ZERO;
        }
    }
}

impl<T: Transport> Transport for Paced<T> {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        let answer = self.card.transmit(command);
        self.pass(self.link.time(command.len(), answer.as_ref().map_or(0, Vec::len)));
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_takes_95_microseconds() {
        // 8 bytes around two blocks, 5 and 2 in them: 15 bytes of 11 bits.
        assert_eq!(Link::CONTACT_115200.time(5, 2).as_micros(), 15 * 11 * 1_000_000 / 115_200);
    }
}

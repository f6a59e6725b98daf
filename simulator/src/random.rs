//! A chip's random numbers: seeded, and never the same again after a restart.

use std::collections::VecDeque;

use rand::{Rng, SeedableRng, rngs::ChaCha8Rng};

/// The random numbers of one power-up.
///
/// ChaCha8, because its streams under keys that differ in one bit of the counter are unrelated without any mixing of
/// ours, and because the algorithm is named: the same seed gives the same card in every release.
#[derive(Debug)]
pub(crate) struct RandomStream(ChaCha8Rng);

impl RandomStream {
    /// The stream of the `boot`-th power-up of the chip with this seed.
    pub(crate) fn new(seed: u64, boot: u64) -> Self {
        let mut key = *b"................One Card chip   ";
        let (words, _) = key.as_chunks_mut::<8>();
        for (word, value) in words.iter_mut().zip([seed, boot]) {
            *word = value.to_le_bytes();
        }
        Self(ChaCha8Rng::from_seed(key))
    }

    /// Fills `into`, first from `injected` while that lasts.
    pub(crate) fn fill(&mut self, injected: &mut VecDeque<u8>, into: &mut [u8]) {
        if injected.is_empty() {
            return self.0.fill_bytes(into);
        }
        for byte in into {
            *byte = injected.pop_front().unwrap_or_else(|| {
                let [byte, ..] = self.0.next_u32().to_le_bytes();
                byte
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn first_bytes(seed: u64, boot: u64) -> [u8; 32] {
        let mut bytes = [0; 32];
        RandomStream::new(seed, boot).fill(&mut VecDeque::new(), &mut bytes);
        bytes
    }

    #[test]
    fn seed_and_boot_decide_the_stream_and_no_two_agree() {
        assert_eq!(first_bytes(7, 3), first_bytes(7, 3));
        let streams: HashSet<_> = (0..40).flat_map(|seed| (0..40).map(move |boot| first_bytes(seed, boot))).collect();
        assert_eq!(streams.len(), 1600);
    }

    #[test]
    fn injected_bytes_come_first_and_once() {
        let mut injected = VecDeque::from([1, 2, 3]);
        let mut stream = RandomStream::new(1, 1);
        let mut bytes = [0; 2];
        stream.fill(&mut injected, &mut bytes);
        assert_eq!(bytes, [1, 2]);
        let mut rest = [0; 16];
        stream.fill(&mut injected, &mut rest);
        assert_eq!(rest[0], 3);
        assert!(injected.is_empty() && rest[1..] != [0; 15]);
    }
}

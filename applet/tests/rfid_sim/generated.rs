//! Drawn commands by an open channel: whatever they say, the domain answers by a word of its specification, the channel goes on,
//! and what was not granted changed nothing.

use hex_literal::hex;
use rand::{Rng, RngExt, SeedableRng, rngs::ChaCha8Rng, seq::IndexedRandom};

use super::{
    applications::{CONTROL, fields, install_data, name, named},
    host::{Host, Login},
    key_sets::set,
    sim::Sim,
};

const COMMANDS: usize = 20_000;
/// Status words of clause 15.4; never 6F00.
const KNOWN: [u16; 14] =
    [0x9000, 0x6310, 0x6700, 0x6982, 0x6985, 0x6A80, 0x6A82, 0x6A84, 0x6A86, 0x6A88, 0x6D00, 0x6E00, 0x6300, 0x6283];

/// A data field that is nearly right.
fn data(host: &Host, header: [u8; 4], random: &mut ChaCha8Rng) -> Vec<u8> {
    let number = random.random_range(0..4);
    let fitting = match (header[1], header[2]) {
        (0xE6, 0x08) => 9,
        (0xE6, _) => 0,
        (0xE4, _) => *[1, 1, 1, 3].choose(random).unwrap(),
        (0xD8, _) => 2,
        (0xE2, _) => 6,
        (0xF2, _) => 4,
        (0xF0, _) => 5,
        _ => 8,
    };
    let kind = if random.random_ratio(1, 8) { random.random_range(0..9) } else { fitting };
    let mut data = match kind {
        0 => install_data(host, number, *[0x00, 0x06].choose(random).unwrap(), &CONTROL),
        1 => named(&name(number)),
        2 => set(host, *[0x05, 0x31, 0x3F].choose(random).unwrap(), 0x88, &[[number; 16]; 3]),
        3 => [0xD2, 0x01, *[0x05, 0x31, 0x3F, 0x20].choose(random).unwrap()].to_vec(),
        4 => hex!("4F00 5C034F9F70").to_vec(),
        5 => name(number).to_vec(),
        6 => hex!("420102 450103").to_vec(),
        9 => fields(&[&[], &[], &name(number), &[0], &[], &[]]),
        7 => hex!("A000000151000000").to_vec(),
        _ => Vec::new(),
    };
    if random.random_ratio(1, 3) && !data.is_empty() {
        let at = random.random_range(0..data.len());
        match random.random_range(0..3) {
            0 => data[at] ^= 1 << random.random_range(0..8),
            1 => data.truncate(at),
            _ => data.insert(at, random.random()),
        }
    }
    if random.random_ratio(1, 20) {
        data.resize(random.random_range(0..220), 0);
        random.fill_bytes(&mut data);
    }
    data
}

fn header(random: &mut ChaCha8Rng) -> [u8; 4] {
    // Not the states of the card, from which there is no way back.
    const ALL: [[u8; 4]; 11] = [
        hex!("80E60C00"),
        hex!("80E60400"),
        hex!("80E60800"),
        hex!("80E40000"),
        hex!("80D80081"),
        hex!("80D83181"),
        hex!("80E28000"),
        hex!("80F24002"),
        hex!("80F04080"),
        hex!("80F04000"),
        hex!("80CA00E0"),
    ];
    let mut header = *ALL.choose(random).unwrap();
    if random.random_ratio(1, 6) {
        header[random.random_range(2..4)] = random.random();
    }
    let of_card = header[1] == 0xF0 && header[2] == 0x80;
    if of_card { hex!("80F24002") } else { header }
}

#[test]
fn drawn_commands() {
    let mut random = ChaCha8Rng::seed_from_u64(15);
    let mut sim = Sim::new();
    let mut host = Login::SCP03.open(&mut sim);
    let mut seen = std::collections::BTreeMap::<u16, usize>::new();
    for step in 0..COMMANDS {
        if step % 200 == 0 {
            sim = sim.power_cycled();
            // It may have been told to replace the very keys.
            if !Login::SCP03.works(&mut sim) {
                sim = Sim::new();
            }
            host = Login { s16: random.random(), ..Login::SCP03 }.open(&mut sim);
        }
        let header = header(&mut random);
        let data = data(&host, header, &mut random);
        let before = sim.chip.0.borrow().bytes.clone();
        let (_, status) = host.send(&mut sim, header, &data);
        assert!(KNOWN.contains(&status), "{status:04X} to {header:02X?} {data:02X?}");
        *seen.entry(status).or_default() += 1;
        if !matches!(status, 0x9000 | 0x6A84) {
            assert!(sim.chip.0.borrow().bytes == before, "{status:04X} to {header:02X?} changed the memory");
        }
        assert_eq!(host.ok(&mut sim, hex!("80CA00D3"), &[])[..2], [0xD3, 0x01]);
    }
    println!("{seen:04X?}");
    assert!(seen[&0x9000] > COMMANDS / 10, "{seen:04X?}");
}

//! Key sets whose counter is at its end: they open nothing, and no operator is left with nothing but such a set.

use hex_literal::hex;

use super::{
    applications::DELETE,
    chip::Chip,
    host::{Login, SELECT},
    key_sets::{NEW_LOGIN, set},
    sim::Sim,
};

const NEW: [[u8; 16]; 3] = [NEW_LOGIN.enc, NEW_LOGIN.mac, NEW_LOGIN.dek];
/// Ends of the counters.
const SCP03_END: [u8; 5] = hex!("0000FFFFFF");
const SCP02_END: [u8; 5] = hex!("000000FFFF");

/// A SIM with key sets 30 and 20, the counter of the set in that place set to that.
fn with_counter(place: usize, counter: [u8; 5]) -> Chip {
    counted(Sim::with_own_scp02(), place, counter)
}

fn counted(mut chip: Chip, place: usize, counter: [u8; 5]) -> Chip {
    let cell = 52 * 1024 + 512 + place * 192 + 128;
    chip.bytes[cell..cell + 4].copy_from_slice(&[0, 0, 0, 1]);
    chip.bytes[cell + 4..cell + 9].copy_from_slice(&counter);
    chip
}

/// The answer to INITIALIZE UPDATE: its status, and which version answers.
fn begins(sim: &mut Sim, version: u8) -> Result<u8, Vec<u8>> {
    sim.ok(&SELECT);
    let answer = sim.send(&[0x80, 0x50, version, 0x00, 0x08, 1, 2, 3, 4, 5, 6, 7, 8, 0x00]);
    if answer.ends_with(&hex!("9000")) { Ok(answer[10]) } else { Err(answer) }
}

#[test]
fn a_worn_set_opens_nothing_and_the_next_one_stands_in() {
    let mut sim = Sim::insert(with_counter(0, SCP03_END));
    assert_eq!(begins(&mut sim, 0x30), Err(hex!("6985").to_vec()));
    assert_eq!(begins(&mut sim, 0x00), Ok(0x20));
    assert!(sim.send(&hex!("80CA00C100")).starts_with(&hex!("C102 0000")), "the counter of the set that stands in");
    let mut sim = Sim::insert(counted(with_counter(0, SCP03_END), 1, SCP02_END));
    assert_eq!(begins(&mut sim, 0x20), Err(hex!("6985").to_vec()));
    assert_eq!(begins(&mut sim, 0x00), Err(hex!("6A88").to_vec()));
    // One number before its end it opens its last channel.
    let mut sim = Sim::insert(with_counter(0, hex!("0000FFFFFE")));
    assert!(Login::SCP03.works(&mut sim));
    assert_eq!(begins(&mut sim, 0x30), Err(hex!("6985").to_vec()));
}

#[test]
fn the_last_set_that_is_not_worn_stays() {
    for (place, end, login, data) in [
        (0, SCP03_END, Login::SCP02_OWN, [&hex!("D20120")[..], &hex!("D00101 D20120")]),
        (1, SCP02_END, Login::SCP03, [&hex!("D20130"), &hex!("D00103 D20130")]),
    ] {
        for data in data {
            let mut sim = Sim::insert(with_counter(place, end));
            let mut host = login.open(&mut sim);
            assert_eq!(host.status(&mut sim, DELETE, data), 0x6985, "{data:02X?}");
            let over_the_air = set(&host, 0x05, 0x80, &NEW);
            assert_eq!(host.status(&mut sim, [0x80, 0xD8, login.version, 0x81], &over_the_air), 0x6985);
            assert!(login.works(&mut sim.power_cycled()));
        }
    }
}

#[test]
fn no_set_comes_that_is_worn_from_the_beginning() {
    let mut sim = Sim::insert(with_counter(0, SCP03_END));
    let mut host = Login::SCP02_OWN.open(&mut sim);
    let whole = |host: &_, version| set(host, version, 0x88, &NEW);
    // Its own keys: the counter counts on.
    let data = whole(&host, 0x30);
    assert_eq!(host.status(&mut sim, hex!("80D83081"), &data), 0x6985);
    host.ok(&mut sim, DELETE, &hex!("D20130"));
    // And it counts on from keys that are gone.
    for (header, count) in [(hex!("80D80081"), 3), (hex!("80D80001"), 1), (hex!("80D82081"), 3)] {
        let data = set(&host, 0x31, 0x88, &NEW[..count]);
        assert_eq!(host.status(&mut sim, header, &data), 0x6985, "{header:02X?}");
    }
    let mut sim = sim.power_cycled();
    assert_eq!(begins(&mut sim, 0x31), Err(hex!("6A88").to_vec()));
    // What has numbers left comes as ever.
    let mut host = Login::SCP02_OWN.open(&mut sim);
    let other = set(&host, 0x21, 0x80, &NEW);
    host.ok(&mut sim, hex!("80D80081"), &other);
    host.ok(&mut sim, DELETE, &hex!("D20120"));
    assert!(Login { version: 0x21, level: 0x03, ..NEW_LOGIN }.works(&mut sim.power_cycled()));
}

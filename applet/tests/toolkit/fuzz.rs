//! Whatever a phone sends, the card answers, never hangs, and its menu opens again.

use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng, seq::IndexedRandom};

use crate::{
    desk::Desk,
    image::{card_with, set_up, with_applications_of},
    phone::{ALL, Act, CANCEL, Fetched, Phone},
    sim::Sim,
};

/// A TERMINAL RESPONSE to `command`, true or bent.
fn response(random: &mut ChaCha8Rng, command: &Fetched) -> Vec<u8> {
    let result = *[
        0x00,
        0x00,
        0x00,
        0x00,
        0x00,
        0x00,
        0x00,
        0x00,
        0x00,
        0x00,
        0x00,
        0x00,
        0x00,
        0x00,
        0x00,
        0x00,
        0x01,
        0x10,
        0x11,
        0x11,
        0x12,
        0x13,
        0x20,
        0x21,
        0x30,
        0x35,
        random.random(),
    ]
    .choose(random)
    .unwrap();
    let mut data = vec![0x81, 0x03, command.number, command.kind, command.qualifier, 0x82, 0x02, 0x82, 0x81];
    data.extend([0x83, 0x02, result, random.random_range(0..12)]);
    match random.random_range(0..9) {
        5.. if command.kind == 0x24 && command.line().contains("4=") => data.extend([0x90, 0x01, 0x04]),
        5.. if command.kind == 0x24 => data.extend([0x90, 0x01, 0x01]),
        5.. if command.kind == 0x23 => data.extend([0x8D, 0x05, 0x04, 0x31, 0x32, 0x33, 0x34]),
        0 | 1 | 5.. => data.extend([0x90, 0x01, *[1, 2, 3, 4, 5, 127, random.random()].choose(random).unwrap()]),
        2 => {
            let digits: Vec<u8> = (0..random.random_range(0..12)).map(|_| random.random_range(0x28..0x3C)).collect();
            data.extend(
                [&[0x8D, digits.len() as u8 + 1, *[0x04, 0x08, 0x00].choose(random).unwrap()], &digits[..]].concat(),
            );
        }
        3 => data.extend([0xAD, 0x02, random.random(), random.random()]),
        _ => data.extend([0xA6, 0x03, random.random(), random.random(), random.random()]),
    }
    match random.random_range(0..16) {
        0 => {
            let at = random.random_range(0..data.len());
            data[at] = random.random();
        }
        1 => data.truncate(random.random_range(0..data.len())),
        2 => data.extend((0..random.random_range(0..30)).map(|_| random.random::<u8>())),
        _ => {}
    }
    data
}

#[test]
fn the_card_always_comes_to_rest() {
    let busy = set_up(with_applications_of(&Desk::with_money(500, 1234).reader.remove()));
    let many = set_up(with_applications_of(&card_with(8)));
    let (mut responses, mut kinds) = (0, std::collections::BTreeMap::new());
    for seed in 0..3_000 {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut profile = ALL;
        if random.random_ratio(1, 3) {
            profile[random.random_range(0..20)] = random.random();
        }
        let chip = if random.random() { busy.clone() } else { many.clone() };
        let mut phone = Phone::off(Sim::insert(chip), *b"zh");
        phone.profile(&profile);
        for _ in 0..30 {
            match phone.fetch() {
                Some(command) => {
                    *kinds.entry(command.kind).or_insert(0) += 1;
                    let data = response(&mut random, &command);
                    phone.send(&[&[0x80, 0x14, 0, 0, data.len() as u8][..], &data].concat());
                    responses += 1;
                }
                None => {
                    let envelope: &[u8] = match random.random_range(0..4) {
                        0 => &[0xD7, 0x0C, 0x82, 0x02, 0x82, 0x81, 0xA4, 0x01, 0x01, 0xA5, 0x03, 0x00, 0x00, 0x03],
                        1 => &[0xD6, 0x0B, 0x99, 0x01, 0x07, 0x82, 0x02, 0x82, 0x81, 0xAD, 0x02, 0x65, 0x6E],
                        _ => &[0xD3, 0x07, 0x82, 0x02, 0x01, 0x81, 0x90, 0x01, 0x01],
                    };
                    phone.envelope(envelope);
                }
            }
        }
        comes_to_rest(&mut phone, seed);
    }
    println!("{responses} responses to {kinds:02X?}");
    let often = |kind| kinds.get(kind).is_some_and(|count| *count >= 20);
    assert!([0x05, 0x13, 0x21, 0x23, 0x24, 0x25, 0x26, 0x27].iter().all(often));
}

/// A phone that ends everything is left in peace soon.
fn comes_to_rest(phone: &mut Phone, seed: u64) {
    for _ in 0..12 {
        match phone.fetch() {
            Some(command) => phone.respond(&command, &Act::clone(&CANCEL)),
            None => return,
        };
    }
    panic!("seed {seed}: {:#?}", phone.lines);
}

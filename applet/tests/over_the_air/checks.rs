//! 19.2: every combination of SPI, the order of checks, the counter.

use hex_literal::hex;

use crate::{
    host::Login,
    image::store,
    platform::{DOMAIN, ENTERPRISE, FILES, FILES_2G, FILES_USIM, Platform, SECURED, deliver, script, sim},
    sim::Sim,
};

const SELECT_MF: &[u8] = &hex!("00A40004023F00");

/// A SIM whose operator lets packets for files come with `minimum`.
fn with_minimum(minimum: u8) -> Sim {
    let mut sim = sim();
    assert_eq!(store(&mut sim, &[0x50, 0x05, 0x01, minimum]), 0x9000);
    sim.power_cycled()
}

/// The status in the report, in clear; nothing if there is none.
fn in_clear(platform: &Platform, report: &[u8]) -> Option<u8> {
    (!report.is_empty()).then(|| {
        let proof = platform.read(0x01, report);
        assert_eq!((proof.counter, proof.data.len()), (0, 0), "nothing is told of what was not right");
        proof.status
    })
}

/// All 65,536 of them, by each kind of key: what is served, what is refused, and how the proof comes.
#[test]
fn every_security_parameter_indication() {
    let mut sim = with_minimum(0x00);
    let mut served = [0; 4];
    for set in 1..=4 {
        let mut platform = Platform::new(set);
        let mut kept = 0;
        for first in 0..=0xFF_u8 {
            for second in 0..=0xFF_u8 {
                let named = platform.named();
                // Redundancy checks and checksums name KID alike; 5 alone is both.
                let redundancy = first & 3 == 1 || second & 0x0C == 0x04 && second & 3 != 0;
                let checksum = first & 3 == 2 || second & 0x0C == 0x08 && second & 3 != 0;
                let kid = if redundancy && !checksum { set << 4 | 1 } else { named };
                let both_wrong = redundancy && checksum && platform.algorithm != 0x05;
                let bits_wrong = first & 0xE0 != 0 || first & 3 == 3;
                let wish_wrong = second & 0xC0 != 0 || second & 3 == 3 || second & 0x0C == 0x0C;
                if first & 3 == 3 {
                    continue;
                }
                platform.counter = kept;
                let packet = platform.next_named([first, second], [named, kid], FILES, SELECT_MF);
                let report = deliver(&mut sim, &packet);
                let asked = matches!(second & 3, 1 | 2);
                let expected = if bits_wrong || wish_wrong {
                    0x06
                } else if first & 0x10 != 0 && first & 3 != 2 {
                    0x0A
                } else if both_wrong {
                    0x06
                } else {
                    0x00
                };
                if expected == 0 && first & 0x10 != 0 {
                    kept = platform.counter;
                }
                if expected != 0 {
                    assert_eq!(in_clear(&platform, &report), asked.then_some(expected), "{first:02X}{second:02X}");
                } else if second & 3 == 1 {
                    let proof = platform.read_named(second, kid, &report);
                    assert_eq!((proof.status, proof.counter), (0x00, platform.counter), "{first:02X}{second:02X}");
                    assert_eq!(proof.data[..2], hex!("0161"), "{first:02X}{second:02X}");
                    served[set as usize - 1] += 1;
                } else {
                    assert!(report.is_empty(), "{first:02X}{second:02X}");
                }
            }
        }
    }
    println!("served with a proof: {served:?}");
    assert!(served.iter().all(|count| *count > 100));
}

/// The order of 19.2.4: of two faults the earlier one is told.
#[test]
fn the_first_fault_is_told() {
    let mut sim = sim();
    let mut platform = Platform::new(1);
    let packet = platform.next(SECURED, FILES, &script(&[SELECT_MF]));
    let changed = |changes: &[(usize, u8)]| {
        let mut packet = packet.clone();
        changes.iter().for_each(|(at, byte)| packet[*at] = *byte);
        packet
    };
    let other_tar = (7, 0xC0);
    let weaker = (3, 0x06);
    let other_set = (5, 0x52);
    let wrong_byte = (20, packet[20] ^ 1);
    for (changes, status) in [
        (&[(1, packet[1] + 1), other_tar][..], 0x06),
        (&[(2, 0x11), other_tar], 0x06),
        (&[(3, 0x17), other_tar], 0x06),
        (&[(4, 0x8D), other_tar], 0x06),
        (&[other_tar, weaker], 0x09),
        (&[weaker, other_set], 0x0A),
        (&[other_set, wrong_byte], 0x06),
        (&[(5, 0x15)], 0x06),
        (&[(6, 0x15)], 0x06),
        (&[(5, 0x11), (6, 0x11)], 0x06),
        (&[(5, 0x1D)], 0x06),
        (&[(5, 0x10), (6, 0x10)], 0x06),
        (&[(5, 0x02), (6, 0x02)], 0x06),
        (&[(5, 0x42), (6, 0x12)], 0x06),
        (&[wrong_byte], 0x01),
        (&[(10, packet[10] ^ 1)], 0x01),
        (&[(packet.len() - 1, packet[packet.len() - 1] ^ 1)], 0x01),
    ] {
        let report = deliver(&mut sim, &changed(changes));
        assert_eq!(in_clear(&platform, &report), Some(status), "{changes:02X?}");
    }
    // Not whole blocks behind TAR.
    let mut longer = [&packet[..], &[0]].concat();
    longer[1] += 1;
    assert_eq!(in_clear(&platform, &deliver(&mut sim, &longer)), Some(0x05));
    // Too short to have a TAR.
    (0..10).for_each(|length| assert!(deliver(&mut sim, &packet[..length]).is_empty(), "{length}"));
    for length in 10..packet.len() {
        let mut cut = packet[..length].to_vec();
        cut[1] = length as u8 - 2;
        let status = in_clear(&platform, &deliver(&mut sim, &cut));
        assert!(matches!(status, Some(0x01 | 0x05 | 0x06)), "{length}: {status:?}");
    }
    // After all that it is right as ever: a wrong packet costs nothing.
    assert_eq!(platform.read(SECURED[1], &deliver(&mut sim, &packet)).status, 0x00);
}

/// Padding that cannot be, under a right checksum, answers as a wrong checksum.
#[test]
fn padding_that_cannot_be() {
    let mut sim = sim();
    for mut platform in Platform::all() {
        let block = platform.block_len();
        for padding in [block as u8, 0x40, 0xFF] {
            let packet = platform.next_padded(padding, SECURED, FILES, &script(&[SELECT_MF]));
            assert_eq!(in_clear(&platform, &deliver(&mut sim, &packet)), Some(0x01), "{padding}");
        }
    }
}

#[test]
fn the_counter_goes_upward_alone() {
    let mut sim = sim();
    for mut platform in Platform::all() {
        let mut status = |sim: &mut Sim, first: u8, counter: u64| {
            platform.counter = counter;
            let report = deliver(sim, &platform.packet([first, 0x19], FILES, &script(&[SELECT_MF])));
            let proof = platform.read(0x19, &report);
            assert_eq!(proof.counter, counter);
            proof.status
        };
        for (first, counter, expected) in [
            (0x16, 0, 0x02),
            (0x16, 1, 0x00),
            (0x16, 1, 0x02),
            (0x16, 5, 0x00),
            (0x16, 4, 0x02),
            (0x1E, 7, 0x03),
            (0x1E, 5, 0x02),
            (0x1E, 6, 0x00),
            (0x1E, 6, 0x02),
            (0x16, 0x01_0000_0000, 0x00),
            (0x1E, 0x01_0000_0001, 0x00),
            (0x16, 7, 0x02),
        ] {
            assert_eq!(status(&mut sim, first, counter), expected, "{first:02X} {counter}");
        }
        sim.reset();
        assert_eq!(status(&mut sim, 0x16, 0x01_0000_0001), 0x02);
        assert_eq!(status(&mut sim, 0x16, 0xFF_FFFF_FFFF), 0x00);
        for counter in [0, 0xFF_FFFF_FFFE, 0xFF_FFFF_FFFF] {
            assert_eq!(status(&mut sim, 0x16, counter), 0x04, "at its end");
        }
    }
    let mut sim = sim.power_cycled();
    let mut platform = Platform::new(1);
    let report = deliver(&mut sim, &platform.next(SECURED, FILES, &[]));
    assert_eq!(platform.read(SECURED[1], &report).status, 0x04, "after a loss of power");
}

/// Modes 00 and 01 neither look nor write.
#[test]
fn packets_without_a_counter_leave_it() {
    let mut sim = with_minimum(0x06);
    let mut platform = Platform::new(1);
    platform.counter = 9;
    for first in [0x06, 0x0E] {
        for _ in 0..2 {
            let report = deliver(&mut sim, &platform.packet([first, 0x19], FILES, SELECT_MF));
            assert_eq!(platform.read(0x19, &report).status, 0x00);
        }
    }
    platform.counter = 1;
    let report = deliver(&mut sim, &platform.packet(SECURED, FILES, SELECT_MF));
    assert_eq!(platform.read(0x19, &report).status, 0x00);
}

#[test]
fn no_tar_takes_less_than_its_minimum() {
    for (minimum, served) in
        [(None, &[0x16, 0x1E][..]), (Some(0x1E), &[0x1E]), (Some(0x02), &[0x02, 0x06, 0x0E, 0x12, 0x16, 0x1E])]
    {
        let mut sim = minimum.map_or_else(sim, with_minimum);
        let mut platform = Platform::new(2);
        let mut kept = 0;
        for tar in [DOMAIN, ENTERPRISE, FILES, [0xB0, 0, 1], FILES_2G, FILES_USIM] {
            let of_files = tar[0] == 0xB0;
            for first in [0x00, 0x01, 0x02, 0x04, 0x05, 0x06, 0x0E, 0x12, 0x15, 0x16, 0x1E] {
                let enough = if of_files { served.contains(&first) } else { first & 0x16 == 0x16 };
                platform.counter = kept;
                let report = deliver(&mut sim, &platform.next([first, 0x01], tar, &[]));
                kept += u64::from(enough && first & 0x10 != 0);
                let proof = platform.read(0x01, &report);
                assert_eq!(proof.status, if enough { 0x00 } else { 0x0A }, "{tar:02X?} {first:02X} {minimum:?}");
            }
        }
    }
    let mut sim = sim();
    for wrong in
        [&hex!("5005 01 03")[..], &hex!("5005 01 20"), &hex!("5005 01 96"), &hex!("5005 00"), &hex!("5005 02 0606")]
    {
        assert_eq!(store(&mut sim, wrong), 0x6A80, "{wrong:02X?}");
    }
}

/// A set that lacks KIc or KID, and a version that opens channels.
#[test]
fn key_sets_that_are_not_whole() {
    let mut sim = sim();
    let mut host = Login::SCP03.open(&mut sim);
    assert_eq!(host.status(&mut sim, hex!("80E40000"), &hex!("D00102 D20101")), 0x9000);
    let mut platform = Platform::new(1);
    let report = deliver(&mut sim, &platform.next(SECURED, FILES, &[]));
    assert_eq!(in_clear(&platform, &report), Some(0x06));
    let mut other = Platform::new(2);
    assert_eq!(other.send(&mut sim, FILES, &[]), hex!("00 9000"));
}

/// Proofs "of errors" are sent for errors alone; a wrong packet that asks for nothing is answered by nothing.
#[test]
fn a_proof_of_errors() {
    let mut sim = sim();
    let mut platform = Platform::new(1);
    for second in [0x00, 0x1A, 0x3A] {
        let packet = platform.next([0x16, second], FILES, SELECT_MF);
        assert!(deliver(&mut sim, &packet).is_empty());
        let report = deliver(&mut sim, &packet);
        if second == 0 {
            assert!(report.is_empty());
        } else {
            assert_eq!(platform.read(second, &report).status, 0x02, "the same again");
        }
        let mut wrong = packet;
        wrong[30] ^= 1;
        assert_eq!(deliver(&mut sim, &wrong).is_empty(), second == 0);
    }
}

//! Answers to reset (ISO/IEC 7816-3 clause 8, 7816-4 clause 8.1.1).

use onecard_applet::Kind;

/// How a card with contacts is spoken to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Protocol {
    /// T=0: an answer to a command with data is fetched by GET RESPONSE, as most SAMs have it.
    T0,
    /// T=1: whole APDUs, as a contactless card looks like behind a PC/SC reader.
    T1,
}

/// The answer to reset of a card of that kind.
///
/// Its historical bytes say, in COMPACT-TLV: selection by full name, the functions of its files, and a name that no other
/// vendor's tools take for their own card.
#[must_use]
pub fn atr(kind: Kind, protocol: Protocol) -> Vec<u8> {
    /// TS: direct convention.
    const TS: u8 = 0x3B;
    /// TA1: clock rate 512, 16 bits a cycle, at most 5 MHz.
    const TA1: u8 = 0x95;
    let historical = historical_bytes(kind);
    let count = historical.len() as u8 & 0x0F;
    match (protocol, kind) {
        // A UICC's (TS 102 221 clause 6.3): TD1 and TD2: T=15 follows T=0; TA3: clock stop in either state, classes A to C.
        (Protocol::T0, Kind::RfidSim) => {
            checked([&[TS, 0x90 | count, 0x96, 0x80, 0x1F, 0xC7], &historical[..]].concat())
        }
        // T=0 alone has no check byte.
        (Protocol::T0, _) => [&[TS, 0x10 | count, TA1], &historical[..]].concat(),
        // TD1 and TD2: T=1; TA3: 254 bytes a block; TB3: waiting times of 4 (block) and 5 (character).
        (Protocol::T1, _) => checked([&[TS, 0x90 | count, TA1, 0x81, 0x31, 0xFE, 0x45], &historical[..]].concat()),
    }
}

/// With TCK.
fn checked(atr: Vec<u8>) -> Vec<u8> {
    let check = atr.iter().skip(1).fold(0, |check, byte| check ^ byte);
    [atr, vec![check]].concat()
}

fn historical_bytes(kind: Kind) -> [u8; 15] {
    let [a, b, c, d, e, f, g] = match kind {
        Kind::CpuCard => *b"OneCard",
        Kind::Sam => *b"One SAM",
        Kind::RfidSim => *b"One SIM",
        Kind::KeyMaster => *b"One Key",
        Kind::MotherAuthentication => *b"OneOpen",
    };
    // Category 80; card service data; capabilities; pre-issuing data.
    match kind {
        // Full name; full name, FID, SFI, record number and tag, units of a byte, no chaining.
        Kind::CpuCard | Kind::Sam => [0x80, 0x31, 0x80, 0x73, 0x97, 0x01, 0x00, 0x67, a, b, c, d, e, f, g],
        // Full name, and no files.
        Kind::KeyMaster | Kind::MotherAuthentication => {
            [0x80, 0x31, 0x80, 0x73, 0x80, 0x01, 0x00, 0x67, a, b, c, d, e, f, g]
        }
        // Names in part too, EF DIR, path, short file identifiers, records; logical channels (TS 102 221 clause 6.3.3).
        Kind::RfidSim => [0x80, 0x31, 0xE0, 0x73, 0xFE, 0x21, 0x1B, 0x67, a, b, c, d, e, f, g],
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing)]

    use super::*;

    #[test]
    fn the_interface_bytes_and_the_check_byte() {
        let t1 = atr(Kind::CpuCard, Protocol::T1);
        assert_eq!(t1.get(..7), Some(&[0x3B, 0x9F, 0x95, 0x81, 0x31, 0xFE, 0x45][..]));
        assert_eq!(t1.len(), 7 + 15 + 1);
        assert_eq!(t1.iter().skip(1).fold(0, |check, byte| check ^ byte), 0);
        let t0 = atr(Kind::Sam, Protocol::T0);
        assert_eq!((t0.get(..3), t0.len()), (Some(&[0x3B, 0x1F, 0x95][..]), 3 + 15));
        assert_eq!(t0.get(3..), atr(Kind::Sam, Protocol::T1).get(7..22));
        let uicc = atr(Kind::RfidSim, Protocol::T0);
        assert_eq!(uicc.get(..6), Some(&[0x3B, 0x9F, 0x96, 0x80, 0x1F, 0xC7][..]));
        assert_eq!((uicc.len(), uicc.iter().skip(1).fold(0, |check, byte| check ^ byte)), (22, 0));
    }

    #[test]
    fn the_historical_bytes_are_compact_tlv() {
        for kind in [Kind::CpuCard, Kind::Sam, Kind::RfidSim, Kind::KeyMaster, Kind::MotherAuthentication] {
            let mut objects = &historical_bytes(kind)[1..];
            let mut tags = Vec::new();
            while let [head, rest @ ..] = objects {
                tags.push(head >> 4);
                objects = &rest[usize::from(head & 0x0F)..];
            }
            assert_eq!(tags, [3, 7, 6]);
        }
    }
}

//! Malformed, mistimed and unknown commands get the standard's word and change nothing: every CLA and INS, every length.

use onecard_wire::ins;

use crate::{
    commands::specimen,
    probe::{Probe, bytes},
    sam_probe::SamProbe,
};

/// What a card serves: INS, and the classes it has.
const SERVED: [(u8, &[u8]); 27] = [
    (ins::SELECT, &[0x00]),
    (ins::GET_CHALLENGE, &[0x00]),
    (ins::READ_BINARY, &[0x00, 0x04]),
    (ins::UPDATE_BINARY, &[0x00, 0x04]),
    (ins::WRITE_BINARY, &[0x00, 0x04]),
    (ins::READ_RECORD, &[0x00, 0x04]),
    // 80: UPDATE CAPP DATA CACHE, of a card alone.
    (ins::UPDATE_RECORD, &[0x00, 0x04, 0x80]),
    (ins::APPEND_RECORD, &[0x00, 0x04]),
    (ins::EXTERNAL_AUTHENTICATE, &[0x00]),
    (ins::INTERNAL_AUTHENTICATE, &[0x00]),
    (ins::VERIFY, &[0x00]),
    (ins::CHANGE_OR_RELOAD_PIN, &[0x80]),
    (ins::PIN_UNBLOCK, &[0x84]),
    (ins::APPLICATION_BLOCK, &[0x84]),
    (ins::APPLICATION_UNBLOCK, &[0x84]),
    (ins::CARD_BLOCK, &[0x84]),
    (ins::CREATE_FILE, &[0x80]),
    (ins::WRITE_KEY, &[0x80, 0x84]),
    (ins::ERASE_DF, &[0x80]),
    (ins::INITIALIZE, &[0x80]),
    (ins::CREDIT_FOR_LOAD, &[0x80]),
    (ins::DEBIT, &[0x80]),
    (ins::GET_TRANSACTION_PROVE, &[0x80]),
    (ins::GET_BALANCE, &[0x80]),
    (ins::GET_DATA, &[0x80]),
    (ins::UPDATE_OVERDRAW_LIMIT, &[0x80]),
    // Not served: their word is the same as any other's. They stand here so that nobody adds them unseen.
    (ins::GET_RESPONSE, &[]),
];
const WALLET: [u8; 6] = [
    ins::INITIALIZE,
    ins::CREDIT_FOR_LOAD,
    ins::DEBIT,
    ins::UPDATE_OVERDRAW_LIMIT,
    ins::GET_TRANSACTION_PROVE,
    ins::GET_BALANCE,
];
const PSAM: [u8; 5] = [ins::INIT_SAM, ins::CREDIT_SAM, ins::SAM_MARK, ins::INIT_FOR_DESCRYPT, ins::DES_CRYPT];

fn classes(ins: u8, sam: bool) -> &'static [u8] {
    match ins {
        _ if sam && WALLET.contains(&ins) => &[],
        ins::UPDATE_RECORD if sam => &[0x00, 0x04],
        _ if sam && PSAM.contains(&ins) => &[0x80],
        _ => SERVED.iter().find(|(served, _)| *served == ins).map_or(&[], |(_, classes)| *classes),
    }
}

/// Each of the 65,536 pairs: 6E00 for a class that is not there, 6D00 for an instruction that is not, 6E00 for one of another
/// class; anything else only where the command is served.
#[test]
fn every_class_and_instruction() {
    for (sam, mut probe) in [(false, specimen()), (true, SamProbe::new().probe)] {
        for cla in 0..=255u8 {
            for ins in 0..=255u8 {
                let classes = classes(ins, sam);
                let expected = match cla {
                    0x00 | 0x04 | 0x80 | 0x84 if classes.is_empty() => 0x6D00,
                    0x00 | 0x04 | 0x80 | 0x84 if classes.contains(&cla) => continue,
                    _ => 0x6E00,
                };
                let operations = probe.operations();
                let reply = probe.send(&[cla, ins, 0x00, 0x00]);
                assert_eq!((reply.status, reply.data.len()), (expected, 0), "{cla:02X} {ins:02X}");
                assert_eq!(probe.operations(), operations, "{cla:02X} {ins:02X} wrote");
            }
        }
    }
}

/// Lengths that do not agree are 6700 before anything else is looked at.
#[test]
fn lengths_that_do_not_agree() {
    let mut probe = specimen();
    let malformed = [
        "",
        "00",
        "00A4",
        "00A400",
        "00A40000023F",
        "00A40000023F000000",
        "00A40000003F00",
        "00A4000000003F",
        "0000000000000000",
        "FFFFFFFFFFFF",
        "00B095000000",
        "80500002FF00",
        "00A4000000000200",
    ];
    for text in malformed {
        probe.refused(0x6700, text);
    }
    for text in ["00D6930000F0", "00D69300F0"] {
        probe.refused(0x6700, &format!("{text}{}", "11".repeat(0xF0)));
    }
    probe.refused(0x6700, &format!("00D69300FF{}", "11".repeat(0xFF)));
    probe.refused(0x6700, &"00".repeat(300));
}

/// Le after a command that answers nothing.
#[test]
fn an_le_where_nothing_is_answered() {
    let mut probe = specimen();
    for text in [
        "00D6930001 11 00",
        "00D6930001 11 01",
        "00E200DC08 1111111111111111 00",
        "00DC01DC08 1111111111111111 00",
        "0082000008 0000000000000000 00",
        "0020000003 123456 00",
        "805E010007 123456FF654321 00",
        "800E000001",
        "805E000007 123456 00000000 00",
        "842400000C 000000000000000000000000 00",
        "841E000004 00000000 00",
        "8418000004 00000000 00",
        "80E0001107 280004F0F0FFFF 00",
        "80D4010515 3EF0F00100 00112233445566778899AABBCCDDEEFF 00",
    ] {
        probe.refused(0x6700, text);
    }
}

/// Every command with each of its header bytes and lengths changed, from each state: no answer without a status word of
/// the table, nothing written but by what is done or counts a try.
#[test]
fn one_field_changed() {
    let allowed_to_write = [0x9000, 0x6988, 0x9302, 0x9303];
    for prepare in ["", "0084000004", "805001020B7E00000000001122334455", "00A40000020013", "0020000003123456"] {
        let mut probe = specimen();
        for command in VALID {
            for at in 1..5 {
                for byte in [0x00, 0x01, 0x02, 0x04, 0x10, 0x7F, 0x80, 0x95, 0xDF, 0xF0, 0xFF] {
                    let mut changed = bytes(command);
                    changed[at] = byte;
                    prepared(&mut probe, prepare);
                    let operations = probe.operations();
                    let reply = probe.send(&changed);
                    let wrote = probe.operations() != operations;
                    let word = hex::encode(&changed);
                    assert!(reply.status == 0x9000 || reply.data.is_empty(), "{word}: {reply:?}");
                    let counted = reply.status & 0xFFF0 == 0x63C0 || allowed_to_write.contains(&reply.status);
                    // A right MAC over a text that deciphers to nothing has given its try back.
                    assert!(!wrote || counted || reply.status == 0x6A80, "{word}: {reply:?} wrote");
                    assert!(known(reply.status), "{word}: {reply:?}");
                }
            }
        }
    }
}

const VALID: [&str; 20] = [
    "00A4000002DF01",
    "00B0950001",
    "00B201DC00",
    "00DC01DC081111111111111111",
    "00E200DC081111111111111111",
    "00D693000111",
    "04D6950005AA00000000",
    "04B0950004000000000E",
    "0082000108000000000000000000",
    "0088000108010203040506070808",
    "805E01000712345FFF65432F",
    "805E000007123456A1A2A3A4",
    "842400000C000000000000000000000000",
    "80E000110728000AF0F0FFFF",
    "80D40105153EF0F0010000112233445566778899AABBCCDDEEFF",
    "805000020B7E0000000100112233445510",
    "805200000B2026112310203000000000",
    "805401000F000000002026112310203000000000",
    "805A000202000108",
    "805C000204",
];

fn prepared(probe: &mut Probe, text: &str) {
    if !text.is_empty() {
        probe.ask(text);
    }
}

/// The words of the specification.
fn known(status: u16) -> bool {
    matches!(
        status,
        0x9000
            | 0x63C0..=0x63CF
            | 0x6700
            | 0x6901
            | 0x6981..=0x6983
            | 0x6985
            | 0x6987
            | 0x6988
            | 0x6A80..=0x6A84
            | 0x6A86
            | 0x6A88
            | 0x6B00
            | 0x6C00..=0x6CFF
            | 0x6D00
            | 0x6E00
            | 0x9302
            | 0x9303
            | 0x9401..=0x9403
            | 0x9406
    )
}

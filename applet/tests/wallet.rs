//! The wallet against published traces of real cards, and torn everywhere: the card alone, judged by bytes that are not
//! ours.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, unreachable_pub, reason = "tests")]

mod chip;

use chip::{Chip, Reader, blank, tear::sweep};
use hex_literal::hex;
use onecard_applet::Kind;

const SELECT: &[u8] = &hex!("00A40000023F01");

/// deng214's FM1208: one key for load, purchase and TAC; a purse that logs to EF 0018.
fn card(key: [u8; 16], tac_key: [u8; 16]) -> Chip {
    let mut reader = Reader::insert(blank(Kind::CpuCard));
    reader.random(&hex!("53FD1F262EC4E6E2"));
    reader.ok(&hex!("0084000008"));
    // The challenge and cryptogram of a real card with the transport key FF*8.
    reader.ok(&hex!("0082000008 A0DBBFC1192FF24A"));
    reader.ok(&hex!("80E03F010D 38 0400 F0F0 95 FFFF 4142434445"));
    reader.ok(SELECT);
    reader.ok(&hex!("80E0000007 3F 0100 95 F0 FF FF"));
    for (key_type, id, value) in [(0x3F, 0, key), (0x3F, 1, key), (0x3E, 0, key), (0x34, 0, tac_key)] {
        let version_algorithm = if (key_type, id) == (0x3F, 1) { [1, 0] } else { [0, 0] };
        reader.write_key(key_type, id, version_algorithm, &value);
    }
    reader.write_key(0x3F, 2, [0x00, 0x01], &key);
    reader.ok(&hex!("80E0000207 2F 0208 F0 00 FF 18"));
    reader.ok(&hex!("80E0001807 2E 1417 F0 EF FF FF"));
    reader.remove()
}

fn deng214() -> Chip {
    card(hex!("00112233445566778899AABBCCDDEEFF"), hex!("00112233445566778899AABBCCDDEEFF"))
}

const LOAD: &[u8] = &hex!("805000020B 01 00002000 001122334455 10");

const CREDIT: &[u8] = &hex!("805200000B 20161216 105800 8AFA5718");
const PURCHASE: &[u8] = &hex!("805001020B 00 00000001 001122334455");
const PURCHASE_RANDOM: [u8; 4] = hex!("584633C9");
const DEBIT: &[u8] = &hex!("805401000F 00000000 20161216 134600 D45737C5 08");

#[test]
fn deng214_load_and_purchase() {
    let mut reader = Reader::insert(deng214());
    reader.ok(SELECT);
    // The trace's random, as its 16 bytes have it.
    let initialized = hex!("00000000 0000 01 00 C903814D 03976C22");
    reader.random(&initialized[8..12]);
    assert_eq!(reader.ok(LOAD), initialized);
    assert_eq!(reader.ok(CREDIT), hex!("FA00066D"));
    assert_eq!(reader.ok(&hex!("805C000204")), hex!("00002000"));
    reader.random(&PURCHASE_RANDOM);
    assert_eq!(reader.ok(PURCHASE), hex!("00002000 0000 000000 00 00 584633C9"));
    assert_eq!(reader.ok(DEBIT), hex!("8AF270DC 66B54A6B"));
    assert_eq!(reader.ok(&hex!("805C000204")), hex!("00001FFF"));
    assert_eq!(reader.ok(&hex!("805A0006020001 08")), hex!("66B54A6B 8AF270DC"), "MAC2 then TAC");
    assert_eq!(reader.ok(&hex!("805A0002020001 08")), hex!("00000000 FA00066D"), "a load has no MAC");
    assert_eq!(reader.ok(&hex!("00B201C400")), hex!("0001 000000 00000001 06 001122334455 20161216134600"));
    assert_eq!(reader.ok(&hex!("00B202C400")), hex!("0001 000000 00002000 02 001122334455 20161216105800"));
    assert_eq!(reader.send(&hex!("00B203C400")), hex!("6A83"));
}

#[test]
fn robur_load_with_unequal_halves_and_its_log_record() {
    let chip = card(hex!("3F3F3F3F3F3F3F3F1122334455667788"), hex!("34343434343434341122334455667788"));
    let mut reader = Reader::insert(chip);
    reader.ok(SELECT);
    reader.random(&hex!("4E066548"));
    assert_eq!(
        reader.ok(&hex!("805000020B 02 00000010 666666666666 10")),
        hex!("00000000 0000 00 01 4E066548 0D39ADBB")
    );
    assert_eq!(reader.ok(&hex!("805200000B 20240411 212121 097E98FE 04")), hex!("A802863E"));
    assert_eq!(reader.ok(&hex!("00B201C417")), hex!("0001 000000 00000010 02 666666666666 20240411 212121"));
}

/// What must move together, read after a power-up.
#[derive(PartialEq, Debug)]
struct Seen {
    balance: Vec<u8>,
    newest_log: Vec<u8>,
    load_proof: Vec<u8>,
    purchase_proof: Vec<u8>,
    online_sequence: Vec<u8>,
    offline_sequence: Vec<u8>,
}

fn look(reader: &mut Reader) -> Seen {
    reader.ok(SELECT);
    Seen {
        balance: reader.ok(&hex!("805C000204")),
        newest_log: reader.send(&hex!("00B201C400")),
        load_proof: reader.send(&hex!("805A0002020001 08")),
        purchase_proof: reader.send(&hex!("805A0006020001 08")),
        online_sequence: reader.ok(LOAD)[4..6].to_vec(),
        offline_sequence: reader.ok(&hex!("805001020B 00 00000000 001122334455"))[4..6].to_vec(),
    }
}

fn loaded() -> Chip {
    let mut reader = Reader::insert(deng214());
    reader.ok(SELECT);
    reader.random(&hex!("C903814D"));
    reader.ok(LOAD);
    reader.ok(CREDIT);
    reader.remove()
}

/// Whether every command, each with its random, was answered by 9000.
fn all_done(reader: &mut Reader, commands: &[(&[u8], &[u8])]) -> bool {
    reader.ok(SELECT);
    commands.iter().all(|(random, command)| {
        reader.random(random);
        reader.try_send(command).is_ok_and(|answer| answer.ends_with(&[0x90, 0x00]))
    })
}

#[test]
fn a_load_torn_anywhere_is_whole_or_not_there() {
    sweep(&deng214(), look, |reader| all_done(reader, &[(&hex!("C903814D"), LOAD), (&[], CREDIT)]));
}

#[test]
fn a_purchase_torn_anywhere_is_whole_or_not_there() {
    sweep(&loaded(), look, |reader| all_done(reader, &[(&PURCHASE_RANDOM, PURCHASE), (&[], DEBIT)]));
}

/// A purchase of nothing: MAC1 does not matter where the sequence and balance are looked at through INITIALIZE alone.
#[test]
fn a_wrong_mac_ends_the_transaction_and_changes_nothing() {
    let mut reader = Reader::insert(loaded());
    let before = look(&mut reader);
    for at in 9..20 {
        let mut wrong = DEBIT.to_vec();
        wrong[at] ^= 1;
        reader.random(&PURCHASE_RANDOM);
        reader.ok(PURCHASE);
        let status = reader.send(&wrong);
        assert!(status == hex!("9302") || status == hex!("6A80"), "byte {at}: {status:02X?}");
        assert_eq!(reader.send(DEBIT), hex!("6901"), "the right DEBIT comes too late");
    }
    reader.random(&hex!("C903814D"));
    reader.ok(LOAD);
    assert_eq!(reader.send(CREDIT), hex!("9302"), "the online sequence has moved on");
    assert_eq!(look(&mut reader), before);
}

#[test]
fn any_command_between_ends_the_transaction() {
    for between in [&hex!("805C000204")[..], &hex!("0084000008"), SELECT, &hex!("80FF0000"), &hex!("00"), LOAD] {
        let mut reader = Reader::insert(loaded());
        reader.ok(SELECT);
        reader.random(&PURCHASE_RANDOM);
        reader.ok(PURCHASE);
        reader.send(between);
        assert_eq!(reader.send(DEBIT), hex!("6901"), "{between:02X?}");
    }
}

#[test]
fn more_than_the_balance_and_more_than_a_purse_holds() {
    let mut reader = Reader::insert(loaded());
    reader.ok(SELECT);
    assert_eq!(reader.send(&hex!("805001020B 00 00002001 001122334455")), hex!("9401"));
    assert_eq!(reader.ok(&hex!("805001020B 00 00002000 001122334455")).len(), 15);
    assert_eq!(reader.send(&hex!("805000020B 01 FFFFE000 112233445566 10")), hex!("6985"));
    assert_eq!(reader.ok(&hex!("805000020B 01 FFFFDFFF 112233445566 10")).len(), 16);
    assert_eq!(reader.send(&hex!("805001020B 07 00000001 001122334455")), hex!("9403"));
    assert_eq!(reader.send(&hex!("805001010B 00 00000001 001122334455")), hex!("6A82"), "no deposit here");
    assert_eq!(reader.send(&hex!("805001030B 00 00000001 001122334455")), hex!("6A86"));
    assert_eq!(reader.send(&hex!("805001020A 00 00000001 0011223344")), hex!("6700"));
    assert_eq!(reader.send(&hex!("805001020B 00 00000001 001122334455 10")), hex!("6C0F"));
}

/// What a terminal sends after INITIALIZE: session key and MAC1 by the key of deng214's card.
fn debit(initialized: &[u8], amount: u32, terminal_sequence: u32) -> Vec<u8> {
    use cipher::{BlockCipherEncrypt, KeyInit};
    let key = hex!("00112233445566778899AABBCCDDEEFF");
    let terminal_sequence = terminal_sequence.to_be_bytes();
    let mut session: [u8; 8] =
        [&initialized[11..15], &initialized[4..6], &terminal_sequence[2..]].concat().try_into().unwrap();
    des::TdesEde2::new(&key.into()).encrypt_block((&mut session).into());
    let cipher = des::Des::new(&session.into());
    let mut message = [&amount.to_be_bytes()[..], &hex!("06 001122334455 20161216 134600 80")].concat();
    message.resize(24, 0);
    let mut chain = [0; 8];
    for block in message.chunks(8) {
        chain.iter_mut().zip(block).for_each(|(to, from)| *to ^= from);
        cipher.encrypt_block((&mut chain).into());
    }
    [&hex!("805401000F")[..], &terminal_sequence, &hex!("20161216 134600"), &chain[..4]].concat()
}

fn pay(reader: &mut Reader, amount: u32, terminal_sequence: u32) -> Vec<u8> {
    let initialize = [&hex!("805001020B 00")[..], &amount.to_be_bytes(), &hex!("001122334455")].concat();
    let initialized = reader.ok(&initialize);
    reader.ok(&debit(&initialized, amount, terminal_sequence))
}

/// Thirty purchases: sequence, balance, twenty log records, eight proofs and the proof of the load.
#[test]
fn sequences_log_and_proofs_go_round() {
    let mut reader = Reader::insert(loaded());
    reader.ok(SELECT);
    let (mut balance, mut proofs) = (0x2000, Vec::new());
    for number in 1..=30u16 {
        let amount = u32::from(number) * 3;
        let answer = pay(&mut reader, amount, u32::from(number));
        balance -= amount;
        assert_eq!(reader.ok(&hex!("805C000204")), balance.to_be_bytes());
        proofs.push([&answer[4..], &answer[..4]].concat());
        if number % 7 == 0 {
            reader = Reader::insert(reader.remove());
            reader.ok(SELECT);
        }
    }
    for (proof, sequence) in proofs.iter().zip(1..=30u16) {
        let prove = [&hex!("805A000602")[..], &sequence.to_be_bytes(), &[8]].concat();
        let expected = if sequence > 22 { [&proof[..], &hex!("9000")].concat() } else { hex!("9406").to_vec() };
        assert_eq!(reader.send(&prove), expected, "{sequence}");
    }
    assert_eq!(reader.ok(&hex!("805A0002020001 08")), hex!("00000000 FA00066D"), "the last load's stays");
    for (record, sequence) in (1..=20u8).zip((11..=30u16).rev()) {
        let log = reader.ok(&[0x00, 0xB2, record, 0xC4, 0x17]);
        assert_eq!(log[..2], sequence.to_be_bytes());
        assert_eq!(log[5..9], (u32::from(sequence) * 3).to_be_bytes());
    }
    assert_eq!(reader.send(&hex!("00B215C417")), hex!("6A83"), "the twenty-first");
    assert_eq!(reader.ok(&hex!("805001020B 00 00000000 001122334455"))[4..6], 30u16.to_be_bytes());
}

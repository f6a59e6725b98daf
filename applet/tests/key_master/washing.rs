//! Exported bodies sent as WRITE KEY to a CPU card, a SIM's application and a SAM, which then have these keys and work by
//! them.

use hex_literal::hex;
use onecard_applet::Kind;

use super::{
    ceremony::{Pair, command, master_key},
    chip::{Reader, blank},
    exports::{ADD, CONTROL, MANAGEMENT, Order, PURCHASE, REPLACE, SAM_FACTOR, SAM_MANAGEMENT, SAM_MASTER, SERIAL},
    reference::{ALGORITHMS, Algorithm, Key},
    sim::Sim,
    sim_host::{Login, aes_check_value, des_check_value, sm4_check_value},
};

const AID: [u8; 14] = hex!("F04F4E454301 1000000000000001");
/// What the card draws for the next GET CHALLENGE.
const DRAWN: [u8; 8] = hex!("A1B2C3D4E5F60718");
const TERMINAL: [u8; 6] = hex!("001122334455");

/// What an exported body goes to.
enum Target {
    Card(Box<Reader>),
    /// By radio.
    Sim(Box<Sim>),
}

impl Target {
    fn send(&mut self, command: &[u8]) -> Vec<u8> {
        match self {
            Self::Card(reader) => reader.send(command),
            Self::Sim(sim) => sim.radio(command),
        }
    }

    fn ok(&mut self, command: &[u8]) -> Vec<u8> {
        let mut answer = self.send(command);
        assert_eq!(answer.split_off(answer.len() - 2), [0x90, 0x00], "{command:02X?}");
        answer
    }

    fn draws(&mut self, random: &[u8]) {
        let chip = match self {
            Self::Card(reader) => &reader.chip,
            Self::Sim(sim) => &sim.chip,
        };
        chip.0.borrow_mut().random = random.to_vec();
    }

    /// GET CHALLENGE of that length, as the order of an export has it.
    fn challenge(&mut self, length: usize) -> [u8; 8] {
        self.draws(&DRAWN);
        let answer = self.ok(&[0x00, 0x84, 0x00, 0x00, length as u8]);
        let mut freshness = [0; 8];
        freshness[..length].copy_from_slice(&answer);
        freshness
    }

    fn select(&mut self) {
        self.ok(&command(hex!("00A40400"), &AID));
    }

    /// WRITE KEY with the body that the master card makes for this target's challenge.
    fn write(&mut self, pair: &mut Pair, order: Order, header: [u8; 2], length: usize, pin: &[u8]) -> Vec<u8> {
        let order = Order { freshness: self.challenge(length), ..order };
        let body = pair.master.ok(&order.with(if pin.is_empty() { 0x01 } else { 0x00 }, pin));
        self.send(&command([0x84, 0xD4, header[0], header[1]], &body))
    }
}

/// A CPU card's application as a first wash leaves it: files, and the operator's management key.
fn washed_card(algorithm: Algorithm) -> Target {
    let mut reader = opened_mf(Kind::CpuCard);
    reader.ok(&command(hex!("80E0DF01"), &[&hex!("38 0A66 F0F0 95 FFFF")[..], &AID].concat()));
    reader.ok(&hex!("00A4000002DF01"));
    reader.ok(&[&hex!("80E0000007 3F 0258 95 FF FF")[..], &[algorithm.file_byte()]].concat());
    reader.write_key(0x39, 0x00, [0x0F, 0xFF], &master_key(algorithm, MANAGEMENT).diversified(&SERIAL).value);
    reader.ok(&hex!("80E0001507 A8 001E F0 F0 FF FF"));
    reader.ok(&hex!("80E0001807 2E 1417 F1 EF FF FF"));
    reader.ok(&hex!("80E0000207 2F 0208 F0 00 FF 18"));
    Target::Card(Box::new(reader))
}

/// A SIM's application as INSTALL leaves it.
fn installed(algorithm: Algorithm) -> Target {
    let mut sim = Sim::new();
    let mut host = Login::SCP03.open(&mut sim);
    let key = master_key(algorithm, MANAGEMENT).diversified(&SERIAL).value;
    let check_value = match algorithm {
        Algorithm::TripleDes => des_check_value(&key),
        Algorithm::Sm4 => sm4_check_value(&key),
        Algorithm::Aes => aes_check_value(&key),
    };
    let parameters = [&[0xC9, 0x14, algorithm.id()][..], &host.sensitive(&key), &check_value].concat();
    let fields: [&[u8]; 6] = [&hex!("F04F4E454300"), &hex!("F04F4E454301"), &AID, &[0], &parameters, &[]];
    let data: Vec<u8> = fields.iter().flat_map(|field| [&[field.len() as u8], *field].concat()).collect();
    host.ok(&mut sim, hex!("80E60C00"), &data);
    Target::Sim(Box::new(sim))
}

fn opened_mf(kind: Kind) -> Reader {
    let mut reader = Reader::insert(blank(kind));
    reader.random(&hex!("53FD1F262EC4E6E2"));
    reader.ok(&hex!("0084000008"));
    reader.ok(&hex!("0082000008 A0DBBFC1192FF24A"));
    reader
}

/// Id, type and code of every key but the control key.
const OTHERS: [(u8, u8, u8); 16] = [
    (0x01, 0x39, 0x02),
    (0x00, 0x36, 0x03),
    (0x02, 0x36, 0x04),
    (0x03, 0x36, 0x05),
    (0x00, 0x37, 0x06),
    (0x00, 0x38, 0x07),
    (0x00, 0x34, 0x08),
    (0x01, 0x3E, 0x09),
    (0x01, 0x3F, 0x0A),
    (0x11, 0x3F, 0x0B),
    (0x01, 0x3D, 0x0C),
    (0x02, 0x3D, 0x0D),
    (0x01, 0x3C, 0x0E),
    (0x01, 0x33, 0x0F),
    (0x01, 0x30, 0x10),
    (0x02, 0x30, 0x11),
];

#[test]
fn a_card_and_a_sim_are_washed_by_exports() {
    for algorithm in ALGORITHMS {
        for new in [washed_card, installed] {
            let (mut pair, mut target) = (Pair::with_keys(algorithm), new(algorithm));
            target.select();
            let first = Order { wrapping: MANAGEMENT, manner: REPLACE, ..Order::to_card(CONTROL) };
            assert_eq!(target.write(&mut pair, first, [0x39, 0x00], 4, &[]), [0x90, 0x00]);
            // Under the operator's key nothing goes any more.
            assert_eq!(target.write(&mut pair, first, [0x39, 0x00], 4, &[]), [0x93, 0x02]);
            for (id, _, code) in OTHERS {
                let length = if code % 2 == 0 { 4 } else { 8 };
                assert_eq!(target.write(&mut pair, Order::to_card(code), [0x01, id], length, &[]), [0x90, 0x00]);
            }
            let pin = hex!("123456");
            assert_eq!(target.write(&mut pair, Order::to_card(0x3A), [0x01, 0x00], 4, &pin), [0x90, 0x00]);
            works(&mut target, algorithm);
            // A second version beside the first, and one in the place of another.
            let next = Order { place: 0x02, ..Order::to_card(PURCHASE) };
            assert_eq!(target.write(&mut pair, next, [0x01, 0x02], 4, &[]), [0x90, 0x00]);
            let again = Order { manner: REPLACE, ..Order::to_card(0x10) };
            assert_eq!(target.write(&mut pair, again, [0x30, 0x01], 4, &[]), [0x90, 0x00]);
            works(&mut target, algorithm);
        }
    }
}

/// Authentications, PIN, a MACed write, and MAC1 of a load: each by the key that it must be by.
fn works(target: &mut Target, algorithm: Algorithm) {
    let key = |code: u8| master_key(algorithm, code).diversified(&SERIAL);
    target.select();
    for (id, code) in [(0x01, 0x10), (0x02, 0x11)] {
        let data = [0x5C; 16];
        assert_eq!(target.ok(&command([0x00, 0x88, 0x00, id], &data)), key(code).encipher(&data));
    }
    for (id, code) in [(0x00, CONTROL), (0x01, 0x02)] {
        let mut block = target.challenge(8).to_vec();
        block.resize(algorithm.block_len(), 0);
        target.ok(&command([0x00, 0x82, 0x00, id], &key(code).encipher(&block)));
    }
    let public_data = [&hex!("1000000000000001 01 02 0000")[..], &SERIAL, &hex!("20260101 20301231 0000")].concat();
    let challenge = target.challenge(4);
    target.ok(&key(0x03).protect(&challenge, &hex!("04D69500"), &public_data));
    target.select();
    target.ok(&command(hex!("00200000"), &hex!("123456")));
    let amount = hex!("000004D2");
    target.draws(&hex!("01020304"));
    let order = command(hex!("80500002"), &[&[0x01][..], &amount, &TERMINAL].concat());
    let answer = target.ok(&order);
    assert_eq!(answer[6..12], [&[0x01, algorithm.id()][..], &hex!("01020304")].concat());
    let session = key(0x0A).session(&[&hex!("01020304")[..], &answer[4..6], &hex!("8000")].concat());
    let mac1 = algorithm.transaction_mac(&session, &[&answer[..4], &amount, &[0x02], &TERMINAL].concat());
    assert_eq!(answer[12..], mac1);
}

/// A body for one card's challenge is refused by another card, at another challenge, and in another place.
#[test]
fn a_body_is_good_for_one_card_one_challenge_and_one_key() {
    let mut pair = Pair::with_keys(Algorithm::TripleDes);
    let mut target = washed_card(Algorithm::TripleDes);
    target.select();
    let first = Order { wrapping: MANAGEMENT, manner: REPLACE, ..Order::to_card(CONTROL) };
    target.write(&mut pair, first, [0x39, 0x00], 4, &[]);
    let freshness = target.challenge(4);
    let body = pair.master.ok(&Order { freshness, ..Order::to_card(PURCHASE) }.command());
    // The challenge goes with the next command, whatever it is.
    target.ok(&hex!("80CA00E000"));
    assert_eq!(target.send(&command(hex!("84D40101"), &body)), [0x69, 0x85]);
    target.draws(&hex!("00000000"));
    target.ok(&hex!("0084000004"));
    assert_eq!(target.send(&command(hex!("84D40101"), &body)), [0x93, 0x02]);
    target.challenge(4);
    assert_eq!(target.send(&command(hex!("84D40102"), &body)), [0x93, 0x02], "another id");
    target.challenge(4);
    assert_eq!(target.send(&command(hex!("84D43E01"), &body)), [0x93, 0x02], "a replacement");
    let other = Order { freshness, factor: hex!("3201234567890138"), ..Order::to_card(PURCHASE) };
    let others_body = pair.master.ok(&other.command());
    target.challenge(4);
    assert_eq!(target.send(&command(hex!("84D40101"), &others_body)), [0x93, 0x02], "another card's");
    target.challenge(4);
    assert_eq!(target.send(&command(hex!("84D40101"), &body)), [0x90, 0x00]);
}

/// A SAM's application as a first wash leaves it, or with a maker's default for its control key.
fn sam(algorithm: Algorithm, control: &Key) -> Target {
    let mut reader = opened_mf(Kind::Sam);
    reader.ok(&hex!("80E0DF010D 38 0400 F0F0 97 FFFF 4142434445"));
    reader.ok(&hex!("00A4000002DF01"));
    reader.ok(&[&hex!("80E0000007 3F 0240 95 FF FF")[..], &[algorithm.file_byte()]].concat());
    reader.write_key(0x39, 0x00, [0x0F, 0xFF], &control.value);
    reader.ok(&hex!("80E0001907 A8 0013 F0 F0 FF FF"));
    reader.ok(&hex!("00A4000002DF01"));
    Target::Card(Box::new(reader))
}

#[test]
fn a_sam_is_washed_by_exports() {
    for algorithm in ALGORITHMS {
        let mut pair = Pair::with_keys(algorithm);
        let mut target = sam(algorithm, &master_key(algorithm, SAM_MANAGEMENT).diversified(&SAM_FACTOR));
        let first = Order { wrapping: SAM_MANAGEMENT, ..Order::to_sam(SAM_MASTER) };
        assert_eq!(target.write(&mut pair, first, [0, 0], 4, &[]), [0x90, 0x00]);
        assert_eq!(target.write(&mut pair, first, [0, 0], 4, &[]), [0x93, 0x02]);
        let marking = Order { place: 0x0E, ..Order::to_sam(0x03) };
        let working = [0x09, 0x0A, 0x10, 0x12, 0x11, 0x02].map(Order::to_sam);
        for order in [Order::to_sam(0x14), marking].into_iter().chain(working) {
            assert_eq!(target.write(&mut pair, order, [0, 0], 8, &[]), [0x90, 0x00]);
        }
        // Its own maintenance key writes the load limit.
        let challenge = target.challenge(4);
        let maintenance = master_key(algorithm, 0x14).diversified(&SAM_FACTOR);
        target.ok(&maintenance.protect(&challenge, &hex!("04D69900"), &hex!("0000FFFF")));
        // Its working keys are at enterprise level, and diversified by the card's serial.
        for (usage, code) in [(0x2B, 0x10), (0x2F, 0x11)] {
            target.ok(&command([0x80, 0x1A, usage, 0x01], &SERIAL));
            let data = [0x5C; 16];
            let expected = master_key(algorithm, code).diversified(&SERIAL).encipher(&data);
            assert_eq!(target.ok(&command(hex!("80FA0000"), &data)), expected);
        }
        // A till's and a recharge terminal's keys are lent to nobody.
        for usage in [0x22, 0x29, 0x2E] {
            assert_eq!(target.send(&command([0x80, 0x1A, usage, 0x01], &SERIAL)), [0x69, 0x85]);
        }
    }
}

/// Attack 5, to the end: a SAM with a default control key takes none of the bodies that the master card makes for it.
#[test]
fn attack_05_a_sam_with_a_makers_default_takes_no_body() {
    for default in [[0xFF; 16], [0x00; 16], hex!("00112233445566778899AABBCCDDEEFF")] {
        let mut pair = Pair::with_keys(Algorithm::TripleDes);
        let mut target = sam(Algorithm::TripleDes, &Algorithm::TripleDes.key(default));
        for order in [
            Order { wrapping: SAM_MANAGEMENT, ..Order::to_sam(SAM_MASTER) },
            Order::to_sam(SAM_MASTER),
            Order { manner: ADD, ..Order::to_sam(PURCHASE) },
        ] {
            assert_eq!(target.write(&mut pair, order, [0, 0], 4, &[]), [0x93, 0x02]);
        }
    }
}

/// A PIN's body is enciphered as blocks of 8 (4.6.5): one of 5 bytes puts `p3 p4 p5 80 00 00 00 00` into a block of its own, which
/// EXTERNAL AUTHENTICATE takes for the challenge `p3 p4 p5 80` (5.7.1), one of 4 the same for `p3 p4 80 00`. Nobody has such a block
/// from the card; what it gives for PINs of 2 and 3 bytes has in it no block that opens a card at a challenge that comes.
#[test]
fn no_block_of_a_pins_body_answers_a_challenge() {
    let algorithm = Algorithm::TripleDes;
    let (mut pair, mut target) = (Pair::with_keys(algorithm), washed_card(algorithm));
    target.select();
    let first = Order { wrapping: MANAGEMENT, manner: REPLACE, ..Order::to_card(CONTROL) };
    assert_eq!(target.write(&mut pair, first, [0x39, 0x00], 4, &[]), [0x90, 0x00]);
    // Such a block is right, so it must not leave.
    let control = master_key(algorithm, CONTROL).diversified(&SERIAL);
    for (challenge, pin) in [
        (hex!("56789080"), &hex!("1234567890")[..]),
        (hex!("56788000"), &hex!("12345678")),
        (hex!("A1B2C380"), &hex!("1234A1B2C3")),
    ] {
        target.draws(&challenge);
        target.ok(&hex!("0084000004"));
        let block = control.encipher(&[&challenge[..], &[0; 4]].concat());
        assert_eq!(target.send(&command(hex!("00820000"), &block)), [0x90, 0x00]);
        assert_eq!(pair.master.status(&Order::to_card(0x3A).with(0x00, pin)), 0x6700);
    }
    for pin in [&hex!("1234")[..], &hex!("12345F"), &hex!("123456")] {
        let body = pair.master.ok(&Order::to_card(0x3A).with(0x00, pin));
        for block in body[..body.len() - 4].chunks(8) {
            for challenge in [hex!("56789080"), hex!("56788000"), hex!("56800001"), hex!("5F808000")] {
                target.draws(&challenge);
                target.ok(&hex!("0084000004"));
                assert_ne!(target.send(&command(hex!("00820000"), block)), [0x90, 0x00]);
                // Its tries come back.
                let right = control.encipher(&[&challenge[..], &[0; 4]].concat());
                target.draws(&challenge);
                target.ok(&hex!("0084000004"));
                target.ok(&command(hex!("00820000"), &right));
            }
        }
    }
}

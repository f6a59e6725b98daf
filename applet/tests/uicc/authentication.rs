//! AUTHENTICATE as the network sees it.

use hex_literal::hex;

use super::sim::{PIN1, Phone, sim};

/// RAND of test set 1, whose RES, CK, IK and Kc TS 35.208 gives; they do not depend on SQN.
const RAND: [u8; 16] = hex!("23553CBE9637A89D218AE64DAE47BF35");
pub const KEYS: [u8; 53] = hex!(
    "DB 08A54211D5E3BA50BF 10B40BA9A3C58B2A05BBF0D987B21BF8CB 10F769BCD751044604127672711C6D3441 08EAE4BE823AF9A08B"
);
/// AUTN for RAND, AMF 8000 and a SQN, by osmo-auc-gen 1.7.0.
const SQN_31: [u8; 16] = hex!("AA689C64836F80002D4DF5185CE552B0");
const SQN_32: [u8; 16] = hex!("AA689C6483508000904CBB451B65DEF8");
const SQN_33: [u8; 16] = hex!("AA689C648351800041ED662AE8C74ECD");
pub const SQN_64: [u8; 16] = hex!("AA689C64833080001D34C2BEABE680BC");
/// 2^33 + 64 and 2^33 + 96: SEQ 2^28 + 2 and 2^28 + 3.
const SEQ_JUMP: [u8; 16] = hex!("AA6A9C648330800042D17891628E8991");
const SEQ_JUMP_TOO_FAR: [u8; 16] = hex!("AA6A9C6483108000C32E15F951E1110E");

const AUTS_64: [u8; 16] = hex!("DC0E 451E8BECA47B 7C4ADABF45E76F4B");

fn ready() -> Phone {
    let mut sim = sim();
    sim.select_usim();
    assert_eq!(sim.pin(0x20, 0x01, &PIN1), 0x9000);
    sim
}

pub fn challenge(autn: &[u8; 16]) -> Vec<u8> {
    [&hex!("0088008122 10")[..], &RAND, &[0x10], autn].concat()
}

#[test]
fn the_gsm_context_and_the_2g_class_give_the_same_triplet() {
    let mut sim = ready();
    let triplet = sim.ok(&[&hex!("0088008011 10")[..], &RAND].concat());
    assert_eq!(triplet[..5], hex!("04 46F8416A"));
    assert_eq!(triplet[5..], hex!("08 EAE4BE823AF9A08B"));
    sim.ok(&hex!("A0A40000027F20"));
    let of_2g = sim.ok(&[&hex!("A088000010")[..], &RAND].concat());
    assert_eq!(of_2g, hex!("46F8416A EAE4BE823AF9A08B"));
}

/// TS 51.011 clause 9.2.16: the current directory must be DF GSM.
#[test]
fn run_gsm_algorithm_runs_in_df_gsm_alone() {
    let run = [&hex!("A088000010")[..], &RAND].concat();
    let mut sim = ready();
    assert_eq!(sim.send(&run), hex!("9804"), "the ADF, and the MF for this class");
    for outside in [0x3F00_u16, 0x7F10] {
        sim.ok(&[&hex!("A0A4000002")[..], &outside.to_be_bytes()].concat());
        assert_eq!(sim.send(&run), hex!("9804"), "{outside:04X}");
    }
    for inside in [0x7F20_u16, 0x6F07] {
        sim.ok(&[&hex!("A0A4000002")[..], &inside.to_be_bytes()].concat());
        assert_eq!(sim.ok(&run).len(), 12, "{inside:04X}");
    }
    sim.reset();
    sim.ok(&hex!("A0A40000027F20"));
    assert_eq!(sim.send(&run), hex!("9804"), "without CHV1");
}

#[test]
fn what_is_missing_is_said() {
    let mut sim = sim();
    let gsm = [&hex!("0088008011 10")[..], &RAND].concat();
    assert_eq!(sim.send(&gsm), hex!("6985"));
    sim.select_usim();
    assert_eq!(sim.send(&gsm), hex!("6982"));
    assert_eq!(sim.pin(0x20, 0x01, &PIN1), 0x9000);
    assert_eq!(sim.send(&hex!("0088008400")), hex!("9864"));
    assert_eq!(sim.send(&hex!("0088008002 1000")), hex!("6700"));
    assert_eq!(sim.send(&hex!("0088018000")), hex!("6A86"));
    assert_eq!(sim.send(&challenge(&[0; 16])), hex!("9862"));
}

/// Each index has its own sequence (TS 33.102 annex C.1.2): a challenge delayed by another path is fresh still.
#[test]
fn a_challenge_is_taken_once_and_in_the_order_of_its_index() {
    let mut sim = ready();
    // SEQ 0 is not greater than what a new SIM has.
    assert_eq!(sim.ok(&challenge(&SQN_31))[..2], hex!("DC0E"));
    assert_eq!(sim.ok(&challenge(&SQN_64)), KEYS);
    assert_eq!(sim.ok(&challenge(&SQN_33)), KEYS);
    for old in [SQN_64, SQN_33, SQN_32] {
        // The newest, 64, concealed by AK*; osmo-auc-gen reads it back.
        assert_eq!(sim.ok(&challenge(&old)), AUTS_64, "{old:02X?}");
    }
    let mut sim = Phone::insert(sim.remove());
    sim.select_usim();
    assert_eq!(sim.pin(0x20, 0x01, &PIN1), 0x9000);
    assert_eq!(sim.ok(&challenge(&SQN_64)), AUTS_64, "after power-off too");
}

#[test]
fn a_sequence_number_may_not_jump_too_far() {
    let mut sim = ready();
    assert_eq!(sim.ok(&challenge(&SEQ_JUMP_TOO_FAR))[..2], hex!("DC0E"));
    assert_eq!(sim.ok(&challenge(&SQN_64)), KEYS);
    assert_eq!(sim.ok(&challenge(&SEQ_JUMP)), KEYS);
    assert_eq!(sim.ok(&challenge(&SEQ_JUMP_TOO_FAR)), KEYS);
}

/// A network that does not know K gets nothing, whichever bit is wrong.
#[test]
fn a_wrong_token_is_9862() {
    let mut sim = ready();
    for bit in 0..128 {
        let mut wrong = SQN_64;
        wrong[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(sim.send(&challenge(&wrong)), hex!("9862"), "bit {bit}");
    }
    assert_eq!(sim.ok(&challenge(&SQN_64)), KEYS);
}

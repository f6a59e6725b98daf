//! Sequence counters of key sets: whichever way keys go and come back, no session that was heard is taken again.

use hex_literal::hex;

use super::{
    chip::tear::sweep,
    host::{Host, Login, SELECT},
    key_sets::{NEW_LOGIN, set},
    sim::{DEK, ENC, MAC, OWN_SCP02, Sim},
};

const HEARD: usize = 3;
const OTHERS: [[u8; 16]; 3] = [NEW_LOGIN.enc, NEW_LOGIN.mac, NEW_LOGIN.dek];
const DELETE: [u8; 4] = hex!("80E40000");

/// One of the two sets of a SIM, and the session by which the operator changes it.
struct Side {
    heard: Login,
    operator: Login,
    kind: u8,
    keys: [[u8; 16]; 3],
    /// Another version of the same protocol, and one of the other.
    moved: u8,
    other_protocol: (u8, u8),
}

const SIDES: [Side; 2] = [
    Side {
        heard: Login::SCP03,
        operator: Login::SCP02_OWN,
        kind: 0x88,
        keys: [ENC, MAC, DEK],
        moved: 0x31,
        other_protocol: (0x21, 0x80),
    },
    Side {
        heard: Login::SCP02_OWN,
        operator: Login::SCP03,
        kind: 0x80,
        keys: OWN_SCP02,
        moved: 0x21,
        other_protocol: (0x31, 0x88),
    },
];

impl Side {
    fn delete(&self, sim: &mut Sim, host: &mut Host) {
        host.ok(sim, DELETE, &[0xD2, 0x01, self.heard.version]);
    }

    fn put(&self, sim: &mut Sim, host: &mut Host, old: u8, version: u8, keys: &[[u8; 16]; 3]) {
        self.put_kind(sim, host, old, (version, self.kind), keys);
    }

    fn put_kind(&self, sim: &mut Sim, host: &mut Host, old: u8, (version, kind): (u8, u8), keys: &[[u8; 16]; 3]) {
        let data = set(host, version, kind, keys);
        host.ok(sim, [0x80, 0xD8, old, 0x81], &data);
    }
}

/// A way in which the keys of a set go and come back; the version they are under then.
type Way = fn(&Side, &mut Sim, &mut Host) -> u8;

const WAYS: [(&str, Way); 7] = [
    ("deleted and put in again", |side, sim, host| {
        side.delete(sim, host);
        side.put(sim, host, 0x00, side.heard.version, &side.keys);
        side.heard.version
    }),
    ("deleted and put in under another version", |side, sim, host| {
        side.delete(sim, host);
        side.put(sim, host, 0x00, side.moved, &side.keys);
        side.moved
    }),
    ("deleted key by key", |side, sim, host| {
        (1..=3).for_each(|id| drop(host.ok(sim, DELETE, &[0xD0, 0x01, id, 0xD2, 0x01, side.heard.version])));
        side.put(sim, host, 0x00, side.heard.version, &side.keys);
        side.heard.version
    }),
    ("replaced there and back", |side, sim, host| {
        let version = side.heard.version;
        side.put(sim, host, version, version, &OTHERS);
        side.put(sim, host, version, version, &side.keys);
        version
    }),
    ("replaced by themselves", |side, sim, host| {
        side.put(sim, host, side.heard.version, side.heard.version, &side.keys);
        side.heard.version
    }),
    ("replaced under another version, then put in", |side, sim, host| {
        side.put(sim, host, side.heard.version, side.moved, &OTHERS);
        side.put(sim, host, 0x00, side.heard.version, &side.keys);
        side.heard.version
    }),
    ("replaced by the other protocol, then put in", |side, sim, host| {
        side.put_kind(sim, host, side.heard.version, side.other_protocol, &OTHERS);
        side.put(sim, host, 0x00, side.heard.version, &side.keys);
        side.heard.version
    }),
];

#[test]
fn no_session_heard_is_taken_again_whichever_way_keys_come_back() {
    for side in &SIDES {
        for (name, way) in WAYS {
            let mut sim = Sim::insert(Sim::with_own_scp02());
            sim.ok(&SELECT);
            let heard: Vec<Vec<u8>> = (0..HEARD)
                .map(|_| {
                    let (_, command) = side.heard.begin(&mut sim).unwrap();
                    assert_eq!(sim.send(&command), hex!("9000"));
                    command
                })
                .collect();
            let mut host = side.operator.open(&mut sim);
            let version = way(side, &mut sim, &mut host);
            let mut sim = sim.power_cycled();
            sim.ok(&SELECT);
            let now = Login { version, ..side.heard };
            for old in &heard {
                for _ in 0..=HEARD {
                    now.begin(&mut sim).unwrap();
                    assert_ne!(sim.send(old), hex!("9000"), "{name}: {version:02X}");
                }
            }
            assert!(now.works(&mut sim), "{name}: {version:02X}");
        }
    }
}

/// The sequence in the answer to INITIALIZE UPDATE.
fn sequence(sim: &mut Sim, version: u8) -> Vec<u8> {
    sim.ok(&SELECT);
    sim.ok(&[0x80, 0x50, version, 0x00, 0x08, 1, 2, 3, 4, 5, 6, 7, 8, 0])[29..].to_vec()
}

/// Numbers of one protocol are nothing to the other, whose counter is shorter.
#[test]
fn a_new_set_counts_on_from_those_of_its_protocol_that_are_gone() {
    let mut sim = Sim::insert(Sim::with_own_scp02());
    (1..=5).for_each(|number| assert_eq!(sequence(&mut sim, 0x30), [0, 0, number]));
    let mut host = Login::SCP02_OWN.open(&mut sim);
    let side = &SIDES[0];
    side.put(&mut sim, &mut host, 0x00, 0x32, &OTHERS);
    assert_eq!(sequence(&mut sim, 0x32), [0, 0, 1], "nothing is gone yet");
    let mut host = Login::SCP02_OWN.open(&mut sim);
    side.delete(&mut sim, &mut host);
    side.put(&mut sim, &mut host, 0x00, 0x33, &OTHERS);
    side.put_kind(&mut sim, &mut host, 0x00, (0x22, 0x80), &OTHERS);
    assert_eq!(sequence(&mut sim, 0x33), [0, 0, 6]);
    assert_eq!(sequence(&mut sim, 0x32), [0, 0, 2], "a set that stays counts by itself");
    assert_eq!(sim.ok(&hex!("80502200080102030405060708 00"))[12..14], [0, 0]);
}

/// Cut anywhere, the numbers used are not free again.
#[test]
fn no_cut_gives_numbers_back() {
    let side = &SIDES[0];
    let mut sim = Sim::insert(Sim::with_own_scp02());
    (1..=5).for_each(|number| assert_eq!(sequence(&mut sim, 0x30), [0, 0, number]));
    let look = |sim: &mut Sim| {
        let mut host = Login::SCP02_OWN.open(sim);
        let there = host.ok(sim, hex!("80CA00E0"), &[]).windows(4).any(|key| key == hex!("C0040130"));
        if !there {
            side.put(sim, &mut host, 0x00, 0x30, &side.keys);
        }
        assert_eq!(sequence(sim, 0x30), [0, 0, 6]);
        there
    };
    sweep(&sim.remove(), look, |sim: &mut Sim| {
        let Some(mut host) = Login::SCP02_OWN.try_open(sim) else { return false };
        host.try_send(sim, DELETE, &hex!("D20130")).is_ok_and(|(_, status)| status == 0x9000)
    });
}

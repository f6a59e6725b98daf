//! A card that was begun by one order and is washed by another: what the first wrote is not taken for the second's.

use onecard_host::{
    crypto::Key,
    issuing::{Known, Reached},
    key_store::SoftwareStore,
    keys::{EnterpriseKeys, Purpose},
};
use onecard_simulator::{reader::Fault, sample::Sample};
use onecard_wire::key::{Algorithm, KeyType};

use super::stand::{Kind, Stand};

/// Their keys show no version, and no read-back needs them.
const CHANGED: [Purpose; 2] = [Purpose::PinUnblock, Purpose::PinReload];

/// The second order cut at every command, and resumed by what its own journal says.
#[test]
fn keys_without_a_version_are_those_of_the_order_that_was_finished() {
    for kind in [Kind::CpuCard, Kind::AsBought] {
        let stand = Stand::new(kind, Algorithm::Des);
        let mut reader = stand.insert(stand.operators());
        stand.second_wash(&mut reader, Known::default()).0.unwrap();
        let by_first_order = reader.remove();
        let changed = CHANGED.iter().fold(stand.keys().keys().clone(), |keys, purpose| {
            keys.with(*purpose, Sample::KEY_VERSION, Key::from_bytes([0x5A ^ *purpose as u8; 16]))
        });
        let mut store = SoftwareStore::new(EnterpriseKeys::new(stand.keys().enterprise(), changed));
        let mut reader = stand.insert(by_first_order.snapshot());
        stand.second_wash_by(&mut store, &mut reader, Known::default()).0.unwrap();
        let commands = reader.exchanges();
        assert_eq!(replaced(&stand, &reader.remove()), [1, 1]);
        let mut later = 0;
        for at in 0..commands {
            let mut reader = stand.insert(by_first_order.snapshot());
            reader.fail_at(at, Fault::Removed);
            let (stopped, notes) = stand.second_wash_by(&mut store, &mut reader, Known::default());
            stopped.unwrap_err();
            later += u32::from(notes.reached.is_some());
            reader.tap();
            let (resumed, notes) = stand.second_wash_by(&mut store, &mut reader, notes);
            resumed.unwrap_or_else(|error| panic!("{kind:?} {at}: {error}"));
            assert_eq!(notes.reached, Some(Reached::Good));
            assert!(
                replaced(&stand, &reader.remove()).iter().all(|times| *times >= 1),
                "{kind:?} {at}: left as it was"
            );
        }
        assert!(later > 0, "no cut left a note");
    }
}

/// How often PIN unblock and PIN reload key were replaced.
fn replaced(stand: &Stand, chip: &onecard_simulator::chip::Chip) -> [u8; 2] {
    let list = stand.portrait(chip, false);
    [KeyType::PIN_UNBLOCK, KeyType::PIN_RELOAD].map(|wanted| {
        let entry = list.iter().find(|entry| entry.len() == 7 && entry[2] == wanted.0).unwrap();
        entry[4]
    })
}

//! Every layout is read as it is written.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::key_master::{EnterpriseKey, LifeCycle, LogEntry, LogEvent, MotherStatus, OperatorKey, Status};

const NUMBER: [u8; 8] = [0x31, 0, 0, 0, 0, 0, 0x12, 0x34];

fn number() -> KeyMasterNumber {
    KeyMasterNumber::from_bytes(NUMBER).unwrap()
}

fn enterprise() -> EnterpriseId {
    EnterpriseId::from_bytes([0x10, 0, 0, 0, 0, 0, 0, 1]).unwrap()
}

#[test]
fn orders() {
    let allowance = LoadAllowance { card_exports: 0x0102_0304, sam_exports: 5 };
    assert_eq!(LoadAllowance::parse(&allowance.emit()), Some(allowance));
    let master = PersonaliseKeyMaster {
        number: number(),
        enterprise: enterprise(),
        allowance,
        wrapped_keys: [7; 56],
        wrapped_pin: [8; 24],
    };
    assert_eq!(PersonaliseKeyMaster::parse(&master.emit()), Some(master));
    let mother = PersonaliseMother { number: number(), enterprise: enterprise(), wrapped_key: [9; 24] };
    assert_eq!(PersonaliseMother::parse(&mother.emit()), Some(mother));
    let load = LoadKey {
        code: EnterpriseKey::Purchase.into(),
        version: KeyVersion(3),
        algorithm: AlgorithmId::SM4,
        wrapped_key: [6; 24],
    };
    assert_eq!(LoadKey::parse(&load.emit()), Some(load));
    assert_eq!(LoadKey::parse(&LoadKey { algorithm: AlgorithmId(1), ..load }.emit()), None, "01 is not canonical");
    let copy = CopyKey { code: load.code, version: load.version, target: number(), challenge: [4; 8] };
    assert_eq!(CopyKey::parse(&copy.emit()), Some(copy));
    let share = CopyAllowance { allowance, target: number(), challenge: [4; 8] };
    assert_eq!(CopyAllowance::parse(&share.emit()), Some(share));
}

#[test]
fn exports() {
    let key = Exported::Key { code: EnterpriseKey::Load.into(), version: KeyVersion(1), place: 2 };
    let air = Freshness::OverTheAir { counter: [1, 2, 3, 4, 5], command: 6 };
    for (what, freshness) in [(key, Freshness::Challenge([9; 8])), (Exported::HolderPin, air)] {
        let order = ExportKey {
            what,
            manner: Manner::Replace,
            wrapping: OperatorKey::Management.into(),
            wrapping_version: KeyVersion(1),
            factor: [5; 8],
            freshness,
        };
        let bytes = order.emit();
        let mut reader = Reader::new(&bytes);
        assert_eq!(ExportKey::read(freshness.p2(), &mut reader), Some(order));
        assert!(reader.rest().is_empty());
    }
    assert_eq!(Freshness::from_bytes(0x01, [1, 2, 3, 4, 5, 0, 0, 0]), None, "no command has the number 00");
    assert_eq!(Freshness::from_bytes(0x01, [1, 2, 3, 4, 5, 1, 0, 1]), None);
    assert_eq!(Freshness::from_bytes(0x02, [0; 8]), None);
    assert_eq!(Exported::from_bytes([0x3A, 0x01, 0x00]), None);
}

#[test]
fn reports() {
    let allowance = LoadAllowance { card_exports: 9, sam_exports: 8 };
    let status = Status {
        number: number(),
        enterprise: enterprise(),
        life_cycle: LifeCycle::Locked,
        pin_tries: 0,
        authentication_tries: 3,
        allowance,
    };
    assert_eq!(Status::parse(&status.emit()), Some(status));
    let mother = MotherStatus { number: number(), enterprise: enterprise(), life_cycle: LifeCycle::Blank };
    assert_eq!(MotherStatus::parse(&mother.emit()), Some(mother));
    for event in LogEvent::ALL {
        let entry = LogEntry { number: 77, event, target: NUMBER, detail: [1, 2, 3, 4, 5, 6, 7, 8] };
        assert_eq!(LogEntry::parse(&entry.emit()), Some(entry));
    }
}

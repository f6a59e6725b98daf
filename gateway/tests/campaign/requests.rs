//! A holder deletes an application from the phone's menu: what the gateway does for it, and for whoever tries to be the holder.

use std::time::Duration;

use onecard_gateway::{
    campaign::{Ended, Ending, Engine, EnterpriseDesk, OperatorKeys, REQUESTS, Settings, Store, StoreError},
    service_password::ServicePasswordHash,
};
use onecard_host::over_the_air::{
    CommandPacket, OtaKeySet, PacketCounter, PacketKeys, PacketTerms, PasswordTries, RedundancyCheck, ServicePassword,
    SetVersion, Spi, Tar,
    message::{PacketKind, Reference, divide},
};
use onecard_simulator::sample::{OTA_VERSION, Sample};
use onecard_wire::{
    aid,
    amount::Amount,
    number::ApplicationSerial,
    ota::request::{DELETE, MARK},
    uicc,
};
use tempfile::TempDir;

use crate::recharges::{NOON, World, amount, enterprise, iccid, phone, tasks};

struct Office {
    world: World,
    engine: Engine<OperatorKeys, EnterpriseDesk<'static>>,
    keys: PacketKeys,
    _directory: TempDir,
}

fn serial() -> ApplicationSerial {
    ApplicationSerial::from_parts(31, 1, 0).unwrap()
}

/// One card, recharged, whose holder's password is 123456.
fn office(tries: u8) -> Office {
    let mut world = World::of(1);
    let directory = tempfile::tempdir().unwrap();
    let mut store = Store::create(&directory.path().join("gateway.book")).unwrap();
    store.new_campaign("recharge", &Settings::DEFAULT, tasks(1)).unwrap();
    let version = SetVersion::new(OTA_VERSION).unwrap();
    let hash = ServicePasswordHash::of(&ServicePassword::new("123456").unwrap(), &[7; 16]).unwrap();
    store.set_service_password(&iccid(0), version, serial(), (&hash, PasswordTries::new(tries))).unwrap();
    let error = store.set_service_password("89860112340000000011", version, serial(), (&hash, PasswordTries::new(3)));
    assert!(matches!(error, Err(StoreError::NoCard(_))));
    let desk = world.desk().with_deposits(Box::new(|_| Some(Amount::ZERO)));
    let mut engine = Engine::new(store, world.keys(), desk);
    for _ in 0..4 {
        engine.turn(NOON, &mut world.carrier).unwrap();
    }
    let [_, _, chip @ ..] = uicc::iccid(&iccid(0)).unwrap();
    let set = OtaKeySet::of_chip(world.sample.roots(), Sample::KEY_VERSION, (chip, version), true).unwrap();
    Office { keys: PacketKeys::new(&set), world, engine, _directory: directory }
}

impl Office {
    /// A request as the card makes it; what has ended behind it.
    fn request(&mut self, number: u64, password: &str) -> Vec<Ended> {
        self.request_of(number, password, Spi { ..Spi::FULL })
    }

    fn request_of(&mut self, number: u64, password: &str, spi: Spi) -> Vec<Ended> {
        let mut padded = [0xFF; 8];
        padded[..password.len()].copy_from_slice(password.as_bytes());
        let name = aid::enterprise_application(enterprise());
        let data = [&[MARK, DELETE][..], &name, &serial().to_bytes(), &padded, b"zh"].concat();
        let counter = PacketCounter::new(number).unwrap();
        let terms = PacketTerms { spi, redundancy_check: RedundancyCheck::Crc32, tar: Tar::ENTERPRISE, counter };
        let packet = CommandPacket::build(&self.keys, terms, &data).unwrap();
        for part in divide(PacketKind::Command, &packet.bytes, Reference::Short(1)).unwrap() {
            self.world.carrier.forge(&phone(0), part.to_bytes());
        }
        let mut now = NOON;
        (0..20).for_each(|_| {
            self.engine.turn(now, &mut self.world.carrier).unwrap();
            now = now.plus(10);
        });
        self.ended()
    }

    fn ended(&self) -> Vec<Ended> {
        let mut ended = Vec::new();
        let Ok(campaign) = self.engine.store().campaign(REQUESTS) else { return ended };
        let take = |order| {
            ended.push(order);
            Ok(())
        };
        self.engine.store().each_ended::<StoreError>(campaign, take).unwrap();
        ended
    }
}

#[test]
fn a_holder_deletes_an_application_and_is_told() {
    let mut office = office(2);
    let ended = office.request(1, "654321");
    // Told that the password is wrong, and nothing else.
    assert_eq!(ended.len(), 1, "{ended:?}");
    assert_eq!((ended[0].ending, ended[0].amount_fen), (Ending::Committed, None));
    // The same again, or an older one, is none any more.
    assert_eq!(office.request(1, "123456").len(), 1);
    let ended = office.request(2, "123456");
    assert_eq!(ended.len(), 3, "{ended:?}");
    assert_eq!((ended[1].ending, ended[1].amount_fen), (Ending::Committed, Some(amount(0).fen())), "{ended:?}");
    assert!(ended[2].order_number.ends_with("-told") && ended[2].ending == Ending::Committed, "{ended:?}");
    // It is gone: another request of it ends with nothing refunded.
    let ended = office.request(3, "123456");
    assert_eq!(ended.len(), 5, "{ended:?}");
    assert_eq!((ended[3].ending, ended[3].amount_fen), (Ending::NotCommitted, None), "{ended:?}");
}

/// Set before the first request, or between two; it stays.
#[test]
fn how_long_a_requests_proof_is_waited_for_is_the_operators_to_set() {
    let mut office = office(3);
    let mut patience = |seconds, number| {
        let settings = Settings::DEFAULT.with_proof_within(Duration::from_secs(seconds));
        office.engine.store_mut().set_request_settings(&settings).unwrap();
        office.world.carrier.validities.clear();
        office.request(number, "000000");
        office.world.carrier.validities.clone()
    };
    assert_eq!(patience(7, 1), [Duration::from_secs(7)]);
    assert_eq!(patience(40, 2), [Duration::from_secs(40)]);
    assert_eq!(office.engine.store().campaigns().unwrap().len(), 2);
}

/// The books end what the card could not tell of: whoever asked for it hears how.
#[test]
fn a_holder_is_told_what_the_books_decided() {
    for (committed, outcome) in [(true, "deleted"), (false, "not-deleted")] {
        let mut office = office(1);
        // Asked and suspended; DELETE is lost, and nobody answers any more.
        let mut left = 2;
        office.world.carrier.fate = Some(Box::new(move || {
            left -= 1;
            (u8::from(left >= 0), true)
        }));
        office.request(1, "123456");
        let mut now = NOON;
        while let Some(due) = office.engine.next_due(now).unwrap() {
            now = due.max(now.plus(10));
            office.engine.turn(now, &mut office.world.carrier).unwrap();
        }
        let ended = office.ended();
        assert_eq!((ended.len(), ended[0].ending), (1, Ending::Unknown), "{ended:?}");
        office.world.carrier.fate = None;
        let store = office.engine.store_mut();
        let requests = store.campaign(REQUESTS).unwrap();
        assert!(store.decide_unknown(requests, &ended[0].order_number, committed, now).unwrap());
        let book = rusqlite::Connection::open(office._directory.path().join("gateway.book")).unwrap();
        let flow: String = book.query_row("SELECT flow FROM task ORDER BY id DESC", [], |row| row.get(0)).unwrap();
        assert!(flow.to_lowercase().contains(&format!("\"outcome\":\"{outcome}\"").replace('-', "")), "{flow}");
        for _ in 0..3 {
            office.engine.turn(now, &mut office.world.carrier).unwrap();
        }
        let ended = office.ended();
        assert!(ended[1].order_number.ends_with("-told") && ended[1].ending == Ending::Committed, "{ended:?}");
    }
}

#[test]
fn tries_run_out_and_do_not_come_back() {
    let mut office = office(2);
    office.request(1, "000000");
    office.request(2, "111111");
    // Right, and too late.
    let ended = office.request(3, "123456");
    assert_eq!(ended.len(), 3);
    assert!(ended.iter().all(|order| order.amount_fen.is_none()), "{ended:?}");
    assert_eq!(office.world.balances(), [amount(0)]);
}

#[test]
fn what_is_no_request_of_the_card_costs_nothing() {
    let mut office = office(1);
    // Nobody's checksum: in clear, as anybody can make it.
    let bare = Spi::from_bytes([0x00, 0x00]).unwrap();
    assert_eq!(office.request_of(9, "000000", bare).len(), 0);
    let phone = phone(0);
    office.world.carrier.forge(&phone, vec![0x02, 0x70, 0x00, 0x00, 0x10]);
    assert_eq!(office.request(1, "123456").len(), 2);
}

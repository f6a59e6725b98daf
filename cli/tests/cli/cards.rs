//! Cards in every state a service desk meets, and the transcripts that look at them.

mod conformance;
mod rare;

use std::{
    fs,
    path::{Path, PathBuf},
};

use onecard_host::{
    apdu::{Command, exchange},
    card::{LifeCycle, Pin, change_life_cycle, external_authenticate, select, update_binary, verify_pin},
    crypto::LineKey,
    issuing::{CardOrder, MfKeys, SamRole},
    keys::{Purpose, RootKeys},
    line_protection::{challenge, with_mac},
    transport::Transport,
};
use onecard_simulator::{
    chip::{Blank, Chip},
    image_file::Durability,
    reader::Reader,
    sample::{SIM, Sample},
};
use onecard_wire::{
    aid,
    amount::Amount,
    date::Date,
    fid::Fid,
    ins,
    key::KeyVersion,
    number::{ApplicationSerial, TerminalNumber},
    record::{CardStatus, Parameters, PublicData},
};
use rand::{SeedableRng, rngs::ChaCha20Rng};

use crate::run::{json, write_secret};

/// Cards of one sample enterprise, each in a file of its own.
struct Desk {
    folder: PathBuf,
    sample: Sample,
    serial: u64,
}

/// A door's schedule table; 2026-11-02 is a Monday.
const OFFICE_HOURS: &str = "\
holidays = [\"2026-11-03\"]

[[row]]
number = 1
days = [\"mon\", \"tue\", \"wed\", \"thu\", \"fri\"]
windows = [\"08:00-18:00\"]
";

/// Each transcript of tests/cmd/cards, in a folder with all the cards.
#[test]
fn transcripts_with_cards() {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cards");
    let _ = fs::remove_dir_all(&root);
    fs::create_dir_all(&root).unwrap();
    let transcripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cmd/cards");
    let cards = tempfile::tempdir().unwrap();
    Desk::with_every_card(cards.path());
    let mut count = 0;
    for entry in fs::read_dir(&transcripts).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, root.join(path.file_name().unwrap())).unwrap();
        let folder = root.join(path.with_extension("in").file_name().unwrap());
        fs::create_dir(&folder).unwrap();
        for card in fs::read_dir(cards.path()).unwrap() {
            let card = card.unwrap().path();
            fs::copy(&card, folder.join(card.file_name().unwrap())).unwrap();
        }
        count += 1;
    }
    assert!(count > 0);
    trycmd::TestCases::new().case(root.join("*.trycmd"));
}

impl Desk {
    /// Makes every card, SAM, key file and PIN file in `folder`.
    fn with_every_card(folder: &Path) {
        let sample = Sample::new("service desk").unwrap();
        write_secret(&folder.join("holder.pin"), Sample::PIN);
        write_secret(&folder.join("wrong.pin"), "000000");
        write_secret(&folder.join("master.pin"), "20261129");
        write_secret(&folder.join("spare.pin"), "11292026");
        for name in ["zhang", "li", "wang", "store"] {
            write_secret(&folder.join(format!("{name}.pass")), &format!("four words of {name}"));
        }
        fs::write(folder.join("doors.toml"), OFFICE_HOURS).unwrap();
        let mut desk = Self { folder: folder.to_path_buf(), sample, serial: 1 };
        desk.key_files();
        desk.sams();
        desk.cards_by_order();
        desk.cards_by_the_station();
        desk.cards_by_use();
        desk.rare_cards();
        let mut blank = Chip::blank(Blank::CpuCard, 7).unwrap();
        blank.store(&folder.join("blank.card"), Durability::ProcessKill).unwrap();
        let mut sim = Chip::blank(Blank::RfidSim(&SIM), 7).unwrap();
        sim.store(&folder.join("test.sim"), Durability::ProcessKill).unwrap();
        write_secret(&folder.join("wrong-dek.keys"), WRONG_DEK);
        write_secret(&folder.join("sja2.keys"), SJA2);
        write_secret(&folder.join("air.ota"), AIR_AES);
        write_secret(&folder.join("air3.ota"), AIR_3DES);
        fs::write(folder.join("sja2.script"), "A0 A4 00 00 02 7F20   # DF.GSM\nA0 C0 00 00 16\n").unwrap();
        fs::write(folder.join("balance.script"), "select 1000000000000001\nbalance ep\n").unwrap();
        fs::write(folder.join("wrong.script"), "select 1000000000000001\nbalanse ep\n").unwrap();
        desk.traces();
    }

    /// A sale and a recharge with PIN, recorded; and what became of the sale's trace.
    fn traces(&mut self) {
        let order = self.sample.order();
        self.store("traced", &order, |_, _| ());
        let terminal: TerminalNumber = "000000000009".parse().unwrap();
        let mut chip = self.sample.sam(terminal, &[SamRole::Till, SamRole::Recharge]).unwrap();
        chip.store(&self.folder.join("traced.sam"), Durability::ProcessKill).unwrap();
        drop(chip);
        let file = |name: &str| self.folder.join(name);
        fs::copy(file("traced.card"), file("before.card")).unwrap();
        let line = "--sam sim:traced.sam --at 2026-11-02T12:00";
        let (load, sale) = ("50 --pin-file holder.pin --trace-file load.trace", "12.50 --trace-file sale.trace");
        json(&self.folder, &format!("card recharge {load} {line} --reader sim:traced.card"), 0);
        json(&self.folder, &format!("card pay {sale} {line} --reader sim:traced.card"), 0);
        for name in ["load.trace", "sale.trace"] {
            fs::write(file(name), at_noon(&fs::read_to_string(file(name)).unwrap())).unwrap();
        }
        let sale = fs::read_to_string(file("sale.trace")).unwrap();
        let amount = sale.replace("805001020B01000004E2", "805001020B01000004E3");
        assert_ne!(sale, amount);
        fs::write(file("amount.trace"), amount).unwrap();
        fs::write(file("damaged.trace"), sale.replacen("\"command\":\"80", "\"command\":\"8g", 1)).unwrap();
        fs::write(file("cut.trace"), &sale[..sale.len() - 9]).unwrap();
    }

    fn cards_by_order(&mut self) {
        let order = self.sample.order();
        self.store("healthy", &order, |_, _| ());
        let later = CardOrder { valid_from: Date::parse("2027-01-01").unwrap(), ..order.clone() };
        self.store("early", &later, |_, _| ());
        let day = |text| Date::parse(text).unwrap().to_bytes();
        let limits = Parameters {
            balance_max: Amount::from_fen(10_000),
            purchase_max: Amount::from_fen(5_000),
            day_total_max: Amount::from_fen(3_000),
            pin_threshold: Amount::from_fen(2_000),
            ..Parameters::UNLIMITED
        };
        let limited = CardOrder { parameters: limits, ..order.clone() };
        for name in ["full", "spent", "ahead"] {
            self.store(name, &limited, |_, _| ());
        }
        let expiring = Parameters { balance_expiry: day("2026-10-31"), ..Parameters::UNLIMITED };
        self.store("balance-expired", &CardOrder { parameters: expiring, ..order.clone() }, |_, _| ());
        let suspended = Parameters { status: CardStatus::SUSPENDED, ..Parameters::UNLIMITED };
        self.store("suspended", &CardOrder { parameters: suspended, ..order.clone() }, |_, _| ());
        let lost = Parameters { status: CardStatus::LOST, ..Parameters::UNLIMITED };
        self.store("lost", &CardOrder { parameters: lost, ..order.clone() }, |_, _| ());
        let marked = Parameters { blacklist_version: [0, 0, 0, 0, 0, 0, 0x42], ..lost };
        self.store("marked", &CardOrder { parameters: marked, ..order }, |_, _| ());
    }

    /// Money and mishaps, by the command line itself.
    fn cards_by_use(&mut self) {
        let order = self.sample.order();
        self.store("interrupted", &order, |_, _| ());
        let at = self.folder.clone();
        let recharge = |card: &str, yuan: &str| {
            let line = "--sam sim:station.sam --pin-file holder.pin --at 2026-11-02T08:00";
            json(&at, &format!("card recharge {yuan} {line} --reader sim:{card}.card"), 0);
        };
        for card in ["healthy", "spent", "ahead", "interrupted", "parking"] {
            recharge(card, "50");
        }
        recharge("full", "100");
        let pay = |card: &str, rest: &str, code: i32| {
            json(
                &at,
                &format!("card pay --reader sim:{card}.card --sam sim:till.sam --pin-file holder.pin {rest}"),
                code,
            );
        };
        pay("spent", "30 --at 2026-11-02T12:00", 0);
        pay("ahead", "12.50 --at 2027-02-01T12:00", 0);
        pay("interrupted", "12.50 --at 2026-11-02T11:58 --lose-answer", 3);
        for (card, line) in [("spent", "--sam sim:desk.sam"), ("full", "--pin-file holder.pin"), ("ahead", "")] {
            let told = json(&at, &format!("card inspect {line} --reader sim:{card}.card"), 0);
            fs::write(at.join(format!("{card}.json")), told.to_string()).unwrap();
        }
        self.store("pin-low", &order, |card, _| try_pin(card, 1));
        self.store("pin-blocked", &order, |card, _| try_pin(card, 3));
    }

    /// What only keys make of a card.
    fn cards_by_the_station(&mut self) {
        let order = self.sample.order();
        let maintenance = |keys: &CardTools| keys.line_key(Purpose::Maintenance);
        self.store("blocked", &order, |card, keys| {
            change_life_cycle(card, LifeCycle::BlockApplication, &mut maintenance(keys)).unwrap();
        });
        self.store("blocked-for-good", &order, |card, keys| {
            change_life_cycle(card, LifeCycle::BlockApplicationForGood, &mut maintenance(keys)).unwrap();
        });
        self.store("card-blocked", &order, |card, keys| {
            let mf = Command::new(ins::CLA_ISO, ins::SELECT, 0x00, 0x00).with_data(&Fid::MF.0.to_be_bytes());
            exchange(card, &mf.expecting(0)).unwrap().done().unwrap();
            let mut key = LineKey::from(keys.mf.maintenance.clone());
            change_life_cycle(card, LifeCycle::BlockCard, &mut key).unwrap();
        });
        self.store("erased", &order, |card, keys| {
            let selected = select(card, &aid::enterprise_application(keys.order.enterprise)).unwrap();
            external_authenticate(card, &selected, 0x00, &keys.line_key(Purpose::Control)).unwrap();
            exchange(card, &Command::new(ins::CLA_PBOC, ins::ERASE_DF, 0x00, 0x00)).unwrap().done().unwrap();
        });
        // A record of type 27 with three bytes, for a gate.
        self.store("parking", &order, |card, keys| {
            let append = Command::new(ins::CLA_ISO, ins::APPEND_RECORD, 0x00, (Fid::CAPP.0 as u8) << 3);
            let append = append.with_data(&[0x27, 0x04, 0x00, 0x00, 0x00, 0x00]);
            let challenge = challenge(card).unwrap();
            let sent = with_mac(&append, challenge, &mut maintenance(keys)).unwrap();
            exchange(card, &sent).unwrap().done().unwrap();
        });
        // EF 0015, byte 10: the version, byte 8: the enterprise's last digits.
        for (name, offset, byte) in [("plain", 9, 0x01), ("other-data", 7, 0x02)] {
            self.store(name, &order, |card, keys| {
                let selected = select(card, &aid::enterprise_application(keys.order.enterprise)).unwrap();
                let key = &mut maintenance(keys);
                update_binary(card, &selected, Fid::PUBLIC_DATA, offset, &[byte], key).unwrap();
            });
        }
        self.store("not-issued", &order, |card, keys| {
            let selected = select(card, &aid::enterprise_application(keys.order.enterprise)).unwrap();
            let nothing = [0; PublicData::LEN];
            update_binary(card, &selected, Fid::PUBLIC_DATA, 0, &nothing, &mut maintenance(keys)).unwrap();
        });
    }

    /// The sample's roots as version 01; others of version 02, alone and beside them; an older 00.
    fn key_files(&self) {
        let roots = self.sample.roots();
        let generated = |version| RootKeys::generate(KeyVersion(version), &mut ChaCha20Rng::seed_from_u64(9));
        key_file(&self.folder.join("dev.keys"), &[roots]);
        key_file(&self.folder.join("new.keys"), &[&generated(0x02)]);
        key_file(&self.folder.join("both.keys"), &[roots, &generated(0x02)]);
        key_file(&self.folder.join("old.keys"), &[&generated(0x00)]);
    }

    fn sams(&mut self) {
        let terminals = [
            ("till", "000000000001", SamRole::Till),
            ("station", "000000000002", SamRole::Recharge),
            ("desk", "000000000003", SamRole::ServiceDesk),
        ];
        for (name, terminal, role) in terminals {
            let terminal: TerminalNumber = terminal.parse().unwrap();
            let mut chip = self.sample.sam(terminal, &[role]).unwrap();
            chip.store(&self.folder.join(format!("{name}.sam")), Durability::ProcessKill).unwrap();
        }
    }

    /// A card by `order`, after `work` with its application selected, in a file.
    fn store(&mut self, name: &str, order: &CardOrder, work: impl FnOnce(&mut dyn Transport, &CardTools)) {
        let serial = ApplicationSerial::from_parts(31, 1, self.serial).unwrap();
        self.serial += 1;
        let chip = self.sample.card_with(serial, order).unwrap();
        let tools = CardTools {
            order: order.clone(),
            keys: self.sample.keys().card(serial),
            mf: MfKeys::of_card(&self.sample.roots().chip(serial.to_bytes()), Sample::KEY_VERSION).unwrap(),
        };
        let mut reader = Reader::insert(chip);
        select(&mut reader, &aid::enterprise_application(order.enterprise)).unwrap();
        work(&mut reader, &tools);
        let mut chip: Chip = reader.remove();
        chip.store(&self.folder.join(format!("{name}.card")), Durability::ProcessKill).unwrap();
    }
}

/// Keys of a sysmoISIM-SJA2 that osmocom/pysim's manual prints (docs/smpp-ota-tool.rst), with its exchange; there is no KIK in it.
const SJA2: &str = "protocol = \"scp02\"\nversion = \"01\"\nenc = \"f09c43ee1a0391665cc9f05af4e0bd10\"\n\
    mac = \"01981f4a20999f62af99988007baf6ca\"\ndek = \"00112233445566778899aabbccddeeff\"\n";
/// The published keys of a test SIM, but for the Key-DEK.
const WRONG_DEK: &str = "protocol = \"scp03\"\nversion = \"30\"\nenc = \"404142434445464748494a4b4c4d4e4f\"\n\
    mac = \"404142434445464748494a4b4c4d4e4f\"\ndek = \"00000000000000000000000000000000\"\n";

/// Sets over the air of both ciphers; anybody's.
const AIR_AES: &str = "protocol = \"ota-aes\"\nversion = \"01\"\nkic = \"000102030405060708090a0b0c0d0e0f\"\n\
    kid = \"101112131415161718191a1b1c1d1e1f\"\nkik = \"202122232425262728292a2b2c2d2e2f\"\n";
const AIR_3DES: &str = "protocol = \"ota-3des\"\nversion = \"02\"\nkic = \"000102030405060708090a0b0c0d0e0f0102030405060708\"\n\
    kid = \"101112131415161718191a1b1c1d1e1f1112131415161718\"\nkik = \"202122232425262728292a2b2c2d2e2f2122232425262728\"\n";

/// A trace whose clock a transcript can name.
fn at_noon(trace: &str) -> String {
    let line = |line: &str| {
        let mut line: serde_json::Map<String, serde_json::Value> = serde_json::from_str(line).unwrap();
        for (name, fixed) in [("began", "2026-11-02 12:00:00".into()), ("ms", 40.into())] {
            line.entry(name).and_modify(|value| *value = fixed);
        }
        format!("{}\n", serde_json::to_string(&line).unwrap())
    };
    trace.lines().map(line).collect()
}

/// Writes the roots of `sets` as a development key file.
pub(crate) fn key_file(path: &Path, sets: &[&RootKeys]) {
    let mut text = format!("format = \"onecard-development-keys;1\"\nenterprise = \"{}\"\n", Sample::ENTERPRISE);
    for set in sets {
        let mut table = toml::Table::new();
        table.insert("roots".to_owned(), toml::Value::try_from(set).unwrap());
        text.push_str(&toml::to_string(&table).unwrap());
    }
    write_secret(path, &text);
}

/// What the station has for a card.
struct CardTools {
    order: CardOrder,
    keys: onecard_host::keys::CardKeys,
    mf: MfKeys,
}

impl CardTools {
    fn line_key(&self, purpose: Purpose) -> LineKey {
        self.keys.keys().key(purpose, Sample::KEY_VERSION).unwrap().clone().into()
    }
}

/// Enters a wrong PIN so many times.
fn try_pin(card: &mut dyn Transport, times: u32) {
    let selected = select(card, &aid::enterprise_application(Sample::ENTERPRISE.parse().unwrap())).unwrap();
    let wrong = Pin::from_digits("000000").unwrap();
    for _ in 0..times {
        verify_pin(card, &selected, &wrong).unwrap_err();
    }
}

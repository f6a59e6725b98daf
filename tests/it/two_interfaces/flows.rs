//! What a phone and terminals do with one SIM.

use std::sync::OnceLock;

use onecard_host::{
    card::{Pin, balance, select},
    globalplatform::{
        Aid,
        management::{delete, install_enterprise_application, whole_registry},
        secure_channel::{HostChallenge, Level, Request, Session, open},
        select_domain,
    },
    issuing::SamRole,
    sam::{Levels, PsamCard, Sam},
    terminal::{
        Cause, InMemoryStore, Kind, OrderNumber, Outcome, PurchaseOrder, RechargeOrder, UndoOrder, purchase, recharge,
        undo,
    },
    transport::Transport,
};
use onecard_simulator::{
    chip::Chip,
    phone_slot::PhoneSlot,
    reader::Reader,
    sample::{SIM, Sample},
};
use onecard_tests::world::moment;
use onecard_wire::{
    aid,
    amount::Amount,
    number::{ApplicationSerial, EnterpriseId, TerminalNumber},
    wallet::Purse,
};

/// What is loaded before the first flow, and what the last purchase before it took.
pub(crate) const LOADED: u32 = 10_000;
pub(crate) const SOLD: u32 = 777;
/// What a flow loads or pays.
const LOAD: u32 = 2_500;
const PAY: u32 = 1_250;

/// The last reads the log, which tells whose sequence it was that another has used meanwhile.
const ROLES: [SamRole; 3] = [SamRole::Till, SamRole::Recharge, SamRole::ServiceDesk];

/// A SIM with two applications, money in the first, and the SAMs of three terminals.
pub(crate) struct Stand {
    pub(crate) sample: Sample,
    sim: Chip,
    sams: [Chip; 3],
    /// The first terminal's, which sold something.
    used: InMemoryStore,
}

/// A terminal, or a phone, which needs no SAM.
pub(crate) struct Party {
    sam: Box<dyn Sam + Send>,
    pub(crate) store: InMemoryStore,
}

/// A program at one end of the chip.
#[derive(Clone, Copy)]
pub(crate) struct Flow {
    pub(crate) name: &'static str,
    pub(crate) run: fn(&mut Party, &mut dyn Transport) -> Heard,
    /// Whether it moves money in the first application.
    pub(crate) moves: bool,
}

/// What a program heard.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Heard {
    Answers(Vec<Vec<u8>>),
    /// Fen that the purse has more, or less.
    Committed(i64),
    NotCommitted(Cause),
    Unknown,
    /// Of the issuer domain: how many entries its registry has.
    Entries(usize),
    /// It got no answer, or was refused.
    Failed(String),
}

/// At the contacts.
pub(crate) const PHONE: [Flow; 7] = [
    Flow { name: "boot", run: |_, end| answers(end, BOOT), moves: false },
    Flow { name: "menu", run: |_, end| menu(end), moves: false },
    Flow { name: "registry", run: |_, end| registry(end), moves: false },
    Flow { name: "INSTALL and DELETE", run: |_, end| install_and_delete(end), moves: false },
    Flow { name: "purchase by contact", run: pay, moves: true },
    Flow { name: "recharge by contact", run: load, moves: true },
    Flow { name: "undo by contact", run: take_back, moves: true },
];

/// By radio.
pub(crate) const TERMINALS: [Flow; 4] = [
    Flow { name: "door", run: |_, end| answers(end, &door()), moves: false },
    Flow { name: "balance", run: |_, end| answers(end, &show()), moves: true },
    Flow { name: "purchase", run: pay, moves: true },
    Flow { name: "recharge", run: load, moves: true },
];

impl Stand {
    pub(crate) fn shared() -> &'static Self {
        static STAND: OnceLock<Stand> = OnceLock::new();
        STAND.get_or_init(|| {
            let mut sample = Sample::new("two interfaces").unwrap();
            let serial = |number| ApplicationSerial::from_parts(31, 1, number).unwrap();
            let mut sim = sample.sim(SIM.iccid).unwrap();
            for (enterprise, number) in [(first(), 1), (second(), 2)] {
                sim = sample.install(sim, enterprise, serial(number)).unwrap();
            }
            let sams = [1, 2, 3].map(|number| sample.sam(TerminalNumber([0, 0, 0, 0, 0, number]), &ROLES).unwrap());
            let (mut slot, mut store) = (Reader::insert(sams[0].snapshot()), InMemoryStore::new());
            let mut sam = PsamCard::open(&mut slot, first(), Levels::Serial, Sample::KEY_VERSION).unwrap();
            let mut reader = Reader::insert(sim);
            let (loaded, sold) = (
                loaded(&mut sam, &mut store, &mut reader, 1, LOADED),
                sold(&mut sam, &mut store, &mut reader, SALE, SOLD),
            );
            assert_eq!(loaded, Heard::Committed(i64::from(LOADED)));
            assert_eq!(sold, Heard::Committed(-i64::from(SOLD)));
            drop(sam);
            let [_, second, third] = sams;
            Self { sample, sim: reader.remove(), sams: [slot.remove(), second, third], used: store }
        })
    }

    pub(crate) fn slot(&self) -> PhoneSlot {
        PhoneSlot::new(self.sim.snapshot())
    }

    /// Both know of the sale: an undo is of the till that sold.
    pub(crate) fn party(&self, number: usize) -> Party {
        let reader = Reader::insert(self.sams[number].snapshot());
        let sam = PsamCard::open(reader, first(), Levels::Serial, Sample::KEY_VERSION).unwrap();
        Party { sam: Box::new(sam), store: if number == 0 { self.used.clone() } else { InMemoryStore::new() } }
    }

    pub(crate) fn alone(&self, flow: Flow, number: usize, slot: &PhoneSlot, by_contact: bool) -> Heard {
        let mut party = self.party(number);
        if by_contact {
            let mut end = slot.contacts();
            end.reset();
            (flow.run)(&mut party, &mut end)
        } else {
            let mut end = slot.field();
            end.enter();
            (flow.run)(&mut party, &mut end)
        }
    }
}

/// The first application's balance, fen.
pub(crate) fn balance_on(slot: &PhoneSlot) -> i64 {
    let mut field = slot.field();
    field.enter();
    let application = select(&mut field, &aid::enterprise_application(first())).unwrap();
    i64::from(balance(&mut field, &application, Purse::Ep).unwrap().fen())
}

const SALE: u64 = 2;

fn first() -> EnterpriseId {
    "1000000000000001".parse().unwrap()
}

fn second() -> EnterpriseId {
    "1000000000000002".parse().unwrap()
}

/// A sale of a third till.
pub(crate) fn sale_elsewhere(end: &mut dyn Transport) -> i64 {
    let mut third = Stand::shared().party(2);
    match sold(&mut *third.sam, &mut third.store, end, 20, 1) {
        Heard::Committed(fen) => fen,
        other => panic!("the third till heard {other:?}"),
    }
}

/// Every time the same orders: a flow that is run again ends what was left open.
fn pay(party: &mut Party, end: &mut dyn Transport) -> Heard {
    sold(&mut *party.sam, &mut party.store, end, 10, PAY)
}

fn load(party: &mut Party, end: &mut dyn Transport) -> Heard {
    loaded(&mut *party.sam, &mut party.store, end, 11, LOAD)
}

fn take_back(party: &mut Party, end: &mut dyn Transport) -> Heard {
    let order = UndoOrder {
        number: OrderNumber(12),
        enterprise: first(),
        purchase: OrderNumber(SALE),
        key_id: 1,
        moment: moment(90),
    };
    heard(undo(end, &mut *party.sam, &mut party.store, &order).unwrap().outcome)
}

fn sold(sam: &mut dyn Sam, store: &mut InMemoryStore, end: &mut dyn Transport, number: u64, fen: u32) -> Heard {
    let order = PurchaseOrder {
        number: OrderNumber(number),
        enterprise: first(),
        purse: Purse::Ep,
        key_id: 1,
        amount: Amount::from_fen(fen),
        moment: moment(60),
        pin: None,
    };
    heard(purchase(end, sam, store, &order).unwrap().outcome)
}

fn loaded(sam: &mut dyn Sam, store: &mut InMemoryStore, end: &mut dyn Transport, number: u64, fen: u32) -> Heard {
    let order = RechargeOrder {
        number: OrderNumber(number),
        enterprise: first(),
        purse: Purse::Ep,
        key_id: 1,
        amount: Amount::from_fen(fen),
        moment: moment(30),
        pin: Some(Pin::from_digits(Sample::PIN).unwrap()),
    };
    heard(recharge(end, sam, store, &order).unwrap().outcome)
}

fn heard(outcome: Outcome) -> Heard {
    match outcome {
        Outcome::Committed(receipt) => {
            let transaction = receipt.settlement.transaction;
            let fen = i64::from(transaction.amount.fen());
            Heard::Committed(if matches!(transaction.kind, Kind::LoadEp | Kind::Undo) { fen } else { -fen })
        }
        Outcome::NotCommitted(reason) => Heard::NotCommitted(reason.cause),
        Outcome::Unknown(_) => Heard::Unknown,
    }
}

/// What a phone asks first (TS 31.102 clause 5.1), and an authentication to the network.
const BOOT: &[&str] = &[
    "00A40004023F00",
    "00A40004022FE2",
    "00B000000A",
    "80F2000000",
    "00A40004022F00",
    "00B2010426",
    "00A4040C07A0000000871002",
    "00A4000C026F07",
    "00B0000009",
    "002000010831323334FFFFFFFF",
    "008800801110000102030405060708090A0B0C0D0E0F00",
    "00A4000C026F7B",
    "00D600000C64F00064F01064F020FFFFFF",
];

/// Up to the menu entry, then the menu, which the user leaves.
fn menu(end: &mut dyn Transport) -> Heard {
    const PROFILE: &str = "8010000014FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF";
    const CHOSEN: &str = "80C2000009D30782020181900101";
    let mut heard = Vec::new();
    let mut said = |end: &mut dyn Transport, command: &[u8]| {
        let answer = end.transmit(command).map_err(|error| Heard::Failed(error.to_string()))?;
        heard.push(answer.clone());
        Ok(answer)
    };
    let mut played = || {
        for (command, result) in [(PROFILE, 0x00), (CHOSEN, 0x10)] {
            let mut answer = said(end, &hex::decode(command).unwrap())?;
            while let [.., 0x91, length] = answer[..] {
                let fetched = said(end, &[0x80, 0x12, 0x00, 0x00, length])?;
                let details = fetched.windows(5).find(|bytes| bytes.starts_with(&[0x81, 0x03])).unwrap();
                let rest = [0x82, 0x02, 0x82, 0x81, 0x83, 0x01, result];
                answer = said(end, &[&[0x80, 0x14, 0x00, 0x00, 12][..], details, &rest].concat())?;
            }
        }
        Ok(())
    };
    match played() {
        Ok(()) => Heard::Answers(heard),
        Err(failed) => failed,
    }
}

/// INTERNAL AUTHENTICATE by the door's key, then the access rights.
fn door() -> Vec<String> {
    let select = format!("00A404000E{}00", hex::encode(aid::enterprise_application(first())));
    vec![select, "0088000108A0A1A2A3A4A5A6A708".to_owned(), "00B09900E0".to_owned()]
}

fn show() -> Vec<String> {
    let select = format!("00A404000E{}00", hex::encode(aid::enterprise_application(first())));
    vec![select, "805C000204".to_owned()]
}

fn answers<S: AsRef<str>>(end: &mut dyn Transport, commands: &[S]) -> Heard {
    let mut heard = Vec::new();
    for command in commands {
        match end.transmit(&hex::decode(command.as_ref()).unwrap()) {
            Ok(answer) => heard.push(answer),
            Err(error) => return Heard::Failed(error.to_string()),
        }
    }
    Heard::Answers(heard)
}

fn registry(end: &mut dyn Transport) -> Heard {
    in_session(end, |session| whole_registry(session).map(|entries| entries.len()).map_err(|error| error.to_string()))
}

fn install_and_delete(end: &mut dyn Transport) -> Heard {
    let third: EnterpriseId = "1000000000000003".parse().unwrap();
    in_session(end, |session| {
        let roots = Stand::shared().sample.operators_keys().roots;
        let serial = ApplicationSerial::from_parts(31, 1, 3).unwrap();
        let management = onecard_host::keys::Purpose::Management;
        let key = roots.enterprise(third).card_key(serial, management, Sample::KEY_VERSION).unwrap();
        // From a run that was cut short.
        let _ = delete(session, &Aid::enterprise(third), false);
        install_enterprise_application(session, third, &key).map_err(|error| error.to_string())?;
        let there = whole_registry(session).map_err(|error| error.to_string())?.len();
        delete(session, &Aid::enterprise(third), false).map_err(|error| error.to_string())?;
        Ok(there)
    })
}

fn in_session(
    end: &mut dyn Transport,
    work: impl FnOnce(&mut Session<&mut dyn Transport>) -> Result<usize, String>,
) -> Heard {
    let worked = (|| {
        let domain = select_domain(end, &Aid::ISSUER_DOMAIN).map_err(|error| error.to_string())?;
        let request = Request {
            keys: &Stand::shared().sample.operators_keys(),
            level: Level::Full,
            challenge: HostChallenge::Eight([7; 8]),
            domain: Some(domain.aid.as_bytes()),
            scp02_pseudo_random: true,
        };
        work(&mut open(end, &request).map_err(|error| error.to_string())?)
    })();
    worked.map_or_else(Heard::Failed, Heard::Entries)
}

//! SIMs with enterprises on them, and a till.

use hex_literal::hex;
use onecard_host::{
    card::{balance, select},
    crypto::Key,
    globalplatform::{
        AesKey, Aid, ChannelKeys, KeyTriple,
        management::{KeyForm, NewKeys, StoreFormat, install_enterprise_application, personalise, put_key, store_data},
        secure_channel::{HostChallenge, Level, Request, Session, open},
        select_domain,
    },
    issuing::{SamRole, issue_installed},
    sam::{Levels, PsamCard},
    terminal::{InMemoryStore, OrderNumber, Outcome, PurchaseOrder, RechargeOrder, purchase, recharge},
    transport::Transport,
};
use onecard_simulator::{
    chip::{Blank, Chip},
    handset::script::Counter,
    phone_slot::{Field, PhoneSlot},
    reader::Reader,
    sample::{SIM, Sample},
};
use onecard_wire::{
    aid,
    amount::Amount,
    date::Moment,
    fid::Fid,
    key::Algorithm,
    number::{ApplicationSerial, EnterpriseId, TerminalNumber},
    wallet::Purse,
};

/// A chip, and the first enterprise's till.
pub(super) struct Sims {
    pub(super) chip: Chip,
    pub(super) till: Till,
}

impl Sims {
    /// A SIM with the applications of so many enterprises, all issued; the first has 100.00, of which four purchases were made.
    pub(super) fn with_enterprises(count: u8) -> Self {
        let first = Sample::new("phone").unwrap();
        let mut chip = Chip::blank(Blank::RfidSim(&SIM), 1).unwrap();
        for number in 1..=count {
            let id = enterprise(number);
            let sample = first.neighbour(id, Fid(0xDF00 + u16::from(number)));
            chip = with_application(chip, &sample, serial(number));
        }
        let mut till = Till::of(first);
        if count > 0 {
            let mut card = Reader::insert(chip);
            till.recharge(&mut card, 10_000);
            for fen in [1_250, 200, 350, 75] {
                assert!(till.pay(&mut card, fen).contains("Amount"), "a purchase of {fen}");
            }
            chip = card.remove();
        }
        Self { chip, till }
    }
}

impl Sims {
    /// A SIM with one enterprise that knows where requests go: to 10650012345, under key set 01.
    pub(super) fn with_platform() -> Self {
        let Self { chip, till } = Self::with_enterprises(1);
        let slot = PhoneSlot::new(chip);
        let mut contacts = slot.contacts();
        contacts.reset();
        let mut session = session(&mut contacts);
        let over_the_air = key_set(0x01, [0x11, 0x22, 0x33]).to_domain_keys();
        let new =
            NewKeys { replaces: None, version: 0x01, first_id: 0x01, keys: &over_the_air, form: KeyForm::default() };
        put_key(&mut session, &new).unwrap();
        personalise(&mut session, &Aid::TOOLKIT).unwrap();
        let groups = hex!("5001 07 91 01560021 43F5  5003 01 01");
        store_data(&mut session, StoreFormat::Groups, &[&groups]).unwrap();
        drop(session);
        Self { chip: slot.take_chip(), till }
    }
}

/// What the chip is installed under, and washed from.
const MANAGEMENT: [u8; 16] = *b"a control key 16";

fn with_application(chip: Chip, sample: &Sample, serial: ApplicationSerial) -> Chip {
    let management = Key::new(Algorithm::Des, MANAGEMENT);
    let slot = PhoneSlot::new(chip);
    let mut contacts = slot.contacts();
    contacts.reset();
    install(&mut contacts, sample.enterprise(), &management);
    let mut card = Reader::insert(slot.take_chip());
    issue_installed(&mut card, &management, &sample.keys().card(serial), &sample.order()).unwrap();
    card.remove()
}

fn install<T: Transport>(card: T, id: EnterpriseId, management: &Key) {
    install_enterprise_application(&mut session(card), id, management).unwrap();
}

/// A session of the issuer domain at its highest level, by the keys that everybody has.
fn session<T: Transport>(mut card: T) -> Session<T> {
    let keys = vec![triple(0x30, [*b"@ABCDEFGHIJKLMNO"; 3])];
    let domain = select_domain(&mut card, &Aid::ISSUER_DOMAIN).unwrap();
    let challenge = HostChallenge::Eight(*b"a number");
    let level = Level::ALL[Level::ALL.len() - 1];
    let request =
        Request { keys: &keys, level, challenge, domain: Some(domain.aid.as_bytes()), scp02_pseudo_random: true };
    open(card, &request).unwrap()
}

/// Keys of one byte repeated.
fn key_set(version: u8, bytes: [u8; 3]) -> ChannelKeys {
    triple(version, bytes.map(|byte| [byte; 16]))
}

fn triple(version: u8, values: [[u8; 16]; 3]) -> ChannelKeys {
    let [enc, mac, dek] = values.map(|value| AesKey::new(&value).unwrap());
    ChannelKeys::scp03(version, KeyTriple { enc, mac, dek }).unwrap()
}

/// The first is the sample's own.
fn enterprise(number: u8) -> EnterpriseId {
    format!("10000000000000{number:02}").parse().unwrap()
}

/// The one of ten check digits that is right.
fn serial(number: u8) -> ApplicationSerial {
    let found = (0..10).find_map(|check| format!("31001000000{number:04}{check}").parse().ok());
    found.unwrap()
}

/// A till and recharge station of the first enterprise.
pub(super) struct Till {
    enterprise: EnterpriseId,
    sam: PsamCard<Reader>,
    store: InMemoryStore,
    order: u64,
}

impl Till {
    fn of(mut sample: Sample) -> Self {
        let terminal = TerminalNumber([0, 0, 0, 0, 0x12, 0x34]);
        let chip = sample.sam(terminal, &[SamRole::Till, SamRole::Recharge]).unwrap();
        let enterprise = sample.enterprise();
        let sam = PsamCard::open(Reader::insert(chip), enterprise, Levels::Serial, Sample::KEY_VERSION).unwrap();
        Self { enterprise, sam, store: InMemoryStore::new(), order: 0 }
    }

    fn next(&mut self) -> (OrderNumber, Moment) {
        self.order += 1;
        let minute = u8::try_from(self.order).unwrap();
        let moment = Moment::from_bytes([0x20, 0x26, 0x06, 0x01, 0x08, minute / 10 * 16 + minute % 10, 0x00]).unwrap();
        (OrderNumber(self.order), moment)
    }

    fn recharge<T: Transport + ?Sized>(&mut self, card: &mut T, fen: u32) {
        let (number, moment) = self.next();
        let pin = Some(onecard_host::card::Pin::from_digits(Sample::PIN).unwrap());
        let amount = Amount::from_fen(fen);
        let order =
            RechargeOrder { number, enterprise: self.enterprise, purse: Purse::Ep, key_id: 1, amount, moment, pin };
        let tap = recharge(card, &mut self.sam, &mut self.store, &order).unwrap();
        assert!(matches!(tap.outcome, Outcome::Committed(_)), "{:?}", tap.outcome);
    }

    fn pay<T: Transport + ?Sized>(&mut self, card: &mut T, fen: u32) -> String {
        let (number, moment) = self.next();
        let amount = Amount::from_fen(fen);
        let order = PurchaseOrder {
            number,
            enterprise: self.enterprise,
            purse: Purse::Ep,
            key_id: 1,
            amount,
            moment,
            pin: None,
        };
        let tap = purchase(card, &mut self.sam, &mut self.store, &order).unwrap();
        match tap.outcome {
            Outcome::Committed(receipt) => format!("Amount {amount}: {receipt}"),
            Outcome::NotCommitted(reason) => reason.to_string(),
            Outcome::Unknown(in_doubt) => in_doubt.to_string(),
        }
    }

    fn balance<T: Transport + ?Sized>(&self, card: &mut T) -> String {
        let application = select(card, &aid::enterprise_application(self.enterprise)).unwrap();
        balance(card, &application, Purse::Ep).unwrap().to_string()
    }
}

/// The till beside the phone.
pub(super) struct Beside {
    pub(super) field: Field,
    pub(super) till: Till,
}

impl Counter for Beside {
    fn tap(&mut self, order: &str) -> Result<String, String> {
        self.field.enter();
        let shown = match order.split_once(' ') {
            None if order == "balance" => self.till.balance(&mut self.field),
            Some(("pay", yuan)) => {
                let amount = Amount::parse_yuan(yuan).ok_or_else(|| format!("{yuan:?} is no amount"))?;
                self.till.pay(&mut self.field, amount.fen())
            }
            _ => return Err(format!("no terminal does {order:?}")),
        };
        self.field.leave();
        Ok(shown)
    }
}

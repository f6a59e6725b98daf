//! Personalised cards and SAMs of one enterprise, made once through the issuing of the host library, and their issuer.

use std::sync::OnceLock;

use onecard_host::{
    apdu::{Command, exchange},
    card::{Pin, select},
    crypto::{DesKey, Key, LineKey},
    issuing::{CardOrder, MfKeys, SamCardOrder, SamRole, issue_card, issue_sam, prepare_mf},
    keys::{EnterpriseKeys, MissingKey, Purpose, RootKeys},
    line_protection::{challenge, with_mac},
    sam::{Levels, PsamCard, SamError, SoftwareSam, SoftwareSamState},
    terminal::IssuerKeys,
    transport::Transport,
};
use onecard_simulator::{
    chip::{Blank, Chip},
    reader::Reader,
};
use onecard_wire::{
    aid,
    amount::Amount,
    date::{Date, Moment, Time},
    fid::Fid,
    ins,
    key::KeyVersion,
    number::{ApplicationSerial, EnterpriseId, TerminalNumber},
    record::{CappRecord, Holder, Parameters},
    sam::{LoadLimit, SequenceRecord, UsageKind},
};
use rand::{SeedableRng, rngs::ChaCha8Rng};

/// Cards there are.
pub const CARDS: usize = 3;
/// Terminals, each with its SAM.
pub const TERMINALS: usize = 2;
/// What each SAM may load.
pub const LOAD_LIMIT: Amount = Amount::from_fen(1_000_000_000);
/// Every card's PIN.
pub const PIN_DIGITS: &str = "123456";
/// The service desk: the only terminal whose unloads are settled.
pub const DESK: TerminalNumber = TerminalNumber([0x00, 0x11, 0x22, 0x33, 0x44, 0x99]);
/// CAPP type of the one compound record each card has.
pub const CAPP_TYPE: u8 = 0xAA;
/// Length of its data.
pub const CAPP_DATA_LEN: usize = 40;
/// Version of every key.
pub const KEY_VERSION: KeyVersion = KeyVersion(1);

/// One enterprise: its issuer's keys, and chips to take copies of.
#[derive(Debug)]
pub struct World {
    root: RootKeys,
    enterprise: EnterpriseKeys,
    cards: Vec<Chip>,
    sams: Vec<Chip>,
    pin: Pin,
}

impl World {
    /// The world, made at the first call. Keys and chips are the same in every run.
    #[must_use]
    pub fn shared() -> &'static Self {
        static WORLD: OnceLock<World> = OnceLock::new();
        // A world that cannot be made is a fault of issuing, and no test means anything without it.
        #[allow(clippy::panic, reason = "there is nobody to return the error to but the test")]
        WORLD.get_or_init(|| Self::make().unwrap_or_else(|error| panic!("the world cannot be issued: {error}")))
    }

    /// The enterprise.
    #[must_use]
    pub fn enterprise_id(&self) -> EnterpriseId {
        self.enterprise.enterprise()
    }

    /// The enterprise's keys.
    #[must_use]
    pub fn enterprise_keys(&self) -> &EnterpriseKeys {
        &self.enterprise
    }

    /// The MF keys of a card.
    ///
    /// # Errors
    /// [`MissingKey`]: never, for the cards of this world.
    pub fn mf_keys(&self, card: usize) -> Result<MfKeys, MissingKey> {
        MfKeys::of_card(&self.root.chip(chip_number(card)), KEY_VERSION)
    }

    /// A fresh copy of a card, personalised and empty; `None` beyond [`CARDS`].
    #[must_use]
    pub fn card(&self, card: usize) -> Option<Chip> {
        self.cards.get(card).map(Chip::snapshot)
    }

    /// A fresh copy of a terminal's SAM; `None` beyond [`TERMINALS`].
    #[must_use]
    pub fn sam(&self, terminal: usize) -> Option<Chip> {
        self.sams.get(terminal).map(Chip::snapshot)
    }

    /// A SAM for another terminal of that number: a door's, say, with no key of money.
    ///
    /// # Errors
    /// Issuing failed: never, for the keys of this world.
    pub fn sam_for(&self, role: SamRole, terminal: usize) -> Made {
        let mut random = ChaCha8Rng::seed_from_u64(0x0C_D004);
        personalised_sam(terminal, role.keys(KEY_VERSION), &self.root, &self.enterprise, &mut random)
    }

    /// The same SAM as software.
    #[must_use]
    pub fn software_sam(&self, terminal: usize) -> SoftwareSam {
        let state = SoftwareSamState {
            terminal: terminal_number(terminal),
            next_sequence: 0,
            load_limit_fen: LOAD_LIMIT.fen(),
            last_load: None,
            last_purchase: None,
            randoms_made: 0,
        };
        SoftwareSam::new(self.enterprise.clone(), KEY_VERSION, state)
    }

    /// A SAM of this world behind any transport.
    ///
    /// # Errors
    /// [`SamError`].
    pub fn open_sam<T: Transport>(&self, slot: T) -> Result<PsamCard<T>, SamError> {
        PsamCard::open(slot, self.enterprise_id(), Levels::Serial, KEY_VERSION)
    }

    /// What a SAM may still load, and its last load; `None` if it does not let itself be read.
    pub fn load_limit(&self, sam: &mut dyn Transport) -> Option<LoadLimit> {
        const SFI: u8 = 0x80 | (Fid::SAM_LOAD_LIMIT.0 & 0x1F) as u8;
        let read = Command::new(ins::CLA_ISO, ins::READ_BINARY, SFI, 0).expecting(LoadLimit::LEN as u8);
        LoadLimit::parse(&self.read_sam(sam, &read)?)
    }

    /// A SAM's next terminal sequence and its last purchase; `None` before its first.
    pub fn last_purchase(&self, sam: &mut dyn Transport) -> Option<SequenceRecord> {
        const NEWEST: u8 = 1;
        const BY_NUMBER: u8 = ((Fid::SAM_SEQUENCE.0 & 0x1F) as u8) << 3 | 0x04;
        let read = Command::new(ins::CLA_ISO, ins::READ_RECORD, NEWEST, BY_NUMBER).expecting(SequenceRecord::LEN as u8);
        SequenceRecord::parse(&self.read_sam(sam, &read)?)
    }

    fn read_sam(&self, sam: &mut dyn Transport, read: &Command) -> Option<Vec<u8>> {
        let name = aid::sam_application(self.enterprise_id());
        let select = Command::new(ins::CLA_ISO, ins::SELECT, 0x04, 0x00).with_data(&name).expecting(0);
        exchange(sam, &select).ok()?.done().ok()?;
        exchange(sam, read).ok()?.done().ok()
    }

    /// The issuer, who checks a TAC.
    #[must_use]
    pub fn issuer(&self) -> IssuerKeys {
        match self.enterprise.keys().key(Purpose::Tac, KEY_VERSION) {
            Ok(key) => IssuerKeys::new().with(self.enterprise_id(), key.clone()).with_desk(DESK),
            Err(_) => IssuerKeys::new(),
        }
    }

    /// A key of a card.
    ///
    /// # Errors
    /// [`MissingKey`]: no such key on a card.
    pub fn card_key(&self, card: usize, purpose: Purpose) -> Result<Key, MissingKey> {
        self.enterprise.card_key(serial(card), purpose, KEY_VERSION)
    }

    /// A SAM's own keys: control and maintenance key of its MF, master and maintenance key of its application.
    ///
    /// # Errors
    /// [`MissingKey`]: never, for the SAMs of this world.
    pub fn sam_own_keys(&self, terminal: usize) -> Result<[Key; 4], MissingKey> {
        let factor = sam_factor(terminal);
        let mf = MfKeys::of_sam(&self.root.chip(factor), KEY_VERSION)?;
        let own = self.enterprise.sam(factor);
        let key = |purpose| own.keys().key(purpose, KEY_VERSION).cloned();
        Ok([mf.control, mf.maintenance, key(Purpose::SamMaster)?, key(Purpose::SamMaintenance)?])
    }

    /// Every card's PIN.
    #[must_use]
    pub fn pin(&self) -> Pin {
        self.pin.clone()
    }

    fn make() -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        let mut random = ChaCha8Rng::seed_from_u64(0x0C_A2D0);
        let root = RootKeys::generate(KEY_VERSION, &mut random);
        let enterprise = root.enterprise("1000000000000001".parse().map_err(|_| "enterprise id")?);
        let pin = Pin::from_digits(PIN_DIGITS)?;
        let cards = (0..CARDS)
            .map(|card| personalised_card(card, &root, &enterprise, &pin, &mut random))
            .collect::<Result<_, _>>()?;
        let sams = (0..TERMINALS)
            .map(|terminal| personalised_sam(terminal, till_and_recharge(), &root, &enterprise, &mut random))
            .collect::<Result<_, _>>()?;
        Ok(Self { root, enterprise, cards, sams, pin })
    }
}

/// Serial of a card of the world; cards beyond [`CARDS`] have serials too, and nobody has issued them.
#[must_use]
pub fn serial(card: usize) -> ApplicationSerial {
    // Parts within their digits: there is such a serial.
    ApplicationSerial::from_parts(31, 1, card as u64 + 1).unwrap_or_else(|| serial(0))
}

/// Number of a terminal of the world.
#[must_use]
pub fn terminal_number(terminal: usize) -> TerminalNumber {
    let [.., low] = terminal.to_be_bytes();
    TerminalNumber([0x00, 0x11, 0x22, 0x33, 0x44, low.wrapping_add(1)])
}

/// `seconds` after the beginning of the world's working day.
#[must_use]
pub fn moment(seconds: u32) -> Moment {
    let bcd = |number: u32| (number / 10 * 16 + number % 10) as u8;
    let (hour, minute, second) = (seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60);
    let time = Time::from_bytes([bcd(hour), bcd(minute), bcd(second)]);
    let date = Date::from_bytes([0x20, 0x26, 0x06, bcd(1 + seconds / 86_400 % 28)]);
    match (date, time) {
        (Some(date), Some(time)) => Moment { date, time },
        // Unreachable by the arithmetic above, and the first second of the day is a moment as good as any.
        _ => moment(0),
    }
}

/// First and last day of every card and SAM.
fn validity() -> Result<(Date, Date), &'static str> {
    Ok((Date::parse("20260101").ok_or("date")?, Date::parse("20351231").ok_or("date")?))
}

fn chip_number(card: usize) -> [u8; 8] {
    (card as u64 + 0x100).to_be_bytes()
}

/// Last 16 digits of a SAM's number, which has no others but zeros.
fn sam_factor(terminal: usize) -> [u8; 8] {
    let [.., low] = terminal.to_be_bytes();
    [0, 0, 0, 0, 0, 0, 0, low.wrapping_add(1)]
}

fn sam_digits(terminal: usize) -> String {
    format!("{:020}", terminal + 1)
}

/// An issued chip.
pub type Made = Result<Chip, Box<dyn std::error::Error + Send + Sync>>;

fn personalised_card(
    card: usize,
    root: &RootKeys,
    enterprise: &EnterpriseKeys,
    pin: &Pin,
    random: &mut ChaCha8Rng,
) -> Made {
    let (valid_from, valid_to) = validity()?;
    let order = CardOrder {
        enterprise: enterprise.enterprise(),
        directory: Fid(0xDF01),
        valid_from,
        valid_to,
        holder: Holder { card_type: 1, staff: 0, name: [0x20; 20], id_number: [0x30; 32], id_type: 0 },
        parameters: parameters(card),
        pin: pin.clone(),
        key_version: KEY_VERSION,
        beside: Vec::new(),
    };
    let mf = MfKeys::of_card(&root.chip(chip_number(card)), KEY_VERSION)?;
    let mut reader = Reader::insert(Chip::blank(Blank::CpuCard, card as u64)?);
    prepare_mf(&mut reader, &DesKey::TRANSPORT.into(), &mf, random)?;
    issue_card(&mut reader, &mf, &enterprise.card(serial(card)), &order, random)?;
    select(&mut reader, &aid::enterprise_application(enterprise.enterprise()))?;
    let maintenance = enterprise.card_key(serial(card), Purpose::Maintenance, KEY_VERSION)?;
    append_compound_record(&mut reader, maintenance)?;
    Ok(reader.remove())
}

/// The first card has no limits, the others have such as ordinary orders now and then reach.
fn parameters(card: usize) -> Parameters {
    match card {
        0 => Parameters::UNLIMITED,
        _ => Parameters {
            balance_max: Amount::from_fen(20_000),
            purchase_max: Amount::from_fen(1_500),
            day_total_max: Amount::from_fen(6_000),
            pin_threshold: Amount::from_fen(1_000),
            ..Parameters::UNLIMITED
        },
    }
}

/// So that compound purchases have something to write.
fn append_compound_record(
    reader: &mut Reader,
    maintenance: Key,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    const APPEND: u8 = ((Fid::CAPP.0 & 0x1F) as u8) << 3 | 0x04;
    let record = [&[CAPP_TYPE, CAPP_DATA_LEN as u8 + 1, CappRecord::OPEN][..], &[0; CAPP_DATA_LEN]].concat();
    let append = Command::new(ins::CLA_ISO, ins::APPEND_RECORD, 0x00, APPEND).with_bytes(&record)?;
    let challenge = challenge(reader)?;
    exchange(reader, &with_mac(&append, challenge, &mut LineKey::from(maintenance))?)?
        .done()
        .map_err(|status| format!("EF 001C: {status}"))?;
    Ok(())
}

/// A till and a recharge station in one, with the maintenance key, by which it reads logs.
fn till_and_recharge() -> Vec<(UsageKind, KeyVersion)> {
    let kinds =
        [UsageKind::PURCHASE, UsageKind::CANCEL, UsageKind::LOAD, UsageKind::CARD_MAINTENANCE, UsageKind::MARKING];
    kinds.map(|kind| (kind, KEY_VERSION)).into()
}

fn personalised_sam(
    terminal: usize,
    keys: Vec<(UsageKind, KeyVersion)>,
    root: &RootKeys,
    enterprise: &EnterpriseKeys,
    random: &mut ChaCha8Rng,
) -> Made {
    let (valid_from, valid_to) = validity()?;
    let digits = sam_digits(terminal);
    let order = SamCardOrder {
        serial: digits.parse()?,
        directory: Fid(0xDF01),
        terminal: terminal_number(terminal),
        valid_from,
        valid_to,
        load_limit: LOAD_LIMIT,
        own_key_version: KEY_VERSION,
        keys,
    };
    let mf = MfKeys::of_sam(&root.chip(order.serial.factor()), KEY_VERSION)?;
    let mut reader = Reader::insert(Chip::blank(Blank::Sam, 0x5A00 + terminal as u64)?);
    prepare_mf(&mut reader, &DesKey::TRANSPORT.into(), &mf, random)?;
    issue_sam(&mut reader, &mf, enterprise, &order)?;
    Ok(reader.remove())
}

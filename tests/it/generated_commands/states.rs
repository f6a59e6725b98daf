//! The states of a card and a SAM, each with commands that are right there.

use crate::tearing::till::Till;
use onecard_host::{
    apdu::{Command, exchange},
    card::{select, verify_pin},
    crypto::LineKey,
    keys::Purpose,
    line_protection::{challenge, with_mac},
    sam::{CardFactors, Sam, SamOrder},
};
use onecard_simulator::{
    chip::{Blank, Chip},
    reader::Reader,
};
use onecard_tests::world::{KEY_VERSION, World, moment, serial, terminal_number};
use onecard_wire::{
    aid,
    amount::Amount,
    ins,
    key::AlgorithmId,
    sam::InitSam,
    wallet::{
        CreditForLoad, DebitForPurchase, Initialize, LoadInitialized, PurchaseInitialized, Purse, TransactionType,
    },
};

/// A state, and commands that are right in it.
pub(super) struct State {
    pub(super) name: &'static str,
    pub(super) chip: Chip,
    /// Leads a card just powered up into the state; returns what is valid there.
    pub(super) enter: fn(&mut Reader) -> Vec<Vec<u8>>,
}

pub(super) fn states() -> Vec<State> {
    let world = World::shared();
    let (blank, card, sam) = (Chip::blank(Blank::CpuCard, 4).unwrap(), Till::used(9).card, Till::used(9).sam);
    let blank_sam = Chip::blank(Blank::Sam, 4).unwrap();
    let state = |name, chip: &Chip, enter| State { name, chip: chip.snapshot(), enter };
    let personalised = world.card(2).unwrap();
    vec![
        state("blank card", &blank, |_| ordinary()),
        state("blank SAM", &blank_sam, |_| ordinary()),
        state("MF of a card", &personalised, |_| ordinary()),
        state("MF, control key", &card, |reader| {
            authenticate(reader, World::shared().mf_keys(0).unwrap().control.into());
            ordinary()
        }),
        state("application", &card, |reader| {
            application(reader);
            ordinary()
        }),
        state("application, PIN", &card, |reader| {
            with_pin(reader);
            ordinary()
        }),
        state("application, control key", &card, |reader| {
            application(reader);
            authenticate(reader, World::shared().card_key(0, Purpose::Control).unwrap().into());
            ordinary()
        }),
        state("application, challenge", &card, challenged),
        state("purchase initialised", &card, purchase_initialised),
        state("load initialised", &card, load_initialised),
        state("MF of a SAM", &sam, |_| sam_commands()),
        state("SAM application", &sam, |reader| {
            sam_application(reader);
            sam_commands()
        }),
        state("SAM, purchase initialised", &sam, sam_initialised),
        state("SAM, working key", &sam, sam_working_key),
    ]
}

fn application(reader: &mut Reader) {
    select(reader, &aid::enterprise_application(World::shared().enterprise_id())).unwrap();
}

fn with_pin(reader: &mut Reader) {
    let world = World::shared();
    let selected = select(reader, &aid::enterprise_application(world.enterprise_id())).unwrap();
    verify_pin(reader, &selected, &world.pin()).unwrap();
}

fn authenticate(reader: &mut Reader, key: LineKey) {
    let challenge = challenge(reader).unwrap();
    let cipher: [u8; 8] = key.encipher(&challenge.0).try_into().unwrap();
    let command = Command::new(ins::CLA_ISO, ins::EXTERNAL_AUTHENTICATE, 0, 0).with_data(&cipher);
    exchange(reader, &command).unwrap().done().unwrap();
}

/// A MACed write that is right after this challenge.
fn challenged(reader: &mut Reader) -> Vec<Vec<u8>> {
    application(reader);
    let mut key = LineKey::from(World::shared().card_key(0, Purpose::Maintenance).unwrap());
    let challenge = challenge(reader).unwrap();
    let update = Command::new(ins::CLA_ISO, ins::UPDATE_BINARY, 0x97, 0x00).with_data(&[0, 1, 2, 3]);
    vec![with_mac(&update, challenge, &mut key).unwrap().to_bytes().to_vec()]
}

const FEN: u32 = 5;

fn sam_order(random: [u8; 4], card_sequence: u16, transaction_type: TransactionType) -> SamOrder {
    SamOrder {
        card: CardFactors { enterprise: World::shared().enterprise_id(), serial: serial(0) },
        init: InitSam {
            random,
            card_sequence,
            amount: Amount::from_fen(FEN),
            transaction_type,
            moment: moment(77),
            key_version: KEY_VERSION,
            algorithm: AlgorithmId::TRIPLE_DES,
        },
    }
}

fn initialize(reader: &mut Reader, p1: u8, answer: u8) -> Vec<u8> {
    let field = Initialize { key_id: 1, amount: Amount::from_fen(FEN), terminal: terminal_number(0) };
    let command =
        Command::new(ins::CLA_PBOC, ins::INITIALIZE, p1, Purse::Ep as u8).with_data(&field.emit()).expecting(answer);
    exchange(reader, &command).unwrap().done().unwrap()
}

pub(super) fn purchase_initialised(reader: &mut Reader) -> Vec<Vec<u8>> {
    application(reader);
    let initialized = PurchaseInitialized::parse(&initialize(reader, ins::INITIALIZE_PURCHASE, 15)).unwrap();
    let order = sam_order(initialized.random, initialized.offline_sequence, TransactionType::PURCHASE_EP);
    let answer = World::shared().software_sam(0).initialize_purchase(&order).unwrap();
    let (date, time) = (moment(77).date, moment(77).time);
    let debit = DebitForPurchase { terminal_sequence: answer.terminal_sequence, date, time, mac1: answer.mac1 };
    let debit = Command::new(ins::CLA_PBOC, ins::DEBIT, ins::DEBIT_PURCHASE, 0).with_data(&debit.emit()).expecting(8);
    vec![debit.to_bytes().to_vec()]
}

pub(super) fn load_initialised(reader: &mut Reader) -> Vec<Vec<u8>> {
    with_pin(reader);
    let initialized = LoadInitialized::parse(&initialize(reader, ins::INITIALIZE_LOAD, 16)).unwrap();
    let order = sam_order(initialized.random, initialized.online_sequence, TransactionType::LOAD_EP);
    let mac2 = World::shared().software_sam(0).load(&order, initialized.old_balance, initialized.mac1).unwrap();
    let credit = CreditForLoad { date: moment(77).date, time: moment(77).time, mac2 };
    let credit = Command::new(ins::CLA_PBOC, ins::CREDIT_FOR_LOAD, 0, 0).with_data(&credit.emit()).expecting(4);
    vec![credit.to_bytes().to_vec()]
}

fn sam_application(reader: &mut Reader) {
    let name = aid::sam_application(World::shared().enterprise_id());
    let select = Command::new(ins::CLA_ISO, ins::SELECT, 0x04, 0x00).with_data(&name).expecting(0);
    exchange(reader, &select).unwrap().done().unwrap();
}

/// A till's purchase up to the moment its SAM waits for MAC2, which is right.
pub(super) fn sam_initialised(reader: &mut Reader) -> Vec<Vec<u8>> {
    let world = World::shared();
    let order = sam_order([1, 2, 3, 4], 5, TransactionType::PURCHASE_EP);
    let answer = world.open_sam(&mut *reader).unwrap().initialize_purchase(&order).unwrap();
    let key = world.card_key(0, Purpose::Purchase).unwrap();
    let session = onecard_host::crypto::SessionKey::of_purchase(&key, [1, 2, 3, 4], 5, answer.terminal_sequence);
    let mac2 = session.purchase_mac2(order.init.amount);
    vec![Command::new(ins::CLA_PBOC, ins::CREDIT_SAM, ins::SAM_PURCHASE, 0).with_data(&mac2).to_bytes().to_vec()]
}

fn sam_working_key(reader: &mut Reader) -> Vec<Vec<u8>> {
    sam_application(reader);
    let prepare = Command::new(ins::CLA_PBOC, ins::INIT_FOR_DESCRYPT, 0x25, KEY_VERSION.0);
    exchange(reader, &prepare.with_data(&serial(0).to_bytes())).unwrap().done().unwrap();
    let crypt = Command::new(ins::CLA_PBOC, ins::DES_CRYPT, 0x05, 0).with_data(&[9; 16]).expecting(4);
    vec![crypt.to_bytes().to_vec()]
}

/// Commands a card takes, without those that change it.
fn ordinary() -> Vec<Vec<u8>> {
    let world = World::shared();
    let name = aid::enterprise_application(world.enterprise_id());
    let field = Initialize { key_id: 1, amount: Amount::from_fen(FEN), terminal: terminal_number(0) };
    let purchase = ins::INITIALIZE_PURCHASE;
    [
        Command::new(ins::CLA_ISO, ins::SELECT, 0x04, 0x00).with_data(&name).expecting(0),
        Command::new(ins::CLA_ISO, ins::SELECT, 0x00, 0x00).with_data(&[0x3F, 0x00]).expecting(0),
        Command::new(ins::CLA_ISO, ins::READ_BINARY, 0x95, 0x00).expecting(30),
        Command::new(ins::CLA_ISO, ins::READ_RECORD, 0x01, 0xC4).expecting(23),
        Command::new(ins::CLA_ISO, ins::GET_CHALLENGE, 0x00, 0x00).expecting(8),
        Command::new(ins::CLA_ISO, ins::VERIFY, 0x00, 0x00).with_data(&[0x12, 0x34, 0x56]),
        Command::new(ins::CLA_ISO, ins::EXTERNAL_AUTHENTICATE, 0x00, 0x00).with_data(&[3; 8]),
        Command::new(ins::CLA_ISO, ins::INTERNAL_AUTHENTICATE, 0x00, 0x01).with_data(&[3; 8]).expecting(8),
        Command::new(ins::CLA_PBOC, ins::GET_BALANCE, 0x00, 0x02).expecting(4),
        Command::new(ins::CLA_PBOC, ins::INITIALIZE, purchase, 0x02).with_data(&field.emit()).expecting(15),
        Command::new(ins::CLA_PBOC, ins::INITIALIZE, 0x00, 0x02).with_data(&field.emit()).expecting(16),
        Command::new(ins::CLA_PBOC, ins::GET_TRANSACTION_PROVE, 0x00, 0x06).with_data(&[0, 3]).expecting(8),
        Command::new(ins::CLA_PBOC, ins::DEBIT, ins::DEBIT_PURCHASE, 0x00).with_data(&[1; 15]).expecting(8),
        Command::new(ins::CLA_PBOC, ins::CREDIT_FOR_LOAD, 0x00, 0x00).with_data(&[1; 11]).expecting(4),
        Command::new(ins::CLA_PBOC, ins::CHANGE_OR_RELOAD_PIN, 0x00, 0x00).with_data(&[0x12, 0x34, 1, 2, 3, 4]),
        Command::new(ins::CLA_PBOC_SM, ins::APPLICATION_BLOCK, 0x00, 0x00).with_data(&[1; 4]),
        Command::new(ins::CLA_PBOC_SM, ins::WRITE_KEY, 0xF0, 0x01).with_data(&[1; 28]),
        Command::new(ins::CLA_ISO_SM, ins::UPDATE_BINARY, 0x95, 0x00).with_data(&[1; 12]),
    ]
    .map(|command| command.to_bytes().to_vec())
    .into()
}

/// Commands a SAM takes, with wrong MACs.
fn sam_commands() -> Vec<Vec<u8>> {
    let init = sam_order([1, 2, 3, 4], 5, TransactionType::PURCHASE_EP).init.emit();
    let load = sam_order([1, 2, 3, 4], 5, TransactionType::LOAD_EP).init.emit();
    let serial = serial(0).to_bytes();
    let own = [
        Command::new(ins::CLA_PBOC, ins::INIT_SAM, ins::SAM_PURCHASE, 0).with_bytes(&[&init[..], &serial].concat()),
        Command::new(ins::CLA_PBOC, ins::INIT_SAM, ins::SAM_LOAD, 0)
            .with_bytes(&[&load[..], &serial, &[1; 8]].concat()),
        Command::new(ins::CLA_PBOC, ins::CREDIT_SAM, ins::SAM_PURCHASE, 0).with_bytes(&[1; 4]),
        Command::new(ins::CLA_PBOC, ins::CREDIT_SAM, ins::SAM_PAST_PURCHASE, 0)
            .with_bytes(&[&[0; 4], &init[..], &serial, &[1; 4]].concat()),
        Command::new(ins::CLA_PBOC, ins::INIT_FOR_DESCRYPT, 0x25, KEY_VERSION.0).with_bytes(&serial),
        Command::new(ins::CLA_PBOC, ins::DES_CRYPT, 0x05, 0).with_bytes(&[9; 16]),
    ];
    own.into_iter().map(|command| command.unwrap().to_bytes().to_vec()).chain(ordinary()).collect()
}

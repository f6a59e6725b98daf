//! All that a card shows of its wallet, by commands that change nothing: two of these are equal, or something has moved.

use onecard_host::{
    apdu::{Command, exchange},
    card::select,
    crypto::LineKey,
    keys::Purpose,
    line_protection::{challenge, with_mac},
    transport::Transport,
};
use onecard_simulator::{chip::Chip, reader::Reader};
use onecard_tests::world::World;
use onecard_wire::{
    aid,
    amount::Amount,
    ins,
    record::{LogRecord, Parameters},
    wallet::Purse,
};

use crate::cashier::{Cashier, Deal, Ended, Terms, send};

/// A card's books.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Books {
    pub(crate) ep: PurseBooks,
    pub(crate) ed: PurseBooks,
    /// EF 0017 as it reads.
    pub(crate) parameters: Vec<u8>,
    /// The newest two records of EF 0018.
    pub(crate) log: Vec<LogRecord>,
    /// The first record of EF 001C.
    pub(crate) capp: Vec<u8>,
    /// GET TRANSACTION PROVE of every type for the sequences around the ones now.
    pub(crate) proofs: Vec<(u8, u16, Vec<u8>)>,
}

/// One purse's.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct PurseBooks {
    pub(crate) balance: u32,
    pub(crate) online_sequence: u16,
    pub(crate) offline_sequence: u16,
    pub(crate) overdraft: u32,
}

impl Books {
    /// Of a card of the world, just powered up.
    pub(crate) fn of(chip: Chip) -> Self {
        let mut card = Reader::insert(chip);
        let cashier = Cashier::new(0);
        cashier.enter(&mut card).unwrap();
        let log = (1..=2).filter_map(|number| read(&mut card, &[0x00, 0xB2, number, 0xC4, 0x17]));
        let log = log.map(|record| LogRecord::parse(&record).unwrap()).collect();
        let capp = read(&mut card, &[0x00, 0xB2, 0x01, 0xE4, 0x00]).unwrap_or_default();
        let parameters = read(&mut card, &[0x00, 0xB0, 0x97, 0x00, 0x24]).unwrap();
        let [ep, ed] = [Purse::Ep, Purse::Ed].map(|purse| PurseBooks::of(&cashier, &mut card, purse));
        let proofs = proofs(&mut card, [&ep, &ed]);
        Self { ep, ed, parameters, log, capp, proofs }
    }

    pub(crate) fn purse(&self, purse: Purse) -> &PurseBooks {
        match purse {
            Purse::Ep => &self.ep,
            Purse::Ed => &self.ed,
        }
    }

    /// The card's own day and what is spent that day.
    pub(crate) fn account(&self) -> ([u8; 4], u32) {
        let parameters = Parameters::parse(&self.parameters).unwrap();
        (parameters.day, parameters.spent.fen())
    }
}

impl PurseBooks {
    fn of(cashier: &Cashier, card: &mut dyn Transport, purse: Purse) -> Self {
        let nothing = Terms::new(0, 0);
        let online = cashier.initialize(card, Deal::Unload(purse), &nothing).unwrap();
        // INITIALIZE FOR PURCHASE is refused on a suspended card, unload is not.
        let offline = cashier.initialize(card, Deal::Purchase(purse), &nothing).unwrap();
        let answer = read(card, &[0x80, 0x5C, 0x00, purse as u8, 0x04]).unwrap();
        let balance = u32::from_be_bytes(answer.try_into().unwrap());
        assert_eq!([online.old_balance, offline.old_balance], [balance; 2]);
        Self {
            balance,
            online_sequence: online.sequence,
            offline_sequence: offline.sequence,
            overdraft: offline.limit(),
        }
    }
}

fn proofs(card: &mut dyn Transport, purses: [&PurseBooks; 2]) -> Vec<(u8, u16, Vec<u8>)> {
    let mut found = Vec::new();
    let sequences = purses.map(|purse| [purse.online_sequence, purse.offline_sequence]).concat();
    let (first, last) = (sequences.iter().min().unwrap().saturating_sub(1), sequences.iter().max().unwrap() + 1);
    for type_byte in 0x01..=0x0B {
        for sequence in first..=last {
            let [high, low] = sequence.to_be_bytes();
            if let Some(proof) = read(card, &[0x80, 0x5A, 0x00, type_byte, 0x02, high, low, 0x08]) {
                found.push((type_byte, sequence, proof));
            }
        }
    }
    found
}

fn read(card: &mut dyn Transport, command: &[u8]) -> Option<Vec<u8>> {
    match send(card, command) {
        Ok(data) => Some(data),
        Err(Ended::Refused { .. }) => None,
        Err(other) => panic!("{command:02X?}: {other:?}"),
    }
}

/// A card with these limits, and this much in EP and ED.
pub(crate) fn card_with(parameters: &Parameters, ep_fen: u32, ed_fen: u32) -> Chip {
    let mut card = Reader::insert(World::shared().card(0).unwrap());
    write_parameters(&mut card, parameters).unwrap();
    let cashier = Cashier::new(0);
    cashier.enter(&mut card).unwrap();
    for (purse, fen) in [(Purse::Ep, ep_fen), (Purse::Ed, ed_fen)] {
        assert_eq!(cashier.deal(&mut card, Deal::Load(purse), &Terms::new(fen, 0)), Ended::Done);
    }
    card.remove()
}

/// Limits that nothing in these tests reaches, so that the card keeps its account.
pub(crate) const WIDE_LIMITS: Parameters = Parameters {
    balance_max: Amount::from_fen(10_000_000),
    purchase_max: Amount::from_fen(1_000_000),
    day_total_max: Amount::from_fen(5_000_000),
    pin_threshold: Amount::from_fen(500_000),
    ..Parameters::UNLIMITED
};

/// UPDATE BINARY of the whole EF 0017; `None` if the card falls silent.
pub(crate) fn write_parameters(card: &mut Reader, parameters: &Parameters) -> Option<()> {
    write_with_mac(card, &Command::new(ins::CLA_ISO, ins::UPDATE_BINARY, 0x97, 0x00).with_data(&parameters.emit()))
}

/// A write under the maintenance key, in the application; `None` if the card falls silent.
pub(crate) fn write_with_mac(card: &mut Reader, command: &Command) -> Option<()> {
    select(card, &aid::enterprise_application(World::shared().enterprise_id())).ok()?;
    let mut key = LineKey::from(World::shared().card_key(0, Purpose::Maintenance).unwrap());
    let challenge = challenge(card).ok()?;
    let command = with_mac(command, challenge, &mut key).unwrap();
    exchange(card, &command).ok()?.done().unwrap();
    Some(())
}

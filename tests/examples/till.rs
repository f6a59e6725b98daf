//! A till to copy: it sells, takes its last sale back, refuses a lost card, forgets nothing: `cargo run --example till`.

use std::{error::Error, path::Path};

use onecard_host::blacklist::{BlacklistFile, ListKey, ListSigner, ListVersion};
use onecard_host::terminal::{Language, Outcome, PurchaseOrder, RechargeOrder, Tap, UndoOrder, WithBlacklist};
use onecard_host::terminal::{OrderNumber, purchase, recharge, undo};
use onecard_host::wire::{amount::Amount, date::Moment, number::*, wallet::Purse};
use onecard_host::{JournalFile, Levels, PsamCard, Transport, card::Pin, issuing::SamRole};
use onecard_simulator::{reader::Reader, sample::Sample};

struct Till<T> {
    enterprise: EnterpriseId,
    sam: PsamCard<T>,
    journal: JournalFile,
    blacklist: BlacklistFile,
}

impl<T: Transport> Till<T> {
    fn open(folder: &Path, slot: T, enterprise: EnterpriseId, key: ListKey) -> Result<Self, Box<dyn Error>> {
        let sam = PsamCard::open(slot, enterprise, Levels::Serial, Sample::KEY_VERSION)?;
        let blacklist = BlacklistFile::open(folder.join("blacklist"), enterprise, key)?;
        Ok(Self { enterprise, sam, journal: JournalFile::open(folder.join("journal"))?, blacklist })
    }

    /// After Unknown, or when the till was switched off: the same number again, and it is charged once.
    fn sell(&mut self, card: &mut Reader, number: u64, fen: u32, moment: Moment) -> Result<Tap, Box<dyn Error>> {
        let (number, enterprise, amount) = (OrderNumber(number), self.enterprise, Amount::from_fen(fen));
        let order = PurchaseOrder { number, enterprise, purse: Purse::Ep, key_id: 1, amount, moment, pin: None };
        let mut store = WithBlacklist { store: &mut self.journal, blacklist: self.blacklist.list() };
        Ok(purchase(card, &mut self.sam, &mut store, &order)?)
    }

    fn take_back(&mut self, card: &mut Reader, number: u64, sale: u64, moment: Moment) -> Result<Tap, Box<dyn Error>> {
        let (number, enterprise, purchase) = (OrderNumber(number), self.enterprise, OrderNumber(sale));
        let order = UndoOrder { number, enterprise, purchase, key_id: 1, moment };
        let mut store = WithBlacklist { store: &mut self.journal, blacklist: self.blacklist.list() };
        Ok(undo(card, &mut self.sam, &mut store, &order)?)
    }
}

/// A recharge, two sales of which one is taken back, the card reported lost, a sale refused.
pub fn day(folder: &Path) -> Result<Vec<Tap>, Box<dyn Error>> {
    let (mut sample, serial) = (Sample::new("till")?, "3100100000000423".parse()?);
    let (enterprise, amount) = (sample.enterprise(), Amount::from_fen(10_000));
    let moment = Moment::from_bytes([0x20, 0x26, 0x06, 0x01, 0x08, 0x30, 0x00]).ok_or("no moment")?;
    let slot = sample.sam(TerminalNumber([0, 0, 0, 0, 0x12, 0x34]), &[SamRole::Till, SamRole::Recharge])?;
    let (mut card, list) = (Reader::insert(sample.card(serial)?), ListSigner::new(enterprise, [7; 32].into()));
    let mut till = Till::open(folder, Reader::insert(slot), enterprise, list.key())?;
    let (number, purse, pin) = (OrderNumber(1), Purse::Ep, Some(Pin::from_digits(Sample::PIN)?));
    let order = RechargeOrder { number, enterprise, purse, key_id: 1, amount, moment, pin };
    let mut taps = vec![recharge(&mut card, &mut till.sam, &mut till.journal, &order)?];
    taps.push(till.sell(&mut card, 2, 1_250, moment)?);
    taps.push(till.sell(&mut card, 3, 6_250, moment)?);
    taps.push(till.take_back(&mut card, 4, 3, moment)?);
    till.blacklist.receive(&list.whole(ListVersion(moment.to_bytes()), [serial])?)?;
    taps.push(till.sell(&mut card, 5, 100, moment)?);
    Ok(taps)
}

fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    for tap in day(folder.path())? {
        match tap.outcome {
            Outcome::Committed(receipt) => println!("{receipt}\n{}\n", receipt.text(Language::Chinese)),
            Outcome::NotCommitted(reason) => println!("{reason}\n{}\n", reason.text(Language::Chinese)),
            Outcome::Unknown(in_doubt) => println!("{in_doubt}\n{}\n", in_doubt.text(Language::Chinese)),
        }
    }
    Ok(())
}

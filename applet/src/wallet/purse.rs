//! A purse in memory, and the only place a balance changes.
//!
//! The purse is a ring of eight cells, each on a page of its own. Each transaction writes the next: the balance and
//! sequences after it, the day's account, and what GET TRANSACTION PROVE needs of it. So the ring is balance, wear
//! levelling and proofs of the last eight at once. The cell, the log record, the proof of a load and the cached records of
//! a compound purchase go into one journal transaction.

use onecard_wire::{
    amount::Amount,
    date::Moment,
    layout::{Reader, Writer},
    number::TerminalNumber,
    record::LogRecord,
    status::StatusWord,
    wallet::{OverdraftLimit, Proof, Purse, TransactionType},
};

use super::{
    account::{Account, account_at},
    capp::CACHE_MAX,
    pending::PendingLoad,
    transaction_mac::Order,
};
use crate::{
    cos::Cos,
    failure::Failure,
    fs::{
        File, PurseFiles,
        record::{cyclic_ring, stage_cyclic},
    },
    nvm::{
        Journal, Memory, PAGE_SIZE, Transaction,
        ring::{Cell, GENERATION_LEN, Ring},
    },
    platform::Platform,
};

/// Transactions whose proofs a purse keeps.
const CELLS: usize = 8;
const CELL_LEN: usize = GENERATION_LEN + Content::LEN + Account::LEN + Proven::LEN;
const LAST_LOAD_AT: usize = CELLS * PAGE_SIZE;

/// Bytes a purse takes in memory.
pub(crate) const PURSE_FILE_LEN: usize = PENDING_AT + PendingLoad::LEN;
/// A load begun over the air, behind the proof of the last load.
const PENDING_AT: usize = LAST_LOAD_AT + Proven::LEN;

const LOG_CELL_LEN: usize = GENERATION_LEN + LogRecord::LEN;
const _: () = assert!(CELL_LEN <= PAGE_SIZE);
const _: () = assert!(
    CACHE_MAX + CELL_LEN + LOG_CELL_LEN + 2 * Transaction::WRITE_HEADER_LEN <= Transaction::ROOM,
    "a compound purchase is one transaction"
);

/// Balance, sequences, and the day's account as this purse last knew it.
#[derive(Clone, Copy)]
pub(crate) struct Content {
    pub(crate) balance: Amount,
    pub(crate) online_sequence: u16,
    pub(crate) offline_sequence: u16,
    pub(crate) overdraft: OverdraftLimit,
    pub(super) account: Account,
}

impl Content {
    /// The balance after `order`.
    ///
    /// # Errors
    /// 9401 if there is too little to pay it, 6985 if a purse does not hold that much, or so little: credit in use is not
    /// withdrawn.
    pub(super) fn balance_after(&self, order: &Order) -> Result<Amount, StatusWord> {
        match order.transaction_type {
            TransactionType::LOAD_ED | TransactionType::LOAD_EP | TransactionType::UNDO => {
                self.balance.plus(order.amount).ok_or(StatusWord::CONDITIONS_NOT_SATISFIED)
            }
            TransactionType::OVERDRAFT => {
                let money = i64::from(self.balance.fen()) - i64::from(self.overdraft.amount().fen());
                let balance = u32::try_from(money + i64::from(order.amount.fen()));
                balance.map(Amount::from_fen).map_err(|_| StatusWord::CONDITIONS_NOT_SATISFIED)
            }
            // What is paid out is the holder's own money, not the limit.
            TransactionType::UNLOAD_ED => {
                let own = self.balance.minus(self.overdraft.amount()).unwrap_or(Amount::ZERO);
                let enough = order.amount <= own;
                self.balance.minus(order.amount).filter(|_| enough).ok_or(StatusWord::BALANCE_TOO_LOW)
            }
            _ => self.balance.minus(order.amount).ok_or(StatusWord::BALANCE_TOO_LOW),
        }
    }

    /// The sequence that a transaction of this type moves on.
    pub(super) const fn sequence(&self, transaction_type: TransactionType) -> u16 {
        if transaction_type.is_online() { self.online_sequence } else { self.offline_sequence }
    }

    /// # Errors
    /// 9402 if it cannot go on.
    pub(super) fn next_sequence(&self, transaction_type: TransactionType) -> Result<u16, StatusWord> {
        self.sequence(transaction_type).checked_add(1).ok_or(StatusWord::COUNTER_AT_MAXIMUM)
    }

    /// Without the account.
    const LEN: usize = 11;
    /// A purse just created.
    const EMPTY: Self = Self {
        balance: Amount::ZERO,
        online_sequence: 0,
        offline_sequence: 0,
        overdraft: OverdraftLimit([0; 3]),
        account: Account::NONE,
    };
}

/// What can be proven of a transaction.
#[derive(Clone, Copy)]
pub(super) struct Proven {
    pub(super) transaction_type: TransactionType,
    /// After the increment.
    pub(super) sequence: u16,
    pub(super) proof: Proof,
    /// With the terminal: what an undo must match.
    amount: Amount,
    terminal: TerminalNumber,
}

impl Proven {
    const LEN: usize = 21;

    fn parse(reader: &mut Reader<'_>) -> Option<Self> {
        Some(Self {
            transaction_type: TransactionType(reader.u8()?),
            sequence: reader.u16()?,
            proof: Proof { mac: reader.array()?, tac: reader.array()? },
            amount: Amount::from_bytes(reader.array()?),
            terminal: TerminalNumber(reader.array()?),
        })
    }

    fn emit(&self) -> [u8; Self::LEN] {
        Writer::new()
            .u8(self.transaction_type.0)
            .u16(self.sequence)
            .put(&self.proof.emit())
            .put(&self.amount.to_bytes())
            .put(&self.terminal.0)
            .finish()
    }
}

/// A purse as found.
pub(crate) struct OpenPurse {
    pub(super) files: PurseFiles,
    newest: Option<Cell>,
    pub(crate) content: Content,
}

impl OpenPurse {
    /// Transactions the purse has completed; moves with each.
    pub(super) fn generation(&self) -> u32 {
        self.newest.map_or(0, |cell| cell.generation)
    }
}

impl<P: Platform> Cos<'_, P> {
    /// # Errors
    /// 6A82 if the directory has no such purse, 6982 if its use right is not met.
    pub(crate) fn open_purse(&self, purse: Purse) -> Result<OpenPurse, StatusWord> {
        let files = *self.session.directory.purse(purse).ok_or(StatusWord::FILE_NOT_FOUND)?;
        self.session.require(files.purse.first_right)?;
        let newest = ring(&files).newest(self.nvm);
        let content = content_of(self.nvm, &files);
        Ok(OpenPurse { files, newest, content: content.ok_or(StatusWord::INTERNAL_ERROR)? })
    }

    /// What INITIALIZE asks of the purse itself.
    ///
    /// # Errors
    /// 9406 if an undo names anything but the last transaction; of [`Content::balance_after`].
    pub(super) fn require_possible(&self, purse: &OpenPurse, order: &Order) -> Result<(), StatusWord> {
        match order.transaction_type {
            // The new limit comes with the second command.
            TransactionType::OVERDRAFT => Ok(()),
            TransactionType::UNDO if !self.is_last_purchase(purse, order) => Err(StatusWord::NO_MAC_AVAILABLE),
            _ => purse.content.balance_after(order).map(drop),
        }
    }

    /// Whether the purse's last transaction is a plain purchase of that amount at that terminal.
    fn is_last_purchase(&self, purse: &OpenPurse, order: &Order) -> bool {
        let last = purse.newest.and_then(|cell| proven_at(self.nvm, proven_address(&purse.files, cell)));
        last.is_some_and(|last| {
            last.transaction_type == TransactionType::PURCHASE_EP
                && last.amount == order.amount
                && last.terminal == order.terminal
        })
    }

    /// Moves the balance, the sequence, the account, the log and the proof, and what `transaction` already holds, all
    /// together. Everything but the MAC is checked here.
    ///
    /// # Errors
    /// 6985 if a limit refuses it, 9401, 9402; nothing has changed.
    pub(super) fn complete(
        &mut self,
        purse: &OpenPurse,
        order: &Order,
        moment: Moment,
        proof: Proof,
        mut transaction: Transaction,
    ) -> Result<(), Failure> {
        let Order { amount, transaction_type, terminal } = *order;
        let account = self.account_after(purse, order, moment.date)?;
        let sequence = purse.content.next_sequence(transaction_type)?;
        let mut content = Content { balance: purse.content.balance_after(order)?, account, ..purse.content };
        if transaction_type.is_online() {
            content.online_sequence = sequence;
        } else {
            content.offline_sequence = sequence;
        }
        if transaction_type == TransactionType::OVERDRAFT {
            content.overdraft = OverdraftLimit::from_amount(amount).ok_or(StatusWord::INTERNAL_ERROR)?;
        }
        let proven = Proven { transaction_type, sequence, proof, amount, terminal };
        stage_cell(purse, &content, &proven, &mut transaction)?;
        if is_load(transaction_type) {
            transaction.write(purse.files.purse.body() + LAST_LOAD_AT, &proven.emit())?;
        }
        if let Some(log) = log_of(&purse.files) {
            let Moment { date, time } = moment;
            let overdraft = content.overdraft;
            let record = LogRecord { sequence, overdraft, amount, transaction_type, terminal, date, time };
            stage_cyclic(self.nvm, &log, &record.emit(), &mut transaction)?;
        }
        Ok(self.nvm.commit(transaction)?)
    }

    /// The transaction of this kind and sequence, if it is one of the last eight, or the last load.
    pub(super) fn find_proven(&self, purse: &OpenPurse, wanted: impl Fn(&Proven) -> bool) -> Option<Proven> {
        let ring = ring(&purse.files);
        let last_eight = (0..CELLS).filter_map(|back| {
            let cell = ring.before(purse.newest?, back)?;
            proven_at(self.nvm, proven_address(&purse.files, cell))
        });
        let last_load = proven_at(self.nvm, purse.files.purse.body() + LAST_LOAD_AT);
        last_eight.chain(last_load).find(wanted)
    }
}

/// The purse's log, if it is a file of log records.
fn log_of(files: &PurseFiles) -> Option<File> {
    files.log.filter(|log| cyclic_ring(log).is_some_and(|(_, length)| length == LogRecord::LEN))
}

fn ring(files: &PurseFiles) -> Ring {
    Ring { address: files.purse.body(), cell_len: PAGE_SIZE, cells: CELLS }
}

/// Balance, sequences and account as the purse's newest cell has them, whatever its use right.
pub(super) fn content_of<M: Memory>(nvm: &Journal<M>, files: &PurseFiles) -> Option<Content> {
    let ring = ring(files);
    let Some(cell) = ring.newest(nvm) else { return Some(Content::EMPTY) };
    let bytes = nvm.array::<{ Content::LEN + Account::LEN }>(ring.content(cell));
    let mut reader = Reader::new(&bytes);
    Some(Content {
        balance: Amount::from_bytes(reader.array()?),
        online_sequence: reader.u16()?,
        offline_sequence: reader.u16()?,
        overdraft: OverdraftLimit(reader.array()?),
        account: Account::parse(&reader.array()?)?,
    })
}

/// The account as a purse last knew it, whatever its use right.
pub(super) fn account_in_purse<M: Memory>(nvm: &Journal<M>, files: Option<&PurseFiles>) -> Account {
    files
        .and_then(|files| {
            let ring = ring(files);
            account_at(nvm, ring.content(ring.newest(nvm)?) + Content::LEN)
        })
        .unwrap_or(Account::NONE)
}

/// Where a purse keeps a load begun over the air.
pub(super) const fn pending_address(files: &PurseFiles) -> usize {
    files.purse.body() + PENDING_AT
}

fn proven_address(files: &PurseFiles, cell: Cell) -> usize {
    ring(files).content(cell) + Content::LEN + Account::LEN
}

fn stage_cell(
    purse: &OpenPurse,
    content: &Content,
    proven: &Proven,
    transaction: &mut Transaction,
) -> Result<(), StatusWord> {
    let ring = ring(&purse.files);
    let cell = ring.next(purse.newest);
    let bytes: [u8; CELL_LEN] = Writer::new()
        .u32(cell.generation)
        .put(&content.balance.to_bytes())
        .u16(content.online_sequence)
        .u16(content.offline_sequence)
        .put(&content.overdraft.0)
        .put(&content.account.emit())
        .put(&proven.emit())
        .finish();
    transaction.write(ring.address(cell), &bytes)
}

fn proven_at<M: Memory>(nvm: &Journal<M>, address: usize) -> Option<Proven> {
    Proven::parse(&mut Reader::new(&nvm.array::<{ Proven::LEN }>(address)))
}

const fn is_load(transaction_type: TransactionType) -> bool {
    matches!(transaction_type, TransactionType::LOAD_ED | TransactionType::LOAD_EP)
}

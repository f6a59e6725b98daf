//! Day and spent of EF 0017, the card's own account of what was spent today (own, profile §3.1).
//!
//! It changes with nearly every transaction, so it has no place of its own, which would wear out first: each cell of
//! both purses carries it, and so does EF 0017 behind its 36 bytes. The newest counts.

use onecard_wire::{
    amount::Amount,
    date::Date,
    layout::{Reader, Writer},
    record::Parameters,
    status::StatusWord,
    wallet::{Purse, TransactionType},
};

use super::{
    Order,
    purse::{OpenPurse, account_in_purse},
};
use crate::{
    cos::Cos,
    fs::{Directory, File},
    nvm::{Journal, Memory, Transaction},
    platform::Platform,
};

/// Bytes EF 0017 takes in memory: its content, whose day and spent are the first bytes of an account, and the rest of it.
pub(crate) const PARAMETERS_FILE_LEN: usize = Parameters::DAY_AT + Account::LEN;

/// What was spent on which day.
#[derive(Clone, Copy)]
pub(super) struct Account {
    today: DaySum,
    /// The last other day on which anything was spent. A wrong clock, or the load that heals it, can bring that day back:
    /// it then goes on where it was, or its limit would be given twice.
    left: DaySum,
    /// Moves on with each change: the greatest is the newest.
    generation: u32,
    /// The generation with which the day began or was gone back to: an undo of what is older is not taken off.
    began: u32,
}

#[derive(Clone, Copy)]
struct DaySum {
    /// BCD; zero before the first.
    day: [u8; 4],
    spent: Amount,
}

impl Account {
    pub(super) const LEN: usize = 2 * DaySum::LEN + 8;
    /// Before the first transaction.
    pub(super) const NONE: Self = Self { today: DaySum::NONE, left: DaySum::NONE, generation: 0, began: 0 };

    pub(super) fn parse(bytes: &[u8; Self::LEN]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        Some(Self {
            today: DaySum::parse(&mut reader)?,
            left: DaySum::parse(&mut reader)?,
            generation: reader.u32()?,
            began: reader.u32()?,
        })
    }

    pub(super) fn emit(&self) -> [u8; Self::LEN] {
        let days = Writer::new().put(&self.today.emit()).put(&self.left.emit());
        days.u32(self.generation).u32(self.began).finish()
    }

    /// The card's day, BCD; zero before the first.
    pub(super) const fn day(&self) -> [u8; 4] {
        self.today.day
    }

    fn newer(self, other: Self) -> Self {
        if other.generation > self.generation { other } else { self }
    }

    /// After a purchase: a later date moves the day on, any other counts into it, so a clock turned back gains nothing.
    fn after_purchase(self, date: Date, amount: Amount) -> Self {
        let moved = if date.to_bytes() > self.today.day { self.moved_to(date.to_bytes()) } else { self };
        let spent = moved.today.spent.plus(amount).unwrap_or(Amount::from_fen(u32::MAX));
        Self { generation: self.next_generation(), ..moved.with_spent(spent) }
    }

    /// After a load: its date is the day, later or earlier, which heals a terminal's clock that ran ahead.
    fn after_load(self, date: Date) -> Self {
        if date.to_bytes() == self.today.day { self } else { self.moved_to(date.to_bytes()) }
    }

    /// After an undo of the purchase that left `purchase` behind: taken off, if both belong to this day.
    fn after_undo(self, date: Date, amount: Amount, purchase: Self) -> Self {
        let counted = purchase.generation >= self.began && purchase.generation != 0;
        if !counted || date.to_bytes() != self.today.day {
            return self;
        }
        let spent = self.today.spent.minus(amount).unwrap_or(Amount::ZERO);
        Self { generation: self.next_generation(), ..self.with_spent(spent) }
    }

    /// A day new to the card begins from nothing, the one it left goes on.
    fn moved_to(self, day: [u8; 4]) -> Self {
        let generation = self.next_generation();
        let today = if day == self.left.day { self.left } else { DaySum { day, spent: Amount::ZERO } };
        // A load can pass through a day on which nothing is spent: it pushes none out.
        let left = if self.today.spent == Amount::ZERO { self.left } else { self.today };
        Self { today, left, generation, began: generation }
    }

    /// Nothing is known of any day any more.
    fn cleared(self) -> Self {
        let generation = self.next_generation();
        Self { generation, began: generation, ..Self::NONE }
    }

    fn with_spent(self, spent: Amount) -> Self {
        Self { today: DaySum { spent, ..self.today }, ..self }
    }

    const fn next_generation(self) -> u32 {
        self.generation.saturating_add(1)
    }
}

impl DaySum {
    const LEN: usize = 8;
    const NONE: Self = Self { day: [0; 4], spent: Amount::ZERO };

    fn parse(reader: &mut Reader<'_>) -> Option<Self> {
        Some(Self { day: reader.array()?, spent: Amount::from_bytes(reader.array()?) })
    }

    fn emit(&self) -> [u8; Self::LEN] {
        Writer::new().put(&self.day).put(&self.spent.to_bytes()).finish()
    }
}

impl<P: Platform> Cos<'_, P> {
    /// The account after `order`, its date and sum allowed.
    ///
    /// # Errors
    /// 6985 if EF 0015 or EF 0017 refuses it.
    pub(super) fn account_after(&self, purse: &OpenPurse, order: &Order, date: Date) -> Result<Account, StatusWord> {
        let Some(limits) = self.limits() else {
            return Ok(purse.content.account);
        };
        limits.permit(order, purse.content.balance, self.session.pin_verified())?;
        let beside = account_in_purse(self.nvm, self.session.directory.purse(other(order)));
        let account = self.account_in_file().newer(purse.content.account).newer(beside);
        Ok(match order.transaction_type {
            TransactionType::LOAD_ED | TransactionType::LOAD_EP => account.after_load(date),
            TransactionType::UNDO => account.after_undo(date, order.amount, purse.content.account),
            TransactionType::UNLOAD_ED | TransactionType::UNLOAD_EP | TransactionType::OVERDRAFT => account,
            _ => {
                let after = account.after_purchase(date, order.amount);
                limits.permit_on(date, account.today.day)?;
                limits.permit_total(after.today.spent)?;
                after
            }
        })
    }

    /// Puts day and spent, which a purse may know newer, over `data` read from `file` at `offset`, if that is EF 0017.
    pub(crate) fn show_account(&self, file: &File, offset: usize, data: &mut [u8]) {
        if !self.keeps_account_in(file) {
            return;
        }
        let shown = self.newest_account().today.emit();
        for (at, byte) in (offset..).zip(data) {
            if let Some(newest) = at.checked_sub(Parameters::DAY_AT).and_then(|at| shown.get(at)) {
                *byte = *newest;
            }
        }
    }

    /// A write to EF 0017 that touches day or spent clears both: stages that behind the write of `length` bytes.
    pub(crate) fn stage_clearing(
        &self,
        file: &File,
        offset: usize,
        length: usize,
        transaction: &mut Transaction,
    ) -> Result<(), StatusWord> {
        if offset + length <= Parameters::DAY_AT || !self.keeps_account_in(file) {
            return Ok(());
        }
        let cleared = self.newest_account().cleared();
        transaction.write(file.body() + Parameters::DAY_AT, &cleared.emit())
    }

    fn keeps_account_in(&self, file: &File) -> bool {
        let parameters = self.session.directory.parameters.as_ref();
        parameters.is_some_and(|parameters| parameters.body() == file.body()) && self.limits().is_some()
    }

    fn newest_account(&self) -> Account {
        newest_account(self.nvm, &self.session.directory)
    }

    fn account_in_file(&self) -> Account {
        account_in_file(self.nvm, &self.session.directory)
    }
}

/// The newest account of an application.
pub(super) fn newest_account<M: Memory>(nvm: &Journal<M>, directory: &Directory) -> Account {
    [Purse::Ed, Purse::Ep]
        .map(|purse| account_in_purse(nvm, directory.purse(purse)))
        .into_iter()
        .fold(account_in_file(nvm, directory), Account::newer)
}

fn account_in_file<M: Memory>(nvm: &Journal<M>, directory: &Directory) -> Account {
    let parameters = directory.parameters.as_ref();
    parameters.and_then(|file| account_at(nvm, file.body() + Parameters::DAY_AT)).unwrap_or(Account::NONE)
}

/// The account at an address.
pub(super) fn account_at<M: Memory>(nvm: &Journal<M>, address: usize) -> Option<Account> {
    Account::parse(&nvm.array(address))
}

/// The purse `order` is not about.
fn other(order: &Order) -> Purse {
    match order.transaction_type.purse() {
        Some(Purse::Ep) => Purse::Ed,
        _ => Purse::Ep,
    }
}

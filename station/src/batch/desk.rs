//! What the readers share: journal, numbers, which row is next.

use std::{
    collections::{BTreeSet, VecDeque},
    path::Path,
};

use onecard_host::disk::{Disk, DiskFile};

use super::{
    BatchError, BatchJournal, Books, Call, Entry, Event, Fate, Job, Numbered, Order, Surroundings, Unfinished,
};
use crate::numbers::{Block, Claim, Number, NumberError, Series, reserve};

/// The desk in the middle.
pub(super) struct Desk<'d, D: Disk> {
    journal: BatchJournal<D::File>,
    rows: &'d [u64],
    series: &'d Series,
    ledger: &'d Path,
    list: String,
    new_ledger: bool,
    list_again: bool,
    around: &'d Surroundings<'d, D>,
    /// Rows before this one have a number, or had one.
    next: usize,
    /// Rows whose card was spoilt or did not come back.
    again: BTreeSet<u64>,
    /// Numbers that a card in one of the readers has.
    in_hand: BTreeSet<Number>,
    free: VecDeque<Block>,
    failures: u32,
    stopped: bool,
}

impl<'d, D: Disk> Desk<'d, D>
where
    D::File: DiskFile,
{
    /// Takes every number that the batch's rows will need.
    pub(super) fn open(
        order: &Order<'d>,
        journal: BatchJournal<D::File>,
        around: &'d Surroundings<'d, D>,
    ) -> Result<Self, BatchError> {
        let mut desk = Self {
            journal,
            rows: order.rows,
            series: order.series,
            ledger: order.ledger,
            list: order.list.clone(),
            new_ledger: order.new_ledger,
            list_again: order.list_again,
            around,
            next: 0,
            again: BTreeSet::new(),
            in_hand: BTreeSet::new(),
            free: VecDeque::new(),
            failures: 0,
            stopped: false,
        };
        desk.find_free(0)?;
        let waiting = order.rows.iter().filter(|row| desk.books().row(**row).is_none()).count() as u64;
        let free = desk.free.iter().map(|block| block.count).sum();
        if let Some(wanted) = waiting.checked_sub(free).filter(|wanted| *wanted > 0) {
            desk.find_free(wanted)?;
        }
        order.give_up.iter().try_for_each(|number| desk.give_up(*number))?;
        Ok(desk)
    }

    pub(super) fn books(&self) -> &Books {
        self.journal.replayed()
    }

    pub(super) fn into_journal(self) -> BatchJournal<D::File> {
        self.journal
    }

    pub(super) const fn stopped(&self) -> bool {
        self.stopped
    }

    /// Rows without a good card.
    pub(super) fn missing_rows(&self) -> u64 {
        self.rows.len() as u64 - self.books().stock().good
    }

    /// Which card is wanted next; `None`: none.
    pub(super) fn call(&mut self) -> Option<Call> {
        if self.stopped {
            return None;
        }
        if let Some(row) = self.waiting_row() {
            // A card that was begun before comes first: it is in the reader, or was just taken out of it.
            let begun = self.begun_rows();
            return Some(if begun.is_empty() { Call::Blank { row } } else { Call::Begun { rows: begun } });
        }
        let rows = self.begun_rows();
        (!rows.is_empty()).then_some(Call::Begun { rows })
    }

    /// Numbers that may be on a card which no other reader has; `held` is the asking reader's own.
    pub(super) fn unfinished(&self, held: Option<&Job>) -> Unfinished {
        let held = held.map(|job| job.number);
        let may_be_on_it = |number: &Number| Some(*number) == held || !self.in_hand.contains(number);
        let (begun, void) = (self.books().begun().rev(), self.books().void());
        Unfinished::new(begun.filter(may_be_on_it).collect(), void.filter(may_be_on_it).collect())
    }

    /// The numbers of the cards that are wanted for these rows, as text: the rows' own, or the next new one.
    pub(super) fn serials_wanted(&self, rows: &[u64]) -> Vec<String> {
        let next = || self.free.front().map(|block| block.first);
        let number = |row: &u64| self.books().row(*row).or_else(next);
        rows.iter().filter_map(number).filter_map(|number| self.serial(number)).collect()
    }

    /// Takes a number that was begun, for the reader whose card has its keys and which may hold it already; `None`: another reader
    /// has it.
    pub(super) fn take_begun(&mut self, number: Number, held: Option<&Job>) -> Option<Job> {
        let numbered = self.books().number(number).filter(|numbered| numbered.fate == Fate::Begun)?;
        let serial = self.series.serial(number)?;
        let is_free = self.in_hand.insert(number) || held.is_some_and(|job| job.number == number);
        is_free.then_some(Job { row: numbered.row, number, serial })
    }

    /// Gives a blank card to a row, with a new number, durably. Rows without a card come first; then the number of a card that
    /// did not come back is given up. `None`: no row needs it.
    pub(super) fn assign(&mut self) -> Result<Option<Job>, BatchError> {
        let row = match self.waiting_row() {
            Some(row) => row,
            None => match self.give_one_up()? {
                Some(row) => row,
                None => return Ok(None),
            },
        };
        let number = self.next_number()?;
        let serial = self.series.serial(number).ok_or_else(|| self.used_up())?;
        self.record(&Entry::Started { at: self.now(), row, number, serial: serial.to_string() })?;
        self.again.remove(&row);
        self.in_hand.insert(number);
        Ok(Some(Job { row, number, serial }))
    }

    /// The card is good, durably.
    pub(super) fn good(&mut self, job: &Job) -> Result<(), BatchError> {
        self.record(&Entry::Good { at: self.now(), number: job.number })?;
        self.in_hand.remove(&job.number);
        self.failures = 0;
        Ok(())
    }

    /// The card is spoilt, durably; its row gets another.
    pub(super) fn bad(&mut self, reader: &str, job: Option<&Job>, why: &str) -> Result<(), BatchError> {
        let number = job.map(|job| job.number);
        let reader = number.is_none().then(|| reader.to_owned());
        self.record(&Entry::Bad { at: self.now(), number, reader, why: why.to_owned() })?;
        if let Some(job) = job {
            self.in_hand.remove(&job.number);
            self.again.insert(job.row);
        }
        Ok(())
    }

    /// The card of a number that was given up is put to the spoilt ones, durably; returns the row that the number was for.
    pub(super) fn void(&mut self, number: Number, why: &str) -> Result<Option<u64>, BatchError> {
        self.record(&Entry::Bad { at: self.now(), number: Some(number), reader: None, why: why.to_owned() })?;
        Ok(self.books().number(number).map(|numbered| numbered.row))
    }

    /// No spoilt card without a number is in that reader any more, durably.
    pub(super) fn put_aside(&mut self, reader: &str) -> Result<(), BatchError> {
        if !self.books().has_nameless(reader) {
            return Ok(());
        }
        self.record(&Entry::PutAside { at: self.now(), reader: reader.to_owned() })
    }

    /// The card was taken out unfinished.
    pub(super) fn let_go(&mut self, job: &Job) {
        self.in_hand.remove(&job.number);
    }

    /// What a number of the series becomes, as text.
    pub(super) fn serial(&self, number: Number) -> Option<String> {
        self.series.serial(number).map(|serial| serial.to_string())
    }

    /// Counts a failure; whether the batch stops by it.
    pub(super) fn failed(&mut self, max: u32) -> bool {
        self.failures += 1;
        self.stopped |= self.failures >= max;
        self.stopped
    }

    /// No card can help.
    pub(super) fn stop(&mut self) {
        self.stopped = true;
    }

    fn waiting_row(&mut self) -> Option<u64> {
        if let Some(row) = self.again.first() {
            return Some(*row);
        }
        while let Some(row) = self.rows.get(self.next) {
            if self.books().row(*row).is_none() {
                return Some(*row);
            }
            self.next += 1;
        }
        None
    }

    fn begun_rows(&self) -> Vec<u64> {
        let begun = self.books().begun().filter(|number| !self.in_hand.contains(number));
        begun.filter_map(|number| self.books().number(number)).map(|numbered| numbered.row).collect()
    }

    fn give_one_up(&mut self) -> Result<Option<u64>, BatchError> {
        let Some(number) = self.books().begun().find(|number| !self.in_hand.contains(number)) else { return Ok(None) };
        let Some(numbered) = self.books().number(number) else { return Ok(None) };
        self.record_given_up(numbered.row, number)?;
        Ok(Some(numbered.row))
    }

    /// Somebody says that its card is lost: one that was begun, or that would be the next.
    fn give_up(&mut self, number: Number) -> Result<(), BatchError> {
        let refused = |why| Err(BatchError::NotGivenUp { number, why });
        let row = match self.books().number(number) {
            Some(Numbered { fate: Fate::GivenUp | Fate::Bad, .. }) => return Ok(()),
            Some(Numbered { fate: Fate::Good, .. }) => return refused("its card is good"),
            Some(Numbered { fate: Fate::Begun, row }) => row,
            None if self.free.front().map(|block| block.first) != Some(number) => {
                return refused("it is neither begun nor the next of this batch");
            }
            // Without a row that waits for it, nobody asks for its card.
            None if self.waiting_row().is_none() => return refused("no row waits for a card"),
            None => match self.assign()? {
                Some(job) => {
                    self.let_go(&job);
                    job.row
                }
                None => return Ok(()),
            },
        };
        self.record_given_up(row, number)?;
        self.again.insert(row);
        Ok(())
    }

    fn record_given_up(&mut self, row: u64, number: Number) -> Result<(), BatchError> {
        self.record(&Entry::GivenUp { at: self.now(), number })?;
        let serial = self.series.serial(number).map(|serial| serial.to_string()).unwrap_or_default();
        (self.around.tell)(Event::GivenUp { row, serial });
        Ok(())
    }

    fn next_number(&mut self) -> Result<Number, BatchError> {
        /// A spoilt card costs a number; so many are taken at once, that not each costs a write of the ledger.
        const SPARE: u64 = 8;
        if self.free.is_empty() {
            self.find_free(SPARE).or_else(|_| self.find_free(1))?;
        }
        let used_up = self.used_up();
        let block = self.free.front_mut().ok_or(used_up)?;
        let number = block.first;
        (block.first, block.count) = (Number(number.0 + 1), block.count - 1);
        if block.count == 0 {
            self.free.pop_front();
        }
        Ok(number)
    }

    /// Takes `wanted` numbers more, and finds what the batch has and has not used.
    fn find_free(&mut self, wanted: u64) -> Result<(), BatchError> {
        let batch = self.books().identity().map(|identity| identity.batch.clone()).unwrap_or_default();
        let &mut Self { series, list_again, .. } = self;
        // A batch that has numbers has a ledger: one that is missing was lost, and is not begun in its place.
        let new_ledger = self.new_ledger && self.books().numbers().next().is_none();
        let claim = Claim { series, batch: &batch, list: &self.list, new_ledger, list_again };
        let blocks = reserve(self.around.disk, self.ledger, &claim, wanted)?;
        let is_given = |number| blocks.iter().any(|block| block.contains(number));
        if let Some((number, _)) = self.books().numbers().find(|(number, _)| !is_given(*number)) {
            return Err(NumberError::NotGiven { file: self.ledger.display().to_string(), number }.into());
        }
        self.free = blocks
            .into_iter()
            .filter_map(|block| {
                let end = block.first.0 + block.count;
                // Numbers are used in their order, so those of a block that are used stand in front.
                let first = self.books().last_within(block.first, Number(end)).map_or(block.first.0, |last| last.0 + 1);
                (first < end).then(|| Block { first: Number(first), count: end - first, ..block })
            })
            .collect();
        Ok(())
    }

    fn used_up(&self) -> NumberError {
        let file = self.ledger.display().to_string();
        NumberError::UsedUp { file, wanted: 1, left: 0, last: self.series.last }
    }

    fn record(&mut self, entry: &Entry) -> Result<(), BatchError> {
        Ok(self.journal.record(entry)?)
    }

    fn now(&self) -> String {
        (self.around.clock)()
    }
}

#[cfg(test)]
mod tests;

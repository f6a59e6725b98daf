//! One turn's writes, which count together or not at all.

use onecard_host::over_the_air::{PacketCounter, SetVersion};
use onecard_wire::uicc;
use rusqlite::{Connection, Row, Transaction, TransactionBehavior, params};

use super::{
    CampaignId, Card, SetCipher, StoreError, TaskId,
    precedence::{other_goes_first, other_waits_to_issue, release},
};
use crate::campaign::{
    flow::{Ending, Flow, Outcome},
    settings::Settings,
    time::UnixMillis,
};

/// A transaction of the store.
#[derive(Debug)]
pub(in crate::campaign) struct Writing<'s> {
    pub(super) transaction: Transaction<'s>,
}

/// A campaign that may send.
#[derive(Clone, Copy, Debug)]
pub(in crate::campaign) struct Running {
    pub(in crate::campaign) id: CampaignId,
    pub(in crate::campaign) settings: Settings,
}

/// A task that something is to be done for.
#[derive(Debug)]
pub(in crate::campaign) struct Due {
    pub(in crate::campaign) task: TaskId,
    pub(in crate::campaign) card: Card,
    pub(in crate::campaign) flow: Flow,
    pub(in crate::campaign) misses: u32,
    pub(in crate::campaign) what: DueFor,
}

/// What a task is due for.
#[derive(Debug)]
pub(in crate::campaign) enum DueFor {
    /// Its next packet.
    Packet,
    /// Nothing came back of this one, which has gone out so often.
    Proof { packet: PacketOut, sends: u32 },
    /// Judging what came back.
    Judgement { packet: PacketOut, proof: Vec<u8> },
}

/// A packet that has gone out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in crate::campaign) struct PacketOut {
    pub(in crate::campaign) counter: PacketCounter,
    pub(in crate::campaign) bytes: Vec<u8>,
}

/// A task whose packet is out.
#[derive(Debug)]
pub(in crate::campaign) struct Out {
    pub(in crate::campaign) task: TaskId,
    pub(in crate::campaign) settings: Settings,
    pub(in crate::campaign) card: Card,
    pub(in crate::campaign) flow: Flow,
    pub(in crate::campaign) packet: PacketOut,
}

/// A task that another one was ordered behind.
#[derive(Debug)]
pub(in crate::campaign) struct Before {
    pub(in crate::campaign) task: TaskId,
    pub(in crate::campaign) flow: Flow,
    /// No packet was made for it ever. One that is resumed has had some.
    pub(in crate::campaign) is_untouched: bool,
}

const READY: i64 = 0;
const OUT: i64 = 1;
const ASKING: i64 = 2;
const ENDED: i64 = 3;

/// What of a card is read, in this order.
pub(super) const CARD_COLUMNS: &str = "card.id, card.iccid, card.phone, card.key_set, card.cipher";

/// What of a task and its card is read in every query, in this order.
const TASK_COLUMNS: &str = "task.id, task.flow, task.misses, card.id, card.iccid, card.phone, card.key_set, card.cipher, task.counter, task.packet";

impl<'s> Writing<'s> {
    pub(super) fn begin(connection: &'s mut Connection) -> Result<Self, StoreError> {
        Ok(Self { transaction: connection.transaction_with_behavior(TransactionBehavior::Immediate)? })
    }

    /// From here on it is on the disk.
    pub(in crate::campaign) fn commit(self) -> Result<(), StoreError> {
        Ok(self.transaction.commit()?)
    }

    /// The campaigns that are not paused.
    pub(in crate::campaign) fn running(&self) -> Result<Vec<Running>, StoreError> {
        let mut statement =
            self.transaction.prepare_cached("SELECT id, settings FROM campaign WHERE paused = 0 ORDER BY id")?;
        let rows = statement.query_map([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?)))?;
        let running = |row: rusqlite::Result<(i64, String)>| {
            let (id, settings) = row?;
            Ok(Running { id: CampaignId(id), settings: parsed(&settings, "settings", id)? })
        };
        rows.map(running).collect()
    }

    /// At most `limit` tasks of the campaign that something is to be done for, one of each card; none that waits for another of its
    /// card: one under way, or one that was ordered before and is due.
    pub(in crate::campaign) fn due(
        &self,
        campaign: CampaignId,
        now: UnixMillis,
        limit: usize,
    ) -> Result<Vec<Due>, StoreError> {
        let mut statement = self.transaction.prepare_cached(&due_query())?;
        let mut rows = statement.query(params![campaign.0, now.0, limit.try_into().unwrap_or(i64::MAX)])?;
        let mut due = Vec::new();
        while let Some(row) = rows.next()? {
            let (task, card, flow, misses) = task_of(row)?;
            let what = match row.get::<_, i64>(10)? {
                READY => DueFor::Packet,
                OUT => DueFor::Proof { packet: packet_of(row, task)?, sends: row.get(11)? },
                _ => DueFor::Judgement { packet: packet_of(row, task)?, proof: row.get(12)? },
            };
            due.push(Due { task, card, flow, misses, what });
        }
        Ok(due)
    }

    /// The first moment from `now` on at which [`Self::due`] has something while messages may go out.
    pub(in crate::campaign) fn next_due(
        &self,
        campaign: &Running,
        now: UnixMillis,
    ) -> Result<Option<UnixMillis>, StoreError> {
        let mut due_later = self.transaction.prepare_cached(DUE_LATER)?;
        let mut is_due = self.transaction.prepare_cached(&is_due_query())?;
        let mut after = i64::MIN;
        while let Some(due) = due_later.query_row([campaign.id.0, after], |row| row.get::<_, Option<i64>>(0))? {
            let at = campaign.settings.opens(UnixMillis(due).max(now));
            if is_due.query_row([campaign.id.0, at.0], |row| row.get(0))? {
                return Ok(Some(at));
            }
            // It waits for another order of its card, whose own moment is another campaign's.
            after = at.0;
        }
        Ok(None)
    }

    /// The task whose packet is out to a phone, if there is one.
    pub(in crate::campaign) fn out_to(&self, phone: &str) -> Result<Option<Out>, StoreError> {
        self.out_where(BY_PHONE, phone)
    }

    /// The packet of a task, if it is still out and its campaign is not paused.
    pub(in crate::campaign) fn out_and_sending(&self, task: TaskId) -> Result<Option<Out>, StoreError> {
        self.out_where(BY_TASK, task.0)
    }

    fn out_where(&self, condition: &str, value: impl rusqlite::ToSql) -> Result<Option<Out>, StoreError> {
        let mut statement = self.transaction.prepare_cached(&out_query(condition))?;
        let mut rows = statement.query([value])?;
        let Some(row) = rows.next()? else { return Ok(None) };
        let (task, card, flow, _) = task_of(row)?;
        let settings = parsed(&row.get::<_, String>(10)?, "settings", task.0)?;
        Ok(Some(Out { task, settings, card, flow, packet: packet_of(row, task)? }))
    }

    /// The next counter of a card's key set; it is never given again.
    pub(in crate::campaign) fn reserve(&self, card: &Card) -> Result<PacketCounter, StoreError> {
        let mut statement =
            self.transaction.prepare_cached("UPDATE card SET counter = counter + 1 WHERE id = ?1 RETURNING counter")?;
        let counter: i64 = statement.query_row([card.id], |row| row.get(0))?;
        let counter = u64::try_from(counter).ok().and_then(PacketCounter::new);
        counter
            .filter(|counter| *counter != PacketCounter::END)
            .ok_or_else(|| StoreError::CounterAtEnd { iccid: hex::encode(card.iccid), key_set: card.key_set.number() })
    }

    /// A packet is about to leave for the first time; nothing came back by `due_at` is a miss.
    pub(in crate::campaign) fn put_out(
        &self,
        task: TaskId,
        flow: &Flow,
        packet: &PacketOut,
        due_at: UnixMillis,
    ) -> Result<(), StoreError> {
        self.take_turn(task)?;
        let mut statement = self.transaction.prepare_cached(
            "UPDATE task SET stage = ?2, flow = ?3, counter = ?4, packet = ?5, sends = 1, packets = packets + 1, \
             due_at = ?6, proof = NULL, waits = NULL WHERE id = ?1",
        )?;
        let counter = packet.counter.number().cast_signed();
        statement.execute(params![task.0, OUT, text(flow)?, counter, packet.bytes, due_at.0])?;
        Ok(())
    }

    /// It is the one of its card that is begun: the others wait for it, and so does one that is only asking.
    fn take_turn(&self, task: TaskId) -> Result<(), StoreError> {
        for sql in [
            "UPDATE task SET begun = 0 WHERE card = (SELECT card FROM task WHERE id = ?1) AND id <> ?1 AND stage = 2 AND begun = 1",
            "UPDATE task SET begun = 1 WHERE id = ?1",
        ] {
            self.transaction.prepare_cached(sql)?.execute([task.0])?;
        }
        let mut statement = self.transaction.prepare_cached(
            "UPDATE task SET held = 1 WHERE card = (SELECT card FROM task WHERE id = ?1) AND id <> ?1 AND stage < 3 AND held = 0",
        )?;
        statement.execute([task.0])?;
        Ok(())
    }

    /// The same bytes leave again.
    pub(in crate::campaign) fn sent_again(&self, task: TaskId, due_at: UnixMillis) -> Result<(), StoreError> {
        let mut statement =
            self.transaction.prepare_cached("UPDATE task SET sends = sends + 1, due_at = ?2 WHERE id = ?1")?;
        statement.execute(params![task.0, due_at.0])?;
        Ok(())
    }

    /// It waits until then; `why`: for somebody, and for whom.
    pub(in crate::campaign) fn wait_until(
        &self,
        task: TaskId,
        due_at: UnixMillis,
        why: Option<&str>,
    ) -> Result<(), StoreError> {
        let mut statement = self.transaction.prepare_cached("UPDATE task SET due_at = ?2, waits = ?3 WHERE id = ?1")?;
        statement.execute(params![task.0, due_at.0, why])?;
        Ok(())
    }

    /// Nothing waits for somebody any longer than until now, and for a proof no longer than a campaign waits at most: the clock may have
    /// been set back.
    pub(in crate::campaign) fn ask_at_once(&self, now: UnixMillis) -> Result<(), StoreError> {
        let sql = "UPDATE task SET due_at = ?1 WHERE stage < 3 AND waits NOT NULL AND due_at > ?1";
        self.transaction.execute(sql, [now.0])?;
        let mut campaigns = self.transaction.prepare_cached("SELECT id, settings FROM campaign")?;
        let rows = campaigns.query_map([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?)))?;
        for row in rows {
            let (id, settings) = row?;
            let settings: Settings = parsed(&settings, "settings", id)?;
            let sql = "UPDATE task SET due_at = ?2 WHERE campaign = ?1 AND stage < 3 AND (stage > 0 OR begun = 1) AND due_at > ?2";
            self.transaction.execute(sql, [id, now.plus(settings.patience(u32::MAX)).0])?;
        }
        Ok(())
    }

    /// The flow goes on with a packet at `due_at`.
    pub(in crate::campaign) fn make_ready(
        &self,
        task: TaskId,
        flow: &Flow,
        misses: u32,
        due_at: UnixMillis,
    ) -> Result<(), StoreError> {
        self.take_turn(task)?;
        let mut statement = self.transaction.prepare_cached(
            "UPDATE task SET stage = ?2, flow = ?3, misses = ?4, due_at = ?5, counter = NULL, packet = NULL, sends = 0, \
             proof = NULL, waits = NULL WHERE id = ?1",
        )?;
        statement.execute(params![task.0, READY, text(flow)?, misses, due_at.0])?;
        Ok(())
    }

    /// What came back is kept until somebody can judge it. A loss of its card does not wait for him.
    pub(in crate::campaign) fn keep_proof(&self, task: TaskId, proof: &[u8]) -> Result<(), StoreError> {
        let mut statement = self.transaction.prepare_cached("UPDATE task SET stage = ?2, proof = ?3 WHERE id = ?1")?;
        statement.execute(params![task.0, ASKING, proof])?;
        self.transaction.prepare_cached(&release())?.execute([task.0])?;
        Ok(())
    }

    /// An answer that nobody could believe.
    pub(in crate::campaign) fn keep_hint(&self, task: TaskId, hint: &str) -> Result<(), StoreError> {
        let mut statement = self.transaction.prepare_cached("UPDATE task SET hint = ?2 WHERE id = ?1")?;
        statement.execute(params![task.0, hint])?;
        Ok(())
    }

    /// What was ordered for its card before that one and has not ended, or is not known: but what is begun.
    pub(in crate::campaign) fn before(&self, task: TaskId) -> Result<Vec<Before>, StoreError> {
        let mut statement = self.transaction.prepare_cached(
            "SELECT id, flow, packets FROM task WHERE card = (SELECT card FROM task WHERE id = ?1) AND id < ?1 AND \
             ((stage < 3 AND begun = 0) OR ending = 2)",
        )?;
        let rows = statement.query_map([task.0], |row| Ok((row.get(0)?, row.get::<_, String>(1)?, row.get(2)?)))?;
        let before = |row: rusqlite::Result<(i64, String, u32)>| {
            let (id, flow, packets) = row?;
            Ok(Before { task: TaskId(id), flow: parsed(&flow, "flow", id)?, is_untouched: packets == 0 })
        };
        rows.map(before).collect()
    }

    /// The flow has ended. An unknown one keeps the state that resumes it, and its card's other tasks wait on; of another nothing is
    /// kept that it worked with, as a MAC2 or a holder's data.
    pub(in crate::campaign) fn end(&self, task: TaskId, outcome: &Outcome) -> Result<(), StoreError> {
        let mut statement = self.transaction.prepare_cached(
            "UPDATE task SET stage = ?2, ending = ?3, amount_fen = ?4, outcome = ?5, flow = coalesce(?6, ''), packet = NULL, \
             counter = NULL, proof = NULL, waits = NULL WHERE id = ?1",
        )?;
        let token = outcome.token.as_ref().map(text).transpose()?;
        let amount = outcome.amount.map(onecard_wire::amount::Amount::fen);
        statement.execute(params![task.0, ENDED, outcome.ending as u8, amount, text(&outcome.report)?, token])?;
        self.transaction.prepare_cached(&release())?.execute([task.0])?;
        if outcome.ending == Ending::NotCommitted && !outcome.report.serial_spent {
            self.transaction.prepare_cached("DELETE FROM application WHERE task = ?1")?.execute([task.0])?;
        }
        Ok(())
    }
}

const BY_PHONE: &str = "card.phone = ?1";
const BY_TASK: &str = "task.id = ?1 AND campaign.paused = 0";

fn out_query(condition: &str) -> String {
    format!(
        "SELECT {TASK_COLUMNS}, campaign.settings FROM card JOIN task ON card.id = task.card \
         JOIN campaign ON campaign.id = task.campaign WHERE {condition} AND task.stage = 1"
    )
}

fn due_query() -> String {
    format!(
        "SELECT {TASK_COLUMNS}, task.stage, task.sends, task.proof FROM task JOIN card ON card.id = task.card WHERE {} \
         ORDER BY task.due_at LIMIT ?3",
        is_due()
    )
}

fn is_due_query() -> String {
    format!("SELECT EXISTS (SELECT 1 FROM task WHERE {})", is_due())
}

/// Whether something is to be done for a task of campaign ?1 at ?2.
fn is_due() -> String {
    format!(
        "task.campaign = ?1 AND task.held = 0 AND task.stage < 3 AND task.due_at <= ?2 AND (task.begun = 1 AND task.stage <> 2 OR NOT EXISTS ( \
         SELECT 1 FROM task AS other WHERE other.card = task.card AND other.stage < 3 AND other.held = 0 AND other.id <> task.id AND \
         (other.due_at <= ?2 OR {}) AND other.campaign IN (SELECT id FROM campaign WHERE paused = 0) AND {}))",
        other_waits_to_issue(),
        other_goes_first()
    )
}

/// When the next task of campaign ?1 behind ?2 is due.
const DUE_LATER: &str = "SELECT min(due_at) FROM task WHERE campaign = ?1 AND held = 0 AND stage < 3 AND due_at > ?2";

fn task_of(row: &Row<'_>) -> Result<(TaskId, Card, Flow, u32), StoreError> {
    let id = row.get(0)?;
    let flow = parsed(row.get_ref(1)?.as_str().map_err(|_| damaged("flow", id))?, "flow", id)?;
    Ok((TaskId(id), card_of(row, 3)?, flow, row.get(2)?))
}

/// A card whose columns begin there.
pub(super) fn card_of(row: &Row<'_>, first: usize) -> Result<Card, StoreError> {
    let id = row.get(first)?;
    let text = |column: usize, what| row.get::<_, String>(first + column).map_err(|_| damaged(what, id));
    Ok(Card {
        id,
        iccid: uicc::iccid(&text(1, "iccid")?).ok_or_else(|| damaged("iccid", id))?,
        phone: text(2, "phone")?.parse().map_err(|_| damaged("phone", id))?,
        key_set: SetVersion::new(row.get(first + 3)?).ok_or_else(|| damaged("key_set", id))?,
        cipher: SetCipher::parse(&text(4, "cipher")?).ok_or_else(|| damaged("cipher", id))?,
    })
}

fn packet_of(row: &Row<'_>, task: TaskId) -> Result<PacketOut, StoreError> {
    let counter = row.get::<_, i64>(8).ok().and_then(|counter| PacketCounter::new(counter.cast_unsigned()));
    let bytes = row.get::<_, Vec<u8>>(9);
    match (counter, bytes) {
        (Some(counter), Ok(bytes)) => Ok(PacketOut { counter, bytes }),
        _ => Err(damaged("packet", task.0)),
    }
}

pub(super) fn parsed<T: serde::de::DeserializeOwned>(
    text: &str,
    what: &'static str,
    row: i64,
) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|_| damaged(what, row))
}

pub(super) fn text<T: serde::Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|_| damaged("flow", 0))
}

pub(super) const fn damaged(what: &'static str, row: i64) -> StoreError {
    StoreError::Damaged { what, row }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// With a hundred thousand cards in the book a scan for each proof is a standstill.
    #[test]
    fn no_statement_of_a_turn_scans_the_book() {
        let connection = Connection::open_in_memory().unwrap();
        connection
            .execute_batch(concat!(include_str!("schema.sql"), include_str!("form_2.sql"), include_str!("form_3.sql")))
            .unwrap();
        let proofs = [out_query(BY_PHONE), out_query(BY_TASK)];
        for sql in [due_query(), is_due_query(), DUE_LATER.to_owned(), release()].into_iter().chain(proofs) {
            let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
            let parameters = statement.parameter_count();
            let rows = statement.query_map(rusqlite::params_from_iter(vec![1; parameters]), |row| row.get(3)).unwrap();
            let plan: Vec<String> = rows.map(Result::unwrap).collect();
            let scanned =
                plan.iter().find(|step| ["SCAN task", "SCAN other", "SCAN card"].iter().any(|it| step.starts_with(it)));
            assert_eq!(scanned, None, "{sql}\n{plan:#?}");
        }
    }
}

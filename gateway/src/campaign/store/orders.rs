//! Cards and orders that come in: all of a list or nothing.

use onecard_host::over_the_air::{PacketCounter, SetVersion, message::Address};
use onecard_wire::{number::ApplicationSerial, uicc};
use rusqlite::{OptionalExtension, params};

use super::{
    CampaignId, SetCipher, Store, StoreError, TaskId, Writing,
    phone::no_phone,
    precedence::{is_held_by_begun, is_held_by_other, release},
    writing::parsed,
};
use crate::campaign::{
    flow::{Ending, Flow},
    settings::Settings,
    time::UnixMillis,
};

/// A card of a list.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewCard {
    /// 19 or 20 digits.
    pub iccid: String,
    /// Its phone.
    pub phone: Address,
    /// The key set that this gateway alone uses.
    pub key_set: SetVersion,
    /// Its cipher.
    pub cipher: SetCipher,
    /// The highest counter that anybody used under that set before; 0 of a set just put.
    pub counter: u64,
}

/// An order of a list.
#[derive(Clone, PartialEq, Debug)]
pub struct NewTask {
    /// The caller's number of it: in a campaign each number is carried out once.
    pub order_number: String,
    /// To which card.
    pub card: NewCard,
    /// What is to be done.
    pub flow: Flow,
    /// Not before.
    pub not_before: UnixMillis,
}

/// Why a list was not taken; nothing of it was.
#[derive(Debug, thiserror::Error)]
pub enum OrderError {
    /// The store's own trouble.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A number that was in the campaign already.
    #[error("order {0} is in this campaign already: each number is carried out once 订单号重复")]
    Repeated(String),
    /// A campaign of that name is there already.
    #[error(
        "campaign {0} is in the book already, and its list was taken whole: give another list another name 批次已存在"
    )]
    CampaignTaken(String),
    /// No ICCID.
    #[error("order {order}: ICCID {iccid:?} is not 19 or 20 digits")]
    Iccid {
        /// Which order.
        order: String,
        /// What stands there.
        iccid: String,
    },
    /// More than a counter holds.
    #[error("order {order}: counter {counter} of card {iccid} is more than five bytes hold")]
    Counter {
        /// Which order.
        order: String,
        /// Which card.
        iccid: String,
        /// What stands there.
        counter: u64,
    },
    /// The book knows the card otherwise.
    #[error(
        "order {order}: the gateway knows card {iccid} with another {what}: correct the list; a telephone is changed by \
         `onecard campaign phone`"
    )]
    OtherCard {
        /// Which order.
        order: String,
        /// Which card.
        iccid: String,
        /// Phone, key set or cipher.
        what: &'static str,
    },
    /// The card is in no telephone any more.
    #[error(
        "order {order}: card {iccid} is out of service: `onecard campaign phone` puts it into a telephone again 该卡已停用"
    )]
    OutOfService {
        /// Which order.
        order: String,
        /// Which card.
        iccid: String,
    },
    /// An application of that serial was ordered before.
    #[error(
        "order {order}: an application with serial {serial} was ordered already, and a serial is given once: take another one 序列号重复"
    )]
    SerialTaken {
        /// Which order.
        order: String,
        /// Which serial.
        serial: ApplicationSerial,
    },
    /// Another card has the phone.
    #[error(
        "order {order}: telephone {phone} is another card's in the gateway's book: if that was replaced, take it out of service by \
         `onecard campaign phone` 号码已被占用"
    )]
    PhoneTaken {
        /// Which order.
        order: String,
        /// Which number.
        phone: Address,
    },
}

impl From<rusqlite::Error> for OrderError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Store(error.into())
    }
}

impl Store {
    /// Begins a campaign with its orders: all of them, or nothing.
    ///
    /// # Errors
    /// [`OrderError`].
    pub fn new_campaign(
        &mut self,
        name: &str,
        settings: &Settings,
        tasks: impl IntoIterator<Item = NewTask>,
    ) -> Result<CampaignId, OrderError> {
        let transaction = self.connection.transaction()?;
        let text = serde_json::to_string(settings).map_err(|_| StoreError::Damaged { what: "settings", row: 0 })?;
        transaction
            .execute("INSERT INTO campaign (name, settings, paused) VALUES (?1, ?2, 0)", params![name, text])
            .map_err(|error| constraint(error, || OrderError::CampaignTaken(name.to_owned())))?;
        let campaign = CampaignId(transaction.last_insert_rowid());
        let insert = format!(
            "INSERT INTO task (campaign, card, order_number, stage, due_at, flow, held) VALUES (?1, ?2, ?3, 0, ?4, ?5, \
             EXISTS (SELECT 1 FROM task AS other WHERE other.card = ?2 AND ({})))",
            is_held_by_other("?5")
        );
        for task in tasks {
            let card = card_row(&transaction, &task)?;
            let flow = serde_json::to_string(&task.flow).map_err(|_| StoreError::Damaged { what: "flow", row: 0 })?;
            transaction
                .prepare_cached(&insert)?
                .execute(params![campaign.0, card, task.order_number, task.not_before.0, flow])
                .map_err(|error| constraint(error, || OrderError::Repeated(task.order_number.clone())))?;
            if let Flow::Issue { issue, .. } = &task.flow {
                let (row, serial) = (transaction.last_insert_rowid(), issue.serial());
                let taken = || OrderError::SerialTaken { order: task.order_number.clone(), serial };
                transaction
                    .prepare_cached("INSERT INTO application (enterprise, serial, task) VALUES (?1, ?2, ?3)")?
                    .execute(params![issue.enterprise().to_string(), serial.to_string(), row])
                    .map_err(|error| constraint(error, taken))?;
            }
        }
        transaction.commit()?;
        Ok(campaign)
    }

    /// A campaign by its name.
    ///
    /// # Errors
    /// [`StoreError::NoCampaign`].
    pub fn campaign(&self, name: &str) -> Result<CampaignId, StoreError> {
        let id = self.connection.query_row("SELECT id FROM campaign WHERE name = ?1", [name], |row| row.get(0));
        id.optional()?.map(CampaignId).ok_or_else(|| StoreError::NoCampaign(name.to_owned()))
    }

    /// Stops a campaign from sending, or lets it go on; what comes back is taken all the same.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn set_paused(&self, campaign: CampaignId, paused: bool) -> Result<(), StoreError> {
        self.connection.execute("UPDATE campaign SET paused = ?2 WHERE id = ?1", params![campaign.0, paused])?;
        Ok(())
    }

    /// Lets the tasks that ended unknown go on by their tokens, from `now`; how many there were. One whose card has another task
    /// under way waits for it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn resume_unknown(&mut self, campaign: CampaignId, now: UnixMillis) -> Result<usize, StoreError> {
        let update = format!(
            "UPDATE task SET stage = 0, begun = 0, due_at = ?2, misses = 0, sends = 0, ending = NULL, amount_fen = NULL, \
             outcome = NULL, held = EXISTS (SELECT 1 FROM task AS other WHERE other.card = task.card AND other.id <> task.id AND \
             {}) WHERE campaign = ?1 AND stage = 3 AND ending = 2",
            is_held_by_begun("task.flow")
        );
        let resumed = self.connection.execute(&update, params![campaign.0, now.0])?;
        Ok(resumed)
    }
}

impl Store {
    /// The issuer's books have decided an order of unknown outcome, which asking the card could not: it has ended so, its holder is
    /// told if he asked for it, and its card's other orders go on. So ends as not committed, too, what waits for a key that does
    /// not come: an issue in front of INSTALL, or behind it, when its application has nothing in it and is taken away by the next
    /// issue; a loss, a found card or a deletion that has written nothing. Whether there was such an order.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn decide_unknown(
        &mut self,
        campaign: CampaignId,
        order_number: &str,
        is_committed: bool,
        now: UnixMillis,
    ) -> Result<bool, StoreError> {
        let ending = if is_committed { Ending::Committed } else { Ending::NotCommitted };
        let writing = self.write()?;
        let Some((task, flow)) = writing.unknown(campaign, order_number)? else {
            let given_up = !is_committed && writing.give_up(campaign, order_number, now)?;
            writing.commit()?;
            return Ok(given_up);
        };
        writing.decide(task, ending)?;
        if let Some(outcome) = flow.told(ending) {
            writing.tell(task, outcome, now)?;
        }
        writing.commit()?;
        Ok(true)
    }
}

impl Writing<'_> {
    /// An order of unknown outcome.
    fn unknown(&self, campaign: CampaignId, order_number: &str) -> Result<Option<(TaskId, Flow)>, StoreError> {
        let query = "SELECT id, flow FROM task WHERE campaign = ?1 AND order_number = ?2 AND stage = 3 AND ending = 2";
        let row = self.transaction.query_row(query, params![campaign.0, order_number], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?))
        });
        let Some((id, flow)) = row.optional()? else { return Ok(None) };
        Ok(Some((TaskId(id), parsed(&flow, "flow", id)?)))
    }

    /// Ends an order that is asking, or of which no packet was made, and of which nothing was ever made or written; false: it is none.
    fn give_up(&self, campaign: CampaignId, order_number: &str, now: UnixMillis) -> Result<bool, StoreError> {
        let query = "SELECT id, flow FROM task WHERE campaign = ?1 AND order_number = ?2 AND \
                     (stage = 2 OR stage = 0 AND packets = 0 AND waits NOT NULL)";
        let row = self.transaction.query_row(query, params![campaign.0, order_number], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?))
        });
        let Some((id, flow)) = row.optional()? else { return Ok(false) };
        let Some(outcome) = parsed::<Flow>(&flow, "flow", id)?.given_up() else { return Ok(false) };
        self.end(TaskId(id), &outcome)?;
        if let Some(tell) = outcome.tell {
            self.tell(TaskId(id), tell, now)?;
        }
        Ok(true)
    }

    /// It has ended so, and its card's other orders go on.
    fn decide(&self, task: TaskId, ending: Ending) -> Result<(), StoreError> {
        self.transaction
            .execute("UPDATE task SET ending = ?2, flow = '' WHERE id = ?1", params![task.0, ending as u8])?;
        self.transaction.execute(&release(), [task.0])?;
        Ok(())
    }
}

/// The card's row: a new one, or the one there is if it says the same.
fn card_row(transaction: &rusqlite::Transaction<'_>, task: &NewTask) -> Result<i64, OrderError> {
    let NewCard { iccid, phone, key_set, cipher, counter } = &task.card;
    let order = || task.order_number.clone();
    uicc::iccid(iccid).ok_or_else(|| OrderError::Iccid { order: order(), iccid: iccid.clone() })?;
    if PacketCounter::new(*counter).is_none() {
        return Err(OrderError::Counter { order: order(), iccid: iccid.clone(), counter: *counter });
    }
    let known = transaction
        .prepare_cached("SELECT id, phone, key_set, cipher FROM card WHERE iccid = ?1")?
        .query_row([iccid], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))
        .optional()?;
    let known: Option<(i64, String, u8, String)> = known;
    if let Some((id, its_phone, its_set, its_cipher)) = known {
        if its_phone == no_phone(iccid) {
            return Err(OrderError::OutOfService { order: order(), iccid: iccid.clone() });
        }
        let differing = [
            ("telephone", its_phone != phone.to_string()),
            ("key set", its_set != key_set.number()),
            ("cipher", its_cipher != cipher.name()),
        ];
        return match differing.into_iter().find(|(_, differs)| *differs) {
            Some((what, _)) => Err(OrderError::OtherCard { order: order(), iccid: iccid.clone(), what }),
            None => Ok(id),
        };
    }
    transaction
        .prepare_cached("INSERT INTO card (iccid, phone, key_set, cipher, counter) VALUES (?1, ?2, ?3, ?4, ?5)")?
        .execute(params![iccid, phone.to_string(), key_set.number(), cipher.name(), counter.cast_signed()])
        .map_err(|error| constraint(error, || OrderError::PhoneTaken { order: order(), phone: phone.clone() }))?;
    Ok(transaction.last_insert_rowid())
}

fn constraint(error: rusqlite::Error, meaning: impl FnOnce() -> OrderError) -> OrderError {
    match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::ConstraintViolation) => meaning(),
        _ => error.into(),
    }
}

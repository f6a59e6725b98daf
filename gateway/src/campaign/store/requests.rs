//! What is kept of the cards' own requests.

use onecard_host::over_the_air::{PasswordTries, RequestOutcome, RequestsTaken, SetVersion};
use onecard_wire::number::ApplicationSerial;
use rusqlite::{OptionalExtension, params};

use super::{
    Card, Store, StoreError, TaskId,
    precedence::is_held_by_other,
    writing::{CARD_COLUMNS, Writing, card_of, damaged, parsed, text},
};
use crate::{
    campaign::{flow::Flow, settings::Settings, time::UnixMillis},
    service_password::ServicePasswordHash,
};

/// The campaign of what cards asked for themselves.
pub const REQUESTS: &str = "requests 手机申请";

/// A card whose requests are taken.
#[derive(Debug)]
pub(in crate::campaign) struct Requester {
    pub(in crate::campaign) card: Card,
    pub(in crate::campaign) key_set: SetVersion,
    pub(in crate::campaign) taken: RequestsTaken,
}

impl Store {
    /// Sets an application's service password, with all its tries; from then on its card's requests are taken, under their key set.
    ///
    /// # Errors
    /// [`StoreError::NoCard`].
    pub fn set_service_password(
        &mut self,
        iccid: &str,
        key_set: SetVersion,
        serial: ApplicationSerial,
        (hash, tries): (&ServicePasswordHash, PasswordTries),
    ) -> Result<(), StoreError> {
        let transaction = self.connection.transaction()?;
        let card: Option<i64> = transaction
            .query_row(
                "UPDATE card SET request_set = ?2 WHERE iccid = ?1 RETURNING id",
                params![iccid, key_set.number()],
                |row| row.get(0),
            )
            .optional()?;
        let card = card.ok_or_else(|| StoreError::NoCard(iccid.to_owned()))?;
        transaction.execute(
            "INSERT OR REPLACE INTO service_password (card, serial, hash, tries) VALUES (?1, ?2, ?3, ?4)",
            params![card, serial.to_string(), hash.as_str(), text(&tries)?],
        )?;
        Ok(transaction.commit()?)
    }

    /// How what cards ask for themselves is treated from now on; by [`Settings::DEFAULT`] until it is said.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn set_request_settings(&mut self, settings: &Settings) -> Result<(), StoreError> {
        self.connection.execute(
            "INSERT INTO campaign (name, settings, paused) VALUES (?1, ?2, 0)
             ON CONFLICT (name) DO UPDATE SET settings = excluded.settings",
            params![REQUESTS, text(settings)?],
        )?;
        Ok(())
    }
}

impl Writing<'_> {
    /// The card behind a phone, if its requests are taken.
    pub(in crate::campaign) fn requester(&self, phone: &str) -> Result<Option<Requester>, StoreError> {
        let query =
            format!("SELECT {CARD_COLUMNS}, request_set, requests FROM card WHERE phone = ?1 AND request_set NOT NULL");
        let mut statement = self.transaction.prepare_cached(&query)?;
        let mut rows = statement.query([phone])?;
        let Some(row) = rows.next()? else { return Ok(None) };
        let card = card_of(row, 0)?;
        let key_set = SetVersion::new(row.get(5)?).ok_or_else(|| damaged("request_set", card.id))?;
        let taken = row.get::<_, Option<String>>(6)?;
        let taken = taken.map_or(Ok(RequestsTaken::default()), |taken| parsed(&taken, "requests", card.id))?;
        Ok(Some(Requester { card, key_set, taken }))
    }

    /// The highest request that was taken, before anything is done for it.
    pub(in crate::campaign) fn keep_taken(&self, card: &Card, taken: &RequestsTaken) -> Result<(), StoreError> {
        let mut statement = self.transaction.prepare_cached("UPDATE card SET requests = ?2 WHERE id = ?1")?;
        statement.execute(params![card.id, text(taken)?])?;
        Ok(())
    }

    /// An application's service password and its tries.
    pub(in crate::campaign) fn service_password(
        &self,
        card: &Card,
        serial: ApplicationSerial,
    ) -> Result<Option<(ServicePasswordHash, PasswordTries)>, StoreError> {
        let mut statement = self
            .transaction
            .prepare_cached("SELECT hash, tries FROM service_password WHERE card = ?1 AND serial = ?2")?;
        let row = statement.query_row(params![card.id, serial.to_string()], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
        });
        let Some((hash, tries)) = row.optional()? else { return Ok(None) };
        let hash = ServicePasswordHash::parse(&hash).map_err(|_| damaged("hash", card.id))?;
        Ok(Some((hash, parsed(&tries, "tries", card.id)?)))
    }

    /// What tries are left.
    pub(in crate::campaign) fn keep_tries(
        &self,
        card: &Card,
        serial: ApplicationSerial,
        tries: &PasswordTries,
    ) -> Result<(), StoreError> {
        let mut statement = self
            .transaction
            .prepare_cached("UPDATE service_password SET tries = ?3 WHERE card = ?1 AND serial = ?2")?;
        statement.execute(params![card.id, serial.to_string(), text(tries)?])?;
        Ok(())
    }

    /// Whose task it is, and its order's number.
    fn order_of(&self, task: TaskId) -> Result<(Card, String), StoreError> {
        let query = format!(
            "SELECT {CARD_COLUMNS}, task.order_number FROM task JOIN card ON card.id = task.card WHERE task.id = ?1"
        );
        let mut statement = self.transaction.prepare_cached(&query)?;
        let mut rows = statement.query([task.0])?;
        let row = rows.next()?.ok_or_else(|| damaged("card", task.0))?;
        Ok((card_of(row, 0)?, row.get(5)?))
    }

    /// An order that a card's own request makes; the same number again orders nothing.
    pub(in crate::campaign) fn order(
        &self,
        card: &Card,
        number: &str,
        flow: &Flow,
        now: UnixMillis,
    ) -> Result<(), StoreError> {
        self.transaction.execute(
            "INSERT OR IGNORE INTO campaign (name, settings, paused) VALUES (?1, ?2, 0)",
            params![REQUESTS, text(&Settings::DEFAULT)?],
        )?;
        let mut statement = self.transaction.prepare_cached(&format!(
            "INSERT OR IGNORE INTO task (campaign, card, order_number, stage, due_at, flow, held) VALUES (
               (SELECT id FROM campaign WHERE name = ?1), ?2, ?3, 0, ?4, ?5,
               EXISTS (SELECT 1 FROM task AS other WHERE other.card = ?2 AND ({})))",
            is_held_by_other("?5")
        ))?;
        statement.execute(params![REQUESTS, card.id, number, now.0, text(flow)?])?;
        Ok(())
    }

    /// What the holder is told of a request that has ended, behind it.
    pub(in crate::campaign) fn tell(
        &self,
        task: TaskId,
        outcome: RequestOutcome,
        now: UnixMillis,
    ) -> Result<(), StoreError> {
        let (card, of) = self.order_of(task)?;
        self.order(&card, &format!("{of}-told"), &Flow::telling(outcome), now)
    }
}

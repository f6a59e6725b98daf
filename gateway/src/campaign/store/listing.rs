//! What people look at: how far a campaign is, and how each order ended.

use rusqlite::params;

use super::{CampaignId, Store, StoreError, phone};
use crate::campaign::{
    flow::{Ending, OutcomeReport},
    settings::Settings,
    time::UnixMillis,
};

/// A campaign, for people.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CampaignListing {
    /// Which.
    pub id: CampaignId,
    /// Its name.
    pub name: String,
    /// How it treats each card.
    pub settings: Settings,
    /// Whether it sends nothing.
    pub paused: bool,
    /// How far it is.
    pub counts: StageCounts,
}

/// How many orders are where, and their money in fen.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct StageCounts {
    /// Not begun.
    pub waiting: u64,
    /// Of those, how many wait for an order of their card whose outcome is unknown.
    pub behind_unknown: u64,
    /// Of those not ended, how many wait for somebody who has to say or make something.
    pub for_somebody: u64,
    /// Begun and not ended.
    pub under_way: u64,
    /// Done.
    pub committed: u64,
    /// Not done, for good.
    pub not_committed: u64,
    /// Not known.
    pub unknown: u64,
    /// What the cards of the committed ones got.
    pub committed_fen: u64,
    /// What is to be paid back of the others.
    pub not_committed_fen: u64,
    /// What is in doubt.
    pub unknown_fen: u64,
    /// Packets made.
    pub packets: u64,
}

/// An order that has ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ended {
    /// The caller's number of it.
    pub order_number: String,
    /// To which card.
    pub iccid: String,
    /// Its phone.
    pub phone: String,
    /// How.
    pub ending: Ending,
    /// See [`Outcome::amount`](crate::campaign::Outcome::amount).
    pub amount_fen: Option<u32>,
    /// The rest.
    pub report: OutcomeReport,
    /// Packets that were made for it.
    pub packets: u32,
    /// The last answer that nobody could believe.
    pub hint: Option<String>,
}

/// An order that is under way, or waits.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UnderWay {
    /// The caller's number of it.
    pub order_number: String,
    /// To which card.
    pub iccid: String,
    /// Its phone.
    pub phone: String,
    /// Packets that were made for it.
    pub packets: u32,
    /// When something is done for it, if nothing comes before.
    pub due_at: UnixMillis,
    /// For whom it waits, who has to say or make something.
    pub waits: Option<String>,
    /// The last answer that nobody could believe.
    pub hint: Option<String>,
}

impl Store {
    /// Every campaign, in the order they were begun.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn campaigns(&self) -> Result<Vec<CampaignListing>, StoreError> {
        let mut statement =
            self.connection.prepare_cached("SELECT id, name, settings, paused FROM campaign ORDER BY id")?;
        let rows = statement
            .query_map([], |row| Ok((row.get::<_, i64>(0)?, row.get(1)?, row.get::<_, String>(2)?, row.get(3)?)))?;
        let listing = |row: rusqlite::Result<(i64, String, String, bool)>| {
            let (id, name, settings, paused) = row?;
            let settings = serde_json::from_str(&settings);
            let settings = settings.map_err(|_| StoreError::Damaged { what: "settings", row: id })?;
            let id = CampaignId(id);
            Ok(CampaignListing { id, name, settings, paused, counts: self.counts(id)? })
        };
        rows.map(listing).collect()
    }

    /// How far a campaign is.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn counts(&self, campaign: CampaignId) -> Result<StageCounts, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT stage < 3, begun, ending, count(*), coalesce(sum(amount_fen), 0), sum(packets), stage < 3 AND held = 1 AND \
             EXISTS (SELECT 1 FROM task AS other WHERE other.card = task.card AND other.ending = 2), count(waits) FROM task \
             WHERE campaign = ?1 GROUP BY 1, 2, 3, 7",
        )?;
        let mut rows = statement.query([campaign.0])?;
        let mut counts = StageCounts::default();
        while let Some(row) = rows.next()? {
            let (goes_on, begun): (bool, bool) = (row.get(0)?, row.get(1)?);
            let (number, fen): (u64, u64) = (row.get(3)?, row.get(4)?);
            counts.packets += row.get::<_, u64>(5)?;
            counts.for_somebody += row.get::<_, u64>(7)?;
            match (goes_on, begun, row.get::<_, Option<u8>>(2)?.and_then(Ending::from_code)) {
                (true, false, _) => {
                    counts.waiting += number;
                    counts.behind_unknown += if row.get(6)? { number } else { 0 };
                }
                (true, true, _) => counts.under_way += number,
                (false, _, Some(Ending::Committed)) => {
                    counts.committed += number;
                    counts.committed_fen += fen;
                }
                (false, _, Some(Ending::NotCommitted)) => {
                    counts.not_committed += number;
                    counts.not_committed_fen += fen;
                }
                (false, _, _) => {
                    counts.unknown += number;
                    counts.unknown_fen += fen;
                }
            }
        }
        Ok(counts)
    }

    /// Hands each ended order of a campaign to `take`, by the row; it is a list of any length.
    ///
    /// # Errors
    /// [`StoreError`], or what `take` says.
    pub fn each_ended<E: From<StoreError>>(
        &self,
        campaign: CampaignId,
        mut take: impl FnMut(Ended) -> Result<(), E>,
    ) -> Result<(), E> {
        let query = format!(
            "SELECT task.order_number, card.iccid, {}, task.ending, task.amount_fen, task.outcome, task.packets, task.hint, task.id \
             FROM task JOIN card ON card.id = task.card WHERE task.campaign = ?1 AND task.stage = 3 ORDER BY task.id",
            phone::TOLD
        );
        let mut statement = self.connection.prepare_cached(&query).map_err(StoreError::from)?;
        let mut rows = statement.query([campaign.0]).map_err(StoreError::from)?;
        while let Some(row) = rows.next().map_err(StoreError::from)? {
            take(ended(row)?)?;
        }
        Ok(())
    }

    /// At most `limit` orders that are under way or wait for somebody, those that were tried most first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn under_way(&self, campaign: CampaignId, limit: u32) -> Result<Vec<UnderWay>, StoreError> {
        let query = "SELECT task.order_number, card.iccid, card.phone, task.packets, task.due_at, task.hint, task.waits FROM task \
                     JOIN card ON card.id = task.card WHERE task.campaign = ?1 AND task.stage < 3 AND (task.begun = 1 OR task.waits NOT NULL) \
                     ORDER BY task.packets DESC, task.id LIMIT ?2";
        let mut statement = self.connection.prepare_cached(query)?;
        let rows = statement.query_map(params![campaign.0, limit], |row| {
            Ok(UnderWay {
                order_number: row.get(0)?,
                iccid: row.get(1)?,
                phone: row.get(2)?,
                packets: row.get(3)?,
                due_at: UnixMillis(row.get(4)?),
                hint: row.get(5)?,
                waits: row.get(6)?,
            })
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }
}

impl Ending {
    const fn from_code(code: u8) -> Option<Self> {
        match code {
            0 => Some(Self::Committed),
            1 => Some(Self::NotCommitted),
            2 => Some(Self::Unknown),
            _ => None,
        }
    }
}

fn ended(row: &rusqlite::Row<'_>) -> Result<Ended, StoreError> {
    let id: i64 = row.get(8)?;
    let damaged = |what| StoreError::Damaged { what, row: id };
    let report = serde_json::from_str(&row.get::<_, String>(5)?).map_err(|_| damaged("outcome"))?;
    Ok(Ended {
        order_number: row.get(0)?,
        iccid: row.get(1)?,
        phone: row.get(2)?,
        ending: Ending::from_code(row.get(3)?).ok_or_else(|| damaged("ending"))?,
        amount_fen: row.get(4)?,
        report,
        packets: row.get(6)?,
        hint: row.get(7)?,
    })
}

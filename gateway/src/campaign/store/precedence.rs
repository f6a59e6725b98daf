//! Which order of a card waits for which, in SQL: the text of a flow begins with its kind.

/// A report of loss, which nothing but a packet under way, or the issue of what is lost, may keep from the card.
fn is_loss(flow: &str) -> String {
    format!("{flow} GLOB '{{\"lock\":*\"way\":\"Lost\"*'")
}

fn is_found(flow: &str) -> String {
    format!("{flow} GLOB '{{\"lock\":*\"way\":\"Found\"*'")
}

fn is_recharge(flow: &str) -> String {
    format!("{flow} GLOB '{{\"recharge\":*'")
}

fn is_issue(flow: &str) -> String {
    format!("{flow} GLOB '{{\"issue\":*'")
}

/// Whether an order with that flow is held by the `other` of its card: one under way, or one of unknown outcome. A loss waits for
/// no unknown one (a thief does not either). Nor does a card that is found for a recharge, which a lost one cannot tell of (19.6.5).
pub(super) fn is_held_by_other(flow: &str) -> String {
    let (loss, found, recharge) = (is_loss(flow), is_found(flow), is_recharge("other.flow"));
    format!("({}) OR (other.ending = 2 AND NOT ({loss}) AND NOT ({found} AND {recharge}))", is_held_by_begun(flow))
}

/// Whether it is held by the `other` as one under way. Of one that is asking nothing is on its way to the card, and a loss does not
/// wait until somebody answers: unless that issues the application that is lost, of which the card has nothing to lock before.
pub(super) fn is_held_by_begun(flow: &str) -> String {
    format!(
        "other.stage < 3 AND (other.begun = 1 OR other.stage = 2) AND NOT (other.stage = 2 AND {} AND NOT EXISTS (SELECT 1 FROM \
         application WHERE application.task = other.id AND instr({flow}, '\"' || application.serial || '\"') > 0))",
        is_loss(flow)
    )
}

/// Whether the `other` of a task's card, which is due too, is begun before it: a loss before all, the rest as they came.
pub(super) fn other_goes_first() -> String {
    format!("(NOT ({}), other.id) < (NOT ({}), task.id)", is_loss("other.flow"), is_loss("task.flow"))
}

/// Whether the `other` is an issue that waits for somebody: what is ordered behind it is done to the application that it brings.
pub(super) fn other_waits_to_issue() -> String {
    format!("(other.waits NOT NULL AND {})", is_issue("other.flow"))
}

/// The other tasks of the card of that one wait no more, unless for another.
pub(super) fn release() -> String {
    format!(
        "UPDATE task SET held = 0 WHERE card = (SELECT card FROM task WHERE id = ?1) AND stage < 3 AND held = 1 AND NOT EXISTS \
         (SELECT 1 FROM task AS other WHERE other.card = task.card AND other.id <> task.id AND ({}))",
        is_held_by_other("task.flow")
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use onecard_host::{
        apdu::Command,
        over_the_air::{
            RequestOutcome, Tries,
            lock::{Lock, LockTerms, Way},
            recharge::{Patience, Recharge, RechargeTerms},
        },
    };
    use onecard_wire::{
        amount::Amount,
        number::{ApplicationSerial, TerminalNumber},
        wallet::Purse,
    };
    use rusqlite::Connection;

    use super::*;
    use crate::campaign::{content::tests::content, flow::Flow};

    /// The texts that flows are kept as are those that are looked for.
    #[test]
    fn flows_are_told_apart_by_their_text() {
        let (enterprise, serial) =
            ("2026000000000001".parse().unwrap(), ApplicationSerial::from_parts(31, 1, 7).unwrap());
        let lock = |way| {
            let terms = LockTerms { enterprise, serial, way };
            Flow::Lock(Box::new(Lock::begin(terms, Tries { packets: 1, attempts: 1 })))
        };
        let terminal = TerminalNumber([0x31, 0, 0, 0, 0, 1]);
        let amount = Amount::from_fen(1);
        let terms = RechargeTerms { enterprise, purse: Purse::Ep, key_id: 0x11, amount, terminal };
        let recharge = Recharge::begin(terms, Patience { packets: 1, credits: 1 }).unwrap();
        let recharge = Flow::Recharge { serial, recharge };
        let tell = Flow::Tell { outcome: RequestOutcome::Deleted, packets_left: 1 };
        let book = Connection::open_in_memory().unwrap();
        let query = format!("SELECT {}, {}, {}, {}", is_loss("?1"), is_found("?1"), is_recharge("?1"), is_issue("?1"));
        let kind = |flow: &str| -> [bool; 4] {
            let kind = |row: &rusqlite::Row<'_>| Ok([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?]);
            book.query_row(&query, [flow], kind).unwrap()
        };
        let install = Command::new(0x80, 0xE6, 0x0C, 0x00);
        let issue = content("").issue(enterprise, serial, install, Tries { packets: 1, attempts: 1 }).unwrap();
        let text = |flow: &Flow| serde_json::to_string(flow).unwrap();
        assert_eq!(kind(&text(&lock(Way::Lost))), [true, false, false, false]);
        assert_eq!(kind(&text(&lock(Way::Found))), [false, true, false, false]);
        assert_eq!(kind(&text(&recharge)), [false, false, true, false]);
        assert_eq!(kind(&text(&issue)), [false, false, false, true]);
        assert_eq!(kind(&text(&tell)), [false; 4]);
        assert_eq!(kind(""), [false; 4]);
    }
}

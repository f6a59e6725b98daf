//! What stands where: names of the bytes a MAC covers.

use onecard_wire::ins;

use crate::trace::transaction::TransactionKind;

/// Fields one after the other: name and length. What is behind them is the last one's.
pub(super) type Layout = &'static [(&'static str, usize)];

/// The field at `offset`.
pub(super) fn field(layout: Layout, offset: usize) -> &'static str {
    let mut end = 0;
    let found = layout.iter().find(|(_, length)| {
        end += length;
        offset < end
    });
    found.or(layout.last()).map_or("data", |(name, _)| name)
}

pub(super) const fn of_initialize(kind: TransactionKind) -> Layout {
    match kind {
        TransactionKind::OverdraftUpdate => &[
            ("CLA", 1),
            ("INS", 1),
            ("P1", 1),
            ("P2, the purse", 1),
            ("Lc", 1),
            ("key id", 1),
            ("terminal", 6),
            ("Le", 1),
        ],
        _ => &[
            ("CLA", 1),
            ("INS", 1),
            ("P1", 1),
            ("P2, the purse", 1),
            ("Lc", 1),
            ("key id", 1),
            ("amount", 4),
            ("terminal", 6),
            ("Le", 1),
        ],
    }
}

pub(super) const fn of_begun(kind: TransactionKind) -> Layout {
    match kind {
        TransactionKind::Load | TransactionKind::Unload => &[
            ("old balance", 4),
            ("online sequence", 2),
            ("key version", 1),
            ("algorithm", 1),
            ("random", 4),
            ("MAC1", 4),
        ],
        TransactionKind::OverdraftUpdate => &[
            ("old balance", 4),
            ("online sequence", 2),
            ("old limit", 3),
            ("key version", 1),
            ("algorithm", 1),
            ("random", 4),
            ("MAC1", 4),
        ],
        _ => &[
            ("old balance", 4),
            ("offline sequence", 2),
            ("overdraft limit", 3),
            ("key version", 1),
            ("algorithm", 1),
            ("random", 4),
        ],
    }
}

pub(super) const fn of_second(kind: TransactionKind) -> Layout {
    match kind {
        TransactionKind::Load | TransactionKind::Unload => {
            &[("header", 4), ("Lc", 1), ("host's date", 4), ("host's time", 3), ("MAC2", 4), ("Le", 1)]
        }
        TransactionKind::OverdraftUpdate => &[
            ("header", 4),
            ("Lc", 1),
            ("new limit", 3),
            ("host's date", 4),
            ("host's time", 3),
            ("MAC2", 4),
            ("Le", 1),
        ],
        _ => &[
            ("header", 4),
            ("Lc", 1),
            ("terminal sequence", 4),
            ("terminal's date", 4),
            ("terminal's time", 3),
            ("MAC1", 4),
            ("Le", 1),
        ],
    }
}

/// The answer to a second command.
pub(super) const fn of_completed(kind: TransactionKind) -> Layout {
    match kind {
        TransactionKind::Load | TransactionKind::OverdraftUpdate => &[("TAC", 4)],
        TransactionKind::Unload => &[("MAC3", 4)],
        _ => &[("TAC", 4), ("MAC2", 4)],
    }
}

pub(super) const PROOF: Layout = &[("MAC", 4), ("TAC", 4)];
pub(super) const CHALLENGE: Layout = &[("challenge", 8)];
pub(super) const PROTECTED: Layout = &[("CLA", 1), ("INS", 1), ("P1", 1), ("P2", 1), ("Lc", 1), ("data", 239)];
pub(super) const DATA: Layout = &[("data", 239)];
pub(super) const CRYPTOGRAM: Layout = &[("header", 4), ("Lc", 1), ("data", 16)];

/// A SAM's own command.
pub(super) const fn of_sam([_, ins, p1, _]: [u8; 4]) -> Layout {
    match (ins, p1) {
        (ins::CREDIT_SAM, ins::SAM_PAST_PURCHASE) => PAST,
        (ins::SAM_MARK, _) => {
            &[("header", 4), ("Lc", 1), ("challenge", 4), ("blacklist version", 7), ("card serial", 8), ("Le", 1)]
        }
        (ins::CREDIT_SAM, ins::SAM_PURCHASE | ins::SAM_UNDO) => &[("header", 4), ("Lc", 1), ("MAC2", 4)],
        _ => INIT,
    }
}

const INIT: Layout = &[
    ("header", 4),
    ("Lc", 1),
    ("card's random", 4),
    ("card sequence", 2),
    ("amount", 4),
    ("type", 1),
    ("moment", 7),
    ("key version", 1),
    ("algorithm", 1),
    ("factors and what follows them", 48),
];
const PAST: Layout = &[
    ("header", 4),
    ("Lc", 1),
    ("terminal sequence", 4),
    ("card's random", 4),
    ("card sequence", 2),
    ("amount", 4),
    ("type", 1),
    ("moment", 7),
    ("key version", 1),
    ("algorithm", 1),
    ("factors and MAC2", 28),
];
pub(super) const SAM_MADE: Layout = &[("terminal sequence", 4), ("MAC1", 4)];

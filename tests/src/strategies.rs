//! Generated steps: what people, power and radio do to cards and terminals.

use onecard_simulator::{
    reader::Fault as Loss,
    tear::{Cut, Rest, Tear},
};
use proptest::prelude::*;

use crate::{
    relay::REFUSALS,
    terminal::OrderKind,
    world::{CARDS, TERMINALS},
};

/// One thing that happens.
#[derive(Clone, Debug)]
pub enum Step {
    /// A card is presented for a new order.
    New {
        /// Which terminal.
        terminal: usize,
        /// Which card.
        card: usize,
        /// Which way the money goes.
        kind: OrderKind,
        /// Fen.
        amount_fen: u32,
        /// Whether the holder enters the PIN.
        pin: bool,
        /// What goes wrong.
        faults: Vec<Fault>,
    },
    /// The terminal takes back its last purchase with a card.
    Undo {
        /// Which terminal.
        terminal: usize,
        /// Which card.
        card: usize,
        /// What goes wrong.
        faults: Vec<Fault>,
    },
    /// A card is presented again for an order whose end is not known yet.
    Again {
        /// Which terminal.
        terminal: usize,
        /// Which of its open orders, modulo their number.
        nth: usize,
        /// A card other than the order's: so many further.
        other_card: Option<usize>,
        /// Whether the holder enters the PIN.
        pin: bool,
        /// What goes wrong.
        faults: Vec<Fault>,
    },
    /// The balance is read.
    Balance {
        /// Which card.
        card: usize,
    },
    /// A card passes a reader and does nothing; the power may go while it recovers.
    PowerCycle {
        /// Which card.
        card: usize,
        /// A cut.
        cut: Option<Cut>,
    },
    /// A terminal is switched off and on.
    Restart {
        /// Which terminal.
        terminal: usize,
    },
    /// The service desk unblocks a PIN that lost its tries to power cuts.
    UnblockPin {
        /// Which card.
        card: usize,
    },
}

impl Step {
    /// What goes wrong in it.
    #[must_use]
    pub fn faults(&self) -> &[Fault] {
        match self {
            Self::New { faults, .. } | Self::Undo { faults, .. } | Self::Again { faults, .. } => faults,
            _ => &[],
        }
    }

    /// What goes wrong in it, to be changed; `None` where nothing can.
    pub fn faults_mut(&mut self) -> Option<&mut Vec<Fault>> {
        match self {
            Self::New { faults, .. } | Self::Undo { faults, .. } | Self::Again { faults, .. } => Some(faults),
            _ => None,
        }
    }
}

/// One thing that goes wrong during a tap.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    /// The card's power is cut.
    CardCut(Cut),
    /// The SAM's power is cut.
    SamCut(Cut),
    /// A command to the card, or its answer, is lost, or the card leaves.
    Card {
        /// At which exchange.
        exchange: u64,
        /// What is lost.
        loss: Loss,
    },
    /// The same with the SAM.
    Sam {
        /// At which exchange.
        exchange: u64,
        /// What is lost.
        loss: Loss,
    },
    /// The card executes its DEBIT or CREDIT, and a word of refusal comes back instead of the answer.
    Refusal {
        /// The word.
        word: u16,
    },
    /// The terminal's process is killed.
    Kill {
        /// At which point of its life.
        point: u64,
    },
}

/// Programming operations of a tap, and some to spare.
const OPERATIONS: u64 = 14;
/// Commands of a tap to one device, and some to spare.
const EXCHANGES: u64 = 10;
/// Points in a terminal's life during a tap, and some to spare.
const POINTS: u64 = 34;

/// So many steps.
pub fn steps(count: usize) -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec(step(), count)
}

/// Any step, the ordinary ones more often.
pub fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        40 => new_order(),
        6 => undo(),
        14 => again(),
        8 => (0..CARDS).prop_map(|card| Step::Balance { card }),
        4 => (0..CARDS, prop::option::of(cut(4))).prop_map(|(card, cut)| Step::PowerCycle { card, cut }),
        1 => (0..TERMINALS).prop_map(|terminal| Step::Restart { terminal }),
        1 => (0..CARDS).prop_map(|card| Step::UnblockPin { card }),
    ]
}

/// A new order with any faults.
pub fn new_order() -> impl Strategy<Value = Step> {
    let kind = prop_oneof![
        6 => Just(OrderKind::Purchase),
        3 => Just(OrderKind::Recharge),
        5 => prop::sample::select(&OrderKind::WITHOUT_UNDO[..]),
    ];
    (0..TERMINALS, 0..CARDS, kind, amount_fen(), prop::bool::weighted(0.9), faults()).prop_map(
        |(terminal, card, kind, amount_fen, entered, faults)| {
            // Without limits a purchase from the EP asks for no PIN; entering one all the same is allowed.
            let asks_for_pin = !matches!(kind, OrderKind::Purchase | OrderKind::Compound | OrderKind::UnloadEp);
            let pin = entered == asks_for_pin;
            Step::New { terminal, card, kind, amount_fen, pin, faults }
        },
    )
}

/// An undo with any faults.
pub fn undo() -> impl Strategy<Value = Step> {
    (0..TERMINALS, 0..CARDS, faults()).prop_map(|(terminal, card, faults)| Step::Undo { terminal, card, faults })
}

/// Any faults: mostly none, then one, seldom two.
pub fn faults() -> impl Strategy<Value = Vec<Fault>> {
    prop_oneof![
        5 => Just(Vec::new()),
        5 => prop::collection::vec(fault(), 1),
        1 => prop::collection::vec(fault(), 2),
    ]
}

/// Any fault.
pub fn fault() -> impl Strategy<Value = Fault> {
    let loss = || prop_oneof![Just(Loss::LostCommand), Just(Loss::LostAnswer), Just(Loss::Removed)];
    prop_oneof![
        4 => cut(OPERATIONS).prop_map(Fault::CardCut),
        2 => cut(OPERATIONS / 2).prop_map(Fault::SamCut),
        3 => (0..EXCHANGES, loss()).prop_map(|(exchange, loss)| Fault::Card { exchange, loss }),
        1 => (0..EXCHANGES, loss()).prop_map(|(exchange, loss)| Fault::Sam { exchange, loss }),
        1 => prop::sample::select(&REFUSALS[..]).prop_map(|word| Fault::Refusal { word }),
        2 => (0..POINTS).prop_map(|point| Fault::Kill { point }),
    ]
}

/// A cut in one of the first `operations` programming operations, torn in any way.
pub fn cut(operations: u64) -> impl Strategy<Value = Cut> {
    let rest = prop_oneof![
        4 => Just(Rest::Old),
        1 => Just(Rest::Erased(0xFF)),
        1 => Just(Rest::Erased(0x00)),
        1 => any::<u64>().prop_map(|seed| Rest::Random { seed }),
        1 => (0..64u8, any::<u64>()).prop_map(|(byte, seed)| Rest::OldButOne { byte, seed }),
    ];
    let landed = prop_oneof![
        1 => Just(0),
        1 => Just(u64::MAX),
        2 => (0..64u32).prop_map(|length| (1 << length) - 1),
        2 => any::<u64>(),
    ];
    (0..operations, landed, rest).prop_map(|(operation, landed, rest)| Cut { operation, tear: Tear { landed, rest } })
}

fn again() -> impl Strategy<Value = Step> {
    let other_card = prop::option::weighted(0.15, 1..CARDS);
    (0..TERMINALS, 0..4usize, other_card, prop::bool::weighted(0.8), faults())
        .prop_map(|(terminal, nth, other_card, pin, faults)| Step::Again { terminal, nth, other_card, pin, faults })
}

/// Small sums, so that equal orders and empty cards are common; and sums that no card holds.
fn amount_fen() -> impl Strategy<Value = u32> {
    prop_oneof![
        1 => Just(0),
        12 => 1..5u32,
        12 => 5..2_000u32,
        2 => 2_000..10_000_000u32,
        1 => (u32::MAX - 3)..=u32::MAX,
    ]
}

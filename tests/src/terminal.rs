//! The trait a terminal is tested through, and this project's own terminals behind it.

use onecard_host::{
    card::Pin,
    sam::{Sam, SoftwareSam},
    terminal::{
        CappOrder, CappUpdate, CashOrder, DeskKeys, InMemoryStore, IssuerKeys, Kind, OrderNumber, Outcome,
        OverdraftOrder, PurchaseOrder, RechargeOrder, SettlementRecord, Tap, TokenStore, UndoOrder, UnloadOrder,
        WithIssuer, capp_purchase, cash_withdraw, purchase, recharge, resolve_by_issuer, undo, unload,
        update_overdraft,
    },
    transport::Transport,
};
use onecard_wire::{
    amount::Amount,
    date::Moment,
    wallet::{OverdraftLimit, Purse},
};
use rand::{SeedableRng, rngs::ChaCha8Rng};

use crate::{
    lifeline::{Lifeline, MortalStore},
    world::{CAPP_DATA_LEN, CAPP_TYPE, DESK, KEY_VERSION, World, moment},
};

/// A terminal's code. One value is one running process with its disk; the world may kill it at any
/// [point](Lifeline::pass), and then nothing it said is heard.
pub trait TerminalUnderTest {
    /// Carries out `order`, or finds out what became of it, with the card on the reader.
    fn run(&mut self, devices: Devices<'_>, order: &Order) -> Report;

    /// The process has died and starts again: everything but the disk is gone.
    fn restart(&mut self);

    /// What the disk says of an order, without a card.
    fn recall(&self, order: OrderNumber) -> Recalled;

    /// So many later transactions of the card are too many to find out what became of an order: fewer are not. A log has 20
    /// records; a terminal that does not read it has the proofs of the last eight.
    fn decides_within(&self) -> u32 {
        20
    }
}

impl TerminalUnderTest for Box<dyn TerminalUnderTest> {
    fn run(&mut self, devices: Devices<'_>, order: &Order) -> Report {
        (**self).run(devices, order)
    }

    fn restart(&mut self) {
        (**self).restart();
    }

    fn recall(&self, order: OrderNumber) -> Recalled {
        (**self).recall(order)
    }

    fn decides_within(&self) -> u32 {
        (**self).decides_within()
    }
}

/// What a terminal works with.
pub struct Devices<'a> {
    /// The card on the reader.
    pub card: &'a mut dyn Transport,
    /// The SAM in the slot, just powered up.
    pub sam: &'a mut dyn Transport,
    /// The terminal's life, for a disk that wants to be torn too ([`MortalStore`]). Card and SAM pass their points
    /// already.
    pub lifeline: Lifeline,
}

/// What a customer wants.
#[derive(Clone, Debug)]
pub struct Order {
    /// The terminal's number of it: the same number is the same order.
    pub number: OrderNumber,
    /// What is done.
    pub kind: OrderKind,
    /// How much; of an overdraft update the new limit.
    pub amount: Amount,
    /// When, by the terminal's clock.
    pub moment: Moment,
    /// The PIN, if the holder enters it; a card is loaded, and its deposit used, with it only.
    pub pin: Option<Pin>,
}

/// What is done to which purse.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OrderKind {
    /// Purchase from the EP.
    Purchase,
    /// Load of the EP.
    Recharge,
    /// Takes a purchase from the EP back.
    Undo {
        /// Which.
        purchase: OrderNumber,
    },
    /// Compound purchase from the EP.
    Compound,
    /// Unload of the EP.
    UnloadEp,
    /// Load of the ED.
    RechargeDeposit,
    /// Purchase from the ED.
    PurchaseDeposit,
    /// Cash withdrawal from the ED.
    CashWithdraw,
    /// Unload of the ED.
    UnloadEd,
    /// Overdraft update of the ED.
    Overdraft,
}

impl OrderKind {
    /// Every kind but the undo, which names a purchase.
    pub const WITHOUT_UNDO: [Self; 9] = [
        Self::Purchase,
        Self::Recharge,
        Self::Compound,
        Self::UnloadEp,
        Self::RechargeDeposit,
        Self::PurchaseDeposit,
        Self::CashWithdraw,
        Self::UnloadEd,
        Self::Overdraft,
    ];

    /// What a settlement record calls it.
    #[must_use]
    pub const fn settled_as(self) -> Kind {
        match self {
            Self::Purchase => Kind::PurchaseEp,
            Self::Recharge => Kind::LoadEp,
            Self::Undo { .. } => Kind::Undo,
            Self::Compound => Kind::Capp,
            Self::UnloadEp => Kind::UnloadEp,
            Self::RechargeDeposit => Kind::LoadEd,
            Self::PurchaseDeposit => Kind::PurchaseEd,
            Self::CashWithdraw => Kind::CashWithdraw,
            Self::UnloadEd => Kind::UnloadEd,
            Self::Overdraft => Kind::Overdraft,
        }
    }
}

/// What a terminal tells its cashier.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Report {
    /// How the order ended.
    pub ending: Ending,
    /// What became of earlier orders with the same card.
    pub earlier: Vec<(OrderNumber, Ending)>,
}

/// The three endings there are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ending {
    /// The money has moved; this is handed in for settlement.
    Committed(SettlementRecord),
    /// It has not moved and will not.
    NotCommitted,
    /// It may have moved: the next tap of the same card with the same order finds out.
    Unknown,
}

/// What a terminal's disk says of an order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Recalled {
    /// Its money has moved.
    Committed(SettlementRecord),
    /// It may have.
    Pending,
    /// Nothing: it was never begun, or it ended without moving money.
    Nothing,
}

impl Order {
    /// A recharge with the PIN.
    #[must_use]
    pub fn recharge(number: u64, amount_fen: u32, seconds: u32) -> Self {
        let pin = Some(World::shared().pin());
        Self {
            number: OrderNumber(number),
            kind: OrderKind::Recharge,
            amount: Amount::from_fen(amount_fen),
            moment: moment(seconds),
            pin,
        }
    }

    /// A purchase.
    #[must_use]
    pub fn purchase(number: u64, amount_fen: u32, seconds: u32) -> Self {
        Self { kind: OrderKind::Purchase, pin: None, ..Self::recharge(number, amount_fen, seconds) }
    }
}

impl From<Recalled> for Ending {
    fn from(recalled: Recalled) -> Self {
        match recalled {
            Recalled::Committed(record) => Self::Committed(record),
            Recalled::Pending => Self::Unknown,
            Recalled::Nothing => Self::NotCommitted,
        }
    }
}

impl From<Outcome> for Ending {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Committed(receipt) => Self::Committed(receipt.settlement),
            Outcome::NotCommitted(_) => Self::NotCommitted,
            Outcome::Unknown(_) => Self::Unknown,
        }
    }
}

impl From<Tap> for Report {
    fn from(tap: Tap) -> Self {
        let earlier = tap.earlier.into_iter();
        let earlier = earlier.map(|earlier| (earlier.token.transaction.order, earlier.outcome.into()));
        Self { earlier: earlier.collect(), ending: tap.outcome.into() }
    }
}

impl Report {
    /// A report of this ending and nothing else.
    #[must_use]
    pub fn of(ending: Ending) -> Self {
        Self { ending, earlier: Vec::new() }
    }
}

/// The terminals of the host library, over any store.
#[derive(Debug)]
pub struct LibraryTerminal<S = InMemoryStore> {
    store: S,
    keeper: Keeper,
    issuer: IssuerKeys,
}

/// Who keeps the terminal's keys.
#[derive(Debug)]
pub enum Keeper {
    /// The SAM in the slot.
    Slot,
    /// A server, whose SAM in software outlives the terminal.
    Software(Box<SoftwareSam>),
}

impl<S: TokenStore> LibraryTerminal<S> {
    /// A terminal with `store` for its disk.
    #[must_use]
    pub fn new(store: S, keeper: Keeper) -> Self {
        Self { store, keeper, issuer: World::shared().issuer() }
    }

    /// The disk.
    #[must_use]
    pub fn store(&self) -> &S {
        &self.store
    }

    /// Who keeps its keys.
    #[must_use]
    pub fn keeper(&self) -> &Keeper {
        &self.keeper
    }

    /// The disk, of a terminal that is switched off.
    #[must_use]
    pub fn into_store(self) -> S {
        self.store
    }
}

impl<S: TokenStore> TerminalUnderTest for LibraryTerminal<S> {
    fn run(&mut self, devices: Devices<'_>, order: &Order) -> Report {
        let Devices { card, sam, lifeline } = devices;
        let mut store = MortalStore { store: &mut self.store, lifeline };
        match &mut self.keeper {
            Keeper::Software(sam) => carry_out(card, &mut **sam, &mut self.issuer, &mut store, order),
            Keeper::Slot => match World::shared().open_sam(sam) {
                Ok(mut sam) => carry_out(card, &mut sam, &mut self.issuer, &mut store, order),
                // The library's functions take an open SAM, so this terminal has to say itself what its disk says.
                Err(_) => Report::of(without_sam(store.store, order.number)),
            },
        }
    }

    fn restart(&mut self) {
        if let Keeper::Software(sam) = &mut self.keeper {
            let keys = World::shared().enterprise_keys().clone();
            **sam = SoftwareSam::new(keys, KEY_VERSION, sam.state().clone());
        }
    }

    fn recall(&self, order: OrderNumber) -> Recalled {
        let pending = self.store.pending().unwrap_or_default();
        match self.store.committed(order) {
            Ok(Some(record)) => Recalled::Committed(record),
            _ if pending.iter().any(|token| token.transaction.order == order) => Recalled::Pending,
            _ => Recalled::Nothing,
        }
    }
}

fn carry_out<K: Sam, S: TokenStore>(
    card: &mut dyn Transport,
    sam: &mut K,
    issuer: &mut IssuerKeys,
    store: &mut S,
    order: &Order,
) -> Report {
    let (number, amount, moment, pin) = (order.number, order.amount, order.moment, order.pin.clone());
    let enterprise = World::shared().enterprise_id();
    let (purse, key_id) = (order.kind.settled_as().purse(), 0x01);
    let ended = match order.kind {
        OrderKind::Purchase | OrderKind::PurchaseDeposit => {
            let order = PurchaseOrder { number, enterprise, purse, key_id, amount, moment, pin };
            purchase(card, sam, store, &order)
        }
        OrderKind::Recharge | OrderKind::RechargeDeposit => {
            let order = RechargeOrder { number, enterprise, purse, key_id, amount, moment, pin };
            recharge(card, &mut WithIssuer { witness: sam, issuer }, store, &order)
        }
        OrderKind::Undo { purchase } => {
            let order = UndoOrder { number, enterprise, purchase, key_id, moment };
            undo(card, sam, store, &order)
        }
        OrderKind::Compound => match CappUpdate::new(CAPP_TYPE, &[number.0 as u8; CAPP_DATA_LEN]) {
            Ok(update) => {
                let order = CappOrder { number, enterprise, key_id, amount, moment, pin, updates: vec![update] };
                capp_purchase(card, sam, store, &order)
            }
            Err(_) => return Report::of(Ending::NotCommitted),
        },
        OrderKind::CashWithdraw => {
            let Some(pin) = pin else { return without_pin(store, number) };
            cash_withdraw(card, sam, store, &CashOrder { number, enterprise, key_id, amount, moment, pin })
        }
        OrderKind::UnloadEp | OrderKind::UnloadEd => {
            let key_id = if purse == Purse::Ep { 0x02 } else { 0x01 };
            let order = UnloadOrder { number, enterprise, purse, key_id, amount, moment, pin };
            unload(card, &mut WithIssuer { witness: &mut desk(number), issuer }, store, &order)
        }
        OrderKind::Overdraft => {
            let (Some(pin), Some(limit)) = (pin, OverdraftLimit::from_amount(amount)) else {
                return without_pin(store, number);
            };
            let order = OverdraftOrder { number, enterprise, key_id, limit, moment, pin };
            update_overdraft(card, &mut WithIssuer { witness: &mut desk(number), issuer }, store, &order)
        }
    };
    let Ok(mut tap) = ended else {
        // The store failed; the disk tells at the next tap.
        return Report::of(Ending::Unknown);
    };
    // A till cannot check the proof of a load; its issuer can, and needs no card.
    let mut ask_issuer = |outcome: &mut Outcome| {
        if let Outcome::Unknown(in_doubt) = &*outcome
            && let Ok(decided) = resolve_by_issuer(issuer, store, in_doubt)
        {
            *outcome = decided;
        }
    };
    ask_issuer(&mut tap.outcome);
    tap.earlier.iter_mut().for_each(|earlier| ask_issuer(&mut earlier.outcome));
    tap.into()
}

/// The service desk, which has the keys that no SAM has.
fn desk(number: OrderNumber) -> DeskKeys<ChaCha8Rng> {
    let keys = World::shared().enterprise_keys().clone();
    DeskKeys::new(keys, KEY_VERSION, DESK, ChaCha8Rng::seed_from_u64(number.0))
}

/// These orders take a PIN and a limit that fits by their types: without, the terminal asks the card nothing.
fn without_pin<S: TokenStore>(store: &S, order: OrderNumber) -> Report {
    Report::of(without_sam(store, order))
}

fn without_sam<S: TokenStore>(store: &S, order: OrderNumber) -> Ending {
    let pending = store.pending().unwrap_or_default();
    match store.committed(order) {
        Ok(Some(record)) => Ending::Committed(record),
        _ if pending.iter().any(|token| token.transaction.order == order) => Ending::Unknown,
        _ => Ending::NotCommitted,
    }
}

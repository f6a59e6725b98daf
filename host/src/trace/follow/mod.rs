//! The state of card and SAM that a trace implies, and answers that contradict it.

mod card;
mod contradiction;
mod purse;
mod sam;

use onecard_wire::wallet::Purse;

pub use card::{CardState, Selected, Shown};
pub use contradiction::Contradiction;
pub use purse::PurseState;
pub use sam::SamState;

pub(super) use purse::Deal;
pub(super) use sam::SamDeal;

use super::{
    Entry, Field, Peer,
    command::{application_name, purse_name, transaction_type, yuan},
    transaction::Second,
    whole::{Joiner, Step, Whole},
};

/// Follows a trace: after each entry it knows what card and SAM must have in their memory.
///
/// ```
/// use onecard_host::trace::{Entry, Exchange, Follower, Peer, What};
///
/// let bytes = |text| hex::decode(text).unwrap();
/// let (command, answer) = (bytes("805001020B0000000001001122334455"), bytes("0000200000000000000000584633C99000"));
/// let what = What::Exchange(Exchange::record(&command, Ok(&answer)));
/// let mut follower = Follower::default();
/// follower.follow(&Entry { ms: 0, with: Peer::Card, what });
/// assert_eq!(follower.card().begun().unwrap().amount.fen(), 1);
/// ```
#[derive(Clone, Default, Debug)]
pub struct Follower {
    joiner: Joiner,
    memory: Memory,
}

/// What is known of both.
#[derive(Clone, Default, Debug)]
pub(super) struct Memory {
    pub(super) card: CardState,
    pub(super) sam: SamState,
    sam_was_heard: bool,
    /// What the SAM made last for the card: the terminal's next DEBIT carries it.
    handed: Option<SamDeal>,
}

impl Follower {
    /// Takes the next entry, and tells what in it contradicts those before.
    pub fn follow(&mut self, entry: &Entry) -> Vec<Contradiction> {
        let steps = self.joiner.push(entry);
        steps.iter().flat_map(|step| self.memory.step(step)).collect()
    }

    /// The card's memory now.
    #[must_use]
    pub const fn card(&self) -> &CardState {
        &self.memory.card
    }

    /// The SAM's memory now.
    #[must_use]
    pub const fn sam(&self) -> &SamState {
        &self.memory.sam
    }

    /// What is known now of one of them, by name; what is not known is left out.
    #[must_use]
    pub fn fields(&self, peer: Peer) -> Vec<Field> {
        match peer {
            Peer::Card => card_fields(self.card()),
            Peer::Sam => sam_fields(self.sam()),
        }
    }
}

impl Memory {
    /// What is known after one more step, and what contradicts it.
    pub(super) fn step(&mut self, step: &Step) -> Vec<Contradiction> {
        match step {
            Step::Power(Peer::Card, on) => {
                self.card.power(*on);
                Vec::new()
            }
            Step::Power(Peer::Sam, _) => {
                self.sam.power();
                self.handed = None;
                Vec::new()
            }
            Step::Whole(Peer::Card, whole) => {
                let changed = self.changed_on_the_way(whole);
                let mut against = self.card.follow(whole);
                against.extend(changed);
                against
            }
            Step::Whole(Peer::Sam, whole) => {
                let first = !core::mem::replace(&mut self.sam_was_heard, true);
                let against = self.sam.follow(whole, first);
                self.handed = self.sam.deal().cloned().or(self.handed.take());
                against.into_iter().collect()
            }
        }
    }

    /// The terminal's DEBIT for the INITIALIZE that its SAM was told of has the SAM's MAC1 and sequence.
    fn changed_on_the_way(&self, whole: &Whole) -> Option<Contradiction> {
        let (deal, handed) = (self.card.deal()?, self.handed.as_ref()?);
        let same = handed.init.random == deal.begun.random && handed.init.card_sequence == deal.begun.sequence;
        let second = Second::parse(deal.begun.kind, whole.header()?, whole.data()).filter(|_| same)?;
        let sequence = second.terminal_sequence?;
        let fits = sequence == handed.answer.terminal_sequence && second.mac == handed.answer.mac1;
        (!fits).then_some(Contradiction::NotTheSams)
    }
}

fn card_fields(card: &CardState) -> Vec<Field> {
    let mut fields = Vec::new();
    match &card.selected {
        Selected::Unknown => {}
        Selected::MasterFile => fields.push(Field::new("selected", "master file")),
        Selected::Directory { name, public } => {
            fields.push(Field::new("selected", application_name(name)));
            fields.extend(public.map(|public| Field::new("card", public.serial)));
        }
    }
    if card.blocked {
        fields.push(Field::new("blocked", "yes"));
    }
    fields.extend(card.shown.map(|shown| match shown {
        Shown::Pin(id) => Field::new("security state", format_args!("by PIN {id:02X}")),
        Shown::Key(id) => Field::new("security state", format_args!("by key 39 {id:02X}")),
    }));
    fields.extend(card.challenge().map(|challenge| Field::hex("challenge", challenge)));
    fields.extend(card.begun().map(|begun| Field::new("begun", begun)));
    for purse in [Purse::Ed, Purse::Ep] {
        let Some(state) = card.purse(purse) else { continue };
        let name = |ed, ep| if purse == Purse::Ed { ed } else { ep };
        fields.extend(state.balance().map(|balance| Field::new(name("ED balance", "EP balance"), yuan(balance))));
        let (online, offline) = (state.sequence(true), state.sequence(false));
        fields.extend(online.map(|next| Field::new(name("ED online sequence", "EP online sequence"), next)));
        fields.extend(offline.map(|next| Field::new(name("ED offline sequence", "EP offline sequence"), next)));
        fields.extend(state.in_doubt().map(|begun| {
            let of = purse_name(purse);
            Field::new("in doubt", format_args!("{of} {begun}"))
        }));
    }
    fields
}

fn sam_fields(sam: &SamState) -> Vec<Field> {
    let mut fields = Vec::new();
    fields.extend(sam.selected.as_ref().map(|name| match name.as_slice() {
        [] | [0x3F, 0x00] => Field::new("selected", "master file"),
        name => Field::new("selected", application_name(name)),
    }));
    fields.extend(sam.terminal().map(|number| Field::new("terminal", number)));
    fields.extend(sam.begun().map(|(init, _)| {
        let (what, amount) = (transaction_type(init.transaction_type), yuan(init.amount));
        Field::new("begun", format_args!("{what} of {amount}"))
    }));
    fields.extend(sam.next_sequence.map(|next| Field::new("next sequence", next)));
    fields
}

#[cfg(test)]
mod tests;

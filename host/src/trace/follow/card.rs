//! What a card's answers say about its memory.

use std::collections::BTreeMap;

use onecard_wire::{
    aid,
    amount::Amount,
    fid::Fid,
    ins,
    number::{ApplicationSerial, EnterpriseId},
    record::{LogRecord, PublicData},
    status::StatusWord,
    wallet::{Proof, Purse, TransactionType},
};

use super::{
    Contradiction, PurseState,
    purse::{Deal, proof_of},
};
use crate::trace::{
    answer::public_data_of_fci,
    transaction::{Begun, Second},
    whole::{Piece, Whole},
};

/// What is known of the card in the reader.
#[derive(Clone, Default, Debug)]
pub struct CardState {
    /// The current directory.
    pub selected: Selected,
    /// Whether it answers 6A81.
    pub blocked: bool,
    /// What set the security state of the current directory.
    pub shown: Option<Shown>,
    challenge: Option<Seen>,
    begun: Option<Deal>,
    /// Purses of every application seen, by serial.
    accounts: BTreeMap<Option<ApplicationSerial>, Account>,
    /// What a command needs to stand in front of it is not in the trace yet.
    at_the_beginning: Beginning,
}

/// The current directory.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub enum Selected {
    /// The trace does not say.
    #[default]
    Unknown,
    /// The master file.
    MasterFile,
    /// A directory by name or file identifier, and EF 0015 if it was answered.
    Directory {
        /// As selected.
        name: Vec<u8>,
        /// Whose card.
        public: Option<PublicData>,
    },
}

/// Who is at the card.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shown {
    /// The PIN of that id was verified.
    Pin(u8),
    /// The terminal has shown that it holds key 39 of that id.
    Key(u8),
}

/// Random bytes of a GET CHALLENGE that the next command may use.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in crate::trace) struct Seen {
    pub(in crate::trace) bytes: Vec<u8>,
    pub(in crate::trace) pieces: Vec<Piece>,
}

/// Both purses of one application.
#[derive(Clone, Default, Debug)]
struct Account {
    ed: PurseState,
    ep: PurseState,
    /// The last transaction of either, if nothing can have come behind it.
    last: Option<Deal>,
}

#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
enum Beginning {
    #[default]
    Yes,
    No,
}

impl CardState {
    /// The current application's card.
    #[must_use]
    pub fn card(&self) -> Option<(EnterpriseId, ApplicationSerial)> {
        match &self.selected {
            Selected::Directory { public: Some(public), .. } => Some((public.enterprise, public.serial)),
            _ => None,
        }
    }

    /// The challenge that the next command may use.
    #[must_use]
    pub fn challenge(&self) -> Option<&[u8]> {
        self.challenge.as_ref().map(|seen| seen.bytes.as_slice())
    }

    /// The transaction that the next command may complete.
    #[must_use]
    pub fn begun(&self) -> Option<&Begun> {
        self.begun.as_ref().map(|deal| &deal.begun)
    }

    /// A purse of the current application, if anything of it was seen.
    #[must_use]
    pub fn purse(&self, purse: Purse) -> Option<&PurseState> {
        self.account().map(|account| account.purse(purse))
    }

    pub(in crate::trace) const fn seen_challenge(&self) -> Option<&Seen> {
        self.challenge.as_ref()
    }

    pub(in crate::trace) const fn deal(&self) -> Option<&Deal> {
        self.begun.as_ref()
    }

    /// Everything in memory that power keeps is gone.
    pub(super) fn power(&mut self, on: bool) {
        let mut accounts = core::mem::take(&mut self.accounts);
        // It may be another card.
        accounts.remove(&None);
        for account in accounts.values_mut() {
            account.ed.leave();
            account.ep.leave();
            account.last = None;
        }
        let selected = if on { Selected::MasterFile } else { Selected::Unknown };
        *self = Self { accounts, selected, at_the_beginning: Beginning::No, ..Self::default() };
    }

    /// What is known after a command and its answer.
    pub(super) fn follow(&mut self, whole: &Whole) -> Vec<Contradiction> {
        if whole.wrong_le() {
            return Vec::new();
        }
        let (challenge, begun) = (self.challenge.take(), self.begun.take());
        let first = core::mem::replace(&mut self.at_the_beginning, Beginning::No) == Beginning::Yes;
        let mut against = self.impossible(whole, first || challenge.is_some());
        let Some(header @ [_, ins, p1, p2]) = whole.header() else { return against };
        match ins {
            ins::SELECT => self.select(whole),
            ins::GET_CHALLENGE => self.challenge = seen(whole),
            ins::VERIFY if whole.done().is_some() => self.shown = Some(Shown::Pin(p2)),
            ins::EXTERNAL_AUTHENTICATE if whole.done().is_some() => self.shown = Some(Shown::Key(p2)),
            ins::APPLICATION_BLOCK => self.blocked |= whole.done().is_some(),
            ins::APPLICATION_UNBLOCK => self.blocked &= whole.done().is_none(),
            ins::INITIALIZE => against.extend(self.initialize(whole, header)),
            ins::CREDIT_FOR_LOAD | ins::DEBIT | ins::UPDATE_OVERDRAW_LIMIT => {
                against.extend(self.second(whole, header, begun).filter(|_| !first));
            }
            ins::UPDATE_CAPP_DATA_CACHE if header.first() == Some(&ins::CLA_PBOC) => {
                self.begun = begun.filter(|_| whole.done().is_some());
            }
            ins::GET_BALANCE => against.extend(self.balance(whole, p2)),
            ins::GET_TRANSACTION_PROVE => against.extend(self.proof(whole, TransactionType(p2))),
            ins::READ_RECORD if (p1, p2) == (0x01, LOG_RECORDS) => against.extend(self.log(whole)),
            _ => {}
        }
        against
    }

    /// 9000 where it cannot be.
    fn impossible(&self, whole: &Whole, challenged: bool) -> Vec<Contradiction> {
        let Some([cla, ins, ..]) = whole.header().filter(|_| whole.done().is_some()) else { return Vec::new() };
        let free = matches!(ins, ins::SELECT | ins::GET_CHALLENGE | ins::APPLICATION_UNBLOCK);
        let blocked = (self.blocked && !free).then_some(Contradiction::Blocked);
        let asks = matches!(cla, ins::CLA_ISO_SM | ins::CLA_PBOC_SM) || ins == ins::EXTERNAL_AUTHENTICATE;
        let unasked = asks && !challenged;
        blocked.into_iter().chain(unasked.then_some(Contradiction::NoChallenge)).collect()
    }

    fn select(&mut self, whole: &Whole) {
        let Some([_, _, p1, _]) = whole.header() else { return };
        let (name, fci) = (whole.data(), whole.done());
        let of_directory = p1 == 0x04 || fci.is_some_and(|fci| fci.starts_with(&[FCI_TAG]));
        let blocked = whole.status() == Some(StatusWord::FUNCTION_NOT_SUPPORTED) && p1 == 0x04;
        if !(fci.is_some() && of_directory || blocked) {
            return;
        }
        let master = name.is_empty() || name == aid::MF_NAME || name == Fid::MF.0.to_be_bytes();
        self.selected = if master {
            Selected::MasterFile
        } else {
            let public = fci.and_then(public_data_of_fci);
            Selected::Directory { name: name.to_vec(), public }
        };
        self.blocked = blocked;
        self.shown = None;
    }

    fn initialize(&mut self, whole: &Whole, header: [u8; 4]) -> Vec<Contradiction> {
        let Some(answer) = whole.done() else { return Vec::new() };
        let Some(begun) = Begun::parse(header, whole.data(), answer) else { return vec![Contradiction::Layout] };
        let against = self.account_mut().purse_mut(begun.purse).begun(&begun);
        self.begun = Some(Deal { begun, initialize: whole.clone(), second: None, proof: None });
        against
    }

    fn second(&mut self, whole: &Whole, header: [u8; 4], begun: Option<Deal>) -> Option<Contradiction> {
        let answered = whole.answer.is_ok();
        let Some(mut deal) = begun.filter(|deal| deal.begun.kind.is_second(header)) else {
            // What it did nobody knows.
            if let Some(account) = self.accounts.get_mut(&self.serial()).filter(|_| whole.done().is_some()) {
                *account = Account::default();
            }
            return whole.done().map(|_| Contradiction::NotBegun);
        };
        let Some(second) = Second::parse(deal.begun.kind, header, whole.data()) else {
            return whole.done().map(|_| Contradiction::Layout);
        };
        deal.second = Some((second, whole.clone()));
        if !answered {
            let account = self.account_mut();
            account.last = None;
            account.purse_mut(deal.begun.purse).doubt(deal);
            return None;
        }
        deal.proof = proof_of(deal.begun.kind, whole.done()?);
        let against = deal.proof.is_none().then_some(Contradiction::Layout);
        let account = self.account_mut();
        account.last = Some(deal.clone());
        account.purse_mut(deal.begun.purse).done(deal);
        against
    }

    fn balance(&mut self, whole: &Whole, p2: u8) -> Option<Contradiction> {
        let (answer, purse) = (whole.done()?, Purse::from_p2(p2)?);
        let Ok(balance) = <[u8; 4]>::try_from(answer) else { return Some(Contradiction::Layout) };
        self.account_mut().purse_mut(purse).told_balance(purse, Amount::from_bytes(balance))
    }

    fn proof(&mut self, whole: &Whole, transaction_type: TransactionType) -> Option<Contradiction> {
        let purse = transaction_type.purse()?;
        let sequence = u16::from_be_bytes(whole.data().try_into().ok()?);
        let proof = match (whole.done(), whole.status()) {
            (Some(answer), _) => match Proof::parse(answer) {
                Some(proof) => Some(proof),
                None => return Some(Contradiction::Layout),
            },
            (None, Some(StatusWord::NO_MAC_AVAILABLE)) => None,
            _ => return None,
        };
        self.account_mut().purse_mut(purse).proof(transaction_type, sequence, proof)
    }

    /// Record 01 of EF 0018.
    fn log(&mut self, whole: &Whole) -> Option<Contradiction> {
        let [cla, ..] = whole.header()?;
        let answer = whole.done()?;
        let content = if cla & ins::CLA_SM_BIT == 0 { answer } else { answer.split_last_chunk::<4>()?.0 };
        let record = LogRecord::parse(content)?;
        let deal = self.account()?.last.as_ref()?;
        let (second, _) = deal.second.as_ref()?;
        let begun = &deal.begun;
        let amount = second.new_limit.map_or(begun.amount, |limit| limit.amount());
        let fits = record.sequence == begun.sequence.wrapping_add(1)
            && record.amount == amount
            && record.transaction_type == begun.transaction_type()
            && record.terminal == begun.terminal
            && (record.date, record.time) == (second.moment.date, second.moment.time);
        (!fits).then_some(Contradiction::Log)
    }

    fn serial(&self) -> Option<ApplicationSerial> {
        self.card().map(|(_, serial)| serial)
    }

    fn account(&self) -> Option<&Account> {
        self.accounts.get(&self.serial())
    }

    fn account_mut(&mut self) -> &mut Account {
        self.accounts.entry(self.serial()).or_default()
    }
}

impl Account {
    const fn purse(&self, purse: Purse) -> &PurseState {
        match purse {
            Purse::Ed => &self.ed,
            Purse::Ep => &self.ep,
        }
    }

    const fn purse_mut(&mut self, purse: Purse) -> &mut PurseState {
        match purse {
            Purse::Ed => &mut self.ed,
            Purse::Ep => &mut self.ep,
        }
    }
}

const FCI_TAG: u8 = 0x6F;
/// P2 of READ RECORD by number in EF 0018.
const LOG_RECORDS: u8 = 0xC4;

fn seen(whole: &Whole) -> Option<Seen> {
    let bytes = whole.done().filter(|bytes| matches!(bytes.len(), 4 | 8))?.to_vec();
    let pieces = whole.answer.as_ref().ok()?.pieces.clone();
    Some(Seen { bytes, pieces })
}

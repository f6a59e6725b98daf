//! How a SAM's MACs are made, from the bytes of the trace alone.

use onecard_wire::{
    amount::Amount,
    ins,
    key::KeyVersion,
    layout::Reader,
    number::TerminalNumber,
    sam::{InitSam, InitSamAnswer, Mark, UsageKind, mark_command},
    wallet::{Initialize, TransactionType},
};

use super::{TraceKeys, Unchecked, recipe::header_and_data};
use crate::crypto::{Key, SessionKey, TransactionTerms};

/// Which of them. Where a terminal number is needed, the last part tells it: what the SAM's EF 0016 was read as, or the
/// card's INITIALIZE.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum SamRecipe {
    /// MAC1 of a purchase or undo. Parts: INIT_SAM, its answer, terminal.
    Mac1,
    /// MAC1 of a load as the terminal hands it over. Parts: INIT_SAM, terminal.
    LoadMac1,
    /// MAC2 of a load. Parts: INIT_SAM, its answer, terminal.
    LoadMac2,
    /// MAC2 of a purchase or undo as the terminal hands it over. Parts: INIT_SAM, its answer, CREDIT_SAM.
    Mac2,
    /// MAC2 of a past one. Part: CREDIT_SAM.
    PastMac2,
    /// Of the UPDATE BINARY that marks a listed card. Part: `80 74`.
    Mark,
}

/// INIT_SAM, or what of it another command has.
struct Request<'d> {
    kind: UsageKind,
    init: InitSam,
    factors: Vec<[u8; 8]>,
    rest: &'d [u8],
}

impl SamRecipe {
    pub(super) fn make(self, keys: &TraceKeys, parts: &[&[u8]]) -> Result<Vec<Vec<u8>>, Unchecked> {
        let [command, ..] = parts else { return Err(Unchecked::Layout) };
        let ([_, ins, p1, _], data) = header_and_data(command).ok_or(Unchecked::Layout)?;
        let kind = match (ins, p1) {
            (ins::INIT_SAM | ins::CREDIT_SAM, ins::SAM_LOAD) => Some(UsageKind::LOAD),
            (ins::INIT_SAM, ins::SAM_UNDO) => Some(UsageKind::CANCEL),
            (ins::INIT_SAM, _) => Some(UsageKind::PURCHASE),
            // A past one is of either.
            _ => None,
        };
        match (self, parts) {
            (Self::Mac1, [_, answer, terminal, ..]) => {
                let request = Request::parse(kind, data, 0)?;
                let answer = InitSamAnswer::parse(answer).ok_or(Unchecked::Layout)?;
                let terms = request.terms(terminal)?;
                let mac1 = |key: &Key| request.purchase(key, answer.terminal_sequence).purchase_mac1(&terms).to_vec();
                Ok(request.keys(keys)?.iter().map(mac1).collect())
            }
            (Self::Mac2, [_, answer, ..]) => {
                let request = Request::parse(kind, data, 0)?;
                let answer = InitSamAnswer::parse(answer).ok_or(Unchecked::Layout)?;
                request.mac2(keys, answer.terminal_sequence)
            }
            (Self::PastMac2, _) => {
                let mut reader = Reader::new(data);
                let sequence = reader.u32().ok_or(Unchecked::Layout)?;
                Request::parse(kind, reader.rest(), 4)?.mac2(keys, sequence)
            }
            (Self::LoadMac1, [.., terminal]) => {
                let request = Request::parse_load(kind, data)?;
                let (terms, old_balance) = (request.terms(terminal)?, request.old_balance()?);
                let mac1 = |key: &Key| request.load(key).load_mac1(old_balance, &terms).to_vec();
                Ok(request.keys(keys)?.iter().map(mac1).collect())
            }
            (Self::LoadMac2, [.., terminal]) => {
                let request = Request::parse_load(kind, data)?;
                let terms = request.terms(terminal)?;
                Ok(request.keys(keys)?.iter().map(|key| request.load(key).load_mac2(&terms).to_vec()).collect())
            }
            (Self::Mark, _) => mark(keys, data, command.get(3).copied()),
            _ => Err(Unchecked::Layout),
        }
    }
}

impl<'d> Request<'d> {
    /// `behind` bytes follow the factors.
    fn parse(kind: Option<UsageKind>, data: &'d [u8], behind: usize) -> Result<Self, Unchecked> {
        let mut reader = Reader::new(data);
        let init = InitSam::read(&mut reader).ok_or(Unchecked::Layout)?;
        let rest = reader.rest();
        let (factors, rest) = rest.split_at_checked(rest.len().saturating_sub(behind)).ok_or(Unchecked::Layout)?;
        let (factors, left) = factors.as_chunks::<8>();
        if !left.is_empty() || factors.is_empty() || rest.len() != behind {
            return Err(Unchecked::Layout);
        }
        let of_type = match init.transaction_type {
            TransactionType::UNDO => UsageKind::CANCEL,
            _ => UsageKind::PURCHASE,
        };
        Ok(Self { kind: kind.unwrap_or(of_type), init, factors: factors.to_vec(), rest })
    }

    /// A load has balance and MAC1 behind its factors; the check of MAC1 alone a terminal number too.
    fn parse_load(kind: Option<UsageKind>, data: &'d [u8]) -> Result<Self, Unchecked> {
        Self::parse(kind, data, 8).or_else(|_| Self::parse(kind, data, 14))
    }

    fn old_balance(&self) -> Result<Amount, Unchecked> {
        Reader::new(self.rest).array().map(Amount::from_bytes).ok_or(Unchecked::Layout)
    }

    fn terms(&self, terminal: &[u8]) -> Result<TransactionTerms, Unchecked> {
        // A terminal number that the command itself has counts.
        let own = self.rest.get(8..).and_then(|number| number.try_into().ok());
        let read = || terminal.try_into().ok();
        let initialize = || {
            let (_, data) = header_and_data(terminal)?;
            Initialize::parse(data).map(|initialize| initialize.terminal.0)
        };
        let terminal = own.or_else(read).or_else(initialize).map(TerminalNumber).ok_or(Unchecked::NoTerminal)?;
        let InitSam { amount, transaction_type, moment, .. } = self.init;
        Ok(TransactionTerms { amount, transaction_type, terminal, moment })
    }

    fn keys(&self, keys: &TraceKeys) -> Result<Vec<Key>, Unchecked> {
        let (kind, version) = (self.kind, self.init.key_version);
        let found = keys.of_sam(kind, Some(version), &self.factors);
        if found.is_empty() { Err(Unchecked::NoSamKey { kind, version }) } else { Ok(found) }
    }

    fn purchase(&self, key: &Key, terminal_sequence: u32) -> SessionKey {
        SessionKey::of_purchase(key, self.init.random, self.init.card_sequence, terminal_sequence)
    }

    fn load(&self, key: &Key) -> SessionKey {
        SessionKey::of_load(key, self.init.random, self.init.card_sequence)
    }

    fn mac2(&self, keys: &TraceKeys, terminal_sequence: u32) -> Result<Vec<Vec<u8>>, Unchecked> {
        let mac2 = |key: &Key| self.purchase(key, terminal_sequence).purchase_mac2(self.init.amount).to_vec();
        Ok(self.keys(keys)?.iter().map(mac2).collect())
    }
}

/// `version` 00 is the highest that the SAM has: which, the trace does not say.
fn mark(keys: &TraceKeys, data: &[u8], version: Option<u8>) -> Result<Vec<Vec<u8>>, Unchecked> {
    let Mark { challenge: [a, b, c, d], list_version, serial } = Mark::parse(data).ok_or(Unchecked::Layout)?;
    let version = version.filter(|version| *version != 0).map(KeyVersion);
    let found = keys.of_sam(UsageKind::MARKING, version, &[serial]);
    if found.is_empty() {
        return Err(Unchecked::NoSamKey { kind: UsageKind::MARKING, version: version.unwrap_or(KeyVersion(0)) });
    }
    let message = mark_command(list_version);
    Ok(found.iter().map(|key| key.line_mac([a, b, c, d, 0, 0, 0, 0], &message).to_vec()).collect())
}

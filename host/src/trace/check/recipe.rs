//! How each MAC and cryptogram is made, from the bytes of the trace alone.

use onecard_wire::{
    date::Moment,
    key::KeyType,
    number::{ApplicationSerial, EnterpriseId},
};

use super::{TraceKeys, Unchecked, sam::SamRecipe};
use crate::{
    crypto::{Cryptogram, Key, LineKey, SessionKey, load_tac, padding::Block, purchase_tac, update_tac},
    trace::transaction::{Begun, Second, TransactionKind},
};

/// Which bytes of a claim's parts make what.
#[derive(Clone, Debug)]
pub(super) enum Recipe {
    /// MAC1 of a load, unload or overdraft update. Parts: INITIALIZE, its answer.
    Initialized,
    /// MAC of the second command. Parts: INITIALIZE, its answer, the second command.
    Second,
    /// TAC; the same parts.
    Tac,
    /// MAC2 of the card, or MAC3; the same parts.
    CardMac,
    /// Of a command under line protection, by one of these keys. Parts: challenge, command.
    LineCommand(Vec<(KeyType, u8)>),
    /// Of its answer. Parts: challenge, answer.
    LineAnswer(Vec<(KeyType, u8)>),
    /// EXTERNAL AUTHENTICATE. Parts: challenge, command.
    External,
    /// INTERNAL AUTHENTICATE. Parts: command, answer.
    Internal,
    /// A SAM's own.
    Sam(SamRecipe),
}

/// Whose keys.
pub(super) type Card = Option<(EnterpriseId, ApplicationSerial)>;

impl Recipe {
    /// What may stand there, by each key it may be.
    pub(super) fn make(&self, keys: &TraceKeys, card: Card, parts: &[&[u8]]) -> Result<Vec<Vec<u8>>, Unchecked> {
        match (self, parts) {
            (Self::Initialized, [initialize, begun, ..]) => initialized(keys, card, initialize, begun),
            (Self::Second | Self::Tac | Self::CardMac, [initialize, begun, second, ..]) => {
                let deal = parse(initialize, begun)?;
                let second = second_of(deal.kind, second)?;
                match self {
                    Self::Tac => tac(keys, card, &deal, &second),
                    _ => {
                        let of = if matches!(self, Self::Second) { second_mac } else { card_mac };
                        transaction_keys(keys, card, &deal)?.iter().map(|key| of(key, &deal, &second)).collect()
                    }
                }
            }
            (Self::LineCommand(of), [challenge, command, ..]) => {
                let (message, _mac) = protected(command).ok_or(Unchecked::Layout)?;
                line(keys, card, of, challenge, message)
            }
            (Self::LineAnswer(of), [challenge, answer, ..]) => {
                let (content, _mac) = answer.split_last_chunk::<4>().ok_or(Unchecked::Layout)?;
                line(keys, card, of, challenge, content)
            }
            (Self::External, [challenge, command, ..]) => {
                let [_, _, _, id, ..] = command else { return Err(Unchecked::Layout) };
                let challenge = block(challenge)?;
                let found = found(keys, card, KeyType::EXTERNAL, *id)?;
                Ok(found.iter().map(|key| cryptogram(key.external_cryptogram(challenge))).collect())
            }
            (Self::Internal, [command, ..]) => internal(keys, card, command),
            (Self::Sam(recipe), parts) => recipe.make(keys, parts),
            _ => Err(Unchecked::Layout),
        }
    }

    /// Why nothing is wrong though no key fits: a TAC does not say by which version of its key it was made, so a key file
    /// that lacks the transaction's own key may lack the TAC's too.
    pub(super) fn excuse(&self, keys: &TraceKeys, card: Card, parts: &[&[u8]]) -> Option<Unchecked> {
        let (Self::Tac, [initialize, begun, ..]) = (self, parts) else { return None };
        transaction_keys(keys, card, &parse(initialize, begun).ok()?).err()
    }
}

fn initialized(keys: &TraceKeys, card: Card, initialize: &[u8], begun: &[u8]) -> Result<Vec<Vec<u8>>, Unchecked> {
    let deal = parse(initialize, begun)?;
    let Begun { random, sequence, old_balance, limit, terminal, .. } = deal;
    // MAC1 does not cover the moment: any will do.
    let moment = Moment::from_bytes([0x20, 0x00, 0x01, 0x01, 0x00, 0x00, 0x00]).ok_or(Unchecked::Layout)?;
    let mac1 = |key: &Key| {
        let session = SessionKey::of_load(key, random, sequence);
        match deal.kind {
            TransactionKind::OverdraftUpdate => session.update_mac1(old_balance, limit, terminal),
            _ => session.load_mac1(old_balance, &deal.terms(moment)),
        }
    };
    Ok(transaction_keys(keys, card, &deal)?.iter().map(|key| mac1(key).to_vec()).collect())
}

fn second_mac(key: &Key, deal: &Begun, second: &Second) -> Result<Vec<u8>, Unchecked> {
    let terms = deal.terms(second.moment);
    let session = session(key, deal, second)?;
    let mac = match deal.kind {
        TransactionKind::Load | TransactionKind::Unload => session.load_mac2(&terms),
        TransactionKind::OverdraftUpdate => {
            let limit = second.new_limit.ok_or(Unchecked::Layout)?;
            session.update_mac2(limit, deal.terminal, second.moment)
        }
        _ => session.purchase_mac1(&terms),
    };
    Ok(mac.to_vec())
}

/// Zero where the transaction has none, as GET TRANSACTION PROVE answers.
fn card_mac(key: &Key, deal: &Begun, second: &Second) -> Result<Vec<u8>, Unchecked> {
    let session = session(key, deal, second)?;
    let mac = match deal.kind {
        TransactionKind::Load | TransactionKind::OverdraftUpdate => [0; 4],
        TransactionKind::Unload => {
            let new_balance = deal.new_balance(second).ok_or(Unchecked::Layout)?;
            session.unload_mac3(new_balance, deal.sequence, &deal.terms(second.moment))
        }
        _ => session.purchase_mac2(deal.amount),
    };
    Ok(mac.to_vec())
}

fn tac(keys: &TraceKeys, card: Card, deal: &Begun, second: &Second) -> Result<Vec<Vec<u8>>, Unchecked> {
    if deal.kind == TransactionKind::Unload {
        return Ok(vec![vec![0; 4]]);
    }
    let terms = deal.terms(second.moment);
    let new_balance = deal.new_balance(second);
    let make = |key: &Key| {
        Ok(match deal.kind {
            TransactionKind::Load => {
                load_tac(key, new_balance.ok_or(Unchecked::Layout)?, deal.sequence, &terms).to_vec()
            }
            TransactionKind::OverdraftUpdate => {
                let limit = second.new_limit.ok_or(Unchecked::Layout)?;
                let new_balance = new_balance.ok_or(Unchecked::Layout)?;
                update_tac(key, new_balance, deal.sequence, limit, (deal.terminal, second.moment)).to_vec()
            }
            _ => purchase_tac(key, second.terminal_sequence.ok_or(Unchecked::Layout)?, &terms).to_vec(),
        })
    };
    whole(found(keys, card, KeyType::TAC, 0x00)?)?.iter().map(make).collect()
}

fn session(key: &Key, deal: &Begun, second: &Second) -> Result<SessionKey, Unchecked> {
    if deal.kind.is_online() {
        return Ok(SessionKey::of_load(key, deal.random, deal.sequence));
    }
    let terminal_sequence = second.terminal_sequence.ok_or(Unchecked::Layout)?;
    Ok(SessionKey::of_purchase(key, deal.random, deal.sequence, terminal_sequence))
}

fn line(
    keys: &TraceKeys,
    card: Card,
    of: &[(KeyType, u8)],
    challenge: &[u8],
    message: &[u8],
) -> Result<Vec<Vec<u8>>, Unchecked> {
    let challenge = block(challenge)?;
    let candidates = of.iter().flat_map(|(key_type, id)| keys.of_card(card, *key_type, *id, None));
    let macs: Vec<_> = candidates.map(|key| key.mac(challenge, message).to_vec()).collect();
    match (macs.is_empty(), of.first()) {
        (true, Some((key_type, id))) => Err(Unchecked::NoKey { key_type: *key_type, id: *id, version: None }),
        _ => Ok(macs),
    }
}

fn internal(keys: &TraceKeys, card: Card, command: &[u8]) -> Result<Vec<Vec<u8>>, Unchecked> {
    let [_, _, p1, id, lc, rest @ ..] = command else { return Err(Unchecked::Layout) };
    let data = rest.get(..usize::from(*lc)).ok_or(Unchecked::Layout)?;
    let key_type = match p1 {
        0x00 => KeyType::INTERNAL_ENCIPHER,
        0x01 => KeyType::INTERNAL_DECIPHER,
        0x02 => KeyType::INTERNAL_MAC,
        _ => return Err(Unchecked::Layout),
    };
    let made = |key: &LineKey| match *p1 {
        0x00 => Ok(key.encipher(data)),
        0x01 => key.decipher(data).map(|plain| plain.to_vec()).ok_or(Unchecked::Layout),
        _ => Ok(key.mac([0; 8], data).to_vec()),
    };
    found(keys, card, key_type, *id)?.iter().map(made).collect()
}

/// The command as the MAC covers it, and the MAC; Le is not covered.
pub(super) fn protected(command: &[u8]) -> Option<(&[u8], &[u8; 4])> {
    let lc = usize::from(*command.get(4)?);
    command.get(..5 + lc)?.split_last_chunk::<4>().filter(|(message, _)| message.len() >= 5)
}

/// A challenge of 4 or 8 bytes, as MACs and cryptograms start from it.
fn block(challenge: &[u8]) -> Result<Block, Unchecked> {
    let four = challenge.try_into().ok().map(|[a, b, c, d]: [u8; 4]| [a, b, c, d, 0, 0, 0, 0]);
    four.or_else(|| challenge.try_into().ok()).ok_or(Unchecked::Layout)
}

fn cryptogram(made: Cryptogram) -> Vec<u8> {
    made.as_bytes().to_vec()
}

fn parse(initialize: &[u8], begun: &[u8]) -> Result<Begun, Unchecked> {
    let (header, data) = header_and_data(initialize).ok_or(Unchecked::Layout)?;
    Begun::parse(header, data, begun).ok_or(Unchecked::Layout)
}

fn second_of(kind: TransactionKind, second: &[u8]) -> Result<Second, Unchecked> {
    let (header, data) = header_and_data(second).ok_or(Unchecked::Layout)?;
    Second::parse(kind, header, data).ok_or(Unchecked::Layout)
}

/// Of a command with data.
pub(super) fn header_and_data(command: &[u8]) -> Option<([u8; 4], &[u8])> {
    let (header, rest) = command.split_first_chunk::<4>()?;
    let (lc, data) = rest.split_first()?;
    Some((*header, data.get(..usize::from(*lc))?))
}

fn transaction_keys(keys: &TraceKeys, card: Card, deal: &Begun) -> Result<Vec<Key>, Unchecked> {
    let (key_type, id, version) = (deal.kind.key_type(), deal.key_id, Some(deal.key_version));
    let found = keys.of_card(card, key_type, id, version);
    if found.is_empty() { Err(Unchecked::NoKey { key_type, id, version }) } else { whole(found) }
}

fn found(keys: &TraceKeys, card: Card, key_type: KeyType, id: u8) -> Result<Vec<LineKey>, Unchecked> {
    let found = keys.of_card(card, key_type, id, None);
    if found.is_empty() { Err(Unchecked::NoKey { key_type, id, version: None }) } else { Ok(found) }
}

/// A session key comes from 16 bytes.
fn whole(keys: Vec<LineKey>) -> Result<Vec<Key>, Unchecked> {
    keys.into_iter()
        .map(|key| match key {
            LineKey::Whole(key) => Ok(key),
            LineKey::Single(_) => Err(Unchecked::ShortKey),
        })
        .collect()
}

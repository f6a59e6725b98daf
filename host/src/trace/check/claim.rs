//! What in an exchange a key can confirm.

use core::ops::Range;

use onecard_wire::{ins, key::KeyType, wallet::TransactionType};

use super::{
    Unchecked,
    layout::{self, Layout},
    recipe::Recipe,
    sam::SamRecipe,
};
use crate::trace::{
    Payload, Peer, Side,
    follow::{Deal, Memory},
    transaction::TransactionKind,
    whole::{Piece, Whole},
};

/// A MAC or cryptogram, and what it is made of.
#[derive(Clone, Debug)]
pub(super) struct Claim {
    pub(super) name: &'static str,
    pub(super) clause: &'static str,
    pub(super) recipe: Recipe,
    pub(super) parts: Vec<Part>,
    /// Which part it stands in, and where.
    pub(super) part: usize,
    pub(super) range: Range<usize>,
}

/// Bytes of the trace.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) side: Side,
    pub(super) layout: Layout,
    pub(super) bytes: Vec<u8>,
    pub(super) pieces: Vec<Piece>,
}

/// What cannot be claimed, and why.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unclaimed {
    pub(super) name: &'static str,
    pub(super) clause: &'static str,
    pub(super) why: Unchecked,
}

pub(super) type Claimed = Result<Claim, Unclaimed>;

/// Everything that a key can confirm in `whole`, which comes upon `memory`.
pub(super) fn claims(memory: &Memory, peer: Peer, whole: &Whole) -> Vec<Claimed> {
    let Some(header @ [cla, ins, ..]) = whole.header().filter(|_| !whole.wrong_le()) else { return Vec::new() };
    if peer == Peer::Sam {
        return of_sam(memory, whole, header);
    }
    match ins {
        ins::INITIALIZE => initialized(whole).into_iter().collect(),
        ins::CREDIT_FOR_LOAD | ins::DEBIT | ins::UPDATE_OVERDRAW_LIMIT => second(memory, whole),
        ins::GET_TRANSACTION_PROVE => proof(memory, whole),
        ins::EXTERNAL_AUTHENTICATE => vec![external(memory, whole)],
        ins::INTERNAL_AUTHENTICATE => internal(whole).into_iter().collect(),
        ins::CHANGE_OR_RELOAD_PIN | ins::PIN_UNBLOCK => secret(header).into_iter().collect(),
        _ if matches!(cla, ins::CLA_ISO_SM | ins::CLA_PBOC_SM) => protected(memory, whole, header),
        _ => Vec::new(),
    }
}

fn initialized(whole: &Whole) -> Option<Claimed> {
    let [_, _, p1, _] = whole.header()?;
    let clause = match p1 {
        ins::INITIALIZE_LOAD => "6.3.2",
        ins::INITIALIZE_UNLOAD => "6.10.1",
        ins::INITIALIZE_UPDATE => "6.13.1",
        _ => return None,
    };
    whole.done()?;
    let kind = TransactionKind::of_p1(p1)?;
    let parts = [command(whole, layout::of_initialize(kind))?, answer(whole, layout::of_begun(kind))?];
    Claim::last_four("MAC1", clause, Recipe::Initialized, parts.into(), 1).map(Ok)
}

/// The second command of the transaction in `memory`.
fn second(memory: &Memory, whole: &Whole) -> Vec<Claimed> {
    let Some(header) = whole.header() else { return Vec::new() };
    let Some(deal) = memory.card.deal().filter(|deal| deal.begun.kind.is_second(header)) else {
        let unclaimed = Unclaimed { name: "MAC", clause: "6.2.1", why: Unchecked::NoTransaction };
        return vec![Err(unclaimed)];
    };
    let Some(mut parts) = begun_parts(deal) else { return Vec::new() };
    let kind = deal.begun.kind;
    parts.extend(command(whole, layout::of_second(kind)));
    let names = Names::of(deal.begun.transaction_type());
    // Le, if any, stands behind the MAC.
    let end = 5 + whole.data().len();
    let mut claims = vec![Ok(Claim {
        name: names.second.0,
        clause: names.second.1,
        recipe: Recipe::Second,
        part: 2,
        range: end.saturating_sub(4)..end,
        parts: parts.clone(),
    })];
    if whole.done().is_some()
        && let Some(part) = answer(whole, layout::of_completed(kind))
    {
        parts.push(part);
        claims.extend(names.answers(&parts).into_iter().map(Ok));
    }
    claims
}

/// GET TRANSACTION PROVE of a transaction in this trace.
fn proof(memory: &Memory, whole: &Whole) -> Vec<Claimed> {
    let Some(([_, _, _, p2], _)) = whole.header().zip(whole.done()) else { return Vec::new() };
    let (asked, sequence) = (TransactionType(p2), whole.data().try_into().map(u16::from_be_bytes));
    let unclaimed = Err(Unclaimed { name: "MAC and TAC", clause: "6.8.1", why: Unchecked::NoTransaction });
    let deal = asked.purse().zip(sequence.ok());
    let deal = deal.and_then(|(purse, sequence)| memory.card.purse(purse)?.deal(asked, sequence));
    let Some((deal, (_, second))) = deal.and_then(|deal| Some((deal, deal.second.as_ref()?))) else {
        return vec![unclaimed];
    };
    let parts = begun_parts(deal).zip(command(second, layout::of_second(deal.begun.kind)));
    let Some(((mut parts, second), proof)) = parts.zip(answer(whole, layout::PROOF)) else { return vec![unclaimed] };
    parts.extend([second, proof]);
    let claim = |name, recipe, range| Claim { name, clause: "6.8.1", recipe, parts: parts.clone(), part: 3, range };
    vec![Ok(claim("MAC", Recipe::CardMac, 0..4)), Ok(claim("TAC", Recipe::Tac, 4..8))]
}

fn begun_parts(deal: &Deal) -> Option<Vec<Part>> {
    let kind = deal.begun.kind;
    let initialize = command(&deal.initialize, layout::of_initialize(kind))?;
    Some(vec![initialize, answer(&deal.initialize, layout::of_begun(kind))?])
}

/// Names and clauses of a transaction's MACs.
struct Names {
    second: (&'static str, &'static str),
    tac: Option<&'static str>,
    mac: Option<(&'static str, &'static str)>,
}

impl Names {
    const fn of(of: TransactionType) -> Self {
        match of {
            TransactionType::LOAD_ED | TransactionType::LOAD_EP => {
                Self { second: ("MAC2", "6.4.1"), tac: Some("6.4.3"), mac: None }
            }
            TransactionType::UNLOAD_ED | TransactionType::UNLOAD_EP => {
                Self { second: ("MAC2", "6.10.2"), tac: None, mac: Some(("MAC3", "6.10.3")) }
            }
            TransactionType::OVERDRAFT => Self { second: ("MAC2", "6.13.2"), tac: Some("6.13.4"), mac: None },
            TransactionType::UNDO => {
                Self { second: ("MAC1", "6.9.2"), tac: Some("6.9.2"), mac: Some(("MAC2", "6.9.2")) }
            }
            _ => Self { second: ("MAC1", "6.6.1"), tac: Some("6.6.3"), mac: Some(("MAC2", "6.6.1")) },
        }
    }

    /// The answer's, TAC first; the last of `parts` is the answer.
    fn answers(&self, parts: &[Part]) -> Vec<Claim> {
        let part = parts.len() - 1;
        let claim = |name, clause, recipe, at: usize| {
            let (parts, range) = (parts.to_vec(), at..at + 4);
            Claim { name, clause, recipe, parts, part, range }
        };
        let tac = self.tac.map(|clause| claim("TAC", clause, Recipe::Tac, 0));
        let at = if self.tac.is_some() { 4 } else { 0 };
        let mac = self.mac.map(|(name, clause)| claim(name, clause, Recipe::CardMac, at));
        tac.into_iter().chain(mac).collect()
    }
}

fn external(memory: &Memory, whole: &Whole) -> Claimed {
    let (name, clause) = ("cryptogram", "5.7.1");
    let challenge = challenge(memory).ok_or(Unclaimed { name, clause, why: Unchecked::NoChallenge })?;
    let command = command(whole, layout::CRYPTOGRAM).ok_or(Unclaimed { name, clause, why: Unchecked::Layout })?;
    let range = 5..5 + whole.data().len();
    Ok(Claim { name, clause, recipe: Recipe::External, parts: vec![challenge, command], part: 1, range })
}

fn internal(whole: &Whole) -> Option<Claimed> {
    let made = whole.done()?.len();
    let parts = vec![command(whole, layout::CRYPTOGRAM)?, answer(whole, layout::DATA)?];
    let (name, clause) = ("cryptogram", "5.8.1");
    Some(Ok(Claim { name, clause, recipe: Recipe::Internal, parts, part: 1, range: 0..made }))
}

/// What a PIN stands in is not in the trace.
fn secret([_, ins, p1, _]: [u8; 4]) -> Option<Claimed> {
    let clause = match (ins, p1) {
        (ins::PIN_UNBLOCK, _) => "5.12.1",
        (ins::CHANGE_OR_RELOAD_PIN, 0x00) => "5.11.1",
        _ => return None,
    };
    Some(Err(Unclaimed { name: "MAC", clause, why: Unchecked::Hidden }))
}

/// Under line protection: the command's MAC, and that of what a READ answers.
fn protected(memory: &Memory, whole: &Whole, header: [u8; 4]) -> Vec<Claimed> {
    let (name, clause) = ("MAC", "4.6.4");
    let unclaimed = |why| vec![Err(Unclaimed { name, clause, why })];
    if let Payload::Hidden(_) = whole.sent.data {
        return unclaimed(Unchecked::Hidden);
    }
    let Some(challenge) = challenge(memory) else { return unclaimed(Unchecked::NoChallenge) };
    let Some(command) = command(whole, layout::PROTECTED).filter(|_| whole.data().len() >= 4) else {
        return unclaimed(Unchecked::Layout);
    };
    let keys = protecting_keys(header);
    let end = 5 + whole.data().len();
    let parts = vec![challenge.clone(), command];
    let (recipe, range) = (Recipe::LineCommand(keys.clone()), end - 4..end);
    let mut claims = vec![Ok(Claim { name, clause, recipe, parts, part: 1, range })];
    let reads = matches!(header, [_, ins::READ_BINARY | ins::READ_RECORD, ..]);
    if reads && whole.answer.as_ref().is_ok_and(|answer| matches!(answer.data, Payload::Hidden(_))) {
        claims.push(Err(Unclaimed { name: "MAC of the answer", clause: "4.6.6", why: Unchecked::Hidden }));
    } else if reads
        && whole.done().is_some()
        && let Some(answer) = answer(whole, layout::DATA)
    {
        let parts = vec![challenge, answer];
        let claim = Claim::last_four("MAC of the answer", "4.6.6", Recipe::LineAnswer(keys), parts, 1);
        claims.extend(claim.map(Ok));
    }
    claims
}

/// Which keys protect a file or command, the likeliest first (clauses 3.3.2 and 4.6.7).
fn protecting_keys([_, ins, p1, p2]: [u8; 4]) -> Vec<(KeyType, u8)> {
    let file = match ins {
        ins::READ_BINARY | ins::UPDATE_BINARY | ins::WRITE_BINARY if p1 & 0x80 != 0 => p1 & 0x1F,
        ins::READ_RECORD | ins::UPDATE_RECORD | ins::APPEND_RECORD => p2 >> 3,
        ins::WRITE_KEY => return vec![(KeyType::EXTERNAL, 0x00)],
        ins::READ_BINARY | ins::UPDATE_BINARY | ins::WRITE_BINARY => 0,
        _ => return vec![(KeyType::MAINTENANCE, 0x00)],
    };
    let appends = ins == ins::APPEND_RECORD || ins == ins::UPDATE_RECORD;
    let likeliest = match file {
        0x1A if appends => 0x02,
        0x1B if appends => 0x03,
        _ => 0x00,
    };
    let others = [0x00, 0x01, 0x02, 0x03].into_iter().filter(|id| *id != likeliest);
    core::iter::once(likeliest).chain(others).map(|id| (KeyType::MAINTENANCE, id)).collect()
}

fn of_sam(memory: &Memory, whole: &Whole, header: [u8; 4]) -> Vec<Claimed> {
    let Some(init) = command(whole, layout::of_sam(header)) else { return Vec::new() };
    let end = 5 + whole.data().len();
    let made = answer(whole, layout::SAM_MADE).filter(|_| whole.done().is_some());
    let claim = |name, clause, recipe, parts, part, range| {
        Ok(Claim { name, clause, recipe: Recipe::Sam(recipe), parts, part, range })
    };
    match header {
        [_, ins::INIT_SAM, p1 @ (ins::SAM_PURCHASE | ins::SAM_UNDO), _] => {
            let clause = if p1 == ins::SAM_UNDO { "7.9.1" } else { "7.5.2" };
            let Some(made) = made else { return Vec::new() };
            let parts = vec![init, made, terminal(memory)];
            vec![claim("MAC1", clause, SamRecipe::Mac1, parts, 1, 4..8)]
        }
        [_, ins::INIT_SAM, ins::SAM_LOAD, _] => {
            let terminal = terminal(memory);
            let asked = vec![init.clone(), terminal.clone()];
            let asked = claim("MAC1", "7.7.1", SamRecipe::LoadMac1, asked, 0, end.saturating_sub(4)..end);
            let made = made.map(|made| Part { layout: &[("MAC2", 4)], ..made });
            let made =
                made.map(|made| claim("MAC2", "7.7.1", SamRecipe::LoadMac2, vec![init, made, terminal], 1, 0..4));
            core::iter::once(asked).chain(made).collect()
        }
        [_, ins::CREDIT_SAM, p1 @ (ins::SAM_PURCHASE | ins::SAM_UNDO), _] => {
            let clause = if p1 == ins::SAM_UNDO { "7.9.3" } else { "7.6.1" };
            let Some(deal) = memory.sam.deal().filter(|deal| deal.undo == (p1 == ins::SAM_UNDO)) else {
                return vec![Err(Unclaimed { name: "MAC2", clause, why: Unchecked::NoTransaction })];
            };
            let layout = deal.whole.header().map_or(layout::DATA, layout::of_sam);
            let parts = command(&deal.whole, layout).zip(answer(&deal.whole, layout::SAM_MADE));
            let Some((asked, made)) = parts else { return Vec::new() };
            vec![claim("MAC2", clause, SamRecipe::Mac2, vec![asked, made, init], 2, 5..9)]
        }
        [_, ins::CREDIT_SAM, ins::SAM_PAST_PURCHASE, _] => {
            vec![claim("MAC2", "7.8.1", SamRecipe::PastMac2, vec![init], 0, end.saturating_sub(4)..end)]
        }
        [_, ins::CREDIT_SAM, ins::SAM_CHECK_LOAD, _] => {
            let range = end.saturating_sub(10)..end.saturating_sub(6);
            vec![claim("MAC1", "7.7.5", SamRecipe::LoadMac1, vec![init, terminal(memory)], 0, range)]
        }
        [_, ins::SAM_MARK, ..] => {
            let made = made.map(|made| Part { layout: &[("MAC", 4)], ..made });
            let claims = made.map(|made| claim("MAC", "7.9.5", SamRecipe::Mark, vec![init, made], 1, 0..4));
            claims.into_iter().collect()
        }
        _ => Vec::new(),
    }
}

/// Where the terminal number stands: in what the SAM was read as, else in what the card was told.
fn terminal(memory: &Memory) -> Part {
    let read = memory.sam.terminal_read().and_then(|whole| answer(whole, &[("terminal", 6)]));
    let told = || {
        let deal = memory.card.deal()?;
        command(&deal.initialize, layout::of_initialize(deal.begun.kind))
    };
    let nowhere = Part { side: Side::Command, layout: layout::DATA, bytes: Vec::new(), pieces: Vec::new() };
    read.or_else(told).unwrap_or(nowhere)
}

fn challenge(memory: &Memory) -> Option<Part> {
    let seen = memory.card.seen_challenge()?;
    Some(Part { side: Side::Answer, layout: layout::CHALLENGE, bytes: seen.bytes.clone(), pieces: seen.pieces.clone() })
}

/// The command, if all of it is in the trace.
fn command(whole: &Whole, layout: Layout) -> Option<Part> {
    let bytes = whole.sent.bytes().into_iter().collect::<Option<Vec<u8>>>()?;
    let pieces = vec![Piece { entry: whole.at, length: bytes.len() }];
    Some(Part { side: Side::Command, layout, bytes, pieces })
}

/// The answer's data, if all of them are in the trace.
fn answer(whole: &Whole, layout: Layout) -> Option<Part> {
    let answer = whole.answer.as_ref().ok()?;
    let Payload::Shown(bytes) = &answer.data else { return None };
    Some(Part { side: Side::Answer, layout, bytes: bytes.clone(), pieces: answer.pieces.clone() })
}

impl Claim {
    /// It stands at the end of a part.
    fn last_four(
        name: &'static str,
        clause: &'static str,
        recipe: Recipe,
        parts: Vec<Part>,
        part: usize,
    ) -> Option<Self> {
        let end = parts.get(part)?.bytes.len();
        Some(Self { name, clause, recipe, parts, part, range: end.checked_sub(4)?..end })
    }
}

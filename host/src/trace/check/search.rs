//! Which byte is wrong.

use onecard_wire::status::StatusWord;

use super::{Confirmed, Fit, TraceKeys, Unchecked, Verdict, Wrong, claim::Claim, layout::field, recipe::Card};

/// The keys, whose card it is, and what needs no doubt.
pub(super) type Known<'k> = (&'k TraceKeys, Card, &'k Confirmed);

/// A claim that does not hold, or cannot be evaluated: `made` is what should stand there.
pub(super) fn wrong(
    claim: &Claim,
    known: Known<'_>,
    made: Result<Vec<Vec<u8>>, Unchecked>,
    answered: Option<StatusWord>,
) -> Verdict {
    let made = match made {
        Ok(made) => made,
        // A byte may have made a date of it that does not exist, say.
        Err(why @ Unchecked::Layout) => {
            return changed(claim, known)
                .map_or(Verdict::Unchecked(why), |(place, fit)| told(claim, place, Vec::new(), Some(fit), answered));
        }
        Err(why) => return Verdict::Unchecked(why),
    };
    let got = claim.got();
    let differing = |made: &[u8]| {
        let here: Vec<usize> = (0..got.len().max(made.len())).filter(|at| got.get(*at) != made.get(*at)).collect();
        here
    };
    // One byte of four by chance alike is no rarity; three of four are.
    if let Some((made, at)) = made.iter().find_map(|made| match differing(made)[..] {
        [at] if got.len() == made.len() => Some((made, at)),
        _ => None,
    }) {
        return told(claim, (claim.part, claim.range.start + at), made.clone(), None, answered);
    }
    let expected = made.first().cloned().unwrap_or_default();
    if let Some((place, fit)) = changed(claim, known) {
        return told(claim, place, expected, Some(fit), answered);
    }
    let first = differing(&expected).first().copied().unwrap_or_default();
    told(claim, (claim.part, claim.range.start + first), expected, None, answered)
}

/// The one byte of what the MAC covers that, changed, makes it right: of some ten thousand changes none does so by chance,
/// a MAC has 32 bits.
///
/// A chain starts from challenge XOR first block, so a byte of either does. What a right MAC has confirmed comes last.
fn changed(claim: &Claim, (keys, card, confirmed): Known<'_>) -> Option<((usize, usize), Fit)> {
    let mut parts: Vec<Vec<u8>> = claim.parts.iter().map(|part| part.bytes.clone()).collect();
    let got = claim.got();
    let is_confirmed = |part: &usize| {
        let part = claim.parts.get(*part);
        part.is_some_and(|part| part.pieces.iter().all(|piece| confirmed.contains(&(piece.entry, part.side))))
    };
    let (last, first): (Vec<usize>, Vec<usize>) = (0..parts.len()).partition(is_confirmed);
    for part in first.into_iter().chain(last) {
        for at in 0..parts.get(part).map_or(0, Vec::len) {
            if part == claim.part && claim.range.contains(&at) {
                continue;
            }
            let Some(was) = parts.get(part).and_then(|bytes| bytes.get(at)).copied() else { continue };
            for byte in (0..=u8::MAX).filter(|byte| *byte != was) {
                set(&mut parts, part, at, byte);
                let changed: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
                let made = claim.recipe.make(keys, card, &changed);
                if made.is_ok_and(|made| made.iter().any(|made| made == got)) {
                    return Some(((part, at), Fit { is: was, should_be: byte }));
                }
            }
            set(&mut parts, part, at, was);
        }
    }
    None
}

fn set(parts: &mut [Vec<u8>], part: usize, at: usize, byte: u8) {
    if let Some(place) = parts.get_mut(part).and_then(|bytes| bytes.get_mut(at)) {
        *place = byte;
    }
}

fn told(
    claim: &Claim,
    (part, offset): (usize, usize),
    expected: Vec<u8>,
    fit: Option<Fit>,
    answered: Option<StatusWord>,
) -> Verdict {
    let Some(at) = claim.place(part, offset) else { return Verdict::Unchecked(Unchecked::Layout) };
    let field = claim.parts.get(part).map_or("data", |part| field(part.layout, offset));
    let got = claim.got().to_vec();
    let answered = answered.filter(|_| claim.is_commands());
    Verdict::Wrong(Box::new(Wrong { at, field, got, expected, fit, answered }))
}

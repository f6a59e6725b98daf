//! Known differences of cards of other makers.

use onecard_vectors::conformance::{Difference, Rule};
use rand_core::CryptoRng;

use crate::{
    language::{pattern::Pattern, value::Names},
    report::ExchangeRecord,
    survey::Facts,
};

/// The known difference that explains why `rule` was not kept. A card that has this project's own parts is excused nothing.
pub(crate) fn known_difference(
    rule: &Rule,
    differences: &[Difference],
    facts: &Facts,
    exchanges: &[ExchangeRecord],
    random: &mut dyn CryptoRng,
) -> Option<Difference> {
    let last = exchanges.last().filter(|last| !last.fits)?;
    if facts.has_own_parts() {
        return None;
    }
    let answer = hex::decode(last.answered.replace(' ', "")).ok()?;
    let mut fits = |text: &String| {
        let compared = Pattern::parse(text).and_then(|pattern| pattern.compare(&answer, &Names::default(), random));
        compared.is_ok_and(|compared| compared.fits)
    };
    let mut of_rule = differences.iter().filter(|difference| difference.rule == rule.id);
    of_rule.find(|difference| difference.answers.iter().any(&mut fits)).cloned()
}

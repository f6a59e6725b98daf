//! What the customer gets.

use core::fmt;

use super::{Language, SettlementRecord};

/// A completed transaction, for people. `Display` is English.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Receipt {
    /// What is handed in for settlement; the receipt shows the same facts.
    pub settlement: SettlementRecord,
}

impl Receipt {
    /// The receipt as lines of text.
    #[must_use]
    pub fn text(&self, language: Language) -> String {
        let t = &self.settlement.transaction;
        let (what, proof) = (t.kind.name(language), if t.kind.is_unload() { "MAC3" } else { "TAC" });
        let sequence = t.terminal_sequence.map(|sequence| sequence.to_string());
        let sequence = sequence.as_deref().unwrap_or("-");
        let tac = self.settlement.tac.map(hex::encode_upper);
        let tac = tac.as_deref().unwrap_or("-");
        language.of(
            || {
                format!(
                    "{what} {} yuan, order {}\n  card {} of enterprise {}\n  balance {} -> {} yuan\n  card sequence {}\n  \
                     terminal {}, sequence {sequence}\n  {}\n  {proof} {tac}",
                    t.amount,
                    t.order,
                    t.serial,
                    t.enterprise,
                    t.old_balance,
                    t.new_balance,
                    t.card_sequence,
                    t.terminal,
                    t.moment,
                )
            },
            || {
                format!(
                    "{what}{}元　订单{}\n  卡号 {}　单位 {}\n  余额 {}元 → {}元\n  卡交易序号 {}\n  终端 \
                     {}　终端交易序号 {sequence}\n  {}\n  {proof} {tac}",
                    t.amount,
                    t.order,
                    t.serial,
                    t.enterprise,
                    t.old_balance,
                    t.new_balance,
                    t.card_sequence,
                    t.terminal,
                    t.moment,
                )
            },
        )
    }
}

impl fmt::Display for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text(Language::English))
    }
}

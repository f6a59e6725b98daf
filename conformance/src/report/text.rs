//! A report for a terminal: what is not kept in full, the rest counted by chapter.

use std::fmt::{self, Write as _};

use super::{Report, RuleResult, Verdict};
use crate::guard::Mode;

impl Report {
    /// For people, in English and Chinese.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = self.write_text(&mut text);
        text
    }

    fn write_text(&self, text: &mut String) -> fmt::Result {
        for (name, value) in self.card_lines() {
            writeln!(text, "{name}: {value}")?;
        }
        writeln!(text)?;
        for results in self.by_rule() {
            let told = |result: &&&RuleResult| matches!(result.verdict, Verdict::Failed(_) | Verdict::Known(_));
            let told: Vec<&RuleResult> = results.iter().filter(told).copied().collect();
            if let [first, ..] = told.as_slice() {
                write_result(text, first, &settings(&told))?;
            }
        }
        let counts = self.counts();
        writeln!(
            text,
            "Rules 规则: {} kept 符合, {} not kept 不符合, {} known differences 已知差异, {} not tried 未测",
            counts.passed, counts.failed, counts.known, counts.skipped
        )?;
        writeln!(text, "{}", self.conclusion())
    }

    /// One sentence in both languages.
    #[must_use]
    pub fn conclusion(&self) -> &'static str {
        match (self.counts().failed, self.mode) {
            (0, Mode::Write) => "The card keeps every rule that was tried 该卡符合所测全部规则",
            (0, Mode::Read) => "The card keeps every rule that reading can try 该卡符合只读可测的全部规则",
            _ => "The card does not keep the specification 该卡不符合规范",
        }
    }
}

/// The settings of the results, where they have any.
fn settings(results: &[&RuleResult]) -> String {
    let names = results.iter().map(|result| result.setting.as_str()).filter(|name| !name.is_empty());
    let names = names.collect::<Vec<_>>().join(" · ");
    if names.is_empty() { names } else { format!(" [{names}]") }
}

fn write_result(text: &mut String, result: &RuleResult, settings: &str) -> fmt::Result {
    let rule = &result.rule;
    let manual = rule.manual.as_ref().map(|page| format!(", {page}")).unwrap_or_default();
    let mark = if matches!(result.verdict, Verdict::Known(_)) { "KNOWN 已知差异" } else { "FAILED 不符合" };
    writeln!(text, "{mark}  clause {}{manual}  {}{settings}", rule.clause, rule.id)?;
    writeln!(text, "  {}", rule.title)?;
    writeln!(text, "  {}", rule.chinese)?;
    if let Some(last) = result.exchanges.last() {
        writeln!(text, "  sent 发送      {}", last.sent)?;
        writeln!(text, "  expected 应为  {}", last.expected)?;
        writeln!(text, "  answered 应答  {}", last.answered)?;
    }
    match &result.verdict {
        Verdict::Failed(why) if result.exchanges.last().is_none_or(|last| last.fits) => writeln!(text, "  {why}")?,
        Verdict::Known(difference) => {
            writeln!(text, "  {}: {}", difference.cards, difference.says)?;
            writeln!(text, "  {}", difference.chinese)?;
            writeln!(text, "  source 来源: {}", difference.source)?;
        }
        _ => {}
    }
    writeln!(text)
}

//! A report as a page: one file without anything from elsewhere, which a vendor sends to a customer.

use askama::Template;

use super::{Document, ToldRule};

#[derive(Template)]
#[template(path = "page.html")]
struct Page<'d> {
    document: &'d Document,
    made: &'d str,
}

impl Document {
    /// As a page in HTML; `made` says when, as the reader is to see it.
    ///
    /// # Errors
    /// Never, as long as a string can be written to.
    pub fn page(&self, made: &str) -> Result<String, core::fmt::Error> {
        Page { document: self, made }.render().map_err(|_| core::fmt::Error)
    }
}

impl ToldRule {
    /// Whether its exchanges are shown without being asked for.
    fn is_open(&self) -> bool {
        matches!(self.verdict, "failed" | "known")
    }
}

impl Document {
    /// Every rule that is not kept, those that are known last.
    fn findings(&self) -> Vec<&ToldRule> {
        let mut findings: Vec<&ToldRule> =
            self.chapters.iter().flat_map(|chapter| &chapter.rules).filter(|rule| rule.is_open()).collect();
        findings.sort_by_key(|rule| rule.verdict == "known");
        findings
    }

    /// The settings a rule was tried in, where there are several at all.
    fn tags<'r>(&self, rule: &'r ToldRule) -> Vec<&'r str> {
        if self.settings.len() < 2 {
            return Vec::new();
        }
        rule.settings.iter().map(|setting| setting.setting.as_str()).collect()
    }
}

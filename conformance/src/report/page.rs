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

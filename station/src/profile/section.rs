//! A table of the profile, taken field by field; what is wrong is collected with its line.

use core::cell::RefCell;
use std::collections::BTreeMap;

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::ProfileProblem;

/// What is wrong so far, and the text that lines are counted in.
pub(super) struct Problems<'p> {
    text: &'p str,
    found: RefCell<Vec<ProfileProblem>>,
}

/// A table.
pub(super) struct Section<'p, 'i> {
    /// As the file writes it, `[keys]`; empty for the file itself.
    name: String,
    line: usize,
    fields: BTreeMap<String, (usize, &'p Spanned<DeValue<'i>>)>,
    known: Vec<&'static str>,
    problems: &'p Problems<'p>,
}

impl<'p> Problems<'p> {
    pub(super) const fn new(text: &'p str) -> Self {
        Self { text, found: RefCell::new(Vec::new()) }
    }

    pub(super) fn add(&self, line: usize, text: String) {
        self.found.borrow_mut().push(ProfileProblem { line, text });
    }

    /// In the order of their lines.
    pub(super) fn into_found(self) -> Vec<ProfileProblem> {
        let mut found = self.found.into_inner();
        found.sort_by_key(|problem| problem.line);
        found
    }

    pub(super) fn line_of(&self, at: usize) -> usize {
        self.text.get(..at).unwrap_or(self.text).matches('\n').count() + 1
    }
}

impl<'p, 'i> Section<'p, 'i> {
    pub(super) fn new(name: &str, at: usize, table: &'p DeTable<'i>, problems: &'p Problems<'p>) -> Self {
        let fields = table
            .iter()
            .map(|(key, value)| (key.get_ref().to_string(), (problems.line_of(key.span().start), value)))
            .collect();
        Self { name: name.to_owned(), line: problems.line_of(at), fields, known: Vec::new(), problems }
    }

    /// Takes a field that must be there. `None`: a problem was told.
    pub(super) fn required<T>(
        &mut self,
        field: &'static str,
        expected: &str,
        parse: impl FnOnce(&DeValue<'i>) -> Option<T>,
    ) -> Option<T> {
        if !self.fields.contains_key(field) {
            self.known.push(field);
            self.problem(self.line, field, &format!("expected {expected}, found nothing"));
            return None;
        }
        self.optional(field, expected, parse).flatten()
    }

    /// Takes a field that may be missing. `None`: a problem was told.
    #[allow(clippy::option_option, reason = "wrong, absent and there are three things")]
    pub(super) fn optional<T>(
        &mut self,
        field: &'static str,
        expected: &str,
        parse: impl FnOnce(&DeValue<'i>) -> Option<T>,
    ) -> Option<Option<T>> {
        self.known.push(field);
        let Some((line, value)) = self.fields.remove(field) else { return Some(None) };
        let parsed = parse(value.get_ref());
        if parsed.is_none() {
            let found = self.problems.text.get(value.span()).unwrap_or_default();
            self.problem(line, field, &format!("expected {expected}, found {found}"));
        }
        parsed.map(Some)
    }

    /// A field with a value of its own if it is missing.
    pub(super) fn or<T>(
        &mut self,
        field: &'static str,
        expected: &str,
        otherwise: T,
        parse: impl FnOnce(&DeValue<'i>) -> Option<T>,
    ) -> Option<T> {
        self.optional(field, expected, parse).map(|there| there.unwrap_or(otherwise))
    }

    /// A table in it; an empty one if it is missing.
    pub(super) fn table(&mut self, field: &'static str) -> Section<'p, 'i> {
        self.known.push(field);
        let empty = |line| Section {
            name: format!("[{field}]"),
            line,
            fields: BTreeMap::new(),
            known: Vec::new(),
            problems: self.problems,
        };
        let Some((line, value)) = self.fields.remove(field) else { return empty(self.line) };
        match value.get_ref() {
            DeValue::Table(table) => Section::new(&format!("[{field}]"), value.span().start, table, self.problems),
            _ => {
                self.problem(line, field, &format!("expected a table [{field}]"));
                empty(line)
            }
        }
    }

    /// An array of tables in it.
    pub(super) fn tables(&mut self, field: &'static str) -> Vec<Section<'p, 'i>> {
        self.known.push(field);
        let Some((line, value)) = self.fields.remove(field) else { return Vec::new() };
        let name = format!("[[{field}]]");
        let sections = value.get_ref().as_array().map(|array| {
            array
                .iter()
                .map(|item| Some(Section::new(&name, item.span().start, item.get_ref().as_table()?, self.problems)))
                .collect::<Option<Vec<_>>>()
        });
        sections.flatten().unwrap_or_else(|| {
            self.problem(line, field, &format!("expected tables {name}"));
            Vec::new()
        })
    }

    /// Every field of a table whose fields have names of their own. `None`: a problem was told.
    pub(super) fn entries<K, V>(
        self,
        expected: [&str; 2],
        name: impl Fn(&str) -> Option<K>,
        parse: impl Fn(&DeValue<'i>) -> Option<V>,
    ) -> Option<Vec<(K, V)>> {
        let [expected_name, expected_value] = expected;
        let taken: Vec<Option<(K, V)>> = self
            .fields
            .iter()
            .map(|(field, (line, value))| {
                let (name, parsed) = (name(field), parse(value.get_ref()));
                if name.is_none() {
                    self.problem(*line, field, &format!("unknown here: expected {expected_name}"));
                } else if parsed.is_none() {
                    let found = self.problems.text.get(value.span()).unwrap_or_default();
                    self.problem(*line, field, &format!("expected {expected_value}, found {found}"));
                }
                Some((name?, parsed?))
            })
            .collect();
        taken.into_iter().collect()
    }

    /// Says nothing of what is left.
    pub(super) fn forget(&mut self) {
        self.fields.clear();
    }

    /// Whatever is left is unknown.
    pub(super) fn end(self) {
        let expected = self.known.join(", ");
        for (field, (line, _)) in &self.fields {
            self.problem(*line, field, &format!("unknown here: expected {expected}"));
        }
    }

    /// Where it begins.
    pub(super) const fn line(&self) -> usize {
        self.line
    }

    pub(super) fn problem(&self, line: usize, field: &str, text: &str) {
        let name = if self.name.is_empty() { String::new() } else { format!("{} ", self.name) };
        self.problems.add(line, format!("{name}{field}: {text}"));
    }
}

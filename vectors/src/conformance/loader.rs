//! Reads the rule files, strictly.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::{
    difference::{Difference, Untried},
    rule::{Procedure, Rule},
    step::Action,
};

/// The rule files, by name.
const FILES: &[(&str, &str)] = &[
    ("form.toml", include_str!("../../data/conformance/form.toml")),
    ("select.toml", include_str!("../../data/conformance/select.toml")),
    ("files.toml", include_str!("../../data/conformance/files.toml")),
    ("challenge.toml", include_str!("../../data/conformance/challenge.toml")),
    ("wallet.toml", include_str!("../../data/conformance/wallet.toml")),
    ("sam.toml", include_str!("../../data/conformance/sam.toml")),
    ("blank.toml", include_str!("../../data/conformance/blank.toml")),
    ("make.toml", include_str!("../../data/conformance/make.toml")),
    ("money.toml", include_str!("../../data/conformance/money.toml")),
    ("security.toml", include_str!("../../data/conformance/security.toml")),
    ("own.toml", include_str!("../../data/conformance/own.toml")),
    ("known_differences.toml", include_str!("../../data/conformance/known_differences.toml")),
    ("untried.toml", include_str!("../../data/conformance/untried.toml")),
];

/// Everything a card is held to.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Conformance {
    /// In the order of the files.
    pub rules: Vec<Rule>,
    /// By name.
    pub procedures: BTreeMap<String, Procedure>,
    /// Known differences of cards of other makers.
    pub differences: Vec<Difference>,
    /// What no run tries.
    pub untried: Vec<Untried>,
}

/// A rule file that does not load.
#[derive(Debug, thiserror::Error)]
pub enum ConformanceDefect {
    /// Not TOML, or a field nobody knows.
    #[error("{file}: {source}")]
    Syntax {
        /// The file.
        file: String,
        /// Where and why.
        #[source]
        source: toml::de::Error,
    },
    /// Two rules or procedures of one name.
    #[error("{file}: {name} is there twice")]
    Twice {
        /// The file.
        file: String,
        /// The name.
        name: String,
    },
    /// A rule or difference names what is not there.
    #[error("{by} names {name}, which is not there")]
    Missing {
        /// Who names it.
        by: String,
        /// What.
        name: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    #[serde(default)]
    rule: Vec<Rule>,
    #[serde(default)]
    procedure: Vec<Procedure>,
    #[serde(default)]
    difference: Vec<Difference>,
    #[serde(default)]
    untried: Vec<Untried>,
}

impl Conformance {
    /// Every rule of this crate.
    ///
    /// # Errors
    /// [`ConformanceDefect`]: never, as long as this crate's tests pass.
    pub fn embedded() -> Result<Self, ConformanceDefect> {
        let mut all = Self::default();
        for (file, text) in FILES {
            all.add(file, text)?;
        }
        all.check()?;
        Ok(all)
    }

    /// Adds what a file holds.
    ///
    /// # Errors
    /// [`ConformanceDefect`]. Whether it names what is not there is seen by [`Self::check`].
    pub fn add(&mut self, file: &str, text: &str) -> Result<(), ConformanceDefect> {
        let content: Content =
            toml::from_str(text).map_err(|source| ConformanceDefect::Syntax { file: file.to_owned(), source })?;
        let twice = |name: &str| ConformanceDefect::Twice { file: file.to_owned(), name: name.to_owned() };
        for rule in content.rule {
            if self.rules.iter().any(|other| other.id == rule.id) {
                return Err(twice(&rule.id));
            }
            self.rules.push(rule);
        }
        for procedure in content.procedure {
            let name = procedure.name.clone();
            if self.procedures.insert(name.clone(), procedure).is_some() {
                return Err(twice(&name));
            }
        }
        self.differences.extend(content.difference);
        self.untried.extend(content.untried);
        Ok(())
    }

    /// Whether all that is named is there.
    ///
    /// # Errors
    /// [`ConformanceDefect::Missing`].
    pub fn check(&self) -> Result<(), ConformanceDefect> {
        let ids: BTreeSet<&str> = self.rules.iter().map(|rule| rule.id.as_str()).collect();
        for difference in &self.differences {
            if !ids.contains(difference.rule.as_str()) {
                let by = format!("a known difference of {}", difference.cards);
                return Err(ConformanceDefect::Missing { by, name: difference.rule.clone() });
            }
        }
        let rules = self.rules.iter().map(|rule| (rule.id.as_str(), &rule.steps));
        let restoring = self.rules.iter().map(|rule| (rule.id.as_str(), &rule.restore));
        let procedures = self.procedures.iter().map(|(name, procedure)| (name.as_str(), &procedure.steps));
        for (by, steps) in rules.chain(restoring).chain(procedures) {
            for step in steps {
                if let Action::Do { procedure, .. } = &step.action
                    && !self.procedures.contains_key(procedure)
                {
                    return Err(ConformanceDefect::Missing { by: by.to_owned(), name: procedure.clone() });
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_is_embedded_loads() {
        let all = Conformance::embedded().unwrap();
        assert!(!all.rules.is_empty());
    }

    #[test]
    fn a_defect_does_not_load() {
        let rule = "[[rule]]\nid = \"a\"\ntitle = \"a\"\nchinese = \"a\"\nclause = \"5.1\"\non = \"card\"\n";
        let load = |steps: &str| {
            let mut all = Conformance::default();
            all.add("a.toml", &format!("{rule}steps = [{steps}]"))?;
            all.check().map(|()| all)
        };
        assert_eq!(load("{ send = \"00\" }").unwrap().rules.len(), 1);
        for wrong in [
            "{ }",
            "{ send = \"00\", power = true }",
            "{ power = true, expect = \"9000\" }",
            "{ send = \"00\", expects = \"9000\" }",
            "{ send = \"00\", flaw = \"mac\" }",
            "{ send = \"00\", mac = \"a\", cipher = \"b\" }",
            "{ do = \"nothing of that name\" }",
        ] {
            assert!(load(wrong).is_err(), "{wrong}");
        }
        let twice = format!("{rule}steps = []\n{rule}steps = []");
        assert!(Conformance::default().add("a.toml", &twice).is_err());
    }
}

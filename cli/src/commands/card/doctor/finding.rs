//! One thing that is wrong with a card, what it means, and what the service desk does next.

use std::fmt;

use serde::Serialize;

use crate::{ending::Bilingual, table::wrapped};

/// One finding.
#[derive(Clone, Serialize, Debug)]
pub(super) struct Finding {
    /// For machines: lower case, hyphens; it keeps its meaning from release to release.
    pub(super) code: &'static str,
    pub(super) severity: Severity,
    /// What it is and what follows from it.
    pub(super) meaning: Bilingual,
    /// What the service desk does.
    pub(super) next: Bilingual,
}

/// How bad it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Debug)]
#[serde(rename_all = "snake_case")]
pub(super) enum Severity {
    /// The card, or one of its uses, does not work.
    Problem,
    /// It works, but not for long or not wholly.
    Warning,
    /// Good to know.
    Note,
}

impl Finding {
    /// Something does not work.
    pub(super) fn problem(code: &'static str, meaning: Bilingual, next: Bilingual) -> Self {
        Self { code, severity: Severity::Problem, meaning, next }
    }

    /// Something will not work soon, or not wholly.
    pub(super) fn warning(code: &'static str, meaning: Bilingual, next: Bilingual) -> Self {
        Self { code, severity: Severity::Warning, meaning, next }
    }

    /// Something to know.
    pub(super) fn note(code: &'static str, meaning: Bilingual, next: Bilingual) -> Self {
        Self { code, severity: Severity::Note, meaning, next }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Problem => "PROBLEM 故障",
            Self::Warning => "WARNING 注意",
            Self::Note => "NOTE 提示",
        })
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} {}", self.severity, self.code)?;
        let Self { meaning, next, .. } = self;
        write!(f, "{}{}", wrapped(&meaning.english, 4), wrapped(&meaning.chinese, 4))?;
        writeln!(f, "  next 处理:")?;
        write!(f, "{}{}", wrapped(&next.english, 4), wrapped(&next.chinese, 4))
    }
}

//! The two languages a terminal speaks.

/// Language of a text for people.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Language {
    /// English.
    #[default]
    English,
    /// 简体中文.
    Chinese,
}

impl Language {
    /// The text in this language, of two.
    pub(crate) fn of<T>(self, english: impl FnOnce() -> T, chinese: impl FnOnce() -> T) -> T {
        match self {
            Self::English => english(),
            Self::Chinese => chinese(),
        }
    }
}

//! What the phone shows.

use std::fmt;

use super::proactive::{Input, KeyInput, KeyKind, Menu};

/// What is on the screen.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Screen {
    /// Nothing: the phone is off.
    Off,
    /// The idle screen, with the card's text if it has set one.
    Idle(Option<String>),
    /// The card's menu, opened from the phone's own.
    Menu(Menu),
    /// A list to choose from.
    Items(Menu),
    /// A text.
    Text(String),
    /// A text to be typed.
    Input(Input),
    /// A key to be pressed.
    Key(KeyInput),
}

impl Screen {
    /// What it is called in messages.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Off => "nothing, it is off",
            Self::Idle(_) => "the idle screen",
            Self::Menu(_) => "the menu",
            Self::Items(_) => "a list",
            Self::Text(_) => "a text",
            Self::Input(_) => "an input",
            Self::Key(_) => "a question for a key",
        }
    }

    /// The list that can be chosen from.
    #[must_use]
    pub const fn list(&self) -> Option<&Menu> {
        match self {
            Self::Menu(menu) | Self::Items(menu) => Some(menu),
            _ => None,
        }
    }
}

/// Every text on the screen, a line each; items are numbered from 1.
impl fmt::Display for Screen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Off => Ok(()),
            Self::Idle(text) => f.write_str(text.as_deref().unwrap_or_default()),
            Self::Text(text) => f.write_str(text),
            Self::Menu(menu) | Self::Items(menu) => {
                f.write_str(menu.title.as_deref().unwrap_or_default())?;
                menu.items.iter().zip(1..).try_for_each(|(item, number)| write!(f, "\n{number} {}", item.text))
            }
            Self::Input(input) => write!(f, "{}\n{}", input.prompt, input.hint()),
            Self::Key(key) => write!(f, "{}\n{}", key.prompt, key.hint()),
        }
    }
}

impl Input {
    /// What may be typed: `[hidden, 6 digits]`.
    #[must_use]
    pub fn hint(&self) -> String {
        let hidden = if self.hidden { "hidden, " } else { "" };
        let kind = if self.digits_only { "digits" } else { "characters" };
        let length = match (self.min, self.max) {
            (min, max) if min == max => min.to_string(),
            (min, 255) => format!("{min} or more"),
            (min, max) => format!("{min} to {max}"),
        };
        format!("[{hidden}{length} {kind}]")
    }
}

impl KeyInput {
    /// What may be pressed.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self.accepts {
            KeyKind::Digit => "[one digit]",
            KeyKind::Character | KeyKind::Ucs2Character => "[one character]",
            KeyKind::YesNo => "[yes or no]",
        }
    }
}

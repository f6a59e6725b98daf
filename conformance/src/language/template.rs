//! Templates of commands.

use rand_core::CryptoRng;

use super::{LanguageError, evaluate::bytes_of, expression::Expression, tokens::bytes, value::Names};

/// A command with values still to be computed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Template(Vec<Item>);

#[derive(Clone, PartialEq, Eq, Debug)]
enum Item {
    Hex(Vec<u8>),
    Value(Expression),
    /// A data field: Lc goes in front.
    Data(Vec<Item>),
}

/// A command in three parts: what is in front of Lc, the data field if there is one, and Le.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(crate) struct Parts {
    /// CLA, INS, P1, P2; or the whole command, where it is written out.
    pub(crate) header: Vec<u8>,
    /// Without Lc.
    pub(crate) data: Option<Vec<u8>>,
    /// Le.
    pub(crate) tail: Vec<u8>,
}

impl Template {
    /// Reads a template.
    pub(crate) fn parse(text: &str) -> Result<Self, LanguageError> {
        let (items, rest) = items(text, text)?;
        match rest {
            "" => Ok(Self(items)),
            _ => Err(LanguageError::Syntax(text.to_owned(), "a bracket is closed that was not opened")),
        }
    }

    /// The command with all values in it.
    pub(crate) fn evaluate(&self, names: &Names, random: &mut dyn CryptoRng) -> Result<Parts, LanguageError> {
        let mut parts = Parts::default();
        for item in &self.0 {
            if let Item::Data(inner) = item {
                parts.data = Some(plain(inner, names, random)?);
                continue;
            }
            let bytes = plain(core::slice::from_ref(item), names, random)?;
            if parts.data.is_some() { parts.tail.extend(bytes) } else { parts.header.extend(bytes) }
        }
        Ok(parts)
    }
}

impl Parts {
    /// As on the wire.
    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>, LanguageError> {
        let mut bytes = self.header.clone();
        if let Some(data) = &self.data {
            bytes.push(self.lc(0)?);
            bytes.extend(data);
        }
        bytes.extend(&self.tail);
        Ok(bytes)
    }

    /// Lc with `more` bytes behind the data.
    pub(crate) fn lc(&self, more: usize) -> Result<u8, LanguageError> {
        let length = self.data.as_ref().map_or(0, Vec::len) + more;
        u8::try_from(length).map_err(|_| LanguageError::Value("[ ]".to_owned(), "more data than a command carries"))
    }
}

fn items<'t>(whole: &str, text: &'t str) -> Result<(Vec<Item>, &'t str), LanguageError> {
    let syntax = |why| LanguageError::Syntax(whole.to_owned(), why);
    let mut found = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        match first {
            '{' => {
                let (inner, behind) =
                    rest.split_at(1).1.split_once('}').ok_or_else(|| syntax("a brace is not closed"))?;
                found.push(Item::Value(Expression::parse(inner)?));
                rest = behind;
            }
            '[' => {
                let (inner, behind) = items(whole, rest.split_at(1).1)?;
                found.push(Item::Data(inner));
                rest = behind.strip_prefix(']').ok_or_else(|| syntax("a bracket is not closed"))?;
            }
            ']' => break,
            _ => {
                let end = rest.find(['{', '[', ']', ' ']).unwrap_or(rest.len());
                let (digits, behind) = rest.split_at(end);
                found.push(Item::Hex(bytes(digits).ok_or_else(|| syntax("not whole bytes in capital digits"))?));
                rest = behind;
            }
        }
        rest = rest.trim_start();
    }
    Ok((found, rest))
}

fn plain(items: &[Item], names: &Names, random: &mut dyn CryptoRng) -> Result<Vec<u8>, LanguageError> {
    let mut bytes = Vec::new();
    for item in items {
        match item {
            Item::Hex(hex) => bytes.extend(hex),
            Item::Value(expression) => bytes.extend(bytes_of(expression, names, random)?),
            Item::Data(_) => {
                return Err(LanguageError::Syntax("[ [ ] ]".to_owned(), "a data field has no data field in it"));
            }
        }
    }
    Ok(bytes)
}

//! Words and marks of an expression.

use super::LanguageError;

/// One of them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Token {
    /// Bytes.
    Hex(Vec<u8>),
    /// A name.
    Name(String),
    /// `(`, `)`, `,`, `+` or `-`.
    Mark(char),
}

/// The tokens of `text`.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, LanguageError> {
    let syntax = |why| LanguageError::Syntax(text.to_owned(), why);
    let mut found = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let word_len = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        let (token, len) = match first {
            '(' | ')' | ',' | '+' | '-' => (Token::Mark(first), 1),
            '0'..='9' | 'A'..='F' => {
                let digits = rest.get(..word_len).unwrap_or_default();
                (Token::Hex(bytes(digits).ok_or_else(|| syntax("not whole bytes in capital digits"))?), word_len)
            }
            'a'..='z' => (Token::Name(rest.get(..word_len).unwrap_or_default().to_owned()), word_len),
            _ => return Err(syntax("a character that means nothing")),
        };
        found.push(token);
        rest = rest.get(len..).unwrap_or_default().trim_start();
    }
    Ok(found)
}

/// Bytes of capital hexadecimal digits.
pub(super) fn bytes(digits: &str) -> Option<Vec<u8>> {
    let capital = digits.bytes().all(|digit| digit.is_ascii_digit() || (b'A'..=b'F').contains(&digit));
    if capital { hex::decode(digits).ok() } else { None }
}

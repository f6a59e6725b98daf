//! Patterns of answers.

use core::fmt::Write as _;

use rand_core::CryptoRng;

use super::{
    LanguageError,
    evaluate::bytes_of,
    expression::Expression,
    value::{Names, Value},
};

/// What an answer may be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Pattern {
    parts: Vec<Part>,
    /// Four digits or X.
    status: Digits,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Part {
    Digits(Digits),
    Keep(String, usize),
    Value(Expression),
    Any,
}

/// Hexadecimal digits, `None` for any.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Digits(Vec<Option<u8>>);

/// How an answer compares with a pattern.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Compared {
    /// Whether it fits.
    pub(crate) fits: bool,
    /// What was expected, with all values that could be computed.
    pub(crate) expected: String,
    /// Names that the answer gives values; they count only if it fits.
    pub(crate) kept: Names,
}

impl Pattern {
    /// Reads a pattern.
    pub(crate) fn parse(text: &str) -> Result<Self, LanguageError> {
        let syntax = |why| LanguageError::Syntax(text.to_owned(), why);
        let mut parts = Vec::new();
        let mut rest = text.trim();
        let mut status = None;
        while !rest.is_empty() {
            if status.is_some() {
                return Err(syntax("the status word comes last"));
            }
            if let Some(inner) = rest.strip_prefix('{') {
                let (inner, behind) = inner.split_once('}').ok_or_else(|| syntax("a brace is not closed"))?;
                parts.push(Part::Value(Expression::parse(inner)?));
                rest = behind.trim_start();
                continue;
            }
            let (word, behind) = rest.split_at(rest.find([' ', '{']).unwrap_or(rest.len()));
            rest = behind.trim_start();
            if rest.is_empty() {
                status = Some(Digits::parse(word).filter(|digits| digits.0.len() == 4));
            } else if word == ".." {
                parts.push(Part::Any);
            } else if let Some((name, length)) = word.split_once(':') {
                let length = length.parse().map_err(|_| syntax("a length is a decimal number"))?;
                parts.push(Part::Keep(name.to_owned(), length));
            } else {
                parts.push(Part::Digits(Digits::parse(word).ok_or_else(|| syntax("not capital digits and X"))?));
            }
        }
        let status = status.flatten().ok_or_else(|| syntax("a status word of four digits comes last"))?;
        Ok(Self { parts, status })
    }

    /// Whether `answer`, with its status word, fits. Values are computed with `names` and what this pattern has kept.
    pub(crate) fn compare(
        &self,
        answer: &[u8],
        names: &Names,
        random: &mut dyn CryptoRng,
    ) -> Result<Compared, LanguageError> {
        let (mut data, status) = answer.split_at(answer.len().saturating_sub(2));
        let mut kept = names.clone();
        let mut expected = String::new();
        let mut fits = self.status.fit(status);
        let mut open = false;
        for part in &self.parts {
            match part {
                Part::Any => open = true,
                Part::Digits(digits) => {
                    expected.push_str(&digits.to_string());
                    fits &= digits.fit(take(&mut data, digits.0.len() / 2));
                }
                Part::Keep(name, length) => {
                    let _ = write!(expected, "{name}:{length}");
                    let bytes = take(&mut data, *length);
                    fits &= bytes.len() == *length;
                    kept.set(name, Value::Bytes(bytes.to_vec()));
                }
                Part::Value(expression) if fits => {
                    let value = bytes_of(expression, &kept, random)?;
                    expected.push_str(&hex::encode_upper(&value));
                    fits &= take(&mut data, value.len()) == value;
                }
                Part::Value(_) => expected.push('…'),
            }
            expected.push_str(if *part == Part::Any { "… " } else { " " });
        }
        fits &= open || data.is_empty();
        expected.push_str(&self.status.to_string());
        Ok(Compared { fits, expected, kept })
    }
}

fn take<'d>(data: &mut &'d [u8], length: usize) -> &'d [u8] {
    let (taken, rest) = data.split_at(length.min(data.len()));
    *data = rest;
    taken
}

impl Digits {
    fn parse(word: &str) -> Option<Self> {
        let digit = |character: char| match character {
            'X' => Some(None),
            '0'..='9' | 'A'..='F' => character.to_digit(16).and_then(|digit| u8::try_from(digit).ok()).map(Some),
            _ => None,
        };
        let digits = word.chars().map(digit).collect::<Option<Vec<_>>>()?;
        digits.len().is_multiple_of(2).then_some(Self(digits))
    }

    fn fit(&self, bytes: &[u8]) -> bool {
        let digits: Vec<u8> = bytes.iter().flat_map(|byte| [byte >> 4, byte & 0x0F]).collect();
        let fits = |(wanted, is): (&Option<u8>, &u8)| wanted.is_none_or(|wanted| wanted == *is);
        self.0.len() == digits.len() && self.0.iter().zip(&digits).all(fits)
    }
}

impl core::fmt::Display for Digits {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.0.iter().try_for_each(|digit| match digit {
            Some(digit) => write!(f, "{digit:X}"),
            None => f.write_str("X"),
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use rand::{SeedableRng, rngs::ChaCha8Rng};

    fn compare(pattern: &str, answer: &str) -> Compared {
        let answer = hex::decode(answer).unwrap();
        let mut random = ChaCha8Rng::seed_from_u64(1);
        Pattern::parse(pattern).unwrap().compare(&answer, &Names::default(), &mut random).unwrap()
    }

    #[test]
    fn what_fits_and_what_does_not() {
        for (pattern, answer, fits) in [
            ("9000", "9000", true),
            ("9000", "019000", false),
            (".. 9000", "019000", true),
            ("63CX", "63C2", true),
            ("63CX", "63D2", false),
            ("a:2 {a+0001} 9000", "000100029000", true),
            ("a:2 {a+0001} 9000", "000100039000", false),
            ("a:2 9000", "009000", false),
            ("0XFF 9000", "07FF9000", true),
            ("0XFF 9000", "17FF9000", false),
            ("9000", "", false),
        ] {
            assert_eq!(compare(pattern, answer).fits, fits, "{pattern} {answer}");
        }
        let compared = compare("a:2 {a+0001} .. 9000", "00FF0100AA9000");
        assert_eq!((compared.fits, compared.expected.as_str()), (true, "a:2 0100 … 9000"));
        assert_eq!(compared.kept.bytes("a"), Some(&[0x00, 0xFF][..]));
        for wrong in ["", "90", "9000 9000 ", "9000 a:2", "a:x 9000", "{a 9000", "9g00"] {
            let parsed = Pattern::parse(wrong);
            assert!(parsed.is_err() == (wrong != "9000 9000 "), "{wrong} {parsed:?}");
        }
    }
}

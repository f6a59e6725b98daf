//! Expressions: what a value is computed from.

use super::{
    LanguageError,
    tokens::{Token, tokens},
};

/// A parsed expression.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Expression {
    /// Bytes as they stand.
    Hex(Vec<u8>),
    /// The value of a name.
    Name(String),
    /// A function of values.
    Call(String, Vec<Expression>),
    /// Big-endian sum or difference, as long as the left one.
    Sum(Box<Expression>, Sign, Box<Expression>),
    /// One behind the other.
    Joined(Vec<Expression>),
}

/// Of a sum.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Sign {
    /// `+`.
    Plus,
    /// `-`.
    Minus,
}

impl Expression {
    /// Reads an expression.
    pub(crate) fn parse(text: &str) -> Result<Self, LanguageError> {
        let mut parser = Parser { text, tokens: tokens(text)?.into_iter().peekable() };
        let expression = parser.joined()?;
        match parser.tokens.next() {
            None => Ok(expression),
            Some(_) => Err(parser.syntax("more than one expression")),
        }
    }
}

struct Parser<'t> {
    text: &'t str,
    tokens: core::iter::Peekable<std::vec::IntoIter<Token>>,
}

impl Parser<'_> {
    fn joined(&mut self) -> Result<Expression, LanguageError> {
        let mut parts = vec![self.sum()?];
        while matches!(self.tokens.peek(), Some(Token::Hex(_) | Token::Name(_))) {
            parts.push(self.sum()?);
        }
        Ok(match <[Expression; 1]>::try_from(parts) {
            Ok([single]) => single,
            Err(parts) => Expression::Joined(parts),
        })
    }

    fn sum(&mut self) -> Result<Expression, LanguageError> {
        let mut left = self.factor()?;
        loop {
            let sign = match self.tokens.peek() {
                Some(Token::Mark('+')) => Sign::Plus,
                Some(Token::Mark('-')) => Sign::Minus,
                _ => return Ok(left),
            };
            self.tokens.next();
            left = Expression::Sum(Box::new(left), sign, Box::new(self.factor()?));
        }
    }

    fn factor(&mut self) -> Result<Expression, LanguageError> {
        match self.tokens.next() {
            Some(Token::Hex(bytes)) => Ok(Expression::Hex(bytes)),
            Some(Token::Name(name)) if self.tokens.peek() == Some(&Token::Mark('(')) => {
                self.tokens.next();
                Ok(Expression::Call(name, self.arguments()?))
            }
            Some(Token::Name(name)) => Ok(Expression::Name(name)),
            _ => Err(self.syntax("a value is missing")),
        }
    }

    fn arguments(&mut self) -> Result<Vec<Expression>, LanguageError> {
        let mut arguments = Vec::new();
        if self.tokens.peek() == Some(&Token::Mark(')')) {
            self.tokens.next();
            return Ok(arguments);
        }
        loop {
            arguments.push(self.joined()?);
            match self.tokens.next() {
                Some(Token::Mark(',')) => {}
                Some(Token::Mark(')')) => return Ok(arguments),
                _ => return Err(self.syntax("a bracket is not closed")),
            }
        }
    }

    fn syntax(&self, why: &'static str) -> LanguageError {
        LanguageError::Syntax(self.text.to_owned(), why)
    }
}

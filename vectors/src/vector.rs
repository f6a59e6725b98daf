//! What every vector has, whatever it is about.

use serde::{Deserialize, de::DeserializeOwned};

use crate::construction::Construction;

/// One vector.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Vector<B> {
    /// Unique within its kind.
    pub name: String,
    /// Where it comes from.
    pub source: Source,
    /// Whether the construction gives what is printed.
    pub verdict: Verdict,
    /// Marked as having a key that proves little; loads as a trace only.
    pub degenerate: bool,
    /// What a reader should know.
    pub note: Option<String>,
    /// Inputs and outputs.
    pub body: B,
}

impl<B> Vector<B> {
    /// Whether the outputs follow from the inputs.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        self.verdict == Verdict::Valid
    }
}

/// Whether the construction gives what is printed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It does.
    Valid,
    /// It does not, and an implementation that does is wrong.
    Invalid,
}

/// Where a vector comes from: `origin: text`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Source {
    /// What stands before the colon.
    pub origin: Origin,
    /// Who, what, when.
    pub text: String,
}

impl Source {
    /// From `trace: …`, `spec: …`, `implementation: …`, `second implementation: …` or `own: …`; `None` if either part is
    /// missing.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (origin, text) = text.split_once(':')?;
        let origin = match origin.trim() {
            "trace" => Origin::Trace,
            "spec" => Origin::Specification,
            "implementation" => Origin::Implementation,
            "second implementation" => Origin::SecondImplementation,
            "own" => Origin::Own,
            _ => return None,
        };
        let text = text.trim();
        (!text.is_empty()).then(|| Self { origin, text: text.to_owned() })
    }
}

/// Who vouches for a vector.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Origin {
    /// An exchange with a product, published.
    Trace,
    /// A published standard, manual or worked example.
    Specification,
    /// Somebody else's implementation: its published tests, or what it makes of given inputs.
    Implementation,
    /// `second_implementation/make.py`, which knows nothing of the Rust code.
    SecondImplementation,
    /// The Rust code itself: guards against change, proves nothing.
    Own,
}

impl Origin {
    /// Whether somebody outside this project published it.
    #[must_use]
    pub const fn is_published(self) -> bool {
        matches!(self, Self::Trace | Self::Specification | Self::Implementation)
    }
}

/// Inputs and outputs of one kind of vector.
pub trait Body: DeserializeOwned {
    /// Its keys by field name; the loader looks for defects.
    fn keys(&self) -> Vec<(&'static str, &[u8])>;

    /// Its AES keys, which may be of other lengths.
    fn aes_keys(&self) -> Vec<(&'static str, &[u8])> {
        Vec::new()
    }

    /// What it is evidence for.
    fn constructions(&self) -> Vec<Construction>;

    /// Whether the fields agree with the APDUs made of them.
    ///
    /// # Errors
    /// Names the field that does not.
    fn check(&self) -> Result<(), &'static str> {
        Ok(())
    }
}

/// Checks that `apdu` is `header ‖ Lc ‖ data`, with or without Le.
pub(crate) fn is_command(apdu: &[u8], header: &[u8], data: &[&[u8]]) -> bool {
    let data = data.concat();
    let Ok(lc) = u8::try_from(data.len()) else {
        return false;
    };
    let expected = [header, &[lc], &data].concat();
    apdu.strip_prefix(expected.as_slice()).is_some_and(|rest| rest.len() <= 1)
}

/// Turns a comparison into the error of [`Body::check`].
pub(crate) fn agrees(field: &'static str, so: bool) -> Result<(), &'static str> {
    if so { Ok(()) } else { Err(field) }
}

/// Bodies without keys, which are evidence for no construction; each with its check.
macro_rules! without_keys {
    ($($body:ty: $check:expr;)*) => {
        $(impl $crate::vector::Body for $body {
            fn keys(&self) -> Vec<(&'static str, &[u8])> {
                Vec::new()
            }

            fn constructions(&self) -> Vec<$crate::construction::Construction> {
                Vec::new()
            }

            fn check(&self) -> Result<(), &'static str> {
                $check(self)
            }
        })*
    };
}
pub(crate) use without_keys;

//! What went over the wire, for `--trace`: decoded field by field, without secrets.

use std::{cell::RefCell, fmt, rc::Rc};

use onecard_host::trace::{Exchange, Field};
use serde::{Serialize, Serializer, ser::SerializeMap};

/// Collects the exchanges of a card and its terminal's SAM in the order they happen; a clone collects into the same.
#[derive(Clone, Debug)]
pub(crate) struct Trace(Option<Rc<RefCell<Vec<TraceLine>>>>);

/// One exchange.
#[derive(Clone, Serialize, Debug)]
pub(crate) struct TraceLine {
    with: Peer,
    name: String,
    #[serde(serialize_with = "by_name")]
    command: Vec<Field>,
    #[serde(serialize_with = "by_name")]
    answer: Vec<Field>,
    status: String,
    #[serde(skip)]
    text: String,
}

/// Who answers.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Debug)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Peer {
    /// The member's card.
    Card,
    /// The terminal's SAM.
    Sam,
}

impl Trace {
    /// A trace that collects, or one that does not.
    pub(crate) fn new(wanted: bool) -> Self {
        Self(wanted.then(Rc::default))
    }

    /// Where exchanges with `peer` go.
    pub(crate) fn sink(&self, peer: Peer) -> impl FnMut(&Exchange) + use<> {
        let lines = self.0.clone();
        move |exchange| {
            if let Some(lines) = &lines {
                lines.borrow_mut().push(TraceLine::of(peer, exchange));
            }
        }
    }

    /// What was collected since the last time.
    pub(crate) fn take(&self) -> Vec<TraceLine> {
        self.0.as_ref().map(|lines| lines.take()).unwrap_or_default()
    }
}

impl TraceLine {
    fn of(with: Peer, exchange: &Exchange) -> Self {
        let decoded = exchange.decode();
        let text = exchange.to_string();
        Self {
            with,
            name: decoded.name,
            command: decoded.command,
            answer: decoded.answer,
            status: decoded.status,
            text,
        }
    }
}

impl fmt::Display for TraceLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let peer = match self.with {
            Peer::Card => "card",
            Peer::Sam => "SAM",
        };
        write!(f, "{peer}: {}", self.text)
    }
}

fn by_name<S: Serializer>(fields: &[Field], serializer: S) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(fields.len()))?;
    for Field { name, value } in fields {
        map.serialize_entry(name, value)?;
    }
    map.end()
}

//! The link to a message centre: one connection for both ways, or one for each.

use std::time::Duration;

use onecard_wire::smpp::pdu::Role;

use super::{
    account::{Account, Bind, LinkTerms},
    line::Line,
    session::Ended,
};
use crate::carrier::{Carrier, Delivery, Event, NoRoom, ShortMessage, Ticket};

/// How long one connection is waited at while another may have something.
const ALTERNATE: Duration = Duration::from_millis(10);

/// A link that comes up again whenever it has gone down, until it is closed. No call blocks but [`Link::wait`] and [`Link::close`].
#[derive(Debug)]
pub struct Link {
    /// What submits, and receives too unless there is another for that.
    submits: Line,
    receives: Option<Line>,
}

/// How a link is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LinkState {
    /// Messages can go.
    Bound,
    /// On its way there.
    Connecting,
    /// It was not reached, or has gone down; it is tried again after this long.
    Waiting(Duration),
}

impl Link {
    /// A link to the message centre at `centre`, host and port. The seed decides how waits differ from those of other platforms.
    #[must_use]
    pub fn new(centre: &str, account: Account, terms: LinkTerms, seed: u64) -> Self {
        let line = |role, seed| Line::new(role, centre, account.clone(), terms.clone(), seed);
        match terms.bind {
            Bind::Transceiver => Self { submits: line(Role::Transceiver, seed), receives: None },
            Bind::TransmitterAndReceiver => {
                Self { submits: line(Role::Transmitter, seed), receives: Some(line(Role::Receiver, !seed)) }
            }
        }
    }

    /// How it is now: bound if every connection is.
    #[must_use]
    pub fn state(&self) -> LinkState {
        let states = self.lines().map(Line::state);
        states
            .max_by_key(|state| match state {
                LinkState::Bound => (0, Duration::ZERO),
                LinkState::Connecting => (1, Duration::ZERO),
                LinkState::Waiting(left) => (2, *left),
            })
            .unwrap_or(LinkState::Connecting)
    }

    /// Why it went down last, or did not come up; `None` if it never did.
    #[must_use]
    pub fn problem(&self) -> Option<&Ended> {
        let refused = |problem: &&Ended| matches!(problem, Ended::BindRefused(_));
        let mut problems = self.lines().filter_map(Line::problem);
        problems.clone().find(refused).or_else(|| problems.next())
    }

    /// How often it was bound.
    #[must_use]
    pub fn binds(&self) -> u64 {
        self.lines().map(Line::binds).min().unwrap_or_default()
    }

    /// Messages that nobody waits for: texts, intermediate notifications, what cannot be read.
    #[must_use]
    pub fn passed_over(&self) -> u64 {
        self.lines().map(Line::passed_over).sum()
    }

    /// Waits until the centre says something, or that long; of two connections only a moment at each.
    pub fn wait(&mut self, at_most: Duration) {
        let Some(receives) = &mut self.receives else { return self.submits.wait(at_most) };
        receives.wait(at_most.min(ALTERNATE));
        self.submits.wait(Duration::ZERO);
    }

    /// Unbinds, waits for the answer and ends it; what is told on the way there is handed out, unacknowledged.
    #[must_use]
    pub fn close(self) -> Vec<Event> {
        let mut events = self.submits.close();
        events.extend(self.receives.into_iter().flat_map(Line::close));
        events
    }

    fn lines(&self) -> impl Iterator<Item = &Line> + Clone {
        core::iter::once(&self.submits).chain(&self.receives)
    }

    fn lines_mut(&mut self) -> impl Iterator<Item = &mut Line> {
        core::iter::once(&mut self.submits).chain(&mut self.receives)
    }
}

impl Carrier for Link {
    /// Nothing is submitted while nobody would hear what comes back.
    fn room(&mut self) -> usize {
        let room = self.submits.room();
        let is_deaf = self.receives.as_mut().is_some_and(|receives| {
            receives.pump();
            receives.state() != LinkState::Bound
        });
        if is_deaf { 0 } else { room }
    }

    fn submit(&mut self, ticket: Ticket, message: &ShortMessage, validity: Duration) -> Result<(), NoRoom> {
        self.submits.submit(ticket, message, validity)
    }

    fn events(&mut self) -> Vec<Event> {
        self.lines_mut().flat_map(Line::events).collect()
    }

    fn acknowledge(&mut self, delivery: Delivery) {
        self.receives.as_mut().unwrap_or(&mut self.submits).acknowledge(delivery);
    }
}

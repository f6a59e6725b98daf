//! The simulated network as a [`Carrier`], without sockets: what a campaign is tried on with more phones than links could feed.
//!
//! Time is moved by [`SimulatedCarrier::advance`]. Between gateway and message centre everything takes a while, so that
//! [`SimulatedCarrier::cut`] catches some of it: requests that the centre never saw, answers that the gateway never saw, messages that
//! were not acknowledged in time and come again.

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use onecard_gateway::carrier::{Carrier, Delivery, Event, NoRoom, ShortMessage, Ticket};
use onecard_host::over_the_air::message::Address;
use onecard_simulator::message_centre::{
    message::{DeliveryId, Fate, LinkId, NotTaken, Submission, ToPlatform},
    network::Network,
};
use onecard_wire::ota::{DCS_DATA_CLASS_2, PID_DOWNLOAD};

/// One link to the message centre of a simulated network.
#[derive(Debug)]
pub struct SimulatedCarrier {
    network: Network,
    terms: LinkTerms,
    link: LinkId,
    /// Messages on their way to the centre.
    requests: VecDeque<(Duration, Ticket, Submission)>,
    /// What the centre has said of them, on its way back.
    answers: VecDeque<(Duration, Ticket, Event)>,
    acknowledgements: VecDeque<(Duration, DeliveryId)>,
    events: VecDeque<Event>,
    /// What was handed over by this link and not acknowledged.
    unacknowledged: HashMap<Delivery, DeliveryId>,
    last_delivery: u64,
    tickets_lost: VecDeque<Ticket>,
}

/// What a link is like.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LinkTerms {
    /// The platform's number.
    pub platform: Address,
    /// Most messages without an answer.
    pub window: usize,
    /// Most messages for the gateway that are not acknowledged.
    pub deliveries_max: usize,
    /// From the gateway to the centre, and as long back.
    pub latency: Duration,
    /// Whether delivery receipts are wanted.
    pub receipts: bool,
}

/// `submit_sm_resp` of a number that the centre does not know: ESME_RINVDSTADR (SMPP 3.4 clause 5.1.3).
const INVALID_DESTINATION: u32 = 0x0000_000B;
/// ESME_RINVMSGLEN.
const INVALID_LENGTH: u32 = 0x0000_0001;

impl LinkTerms {
    /// A window of 1,000, 10 ms away, without receipts.
    #[must_use]
    pub const fn new(platform: Address) -> Self {
        Self { platform, window: 1_000, deliveries_max: 1_000, latency: Duration::from_millis(10), receipts: false }
    }
}

impl SimulatedCarrier {
    /// A link to that network.
    #[must_use]
    pub fn new(network: Network, terms: LinkTerms) -> Self {
        Self {
            network,
            terms,
            link: LinkId(1),
            requests: VecDeque::new(),
            answers: VecDeque::new(),
            acknowledgements: VecDeque::new(),
            events: VecDeque::new(),
            unacknowledged: HashMap::new(),
            last_delivery: 0,
            tickets_lost: VecDeque::new(),
        }
    }

    /// The network behind it.
    #[must_use]
    pub const fn network(&self) -> &Network {
        &self.network
    }

    /// The same, to look at phones or change its faults; time is moved by [`Self::advance`] alone.
    pub const fn network_mut(&mut self) -> &mut Network {
        &mut self.network
    }

    /// The network, without the link.
    #[must_use]
    pub fn into_network(mut self) -> Network {
        self.network.link_lost(self.link);
        self.network
    }

    /// When the next thing happens; `None` if nothing is on its way anywhere.
    #[must_use]
    pub fn next_event(&self) -> Option<Duration> {
        let own = [
            self.requests.front().map(|(at, ..)| *at),
            self.answers.front().map(|(at, ..)| *at),
            self.acknowledgements.front().map(|(at, _)| *at),
            self.network.next_arrival(),
        ];
        own.into_iter().flatten().min()
    }

    /// Lets everything happen that is due until then.
    pub fn advance(&mut self, until: Duration) {
        while let Some(at) = self.next_event().filter(|at| *at <= until) {
            self.network.run_until(at);
            self.arrive();
        }
        self.network.run_until(until);
        self.arrive();
    }

    /// Ends the link and begins another: what was on its way between gateway and centre is lost.
    pub fn cut(&mut self) {
        self.tickets_lost.extend(self.requests.drain(..).map(|(_, ticket, _)| ticket));
        self.tickets_lost.extend(self.answers.drain(..).map(|(_, ticket, _)| ticket));
        self.acknowledgements.clear();
        // What the gateway has already got of answers stays; messages come again.
        self.events.retain(|event| !matches!(event, Event::Received { .. } | Event::Receipt { .. }));
        self.unacknowledged.clear();
        self.network.link_lost(self.link);
        self.link.0 += 1;
    }

    fn arrive(&mut self) {
        let now = self.network.now();
        while let Some((_, ticket, submission)) = due(&mut self.requests, |(at, ..)| *at <= now) {
            let event = match self.network.submit(submission) {
                Ok(id) => Event::Accepted { ticket, message_id: id.to_string() },
                Err(NotTaken::Throttled | NotTaken::QueueFull) => Event::Throttled { ticket },
                Err(NotTaken::NoSuchPhone) => Event::Refused { ticket, status: INVALID_DESTINATION },
                Err(NotTaken::TooLong) => Event::Refused { ticket, status: INVALID_LENGTH },
            };
            self.answers.push_back((now + self.terms.latency, ticket, event));
        }
        while let Some((_, id)) = due(&mut self.acknowledgements, |(at, _)| *at <= now) {
            self.network.acknowledge(self.link, id);
        }
        while let Some((_, _, event)) = due(&mut self.answers, |(at, ..)| *at <= now) {
            self.events.push_back(event);
        }
        while self.unacknowledged.len() < self.terms.deliveries_max {
            let Some((id, what)) = self.network.hand_over(self.link) else { break };
            self.last_delivery += 1;
            let delivery = Delivery(self.last_delivery);
            self.unacknowledged.insert(delivery, id);
            self.events.push_back(match what {
                ToPlatform::Message { phone, user_data, .. } => {
                    Event::Received { message: ShortMessage { phone, user_data }, delivery }
                }
                ToPlatform::Receipt { id, fate, .. } => {
                    Event::Receipt { message_id: id.to_string(), delivered: fate == Fate::Delivered, delivery }
                }
            });
        }
    }
}

impl Carrier for SimulatedCarrier {
    fn room(&mut self) -> usize {
        self.terms.window.saturating_sub(self.requests.len() + self.answers.len())
    }

    fn submit(&mut self, ticket: Ticket, message: &ShortMessage, validity: Duration) -> Result<(), NoRoom> {
        if self.room() == 0 {
            return Err(NoRoom);
        }
        let submission = Submission {
            originator: self.terms.platform.clone(),
            phone: message.phone.clone(),
            protocol: PID_DOWNLOAD,
            coding: DCS_DATA_CLASS_2,
            header: true,
            user_data: message.user_data.clone(),
            validity: Some(validity),
            receipt: self.terms.receipts,
        };
        self.requests.push_back((self.network.now() + self.terms.latency, ticket, submission));
        Ok(())
    }

    fn events(&mut self) -> Vec<Event> {
        let lost = self.tickets_lost.drain(..).map(|ticket| Event::Unanswered { ticket });
        lost.chain(self.events.drain(..)).collect()
    }

    fn acknowledge(&mut self, delivery: Delivery) {
        if let Some(id) = self.unacknowledged.remove(&delivery) {
            self.acknowledgements.push_back((self.network.now() + self.terms.latency, id));
        }
    }
}

/// The first, if its time has come.
fn due<T>(queue: &mut VecDeque<T>, is_due: impl Fn(&T) -> bool) -> Option<T> {
    if queue.front().is_some_and(is_due) { queue.pop_front() } else { None }
}

//! The network: phones, messages on their way, and a clock that others move.
//!
//! Nothing in here reads a clock or opens a socket: [`Network::run_until`] moves the time, and one seed gives one story.

use std::{
    cmp::{Ordering, Reverse},
    collections::BinaryHeap,
    time::Duration,
};

use onecard_host::over_the_air::message::Address;
use onecard_wire::{date::Moment, ota::USER_DATA_MAX};
use rand::{SeedableRng, rngs::ChaCha8Rng};

use super::{
    faults::Faults,
    message::{DeliveryId, Fate, LinkId, MessageId, NotTaken, Submission, ToPlatform},
    outbox::Outbox,
    phone::{Handled, Outgoing},
    phones::Phones,
    traffic::{Counts, Happening, What},
};
use crate::{
    chip::Chip,
    handset::{self, Handset, clock::moment_after, short_message::Sent},
    reader::{Interface, Reader},
};

/// What a network is like.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Settings {
    /// How bad it is.
    pub faults: Faults,
    /// The message centre's own number.
    pub service_centre: Address,
    /// What its clock shows at first.
    pub start: Moment,
    /// Most messages on their way to phones; beyond, none is taken.
    pub queue_max: usize,
    /// Most phones that are on at once, longest unused off first. One that was off has lost what its card gathered of a message in
    /// parts, and what a script that goes on had selected.
    pub phones_on_max: usize,
    /// Tries for each message that does not reach its card.
    pub tries: u32,
    /// Between two of them.
    pub retry_after: Duration,
}

/// A mobile network with its message centre.
#[derive(Debug)]
pub struct Network {
    settings: Settings,
    now: Duration,
    random: ChaCha8Rng,
    phones: Phones,
    on_the_way: BinaryHeap<Reverse<Scheduled>>,
    scheduled: u64,
    /// Of messages to phones on their way.
    queued: usize,
    last_id: u64,
    outbox: Outbox,
    counts: Counts,
    /// What happened, if somebody looks on.
    happenings: Option<Vec<Happening>>,
}

#[derive(Debug)]
struct Scheduled {
    at: Duration,
    /// What is due at one time comes in the order in which it was sent.
    number: u64,
    arrival: Arrival,
}

#[derive(Debug)]
enum Arrival {
    AtPhone(Box<Underway>),
    AtPlatform(ToPlatform),
}

#[derive(Clone, Debug)]
struct Underway {
    id: MessageId,
    submission: Submission,
    taken_at: Duration,
    expires_at: Option<Duration>,
    tries_left: u32,
}

impl Settings {
    /// A network without faults.
    #[must_use]
    pub fn new(service_centre: Address, start: Moment) -> Self {
        Self {
            faults: Faults::NONE,
            service_centre,
            start,
            queue_max: 100_000,
            phones_on_max: 4_096,
            tries: 5,
            retry_after: Duration::from_secs(60),
        }
    }
}

impl Network {
    /// Without phones. The seed decides what its faults strike.
    #[must_use]
    pub fn new(settings: Settings, seed: u64) -> Self {
        Self {
            now: Duration::ZERO,
            random: ChaCha8Rng::seed_from_u64(seed),
            phones: Phones::new(settings.phones_on_max),
            settings,
            on_the_way: BinaryHeap::new(),
            scheduled: 0,
            queued: 0,
            last_id: 0,
            outbox: Outbox::default(),
            counts: Counts::default(),
            happenings: None,
        }
    }

    /// Adds a phone with that RFID-SIM, switched off until a message comes; the chip of the one that had the number before.
    pub fn insert(&mut self, phone: Address, chip: Chip) -> Option<Chip> {
        self.phones.insert(phone, chip)
    }

    /// Takes the chip out of a phone, which leaves the network.
    pub fn remove(&mut self, phone: &Address) -> Option<Chip> {
        self.phones.remove(phone)
    }

    /// Holds the phone, switched off, to a terminal for as long as that runs; `None` without such a phone.
    pub fn tap<R>(&mut self, phone: &Address, terminal: impl FnOnce(&mut Reader) -> R) -> Option<R> {
        let mut reader = Reader::insert(self.phones.remove(phone)?);
        let result = terminal(&mut reader);
        self.phones.insert(phone.clone(), reader.remove());
        Some(result)
    }

    /// Lets somebody use the phone, which is off at first, and off again behind it: it has its screen now, and what its card
    /// sends meanwhile is the network's. Its card has lost what it had gathered of a message in parts. `None` without such a
    /// phone.
    pub fn use_phone<R>(&mut self, phone: &Address, user: impl FnOnce(&mut Handset<Reader>) -> R) -> Option<R> {
        let reader = Reader::insert_at(self.phones.remove(phone)?, Interface::Contact);
        let start = Some(self.moment(self.now));
        let mut handset = Handset::new(reader, handset::Settings { start, ..handset::Settings::default() });
        let result = user(&mut handset);
        let sent = handset.sent().to_vec();
        self.phones.insert(phone.clone(), handset.into_socket().remove());
        sent.iter().for_each(|message| self.phone_sends(phone, message));
        Some(result)
    }

    /// Phones, and how many of them are on.
    #[must_use]
    pub fn phones(&self) -> (usize, usize) {
        (self.phones.len(), self.phones.on())
    }

    /// Since it was made.
    #[must_use]
    pub const fn now(&self) -> Duration {
        self.now
    }

    /// When the next thing arrives somewhere; `None` if nothing is on its way.
    #[must_use]
    pub fn next_arrival(&self) -> Option<Duration> {
        self.on_the_way.peek().map(|Reverse(next)| next.at)
    }

    /// How often each thing has happened.
    #[must_use]
    pub const fn counts(&self) -> Counts {
        self.counts
    }

    /// What it is like; may be changed at any time.
    pub const fn faults_mut(&mut self) -> &mut Faults {
        &mut self.settings.faults
    }

    /// From now on [`Self::happenings`] tells what passes.
    pub fn look_on(&mut self) {
        self.happenings.get_or_insert_default();
    }

    /// What has happened since the last call; nothing unless somebody looks on.
    pub fn happenings(&mut self) -> Vec<Happening> {
        self.happenings.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Takes a message of a platform. Taken is not delivered.
    ///
    /// # Errors
    /// [`NotTaken`].
    pub fn submit(&mut self, submission: Submission) -> Result<MessageId, NotTaken> {
        if submission.user_data.len() > USER_DATA_MAX {
            return Err(NotTaken::TooLong);
        }
        if !self.phones.contains(&submission.phone) {
            self.counts.refused += 1;
            return Err(NotTaken::NoSuchPhone);
        }
        let throttled = self.settings.faults.throttled.strikes(&mut self.random);
        if throttled || self.queued >= self.settings.queue_max {
            self.counts.throttled += 1;
            self.tell(&submission.phone, What::Throttled);
            return Err(if throttled { NotTaken::Throttled } else { NotTaken::QueueFull });
        }
        self.counts.taken += 1;
        self.last_id += 1;
        let id = MessageId(self.last_id);
        self.tell(&submission.phone, What::Taken { id, length: submission.user_data.len() });
        let tries_left = self.settings.tries.max(1);
        let ways = self.ways(&submission.phone);
        let expires_at = submission.validity.map(|validity| self.now.saturating_add(validity));
        let underway = Underway { id, submission, taken_at: self.now, expires_at, tries_left };
        for way in ways {
            self.send_to_phone(way, underway.clone());
        }
        Ok(id)
    }

    /// Takes what a phone sends that is not in this network at the moment: one that was taken out, with its screen.
    pub fn phone_sends(&mut self, phone: &Address, message: &Sent) {
        if let Some(message) = Outgoing::of(message) {
            self.send_from_card(phone, message);
        }
    }

    /// Lets everything arrive that is due until then; the clock shows `until` behind it.
    pub fn run_until(&mut self, until: Duration) {
        while self.next_arrival().is_some_and(|at| at <= until) {
            let Some(Reverse(next)) = self.on_the_way.pop() else { break };
            self.now = self.now.max(next.at);
            match next.arrival {
                Arrival::AtPhone(message) => {
                    self.queued -= 1;
                    self.arrive_at_phone(*message);
                }
                Arrival::AtPlatform(what) => self.outbox.put(what),
            }
        }
        self.now = self.now.max(until);
    }

    /// The next thing for a platform, which the link has from now on; it stays here until it is acknowledged.
    pub fn hand_over(&mut self, link: LinkId) -> Option<(DeliveryId, ToPlatform)> {
        self.outbox.hand_over(link)
    }

    /// The platform has it; false if that link has nothing of that name.
    pub fn acknowledge(&mut self, link: LinkId, delivery: DeliveryId) -> bool {
        let known = self.outbox.acknowledge(link, delivery);
        self.counts.acknowledged += u64::from(known);
        known
    }

    /// The platform cannot take it now: it waits again, behind everything else.
    pub fn hand_back(&mut self, link: LinkId, delivery: DeliveryId) {
        self.outbox.hand_back(link, delivery);
    }

    /// The link is gone: what it had and did not acknowledge is handed over again, before everything else.
    pub fn link_lost(&mut self, link: LinkId) {
        self.outbox.link_lost(link);
    }

    /// For platforms: what waits, and what links have and did not acknowledge.
    #[must_use]
    pub fn outbox(&self) -> (usize, usize) {
        (self.outbox.waiting(), self.outbox.handed_over())
    }

    /// Messages to phones on their way.
    #[must_use]
    pub const fn queued(&self) -> usize {
        self.queued
    }

    fn arrive_at_phone(&mut self, message: Underway) {
        let Underway { id, ref submission, .. } = message;
        let phone = submission.phone.clone();
        if message.expires_at.is_some_and(|at| at <= self.now) {
            self.counts.expired += 1;
            self.tell(&phone, What::Expired { id });
            return self.settle(&message, Fate::Expired);
        }
        if self.settings.faults.unreachable.strikes(&mut self.random) {
            return self.try_again(message);
        }
        if !submission.is_for_card() {
            // A text: the phone shows it to its user.
            self.tell(&phone, What::Delivered { id, report: 0 });
            return self.settle(&message, Fate::Delivered);
        }
        let tpdu = submission.to_deliver(self.moment(self.now));
        let centre = self.settings.service_centre.to_bytes();
        // As the toolkit has an address: without the number of digits (TS 102 223 clause 8.1).
        let centre = centre.get(1..).unwrap_or_default();
        let Some(Handled { report, sent }) = self.phones.switched_on(&phone, |on| on.deliver(centre, tpdu)) else {
            // It has left the network.
            return self.try_again(message);
        };
        match report {
            Some(report) => self.delivered(&message, report),
            None => self.try_again(message),
        }
        for message in sent {
            self.send_from_card(&phone, message);
        }
    }

    fn delivered(&mut self, message: &Underway, report: Vec<u8>) {
        let submission = &message.submission;
        self.counts.delivered += 1;
        self.tell(&submission.phone, What::Delivered { id: message.id, report: report.len() });
        if !report.is_empty() {
            self.counts.reports += 1;
            let report = ToPlatform::Message {
                phone: submission.phone.clone(),
                to: submission.originator.clone(),
                protocol: submission.protocol,
                coding: submission.coding,
                header: true,
                user_data: report,
            };
            self.send_to_platform(report);
        }
        self.settle(message, Fate::Delivered);
    }

    fn try_again(&mut self, message: Underway) {
        let phone = message.submission.phone.clone();
        self.counts.not_reached += 1;
        self.tell(&phone, What::NotReached { id: message.id });
        let tries_left = message.tries_left - 1;
        if tries_left > 0 {
            let left = message.expires_at.map_or(Duration::MAX, |at| at.saturating_sub(self.now));
            return self.send_to_phone(self.settings.retry_after.min(left), Underway { tries_left, ..message });
        }
        self.counts.given_up += 1;
        self.tell(&phone, What::GivenUp { id: message.id });
        self.settle(&message, Fate::GivenUp);
    }

    fn settle(&mut self, message: &Underway, fate: Fate) {
        let Underway { id, submission, taken_at, .. } = message;
        if !submission.receipt {
            return;
        }
        let (phone, to) = (submission.phone.clone(), submission.originator.clone());
        let times = [*taken_at, self.now].map(|at| self.moment(at));
        self.send_to_platform(ToPlatform::Receipt { id: *id, phone, to, fate, times });
    }

    fn send_from_card(&mut self, phone: &Address, message: Outgoing) {
        let Outgoing { destination: to, protocol, coding, header, user_data } = message;
        self.counts.sent_by_cards += 1;
        self.tell(phone, What::Sent { to: to.clone(), length: user_data.len() });
        let phone = phone.clone();
        self.send_to_platform(ToPlatform::Message { phone, to, protocol, coding, header, user_data });
    }

    fn send_to_platform(&mut self, what: ToPlatform) {
        for way in self.ways(what.phone()) {
            self.schedule(way, Arrival::AtPlatform(what.clone()));
        }
    }

    fn send_to_phone(&mut self, way: Duration, message: Underway) {
        self.queued += 1;
        self.schedule(way, Arrival::AtPhone(message.into()));
    }

    fn schedule(&mut self, way: Duration, arrival: Arrival) {
        self.scheduled += 1;
        self.on_the_way.push(Reverse(Scheduled { at: self.now + way, number: self.scheduled, arrival }));
    }

    /// When the copies of a message arrive.
    fn ways(&mut self, phone: &Address) -> Vec<Duration> {
        let ways = self.settings.faults.ways(&mut self.random);
        match ways.len() {
            0 => {
                self.counts.lost += 1;
                self.tell(phone, What::Lost);
            }
            1 => {}
            _ => {
                self.counts.repeated += 1;
                self.tell(phone, What::Repeated);
            }
        }
        ways
    }

    fn tell(&mut self, phone: &Address, what: What) {
        if let Some(happenings) = &mut self.happenings {
            happenings.push(Happening { at: self.now, phone: phone.clone(), what });
        }
    }

    fn moment(&self, at: Duration) -> Moment {
        moment_after(self.settings.start, at).unwrap_or(self.settings.start)
    }
}

impl PartialEq for Scheduled {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Scheduled {}

impl PartialOrd for Scheduled {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Scheduled {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.at, self.number).cmp(&(other.at, other.number))
    }
}

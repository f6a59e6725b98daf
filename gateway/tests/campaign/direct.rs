//! A carrier that delivers at once, and phones with cards in them.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use onecard_gateway::carrier::{Carrier, Delivery, Event, NoRoom, ShortMessage, Ticket};
use onecard_host::{
    over_the_air::message::{Deliver, ServiceCentreTime, UserData},
    transport::Transport,
};
use onecard_simulator::reader::Reader;

/// Sees a message as it leaves.
type LooksOn = Box<dyn FnMut(&ShortMessage)>;

/// Phones by number; what is lost is told by the test.
#[derive(Default)]
pub(crate) struct Direct {
    pub(crate) phones: BTreeMap<String, Reader>,
    pub(crate) room: usize,
    /// Asked for each message: whether it reaches the phone, and whether what comes back reaches the gateway.
    pub(crate) fate: Option<Box<dyn FnMut() -> (u8, bool)>>,
    /// Called as a message leaves, and as one is acknowledged.
    pub(crate) looks_on: Option<LooksOn>,
    pub(crate) on_acknowledge: Option<Box<dyn FnMut()>>,
    /// What the centre says instead of taking it, once.
    pub(crate) says_instead: VecDeque<fn(Ticket) -> Event>,
    events: VecDeque<Event>,
    delivery: u64,
    pub(crate) acknowledged: u64,
    pub(crate) sent: u64,
    /// For how long each message was of use.
    pub(crate) validities: Vec<Duration>,
}

impl Direct {
    /// A message that seems to come from a phone.
    pub(crate) fn forge(&mut self, phone: &str, user_data: Vec<u8>) {
        self.delivery += 1;
        let message = ShortMessage { phone: phone.parse().unwrap(), user_data };
        self.events.push_back(Event::Received { message, delivery: Delivery(self.delivery) });
    }

    fn deliver(&mut self, message: &ShortMessage) -> Option<Vec<u8>> {
        let phone = self.phones.get_mut(&message.phone.to_string())?;
        let part = UserData::parse(&message.user_data).unwrap();
        let tpdu = Deliver::download("10086".parse().unwrap(), ServiceCentreTime([0; 7]), part).to_bytes();
        let mut report = phone.transmit(&envelope(&tpdu)).unwrap();
        report.truncate(report.len() - 2);
        (!report.is_empty()).then_some(report)
    }
}

/// ENVELOPE (SMS-PP DOWNLOAD).
fn envelope(tpdu: &[u8]) -> Vec<u8> {
    let long = |bytes: &[u8]| match bytes.len() {
        short @ 0..=0x7F => vec![short as u8],
        length => vec![0x81, length as u8],
    };
    let body = [&[0x82, 0x02, 0x83, 0x81, 0x8B][..], &long(tpdu), tpdu].concat();
    let data = [&[0xD1][..], &long(&body), &body].concat();
    [&[0x80, 0xC2, 0x00, 0x00, data.len() as u8][..], &data].concat()
}

impl Carrier for Direct {
    fn room(&mut self) -> usize {
        self.room
    }

    fn submit(&mut self, ticket: Ticket, message: &ShortMessage, validity: Duration) -> Result<(), NoRoom> {
        self.sent += 1;
        self.validities.push(validity);
        if let Some(looks_on) = &mut self.looks_on {
            looks_on(message);
        }
        if let Some(says) = self.says_instead.pop_front() {
            self.events.push_back(says(ticket));
            return Ok(());
        }
        let (copies, comes_back) = self.fate.as_mut().map_or((1, true), |fate| fate());
        self.events.push_back(Event::Accepted { ticket, message_id: ticket.0.to_string() });
        for _ in 0..copies {
            if let Some(user_data) = self.deliver(message)
                && comes_back
            {
                self.delivery += 1;
                let message = ShortMessage { phone: message.phone.clone(), user_data };
                self.events.push_back(Event::Received { message, delivery: Delivery(self.delivery) });
            }
        }
        Ok(())
    }

    fn events(&mut self) -> Vec<Event> {
        self.events.drain(..).collect()
    }

    fn acknowledge(&mut self, delivery: Delivery) {
        self.acknowledged = delivery.0;
        if let Some(look) = &mut self.on_acknowledge {
            look();
        }
    }
}

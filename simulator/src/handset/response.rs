//! TERMINAL RESPONSEs and ENVELOPEs as the phone writes them (TS 102 223 clauses 6.8 and 7).

use std::time::Duration;

use onecard_wire::toolkit::{
    code::{BusyCause, Device, Event, GeneralResult},
    tag::{self, COMPREHENSION_REQUIRED},
};
use zeroize::Zeroizing;

use super::{proactive::Details, timer, tlv};

/// What became of a proactive command.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer {
    result: GeneralResult,
    additional: Vec<u8>,
    /// Data objects behind the result; a password may be in them.
    objects: Zeroizing<Vec<u8>>,
}

impl Answer {
    /// A result without more.
    #[must_use]
    pub fn new(result: GeneralResult) -> Self {
        Self { result, additional: Vec::new(), objects: Zeroizing::default() }
    }

    /// Busy, and why.
    #[must_use]
    pub fn busy(cause: BusyCause) -> Self {
        Self::new(GeneralResult::TERMINAL_BUSY).because(&[cause.0])
    }

    /// The same with additional information on the result (clause 8.12).
    #[must_use]
    pub fn because(mut self, additional: &[u8]) -> Self {
        self.additional = additional.to_vec();
        self
    }

    /// The same with one more data object, by its plain tag.
    #[must_use]
    pub fn with(mut self, tag: u8, value: &[u8]) -> Self {
        // Room for both first: a growing buffer would leave a password behind.
        let mut objects = Zeroizing::new(Vec::with_capacity(self.objects.len() + value.len() + 4));
        objects.extend_from_slice(&self.objects);
        tlv::push(&mut objects, tag | COMPREHENSION_REQUIRED, value);
        self.objects = objects;
        self
    }

    /// The result.
    #[must_use]
    pub const fn result(&self) -> GeneralResult {
        self.result
    }

    /// Its additional information.
    #[must_use]
    pub fn additional(&self) -> &[u8] {
        &self.additional
    }

    /// The data field of TERMINAL RESPONSE to the command with these details.
    #[must_use]
    pub fn to_bytes(&self, details: Details) -> Zeroizing<Vec<u8>> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(13 + self.additional.len() + self.objects.len()));
        let Details { number, kind, qualifier } = details;
        tlv::push(&mut bytes, tag::COMMAND_DETAILS | COMPREHENSION_REQUIRED, &[number, kind.0, qualifier]);
        push_devices(&mut bytes, Device::TERMINAL);
        let result = [&[self.result.0], self.additional.as_slice()].concat();
        tlv::push(&mut bytes, tag::RESULT | COMPREHENSION_REQUIRED, &result);
        bytes.extend_from_slice(&self.objects);
        bytes
    }
}

/// What the phone tells the card of its own accord.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Envelope {
    /// An item of the menu was chosen.
    MenuSelection {
        /// Its identifier.
        item: u8,
        /// Help was asked for, and nothing chosen.
        help: bool,
    },
    /// A timer ran out.
    TimerExpiration {
        /// Its identifier.
        id: u8,
        /// How long it has run, until now.
        elapsed: Duration,
    },
    /// The user chose another language.
    Language(String),
    /// An event that has no data of its own.
    Event(Event),
    /// A short message for the card.
    ShortMessage {
        /// Type of number and digits of the service centre.
        service_centre: Vec<u8>,
        /// SMS-DELIVER.
        tpdu: Vec<u8>,
    },
}

impl Envelope {
    /// What it is.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::MenuSelection { .. } => "MENU SELECTION",
            Self::TimerExpiration { .. } => "TIMER EXPIRATION",
            Self::Language(_) | Self::Event(_) => "EVENT DOWNLOAD",
            Self::ShortMessage { .. } => "SMS-PP DOWNLOAD",
        }
    }

    /// The data field of ENVELOPE.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut inside = Vec::new();
        let required = |tag| tag | COMPREHENSION_REQUIRED;
        let tag = match self {
            Self::MenuSelection { item, help } => {
                push_devices(&mut inside, Device::KEYPAD);
                tlv::push(&mut inside, required(tag::ITEM_IDENTIFIER), &[*item]);
                if *help {
                    tlv::push(&mut inside, tag::HELP_REQUEST, &[]);
                }
                tag::MENU_SELECTION
            }
            Self::TimerExpiration { id, elapsed } => {
                push_devices(&mut inside, Device::TERMINAL);
                tlv::push(&mut inside, required(tag::TIMER_IDENTIFIER), &[*id]);
                tlv::push(&mut inside, required(tag::TIMER_VALUE), &timer::value(*elapsed));
                tag::TIMER_EXPIRATION
            }
            Self::Language(language) => {
                push_event(&mut inside, Event::LANGUAGE_SELECTION, Device::TERMINAL);
                tlv::push(&mut inside, required(tag::LANGUAGE), language.as_bytes());
                tag::EVENT_DOWNLOAD
            }
            Self::Event(event) => {
                let source = if *event == Event::IDLE_SCREEN { Device::DISPLAY } else { Device::TERMINAL };
                push_event(&mut inside, *event, source);
                tag::EVENT_DOWNLOAD
            }
            Self::ShortMessage { service_centre, tpdu } => {
                push_devices(&mut inside, Device::NETWORK);
                tlv::push(&mut inside, tag::ADDRESS, service_centre);
                tlv::push(&mut inside, required(tag::SMS_TPDU), tpdu);
                tag::SMS_PP_DOWNLOAD
            }
        };
        let mut bytes = Vec::new();
        tlv::push(&mut bytes, tag, &inside);
        bytes
    }
}

fn push_event(into: &mut Vec<u8>, event: Event, source: Device) {
    tlv::push(into, tag::EVENT_LIST | COMPREHENSION_REQUIRED, &[event.0]);
    push_devices(into, source);
}

fn push_devices(into: &mut Vec<u8>, source: Device) {
    tlv::push(into, tag::DEVICE_IDENTITIES | COMPREHENSION_REQUIRED, &[source.0, Device::UICC.0]);
}

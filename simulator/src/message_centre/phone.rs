//! A phone that only carries short messages to its card and from it: nobody looks at its screen.

use onecard_host::{
    apdu::{Command, Response, exchange},
    over_the_air::message::Address,
};
use onecard_wire::{
    status::StatusWord,
    toolkit::{
        self, ENVELOPE, FETCH, SW1_PROACTIVE, TERMINAL_PROFILE, TERMINAL_RESPONSE, code::GeneralResult,
        facility::Facility,
    },
};

use crate::{
    chip::Chip,
    handset::{
        proactive::{Fetched, Order},
        response::{Answer, Envelope},
        short_message::Sent,
    },
    reader::{Interface, Reader},
};

/// What such a phone can do: no menu, no screen.
const FACILITIES: [Facility; 4] =
    [Facility::PROFILE_DOWNLOAD, Facility::SMS_PP_DOWNLOAD, Facility::SMS_PP_ERROR_DATA, Facility::SEND_SHORT_MESSAGE];
const PROFILE_LEN: usize = 20;
/// More proactive commands than this without end are a loop.
const COMMANDS_MAX: usize = 100;

/// A phone that is switched on.
#[derive(Debug)]
pub(super) struct Phone(Reader);

/// What became of a message at the phone.
#[derive(Debug)]
pub(super) struct Handled {
    /// What the delivery report carries; `None`: the phone could not give the message to its card, and it comes again.
    pub(super) report: Option<Vec<u8>>,
    /// What the card sent.
    pub(super) sent: Vec<Outgoing>,
}

/// SMS-SUBMIT, as far as the network reads it.
#[derive(Debug)]
pub(super) struct Outgoing {
    pub(super) destination: Address,
    pub(super) protocol: u8,
    pub(super) coding: u8,
    pub(super) header: bool,
    pub(super) user_data: Vec<u8>,
}

impl Outgoing {
    /// What a phone has sent; `None` if its destination is no number.
    pub(super) fn of(sent: &Sent) -> Option<Self> {
        let [first, _reference, _digits, kind, ..] = *sent.tpdu.as_slice() else { return None };
        let destination = Address::from_parts(kind >> 4 & 0x07, kind & 0x0F, &sent.submit.destination).ok()?;
        let (protocol, coding) = (sent.submit.protocol, sent.submit.coding);
        Some(Self { destination, protocol, coding, header: first & 0x40 != 0, user_data: sent.submit.user_data() })
    }
}

impl Phone {
    /// Switches a phone with that chip on. What the card sends at once is lost: it has no network yet.
    pub(super) fn switch_on(chip: Chip) -> Self {
        let mut phone = Self(Reader::insert_at(chip, Interface::Contact));
        let mut profile = [0; PROFILE_LEN];
        for facility in FACILITIES {
            facility.set_in(&mut profile);
        }
        if let Some(response) = phone.send(TERMINAL_PROFILE, &profile, false) {
            phone.serve(response.status, &mut Vec::new());
        }
        phone
    }

    /// Switches it off.
    pub(super) fn switch_off(self) -> Chip {
        self.0.remove()
    }

    /// Gives the card an SMS-DELIVER. A card that is silent is switched on anew for the next.
    pub(super) fn deliver(&mut self, service_centre: &[u8], tpdu: Vec<u8>) -> Handled {
        let envelope = Envelope::ShortMessage { service_centre: service_centre.to_vec(), tpdu };
        let mut sent = Vec::new();
        let Some(response) = self.send(ENVELOPE, &envelope.to_bytes(), true) else {
            self.0.tap();
            return Handled { report: None, sent };
        };
        self.serve(response.status, &mut sent);
        let taken = response.status.is_ok() || is_proactive(response.status);
        Handled { report: taken.then_some(response.data), sent }
    }

    /// Does what the card asks for: messages leave, everything else is beyond this phone.
    fn serve(&mut self, status: StatusWord, sent: &mut Vec<Outgoing>) {
        let mut status = status;
        for _ in 0..COMMANDS_MAX {
            let [SW1_PROACTIVE, length] = status.to_bytes() else { return };
            let fetch = Command::new(toolkit::CLA, FETCH, 0, 0).expecting(length);
            let fetched = exchange(&mut self.0, &fetch).ok().and_then(|response| Fetched::parse(&response.data).ok());
            let Some(fetched) = fetched else { return };
            let result = match &fetched {
                Fetched::Command { order: Order::SendShortMessage(message), .. } => match Sent::of(message) {
                    Ok(message) => {
                        sent.extend(Outgoing::of(&message));
                        GeneralResult::DONE
                    }
                    Err(_) => GeneralResult::DATA_NOT_UNDERSTOOD,
                },
                Fetched::Command { order: Order::MoreTime | Order::Refresh(_), .. } => GeneralResult::DONE,
                Fetched::Command { .. } => GeneralResult::BEYOND_CAPABILITIES,
                Fetched::Refused { result, .. } => *result,
            };
            let answer = Answer::new(result).to_bytes(fetched.details());
            let Some(response) = self.send(TERMINAL_RESPONSE, &answer, false) else { return };
            status = response.status;
        }
    }

    fn send(&mut self, ins: u8, data: &[u8], expecting: bool) -> Option<Response> {
        let command = Command::new(toolkit::CLA, ins, 0, 0).with_bytes(data).ok()?;
        let command = if expecting { command.expecting(0) } else { command };
        exchange(&mut self.0, &command).ok()
    }
}

fn is_proactive(status: StatusWord) -> bool {
    matches!(status.to_bytes(), [SW1_PROACTIVE, _])
}

//! A terminal asks by one interface what became of a transaction begun by the other: what it concludes stays true
//! (specification 15.3.2; attack: a second command held back until the question has been answered).

use onecard_host::transport::{Transport, TransportError};
use onecard_simulator::phone_slot::{Contacts, PhoneSlot};

use super::flows::{Flow, Heard, LOADED, PHONE, SOLD, Stand, balance_on};

/// Holds the command that moves money back, and lets it through when it is told to.
struct Relay<'c> {
    end: &'c mut Contacts,
    held: Option<Vec<u8>>,
}

impl Transport for Relay<'_> {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        let moves = matches!(command, [0x80, 0x52 | 0x54, ..]);
        if self.held.is_some() || moves {
            self.held.get_or_insert_with(|| command.to_vec());
            return Err(TransportError::NoAnswer);
        }
        self.end.transmit(command)
    }
}

#[test]
fn a_command_held_back_until_the_question_was_answered_does_nothing() {
    let mut asked = 0;
    for flow in PHONE.into_iter().filter(|flow| flow.moves) {
        let (slot, stand) = (Stand::shared().slot(), Stand::shared());
        let mut party = stand.party(0);
        let mut contacts = slot.contacts();
        contacts.reset();
        let mut relay = Relay { end: &mut contacts, held: None };
        assert_eq!((flow.run)(&mut party, &mut relay), Heard::Unknown, "{}", flow.name);
        let held = relay.held.unwrap();
        // The same order by radio: the card is asked, and then it is done.
        let mut field = slot.field();
        field.enter();
        let done = (flow.run)(&mut party, &mut field);
        let Heard::Committed(fen) = done else { panic!("{}: {done:?}", flow.name) };
        assert_eq!(contacts.transmit(&held).unwrap(), [0x69, 0x01], "{}", flow.name);
        assert_eq!(balance_on(&slot), i64::from(LOADED - SOLD) + fen, "{}", flow.name);
        asked += 1;
    }
    assert_eq!(asked, 3);
}

#[test]
fn the_answer_alone_ends_what_is_begun_elsewhere() {
    let purchase = PHONE.into_iter().find(|flow| flow.name.starts_with("purchase")).unwrap();
    let question = question();
    for (asks, ends) in [(&question[..], true), (&begun()[..], false)] {
        let (slot, held) = begun_by_contact(purchase);
        let mut field = slot.field();
        field.enter();
        field.transmit(&select()).unwrap();
        let answer = field.transmit(asks).unwrap();
        assert_eq!(answer[answer.len() - 2..], [0x90, 0x00]);
        let told = slot.contacts().transmit(&held).unwrap();
        let status = &told[told.len() - 2..];
        assert_eq!(status == [0x69, 0x01], ends, "{asks:02X?}: {status:02X?}");
        // What the radio began is overtaken by what the contacts completed, before its MAC is looked at.
        let second = field.transmit(&hex::decode("805401000F00000001202601010000000000000008").unwrap()).unwrap();
        assert_eq!(second, if ends { [0x93, 0x02] } else { [0x69, 0x01] });
    }
    // Asked of another application it ends nothing.
    let (slot, held) = begun_by_contact(purchase);
    let mut field = slot.field();
    field.enter();
    let mut other = select();
    other[18] ^= 3;
    field.transmit(&other).unwrap();
    field.transmit(&question).unwrap();
    let told = slot.contacts().transmit(&held).unwrap();
    assert_eq!(told[told.len() - 2..], [0x90, 0x00]);
}

fn begun_by_contact(flow: Flow) -> (PhoneSlot, Vec<u8>) {
    let (slot, stand) = (Stand::shared().slot(), Stand::shared());
    let mut contacts = slot.contacts();
    contacts.reset();
    let mut relay = Relay { end: &mut contacts, held: None };
    let _ = (flow.run)(&mut stand.party(0), &mut relay);
    let held = relay.held.unwrap();
    (slot, held)
}

fn select() -> Vec<u8> {
    hex::decode("00A404000EF04F4E454301100000000000000100").unwrap()
}

/// INITIALIZE FOR PURCHASE of nothing.
fn question() -> Vec<u8> {
    hex::decode("805001020B01000000000000000000090F").unwrap()
}

/// INITIALIZE FOR PURCHASE of a fen.
fn begun() -> Vec<u8> {
    hex::decode("805001020B01000000010000000000090F").unwrap()
}

//! Every pair of flows in every order of their commands.

use onecard_tests::interleaving::orders;

use onecard_host::transport::{Transport, TransportError};
use onecard_simulator::phone_slot::{Contacts, Field, PhoneSlot};

use super::flows::{Flow, Heard, LOADED, PHONE, Party, SOLD, Stand, TERMINALS, balance_on, sale_elsewhere};
use super::tears::together;

/// So many orders of a pair are all tried; beyond, those in which one comes in two pieces.
const ALL_ORDERS: u64 = 500;

#[test]
fn neither_disturbs_the_other_in_any_order() {
    let (mut runs, mut lost) = (0, 0);
    for phone in PHONE {
        for terminal in TERMINALS {
            let alone = [(phone, true), (terminal, false)].map(|(flow, by_contact)| {
                let stand = Stand::shared();
                stand.alone(flow, usize::from(!by_contact), &stand.slot(), by_contact)
            });
            for turns in orders(commands(phone, true), commands(terminal, false), ALL_ORDERS) {
                let (slot, [mut first, mut second], heard) = together(&turns, phone, terminal, None);
                runs += 1;
                let context = format!("{} with {}, {turns:?}", phone.name, terminal.name);
                if phone.moves && terminal.moves {
                    lost += judge_money(&slot, [(phone, &mut first), (terminal, &mut second)], heard, &context);
                } else {
                    assert_eq!(heard, alone, "{context}");
                }
            }
        }
    }
    println!("{runs} orders of {} pairs; {lost} transactions came second", PHONE.len() * TERMINALS.len());
    assert!(lost > 20);
}

/// Commands of a flow that nobody disturbs, counted at the chip.
pub(crate) fn commands(flow: Flow, by_contact: bool) -> usize {
    let stand = Stand::shared();
    let slot = stand.slot();
    let mut party = stand.party(usize::from(!by_contact));
    let mut counted = Counted { end: slot.field(), contacts: slot.contacts(), by_contact, commands: 0 };
    if by_contact {
        counted.contacts.reset()
    } else {
        counted.end.enter()
    }
    let _ = (flow.run)(&mut party, &mut counted);
    counted.commands
}

struct Counted {
    end: Field,
    contacts: Contacts,
    by_contact: bool,
    commands: usize,
}

impl Transport for Counted {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        self.commands += 1;
        if self.by_contact { self.contacts.transmit(command) } else { self.end.transmit(command) }
    }
}

/// The balance is what those who were told "committed" moved; whoever was told "unknown" hears the truth at the next tap, or
/// as soon as the card's next transaction has used the number. How many were not committed.
pub(crate) fn judge_money(slot: &PhoneSlot, parties: [(Flow, &mut Party); 2], heard: [Heard; 2], context: &str) -> u32 {
    let (mut moved, mut lost) = (0, 0);
    for ((flow, party), mut told) in parties.into_iter().zip(heard) {
        for tap in 0.. {
            if told != Heard::Unknown {
                break;
            }
            assert!(tap < 3, "{context}: {} stays unknown", flow.name);
            let mut field = slot.field();
            field.enter();
            if tap == 1 {
                // An unchanged number proves nothing of an undo (8.9.4).
                moved += sale_elsewhere(&mut field);
            }
            told = (flow.run)(party, &mut field);
        }
        match told {
            Heard::Committed(fen) => moved += fen,
            Heard::NotCommitted(_) => lost += 1,
            Heard::Answers(_) => {}
            other if flow.moves => panic!("{context}: {} heard {other:?}", flow.name),
            _ => {}
        }
    }
    assert_eq!(balance_on(slot), i64::from(LOADED - SOLD) + moved, "{context}");
    lost
}

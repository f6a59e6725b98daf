//! The power goes at every write of every pair of flows, and everybody comes again.

use onecard_host::transport::Transport;
use onecard_simulator::{
    phone_slot::PhoneSlot,
    tear::{Cut, Rest, Tear},
};
use onecard_tests::interleaving::{Turn, insertions, interleave};

use super::{
    flows::{Flow, Heard, PHONE, Party, Stand, TERMINALS},
    orders::{commands, judge_money},
};

/// The operation does not begin, it ends in the middle, with what was there erased, or it is whole.
fn tears() -> [Tear; 4] {
    [
        Tear::BEFORE,
        Tear { landed: 0x0000_FFFF_0F0F_5555, rest: Rest::Old },
        Tear { landed: 0x0000_0000_0000_FFFF, rest: Rest::Erased(0xFF) },
        Tear::AFTER,
    ]
}

#[test]
fn the_power_goes_at_every_write_of_every_pair() {
    let (mut cuts, mut unknown) = (0, 0);
    for phone in PHONE {
        for terminal in TERMINALS {
            let alone = [(phone, true), (terminal, false)].map(|(flow, by_contact)| {
                let stand = Stand::shared();
                stand.alone(flow, usize::from(!by_contact), &stand.slot(), by_contact)
            });
            for turns in insertions(commands(phone, true), commands(terminal, false)) {
                for operation in 0..operations(&turns, phone, terminal) {
                    for tear in tears() {
                        unknown += cut_and_come_again(&turns, [phone, terminal], &alone, Cut { operation, tear });
                        cuts += 1;
                    }
                }
            }
        }
    }
    println!("{cuts} cuts, {unknown} outcomes unknown until the next tap");
    assert!(cuts > 1_000 && unknown > 100);
}

/// Operations of the pair from the power-up on.
fn operations(turns: &[Turn], phone: Flow, terminal: Flow) -> u64 {
    let (slot, ..) = together(turns, phone, terminal, None);
    slot.with_chip(|chip| chip.operations())
}

fn cut_and_come_again(turns: &[Turn], [phone, terminal]: [Flow; 2], alone: &[Heard; 2], cut: Cut) -> u32 {
    let context = format!("{} with {}, {turns:?}, {cut:?}", phone.name, terminal.name);
    let (slot, [mut first, mut second], heard) = together(turns, phone, terminal, Some(cut));
    let unknown = heard.iter().filter(|heard| **heard == Heard::Unknown).count() as u32;
    // Whoever was interrupted comes again, as whoever waits at a till or starts a phone does.
    let again = [(phone, &mut first, true), (terminal, &mut second, false)].map(|(flow, party, by_contact)| {
        let heard = if by_contact {
            let mut contacts = slot.contacts();
            contacts.reset();
            (flow.run)(party, &mut contacts)
        } else {
            let mut field = slot.field();
            field.enter();
            (flow.run)(party, &mut field)
        };
        if !flow.moves {
            assert_eq!(&heard, &alone[usize::from(!by_contact)], "{context}");
        }
        heard
    });
    judge_money(&slot, [(phone, &mut first), (terminal, &mut second)], again, &context);
    unknown
}

/// Both at once, with the power cut there.
pub(crate) fn together(
    turns: &[Turn],
    phone: Flow,
    terminal: Flow,
    cut: Option<Cut>,
) -> (PhoneSlot, [Party; 2], [Heard; 2]) {
    let stand = Stand::shared();
    let (slot, mut parties) = (stand.slot(), [0, 1].map(|number| stand.party(number)));
    if let Some(cut) = cut {
        slot.with_chip(|chip| chip.cut_power_at(cut));
    }
    let (mut contacts, mut field) = (slot.contacts(), slot.field());
    contacts.reset();
    field.enter();
    let [first, second] = &mut parties;
    let heard = interleave(
        turns,
        (&mut contacts, move |end: &mut dyn Transport| (phone.run)(first, end)),
        (&mut field, move |end: &mut dyn Transport| (terminal.run)(second, end)),
    );
    (slot, parties, heard.into())
}

//! What a stranger near a phone can reach.

use onecard_host::{globalplatform::Aid, transport::Transport};
use onecard_wire::{aid, uicc::USIM_AID};

use super::flows::Stand;

#[test]
fn nothing_but_enterprise_applications_is_there_by_radio() {
    let slot = Stand::shared().slot();
    let (mut field, mut contacts) = (slot.field(), slot.contacts());
    field.enter();
    contacts.reset();
    let by_name = |name: &[u8]| [&[0x00, 0xA4, 0x04, 0x00, name.len() as u8][..], name, &[0x00]].concat();
    let names: [&[u8]; 6] = [
        Aid::ISSUER_DOMAIN.as_bytes(),
        &aid::ISSUER_DOMAIN_OLDER,
        &aid::TOOLKIT_APPLET,
        &USIM_AID,
        &aid::MF_NAME,
        // The part that all enterprises' names share.
        &aid::enterprise_application("1000000000000001".parse().unwrap())[..6],
    ];
    for name in names {
        assert_eq!(field.transmit(&by_name(name)).unwrap(), [0x6A, 0x82], "{name:02X?}");
    }
    // Every file there may be, with every way to select one.
    for fid in (0x0000..=0xFFFF_u16).step_by(0x11).chain([0x3F00, 0x2F00, 0x2FE2, 0x7F10, 0x7F20, 0x7FFF, 0x6F07]) {
        let [high, low] = fid.to_be_bytes();
        assert_eq!(field.transmit(&[0x00, 0xA4, 0x00, 0x00, 0x02, high, low]).unwrap(), [0x6A, 0x82], "{fid:04X}");
        assert_ne!(field.transmit(&[0x00, 0xA4, 0x00, 0x04, 0x02, high, low]).unwrap()[..1], [0x90], "{fid:04X}");
    }
    // No command of the SIM's does anything, selected or not, and no try of PIN1 is spent.
    let select = by_name(&aid::enterprise_application("1000000000000001".parse().unwrap()));
    let verify = [&[0x00, 0x20, 0x00, 0x01, 0x08][..], b"0000\xFF\xFF\xFF\xFF"].concat();
    let tries = contacts.transmit(&[0x00, 0x20, 0x00, 0x01, 0x00]).unwrap();
    for command in [
        &verify[..],
        &[0x80, 0x10, 0x00, 0x00, 0x01, 0xFF],
        &[0x80, 0xF2, 0x00, 0x00, 0x00],
        &[0x00, 0x70, 0x00, 0x00, 0x01],
        &[0xA0, 0xA4, 0x00, 0x00, 0x02, 0x3F, 0x00],
        &[0x80, 0x50, 0x30, 0x00, 0x08, 1, 2, 3, 4, 5, 6, 7, 8, 0x00],
        &[0x80, 0xCA, 0x9F, 0x7F, 0x00],
        &[0x80, 0xE0, 0x00, 0x01, 0x07, 0xA8, 0x00, 0x1E, 0xF0, 0xF0, 0xFF, 0xFF],
        &[0x80, 0x0E, 0x00, 0x00, 0x00],
    ] {
        for selected in [false, true] {
            field.enter();
            if selected {
                field.transmit(&select).unwrap();
            }
            let answer = field.transmit(command).unwrap();
            assert!(answer.len() == 2 && !matches!(answer[0], 0x90 | 0x91 | 0x61), "{command:02X?}: {answer:02X?}");
        }
    }
    assert_eq!(contacts.transmit(&[0x00, 0x20, 0x00, 0x01, 0x00]).unwrap(), tries);
}

#[test]
fn the_identifier_is_another_one_in_each_field() {
    let slot = Stand::shared().slot();
    let mut field = slot.field();
    let mut seen = std::collections::HashSet::new();
    for _ in 0..50 {
        field.enter();
        let identifier = field.identifier();
        assert_eq!(identifier[0], 0x08);
        assert!(seen.insert(identifier));
        field.leave();
    }
}

#[test]
fn a_field_that_goes_ends_the_radio_session_alone() {
    let slot = Stand::shared().slot();
    let (mut field, mut contacts) = (slot.field(), slot.contacts());
    contacts.reset();
    field.enter();
    contacts.transmit(&[0x00, 0xA4, 0x00, 0x0C, 0x02, 0x2F, 0xE2]).unwrap();
    let select =
        [&[0x00, 0xA4, 0x04, 0x00, 14][..], &aid::enterprise_application("1000000000000001".parse().unwrap()), &[0]];
    field.transmit(&select.concat()).unwrap();
    let balance = [0x80, 0x5C, 0x00, 0x02, 0x04];
    assert!(field.transmit(&balance).unwrap().ends_with(&[0x90, 0x00]));
    field.leave();
    assert!(field.transmit(&balance).is_err());
    field.enter();
    assert_eq!(field.transmit(&balance).unwrap(), [0x69, 0x85], "the selection is gone");
    let number = contacts.transmit(&[0x00, 0xB0, 0x00, 0x00, 0x0A]).unwrap();
    assert!(number.ends_with(&[0x90, 0x00]), "the phone's is not");
    // With neither, everything is.
    field.leave();
    contacts.power_off();
    contacts.reset();
    assert_ne!(contacts.transmit(&[0x00, 0xB0, 0x00, 0x00, 0x0A]).unwrap().last_chunk(), Some(&[0x90, 0x00]));
}

//! 19.1.4, 19.3: proofs by short message, in parts, and on phones that cannot send.

use hex_literal::hex;

use crate::{
    image::{card_with, onto, store},
    phone::{ALL, Fetched, Phone},
    platform::{
        FILES_USIM, ORIGINATOR, Platform, answers, deliver, envelope, object, objects, parts, script, sim, tpdu,
        without_applications,
    },
    sim::Sim,
};

const SELECT_SMS: &[u8] = &hex!("00A4000C026F3C");
const READ_SMS: &[u8] = &hex!("00B20104B0");
/// By SMS-SUBMIT, with checksum, enciphered.
const BY_SUBMIT: [u8; 2] = hex!("1639");

fn boot() -> Phone {
    Phone::boot(sim(), &ALL, *b"en")
}

/// Delivers a packet; what is to be fetched then.
fn send(phone: &mut Phone, packet: &[u8]) -> Option<Fetched> {
    for part in parts(packet, 0x33) {
        assert_eq!(phone.send(&envelope(&tpdu(&part))).len(), 2);
    }
    phone.fetch()
}

/// The message's user data, header and all; what is around it is checked.
fn user_data(command: &Fetched) -> Vec<u8> {
    assert_eq!((command.kind, command.qualifier, command.value(0x05)), (0x13, 0x00, &[][..]), "shown to nobody");
    let head = [&hex!("4100")[..], &ORIGINATOR, &hex!("7FF6")].concat();
    let rest = command.value(0x0B).strip_prefix(&head[..]).unwrap();
    assert_eq!((rest[0] as usize, rest[0] <= 140), (rest.len() - 1, true));
    rest[1..].to_vec()
}

#[test]
fn a_proof_by_short_message() {
    for mut platform in Platform::all() {
        let mut phone = boot();
        let packet = platform.next(BY_SUBMIT, FILES_USIM, &script(&[SELECT_SMS]));
        let sent = send(&mut phone, &packet).unwrap();
        assert!(!sent.has(0x06), "the phone's own service centre");
        let proof = platform.read(BY_SUBMIT[1], &user_data(&sent));
        assert_eq!((proof.status, proof.counter), (0x00, platform.counter));
        assert_eq!(answers(&proof.data), [hex!("9000")]);
        // It is sent once, whatever becomes of it.
        phone.respond(&sent, &crate::phone::Act::Result(0x21, &[0x00]));
        assert!(phone.fetch().is_none());
        // The same packet again makes the phone send nothing.
        for part in parts(&packet, 0) {
            let report = phone.sim.ok(&envelope(&tpdu(&part)));
            assert_eq!(platform.read(BY_SUBMIT[1], &report).status, 0x02);
        }
        let mut wrong = packet;
        wrong[30] ^= 1;
        assert_eq!(platform.read(0x01, &deliver(&mut phone.sim, &wrong)).status, 0x01);
        assert!(phone.fetch().is_none());
    }
}

#[test]
fn through_the_service_centre_of_the_command() {
    let mut platform = Platform::new(1);
    let mut phone = boot();
    let packet = platform.next(BY_SUBMIT, FILES_USIM, &[]);
    let body = [&hex!("82028381 8606 916831080020")[..], &object(0x8B, &tpdu(&parts(&packet, 0)[0]))].concat();
    phone.envelope(&object(0xD1, &body));
    let sent = phone.fetch().unwrap();
    assert_eq!(sent.value(0x06), hex!("916831080020"));
    assert_eq!(platform.read(BY_SUBMIT[1], &user_data(&sent)).data, hex!("00 9000"));
}

/// Three records of 176 bytes go in five messages; whatever the phone answers, the next one follows.
#[test]
fn a_long_proof_goes_in_parts() {
    for mut platform in Platform::all() {
        for results in [[0x00; 5], [0x00, 0x35, 0x00, 0x20, 0x00]] {
            let mut phone = boot();
            let packet = platform.next(BY_SUBMIT, FILES_USIM, &script(&[SELECT_SMS, READ_SMS, READ_SMS, READ_SMS]));
            let mut sent = send(&mut phone, &packet);
            let (mut whole, mut count) = (hex!("027100").to_vec(), 0);
            while let Some(command) = sent {
                let data = user_data(&command);
                let reference = platform.counter as u8;
                count += 1;
                let header: &[u8] =
                    if count == 1 { &[7, 0, 3, reference, 5, 1, 0x71, 0] } else { &[5, 0, 3, reference, 5, count] };
                whole.extend(data.strip_prefix(header).unwrap());
                assert_eq!(phone.sim.send(&envelope(&tpdu(&parts(&packet, 0)[0]))), hex!("9300"));
                phone.respond(&command, &crate::phone::Act::Result(results[count as usize - 1], &[0x00]));
                sent = phone.fetch();
            }
            assert_eq!(count, 5);
            let proof = platform.read(BY_SUBMIT[1], &whole);
            let answered = answers(&proof.data);
            assert!(answered.len() == 4 && answered[1..].iter().all(|answer| answer.len() == 178));
        }
    }
}

/// One byte more than one message has needs two; the longest proof is eight, and what is longer loses an answer.
#[test]
fn the_longest_proof() {
    let mut platform = Platform::new(1);
    let mut phone = boot();
    let packet = platform.next(hex!("1629"), FILES_USIM, &script(&[&[SELECT_SMS][..], &[READ_SMS; 7]].concat()));
    let mut sent = send(&mut phone, &packet);
    let (mut whole, mut count) = (hex!("027100").to_vec(), 0);
    while let Some(command) = sent {
        count += 1;
        whole.extend(&user_data(&command)[if count == 1 { 8 } else { 6 }..]);
        phone.respond(&command, &crate::phone::OK);
        sent = phone.fetch();
    }
    let answered = answers(&platform.read(0x29, &whole).data);
    assert!(count <= 8);
    assert_eq!((answered.len(), &answered.last().unwrap()[..]), (7, &hex!("62F1")[..]), "{count}");
}

/// No SEND SHORT MESSAGE in the profile, or no profile at all: into the report.
#[test]
fn a_phone_that_cannot_send() {
    let mut platform = Platform::new(1);
    let mut profile = ALL;
    profile[3] &= !0x02;
    for with_profile in [false, true] {
        let mut phone = Phone::off(sim(), *b"en");
        if with_profile {
            phone.profile(&profile);
            phone.serve();
        }
        let packet = platform.next(BY_SUBMIT, FILES_USIM, &script(&[SELECT_SMS, READ_SMS]));
        let report = deliver(&mut phone.sim, &packet);
        let proof = platform.read(BY_SUBMIT[1], &report);
        assert_eq!(answers(&proof.data), [hex!("9000").to_vec(), hex!("62F1").to_vec()], "a report holds no more");
    }
}

/// The dialogue with the user and a proof do not meet: an ENVELOPE waits until nothing is outstanding.
#[test]
fn a_menu_that_is_open() {
    let chip = onto(without_applications(), &card_with(1));
    let mut phone = Phone::boot(Sim::insert(chip), &ALL, *b"en");
    let menu = phone.open();
    let mut platform = Platform::new(1);
    let packet = platform.next(BY_SUBMIT, FILES_USIM, &[]);
    let command = envelope(&tpdu(&parts(&packet, 0)[0]));
    assert_eq!(phone.send(&command), hex!("9300"));
    phone.respond(&menu, &crate::phone::CANCEL);
    assert!(phone.serve().is_none());
    assert_eq!(phone.send(&command)[0], 0x91);
    let sent = phone.fetch().unwrap();
    assert_eq!(platform.read(BY_SUBMIT[1], &user_data(&sent)).status, 0x00);
    phone.respond(&sent, &crate::phone::OK);
    assert_eq!(phone.open().line(), menu.line());
}

/// A reset of the contacts takes a proof that is not sent yet; the platform asks.
#[test]
fn a_reset_takes_what_is_not_sent() {
    let mut platform = Platform::new(1);
    let mut phone = boot();
    assert!(send(&mut phone, &platform.next(BY_SUBMIT, FILES_USIM, &[])).is_some());
    phone.sim.reset();
    phone.profile(&ALL);
    assert!(phone.serve().is_none());
    let report = deliver(&mut phone.sim, &platform.packet(hex!("1619"), FILES_USIM, &[]));
    assert_eq!(platform.read(0x19, &report).status, 0x02, "it was executed");
    assert_eq!(store(&mut phone.sim, &hex!("5005 01 16")), 0x9000);
    assert!(objects(&hex!("0100")).len() == 1);
}

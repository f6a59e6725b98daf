//! Eight personalised applications side by side, and no ninth; what INSTALL and DELETE refuse.

use hex_literal::hex;

use super::{
    applications::{CONTROL, DELETE, INSTALL, fields, install, install_data, listed, name, named, select},
    host::{Login, protected},
    sim::Sim,
};

/// Type, id and the two bytes behind the rights, of every key of an application but the control key.
const KEYS: [(u8, u8, [u8; 2]); 17] = [
    (0xF9, 0x01, [0x01, 0xFF]),
    (0x3A, 0x00, [0x02, 0x33]),
    (0xF6, 0x00, [0xFF, 0xFF]),
    (0xF6, 0x02, [0xFF, 0xFF]),
    (0xF6, 0x03, [0xFF, 0xFF]),
    (0xF7, 0x00, [0xFF, 0xFF]),
    (0xF8, 0x00, [0xFF, 0xFF]),
    (0xF4, 0x00, [0x01, 0x00]),
    (0xFE, 0x01, [0x01, 0x00]),
    (0xFF, 0x01, [0x01, 0x00]),
    (0xFF, 0x11, [0x01, 0x00]),
    (0xFD, 0x01, [0x01, 0x00]),
    (0xFD, 0x02, [0x01, 0x00]),
    (0xFC, 0x01, [0x01, 0x00]),
    (0xF3, 0x01, [0x01, 0x00]),
    (0xF0, 0x01, [0x01, 0x00]),
    (0xF0, 0x02, [0x01, 0x00]),
];

/// A value nobody else has.
pub fn value(number: u8, place: usize) -> [u8; 16] {
    let mut value = [0xE0 | number; 16];
    value[15] = place as u8;
    value
}

/// Every key, the control key washed, and EF 0015, written by radio as at a station.
pub fn personalise(sim: &mut Sim, number: u8) {
    assert!(sim.radio(&select(number)).ends_with(&hex!("9000")));
    for (place, (key_type, id, attributes)) in KEYS.into_iter().enumerate() {
        let value = value(number, place);
        let value = if key_type == 0x3A { &hex!("123456")[..] } else { &value };
        let record = [&[key_type, 0xF0, 0xF0][..], &attributes, value].concat();
        let command = protected(sim, &CONTROL, [0x84, 0xD4, 0x01, id], &record, true);
        assert_eq!(sim.radio(&command), hex!("9000"), "key {key_type:02X} {id:02X}");
    }
    let mut public = [0; 30];
    (public[8], public[9], public[19]) = (0x03, 0x02, number);
    public[20..28].copy_from_slice(&hex!("2026010120351231"));
    let command = protected(sim, &value(number, 2), hex!("04D69500"), &public, false);
    assert_eq!(sim.radio(&command), hex!("9000"));
}

#[test]
fn eight_personalised_applications_fit() {
    let mut sim = Sim::new();
    let mut host = Login::SCP03.open(&mut sim);
    for number in 1..=8 {
        install(&mut sim, &mut host, number);
        personalise(&mut sim, number);
    }
    // The ninth does not fit, and leaves nothing.
    let resources = host.ok(&mut sim, hex!("80CAFF21"), &[]);
    let ninth = install_data(&host, 9, 0x00, &[0x99; 16]);
    assert_eq!(host.status(&mut sim, INSTALL, &ninth), 0x6A84);
    assert!(!sim.remembers(&[0x99; 16]));
    assert_eq!(host.ok(&mut sim, hex!("80CAFF21"), &[]), resources);
    assert_eq!(listed(&mut sim, &mut host).len(), 8);

    let mut sim = sim.power_cycled();
    for number in 1..=8 {
        let fci = sim.radio(&select(number));
        assert_eq!((fci.len(), fci[42]), (55, number));
        // The wallet is alive: nothing to pay with.
        assert_eq!(sim.radio(&hex!("805001020B 01 00000001 000000000001 00")), hex!("9401"));
        assert!(sim.radio(&hex!("805001020B 01 00000000 000000000001 00")).ends_with(&hex!("9000")));
    }
    sim.leave_field();
    // One goes with all its keys, and another fits.
    let mut host = Login::SCP03.open(&mut sim);
    host.ok(&mut sim, DELETE, &named(&name(3)));
    assert!((0..KEYS.len()).filter(|place| *place != 1).all(|place| !sim.remembers(&value(3, place))));
    assert!((0..KEYS.len()).filter(|place| *place != 1).all(|place| sim.remembers(&value(4, place))));
    install(&mut sim, &mut host, 9);
    personalise(&mut sim, 9);
    assert!(sim.radio(&select(4)).ends_with(&hex!("9000")));
}

#[test]
fn a_deleted_applications_place_is_another_ones_clean() {
    let mut sim = Sim::new();
    let mut host = Login::SCP03.open(&mut sim);
    for _ in 0..4 {
        install(&mut sim, &mut host, 1);
        personalise(&mut sim, 1);
        sim.leave_field();
        host.ok(&mut sim, DELETE, &named(&name(1)));
        assert!(!sim.remembers(&CONTROL) && !sim.remembers(&name(1)));
    }
    install(&mut sim, &mut host, 1);
    let fci = sim.radio(&select(1));
    assert_eq!(fci[23..53], [0; 30]);
    assert_eq!(sim.radio(&hex!("805C000204")), hex!("00000000 9000"));
}

#[test]
fn install_refuses() {
    let mut sim = Sim::new();
    let mut host = Login::SCP03.open(&mut sim);
    let right = install_data(&host, 1, 0x00, &CONTROL);
    let load_file = hex!("F04F4E454300");
    let module = hex!("F04F4E454301");
    let parameters = right[right.len() - 23..right.len() - 1].to_vec();
    let mut wrong_value = parameters.clone();
    *wrong_value.last_mut().unwrap() ^= 1;
    let mut other_algorithm = parameters.clone();
    other_algorithm[2] = 0x05;
    let with = |application: &[u8], privileges: &[u8], parameters: &[u8], token: &[u8]| {
        fields(&[&load_file, &module, application, privileges, parameters, token])
    };
    let mut not_decimal = name(1);
    not_decimal[10] = 0x0A;
    let more = [&parameters[..], &hex!("EF00")].concat();
    let cases = [
        (fields(&[&hex!("F04F4E454302"), &module, &name(1), &[0], &parameters, &[]]), 0x6A88),
        (fields(&[&load_file, &load_file, &name(1), &[0], &parameters, &[]]), 0x6A88),
        (with(&hex!("F04F4E454311"), &[0], &parameters, &[]), 0x6A80),
        (with(&hex!("A000000151000000"), &[0], &parameters, &[]), 0x6A80),
        (with(&not_decimal, &[0], &parameters, &[]), 0x6A80),
        (with(&name(1)[..13], &[0], &parameters, &[]), 0x6A80),
        (with(&name(1), &[0x04], &parameters, &[]), 0x6A80),
        (with(&name(1), &hex!("000100"), &parameters, &[]), 0x6A80),
        (with(&name(1), &[], &parameters, &[]), 0x6A80),
        (with(&name(1), &[0], &hex!("C900"), &[]), 0x6A80),
        (with(&name(1), &[0], &[], &[]), 0x6A80),
        (with(&name(1), &[0], &more, &[]), 0x6A80),
        (with(&name(1), &[0], &other_algorithm, &[]), 0x6A80),
        (with(&name(1), &[0], &wrong_value, &[]), 0x6982),
        (with(&name(1), &[0], &parameters, &[1]), 0x6A80),
        (right[..right.len() - 1].to_vec(), 0x6A80),
        ([&right[..], &[0]].concat(), 0x6A80),
        (vec![], 0x6A80),
    ];
    for (data, status) in &cases {
        assert_eq!(host.status(&mut sim, INSTALL, data), *status, "{data:02X?}");
        assert_eq!(listed(&mut sim, &mut host), []);
    }
    for header in
        [hex!("80E60200"), hex!("80E61000"), hex!("80E64000"), hex!("80E68C00"), hex!("80E60C01"), hex!("80E60000")]
    {
        assert_eq!(host.status(&mut sim, header, &right), 0x6A86);
    }
    let parameterless = with(&name(1), &hex!("000000"), &parameters, &[]);
    assert_eq!(host.ok(&mut sim, INSTALL, &parameterless), [0]);
    assert_eq!(host.status(&mut sim, INSTALL, &right), 0x6A80, "the name is taken");
    for (data, status) in [
        (&named(&name(2))[..], 0x6A88),
        (&named(&hex!("F04F4E454300")), 0x6985),
        (&named(&hex!("F04F4E454311")), 0x6985),
        (&named(&hex!("A000000151000000")), 0x6985),
        (&hex!("4F05F04F4E4543"), 0x6A88),
        (&[&named(&name(1))[..], &hex!("9E0101")].concat(), 0x6A80),
    ] {
        assert_eq!(host.status(&mut sim, DELETE, data), status, "{data:02X?}");
    }
    assert_eq!(host.status(&mut sim, hex!("80E40040"), &named(&name(1))), 0x6A86);
    assert_eq!(host.ok(&mut sim, hex!("80E40080"), &named(&name(1))), [0]);
}

#[test]
fn control_keys_of_every_cipher() {
    for (algorithm, file_byte) in [(0x00, 0xFF), (0x01, 0xFF), (0x04, 0x04), (0x06, 0x06)] {
        let mut sim = Sim::new();
        let mut host = Login::SCP03.open(&mut sim);
        let data = install_data(&host, 1, algorithm, &CONTROL);
        host.ok(&mut sim, INSTALL, &data);
        sim.radio(&select(1));
        let listed = [&hex!("E007C005390000")[..], &[file_byte], &hex!("FF9000")].concat();
        assert_eq!(sim.radio(&hex!("80CA00E000")), listed);
    }
}

/// An application that another channel has selected is not deleted; the one that manages it goes on.
#[test]
fn an_application_in_use_stays() {
    let mut sim = Sim::new();
    let mut host = Login::SCP03.open(&mut sim);
    install(&mut sim, &mut host, 1);
    sim.ok(&hex!("0070000001"));
    let mut on_second = select(1);
    on_second[0] |= 1;
    sim.ok(&on_second);
    assert_eq!(host.status(&mut sim, DELETE, &named(&name(1))), 0x6985);
    sim.ok(&hex!("00708001"));
    assert_eq!(host.ok(&mut sim, DELETE, &named(&name(1))), [0]);
}

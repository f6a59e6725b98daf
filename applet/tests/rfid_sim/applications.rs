//! INSTALL, GET STATUS, DELETE: enterprise applications come and go.

use hex_literal::hex;

use super::{
    host::{Host, Login, aes_check_value, des_check_value, sm4_check_value},
    sim::Sim,
};

pub const LIST: [u8; 4] = hex!("80F24002");
pub const INSTALL: [u8; 4] = hex!("80E60C00");
pub const DELETE: [u8; 4] = hex!("80E40000");
pub const CONTROL: [u8; 16] = hex!("C0C1C2C3C4C5C6C7C8C9CACBCCCDCECF");

/// Name of the enterprise with this number.
pub fn name(number: u8) -> [u8; 14] {
    let mut name = hex!("F04F4E4543 01 1000000000000000");
    name[13] = number;
    name
}

pub fn select(number: u8) -> Vec<u8> {
    [&hex!("00A404000E")[..], &name(number), &[0]].concat()
}

/// The data field of an INSTALL with a control key of this algorithm.
pub fn install_data(host: &Host, number: u8, algorithm: u8, key: &[u8; 16]) -> Vec<u8> {
    let check_value = match algorithm {
        0x04 => sm4_check_value(key),
        0x06 => aes_check_value(key),
        _ => des_check_value(key),
    };
    let parameters = [&[0xC9, 0x14, algorithm][..], &host.sensitive(key), &check_value].concat();
    fields(&[&hex!("F04F4E454300"), &hex!("F04F4E454301"), &name(number), &[0], &parameters, &[]])
}

pub fn fields(fields: &[&[u8]]) -> Vec<u8> {
    fields.iter().flat_map(|field| [&[field.len() as u8], *field].concat()).collect()
}

pub fn install(sim: &mut Sim, host: &mut Host, number: u8) {
    let data = install_data(host, number, 0x00, &CONTROL);
    assert_eq!(host.ok(sim, INSTALL, &data), [0x00]);
}

pub fn named(name: &[u8]) -> Vec<u8> {
    [&[0x4F, name.len() as u8], name].concat()
}

/// Names of the enterprise applications that GET STATUS lists, and their life cycles.
pub fn listed(sim: &mut Sim, host: &mut Host) -> Vec<(u8, u8)> {
    let mut found = Vec::new();
    let mut command = LIST;
    loop {
        let (answer, status) = host.send(sim, command, &hex!("4F06F04F4E454301 5C034F9F70"));
        for entry in answer.chunks(22) {
            if status == 0x6A88 {
                return found;
            }
            assert_eq!((&entry[..4], &entry[18..21]), (&hex!("E3144F0E")[..], &hex!("9F7001")[..]));
            found.push((entry[17], entry[21]));
        }
        command[3] = 0x03;
        match status {
            0x6310 => {}
            0x9000 | 0x6A88 => return found,
            other => panic!("{other:04X}"),
        }
    }
}

#[test]
fn an_application_is_installed_selected_and_deleted() {
    for login in [Login::SCP03, Login::SCP02] {
        let mut sim = Sim::new();
        let mut host = login.open(&mut sim);
        assert_eq!(listed(&mut sim, &mut host), []);
        install(&mut sim, &mut host, 0x01);
        assert_eq!(listed(&mut sim, &mut host), [(0x01, 0x07)]);

        // EF 0015 of zeros in the FCI, on both interfaces.
        let fci = [&hex!("6F33840E")[..], &name(0x01), &hex!("A5219F0C1E"), &[0; 30], &hex!("9000")].concat();
        assert_eq!(sim.radio(&select(0x01)), fci);
        // Its serial is not there yet.
        assert_eq!(sim.radio(&hex!("805000020B0100000001000000000001")), hex!("6985"));
        assert_eq!(sim.radio(&hex!("80CA00E000")), hex!("E007 C005 39 00 00 FF FF 9000"));

        let delete = named(&name(0x01));
        assert_eq!(host.status(&mut sim, DELETE, &delete), 0x6985, "the radio has it");
        sim.leave_field();
        assert_eq!(host.ok(&mut sim, DELETE, &delete), [0x00]);
        assert_eq!(listed(&mut sim, &mut host), []);
        assert_eq!(sim.radio(&select(0x01)), hex!("6A82"));
        assert!(!sim.remembers(&CONTROL));
        let mut sim = sim.power_cycled();
        assert_eq!(sim.radio(&select(0x01)), hex!("6A82"));
    }
}

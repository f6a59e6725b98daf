//! The card's half of the published vectors of card management: commands that hosts send are understood, and what they name is
//! not there.

use onecard_vectors::{Vectors, card_management::ManagementCommand};

use super::{
    applications::{install, listed},
    host::Login,
    sim::Sim,
};

/// The answer to a command for a card that has none of what it names.
fn expected(command: &ManagementCommand) -> u16 {
    let [_, ins, p1, p2] = command.header();
    match (ins, p1, p2) {
        // Tokens are not asked for, and none is taken.
        (0xE4, _, _) if command.token.is_some() => 0x6A80,
        (0xE4, _, _) => 0x6A88,
        // GET STATUS that goes on with nothing; the domain has no such name.
        (0xF2, _, 0x01 | 0x03) => 0x6985,
        (0xF2, _, _) if command.aid.as_ref().is_some_and(Vec::is_empty) => 0x9000,
        (0xF2 | 0xF0, _, _) => 0x6A88,
        // For load, and with more behind it.
        (0xE6, 0x02, _) => 0x6A86,
        (0xE6, 0x04, _) if command.fields.last().is_some_and(|token| !token.is_empty()) => 0x6A80,
        (0xE6, _, _) => 0x6A88,
        _ => panic!("{:02X?}", command.apdu),
    }
}

#[test]
fn commands_of_other_hosts_are_understood() {
    for login in [Login::SCP03, Login { level: 0x01, ..Login::SCP02 }] {
        let mut sim = Sim::new();
        let mut host = login.open(&mut sim);
        install(&mut sim, &mut host, 1);
        let vectors = Vectors::embedded().unwrap().gp_command;
        assert!(vectors.len() > 15);
        for vector in vectors {
            let command = &vector.body;
            let (_, status) = host.send(&mut sim, command.header(), command.data());
            assert_eq!(status, expected(command), "{}", vector.name);
            assert_eq!(listed(&mut sim, &mut host), [(1, 0x07)], "{}", vector.name);
        }
    }
}

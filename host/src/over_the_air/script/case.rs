//! Which commands carry data: what P3 is in the compact format (specification 19.5.1).

use onecard_wire::ins;

use crate::over_the_air::Tar;

/// P1 and P2 of GET DATA that lists applications, and has data (15.4.7).
const APPLICATIONS: [u8; 2] = [0x2F, 0x00];

/// Whether the receiver of `tar` takes P3 of a command as Lc; `None` for a receiver that is not of 19.4.
pub(super) const fn carries_data(tar: Tar, [cla, ins, p1, p2]: [u8; 4]) -> Option<bool> {
    // A MAC is data: under line protection every command carries some.
    let in_clear = cla & ins::CLA_SM_BIT == 0;
    let expects = match (tar, ins) {
        (_, ins::GET_RESPONSE) => true,
        (Tar::ISSUER_DOMAIN, ins::GET_DATA) => p1 != APPLICATIONS[0] || p2 != APPLICATIONS[1],
        (Tar::ENTERPRISE, ins::GET_DATA | ins::GET_BALANCE | ins::GET_CHALLENGE) => in_clear,
        (Tar([0xB0, 0x00, _]), ins::STATUS) => true,
        (Tar([0xB0, 0x00, _]) | Tar::ENTERPRISE, ins::READ_BINARY | ins::READ_RECORD) => in_clear,
        (Tar([0xB0, 0x00, _]) | Tar::ENTERPRISE | Tar::ISSUER_DOMAIN, _) => false,
        _ => return None,
    };
    Some(!expects)
}

//! INSTALL, DELETE, PUT KEY cut everywhere: old or new, no half, and no key byte of what is gone.

use hex_literal::hex;

use super::{
    applications::{CONTROL, DELETE, INSTALL, install, install_data, listed, name, named, select},
    chip::tear::sweep,
    host::Login,
    key_sets::{NEW_LOGIN, set},
    sim::{DEK, ENC, MAC, Sim, blank},
};

/// The application and its key, whole, or neither, and as much free memory as before it.
fn look(sim: &mut Sim) -> (Vec<(u8, u8)>, [Vec<u8>; 3]) {
    let selected = sim.radio(&select(1));
    let keys = sim.radio(&hex!("80CA00E000"));
    let log = sim.radio(&hex!("00B201E410"));
    sim.leave_field();
    let mut host = Login::SCP02.open(sim);
    let listed = listed(sim, &mut host);
    let resources = host.ok(sim, hex!("80CAFF21"), &[]);
    if listed.is_empty() {
        assert!(!sim.remembers(&CONTROL), "of an application that is not there");
        let again = install_data(&host, 1, 0x00, &CONTROL);
        assert_eq!(host.status(sim, INSTALL, &again), 0x9000);
        assert!(sim.radio(&select(1)).ends_with(&hex!("9000")));
        sim.leave_field();
    } else {
        assert_eq!(keys, hex!("E007 C005 39 00 00 FF FF 9000"));
        assert!(sim.remembers(&CONTROL));
    }
    (listed, [selected, log, resources])
}

#[test]
fn an_install() {
    sweep(&blank(), look, |sim: &mut Sim| {
        let Some(mut host) = Login::SCP03.try_open(sim) else { return false };
        let data = install_data(&host, 1, 0x00, &CONTROL);
        host.try_send(sim, INSTALL, &data).is_ok_and(|(_, status)| status == 0x9000)
    });
}

#[test]
fn a_delete() {
    let mut sim = Sim::new();
    let mut host = Login::SCP03.open(&mut sim);
    install(&mut sim, &mut host, 1);
    sweep(&sim.remove(), look, |sim: &mut Sim| {
        let Some(mut host) = Login::SCP03.try_open(sim) else { return false };
        host.try_send(sim, DELETE, &named(&name(1))).is_ok_and(|(_, status)| status == 0x9000)
    });
}

#[test]
fn a_lock_and_a_card_state() {
    let mut sim = Sim::new();
    let mut host = Login::SCP03.open(&mut sim);
    install(&mut sim, &mut host, 1);
    let look = |sim: &mut Sim| {
        let mut host = Login::SCP02.open(sim);
        (listed(sim, &mut host), host.ok(sim, hex!("80F28002"), &hex!("4F00")))
    };
    let chip = sim.remove();
    for (header, data) in [(hex!("80F04080"), &name(1)[..]), (hex!("80F08007"), &[])] {
        sweep(&chip, look, |sim: &mut Sim| {
            let Some(mut host) = Login::SCP03.try_open(sim) else { return false };
            host.try_send(sim, header, data).is_ok_and(|(_, status)| status == 0x9000)
        });
    }
}

/// Which keys open a session, and what of the others is in the memory.
fn which(sim: &mut Sim) -> (bool, bool) {
    let works = (Login::SCP03.works(sim), NEW_LOGIN.works(sim));
    assert!(works.0 || works.1 || Login::SCP02_OWN.works(sim));
    // New keys whose PUT KEY was cut short may stand in the journal; they are the operator's to put in again.
    for key in [ENC, MAC, DEK] {
        assert_eq!(sim.remembers(&key), works.0, "{key:02X?}");
    }
    works
}

#[test]
fn a_put_key_that_replaces() {
    sweep(&Sim::with_own_scp02(), which, |sim: &mut Sim| {
        let Some(mut host) = Login::SCP02_OWN.try_open(sim) else { return false };
        let data = set(&host, 0x30, 0x88, &[[0xA1; 16], [0xA2; 16], [0xA3; 16]]);
        host.try_send(sim, hex!("80D83081"), &data).is_ok_and(|(_, status)| status == 0x9000)
    });
}

#[test]
fn a_delete_of_keys() {
    sweep(&Sim::with_own_scp02(), which, |sim: &mut Sim| {
        let Some(mut host) = Login::SCP02_OWN.try_open(sim) else { return false };
        host.try_send(sim, hex!("80E40000"), &hex!("D20130")).is_ok_and(|(_, status)| status == 0x9000)
    });
}

#[test]
fn a_put_key_that_adds() {
    let look = |sim: &mut Sim| {
        sim.ok(&super::host::SELECT);
        let keys = sim.ok(&hex!("80CA00E000"));
        let works = Login { version: 0x3F, ..NEW_LOGIN }.works(sim);
        (keys, works)
    };
    sweep(&blank(), look, |sim: &mut Sim| {
        let Some(mut host) = Login::SCP03.try_open(sim) else { return false };
        let data = set(&host, 0x3F, 0x88, &[[0xA1; 16], [0xA2; 16], [0xA3; 16]]);
        host.try_send(sim, hex!("80D80081"), &data).is_ok_and(|(_, status)| status == 0x9000)
    });
}

/// A try is spent before it is answered: no cut gives a challenge out twice.
#[test]
fn a_challenge_of_scp03() {
    let look = |sim: &mut Sim| {
        sim.ok(&super::host::SELECT);
        sim.ok(&hex!("80CA00C100"))
    };
    sweep(&blank(), look, |sim: &mut Sim| {
        sim.ok(&super::host::SELECT);
        sim.try_send(&hex!("80503000080102030405060708 00")).is_ok()
    });
}

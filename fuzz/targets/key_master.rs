//! Commands to a key master card that was left open, and to its mother card, by somebody who has neither PIN nor keys. Whatever he
//! sends, no key comes out, no counter rises, and nothing is loaded; a card that is not locked opens again.
#![no_main]
use libfuzzer_sys::fuzz_target;
use onecard_fuzz::key_master::{OpenPair, holds_a_key};
use onecard_host::key_master::LifeCycle;

fuzz_target!(|bytes: &[u8]| {
    let mut pair = OpenPair::new();
    let mut before = pair.status();
    let mut rest = bytes;
    // Bit 1: which card. Above it, a length.
    while let [head, tail @ ..] = rest {
        let (command, behind) = tail.split_at(usize::from(head >> 1).min(tail.len()));
        let answer = pair.send(head & 1 == 1, command);
        assert!(!holds_a_key(&answer), "{command:02X?}");
        let after = pair.status();
        assert!(after.number == before.number && after.life_cycle as u8 >= before.life_cycle as u8);
        assert!(after.pin_tries <= before.pin_tries && after.authentication_tries <= before.authentication_tries);
        assert!(after.allowance.card_exports <= before.allowance.card_exports);
        assert!(after.allowance.sam_exports <= before.allowance.sam_exports);
        before = after;
        rest = behind;
    }
    if before.life_cycle == LifeCycle::InUse {
        let _ = pair.tapped();
    }
});

//! Every cut of a run, and cuts of the recovery behind each.

use std::{
    collections::{BTreeSet, HashSet},
    fmt::Debug,
};

use onecard_simulator::{
    chip::Chip,
    reader::{Reader, Silence},
    tear::{Cut, Rest, Tear, cuts_of},
};

/// What is torn, and what is seen of the card afterwards.
pub struct Torn<'a, S> {
    pub name: &'a str,
    pub chip: &'a Chip,
    /// Whether the card answered 9000 to the end.
    pub run: &'a dyn Fn(&mut Reader) -> bool,
    pub look: &'a dyn Fn(&mut Reader) -> S,
}

/// Tears `run` everywhere: what is seen is what was seen before or what is seen after, both come, and a card whose power goes
/// has answered nothing.
pub fn all_or_nothing<S: Ord + Clone + Debug>(
    name: &str,
    chip: &Chip,
    run: &dyn Fn(&mut Reader) -> bool,
    look: &dyn Fn(&mut Reader) -> S,
) {
    let before = look(&mut Reader::insert(chip.snapshot()));
    let mut reader = Reader::insert(chip.snapshot());
    assert!(run(&mut reader), "{name}: undisturbed");
    reader.tap();
    let after = look(&mut reader);
    assert_ne!(before, after, "{name} changes nothing");
    let both = vec![before, after];
    Torn { name, chip, run, look }.sweep(true, &|_| both.clone(), &both);
}

impl<S: Ord + Clone + Debug> Torn<'_, S> {
    /// `done` says whether the undisturbed run is answered by 9000. After a cut behind so many whole operations one of
    /// `allowed` is seen, and in all every one of `expected`.
    pub fn sweep(&self, done: bool, allowed: &dyn Fn(u64) -> Vec<S>, expected: &[S]) {
        let mut dry = self.chip.snapshot();
        dry.record_operations();
        let mut reader = Reader::insert(dry);
        assert_eq!((self.run)(&mut reader), done, "{}: undisturbed", self.name);
        let lengths: Vec<usize> = reader.remove().recorded().iter().map(|operation| operation.length).collect();
        let (mut cuts, mut recovery_cuts, mut seen, mut looked) = (0, 0, BTreeSet::new(), HashSet::new());
        for cut in cuts_of(&lengths) {
            cuts += 1;
            let mut chip = self.chip.snapshot();
            chip.cut_power_at(cut);
            let mut reader = Reader::insert(chip);
            assert!(!(self.run)(&mut reader), "{}: an answer after the power went, {cut:?}", self.name);
            assert_eq!(reader.silence(), Some(Silence::PowerCut));
            let chip = reader.remove();
            if !looked.insert((cut.operation, chip.image().to_vec())) {
                continue;
            }
            let found = (self.look)(&mut Reader::insert(chip.snapshot()));
            assert!(allowed(cut.operation).contains(&found), "{}: {found:?} after {cut:?}", self.name);
            recovery_cuts += self.recoveries(&chip, &found);
            seen.insert(found);
        }
        println!("{}: {} operations, {cuts} cuts, {recovery_cuts} in recovery", self.name, lengths.len());
        assert_eq!(seen, expected.iter().cloned().collect(), "{}", self.name);
    }

    /// The power goes again while the card recovers: it stays what it was.
    fn recoveries(&self, chip: &Chip, found: &S) -> u64 {
        let mut dry = chip.snapshot();
        dry.record_operations();
        let recovered = Reader::insert(dry).remove();
        let mut cuts = 0;
        for (operation, done) in (0..).zip(recovered.recorded()) {
            let half = (1 << (done.length / 2)) - 1;
            for tear in [
                Tear::BEFORE,
                Tear::AFTER,
                Tear { landed: half, rest: Rest::Erased(0xFF) },
                Tear { landed: half, rest: Rest::Random { seed: operation } },
            ] {
                let mut torn = chip.snapshot();
                torn.cut_power_at(Cut { operation, tear });
                let mut reader = Reader::insert(torn);
                assert!(matches!(reader.silence(), Some(Silence::NotUp(_))), "{}: recovery was not cut", self.name);
                reader.tap();
                assert_eq!((self.look)(&mut reader), *found, "{}: {tear:?} in recovery", self.name);
                cuts += 1;
            }
        }
        cuts
    }
}

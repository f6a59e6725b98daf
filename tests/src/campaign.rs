//! Cases of generated steps, each made from its own seed, and the shortest steps that fail.

use std::{cell::RefCell, rc::Rc};

use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};

use crate::{
    auditor::Violation,
    scenario::{Closed, Scenario},
    strategies::{self, Step},
    terminal::TerminalUnderTest,
};

/// A case that fails, whenever it is made from this seed and number again.
#[derive(Debug, thiserror::Error)]
#[error("seed {seed}, case {case}: {why}; the shortest steps that show it: {steps:#?}")]
pub struct CaseFailure {
    /// The campaign's seed.
    pub seed: u64,
    /// The case's number.
    pub case: u64,
    /// What cannot be true.
    pub why: String,
    /// The shortest steps.
    pub steps: Vec<Step>,
}

/// Makes `steps` steps from `seed` and `case`, carries them out with fresh `terminals`, and closes the books.
///
/// # Errors
/// [`CaseFailure`] with steps as few and as plain as could be found.
pub fn try_case<T: TerminalUnderTest>(
    (seed, case): (u64, u64),
    steps: usize,
    terminals: impl Fn() -> Vec<T>,
) -> Result<Closed<T>, CaseFailure> {
    let closed: Rc<RefCell<Option<Closed<T>>>> = Rc::default();
    let config = Config { cases: 1, failure_persistence: None, max_shrink_iters: 0, ..Config::default() };
    let mut runner =
        TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &seed_bytes(seed, case)));
    let judged = runner.run(&strategies::steps(steps), |steps| {
        let ended = carry_out(&steps, terminals()).map_err(|violation| TestCaseError::fail(violation.to_string()))?;
        *closed.borrow_mut() = Some(ended);
        Ok(())
    });
    match (judged, closed.take()) {
        (Ok(()), Some(closed)) => Ok(closed),
        (Err(TestError::Fail(why, steps)), _) => {
            let (steps, shorter) = shortened(steps, &terminals);
            Err(CaseFailure { seed, case, why: shorter.map_or(why.to_string(), |why| why.to_string()), steps })
        }
        (Err(TestError::Abort(why)), _) => Err(CaseFailure { seed, case, why: why.to_string(), steps: Vec::new() }),
        (Ok(()), None) => Err(CaseFailure { seed, case, why: "nothing was run".to_owned(), steps: Vec::new() }),
    }
}

/// Carries out `steps`, then closes the books.
///
/// # Errors
/// [`Violation`].
pub fn carry_out<T: TerminalUnderTest>(steps: &[Step], terminals: Vec<T>) -> Result<Closed<T>, Violation> {
    let mut scenario = Scenario::new(terminals);
    steps.iter().try_for_each(|step| scenario.step(step))?;
    scenario.close()
}

/// Leaves out every step, then every fault, without which it still fails: quicker than to make each step plainer.
fn shortened<T: TerminalUnderTest>(
    mut steps: Vec<Step>,
    terminals: &impl Fn() -> Vec<T>,
) -> (Vec<Step>, Option<Violation>) {
    let (mut violation, mut length) = (None, steps.len().div_ceil(2));
    while length > 0 {
        let mut at = 0;
        while at < steps.len() {
            let without: Vec<Step> = steps.iter().take(at).chain(steps.iter().skip(at + length)).cloned().collect();
            match carry_out(&without, terminals()) {
                Err(found) => (steps, violation) = (without, Some(found)),
                Ok(_) => at += length,
            }
        }
        length /= 2;
    }
    for at in 0..steps.len() {
        while let Some((plainer, found)) = with_a_fault_less(&steps, at, terminals) {
            (steps, violation) = (plainer, Some(found));
        }
    }
    (steps, violation)
}

fn with_a_fault_less<T: TerminalUnderTest>(
    steps: &[Step],
    at: usize,
    terminals: &impl Fn() -> Vec<T>,
) -> Option<(Vec<Step>, Violation)> {
    let count = steps.get(at)?.faults().len();
    (0..count).find_map(|fault| {
        let mut plainer = steps.to_vec();
        plainer.get_mut(at)?.faults_mut()?.remove(fault);
        let found = carry_out(&plainer, terminals()).err()?;
        Some((plainer, found))
    })
}

fn seed_bytes(seed: u64, case: u64) -> [u8; 32] {
    let mut bytes = [0; 32];
    let (words, _) = bytes.as_chunks_mut::<8>();
    for (word, number) in words.iter_mut().zip([seed, case]) {
        *word = number.to_le_bytes();
    }
    bytes
}

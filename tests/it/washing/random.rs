//! Any number of cuts anywhere, and a station that remembers what it likes.

use onecard_host::issuing::{Known, Reached};
use onecard_simulator::reader::Fault;
use proptest::prelude::*;

use super::stand::{ALGORITHMS, Kind, Stand};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn however_often_a_wash_is_torn_one_key_of_each_kind_is_there(
        kind in prop::sample::select(Kind::ALL.to_vec()),
        algorithm in prop::sample::select(ALGORITHMS.to_vec()),
        // Presentations that fail: at which command, whether the answer is lost, whether the station keeps its notes.
        failures in prop::collection::vec((0_u64..60, any::<bool>(), any::<bool>()), 0..8),
    ) {
        let stand = Stand::new(kind, algorithm);
        let operators = stand.operators();
        let mut undisturbed = stand.insert(operators.snapshot());
        let (washed, _) = stand.second_wash(&mut undisturbed, Known::default());
        washed.unwrap();
        let undisturbed = undisturbed.remove();

        let mut reader = stand.insert(operators);
        let (mut known, mut lost) = (Known::default(), false);
        for (at, answer, keeps) in failures {
            let fault = if answer { Fault::LostAnswer } else { Fault::Removed };
            reader.fail_at(at, fault);
            let (_, notes) = stand.second_wash(&mut reader, known);
            lost |= !keeps || answer;
            known = if keeps { notes } else { Known { reached: None, ..notes } };
            reader.tap();
        }
        let (washed, notes) = stand.second_wash(&mut reader, known);
        washed.unwrap();
        prop_assert_eq!(notes.reached, Some(Reached::Good));
        let chip = reader.remove();
        prop_assert_eq!(stand.portrait(&chip, lost), stand.portrait(&undisturbed, lost));
    }
}

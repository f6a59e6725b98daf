//! What makes a card good: a card that is right in all but one answer is not.

use onecard_host::transport::{Transport, TransportError};
use onecard_simulator::reader::Reader;
use onecard_station::batch::{Craft, Found, Job, Setback, Unfinished};
use onecard_wire::ins;

use crate::{
    school::{PROFILE, School, profile_of_sims},
    stack::insert,
};

/// One byte of the answers to one command is another.
struct Lie {
    /// Its header.
    about: [u8; 4],
    /// Of CLA, INS, P1 and P2, which must be as in `about`.
    mask: [u8; 4],
    /// The byte, from the front; `None`: the last before the status.
    at: Option<usize>,
    /// What the station says of it.
    found: &'static str,
}

const fn lie(about: [u8; 4], at: Option<usize>, found: &'static str) -> Lie {
    Lie { about, mask: [0xF0, 0xFF, 0xFF, 0xFF], at, found }
}

/// By SFI, as READ BINARY names a file.
const fn of_file(fid: u8, at: usize, found: &'static str) -> Lie {
    lie([0x00, ins::READ_BINARY, 0x80 | fid, 0x00], Some(at), found)
}

const LIES: &[Lie] = &[
    // SELECT of the application: its FCI ends with EF 0015, and that with two bytes for the issuer.
    lie([0x00, ins::SELECT, 0x04, 0x00], None, "0015 does not read as it was ordered"),
    of_file(0x17, 1, "0017 does not read as it was ordered"),
    of_file(0x16, 5, "0016"),
    // The zone of slot 0, and its static MAC.
    of_file(0x19, 1, "0019 does not read as it was ordered"),
    of_file(0x19, 15, "0019 does not read as it was ordered"),
    lie([0x80, ins::GET_BALANCE, 0x00, 0x01], None, "the balance of the Ed is not 0"),
    lie([0x80, ins::GET_BALANCE, 0x00, 0x02], None, "the balance of the Ep is not 0"),
    lie([0x80, ins::INITIALIZE, 0x00, 0x01], None, "the MAC1 of a load of the Ed is not that of its key"),
    lie([0x80, ins::INITIALIZE, 0x00, 0x02], None, "the MAC1 of a load of the Ep is not that of its key"),
    lie([0x00, ins::INTERNAL_AUTHENTICATE, 0x00, 0x01], None, "by the Access key is not that of its key"),
    lie([0x00, ins::INTERNAL_AUTHENTICATE, 0x00, 0x02], None, "by the Attendance key is not that of its key"),
];

/// A card that lies about one thing.
struct Liar<'l> {
    reader: &'l mut Reader,
    lie: &'l Lie,
    told: usize,
}

impl Transport for Liar<'_> {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        let mut answer = self.reader.transmit(command)?;
        let is_about =
            command.iter().zip(self.lie.mask).zip(self.lie.about).all(|((byte, mask), own)| byte & mask == own);
        // The answer as it would be without a lie must be a right one.
        if is_about && answer.ends_with(&[0x90, 0x00]) && answer.len() > 2 {
            let at = self.lie.at.unwrap_or(answer.len() - 3);
            answer[at] ^= 0x01;
            self.told += 1;
        }
        Ok(answer)
    }
}

#[test]
fn a_card_that_lies_about_one_thing_is_not_good() {
    for profile in [PROFILE.to_owned(), profile_of_sims()] {
        let folder = tempfile::tempdir().unwrap();
        let school = School::of(&profile, 1, folder.path(), onecard_wire::key::Algorithm::Des);
        let orders = school.orders();
        let craft = school.craft(&orders);
        let number = onecard_station::numbers::Number(7);
        let job = Job { row: school.list.rows[0].0, number, serial: school.profile.series.serial(number).unwrap() };
        let mut reader = insert(school.blanks(1).pop().unwrap());
        let Found::Blank(opening) = craft.look(&mut reader, &Unfinished::default()).unwrap() else {
            panic!("it is not blank")
        };
        craft.make(&mut reader, &job, opening).unwrap();
        craft.check(&mut reader, &job).unwrap();
        for lie in LIES {
            reader.tap();
            let mut liar = Liar { reader: &mut reader, lie, told: 0 };
            let checked = craft.check(&mut liar, &job);
            assert!(liar.told > 0, "nothing was asked of {:02X?}", lie.about);
            let Err(Setback::Failed(why)) = checked else { panic!("{}: {checked:?}", lie.found) };
            assert!(why.contains(lie.found), "{why}, and not {}", lie.found);
        }
        // Without a lie it is good still.
        reader.tap();
        craft.check(&mut reader, &job).unwrap();
    }
}

//! A card in a station's reader: made of a blank one, wiped, and left alone if it is neither. Pulled at every command of it.

use onecard_host::transport::Transport;
use onecard_host::{
    apdu::{Command, exchange},
    card::{Selected, select},
    crypto::{DesKey, Key, LineKey},
    issuing::{
        CardOrder, Condition, IssuingError, MfKeys, NotOurs, Opener, Step, examine, issue_card, prepare_mf_resumable,
        wipe,
    },
};
use onecard_simulator::{
    chip::{Blank, Chip},
    reader::{Fault, Reader},
};
use onecard_tests::world::{KEY_VERSION, World, serial};
use onecard_wire::{
    aid,
    date::Date,
    fid::Fid,
    ins,
    record::{Holder, Parameters},
    status::StatusWord,
};
use rand::{SeedableRng, rngs::ChaCha8Rng};

fn blank() -> Chip {
    Chip::blank(Blank::CpuCard, 7).unwrap()
}

fn mf() -> MfKeys {
    World::shared().mf_keys(0).unwrap()
}

fn order() -> CardOrder {
    let world = World::shared();
    CardOrder {
        enterprise: world.enterprise_id(),
        directory: Fid(0xDF01),
        valid_from: Date::parse("20260101").unwrap(),
        valid_to: Date::parse("20351231").unwrap(),
        holder: Holder { card_type: 1, staff: 0, name: [0x20; 20], id_number: [0x30; 32], id_type: 0 },
        parameters: Parameters::UNLIMITED,
        pin: world.pin(),
        key_version: KEY_VERSION,
        beside: Vec::new(),
    }
}

fn look(reader: &mut Reader) -> Result<Condition, NotOurs> {
    examine(reader, World::shared().enterprise_id(), Some(&mf()))
}

fn issue(reader: &mut Reader, opener: Opener) -> Result<Selected, IssuingError> {
    prepare_mf_resumable(reader, &opener.key(&mf()), &mf())?;
    let keys = World::shared().enterprise_keys().card(serial(0));
    issue_card(reader, &mf(), &keys, &order(), &mut ChaCha8Rng::seed_from_u64(5))
}

/// Does `work` with one command lost after the other, or its answer, until it outlasts the fault. `again` ends what was begun,
/// and says whether it could.
fn pulled_everywhere(
    chip: &Chip,
    work: &dyn Fn(&mut Reader) -> Result<(), IssuingError>,
    again: &dyn Fn(&mut Reader, &IssuingError) -> Ending,
) {
    let (mut pulled, mut lost) = (0, 0);
    for fault in [Fault::LostCommand, Fault::LostAnswer] {
        for at in 0.. {
            let mut reader = Reader::insert(chip.snapshot());
            reader.fail_at(at, fault);
            let Err(error) = work(&mut reader) else { break };
            // Pulled, and presented again.
            let mut reader = Reader::insert(reader.remove());
            pulled += 1;
            match again(&mut reader, &error) {
                Ending::Done => {}
                Ending::Lost => lost += 1,
            }
        }
    }
    println!("pulled {pulled} times; {lost} cards lost");
    // The answer to CREATE FILE of the key file, and the command that writes the first key into it.
    assert_eq!((pulled > 15, lost), (true, 2), "{pulled}");
}

enum Ending {
    Done,
    Lost,
}

/// The one moment that is left: a key file without a key, which nobody can open any more.
fn is_lost(reader: &mut Reader, error: &IssuingError) -> bool {
    let step = matches!(error.step, Step::Create(Fid::KEY) | Step::FirstControlKey | Step::WriteTransportKey);
    let erase = Command::new(ins::CLA_PBOC, ins::ERASE_DF, 0x00, 0x00);
    step && look(reader) == Ok(Condition::Unfinished(Opener::NoKey))
        && exchange(&mut Reader::insert(copy(reader)), &erase).unwrap().status == StatusWord::SECURITY_NOT_SATISFIED
}

fn copy(reader: &mut Reader) -> Chip {
    reader.tap_with(|chip| chip.snapshot())
}

#[test]
fn a_blank_card_becomes_a_card_of_this_profile_and_blank_again() {
    let mut reader = Reader::insert(blank());
    assert_eq!(look(&mut reader), Ok(Condition::Blank));
    assert_eq!(issue(&mut reader, Opener::TransportKey).unwrap().serial(), serial(0));
    let Ok(Condition::Issued { application: Some(application), opener: Opener::ControlKey }) = look(&mut reader) else {
        panic!("not issued")
    };
    assert_eq!(application.serial(), serial(0));
    wipe(&mut reader, &Opener::ControlKey.key(&mf())).unwrap();
    assert_eq!(look(&mut reader), Ok(Condition::Blank));
    assert!(select(&mut reader, &aid::enterprise_application(World::shared().enterprise_id())).is_err());
    // As good as new, as often as one likes.
    issue(&mut reader, Opener::TransportKey).unwrap();
}

#[test]
fn a_card_pulled_while_it_is_made_is_made_by_beginning_again() {
    let work = |reader: &mut Reader| issue(reader, Opener::TransportKey).map(drop);
    pulled_everywhere(&blank(), &work, &|reader, error| {
        if is_lost(reader, error) {
            return Ending::Lost;
        }
        let opener = match look(reader) {
            Ok(Condition::Blank) => Opener::TransportKey,
            Ok(Condition::Unfinished(opener)) => opener,
            // Its number is on it: the rest is missing, or the last checks alone. The station wipes it first.
            Ok(Condition::Issued { opener, .. }) => {
                wipe(reader, &opener.key(&mf())).unwrap();
                Opener::TransportKey
            }
            Err(refused) => panic!("{error}: {refused}"),
        };
        assert_eq!(issue(reader, opener).map(|application| application.serial()), Ok(serial(0)), "{error}");
        Ending::Done
    });
}

#[test]
fn a_card_pulled_while_it_is_wiped_is_wiped_by_beginning_again() {
    let mut reader = Reader::insert(blank());
    issue(&mut reader, Opener::TransportKey).unwrap();
    let work = |reader: &mut Reader| wipe(reader, &Opener::ControlKey.key(&mf()));
    pulled_everywhere(&reader.remove(), &work, &|reader, error| {
        if is_lost(reader, error) {
            return Ending::Lost;
        }
        let opener = match look(reader) {
            Ok(Condition::Blank) => return Ending::Done,
            Ok(Condition::Unfinished(opener) | Condition::Issued { opener, .. }) => opener,
            Err(refused) => panic!("{error}: {refused}"),
        };
        wipe(reader, &opener.key(&mf())).unwrap();
        assert_eq!(look(reader), Ok(Condition::Blank), "{error}");
        Ending::Done
    });
}

/// A card whose MF control key is `key` with `counter`, and nothing else.
fn with_control_key(key: [u8; 8], counter: u8) -> Reader {
    let mut reader = Reader::insert(blank());
    wipe(&mut reader, &DesKey::TRANSPORT.into()).unwrap();
    let commands: [Vec<u8>; 2] = [
        [&[0x80, 0xE0, 0x00, 0x00, 0x07, 0x3F, 0x00, 0x50, 0x01, 0x0F, 0xFF, 0xFF][..]].concat(),
        [&[0x80, 0xD4, 0x01, 0x00, 0x0D, 0x39, 0xF0, 0x0F, 0x0F, counter][..], &key].concat(),
    ];
    let challenge = onecard_host::line_protection::challenge(&mut reader).unwrap();
    let opened = onecard_host::card::external_authentication(0x00, challenge, &DesKey::TRANSPORT.into());
    assert!(exchange(&mut reader, &opened).unwrap().status.is_ok());
    assert_eq!(reader.transmit(&[0x80, 0x0E, 0x00, 0x00, 0x00]), Ok(vec![0x90, 0x00]));
    for command in commands {
        assert_eq!(reader.transmit(&command), Ok(vec![0x90, 0x00]), "{command:02X?}");
    }
    Reader::insert(reader.remove())
}

#[test]
fn a_card_of_another_station_loses_one_try_and_nothing_else() {
    let other = [0x5A; 8];
    let mut reader = with_control_key(other, 0x33);
    let before = copy(&mut reader);
    assert_eq!(look(&mut reader), Err(NotOurs::OtherKey(StatusWord(0x63C2))));
    // Its owner's key opens it as before, and gives the try back.
    let owner: LineKey = DesKey::from_bytes(other).into();
    let mut script = Reader::insert(copy(&mut reader));
    wipe(&mut script, &owner).unwrap();
    // One that allows many failures is asked by the operator's keys too, and is not written either.
    let mut patient = with_control_key(other, 0xFF);
    assert!(matches!(look(&mut patient), Err(NotOurs::OtherKey(_))));
    wipe(&mut patient, &owner).unwrap();
    assert_eq!(look(&mut Reader::insert(before)), Err(NotOurs::OtherKey(StatusWord(0x63C2))));
}

#[test]
fn a_card_with_somebody_elses_application_is_left_alone() {
    // As sold, and already in use: the transport key would open it.
    let mut reader = Reader::insert(blank());
    let challenge = onecard_host::line_protection::challenge(&mut reader).unwrap();
    let opened = onecard_host::card::external_authentication(0x00, challenge, &DesKey::TRANSPORT.into());
    assert!(exchange(&mut reader, &opened).unwrap().status.is_ok());
    let create =
        [&[0x80, 0xE0, 0x3F, 0x01, 0x0D, 0x38, 0x01, 0x00, 0xF0, 0xF0, 0x95, 0xFF, 0xFF][..], b"OTHER"].concat();
    assert_eq!(reader.transmit(&create), Ok(vec![0x90, 0x00]));
    let before = copy(&mut reader);
    assert_eq!(look(&mut reader), Err(NotOurs::OtherApplication(Fid(0x3F01))));
    assert!(copy(&mut reader).image() == before.image(), "something was written");
    // A directory with a number that few have, and a file in the MF.
    let far = [&[0x80, 0xE0, 0x3F, 0xA7, 0x0D, 0x38, 0x01, 0x00, 0xF0, 0xF0, 0x95, 0xFF, 0xFF][..], b"OTHER"].concat();
    let file = vec![0x80, 0xE0, 0x00, 0x05, 0x07, 0x28, 0x00, 0x10, 0xF0, 0xF0, 0xFF, 0xFF];
    for (create, fid) in [(far, 0x3FA7), (file, 0x0005)] {
        let mut reader = Reader::insert(blank());
        let challenge = onecard_host::line_protection::challenge(&mut reader).unwrap();
        let opened = onecard_host::card::external_authentication(0x00, challenge, &DesKey::TRANSPORT.into());
        assert!(exchange(&mut reader, &opened).unwrap().status.is_ok());
        assert_eq!(reader.transmit(&create), Ok(vec![0x90, 0x00]));
        assert_eq!(look(&mut reader), Err(NotOurs::OtherApplication(Fid(fid))));
    }
}

/// The card lists its keys: one that would lose its last try, or has others, is not asked.
#[test]
fn a_card_that_lists_other_keys_keeps_its_last_try() {
    let mut reader = with_control_key([0x5A; 8], 0x33);
    for left in [0x63C2, 0x63C1] {
        assert_eq!(look(&mut reader), Err(NotOurs::OtherKey(StatusWord(left))));
    }
    for _ in 0..3 {
        assert_eq!(look(&mut reader), Err(NotOurs::OtherKeys));
    }
    let owner: LineKey = DesKey::from_bytes([0x5A; 8]).into();
    wipe(&mut reader, &owner).unwrap();
    let told = NotOurs::OtherKey(StatusWord(0x63C1)).to_string();
    assert!(told.contains("1 try is left") && told.contains("locks the card for good"), "{told}");
}

/// A card of this profile does not tell who else is on it, but its MF keys are of its own number.
#[test]
fn a_card_of_another_number_is_left_alone() {
    let mut issued = Reader::insert(blank());
    issue(&mut issued, Opener::TransportKey).unwrap();
    let another = "1000000000000002".parse().unwrap();
    let other_number = World::shared().mf_keys(1).unwrap();
    for enterprise in [another, World::shared().enterprise_id()] {
        let refused = examine(&mut issued, enterprise, Some(&other_number));
        assert!(matches!(refused, Err(NotOurs::OtherKey(_))), "{refused:?}");
    }
    issued.tap();
    assert!(matches!(look(&mut issued), Ok(Condition::Issued { .. })));
}

#[test]
fn the_first_key_tells_nothing_of_the_real_one() {
    let MfKeys { control, .. } = mf();
    let LineKey::Whole(first) = Opener::FirstKey.key(&mf()) else { panic!("16 bytes") };
    assert_ne!(first, control);
    assert_eq!(first.algorithm(), control.algorithm());
    // One for each card.
    let others: Vec<LineKey> =
        (1..3).map(|card| Opener::FirstKey.key(&World::shared().mf_keys(card).unwrap())).collect();
    assert!(others.iter().all(|other| *other != LineKey::Whole(first.clone())));
    assert_ne!(first, Key::from_bytes([0; 16]));
}

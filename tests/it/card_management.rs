//! An operator manages a SIM end to end: the host library's sessions and commands against the card.

use onecard_host::{
    card::external_authentication,
    crypto::Key,
    globalplatform::{
        AesKey, Aid, ChannelKeys, DomainKey, InClear, KeySource, KeyTriple, Named,
        management::{
            Installation, KeyForm, Kind, Lock, ManagementCommand, ManagementError, ManagementRefusal, NewKeys,
            RegistryEntry, card_recognition, delete, delete_key_set, install, install_enterprise_application,
            key_information, lock_application, lock_card, production_data, put_key, registry, whole_registry,
        },
        secure_channel::{Closed, HostChallenge, Level, OpenError, Request, Session, SessionError, open},
        select_domain,
    },
    keys::CheckValue,
    line_protection::challenge,
    transport::{Transport, TransportError},
};
use onecard_simulator::{
    chip::{Blank, Chip},
    reader::{Interface, Reader},
    sample::SIM,
};
use onecard_wire::{
    globalplatform::{
        life_cycle::{ApplicationState, CardState},
        privileges::Privileges,
        secure_channel::ProtocolId,
    },
    key::Algorithm,
    number::EnterpriseId,
    status::StatusWord,
};

/// 40 41 … 4F, which everybody has.
fn published() -> [u8; 16] {
    core::array::from_fn(|at| 0x40 + at as u8)
}

fn aes_set(version: u8, values: [&[u8]; 3]) -> ChannelKeys {
    let [enc, mac, dek] = values.map(|value| AesKey::new(value).unwrap());
    ChannelKeys::scp03(version, KeyTriple { enc, mac, dek }).unwrap()
}

fn scp03() -> Vec<ChannelKeys> {
    vec![aes_set(0x30, [&published(); 3])]
}

fn scp02() -> Vec<ChannelKeys> {
    let [enc, mac, dek] = [published(); 3].map(Key::from_bytes);
    vec![ChannelKeys::scp02(0x20, KeyTriple { enc, mac, dek }).unwrap()]
}

fn sim() -> Reader {
    Reader::insert_at(Chip::blank(Blank::RfidSim(&SIM), 7).unwrap(), Interface::Contact)
}

const S8: HostChallenge = HostChallenge::Eight(*b"a number");
const S16: HostChallenge = HostChallenge::Sixteen(*b"a longer number ");

fn session<T: Transport>(
    mut card: T,
    keys: &dyn KeySource,
    level: Level,
    challenge: HostChallenge,
) -> Result<Session<T>, OpenError> {
    let domain = select_domain(&mut card, &Aid::ISSUER_DOMAIN).unwrap();
    let aid = domain.aid;
    let request = Request { keys, level, challenge, domain: Some(aid.as_bytes()), scp02_pseudo_random: true };
    open(card, &request)
}

fn enterprise(number: u8) -> EnterpriseId {
    format!("10000000000000{number:02}").parse().unwrap()
}

fn control_key() -> Key {
    Key::new(Algorithm::Des, *b"a control key 16")
}

fn applications<T: Transport>(session: &mut Session<T>) -> Vec<RegistryEntry> {
    let listed = registry(session, Kind::Application).unwrap();
    listed.into_iter().filter(|entry| matches!(entry.aid.named(), Some(Named::Enterprise(_)))).collect()
}

fn refused(command: ManagementCommand, status: StatusWord) -> ManagementError {
    ManagementRefusal { command, status }.into()
}

#[test]
fn an_application_comes_and_goes_under_every_protocol_and_level() {
    let mut tried = 0;
    for (keys, challenge) in [(scp03(), S8), (scp03(), S16), (scp02(), S8)] {
        let protocol = keys[0].protocol();
        for level in Level::ALL.into_iter().filter(|level| level.is_offered(protocol, 0x70)) {
            let mut reader = sim();
            let mut session = session(&mut reader, &keys, level, challenge).unwrap();
            assert_eq!(session.peer().protocol, protocol);
            let id = enterprise(1);
            let aid = Aid::enterprise(id);
            install_enterprise_application(&mut session, id, &control_key()).unwrap();
            let again = install_enterprise_application(&mut session, id, &control_key());
            assert_eq!(again, Err(refused(ManagementCommand::Install, StatusWord::WRONG_DATA)));

            let [installed] = &applications(&mut session)[..] else { panic!("one application") };
            assert_eq!((installed.aid, installed.life_cycle), (aid, ApplicationState::SELECTABLE.0));
            assert_eq!(installed.load_file.unwrap_or(Aid::ENTERPRISE_LOAD_FILE), Aid::ENTERPRISE_LOAD_FILE);
            assert_eq!(installed.privileges, Some(Privileges::NONE));

            lock_application(&mut session, &aid, Lock::Locked).unwrap();
            assert!(ApplicationState(applications(&mut session)[0].life_cycle).is_locked());
            lock_application(&mut session, &aid, Lock::Unlocked).unwrap();
            assert_eq!(applications(&mut session)[0].life_cycle, ApplicationState::SELECTABLE.0);

            delete(&mut session, &aid, false).unwrap();
            assert_eq!(applications(&mut session), []);
            assert!(matches!(delete(&mut session, &aid, false), Err(ManagementError::Refused(_))));
            tried += 1;
        }
    }
    assert_eq!(tried, 5 + 5 + 2);
}

#[test]
fn the_registry_of_a_full_sim_comes_in_several_answers() {
    let mut reader = sim();
    let mut session = session(&mut reader, &scp03(), Level::Full, S8).unwrap();
    for number in 1..=8 {
        install_enterprise_application(&mut session, enterprise(number), &control_key()).unwrap();
    }
    let all = whole_registry(&mut session).unwrap();
    let named =
        |wanted: fn(&Named) -> bool| all.iter().filter(|it| it.aid.named().as_ref().is_some_and(wanted)).count();
    assert_eq!(named(|it| *it == Named::IssuerDomain), 1);
    assert_eq!(named(|it| matches!(it, Named::Enterprise(_))), 8);
    assert_eq!(named(|it| *it == Named::EnterpriseLoadFile), 1);
    let load_file = all.iter().find(|it| it.aid == Aid::ENTERPRISE_LOAD_FILE).unwrap();
    assert_eq!(load_file.modules, [Aid::ENTERPRISE_MODULE]);
    let domain = all.iter().find(|it| it.kind == Kind::IssuerDomain).unwrap();
    assert!(domain.privileges.unwrap().has(Privileges::SECURITY_DOMAIN));
}

#[test]
fn keys_are_added_used_replaced_and_deleted() {
    let value: Vec<u8> = (1..=96).collect();
    let mut reader = sim();
    for (length, form) in
        [(16, KeyForm::Plain), (16, KeyForm::WithLength), (24, KeyForm::WithLength), (32, KeyForm::Plain)]
    {
        let new = aes_set(0x31, [&value[..length], &value[32..32 + length], &value[64..64 + length]]);
        let keys = new.to_domain_keys();
        let mut old = session(&mut reader, &scp03(), Level::Full, S8).unwrap();
        let order = NewKeys { replaces: None, version: 0x31, first_id: 1, keys: &keys, form };
        let values = put_key(&mut old, &order).unwrap();
        assert_eq!(values, keys.each_ref().map(DomainKey::check_value));
        assert!(key_information(&mut old).unwrap().unwrap().iter().filter(|key| key.version == 0x31).count() == 3);

        let mut own = session(&mut reader, &vec![new], Level::Full, S16).unwrap();
        let next = aes_set(0x32, [&value[1..17], &value[2..18], &value[3..19]]);
        let keys = next.to_domain_keys();
        let order =
            NewKeys { replaces: Some(0x31), version: 0x32, first_id: 1, keys: &keys, form: KeyForm::WithLength };
        put_key(&mut own, &order).unwrap();

        let mut newest = session(&mut reader, &vec![next.clone()], Level::Full, S8).unwrap();
        install_enterprise_application(&mut newest, enterprise(2), &control_key()).unwrap();
        delete(&mut newest, &Aid::enterprise(enterprise(2)), false).unwrap();
        let mut last = session(&mut reader, &scp03(), Level::Mac, S8).unwrap();
        delete_key_set(&mut last, 0x32).unwrap();
        let gone = session(&mut reader, &vec![next], Level::Mac, S8).unwrap_err();
        assert_eq!(gone, OpenError::InitializeRefused { status: StatusWord::KEY_NOT_FOUND, version: 0x32 });
    }
}

#[test]
fn triple_des_keys_by_either_protocol() {
    let value: Vec<u8> = (1..=48).collect();
    let [enc, mac, dek] = [0, 16, 32].map(|at| Key::from_bytes(*value[at..].first_chunk().unwrap()));
    let new = ChannelKeys::scp02(0x21, KeyTriple { enc, mac, dek }).unwrap();
    for keys in [scp02(), scp03()] {
        let mut reader = sim();
        let mut old = session(&mut reader, &keys, Level::MacEnciphered, S8).unwrap();
        let order = NewKeys {
            replaces: None,
            version: 0x21,
            first_id: 1,
            keys: &new.to_domain_keys(),
            form: KeyForm::default(),
        };
        put_key(&mut old, &order).unwrap();
        let opened = session(&mut reader, &vec![new.clone()], Level::MacEnciphered, S8).unwrap();
        assert_eq!(opened.peer().key_version, 0x21);
    }
}

#[test]
fn whoever_has_not_the_keys_gets_no_session() {
    let mut reader = sim();
    let other = vec![aes_set(0x30, [&[7; 16], &[8; 16], &[9; 16]])];
    assert_eq!(session(&mut reader, &other, Level::Mac, S8).unwrap_err(), OpenError::CardCryptogram);
    let wrong_way: Vec<_> = scp02().into_iter().map(|keys| keys.with_version(0x30)).collect();
    let refused = session(&mut reader, &wrong_way, Level::Mac, S8).unwrap_err();
    assert_eq!(refused, OpenError::ProtocolNotAllowed(ProtocolId::SCP03));
    let absent = vec![aes_set(0x3F, [&published(); 3])];
    let refused = session(&mut reader, &absent, Level::Mac, S8).unwrap_err();
    assert_eq!(refused, OpenError::InitializeRefused { status: StatusWord::KEY_NOT_FOUND, version: 0x3F });
    // The card counts, and the next session is as good.
    let first = session(&mut reader, &scp03(), Level::Full, S8).unwrap().peer().sequence.unwrap();
    let second = session(&mut reader, &scp03(), Level::Full, S8).unwrap().peer().sequence.unwrap();
    assert_eq!(second, first + 1);
}

/// Changes one bit of one command or of its answer.
struct Meddler<'r> {
    card: &'r mut Reader,
    /// Commands seen.
    seen: usize,
    at: usize,
    bit: usize,
    of_answer: bool,
    /// Whether there was such a bit.
    meddled: bool,
}

impl Transport for Meddler<'_> {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        let mine = self.seen == self.at;
        self.seen += 1;
        let mut command = command.to_vec();
        if mine && !self.of_answer && self.bit < command.len() * 8 {
            command[self.bit / 8] ^= 1 << (self.bit % 8);
            self.meddled = true;
        }
        let mut answer = self.card.transmit(&command)?;
        if mine && self.of_answer && self.bit < answer.len() * 8 {
            answer[self.bit / 8] ^= 1 << (self.bit % 8);
            self.meddled = true;
        }
        Ok(answer)
    }
}

#[test]
fn a_bit_changed_on_the_way_installs_nothing_and_ends_the_session() {
    // SELECT, INITIALIZE UPDATE, EXTERNAL AUTHENTICATE, INSTALL.
    const INSTALL: usize = 3;
    let mut reader = sim();
    for (of_answer, bits) in [(false, 8 * 90), (true, 8 * 30)] {
        let mut meddled = 0;
        // All but CLA's channel, Lc and what follows the data: those change the command's frame, or nothing that has a MAC.
        for bit in (8..32).chain(40..bits).filter(|bit| !of_answer || *bit >= 8) {
            let card = &mut reader;
            let mut between = Meddler { card, seen: 0, at: INSTALL, bit, of_answer, meddled: false };
            let mut session = session(&mut between, &scp03(), Level::Full, S8).unwrap();
            let outcome = install_enterprise_application(&mut session, enterprise(3), &control_key());
            // The card ended its session; the host hears a refusal like others, and goes no further with it either.
            let ended = session.closed().is_some()
                || outcome.is_err()
                    && install_enterprise_application(&mut session, enterprise(3), &control_key()).is_err();
            let was_meddled = session.into_transport().meddled;
            if !was_meddled {
                assert!(outcome.is_ok());
                clear(&mut reader);
                continue;
            }
            meddled += 1;
            let is_le = !of_answer && outcome.is_ok();
            assert!(is_le || ended, "bit {bit} of {}: {outcome:?}", if of_answer { "the answer" } else { "it" });
            if !of_answer && !is_le {
                let mut look = self::session(&mut reader, &scp03(), Level::Full, S8).unwrap();
                assert_eq!(applications(&mut look), [], "bit {bit}: it is there");
            }
            clear(&mut reader);
        }
        assert!(meddled > 60, "{meddled}");
    }
}

/// Removes the application, if it is there.
fn clear(reader: &mut Reader) {
    let mut session = session(reader, &scp03(), Level::Full, S8).unwrap();
    let gone = delete(&mut session, &Aid::enterprise(enterprise(3)), false);
    assert!(matches!(gone, Ok(()) | Err(ManagementError::Refused(_))), "{gone:?}");
}

#[test]
fn a_closed_session_says_why_and_sends_nothing() {
    let mut reader = sim();
    let mut between = Meddler { card: &mut reader, seen: 0, at: 3, bit: 0, of_answer: true, meddled: false };
    let mut session = session(&mut between, &scp03(), Level::Full, S8).unwrap();
    let listed = whole_registry(&mut session);
    assert_eq!(listed, Err(ManagementError::Session(SessionError::Closed(Closed::AnswerMac))));
    assert_eq!(whole_registry(&mut session), listed);
    assert_eq!(session.into_transport().seen, 4);
}

#[test]
fn a_locked_sim_serves_its_issuer_domain_alone() {
    let mut reader = sim();
    let mut opened = session(&mut reader, &scp03(), Level::Full, S8).unwrap();
    install_enterprise_application(&mut opened, enterprise(1), &control_key()).unwrap();
    for state in [CardState::INITIALIZED, CardState::SECURED] {
        onecard_host::globalplatform::management::set_card_state(&mut opened, state).unwrap();
    }
    lock_card(&mut opened, Lock::Locked).unwrap();
    let select = |reader: &mut Reader| {
        let aid = Aid::enterprise(enterprise(1));
        let command = [&[0x00, 0xA4, 0x04, 0x00, 0x0E], aid.as_bytes()].concat();
        reader.transmit(&command).unwrap()
    };
    assert_eq!(select(&mut reader), [0x6A, 0x82]);
    assert!(select_domain(&mut reader, &Aid::ISSUER_DOMAIN).unwrap().is_locked);
    let mut opened = session(&mut reader, &scp03(), Level::Full, S8).unwrap();
    lock_card(&mut opened, Lock::Unlocked).unwrap();
    assert!(select(&mut reader).ends_with(&[0x90, 0x00]));
}

#[test]
fn what_a_sim_tells_without_a_key() {
    let mut reader = sim();
    select_domain(&mut reader, &Aid::ISSUER_DOMAIN).unwrap();
    let mut domain = InClear(&mut reader);
    let recognition = card_recognition(&mut domain).unwrap().unwrap();
    assert_eq!((recognition.option(0x03), recognition.option(0x02)), (Some(0x70), Some(0x55)));
    let keys = key_information(&mut domain).unwrap().unwrap();
    assert_eq!(keys.iter().filter(|key| key.version == 0x30).count(), 3);
    assert!(production_data(&mut domain).unwrap().is_some());
    // Everything else asks for a session.
    let order = Installation {
        load_file: Aid::ENTERPRISE_LOAD_FILE,
        module: Aid::ENTERPRISE_MODULE,
        instance: Aid::enterprise(enterprise(1)),
        privileges: Privileges::NONE,
        parameters: &[],
    };
    let refusal = refused(ManagementCommand::Install, StatusWord::SECURITY_NOT_SATISFIED);
    assert_eq!(install(&mut domain, &order), Err(refusal));
    // By radio there is no domain at all.
    let mut radio = Reader::insert(Chip::blank(Blank::RfidSim(&SIM), 7).unwrap());
    let absent = select_domain(&mut radio, &Aid::ISSUER_DOMAIN).unwrap_err().to_string();
    assert!(absent.contains("contacts"), "{absent}");
}

#[test]
fn the_control_key_opens_its_application() {
    let mut reader = sim();
    for algorithm in [Algorithm::Des, Algorithm::Sm4, Algorithm::Aes] {
        let key = Key::new(algorithm, *b"a control key 16");
        println!("{algorithm:?}: check value {}", CheckValue::of(&key));
        let mut opened = session(&mut reader, &scp03(), Level::Full, S8).unwrap();
        install_enterprise_application(&mut opened, enterprise(4), &key).unwrap();
        let aid = Aid::enterprise(enterprise(4));
        let select = [&[0x00, 0xA4, 0x04, 0x00, 0x0E], aid.as_bytes()].concat();
        assert!(reader.transmit(&select).unwrap().ends_with(&[0x90, 0x00]));
        let command = external_authentication(0x00, challenge(&mut reader).unwrap(), &key.into());
        assert_eq!(reader.transmit(&command.to_bytes()).unwrap(), [0x90, 0x00], "{algorithm:?}");
        let mut opened = session(&mut reader, &scp03(), Level::Full, S8).unwrap();
        delete(&mut opened, &aid, false).unwrap();
    }
}

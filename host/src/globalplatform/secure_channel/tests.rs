//! Published sessions, and what must not be believed.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use onecard_vectors::{Vectors, secure_channel::Session as Published, vector::Vector};
use onecard_wire::{globalplatform::secure_channel::ProtocolId, status::StatusWord};

use super::{Closed, HostChallenge, Level, OpenError, Opening, Request, SecureChannel, SessionError, WrapError, open};
use crate::{
    apdu::{Command, ExchangeError, Response},
    crypto::Key,
    globalplatform::{AesKey, ChannelKeys, KeyTriple},
    transport::{Scripted, Transport, TransportError},
};

/// A command out of its bytes.
pub(super) fn command(bytes: &[u8]) -> Command {
    let command = Command::new(bytes[0], bytes[1], bytes[2], bytes[3]);
    match &bytes[4..] {
        [] => command,
        [le] => command.expecting(*le),
        [lc, rest @ ..] => {
            let (data, le) = rest.split_at(usize::from(*lc));
            let command = command.with_bytes(data).unwrap();
            le.first().map_or(command.clone(), |le| command.expecting(*le))
        }
    }
}

fn response(bytes: &[u8]) -> Response {
    Response::parse(bytes.to_vec()).unwrap()
}

fn sessions() -> Vec<Vector<Published>> {
    let vectors = Vectors::embedded().unwrap();
    let all: Vec<_> = vectors.scp02_session.into_iter().chain(vectors.scp03_session).collect();
    assert_eq!(all.len(), 19);
    all
}

fn session(name: &str, protocol: u8) -> Published {
    let all = sessions().into_iter().map(|vector| (vector.name, vector.body));
    all.into_iter().find(|(it, body)| it == name && body.protocol() == protocol).unwrap().1
}

fn keys(session: &Published) -> ChannelKeys {
    let version = session.initialize_update[2];
    if session.protocol() == 0x02 {
        let [enc, mac, dek] =
            [&session.enc, &session.mac, &session.dek].map(|key| Key::from_bytes(*key.first_chunk().unwrap()));
        ChannelKeys::scp02(version, KeyTriple { enc, mac, dek }).unwrap()
    } else {
        let [enc, mac, dek] = [&session.enc, &session.mac, &session.dek].map(|key| AesKey::new(key).unwrap());
        ChannelKeys::scp03(version, KeyTriple { enc, mac, dek }).unwrap()
    }
}

fn request<'a>(session: &'a Published, keys: &'a Vec<ChannelKeys>) -> Request<'a> {
    let challenge = match session.host_challenge.len() {
        8 => HostChallenge::Eight(*session.host_challenge.first_chunk().unwrap()),
        _ => HostChallenge::Sixteen(*session.host_challenge.first_chunk().unwrap()),
    };
    let level = session.level().map_or(Level::Mac, |byte| Level::of_byte(byte).unwrap());
    // Those cards of SCP02 that name their domain are of i 15: their challenges are random.
    Request { keys, level, challenge, domain: session.domain.as_deref(), scp02_pseudo_random: false }
}

fn answer(session: &Published) -> Response {
    Response { data: session.answer.clone(), status: StatusWord::OK }
}

fn channel(session: &Published) -> SecureChannel {
    let keys = vec![keys(session)];
    let request = request(session, &keys);
    Opening::new(&request).answered(answer(session)).unwrap().answered(StatusWord::OK).unwrap()
}

#[test]
fn every_published_session() {
    let mut exchanges = (0, 0);
    for vector in sessions() {
        let body = &vector.body;
        let keys = vec![keys(body)];
        let request = request(body, &keys);
        let opening = Opening::new(&request);
        assert_eq!(opening.command().to_bytes()[..], body.initialize_update[..], "{}", vector.name);
        let authenticating = match opening.answered(answer(body)) {
            Err(error) => {
                assert!(!vector.is_valid(), "{}: {error}", vector.name);
                assert_eq!(error, OpenError::CardCryptogram);
                continue;
            }
            Ok(authenticating) => authenticating,
        };
        assert!(vector.is_valid(), "{}", vector.name);
        if let Some(cryptogram) = &body.host_cryptogram {
            assert_eq!(authenticating.command()[5..13], cryptogram[..], "{}", vector.name);
        }
        let Some(external_authenticate) = &body.external_authenticate else { continue };
        assert_eq!(authenticating.command(), external_authenticate, "{}", vector.name);
        let mut channel = authenticating.answered(StatusWord::OK).unwrap();
        for step in &body.exchange {
            let wrapped = channel.wrap(&command(&step.plain)).unwrap();
            assert_eq!(hex::encode(&wrapped[..]), hex::encode(&step.wrapped), "{}", vector.name);
            exchanges.0 += 1;
            // Where no answer is published, one that needs no protection stands for it.
            let answer = step.answer.as_deref().unwrap_or(&[0x6A, 0x88]);
            let plain = channel.unwrap(response(answer)).unwrap();
            if let Some(expected) = &step.plain_answer {
                assert_eq!(plain, response(expected), "{}", vector.name);
                exchanges.1 += 1;
            }
        }
    }
    println!("{} commands wrapped, {} answers unwrapped", exchanges.0, exchanges.1);
    assert!(exchanges >= (60, 30), "{exchanges:?}");
}

#[test]
fn an_answer_with_any_bit_changed_closes_the_channel() {
    for (name, step) in [("pysim-aes128-11", 0), ("omfgp-renc", 0)] {
        let body = session(name, 0x03);
        let published = body.exchange[step].answer.clone().unwrap();
        for bit in 0..published.len() * 8 {
            let mut changed = published.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            let mut channel = channel(&body);
            channel.wrap(&command(&body.exchange[step].plain)).unwrap();
            let closed = channel.unwrap(response(&changed)).unwrap_err();
            // A word that needs no MAC must not come with data.
            assert!(matches!(closed, Closed::AnswerMac | Closed::AnswerForm), "{name}: bit {bit}: {closed:?}");
            assert_eq!(channel.wrap(&command(&body.exchange[0].plain)), Err(WrapError::Closed(closed)));
            assert_eq!(channel.unwrap(response(&published)), Err(closed), "the right answer comes too late");
        }
        let mut stripped = channel(&body);
        stripped.wrap(&command(&body.exchange[step].plain)).unwrap();
        assert_eq!(stripped.unwrap(response(&[0x90, 0x00])), Err(Closed::AnswerMac), "{name}");
    }
}

#[test]
fn a_card_that_does_not_have_the_keys_is_refused() {
    for vector in sessions().iter().filter(|vector| vector.is_valid()) {
        let body = &vector.body;
        let keys = vec![keys(body)];
        let request = request(body, &keys);
        let fields = if body.protocol() == 0x02 { 12..28 } else { 13..13 + 2 * body.host_challenge.len() };
        for bit in fields.start * 8..fields.end * 8 {
            let mut changed = answer(body);
            changed.data[bit / 8] ^= 1 << (bit % 8);
            let refused = Opening::new(&request).answered(changed).err();
            assert_eq!(refused, Some(OpenError::CardCryptogram), "{}: bit {bit}", vector.name);
        }
    }
}

#[test]
fn a_challenge_that_its_counter_does_not_give_is_refused() {
    let body = session("kaoh-mutual-auth", 0x03);
    let keys = vec![keys(&body)];
    let good = request(&body, &keys);
    assert!(Opening::new(&good).answered(answer(&body)).is_ok());
    let mut counter = answer(&body);
    *counter.data.last_mut().unwrap() ^= 1;
    assert_eq!(Opening::new(&good).answered(counter).err(), Some(OpenError::CardChallenge));
    let elsewhere = Request { domain: Some(&[0xA0, 0, 0, 0, 3, 0, 0, 0]), ..good };
    assert_eq!(Opening::new(&elsewhere).answered(answer(&body)).err(), Some(OpenError::CardChallenge));
    // Cards of i 15 draw theirs.
    let random = session("opal-jcop31-cmac", 0x02);
    let keys = vec![self::keys(&random)];
    let pseudo = Request { scp02_pseudo_random: true, ..request(&random, &keys) };
    assert_eq!(Opening::new(&pseudo).answered(answer(&random)).err(), Some(OpenError::CardChallenge));
}

#[test]
fn a_card_cannot_talk_the_host_down() {
    let (old, new) = (session("omfgp-cenc", 0x02), session("omfgp-cenc", 0x03));
    let modern = vec![keys(&new)];
    let refused = Opening::new(&request(&new, &modern)).answered(answer(&old)).err();
    assert_eq!(refused, Some(OpenError::ProtocolNotAllowed(ProtocolId::SCP02)));
    // With both allowed, the card's own keys count.
    let both = vec![keys(&old), keys(&new)];
    for body in [&old, &new] {
        let request = request(body, &both);
        let authenticating = Opening::new(&request).answered(answer(body)).unwrap();
        assert_eq!(Some(authenticating.command()), body.external_authenticate.as_deref());
    }
    let full = Request { level: Level::Full, ..request(&new, &modern) };
    let refused = Opening::new(&full).answered(answer(&new)).err();
    let level = OpenError::LevelNotOffered { level: Level::Full, protocol: ProtocolId::SCP03, option: Some(0x00) };
    assert_eq!(refused, Some(level));
    let full = Request { level: Level::Full, ..request(&old, &both) };
    let told = Opening::new(&full).answered(answer(&old)).err().unwrap().to_string();
    assert!(told.contains("level 33 (SCP02): ask"), "{told}");
}

#[test]
fn of_several_sets_the_one_of_the_version_counts() {
    let body = session("pysim-aes128-11", 0x03);
    let right = keys(&body);
    let wrong = ChannelKeys { version: 0x31, ..keys(&session("omfgp-renc", 0x03)) };
    let sets = vec![wrong.clone(), right];
    let request = Request { keys: &sets, ..request(&body, &sets) };
    assert_eq!(crate::globalplatform::KeySource::version(request.keys), 0x00, "the card chooses");
    assert!(Opening::new(&request).answered(answer(&body)).is_ok());
    let others = vec![wrong.clone(), ChannelKeys { version: 0x32, ..wrong }];
    let request = Request { keys: &others, ..request };
    assert_eq!(Opening::new(&request).answered(answer(&body)).err(), Some(OpenError::VersionNotAllowed(0x30)));
}

#[test]
fn a_refusal_says_what_to_do() {
    let body = session("omfgp-renc", 0x03);
    let keys = vec![keys(&body)];
    let request = request(&body, &keys);
    let refusal = |status| Opening::new(&request).answered(Response { data: Vec::new(), status }).err().unwrap();
    let shown = refusal(StatusWord::KEY_NOT_FOUND).to_string();
    assert!(shown.contains("6A88") && shown.contains("INITIALIZE UPDATE") && shown.contains("gp info"), "{shown}");
    assert_eq!(refusal(StatusWord::OK), OpenError::UnknownAnswer);
    let shown = Opening::new(&request).answered(answer(&body)).unwrap().answered(StatusWord::CRYPTOGRAM_WRONG);
    assert!(shown.unwrap_err().to_string().contains("6300"));
}

/// The first commands of a session, then silence.
struct Silenced(Scripted, usize);

impl Transport for Silenced {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        self.1 = self.1.checked_sub(1).ok_or(TransportError::CardRemoved)?;
        self.0.transmit(command)
    }
}

#[test]
fn a_session_without_an_answer_sends_nothing_more() {
    let body = session("omfgp-renc", 0x03);
    let keys = vec![keys(&body)];
    let opened = [&body.answer[..], &[0x90, 0x00]].concat();
    let external_authenticate = body.external_authenticate.clone().unwrap();
    let step = &body.exchange[0];
    let script: [(&[u8], &[u8]); 3] = [
        (&body.initialize_update, &opened),
        (&external_authenticate, &[0x90, 0x00]),
        (&step.wrapped, step.answer.as_ref().unwrap()),
    ];
    let mut whole = Scripted::new(&script);
    let mut session = open(&mut whole, &request(&body, &keys)).unwrap();
    assert_eq!(session.peer().sequence, Some(0x23));
    assert_eq!(session.exchange(&command(&step.plain)).unwrap(), response(step.plain_answer.as_ref().unwrap()));
    whole.finish();

    for answered in 0..2 {
        let cut = Silenced(Scripted::new(&script), answered);
        let error = open(cut, &request(&body, &keys)).unwrap_err();
        assert_eq!(error, OpenError::Exchange(ExchangeError::Transport(TransportError::CardRemoved)));
    }
    let mut session = open(Silenced(Scripted::new(&script), 2), &request(&body, &keys)).unwrap();
    let lost = session.exchange(&command(&step.plain));
    assert_eq!(lost, Err(SessionError::Exchange(ExchangeError::Transport(TransportError::CardRemoved))));
    let mut silenced = session;
    for _ in 0..2 {
        assert_eq!(silenced.exchange(&command(&step.plain)), Err(SessionError::Closed(Closed::NoAnswer)));
    }
}

#[test]
fn a_command_without_its_answer_closes_the_channel() {
    let body = session("pysim-aes256-03", 0x03);
    let mut channel = channel(&body);
    channel.wrap(&command(&body.exchange[0].plain)).unwrap();
    assert_eq!(channel.wrap(&command(&body.exchange[1].plain)), Err(WrapError::Closed(Closed::NoAnswer)));
    assert_eq!(channel.closed(), Some(Closed::NoAnswer));
}

#[test]
fn a_refusal_by_6982_is_an_answer_and_the_channel_goes_on() {
    let body = session("pysim-aes256-03", 0x03);
    let mut channel = channel(&body);
    channel.wrap(&command(&body.exchange[0].plain)).unwrap();
    let refused = channel.unwrap(response(&[0x69, 0x82])).unwrap();
    assert_eq!(refused.status, StatusWord::SECURITY_NOT_SATISFIED);
    let next = channel.wrap(&command(&body.exchange[1].plain)).unwrap();
    assert_eq!(next[..], body.exchange[1].wrapped[..]);
    assert!(format!("{channel:?}").contains("SCP03, level 03, open"), "{channel:?}");
}

#[test]
fn what_is_too_long_is_not_sent_and_not_counted() {
    let body = session("pysim-run-s16-aes256-33", 0x03);
    let mut channel = channel(&body);
    let long = Command::new(0x80, 0xE2, 0, 0).with_bytes(&[0; 239]).unwrap();
    assert!(matches!(channel.wrap(&long), Err(WrapError::TooLong(_))));
    let wrapped = channel.wrap(&command(&body.exchange[0].plain)).unwrap();
    assert_eq!(wrapped[..], body.exchange[0].wrapped[..]);
}

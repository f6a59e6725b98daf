//! The published vectors, the card's half of them: its session keys, cryptograms and answers made, the host's commands checked.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use onecard_vectors::{
    Vectors,
    secure_channel::{Exchange, Session as Published},
};

use super::*;
use crate::{apdu::Command, rfid_sim::KeySetCipher};

fn vectors() -> Vectors {
    Vectors::embedded().unwrap()
}

fn key(cipher: KeySetCipher, value: &[u8]) -> DomainKey {
    DomainKey::from_value(cipher, value).unwrap()
}

fn keys(cipher: KeySetCipher, session: &Published) -> StaticKeys {
    let key = |value: &[u8]| key(cipher, value);
    StaticKeys { enc: key(&session.enc), mac: key(&session.mac), dek: key(&session.dek) }
}

/// What INITIALIZE UPDATE leaves, made with the card challenge of the published answer, and the cryptogram of that answer.
fn challenged(session: &Published) -> (Challenged, bool) {
    let answer = &session.answer;
    let host = &session.host_challenge;
    if session.protocol() == 0x02 {
        let keys = keys(KeySetCipher::Des, session);
        let (sequence, challenge) = (answer[12..14].try_into().unwrap(), answer[14..20].try_into().unwrap());
        let made = scp02::Challenged::with_card_challenge(&keys, host, sequence, challenge).unwrap();
        let right = made.card_cryptogram == answer[20..28];
        return (Challenged::Scp02(made, Place::all().next().unwrap()), right);
    }
    let keys = keys(KeySetCipher::Aes, session);
    let made = scp03::Challenged::new(&keys, host, &answer[13..13 + host.len()]).unwrap();
    let right = made.card_cryptogram == answer[13 + host.len()..13 + 2 * host.len()];
    (Challenged::Scp03(made), right)
}

fn open(session: &Published, external_authenticate: &[u8]) -> Result<Session, StatusWord> {
    let command = Command::parse_short(external_authenticate).unwrap();
    match challenged(session).0 {
        Challenged::Scp02(made, _) => made.authenticate(Header::of(&command), command.data).map(Session::Scp02),
        Challenged::Scp03(made) => made.authenticate(Header::of(&command), command.data).map(Session::Scp03),
    }
}

/// Unwraps the command and wraps the answer, which must be the published ones.
fn follow(session: &mut Session, exchange: &Exchange) {
    let wrapped = Command::parse_short(&exchange.wrapped).unwrap();
    let plain =
        session.unwrap(Header::of(&wrapped), wrapped.data).map_err(|status| panic!("{status}: {exchange:02X?}"));
    assert_eq!(&plain.unwrap()[..], Command::parse_short(&exchange.plain).unwrap().data, "{exchange:02X?}");
    let (Some(answer), Some(plain)) = (&exchange.answer, &exchange.plain_answer) else { return };
    let (data, status) = plain.split_last_chunk::<2>().unwrap();
    let mut made = Response::from_slice(data).unwrap();
    if *status == [0x90, 0x00]
        && let Session::Scp03(session) = session
    {
        session.wrap(&mut made, StatusWord::OK).unwrap();
    }
    made.extend_from_slice(status).unwrap();
    assert_eq!(made, answer[..], "{exchange:02X?}");
}

fn all_sessions(vectors: &Vectors) -> impl Iterator<Item = (&str, bool, &Published)> {
    let sessions = vectors.scp02_session.iter().chain(&vectors.scp03_session);
    sessions.map(|vector| (vector.name.as_str(), vector.is_valid(), &vector.body))
}

#[test]
fn every_published_session_is_followed_to_its_end() {
    let vectors = vectors();
    let (mut sessions, mut exchanges) = (0, 0);
    for (name, valid, session) in all_sessions(&vectors) {
        assert_eq!(challenged(session).1, valid, "{name}: card cryptogram");
        let Some(external_authenticate) = &session.external_authenticate else { continue };
        let mut opened = open(session, external_authenticate).map_err(|status| panic!("{name}: {status}")).unwrap();
        session.exchange.iter().for_each(|exchange| follow(&mut opened, exchange));
        (sessions, exchanges) = (sessions + 1, exchanges + session.exchange.len());
    }
    assert!(sessions >= 12 && exchanges >= 60, "{sessions} sessions, {exchanges} exchanges");
}

/// 6300 for a wrong cryptogram, 6982 for a wrong MAC, byte by byte.
#[test]
fn no_other_external_authenticate_opens_a_session() {
    let vectors = vectors();
    for (name, _, session) in all_sessions(&vectors) {
        let Some(command) = &session.external_authenticate else { continue };
        let mut changed = heapless::Vec::<u8, 64>::from_slice(command).unwrap();
        let half = session.host_challenge.len();
        for at in 5..command.len() {
            changed[at] ^= 0x01;
            let expected =
                if at < 5 + half { StatusWord::CRYPTOGRAM_WRONG } else { StatusWord::SECURITY_NOT_SATISFIED };
            assert_eq!(open(session, &changed).err(), Some(expected), "{name}, byte {at}");
            changed[at] ^= 0x01;
        }
        // The level is under the MAC.
        changed[2] ^= 0x02;
        assert_eq!(open(session, &changed).err(), Some(StatusWord::SECURITY_NOT_SATISFIED), "{name}");
    }
}

#[test]
fn no_other_command_is_taken() {
    let vectors = vectors();
    let mut tried = 0;
    for (name, _, session) in all_sessions(&vectors) {
        let (Some(authenticate), Some(first)) = (&session.external_authenticate, session.exchange.first()) else {
            continue;
        };
        for at in (1..4).chain(5..5 + usize::from(first.wrapped[4])) {
            let mut changed = heapless::Vec::<u8, 261>::from_slice(&first.wrapped).unwrap();
            changed[at] ^= 0x80;
            let command = Command::parse_short(&changed).unwrap();
            let mut opened = open(session, authenticate).unwrap();
            let refused = opened.unwrap(Header::of(&command), command.data).err();
            assert_eq!(refused, Some(StatusWord::SECURITY_NOT_SATISFIED), "{name}, byte {at}");
            tried += 1;
        }
    }
    assert!(tried > 200, "{tried}");
}

#[test]
fn pseudo_random_challenges() {
    let vectors = vectors();
    for vector in &vectors.scp02_challenge {
        let body = &vector.body;
        let mac = key(KeySetCipher::Des, &body.mac.unwrap());
        let keys = StaticKeys { enc: mac.clone(), dek: mac.clone(), mac };
        let sequence = body.sequence[..].try_into().unwrap();
        let made = scp02::Challenged::new(&keys, &[0; 8], sequence, &body.domain).unwrap();
        assert_eq!(made.card_challenge, body.challenge[..], "{}", vector.name);
    }
    for vector in &vectors.scp03_challenge {
        let body = &vector.body;
        let enc = key(KeySetCipher::Aes, body.enc.as_deref().unwrap());
        let sequence = body.sequence[..].try_into().unwrap();
        let made = scp03::card_challenge(&enc, sequence, &body.domain, body.challenge.len());
        assert_eq!(made, body.challenge[..], "{}", vector.name);
    }
    assert!(vectors.scp02_challenge.len() >= 3 && !vectors.scp03_challenge.is_empty());
}

#[test]
fn data_derivation_and_session_keys() {
    let vectors = vectors();
    for vector in &vectors.scp03_derivation {
        let body = &vector.body;
        let mut derived = [0; 64];
        let derived = &mut derived[..body.derived.len()];
        scp03::derive(&key(KeySetCipher::Aes, &body.key), body.constant, &[&body.context, &[]], derived);
        assert_eq!(derived, body.derived, "{}", vector.name);
    }
    for vector in &vectors.scp03_keys {
        let body = &vector.body;
        let (host, card) = body.challenges.split_at(body.challenges.len() / 2);
        let key = |value: &[u8]| key(KeySetCipher::Aes, value);
        let keys = StaticKeys { enc: key(&body.enc), mac: key(&body.mac), dek: key(&body.dek) };
        let made = scp03::Challenged::new(&keys, host, card).unwrap();
        let [enc, mac, rmac] = made.session_keys();
        assert_eq!([enc, mac, rmac], [&body.session_enc[..], &body.session_mac, &body.session_rmac], "{}", vector.name);
        if let Some(cryptogram) = &body.card_cryptogram {
            assert_eq!(made.card_cryptogram, cryptogram[..], "{}", vector.name);
        }
    }
    assert!(vectors.scp03_derivation.len() >= 17 && vectors.scp03_keys.len() >= 2);
    for vector in &vectors.scp02_keys {
        let body = &vector.body;
        let key = |value: &[u8]| key(KeySetCipher::Des, value);
        let keys = StaticKeys { enc: key(&body.enc), mac: key(&body.mac), dek: key(&body.dek) };
        let made = scp02::Challenged::with_card_challenge(&keys, &[0; 8], body.sequence, [0; 6]).unwrap();
        let published = [Some(&body.session_enc), body.session_mac.as_ref(), body.session_dek.as_ref()];
        for (made, published) in made.session_keys().into_iter().zip(published) {
            assert!(published.is_none_or(|published| made == published), "{}", vector.name);
        }
    }
    assert!(vectors.scp02_keys.len() >= 7);
}

#[test]
fn chains_of_commands() {
    let vectors = vectors();
    for vector in &vectors.scp02_chain {
        let body = &vector.body;
        let enc = key(KeySetCipher::Des, &body.session_enc);
        let mut session = Session::Scp02(scp02::Session::begun(enc, body.session_mac, body.level));
        body.exchange.iter().for_each(|exchange| follow(&mut session, exchange));
    }
    for vector in &vectors.scp03_chain {
        let body = &vector.body;
        let key = |value: &[u8]| key(KeySetCipher::Aes, value);
        let mut session =
            Session::Scp03(scp03::Session::begun(key(&body.session_enc), key(&body.session_mac), body.level));
        body.exchange.iter().for_each(|exchange| follow(&mut session, exchange));
    }
    assert!(vectors.scp02_chain.len() >= 2 && vectors.scp03_chain.len() >= 2);
}

#[test]
fn sensitive_data() {
    let vectors = vectors();
    for vector in vectors.scp02_sensitive_data.iter().chain(&vectors.scp03_sensitive_data) {
        let body = &vector.body;
        let dek = dek(&body.dek, body.sequence);
        let mut text = heapless::Vec::<u8, 64>::from_slice(&body.cipher).unwrap();
        dek.decipher(&mut text);
        assert_eq!(text, body.plain[..], "{}", vector.name);
    }
}

/// A PUT KEY that others make, read as the card reads it: the keys, their check values.
#[test]
fn put_key_of_others() {
    let vectors = vectors();
    for vector in vectors.scp02_put_key.iter().chain(&vectors.scp03_put_key) {
        let body = &vector.body;
        // Others number their AES keys 2A; here they are of SCP03.
        let mut sent = heapless::Vec::<u8, 261>::from_slice(&body.put_key).unwrap();
        let renumbered = if sent[5] == 0x2A { 0x3A } else { body.new_version };
        sent[5] = renumbered;
        let command = Command::parse_short(&sent).unwrap();
        let new = crate::issuer_domain::put_key::NewKeys::parse(&command, &dek(&body.dek, body.sequence));
        let new = new.map_err(|status| panic!("{}: {status}", vector.name)).unwrap();
        assert_eq!(new.version, renumbered);
        let values = new.ids().map(|(id, key)| (id, key.value()));
        assert!(values.eq((1..).zip(body.keys.iter().map(|key| &key[..]))), "{}", vector.name);
    }
    assert!(vectors.scp02_put_key.len() + vectors.scp03_put_key.len() >= 3);
}

#[test]
fn check_values() {
    let vectors = vectors();
    let mut checked = 0;
    for vector in &vectors.key_check_value {
        let body = &vector.body;
        for cipher in [KeySetCipher::Des, KeySetCipher::Aes] {
            let matches =
                DomainKey::from_value(cipher, &body.key).is_some_and(|key| key.check_value() == body.value[..3]);
            checked += usize::from(matches);
        }
    }
    assert!(checked >= 4, "{checked}");
}

fn dek(dek: &[u8], sequence: Option<[u8; 2]>) -> Dek {
    match sequence {
        Some(sequence) => {
            let key = key(KeySetCipher::Des, dek);
            let keys = StaticKeys { enc: key.clone(), mac: key.clone(), dek: key };
            let made = scp02::Challenged::with_card_challenge(&keys, &[0; 8], sequence, [0; 6]).unwrap();
            Dek::Session(key_of(made.session_keys()[2]))
        }
        None => Dek::Static(key(KeySetCipher::Aes, dek)),
    }
}

fn key_of(value: &[u8]) -> DomainKey {
    key(KeySetCipher::Des, value)
}

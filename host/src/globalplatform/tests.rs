//! The host's half of the published vectors of card management.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use onecard_vectors::{Vectors, card_management::ManagementCommand as Published};
use onecard_wire::{
    globalplatform::{
        DELETE, GET_STATUS, INSTALL, SET_STATUS, install::FOR_INSTALL_AND_MAKE_SELECTABLE, privileges::Privileges,
    },
    status::StatusWord,
};

use super::{
    Aid, CardRecognition, KeyInformation, Link, ProductionData,
    management::{Installation, Kind, delete, delete_key_set, install, registry, set_status},
    secure_channel::SessionError,
};
use crate::apdu::{Command, Response};

/// A domain that gives these answers, and what it was asked.
#[derive(Default)]
struct Domain {
    answers: Vec<Response>,
    asked: Vec<Vec<u8>>,
}

impl Link for Domain {
    fn carry(&mut self, command: &Command) -> Result<Response, SessionError> {
        self.asked.push(command.to_bytes().to_vec());
        let none = Response { data: Vec::new(), status: StatusWord::OK };
        Ok(if self.answers.is_empty() { none } else { self.answers.remove(0) })
    }
}

fn answer(data: &[u8], status: StatusWord) -> Response {
    Response { data: data.to_vec(), status }
}

#[test]
fn production_data_is_read() {
    for vector in Vectors::embedded().unwrap().gp_production_data {
        let read = ProductionData::parse(&vector.body.bytes);
        assert_eq!(read.is_some(), vector.is_valid(), "{}", vector.name);
        let Some(data) = read else { continue };
        let words = |words: &[u16]| words.iter().map(|word| word.to_be_bytes().to_vec()).collect::<Vec<_>>();
        let equipped =
            |(who, when, with): (u16, u16, u32)| [words(&[who, when]), vec![with.to_be_bytes().to_vec()]].concat();
        let fields = [
            words(&[data.chip_maker, data.chip_type]),
            words(&data.system),
            words(&[data.chip_made]),
            vec![data.chip_serial.to_be_bytes().to_vec()],
            words(&[data.chip_batch]),
            words(&data.module),
            words(&data.embedding),
            equipped(data.preparation),
            equipped(data.personalisation),
        ];
        assert_eq!(fields.concat(), vector.body.fields, "{}", vector.name);
    }
}

#[test]
fn recognition_data_are_read() {
    for vector in Vectors::embedded().unwrap().gp_recognition_data {
        let read = CardRecognition::parse(&vector.body.bytes);
        assert_eq!(read.is_some(), vector.is_valid(), "{}", vector.name);
        let Some(data) = read else { continue };
        let version: Vec<String> = data.version.iter().map(ToString::to_string).collect();
        assert_eq!(Some(version.join(".")), vector.body.version, "{}", vector.name);
        let channels: Vec<Vec<u8>> =
            data.channels.iter().map(|(protocol, option)| [&[*protocol], &option[..]].concat()).collect();
        assert_eq!(channels, vector.body.channels, "{}", vector.name);
    }
}

#[test]
fn keys_are_listed() {
    for vector in Vectors::embedded().unwrap().gp_key_information {
        let read = KeyInformation::parse_all(&vector.body.bytes).unwrap();
        let keys: Vec<Vec<u8>> = read
            .iter()
            .map(|key| {
                let components = key.components.iter().flat_map(|(kind, length)| [kind.0, *length as u8]);
                [key.id, key.version].into_iter().chain(components).collect()
            })
            .collect();
        assert_eq!(keys, vector.body.keys, "{}", vector.name);
    }
}

#[test]
fn the_registry_is_read() {
    for vector in Vectors::embedded().unwrap().gp_registry {
        let mut domain = Domain { answers: vec![answer(&vector.body.bytes, StatusWord::OK)], ..Domain::default() };
        let read = registry(&mut domain, Kind::IssuerDomain).unwrap();
        assert_eq!(read.len(), vector.body.entries.len(), "{}", vector.name);
        for (entry, published) in read.iter().zip(&vector.body.entries) {
            assert_eq!((entry.aid.as_bytes(), entry.life_cycle), (&published.aid[..], published.life_cycle));
            let privileges = entry.privileges.map(|privileges| privileges.0.to_vec()).unwrap_or_default();
            assert!(privileges.starts_with(&published.privileges), "{}: {privileges:02X?}", vector.name);
            assert_eq!(privileges.is_empty(), published.privileges.is_empty(), "{}", vector.name);
        }
    }
}

/// What this host sends for what the published command asks; `None` for what it never asks.
fn sent(published: &Published) -> Option<Vec<u8>> {
    let [_, ins, p1, p2] = published.header();
    let aid = |bytes: &[u8]| Aid::new(bytes).unwrap();
    let mut domain = Domain::default();
    match (ins, p1, p2) {
        (DELETE, _, _) if published.token.is_some() => return None,
        (DELETE, _, related) => match (&published.aid, published.key_version) {
            (Some(name), _) => delete(&mut domain, &aid(name), related == 0x80).unwrap(),
            (None, Some(version)) => delete_key_set(&mut domain, version).unwrap(),
            (None, None) => return None,
        },
        (SET_STATUS, p1, state) => set_status(&mut domain, p1, state, published.aid.as_ref()?).unwrap(),
        (INSTALL, FOR_INSTALL_AND_MAKE_SELECTABLE, 0x00) => {
            let [load_file, module, instance, privileges, parameters, token] = &published.fields[..] else {
                return None;
            };
            // Parameters of others have more than C9.
            let parameters =
                parameters.strip_prefix(&[0xC9, parameters.len() as u8 - 2]).filter(|_| token.is_empty())?;
            let order = Installation {
                load_file: aid(load_file),
                module: aid(module),
                instance: aid(instance),
                privileges: Privileges::parse(privileges).unwrap(),
                parameters,
            };
            install(&mut domain, &order).unwrap();
        }
        // Tagged entries, of every name; the second command goes on.
        (GET_STATUS, p1, 0x02 | 0x03) if published.aid.as_ref()?.is_empty() => {
            let kinds = [Kind::IssuerDomain, Kind::Application, Kind::LoadFile, Kind::LoadFileWithModules];
            let kind = kinds.into_iter().find(|kind| kind.scope() == p1)?;
            domain.answers = vec![answer(&[], StatusWord::MORE_DATA)];
            registry(&mut domain, kind).unwrap();
            return Some(domain.asked.swap_remove(usize::from(p2 & 1)));
        }
        _ => return None,
    }
    Some(domain.asked.remove(0))
}

/// The same bytes, but for the Le that some leave out.
#[test]
fn commands_are_sent_as_others_send_them() {
    let mut same = 0;
    for vector in Vectors::embedded().unwrap().gp_command {
        let Some(sent) = sent(&vector.body) else { continue };
        let without_le = |apdu: &[u8]| apdu[..5 + usize::from(apdu[4])].to_vec();
        assert_eq!(without_le(&sent), without_le(&vector.body.apdu), "{}", vector.name);
        same += 1;
    }
    assert_eq!(same, 9);
}

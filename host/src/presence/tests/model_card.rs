//! A card as far as doors and attendance terminals see it, with faults to order; and what its terminals hold.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use onecard_wire::{
    aid,
    date::{Date, Moment, Time},
    key::KeyVersion,
    layout::Writer,
    number::{ApplicationSerial, EnterpriseId, TerminalNumber},
    record::{AccessRight, ApplicationType, CardStatus, EventRecord, Parameters, PublicData},
};

use crate::presence::{DenyList, Site, Tap};
use crate::{
    crypto::Key,
    keys::{EnterpriseKeys, KeySet, Purpose, diversify},
    sam::{CardFactors, SoftwareSam, SoftwareSamState},
    transport::{Transport, TransportError},
};

pub(crate) const VERSION: KeyVersion = KeyVersion(1);
pub(crate) const TERMINAL: TerminalNumber = TerminalNumber([0, 0, 0, 0, 0x12, 0x34]);

pub(crate) fn enterprise() -> EnterpriseId {
    "1000000000000001".parse().unwrap()
}

pub(crate) fn serial(number: u64) -> ApplicationSerial {
    ApplicationSerial::from_parts(31, 1, number).unwrap()
}

pub(crate) fn factors(number: u64) -> CardFactors {
    CardFactors { enterprise: enterprise(), serial: serial(number) }
}

pub(crate) fn date(text: &str) -> Date {
    Date::parse(text).unwrap()
}

/// Wednesday, 25 November 2026, at that time.
pub(crate) fn at(time: &str) -> Moment {
    Moment { date: date("2026-11-25"), time: Time::parse(time).unwrap() }
}

/// A tap with a challenge of its own.
pub(crate) fn tap(time: &str) -> Tap {
    let [hour, minute, second] = at(time).time.to_bytes();
    Tap { at: at(time), challenge: [0xC4, hour, minute, second, 5, 6, 7, 8] }
}

fn master(purpose: Purpose, version: KeyVersion) -> Key {
    let salt = (purpose as u8).wrapping_mul(11) ^ version.0;
    Key::from_bytes(std::array::from_fn(|at| (at as u8).wrapping_mul(37) ^ salt ^ 0x5A))
}

/// A SAM with these purposes in these versions.
pub(crate) fn sam_of(purposes: &[Purpose], versions: &[KeyVersion]) -> SoftwareSam {
    let names = purposes.iter().flat_map(|purpose| versions.iter().map(move |version| (*purpose, *version)));
    let set =
        names.fold(KeySet::default(), |set, (purpose, version)| set.with(purpose, version, master(purpose, version)));
    let state = SoftwareSamState {
        terminal: TERMINAL,
        next_sequence: 0,
        load_limit_fen: 0,
        last_load: None,
        last_purchase: None,
        randoms_made: 0,
    };
    SoftwareSam::new(EnterpriseKeys::new(enterprise(), set), VERSION, state)
}

pub(crate) fn site() -> Site {
    Site { enterprise: enterprise(), key_versions: vec![VERSION], deny_list: DenyList::new() }
}

/// What goes wrong with one command.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Fault {
    /// The card never sees it.
    LostCommand,
    /// The card executes it, the answer is lost.
    LostAnswer,
    /// The card never sees it, this comes back.
    Forged(Vec<u8>),
}

#[derive(Clone, Debug)]
pub(crate) struct ModelCard {
    pub(crate) public_data: PublicData,
    pub(crate) parameters: Parameters,
    pub(crate) rights: [[u8; AccessRight::LEN]; AccessRight::COUNT],
    /// EF 001B and 001A, newest first.
    pub(crate) logs: [Vec<EventRecord>; 2],
    /// Version of its keys.
    pub(crate) version: KeyVersion,
    /// Whose keys it really has: another card's number if it is a copy.
    pub(crate) keys_of: ApplicationSerial,
    /// Every command sent, executed or not.
    pub(crate) seen: Vec<Vec<u8>>,
    /// What comes of the command with that instruction, once.
    pub(crate) fault: Option<(u8, Fault)>,
    pub(crate) challenge: Option<[u8; 4]>,
}

impl ModelCard {
    pub(crate) fn new(number: u64) -> Self {
        let public_data = PublicData {
            enterprise: enterprise(),
            application_type: ApplicationType::BOTH,
            version: PublicData::VERSION_OWN,
            serial: serial(number),
            valid_from: date("2026-01-01"),
            valid_to: date("2026-12-31"),
            issuer_data: [0; 2],
        };
        Self {
            public_data,
            parameters: Parameters::UNLIMITED,
            rights: [[0; AccessRight::LEN]; AccessRight::COUNT],
            logs: [Vec::new(), Vec::new()],
            version: VERSION,
            keys_of: serial(number),
            seen: Vec::new(),
            fault: None,
            challenge: None,
        }
    }

    /// Commands since the last look.
    pub(crate) fn commands(&mut self) -> Vec<u8> {
        self.seen.drain(..).map(|command| command[1]).collect()
    }

    fn key(&self, purpose: Purpose) -> Key {
        diversify(&master(purpose, self.version), self.keys_of.to_bytes())
    }

    fn execute(&mut self, command: &[u8]) -> Vec<u8> {
        let challenge = self.challenge.take();
        let done = match command[..4] {
            [0x00, 0xA4, 0x04, 0x00] => self.select(&command[5..]),
            [0x00, 0x88, 0x00, id] => self.authenticate(id, &command[5..13], command[13]),
            [0x00, 0xB0, 0x99, 0x00] => Ok(self.rights.as_flattened().to_vec()),
            [0x00, 0xB0, 0x97, 0x00] => Ok(self.parameters.emit().to_vec()),
            [0x00, 0x84, 0x00, 0x00] => {
                self.challenge = Some([1, 2, 3, self.seen.len() as u8]);
                Ok(self.challenge.unwrap_or_default().to_vec())
            }
            [0x04, 0xE2, 0x00, 0xDC] => self.append(0, Purpose::AccessAppend, challenge, command),
            [0x04, 0xE2, 0x00, 0xD4] => self.append(1, Purpose::AttendanceAppend, challenge, command),
            [0x04, 0xD6, 0x97, 0x00] => self.mark(challenge, command),
            [0x04, 0xD6, 0x99, offset] => self.update(usize::from(offset), challenge, command),
            _ => Err([0x6D, 0x00]),
        };
        match done {
            Ok(data) => [&data[..], &[0x90, 0x00]].concat(),
            Err(status) => status.to_vec(),
        }
    }

    fn select(&self, data: &[u8]) -> Result<Vec<u8>, [u8; 2]> {
        let name = aid::enterprise_application(enterprise());
        if !data.starts_with(&name) {
            return Err([0x6A, 0x82]);
        }
        let fci: [u8; 53] = Writer::new()
            .put(&[0x6F, 51, 0x84, 14])
            .put(&name)
            .put(&[0xA5, 0x21, 0x9F, 0x0C, 0x1E])
            .put(&self.public_data.emit())
            .finish();
        Ok(fci.to_vec())
    }

    fn authenticate(&self, id: u8, challenge: &[u8], le: u8) -> Result<Vec<u8>, [u8; 2]> {
        if self.public_data.version == PublicData::VERSION_OWN && self.parameters.status != CardStatus::NORMAL {
            return Err([0x69, 0x85]);
        }
        assert_eq!(le, 8);
        let purpose = if id == 1 { Purpose::AccessAuthentication } else { Purpose::AttendanceAuthentication };
        Ok(self.key(purpose).encipher(challenge))
    }

    fn append(
        &mut self,
        log: usize,
        purpose: Purpose,
        challenge: Option<[u8; 4]>,
        command: &[u8],
    ) -> Result<Vec<u8>, [u8; 2]> {
        self.check(purpose, challenge, command)?;
        assert_eq!(command[4], 0x14);
        self.logs[log].insert(0, EventRecord::parse(&command[5..21]).unwrap());
        Ok(Vec::new())
    }

    fn update(&mut self, offset: usize, challenge: Option<[u8; 4]>, command: &[u8]) -> Result<Vec<u8>, [u8; 2]> {
        self.check(Purpose::Maintenance, challenge, command)?;
        assert_eq!(command[4], 0x14);
        self.rights[offset / AccessRight::LEN].copy_from_slice(&command[5..21]);
        Ok(Vec::new())
    }

    fn mark(&mut self, challenge: Option<[u8; 4]>, command: &[u8]) -> Result<Vec<u8>, [u8; 2]> {
        assert_eq!((command[4], command.len()), (0x0C, 17));
        self.check(Purpose::Maintenance, challenge, command)?;
        self.parameters.status = CardStatus(command[5]);
        self.parameters.blacklist_version = command[6..13].try_into().unwrap();
        Ok(Vec::new())
    }

    fn check(&self, purpose: Purpose, challenge: Option<[u8; 4]>, command: &[u8]) -> Result<(), [u8; 2]> {
        let [a, b, c, d] = challenge.ok_or([0x69, 0x85])?;
        let (message, sent) = command.split_last_chunk::<4>().unwrap();
        assert_eq!(usize::from(command[4]), command.len() - 5);
        let mac = self.key(purpose).line_mac([a, b, c, d, 0, 0, 0, 0], message);
        if mac == *sent { Ok(()) } else { Err([0x69, 0x88]) }
    }
}

impl Transport for ModelCard {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        self.seen.push(command.to_vec());
        let fault = self.fault.take_if(|(ins, _)| *ins == command[1]);
        match fault.map(|(_, fault)| fault) {
            None => Ok(self.execute(command)),
            Some(Fault::LostCommand) => Err(TransportError::NoAnswer),
            Some(Fault::LostAnswer) => {
                self.execute(command);
                Err(TransportError::CardRemoved)
            }
            Some(Fault::Forged(answer)) => Ok(answer),
        }
    }
}

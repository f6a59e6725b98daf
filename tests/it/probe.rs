//! A card or SAM whose memory can be looked at between two commands, and the shortest way to personalise it: everything in
//! clear, in the window without enforcement that ERASE DF opens.

use std::{cell::RefCell, rc::Rc};

use onecard_applet::{Card, Memory, Platform, PowerLost, Response};
use onecard_host::{
    apdu::Command,
    crypto::{DesKey, Key, LineKey},
    line_protection::{Challenge, enciphered, with_mac},
    transport::{Transport, TransportError},
};
use onecard_simulator::chip::{Blank, Chip, Kind, PoweredChip};
use onecard_wire::key::Algorithm;

/// Name of the application that [`Probe::application`] makes.
pub(crate) const NAME: &str = "F04F4E4543011000000000000001";
/// FID of the application that [`Probe::application`] makes.
pub(crate) const DIRECTORY: &str = "DF01";

/// A card under power.
pub(crate) struct Probe {
    card: Option<Card<Socket>>,
    chip: Socket,
}

/// The chip, shared by the card that runs on it and whoever looks at it.
#[derive(Clone)]
struct Socket(Rc<RefCell<Option<PoweredChip>>>);

/// An answer: data and status word.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) data: Vec<u8>,
    pub(crate) status: u16,
}

impl std::fmt::Debug for Reply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {:04X}", hex::encode_upper(&self.data), self.status)
    }
}

impl Probe {
    /// A chip as sold.
    pub(crate) fn blank(kind: Kind) -> Self {
        let blank = if kind == Kind::Sam { Blank::Sam } else { Blank::CpuCard };
        Self::insert(Chip::blank(blank, 0x1CA8D).unwrap())
    }

    /// Any chip.
    pub(crate) fn insert(chip: Chip) -> Self {
        let chip = Socket(Rc::new(RefCell::new(Some(chip.power_on()))));
        Self { card: Some(power_up(&chip)), chip }
    }

    /// An erased MF, its window open. The transport key is shown by a published exchange: key FF × 8, an 8-byte challenge.
    pub(crate) fn erased(kind: Kind) -> Self {
        let mut probe = Self::blank(kind);
        assert_eq!(probe.challenge("53FD1F262EC4E6E2"), bytes("53FD1F262EC4E6E2"));
        probe.done("0082000008 A0DBBFC1192FF24A");
        probe.done("800E000000");
        probe
    }

    /// An empty application with a key file, selected for the first time: its window is open. A protected MF file may be
    /// made before by `in_mf`.
    pub(crate) fn application_after(kind: Kind, in_mf: impl FnOnce(&mut Self)) -> Self {
        Self::application_of(kind, Algorithm::Des, in_mf)
    }

    /// The same, its keys of the types 36 to 39 of `algorithm`.
    pub(crate) fn application_of(kind: Kind, algorithm: Algorithm, in_mf: impl FnOnce(&mut Self)) -> Self {
        let mut probe = Self::erased(kind);
        in_mf(&mut probe);
        probe.done(&format!("80E0{DIRECTORY}16 38 FFFF F0F0 95 FFFF {NAME}"));
        probe.done(&format!("00A4000002 {DIRECTORY}"));
        probe.create("0000", &format!("3F 0200 95 F0 FF {:02X}", algorithm.key_file_byte()));
        probe
    }

    /// The same, with nothing in the MF.
    pub(crate) fn application(kind: Kind) -> Self {
        Self::application_after(kind, |_| ())
    }

    /// CREATE FILE in the current directory.
    pub(crate) fn create(&mut self, fid: &str, data: &str) {
        let data = bytes(data);
        self.done(&format!("80E0{fid}{:02X}{}", data.len(), hex::encode(data)));
    }

    /// WRITE KEY in clear: a new key.
    pub(crate) fn key(&mut self, id: u8, header: &str, value: &[u8]) {
        let record = [bytes(header), value.to_vec()].concat();
        self.done(&format!("80D401{id:02X}{:02X}{}", record.len(), hex::encode(record)));
    }

    /// GET CHALLENGE whose answer is `random`.
    pub(crate) fn challenge(&mut self, random: &str) -> Vec<u8> {
        let random = bytes(random);
        self.inject(&random);
        self.done(&format!("00840000{:02X}", random.len()))
    }

    /// Sends `command` with a MAC by `key`, after a GET CHALLENGE of its own.
    pub(crate) fn send_with_mac(&mut self, command: &Command, key: &LineKey) -> Reply {
        let challenge = self.fresh_challenge();
        self.send(&with_mac(command, challenge, &mut key.clone()).unwrap().to_bytes())
    }

    /// Sends `command` enciphered and with a MAC by `key`, after a GET CHALLENGE of its own.
    pub(crate) fn send_enciphered(&mut self, command: &Command, key: &LineKey) -> Reply {
        let challenge = self.fresh_challenge();
        self.send(&enciphered(command, challenge, key).unwrap().to_bytes())
    }

    pub(crate) fn fresh_challenge(&mut self) -> Challenge {
        Challenge::from_random(self.done("0084000004").try_into().unwrap())
    }

    /// One command.
    pub(crate) fn send(&mut self, command: &[u8]) -> Reply {
        let mut answer = Response::new();
        self.card.as_mut().unwrap().process(command, &mut answer).unwrap();
        let (data, status) = answer.split_last_chunk::<2>().unwrap();
        Reply { data: data.to_vec(), status: u16::from_be_bytes(*status) }
    }

    /// One command in hexadecimal.
    pub(crate) fn ask(&mut self, command: &str) -> Reply {
        self.send(&bytes(command))
    }

    /// A command that must be done; its answer.
    #[track_caller]
    pub(crate) fn done(&mut self, command: &str) -> Vec<u8> {
        let reply = self.ask(command);
        assert_eq!(reply.status, 0x9000, "{command}");
        reply.data
    }

    /// A command that must be refused with `status`, without data, and without a single programming operation.
    #[track_caller]
    pub(crate) fn refused(&mut self, status: u16, command: &str) {
        let (image, operations) = (self.image(), self.operations());
        let reply = self.ask(command);
        assert_eq!((reply.status, reply.data), (status, vec![]), "{command}");
        assert_eq!(self.operations(), operations, "{command} wrote");
        assert!(self.image() == image, "{command} changed the memory");
    }

    /// From now on the card draws these bytes.
    pub(crate) fn inject(&self, random: &[u8]) {
        self.chip.0.borrow_mut().as_mut().unwrap().chip_mut().inject_random(random);
    }

    /// The memory.
    pub(crate) fn image(&self) -> Vec<u8> {
        self.chip.0.borrow().as_ref().unwrap().chip().image().to_vec()
    }

    /// Programming operations since the power-up.
    pub(crate) fn operations(&self) -> u64 {
        self.chip.0.borrow().as_ref().unwrap().chip().operations()
    }

    /// Power off and on.
    pub(crate) fn power_cycle(&mut self) {
        drop(self.card.take());
        let chip = self.chip.0.borrow_mut().take().unwrap();
        *self.chip.0.borrow_mut() = Some(chip.power_off().power_on());
        self.card = Some(power_up(&self.chip));
    }

    /// The chip without power.
    pub(crate) fn into_chip(mut self) -> Chip {
        drop(self.card.take());
        self.chip.0.take().unwrap().power_off()
    }

    /// A second card with the same past, just powered up.
    pub(crate) fn copy(&self) -> Self {
        Self::insert(self.chip.0.borrow().as_ref().unwrap().chip().snapshot())
    }
}

impl Transport for Probe {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        let Reply { mut data, status } = self.send(command);
        data.extend(status.to_be_bytes());
        Ok(data)
    }
}

/// From hexadecimal, blanks anywhere.
#[track_caller]
pub(crate) fn bytes(text: &str) -> Vec<u8> {
    let digits: String = text.split_whitespace().collect();
    hex::decode(&digits).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// A key of 8 or 16 bytes as the host library holds it.
pub(crate) fn line_key(value: &[u8]) -> LineKey {
    match value.len() {
        8 => DesKey::from_bytes(value.try_into().unwrap()).into(),
        _ => Key::from_bytes(value.try_into().unwrap()).into(),
    }
}

fn power_up(chip: &Socket) -> Card<Socket> {
    Card::power_up(chip.clone()).unwrap_or_else(|dead| panic!("{:?}", dead.cause))
}

impl Memory for Socket {
    fn size(&self) -> usize {
        self.0.borrow().as_ref().unwrap().size()
    }

    fn read(&self, address: usize, into: &mut [u8]) {
        self.0.borrow().as_ref().unwrap().read(address, into);
    }

    fn program(&mut self, address: usize, bytes: &[u8]) -> Result<(), PowerLost> {
        self.0.borrow_mut().as_mut().unwrap().program(address, bytes)
    }
}

impl Platform for Socket {
    fn random(&mut self, into: &mut [u8]) {
        self.0.borrow_mut().as_mut().unwrap().random(into);
    }
}

//! From power-up to the idle screen, as a phone does it (TS 102 221 clause 14, TS 31.102 clause 5.1).

use onecard_host::apdu::{Command, Response};
use onecard_wire::{
    ins,
    status::StatusWord,
    toolkit::{self, TERMINAL_PROFILE},
};
use zeroize::Zeroizing;

use super::{
    Handset, Session,
    error::{Complaint, HandsetError},
    fcp::Fcp,
    socket::{Discretion, Socket},
};

/// What the phone has read of its card.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Identity {
    /// Digits of EF.ICCID.
    pub iccid: Option<String>,
    /// AID of the USIM, from EF.DIR.
    pub aid: Vec<u8>,
    /// Digits of EF.IMSI.
    pub imsi: Option<String>,
    /// Languages that the card prefers, two letters each (EF.LI, or EF.PL).
    pub languages: Vec<String>,
    /// Files that a phone looks for and this card has not.
    pub missing: Vec<&'static str>,
}

/// PIN1: four to eight digits; erased when it is dropped, and not printed.
#[derive(Clone)]
pub struct Pin(Zeroizing<Vec<u8>>);

impl Pin {
    /// From its digits.
    #[must_use]
    pub fn parse(digits: &str) -> Option<Self> {
        let fits = (4..=8).contains(&digits.len()) && digits.bytes().all(|digit| digit.is_ascii_digit());
        fits.then(|| Self(Zeroizing::new(digits.as_bytes().to_vec())))
    }

    /// As VERIFY PIN carries it (TS 102 221 clause 9.5.1).
    fn padded(&self) -> Zeroizing<[u8; 8]> {
        let mut bytes = Zeroizing::new([0xFF; 8]);
        for (byte, digit) in bytes.iter_mut().zip(self.0.iter()) {
            *byte = *digit;
        }
        bytes
    }
}

impl std::fmt::Debug for Pin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pin(..)")
    }
}

impl<S: Socket> Handset<S> {
    /// Switches the phone on: reads the card, shows its PIN, tells the terminal profile, and does what the card's toolkit
    /// asks for at once.
    ///
    /// # Errors
    /// [`HandsetError`], above all if there is no USIM or its PIN is wanted.
    pub fn boot(&mut self) -> Result<(), HandsetError> {
        self.power_up_card()?;
        self.serve()
    }

    /// Up to TERMINAL PROFILE; what the card wants then still waits.
    pub(super) fn power_up_card(&mut self) -> Result<(), HandsetError> {
        self.session = None;
        self.line.reset()?;
        let identity = self.read_card()?;
        self.session = Some(Session::new(identity, self.line.now));
        self.tell_profile()
    }

    /// Reads the card again from its master file; the toolkit's session goes on.
    pub(super) fn initialize_again(&mut self) -> Result<(), HandsetError> {
        let identity = self.read_card()?;
        if let Some(session) = &mut self.session {
            session.identity = identity;
        }
        Ok(())
    }

    fn read_card(&mut self) -> Result<Identity, HandsetError> {
        let mut identity = Identity::default();
        let mf = self.select_required("SELECT MF", 0x00, &[0x3F, 0x00], "a UICC has a master file")?;
        identity.iccid = self.read_binary("EF.ICCID", ICCID, &mut identity.missing)?.as_deref().map(iccid);
        let preferred = self.read_binary("EF.PL", PL, &mut identity.missing)?;
        if mf.wants_terminal_capability {
            // Additional interfaces: none (TS 102 221 clause 11.1.19).
            let command = Command::new(toolkit::CLA, 0xAA, 0, 0).with_data(&[0xA9, 0x03, 0x82, 0x01, 0x00]);
            self.told("TERMINAL CAPABILITY", &command)?;
        }
        identity.aid = self.find_usim()?;
        let usim = self.select_required("SELECT ADF.USIM", 0x04, &identity.aid.clone(), "a phone needs its USIM")?;
        if usim.pin_enabled.or(mf.pin_enabled) == Some(true) {
            self.verify_pin()?;
        }
        let languages = self.read_binary("EF.LI", LI, &mut identity.missing)?;
        identity.languages = languages.or(preferred).as_deref().map(languages_of).unwrap_or_default();
        for (name, file) in [("EF.UST", UST), ("EF.AD", AD), ("EF.ACC", ACC), ("EF.SPN", SPN)] {
            self.read_binary(name, file, &mut identity.missing)?;
        }
        identity.imsi = self.read_binary("EF.IMSI", IMSI, &mut identity.missing)?.as_deref().map(imsi);
        let ready = Command::new(toolkit::CLA, STATUS, APPLICATION_INITIALIZED, NO_DATA).expecting(0);
        self.told("STATUS", &ready)?;
        Ok(identity)
    }

    fn tell_profile(&mut self) -> Result<(), HandsetError> {
        let command = Command::new(toolkit::CLA, TERMINAL_PROFILE, 0, 0);
        let command = with_bytes(command, self.settings.profile.bytes())?;
        // From here on 91xx is welcome, the answer to this very command included.
        self.line.profile_sent = true;
        self.told("TERMINAL PROFILE", &command).map(drop)
    }

    /// The AID of the first USIM in EF.DIR (TS 102 221 clause 13.1; TS 101 220: RID of 3GPP, application code 1002).
    fn find_usim(&mut self) -> Result<Vec<u8>, HandsetError> {
        const USIM: [u8; 7] = [0xA0, 0x00, 0x00, 0x00, 0x87, 0x10, 0x02];
        let refused = |status| HandsetError::Refused {
            command: "READ RECORD EF.DIR".to_owned(),
            status,
            expected: "EF.DIR names a USIM, A0000000871002…",
        };
        let fcp = self.select_required("SELECT EF.DIR", 0x00, &DIR, "EF.DIR names the applications")?;
        let mut status = StatusWord::RECORD_NOT_FOUND;
        for number in 1..=fcp.records.map_or(0, |(_, count)| count) {
            let length = fcp.records.map_or(0, |(length, _)| length);
            let command = Command::new(ins::CLA_ISO, ins::READ_RECORD, number, 0x04).expecting(length);
            let response = self.line.send("READ RECORD EF.DIR", &command, Discretion::Open)?;
            status = response.status;
            if let [0x61, _, 0x4F, length, rest @ ..] = response.data.as_slice() {
                let aid = rest.get(..usize::from(*length)).unwrap_or_default();
                if aid.starts_with(&USIM) {
                    return Ok(aid.to_vec());
                }
            }
        }
        Err(refused(status))
    }

    fn verify_pin(&mut self) -> Result<(), HandsetError> {
        let header = Command::new(ins::CLA_ISO, ins::VERIFY, 0, 0x01);
        let Some(pin) = self.settings.pin.clone() else {
            let asked = self.line.send("VERIFY PIN (tries)", &header, Discretion::Open)?;
            return Err(HandsetError::PinWanted(asked.status));
        };
        let command = header.with_data(&pin.padded());
        let response = self.line.send("VERIFY PIN", &command, Discretion::Secret)?;
        if response.status.is_ok() { Ok(()) } else { Err(HandsetError::PinRefused(response.status)) }
    }

    fn select_required(
        &mut self,
        name: &'static str,
        p1: u8,
        file: &[u8],
        expected: &'static str,
    ) -> Result<Fcp, HandsetError> {
        let response = self.select(name, p1, file)?;
        if !response.status.is_ok() {
            return Err(HandsetError::Refused { command: name.to_owned(), status: response.status, expected });
        }
        let command = || name.to_owned();
        Fcp::parse(&response.data).map_err(|defect| HandsetError::Unreadable { command: command(), defect })
    }

    fn select(&mut self, name: &str, p1: u8, file: &[u8]) -> Result<Response, HandsetError> {
        let command = with_bytes(Command::new(ins::CLA_ISO, ins::SELECT, p1, RETURN_FCP), file)?.expecting(0);
        self.line.send(name, &command, Discretion::Open)
    }

    /// A transparent EF of the current directory, up to 256 bytes; `None` if it is not there or may not be read.
    fn read_binary(
        &mut self,
        name: &'static str,
        file: [u8; 2],
        missing: &mut Vec<&'static str>,
    ) -> Result<Option<Vec<u8>>, HandsetError> {
        let selected = self.select(&format!("SELECT {name}"), 0x00, &file)?;
        if !selected.status.is_ok() {
            missing.push(name);
            return Ok(None);
        }
        let fcp = Fcp::parse(&selected.data);
        let fcp = fcp.map_err(|defect| HandsetError::Unreadable { command: format!("SELECT {name}"), defect })?;
        // 256 and more: all that one command gives.
        let length = fcp.size.and_then(|size| u8::try_from(size).ok()).unwrap_or(0);
        let command = Command::new(ins::CLA_ISO, ins::READ_BINARY, 0, 0).expecting(length);
        let response = self.line.send(&format!("READ BINARY {name}"), &command, Discretion::Open)?;
        if !response.status.is_ok() {
            missing.push(name);
            return Ok(None);
        }
        Ok(Some(response.data))
    }

    /// Sends what the card has to take; a refusal is complained of.
    pub(super) fn told(&mut self, name: &str, command: &Command) -> Result<Response, HandsetError> {
        let response = self.line.send(name, command, Discretion::Open)?;
        if !response.status.is_ok() {
            let refused = Complaint::Refused { command: name.to_owned(), status: response.status };
            self.line.complaints.push(refused);
        }
        Ok(response)
    }

    /// STATUS, by which the card gets its turn.
    pub(super) fn poll(&mut self) -> Result<(), HandsetError> {
        let command = Command::new(toolkit::CLA, STATUS, 0, NO_DATA).expecting(0);
        self.told("STATUS", &command).map(drop)
    }
}

const ICCID: [u8; 2] = [0x2F, 0xE2];
const PL: [u8; 2] = [0x2F, 0x05];
const DIR: [u8; 2] = [0x2F, 0x00];
const LI: [u8; 2] = [0x6F, 0x05];
const IMSI: [u8; 2] = [0x6F, 0x07];
const UST: [u8; 2] = [0x6F, 0x38];
const SPN: [u8; 2] = [0x6F, 0x46];
const ACC: [u8; 2] = [0x6F, 0x78];
const AD: [u8; 2] = [0x6F, 0xAD];

/// INS of STATUS (TS 102 221 clause 11.1.2).
const STATUS: u8 = 0xF2;
/// P1 of STATUS: the application is initialized in the phone.
const APPLICATION_INITIALIZED: u8 = 0x01;
/// P2 of STATUS: no data in the answer.
const NO_DATA: u8 = 0x0C;
/// P2 of SELECT: file control parameters in the answer.
const RETURN_FCP: u8 = 0x04;

pub(super) fn with_bytes(command: Command, data: &[u8]) -> Result<Command, HandsetError> {
    command.with_bytes(data).map_err(|_| HandsetError::TooLong(data.len()))
}

/// Digits swapped in pairs, F at the end (TS 102 221 clause 13.2).
fn iccid(bytes: &[u8]) -> String {
    let halves = bytes.iter().flat_map(|byte| [byte & 0x0F, byte >> 4]);
    halves.take_while(|half| *half < 10).map(|half| char::from(b'0' + half)).collect()
}

/// Length, then digits swapped in pairs behind a parity digit (TS 31.102 clause 4.2.2).
fn imsi(bytes: &[u8]) -> String {
    let halves = bytes.iter().skip(1).flat_map(|byte| [byte & 0x0F, byte >> 4]).skip(1);
    halves.take_while(|half| *half < 10).map(|half| char::from(b'0' + half)).collect()
}

fn languages_of(bytes: &[u8]) -> Vec<String> {
    let pairs = bytes.chunks_exact(2).filter(|pair| pair.iter().all(u8::is_ascii_alphabetic));
    pairs.map(|pair| String::from_utf8_lossy(pair).into_owned()).collect()
}

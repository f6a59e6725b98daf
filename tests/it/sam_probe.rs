//! A SAM under the probe: terminal number, terminal sequence and load limit where a test wants them.

use onecard_applet::Kind;
use onecard_host::{
    apdu::Command,
    crypto::{Key, LineKey},
};
use onecard_wire::{
    key::AlgorithmId,
    sam::{LoadLimit, SequenceRecord},
};

use crate::probe::{DIRECTORY, Probe};

const CONTROL_KEY: [u8; 16] = hex_literal::hex!("39C0FFEE0123456789ABCDEF02468ACE");

/// A SAM whose application is selected.
pub(crate) struct SamProbe {
    pub(crate) probe: Probe,
    control_key: LineKey,
}

impl SamProbe {
    /// Of no particular terminal.
    pub(crate) fn new() -> Self {
        Self::of_terminal(crate::purse::TERMINAL, 0)
    }

    /// The next purchase gets `next_sequence`.
    pub(crate) fn of_terminal(terminal: [u8; 6], next_sequence: u32) -> Self {
        Self::with_control_key(terminal, next_sequence, &Key::from_bytes(CONTROL_KEY))
    }

    /// The same under a control key.
    pub(crate) fn with_control_key(terminal: [u8; 6], next_sequence: u32, control_key: &Key) -> Self {
        let mut probe = Probe::application_of(Kind::Sam, control_key.algorithm(), |mf| {
            mf.create("0016", "28 0006 F0F0 FF FF");
            mf.done(&format!("00D6960006{}", hex::encode(terminal)));
        });
        probe.key(0x00, "39F0F00FFF", control_key.expose());
        probe.create("0018", &format!("2E 10{:02X} F0EF FF FF", SequenceRecord::LEN));
        if next_sequence != 0 {
            let rest = "00".repeat(SequenceRecord::LEN - 4);
            probe.done(&format!("00E200C4{:02X}{next_sequence:08X}{rest}", SequenceRecord::LEN));
        }
        probe.create("0019", &format!("28 {:04X} F0F0 FF FF", LoadLimit::LEN));
        Self { probe, control_key: control_key.clone().into() }
    }

    /// WRITE KEY in the SAM's form: a triple DES key.
    pub(crate) fn write_key(&mut self, usage: u8, version: u8, key: &[u8]) {
        self.write_key_of(usage, version, AlgorithmId::TRIPLE_DES, key);
    }

    /// The same for a key of any cipher.
    pub(crate) fn write_key_of(&mut self, usage: u8, version: u8, algorithm: AlgorithmId, key: &[u8]) {
        let body = [&[usage, version, algorithm.0], key].concat();
        let command = Command::new(0x84, 0xD4, 0x00, 0x00).with_bytes(&body).unwrap();
        let reply = self.probe.send_enciphered(&command, &self.control_key);
        assert_eq!(reply.status, 0x9000);
    }

    /// The terminal sequence the next purchase gets.
    pub(crate) fn next_sequence(&mut self) -> u32 {
        let record = self.probe.ask("00B201C400");
        record.data.first_chunk().map_or(0, |bytes| u32::from_be_bytes(*bytes))
    }

    pub(crate) fn set_limit(&mut self, fen: u32) {
        self.probe.done(&format!("00D6990004{fen:08X}"));
    }

    pub(crate) fn limit(&mut self) -> u32 {
        u32::from_be_bytes(self.probe.done("00B0990004").try_into().unwrap())
    }

    /// After a power-up.
    pub(crate) fn select(probe: &mut Probe) {
        probe.done(&format!("00A4000002{DIRECTORY}"));
    }
}

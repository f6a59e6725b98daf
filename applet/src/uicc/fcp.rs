//! File control parameters (TS 102 221 clause 11.1.1.4): those of EFs are made by the compiler, those of directories say
//! which PINs are enabled and are made when they are asked for.

use onecard_wire::{
    fid::Fid,
    status::StatusWord,
    uicc::{PinReference, fcp::*},
};

use super::{
    access::Rule,
    files::{Directory, Structure},
};
use crate::apdu::{Response, put};

/// UICC characteristics: clock stop allowed, at 3 V and below.
const CHARACTERISTICS: u8 = 0x71;
/// Supported commands: TERMINAL CAPABILITY.
const TERMINAL_CAPABILITY: u8 = 0x01;
/// The longest of an EF: with records and SFI.
const EF_LEN_MAX: usize = 28;

/// The parameters of an EF, ready to send.
pub(super) struct Fcp {
    bytes: [u8; EF_LEN_MAX],
    len: u8,
}

impl Fcp {
    /// `sfi` 0: none; `arr`: the EF ARR that has the rule.
    pub(super) const fn of_ef(fid: Fid, sfi: u8, structure: Structure, size: u16, arr: Fid, rule: Rule) -> Self {
        let ([f0, f1], [a0, a1], [s0, s1]) = (fid.0.to_be_bytes(), arr.0.to_be_bytes(), size.to_be_bytes());
        let empty = Self { bytes: [TEMPLATE; EF_LEN_MAX], len: 2 };
        let described = match structure {
            Structure::Transparent => empty.with([DESCRIPTOR, 2, TRANSPARENT, DATA_CODING]),
            Structure::LinearFixed { record_len } => empty.with(records(LINEAR_FIXED, record_len, size)),
            Structure::Cyclic { record_len } => empty.with(records(CYCLIC, record_len, size)),
        };
        let named = described.with([FID, 2, f0, f1]).with([LIFE_CYCLE, 1, ACTIVATED]);
        let ruled = named.with([ACCESS_RULE, 3, a0, a1, rule.record]).with([SIZE, 2, s0, s1]);
        if sfi == 0 { ruled.with([SFI, 0]) } else { ruled.with([SFI, 1, sfi << 3]) }
    }

    #[expect(clippy::indexing_slicing, reason = "done by the compiler, which refuses an index out of range")]
    const fn with<const N: usize>(mut self, object: [u8; N]) -> Self {
        let mut at = 0;
        while at < N {
            self.bytes[self.len as usize] = object[at];
            self.len += 1;
            at += 1;
        }
        self.bytes[1] = self.len - 2;
        self
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or_default()
    }
}

/// Descriptor of an EF of records: kind, length and number of the records.
const fn records(kind: u8, record_len: u8, size: u16) -> [u8; 7] {
    [DESCRIPTOR, 5, kind, DATA_CODING, 0, record_len, (size / record_len as u16) as u8]
}

/// Appends the parameters of a directory.
///
/// # Errors
/// 6F00: a fault of this program.
pub(super) fn put_directory(
    directory: &Directory,
    pin1_enabled: bool,
    answer: &mut Response,
) -> Result<(), StatusWord> {
    let [f0, f1] = directory.fid.0.to_be_bytes();
    let [a0, a1] = Fid::MF_ARR.0.to_be_bytes();
    put(answer, &[TEMPLATE, directory.fcp_len(), DESCRIPTOR, 2, DIRECTORY, DATA_CODING])?;
    match directory.aid {
        Some(aid) => {
            put(answer, &[AID, aid.len() as u8])?;
            put(answer, aid)?;
        }
        None => put(answer, &[FID, 2, f0, f1])?,
    }
    put(answer, &[PROPRIETARY, 6, 0x80, 1, CHARACTERISTICS, 0x87, 1, TERMINAL_CAPABILITY])?;
    put(answer, &[LIFE_CYCLE, 1, ACTIVATED, ACCESS_RULE, 3, a0, a1, Rule::DIRECTORY.record])?;
    // The first reference's is the highest bit.
    let enabled = if pin1_enabled { 0xE0 } else { 0x60 };
    let [pin1, pin2, adm1] = [PinReference::PIN1, PinReference::PIN2, PinReference::ADM1].map(|pin| pin.0);
    put(answer, &[PIN_STATUS, 12, 0x90, 1, enabled, 0x83, 1, pin1, 0x83, 1, pin2, 0x83, 1, adm1])
}

impl Directory {
    /// Length of what is in the template.
    fn fcp_len(&self) -> u8 {
        let name = self.aid.map_or(2, <[u8]>::len) as u8;
        4 + (2 + name) + 8 + 8 + 14
    }
}

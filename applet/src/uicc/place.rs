//! Where the UICC's data lie in its region of the memory: each place begins where the one before ends.

use crate::nvm::{
    PAGE_SIZE,
    map::{UICC, UICC_LEN},
    ring::Ring,
};

/// Bytes of the memory.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) address: usize,
    pub(super) len: usize,
}

impl Place {
    const fn then(self, len: usize) -> Self {
        Self { address: self.address + self.len, len }
    }
}

/// Three PINs: PIN1, PIN2, ADM1.
const PINS: usize = 3;
/// Cells that take turns for each PIN's state, one page.
const PIN_STATES: Place = Place { address: UICC, len: PINS * PAGE_SIZE };
/// Code and unblocking code of each PIN, 8 bytes each.
const PIN_CODES: Place = PIN_STATES.then(PINS * 16);
/// K ‖ OPc.
pub(super) const SUBSCRIBER: Place = PIN_CODES.then(32);
/// Highest sequence number accepted for each index, 6 bytes each (TS 33.102 annex C.1.2).
pub(super) const SEQUENCE_NUMBERS: Place = SUBSCRIBER.then(32 * 6);

/// Where a PIN's state takes turns.
pub(super) const fn pin_states(pin: usize) -> Ring {
    Ring { address: PIN_STATES.address + pin * PAGE_SIZE, cell_len: 8, cells: PAGE_SIZE / 8 }
}

/// Where a PIN's code and unblocking code are.
pub(super) const fn pin_codes(pin: usize) -> usize {
    PIN_CODES.address + pin * 16
}

// Bodies of files. One body may be in two directories: the phone finds the same content by either.
pub(super) const ICCID: Place = SEQUENCE_NUMBERS.then(10);
pub(super) const PL: Place = ICCID.then(4);
pub(super) const IMSI: Place = PL.then(9);
pub(super) const AD: Place = IMSI.then(4);
pub(super) const UST: Place = AD.then(11);
pub(super) const EST: Place = UST.then(1);
pub(super) const KEYS: Place = EST.then(33);
pub(super) const KEYS_PS: Place = KEYS.then(33);
pub(super) const ACC: Place = KEYS_PS.then(2);
pub(super) const LOCI: Place = ACC.then(11);
pub(super) const PSLOCI: Place = LOCI.then(14);
pub(super) const EPSLOCI: Place = PSLOCI.then(18);
pub(super) const EPSNSC: Place = EPSLOCI.then(80);
pub(super) const HPPLMN: Place = EPSNSC.then(1);
pub(super) const FPLMN: Place = HPPLMN.then(12);
pub(super) const PLMN_W_ACT: Place = FPLMN.then(8 * 5);
pub(super) const OPLMN_W_ACT: Place = PLMN_W_ACT.then(8 * 5);
pub(super) const HPLMN_W_ACT: Place = OPLMN_W_ACT.then(5);
pub(super) const ECC: Place = HPLMN_W_ACT.then(5 * 4);
pub(super) const SPN: Place = ECC.then(17);
pub(super) const LI: Place = SPN.then(4);
pub(super) const START_HFN: Place = LI.then(6);
pub(super) const THRESHOLD: Place = START_HFN.then(3);
pub(super) const MSISDN: Place = THRESHOLD.then(28);
pub(super) const SMSP: Place = MSISDN.then(42);
pub(super) const SMSS: Place = SMSP.then(2);
pub(super) const SST: Place = SMSS.then(8);
pub(super) const KC: Place = SST.then(9);
pub(super) const BCCH: Place = KC.then(16);
pub(super) const PHASE: Place = BCCH.then(1);
/// Which of the records is the newest, then the records.
pub(super) const LND: Place = PHASE.then(1 + 5 * 28);
pub(super) const SMS: Place = LND.then(10 * 176);

const _: () = assert!(SMS.address + SMS.len <= UICC + UICC_LEN);

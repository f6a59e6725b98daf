//! Access rules: what opens a file, said by EF ARR and enforced from the same table (TS 102 221 clause 9.2.4).

use onecard_wire::uicc::PinReference;

/// What opens a file for one kind of access.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Right {
    Always,
    Pin1,
    Pin2,
    Adm1,
    Never,
}

/// Both rights of a file, and the record of EF ARR that says them. Nothing else than reading and updating is allowed in any
/// file, so no record names anything else.
#[derive(Clone, Copy)]
pub(super) struct Rule {
    pub(super) record: u8,
    pub(super) read: Right,
    pub(super) update: Right,
}

impl Rule {
    pub(super) const READ_ONLY: Self = Self { record: 1, read: Right::Always, update: Right::Never };
    pub(super) const OPERATORS: Self = Self { record: 2, read: Right::Always, update: Right::Adm1 };
    pub(super) const USERS: Self = Self { record: 3, read: Right::Always, update: Right::Pin1 };
    pub(super) const SUBSCRIPTION: Self = Self { record: 4, read: Right::Pin1, update: Right::Adm1 };
    pub(super) const PHONES: Self = Self { record: 5, read: Right::Pin1, update: Right::Pin1 };
    pub(super) const RESTRICTED: Self = Self { record: 6, read: Right::Pin1, update: Right::Pin2 };
    /// Of the MF, a DF or an ADF: nothing is created or deleted in it.
    pub(super) const DIRECTORY: Self = Self { record: 7, read: Right::Never, update: Right::Never };
}

/// Length of a record of EF ARR, filled up by FF.
pub(super) const ARR_RECORD_LEN: usize = 24;

/// EF ARR, the same in the MF and in the USIM.
pub(super) const ARR: [[u8; ARR_RECORD_LEN]; 7] = [
    said(Rule::READ_ONLY),
    said(Rule::OPERATORS),
    said(Rule::USERS),
    said(Rule::SUBSCRIPTION),
    said(Rule::PHONES),
    said(Rule::RESTRICTED),
    said(Rule::DIRECTORY),
];

/// A rule as EF ARR says it (ISO/IEC 7816-4 clause 5.4.3.2): access modes, then what they need. What is not named is not
/// allowed; the record of directories names their modes even so, as an empty record is none.
const fn said(rule: Rule) -> [u8; ARR_RECORD_LEN] {
    /// Access mode byte of an EF.
    const READ: u8 = 0x01;
    const UPDATE: u8 = 0x02;
    /// Access mode byte of a directory: create or delete in it, delete or terminate itself.
    const ANYTHING: u8 = 0x7F;
    let record = [0xFF; ARR_RECORD_LEN];
    match (rule.read, rule.update) {
        (Right::Never, Right::Never) => said_of(record, 0, ANYTHING, Right::Never).0,
        (Right::Pin1, Right::Pin1) => said_of(record, 0, READ | UPDATE, Right::Pin1).0,
        (read, update) => {
            let (record, used) = said_of(record, 0, READ, read);
            said_of(record, used, UPDATE, update).0
        }
    }
}

#[expect(clippy::indexing_slicing, reason = "done by the compiler, which refuses an index out of range")]
const fn said_of(
    mut record: [u8; ARR_RECORD_LEN],
    used: usize,
    modes: u8,
    right: Right,
) -> ([u8; ARR_RECORD_LEN], usize) {
    const MODES: u8 = 0x80;
    const ALWAYS: u8 = 0x90;
    const NEVER: u8 = 0x97;
    let (condition, length): ([u8; 8], usize) = match right {
        Right::Always => ([ALWAYS, 0, 0, 0, 0, 0, 0, 0], 2),
        Right::Never => ([NEVER, 0, 0, 0, 0, 0, 0, 0], 2),
        Right::Pin1 => (verified(PinReference::PIN1), 8),
        Right::Pin2 => (verified(PinReference::PIN2), 8),
        Right::Adm1 => (verified(PinReference::ADM1), 8),
    };
    (record[used], record[used + 1], record[used + 2]) = (MODES, 1, modes);
    let mut at = 0;
    while at < length {
        record[used + 3 + at] = condition[at];
        at += 1;
    }
    (record, used + 3 + length)
}

/// A control reference template: user authentication by that PIN.
const fn verified(pin: PinReference) -> [u8; 8] {
    [0xA4, 0x06, 0x83, 0x01, pin.0, 0x95, 0x01, 0x08]
}

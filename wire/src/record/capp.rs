//! A record of EF 001C, compound-purchase (CAPP) data: `type id 1 ‖ length 1 ‖ lock 1 ‖ data` (JR/T 0025.9; traced cards).

/// A whole record as it stands in the file, its lengths checked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CappRecord<'a> {
    /// CAPP type id: the record's tag.
    pub type_id: u8,
    /// 00: open; anything else: UPDATE CAPP DATA CACHE answers 9407.
    pub lock: u8,
    /// What the application keeps there.
    pub data: &'a [u8],
}

impl<'a> CappRecord<'a> {
    /// Bytes in front of the data.
    pub const HEAD_LEN: usize = 3;
    /// A record anyone with the purchase key may change.
    pub const OPEN: u8 = 0x00;

    /// From a record; `None` unless its length byte counts what follows it.
    #[must_use]
    pub fn parse(record: &'a [u8]) -> Option<Self> {
        match record {
            [type_id, length, lock, data @ ..] if usize::from(*length) == data.len() + 1 => {
                Some(Self { type_id: *type_id, lock: *lock, data })
            }
            _ => None,
        }
    }
}

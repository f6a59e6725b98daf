//! Application identifiers (profile §2): the proprietary RID, a kind byte, the enterprise id.

use crate::{layout::Writer, number::EnterpriseId};

/// The proprietary RID of the one-card.
pub const RID: [u8; 5] = [0xF0, 0x4F, 0x4E, 0x45, 0x43];
/// Name of the master file.
pub const MF_NAME: [u8; 14] = *b"1PAY.SYS.DDF01";

/// Name of an enterprise's application on a member's card.
#[must_use]
pub fn enterprise_application(id: EnterpriseId) -> [u8; 14] {
    name(0x01, id)
}

/// Name of an enterprise's application on a SAM.
#[must_use]
pub fn sam_application(id: EnterpriseId) -> [u8; 14] {
    name(0x02, id)
}

fn name(kind: u8, id: EnterpriseId) -> [u8; 14] {
    Writer::new().put(&RID).u8(kind).put(&id.to_bytes()).finish()
}

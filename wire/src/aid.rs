//! Application identifiers (profile §2): the proprietary RID, a kind byte, the enterprise id.

use crate::{layout::Writer, number::EnterpriseId};

/// The proprietary RID of the one-card.
pub const RID: [u8; 5] = [0xF0, 0x4F, 0x4E, 0x45, 0x43];
/// Name of the master file.
pub const MF_NAME: [u8; 14] = *b"1PAY.SYS.DDF01";

/// The issuer domain of a RFID-SIM (GlobalPlatform Card Specification 2.3 annex F).
pub const ISSUER_DOMAIN: [u8; 8] = [0xA0, 0x00, 0x00, 0x01, 0x51, 0x00, 0x00, 0x00];
/// The same by the name that older tools select.
pub const ISSUER_DOMAIN_OLDER: [u8; 8] = [0xA0, 0x00, 0x00, 0x00, 0x03, 0x00, 0x00, 0x00];
/// The toolkit applet of a RFID-SIM.
pub const TOOLKIT_APPLET: [u8; 6] = [0xF0, 0x4F, 0x4E, 0x45, 0x43, 0x11];

/// Whether `name` is one of the issuer domain's.
#[must_use]
pub fn is_issuer_domain(name: &[u8]) -> bool {
    name == ISSUER_DOMAIN || name == ISSUER_DOMAIN_OLDER
}

/// Name of an enterprise's application on a member's card.
#[must_use]
pub fn enterprise_application(id: EnterpriseId) -> [u8; 14] {
    name(ENTERPRISE, id)
}

/// Whether `name` is that of some enterprise's application on a member's card.
#[must_use]
pub fn is_enterprise_application(name: &[u8]) -> bool {
    matches!(name.strip_prefix(&RID), Some([ENTERPRISE, id @ ..]) if id.len() == 8)
}

/// Name of an enterprise's application on a SAM.
#[must_use]
pub fn sam_application(id: EnterpriseId) -> [u8; 14] {
    name(0x02, id)
}

/// Name of an enterprise's key master card.
#[must_use]
pub fn key_master_card(id: EnterpriseId) -> [u8; 14] {
    name(KEY_MASTER, id)
}

/// Name of an enterprise's mother authentication card.
#[must_use]
pub fn mother_authentication_card(id: EnterpriseId) -> [u8; 14] {
    name(MOTHER_AUTHENTICATION, id)
}

/// Name of a blank key master card.
pub const BLANK_KEY_MASTER_CARD: [u8; 6] = blank(KEY_MASTER);
/// Name of a blank mother authentication card.
pub const BLANK_MOTHER_AUTHENTICATION_CARD: [u8; 6] = blank(MOTHER_AUTHENTICATION);

/// Kind byte of an enterprise's application on a member's card.
const ENTERPRISE: u8 = 0x01;
/// Kind byte of a key master card.
const KEY_MASTER: u8 = 0x03;
/// Kind byte of a mother authentication card.
const MOTHER_AUTHENTICATION: u8 = 0x04;

const fn blank(kind: u8) -> [u8; 6] {
    let [a, b, c, d, e] = RID;
    [a, b, c, d, e, kind]
}

fn name(kind: u8, id: EnterpriseId) -> [u8; 14] {
    Writer::new().put(&RID).u8(kind).put(&id.to_bytes()).finish()
}

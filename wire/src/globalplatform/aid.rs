//! Application identifiers of domains and of what enterprise applications are made of (profile §2, §6).

use crate::aid::RID;

/// The issuer domain.
pub const ISSUER_DOMAIN: [u8; 8] = [0xA0, 0x00, 0x00, 0x01, 0x51, 0x00, 0x00, 0x00];
/// The name by which older tools select the issuer domain.
pub const ISSUER_DOMAIN_ALIAS: [u8; 8] = [0xA0, 0x00, 0x00, 0x00, 0x03, 0x00, 0x00, 0x00];
/// Load file of the enterprise application.
pub const ENTERPRISE_LOAD_FILE: [u8; 6] = with_suffix([0x00]);
/// Its module.
pub const ENTERPRISE_MODULE: [u8; 6] = with_suffix([0x01]);
/// The toolkit applet.
pub const TOOLKIT: [u8; 6] = with_suffix([0x11]);

/// Shortest AID in bytes (ISO/IEC 7816-4 clause 12.2.3).
pub const MIN_LEN: usize = 5;
/// Longest AID in bytes.
pub const MAX_LEN: usize = 16;

const fn with_suffix(suffix: [u8; 1]) -> [u8; 6] {
    let [a, b, c, d, e] = RID;
    let [last] = suffix;
    [a, b, c, d, e, last]
}

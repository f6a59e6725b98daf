//! INSTALL (11.5), and the parameters an enterprise application is made with (profile §6).

use crate::{
    key::AlgorithmId,
    layout::{Reader, Writer},
};

/// P1: for load.
pub const FOR_LOAD: u8 = 0x02;
/// P1: for install.
pub const FOR_INSTALL: u8 = 0x04;
/// P1: for make selectable.
pub const FOR_MAKE_SELECTABLE: u8 = 0x08;
/// P1: for install and make selectable.
pub const FOR_INSTALL_AND_MAKE_SELECTABLE: u8 = 0x0C;
/// P1: for extradition.
pub const FOR_EXTRADITION: u8 = 0x10;
/// P1: for personalization.
pub const FOR_PERSONALIZATION: u8 = 0x20;
/// P1: for registry update.
pub const FOR_REGISTRY_UPDATE: u8 = 0x40;
/// P1: bit 8, more INSTALL commands follow.
pub const MORE: u8 = 0x80;

/// The value of C9 that makes an enterprise application: its control key, enciphered as PUT KEY enciphers keys.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EnterpriseParameters {
    /// Algorithm byte of the control key, and the last byte of the key file.
    pub algorithm: AlgorithmId,
    /// The control key under the DEK.
    pub enciphered_key: [u8; 16],
    /// Its check value.
    pub check_value: [u8; 3],
}

impl EnterpriseParameters {
    /// Length in bytes.
    pub const LEN: usize = 20;

    /// From the value of C9; `None` if it is of another length.
    #[must_use]
    pub fn parse(value: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(value);
        let algorithm = AlgorithmId(reader.u8()?);
        let enciphered_key = reader.array()?;
        let check_value = reader.array()?;
        reader.end(Self { algorithm, enciphered_key, check_value })
    }

    /// The value of C9.
    #[must_use]
    pub fn to_bytes(self) -> [u8; Self::LEN] {
        Writer::new().u8(self.algorithm.0).put(&self.enciphered_key).put(&self.check_value).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_read_as_written() {
        let parameters = EnterpriseParameters {
            algorithm: AlgorithmId(0x06),
            enciphered_key: *b"0123456789abcdef",
            check_value: [0xA1, 0xA2, 0xA3],
        };
        let bytes = parameters.to_bytes();
        assert_eq!((bytes.first(), bytes.last()), (Some(&0x06), Some(&0xA3)));
        assert_eq!(EnterpriseParameters::parse(&bytes), Some(parameters));
        assert_eq!(bytes.split_last().and_then(|(_, shorter)| EnterpriseParameters::parse(shorter)), None);
        assert_eq!(EnterpriseParameters::parse(&[bytes.as_slice(), &[0]].concat()), None);
    }
}

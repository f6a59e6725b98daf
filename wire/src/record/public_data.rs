//! EF 0015, public application data (JR/T 0025 layout; FMCOS 2.0 user manual p. 140).

use crate::{
    date::Date,
    layout::{Reader, Writer},
    number::{ApplicationSerial, EnterpriseId},
};

/// Which purses the application has: byte 9 of EF 0015.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ApplicationType(pub u8);

impl ApplicationType {
    /// ED alone.
    pub const ED: Self = Self(0x01);
    /// EP alone.
    pub const EP: Self = Self(0x02);
    /// Both.
    pub const BOTH: Self = Self(0x03);
}

/// EF 0015: what a terminal learns from one SELECT.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PublicData {
    /// Issuer: the enterprise.
    pub enterprise: EnterpriseId,
    /// Purses of the application.
    pub application_type: ApplicationType,
    /// [`Self::VERSION_OWN`] says that this profile's own parts are there.
    pub version: u8,
    /// The card's serial, right-aligned in 10 bytes.
    pub serial: ApplicationSerial,
    /// First day of validity.
    pub valid_from: Date,
    /// Last day of validity.
    pub valid_to: Date,
    /// Issuer's own FCI bytes.
    pub issuer_data: [u8; 2],
}

impl PublicData {
    /// Length of the file.
    pub const LEN: usize = 30;
    /// Where the version stands.
    pub const VERSION_AT: usize = 9;
    /// Where the serial stands, 10 bytes.
    pub const SERIAL_AT: usize = 10;
    /// Version of an application with this profile's own parts.
    pub const VERSION_OWN: u8 = 0x02;

    /// The serial's 8 bytes, whatever digits they are.
    #[must_use]
    pub fn serial_of(content: &[u8; Self::LEN]) -> [u8; 8] {
        let [.., a, b, c, d, e, f, g, h, _, _, _, _, _, _, _, _, _, _] = *content;
        [a, b, c, d, e, f, g, h]
    }

    /// From the file's content; `None` if a field has no such value (an application not yet issued is all zero).
    #[must_use]
    pub fn parse(content: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(content);
        let parsed = Self {
            enterprise: EnterpriseId::from_bytes(reader.array()?)?,
            application_type: ApplicationType(reader.u8()?),
            version: reader.u8()?,
            serial: reader
                .array::<2>()
                .filter(|padding| *padding == [0; 2])
                .and_then(|_| reader.array())
                .and_then(ApplicationSerial::from_bytes)?,
            valid_from: Date::from_bytes(reader.array()?)?,
            valid_to: Date::from_bytes(reader.array()?)?,
            issuer_data: reader.array()?,
        };
        reader.end(parsed)
    }

    /// As in the file.
    #[must_use]
    pub fn emit(&self) -> [u8; Self::LEN] {
        Writer::new()
            .put(&self.enterprise.to_bytes())
            .put(&[self.application_type.0, self.version, 0, 0])
            .put(&self.serial.to_bytes())
            .put(&self.valid_from.to_bytes())
            .put(&self.valid_to.to_bytes())
            .put(&self.issuer_data)
            .finish()
    }
}

/// What a card asks of EF 0015 at each transaction, whatever else stands there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Validity {
    /// Application version.
    pub version: u8,
    /// First day of validity, BCD.
    pub valid_from: [u8; 4],
    /// Last day of validity, BCD.
    pub valid_to: [u8; 4],
}

impl Validity {
    /// From the file's content.
    #[must_use]
    pub fn parse(content: &[u8; PublicData::LEN]) -> Option<Self> {
        let mut reader = Reader::new(content);
        let (_enterprise, _application_type) = (reader.array::<8>()?, reader.u8()?);
        let version = reader.u8()?;
        let _serial = reader.array::<10>()?;
        Some(Self { version, valid_from: reader.array()?, valid_to: reader.array()? })
    }
}

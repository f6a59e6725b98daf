//! An entry of EF 0019, access rights (own, profile §3.1).

use crate::{
    date::Date,
    layout::{Reader, Writer},
    number::ApplicationSerial,
};

/// A zone of doors.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Zone(pub u16);

impl Zone {
    /// In an entry: every zone.
    pub const ALL: Self = Self(0xFFFF);
}

/// One of the fourteen entries: where its holder may enter, when, and the issuer's MAC over it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AccessRight {
    /// Zone; [`Zone::ALL`] for all. An empty entry has zone 0000 and does not parse.
    pub zone: Zone,
    /// 00: always; else a row of the terminal's schedule table.
    pub schedule: u8,
    /// [`Self::ANTI_PASSBACK`]; the other bits are zero.
    pub flags: u8,
    /// First day.
    pub valid_from: Date,
    /// Last day.
    pub valid_to: Date,
    /// Static MAC: line-protection MAC, IV 0, over [`Self::mac_input`] by the card's rights key.
    pub mac: [u8; 4],
}

impl AccessRight {
    /// Length of an entry.
    pub const LEN: usize = 16;
    /// Entries of the file.
    pub const COUNT: usize = 14;
    /// Length of EF 0019.
    pub const FILE_LEN: usize = Self::LEN * Self::COUNT;
    /// Flag, bit 1: out is needed before the next in, among the zone's doors.
    pub const ANTI_PASSBACK: u8 = 0x01;
    /// Length of what the static MAC covers: serial ‖ the first 12 bytes.
    pub const MAC_INPUT_LEN: usize = 20;

    /// From an entry; `None` for an empty one, and for dates that do not exist.
    #[must_use]
    pub fn parse(entry: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(entry);
        let zone = reader.u16().filter(|zone| *zone != 0).map(Zone)?;
        let parsed = Self {
            zone,
            schedule: reader.u8()?,
            flags: reader.u8()?,
            valid_from: Date::from_bytes(reader.array()?)?,
            valid_to: Date::from_bytes(reader.array()?)?,
            mac: reader.array()?,
        };
        reader.end(parsed)
    }

    /// As in the file.
    #[must_use]
    pub fn emit(&self) -> [u8; Self::LEN] {
        Writer::new().put(&self.head()).put(&self.mac).finish()
    }

    /// What the static MAC covers.
    #[must_use]
    pub fn mac_input(&self, serial: ApplicationSerial) -> [u8; Self::MAC_INPUT_LEN] {
        Writer::new().put(&serial.to_bytes()).put(&self.head()).finish()
    }

    /// Whose right it is and its last day, by what the static MAC covers; `None` if there is no such serial or date.
    #[must_use]
    pub fn holder_and_last_day(mac_input: &[u8; Self::MAC_INPUT_LEN]) -> Option<(ApplicationSerial, Date)> {
        let mut reader = Reader::new(mac_input);
        let holder = ApplicationSerial::from_bytes(reader.array()?)?;
        let (_zone, _schedule, _flags) = (reader.u16()?, reader.u8()?, reader.u8()?);
        let _first_day = Date::from_bytes(reader.array()?)?;
        let last_day = Date::from_bytes(reader.array()?)?;
        reader.end((holder, last_day))
    }

    fn head(&self) -> [u8; 12] {
        Writer::new()
            .u16(self.zone.0)
            .put(&[self.schedule, self.flags])
            .put(&self.valid_from.to_bytes())
            .put(&self.valid_to.to_bytes())
            .finish()
    }
}

//! The names of keys in a key master card.

/// What a master key is for: one code for each purpose (profile §4). Bit 8 marks the operator's keys.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum KeyCode {
    /// A key of the enterprise.
    Enterprise(EnterpriseKey),
    /// A key of the operator for this enterprise; it replaces a target's first control key and is never sent itself.
    Operator(OperatorKey),
}

/// A key of the enterprise, which goes to cards or SAMs (4.2.3, 7.3.1).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum EnterpriseKey {
    /// Control key of an application, 39 id 00.
    Control = 0x01,
    /// Reading, 39 id 01.
    Reading = 0x02,
    /// Maintenance, 36 id 00.
    Maintenance = 0x03,
    /// Attendance append, 36 id 02.
    AttendanceAppend = 0x04,
    /// Access append, 36 id 03.
    AccessAppend = 0x05,
    /// PIN unblock, 37 id 00.
    PinUnblock = 0x06,
    /// PIN reload, 38 id 00.
    PinReload = 0x07,
    /// TAC, 34 id 00.
    Tac = 0x08,
    /// Purchase, 3E id 01.
    Purchase = 0x09,
    /// Load with PIN, 3F id 01.
    Load = 0x0A,
    /// Load over the air, without PIN, 3F id 11.
    LoadForAir = 0x0B,
    /// Unload of the ED, 3D id 01.
    UnloadEd = 0x0C,
    /// Unload of the EP, 3D id 02.
    UnloadEp = 0x0D,
    /// Overdraft update, 3C id 01.
    Overdraft = 0x0E,
    /// Purchase cancel, 33 id 01.
    Cancel = 0x0F,
    /// Internal authentication at doors, 30 id 01.
    AccessAuthentication = 0x10,
    /// Internal authentication at attendance terminals, 30 id 02.
    AttendanceAuthentication = 0x11,
    /// Static MAC of access rights; on no card, in the SAMs of doors.
    Rights = 0x12,
    /// A SAM application's control key, usage 00.
    SamMaster = 0x13,
    /// A SAM application's maintenance key, usage 01.
    SamMaintenance = 0x14,
}

/// A key of the operator for one enterprise.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum OperatorKey {
    /// Control key of the enterprise's applications on cards and SIMs until they are washed.
    Management = 0x81,
    /// Control key of the enterprise's applications on SAMs until they are washed.
    SamManagement = 0x82,
}

impl KeyCode {
    /// Every code, in ascending order.
    pub const ALL: [Self; 22] = [
        Self::Enterprise(EnterpriseKey::Control),
        Self::Enterprise(EnterpriseKey::Reading),
        Self::Enterprise(EnterpriseKey::Maintenance),
        Self::Enterprise(EnterpriseKey::AttendanceAppend),
        Self::Enterprise(EnterpriseKey::AccessAppend),
        Self::Enterprise(EnterpriseKey::PinUnblock),
        Self::Enterprise(EnterpriseKey::PinReload),
        Self::Enterprise(EnterpriseKey::Tac),
        Self::Enterprise(EnterpriseKey::Purchase),
        Self::Enterprise(EnterpriseKey::Load),
        Self::Enterprise(EnterpriseKey::LoadForAir),
        Self::Enterprise(EnterpriseKey::UnloadEd),
        Self::Enterprise(EnterpriseKey::UnloadEp),
        Self::Enterprise(EnterpriseKey::Overdraft),
        Self::Enterprise(EnterpriseKey::Cancel),
        Self::Enterprise(EnterpriseKey::AccessAuthentication),
        Self::Enterprise(EnterpriseKey::AttendanceAuthentication),
        Self::Enterprise(EnterpriseKey::Rights),
        Self::Enterprise(EnterpriseKey::SamMaster),
        Self::Enterprise(EnterpriseKey::SamMaintenance),
        Self::Operator(OperatorKey::Management),
        Self::Operator(OperatorKey::SamManagement),
    ];

    /// From its byte; `None` if no key has it.
    #[must_use]
    pub fn from_byte(byte: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.to_byte() == byte)
    }

    /// As on the wire.
    #[must_use]
    pub const fn to_byte(self) -> u8 {
        match self {
            Self::Enterprise(key) => key as u8,
            Self::Operator(key) => key as u8,
        }
    }
}

impl From<EnterpriseKey> for KeyCode {
    fn from(key: EnterpriseKey) -> Self {
        Self::Enterprise(key)
    }
}

impl From<OperatorKey> for KeyCode {
    fn from(key: OperatorKey) -> Self {
        Self::Operator(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_its_own_and_bit_8_is_the_operators() {
        assert!(KeyCode::ALL.is_sorted_by(|left, right| left.to_byte() < right.to_byte()));
        for code in KeyCode::ALL {
            assert_eq!(KeyCode::from_byte(code.to_byte()), Some(code));
            assert_eq!(code.to_byte() & 0x80 != 0, matches!(code, KeyCode::Operator(_)));
        }
        assert_eq!((KeyCode::from_byte(0x00), KeyCode::from_byte(0x15)), (None, None));
    }
}

//! What a terminal has a SAM's working keys make (PBOC PSAM, DES CRYPT): cryptograms that a genuine card answers with, and
//! MACs of what doors and attendance terminals write.

use onecard_wire::sam::UsageKind;

use crate::keys::Purpose;

/// Whose INTERNAL AUTHENTICATE is answered.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum AuthenticationUse {
    /// At a door: key 30 id 01.
    Access,
    /// At an attendance terminal: key 30 id 02.
    Attendance,
}

/// What a line-protection MAC is for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum LineKeyUse {
    /// APPEND RECORD to the access log: key 36 id 03.
    AccessAppend,
    /// APPEND RECORD to the attendance log: key 36 id 02.
    AttendanceAppend,
    /// Static MAC of an access right: a key that is on no card.
    Rights,
}

impl AuthenticationUse {
    /// Every use.
    pub const ALL: [Self; 2] = [Self::Access, Self::Attendance];

    /// The SAM's kind of key.
    #[must_use]
    pub const fn kind(self) -> UsageKind {
        match self {
            Self::Access => UsageKind::ACCESS_AUTHENTICATION,
            Self::Attendance => UsageKind::ATTENDANCE_AUTHENTICATION,
        }
    }

    /// What the key is for.
    #[must_use]
    pub const fn purpose(self) -> Purpose {
        match self {
            Self::Access => Purpose::AccessAuthentication,
            Self::Attendance => Purpose::AttendanceAuthentication,
        }
    }
}

impl LineKeyUse {
    /// Every use.
    pub const ALL: [Self; 3] = [Self::AccessAppend, Self::AttendanceAppend, Self::Rights];

    /// The SAM's kind of key.
    #[must_use]
    pub const fn kind(self) -> UsageKind {
        match self {
            Self::AccessAppend => UsageKind::ACCESS_APPEND,
            Self::AttendanceAppend => UsageKind::ATTENDANCE_APPEND,
            Self::Rights => UsageKind::RIGHTS,
        }
    }

    /// What the key is for.
    #[must_use]
    pub const fn purpose(self) -> Purpose {
        match self {
            Self::AccessAppend => Purpose::AccessAppend,
            Self::AttendanceAppend => Purpose::AttendanceAppend,
            Self::Rights => Purpose::Rights,
        }
    }
}

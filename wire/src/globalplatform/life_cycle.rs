//! Life cycle states (11.1.1, tables 11-3 to 11-6).

/// Life cycle of the card, which is the issuer domain's (5.1).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct CardState(pub u8);

impl CardState {
    /// OP_READY.
    pub const OP_READY: Self = Self(0x01);
    /// INITIALIZED.
    pub const INITIALIZED: Self = Self(0x07);
    /// SECURED.
    pub const SECURED: Self = Self(0x0F);
    /// CARD_LOCKED.
    pub const CARD_LOCKED: Self = Self(0x7F);
    /// TERMINATED: for good.
    pub const TERMINATED: Self = Self(0xFF);

    /// The standard's name, where it has one.
    #[must_use]
    pub const fn name(self) -> Option<&'static str> {
        Some(match self {
            Self::OP_READY => "OP_READY",
            Self::INITIALIZED => "INITIALIZED",
            Self::SECURED => "SECURED",
            Self::CARD_LOCKED => "CARD_LOCKED",
            Self::TERMINATED => "TERMINATED",
            _ => return None,
        })
    }
}

/// Life cycle of an application or a supplementary domain (5.3).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct ApplicationState(pub u8);

impl ApplicationState {
    /// INSTALLED.
    pub const INSTALLED: Self = Self(0x03);
    /// SELECTABLE.
    pub const SELECTABLE: Self = Self(0x07);
    /// PERSONALIZED, of a domain.
    pub const PERSONALIZED: Self = Self(0x0F);
    /// Bit 8 of any of them: LOCKED.
    pub const LOCKED: u8 = 0x80;

    /// Whether it is found by SELECT: SELECTABLE or beyond, and not locked.
    #[must_use]
    pub const fn is_selectable(self) -> bool {
        self.0 & Self::SELECTABLE.0 == Self::SELECTABLE.0 && !self.is_locked()
    }

    /// Whether it is locked.
    #[must_use]
    pub const fn is_locked(self) -> bool {
        self.0 & Self::LOCKED != 0
    }

    /// The same state, locked.
    #[must_use]
    pub const fn locked(self) -> Self {
        Self(self.0 | Self::LOCKED)
    }

    /// The same state, not locked.
    #[must_use]
    pub const fn unlocked(self) -> Self {
        Self(self.0 & !Self::LOCKED)
    }
}

/// Life cycle of a load file: LOADED.
pub const LOADED: u8 = 0x01;

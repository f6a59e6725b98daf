//! EF 0017, one-card parameters (own, profile §3.1).

use crate::{
    amount::Amount,
    layout::{Reader, Writer},
};

/// Byte 1 of EF 0017.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CardStatus(pub u8);

impl CardStatus {
    /// In use.
    pub const NORMAL: Self = Self(0x00);
    /// Suspended.
    pub const SUSPENDED: Self = Self(0x01);
    /// Reported lost, or marked by a terminal.
    pub const LOST: Self = Self(0x03);
}

/// EF 0017. A limit of zero means none.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Parameters {
    /// Status.
    pub status: CardStatus,
    /// Version of the blacklist that marked the card.
    pub blacklist_version: [u8; 7],
    /// Last day the balance can be spent, BCD; zero = never expires.
    pub balance_expiry: [u8; 4],
    /// Highest balance.
    pub balance_max: Amount,
    /// Highest single purchase.
    pub purchase_max: Amount,
    /// Highest total a day.
    pub day_total_max: Amount,
    /// Amount above which the PIN must have been verified.
    pub pin_threshold: Amount,
    /// The card's own day, BCD; zero before the first.
    pub day: [u8; 4],
    /// Spent that day.
    pub spent: Amount,
}

impl Parameters {
    /// Length of the file.
    pub const LEN: usize = 36;
    /// Where `day` begins, and `spent` behind it: the card's own bytes.
    pub const DAY_AT: usize = 28;

    /// No limit, no expiry, in use.
    pub const UNLIMITED: Self = Self {
        status: CardStatus::NORMAL,
        blacklist_version: [0; 7],
        balance_expiry: [0; 4],
        balance_max: Amount::ZERO,
        purchase_max: Amount::ZERO,
        day_total_max: Amount::ZERO,
        pin_threshold: Amount::ZERO,
        day: [0; 4],
        spent: Amount::ZERO,
    };

    /// From the file's content.
    #[must_use]
    pub fn parse(content: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(content);
        let parsed = Self {
            status: CardStatus(reader.u8()?),
            blacklist_version: reader.array()?,
            balance_expiry: reader.array()?,
            balance_max: Amount::from_bytes(reader.array()?),
            purchase_max: Amount::from_bytes(reader.array()?),
            day_total_max: Amount::from_bytes(reader.array()?),
            pin_threshold: Amount::from_bytes(reader.array()?),
            day: reader.array()?,
            spent: Amount::from_bytes(reader.array()?),
        };
        reader.end(parsed)
    }

    /// As in the file.
    #[must_use]
    pub fn emit(&self) -> [u8; Self::LEN] {
        Writer::new()
            .u8(self.status.0)
            .put(&self.blacklist_version)
            .put(&self.balance_expiry)
            .put(&self.balance_max.to_bytes())
            .put(&self.purchase_max.to_bytes())
            .put(&self.day_total_max.to_bytes())
            .put(&self.pin_threshold.to_bytes())
            .put(&self.day)
            .put(&self.spent.to_bytes())
            .finish()
    }
}

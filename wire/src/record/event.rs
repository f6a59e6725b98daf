//! A record of EF 001A, the attendance log, and of EF 001B, the access log (own, profile §3.1).

use crate::{
    date::Moment,
    layout::{Reader, Writer},
    number::TerminalNumber,
};

/// What happened: byte 14 of a record.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct EventCode(pub u8);

impl EventCode {
    /// Attendance: in (上班).
    pub const IN: Self = Self(0x01);
    /// Attendance: out (下班).
    pub const OUT: Self = Self(0x02);
    /// Attendance: a break begins.
    pub const BREAK_BEGINS: Self = Self(0x03);
    /// Attendance: a break ends.
    pub const BREAK_ENDS: Self = Self(0x04);
    /// Access: in.
    pub const ACCESS_IN: Self = Self(0x11);
    /// Access: out.
    pub const ACCESS_OUT: Self = Self(0x12);
    /// Access: denied.
    pub const ACCESS_DENIED: Self = Self(0x1F);
}

/// One record: terminal 6 ‖ date 4 ‖ time 3 ‖ event 1 ‖ the terminal's own counter 2.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EventRecord {
    /// The terminal.
    pub terminal: TerminalNumber,
    /// Its date and time.
    pub moment: Moment,
    /// What happened.
    pub event: EventCode,
    /// The terminal's own counter.
    pub counter: u16,
}

impl EventRecord {
    /// Length of a record.
    pub const LEN: usize = 16;

    /// From a record.
    #[must_use]
    pub fn parse(record: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(record);
        let parsed = Self {
            terminal: TerminalNumber(reader.array()?),
            moment: Moment::from_bytes(reader.array()?)?,
            event: EventCode(reader.u8()?),
            counter: reader.u16()?,
        };
        reader.end(parsed)
    }

    /// As in the file.
    #[must_use]
    pub fn emit(&self) -> [u8; Self::LEN] {
        Writer::new().put(&self.terminal.0).put(&self.moment.to_bytes()).u8(self.event.0).u16(self.counter).finish()
    }
}

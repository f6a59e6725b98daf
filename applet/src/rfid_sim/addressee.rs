//! Whom a command over the contacts is for: its logical channel (ISO/IEC 7816-4 clause 5.4.1; TS 102 221 clause 8.7), and who on
//! it serves the command.

use onecard_wire::{
    aid::{self, TOOLKIT_APPLET},
    fid::Fid,
    ins::*,
    status::StatusWord,
    uicc::CLA_2G,
};

use crate::apdu::Command;

/// Who serves a command.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Addressee {
    /// Opens and closes channels.
    Channels,
    /// The toolkit: what the phone says to it comes outside of any application.
    Toolkit,
    /// The issuer domain, by SELECT.
    IssuerDomain,
    /// An enterprise application, by SELECT.
    Enterprises,
    /// The toolkit applet, by SELECT.
    ToolkitApplet,
    /// An application of the UICC, by SELECT.
    Usim,
    /// The UICC's files, whatever is current.
    Files,
    /// Whatever is current.
    Current,
}

impl Addressee {
    /// Of a command whose class has no channel any more.
    pub(super) fn of(command: &Command<'_>) -> Self {
        match (command.cla, command.ins) {
            (CLA_ISO, MANAGE_CHANNEL) => Self::Channels,
            (CLA_PBOC, TERMINAL_PROFILE | FETCH | TERMINAL_RESPONSE | ENVELOPE) => Self::Toolkit,
            (CLA_ISO, SELECT) if command.p1 == SELECT_BY_AID => match command.data {
                // No name at all is the issuer domain's too.
                name if name.is_empty() || aid::is_issuer_domain(name) => Self::IssuerDomain,
                name if aid::is_enterprise_application(name) => Self::Enterprises,
                name if name == TOOLKIT_APPLET => Self::ToolkitApplet,
                _ => Self::Usim,
            },
            _ if leads_to_files(command) => Self::Files,
            _ => Self::Current,
        }
    }
}

/// The channel of a class; `None` for one that has none.
pub(super) fn channel_of(mut cla: u8) -> Option<usize> {
    if cla == CLA_2G { Some(0) } else { take_channel(&mut cla).ok() }
}

/// Takes the channel's number out of CLA, so that applications need not know of channels.
pub(super) fn take_channel(cla: &mut u8) -> Result<usize, StatusWord> {
    match *cla {
        0x00..=0x0F | 0x80..=0x8F => {
            let number = *cla & 0x03;
            *cla &= !0x03;
            Ok(usize::from(number))
        }
        // Channels 4 to 19, of which there are none.
        0x40..=0x7F | 0xC0..=0xFE => Err(StatusWord::CHANNEL_NOT_SUPPORTED),
        _ => Err(StatusWord::CLA_NOT_SUPPORTED),
    }
}

/// Whether a command is for the UICC even if an applet is current: SELECT by path, with an FCP, of the MF or the current ADF;
/// TERMINAL CAPABILITY; and STATUS, which phones poll (the issuer domain's GET STATUS has other P1).
fn leads_to_files(command: &Command<'_>) -> bool {
    const CURRENT_ADF: [u8; 2] = [0x7F, 0xFF];
    match (command.cla, command.ins) {
        (CLA_ISO, SELECT) => {
            let of_applets = (command.p1, command.p2) == (0, 0);
            !of_applets || command.data == Fid::MF.0.to_be_bytes() || command.data == CURRENT_ADF
        }
        (CLA_PBOC, STATUS) => command.p1 <= 0x02,
        (CLA_PBOC, TERMINAL_CAPABILITY) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_channel_is_taken_out_of_the_class() {
        for (cla, expected) in [
            (0x00, Ok((0, 0x00))),
            (0x03, Ok((3, 0x00))),
            (0x86, Ok((2, 0x84))),
            (0x41, Err(StatusWord::CHANNEL_NOT_SUPPORTED)),
            (0xFF, Err(StatusWord::CLA_NOT_SUPPORTED)),
            (0x20, Err(StatusWord::CLA_NOT_SUPPORTED)),
        ] {
            let mut without = cla;
            assert_eq!(channel_of(cla), expected.ok().map(|(number, _)| number));
            assert_eq!(take_channel(&mut without).map(|number| (number, without)), expected, "{cla:02X}");
        }
    }

    #[test]
    fn a_command_of_class_a0_is_on_the_basic_channel() {
        assert_eq!(channel_of(CLA_2G), Some(0));
    }
}

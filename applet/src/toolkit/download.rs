//! ENVELOPE (SMS-PP DOWNLOAD) (3GPP TS 31.111 clause 7.1.1), and the messages that carry proofs of receipt back.

use heapless::Vec;
use onecard_wire::{
    ins::ENVELOPE,
    status::StatusWord,
    toolkit::{code::Device, tag},
};

use super::{
    proactive::{ProactiveCommand, send_short_message},
    reply::parse_envelope,
    session::ToolkitSession,
};
use crate::{apdu::Command, ota::SERVICE_CENTRE_MAX};

/// What an ENVELOPE brings.
pub(crate) struct Download<'a> {
    /// TON and NPI, then swapped digits.
    pub(crate) service_centre: Option<Vec<u8, SERVICE_CENTRE_MAX>>,
    /// SMS-DELIVER.
    pub(crate) tpdu: &'a [u8],
}

impl<'a> Download<'a> {
    /// `None` if the command is another, or an ENVELOPE of another kind.
    ///
    /// # Errors
    /// 6A86; 6A80 if an object is missing.
    pub(crate) fn parse(command: &Command<'a>) -> Option<Result<Self, StatusWord>> {
        if command.ins != ENVELOPE || command.data.first() != Some(&tag::SMS_PP_DOWNLOAD) {
            return None;
        }
        Some(
            command
                .require_p1p2(0x00, 0x00)
                .and_then(|()| Self::of_envelope(command.data).ok_or(StatusWord::WRONG_DATA)),
        )
    }

    fn of_envelope(envelope: &'a [u8]) -> Option<Self> {
        let (_, objects) = parse_envelope(envelope)?;
        let devices = objects.value(tag::DEVICE_IDENTITIES)?;
        (devices == [Device::NETWORK.0, Device::UICC.0]).then_some(())?;
        let service_centre = match objects.value(tag::ADDRESS) {
            None | Some([]) => None,
            Some(address) => Some(Vec::from_slice(address).ok()?),
        };
        Some(Self { service_centre, tpdu: objects.value(tag::SMS_TPDU)? })
    }
}

impl ToolkitSession {
    /// The next message of a proof, shown to nobody.
    pub(super) fn next_of_proof(&mut self, number: u8) -> Option<Result<ProactiveCommand, StatusWord>> {
        let proof = self.proof.as_mut()?;
        match proof.next() {
            Ok(Some(message)) => Some(send_short_message(number, "", proof.to.service_centre.as_deref(), &message)),
            Ok(None) => {
                self.proof = None;
                None
            }
            Err(fault) => {
                self.proof = None;
                Some(Err(fault))
            }
        }
    }
}

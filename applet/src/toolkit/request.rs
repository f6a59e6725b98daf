//! The request to delete an application: what it says, and the proactive command that sends it (own, 15.6.6).

use heapless::Vec;
use onecard_wire::{
    aid,
    layout::Writer,
    ota::{request, tar},
    status::StatusWord,
};
use zeroize::Zeroizing;

use super::{
    applications::Application,
    proactive::{ProactiveCommand, send_short_message},
    reply::Digits,
    settings::{next_counter, platform},
    texts::{Label, Language},
};
use crate::{
    failure::{Failure, refuse},
    issuer_domain::packet_keys,
    nvm::{Journal, Memory},
    ota::{PacketHeader, SUBMIT_MAX, command_packet, submit},
    wallet::shown,
};

/// The message. Its counter is kept before it is made, and it is the same at every attempt: no counter is ever used with
/// other content.
///
/// # Errors
/// 6985 if the platform, its key set or the application is not there any more, or no counter is left.
pub(super) fn delete<M: Memory>(
    nvm: &mut Journal<M>,
    application: &Application,
    password: &Digits,
    language: Language,
) -> Result<Vec<u8, SUBMIT_MAX>, Failure> {
    let to = platform(nvm).ok_or(StatusWord::CONDITIONS_NOT_SATISFIED)?;
    let keys = packet_keys(nvm, to.key_set).ok_or(StatusWord::CONDITIONS_NOT_SATISFIED)?;
    let serial = shown(nvm, application.index).and_then(|shown| shown.serial);
    let Some(serial) = serial.filter(|_| application.entry(nvm).is_some()) else {
        return refuse(StatusWord::CONDITIONS_NOT_SATISFIED);
    };
    let body: Zeroizing<[u8; request::DELETE_LEN]> = Zeroizing::new(
        Writer::new()
            .put(&[request::MARK, request::DELETE])
            .put(&aid::enterprise_application(application.enterprise))
            .put(&serial)
            .put(password.padded())
            .put(language.letters())
            .finish(),
    );
    let [a, b, c, d] = next_counter(nvm)?.to_be_bytes();
    let header =
        PacketHeader { security: to.security, key_set: to.key_set, tar: tar::ENTERPRISE, counter: [0, a, b, c, d] };
    Ok(submit(&to.address, &command_packet(&keys, &header, &*body)?)?)
}

/// The command that sends a message.
pub(super) fn command<M: Memory>(
    nvm: &Journal<M>,
    number: u8,
    message: &[u8],
    language: Language,
) -> Result<ProactiveCommand, StatusWord> {
    let service_centre = platform(nvm).and_then(|platform| platform.service_centre);
    send_short_message(number, Label::Sending.text(language), service_centre.as_deref(), message)
}

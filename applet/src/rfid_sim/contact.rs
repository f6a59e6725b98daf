//! Which application a command over the contacts is for: logical channels (ISO/IEC 7816-4 clause 5.4.1; TS 102 221 clause
//! 8.7), SELECT by AID, and what belongs to the UICC itself.

use onecard_wire::{
    aid::{self, TOOLKIT_APPLET},
    fid::Fid,
    globalplatform::{DELETE, PUT_KEY, select as p2, tag},
    ins::*,
    status::StatusWord,
    uicc::CLA_2G,
};

use super::{
    RfidSim,
    enterprise::{Enterprise, ends_what_others_began},
};
use crate::{
    apdu::{Command, Response, put},
    failure::{Failure, refuse},
    fs::FileIndex,
    issuer_domain::{self, CardState, DomainSession, IssuerDomain},
    nvm::{Journal, Memory},
    platform::Platform,
    toolkit::{Toolkit, ToolkitSession},
    uicc::{PinSession, Selection, Uicc},
};

/// Channels over the contacts, the basic one included.
const CHANNELS: usize = 4;
/// The most directories that other sessions have selected: the other channels' and the radio's.
pub(super) type InUse = heapless::Vec<FileIndex, CHANNELS>;

/// The session of the contacts.
pub(super) struct Contact {
    channels: [Option<Channel>; CHANNELS],
    pins: PinSession,
    toolkit: ToolkitSession,
}

struct Channel {
    current: Current,
    /// Where the channel is in the UICC's files, whichever application is current.
    files: Selection,
}

/// The application a channel's commands are for.
#[expect(clippy::large_enum_variant, reason = "there is no heap to box it on")]
enum Current {
    /// The UICC's files, those of the USIM too.
    Files,
    IssuerDomain(DomainSession),
    Enterprise(Enterprise),
    /// It takes no commands; its life is in ENVELOPEs.
    ToolkitApplet,
}

impl Contact {
    pub(super) const fn new() -> Self {
        Self { channels: [Some(Channel::NEW), None, None, None], pins: PinSession::NEW, toolkit: ToolkitSession::NEW }
    }

    fn enterprises(&mut self, but: Option<usize>) -> impl Iterator<Item = &mut Enterprise> {
        let others = self.channels.iter_mut().enumerate().filter(move |(number, _)| Some(*number) != but);
        others.filter_map(|(_, channel)| match channel {
            Some(Channel { current: Current::Enterprise(enterprise), .. }) => Some(enterprise),
            _ => None,
        })
    }
}

impl Contact {
    /// The USIM's session on a channel is over: with the last one goes what its own PIN opened (TS 102 221 clause 9.5.1).
    fn end_usim_unless_selected(&mut self, had_usim: bool) {
        let selected = self.channels.iter().flatten().any(|channel| channel.files.has_application());
        if had_usim && !selected {
            self.pins.end_application();
        }
    }
}

impl Channel {
    const NEW: Self = Self { current: Current::Files, files: Selection::MF };
}

impl<P: Platform> RfidSim<P> {
    /// Ends what is begun in the same application elsewhere; `but` is the channel that asked, none for the radio.
    pub(super) fn end_transactions_of_others(&mut self, but: Option<usize>) {
        let asking = match but.map(|number| self.contact.channels.get(number)) {
            None => self.radio.selected(),
            Some(Some(Some(Channel { current: Current::Enterprise(enterprise), .. }))) => enterprise.selected(),
            Some(_) => None,
        };
        let Some(application) = asking else { return };
        self.contact.enterprises(but).for_each(|other| other.end_transaction_of(application));
        if but.is_some() {
            self.radio.end_transaction_of(application);
        }
    }

    pub(super) fn by_contact(&mut self, command: &[u8], answer: &mut Response) -> Result<StatusWord, Failure> {
        let mut command = match Command::parse_short(command) {
            Ok(command) => command,
            Err(wrong) => return self.refuse_malformed(command, wrong),
        };
        if issuer_domain::card_state(&self.nvm) == CardState::Terminated {
            return self.serve_terminated(&command, answer);
        }
        if command.cla == CLA_2G {
            let status = self.files_of(0)?.process_2g(&command, answer)?;
            return Ok(status);
        }
        let number = take_channel(&mut command.cla)?;
        if self.contact.channels.get(number).is_none_or(Option::is_none) {
            return refuse(StatusWord::CHANNEL_NOT_SUPPORTED);
        }
        match (command.cla, command.ins) {
            (CLA_ISO, MANAGE_CHANNEL) => self.manage_channel(number, &command, answer),
            (CLA_PBOC, TERMINAL_PROFILE | FETCH | TERMINAL_RESPONSE | ENVELOPE) => self.toolkit(&command, answer),
            (CLA_ISO, SELECT) if command.p1 == SELECT_BY_AID => self.select_by_aid(number, &command, answer),
            _ => self.serve_current(number, &command, answer),
        }
    }

    /// Nothing is left but the issuer domain, on every channel: files, PINs, toolkit and applications are as if they had never
    /// been there.
    fn serve_terminated(&mut self, command: &Command<'_>, answer: &mut Response) -> Result<StatusWord, Failure> {
        let mut command = *command;
        let number = take_channel(&mut command.cla)?;
        let Some(Some(channel)) = self.contact.channels.get_mut(number) else {
            return refuse(StatusWord::CHANNEL_NOT_SUPPORTED);
        };
        if (command.cla, command.ins, command.p1) == (CLA_ISO, SELECT, SELECT_BY_AID)
            && names_issuer_domain(command.data)
        {
            return self.select_issuer_domain(number, &command, answer);
        }
        if !matches!(channel.current, Current::IssuerDomain(_)) {
            channel.current = Current::IssuerDomain(DomainSession::default());
        }
        let Current::IssuerDomain(domain) = &mut channel.current else { return refuse(StatusWord::INTERNAL_ERROR) };
        IssuerDomain { nvm: &mut self.nvm, session: domain, in_use: &InUse::new() }.process(&command, answer)
    }

    /// What is begun belongs to the next command, one whose lengths do not agree too.
    fn refuse_malformed(&mut self, command: &[u8], wrong: StatusWord) -> Result<StatusWord, Failure> {
        let mut cla = command.first().copied().unwrap_or_default();
        let channel = take_channel(&mut cla).ok().and_then(|number| self.contact.channels.get_mut(number));
        if let Some(Some(Channel { current: Current::Enterprise(enterprise), .. })) = channel {
            enterprise.process(&mut self.nvm, Err(wrong), &mut Response::new())?;
        }
        refuse(wrong)
    }

    fn toolkit(&mut self, command: &Command<'_>, answer: &mut Response) -> Result<StatusWord, Failure> {
        let status = Toolkit { nvm: &mut self.nvm, session: &mut self.contact.toolkit }.process(command, answer)?;
        Ok(self.contact.toolkit.announce(status))
    }

    /// Opens a channel, or closes one.
    fn manage_channel(
        &mut self,
        from: usize,
        command: &Command<'_>,
        answer: &mut Response,
    ) -> Result<StatusWord, Failure> {
        command.require_data_len(0)?;
        let channels = &mut self.contact.channels;
        match (command.p1, command.p2) {
            (0x00, 0x00) => {
                command.require_answer_len(1)?;
                let free = channels.iter().position(Option::is_none).ok_or(StatusWord::FUNCTION_NOT_SUPPORTED)?;
                // From a channel other than the basic one the new channel begins where that one is (TS 102 221 clause 8.7).
                let files = channels.get(from).and_then(Option::as_ref).map(|channel| channel.files);
                let files = files.filter(|_| from != 0).unwrap_or(Selection::MF);
                if let Some(channel) = channels.get_mut(free) {
                    *channel = Some(Channel { current: Current::Files, files });
                }
                put(answer, &[free as u8])?;
            }
            (0x80, closed) => {
                let open = channels.get_mut(usize::from(closed)).filter(|_| closed != 0).and_then(Option::take);
                let had_usim = open.ok_or(StatusWord::WRONG_P1P2)?.files.has_application();
                self.contact.end_usim_unless_selected(had_usim);
            }
            _ => return refuse(StatusWord::WRONG_P1P2),
        }
        Ok(self.contact.toolkit.announce(StatusWord::OK))
    }

    /// SELECT by AID. One that fails leaves the channel as it was, but for a transaction begun.
    fn select_by_aid(
        &mut self,
        number: usize,
        command: &Command<'_>,
        answer: &mut Response,
    ) -> Result<StatusWord, Failure> {
        let name = command.data;
        if names_issuer_domain(name) {
            return self.select_issuer_domain(number, command, answer);
        }
        if aid::is_enterprise_application(name) {
            return self.select_enterprise(number, command, answer);
        }
        if name == TOOLKIT_APPLET {
            put_toolkit_fci(command, answer)?;
            self.make_current(number, Current::ToolkitApplet);
            return Ok(StatusWord::OK);
        }
        let mut files = self.files_of(number)?;
        let had_usim = files.selection.has_application();
        let status = files.select_application(command, answer)?;
        self.make_current(number, Current::Files);
        self.contact.end_usim_unless_selected(had_usim);
        Ok(self.contact.toolkit.announce(status))
    }

    fn select_issuer_domain(
        &mut self,
        number: usize,
        command: &Command<'_>,
        answer: &mut Response,
    ) -> Result<StatusWord, Failure> {
        let mut domain = DomainSession::default();
        let status =
            IssuerDomain { nvm: &mut self.nvm, session: &mut domain, in_use: &InUse::new() }.select(command, answer)?;
        self.make_current(number, Current::IssuerDomain(domain));
        Ok(status)
    }

    fn select_enterprise(
        &mut self,
        number: usize,
        command: &Command<'_>,
        answer: &mut Response,
    ) -> Result<StatusWord, Failure> {
        if !serves_enterprises(&self.nvm) {
            return refuse(StatusWord::FILE_NOT_FOUND);
        }
        if let Some(Some(Channel { current: Current::Enterprise(enterprise), .. })) =
            self.contact.channels.get_mut(number)
        {
            return enterprise.process(&mut self.nvm, Ok(*command), answer).map(|()| StatusWord::OK);
        }
        let mut enterprise = Enterprise::none(&self.nvm).ok_or(StatusWord::INTERNAL_ERROR)?;
        let selected = enterprise.process(&mut self.nvm, Ok(*command), answer);
        if enterprise.selected().is_some() {
            self.make_current(number, Current::Enterprise(enterprise));
        }
        selected.map(|()| StatusWord::OK)
    }

    /// A command for the channel's current application.
    fn serve_current(
        &mut self,
        number: usize,
        command: &Command<'_>,
        answer: &mut Response,
    ) -> Result<StatusWord, Failure> {
        let in_use = if command.ins == DELETE { self.in_use_elsewhere(number) } else { InUse::new() };
        let Some(Some(channel)) = self.contact.channels.get_mut(number) else {
            return refuse(StatusWord::CHANNEL_NOT_SUPPORTED);
        };
        match &mut channel.current {
            // Locked or terminated since: as if it were not there.
            current @ Current::Enterprise(_) if !leads_to_files(command) && !serves_enterprises(&self.nvm) => {
                *current = Current::Files;
                refuse(StatusWord::FILE_NOT_FOUND)
            }
            Current::Enterprise(enterprise) if !leads_to_files(command) => {
                enterprise.process(&mut self.nvm, Ok(*command), answer)?;
                if ends_what_others_began(command) {
                    self.end_transactions_of_others(Some(number));
                }
                Ok(StatusWord::OK)
            }
            Current::IssuerDomain(domain) if !leads_to_files(command) => {
                let status =
                    IssuerDomain { nvm: &mut self.nvm, session: domain, in_use: &in_use }.process(command, answer)?;
                if matches!(command.ins, PUT_KEY | DELETE) {
                    self.end_other_domain_sessions(number);
                }
                Ok(status)
            }
            Current::ToolkitApplet if !leads_to_files(command) => refuse(StatusWord::INS_NOT_SUPPORTED),
            current => {
                let files = &mut channel.files;
                let executed = Uicc { nvm: &mut self.nvm, selection: files, pins: &mut self.contact.pins }
                    .process(command, answer);
                if command.ins == SELECT && executed.is_ok() {
                    *current = Current::Files;
                }
                Ok(self.contact.toolkit.announce(executed?))
            }
        }
    }

    /// Keys may have gone: whoever opened a session by them is not to put them back.
    fn end_other_domain_sessions(&mut self, but: usize) {
        for (number, channel) in self.contact.channels.iter_mut().enumerate() {
            if let Some(Channel { current: Current::IssuerDomain(domain), .. }) = channel
                && number != but
            {
                *domain = DomainSession::default();
            }
        }
    }

    fn files_of(&mut self, number: usize) -> Result<Uicc<'_, P>, StatusWord> {
        let channel = self.contact.channels.get_mut(number).and_then(Option::as_mut);
        let channel = channel.ok_or(StatusWord::CHANNEL_NOT_SUPPORTED)?;
        Ok(Uicc { nvm: &mut self.nvm, selection: &mut channel.files, pins: &mut self.contact.pins })
    }

    fn make_current(&mut self, number: usize, current: Current) {
        if let Some(Some(channel)) = self.contact.channels.get_mut(number) {
            channel.current = current;
        }
    }

    /// The applications that other channels and the radio have selected.
    fn in_use_elsewhere(&mut self, but: usize) -> InUse {
        let contact = self.contact.enterprises(Some(but)).filter_map(|enterprise| enterprise.selected());
        let mut in_use: InUse = contact.collect();
        // There is room: one for each channel but this one, and this.
        in_use.extend(self.radio.selected());
        in_use
    }
}

/// Whether the card's life cycle lets enterprise applications be used.
pub(super) fn serves_enterprises<M: Memory>(nvm: &Journal<M>) -> bool {
    !matches!(issuer_domain::card_state(nvm), CardState::Locked | CardState::Terminated)
}

/// No name at all is the issuer domain's too.
fn names_issuer_domain(name: &[u8]) -> bool {
    name.is_empty() || aid::is_issuer_domain(name)
}

/// The toolkit applet's FCI: its name.
///
/// # Errors
/// 6A86: P2 asks for something else; 6Cxx.
fn put_toolkit_fci(command: &Command<'_>, answer: &mut Response) -> Result<(), StatusWord> {
    match command.p2 {
        p2::FCI | p2::FCP => {
            put(answer, &[tag::FCI as u8, TOOLKIT_APPLET.len() as u8 + 2])?;
            put(answer, &[tag::DF_NAME as u8, TOOLKIT_APPLET.len() as u8])?;
            put(answer, &TOOLKIT_APPLET)?;
        }
        p2::NO_FCI => {}
        _ => return Err(StatusWord::WRONG_P1P2),
    }
    command.require_answer_len(answer.len())
}

/// Takes the channel's number out of CLA, so that applications need not know of channels.
fn take_channel(cla: &mut u8) -> Result<usize, StatusWord> {
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
            assert_eq!(take_channel(&mut without).map(|number| (number, without)), expected, "{cla:02X}");
        }
    }
}

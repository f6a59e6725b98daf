//! The session of the contacts: what each logical channel is in, and commands given to whom they are for.

use onecard_wire::{
    aid::TOOLKIT_APPLET,
    globalplatform::{DELETE, SET_STATUS, select as p2, tag},
    ins::SELECT,
    status::StatusWord,
    uicc::CLA_2G,
};

use super::{
    RfidSim,
    addressee::{Addressee, channel_of, take_channel},
    enterprise::{Enterprise, ends_what_others_began},
    over_the_air::Air,
};
use crate::{
    apdu::{Command, Response, put},
    failure::{Failure, refuse},
    fs::FileIndex,
    issuer_domain::{self, CardState, DomainSession, IssuerDomain},
    nvm::{Journal, Memory},
    platform::Platform,
    toolkit::{Download, Toolkit, ToolkitSession},
    uicc::{PinSession, Selection, Uicc},
};

/// Channels over the contacts, the basic one included.
const CHANNELS: usize = 4;
/// P1 of MANAGE CHANNEL.
const OPEN: u8 = 0x00;
/// P1 of MANAGE CHANNEL.
const CLOSE: u8 = 0x80;
/// The most directories that other sessions have selected: the channels', the radio's, and a chained script's.
pub(super) type InUse = heapless::Vec<FileIndex, { CHANNELS + 2 }>;

/// The session of the contacts.
pub(super) struct Contact {
    channels: [Option<Channel>; CHANNELS],
    pins: PinSession,
    pub(super) toolkit: ToolkitSession,
    pub(super) air: Air,
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
        Self {
            channels: [Some(Channel::NEW), None, None, None],
            pins: PinSession::NEW,
            toolkit: ToolkitSession::NEW,
            air: Air::NEW,
        }
    }

    /// Those of the channels, and that of a chained script.
    fn enterprises(&mut self, but: Option<usize>) -> impl Iterator<Item = &mut Enterprise> {
        let others = self.channels.iter_mut().enumerate().filter(move |(number, _)| Some(*number) != but);
        let of_channels = others.filter_map(|(_, channel)| match channel {
            Some(Channel { current: Current::Enterprise(enterprise), .. }) => Some(enterprise),
            _ => None,
        });
        of_channels.chain(self.air.enterprise())
    }

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

    /// Ends what is begun in an application, for one that asked over the air.
    pub(super) fn end_transactions_of(&mut self, application: FileIndex) {
        self.contact.enterprises(None).for_each(|other| other.end_transaction_of(application));
        self.radio.end_transaction_of(application);
    }

    pub(super) fn by_contact(&mut self, command: &[u8], answer: &mut Response) -> Result<StatusWord, Failure> {
        let mut command = match Command::parse_short(command) {
            Ok(command) => command,
            Err(wrong) => {
                self.end_by_unreadable(command.first().and_then(|cla| channel_of(*cla)));
                return refuse(wrong);
            }
        };
        if issuer_domain::card_state(&self.nvm) == CardState::Terminated {
            return self.serve_terminated(&command, answer);
        }
        if command.cla == CLA_2G {
            self.end_begun(channel_of(CLA_2G));
            let status = self.files_of(0)?.process_2g(&command, answer)?;
            return Ok(status);
        }
        let number = take_channel(&mut command.cla)?;
        if self.contact.channels.get(number).is_none_or(Option::is_none) {
            return refuse(StatusWord::CHANNEL_NOT_SUPPORTED);
        }
        let addressee = Addressee::of(&command);
        // What is begun belongs to the next command, whoever serves it. Enterprise applications see to it themselves.
        if !matches!(addressee, Addressee::Enterprises | Addressee::Current) {
            self.end_begun(Some(number));
        }
        match addressee {
            Addressee::Channels => self.manage_channel(number, &command, answer),
            Addressee::Toolkit => self.toolkit(&command, answer),
            Addressee::IssuerDomain => self.select_issuer_domain(number, &command, answer),
            Addressee::Enterprises => self.select_enterprise(number, &command, answer),
            Addressee::ToolkitApplet => self.select_toolkit_applet(number, &command, answer),
            Addressee::Usim => self.select_usim(number, &command, answer),
            Addressee::Files => self.serve_files(number, &command, answer),
            Addressee::Current => self.serve_current(number, &command, answer),
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
        if Addressee::of(&command) == Addressee::IssuerDomain {
            return self.select_issuer_domain(number, &command, answer);
        }
        if !matches!(channel.current, Current::IssuerDomain(_)) {
            channel.current = Current::IssuerDomain(DomainSession::default());
        }
        let Current::IssuerDomain(domain) = &mut channel.current else { return refuse(StatusWord::INTERNAL_ERROR) };
        IssuerDomain { nvm: &mut self.nvm, session: domain, in_use: &InUse::new() }.process(&command, answer)
    }

    /// Takes away what is begun on a channel, if an enterprise application is selected there.
    fn end_begun(&mut self, number: Option<usize>) {
        let channel = number.and_then(|number| self.contact.channels.get_mut(number));
        if let Some(Some(Channel { current: Current::Enterprise(enterprise), .. })) = channel {
            enterprise.end_begun();
        }
    }

    /// A command whose lengths disagree: it is the current application's, which cannot know what it asked.
    fn end_by_unreadable(&mut self, number: Option<usize>) {
        self.end_begun(number);
        let channel = number.and_then(|number| self.contact.channels.get_mut(number));
        if let Some(Some(Channel { current: Current::IssuerDomain(domain), .. })) = channel {
            domain.abort();
        }
    }

    fn toolkit(&mut self, command: &Command<'_>, answer: &mut Response) -> Result<StatusWord, Failure> {
        if let Some(download) = Download::parse(command) {
            return self.download(download?, answer);
        }
        let status = Toolkit { nvm: &mut self.nvm, session: &mut self.contact.toolkit }.process(command, answer)?;
        Ok(self.contact.toolkit.announce(status))
    }

    /// Opens a channel, or closes one (ISO/IEC 7816-4 clause 7.1.2; TS 102 221 clause 11.1.17).
    fn manage_channel(
        &mut self,
        from: usize,
        command: &Command<'_>,
        answer: &mut Response,
    ) -> Result<StatusWord, Failure> {
        command.require_data_len(0)?;
        match (command.p1, usize::from(command.p2)) {
            (OPEN, 0) => {
                command.require_answer_len(1)?;
                let free = self.contact.channels.iter().position(Option::is_none);
                let free = free.ok_or(StatusWord::FUNCTION_NOT_SUPPORTED)?;
                self.open_channel(from, free)?;
                put(answer, &[free as u8])?;
            }
            (OPEN, wanted) => {
                command.require_no_answer()?;
                self.open_channel(from, wanted)?;
            }
            (CLOSE, 0) => self.close_channel(from)?,
            (CLOSE, number) => self.close_channel(number)?,
            _ => return refuse(StatusWord::WRONG_P1P2),
        }
        Ok(self.contact.toolkit.announce(StatusWord::OK))
    }

    /// # Errors
    /// 6A86 if there is no such channel, or it is open.
    fn open_channel(&mut self, from: usize, number: usize) -> Result<(), StatusWord> {
        let channels = &mut self.contact.channels;
        // From a channel other than the basic one the new channel begins where that one is (TS 102 221 clause 8.7).
        let files = channels.get(from).and_then(Option::as_ref).map(|channel| channel.files);
        let files = files.filter(|_| from != 0).unwrap_or(Selection::MF);
        let place = channels.get_mut(number).filter(|channel| channel.is_none()).ok_or(StatusWord::WRONG_P1P2)?;
        *place = Some(Channel { current: Current::Files, files });
        Ok(())
    }

    /// # Errors
    /// 6A86 if it is not open, or the basic one.
    fn close_channel(&mut self, number: usize) -> Result<(), StatusWord> {
        let open = self.contact.channels.get_mut(number).filter(|_| number != 0).and_then(Option::take);
        let had_usim = open.ok_or(StatusWord::WRONG_P1P2)?.files.has_application();
        self.contact.end_usim_unless_selected(had_usim);
        Ok(())
    }

    /// SELECT of an application of the UICC by AID. One that fails leaves the channel where it was.
    fn select_usim(
        &mut self,
        number: usize,
        command: &Command<'_>,
        answer: &mut Response,
    ) -> Result<StatusWord, Failure> {
        let mut files = self.files_of(number)?;
        let had_usim = files.selection.has_application();
        let status = files.select_application(command, answer)?;
        self.make_current(number, Current::Files);
        self.contact.end_usim_unless_selected(had_usim);
        Ok(self.contact.toolkit.announce(status))
    }

    /// On a locked card nothing of the domain is found but itself.
    fn select_toolkit_applet(
        &mut self,
        number: usize,
        command: &Command<'_>,
        answer: &mut Response,
    ) -> Result<StatusWord, Failure> {
        if !serves_enterprises(&self.nvm) {
            return refuse(StatusWord::FILE_NOT_FOUND);
        }
        put_toolkit_fci(command, answer)?;
        self.make_current(number, Current::ToolkitApplet);
        Ok(StatusWord::OK)
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
        let locked = !serves_enterprises(&self.nvm);
        if let Some(Some(Channel { current: Current::Enterprise(enterprise), .. })) =
            self.contact.channels.get_mut(number)
        {
            if locked {
                enterprise.leave(&self.nvm);
                return refuse(StatusWord::FILE_NOT_FOUND);
            }
            return enterprise.process(&mut self.nvm, Ok(*command), answer).map(|()| StatusWord::OK);
        }
        if locked {
            return refuse(StatusWord::FILE_NOT_FOUND);
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
        let in_use = if command.ins == DELETE { self.in_use_elsewhere(Some(number)) } else { InUse::new() };
        let Some(Some(channel)) = self.contact.channels.get_mut(number) else {
            return refuse(StatusWord::CHANNEL_NOT_SUPPORTED);
        };
        match &mut channel.current {
            // Locked since: its session is over, and the channel does not fall back to the UICC's files.
            Current::Enterprise(enterprise) if !serves_enterprises(&self.nvm) => {
                enterprise.leave(&self.nvm);
                refuse(StatusWord::FILE_NOT_FOUND)
            }
            Current::Enterprise(enterprise) => {
                enterprise.process(&mut self.nvm, Ok(*command), answer)?;
                if ends_what_others_began(command) {
                    self.end_transactions_of_others(Some(number));
                }
                Ok(StatusWord::OK)
            }
            Current::IssuerDomain(domain) => {
                let status =
                    IssuerDomain { nvm: &mut self.nvm, session: domain, in_use: &in_use }.process(command, answer)?;
                if let Some(outcome) = domain.take_outcome() {
                    self.contact.toolkit.tell(outcome);
                }
                if domain.has_changed_keys() {
                    self.end_other_domain_sessions(Some(number));
                }
                if command.ins == SET_STATUS {
                    self.end_what_is_locked();
                }
                Ok(status)
            }
            Current::ToolkitApplet => refuse(StatusWord::INS_NOT_SUPPORTED),
            Current::Files => self.serve_files(number, command, answer),
        }
    }

    /// A command for the UICC's files; SELECT leaves the channel's application for them.
    fn serve_files(
        &mut self,
        number: usize,
        command: &Command<'_>,
        answer: &mut Response,
    ) -> Result<StatusWord, Failure> {
        let status = self.files_of(number)?.process(command, answer)?;
        if command.ins == SELECT {
            self.make_current(number, Current::Files);
        }
        Ok(self.contact.toolkit.announce(status))
    }

    /// Nothing of before a lock is there behind it: no transaction, no PIN, no selection; and a locked card asks for no deletion.
    pub(super) fn end_what_is_locked(&mut self) {
        let card_locked = !serves_enterprises(&self.nvm);
        for enterprise in self.contact.enterprises(None).chain([&mut self.radio]) {
            if card_locked || enterprise.is_locked(&self.nvm) {
                enterprise.leave(&self.nvm);
            }
        }
        if card_locked {
            self.contact.toolkit.forget_request();
        }
    }

    /// Keys may have gone: whoever opened a session by them is not to put them back.
    pub(super) fn end_other_domain_sessions(&mut self, but: Option<usize>) {
        for (number, channel) in self.contact.channels.iter_mut().enumerate() {
            if let Some(Channel { current: Current::IssuerDomain(domain), .. }) = channel
                && Some(number) != but
            {
                *domain = DomainSession::default();
            }
        }
        self.contact.air.end_chain_of_domain();
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
    pub(super) fn in_use_elsewhere(&mut self, but: Option<usize>) -> InUse {
        let contact = self.contact.enterprises(but).filter_map(|enterprise| enterprise.selected());
        let mut in_use: InUse = contact.collect();
        // There is room: one for each channel, a chained script, and this.
        in_use.extend(self.radio.selected());
        in_use
    }
}

/// Whether the card's life cycle lets enterprise applications be used.
pub(super) fn serves_enterprises<M: Memory>(nvm: &Journal<M>) -> bool {
    !matches!(issuer_domain::card_state(nvm), CardState::Locked | CardState::Terminated)
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

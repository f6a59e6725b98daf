//! What comes over the air: messages become packets, packets commands, and what they answered a proof of receipt.

use onecard_wire::{
    globalplatform::{DELETE, GET_DATA as DOMAIN_GET_DATA, SET_STATUS},
    ins::{CLA_SM_BIT, GET_BALANCE, GET_CHALLENGE, GET_DATA, READ_BINARY, READ_RECORD, STATUS},
    ota::{COUNTER_LEN, MINIMUM_SECURITY, RESPONSE_HEADER, packet_status, script::chaining_error},
    status::StatusWord,
    uicc::CLA_2G,
};

use super::{
    RfidSim,
    addressee::take_channel,
    contact::{InUse, serves_enterprises},
    enterprise::{Enterprise, ends_what_others_began},
};
use crate::{
    apdu::{Command, Response, put},
    cos::PacketPlace,
    failure::{Failure, refuse},
    issuer_domain::{DomainSession, IssuerDomain, accept_counter, packet_keys},
    nvm::{Journal, Memory, PowerLost},
    ota::{
        Assembly, Authority, Chaining, Commands, Deliver, Opened, Outcome, PacketKeys, Proof, ProofData, Refused,
        ReturnAddress, Route, SentProof, Target, chaining_of, compact, expanded, is_expanded, open,
    },
    platform::Platform,
    toolkit::{Download, Toolkit, files_minimum},
    uicc::{PinSession, Selection, Uicc},
};

/// What the contacts' session remembers of what came over the air.
pub(super) struct Air {
    assembly: Assembly,
    chain: Option<Chain>,
}

/// A chained script that is to go on in the next packet.
struct Chain {
    target: Target,
    key_set: u8,
    session: AirSession,
}

/// What a packet's commands have selected and begun.
#[expect(clippy::large_enum_variant, reason = "there is no heap to box it on")]
enum AirSession {
    IssuerDomain(DomainSession),
    Files { selection: Selection, pins: PinSession, second_generation: bool },
    Enterprise(Enterprise),
}

impl Air {
    pub(super) const NEW: Self = Self { assembly: Assembly::NEW, chain: None };

    /// Keys may have gone: a chained script is not to go on under a KIK of before.
    pub(super) fn end_chain_of_domain(&mut self) {
        if matches!(self.chain, Some(Chain { session: AirSession::IssuerDomain(_), .. })) {
            self.chain = None;
        }
    }

    /// The application that a chained script has selected.
    pub(super) fn enterprise(&mut self) -> Option<&mut Enterprise> {
        match &mut self.chain {
            Some(Chain { session: AirSession::Enterprise(enterprise), .. }) => Some(enterprise),
            _ => None,
        }
    }
}

impl<P: Platform> RfidSim<P> {
    /// A short message for the card.
    pub(super) fn download(&mut self, download: Download<'_>, answer: &mut Response) -> Result<StatusWord, Failure> {
        if self.contact.toolkit.is_busy() {
            return refuse(StatusWord::TOOLKIT_BUSY);
        }
        let Some(message) = Deliver::parse(download.tpdu) else { return self.announced() };
        let protocol = [message.pid, message.dcs];
        let to =
            ReturnAddress { originator: message.originator.clone(), protocol, service_centre: download.service_centre };
        if message.part.is_none() {
            if message.begins_packet {
                let mut packet: heapless::Vec<u8, 256> = message.text.iter().copied().collect();
                self.packet(&mut packet, to, answer)?;
            }
            return self.announced();
        }
        // The parts lie in the session, which the packet's commands change: its place is empty meanwhile.
        let mut assembly = core::mem::replace(&mut self.contact.air.assembly, Assembly::NEW);
        let done = match assembly.take(&message) {
            Some(packet) => {
                let done = self.packet(packet, to, answer);
                assembly.erase();
                done
            }
            None => Ok(()),
        };
        self.contact.air.assembly = assembly;
        done?;
        self.announced()
    }

    /// What a packet's commands bring for the holder is shown behind its proof.
    fn announced(&mut self) -> Result<StatusWord, Failure> {
        Toolkit { nvm: &mut self.nvm, session: &mut self.contact.toolkit }.show_outcome()?;
        Ok(self.contact.toolkit.announce(StatusWord::OK))
    }

    /// A whole packet; its proof goes into the answer, or waits to be fetched.
    fn packet(&mut self, packet: &mut [u8], to: ReturnAddress, answer: &mut Response) -> Result<(), Failure> {
        let opened = match open(packet, &self.nvm) {
            Ok(opened) => opened,
            Err(Refused::Silently) => return Ok(()),
            Err(Refused::Told { tar, status }) => return Ok(put_report(&Proof::in_clear(tar, status), answer)?),
        };
        if opened.mode.counts()
            && let Err(status) = accept_counter(&mut self.nvm, opened.key_set, opened.counter, opened.mode)?
        {
            // (own) What is not right never makes the phone send a message.
            let proof = opened.wish.asked().then(|| opened.proof.proof(status, &[])).flatten();
            return Ok(proof.map_or(Ok(()), |proof| put_report(&proof, answer))?);
        }
        let route =
            if opened.wish.by_submit && self.contact.toolkit.can_send() { Route::Submit } else { Route::Report };
        // What nobody asks for is not cut short.
        let room = opened.proof.room(if opened.wish.always() { route } else { Route::Submit });
        let answers = self.script(&opened, room)?;
        if !opened.wish.always() {
            return Ok(());
        }
        let proof = opened.proof.proof(packet_status::OK, &answers).ok_or(StatusWord::INTERNAL_ERROR)?;
        match route {
            Route::Report => Ok(put_report(&proof, answer)?),
            Route::Submit => {
                let [.., reference] = opened.counter;
                let proof = SentProof::new(to, proof, reference);
                Toolkit { nvm: &mut self.nvm, session: &mut self.contact.toolkit }.send_proof(proof)
            }
        }
    }

    /// Executes what is in a packet that is accepted.
    fn script(&mut self, opened: &Opened<'_>, room: usize) -> Result<ProofData, Failure> {
        let Opened { target, key_set, data, .. } = *opened;
        let before = self.contact.air.chain.take();
        let chaining = if is_expanded(data) { chaining_of(data) } else { None };
        let goes_on = before.filter(|chain| (chain.target, chain.key_set) == (target, key_set));
        let (session, unchained) = match (chaining, goes_on) {
            (None | Some(Chaining::First), _) => (Some(self.air_session(target, key_set)?), None),
            (Some(Chaining::FirstKept), _) => (None, Some(chaining_error::UNABLE)),
            (Some(Chaining::Further | Chaining::Last), Some(chain)) => (Some(chain.session), None),
            (Some(Chaining::Further | Chaining::Last), None) => (None, Some(chaining_error::NO_PREVIOUS)),
        };
        let place = opened.mode.counts().then_some(opened.counter);
        let mut commands = PacketCommands { sim: self, target, session, place };
        let executed = match is_expanded(data) {
            true => expanded(data, room, unchained, &mut commands),
            false => compact(data, room, &mut commands),
        };
        let session = commands.session;
        let Outcome { answers, to_the_end } = executed?;
        if let (Some(Chaining::First | Chaining::Further), Some(session), true) = (chaining, session, to_the_end) {
            self.contact.air.chain = Some(Chain { target, key_set, session });
        }
        Ok(answers)
    }

    /// With nothing selected but what the TAR has, and nothing begun.
    fn air_session(&self, target: Target, key_set: u8) -> Result<AirSession, StatusWord> {
        let files = |selection, second_generation| AirSession::Files {
            selection,
            pins: PinSession::OVER_THE_AIR,
            second_generation,
        };
        Ok(match target {
            Target::IssuerDomain => AirSession::IssuerDomain(DomainSession::in_packet(&self.nvm, key_set)),
            Target::Files => files(Selection::MF, false),
            Target::Files2g => files(Selection::MF, true),
            Target::FilesUsim => files(Selection::USIM, false),
            Target::Enterprises => {
                AirSession::Enterprise(Enterprise::none(&self.nvm).ok_or(StatusWord::INTERNAL_ERROR)?)
            }
        })
    }
}

/// `02 71 00` and the packet, as the answer of the ENVELOPE.
fn put_report(proof: &Proof, answer: &mut Response) -> Result<(), StatusWord> {
    put(answer, &RESPONSE_HEADER)?;
    put(answer, proof.packet())
}

impl<M: Memory> Authority for Journal<M> {
    fn minimum(&self, target: Target) -> u8 {
        let set = if target.is_files() { files_minimum(self) } else { None };
        set.unwrap_or(MINIMUM_SECURITY)
    }

    fn keys(&self, version: u8) -> Option<PacketKeys> {
        packet_keys(self, version)
    }
}

/// Executes the commands of one packet.
struct PacketCommands<'s, P> {
    sim: &'s mut RfidSim<P>,
    target: Target,
    /// `None` if no command is to be executed.
    session: Option<AirSession>,
    /// The packet's counter, if it is kept.
    place: Option<[u8; COUNTER_LEN]>,
}

impl<P: Platform> Commands for PacketCommands<'_, P> {
    fn execute(&mut self, number: u8, command: &Command<'_>, answer: &mut Response) -> Result<StatusWord, PowerLost> {
        match self.try_execute(number, *command, answer) {
            Ok(status) => Ok(status),
            Err(Failure::Refused(status)) => {
                answer.clear();
                Ok(status)
            }
            Err(Failure::PowerLost) => Err(PowerLost),
        }
    }

    /// By the instruction: those that carry none are few.
    fn carries_data(&self, cla: u8, ins: u8) -> bool {
        match (self.target, ins) {
            (Target::IssuerDomain, ins) => ins != DOMAIN_GET_DATA,
            (Target::Enterprises, _) if cla & CLA_SM_BIT != 0 => true,
            (Target::Enterprises, GET_DATA | GET_BALANCE | GET_CHALLENGE) | (_, READ_BINARY | READ_RECORD) => false,
            (Target::Files | Target::Files2g | Target::FilesUsim, STATUS) => false,
            _ => true,
        }
    }
}

impl<P: Platform> PacketCommands<'_, P> {
    fn try_execute(
        &mut self,
        number: u8,
        mut command: Command<'_>,
        answer: &mut Response,
    ) -> Result<StatusWord, Failure> {
        if command.cla != CLA_2G && take_channel(&mut command.cla)? != 0 {
            return refuse(StatusWord::CHANNEL_NOT_SUPPORTED);
        }
        let place = self.place.map(|counter| PacketPlace { counter, number });
        match self.session.as_mut().ok_or(StatusWord::INTERNAL_ERROR)? {
            AirSession::IssuerDomain(domain) => self.sim.domain_in_packet(domain, &command, answer),
            AirSession::Files { selection, pins, second_generation } => {
                let mut files = Uicc { nvm: &mut self.sim.nvm, selection, pins };
                files.process_in_packet(&command, *second_generation, answer)
            }
            AirSession::Enterprise(enterprise) => self.sim.enterprise_in_packet(enterprise, &command, place, answer),
        }
    }
}

impl<P: Platform> RfidSim<P> {
    fn domain_in_packet(
        &mut self,
        domain: &mut DomainSession,
        command: &Command<'_>,
        answer: &mut Response,
    ) -> Result<StatusWord, Failure> {
        let in_use = if command.ins == DELETE { self.in_use_elsewhere(None) } else { InUse::new() };
        let mut issuer_domain = IssuerDomain { nvm: &mut self.nvm, session: domain, in_use: &in_use };
        let status = issuer_domain.process_in_packet(command, answer)?;
        if domain.has_changed_keys() {
            self.end_other_domain_sessions(None);
        }
        if let Some(outcome) = domain.take_outcome() {
            self.contact.toolkit.tell(outcome);
        }
        if command.ins == SET_STATUS {
            self.end_what_is_locked();
        }
        Ok(status)
    }

    fn enterprise_in_packet(
        &mut self,
        enterprise: &mut Enterprise,
        command: &Command<'_>,
        place: Option<PacketPlace>,
        answer: &mut Response,
    ) -> Result<StatusWord, Failure> {
        if !serves_enterprises(&self.nvm) {
            return refuse(StatusWord::CONDITIONS_NOT_SATISFIED);
        }
        enterprise.process_in_packet(&mut self.nvm, command, place, answer)?;
        if let Some(application) = enterprise.selected().filter(|_| ends_what_others_began(command)) {
            self.end_transactions_of(application);
        }
        Ok(StatusWord::OK)
    }
}

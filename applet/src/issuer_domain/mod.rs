//! The issuer domain (GlobalPlatform Card Specification 2.3, profile §6).
//!
//! | module | what |
//! |---|---|
//! | `secure_channel` | INITIALIZE UPDATE, EXTERNAL AUTHENTICATE; commands unwrapped, answers wrapped |
//! | `key_sets`, `put_key` | key sets, their counters, PUT KEY |
//! | `install`, `delete` | applications come and go |
//! | `registry`, `life_cycle` | GET STATUS; SET STATUS |
//! | `get_data`, `store_data` | data objects |
//!
//! Everything but SELECT, GET DATA and INITIALIZE UPDATE needs an open secure channel.

mod delete;
mod get_data;
mod install;
mod key_sets;
mod life_cycle;
mod put_key;
mod region;
mod registry;
mod secure_channel;
mod store_data;
mod tlv;

use onecard_wire::{
    aid::ISSUER_DOMAIN,
    globalplatform::{
        self as gp, CLA, CLA_SECURE, DELETE, EXTERNAL_AUTHENTICATE, GET_DATA, GET_STATUS, INITIALIZE_UPDATE, INSTALL,
        PUT_KEY, SET_STATUS, STORE_DATA,
    },
    ins::{CLA_ISO, SELECT},
    status::StatusWord,
};

use crate::{
    apdu::{Command, Response},
    failure::{Failure, refuse},
    fs::FileIndex,
    nvm::{Journal, Memory, Transaction},
    platform::Platform,
    rfid_sim::SimData,
    toolkit::Outcome,
};
pub(crate) use key_sets::{accept_counter, packet_keys};
pub(crate) use life_cycle::{CardState, card_state};
use registry::Listing;
use secure_channel::SecureChannel;

/// Length of the card's number, EF_ICCID.
const CARD_NUMBER_LEN: usize = 10;
/// Longest data field a command takes, for the FCI.
const COMMAND_DATA_MAX: u8 = 0xFF;

/// The issuer domain in the session of one logical channel.
pub(crate) struct IssuerDomain<'a, P> {
    pub(crate) nvm: &'a mut Journal<P>,
    pub(crate) session: &'a mut DomainSession,
    /// Applications that another channel or the radio has selected: they cannot be deleted.
    pub(crate) in_use: &'a [FileIndex],
}

/// What the domain remembers on one channel between two commands.
#[derive(Default)]
pub(crate) struct DomainSession {
    channel: SecureChannel,
    /// Where GET STATUS goes on, if that is what comes next.
    listing: Option<Listing>,
    /// STORE DATA is for the toolkit applet, after INSTALL [for personalization] and until its last block.
    personalizing_toolkit: bool,
    /// Blocks of STORE DATA so far.
    blocks: u8,
    /// The command just executed put keys in or took them away.
    changed_keys: bool,
    /// The command just executed brought what the toolkit is to show.
    outcome: Option<Outcome>,
}

impl DomainSession {
    /// For commands of a packet of that key set.
    pub(crate) fn in_packet<M: Memory>(nvm: &Journal<M>, key_set: u8) -> Self {
        Self { channel: SecureChannel::in_packet(key_sets::kik(nvm, key_set)), ..Self::default() }
    }

    /// Whether the command just executed put keys in or took them away.
    pub(crate) const fn has_changed_keys(&self) -> bool {
        self.changed_keys
    }

    /// What the toolkit is to show.
    pub(crate) const fn take_outcome(&mut self) -> Option<Outcome> {
        self.outcome.take()
    }

    /// A command came that is not protected as agreed.
    pub(crate) fn abort(&mut self) {
        self.channel.abort();
        self.listing = None;
    }
}

impl<P: Platform> IssuerDomain<'_, P> {
    /// SELECT of the domain by either name; the FCI says which is its own. 6283 if the card is locked or terminated.
    pub(crate) fn select(&mut self, command: &Command<'_>, answer: &mut Response) -> Result<StatusWord, Failure> {
        match command.p2 {
            gp::select::FCI | gp::select::FCP => {
                let mut proprietary: heapless::Vec<u8, 8> = heapless::Vec::new();
                tlv::put_object(&mut proprietary, gp::tag::MAX_DATA_LENGTH, &[COMMAND_DATA_MAX])?;
                let mut fci: heapless::Vec<u8, 32> = heapless::Vec::new();
                tlv::put_object(&mut fci, gp::tag::DF_NAME, &ISSUER_DOMAIN)?;
                tlv::put_object(&mut fci, gp::tag::FCI_PROPRIETARY, &proprietary)?;
                tlv::put_object(answer, gp::tag::FCI, &fci)?;
            }
            gp::select::NO_FCI => {}
            _ => return refuse(StatusWord::WRONG_P1P2),
        }
        command.require_answer_len(answer.len())?;
        *self.session = DomainSession::default();
        Ok(match card_state(self.nvm) {
            CardState::Locked | CardState::Terminated => StatusWord::FILE_INVALIDATED,
            _ => StatusWord::OK,
        })
    }

    /// A command of a packet. Of those that open sessions there is none.
    pub(crate) fn process_in_packet(
        &mut self,
        command: &Command<'_>,
        answer: &mut Response,
    ) -> Result<StatusWord, Failure> {
        match (command.cla, command.ins) {
            (CLA, GET_STATUS | SET_STATUS | INSTALL | DELETE | PUT_KEY | STORE_DATA) | (CLA_ISO | CLA, GET_DATA) => {
                self.process(command, answer)
            }
            (_, GET_STATUS | SET_STATUS | INSTALL | DELETE | PUT_KEY | STORE_DATA | GET_DATA) => {
                refuse(StatusWord::CLA_NOT_SUPPORTED)
            }
            _ => refuse(StatusWord::INS_NOT_SUPPORTED),
        }
    }

    /// Any other command.
    pub(crate) fn process(&mut self, command: &Command<'_>, answer: &mut Response) -> Result<StatusWord, Failure> {
        let listing = self.session.listing.take();
        self.session.changed_keys = false;
        match (command.cla, command.ins) {
            (CLA_ISO, SELECT) => {
                self.session.channel.drop_challenge();
                return refuse(StatusWord::FILE_NOT_FOUND);
            }
            (CLA, INITIALIZE_UPDATE) => {
                *self.session = DomainSession::default();
                self.require_alive()?;
                return self.initialize_update(command, answer);
            }
            (CLA_SECURE, EXTERNAL_AUTHENTICATE) => {
                self.require_alive()?;
                return self.external_authenticate(command);
            }
            (CLA_ISO | CLA | CLA_SECURE, _) => {}
            _ => {
                self.session.abort();
                return refuse(StatusWord::CLA_NOT_SUPPORTED);
            }
        }
        let received = self.session.channel.receive(command);
        // Its MAC is looked at all the same: GET DATA by the channel goes on.
        if command.ins != GET_DATA {
            self.require_alive()?;
        }
        let plain = received?;
        let status = self.execute(&Command { data: &plain, ..*command }, listing, answer)?;
        self.session.channel.send(answer, status)?;
        Ok(status)
    }

    fn execute(
        &mut self,
        command: &Command<'_>,
        listing: Option<Listing>,
        answer: &mut Response,
    ) -> Result<StatusWord, Failure> {
        if command.ins == GET_DATA {
            return self.answer_data(command, answer);
        }
        self.require_alive()?;
        match (command.cla, command.ins) {
            (CLA_ISO, _) | (_, INITIALIZE_UPDATE | EXTERNAL_AUTHENTICATE) => {
                return refuse(StatusWord::CLA_NOT_SUPPORTED);
            }
            (_, GET_STATUS | SET_STATUS | INSTALL | DELETE | PUT_KEY | STORE_DATA) => {}
            _ => return refuse(StatusWord::INS_NOT_SUPPORTED),
        }
        self.session.channel.require_open()?;
        match command.ins {
            GET_STATUS => return self.list(command, listing, answer),
            SET_STATUS => return self.set_status(command),
            _ if card_state(self.nvm) == CardState::Locked => return refuse(StatusWord::CONDITIONS_NOT_SATISFIED),
            INSTALL => self.install(command, answer),
            DELETE => self.delete(command, answer),
            PUT_KEY => self.put_key(command, answer),
            _ => self.store_data(command),
        }?;
        Ok(StatusWord::OK)
    }

    /// # Errors
    /// 6985 once the card is terminated.
    fn require_alive(&self) -> Result<(), StatusWord> {
        match card_state(self.nvm) {
            CardState::Terminated => Err(StatusWord::CONDITIONS_NOT_SATISFIED),
            _ => Ok(()),
        }
    }
}

/// The card's number as INITIALIZE UPDATE answers it, for whoever diversifies keys by it (own).
fn card_number<M: Memory>(nvm: &Journal<M>) -> [u8; CARD_NUMBER_LEN] {
    nvm.array(region::CARD_NUMBER)
}

/// Manufacture: number, key sets, life cycle OP_READY.
///
/// # Errors
/// 6A80, 6A84: the key sets are not what they must be.
pub(crate) fn personalise<P: Platform>(nvm: &mut Journal<P>, data: &SimData<'_>) -> Result<(), Failure> {
    let mut transaction = Transaction::new();
    transaction.write(region::CARD_STATE, &[gp::life_cycle::CardState::OP_READY.0])?;
    transaction.write(region::CARD_NUMBER, &data.iccid)?;
    nvm.commit(transaction)?;
    data.key_sets.iter().try_for_each(|set| put_key::manufacture(nvm, set))
}

/// Commits what takes keys away, then makes the journal forget them.
fn commit_and_forget<M: Memory>(nvm: &mut Journal<M>, mut transaction: Transaction) -> Result<(), Failure> {
    transaction.write(region::FORGETTING, &[1])?;
    nvm.commit(transaction)?;
    finish_forgetting(nvm)
}

/// Goes on making the journal forget keys that are gone. Part of every power-up.
pub(crate) fn finish_forgetting<M: Memory>(nvm: &mut Journal<M>) -> Result<(), Failure> {
    if nvm.array(region::FORGETTING) != [1] {
        return Ok(());
    }
    nvm.forget_older()?;
    let mut transaction = Transaction::new();
    transaction.write(region::FORGETTING, &[0])?;
    Ok(nvm.commit(transaction)?)
}

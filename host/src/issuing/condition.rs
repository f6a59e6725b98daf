//! What a card is before a station writes to it, found out without writing.

use onecard_wire::{
    aid,
    fid::{self, Fid},
    ins,
    key::{CONTROL_KEY_ID, KeyListEntry, KeyType},
    number::EnterpriseId,
    status::StatusWord,
};

use super::{MfKeys, mf::NO_KEY};
use crate::{
    apdu::{Command, ExchangeError, exchange},
    card::{SelectError, Selected, external_authentication, select},
    crypto::{DesKey, LineKey},
    key_list,
    line_protection::{ChallengeError, challenge},
    transport::Transport,
};

/// What a station may do with a card.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Condition {
    /// As delivered: the transport key opens it, and nothing is on it.
    Blank,
    /// Issuing or wiping stopped in the middle, and may be begun again.
    Unfinished(Opener),
    /// An application of the enterprise is on it.
    Issued {
        /// It; a blocked one, or a SAM's, does not tell who it is.
        application: Option<Selected>,
        /// What opens the MF.
        opener: Opener,
    },
}

/// What opens a card's MF, so that it can be erased.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Opener {
    /// The key of a card as delivered.
    TransportKey,
    /// The first control key of [`prepare_mf_resumable`](super::prepare_mf_resumable), not washed yet.
    FirstKey,
    /// The operator's control key.
    ControlKey,
    /// Nothing is needed: it was erased, and has no key yet.
    NoKey,
}

/// A card that a station leaves alone.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NotOurs {
    /// The MF cannot be selected.
    #[error("the card answers {0} to SELECT of its master file: it is no FMCOS card, or blocked for good")]
    NoMasterFile(StatusWord),
    /// Somebody else's directory or file.
    #[error("something of others is on the card, directory or file {:04X}: only the station that made it erases it", .0.0)]
    OtherApplication(Fid),
    /// An application of the enterprise on a card that the transport key still opens: a station washes the MF first.
    #[error(
        "an application of this enterprise is on the card, and the transport key opens it still: no station made it"
    )]
    TransportKeyKept,
    /// Neither the transport key nor the operator's opens the MF.
    #[error(
        "the card is neither blank nor of these keys and this number: its control key is another, it answered {status}{warning}",
        status = .0,
        warning = warning(*.0)
    )]
    OtherKey(StatusWord),
    /// By its own list of keys (own) its MF has others, or one whose last try would be spent.
    #[error(
        "the card is neither blank nor of these keys and this number: it lists other keys in its master file, and none was \
         tried"
    )]
    OtherKeys,
    /// No answer.
    #[error(transparent)]
    Exchange(#[from] ExchangeError),
}

/// Finds out what `transport`'s card is to a station that issues for `enterprise` and has the operator's keys `mf` of this
/// card; without them a blank card alone is known.
///
/// Nothing is written but the error counter of the MF's control key. The transport key, of which a card as sold allows three
/// failures, is tried once; the operator's only on a card that allows more failures than that.
///
/// Another enterprise's application on a card of this profile tells nobody that it is there (specification 3.2.3): who has
/// issued for several enterprises under the same MF keys knows by his own records.
///
/// # Errors
/// [`NotOurs`].
pub fn examine<T: Transport + ?Sized>(
    transport: &mut T,
    enterprise: EnterpriseId,
    mf: Option<&MfKeys>,
) -> Result<Condition, NotOurs> {
    let examined = examine_unnumbered(transport, enterprise)?;
    condition(transport, examined, mf)
}

/// The same of a card whose number nobody knows yet: it may have been begun by one of several, whose keys [`Closed::open`] tries.
///
/// # Errors
/// [`NotOurs`].
pub fn examine_unnumbered<T: Transport + ?Sized>(
    transport: &mut T,
    enterprise: EnterpriseId,
) -> Result<Examined, NotOurs> {
    select_mf(transport)?;
    let name = aid::enterprise_application(enterprise);
    let found = match select(transport, &name) {
        Ok(application) => Found::Whole(application),
        Err(SelectError::Exchange(error)) => return Err(error.into()),
        Err(SelectError::Blocked | SelectError::PermanentlyBlocked) => Found::Untold,
        Err(_) => Found::NothingWhole,
    };
    without_a_number(transport, &name, &[], found)
}

/// The same of a SAM: its MF has two files of its own, and it is issued once its application says whose it is.
///
/// # Errors
/// [`NotOurs`].
pub fn examine_sam<T: Transport + ?Sized>(
    transport: &mut T,
    enterprise: EnterpriseId,
    mf: Option<&MfKeys>,
) -> Result<Condition, NotOurs> {
    select_mf(transport)?;
    let name = aid::sam_application(enterprise);
    let issued = is_there(transport, &name)? && {
        let sfi = 0x80 | Fid::SAM_PUBLIC_INFO.sfi().unwrap_or_default();
        let read = Command::new(ins::CLA_ISO, ins::READ_BINARY, sfi, 0x00).expecting(0);
        exchange(transport, &read)?.done().is_ok_and(|content| content.iter().any(|byte| *byte != 0))
    };
    let found = if issued { Found::Untold } else { Found::NothingWhole };
    let examined = without_a_number(transport, &name, &[Fid::SAM_CARD_INFO, Fid::SAM_TERMINAL], found)?;
    condition(transport, examined, mf)
}

fn condition<T: Transport + ?Sized>(
    transport: &mut T,
    mut examined: Examined,
    mf: Option<&MfKeys>,
) -> Result<Condition, NotOurs> {
    for opener in [Opener::ControlKey, Opener::FirstKey] {
        match (examined, mf) {
            (Examined::Known(condition), _) => return Ok(condition),
            (Examined::Closed(closed), Some(mf)) if closed.may_be_opened_by(opener) => {
                examined = closed.open(transport, opener, mf)?;
            }
            (Examined::Closed(closed), _) => return Err(closed.refusal()),
        }
    }
    match examined {
        Examined::Known(condition) => Ok(condition),
        Examined::Closed(closed) => Err(closed.refusal()),
    }
}

/// `of_its_own` are files of the MF that make it nobody else's.
fn without_a_number<T: Transport + ?Sized>(
    transport: &mut T,
    name: &[u8; 14],
    of_its_own: &[Fid],
    found: Found,
) -> Result<Examined, NotOurs> {
    let has_application = is_there(transport, name)?;
    if !has_application {
        no_other_application(transport, of_its_own)?;
    }
    let (status, refusal) = match listed(transport)? {
        // The operator's key allows many failures, and is not the transport key.
        Some(Listed::Operators) => (WITH_MANY_TRIES, NotOurs::OtherKeys),
        Some(Listed::Others) => return Err(NotOurs::OtherKeys),
        Some(Listed::AsSold) | None => match authenticate(transport, &DesKey::TRANSPORT.into())? {
            Ok(()) if has_application => return Err(NotOurs::TransportKeyKept),
            Ok(()) => return Ok(Examined::Known(Condition::Blank)),
            Err(status) if NO_KEY.contains(&status) => return Ok(Examined::Known(found.opened_by(Opener::NoKey))),
            Err(status) => (status, NotOurs::OtherKey(status)),
        },
    };
    Ok(Examined::Closed(Closed { found, has_application, status, refusal }))
}

/// What a card is, as far as it is known without its number.
#[derive(Debug)]
pub enum Examined {
    /// It is known.
    Known(Condition),
    /// Only keys of its number open it.
    Closed(Closed),
}

/// A card whose MF the transport key does not open.
#[derive(Debug)]
pub struct Closed {
    found: Found,
    has_application: bool,
    /// What the control key's last try answered.
    status: StatusWord,
    refusal: NotOurs,
}

impl Closed {
    /// Tries one of the operator's keys. Of a card's tries it leaves two, whatever number it is asked for.
    ///
    /// # Errors
    /// [`NotOurs::Exchange`]; [`Closed::refusal`] if the key is not to be tried.
    pub fn open<T: Transport + ?Sized>(
        self,
        transport: &mut T,
        opener: Opener,
        mf: &MfKeys,
    ) -> Result<Examined, NotOurs> {
        if !self.may_be_opened_by(opener) {
            return Err(self.refusal);
        }
        Ok(match authenticate(transport, &opener.key(mf))? {
            Ok(()) => Examined::Known(self.found.opened_by(opener)),
            Err(status) => Examined::Closed(Self { status, refusal: NotOurs::OtherKey(status), ..self }),
        })
    }

    /// Whether the key may be there, and a failure leaves two tries. An application is created under the control key: beside one
    /// there is no first key.
    #[must_use]
    pub fn may_be_opened_by(&self, opener: Opener) -> bool {
        let may_be_there = match opener {
            Opener::ControlKey => true,
            Opener::FirstKey => !self.has_application,
            Opener::TransportKey | Opener::NoKey => false,
        };
        may_be_there && may_try_again(self.status)
    }

    /// Why it is none of this station's, if none of its keys opens it.
    #[must_use]
    pub fn refusal(self) -> NotOurs {
        self.refusal
    }
}

impl Opener {
    /// The key itself.
    #[must_use]
    pub fn key(self, mf: &MfKeys) -> LineKey {
        match self {
            // Any serves a card without one.
            Self::TransportKey | Self::NoKey => DesKey::TRANSPORT.into(),
            Self::FirstKey => mf.first_control_key().into(),
            Self::ControlKey => mf.control.clone().into(),
        }
    }
}

#[derive(Debug)]
enum Found {
    Whole(Selected),
    /// Issued, and it does not tell who it is.
    Untold,
    NothingWhole,
}

impl Found {
    fn opened_by(self, opener: Opener) -> Condition {
        match self {
            Self::Whole(application) => Condition::Issued { application: Some(application), opener },
            Self::Untold => Condition::Issued { application: None, opener },
            Self::NothingWhole => Condition::Unfinished(opener),
        }
    }
}

fn no_other_application<T: Transport + ?Sized>(transport: &mut T, of_its_own: &[Fid]) -> Result<(), NotOurs> {
    select_mf(transport)?;
    let looked_for = fid::LOOKED_FOR.into_iter().flatten().filter(|fid| !of_its_own.contains(&Fid(*fid)));
    for fid in looked_for {
        // What is not there leaves the MF current.
        let select = Command::new(ins::CLA_ISO, ins::SELECT, 0x00, 0x00).with_data(&fid.to_be_bytes());
        let status = exchange(transport, &select.expecting(0))?.status;
        if status != StatusWord::FILE_NOT_FOUND {
            return Err(NotOurs::OtherApplication(Fid(fid)));
        }
    }
    Ok(())
}

fn is_there<T: Transport + ?Sized>(transport: &mut T, name: &[u8; 14]) -> Result<bool, NotOurs> {
    let select = Command::new(ins::CLA_ISO, ins::SELECT, 0x04, 0x00).with_data(name).expecting(0);
    Ok(exchange(transport, &select)?.status != StatusWord::FILE_NOT_FOUND)
}

fn select_mf<T: Transport + ?Sized>(transport: &mut T) -> Result<(), NotOurs> {
    let select = Command::new(ins::CLA_ISO, ins::SELECT, 0x00, 0x00).with_data(&Fid::MF.0.to_be_bytes());
    exchange(transport, &select.expecting(0))?.done().map(drop).map_err(NotOurs::NoMasterFile)
}

/// What the MF's own list of keys says of its control key.
enum Listed {
    /// It may be the transport key, and a failure is not its last.
    AsSold,
    /// It counts as an operator's does.
    Operators,
    /// No station's.
    Others,
}

/// `80 CA 00 E0` in the MF (own); `None` from a card without such a list, or without keys.
fn listed<T: Transport + ?Sized>(transport: &mut T) -> Result<Option<Listed>, NotOurs> {
    select_mf(transport)?;
    let Ok(list) = exchange(transport, &key_list::page(0))?.done() else { return Ok(None) };
    let Some(keys) = key_list::parse(&list).filter(|keys| !keys.is_empty()) else { return Ok(None) };
    let is_control = |key: &KeyListEntry| key.key_type == KeyType::EXTERNAL && key.id == CONTROL_KEY_ID;
    let control = keys.iter().map(|listed| listed.key).find(is_control);
    Ok(Some(match control {
        Some(KeyListEntry { tries: 0..=1, .. }) | None => Listed::Others,
        Some(KeyListEntry { tries: 0..=TRIES_AS_SOLD, .. }) if keys.len() == 1 => Listed::AsSold,
        Some(KeyListEntry { tries: 0..=TRIES_AS_SOLD, .. }) => Listed::Others,
        Some(_) => Listed::Operators,
    }))
}

/// A card as sold allows so many failures.
const TRIES_AS_SOLD: u8 = 3;
/// The last two are for its owner.
const TRIES_LEFT_ALONE: u8 = 2;
/// What a key that may be tried again answers.
const WITH_MANY_TRIES: StatusWord = StatusWord(0x63CF);

/// What whoever tries again has to know.
fn warning(status: StatusWord) -> String {
    match status.tries() {
        Some(0) => ": it is locked".to_owned(),
        Some(tries) if tries <= TRIES_AS_SOLD => {
            let left = if tries == 1 { "1 try is".to_owned() } else { format!("{tries} tries are") };
            format!(": {left} left, each attempt costs one, and the last locks the card for good")
        }
        _ => String::new(),
    }
}

/// Whether a card that refused a key so has more tries than are left to whoever's it is; one as sold, of three, has not. 6700: its
/// key is of a cipher with another block, and nothing was compared.
fn may_try_again(status: StatusWord) -> bool {
    status == StatusWord::WRONG_LENGTH || status.tries().is_some_and(|tries| tries > TRIES_LEFT_ALONE)
}

/// The outer error is the card's silence, the inner its refusal.
fn authenticate<T: Transport + ?Sized>(transport: &mut T, key: &LineKey) -> Result<Result<(), StatusWord>, NotOurs> {
    select_mf(transport)?;
    let challenge = match challenge(transport) {
        Ok(challenge) => challenge,
        Err(ChallengeError::Refused(status)) => return Ok(Err(status)),
        Err(ChallengeError::Exchange(error)) => return Err(error.into()),
    };
    Ok(exchange(transport, &external_authentication(CONTROL_KEY_ID, challenge, key))?.done().map(drop))
}

//! A genuine card of this enterprise, or not: SELECT and INTERNAL AUTHENTICATE (profile §5).

use onecard_wire::{
    aid,
    date::Moment,
    ins,
    key::KeyVersion,
    number::{ApplicationSerial, EnterpriseId, TerminalNumber},
    record::CardStatus,
    status::StatusWord,
};

use super::{DenyList, Unfit};
use crate::{
    apdu::{Command, CommandName, exchange},
    blacklist::Blacklist,
    card::{ReadError, Selected, parameters, select},
    sam::{AuthenticationUse, CardFactors, Sam, SamError},
    terminal::mark_listed,
    transport::Transport,
};

/// What a terminal knows of its enterprise.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Site {
    /// Whose cards.
    pub enterprise: EnterpriseId,
    /// Versions of the SAM's keys, the commonest first: a card with any of them is served, so that keys can roll.
    pub key_versions: Vec<KeyVersion>,
    /// Cards and access rights that are no longer good.
    pub deny_list: DenyList,
}

/// One presentation of a card.
#[derive(Clone, Copy, Debug)]
pub struct Tap {
    /// Now, by the terminal's clock.
    pub at: Moment,
    /// 8 random bytes that nobody could foresee, drawn for this tap: an answer heard before answers other ones.
    pub challenge: [u8; 8],
}

/// A card that has just shown that it holds this enterprise's key for its serial.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Genuine {
    /// Its application.
    pub application: Selected,
    /// Version of the key it answered by.
    pub version: KeyVersion,
    /// The terminal, as its SAM names it.
    pub terminal: TerminalNumber,
}

impl Genuine {
    /// What its keys are diversified by.
    #[must_use]
    pub fn factors(&self) -> CardFactors {
        CardFactors { enterprise: self.application.public_data.enterprise, serial: self.application.serial() }
    }
}

/// Selects the card's application and has it answer the tap's challenge: two commands, and one more for a card that
/// refuses or that does not enforce its status by itself (EF 0017). A genuine card on the blacklist is marked as lost, which
/// takes two more, so that terminals whose list is older refuse it too.
///
/// Public data are in no MAC: someone between card and reader can lengthen the card's dates. Its serial he cannot change,
/// for the key is that of the serial.
///
/// # Errors
/// The card's serial, once it has told it, and why it is not served.
pub fn genuine<C, K>(
    card: &mut C,
    sam: &mut K,
    site: &Site,
    blacklist: Option<&Blacklist>,
    usage: AuthenticationUse,
    tap: &Tap,
) -> Result<Genuine, (Option<ApplicationSerial>, Unfit)>
where
    C: Transport + ?Sized,
    K: Sam + ?Sized,
{
    let terminal = sam.terminal().map_err(|error| (None, Unfit::Keeper(error)))?;
    let application =
        select(card, &aid::enterprise_application(site.enterprise)).map_err(|error| (None, Unfit::Select(error)))?;
    let serial = application.serial();
    let checked = authenticate(card, sam, site, usage, tap, &application).and_then(|version| {
        objection(card, sam, site, blacklist, tap, &application)
            .map_or(Ok(Genuine { application, version, terminal }), Err)
    });
    checked.map_err(|unfit| (Some(serial), unfit))
}

/// Version of the key by which the card answered.
fn authenticate<C, K>(
    card: &mut C,
    sam: &mut K,
    site: &Site,
    usage: AuthenticationUse,
    tap: &Tap,
    application: &Selected,
) -> Result<KeyVersion, Unfit>
where
    C: Transport + ?Sized,
    K: Sam + ?Sized,
{
    const NAME: CommandName = CommandName::InternalAuthenticate;
    const ENCIPHER: u8 = 0x00;
    let factors = CardFactors { enterprise: site.enterprise, serial: application.serial() };
    let mut expected = Vec::new();
    for version in &site.key_versions {
        match sam.authentication(factors, usage, *version, tap.challenge) {
            Ok(cryptogram) => expected.push((*version, cryptogram)),
            Err(SamError::NoSuchKey) => {}
            Err(error) => return Err(Unfit::Keeper(error)),
        }
    }
    let (_, commonest) = expected.first().ok_or(Unfit::Keeper(SamError::NoSuchKey))?;
    let id = usage.purpose().place().map_or(0, |place| place.id);
    let command = Command::new(ins::CLA_ISO, ins::INTERNAL_AUTHENTICATE, ENCIPHER, id);
    let command = command.with_data(&tap.challenge).expecting(commonest.le());
    let answer = exchange(card, &command).map_err(|error| Unfit::NoAnswer { command: NAME, error })?;
    match answer.done() {
        Ok(answer) => {
            let answered = expected.iter().find(|(_, cryptogram)| cryptogram.is(&answer));
            answered.map(|(version, _)| *version).ok_or(Unfit::NotGenuine)
        }
        Err(status) => Err(refused(card, application, status)),
    }
}

/// 6985: the card is suspended or lost, and EF 0017 says which. No MAC covers it, and none is needed to refuse.
fn refused<C: Transport + ?Sized>(card: &mut C, application: &Selected, status: StatusWord) -> Unfit {
    let refused = Unfit::Refused { command: CommandName::InternalAuthenticate, status };
    if status != StatusWord::CONDITIONS_NOT_SATISFIED {
        return refused;
    }
    match parameters(card, application) {
        Ok(parameters) if parameters.status != CardStatus::NORMAL => Unfit::Status(parameters.status),
        _ => refused,
    }
}

/// What speaks against a genuine card.
fn objection<C, K>(
    card: &mut C,
    sam: &mut K,
    site: &Site,
    blacklist: Option<&Blacklist>,
    tap: &Tap,
    application: &Selected,
) -> Option<Unfit>
where
    C: Transport + ?Sized,
    K: Sam + ?Sized,
{
    let public_data = &application.public_data;
    if public_data.enterprise != site.enterprise {
        return Some(Unfit::OtherEnterprise);
    }
    // Before the dates: an expired card is marked too, for someone may lengthen its dates on the radio.
    let list = blacklist.filter(|list| list.enterprise() == site.enterprise && list.lists(application.serial()));
    if let Some(version) = list.map(Blacklist::version) {
        let unmarked = mark_listed(card, sam, application, version).err();
        return Some(Unfit::Blacklisted { version, unmarked });
    }
    if tap.at.date < public_data.valid_from {
        Some(Unfit::NotYetValid { from: public_data.valid_from })
    } else if tap.at.date > public_data.valid_to {
        Some(Unfit::Expired { on: public_data.valid_to })
    } else if site.deny_list.has_card(application.serial()) {
        Some(Unfit::Listed)
    } else if application.has_own_parts() {
        None
    } else {
        status_of_a_plain_card(card, application)
    }
}

/// A card as bought answers INTERNAL AUTHENTICATE in any status: the terminal enforces EF 0017, where there is one.
fn status_of_a_plain_card<C: Transport + ?Sized>(card: &mut C, application: &Selected) -> Option<Unfit> {
    match parameters(card, application) {
        Ok(parameters) => (parameters.status != CardStatus::NORMAL).then_some(Unfit::Status(parameters.status)),
        Err(ReadError::Refused { status: StatusWord::FILE_NOT_FOUND, .. }) => None,
        Err(error) => Some(Unfit::Read(error)),
    }
}

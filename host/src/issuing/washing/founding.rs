//! The first wash (一次洗卡): from the operator's MF to a directory whose one key is the operator's management key.

use onecard_wire::{
    aid,
    fid::Fid,
    file::CreateElementary,
    ins,
    key::{CONTROL_KEY_ID, KeyVersion},
    number::{ApplicationSerial, EnterpriseId},
    sam::UsageKind,
    status::StatusWord,
};

use super::{
    CONTROL_TRIES, GUESSES_MAX, Known, Note, Reached, WashingJournal,
    standing::{Owner, Standing, all_pages},
};
use crate::{
    apdu::{Command, CommandName, Refusal},
    card::external_authentication,
    crypto::{Key, LineKey},
    issuing::{
        Cause, IssuingError, MfKeys, SamCardOrder, Step, Target,
        card::{self, FILES},
        mf::{NO_KEY, first_key_of},
        records::{ADD, KeyRecord, protected},
        sam,
        script::{Script, directory},
    },
    key_list::Listed,
    key_store::KeyTarget,
    keys::Purpose,
    sam::AuthenticationUse,
    transport::Transport,
};
use onecard_wire::key::KeyType;

/// Makes the enterprise's application in the MF of a CPU card whose keys are `mf`: files and the one key `management`, which is
/// the card's own already. What INSTALL does on a RFID-SIM. Begun again, it goes on where it stopped.
///
/// A card that lists its keys (own) gets `management` under the MF's control key; on any other a first key, one way from it, goes
/// in clear and is washed at once. One moment is left there: a card pulled between its key file and the first key in it opens to
/// nobody but whoever erases its MF (specification 4.5.3).
///
/// Of a card without a list the directory's key is found out by a try: each is told to `journal` before it is spent, and none is spent
/// after [`GUESSES_MAX`] in a row, which `known` counts.
///
/// # Errors
/// [`IssuingError`]; [`Cause::Stuck`] after that one moment, [`Cause::EnterprisesAlready`], [`Cause::LastTry`].
pub fn wash_card_to_operator<T: Transport + ?Sized>(
    transport: &mut T,
    mf: &MfKeys,
    management: &Key,
    (enterprise, serial, directory_id): (EnterpriseId, ApplicationSerial, Fid),
    known: Known,
    journal: &mut dyn WashingJournal,
) -> Result<(), IssuingError> {
    let mut script = Script { transport, target: Target::Washed(KeyTarget::Application(serial)) };
    let lists = open_whole_mf(&mut script, mf)?;
    let name = aid::enterprise_application(enterprise);
    let founding = Founding {
        directory: directory_id,
        data: directory(card::DIRECTORY_SIZE, Fid::PUBLIC_DATA, &name),
        name,
        key_file: card::KEY_FILE,
        files: &FILES,
        management,
        step: Step::WriteKey(Purpose::Management),
    };
    let mut tries = if lists { Tries::Listed } else { Tries::Noted { known, journal } };
    found(&mut script, &mut tries, &founding, |script| {
        let record = KeyRecord::control(protected(KeyType::EXTERNAL), management).emit();
        script.write_enciphered(founding.step, [ADD, CONTROL_KEY_ID], &record, &mf.control.clone().into())
    })
}

/// Writes the MF's two files of a SAM whose MF's keys are `mf`, and makes the application of the enterprise with its files and the
/// one key `management`, which is the SAM's own already. Begun again, it goes on where it stopped. Of a SAM that lists no keys tries
/// are told to `journal` and counted by `known` as [`wash_card_to_operator`] does.
///
/// # Errors
/// [`IssuingError`]; [`Cause::EnterprisesAlready`], [`Cause::LastTry`].
pub fn wash_sam_to_operator<T: Transport + ?Sized>(
    transport: &mut T,
    mf: &MfKeys,
    management: (&Key, KeyVersion),
    enterprise: EnterpriseId,
    order: &SamCardOrder,
    known: Known,
    journal: &mut dyn WashingJournal,
) -> Result<(), IssuingError> {
    let mut script = Script { transport, target: Target::Washed(KeyTarget::Sam(order.serial)) };
    let mut tries = if open_whole_mf(&mut script, mf)? { Tries::Listed } else { Tries::Noted { known, journal } };
    for (file, created) in sam::MF_FILES {
        create_unless_there(&mut script, (file, created))?;
    }
    sam::write_mf_files(&mut script, mf, order)?;
    let (management, version) = management;
    let name = aid::sam_application(enterprise);
    let founding = Founding {
        directory: order.directory,
        data: directory(sam::DIRECTORY_SIZE, Fid::SAM_PUBLIC_INFO, &name),
        name,
        key_file: sam::KEY_FILE,
        files: &sam::APPLICATION_FILES,
        management,
        step: Step::WriteKey(Purpose::SamManagement),
    };
    found(&mut script, &mut tries, &founding, |script| {
        let usage = (sam::of_itself(UsageKind::MASTER), version);
        sam::write_key(script, Purpose::SamManagement, usage, management, &mf.control)
    })
}

/// A directory to be there.
struct Founding<'f> {
    directory: Fid,
    /// Of its CREATE FILE.
    data: [u8; 22],
    name: [u8; 14],
    key_file: CreateElementary,
    files: &'static [(Fid, CreateElementary)],
    management: &'f Key,
    step: Step,
}

/// Which key the directory has.
enum Holds {
    NoKeyFile,
    NoKey,
    /// In clear, before it is washed.
    FirstKey,
    Management,
}

/// What is known of the tries of the directory's control key.
enum Tries<'j> {
    /// The card's key list tells them.
    Listed,
    /// The station counts those it spends.
    Noted { known: Known, journal: &'j mut dyn WashingJournal },
}

impl Tries<'_> {
    /// Before a try of a key that may be wrong.
    fn spend<T: Transport + ?Sized>(&mut self, script: &Script<'_, T>) -> Result<(), IssuingError> {
        match self {
            Self::Noted { known, journal } if known.guesses < GUESSES_MAX => {
                *known = known.with(Note::Guess);
                journal.note(Note::Guess).map_err(|error| script.failed(Step::Authenticate, error))
            }
            Self::Listed | Self::Noted { .. } => Err(script.failed(Step::Authenticate, Cause::LastTry)),
        }
    }

    /// The card says how many are left: the count follows it, whoever spent the others.
    fn told<T: Transport + ?Sized>(&mut self, script: &Script<'_, T>, left: u8) -> Result<(), IssuingError> {
        let Self::Noted { known, journal } = self else { return Ok(()) };
        while known.guesses < CONTROL_TRIES.saturating_sub(left) {
            *known = known.with(Note::Guess);
            journal.note(Note::Guess).map_err(|error| script.failed(Step::Authenticate, error))?;
        }
        Ok(())
    }

    /// The key was right, and the card has all its tries again.
    fn come_back<T: Transport + ?Sized>(&mut self, script: &Script<'_, T>) -> Result<(), IssuingError> {
        match self {
            Self::Noted { known, journal } if known.guesses > 0 => {
                let note = Note::Reached(Reached::Operator);
                *known = known.with(note);
                journal.note(note).map_err(|error| script.failed(Step::Authenticate, error))
            }
            Self::Listed | Self::Noted { .. } => Ok(()),
        }
    }
}

fn found<T: Transport + ?Sized>(
    script: &mut Script<'_, T>,
    tries: &mut Tries<'_>,
    founding: &Founding<'_>,
    write_under_mf: impl Fn(&mut Script<'_, T>) -> Result<(), IssuingError>,
) -> Result<(), IssuingError> {
    let mut holds = holds_now(script, founding, tries)?;
    // Entered without a key file, its rights are not enforced until it is left (specification 4.5.3).
    let open = matches!(holds, Holds::NoKeyFile);
    if open {
        let last = founding.management.algorithm().key_file_byte();
        script.create_file((Fid::KEY, CreateElementary { last, ..founding.key_file }))?;
        holds = Holds::NoKey;
    }
    let first = first_key_of(founding.management);
    match holds {
        Holds::Management => {}
        Holds::FirstKey => script.wash_control_key(founding.step, &first, founding.management)?,
        Holds::NoKeyFile | Holds::NoKey if matches!(tries, Tries::Listed) => write_under_mf(script)?,
        Holds::NoKeyFile | Holds::NoKey if open => {
            script.install_control_key(founding.step, founding.management, first)?;
        }
        Holds::NoKeyFile | Holds::NoKey => return Err(script.failed(founding.step, Cause::Stuck)),
    }
    if !open {
        authenticate(script, founding.management)?.map_err(|status| refused(script, status))?;
    }
    for file in founding.files {
        create_unless_there(script, *file)?;
    }
    // Left, so that its rights are enforced.
    script.select_mf()
}

/// Opens the MF and writes its second key, if an earlier attempt at the MF stopped in front of it. Whether the card lists its keys.
fn open_whole_mf<T: Transport + ?Sized>(script: &mut Script<'_, T>, mf: &MfKeys) -> Result<bool, IssuingError> {
    script.open_mf(&mf.control.clone().into())?;
    let listed = all_pages(script, Step::FindOut)?;
    let is_maintenance = |listed: &Listed| listed.key.key_type == KeyType::MAINTENANCE && listed.key.id == 0x00;
    if !listed.as_ref().is_some_and(|keys| keys.iter().any(is_maintenance)) {
        let record = KeyRecord::maintenance(&mf.maintenance);
        unless_there(script.add_key(Step::WriteMfMaintenanceKey, 0x00, &record, &mf.control))?;
    }
    Ok(listed.is_some())
}

/// Enters the directory, which is created if it is not there, and finds out without a try what it holds; on a card without a key
/// list by one try of the management key, and, while two tries remain, one of the first key.
fn holds_now<T: Transport + ?Sized>(
    script: &mut Script<'_, T>,
    founding: &Founding<'_>,
    tries: &mut Tries<'_>,
) -> Result<Holds, IssuingError> {
    let select = Command::new(ins::CLA_ISO, ins::SELECT, 0x04, 0x00).with_data(&founding.name).expecting(0);
    let status = script.ask(Step::SelectDirectory, &select)?.status;
    if status == StatusWord::FILE_NOT_FOUND {
        script.create_directory(founding.directory, &founding.data, &founding.name)?;
        return Ok(Holds::NoKeyFile);
    }
    if !status.is_ok() {
        return Err(script.failed(Step::SelectDirectory, Refusal { command: CommandName::Select, status }));
    }
    match tries {
        Tries::Listed => listed_now(script),
        Tries::Noted { .. } => found_by_try(script, founding, tries),
    }
}

/// By the key list.
fn listed_now<T: Transport + ?Sized>(script: &mut Script<'_, T>) -> Result<Holds, IssuingError> {
    let Some(keys) = all_pages(script, Step::FindOut)? else { return Ok(Holds::NoKeyFile) };
    if keys.is_empty() {
        return Ok(Holds::NoKey);
    }
    let standing = Standing::by_list(keys);
    if standing.owner == Owner::Enterprise {
        return Err(script.failed(Step::FindOut, Cause::EnterprisesAlready));
    }
    if !standing.spares_last_try(0) {
        return Err(script.failed(Step::Authenticate, Cause::LastTry));
    }
    Ok(Holds::Management)
}

/// Without one.
fn found_by_try<T: Transport + ?Sized>(
    script: &mut Script<'_, T>,
    founding: &Founding<'_>,
    tries: &mut Tries<'_>,
) -> Result<Holds, IssuingError> {
    if has_enterprise_key(script)? {
        return Err(script.failed(Step::FindOut, Cause::EnterprisesAlready));
    }
    tries.spend(script)?;
    match authenticate(script, founding.management)? {
        Ok(()) => {
            tries.come_back(script)?;
            return Ok(Holds::Management);
        }
        Err(StatusWord::FILE_NOT_FOUND) => return Ok(Holds::NoKeyFile),
        Err(status) if NO_KEY.contains(&status) => return Ok(Holds::NoKey),
        Err(status) => tries.told(script, status.tries().ok_or_else(|| refused(script, status))?)?,
    }
    tries.spend(script)?;
    if let Err(status) = authenticate(script, &first_key_of(founding.management))? {
        if let Some(left) = status.tries() {
            tries.told(script, left)?;
        }
        return Err(refused(script, status));
    }
    tries.come_back(script)?;
    Ok(Holds::FirstKey)
}

/// Whether a key 30 answers, which is written under the enterprise's control key alone: no try is needed to see that.
fn has_enterprise_key<T: Transport + ?Sized>(script: &mut Script<'_, T>) -> Result<bool, IssuingError> {
    const ENCIPHER: u8 = 0x00;
    for usage in AuthenticationUse::ALL {
        let id = usage.purpose().place().map_or(0, |place| place.id);
        let ask = Command::new(ins::CLA_ISO, ins::INTERNAL_AUTHENTICATE, ENCIPHER, id).with_data(&[0; 8]).expecting(0);
        if script.ask(Step::FindOut, &ask)?.status.is_ok() {
            return Ok(true);
        }
    }
    Ok(false)
}

fn refused<T: Transport + ?Sized>(script: &Script<'_, T>, status: StatusWord) -> IssuingError {
    script.failed(Step::Authenticate, Refusal { command: CommandName::ExternalAuthenticate, status })
}

/// The inner error is the card's refusal.
fn authenticate<T: Transport + ?Sized>(
    script: &mut Script<'_, T>,
    key: &Key,
) -> Result<Result<(), StatusWord>, IssuingError> {
    let challenge = script.challenge(Step::Authenticate)?;
    let command = external_authentication(CONTROL_KEY_ID, challenge, &LineKey::from(key.clone()));
    Ok(script.ask(Step::Authenticate, &command)?.done().map(drop))
}

/// CREATE FILE; 6A86 is a file of this FID that an earlier attempt made.
fn create_unless_there<T: Transport + ?Sized>(
    script: &mut Script<'_, T>,
    file: (Fid, CreateElementary),
) -> Result<(), IssuingError> {
    unless_there(script.create_file(file))
}

fn unless_there(made: Result<(), IssuingError>) -> Result<(), IssuingError> {
    match made {
        Err(IssuingError { cause: Cause::Refused(refusal), .. }) if refusal.status == StatusWord::WRONG_P1P2 => Ok(()),
        made => made,
    }
}

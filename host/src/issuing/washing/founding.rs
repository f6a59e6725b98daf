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

use super::standing::all_pages;
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
/// # Errors
/// [`IssuingError`]; [`Cause::Stuck`] after that one moment.
pub fn wash_card_to_operator<T: Transport + ?Sized>(
    transport: &mut T,
    mf: &MfKeys,
    management: &Key,
    (enterprise, serial, directory_id): (EnterpriseId, ApplicationSerial, Fid),
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
    found(&mut script, lists, &founding, |script| {
        let record = KeyRecord::control(protected(KeyType::EXTERNAL), management).emit();
        script.write_enciphered(founding.step, [ADD, CONTROL_KEY_ID], &record, &mf.control.clone().into())
    })
}

/// Writes the MF's two files of a SAM whose MF's keys are `mf`, and makes the application of the enterprise with its files and the
/// one key `management`, which is the SAM's own already. Begun again, it goes on where it stopped.
///
/// # Errors
/// [`IssuingError`].
pub fn wash_sam_to_operator<T: Transport + ?Sized>(
    transport: &mut T,
    mf: &MfKeys,
    management: (&Key, KeyVersion),
    enterprise: EnterpriseId,
    order: &SamCardOrder,
) -> Result<(), IssuingError> {
    let mut script = Script { transport, target: Target::Washed(KeyTarget::Sam(order.serial)) };
    let lists = open_whole_mf(&mut script, mf)?;
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
    found(&mut script, lists, &founding, |script| {
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

fn found<T: Transport + ?Sized>(
    script: &mut Script<'_, T>,
    lists: bool,
    founding: &Founding<'_>,
    write_under_mf: impl Fn(&mut Script<'_, T>) -> Result<(), IssuingError>,
) -> Result<(), IssuingError> {
    let mut holds = holds_now(script, founding, lists)?;
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
        Holds::NoKeyFile | Holds::NoKey if lists => write_under_mf(script)?,
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
    lists: bool,
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
    if lists {
        return Ok(match all_pages(script, Step::FindOut)? {
            None => Holds::NoKeyFile,
            Some(keys) if keys.is_empty() => Holds::NoKey,
            Some(_) => Holds::Management,
        });
    }
    match authenticate(script, founding.management)? {
        Ok(()) => Ok(Holds::Management),
        Err(StatusWord::FILE_NOT_FOUND) => Ok(Holds::NoKeyFile),
        Err(status) if NO_KEY.contains(&status) => Ok(Holds::NoKey),
        Err(status) if status.tries().is_some_and(|left| left >= TRIES_KEPT) => {
            let first = authenticate(script, &first_key_of(founding.management))?;
            first.map(|()| Holds::FirstKey).map_err(|status| refused(script, status))
        }
        Err(status) if status.tries().is_some() => Err(script.failed(Step::Authenticate, Cause::LastTry)),
        Err(status) => Err(refused(script, status)),
    }
}

/// No key is tried with fewer tries left.
pub(super) const TRIES_KEPT: u8 = 2;

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

//! An enterprise's SAM for one terminal (PBOC PSAM; profile §4).

use core::{fmt, str::FromStr};

use onecard_wire::{
    aid,
    amount::Amount,
    date::Date,
    fid::Fid,
    file::{AccessRight, CreateElementary, EF_HEADER_SIZE, FileKind, WRITE_NEEDS_MAC},
    key::{AlgorithmId, KeyVersion, RECORD_OVERHEAD},
    layout::Writer,
    number::{EnterpriseId, TerminalNumber},
    sam::{CARD_INFO_LEN, KEY_BODY_LEN, LoadLimit, PUBLIC_INFO_LEN, SequenceRecord, Usage, UsageKind},
};
use zeroize::Zeroizing;

use super::{
    Cause, IssuingError, MfKeys, Step, Target,
    script::{Script, directory},
};
use crate::{
    crypto::{Key, LineKey},
    keys::{EnterpriseKeys, Purpose},
    line_protection::{LineMac, ProtectError},
    transport::Transport,
};

/// A SAM's own number, 20 BCD digits; its last 16 diversify the keys that administer it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SamSerial([u8; 10]);

/// One terminal's SAM. The enterprise is that of the keys.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SamCardOrder {
    /// The SAM's own number.
    pub serial: SamSerial,
    /// FID of its application's directory.
    pub directory: Fid,
    /// The terminal's number, part of every MAC.
    pub terminal: TerminalNumber,
    /// First day of validity.
    pub valid_from: Date,
    /// Last day of validity.
    pub valid_to: Date,
    /// What it may load until the station raises the limit.
    pub load_limit: Amount,
    /// Version of its own control and maintenance key.
    pub own_key_version: KeyVersion,
    /// Its working keys, at enterprise level. Several versions of a kind may stand side by side, each with the cipher of the
    /// enterprise's key.
    pub keys: Vec<(UsageKind, KeyVersion)>,
}

/// What a terminal does, and so which keys its SAM gets (profile §4).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum SamRole {
    /// Purchase, undo, marking.
    Till,
    /// Load, marking.
    Recharge,
    /// Access.
    Door,
    /// Attendance.
    Attendance,
    /// PIN, TAC, maintenance of cards, reading.
    ServiceDesk,
    /// What a station asks while it washes cards: contents and access rights, loads and authentications to compare.
    Issuing,
}

impl SamRole {
    /// The kinds of key.
    #[must_use]
    pub const fn kinds(self) -> &'static [UsageKind] {
        match self {
            Self::Till => &[UsageKind::PURCHASE, UsageKind::CANCEL, UsageKind::MARKING],
            Self::Recharge => &[UsageKind::LOAD, UsageKind::MARKING],
            Self::Door => {
                &[UsageKind::ACCESS_AUTHENTICATION, UsageKind::ACCESS_APPEND, UsageKind::RIGHTS, UsageKind::MARKING]
            }
            Self::Attendance => {
                &[UsageKind::ATTENDANCE_AUTHENTICATION, UsageKind::ATTENDANCE_APPEND, UsageKind::MARKING]
            }
            Self::Issuing => &[
                UsageKind::CARD_MAINTENANCE,
                UsageKind::LOAD,
                UsageKind::ACCESS_AUTHENTICATION,
                UsageKind::ATTENDANCE_AUTHENTICATION,
                UsageKind::RIGHTS,
            ],
            Self::ServiceDesk => {
                &[UsageKind::PIN_UNBLOCK, UsageKind::PIN_RELOAD, UsageKind::CARD_MAINTENANCE, UsageKind::READING]
            }
        }
    }

    /// The same, each in `version`, for a [`SamCardOrder`].
    #[must_use]
    pub fn keys(self, version: KeyVersion) -> Vec<(UsageKind, KeyVersion)> {
        self.kinds().iter().map(|kind| (*kind, version)).collect()
    }
}

/// The enterprise's key that a SAM holds under `kind`; `None` for its own two keys and for kinds this profile gives no key.
///
/// A marking key is the maintenance key in value: the SAM makes one MAC by it and nothing else.
#[must_use]
pub const fn purpose_of(kind: UsageKind) -> Option<Purpose> {
    Some(match kind {
        UsageKind::PURCHASE => Purpose::Purchase,
        UsageKind::PIN_UNBLOCK => Purpose::PinUnblock,
        UsageKind::PIN_RELOAD => Purpose::PinReload,
        UsageKind::CARD_MAINTENANCE | UsageKind::MARKING => Purpose::Maintenance,
        UsageKind::LOAD => Purpose::Load,
        UsageKind::CANCEL => Purpose::Cancel,
        UsageKind::ACCESS_AUTHENTICATION => Purpose::AccessAuthentication,
        UsageKind::ACCESS_APPEND => Purpose::AccessAppend,
        UsageKind::RIGHTS => Purpose::Rights,
        UsageKind::ATTENDANCE_AUTHENTICATION => Purpose::AttendanceAuthentication,
        UsageKind::ATTENDANCE_APPEND => Purpose::AttendanceAppend,
        UsageKind::READING => Purpose::Reading,
        _ => return None,
    })
}

/// Writes the MF's two files, creates the application in an MF whose keys are `mf`, writes keys and contents and reads
/// them back.
///
/// # Errors
/// [`IssuingError`].
pub fn issue_sam<T: Transport + ?Sized>(
    transport: &mut T,
    mf: &MfKeys,
    keys: &EnterpriseKeys,
    order: &SamCardOrder,
) -> Result<(), IssuingError> {
    let mut script = Script { transport, target: Target::Sam(order.terminal) };
    let own = own_keys(&script, keys, order)?;
    script.open_mf(&mf.control.clone().into())?;
    MF_FILES.into_iter().try_for_each(|file| script.create_file(file))?;
    write_mf_files(&mut script, mf, order)?;

    let name = aid::sam_application(keys.enterprise());
    script.create_directory(order.directory, &directory(DIRECTORY_SIZE, Fid::SAM_PUBLIC_INFO, &name), &name)?;
    let last = own.master.algorithm().key_file_byte();
    script.create_file((Fid::KEY, CreateElementary { last, ..KEY_FILE }))?;
    APPLICATION_FILES.into_iter().try_for_each(|file| script.create_file(file))?;
    write_keys(&mut script, mf, &own, keys, order)?;
    write_contents_by(&mut script, keys.enterprise(), order, &mut LineKey::from(own.maintenance.clone()))
}

/// Card and terminal information, written and read back.
pub(super) fn write_mf_files<T: Transport + ?Sized>(
    script: &mut Script<'_, T>,
    mf: &MfKeys,
    order: &SamCardOrder,
) -> Result<(), IssuingError> {
    let card_info = card_info(order);
    script.write_file(Fid::SAM_CARD_INFO, &card_info, &mf.maintenance)?;
    script.write_file(Fid::SAM_TERMINAL, &order.terminal.0, &mf.maintenance)?;
    script.check_file(Fid::SAM_CARD_INFO, &card_info)?;
    script.check_file(Fid::SAM_TERMINAL, &order.terminal.0)
}

/// Public information and load limit by whoever keeps the SAM's maintenance key, written and read back.
pub(super) fn write_contents_by<T, M>(
    script: &mut Script<'_, T>,
    enterprise: EnterpriseId,
    order: &SamCardOrder,
    keeper: &mut M,
) -> Result<(), IssuingError>
where
    T: Transport + ?Sized,
    M: LineMac + ?Sized,
    Cause: From<ProtectError<M::Error>>,
{
    let public_info = public_info(enterprise, order);
    let limit = order.load_limit.to_bytes();
    script.write_file_by(Fid::SAM_PUBLIC_INFO, &public_info, keeper)?;
    script.write_file_by(Fid::SAM_LOAD_LIMIT, &limit, keeper)?;
    script.check_file(Fid::SAM_PUBLIC_INFO, &public_info)?;
    script.check_file(Fid::SAM_LOAD_LIMIT, &limit)
}

/// Card and terminal information (PBOC PSAM).
pub(super) const MF_FILES: [(Fid, CreateElementary); 2] =
    [(Fid::SAM_CARD_INFO, file_with_mac(CARD_INFO_LEN as u16)), (Fid::SAM_TERMINAL, file_with_mac(6))];

/// Public information, terminal sequence, load limit.
pub(super) const APPLICATION_FILES: [(Fid, CreateElementary); 3] = [
    (Fid::SAM_PUBLIC_INFO, file_with_mac(PUBLIC_INFO_LEN as u16)),
    (
        Fid::SAM_SEQUENCE,
        CreateElementary {
            type_byte: FileKind::Cyclic as u8,
            size: [SEQUENCE_RECORDS, SequenceRecord::LEN as u8],
            read: AccessRight::FREE,
            write: AccessRight::NEVER,
            reserved: 0xFF,
            last: 0xFF,
        },
    ),
    (Fid::SAM_LOAD_LIMIT, file_with_mac(LoadLimit::LEN as u16)),
];

/// The records are written in turn, so that none wears out first.
const SEQUENCE_RECORDS: u8 = 16;
/// The application's own two keys and 22 working keys.
const KEY_FILE_SIZE: u16 = 24 * (Key::LEN as u16 + RECORD_OVERHEAD);
pub(super) const KEY_FILE: CreateElementary = CreateElementary {
    type_byte: FileKind::Key as u8,
    size: KEY_FILE_SIZE.to_be_bytes(),
    // dfSfi: an application's key file, 100 ‖ SFI 15.
    read: AccessRight(0x95),
    write: AccessRight(0xFF),
    reserved: 0xFF,
    last: 0xFF,
};
/// Room of the directory by FMCOS's accounting: four headers and bodies.
pub(super) const DIRECTORY_SIZE: u16 = 4 * EF_HEADER_SIZE
    + KEY_FILE_SIZE
    + PUBLIC_INFO_LEN as u16
    + SEQUENCE_RECORDS as u16 * (SequenceRecord::LEN as u16 + 1)
    + LoadLimit::LEN as u16;

/// Free to read, written with a MAC.
const fn file_with_mac(length: u16) -> CreateElementary {
    CreateElementary {
        type_byte: FileKind::Binary as u8 | WRITE_NEEDS_MAC,
        size: length.to_be_bytes(),
        read: AccessRight::FREE,
        write: AccessRight::FREE,
        reserved: 0xFF,
        last: 0xFF,
    }
}

/// The keys that administer the application, of one cipher: the key file's last byte names it.
struct OwnKeys {
    master: Key,
    maintenance: Key,
}

fn own_keys<T: Transport + ?Sized>(
    script: &Script<'_, T>,
    keys: &EnterpriseKeys,
    order: &SamCardOrder,
) -> Result<OwnKeys, IssuingError> {
    let own = keys.sam(order.serial.factor());
    let key = |purpose| {
        let key = own.keys().key(purpose, order.own_key_version).cloned();
        key.map_err(|missing| script.failed(Step::WriteKey(purpose), missing))
    };
    let own = OwnKeys { master: key(Purpose::SamMaster)?, maintenance: key(Purpose::SamMaintenance)? };
    if own.master.algorithm() != own.maintenance.algorithm() {
        let mixed = Cause::MixedAlgorithms(Purpose::SamMaster, Purpose::SamMaintenance);
        return Err(script.failed(Step::WriteKey(Purpose::SamMaintenance), mixed));
    }
    Ok(own)
}

/// The first key is the application's control key, under the MF's; all others are written under it.
fn write_keys<T: Transport + ?Sized>(
    script: &mut Script<'_, T>,
    mf: &MfKeys,
    OwnKeys { master, maintenance }: &OwnKeys,
    keys: &EnterpriseKeys,
    order: &SamCardOrder,
) -> Result<(), IssuingError> {
    let version = order.own_key_version;
    write_key(script, Purpose::SamMaster, (of_itself(UsageKind::MASTER), version), master, &mf.control)?;
    write_key(script, Purpose::SamMaintenance, (of_itself(UsageKind::MAINTENANCE), version), maintenance, master)?;
    for (kind, version) in &order.keys {
        let purpose = purpose_of(*kind).ok_or_else(|| script.failed(Step::WriteSamKey(*kind), Cause::NoSuchKind))?;
        let key = keys.keys().key(purpose, *version);
        let key = key.map_err(|missing| script.failed(Step::WriteKey(purpose), missing))?;
        write_key(script, purpose, (Usage::new(1, *kind), *version), key, master)?;
    }
    Ok(())
}

/// Usage of a key that administers the application.
pub(super) const fn of_itself(kind: UsageKind) -> Usage {
    Usage::new(0, kind)
}

/// `84 D4 00 00`: usage ‖ version ‖ algorithm ‖ key, enciphered and MACed.
pub(super) fn write_key<T: Transport + ?Sized>(
    script: &mut Script<'_, T>,
    purpose: Purpose,
    (usage, version): (Usage, KeyVersion),
    key: &Key,
    control: &Key,
) -> Result<(), IssuingError> {
    let body: [u8; KEY_BODY_LEN] =
        Writer::new().put(&[usage.0, version.0, AlgorithmId::of(key.algorithm()).0]).put(key.expose()).finish();
    let body = Zeroizing::new(body);
    script.write_enciphered(Step::WriteKey(purpose), [0x00, 0x00], &*body, &control.clone().into())
}

/// Serial ‖ version ‖ key card type ‖ issuer's FCI data.
pub(super) fn card_info(order: &SamCardOrder) -> [u8; CARD_INFO_LEN] {
    const VERSION: u8 = 0x01;
    Writer::new().put(&order.serial.0).put(&[VERSION, 0x00, 0x00, 0x00]).finish()
}

/// Key index ‖ issuer ‖ receiver ‖ start ‖ end: the enterprise issues to itself.
pub(super) fn public_info(enterprise: EnterpriseId, order: &SamCardOrder) -> [u8; PUBLIC_INFO_LEN] {
    const PURCHASE_KEY_INDEX: u8 = 0x01;
    let enterprise = enterprise.to_bytes();
    Writer::new()
        .u8(PURCHASE_KEY_INDEX)
        .put(&enterprise)
        .put(&enterprise)
        .put(&order.valid_from.to_bytes())
        .put(&order.valid_to.to_bytes())
        .finish()
}

impl SamSerial {
    /// What its own keys are diversified by: the last 16 digits.
    #[must_use]
    pub const fn factor(self) -> [u8; 8] {
        let [_, _, a, b, c, d, e, f, g, h] = self.0;
        [a, b, c, d, e, f, g, h]
    }
}

/// Not 20 decimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("a SAM's number has 20 decimal digits")]
pub struct SamSerialError;

impl FromStr for SamSerial {
    type Err = SamSerialError;

    fn from_str(text: &str) -> Result<Self, SamSerialError> {
        if !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(SamSerialError);
        }
        let mut bytes = [0; 10];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| SamSerialError)?;
        Ok(Self(bytes))
    }
}

impl fmt::Display for SamSerial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02X}"))
    }
}

impl fmt::Debug for SamSerial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;
    use crate::{issuing::script::tests::Recorder, keys::KeySet};
    use onecard_wire::{key::Algorithm, number::EnterpriseId};

    const VERSION: KeyVersion = KeyVersion(0x05);

    fn keys() -> EnterpriseKeys {
        let enterprise: EnterpriseId = "1000000000000001".parse().unwrap();
        let keys = Purpose::ALL
            .into_iter()
            .zip(0x41..)
            .fold(KeySet::default(), |keys, (purpose, byte)| keys.with(purpose, VERSION, Key::from_bytes([byte; 16])));
        EnterpriseKeys::new(enterprise, keys)
    }

    fn order(keys: Vec<(UsageKind, KeyVersion)>) -> SamCardOrder {
        SamCardOrder {
            serial: "00001234567890123456".parse().unwrap(),
            directory: Fid(0xDF01),
            terminal: TerminalNumber([0, 0x11, 0x22, 0x33, 0x44, 0x55]),
            valid_from: Date::parse("20260101").unwrap(),
            valid_to: Date::parse("20301231").unwrap(),
            load_limit: Amount::from_fen(1_000_000),
            own_key_version: VERSION,
            keys,
        }
    }

    fn mf() -> MfKeys {
        MfKeys { control: Key::from_bytes([0xC1; 16]), maintenance: Key::from_bytes([0xC2; 16]) }
    }

    #[test]
    fn a_till_gets_the_keys_of_a_till_and_no_other() {
        let own = keys().sam(order(Vec::new()).serial.factor());
        let master = own.keys().key(Purpose::SamMaster, VERSION).unwrap().clone();
        let bodies = written_keys(SamRole::Till.keys(VERSION), &[mf().control, master.clone(), master]);
        let usages: Vec<String> = bodies.iter().map(|body| hex::encode_upper(&body[..4])).collect();
        assert_eq!(usages, ["13000500", "13010500", "13220500", "132A0500", "132E0500"]);
        // Purchase, cancel, and for marking the maintenance key, each at enterprise level.
        let value = |purpose| keys().keys().key(purpose, VERSION).unwrap().expose().to_vec();
        let values: Vec<&[u8]> = bodies[2..].iter().map(|body| &body[4..20]).collect();
        assert_eq!(values, [value(Purpose::Purchase), value(Purpose::Cancel), value(Purpose::Maintenance)]);
    }

    #[test]
    fn a_sam_takes_a_kind_in_several_versions_and_ciphers() {
        let enterprise = keys();
        let next = Key::new(Algorithm::Sm4, [0x99; 16]);
        let set = enterprise.keys().clone().with(Purpose::Purchase, KeyVersion(6), next);
        let both = EnterpriseKeys::new(enterprise.enterprise(), set);
        let own = enterprise.sam(order(Vec::new()).serial.factor());
        let master = own.keys().key(Purpose::SamMaster, VERSION).unwrap().clone();
        let working = vec![(UsageKind::PURCHASE, VERSION), (UsageKind::PURCHASE, KeyVersion(6))];
        let bodies = keys_written(&both, working, &[mf().control, master]);
        let heads: Vec<String> = bodies.iter().map(|body| hex::encode_upper(&body[..5])).collect();
        assert_eq!(heads[2..], ["1322050049", "1322060499"]);
    }

    #[test]
    fn the_key_file_says_the_cipher_of_the_two_own_keys() {
        let with = |master, maintenance| {
            let key = |algorithm| Key::new(algorithm, [0x77; 16]);
            let set = keys().keys().clone().with(Purpose::SamMaster, VERSION, key(master));
            EnterpriseKeys::new(keys().enterprise(), set.with(Purpose::SamMaintenance, VERSION, key(maintenance)))
        };
        let mut card = Recorder::with_challenge([0; 4]).holding_what_is_written();
        let mixed = with(Algorithm::Aes, Algorithm::Sm4);
        let error = issue_sam(&mut card, &mf(), &mixed, &order(Vec::new())).unwrap_err();
        assert_eq!(error.cause, Cause::MixedAlgorithms(Purpose::SamMaster, Purpose::SamMaintenance));
        assert_eq!(card.sent().len(), 0);
        issue_sam(&mut card, &mf(), &with(Algorithm::Sm4, Algorithm::Sm4), &order(Vec::new())).unwrap();
        assert!(card.sent().contains(&"80E00000073F024095FFFF04".to_owned()), "{:?}", card.sent());
    }

    #[test]
    fn each_role_has_its_kinds() {
        let kinds = |role: SamRole| role.kinds().iter().map(|kind| kind.0).collect::<Vec<_>>();
        assert_eq!(kinds(SamRole::Till), [0x02, 0x0A, 0x0E]);
        assert_eq!(kinds(SamRole::Recharge), [0x09, 0x0E]);
        assert_eq!(kinds(SamRole::Door), [0x0B, 0x0C, 0x0D, 0x0E]);
        assert_eq!(kinds(SamRole::Attendance), [0x0F, 0x10, 0x0E]);
        assert_eq!(kinds(SamRole::ServiceDesk), [0x03, 0x04, 0x05, 0x11]);
    }

    #[test]
    fn an_order_for_an_unknown_kind_is_refused() {
        let mut card = Recorder::with_challenge([0; 4]).holding_what_is_written();
        let order = order(vec![(UsageKind::ENCIPHER, VERSION)]);
        let error = issue_sam(&mut card, &mf(), &keys(), &order).unwrap_err();
        assert_eq!((error.step, error.cause), (Step::WriteSamKey(UsageKind::ENCIPHER), Cause::NoSuchKind));
    }

    #[test]
    fn files_and_contents() {
        let mut card = Recorder::with_challenge([0; 4]).holding_what_is_written();
        issue_sam(&mut card, &mf(), &keys(), &order(Vec::new())).unwrap();
        let created: Vec<&str> = card.sent().iter().filter_map(|command| command.strip_prefix("80E0")).collect();
        assert_eq!(
            created,
            [
                "001507A8000EF0F0FFFF",
                "001607A80006F0F0FFFF",
                "DF011638 03D8 FFFF97FFFF F04F4E4543021000000000000001".replace(' ', "").as_str(),
                "0000073F024095FFFFFF",
                "001707A80019F0F0FFFF",
                "0018072E1013F0EFFFFF",
                "001907A80013F0F0FFFF",
            ]
        );
        let limit = card.sent().iter().find(|command| command.starts_with("04D69900")).unwrap();
        assert_eq!(limit[..18], *"04D6990008000F4240");
    }

    /// What each WRITE KEY carries, deciphered under `controls` in turn; the last serves the rest.
    fn written_keys(working: Vec<(UsageKind, KeyVersion)>, controls: &[Key]) -> Vec<Vec<u8>> {
        keys_written(&keys(), working, controls)
    }

    fn keys_written(keys: &EnterpriseKeys, working: Vec<(UsageKind, KeyVersion)>, controls: &[Key]) -> Vec<Vec<u8>> {
        let mut card = Recorder::with_challenge([0; 4]).holding_what_is_written();
        issue_sam(&mut card, &mf(), keys, &order(working)).unwrap();
        let commands = card.sent().iter().filter_map(|command| command.strip_prefix("84D400001C"));
        let controls = controls.iter().chain(core::iter::repeat(&controls[controls.len() - 1]));
        commands
            .zip(controls)
            .map(|(command, control)| {
                let bytes = hex::decode(command).unwrap();
                control.decipher(&bytes[..24]).unwrap().to_vec()
            })
            .collect()
    }
}

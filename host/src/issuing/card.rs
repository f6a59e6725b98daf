//! An enterprise application on a member's card (profile §3.1, §3.2).

use onecard_wire::{
    aid,
    amount::Amount,
    date::Date,
    fid::Fid,
    file::{AccessRight, CreateElementary, EF_HEADER_SIZE, FileKind, PURSE_BODY_SIZE, WRITE_NEEDS_MAC},
    ins,
    key::{AlgorithmId, KeyType, KeyVersion, RECORD_OVERHEAD},
    number::EnterpriseId,
    record::{ApplicationType, Holder, Parameters, PublicData},
    wallet::Purse,
};
use rand_core::CryptoRng;

use super::{
    Cause, IssuingError, MfKeys, Step, Target,
    script::{COUNTER_FULL, KeyRecord, Script, directory, protected},
};
use crate::{
    apdu::Command,
    card::{Pin, Selected, balance, select, verify_pin},
    crypto::{Key, LineKey},
    keys::{CardKeys, Purpose},
    line_protection::{AnswerError, verified_answer, with_mac},
    transport::Transport,
};

/// One member's application. Its serial is that of the card keys.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CardOrder {
    /// Whose application.
    pub enterprise: EnterpriseId,
    /// FID of its directory, free in this card's MF.
    pub directory: Fid,
    /// First day of validity.
    pub valid_from: Date,
    /// Last day of validity.
    pub valid_to: Date,
    /// Who holds it; texts are GB18030 bytes.
    pub holder: Holder,
    /// Limits and expiry.
    pub parameters: Parameters,
    /// The holder's first PIN.
    pub pin: Pin,
    /// Version of every key written.
    pub key_version: KeyVersion,
}

/// Creates the enterprise application in an MF whose keys are `mf`, writes keys, files and contents, leaves and enters it
/// again and reads everything back.
///
/// # Errors
/// [`IssuingError`].
pub fn issue_card<T: Transport + ?Sized>(
    transport: &mut T,
    mf: &MfKeys,
    keys: &CardKeys,
    order: &CardOrder,
    random: &mut impl CryptoRng,
) -> Result<Selected, IssuingError> {
    let mut script = Script { transport, target: Target::Card(keys.serial()) };
    let name = aid::enterprise_application(order.enterprise);
    script.open_mf(&mf.control.clone().into())?;
    script.create_directory(order.directory, &directory(DIRECTORY_SIZE, Fid::PUBLIC_DATA, &name), &name)?;
    script.create_file((Fid::KEY, KEY_FILE))?;
    write_keys(&mut script, keys, order, random)?;
    FILES.into_iter().try_for_each(|file| script.create_file(file))?;
    let maintenance = key(&script, keys, order, Purpose::Maintenance)?;
    for (file, content) in contents(keys, order) {
        script.write_file(file, &content, maintenance)?;
    }
    read_back(&mut script, keys, order, &name)
}

/// The files of profile §3.1 in the order of their creation, the log before the purses that name it.
const FILES: [(Fid, CreateElementary); 10] = [
    (Fid::PUBLIC_DATA, data_file(FileKind::Binary, [0x00, 0x1E], AccessRight::FREE, 0xFF)),
    (Fid::HOLDER, data_file(FileKind::Binary, [0x00, 0x37], ANY_STATE, 0xFF)),
    (Fid::PARAMETERS, data_file(FileKind::Binary, [0x00, 0x24], AccessRight::FREE, 0xFF)),
    (
        Fid::LOG,
        CreateElementary {
            type_byte: FileKind::Cyclic as u8,
            write: AccessRight::NEVER,
            ..data_file(FileKind::Cyclic, [0x14, 0x17], ANY_STATE, 0xFF)
        },
    ),
    (Fid::ACCESS_RIGHTS, data_file(FileKind::Binary, [0x00, 0xE0], AccessRight::FREE, 0xFF)),
    (Fid::ATTENDANCE_LOG, data_file(FileKind::Cyclic, [0x20, 0x10], ANY_STATE, 0xFD)),
    (Fid::ACCESS_LOG, data_file(FileKind::Cyclic, [0x10, 0x10], ANY_STATE, 0xFC)),
    (Fid::CAPP, data_file(FileKind::Variable, [0x01, 0x00], AccessRight::FREE, 0xFF)),
    (Fid::ED, purse(PIN_VERIFIED)),
    (Fid::EP, purse(AccessRight::FREE)),
];

/// F1: the PIN, the reading key or the control key.
const ANY_STATE: AccessRight = AccessRight(0xF1);
/// 22: the PIN alone.
const PIN_VERIFIED: AccessRight = AccessRight(0x22);

/// The 18 keys of profile §3.2 and room for seven more, so that keys can roll while old terminals still work.
const KEY_FILE_SIZE: u16 = 25 * (Key::LEN as u16 + RECORD_OVERHEAD);
const KEY_FILE: CreateElementary = CreateElementary {
    type_byte: FileKind::Key as u8,
    size: KEY_FILE_SIZE.to_be_bytes(),
    // dfSfi: an application's key file, 100 ‖ SFI 15.
    read: AccessRight(0x95),
    write: AccessRight(0xFF),
    reserved: 0xFF,
    last: 0xFF,
};

/// Room of the directory by FMCOS's accounting: each file's header and body.
const DIRECTORY_SIZE: u16 = {
    let mut size = EF_HEADER_SIZE + KEY_FILE_SIZE;
    let mut files: &[(Fid, CreateElementary)] = &FILES;
    while let [(_, file), rest @ ..] = files {
        size += EF_HEADER_SIZE + body_size(file);
        files = rest;
    }
    size
};
// Three applications fit the 8 KB of an FM1208 (profile §1).
const _: () = assert!(DIRECTORY_SIZE <= 2_700);

const fn body_size(file: &CreateElementary) -> u16 {
    let [high, low] = file.size;
    match FileKind::from_type_byte(file.type_byte) {
        Some(FileKind::Purse) => PURSE_BODY_SIZE,
        Some(FileKind::Fixed | FileKind::Cyclic) => high as u16 * (low as u16 + 1),
        _ => u16::from_be_bytes(file.size),
    }
}

/// A file whose writes need a MAC.
const fn data_file(kind: FileKind, size: [u8; 2], read: AccessRight, line_keys: u8) -> CreateElementary {
    CreateElementary {
        type_byte: kind as u8 | WRITE_NEEDS_MAC,
        size,
        read,
        write: AccessRight::FREE,
        reserved: 0xFF,
        last: line_keys,
    }
}

const fn purse(use_right: AccessRight) -> CreateElementary {
    CreateElementary {
        type_byte: FileKind::Purse as u8,
        size: [0x02, 0x08],
        read: use_right,
        write: AccessRight(0x00),
        reserved: 0xFF,
        last: Fid::LOG.0 as u8,
    }
}

fn write_keys<T: Transport + ?Sized>(
    script: &mut Script<'_, T>,
    keys: &CardKeys,
    order: &CardOrder,
    random: &mut impl CryptoRng,
) -> Result<(), IssuingError> {
    let control = key(script, keys, order, Purpose::Control)?;
    script.install_control_key(Step::WriteKey(Purpose::Control), control, random)?;
    for purpose in Purpose::ALL.into_iter().filter(|purpose| *purpose != Purpose::Control) {
        let Some(place) = purpose.place() else { continue };
        let value = key(script, keys, order, purpose)?;
        let record = KeyRecord {
            type_byte: protected(place.key_type),
            use_right: use_right(purpose),
            change_right: AccessRight::FREE,
            attributes: attributes(place.key_type, order.key_version),
            value: value.expose(),
        };
        script.add_key(Step::WriteKey(purpose), place.id, &record, control)?;
    }
    // A PIN is replaced by commands of its own and so not protected; it travels enciphered all the same.
    let record = KeyRecord {
        type_byte: KeyType::PIN.0,
        use_right: AccessRight::FREE,
        change_right: AccessRight::NEVER,
        attributes: [STATE_PIN, THREE_TRIES],
        value: order.pin.expose(),
    };
    script.add_key(Step::WritePin, 0x00, &record, control)
}

/// State the PIN leaves.
const STATE_PIN: u8 = 0x02;
/// State the reading key leaves.
const STATE_READING: u8 = 0x01;
/// Three tries, three left.
const THREE_TRIES: u8 = 0x33;

const fn use_right(purpose: Purpose) -> AccessRight {
    match purpose {
        Purpose::Load | Purpose::UnloadEd | Purpose::Overdraft => PIN_VERIFIED,
        _ => AccessRight::FREE,
    }
}

/// Version ‖ algorithm, or follow-up state ‖ error counter.
const fn attributes(key_type: KeyType, version: KeyVersion) -> [u8; 2] {
    match key_type {
        // The control key is written by itself: this is the reading key.
        KeyType::EXTERNAL => [STATE_READING, COUNTER_FULL],
        other if other.counts_errors() => [0xFF, COUNTER_FULL],
        _ => [version.0, AlgorithmId::TRIPLE_DES.0],
    }
}

fn contents(keys: &CardKeys, order: &CardOrder) -> [(Fid, Vec<u8>); 3] {
    [
        (Fid::PUBLIC_DATA, public_data(keys, order).emit().to_vec()),
        (Fid::HOLDER, order.holder.emit().to_vec()),
        (Fid::PARAMETERS, order.parameters.emit().to_vec()),
    ]
}

fn public_data(keys: &CardKeys, order: &CardOrder) -> PublicData {
    PublicData {
        enterprise: order.enterprise,
        application_type: ApplicationType::BOTH,
        version: PublicData::VERSION_OWN,
        serial: keys.serial(),
        valid_from: order.valid_from,
        valid_to: order.valid_to,
        issuer_data: [0; 2],
    }
}

fn key<'k, T: ?Sized>(
    script: &Script<'_, T>,
    keys: &'k CardKeys,
    order: &CardOrder,
    purpose: Purpose,
) -> Result<&'k Key, IssuingError> {
    let found = keys.keys().key(purpose, order.key_version);
    found.map_err(|missing| IssuingError {
        target: script.target,
        step: Step::WriteKey(purpose),
        cause: Cause::MissingKey(missing),
    })
}

/// Leaves the directory, so that its rights are enforced, and looks at it as a terminal does.
fn read_back<T: Transport + ?Sized>(
    script: &mut Script<'_, T>,
    keys: &CardKeys,
    order: &CardOrder,
    name: &[u8; 14],
) -> Result<Selected, IssuingError> {
    let different = |script: &Script<'_, T>, file| Err(script.failed(Step::Check(file), Cause::Different));
    script.select_mf()?;
    let selected = select(script.transport, name).map_err(|error| script.failed(Step::SelectDirectory, error))?;
    if selected.public_data != public_data(keys, order) {
        return different(script, Fid::PUBLIC_DATA);
    }
    script.check_file(Fid::PARAMETERS, &order.parameters.emit())?;
    check_holder(script, key(script, keys, order, Purpose::Maintenance)?, &order.holder)?;
    verify_pin(script.transport, &selected, &order.pin).map_err(|error| script.failed(Step::WritePin, error))?;
    for (file, purse) in [(Fid::ED, Purse::Ed), (Fid::EP, Purse::Ep)] {
        let amount = balance(script.transport, &selected, purse);
        if amount.map_err(|error| script.failed(Step::Check(file), error))? != Amount::ZERO {
            return different(script, file);
        }
    }
    Ok(selected)
}

/// EF 0016 read with a MAC both ways: shows that card and station hold the same maintenance key.
fn check_holder<T: Transport + ?Sized>(
    script: &mut Script<'_, T>,
    maintenance: &Key,
    holder: &Holder,
) -> Result<(), IssuingError> {
    const SFI: u8 = 0x80 | (Fid::HOLDER.0 & 0x1F) as u8;
    const LEN: u8 = Holder::LEN as u8;
    let step = Step::Check(Fid::HOLDER);
    let mut keeper = LineKey::from(maintenance.clone());
    let challenge = script.challenge(step)?;
    let read = Command::new(ins::CLA_ISO, ins::READ_BINARY, SFI, 0).expecting(LEN);
    let sent = with_mac(&read, challenge, &mut keeper).map_err(|error| script.failed(step, error))?;
    let answer = script.send(step, &sent)?;
    match verified_answer(answer, challenge, &mut keeper) {
        Ok(content) if content == holder.emit() => Ok(()),
        Ok(_) | Err(AnswerError::TooShort(_) | AnswerError::WrongMac) => Err(script.failed(step, Cause::Different)),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;
    use crate::{
        card::SelectError,
        issuing::script::tests::{Recorder, Sevens},
        keys::KeySet,
    };
    use hex_literal::hex;
    use onecard_wire::number::ApplicationSerial;

    const VERSION: KeyVersion = KeyVersion(0x05);

    /// Each purpose has a key of its own: its place in [`Purpose::ALL`], repeated, is the value.
    fn keys() -> CardKeys {
        let keys = Purpose::ALL
            .into_iter()
            .zip(0x41..)
            .fold(KeySet::default(), |keys, (purpose, byte)| keys.with(purpose, VERSION, Key::from_bytes([byte; 16])));
        CardKeys::new(ApplicationSerial::from_bytes(hex!("3100100000000423")).unwrap(), keys)
    }

    /// What is sent until the first look at the new application, which this card does not show.
    fn sent() -> Vec<String> {
        let order = CardOrder {
            enterprise: "1000000000000001".parse().unwrap(),
            directory: Fid(0xDF01),
            valid_from: Date::parse("20260101").unwrap(),
            valid_to: Date::parse("20301231").unwrap(),
            holder: Holder { card_type: 1, staff: 0, name: [0x20; 20], id_number: [0x30; 32], id_type: 0 },
            parameters: Parameters::UNLIMITED,
            pin: Pin::from_digits("123456").unwrap(),
            key_version: VERSION,
        };
        let mf = MfKeys { control: Key::from_bytes([0xC1; 16]), maintenance: Key::from_bytes([0xC2; 16]) };
        let mut card = Recorder::with_challenge([1, 2, 3, 4]);
        let error = issue_card(&mut card, &mf, &keys(), &order, &mut Sevens).unwrap_err();
        assert_eq!((error.step, error.cause), (Step::SelectDirectory, Cause::Select(SelectError::WrongFci)));
        card.sent().to_vec()
    }

    #[test]
    fn the_files_are_those_of_the_profile() {
        let sent = sent();
        let created: Vec<&str> = sent.iter().filter_map(|command| command.strip_prefix("80E0")).collect();
        assert_eq!(
            created,
            [
                "DF0116380A66FFFF95FFFFF04F4E4543011000000000000001",
                "0000073F025895FFFFFF",
                "001507A8001EF0F0FFFF",
                "001607A80037F1F0FFFF",
                "001707A80024F0F0FFFF",
                "0018072E1417F1EFFFFF",
                "001907A800E0F0F0FFFF",
                "001A07AE2010F1F0FFFD",
                "001B07AE1010F1F0FFFC",
                "001C07AC0100F0F0FFFF",
                "0001072F02082200FF18",
                "0002072F0208F000FF18",
            ]
        );
    }

    #[test]
    fn the_keys_are_those_of_the_profile() {
        let control = Key::from_bytes([0x41; 16]);
        let sent = sent();
        let mut written = sent.iter().filter_map(|command| command.strip_prefix("84D4"));
        // The control key, under the random one that went in clear.
        let (record, _) = record(written.next().unwrap(), &Key::from_bytes([7; 16]));
        assert_eq!(record[..6], hex!("15 F9F0F00FFF"));
        assert!(sent.contains(&format!("80D401001539F0F00FFF{}", "07".repeat(16))));
        let rows: Vec<String> = written
            .map(|command| {
                let (record, id) = self::record(command, &control);
                hex::encode_upper([&[record[1], id], &record[2..6]].concat())
            })
            .collect();
        assert_eq!(
            rows,
            [
                "F901F0F001FF",
                "F600F0F0FFFF",
                "F602F0F0FFFF",
                "F603F0F0FFFF",
                "F700F0F0FFFF",
                "F800F0F0FFFF",
                "F400F0F00500",
                "FE01F0F00500",
                "FF0122F00500",
                "FF11F0F00500",
                "FD0122F00500",
                "FD02F0F00500",
                "FC0122F00500",
                "F301F0F00500",
                "F001F0F00500",
                "F002F0F00500",
                "3A00F0EF0233",
            ]
        );
    }

    #[test]
    fn no_key_and_no_pin_crosses_in_clear() {
        for command in sent() {
            let clear = (0x41..0x59).any(|byte| command.contains(&format!("{byte:02X}").repeat(16)));
            assert!(!clear && !command.contains("F0EF0233123456"), "{command}");
        }
    }

    /// LD ‖ record of an enciphered WRITE KEY, and the key's id.
    fn record(command: &str, control: &Key) -> (Vec<u8>, u8) {
        let bytes = hex::decode(command).unwrap();
        let cipher = &bytes[3..bytes.len() - 4];
        (control.decipher(cipher).unwrap().to_vec(), bytes[1])
    }
}

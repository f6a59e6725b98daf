//! An enterprise application on a member's card (profile §3.1, §3.2).

use onecard_wire::{
    aid,
    amount::Amount,
    date::Date,
    fid::Fid,
    file::{AccessRight, CreateElementary, EF_HEADER_SIZE, FileKind, PURSE_BODY_SIZE, WRITE_NEEDS_MAC},
    ins,
    key::{Algorithm, KeyVersion, RECORD_OVERHEAD},
    number::{ApplicationSerial, EnterpriseId},
    record::{Holder, Parameters},
    wallet::Purse,
};
use rand_core::CryptoRng;

use super::{
    Cause, IssuingError, MfKeys, Step, Target, public_data,
    records::{PIN_VERIFIED, pin_record, place_of, record_of},
    script::{Script, directory, random_first_key},
};
use crate::{
    apdu::Command,
    card::{Pin, Selected, balance, select, verify_pin},
    crypto::{Key, LineKey},
    keys::{CardKeys, Purpose},
    line_protection::{AnswerError, LineMac, ProtectError, verified_answer, with_mac},
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
    /// Version of every key written, beside those of [`Self::beside`]. Each has the cipher of the card key of its purpose
    /// and this version; those of the types 36 to 39 must have one cipher among them.
    pub key_version: KeyVersion,
    /// Purchase and load keys that stand beside these, for terminals with SAMs of another version.
    pub beside: Vec<KeyBeside>,
}

/// A purchase or load key beside the one in use: the old one or the next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct KeyBeside {
    /// [`Purpose::Purchase`], [`Purpose::Load`] or [`Purpose::LoadForAir`].
    pub purpose: Purpose,
    /// Key index of INITIALIZE: 02 and above for purchase, 02 to 0F for loads with PIN, 12 and above for loads without.
    pub id: u8,
    /// Its version.
    pub version: KeyVersion,
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
    let algorithm = one_algorithm(&script, keys, order)?;
    script.open_mf(&mf.control.clone().into())?;
    script.create_directory(order.directory, &directory(DIRECTORY_SIZE, Fid::PUBLIC_DATA, &name), &name)?;
    script.create_file((Fid::KEY, CreateElementary { last: algorithm.key_file_byte(), ..KEY_FILE }))?;
    let control = key(&script, keys, Purpose::Control, order.key_version)?;
    script.install_control_key(Step::WriteKey(Purpose::Control), control, random_first_key(control, random))?;
    write_other_keys(&mut script, keys, order)?;
    FILES.into_iter().try_for_each(|file| script.create_file(file))?;
    write_contents(&mut script, keys, order)?;
    // Left, so that its rights are enforced.
    script.select_mf()?;
    read_back(&mut script, keys, order, &name)
}

/// The files of profile §3.1 in the order of their creation, the log before the purses that name it.
pub(super) const FILES: [(Fid, CreateElementary); 10] = [
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

/// The 18 keys of profile §3.2 and room for seven more, so that keys can roll while old terminals still work.
const KEY_FILE_SIZE: u16 = 25 * (Key::LEN as u16 + RECORD_OVERHEAD);
pub(super) const KEY_FILE: CreateElementary = CreateElementary {
    type_byte: FileKind::Key as u8,
    size: KEY_FILE_SIZE.to_be_bytes(),
    // dfSfi: an application's key file, 100 ‖ SFI 15.
    read: AccessRight(0x95),
    write: AccessRight(0xFF),
    reserved: 0xFF,
    last: 0xFF,
};

/// Room of the directory by FMCOS's accounting: each file's header and body.
pub(super) const DIRECTORY_SIZE: u16 = {
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

/// The cipher of all keys 36 to 39.
pub(super) fn one_algorithm<T: Transport + ?Sized>(
    script: &Script<'_, T>,
    keys: &CardKeys,
    order: &CardOrder,
) -> Result<Algorithm, IssuingError> {
    let algorithm = key(script, keys, Purpose::Control, order.key_version)?.algorithm();
    for purpose in Purpose::ALL.into_iter().filter(|purpose| purpose.follows_key_file()) {
        if key(script, keys, purpose, order.key_version)?.algorithm() != algorithm {
            let mixed = Cause::MixedAlgorithms(Purpose::Control, purpose);
            return Err(script.failed(Step::WriteKey(purpose), mixed));
        }
    }
    Ok(algorithm)
}

/// All keys but the control key, under it, and the PIN.
pub(super) fn write_other_keys<T: Transport + ?Sized>(
    script: &mut Script<'_, T>,
    keys: &CardKeys,
    order: &CardOrder,
) -> Result<(), IssuingError> {
    let control = key(script, keys, Purpose::Control, order.key_version)?;
    for KeyBeside { purpose, id, version } in other_keys(order) {
        let step = Step::WriteKey(purpose);
        let place = place_of(purpose, id).ok_or_else(|| script.failed(step, Cause::NoSuchPlace(purpose, id)))?;
        let value = key(script, keys, purpose, version)?;
        script.add_key(step, place.id, &record_of(purpose, place.key_type, version, value), control)?;
    }
    script.add_key(Step::WritePin, 0x00, &pin_record(&order.pin), control)
}

/// All keys but the control key in the order of writing.
pub(crate) fn other_keys(order: &CardOrder) -> impl Iterator<Item = KeyBeside> {
    let version = order.key_version;
    let own = Purpose::ALL.into_iter().filter(|purpose| *purpose != Purpose::Control);
    let own = own.filter_map(move |purpose| Some(KeyBeside { purpose, id: purpose.place()?.id, version }));
    own.chain(order.beside.iter().copied())
}

/// What the files hold.
pub(super) fn write_contents<T: Transport + ?Sized>(
    script: &mut Script<'_, T>,
    keys: &CardKeys,
    order: &CardOrder,
) -> Result<(), IssuingError> {
    let maintenance = key(script, keys, Purpose::Maintenance, order.key_version)?.clone();
    write_contents_by(script, keys.serial(), order, &mut LineKey::from(maintenance))
}

/// The same by whoever keeps the maintenance key.
pub(super) fn write_contents_by<T, M>(
    script: &mut Script<'_, T>,
    serial: ApplicationSerial,
    order: &CardOrder,
    keeper: &mut M,
) -> Result<(), IssuingError>
where
    T: Transport + ?Sized,
    M: LineMac + ?Sized,
    Cause: From<ProtectError<M::Error>>,
{
    script.write_file_by(Fid::PUBLIC_DATA, &public_data(serial, order).emit(), keeper)?;
    script.write_file_by(Fid::HOLDER, &order.holder.emit(), keeper)?;
    script.write_file_by(Fid::PARAMETERS, &order.parameters.emit(), keeper)
}

pub(super) fn key<'k, T: Transport + ?Sized>(
    script: &Script<'_, T>,
    keys: &'k CardKeys,
    purpose: Purpose,
    version: KeyVersion,
) -> Result<&'k Key, IssuingError> {
    keys.keys().key(purpose, version).map_err(|missing| script.failed(Step::WriteKey(purpose), missing))
}

/// Looks at the application as a terminal does.
pub(super) fn read_back<T: Transport + ?Sized>(
    script: &mut Script<'_, T>,
    keys: &CardKeys,
    order: &CardOrder,
    name: &[u8; 14],
) -> Result<Selected, IssuingError> {
    let maintenance = key(script, keys, Purpose::Maintenance, order.key_version)?.clone();
    read_back_by(script, keys.serial(), order, name, &mut LineKey::from(maintenance))
}

/// The same by whoever keeps the maintenance key.
pub(super) fn read_back_by<T, M>(
    script: &mut Script<'_, T>,
    serial: ApplicationSerial,
    order: &CardOrder,
    name: &[u8; 14],
    keeper: &mut M,
) -> Result<Selected, IssuingError>
where
    T: Transport + ?Sized,
    M: LineMac + ?Sized,
    Cause: From<ProtectError<M::Error>>,
{
    let different = |script: &Script<'_, T>, file| Err(script.failed(Step::Check(file), Cause::Different));
    let selected = select(script.transport, name).map_err(|error| script.failed(Step::SelectDirectory, error))?;
    if selected.public_data != public_data(serial, order) {
        return different(script, Fid::PUBLIC_DATA);
    }
    script.check_file(Fid::PARAMETERS, &order.parameters.emit())?;
    check_holder(script, keeper, &order.holder)?;
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
fn check_holder<T, M>(script: &mut Script<'_, T>, keeper: &mut M, holder: &Holder) -> Result<(), IssuingError>
where
    T: Transport + ?Sized,
    M: LineMac + ?Sized,
    Cause: From<ProtectError<M::Error>>,
{
    const SFI: u8 = 0x80 | (Fid::HOLDER.0 & 0x1F) as u8;
    const LEN: u8 = Holder::LEN as u8;
    let step = Step::Check(Fid::HOLDER);
    let challenge = script.challenge(step)?;
    let read = Command::new(ins::CLA_ISO, ins::READ_BINARY, SFI, 0).expecting(LEN);
    let sent = with_mac(&read, challenge, keeper).map_err(|error| script.failed(step, error))?;
    let answer = script.send(step, &sent)?;
    match verified_answer(answer, challenge, keeper) {
        Ok(content) if content == holder.emit() => Ok(()),
        Ok(_) | Err(AnswerError::TooShort(_) | AnswerError::WrongMac) => Err(script.failed(step, Cause::Different)),
        Err(AnswerError::Keeper(error)) => Err(script.failed(step, ProtectError::Keeper(error))),
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
    fn keys_of(algorithm: impl Fn(Purpose) -> Algorithm) -> CardKeys {
        let keys = Purpose::ALL.into_iter().zip(0x41..).fold(KeySet::default(), |keys, (purpose, byte)| {
            keys.with(purpose, VERSION, Key::new(algorithm(purpose), [byte; 16]))
        });
        let keys = keys.with(Purpose::Purchase, KeyVersion(0x06), Key::new(Algorithm::Sm4, [0x66; 16]));
        CardKeys::new(ApplicationSerial::from_bytes(hex!("3100100000000423")).unwrap(), keys)
    }

    fn order() -> CardOrder {
        CardOrder {
            enterprise: "1000000000000001".parse().unwrap(),
            directory: Fid(0xDF01),
            valid_from: Date::parse("20260101").unwrap(),
            valid_to: Date::parse("20301231").unwrap(),
            holder: Holder { card_type: 1, staff: 0, name: [0x20; 20], id_number: [0x30; 32], id_type: 0 },
            parameters: Parameters::UNLIMITED,
            pin: Pin::from_digits("123456").unwrap(),
            key_version: VERSION,
            beside: Vec::new(),
        }
    }

    /// What is sent until it stops, and why it does: at the latest at the new application, which this card does not show.
    fn sent_for(keys: &CardKeys, order: &CardOrder) -> (Vec<String>, Step, Cause) {
        let mf = MfKeys { control: Key::from_bytes([0xC1; 16]), maintenance: Key::from_bytes([0xC2; 16]) };
        let mut card = Recorder::with_challenge([1, 2, 3, 4]);
        let error = issue_card(&mut card, &mf, keys, order, &mut Sevens).unwrap_err();
        (card.sent().to_vec(), error.step, error.cause)
    }

    fn sent() -> Vec<String> {
        let (sent, step, cause) = sent_for(&keys_of(|_| Algorithm::Des), &order());
        assert_eq!((step, cause), (Step::SelectDirectory, Cause::Select(SelectError::WrongFci)));
        sent
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

    #[test]
    fn a_key_says_its_cipher_in_its_record_or_its_key_file() {
        let cipher = |purpose: Purpose| match purpose {
            Purpose::Tac => Algorithm::Sm4,
            _ if purpose.follows_key_file() => Algorithm::Aes,
            _ => Algorithm::Des,
        };
        let beside = KeyBeside { purpose: Purpose::Purchase, id: 0x02, version: KeyVersion(0x06) };
        let (sent, ..) = sent_for(&keys_of(cipher), &CardOrder { beside: vec![beside], ..order() });
        assert!(sent.contains(&"80E00000073F025895FFFF06".to_owned()));
        assert!(sent.contains(&format!("80D401001539F0F00FFF{}", "07".repeat(16))));
        let control = Key::new(Algorithm::Aes, [0x41; 16]);
        let written: Vec<&str> = sent.iter().filter_map(|command| command.strip_prefix("84D4")).collect();
        // The control key, under the random one; LD ‖ record fills two blocks.
        let (first, _) = record(written[0], &Key::new(Algorithm::Aes, [7; 16]));
        assert_eq!(first[..6], hex!("15 F9F0F00FFF"));
        assert_eq!(written.iter().filter(|command| command.get(4..6) == Some("24")).count(), 18);
        let rows: Vec<_> = written[1..].iter().map(|command| record(command, &control)).collect();
        let rows: Vec<String> =
            rows.iter().map(|(row, id)| hex::encode_upper([&row[1..2], &[*id], &row[4..6]].concat())).collect();
        for row in ["F4000504", "FE010500", "FE020604", "F600FFFF", "F90101FF"] {
            assert!(rows.contains(&row.to_owned()), "{row} {rows:?}");
        }
    }

    #[test]
    fn keys_without_an_algorithm_byte_have_one_cipher() {
        for odd in Purpose::ALL.into_iter().filter(|purpose| purpose.follows_key_file() && *purpose != Purpose::Control)
        {
            let cipher = |purpose| if purpose == odd { Algorithm::Sm4 } else { Algorithm::Aes };
            let (sent, step, cause) = sent_for(&keys_of(cipher), &order());
            assert_eq!((step, cause), (Step::WriteKey(odd), Cause::MixedAlgorithms(Purpose::Control, odd)));
            assert_eq!(sent.len(), 0);
        }
    }

    #[test]
    fn a_key_stands_beside_another_under_ids_of_its_purpose() {
        for (purpose, id) in
            [(Purpose::Tac, 0x01), (Purpose::Load, 0x11), (Purpose::LoadForAir, 0x02), (Purpose::Rights, 0)]
        {
            let beside = vec![KeyBeside { purpose, id, version: VERSION }];
            let (_, _, cause) = sent_for(&keys_of(|_| Algorithm::Des), &CardOrder { beside, ..order() });
            assert_eq!(cause, Cause::NoSuchPlace(purpose, id));
        }
    }

    /// LD ‖ record of an enciphered WRITE KEY, and the key's id.
    fn record(command: &str, control: &Key) -> (Vec<u8>, u8) {
        let bytes = hex::decode(command).unwrap();
        let cipher = &bytes[3..bytes.len() - 4];
        (control.decipher(cipher).unwrap().to_vec(), bytes[1])
    }
}

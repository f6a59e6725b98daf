//! The operator's MF.

use onecard_wire::{
    fid::Fid,
    file::{AccessRight, CreateElementary, FileKind},
    ins,
    key::{CONTROL_KEY_ID, KeyType, KeyVersion},
    status::StatusWord,
};
use rand_core::CryptoRng;

use super::{
    Cause, IssuingError, Step, Target,
    records::{ADD, KeyRecord},
    script::{Script, random_first_key},
};
use crate::{
    apdu::Command,
    crypto::{DesKey, Key, LineKey},
    keys::{MissingKey, OperatorKeys, Purpose},
    transport::Transport,
};

/// The operator's two keys of one MF.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MfKeys {
    /// 39 id 00: creates applications, erases the card.
    pub control: Key,
    /// 36 id 00: CARD BLOCK; on a SAM it writes the MF's files too.
    pub maintenance: Key,
}

impl MfKeys {
    /// A member card's.
    ///
    /// # Errors
    /// [`MissingKey`].
    pub fn of_card(keys: &OperatorKeys, version: KeyVersion) -> Result<Self, MissingKey> {
        Self::of(keys, version, Purpose::CardControl, Purpose::CardMaintenance)
    }

    /// A SAM's.
    ///
    /// # Errors
    /// [`MissingKey`].
    pub fn of_sam(keys: &OperatorKeys, version: KeyVersion) -> Result<Self, MissingKey> {
        Self::of(keys, version, Purpose::SamCardControl, Purpose::SamCardMaintenance)
    }

    fn of(
        keys: &OperatorKeys,
        version: KeyVersion,
        control: Purpose,
        maintenance: Purpose,
    ) -> Result<Self, MissingKey> {
        let key = |purpose| keys.keys().key(purpose, version).cloned();
        Ok(Self { control: key(control)?, maintenance: key(maintenance)? })
    }

    /// What stands in the control key's place until it is washed.
    pub(super) fn first_control_key(&self) -> Key {
        first_key_of(&self.control)
    }
}

/// What stands in a control key's place, in clear, before it is washed into `real`: one way from it, in two steps, so that
/// nothing the real key itself has made is ever sent.
pub(super) fn first_key_of(real: &Key) -> Key {
    let derived = |key: &Key| {
        let mut bytes = [0; Key::LEN];
        for (part, number) in bytes.chunks_exact_mut(MAC_LEN).zip(0u8..) {
            part.copy_from_slice(&key.line_mac([0; 8], &[b"first control key", &[number][..]].concat()));
        }
        Key::new(key.algorithm(), bytes)
    };
    derived(&derived(real))
}

/// Erases a card whose MF control key is `old` (a card as sold: [`DesKey::TRANSPORT`](crate::crypto::DesKey::TRANSPORT)),
/// gives its MF the operator's rights and puts the operator's keys in.
///
/// A transport key allows three failures: this makes one try and no second. A card that holds no key any more, erased and
/// left there, is taken as it is.
///
/// # Errors
/// [`IssuingError`]; 63Cx at [`Step::Authenticate`] says that `old` is not this card's key.
pub fn prepare_mf<T: Transport + ?Sized>(
    transport: &mut T,
    old: &LineKey,
    keys: &MfKeys,
    random: &mut impl CryptoRng,
) -> Result<(), IssuingError> {
    prepare(transport, old, keys, random_first_key(&keys.control, random))
}

/// The same on a card in a reader, which may be pulled in the middle: the first control key, in clear, is derived one way from
/// the real one, so that a station that begins again knows it. [`examine`](super::examine) tells what opens the card then.
///
/// One moment is left: a card pulled between its new key file and the first key in it opens to nobody (specification 4.5.3).
///
/// # Errors
/// As [`prepare_mf`].
pub fn prepare_mf_resumable<T: Transport + ?Sized>(
    transport: &mut T,
    old: &LineKey,
    keys: &MfKeys,
) -> Result<(), IssuingError> {
    prepare(transport, old, keys, keys.first_control_key())
}

/// Makes a card as sold of one whose MF control key is `old`: everything on it is erased, and the transport key opens it. It
/// may be begun again like [`prepare_mf_resumable`], with the same moment.
///
/// # Errors
/// [`IssuingError`]; 63Cx at [`Step::Authenticate`] says that `old` is not this card's key.
pub fn wipe<T: Transport + ?Sized>(transport: &mut T, old: &LineKey) -> Result<(), IssuingError> {
    let mut script = Script { transport, target: Target::Mf };
    erase(&mut script, old)?;
    set_rights(&mut script, AccessRight(TRANSPORT_STATE))?;
    script.create_file((Fid::KEY, CreateElementary { write: AccessRight(TRANSPORT_STATE), ..KEY_FILE }))?;
    let key = DesKey::TRANSPORT;
    let transport_key = KeyRecord {
        type_byte: KeyType::EXTERNAL.0,
        use_right: AccessRight::FREE,
        change_right: AccessRight(TRANSPORT_STATE),
        attributes: [TRANSPORT_STATE, TRANSPORT_TRIES],
        value: key.expose(),
    };
    let write = Command::new(ins::CLA_PBOC, ins::WRITE_KEY, ADD, CONTROL_KEY_ID).with_bytes(&transport_key.emit());
    let write = write.map_err(|error| script.failed(Step::WriteTransportKey, error))?;
    script.send(Step::WriteTransportKey, &write)?;
    script.open_mf(&DesKey::TRANSPORT.into())
}

/// State that the transport key leaves, and that the rights of a card as sold ask for (specification 11.1.1).
const TRANSPORT_STATE: u8 = 0x0F;
/// Three tries, three left.
const TRANSPORT_TRIES: u8 = 0x33;

fn prepare<T: Transport + ?Sized>(
    transport: &mut T,
    old: &LineKey,
    keys: &MfKeys,
    first: Key,
) -> Result<(), IssuingError> {
    let mut script = Script { transport, target: Target::Mf };
    let algorithm = keys.control.algorithm();
    if keys.maintenance.algorithm() != algorithm {
        let mixed = Cause::MixedAlgorithms(Purpose::CardControl, Purpose::CardMaintenance);
        return Err(script.failed(Step::WriteMfMaintenanceKey, mixed));
    }
    erase(&mut script, old)?;
    set_rights(&mut script, AccessRight(0xFF))?;
    script.create_file((Fid::KEY, CreateElementary { last: algorithm.key_file_byte(), ..KEY_FILE }))?;
    script.install_control_key(Step::WriteMfControlKey, &keys.control, first)?;
    script.add_key(Step::WriteMfMaintenanceKey, 0x00, &KeyRecord::maintenance(&keys.maintenance), &keys.control)
}

fn erase<T: Transport + ?Sized>(script: &mut Script<'_, T>, old: &LineKey) -> Result<(), IssuingError> {
    match script.open_mf(old) {
        Err(IssuingError { cause: Cause::Refused(refusal), .. }) if NO_KEY.contains(&refusal.status) => {}
        opened => opened?,
    }
    script.send(Step::Erase, &Command::new(ins::CLA_PBOC, ins::ERASE_DF, 0x00, 0x00)).map(drop)
}

/// No key file, or no such key in it.
pub(super) const NO_KEY: [StatusWord; 2] = [StatusWord::FILE_NOT_FOUND, StatusWord::KEY_NOT_FOUND];

/// Room for the two keys and one more; adding one needs state F. The last byte names their cipher.
const KEY_FILE: CreateElementary = CreateElementary {
    type_byte: FileKind::Key as u8,
    size: [0x00, 0x50],
    read: AccessRight(0x01),
    write: AccessRight(0xFF),
    reserved: 0xFF,
    last: 0xFF,
};

/// CREATE FILE of the erased MF, with the right to create in it and to erase it; the operator's is state F, which the control
/// key leaves. The transport code at the end is 7 bytes FF, as a real FM1208 took it.
fn set_rights<T: Transport + ?Sized>(
    script: &mut Script<'_, T>,
    AccessRight(right): AccessRight,
) -> Result<(), IssuingError> {
    let mf = [0x38, 0xFF, 0xFF, right, right, 0x01, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF];
    let [high, low] = Fid::MF.0.to_be_bytes();
    let create = Command::new(ins::CLA_PBOC, ins::CREATE_FILE, high, low).with_data(&mf);
    script.send(Step::Create(Fid::MF), &create).map(drop)
}

/// Of a line MAC.
const MAC_LEN: usize = 4;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{
        apdu::{CommandName, Refusal},
        issuing::script::tests::{Recorder, Sevens},
    };
    use hex_literal::hex;
    use onecard_wire::key::Algorithm;

    fn keys() -> MfKeys {
        MfKeys { control: Key::from_bytes([0xC1; 16]), maintenance: Key::from_bytes([0x36; 16]) }
    }

    #[test]
    fn no_real_key_crosses_in_clear() {
        let mut card = Recorder::with_challenge(hex!("AFE9CD6F"));
        prepare_mf(&mut card, &DesKey::TRANSPORT.into(), &keys(), &mut Sevens).unwrap();
        let sent = card.sent();
        // The published answer of a card as sold to this challenge.
        assert!(sent.contains(&"00820000086233F9C8BFBEB899".to_owned()), "{sent:?}");
        assert!(sent.contains(&"80D401001539F0F00FFF07070707070707070707070707070707".to_owned()), "{sent:?}");
        assert!(sent.iter().all(|command| !command.contains("C1C1C1C1") && !command.contains("36363636")));
        assert_eq!(sent.iter().filter(|command| command.starts_with("84D4")).count(), 2);
    }

    #[test]
    fn a_failure_names_the_step_and_the_word() {
        let mut card = Recorder::with_challenge([0; 4]).refusing(ins::EXTERNAL_AUTHENTICATE, hex!("63C2"));
        let error = prepare_mf(&mut card, &DesKey::TRANSPORT.into(), &keys(), &mut Sevens).unwrap_err();
        let refusal = Refusal { command: CommandName::ExternalAuthenticate, status: StatusWord(0x63C2) };
        assert_eq!((error.step, error.cause), (Step::Authenticate, Cause::Refused(refusal)));
        assert_eq!(card.sent().len(), 3);
        // Erased before and left without a key: taken as it is.
        let mut card = Recorder::with_challenge([0; 4]).refusing(ins::EXTERNAL_AUTHENTICATE, hex!("6A88"));
        assert!(prepare_mf(&mut card, &DesKey::TRANSPORT.into(), &keys(), &mut Sevens).is_ok());
    }

    #[test]
    fn keys_of_two_ciphers_do_not_go_into_one_mf() {
        let key = |algorithm| Key::new(algorithm, [0x36; 16]);
        let mut card = Recorder::with_challenge([0; 4]);
        let mixed = MfKeys { control: key(Algorithm::Aes), maintenance: key(Algorithm::Sm4) };
        let error = prepare_mf(&mut card, &DesKey::TRANSPORT.into(), &mixed, &mut Sevens).unwrap_err();
        let (control, maintenance) = (Purpose::CardControl, Purpose::CardMaintenance);
        assert_eq!(error.cause, Cause::MixedAlgorithms(control, maintenance));
        assert_eq!(card.sent().len(), 0);
        let same = MfKeys { control: key(Algorithm::Aes), maintenance: key(Algorithm::Aes) };
        prepare_mf(&mut card, &DesKey::TRANSPORT.into(), &same, &mut Sevens).unwrap();
        assert!(card.sent().contains(&"80E00000073F005001FFFF06".to_owned()), "{:?}", card.sent());
    }
}

//! The operator's MF.

use onecard_wire::{
    fid::Fid,
    file::{AccessRight, CreateElementary, FileKind},
    ins,
    key::KeyVersion,
    status::StatusWord,
};
use rand_core::CryptoRng;

use super::{
    Cause, IssuingError, Step, Target,
    script::{KeyRecord, Script},
};
use crate::{
    apdu::Command,
    crypto::{Key, LineKey},
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
    let mut script = Script { transport, target: Target::Mf };
    let algorithm = keys.control.algorithm();
    if keys.maintenance.algorithm() != algorithm {
        let mixed = Cause::MixedAlgorithms(Purpose::CardControl, Purpose::CardMaintenance);
        return Err(script.failed(Step::WriteMfMaintenanceKey, mixed));
    }
    match script.open_mf(old) {
        Err(IssuingError { cause: Cause::Refused(refusal), .. }) if NO_KEY.contains(&refusal.status) => {}
        opened => opened?,
    }
    script.send(Step::Erase, &Command::new(ins::CLA_PBOC, ins::ERASE_DF, 0x00, 0x00))?;
    set_rights(&mut script)?;
    script.create_file((Fid::KEY, CreateElementary { last: algorithm.key_file_byte(), ..KEY_FILE }))?;
    script.install_control_key(Step::WriteMfControlKey, &keys.control, random)?;
    script.add_key(Step::WriteMfMaintenanceKey, 0x00, &KeyRecord::maintenance(&keys.maintenance), &keys.control)
}

/// No key file, or no such key in it.
const NO_KEY: [StatusWord; 2] = [StatusWord::FILE_NOT_FOUND, StatusWord::KEY_NOT_FOUND];

/// Room for the two keys and one more; adding one needs state F. The last byte names their cipher.
const KEY_FILE: CreateElementary = CreateElementary {
    type_byte: FileKind::Key as u8,
    size: [0x00, 0x50],
    read: AccessRight(0x01),
    write: AccessRight(0xFF),
    reserved: 0xFF,
    last: 0xFF,
};

/// CREATE FILE of the erased MF: only state F, which the control key leaves, creates in it and erases it. The transport
/// code at the end is 7 bytes FF, as a real FM1208 took it.
fn set_rights<T: Transport + ?Sized>(script: &mut Script<'_, T>) -> Result<(), IssuingError> {
    const MF: [u8; 13] = [0x38, 0xFF, 0xFF, 0xFF, 0xFF, 0x01, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF];
    let [high, low] = Fid::MF.0.to_be_bytes();
    let create = Command::new(ins::CLA_PBOC, ins::CREATE_FILE, high, low).with_data(&MF);
    script.send(Step::Create(Fid::MF), &create).map(drop)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{
        apdu::{CommandName, Refusal},
        crypto::DesKey,
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

//! INSTALL in a packet: the first control key under the key set's KIK (specification 19.4.1).

use onecard_wire::{
    globalplatform::{
        self, INSTALL,
        install::{EnterpriseParameters, FOR_INSTALL_AND_MAKE_SELECTABLE},
        privileges::Privileges,
    },
    number::EnterpriseId,
};
use zeroize::Zeroizing;

use crate::{
    apdu::{Command, DataTooLong},
    crypto::{Aes, Key, TripleDes, padding::WIDE_BLOCK_LEN},
    globalplatform::{
        Aid, DomainKey,
        management::{Installation, algorithm_id, install_data},
    },
    keys::CheckValue,
    over_the_air::OtaKeySet,
};

/// An INSTALL that cannot be.
pub type InstallError = DataTooLong;

/// INSTALL [for install and make selectable] of an enterprise's application with this control key, which is the operator's
/// management key diversified for the application: for a packet to the issuer domain under `keys`.
///
/// # Errors
/// [`InstallError`]: never, as long as the names are those of this profile.
pub fn install_command(keys: &OtaKeySet, enterprise: EnterpriseId, control_key: &Key) -> Result<Command, InstallError> {
    let parameters = EnterpriseParameters {
        algorithm: algorithm_id(control_key.algorithm()),
        enciphered_key: under_kik(keys.kik(), control_key),
        check_value: CheckValue::of(control_key).0,
    };
    let order = Installation {
        load_file: Aid::ENTERPRISE_LOAD_FILE,
        module: Aid::ENTERPRISE_MODULE,
        instance: Aid::enterprise(enterprise),
        privileges: Privileges::NONE,
        parameters: &parameters.to_bytes(),
    };
    let data = install_data(&order).ok_or(DataTooLong(usize::from(u8::MAX)))?;
    let command = Command::new(globalplatform::CLA, INSTALL, FOR_INSTALL_AND_MAKE_SELECTABLE, 0x00);
    Ok(command.with_bytes(&data)?.expecting(0))
}

/// Triple DES in blocks by themselves, AES by CBC from zeros.
fn under_kik(kik: &DomainKey, key: &Key) -> [u8; WIDE_BLOCK_LEN] {
    let in_blocks = |cipher: &TripleDes| {
        let mut bytes = Zeroizing::new(*key.expose());
        bytes.as_chunks_mut().0.iter_mut().for_each(|block| *block = cipher.enciphered(*block));
        *bytes
    };
    match kik {
        DomainKey::TripleDes(kik) => in_blocks(&TripleDes::of_two(kik)),
        DomainKey::TripleDes3(kik) => in_blocks(&TripleDes::of_three(kik)),
        DomainKey::Aes(kik) => Aes::new(kik).enciphered(*key.expose()),
    }
}

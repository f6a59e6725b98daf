//! INSTALL (11.5), and an enterprise application made by it (profile §6).

use onecard_wire::{
    globalplatform::{
        INSTALL,
        install::{EnterpriseParameters, FOR_INSTALL_AND_MAKE_SELECTABLE},
        privileges::Privileges,
        tag,
    },
    key::{Algorithm, AlgorithmId},
    number::EnterpriseId,
};
use zeroize::Zeroizing;

use super::{ManagementCommand, ManagementError, command, done};
use crate::{
    crypto::Key,
    globalplatform::{aid::Aid, domain::Link, secure_channel::Session},
    keys::CheckValue,
    transport::Transport,
};

/// What is made of a load file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Installation<'a> {
    /// The load file.
    pub load_file: Aid,
    /// Its module.
    pub module: Aid,
    /// Name of the new application.
    pub instance: Aid,
    /// Its privileges; one byte is sent where the others are zero.
    pub privileges: Privileges,
    /// The application's own parameters, the value of C9.
    pub parameters: &'a [u8],
}

/// Makes an application and makes it selectable: INSTALL [for install and make selectable], one command.
///
/// # Errors
/// [`ManagementError`].
pub fn install(link: &mut (impl Link + ?Sized), order: &Installation<'_>) -> Result<(), ManagementError> {
    let too_long =
        ManagementError::DoesNotFit("the application's parameters are longer than a command carries: shorten them");
    let data = install_data(order).ok_or(too_long)?;
    let command = command(INSTALL, FOR_INSTALL_AND_MAKE_SELECTABLE, 0x00, &data)?;
    done(link, ManagementCommand::Install, &command).map(drop)
}

/// The data field of INSTALL, without token; `None` if the parameters are too long.
pub(crate) fn install_data(order: &Installation<'_>) -> Option<Zeroizing<Vec<u8>>> {
    let parameters = u8::try_from(order.parameters.len()).ok().filter(|len| *len < 0x7E)?;
    let privileges: &[u8] = match &order.privileges.0 {
        [one, 0, 0] => core::slice::from_ref(one),
        three => three,
    };
    let mut data = Zeroizing::new(Vec::with_capacity(200));
    for field in [order.load_file.as_bytes(), order.module.as_bytes(), order.instance.as_bytes(), privileges] {
        data.push(field.len() as u8);
        data.extend_from_slice(field);
    }
    data.extend_from_slice(&[parameters + 2, tag::APPLICATION_PARAMETERS as u8, parameters]);
    data.extend_from_slice(order.parameters);
    // No token.
    data.push(0x00);
    Some(data)
}

/// Makes an enterprise's application with its files and this one control key, which only the card can decipher (profile
/// §6). The rest of its keys and its data follow as on a CPU card.
///
/// # Errors
/// [`ManagementError`].
pub fn install_enterprise_application<T: Transport>(
    session: &mut Session<T>,
    enterprise: EnterpriseId,
    control_key: &Key,
) -> Result<(), ManagementError> {
    let block = Zeroizing::new(vec![*control_key.expose()]);
    let enciphered = session.channel().sensitive(block)?;
    let parameters = EnterpriseParameters {
        algorithm: algorithm_id(control_key.algorithm()),
        enciphered_key: enciphered.first_chunk().copied().unwrap_or_default(),
        check_value: CheckValue::of(control_key).0,
    };
    let order = Installation {
        load_file: Aid::ENTERPRISE_LOAD_FILE,
        module: Aid::ENTERPRISE_MODULE,
        instance: Aid::enterprise(enterprise),
        privileges: Privileges::NONE,
        parameters: &parameters.to_bytes(),
    };
    install(session, &order)
}

pub(crate) const fn algorithm_id(algorithm: Algorithm) -> AlgorithmId {
    match algorithm {
        Algorithm::Des => AlgorithmId(0x00),
        Algorithm::Sm4 => AlgorithmId::SM4,
        Algorithm::Aes => AlgorithmId::AES,
    }
}

//! An enterprise application of a RFID-SIM (profile §6): INSTALL has created its files and one key.

use onecard_wire::aid;

use super::{
    CardOrder, Cause, IssuingError, Step, Target,
    card::{key, one_algorithm, read_back, write_contents, write_other_keys},
    script::Script,
};
use crate::{
    card::Selected,
    crypto::Key,
    keys::{CardKeys, Purpose},
    transport::Transport,
};

/// Washes the application's control key from `management`, which INSTALL brought, to that of `keys`, writes every other
/// key and the contents under it, and reads everything back: the same commands as on a CPU card. [`CardOrder::directory`] is
/// the card's own choice here.
///
/// # Errors
/// [`IssuingError`]; the application is then unfinished: delete it and install it again.
pub fn issue_installed<T: Transport + ?Sized>(
    transport: &mut T,
    management: &Key,
    keys: &CardKeys,
    order: &CardOrder,
) -> Result<Selected, IssuingError> {
    let mut script = Script { transport, target: Target::Installed(keys.serial()) };
    let name = aid::enterprise_application(order.enterprise);
    let (washing, algorithm) = (Step::WriteKey(Purpose::Control), one_algorithm(&script, keys, order)?);
    if management.algorithm() != algorithm {
        return Err(
            script.failed(washing, Cause::OtherAlgorithm { installed: management.algorithm(), wanted: algorithm })
        );
    }
    script.select_by_name(&name)?;
    script.wash_control_key(washing, management, key(&script, keys, Purpose::Control, order.key_version)?)?;
    write_other_keys(&mut script, keys, order)?;
    write_contents(&mut script, keys, order)?;
    read_back(&mut script, keys, order, &name)
}

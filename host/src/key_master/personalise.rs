//! A blank card becomes an enterprise's key master card, or its mother authentication card (specification 16.3).

use onecard_wire::{
    aid, ins,
    key::Algorithm,
    key_master::{self, LifeCycle, LoadAllowance, MAKER_MAC_KEY, MAKER_WRAP_KEY, Status},
    number::{EnterpriseId, KeyMasterNumber},
};
use zeroize::Zeroizing;

use super::{
    bodies::{LoadBody, Recipient},
    error::{KeyMasterCommand, KeyMasterError, Wanted},
    key_wrap::wrapped,
    session::{MasterPin, challenge, key_master_status, mother_status, send, status_of},
    source::TransportKeys,
};
use crate::{apdu::Command, crypto::Key, transport::Transport};

/// What a blank key master card becomes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeyMasterOrder {
    /// Its number, which the enterprise gives once.
    pub number: KeyMasterNumber,
    /// Whose keys it will hold.
    pub enterprise: EnterpriseId,
    /// What it may export at first.
    pub allowance: LoadAllowance,
    /// Its PIN.
    pub pin: MasterPin,
}

/// Whether it happened now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Personalised {
    /// Just now.
    Now,
    /// The card has this number and enterprise already: an earlier attempt did it, and its answer was lost.
    Before,
}

/// Personalises the blank key master card in `transport`. It is one commit of the card: begun again after a loss, it says whether
/// it had happened.
///
/// **Whoever hears it has the transport keys and the PIN** (16.3.1): it belongs into the room of the ceremony.
///
/// # Errors
/// [`KeyMasterError::NotBlank`] of a card with another number; others.
pub fn personalise_key_master<T: Transport + ?Sized>(
    transport: &mut T,
    order: &KeyMasterOrder,
    keys: &TransportKeys,
) -> Result<Personalised, KeyMasterError> {
    if select_blank(transport, &aid::BLANK_KEY_MASTER_CARD, Wanted::BlankKeyMaster).is_err() {
        let status = key_master_status(transport)?;
        return before(order, (status.number, status.enterprise), status.life_cycle);
    }
    let status = status_of(transport)?;
    if status.life_cycle != LifeCycle::Blank {
        return before(order, (status.number, status.enterprise), status.life_cycle);
    }
    let maker = Key::new(Algorithm::Aes, MAKER_WRAP_KEY);
    let authentication = keys.authentication(order.number);
    let transport_keys = [authentication.expose(), keys.wrap().expose(), keys.mac().expose()].map(|key| key.as_slice());
    let transport_keys = Zeroizing::new(transport_keys.concat());
    let pin = Zeroizing::new([order.pin.expose().as_slice(), &[0xFF; 8]].concat());
    let malformed = |_| KeyMasterError::Malformed(KeyMasterCommand::Personalise);
    let data = key_master::PersonaliseKeyMaster {
        number: order.number,
        enterprise: order.enterprise,
        allowance: order.allowance,
        wrapped_keys: wrapped(&maker, &transport_keys).try_into().map_err(malformed)?,
        wrapped_pin: wrapped(&maker, &pin).try_into().map_err(malformed)?,
    };
    personalise(transport, status, &data.emit())
}

/// Personalises the blank mother authentication card in `transport` for the key master card `number`, under the same words.
///
/// # Errors
/// As [`personalise_key_master`].
pub fn personalise_mother<T: Transport + ?Sized>(
    transport: &mut T,
    number: KeyMasterNumber,
    enterprise: EnterpriseId,
    keys: &TransportKeys,
) -> Result<Personalised, KeyMasterError> {
    let selected = select_blank(transport, &aid::BLANK_MOTHER_AUTHENTICATION_CARD, Wanted::BlankMother);
    let status = mother_status(transport)?;
    if selected.is_err() || status.life_cycle != LifeCycle::Blank {
        let same = (status.number, status.enterprise) == (number, enterprise);
        return if same { Ok(Personalised::Before) } else { Err(KeyMasterError::NotBlank(status.number)) };
    }
    let maker = Key::new(Algorithm::Aes, MAKER_WRAP_KEY);
    let wrapped_key = wrapped(&maker, keys.authentication(number).expose());
    let wrapped_key = wrapped_key.try_into().map_err(|_| KeyMasterError::Malformed(KeyMasterCommand::Personalise))?;
    let data = key_master::PersonaliseMother { number, enterprise, wrapped_key }.emit();
    let to = Recipient { number: status.number, challenge: challenge(transport)? };
    send_personalise(transport, to, &data)
}

fn personalise<T: Transport + ?Sized>(
    transport: &mut T,
    blank: Status,
    data: &[u8],
) -> Result<Personalised, KeyMasterError> {
    let to = Recipient { number: blank.number, challenge: challenge(transport)? };
    send_personalise(transport, to, data)
}

fn send_personalise<T: Transport + ?Sized>(
    transport: &mut T,
    to: Recipient,
    data: &[u8],
) -> Result<Personalised, KeyMasterError> {
    let maker = Key::new(Algorithm::Aes, MAKER_MAC_KEY);
    let body = LoadBody::with_mac(&maker, to, ins::PERSONALISE, data)?;
    send(transport, KeyMasterCommand::Personalise, &body.command(ins::PERSONALISE)?)?;
    Ok(Personalised::Now)
}

fn before(
    order: &KeyMasterOrder,
    is: (KeyMasterNumber, EnterpriseId),
    life_cycle: LifeCycle,
) -> Result<Personalised, KeyMasterError> {
    match life_cycle {
        LifeCycle::InUse if is == (order.number, order.enterprise) => Ok(Personalised::Before),
        LifeCycle::Locked => Err(KeyMasterError::Locked),
        LifeCycle::Blank | LifeCycle::InUse => Err(KeyMasterError::NotBlank(is.0)),
    }
}

/// SELECT by the name of a blank card.
fn select_blank<T: Transport + ?Sized>(
    transport: &mut T,
    name: &[u8; 6],
    wanted: Wanted,
) -> Result<(), KeyMasterError> {
    let select = Command::new(ins::CLA_ISO, ins::SELECT, 0x04, 0x00).with_data(name).expecting(0);
    match send(transport, KeyMasterCommand::Select, &select) {
        Err(KeyMasterError::Refused { .. }) => Err(KeyMasterError::OtherCard(wanted)),
        selected => selected.map(drop),
    }
}

//! When a member's card is good: everything reads as it was ordered, and the card proves its keys (specification 18.5.4).

use onecard_host::{
    access::{RightError, RightTerms, Slot, access_rights, sealed_right},
    apdu::{Command, ExchangeError, exchange},
    card::{Access, PinError, ReadError, SelectError, Selected, balance, holder, parameters, select, verify_pin},
    issuing::CardOrder,
    sam::{AuthenticationUse, CardFactors, Sam, SamError, SamOrder},
    transport::Transport,
};
use onecard_wire::{
    aid,
    amount::Amount,
    date::Moment,
    ins,
    key::KeyVersion,
    number::{ApplicationSerial, TerminalNumber},
    record::{AccessRight, ApplicationType, PublicData},
    sam::InitSam,
    wallet::{Initialize, LoadInitialized, Purse, TransactionType},
};
use rand::RngExt;

use super::{IssuingKeys, cpu_card::silent};
use crate::batch::Setback;

/// Reads everything back, and asks for the proofs.
pub(super) fn check(
    card: &mut dyn Transport,
    keys: &IssuingKeys,
    serial: ApplicationSerial,
    order: &CardOrder,
    rights: &[(Slot, RightTerms)],
) -> Result<(), Setback> {
    let mut witness = keys.keeper();
    let checked = agree(card, keys.version(), &mut witness, serial, order, rights);
    checked.map_err(|setback| witness.explain(setback))
}

/// The same by whoever makes the MACs and cryptograms that the card's are compared with.
pub(super) fn agree(
    card: &mut dyn Transport,
    version: KeyVersion,
    witness: &mut dyn Sam,
    serial: ApplicationSerial,
    order: &CardOrder,
    rights: &[(Slot, RightTerms)],
) -> Result<(), Setback> {
    let application = select(card, &aid::enterprise_application(order.enterprise)).map_err(select_setback)?;
    files(card, &application, witness, serial, order)?;
    access(card, &application, witness, version, rights)?;
    verify_pin(card, &application, &order.pin).map_err(|error| match error {
        PinError::Exchange { source, .. } => exchange_setback(source),
        other => Setback::Failed(other.to_string()),
    })?;
    for purse in [Purse::Ed, Purse::Ep] {
        if balance(card, &application, purse).map_err(read_setback)? != Amount::ZERO {
            return Err(Setback::Failed(format!("the balance of the {purse:?} is not 0")));
        }
        load_mac1(card, witness, serial, order, purse)?;
    }
    for usage in [AuthenticationUse::Access, AuthenticationUse::Attendance] {
        authentication(card, witness, serial, order, usage)?;
    }
    Ok(())
}

fn files(
    card: &mut dyn Transport,
    application: &Selected,
    witness: &mut dyn Sam,
    serial: ApplicationSerial,
    order: &CardOrder,
) -> Result<(), Setback> {
    let expected = PublicData {
        enterprise: order.enterprise,
        application_type: ApplicationType::BOTH,
        version: PublicData::VERSION_OWN,
        serial,
        valid_from: order.valid_from,
        valid_to: order.valid_to,
        issuer_data: [0; 2],
    };
    if application.public_data != expected {
        return Err(differs("0015"));
    }
    if parameters(card, application).map_err(read_setback)? != order.parameters {
        return Err(differs("0017"));
    }
    match holder(card, application, Access::WithMac(witness)).map_err(read_setback)? {
        found if found == order.holder => Ok(()),
        _ => Err(differs("0016")),
    }
}

fn access(
    card: &mut dyn Transport,
    application: &Selected,
    witness: &mut dyn Sam,
    version: KeyVersion,
    rights: &[(Slot, RightTerms)],
) -> Result<(), Setback> {
    let factors = CardFactors { enterprise: application.public_data.enterprise, serial: application.serial() };
    let mut expected = [None; AccessRight::COUNT];
    for (slot, terms) in rights {
        let right = sealed_right(witness, factors, version, terms).map_err(|error| station(&error))?;
        if let Some(place) = expected.get_mut(usize::from(slot.number())) {
            *place = Some(right);
        }
    }
    match access_rights(card, application).map_err(read_setback)? {
        found if found == expected => Ok(()),
        _ => Err(differs("0019")),
    }
}

/// INITIALIZE FOR LOAD of amount 0: MAC1 shows the load key. Nothing is loaded.
fn load_mac1(
    card: &mut dyn Transport,
    witness: &mut dyn Sam,
    serial: ApplicationSerial,
    order: &CardOrder,
    purse: Purse,
) -> Result<(), Setback> {
    const KEY_ID: u8 = 0x01;
    // A terminal number that nobody could foresee makes the answer a fresh one.
    let terminal = TerminalNumber(rand::rng().random());
    let field = Initialize { key_id: KEY_ID, amount: Amount::ZERO, terminal };
    let initialize = Command::new(ins::CLA_PBOC, ins::INITIALIZE, ins::INITIALIZE_LOAD, purse as u8);
    let initialize = initialize.with_data(&field.emit()).expecting(LoadInitialized::LEN as u8);
    let answer = done(card, "INITIALIZE FOR LOAD", &initialize)?;
    let answer = LoadInitialized::parse(&answer).ok_or_else(|| differs("INITIALIZE FOR LOAD's answer"))?;
    let [a, b, c, d] = order.valid_from.to_bytes();
    let moment = Moment::from_bytes([a, b, c, d, 0, 0, 0]).ok_or_else(|| differs("the first day"))?;
    let order = SamOrder {
        card: CardFactors { enterprise: order.enterprise, serial },
        init: InitSam {
            random: answer.random,
            card_sequence: answer.online_sequence,
            amount: Amount::ZERO,
            transaction_type: TransactionType::load(purse),
            moment,
            key_version: answer.key_version,
            algorithm: answer.algorithm,
        },
    };
    witness.check_load(&order, terminal, answer.old_balance, answer.mac1).map_err(|error| match error {
        SamError::WrongMac => Setback::Failed(format!("the MAC1 of a load of the {purse:?} is not that of its key")),
        error => station(&error),
    })
}

fn authentication(
    card: &mut dyn Transport,
    witness: &mut dyn Sam,
    serial: ApplicationSerial,
    order: &CardOrder,
    usage: AuthenticationUse,
) -> Result<(), Setback> {
    let challenge: [u8; 8] = rand::rng().random();
    let factors = CardFactors { enterprise: order.enterprise, serial };
    let expected =
        witness.authentication(factors, usage, order.key_version, challenge).map_err(|error| station(&error))?;
    let key_id = usage.purpose().place().map_or(0, |place| place.id);
    let ask = Command::new(ins::CLA_ISO, ins::INTERNAL_AUTHENTICATE, 0x00, key_id).with_data(&challenge);
    let answer = done(card, "INTERNAL AUTHENTICATE", &ask.expecting(expected.le()))?;
    if expected.is(&answer) {
        Ok(())
    } else {
        Err(Setback::Failed(format!("INTERNAL AUTHENTICATE by the {usage:?} key is not that of its key")))
    }
}

fn done(card: &mut dyn Transport, name: &str, command: &Command) -> Result<Vec<u8>, Setback> {
    let answer = exchange(card, command).map_err(exchange_setback)?;
    answer.done().map_err(|status| Setback::Failed(format!("{name}: the card answered {status}")))
}

fn differs(what: &str) -> Setback {
    Setback::Failed(format!("{what} does not read as it was ordered"))
}

fn station(error: &SamError) -> Setback {
    Setback::Station(error.to_string())
}

pub(super) fn exchange_setback(error: ExchangeError) -> Setback {
    match error {
        ExchangeError::Transport(source) => silent(source),
        malformed => Setback::Failed(malformed.to_string()),
    }
}

fn select_setback(error: SelectError) -> Setback {
    match error {
        SelectError::Exchange(error) => exchange_setback(error),
        other => Setback::Failed(other.to_string()),
    }
}

fn read_setback(error: ReadError) -> Setback {
    match error {
        ReadError::Exchange { source, .. } => exchange_setback(source),
        error @ ReadError::NoMac { .. } => Setback::Station(error.to_string()),
        other => Setback::Failed(other.to_string()),
    }
}

pub(super) fn right_setback(error: RightError) -> Setback {
    match error {
        RightError::Exchange { source, .. } => exchange_setback(source),
        error @ RightError::NoMac { .. } => Setback::Station(error.to_string()),
        other => Setback::Failed(other.to_string()),
    }
}

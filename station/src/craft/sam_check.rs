//! When a SAM is good: everything reads as it was ordered, and it makes the MACs of its keys (specification 18.5.6).

use onecard_host::{
    crypto::{SessionKey, TransactionTerms},
    issuing::{SamCardOrder, check_sam_contents},
    keys::{EnterpriseKeys, MissingKey, Purpose},
    sam::{AuthenticationUse, CardFactors, Levels, PsamCard, Sam, SamError, SamOrder, SoftwareSam, SoftwareSamState},
    transport::Transport,
};
use onecard_wire::{
    amount::Amount,
    date::Moment,
    key::{AlgorithmId, KeyVersion},
    number::{ApplicationSerial, TerminalNumber},
    sam::{InitSam, UsageKind},
    wallet::TransactionType,
};
use rand::RngExt;

use super::{IssuingKeys, cpu_card::station as store_failed};
use crate::{batch::Setback, profile::SamTerms};

/// Reads its files back, and compares its MACs with the keys'.
pub(super) fn check(
    card: &mut dyn Transport,
    keys: &IssuingKeys,
    terms: &SamTerms,
    order: &SamCardOrder,
) -> Result<(), Setback> {
    check_sam_contents(card, keys.enterprise_id(), order)?;
    let sam = PsamCard::open(card, keys.enterprise_id(), Levels::Serial, keys.version()).map_err(failed)?;
    let mut sam = sam.with_listed_algorithms().map_err(failed)?;
    if sam.terminal().map_err(failed)? != order.terminal {
        return Err(Setback::Failed("the terminal number does not read as it was ordered".to_owned()));
    }
    let working = keys.working_keys().map_err(store_failed)?;
    let mut witness = witness(&working, keys.version(), order.terminal);
    for (kind, version) in &terms.keys {
        prove(&mut sam, &mut witness, (keys, &working), order, *kind, *version)?;
    }
    Ok(())
}

/// That SAM and keys agree in one MAC by a working key. Nothing is spent.
fn prove<T: Transport>(
    sam: &mut PsamCard<T>,
    witness: &mut SoftwareSam,
    (keys, working): (&IssuingKeys, &EnterpriseKeys),
    order: &SamCardOrder,
    kind: UsageKind,
    version: KeyVersion,
) -> Result<(), Setback> {
    // A member nobody is.
    let serial = ApplicationSerial::from_parts(99, 999, rand::rng().random_range(0..10_000_000_000));
    let serial = serial.ok_or_else(|| Setback::Station("no serial could be drawn".to_owned()))?;
    let factors = CardFactors { enterprise: keys.enterprise_id(), serial };
    let agree = match kind {
        UsageKind::PURCHASE => {
            let order = transaction(working, order, factors, version, TransactionType::PURCHASE_EP)?;
            sam.initialize_purchase(&order).map_err(failed)?.mac1
                == witness.initialize_purchase(&order).map_err(station)?.mac1
        }
        UsageKind::LOAD => return prove_load(sam, working, order, factors, version),
        UsageKind::ACCESS_AUTHENTICATION | UsageKind::ATTENDANCE_AUTHENTICATION => {
            let usage = match kind {
                UsageKind::ACCESS_AUTHENTICATION => AuthenticationUse::Access,
                _ => AuthenticationUse::Attendance,
            };
            let challenge = rand::rng().random();
            sam.authentication(factors, usage, version, challenge).map_err(failed)?
                == witness.authentication(factors, usage, version, challenge).map_err(station)?
        }
        UsageKind::CARD_MAINTENANCE if version == keys.version() => {
            let (initial, message) = (rand::rng().random(), *b"of a station");
            sam.maintenance_mac(factors, initial, &message).map_err(failed)?
                == witness.maintenance_mac(factors, initial, &message).map_err(station)?
        }
        // The others make MACs of one shape of message alone, or only after another: the writing was acknowledged under a MAC.
        _ => true,
    };
    if agree { Ok(()) } else { Err(Setback::Failed(format!("the MAC of kind {:02X} is not that of its key", kind.0))) }
}

fn prove_load<T: Transport>(
    sam: &mut PsamCard<T>,
    keys: &EnterpriseKeys,
    order: &SamCardOrder,
    factors: CardFactors,
    version: KeyVersion,
) -> Result<(), Setback> {
    let asked = transaction(keys, order, factors, version, TransactionType::LOAD_EP)?;
    let missing = |missing: MissingKey| Setback::Station(missing.to_string());
    let key = keys.card_key(factors.serial, Purpose::Load, version).map_err(missing)?;
    let terms = TransactionTerms {
        amount: asked.init.amount,
        transaction_type: asked.init.transaction_type,
        terminal: order.terminal,
        moment: asked.init.moment,
    };
    let session = SessionKey::of_load(&key, asked.init.random, asked.init.card_sequence);
    let mac1 = session.load_mac1(Amount::ZERO, &terms);
    sam.check_load(&asked, order.terminal, Amount::ZERO, mac1).map_err(|error| match error {
        SamError::WrongMac => Setback::Failed("the load key is not the enterprise's".to_owned()),
        other => failed(other),
    })
}

/// A transaction of amount 0 that no card asks for.
fn transaction(
    keys: &EnterpriseKeys,
    order: &SamCardOrder,
    card: CardFactors,
    version: KeyVersion,
    transaction_type: TransactionType,
) -> Result<SamOrder, Setback> {
    let purpose = if transaction_type == TransactionType::LOAD_EP { Purpose::Load } else { Purpose::Purchase };
    let key = keys.keys().key(purpose, version).map_err(|missing| Setback::Station(missing.to_string()))?;
    let [a, b, c, d] = order.valid_from.to_bytes();
    let moment = Moment::from_bytes([a, b, c, d, 0, 0, 0]);
    let init = InitSam {
        random: rand::rng().random(),
        card_sequence: 0,
        amount: Amount::ZERO,
        transaction_type,
        moment: moment.ok_or_else(|| Setback::Station("the first day is none".to_owned()))?,
        key_version: version,
        algorithm: AlgorithmId::of(key.algorithm()),
    };
    Ok(SamOrder { card, init })
}

/// Who makes the MACs of the enterprise's terminals, to compare with.
fn witness(working: &EnterpriseKeys, version: KeyVersion, terminal: TerminalNumber) -> SoftwareSam {
    let state = SoftwareSamState {
        terminal,
        next_sequence: 0,
        load_limit_fen: u32::MAX,
        last_load: None,
        last_purchase: None,
        randoms_made: 0,
    };
    SoftwareSam::new(working.clone(), version, state)
}

fn failed(error: SamError) -> Setback {
    match error {
        SamError::Transport(source) => Setback::Silent(source),
        other => Setback::Failed(other.to_string()),
    }
}

fn station(error: SamError) -> Setback {
    Setback::Station(error.to_string())
}

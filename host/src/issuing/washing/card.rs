//! The second wash of an application, on a CPU card or a RFID-SIM.

use onecard_wire::{
    aid,
    key::{CONTROL_KEY_ID, KeyVersion},
    number::ApplicationSerial,
};

use super::{
    Known, Note, Reached, WashingJournal,
    engine::{Plan, Planned, Washing},
    good,
    standing::{Standing, all_pages},
};
use crate::{
    card::Selected,
    issuing::{
        CardOrder, Cause, IssuingError, KeyBeside, Step, Target,
        card::{other_keys, read_back_by, write_contents_by},
        script::Script,
    },
    key_store::{KeyStore, KeyTarget, Manner, NamedKey, Payload, StoreError, WrapperKey, check_pin},
    keys::Purpose,
    line_protection::MaintenanceSam,
    sam::{AuthenticationUse, CardFactors, Sam},
    transport::Transport,
};

/// What one card is to become.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CardWash<'o> {
    /// Its serial, which its keys are diversified by.
    pub serial: ApplicationSerial,
    /// Its keys, contents and PIN. [`CardOrder::directory`] says nothing here.
    pub order: &'o CardOrder,
    /// Version of the operator's management key it has now.
    pub management: KeyVersion,
}

/// Gives an application that has the operator's management key alone its enterprise's keys by `store`, its contents by the issuing
/// SAM `sam`, and its PIN; reads it back, and compares a load's MAC1 and the answers to INTERNAL AUTHENTICATE. The same commands on
/// a CPU card and on a RFID-SIM.
///
/// Begun again after any failure, with what `journal` was told, it goes on where it stopped. Which control key the card has is found
/// out by its key list; on a card without one by the journal, by INTERNAL AUTHENTICATE, and last by trying the new key and then
/// the old, while two tries remain.
///
/// # Errors
/// [`IssuingError`].
pub fn wash_card_to_enterprise<T, K, S>(
    transport: &mut T,
    store: &mut K,
    sam: &mut S,
    wash: &CardWash<'_>,
    known: Known,
    journal: &mut dyn WashingJournal,
) -> Result<Selected, IssuingError>
where
    T: Transport + ?Sized,
    K: KeyStore + ?Sized,
    S: Sam + ?Sized,
{
    let CardWash { serial, order, .. } = *wash;
    let mut script = Script { transport, target: Target::Washed(KeyTarget::Application(serial)) };
    let control = Step::WriteKey(Purpose::Control);
    if store.enterprise() != order.enterprise {
        return Err(script.failed(control, StoreError::OtherEnterprise(store.enterprise())));
    }
    // Before the first key: a card must not be left waiting for a PIN that never comes.
    check_pin(&order.pin).map_err(|error| script.failed(Step::WritePin, error))?;
    let card = CardFactors { enterprise: order.enterprise, serial };
    let name = aid::enterprise_application(order.enterprise);
    script.select_by_name(&name)?;
    let standing = match Standing::of(all_pages(&mut script, Step::FindOut)?, known) {
        Some(standing) => standing,
        None => by_authentication(&mut script, sam, card, order)?,
    };
    let mut washing = Washing::new(script, store, journal, known, standing);
    washing.keys(&plan(wash))?;
    let mut keeper = MaintenanceSam { sam, card };
    if washing.known.reached < Some(Reached::Contents) {
        washing.note(control, Note::Reached(Reached::ContentsSent))?;
        write_contents_by(&mut washing.script, serial, order, &mut keeper)?;
        washing.note(control, Note::Reached(Reached::Contents))?;
    }
    if washing.standing.has_last_pin_try() {
        return Err(washing.script.failed(Step::WritePin, Cause::LastPinTry));
    }
    let selected = read_back_by(&mut washing.script, serial, order, &name, &mut keeper)?;
    good::agree(&mut washing.script, keeper.sam, card, order)?;
    washing.note(control, Note::Reached(Reached::Good))?;
    Ok(selected)
}

/// The master keys that a second wash by `order` writes, the control key first. Each is one body of WRITE KEY, and the PIN is one
/// more.
#[must_use]
pub fn washed_keys(order: &CardOrder) -> Vec<NamedKey> {
    let control = NamedKey { purpose: Purpose::Control, version: order.key_version };
    let others = other_keys(order).map(|KeyBeside { purpose, version, .. }| NamedKey { purpose, version });
    core::iter::once(control).chain(others).collect()
}

fn plan<'p>(wash: &CardWash<'p>) -> Plan<'p> {
    let CardWash { serial, order, management } = *wash;
    let key = |KeyBeside { purpose, id, version }| Planned {
        step: Step::WriteKey(purpose),
        payload: Payload::CardKey { name: NamedKey { purpose, version }, id, manner: Manner::Add },
    };
    let control = KeyBeside { purpose: Purpose::Control, id: CONTROL_KEY_ID, version: order.key_version };
    let pin = Planned { step: Step::WritePin, payload: Payload::Pin(&order.pin) };
    Plan {
        target: KeyTarget::Application(serial),
        management: WrapperKey::Management(management),
        own: WrapperKey::Control(order.key_version),
        control: key(control).replacing(),
        others: other_keys(order).map(key).chain([pin]).collect(),
    }
}

/// A card without a list, of which the journal does not know: a key of the enterprise that answers shows that the control key,
/// which is washed first, is the enterprise's.
fn by_authentication<T, S>(
    script: &mut Script<'_, T>,
    sam: &mut S,
    card: CardFactors,
    order: &CardOrder,
) -> Result<Standing, IssuingError>
where
    T: Transport + ?Sized,
    S: Sam + ?Sized,
{
    for usage in AuthenticationUse::ALL {
        match good::authentication_agrees(script, sam, card, order, usage) {
            Ok(Some(true)) => return Ok(Standing::by_answer(true)),
            // A SAM that cannot tell says nothing of the card.
            Ok(Some(false) | None) | Err(IssuingError { cause: Cause::Keeper(_), .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(Standing::by_answer(false))
}

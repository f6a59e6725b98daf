//! Whether a card is good: a load's MAC1 and INTERNAL AUTHENTICATE agree with what an issuing SAM makes of the master keys.

use onecard_wire::{
    amount::Amount,
    date::{Moment, Time},
    ins,
    number::TerminalNumber,
    sam::InitSam,
    wallet::{Initialize, LoadInitialized, Purse, TransactionType},
};

use crate::{
    apdu::Command,
    issuing::{CardOrder, Cause, IssuingError, Step, script::Script},
    keys::Purpose,
    sam::{AuthenticationUse, CardFactors, Cryptogram, Sam, SamError, SamOrder},
    transport::Transport,
};

/// Compares both, by fresh numbers. The PIN has been verified; the card changes nothing.
pub(super) fn agree<T, S>(
    script: &mut Script<'_, T>,
    sam: &mut S,
    card: CardFactors,
    order: &CardOrder,
) -> Result<(), IssuingError>
where
    T: Transport + ?Sized,
    S: Sam + ?Sized,
{
    load_agrees(script, sam, card, order)?;
    for usage in AuthenticationUse::ALL {
        let step = Step::Compare(usage.purpose());
        if authentication_agrees(script, sam, card, order, usage)? != Some(true) {
            return Err(script.failed(step, Cause::NotAgreed));
        }
    }
    Ok(())
}

/// Whether the card's key 30 for `usage` is the enterprise's; `None` if it has none.
pub(super) fn authentication_agrees<T, S>(
    script: &mut Script<'_, T>,
    sam: &mut S,
    card: CardFactors,
    order: &CardOrder,
    usage: AuthenticationUse,
) -> Result<Option<bool>, IssuingError>
where
    T: Transport + ?Sized,
    S: Sam + ?Sized,
{
    const ENCIPHER: u8 = 0x00;
    let step = Step::Compare(usage.purpose());
    let (question, expected) = question(sam, card, order, usage).map_err(|error| script.failed(step, error))?;
    let id = usage.purpose().place().map_or(0, |place| place.id);
    let ask = Command::new(ins::CLA_ISO, ins::INTERNAL_AUTHENTICATE, ENCIPHER, id).with_data(&question);
    let answer = script.ask(step, &ask.expecting(expected.le()))?;
    Ok(answer.status.is_ok().then(|| expected.is(&answer.data)))
}

/// Eight fresh bytes, and what the card must make of them.
fn question<S: Sam + ?Sized>(
    sam: &mut S,
    card: CardFactors,
    order: &CardOrder,
    usage: AuthenticationUse,
) -> Result<([u8; 8], Cryptogram), SamError> {
    let ([a, b, c, d], [e, f, g, h]) = (sam.random()?, sam.random()?);
    let question = [a, b, c, d, e, f, g, h];
    Ok((question, sam.authentication(card, usage, order.key_version, question)?))
}

/// INITIALIZE FOR LOAD of nothing at a terminal number that no recording has.
fn load_agrees<T, S>(
    script: &mut Script<'_, T>,
    sam: &mut S,
    card: CardFactors,
    order: &CardOrder,
) -> Result<(), IssuingError>
where
    T: Transport + ?Sized,
    S: Sam + ?Sized,
{
    const KEY_ID: u8 = 0x01;
    const LE: u8 = LoadInitialized::LEN as u8;
    let step = Step::Compare(Purpose::Load);
    let [a, b, c, d] = sam.random().map_err(|error| script.failed(step, error))?;
    let terminal = TerminalNumber([a, b, c, d, 0x00, 0x00]);
    let field = Initialize { key_id: KEY_ID, amount: Amount::ZERO, terminal };
    let ask = Command::new(ins::CLA_PBOC, ins::INITIALIZE, ins::INITIALIZE_LOAD, Purse::Ep as u8);
    let answer = script.send(step, &ask.with_data(&field.emit()).expecting(LE))?;
    let loaded = LoadInitialized::parse(&answer).ok_or_else(|| script.failed(step, Cause::Different))?;
    let init = InitSam {
        random: loaded.random,
        card_sequence: loaded.online_sequence,
        amount: Amount::ZERO,
        transaction_type: TransactionType::LOAD_EP,
        // In no MAC1.
        moment: Moment { date: order.valid_from, time: Time::MIDNIGHT },
        key_version: loaded.key_version,
        algorithm: loaded.algorithm,
    };
    let checked = sam.check_load(&SamOrder { card, init }, terminal, loaded.old_balance, loaded.mac1);
    checked.map_err(|error| match error {
        SamError::WrongMac => script.failed(step, Cause::NotAgreed),
        error => script.failed(step, error),
    })
}

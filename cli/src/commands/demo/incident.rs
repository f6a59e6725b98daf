//! What goes wrong in the evening, and how each of it is put right at the next tap.

use onecard_host::{
    sam::{SoftwareSam, SoftwareSamState},
    terminal::{
        InMemoryStore, LoadApprover, PurchaseOrder, RechargeOrder, Token, TokenStore, WithIssuer, purchase, resolve,
    },
};
use onecard_wire::{amount::Amount, date::Moment, number::ApplicationSerial, wallet::Purse};

use super::{
    day::{load, pay, purchase_order},
    story::{Incident, Step},
    world::{Member, Running, Terminal, World},
};
use crate::{
    commands::card::LOAD_KEY,
    development_keys::KEY_VERSION,
    ending::{Ending, TapEnding},
    reader::Faults,
};

/// All of them, each to another member who can pay; with fewer members fewer happen.
pub(super) fn all(world: &mut World) -> anyhow::Result<Vec<Incident>> {
    let tellers: [Teller; 4] = [torn_early, torn_late, answer_lost, recharge_answer_lost];
    let members = members_with(world, PRICE)?;
    let turns = tellers.len();
    let mut incidents = Vec::new();
    for (turn, (tell, member)) in tellers.into_iter().zip(&members).enumerate() {
        let Some(other) = members.iter().find(|other| other.person.serial != member.person.serial) else { break };
        let moment = world.moment(HOURS, turn, turns)?;
        incidents.push(tell(world, member, other, moment)?);
    }
    Ok(incidents)
}

/// Tells what happens to one member while another stands by.
type Teller = fn(&mut World, &Member, &Member, Moment) -> anyhow::Result<Incident>;

const HOURS: [u32; 2] = [18, 19];
const PRICE: Amount = Amount::from_fen(1_280);
const LOADED: Amount = Amount::from_fen(5_000);

/// The power goes while the card still writes its journal.
fn torn_early(world: &mut World, member: &Member, _: &Member, moment: Moment) -> anyhow::Result<Incident> {
    let serial = member.person.serial;
    let order = purchase_order(world, PRICE, moment);
    let torn = Faults { tear: Some(0), lose_answer: false };
    let steps = vec![
        step(world, "The card is torn away in the middle of DEBIT 刷卡中断", |world| {
            pay(world, serial, &order, &torn)
        })?,
        step(world, "The same card again: the till asks it 重新刷同一张卡", |world| {
            resolve_at_till(world, serial)
        })?,
        step(world, "So the sale is made now 重新消费", |world| {
            let order = purchase_order(world, PRICE, moment);
            pay(world, serial, &order, &Faults::default())
        })?,
    ];
    Ok(incident("Torn before the card had paid", "刷卡中断：未扣款", member, steps))
}

/// The power goes at the last byte the card writes, and then the till is switched off.
fn torn_late(world: &mut World, member: &Member, _: &Member, moment: Moment) -> anyhow::Result<Incident> {
    let serial = member.person.serial;
    let order = purchase_order(world, PRICE, moment);
    let last = operations_of(world, serial, &order)?.saturating_sub(1);
    let torn = Faults { tear: Some(last), lose_answer: false };
    let steps = vec![
        step(world, "The card is torn away at the end of DEBIT 刷卡中断", |world| {
            pay(world, serial, &order, &torn)
        })?,
        step(
            world,
            "The till is switched off and on; the same sale again 终端重启后重试同一订单",
            |world| {
                world.till.switch_off();
                pay(world, serial, &order, &Faults::default())
            },
        )?,
    ];
    Ok(incident("Torn after the card had paid", "刷卡中断：已扣款", member, steps))
}

/// The card has paid and its answer is lost; somebody else's card comes next.
fn answer_lost(world: &mut World, member: &Member, other: &Member, moment: Moment) -> anyhow::Result<Incident> {
    let (serial, other) = (member.person.serial, other.person.serial);
    let order = purchase_order(world, PRICE, moment);
    let lost = Faults { tear: None, lose_answer: true };
    let steps = vec![
        step(world, "The card answers and nobody hears it 应答丢失", |world| pay(world, serial, &order, &lost))?,
        step(world, "By mistake another card 误刷另一张卡", |world| {
            pay(world, other, &order, &Faults::default())
        })?,
        step(world, "The right card: it proves that it has paid 刷原卡", |world| resolve_at_till(world, serial))?,
    ];
    Ok(incident("Answer lost, then the wrong card", "应答丢失，误刷他卡", member, steps))
}

/// A load has no MAC a SAM could check later: the issuer decides by the TAC.
fn recharge_answer_lost(world: &mut World, member: &Member, _: &Member, moment: Moment) -> anyhow::Result<Incident> {
    let serial = member.person.serial;
    let order = RechargeOrder {
        number: world.station.next_order(),
        enterprise: world.keys.enterprise,
        purse: Purse::Ep,
        key_id: LOAD_KEY,
        amount: LOADED,
        moment,
        pin: Some(member.pin.clone()),
    };
    let lost = Faults { tear: None, lose_answer: true };
    let steps = vec![
        step(world, "The answer to the recharge is lost 充值应答丢失", |world| {
            load(world, serial, &order, &lost)
        })?,
        step(world, "The same card again; the station asks the issuer 重新刷卡，发卡方验证TAC", |world| {
            resolve_with_issuer(world, member)
        })?,
    ];
    Ok(incident("Recharge answer lost", "充值应答丢失", member, steps))
}

fn resolve_at_till(world: &mut World, serial: ApplicationSerial) -> anyhow::Result<TapEnding> {
    let token = token_of(&mut world.till, serial)?;
    let outcome = world.tap(serial, &Faults::default(), |card, world| {
        let Running { sam, journal } = world.till.running()?;
        anyhow::Ok(resolve(card, sam.sam(), journal, &token, None)?)
    })??;
    Ok(TapEnding { ending: Ending::of(&outcome), earlier: Vec::new() })
}

fn resolve_with_issuer(world: &mut World, member: &Member) -> anyhow::Result<TapEnding> {
    let serial = member.person.serial;
    let token = token_of(&mut world.station, serial)?;
    let outcome = world.tap(serial, &Faults::default(), |card, world| {
        let mut issuer = world.keys.issuer();
        let Running { sam, journal } = world.station.running()?;
        let witness: &mut dyn LoadApprover = &mut WithIssuer { witness: sam.sam(), issuer: &mut issuer };
        anyhow::Ok(resolve(card, witness, journal, &token, Some(&member.pin))?)
    })??;
    Ok(TapEnding { ending: Ending::of(&outcome), earlier: Vec::new() })
}

/// What the terminal remembers of a card.
fn token_of(terminal: &mut Terminal, serial: ApplicationSerial) -> anyhow::Result<Token> {
    let pending = terminal.running()?.journal.pending()?;
    let token = pending.into_iter().find(|token| token.transaction.serial == serial);
    token.ok_or_else(|| anyhow::anyhow!("card {serial} has nothing in doubt"))
}

/// How many programming operations the card does in this purchase: found out on a copy of it.
fn operations_of(world: &mut World, serial: ApplicationSerial, order: &PurchaseOrder) -> anyhow::Result<u64> {
    let state = SoftwareSamState {
        terminal: world.till.number,
        next_sequence: 0,
        load_limit_fen: 0,
        last_load: None,
        last_purchase: None,
        randoms_made: 0,
    };
    let mut sam = SoftwareSam::new(world.keys.of_enterprise(), KEY_VERSION, state);
    let mut copy = world.copy_of(serial)?;
    let _ = purchase(&mut copy, &mut sam, &mut InMemoryStore::new(), order)?;
    Ok(copy.remove().operations())
}

/// Members whose cards are valid that day and hold `price` and something more.
fn members_with(world: &mut World, price: Amount) -> anyhow::Result<Vec<Member>> {
    let mut able = Vec::new();
    for member in world.members.clone() {
        let valid = (member.person.valid_from..=member.person.valid_to).contains(&world.date);
        if valid && world.balance(member.person.serial)? > price {
            able.push(member);
        }
    }
    Ok(able)
}

fn incident(title: &'static str, title_chinese: &'static str, member: &Member, steps: Vec<Step>) -> Incident {
    let (name, serial) = (member.person.name.to_string(), member.person.serial.to_string());
    Incident { title, title_chinese, name, serial, steps }
}

fn step(
    world: &mut World,
    what: &str,
    tap: impl FnOnce(&mut World) -> anyhow::Result<TapEnding>,
) -> anyhow::Result<Step> {
    world.trace.take();
    let tap = tap(world)?;
    Ok(Step { what: what.to_owned(), tap, trace: world.trace.take() })
}

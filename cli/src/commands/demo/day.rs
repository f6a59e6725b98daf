//! An ordinary day: everybody recharges, everybody has lunch, the books are closed.

use std::collections::HashMap;

use anyhow::ensure;
use onecard_host::terminal::{PurchaseOrder, RechargeOrder, SettlementRecord, purchase, recharge};
use onecard_simulator::{chip::Kind, reader::Reader};
use onecard_wire::{amount::Amount, date::Moment, number::ApplicationSerial, wallet::Purse};
use rand::{RngExt, rngs::ChaCha20Rng};

use super::{
    story::{Incident, MemberAccount, Round, Sams, Served, Story, Totals},
    world::{Member, Terminal, World},
};
use crate::{
    commands::{
        card::{LOAD_KEY, PURCHASE_KEY},
        sam::{self, SamFacts},
        settlement::{self, Handed, Listing},
    },
    ending::TapEnding,
    journal,
    reader::{Faults, open_chip},
};

/// The first load of everybody who ordered one.
pub(super) fn recharge_everybody(world: &mut World) -> anyhow::Result<Round> {
    const HOURS: [u32; 2] = [8, 10];
    let members: Vec<Member> =
        world.members.iter().filter(|member| member.person.first_load != Amount::ZERO).cloned().collect();
    let turns = members.len();
    let mut served = Vec::with_capacity(turns);
    for (turn, Member { person, pin }) in members.into_iter().enumerate() {
        let order = RechargeOrder {
            number: world.station.next_order(),
            enterprise: world.keys.enterprise,
            purse: Purse::Ep,
            key_id: LOAD_KEY,
            amount: person.first_load,
            moment: world.moment(HOURS, turn, turns)?,
            pin: Some(pin),
        };
        served.push(served_by(world, &person.name.to_string(), |world| {
            load(world, person.serial, &order, &Faults::default())
        })?);
    }
    Ok(Round::of(served))
}

/// Lunch for everybody, at prices a canteen has.
pub(super) fn sell_lunch(world: &mut World, mut prices: ChaCha20Rng) -> anyhow::Result<Round> {
    const HOURS: [u32; 2] = [11, 13];
    let members = world.members.clone();
    let turns = members.len();
    let mut served = Vec::with_capacity(turns);
    for (turn, Member { person, .. }) in members.into_iter().enumerate() {
        let price = Amount::from_fen(prices.random_range(16..=56) * 50);
        let moment = world.moment(HOURS, turn, turns)?;
        let order = purchase_order(world, price, moment);
        served.push(served_by(world, &person.name.to_string(), |world| {
            pay(world, person.serial, &order, &Faults::default())
        })?);
    }
    Ok(Round::of(served))
}

/// An order of the till.
pub(super) fn purchase_order(world: &mut World, amount: Amount, moment: Moment) -> PurchaseOrder {
    PurchaseOrder {
        number: world.till.next_order(),
        enterprise: world.keys.enterprise,
        purse: Purse::Ep,
        key_id: PURCHASE_KEY,
        amount,
        moment,
        pin: None,
    }
}

/// One tap at the till.
pub(super) fn pay(
    world: &mut World,
    serial: ApplicationSerial,
    order: &PurchaseOrder,
    faults: &Faults,
) -> anyhow::Result<TapEnding> {
    let tap = world.tap(serial, faults, |card, world| {
        let till = world.till.running()?;
        anyhow::Ok(purchase(card, till.sam.sam(), &mut till.journal, order)?)
    })??;
    Ok(TapEnding::of(&tap))
}

/// One tap at the recharge station.
pub(super) fn load(
    world: &mut World,
    serial: ApplicationSerial,
    order: &RechargeOrder,
    faults: &Faults,
) -> anyhow::Result<TapEnding> {
    let tap = world.tap(serial, faults, |card, world| {
        let station = world.station.running()?;
        anyhow::Ok(recharge(card, station.sam.sam(), &mut station.journal, order)?)
    })??;
    Ok(TapEnding::of(&tap))
}

/// The end: the books, the cards' own word, and what is left of the SAMs.
pub(super) fn close(
    mut world: World,
    list: String,
    seed: Option<u64>,
    recharges: Round,
    purchases: Round,
    incidents: Vec<Incident>,
) -> anyhow::Result<Story> {
    let mut records = switch_off(&mut world.station)?;
    records.extend(switch_off(&mut world.till)?);
    settlement::write(&world.folder.join("day.settlement"), &records)?;
    let settlement = Listing::audited(vec![Handed { file: None, records: records.clone() }], &world.keys.issuer());
    ensure!(settlement.unproven == Some(0), "the issuer does not accept every record:\n{settlement}");
    let members = accounts(&mut world, &records)?;
    let totals = Totals::of(&members);
    let enterprise = world.keys.enterprise;
    let facts = |terminal: &Terminal| -> anyhow::Result<SamFacts> {
        sam::read(&mut Reader::insert(open_chip(&terminal.sam, Kind::Sam)?), enterprise)
    };
    let recharge_limit_at_issue_fen = world.load_limit.fen();
    let sams = Sams { recharge_limit_at_issue_fen, recharge: facts(&world.station)?, till: facts(&world.till)? };
    Ok(Story {
        date: world.date.to_string(),
        seed,
        enterprise: enterprise.to_string(),
        list,
        root_keys: world.keys.roots.keys().names().count(),
        sams,
        members,
        recharges,
        purchases,
        incidents,
        settlement,
        totals,
        kept: None,
    })
}

impl Totals {
    fn of(members: &[MemberAccount]) -> Self {
        let sum = |of: fn(&MemberAccount) -> u64| members.iter().map(of).sum();
        let (loaded_fen, paid_fen) = (sum(|member| member.loaded_fen), sum(|member| member.paid_fen));
        let balances_fen = sum(|member| u64::from(member.balance_fen));
        let each = members.iter().all(|member| member.loaded_fen == member.paid_fen + u64::from(member.balance_fen));
        Self { loaded_fen, paid_fen, balances_fen, exact: each && loaded_fen == paid_fen + balances_fen }
    }
}

fn served_by(
    world: &mut World,
    name: &str,
    turn: impl FnOnce(&mut World) -> anyhow::Result<TapEnding>,
) -> anyhow::Result<Served> {
    world.trace.take();
    let tap = turn(world)?;
    Ok(Served { name: name.to_owned(), tap, trace: world.trace.take() })
}

/// What a terminal hands in when it closes.
fn switch_off(terminal: &mut Terminal) -> anyhow::Result<Vec<SettlementRecord>> {
    terminal.switch_off();
    Ok(journal::open(&terminal.journal)?.settlement().copied().collect())
}

fn accounts(world: &mut World, records: &[SettlementRecord]) -> anyhow::Result<Vec<MemberAccount>> {
    let mut moved = HashMap::new();
    for SettlementRecord { transaction, .. } in records {
        let (loaded, paid): &mut (u64, u64) = moved.entry(transaction.serial).or_default();
        *(if transaction.kind.is_load() { loaded } else { paid }) += u64::from(transaction.amount.fen());
    }
    let members = world.members.clone();
    let account = |Member { person, .. }: Member| {
        let (loaded_fen, paid_fen) = moved.get(&person.serial).copied().unwrap_or_default();
        Ok(MemberAccount {
            serial: person.serial.to_string(),
            name: person.name.to_string(),
            department: person.department,
            valid_to: person.valid_to.to_string(),
            loaded_fen,
            paid_fen,
            balance_fen: world.balance(person.serial)?.fen(),
        })
    };
    members.into_iter().map(account).collect()
}

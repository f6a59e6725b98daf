//! A whole campaign over the air in one process: a gateway with its file, a network with faults, phones with cards, and power cuts of
//! the gateway.
//!
//! Everything but the disk's own time comes from one seed: the same seed tells the same story.

mod cut;
mod judge;
mod people;
mod radio;

use std::{path::Path, time::Duration};

use onecard_gateway::campaign::{
    CampaignId, Engine, EngineError, EnterpriseDesk, NewTask, OperatorKeys, Settings, StageCounts, Store, UnixMillis,
};
use onecard_simulator::message_centre::{
    faults::{Chance, Faults},
    network::{self, Network},
};
use onecard_wire::date::Moment;
use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng};

pub use judge::{Standing, Violation};

use crate::simulated_carrier::{LinkTerms, SimulatedCarrier};
use cut::Unpowered;
use judge::Campaigns;
use people::People;

/// What is tried.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Trial {
    /// How many phones.
    pub cards: u32,
    /// Decides everything.
    pub seed: u64,
    /// How often the gateway's power is cut.
    pub cuts: u32,
}

/// What happened.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Story {
    /// Of the issues.
    pub issues: StageCounts,
    /// Of the recharges, each behind its card's issue.
    pub recharges: StageCounts,
    /// Of the deletions, behind both.
    pub deletions: StageCounts,
    /// Times that the power was cut.
    pub cuts: u32,
    /// Of those, how many left a commit half on the disk.
    pub torn: u32,
    /// By radio meanwhile.
    pub purchases: u64,
    /// By radio meanwhile.
    pub loads: u64,
    /// Turns of the engine.
    pub turns: u64,
    /// Messages handed over.
    pub messages: u64,
    /// By the network's clock.
    pub lasted: Duration,
}

/// 2026-11-29 08:00 in China, which the network's clock shows at first.
const START: UnixMillis = UnixMillis(1_795_910_400_000);
/// How much of what happens is done in one turn.
const TICK: Duration = Duration::from_millis(250);

type Gateway = Engine<OperatorKeys, EnterpriseDesk<'static>>;

/// Runs it: the gateway's file is made in `directory`.
///
/// # Errors
/// [`Violation`], by which the seed is worth keeping.
pub fn run(trial: Trial, directory: &Path) -> Result<Story, Violation> {
    let mut people = People::new(trial.cards)?;
    let mut carrier = SimulatedCarrier::new(network(&mut people, trial.seed)?, link()?);
    let mut store = Store::create(&directory.join("gateway-0.book"))?;
    let campaigns = Campaigns {
        issues: ordered(&mut store, "issues", people.issues())?,
        recharges: ordered(&mut store, "recharges", people.recharges())?,
        deletions: ordered(&mut store, "deletions", people.deletions())?,
    };
    let mut gateway = Engine::new(store, people.packet_keys(), people.desk()?);
    let mut story = Story::default();
    let mut powers = Powers::new(trial, directory);
    let mut radio = people.radio(start()?, trial.seed)?;
    while let Some(now) = wait(&mut gateway, &mut carrier)? {
        if powers.fails_now() {
            gateway = powers.cut(gateway, now, &mut carrier, &people, &mut story)?;
            continue;
        }
        radio.taps(carrier.network_mut(), &people)?;
        let turn = gateway.turn(now, &mut carrier)?;
        story.turns += 1;
        story.messages += turn.messages as u64;
    }
    story.issues = gateway.store().counts(campaigns.issues)?;
    story.recharges = gateway.store().counts(campaigns.recharges)?;
    story.deletions = gateway.store().counts(campaigns.deletions)?;
    story.lasted = carrier.network().now();
    (story.purchases, story.loads) = (radio.purchases, radio.loads);
    judge::judge(gateway.store(), &campaigns, carrier.into_network(), (&people, &radio))?;
    Ok(story)
}

/// A campaign of the orders, all of which are made before.
fn ordered(
    store: &mut Store,
    name: &str,
    orders: impl Iterator<Item = Result<NewTask, Violation>>,
) -> Result<CampaignId, Violation> {
    let orders = orders.collect::<Result<Vec<_>, _>>()?;
    Ok(store.new_campaign(name, &Settings::DEFAULT, orders)?)
}

/// Lets time pass until the gateway has something to do; `None` once it has nothing any more and nothing is under way.
fn wait(gateway: &mut Gateway, carrier: &mut SimulatedCarrier) -> Result<Option<UnixMillis>, EngineError> {
    let now = carrier.network().now();
    let due = gateway.next_due(at(now))?.map(|due| millis_since_start(due).max(now));
    let Some(next) = [due, carrier.next_event()].into_iter().flatten().min() else { return Ok(None) };
    carrier.advance(next.max(now + TICK));
    Ok(Some(at(carrier.network().now())))
}

fn at(since_start: Duration) -> UnixMillis {
    START.plus(i64::try_from(since_start.as_millis()).unwrap_or(i64::MAX))
}

fn millis_since_start(time: UnixMillis) -> Duration {
    Duration::from_millis(u64::try_from(time.0 - START.0).unwrap_or_default())
}

fn network(people: &mut People, seed: u64) -> Result<Network, Violation> {
    let centre = "+8613800100500".parse().map_err(|_| Violation::World("the centre's number"))?;
    let mut settings = network::Settings::new(centre, start()?);
    settings.faults = Faults {
        lost: Chance::percent(5),
        repeated: Chance::percent(1),
        throttled: Chance::percent(1),
        unreachable: Chance::percent(2),
        delay_min: Duration::from_millis(300),
        delay_max: Duration::from_secs(20),
    };
    // One that is switched off between two parts of a message loses it, as a phone in nobody's pocket does not.
    settings.phones_on_max = people.numbers().len();
    let mut network = Network::new(settings, seed);
    people.switch_on(&mut network)?;
    Ok(network)
}

fn start() -> Result<Moment, Violation> {
    Moment::from_bytes([0x20, 0x26, 0x11, 0x29, 0x08, 0x00, 0x00]).ok_or(Violation::World("the start"))
}

fn link() -> Result<LinkTerms, Violation> {
    let platform = "10086".parse().map_err(|_| Violation::World("the platform's number"))?;
    Ok(LinkTerms { window: 4_000, deliveries_max: 4_000, ..LinkTerms::new(platform) })
}

/// When the power fails.
struct Powers<'d> {
    random: ChaCha8Rng,
    left: u32,
    directory: &'d Path,
    books: u32,
    turns_until: u32,
    every: u32,
}

impl<'d> Powers<'d> {
    fn new(trial: Trial, directory: &'d Path) -> Self {
        // About as many turns as the whole takes, divided among the cuts.
        let every = (trial.cards / 40 / (trial.cuts + 1)).max(12);
        let mut random = ChaCha8Rng::seed_from_u64(!trial.seed);
        let turns_until = random.random_range(1..=every);
        Self { random, left: trial.cuts, directory, books: 0, turns_until, every }
    }

    fn fails_now(&mut self) -> bool {
        if self.left == 0 {
            return false;
        }
        self.turns_until = self.turns_until.saturating_sub(1);
        self.turns_until == 0
    }

    /// The power goes in a turn's commit or behind it, before anything of the turn has left. What the disk then has is gone on from.
    fn cut(
        &mut self,
        mut gateway: Gateway,
        now: UnixMillis,
        carrier: &mut SimulatedCarrier,
        people: &People,
        story: &mut Story,
    ) -> Result<Gateway, Violation> {
        let book = |number: u32| self.directory.join(format!("gateway-{number}.book"));
        let (old, new) = (book(self.books), book(self.books + 1));
        let before = cut::Disk::of(&old)?;
        gateway.turn(now, &mut Unpowered(carrier))?;
        let torn = before.after_a_cut(&old, &new, &mut self.random)?;
        drop(gateway);
        carrier.cut();
        self.books += 1;
        self.left -= 1;
        self.turns_until = self.random.random_range(1..=self.every);
        story.cuts += 1;
        story.torn += u32::from(torn);
        Ok(Engine::new(Store::open(&new)?, people.packet_keys(), people.desk()?))
    }
}

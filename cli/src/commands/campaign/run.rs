//! `onecard campaign run`.

use std::{
    fmt,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use onecard_gateway::{
    campaign::{Engine, EnterpriseDesk, OperatorKeys, Settings, Store, Turn},
    carrier::Carrier,
    smpp::{
        link::{Link, LinkState},
        session::Ended,
    },
};
use onecard_wire::amount::Amount;
use serde::Serialize;

use super::{
    ensure_there,
    issuing_keys::IssuingFrom,
    listing::{Campaign, campaigns_table, exit},
    now,
};
use crate::{
    centre_link::CentreLink,
    development_keys::{DevelopmentKeys, KEY_VERSION},
    output::{Exit, Output},
    passphrase::PassphraseSource,
};

/// Options of `campaign run`.
#[derive(Args, Debug)]
pub(crate) struct Run {
    /// The gateway's book.
    #[arg(value_name = "BOOK")]
    book: PathBuf,
    /// The key file, clear or sealed, that the SIMs' packet keys come from, and the enterprise's load and TAC keys.
    #[arg(long, value_name = "FILE")]
    keys: PathBuf,
    #[command(flatten)]
    passphrase: PassphraseSource,
    /// The enterprise's deposits (ED) are not in use: what holders ask for at the phone's menu is deleted. Otherwise they are sent to the desk.
    #[arg(long)]
    no_deposits: bool,
    /// How long a proof is waited for at first, of what holders ask for at the phone's menu; twice as long each time none came,
    /// up to 15 times as long. Stays in the book [default: 120].
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..=86_400))]
    requests_proof_within: Option<u32>,
    /// Go on when nothing is left to be done, for campaigns that are still to come.
    #[arg(long)]
    serve: bool,
    #[command(flatten)]
    issuing: IssuingFrom,
    #[command(flatten)]
    centre: CentreLink,
    /// Most messages without an answer.
    #[arg(long, value_name = "MESSAGES", default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..))]
    link_window: u16,
    /// Most messages in a second; 0: as many as the window lets through.
    #[arg(long, value_name = "MESSAGES", default_value_t = 0)]
    rate: u32,
    /// How long the message centre keeps a message for a phone that it does not reach, at least: it is as long as the proof is
    /// waited for, if that is longer. 0: as long as the centre does by itself, for one that refuses such times.
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u32).range(..=2_592_000))]
    validity: u32,
}

/// How long the link is waited at, at most: a campaign that is paused or begun meanwhile is seen after that.
const WAIT_MAX: Duration = Duration::from_millis(500);
/// How long the link is waited at while it takes nothing: less than the messages that a rate lets through at once last.
const NO_ROOM_WAIT: Duration = Duration::from_millis(20);
/// Longer than SQLite sleeps at most (100 ms) between two looks at a book that another is writing.
const GAP: Duration = Duration::from_millis(150);
/// A turn that took as long has kept the book from others, and the next may follow at once.
const SLOW_TURN: Duration = Duration::from_millis(500);
/// How often the screen is renewed.
const SHOWN_EVERY: Duration = Duration::from_secs(1);

type Gateway<'i> = Engine<OperatorKeys, EnterpriseDesk<'i>>;

/// Runs it.
pub(super) fn run(options: &Run, json: bool) -> anyhow::Result<Output> {
    let keys = DevelopmentKeys::read(&options.keys, &options.passphrase)?;
    let link = options.centre.open(|terms| {
        terms.window = usize::from(options.link_window);
        terms.rate = options.rate;
        terms.validity_min = (options.validity > 0).then(|| Duration::from_secs(options.validity.into()));
    })?;
    ensure_there(&options.book)?;
    let mut store = Store::open(&options.book).with_context(|| format!("book {}", options.book.display()))?;
    if let Some(seconds) = options.requests_proof_within {
        store.set_request_settings(&Settings::DEFAULT.with_proof_within(Duration::from_secs(seconds.into())))?;
    }
    let facts = options.issuing.with((&keys, &options.keys), &options.passphrase, |office, bodies_by| {
        let desk = EnterpriseDesk::new(vec![keys.roots.enterprise(keys.enterprise)]).issuing(office);
        let desk = if options.no_deposits { desk.with_deposits(Box::new(|_| Some(Amount::ZERO))) } else { desk };
        let gateway = Engine::new(store, OperatorKeys::new(keys.roots.clone(), KEY_VERSION), desk);
        options.serve(gateway, link, Screen::new(json, bodies_by)?)
    })?;
    let ended = if facts.stopped { Exit::Error } else { exit(&facts.campaigns) };
    Output::new("onecard.campaign-run/1", ended, &facts)
}

impl Run {
    /// Turn by turn until there is nothing left to be done, or somebody stops it.
    fn serve(&self, mut gateway: Gateway<'_>, mut link: Link, mut screen: Screen) -> anyhow::Result<RunFacts> {
        let stop = Arc::new(AtomicBool::new(false));
        let on_signal = Arc::clone(&stop);
        ctrlc::set_handler(move || on_signal.store(true, Ordering::Relaxed)).context("Ctrl-C cannot be waited for")?;
        let mut total = Turn::default();
        let began = Instant::now();
        let stopped = loop {
            if stop.load(Ordering::Relaxed) {
                break true;
            }
            let turn_began = Instant::now();
            let turn = gateway.turn(now(), &mut link)?;
            let took = turn_began.elapsed();
            if let (Some(refused @ Ended::BindRefused(_)), 0) = (link.problem(), link.binds()) {
                screen.end();
                bail!("{}: {refused} 短信中心拒绝登录", self.centre.centre);
            }
            add(&mut total, turn);
            if screen.is_due() {
                let campaigns = campaigns(&gateway)?;
                screen.show(&campaigns, &total, &link, gateway.waits_for());
                if !self.serve && !campaigns.iter().any(Campaign::goes_on) {
                    break false;
                }
            }
            leave_a_gap(took);
            wait(&mut gateway, &mut link, turn)?;
        };
        screen.end();
        // What is told on the way there comes again over the next link.
        let _ = link.close();
        let campaigns = campaigns(&gateway)?;
        let waits_for = gateway.waits_for().filter(|_| campaigns.iter().any(|it| it.for_somebody > 0));
        Ok(RunFacts {
            stopped,
            bodies_by: screen.bodies_by,
            waits_for: waits_for.map(str::to_owned),
            campaigns,
            messages: total.messages,
            repeats: total.repeats,
            proofs: total.proofs,
            strays: total.strays,
            turned_away: total.turned_away,
            unavailable: total.unavailable,
            seconds: began.elapsed().as_secs(),
        })
    }
}

/// Turns follow each other at once while there is more to do: whoever waits to pause a campaign gets at the book in between.
fn leave_a_gap(took: Duration) {
    if took >= SLOW_TURN {
        thread::sleep(GAP);
    }
}

/// Until the message centre says something or something is due; not at all while there is more to do.
fn wait(gateway: &mut Gateway<'_>, link: &mut Link, turn: Turn) -> anyhow::Result<()> {
    if turn.messages > 0 || turn.proofs > 0 {
        return Ok(());
    }
    let due = gateway.next_due(now())?.map(|due| due.0 - now().0);
    let due = due.and_then(|millis| u64::try_from(millis).ok()).map_or(WAIT_MAX, Duration::from_millis);
    // What is due waits for the link, whose word ends the wait sooner.
    let least = if link.room() > 0 { Duration::from_millis(1) } else { NO_ROOM_WAIT };
    link.wait(due.clamp(least, WAIT_MAX));
    Ok(())
}

fn campaigns(gateway: &Gateway<'_>) -> anyhow::Result<Vec<Campaign>> {
    Ok(gateway.store().campaigns()?.iter().map(Campaign::of).collect())
}

fn add(total: &mut Turn, turn: Turn) {
    total.messages += turn.messages;
    total.packets += turn.packets;
    total.repeats += turn.repeats;
    total.proofs += turn.proofs;
    total.requests += turn.requests;
    total.strays += turn.strays;
    total.ended += turn.ended;
    total.unavailable += turn.unavailable;
    total.turned_away += turn.turned_away;
}

/// A bar of the orders that have ended, and how the link is.
struct Screen {
    bar: ProgressBar,
    shown: Option<Instant>,
    bodies_by: String,
}

impl Screen {
    fn new(json: bool, bodies_by: String) -> anyhow::Result<Self> {
        let target = if json { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        let style = ProgressStyle::with_template("{msg}\n  {bar:40} {pos}/{len} orders 订单 {elapsed}")
            .context("the bar's form")?;
        Ok(Self { bar: ProgressBar::with_draw_target(Some(0), target).with_style(style), shown: None, bodies_by })
    }

    fn is_due(&self) -> bool {
        self.shown.is_none_or(|at| at.elapsed() >= SHOWN_EVERY)
    }

    fn show(&mut self, campaigns: &[Campaign], total: &Turn, link: &Link, waits_for: Option<&str>) {
        self.shown = Some(Instant::now());
        let (ended, all) = campaigns.iter().map(Campaign::ended).fold((0, 0), |(a, b), (c, d)| (a + c, b + d));
        self.bar.set_length(all);
        self.bar.set_position(ended);
        let state = match (link.state(), link.problem()) {
            (LinkState::Bound, _) => "link up 已连接".to_owned(),
            (LinkState::Connecting, _) => "connecting 连接中".to_owned(),
            (LinkState::Waiting(left), problem) => {
                let why = problem.map(|problem| format!(" ({problem})")).unwrap_or_default();
                format!("link down{why}, again in {} s 断线重连", left.as_secs())
            }
        };
        let waiting: u64 = campaigns.iter().map(|it| it.for_somebody).sum();
        let waits = match waits_for {
            Some(whom) if waiting > 0 => format!("\n{waiting} orders wait 等待: {whom}"),
            _ => String::new(),
        };
        self.bar.set_message(format!(
            "{state}; {} messages 短信, {} proofs 响应, {} sent again 重发, {} turned away 拒收; bodies by 密钥来自: {}{waits}",
            total.messages, total.proofs, total.repeats, total.turned_away, self.bodies_by
        ));
    }

    fn end(&self) {
        self.bar.finish_and_clear();
    }
}

#[derive(Serialize)]
struct RunFacts {
    stopped: bool,
    /// Which store makes the bodies of what is issued.
    bodies_by: String,
    /// For whom orders wait.
    #[serde(skip_serializing_if = "Option::is_none")]
    waits_for: Option<String>,
    campaigns: Vec<Campaign>,
    messages: usize,
    repeats: usize,
    proofs: usize,
    strays: usize,
    turned_away: usize,
    unavailable: usize,
    seconds: u64,
}

impl fmt::Display for RunFacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = if self.stopped {
            "Stopped; the same command goes on 已停止，可继续"
        } else {
            "Every order of the campaigns that are not paused has ended 全部完成"
        };
        writeln!(f, "{what}")?;
        writeln!(f, "{}", campaigns_table(&self.campaigns))?;
        if let Some(whom) = &self.waits_for {
            writeln!(f, " Orders wait 等待: {whom}")?;
        }
        let Self { messages, repeats, proofs, strays, turned_away, unavailable, seconds, .. } = self;
        write!(
            f,
            " {messages} messages, {repeats} packets sent again, {proofs} proofs, {strays} messages of phones that were none, \
             {turned_away} turned away, {unavailable} put off, in {seconds} s\n \
             bodies by 密钥来自: {}",
            self.bodies_by
        )
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use onecard_gateway::{
        campaign::{Card, Flow, NewCard, NewTask, PacketKeyStore, SetCipher, StoreError, Unavailable, UnixMillis},
        carrier::{Delivery, Event, NoRoom, ShortMessage, Ticket},
    };
    use onecard_host::over_the_air::{
        PacketKeys, SetVersion, Tries,
        lock::{Lock, LockTerms, Way},
    };

    use super::*;

    /// A key store that is slow, and then not there.
    struct Slow;

    impl PacketKeyStore for Slow {
        fn packet_keys(&mut self, _: &Card) -> Result<PacketKeys, Unavailable> {
            thread::sleep(SLOW_TURN);
            Err(Unavailable("slow".to_owned()))
        }
    }

    struct Nobody;

    impl Carrier for Nobody {
        fn room(&mut self) -> usize {
            1
        }

        fn submit(&mut self, _: Ticket, _: &ShortMessage, _: Duration) -> Result<(), NoRoom> {
            Err(NoRoom)
        }

        fn events(&mut self) -> Vec<Event> {
            Vec::new()
        }

        fn acknowledge(&mut self, _: Delivery) {}
    }

    fn order() -> NewTask {
        let (enterprise, serial) = ("1000000000000001".parse().unwrap(), "3100100000000076".parse().unwrap());
        let terms = LockTerms { enterprise, serial, way: Way::Lost };
        let key_set = SetVersion::new(1).unwrap();
        let phone = "+8613900000000".parse().unwrap();
        NewTask {
            order_number: "L1".to_owned(),
            card: NewCard {
                iccid: "89860112340000000011".to_owned(),
                phone,
                key_set,
                cipher: SetCipher::Aes,
                counter: 0,
            },
            flow: Flow::Lock(Box::new(Lock::begin(terms, Tries { packets: 2, attempts: 1 }))),
            not_before: UnixMillis(0),
        }
    }

    /// Each turn has the book to itself for half a second, and the next follows at once.
    #[test]
    fn a_campaign_is_paused_beside_turns_that_are_slow() {
        let folder = tempfile::tempdir().unwrap();
        let book = folder.path().join("gateway.book");
        let mut store = Store::create(&book).unwrap();
        let id = store.new_campaign("lost", &Settings::DEFAULT, [order()]).unwrap();
        let mut gateway = Engine::new(store, Slow, EnterpriseDesk::new(Vec::new()));
        let (mut at, mut turns) = (now(), 0);
        let paused = thread::spawn(move || -> Result<(), StoreError> { Store::look(&book)?.set_paused(id, true) });
        while !paused.is_finished() && turns < 8 {
            let began = Instant::now();
            gateway.turn(at, &mut Nobody).unwrap();
            leave_a_gap(began.elapsed());
            turns += 1;
            // What was put off is due again.
            at = at.plus(60_000);
        }
        assert!(turns < 8, "nobody else gets at the book");
        paused.join().unwrap().unwrap();
    }
}

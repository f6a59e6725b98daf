//! `onecard campaign run`.

use std::{
    fmt,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use onecard_gateway::{
    campaign::{Engine, EnterpriseDesk, OperatorKeys, Store, Turn},
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
    #[command(flatten)]
    issuing: IssuingFrom,
    /// The enterprise's deposits (ED) are not in use: what holders ask for at the phone's menu is deleted. Otherwise they are sent to the desk.
    #[arg(long)]
    no_deposits: bool,
    /// Go on when nothing is left to be done, for campaigns that are still to come.
    #[arg(long)]
    serve: bool,
    #[command(flatten)]
    centre: CentreLink,
    /// Most messages without an answer.
    #[arg(long, value_name = "MESSAGES", default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..))]
    link_window: u16,
    /// Most messages in a second; 0: as many as the window lets through.
    #[arg(long, value_name = "MESSAGES", default_value_t = 0)]
    rate: u32,
}

/// How long the link is waited at, at most: a campaign that is paused or begun meanwhile is seen after that.
const WAIT_MAX: Duration = Duration::from_millis(500);
/// How long the link is waited at while it takes nothing: less than the messages that a rate lets through at once last.
const NO_ROOM_WAIT: Duration = Duration::from_millis(20);
/// How often the screen is renewed.
const SHOWN_EVERY: Duration = Duration::from_secs(1);

type Gateway<'i> = Engine<OperatorKeys, EnterpriseDesk<'i>>;

/// Runs it.
pub(super) fn run(options: &Run, json: bool) -> anyhow::Result<Output> {
    let keys = DevelopmentKeys::read(&options.keys, &options.passphrase)?;
    let link = options.centre.open(|terms| {
        terms.window = usize::from(options.link_window);
        terms.rate = options.rate;
    })?;
    ensure_there(&options.book)?;
    let store = Store::open(&options.book).with_context(|| format!("book {}", options.book.display()))?;
    let facts = options.issuing.with(&keys, &options.passphrase, |office| {
        let desk = EnterpriseDesk::new(vec![keys.roots.enterprise(keys.enterprise)]).issuing(office);
        let desk = if options.no_deposits { desk.with_deposits(Box::new(|_| Some(Amount::ZERO))) } else { desk };
        let gateway = Engine::new(store, OperatorKeys::new(keys.roots.clone(), KEY_VERSION), desk);
        options.serve(gateway, link, Screen::new(json)?)
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
            let turn = gateway.turn(now(), &mut link)?;
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
            wait(&mut gateway, &mut link, turn)?;
        };
        screen.end();
        // What is told on the way there comes again over the next link.
        let _ = link.close();
        let campaigns = campaigns(&gateway)?;
        let waits_for = gateway.waits_for().filter(|_| campaigns.iter().any(|it| it.for_somebody > 0));
        Ok(RunFacts {
            stopped,
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
}

impl Screen {
    fn new(json: bool) -> anyhow::Result<Self> {
        let target = if json { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        let style = ProgressStyle::with_template("{msg}\n  {bar:40} {pos}/{len} orders 订单 {elapsed}")
            .context("the bar's form")?;
        Ok(Self { bar: ProgressBar::with_draw_target(Some(0), target).with_style(style), shown: None })
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
            "{state}; {} messages 短信, {} proofs 响应, {} sent again 重发, {} turned away 拒收{waits}",
            total.messages, total.proofs, total.repeats, total.turned_away
        ));
    }

    fn end(&self) {
        self.bar.finish_and_clear();
    }
}

#[derive(Serialize)]
struct RunFacts {
    stopped: bool,
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
             {turned_away} turned away, {unavailable} put off, in {seconds} s"
        )
    }
}

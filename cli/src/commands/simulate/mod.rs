//! `onecard simulate`: cards and SAMs in virtual readers, for every PC/SC program.

mod event;
mod place;

use std::{
    io,
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{self, Receiver, RecvTimeoutError, Sender},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use onecard_simulator::{
    chip::Kind,
    vpcd::{self, PORTS},
};

use self::{
    event::{Ended, Event, Printer},
    place::{Contents, Happening, Place, Record},
};
use crate::{
    args::{ChipFile, VirtualReader},
    output::Output,
    reader::card_kind,
    trace::Recording,
};

/// Examples of the help.
pub(crate) const EXAMPLES: &str = "\
Examples:
  apt-get install pcscd vsmartcard-vpcd opensc; systemctl start pcscd
  onecard simulate --card sim:wang.card                       # until Ctrl-C
  opensc-tool --reader 'Virtual PCD 00 00' --atr              # in another window 另开窗口
  # a member's card and a till's SAM, for the tests of a terminal program 卡与SAM卡同时
  onecard simulate --card sim:wang.card --sam sim:till.sam
  # a key master card and the card that opens it 密钥母卡与母卡认证卡
  onecard simulate --card sim:school.master --card sim:school.mother
  # a phone's SIM: the phone's side in one reader, a terminal's field in the other 手机卡两侧
  onecard simulate --sim sim:wang.sim --protocol t0
  # for a script: one JSON object a line, an end of its own
  onecard simulate --card sim:wang.card --protocol t0 --for 60 --json
  # what another program does to the card, told and checked 记录其他程序的通信
  onecard simulate --card sim:wang.card --trace-file their.trace; onecard trace check their.trace --keys dev.keys

Typed while it runs 运行中可键入:
  remove [0|1]   take the card out 拔卡; its file is free then
  insert [0|1]   put it in again 插卡
  quit           end 结束";

/// Options of `simulate`.
#[derive(Args, Debug)]
pub(crate) struct Simulate {
    /// A member's card, a key master card or its mother card, sim:FILE; twice for two cards.
    #[arg(long = "card", value_name = "CHIP", required_unless_present_any = ["sams", "sim"])]
    cards: Vec<ChipFile>,
    /// A SAM, sim:FILE; cards come first.
    #[arg(long = "sam", value_name = "CHIP")]
    sams: Vec<ChipFile>,
    /// A RFID-SIM in a phone, sim:FILE: its contacts in the first reader, a terminal's field in the second.
    #[arg(long, value_name = "CHIP", conflicts_with_all = ["cards", "sams"])]
    sim: Option<ChipFile>,
    /// How they are spoken to; a field speaks T=1.
    #[arg(long, value_enum, default_value_t = Protocol::T1)]
    protocol: Protocol,
    /// Where vpcd waits for the first card; for a second one at the next port.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:35963")]
    vpcd: VirtualReader,
    /// End after so many seconds.
    #[arg(long = "for", value_name = "SECONDS")]
    seconds: Option<u64>,
    /// Record what the cards are asked and answer to a new file, for `onecard trace`; PINs and keys are left out.
    #[arg(long, value_name = "FILE")]
    trace_file: Option<PathBuf>,
}

#[derive(ValueEnum, Clone, Copy, Debug)]
enum Protocol {
    /// T=1: whole APDUs, as a contactless card looks like
    T1,
    /// T=0: answers fetched by GET RESPONSE, as most SAMs have it
    T0,
}

/// Serves until somebody ends it.
pub(crate) fn run(simulate: &Simulate, json: bool) -> anyhow::Result<Output> {
    let printer = Printer { json };
    let mut places = places(simulate)?;
    let recording = simulate.trace_file.as_deref().map(|path| Recording::begin(path, Some("simulate".to_owned())));
    let record = recording.transpose()?.map(|recording| Arc::new(Mutex::new(recording)));
    let time = simulate.seconds.map(Duration::from_secs);
    let ended = serve(&mut places, printer, record.as_ref(), time);
    // Whatever ended it, the cards lose their power in order, and their files are closed.
    for place in &mut places {
        if place.remove() {
            printer.print(&place.event("removed"))?;
        }
    }
    let ended = ended?;
    if let Some(record) = record {
        record.lock().unwrap_or_else(PoisonError::into_inner).finish()?;
    }
    Output::line("onecard.simulate/1", &ended)
}

fn serve(
    places: &mut [Place],
    printer: Printer,
    record: Option<&Record>,
    time: Option<Duration>,
) -> anyhow::Result<Ended> {
    let (told, happenings) = mpsc::channel();
    let deadline = time.and_then(|time| Instant::now().checked_add(time));
    listen_for_signals(told.clone())?;
    for place in &mut *places {
        place.insert(&told, record)?;
        printer.print(&place.event("inserted"))?;
    }
    listen_to_keyboard(told.clone());
    Served { places, printer, record, told, happenings }.until(deadline)
}

fn places(simulate: &Simulate) -> anyhow::Result<Vec<Place>> {
    let Simulate { cards, sams, sim, vpcd: VirtualReader { host, port }, .. } = simulate;
    let protocol = match simulate.protocol {
        Protocol::T1 => vpcd::Protocol::T1,
        Protocol::T0 => vpcd::Protocol::T0,
    };
    if cards.len() + sams.len() > PORTS.len() {
        bail!("{} cards, and vpcd has {} readers", cards.len() + sams.len(), PORTS.len());
    }
    let card = |file: &ChipFile| Contents::chip(file, card_kind(file)?, protocol);
    let sam = |file: &ChipFile| Contents::chip(file, Kind::Sam, protocol);
    let mut contents: Vec<Contents> = cards.iter().map(card).chain(sams.iter().map(sam)).collect::<Result<_, _>>()?;
    if let Some(file) = sim {
        contents.extend(Contents::both_sides(file, protocol)?);
    }
    Ok((0..).zip(contents).map(|(number, contents)| Place::new(number, contents, host, *port)).collect())
}

/// What is going on.
struct Served<'p> {
    places: &'p mut [Place],
    printer: Printer,
    record: Option<&'p Record>,
    told: Sender<Happening>,
    happenings: Receiver<Happening>,
}

impl Served<'_> {
    fn until(mut self, deadline: Option<Instant>) -> anyhow::Result<Ended> {
        /// How often a reader that has gone is looked for.
        const LOOK: Duration = Duration::from_millis(250);
        loop {
            let left = deadline.map_or(LOOK, |deadline| deadline.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                return Ok(Ended::after_time());
            }
            match self.happenings.recv_timeout(left.min(LOOK)) {
                Ok(Happening::Signal) => return Ok(Ended::by_signal()),
                Ok(Happening::Typed(line)) => {
                    if self.obey(&line)? {
                        return Ok(Ended::by_quit());
                    }
                }
                Ok(Happening::Out { number, failed, event }) => {
                    if let Some(place) = self.places.iter_mut().find(|place| place.number == number) {
                        place.left();
                        self.printer.print(&place.event(event))?;
                        if let Some(why) = failed {
                            bail!("the chip of {} failed: {why}", place.file());
                        }
                    }
                }
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => self.look()?,
            }
        }
    }

    /// Cards whose reader had gone, and that fell silent, come back.
    fn look(&mut self) -> anyhow::Result<()> {
        for place in &mut *self.places {
            if place.is_due() && place.insert(&self.told, self.record).is_ok() {
                self.printer.print(&place.event("inserted"))?;
            }
        }
        Ok(())
    }

    /// Whether the end was asked for.
    fn obey(&mut self, line: &str) -> anyhow::Result<bool> {
        let mut words = line.split_whitespace();
        let (verb, which) = (words.next(), words.next().map(|number| number.parse::<u16>().ok()));
        let meant = |place: &&mut Place| which.is_none_or(|number| number == Some(place.number));
        match verb {
            Some("quit" | "exit" | "结束") => return Ok(true),
            Some("remove" | "拔卡") => {
                for place in self.places.iter_mut().filter(meant) {
                    if place.remove() {
                        self.printer.print(&place.event("removed"))?;
                    }
                }
            }
            Some("insert" | "插卡") => {
                for place in self.places.iter_mut().filter(meant) {
                    let event = match place.is_out().then(|| place.insert(&self.told, self.record)) {
                        Some(Ok(())) => place.event("inserted"),
                        Some(Err(error)) => Event { why: Some(format!("{error:#}")), ..place.event("not inserted") },
                        None => continue,
                    };
                    self.printer.print(&event)?;
                }
            }
            Some(other) => self.printer.print(&Event::not_understood(other))?,
            None => {}
        }
        Ok(false)
    }
}

/// Ctrl-C, and the ends that a service gets.
fn listen_for_signals(told: Sender<Happening>) -> anyhow::Result<()> {
    ctrlc::set_handler(move || {
        // Nobody listens any more: the end is on its way.
        let _ = told.send(Happening::Signal);
    })
    .context("Ctrl-C cannot be listened for")
}

/// Its end is no end of the simulation: in the background there is none.
fn listen_to_keyboard(told: Sender<Happening>) {
    thread::spawn(move || {
        for line in io::stdin().lines().map_while(Result::ok) {
            if told.send(Happening::Typed(line)).is_err() {
                break;
            }
        }
    });
}

//! What a simulated card costs through pcscd: `.ci/with-pcscd cargo bench -p onecard-tests --features pcsc --bench
//! pcscd_round_trip`.
//!
//! GET BALANCE, once to a personalised card in the one virtual reader and once to a card that always answers the same in the
//! other, 10,000 times by turns; then the two change places, so that neither reader is in favour of one.

use std::{
    error::Error,
    ffi::CString,
    fmt,
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use onecard_simulator::vpcd::{Echo, End, PORTS, Presented, Protocol, Puller, SimulatedCard, Slot};
use onecard_tests::world::World;
use onecard_wire::aid;
use pcsc::{Card, Context, Protocols, ReaderState, Scope, ShareMode, State};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const TURNS: usize = 10_000;
const WARM_UP: usize = 500;
const GET_BALANCE: [u8; 5] = [0x80, 0x5C, 0x00, 0x02, 0x04];
const MEDIAN_MAX: Duration = Duration::from_micros(250);
const RATIO_MAX: f64 = 1.1;

fn main() -> Result<()> {
    let context =
        Context::establish(Scope::User).map_err(|error| format!("no pcscd ({error}): run this by .ci/with-pcscd"))?;
    let (mut card, mut echo) = (Vec::new(), Vec::new());
    for card_slot in [0, 1] {
        let (card_times, echo_times) = measure(&context, card_slot)?;
        card.extend(card_times);
        echo.extend(echo_times);
    }
    let (card, echo) = (Figures::of(card), Figures::of(echo));
    println!("                    median      5 %     95 %     99 %");
    println!("personalised card {card}");
    println!("echo              {echo}");
    let ratio = card.median.as_secs_f64() / echo.median.as_secs_f64();
    println!("ratio of the medians {ratio:.3} (aim: at most {RATIO_MAX}); aim for the median: {MEDIAN_MAX:?}");
    if card.median > MEDIAN_MAX || ratio > RATIO_MAX {
        return Err("an aim is missed; is the machine busy with something else?".into());
    }
    Ok(())
}

/// Times of the card, which is in `card_slot`, and of the echo, which is in the other.
fn measure(context: &Context, card_slot: usize) -> Result<(Vec<Duration>, Vec<Duration>)> {
    let world = World::shared();
    let chip = world.card(0).ok_or("the world has no card")?;
    let card = Served::insert(context, card_slot, SimulatedCard::new(chip, Protocol::T1))?;
    let echo = Served::insert(context, 1 - card_slot, Echo::answering(4))?;
    let name = aid::enterprise_application(world.enterprise_id());
    let select = [&[0x00, 0xA4, 0x04, 0x00, 0x0E], &name[..]].concat();
    for connected in [&card.connected, &echo.connected] {
        connected.transmit(&select, &mut [0; 258])?;
    }
    for _ in 0..WARM_UP {
        balance(&card.connected)?;
        balance(&echo.connected)?;
    }
    let (mut card_times, mut echo_times) = (Vec::with_capacity(TURNS), Vec::with_capacity(TURNS));
    for _ in 0..TURNS {
        card_times.push(balance(&card.connected)?);
        echo_times.push(balance(&echo.connected)?);
    }
    card.end()?;
    echo.end()?;
    Ok((card_times, echo_times))
}

fn balance(connected: &Card) -> Result<Duration> {
    let mut answer = [0; 258];
    let began = Instant::now();
    let answer = connected.transmit(&GET_BALANCE, &mut answer)?;
    let took = began.elapsed();
    if answer != [0, 0, 0, 0, 0x90, 0x00] {
        return Err(format!("GET BALANCE: {answer:02X?}").into());
    }
    Ok(took)
}

/// A card in a slot, and the connection to it.
struct Served {
    connected: Card,
    puller: Puller,
    serving: JoinHandle<End>,
}

impl Served {
    fn insert<C: Presented + Send + 'static>(context: &Context, slot: usize, card: C) -> Result<Self> {
        let connection = Slot::connect("127.0.0.1", *PORTS.get(slot).ok_or("no such slot")?)?;
        let puller = connection.puller();
        let serving = thread::spawn(move || connection.serve(card).1);
        let suffix = format!(" {slot:02X}");
        let names = context.list_readers_owned()?;
        let is_slot = |name: &&CString| name.to_string_lossy().ends_with(&suffix);
        let reader = names.iter().find(is_slot).ok_or("no virtual reader")?;
        let mut states = [ReaderState::new(reader.clone(), State::EMPTY)];
        context.get_status_change(Duration::from_secs(5), &mut states)?;
        let connected = context.connect(reader, ShareMode::Exclusive, Protocols::ANY)?;
        Ok(Self { connected, puller, serving })
    }

    fn end(self) -> Result<()> {
        drop(self.connected);
        self.puller.pull();
        match self.serving.join() {
            // pcscd sees it go before the next comes.
            Ok(End::Pulled) => thread::sleep(onecard_simulator::vpcd::NOTICED_WITHIN),
            other => return Err(format!("a card had left: {other:?}").into()),
        }
        Ok(())
    }
}

struct Figures {
    median: Duration,
    parts: [Duration; 3],
}

impl Figures {
    fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        let at = |percent: usize| times.get(times.len() * percent / 100).copied().unwrap_or_default();
        Self { median: at(50), parts: [at(5), at(95), at(99)] }
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micros = |time: Duration| time.as_secs_f64() * 1e6;
        let [five, ninety_five, ninety_nine] = self.parts.map(micros);
        write!(f, "{:6.1} µs {five:6.1} µs {ninety_five:6.1} µs {ninety_nine:6.1} µs", micros(self.median))
    }
}

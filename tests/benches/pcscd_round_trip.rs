//! What a simulated card costs through pcscd: `.ci/with-pcscd cargo bench -p onecard-tests --features pcsc --bench
//! pcscd_round_trip`.
//!
//! 20,000 times by turns through the same reader, connection and thread: GET BALANCE to a personalised card, and the same
//! with a class that no card has, which is answered at once by what is in front of it. Two readers would not do: which core
//! their threads land on differs by more than the card.

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

const TURNS: usize = 20_000;
const WARM_UP: usize = 500;
const GET_BALANCE: [u8; 5] = [0x80, 0x5C, 0x00, 0x02, 0x04];
/// The same in class FF, which ISO/IEC 7816-4 leaves to nobody.
const ECHO: [u8; 5] = [0xFF, 0x5C, 0x00, 0x02, 0x04];
const MEDIAN_MAX: Duration = Duration::from_micros(250);
const RATIO_MAX: f64 = 1.1;

fn main() -> Result<()> {
    let context =
        Context::establish(Scope::User).map_err(|error| format!("no pcscd ({error}): run this by .ci/with-pcscd"))?;
    let world = World::shared();
    let chip = world.card(0).ok_or("the world has no card")?;
    let card = CardOrEcho { card: SimulatedCard::new(chip, Protocol::T1), echo: Echo::answering(4) };
    let served = Served::insert(&context, 0, card)?;
    let name = aid::enterprise_application(world.enterprise_id());
    served.connected.transmit(&[&[0x00, 0xA4, 0x04, 0x00, 0x0E], &name[..]].concat(), &mut [0; 258])?;
    for _ in 0..WARM_UP {
        round_trip(&served.connected, &GET_BALANCE)?;
        round_trip(&served.connected, &ECHO)?;
    }
    let (mut card, mut echo) = (Vec::with_capacity(TURNS), Vec::with_capacity(TURNS));
    for _ in 0..TURNS {
        card.push(round_trip(&served.connected, &GET_BALANCE)?);
        echo.push(round_trip(&served.connected, &ECHO)?);
    }
    served.end()?;
    tell(&Figures::of(card), &Figures::of(echo))
}

fn tell(card: &Figures, echo: &Figures) -> Result<()> {
    println!("                     median       5 %      95 %      99 %");
    println!("personalised card {card}");
    println!("echo              {echo}");
    let ratio = card.median.as_secs_f64() / echo.median.as_secs_f64();
    println!("ratio of the medians {ratio:.3} (aim: at most {RATIO_MAX}); aim for the median: {MEDIAN_MAX:?}");
    if card.median > MEDIAN_MAX || ratio > RATIO_MAX {
        return Err("an aim is missed; is the machine busy with something else?".into());
    }
    Ok(())
}

fn round_trip(connected: &Card, command: &[u8]) -> Result<Duration> {
    let mut answer = [0; 258];
    let began = Instant::now();
    let answer = connected.transmit(command, &mut answer)?;
    let took = began.elapsed();
    if answer != [0, 0, 0, 0, 0x90, 0x00] {
        return Err(format!("{command:02X?} was answered by {answer:02X?}").into());
    }
    Ok(took)
}

/// A card, and in front of it what answers the class [`ECHO`].
struct CardOrEcho {
    card: SimulatedCard,
    echo: Echo,
}

impl Presented for CardOrEcho {
    fn atr(&self) -> &[u8] {
        self.card.atr()
    }

    fn power_on(&mut self) {
        self.card.power_on();
    }

    fn power_off(&mut self) {
        self.card.power_off();
    }

    fn reset(&mut self) {
        self.card.reset();
    }

    fn transmit(&mut self, command: &[u8]) -> Option<Vec<u8>> {
        if command.first() == ECHO.first() { self.echo.transmit(command) } else { self.card.transmit(command) }
    }
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
            Ok(End::Pulled) => Ok(()),
            other => Err(format!("the card had left: {other:?}").into()),
        }
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
        write!(f, "{:7.1} µs {five:6.1} µs {ninety_five:6.1} µs {ninety_nine:6.1} µs", micros(self.median))
    }
}

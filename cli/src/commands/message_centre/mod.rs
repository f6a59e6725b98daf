//! `onecard message-centre`: a simulated message centre with phones behind it.

mod event;

use std::{
    io::{self, Write},
    path::PathBuf,
    str::FromStr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use clap::Args;
use onecard_host::over_the_air::message::Address;
use onecard_simulator::{
    chip::Kind,
    message_centre::{
        faults::{Chance, Faults},
        network::{Network, Settings},
        server::{Account, CentreTerms, Server},
    },
    sample::{SIM, sim_of},
};
use zeroize::Zeroizing;

use self::event::{Ended, Event};
use crate::{args::ChipFile, clock, commands::gp::key_file, output::Output, private_file, reader::open_chip};

const SCHEMA: &str = "onecard.message-centre/1";

/// Examples of the help.
pub(crate) const EXAMPLES: &str = "\
Examples:
  onecard message-centre --phone +8613800000001=sim:wang.sim         # until Ctrl-C
  onecard ota send balance.script --tar enterprise --counter 000000000A --key-file ota.keys \\
      --to +8613800000001 --centre 127.0.0.1:2775 --system-id gateway --password-file centre.password   # in another window 另开窗口
  # a bad network, the same each time 较差网络，可重现
  onecard message-centre --phone +8613800000001=sim:wang.sim --lost 5% --repeated 1% --delay-ms 100..3000 --seed 7
  # 5,000 phones whose SIMs have this key set over the air and nothing else 五千部手机
  onecard message-centre --phones 5000 --key-file ota.keys --system-id gateway --password-file centre.password --quiet";

/// Options of `message-centre`.
#[derive(Args, Debug)]
pub(crate) struct MessageCentre {
    /// Where platforms connect.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:2775")]
    listen: String,
    /// A phone with the RFID-SIM of a file in it; once for each.
    #[arg(long = "phone", value_name = "NUMBER=sim:FILE", required_unless_present = "phones")]
    phone: Vec<PhoneOfFile>,
    /// So many phones more, in memory alone, with consecutive numbers.
    #[arg(long, value_name = "COUNT", requires = "key_file", value_parser = clap::value_parser!(u32).range(1..=200_000))]
    phones: Option<u32>,
    /// The number of the first of them.
    #[arg(long, value_name = "NUMBER", default_value = "+8613900000000")]
    first_number: Address,
    /// The key set in each of their SIMs, as for `gp keys put --new-file`, AES.
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// Who is let in; everybody, if nobody is named.
    #[arg(long, value_name = "NAME", requires = "password_file")]
    system_id: Option<String>,
    /// The file with the password, at most 8 characters.
    #[arg(long, value_name = "FILE", requires = "system_id")]
    password_file: Option<PathBuf>,
    /// The message centre's own number.
    #[arg(long, value_name = "NUMBER", default_value = "+8613800100500")]
    service_centre: Address,
    /// Do not tell each thing that passes.
    #[arg(long)]
    quiet: bool,
    /// End after so many seconds.
    #[arg(long = "for", value_name = "SECONDS")]
    seconds: Option<u64>,
    #[command(flatten)]
    network: NetworkOptions,
}

#[derive(Args, Debug)]
#[command(next_help_heading = "Network (网络)")]
struct NetworkOptions {
    /// Messages that never arrive, either way.
    #[arg(long, value_name = "CHANCE", default_value = "0%")]
    lost: Chance,
    /// Messages that arrive twice.
    #[arg(long, value_name = "CHANCE", default_value = "0%")]
    repeated: Chance,
    /// Messages that are not taken: too many.
    #[arg(long, value_name = "CHANCE", default_value = "0%")]
    throttled: Chance,
    /// Tries that do not reach the phone; it is tried again after a minute, five times.
    #[arg(long, value_name = "CHANCE", default_value = "0%")]
    unreachable: Chance,
    /// How long a message takes each way, in milliseconds, from..to: between two messages overtake each other.
    #[arg(long, value_name = "FROM..TO", default_value = "100..100")]
    delay_ms: DelayRange,
    /// Decides what all this strikes.
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
}

/// `NUMBER=sim:FILE`.
#[derive(Clone, Debug)]
struct PhoneOfFile {
    number: Address,
    file: ChipFile,
}

/// `FROM..TO`, milliseconds.
#[derive(Clone, Copy, Debug)]
struct DelayRange(u64, u64);

impl FromStr for PhoneOfFile {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (number, file) =
            text.split_once('=').ok_or("expected NUMBER=sim:FILE, such as +8613800000001=sim:wang.sim")?;
        let number = number.parse().map_err(|error| format!("{number}: {error}"))?;
        Ok(Self { number, file: file.parse()? })
    }
}

impl FromStr for DelayRange {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parsed = text.split_once("..").and_then(|(from, to)| Some(Self(from.parse().ok()?, to.parse().ok()?)));
        let ordered = parsed.filter(|Self(from, to)| from <= to && *to <= 3_600_000);
        ordered.ok_or_else(|| "expected milliseconds FROM..TO, such as 100..3000, at most an hour".to_owned())
    }
}

/// Serves until somebody ends it.
pub(crate) fn run(options: &MessageCentre, json: bool) -> anyhow::Result<Output> {
    let mut network = options.network()?;
    if !options.quiet {
        network.look_on();
    }
    let mut server = Server::listen(&options.listen, options.terms()?, network)
        .with_context(|| format!("{} cannot be listened at: another program may be there", options.listen))?;
    let stop = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&stop);
    ctrlc::set_handler(move || told.store(true, Ordering::Relaxed)).context("Ctrl-C cannot be listened for")?;
    let deadline = options.seconds.and_then(|seconds| Instant::now().checked_add(Duration::from_secs(seconds)));
    let address = server.address().context("the address is not known")?;
    let mut screen = Screen { json, bound: Vec::new(), failed: None };
    screen.print(&Event::listening(&address.to_string(), server.network().phones().0, options.system_id.is_none()));
    let served = server.run(&stop, |server| {
        screen.look(server);
        if screen.failed.is_some() || deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            stop.store(true, Ordering::Relaxed);
        }
    });
    served.context("no more connections can be taken")?;
    match screen.failed {
        Some(error) => Err(error),
        None => Output::line(SCHEMA, &Ended::of(server.network().counts())),
    }
}

impl MessageCentre {
    fn network(&self) -> anyhow::Result<Network> {
        let NetworkOptions { lost, repeated, throttled, unreachable, delay_ms: DelayRange(from, to), seed } =
            self.network;
        let (delay_min, delay_max) = (Duration::from_millis(from), Duration::from_millis(to));
        let faults = Faults { lost, repeated, throttled, unreachable, delay_min, delay_max };
        let settings = Settings { faults, ..Settings::new(self.service_centre.clone(), clock::now()?) };
        let mut network = Network::new(settings, seed);
        for PhoneOfFile { number, file } in &self.phone {
            let chip = open_chip(file, Kind::RfidSim)?;
            ensure!(network.insert(number.clone(), chip).is_none(), "{number} is the number of two phones");
        }
        if let (Some(count), Some(keys)) = (self.phones, &self.key_file) {
            let one = sim_of(SIM.iccid, &key_file::read(keys)?, seed)?;
            for number in self.numbers(count)? {
                ensure!(
                    network.insert(number.clone(), one.snapshot()).is_none(),
                    "{number} is the number of two phones"
                );
            }
        }
        Ok(network)
    }

    /// Consecutive ones.
    fn numbers(&self, count: u32) -> anyhow::Result<Vec<Address>> {
        let text = self.first_number.to_string();
        let (plus, digits) = text.strip_prefix('+').map_or(("", text.as_str()), |digits| ("+", digits));
        let width = digits.len();
        let first: u128 = digits.parse().with_context(|| format!("{text} is no number that others follow"))?;
        let number = |at: u32| format!("{plus}{:0width$}", first + u128::from(at)).parse();
        (0..count).map(number).collect::<Result<_, _>>().context("the numbers become too long")
    }

    fn terms(&self) -> anyhow::Result<CentreTerms> {
        let (Some(system_id), Some(file)) = (&self.system_id, &self.password_file) else {
            return Ok(CentreTerms::default());
        };
        let (_, text) = private_file::read(file, "password file")?;
        let password = text.trim_end_matches(['\r', '\n']);
        ensure!((1..=8).contains(&password.len()), "password file {}: 1 to 8 characters are wanted", file.display());
        let password = Zeroizing::new(password.as_bytes().to_vec());
        Ok(CentreTerms { accounts: vec![Account::new(system_id, password)], ..CentreTerms::default() })
    }
}

/// Where it is told what passes.
struct Screen {
    json: bool,
    bound: Vec<String>,
    failed: Option<anyhow::Error>,
}

impl Screen {
    fn look(&mut self, server: &mut Server) {
        let bound: Vec<String> = server.bound().map(str::to_owned).collect();
        if bound != self.bound {
            self.print(&Event::bound(&bound));
            self.bound = bound;
        }
        for happening in server.network_mut().happenings() {
            self.print(&Event::of(&happening));
        }
    }

    fn print(&mut self, event: &Event) {
        let print = || {
            let mut to = io::stdout().lock();
            Output::line(SCHEMA, event)?.print(self.json, &mut to)?;
            Ok(to.flush()?)
        };
        if let Err(error) = print() {
            self.failed.get_or_insert(error);
        }
    }
}

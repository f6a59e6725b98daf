//! Keys, SAMs, cards and two terminals, all of them in one folder.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};
use onecard_host::{
    card::{Pin, balance, select},
    issuing::{CardOrder, SamCardOrder, SamRole},
    terminal::{JournalFile, OrderNumber},
    transport::Transport,
};
use onecard_simulator::{population::Population, reader::Reader};
use onecard_wire::{
    aid,
    amount::Amount,
    date::{Date, Moment, Time},
    number::{ApplicationSerial, EnterpriseId, TerminalNumber},
    record::Parameters,
    wallet::Purse,
};
use rand::{RngExt, rngs::ChaCha20Rng};

use crate::{
    args::{ChipFile, ENTERPRISE, SamSource},
    commands::{card, sam},
    development_keys::{DevelopmentKeys, KEY_VERSION},
    journal,
    passphrase::PassphraseSource,
    people::Person,
    private_file,
    reader::{Faults, ReaderName, store_chip},
    terminal_sam::TerminalSam,
    trace::{Peer, Trace},
};

/// Everything the story happens to.
pub(super) struct World {
    pub(super) keys: DevelopmentKeys,
    pub(super) members: Vec<Member>,
    pub(super) till: Terminal,
    pub(super) station: Terminal,
    /// What the station's SAM may load, as issued.
    pub(super) load_limit: Amount,
    pub(super) date: Date,
    pub(super) trace: Trace,
    pub(super) folder: PathBuf,
    cards: Population,
}

/// Somebody with a card.
#[derive(Clone)]
pub(super) struct Member {
    pub(super) person: Person,
    pub(super) pin: Pin,
}

/// A terminal: switched on when it is first needed.
pub(super) struct Terminal {
    pub(super) sam: ChipFile,
    pub(super) number: TerminalNumber,
    pub(super) journal: PathBuf,
    enterprise: EnterpriseId,
    trace: Trace,
    orders: u64,
    running: Option<Running>,
}

/// A terminal that is switched on.
pub(super) struct Running {
    pub(super) sam: TerminalSam,
    pub(super) journal: JournalFile,
}

const TILL: TerminalNumber = TerminalNumber([0x00, 0x00, 0x00, 0x00, 0x00, 0x01]);
const STATION: TerminalNumber = TerminalNumber([0x00, 0x00, 0x00, 0x00, 0x00, 0x02]);

impl World {
    /// Makes all of it in `folder`.
    pub(super) fn make(
        folder: &Path,
        people: Vec<Person>,
        date: Date,
        mut random: ChaCha20Rng,
        trace: &Trace,
    ) -> anyhow::Result<Self> {
        let enterprise = ENTERPRISE.parse().context("the enterprise of the demonstration")?;
        let keys = DevelopmentKeys::generate(enterprise, &mut random);
        keys.create(&folder.join("development.keys"))?;
        let load_limit = load_limit(&people);
        let mut terminal = |name: &str, role: SamRole, number, limit| -> anyhow::Result<Terminal> {
            let file = ChipFile(folder.join(format!("{name}.sam")));
            issue_sam(&keys, &file, role, number, limit, &mut random)?;
            let journal = folder.join(format!("{name}.journal"));
            Ok(Terminal { sam: file, number, journal, enterprise, trace: trace.clone(), orders: 0, running: None })
        };
        let till = terminal("till", SamRole::Till, TILL, Amount::ZERO)?;
        let station = terminal("recharge", SamRole::Recharge, STATION, load_limit)?;
        let (members, cards) = personalise(&keys, people, folder, &mut random)?;
        let (trace, folder) = (trace.clone(), folder.to_owned());
        Ok(Self { keys, members, till, station, load_limit, date, trace, folder, cards })
    }

    /// Presents a member's card to `terminal`, with `faults`.
    pub(super) fn tap<R>(
        &mut self,
        serial: ApplicationSerial,
        faults: &Faults,
        terminal: impl FnOnce(&mut dyn Transport, &mut Self) -> R,
    ) -> anyhow::Result<R> {
        let mut chip = self.cards.remove(serial).with_context(|| format!("nobody has card {serial}"))?;
        faults.order(&mut chip);
        let mut reader = Reader::insert(chip);
        let trace = self.trace.clone();
        let result = terminal(&mut faults.between(&mut reader, &trace, Peer::Card), self);
        self.cards.insert(serial, reader.remove());
        Ok(result)
    }

    /// A copy of a member's card that knows nothing of the original's future.
    pub(super) fn copy_of(&mut self, serial: ApplicationSerial) -> anyhow::Result<Reader> {
        let chip = self.cards.remove(serial).with_context(|| format!("nobody has card {serial}"))?;
        let copy = Reader::insert(chip.snapshot());
        self.cards.insert(serial, chip);
        Ok(copy)
    }

    /// What the card itself says is on it.
    pub(super) fn balance(&mut self, serial: ApplicationSerial) -> anyhow::Result<Amount> {
        let name = aid::enterprise_application(self.keys.enterprise);
        self.tap(serial, &Faults::default(), |card, _| {
            let application = select(card, &name)?;
            Ok(balance(card, &application, Purse::Ep)?)
        })?
    }

    /// The story's clock: `turn` of `turns` between two hours.
    pub(super) fn moment(&self, hours: [u32; 2], turn: usize, turns: usize) -> anyhow::Result<Moment> {
        let [from, to] = hours.map(|hour| u64::from(hour) * 3600);
        let (turn, turns) = (u64::try_from(turn)?, u64::try_from(turns.max(1))?);
        let second = from + (to - from) * turn / turns;
        let text = format!("{:02}{:02}{:02}", second / 3600, second / 60 % 60, second % 60);
        let time = Time::parse(&text).with_context(|| format!("no time of day: {text}"))?;
        Ok(Moment { date: self.date, time })
    }
}

impl Terminal {
    /// Switches it on if it is off.
    pub(super) fn running(&mut self) -> anyhow::Result<&mut Running> {
        let running = match self.running.take() {
            Some(running) => running,
            None => Running {
                sam: TerminalSam::open(
                    &SamSource::Slot(ReaderName::Sim(self.sam.clone())),
                    &PassphraseSource::default(),
                    self.enterprise,
                    &self.trace,
                )?,
                journal: journal::open(&self.journal)?,
            },
        };
        Ok(self.running.insert(running))
    }

    /// Switches it off: all it remembers is its journal and its SAM.
    pub(super) fn switch_off(&mut self) {
        self.running = None;
    }

    /// A number for the next order.
    pub(super) fn next_order(&mut self) -> OrderNumber {
        self.orders += 1;
        OrderNumber(self.orders)
    }
}

/// Enough for all first loads and the story's own.
fn load_limit(people: &[Person]) -> Amount {
    let spare = Amount::from_fen(100_000);
    people.iter().fold(spare, |sum, person| sum.plus(person.first_load).unwrap_or(sum))
}

fn issue_sam(
    keys: &DevelopmentKeys,
    file: &ChipFile,
    role: SamRole,
    terminal: TerminalNumber,
    load_limit: Amount,
    random: &mut ChaCha20Rng,
) -> anyhow::Result<()> {
    let day = |text| Date::parse(text).context("the validity of a SAM");
    let order = SamCardOrder {
        serial: sam::new_serial(random)?,
        directory: sam::DIRECTORY,
        terminal,
        valid_from: day("2026-01-01")?,
        valid_to: day("2030-12-31")?,
        load_limit,
        own_key_version: KEY_VERSION,
        keys: role.keys(KEY_VERSION),
    };
    store_chip(&mut sam::issue(keys, &order, random)?, file)
}

/// A card for each person, with a PIN of its own in a file of its own.
fn personalise(
    keys: &DevelopmentKeys,
    people: Vec<Person>,
    folder: &Path,
    random: &mut ChaCha20Rng,
) -> anyhow::Result<(Vec<Member>, Population)> {
    let (cards_folder, pins_folder) = (folder.join("cards"), folder.join("pins"));
    for folder in [&cards_folder, &pins_folder] {
        fs::create_dir(folder).with_context(|| folder.display().to_string())?;
    }
    let bar = progress_bar(people.len())?;
    let (mut members, mut cards) = (Vec::with_capacity(people.len()), Population::new());
    for person in people {
        let digits = zeroize::Zeroizing::new(format!("{:06}", random.random_range(0..1_000_000)));
        let pin = Pin::from_digits(&digits)?;
        private_file::create(&pins_folder.join(format!("{}.pin", person.serial)), "PIN file", &digits)?;
        let order = CardOrder {
            enterprise: keys.enterprise,
            directory: card::DIRECTORY,
            valid_from: person.valid_from,
            valid_to: person.valid_to,
            holder: person.holder(),
            parameters: Parameters::UNLIMITED,
            pin: pin.clone(),
            key_version: KEY_VERSION,
            beside: Vec::new(),
        };
        let mut chip = card::issue(keys, person.serial, &order, random)?;
        store_chip(&mut chip, &ChipFile(cards_folder.join(format!("{}.card", person.serial))))?;
        cards.insert(person.serial, chip);
        members.push(Member { person, pin });
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok((members, cards))
}

/// On a terminal alone: to a file nothing is drawn.
fn progress_bar(length: usize) -> anyhow::Result<ProgressBar> {
    let style = ProgressStyle::with_template("personalising cards 发卡 {bar:30} {pos}/{len} {eta}")?;
    let bar = ProgressBar::new(u64::try_from(length)?).with_style(style);
    bar.enable_steady_tick(Duration::from_millis(100));
    Ok(bar)
}

//! `onecard demo`: the main job, from keys to settlement, as a story.

mod day;
mod incident;
mod story;
mod text;
mod world;

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail, ensure};
use clap::Args;
use onecard_wire::date::Date;
use rand::{SeedableRng, rngs::ChaCha20Rng};

use self::{story::Story, world::World};
use crate::{
    args,
    output::{Exit, Output, versioned},
    people::{self, Person},
    trace::Trace,
};

/// Options of `demo`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  onecard demo
  onecard demo --seed 1             the same story each time
  onecard demo --trace | less       what card and SAM said, field by field
  onecard demo --out /tmp/onecard   keeps cards, SAMs, keys, PINs, journals, records, story.json
  onecard demo --people members.csv --out /tmp/onecard

Go on with any of the cards that were kept:
  cd /tmp/onecard
  onecard card show --reader sim:cards/3100100000010018.card --pin-file pins/3100100000010018.pin
  onecard card pay 12.50 --reader sim:cards/3100100000010018.card --sam sim:till.sam --journal till.journal

The list of people (UTF-8 CSV, one header line, columns in any order):
  number      the member's number, 1 to 10 digits; the card number is made from it
  name        姓名, up to ten Chinese characters
  department  部门
  id_number   身份证号, 18 characters with the check character
  valid_from  有效期起, YYYY-MM-DD
  valid_to    有效期止, YYYY-MM-DD
  first_load  首次充值, yuan, 0 for none")]
pub(crate) struct Demo {
    /// Make cards for these people, instead of fifty invented ones.
    #[arg(long, value_name = "FILE")]
    people: Option<PathBuf>,
    /// Keep everything in this new folder.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Show what card and SAM said at the taps that are told in full.
    #[arg(long)]
    trace: bool,
    /// Draw keys, PINs and prices from this number, instead of at random: whoever knows it knows the keys.
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// The day the story happens on.
    #[arg(long, value_name = "YYYY-MM-DD", default_value = "2026-11-02", value_parser = args::date)]
    date: Date,
}

pub(super) fn run(demo: &Demo) -> anyhow::Result<Output> {
    let (list, people) = read_people(demo.people.as_deref())?;
    if let Some(out) = &demo.out {
        ensure!(!out.exists(), "{} exists already: name a new folder", out.display());
    }
    let mut random = match demo.seed {
        Some(seed) => ChaCha20Rng::seed_from_u64(seed),
        None => ChaCha20Rng::from_rng(&mut rand::rng()),
    };
    // Of their own, so that a change in issuing does not change the story.
    let prices = ChaCha20Rng::from_rng(&mut random);
    // Half a story is never kept: the folder gets its name when it is complete.
    let folder = new_folder(demo.out.as_deref())?;
    let world = World::make(folder.path(), people, demo.date, random, &Trace::new(demo.trace))?;
    let mut story = tell(world, list, demo, prices)?;
    if let Some(out) = &demo.out {
        story.kept = Some(out.display().to_string());
        keep_story(folder.path(), &story)?;
        fs::rename(folder.keep(), out).with_context(|| format!("{} cannot be made", out.display()))?;
    }
    if !story.totals.exact {
        bail!("what was loaded is not what is left and what was paid: {:?}", story.totals);
    }
    Output::new(SCHEMA, Exit::Done, &story)
}

const SCHEMA: &str = "onecard.demo/1";

fn tell(mut world: World, list: String, demo: &Demo, prices: ChaCha20Rng) -> anyhow::Result<Story> {
    let recharges = day::recharge_everybody(&mut world)?;
    let purchases = day::sell_lunch(&mut world, prices)?;
    let incidents = incident::all(&mut world)?;
    day::close(world, list, demo.seed, recharges, purchases, incidents)
}

fn read_people(file: Option<&Path>) -> anyhow::Result<(String, Vec<Person>)> {
    let Some(path) = file else {
        let name = "fifty invented people".to_owned();
        return Ok((name.clone(), people::parse(&name, people::EXAMPLE.as_bytes())?));
    };
    let name = path.display().to_string();
    let content = fs::read(path).with_context(|| format!("list of people {name} cannot be read"))?;
    let people = people::parse(&name, &content)?;
    Ok((name, people))
}

/// Beside where it will be, so that giving it its name is one step.
fn new_folder(out: Option<&Path>) -> anyhow::Result<tempfile::TempDir> {
    let parent = match out.map(Path::parent) {
        None => return tempfile::tempdir().context("no folder for the cards of the demonstration"),
        Some(Some(parent)) if !parent.as_os_str().is_empty() => parent,
        Some(_) => Path::new("."),
    };
    let folder = tempfile::Builder::new().prefix(".onecard-").tempdir_in(parent);
    folder.with_context(|| format!("{} cannot be written to", parent.display()))
}

fn keep_story(folder: &Path, story: &Story) -> anyhow::Result<()> {
    let json = versioned(SCHEMA, story)?;
    fs::write(folder.join("story.json"), format!("{json:#}\n")).context("the story cannot be written")
}

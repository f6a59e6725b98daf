//! `onecard ceremony component`.

use std::{
    fmt,
    io::{self, IsTerminal, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context, bail, ensure};
use clap::Args;
use onecard_station::ceremony::{Component, HowKept, Record};
use serde::Serialize;

use super::record_file::{self, RecordFile};
use crate::{
    args::At,
    output::{Exit, Output},
    passphrase::{self, typed_unseen},
};

/// Options of `ceremony component`.
#[derive(Args, Debug)]
pub(crate) struct MakeComponent {
    /// The ceremony's file.
    file: PathBuf,
    /// Who makes a component.
    #[arg(long, value_name = "NAME")]
    holder: String,
    /// The sealed file to make; its holder keeps it, and a copy elsewhere.
    #[arg(long, value_name = "FILE", required_unless_present = "show_once", conflicts_with = "show_once")]
    out: Option<PathBuf>,
    /// File with the holder's own new passphrase (口令), mode 0600; without it the passphrase is asked for, twice.
    #[arg(long, value_name = "FILE", conflicts_with = "show_once")]
    passphrase_file: Option<PathBuf>,
    /// Show the component on this terminal, once, for the holder's paper: nobody else may see the screen.
    #[arg(long)]
    show_once: bool,
    #[command(flatten)]
    at: At,
}

/// Makes one component.
pub(super) fn run(make: &MakeComponent) -> anyhow::Result<Output> {
    let mut file = RecordFile::open(&make.file)?;
    let component = file.record.draw(&make.holder, &mut rand::rng())?;
    let kept = match &make.out {
        Some(path) => {
            seal(&file.record, &component, make, path)?;
            HowKept::SealedFile
        }
        None => {
            show_once(&file.record, &make.holder, &component)?;
            HowKept::Paper
        }
    };
    file.record.note(&component, kept, make.at.moment()?);
    file.store()?;
    let made = Made {
        ceremony: file.record.plan().id().to_owned(),
        holder: make.holder.clone(),
        number: component.number(),
        check_value: component.check_value(file.record.plan()).to_string(),
        kept,
        of: file.record.plan().holders().len(),
        still_to_make: file.record.still_to_make().map(str::to_owned).collect(),
    };
    Output::new("onecard.ceremony-component/1", Exit::Done, &made)
}

fn seal(record: &Record, component: &Component, make: &MakeComponent, path: &Path) -> anyhow::Result<()> {
    record_file::check_place(record.plan(), &make.holder, path)?;
    let whose = format!("{}'s component", make.holder);
    let passphrase = passphrase::chosen(make.passphrase_file.as_deref(), &whose, "--passphrase-file")?;
    record_file::keep(record.plan(), component, &passphrase, path)
}

/// On the terminal and nowhere else: neither a file nor a pipe gets it.
fn show_once(record: &Record, holder: &str, component: &Component) -> anyhow::Result<()> {
    ensure!(
        io::stdin().is_terminal() && io::stderr().is_terminal(),
        "--show-once shows a component on a terminal, and there is none: give --out FILE instead"
    );
    let mut to = io::stderr().lock();
    write!(to, "{holder}: nobody but you may see this screen. Show your component? 仅本人可见，是否显示？ [yes/no] ")?;
    to.flush()?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer).context("nothing was typed")?;
    if !matches!(answer.trim(), "yes" | "是") {
        bail!("nothing was shown and nothing made, as you said 未显示，未生成");
    }
    let paper = component.expose_for_paper();
    let (left, right) = paper.split_at(paper.len() / 2);
    writeln!(to, "\n  {}\n  {}\n", left.trim_end(), right.trim_start())?;
    writeln!(to, "  check value 校验值  {}\n", component.check_value(record.plan()))?;
    write!(to, "Write both down, then press Enter: the screen is cleared. 抄写后按回车，屏幕将清除 ")?;
    to.flush()?;
    io::stdin().read_line(&mut answer).context("nothing was typed")?;
    // ESC c: reset, with what had scrolled away.
    write!(to, "\x1bc\x1b[3J")?;
    to.flush()?;
    let typed = typed_unseen("Type it from your paper 请照抄写输入: ", "the component is typed back")?;
    let copied = Component::from_typed(component.number(), &typed).is_ok_and(|typed| typed == *component);
    ensure!(copied, "the paper is not the component: nothing was made; destroy the paper and try again");
    Ok(())
}

#[derive(Serialize)]
struct Made {
    ceremony: String,
    holder: String,
    number: u8,
    check_value: String,
    kept: HowKept,
    #[serde(skip)]
    of: usize,
    still_to_make: Vec<String>,
}

impl fmt::Display for Made {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { holder, number, check_value, of, .. } = self;
        writeln!(f, "{holder}'s component {number} of {of} is made: check value 校验值 {check_value}.")?;
        if self.still_to_make.is_empty() {
            writeln!(f, "All are made. Next, all holders: onecard ceremony combine")
        } else {
            writeln!(f, "Still to make one 尚未生成: {}.", self.still_to_make.join(", "))
        }
    }
}

//! Components as their holders enter them: sealed files opened by passphrases, and paper typed unseen.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context, bail, ensure};
use clap::Args;
use onecard_station::{
    ceremony::{Combination, Component, HowKept, MadeComponent, Record, SealedComponent},
    store::{Passphrase, SealedFile},
};

use super::record_file::{COMPONENT, owner};
use crate::{
    passphrase::{self, typed_unseen},
    private_file,
};

/// What the holders bring.
#[derive(Args, Debug)]
pub(super) struct Brought {
    /// A holder's sealed component; once for each who brings one.
    #[arg(long = "component", value_name = "FILE")]
    components: Vec<PathBuf>,
    /// Files with the passphrases of these components (口令), in the same order, mode 0600; without them each is asked for.
    #[arg(long, value_name = "FILE")]
    passphrase_file: Vec<PathBuf>,
}

/// How often a holder may type 64 digits.
const TYPING_TRIES: u8 = 3;

/// The holders who entered one, and what should be known of how.
pub(super) struct Entered {
    /// Who, in order.
    pub(super) present: Vec<String>,
    /// Two holders with one passphrase.
    pub(super) warnings: Vec<String>,
}

impl Brought {
    /// Enters what is brought, then asks those who have paper until enough are there.
    pub(super) fn enter(&self, record: &Record, combination: &mut Combination<'_>) -> anyhow::Result<Entered> {
        let files = &self.passphrase_file;
        if !files.is_empty() && files.len() != self.components.len() {
            let (named, needed) = (files.len(), self.components.len());
            bail!("{named} passphrase files are named for {needed} components: name one for each, or none");
        }
        let mut entered = Entered { present: Vec::new(), warnings: Vec::new() };
        let mut passphrases: Vec<(String, Passphrase)> = Vec::new();
        for (path, at) in self.components.iter().zip(0..) {
            let (holder, component, passphrase) = unseal(record, path, files.get(at).map(PathBuf::as_path))?;
            combination.add(component).with_context(|| path.display().to_string())?;
            if let Some((other, _)) = passphrases.iter().find(|(_, other)| *other == passphrase) {
                entered
                    .warnings
                    .push(format!("{holder} and {other} have the same passphrase: it should be each one's own"));
            }
            passphrases.push((holder.clone(), passphrase));
            entered.present.push(holder);
        }
        for made in record.components().iter().filter(|made| made.kept() == HowKept::Paper) {
            if combination.missing() == 0 {
                break;
            }
            if from_paper(made, combination)? {
                entered.present.push(made.holder().to_owned());
            }
        }
        Ok(entered)
    }
}

fn unseal(record: &Record, path: &Path, file: Option<&Path>) -> anyhow::Result<(String, Component, Passphrase)> {
    let name = || format!("component {}", path.display());
    let (_, text) = private_file::read(path, "component")?;
    let sealed = SealedFile::from_text(&text).with_context(name)?;
    let plan = record.plan();
    let holder = plan.holders().iter().find(|holder| owner(plan, holder) == sealed.owner());
    let holder =
        holder.with_context(|| format!("{} is {}'s: not of this ceremony, {}", name(), sealed.owner(), plan.id()))?;
    let passphrase = passphrase::to_open(file, &format!("{holder}'s component"), "--passphrase-file")?;
    let opened = sealed.open(COMPONENT, &passphrase).with_context(|| format!("{holder}'s {}", name()))?;
    let text = std::str::from_utf8(&opened).ok().with_context(name)?;
    let inside = SealedComponent::from_text(text).with_context(name)?;
    ensure!(inside.ceremony() == plan.id() && inside.holder() == holder, "{} is not what it says outside", name());
    ensure!(
        inside.is_of(plan),
        "{holder}'s {} was made for another plan: holders, number needed, enterprise, version or cipher were changed since",
        name()
    );
    Ok((holder.clone(), inside.component().with_context(name)?, passphrase))
}

/// What a holder types from paper, without its being shown, until it is right; false if another is to enter one instead.
fn from_paper(made: &MadeComponent, combination: &mut Combination<'_>) -> anyhow::Result<bool> {
    let holder = made.holder();
    let prompt = format!("{holder}, type your component from paper, or Enter to leave it out 请输入分量: ");
    let otherwise = format!("{holder}'s component is on paper: name enough others by --component FILE");
    for left in (0..TYPING_TRIES).rev() {
        let digits = typed_unseen(&prompt, &otherwise)?;
        if digits.trim().is_empty() {
            return Ok(false);
        }
        let entered = Component::from_typed(made.number(), &digits).map_err(anyhow::Error::from);
        match entered.and_then(|component| combination.add(component).map_err(anyhow::Error::from)) {
            Ok(()) => return Ok(true),
            Err(error) if left == 0 => return Err(error).with_context(|| format!("{holder}'s component")),
            Err(error) => writeln!(io::stderr(), "{error}")?,
        }
    }
    Ok(false)
}

//! `onecard keys passphrase`.

use std::{fmt, fs, path::PathBuf};

use anyhow::{Context, ensure};
use clap::Args;
use onecard_station::store::{Cost, Passphrase, SealedFile};
use serde::Serialize;

use crate::{
    output::{Exit, Output},
    passphrase::{self, PassphraseSource},
    private_file,
};

const WHAT: &str = "sealed file";

/// Options of `keys passphrase`.
#[derive(Args, Debug)]
pub(crate) struct ChangePassphrase {
    /// The sealed file (密封文件): of keys, or a component.
    file: PathBuf,
    #[command(flatten)]
    passphrase: PassphraseSource,
    /// File with the new passphrase (新口令): one line, mode 0600; without it the passphrase is asked for.
    #[arg(long, value_name = "FILE")]
    new_passphrase_file: Option<PathBuf>,
}

pub(super) fn run(options: &ChangePassphrase) -> anyhow::Result<Output> {
    let ChangePassphrase { file, passphrase, new_passphrase_file } = options;
    let name = || format!("{WHAT} {}", file.display());
    // A link's file is replaced, and not the link.
    let path = fs::canonicalize(file).with_context(|| format!("{} cannot be found", name()))?;
    let (_, text) = private_file::read(&path, WHAT)?;
    ensure!(
        SealedFile::is_sealed(&text),
        "{} is in clear, and has no passphrase 未密封: `onecard ceremony combine --into` seals keys",
        file.display()
    );
    let sealed = SealedFile::from_text(&text).with_context(name)?;
    let shown = file.display().to_string();
    let old = passphrase.to_open(&shown)?;
    let secret = sealed.open(sealed.content(), &old).with_context(name)?;
    let new = passphrase::chosen(new_passphrase_file.as_deref(), &shown, "--new-passphrase-file")?;
    ensure!(new != old, "the new passphrase is the old one: nothing was changed 新旧口令相同，未更改");
    let kind = (sealed.content(), sealed.owner());
    let again = SealedFile::seal(kind, &secret, &new, Cost::USUAL, &mut rand::rng()).with_context(name)?;
    private_file::replace_if(&path, WHAT, &again.to_text()?, |written| opens(written, &new, &secret))?;
    let facts = Changed { file: shown, content: sealed.content().to_owned(), owner: sealed.owner().to_owned() };
    Output::new("onecard.keys-passphrase/1", Exit::Done, &facts)
}

/// Whether what is on the disk opens: the old file goes then.
fn opens(written: &str, new: &Passphrase, secret: &[u8]) -> anyhow::Result<()> {
    let sealed = SealedFile::from_text(written)?;
    let opened = sealed.open(sealed.content(), new)?;
    ensure!(*opened == secret, "what was written is not what it was");
    Ok(())
}

#[derive(Serialize)]
struct Changed {
    file: String,
    content: String,
    owner: String,
}

impl fmt::Display for Changed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, content, owner } = self;
        writeln!(f, "{file} ({content}, {owner}) opens by the new passphrase alone. 口令已更换。")?;
        writeln!(f, "Copies made before open by the old one still: destroy them 旧副本仍可用旧口令打开，请销毁.")
    }
}

//! Passphrases (口令): from files, or typed without being shown; never an argument.

use std::{
    io::{self, IsTerminal},
    path::{Path, PathBuf},
};

use anyhow::{Context, ensure};
use clap::Args;
use onecard_station::store::Passphrase;
use zeroize::Zeroizing;

use crate::private_file;

/// Where the passphrase of a sealed key file comes from.
#[derive(Args, Clone, Default, Debug)]
pub(crate) struct PassphraseSource {
    /// File with the passphrase of a sealed key file (口令): one line, mode 0600; without it the passphrase is asked for.
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
}

impl PassphraseSource {
    /// The passphrase that opens `what`.
    pub(crate) fn to_open(&self, what: &str) -> anyhow::Result<Passphrase> {
        to_open(self.passphrase_file.as_deref(), what, "--passphrase-file")
    }
}

/// The passphrase that opens `what`: in `file`, or typed; `option` is what to give where there is nobody to type.
pub(crate) fn to_open(file: Option<&Path>, what: &str, option: &str) -> anyhow::Result<Passphrase> {
    Ok(Passphrase::typed(text(file, &format!("Passphrase of {what} 口令: "), option)?))
}

/// A new passphrase for `what`, good enough.
pub(crate) fn chosen(file: Option<&Path>, what: &str, option: &str) -> anyhow::Result<Passphrase> {
    let typed = text(file, &format!("New passphrase for {what} 新口令: "), option)?;
    let Some(path) = file else {
        let again = text(None, "Again 再输一次: ", option)?;
        ensure!(*typed == *again, "two different passphrases were typed: try again");
        return Ok(Passphrase::chosen(typed)?);
    };
    Passphrase::chosen(typed).with_context(|| format!("passphrase file {}", path.display()))
}

/// One line, from `file` or typed at `prompt`; `option` as in [`to_open`].
pub(crate) fn text(file: Option<&Path>, prompt: &str, option: &str) -> anyhow::Result<Zeroizing<String>> {
    let Some(path) = file else {
        return typed_unseen(prompt, &format!("a passphrase is needed: give {option} FILE"));
    };
    let (_, text) = private_file::read(path, "passphrase file")?;
    Ok(Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned()))
}

/// What is typed at `prompt` without being shown; `otherwise` says what to do where there is no terminal.
pub(crate) fn typed_unseen(prompt: &str, otherwise: &str) -> anyhow::Result<Zeroizing<String>> {
    ensure!(io::stdin().is_terminal(), "{otherwise}, or run this on a terminal");
    Ok(Zeroizing::new(rpassword::prompt_password(prompt).context("nothing was typed")?))
}

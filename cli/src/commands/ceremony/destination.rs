//! Where the roots of a ceremony go: a sealed file, or a PKCS#11 token.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use clap::Args;

use crate::{development_keys::DevelopmentKeys, passphrase, token::TokenAccess};

/// A store for roots.
#[derive(Args, Debug)]
pub(super) struct Destination {
    #[command(flatten)]
    which: Which,
    /// File with the sealed key file's own passphrase (口令), mode 0600; without it the passphrase is asked for.
    #[arg(long, value_name = "FILE", conflicts_with = "token")]
    store_passphrase_file: Option<PathBuf>,
    #[command(flatten)]
    access: TokenAccess,
}

#[derive(Args, Debug)]
#[group(required = true, multiple = false)]
struct Which {
    /// The sealed key file to make.
    #[arg(long, value_name = "FILE")]
    into: Option<PathBuf>,
    /// The label of a PKCS#11 token (加密机): keys of SM4 do not go into one. Needs a program built with --features hsm.
    #[arg(long, value_name = "LABEL")]
    token: Option<String>,
}

/// Where the roots are now.
pub(super) struct Kept {
    /// In words.
    pub(super) store: String,
    /// Whether they were there before.
    pub(super) already: bool,
}

impl Destination {
    /// Puts `keys` there, and makes sure that they are.
    pub(super) fn keep(&self, keys: &DevelopmentKeys) -> anyhow::Result<Kept> {
        if let Some(into) = &self.which.into {
            let already = seal(keys, into, self.store_passphrase_file.as_deref())?;
            return Ok(Kept { store: format!("sealed file {}", into.display()), already });
        }
        let label = self.which.token.as_deref().context("name a store by --into or --token")?;
        import(keys, label, &self.access)
    }
}

/// Into a new file, which is then opened as anybody will; or, after a break, into one that holds them already.
fn seal(keys: &DevelopmentKeys, into: &Path, passphrase_file: Option<&Path>) -> anyhow::Result<bool> {
    const OPTION: &str = "--store-passphrase-file";
    let already = into.exists();
    let what = into.display().to_string();
    let passphrase = if already {
        passphrase::to_open(passphrase_file, &what, OPTION)?
    } else {
        let passphrase = passphrase::chosen(passphrase_file, &what, OPTION)?;
        keys.create_sealed(into, &passphrase)?;
        passphrase
    };
    let stored = DevelopmentKeys::open_sealed(into, &passphrase)
        .with_context(|| if already { format!("{what} is there already") } else { what.clone() })?;
    ensure!(
        stored.roots == keys.roots && stored.enterprise == keys.enterprise,
        "{what} is there already and holds other keys: name a new file"
    );
    Ok(already)
}

#[cfg(feature = "hsm")]
fn import(keys: &DevelopmentKeys, label: &str, access: &TokenAccess) -> anyhow::Result<Kept> {
    let mut token = access.open(label, keys.enterprise)?;
    let imported = token.import(&keys.roots)?;
    Ok(Kept { store: token.place(), already: imported.new == 0 })
}

#[cfg(not(feature = "hsm"))]
fn import(_: &DevelopmentKeys, label: &str, _: &TokenAccess) -> anyhow::Result<Kept> {
    crate::token::unknown(label)
}

//! Where an enterprise's master keys come from: a key file, in clear or sealed, or a PKCS#11 token.

#[cfg(feature = "hsm")]
mod token;
#[cfg(not(feature = "hsm"))]
#[path = "without_token.rs"]
mod token;

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use onecard_host::key_master::{CeremonyKeys, MasterKeySource};
use onecard_wire::{key::KeyVersion, number::EnterpriseId};

use crate::{development_keys::DevelopmentKeys, passphrase::PassphraseSource};

/// A store of master keys.
#[derive(Args, Debug)]
pub(crate) struct MasterKeys {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    passphrase: PassphraseSource,
    /// The token's PKCS#11 library, such as /usr/lib/softhsm/libsofthsm2.so.
    #[arg(long, value_name = "FILE", requires = "token")]
    pkcs11: Option<PathBuf>,
    /// File with the token user's PIN, mode 0600; without it the PIN is asked for.
    #[arg(long, value_name = "FILE", requires = "token")]
    token_pin_file: Option<PathBuf>,
}

#[derive(Args, Debug)]
#[group(multiple = false)]
struct Which {
    /// The key file (密钥文件), in clear or sealed by a ceremony.
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,
    /// The label of a PKCS#11 token (加密机) that a ceremony put the keys into. Needs a program built with --features hsm.
    #[arg(long, value_name = "LABEL")]
    token: Option<String>,
}

impl MasterKeys {
    /// As what a key master card of `enterprise` is loaded from, by the transport keys of `version`.
    pub(crate) fn to_load_from(
        &self,
        enterprise: EnterpriseId,
        version: KeyVersion,
    ) -> anyhow::Result<Box<dyn MasterKeySource>> {
        match self.chosen()? {
            Chosen::File(path) => {
                let keys = DevelopmentKeys::read(path, &self.passphrase)?;
                let keys = CeremonyKeys::new(keys.of_enterprise(), version);
                Ok(Box::new(keys.with_context(|| format!("key file {}", path.display()))?))
            }
            Chosen::Token { label, library } => {
                token::to_load_from(library, label, self.token_pin_file.as_deref(), enterprise, version)
            }
        }
    }

    fn chosen(&self) -> anyhow::Result<Chosen<'_>> {
        match (&self.which.keys, &self.which.token) {
            (Some(path), _) => Ok(Chosen::File(path)),
            (None, Some(label)) => {
                let library = self.pkcs11.as_deref();
                let library = library.context("name the token's PKCS#11 library by --pkcs11 请加--pkcs11")?;
                Ok(Chosen::Token { label, library })
            }
            (None, None) => anyhow::bail!("name the master keys by --keys FILE or --token LABEL 请加--keys或--token"),
        }
    }
}

enum Chosen<'c> {
    File(&'c Path),
    Token { label: &'c str, library: &'c Path },
}

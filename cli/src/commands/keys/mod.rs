//! `onecard keys`: key files.

mod passphrase;

use std::{fmt, path::PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use onecard_host::keys::CheckValue;
use onecard_wire::{key::Algorithm, number::EnterpriseId};
use serde::Serialize;

use crate::{
    args::ENTERPRISE,
    development_keys::DevelopmentKeys,
    output::{Exit, Output},
    passphrase::PassphraseSource,
    table::{Column, table},
};

/// What can be done with keys.
#[derive(Subcommand, Debug)]
pub(crate) enum KeysCommand {
    /// Make a new file of random development keys 生成开发密钥
    ///
    /// The file holds the operator's root keys in clear and is readable by its owner alone (mode 0600).
    /// It is for trying things out: never use it for cards that hold money.
    #[command(after_help = "Examples:\n  onecard keys new dev.keys\n  onecard keys new sm4.keys --cipher sm4")]
    New(NewKeys),
    /// Show whose keys a file holds, by key check value and never the keys 查看密钥校验值
    #[command(after_help = "\
Examples:
  onecard keys show dev.keys
  onecard keys show root.keys --passphrase-file root.pass   sealed by a key ceremony")]
    Show(ShowKeys),
    /// Give a sealed file another passphrase 更换密封文件口令
    ///
    /// A key file or a holder's component of a ceremony. Cut anywhere, the file opens by the old passphrase or by the new one.
    #[command(after_help = "\
Examples:
  onecard keys passphrase root.keys
  onecard keys passphrase zhang.component --passphrase-file old.pass --new-passphrase-file new.pass")]
    Passphrase(passphrase::ChangePassphrase),
}

/// Options of `keys new`.
#[derive(Args, Debug)]
pub(crate) struct NewKeys {
    /// The file to make.
    file: PathBuf,
    /// Enterprise id (单位代码), 16 digits.
    #[arg(long, value_name = "ID", default_value = ENTERPRISE)]
    enterprise: EnterpriseId,
    /// The cipher of every key: cards and SAMs issued under them use it.
    #[arg(long, value_enum, default_value_t = Cipher::TripleDes)]
    cipher: Cipher,
}

#[derive(ValueEnum, Clone, Copy, Debug)]
enum Cipher {
    /// Triple DES, as cards on the market have it 三重DES
    #[value(name = "3des")]
    TripleDes,
    /// SM4, this profile's own 国密SM4
    Sm4,
    /// AES-128, this profile's own AES-128
    Aes,
}

impl Cipher {
    const fn algorithm(self) -> Algorithm {
        match self {
            Self::TripleDes => Algorithm::Des,
            Self::Sm4 => Algorithm::Sm4,
            Self::Aes => Algorithm::Aes,
        }
    }
}

/// Options of `keys show`.
#[derive(Args, Debug)]
pub(crate) struct ShowKeys {
    /// The key file, in clear or sealed.
    file: PathBuf,
    #[command(flatten)]
    passphrase: PassphraseSource,
}

/// Runs one of them.
pub(crate) fn run(command: &KeysCommand) -> anyhow::Result<Output> {
    match command {
        KeysCommand::New(NewKeys { file, enterprise, cipher }) => {
            let keys = DevelopmentKeys::generate_with(*enterprise, cipher.algorithm(), &mut rand::rng());
            keys.create(file)?;
            Output::new("onecard.keys-new/1", Exit::Done, &KeyList::new(&keys, true))
        }
        KeysCommand::Show(ShowKeys { file, passphrase }) => {
            let keys = DevelopmentKeys::read(file, passphrase)?;
            Output::view("onecard.keys-show/1", &KeyList::new(&keys, false))
        }
        KeysCommand::Passphrase(options) => passphrase::run(options),
    }
}

#[derive(Serialize)]
struct KeyList {
    enterprise: String,
    #[serde(skip)]
    made: bool,
    sealed: bool,
    roots: Vec<RootKey>,
}

#[derive(Serialize)]
struct RootKey {
    purpose: String,
    version: u8,
    check_value: String,
}

impl KeyList {
    fn new(keys: &DevelopmentKeys, made: bool) -> Self {
        let set = keys.roots.keys();
        let roots = set.names().filter_map(|(purpose, version)| {
            let key = set.key(purpose, version).ok()?;
            Some(RootKey {
                purpose: purpose.to_string(),
                version: version.0,
                check_value: CheckValue::of(key).to_string(),
            })
        });
        Self { enterprise: keys.enterprise.to_string(), made, sealed: keys.sealed, roots: roots.collect() }
    }
}

impl fmt::Display for KeyList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.roots.len();
        let made = if self.made { "Made" } else { "Holds" };
        let kept = if self.sealed { "sealed by a passphrase 密封" } else { "DEVELOPMENT KEYS, in clear" };
        writeln!(f, "{made} {count} root keys for enterprise {}: {kept}.", self.enterprise)?;
        let columns = [Column::Text("root key"), Column::Number("version"), Column::Text("check value 校验值")];
        let row = |root: &RootKey| [root.purpose.clone(), root.version.to_string(), root.check_value.clone()];
        f.write_str(&table(&columns, self.roots.iter().map(row)))
    }
}

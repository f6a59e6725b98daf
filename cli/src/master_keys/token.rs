//! A PKCS#11 token's.

use std::path::Path;

use onecard_host::key_master::MasterKeySource;
use onecard_station::store::{Token, TokenSource};
use onecard_wire::{key::KeyVersion, number::EnterpriseId};

use crate::passphrase;

pub(super) fn to_load_from(
    library: &Path,
    label: &str,
    pin_file: Option<&Path>,
    enterprise: EnterpriseId,
    version: KeyVersion,
) -> anyhow::Result<Box<dyn MasterKeySource>> {
    Ok(Box::new(TokenSource::new(open(library, label, pin_file, enterprise)?, version)))
}

fn open(library: &Path, label: &str, pin_file: Option<&Path>, enterprise: EnterpriseId) -> anyhow::Result<Token> {
    let pin = passphrase::text(pin_file, &format!("PIN of token {label} 令牌PIN: "), "--token-pin-file")?;
    Ok(Token::open(library, label, pin, enterprise)?)
}

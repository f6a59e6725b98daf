//! A PKCS#11 token (加密机) named on the command line.

use std::path::PathBuf;

use clap::Args;

/// How a token is opened.
#[derive(Args, Debug)]
pub(crate) struct TokenAccess {
    /// The token's PKCS#11 library, such as /usr/lib/softhsm/libsofthsm2.so.
    #[arg(long, value_name = "FILE", requires = "token")]
    pkcs11: Option<PathBuf>,
    /// File with the token user's PIN, mode 0600; without it the PIN is asked for.
    #[arg(long, value_name = "FILE", requires = "token")]
    token_pin_file: Option<PathBuf>,
}

#[cfg(feature = "hsm")]
impl TokenAccess {
    /// Opens the token with this label, for one enterprise's keys.
    pub(crate) fn open(
        &self,
        label: &str,
        enterprise: onecard_wire::number::EnterpriseId,
    ) -> anyhow::Result<onecard_station::store::Token> {
        use crate::passphrase;
        use anyhow::Context;

        let library = self.pkcs11.as_deref().context("name the token's PKCS#11 library by --pkcs11 请加--pkcs11")?;
        let prompt = format!("PIN of token {label} 令牌PIN: ");
        let pin = passphrase::text(self.token_pin_file.as_deref(), &prompt, "--token-pin-file")?;
        Ok(onecard_station::store::Token::open(library, label, pin, enterprise)?)
    }
}

/// Where the program knows no tokens.
#[cfg(not(feature = "hsm"))]
pub(crate) fn unknown<R>(label: &str) -> anyhow::Result<R> {
    anyhow::bail!("token {label}: this program was built without tokens; build it with --features hsm 未编译hsm功能")
}

//! A link to a message centre (短信中心), as options name it.

use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, ValueEnum};
use onecard_gateway::smpp::{
    account::{self, Account, LinkTerms, Password},
    link::Link,
};
use onecard_host::over_the_air::message::Address;
use rand::RngExt;

use crate::private_file;

/// Which message centre, and who this platform is there.
#[derive(Args, Debug)]
#[command(next_help_heading = "Message centre 短信中心")]
pub(crate) struct CentreLink {
    /// The message centre, by SMPP 3.4.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:2775")]
    pub(crate) centre: String,
    /// The platform's name there.
    #[arg(long, value_name = "NAME")]
    system_id: String,
    /// The file with its password, which its owner alone can read.
    #[arg(long, value_name = "FILE")]
    password_file: PathBuf,
    /// The platform's number, which the phones see and answer to.
    #[arg(long, value_name = "NUMBER", default_value = "10086")]
    from: Address,
    /// By which connections: one for both ways, or one each for sending and receiving, as old centres want it.
    #[arg(long, value_enum, default_value_t = Bind::Transceiver)]
    bind: Bind,
}

/// How it binds.
#[derive(ValueEnum, Clone, Copy, Debug)]
enum Bind {
    /// bind_transceiver.
    Transceiver,
    /// bind_transmitter and bind_receiver.
    TxRx,
}

impl CentreLink {
    /// The link, which comes up when it is asked for its events. `change` sets what is not the usual.
    pub(crate) fn open(&self, change: impl FnOnce(&mut LinkTerms)) -> anyhow::Result<Link> {
        let (_, text) = private_file::read(&self.password_file, "password file")?;
        let named = || format!("password file {}", self.password_file.display());
        let password = Password::from_text(text.as_bytes()).with_context(named)?;
        let account = Account::new(&self.system_id, password)?;
        let bind = match self.bind {
            Bind::Transceiver => account::Bind::Transceiver,
            Bind::TxRx => account::Bind::TransmitterAndReceiver,
        };
        let mut terms = LinkTerms { bind, ..LinkTerms::new(self.from.clone()) };
        change(&mut terms);
        Ok(Link::new(&self.centre, account, terms, rand::rng().random()))
    }
}

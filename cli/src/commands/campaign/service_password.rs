//! `onecard campaign service-password`.

use std::{fmt, path::PathBuf};

use anyhow::{Context, anyhow};
use clap::Args;
use onecard_gateway::service_password::{SALT_LEN, ServicePasswordHash};
use onecard_host::over_the_air::{PasswordTries, ServicePassword, SetVersion};
use onecard_wire::number::ApplicationSerial;
use rand::Rng;
use serde::Serialize;

use super::look;
use crate::{
    args,
    output::{Exit, Output},
    private_file,
};

/// Options of `campaign service-password`.
#[derive(Args, Debug)]
pub(crate) struct SetPassword {
    /// The gateway's book, which has the card from an order.
    #[arg(value_name = "BOOK")]
    book: PathBuf,
    /// The card.
    #[arg(value_name = "ICCID")]
    iccid: String,
    /// The application's serial.
    #[arg(value_name = "SERIAL", value_parser = args::card_number)]
    serial: ApplicationSerial,
    /// File with the password, 4 to 8 digits: one line, mode 0600.
    #[arg(long, value_name = "FILE")]
    password_file: PathBuf,
    /// Wrong ones in a row until the desk has to set a new one.
    #[arg(long, value_name = "TRIES", default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=15))]
    tries: u8,
    /// Version of the card's key set that its requests are made under, 01 to 0F.
    #[arg(long, value_name = "VERSION", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=15))]
    request_set: u8,
}

/// Sets it.
pub(super) fn run(options: &SetPassword) -> anyhow::Result<Output> {
    let name = || format!("password file {}", options.password_file.display());
    let (_, text) = private_file::read(&options.password_file, "password file")?;
    let password = ServicePassword::new(text.trim_end());
    let password =
        password.ok_or_else(|| anyhow!("it is not 4 to 8 digits 服务密码应为4至8位数字")).with_context(name)?;
    let key_set = SetVersion::new(options.request_set).context("a key set over the air is 01 to 0F")?;
    let mut salt = [0; SALT_LEN];
    rand::rng().fill_bytes(&mut salt);
    let hash = ServicePasswordHash::of(&password, &salt)?;
    let tries = PasswordTries::new(options.tries);
    look(&options.book)?.set_service_password(&options.iccid, key_set, options.serial, (&hash, tries))?;
    let facts = SetFacts { iccid: options.iccid.clone(), serial: options.serial.to_string(), tries: options.tries };
    Output::new("onecard.campaign-service-password/1", Exit::Done, &facts)
}

#[derive(Serialize)]
struct SetFacts {
    iccid: String,
    serial: String,
    tries: u8,
}

impl fmt::Display for SetFacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Service password set for {} on card {}, {} tries 服务密码已设置",
            self.serial, self.iccid, self.tries
        )
    }
}

//! `onecard gp install`.

use std::fmt;

use clap::Args;
use onecard_host::{
    globalplatform::{Aid, management::install_enterprise_application},
    keys::{Purpose, diversify},
};
use onecard_wire::number::{ApplicationSerial, EnterpriseId};
use serde::Serialize;

use super::access::{Access, changed};
use crate::{
    consent::Consent,
    development_keys::KEY_VERSION,
    output::{Exit, Output},
    people,
};

/// Options of `gp install`.
#[derive(Args, Debug)]
pub(crate) struct Install {
    /// Number of the application on this SIM, 1 to 10 digits; its control key is diversified by it.
    #[arg(long, value_name = "NUMBER", value_parser = number)]
    number: ApplicationSerial,
    /// Enterprise id (单位代码), 16 digits [default: the key file's].
    #[arg(long, value_name = "ID")]
    enterprise: Option<EnterpriseId>,
    #[command(flatten)]
    consent: Consent,
    #[command(flatten)]
    access: Access,
}

#[derive(Serialize)]
struct Installed {
    enterprise: String,
    serial: String,
    aid: String,
}

pub(super) fn run(options: &Install) -> anyhow::Result<Output> {
    let keys = options.access.channel.development_keys()?;
    let enterprise = options.enterprise.unwrap_or(keys.enterprise);
    let of_enterprise = keys.roots.enterprise(enterprise);
    let management = of_enterprise.keys().key(Purpose::Management, KEY_VERSION)?;
    let control = diversify(management, options.number.to_bytes());
    let aid = Aid::enterprise(enterprise);
    let plan = [
        format!("the application of enterprise {enterprise}, {aid} 新建单位应用"),
        "its files, empty, and its first control key 空文件与主控密钥".to_owned(),
    ];
    options.consent.ask(options.access.card.place()?, "a SIM", &plan)?;
    options.access.in_session(|session| changed(install_enterprise_application(session, enterprise, &control)))?;
    let installed =
        Installed { enterprise: enterprise.to_string(), serial: options.number.to_string(), aid: aid.to_string() };
    Output::new("onecard.gp-install/1", Exit::Done, &installed)
}

fn number(text: &str) -> Result<ApplicationSerial, String> {
    people::serial(text).ok_or_else(|| "expected 1 to 10 digits".to_owned())
}

impl fmt::Display for Installed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { enterprise, serial, aid } = self;
        writeln!(
            f,
            "The application of enterprise {enterprise} is on the SIM, for card {serial}: {aid}.\n\
             单位{enterprise}的应用已安装，卡号{serial}。"
        )
    }
}

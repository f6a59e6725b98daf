//! Orders of applications that are issued: profile and list together.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail, ensure};
use clap::Args;
use onecard_gateway::campaign::{ApplicationContent, FirstPin, Flow, OperatorKeys};
use onecard_host::{
    disk::SystemDisk,
    keys::Purpose,
    over_the_air::{Tries, issue::install_command},
};
use onecard_station::{
    craft,
    list::{Encoding, List, ListError, Problem},
    numbers::{Claim, Number, Serial, reserve},
    people::Person,
    profile::{CardTerms, Kind, PinRule, Profile},
};
use onecard_wire::{number::ApplicationSerial, uicc};
use sha2::{Digest, Sha256};

use super::{
    now,
    orders::{Order, Orders},
};
use crate::development_keys::{DevelopmentKeys, KEY_VERSION};

/// What issues need besides a list.
#[derive(Args, Debug)]
#[command(next_help_heading = "Issues 发卡")]
pub(super) struct IssueTerms {
    /// Of issues: the issuing profile (发卡参数), of kind rfid-sim, as `onecard issue batch` has it.
    #[arg(long, value_name = "TOML", requires = "issues", conflicts_with_all = ["recharges", "deletions", "lost", "found"])]
    profile: Option<PathBuf>,
    /// Begin the ledger of numbers that the profile names (号段台账), too: serials that the list does not have come out of it.
    #[arg(long, requires = "profile")]
    new_ledger: bool,
    /// Give numbers to a list that was given some before.
    #[arg(long, requires = "profile")]
    list_again: bool,
}

/// A list of issues that fits its profile.
pub(super) struct Issues<'i> {
    terms: &'i IssueTerms,
    profile: Profile,
    path: &'i Path,
    list: &'i Path,
    content_hash: String,
}

impl<'i> Issues<'i> {
    /// Reads the profile that goes with `list`, whose bytes are `content`.
    pub(super) fn read(
        terms: &'i IssueTerms,
        list: &'i Path,
        content: &[u8],
        keys: &DevelopmentKeys,
    ) -> anyhow::Result<Self> {
        let path = terms.profile.as_deref().context("name the issuing profile by --profile")?;
        let name = path.display().to_string();
        let text = fs::read_to_string(path).with_context(|| format!("profile {name} cannot be read"))?;
        let profile = Profile::parse(&name, &text)?;
        ensure!(
            profile.enterprise == keys.enterprise,
            "the profile is of enterprise {}, the keys are of {}: name the files of one enterprise",
            profile.enterprise,
            keys.enterprise
        );
        let issues = Self { terms, profile, path, list, content_hash: hex::encode(Sha256::digest(content)) };
        let card = issues.card()?;
        ensure!(
            card.rights.is_empty(),
            "profile {name}: access rights do not go over the air: take [[access]] out, and set them by `onecard card rights set` \
             空中发卡不写通行权限"
        );
        Ok(issues)
    }

    fn card(&self) -> anyhow::Result<&CardTerms> {
        match &self.profile.kind {
            Kind::RfidSim(terms) => Ok(&terms.card),
            Kind::CpuCard(_) | Kind::Sam(_) => bail!(
                "profile {}: it is of kind {:?}, and over the air applications go onto RFID-SIMs: kind = \"rfid-sim\" 应为手机卡",
                self.path.display(),
                self.profile.kind_name()
            ),
        }
    }

    /// Whether every order fits the profile: nothing has been taken out of the ledger yet.
    pub(super) fn check(&self, orders: &Orders) -> anyhow::Result<()> {
        let file = self.list.display().to_string();
        self.check_serials(&file, orders)?;
        craft::Orders::without_pins(&self.profile, &file, &people(orders))?;
        Ok(())
    }

    /// What each of the orders, which were [checked](Self::check), becomes, with a serial of its own: of those that are missing nobody
    /// else gets one any more.
    pub(super) fn flows(
        &self,
        campaign: &str,
        orders: Orders,
        keys: &DevelopmentKeys,
        tries: Tries,
    ) -> anyhow::Result<Vec<(Order, Flow)>> {
        let people = people(&orders);
        let holders = craft::Orders::without_pins(&self.profile, &self.list.display().to_string(), &people)?;
        let missing = orders.iter().filter(|(_, order)| order.serial.is_none()).count();
        let mut allotted = self.allotted(campaign, missing)?.into_iter();
        let mut flows = Vec::new();
        for (line, order) in orders {
            let (holder, [valid_from, valid_to]) = holders.holder(line).context("a row without a person")?;
            let card = self.card()?;
            let content = ApplicationContent {
                valid_from,
                valid_to,
                holder,
                parameters: card.parameters,
                pin: match card.pin {
                    PinRule::IdNumber => FirstPin::IdNumber,
                    PinRule::File => FirstPin::OfDesk,
                },
                key_version: self.profile.key_version,
                beside: card.beside.clone(),
                management: self.profile.operator_key_version,
                check_values: self.profile.check_values.clone(),
            };
            let serial = order.serial.or_else(|| allotted.next()).context("a row without a number")?;
            let flow =
                self.flow(content, serial, &order, keys, tries).with_context(|| format!("order {}", order.number))?;
            flows.push((order, flow));
        }
        Ok(flows)
    }

    fn flow(
        &self,
        content: ApplicationContent,
        serial: ApplicationSerial,
        order: &Order,
        keys: &DevelopmentKeys,
        tries: Tries,
    ) -> anyhow::Result<Flow> {
        let enterprise = self.profile.enterprise;
        let card = &order.card;
        let iccid = uicc::iccid(&card.iccid).context("no ICCID")?;
        let set = OperatorKeys::new(keys.roots.clone(), KEY_VERSION).key_set(iccid, card.key_set, card.cipher)?;
        let management = keys.roots.enterprise(enterprise).card_key(serial, Purpose::Management, content.management)?;
        let install = install_command(&set, enterprise, &management)?;
        Ok(content.issue(enterprise, serial, install, tries)?)
    }

    /// What the ledger hands out nobody writes into a list.
    fn check_serials(&self, file: &str, orders: &Orders) -> anyhow::Result<()> {
        let of_series = |(line, order): &(u64, Order)| {
            let number = self.profile.series.number_of(order.serial?)?;
            let text = format!(
                "number {} is of the range that the profile's ledger hands out: leave the serial empty, and it gives one",
                number.0
            );
            Some(Problem { row: Some(*line), column: Some("serial".to_owned()), text })
        };
        let problems: Vec<Problem> = orders.iter().filter_map(of_series).collect();
        if problems.is_empty() { Ok(()) } else { Err(ListError { file: file.to_owned(), problems }.into()) }
    }

    /// So many serials out of the ledger, durably: nobody gets them again, whatever becomes of this list.
    fn allotted(&self, campaign: &str, count: usize) -> anyhow::Result<Vec<ApplicationSerial>> {
        if count == 0 {
            return Ok(Vec::new());
        }
        let path = self.path.parent().unwrap_or(Path::new("")).join(&self.profile.ledger);
        let batch = format!("campaign {campaign} of {}", now().0);
        let claim = Claim {
            series: &self.profile.series,
            batch: &batch,
            list: &self.content_hash,
            new_ledger: self.terms.new_ledger,
            list_again: self.terms.list_again,
        };
        let blocks = reserve(&SystemDisk, &path, &claim, u64::try_from(count)?)?;
        let numbers = blocks.iter().flat_map(|block| (block.first.0..).take(usize::try_from(block.count).unwrap_or(0)));
        let serial = |number| match self.profile.series.serial(Number(number)) {
            Some(Serial::Application { serial, .. }) => Ok(serial),
            _ => bail!("number {number} of the profile's series is no serial"),
        };
        numbers.map(serial).collect()
    }
}

/// Who gets the applications.
fn people(orders: &Orders) -> List<Person> {
    let people = orders.iter().filter_map(|(line, order)| Some((*line, order.person.clone()?)));
    List { rows: people.collect(), encoding: Encoding::Utf8, separator: ',' }
}

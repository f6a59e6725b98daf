//! `onecard campaign`: the same thing done to many cards over the air.

mod decide;
mod issues;
mod issuing_keys;
mod listing;
mod new;
mod orders;
mod phone;
mod report;
mod run;
mod service_password;

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Args, Subcommand};
use onecard_gateway::campaign::{EngineError, OrderError, Store, StoreError, UnixMillis};

use crate::output::{Exit, Output};

/// What can be done with campaigns.
#[derive(Subcommand, Debug)]
pub(crate) enum CampaignCommand {
    /// Take a list of orders into the gateway's book, all of it or nothing 新建批次
    ///
    /// The list is a CSV file in UTF-8 or GB18030, an order a row, its columns in any order, by their English or Chinese names:
    ///
    ///   order    the order's number, yours: each is carried out once in a campaign 订单号
    ///   iccid    19 or 20 digits 卡号
    ///   phone    the telephone number 手机号
    ///   serial   the application's serial, 16 digits 应用序列号; where that of an issue is missing, the profile's ledger gives one
    ///   amount   of recharges: yuan 金额
    ///   deposit  of deletions: yuan in the ED by the books, which has to be 0 电子存折余额
    ///   key_set  the key set over the air, 01 to 0F; 01 if there is no such column 密钥集
    ///   cipher   aes or 3des; aes if there is no such column 算法
    ///   counter  the highest counter that was ever used under that set; 0 if there is no such column 计数器
    ///
    /// Of issues it has the people, too, in the columns of `onecard issue batch`: name 姓名, id_number 证件号码 and the others.
    ///
    /// The same list under another campaign's name is another set of orders: it is carried out again.
    ///
    /// The money of recharges has been taken already: what a card does not get is in the report, and so is what a deletion refunds.
    #[command(
        after_help = "\
Examples:
  onecard campaign new gateway.book march --recharges march.csv --keys dev.keys --terminal 310000000001 --new-book
  onecard campaign new gateway.book april --recharges april.csv --keys dev.keys --terminal 310000000001 --window 08:00-21:00
  onecard campaign new gateway.book autumn --issues autumn.csv --profile sims.toml --keys dev.keys --new-ledger
  onecard campaign new gateway.book lost-1129 --lost lost.csv --keys dev.keys",
        verbatim_doc_comment
    )]
    New(new::New),
    /// Set an application's service password, by which its holder deletes it from the phone's menu 服务密码
    #[command(after_help = "\
Example:
  onecard campaign service-password gateway.book 89860112340000000011 3100100000000076 --password-file wang.password")]
    ServicePassword(service_password::SetPassword),
    /// Say that a card is in another telephone, or in none any more 换号、补卡
    ///
    /// A SIM that was replaced under its number is taken out of service first; then the next list may have the new one.
    #[command(after_help = "\
Examples:
  onecard campaign phone gateway.book 89860112340000000011 --to +8613900000012   # another number 换号
  onecard campaign phone gateway.book 89860112340000000011 --none                # replaced 补卡、停用")]
    Phone(phone::ChangePhone),
    /// Send and receive until every order has ended 运行
    ///
    /// Killed at any moment, the same command goes on: nothing leaves that is not in the book, no counter is given twice, a packet
    /// goes out again only byte for byte, and one that moves money goes out once; then the card is asked. Ctrl-C ends it in order.
    ///
    /// What is issued is made by the keys of --keys, by a PKCS#11 token, or by a key master card, which counts each body that it gives away.
    /// What none of them can make now waits: `onecard campaign status --of NAME` says for what.
    #[command(after_help = "\
Examples:
  onecard campaign run gateway.book --keys dev.keys --centre 127.0.0.1:2775 --system-id gateway \\
      --password-file centre.password
  onecard campaign run gateway.book --keys operator.keys --system-id gateway --password-file centre.password \\
      --master sim:school.master --mother sim:school.mother --master-pin-file master.pin --sam sim:issuing.sam

Exit codes: 0 every order has ended, 3 some outcome is unknown, 1 it was stopped before")]
    Run(run::Run),
    /// How far the campaigns are 进度
    #[command(after_help = "\
Examples:
  onecard campaign status gateway.book                 # beside a gateway that runs, too
  onecard campaign status gateway.book --of march      # and what is under way longest")]
    Status(listing::Status),
    /// Send nothing of a campaign until it is resumed; what comes back is taken 暂停
    #[command(after_help = "Example:\n  onecard campaign pause gateway.book march")]
    Pause(Named),
    /// Go on with a campaign that was paused, or with orders whose outcome is unknown 继续
    #[command(after_help = "\
Examples:
  onecard campaign resume gateway.book march
  onecard campaign resume gateway.book march --unknown   # asks those cards again 重新查询未知结果")]
    Resume(Resume),
    /// Say how an order of unknown outcome ended by the issuer's books, where its card cannot tell; its card's other orders go on 裁定
    ///
    /// With --not-committed it also gives up what waits for a key: an issue, as long as no body was made for it; a
    /// loss, a found card or a deletion, as long as nothing was written onto the card.
    ///
    /// The card is asked first, by `resume --unknown`. Nothing checks what is said here: of a recharge that is said not to be committed
    /// the money is paid back.
    #[command(after_help = "\
Examples:
  onecard campaign decide gateway.book march --order R7 --committed
  onecard campaign decide gateway.book march --order R8 --not-committed")]
    Decide(decide::Decide),
    /// How each order ended, as a table or a CSV file 结果
    #[command(after_help = "\
Examples:
  onecard campaign report gateway.book march
  onecard campaign report gateway.book march --csv march-result.csv")]
    Report(report::Report),
}

/// A campaign of a book.
#[derive(Args, Debug)]
pub(crate) struct Named {
    /// The gateway's book.
    #[arg(value_name = "BOOK")]
    book: PathBuf,
    /// The campaign's name.
    #[arg(value_name = "NAME")]
    name: String,
}

/// Options of `campaign resume`.
#[derive(Args, Debug)]
pub(crate) struct Resume {
    #[command(flatten)]
    campaign: Named,
    /// Also those whose outcome is unknown, by their tokens.
    #[arg(long)]
    unknown: bool,
}

/// Runs one of them.
pub(crate) fn run(command: &CampaignCommand, json: bool) -> anyhow::Result<Output> {
    done(command, json).map_err(|error| {
        if !is_busy(&error) {
            return error;
        }
        error.context(
            "somebody else was writing to the book for a whole minute: give the same command again, or end the gateway by Ctrl-C \
             first 账本忙，请重试或先停止网关",
        )
    })
}

fn is_busy(error: &anyhow::Error) -> bool {
    let store = error.chain().find_map(|cause| match (cause.downcast_ref(), cause.downcast_ref()) {
        (Some(EngineError::Store(store)), _) | (_, Some(OrderError::Store(store))) => Some(store),
        _ => cause.downcast_ref::<StoreError>(),
    });
    store.is_some_and(StoreError::is_busy)
}

fn done(command: &CampaignCommand, json: bool) -> anyhow::Result<Output> {
    match command {
        CampaignCommand::New(options) => new::run(options),
        CampaignCommand::ServicePassword(options) => service_password::run(options),
        CampaignCommand::Phone(options) => phone::run(options),
        CampaignCommand::Run(options) => run::run(options, json),
        CampaignCommand::Status(options) => listing::run(options),
        CampaignCommand::Pause(campaign) => set_paused(campaign, true, 0),
        CampaignCommand::Resume(Resume { campaign, unknown }) => {
            let mut store = look(&campaign.book)?;
            let id = store.campaign(&campaign.name)?;
            let resumed = if *unknown { store.resume_unknown(id, now())? } else { 0 };
            drop(store);
            set_paused(campaign, false, resumed)
        }
        CampaignCommand::Decide(options) => decide::run(options),
        CampaignCommand::Report(options) => report::run(options),
    }
}

fn set_paused(campaign: &Named, paused: bool, resumed: usize) -> anyhow::Result<Output> {
    let store = look(&campaign.book)?;
    store.set_paused(store.campaign(&campaign.name)?, paused)?;
    let facts = listing::Paused { name: campaign.name.clone(), paused, resumed };
    Output::new("onecard.campaign-pause/1", Exit::Done, &facts)
}

/// The book, beside a gateway that may be running.
fn look(path: &Path) -> anyhow::Result<Store> {
    ensure_there(path)?;
    Store::look(path).with_context(|| format!("book {}", path.display()))
}

fn ensure_there(path: &Path) -> anyhow::Result<()> {
    anyhow::ensure!(
        path.exists(),
        "there is no book {}: `onecard campaign new … --new-book` makes one 无此文件",
        path.display()
    );
    Ok(())
}

/// This machine's clock.
fn now() -> UnixMillis {
    UnixMillis(jiff::Timestamp::now().as_millisecond())
}

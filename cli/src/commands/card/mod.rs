//! `onecard card`: a member's card.

mod access;
mod attend;
mod block;
mod capp;
mod desk;
mod doctor;
mod inspect;
mod key_names;
mod log;
mod member;
mod new;
mod overdraft;
mod pay;
mod pin;
mod recharge;
mod resolve;
mod restore;
mod rights;
mod service;
mod show;
mod station;
mod status;
mod terminal;
mod till;
mod undo;
mod unload;
mod wipe;
mod withdraw;

pub(crate) use member::{DIRECTORY, Limits, Member, serial};
pub(crate) use new::issue;
pub(crate) use pay::PURCHASE_KEY;
use recharge::LOAD_FOR_AIR_KEY;
pub(crate) use recharge::LOAD_KEY;
pub(crate) use show::{CardFacts, read as read_facts};

use clap::Subcommand;

use crate::output::Output;

/// What can be done with a card.
#[derive(Subcommand, Debug)]
pub(crate) enum CardCommand {
    /// Issue a card: a new file, or the blank card in a reader 发卡
    ///
    /// A blank card has the transport key of eight FF, as a FM1208 is sold. What will be written is said first, and a card
    /// that is neither blank nor of these keys is left as it is. A card pulled in the middle is finished by the same command
    /// once more, or wiped.
    #[command(after_help = "\
Examples:
  echo 135790 > wang.pin; chmod 600 wang.pin
  onecard card new --reader sim:wang.card --keys dev.keys --number 7 --name 王小明 --pin-file wang.pin
  onecard card new --reader sim:li.card --keys dev.keys --number 8 --name 李丽 --ask-pin
  # the blank card in the only reader 读卡器中的空白卡
  onecard card new --keys dev.keys --number 10 --name 孙悦 --ask-pin
  # the card itself enforces limits 限额由卡执行
  onecard card new --reader sim:zhao.card --keys dev.keys --number 9 --name 赵敏 --pin-file zhao.pin \\
      --balance-max 1000 --purchase-max 200 --day-max 300 --pin-above 50 --balance-until 2027-12-31

A whole list of people is issued by `onecard demo --people FILE --out DIR`.")]
    New(new::NewCard),
    /// Make an issued card blank again, with the transport key 恢复空白卡
    ///
    /// Everything on it is erased: what is on it, and that it will be erased, is said first. A card of other keys is left as it
    /// is, and so is one with money on it, or one that does not tell: the deposit needs the PIN. A card pulled in the middle is wiped by the same command with --number.
    #[command(after_help = "\
Examples:
  onecard card wipe --keys dev.keys --ask-pin
  onecard card wipe --reader sim:wang.card --keys dev.keys --pin-file wang.pin
  # not finished, or blocked: it does not tell its number 未完成或已锁定的卡
  onecard card wipe --reader pcsc:ACR122 --keys dev.keys --number 7 --lose-balance --yes")]
    Wipe(wipe::WipeCard),
    /// Make a new card with what an old one held, from its `inspect --json` 恢复到新卡
    ///
    /// Holder, dates, limits, access rights, compound-purchase records and key versions are the old card's; number and PIN are
    /// new. Money is not restored but brought over: unloaded from the old card, loaded onto the new one.
    #[command(after_help = "\
Examples:
  onecard --json card inspect --reader sim:old.card --sam sim:desk.sam --pin-file wang.pin > wang.json
  onecard card restore wang.json --reader sim:new.card --keys dev.keys --number 107 --pin-file wang.pin
  onecard card unload --reader sim:old.card --all --sam keys:dev.keys
  onecard card recharge 37.50 --reader sim:new.card --sam keys:dev.keys --pin-file wang.pin
  onecard card block --reader sim:old.card --sam sim:desk.sam --for-good")]
    Restore(restore::Restore),
    /// Show a card: number, validity, balance 查询
    ///
    /// The holder and the deposit (电子存折) are shown with the PIN alone.
    #[command(after_help = "\
Examples:
  onecard card show --reader sim:wang.card
  onecard card show --reader sim:wang.card --ask-pin")]
    Show(show::ShowCard),
    /// Load money 充值
    #[command(after_help = "\
Examples:
  onecard card recharge 100 --reader sim:wang.card --sam sim:station.sam --pin-file wang.pin
  onecard card recharge 100 --reader sim:wang.card --sam keys:dev.keys --ask-pin
  # the answer is lost: outcome unknown, exit code 3; then it is decided, and loaded once
  onecard card recharge 100 --reader sim:wang.card --sam keys:dev.keys --ask-pin --lose-answer
  onecard card resolve --reader sim:wang.card --sam keys:dev.keys --ask-pin")]
    Recharge(recharge::Recharge),
    /// Take money 消费
    #[command(after_help = "\
Examples:
  onecard card pay 12.50 --reader sim:wang.card --sam sim:till.sam
  onecard card pay 12.50 --reader sim:wang.card --sam sim:till.sam --trace
  # torn: outcome unknown, exit code 3; the same sale again, by the number it told: charged once
  onecard card pay 12.50 --reader sim:wang.card --sam sim:till.sam --tear 1
  onecard card pay 12.50 --reader sim:wang.card --sam sim:till.sam --order 2")]
    Pay(pay::Pay),
    /// Take this terminal's last purchase with a card back, whole 消费撤销
    #[command(after_help = "\
Examples:
  # too much was charged 多扣了: take it back, then sell it anew
  onecard card pay 125.00 --reader sim:wang.card --sam sim:till.sam
  onecard card undo --reader sim:wang.card --sam sim:till.sam
  onecard card pay 12.50 --reader sim:wang.card --sam sim:till.sam")]
    Undo(undo::Undo),
    /// Take money off a card and pay it out, at the service desk 退出余额
    ///
    /// It works in any status and after the last day of validity. Pay out on exit code 0 alone.
    #[command(after_help = "\
Examples:
  onecard card unload --reader sim:wang.card --all --sam keys:dev.keys
  onecard card unload 20 --reader sim:wang.card --sam keys:dev.keys
  onecard card unload 20 --reader sim:wang.card --deposit --sam keys:dev.keys --ask-pin")]
    Unload(unload::Unload),
    /// Pay cash out of the deposit 取现
    #[command(after_help = "\
Examples:
  onecard card recharge 100 --reader sim:wang.card --deposit --sam keys:dev.keys --pin-file wang.pin
  onecard card withdraw 40 --reader sim:wang.card --sam sim:till.sam --pin-file wang.pin")]
    Withdraw(withdraw::Withdraw),
    /// Sell, and write records beside it, both or neither 复合消费
    #[command(after_help = "\
Examples:
  # an entry gate: nothing is charged, the record of type 27 says where and when
  onecard card capp 0 --reader sim:wang.card --sam sim:till.sam --record 27=0102030405
  onecard card capp 3.50 --reader sim:wang.card --sam sim:till.sam --record 27=0000000000")]
    Capp(capp::Capp),
    /// Set how far the deposit may be overdrawn, at the service desk 透支限额
    #[command(after_help = "\
Example:
  onecard card overdraft 200 --reader sim:wang.card --sam keys:dev.keys --ask-pin")]
    Overdraft(overdraft::Overdraft),
    /// Find out what became of transactions in doubt 查询未决交易
    ///
    /// The card is asked, and where it cannot tell, the issuer. What neither can end (a card that is lost, broken or
    /// blocked), the service desk decides with --decide: a person answers for it, nothing proves it, and it is final.
    #[command(after_help = "\
Examples:
  onecard card resolve --reader sim:wang.card --sam sim:till.sam
  # a recharge in doubt: the issuer decides by the TAC
  onecard card resolve --reader sim:wang.card --sam sim:station.sam --issuer dev.keys --ask-pin
  # the card is broken: the service desk decides 服务台裁定
  onecard card resolve --reader sim:wang.card --sam sim:till.sam --order 2 --decide did-not-happen \\
      --why \"card broken, the member swears; Li, 2 Nov\"")]
    Resolve(resolve::Resolve),
    /// Show the card's last transactions 交易明细
    #[command(after_help = "\
Examples:
  onecard card log --reader sim:wang.card --ask-pin
  # by MAC, as the service desk does
  onecard card log --reader sim:wang.card --sam keys:dev.keys")]
    Log(log::Log),
    /// Show everything a card tells: files, limits, purses, keys, logs 全面查看
    ///
    /// With --json it is complete enough for `card restore`: every file as it stands, every key's version.
    #[command(after_help = "\
Examples:
  onecard card inspect --reader sim:wang.card
  onecard card inspect --reader sim:wang.card --ask-pin
  # with holder and logs, proven genuine, for the archive
  onecard --json card inspect --reader sim:wang.card --sam sim:desk.sam > wang.json")]
    Inspect(inspect::Inspect),
    /// Find out what is wrong with a card, and what the service desk does 诊断
    ///
    /// Nothing on the card is changed, and no PIN is tried but one that is offered. A card with a problem or a warning ends
    /// with exit code 6.
    #[command(after_help = "\
Examples:
  onecard card doctor --reader sim:wang.card
  # do the keys in use fit, does a sale of this till wait?
  onecard card doctor --reader sim:wang.card --sam keys:dev.keys --journal till.journal
  onecard card doctor --reader sim:wang.card --sam sim:till.sam --other 1000000000000002")]
    Doctor(doctor::Doctor),
    /// The holder's PIN: try, change, unblock, replace 密码
    #[command(subcommand)]
    Pin(pin::PinCommand),
    /// Where the card opens doors: set, clear, list 门禁权限
    #[command(subcommand)]
    Rights(rights::RightsCommand),
    /// A tap at a door: granted or denied, and why 门禁
    ///
    /// A card that is denied ends with exit code 4. The journal has every tap before the door opens.
    #[command(after_help = "\
Examples:
  onecard sam new --reader sim:door.sam --keys dev.keys --role door --terminal 000000000004
  onecard card rights set --reader sim:wang.card --slot 0 --zone 7 --until 2026-12-31 --sam keys:dev.keys
  onecard card access --reader sim:wang.card --zone 7 --sam sim:door.sam
  # office hours, and out before the next in 时段、反潜回
  onecard card access --reader sim:wang.card --zone 7 --sam sim:door.sam --schedules doors.toml \\
      --passback zone7.inside
  onecard card access --reader sim:wang.card --zone 7 --sam sim:door.sam --direction out \\
      --passback zone7.inside

A schedule table:
  holidays = [\"2026-10-01\"]
  [[row]]
  number = 1
  days = [\"mon\", \"tue\", \"wed\", \"thu\", \"fri\"]
  windows = [\"08:00-12:00\", \"13:30-18:00\"]")]
    Access(access::Access),
    /// Clock in or out, begin or end a break 考勤
    ///
    /// The terminal's journal counts; the card's log is evidence. No answer: exit code 3, present the same card again, it is
    /// one event.
    #[command(after_help = "\
Examples:
  onecard sam new --reader sim:clock.sam --keys dev.keys --role attendance --terminal 000000000005
  onecard card attend in --reader sim:wang.card --sam sim:clock.sam
  onecard card attend break-begins --reader sim:wang.card --sam keys:dev.keys --journal clock.events")]
    Attend(attend::Attend),
    /// Suspend a card, report it lost, or take that back 卡状态
    ///
    /// The card itself then refuses purchases, recharges and doors; what is on it stays on it.
    #[command(after_help = "\
Examples:
  onecard card status lost --reader sim:wang.card --sam sim:desk.sam
  onecard card status normal --reader sim:wang.card --sam keys:dev.keys")]
    Status(status::SetStatus),
    /// Block a card's application, until it is unblocked or for good 锁定应用
    ///
    /// Other enterprises' applications on the card go on. A blocked application does not tell its number.
    #[command(after_help = "\
Examples:
  onecard card block --reader sim:wang.card --sam sim:desk.sam
  # a card that is replaced by a new one
  onecard card block --reader sim:wang.card --sam sim:desk.sam --for-good")]
    Block(block::BlockCard),
    /// Unblock a card's application 解锁应用
    ///
    /// Three wrong keys in a row, by a wrong number or key file, block it for good.
    #[command(after_help = "\
Example:
  onecard card unblock --reader sim:wang.card --serial 3100100000000076 --sam sim:desk.sam")]
    Unblock(block::UnblockCard),
}

/// Runs one of them.
pub(crate) fn run(command: &CardCommand) -> anyhow::Result<Output> {
    match command {
        CardCommand::New(new) => new::run(new),
        CardCommand::Wipe(options) => wipe::run(options),
        CardCommand::Restore(options) => restore::run(options),
        CardCommand::Show(show) => show::run(show),
        CardCommand::Recharge(recharge) => recharge::run(recharge),
        CardCommand::Pay(pay) => pay::run(pay),
        CardCommand::Undo(options) => undo::run(options),
        CardCommand::Unload(options) => unload::run(options),
        CardCommand::Withdraw(options) => withdraw::run(options),
        CardCommand::Capp(options) => capp::run(options),
        CardCommand::Overdraft(options) => overdraft::run(options),
        CardCommand::Resolve(resolve) => resolve::run(resolve),
        CardCommand::Log(log) => log::run(log),
        CardCommand::Inspect(options) => inspect::run(options),
        CardCommand::Doctor(options) => doctor::run(options),
        CardCommand::Pin(command) => pin::run(command),
        CardCommand::Rights(command) => rights::run(command),
        CardCommand::Access(options) => access::run(options),
        CardCommand::Attend(options) => attend::run(options),
        CardCommand::Status(status) => status::run(status),
        CardCommand::Block(block) => block::block(block),
        CardCommand::Unblock(unblock) => block::unblock(unblock),
    }
}

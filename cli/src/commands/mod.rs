//! The commands: each returns data, and `output` prints it.

pub(crate) mod blacklist;
pub(crate) mod campaign;
pub(crate) mod card;
pub(crate) mod ceremony;
pub(crate) mod conformance;
pub(crate) mod demo;
pub(crate) mod events;
pub(crate) mod gp;
pub(crate) mod issue;
pub(crate) mod journal;
pub(crate) mod keys;
pub(crate) mod master;
pub(crate) mod message_centre;
pub(crate) mod ota;
pub(crate) mod passback;
pub(crate) mod phone;
pub(crate) mod readers;
pub(crate) mod sam;
pub(crate) mod settlement;
pub(crate) mod sim;
pub(crate) mod simulate;
pub(crate) mod trace;
pub(crate) mod wash;

use clap::Subcommand;

use crate::output::Output;

/// What can be asked for.
#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// The main job from keys to settlement, as a story 演示
    ///
    /// Makes keys, a till's and a recharge station's SAM, and a card for each person of a list; loads the cards, sells
    /// lunch, tears cards in mid-purchase, loses answers, resolves all of it at the next tap, and settles. Everything
    /// runs on simulated chips; the story's clock is its own.
    Demo(demo::Demo),
    /// The PC/SC readers there are, and what is in them 读卡器
    ///
    /// A card that another program uses is not touched. Cards are reset behind the look.
    #[command(after_help = readers::EXAMPLES)]
    Readers(readers::Readers),
    /// A member's card: issue, use, look into, serve at the desk 卡
    #[command(subcommand)]
    Card(card::CardCommand),
    /// A SIM's applications and keys, as its operator manages them (GlobalPlatform) 手机卡管理
    #[command(subcommand)]
    Gp(gp::GpCommand),
    /// Secured packets by short message: build, send, explain, decode 空中报文
    #[command(subcommand)]
    Ota(ota::OtaCommand),
    /// Many cards over the air: recharge, delete, report lost 空中批次
    #[command(subcommand)]
    Campaign(campaign::CampaignCommand),
    /// A terminal's SAM: issue, show (SAM卡)
    #[command(subcommand)]
    Sam(sam::SamCommand),
    /// Key files: make for development, show, change a passphrase 密钥文件
    #[command(subcommand)]
    Keys(keys::KeysCommand),
    /// Root keys that several people make together, and none of them knows 密钥仪式
    ///
    /// Each holder makes a component, whose key check value is written down; together they give the root keys, which go into a
    /// store and never onto a screen. The minutes tell who, when and which check values.
    #[command(subcommand)]
    Ceremony(ceremony::CeremonyCommand),
    /// The key master card and the mother card that opens it 密钥母卡
    ///
    /// It holds an enterprise's master keys and gives none away: what leaves it is the ready body of one WRITE KEY, for one named card or
    /// SAM, counted and logged. Simulated cards are sim:FILE, `onecard simulate` puts them into PC/SC readers.
    #[command(subcommand)]
    Master(master::MasterCommand),
    /// Give a card or SAM the operator's keys, then the enterprise's; roll one 洗卡
    #[command(subcommand)]
    Wash(wash::WashCommand),
    /// The signed list of cards that are served nowhere: make, change, receive, show 黑名单
    #[command(subcommand)]
    Blacklist(blacklist::BlacklistCommand),
    /// Who was let in, denied or clocked: a terminal's journal of events 出入考勤流水
    Events(events::ShowEvents),
    /// Who is inside a zone: show, forgive a card, empty the zone 反潜回
    #[command(subcommand)]
    Passback(passback::PassbackCommand),
    /// A phone with the SIM in it: its screen, or a script 手机
    ///
    /// Switches on as a handset does, serves the card's toolkit, and shows what it shows; beside it what crosses the contacts,
    /// and a terminal to hold the phone to. The phone is strict: what the card does that the standards forbid is told.
    #[command(after_help = phone::EXAMPLES)]
    Phone(phone::Phone),
    /// A simulated message centre with phones behind it, by SMPP 短信中心
    ///
    /// Platforms connect by SMPP 3.4 and send packets; each phone gives its SIM what comes, and the card's proofs go back: what a
    /// delivery report carries, and what the card sends. The network delays, loses, repeats and throttles as it is told. SIMs of files
    /// keep what was done to them.
    #[command(after_help = message_centre::EXAMPLES)]
    MessageCentre(message_centre::MessageCentre),
    /// A SIM with test keys: make 测试SIM卡
    #[command(subcommand)]
    Sim(sim::SimCommand),
    /// Batches of cards from a list of people: check, issue 批量发卡
    #[command(subcommand)]
    Issue(issue::IssueCommand),
    /// A station's journals: prove that nothing was changed 发卡日志
    #[command(subcommand)]
    Journal(journal::JournalCommand),
    /// Settlement records: export, show, verify 结算
    #[command(subcommand)]
    Settlement(settlement::SettlementCommand),
    /// What went over the wire, from a trace file: tell, check by keys, replay 通信记录
    #[command(subcommand)]
    Trace(trace::TraceCommand),
    /// Put cards and SAMs into virtual readers, where every PC/SC program finds them 虚拟读卡器
    ///
    /// The chips of files appear in the two readers that vsmartcard's vpcd adds to pcscd. Counters, keys and files are the
    /// same the next time; PIN state and selection end with power and reset, as on any card. Killing this program is a power
    /// cut. A card that has left because pcscd ended comes back when pcscd does.
    #[command(after_help = simulate::EXAMPLES)]
    Simulate(simulate::Simulate),
    /// Hold a card, simulated or real, to the specification, clause by clause 卡片符合性
    Conformance(conformance::ConformanceRun),
}

/// Does what was asked for. A command that prints as it goes prints JSON if `json`.
pub(crate) fn run(command: &Command, json: bool) -> anyhow::Result<Output> {
    match command {
        Command::Demo(demo) => demo::run(demo),
        Command::Readers(options) => readers::run(options),
        Command::Card(card) => card::run(card),
        Command::Gp(command) => gp::run(command),
        Command::Ota(command) => ota::run(command),
        Command::Campaign(command) => campaign::run(command, json),
        Command::Sam(sam) => sam::run(sam),
        Command::Keys(keys) => keys::run(keys),
        Command::Ceremony(command) => ceremony::run(command),
        Command::Master(command) => master::run(command),
        Command::Wash(command) => wash::run(command),
        Command::Blacklist(blacklist) => blacklist::run(blacklist),
        Command::Events(events) => events::run(events),
        Command::Passback(passback) => passback::run(passback),
        Command::Phone(phone) => phone::run(phone),
        Command::MessageCentre(options) => message_centre::run(options, json),
        Command::Sim(sim) => sim::run(sim),
        Command::Issue(issue) => issue::run(issue, json),
        Command::Journal(journal) => journal::run(journal),
        Command::Settlement(settlement) => settlement::run(settlement),
        Command::Trace(trace) => trace::run(trace, json),
        Command::Simulate(simulate) => simulate::run(simulate, json),
        Command::Conformance(order) => conformance::run(order),
    }
}

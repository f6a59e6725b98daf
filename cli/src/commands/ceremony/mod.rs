//! `onecard ceremony`: root keys that several people make together.

mod combine;
mod component;
mod deal;
mod destination;
mod entering;
mod minutes;
mod new;
mod record_file;

use clap::Subcommand;

use crate::output::Output;

/// What a ceremony is made of, in this order.
#[derive(Subcommand, Debug)]
pub(crate) enum CeremonyCommand {
    /// Begin: who holds a component, and how many of them are needed 开始仪式
    #[command(after_help = "\
Examples:
  onecard ceremony new root.ceremony --holder 张三 --holder 李四 --holder 王五
  onecard ceremony new root.ceremony --holder 张三 --holder 李四 --holder 王五 --need 2   any two")]
    New(new::NewCeremony),
    /// One holder makes a component, alone at the machine 生成分量
    ///
    /// For a ceremony that needs every holder. The component goes into a file sealed by the holder's own passphrase, or, with
    /// --show-once, onto the holder's paper: it is shown on this terminal once, and typed back to show that it was copied right.
    #[command(after_help = "\
Examples:
  onecard ceremony component root.ceremony --holder 张三 --out zhang.component
  onecard ceremony component root.ceremony --holder 王五 --show-once")]
    Component(component::MakeComponent),
    /// Deal shares to all holders, of whom some are enough 分发份额
    ///
    /// For a ceremony made with --need. The base value is drawn, dealt and forgotten at once; each share is sealed by its holder's
    /// own passphrase, in the order of the holders.
    #[command(after_help = "\
Example:
  onecard ceremony deal root.ceremony --out zhang.component --out li.component --out wang.component")]
    Deal(deal::Deal),
    /// The holders enter their components, and the root keys go into a store 合成根密钥
    ///
    /// Sealed components are named and opened by their holders' passphrases; components on paper are typed without being shown.
    /// Nothing is written before all are there and right. Done again after a break, it goes on where it stopped; done again with
    /// another store, it gives the same keys.
    #[command(after_help = "\
Examples:
  onecard ceremony combine root.ceremony --component zhang.component --component li.component \\
      --component wang.component --into root.keys
  onecard keys show root.keys")]
    Combine(combine::Combine),
    /// The minutes: who, when, which check values; to print and sign 仪式纪要
    #[command(after_help = "\
Examples:
  onecard ceremony minutes root.ceremony                       where it stands, and what is next
  onecard ceremony minutes root.ceremony --html minutes.html   a page to print and sign")]
    Minutes(minutes::ShowMinutes),
}

/// Runs one of them.
pub(crate) fn run(command: &CeremonyCommand) -> anyhow::Result<Output> {
    match command {
        CeremonyCommand::New(options) => new::run(options),
        CeremonyCommand::Component(options) => component::run(options),
        CeremonyCommand::Deal(options) => deal::run(options),
        CeremonyCommand::Combine(options) => combine::run(options),
        CeremonyCommand::Minutes(options) => minutes::run(options),
    }
}

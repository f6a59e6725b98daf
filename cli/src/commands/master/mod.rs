//! `onecard master`: the key master card (密钥母卡) and its mother authentication card (母卡认证卡).

mod allowance;
mod blanks;
mod copy;
mod facts;
mod list;
mod load;
mod log;
mod new;

use clap::Subcommand;

pub(crate) use self::allowance::InDoubt;
use crate::output::Output;

/// What can be done with key master cards.
#[derive(Subcommand, Debug)]
pub(crate) enum MasterCommand {
    /// Make a simulated blank pair, to try it 制作模拟空白母卡
    #[command(after_help = "Example:\n  onecard master blanks --reader sim:school.master --mother sim:school.mother")]
    Blanks(blanks::MakeBlanks),
    /// Personalise a blank pair at the ceremony: number, PIN, transport keys 母卡个人化
    ///
    /// **Whoever hears this has the transport keys and the PIN**: it belongs into the room of the ceremony, where the key file is. A
    /// token cannot do it, since it puts no keys together. The same command again, after a break, says what had happened. In the end
    /// the pair is opened once, to see that it fits.
    #[command(after_help = "\
Examples:
  onecard master new --reader sim:school.master --mother sim:school.mother --keys root.keys \\
      --number 2026000000000001 --card-exports 25000 --sam-exports 200 --pin-file master.pin
  onecard master list --reader sim:school.master")]
    New(new::NewMaster),
    /// Load the enterprise's master keys from a sealed file or a token 装载主密钥
    ///
    /// What is there already, by name and check value, stays; another key under a name is refused before anything is loaded. After a
    /// break the same command goes on.
    #[command(after_help = "\
Examples:
  onecard master load --reader sim:school.master --mother sim:school.mother \\
      --pin-file master.pin --keys root.keys
  onecard master load --reader pcsc:ACR38 --mother pcsc:SCR3310 \\
      --token school --pkcs11 /usr/lib/softhsm/libsofthsm2.so")]
    Load(load::LoadKeys),
    /// Add to what the card may still export 增加导出额度
    ///
    /// From the transport keys of a key file or a token. **The same command again adds again**: after a lost answer `onecard master
    /// list` tells what the card has.
    #[command(after_help = "\
Example:
  onecard master allowance --reader sim:school.master --mother sim:school.mother \\
      --pin-file master.pin --keys root.keys --card-exports 20000")]
    Allowance(allowance::AddAllowance),
    /// Number, tries, what may still be exported, and the keys by check value; needs no PIN 查看母卡
    #[command(after_help = "\
Examples:
  onecard master list --reader sim:school.master
  onecard master list --reader sim:school.master --mother sim:school.mother   and whether these two fit")]
    List(list::ListMaster),
    /// What the card has done, the newest first: the last 1,024 entries 母卡日志
    #[command(after_help = "\
Example:
  onecard master log --reader sim:school.master --mother sim:school.mother --pin-file master.pin")]
    Log(log::ShowLog),
    /// Copy the keys to another card, and move a part of the allowance there 复制母卡
    ///
    /// Both are personalised, by transport keys of the same ceremony, and opened, each by its own mother card and PIN. No key is seen
    /// on the way. What is there already stays, so that after a break the same command goes on; **but an allowance that is named moves
    /// once more**, and one that was lost on its way is lost.
    #[command(after_help = "\
Example:
  onecard master copy --reader sim:school.master --mother sim:school.mother \\
      --pin-file master.pin --to sim:spare.master --to-mother sim:spare.mother \\
      --to-pin-file spare.pin --card-exports 5000 --sam-exports 20")]
    Copy(copy::CopyMaster),
}

/// Runs one of them.
pub(crate) fn run(command: &MasterCommand) -> anyhow::Result<Output> {
    match command {
        MasterCommand::Blanks(options) => blanks::run(options),
        MasterCommand::New(options) => new::run(options),
        MasterCommand::Load(options) => load::run(options),
        MasterCommand::Allowance(options) => allowance::run(options),
        MasterCommand::List(options) => list::run(options),
        MasterCommand::Log(options) => log::run(options),
        MasterCommand::Copy(options) => copy::run(options),
    }
}

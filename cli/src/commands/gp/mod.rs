//! `onecard gp`: management of a SIM by its operator (GlobalPlatform).

mod access;
mod card_state;
mod delete;
mod info;
mod install;
pub(crate) mod key_file;
mod keys;
mod list;
mod lock;
mod names;

pub(crate) use access::exit_of;
use clap::Subcommand;

use crate::output::Output;

/// What can be done with a SIM's issuer domain.
#[derive(Subcommand, Debug)]
pub(crate) enum GpCommand {
    /// What is on a SIM: applications, domains, load files 应用列表
    #[command(after_help = "\
Examples:
  onecard gp list --reader sim:wang.sim --keys dev.keys
  # a test SIM with the published keys 测试卡
  onecard gp list --reader pcsc:ACR38 --test-keys --scp 02
  onecard gp list --reader sim:wang.sim --keys dev.keys --json")]
    List(list::List),
    /// Who made a SIM, what it is, which keys its issuer domain has; needs no key 卡片信息
    #[command(after_help = "Example:\n  onecard gp info --reader sim:wang.sim")]
    Info(info::Info),
    /// Make an enterprise's application on a SIM 安装单位应用
    ///
    /// Its files are there at once, empty, and one key: the control key, which is the operator's management key diversified by
    /// enterprise and card number. Everything else follows as on a CPU card.
    #[command(after_help = "\
Examples:
  onecard gp install --reader sim:wang.sim --keys dev.keys --number 7
  # a test SIM: the session by its published keys, the application's key by the key file 测试卡
  onecard gp install --reader sim:wang.sim --test-keys --keys dev.keys --number 7")]
    Install(install::Install),
    /// Remove an application from a SIM, with everything in it 删除应用
    ///
    /// What is in it is gone for good, money too: settle it first. The SIM is asked for nothing else.
    #[command(after_help = "\
Examples:
  onecard gp delete --enterprise 1000000000000001 --reader sim:wang.sim --keys dev.keys
  onecard gp delete --aid F04F4E4543011000000000000001 --reader pcsc:ACR38 --keys dev.keys --yes")]
    Delete(delete::Delete),
    /// The key sets of a SIM's issuer domain: show, add, replace, delete 密钥集
    #[command(subcommand)]
    Keys(keys::KeysCommand),
    /// Move a SIM on in its life: initialized, then secured 卡片状态
    ///
    /// Only a secured SIM can be locked. There is no way back.
    #[command(after_help = "\
Examples:
  onecard gp card-state initialized --reader sim:wang.sim --keys dev.keys
  onecard gp card-state secured --reader sim:wang.sim --keys dev.keys")]
    CardState(card_state::SetCardState),
    /// Lock an application, or the whole SIM 锁定
    ///
    /// A locked application cannot be selected. A locked SIM has no enterprise application; it has to be secured before, by `gp
    /// card-state`.
    #[command(after_help = "\
Examples:
  onecard gp lock --enterprise 1000000000000001 --reader sim:wang.sim --keys dev.keys
  onecard gp lock --card --reader sim:wang.sim --keys dev.keys")]
    Lock(lock::SetLock),
    /// Unlock what was locked 解锁
    #[command(after_help = "\
Examples:
  onecard gp unlock --enterprise 1000000000000001 --reader sim:wang.sim --keys dev.keys
  onecard gp unlock --card --reader sim:wang.sim --keys dev.keys")]
    Unlock(lock::SetLock),
}

/// Runs one of them.
pub(crate) fn run(command: &GpCommand) -> anyhow::Result<Output> {
    use onecard_host::globalplatform::management::Lock;
    match command {
        GpCommand::List(options) => list::run(options),
        GpCommand::Info(options) => info::run(options),
        GpCommand::Install(options) => install::run(options),
        GpCommand::Delete(options) => delete::run(options),
        GpCommand::Keys(command) => keys::run(command),
        GpCommand::CardState(options) => card_state::run(options),
        GpCommand::Lock(options) => lock::run(options, Lock::Locked),
        GpCommand::Unlock(options) => lock::run(options, Lock::Unlocked),
    }
}

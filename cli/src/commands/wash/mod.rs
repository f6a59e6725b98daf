//! `onecard wash`: washing (洗卡), from the maker's keys to the operator's, and from those to the enterprise's.

mod book;
mod first_card;
mod first_sam;
mod operator;
mod roll;
mod second_card;
mod second_sam;
mod store;

use clap::Subcommand;
use onecard_host::{
    issuing::{Cause, IssuingError},
    key_store::StoreError,
};

use crate::output::{Exit, Output};

/// Which wash.
#[derive(Subcommand, Debug)]
pub(crate) enum WashCommand {
    /// The operator's: from blank to an application with one key, the operator's management key 一次洗卡
    ///
    /// On a SIM `onecard gp install` does the same.
    #[command(subcommand)]
    First(FirstWash),
    /// The enterprise's: its keys in the place of the operator's, by its key master card 二次洗卡
    ///
    /// The same commands on a CPU card, a SAM and a SIM. Cut anywhere, the same command goes on: the journal, the card's key list and
    /// its answers tell how far it is. Under the operator's key nothing goes but the key that ends it, and no key is tried with its last
    /// try.
    #[command(subcommand)]
    Second(SecondWash),
    /// One key of an issued card: another version in its place, or beside it 换密钥
    ///
    /// The body of WRITE KEY comes from the key store, one export. After a lost answer the same command again goes by the card's key list,
    /// but for the keys whose tries are counted (types 36 to 39), of which it lists no version: they are written again. If that was the
    /// control key, the card may have the new one, and refuses whatever is made by the old with 9302, a try each time: then name the
    /// new one's version by --control-version. A card that lists no keys does not tell its tries, and is left alone.
    #[command(after_help = "\
Examples:
  onecard wash roll --reader pcsc:ACR122 --master pcsc:Master --mother pcsc:Mother \\
      --purpose purchase --key-version 2 --id 02   # beside the one in use
  onecard wash roll --reader sim:wang.card --keys root.keys --purpose purchase --key-version 2")]
    Roll(Box<roll::Roll>),
}

/// What is washed to the operator's key.
#[derive(Subcommand, Debug)]
pub(crate) enum FirstWash {
    /// A member's card 卡
    #[command(after_help = "\
Examples:
  onecard wash first card --reader sim:wang.card --keys operator.keys --number 7   # made if missing
  onecard wash first card --reader pcsc:ACR122 --keys operator.keys --number 7
  onecard wash first card --reader pcsc:ACR122 --number 7 --token roots \\
      --pkcs11 /usr/lib/softhsm/libsofthsm2.so")]
    Card(Box<first_card::FirstCard>),
    /// A SAM (SAM卡)
    #[command(after_help = "\
Example:
  onecard wash first sam --reader sim:till.sam --keys operator.keys --serial 00000000000000001234 \\
      --terminal 000000001234")]
    Sam(Box<first_sam::FirstSam>),
}

/// What is washed to the enterprise's keys.
#[derive(Subcommand, Debug)]
pub(crate) enum SecondWash {
    /// A member's card, or the application that `onecard gp install` put on a SIM 卡、手机卡应用
    #[command(after_help = "\
Examples:
  onecard wash second card --reader sim:wang.card --master sim:school.master \\
      --mother sim:school.mother --master-pin-file master.pin --sam sim:issuing.sam \\
      --number 7 --name 王小明 --pin-file wang.pin
  onecard wash second card --reader sim:wang.sim --master sim:school.master \\
      --mother sim:school.mother --master-pin-file master.pin --sam sim:issuing.sam \\
      --number 8 --name 王小明 --pin-file wang.pin
  onecard journal verify washing.journal

The holder's PIN has 4 to 6 digits. The SAM is an issuing SAM: `onecard sam new --role issuing`, or
`wash second sam --role issuing`.")]
    Card(Box<second_card::SecondCard>),
    /// A SAM (SAM卡)
    #[command(after_help = "\
Example:
  onecard wash second sam --reader sim:till.sam --master sim:school.master \\
      --mother sim:school.mother --master-pin-file master.pin --role till --sam keys:root.keys")]
    Sam(Box<second_sam::SecondSam>),
}

/// A card that is left as it is.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct LeftAlone(String);

/// Runs one of them.
pub(crate) fn run(command: &WashCommand) -> anyhow::Result<Output> {
    match command {
        WashCommand::First(FirstWash::Card(options)) => first_card::run(options),
        WashCommand::First(FirstWash::Sam(options)) => first_sam::run(options),
        WashCommand::Second(SecondWash::Card(options)) => second_card::run(options),
        WashCommand::Second(SecondWash::Sam(options)) => second_sam::run(options),
        WashCommand::Roll(options) => roll::run(options),
    }
}

/// How the process ends by a card that is left alone, or a try that is kept.
pub(crate) fn exit_of(error: &anyhow::Error) -> Option<Exit> {
    let cause = error.downcast_ref::<IssuingError>().map(|error| &error.cause);
    let by_rule = matches!(
        cause,
        Some(
            Cause::LastTry
                | Cause::LastPinTry
                | Cause::NeitherKey
                | Cause::AnotherCard
                | Cause::EnterprisesAlready
                | Cause::Store(StoreError::NoExportsLeft)
        )
    );
    let refused = by_rule || error.downcast_ref::<LeftAlone>().is_some();
    refused.then_some(Exit::NotCommitted)
}

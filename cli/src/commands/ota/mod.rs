//! `onecard ota`: secured packets by short message.

mod build;
mod decode;
mod explain;
mod fields;
mod keys;
mod message;
mod packet;
mod script_file;
mod send;

use clap::Subcommand;

use crate::output::Output;

/// What can be done with packets.
#[derive(Subcommand, Debug)]
pub(crate) enum OtaCommand {
    /// A script as a secured packet, and the short messages that carry it 组包
    ///
    /// The script is a file of commands, one a line: hexadecimal digits, or one of these, with the commands' own numbers:
    ///
    ///   select ENTERPRISE; select-file FID
    ///   balance ed|ep
    ///   initialize-for-load ed|ep KEY-ID YUAN TERMINAL
    ///   prove TYPE SEQUENCE
    ///
    /// What is behind # is a remark. The counter is yours to keep: no packet may have one that
    /// another had, and a packet is sent again byte for byte or not at all.
    #[command(
        after_help = "\
Examples:
  onecard ota build balance.script --tar enterprise --counter 000000000A --key-file ota.keys
  # the chip's own keys out of a key file, and TPDUs as a message centre sends them 短信TPDU
  onecard ota build balance.script --tar enterprise --counter 000000000A --keys dev.keys \\
      --chip 8906203254769810 --from 10086 --at '2026-11-29 12:00'",
        verbatim_doc_comment
    )]
    Build(build::Build),
    /// A command packet field by field, its commands by name 解析
    ///
    /// Takes a packet from CPL on, the user data of short messages, or their TPDUs; of a message in parts every part. Without keys
    /// what is in clear is told. With them the packet is deciphered, its checksum checked, and its script told; PINs and keys in
    /// it are not shown.
    #[command(after_help = "\
Examples:
  onecard ota explain $(cat sent.hex)                       # what is in clear, without keys
  onecard ota explain $(cat sent.hex) --key-file ota.keys   # deciphered, checked, told 解密并校验")]
    Explain(explain::Explain),
    /// What came back for a packet: proven or a hint, and what each command answered 响应解析
    ///
    /// A response is believed only by its checksum, and only as the answer to the packet it names. Exit code 6 if it proves
    /// nothing.
    #[command(after_help = "\
Example:
  onecard ota decode $(cat report.hex) --command $(cat sent.hex) --key-file ota.keys")]
    Decode(decode::Decode),
    /// A script as a packet to a phone through a message centre, and its proof 发送并等待响应
    ///
    /// Connects by SMPP 3.4, sends, and waits for the card's proof. A message that was throttled or had no answer is sent again, byte
    /// for byte. Exit code 3 if no proof comes: the card may have done it. Send the same packet again (same counter): a proof that its
    /// counter is too low says that the card had it. What comes for others is left with the message centre.
    #[command(after_help = "\
Example:
  onecard ota send balance.script --tar enterprise --counter 000000000A --key-file ota.keys --to +8613800000001 \\
      --centre 127.0.0.1:2775 --system-id gateway --password-file centre.password   # `onecard message-centre` is one")]
    Send(send::Send),
}

/// Runs one of them.
pub(crate) fn run(command: &OtaCommand) -> anyhow::Result<Output> {
    match command {
        OtaCommand::Build(options) => build::run(options),
        OtaCommand::Explain(options) => explain::run(options),
        OtaCommand::Decode(options) => decode::run(options),
        OtaCommand::Send(options) => send::run(options),
    }
}

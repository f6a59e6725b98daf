//! Script files: commands, one a line.

use std::{fs, path::Path, str::FromStr};

use anyhow::{Context, anyhow, bail, ensure};
use onecard_host::{
    apdu::Command,
    over_the_air::{Form, commands},
};
use onecard_wire::{
    amount::Amount,
    ins,
    wallet::{Purse, TransactionType},
};

/// The commands of the file at `path`, for that format: in the compact one a command with data has no Le, and GET RESPONSE is
/// the next line.
pub(super) fn read(path: &Path, form: Form) -> anyhow::Result<Vec<Command>> {
    let text = fs::read_to_string(path).with_context(|| format!("script {} cannot be read", path.display()))?;
    parse(&text, form).with_context(|| format!("script {}", path.display()))
}

fn parse(text: &str, form: Form) -> anyhow::Result<Vec<Command>> {
    let mut commands = Vec::new();
    for (line, number) in text.lines().zip(1..) {
        let line = line.split('#').next().unwrap_or_default().trim();
        if !line.is_empty() {
            let command = command(line).with_context(|| format!("line {number}"))?;
            // A name means what it does, in whichever format; digits are taken as they are.
            let named = !line.starts_with(|first: char| first.is_ascii_hexdigit() && !first.is_ascii_lowercase());
            commands.push(if named && form == Form::Compact { without_le(command)? } else { command });
        }
    }
    Ok(commands)
}

/// A case 4 command as one of case 3.
fn without_le(command: Command) -> anyhow::Result<Command> {
    if command.data().is_empty() {
        return Ok(command);
    }
    let [cla, ins, p1, p2] = command.header();
    Ok(Command::new(cla, ins, p1, p2).with_bytes(command.data())?)
}

fn command(line: &str) -> anyhow::Result<Command> {
    let words: Vec<&str> = line.split_whitespace().collect();
    match *words.as_slice() {
        ["select", enterprise] => {
            let enterprise = enterprise.parse().map_err(|_| anyhow!("an enterprise has 16 decimal digits"))?;
            Ok(commands::select_application(enterprise))
        }
        ["select-file", file] => {
            let file = number(file, 4).context("a file has four hexadecimal digits")?;
            Ok(Command::new(ins::CLA_ISO, ins::SELECT, 0x00, 0x0C).with_data(&file.to_be_bytes()))
        }
        ["balance", of] => Ok(commands::balance(purse(of)?)),
        ["initialize-for-load", of, key_id, yuan, terminal] => {
            let key_id = number(key_id, 2).context("a key id has two hexadecimal digits")?;
            let amount =
                Amount::parse_yuan(yuan).context("an amount is yuan with at most two decimals, such as 12.50")?;
            let terminal = FromStr::from_str(terminal).map_err(|_| anyhow!("a terminal has 12 hexadecimal digits"))?;
            Ok(commands::initialize_for_load(purse(of)?, key_id as u8, amount, terminal))
        }
        ["prove", kind, sequence] => {
            let kind = number(kind, 2).context("a type of transaction has two hexadecimal digits")?;
            let sequence = number(sequence, 4).context("a sequence has four hexadecimal digits")?;
            Ok(commands::transaction_prove(TransactionType(kind as u8), sequence))
        }
        _ => apdu(line),
    }
}

fn number(text: &str, digits: usize) -> Option<u16> {
    (text.len() == digits).then(|| u16::from_str_radix(text, 16).ok()).flatten()
}

fn purse(text: &str) -> anyhow::Result<Purse> {
    match text {
        "ed" => Ok(Purse::Ed),
        "ep" => Ok(Purse::Ep),
        _ => bail!("a purse is `ed` or `ep`"),
    }
}

/// CLA INS P1 P2, with Lc and data, with Le: ISO/IEC 7816-4, short.
fn apdu(line: &str) -> anyhow::Result<Command> {
    let digits: String = line.split_whitespace().collect();
    let neither = || anyhow!("neither a command's name (`onecard ota build --help`) nor hexadecimal digits");
    let bytes = hex::decode(digits).map_err(|_| neither())?;
    let Some(([cla, ins, p1, p2], body)) = bytes.split_first_chunk::<4>() else {
        bail!("a command has at least CLA, INS, P1 and P2");
    };
    let command = Command::new(*cla, *ins, *p1, *p2);
    match body {
        [] => Ok(command),
        [le] => Ok(command.expecting(*le)),
        [lc, rest @ ..] => {
            let lc = usize::from(*lc);
            let (data, le) =
                rest.split_at_checked(lc).filter(|(_, le)| le.len() <= 1 && lc > 0).with_context(|| {
                    format!("Lc says {lc} data bytes, and behind it are {}: as many, and at most Le", rest.len())
                })?;
            let command = command.with_bytes(data)?;
            ensure!(le.len() <= 1, "more than Le stands behind the data");
            Ok(le.first().map_or(command.clone(), |le| command.expecting(*le)))
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn names_and_digits_and_what_is_neither() {
        let text = "# a balance\nselect 1000000000000001\n\nbalance ep # the purse\n00 B0 95 00 1E\n80CA0000\n";
        let bytes = |form| {
            let commands = parse(text, form).unwrap();
            commands.iter().map(|command| hex::encode_upper(command.to_bytes())).collect::<Vec<_>>()
        };
        let expected = ["00A404000EF04F4E4543011000000000000001", "805C000204", "00B095001E", "80CA000000"];
        assert_eq!(bytes(Form::EXPANDED), expected);
        assert_eq!(bytes(Form::Compact), expected);
        let load = parse("initialize-for-load ep 11 12.50 001122334455", Form::EXPANDED).unwrap();
        assert_eq!(hex::encode_upper(load.first().unwrap().to_bytes()), "805000020B11000004E200112233445510");
        let load = parse("initialize-for-load ep 11 12.50 001122334455", Form::Compact).unwrap();
        assert_eq!(hex::encode_upper(load.first().unwrap().to_bytes()), "805000020B11000004E2001122334455");
        for (wrong, line) in [
            ("balance xx", 1),
            ("\nselect 12", 2),
            ("80CA00", 1),
            ("00A4040005F0", 1),
            ("00A4040001F00000", 1),
            ("balanse ep", 1),
            ("prove 2 0001", 1),
        ] {
            let error = format!("{:#}", parse(wrong, Form::EXPANDED).unwrap_err());
            assert!(error.starts_with(&format!("line {line}: ")), "{error}");
        }
    }
}

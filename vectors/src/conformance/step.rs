//! One step of a rule.

use std::collections::BTreeMap;

use serde::Deserialize;

/// One step: what is done, and a word on why.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(try_from = "Written")]
pub struct Step {
    /// What is done.
    pub action: Action,
    /// What a reader of the report should know.
    pub note: Option<String>,
}

/// What a step does.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Action {
    /// Sends a command and compares the answer.
    Send(Send),
    /// Does the steps of a procedure, with these values under these names first.
    Do {
        /// Its name.
        procedure: String,
        /// Expressions by name.
        with: BTreeMap<String, String>,
    },
    /// Computes values: expressions by name, in the order of the names.
    Set(BTreeMap<String, String>),
    /// Power off and on.
    PowerCycle,
    /// Two expressions must be equal.
    Equal(String, String),
    /// Two expressions must not be equal.
    Differ(String, String),
}

/// A command and what may come back.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Send {
    /// The command.
    pub command: String,
    /// Patterns; one of them must fit.
    pub expect: Vec<String>,
    /// Name of the key that makes the command's MAC; a challenge is asked for first.
    pub mac: Option<String>,
    /// Whether that key enciphers the data too.
    pub enciphered: bool,
    /// What is wrong with the protection, on purpose.
    pub flaw: Option<Flaw>,
    /// Names of the keys and PINs whose tries it may cost.
    pub tries: Vec<String>,
    /// Tries that a key or PIN has, by name, once the command is done.
    pub fresh: BTreeMap<String, u16>,
    /// Whether its data is a secret of the card's holder, which no report shows.
    pub secret: bool,
    /// How often it is sent.
    pub repeat: u16,
    /// The name in the pattern whose values must all differ over the repetitions.
    pub distinct: Option<String>,
}

/// What is wrong with a protected command, on purpose.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Flaw {
    /// One bit of its MAC.
    Mac,
    /// Another command came between the challenge and it.
    Challenge,
    /// It has data, and no MAC behind them.
    NoMac,
}

/// As it stands in a file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    send: Option<String>,
    expect: Option<OneOrMore>,
    mac: Option<String>,
    cipher: Option<String>,
    flaw: Option<Flaw>,
    tries: Option<OneOrMore>,
    #[serde(default)]
    fresh: BTreeMap<String, u16>,
    #[serde(default)]
    secret: bool,
    repeat: Option<u16>,
    distinct: Option<String>,
    r#do: Option<String>,
    #[serde(default)]
    with: BTreeMap<String, String>,
    #[serde(default)]
    set: BTreeMap<String, String>,
    #[serde(default)]
    power: bool,
    equal: Option<[String; 2]>,
    differ: Option<[String; 2]>,
    note: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMore {
    One(String),
    More(Vec<String>),
}

impl TryFrom<Written> for Step {
    type Error = &'static str;

    fn try_from(written: Written) -> Result<Self, Self::Error> {
        let kinds = [
            written.send.is_some(),
            written.r#do.is_some(),
            !written.set.is_empty(),
            written.power,
            written.equal.is_some(),
            written.differ.is_some(),
        ];
        if kinds.iter().filter(|is| **is).count() != 1 {
            return Err("a step has one of send, do, set, power, equal, differ");
        }
        let of_send = written.expect.is_some()
            || written.mac.is_some()
            || written.cipher.is_some()
            || written.flaw.is_some()
            || written.tries.is_some()
            || written.repeat.is_some()
            || written.distinct.is_some()
            || !written.fresh.is_empty()
            || written.secret;
        if of_send && written.send.is_none() {
            return Err("only a step that sends expects, protects or repeats");
        }
        if !written.with.is_empty() && written.r#do.is_none() {
            return Err("only do has with");
        }
        let note = written.note.clone();
        Ok(Self { action: written.action()?, note })
    }
}

impl Written {
    fn action(self) -> Result<Action, &'static str> {
        if let Some(command) = self.send {
            if self.mac.is_some() && self.cipher.is_some() {
                return Err("cipher makes the MAC too: mac or cipher, not both");
            }
            let enciphered = self.cipher.is_some();
            let mac = self.mac.or(self.cipher);
            if self.flaw.is_some() && mac.is_none() {
                return Err("a flaw is of a protected command");
            }
            return Ok(Action::Send(Send {
                command,
                expect: self.expect.map_or_else(|| vec!["9000".to_owned()], OneOrMore::into_list),
                mac,
                enciphered,
                flaw: self.flaw,
                tries: self.tries.map_or_else(Vec::new, OneOrMore::into_list),
                fresh: self.fresh,
                secret: self.secret,
                repeat: self.repeat.unwrap_or(1),
                distinct: self.distinct,
            }));
        }
        if let Some(procedure) = self.r#do {
            return Ok(Action::Do { procedure, with: self.with });
        }
        if let Some([left, right]) = self.equal {
            return Ok(Action::Equal(left, right));
        }
        if let Some([left, right]) = self.differ {
            return Ok(Action::Differ(left, right));
        }
        Ok(if self.power { Action::PowerCycle } else { Action::Set(self.set) })
    }
}

impl OneOrMore {
    fn into_list(self) -> Vec<String> {
        match self {
            Self::One(text) => vec![text],
            Self::More(texts) => texts,
        }
    }
}

//! A session from INITIALIZE UPDATE on.

use serde::Deserialize;

use super::keys::SessionKeys;
use crate::{
    construction::Construction,
    hex_field,
    vector::{Body, agrees, is_command},
};

/// A session. Answers to INITIALIZE UPDATE and EXTERNAL AUTHENTICATE are without their status word, 9000.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Session {
    /// Static Key-ENC: 16 bytes; of SCP03 16, 24 or 32.
    #[serde(deserialize_with = "hex_field::field")]
    pub enc: Vec<u8>,
    /// Static Key-MAC, as long.
    #[serde(deserialize_with = "hex_field::field")]
    pub mac: Vec<u8>,
    /// Static Key-DEK, as long.
    #[serde(deserialize_with = "hex_field::field")]
    pub dek: Vec<u8>,
    /// AID of the security domain, where it is known; the pseudo-random card challenge is made with it.
    #[serde(default, deserialize_with = "hex_field::optional")]
    pub domain: Option<Vec<u8>>,
    /// The host's challenge: 8 bytes; in S16 mode 16.
    #[serde(deserialize_with = "hex_field::field")]
    pub host_challenge: Vec<u8>,
    /// The sequence counter where the answer has none and it was found out.
    #[serde(default, deserialize_with = "hex_field::optional")]
    pub sequence: Option<[u8; 3]>,
    /// The command INITIALIZE UPDATE.
    #[serde(deserialize_with = "hex_field::field")]
    pub initialize_update: Vec<u8>,
    /// Its answer.
    #[serde(deserialize_with = "hex_field::field")]
    pub answer: Vec<u8>,
    /// S-ENC.
    #[serde(default, deserialize_with = "hex_field::optional")]
    pub session_enc: Option<Vec<u8>>,
    /// S-MAC, of SCP02 the C-MAC session key.
    #[serde(default, deserialize_with = "hex_field::optional")]
    pub session_mac: Option<Vec<u8>>,
    /// S-RMAC.
    #[serde(default, deserialize_with = "hex_field::optional")]
    pub session_rmac: Option<Vec<u8>>,
    /// Session DEK of SCP02.
    #[serde(default, deserialize_with = "hex_field::optional")]
    pub session_dek: Option<Vec<u8>>,
    /// The host's cryptogram where the command it is in is not known.
    #[serde(default, deserialize_with = "hex_field::optional")]
    pub host_cryptogram: Option<Vec<u8>>,
    /// The command EXTERNAL AUTHENTICATE; its P1 is the security level.
    #[serde(default, deserialize_with = "hex_field::optional")]
    pub external_authenticate: Option<Vec<u8>>,
    /// What follows, in order.
    #[serde(default)]
    pub exchange: Vec<Exchange>,
}

/// A command in a session.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exchange {
    /// The command before it is wrapped.
    #[serde(deserialize_with = "hex_field::field")]
    pub plain: Vec<u8>,
    /// As it is sent.
    #[serde(deserialize_with = "hex_field::field")]
    pub wrapped: Vec<u8>,
    /// The card's answer as it comes, its status word last.
    #[serde(default, deserialize_with = "hex_field::optional")]
    pub answer: Option<Vec<u8>>,
    /// The answer without its protection, its status word last.
    #[serde(default, deserialize_with = "hex_field::optional")]
    pub plain_answer: Option<Vec<u8>>,
}

impl Session {
    /// Number of the protocol, 02 or 03.
    #[must_use]
    pub fn protocol(&self) -> u8 {
        self.answer.get(11).copied().unwrap_or_default()
    }

    /// The security level, where EXTERNAL AUTHENTICATE is known.
    #[must_use]
    pub fn level(&self) -> Option<u8> {
        self.external_authenticate.as_ref().and_then(|command| command.get(2)).copied()
    }

    /// The session keys that are known.
    #[must_use]
    pub fn session_keys(&self) -> SessionKeys {
        SessionKeys {
            enc: self.session_enc.clone(),
            mac: self.session_mac.clone(),
            rmac: self.session_rmac.clone(),
            dek: self.session_dek.clone(),
        }
    }
}

impl Body for Session {
    fn keys(&self) -> Vec<(&'static str, &[u8])> {
        match self.protocol() {
            0x02 => vec![("enc", &self.enc), ("mac", &self.mac), ("dek", &self.dek)],
            _ => Vec::new(),
        }
    }

    fn aes_keys(&self) -> Vec<(&'static str, &[u8])> {
        match self.protocol() {
            0x02 => Vec::new(),
            _ => vec![("enc", &self.enc), ("mac", &self.mac), ("dek", &self.dek)],
        }
    }

    fn constructions(&self) -> Vec<Construction> {
        Vec::new()
    }

    fn check(&self) -> Result<(), &'static str> {
        agrees("mac", self.mac.len() == self.enc.len())?;
        agrees("dek", self.dek.len() == self.enc.len())?;
        let length = self.host_challenge.len();
        let [version, ..] = self.initialize_update.get(2..).unwrap_or_default() else {
            return Err("initialize_update");
        };
        let initialize_update = [0x80, 0x50, *version, 0x00];
        agrees("initialize_update", is_command(&self.initialize_update, &initialize_update, &[&self.host_challenge]))?;
        let answers: &[usize] = match (self.protocol(), length) {
            (0x02, 8) => &[28],
            (0x03, 8) => &[29, 32],
            (0x03, 16) => &[45, 48],
            _ => return Err("answer"),
        };
        agrees("answer", answers.contains(&self.answer.len()))?;
        if let Some(command) = &self.external_authenticate {
            let level = self.level().unwrap_or_default();
            let data = command.get(5..).unwrap_or_default();
            agrees("external_authenticate", data.len() == 2 * length)?;
            agrees("external_authenticate", is_command(command, &[0x84, 0x82, level, 0x00], &[data]))?;
        }
        agrees("exchange", self.external_authenticate.is_some() || self.exchange.is_empty())?;
        self.exchange.iter().try_for_each(Exchange::check)
    }
}

impl Exchange {
    /// Same INS, P1 and P2, and a class that says secure messaging.
    pub(super) fn check(&self) -> Result<(), &'static str> {
        let (Some([cla, plain @ ..]), Some([secure, wrapped @ ..])) =
            (self.plain.first_chunk::<4>(), self.wrapped.first_chunk::<4>())
        else {
            return Err("exchange");
        };
        agrees("wrapped", *secure == cla | 0x04 && wrapped == plain)?;
        agrees("plain_answer", self.answer.is_some() == self.plain_answer.is_some())
    }
}

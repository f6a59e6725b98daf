//! Who binds, and under which terms.

use std::{fmt, time::Duration};

use onecard_host::over_the_air::message::Address;
use onecard_wire::smpp::{PASSWORD_LEN_MAX, SYSTEM_ID_LEN_MAX};
use zeroize::Zeroizing;

/// The password of a bind: erased when it is dropped, and not printed.
#[derive(Clone)]
pub struct Password(Zeroizing<Vec<u8>>);

/// What a message centre knows a platform by.
#[derive(Clone, Debug)]
pub struct Account {
    system_id: String,
    password: Password,
}

/// No account.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum AccountError {
    /// As the standard has it (SMPP 3.4 clause 5.2.1).
    #[error("a system_id has 1 to {SYSTEM_ID_LEN_MAX} printable ASCII characters")]
    SystemId,
    /// As the standard has it (clause 5.2.2).
    #[error("the password has 1 to {PASSWORD_LEN_MAX} printable ASCII characters, and may end with a line break")]
    Password,
}

/// By which connections a platform is bound.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Bind {
    /// bind_transceiver: one for both ways.
    Transceiver,
    /// bind_transmitter and bind_receiver: one for each, for centres that know no other (SMPP 3.3).
    TransmitterAndReceiver,
}

/// What a link keeps to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LinkTerms {
    /// The platform's number, which phones answer to.
    pub platform: Address,
    /// By which connections.
    pub bind: Bind,
    /// Most messages without an answer.
    pub window: usize,
    /// Most messages in a second; 0: as many as the window lets through.
    pub rate: u32,
    /// Whether delivery receipts are asked for.
    pub receipts: bool,
    /// How long the centre is to keep each message that it cannot deliver, at least; `None`: as long as it does by itself, which
    /// may be days. Beyond that it is as long as a proof is waited for: then the packet goes out again, or its card is asked, and
    /// a copy that came later would only use the phone up, or be refused as old. A minute is what a centre needs to try more than
    /// once.
    pub validity_min: Option<Duration>,
    /// Most messages of phones that were not acknowledged; the centre keeps what is beyond.
    pub deliveries_max: usize,
    /// How long an answer may take; then the link is given up.
    pub answer_within: Duration,
    /// After this long without a word from the centre it is asked whether it is there.
    pub enquire_after: Duration,
    /// How long nothing is sent after "too many messages", at first; each further one doubles it, up to sixteen times as long.
    pub hold: Duration,
}

impl Password {
    /// From the text of a password file.
    ///
    /// # Errors
    /// [`AccountError::Password`].
    pub fn from_text(text: &[u8]) -> Result<Self, AccountError> {
        let text = text.strip_suffix(b"\n").unwrap_or(text);
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        let fits = (1..=PASSWORD_LEN_MAX).contains(&text.len()) && text.iter().all(u8::is_ascii_graphic);
        fits.then(|| Self(Zeroizing::new(text.to_vec()))).ok_or(AccountError::Password)
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(..)")
    }
}

impl Account {
    /// By its name and password.
    ///
    /// # Errors
    /// [`AccountError::SystemId`].
    pub fn new(system_id: &str, password: Password) -> Result<Self, AccountError> {
        let fits =
            (1..=SYSTEM_ID_LEN_MAX).contains(&system_id.len()) && system_id.bytes().all(|byte| byte.is_ascii_graphic());
        fits.then(|| Self { system_id: system_id.to_owned(), password }).ok_or(AccountError::SystemId)
    }

    /// Its name.
    #[must_use]
    pub fn system_id(&self) -> &str {
        &self.system_id
    }

    pub(super) const fn password(&self) -> &Password {
        &self.password
    }
}

impl LinkTerms {
    /// By one connection; a window of 100, no limit of the rate, no receipts; kept for a minute at least; 30 s for an answer,
    /// asked after 15 s, held for 1 s.
    #[must_use]
    pub const fn new(platform: Address) -> Self {
        Self {
            platform,
            bind: Bind::Transceiver,
            window: 100,
            rate: 0,
            receipts: false,
            validity_min: Some(Duration::from_secs(60)),
            deliveries_max: 1_000,
            answer_within: Duration::from_secs(30),
            enquire_after: Duration::from_secs(15),
            hold: Duration::from_secs(1),
        }
    }
}

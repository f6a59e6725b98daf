//! The MAC that closes what comes into a card, and the challenge that makes it good once (16.3.3).

use onecard_wire::{
    key_master::{CHALLENGE_LEN, KEY_LEN, MAC_LEN},
    number::KeyMasterNumber,
    status::StatusWord,
};

use crate::{
    apdu::Command,
    crypto::{same, whole_cmac},
    nvm::Journal,
    platform::Platform,
};

/// A random number given out, good for the next command alone: using it consumes it.
pub(super) struct Challenge([u8; CHALLENGE_LEN]);

impl Challenge {
    /// GET CHALLENGE of 8 bytes.
    ///
    /// # Errors
    /// 6A86, 6700.
    pub(super) fn draw<P: Platform>(nvm: &mut Journal<P>, command: &Command<'_>) -> Result<Self, StatusWord> {
        command.require_p1p2(0x00, 0x00)?;
        command.require_data_len(0)?;
        if command.le != Some(CHALLENGE_LEN as u8) {
            return Err(StatusWord::WRONG_LENGTH);
        }
        let mut random = [0; CHALLENGE_LEN];
        nvm.chip().random(&mut random);
        Ok(Self(random))
    }

    pub(super) const fn bytes(&self) -> &[u8; CHALLENGE_LEN] {
        &self.0
    }
}

/// The data field in front of a right MAC.
///
/// # Errors
/// 6985 without a challenge, 9302 for a wrong MAC.
pub(super) fn proved<'c>(
    command: &Command<'c>,
    challenge: Option<Challenge>,
    card: KeyMasterNumber,
    key: &[u8; KEY_LEN],
) -> Result<&'c [u8], StatusWord> {
    let (data, mac) = command.data.split_last_chunk::<MAC_LEN>().ok_or(StatusWord::WRONG_LENGTH)?;
    let challenge = challenge.ok_or(StatusWord::CONDITIONS_NOT_SATISFIED)?;
    let expected = mac_for(card, challenge.bytes(), command.header(), data, key);
    if same(&expected, mac) { Ok(data) } else { Err(StatusWord::MAC_WRONG) }
}

/// The MAC over `number of the card that gets it 8 ‖ its challenge 8 ‖ CLA INS P1 P2 Lc ‖ data`. A blank card's number is zeros.
pub(super) fn mac_for(
    card: KeyMasterNumber,
    challenge: &[u8; CHALLENGE_LEN],
    header: [u8; 5],
    data: &[u8],
    key: &[u8; KEY_LEN],
) -> [u8; MAC_LEN] {
    let whole = whole_cmac(key, [&card.to_bytes()[..], challenge, &header, data]);
    whole.first_chunk().copied().unwrap_or_default()
}

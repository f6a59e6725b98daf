//! Short messages (3GPP TS 23.040, 31.115): what the card sends, and what becomes of one that the card got.

use std::fmt;

use onecard_wire::status::StatusWord;

use super::{alphabet, error::Defect, proactive::OutgoingMessage};

/// A short message that left the phone.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sent {
    /// Type of number and digits of the service centre; `None`: the phone's own.
    pub service_centre: Option<Vec<u8>>,
    /// SMS-SUBMIT as it went into the air.
    pub tpdu: Vec<u8>,
    /// What it says.
    pub submit: Submit,
}

impl Sent {
    /// Puts what the card gave into the air.
    ///
    /// # Errors
    /// [`Defect`] if it is no SMS-SUBMIT, or its text cannot be packed.
    pub(crate) fn of(message: &OutgoingMessage) -> Result<Self, Defect> {
        let mut tpdu = message.tpdu.clone();
        let mut submit = Submit::parse(&tpdu)?;
        if message.pack {
            (tpdu, submit) = submit.packed(&tpdu)?;
        }
        Ok(Self { service_centre: message.service_centre.clone(), tpdu, submit })
    }
}

/// SMS-SUBMIT (TS 23.040 clause 9.2.2.2).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Submit {
    /// Digits of the destination.
    pub destination: String,
    /// TP-PID.
    pub protocol: u8,
    /// TP-DCS.
    pub coding: u8,
    /// User data header without its length; empty if there is none.
    pub header: Vec<u8>,
    /// User data behind the header.
    pub data: Vec<u8>,
    /// Where TP-DCS stands.
    coding_at: usize,
}

impl Submit {
    /// Reads an SMS-SUBMIT.
    ///
    /// # Errors
    /// [`Defect`] with `tpdu`.
    pub fn parse(tpdu: &[u8]) -> Result<Self, Defect> {
        Self::read(tpdu).ok_or_else(|| Defect::new("an SMS-SUBMIT", tpdu))
    }

    fn read(tpdu: &[u8]) -> Option<Self> {
        /// TP-MTI of SMS-SUBMIT, and the mask of TP-MTI.
        const SUBMIT: (u8, u8) = (0x01, 0x03);
        const HEADER_INDICATOR: u8 = 0x40;
        let [first, _reference, digits, _kind, rest @ ..] = tpdu else { return None };
        if first & SUBMIT.1 != SUBMIT.0 {
            return None;
        }
        let (number, rest) = rest.split_at_checked(usize::from(*digits).div_ceil(2))?;
        let [protocol, coding, rest @ ..] = rest else { return None };
        let coding_at = tpdu.len() - rest.len() - 1;
        let validity = match first >> 3 & 0x03 {
            0 => 0,
            2 => 1,
            _ => 7,
        };
        let [length, data @ ..] = rest.get(validity..)? else { return None };
        let octets = if has_septets(*coding) { (usize::from(*length) * 7).div_ceil(8) } else { usize::from(*length) };
        if data.len() != octets {
            return None;
        }
        let (header, data) = match data {
            [length, rest @ ..] if first & HEADER_INDICATOR != 0 => rest.split_at_checked(usize::from(*length))?,
            _ => (&[][..], data),
        };
        let destination = digits_of(number, usize::from(*digits));
        Some(Self {
            destination,
            protocol: *protocol,
            coding: *coding,
            header: header.to_vec(),
            data: data.to_vec(),
            coding_at,
        })
    }

    /// The same message, its text of a byte a character packed (TS 31.111 clause 6.4.10).
    fn packed(&self, tpdu: &[u8]) -> Result<(Vec<u8>, Self), Defect> {
        let unpackable = || Defect::new("an 8-bit text without header, for the phone to pack", tpdu);
        if !self.header.is_empty() || has_septets(self.coding) {
            return Err(unpackable());
        }
        let length = u8::try_from(self.data.len()).map_err(|_| unpackable())?;
        let behind = tpdu.len() - self.data.len() - 1;
        let mut packed = tpdu.get(..behind).unwrap_or_default().to_vec();
        if let Some(coding) = packed.get_mut(self.coding_at) {
            // The class stays, the alphabet becomes the default one.
            *coding &= !0x0C;
        }
        packed.push(length);
        packed.extend(alphabet::pack(&self.data));
        let submit = Self::parse(&packed)?;
        Ok((packed, submit))
    }

    /// User data with the header, as TPDUs have them: the header's length first, unless there is no header.
    #[must_use]
    pub fn user_data(&self) -> Vec<u8> {
        match u8::try_from(self.header.len()) {
            Ok(length @ 1..) => [&[length], self.header.as_slice(), &self.data].concat(),
            _ => self.data.clone(),
        }
    }

    /// Toolkit application reference of a secured packet (TS 31.115 clause 4): 3 bytes, `None` if this is no command
    /// packet, or a later part of one.
    #[must_use]
    pub fn tar(&self) -> Option<[u8; 3]> {
        /// Information element of a command packet in the user data header.
        const COMMAND_PACKET: u8 = 0x70;
        elements(&self.header).any(|(element, _)| element == COMMAND_PACKET).then_some(())?;
        match self.data.as_slice() {
            [_, _, _header_length, _, _, _kic, _kid, a, b, c, ..] => Some([*a, *b, *c]),
            _ => None,
        }
    }

    /// Number, count and reference of a part of a longer message (TS 23.040 clause 9.2.3.24.1).
    #[must_use]
    pub fn part(&self) -> Option<(u8, u8, u8)> {
        elements(&self.header).find_map(|(element, value)| match (element, value) {
            (0x00, [reference, count, number]) => Some((*number, *count, *reference)),
            _ => None,
        })
    }
}

impl fmt::Display for Submit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "to {}, {} bytes", self.destination, self.data.len())?;
        if let Some([a, b, c]) = self.tar() {
            write!(f, ", TAR={a:02X}{b:02X}{c:02X}")?;
        }
        match self.part() {
            Some((number, count, _)) => write!(f, ", part {number} of {count}"),
            None => Ok(()),
        }
    }
}

/// What the network is told about a short message for the card (TS 31.111 clause 7.1.1.2).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Report {
    /// RP-ACK, or RP-ERROR.
    pub acknowledged: bool,
    /// SMS-DELIVER-REPORT; empty if RP-ACK carries none.
    pub tpdu: Vec<u8>,
}

impl Report {
    /// From what the card answered to ENVELOPE. `protocol` and `coding` are those of the message.
    pub(super) fn of(protocol: u8, coding: u8, data: &[u8], status: StatusWord) -> Self {
        /// TP-FCS: the card's toolkit is busy.
        const TOOLKIT_BUSY: u8 = 0xD4;
        /// TP-FCS: data download error.
        const DOWNLOAD_ERROR: u8 = 0xD5;
        /// TP-PI: protocol, coding and user data are there.
        const ALL_PRESENT: u8 = 0x07;
        let acknowledged = status.is_ok();
        let cause = match (acknowledged, status) {
            (true, _) => &[][..],
            (false, StatusWord::TOOLKIT_BUSY) => &[TOOLKIT_BUSY],
            (false, _) => &[DOWNLOAD_ERROR],
        };
        let mut tpdu = [&[0x00], cause].concat();
        match u8::try_from(data.len()) {
            Ok(length @ 1..) => {
                tpdu.extend([ALL_PRESENT, protocol, coding, length]);
                tpdu.extend_from_slice(data);
            }
            _ if acknowledged => tpdu.clear(),
            _ => tpdu.push(0x00),
        }
        Self { acknowledged, tpdu }
    }
}

/// TP-PID and TP-DCS of an SMS-DELIVER.
pub(super) fn deliver_coding(tpdu: &[u8]) -> Result<(u8, u8), Defect> {
    let read = || {
        let [_, digits, _, rest @ ..] = tpdu else { return None };
        match rest.get(usize::from(*digits).div_ceil(2)..)? {
            [protocol, coding, _stamp @ ..] if tpdu.first()? & 0x03 == 0 => Some((*protocol, *coding)),
            _ => None,
        }
    };
    read().ok_or_else(|| Defect::new("an SMS-DELIVER", tpdu))
}

/// Whether the length counts characters of seven bits.
const fn has_septets(coding: u8) -> bool {
    matches!((coding >> 4, coding & 0x0C), (0..=3, 0x00) | (0x0F, 0x00))
}

/// Information elements of a user data header.
fn elements(header: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    let mut rest = header;
    std::iter::from_fn(move || {
        let [element, length, behind @ ..] = rest else { return None };
        let (value, behind) = behind.split_at_checked(usize::from(*length))?;
        rest = behind;
        Some((*element, value))
    })
}

/// Digits, swapped in pairs, as the trade writes them.
fn digits_of(bytes: &[u8], count: usize) -> String {
    const DIGITS: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '*', '#', 'a', 'b', 'c', '·'];
    let halves = bytes.iter().flat_map(|byte| [byte & 0x0F, byte >> 4]);
    halves.take(count).filter_map(|half| DIGITS.get(usize::from(half))).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_text_is_packed_by_the_phone_and_its_class_stays() {
        let tpdu = [&[0x01, 0x00, 0x02, 0x91, 0x21, 0x40, 0xF4, 0x07][..], b"Send SM"].concat();
        let message = OutgoingMessage { alpha: None, service_centre: None, tpdu, pack: true };
        let sent = Sent::of(&message).unwrap();
        assert_eq!(sent.tpdu.get(5..8), Some(&[0x40, 0xF0, 0x07][..]));
        assert_eq!((sent.submit.destination.as_str(), sent.submit.data.len()), ("12", 7));
    }

    #[test]
    fn what_is_cut_is_no_message() {
        for wrong in [&[0x01, 0x00, 0x02, 0x91, 0x21, 0x40, 0xF4, 0x07, 0x41][..], &[0x00; 12], &[0x01]] {
            assert!(Submit::parse(wrong).is_err(), "{wrong:02X?}");
        }
    }
}

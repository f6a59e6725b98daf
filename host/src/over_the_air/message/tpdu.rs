//! SMS-DELIVER and SMS-SUBMIT (3GPP TS 23.040 clauses 9.2.2.1, 9.2.2.2), with user data of 8 bits and a header.

use onecard_wire::{
    layout::Reader,
    ota::{DCS_DATA_CLASS_2, PID_DOWNLOAD, SUBMIT_WITH_HEADER, USER_DATA_MAX},
};

use super::{
    address::Address,
    user_data::{UserData, UserDataError},
};

/// Bits 1, 2 of the first byte: the type of message.
const TYPE: u8 = 0x03;
const DELIVER: u8 = 0x00;
const SUBMIT: u8 = 0x01;
/// SMS-DELIVER, bit 3: no more messages wait.
const NO_MORE: u8 = 0x04;
/// Bit 7: the user data begin with a header.
const HAS_HEADER: u8 = 0x40;
/// SMS-SUBMIT, bits 4, 5: which validity period.
const VALIDITY: u8 = 0x18;

/// A message to a phone. The service centre makes it; a platform hands over the user data.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Deliver {
    /// Whether no more messages wait.
    pub no_more: bool,
    /// Who sent it.
    pub originator: Address,
    /// TP-PID.
    pub pid: u8,
    /// TP-DCS.
    pub dcs: u8,
    /// When the service centre got it.
    pub time: ServiceCentreTime,
    /// What is in it.
    pub user_data: UserData,
}

/// A message of a phone, or of the card through it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Submit {
    /// TP-MR; the phone writes its own in.
    pub reference: u8,
    /// For whom.
    pub destination: Address,
    /// TP-PID.
    pub pid: u8,
    /// TP-DCS.
    pub dcs: u8,
    /// What is in it.
    pub user_data: UserData,
}

/// A service centre's time stamp, as it is on the wire: two-digit year to second and time zone, digits swapped.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct ServiceCentreTime(pub [u8; 7]);

/// Bytes that are no such message. Bytes are counted from 0.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TpduError {
    /// Another type.
    #[error("the first byte is {0:02X}: not the type of message that is read here")]
    OtherType(u8),
    /// Without a header there is no packet.
    #[error("the message has no user data header, so it carries no secured packet")]
    NoHeader,
    /// A field that is not whole.
    #[error("the message ends within {0}")]
    Cut(&'static str),
    /// Text.
    #[error("the data coding scheme {0:02X} is none of 8-bit data")]
    OtherCoding(u8),
    /// More or fewer bytes than it says, or more than there can be.
    #[error("the user data length is {said}, and there are {there} bytes; there can be {USER_DATA_MAX}")]
    Length {
        /// TP-UDL.
        said: u8,
        /// Behind it.
        there: usize,
    },
    /// Its user data are none of a packet.
    #[error(transparent)]
    UserData(#[from] UserDataError),
}

impl Deliver {
    /// A message for the card itself: data download, 8-bit data of class 2.
    #[must_use]
    pub const fn download(originator: Address, time: ServiceCentreTime, user_data: UserData) -> Self {
        Self { no_more: true, originator, pid: PID_DOWNLOAD, dcs: DCS_DATA_CLASS_2, time, user_data }
    }

    /// Reads it.
    ///
    /// # Errors
    /// [`TpduError`].
    pub fn parse(bytes: &[u8]) -> Result<Self, TpduError> {
        let mut reader = Reader::new(bytes);
        let first = first_byte(&mut reader, DELIVER)?;
        let originator = Address::take(&mut reader).ok_or(TpduError::Cut("the originator"))?;
        let [pid, dcs] = reader.array().ok_or(TpduError::Cut("PID and DCS"))?;
        let time = ServiceCentreTime(reader.array().ok_or(TpduError::Cut("the time stamp"))?);
        let user_data = user_data(reader, dcs)?;
        Ok(Self { no_more: first & NO_MORE != 0, originator, pid, dcs, time, user_data })
    }

    /// Its bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![DELIVER | HAS_HEADER | if self.no_more { NO_MORE } else { 0 }];
        self.originator.put(&mut bytes);
        bytes.extend_from_slice(&[self.pid, self.dcs]);
        bytes.extend_from_slice(&self.time.0);
        put_user_data(&mut bytes, &self.user_data);
        bytes
    }
}

impl Submit {
    /// Reads it, whatever validity period it has.
    ///
    /// # Errors
    /// [`TpduError`].
    pub fn parse(bytes: &[u8]) -> Result<Self, TpduError> {
        let mut reader = Reader::new(bytes);
        let first = first_byte(&mut reader, SUBMIT)?;
        let reference = reader.u8().ok_or(TpduError::Cut("the reference"))?;
        let destination = Address::take(&mut reader).ok_or(TpduError::Cut("the destination"))?;
        let [pid, dcs] = reader.array().ok_or(TpduError::Cut("PID and DCS"))?;
        let validity_len = match first & VALIDITY {
            0x00 => 0,
            0x10 => 1,
            _ => 7,
        };
        reader.slice(validity_len).ok_or(TpduError::Cut("the validity period"))?;
        let user_data = user_data(reader, dcs)?;
        Ok(Self { reference, destination, pid, dcs, user_data })
    }

    /// Its bytes, without a validity period.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![SUBMIT_WITH_HEADER, self.reference];
        self.destination.put(&mut bytes);
        bytes.extend_from_slice(&[self.pid, self.dcs]);
        put_user_data(&mut bytes, &self.user_data);
        bytes
    }
}

fn first_byte(reader: &mut Reader<'_>, kind: u8) -> Result<u8, TpduError> {
    let first = reader.u8().ok_or(TpduError::Cut("its first byte"))?;
    match first {
        _ if first & TYPE != kind => Err(TpduError::OtherType(first)),
        _ if first & HAS_HEADER == 0 => Err(TpduError::NoHeader),
        _ => Ok(first),
    }
}

/// TP-UDL in bytes, and the user data to the end.
fn user_data(mut reader: Reader<'_>, dcs: u8) -> Result<UserData, TpduError> {
    if !is_8_bit(dcs) {
        return Err(TpduError::OtherCoding(dcs));
    }
    let said = reader.u8().ok_or(TpduError::Cut("the user data length"))?;
    let there = reader.rest().len();
    if usize::from(said) != there || there > USER_DATA_MAX {
        return Err(TpduError::Length { said, there });
    }
    Ok(UserData::parse(reader.rest())?)
}

/// 3GPP TS 23.038 clause 4: general groups with alphabet 8 bits, and the group of data and class.
const fn is_8_bit(dcs: u8) -> bool {
    (dcs & 0xC0 == 0x00 && dcs & 0x2C == 0x04) || dcs & 0xF4 == 0xF4
}

fn put_user_data(bytes: &mut Vec<u8>, user_data: &UserData) {
    let user_data = user_data.to_bytes();
    bytes.push(user_data.len() as u8);
    bytes.extend_from_slice(&user_data);
}

//! How the numbers of `wire` stand in stored text: digits for numbers, fen for money, hexadecimal for bytes.

use onecard_wire::date::{Date, Moment, Time};

/// An amount: fen as a number.
pub(crate) mod amount {
    use onecard_wire::amount::Amount;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(value: &Amount, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u32(value.fen())
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Amount, D::Error> {
        u32::deserialize(from).map(Amount::from_fen)
    }
}

/// A purse: P2 of its commands.
pub(crate) mod purse {
    use onecard_wire::wallet::Purse;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(crate) fn serialize<S: Serializer>(value: &Purse, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u8(*value as u8)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Purse, D::Error> {
        Purse::from_p2(u8::deserialize(from)?).ok_or_else(|| D::Error::custom("a purse is 1 (ED) or 2 (EP)"))
    }
}

/// A moment: `YYYYMMDDHHMMSS`.
pub(crate) mod moment {
    use onecard_wire::date::Moment;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};
    use std::borrow::Cow;

    pub(crate) fn serialize<S: Serializer>(value: &Moment, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&super::moment_digits(*value))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Moment, D::Error> {
        let text = Cow::<str>::deserialize(from)?;
        super::parse_moment(&text).ok_or_else(|| D::Error::custom("not a moment YYYYMMDDHHMMSS"))
    }
}

/// Four bytes: 8 hexadecimal digits.
pub(crate) mod four_bytes {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};
    use std::borrow::Cow;

    pub(crate) fn serialize<S: Serializer>(value: &[u8; 4], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&hex::encode_upper(value))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<[u8; 4], D::Error> {
        let text = Cow::<str>::deserialize(from)?;
        super::parse_four_bytes(&text).ok_or_else(|| D::Error::custom("not 8 hexadecimal digits"))
    }
}

/// A status word: its number.
pub(crate) mod status_word {
    use onecard_wire::status::StatusWord;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(value: &StatusWord, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u16(value.0)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<StatusWord, D::Error> {
        u16::deserialize(from).map(StatusWord)
    }
}

/// Bytes of any length: hexadecimal digits.
pub(crate) mod bytes {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};
    use std::borrow::Cow;

    pub(crate) fn serialize<S: Serializer>(value: &impl AsRef<[u8]>, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&hex::encode_upper(value))
    }

    pub(crate) fn deserialize<'de, T: TryFrom<Vec<u8>>, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
        let bytes = hex::decode(&*Cow::<str>::deserialize(from)?).map_err(D::Error::custom)?;
        T::try_from(bytes).map_err(|_| D::Error::custom("another number of hexadecimal digits"))
    }
}

/// Four bytes that may be absent.
pub(super) mod four_bytes_or_none {
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    pub(crate) fn serialize<S: Serializer>(value: &Option<[u8; 4]>, to: S) -> Result<S::Ok, S::Error> {
        value.map(hex::encode_upper).serialize(to)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<[u8; 4]>, D::Error> {
        Option::<String>::deserialize(from)?
            .map(|text| super::parse_four_bytes(&text).ok_or_else(|| D::Error::custom("not 8 hexadecimal digits")))
            .transpose()
    }
}

/// `YYYYMMDDHHMMSS`.
pub(super) fn moment_digits(moment: Moment) -> String {
    hex::encode(moment.to_bytes())
}

/// From `YYYYMMDDHHMMSS`; `None` for anything else.
pub(super) fn parse_moment(text: &str) -> Option<Moment> {
    let (date, time) = text.split_at_checked(8)?;
    Some(Moment { date: Date::parse(date)?, time: Time::parse(time)? })
}

/// From 8 hexadecimal digits; `None` for anything else.
pub(super) fn parse_four_bytes(text: &str) -> Option<[u8; 4]> {
    let mut bytes = [0; 4];
    hex::decode_to_slice(text, &mut bytes).ok().map(|()| bytes)
}

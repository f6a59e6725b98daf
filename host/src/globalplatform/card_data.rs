//! What GET DATA says of a card: production data, recognition data, keys (11.3; annex H).

use core::fmt;

use iso7816_tlv::ber::Tlv;
use onecard_wire::{
    globalplatform::{KeyKind, tag},
    layout::Reader,
};

use super::template::{child, children, is, object, value};

/// Card production life cycle data: who made the card, and when. Dates are digits `YDDD`, 0000 where nothing was written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ProductionData {
    /// Maker of the chip.
    pub chip_maker: u16,
    /// Type of the chip.
    pub chip_type: u16,
    /// Operating system: its maker, release date and level.
    pub system: [u16; 3],
    /// When the chip was made.
    pub chip_made: u16,
    /// Serial number of the chip.
    pub chip_serial: u32,
    /// Batch of the chip.
    pub chip_batch: u16,
    /// Maker and date of the module.
    pub module: [u16; 2],
    /// Who put the module into the card, and when.
    pub embedding: [u16; 2],
    /// Who prepared the card for personalisation, when, and with which equipment.
    pub preparation: (u16, u16, u32),
    /// Who personalised it, when, and with which equipment.
    pub personalisation: (u16, u16, u32),
}

/// Card recognition data (annex H.2).
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct CardRecognition {
    /// Version of the card's specification, as the object identifier's last numbers: 2, 3, 1.
    pub version: Vec<u8>,
    /// Secure channel protocols, each with its parameter i as bytes: cards write what is no number of an identifier.
    pub channels: Vec<(u8, Vec<u8>)>,
}

/// A key of a domain, without its value (table 11-30).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeyInformation {
    /// Its id.
    pub id: u8,
    /// Version of its set.
    pub version: u8,
    /// Type and length in bytes of each component; a length of 0 is 256 or more.
    pub components: Vec<(KeyKind, u16)>,
}

impl ProductionData {
    /// Length in bytes.
    pub const LEN: usize = 42;

    /// From the answer to GET DATA 9F7F, or its value alone.
    #[must_use]
    pub fn parse(answer: &[u8]) -> Option<Self> {
        let [high, low] = tag::CPLC.to_be_bytes();
        let bytes = answer.strip_prefix(&[high, low, Self::LEN as u8]).unwrap_or(answer);
        let mut reader = Reader::new(bytes);
        let data = Self {
            chip_maker: reader.u16()?,
            chip_type: reader.u16()?,
            system: [reader.u16()?, reader.u16()?, reader.u16()?],
            chip_made: reader.u16()?,
            chip_serial: reader.u32()?,
            chip_batch: reader.u16()?,
            module: [reader.u16()?, reader.u16()?],
            embedding: [reader.u16()?, reader.u16()?],
            preparation: (reader.u16()?, reader.u16()?, reader.u32()?),
            personalisation: (reader.u16()?, reader.u16()?, reader.u32()?),
        };
        reader.end(data)
    }
}

impl CardRecognition {
    /// From the answer to GET DATA 66: `66{73{…}}`.
    #[must_use]
    pub fn parse(answer: &[u8]) -> Option<Self> {
        let data = object(answer, tag::CARD_DATA)?;
        child(&data, tag::CARD_RECOGNITION).and_then(Self::read)
    }

    /// From `73{…}`.
    pub(super) fn read(template: &Tlv) -> Option<Self> {
        let mut recognition = Self::default();
        if identifiers(template).next()? != MARK {
            return None;
        }
        for part in children(template) {
            for identifier in identifiers(part) {
                if is(part, tag::MANAGEMENT_VERSION) {
                    recognition.version = identifier.strip_prefix(&VERSION)?.to_vec();
                } else if is(part, tag::SECURE_CHANNEL) {
                    let (protocol, option) = identifier.strip_prefix(&CHANNEL)?.split_first()?;
                    recognition.channels.push((*protocol, option.to_vec()));
                }
            }
        }
        Some(recognition)
    }

    /// The parameter i of a protocol, if the card has it.
    #[must_use]
    pub fn option(&self, protocol: u8) -> Option<u8> {
        let mut options = self.channels.iter().filter(|(it, _)| *it == protocol);
        options.find_map(|(_, option)| option.first().copied())
    }
}

impl fmt::Display for CardRecognition {
    /// `2.3.1 · SCP02 i 55 · SCP03 i 70`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let version: Vec<String> = self.version.iter().map(ToString::to_string).collect();
        f.write_str(&version.join("."))?;
        let mut channels = self.channels.iter();
        channels.try_for_each(|(protocol, option)| write!(f, " · SCP{protocol:02X} i {}", hex::encode_upper(option)))
    }
}

impl KeyInformation {
    /// From the answer to GET DATA E0: `E0{C0 …}*`, the basic form and the extended one.
    #[must_use]
    pub fn parse_all(answer: &[u8]) -> Option<Vec<Self>> {
        let template = object(answer, tag::KEY_INFORMATION)?;
        children(&template).iter().filter(|child| is(child, tag::KEY)).map(|key| Self::read(value(key)?)).collect()
    }

    fn read(entry: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(entry);
        let mut key = Self { id: reader.u8()?, version: reader.u8()?, components: Vec::new() };
        let mut rest = reader;
        if rest.u8() == Some(EXTENDED) {
            key.components.push((KeyKind(rest.u8()?), rest.u16()?));
            // Usage and access follow.
            return Some(key);
        }
        while !reader.rest().is_empty() {
            key.components.push((KeyKind(reader.u8()?), u16::from(reader.u8()?)));
        }
        (!key.components.is_empty()).then_some(key)
    }
}

/// 1.2.840.114283.1, globalPlatform 1: these are recognition data.
const MARK: [u8; 7] = [0x2A, 0x86, 0x48, 0x86, 0xFC, 0x6B, 0x01];
/// globalPlatform 2: the version.
const VERSION: [u8; 7] = [0x2A, 0x86, 0x48, 0x86, 0xFC, 0x6B, 0x02];
/// globalPlatform 4: secure channels.
const CHANNEL: [u8; 7] = [0x2A, 0x86, 0x48, 0x86, 0xFC, 0x6B, 0x04];
/// A key type that says: the extended form.
const EXTENDED: u8 = 0xFF;

/// The object identifiers in a template.
fn identifiers(template: &Tlv) -> impl Iterator<Item = Vec<u8>> {
    let found = children(template).iter().filter(|child| is(child, tag::OBJECT_IDENTIFIER));
    found.filter_map(value).map(<[u8]>::to_vec)
}

/// A counter by GET DATA C1 or C2: the tag, or the value alone.
pub(super) fn counter(answer: &[u8], tag: u16) -> Option<u32> {
    let found = object(answer, tag);
    let bytes = found.as_ref().and_then(value).unwrap_or(answer);
    let fits = (1..=4).contains(&bytes.len());
    fits.then(|| bytes.iter().fold(0, |counter, byte| (counter << 8) | u32::from(*byte)))
}

/// An identification by GET DATA 42 or 45: the tag, or the value alone.
pub(super) fn identification(answer: &[u8], tag: u16) -> Vec<u8> {
    object(answer, tag).as_ref().and_then(value).unwrap_or(answer).to_vec()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;
    use hex_literal::hex;

    #[test]
    fn production_data_of_cards() {
        // kaoh/globalplatform, getDataTest.
        let answer =
            hex!("9F7F2A 4790D600470000000000 3244 34295220 8448 0000000000000000 15278234 32393532 0000000000000000");
        let data = ProductionData::parse(&answer).unwrap();
        assert_eq!((data.chip_maker, data.chip_type, data.system), (0x4790, 0xD600, [0x4700, 0, 0]));
        assert_eq!((data.chip_made, data.chip_serial, data.chip_batch), (0x3244, 0x3429_5220, 0x8448));
        assert_eq!(data.preparation, (0x1527, 0x8234, 0x3239_3532));
        assert_eq!(ProductionData::parse(&answer[3..]), Some(data), "CLA 00 gives the value alone");
        assert_eq!(ProductionData::parse(&answer[..44]), None);
        assert_eq!(ProductionData::parse(&hex!("FF401AE218E116C1144434050D9648B771CB3500D5398D36CE3F1C23A4")), None);
    }

    #[test]
    fn recognition_data_of_cards() {
        let read = |bytes: &[u8]| CardRecognition::parse(bytes).map(|data| data.to_string());
        // kaoh/globalplatform.
        let scp03 = hex!(
            "664D734B06072A864886FC6B01600B06092A864886FC6B020203630906072A864886FC6B03640B06092A864886FC6B040370650D060B2A
             864886FC6B0507020000660C060A2B060104012A026E0103"
        );
        assert_eq!(read(&scp03).unwrap(), "2.3 · SCP03 i 70");
        let two = hex!(
            "663F733D06072A864886FC6B01600C060A2A864886FC6B02020301630906072A864886FC6B03640B06092A864886FC6B040360640C060A
             2A864886FC6B04119B06"
        );
        assert_eq!(read(&two).unwrap(), "2.3.1 · SCP03 i 60 · SCP11 i 9B06");
        // GlobalPlatformPro: SCP80 is written as no identifier can be.
        let raw = hex!(
            "6657735506072A864886FC6B01600B06092A864886FC6B020202630906072A864886FC6B03640B06092A864886FC6B040370640B06092A
             864886FC6B048000650A06082A864886FC6B0504660C060A2B060104012A026E0103"
        );
        assert_eq!(read(&raw).unwrap(), "2.2 · SCP03 i 70 · SCP80 i 00");
        // skythen: three identifiers under one tag.
        let three = hex!(
            "666C736A06072A864886FC6B01600C060A2A864886FC6B02020201630906072A864886FC6B03642106092A864886FC6B04025506092A86
             4886FC6B04031006092A864886FC6B041001650B06092A864886FC6B020103660C060A2B060104012A026E010367030A010F68030B010F"
        );
        assert_eq!(read(&three).unwrap(), "2.2.1 · SCP02 i 55 · SCP03 i 10 · SCP10 i 01");
        assert_eq!(CardRecognition::parse(&three).unwrap().option(0x02), Some(0x55));
        for wrong in [&scp03[..40], &[&[0x65], &scp03[1..]].concat(), &hex!("6600"), &hex!("66047302 0600")] {
            assert_eq!(read(wrong), None);
        }
    }

    #[test]
    fn key_information_of_cards() {
        // GlobalPlatformPro, TestGPKeyInfo.
        let keys = KeyInformation::parse_all(&hex!(
            "E020 C00401018820 C00402018820 C00403018820 C0060170A180A003 C00401718010"
        ));
        let keys = keys.unwrap();
        assert_eq!(keys.len(), 5);
        assert_eq!(keys[2], KeyInformation { id: 3, version: 1, components: vec![(KeyKind::AES, 32)] });
        assert_eq!(keys[3].components, [(KeyKind(0xA1), 128), (KeyKind(0xA0), 3)]);
        assert_eq!(keys[4].components, [(KeyKind::DES, 16)]);
        let extended = KeyInformation::parse_all(&hex!("E00C C00A0130FF88001001180100")).unwrap();
        assert_eq!(extended, [KeyInformation { id: 1, version: 0x30, components: vec![(KeyKind::AES, 16)] }]);
        for wrong in [&hex!("E006C00301018800")[..], &hex!("E103C00100"), &hex!("E004C0020101")] {
            assert_eq!(KeyInformation::parse_all(wrong), None);
        }
    }

    #[test]
    fn counters() {
        assert_eq!(counter(&hex!("C1020123"), tag::SEQUENCE_COUNTER), Some(0x0123));
        assert_eq!(counter(&hex!("C103000107"), tag::SEQUENCE_COUNTER), Some(0x0107));
        assert_eq!(counter(&hex!("0123"), tag::SEQUENCE_COUNTER), Some(0x0123));
        assert_eq!(counter(&[], tag::SEQUENCE_COUNTER), None);
        assert_eq!(identification(&hex!("4503010203"), tag::CARD_IMAGE_NUMBER), [1, 2, 3]);
    }
}

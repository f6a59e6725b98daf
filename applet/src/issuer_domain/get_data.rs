//! GET DATA (GlobalPlatform Card Specification 2.3 clause 11.3, annex H; TS 102 226 clause 8.2.1.7 for FF21).

use onecard_wire::{
    aid::TOOLKIT_APPLET,
    globalplatform::{
        CLA_SECURE, KeyKind,
        secure_channel::{ProtocolId, scp02_option, scp03_option},
        tag,
    },
    ins::CLA_ISO,
    layout::Writer,
    status::StatusWord,
};

use super::{
    IssuerDomain, card_number,
    key_sets::{self, Protocol},
    region,
    secure_channel::ANSWER_DATA_MAX,
    tlv,
};
use crate::{
    apdu::{Command, Response, put},
    failure::{Failure, refuse},
    fs,
    platform::Platform,
    rfid_sim::KeySetCipher,
};

/// Security level of the session (table 11-25).
const SECURITY_LEVEL: u16 = 0xD3;
/// Bit of the security level: the host is authenticated (table 10-1).
const AUTHENTICATED: u8 = 0x80;
/// What asks for the list of applications: a tag list that names none.
const WHOLE_LIST: [u8; 2] = [tag::TAG_LIST as u8, 0x00];
/// An application's template in that list (ISO/IEC 7816-4 clause 12.2.2).
const APPLICATION_TEMPLATE: u16 = 0x61;

/// Card recognition data (annex H.2): GlobalPlatform 2.3.1, identified by the issuer domain's numbers, SCP02 and SCP03 with
/// their options.
#[rustfmt::skip]
const RECOGNITION: [u8; 62] = {
    const OID: [u8; 6] = [0x2A, 0x86, 0x48, 0x86, 0xFC, 0x6B];
    let [a, b, c, d, e, f] = OID;
    [
        0x73, 0x3C,
        0x06, 0x07, a, b, c, d, e, f, 0x01,
        0x60, 0x0C, 0x06, 0x0A, a, b, c, d, e, f, 0x02, 0x02, 0x03, 0x01,
        0x63, 0x09, 0x06, 0x07, a, b, c, d, e, f, 0x03,
        0x64, 0x0B, 0x06, 0x09, a, b, c, d, e, f, 0x04, 0x02, scp02_option::EXPLICIT_PSEUDO_RANDOM,
        0x64, 0x0B, 0x06, 0x09, a, b, c, d, e, f, 0x04, 0x03, scp03_option::OF_RFID_SIM,
    ]
};

/// Card capability information (annex H.4): protocols, their options, AES of 128, 192 and 256 bits.
#[rustfmt::skip]
const CAPABILITY: [u8; 20] = {
    const I: u8 = scp03_option::OF_RFID_SIM;
    [
        0xA0, 0x0A, 0x80, 0x01, ProtocolId::SCP03.0, 0x81, 0x02, I, I | scp03_option::S16, 0x82, 0x01, 0x07,
        0xA0, 0x06, 0x80, 0x01, ProtocolId::SCP02.0, 0x81, 0x01, scp02_option::EXPLICIT_PSEUDO_RANDOM,
    ]
};

/// What stands in an object.
type Value = heapless::Vec<u8, ANSWER_DATA_MAX>;

impl<P: Platform> IssuerDomain<'_, P> {
    /// GET DATA, P1 P2 the tag: CLA 00 answers the value, CLA 80 the whole object.
    pub(super) fn answer_data(&self, command: &Command<'_>, answer: &mut Response) -> Result<StatusWord, Failure> {
        let tag = u16::from_be_bytes([command.p1, command.p2]);
        let wanted: &[u8] = if tag == tag::APPLICATION_LIST { &WHOLE_LIST } else { &[] };
        if command.data != wanted {
            return refuse(StatusWord::WRONG_DATA);
        }
        let value = self.object(tag)?;
        // The list of applications is a list of templates, in no template of its own.
        if command.cla == CLA_ISO || tag == tag::APPLICATION_LIST {
            put(answer, &value)?;
        } else {
            tlv::put_object(answer, tag, &value)?;
        }
        if command.cla != CLA_SECURE {
            command.require_answer_len(answer.len())?;
        }
        Ok(StatusWord::OK)
    }

    /// # Errors
    /// 6A88 for an object that is not there.
    fn object(&self, tag: u16) -> Result<Value, StatusWord> {
        let bytes = |bytes: &[u8]| Value::from_slice(bytes).map_err(|_| StatusWord::INTERNAL_ERROR);
        match tag {
            tag::ISSUER_NUMBER => self.stored(region::ISSUER_NUMBER),
            tag::CARD_IMAGE_NUMBER => self.stored(region::CARD_IMAGE_NUMBER),
            tag::CARD_DATA => bytes(&RECOGNITION),
            tag::CARD_CAPABILITY => bytes(&CAPABILITY),
            tag::KEY_INFORMATION => self.key_information(),
            tag::SEQUENCE_COUNTER => self.sequence_counter(),
            SECURITY_LEVEL => bytes(&[self.session.channel.level().map_or(0, |level| level | AUTHENTICATED)]),
            tag::EXTENDED_RESOURCES => self.resources(),
            tag::CPLC => bytes(&self.production()),
            tag::APPLICATION_LIST => self.application_list(),
            _ => Err(StatusWord::DATA_NOT_FOUND),
        }
    }

    fn stored(&self, address: usize) -> Result<Value, StatusWord> {
        let [length] = self.nvm.array(address);
        if length == 0 {
            return Err(StatusWord::DATA_NOT_FOUND);
        }
        let content = self.nvm.array::<{ region::OBJECT_LEN_MAX }>(address + 1);
        let content = content.get(..usize::from(length)).ok_or(StatusWord::INTERNAL_ERROR)?;
        Value::from_slice(content).map_err(|_| StatusWord::INTERNAL_ERROR)
    }

    /// `C0 04 id version type length` of every key (table 11-27).
    fn key_information(&self) -> Result<Value, StatusWord> {
        let mut value = Value::new();
        for (_, set) in key_sets::sets(self.nvm) {
            for (id, key) in set.keys() {
                let kind = match key.cipher() {
                    KeySetCipher::Des => KeyKind::DES,
                    KeySetCipher::Aes => KeyKind::AES,
                };
                tlv::put_object(&mut value, tag::KEY, &[id, set.version, kind.0, key.value().len() as u8])?;
            }
        }
        Ok(value)
    }

    /// Of the key set that opens channels when the host names none, as long as its protocol has it.
    fn sequence_counter(&self) -> Result<Value, StatusWord> {
        let (place, set) = key_sets::opening(self.nvm).next().ok_or(StatusWord::KEY_NOT_FOUND)?;
        let [.., a, b, c] = place.counter(self.nvm).to_be_bytes();
        let counter: &[u8] =
            if Protocol::of_version(set.version) == Some(Protocol::Scp02) { &[b, c] } else { &[a, b, c] };
        Value::from_slice(counter).map_err(|_| StatusWord::INTERNAL_ERROR)
    }

    /// Number of applications, free memory that keeps, free memory that does not: applications need none of that. For a host
    /// that is authenticated: both numbers say how many enterprises the holder belongs to.
    fn resources(&self) -> Result<Value, StatusWord> {
        self.session.channel.dek()?;
        let applications = fs::applications(self.nvm).count() + 1;
        let free = fs::free_bytes(self.nvm) as u32;
        let mut value = Value::new();
        tlv::put_object(&mut value, 0x81, &[applications as u8])?;
        tlv::put_object(&mut value, 0x82, &free.to_be_bytes())?;
        tlv::put_object(&mut value, 0x83, &[0x00, 0x00])?;
        Ok(value)
    }

    /// Card production life cycle data, 42 bytes: of the maker's numbers there are the chip's serial and batch, which are
    /// digits of the card's number (own).
    fn production(&self) -> [u8; 42] {
        const IN_FRONT_OF_SERIAL: [u8; 12] = [0; 12];
        let [_, _, _, a, b, c, d, e, f, _] = card_number(self.nvm);
        Writer::new().put(&IN_FRONT_OF_SERIAL).put(&[c, d, e, f, a, b]).finish()
    }

    /// `61{4F AID}` of every application, for a host that is authenticated: to anybody else they are not listed.
    fn application_list(&self) -> Result<Value, StatusWord> {
        self.session.channel.dek()?;
        let mut value = Value::new();
        let mut list = |name: &[u8]| {
            tlv::put_header(&mut value, APPLICATION_TEMPLATE, name.len() + 2)?;
            tlv::put_object(&mut value, tag::AID, name)
        };
        list(&TOOLKIT_APPLET)?;
        fs::applications(self.nvm).try_for_each(|(_, file)| list(file.name()))?;
        Ok(value)
    }
}

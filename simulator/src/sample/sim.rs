//! A sample's SIMs, and enterprise applications on them.

use onecard_applet::{Blank, Interface, KeySet, KeySetCipher, SimData};
use onecard_host::{
    globalplatform::{
        Aid, ChannelKeys, OperatorsKeys,
        management::{StoreFormat, install_enterprise_application, personalise, store_data},
        secure_channel::{HostChallenge, Level, Request, Session, open},
        select_domain,
    },
    issuing::{CardOrder, issue_installed},
    keys::Purpose,
    over_the_air::message::Address,
};
use onecard_wire::{
    globalplatform::secure_channel::ProtocolId,
    number::{ApplicationSerial, EnterpriseId},
};
use rand::Rng;

use super::{SIM, Sample, SampleError};
use crate::{chip::Chip, memory::ChipFailure, reader::Reader};

/// Version of a SIM's SCP03 key set.
pub const SCP03_VERSION: u8 = 0x30;
/// Version of a SIM's SCP02 key set.
pub const SCP02_VERSION: u8 = 0x20;
/// Version of a SIM's first key set over the air.
pub const OTA_VERSION: u8 = 0x01;

/// A SIM as its maker delivers it, whose issuer domain has this one SCP03 key set; subscriber and codes are those of [`SIM`].
///
/// # Errors
/// [`ChipFailure`].
pub fn sim_of(iccid: [u8; 10], keys: &ChannelKeys, seed: u64) -> Result<Chip, ChipFailure> {
    let [enc, mac, dek] = keys.to_domain_keys();
    let set = KeySet {
        version: keys.version,
        cipher: KeySetCipher::Aes,
        enc: enc.expose(),
        mac: mac.expose(),
        dek: dek.expose(),
    };
    Chip::blank(Blank::RfidSim(&SimData { iccid, key_sets: &[set], ..SIM }), seed)
}

impl Sample {
    /// A SIM as its maker delivers it, under this sample's operator keys; `iccid` is EF_ICCID as stored. Subscriber and
    /// codes are those of [`SIM`].
    ///
    /// # Errors
    /// [`SampleError`].
    pub fn sim(&self, iccid: [u8; 10]) -> Result<Chip, SampleError> {
        let [_, _, number @ ..] = iccid;
        let chip = self.roots.chip(number);
        let key = |purpose| chip.keys().key(purpose, Self::KEY_VERSION).map(|key| key.expose().as_slice());
        let set = |version, cipher, [enc, mac, dek]: [Purpose; 3]| {
            Ok::<_, SampleError>(KeySet { version, cipher, enc: key(enc)?, mac: key(mac)?, dek: key(dek)? })
        };
        let key_sets = [
            set(SCP03_VERSION, KeySetCipher::Aes, [Purpose::Scp03Enc, Purpose::Scp03Mac, Purpose::Scp03Dek])?,
            set(SCP02_VERSION, KeySetCipher::Des, [Purpose::Scp02Enc, Purpose::Scp02Mac, Purpose::Scp02Dek])?,
            set(OTA_VERSION, KeySetCipher::Aes, [Purpose::OtaKic, Purpose::OtaKid, Purpose::OtaKik])?,
        ];
        let data = SimData { iccid, key_sets: &key_sets, ..SIM };
        Ok(Chip::blank(Blank::RfidSim(&data), self.seed ^ u64::from_be_bytes(number))?)
    }

    /// An application of `enterprise` on a SIM, by INSTALL and then as on a card.
    ///
    /// # Errors
    /// [`SampleError`].
    pub fn install(
        &mut self,
        chip: Chip,
        enterprise: EnterpriseId,
        serial: ApplicationSerial,
    ) -> Result<Chip, SampleError> {
        let keys = self.roots.enterprise(enterprise);
        let management = keys.card_key(serial, Purpose::Management, Self::KEY_VERSION)?;
        let mut reader = Reader::insert_at(chip, Interface::Contact);
        install_enterprise_application(&mut self.domain_session(&mut reader)?, enterprise, &management)?;
        let order = CardOrder { enterprise, ..self.order.clone() };
        issue_installed(&mut reader, &management, &keys.card(serial), &order)?;
        Ok(reader.remove())
    }

    /// A SIM whose menu sends requests to delete an application to that number (specification 15.6.5), under [`OTA_VERSION`].
    ///
    /// # Errors
    /// [`SampleError`].
    pub fn with_platform(&mut self, chip: Chip, platform: &Address) -> Result<Chip, SampleError> {
        let mut reader = Reader::insert_at(chip, Interface::Contact);
        let address = platform.to_bytes();
        // As the toolkit has an address: without the number of digits.
        let address = address.get(1..).unwrap_or_default();
        let length = u8::try_from(address.len()).unwrap_or(u8::MAX);
        let groups = [&[0x50, 0x01, length], address, &[0x50, 0x03, 1, OTA_VERSION]].concat();
        let mut session = self.domain_session(&mut reader)?;
        personalise(&mut session, &Aid::TOOLKIT)?;
        store_data(&mut session, StoreFormat::Groups, &[&groups])?;
        drop(session);
        Ok(reader.remove())
    }

    /// A session with the issuer domain of one of this sample's SIMs.
    fn domain_session<'r>(&mut self, reader: &'r mut Reader) -> Result<Session<&'r mut Reader>, SampleError> {
        let domain = select_domain(reader, &Aid::ISSUER_DOMAIN)?;
        let mut challenge = [0; 8];
        self.random.fill_bytes(&mut challenge);
        let operator = self.operators_keys();
        let request = Request {
            keys: &operator,
            level: Level::Full,
            challenge: HostChallenge::Eight(challenge),
            domain: Some(domain.aid.as_bytes()),
            scp02_pseudo_random: true,
        };
        Ok(open(reader, &request)?)
    }

    /// What opens the issuer domain of this sample's SIMs, by SCP03.
    #[must_use]
    pub fn operators_keys(&self) -> OperatorsKeys<'_> {
        OperatorsKeys {
            roots: &self.roots,
            root_version: Self::KEY_VERSION,
            protocol: ProtocolId::SCP03,
            version: SCP03_VERSION,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use onecard_host::card::select;
    use onecard_wire::aid;

    use super::*;

    #[test]
    fn eight_enterprises_are_on_one_sim() {
        let mut sample = Sample::new("eight enterprises").unwrap();
        let mut chip = sample.sim(SIM.iccid).unwrap();
        let enterprises: Vec<EnterpriseId> =
            (1..=8).map(|number| format!("100000000000000{number}").parse().unwrap()).collect();
        for (number, enterprise) in (1..).zip(&enterprises) {
            let serial = ApplicationSerial::from_parts(31, 1, number).unwrap();
            chip = sample.install(chip, *enterprise, serial).unwrap();
        }
        let mut reader = Reader::insert(chip);
        for (number, enterprise) in (1..).zip(enterprises) {
            let selected = select(&mut reader, &aid::enterprise_application(enterprise)).unwrap();
            assert_eq!(selected.serial(), ApplicationSerial::from_parts(31, 1, number).unwrap());
        }
    }
}

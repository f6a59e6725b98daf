//! The operator's platform, a network that does what it is told, and a phone with a RFID-SIM in it.

use onecard_host::{
    card::{SelectError, Selected, balance, select},
    keys::{Purpose, RootKeys},
    over_the_air::{
        Answer, CommandPacket, KeyInHand, MaintenanceKey, OtaKeySet, PacketCounter, PacketKeys, PacketTerms,
        ProofOfReceipt, ProofWay, Proven, RedundancyCheck, Script, SetVersion, Spi,
        message::{Assembly, Deliver, PacketKind, Reference, ServiceCentreTime, Submit, UserData, data_max, divide},
    },
};
use onecard_simulator::{
    chip::Chip,
    handset::{Handset, Settings},
    phone_slot::{Contacts, PhoneSlot},
    sample::{OTA_VERSION, SIM, Sample},
    tear::Cut,
};
use onecard_wire::{
    aid,
    amount::Amount,
    key::Algorithm,
    number::{ApplicationSerial, EnterpriseId},
    ota::PARTS_MAX,
    wallet::Purse,
};

/// What becomes of one packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fate {
    /// It arrives, and so does its proof.
    Good,
    Lost,
    ProofLost,
    /// It arrives twice; the proof of the second copy comes.
    Twice,
    /// It arrives only behind the next packet; nothing comes of it in time.
    Late,
}

pub(crate) const FATES: [Fate; 5] = [Fate::Good, Fate::Lost, Fate::ProofLost, Fate::Twice, Fate::Late];

/// The platform with its keys, and the phone.
pub(crate) struct Bench {
    pub(crate) roots: RootKeys,
    pub(crate) set: OtaKeySet,
    pub(crate) keys: PacketKeys,
    pub(crate) slot: PhoneSlot,
    phone: Handset<Contacts>,
    counter: u64,
    late: Vec<CommandPacket>,
    /// Packets sent.
    pub(crate) packets: usize,
}

pub(crate) fn serial() -> ApplicationSerial {
    ApplicationSerial::from_parts(31, 1, 7).unwrap()
}

pub(crate) fn enterprise() -> EnterpriseId {
    Sample::ENTERPRISE.parse().unwrap()
}

pub(crate) fn sample() -> Sample {
    Sample::new("over the air").unwrap()
}

/// Of an enterprise that has made its next keys: its cards have the old ones still.
pub(crate) fn with_next_keys() -> Sample {
    sample().with_next_keys(Algorithm::Des).unwrap()
}

impl Bench {
    pub(crate) fn new(sample: &Sample, chip: Chip) -> Self {
        let [_, _, number @ ..] = SIM.iccid;
        let roots = sample.roots().clone();
        let version = SetVersion::new(OTA_VERSION).unwrap();
        let set = OtaKeySet::of_chip(&roots, Sample::KEY_VERSION, (number, version), true).unwrap();
        let slot = PhoneSlot::new(chip);
        let mut phone = Handset::new(slot.contacts(), Settings::default());
        phone.boot().unwrap();
        Self { keys: PacketKeys::new(&set), roots, set, slot, phone, counter: 0, late: Vec::new(), packets: 0 }
    }

    /// Cuts the power at that operation from now on, once.
    pub(crate) fn cut_power_at(&mut self, cut: Cut) {
        self.slot.with_chip(|chip| {
            let operation = chip.operations() + cut.operation;
            chip.cut_power_at(Cut { operation, ..cut });
        });
    }

    /// Programming operations since the phone was switched on.
    pub(crate) fn operations(&self) -> u64 {
        self.slot.with_chip(|chip| chip.operations())
    }

    pub(crate) fn phone(&mut self) -> &mut Handset<Contacts> {
        &mut self.phone
    }

    /// The maintenance key that the card says it has, of all versions there are, the newest first.
    pub(crate) fn keeper(&self, shown: MaintenanceKey) -> KeyInHand {
        let keys = self.roots.enterprise(enterprise());
        let versions = keys.keys().versions(Purpose::Maintenance);
        let of_card = versions.iter().map(|version| keys.card_key(serial(), Purpose::Maintenance, *version).unwrap());
        of_card.map(KeyInHand).find(|KeyInHand(key)| shown.may_be(key)).unwrap()
    }

    pub(crate) fn reserve(&mut self) -> PacketCounter {
        self.counter += 1;
        PacketCounter::new(self.counter).unwrap()
    }

    pub(crate) fn terms(
        script_tar: onecard_host::over_the_air::Tar,
        counter: PacketCounter,
        way: ProofWay,
    ) -> PacketTerms {
        let proof = ProofOfReceipt { way, ..Spi::FULL.proof };
        PacketTerms {
            spi: Spi { proof, ..Spi::FULL },
            redundancy_check: RedundancyCheck::Crc32,
            tar: script_tar,
            counter,
        }
    }

    /// Sends a packet; the proof that comes in time.
    pub(crate) fn exchange(
        &mut self,
        script: &Script,
        counter: PacketCounter,
        way: ProofWay,
        fate: Fate,
    ) -> Option<Proven> {
        self.packets += 1;
        let terms = Self::terms(script.tar(), counter, way);
        let data = script.to_bytes();
        assert!(data.len() <= data_max(&self.keys, &terms, Reference::Wide(0), PARTS_MAX));
        let packet = CommandPacket::build(&self.keys, terms, &data).unwrap();
        let late = core::mem::take(&mut self.late);
        let proof = match fate {
            Fate::Good => self.deliver(&packet),
            Fate::Lost => None,
            Fate::ProofLost => {
                self.deliver(&packet);
                None
            }
            Fate::Twice => {
                self.deliver(&packet);
                self.deliver(&packet)
            }
            Fate::Late => {
                self.late.push(packet);
                None
            }
        };
        for packet in late {
            self.deliver(&packet);
        }
        proof
    }

    /// What is still under way arrives.
    pub(crate) fn deliver_late(&mut self) {
        for packet in core::mem::take(&mut self.late) {
            self.deliver(&packet);
        }
    }

    /// Brings a packet to the phone, in its parts; the proof that the phone brings back. A phone whose card has lost its power is
    /// switched on again.
    fn deliver(&mut self, packet: &CommandPacket) -> Option<Proven> {
        let reference = Reference::Wide(packet.terms.counter.number() as u16);
        let (reports, sent) = (self.phone.reports().len(), self.phone.sent().len());
        for part in divide(PacketKind::Command, &packet.bytes, reference).unwrap() {
            let tpdu = Deliver::download("10086".parse().unwrap(), ServiceCentreTime([0; 7]), part).to_bytes();
            if self.phone.receive(&[0x91, 0x68, 0x01], &tpdu).is_err() {
                self.phone.boot().unwrap();
                return None;
            }
        }
        assert_eq!(self.phone.complaints(), []);
        let in_report = self.phone.reports()[reports..].iter().filter_map(|report| in_report(&report.tpdu));
        let submitted = submitted(self.phone.sent()[sent..].iter().map(|sent| sent.tpdu.as_slice()));
        let mut answers: Vec<_> = in_report.chain(submitted).collect();
        let answer = answers.pop()?;
        match Answer::read(&self.keys, &packet.terms, &answer).unwrap() {
            Answer::Proven(proven) => Some(proven),
            Answer::Hint(hint) => panic!("{hint:?}"),
        }
    }

    /// The application as a terminal finds it.
    pub(crate) fn by_radio(&mut self) -> Result<Selected, SelectError> {
        let mut field = self.slot.field();
        field.enter();
        let selected = select(&mut field, &aid::enterprise_application(enterprise()));
        field.leave();
        selected
    }

    pub(crate) fn balance_by_radio(&mut self) -> Amount {
        let mut field = self.slot.field();
        field.enter();
        let card = select(&mut field, &aid::enterprise_application(enterprise())).unwrap();
        let balance = balance(&mut field, &card, Purse::Ep).unwrap();
        field.leave();
        balance
    }
}

/// The response packet of an SMS-DELIVER-REPORT: `00 07 PID DCS length ‖ 02 71 00 ‖ packet`.
fn in_report(tpdu: &[u8]) -> Option<Vec<u8>> {
    Answer::packet_of(tpdu.get(5..)?).map(<[u8]>::to_vec)
}

/// The response packet in messages of the card.
fn submitted<'m>(messages: impl Iterator<Item = &'m [u8]>) -> Option<Vec<u8>> {
    let mut parts: Vec<UserData> = messages.map(|tpdu| Submit::parse(tpdu).unwrap().user_data).collect();
    // As they may come.
    parts.reverse();
    let mut parts = parts.into_iter();
    let first = parts.next()?;
    if first.concatenation.is_none() {
        return Some(first.body);
    }
    let mut assembly = Assembly::begin(first).unwrap();
    parts.for_each(|part| assembly.add(part).unwrap());
    let (kind, packet) = assembly.packet().unwrap();
    assert_eq!(kind, PacketKind::Response);
    Some(packet)
}

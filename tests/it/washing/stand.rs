//! Cards and SAMs before a wash, the station, and what a washed card looks like.

use onecard_applet::{Blank, Interface};
use onecard_host::{
    apdu::{Command, exchange},
    crypto::Key,
    globalplatform::{
        Aid,
        management::install_enterprise_application,
        secure_channel::{HostChallenge, Level, Request, open},
        select_domain,
    },
    issuing::{
        CardOrder, CardWash, Condition, IssuingError, Known, MfKeys, NotOurs, Opener, SamCardOrder, SamWash, examine,
        examine_sam, prepare_mf_resumable, wash_card_to_enterprise, wash_card_to_operator, wash_sam_to_enterprise,
        wash_sam_to_operator,
    },
    key_store::{KeyStore, SoftwareStore},
    keys::{EnterpriseKeys, Purpose, diversify},
    sam::{SoftwareSam, SoftwareSamState},
};
use onecard_simulator::{
    chip::Chip,
    reader::Reader,
    sample::{SIM, Sample},
};
use onecard_wire::{
    aid, ins,
    key::{Algorithm, KeyListEntry, KeyType, KeyVersion},
    number::{ApplicationSerial, TerminalNumber},
    sam::UsageKind,
};

use super::tries::{Metered, Tries};

/// Every cipher.
pub(crate) const ALGORITHMS: [Algorithm; 3] = [Algorithm::Des, Algorithm::Sm4, Algorithm::Aes];

/// What is washed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    CpuCard,
    /// A CPU card that lists no keys, as bought.
    AsBought,
    RfidSim,
    Sam,
}

impl Kind {
    pub(crate) const ALL: [Self; 4] = [Self::CpuCard, Self::AsBought, Self::RfidSim, Self::Sam];
    /// The operator's first wash; INSTALL does it on a RFID-SIM.
    pub(crate) const FOUNDED: [Self; 3] = [Self::CpuCard, Self::AsBought, Self::Sam];
}

/// One station and the card it has.
pub(crate) struct Stand {
    pub(crate) kind: Kind,
    pub(super) tries: Tries,
    /// Whether the card tells its keys.
    pub(super) lists: bool,
    sample: Sample,
    serial: ApplicationSerial,
    order: CardOrder,
    sam_order: SamCardOrder,
}

impl Stand {
    pub(crate) fn new(kind: Kind, algorithm: Algorithm) -> Self {
        let sample = Sample::with_algorithm("washing", algorithm).unwrap().with_next_keys(algorithm).unwrap();
        let serial = ApplicationSerial::from_parts(31, 1, 77).unwrap();
        let order = sample.order();
        let terminal: TerminalNumber = "000000001234".parse().unwrap();
        let sam_order = SamCardOrder {
            serial: format!("00000000{terminal}").parse().unwrap(),
            directory: order.directory,
            terminal,
            valid_from: order.valid_from,
            valid_to: order.valid_to,
            load_limit: Sample::LOAD_LIMIT,
            own_key_version: Sample::KEY_VERSION,
            keys: [UsageKind::PURCHASE, UsageKind::LOAD, UsageKind::CANCEL, UsageKind::MARKING]
                .map(|kind| (kind, Sample::KEY_VERSION))
                .into_iter()
                .chain([(UsageKind::LOAD, KeyVersion(2))])
                .collect(),
        };
        Self { kind, tries: Tries::default(), lists: kind != Kind::AsBought, sample, serial, order, sam_order }
    }

    /// The enterprise's master keys.
    pub(crate) fn keys(&self) -> &EnterpriseKeys {
        self.sample.keys()
    }

    /// How many keys one wash writes.
    pub(crate) fn exports(&self) -> u32 {
        match self.kind {
            // Control, maintenance, working keys.
            Kind::Sam => 2 + u32::try_from(self.sam_order.keys.len()).unwrap(),
            // The keys of a card, those beside, the PIN.
            _ => 17 + u32::try_from(self.order.beside.len()).unwrap() + 1,
        }
    }

    /// As the maker delivers it.
    pub(crate) fn blank(&self) -> Chip {
        match self.kind {
            Kind::CpuCard | Kind::AsBought => Chip::blank(Blank::CpuCard, 7).unwrap(),
            Kind::Sam => Chip::blank(Blank::Sam, 7).unwrap(),
            Kind::RfidSim => self.sample.sim(SIM.iccid).unwrap(),
        }
    }

    /// After the first wash.
    pub(crate) fn operators(&self) -> Chip {
        let mut reader = self.insert(self.blank());
        match self.kind {
            Kind::RfidSim => self.install(&mut reader),
            _ => self.first_wash(&mut reader).unwrap(),
        }
        reader.remove()
    }

    pub(crate) fn insert(&self, chip: Chip) -> Reader {
        Reader::insert_at(chip, if self.kind == Kind::RfidSim { Interface::Contact } else { Interface::Radio })
    }

    fn install(&self, reader: &mut Reader) {
        let domain = select_domain(reader, &Aid::ISSUER_DOMAIN).unwrap();
        let operator = self.sample.operators_keys();
        let request = Request {
            keys: &operator,
            level: Level::Full,
            challenge: HostChallenge::Eight([7; 8]),
            domain: Some(domain.aid.as_bytes()),
            scp02_pseudo_random: true,
        };
        let mut session = open(reader, &request).unwrap();
        install_enterprise_application(&mut session, self.sample.enterprise(), &self.management()).unwrap();
    }

    fn management(&self) -> Key {
        let keys = self.sample.keys();
        match self.kind {
            Kind::Sam => {
                let master = keys.keys().key(Purpose::SamManagement, Sample::KEY_VERSION).unwrap();
                diversify(master, self.sam_order.serial.factor())
            }
            _ => keys.card_key(self.serial, Purpose::Management, Sample::KEY_VERSION).unwrap(),
        }
    }

    /// What a station does with a card it is given, from blank on, as often as it takes.
    pub(crate) fn first_wash(&self, reader: &mut Reader) -> Result<(), Stopped> {
        let sample = &self.sample;
        let mf = match self.kind {
            Kind::Sam => MfKeys::of_sam(&sample.roots().chip(self.sam_order.serial.factor()), Sample::KEY_VERSION),
            _ => MfKeys::of_card(&sample.roots().chip(self.serial.to_bytes()), Sample::KEY_VERSION),
        };
        let mf = mf.unwrap();
        let transport = &mut self.metered(reader);
        let examined = match self.kind {
            Kind::Sam => examine_sam(transport, sample.enterprise(), Some(&mf)),
            _ => examine(transport, sample.enterprise(), Some(&mf)),
        };
        let opener = match examined.map_err(Stopped::Condition)? {
            Condition::Blank => Opener::TransportKey,
            Condition::Unfinished(opener) => opener,
            issued @ Condition::Issued { .. } => panic!("nothing is issued yet: {issued:?}"),
        };
        if opener != Opener::ControlKey {
            prepare_mf_resumable(transport, &opener.key(&mf), &mf).map_err(Stopped::Issuing)?;
        }
        let washed = match self.kind {
            Kind::Sam => {
                let management = (&self.management(), Sample::KEY_VERSION);
                let (enterprise, known) = (sample.enterprise(), Known::default());
                let order = &self.sam_order;
                wash_sam_to_operator(transport, &mf, management, enterprise, order, known, &mut known.clone())
            }
            _ => {
                let application = (sample.enterprise(), self.serial, self.order.directory);
                let known = Known::default();
                wash_card_to_operator(transport, &mf, &self.management(), application, known, &mut known.clone())
            }
        };
        washed.map_err(Stopped::Issuing)
    }

    /// The first wash of a card with an MF of the operator's, by a station that knows `known` and takes notes.
    pub(super) fn operators_wash(&self, reader: &mut Reader, known: Known) -> (Result<(), IssuingError>, Known) {
        let roots = self.sample.roots();
        let (management, mut notes) = (self.management(), known);
        let transport = &mut self.metered(reader);
        let washed = match self.kind {
            Kind::Sam => {
                let mf = MfKeys::of_sam(&roots.chip(self.sam_order.serial.factor()), Sample::KEY_VERSION).unwrap();
                let management = (&management, Sample::KEY_VERSION);
                let (enterprise, order) = (self.sample.enterprise(), &self.sam_order);
                wash_sam_to_operator(transport, &mf, management, enterprise, order, known, &mut notes)
            }
            _ => {
                let mf = MfKeys::of_card(&roots.chip(self.serial.to_bytes()), Sample::KEY_VERSION).unwrap();
                let application = (self.sample.enterprise(), self.serial, self.order.directory);
                wash_card_to_operator(transport, &mf, &management, application, known, &mut notes)
            }
        };
        (washed, notes)
    }

    fn metered<'s>(&'s self, reader: &'s mut Reader) -> Metered<'s> {
        Metered { reader, lists: self.lists, tries: &self.tries, in_application: false }
    }

    /// The second wash, by a station that knows `known` and takes notes.
    pub(crate) fn second_wash(&self, reader: &mut Reader, known: Known) -> (Result<(), IssuingError>, Known) {
        self.second_wash_by(&mut SoftwareStore::new(self.keys().clone()), reader, known)
    }

    /// The same with the keys of another store.
    pub(crate) fn second_wash_by(
        &self,
        store: &mut dyn KeyStore,
        reader: &mut Reader,
        known: Known,
    ) -> (Result<(), IssuingError>, Known) {
        let mut sam = self.issuing_sam();
        let mut notes = known;
        let transport = &mut self.metered(reader);
        let management = Sample::KEY_VERSION;
        let washed = match self.kind {
            Kind::Sam => {
                let wash = SamWash { order: &self.sam_order, management };
                wash_sam_to_enterprise(transport, store, Some(&mut sam), &wash, known, &mut notes)
            }
            _ => {
                let wash = CardWash { serial: self.serial, order: &self.order, management };
                wash_card_to_enterprise(transport, store, &mut sam, &wash, known, &mut notes).map(drop)
            }
        };
        (washed, notes)
    }

    fn issuing_sam(&self) -> SoftwareSam {
        let state = SoftwareSamState {
            terminal: "000000009999".parse().unwrap(),
            next_sequence: 0,
            load_limit_fen: 0,
            last_load: None,
            last_purchase: None,
            randoms_made: 0,
        };
        SoftwareSam::new(self.sample.keys().clone(), Sample::KEY_VERSION, state)
    }

    /// What anybody sees of the application: its key list and what is free to read. With `replaced` masked where a key has no
    /// version, as a station without a journal may have written it twice.
    pub(crate) fn portrait(&self, chip: &Chip, masked: bool) -> Vec<Vec<u8>> {
        let mut reader = self.insert(chip.snapshot());
        let (name, files) = match self.kind {
            Kind::Sam => (aid::sam_application(self.sample.enterprise()), [0x97, 0x99].as_slice()),
            _ => (aid::enterprise_application(self.sample.enterprise()), [0x95, 0x97, 0x99].as_slice()),
        };
        let select = Command::new(ins::CLA_ISO, ins::SELECT, 0x04, 0x00).with_data(&name).expecting(0);
        exchange(&mut reader, &select).unwrap().done().unwrap();
        let mut told = Vec::new();
        let list = Command::new(ins::CLA_PBOC, ins::GET_DATA, 0x00, ins::KEY_LIST).expecting(0);
        let list = exchange(&mut reader, &list).unwrap().done().unwrap();
        let entries = list.rchunks_exact(KeyListEntry::LEN + 2).rev();
        told.extend(entries.map(|entry| {
            let [tag, length, key_type, id, version, algorithm, tries] = *entry.first_chunk().unwrap();
            let uncounted = masked && KeyType(key_type).counts_errors() && tag == KeyListEntry::TAG;
            vec![tag, length, key_type, id, if uncounted { 0 } else { version }, algorithm, tries]
        }));
        for sfi in files {
            let read = Command::new(ins::CLA_ISO, ins::READ_BINARY, *sfi, 0).expecting(0);
            told.push(exchange(&mut reader, &read).unwrap().done().unwrap());
        }
        told
    }
}

/// Why a first wash stopped.
#[derive(Debug)]
pub(crate) enum Stopped {
    Condition(NotOurs),
    Issuing(IssuingError),
}

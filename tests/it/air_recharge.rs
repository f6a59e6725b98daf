//! The platform's packets and the card's, which share no code, against each other: a recharge with what may become of its messages,
//! and what the wallet shows by radio behind it.

use onecard_applet::Interface;
use onecard_host::{
    card::{balance, select},
    crypto::{SessionKey, TransactionTerms},
    keys::{Purpose, RootKeys},
    over_the_air::{
        Answer, CommandPacket, OtaKeySet, PacketCounter, PacketKeys, PacketTerms, Proven, RedundancyCheck, Script,
        SetVersion, Spi, Tar,
        message::{Deliver, PacketKind, Reference, ServiceCentreTime, divide},
        recharge::{Decision, Next, Patience, Recharge, RechargeTerms},
    },
    transport::Transport,
};
use onecard_simulator::{
    chip::Chip,
    reader::Reader,
    sample::{OTA_VERSION, SIM, Sample},
};
use onecard_wire::{
    aid,
    amount::Amount,
    date::Moment,
    key::Algorithm,
    number::{ApplicationSerial, EnterpriseId, TerminalNumber},
    wallet::{Purse, TransactionType},
};

use crate::over_the_air::envelope;

const AMOUNT: Amount = Amount::from_fen(5_000);

/// The operator's platform, and the phone with the SIM in it.
struct Platform {
    roots: RootKeys,
    prepared: PacketKeys,
    counter: u64,
    phone: Reader,
}

impl Platform {
    fn new(sample: &Sample, chip: Chip) -> Self {
        let [_, _, number @ ..] = SIM.iccid;
        let roots = sample.operators_keys().roots.clone();
        let set = SetVersion::new(OTA_VERSION).unwrap();
        let keys = OtaKeySet::of_chip(&roots, Sample::KEY_VERSION, (number, set), true).unwrap();
        let prepared = PacketKeys::new(&keys);
        Self { roots, prepared, counter: 0, phone: Reader::insert_at(chip, Interface::Contact) }
    }

    fn terms(&self, tar: Tar, counter: PacketCounter) -> PacketTerms {
        PacketTerms { spi: Spi::FULL, redundancy_check: RedundancyCheck::Crc32, tar, counter }
    }

    fn reserve(&mut self) -> PacketCounter {
        self.counter += 1;
        PacketCounter::new(self.counter).unwrap()
    }

    fn packet(&self, script: &Script, counter: PacketCounter) -> CommandPacket {
        CommandPacket::build(&self.prepared, self.terms(script.tar(), counter), &script.to_bytes()).unwrap()
    }

    /// Brings a packet to the card; its report.
    fn deliver(&mut self, packet: &CommandPacket) -> Vec<u8> {
        let parts = divide(PacketKind::Command, &packet.bytes, Reference::Wide(self.counter as u16)).unwrap();
        let mut report = Vec::new();
        for part in parts {
            let tpdu = Deliver::download("10086".parse().unwrap(), ServiceCentreTime([0; 7]), part).to_bytes();
            report = self.phone.transmit(&envelope(&tpdu)).unwrap();
            let status = report.split_off(report.len() - 2);
            assert_eq!(status, [0x90, 0x00]);
        }
        report
    }

    /// Delivers it and believes the proof.
    fn proven(&mut self, packet: &CommandPacket) -> Proven {
        let report = self.deliver(packet);
        match Answer::read(&self.prepared, &packet.terms, Answer::packet_of(&report).unwrap()).unwrap() {
            Answer::Proven(proven) => proven,
            Answer::Hint(hint) => panic!("{hint:?}"),
        }
    }

    /// By the steps, each packet delivered so often; those whose proof is lost are told by their number from 1.
    fn recharge(
        &mut self,
        terms: RechargeTerms,
        load_key: &onecard_host::crypto::Key,
        fates: &[(usize, bool)],
    ) -> Decision {
        let begun = Recharge::begin(terms, Patience { packets: 2, credits: 2 }).unwrap();
        let (mut next, mut fates) = (Next::Send(begun), fates.iter());
        loop {
            next = match next {
                Next::Send(recharge) => {
                    let (copies, proof_lost) = fates.next().copied().unwrap_or((1, false));
                    let counter = self.reserve();
                    let packet = self.packet(&recharge.script().unwrap(), counter);
                    let proofs: Vec<Proven> = (0..copies).map(|_| self.proven(&packet)).collect();
                    match proofs.last() {
                        Some(proven) if !proof_lost => recharge.answered(proven),
                        _ => recharge.timed_out(),
                    }
                }
                Next::Approve(approval) => {
                    let initialized = approval.initialized;
                    let session = SessionKey::of_load(load_key, initialized.random, initialized.online_sequence);
                    let terms = transaction(&terms);
                    assert_eq!(session.load_mac1(initialized.old_balance, &terms), initialized.mac1);
                    approval.approved(moment(), session.load_mac2(&terms))
                }
                Next::Judge(judgement) => {
                    let enterprise = self.roots.enterprise(terms.enterprise);
                    judgement.decide_by(&enterprise.card_key(serial(), Purpose::Tac, Sample::KEY_VERSION).unwrap())
                }
                Next::Ended(decision) => return decision,
            };
        }
    }
}

fn serial() -> ApplicationSerial {
    ApplicationSerial::from_parts(31, 1, 7).unwrap()
}

fn enterprise() -> EnterpriseId {
    Sample::ENTERPRISE.parse().unwrap()
}

fn moment() -> Moment {
    Moment::from_bytes([0x20, 0x26, 0x11, 0x29, 0x12, 0, 0]).unwrap()
}

fn recharge_terms() -> RechargeTerms {
    let terminal = TerminalNumber([0x31, 0, 0, 0, 0, 1]);
    RechargeTerms { enterprise: enterprise(), purse: Purse::Ep, key_id: 0x11, amount: AMOUNT, terminal }
}

fn transaction(terms: &RechargeTerms) -> TransactionTerms {
    TransactionTerms {
        amount: terms.amount,
        transaction_type: TransactionType::load(terms.purse),
        terminal: terms.terminal,
        moment: moment(),
    }
}

fn balance_by_radio(chip: Chip) -> Amount {
    let mut reader = Reader::insert(chip);
    let card = select(&mut reader, &aid::enterprise_application(enterprise())).unwrap();
    assert_eq!(card.serial(), serial());
    balance(&mut reader, &card, Purse::Ep).unwrap()
}

#[test]
fn a_recharge_whatever_becomes_of_its_messages() {
    for algorithm in [Algorithm::Des, Algorithm::Sm4, Algorithm::Aes] {
        for (fates, credited, packets) in [
            (&[][..], true, 2),
            // CREDIT comes twice: its refusal is proven, and it was executed.
            (&[(1, false), (2, false)], true, 3),
            // Its proof is lost; the card is asked.
            (&[(1, false), (1, true)], true, 3),
            // It is lost itself; the card is asked, and it goes out in a new packet.
            (&[(1, false), (0, true)], true, 4),
            // Both are lost; the load is ended.
            (&[(1, false), (0, true), (1, false), (0, true)], false, 6),
            (&[(0, true), (0, true)], false, 2),
        ] {
            let mut sample = Sample::with_algorithm("over the air", algorithm).unwrap();
            let chip = sample.sim(SIM.iccid).unwrap();
            let chip = sample.install(chip, enterprise(), serial()).unwrap();
            let mut platform = Platform::new(&sample, chip);
            let keys = platform.roots.enterprise(enterprise());
            let load_key = keys.card_key(serial(), Purpose::LoadForAir, Sample::KEY_VERSION).unwrap();
            let decision = platform.recharge(recharge_terms(), &load_key, fates);
            assert_eq!(matches!(decision, Decision::Credited { .. }), credited, "{fates:?}: {decision:?}");
            assert_eq!(platform.counter, packets, "{fates:?}");
            let expected = if credited { AMOUNT } else { Amount::ZERO };
            assert_eq!(balance_by_radio(platform.phone.remove()), expected, "{fates:?}");
        }
    }
}

//! Parsers that we did not write agree with what we build: commands by `iso7816`, FCIs by `iso7816-tlv`.

use std::collections::BTreeSet;

use iso7816::command::CommandView;
use iso7816_tlv::ber::{Tag, Tlv, Value};
use onecard_applet::{Blank, Kind};
use onecard_host::{
    apdu::Command,
    card::{SelectError, select},
    crypto::DesKey,
    issuing::{MfKeys, prepare_mf},
    terminal::{InMemoryStore, Outcome, purchase, recharge},
    transport::{Transport, TransportError},
};
use onecard_simulator::{chip::Chip, reader::Reader};
use onecard_tests::world::World;
use onecard_wire::{aid, record::PublicData};
use proptest::prelude::*;
use rand::{SeedableRng, rngs::ChaCha8Rng};

use crate::{
    apdu_budget::{Counting, sale, top_up},
    probe::Probe,
};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// Whatever command can be built, theirs reads the same. FMCOS ends a command without data by 00, which is an Le of
    /// "all": 256.
    #[test]
    fn any_command_reads_the_same(
        cla in prop::sample::select(vec![0x00u8, 0x04, 0x80, 0x84]),
        header in any::<[u8; 3]>(),
        data in prop::collection::vec(any::<u8>(), 0..=239),
        le in prop::option::of(any::<u8>()),
    ) {
        let [ins, p1, p2] = header;
        // ISO/IEC 7816-3 clause 12.1.2: no instruction begins with 6 or 9.
        prop_assume!(!matches!(ins >> 4, 0x6 | 0x9));
        let command = Command::new(cla, ins, p1, p2).with_bytes(&data).unwrap();
        let command = le.map_or(command.clone(), |le| command.expecting(le));
        let wire = command.to_bytes();
        let theirs = CommandView::try_from(&wire[..]).unwrap();
        prop_assert_eq!(theirs.class().into_inner(), cla);
        prop_assert_eq!(u8::from(theirs.instruction()), ins);
        prop_assert_eq!((theirs.p1, theirs.p2, theirs.data()), (p1, p2, &data[..]));
        let all = |le: u8| if le == 0 { 256 } else { usize::from(le) };
        let expected = match le {
            None if data.is_empty() => 256,
            None => 0,
            Some(le) => all(le),
        };
        prop_assert_eq!(theirs.expected(), expected);
    }

    /// The FCI of any application: template, name, content of the file named at its creation.
    #[test]
    fn the_cards_fci_reads_the_same(
        name in prop::collection::vec(any::<u8>(), 5..=16),
        content in prop::collection::vec(any::<u8>(), 1..=100),
    ) {
        let mut probe = Probe::erased(Kind::CpuCard);
        probe.done(&format!("80E01001{:02X} 38 FFFF F0F0 95 FFFF {}", 8 + name.len(), hex::encode(&name)));
        probe.done("00A40000021001");
        probe.create("0015", &format!("28 {:04X} F0F0 FF FF", content.len()));
        probe.done(&format!("00D69500{:02X}{}", content.len(), hex::encode(&content)));
        let fci = Tlv::from_bytes(&probe.done("00A40000021001")).unwrap();
        prop_assert_eq!(fci.tag().to_bytes(), &[0x6F]);
        prop_assert_eq!(primitive(&fci, 0x84), Some(name));
        let there = (content.len() <= 96).then_some(content);
        let proprietary = child(&fci, 0xA5);
        prop_assert_eq!(proprietary.is_some(), there.is_some());
        prop_assert_eq!(proprietary.and_then(|it| primitive(it, 0x9F0C)), there);
    }

    /// FCIs as other cards write them: more objects, in any order, 9F08 in front.
    #[test]
    fn the_hosts_reader_takes_any_order(order in Just(vec![0u8, 1, 2]).prop_shuffle(), version in any::<bool>()) {
        let enterprise = World::shared().enterprise_id();
        let name = aid::enterprise_application(enterprise);
        let content = public_data().emit();
        let mut inner = vec![leaf(0x9F0C, &content)];
        if version {
            inner.insert(0, leaf(0x9F08, &[1, 2]));
        }
        let objects = order.iter().map(|which| match which {
            0 => leaf(0x84, &name),
            1 => node(0xA5, inner.clone()),
            _ => leaf(0x50, b"ONE CARD"),
        });
        let fci = node(0x6F, objects.collect()).to_vec();
        let selected = select(&mut Says(&fci), &name).unwrap();
        prop_assert_eq!(selected.public_data, public_data());
    }

    /// And nothing that is no FCI of this application: noise, and a good one with one byte changed or cut short.
    #[test]
    fn the_hosts_reader_takes_nothing_else(
        noise in prop::collection::vec(any::<u8>(), 0..80),
        at in any::<prop::sample::Index>(),
        bit in 0..8u32,
    ) {
        let name = aid::enterprise_application(World::shared().enterprise_id());
        prop_assert!(select(&mut Says(&noise), &name).is_err());
        let content = leaf(0x9F0C, &public_data().emit());
        let good = node(0x6F, vec![leaf(0x84, &name), node(0xA5, vec![content])]).to_vec();
        let mut changed = good.clone();
        changed[at.index(good.len())] ^= 1 << bit;
        if let Ok(selected) = select(&mut Says(&changed), &name) {
            // A bit of the content: the reader cannot know, but it must be a card's public data all the same.
            prop_assert_eq!(selected.public_data.emit().len(), PublicData::LEN);
            prop_assert!(at.index(good.len()) >= good.len() - PublicData::LEN);
        }
        prop_assert!(select(&mut Says(&good[..at.index(good.len())]), &name).is_err());
    }
}

/// Every command of issuing an MF, of a recharge and of a purchase.
#[test]
fn what_the_flows_send_reads_the_same() {
    let world = World::shared();
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let blank = Reader::insert(Chip::blank(Blank::CpuCard, 1).unwrap());
    let mut issuing = Counting { card: blank, commands: Vec::new() };
    let keys: MfKeys = world.mf_keys(0).unwrap();
    prepare_mf(&mut issuing, &DesKey::TRANSPORT.into(), &keys, &mut random).unwrap();

    let (mut sam, mut store) = (world.software_sam(0), InMemoryStore::new());
    let mut selling = Counting { card: Reader::insert(world.card(0).unwrap()), commands: Vec::new() };
    let tap = recharge(&mut selling, &mut sam, &mut store, &top_up(1, 500)).unwrap();
    assert!(matches!(tap.outcome, Outcome::Committed(_)));
    let tap = purchase(&mut selling, &mut sam, &mut store, &sale(2, 100)).unwrap();
    assert!(matches!(tap.outcome, Outcome::Committed(_)));

    let mut instructions = BTreeSet::new();
    for command in issuing.commands.iter().chain(&selling.commands) {
        let theirs = CommandView::try_from(&command[..]).unwrap();
        assert_eq!([theirs.class().into_inner(), u8::from(theirs.instruction()), theirs.p1, theirs.p2], command[..4]);
        let after = 5 + theirs.data().len();
        assert!(theirs.data().is_empty() || theirs.data() == &command[5..after]);
        instructions.insert(command[1]);
    }
    let sent: Vec<u8> = instructions.into_iter().collect();
    assert_eq!(sent, [0x0E, 0x20, 0x50, 0x52, 0x54, 0x82, 0x84, 0xA4, 0xD4, 0xE0]);
}

#[test]
fn the_hosts_reader_reads_the_cards_writer() {
    let mut reader = Reader::insert(World::shared().card(1).unwrap());
    let name = aid::enterprise_application(World::shared().enterprise_id());
    let selected = select(&mut reader, &name).unwrap();
    assert_eq!(selected.public_data.serial, onecard_tests::world::serial(1));
    assert_eq!(selected.public_data.enterprise, World::shared().enterprise_id());
    let other = aid::enterprise_application("9999999999999999".parse().unwrap());
    assert_eq!(select(&mut reader, &other), Err(SelectError::NoApplication));
}

/// A card that says one thing, and 9000.
struct Says<'a>(&'a [u8]);

impl Transport for Says<'_> {
    fn transmit(&mut self, _: &[u8]) -> Result<Vec<u8>, TransportError> {
        Ok([self.0, &[0x90, 0x00]].concat())
    }
}

fn public_data() -> PublicData {
    let mut reader = Reader::insert(World::shared().card(0).unwrap());
    let name = aid::enterprise_application(World::shared().enterprise_id());
    select(&mut reader, &name).unwrap().public_data
}

fn tag(number: u16) -> Tag {
    match u8::try_from(number) {
        Ok(short) => Tag::try_from(short).unwrap(),
        Err(_) => Tag::try_from(number).unwrap(),
    }
}

fn leaf(number: u16, value: &[u8]) -> Tlv {
    Tlv::new(tag(number), Value::Primitive(value.to_vec())).unwrap()
}

fn node(number: u16, children: Vec<Tlv>) -> Tlv {
    Tlv::new(tag(number), Value::Constructed(children)).unwrap()
}

fn child(parent: &Tlv, number: u16) -> Option<&Tlv> {
    match parent.value() {
        Value::Constructed(children) => children.iter().find(|child| *child.tag() == tag(number)),
        Value::Primitive(_) => None,
    }
}

fn primitive(parent: &Tlv, number: u16) -> Option<Vec<u8>> {
    match child(parent, number)?.value() {
        Value::Primitive(bytes) => Some(bytes.clone()),
        Value::Constructed(_) => None,
    }
}

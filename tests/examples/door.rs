//! A door to copy: `cargo run --example door`. In the field PC/SC readers stand where the simulated ones do, the journal is an
//! `EventFile`, and the random bytes are the system's.

use std::error::Error;

use onecard_host::access::{Access, CardLog, Direction, Door, GrantLog, PassbackLedger, Records, access};
use onecard_host::access::{RightTerms, Slot, sealed_right, write_access_right};
use onecard_host::presence::{DenyList, InMemoryEvents, Site, Tap};
use onecard_host::sam::{CardFactors, Levels, PsamCard};
use onecard_host::{card::select, issuing::SamRole, terminal::Language, transport::Transport};
use onecard_simulator::reader::Reader;
use onecard_tests::world::{KEY_VERSION, World, moment, serial};
use onecard_wire::{aid, date::Date, date::Moment, key::KeyVersion, number::EnterpriseId, record::Zone};

const SCHEDULES: &str = r#"
    holidays = ["2026-10-01"]
    [[row]]
    number = 1
    days = ["mon", "tue", "wed", "thu", "fri"]
    windows = ["07:30-19:00"]
"#;

/// The server room, its door in.
fn server_room(enterprise: EnterpriseId) -> Result<Door, Box<dyn Error>> {
    let site = Site { enterprise, key_versions: vec![KeyVersion(1)], deny_list: DenyList::new() };
    let card_log = CardLog { grants: GrantLog::IfPossible, denials: true };
    Ok(Door { site, zone: Zone(7), direction: Direction::In, schedules: toml::from_str(SCHEDULES)?, card_log })
}

/// One tap: whether the door was opened.
fn tapped(
    card: &mut dyn Transport,
    sam: &mut PsamCard<Reader>,
    door: &Door,
    records: &mut Records<'_, InMemoryEvents>,
    at: Moment,
) -> Result<bool, Box<dyn Error>> {
    match access(card, sam, door, records, &Tap { at, challenge: rand::random() })? {
        Access::Granted(grant) => println!("{at}  open: card {}", grant.card),
        Access::Denied(denial) => {
            println!("{at}  {denial}\n{at}  {}", denial.text(Language::Chinese));
            return Ok(false);
        }
    }
    Ok(true)
}

pub(crate) fn main() -> Result<(), Box<dyn Error>> {
    let (world, enterprise) = (World::shared(), World::shared().enterprise_id());
    let slot = Reader::insert(world.sam_for(SamRole::Door, 7).map_err(|error| error.to_string())?);
    let mut sam = PsamCard::open(slot, enterprise, Levels::Serial, KEY_VERSION)?;
    let door = server_room(enterprise)?;
    let (mut events, mut passback) = (InMemoryEvents::new(), PassbackLedger::new());
    let mut records = Records { events: &mut events, passback: &mut passback };

    let mut card = Reader::insert(world.card(0).ok_or("no card")?);
    let noon = moment(12 * 3_600);
    let before = tapped(&mut card, &mut sam, &door, &mut records, noon)?;
    // The service desk gives the member a right for the year.
    let (from, to) = (Date::parse("2026-01-01"), Date::parse("2026-12-31"));
    let (valid_from, valid_to) = from.zip(to).ok_or("dates")?;
    let terms = RightTerms { zone: door.zone, schedule: 1, anti_passback: true, valid_from, valid_to };
    let mut desk = world.software_sam(0);
    let right = sealed_right(&mut desk, CardFactors { enterprise, serial: serial(0) }, KEY_VERSION, &terms)?;
    let application = select(&mut card, &aid::enterprise_application(enterprise))?;
    write_access_right(&mut card, &application, &mut desk, Slot::new(0).ok_or("slot")?, &right)?;
    let after = tapped(&mut card, &mut sam, &door, &mut records, noon)?;
    let again = tapped(&mut card, &mut sam, &door, &mut records, noon)?;
    ((before, after, again) == (false, true, false)).then_some(()).ok_or("this door opens to the wrong people".into())
}

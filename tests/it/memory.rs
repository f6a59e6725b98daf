//! How much memory a simulated card takes.

use onecard_applet::{Card, RfidSim};
use onecard_simulator::{
    chip::{Chip, PoweredChip},
    reader::Reader,
    sample::{SIM, Sample},
};
use onecard_tests::world::World;

/// By arithmetic, since a counting allocator would need unsafe code: a reader, the powered card it boxes, and the two
/// buffers of the chip. Nothing else of a card without faults ordered is on the heap.
#[test]
fn a_personalised_card_takes_at_most_64_kib() {
    let chip = World::shared().card(0).unwrap();
    assert!(chip.recorded().is_empty());
    let (image, wear) = (size_of_val(chip.image()), size_of_val(chip.wear()));
    let used = chip.image().iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    let (reader, card) = (size_of::<Reader>(), size_of::<Card<PoweredChip>>());
    let under_power = image + wear + reader + card;
    let out_of_reader = image + wear + size_of::<Chip>();
    println!(
        "a personalised card: image {image} bytes (used up to {used}), wear counts {wear}, reader {reader}, card under \
         power {card}: {under_power} in all; out of its reader {out_of_reader}"
    );
    assert!(under_power <= 64 * 1024 && out_of_reader <= 64 * 1024);
    assert!(used > 4_096, "the card is personalised");
}

/// A SIM's session over the air has room for a message of eight parts as it comes, and for a proof of eight as it goes.
#[test]
fn a_sim_takes_at_most_80_kib() {
    let chip = Sample::new("memory").unwrap().sim(SIM.iccid).unwrap();
    let (image, wear) = (size_of_val(chip.image()), size_of_val(chip.wear()));
    let card = size_of::<RfidSim<PoweredChip>>();
    println!("a SIM: image {image} bytes, wear counts {wear}, card under power {card}: {} in all", image + wear + card);
    assert!(image + wear + card <= 80 * 1024);
    assert!(card <= 10 * 1024, "what a chip has to keep in RAM, but for the stack");
}

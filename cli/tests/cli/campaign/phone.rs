//! A card's telephone is changed in the book.

use super::*;

#[test]
fn a_replaced_sim_gives_its_number_to_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::new(folder.path(), 1, Faults::NONE);
    world.order();
    let at = folder.path();
    let run = |line: &str| onecard(at, &format!("campaign phone gateway.book {line}"));
    let refused = |line: &str, code: i32, says: &str| {
        let run = run(line);
        assert!(run.code == code && run.err.contains(says), "{line}: {} {}", run.code, run.err);
    };
    refused(&iccid(0), 2, "--to");
    refused(&format!("{} --to 1x", iccid(0)), 2, "a telephone number has 1 to 20 digits");
    refused("8986011234999999999 --none", 1, "the gateway's book has no card 8986011234999999999");
    refused(&format!("{} --none", iccid(0)), 1, "have not ended, or of unknown outcome: 1");
    let moved = json(at, &format!("campaign phone gateway.book {} --to +8613900009999", iccid(0)), 0);
    assert_eq!((&moved["iccid"], &moved["phone"]), (&iccid(0).into(), &"+8613900009999".into()));
    let shown = run(&format!("{} --to {}", iccid(0), phone(0)));
    assert!(shown.code == 0 && shown.out.contains("已换号"), "{}", shown.out);

    // Its number's next SIM: the old one has to be out of service, and its order ended.
    let list = format!("order,iccid,phone,serial,amount\nN,{},{},{},1.00\n", iccid(5), phone(0), serial(5));
    fs::write(at.join("next.csv"), list).unwrap();
    let next = "campaign new gateway.book next --recharges next.csv --keys dev.keys --terminal 310000000001";
    let taken = onecard(at, next);
    assert!(taken.code == 1 && taken.err.contains("`onecard campaign phone`"), "{}", taken.err);
    json(at, &world.line(), 0);
    json(at, &format!("campaign phone gateway.book {} --none", iccid(0)), 0);
    assert_eq!(json(at, next, 0)["orders"], 1);
    refused(&format!("{} --to {}", iccid(0), phone(0)), 1, &format!("is card {}'s", iccid(5)));
    let shown = onecard(at, "campaign report gateway.book march");
    assert!(shown.code == 0 && !shown.out.contains("none"), "{}", shown.out);
}

//! Every general result at every screen: where it leads, and that the card always comes to rest.

use std::sync::LazyLock;

use crate::{
    chip::Chip,
    desk::Desk,
    image::{card_with, set_up, with_applications_of},
    phone::{ALL, Act, Act::*, HELP, OK, Phone},
    sim::Sim,
};

/// A way to each screen, and its help.
fn screens() -> Vec<(Vec<Act>, Option<[&'static str; 2]>)> {
    vec![
        (vec![], Some(["[选择要办理的业务]", "[Choose what you want to do]"])),
        (
            vec![Choose(1)],
            Some(["[按企业编号选择应用]", "[Each enterprise has one application, named by the enterprise's number]"]),
        ),
        (
            vec![Choose(1), Choose(127)],
            Some(["[按企业编号选择应用]", "[Each enterprise has one application, named by the enterprise's number]"]),
        ),
        (vec![Choose(1), Choose(1)], None),
        (vec![Choose(2), Choose(2)], None),
        (vec![Choose(3), Choose(3)], None),
        (
            vec![Choose(4), Choose(1)],
            Some([
                "[服务密码由发卡企业提供，不是卡片密码]",
                "[The service password is given by the enterprise, it is not the card's PIN]",
            ]),
        ),
        (
            vec![Choose(4), Choose(1), Type("1234")],
            Some([
                "[注销后应用和余额从卡上删除，余额由企业退还]",
                "[The application is removed from the card, its balance is paid back by the enterprise]",
            ]),
        ),
        (vec![Choose(4), Choose(1), Type("12")], None),
        (vec![Choose(5)], Some(["[选择菜单语言]", "[Choose the language of this menu]"])),
        (vec![Choose(5), Choose(1)], None),
    ]
}

fn chip() -> Chip {
    static MADE: LazyLock<Chip> = LazyLock::new(|| set_up(with_applications_of(&card_with(8))));
    MADE.clone()
}

fn phone(language: &[u8; 2]) -> Phone {
    Phone::boot(Sim::insert(chip()), &ALL, *language)
}

#[test]
fn help_and_then_the_same_again() {
    for (nth, language) in [b"zh", b"en"].into_iter().enumerate() {
        for (way, help) in screens() {
            let Some(help) = help else { continue };
            for read in [OK, Act::Result(0x11, &[])] {
                let acts = [&way[..], &[HELP, read]].concat();
                let seen = phone(language).walk(&acts);
                let at = way.len();
                assert_eq!(seen[at + 1], help[nth]);
                assert_eq!(seen[at + 2], seen[at], "the same again");
            }
        }
    }
}

#[test]
fn every_result_at_every_screen() {
    let mut tried = 0;
    for (way, help) in screens() {
        for result in 0..=0xFF {
            let mut phone = phone(b"en");
            let mut shown = phone.open();
            for act in &way {
                phone.respond(&shown, act);
                shown = phone.serve().unwrap();
            }
            let is_text = shown.kind == 0x21;
            phone.respond(&shown, &Act::Result(result, &[0x00]));
            let next = phone.serve();
            let line = next.as_ref().map(|next| next.line());
            match result {
                0x10 | 0x12 | 0x14 | 0x20..=0x2F => assert_eq!(line, None, "{way:?} {result:02X}"),
                0x13 if help.is_some() => assert!(line.is_some_and(|line| line.starts_with('['))),
                0x11 if way.is_empty() => assert_eq!(line, None),
                0x11 => assert!(line.is_some(), "back"),
                0x13 | 0x15..=0xFF if is_text => assert_eq!(line, None, "{way:?} {result:02X}"),
                0x13 | 0x15..=0xFF => {
                    assert_eq!(line.as_deref(), Some("[This phone cannot do that]"), "{way:?} {result:02X}");
                }
                // Done, and no item or text is there.
                _ if is_text => {}
                _ if shown.kind == 0x23 => assert_eq!(line.as_deref(), Some("[Please enter 4 to 8 digits]")),
                _ => assert_eq!(line, None, "{way:?} {result:02X}"),
            }
            // The session is sound: the menu opens again.
            if let Some(next) = next {
                phone.respond(&next, &crate::phone::CANCEL);
            }
            assert!(phone.serve().is_none());
            assert_eq!(phone.open().kind, 0x24);
            tried += 1;
        }
    }
    println!("{tried} results");
}

#[test]
fn partial_success_counts_as_done() {
    let chip = with_applications_of(&Desk::with_money(500, 1234).reader.remove());
    let mut phone = Phone::boot(Sim::insert(chip), &ALL, *b"en");
    for result in 0x01..=0x09 {
        let menu = phone.open();
        let details = [0x01, 0x03, menu.number, 0x24, menu.qualifier, 0x02, 0x02, 0x82, 0x81];
        // Without comprehension bits, which phones may drop.
        let data = [&details[..], &[0x03, 0x01, result, 0x10, 0x01, 0x01]].concat();
        phone.send(&[&[0x80, 0x14, 0, 0, data.len() as u8][..], &data].concat());
        let balance = phone.serve().unwrap();
        assert!(balance.line().contains("12.34"), "{result:02X}");
        phone.respond(&balance, &crate::phone::CANCEL);
        assert!(phone.serve().is_none());
    }
}

#[test]
fn items_that_are_not_offered_end_the_dialogue() {
    for (way, _) in screens() {
        for item in [0x00, 0x09, 0x7E, 0xFF] {
            let mut phone = phone(b"zh");
            let mut shown = phone.open();
            for act in &way {
                phone.respond(&shown, act);
                shown = phone.serve().unwrap();
            }
            if shown.kind == 0x24 {
                phone.respond(&shown, &Choose(item));
                assert!(phone.serve().is_none(), "{way:?} {item}");
            }
        }
    }
}

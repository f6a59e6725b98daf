//! Every path of the menu, in both languages, as what a person sees.

use crate::{
    application::VALID,
    chip::Chip,
    deal::Deal,
    desk::Desk,
    image::{card_with, empty, set_up, with_applications_of},
    phone::{ALL, Act::*, BACK, CANCEL, OK, Phone},
    sim::Sim,
};

const CHINESE_MENU: &str = "一卡通: 1=余额, 2=卡片信息, 3=交易记录, 4=注销应用, 5=语言";
const ENGLISH_MENU: &str =
    "One Card: 1=Balance, 2=Card information, 3=Last transactions, 4=Delete application, 5=Language";

fn phone(chip: Chip, language: &[u8; 2]) -> Phone {
    Phone::boot(Sim::insert(chip), &ALL, *language)
}

/// One application with 5.00 in the ED and 12.34 − 4 × 1.00 in the EP.
fn one() -> Chip {
    let mut desk = Desk::with_money(500, 1234);
    for _ in 0..4 {
        desk.done(&Deal::new(0x06, 100));
    }
    with_applications_of(&desk.reader.remove())
}

#[test]
fn the_entry_in_the_phones_menu() {
    assert_eq!(phone(one(), b"zh").lines, ["local information 04", "menu 一卡通: 1=一卡通", "events [07]"]);
    assert_eq!(phone(one(), b"de").lines, ["local information 04", "menu One Card: 1=One Card", "events [07]"]);
}

#[test]
fn balance_of_the_only_application() {
    assert_eq!(
        phone(one(), b"zh").walk(&[Choose(1), OK, BACK]),
        [CHINESE_MENU, "[3100 0000 0000 0018 / 电子钱包 8.34 元 / 电子存折 5.00 元 / 余额长期有效]", CHINESE_MENU, "-",]
    );
    assert_eq!(
        phone(one(), b"en").walk(&[Choose(1), BACK, CANCEL]),
        [
            ENGLISH_MENU,
            "[3100 0000 0000 0018 / Purse 8.34 yuan / Deposit 5.00 yuan / Balance does not expire]",
            ENGLISH_MENU,
            "-",
        ]
    );
}

#[test]
fn card_information() {
    assert_eq!(VALID[1], [0x20, 0x28, 0x12, 0x31]);
    assert_eq!(
        phone(one(), b"zh").walk(&[Choose(2), OK])[1..],
        [
            "[3100 0000 0000 0018 / 序列号 3100 1000 0000 0427 / 有效期 2026-01-01 至 2028-12-31 / 状态 正常]",
            CHINESE_MENU,
        ]
    );
    assert_eq!(
        phone(one(), b"en").walk(&[Choose(2)])[1],
        "[3100 0000 0000 0018 / Serial 3100 1000 0000 0427 / Valid 2026-01-01 to 2028-12-31 / State normal]"
    );
}

#[test]
fn transactions_in_pages() {
    let purchase = |language| if language == b"zh" { "消费" } else { "Purchase" };
    for (language, load, menu) in [(b"zh", "充值", CHINESE_MENU), (b"en", "Recharge", ENGLISH_MENU)] {
        let bought = format!("2026-07-22 13:46 {} 1.00", purchase(language));
        let pages = [
            format!("[1/2 / {bought} / {bought} / {bought}]"),
            format!("[2/2 / {bought} / 2026-07-22 13:46 {load} 12.34 / 2026-07-22 13:46 {load} 5.00]"),
        ];
        let seen = phone(one(), language).walk(&[Choose(3), OK, BACK, OK, OK]);
        assert_eq!(seen[..5], [menu, &pages[0], &pages[1], &pages[0], &pages[1]]);
        assert_eq!(seen[5], menu, "behind the last page");
        let back = phone(one(), language).walk(&[Choose(3), BACK]);
        assert_eq!(back[2], menu, "before the first");
    }
}

#[test]
fn no_transactions() {
    let chip = with_applications_of(&card_with(1));
    assert_eq!(phone(chip.clone(), b"zh").walk(&[Choose(3), OK])[1..], ["[没有交易记录]", CHINESE_MENU]);
    assert_eq!(phone(chip, b"en").walk(&[Choose(3)])[1], "[No transactions yet]");
}

#[test]
fn no_application() {
    for (language, nothing, menu) in [
        (b"zh", "[卡上没有一卡通应用]", CHINESE_MENU),
        (b"en", "[There is no One Card application on this card]", ENGLISH_MENU),
    ] {
        for entry in 1..=4 {
            assert_eq!(phone(empty(), language).walk(&[Choose(entry), OK, BACK]), [menu, nothing, menu, "-"]);
        }
    }
}

#[test]
fn eight_applications_in_two_pages() {
    let chip = with_applications_of(&card_with(8));
    for (language, choice, more, balance) in [
        (b"zh", "选择企业", "更多", "电子钱包 0.00 元 / 电子存折 0.00 元 / 余额长期有效"),
        (b"en", "Choose enterprise", "More", "Purse 0.00 yuan / Deposit 0.00 yuan / Balance does not expire"),
    ] {
        let number = |nth: usize| format!("1000 0000 0000 000{nth}");
        let items: Vec<String> = (1..=6).map(|nth| format!("{nth}={}", number(nth))).collect();
        let pages = [
            format!("{choice}: {}, 127={more}", items.join(", ")),
            format!("{choice}: 1={}, 2={}", number(7), number(8)),
        ];
        let [first_page, second_page] = [&pages[0][..], &pages[1]];
        let seen =
            phone(chip.clone(), language).walk(&[Choose(1), Choose(127), BACK, Choose(127), Choose(2), OK, BACK]);
        let last = &format!("[{} / {balance}]", number(8));
        assert_eq!(seen[1..], [first_page, second_page, first_page, second_page, last, second_page, first_page]);
        let first = phone(chip.clone(), language).walk(&[Choose(2), Choose(1), BACK, BACK]);
        assert!(first[2].starts_with(&format!("[{}", number(1))));
        assert_eq!(first[3], pages[0]);
        let two = phone(with_applications_of(&card_with(2)), language).walk(&[Choose(3)]);
        assert_eq!(two[1], format!("{choice}: 1={}, 2={}", number(1), number(2)));
    }
}

#[test]
fn the_language_is_chosen_and_kept() {
    let mut walked = phone(one(), b"en");
    assert_eq!(
        walked.walk(&[Choose(5), Choose(2), OK])[1..],
        ["Language: 1=As the phone, 2=中文, 3=English *1", "[语言已设置]", CHINESE_MENU]
    );
    assert!(walked.lines.contains(&"menu 一卡通: 1=一卡通".to_owned()), "the phone's menu follows");
    assert!(!walked.lines.iter().any(|line| line.starts_with("refresh")), "EF LI began with Chinese");
    let chip = walked.sim.remove();
    let mut kept = phone(chip.clone(), b"en");
    assert_eq!(kept.lines[1], "menu 一卡通: 1=一卡通");
    assert_eq!(
        kept.walk(&[Choose(5), Choose(3)])[1..],
        ["语言: 1=跟随手机, 2=中文, 3=English *2", "[Language is set]"]
    );
    assert_eq!(kept.lines[kept.lines.len() - 3], "refresh 01 [01, 3F, 00, 7F, FF, 6F, 05]");
    let mut english = phone(kept.sim.remove(), b"zh");
    assert_eq!(english.lines[1], "menu One Card: 1=One Card");
    assert_eq!(english.walk(&[Choose(5), Choose(1), OK])[3], CHINESE_MENU);
    assert_eq!(phone(english.sim.remove(), b"fr").lines[1], "menu One Card: 1=One Card");
}

#[test]
fn delete_is_asked_for_confirmed_and_sent() {
    for (language, lines) in [
        (
            b"zh",
            [
                "请输入服务密码（4至8位数字） hidden [4, 8]",
                "注销应用 3100 0000 0000 0018?: 1=确认注销, 2=取消",
                "sending <正在发送注销申请>",
                "[注销申请已发送，办理结果将另行通知]",
                "-",
            ],
        ),
        (
            b"en",
            [
                "Service password (4 to 8 digits) hidden [4, 8]",
                "Delete application 3100 0000 0000 0018?: 1=Delete, 2=Cancel",
                "sending <Sending the request>",
                "[The request is sent, you will be told the outcome]",
                "-",
            ],
        ),
    ] {
        let seen = phone(set_up(one()), language).walk(&[Choose(4), Type("135790"), Choose(1), OK, OK]);
        assert_eq!(seen[1..], lines);
    }
}

#[test]
fn delete_can_be_left_at_every_step() {
    let menu = CHINESE_MENU;
    let mut walked = phone(set_up(one()), b"zh");
    let seen = walked.walk(&[Choose(4), BACK]);
    assert_eq!(seen[2], menu);
    let seen = walked.walk(&[Choose(4), Type("1234"), BACK, Type("1234"), Choose(2)]);
    assert_eq!((seen[3].as_str(), seen[5].as_str()), ("请输入服务密码（4至8位数字） hidden [4, 8]", menu));
    for wrong in ["123", "", "123456789", "12a4", "12*4"] {
        assert_eq!(walked.walk(&[Choose(4), Type(wrong), OK])[2..], ["[请输入4至8位数字]", menu], "{wrong}");
    }
    let mut eight = phone(set_up(with_applications_of(&card_with(8))), b"en");
    let seen = eight.walk(&[Choose(4), Choose(127), Choose(1), BACK, BACK, BACK]);
    assert_eq!(seen[3], "Service password (4 to 8 digits) hidden [4, 8]");
    assert_eq!((&seen[4], &seen[5]), (&seen[2], &seen[1]));
    assert!(!walked.lines.iter().chain(&eight.lines).any(|line| line.starts_with("sending")));
}

#[test]
fn delete_says_why_it_cannot_be() {
    for (language, not_set_up) in [
        (b"zh", "[本卡未开通自助注销，请到服务点办理]"),
        (b"en", "[Deleting is not set up on this card, please ask the service desk]"),
    ] {
        assert_eq!(phone(one(), language).walk(&[Choose(4)])[1], not_set_up);
    }
}

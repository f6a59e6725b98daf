//! Every path of the menu, in both languages.

use crate::{
    desk::Desk,
    phone::{ALL, Act::*, BACK, OK, Phone},
    sim::{Sim, with_applications_of},
};

fn phone(sim: crate::sim::SimChip, language: &[u8; 2]) -> Phone {
    Phone::boot(Sim::power_up(sim), &ALL, *language)
}

#[test]
fn balance_of_the_only_application() {
    let sim = with_applications_of(&Desk::with_money(500, 1234).reader.remove());
    let mut chinese = phone(sim.clone(), b"zh");
    assert_eq!(chinese.lines, ["local information 04", "menu 一卡通: 1=一卡通", "events [07]"]);
    assert_eq!(
        chinese.walk(&[Choose(1), OK, BACK]),
        [
            "一卡通: 1=余额, 2=卡片信息, 3=交易记录, 4=注销应用, 5=语言",
            "[3100 0000 0000 0018 / 电子钱包 12.34 元 / 电子存折 5.00 元 / 余额长期有效]",
            "一卡通: 1=余额, 2=卡片信息, 3=交易记录, 4=注销应用, 5=语言",
            "-",
        ]
    );
    let mut english = phone(sim, b"en");
    assert_eq!(
        english.walk(&[Choose(1)])[1],
        "[3100 0000 0000 0018 / Purse 12.34 yuan / Deposit 5.00 yuan / Balance does not expire]"
    );
}

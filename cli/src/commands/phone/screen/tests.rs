//! Screens as text.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use onecard_simulator::handset::{
    Handset, Settings,
    played_card::{PlayedCard, alpha, chinese, item, menu, proactive},
    script::NoCounter,
};
use ratatui::{
    Terminal,
    backend::TestBackend,
    crossterm::event::{KeyCode, KeyEvent, KeyModifiers},
    text::Span,
};

use super::{
    desk::{Desk, Flow},
    draw::draw,
};

struct Till;

impl onecard_simulator::handset::script::Counter for Till {
    fn tap(&mut self, order: &str) -> Result<String, String> {
        Ok(format!("done 已扣款: {order}"))
    }
}

fn desk_with(commands: &[Vec<u8>], profile: &str, keys: &[KeyCode]) -> (String, PlayedCard) {
    let card = PlayedCard::wanting(commands);
    let settings = Settings { profile: profile.parse().unwrap(), ..Settings::default() };
    let mut handset = Handset::new(card.clone(), settings);
    let mut till = Till;
    let mut desk = Desk::new(&mut handset, &mut till);
    desk.switch_on();
    for code in keys {
        assert_eq!(desk.press(KeyEvent::new(*code, KeyModifiers::NONE)), Flow::GoOn);
    }
    let mut terminal = Terminal::new(TestBackend::new(100, 30)).unwrap();
    terminal.draw(|frame| draw(frame, &desk)).unwrap();
    (as_text(terminal.backend()), card)
}

/// The screen as text: a cell behind a wide character is no character of its own.
fn as_text(backend: &TestBackend) -> String {
    let buffer = backend.buffer();
    let mut text = String::new();
    for row in buffer.content().chunks(usize::from(buffer.area.width)) {
        let mut column = 0;
        let mut line = String::new();
        while column < row.len() {
            let symbol = row[column].symbol();
            line.push_str(symbol);
            column += Span::raw(symbol).width().max(1);
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

fn list() -> Vec<u8> {
    let items = ["余额", "卡片信息", "交易记录", "注销应用", "语言"];
    let items: Vec<Vec<u8>> = (1..).zip(items).map(|(id, text)| item(id, text)).collect();
    let title = alpha("一卡通");
    let mut objects: Vec<(u8, &[u8])> = vec![(0x85, &title)];
    objects.extend(items.iter().map(|item| (0x8F, item.as_slice())));
    proactive(0x24, 0x80, 0x82, &objects)
}

fn password() -> Vec<u8> {
    proactive(0x23, 0x04, 0x82, &[(0x8D, &chinese("请输入服务密码")), (0x91, &[6, 6])])
}

fn compare(name: &str, found: &str) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/screens").join(name);
    if std::env::var_os("SCREENS").is_some_and(|value| value == "overwrite") {
        std::fs::write(&path, found).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(found, expected, "{}: SCREENS=overwrite writes it anew; look at it then", path.display());
}

#[test]
fn the_menu() {
    let (shown, _) = desk_with(&[menu()], "full", &[KeyCode::Enter]);
    compare("menu.txt", &shown);
}

#[test]
fn a_list_with_its_second_item_marked() {
    let (shown, _) = desk_with(&[menu(), list()], "full", &[KeyCode::Down]);
    compare("list.txt", &shown);
}

#[test]
fn a_long_text() {
    let long = "单位 1000000000000001 余额 123.45 元 有效期至 2035-12-31 按确定返回上级菜单 ".repeat(3);
    let long: String = long.chars().take(110).collect();
    let text = proactive(0x21, 0x80, 0x02, &[(0x8D, &chinese(&long))]);
    let (shown, _) = desk_with(&[menu(), text], "full", &[]);
    compare("text.txt", &shown);
}

#[test]
fn a_hidden_input_shows_no_digit() {
    let typed = "1357".chars().map(KeyCode::Char).collect::<Vec<_>>();
    let (shown, _) = desk_with(&[menu(), password()], "full", &typed);
    assert!(!shown.contains("1357"));
    compare("hidden_input.txt", &shown);
}

#[test]
fn what_was_typed_hidden_is_not_in_the_log_either() {
    let mut keys = "135790".chars().map(KeyCode::Char).collect::<Vec<_>>();
    keys.push(KeyCode::Enter);
    let (shown, card) = desk_with(&[menu(), password()], "full", &keys);
    assert!(card.played().responses[1].ends_with(b"135790"));
    assert!(!shown.contains("313335") && shown.contains("··"), "{shown}");
}

#[test]
fn a_lesser_phone_says_what_it_lacks() {
    let (shown, _) = desk_with(&[menu()], "no-ucs2,no-sms", &[]);
    compare("lesser.txt", &shown);
}

#[test]
fn a_key_that_does_nothing_says_why() {
    let (shown, _) = desk_with(&[], "full", &[KeyCode::Enter]);
    assert!(shown.contains("menu does nothing here"), "{shown}");
}

#[test]
fn the_terminal_beside_takes_an_amount() {
    let keys = [KeyCode::F(10), KeyCode::Char('5'), KeyCode::Char('.'), KeyCode::Char('2'), KeyCode::Enter];
    let (shown, _) = desk_with(&[], "full", &keys);
    assert!(shown.contains("done 已扣款: pay 5.2"), "{shown}");
    let (shown, _) = desk_with(&[], "full", &keys[..4]);
    assert!(shown.contains("金额(元): 5.2"), "{shown}");
}

#[test]
fn control_c_is_the_end() {
    let mut handset = Handset::new(PlayedCard::default(), Settings::default());
    let mut till = NoCounter;
    let mut desk = Desk::new(&mut handset, &mut till);
    assert_eq!(desk.press(KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL)), Flow::Quit);
}

/// Whatever is pressed, and however small the window is, something is drawn.
#[test]
fn every_key_on_every_screen() {
    let commands = [menu(), list(), password(), proactive(0x21, 0x80, 0x02, &[(0x8D, &chinese("余额"))])];
    let special = [KeyCode::Enter, KeyCode::Esc, KeyCode::Up, KeyCode::Backspace, KeyCode::Char('1'), KeyCode::PageUp];
    let keys = (1..=10).map(KeyCode::F).chain(special);
    for key in keys {
        for depth in 0..=commands.len() {
            let card = PlayedCard::wanting(&commands[..depth]);
            let mut handset = Handset::new(card, Settings::default());
            let mut till = Till;
            let mut desk = Desk::new(&mut handset, &mut till);
            desk.switch_on();
            desk.press(KeyEvent::new(key, KeyModifiers::NONE));
            for (width, height) in [(100, 30), (40, 10), (10, 3), (1, 1)] {
                let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
                terminal.draw(|frame| draw(frame, &desk)).unwrap();
            }
        }
    }
}

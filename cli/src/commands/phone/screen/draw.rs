//! What the desk looks like.

use onecard_simulator::handset::{
    proactive::Menu,
    profile::Lack,
    screen::Screen,
    socket::{Crossing, Socket},
};
use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    style::{Modifier, Style},
    text::{Line, Span},
    widgets::{Block, BorderType, List, ListState, Paragraph, Wrap},
};

use super::desk::Desk;

/// Columns of the phone, its frame included.
const PHONE_WIDTH: u16 = 34;
/// Rows of the terminal beside it.
const TILL_HEIGHT: u16 = 9;
const KEYS: [&str; 2] = [
    "↑↓ Enter 确定 OK  Esc 返回 back  F1 帮助 help  F2 开关机 power  F3 挂机 end  F4 超时 time-out",
    "F5 忙 busy  F6 网络 network  F7 语言 zh/en  F8 +30s  F9 余额  F10 消费 pay  PgUp PgDn  Ctrl-C 退出",
];

pub(super) fn draw<S: Socket>(frame: &mut Frame<'_>, desk: &Desk<'_, S>) {
    let [main, problem, keys] =
        Layout::vertical([Constraint::Min(10), Constraint::Length(1), Constraint::Length(2)]).areas(frame.area());
    let [phone, beside] = Layout::horizontal([Constraint::Length(PHONE_WIDTH), Constraint::Min(20)]).areas(main);
    let [log, till] = Layout::vertical([Constraint::Min(5), Constraint::Length(TILL_HEIGHT)]).areas(beside);
    draw_phone(frame, phone, desk);
    draw_log(frame, log, desk);
    draw_till(frame, till, desk);
    let bold = Style::new().add_modifier(Modifier::BOLD);
    frame.render_widget(Line::styled(desk.problem.clone().unwrap_or_default(), bold), problem);
    let dim = Style::new().add_modifier(Modifier::DIM);
    frame.render_widget(Paragraph::new(KEYS.map(|line| Line::styled(line, dim)).to_vec()), keys);
}

fn draw_phone<S: Socket>(frame: &mut Frame<'_>, area: Rect, desk: &Desk<'_, S>) {
    let block = Block::bordered().border_type(BorderType::Rounded).title(" 手机 Phone ");
    let inside = block.inner(area);
    frame.render_widget(block, area);
    let lacks = desk.handset.settings().profile.lacks();
    let lacking = u16::try_from(lacks.len()).unwrap_or(u16::MAX).saturating_add(u16::from(!lacks.is_empty()));
    let notices = u16::try_from(desk.handset.notices().len()).unwrap_or(u16::MAX).min(3);
    let [status, passing, screen, soft, lack] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(notices),
        Constraint::Min(5),
        Constraint::Length(1),
        Constraint::Length(lacking),
    ])
    .areas(inside);
    let reversed = Style::new().add_modifier(Modifier::REVERSED);
    frame.render_widget(Line::styled(status_line(desk, status.width), reversed), status);
    let last = desk.handset.notices().iter().rev().take(3).rev();
    let passed: Vec<_> = last.map(|notice| Line::from(format!("✉ {notice}"))).collect();
    frame.render_widget(Paragraph::new(passed), passing);
    draw_screen(frame, screen, desk);
    frame.render_widget(Line::styled(soft_keys(&desk.handset.screen()), reversed), soft);
    if !lacks.is_empty() {
        let mut lines = vec![Line::from("没有 lacks:")];
        // The Chinese half of its meaning: both do not fit the phone.
        let short = |lack: &Lack| lack.meaning().rsplit(' ').next().unwrap_or_default();
        lines.extend(lacks.iter().map(|lack| Line::from(format!(" {} {}", lack.word(), short(lack)))));
        frame.render_widget(Paragraph::new(lines), lack);
    }
}

fn status_line<S: Socket>(desk: &Desk<'_, S>, width: u16) -> String {
    let settings = desk.handset.settings();
    let network = if settings.network { "▂▄▆ " } else { "无网络 " };
    let busy = if settings.busy { "忙 busy " } else { "" };
    let clock = clock(desk.handset.now());
    let left = format!(" {network}{} {busy}", settings.language);
    let taken = Span::raw(&left).width() + clock.len() + 1;
    format!("{left}{}{clock} ", " ".repeat(usize::from(width).saturating_sub(taken)))
}

fn draw_screen<S: Socket>(frame: &mut Frame<'_>, area: Rect, desk: &Desk<'_, S>) {
    let wrapped = |text: String| Paragraph::new(text).wrap(Wrap { trim: false });
    match desk.handset.screen() {
        Screen::Off => {}
        Screen::Idle(text) => {
            let menu = desk.handset.menu_set_up().title.filter(|title| !title.is_empty());
            let text = text.unwrap_or_default();
            frame.render_widget(wrapped(format!("\n{text}\n\n{}", menu.unwrap_or_default())).centered(), area);
        }
        Screen::Menu(menu) | Screen::Items(menu) => draw_list(frame, area, &menu, desk.marked),
        Screen::Text(text) => frame.render_widget(wrapped(format!("\n{text}")), area),
        Screen::Input(input) => {
            let shown = if input.hidden { "•".repeat(desk.typed.chars().count()) } else { desk.typed.to_string() };
            frame.render_widget(wrapped(format!("\n{}\n\n▏{shown}▁\n\n{}", input.prompt, input.hint())), area);
        }
        Screen::Key(key) => frame.render_widget(wrapped(format!("\n{}\n\n{}", key.prompt, key.hint())), area),
    }
}

fn draw_list(frame: &mut Frame<'_>, area: Rect, menu: &Menu, marked: usize) {
    let [title, list] = Layout::vertical([Constraint::Length(2), Constraint::Min(1)]).areas(area);
    let bold = Style::new().add_modifier(Modifier::BOLD);
    frame.render_widget(Line::styled(menu.title.clone().unwrap_or_default(), bold).centered(), title);
    let items = menu.items.iter().zip(1..).map(|(item, number)| format!("{number} {}", item.text));
    let style = Style::new().add_modifier(Modifier::REVERSED);
    let list_of_items = List::new(items).highlight_style(style).highlight_symbol("▸");
    let mut state = ListState::default().with_selected(Some(marked));
    frame.render_stateful_widget(list_of_items, list, &mut state);
}

fn soft_keys(screen: &Screen) -> &'static str {
    match screen {
        Screen::Off => " Enter 开机 switch on",
        Screen::Idle(_) => " Enter 菜单 menu",
        Screen::Menu(_) | Screen::Items(_) => " 选择 Select          返回 Back ",
        Screen::Text(_) | Screen::Input(_) | Screen::Key(_) => " 确定 OK              返回 Back ",
    }
}

fn draw_log<S: Socket>(frame: &mut Frame<'_>, area: Rect, desk: &Desk<'_, S>) {
    let block = Block::bordered().title(" 触点 What crosses the contacts ");
    let inside = block.inner(area);
    let complaints = desk.handset.complaints();
    let rows = usize::from(inside.height).saturating_sub(complaints.len().min(1));
    let width = usize::from(inside.width);
    let log = desk.handset.log();
    let shown = log.get(..log.len().saturating_sub(desk.log_back)).unwrap_or(log);
    let from = shown.len().saturating_sub(rows.div_ceil(3));
    let mut lines: Vec<Line<'_>> =
        shown.get(from..).unwrap_or_default().iter().flat_map(|crossing| crossed(crossing, width)).collect();
    lines.drain(..lines.len().saturating_sub(rows));
    if let Some(last) = complaints.last() {
        let text = cut(&format!("✗ {}: {last}", complaints.len()), width);
        lines.push(Line::styled(text, Style::new().add_modifier(Modifier::BOLD)));
    }
    frame.render_widget(Paragraph::new(lines).block(block), area);
}

/// Name, command and answer of one exchange.
fn crossed(crossing: &Crossing, width: usize) -> [Line<'static>; 3] {
    let bold = Style::new().add_modifier(Modifier::BOLD);
    [
        Line::styled(cut(&format!("{} {}", clock(crossing.at), crossing.name), width), bold),
        Line::from(cut(&format!("  → {}", crossing.command_text()), width)),
        Line::from(cut(&format!("  ← {}", crossing.answer_text()), width)),
    ]
}

fn draw_till<S: Socket>(frame: &mut Frame<'_>, area: Rect, desk: &Desk<'_, S>) {
    let block = Block::bordered().title(" 终端 Terminal beside ");
    let text = match &desk.amount {
        Some(amount) => format!("Amount, yuan 金额(元): {amount}▁"),
        None => desk.told.clone(),
    };
    frame.render_widget(Paragraph::new(text).wrap(Wrap { trim: false }).block(block), area);
}

fn clock(time: std::time::Duration) -> String {
    let seconds = time.as_secs();
    format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

/// As much as fits `width` columns, `…` behind it if that is not all.
fn cut(text: &str, width: usize) -> String {
    if Span::raw(text).width() <= width {
        return text.to_owned();
    }
    let mut fitting = String::new();
    for character in text.chars() {
        fitting.push(character);
        if Span::raw(&fitting).width() + 1 > width {
            fitting.pop();
            break;
        }
    }
    fitting + "…"
}

//! What a report says of the card itself.

use super::Report;
use crate::{
    guard::Mode,
    survey::{ApplicationFacts, ListedKey},
};

impl Report {
    /// Names and values, in both languages.
    #[must_use]
    pub fn card_lines(&self) -> Vec<(&'static str, String)> {
        let facts = &self.facts;
        let kind = match (facts.sam, facts.has_own_parts()) {
            (true, _) => "SAM (SAM卡)",
            (false, true) => "CPU card with the own parts 含自有部分的CPU卡",
            (false, false) => "CPU card of another maker 其他厂商CPU卡",
        };
        let mode = match self.mode {
            Mode::Read => "reading alone 只读",
            Mode::Write => "a test application made and taken off again 建立测试应用后擦除",
        };
        let mut lines = vec![("card 卡片", kind.to_owned()), ("tried by 方式", mode.to_owned())];
        if let Some(answer) = &facts.answer_to_reset {
            lines.push(("answer to reset 复位应答", hex::encode_upper(answer)));
        }
        match (&facts.application, self.mode) {
            (Some(application), _) => lines.extend(application_lines(application)),
            (None, Mode::Read) => lines.push(("application 应用", "not there 无".to_owned())),
            (None, Mode::Write) => lines.push(("settings 设置", self.settings().join(" · "))),
        }
        lines
    }
}

impl Report {
    /// Every setting there was, in order.
    pub(super) fn settings(&self) -> Vec<&str> {
        let mut settings = Vec::new();
        for result in &self.results {
            if !result.setting.is_empty() && !settings.contains(&result.setting.as_str()) {
                settings.push(&result.setting);
            }
        }
        settings
    }
}

fn application_lines(application: &ApplicationFacts) -> Vec<(&'static str, String)> {
    let version = match (application.blocked, application.version()) {
        (true, _) => "blocked 已锁定".to_owned(),
        (false, Some(0x02)) => "version 02, with the own parts 版本02，含自有部分".to_owned(),
        (false, Some(version)) => format!("version {version:02X}, plain FMCOS wallet 普通FMCOS钱包"),
        (false, None) => "without EF 0015 in its FCI 无0015文件".to_owned(),
    };
    let mut lines = vec![("application 应用", hex::encode_upper(&application.name)), ("version 版本", version)];
    if let Some(serial) = application.serial() {
        lines.push(("card number 卡号", hex::encode_upper(serial)));
    }
    if let Some(data) = application.public_data {
        let date = |range: core::ops::Range<usize>| hex::encode_upper(data.get(range).unwrap_or_default());
        lines.push(("valid 有效期", format!("{} – {}", date(20..24), date(24..28))));
    }
    if let Some(pin) = application.keys.iter().flatten().find(|key| key.key_type == PIN) {
        let ListedKey { tries, .. } = pin;
        lines.push(("PIN tries left 密码剩余次数", tries.to_string()));
    }
    lines
}

const PIN: u8 = 0x3A;

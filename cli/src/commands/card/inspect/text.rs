//! An inspection for people.

use std::fmt;

use onecard_wire::{
    amount::Amount,
    key::{Algorithm, AlgorithmId},
};

use super::facts::{EventFacts, Inspection, KeyFacts, ParameterFacts, PurseFacts, RightFacts};
use crate::{
    commands::card::status::{chinese_of, english_of},
    table::{Column, pairs, table, wrapped},
};

/// What stands where the card tells nothing.
const UNTOLD: &str = "-";

impl fmt::Display for Inspection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.own_parts { "one-card 一卡通" } else { "plain FMCOS wallet 普通FMCOS钱包" };
        let proven =
            if self.proven { "each file by its MAC 逐文件MAC" } else { "no, read in clear 否，明文读取" };
        let mut rows = vec![
            ("card 卡号", self.serial.clone()),
            ("enterprise 单位", self.enterprise.clone()),
            ("valid 有效期", format!("{} to {}", self.valid_from, self.valid_to)),
            ("application 应用", format!("{kind}, version {:02X}", self.version)),
            ("proven genuine 已验真", proven.to_owned()),
        ];
        if let Some(holder) = &self.holder {
            let id_number = if holder.id_number.is_empty() { UNTOLD } else { &holder.id_number };
            rows.extend([("holder 持卡人", holder.name.clone()), ("id number 身份证号", id_number.to_owned())]);
        }
        f.write_str(&pairs(rows))?;
        if let Some(parameters) = &self.parameters {
            write!(f, "\nStatus and limits 状态与限额\n{}", parameters.text())?;
        }
        write!(f, "\nPurses 钱包\n{}", purses(&self.purses))?;
        match &self.keys {
            Some(keys) => write!(f, "\nKeys 密钥\n{}", key_table(keys))?,
            None => write!(f, "\nKeys 密钥: this card does not list them. 该卡不列出密钥。\n")?,
        }
        self.logs(f)?;
        self.not_read(f)
    }
}

impl Inspection {
    fn logs(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(rights) = &self.access_rights {
            section(f, "Access rights 门禁权限", rights_table(rights), rights.is_empty())?;
        }
        if let Some(transactions) = &self.transactions {
            let columns = [
                Column::Text("moment 时间"),
                Column::Text("kind 类型"),
                Column::Number("yuan 金额"),
                Column::Number("sequence 序号"),
                Column::Text("terminal 终端"),
            ];
            let rows = transactions.iter().map(|told| {
                let (yuan, sequence) = (yuan(told.amount_fen), told.sequence.to_string());
                [told.moment.clone(), told.kind.to_owned(), yuan, sequence, told.terminal.clone()]
            });
            section(f, "Transactions, newest first 交易明细", table(&columns, rows), transactions.is_empty())?;
        }
        for (title, events) in [("Attendance 考勤记录", &self.attendance), ("Access 门禁记录", &self.access)] {
            if let Some(events) = events {
                section(f, title, event_table(events), events.is_empty())?;
            }
        }
        if let Some(records) = &self.capp_records {
            let columns = [Column::Text("type 类型"), Column::Text("locked 锁定"), Column::Text("data 数据")];
            let rows = records.iter().map(|record| {
                let locked = if record.locked { "yes 是" } else { "no 否" };
                [record.type_id.clone(), locked.to_owned(), record.data.clone()]
            });
            section(f, "Compound-purchase records 复合消费记录", table(&columns, rows), records.is_empty())?;
        }
        Ok(())
    }

    fn not_read(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.not_read.is_empty() {
            return Ok(());
        }
        writeln!(f, "\nNot shown 未显示")?;
        let files: Vec<String> =
            self.not_read.iter().map(|not_read| format!("{} ({})", not_read.file, not_read.status)).collect();
        write!(f, "{}", wrapped(&format!("files 文件 {}", files.join(", ")), 2))?;
        if self.not_read.iter().any(|not_read| not_read.protected) {
            let next =
                "The PIN (--pin-file, --ask-pin) or a service desk's SAM (--sam) opens them. 需密码或服务台SAM。";
            write!(f, "{}", wrapped(next, 2))?;
        }
        Ok(())
    }
}

impl ParameterFacts {
    fn text(&self) -> String {
        let limit = |fen| if fen == 0 { "none 不限".to_owned() } else { format!("{} yuan", yuan(fen)) };
        let status = self.card_status.0;
        let marked = self.blacklist_version.bytes().any(|digit| digit != b'0');
        let mut rows = vec![("status 状态", format!("{} {}", english_of(status), chinese_of(status)))];
        if marked {
            rows.push(("marked by list 黑名单版本", self.blacklist_version.clone()));
        }
        let never = || "never 不过期".to_owned();
        rows.extend([
            ("balance expires 余额有效期", self.balance_expiry.clone().unwrap_or_else(never)),
            ("highest balance 余额上限", limit(self.balance_max_fen)),
            ("single purchase 单笔限额", limit(self.purchase_max_fen)),
            ("a day's purchases 当日限额", limit(self.day_total_max_fen)),
            ("PIN above 免密限额", limit(self.pin_above_fen)),
            ("card's day 卡内日期", self.day.clone().unwrap_or_else(|| UNTOLD.to_owned())),
            ("spent that day 当日已消费", format!("{} yuan", yuan(self.spent_fen))),
        ]);
        pairs(rows)
    }
}

fn section(f: &mut fmt::Formatter<'_>, title: &str, table: String, empty: bool) -> fmt::Result {
    if empty { write!(f, "\n{title}: none 无\n") } else { write!(f, "\n{title}\n{table}") }
}

fn purses(purses: &[PurseFacts]) -> String {
    let columns = [
        Column::Text("purse 钱包"),
        Column::Number("yuan 余额"),
        Column::Number("overdraft 透支"),
        Column::Number("offline 脱机"),
        Column::Number("online 联机"),
    ];
    let told = |value: Option<String>| value.unwrap_or_else(|| UNTOLD.to_owned());
    let rows = purses.iter().map(|purse| {
        let name = if purse.purse == "EP" { "EP purse 电子钱包" } else { "ED deposit 电子存折" };
        [
            name.to_owned(),
            told(purse.balance_fen.map(yuan)),
            told(purse.overdraft_fen.map(yuan)),
            told(purse.offline_sequence.map(|sequence| sequence.to_string())),
            told(purse.online_sequence.map(|sequence| sequence.to_string())),
        ]
    });
    table(&columns, rows)
}

fn key_table(keys: &[KeyFacts]) -> String {
    let columns = [
        Column::Text("type"),
        Column::Text("id"),
        Column::Text("for 用途"),
        Column::Number("ver 版本"),
        Column::Number("repl 更换"),
        Column::Text("cipher"),
        Column::Number("tries"),
    ];
    let told = |value: Option<u8>| value.map_or_else(|| UNTOLD.to_owned(), |value| value.to_string());
    let rows = keys.iter().map(|key| {
        [
            key.key_type.clone(),
            key.id.clone(),
            format!("{} {}", key.purpose.unwrap_or(UNTOLD), key.chinese),
            told(key.version),
            told(key.replaced),
            if key.key_type == PIN { UNTOLD } else { cipher(key.algorithm) }.to_owned(),
            if key.tries == u8::MAX { UNTOLD.to_owned() } else { key.tries.to_string() },
        ]
    });
    table(&columns, rows)
}

/// Type of the PIN's record, which has no cipher.
const PIN: &str = "3A";

fn cipher(algorithm: u8) -> &'static str {
    match AlgorithmId(algorithm).algorithm() {
        Algorithm::Des => "3DES",
        Algorithm::Sm4 => "SM4",
        Algorithm::Aes => "AES-128",
    }
}

fn rights_table(rights: &[RightFacts]) -> String {
    let columns = [
        Column::Number("slot 项"),
        Column::Text("zone 区域"),
        Column::Text("schedule 时段"),
        Column::Text("passback 反潜回"),
        Column::Text("from 起"),
        Column::Text("to 止"),
    ];
    let rows = rights.iter().map(|right| {
        [
            right.slot.to_string(),
            if right.zone == "FFFF" { "all 全部".to_owned() } else { right.zone.clone() },
            if right.schedule == 0 { "always 全时".to_owned() } else { right.schedule.to_string() },
            if right.anti_passback { "yes 是" } else { "no 否" }.to_owned(),
            right.valid_from.clone(),
            right.valid_to.clone(),
        ]
    });
    table(&columns, rows)
}

fn event_table(events: &[EventFacts]) -> String {
    let columns = [
        Column::Text("moment 时间"),
        Column::Text("event 事件"),
        Column::Text("terminal 终端"),
        Column::Number("counter 计数"),
    ];
    let rows = events.iter().map(|told| {
        let event = format!("{} {}", told.event, told.chinese);
        [told.moment.clone(), event, told.terminal.clone(), told.counter.to_string()]
    });
    table(&columns, rows)
}

fn yuan(fen: u32) -> String {
    Amount::from_fen(fen).to_string()
}

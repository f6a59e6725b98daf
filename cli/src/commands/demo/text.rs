//! The story as people read it.

use std::fmt;

use onecard_host::terminal::Evidence;
use onecard_wire::amount::Amount;

use super::story::{Incident, MemberAccount, Round, Sams, Served, Step, Story, Totals};
use crate::{
    commands::settlement::yuan,
    ending::{Ending, TapEnding},
    table::{Column, indented, pairs, table},
    trace::TraceLine,
};

impl fmt::Display for Story {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "One Card 一卡通: a day of enterprise {}, {}", self.enterprise, self.date)?;
        chapter(f, 1, "Keys and SAMs 密钥与SAM卡")?;
        writeln!(f, "{} development root keys. Two SAMs hold keys of this enterprise:", self.root_keys)?;
        f.write_str(&sams(&self.sams))?;
        chapter(f, 2, "Cards 发卡")?;
        writeln!(f, "{} cards personalised, from {}:", self.members.len(), self.list)?;
        writeln!(f, "each has keys and a PIN of its own, which reached it enciphered.")?;
        chapter(f, 3, "First recharge 首次充值")?;
        round(f, &self.recharges)?;
        chapter(f, 4, "Lunch 午餐消费")?;
        round(f, &self.purchases)?;
        chapter(f, 5, "What went wrong, and was put right 异常与恢复")?;
        if self.incidents.is_empty() {
            writeln!(f, "Nothing: it takes two cards that hold money. 无")?;
        }
        self.incidents.iter().try_for_each(|one| incident(f, one))?;
        chapter(f, 6, "Balances, as the cards say 卡内余额")?;
        f.write_str(&accounts(&self.members))?;
        chapter(f, 7, "Settlement 结算")?;
        write!(f, "{}", self.settlement.summary(SETTLEMENT_SHOWN))?;
        chapter(f, 8, "To the fen 核对")?;
        totals(f, &self.totals, &self.sams)?;
        if let Some(folder) = &self.kept {
            chapter(f, 9, "Kept 文件")?;
            f.write_str(&kept(folder, &self.members))?;
        }
        Ok(())
    }
}

/// So many records are printed of the beginning and of the end; the file has them all.
const SETTLEMENT_SHOWN: usize = 4;

fn chapter(f: &mut fmt::Formatter<'_>, number: u8, title: &str) -> fmt::Result {
    writeln!(f, "\n=== {number}. {title} ===\n")
}

fn sams(sams: &Sams) -> String {
    let columns = [Column::Text("SAM"), Column::Text("terminal 终端机编号"), Column::Number("may load 充值额度, yuan")];
    let limit = Amount::from_fen(sams.recharge_limit_at_issue_fen).to_string();
    let rows = [
        ["recharge 充值", sams.recharge.terminal.as_str(), limit.as_str()],
        ["till 消费", sams.till.terminal.as_str(), "-"],
    ];
    table(&columns, rows.map(|row| row.map(str::to_owned)))
}

fn round(f: &mut fmt::Formatter<'_>, round: &Round) -> fmt::Result {
    let Round { served, committed, committed_fen, refused } = round;
    writeln!(f, "{committed} done 成交, {} yuan in all; {refused} refused 未成交.", yuan(*committed_fen))?;
    if let Some(first) = served.iter().find(|served| served.tap.ending.record().is_some()) {
        writeln!(f, "\nThe first of them, {}:", first.name)?;
        ending(f, &first.trace, &first.tap)?;
    }
    let mut refused = served.iter().filter(|served| served.tap.ending.record().is_none()).peekable();
    if refused.peek().is_some() {
        writeln!(f, "\nRefused:")?;
    }
    refused.try_for_each(|Served { name, tap, .. }| {
        writeln!(f, "  {name}")?;
        f.write_str(&indented(&indented(&indented(&indented(&tap.to_string())))))
    })
}

fn incident(f: &mut fmt::Formatter<'_>, incident: &Incident) -> fmt::Result {
    let Incident { title, title_chinese, name, serial, steps } = incident;
    writeln!(f, "--- {title} {title_chinese}\n    {name}, card {serial}")?;
    for Step { what, tap, trace } in steps {
        writeln!(f, "\n* {what}")?;
        ending(f, trace, tap)?;
    }
    writeln!(f)
}

fn ending(f: &mut fmt::Formatter<'_>, trace: &[TraceLine], tap: &TapEnding) -> fmt::Result {
    for line in trace {
        f.write_str(&indented(&indented(&indented(&line.to_string()))))?;
    }
    let mark = match &tap.ending {
        Ending::Committed { record, .. } => format!("committed 成交, known by {}", evidence(record.evidence)),
        Ending::NotCommitted { .. } => "not committed 未成交".to_owned(),
        Ending::Unknown { .. } => "UNKNOWN 结果未知".to_owned(),
    };
    writeln!(f, "  [{mark}]")?;
    f.write_str(&indented(&indented(&tap.to_string())))
}

const fn evidence(evidence: Evidence) -> &'static str {
    match evidence {
        Evidence::Answer => "the card's answer 应答",
        Evidence::Mac2 => "a proof whose MAC2 the SAM accepts 交易证明MAC2",
        Evidence::Mac3 => "a proof whose MAC3 the desk accepts 交易证明MAC3",
        Evidence::Tac => "a proof whose TAC the issuer accepts 交易证明TAC",
        Evidence::Log => "the card's log 交易明细",
        Evidence::Desk => "the service desk decided 服务台裁定",
    }
}

fn accounts(members: &[MemberAccount]) -> String {
    let columns = [
        Column::Text("card 卡号"),
        Column::Text("name 姓名"),
        Column::Text("dept. 部门"),
        Column::Number("load 充值"),
        Column::Number("paid 消费"),
        Column::Number("left 余额"),
    ];
    let rows = members.iter().map(|member| {
        let MemberAccount { serial, name, department, loaded_fen, paid_fen, balance_fen, .. } = member;
        let balance = yuan(u64::from(*balance_fen));
        [serial.clone(), name.clone(), department.clone(), yuan(*loaded_fen), yuan(*paid_fen), balance]
    });
    table(&columns, rows)
}

fn totals(f: &mut fmt::Formatter<'_>, totals: &Totals, sams: &Sams) -> fmt::Result {
    let Totals { loaded_fen, paid_fen, balances_fen, exact } = totals;
    let (loaded, paid, balances) = (yuan(*loaded_fen), yuan(*paid_fen), yuan(*balances_fen));
    let relation = if *exact { "Exactly, and on each card too." } else { "WHICH DOES NOT AGREE." };
    writeln!(f, "loaded {loaded} = paid {paid} + on the cards {balances} yuan")?;
    writeln!(f, "充值 {loaded} = 消费 {paid} + 余额 {balances} 元")?;
    writeln!(f, "{relation}")?;
    let left = Amount::from_fen(sams.recharge.load_limit_fen);
    writeln!(
        f,
        "The recharge SAM may still load {left} yuan; the till's next sequence is {}.",
        sams.till.next_terminal_sequence
    )
}

fn kept(folder: &str, members: &[MemberAccount]) -> String {
    let serial = members.first().map_or("SERIAL", |member| member.serial.as_str());
    let files = pairs([
        ("cards 卡", format!("{folder}/cards/{serial}.card …")),
        ("PINs 密码", format!("{folder}/pins/{serial}.pin …")),
        ("SAMs", format!("{folder}/till.sam, {folder}/recharge.sam")),
        ("development keys 开发密钥", format!("{folder}/development.keys")),
        ("journals 终端日志", format!("{folder}/till.journal, {folder}/recharge.journal")),
        ("settlement 结算", format!("{folder}/day.settlement")),
        ("this story", format!("{folder}/story.json")),
    ]);
    format!(
        "{files}\nGo on with any card:\n  cd {folder}\n  onecard card show --reader sim:cards/{serial}.card --pin-file \
         pins/{serial}.pin\n  onecard settlement verify day.settlement --keys development.keys\n"
    )
}

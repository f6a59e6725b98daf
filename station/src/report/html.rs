//! The page.

use std::io::{self, Write};

use super::{Exports, Extent, Line, Summary, Void, in_groups, qr};

const STYLE: &str = "\
body{font:14px/1.5 \"Noto Sans CJK SC\",\"Source Han Sans SC\",\"Microsoft YaHei\",sans-serif;color:#1a1a1a;margin:2rem auto;max-width:60rem;padding:0 1rem}\
h1{font-size:1.5rem;margin:0}h1+p{color:#555;margin:.2rem 0 1.5rem}h2{font-size:1.05rem;margin:1.8rem 0 .5rem}\
table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid #ddd;vertical-align:middle}\
th{font-weight:600;color:#555}.facts th{width:14rem;font-weight:400}.number{font-variant-numeric:tabular-nums;white-space:nowrap}\
.hash{font:11px/1.4 monospace;word-break:break-all;color:#555}.stock{display:flex;gap:1rem;flex-wrap:wrap}\
.stock div{border:1px solid #ddd;border-radius:6px;padding:.5rem 1rem;min-width:6.5rem}.stock b{display:block;font-size:1.5rem;line-height:1.2}\
.wrong{color:#b00020}.qr{width:3.4rem;height:3.4rem;display:block}.sign{display:flex;gap:2rem;margin-top:2.5rem}\
.sign div{flex:1;border-top:1px solid #1a1a1a;padding-top:.3rem;color:#555}\
@media print{body{margin:0;max-width:none;font-size:11px}tr,.stock div{break-inside:avoid}thead{display:table-header-group}}";

pub(super) fn write(
    to: &mut impl Write,
    summary: &Summary,
    lines: impl IntoIterator<Item = Line>,
    voids: &[Void],
) -> io::Result<()> {
    write!(
        to,
        "<!DOCTYPE html>\n<html lang=\"zh-CN\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>发卡报告 {}</title><style>{STYLE}</style></head><body>\n\
         <h1>发卡报告</h1><p>Issuing report</p>\n",
        escaped(&summary.batch)
    )?;
    facts(to, summary)?;
    stock(to, summary)?;
    exports(to, summary)?;
    cards(to, lines)?;
    void(to, voids)?;
    to.write_all(
        "<div class=\"sign\"><div>操作员 Operator</div><div>监督人 Witness</div><div>日期 Date</div></div>\n</body></html>\n"
            .as_bytes(),
    )
}

fn facts(to: &mut impl Write, summary: &Summary) -> io::Result<()> {
    let Summary { batch, enterprise, kind, profile, list, at, rows, journal, ledger, .. } = summary;
    to.write_all(b"<table class=\"facts\">\n")?;
    for (name, value) in [
        ("单位代码 Enterprise", enterprise.clone()),
        ("批次 Batch", batch.clone()),
        ("种类 Kind", kind.clone()),
        ("时间 Made at", at.clone()),
        ("名单行数 Rows", rows.to_string()),
    ] {
        writeln!(to, "<tr><th>{name}</th><td class=\"number\">{}</td></tr>", escaped(&value))?;
    }
    for (name, [file, hash]) in [("发卡参数 Profile", profile), ("名单 List", list)] {
        let (file, hash) = (escaped(file), escaped(hash));
        writeln!(to, "<tr><th>{name}</th><td>{file}<div class=\"hash\">SHA-256 {hash}</div></td></tr>")?;
    }
    for (name, Extent { lines, head }) in [("日志 Journal", journal), ("号段台账 Ledger", ledger)] {
        writeln!(to, "<tr><th>{name}</th><td>{lines} 行 lines<div class=\"hash\">{head}</div></td></tr>")?;
    }
    to.write_all(b"</table>\n")
}

fn stock(to: &mut impl Write, summary: &Summary) -> io::Result<()> {
    let stock = &summary.stock;
    to.write_all("<h2>卡片清点 Stock</h2>\n<div class=\"stock\">".as_bytes())?;
    let counted = |count: Option<u64>| count.map_or_else(|| "–".to_owned(), |count| count.to_string());
    for (name, count) in [
        ("领用 Handed out", stock.handed_out.to_string()),
        ("合格 Good", stock.good.to_string()),
        ("废卡 Spoilt", stock.bad.to_string()),
        ("未完成 Begun", stock.begun.to_string()),
        ("剩余 Left", counted(stock.counted)),
        ("缺少 Missing", counted(stock.missing())),
    ] {
        write!(to, "<div><b>{count}</b>{name}</div>")?;
    }
    to.write_all(b"</div>\n")?;
    if stock.counted.is_some() && stock.missing().is_none() {
        to.write_all(
            "<p class=\"wrong\">数目不符，请重新清点。The stock does not add up: count it again.</p>\n".as_bytes(),
        )?;
    }
    Ok(())
}

fn exports(to: &mut impl Write, summary: &Summary) -> io::Result<()> {
    let Some(Exports { asked, beyond, left }) = summary.exports else { return Ok(()) };
    writeln!(
        to,
        "<p>密钥母卡导出 Key master card: {asked} 次 bodies asked for, 其中 of them {beyond} 次多余 beyond one for each key of each good \
         card; 剩余额度 left {left}</p>"
    )
}

fn cards(to: &mut impl Write, lines: impl IntoIterator<Item = Line>) -> io::Result<()> {
    let mut lines = lines.into_iter().peekable();
    let counted = lines.peek().is_some_and(|line| line.exports.is_some());
    write!(
        to,
        "<h2>合格卡片 Good cards</h2>\n<table><thead><tr><th>行 Row</th><th>姓名 Name</th><th>工号 No.</th><th>部门 Department</th>\
         <th>卡面号 Printed number</th><th>应用序列号 Serial</th>{}<th></th></tr></thead><tbody>\n",
        if counted { "<th>导出 Exports</th>" } else { "" }
    )?;
    for line in lines {
        let Line { row, name, staff_number, department, serial, printed, exports } = line;
        let number = printed.as_ref().unwrap_or(&serial);
        writeln!(
            to,
            "<tr><td class=\"number\">{row}</td><td>{}</td><td>{}</td><td>{}</td><td class=\"number\">{}</td>\
             <td class=\"number\">{serial}</td>{}<td>{}</td></tr>",
            escaped(&name),
            escaped(&staff_number),
            escaped(&department),
            printed.as_deref().map_or_else(String::new, in_groups),
            exports.map_or_else(String::new, |exports| format!("<td class=\"number\">{exports}</td>")),
            qr::svg(number).unwrap_or_default(),
        )?;
    }
    to.write_all(b"</tbody></table>\n")
}

fn void(to: &mut impl Write, voids: &[Void]) -> io::Result<()> {
    if voids.is_empty() {
        return Ok(());
    }
    to.write_all(
        "<h2>作废序列号 Numbers that nobody has</h2>\n<table><thead><tr><th>行 Row</th><th>应用序列号 Serial</th><th>原因 Why</th>\
         </tr></thead><tbody>\n"
            .as_bytes(),
    )?;
    for Void { row, serial, spoilt } in voids {
        let why = if *spoilt { "废卡 the card is spoilt" } else { "未归还 the card did not come back" };
        writeln!(to, "<tr><td class=\"number\">{row}</td><td class=\"number\">{serial}</td><td>{why}</td></tr>")?;
    }
    to.write_all(b"</tbody></table>\n")
}

fn escaped(text: &str) -> String {
    text.chars().fold(String::new(), |mut escaped, character| {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            other => escaped.push(other),
        }
        escaped
    })
}

//! The minutes of a ceremony (密钥仪式纪要): one page to print and sign, which shows nothing secret.

use core::fmt::{self, Write};

use super::{HowKept, Record};

/// The minutes as a page of HTML, self-contained, A4.
#[must_use]
pub fn minutes_page(record: &Record) -> String {
    let mut page = String::new();
    // Writing to a string does not fail.
    let _ = write_page(record, &mut page);
    page
}

const HEAD: &str = "<!DOCTYPE html>
<html lang=\"zh\">
<head>
<meta charset=\"utf-8\">
<title>Key ceremony 密钥仪式纪要</title>
<style>
@page { size: A4; margin: 18mm }
body { font: 11pt/1.4 serif; max-width: 174mm; margin: 1em auto; color: #000 }
h1 { font-size: 16pt } h2 { font-size: 12pt; margin: 1.2em 0 .3em }
table { border-collapse: collapse; width: 100% }
th, td { border: .5pt solid #000; padding: 1.5pt 4pt; text-align: left; font-weight: normal }
th { background: #eee }
td.code { font-family: monospace; letter-spacing: .05em }
table.signatures td { height: 12mm }
tr { break-inside: avoid }
</style>
</head>
<body>
";

fn write_page(record: &Record, page: &mut String) -> fmt::Result {
    let plan = record.plan();
    page.push_str(HEAD);
    writeln!(page, "<h1>Minutes of key ceremony 密钥仪式纪要 {}</h1>", Escaped(plan.id()))?;
    let enterprise = plan.enterprise().map_or_else(|error| error.to_string(), |enterprise| enterprise.to_string());
    let holders = plan.holders().len();
    let facts = [
        ("enterprise 单位", enterprise),
        ("begun 开始", record.begun().to_owned()),
        ("software 软件", record.software().to_owned()),
        ("version of the keys 密钥版本", format!("{:02X}", plan.version().0)),
        ("holders needed 所需人数", format!("{} of {holders}", plan.need())),
        (
            "base value's check value 基值校验值",
            record.base_check_value().map_or_else(not_yet, |value| value.to_string()),
        ),
    ];
    page.push_str("<table>\n");
    facts.iter().try_for_each(|(name, value)| writeln!(page, "<tr><th>{name}</th><td>{}</td></tr>", Escaped(value)))?;
    page.push_str("</table>\n");
    write_components(record, page)?;
    write_roots(record, page)?;
    write_stores(record, page)?;
    write_signatures(record, page)?;
    page.push_str("</body>\n</html>\n");
    Ok(())
}

fn write_components(record: &Record, page: &mut String) -> fmt::Result {
    page.push_str("<h2>Components 密钥分量</h2>\n<table>\n<tr><th>no. 序号</th><th>holder 持有人</th>");
    page.push_str("<th>check value 校验值</th><th>made 生成</th><th>kept 保管</th></tr>\n");
    for (holder, number) in record.plan().holders().iter().zip(1..) {
        let made = record.made(number);
        let check_value = made.map_or_else(not_yet, |made| made.check_value().to_string());
        let (when, kept) = made.map_or(("", ""), |made| (made.made(), kept(made.kept())));
        let (holder, when) = (Escaped(holder), Escaped(when));
        writeln!(
            page,
            "<tr><td>{number}</td><td>{holder}</td><td class=\"code\">{check_value}</td><td>{when}</td><td>{kept}</td></tr>"
        )?;
    }
    page.push_str("</table>\n");
    Ok(())
}

fn write_roots(record: &Record, page: &mut String) -> fmt::Result {
    page.push_str("<h2>Root keys 根密钥</h2>\n");
    if record.roots().is_empty() {
        return writeln!(page, "<p>{}</p>", not_yet());
    }
    page.push_str(
        "<table>\n<tr><th>root 用途</th><th>version 版本</th><th>cipher 算法</th><th>check value 校验值</th></tr>\n",
    );
    for root in record.roots() {
        let (purpose, version, value) = (root.purpose, root.version, root.check_value);
        let cipher = root.cipher;
        writeln!(
            page,
            "<tr><td>{purpose}</td><td>{version:02X}</td><td>{cipher}</td><td class=\"code\">{value}</td></tr>"
        )?;
    }
    page.push_str("</table>\n");
    Ok(())
}

fn write_stores(record: &Record, page: &mut String) -> fmt::Result {
    page.push_str("<h2>Stored 存放</h2>\n");
    if record.stored().is_empty() {
        return writeln!(page, "<p>{}</p>", not_yet());
    }
    page.push_str("<table>\n<tr><th>when 时间</th><th>where 位置</th><th>present 到场</th></tr>\n");
    for stored in record.stored() {
        let (when, store, present) = (Escaped(&stored.moment), Escaped(&stored.store), stored.present.join(", "));
        writeln!(page, "<tr><td>{when}</td><td>{store}</td><td>{}</td></tr>", Escaped(&present))?;
    }
    page.push_str("</table>\n");
    Ok(())
}

fn write_signatures(record: &Record, page: &mut String) -> fmt::Result {
    page.push_str("<h2>Signatures 签字</h2>\n<table class=\"signatures\">\n");
    page.push_str("<tr><th>holder 持有人</th><th>signature 签名</th><th>date 日期</th></tr>\n");
    for holder in record.plan().holders() {
        writeln!(page, "<tr><td>{}</td><td></td><td></td></tr>", Escaped(holder))?;
    }
    page.push_str("<tr><td>witness 见证人</td><td></td><td></td></tr>\n</table>\n");
    Ok(())
}

/// What has not happened is said, so that nobody signs a page that looks complete.
fn not_yet() -> String {
    "not yet 尚未".to_owned()
}

const fn kept(kept: HowKept) -> &'static str {
    match kept {
        HowKept::SealedFile => "sealed file 密封文件",
        HowKept::Paper => "paper 纸质",
    }
}

/// Text in a page: names are typed by people.
struct Escaped<'t>(&'t str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| match c {
            '&' => f.write_str("&amp;"),
            '<' => f.write_str("&lt;"),
            '>' => f.write_str("&gt;"),
            '"' => f.write_str("&quot;"),
            other => f.write_char(other),
        })
    }
}

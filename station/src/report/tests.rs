//! Page, list and signature.
#![allow(clippy::unwrap_used)]

use ed25519_dalek::SigningKey;

use super::*;

fn line() -> Line {
    Line {
        row: 2,
        name: "王<小>明".to_owned(),
        staff_number: "=1+1".to_owned(),
        department: "研发部".to_owned(),
        serial: "3100100000000076".to_owned(),
        printed: Some("3126010101000000076".to_owned()),
        exports: None,
    }
}

const JOURNAL: Extent = Extent { lines: 4, head: ChainHash([7; 32]) };
const LEDGER: Extent = Extent { lines: 3, head: ChainHash([8; 32]) };

fn summary() -> Summary {
    let stock = Stock { handed_out: 3, good: 1, bad: 1, begun: 0, given_up: 0, counted: Some(1) };
    let file = |name: &str| [name.to_owned(), "00".repeat(32)];
    Summary {
        batch: "b".to_owned(),
        enterprise: "1000000000000001".to_owned(),
        kind: "cpu-card".to_owned(),
        profile: file("school.toml"),
        list: file("people.csv"),
        at: "2026-11-29 12:00:00".to_owned(),
        rows: 1,
        stock,
        journal: JOURNAL,
        ledger: LEDGER,
        exports: None,
    }
}

#[test]
fn exports_of_a_key_master_card_are_told_by_card_and_in_all() {
    let counted = Line { exports: Some(19), ..line() };
    let summary = Summary { exports: Some(Exports { asked: 21, beyond: 3, left: 79 }), ..summary() };
    let (mut page, mut list) = (Vec::new(), Vec::new());
    write_html(&mut page, &summary, [counted.clone()], &[]).unwrap();
    write_csv(&mut list, [counted]).unwrap();
    let [page, list] = [page, list].map(|text| String::from_utf8(text).unwrap());
    assert!(page.contains("<td class=\"number\">19</td>") && page.contains("21 次") && page.contains("3 次"), "{page}");
    assert!(list.contains(",printed_number,exports\r\n") && list.contains("0000 076,19\r\n"), "{list}");
}

#[test]
fn names_cannot_break_the_page_or_the_sheet() {
    let mut page = Vec::new();
    let void = Void { row: 3, serial: "3100100000000084".to_owned(), spoilt: true };
    write_html(&mut page, &summary(), [line()], &[void]).unwrap();
    let page = String::from_utf8(page).unwrap();
    assert!(page.contains("王&lt;小&gt;明") && !page.contains("<小>") && page.contains("3126 0101 0100 0000 076"));
    assert!(page.contains("3100100000000084") && page.contains("<path d=\"M4 4h7v1h-7z"));
    assert!(!page.contains("数目不符"));
    let mut wrong = summary();
    wrong.stock.counted = Some(3);
    let mut page = Vec::new();
    write_html(&mut page, &wrong, [line()], &[]).unwrap();
    assert!(String::from_utf8(page).unwrap().contains("数目不符"));
    let mut list = Vec::new();
    write_csv(&mut list, [line()]).unwrap();
    let list = String::from_utf8(list).unwrap();
    assert!(
        list.starts_with("\u{FEFF}row,name,")
            && list.contains("2,王<小>明,'=1+1,研发部,3100 1000 0000 0076,3126 0101 0100 0000 076\r\n"),
        "{list}"
    );
    for formula in ["＝1+1", "＋1", "－1", "＠SUM(A1)", "\t=1", "+1", "-1", "@SUM(A1)"] {
        let mut list = Vec::new();
        write_csv(&mut list, [Line { name: formula.to_owned(), ..line() }]).unwrap();
        assert!(String::from_utf8(list).unwrap().contains(&format!("2,'{formula},")), "{formula}");
    }
}

#[test]
fn a_signature_proves_files_and_journal() {
    let key = SigningKey::from_bytes(&[7; 32]);
    let public = ReportKey::from_bytes(&key.verifying_key().to_bytes()).unwrap();
    let text = sign(&key, JOURNAL, LEDGER, &[("r.html", b"page"), ("r.csv", b"list")]).unwrap();
    let signed = verify(&text, &public).unwrap();
    assert_eq!((signed.journal, signed.ledger), (JOURNAL, LEDGER));
    let as_signed = |name: &str| Some(if name == "r.csv" { b"list".to_vec() } else { b"page".to_vec() });
    assert_eq!(signed.changed(as_signed), None);
    assert_eq!(signed.changed(|_| Some(b"page".to_vec())), Some("r.csv"));
    assert_eq!(signed.changed(|_| None), Some("r.html"));
    assert_eq!(verify(&text.replace("journal 4", "journal 3"), &public), Err(NoReport::WrongSignature));
    let other = ReportKey::from_bytes(&SigningKey::from_bytes(&[8; 32]).verifying_key().to_bytes()).unwrap();
    assert_eq!(verify(&text, &other), Err(NoReport::WrongSignature));
    assert_eq!(verify("hello", &public), Err(NoReport::OtherText));
    // A name cannot be two lines.
    let two = sign(&key, JOURNAL, LEDGER, &[("r.html\nfile 00 x", b"page")]);
    assert_eq!(two, Err(UnfitName("r.html\nfile 00 x".to_owned())));
}

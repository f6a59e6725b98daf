//! Lists as spreadsheets save them, and what is wrong with them.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use encoding_rs::GB18030;

use super::*;
use crate::list::Encoding;

const HEADER: &str = "姓名,证件号码,部门,工号,有效期止";

/// An id number of province 99, which there is none of, with its check character.
fn id(number: u32) -> String {
    let first = format!("990101199001{:02}{:03}", number % 28 + 1, number);
    let check = "0123456789X".chars().find(|check| IdNumber::parse(&format!("{first}{check}")).is_some());
    format!("{first}{}", check.unwrap())
}

fn rows(rows: &[String]) -> String {
    format!("{HEADER}\r\n{}\r\n", rows.join("\r\n"))
}

fn good(number: u32, name: &str) -> String {
    format!("{name},{},研发部,{number},2030-08-31", id(number))
}

fn problems(content: &[u8]) -> Vec<String> {
    people("p.csv", content).unwrap_err().problems.iter().map(ToString::to_string).collect()
}

#[test]
fn what_spreadsheets_save_reads_the_same() {
    let text = rows(&[good(1, "王小明"), good(2, "欧阳𠮷")]);
    let list = people("p.csv", text.as_bytes()).unwrap();
    assert_eq!((list.encoding, list.separator, list.rows.len()), (Encoding::Utf8, ',', 2));
    assert_eq!((list.rows[1].0, list.rows[1].1.name.to_string()), (3, "欧阳𠮷".to_owned()));
    let with_mark = people("p.csv", format!("\u{FEFF}{text}\r\n,,,,\r\n").as_bytes()).unwrap();
    assert_eq!(with_mark.rows, list.rows);
    for separator in [";", "\t"] {
        let again = text.replace(',', separator);
        let (in_gb, _, unmappable) = GB18030.encode(&again);
        assert!(!unmappable);
        assert_eq!(people("p.csv", again.as_bytes()).unwrap().rows, list.rows);
        let in_gb = people("p.csv", &in_gb).unwrap();
        assert_eq!((in_gb.encoding, &in_gb.rows), (Encoding::Gb18030, &list.rows));
    }
    let english = text.replace(HEADER, "name,id_number,department,staff_number,valid_to");
    assert_eq!(people("p.csv", english.as_bytes()).unwrap().rows, list.rows);
}

#[test]
fn everything_that_is_wrong_is_told_at_once_with_row_and_column() {
    let [mut long, mut id_wrong, mut day] = [good(1, "王"), good(2, "李"), good(3, "赵")];
    long = long.replacen('王', "王小明王小明王小明王小", 1);
    id_wrong = id_wrong.replacen(&id(2), &id(2).replace("990101", "990102"), 1);
    day = day.replace("2030-08-31", "2030-02-30");
    let twice = good(1, "钱");
    let text = rows(&[good(1, "孙"), long, id_wrong, day, twice, "short,row".to_owned()]);
    assert_eq!(
        problems(text.as_bytes()),
        [
            "row 3, column 姓名: expected 1 to 20 bytes in GB18030, ten Chinese characters, found \"王小明王小明王小明王小\"",
            "row 3, column 证件号码: expected another one than row 2 has",
            "row 3, column 工号: expected another one than row 2 has",
            &format!(
                "row 4, column 证件号码: expected 18 characters with a birthday that exists and the check character (GB 11643); \
                 another document needs id_type, found {:?}",
                id(2).replace("990101", "990102")
            ),
            "row 5, column 有效期止: expected a day YYYY-MM-DD, not before valid_from, found \"2030-02-30\"",
            "row 6, column 证件号码: expected another one than row 3 has",
            "row 6, column 工号: expected another one than row 3 has",
            "row 7: expected 5 columns, found 2",
        ]
    );
}

#[test]
fn columns_are_known_and_there_once() {
    let unknown = problems("姓名,性别,姓名\n".as_bytes());
    assert!(unknown[0].starts_with("row 1, column 性别: unknown column: expected name or 姓名, "), "{unknown:?}");
    assert_eq!(unknown[1], "row 1, column 姓名: this column is there twice: expected once");
    assert_eq!(problems("工号\n1\n".as_bytes()), ["row 1: expected a column name or 姓名, found none"]);
    assert!(problems(format!("{HEADER}\n").as_bytes())[0].starts_with("nobody is in it"));
}

#[test]
fn what_is_no_csv_is_named() {
    assert!(problems(&[0xFF, 0xFE, 0x41, 0x00])[0].starts_with("it is UTF-16"));
    assert!(problems(b"PK\x03\x04....")[0].starts_with("it is a spreadsheet itself"));
    assert_eq!(
        problems(b"name\n\xFF\xFF")[0],
        "it is neither UTF-8 (byte 6 is not) nor GB18030: save it as \"CSV UTF-8\""
    );
}

#[test]
fn other_documents_have_no_check_character() {
    let list = people("p.csv", "name,id_type,id_number,staff\nLi Si,护照,E12345678,是\n".as_bytes()).unwrap();
    let person = &list.rows[0].1;
    assert_eq!(person.document, Some(Document::Other { kind: 2, number: "E12345678".to_owned() }));
    assert_eq!(person.staff, Some(true));
    let wrong = problems("name,id_type,id_number\nLi Si,户口本,1\n王,身份证,1\n".as_bytes());
    assert!(
        wrong[0].contains("column id_type: expected 00 or 身份证") && wrong[1].contains("column id_number"),
        "{wrong:?}"
    );
}

#[test]
fn terminals_have_numbers_of_their_own() {
    let list = terminals("t.csv", "终端机编号,地点,充值额度\n000000000007,食堂一楼,500\n".as_bytes()).unwrap();
    assert_eq!(list.rows[0].1.load_limit, Amount::parse_yuan("500"));
    let wrong = terminals("t.csv", b"terminal\n000000000007\n000000000007\n7\n").unwrap_err();
    assert_eq!(wrong.problems.len(), 2);
    assert!(wrong.to_string().contains("row 4, column terminal: expected 12 decimal digits, found \"7\""), "{wrong}");
}

#[test]
fn one_passport_in_two_spellings_is_one_person() {
    let twice = problems("name,id_type,id_number\n王小明,02,E12345678\n王小明,02,e12345678\n".as_bytes());
    assert_eq!(twice, ["row 3, column id_number: expected another one than row 2 has"]);
}

#[test]
fn what_nobody_can_print_is_refused_in_every_column_and_not_repeated_raw() {
    for (text, column) in [
        ("name\n王\u{FFFD}明\n", "name"),
        ("name\n王\u{1B}[2J\n", "name"),
        ("name,department\n王,研\u{202E}发\n", "department"),
        ("name,staff_number\n王,\u{7}1\n", "staff_number"),
    ] {
        let told = problems(text.as_bytes());
        assert!(told.len() == 1 && told[0].starts_with(&format!("row 2, column {column}: expected ")), "{told:?}");
        let is_raw = |character| character != '\u{FFFD}' && identity::is_unprintable(character);
        assert!(!told[0].contains(is_raw), "{told:?}");
    }
    let places = terminals("t.csv", "terminal,place\n000000000007,门\u{1B}c\n".as_bytes()).unwrap_err();
    assert!(places.to_string().contains("column place: expected characters that can be printed"), "{places}");
    let header = problems("姓名,\u{1B}[2J\n".as_bytes());
    assert!(header[0].starts_with("row 1, column \\u{1b}[2J: unknown column"), "{header:?}");
}

#[test]
fn a_list_that_two_encodings_read_differently_is_not_guessed() {
    // 毛梅 in GB18030, and two letters of another alphabet in UTF-8.
    let list = [&b"name\n"[..], &[0xC3, 0xAB, 0xC3, 0xB7], b"\n"].concat();
    assert_eq!(problems(&list), ["it reads as UTF-8 and as GB18030, and the names differ: save it as \"CSV UTF-8\""]);
    let marked = [&[0xEF, 0xBB, 0xBF][..], &list].concat();
    assert_eq!(people("p.csv", &marked).unwrap().rows[0].1.name.to_string(), "ë÷");
    // One Chinese character more in UTF-8, and it is told.
    let chinese = [&list[..], "王".as_bytes(), b"\n"].concat();
    assert_eq!(people("p.csv", &chinese).unwrap().encoding, Encoding::Utf8);
}

#[test]
fn an_empty_first_line_does_not_hide_the_separator() {
    let list = people("p.csv", "\n\nname;department\n王小明;研发部\n".as_bytes()).unwrap();
    assert_eq!((list.separator, list.rows[0].1.department.as_str()), (';', "研发部"));
}

#[test]
fn a_name_of_exactly_twenty_bytes_fits_and_one_more_does_not() {
    for (name, fits) in [
        ("一二三四五六七八九十", true),
        ("一二三四五六七八九十a", false),
        ("𠮷𠮷𠮷𠮷𠮷", true),
        ("𠮷𠮷𠮷𠮷𠮷a", false),
        ("abcdefghijklmnopqrst", true),
        ("abcdefghijklmnopqrstu", false),
    ] {
        let utf8 = format!("name\n{name}\n");
        let (gb, _, _) = GB18030.encode(&utf8);
        for content in [utf8.as_bytes(), &gb] {
            assert_eq!(people("p.csv", content).is_ok(), fits, "{name}");
        }
    }
}

//! Tables for people: columns aligned by the cells a terminal gives each character, of which Chinese ones take two.

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};

/// Where the content of a column stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Column {
    /// Words, to the left.
    Text(&'static str),
    /// Numbers, to the right.
    Number(&'static str),
}

/// A table under `columns`, indented by two cells.
pub(crate) fn table<R>(columns: &[Column], rows: impl IntoIterator<Item = R>) -> String
where
    R: IntoIterator<Item = String>,
{
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(columns.iter().map(|column| match column {
        Column::Text(title) | Column::Number(title) => *title,
    }));
    for row in rows {
        table.add_row(row);
    }
    for (column, kind) in table.column_iter_mut().zip(columns) {
        column.set_padding((1, 1));
        if matches!(kind, Column::Number(_)) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    indented(&table.to_string())
}

/// Name and value, one pair a line.
pub(crate) fn pairs(pairs: impl IntoIterator<Item = (&'static str, String)>) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    for (name, value) in pairs {
        table.add_row([name.to_owned(), value]);
    }
    for column in table.column_iter_mut() {
        column.set_padding((1, 1));
    }
    indented(&table.to_string())
}

/// Text for a screen of 80 columns, each line indented by `indent` cells.
pub(crate) fn wrapped(text: &str, indent: u16) -> String {
    const SCREEN: u16 = 79;
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(SCREEN.saturating_sub(indent)).add_row([text]);
    for column in table.column_iter_mut() {
        column.set_padding((0, 0));
    }
    let margin = " ".repeat(usize::from(indent));
    table.to_string().lines().map(|line| format!("{margin}{}\n", line.trim_end())).collect()
}

/// Each line by one cell; what stands to the right of the content goes.
pub(crate) fn indented(text: &str) -> String {
    text.lines().map(|line| format!(" {}\n", line.trim_end())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_text_stays_on_the_screen() {
        let text = wrapped(&"一张卡 and a card, ".repeat(12), 4);
        assert!(text.lines().count() > 2, "{text}");
        for line in text.lines() {
            let cells: usize = line.chars().map(|character| if character.is_ascii() { 1 } else { 2 }).sum();
            assert!(cells < 80 && line.starts_with("    ") && !line.starts_with("     "), "{line}");
        }
    }

    #[test]
    fn numbers_stand_under_each_other_beside_chinese_names() {
        let rows = [["王小明", "1.00"], ["Li", "100.00"]].map(|row| row.map(str::to_owned));
        let text = table(&[Column::Text("name"), Column::Number("yuan")], rows);
        assert_eq!(text, "  name      yuan\n  王小明    1.00\n  Li      100.00\n");
    }
}

//! Tables for people: columns aligned by the cells a terminal gives each character, of which Chinese ones take two.

use comfy_table::{CellAlignment, Table, presets};

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

/// Each line by one cell; what stands to the right of the content goes.
pub(crate) fn indented(text: &str) -> String {
    text.lines().map(|line| format!(" {}\n", line.trim_end())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_under_each_other_beside_chinese_names() {
        let rows = [["王小明", "1.00"], ["Li", "100.00"]].map(|row| row.map(str::to_owned));
        let text = table(&[Column::Text("name"), Column::Number("yuan")], rows);
        assert_eq!(text, "  name      yuan\n  王小明    1.00\n  Li      100.00\n");
    }
}

//! A record as a table within 80 columns.

use super::figure::Figure;
use super::record::Record;
use crate::terminal::{Cell, Screen, Tone, WIDTH, wrap};

/// The record's circumstances, and its figures with median and range.
pub(super) fn lines(record: &Record, screen: Screen) -> Vec<String> {
    let mut lines = vec![screen.paint(Tone::Title, &format!("{}, {}", record.kind.name(), record.made))];
    for (name, text) in circumstances(record) {
        let mut name = Some(name);
        lines.extend(wrap(&text, WIDTH - INDENT).into_iter().map(|part| {
            let name = name.take().unwrap_or_default();
            format!("{name:INDENT$}{part}")
        }));
    }
    lines.push(String::new());
    let rows: Vec<_> = record.figures.iter().map(row).collect();
    lines.extend(screen.table(&["figure", "median", "lowest", "highest", "runs"], &rows));
    lines
}

/// Columns before what stands beside a name.
const INDENT: usize = 9;

fn circumstances(record: &Record) -> [(&'static str, String); 3] {
    [
        ("machine", record.machine.to_string()),
        ("commit", record.commit.0.clone()),
        ("options", record.options_in_words()),
    ]
}

fn row(figure: &Figure) -> Vec<Cell> {
    let show = |value| figure.unit().show(value);
    let cells = [
        figure.name().to_owned(),
        show(figure.median()),
        show(figure.lowest()),
        show(figure.highest()),
        figure.values().len().to_string(),
    ];
    cells.map(|text| Cell::new(Tone::Plain, text)).to_vec()
}

#[cfg(test)]
mod tests {
    use super::super::record::samples::record;
    use super::*;

    fn text() -> Vec<String> {
        lines(&record(), Screen::plain())
    }

    #[test]
    fn no_line_is_wider_than_a_terminal() {
        for line in text() {
            assert!(line.chars().count() <= WIDTH, "{line}");
        }
    }

    #[test]
    fn a_figure_stands_with_median_range_and_runs() {
        let lines = text();
        let row = lines.iter().find(|line| line.starts_with("plain ")).unwrap();
        let cells: Vec<_> = row.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect();
        assert_eq!(cells, ["plain", "3.00 Gbit/s", "2.90 Gbit/s", "3.10 Gbit/s", "3"]);
    }

    #[test]
    fn machine_commit_and_options_are_told() {
        let text = text().join("\n");
        for part in [
            "rather long name",
            "2 cores",
            "Linux 6.1.0",
            "gfni",
            "+changes",
            "payload 1440",
        ] {
            assert!(text.contains(part), "{part} is missing in\n{text}");
        }
    }
}

//! How the demo and the measurements look: colour on a terminal alone, tables, and text within 80 columns.
//!
//! Always true: without colour nothing is lost, since no meaning is in it alone.

use std::io::{IsTerminal as _, Write as _};

/// What a text is to stand out as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    /// A heading.
    Title,
    /// As it should be.
    Good,
    /// Somebody should look.
    Attention,
    /// Turned away, or gone wrong.
    Bad,
    /// Of less weight than what stands around it.
    Faint,
    /// As any other text.
    Plain,
}

/// Where text goes, and what can be done with it there.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Screen {
    colour: bool,
}

impl Screen {
    /// Colour if standard output is a terminal and neither `NO_COLOR` nor `TERM=dumb` speaks against it.
    pub(crate) fn detect() -> Self {
        let no_colour = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        Self {
            colour: std::io::stdout().is_terminal() && !no_colour && !dumb,
        }
    }

    /// Without colour.
    #[cfg(test)]
    pub(crate) fn plain() -> Self {
        Self { colour: false }
    }

    /// `text` in its tone.
    pub(crate) fn paint(self, tone: Tone, text: &str) -> String {
        let sequence = match tone {
            _ if !self.colour || text.is_empty() => return text.to_owned(),
            Tone::Plain => return text.to_owned(),
            Tone::Title => "\u{1b}[1m",
            Tone::Good => "\u{1b}[32m",
            Tone::Attention => "\u{1b}[33m",
            Tone::Bad => "\u{1b}[31m",
            Tone::Faint => "\u{1b}[2m",
        };
        format!("{sequence}{text}\u{1b}[0m")
    }

    /// `text` in its tone, with blanks up to `width` columns behind it.
    pub(crate) fn pad(self, tone: Tone, text: &str, width: usize) -> String {
        let blanks = " ".repeat(width.saturating_sub(columns(text)));
        self.paint(tone, text) + &blanks
    }

    /// Rows under their headings, each column as wide as its widest cell.
    pub(crate) fn table(self, headings: &[&str], rows: &[Vec<Cell>]) -> Vec<String> {
        let width = |column: usize| {
            let cells = rows
                .iter()
                .filter_map(|row| row.get(column))
                .map(|cell| columns(&cell.text));
            cells
                .chain(headings.get(column).map(|heading| columns(heading)))
                .max()
                .unwrap_or(0)
        };
        let widths: Vec<usize> = (0..headings.len()).map(width).collect();
        let line = |cells: Vec<(Tone, &str)>| {
            let padded = cells
                .into_iter()
                .zip(&widths)
                .map(|((tone, text), width)| self.pad(tone, text, *width));
            padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
        };
        let mut lines = vec![line(headings.iter().map(|heading| (Tone::Title, *heading)).collect())];
        lines.extend(
            rows.iter()
                .map(|row| line(row.iter().map(|cell| (cell.tone, cell.text.as_str())).collect())),
        );
        lines
    }
}

/// Prints a line. A reader that has gone away, as `head` does, has what it wanted.
pub(crate) fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// One field of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cell {
    pub(crate) tone: Tone,
    pub(crate) text: String,
}

impl Cell {
    pub(crate) fn new(tone: Tone, text: impl Into<String>) -> Self {
        Self {
            tone,
            text: text.into(),
        }
    }

    /// Where nothing applies.
    pub(crate) fn none() -> Self {
        Self::new(Tone::Faint, "–")
    }
}

/// Columns that a text takes; what is shown here has no wide characters.
fn columns(text: &str) -> usize {
    text.chars().count()
}

/// `text` in lines of up to `width` columns, broken at single blanks: what two blanks part stays together. A part that is longer has a
/// line of its own.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in split_at_single_blanks(text) {
        match lines.last_mut() {
            Some(line) if columns(line) + 1 + columns(word) <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

fn split_at_single_blanks(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let (mut rest, mut from) = (text, 0);
    while let Some(at) = rest.get(from..).and_then(|tail| tail.find(' ')).map(|at| at + from) {
        let blanks = rest
            .get(at..)
            .map_or(0, |tail| tail.len() - tail.trim_start_matches(' ').len());
        if blanks == 1 {
            let (word, tail) = rest.split_at(at);
            words.push(word);
            (rest, from) = (tail.trim_start_matches(' '), 0);
        } else {
            from = at + blanks;
        }
    }
    words.push(rest);
    words
}

/// Columns that text keeps within.
pub(crate) const WIDTH: usize = 80;

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Screen = Screen { colour: false };
    const COLOUR: Screen = Screen { colour: true };

    #[test]
    fn without_colour_a_text_stays_as_it_is() {
        assert_eq!(PLAIN.paint(Tone::Bad, "REFUSED"), "REFUSED");
    }

    #[test]
    fn colour_ends_with_the_text_and_takes_no_column() {
        assert_eq!(COLOUR.pad(Tone::Good, "ok", 4), "\u{1b}[32mok\u{1b}[0m  ");
    }

    #[test]
    fn a_column_is_as_wide_as_its_widest_cell() {
        let row = |a: &str, b: &str| vec![Cell::new(Tone::Plain, a), Cell::new(Tone::Plain, b)];
        let lines = PLAIN.table(&["a", "longer"], &[row("wide", "x"), row("–", "y")]);
        assert_eq!(lines, ["a     longer", "wide  x", "–     y"]);
    }

    #[test]
    fn text_is_broken_at_blanks_and_long_words_stay_whole() {
        assert_eq!(
            wrap("one two three aaaaaaaaaaaa b", 8),
            ["one two", "three", "aaaaaaaaaaaa", "b"]
        );
    }

    #[test]
    fn what_two_blanks_part_stays_on_one_line() {
        assert_eq!(wrap("one  two three", 8), ["one  two", "three"]);
        assert_eq!(wrap("a one  two", 8), ["a", "one  two"]);
    }
}

//! The `compare` verb: two records side by side, if they may stand side by side.
//!
//! Exit codes: 0 compared, 1 refused, or slower than `--tolerance` allows, 2 usage, or a file that is no record.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use hw::units::Percent;

use super::figure::{Better, Figure};
use super::record::Record;
use crate::terminal::{Cell, Screen, Tone, WIDTH, say, wrap};

/// Compare two records of one measurement on one machine
///
/// Refused if they are of unlike machines (processor, cores, kernel), kinds or options: such figures say nothing about each other. The
/// ratio is the second median over the first.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example:\n  diode-bench compare before.json after.json --tolerance 5%")]
pub(crate) struct CompareArgs {
    /// Record to compare with, as `--out` wrote it
    #[arg(value_name = "A.json")]
    first: PathBuf,
    /// Record to compare
    #[arg(value_name = "B.json")]
    second: PathBuf,
    /// End with 1 if a figure of the second is worse by more than this share
    #[arg(long, value_name = "SHARE")]
    tolerance: Option<Percent>,
}

/// Runs the verb to its end.
pub(crate) fn run(args: &CompareArgs) -> ExitCode {
    let (first, second) = match (Record::read(&args.first), Record::read(&args.second)) {
        (Ok(first), Ok(second)) => (first, second),
        (Err(error), _) | (_, Err(error)) => {
            eprintln!("error: {:#}", anyhow::Error::from(error));
            return ExitCode::from(2);
        }
    };
    let unlike = unlike(&first, &second);
    if !unlike.is_empty() {
        eprintln!("error: these records cannot be compared");
        for difference in unlike {
            eprintln!("  {difference}");
        }
        eprintln!("  mend    measure both on one machine, by one kernel, with the same options");
        return ExitCode::from(1);
    }
    let pairs = pairs(&first, &second);
    for line in lines(&first, &second, &pairs, Screen::detect()) {
        say(&line);
    }
    let worse = args
        .tolerance
        .map_or_else(Vec::new, |tolerance| worse(&pairs, tolerance));
    for pair in &worse {
        eprintln!("worse: {}, B / A is {:.3}", pair.second.name(), pair.ratio());
    }
    ExitCode::from(u8::from(!worse.is_empty()))
}

/// Why the two may not stand side by side; empty if they may.
fn unlike(first: &Record, second: &Record) -> Vec<String> {
    let mut found = first.machine.differences(&second.machine);
    if first.kind != second.kind {
        found.push(format!("kind: {} and {}", first.kind.name(), second.kind.name()));
    }
    let names: std::collections::BTreeSet<_> = first.options.keys().chain(second.options.keys()).collect();
    let shown = |record: &Record, name: &str| {
        record
            .options
            .get(name)
            .cloned()
            .unwrap_or_else(|| "not set".to_owned())
    };
    for name in names {
        let (one, other) = (shown(first, name), shown(second, name));
        if one != other {
            found.push(format!("option {name}: {one} and {other}"));
        }
    }
    found
}

/// One figure in both records.
#[derive(Debug, Clone, Copy)]
struct Pair<'a> {
    first: &'a Figure,
    second: &'a Figure,
}

impl Pair<'_> {
    /// The second median over the first; nothing stays nothing.
    fn ratio(&self) -> f64 {
        let (first, second) = (self.first.median(), self.second.median());
        if first == second { 1.0 } else { second / first }
    }

    fn is_worse_by(&self, tolerance: Percent) -> bool {
        let (first, second, share) = (self.first.median(), self.second.median(), tolerance.fraction());
        match self.first.better() {
            Better::More => second < first * (1.0 - share),
            Better::Less => second > first * (1.0 + share),
            Better::Neither => false,
        }
    }

    fn tone(&self) -> Tone {
        let grew = self.second.median() > self.first.median();
        match (self.first.better(), self.ratio() == 1.0) {
            (Better::Neither, _) | (_, true) => Tone::Plain,
            (Better::More, false) if grew => Tone::Good,
            (Better::Less, false) if !grew => Tone::Good,
            _ => Tone::Attention,
        }
    }
}

/// The figures that are in both.
fn pairs<'a>(first: &'a Record, second: &'a Record) -> Vec<Pair<'a>> {
    let figures = first.figures.iter();
    figures
        .filter_map(|first| {
            let second = second
                .figure(first.name())
                .filter(|second| second.unit() == first.unit())?;
            Some(Pair { first, second })
        })
        .collect()
}

/// Those whose second figure is worse by more than `tolerance`.
fn worse<'a, 'b>(pairs: &'b [Pair<'a>], tolerance: Percent) -> Vec<&'b Pair<'a>> {
    pairs.iter().filter(|pair| pair.is_worse_by(tolerance)).collect()
}

fn lines(first: &Record, second: &Record, pairs: &[Pair<'_>], screen: Screen) -> Vec<String> {
    let heading = wrap(&format!("{}, on {}", first.kind.name(), first.machine.cpu), WIDTH);
    let mut lines: Vec<_> = heading.iter().map(|line| screen.paint(Tone::Title, line)).collect();
    for (name, record) in [("A", first), ("B", second)] {
        lines.push(format!("{name}  {}, commit {}", record.made, record.commit.short()));
    }
    lines.push(String::new());
    let rows: Vec<_> = pairs
        .iter()
        .map(|pair| {
            let shown = |figure: &Figure| Cell::new(Tone::Plain, figure.unit().show(figure.median()));
            vec![
                Cell::new(Tone::Plain, pair.first.name()),
                shown(pair.first),
                shown(pair.second),
                Cell::new(pair.tone(), format!("{:.3}", pair.ratio())),
            ]
        })
        .collect();
    lines.extend(screen.table(&["figure", "A, median", "B, median", "B / A"], &rows));
    lines
}

#[cfg(test)]
mod tests {
    use super::super::figure::Unit;
    use super::super::record::Kind;
    use super::super::record::samples::record;
    use super::*;

    /// The sample with every value of its `nth` figure multiplied.
    fn scaled(nth: usize, by: f64) -> Record {
        let mut record = record();
        let figure = &record.figures[nth];
        let values = figure.values().iter().map(|value| value * by).collect();
        record.figures[nth] = Figure::new(figure.name(), figure.unit(), figure.better(), values).unwrap();
        record
    }

    /// Names of the figures of `second` that are worse than the sample's.
    fn worse_than_sample(second: &Record, tolerance: &str) -> Vec<String> {
        let first = record();
        let pairs = pairs(&first, second);
        let worse = worse(&pairs, tolerance.parse().unwrap());
        worse.iter().map(|pair| pair.first.name().to_owned()).collect()
    }

    #[test]
    fn a_record_may_stand_beside_itself() {
        assert_eq!(unlike(&record(), &record()), [""; 0]);
        assert_eq!(worse_than_sample(&record(), "0%"), [""; 0]);
    }

    #[test]
    fn another_machine_is_refused_and_named() {
        let mut other = record();
        other.machine.cpu = "another".to_owned();
        let unlike = unlike(&record(), &other);
        assert!(matches!(&unlike[..], [only] if only.starts_with("cpu: ") && only.ends_with(" and another")));
    }

    #[test]
    fn another_kind_and_other_options_are_refused_and_named() {
        let mut other = record();
        other.kind = Kind::Link;
        other.options.insert("payload".to_owned(), "8928".to_owned());
        other.options.insert("loss".to_owned(), "1%".to_owned());
        assert_eq!(
            unlike(&record(), &other),
            [
                "kind: raw and link",
                "option loss: not set and 1%",
                "option payload: 1440 and 8928"
            ]
        );
    }

    #[test]
    fn a_figure_is_worse_past_the_tolerance_and_not_within_it() {
        let slower = scaled(0, 0.9);
        assert_eq!(worse_than_sample(&slower, "5%"), ["plain"]);
        assert_eq!(worse_than_sample(&slower, "11%"), [""; 0]);
    }

    #[test]
    fn where_less_is_better_more_is_worse() {
        assert_eq!(worse_than_sample(&scaled(1, 1.1), "5%"), ["plain send"]);
        assert_eq!(worse_than_sample(&scaled(1, 0.5), "5%"), [""; 0]);
    }

    #[test]
    fn a_figure_that_only_one_has_or_has_in_another_unit_makes_no_pair() {
        let (first, mut second) = (record(), record());
        second.figures[0] = Figure::new("other", Unit::Count, Better::More, vec![1.0]).unwrap();
        second.figures[1] = Figure::new("plain send", Unit::Count, Better::More, vec![1.0]).unwrap();
        assert!(pairs(&first, &second).is_empty());
    }

    #[test]
    fn the_ratio_of_nothing_to_nothing_is_one() {
        let none = scaled(0, 0.0);
        assert_eq!(pairs(&none, &none)[0].ratio(), 1.0);
    }

    #[test]
    fn each_figure_stands_with_both_medians_and_their_ratio_within_the_width() {
        let (first, second) = (record(), scaled(0, 0.9));
        let lines = lines(&first, &second, &pairs(&first, &second), Screen::plain());
        let row = lines.iter().find(|line| line.starts_with("plain ")).unwrap();
        let cells: Vec<_> = row.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect();
        assert_eq!(cells, ["plain", "3.00 Gbit/s", "2.70 Gbit/s", "0.900"]);
        assert!(lines.iter().all(|line| line.chars().count() <= WIDTH), "{lines:#?}");
    }
}

//! One measured thing: its unit, which way is better, and its value in each run.

use std::fmt;

use audit::line;
use serde::{Deserialize, Serialize};

/// What the values count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Unit {
    /// Bits a second.
    #[serde(rename = "bit/s")]
    BitsPerSecond,
    /// Nanoseconds a byte.
    #[serde(rename = "ns/byte")]
    NanosPerByte,
    /// Bytes.
    #[serde(rename = "byte")]
    Bytes,
    /// A share of a whole, from 0 to 1.
    #[serde(rename = "share")]
    Share,
    /// One figure over another.
    #[serde(rename = "ratio")]
    Ratio,
    /// A number of things.
    #[serde(rename = "count")]
    Count,
    /// Seconds.
    #[serde(rename = "s")]
    Seconds,
    /// Things a second.
    #[serde(rename = "1/s")]
    PerSecond,
    /// Bytes a second.
    #[serde(rename = "byte/s")]
    BytesPerSecond,
}

impl Unit {
    /// A value with its unit.
    pub(crate) fn show(self, value: f64) -> String {
        match self {
            Self::BitsPerSecond => scaled(value, "bit/s"),
            Self::NanosPerByte => format!("{value:.3} ns/B"),
            // A cast of a float saturates.
            Self::Bytes => line::size(value as u64),
            Self::Share => format!("{:.2} %", value * 100.0),
            Self::Ratio => format!("{value:.3}"),
            Self::Count => format!("{value:.0}"),
            Self::Seconds => format!("{value:.3} s"),
            Self::PerSecond => format!("{value:.1} /s"),
            Self::BytesPerSecond => scaled(value, "B/s"),
        }
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BitsPerSecond => "bit/s",
            Self::NanosPerByte => "ns/byte",
            Self::Bytes => "byte",
            Self::Share => "share",
            Self::Ratio => "ratio",
            Self::Count => "count",
            Self::Seconds => "s",
            Self::PerSecond => "1/s",
            Self::BytesPerSecond => "byte/s",
        })
    }
}

fn scaled(value: f64, unit: &str) -> String {
    let prefixes = [("G", 1e9), ("M", 1e6), ("k", 1e3)];
    match prefixes.into_iter().find(|(_, scale)| value >= *scale) {
        Some((prefix, scale)) => format!("{:.2} {prefix}{unit}", value / scale),
        None => format!("{value:.0} {unit}"),
    }
}

/// Which way a figure gets better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Better {
    /// The more, the better.
    More,
    /// The less, the better.
    Less,
    /// Neither way: it tells about the runs.
    Neither,
}

/// One measured thing over all runs. Never without a value, and every value is a number.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub(crate) struct Figure {
    name: String,
    unit: Unit,
    better: Better,
    values: Vec<f64>,
}

/// The same as it is written, with what follows from the values for whoever reads it without this program.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Written {
    name: String,
    unit: Unit,
    better: Better,
    values: Vec<f64>,
    #[serde(default)]
    median: f64,
    #[serde(default)]
    lowest: f64,
    #[serde(default)]
    highest: f64,
}

impl Figure {
    /// A figure with its value in each run, in the order of the runs; `None` without values, or if one is not a finite number.
    pub(crate) fn new(name: impl Into<String>, unit: Unit, better: Better, values: Vec<f64>) -> Option<Self> {
        let name = name.into();
        let usable = !values.is_empty() && values.iter().all(|value| value.is_finite());
        usable.then_some(Self {
            name,
            unit,
            better,
            values,
        })
    }

    /// The same with more words before its name.
    pub(crate) fn renamed(mut self, before: &str) -> Self {
        self.name.insert_str(0, before);
        self
    }

    /// What was measured.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// What the values count.
    pub(crate) fn unit(&self) -> Unit {
        self.unit
    }

    /// Which way it gets better.
    pub(crate) fn better(&self) -> Better {
        self.better
    }

    /// The value in each run.
    pub(crate) fn values(&self) -> &[f64] {
        &self.values
    }

    /// The value in the middle; of two in the middle, what lies half way.
    pub(crate) fn median(&self) -> f64 {
        let mut sorted = self.values.clone();
        sorted.sort_by(f64::total_cmp);
        let middle = sorted.len() / 2;
        match (sorted.get(middle.wrapping_sub(1)), sorted.get(middle)) {
            (Some(below), Some(above)) if sorted.len().is_multiple_of(2) => below.midpoint(*above),
            (_, Some(middle)) => *middle,
            (_, None) => 0.0,
        }
    }

    /// The lowest value.
    pub(crate) fn lowest(&self) -> f64 {
        self.values.iter().copied().fold(f64::INFINITY, f64::min)
    }

    /// The highest value.
    pub(crate) fn highest(&self) -> f64 {
        self.values.iter().copied().fold(f64::NEG_INFINITY, f64::max)
    }
}

impl From<Figure> for Written {
    fn from(figure: Figure) -> Self {
        let (median, lowest, highest) = (figure.median(), figure.lowest(), figure.highest());
        let Figure {
            name,
            unit,
            better,
            values,
        } = figure;
        Self {
            name,
            unit,
            better,
            values,
            median,
            lowest,
            highest,
        }
    }
}

impl TryFrom<Written> for Figure {
    type Error = String;

    /// What follows from the values is worked out again: a record that was edited can't contradict itself.
    fn try_from(written: Written) -> Result<Self, String> {
        let Written {
            name,
            unit,
            better,
            values,
            ..
        } = written;
        let refusal = format!("the figure {name:?} has no values");
        Self::new(name, unit, better, values).ok_or(refusal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(values: &[f64]) -> Figure {
        Figure::new("goodput", Unit::BitsPerSecond, Better::More, values.to_vec()).unwrap()
    }

    #[test]
    fn the_median_of_an_odd_number_is_the_one_in_the_middle() {
        assert_eq!(figure(&[5.0, 1.0, 9.0]).median(), 5.0);
        assert_eq!(figure(&[7.0]).median(), 7.0);
    }

    #[test]
    fn the_median_of_an_even_number_lies_half_way() {
        assert_eq!(figure(&[4.0, 1.0, 9.0, 2.0]).median(), 3.0);
    }

    #[test]
    fn the_range_reaches_from_the_lowest_to_the_highest() {
        let figure = figure(&[5.0, -1.0, 9.0]);
        assert_eq!((figure.lowest(), figure.highest()), (-1.0, 9.0));
    }

    #[test]
    fn a_figure_without_values_or_with_one_that_is_no_number_is_none() {
        for values in [vec![], vec![1.0, f64::NAN], vec![f64::INFINITY]] {
            assert_eq!(Figure::new("x", Unit::Count, Better::Neither, values), None);
        }
    }

    #[test]
    fn a_figure_reads_back_and_tells_its_median_to_others() {
        let json = serde_json::to_string(&figure(&[1.0, 2.5])).unwrap();
        assert!(
            json.contains("\"unit\":\"bit/s\"") && json.contains("\"median\":1.75"),
            "{json}"
        );
        assert_eq!(serde_json::from_str::<Figure>(&json).unwrap(), figure(&[1.0, 2.5]));
    }

    #[test]
    fn a_median_that_was_edited_is_not_believed() {
        let json = serde_json::to_string(&figure(&[1.0])).unwrap();
        let edited = json.replace("\"median\":1.0", "\"median\":9.0");
        assert_ne!(json, edited);
        assert_eq!(serde_json::from_str::<Figure>(&edited).unwrap().median(), 1.0);
    }

    #[test]
    fn a_written_figure_without_values_is_refused() {
        let json = serde_json::to_string(&figure(&[1.0])).unwrap();
        assert!(serde_json::from_str::<Figure>(&json.replace("[1.0]", "[]")).is_err());
    }

    #[test]
    fn values_are_shown_with_their_units() {
        assert_eq!(Unit::BitsPerSecond.show(3.456e9), "3.46 Gbit/s");
        assert_eq!(Unit::BitsPerSecond.show(12.0), "12 bit/s");
        assert_eq!(Unit::Share.show(0.0123), "1.23 %");
    }
}

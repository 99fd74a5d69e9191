//! A measurement with all that is needed to read it later: kind, options, machine, commit, and the figures.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use protocol::time::UnixMillis;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::commit::Commit;
use super::figure::Figure;
use super::machine::Machine;
use crate::clock::now;

/// What was measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// Two sockets and nothing else.
    Raw,
    /// Transmitter and receiver on one machine.
    Link,
    /// Encoding and decoding of blocks.
    Fec,
    /// What is left of a bundle after losses in a row.
    Bursts,
    /// Transmitter or receiver, with the other on another host.
    Pair,
}

impl Kind {
    /// The verb that measures it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Link => "link",
            Self::Fec => "fec",
            Self::Bursts => "bursts",
            Self::Pair => "pair",
        }
    }
}

/// What was asked for, by the options' names.
pub(crate) type Options = BTreeMap<String, String>;

/// A measurement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Record {
    format: Format,
    /// What was measured.
    pub(crate) kind: Kind,
    /// When it ended.
    pub(crate) made: UnixMillis,
    /// On which machine.
    pub(crate) machine: Machine,
    /// Of which commit.
    pub(crate) commit: Commit,
    /// With which options.
    pub(crate) options: Options,
    /// What was found; the first is what it was measured for.
    pub(crate) figures: Vec<Figure>,
}

impl Record {
    /// A measurement that was made here and now.
    pub(crate) fn new(kind: Kind, options: Options, figures: Vec<Figure>) -> Self {
        Self {
            format: Format,
            kind,
            made: now(),
            machine: Machine::here(),
            commit: Commit::here(),
            options,
            figures,
        }
    }

    /// Reads what [`to_json`](Self::to_json) wrote.
    pub(crate) fn read(path: &Path) -> Result<Self, RecordError> {
        let unreadable = |source| RecordError::Unreadable {
            path: path.to_owned(),
            source,
        };
        let bytes = fs::read(path).map_err(unreadable)?;
        serde_json::from_slice(&bytes).map_err(|error| RecordError::Malformed {
            path: path.to_owned(),
            reason: error.to_string(),
        })
    }

    /// The record as JSON, for people to read too.
    pub(crate) fn to_json(&self) -> String {
        serde_json::to_string_pretty(self)
            .expect("a record has string keys and finite numbers, so that serialising it cannot fail")
    }

    /// The options, one after another.
    pub(crate) fn options_in_words(&self) -> String {
        let options = self.options.iter().map(|(name, value)| format!("{name} {value}"));
        options.collect::<Vec<_>>().join(", ")
    }

    /// The figure of this name.
    pub(crate) fn figure(&self, name: &str) -> Option<&Figure> {
        self.figures.iter().find(|figure| figure.name() == name)
    }
}

/// Why a file is no record.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RecordError {
    /// It can't be read.
    #[error("cannot read {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is not what `--out` writes.
    #[error("{} is no record of a measurement: {reason}\n  mend    name a file that a measurement wrote with --out", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What the parser said.
        reason: String,
    },
}

/// The version of the record's shape: always 1, and a record of another version does not parse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Format;

const FORMAT: u32 = 1;

impl Serialize for Format {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(FORMAT)
    }
}

impl<'de> Deserialize<'de> for Format {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match u32::deserialize(deserializer)? {
            FORMAT => Ok(Self),
            other => Err(serde::de::Error::custom(format_args!(
                "format {other} is not known here, only {FORMAT}"
            ))),
        }
    }
}

#[cfg(test)]
pub(super) mod samples {
    use super::super::figure::{Better, Unit};
    use super::*;

    /// A record of two figures over three runs.
    pub(in super::super) fn record() -> Record {
        let figure = |name, unit, better, values: [f64; 3]| Figure::new(name, unit, better, values.to_vec()).unwrap();
        Record {
            format: Format,
            kind: Kind::Raw,
            made: UnixMillis(1_795_340_467_123),
            machine: Machine {
                cpu: "A processor with a rather long name, as they have them nowadays @ 3.50GHz".to_owned(),
                cores: 2,
                kernel: "6.1.0".to_owned(),
                memory: 24 << 30,
                features: vec!["avx2".to_owned(), "gfni".to_owned()],
            },
            commit: Commit("0123456789abcdef0123456789abcdef01234567+changes".to_owned()),
            options: Options::from([
                ("payload".to_owned(), "1440".to_owned()),
                ("seconds".to_owned(), "1".to_owned()),
            ]),
            figures: vec![
                figure("plain", Unit::BitsPerSecond, Better::More, [3.1e9, 2.9e9, 3.0e9]),
                figure("plain send", Unit::NanosPerByte, Better::Less, [2.5, 2.6, 2.7]),
            ],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::samples::record;
    use super::*;

    fn read(text: &str) -> Result<Record, RecordError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        fs::write(&path, text).unwrap();
        Record::read(&path)
    }

    #[test]
    fn a_record_reads_back() {
        assert_eq!(read(&record().to_json()).unwrap(), record());
    }

    #[test]
    fn another_format_is_refused_with_both_numbers() {
        let text = record().to_json().replace("\"format\": 1", "\"format\": 2");
        let error = read(&text).unwrap_err().to_string();
        assert!(error.contains("format 2") && error.contains("only 1"), "{error}");
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let error = Record::read(Path::new("/nowhere/a.json")).unwrap_err();
        assert_eq!(error.to_string(), "cannot read /nowhere/a.json");
    }
}

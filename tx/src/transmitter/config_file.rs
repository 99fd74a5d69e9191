//! The configuration file as it is written: TOML, every key optional, no other key allowed.
//!
//! `diode-tx.example.toml` beside this crate's manifest explains each key; tests hold it to what is here.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use audit::storage::read_outside;
use hw::units::{Percent, Rate};
use serde::Deserialize;

use super::framing::RateCounts;
use crate::complaint::Complaint;

/// What a file can set. Whole numbers are read as any, so that one out of range is refused with its range.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ConfigFile {
    pub(super) to: Option<SocketAddr>,
    pub(super) bind: Option<SocketAddr>,
    pub(super) key: Option<PathBuf>,
    pub(super) state: Option<PathBuf>,
    pub(super) outbox: Option<PathBuf>,
    pub(super) rate: Option<Rate>,
    pub(super) rate_counts: Option<RateCounts>,
    pub(super) mtu: Option<i64>,
    pub(super) lanes: Option<i64>,
    pub(super) passes: Option<i64>,
    pub(super) fec: FecTable,
    pub(super) retention: RetentionTable,
}

/// The table `[fec]`: what is known of the link's losses.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct FecTable {
    pub(super) loss: Option<Percent>,
    pub(super) burst: Option<i64>,
    pub(super) residual: Option<f64>,
    pub(super) depth: Option<i64>,
}

/// The table `[retention]`: how long `watch` keeps files of what was sent.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RetentionTable {
    pub(super) sent_days: Option<i64>,
    pub(super) sent_mib: Option<i64>,
}

impl ConfigFile {
    /// Reads the file at `path`; none is an empty one.
    ///
    /// # Errors
    /// A [`Complaint`] (exit 2) with file, line, key and mend.
    pub(super) fn read(path: Option<&Path>) -> Result<Self, Complaint> {
        let Some(path) = path else { return Ok(Self::default()) };
        let unreadable = |cause: &dyn std::fmt::Display| {
            Complaint::usage("the configuration can't be read")
                .fact("cause", cause)
                .mend("give another --config FILE")
        };
        let bytes = read_outside(path, MAX_LEN).map_err(|error| unreadable(&error))?;
        let text = String::from_utf8(bytes)
            .map_err(|_| unreadable(&format_args!("{} is not text in UTF-8", path.display())))?;
        Self::parse(&text, &path.display().to_string())
    }

    /// Reads a file's text; `name` is what the file is called in a complaint.
    pub(super) fn parse(text: &str, name: &str) -> Result<Self, Complaint> {
        toml::from_str(text).map_err(|error| malformed(&error, text, name))
    }
}

const MAX_LEN: u64 = 1 << 20;

fn malformed(error: &toml::de::Error, text: &str, name: &str) -> Complaint {
    let start = error.span().map_or(0, |span| span.start);
    let number = text.get(..start).unwrap_or_default().matches('\n').count();
    let line = text.lines().nth(number).unwrap_or_default();
    let complaint = Complaint::usage(format_args!("the configuration can't be used: {}", error.message()))
        .fact("file", format_args!("{name}, line {}: {}", number + 1, line.trim()));
    let complaint = match key_of(error) {
        Some(key) => complaint.fact("key", key),
        None => complaint,
    };
    complaint.mend("change that line; diode-tx.example.toml explains every key")
}

/// The key that the error is about, which the library tells in its text alone, and only if it doesn't have the input to show.
fn key_of(error: &toml::de::Error) -> Option<String> {
    let mut bare = error.clone();
    bare.set_input(None);
    let text = bare.to_string();
    text.lines()
        .find_map(|line| line.strip_prefix("in `")?.strip_suffix('`').map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::complaint::Exit;

    fn refused(text: &str) -> String {
        let complaint = ConfigFile::parse(text, "tx.toml").unwrap_err();
        assert_eq!(complaint.exit(), Exit::Usage);
        complaint.to_string()
    }

    #[test]
    fn an_unknown_key_is_refused_with_file_line_and_what_there_is() {
        let text = refused("mtu = 1500\nratte = \"200M\"\n");
        for part in [
            "unknown field `ratte`",
            "`rate`",
            "tx.toml, line 2: ratte = \"200M\"",
            "mend",
        ] {
            assert!(text.contains(part), "{part:?} is missing in {text}");
        }
    }

    #[test]
    fn an_unknown_key_in_a_table_is_refused() {
        assert!(refused("[fec]\nlosses = \"1%\"\n").contains("unknown field `losses`"));
    }

    #[test]
    fn a_value_that_cannot_be_read_is_named_by_its_key() {
        let text = refused("[fec]\nloss = \"2\"\n");
        for part in ["write 2% or a fraction", "tx.toml, line 2", "key     fec.loss"] {
            assert!(text.contains(part), "{part:?} is missing in {text}");
        }
    }

    #[test]
    fn a_rate_without_unit_is_refused_with_its_mend() {
        let text = refused("rate = \"200\"\n");
        assert!(
            text.contains("200M for 200 Mbit/s") && text.contains("key     rate"),
            "{text}"
        );
    }

    #[test]
    fn text_that_is_no_toml_is_refused_with_its_line() {
        assert!(refused("mtu = 1500\n= 3\n").contains("line 2"));
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let complaint = ConfigFile::read(Some(Path::new("/nowhere/tx.toml"))).unwrap_err();
        assert_eq!(complaint.exit(), Exit::Usage);
        assert!(complaint.to_string().contains("/nowhere/tx.toml"));
    }

    #[test]
    fn no_file_sets_nothing() {
        let file = ConfigFile::read(None).unwrap();
        assert!(file.rate.is_none() && file.fec.loss.is_none());
    }
}

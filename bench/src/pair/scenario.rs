//! What two hosts agree on, as a TOML file: who sends what to whom, how fast, and when.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use clap::ValueEnum;
use hw::units::{Percent, Rate};
use serde::Deserialize;

use crate::drive::Sending;
use crate::input::Input;
use crate::lossy::Losses;
use crate::measure::Options;
use crate::size::Size;

/// Which end a host is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub(super) enum Role {
    /// The transmitter's.
    Tx,
    /// The receiver's.
    Rx,
}

/// A scenario; `bench/pair.example.toml` explains each key.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Scenario {
    pub(super) role: Role,
    pub(super) to: SocketAddr,
    pub(super) listen: SocketAddr,
    pub(super) rate: Rate,
    size: Option<Size>,
    files: Option<u64>,
    file_size: Option<Size>,
    #[serde(default = "one")]
    pub(super) bundles: u64,
    #[serde(default = "ethernet")]
    mtu: u16,
    #[serde(default)]
    loss: Percent,
    #[serde(default = "one_percent")]
    fec_loss: Percent,
    #[serde(default = "usual_burst")]
    fec_burst: u32,
    depth: Option<u16>,
    residual: Option<f64>,
    #[serde(default = "usual_runs")]
    pub(super) runs: u32,
    #[serde(default = "usual_wait")]
    start_after_s: u32,
    #[serde(default = "usual_wait")]
    gap_s: u32,
    #[serde(default = "one")]
    pub(super) seed: u64,
    #[serde(default = "memory")]
    pub(super) spool: PathBuf,
}

fn one() -> u64 {
    1
}

fn ethernet() -> u16 {
    1500
}

fn one_percent() -> Percent {
    Percent::from_parts_per_billion(10_000_000).unwrap_or_default()
}

fn usual_burst() -> u32 {
    64
}

fn usual_runs() -> u32 {
    5
}

fn usual_wait() -> u32 {
    15
}

fn memory() -> PathBuf {
    "/dev/shm".into()
}

/// In a gap the receiver waits for silence, which takes a second.
const SHORTEST_GAP: u32 = 3;

impl Scenario {
    /// Reads and checks a file.
    pub(super) fn read(path: &Path) -> anyhow::Result<Self> {
        let shown = path.display();
        let text = fs::read_to_string(path).with_context(|| format!("the scenario {shown} can't be read"))?;
        Self::parse(&text).with_context(|| format!("the scenario {shown} can't be used"))
    }

    fn parse(text: &str) -> anyhow::Result<Self> {
        let scenario: Self = toml::from_str(text)?;
        let Self {
            size,
            files,
            bundles,
            runs,
            gap_s,
            ..
        } = &scenario;
        ensure!(
            size.is_some() != files.is_some(),
            "it names neither size nor files, or both\n  mend    name one of them"
        );
        ensure!(
            (1..=1000).contains(runs) && (1..=10_000).contains(bundles),
            "runs = {runs} and bundles = {bundles} are not both in their range\n  mend    write 1 to 1000 runs, and 1 to 10000 bundles"
        );
        ensure!(
            *gap_s >= SHORTEST_GAP,
            "gap_s = {gap_s} is too short for the receiver to begin anew\n  mend    write {SHORTEST_GAP} or more"
        );
        Ok(scenario)
    }

    /// What is in each bundle.
    pub(super) fn input(&self) -> Input {
        let many = |files| Input {
            files,
            file_len: self.file_size.map_or(DEFAULT_FILE_LEN, Size::bytes),
        };
        match self.size {
            Some(size) => Input {
                files: 1,
                file_len: size.bytes(),
            },
            None => many(self.files.unwrap_or(1)),
        }
    }

    /// Bytes of content of a run.
    pub(super) fn bytes(&self) -> u64 {
        let Input { files, file_len } = self.input();
        files.saturating_mul(file_len).saturating_mul(self.bundles)
    }

    /// How the transmitter is to send.
    pub(super) fn sending(&self) -> Sending {
        Sending {
            mtu: self.mtu,
            burst: self.fec_burst,
            depth: self.depth,
            residual: self.residual,
            ..Sending::new(self.to, &self.rate.to_string(), &self.fec_loss.to_string())
        }
    }

    /// What the receiver simulates.
    pub(super) fn losses(&self) -> Losses {
        Losses {
            share: self.loss,
            seed: self.seed,
            burst: None,
        }
    }

    /// How long the transmitter waits before its first run.
    pub(super) fn start_after(&self) -> Duration {
        Duration::from_secs(self.start_after_s.into())
    }

    /// How long it waits after each run.
    pub(super) fn gap(&self) -> Duration {
        Duration::from_secs(self.gap_s.into())
    }

    /// What a record of it keeps.
    pub(super) fn options(&self) -> Options {
        let Input { files, file_len } = self.input();
        let or_default = |value: Option<String>| value.unwrap_or_else(|| "default".to_owned());
        let role = match self.role {
            Role::Tx => "tx",
            Role::Rx => "rx",
        };
        let pairs = [
            ("role", role.to_owned()),
            ("rate", self.rate.to_string()),
            ("files", files.to_string()),
            ("file-size", file_len.to_string()),
            ("bundles", self.bundles.to_string()),
            ("mtu", self.mtu.to_string()),
            ("loss", self.loss.to_string()),
            ("fec-loss", self.fec_loss.to_string()),
            ("fec-burst", self.fec_burst.to_string()),
            ("depth", or_default(self.depth.map(|depth| depth.to_string()))),
            (
                "residual",
                or_default(self.residual.map(|residual| residual.to_string())),
            ),
            ("runs", self.runs.to_string()),
            ("gap", self.gap_s.to_string()),
            ("seed", self.seed.to_string()),
        ];
        pairs
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect()
    }
}

const DEFAULT_FILE_LEN: u64 = 10 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: &str = include_str!("../../pair.example.toml");
    const LEAST: &str = "role = \"tx\"\nto = \"127.0.0.1:4600\"\nlisten = \"127.0.0.1:4600\"\nrate = \"1G\"\n";

    fn refused(text: &str) -> String {
        format!("{:#}", Scenario::parse(text).unwrap_err())
    }

    #[test]
    fn the_example_is_a_scenario_and_states_the_defaults() {
        let written = Scenario::parse(EXAMPLE).unwrap();
        let all: String = EXAMPLE
            .lines()
            .map(|line| line.strip_prefix("#: ").unwrap_or(line).to_owned() + "\n")
            .filter(|line| !line.starts_with("files"))
            .collect();
        let stated = Scenario::parse(&all).unwrap();
        let (mut written, mut stated) = (written.options(), stated.options());
        // What is left to diode-tx has its own default there.
        for name in ["depth", "residual"] {
            written.remove(name);
            stated.remove(name);
        }
        assert_eq!(written, stated);
    }

    #[test]
    fn one_of_size_and_files_is_named() {
        assert!(refused(LEAST).contains("name one of them"));
        let files = format!("{LEAST}files = 3\nfile_size = \"1KiB\"\nbundles = 2\n");
        let scenario = Scenario::parse(&files).unwrap();
        assert_eq!(scenario.bytes(), 6 << 10);
        assert!(refused(&format!("{files}size = \"1KiB\"\n")).contains("both"));
    }

    #[test]
    fn a_gap_too_short_for_the_receiver_is_refused() {
        assert!(refused(&format!("{LEAST}files = 1\ngap_s = 2\n")).contains("gap_s = 2"));
        assert!(Scenario::parse(&format!("{LEAST}files = 1\ngap_s = 3\n")).is_ok());
    }

    #[test]
    fn an_unknown_key_is_refused() {
        assert!(refused(&format!("{LEAST}files = 1\nlosss = \"1%\"\n")).contains("losss"));
    }
}

//! Campaigns: rounds that are numbered, of which each does the same again for the same number.
//!
//! ```text
//! --from F --rounds N ──▶ F, F+1, … ──▶ a line of JSON in bench/campaigns.jsonl ──▶ --from F+N goes on
//! ```
//!
//! The file only grows. What was shown at a commit is the sum of its lines of that commit.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use protocol::time::UnixMillis;
use serde::Serialize;

use crate::clock::now;
use crate::measure::Commit;

/// Which rounds, and where it is written what came of them.
#[derive(Debug, Clone, Args)]
pub(crate) struct CampaignArgs {
    /// The number of the first round: give where the last campaign ended to go on with it
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) from: u64,
    /// The file that gets a line when the campaign ends
    #[arg(long, value_name = "FILE", default_value = "bench/campaigns.jsonl")]
    pub(crate) record: PathBuf,
}

/// What came of a campaign.
#[derive(Debug, Serialize)]
pub(crate) struct Campaign<'a, T> {
    /// What was tried, as it is named on the command line: `fuzz header`, `sim`.
    pub(crate) campaign: &'a str,
    /// The first round.
    pub(crate) from: u64,
    /// Rounds that were run, the failing one included: the next campaign goes on behind them.
    pub(crate) rounds: u64,
    /// The round that failed, and what was seen.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub(crate) failure: Option<Failure>,
    /// What is told of campaigns of this kind only.
    #[serde(flatten)]
    pub(crate) detail: T,
}

/// A round that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Failure {
    /// Its number.
    #[serde(rename = "failed_at")]
    pub(crate) round: u64,
    /// What was seen.
    pub(crate) message: String,
}

#[derive(Serialize)]
struct Line<'a, T> {
    time: UnixMillis,
    commit: &'a Commit,
    result: &'static str,
    #[serde(flatten)]
    campaign: &'a Campaign<'a, T>,
}

/// The file of all campaigns, open for further lines.
#[derive(Debug)]
pub(crate) struct Records {
    file: File,
    commit: Commit,
}

impl Records {
    /// Opens the file before anything is run: that it can't be written is known then, not after hours.
    ///
    /// # Errors
    /// If it can't be written.
    pub(crate) fn open(path: &Path) -> anyhow::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(path);
        Ok(Self {
            file: file.with_context(|| format!("cannot write --record {}", path.display()))?,
            commit: Commit::here(),
        })
    }

    /// Adds a campaign that ended.
    ///
    /// # Errors
    /// If it can't be written.
    pub(crate) fn append<T: Serialize>(&mut self, campaign: &Campaign<'_, T>) -> anyhow::Result<()> {
        let line = Line {
            time: now(),
            commit: &self.commit,
            result: if campaign.failure.is_some() { "failed" } else { "held" },
            campaign,
        };
        let mut text = serde_json::to_vec(&line)?;
        text.push(b'\n');
        // In one write, so that two campaigns at once give two lines.
        self.file.write_all(&text).context("cannot write the campaign's record")
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn campaigns_are_lines_that_tell_where_to_go_on() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("campaigns.jsonl");
        let failure = Failure {
            round: 107,
            message: "why".to_owned(),
        };
        for failure in [None, Some(failure)] {
            let campaign = Campaign {
                campaign: "sim",
                from: 100,
                rounds: 8,
                failure,
                detail: json!({"bundles": 50}),
            };
            Records::open(&path).unwrap().append(&campaign).unwrap();
        }
        let text = fs::read_to_string(&path).unwrap();
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let told = |line: &Value| {
            [
                "campaign",
                "from",
                "rounds",
                "result",
                "failed_at",
                "message",
                "bundles",
            ]
            .map(|key| line[key].clone())
        };
        let absent = Value::Null;
        let [sim, held, failed, why] = ["sim", "held", "failed", "why"].map(Value::from);
        assert_eq!(
            told(&lines[0]),
            [
                sim.clone(),
                100.into(),
                8.into(),
                held,
                absent.clone(),
                absent,
                50.into()
            ]
        );
        assert_eq!(
            told(&lines[1]),
            [sim, 100.into(), 8.into(), failed, 107.into(), why, 50.into()]
        );
    }
}

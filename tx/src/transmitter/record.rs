//! A bundle's line when it was sent, and its line of JSON.

use std::path::Path;
use std::time::Duration;

use audit::escape::terminal;
use audit::event::EventKind;
use protocol::digest::BundleId;
use protocol::time::UnixMillis;
use protocol::transmission::Settings;
use protocol::wire::LinkNumber;
use serde::{Deserialize, Serialize};

use super::failure;
use super::job::Job;
use super::ledger::Outcome;
use super::progress::{percent_text, rate_text};
use super::watch::Tally;
use crate::units::{count_text, size_text};

/// What is known of a bundle whose sending ended.
#[derive(Debug)]
pub(super) struct Record<'a> {
    pub(super) job: &'a Job,
    pub(super) number: LinkNumber,
    /// Whether it had its number before.
    pub(super) again: bool,
    pub(super) settings: &'a Settings,
    pub(super) tally: Tally,
    /// What the kernel was told to pace to at most, in bytes a second.
    pub(super) pacing_cap: Option<u64>,
    pub(super) elapsed: Duration,
    pub(super) outcome: &'a Outcome,
    pub(super) time: UnixMillis,
}

impl Record<'_> {
    /// The line for people: what both sides can talk about on the telephone.
    pub(super) fn text(&self) -> String {
        let bundle = &self.job.sound.bundle;
        let statement = bundle.statement();
        format!(
            "sent  seq {}{}  {}…  {} (claimed)  {}  {}  in {:.2} s at {}, {} repair\n",
            self.number.sequence,
            if self.again { " again" } else { "" },
            bundle.id().short(),
            terminal(&statement.author),
            size_text(statement.content_len),
            count_text(statement.files.len() as u64, "file", "files"),
            self.elapsed.as_secs_f64(),
            rate_text(self.tally.wire_bits, self.elapsed),
            percent_text(self.repair_ppm()),
        )
    }

    /// The share of what was sent that a link without loss would not need, in millionths.
    fn repair_ppm(&self) -> u64 {
        self.job.forecast.repair_ppm_of(self.tally.datagrams)
    }

    /// The line for scripts. `log_index` is the place of the entry in the audit log, if it could be written.
    pub(super) fn json(&self, log_index: Option<u64>) -> RecordJson {
        let bundle = &self.job.sound.bundle;
        let statement = bundle.statement();
        let stopped = self.outcome.stopped.as_ref();
        RecordJson {
            schema: 1,
            time: self.time,
            event: if stopped.is_some() {
                EventKind::BundleStopped
            } else {
                EventKind::BundleSent
            },
            epoch_id: format!("{:016x}", self.number.epoch),
            seq: self.number.sequence,
            again: self.again,
            session: self.settings.session.to_string(),
            bundle: bundle.id(),
            claimed_author: statement.author.clone(),
            path: self.job.sound.path.display().to_string(),
            bytes: statement.content_len,
            files: statement.files.len(),
            blocks: self.outcome.blocks,
            passes: self.settings.passes,
            datagrams: self.tally.datagrams,
            datagrams_planned: self.job.forecast.datagrams(),
            wire_bits: self.tally.wire_bits,
            repair_ppm: self.repair_ppm(),
            pacing_cap_bytes_per_second: self.pacing_cap,
            duration_ms: self.outcome.duration_ms,
            reason: stopped.map(|(code, _)| (*code).to_owned()),
            detail: stopped.map(|(_, detail)| detail.clone()),
            log_index,
        }
    }
}

/// What a record says of its bundle's file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// All was sent, and stands in the log.
    Sent,
    /// It was stopped for what is in the file, or for what does not fit the link.
    Refused,
    /// It was stopped, or is not recorded, for what says nothing of it: it is to be sent again.
    Unfinished,
}

impl RecordJson {
    /// The bundle, and when its ending was written down.
    pub(super) fn bundle(&self) -> (BundleId, UnixMillis) {
        (self.bundle, self.time)
    }

    /// Says where the file is now.
    pub(super) fn set_path(&mut self, path: &Path) {
        self.path = path.display().to_string();
    }

    /// What is to become of the bundle's file.
    pub(super) fn ending(&self) -> Ending {
        match (&self.reason, self.log_index) {
            (None, Some(_)) => Ending::Sent,
            (Some(code), _) if failure::is_code_of_bundle(code) => Ending::Refused,
            _ => Ending::Unfinished,
        }
    }
}

/// The line for scripts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct RecordJson {
    schema: u32,
    time: UnixMillis,
    event: EventKind,
    epoch_id: String,
    seq: u64,
    again: bool,
    session: String,
    bundle: BundleId,
    claimed_author: String,
    path: String,
    bytes: u64,
    files: usize,
    blocks: u64,
    passes: u16,
    datagrams: u64,
    datagrams_planned: u64,
    wire_bits: u64,
    repair_ppm: u64,
    /// SO_MAX_PACING_RATE of all lanes together; the kernel keeps it only where the interface's queue is fq.
    #[serde(skip_serializing_if = "Option::is_none")]
    pacing_cap_bytes_per_second: Option<u64>,
    duration_ms: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    log_index: Option<u64>,
}

//! Bundles before they are sent: looked at when they are named, opened again when their turn comes.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use protocol::digest::BundleId;

use super::config::Config;
use super::failure;
use super::forecast::Forecast;
use super::intake::{self, Sound};
use super::ledger::Facts;
use super::link::shape_of;
use super::priority::Priority;
use super::progress::Ahead;
use crate::complaint::Complaint;

/// A bundle that may be sent.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) sound: Sound,
    pub(super) forecast: Forecast,
}

impl Job {
    /// Opens a bundle, checks its head, and foretells its sending.
    ///
    /// # Errors
    /// As [`intake::open`], and exit 2 if the link can't carry it.
    pub(super) fn open(path: &Path, config: &Config) -> Result<Self, Complaint> {
        let sound = Sound {
            path: path.to_owned(),
            bundle: Arc::new(intake::open(path)?),
        };
        let forecast = Forecast::of(&shape_of(&sound.bundle), &config.link, config.framing())
            .map_err(|error| failure::does_not_fit(path, &error))?;
        Ok(Self { sound, forecast })
    }

    /// Bytes of content.
    pub(super) fn bytes(&self) -> u64 {
        self.sound.bundle.statement().content_len
    }

    /// What the log's entries say of it.
    pub(super) fn facts(&self, actor: Option<String>) -> Facts {
        Facts {
            bundle: self.sound.bundle.id(),
            bytes: self.bytes(),
            files: self.sound.bundle.statement().files.len() as u64,
            actor,
        }
    }
}

/// Who wants a bundle sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asker {
    /// Whoever runs this process.
    Operator,
    /// A client at the control socket, by the number that it has in this run.
    Client(u64),
}

/// A bundle that was looked at and not begun.
#[derive(Debug, Clone)]
pub(super) struct Waiting {
    pub(super) path: PathBuf,
    pub(super) bundle: BundleId,
    /// Bytes of content.
    pub(super) bytes: u64,
    pub(super) priority: Priority,
    pub(super) asker: Asker,
}

/// Opens each bundle for a moment: what can't be sent is found before anything is, and what is ahead is known.
///
/// # Errors
/// As [`Job::open`], for the first that can't be sent.
pub(super) fn look_at_all(
    paths: &[PathBuf],
    priority: Priority,
    config: &Config,
) -> Result<(Vec<Waiting>, Ahead), Complaint> {
    let mut ahead = Ahead {
        title: format!("{} bundles", paths.len()),
        datagrams: 0,
        bytes: 0,
        passes: config.link.passes,
        repair_ppm: 0,
    };
    let mut waiting = Vec::new();
    for path in paths {
        intake::refuse_folder(path)?;
        let job = Job::open(path, config)?;
        if paths.len() == 1 {
            ahead.title = job.sound.bundle.id().short();
        }
        ahead.datagrams += job.forecast.datagrams();
        ahead.bytes += job.forecast.bytes();
        ahead.repair_ppm = ahead.repair_ppm.max(job.forecast.repair_ppm());
        waiting.push(Waiting {
            path: path.clone(),
            bundle: job.sound.bundle.id(),
            bytes: job.bytes(),
            priority,
            asker: Asker::Operator,
        });
    }
    Ok((waiting, ahead))
}

//! A bundle that has its number: until it is handed to the link, while it is sent, and what is told of it when it ends.

use std::sync::Arc;
use std::sync::atomic::AtomicU16;
use std::time::Duration;

use protocol::transmission::Settings;

use super::failure;
use super::job::{Asker, Job};
use super::ledger::{Bound, Outcome};
use super::link::Ended;
use super::priority::Priority;
use super::standing::Sending;
use super::watch::Tally;

/// A bundle that has its number and was not begun.
#[derive(Debug)]
pub(super) struct Ready {
    pub(super) job: Job,
    pub(super) bound: Bound,
    pub(super) priority: Priority,
    pub(super) asker: Asker,
}

/// A bundle under way.
#[derive(Debug)]
pub(super) struct UnderWay {
    pub(super) job: Job,
    pub(super) bound: Bound,
    pub(super) settings: Settings,
    pub(super) asker: Asker,
    /// The pass that goes on, from 1.
    pub(super) pass: Arc<AtomicU16>,
}

impl UnderWay {
    /// Its sequence number.
    pub(super) fn sequence(&self) -> u64 {
        self.bound.number().sequence
    }

    /// What heartbeats tell of it.
    pub(super) fn sending(&self) -> Sending {
        Sending {
            sequence: self.sequence(),
            bundle: self.job.sound.bundle.id(),
            pass: Arc::clone(&self.pass),
        }
    }

    /// How it ended, for the log.
    pub(super) fn outcome(&self, ended: &Ended) -> Outcome {
        let Tally { datagrams, .. } = ended.tally;
        let forecast = &self.job.forecast;
        let stop = ended.result.as_ref().err();
        let (bundle, seq) = (self.job.sound.bundle.id(), self.bound.number().sequence);
        let elapsed = Duration::from_nanos(ended.nanos);
        let elapsed_ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
        match stop {
            None => tracing::info!(%bundle, seq, elapsed_ms, "bundle sent"),
            Some(stop) => tracing::info!(%bundle, seq, reason = failure::code(stop), "bundle stopped"),
        }
        Outcome {
            session: Some(self.settings.session),
            blocks: forecast.blocks().into(),
            duration_ms: elapsed_ms,
            stopped: stop.map(|stop| {
                (
                    failure::code(stop),
                    failure::detail(stop, datagrams, forecast.datagrams()),
                )
            }),
        }
    }
}

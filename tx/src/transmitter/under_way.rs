//! A bundle that has its number: until it is handed to the link, while it is sent, and what is told of it when it ends.

use std::sync::Arc;
use std::sync::atomic::AtomicU16;
use std::time::Duration;

use protocol::digest::BundleId;
use protocol::time::UnixMillis;
use protocol::transmission::Settings;

use super::failure;
use super::job::{Asker, Job};
use super::ledger::{Bound, Outcome};
use super::link::{Ended, Outgoing};
use super::priority::Priority;
use super::record::Record;
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

impl Ready {
    /// Begins to send it: what stays here, and what goes to the link, where both call it `id`.
    pub(super) fn begin(self, id: u64, settings: Settings) -> (UnderWay, Outgoing) {
        let Self {
            job,
            bound,
            priority,
            asker,
        } = self;
        let pass = Arc::<AtomicU16>::default();
        let outgoing = Outgoing {
            id,
            bundle: Arc::clone(&job.sound.bundle),
            settings: settings.clone(),
            priority,
            pass: Arc::clone(&pass),
        };
        let under_way = UnderWay {
            job,
            bound,
            settings,
            asker,
            pass,
        };
        (under_way, outgoing)
    }
}

impl UnderWay {
    /// Its sequence number.
    pub(super) fn sequence(&self) -> u64 {
        self.bound.number().sequence
    }

    /// Its bundle.
    pub(super) fn bundle(&self) -> BundleId {
        self.job.sound.bundle.id()
    }

    /// What heartbeats tell of it.
    pub(super) fn sending(&self) -> Sending {
        Sending {
            sequence: self.sequence(),
            bundle: self.bundle(),
            pass: Arc::clone(&self.pass),
        }
    }

    /// What is told of it when it has ended; `pacing_cap` is what the kernel was told, `time` when that is.
    pub(super) fn record<'a>(
        &'a self,
        ended: &Ended,
        outcome: &'a Outcome,
        pacing_cap: Option<u64>,
        time: UnixMillis,
    ) -> Record<'a> {
        Record {
            job: &self.job,
            number: self.bound.number(),
            again: self.bound.is_again(),
            settings: &self.settings,
            tally: ended.tally,
            pacing_cap,
            elapsed: Duration::from_nanos(ended.nanos),
            outcome,
            time,
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

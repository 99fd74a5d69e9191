//! `diode-tx send`: bundles checked, numbered, sent, and recorded.
//!
//! ```text
//! configuration, key ─▶ every bundle checked whole ─▶ state locked ─▶ link warmed up ─▶ for each: bind ─▶ transmit ─▶ record
//!    exit 2                     exit 5                    exit 1        exit 1 or 2        stops at the first that fails
//! ```
//!
//! Always true:
//! - no packet of a bundle leaves before all were found sound, and before its number's entry is durable;
//! - what is sent is called *sent*: nobody here can know that it was delivered.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use audit::keyfile;
use crossbeam_channel::{RecvTimeoutError, bounded};
use hw::udp::{SinkConfig, UdpSink};
use protocol::keys::SigningKey;
use protocol::transmission::Settings;
use protocol::wire::SessionId;

use super::cli::SendArgs;
use super::config::Config;
use super::failure::{self, link_failed};
use super::forecast::{Forecast, settings};
use super::intake::{self, Sound};
use super::ledger::{Bound, Facts, Outcome};
use super::link::{Ended, Link, Stop, SystemClock};
use super::pace::Framing;
use super::progress::{Ahead, DRAW_EVERY, Progress};
use super::record::Record;
use super::state::{Chance, LOG, State, unusable_ledger};
use super::watch::Watch;
use super::{clock, random_seed, random_u64};
use crate::complaint::Complaint;
use crate::{interrupt, output};

/// Sends the bundles that `args` name.
///
/// # Errors
/// A [`Complaint`] for the first thing that fails; what was not sent is named in it.
pub(super) fn send(args: &SendArgs) -> Result<(), Complaint> {
    args.bundles.iter().try_for_each(|path| intake::refuse_folder(path))?;
    let config = Config::of(args)?;
    let key = keyfile::load(&config.key)?;
    let jobs = check_all(args, &config)?;
    let chance = Chance {
        epoch: random_u64()?,
        log_key: SigningKey::from_seed(*random_seed()?),
    };
    let state = State::open(&config.state, clock()?, &chance)?;
    if state.created {
        say_created(&config.state, &state);
    }
    let stop = interrupt::listen();
    let mut link = open_link(&config)?;
    link.warm_up(config.link.symbol_len, &Watch::new(Arc::clone(&stop)))
        .map_err(|stopped| failure::before_any(&stopped, &jobs))?;
    let mut sender = Sender {
        args,
        config: &config,
        key: &key,
        state,
        link,
        stop,
    };
    for (number, job) in jobs.iter().enumerate() {
        if sender.stop.load(Ordering::Relaxed) {
            return Err(failure::before_any(
                &Stop::Interrupted,
                jobs.get(number..).unwrap_or_default(),
            ));
        }
        let not_begun = jobs.get(number + 1..).unwrap_or_default();
        sender
            .send(job)
            .map_err(|complaint| failure::with_rest(complaint, not_begun))?;
    }
    Ok(())
}

/// A bundle that may be sent.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) sound: Sound,
    pub(super) forecast: Forecast,
}

fn check_all(args: &SendArgs, config: &Config) -> Result<Vec<Job>, Complaint> {
    let check = |path: &PathBuf| {
        let sound = Sound::check(path, !args.quiet)?;
        let forecast = Forecast::of(&sound.bundle, &config.link, Framing::towards(config.to))
            .map_err(|error| failure::does_not_fit(path, &error))?;
        Ok(Job { sound, forecast })
    };
    args.bundles.iter().map(check).collect()
}

fn say_created(dir: &Path, state: &State) {
    let dir = dir.display().to_string();
    let shown = audit::escape::terminal(&dir);
    eprintln!(
        "new state in {shown}: epoch {:016x}, audit log in {shown}/{LOG} (diode-audit verify {shown}/{LOG})",
        state.ledger.epoch()
    );
}

fn open_link(config: &Config) -> Result<Link<UdpSink, SystemClock>, Complaint> {
    let sink = SinkConfig {
        to: config.to,
        bind: config.bind,
        send_buffer_bytes: SEND_BUFFER_BYTES,
    };
    let sink = UdpSink::bind(&sink).map_err(|error| link_failed(&error))?;
    tracing::debug!(from = %sink.local_addr(), to = %config.to, bytes = sink.granted_send_buffer(), "link opened");
    // Where the count starts says nothing of what was sent before.
    let first_packet = (random_u64()? >> 32) as u32;
    Ok(Link::new(
        sink,
        SystemClock::new(),
        config.rate,
        Framing::towards(config.to),
        first_packet,
    ))
}

/// A batch or two: more would only hide from the pacer that the link is slower than its rate.
const SEND_BUFFER_BYTES: usize = 1 << 20;

/// What stays over the bundles of one invocation.
struct Sender<'a> {
    args: &'a SendArgs,
    config: &'a Config,
    key: &'a SigningKey,
    state: State,
    link: Link<UdpSink, SystemClock>,
    stop: Arc<AtomicBool>,
}

impl Sender<'_> {
    fn send(&mut self, job: &Job) -> Result<(), Complaint> {
        let statement = job.sound.bundle.statement();
        let bundle = job.sound.bundle.id();
        let session = random_session()?;
        let begun = clock()?;
        let facts = Facts {
            bundle,
            bytes: statement.content_len,
            files: statement.files.len() as u64,
        };
        let bound = self
            .state
            .ledger
            .bind(facts, begun)
            .map_err(|error| unusable_ledger(&self.config.state, &error))?;
        tracing::info!(%bundle, seq = bound.number().sequence, %session, bytes = facts.bytes, "bundle bound");
        let settings = settings(&self.config.link, session, bound.number(), begun);
        let ended = self.transmit(job, &bound, &settings);
        self.record(job, bound, &settings, ended)
    }

    /// Sends on a thread of its own and shows on this one how far it is.
    fn transmit(&mut self, job: &Job, bound: &Bound, settings: &Settings) -> Ended {
        let watch = Watch::new(Arc::clone(&self.stop));
        let ahead = Ahead {
            title: format!("seq {}  {}", bound.number().sequence, job.sound.bundle.id().short()),
            datagrams: job.forecast.datagrams(),
            bytes: job.forecast.bytes(),
            passes: settings.passes,
            repair_ppm: job.forecast.repair_ppm(),
        };
        let mut progress = Progress::begin(ahead, self.args.quiet);
        let start = Instant::now();
        let (link, key) = (&mut self.link, self.key);
        let ended = thread::scope(|scope| {
            let (done, ended) = bounded(1);
            let watched = &watch;
            let sending = scope.spawn(move || {
                // The other end waits for it.
                let _ = done.send(link.transmit(&job.sound.bundle, settings, key, watched));
            });
            let ended = loop {
                match ended.recv_timeout(DRAW_EVERY) {
                    Ok(ended) => break Some(ended),
                    Err(RecvTimeoutError::Timeout) => progress.update(watch.tally(), start.elapsed()),
                    Err(RecvTimeoutError::Disconnected) => break None,
                }
            };
            // Without a result it has panicked, which is a stop like another: the number's entry must be written.
            let _ = sending.join();
            ended
        });
        progress.end();
        ended.unwrap_or_else(|| Ended {
            tally: watch.tally(),
            nanos: u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX),
            result: Err(Stop::WorkersGone),
        })
    }

    fn record(&mut self, job: &Job, bound: Bound, settings: &Settings, ended: Ended) -> Result<(), Complaint> {
        // What was sent is recorded, whatever became of the clock.
        let now = clock().unwrap_or(settings.created);
        let (number, again) = (bound.number(), bound.is_again());
        let total = job.forecast.datagrams();
        let Ended { tally, nanos, result } = ended;
        let elapsed = Duration::from_nanos(nanos);
        let outcome = Outcome {
            session: settings.session,
            blocks: job.forecast.blocks().into(),
            duration_ms: u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX),
            stopped: result
                .as_ref()
                .err()
                .map(|stop| (failure::code(stop), failure::detail(stop, tally.datagrams, total))),
        };
        let written = self.state.ledger.end(bound, &outcome, now);
        let written = written.and_then(|index| self.state.ledger.publish().map(|()| index));
        let record = Record {
            job,
            number,
            again,
            settings,
            tally,
            elapsed,
            outcome: &outcome,
            time: now,
        };
        let log_index = written.as_ref().ok().copied();
        if self.args.json {
            output::print(&record.json(log_index)?)?;
        } else if result.is_ok() {
            output::print(&record.text())?;
        }
        match result {
            Err(stop) => {
                let reason = failure::code(&stop);
                tracing::info!(bundle = %job.sound.bundle.id(), seq = number.sequence, reason, "bundle stopped");
                Err(failure::stopped(&stop, job, number, &tally, total))
            }
            Ok(()) => {
                tracing::info!(bundle = %job.sound.bundle.id(), seq = number.sequence, elapsed_ms = outcome.duration_ms, "bundle sent");
                written
                    .map(|_| ())
                    .map_err(|error| failure::not_recorded(&self.config.state, number, &error))
            }
        }
    }
}

/// A session's number: random, and not the 0 of filler.
fn random_session() -> Result<SessionId, Complaint> {
    loop {
        let number = random_u64()?;
        if number != 0 {
            return Ok(SessionId(number));
        }
    }
}

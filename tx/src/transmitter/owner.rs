//! Whoever holds the state: numbers bundles, listens at the control socket, and has the link.
//!
//! ```text
//! state locked ─▶ control socket ─▶ signals ─▶ lanes bound ─▶ warmed up ─▶ work, on a thread of its own ─▶ record, answers ─▶ goodbye
//!    Owner::open                              Owner::run         └─────────────────── heartbeats ──────────────────────────────┘
//! ```
//!
//! Always true:
//! - one process owns a state at a time, and only it has a link to that state's numbers;
//! - whoever handed bundles over is told what became of them before the process ends;
//! - heartbeats go on from the warm-up to the end, and say how it ended.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded, never};
use hw::udp::{Offload, SinkConfig, UdpSink};
use hw::units::Rate;
use protocol::keys::SigningKey;
use protocol::transmission::TransmissionError;
use protocol::wire::HEADER_LEN;

use super::beats::Beats;
use super::clients::Task;
use super::config::Config;
use super::control::{Control, TASKS};
use super::dispatch::Dispatch;
use super::failure::{self, link_failed};
use super::job::Waiting;
use super::lane::{LaneSender, SystemClock};
use super::link::{Link, Stop};
use super::pulse::{Heart, Pulse};
use super::removal::Removals;
use super::retention::Retention;
use super::shelf::Shelf;
use super::state::{Chance, LOG, NotOpened, State, broken, unusable_ledger};
use super::watch::Watch;
use super::{clock, random_seed, random_u64};
use crate::complaint::Complaint;
use crate::interrupt;
use crate::output;

/// The process that numbers and sends.
#[derive(Debug)]
pub(super) struct Owner<'a> {
    config: &'a Config,
    how: Telling,
    state: State,
    control: Option<Control>,
    tasks: Sender<Task>,
    to_do: Receiver<Task>,
    stop: Arc<AtomicBool>,
    left_is_known: Arc<AtomicBool>,
    removals: Receiver<Removals>,
}

/// How the operator is told.
#[derive(Debug, Clone, Copy)]
pub(super) struct Telling {
    /// In lines of JSON.
    pub(super) json: bool,
    /// Nothing but results and failures.
    pub(super) quiet: bool,
}

/// How often to look whether the state is free, or whoever holds it listens.
pub(super) const TRIES: u32 = 25;
pub(super) const TRY_AGAIN_AFTER: Duration = Duration::from_millis(100);

impl<'a> Owner<'a> {
    /// Takes the state for `verb`, and listens: to other processes, of whose tasks some may wait besides `places` of this process, and to
    /// signals.
    ///
    /// # Errors
    /// [`NotOpened`], as [`State::open`].
    pub(super) fn open(config: &'a Config, verb: &str, places: usize, how: Telling) -> Result<Self, NotOpened> {
        let chance = Chance {
            epoch: random_u64()?,
            log_key: SigningKey::from_seed(*random_seed()?),
        };
        let state = State::open(&config.state, verb, clock()?, &chance)?;
        if state.created && !how.json {
            say_created(&config.state, &state);
        }
        let (tasks, to_do) = bounded(TASKS + places);
        let control = Control::open(&config.state, config.clone(), tasks.clone())
            .inspect_err(|error| tracing::warn!(%error, "no control socket: other bundles must wait for these"));
        Ok(Self {
            config,
            how,
            state,
            control: control.ok(),
            tasks,
            to_do,
            stop: interrupt::listen(),
            left_is_known: Arc::new(AtomicBool::new(true)),
            removals: never(),
        })
    }

    /// Where this process hands in tasks of its own.
    pub(super) fn tasks(&self) -> Sender<Task> {
        self.tasks.clone()
    }

    /// Has no number closed that a run before left open, until what this gives is set: all that is to be sent of those was handed in.
    pub(super) fn await_left(&self) -> Arc<AtomicBool> {
        self.left_is_known.store(false, Ordering::Release);
        Arc::clone(&self.left_is_known)
    }

    /// What is to remove files of what was sent by `retention`, if that removes anything.
    ///
    /// # Errors
    /// A [`Complaint`] if the log can't be read.
    pub(super) fn shelf(&mut self, retention: Retention) -> Result<Option<Shelf>, Complaint> {
        if !retention.is_asked_for() {
            return Ok(None);
        }
        let sent = self.state.ledger.sent_times();
        let sent = sent.map_err(|error| unusable_ledger(&self.config.state, &error))?;
        let (asks, removals) = bounded(1);
        self.removals = removals;
        Ok(Some(Shelf::new(retention, sent, asks)))
    }

    /// Opens the link and does `work` with it, in which the bundles that wait are the operator's; then writes down what became of all, and
    /// tells everybody.
    ///
    /// # Errors
    /// The first thing that failed, with what was not sent.
    pub(super) fn run(
        self,
        waiting: Vec<Waiting>,
        key: &Arc<SigningKey>,
        work: impl FnOnce(&mut Link, &mut Dispatch<'_>, &Watch) -> Result<(), Stop>,
    ) -> Result<(), Complaint> {
        let Self {
            config,
            how,
            mut state,
            control,
            tasks: _tasks,
            to_do,
            stop,
            left_is_known,
            removals,
        } = self;
        let watch = Arc::new(Watch::new(Arc::clone(&stop)));
        let done = open_link(config, &watch).and_then(|(mut link, pacing_cap, heartbeats)| {
            if !how.quiet && !how.json {
                say_capped(pacing_cap);
            }
            link.warm_up().map_err(|stopped| {
                let bundles: Vec<PathBuf> = waiting.iter().map(|waiting| waiting.path.clone()).collect();
                failure::before_any(&stopped, &bundles)
            })?;
            let heart = Heart::new(config, key, state.ledger.epoch());
            let beats = state.beats().map_err(|error| broken(&config.state, &error))?;
            let dispatch = Dispatch::new(config, &mut state, waiting, to_do, &watch);
            let dispatch = dispatch.in_json(how.json).capped_at(pacing_cap);
            let mut dispatch = dispatch.await_left(&left_is_known).with_removals(removals);
            let pulse = begin_to_beat(heart, beats, &dispatch, heartbeats);
            let result = work(&mut link, &mut dispatch, &watch);
            Ok((result, dispatch, link, pulse))
        });
        // First nobody is let in any more, then everybody who is in is told.
        let closing = control.map(Control::close);
        let ended = done.and_then(|(result, dispatch, link, pulse)| {
            let ended = dispatch.finish(stop.load(Ordering::Relaxed));
            // The last heartbeats tell how it ended, and leave before the lanes end.
            if let Some(pulse) = pulse {
                pulse.finish();
            }
            link.finish();
            match result {
                Err(stopped) if ended.is_ok() => Err(failure::before_any(&stopped, &[])),
                _ => ended,
            }
        });
        if let Some(closing) = closing {
            closing.wait();
        }
        ended
    }
}

/// Begins to beat. Without heartbeats bundles are sent all the same.
fn begin_to_beat(
    heart: Result<Heart, TransmissionError>,
    beats: Beats,
    dispatch: &Dispatch<'_>,
    heartbeats: Sender<Vec<u8>>,
) -> Option<Pulse> {
    heart
        .map_err(io::Error::other)
        .and_then(|heart| Pulse::start(heart, beats, &dispatch.board(), heartbeats))
        .inspect_err(
            |error| tracing::error!(%error, "there are no heartbeats: the receiver will take the link for silent"),
        )
        .ok()
}

/// Does `work` on a thread of its own and `meanwhile` on this one, every so often, until the work has ended.
pub(super) fn beside(
    every: Duration,
    work: impl FnOnce() -> Result<(), Stop> + Send,
    mut meanwhile: impl FnMut(),
) -> Result<(), Stop> {
    thread::scope(|scope| {
        let (done, ended) = bounded(1);
        let working = thread::Builder::new()
            .name("dispatch".to_owned())
            .spawn_scoped(scope, move || {
                // The other end waits for it.
                let _ = done.send(work());
            });
        let ended = loop {
            match ended.recv_timeout(every) {
                Ok(ended) => break ended,
                Err(RecvTimeoutError::Timeout) => meanwhile(),
                // Without a result it has panicked, which is a stop like another: entries must be written.
                Err(RecvTimeoutError::Disconnected) => break Err(Stop::WorkersGone),
            }
        };
        if let Ok(working) = working {
            let _ = working.join();
        }
        ended
    })
}

fn say_created(dir: &Path, state: &State) {
    let dir = dir.display().to_string();
    let shown = audit::escape::terminal(&dir);
    output::note(format_args!(
        "new state in {shown}: epoch {:016x}, audit log in {shown}/{LOG} (diode-audit verify {shown}/{LOG})",
        state.ledger.epoch()
    ));
}

/// Says what the kernel was told; whether it keeps to it, the socket can't tell.
fn say_capped(bytes_per_second: u64) {
    output::note(format_args!(
        "kernel pacing cap {bytes_per_second} bytes a second: effective only where the interface's queue is fq"
    ));
}

/// The link, what the kernel caps its lanes at together, in bytes a second, and where its first lane takes heartbeats.
fn open_link(config: &Config, watch: &Arc<Watch>) -> Result<(Link, u64, Sender<Vec<u8>>), Complaint> {
    let lanes = u16::from(config.link.lanes);
    let clock = SystemClock::new();
    let (mut senders, mut pacing_cap) = (Vec::new(), 0_u64);
    let (heartbeats, to_beat) = bounded(1);
    for lane in 0..lanes {
        let at = |mut address: std::net::SocketAddr| {
            // Port 0 is the system's choice, on every lane; `Config` made sure that the last lane has a port.
            if address.port() != 0 {
                address.set_port(address.port().saturating_add(lane));
            }
            address
        };
        let sink = UdpSink::bind(&SinkConfig {
            to: at(config.to),
            bind: config.bind.map(at),
            send_buffer_bytes: SEND_BUFFER_BYTES,
            offload: Offload::Auto,
        })
        .map_err(|error| link_failed(&error))?;
        let rate = lane_rate(config.rate, lanes);
        let granted = sink
            .set_max_pacing_rate(kernel_limit(rate, config))
            .map_err(|error| link_failed(&error))?;
        pacing_cap = pacing_cap.saturating_add(granted);
        tracing::info!(from = %sink.local_addr(), to = %at(config.to), bytes = sink.granted_send_buffer(),
            max_pacing_bytes_per_second = granted, "lane opened; the kernel paces only where the interface's queue is fq");
        // Where the count starts says nothing of what was sent before.
        let first_packet = (random_u64()? >> 32) as u32;
        let sender = LaneSender::new(sink, clock.clone(), rate, config.framing(), first_packet);
        senders.push(match lane {
            0 => sender.with_heartbeats(to_beat.clone()),
            _ => sender,
        });
    }
    let link = Link::start(senders, config.link.symbol_len, watch).map_err(|error| {
        Complaint::failed("the threads that send can't be started")
            .fact("cause", error)
            .mend("end other programs, or raise the limit of threads")
    })?;
    Ok((link, pacing_cap, heartbeats))
}

/// A lane's share of the link's rate.
fn lane_rate(rate: Rate, lanes: u16) -> Rate {
    Rate::from_bits_per_second(rate.bits_per_second() / u64::from(lanes).max(1)).unwrap_or(rate)
}

/// What the kernel is to keep a lane below, in bytes a second with all headers: a tenth over the rate, by which stalls are made up for.
fn kernel_limit(rate: Rate, config: &Config) -> u64 {
    let (framing, len) = (config.framing(), HEADER_LEN + usize::from(config.link.symbol_len));
    let wire = u128::from(rate.bits_per_second()) * u128::from(framing.wire_bits(len));
    let bytes = wire / u128::from(framing.counted_bits(len).max(1)) * 11 / 80;
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

/// What GSO sends in a millisecond or two: more would only hide from the pacer that the link is slower than its rate.
const SEND_BUFFER_BYTES: usize = 4 << 20;

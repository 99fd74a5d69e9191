//! `diode-tx send`: bundles looked at, numbered, sent, and recorded.
//!
//! ```text
//! configuration, key ─▶ every bundle's head checked ─▶ state locked ─▶ link warmed up ─▶ bundles, few at a time ─▶ record
//!    exit 2                     exit 5                     │             exit 1 or 2       nothing new after the first that fails
//!                                                          └ by another: bundles are handed to it, which tells what became of them
//! ```
//!
//! Always true:
//! - each leaf is compared with the signed index as it is read, and nothing else is sent;
//! - what is sent is called *sent*: nobody here can know that it was delivered.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use audit::keyfile;
use crossbeam_channel::{RecvTimeoutError, bounded};
use hw::udp::{Offload, SinkConfig, UdpSink};
use hw::units::Rate;
use protocol::keys::SigningKey;
use protocol::wire::HEADER_LEN;

use super::cli::SendArgs;
use super::config::Config;
use super::control::{Control, TASKS};
use super::dispatch::Dispatch;
use super::failure::{self, link_failed};
use super::handover::{Asked, hand_over};
use super::intake;
use super::job::look_at_all;
use super::lane::{LaneSender, SystemClock};
use super::link::{Link, Stop};
use super::progress::{DRAW_EVERY, Progress};
use super::state::{self, Chance, LOG, NotOpened, State};
use super::watch::Watch;
use super::{clock, random_seed, random_u64};
use crate::complaint::Complaint;
use crate::interrupt;

/// Sends the bundles that `args` name, or has the transmitter send them that runs already.
///
/// # Errors
/// A [`Complaint`] for the first thing that fails; what was not sent is named in it.
pub(super) fn send(args: &SendArgs) -> Result<(), Complaint> {
    args.bundles.iter().try_for_each(|path| intake::refuse_folder(path))?;
    let mut left = args.bundles.clone();
    let mut tries = 0;
    loop {
        let held = match holder(args)? {
            Some((dir, held)) => match hand_over(&dir, args, &mut left) {
                Asked::Answered(result) => return result,
                Asked::Nobody => held,
            },
            None => match send_here(args, &left) {
                Err(NotOpened::Held(held)) => held,
                other => return other.map_err(Complaint::from),
            },
        };
        // Whoever holds the state is about to listen, or about to end.
        tries += 1;
        if tries == TRIES {
            return Err(held);
        }
        thread::sleep(TRY_AGAIN_AFTER);
    }
}

/// The state's folder, and what is to be said of it, if another process holds it.
fn holder(args: &SendArgs) -> Result<Option<(PathBuf, Complaint)>, Complaint> {
    let Some(dir) = Config::state_of(args)? else {
        return Ok(None);
    };
    let held = state::holder(&dir)?;
    Ok(held.map(|held| (dir, held)))
}

/// How often to look whether the state is free, or whoever holds it listens.
const TRIES: u32 = 25;
const TRY_AGAIN_AFTER: Duration = Duration::from_millis(100);

/// Sends by this process.
fn send_here(args: &SendArgs, bundles: &[PathBuf]) -> Result<(), NotOpened> {
    let config = Config::of(args)?;
    let key = keyfile::load(&config.key).map_err(Complaint::from)?;
    let (waiting, ahead) = look_at_all(bundles, args.priority, &config)?;
    let chance = Chance {
        epoch: random_u64()?,
        log_key: SigningKey::from_seed(*random_seed()?),
    };
    let mut state = State::open(&config.state, clock()?, &chance)?;
    if state.created && !args.json {
        say_created(&config.state, &state);
    }
    let (tasks, to_do) = bounded(TASKS);
    let control = Control::open(&config.state, config.clone(), tasks)
        .inspect_err(|error| tracing::warn!(%error, "no control socket: other bundles must wait for these"));
    let stop = interrupt::listen();
    let watch = Arc::new(Watch::new(Arc::clone(&stop)));
    let sent = open_link(&config, &watch).and_then(|(mut link, pacing_cap)| {
        if !args.quiet && !args.json {
            say_capped(pacing_cap);
        }
        link.warm_up()
            .map_err(|stopped| failure::before_any(&stopped, bundles))?;
        let dispatch = Dispatch::new(&config, &mut state, waiting, to_do, &watch);
        let mut dispatch = dispatch.in_json(args.json).capped_at(pacing_cap);
        let progress = Progress::begin(ahead, args.quiet);
        let result = run_shown(&mut link, &mut dispatch, &key, &watch, progress);
        link.finish();
        Ok((result, dispatch))
    });
    // First nobody is let in any more, then everybody who is in is told.
    let closing = control.ok().map(Control::close);
    let ended = sent.and_then(|(result, dispatch)| {
        let ended = dispatch.finish(stop.load(Ordering::Relaxed));
        match result {
            Err(stopped) if ended.is_ok() => Err(failure::before_any(&stopped, &[])),
            _ => ended,
        }
    });
    if let Some(closing) = closing {
        closing.wait();
    }
    ended.map_err(NotOpened::from)
}

fn say_created(dir: &Path, state: &State) {
    let dir = dir.display().to_string();
    let shown = audit::escape::terminal(&dir);
    eprintln!(
        "new state in {shown}: epoch {:016x}, audit log in {shown}/{LOG} (diode-audit verify {shown}/{LOG})",
        state.ledger.epoch()
    );
}

/// Says what the kernel was told; whether it keeps to it, the socket can't tell.
fn say_capped(bytes_per_second: u64) {
    eprintln!("kernel pacing cap {bytes_per_second} bytes a second: effective only where the interface's queue is fq");
}

/// The link, and what the kernel caps its lanes at together, in bytes a second.
fn open_link(config: &Config, watch: &Arc<Watch>) -> Result<(Link, u64), Complaint> {
    let lanes = u16::from(config.link.lanes);
    let clock = SystemClock::new();
    let (mut senders, mut pacing_cap) = (Vec::new(), 0_u64);
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
        senders.push(LaneSender::new(
            sink,
            clock.clone(),
            rate,
            config.framing(),
            first_packet,
        ));
    }
    let link = Link::start(senders, config.link.symbol_len, watch).map_err(|error| {
        Complaint::failed("the threads that send can't be started")
            .fact("cause", error)
            .mend("end other programs, or raise the limit of threads")
    })?;
    Ok((link, pacing_cap))
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

/// Sends on a thread of its own and shows on this one how far it is.
fn run_shown(
    link: &mut Link,
    dispatch: &mut Dispatch<'_>,
    key: &SigningKey,
    watch: &Watch,
    mut progress: Progress,
) -> Result<(), Stop> {
    let start = Instant::now();
    let ended = thread::scope(|scope| {
        let (done, ended) = bounded(1);
        let sending = thread::Builder::new()
            .name("dispatch".to_owned())
            .spawn_scoped(scope, move || {
                // The other end waits for it.
                let _ = done.send(link.run(dispatch, key));
            });
        let ended = loop {
            match ended.recv_timeout(DRAW_EVERY) {
                Ok(ended) => break ended,
                Err(RecvTimeoutError::Timeout) => progress.update(watch.tally(), watch.ahead(), start.elapsed()),
                // Without a result it has panicked, which is a stop like another: entries must be written.
                Err(RecvTimeoutError::Disconnected) => break Err(Stop::WorkersGone),
            }
        };
        if let Ok(sending) = sending {
            let _ = sending.join();
        }
        ended
    });
    progress.end();
    ended
}

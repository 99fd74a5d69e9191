//! `diode-rx serve`: the receiver at work.
//!
//! ```text
//! socket thread ──▶ reassembly ──▶ registrar ◀── control socket (tokio)      each arrow a bounded channel;
//!                    ▲      │        │   ▲                                   only the first never waits:
//!                    └─decoders      └─scan┘                                 what finds no room is counted
//! ```
//!
//! Ends on SIGINT or SIGTERM: the socket first, then reassembly (what is under way is recorded as incomplete), then the registrar.

mod control;
mod reassembly;
mod registrar;
mod socket;

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{Builder, JoinHandle};

use anyhow::{Context, anyhow};
use audit::event::EventKind;
use crossbeam_channel::{Sender, bounded};
use hw::udp::{SourceConfig, UdpSource};
use protocol::reception::{Counters, Reception, SolveJob, Solved};
use tokio::net::UnixListener;
use tokio::signal::unix::{SignalKind, signal};

pub use reassembly::{Arrival, News};
pub use registrar::Task;

use crate::config::Config;
use crate::home::{self, Home};
use crate::owner::{Owner, OwnerError};
use reassembly::{Channels, Reassembly};
use socket::SocketCounters;

/// Blocks waiting for a decoder, beyond which reassembly decodes itself.
const JOBS: usize = 32;
/// Blocks decoded and not taken yet.
const SOLVED: usize = 128;
/// What waits for the registrar, each a syscall or two.
const TASKS: usize = 256;

/// Receives until a signal comes.
///
/// # Errors
/// If the receiver can't start, or log, quarantine or socket can't be used any more.
pub fn serve(home: &Home, config: &Config) -> anyhow::Result<()> {
    let link_keys = config.load_link_keys().map_err(OwnerError::Key)?;
    let mut owner = Owner::open(home.clone(), config)?;
    let trust = owner.authority().trust().map_err(OwnerError::from)?;
    owner.authority().policy().map_err(OwnerError::from)?;
    let source = UdpSource::bind(&SourceConfig {
        listen: config.listen,
        receive_buffer_bytes: config.receive_buffer,
        interface: config.interface.clone(),
    })
    .map_err(|error| anyhow!("{error}\n  mend    {}", error.mend()))?;
    let pinned: Vec<_> = link_keys.iter().map(|key| key.fingerprint().to_string()).collect();
    let ready = ready_line(config, &source, trust.keys().len(), &pinned.join(", "));
    owner.note_daemon(EventKind::DaemonStarted, ready.clone())?;
    let running = Running::start(owner, source, Reception::new(link_keys, config.limits))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let ended = runtime.block_on(wait(home, &running, &ready));
    running.stop()?;
    ended
}

fn ready_line(config: &Config, source: &UdpSource, authors: usize, pinned: &str) -> String {
    let buffer = source.receive_buffer();
    let granted = buffer.granted_bytes >> 10;
    let short = match buffer.is_short() {
        true => format!(" of {} KiB asked; raise net.core.rmem_max", buffer.asked_bytes >> 10),
        false => String::new(),
    };
    format!(
        "receiver {} listens on udp {}; socket buffer {granted} KiB{short}; link key {pinned}; {}",
        config.receiver,
        source.local_addr(),
        audit::line::count(authors as u64, "trusted author key"),
    )
}

/// Serves the control socket until a signal comes or a thread ends.
async fn wait(home: &Home, running: &Running, ready: &str) -> anyhow::Result<()> {
    let path = home.path(home::SOCKET);
    // Whoever holds the lock owns the socket; one that is left from a crash is in the way.
    if let Err(error) = home.storage().remove_file(home::SOCKET.as_ref())
        && error.kind() != std::io::ErrorKind::NotFound
    {
        return Err(error).with_context(|| format!("{} is in the way", path.display()));
    }
    let listener = UnixListener::bind(&path).with_context(|| format!("{} can't be made", path.display()))?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    // Whoever started it may have closed standard output: no reason to stop receiving.
    let _ = writeln!(std::io::stdout(), "ready  {ready}");
    let ended = async {
        while !running.has_ended() {
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    };
    tokio::select! {
        () = control::serve(listener, running.tasks.clone()) => {}
        _ = interrupt.recv() => tracing::info!("interrupted"),
        _ = terminate.recv() => tracing::info!("terminated"),
        () = ended => {}
    }
    let _ = home.storage().remove_file(home::SOCKET.as_ref());
    Ok(())
}

/// The threads of a receiver.
struct Running {
    stop: Arc<AtomicBool>,
    socket: JoinHandle<Result<(), hw::HwError>>,
    reassembly: JoinHandle<Counters>,
    registrar: JoinHandle<Result<(), OwnerError>>,
    scan: JoinHandle<()>,
    tasks: Sender<Task>,
    counters: Arc<SocketCounters>,
}

impl Running {
    fn start(owner: Owner, source: UdpSource, reception: Reception) -> anyhow::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let counters = Arc::new(SocketCounters::default());
        let (outlet, inlet) = socket::queue();
        let (jobs, solved) = start_decoders()?;
        let (tasks, todo) = bounded(TASKS);
        let (scans, to_scan) = bounded(1);
        let (quarantine, scanner) = (owner.quarantine(), owner.scanner());
        let channels = Channels {
            jobs,
            solved,
            tasks: tasks.clone(),
        };
        let reassembly = Reassembly::new(
            reception,
            quarantine.clone(),
            owner.authority().clone(),
            owner.ledger(),
            channels,
        );
        let scan_tasks = tasks.clone();
        Ok(Self {
            socket: {
                let (counters, stop) = (counters.clone(), stop.clone());
                thread("socket", move || socket::receive(source, outlet, &counters, &stop))?
            },
            reassembly: thread("reassembly", move || reassembly.run(&inlet))?,
            registrar: thread("registrar", move || registrar::work(owner, &todo, &scans))?,
            scan: thread("scan", move || {
                registrar::scan(&quarantine, &scanner, &to_scan, &scan_tasks);
            })?,
            stop,
            tasks,
            counters,
        })
    }

    /// Whether a thread that should go on has ended.
    fn has_ended(&self) -> bool {
        self.socket.is_finished()
            || self.reassembly.is_finished()
            || self.registrar.is_finished()
            || self.scan.is_finished()
    }

    /// Ends the threads in the order in which they feed each other.
    fn stop(self) -> anyhow::Result<()> {
        self.stop.store(true, Ordering::Relaxed);
        let socket = join(self.socket, "socket");
        let counters = join(self.reassembly, "reassembly")?;
        let summary = summary(&counters, &self.counters);
        // Fails only if the registrar ended by itself, and then it says why.
        let _ = self.tasks.send(Task::Stop { summary });
        drop(self.tasks);
        let registrar = join(self.registrar, "registrar")?;
        join(self.scan, "scan")?;
        registrar?;
        socket??;
        Ok(())
    }
}

/// As many decoders as there are cores.
fn start_decoders() -> anyhow::Result<(Sender<Box<SolveJob>>, crossbeam_channel::Receiver<Solved>)> {
    let (jobs, to_solve) = bounded::<Box<SolveJob>>(JOBS);
    let (done, solved) = bounded(SOLVED);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    for _ in 0..cores {
        let (to_solve, done) = (to_solve.clone(), done.clone());
        thread("decoder", move || {
            for job in to_solve {
                if done.send(job.run()).is_err() {
                    return;
                }
            }
        })?;
    }
    Ok((jobs, solved))
}

fn thread<T: Send + 'static>(name: &str, run: impl FnOnce() -> T + Send + 'static) -> anyhow::Result<JoinHandle<T>> {
    Builder::new()
        .name(name.to_owned())
        .spawn(run)
        .with_context(|| format!("the {name} thread can't be started"))
}

fn join<T>(thread: JoinHandle<T>, name: &str) -> anyhow::Result<T> {
    thread
        .join()
        .map_err(|_| anyhow!("the {name} thread panicked: this is a defect, please report it"))
}

fn summary(counters: &Counters, socket: &SocketCounters) -> String {
    let load = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
    format!(
        "{} datagrams: {} symbols kept, {} surplus, {} duplicate, {} damaged, {} foreign, {} of unknown sessions, {} announces by unknown keys, {} invalid; lost to socket {}, to queue {}; {} longer than any of ours",
        counters.datagrams,
        counters.symbols,
        counters.surplus,
        counters.duplicates,
        counters.damaged,
        counters.foreign,
        counters.unknown_session,
        counters.announces_unknown_key,
        counters.announces_invalid,
        load(&socket.overflowed),
        load(&socket.lost_to_queue),
        load(&socket.truncated),
    )
}

//! `diode-rx serve`: the receiver at work.
//!
//! ```text
//! socket threads ──▶ reassembly ──▶ registrar ◀── control socket (tokio)     each arrow a bounded channel;
//!  one a lane        ▲      │        │   ▲                                   only the first never waits:
//!                    └─workers       └─scan┘                                 what finds no room is counted
//! ```
//!
//! Ends on SIGINT or SIGTERM: the sockets first, then reassembly (what is under way is recorded as incomplete), then the registrar.

mod control;
mod reassembly;
mod registrar;
mod socket;
mod stages;
mod view;
mod workers;

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{Builder, JoinHandle};

use anyhow::{Context, anyhow};
use audit::event::EventKind;
use crossbeam_channel::{Sender, bounded};
use hw::udp::{Offload, SourceConfig, UdpSource};
use protocol::reception::{Counters, Lost, Reception};
use scanner::isolation::start_lowering;
use tokio::net::UnixListener;
use tokio::signal::unix::{SignalKind, signal};

pub(crate) use control::not_changed;
pub use reassembly::{Arrival, HeadAgain, News, UnderWay};
pub use registrar::Task;
pub(crate) use registrar::scan_fenced;
pub use socket::Source;
pub use stages::{Desk, Stages};

use crate::config::Config;
use crate::engines::Maker;
use crate::home::{self, Home};
use crate::owner::{Owner, OwnerError};
use reassembly::{Channels, Reassembly};
use socket::SocketCounters;
use view::View;

/// What waits for the registrar, each a syscall or two.
const TASKS: usize = 1024;

/// Receives until a signal comes. Each lane's datagrams come through what `link` makes of its socket: in use, the socket itself.
///
/// # Errors
/// If the receiver can't start, or log, quarantine or socket can't be used any more.
pub fn serve<S: Source>(home: &Home, config: &Config, link: impl Fn(UdpSource, usize) -> S) -> anyhow::Result<()> {
    let link_keys = config.load_link_keys().map_err(OwnerError::Key)?;
    // Before there is any thread: it starts a process that starts others.
    let (lowering, lacking) = start_lowering();
    if let Some(lacking) = lacking {
        tracing::warn!("programs in bundles are not parsed, and so not covered: {lacking}");
    }
    let maker = Arc::new(Maker::new(home, lowering)?);
    let mut owner = Owner::open_with(home.clone(), config, || maker.load())?;
    let trust = owner.authority().trust().map_err(OwnerError::from)?;
    owner.authority().policy().map_err(OwnerError::from)?;
    let sources = open_lanes(config)?;
    let pinned: Vec<_> = link_keys.iter().map(|key| key.fingerprint().to_string()).collect();
    let ready = ready_line(config, &sources, trust.keys().len(), &pinned.join(", "));
    owner.note_daemon(EventKind::DaemonStarted, ready.clone())?;
    let view = Arc::new(View::new(&config.link, &sources));
    let sources = sources
        .into_iter()
        .enumerate()
        .map(|(lane, source)| link(source, lane))
        .collect();
    let mut reception = Reception::new(link_keys, config.limits);
    owner.remind(&mut reception);
    let running = Running::start(owner, sources, reception, Arc::clone(&view))?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        // Rules are read on such threads: as much room as a worker had that read them first.
        .thread_stack_size(8 << 20)
        .build()?;
    let ended = runtime.block_on(wait(home, &running, &ready, &maker));
    running.stop()?;
    ended
}

/// A socket for each lane, at ports that follow each other.
fn open_lanes(config: &Config) -> anyhow::Result<Vec<UdpSource>> {
    let open = |lane: u8| {
        let mut listen = config.listen;
        if listen.port() != 0 {
            listen.set_port(listen.port().saturating_add(lane.into()));
        }
        UdpSource::bind(&SourceConfig {
            listen,
            receive_buffer_bytes: config.receive_buffer,
            interface: config.interface.clone(),
            from: config.from,
            offload: Offload::Auto,
        })
        .map_err(|error| anyhow!("{error}\n  mend    {}", error.mend()))
    };
    (0..config.limits.lanes).map(open).collect()
}

fn ready_line(config: &Config, sources: &[UdpSource], authors: usize, pinned: &str) -> String {
    let at: Vec<_> = sources.iter().map(|source| source.local_addr().to_string()).collect();
    let buffers = sources.iter().map(UdpSource::receive_buffer);
    let buffer = match buffers.min_by_key(|buffer| buffer.granted_bytes) {
        None => String::new(),
        Some(buffer) => {
            let short = match buffer.is_short() {
                true => format!(" of {} KiB asked; raise net.core.rmem_max", buffer.asked_bytes >> 10),
                false => String::new(),
            };
            format!("socket buffer {} KiB{short}; ", buffer.granted_bytes >> 10)
        }
    };
    format!(
        "receiver {} listens on udp {}; {buffer}link key {pinned}; {}",
        config.receiver,
        at.join(", "),
        audit::line::count(authors as u64, "trusted author key"),
    )
}

/// Serves the control socket until a signal comes or a thread ends.
async fn wait(home: &Home, running: &Running, ready: &str, maker: &Arc<Maker>) -> anyhow::Result<()> {
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
    let desk = control::Desk {
        tasks: running.tasks.clone(),
        view: Arc::clone(&running.view),
        maker: Arc::clone(maker),
    };
    tokio::select! {
        () = control::serve(listener, desk) => {}
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
    sockets: Vec<JoinHandle<Result<(), hw::HwError>>>,
    reassembly: JoinHandle<(Counters, Lost)>,
    registrar: JoinHandle<Result<(), OwnerError>>,
    scan: JoinHandle<()>,
    tasks: Sender<Task>,
    view: Arc<View>,
}

impl Running {
    fn start<S: Source>(owner: Owner, sources: Vec<S>, reception: Reception, view: Arc<View>) -> anyhow::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let (outlets, inlet) = socket::queue(sources.len());
        let (work, done) = workers::start(owner.authority())?;
        let (tasks, todo) = bounded(TASKS);
        let (scans, to_scan) = bounded(1);
        let (quarantine, engines) = (owner.quarantine(), owner.engines());
        let channels = Channels {
            work,
            done,
            tasks: tasks.clone(),
            gauges: Arc::clone(&view.gauges),
        };
        let reassembly = Reassembly::new(
            reception,
            quarantine.clone(),
            owner.authority().clone(),
            owner.ledger(),
            channels,
        );
        let scan_tasks = tasks.clone();
        let mut sockets = Vec::new();
        for ((source, outlet), counters) in sources.into_iter().zip(outlets).zip(view.counters()) {
            let (counted, stop) = (Arc::clone(counters), Arc::clone(&stop));
            sockets.push(thread("socket", move || {
                socket::receive(source, outlet, &counted, &stop)
            })?);
        }
        Ok(Self {
            sockets,
            reassembly: thread("reassembly", move || reassembly.run(&inlet))?,
            registrar: thread("registrar", move || registrar::work(owner, &todo, &scans))?,
            scan: thread("scan", move || {
                registrar::scan(&quarantine, &engines, &to_scan, &scan_tasks);
            })?,
            stop,
            tasks,
            view,
        })
    }

    /// Whether a thread that should go on has ended.
    fn has_ended(&self) -> bool {
        self.sockets.iter().any(JoinHandle::is_finished)
            || self.reassembly.is_finished()
            || self.registrar.is_finished()
            || self.scan.is_finished()
    }

    /// Ends the threads in the order in which they feed each other.
    fn stop(self) -> anyhow::Result<()> {
        self.stop.store(true, Ordering::Relaxed);
        let sockets: Vec<_> = (self.sockets.into_iter())
            .map(|socket| join(socket, "socket"))
            .collect();
        let (counters, lost) = join(self.reassembly, "reassembly")?;
        let summary = summary(&counters, &lost, &self.view);
        // Fails only if the registrar ended by itself, and then it says why.
        let _ = self.tasks.send(Task::Stop { summary });
        drop(self.tasks);
        let registrar = join(self.registrar, "registrar")?;
        join(self.scan, "scan")?;
        registrar?;
        for socket in sockets {
            socket??;
        }
        Ok(())
    }
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

fn summary(counters: &Counters, lost: &Lost, view: &View) -> String {
    let sum = |counter: fn(&SocketCounters) -> &AtomicU64| -> u64 {
        view.counters()
            .map(|socket| counter(socket).load(Ordering::Relaxed))
            .sum()
    };
    format!(
        "{} datagrams: {} symbols kept, {} surplus, {} duplicate, {} damaged, {} foreign, {} of unknown sessions, {} announces by unknown keys, {} invalid; lost to link {}, to socket {}, to queue {}; {} longer than any of ours, {} from elsewhere",
        counters.datagrams,
        counters.symbols,
        counters.surplus,
        counters.duplicates,
        counters.damaged,
        counters.foreign,
        counters.unknown_session,
        counters.announces_unknown_key,
        counters.announces_invalid,
        lost.link,
        lost.socket,
        lost.queue,
        sum(|socket| &socket.truncated),
        sum(|socket| &socket.strangers),
    )
}

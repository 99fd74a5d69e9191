//! The control socket of the transmitter that runs: takes bundles from other processes, one request a connection.
//!
//! ```text
//! accept ─▶ peer's uid ─▶ a line ─▶ Request ─▶ every bundle looked at ─▶ Task ──▶ dispatch ──Answer──▶ a line each
//!   └ 16 at once         64 KiB, 10 s        └─────────────┴─ refused: answered, and nobody else hears of it
//! ```
//!
//! Always true:
//! - only whoever owns the state's folder, or root, is listened to;
//! - nothing that a client sends, or leaves unsent, holds up the sending.

use std::io::{self, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use audit::storage::{Disk, Storage};
use crossbeam_channel::{Sender, TrySendError, bounded};
use rustix::fs::{Mode, chmod};
use rustix::net::{Shutdown, shutdown, sockopt::socket_peercred};
use rustix::process::{geteuid, getuid};

use super::clients::{ANSWERS_BESIDES, Task};
use super::config::Config;
use super::handover::{Answer, MAX_REQUEST, Request, SCHEMA};
use super::job::look_at_all;
use super::state::SOCKET;
use crate::complaint::Complaint;

/// The owner's end of the control socket.
#[derive(Debug)]
pub(super) struct Control {
    listener: UnixListener,
    dir: PathBuf,
    closing: Arc<AtomicBool>,
    accepting: JoinHandle<Vec<JoinHandle<()>>>,
}

/// Connections at once.
const CONNECTIONS: usize = 16;
/// Requests that may wait for the thread that dispatches.
pub(super) const TASKS: usize = CONNECTIONS;
/// How long a client may take to say what it wants, and to take an answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long nothing may come before it is looked whether the run is over.
const LOOK_EVERY: Duration = Duration::from_millis(100);

impl Control {
    /// Listens in the state's folder `dir`, whose lock the caller holds: a socket that is there was left by a crash.
    ///
    /// # Errors
    /// The system's.
    pub(super) fn open(dir: &Path, config: Config, tasks: Sender<Task>) -> io::Result<Self> {
        remove_socket(dir)?;
        let path = dir.join(SOCKET);
        let listener = UnixListener::bind(&path)?;
        chmod(&path, Mode::from_raw_mode(0o600))?;
        let closing = Arc::new(AtomicBool::new(false));
        let desk = Desk {
            config,
            tasks,
            closing: Arc::clone(&closing),
        };
        let incoming = listener.try_clone()?;
        let accepting = thread::Builder::new()
            .name("control".to_owned())
            .spawn(move || accept_all(&incoming, &Arc::new(desk)))?;
        Ok(Self {
            listener,
            dir: dir.to_owned(),
            closing,
            accepting,
        })
    }

    /// Takes no more requests, and takes the socket away. The connections that there are go on until they are answered; to be waited
    /// for when nobody is left who answers.
    pub(super) fn close(self) -> Closing {
        self.closing.store(true, Ordering::Relaxed);
        // Ends the wait for the next connection, and refuses those that come.
        let stopped = shutdown(&self.listener, Shutdown::Both);
        if let Err(error) = stopped.map_err(io::Error::from).and_then(|()| remove_socket(&self.dir)) {
            tracing::warn!(%error, "the control socket could not be taken away");
        }
        Closing {
            accepting: stopped.is_ok().then_some(self.accepting),
        }
    }
}

/// Connections that are still to be answered.
#[derive(Debug)]
pub(super) struct Closing {
    accepting: Option<JoinHandle<Vec<JoinHandle<()>>>>,
}

impl Closing {
    /// Waits until each was told what is said to it; nobody waits longer for one than it may take.
    pub(super) fn wait(self) {
        let connections = self.accepting.and_then(|accepting| accepting.join().ok());
        for connection in connections.into_iter().flatten() {
            let _ = connection.join();
        }
    }
}

fn remove_socket(dir: &Path) -> io::Result<()> {
    match Disk::open(dir)?.remove_file(Path::new(SOCKET)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// What connections need.
#[derive(Debug)]
struct Desk {
    config: Config,
    tasks: Sender<Task>,
    closing: Arc<AtomicBool>,
}

/// Serves each connection on a thread of its own; gives those that are left when the socket is shut.
fn accept_all(incoming: &UnixListener, desk: &Arc<Desk>) -> Vec<JoinHandle<()>> {
    let mut connections: Vec<JoinHandle<()>> = Vec::new();
    while !desk.closing.load(Ordering::Relaxed) {
        let stream = match incoming.accept() {
            Ok((stream, _)) => stream,
            Err(_) if desk.closing.load(Ordering::Relaxed) => break,
            Err(error) => {
                // Out of descriptors, most likely: some come back.
                tracing::warn!(%error, "a control connection could not be accepted");
                thread::sleep(LOOK_EVERY);
                continue;
            }
        };
        connections.retain(|connection| !connection.is_finished());
        if connections.len() >= CONNECTIONS {
            // Within the socket's buffer, so that it does not wait.
            let _ = write_answer(&stream, &refusal(busy()));
            continue;
        }
        let desk = Arc::clone(desk);
        let spawned = thread::Builder::new().name("connection".to_owned()).spawn(move || {
            if let Err(error) = desk.serve(&stream) {
                tracing::debug!(%error, "a control connection ended before its last answer");
            }
        });
        connections.extend(spawned);
    }
    connections
}

impl Desk {
    fn serve(&self, stream: &UnixStream) -> io::Result<()> {
        stream.set_read_timeout(Some(LOOK_EVERY))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let uid = socket_peercred(stream)?.uid;
        if ![getuid(), geteuid()].contains(&uid) && !uid.is_root() {
            return write_answer(
                stream,
                &refusal(Complaint::usage("only the owner of the state is listened to")),
            );
        }
        let Some(line) = self.request_line(stream)? else {
            return Ok(());
        };
        let (answers, told) = match self.submit(&line, &format!("uid {}", uid.as_raw())) {
            Ok(told) => (None, Some(told)),
            Err(complaint) => (Some(refusal(complaint)), None),
        };
        let told = told.into_iter().flatten();
        answers
            .into_iter()
            .chain(told)
            .try_for_each(|answer| write_answer(stream, &answer))
    }

    /// The first line; `None` if the run is over before it is whole.
    fn request_line(&self, mut stream: &UnixStream) -> io::Result<Option<Vec<u8>>> {
        let (mut line, since) = (Vec::new(), Instant::now());
        let mut buffer = [0; 4096];
        while !line.contains(&b'\n') && line.len() <= MAX_REQUEST {
            match stream.read(&mut buffer) {
                Ok(0) => break,
                Ok(read) => line.extend_from_slice(buffer.get(..read).unwrap_or_default()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if self.closing.load(Ordering::Relaxed) {
                        return Ok(None);
                    }
                }
                Err(error) => return Err(error),
            }
            if since.elapsed() >= PATIENCE {
                return Err(io::ErrorKind::TimedOut.into());
            }
        }
        Ok(Some(line))
    }

    /// Looks at a request and its bundles, and hands them on; gives where the answers come from.
    fn submit(&self, line: &[u8], actor: &str) -> Result<crossbeam_channel::Receiver<Answer>, Complaint> {
        let request = parse(line)?;
        let (waiting, ahead) = look_at_all(&request.paths, request.priority, &self.config)?;
        let (answers, told) = bounded(waiting.len() + ANSWERS_BESIDES);
        let task = Task {
            waiting,
            ahead,
            actor: actor.to_owned(),
            answers,
        };
        match self.tasks.try_send(task) {
            // Without a dispatcher the task is dropped, and the answers end before the first.
            Ok(()) | Err(TrySendError::Disconnected(_)) => Ok(told),
            Err(TrySendError::Full(_)) => Err(busy()),
        }
    }
}

/// Reads a request's line.
fn parse(line: &[u8]) -> Result<Request, Complaint> {
    let malformed = |cause: &dyn std::fmt::Display| {
        Complaint::usage("the request is malformed")
            .fact("cause", cause)
            .mend("let the same version of diode-tx ask")
    };
    if line.len() > MAX_REQUEST {
        return Err(malformed(&format_args!("it is longer than {MAX_REQUEST} bytes")));
    }
    let request: Request = serde_json::from_slice(line).map_err(|error| malformed(&error))?;
    if request.schema != SCHEMA {
        return Err(malformed(&format_args!(
            "schema {} is not known here, only {SCHEMA}",
            request.schema
        )));
    }
    if request.paths.is_empty() {
        return Err(malformed(&"it names no bundle"));
    }
    match request.paths.iter().find(|path| !path.is_absolute()) {
        Some(path) => Err(malformed(&format_args!(
            "{} is not a path from the root",
            path.display()
        ))),
        None => Ok(request),
    }
}

fn refusal(complaint: Complaint) -> Answer {
    Answer::Done {
        complaint: Some(complaint),
    }
}

fn busy() -> Complaint {
    Complaint::failed("the transmitter that runs has more requests than it can look at").mend("send again in a moment")
}

fn write_answer(mut stream: &UnixStream, answer: &Answer) -> io::Result<()> {
    let mut line = serde_json::to_vec(answer)?;
    line.push(b'\n');
    stream.write_all(&line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_that_is_not_one_is_refused_with_the_reason() {
        let long = format!(
            "{{\"schema\":1,\"paths\":[\"/{}\"],\"priority\":\"normal\"}}",
            "x".repeat(MAX_REQUEST)
        );
        for (line, reason) in [
            ("", "EOF"),
            ("\n", "EOF"),
            ("[]", "invalid"),
            ("{\"paths\":[\"/a\"],\"priority\":\"normal\"}", "missing field `schema`"),
            ("{\"schema\":2,\"paths\":[\"/a\"],\"priority\":\"normal\"}", "schema 2"),
            ("{\"schema\":1,\"paths\":[],\"priority\":\"normal\"}", "no bundle"),
            (
                "{\"schema\":1,\"paths\":[\"a\"],\"priority\":\"normal\"}",
                "not a path from the root",
            ),
            (
                "{\"schema\":1,\"paths\":[\"/a\"],\"priority\":\"now\"}",
                "unknown variant `now`",
            ),
            (
                "{\"schema\":1,\"paths\":[\"/a\"],\"priority\":\"bulk\",\"rate\":1}",
                "unknown field `rate`",
            ),
            ("{\"schema\":1,\"paths\":[\"/a\"],\"priority\":\"bulk\"} {}", "trailing"),
            ("{\"schema\":1,\"paths\":[\"/a\"],\"prio", "EOF"),
            (&long, "longer than 65536 bytes"),
        ] {
            let complaint = parse(line.as_bytes()).unwrap_err();
            assert!(
                complaint.to_string().contains(reason),
                "{reason:?} is missing in {complaint}"
            );
        }
        assert!(parse(b"\xff\xfe{").is_err());
    }

    #[test]
    fn a_request_as_it_should_be_is_read() {
        let line = b"{\"schema\":1,\"paths\":[\"/a.bundle\",\"/b c\"],\"priority\":\"urgent\"}\n";
        assert_eq!(parse(line).unwrap().paths.len(), 2);
    }
}

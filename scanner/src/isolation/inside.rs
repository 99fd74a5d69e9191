//! A worker, from within: confined before it says a word, then one task after another until nobody asks any more.
//!
//! Standard input is its socket; it has no other way in or out. A task that panics ends it: what is left of its memory
//! is not to be trusted with the next file.

use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::panic;
use std::process::ExitCode;
use std::time::Duration;

use rustix::fs::{FileType, fstat};
use rustix::io::{Errno, retry_on_intr, write};
use rustix::process::{Signal, set_parent_process_death_signal};
use rustix::thread::set_name;
use serde::Serialize;

use super::confine::confine;
use super::memfd::SealedFile;
use super::message::{Hello, MAX_SMALL, PREFIX_LEN, ReplyHead, Request, Said, body_len, frame, whole};
use super::rights::receive;
use super::task::lower::{Lower, lowered};
use super::task::probe::Probed;
use super::task::rules::checked;
use super::task::{Deadline, Declined, Job, Task};

/// Serves as a worker until its socket ends.
pub(super) fn serve() -> ExitCode {
    let stdin = io::stdin();
    let line = stdin.as_fd();
    if !is_socket(line) {
        return not_for_people();
    }
    let _unnamed = set_name(c"diode-worker");
    // A message could only go where the hostile bytes may not: the program says how a worker ended.
    panic::set_hook(Box::new(|_| {}));
    ignore_signals();
    // Whoever started it may be gone already; then the socket has ended too.
    let _socket_ends = set_parent_process_death_signal(Some(Signal::KILL));
    let hello = confine();
    let said = match &hello {
        Ok(held) => say(line, &Hello::Ready(*held), &[]),
        Err(lacking) => say(line, &Hello::Lacking(*lacking), &[]),
    };
    match (hello, said) {
        (Ok(_), Ok(())) => work(line),
        _ => ExitCode::from(UNCONFINED),
    }
}

/// Whether `fd` is what a spawner hands on.
pub(super) fn is_socket(fd: BorrowedFd<'_>) -> bool {
    fstat(fd).is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Socket)
}

/// What a person sees who starts a spawner or worker by hand.
pub(super) fn not_for_people() -> ExitCode {
    let _closed = writeln!(
        io::stderr(),
        "error: this argument is how the program starts its own workers; it is of no use by hand"
    );
    ExitCode::from(2)
}

/// Keeps signals away that mean the program: it ends in its own order, and its workers with it.
pub(super) fn ignore_signals() {
    use nix::sys::signal::{SigSet, Signal::*};
    let meant_for_the_program = SigSet::from_iter([SIGHUP, SIGINT, SIGQUIT, SIGTERM]);
    let _ends_early = meant_for_the_program.thread_block();
}

fn work(line: BorrowedFd<'_>) -> ExitCode {
    let mut bytes = Vec::new();
    loop {
        let (request, file) = match next(line) {
            Ok(Some(asked)) => asked,
            Ok(None) => return ExitCode::SUCCESS,
            Err(_) => return ExitCode::from(MISASKED),
        };
        if file.read_into(&mut bytes).is_err() {
            return ExitCode::from(MISASKED);
        }
        let answer = answer(line, &request, &file, &bytes);
        let said = match answer {
            Ok(_) => Said::Done,
            Err(Declined::Unsupported) => Said::Unsupported,
            Err(Declined::OverLimit) => Said::OverLimit,
            Err(Declined::TimedOut) => Said::TimedOut,
        };
        let head = ReplyHead { job: request.job, said };
        if say(line, &head, &answer.unwrap_or_default()).is_err() {
            return ExitCode::from(UNHEARD);
        }
    }
}

/// Does a task.
#[cfg_attr(
    not(debug_assertions),
    allow(unused_variables, reason = "only hostile tasks see the line")
)]
fn answer(line: BorrowedFd<'_>, request: &Request, file: &SealedFile, bytes: &[u8]) -> Result<Vec<u8>, Declined> {
    let deadline = Deadline::after(Duration::from_millis(request.soft_ms.into()));
    #[cfg(debug_assertions)]
    let scene = |language| super::task::hostile::Scene {
        line,
        given: file.as_fd(),
        job: request.job,
        bytes,
        language,
        deadline,
    };
    match request.task {
        Task::Probe => encoded(&Probed::before(deadline, bytes)?),
        // One of many small parts is longer than anybody would take: that is the file's, and no fault of the worker.
        Task::Lower(language) => match encoded(&lowered(language, bytes)?)? {
            answer if answer.len() > Lower(language).reply_cap(bytes.len()) => Err(Declined::OverLimit),
            answer => Ok(answer),
        },
        Task::CheckRules(kind) => encoded(&checked(kind, bytes)),
        #[cfg(debug_assertions)]
        Task::Hostile(act) => scene(None).perform(act),
        #[cfg(debug_assertions)]
        Task::HostileLower(act, language) => scene(Some(language)).perform(act),
    }
}

fn encoded(answer: &impl Serialize) -> Result<Vec<u8>, Declined> {
    postcard::to_allocvec(answer).map_err(|_| Declined::OverLimit)
}

/// The next request and its file; `None` at the end.
fn next(line: BorrowedFd<'_>) -> Result<Option<(Request, SealedFile)>, Errno> {
    let mut frame = [0; PREFIX_LEN + MAX_SMALL];
    // A request is sent at once, and the next one only after its reply.
    let (len, mut rights) = receive(line, &mut frame)?;
    if len == 0 {
        return Ok(None);
    }
    let (prefix, rest) = frame.split_first_chunk().ok_or(Errno::PROTO)?;
    let body = body_len(*prefix, MAX_SMALL).map_err(|_| Errno::PROTO)?;
    let body = rest
        .get(..body)
        .filter(|_| len == PREFIX_LEN + body)
        .ok_or(Errno::PROTO)?;
    let request: Request = whole(body).map_err(|_| Errno::PROTO)?;
    match (rights.pop(), rights.is_empty()) {
        (Some(fd), true) => match SealedFile::adopt(fd, request.len) {
            Ok(file) => Ok(Some((request, file))),
            Err(_) => Err(Errno::BADF),
        },
        _ => Err(Errno::BADF),
    }
}

fn say(line: BorrowedFd<'_>, head: &impl Serialize, answer: &[u8]) -> Result<(), Errno> {
    let bytes = frame(head, answer).map_err(|_| Errno::MSGSIZE)?;
    let mut rest = bytes.as_slice();
    while !rest.is_empty() {
        let written = retry_on_intr(|| write(line, rest))?;
        rest = rest.get(written..).unwrap_or_default();
    }
    Ok(())
}

/// Exit code of a worker that could not be confined.
const UNCONFINED: u8 = 70;
/// Exit code of a worker that was asked what no program asks, or given what is no sealed file.
const MISASKED: u8 = 71;
/// Exit code of a worker whose answer nobody took.
const UNHEARD: u8 = 72;

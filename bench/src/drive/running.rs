//! A program that runs.
//!
//! ```text
//! Programs::start ─▶ Running ──stdout──▶ a thread ──lines──▶ next_line
//!                       │   └─stderr──▶ a thread ──▶ said, its last words
//!                       └ wait, end (SIGTERM, then SIGKILL), kill; dropping ends it too
//! ```
//!
//! Standard output closing is how the end of a process is noticed: there is nothing to poll for.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ExitStatus};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};
use wait4::Wait4 as _;

use super::last_words::LastWords;
use super::{DriveError, Finished, Meter, Program, usage};

/// A program that runs. Dropping it ends it.
#[derive(Debug)]
pub struct Running {
    program: Program,
    verb: String,
    child: Child,
    lines: Receiver<String>,
    said: LastWords,
    stop: Arc<AtomicBool>,
    peak_resident_kib: u64,
    ended: Option<ExitStatus>,
}

impl Running {
    /// A process that has just been started, with standard output piped, and standard error too if its words are to be kept.
    pub(super) fn new(program: Program, verb: String, mut child: Child, stop: Arc<AtomicBool>) -> Self {
        let (lines, said) = (read_lines(child.stdout.take()), LastWords::read(child.stderr.take()));
        Self {
            program,
            verb,
            child,
            lines,
            said,
            stop,
            peak_resident_kib: 0,
            ended: None,
        }
    }

    /// Its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it said on standard error so far.
    #[must_use]
    pub fn said(&self) -> String {
        self.said.so_far()
    }

    /// The most memory that the system saw resident in it so far, in KiB; 0 once it has ended.
    #[must_use]
    pub fn peak_resident_kib(&self) -> u64 {
        usage::peak_resident_kib(self.id())
    }

    /// Begins to look, again and again, at what it uses.
    ///
    /// # Errors
    /// [`DriveError::File`] if the system does not show it.
    pub fn meter(&self) -> Result<Meter, DriveError> {
        Meter::start(self.id())
    }

    /// The next line of its standard output; `what` says what is expected in it.
    ///
    /// # Errors
    /// [`DriveError`] if it ends or the time is over before there is one.
    pub fn next_line(&mut self, what: &str, limit: Duration) -> Result<String, DriveError> {
        if let Some(line) = self.line_before_end(what, limit)? {
            return Ok(line);
        }
        let finished = self.reap(limit, String::new())?;
        Err(finished.done().err().unwrap_or_else(|| DriveError::Unexpected {
            program: self.program.name(),
            reason: format!("it ended before {what}"),
            text: self.said(),
        }))
    }

    /// The next line of its standard output, or none if it closes that first: then it is about to end.
    ///
    /// # Errors
    /// [`DriveError`] if the time is over before either.
    pub fn line_before_end(&mut self, what: &str, limit: Duration) -> Result<Option<String>, DriveError> {
        match self.poll_line(limit)? {
            Output::Line(line) => Ok(Some(line)),
            Output::Closed => Ok(None),
            Output::NotYet => Err(self.timed_out(what, limit)),
        }
    }

    /// Whether it has ended by itself, as far as the system says.
    ///
    /// # Errors
    /// [`DriveError::Start`] if the system does not.
    pub fn has_ended(&self) -> Result<bool, DriveError> {
        let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        let found = waitid(WaitId::Pid(Pid::from_child(&self.child)), look);
        let ended = found.map_err(|error| DriveError::Start {
            program: self.program.name(),
            source: error.into(),
        })?;
        Ok(ended.is_some())
    }

    /// Sends it a signal.
    ///
    /// # Errors
    /// [`DriveError::Start`] if the system does not.
    pub fn signal(&self, signal: Signal) -> Result<(), DriveError> {
        // Not waited for yet, so that the number is still its own.
        kill_process(Pid::from_child(&self.child), signal).map_err(|error| DriveError::Start {
            program: self.program.name(),
            source: error.into(),
        })
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// [`DriveError`] if it does not end in time, or the operator interrupts; it is ended then.
    pub fn wait(mut self, limit: Duration) -> Result<Finished, DriveError> {
        let deadline = Instant::now() + limit;
        let mut stdout = String::new();
        loop {
            match self.poll_line(deadline.saturating_duration_since(Instant::now()))? {
                Output::Line(line) => {
                    stdout.push_str(&line);
                    stdout.push('\n');
                }
                Output::NotYet => return Err(self.timed_out(&format!("the end of {}", self.verb), limit)),
                Output::Closed => return self.reap(limit, stdout),
            }
        }
    }

    /// Asks it to end with SIGTERM, and waits until it has.
    ///
    /// # Errors
    /// [`DriveError`] if it does not end in time.
    pub fn end(self) -> Result<Finished, DriveError> {
        self.end_within(LONGEST_END)
    }

    /// The same for one that has something to finish first.
    ///
    /// # Errors
    /// [`DriveError`] if it does not end within `limit`.
    pub fn end_within(self, limit: Duration) -> Result<Finished, DriveError> {
        self.signal(Signal::TERM)?;
        self.wait(limit)
    }

    /// Ends it with SIGKILL, as a crash does.
    ///
    /// # Errors
    /// [`DriveError`] if the system does not.
    pub fn kill(self) -> Result<Finished, DriveError> {
        self.signal(Signal::KILL)?;
        self.wait(LONGEST_END)
    }

    fn poll_line(&mut self, limit: Duration) -> Result<Output, DriveError> {
        let deadline = Instant::now() + limit;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left.min(LOOK_UP)) {
                Ok(line) => return Ok(Output::Line(line)),
                Err(RecvTimeoutError::Disconnected) => return Ok(Output::Closed),
                Err(RecvTimeoutError::Timeout) if self.stop.load(Ordering::Relaxed) => {
                    return Err(DriveError::Interrupted);
                }
                Err(RecvTimeoutError::Timeout) if left.is_zero() => return Ok(Output::NotYet),
                Err(RecvTimeoutError::Timeout) => {
                    self.peak_resident_kib = self.peak_resident_kib.max(self.peak_resident_kib());
                }
            }
        }
    }

    /// Takes the status of a process whose standard output is closed: it has ended, or is about to.
    fn reap(&mut self, limit: Duration, stdout: String) -> Result<Finished, DriveError> {
        let deadline = Instant::now() + limit;
        let program = self.program.name();
        let failed = |source| DriveError::Start { program, source };
        // Only looked at, so that the one call that takes the status also takes what the process used.
        while !self.has_ended()? {
            if Instant::now() >= deadline {
                return Err(self.timed_out("its last step", limit));
            }
            thread::sleep(LAST_STEP);
        }
        let used = self.child.wait4().map_err(failed)?;
        self.ended = Some(used.status);
        Ok(Finished {
            program: self.program,
            verb: self.verb.clone(),
            status: used.status,
            cpu: used.rusage.utime + used.rusage.stime,
            stdout,
            stderr: self.said.all(),
            peak_resident_kib: self.peak_resident_kib,
        })
    }

    fn timed_out(&self, what: &str, limit: Duration) -> DriveError {
        DriveError::TimedOut {
            what: format!("{}: {what}", self.program.name()),
            limit,
            said: self.said(),
        }
    }
}

enum Output {
    Line(String),
    NotYet,
    Closed,
}

/// How often the operator's word to stop is looked for.
const LOOK_UP: Duration = Duration::from_millis(50);
/// From closing its standard output to having ended, a process takes microseconds.
const LAST_STEP: Duration = Duration::from_millis(1);
/// A program ends well within this time once it is asked to.
const LONGEST_END: Duration = Duration::from_secs(20);
/// What a program gets when nobody waits for it any more.
const GRACE: Duration = Duration::from_secs(3);

impl Drop for Running {
    fn drop(&mut self) {
        if self.ended.is_some() {
            return;
        }
        // Nobody is left to tell of a failure; the second signal can't be refused.
        let _ = self.signal(Signal::TERM);
        let deadline = Instant::now() + GRACE;
        loop {
            match self
                .lines
                .recv_timeout(deadline.saturating_duration_since(Instant::now()))
            {
                Ok(_) => {}
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    let _ = self.child.kill();
                    break;
                }
            }
        }
        let _ = self.child.wait();
    }
}

fn read_lines(stdout: Option<impl Read + Send + 'static>) -> Receiver<String> {
    let (sender, lines) = mpsc::channel();
    if let Some(stdout) = stdout {
        // Never joined: it ends with the process, or when nobody wants its lines.
        thread::spawn(move || {
            for line in BufReader::new(stdout).split(b'\n').map_while(Result::ok) {
                if sender.send(String::from_utf8_lossy(&line).into_owned()).is_err() {
                    return;
                }
            }
        });
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::super::Programs;
    use super::*;

    fn script(text: &str) -> Running {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("program");
        // Written by another process: one that is started by another thread meanwhile would hold it open for writing, and keep it from
        // being run.
        let write = r#"printf '#!/bin/sh\n%s\n' "$1" > "$2" && chmod 755 "$2""#;
        let mut shell = std::process::Command::new("sh");
        assert!(
            shell
                .args(["-c", write, "sh", text])
                .arg(&path)
                .status()
                .unwrap()
                .success()
        );
        let programs = Programs::new(path, Arc::default());
        let mut running = programs.start(Program::Tx, ["verb"]).unwrap();
        running.next_line("a first line", Duration::from_secs(10)).unwrap();
        running
    }

    #[test]
    fn a_program_that_is_dropped_has_ended() {
        let running = script("echo ready; exec sleep 100");
        let id = running.id();
        drop(running);
        assert!(!std::path::Path::new(&format!("/proc/{id}")).exists());
    }

    #[test]
    fn what_a_program_used_is_known_once_it_has_ended() {
        let running = script("echo ready; i=0; while [ $i -lt 30000 ]; do i=$((i+1)); done");
        assert!(running.wait(Duration::from_secs(60)).unwrap().cpu > Duration::ZERO);
    }

    #[test]
    fn a_program_that_does_not_want_to_end_is_killed() {
        let running = script("trap '' TERM; echo ready; while :; do sleep 0.05; done");
        let id = running.id();
        drop(running);
        assert!(!std::path::Path::new(&format!("/proc/{id}")).exists());
    }

    #[test]
    fn a_program_that_fails_is_told_with_its_code_and_words() {
        let running = script("echo ready; echo 'no such thing' >&2; exit 5");
        let error = running.wait(Duration::from_secs(10)).unwrap().done().unwrap_err();
        assert_eq!(
            error.to_string(),
            "diode-tx verb ended with exit code 5\n    no such thing"
        );
    }

    #[test]
    fn a_wait_ends_at_its_limit() {
        let running = script("echo ready; exec sleep 100");
        let error = running.wait(Duration::from_millis(50)).unwrap_err();
        assert!(matches!(error, DriveError::TimedOut { .. }), "{error}");
    }

    #[test]
    fn a_wait_ends_when_the_operator_says_so() {
        let running = script("echo ready; exec sleep 100");
        running.stop.store(true, Ordering::Relaxed);
        let error = running.wait(Duration::from_secs(100)).unwrap_err();
        assert!(matches!(error, DriveError::Interrupted), "{error}");
    }
}

//! `strace`, attached to a process that runs.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, ensure};
use rustix::process::{Pid, Signal, kill_process};

use crate::drive::Running;

/// An `strace` that is attached. Dropping it lets go of the process, if that is still there.
#[derive(Debug)]
pub(super) struct Tracer(Child);

impl Tracer {
    /// Attaches to all threads of a process.
    ///
    /// # Errors
    /// If the system does not let it.
    pub(super) fn attach(running: &Running, options: &[&str], file: &Path) -> anyhow::Result<Self> {
        // What it writes must be there, however soon the process ends.
        File::create(file).with_context(|| format!("cannot write {}", file.display()))?;
        let mut command = Command::new("strace");
        command
            .args(["-f", "-p", &running.id().to_string()])
            .args(options)
            .arg("-o")
            .arg(file);
        let started = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn();
        let mut tracer = Self(started.context("strace could not be started")?);
        let mut said = String::new();
        let stderr = tracer.0.stderr.as_mut().context("strace has no standard error")?;
        BufReader::new(stderr)
            .read_line(&mut said)
            .context("strace says nothing")?;
        ensure!(said.contains("attached"), "strace did not attach: {}", said.trim());
        Ok(tracer)
    }
}

impl Drop for Tracer {
    fn drop(&mut self) {
        // Its process may have ended, and it with that: then there is nothing to let go of.
        let _ = kill_process(Pid::from_child(&self.0), Signal::TERM);
        let _ = self.0.wait();
    }
}

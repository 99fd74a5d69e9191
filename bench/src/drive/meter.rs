//! A thread that looks at a process again and again, so that what it used is known even if it ends by itself.
//!
//! The process is looked at through an open descriptor of its folder in `/proc`: once it is gone nothing is read, not even if another
//! process gets its number.

use std::fs::{self, File};
use std::os::fd::AsRawFd as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::DriveError;
use super::usage::{Looks, Usage};

/// What watches a process. Dropping it ends the watch.
#[derive(Debug)]
pub struct Meter {
    /// Dropped to end the watch.
    stop: Option<Sender<()>>,
    watch: Option<JoinHandle<Usage>>,
}

/// How often a process is looked at; a look takes some tens of microseconds.
const EVERY: Duration = Duration::from_millis(20);

impl Meter {
    pub(super) fn start(process: u32) -> Result<Self, DriveError> {
        let path = PathBuf::from(format!("/proc/{process}"));
        let folder = File::open(&path).map_err(DriveError::file("cannot look into", &path))?;
        let (stop, stopped) = mpsc::channel::<()>();
        let mut looks = Looks::default();
        look(&path, &mut looks);
        let watch = thread::spawn(move || {
            let path = PathBuf::from(format!("/proc/self/fd/{}", folder.as_raw_fd()));
            while stopped.recv_timeout(EVERY) == Err(RecvTimeoutError::Timeout) {
                look(&path, &mut looks);
            }
            look(&path, &mut looks);
            looks.usage(process)
        });
        Ok(Self {
            stop: Some(stop),
            watch: Some(watch),
        })
    }

    /// Ends the watch, with a last look.
    #[must_use]
    pub fn stop(mut self) -> Usage {
        self.stop = None;
        let watch = self.watch.take();
        // What panicked has found nothing.
        watch.and_then(|watch| watch.join().ok()).unwrap_or_default()
    }
}

/// What can't be read any more has ended.
fn look(process: &Path, looks: &mut Looks) {
    let read = |path: PathBuf| fs::read_to_string(path).unwrap_or_default();
    looks.note_status(&read(process.join("status")));
    for entry in fs::read_dir(process.join("task")).into_iter().flatten().flatten() {
        if let Some(id) = entry.file_name().to_str().and_then(|name| name.parse().ok()) {
            let thread = entry.path();
            looks.note_thread(id, &read(thread.join("comm")), &read(thread.join("schedstat")));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn a_process_that_runs_is_seen_with_memory_and_time() {
        let usage = Meter::start(std::process::id()).unwrap().stop();
        assert!(usage.peak_resident > 0 && usage.peak_own > 0, "{usage:?}");
        assert!(usage.cpu_total() > Duration::ZERO, "{usage:?}");
    }

    #[test]
    fn a_process_that_has_ended_leaves_its_last_values() {
        let mut child = Command::new("cat")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let meter = Meter::start(child.id()).unwrap();
        child.stdin.take();
        child.wait().unwrap();
        assert!(meter.stop().peak_resident > 0);
    }

    #[test]
    fn a_process_that_is_not_there_is_not_watched() {
        assert!(matches!(Meter::start(u32::MAX), Err(DriveError::File { .. })));
    }
}

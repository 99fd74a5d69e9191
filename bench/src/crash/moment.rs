//! When a process is killed: waits for the moment that a plan names.
//!
//! What another process does is seen from outside alone: by the lengths of its log's segments and of what lies in the spool.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use super::plan::{Kill, When};

/// Where it is seen how far things are.
#[derive(Debug, Clone)]
pub(super) struct Scene {
    /// The folder of the log of the side that is to be killed.
    pub(super) log: PathBuf,
    /// The receiver's spool.
    pub(super) spool: PathBuf,
    /// What this took last.
    pub(super) span: Duration,
}

impl Scene {
    /// Waits from `begun` on until `kill` is due, or until long after all should be over.
    pub(super) fn wait_for(&self, kill: &Kill, begun: Instant) {
        let deadline = begun + self.span * 2 + PATIENCE;
        match kill.when {
            When::Permille(part) => {
                let at = self.span.mul_f64(part as f64 / 1000.0);
                thread::sleep(at.saturating_sub(begun.elapsed()));
            }
            When::LogWrites(count) => {
                let (mut left, mut last) = (count, written(&self.log));
                until(deadline, || {
                    let now = written(&self.log);
                    left -= u32::from(now != last && left > 0);
                    last = now;
                    left == 0
                });
            }
            When::Spooled(bytes) => until(deadline, || taken(&self.spool) >= bytes),
        }
        thread::sleep(Duration::from_micros(kill.delay_us));
    }
}

/// For what should have come and did not.
const PATIENCE: Duration = Duration::from_millis(50);
/// Between two looks: longer than a look takes, shorter than a write with its sync on a disk.
const LOOK_AGAIN: Duration = Duration::from_micros(100);

fn until(deadline: Instant, mut over: impl FnMut() -> bool) {
    while !over() && Instant::now() < deadline {
        thread::sleep(LOOK_AGAIN);
    }
}

/// Bytes of the log's segments.
fn written(log: &Path) -> u64 {
    sum(&log.join(".state/wal"), fs::Metadata::len)
}

/// Bytes on the disk of what lies in the spool.
fn taken(spool: &Path) -> u64 {
    sum(spool, |file| file.blocks() * 512)
}

/// What can't be looked at is not there yet, or not any more.
fn sum(folder: &Path, of: impl Fn(&fs::Metadata) -> u64) -> u64 {
    let files = fs::read_dir(folder).into_iter().flatten().flatten();
    files
        .filter_map(|file| file.metadata().ok())
        .map(|file| of(&file))
        .sum()
}

#[cfg(test)]
mod tests {
    use super::super::plan::During;
    use super::*;

    #[test]
    fn a_write_to_the_log_is_noticed_and_what_never_comes_is_not_waited_for_for_ever() {
        let folder = tempfile::tempdir().unwrap();
        let wal = folder.path().join(".state/wal");
        fs::create_dir_all(&wal).unwrap();
        let scene = Scene {
            log: folder.path().to_owned(),
            spool: folder.path().to_owned(),
            span: Duration::from_secs(20),
        };
        let kill = |count| Kill {
            during: During::Transfer,
            when: When::LogWrites(count),
            delay_us: 0,
        };
        let begun = Instant::now();
        thread::scope(|scope| {
            let waiting = scope.spawn(|| scene.wait_for(&kill(1), begun));
            while !waiting.is_finished() {
                let name = begun.elapsed().as_nanos().to_string();
                fs::write(wal.join(name), b"group").unwrap();
            }
        });
        let soon = Scene {
            span: Duration::ZERO,
            ..scene
        };
        soon.wait_for(&kill(1), Instant::now());
    }

    #[test]
    fn what_is_not_there_has_no_length() {
        assert_eq!(written(Path::new("/nowhere")), 0);
    }
}

//! Which counters heartbeats may have: set aside on disk before the first of them is used.
//!
//! ```text
//! DIR/beats   {"schema":1,"epoch":"9f3c…","below":1700000008192}       replaced as a whole, durably
//!
//! … │ set aside before │ from the later of `below` and the time: 8192 more │ ──▶ Heart: one a heartbeat
//!                                                                          └ below
//! ```
//!
//! A crash wastes at most what was set aside, which is some seconds of the time: so the counter stays near the clock as long as that
//! is right, and a state that was restored from a copy is heard as such.
//!
//! Always true:
//! - no counter is used twice within an epoch, whatever the clock does: those that are used are below a figure that was durable before;
//! - within an epoch the figure goes back only as far as to what was not used.

use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use audit::storage::{OpenHow, Storage, replace_durable};
use protocol::time::UnixMillis;
use serde::{Deserialize, Serialize};

/// The counters of an epoch that may have been used, and those that are next.
#[derive(Debug)]
pub(super) struct Beats {
    storage: Arc<dyn Storage>,
    epoch: u64,
    /// No counter from here on was used.
    below: u64,
    /// What was last set aside here.
    last: Range<u64>,
}

/// What stands in the file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    schema: u32,
    /// 16 hex digits.
    epoch: String,
    below: u64,
}

/// The file's name within the state's folder.
pub(super) const BEATS: &str = "beats";
/// What an interrupted writing leaves.
pub(super) const NEW_BEATS: &str = ".tmp-beats";
/// Counters that are set aside at once: with a heartbeat a second, more than two hours on a disk that can't be written.
pub(super) const SET_ASIDE: u64 = 8192;
const SCHEMA: u32 = 1;
const MAX_LEN: u64 = 4096;

impl Beats {
    /// The counters of `epoch`, by the file in a state's folder. Without one an earlier transmitter may have used those up to `newest`, the
    /// time of the newest entry of its log.
    ///
    /// # Errors
    /// The storage's; `InvalidData` for a file that does not say what it should.
    pub(super) fn read(storage: Arc<dyn Storage>, epoch: u64, newest: UnixMillis) -> io::Result<Self> {
        let below = match storage.open(Path::new(BEATS), OpenHow::Read) {
            Ok(file) => below_in(&file.read_all(MAX_LEN)?, epoch)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => newest.0.saturating_add(1),
            Err(error) => return Err(error),
        };
        Ok(Self {
            storage,
            epoch,
            below,
            last: 0..0,
        })
    }

    /// Sets counters aside that nobody has used: from the time on, if that is later. They are durable as such when this returns.
    ///
    /// # Errors
    /// The storage's; whether they are set aside shows when the file is next read.
    pub(super) fn set_aside(&mut self, now: UnixMillis) -> io::Result<Range<u64>> {
        let first = self.below.max(now.0);
        let below = first.checked_add(SET_ASIDE);
        let below = below.ok_or_else(|| io::Error::other("no counter is left for heartbeats of this epoch"))?;
        self.write(below)?;
        self.last = first..below;
        Ok(first..below)
    }

    /// Says that of what was last set aside none from `next` on was used; what was set aside before stays used up.
    ///
    /// # Errors
    /// The storage's; they then are wasted, or not.
    pub(super) fn give_back(&mut self, next: u64) -> io::Result<()> {
        if self.last.contains(&next) {
            self.write(next)?;
        }
        Ok(())
    }

    fn write(&mut self, below: u64) -> io::Result<()> {
        let written = Written {
            schema: SCHEMA,
            epoch: hex(self.epoch),
            below,
        };
        let mut bytes = serde_json::to_vec(&written)?;
        bytes.push(b'\n');
        replace_durable(&*self.storage, Path::new(BEATS), &bytes, 0o600)?;
        self.below = below;
        Ok(())
    }
}

/// What a file says of an epoch: 0 if it is about another one.
fn below_in(bytes: &[u8], epoch: u64) -> io::Result<u64> {
    let invalid = |text: String| io::Error::new(io::ErrorKind::InvalidData, text);
    let written: Written = serde_json::from_slice(bytes).map_err(|error| invalid(error.to_string()))?;
    if written.schema != SCHEMA {
        let schema = written.schema;
        return Err(invalid(format!("its schema {schema} is not known here, only {SCHEMA}")));
    }
    Ok(if written.epoch == hex(epoch) { written.below } else { 0 })
}

fn hex(epoch: u64) -> String {
    format!("{epoch:016x}")
}

#[cfg(test)]
mod tests {
    use audit::storage::MemoryStorage;

    use super::*;

    const NEWEST: UnixMillis = UnixMillis(1000);

    fn beats(storage: &MemoryStorage, epoch: u64) -> Beats {
        Beats::read(Arc::new(storage.clone()), epoch, NEWEST).unwrap()
    }

    #[test]
    fn the_first_counters_are_past_the_newest_entry_and_from_the_time_on() {
        let storage = MemoryStorage::new();
        assert_eq!(beats(&storage, 7).set_aside(UnixMillis(0)).unwrap().start, 1001);
        let storage = MemoryStorage::new();
        assert_eq!(
            beats(&storage, 7).set_aside(UnixMillis(50_000)).unwrap(),
            50_000..58_192
        );
        let file = storage.open(Path::new(BEATS), OpenHow::Read).unwrap();
        let text = String::from_utf8(file.read_all(MAX_LEN).unwrap()).unwrap();
        assert_eq!(text, "{\"schema\":1,\"epoch\":\"0000000000000007\",\"below\":58192}\n");
    }

    #[test]
    fn whatever_the_clock_does_and_wherever_power_fails_no_counter_is_set_aside_twice() {
        for step in 0.. {
            let storage = MemoryStorage::new();
            let before = beats(&storage, 7).set_aside(UnixMillis(90_000)).unwrap();
            storage.cut_power_at(step);
            let cut = beats(&storage, 7).set_aside(UnixMillis(100));
            storage.crash(&mut || step % 2 == 0);
            storage.restart();
            let after = beats(&storage, 7).set_aside(UnixMillis(0)).unwrap();
            assert!(after.start >= before.end, "step {step}");
            let Ok(cut) = cut else { continue };
            assert!(cut.start >= before.end && after.start >= cut.end, "step {step}");
            break;
        }
    }

    #[test]
    fn what_was_not_used_is_given_back_and_nothing_else_is() {
        let storage = MemoryStorage::new();
        let mut before = beats(&storage, 7);
        let range = before.set_aside(UnixMillis(90_000)).unwrap();
        before.give_back(range.end).unwrap();
        before.give_back(range.start - 1).unwrap();
        beats(&storage, 7).give_back(0).unwrap();
        assert_eq!(beats(&storage, 7).below, range.end);
        before.give_back(range.start + 5).unwrap();
        assert_eq!(
            beats(&storage, 7).set_aside(UnixMillis(0)).unwrap().start,
            range.start + 5
        );
    }

    #[test]
    fn another_epoch_begins_from_the_time() {
        let storage = MemoryStorage::new();
        beats(&storage, 7).set_aside(UnixMillis(90_000)).unwrap();
        assert_eq!(beats(&storage, 8).set_aside(UnixMillis(60)).unwrap().start, 60);
    }

    #[test]
    fn what_does_not_say_what_it_should_is_an_error_and_not_no_file() {
        for text in ["", "{}", "{\"schema\":2,\"epoch\":\"\",\"below\":1}"] {
            let storage = MemoryStorage::new();
            replace_durable(&storage, Path::new(BEATS), text.as_bytes(), 0o600).unwrap();
            let error = Beats::read(Arc::new(storage), 7, NEWEST).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{text:?}");
        }
    }
}

//! What lies in an outbox and is not taken: told once, with the reason, when it has been there for a while.
//!
//! ```text
//! a name ──▶ Known ──there after a while──▶ told, once ──gone──▶ forgotten
//! ```
//!
//! Always true:
//! - nothing here touches a file: what is told of stays where it is;
//! - [`MOST_KNOWN`] names are in memory, however many there are.

use std::collections::{BTreeMap, VecDeque};
use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::time::Duration;

use crate::complaint::Complaint;

/// Names in an outbox that are no bundle file to be taken.
#[derive(Debug, Default)]
pub(super) struct Strays {
    known: BTreeMap<OsString, Known>,
    due: VecDeque<(OsString, Stays)>,
}

#[derive(Debug)]
struct Known {
    since: Duration,
    told: bool,
}

/// Why something is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stays {
    /// Its name does not end in `.bundle`.
    Name,
    /// A folder.
    Folder,
    /// A link.
    Link,
    /// A pipe, a socket or a device.
    Special,
    /// A file that is not at rest, or not whole.
    Unfinished,
}

/// Names that are known at once.
const MOST_KNOWN: usize = 256;
/// How long something may lie in the outbox before it is told of: it may be on its way to another name, or to its end.
const PATIENCE: Duration = Duration::from_secs(60);

impl Strays {
    /// Whether there is room for one more name besides so many new ones, or it is known.
    pub(super) fn has_room_for(&self, name: &OsStr, new: usize) -> bool {
        self.known.contains_key(name) || self.known.len() + new < MOST_KNOWN
    }

    /// Takes note of all that lies there now and is not taken.
    pub(super) fn look(&mut self, found: impl IntoIterator<Item = (OsString, Stays)>, now: Duration) {
        let mut before = std::mem::take(&mut self.known);
        for (name, stays) in found {
            let mut known = before.remove(&name).unwrap_or(Known {
                since: now,
                told: false,
            });
            if !known.told && now.saturating_sub(known.since) >= PATIENCE {
                known.told = true;
                self.due.push_back((name.clone(), stays));
            }
            self.known.insert(name, known);
        }
    }

    /// What is to be told next.
    pub(super) fn poll(&mut self) -> Option<(OsString, Stays)> {
        self.due.pop_front()
    }
}

impl Stays {
    /// What to say of it.
    pub(super) fn complaint(self, path: &Path) -> Complaint {
        let (cause, mend) = match self {
            Self::Name => (
                "only files whose names end in `.bundle` are taken",
                "rename it if it is a bundle, else move it away",
            ),
            Self::Folder => (
                "it is a folder, and only files are taken",
                "put the bundle files that are in it beside it",
            ),
            Self::Link => (
                "it is a link, and no link is followed",
                "put the file itself there: a copy, or a hard link made under another name and renamed",
            ),
            Self::Special => ("it is no regular file", "move it away"),
            Self::Unfinished => (
                "it is still being written, or is not as long as its head says",
                "let whoever writes it come to the end; next time write under a name that begins with a dot, and rename it",
            ),
        };
        Complaint::usage("what lies in the outbox is not taken")
            .fact("file", path.display())
            .fact("cause", cause)
            .mend(mend)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn found(names: &[&str]) -> Vec<(OsString, Stays)> {
        names.iter().map(|name| (OsString::from(name), Stays::Name)).collect()
    }

    #[test]
    fn what_lies_there_for_a_while_is_told_once() {
        let mut strays = Strays::default();
        strays.look(found(&["a"]), at(0));
        strays.look(found(&["a", "b"]), at(59));
        assert_eq!(strays.poll(), None);
        strays.look(found(&["a", "b"]), at(60));
        assert_eq!(strays.poll(), Some(("a".into(), Stays::Name)));
        strays.look(found(&["a"]), at(200));
        assert_eq!(strays.poll(), None);
    }

    #[test]
    fn what_was_away_is_told_anew() {
        let mut strays = Strays::default();
        strays.look(found(&["a"]), at(0));
        strays.look(found(&[]), at(30));
        strays.look(found(&["a"]), at(61));
        assert_eq!(strays.poll(), None);
        strays.look(found(&["a"]), at(121));
        assert!(strays.poll().is_some());
    }

    #[test]
    fn there_is_room_for_so_many_new_names_and_for_those_that_are_known() {
        let mut strays = Strays::default();
        strays.look(found(&["a"]), at(0));
        assert!(strays.has_room_for(OsStr::new("b"), MOST_KNOWN - 2));
        assert!(!strays.has_room_for(OsStr::new("b"), MOST_KNOWN - 1));
        assert!(strays.has_room_for(OsStr::new("a"), MOST_KNOWN));
    }
}

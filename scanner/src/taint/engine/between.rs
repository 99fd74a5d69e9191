//! Files followed once more, into the functions of other files that they call: several at once.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{OnceLock, PoisonError};
use std::thread;

use super::super::flow::Hit;
use super::super::link::{self, Caller, Calls, Linked, Spot, Summary};
use super::{BundleSast, follow, found, lower_checked, severity, told};
use crate::engine::{BundleFindings, Outcome, Window, room};
use crate::facts::FileFacts;
use crate::finding::{Found, Step};

/// Files that are followed into others at once, at most.
const MAX_WORKERS: usize = 16;
/// Hits of a file that are looked at when it is followed into others.
const MAX_LINKED: usize = 400;

/// What was found in a caller, with the places of each way, and how that ended.
type FoundLinked = (Vec<(Found, Vec<Step>)>, Outcome);

impl BundleSast<'_> {
    /// Reports what is found when callers are followed into what they call; what an earlier scan found is known.
    pub(super) fn report_linked(&self, linked: &Linked<'_>, out: &mut BundleFindings<'_>) {
        let about: Vec<Vec<Vec<u8>>> = linked
            .iter()
            .map(|(caller, calls)| link::about(caller, calls))
            .collect();
        let about: Vec<Vec<&[u8]>> = about
            .iter()
            .map(|about| about.iter().map(Vec::as_slice).collect())
            .collect();
        let new: Vec<bool> = about.iter().map(|about| !out.knows(about)).collect();
        let found = self.follow_all(linked, &new);
        for (((caller, calls), about), found) in linked.iter().zip(&about).zip(found) {
            out.once(about, |out| {
                // What was known a moment ago may have been dropped since.
                let (found, outcome) = found.unwrap_or_else(|| self.follow_linked(caller, calls));
                for (found, way) in found {
                    out.add_unshown(&caller.path, found, way);
                }
                if outcome != Outcome::Scanned {
                    out.not_seen(&caller.path, outcome);
                }
                outcome == Outcome::Scanned
            });
        }
    }

    /// Keeps what other files need to know of one, and the file if it calls others.
    pub(super) fn link(&self, file: &FileFacts, summary: Summary, bytes: impl FnOnce() -> Vec<u8>) {
        let Summary { exports, called, found } = summary;
        let language = file.language();
        let Some((lowered_as, book)) = language.and_then(|language| Some((language, self.sast.book(language)?))) else {
            return;
        };
        let caller = (!called.is_empty()).then(|| Caller {
            path: file.path.clone(),
            language: book.language,
            lowered_as,
            bytes: bytes(),
            called,
            found,
        });
        let mut link = self.link.lock().unwrap_or_else(PoisonError::into_inner);
        if !exports.is_empty() {
            link.export(file.index, book.language, exports);
        }
        if let Some(caller) = caller {
            link.keep(file.index, caller);
        }
    }

    /// Follows those callers that are new, several at once.
    fn follow_all(&self, linked: &Linked<'_>, new: &[bool]) -> Vec<Option<FoundLinked>> {
        let found: Vec<OnceLock<FoundLinked>> = linked.iter().map(|_| OnceLock::new()).collect();
        let next = AtomicUsize::new(0);
        let work = || {
            let mut index = next.fetch_add(1, Ordering::Relaxed);
            while let (Some((caller, calls)), Some(found)) = (linked.get(index), found.get(index)) {
                if new.get(index) == Some(&true) {
                    found.get_or_init(|| self.follow_linked(caller, calls));
                }
                index = next.fetch_add(1, Ordering::Relaxed);
            }
        };
        let workers = thread::available_parallelism().map_or(1, usize::from).min(MAX_WORKERS);
        thread::scope(|scope| {
            for _ in 0..workers.min(new.iter().filter(|new| **new).count()) {
                room::spawn(scope, work);
            }
        });
        found.into_iter().map(OnceLock::into_inner).collect()
    }

    /// Follows a file once more, into the functions of other files that it calls, and says how that ended: it was lowered before,
    /// but by a worker that may not be there any more.
    fn follow_linked(&self, caller: &Caller, calls: &Calls<'_>) -> FoundLinked {
        let Some(book) = self.sast.book(caller.language) else {
            return (Vec::new(), Outcome::Unsupported);
        };
        let lowered = match lower_checked(self.lowerer.as_ref(), caller.lowered_as, &caller.bytes) {
            Ok(lowered) => lowered,
            Err(outcome) => return (Vec::new(), outcome),
        };
        let followed = follow(&lowered.module, &book.rules, &link::outside(calls));
        let window = Window::whole(&caller.bytes);
        let mut all = Vec::new();
        for hit in followed.hits.iter().take(MAX_LINKED) {
            let known = (hit.at, hit.rule, hit.way.first().copied());
            let Some(rule) = book
                .rules
                .rules
                .get(hit.rule)
                .filter(|_| !caller.found.contains(&known))
            else {
                continue;
            };
            let severity = severity::by_place(rule, hit, &book.rules, &caller.path);
            let found = found(rule, severity, hit, &window);
            let way = told(hit, rule, &book.rules, &window)
                .into_iter()
                .map(|(what, place)| Step {
                    what: what.into(),
                    path: None,
                    line: place.line,
                    column: place.column,
                    snippet: None,
                });
            all.push((found, way.chain(beyond(calls, hit)).collect()));
        }
        let outcome = match followed.exhausted || followed.hits.len() > MAX_LINKED {
            true => Outcome::OverLimit,
            false => Outcome::Scanned,
        };
        (all, outcome)
    }
}

/// The places of a hit's way in other files.
fn beyond(calls: &Calls<'_>, hit: &Hit) -> Vec<Step> {
    let Some(beyond) = &hit.beyond else { return Vec::new() };
    let Some(export) = calls.get(beyond.called.as_str()) else {
        return Vec::new();
    };
    let places = export.ways.get(beyond.reach).into_iter().flatten();
    let step = |spot: &Spot| Step {
        what: "goes on in another file".into(),
        path: Some(spot.path.as_deref().unwrap_or(&export.path).into()),
        line: spot.line,
        column: spot.column,
        snippet: None,
    };
    places.map(step).collect()
}

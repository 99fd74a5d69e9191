//! What became of one bundle, as the receiver's log tells it.

use audit::event::{Event, EventKind, State};

use crate::drive::{Entry, Packed};
use crate::terminal::{Cell, Tone};

/// A bundle's way through the receiver.
#[derive(Debug)]
pub(super) struct Admission {
    /// What it is called in the table.
    pub(super) label: String,
    /// Who packed it.
    pub(super) author: String,
    pub(super) packed: Packed,
    /// Its entries in the log, oldest first.
    pub(super) entries: Vec<Entry>,
}

impl Admission {
    /// Its state, if it was admitted.
    pub(super) fn state(&self) -> Option<State> {
        self.entries.iter().rev().find_map(|entry| entry.event.state)
    }

    /// The code of the check that refused it.
    pub(super) fn refusal(&self) -> Option<&str> {
        self.event(EventKind::BundleRefused)
            .and_then(|event| event.reason.as_deref())
    }

    /// How it ended, in a word.
    pub(super) fn ending(&self) -> String {
        match (self.state(), self.refusal(), self.entries.last()) {
            (Some(state), ..) => state.to_string(),
            (None, Some(refusal), _) => format!("refused: {refusal}"),
            (None, None, Some(last)) => last.event.event.to_string(),
            (None, None, None) => "unknown".to_owned(),
        }
    }

    fn event(&self, kind: EventKind) -> Option<&Event> {
        self.entries
            .iter()
            .map(|entry| &entry.event)
            .find(|event| event.event == kind)
    }

    /// Its row of the table: bundle, identified, verified, scanned, quarantined, audited.
    pub(super) fn row(&self) -> Vec<Cell> {
        let (identified, verified) = self.checks();
        vec![
            Cell::new(Tone::Plain, shortened(&self.label, LABEL_WIDTH)),
            identified,
            verified,
            self.scanned(),
            self.quarantined(),
            self.entries
                .last()
                .map_or_else(Cell::none, |last| Cell::new(Tone::Plain, format!("log {}", last.index))),
        ]
    }

    /// Who signed, and whether it is what was signed: of a refused bundle the one names the check that failed.
    fn checks(&self) -> (Cell, Cell) {
        if let Some(admitted) = self.event(EventKind::BundleAdmitted) {
            let signer = admitted.signer.clone().unwrap_or_default();
            let blocks = admitted.blocks.unwrap_or(0);
            let noun = if blocks == 1 { "block" } else { "blocks" };
            return (
                Cell::new(Tone::Good, signer),
                Cell::new(Tone::Good, format!("{blocks} {noun}")),
            );
        }
        match self.refusal() {
            Some(code) if SIGNATURE_CHECKS.contains(&code) => (Cell::new(Tone::Bad, code), Cell::none()),
            Some(code) if BEHIND_THE_SIGNATURE.contains(&code) => {
                (Cell::new(Tone::Good, self.author.as_str()), Cell::new(Tone::Bad, code))
            }
            Some(code) => (Cell::none(), Cell::new(Tone::Bad, code)),
            None => (Cell::none(), Cell::new(Tone::Bad, self.ending().replace("bundle.", ""))),
        }
    }

    fn scanned(&self) -> Cell {
        let Some(scanned) = self.event(EventKind::BundleScanned) else {
            return Cell::none();
        };
        match scanned.findings.map_or(0, |findings| findings.total()) {
            0 => Cell::new(Tone::Good, format!("{} clean", scanned.files.unwrap_or(0))),
            found => Cell::new(Tone::Attention, format!("{found} found")),
        }
    }

    fn quarantined(&self) -> Cell {
        match self.state() {
            None => Cell::none(),
            Some(state @ State::Released) => Cell::new(Tone::Good, state.to_string()),
            Some(state @ (State::Held | State::Waiting)) => Cell::new(Tone::Attention, state.to_string()),
            Some(state @ (State::Rejected | State::Evidence)) => Cell::new(Tone::Bad, state.to_string()),
        }
    }
}

/// The refusals that say who signed, or did not.
const SIGNATURE_CHECKS: [&str; 6] = [
    "untrusted-signer",
    "signer-role",
    "signer-not-yet-valid",
    "signer-expired",
    "bad-signature",
    "author-mismatch",
];

/// The refusals by checks that come once the author's signature holds.
const BEHIND_THE_SIGNATURE: [&str; 5] = [
    "content-root",
    "expired",
    "leaf-mismatch",
    "not-yet-valid",
    "wrong-audience",
];

const LABEL_WIDTH: usize = 14;

/// `text` in at most `width` columns.
fn shortened(text: &str, width: usize) -> String {
    match text.char_indices().nth(width) {
        None => text.to_owned(),
        Some(_) => text.chars().take(width.saturating_sub(1)).chain(['…']).collect(),
    }
}

#[cfg(test)]
mod tests {
    use audit::event::FindingCounts;
    use protocol::digest::{BundleId, Digest};
    use protocol::time::UnixMillis;

    use super::*;

    fn event(kind: EventKind) -> Event {
        Event::new(kind, UnixMillis(0))
    }

    fn row(events: Vec<Event>) -> Vec<String> {
        let bundle = BundleId(Digest([7; 32]));
        let entries = events.into_iter().enumerate().map(|(index, event)| Entry {
            index: index as u64,
            event,
        });
        let packed = Packed {
            bundle,
            file: "x.bundle".into(),
            files: 1,
            bytes: 1,
        };
        let admission = Admission {
            label: "a".to_owned(),
            author: "alice".to_owned(),
            packed,
            entries: entries.collect(),
        };
        admission.row().into_iter().map(|cell| cell.text).collect()
    }

    fn refused(code: &str) -> Vec<String> {
        row(vec![Event {
            reason: Some(code.to_owned()),
            ..event(EventKind::BundleRefused)
        }])
    }

    #[test]
    fn a_released_bundle_has_something_at_each_step() {
        let admitted = Event {
            signer: Some("alice@lab".to_owned()),
            blocks: Some(5),
            state: Some(State::Held),
            ..event(EventKind::BundleAdmitted)
        };
        let scanned = Event {
            files: Some(62),
            findings: Some(FindingCounts::default()),
            ..event(EventKind::BundleScanned)
        };
        let released = Event {
            state: Some(State::Released),
            ..event(EventKind::BundleReleased)
        };
        assert_eq!(
            row(vec![admitted, scanned, released]),
            ["a", "alice@lab", "5 blocks", "62 clean", "RELEASED", "log 2"]
        );
    }

    #[test]
    fn a_signer_whom_nobody_trusts_is_not_identified() {
        assert_eq!(
            refused("untrusted-signer"),
            ["a", "untrusted-signer", "–", "–", "–", "log 0"]
        );
    }

    #[test]
    fn changed_content_is_identified_and_not_verified() {
        assert_eq!(
            refused("leaf-mismatch"),
            ["a", "alice", "leaf-mismatch", "–", "–", "log 0"]
        );
    }

    #[test]
    fn who_signed_a_damaged_head_is_not_known() {
        assert_eq!(refused("head-digest"), ["a", "–", "head-digest", "–", "–", "log 0"]);
    }

    #[test]
    fn an_incomplete_bundle_says_so() {
        assert_eq!(row(vec![event(EventKind::BundleIncomplete)])[2], "incomplete");
    }

    #[test]
    fn a_long_label_is_cut_with_a_mark() {
        assert_eq!(
            (shortened("abcd", 4), shortened("abcde", 4)),
            ("abcd".to_owned(), "abc…".to_owned())
        );
    }
}

//! What happened, as an entry of the log: one JSON object, the same that `--json` prints.
//!
//! ```text
//! {"schema":1,"time":"2026-11-22T09:41:07.000Z","event":"bundle.admitted","link":"a","epoch":3,"seq":41,…}
//! ```
//!
//! Always true:
//! - an entry is at most [`MAX_ENTRY_LEN`] bytes: long text is cut, with a mark that says how much;
//! - a field that does not apply is absent; new fields may come and are skipped by an older reader, none is renamed;
//! - an event that a reader does not know is an error to it, never skipped: it may be the one that revokes another.

use std::fmt;

use protocol::digest::{BundleId, Digest};
use protocol::time::UnixMillis;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Bytes of an entry at most.
pub const MAX_ENTRY_LEN: usize = 16 * 1024;

macro_rules! event_kinds {
    ($($(#[$doc:meta])* $kind:ident = $name:literal,)*) => {
        /// What happened. The written names are `area.what`, and none is ever renamed.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum EventKind {
            $($(#[$doc])* #[serde(rename = $name)] $kind,)*
        }

        impl EventKind {
            /// Every kind, in the order of their declaration.
            pub const ALL: &[Self] = &[$(Self::$kind),*];

            /// The name in an entry, for example `bundle.admitted`.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$kind => $name,)*
                }
            }
        }
    };
}

event_kinds! {
    /// All of a bundle was received and verified, and is in quarantine from now on.
    BundleAdmitted = "bundle.admitted",
    /// A transmission ended with blocks missing.
    BundleIncomplete = "bundle.incomplete",
    /// A bundle was not admitted; `reason` says why.
    BundleRefused = "bundle.refused",
    /// A bundle came that had been admitted before.
    BundleDuplicate = "bundle.duplicate",
    /// A sequence number that the sender is done with never came.
    BundleMissing = "bundle.missing",
    /// The scan of a bundle ended; `report` is its digest.
    BundleScanned = "bundle.scanned",
    /// A bundle stays in quarantine until a person decides.
    BundleHeld = "bundle.held",
    /// A bundle's release was decided; it is carried out after this entry is durable.
    BundleReleaseDecided = "bundle.release_decided",
    /// A bundle left quarantine.
    BundleReleased = "bundle.released",
    /// A decided release was not carried out.
    BundleReleaseCancelled = "bundle.release_cancelled",
    /// A bundle was rejected, by policy or a person.
    BundleRejected = "bundle.rejected",
    /// A bundle was received and verified, and waits outside of HELD until its epoch or number is accepted.
    BundleWaiting = "bundle.waiting",
    /// A bundle came under another one's number: it is kept apart, and never admitted.
    BundleEvidence = "bundle.evidence",
    /// A bundle's file was given up; `state` says where it was, `reason` why. Without a state it is what an incomplete transmission had left.
    BundleRemoved = "bundle.removed",
    /// Numbers that the sender gave to no bundle, and never will: nothing is missing.
    BundleVoid = "bundle.void",
    /// A released bundle was called back.
    BundleRecalled = "bundle.recalled",
    /// A released bundle was scanned again; `verdict` says what policy makes of it now, `reason` whether that is worse than when it was released.
    BundleRescanned = "bundle.rescanned",
    /// A held bundle came again with a further valid signature: one entry for each signer.
    BundleCountersigned = "bundle.countersigned",
    /// The link is heard.
    LinkUp = "link.up",
    /// The link is not heard any more.
    LinkSilent = "link.silent",
    /// Both sides do not fit; `detail` names the setting.
    LinkMismatched = "link.mismatched",
    /// Datagrams of another wire version come, and nothing else; `detail` has both numbers.
    LinkForeignVersion = "link.foreign-version",
    /// The sender's numbers went backwards: its state was restored from a copy, and it gives them a second time.
    LinkRestored = "link.restored",
    /// A sender speaks of an epoch that nobody accepted.
    EpochHeard = "epoch.heard",
    /// A sender's epoch was accepted, or numbers of it up to `seq_last` were.
    EpochAccepted = "epoch.accepted",
    /// A sender's epoch was refused: nothing of it is taken any more.
    EpochRefused = "epoch.refused",
    /// Another configuration, policy or rule set is in force.
    ConfigChanged = "config.changed",
    /// An unfinished last group of the write-ahead log was cut off at start.
    LogRecovered = "log.recovered",
    /// The log begins.
    LogCreated = "log.created",
    /// A daemon began its work.
    DaemonStarted = "daemon.started",
    /// A daemon ended its work as asked.
    DaemonStopped = "daemon.stopped",
    /// Many refusals within a minute, as one entry.
    RefusalsSummarised = "refusals.summarised",
    /// tx: a sequence number was bound to a bundle, before its first packet.
    BundleBound = "bundle.bound",
    /// tx: all packets of a bundle were sent.
    BundleSent = "bundle.sent",
    /// tx: sending a bundle ended before its last packet.
    BundleStopped = "bundle.stopped",
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Where a bundle is in quarantine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// In quarantine.
    Held,
    /// Let out.
    Released,
    /// Kept as evidence, for good.
    Rejected,
    /// Verified, and not admitted: its epoch or number is not accepted yet.
    Waiting,
    /// Kept apart, since its number is another bundle's; never admitted.
    Evidence,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Held => "HELD",
            Self::Released => "RELEASED",
            Self::Rejected => "REJECTED",
            Self::Waiting => "WAITING",
            Self::Evidence => "EVIDENCE",
        })
    }
}

/// What policy says of a scanned bundle; the stricter is the greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Nothing speaks against release.
    Allow,
    /// A person must look.
    Review,
    /// It must not be released.
    Reject,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Allow => "ALLOW",
            Self::Review => "REVIEW",
            Self::Reject => "REJECT",
        })
    }
}

/// Findings by severity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct FindingCounts {
    /// Exploitable as it stands.
    pub critical: u64,
    /// Severe.
    pub high: u64,
    /// Worth a look.
    pub medium: u64,
    /// Minor.
    pub low: u64,
}

impl FindingCounts {
    /// Those of a severity, by its word; 0 for a word that is none.
    #[must_use]
    pub fn of(&self, severity: &str) -> u64 {
        match severity {
            "critical" => self.critical,
            "high" => self.high,
            "medium" => self.medium,
            "low" => self.low,
            _ => 0,
        }
    }

    /// All of them.
    #[must_use]
    pub fn total(&self) -> u64 {
        [self.critical, self.high, self.medium, self.low]
            .iter()
            .fold(0, |sum, n| sum.saturating_add(*n))
    }
}

/// The version of the entry's shape: always 1, and an entry of another version does not parse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Schema;

impl Serialize for Schema {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(1)
    }
}

impl<'de> Deserialize<'de> for Schema {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match u32::deserialize(deserializer)? {
            1 => Ok(Self),
            other => Err(serde::de::Error::custom(format_args!(
                "schema {other} is not known here, only 1"
            ))),
        }
    }
}

/// One entry of the log. Made by [`Event::new`], with the fields that apply set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// The version of this shape.
    pub schema: Schema,
    /// When, by the clock of the host that wrote it.
    pub time: UnixMillis,
    /// What happened.
    pub event: EventKind,
    /// The link's configured name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// The sender's epoch, numbered 1, 2, 3 for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub epoch: Option<u32>,
    /// The sender's epoch, 16 hex digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub epoch_id: Option<String>,
    /// The bundle's sequence number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
    /// The last of several sequence numbers, of which `seq` is the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seq_last: Option<u64>,
    /// The transmission, 16 hex digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// The bundle's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bundle: Option<BundleId>,
    /// The principal whose signature was verified.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signer: Option<String>,
    /// The key's fingerprint, `SHA256:…`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// SHA-256 of the head, with its signatures, that the bundle was received with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub head: Option<Digest>,
    /// Where the bundle is after this event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<State>,
    /// What policy says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
    /// Why, as a code in kebab case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Why, as text; cut if the entry would grow too large.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Bytes of content.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// Bytes of the packed bundle's file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file_bytes: Option<u64>,
    /// Number of files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub files: Option<u64>,
    /// Findings by severity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub findings: Option<FindingCounts>,
    /// How long it took.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
    /// Blocks of the transmission.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blocks: Option<u64>,
    /// Blocks that could not be put together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blocks_missing: Option<u64>,
    /// Packets lost of a million.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loss_ppm: Option<u32>,
    /// Digest of the scan report.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub report: Option<Digest>,
    /// Digest of the policy in force.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<Digest>,
    /// Digest of the rules in force.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rules: Option<Digest>,
    /// Digest of the file that `path` names, from now on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// Digest of the file that it replaced.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest_before: Option<Digest>,
    /// Who decided: a user's name or number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// The file or folder that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
}

/// Why bytes are no entry of a known shape.
#[derive(Debug, thiserror::Error)]
pub enum EventError {
    /// More bytes than an entry may have.
    #[error("an entry of {len} bytes is over the limit of {MAX_ENTRY_LEN}")]
    TooLong {
        /// Bytes found.
        len: usize,
    },
    /// No JSON object of this schema.
    #[error("not an event of schema 1: {reason}")]
    Malformed {
        /// What the parser said.
        reason: String,
    },
}

impl Event {
    /// An event with nothing but its kind and time.
    #[must_use]
    pub fn new(kind: EventKind, time: UnixMillis) -> Self {
        Self {
            schema: Schema,
            time,
            event: kind,
            link: None,
            epoch: None,
            epoch_id: None,
            seq: None,
            seq_last: None,
            session: None,
            bundle: None,
            signer: None,
            key: None,
            head: None,
            state: None,
            verdict: None,
            reason: None,
            detail: None,
            bytes: None,
            file_bytes: None,
            files: None,
            findings: None,
            duration_ms: None,
            blocks: None,
            blocks_missing: None,
            loss_ppm: None,
            report: None,
            policy: None,
            rules: None,
            digest: None,
            digest_before: None,
            actor: None,
            path: None,
        }
    }

    /// The entry's bytes, at most [`MAX_ENTRY_LEN`]. Text fields but `detail` are cut at 1 KiB, and `detail` to what
    /// room is left, so that logging never fails for the length of a text from outside.
    #[must_use]
    pub fn to_entry(&self) -> Vec<u8> {
        let bytes = self.to_json();
        if bytes.len() <= MAX_ENTRY_LEN {
            return bytes;
        }
        let mut cut = self.clone();
        cut.short_texts().for_each(|text| clip(text, MAX_SHORT_TEXT));
        let detail = cut.detail.take();
        // `,"detail":""` and, for the mark, what `clip` may add.
        let used = cut.to_json().len() + r#","detail":"""#.len();
        cut.detail = detail;
        if let Some(text) = &mut cut.detail {
            clip(text, MAX_ENTRY_LEN.saturating_sub(used));
        }
        cut.to_json()
    }

    /// Reads an entry. Fields that are not known are skipped.
    ///
    /// # Errors
    /// [`EventError`] if it is too long, no JSON object of schema 1, or of an event that is not known here.
    pub fn parse(entry: &[u8]) -> Result<Self, EventError> {
        if entry.len() > MAX_ENTRY_LEN {
            return Err(EventError::TooLong { len: entry.len() });
        }
        serde_json::from_slice(entry).map_err(|error| EventError::Malformed {
            reason: error.to_string(),
        })
    }

    fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("an event has string keys and no map, so that serialising it cannot fail")
    }

    fn short_texts(&mut self) -> impl Iterator<Item = &mut String> {
        let Self {
            link,
            epoch_id,
            session,
            signer,
            key,
            reason,
            actor,
            path,
            ..
        } = self;
        [link, epoch_id, session, signer, key, reason, actor, path]
            .into_iter()
            .filter_map(Option::as_mut)
    }
}

/// Cuts `text` so that, escaped as JSON, it takes at most `max` bytes, mark included.
fn clip(text: &mut String, max: usize) {
    if json_len(text) <= max {
        return;
    }
    let room = max.saturating_sub(MAX_MARK);
    let mut used = 0;
    let fitting = text.chars().map_while(|c| {
        used += json_len(c.encode_utf8(&mut [0; 4]));
        (used <= room).then_some(c.len_utf8())
    });
    let keep: usize = fitting.sum();
    let mark = format!(" … [{} bytes cut]", text.len() - keep);
    text.truncate(keep);
    text.push_str(&mark);
}

/// Bytes of `text` within a JSON string, as `serde_json` escapes it.
fn json_len(text: &str) -> usize {
    text.bytes()
        .map(|byte| match byte {
            b'"' | b'\\' | b'\n' | b'\r' | b'\t' | 0x08 | 0x0C => 2,
            0..0x20 => 6,
            _ => 1,
        })
        .sum()
}

/// The longest mark that [`clip`] writes: ` … [18446744073709551615 bytes cut]`.
const MAX_MARK: usize = 38;

/// Texts other than `detail`: names, codes and paths of 512 bytes at most, with room for escapes.
const MAX_SHORT_TEXT: usize = 1024;

#[cfg(test)]
#[path = "event_tests.rs"]
mod tests;

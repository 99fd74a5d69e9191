//! What an engine is: it starts on a bundle, then on each file, is shown the file window by window, and ends with an
//! outcome.
//!
//! ```text
//! Engine::begin_bundle ─▶ BundleScan::begin_file ─▶ FileScan::window … window ─▶ finish ─▶ Outcome
//!                              (several files at once)                              │
//!                         BundleScan::finish ◀── after the last file ───────────────┘
//! ```
//!
//! Always true:
//! - each byte of a file is owned by exactly one window, and seen with 32 KiB of its surroundings on both sides, or up
//!   to the file's ends; an engine that reports what *starts* in owned bytes reports everything once;
//! - an engine's panic costs its outcome for that file, and nothing else;
//! - what a secret looked like never leaves [`Findings`].

use std::fmt;

use protocol::digest::Digest;
use serde::{Deserialize, Serialize};

use crate::content::FileEntry;
use crate::facts::FileFacts;
use crate::finding::RuleInfo;

mod collect;
mod detail;
pub(crate) mod room;
mod snippet;
mod window;

pub use self::collect::{BundleFindings, Findings, FingerprintKey, Way};
pub(crate) use self::collect::{Collected, Share, add, count, each};
pub use self::detail::RuleDetail;
pub use self::window::Window;
pub(crate) use self::window::{Reader, Windowing};

/// One way of looking at files.
pub trait Engine: Send + Sync {
    /// The name in reports and policies: one lower-case word.
    fn name(&self) -> &'static str;

    /// Raised whenever the engine would say something else about the same bytes.
    fn version(&self) -> u32;

    /// All rules, by id.
    fn rules(&self) -> Vec<RuleInfo>;

    /// What there is to tell about rule `id` beyond its entry in [`Engine::rules`]: nothing, unless the engine has it.
    fn detail(&self, _id: &str) -> RuleDetail {
        RuleDetail::default()
    }

    /// A digest over everything in the rules that decides about findings.
    fn rules_digest(&self) -> Digest {
        Digest::of(&serde_json::to_vec(&self.rules()).unwrap_or_default())
    }

    /// Whether what it says of a file depends on nothing but that file (its bytes, its path, its type) and the rules:
    /// then it may be kept, and said again of the same file without looking.
    fn by_file(&self) -> bool {
        false
    }

    /// Starts on a bundle of these files.
    fn begin_bundle<'a>(&'a self, files: &'a [FileEntry]) -> Box<dyn BundleScan + 'a>;
}

/// An engine at work on one bundle; shared by the threads that scan its files.
pub trait BundleScan: Send + Sync {
    /// Starts on a file; `None` if the file is not this engine's business.
    fn begin_file<'a>(&'a self, file: &'a FileFacts) -> Option<Box<dyn FileScan + 'a>>;

    /// Takes what an earlier scan of the same file had the scanner [remember](Findings::remember), in place of the file;
    /// `false` if that is not understood, and the file is to be looked at.
    fn recall(&self, _file: &FileFacts, _bytes: &[u8], _summary: &[u8]) -> bool {
        true
    }

    /// Ends the bundle, after all its files: what only shows between files.
    fn finish(self: Box<Self>, _out: &mut BundleFindings<'_>) {}
}

/// An engine at work on one file.
pub trait FileScan {
    /// Looks at the next window. A file has at least one, which may be empty.
    fn window(&mut self, window: &Window<'_>, out: &mut Findings<'_>);

    /// Ends the file.
    fn finish(self: Box<Self>, out: &mut Findings<'_>) -> Outcome;
}

/// How an engine ended with a file; only `Scanned` covers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// All of it was looked at.
    Scanned,
    /// The engine cannot read this type.
    Unsupported,
    /// A limit was reached before the end.
    OverLimit,
    /// Time was up before the end.
    TimedOut,
    /// The engine panicked, or the file could not be read.
    Crashed,
}

impl Outcome {
    /// The word in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Scanned => "scanned",
            Self::Unsupported => "unsupported",
            Self::OverLimit => "over-limit",
            Self::TimedOut => "timed-out",
            Self::Crashed => "crashed",
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

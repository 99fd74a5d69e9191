//! What is kept of a file for the next scan: what the engines said of it that look at nothing but the file.
//!
//! ```text
//! key     SHA-256 of the bytes, path, type, … ─▶ SHA-256
//! result  for each such engine that took the file: its counts, its findings, what it remembers for links between files
//! ```
//! What depends on other files is found out anew each time, from what the engines remember.
//!
//! Always true:
//! - only a file that was read to its end, that each of these engines *scanned*, and in which nothing is to be
//!   concealed: so no secret is ever kept, and no snippet has to be blotted out later;
//! - the integrity of a file, the archives and the verdict are never kept.

use audit::event::FindingCounts;
use protocol::digest::{Digest, Hasher};
use serde::{Deserialize, Serialize};

use crate::engine::{Collected, Share};
use crate::facts::FileFacts;
use crate::finding::Finding;

/// What one engine said of a file that it scanned.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) engine: String,
    counted: [u64; 4],
    pub(super) findings: Vec<Finding>,
    pub(super) summary: Vec<u8>,
}

/// The same, as it is kept.
#[derive(Serialize, Deserialize)]
struct Line {
    engine: String,
    counted: [u64; 4],
    /// JSON, as in reports; empty if there are none.
    findings: Vec<u8>,
    summary: Vec<u8>,
}

/// The key of the file with these bytes.
pub(super) fn key_of(facts: &FileFacts, bytes: Digest) -> Digest {
    let outside = facts.path.len() - facts.own_path().len();
    key(&[
        b"file",
        bytes.as_bytes(),
        facts.path.as_bytes(),
        &(outside as u64).to_be_bytes(),
        facts.kind.to_string().as_bytes(),
        &[u8::from(facts.executable)],
        &facts.size.to_be_bytes(),
    ])
}

/// The key of what an engine finds between files, where `about` decides about it.
pub(crate) fn key_between(engine: &str, about: &[&[u8]]) -> Digest {
    key(&[&[b"between", engine.as_bytes()], about].concat())
}

fn key(parts: &[&[u8]]) -> Digest {
    let mut hasher = Hasher::new();
    for part in parts {
        hasher.update(&(part.len() as u64).to_be_bytes());
        hasher.update(part);
    }
    hasher.finish()
}

/// What these engines said, to be kept; `None` if it cannot be.
pub(super) fn encode<'e>(engines: impl Iterator<Item = &'e str>, collected: &Collected) -> Option<Vec<u8>> {
    let nothing = Share::default();
    let said = engines.map(|engine| {
        let Share { counted, summary, .. } = collected.shares.get(engine).unwrap_or(&nothing);
        let own = collected.findings.iter().filter(|finding| finding.engine == engine);
        let own: Vec<&Finding> = own.collect();
        let findings = if own.is_empty() {
            Ok(Vec::new())
        } else {
            serde_json::to_vec(&own)
        };
        Some(Line {
            engine: engine.to_owned(),
            counted: [counted.critical, counted.high, counted.medium, counted.low],
            findings: findings.ok()?,
            summary: summary.clone(),
        })
    });
    let said: Vec<Line> = said.collect::<Option<_>>()?;
    postcard::to_allocvec(&said).ok()
}

/// What was kept; `None` if that cannot be read.
pub(super) fn decode(result: &[u8]) -> Option<Vec<Said>> {
    let lines: Vec<Line> = postcard::from_bytes(result).ok()?;
    let said = lines.into_iter().map(|line| {
        let findings = match line.findings.as_slice() {
            [] => Vec::new(),
            json => serde_json::from_slice(json).ok()?,
        };
        Some(Said {
            engine: line.engine,
            counted: line.counted,
            findings,
            summary: line.summary,
        })
    });
    said.collect()
}

impl Said {
    /// How many findings, by severity.
    pub(super) fn counted(&self) -> FindingCounts {
        let [critical, high, medium, low] = self.counted;
        FindingCounts {
            critical,
            high,
            medium,
            low,
        }
    }
}

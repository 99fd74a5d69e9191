//! A statement as JSON: in-toto Statement v1 with our predicate.
//!
//! ```text
//! {"_type": "https://in-toto.io/Statement/v1",
//!  "subject": [{"name": path, "digest": {"sha256": hex}}, …],
//!  "predicateType": "urn:diode:bundle:v1",
//!  "predicate": {"kind", "author", "created", "not_after", "audience", "target"?, "description"?,
//!                "origin": {"tool"?, "model"?, "ai_generated", "commit"?, "dirty"?},
//!                "content_len", "leaf_len", "content_root", "files": [{"size", "executable"}, …]}}
//! ```
//!
//! `predicate.files` runs parallel to `subject`. A statement has one encoding: fields in this order, an absent one left out, no blanks, times
//! in UTC with milliseconds, text unescaped but for `\"`, `\\` and the short escapes of control characters. Every other payload is refused,
//! so that what one reader passes over cannot be what another acts on, and so that equal statements have equal ids.
//!
//! Names are borrowed from the payload while it is read, arrays stop at their limits, and the encoding is compared as it is written, not
//! stored: a payload is never held twice.

use std::borrow::Cow;
use std::io;

use serde::{Deserialize, Serialize};

use super::BundleError;
use super::statement::{FileRecord, Kind, MAX_AUDIENCE, Origin, Statement};
use super::strict_json::Bounded;
use crate::digest::Digest;
use crate::limits::MAX_FILES;
use crate::path::BundlePath;
use crate::path::characters::escaped;
use crate::time::UnixMillis;

/// `_type` of the statement.
pub const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";
/// `predicateType` of the statement.
pub const PREDICATE_TYPE: &str = "urn:diode:bundle:v1";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StatementJson<'a> {
    #[serde(borrow, rename = "_type")]
    statement_type: Cow<'a, str>,
    #[serde(borrow)]
    subject: Bounded<Subject<'a>, MAX_FILES>,
    #[serde(borrow, rename = "predicateType")]
    predicate_type: Cow<'a, str>,
    #[serde(borrow)]
    predicate: Predicate<'a>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Subject<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    digest: DigestSet,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct DigestSet {
    sha256: Digest,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Predicate<'a> {
    kind: Kind,
    #[serde(borrow)]
    author: Cow<'a, str>,
    created: UnixMillis,
    not_after: UnixMillis,
    audience: Bounded<String, MAX_AUDIENCE>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    target: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    origin: Origin,
    content_len: u64,
    leaf_len: u32,
    content_root: Digest,
    files: Bounded<FileFacts, MAX_FILES>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileFacts {
    size: u64,
    executable: bool,
}

/// The statement's encoding.
pub(super) fn emit(statement: &Statement) -> Vec<u8> {
    let json = StatementJson {
        statement_type: Cow::Borrowed(STATEMENT_TYPE),
        subject: Bounded(statement.files.iter().map(Subject::of).collect()),
        predicate_type: Cow::Borrowed(PREDICATE_TYPE),
        predicate: Predicate {
            kind: statement.kind,
            author: Cow::Borrowed(&statement.author),
            created: statement.created,
            not_after: statement.not_after,
            audience: Bounded(statement.audience.clone()),
            target: statement.target.clone(),
            description: statement.description.clone(),
            origin: statement.origin.clone(),
            content_len: statement.content_len,
            leaf_len: statement.leaf_len,
            content_root: statement.content_root,
            files: Bounded(statement.files.iter().map(FileFacts::of).collect()),
        },
    };
    serde_json::to_vec(&json).expect("strings, numbers and arrays of them always have a JSON form")
}

impl<'a> Subject<'a> {
    fn of(file: &'a FileRecord) -> Self {
        Self {
            name: Cow::Borrowed(file.path.as_str()),
            digest: DigestSet { sha256: file.sha256 },
        }
    }
}

impl FileFacts {
    fn of(file: &FileRecord) -> Self {
        Self {
            size: file.size,
            executable: file.executable,
        }
    }
}

/// The statement in a payload; what it says is not yet checked, but for its paths.
pub(super) fn parse(payload: &[u8]) -> Result<Statement, BundleError> {
    let json: StatementJson<'_> =
        serde_json::from_slice(payload).map_err(|error| BundleError::statement_json(&error))?;
    expect_type("_type", &json.statement_type, STATEMENT_TYPE)?;
    expect_type("predicateType", &json.predicate_type, PREDICATE_TYPE)?;
    compare_encoding(&json, payload)?;
    let StatementJson {
        subject: Bounded(subjects),
        predicate,
        ..
    } = json;
    let Bounded(facts) = predicate.files;
    if subjects.len() != facts.len() {
        return Err(BundleError::FileList {
            subjects: subjects.len(),
            files: facts.len(),
        });
    }
    let record = |(subject, facts): (Subject<'_>, FileFacts)| {
        let path = BundlePath::parse(&subject.name)?;
        Ok(FileRecord {
            path,
            sha256: subject.digest.sha256,
            size: facts.size,
            executable: facts.executable,
        })
    };
    Ok(Statement {
        files: subjects
            .into_iter()
            .zip(facts)
            .map(record)
            .collect::<Result<_, BundleError>>()?,
        kind: predicate.kind,
        author: predicate.author.into_owned(),
        created: predicate.created,
        not_after: predicate.not_after,
        audience: predicate.audience.0,
        target: predicate.target,
        description: predicate.description,
        origin: predicate.origin,
        content_len: predicate.content_len,
        leaf_len: predicate.leaf_len,
        content_root: predicate.content_root,
    })
}

/// Whether the payload is the one encoding of what it says.
fn compare_encoding(json: &StatementJson<'_>, payload: &[u8]) -> Result<(), BundleError> {
    let mut expected = Expected { rest: payload };
    let written = serde_json::to_writer(&mut expected, json);
    if written.is_ok() && expected.rest.is_empty() {
        return Ok(());
    }
    Err(BundleError::Encoding {
        at: payload.len() - expected.rest.len(),
    })
}

/// A writer that compares what it is given with what has to come, and keeps nothing.
struct Expected<'a> {
    rest: &'a [u8],
}

impl io::Write for Expected<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.rest = self.rest.strip_prefix(bytes).ok_or(io::ErrorKind::InvalidData)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn expect_type(field: &'static str, found: &str, expected: &'static str) -> Result<(), BundleError> {
    if found == expected {
        return Ok(());
    }
    Err(BundleError::StatementType {
        field,
        found: escaped(found).to_string(),
        expected,
    })
}

/// What a payload says of its author, read past all else and without any check: for the sentence that refuses it, and for nothing more.
pub(super) fn claimed_author(payload: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Outer {
        predicate: Inner,
    }
    #[derive(Deserialize)]
    struct Inner {
        author: String,
    }
    let outer: Outer = serde_json::from_slice(payload).ok()?;
    Some(escaped(&outer.predicate.author).to_string())
}

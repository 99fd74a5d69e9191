//! What the author signs: which files, from whom, for whom, until when.
//!
//! As bytes it is an in-toto Statement v1 ([`intoto`](super::intoto)). [`Statement::parse`] gives a value only if [`Statement::check`] holds:
//! - 1 to 100,000 files, paths strictly ascending by their bytes and fit for one folder ([`check_set`]);
//! - sizes that add up to `content_len` without overflow; `leaf_len` a power of two from 4 KiB to 256 KiB;
//! - author and receivers that are names, texts within their lengths ([`fields`](super::fields));
//! - `created` not after `not_after`.

use serde::{Deserialize, Serialize};

use super::fields::{check_line, check_name, check_prose};
use super::{BundleError, TextFault, intoto};
use crate::digest::Digest;
use crate::limits::{MAX_CONTENT_LEN, MAX_FILES, MAX_LEAF_LEN, MIN_LEAF_LEN};
use crate::path::characters::escaped;
use crate::path::{BundlePath, check_set};
use crate::time::UnixMillis;

/// Receivers that a bundle can name.
pub const MAX_AUDIENCE: usize = 64;

/// One file of a bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileRecord {
    /// Where it goes.
    pub path: BundlePath,
    /// SHA-256 of its bytes.
    pub sha256: Digest,
    /// Its bytes.
    pub size: u64,
    /// Whether it is to be executable.
    pub executable: bool,
}

/// What a bundle is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Files for the closed network, signed by an author.
    Code,
}

/// How much of the content a machine wrote, by the author's word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AiShare {
    /// Nothing.
    None,
    /// Some of it.
    Some,
    /// All of it.
    Full,
    /// Nobody says.
    #[default]
    Unknown,
}

impl AiShare {
    /// The word for it in the statement: `none`, `some`, `full`, `unknown`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Some => "some",
            Self::Full => "full",
            Self::Unknown => "unknown",
        }
    }
}

/// Where the content comes from, by the author's word.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Origin {
    /// The tool that made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool: Option<String>,
    /// The model behind the tool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// How much of it a machine wrote.
    pub ai_generated: AiShare,
    /// The commit that was packed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// Whether the work tree differed from that commit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dirty: Option<bool>,
}

/// What the author signs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// The files, by path; the content is their bytes in this order.
    pub files: Vec<FileRecord>,
    /// What the bundle is for.
    pub kind: Kind,
    /// The principal who signs.
    pub author: String,
    /// When it was packed.
    pub created: UnixMillis,
    /// Until when it may be admitted.
    pub not_after: UnixMillis,
    /// The receivers that may admit it.
    pub audience: Vec<String>,
    /// What the files belong to.
    pub target: Option<String>,
    /// What the author says about them.
    pub description: Option<String>,
    /// Where they come from.
    pub origin: Origin,
    /// Bytes of all files together.
    pub content_len: u64,
    /// Bytes of a leaf.
    pub leaf_len: u32,
    /// Merkle root over the leaves of the content.
    pub content_root: Digest,
}

impl Statement {
    /// The statement as the bytes to sign: JSON without blanks, fields in a fixed order. Equal statements give equal bytes.
    #[must_use]
    pub fn to_payload(&self) -> Vec<u8> {
        intoto::emit(self)
    }

    /// Reads a payload and checks all that [`check`](Self::check) does.
    ///
    /// # Errors
    /// [`BundleError`] naming the first rule that is broken.
    pub fn parse(payload: &[u8]) -> Result<Self, BundleError> {
        let statement = intoto::parse(payload)?;
        statement.check()?;
        Ok(statement)
    }

    /// Whether a bundle may be made of this statement.
    ///
    /// # Errors
    /// [`BundleError`] naming the first rule that is broken.
    pub fn check(&self) -> Result<(), BundleError> {
        let count = self.files.len();
        if count == 0 || count > MAX_FILES {
            return Err(BundleError::FileCount { count });
        }
        self.check_lengths()?;
        self.check_texts()?;
        self.check_dates()?;
        self.check_paths()
    }

    /// Where each file starts within the content.
    #[must_use]
    pub fn file_offsets(&self) -> Vec<u64> {
        let mut next = 0u64;
        let start = |file: &FileRecord| {
            let start = next;
            next = next.saturating_add(file.size);
            start
        };
        self.files.iter().map(start).collect()
    }

    /// How many leaves the content has.
    #[must_use]
    pub fn leaf_count(&self) -> u64 {
        self.content_len.div_ceil(u64::from(self.leaf_len.max(1)))
    }

    fn check_lengths(&self) -> Result<(), BundleError> {
        let sum = self.files.iter().try_fold(0u64, |sum, file| sum.checked_add(file.size));
        if sum != Some(self.content_len) {
            return Err(BundleError::ContentLength {
                sum,
                content_len: self.content_len,
            });
        }
        if self.content_len > MAX_CONTENT_LEN {
            return Err(BundleError::ContentTooLong { len: self.content_len });
        }
        let leaf_len = self.leaf_len;
        if !leaf_len.is_power_of_two() || !(MIN_LEAF_LEN..=MAX_LEAF_LEN).contains(&leaf_len) {
            return Err(BundleError::LeafLength { leaf_len });
        }
        Ok(())
    }

    fn check_texts(&self) -> Result<(), BundleError> {
        let at = |field: &'static str| move |fault: TextFault| BundleError::Text { field, fault };
        check_name(&self.author).map_err(at("author"))?;
        let count = self.audience.len();
        if count == 0 || count > MAX_AUDIENCE {
            return Err(BundleError::Audience { count });
        }
        for receiver in &self.audience {
            check_name(receiver).map_err(at("audience"))?;
        }
        let lines = [
            ("target", &self.target),
            ("origin.tool", &self.origin.tool),
            ("origin.model", &self.origin.model),
            ("origin.commit", &self.origin.commit),
        ];
        for (field, line) in lines {
            line.as_deref().map_or(Ok(()), check_line).map_err(at(field))?;
        }
        self.description
            .as_deref()
            .map_or(Ok(()), check_prose)
            .map_err(at("description"))
    }

    fn check_dates(&self) -> Result<(), BundleError> {
        for (field, time) in [("created", self.created), ("not_after", self.not_after)] {
            if UnixMillis::from_rfc3339(&time.to_rfc3339()) != Ok(time) {
                return Err(BundleError::Time { field });
            }
        }
        if self.created > self.not_after {
            return Err(BundleError::Dates {
                created: self.created,
                not_after: self.not_after,
            });
        }
        Ok(())
    }

    fn check_paths(&self) -> Result<(), BundleError> {
        for (before, file) in self.files.iter().zip(self.files.iter().skip(1)) {
            if before.path >= file.path {
                return Err(BundleError::PathOrder {
                    before: escaped(before.path.as_str()).to_string(),
                    path: escaped(file.path.as_str()).to_string(),
                });
            }
        }
        check_set(self.files.iter().map(|file| &file.path))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests;

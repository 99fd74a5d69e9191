//! Who is trusted and what is allowed: the operator's files, read anew each time they decide something.
//!
//! The receiver never keeps an older trust than the file's, and never writes the policy. A file that can't be read or parsed lets
//! nothing in.

use std::path::{Path, PathBuf};

use protocol::digest::Digest;
use protocol::trust::{Trust, TrustError};
use scanner::policy::{Policy, PolicyError};

use crate::config::Config;
use crate::outside::Outside;

/// Most bytes of a trust or policy file.
const MAX_LEN: u64 = 4 << 20;

/// Why nothing can be decided.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// A file can't be read.
    #[error("{file} can't be read: {reason}")]
    Unreadable {
        /// The file.
        file: String,
        /// What the system said.
        reason: String,
    },
    /// The trust file is malformed.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// The policy is malformed.
    #[error(transparent)]
    Policy(#[from] PolicyError),
}

/// The operator's files.
#[derive(Debug, Clone)]
pub struct Authority {
    receiver: String,
    trust: PathBuf,
    policy: PathBuf,
    outside: Outside,
}

impl Authority {
    /// The files that a configuration names.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        Self {
            receiver: config.receiver.clone(),
            trust: config.trust.clone(),
            policy: config.policy.clone(),
            outside: Outside::default(),
        }
    }

    /// The same files, read elsewhere.
    #[must_use]
    pub fn read_at(self, outside: Outside) -> Self {
        Self { outside, ..self }
    }

    /// Where the files are read.
    #[must_use]
    pub fn outside(&self) -> &Outside {
        &self.outside
    }

    /// The receiver's name.
    #[must_use]
    pub fn receiver(&self) -> &str {
        &self.receiver
    }

    /// The trusted authors, as of now.
    ///
    /// # Errors
    /// [`AuthorityError`] naming the file.
    pub fn trust(&self) -> Result<Trust, AuthorityError> {
        Ok(Trust::parse(
            &self.text(&self.trust)?,
            &self.trust.display().to_string(),
        )?)
    }

    /// The policy, as of now.
    ///
    /// # Errors
    /// [`AuthorityError`] naming the file.
    pub fn policy(&self) -> Result<Policy, AuthorityError> {
        Ok(Policy::parse(
            &self.text(&self.policy)?,
            &self.policy.display().to_string(),
        )?)
    }

    /// The files' names and present digests; a file that can't be read has none.
    #[must_use]
    pub fn digests(&self) -> Vec<(String, Option<Digest>)> {
        let digest = |path: &PathBuf| {
            let bytes = self.outside.read(path, MAX_LEN).ok();
            (path.display().to_string(), bytes.map(|bytes| Digest::of(&bytes)))
        };
        vec![digest(&self.trust), digest(&self.policy)]
    }

    /// The trust file.
    #[must_use]
    pub fn trust_path(&self) -> &Path {
        &self.trust
    }

    fn text(&self, path: &Path) -> Result<String, AuthorityError> {
        let file = || path.display().to_string();
        let bytes = self
            .outside
            .read(path, MAX_LEN)
            .map_err(|error| AuthorityError::Unreadable {
                file: file(),
                reason: error.to_string(),
            })?;
        String::from_utf8(bytes).map_err(|_| AuthorityError::Unreadable {
            file: file(),
            reason: "not UTF-8".to_owned(),
        })
    }
}

//! Whose signatures count, and for what: an OpenSSH `allowed_signers` file.
//!
//! ```text
//! # principals   options                                                key
//! alice@lab                                                             ssh-ed25519 AAAAC3Nz… alice
//! bob@lab,eve@*  namespaces="diode-bundle,diode-approve"                ssh-ed25519 AAAAC3Nz…
//! carol@lab      namespaces="diode-decision",valid-before="20270101"    ssh-ed25519 AAAAC3Nz…
//! ```
//!
//! The format is that of ssh-keygen(1), ALLOWED SIGNERS, with four differences, each the stricter or the plainer side:
//! - a line without `namespaces=` is good for `diode-bundle` only, where OpenSSH takes it for every namespace;
//! - only `ssh-ed25519` keys are usable; a line with another key, or with `cert-authority`, is an error and not passed over;
//! - a time without `Z` is UTC, where OpenSSH takes the zone of the machine: both hosts read the same file alike;
//! - what would never match is an error: an empty principal, a quote within a name, a character that nobody sees.
//!
//! Always true: a file with any faulty line gives no trust at all, so that nothing is decided by half of what was written.

use std::fmt;
use std::str::FromStr;

use crate::keys::{Fingerprint, KeyError, PublicKey};
use crate::path::characters::escaped;
use crate::time::UnixMillis;

mod allowed_signers;
mod pattern;

pub use self::pattern::PatternList;

/// What a key may sign. OpenSSH's word for it is a namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Signs bundles.
    Author,
    /// Signs approvals of bundles.
    Approver,
    /// Signs updates of rules and advisories.
    Update,
    /// Signs decisions and waivers on the receiving side.
    Reviewer,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 4] = [Self::Author, Self::Approver, Self::Update, Self::Reviewer];

    /// The role's name in `namespaces=`.
    #[must_use]
    pub fn namespace(self) -> &'static str {
        match self {
            Self::Author => "diode-bundle",
            Self::Approver => "diode-approve",
            Self::Update => "diode-update",
            Self::Reviewer => "diode-decision",
        }
    }

    /// The role's name for people: `author`, `approver`, `update`, `reviewer`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Author => "author",
            Self::Approver => "approver",
            Self::Update => "update",
            Self::Reviewer => "reviewer",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A word that is no role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a role: author, approver, update or reviewer expected")]
pub struct RoleError;

impl FromStr for Role {
    type Err = RoleError;

    /// Reads a role's name or its namespace.
    fn from_str(text: &str) -> Result<Self, RoleError> {
        let named = |role: &Self| role.name() == text || role.namespace() == text;
        Self::ALL.into_iter().find(named).ok_or(RoleError)
    }
}

/// A read `allowed_signers` file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trust {
    file: String,
    keys: Vec<TrustedKey>,
}

/// One line of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustedKey {
    /// The line's number, from 1.
    pub line: usize,
    /// Who may call the key their own.
    pub principals: PatternList,
    /// The key's name.
    pub fingerprint: Fingerprint,
    /// The key.
    pub public: PublicKey,
    /// What it may sign; without, bundles only.
    pub namespaces: Option<PatternList>,
    /// The first moment at which it counts.
    pub valid_after: Option<UnixMillis>,
    /// The last moment at which it counts.
    pub valid_before: Option<UnixMillis>,
}

impl TrustedKey {
    /// Whether the line gives its key this role.
    #[must_use]
    pub fn has_role(&self, role: Role) -> bool {
        match &self.namespaces {
            None => role == Role::Author,
            Some(namespaces) => namespaces.matches(role.namespace()),
        }
    }

    /// Whether the line fits a role and a time.
    fn fits(&self, role: Role, at: UnixMillis) -> Result<(), TrustLookup> {
        let line = self.line;
        if !self.has_role(role) {
            return Err(TrustLookup::OtherRole { line, role });
        }
        match (self.valid_after, self.valid_before) {
            (Some(from), _) if at < from => Err(TrustLookup::NotYetValid { line, from }),
            (_, Some(until)) if at > until => Err(TrustLookup::Expired { line, until }),
            _ => Ok(()),
        }
    }
}

/// Why no line of the file lets a key sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TrustLookup {
    /// No line has the key.
    #[error("no line has this key")]
    Unknown,
    /// The key's line does not give the role.
    #[error("line {line} does not list {} for this key", role.namespace())]
    OtherRole {
        /// The first line with the key.
        line: usize,
        /// The role looked for.
        role: Role,
    },
    /// The key's time has not begun.
    #[error("line {line} lets this key sign from {from} only")]
    NotYetValid {
        /// The first line with the key and role.
        line: usize,
        /// Its `valid-after`.
        from: UnixMillis,
    },
    /// The key's time is over.
    #[error("line {line} let this key sign until {until}")]
    Expired {
        /// The first line with the key and role.
        line: usize,
        /// Its `valid-before`.
        until: UnixMillis,
    },
}

impl TrustLookup {
    /// How near a line came: the nearest is what the operator is told.
    fn nearness(self) -> u8 {
        match self {
            Self::Unknown => 0,
            Self::OtherRole { .. } => 1,
            Self::Expired { .. } | Self::NotYetValid { .. } => 2,
        }
    }
}

impl Trust {
    /// Reads the text of an `allowed_signers` file; `file_name` is for messages only.
    ///
    /// Lines may end in `\n` or `\r\n`. An empty file is no error: nobody is trusted.
    ///
    /// # Errors
    /// [`TrustError`] naming the first faulty line.
    pub fn parse(text: &str, file_name: &str) -> Result<Self, TrustError> {
        let mut keys = Vec::new();
        for (at, content) in text.lines().enumerate() {
            let line = at + 1;
            match allowed_signers::parse_line(content, line) {
                Ok(key) => keys.extend(key),
                Err(fault) => {
                    return Err(TrustError {
                        file: file_name.to_owned(),
                        line,
                        fault,
                    });
                }
            }
        }
        Ok(Self {
            file: file_name.to_owned(),
            keys,
        })
    }

    /// The file's name as given to [`parse`](Self::parse).
    #[must_use]
    pub fn file(&self) -> &str {
        &self.file
    }

    /// Each line with a key, in the file's order.
    pub fn keys(&self) -> impl ExactSizeIterator<Item = &TrustedKey> {
        self.keys.iter()
    }

    /// Every line that lets this key sign in this role at this time.
    pub fn fitting(&self, fingerprint: Fingerprint, role: Role, at: UnixMillis) -> impl Iterator<Item = &TrustedKey> {
        self.keys
            .iter()
            .filter(move |key| key.fingerprint == fingerprint && key.fits(role, at).is_ok())
    }

    /// The first line that lets this key sign in this role at this time.
    ///
    /// # Errors
    /// [`TrustLookup`] for the line that came nearest.
    pub fn find(&self, fingerprint: &Fingerprint, role: Role, at: UnixMillis) -> Result<&TrustedKey, TrustLookup> {
        let mut nearest = TrustLookup::Unknown;
        for key in self.keys.iter().filter(|key| key.fingerprint == *fingerprint) {
            match key.fits(role, at) {
                Ok(()) => return Ok(key),
                Err(lookup) if lookup.nearness() > nearest.nearness() => nearest = lookup,
                Err(_) => {}
            }
        }
        Err(nearest)
    }

    /// The line that gives `key` to `principal` (a name, or OpenSSH patterns) in one role, without a line end.
    ///
    /// # Errors
    /// [`TrustFault`] if the principal cannot stand in such a file, or the comment is not one line of visible text.
    pub fn format_line(principal: &str, role: Role, key: &PublicKey, comment: &str) -> Result<String, TrustFault> {
        allowed_signers::format_line(principal, role, key, comment)
    }
}

/// A line that an `allowed_signers` file cannot have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}, line {line}: {fault}")]
pub struct TrustError {
    /// The file's name.
    pub file: String,
    /// The line's number, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub fault: TrustFault,
}

impl TrustError {
    /// What the operator can do about it.
    #[must_use]
    pub fn mend(&self) -> String {
        format!(
            "{}; then correct line {} of {}",
            self.fault.mend(),
            self.line,
            self.file
        )
    }
}

/// What is wrong with a line; foreign text in it is escaped.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TrustFault {
    /// A quote is not closed.
    #[error("a quote is not closed")]
    OpenQuote,
    /// The principals are not a list of patterns.
    #[error("the principals \"{text}\" {reason}")]
    Principals {
        /// The principals.
        text: String,
        /// Why not.
        reason: &'static str,
    },
    /// The line ends before its key.
    #[error("there is no key after the principals")]
    NoKey,
    /// The line is for a certificate authority.
    #[error("cert-authority lines are not supported")]
    CertAuthority,
    /// An option that does not exist.
    #[error("\"{name}\" is neither an option nor a key type")]
    UnknownOption {
        /// The option.
        name: String,
    },
    /// An option given twice.
    #[error("{name} is given twice")]
    OptionTwice {
        /// The option.
        name: &'static str,
    },
    /// An option whose value is not in quotes, or is no pattern list.
    #[error("the value of {name} is not a list of patterns in double quotes")]
    OptionValue {
        /// The option.
        name: &'static str,
    },
    /// A time in none of the forms.
    #[error("{name} is \"{text}\", which is no time")]
    Time {
        /// The option.
        name: &'static str,
        /// Its value.
        text: String,
    },
    /// The key's time ends before it begins.
    #[error("valid-before is not after valid-after")]
    Window,
    /// A key of another algorithm.
    #[error("the key is {key_type}, and only ssh-ed25519 is used here")]
    KeyType {
        /// OpenSSH's name of the algorithm.
        key_type: String,
    },
    /// A key that cannot be read.
    #[error("{0}")]
    Key(KeyError),
    /// A comment that is not one line of visible text.
    #[error("the comment is not one line of visible text")]
    Comment,
}

impl TrustFault {
    /// What the operator can do about it, without the line.
    #[must_use]
    pub fn mend(&self) -> String {
        match self {
            Self::OpenQuote => "close the double quote on the same line".to_owned(),
            Self::Principals { .. } => {
                "write names such as alice@lab, parted by commas, in double quotes if they hold a space".to_owned()
            }
            Self::NoKey => "put the key (ssh-ed25519 AAAA…, the content of KEYFILE.pub) at the end".to_owned(),
            Self::CertAuthority => "list each signer's own key instead of the authority's".to_owned(),
            Self::UnknownOption { .. } => {
                "use namespaces=\"…\", valid-after=\"…\" or valid-before=\"…\", parted by commas only".to_owned()
            }
            Self::OptionTwice { name } => format!("put all of it into one {name}=\"…\""),
            Self::OptionValue { name } => format!("write {name}=\"…\" with the value in double quotes"),
            Self::Time { .. } => "write YYYYMMDD, YYYYMMDDHHMM or YYYYMMDDHHMMSS, in UTC, with or without Z".to_owned(),
            Self::Window => "let valid-before be later than valid-after".to_owned(),
            Self::KeyType { .. } => "have the signer make an Ed25519 key (ssh-keygen -t ed25519)".to_owned(),
            Self::Key(_) => "copy the key again from the signer's KEYFILE.pub".to_owned(),
            Self::Comment => "leave the comment out, or use a plain one".to_owned(),
        }
    }

    fn principals(text: &str, reason: &'static str) -> Self {
        Self::Principals {
            text: escaped(text).to_string(),
            reason,
        }
    }
}

#[cfg(test)]
mod tests;

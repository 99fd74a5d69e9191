//! How a verb reaches the process that holds the lock: one JSON line each way over a Unix socket in the receiver's folder.
//!
//! The folder is 0700, so only its owner (and root) can connect; the peer's user id goes into the log entry all the same.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use protocol::digest::Digest;
use serde::{Deserialize, Serialize};

use crate::owner::Which;

/// Most bytes of a request or an answer.
pub const MAX_LINE: u64 = 256 * 1024;

/// What a person asks the owner to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Request {
    /// Release a held bundle.
    Release {
        /// What `show` printed: bundle and what was looked at.
        code: String,
        /// Why, for the log.
        reason: String,
    },
    /// Reject a held bundle, for good.
    Reject {
        /// What `show` printed.
        code: String,
        /// Why, for the log.
        reason: String,
    },
    /// Trust an author's key.
    TrustAdd {
        /// The author's name.
        principal: String,
        /// The key's fingerprint, as its holder told it.
        fingerprint: String,
        /// The key, as an OpenSSH line.
        key: String,
    },
    /// Take a transmitter's epoch, or numbers of it that are far ahead.
    EpochAccept {
        /// Its number, or the beginning of its id.
        epoch: String,
        /// Up to where numbers may come.
        up_to: Option<u64>,
        /// Why, for the log.
        reason: String,
    },
    /// Take nothing of a transmitter's epoch.
    EpochRefuse {
        /// The beginning of its id.
        epoch: String,
        /// Why, for the log.
        reason: String,
    },
}

/// What a person asks for that takes longer than a decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Work {
    /// The file of rules that lies ready under this name is to count.
    RulesInstall {
        /// Its name.
        name: String,
        /// The digest of the file that was checked.
        sha256: Digest,
    },
    /// A file of rules is to count no more.
    RulesRemove {
        /// Its name.
        name: String,
    },
    /// Bundles are to be scanned again.
    Rescan {
        /// Which.
        which: Which,
    },
}

/// What is asked of whoever runs, and changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Query {
    /// How the link is doing: the answer's text is a [`Status`](crate::status::Status) in JSON.
    Status,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The exit code of the verb.
    pub exit: u8,
    /// What to print: on stdout if `exit` is 0, else on stderr.
    pub text: String,
}

/// Asks the running owner; `None` if none listens. Waits for an hour at most: a release copies and syncs a whole bundle.
///
/// # Errors
/// If an owner listens and the exchange fails.
pub fn ask(socket: &Path, request: &impl Serialize) -> io::Result<Option<Answer>> {
    ask_within(socket, request, Some(Duration::from_secs(3600)))
}

/// The same for what takes as long as it takes.
///
/// # Errors
/// As [`ask`].
pub fn ask_for(socket: &Path, work: &Work) -> io::Result<Option<Answer>> {
    ask_within(socket, work, None)
}

fn ask_within(socket: &Path, request: &impl Serialize, patience: Option<Duration>) -> io::Result<Option<Answer>> {
    let mut stream = match UnixStream::connect(socket) {
        Ok(stream) => stream,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => {
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    stream.set_read_timeout(patience)?;
    let mut line = serde_json::to_vec(request)?;
    line.push(b'\n');
    stream.write_all(&line)?;
    let mut answer = String::new();
    BufReader::new(stream.take(MAX_LINE)).read_line(&mut answer)?;
    if answer.is_empty() {
        return Err(io::Error::new(
            io::ErrorKind::UnexpectedEof,
            "the daemon ended without an answer; look with `diode-rx list`",
        ));
    }
    Ok(Some(serde_json::from_str(&answer)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_with_an_unknown_field_is_refused() {
        let text = r#"{"verb":"release","code":"a","reason":"b","force":true}"#;
        assert!(serde_json::from_str::<Request>(text).is_err());
    }

    #[test]
    fn a_request_reads_back() {
        let request = Request::Reject {
            code: "a-1".to_owned(),
            reason: "no".to_owned(),
        };
        let text = serde_json::to_string(&request).unwrap();
        assert_eq!(text, r#"{"verb":"reject","code":"a-1","reason":"no"}"#);
        assert_eq!(serde_json::from_str::<Request>(&text).unwrap(), request);
    }
}

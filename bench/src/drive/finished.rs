//! How a program ended, and what it said.

use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;
use std::time::Duration;

use super::{DriveError, Program};

/// How a program ended, and what it said.
#[derive(Debug, Clone)]
pub struct Finished {
    pub(super) program: Program,
    pub(super) verb: String,
    /// How it ended.
    pub status: ExitStatus,
    /// The lines of standard output that nobody took before.
    pub stdout: String,
    /// Standard error, as far as it was kept.
    pub stderr: String,
    /// Its time on all cores, in the kernel too.
    pub cpu: Duration,
    /// The most memory that was seen resident while it was waited for, in KiB.
    pub peak_resident_kib: u64,
}

impl Finished {
    /// Its exit code; `None` if a signal ended it.
    #[must_use]
    pub fn code(&self) -> Option<i32> {
        self.status.code()
    }

    /// What it said, if it ended with exit code 0.
    ///
    /// # Errors
    /// [`DriveError::Ended`] otherwise.
    pub fn done(self) -> Result<Self, DriveError> {
        if self.status.success() {
            return Ok(self);
        }
        let end = match (self.status.code(), self.status.signal()) {
            (Some(code), _) => format!("exit code {code}"),
            (None, Some(signal)) => format!("signal {signal}"),
            (None, None) => self.status.to_string(),
        };
        Err(DriveError::Ended {
            program: self.program.name(),
            verb: self.verb,
            end,
            said: self.stderr,
        })
    }

    /// Each line of standard output as JSON.
    ///
    /// # Errors
    /// [`DriveError::Unexpected`] for a line that is none.
    pub fn json_lines(&self) -> Result<Vec<serde_json::Value>, DriveError> {
        let parse = |line: &str| {
            serde_json::from_str(line).map_err(|error| DriveError::Unexpected {
                program: self.program.name(),
                reason: error.to_string(),
                text: line.to_owned(),
            })
        };
        self.stdout.lines().map(parse).collect()
    }

    /// The first line of standard output as JSON.
    ///
    /// # Errors
    /// [`DriveError::Unexpected`] if there is none.
    pub fn json(&self) -> Result<serde_json::Value, DriveError> {
        self.json_lines()?
            .into_iter()
            .next()
            .ok_or_else(|| DriveError::Unexpected {
                program: self.program.name(),
                reason: "it said nothing".to_owned(),
                text: self.stderr.clone(),
            })
    }
}

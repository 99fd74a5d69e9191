//! What can go wrong in driving the programs, with what they said.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// Why the pair could not be driven any further.
#[derive(Debug, thiserror::Error)]
pub enum DriveError {
    /// The operator's word to stop.
    #[error("interrupted")]
    Interrupted,
    /// A program could not be started.
    #[error("{program} could not be started")]
    Start {
        /// The program.
        program: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// A program ended otherwise than it should have.
    #[error("{program} {verb} ended with {end}{}", Said(said))]
    Ended {
        /// The program.
        program: &'static str,
        /// Its verb.
        verb: String,
        /// Its exit code or signal.
        end: String,
        /// What it said on standard error.
        said: String,
    },
    /// Something did not happen in time.
    #[error("waited {} s in vain for {what}{}", limit.as_secs(), Said(said))]
    TimedOut {
        /// What was waited for.
        what: String,
        /// How long.
        limit: Duration,
        /// What the program said on standard error.
        said: String,
    },
    /// A program said something else than it should have.
    #[error("{program} said something that is not understood: {reason}: {text}")]
    Unexpected {
        /// The program.
        program: &'static str,
        /// What is wrong with it.
        reason: String,
        /// What it said.
        text: String,
    },
    /// A key could not be written.
    #[error(transparent)]
    Key(#[from] audit::keyfile::KeyFileError),
    /// A file or folder could not be used.
    #[error("{what} {}", path.display())]
    File {
        /// What was tried, as "cannot read".
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl DriveError {
    /// For `map_err`: a file that could not be used.
    pub(crate) fn file(what: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { what, path, source }
    }
}

/// A program's last words on lines of their own, indented; nothing if it was silent.
struct Said<'a>(&'a str);

impl std::fmt::Display for Said<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let lines: Vec<&str> = self.0.lines().collect();
        for line in lines.iter().skip(lines.len().saturating_sub(SAID_LINES)) {
            write!(f, "\n    {line}")?;
        }
        Ok(())
    }
}

/// Lines of a program's last words that are worth showing.
const SAID_LINES: usize = 12;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_shows_the_programs_last_words() {
        let error = DriveError::Ended {
            program: "diode-tx",
            verb: "send".to_owned(),
            end: "exit code 2".to_owned(),
            said: "error: no rate\n  mend  --rate 200M\n".to_owned(),
        };
        assert_eq!(
            error.to_string(),
            "diode-tx send ended with exit code 2\n    error: no rate\n      mend  --rate 200M"
        );
    }

    #[test]
    fn of_many_words_the_last_are_shown() {
        let said: String = (0..100).map(|number| format!("line {number}\n")).collect();
        let error = DriveError::TimedOut {
            what: "it".to_owned(),
            limit: Duration::from_secs(3),
            said,
        };
        let text = error.to_string();
        assert!(text.ends_with("line 99") && !text.contains("line 50"), "{text}");
    }
}

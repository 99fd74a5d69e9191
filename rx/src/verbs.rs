//! The verbs of `diode-rx`: what each prints, and the exit code of what comes of it.

pub(crate) mod ask;
pub(crate) mod epoch;
pub(crate) mod gaps;
pub(crate) mod init;
pub(crate) mod list;
pub(crate) mod rescan;
pub(crate) mod rules;
pub(crate) mod show;
pub(crate) mod status;
pub(crate) mod tail;
pub(crate) mod trust;

use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;

use audit::log::LogReader;
use hw::udp::UdpSource;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use protocol::time::UnixMillis;

use crate::config::{Config, ConfigError};
use crate::home::{self, Home};
use crate::ledger::Ledger;
use crate::owner::OwnerError;
use crate::serve::Source;

/// Something failed.
pub(crate) const FAILED: u8 = 1;
/// Wrong use, or a configuration that can't be used.
pub(crate) const USAGE: u8 = 2;
/// Integrity or trust refused.
pub(crate) const REFUSED: u8 = 5;

/// Entries read from the log at once.
const PIECE: usize = 256;

/// What a verb says when it fails.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: u8,
    text: String,
}

impl Failure {
    pub(crate) fn new(exit: u8, text: impl Into<String>) -> Self {
        Self {
            exit,
            text: text.into(),
        }
    }

    /// Prints the failure: the first line after `error:`, facts and mend below it.
    pub(crate) fn report(self) -> ExitCode {
        if !self.text.is_empty() {
            let text: Vec<_> = self.text.lines().map(audit::escape::terminal).collect();
            // Nobody may read it any more; the code tells.
            let _ = writeln!(io::stderr().lock(), "error: {}", text.join("\n"));
        }
        ExitCode::from(self.exit)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            // `tail | head` is no failure.
            io::ErrorKind::BrokenPipe => Self::new(0, ""),
            _ => Self::new(FAILED, error.to_string()),
        }
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::new(USAGE, error.to_string())
    }
}

impl From<audit::log::LogError> for Failure {
    fn from(error: audit::log::LogError) -> Self {
        Self::new(
            if error.is_integrity() { REFUSED } else { FAILED },
            format!("the audit log can't be read: {error}"),
        )
    }
}

impl From<OwnerError> for Failure {
    fn from(error: OwnerError) -> Self {
        let exit = match &error {
            OwnerError::Config(_) | OwnerError::Authority(_) | OwnerError::Key(_) | OwnerError::Rules(_) => USAGE,
            OwnerError::Log(error) if error.is_integrity() => REFUSED,
            OwnerError::Quarantine(error) if error.is_integrity() => REFUSED,
            _ => FAILED,
        };
        // With what the system said, which names the file.
        Self::new(exit, format!("{:#}", anyhow::Error::new(error)))
    }
}

/// Opens a folder that `init` made.
pub(crate) fn open_home(dir: &Path) -> Result<Home, Failure> {
    Home::open(dir).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => {
            let dir = dir.display();
            Failure::new(
                USAGE,
                format!("there is no receiver at {dir}\n  mend    diode-rx --home {dir} init --name NAME"),
            )
        }
        _ => Failure::new(USAGE, error.to_string()),
    })
}

/// The log for reading, and all that it says of the bundles so far.
pub(crate) fn read_log(home: &Home) -> Result<(LogReader, Ledger), Failure> {
    let reader = LogReader::open(home.sub(home::LOG)?)?;
    let mut ledger = Ledger::default();
    let mut next = 0;
    loop {
        let piece = reader.read(next, PIECE)?;
        if piece.is_empty() {
            return Ok((reader, ledger));
        }
        for (index, event) in piece {
            ledger.apply(index, &event);
            next = index + 1;
        }
    }
}

/// The one bundle whose id begins with `prefix`.
pub(crate) fn find<'a>(
    ledger: &'a Ledger,
    prefix: &str,
) -> Result<(protocol::digest::BundleId, &'a crate::ledger::Record), Failure> {
    let wanted = prefix.trim_end_matches('…').to_lowercase();
    let mut found = ledger.matching(&wanted);
    match (found.len(), wanted.is_empty()) {
        (1, false) => Ok(found.remove(0)),
        (0, _) | (_, true) => Err(Failure::new(
            FAILED,
            format!("no bundle has an id that begins with {prefix:?}\n  mend    diode-rx list"),
        )),
        (many, false) => Err(Failure::new(
            USAGE,
            format!("{many} bundles have an id that begins with {prefix}\n  mend    give more of it"),
        )),
    }
}

/// `diode-rx serve`.
pub(crate) fn serve<S: Source>(dir: &Path, link: impl Fn(UdpSource, usize) -> S) -> Result<(), Failure> {
    let home = open_home(dir)?;
    let config = Config::load(&home)?;
    start_tracing();
    crate::serve::serve(&home, &config, link).map_err(|error| {
        error
            .downcast::<OwnerError>()
            .map_or_else(|error| Failure::new(FAILED, format!("{error:#}")), Failure::from)
    })
}

fn start_tracing() {
    use tracing_subscriber::EnvFilter;
    let filter = EnvFilter::try_from_env("DIODE_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let colour = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    // A test may run two receivers in one process; the first one's subscriber serves both.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        // It would tell stderr, and panic, when stderr is what failed.
        .log_internal_errors(false)
        .with_ansi(colour)
        .try_init();
}

/// A time for people: local, to the second.
pub(crate) fn local(at: UnixMillis) -> String {
    let millis = i64::try_from(at.0).unwrap_or(i64::MAX);
    match Timestamp::from_millisecond(millis) {
        Ok(time) => time
            .to_zoned(TimeZone::system())
            .strftime("%Y-%m-%d %H:%M:%S")
            .to_string(),
        // Past the calendar's end: better the number than nothing.
        Err(_) => at.to_rfc3339(),
    }
}

/// Writes `value` to standard output, as a line of JSON that hides nothing from a terminal.
pub(crate) fn say_json(value: &serde_json::Value) -> Result<(), Failure> {
    let line = audit::escape::json(value).map_err(|error| Failure::new(FAILED, format!("no JSON form: {error}")))?;
    say(&line)
}

/// Writes a line to standard output.
pub(crate) fn say(line: &str) -> Result<(), Failure> {
    write_line(&mut io::stdout().lock(), line)
}

fn write_line(out: &mut dyn Write, line: &str) -> Result<(), Failure> {
    let written = writeln!(out, "{line}").and_then(|()| out.flush());
    written.map_err(|error| match error.kind() {
        io::ErrorKind::BrokenPipe => error.into(),
        _ => Failure::new(
            FAILED,
            format!("standard output can't be written: {error}\n  mend    see to where it goes: it may be a full disk"),
        ),
    })
}

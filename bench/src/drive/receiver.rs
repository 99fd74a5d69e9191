//! An rx host: a receiver's folder, its verbs, and `diode-rx serve`.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use protocol::digest::BundleId;
use rx::status::Status;
use scanner::report::Report;
use serde::Deserialize;

use super::{Author, DriveError, Finished, Program, Programs, Running, Tail};
use crate::lossy::Losses;

/// A receiver's folder.
#[derive(Debug, Clone)]
pub struct Receiver {
    programs: Programs,
    home: PathBuf,
    name: String,
}

impl Receiver {
    /// Makes the folder `home` with `diode-rx init`, for bundles announced by the link key in the file `link_key`.
    ///
    /// # Errors
    /// [`DriveError`] if it fails.
    pub fn init(programs: &Programs, home: &Path, name: &str, link_key: &Path) -> Result<Self, DriveError> {
        let receiver = Self {
            programs: programs.clone(),
            home: home.to_owned(),
            name: name.to_owned(),
        };
        let args = ["init", "--name", name, "--listen", "127.0.0.1:0", "--link-key"].map(OsStr::new);
        receiver.run(args.into_iter().chain([link_key.as_os_str()]))?.done()?;
        Ok(receiver)
    }

    /// The receiver's folder.
    #[must_use]
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// The name that bundles are addressed to.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The folder of its audit log.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.home.join("log")
    }

    /// The folder with what was released of a bundle.
    #[must_use]
    pub fn released(&self, bundle: BundleId) -> PathBuf {
        self.home.join("quarantine/released").join(bundle.to_string())
    }

    /// Files and folders of a bundle anywhere in quarantine, by its id, but for what an incomplete transmission of it left.
    #[must_use]
    pub fn stored(&self, bundle: BundleId) -> Vec<PathBuf> {
        let (id, mut found) = (bundle.to_string(), Vec::new());
        let mut folders = vec![self.home.join("quarantine")];
        let incomplete = folders[0].join("incomplete");
        while let Some(folder) = folders.pop() {
            // What can't be listed any more has just been moved or removed.
            for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
                match entry.file_name().to_string_lossy().contains(&id) {
                    true => found.push(entry.path()),
                    false if entry.path().is_dir() && entry.path() != incomplete => folders.push(entry.path()),
                    false => {}
                }
            }
        }
        found
    }

    /// Runs a verb to its end, however it ends.
    ///
    /// # Errors
    /// [`DriveError`] if it can't be started or does not end.
    pub fn run<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Result<Finished, DriveError> {
        let own = [OsString::from("--home"), self.home.clone().into()];
        let args = args.into_iter().map(|arg| arg.as_ref().to_owned());
        self.programs.run(Program::Rx, own.into_iter().chain(args))
    }

    /// Gives a key of the configuration that stands there with its default another value.
    ///
    /// # Errors
    /// [`DriveError`] if the file has no such line.
    pub fn set(&self, key: &str, value: &str) -> Result<(), DriveError> {
        let path = self.home.join("diode-rx.toml");
        let text = fs::read_to_string(&path).map_err(DriveError::file("cannot read", &path))?;
        let Some(changed) = with_value(&text, key, value) else {
            let reason = format!("no line `#: {key} = …` or `{key} = …` in {}", path.display());
            return Err(DriveError::Unexpected {
                program: Program::Rx.name(),
                reason,
                text,
            });
        };
        fs::write(&path, changed).map_err(DriveError::file("cannot write", &path))
    }

    /// Trusts an author's key, by `diode-rx trust add`.
    ///
    /// # Errors
    /// [`DriveError`] if it fails.
    pub fn trust(&self, author: &Author) -> Result<(), DriveError> {
        let key = author.public_key();
        let args = [
            "trust",
            "add",
            "--principal",
            author.name(),
            "--fingerprint",
            author.fingerprint(),
        ]
        .map(OsStr::new);
        self.run(args.into_iter().chain([key.as_os_str()]))?.done().map(drop)
    }

    /// Starts `diode-rx serve`, and waits until it takes datagrams.
    ///
    /// # Errors
    /// [`DriveError`] if it does not come so far.
    pub fn serve(&self) -> Result<Serving, DriveError> {
        Self::ready(self.begin_to_serve()?)
    }

    /// Starts `diode-rx serve`, and does not wait for anything.
    ///
    /// # Errors
    /// [`DriveError::Start`].
    pub fn begin_to_serve(&self) -> Result<Running, DriveError> {
        self.programs.start(Program::Rx, self.serve_args())
    }

    /// Waits until a receiver that was started takes datagrams.
    ///
    /// # Errors
    /// [`DriveError`] if it does not come so far.
    pub fn ready(mut running: Running) -> Result<Serving, DriveError> {
        let line = running.next_line("the line that says it is ready", STARTUP)?;
        let address = address_in(&line).ok_or_else(|| DriveError::Unexpected {
            program: Program::Rx.name(),
            reason: "no address in its first line".to_owned(),
            text: line.clone(),
        })?;
        Ok(Serving { running, address })
    }

    /// The same behind a simulated link, which says in its last words what it lost.
    ///
    /// # Errors
    /// [`DriveError`] if it does not come so far.
    pub fn serve_behind(&self, losses: Losses) -> Result<Serving, DriveError> {
        Self::ready(self.programs.start_rx_behind(losses, self.serve_args())?)
    }

    /// The same receiver under `strace`, as [`Programs::under_strace`] says.
    #[must_use]
    pub fn under_strace(&self, options: &[&str], file: &Path) -> Self {
        Self {
            programs: self.programs.under_strace(options, file),
            ..self.clone()
        }
    }

    /// The same receiver under `strace`, for [`syncs_counted`](super::syncs_counted) in `file`.
    #[must_use]
    pub fn counting_syncs(&self, file: &Path) -> Self {
        Self {
            programs: self.programs.counting_syncs(file),
            ..self.clone()
        }
    }

    /// The same receiver under `strace`, as [`Programs::tracing_descriptors`] says.
    #[must_use]
    pub fn tracing_descriptors(&self, file: &Path) -> Self {
        Self {
            programs: self.programs.tracing_descriptors(file),
            ..self.clone()
        }
    }

    fn serve_args(&self) -> [&OsStr; 3] {
        ["--home".as_ref(), self.home.as_os_str(), "serve".as_ref()]
    }

    /// How the link is doing, as `diode-rx status --json` tells.
    ///
    /// # Errors
    /// [`DriveError`] if no receiver runs, or it is not understood.
    pub fn status(&self) -> Result<Status, DriveError> {
        read(Program::Rx, &self.run(["status", "--json"])?)
    }

    /// Follows the events from the first on, whether `serve` runs or not.
    ///
    /// # Errors
    /// [`DriveError::Start`].
    pub fn tail(&self) -> Result<Tail, DriveError> {
        Tail::follow(&self.programs, &self.home)
    }

    /// What `diode-rx show --json` knows of an admitted bundle.
    ///
    /// # Errors
    /// [`DriveError`] if it fails, or is not understood.
    pub fn show(&self, bundle: BundleId) -> Result<Shown, DriveError> {
        read(Program::Rx, &self.run(["show", &bundle.to_string(), "--json"])?)
    }

    /// Releases or rejects a held bundle by the code that `show` prints.
    ///
    /// # Errors
    /// [`DriveError`] if the verb can't be run.
    pub fn decide(&self, verb: &str, code: &str, reason: &str) -> Result<Finished, DriveError> {
        self.run([verb, code, "--reason", reason])
    }

    /// Verifies the audit log with `diode-audit verify`.
    ///
    /// # Errors
    /// [`DriveError`] if it does not hold.
    pub fn verify_log(&self) -> Result<Verified, DriveError> {
        verify(&self.programs, &self.log())
    }
}

/// Verifies the log in this folder with `diode-audit verify`.
pub(super) fn verify(programs: &Programs, log: &Path) -> Result<Verified, DriveError> {
    let args = ["verify".as_ref(), log.as_os_str(), "--json".as_ref()];
    read(Program::Audit, &programs.run(Program::Audit, args)?)
}

/// What a program that did its work said in JSON.
fn read<T: for<'de> Deserialize<'de>>(program: Program, finished: &Finished) -> Result<T, DriveError> {
    let json = finished.clone().done()?.json()?;
    T::deserialize(&json).map_err(|error| DriveError::Unexpected {
        program: program.name(),
        reason: error.to_string(),
        text: json.to_string(),
    })
}

/// A bundle, as `diode-rx show --json` tells of it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Shown {
    /// The code that a decision must repeat; absent unless the bundle is held and was scanned.
    pub code: Option<String>,
    /// What the scan found.
    pub report: Option<Report>,
}

/// A log that holds, as `diode-audit verify --json` tells of it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Verified {
    /// Entries.
    pub size: u64,
    /// The root over them, in hex.
    pub root: String,
}

/// A receiver that runs. Dropping it ends it.
#[derive(Debug)]
pub struct Serving {
    /// The process.
    pub running: Running,
    /// Where it takes datagrams.
    pub address: SocketAddr,
}

/// Opening the log and compiling rules takes a second where nothing is optimised.
const STARTUP: Duration = Duration::from_secs(60);

/// The address in `ready  receiver NAME listens on udp 127.0.0.1:4600; …`.
fn address_in(line: &str) -> Option<SocketAddr> {
    let rest = line.strip_prefix("ready ")?.split_once(" udp ")?.1;
    rest.split([';', ' ']).next()?.parse().ok()
}

/// The configuration's text with `key = value` in the place of its default.
fn with_value(text: &str, key: &str, value: &str) -> Option<String> {
    let is_of_key = |line: &str| {
        let line = line.strip_prefix("#: ").unwrap_or(line);
        line.split_once('=').is_some_and(|(name, _)| name.trim() == key)
    };
    let at = text.lines().position(is_of_key)?;
    let lines = text.lines().enumerate();
    let changed = lines.map(|(number, line)| {
        if number == at {
            format!("{key} = {value}\n")
        } else {
            format!("{line}\n")
        }
    });
    Some(changed.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_read_from_the_ready_line() {
        let line = "ready  receiver plant-7 listens on udp 127.0.0.1:40001; socket buffer 8192 KiB; 1 link key(s)";
        assert_eq!(address_in(line), Some(([127, 0, 0, 1], 40_001).into()));
        assert_eq!(address_in("error: no"), None);
    }

    #[test]
    fn a_default_is_replaced_where_it_stands() {
        let text = "[limits]\n# why\n#: idle_ms = 30000\n#: sessions = 8\n";
        let changed = with_value(text, "idle_ms", "800").unwrap();
        assert_eq!(changed, "[limits]\n# why\nidle_ms = 800\n#: sessions = 8\n");
    }

    #[test]
    fn a_value_that_was_set_is_replaced() {
        let changed = with_value("listen = \"a\"\n", "listen", "\"b\"").unwrap();
        assert_eq!(changed, "listen = \"b\"\n");
    }

    #[test]
    fn a_key_that_is_not_there_is_not_added() {
        assert_eq!(with_value("[limits]\n", "idle_ms", "800"), None);
    }
}

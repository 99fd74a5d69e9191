//! A tx host: the link's key, its state, and `diode-tx send`.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use protocol::digest::BundleId;
use protocol::time::UnixMillis;
use serde::Deserialize;

use super::{DriveError, Finished, Program, Programs, Running};

/// A tx host with a key of its own.
#[derive(Debug, Clone)]
pub struct Transmitter {
    programs: Programs,
    key: PathBuf,
    fingerprint: String,
    state: PathBuf,
}

/// How bundles are sent.
#[derive(Debug, Clone)]
pub struct Sending {
    /// Where the datagrams go.
    pub to: SocketAddr,
    /// The rate on the wire, as `200M`.
    pub rate: String,
    /// The loss to provide for, as `4%`.
    pub loss: String,
    /// How often the whole is sent.
    pub passes: u16,
    /// Whether `diode-tx` shows on our standard error how far it is.
    pub shown: bool,
}

impl Sending {
    /// Sending once to `to` at `rate`, for a link that loses `loss`, without a word.
    #[must_use]
    pub fn new(to: SocketAddr, rate: &str, loss: &str) -> Self {
        Self {
            to,
            rate: rate.to_owned(),
            loss: loss.to_owned(),
            passes: 1,
            shown: false,
        }
    }
}

/// A bundle that was sent, as `diode-tx send --json` tells of it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Sent {
    /// When its sending ended.
    pub time: UnixMillis,
    /// `bundle.sent`, or `bundle.stopped`.
    pub event: String,
    /// The transmitter's epoch, 16 hex digits.
    pub epoch_id: String,
    /// Its number.
    pub seq: u64,
    /// Whether it had that number before.
    pub again: bool,
    /// The bundle.
    pub bundle: BundleId,
    /// Bytes of content.
    pub bytes: u64,
    /// Blocks of the transmission.
    pub blocks: u64,
    /// Datagrams that were sent.
    pub datagrams: u64,
    /// Repair symbols, in millionths of the source symbols.
    pub repair_ppm: u64,
    /// How long it took.
    pub duration_ms: u64,
}

#[derive(Deserialize)]
struct Keygen {
    key: String,
}

impl Transmitter {
    /// Makes a link key in `folder`; state goes there too, once something is sent.
    ///
    /// # Errors
    /// [`DriveError`] if `diode-tx keygen` fails.
    pub fn keygen(programs: &Programs, folder: &Path) -> Result<Self, DriveError> {
        let key = folder.join("link.key");
        let args = ["keygen".as_ref(), "--out".as_ref(), key.as_os_str(), "--json".as_ref()];
        let json = programs.run(Program::Tx, args)?.done()?.json()?;
        let Keygen { key: fingerprint } = Keygen::deserialize(&json).map_err(|error| not_understood(&error, &json))?;
        Ok(Self {
            programs: programs.clone(),
            key,
            fingerprint,
            state: folder.join("state"),
        })
    }

    /// The file with the secret link key.
    #[must_use]
    pub fn key(&self) -> &Path {
        &self.key
    }

    /// The file with the public link key.
    #[must_use]
    pub fn public_key(&self) -> PathBuf {
        audit::keyfile::public_path(&self.key)
    }

    /// The link key's fingerprint, `SHA256:…`.
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// The folder of its audit log.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.state.join("log")
    }

    /// Begins to send.
    ///
    /// # Errors
    /// [`DriveError::Start`].
    pub fn start(&self, bundles: &[&Path], sending: &Sending) -> Result<Running, DriveError> {
        let Sending {
            to,
            rate,
            loss,
            passes,
            shown,
        } = sending;
        let mut args: Vec<OsString> = vec!["send".into()];
        args.extend(bundles.iter().map(|path| path.as_os_str().to_owned()));
        args.extend([
            "--to".into(),
            to.to_string().into(),
            "--key".into(),
            self.key.clone().into(),
        ]);
        args.extend([
            "--state".into(),
            self.state.clone().into(),
            "--rate".into(),
            rate.into(),
        ]);
        args.extend(["--loss".into(), loss.into(), "--burst".into(), "64".into()]);
        args.extend(["--passes".into(), passes.to_string().into(), "--json".into()]);
        match shown {
            true => self.programs.start_shown(Program::Tx, args),
            false => self.programs.start(Program::Tx, args),
        }
    }

    /// Sends, and waits until all is sent or `limit` is over.
    ///
    /// # Errors
    /// [`DriveError`] if `diode-tx send` fails.
    pub fn send(&self, bundles: &[&Path], sending: &Sending, limit: Duration) -> Result<Vec<Sent>, DriveError> {
        read_sent(&self.start(bundles, sending)?.wait(limit)?.done()?)
    }
}

/// What `diode-tx send --json` said of each bundle.
///
/// # Errors
/// [`DriveError::Unexpected`] if it is not understood.
pub fn read_sent(finished: &Finished) -> Result<Vec<Sent>, DriveError> {
    let read = |json| Sent::deserialize(&json).map_err(|error| not_understood(&error, &json));
    finished.json_lines()?.into_iter().map(read).collect()
}

fn not_understood(error: &serde_json::Error, json: &serde_json::Value) -> DriveError {
    DriveError::Unexpected {
        program: Program::Tx.name(),
        reason: error.to_string(),
        text: json.to_string(),
    }
}

//! A tx host: the link's key, its state, and `diode-tx send`.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use audit::keyfile;
use protocol::digest::BundleId;
use protocol::keys::SigningKey;
use protocol::time::UnixMillis;
use serde::Deserialize;

use super::receiver::{Verified, verify};
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
    /// Bytes of the largest IP packet.
    pub mtu: u16,
    /// Datagrams lost in a row at worst, to be provided for.
    pub burst: u32,
    /// Blocks whose datagrams are interleaved; `diode-tx`'s default if absent.
    pub depth: Option<u16>,
    /// The probability that a block stays lost, to be provided for; `diode-tx`'s default if absent.
    pub residual: Option<f64>,
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
            mtu: 1500,
            burst: 64,
            depth: None,
            residual: None,
            passes: 1,
            shown: false,
        }
    }
}

impl Sending {
    /// What is known of the link, as options.
    fn link_args(&self) -> Vec<OsString> {
        let mut args = vec!["--loss".to_owned(), self.loss.clone()];
        args.extend(["--burst".to_owned(), self.burst.to_string()]);
        args.extend(["--mtu".to_owned(), self.mtu.to_string()]);
        if let Some(depth) = self.depth {
            args.extend(["--depth".to_owned(), depth.to_string()]);
        }
        if let Some(residual) = self.residual {
            args.extend(["--residual".to_owned(), residual.to_string()]);
        }
        args.into_iter().map(OsString::from).collect()
    }
}

/// What sending a bundle will take, as `diode-tx inspect --json` tells of it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Inspected {
    /// Blocks whose datagrams are interleaved.
    pub depth: u16,
    /// The head's blocks.
    pub head: Part,
    /// The content's.
    pub content: Part,
    /// Datagrams in all.
    pub datagrams: u64,
    /// Datagrams that a link without loss would not need, in millionths of all.
    pub repair_ppm: u64,
}

impl Inspected {
    /// Datagrams that a link without loss would need.
    #[must_use]
    pub fn needed(&self) -> u64 {
        let spare = u128::from(self.datagrams) * u128::from(self.repair_ppm);
        // The share is told rounded down.
        self.datagrams
            - u64::try_from(spare.div_ceil(1_000_000))
                .unwrap_or(0)
                .min(self.datagrams)
    }
}

/// Blocks of one part of a bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct Part {
    /// How many there are.
    pub blocks: u32,
    /// Source symbols of the first (K).
    pub k: u32,
    /// Repair symbols of the first, each time it is sent (R).
    pub repair: u32,
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
    /// Bits of them on the wire.
    pub wire_bits: u64,
    /// Datagrams that a link without loss would not need, in millionths of all.
    pub repair_ppm: u64,
    /// How long it took.
    pub duration_ms: u64,
}

/// Names in a transmitter's folder.
const KEY: &str = "link.key";
const STATE: &str = "state";

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
        let key = folder.join(KEY);
        let args = ["keygen".as_ref(), "--out".as_ref(), key.as_os_str(), "--json".as_ref()];
        let json = programs.run(Program::Tx, args)?.done()?.json()?;
        let Keygen { key: fingerprint } = Keygen::deserialize(&json).map_err(|error| not_understood(&error, &json))?;
        Ok(Self {
            programs: programs.clone(),
            key,
            fingerprint,
            state: folder.join(STATE),
        })
    }

    /// A transmitter with this link key, which is written to `folder`; state goes there too.
    ///
    /// # Errors
    /// [`DriveError::Key`] if it can't be.
    pub fn with_key(programs: &Programs, folder: &Path, key: &SigningKey) -> Result<Self, DriveError> {
        let file = folder.join(KEY);
        keyfile::create(&file, key, "diode-link")?;
        Ok(Self {
            programs: programs.clone(),
            key: file,
            fingerprint: key.public().fingerprint().to_string(),
            state: folder.join(STATE),
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
        keyfile::public_path(&self.key)
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

    /// The folder of its state.
    #[must_use]
    pub fn state(&self) -> &Path {
        &self.state
    }

    /// Verifies its audit log with `diode-audit verify`.
    ///
    /// # Errors
    /// [`DriveError`] if it does not hold.
    pub fn verify_log(&self) -> Result<Verified, DriveError> {
        verify(&self.programs, &self.log())
    }

    /// Begins to send.
    ///
    /// # Errors
    /// [`DriveError::Start`].
    pub fn start(&self, bundles: &[&Path], sending: &Sending) -> Result<Running, DriveError> {
        let Sending {
            to,
            rate,
            passes,
            shown,
            ..
        } = sending;
        let mut args: Vec<OsString> = vec!["send".into()];
        args.extend(bundles.iter().map(|path| path.as_os_str().to_owned()));
        args.extend(["--key".into(), self.key.clone().into()]);
        args.extend(["--state".into(), self.state.clone().into()]);
        let to = to.to_string();
        args.extend(["--to", &to, "--rate", rate, "--passes", &passes.to_string(), "--json"].map(OsString::from));
        args.extend(sending.link_args());
        match shown {
            true => self.programs.start_shown(Program::Tx, args),
            false => self.programs.start(Program::Tx, args),
        }
    }

    /// The same transmitter, which lets others go first where they share a processor.
    #[must_use]
    pub fn yielding(&self) -> Self {
        Self {
            programs: self.programs.with_yielding_transmitter(),
            ..self.clone()
        }
    }

    /// The same transmitter under `strace`, as [`Programs::under_strace`] says.
    #[must_use]
    pub fn under_strace(&self, options: &[&str], file: &Path) -> Self {
        Self {
            programs: self.programs.under_strace(options, file),
            ..self.clone()
        }
    }

    /// The same transmitter under `strace`, for [`syncs_counted`](super::syncs_counted) in `file`.
    #[must_use]
    pub fn counting_syncs(&self, file: &Path) -> Self {
        Self {
            programs: self.programs.counting_syncs(file),
            ..self.clone()
        }
    }

    /// The same transmitter under `strace`, as [`Programs::tracing_descriptors`] says.
    #[must_use]
    pub fn tracing_descriptors(&self, file: &Path) -> Self {
        Self {
            programs: self.programs.tracing_descriptors(file),
            ..self.clone()
        }
    }

    /// What sending a bundle will take.
    ///
    /// # Errors
    /// [`DriveError`] if `diode-tx inspect` refuses it, or is not understood.
    pub fn inspect(&self, bundle: &Path, sending: &Sending) -> Result<Inspected, DriveError> {
        let args = ["inspect".into(), bundle.into(), "--json".into()];
        let args = args.into_iter().chain(sending.link_args());
        let json = self.programs.run(Program::Tx, args)?.done()?.json()?;
        Inspected::deserialize(&json).map_err(|error| not_understood(&error, &json))
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

//! Both hosts of a pair over many rounds: their folders and keys, and the processes that run on them.
//!
//! ```text
//! up ─▶ serving ──kill_rx──▶ none        send ─▶ sender ──end_sending, kill_tx──▶ none
//! ```
//!
//! Always true: what a process says of a defect of its own (a panic), or an end that nobody asked for, is an error.

use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use protocol::digest::Digest;
use protocol::keys::SigningKey;
use tempfile::TempDir;

use crate::drive::{Author, Finished, Programs, Receiver, Running, Sending, Serving, Transmitter};
use crate::mint::{Mint, Minted};

/// Both hosts.
#[derive(Debug)]
pub(crate) struct Hosts {
    pub(crate) transmitter: Transmitter,
    pub(crate) receiver: Receiver,
    pub(crate) mint: Mint,
    /// Where the receiver listens, whichever process it is.
    pub(crate) listen: SocketAddr,
    serving: Option<Serving>,
    sender: Option<Running>,
    pub(super) spans: Spans,
    folder: TempDir,
}

/// What the ways took last that a kill can fall into.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spans {
    /// From the receiver's start until it takes datagrams.
    pub(super) start: Duration,
    /// From the start of sending until every bundle has its verdict.
    pub(super) transfer: Duration,
    /// From the start of sending until its end.
    pub(super) sending: Duration,
}

impl Spans {
    /// Before anything was measured.
    const UNKNOWN: Self = Self {
        start: Duration::from_millis(100),
        transfer: Duration::from_millis(400),
        sending: Duration::from_millis(200),
    };
}

const RECEIVER: &str = "plant-7";
const AUTHOR: &str = "alice@lab";
const RATE: &str = "400M";
/// Loopback loses nothing but what a receiver that is gone can't take.
const LOSS: &str = "1%";
/// What is lost with a killed process is told soon, and yet no pause of a busy machine passes for silence.
const IDLE_MILLIS: &str = "400";
/// Longer than anything takes on a busy machine.
const LIMIT: Duration = Duration::from_secs(60);
const PORT: u16 = 4600;

impl Hosts {
    /// New hosts in a folder below `dir`, the `number`-th of this process.
    ///
    /// # Errors
    /// If they can't be made.
    pub(crate) fn make(programs: &Programs, dir: &Path, number: u64) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("diode-crash-")
            .tempdir_in(dir)
            .with_context(|| format!("no folder can be made in {}: name another with --dir", dir.display()))?;
        let path = |name: &str| folder.path().join(name);
        for name in ["tx", "bundles"] {
            std::fs::create_dir(path(name)).with_context(|| format!("{} can't be made", path(name).display()))?;
        }
        let key = || SigningKey::from_seed(Digest::of(b"diode-bench crash, author").0);
        let author = Author::with_key(programs, folder.path(), AUTHOR, &key())?;
        let transmitter = Transmitter::keygen(programs, &path("tx"))?;
        let receiver = Receiver::init(programs, &path("rx"), RECEIVER, &transmitter.public_key())?;
        let listen = own_address(number);
        receiver.set("listen", &format!("\"{listen}\""))?;
        receiver.set("idle_ms", IDLE_MILLIS)?;
        receiver.trust(&author)?;
        Ok(Self {
            mint: Mint::new(key(), AUTHOR, RECEIVER, &path("bundles"), number),
            transmitter,
            receiver,
            listen,
            serving: None,
            sender: None,
            spans: Spans::UNKNOWN,
            folder,
        })
    }

    /// Leaves all of it where it is, and says where that is.
    pub(crate) fn keep(mut self) -> PathBuf {
        (self.serving, self.sender) = (None, None);
        self.folder.keep()
    }

    /// Has the receiver take datagrams.
    pub(super) fn up(&mut self) -> anyhow::Result<()> {
        if self.serving.is_none() {
            let begun = Instant::now();
            self.serving = Some(self.receiver.serve()?);
            self.spans.start = begun.elapsed();
        }
        Ok(())
    }

    /// Starts a receiver of which nobody waits until it is ready.
    pub(super) fn begin_to_serve(&self) -> anyhow::Result<Running> {
        ensure!(self.serving.is_none(), "a receiver runs already");
        Ok(self.receiver.begin_to_serve()?)
    }

    /// Begins to send these bundles.
    pub(super) fn send(&mut self, bundles: &[&Minted]) -> anyhow::Result<()> {
        self.end_sending()?;
        let files: Vec<&Path> = bundles.iter().map(|bundle| bundle.file.as_path()).collect();
        self.sender = Some(self.transmitter.start(&files, &self.sending())?);
        Ok(())
    }

    /// How bundles are sent.
    pub(super) fn sending(&self) -> Sending {
        Sending::new(self.listen, RATE, LOSS)
    }

    /// Waits until all is sent; nobody may have to be told of anything.
    pub(super) fn end_sending(&mut self) -> anyhow::Result<()> {
        if let Some(sender) = self.sender.take() {
            sound(sender.wait(LIMIT)?)?.done()?;
        }
        Ok(())
    }

    /// Ends the receiver with SIGKILL; whether it still ran.
    pub(super) fn kill_rx(&mut self) -> anyhow::Result<bool> {
        match self.serving.take() {
            None => Ok(false),
            Some(serving) => killed(serving.running),
        }
    }

    /// Ends the transmitter with SIGKILL; whether it was still at it.
    pub(super) fn kill_tx(&mut self) -> anyhow::Result<bool> {
        match self.sender.take() {
            None => Ok(false),
            Some(sender) => killed(sender),
        }
    }

    /// Asks the receiver to end, as an operator does.
    pub(super) fn end_rx(&mut self) -> anyhow::Result<Option<Finished>> {
        match self.serving.take() {
            None => Ok(None),
            Some(serving) => Ok(Some(sound(serving.running.end()?)?)),
        }
    }
}

/// Kills a process; whether it had not ended by itself. One that ended otherwise than by doing its work is an error.
pub(super) fn killed(running: Running) -> anyhow::Result<bool> {
    let finished = sound(running.kill()?)?;
    if finished.status.signal() == Some(SIGKILL) {
        return Ok(true);
    }
    finished.done()?;
    Ok(false)
}

const SIGKILL: i32 = 9;

/// What a process that ended said, unless it is of a defect of its own.
pub(super) fn sound(finished: Finished) -> anyhow::Result<Finished> {
    let panicked = finished.stderr.lines().find(|line| line.contains("panicked"));
    match panicked {
        Some(line) => anyhow::bail!("it panicked: {line}"),
        None => Ok(finished),
    }
}

/// An address of loopback that nobody else takes: the receiver must find its port free again and again.
fn own_address(number: u64) -> SocketAddr {
    let [.., high, low] = std::process::id().to_be_bytes();
    let last = u8::try_from(1 + number % 254).unwrap_or(1);
    SocketAddr::from((Ipv4Addr::new(127, 1 + high % 254, low, last), PORT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_pair_of_hosts_has_an_address_of_its_own_on_loopback() {
        assert!(own_address(0).ip().is_loopback());
        assert_ne!(own_address(0), own_address(1));
    }
}

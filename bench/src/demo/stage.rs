//! What the demo plays on: keys, a receiver that runs, and the link to it.

use std::fs::{self, DirBuilder};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use anyhow::Context as _;
use hw::units::{Percent, Rate};
use protocol::wire::LinkNumber;

use super::admission::Admission;
use crate::drive::{
    Author, DriveError, Entry, Packed, Packing, Programs, Receiver, Sending, Sent, Serving, Tail, Transmitter, Verified,
};
use crate::relay::{ImpairmentSettings, Relay, RelayConfig, RelayReport, RunningRelay};

/// The receiver's name, which bundles are addressed to.
const RECEIVER: &str = "plant-7";
/// Whom the receiver trusts.
const AUTHOR: &str = "alice@lab";
/// Whom nobody trusts.
const STRANGER: &str = "mallory@lab";
/// The loss that the transmitter provides for: what the relay loses in all, and some.
const PROVIDED_LOSS: &str = "6%";
/// After so many milliseconds without a symbol the receiver tells what is missing.
const IDLE_MS: &str = "2000";

/// Everything that is up while the scenes are played.
#[derive(Debug)]
pub(super) struct Stage {
    pub(super) folder: PathBuf,
    pub(super) seed: u64,
    pub(super) rate: Rate,
    pub(super) author: Author,
    pub(super) stranger: Author,
    pub(super) transmitter: Transmitter,
    pub(super) receiver: Receiver,
    /// The number on the link of the last bundle that was sent.
    pub(super) last_number: LinkNumber,
    serving: Serving,
    tail: Tail,
    relay: RunningRelay,
}

/// What is left when all is down.
#[derive(Debug)]
pub(super) struct Closed {
    pub(super) relay: RelayReport,
    pub(super) verified: Result<Verified, DriveError>,
}

/// The folder for everything: `out`, which must not be there yet, or a fresh one.
pub(super) fn make_folder(out: Option<&Path>) -> anyhow::Result<PathBuf> {
    let Some(out) = out else {
        let fresh = tempfile::Builder::new().prefix("diode-demo-").tempdir();
        return Ok(fresh
            .context("no temporary folder can be made: name one with --out")?
            .keep());
    };
    DirBuilder::new().mode(0o700).create(out).with_context(|| {
        format!(
            "--out {} can't be made; it must not be there yet, and its parent must",
            out.display()
        )
    })?;
    fs::canonicalize(out).with_context(|| format!("--out {} can't be used", out.display()))
}

/// What the demo's link does to datagrams.
#[must_use]
pub fn rough_link() -> ImpairmentSettings {
    // Parts of a billion.
    let share = |parts| Percent::from_parts_per_billion(parts).unwrap_or(Percent::ZERO);
    ImpairmentSettings {
        loss: share(20_000_000),
        burst_loss: share(10_000_000),
        duplicate: share(10_000_000),
        corrupt: share(5_000_000),
        reorder: share(20_000_000),
        ..ImpairmentSettings::default()
    }
}

impl Stage {
    /// Makes keys and folders, and starts receiver and link.
    pub(super) fn set(folder: PathBuf, seed: u64, rate: Rate, stop: Arc<AtomicBool>) -> anyhow::Result<Self> {
        let programs = Programs::here(stop).context("the system does not say which program this is")?;
        let (desk, tx_host, rx_host) = (folder.join("desk"), folder.join("tx"), folder.join("rx"));
        for part in [&desk, &tx_host] {
            fs::create_dir(part).with_context(|| format!("{} can't be made", part.display()))?;
        }
        let author = Author::keygen(&programs, &desk, AUTHOR)?;
        let stranger = Author::keygen(&programs, &desk, STRANGER)?;
        let transmitter = Transmitter::keygen(&programs, &tx_host)?;
        let receiver = Receiver::init(&programs, &rx_host, RECEIVER, &transmitter.public_key())?;
        receiver.set("idle_ms", IDLE_MS)?;
        receiver.trust(&author)?;
        let serving = receiver.serve()?;
        let tail = receiver.tail()?;
        let anywhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let config = RelayConfig {
            impairment: rough_link(),
            ..RelayConfig::new(anywhere, serving.address, seed)
        };
        let relay = Relay::bind(config)?.spawn()?;
        let last_number = LinkNumber { epoch: 0, sequence: 0 };
        Ok(Self {
            folder,
            seed,
            rate,
            author,
            stranger,
            transmitter,
            receiver,
            last_number,
            serving,
            tail,
            relay,
        })
    }

    /// Where the transmitter sends to.
    pub(super) fn link_entry(&self) -> SocketAddr {
        self.relay.local_addr()
    }

    /// Where the receiver takes datagrams.
    pub(super) fn link_exit(&self) -> SocketAddr {
        self.serving.address
    }

    /// A folder at the author's desk.
    pub(super) fn desk(&self, name: &str) -> PathBuf {
        self.folder.join("desk").join(name)
    }

    /// Packs and signs a folder for the receiver, into a bundle file called as the bundle is in the table.
    pub(super) fn pack(
        &self,
        author: &Author,
        label: &str,
        folder: &Path,
        all: bool,
        exclude: &[String],
    ) -> Result<Packed, DriveError> {
        let plain = |c: char| {
            if c.is_alphanumeric() || ".-_".contains(c) {
                c
            } else {
                '-'
            }
        };
        let file: String = label.chars().map(plain).collect();
        let output = self.desk(&format!("{file}.bundle"));
        author.pack(&Packing {
            folder,
            audience: RECEIVER,
            all,
            exclude,
            output: &output,
        })
    }

    /// Sends bundles, and tells of them in the order they were given: a small one overtakes, and ends before, a larger one.
    pub(super) fn send(&mut self, bundles: &[&Packed]) -> Result<Vec<Sent>, DriveError> {
        let sending = Sending {
            shown: true,
            ..Sending::new(self.link_entry(), &self.rate.to_string(), PROVIDED_LOSS)
        };
        let files: Vec<&Path> = bundles.iter().map(|packed| packed.file.as_path()).collect();
        let bytes = bundles.iter().map(|packed| packed.bytes).sum();
        // Repair, headers, framing and the head come on top, and a small bundle is sent nearly twice.
        let limit = self.rate.time_for(bytes) * 4 + TO_START;
        let mut sent = self.transmitter.send(&files, &sending, limit)?;
        sent.sort_by_key(|sent| bundles.iter().position(|packed| packed.bundle == sent.bundle));
        if let Some(last) = sent.iter().max_by_key(|sent| sent.seq) {
            let epoch = u64::from_str_radix(&last.epoch_id, 16).unwrap_or(0);
            self.last_number = LinkNumber {
                epoch,
                sequence: last.seq,
            };
        }
        Ok(sent)
    }

    /// Waits until a bundle's way is at its end, as far as no person decides.
    pub(super) fn follow(
        &mut self,
        label: &str,
        author: &str,
        packed: &Packed,
        seq: u64,
    ) -> Result<Admission, DriveError> {
        let limit = TO_START + Duration::from_secs(packed.bytes / SCANNED_A_SECOND);
        let what = format!("the end of bundle {} (seq {seq})", packed.bundle.short());
        self.tail.wait_for(&what, limit, |entry| {
            entry.is_of(packed.bundle, seq) && entry.is_final()
        })?;
        let entries: Vec<Entry> = self.tail.seen_of(packed.bundle, seq).cloned().collect();
        Ok(Admission {
            label: label.to_owned(),
            author: author.to_owned(),
            packed: packed.clone(),
            entries,
        })
    }

    /// Takes everything down, verifies the log, and leaves the receiver's own words in a file.
    pub(super) fn end(self) -> anyhow::Result<Closed> {
        let Self {
            folder,
            receiver,
            serving,
            tail,
            relay,
            ..
        } = self;
        drop(tail);
        let ended = serving.running.end()?;
        fs::write(folder.join("rx-serve.log"), &ended.stderr).context("the receiver's words can't be kept")?;
        ended.done()?;
        Ok(Closed {
            relay: relay.stop()?,
            verified: receiver.verify_log(),
        })
    }
}

/// For what does not depend on the amount, on a machine that is busy with other things.
const TO_START: Duration = Duration::from_secs(60);
/// Content that is scanned and written in a second, on a slow machine.
const SCANNED_A_SECOND: u64 = 4 << 20;

//! A pair in a temporary folder, and bundles for it.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use audit::event::EventKind;
use diode_bench::drive::{
    Author, Entry, Packed, Packing, Programs, Receiver, Sending, Sent, Serving, Tail, Transmitter,
};
use diode_bench::relay::{ImpairmentSettings, Relay, RelayConfig, RunningRelay};
use protocol::digest::BundleId;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tempfile::TempDir;

/// Longer than anything takes on a busy machine: a failure, not a hang.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);
/// For what must be soon over where nothing is lost.
const RATE: &str = "100M";

/// Keys, a transmitter, and a receiver that trusts Alice.
pub(crate) struct Pair {
    pub(crate) programs: Programs,
    pub(crate) author: Author,
    pub(crate) transmitter: Transmitter,
    pub(crate) receiver: Receiver,
    // Removed after all else is dropped.
    folder: TempDir,
}

impl Pair {
    pub(crate) fn new() -> Self {
        let pair = Self::with_default_silence();
        // What is lost is told soon, and yet no pause of a busy machine passes for silence.
        pair.receiver.set("idle_ms", "2000").unwrap();
        pair
    }

    /// A receiver that takes silence for the end of a transmission as late as it does by itself.
    pub(crate) fn with_default_silence() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let programs = Programs::new(env!("CARGO_BIN_EXE_diode-bench").into(), Arc::default());
        let author = Author::keygen(&programs, folder.path(), "alice@lab").unwrap();
        let tx_host = folder.path().join("tx");
        fs::create_dir(&tx_host).unwrap();
        let transmitter = Transmitter::keygen(&programs, &tx_host).unwrap();
        let receiver = Receiver::init(
            &programs,
            &folder.path().join("rx"),
            "plant-7",
            &transmitter.public_key(),
        )
        .unwrap();
        receiver.trust(&author).unwrap();
        Self {
            programs,
            author,
            transmitter,
            receiver,
            folder,
        }
    }

    /// The same with the receiver running.
    pub(crate) fn serving() -> (Self, Serving, Tail) {
        let pair = Self::new();
        let serving = pair.receiver.serve().unwrap();
        let tail = pair.receiver.tail().unwrap();
        (pair, serving, tail)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A folder with these files.
    pub(crate) fn folder(&self, name: &str, files: &[(&str, &[u8])]) -> PathBuf {
        let folder = self.path(name);
        for (path, bytes) in files {
            let path = folder.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
        folder
    }

    pub(crate) fn pack_as(&self, author: &Author, folder: &Path) -> Packed {
        let output = folder.with_extension("bundle");
        author
            .pack(&Packing {
                folder,
                audience: self.receiver.name(),
                all: true,
                exclude: &[],
                output: &output,
            })
            .unwrap()
    }

    /// A bundle by Alice of a folder called `name` with these files.
    pub(crate) fn bundle(&self, name: &str, files: &[(&str, &[u8])]) -> Packed {
        self.pack_as(&self.author, &self.folder(name, files))
    }

    /// A small bundle that policy lets through.
    pub(crate) fn harmless(&self, name: &str) -> Packed {
        self.bundle(name, &[("README.md", format!("# {name}\n\nAll is well.\n").as_bytes())])
    }

    /// A bundle that policy wants a person to look at: nobody knows what its bytes are.
    pub(crate) fn unknown(&self, name: &str) -> Packed {
        self.bundle(name, &[("blob.bin", &random(3000))])
    }

    /// Sends a bundle over a link that loses no more than sockets do.
    pub(crate) fn send(&self, bundle: &Packed, to: SocketAddr) -> Sent {
        self.send_with(bundle, &Sending::new(to, RATE, "1%"))
    }

    pub(crate) fn send_with(&self, bundle: &Packed, sending: &Sending) -> Sent {
        self.transmitter
            .send(&[&bundle.file], sending, LIMIT)
            .unwrap()
            .pop()
            .unwrap()
    }

    /// Sends a bundle straight to the receiver, and gives the event that ends its way.
    pub(crate) fn send_and_follow(&self, bundle: &Packed, serving: &Serving, tail: &mut Tail) -> Entry {
        let sent = self.send(bundle, serving.address);
        end_of(tail, bundle.bundle, sent.seq)
    }
}

/// The event that ends a bundle's way, as far as no person decides.
pub(crate) fn end_of(tail: &mut Tail, bundle: BundleId, seq: u64) -> Entry {
    tail.wait_for("the bundle's end", LIMIT, |entry| {
        entry.is_of(bundle, seq) && entry.is_final()
    })
    .unwrap()
}

/// The first event of this kind.
pub(crate) fn wait_for(tail: &mut Tail, kind: EventKind) -> Entry {
    tail.wait_for(kind.as_str(), LIMIT, |entry| entry.event.event == kind)
        .unwrap()
}

pub(crate) fn any_port() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, 0))
}

/// A link to `to` that loses `loss`, each datagram by itself; which ones depends on the seed alone.
pub(crate) fn lossy_link(to: SocketAddr, loss: &str, seed: u64) -> RunningRelay {
    let impairment = ImpairmentSettings {
        loss: loss.parse().unwrap(),
        ..ImpairmentSettings::default()
    };
    Relay::bind(RelayConfig {
        impairment,
        ..RelayConfig::new(any_port(), to, seed)
    })
    .unwrap()
    .spawn()
    .unwrap()
}

/// Text of about so many bytes, no two lines of it the same.
pub(crate) fn text(len: usize) -> Vec<u8> {
    (0..len / 40)
        .flat_map(|line| format!("reading {line:>10}: {:>16} litres\n", line * line).into_bytes())
        .collect()
}

/// Bytes that are nothing known.
pub(crate) fn random(len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    ChaCha8Rng::seed_from_u64(len as u64).fill_bytes(&mut bytes);
    bytes
}

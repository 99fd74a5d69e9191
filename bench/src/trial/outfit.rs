//! What is made once for all trials: keys, a transmitter, and packed bundles of bytes that can't be compressed.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::Context as _;
use audit::line;
use protocol::digest::Digest;
use protocol::keys::SigningKey;
use tempfile::TempDir;

use crate::drive::{Author, DriveError, Packed, Packing, Programs, Receiver, Transmitter};
use crate::input::Input;
use crate::signals;
use crate::size::Size;

/// The name that bundles are addressed to.
const RECEIVER: &str = "plant-7";
/// Who signs them.
const AUTHOR: &str = "alice@lab";
/// What is asked for the receive buffer: the kernel grants twice as much, which must not be more than 128 MiB.
const BUFFER_MIB: &str = "63";

/// What is made once. Removed with all that is in it when it is dropped.
pub(crate) struct Outfit {
    pub(crate) programs: Programs,
    pub(crate) author: Author,
    pub(crate) transmitter: Transmitter,
    stop: Arc<AtomicBool>,
    folder: TempDir,
}

impl Outfit {
    /// Makes new keys in a folder below `dir`, or below the system's temporary folder.
    pub(crate) fn make(dir: Option<&Path>) -> anyhow::Result<Self> {
        Self::with_keys(dir, |programs, folder| {
            let author = Author::keygen(programs, folder, AUTHOR)?;
            Ok((author, Transmitter::keygen(programs, folder)?))
        })
    }

    /// The same with keys that are drawn from `seed`, wherever it is made: no secret to anyone who knows it.
    pub(crate) fn of_seed(dir: Option<&Path>, seed: u64) -> anyhow::Result<Self> {
        let key = |whose: &str| {
            let text = format!("diode-bench, seed {seed}, {whose}");
            SigningKey::from_seed(Digest::of(text.as_bytes()).0)
        };
        Self::with_keys(dir, |programs, folder| {
            let author = Author::with_key(programs, folder, AUTHOR, &key("author"))?;
            Ok((author, Transmitter::with_key(programs, folder, &key("link"))?))
        })
    }

    fn with_keys(
        dir: Option<&Path>,
        keys: impl FnOnce(&Programs, &Path) -> Result<(Author, Transmitter), DriveError>,
    ) -> anyhow::Result<Self> {
        let folder = below(dir.unwrap_or(&std::env::temp_dir()))?;
        let stop = signals::listen();
        let programs = Programs::here(Arc::clone(&stop)).context("the system does not say which program this is")?;
        let (author, transmitter) = keys(&programs, folder.path())?;
        Ok(Self {
            programs,
            author,
            transmitter,
            stop,
            folder,
        })
    }

    /// The same with a transmitter that lets the receiver go first, with whom it shares this machine's processor.
    pub(crate) fn with_yielding_transmitter(mut self) -> Self {
        self.transmitter = self.transmitter.yielding();
        self
    }

    /// Packs so many bundles of files drawn from `seed` on, the first from `seed` itself. The files are not needed any more then.
    pub(crate) fn pack(&self, input: Input, bundles: u64, seed: u64) -> anyhow::Result<Vec<Packed>> {
        eprintln!("packing {}, each {input}", line::count(bundles, "bundle"));
        (0..bundles)
            .map(|number| self.pack_one(input, seed.wrapping_add(number)))
            .collect()
    }

    fn pack_one(&self, input: Input, seed: u64) -> anyhow::Result<Packed> {
        let source = below(self.folder.path())?;
        input
            .write(source.path(), seed)
            .with_context(|| format!("the input can't be made in {}", source.path().display()))?;
        let name = format!("{seed}-{}-{}.bundle", input.files, input.file_len);
        let packing = Packing {
            folder: source.path(),
            audience: RECEIVER,
            all: true,
            exclude: &[],
            output: &self.folder.path().join(name),
        };
        Ok(self.author.pack(&packing)?)
    }

    /// The operator's word to stop.
    pub(crate) fn stop(&self) -> &AtomicBool {
        &self.stop
    }

    /// A new folder below `spool`, for a receiver.
    pub(crate) fn receiver_folder(spool: &Path) -> anyhow::Result<TempDir> {
        below(spool)
    }

    /// A new receiver with the folder `home`.
    pub(crate) fn receiver(&self, home: &Path, memory: Option<Size>) -> anyhow::Result<Receiver> {
        let receiver = Receiver::init(&self.programs, home, RECEIVER, &self.transmitter.public_key())?;
        // What is lost for good is told after two seconds of silence.
        receiver.set("idle_ms", "2000")?;
        receiver.set("receive_buffer_mib", BUFFER_MIB)?;
        if let Some(memory) = memory {
            receiver.set("memory_mib", &(memory.bytes() >> 20).to_string())?;
        }
        receiver.trust(&self.author)?;
        Ok(receiver)
    }

    /// Reads the bundles from end to end, so that they are in page cache.
    pub(crate) fn warm(bundles: &[Packed]) -> anyhow::Result<()> {
        for bundle in bundles {
            let read = File::open(&bundle.file).and_then(|mut file| io::copy(&mut file, &mut io::sink()));
            read.with_context(|| format!("cannot read {}", bundle.file.display()))?;
        }
        Ok(())
    }
}

impl Drop for Outfit {
    fn drop(&mut self) {
        // What is left behind if it can't be removed is told: it may be gigabytes.
        if self.folder.path().exists()
            && let Err(error) = fs::remove_dir_all(self.folder.path())
        {
            eprintln!("{} stays behind: {error}", self.folder.path().display());
        }
    }
}

/// A new folder below `parent`.
pub(super) fn below(parent: &Path) -> anyhow::Result<TempDir> {
    tempfile::Builder::new()
        .prefix("diode-bench-")
        .tempdir_in(parent)
        .with_context(|| format!("no folder can be made in {}: name another", parent.display()))
}

/// Where a folder's files are: in memory, or somewhere else.
pub(crate) fn file_system(path: &Path) -> &'static str {
    match rustix::fs::statfs(path) {
        Ok(found) if found.f_type as u64 == TMPFS => "tmpfs",
        _ => "disk",
    }
}

/// The kernel's number for tmpfs (linux/magic.h).
const TMPFS: u64 = 0x0102_1994;

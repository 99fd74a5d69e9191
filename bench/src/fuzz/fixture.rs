//! What targets and seeds agree on: keys that everyone may know, a receiver's name, a time, and limits that an input can reach.

use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use audit::log::{Log, LogError, Vkey};
use audit::storage::{EntryKind, MemoryStorage, OpenHow, Storage};
use protocol::keys::SigningKey;
use protocol::reception::ReceptionLimits;
use protocol::time::UnixMillis;
use protocol::trust::Trust;

/// The receiver that the seeds' bundles are for.
pub const RECEIVER: &str = "plant-7";
/// Who packs the seeds' bundles.
pub const AUTHOR: &str = "alice@lab";
/// When the seeds' bundles are packed, and received.
pub const NOW: UnixMillis = UnixMillis(1_795_340_467_000);
/// The name of the seeds' audit logs.
pub const ORIGIN: &str = "plant-7/audit";
/// Bytes of a leaf of the seeds' bundles.
pub const LEAF_LEN: u32 = 4096;

/// Signs announces; the receiver has its public half pinned.
#[must_use]
pub fn link_key() -> &'static SigningKey {
    static KEY: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::from_seed([1; 32]));
    &KEY
}

/// Signs bundles, and is trusted to.
#[must_use]
pub fn author_key() -> &'static SigningKey {
    static KEY: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::from_seed([2; 32]));
    &KEY
}

/// Signs checkpoints: made anew each time, since a log keeps it.
#[must_use]
pub fn log_key() -> SigningKey {
    SigningKey::from_seed([3; 32])
}

/// The key that the seeds' audit logs are verified with.
#[must_use]
pub fn log_vkey() -> &'static Vkey {
    static VKEY: LazyLock<Vkey> = LazyLock::new(|| Vkey::new(ORIGIN, log_key().public()).expect("the name is a log's"));
    &VKEY
}

/// A file below an audit log's folder, and its content.
pub type LogFile = (PathBuf, Vec<u8>);

/// Every file of a new audit log to which `change` was done.
#[must_use]
pub fn log_files(change: impl FnOnce(&mut Log) -> Result<(), LogError>) -> Vec<LogFile> {
    let storage = MemoryStorage::new();
    let log = Log::create(Arc::new(storage.clone()), ORIGIN, log_key(), NOW);
    log.and_then(|mut log| change(&mut log)).expect(NO_FAULT);
    let mut files = Vec::new();
    collect(&storage, Path::new(""), &mut files);
    files
}

fn collect(storage: &MemoryStorage, folder: &Path, files: &mut Vec<LogFile>) {
    for entry in storage.list(folder).expect(NO_FAULT) {
        let path = folder.join(&entry.name);
        if entry.kind == EntryKind::Dir {
            collect(storage, &path, files);
        } else {
            let file = storage.open(&path, OpenHow::Read).expect(NO_FAULT);
            files.push((path, file.read_all(1 << 20).expect(NO_FAULT)));
        }
    }
}

const NO_FAULT: &str = "it is in memory, and no fault was asked for";

/// A trust file's content that gives [`author_key`] to [`AUTHOR`].
#[must_use]
pub fn trust() -> &'static Trust {
    static TRUST: LazyLock<Trust> = LazyLock::new(|| {
        let key = author_key().public().to_openssh("");
        let line = format!("{AUTHOR} namespaces=\"diode-bundle\" {key}\n");
        Trust::parse(&line, "allowed_signers").expect("the line is of the form that the format's own text shows")
    });
    &TRUST
}

/// A receiver so small that the seeds' bundles fit, and little more.
pub const LIMITS: ReceptionLimits = ReceptionLimits {
    memory_bytes: 128 << 10,
    sessions: 3,
    lanes: 2,
    bundle_bytes: 32 << 10,
    idle_millis: 1000,
    signatures_per_second: ReceptionLimits::SIGNATURES_PER_SECOND,
};

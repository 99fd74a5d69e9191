//! A receiver whose log and quarantine are on a disk in memory, and bundles that arrive there: for tests.

#![allow(
    clippy::disallowed_methods,
    reason = "the operator's files are real ones, and a test prepares them"
)]

use std::path::Path;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use audit::event::{Event, EventKind};
use audit::keyfile;
use audit::log::Log;
use audit::storage::{Below, DirEntry, MemoryStorage, OpenHow, Storage};
use bytes::Bytes;
use protocol::bundle::seal::PackedHead;
use protocol::bundle::{
    Envelope, EnvelopeSignature, FileRecord, Kind, Origin, PREFIX_LEN, Prefix, Statement, verify_head,
};
use protocol::digest::{BundleId, Digest};
use protocol::keys::{Signature, SigningKey};
use protocol::limits::MAX_SIGNATURES;
use protocol::merkle::leaf_hash;
use protocol::path::BundlePath;
use protocol::reception::{ForgedBlocks, Summary};
use protocol::time::Tick;
use protocol::trust::{Role, Trust};
use protocol::wire::{Announce, Heartbeat, LinkNumber, LinkParameters, SessionId};
use scanner::engine::FingerprintKey;
use scanner::policy::Policy;
use scanner::quarantine::Quarantine;
use scanner::scan::Scanner;
use tempfile::TempDir;

use super::{Owner, OwnerError, Parts, Scan};
use crate::clock::{Wall, wall};
use crate::config::Config;
use crate::engines::Engines;
use crate::home::{self, Home};
use crate::ledger::Quotas;
use crate::outside::Outside;
use crate::retention::Retention;
use crate::serve::{Arrival, HeadAgain};

const NAME: &str = "plant-7";
/// The epoch of what comes, if no other is told.
pub(crate) const EPOCH: u64 = 1;

/// A receiver's folder, and the disk that its log and quarantine are on.
pub(crate) struct Receiver {
    folder: TempDir,
    pub(crate) disk: MemoryStorage,
    pub(crate) quotas: Quotas,
    pub(crate) retention: Retention,
}

impl Receiver {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::create(&folder.path().join("home")).unwrap();
        let write = |name: &str, text: &str| std::fs::write(home.path(name), text).unwrap();
        write(home::CONFIG, &config());
        write(home::TRUST, &trust_line());
        write(home::POLICY, Policy::default_text());
        std::fs::create_dir(home.path(home::KEYS)).unwrap();
        keyfile::create(&home.path(home::LOG_KEY), &log_key(), "log").unwrap();
        let disk = MemoryStorage::new();
        for name in [home::LOG, home::QUARANTINE] {
            disk.create_dir(Path::new(name), 0o700).unwrap();
        }
        let receiver = Self {
            folder,
            disk,
            quotas: Quotas::default(),
            retention: Retention::default(),
        };
        Log::create(receiver.below(home::LOG), "plant-7/audit", log_key(), wall()).unwrap();
        Quarantine::create(receiver.below(home::QUARANTINE)).unwrap();
        receiver.disk.sync_fs().unwrap();
        receiver
    }

    pub(crate) fn open(&self) -> Result<Owner, OwnerError> {
        let home = Home::open(&self.folder.path().join("home")).unwrap();
        let config = Config {
            quotas: self.quotas,
            retention: self.retention,
            ..Config::parse(&config(), home::CONFIG, home.dir()).unwrap()
        };
        let lock = self
            .disk
            .lock(Path::new("lock"))
            .unwrap()
            .expect("the last owner is gone");
        let parts = Parts {
            log: self.below(home::LOG),
            quarantine: self.below(home::QUARANTINE),
            engines: Engines::of(SCANNER.clone()),
            log_key: log_key(),
            wall: Wall::default(),
            outside: Outside::default(),
        };
        Owner::over(home, &config, lock, parts)
    }

    /// Lets policy release what nothing was found in, whatever looked at it.
    pub(crate) fn trust_everything(&self) {
        self.set_policy("[required]\nall = []\n");
    }

    pub(crate) fn set_policy(&self, text: &str) {
        self.write(home::POLICY, text);
    }

    /// Trusts these besides the author.
    pub(crate) fn trust_besides(&self, names: &[&str]) {
        let lines = names.iter().map(|name| line_of(name)).collect::<String>();
        self.write(home::TRUST, &(trust_line() + &lines));
    }

    /// Who signed a held bundle, as of now.
    pub(crate) fn signers(&self, owner: &Owner, id: BundleId) -> Vec<String> {
        let held = owner.quarantine().open_held(id).unwrap();
        let trust = owner.authority().trust().unwrap();
        let head = held.stored().verify(&trust, NAME, wall()).unwrap();
        head.signers().map(|signer| signer.principal.clone()).collect()
    }

    /// Trusts no author any more.
    pub(crate) fn trust_nobody(&self) {
        self.write(home::TRUST, "");
    }

    /// Writes a file of the operator's.
    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.folder.path().join("home").join(name);
        std::fs::write(path, text).unwrap();
    }

    fn below(&self, folder: &'static str) -> Arc<dyn Storage> {
        Arc::new(Below::new(Arc::new(self.disk.clone()), folder))
    }

    /// The bytes of a file in the quarantine.
    pub(crate) fn read(&self, path: &str) -> Option<Vec<u8>> {
        let path = Path::new(home::QUARANTINE).join(path);
        let file = self.disk.open(&path, OpenHow::Read).ok()?;
        Some(file.read_all(1 << 20).unwrap())
    }

    /// The names in a folder of the quarantine.
    pub(crate) fn names(&self, folder: &str) -> Vec<String> {
        let found = self.disk.list(&Path::new(home::QUARANTINE).join(folder)).unwrap();
        let name = |entry: DirEntry| entry.name.into_string().unwrap();
        found.into_iter().map(name).collect()
    }

    /// What a user does who moves the files of a released bundle elsewhere.
    pub(crate) fn take_away(&self, id: &BundleId) {
        let tree = format!("{}/released/{id}", home::QUARANTINE);
        self.disk.rename(Path::new(&tree), Path::new("taken")).unwrap();
    }

    /// Removes a file of the quarantine for good.
    pub(crate) fn remove(&self, path: &str) {
        self.disk.remove_file(&Path::new(home::QUARANTINE).join(path)).unwrap();
        self.disk.sync_fs().unwrap();
    }

    /// Cuts a file of the quarantine to a length, durably.
    pub(crate) fn truncate(&self, path: &str, len: u64) {
        let path = Path::new(home::QUARANTINE).join(path);
        self.disk.set_mode(&path, 0o600).unwrap();
        let file = self.disk.open(&path, OpenHow::Write).unwrap();
        file.set_len(len).unwrap();
        self.disk.sync_fs().unwrap();
    }

    /// Puts other bytes at the beginning of a file of the quarantine.
    pub(crate) fn overwrite(&self, path: &str, bytes: &[u8]) {
        let path = Path::new(home::QUARANTINE).join(path);
        let mode = self.disk.stat(&path).unwrap().unwrap().mode;
        self.disk.set_mode(&path, 0o600).unwrap();
        self.disk
            .open(&path, OpenHow::Write)
            .unwrap()
            .write_at(bytes, 0)
            .unwrap();
        self.disk.set_mode(&path, mode).unwrap();
    }

    /// Changes the first byte of a transmission's file, so that it is no bundle any more.
    pub(crate) fn break_spool(&self, session: SessionId) {
        let path = format!("{}/spool/{session}.part", home::QUARANTINE);
        let file = self.disk.open(Path::new(&path), OpenHow::Write).unwrap();
        file.write_at(b"?", 0).unwrap();
    }
}

/// What the log says, from its first entry on.
pub(crate) fn events(owner: &Owner) -> Vec<Event> {
    owner.log.entries(0).map(|entry| entry.unwrap().1).collect()
}

/// The bundles of all events of a kind, in their order.
pub(crate) fn bundles_of(owner: &Owner, kind: EventKind) -> Vec<BundleId> {
    let events = events(owner).into_iter().filter(|event| event.event == kind);
    events.filter_map(|event| event.bundle).collect()
}

/// A signed bundle and its file.
#[derive(Clone)]
pub(crate) struct Packed {
    pub(crate) id: BundleId,
    pub(crate) file: Vec<u8>,
    envelope_len: u32,
    head_len: u32,
}

impl Packed {
    /// Bundle after bundle, each of one small text of its own.
    pub(crate) fn numbered(number: u64) -> Self {
        let content = format!("bundle {number}\n").into_bytes();
        let statement = Statement {
            files: vec![FileRecord {
                path: BundlePath::parse("notes.txt").unwrap(),
                sha256: Digest::of(&content),
                size: content.len() as u64,
                executable: false,
            }],
            kind: Kind::Code,
            author: "alice@lab".to_owned(),
            created: wall(),
            not_after: wall().plus_millis(3_600_000),
            audience: vec![NAME.to_owned()],
            target: None,
            description: None,
            origin: Origin::default(),
            content_len: 0,
            leaf_len: 4096,
            content_root: Digest([0; 32]),
        };
        let head = PackedHead::seal(statement, vec![leaf_hash(&content)], &[&author()]).unwrap();
        Self {
            id: head.id(),
            file: [&head.prefix().emit()[..], head.head(), &content].concat(),
            envelope_len: head.prefix().envelope_len,
            head_len: u32::try_from(head.head().len()).unwrap(),
        }
    }

    /// The same bundle with as many signatures behind its author's as there may be, which prove nothing.
    pub(crate) fn with_junk(self) -> Self {
        let (head, content) = self.file[PREFIX_LEN..].split_at(self.head_len as usize);
        let (envelope, index) = head.split_at(self.envelope_len as usize);
        let junk = (1..MAX_SIGNATURES).map(|number| EnvelopeSignature {
            keyid: format!("SHA256:junk{number}"),
            sig: Signature([7; 64]),
        });
        let envelope = Envelope::parse(envelope)
            .unwrap()
            .with_signatures(junk)
            .unwrap()
            .to_bytes();
        let prefix = Prefix {
            envelope_len: envelope.len() as u32,
            index_len: index.len() as u32,
        };
        Self {
            id: self.id,
            file: [&prefix.emit()[..], &envelope, index, content].concat(),
            envelope_len: prefix.envelope_len,
            head_len: prefix.envelope_len + prefix.index_len,
        }
    }

    pub(crate) fn announce(&self, sequence: u64) -> Announce {
        self.announce_in(EPOCH, sequence)
    }

    pub(crate) fn announce_in(&self, epoch: u64, sequence: u64) -> Announce {
        Announce {
            number: LinkNumber { epoch, sequence },
            bundle: self.id,
            envelope_len: self.envelope_len,
            head_len: self.head_len,
            head_sha256: Digest([0; 32]),
            content_len: 0,
            content_root: Digest([0; 32]),
            leaf_len: 4096,
            leaves_per_block: 1,
            symbol_len: 1408,
            depth: 1,
            lanes: 1,
            max_esi: 1,
            pass: 1,
            passes: 1,
            created: wall(),
        }
    }

    /// Its head once more under another number, signed by these besides.
    pub(crate) fn come_again(&self, sequence: u64, besides: &[&str]) -> HeadAgain {
        let head = self.file.get(16..16 + self.head_len as usize).unwrap();
        let (envelope, index) = head.split_at(self.envelope_len as usize);
        let envelope = Envelope::parse(envelope).unwrap();
        let signature = |name: &&str| EnvelopeSignature {
            keyid: key_of(name).public().fingerprint().to_string(),
            sig: key_of(name).sign(envelope.pae()),
        };
        let signatures: Vec<_> = besides.iter().map(signature).collect();
        let envelope = envelope.with_signatures(signatures).unwrap().to_bytes();
        let head = Bytes::from([&envelope[..], index].concat());
        let announce = Announce {
            envelope_len: envelope.len() as u32,
            head_len: head.len() as u32,
            head_sha256: Digest::of(&head),
            ..self.announce(sequence)
        };
        let lines = besides.iter().map(|name| line_of(name)).collect::<String>();
        let trust = Trust::parse(&(trust_line() + &lines), home::TRUST).unwrap();
        HeadAgain {
            session: SessionId(1000 + sequence),
            verified: verify_head(&head, announce.envelope_len, &trust, NAME, wall()).unwrap(),
            announce,
            head,
        }
    }

    /// The bundle, complete in the spool, under a session and a sequence number of the first epoch.
    pub(crate) fn arrive(&self, owner: &Owner, session: u64, sequence: u64) -> (Arrival, Summary) {
        self.arrive_in(owner, session, EPOCH, sequence)
    }

    /// The same under a number of any epoch.
    pub(crate) fn arrive_in(&self, owner: &Owner, session: u64, epoch: u64, sequence: u64) -> (Arrival, Summary) {
        let session = SessionId(session);
        let spool = owner.quarantine().begin(session, self.file.len() as u64).unwrap();
        spool.write_at(0, &self.file).unwrap();
        let trust = Trust::parse(&trust_line(), home::TRUST).unwrap();
        let head = self.file.get(16..16 + self.head_len as usize).unwrap();
        let arrival = Arrival {
            session,
            announce: self.announce_in(epoch, sequence),
            spool,
            head: verify_head(head, self.envelope_len, &trust, NAME, wall()).unwrap(),
        };
        (arrival, summary())
    }
}

pub(crate) fn summary() -> Summary {
    Summary {
        opened: Tick(0),
        last_progress: Tick(1),
        blocks: 2,
        blocks_missing: 0,
        blocks_resumed: 0,
        head: true,
        loss_ppm: 0,
        forged: ForgedBlocks::default(),
    }
}

/// A heartbeat of a transmitter that is done with all numbers below.
pub(crate) fn heartbeat(epoch: u64, sent_below: u64) -> Heartbeat {
    Heartbeat {
        epoch,
        counter: 1,
        interval_ms: 1000,
        next: sent_below,
        sent_below,
        parameters: LinkParameters {
            symbol_len: 1408,
            block_len: 262_144,
            depth: 4,
            lanes: 1,
            max_esi: 200,
            passes: 1,
            loss_ppm: 0,
            burst: 0,
        },
        in_flight: Vec::new(),
        voids: Vec::new(),
        checkpoint: None,
    }
}

/// So many different bundles.
pub(crate) fn bundles(count: u64) -> Vec<Packed> {
    (0..count).map(Packed::numbered).collect()
}

/// All of them complete, each with its own session and number.
pub(crate) fn arrive_all(owner: &Owner, all: &[Packed]) -> Vec<(Arrival, Summary)> {
    (1..)
        .zip(all)
        .map(|(number, packed)| packed.arrive(owner, number, number))
        .collect()
}

/// The scans of all that wait for one.
pub(crate) fn scan_all(owner: &mut Owner) -> Vec<Scan> {
    let ids: Vec<_> = std::iter::from_fn(|| owner.next_unscanned()).collect();
    ids.into_iter().map(|id| scan(owner, id)).collect()
}

/// The scan of a held bundle.
pub(crate) fn scan(owner: &Owner, id: BundleId) -> Scan {
    let held = owner.quarantine().open_held(id).unwrap();
    let report = owner.scanner().scan(&held.stored().content().unwrap(), &mut |_| {});
    Scan {
        id,
        scanned: Ok((held, Box::new(report))),
        took: Duration::ZERO,
    }
}

/// One without engines: what it reports is that nothing was covered.
static SCANNER: LazyLock<Arc<Scanner>> =
    LazyLock::new(|| Arc::new(Scanner::with_engines(Vec::new(), FingerprintKey::new([7; 32])).with_workers(1)));

fn config() -> String {
    format!("[receiver]\nname = \"{NAME}\"\n[link]\nlisten = \"127.0.0.1:0\"\n")
}

fn author() -> SigningKey {
    SigningKey::from_seed([2; 32])
}

/// The key of somebody who countersigns.
fn key_of(name: &str) -> SigningKey {
    SigningKey::from_seed(Digest::of(name.as_bytes()).0)
}

fn line_of(name: &str) -> String {
    Trust::format_line(name, Role::Author, &key_of(name).public(), "").unwrap() + "\n"
}

fn log_key() -> SigningKey {
    SigningKey::from_seed([3; 32])
}

fn trust_line() -> String {
    Trust::format_line("alice@lab", Role::Author, &author().public(), "").unwrap() + "\n"
}

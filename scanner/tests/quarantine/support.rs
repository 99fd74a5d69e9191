//! Bundles, a log that gives receipts, and a look at what lies where.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, LazyLock};

use audit::event::{Event, EventKind, FindingCounts};
use audit::log::{Log, Receipt};
use audit::storage::{EntryKind, MemoryStorage, OpenHow, Storage};
use diode_scanner::policy::{Clearance, Policy};
use diode_scanner::quarantine::{
    HeldBundle, Place, Quarantine, QuarantineError, ReceivedBundle, ReleaseError, ReleasedBundle, SpoolFile,
};
use diode_scanner::report::{Coverage, Report, SCHEMA};
use protocol::bundle::seal::PackedHead;
use protocol::bundle::{FileRecord, Kind, Origin, Statement};
use protocol::digest::{BundleId, Digest};
use protocol::keys::SigningKey;
use protocol::merkle::leaf_hash;
use protocol::path::BundlePath;
use protocol::time::UnixMillis;
use protocol::trust::{Role, Trust};
use protocol::wire::SessionId;

/// 2026-11-22T09:40:58Z.
pub(crate) const NOW: UnixMillis = UnixMillis(1_795_340_458_000);
pub(crate) const RECEIVER: &str = "plant-7";
pub(crate) const SESSION: SessionId = SessionId(7);
const LEAF_LEN: u32 = 4096;

/// Path, bytes, executable; in the order of the paths.
type Files = Vec<(String, Vec<u8>, bool)>;

/// A signed bundle as bytes.
#[derive(Clone)]
pub(crate) struct Packed {
    pub(crate) id: BundleId,
    pub(crate) bytes: Vec<u8>,
    pub(crate) content_offset: usize,
    pub(crate) files: Files,
}

/// A bundle of alice's for plant-7.
pub(crate) fn pack(files: Files) -> Packed {
    let content: Vec<u8> = files.iter().flat_map(|(_, bytes, _)| bytes.clone()).collect();
    let record = |(path, bytes, executable): &(String, Vec<u8>, bool)| FileRecord {
        path: BundlePath::parse(path).unwrap(),
        sha256: Digest::of(bytes),
        size: bytes.len() as u64,
        executable: *executable,
    };
    let statement = Statement {
        files: files.iter().map(record).collect(),
        kind: Kind::Code,
        author: "alice@lab".to_owned(),
        created: NOW,
        not_after: NOW.plus_millis(30 * 24 * 60 * 60 * 1000),
        audience: vec![RECEIVER.to_owned()],
        target: None,
        description: None,
        origin: Origin::default(),
        content_len: 0,
        leaf_len: LEAF_LEN,
        content_root: Digest::of(b""),
    };
    let leaves = content.chunks(LEAF_LEN as usize).map(leaf_hash).collect();
    let head = PackedHead::seal(statement, leaves, &[&alice()]).unwrap();
    let mut bytes = head.prefix().emit().to_vec();
    bytes.extend_from_slice(head.head());
    let content_offset = bytes.len();
    bytes.extend_from_slice(&content);
    Packed {
        id: head.id(),
        bytes,
        content_offset,
        files,
    }
}

/// Folders within folders, names that begin alike, an empty file, one of several leaves, an executable one.
pub(crate) fn sample() -> Packed {
    static SAMPLE: LazyLock<Packed> = LazyLock::new(|| {
        let file = |path: &str, bytes: &[u8]| (path.to_owned(), bytes.to_vec(), path.ends_with(".sh"));
        pack(vec![
            file("a-b/x.txt", b"next to a\n"),
            file("a/deep/er/x.txt", b"below a\n"),
            file("a/empty.txt", b""),
            file("main.txt", &b"some line of text\n".repeat(700)),
            file("run.sh", b"echo hello\n"),
        ])
    });
    SAMPLE.clone()
}

/// Of more files than are synced one by one.
pub(crate) fn many() -> Packed {
    let file = |number: u32| {
        (
            format!("{}/{number:04}.txt", number / 100),
            number.to_string().into_bytes(),
            false,
        )
    };
    pack((1000..1300).map(file).collect())
}

/// Another one, smaller.
pub(crate) fn other() -> Packed {
    pack(vec![("other.txt".to_owned(), b"other\n".to_vec(), false)])
}

/// So many different ones, each of one small file.
pub(crate) fn numbered(count: u64) -> Vec<Packed> {
    let one = |number: u64| pack(vec![("n.txt".to_owned(), number.to_string().into_bytes(), false)]);
    (0..count).map(one).collect()
}

/// A file in the spool with all of a bundle's bytes.
pub(crate) fn spooled(
    quarantine: &Quarantine,
    session: u64,
    packed: &Packed,
) -> Result<(SpoolFile, BundleId), QuarantineError> {
    let spool = quarantine.begin(SessionId(session), packed.bytes.len() as u64)?;
    spool.write_at(0, &packed.bytes)?;
    Ok((spool, packed.id))
}

pub(crate) fn alice() -> SigningKey {
    SigningKey::from_seed([1; 32])
}

pub(crate) fn trust() -> Trust {
    let line = Trust::format_line("alice@lab", Role::Author, &alice().public(), "").unwrap();
    Trust::parse(&line, "allowed_signers").unwrap()
}

pub(crate) fn nobody_trusted() -> Trust {
    Trust::parse("", "allowed_signers").unwrap()
}

/// A log on a disk of its own.
pub(crate) struct Ledger(Log);

impl Ledger {
    pub(crate) fn new() -> Self {
        let key = SigningKey::from_seed([9; 32]);
        Self(Log::create(Arc::new(MemoryStorage::new()), "plant-7/audit", key, NOW).unwrap())
    }

    /// Logs an event of a bundle, and gives its receipt.
    pub(crate) fn append(&mut self, kind: EventKind, id: BundleId) -> Receipt {
        let event = Event {
            bundle: Some(id),
            ..Event::new(kind, NOW)
        };
        self.0.append(&[event]).unwrap().remove(0)
    }
}

/// The whole way into the spool.
pub(crate) fn receive(quarantine: &Quarantine, packed: &Packed) -> Result<ReceivedBundle, QuarantineError> {
    let spool = quarantine.begin(SESSION, packed.bytes.len() as u64)?;
    // In two parts, the later one first, as blocks may come.
    let (first, second) = packed.bytes.split_at(packed.bytes.len() / 2);
    spool.write_at(first.len() as u64, second)?;
    spool.write_at(0, first)?;
    finish(quarantine, spool, packed.id)
}

/// Ends the filling of one file.
pub(crate) fn finish(
    quarantine: &Quarantine,
    spool: SpoolFile,
    id: BundleId,
) -> Result<ReceivedBundle, QuarantineError> {
    quarantine.finish_all(vec![(spool, id)]).remove(0)
}

/// Admits one bundle.
pub(crate) fn hold(
    quarantine: &Quarantine,
    received: ReceivedBundle,
    admitted: Receipt,
) -> Result<HeldBundle, QuarantineError> {
    quarantine
        .hold_all(vec![(received, admitted)])
        .map(|mut held| held.remove(0))
}

/// Stores one report.
pub(crate) fn save_report(quarantine: &Quarantine, held: &HeldBundle, report: &Report) -> Result<(), QuarantineError> {
    quarantine.save_reports(&[(held, report)]).remove(0)
}

/// The whole way into held/, with a report.
pub(crate) fn admit(quarantine: &Quarantine, ledger: &mut Ledger, packed: &Packed) -> HeldBundle {
    let received = receive(quarantine, packed).unwrap();
    let admitted = ledger.append(EventKind::BundleAdmitted, packed.id);
    let held = hold(quarantine, received, admitted).unwrap();
    save_report(quarantine, &held, &report(&held)).unwrap();
    held
}

/// A report that saw nothing, which a person may release.
pub(crate) fn report(held: &HeldBundle) -> Report {
    Report {
        schema: SCHEMA,
        bundle: Some(held.id()),
        author: None,
        rules_digest: Digest::of(b"rules"),
        engines: Vec::new(),
        coverage: Coverage::default(),
        counts: FindingCounts::default(),
        counts_in_tests: FindingCounts::default(),
        findings_unlisted: 0,
        integrity: Vec::new(),
        findings: Vec::new(),
        files: Vec::new(),
        dependencies: None,
        licences: None,
    }
}

/// The same by other rules.
pub(crate) fn changed(report: &Report) -> Report {
    Report {
        rules_digest: Digest::of(b"other rules"),
        ..report.clone()
    }
}

pub(crate) fn policy() -> Policy {
    Policy::parse(Policy::default_text(), "policy.toml").unwrap()
}

/// A person's clearance for the bundle's stored report.
pub(crate) fn clear(quarantine: &Quarantine, id: BundleId) -> Clearance {
    let decision = policy().judge(&quarantine.load_report(&id).unwrap().unwrap());
    decision.clear_by_person(&id, &decision.review_code(&id)).unwrap()
}

/// A release with all that it needs.
pub(crate) fn release(
    quarantine: &Quarantine,
    ledger: &mut Ledger,
    held: HeldBundle,
) -> Result<ReleasedBundle, ReleaseError> {
    let clearance = clear(quarantine, held.id());
    let receipt = ledger.append(EventKind::BundleReleaseDecided, held.id());
    quarantine.release(held, &trust(), RECEIVER, NOW, clearance, receipt)
}

/// The places where a bundle's packed form lies, each with the right bytes.
pub(crate) fn packed_at(storage: &dyn Storage, packed: &Packed) -> Vec<Place> {
    let at = |place: &Place| read(storage, &packed_path(*place, packed.id)).is_some_and(|bytes| bytes == packed.bytes);
    Place::ALL.into_iter().filter(at).collect()
}

/// Where there is a file of the bundle's name, whatever is in it.
pub(crate) fn named_at(storage: &dyn Storage, packed: &Packed) -> Vec<Place> {
    let at = |place: &Place| read(storage, &packed_path(*place, packed.id)).is_some();
    Place::ALL.into_iter().filter(at).collect()
}

pub(crate) fn packed_path(place: Place, id: BundleId) -> String {
    format!("{place}/{id}.bundle")
}

pub(crate) fn read(storage: &dyn Storage, path: &str) -> Option<Vec<u8>> {
    storage
        .open(Path::new(path), OpenHow::Read)
        .ok()
        .map(|file| file.read_all(1 << 30).unwrap())
}

/// Every name below a folder, with the bytes of files; folders end in `/`.
pub(crate) fn everything(storage: &dyn Storage, folder: &str) -> BTreeMap<String, Vec<u8>> {
    let mut all = BTreeMap::new();
    for entry in storage.list(Path::new(folder)).unwrap() {
        let path = format!("{folder}/{}", entry.name.to_str().unwrap());
        if entry.kind == EntryKind::Dir {
            all.extend(everything(storage, &path));
            all.insert(format!("{path}/"), Vec::new());
        } else {
            let bytes = read(storage, &path).unwrap();
            all.insert(path, bytes);
        }
    }
    all
}

/// Whether `released/<id>` is there; if it is, it must be complete and hold nothing else.
pub(crate) fn is_released(storage: &dyn Storage, packed: &Packed) -> bool {
    let root = format!("released/{}", packed.id);
    if storage.stat(Path::new(&root)).unwrap().is_none() {
        return false;
    }
    let found = everything(storage, &root)
        .into_iter()
        .filter(|(path, _)| !path.ends_with('/'));
    let expected = packed
        .files
        .iter()
        .map(|(path, bytes, _)| (format!("{root}/{path}"), bytes.clone()));
    assert_eq!(
        found.collect::<BTreeMap<_, _>>(),
        expected.collect(),
        "half a tree under its final name"
    );
    true
}

/// Names that only a writer counts on.
pub(crate) fn leftovers(storage: &dyn Storage) -> Vec<String> {
    let folders = [
        "spool",
        "waiting",
        "evidence",
        "held",
        "rejected",
        "originals",
        "released",
        "reports",
    ];
    let names = folders
        .into_iter()
        .flat_map(|folder| everything(storage, folder).into_keys());
    names
        .filter(|name| name.contains("/.tmp-") || name.ends_with(".part"))
        .collect()
}

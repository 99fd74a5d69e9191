//! The bundles that simulations send: signed once a process, the same in every process.
//!
//! What policy says of a bundle stands in its paths: `allow/`, `review/`, `reject/`. Some must never be admitted, each for its own flaw.

use std::ops::Range;
use std::sync::LazyLock;

use audit::event::Verdict;
use protocol::bundle::seal::PackedHead;
use protocol::bundle::{FileRecord, Kind, Origin, Statement};
use protocol::digest::{BundleId, Digest};
use protocol::keys::SigningKey;
use protocol::merkle::leaf_hash;
use protocol::path::BundlePath;
use protocol::time::UnixMillis;
use protocol::transmission::BundleShape;
use protocol::trust::{Role, Trust};

/// When every simulation begins: 2026-11-22T09:40:58Z.
pub(super) const START: UnixMillis = UnixMillis(1_795_340_458_000);
/// The receiver's name.
pub(super) const RECEIVER: &str = "plant-7";
/// Bundles that there are.
pub(super) const POOL: usize = 256;

const AUTHOR: &str = "alice@lab";
/// Bytes of a leaf.
pub(super) const LEAF_LEN: usize = 4096;
const HOUR: u64 = 3_600_000;
/// Lengths of content, in turn: around the ends of leaves and of blocks, and mostly small.
const LENGTHS: [usize; 16] = [
    1, 700, 4096, 4097, 2000, 9000, 0, 300, 12_288, 5000, 100, 20_000, 3000, 8191, 40, 40_000,
];

/// Why a bundle must never be admitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flaw {
    /// Its author is not trusted.
    Untrusted,
    /// It is for another receiver.
    Elsewhere,
    /// It was over before the simulation began.
    Expired,
}

/// A signed bundle.
#[derive(Debug)]
pub(super) struct Bundle {
    /// Its name.
    pub(super) id: BundleId,
    /// Its file: prefix, head, content.
    pub(super) file: Vec<u8>,
    /// What announces say of it.
    pub(super) shape: BundleShape,
    /// What policy says of it.
    pub(super) verdict: Verdict,
    /// Why it must not be admitted, if it must not.
    pub(super) flaw: Option<Flaw>,
    /// Each file's path, and where its bytes are in `file`.
    pub(super) files: Vec<(String, Range<usize>)>,
}

impl Bundle {
    /// The bundle of this number.
    pub(super) fn of(number: usize) -> &'static Self {
        // A remainder is always within.
        &BUNDLES[number % POOL]
    }

    /// The bundle of this name.
    pub(super) fn named(id: &BundleId) -> Option<&'static Self> {
        BUNDLES.iter().find(|bundle| bundle.id == *id)
    }

    /// Where the content begins in the file.
    pub(super) fn content_at(&self) -> usize {
        self.file.len() - usize::try_from(self.shape.content_len).unwrap_or(0)
    }

    fn make(number: usize) -> Self {
        let (name, verdict) = match number % 5 {
            0 | 1 => ("allow", Verdict::Allow),
            2 | 3 => ("review", Verdict::Review),
            _ => ("reject", Verdict::Reject),
        };
        let flaw = match number % 16 {
            5 => Some(Flaw::Untrusted),
            9 => Some(Flaw::Elsewhere),
            13 => Some(Flaw::Expired),
            _ => None,
        };
        let content = text(number);
        let cut = content.len() / 3;
        let parts = match number % 3 {
            0 => vec![(format!("{name}/a.txt"), 0..content.len())],
            1 => vec![
                (format!("{name}/a.txt"), 0..cut),
                (format!("{name}/b/c.txt"), cut..content.len()),
            ],
            _ => vec![
                (format!("{name}/a/one.txt"), 0..cut),
                (format!("{name}/a/two.txt"), cut..cut),
                (format!("{name}/d.txt"), cut..content.len()),
            ],
        };
        let statement = statement(&content, &parts, flaw);
        let signer = match flaw {
            Some(Flaw::Untrusted) => SigningKey::from_seed([9; 32]),
            _ => author(),
        };
        let leaves = content.chunks(LEAF_LEN).map(leaf_hash).collect();
        let head = match PackedHead::seal(statement, leaves, &[&signer]) {
            Ok(head) => head,
            Err(error) => panic!("bundle {number} of the simulation is made by a rule that keeps all limits: {error}"),
        };
        let shape = BundleShape {
            bundle: head.id(),
            envelope_len: head.prefix().envelope_len,
            head_len: u32::try_from(head.head().len()).unwrap_or(u32::MAX),
            head_sha256: Digest::of(head.head()),
            content_len: content.len() as u64,
            content_root: head.statement().content_root,
            leaf_len: LEAF_LEN as u32,
        };
        let file = [&head.prefix().emit()[..], head.head(), &content].concat();
        let start = file.len() - content.len();
        let placed = |(path, range): (String, Range<usize>)| (path, start + range.start..start + range.end);
        Self {
            id: head.id(),
            file,
            shape,
            verdict,
            flaw,
            files: parts.into_iter().map(placed).collect(),
        }
    }
}

static BUNDLES: LazyLock<Vec<Bundle>> = LazyLock::new(|| (0..POOL).map(Bundle::make).collect());

fn statement(content: &[u8], parts: &[(String, Range<usize>)], flaw: Option<Flaw>) -> Statement {
    let record = |(path, range): &(String, Range<usize>)| {
        let bytes = content.get(range.clone()).unwrap_or_default();
        FileRecord {
            path: match BundlePath::parse(path) {
                Ok(path) => path,
                Err(error) => panic!("{path} is a plain path: {error}"),
            },
            sha256: Digest::of(bytes),
            size: bytes.len() as u64,
            executable: false,
        }
    };
    let audience = match flaw {
        Some(Flaw::Elsewhere) => "plant-8",
        _ => RECEIVER,
    };
    let (created, not_after) = match flaw {
        Some(Flaw::Expired) => (START.0 - 2 * HOUR, START.0 - HOUR),
        _ => (START.0, START.0 + 30 * 24 * HOUR),
    };
    Statement {
        files: parts.iter().map(record).collect(),
        kind: Kind::Code,
        author: AUTHOR.to_owned(),
        created: UnixMillis(created),
        not_after: UnixMillis(not_after),
        audience: vec![audience.to_owned()],
        target: None,
        description: None,
        origin: Origin::default(),
        content_len: 0,
        leaf_len: LEAF_LEN as u32,
        content_root: Digest([0; 32]),
    }
}

/// Plain text that no other bundle has.
fn text(number: usize) -> Vec<u8> {
    let len = LENGTHS.get(number % LENGTHS.len()).copied().unwrap_or(0);
    // The shortest of them would be alike.
    let len = if len < 64 { len + number / LENGTHS.len() } else { len };
    let mut text = Vec::with_capacity(len + 32);
    let mut line = 0;
    while text.len() < len {
        text.extend_from_slice(format!("bundle {number} line {line}\n").as_bytes());
        line += 1;
    }
    text.truncate(len);
    text
}

fn author() -> SigningKey {
    SigningKey::from_seed([2; 32])
}

/// The trusted authors, as the operator writes them.
pub(super) fn trust() -> String {
    match Trust::format_line(AUTHOR, Role::Author, &author().public(), "") {
        Ok(line) => line + "\n",
        Err(fault) => panic!("{AUTHOR} is a plain name: {fault}"),
    }
}

/// The policy, as the operator writes it: verdicts by path, whatever is in the files.
pub(super) const POLICY: &str = "[required]\nall = []\n\n\
    [[path]]\nglob = \"review/**\"\nverdict = \"review\"\n\n\
    [[path]]\nglob = \"reject/**\"\nverdict = \"reject\"\n";

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_two_bundles_are_alike() {
        let ids: BTreeSet<_> = (0..POOL).map(|number| Bundle::of(number).id).collect();
        assert_eq!(ids.len(), POOL);
    }

    #[test]
    fn a_bundles_files_are_its_content() {
        for bundle in BUNDLES.iter() {
            let (first, last) = (bundle.files.first().unwrap(), bundle.files.last().unwrap());
            assert_eq!((first.1.start, last.1.end), (bundle.content_at(), bundle.file.len()));
        }
    }
}

//! Bundles made in this process and signed with a key at hand: hundreds a second, where `diode-pack` would have to be started for each.
//!
//! ```text
//! seed, number, shape ─▶ files ─▶ leaves ─▶ PackedHead::seal ─▶ NUMBER.bundle, and what is to come out of it
//! ```
//!
//! Always true: the same seed, number and shape give the same files, and no two numbers the same bundle.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use protocol::bundle::seal::PackedHead;
use protocol::bundle::{AiShare, FileRecord, Kind, Origin, Statement};
use protocol::digest::{BundleId, Digest};
use protocol::keys::SigningKey;
use protocol::merkle::leaf_hash;
use protocol::path::BundlePath;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::clock::now;

/// What a bundle consists of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shape {
    /// Bytes of its one file, about.
    pub(crate) len: usize,
    /// Whether policy lets it through: text, which is released. Else bytes of which nobody knows what they are.
    pub(crate) harmless: bool,
}

/// Makes bundles.
#[derive(Debug)]
pub(crate) struct Mint {
    key: SigningKey,
    author: String,
    audience: String,
    folder: PathBuf,
    seed: u64,
    made: u64,
}

/// A bundle file, and what must come out of it.
#[derive(Debug, Clone)]
pub(crate) struct Minted {
    pub(crate) id: BundleId,
    pub(crate) file: PathBuf,
    /// The one file's path and digest.
    pub(crate) path: String,
    pub(crate) sha256: Digest,
}

/// Bytes of a leaf, as `diode-pack` has it.
const LEAF_LEN: u32 = 262_144;
/// How long a bundle may be admitted.
const VALID_MILLIS: u64 = 30 * 24 * 60 * 60 * 1000;

impl Mint {
    /// Makes bundles by `author` for `audience` in `folder`, of bytes drawn from `seed`.
    pub(crate) fn new(key: SigningKey, author: &str, audience: &str, folder: &Path, seed: u64) -> Self {
        Self {
            key,
            author: author.to_owned(),
            audience: audience.to_owned(),
            folder: folder.to_owned(),
            seed,
            made: 0,
        }
    }

    /// Makes the next bundle.
    ///
    /// # Errors
    /// If it can't be written.
    pub(crate) fn make(&mut self, shape: Shape) -> anyhow::Result<Minted> {
        let number = self.made;
        self.made += 1;
        let mut dice = ChaCha8Rng::seed_from_u64(self.seed);
        dice.set_stream(number);
        let (name, content) = match shape.harmless {
            true => ("readings.txt", text(&mut dice, shape.len)),
            false => ("blob.bin", noise(&mut dice, shape.len)),
        };
        let path = format!("{number:06}/{name}");
        let sha256 = Digest::of(&content);
        let packed = PackedHead::seal(
            self.statement(&path, &content, sha256)?,
            content.chunks(LEAF_LEN as usize).map(leaf_hash).collect(),
            &[&self.key],
        )?;
        let file = self.folder.join(format!("{number:06}.bundle"));
        write(&file, &[&packed.prefix().emit(), packed.head(), &content])
            .with_context(|| format!("cannot write {}", file.display()))?;
        Ok(Minted {
            id: packed.id(),
            file,
            path,
            sha256,
        })
    }

    fn statement(&self, path: &str, content: &[u8], sha256: Digest) -> anyhow::Result<Statement> {
        let created = now();
        Ok(Statement {
            files: vec![FileRecord {
                path: BundlePath::parse(path)?,
                sha256,
                size: content.len() as u64,
                executable: false,
            }],
            kind: Kind::Code,
            author: self.author.clone(),
            created,
            not_after: created.plus_millis(VALID_MILLIS),
            audience: vec![self.audience.clone()],
            target: None,
            description: None,
            origin: Origin {
                ai_generated: AiShare::None,
                ..Origin::default()
            },
            // `seal` fills in what follows from the content.
            content_len: 0,
            leaf_len: LEAF_LEN,
            content_root: Digest([0; 32]),
        })
    }
}

fn write(path: &Path, parts: &[&[u8]]) -> io::Result<()> {
    let mut file = File::create_new(path)?;
    parts.iter().try_for_each(|part| file.write_all(part))
}

/// Lines of which no two are the same.
fn text(dice: &mut ChaCha8Rng, len: usize) -> Vec<u8> {
    let mut text = Vec::with_capacity(len + 64);
    while text.len() < len.max(1) {
        let line = format!("reading {:>10}: {:>10} litres\n", text.len(), dice.next_u32());
        text.extend_from_slice(line.as_bytes());
    }
    text
}

fn noise(dice: &mut ChaCha8Rng, len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len.max(1)];
    dice.fill_bytes(&mut bytes);
    bytes
}

#[cfg(test)]
mod tests {
    use protocol::bundle::{PREFIX_LEN, Prefix, UnverifiedHead};

    use super::*;

    fn mint(folder: &Path) -> Mint {
        Mint::new(SigningKey::from_seed([5; 32]), "a@b", "r", folder, 1)
    }

    #[test]
    fn what_is_made_reads_back_as_a_bundle_of_the_file_that_was_told() {
        let folder = tempfile::tempdir().unwrap();
        let shape = Shape {
            len: 600_000,
            harmless: false,
        };
        let made = mint(folder.path()).make(shape).unwrap();
        let bytes = std::fs::read(&made.file).unwrap();
        let prefix = Prefix::parse(bytes.first_chunk().unwrap()).unwrap();
        let head_end = PREFIX_LEN + prefix.head_len() as usize;
        let head = UnverifiedHead::parse(&bytes[PREFIX_LEN..head_end], prefix.envelope_len).unwrap();
        assert_eq!((head.id, head.statement.content_len), (made.id, 600_000));
        assert_eq!(Digest::of(&bytes[head_end..]), made.sha256);
    }

    #[test]
    fn two_bundles_of_one_shape_are_two() {
        let folder = tempfile::tempdir().unwrap();
        let mut mint = mint(folder.path());
        let shape = Shape {
            len: 10,
            harmless: true,
        };
        assert_ne!(mint.make(shape).unwrap().id, mint.make(shape).unwrap().id);
    }
}

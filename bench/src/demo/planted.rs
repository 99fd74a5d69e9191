//! The folders of the demo's bad bundles, written when they are needed: nothing that looks like a secret, and no character that reorders
//! text, is in this repository.

use std::fs;
use std::io;
use std::path::Path;

use rand::{Rng, RngExt};

/// A file with a flaw, and the line that it is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Flaw {
    pub(super) path: &'static str,
    pub(super) line: u64,
}

/// The file with a credential.
pub(super) const CREDENTIAL: Flaw = Flaw {
    path: "app/settings.py",
    line: 4,
};
/// The file with text that an editor shows in another order than a compiler reads it.
pub(super) const REORDERED: Flaw = Flaw {
    path: "app/access.py",
    line: 3,
};

/// Writes a program with both flaws below `folder`.
pub(super) fn write_flawed(folder: &Path, dice: &mut impl Rng) -> io::Result<()> {
    let settings = format!(
        "\"\"\"Where the meter readings go.\"\"\"\n\nBUCKET = \"meter-readings\"\nACCESS_KEY = \"{}\"\nREGION = \"eu-central-1\"\n",
        access_key(dice)
    );
    // RLO, LRI and PDI make the comparison look like a comment (CVE-2021-42574).
    let [rlo, lri, pdi] = ['\u{202e}', '\u{2066}', '\u{2069}'];
    let access = format!(
        "\"\"\"Who may write.\"\"\"\n\nif level != \"user{rlo} {lri}# only admins{pdi} {lri}\":\n    grant_write()\n"
    );
    write(folder, CREDENTIAL.path, &settings)?;
    write(folder, REORDERED.path, &access)
}

/// Writes something harmless below `folder`.
pub(super) fn write_harmless(folder: &Path, title: &str) -> io::Result<()> {
    let text = format!("# {title}\n\nValve 7 is opened at 06:00 and closed at 22:00.\n");
    write(folder, "valve-7.md", &text)
}

fn write(folder: &Path, path: &str, text: &str) -> io::Result<()> {
    let path = folder.join(path);
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::write(path, text)
}

/// An access key id as Amazon's look: a prefix, and 16 characters of base 32. It opens nothing.
fn access_key(dice: &mut impl Rng) -> String {
    const BASE_32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let random = (0..16).map(|_| {
        BASE_32
            .get(usize::from(dice.random::<u8>() % 32))
            .copied()
            .map_or('A', char::from)
    });
    ["AK", "IA"].concat().chars().chain(random).collect()
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;

    fn flawed() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        write_flawed(folder.path(), &mut ChaCha8Rng::seed_from_u64(7)).unwrap();
        folder
    }

    fn line_of(folder: &tempfile::TempDir, flaw: Flaw) -> String {
        let text = fs::read_to_string(folder.path().join(flaw.path)).unwrap();
        text.lines().nth(flaw.line as usize - 1).unwrap().to_owned()
    }

    #[test]
    fn the_credential_is_where_it_is_said_to_be() {
        let line = line_of(&flawed(), CREDENTIAL);
        let key = line.split('"').nth(1).unwrap();
        assert_eq!((key.len(), key.starts_with("AKIA")), (20, true), "{key}");
    }

    #[test]
    fn the_reordered_line_is_where_it_is_said_to_be() {
        assert!(line_of(&flawed(), REORDERED).contains('\u{202e}'));
    }
}

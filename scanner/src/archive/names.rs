//! The names in an archive: which leave its folder, which meet, and which go through a link.

use std::collections::BTreeSet;

use protocol::limits::MAX_PATH_LEN;
use protocol::path::{BundlePath, check_set};

use super::flaw::Flaw;
use super::rules;
use crate::engine::Outcome;
use crate::finding::Severity;

/// The names of one archive so far; as many as the budget allows entries, none longer than a bundle's path.
#[derive(Debug, Default)]
pub(super) struct Names {
    files: BTreeSet<String>,
    /// In lower case: where `A` is a link, `a/b` goes through it on some systems.
    links: BTreeSet<String>,
}

impl Names {
    /// Takes the name of an entry as the archive writes it, says what is wrong with it, and gives it as it is shown.
    ///
    /// # Errors
    /// A name that is longer than a path may be ends the archive.
    pub(super) fn check(&self, raw: &str, flaws: &mut dyn FnMut(Flaw)) -> Result<String, Flaw> {
        if raw.len() > MAX_PATH_LEN {
            let message = format!("a name of {} bytes; at most {MAX_PATH_LEN} are read", raw.len());
            return Err(Flaw::new(&rules::LIMIT, message).not_seen(Outcome::OverLimit));
        }
        if let Some(why) = leaves(raw) {
            flaws(Flaw::new(&rules::SLIP, format!("the entry \"{raw}\" {why}")));
        }
        let name = plain(raw);
        let through = name
            .match_indices('/')
            .filter_map(|(at, _)| name.get(..at))
            .find(|folder| self.links.contains(&folder.to_lowercase()));
        if let Some(link) = through {
            flaws(Flaw::new(
                &rules::SLIP,
                format!("the entry \"{raw}\" is unpacked through the link \"{link}\""),
            ));
        }
        Ok(name)
    }

    /// Takes a file's name, as [`Names::check`] gave it.
    pub(super) fn add_file(&mut self, name: &str) -> Option<Flaw> {
        let again = !self.files.insert(name.to_owned()) || self.links.contains(&name.to_lowercase());
        again.then(|| Flaw::new(&rules::DUPLICATE, format!("two entries are called \"{name}\"")))
    }

    /// Takes a symbolic link.
    pub(super) fn add_link(&mut self, name: &str, target: &str) -> Flaw {
        let again = self.files.contains(name) || !self.links.insert(name.to_lowercase());
        let flaw = |rule, why: &str| Flaw::new(rule, format!("the link \"{name}\" to \"{target}\" {why}"));
        match () {
            () if again => flaw(&rules::DUPLICATE, "has the name of another entry"),
            () if link_leaves(name, target) => flaw(&rules::SLIP, "leads out of the archive's folder"),
            () => flaw(&rules::LINK, "stays inside; a bundle has no links").only(Severity::Low),
        }
    }

    /// Takes a hard link, which is a second name of an earlier file.
    pub(super) fn add_hard_link(&mut self, name: &str, target: &str) -> Flaw {
        let known = self.files.contains(&plain(target));
        if let Some(flaw) = self.add_file(name) {
            return flaw;
        }
        let flaw = |rule, why: &str| Flaw::new(rule, format!("the hard link \"{name}\" to \"{target}\" {why}"));
        if known {
            flaw(&rules::LINK, "names a file of the archive").only(Severity::Low)
        } else {
            flaw(&rules::SLIP, "names no file that came before it in the archive")
        }
    }

    /// What only shows when all names are known.
    pub(super) fn finish(&self) -> Option<Flaw> {
        let paths: Vec<_> = self
            .files
            .iter()
            .filter_map(|name| BundlePath::parse(name).ok())
            .collect();
        let error = check_set(&paths).err()?;
        Some(Flaw::new(&rules::COLLISION, error.to_string()))
    }
}

/// Without the parts that say nothing: `.`, and what is empty.
fn plain(name: &str) -> String {
    let parts: Vec<_> = name.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    parts.join("/")
}

/// Why a name unpacks outside of the folder that it is unpacked in, on one system or another.
fn leaves(name: &str) -> Option<&'static str> {
    let mut start = name.chars();
    match (start.next(), start.next()) {
        (Some('/' | '\\'), _) => return Some("starts at the root of the disk"),
        (Some(drive), Some(':')) if drive.is_ascii_alphabetic() => return Some("names a drive"),
        _ => {}
    }
    name.split(['/', '\\'])
        .any(|part| part == "..")
        .then_some("leads out of the folder that it is unpacked in")
}

/// Whether a link leads out of the archive's folder: `..` may only stand first, and no more often than there are folders to
/// leave. What follows may go through other links: each of those stays inside by the same rule.
fn link_leaves(name: &str, target: &str) -> bool {
    let up = target.split('/').take_while(|part| *part == ".." || *part == ".");
    let ups = up.filter(|part| *part == "..").count();
    let all = target.split(['/', '\\']).filter(|part| *part == "..").count();
    let drive = matches!(target.as_bytes(), [letter, b':', ..] if letter.is_ascii_alphabetic());
    target.is_empty() || target.starts_with(['/', '\\']) || drive || all != ups || ups > name.matches('/').count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_leave_their_folder_on_some_system_are_known() {
        for name in [
            "../a",
            "a/../../b",
            "/etc/passwd",
            "\\a",
            "C:\\a",
            "a\\..\\..\\b",
            "c:a",
            "..",
        ] {
            assert!(leaves(name).is_some(), "{name}");
        }
        for name in ["a", "./a/b", "a..b", "...", "a/..b/c"] {
            assert_eq!(leaves(name), None, "{name}");
        }
    }

    #[test]
    fn links_may_go_up_as_far_as_they_lie_deep_and_only_first() {
        for (name, target) in [("a/b/l", "../../c"), ("l", "a/b"), ("l", "./a"), ("a/l", "./../b")] {
            assert!(!link_leaves(name, target), "{name} to {target}");
        }
        for (name, target) in [
            ("l", ".."),
            ("a/l", "../../b"),
            ("l", "/etc"),
            ("l", ""),
            ("a/l", "b/../../.."),
        ] {
            assert!(link_leaves(name, target), "{name} to {target}");
        }
        // Where `m` is a link up to the root, `m/..` is above it.
        assert!(link_leaves("l", "a/m/.."));
    }

    #[test]
    fn an_entry_behind_a_link_is_a_slip() {
        let mut names = Names::default();
        names.add_link("a", "b");
        let mut flaws = Vec::new();
        names.check("a/c", &mut |flaw| flaws.push(flaw)).unwrap();
        assert_eq!(flaws.len(), 1);
    }
}

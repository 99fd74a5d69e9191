//! The rules that an operator installed: files in `HOME/rules`, each checked before it came there.
//!
//! ```text
//! FILE ─▶ a worker checks it ─▶ HOME/rules/.new-NAME ─▶ Maker::prepare ─▶ config.changed ─▶ HOME/rules/NAME
//! ```
//!
//! Always true:
//! - a file under its own name was read as a whole, beside all others, before it got the name;
//! - names that begin with a dot are on their way, and count for nothing;
//! - advisories are followed by newer ones alone.

use std::io;
use std::path::{Path, PathBuf};

use audit::storage::{EntryKind, Lock, OpenHow, ensure_dir, replace_durable};
use protocol::digest::Digest;
use scanner::additions::{Additions, RuleFault, RuleFile};

use crate::home::{self, Home};
use crate::owner::OwnerError;

/// What is to become of the rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// The file that lies ready under this name is to count.
    Install {
        /// Its name.
        name: String,
        /// The digest of the file that was checked.
        sha256: Digest,
    },
    /// A file is to count no more.
    Remove {
        /// Its name.
        name: String,
    },
}

/// All files that are installed.
///
/// # Errors
/// [`OwnerError::Rules`] about a name that no file of rules has; the storage's.
pub(crate) fn installed(home: &Home) -> Result<Additions, OwnerError> {
    let storage = home.storage();
    let folder = Path::new(home::RULES);
    let unreadable = |source| OwnerError::Io {
        what: format!("{} can't be read", home.path(home::RULES).display()),
        source,
    };
    if storage.stat(folder).map_err(unreadable)?.is_none() {
        return Ok(Additions::default());
    }
    let mut files = Vec::new();
    for entry in storage.list(folder).map_err(unreadable)? {
        let shown = home.path(home::RULES).join(&entry.name).display().to_string();
        let name = entry.name.to_str().unwrap_or_default();
        if entry.name.as_encoded_bytes().starts_with(b".") {
            continue;
        }
        let fault = |problem: &str| RuleFault::new(&shown, None, problem.to_owned());
        let (kind, place) = RuleFile::place(name).map_err(|fault| fault.of(&shown))?;
        if entry.kind != EntryKind::File || place != name {
            return Err(fault("it was not put there by `diode-rx rules install`; move it away").into());
        }
        let file = storage.open(&folder.join(name), OpenHow::Read);
        let bytes = file
            .and_then(|file| file.read_all(kind.max_len()))
            .map_err(unreadable)?;
        files.push(RuleFile::new(name, &shown, bytes)?);
    }
    Ok(Additions::new(files)?)
}

/// The right to change the rules; `None` if somebody is at it.
///
/// # Errors
/// The storage's.
pub(crate) fn lock(home: &Home) -> io::Result<Option<Box<dyn Lock>>> {
    ensure_dir(&*home.storage(), home::RULES.as_ref(), 0o700)?;
    home.storage().lock(&Path::new(home::RULES).join(LOCK))
}

/// Lays a file ready, for whoever changes the rules.
///
/// # Errors
/// The storage's.
pub(crate) fn stage(home: &Home, file: &RuleFile) -> io::Result<()> {
    replace_durable(&*home.storage(), &on_its_way(file.name()), file.bytes(), 0o400)
}

/// Takes away what was laid ready.
pub(crate) fn unstage(home: &Home, name: &str) {
    // What is left counts for nothing, and the next one takes its place.
    let _ = home.storage().remove_file(&on_its_way(name));
}

/// What was laid ready, if it is what was checked.
///
/// # Errors
/// [`OwnerError::Rules`] if it is something else; the storage's.
pub(crate) fn staged(home: &Home, name: &str, sha256: Digest) -> Result<RuleFile, OwnerError> {
    let (kind, name) = RuleFile::place(name)?;
    let path = on_its_way(&name);
    let read = home.storage().open(&path, OpenHow::Read);
    let bytes = read.and_then(|file| file.read_all(kind.max_len()));
    let bytes = bytes.map_err(|source| OwnerError::Io {
        what: format!(
            "{} can't be read: rules are installed by the user whom the receiver runs as",
            home.path(home::RULES).join(format!("{NEW}{name}")).display()
        ),
        source,
    })?;
    let file = RuleFile::new(&name, &name, bytes)?;
    match file.digest() == sha256 {
        true => Ok(file),
        false => Err(RuleFault::new(
            &name,
            None,
            "it is not the file that was checked; install it again".to_owned(),
        )
        .into()),
    }
}

/// Refuses advisories that are not newer than those in force.
///
/// # Errors
/// [`RuleFault`] with both versions.
pub(crate) fn check_newer(file: &RuleFile, before: Option<&RuleFile>) -> Result<(), RuleFault> {
    let Some((new, (known, before))) = file
        .advisories()
        .zip(before.and_then(|before| Some((before.advisories()?, before))))
    else {
        return Ok(());
    };
    let refuse = |problem: String| Err(RuleFault::new(file.shown(), Some(1), problem));
    if file.digest() != before.digest() && new.version <= known.version {
        return refuse(format!(
            "version {} is not newer than version {} of {}, which is in force; to go back, remove that first: diode-rx rules remove {}",
            new.version,
            known.version,
            known.issued,
            before.name()
        ));
    }
    let follows = new.version == known.version.saturating_add(1);
    match new.previous.filter(|previous| follows && *previous != before.digest()) {
        Some(previous) => refuse(format!(
            "version {} follows sha256:{previous}, and version {} in force is sha256:{}: one of the two is not its publisher's",
            new.version,
            known.version,
            before.digest()
        )),
        None => Ok(()),
    }
}

/// Puts a checked file under its own name, durably.
///
/// # Errors
/// The storage's. The name then holds the old file or, if only the last sync failed, the new one.
pub(crate) fn put(home: &Home, file: &RuleFile) -> io::Result<()> {
    let storage = home.storage();
    ensure_dir(&*storage, home::RULES.as_ref(), 0o700)?;
    replace_durable(&*storage, &in_place(file.name()), file.bytes(), 0o400)
}

/// Removes a file, durably.
///
/// # Errors
/// The storage's.
pub(crate) fn remove(home: &Home, name: &str) -> io::Result<()> {
    let storage = home.storage();
    storage.remove_file(&in_place(name))?;
    storage.sync_dir(home::RULES.as_ref())
}

/// What the paths of installed files begin with, as the log has them.
pub(crate) fn folder(home: &Home) -> String {
    format!("{}/", home.path(home::RULES).display())
}

fn in_place(name: &str) -> PathBuf {
    Path::new(home::RULES).join(name)
}

fn on_its_way(name: &str) -> PathBuf {
    in_place(&format!("{NEW}{name}"))
}

const NEW: &str = ".new-";
const LOCK: &str = ".lock";

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use audit::storage::MemoryStorage;

    use super::*;

    fn home() -> Home {
        Home::over(Arc::new(MemoryStorage::new()))
    }

    fn file(name: &str, text: &str) -> RuleFile {
        RuleFile::new(name, name, text.as_bytes().to_vec()).unwrap()
    }

    fn advisories(version: u64, previous: Option<Digest>) -> RuleFile {
        let previous = previous
            .map(|digest| format!(",\"previous\":\"{digest}\""))
            .unwrap_or_default();
        let head = format!(
            "{{\"schema\":1,\"version\":{version},\"issued\":\"2026-11-01T00:00:00Z\",\"expires\":\"2026-12-01T00:00:00Z\"{previous}}}\n"
        );
        file("advisories.jsonl", &head)
    }

    #[test]
    fn what_is_put_is_found_and_what_is_on_its_way_is_not() {
        let home = home();
        assert_eq!(installed(&home).unwrap().iter().count(), 0);
        put(&home, &file("a.txt", "pypi a\n")).unwrap();
        put(&home, &file("acme.yar", "")).unwrap();
        stage(&home, &file("acme.yar", "rule x { condition: true }")).unwrap();
        let names = || -> Vec<String> {
            installed(&home)
                .unwrap()
                .iter()
                .map(|file| file.name().to_owned())
                .collect()
        };
        assert_eq!(names(), ["acme.yar", "known-names.txt"]);
        remove(&home, "acme.yar").unwrap();
        assert_eq!(names(), ["known-names.txt"]);
    }

    #[test]
    fn what_nobody_installed_is_named() {
        let home = home();
        put(&home, &file("acme.yar", "")).unwrap();
        replace_durable(&*home.storage(), Path::new("rules/notes"), b"", 0o400).unwrap();
        assert!(installed(&home).unwrap_err().to_string().contains("rules/notes"));
    }

    #[test]
    fn what_was_laid_ready_is_taken_only_if_it_is_what_was_checked() {
        let home = home();
        let file = file("acme.yar", "one");
        ensure_dir(&*home.storage(), home::RULES.as_ref(), 0o700).unwrap();
        stage(&home, &file).unwrap();
        assert!(staged(&home, "acme.yar", Digest::of(b"two")).is_err());
        assert_eq!(staged(&home, "acme.yar", file.digest()).unwrap().bytes(), b"one");
        unstage(&home, "acme.yar");
        assert!(staged(&home, "acme.yar", file.digest()).is_err());
    }

    #[test]
    fn advisories_go_forward_and_follow_what_they_say_they_follow() {
        let seven = advisories(7, None);
        let check = |new: &RuleFile| check_newer(new, Some(&seven)).map_err(|fault| fault.problem);
        assert_eq!(check(&advisories(8, None)), Ok(()));
        assert_eq!(check(&advisories(8, Some(seven.digest()))), Ok(()));
        assert_eq!(check(&advisories(9, Some(Digest::of(b"version 8")))), Ok(()));
        assert_eq!(check(&seven), Ok(()), "again the same");
        for older in [advisories(6, None), advisories(7, Some(Digest::of(b"x")))] {
            assert!(check(&older).unwrap_err().contains("not newer"));
        }
        let other = check(&advisories(8, Some(Digest::of(b"another version 7"))));
        assert!(other.unwrap_err().contains("not its publisher's"));
    }
}

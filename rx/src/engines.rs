//! The receiver's engines: what they are made of, and those that are in force.
//!
//! ```text
//! Maker (key, lowering) + HOME/rules ─load─▶ Scanner ─▶ Engines ◀─ the thread that scans asks anew for each bundle
//!                      └─ prepare(Change) ─▶ Prepared ─▶ Owner::change_rules ─▶ Engines::replace
//! ```
//!
//! Always true: engines are made whole before they count; while others are made, and if that fails, those in force stay.

use std::io;
use std::sync::{Arc, PoisonError, RwLock};

use audit::storage::read_outside;
use protocol::digest::Digest;
use scanner::additions::{Additions, RuleFault, RuleFile};
use scanner::dependencies::AsOf;
use scanner::scan::Scanner;
use scanner::taint::lower::Lowering;

use crate::clock::wall;
use crate::home::{self, Home};
use crate::owner::OwnerError;
use crate::results;
use crate::rules::{self, Change};

/// The engines in force.
#[derive(Debug)]
pub struct Engines {
    scanner: RwLock<Arc<Scanner>>,
    as_of: AsOf,
}

impl Engines {
    /// These; advisories are judged by what `as_of` shows.
    #[must_use]
    pub fn new(scanner: Arc<Scanner>, as_of: AsOf) -> Self {
        Self {
            scanner: RwLock::new(scanner),
            as_of,
        }
    }

    /// Engines that know no advisories.
    #[must_use]
    pub fn of(scanner: Arc<Scanner>) -> Self {
        Self::new(scanner, AsOf::default())
    }

    /// Those that are in force now.
    #[must_use]
    pub fn current(&self) -> Arc<Scanner> {
        Arc::clone(&self.scanner.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Those that are in force now, for a scan that begins: advisories are judged by today's date.
    #[must_use]
    pub fn for_scan(&self) -> Arc<Scanner> {
        self.as_of.set(wall());
        self.current()
    }

    pub(crate) fn replace(&self, scanner: Arc<Scanner>) {
        *self.scanner.write().unwrap_or_else(PoisonError::into_inner) = scanner;
    }
}

/// What a receiver's engines are made of, whatever the rules.
pub struct Maker {
    home: Home,
    key: [u8; 32],
    lowering: Arc<dyn Lowering>,
    as_of: AsOf,
}

impl std::fmt::Debug for Maker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Maker({})", self.home.dir().display())
    }
}

/// A change of the rules that was found to be good, and the engines that have it.
#[derive(Debug)]
pub struct Prepared {
    pub(crate) name: String,
    /// The file; `None` if one is to go.
    pub(crate) file: Option<RuleFile>,
    /// The digest of what it takes the place of, or was.
    pub(crate) before: Option<Digest>,
    pub(crate) scanner: Arc<Scanner>,
    pub(crate) as_of: AsOf,
}

impl Maker {
    /// With the receiver's own key of fingerprints; programs are parsed by `lowering`.
    ///
    /// # Errors
    /// [`OwnerError::Io`] if the key can't be read.
    pub fn new(home: &Home, lowering: Arc<dyn Lowering>) -> Result<Self, OwnerError> {
        Ok(Self {
            home: home.clone(),
            key: read_fingerprint_key(home)?,
            lowering,
            as_of: AsOf::default(),
        })
    }

    /// The engines with what is installed, and what is kept of earlier scans.
    ///
    /// # Errors
    /// [`OwnerError::Rules`] naming the file that can't be used, and the reason.
    pub fn load(&self) -> Result<Engines, OwnerError> {
        let scanner = self.scanner(&rules::installed(&self.home)?)?;
        let scanner = Arc::new(results::load(&self.home, scanner));
        Ok(Engines::new(scanner, self.as_of.clone()))
    }

    /// The engines with what is installed, for whoever only looks at rules.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn look(&self) -> Result<Scanner, OwnerError> {
        Ok(self.scanner(&rules::installed(&self.home)?)?)
    }

    /// Makes the engines that a change asks for. Nothing is changed by it.
    ///
    /// # Errors
    /// [`OwnerError::Rules`] if the change, or what is installed besides, can't be used.
    pub fn prepare(&self, change: &Change) -> Result<Prepared, OwnerError> {
        let installed = rules::installed(&self.home)?;
        let (name, file) = match change {
            Change::Install { name, sha256 } => {
                let file = rules::staged(&self.home, name, *sha256)?;
                rules::check_newer(&file, installed.get(file.name()))?;
                (file.name().to_owned(), Some(file))
            }
            Change::Remove { name } if installed.get(name).is_none() => {
                let names: Vec<_> = installed.iter().map(RuleFile::name).collect();
                let names = if names.is_empty() {
                    "nothing".to_owned()
                } else {
                    names.join(", ")
                };
                let problem = format!("there is no such file among the rules; installed: {names}");
                return Err(RuleFault::new(name, None, problem).into());
            }
            Change::Remove { name } => (name.clone(), None),
        };
        let before = installed.get(&name).map(RuleFile::digest);
        let wanted = match &file {
            Some(file) => installed.with(file.clone())?,
            None => installed.without(&name),
        };
        let scanner = self.scanner(&wanted)?;
        Ok(Prepared {
            name,
            file,
            before,
            scanner: Arc::new(results::load(&self.home, scanner)),
            as_of: self.as_of.clone(),
        })
    }

    fn scanner(&self, additions: &Additions) -> Result<Scanner, RuleFault> {
        Scanner::with_additions(self.key, Arc::clone(&self.lowering), additions, self.as_of.clone())
    }
}

impl Prepared {
    /// The engines, for an owner that begins with them.
    #[must_use]
    pub fn engines(&self) -> Engines {
        Engines::new(Arc::clone(&self.scanner), self.as_of.clone())
    }
}

fn read_fingerprint_key(home: &Home) -> Result<[u8; 32], OwnerError> {
    let path = home.path(home::FINGERPRINT_KEY);
    let what = format!("{} can't be read; `diode-rx init` makes it", path.display());
    let bytes = read_outside(&path, 64).map_err(|source| OwnerError::Io {
        what: what.clone(),
        source,
    })?;
    bytes.try_into().map_err(|_| OwnerError::Io {
        what,
        source: io::Error::other("it has not 32 bytes"),
    })
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::disallowed_methods,
        reason = "the key is a real file, and a test prepares it"
    )]

    use scanner::content::Memory;
    use scanner::taint::lower::Nowhere;
    use tempfile::TempDir;

    use super::*;

    /// A folder with a key and these files of rules.
    fn home(files: &[(&str, &str)]) -> (Home, TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::create(&folder.path().join("home")).unwrap();
        std::fs::create_dir(home.path(home::KEYS)).unwrap();
        std::fs::write(home.path(home::FINGERPRINT_KEY), [7; 32]).unwrap();
        for (name, text) in files {
            let file = RuleFile::new(name, name, text.as_bytes().to_vec()).unwrap();
            rules::put(&home, &file).unwrap();
        }
        (home, folder)
    }

    fn maker(home: &Home) -> Maker {
        Maker::new(home, Arc::new(Nowhere)).unwrap()
    }

    #[test]
    fn advisories_are_judged_by_the_day_of_the_scan() {
        let stale =
            "{\"schema\":1,\"version\":1,\"issued\":\"2020-01-01T00:00:00Z\",\"expires\":\"2020-02-01T00:00:00Z\"}\n";
        let (home, _folder) = home(&[("advisories.jsonl", stale)]);
        let engines = maker(&home).load().unwrap();
        let content = Memory::new().with("requirements.txt", "requests==2.32.0\n");
        let is_stale = |scanner: &Scanner| {
            let findings = scanner.scan(&content, &mut |_| {}).findings;
            findings.iter().any(|finding| finding.rule == "stale-advisories")
        };
        assert!(!is_stale(&engines.current()), "nobody said what day it is");
        assert!(is_stale(&engines.for_scan()));
    }

    #[test]
    fn what_is_installed_and_cannot_be_read_makes_no_engines_and_a_change_that_mends_it_does() {
        let (home, _folder) = home(&[("acme.yar", "rule A { condition: $a }\n"), ("names.txt", "pypi a\n")]);
        let maker = maker(&home);
        let error = maker.load().unwrap_err();
        assert!(
            matches!(&error, OwnerError::Rules(fault) if fault.line == Some(1) && fault.file.ends_with("rules/acme.yar")),
            "{error}"
        );
        let name = "acme.yar".to_owned();
        let prepared = maker.prepare(&Change::Remove { name }).unwrap();
        let left: Vec<_> = prepared
            .scanner
            .additions()
            .iter()
            .map(|info| info.name.as_str())
            .collect();
        assert_eq!(left, ["known-names.txt"]);
        assert!(prepared.before.is_some());
    }
}

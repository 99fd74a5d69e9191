//! What the scanner found in files, kept in `HOME/cache` for when they come again: loaded at the start, stored by the thread that scans.
//!
//! Nothing depends on it but time: what cannot be read or written is found out again. Verdicts are not in it.

use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use audit::storage::ensure_dir;
use scanner::quarantine::Quarantine;
use scanner::scan::Scanner;

use crate::home::{self, Home};

/// Time between two writes: the file is replaced as a whole.
const BETWEEN: Duration = Duration::from_secs(60);

/// The scanner, with what is kept of earlier scans.
pub(crate) fn load(home: &Home, scanner: Scanner) -> Scanner {
    let storage = home.storage();
    if let Err(error) = ensure_dir(&*storage, home::CACHE.as_ref(), 0o700) {
        tracing::warn!(%error, "results of scans are not kept: the cache folder can't be made");
        return scanner;
    }
    let (scanner, fault) = scanner.with_results(storage, Path::new(home::RESULTS));
    if let Some(fault) = fault {
        tracing::warn!(%fault, "the results of earlier scans are not used, and replaced");
    }
    scanner
}

/// When the results are stored again.
#[derive(Debug)]
pub(crate) struct Storing {
    due: Instant,
}

impl Storing {
    pub(crate) fn new() -> Self {
        Self {
            due: Instant::now() + BETWEEN,
        }
    }

    /// A scan ended: stores what is new if the last time is long ago.
    pub(crate) fn after_scan(&mut self, quarantine: &Quarantine, scanner: &Scanner) {
        if Instant::now() >= self.due {
            store(quarantine, scanner);
            self.due = Instant::now() + BETWEEN;
        }
    }
}

/// Stores what is new, if the disk has room for what matters more.
pub(crate) fn store(quarantine: &Quarantine, scanner: &Scanner) {
    let room = quarantine
        .has_room()
        .map_err(|error| io::Error::other(error.to_string()));
    let stored = room.and_then(|room| if room { scanner.store_results() } else { Ok(()) });
    if let Err(error) = stored {
        tracing::warn!(%error, "the results of scans can't be stored");
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use audit::storage::{MemoryStorage, replace_durable};
    use scanner::content::Memory;
    use scanner::engine::FingerprintKey;
    use scanner::taint::lower::Nowhere;

    use super::*;

    fn home() -> Home {
        Home::over(Arc::new(MemoryStorage::new()))
    }

    fn scanner(home: &Home) -> Scanner {
        load(home, Scanner::with_default_engines([7; 32], Arc::new(Nowhere)))
    }

    #[test]
    fn a_home_without_the_folder_gets_it_and_what_was_found_is_stored_there() {
        let home = home();
        let scanner = scanner(&home);
        scanner.scan(&Memory::new().with("a.txt", "text"), &mut |_| {});
        let quarantine = Quarantine::create(Arc::new(MemoryStorage::new()))
            .unwrap()
            .with_reserve(0);
        store(&quarantine, &scanner);
        let stored = home.storage().stat(home::RESULTS.as_ref()).unwrap().unwrap();
        assert!(stored.len > 0);
        assert_eq!(stored.mode & 0o777, 0o600);
    }

    #[test]
    fn results_that_were_changed_are_not_used_and_nothing_is_said_otherwise() {
        let home = home();
        let scan = || scanner(&home).scan(&Memory::new().with("a.txt", "text"), &mut |_| {});
        let report = scan();
        replace_durable(&*home.storage(), home::RESULTS.as_ref(), b"changed", 0o600).unwrap();
        assert_eq!(scan(), report);
    }

    #[test]
    fn a_scanner_of_a_simulated_receiver_keeps_nothing() {
        let scanner = Scanner::with_engines(Vec::new(), FingerprintKey::new([7; 32]));
        assert!(scanner.store_results().is_ok());
    }
}

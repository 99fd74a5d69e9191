//! After a round: the receiver's folders against its log, and what is in them against what was sent.
//!
//! | the log says | packed form, as it was sent | files |
//! |---|---|---|
//! | HELD | held/ | – |
//! | RELEASED | originals/ | released/ID, with the digest that was signed |
//! | REJECTED | rejected/ | – |
//!
//! Nothing else may lie in any of the folders: no transmission in the spool, no unfinished tree, report or file of the log.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context as _, bail, ensure};
use audit::event::State;
use protocol::digest::{BundleId, Digest};

use super::account::{Account, Admitted};
use crate::compare::same_bytes;
use crate::mint::Minted;

/// What was sent, by its id.
pub(super) type Sent = BTreeMap<BundleId, Minted>;

/// Checks that each admitted bundle lies where the log says, and nothing else anywhere.
///
/// # Errors
/// What is missing, or too much.
pub(super) fn check_names(home: &Path, account: &Account) -> anyhow::Result<()> {
    let quarantine = home.join("quarantine");
    let expected = |state: State, suffix: &str| -> BTreeSet<String> {
        let of_state = account.admitted().iter().filter(|(_, bundle)| bundle.state == state);
        of_state.map(|(id, _)| format!("{id}{suffix}")).collect()
    };
    let folders = [
        ("held", expected(State::Held, ".bundle")),
        ("originals", expected(State::Released, ".bundle")),
        ("rejected", expected(State::Rejected, ".bundle")),
        // One transmitter, which gives each number once: nobody has to wait.
        ("waiting", BTreeSet::new()),
        ("evidence", BTreeSet::new()),
        ("released", expected(State::Released, "")),
    ];
    for (folder, expected) in folders {
        let found = names(&quarantine.join(folder))?;
        let missing: Vec<_> = expected.difference(&found).collect();
        let surplus: Vec<_> = found.difference(&expected).collect();
        ensure!(
            missing.is_empty() && surplus.is_empty(),
            "quarantine/{folder}: missing by the log {missing:?}, there without it {surplus:?}"
        );
    }
    for name in names(&quarantine.join("reports"))? {
        let id = name.strip_suffix(".json").and_then(|id| id.parse::<BundleId>().ok());
        let known = id.is_some_and(|id| account.admitted().contains_key(&id));
        ensure!(known, "quarantine/reports: {name} belongs to no admitted bundle");
    }
    Ok(())
}

/// Checks the bytes of one bundle.
///
/// # Errors
/// If they are not what was sent.
pub(super) fn check_bytes(home: &Path, sent: &Minted, bundle: &Admitted) -> anyhow::Result<()> {
    let quarantine = home.join("quarantine");
    let folder = match bundle.state {
        State::Held => "held",
        State::Released => "originals",
        State::Rejected => "rejected",
        State::Waiting | State::Evidence => bail!("{} is admitted by the log, and {:?} too", sent.id, bundle.state),
    };
    let packed = quarantine.join(folder).join(format!("{}.bundle", sent.id));
    ensure!(
        same_bytes(&sent.file, &packed)?,
        "{} is not what was sent",
        packed.display()
    );
    if bundle.state == State::Released {
        let tree = quarantine.join("released").join(sent.id.to_string());
        let file = tree.join(&sent.path);
        let bytes = fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
        ensure!(
            Digest::of(&bytes) == sent.sha256,
            "{} is not what was signed",
            file.display()
        );
    }
    Ok(())
}

/// Checks that what is on its way to its name is not left in a receiver's own folder.
fn check_no_leftovers(folder: &Path) -> anyhow::Result<()> {
    let unfinished: Vec<_> = names(folder)?
        .into_iter()
        .filter(|name| name.starts_with(".tmp-") || name.ends_with(".new"))
        .collect();
    ensure!(
        unfinished.is_empty(),
        "{}: unfinished files {unfinished:?}",
        folder.display()
    );
    Ok(())
}

/// Checks that a log has no file left that is on its way to its name.
fn check_log_folder(log: &Path) -> anyhow::Result<()> {
    let unfinished = names(&log.join(".state/tmp"))?;
    ensure!(
        unfinished.is_empty(),
        "{}: unfinished files {unfinished:?}",
        log.display()
    );
    Ok(())
}

/// Checks that a transmitter's folder holds a state and nothing unfinished.
///
/// # Errors
/// What is too much.
pub(super) fn check_state(state: &Path) -> anyhow::Result<()> {
    check_no_leftovers(state)?;
    check_log_folder(&state.join("log"))
}

/// Checks that each admission has the number that the transmitter gave.
///
/// # Errors
/// The first that has another.
pub(super) fn check_numbers(account: &Account, given: &BTreeMap<BundleId, (String, u64)>) -> anyhow::Result<()> {
    for (id, bundle) in account.admitted() {
        let number = given.get(id);
        ensure!(
            number == Some(&(bundle.epoch.clone(), bundle.seq)),
            "{id} was admitted as {} of {}, and the transmitter gave it {number:?}",
            bundle.seq,
            bundle.epoch
        );
    }
    Ok(())
}

/// Checks that a receiver has nothing under way: no transmission in the spool, no file on its way to its name.
///
/// # Errors
/// What there is.
pub(super) fn check_quiet(home: &Path) -> anyhow::Result<()> {
    let spooled = names(&home.join("quarantine/spool"))?;
    ensure!(spooled.is_empty(), "in the spool: {spooled:?}");
    check_no_leftovers(home)?;
    check_log_folder(&home.join("log"))
}

/// The names in a folder; one that is not there has none.
fn names(folder: &Path) -> anyhow::Result<BTreeSet<String>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(BTreeSet::new()),
        entries => entries.with_context(|| format!("cannot list {}", folder.display()))?,
    };
    let name = |entry: std::io::Result<fs::DirEntry>| Ok(entry?.file_name().to_string_lossy().into_owned());
    entries.map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn home() -> tempfile::TempDir {
        let home = tempfile::tempdir().unwrap();
        for folder in [
            "held",
            "originals",
            "rejected",
            "released",
            "spool",
            "reports",
            "waiting",
            "evidence",
        ] {
            fs::create_dir_all(home.path().join("quarantine").join(folder)).unwrap();
        }
        fs::create_dir_all(home.path().join("log/.state/tmp")).unwrap();
        home
    }

    #[test]
    fn folders_without_anything_fit_a_log_without_admissions() {
        let home = home();
        check_names(home.path(), &Account::default()).unwrap();
        check_quiet(home.path()).unwrap();
    }

    #[test]
    fn what_lies_there_without_an_entry_is_found_wherever_it_is() {
        let id = "0".repeat(64);
        let strays = [
            format!("quarantine/held/{id}.bundle"),
            format!("quarantine/waiting/{id}.bundle"),
            format!("quarantine/evidence/{id}.bundle"),
            format!("quarantine/spool/{id}.bundle"),
            "quarantine/spool/0000000000000001.part".to_owned(),
            format!("quarantine/released/.tmp-{id}"),
            format!("quarantine/reports/.tmp-{id}.json"),
            ".tmp-high-water".to_owned(),
            "log/.state/tmp/checkpoint".to_owned(),
        ];
        for stray in strays {
            let home = home();
            fs::write(home.path().join(&stray), b"x").unwrap();
            let checked = check_names(home.path(), &Account::default()).and_then(|()| check_quiet(home.path()));
            assert!(checked.is_err(), "{stray}");
        }
    }

    #[test]
    fn bytes_that_changed_are_found() {
        let home = home();
        let file = home.path().join("sent");
        fs::write(&file, b"as sent").unwrap();
        let sent = Minted {
            id: BundleId(Digest([1; 32])),
            path: "a".to_owned(),
            sha256: Digest::of(b"as sent"),
            file,
        };
        let bundle = Admitted {
            seq: 1,
            epoch: "e".to_owned(),
            state: State::Held,
            settled: true,
        };
        let held = home.path().join(format!("quarantine/held/{}.bundle", sent.id));
        fs::write(&held, b"as sent").unwrap();
        check_bytes(home.path(), &sent, &bundle).unwrap();
        fs::write(&held, b"as cent").unwrap();
        assert!(check_bytes(home.path(), &sent, &bundle).is_err());
    }
}

//! The shape of the workspace: which crate may know which, and what stands in one place alone.
//!
//! Each check is a function over texts, and has a test in which it fails.

// What goes wrong in preparing a test ends it.
#![allow(
    clippy::unwrap_used,
    reason = "a test prepares files by itself, and fails by panicking"
)]

mod arrows;
mod confined;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use arrows::{ARROWS, FORBIDDEN_IN_PROTOCOL, forbidden_dependencies, wrong_arrows};
use confined::{CONFINED, Confined, strays, test_only, without_forbid};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The sources below each crate's `src`, but for files that hold tests alone.
fn sources() -> BTreeMap<String, String> {
    let mut sources = BTreeMap::new();
    let mut folders: Vec<PathBuf> = ARROWS
        .iter()
        .map(|(folder, _)| PathBuf::from(folder).join("src"))
        .collect();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(root().join(&folder)).unwrap() {
            let entry = entry.unwrap();
            let path = folder.join(entry.file_name());
            match entry.file_type().unwrap().is_dir() {
                true => folders.push(path),
                false if path.extension().is_some_and(|extension| extension == "rs") => {
                    sources.insert(path.to_str().unwrap().to_owned(), read(&path));
                }
                false => {}
            }
        }
    }
    let test_only = test_only(&sources);
    sources.retain(|path, _| {
        !test_only
            .iter()
            .any(|test| path == test || path.starts_with(&format!("{}/", test.trim_end_matches(".rs"))))
    });
    assert!(sources.len() > 100, "only {} sources were found", sources.len());
    sources
}

#[test]
fn every_arrow_between_the_crates_is_one_that_may_be() {
    let workspace = read("Cargo.toml");
    let wrong: Vec<_> = ARROWS
        .iter()
        .flat_map(|(folder, _)| wrong_arrows(folder, &read(format!("{folder}/Cargo.toml")), &workspace))
        .collect();
    assert_eq!(wrong, [""; 0]);
}

#[test]
fn every_crate_of_the_workspace_has_its_arrows_written_down() {
    let workspace: Table = toml::from_str(&read("Cargo.toml")).unwrap();
    let mut members: Vec<_> = workspace["workspace"]["members"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_str)
        .collect();
    let mut known: Vec<_> = ARROWS.iter().map(|(folder, _)| *folder).collect();
    members.sort_unstable();
    known.sort_unstable();
    assert_eq!(members, known);
}

#[test]
fn protocol_depends_on_nothing_that_has_a_clock_a_socket_or_chance() {
    let found = forbidden_dependencies(
        &read("protocol/Cargo.toml"),
        &read("Cargo.toml"),
        &FORBIDDEN_IN_PROTOCOL,
    );
    assert_eq!(found, [""; 0]);
}

#[test]
fn what_is_confined_stands_nowhere_else() {
    let sources = sources();
    for confined in &CONFINED {
        let strays = strays(confined, &sources);
        assert!(
            strays.is_empty(),
            "{}: {strays:?} may only be in {:?}",
            confined.why,
            confined.places
        );
    }
}

#[test]
fn what_is_confined_is_still_where_it_is_said_to_be() {
    let sources = sources();
    for confined in &CONFINED {
        let everywhere = Confined {
            places: &[],
            ..*confined
        };
        // Where nothing is found the check would hold for being blind.
        assert!(!strays(&everywhere, &sources).is_empty(), "{}", confined.why);
    }
}

#[test]
fn every_crate_without_unsafe_code_forbids_it() {
    let safe = ARROWS
        .iter()
        .map(|(folder, _)| *folder)
        .filter(|folder| !["hw", "protocol"].contains(folder));
    let roots = safe
        .map(|folder| format!("{folder}/src/lib.rs"))
        .map(|path| (path.clone(), read(&path)))
        .collect();
    assert_eq!(without_forbid(&roots), [""; 0]);
    assert!(read("protocol/src/lib.rs").contains("#![deny(unsafe_code)]"));
}

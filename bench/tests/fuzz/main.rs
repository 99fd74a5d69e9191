//! Every fuzz target over its seeds, and over the first of its changed inputs.
//!
//! The seeds are in `tests/corpus/TARGET/`. Those that a recipe makes (`recipes/`) are stored anew by
//! `cargo test -p diode-bench --test fuzz -- --ignored` after a change of a format; `found-*` are inputs that once failed, and stay.

// What goes wrong in preparing a test ends it.
#![allow(
    clippy::unwrap_used,
    reason = "a test prepares values by itself, and fails by panicking"
)]

mod recipes;

use std::collections::BTreeSet;
use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

use diode_bench::fuzz::{Corpus, TARGETS, Target, input};

fn corpora() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus")
}

fn target(name: &str) -> (&'static Target, Corpus) {
    let target = Target::named(name).unwrap_or_else(|| panic!("there is no target {name}"));
    let corpus = Corpus::read(&corpora(), name).unwrap_or_else(|error| panic!("{error}"));
    (target, corpus)
}

/// A test of its own for each target, so that they run side by side and fail by name.
macro_rules! targets {
    ($($name:ident),* $(,)?) => {
        $(mod $name {
            #[test]
            fn every_seed_holds() {
                super::every_seed_holds(stringify!($name));
            }

            #[test]
            fn the_first_changed_inputs_hold() {
                super::the_first_changed_inputs_hold(stringify!($name));
            }
        })*

        const TESTED: &[&str] = &[$(stringify!($name)),*];
    };
}

targets![
    header,
    announce,
    heartbeat,
    frame,
    symbols,
    resend,
    sequences,
    prefix,
    envelope,
    statement,
    head,
    signed_head,
    paths,
    allowed_signers,
    public_key,
    signing_key,
    vkey,
    checkpoint,
    entry,
    log,
    wal,
    tiles,
    scan,
    reception,
];

fn every_seed_holds(name: &str) {
    let (target, corpus) = target(name);
    for (seed, bytes) in corpus.seeds() {
        assert!(
            catch_unwind(|| (target.run)(bytes)).is_ok(),
            "tests/corpus/{name}/{seed}"
        );
    }
}

fn the_first_changed_inputs_hold(name: &str) {
    let (target, corpus) = target(name);
    for number in 0..target.rounds_in_tests {
        let input = input(target, &corpus, number);
        assert!(
            catch_unwind(|| (target.run)(&input)).is_ok(),
            "input {number}: diode-bench fuzz {name} --from {number} --rounds 1 writes it to a file"
        );
    }
}

#[test]
fn every_target_is_tested_here() {
    let names: Vec<_> = TARGETS.iter().map(|target| target.name).collect();
    assert_eq!(names, TESTED);
}

#[test]
fn every_folder_of_seeds_is_a_targets() {
    let folders = fs::read_dir(corpora()).unwrap();
    let folders: BTreeSet<_> = folders
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert!(
        folders
            .iter()
            .map(String::as_str)
            .eq(TESTED.iter().copied().collect::<BTreeSet<_>>())
    );
}

#[test]
fn todays_code_makes_every_stored_seed() {
    let mut made = BTreeSet::new();
    for (target, name, bytes) in recipes::all() {
        let path = corpora().join(target).join(name);
        assert!(
            fs::read(&path).is_ok_and(|stored| stored == bytes),
            "{} is another one",
            path.display()
        );
        made.insert((target.to_owned(), name.to_owned()));
    }
    for target in TESTED {
        for (seed, _) in Corpus::read(&corpora(), target).unwrap().seeds() {
            let known = seed.starts_with("found-") || made.contains(&((*target).to_owned(), seed.to_owned()));
            assert!(known, "{target}/{seed} is neither made nor found");
        }
    }
}

#[test]
fn no_seed_looks_like_a_private_key() {
    for target in TESTED {
        for (seed, bytes) in Corpus::read(&corpora(), target).unwrap().seeds() {
            let found = bytes.windows(11).any(|window| window == b"PRIVATE KEY");
            assert!(!found, "{target}/{seed}");
        }
    }
}

#[test]
#[ignore = "writes the seeds: only after a wanted change of a format, or of the recipes"]
fn store_the_seeds() {
    for (target, name, bytes) in recipes::all() {
        let folder = corpora().join(target);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(name), bytes).unwrap();
    }
}

//! Folders outside of git: what is taken, what is left out, what is written.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use rustix::process::{Pid, Signal, kill_process};

use crate::desk::{Desk, PACK, Ran};

#[test]
fn everything_below_the_folder_is_taken_but_what_belongs_to_git() {
    let desk = Desk::with(&[
        ("a.rs", "a"),
        ("sub/b.rs", "b"),
        ("sub/.git/config", "x"),
        (".hidden", "h"),
    ]);
    desk.put("worktree/.git", "gitdir: elsewhere");
    assert_eq!(desk.would_take(&[]), [".hidden", "a.rs", "sub/b.rs"]);
}

#[test]
fn it_says_that_it_takes_everything_and_why() {
    let desk = Desk::with(&[("a", "a")]);
    let ran = desk.run(&["pack", "../tree", "--dry-run"]).done();
    assert!(ran.out.contains("all files (not a git work tree)"), "{}", ran.out);
}

#[test]
fn without_git_on_the_machine_everything_is_taken_and_it_says_so() {
    let desk = Desk::with(&[("a", "a")]);
    let ran = Ran::of(
        desk.command()
            .args(["pack", "../tree", "--dry-run"])
            .env("PATH", "/nowhere")
            .output()
            .unwrap(),
    );
    assert!(ran.done().out.contains("no git on this machine"));
}

#[test]
fn an_excluded_file_is_left_out_and_named() {
    let desk = Desk::with(&[("a.rs", "a"), ("b.log", "b"), ("sub/c.log", "c")]);
    let found = desk.dry_run(&["--exclude", "*.log"]);
    assert_eq!(found["files"].as_array().unwrap().len(), 1);
    assert_eq!(
        found["left_out"]["excluded"],
        serde_json::json!({"count": 2, "first": ["b.log", "sub/c.log"]})
    );
}

#[test]
fn the_ignore_file_leaves_out_and_is_itself_packed() {
    let desk = Desk::with(&[
        (".diodeignore", "target/\n*.tmp\n!keep.tmp\n"),
        ("a", "a"),
        ("x.tmp", "x"),
        ("keep.tmp", "k"),
    ]);
    desk.put("target/debug/big", "b");
    let found = desk.dry_run(&[]);
    assert_eq!(desk.would_take(&[]), [".diodeignore", "a", "keep.tmp"]);
    assert_eq!(
        found["left_out"]["ignored"],
        serde_json::json!({"count": 2, "first": ["target/", "x.tmp"]})
    );
}

#[test]
fn an_ignore_file_in_a_folder_below_says_nothing() {
    let desk = Desk::with(&[("sub/.diodeignore", "*"), ("sub/a", "a")]);
    assert_eq!(desk.would_take(&[]), ["sub/.diodeignore", "sub/a"]);
}

#[test]
fn what_is_left_out_is_named_in_text_by_its_reason() {
    let desk = Desk::with(&[("a", "a"), ("b.log", "b")]);
    let ran = desk.pack(&["--exclude", "*.log"]).done();
    assert!(ran.out.contains("left out  1 by --exclude: b.log\n"), "{}", ran.out);
}

#[test]
fn a_pattern_that_cannot_be_read_is_refused_with_its_place() {
    let desk = Desk::with(&[("a", "a"), (".diodeignore", "ok\n[z-a]\n")]);
    desk.pack(&[]).refused(2, &[".diodeignore line 2", "[z-a]", "mend"]);
    desk.pack(&["--exclude", "a[", "--exclude", "b"])
        .refused(2, &["--exclude", "a["]);
    assert!(desk.written().is_empty());
}

#[test]
fn a_dry_run_writes_nothing_and_needs_no_key() {
    let desk = Desk::with(&[("a", "abc"), ("run.sh", "#!/bin/sh\n")]);
    desk.set_mode("tree/run.sh", 0o755);
    let found = desk.dry_run(&[]);
    assert_eq!(
        found["files"],
        serde_json::json!([
            {"path": "a", "size": 3, "executable": false},
            {"path": "run.sh", "size": 10, "executable": true}
        ])
    );
    assert!(desk.written().is_empty());
}

#[test]
fn a_bundle_is_named_after_folder_and_id() {
    let desk = Desk::with(&[("a", "a")]);
    let packed = desk.pack(&["--json"]).done().json();
    let id = packed["bundle"].as_str().unwrap();
    assert_eq!(desk.written(), [format!("tree-{}.bundle", &id[..8])]);
    assert_eq!(packed["file"].as_str().unwrap(), desk.written()[0]);
}

#[test]
fn the_json_says_what_was_packed() {
    let desk = Desk::with(&[("a", "12345"), ("b", "")]);
    let packed = desk
        .pack(&["--json", "--leaf-len", "4096", "--audience", "plant-8,plant-9"])
        .done()
        .json();
    assert_eq!(packed["schema"], 1);
    assert_eq!(
        (&packed["files"], &packed["bytes"], &packed["leaves"]),
        (&2.into(), &5.into(), &1.into())
    );
    assert_eq!(packed["audience"], serde_json::json!(["plant-7", "plant-8", "plant-9"]));
    assert_eq!(
        (packed["author"].as_str(), packed["source"]["files"].as_str()),
        (Some("alice@lab"), Some("all"))
    );
}

#[test]
fn the_text_says_who_signed_what_for_whom() {
    let desk = Desk::with(&[("a", "12345")]);
    let ran = desk.pack(&["-o", "x.bundle"]).done();
    for words in [
        "x.bundle",
        "1 file, 5 B, 1 leaf",
        "alice@lab, key SHA256:",
        "plant-7",
        "good for  until ",
    ] {
        assert!(ran.out.contains(words), "{words:?} is not in {}", ran.out);
    }
}

#[test]
fn an_existing_file_is_never_overwritten() {
    let desk = Desk::with(&[("a", "a")]);
    fs::write(desk.out().join("x.bundle"), "mine").unwrap();
    desk.pack(&["-o", "x.bundle"])
        .refused(2, &["x.bundle", "overwritten", "-o"]);
    assert_eq!(fs::read_to_string(desk.out().join("x.bundle")).unwrap(), "mine");
    assert_eq!(desk.written(), ["x.bundle"]);
}

#[test]
fn a_bundle_is_no_more_readable_than_its_files() {
    let desk = Desk::with(&[("a", "a"), ("b", "b")]);
    desk.set_mode("tree/a", 0o644);
    desk.set_mode("tree/b", 0o600);
    let bundle = desk.bundle(&[]);
    assert_eq!(fs::metadata(bundle).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_folder_of_empty_files_can_be_packed_and_inspected() {
    let desk = Desk::with(&[("a", ""), ("b/c", "")]);
    let bundle = desk.bundle(&[]);
    desk.run(&["inspect", bundle.to_str().unwrap()]).done();
}

#[test]
fn the_claims_given_are_in_the_statement() {
    let desk = Desk::with(&[("a", "a")]);
    let given = [
        "--target",
        "billing",
        "--description",
        "two\nlines",
        "--tool",
        "claude-code",
        "--model",
        "m1",
        "--ai-generated",
        "full",
    ];
    let bundle = desk.bundle(&given);
    let claimed = desk.run(&["inspect", "--json", bundle.to_str().unwrap()]).done().json()["claimed"].clone();
    assert_eq!(
        (&claimed["target"], &claimed["description"]),
        (&"billing".into(), &"two\nlines".into())
    );
    assert_eq!(
        claimed["origin"],
        serde_json::json!({"tool": "claude-code", "model": "m1", "ai_generated": "full"})
    );
}

#[test]
fn a_bundle_ends_after_thirty_days_unless_told_otherwise() {
    let desk = Desk::with(&[("a", "a")]);
    let days = |packed: serde_json::Value| {
        let time = |field: &str| packed[field].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
        (time("not_after") - time("created")).total(jiff::Unit::Hour).unwrap() / 24.0
    };
    assert_eq!(days(desk.pack(&["--json", "-o", "x"]).done().json()), 30.0);
    assert_eq!(
        days(desk.pack(&["--json", "-o", "y", "--not-after", "36h"]).done().json()),
        1.5
    );
}

#[test]
fn a_folder_packed_into_itself_is_told_about_its_earlier_bundles() {
    let desk = Desk::with(&[("a", "a")]);
    let first = desk.pack(&["-o", "../tree/x.bundle"]).done();
    assert!(!first.err.contains("note"), "{}", first.err);
    let second = desk.pack(&["-o", "../tree/y.bundle"]).done();
    assert!(second.err.contains("1 bundle file is among the files") && second.err.contains("--exclude '*.bundle'"));
}

#[test]
fn an_interrupt_leaves_neither_bundle_nor_temporary_file() {
    let desk = Desk::new();
    // Large enough that the signal comes while it is packed, and takes no room as it is all hole.
    fs::File::create(desk.tree().join("hole"))
        .unwrap()
        .set_len(1 << 28)
        .unwrap();
    let child = desk
        .command()
        .args(PACK)
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    while desk.written().is_empty() {
        std::thread::yield_now();
    }
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    Ran::of(child.wait_with_output().unwrap()).refused(1, &["interrupted; nothing was written"]);
    assert!(desk.written().is_empty(), "{:?}", desk.written());
}

#[test]
fn the_help_of_a_verb_has_an_example() {
    let desk = Desk::new();
    for verb in ["keygen", "pack", "inspect"] {
        assert!(
            desk.run(&[verb, "--help"])
                .done()
                .out
                .contains(&format!("Example:\n  diode-pack {verb} ")),
            "{verb}"
        );
    }
}

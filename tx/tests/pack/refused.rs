//! What can't be packed is refused before anything is written, by name, with the way out.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::os::unix::net::UnixListener;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use rustix::fs::{CWD, FileType, Mode, mknodat};

use crate::desk::{BINARY, Desk, PACK, Ran};

/// Asserts that packing is refused with these words and writes nothing, and that the `--exclude`s it offers leave just `rest`.
fn refused_with_way_out(desk: &Desk, words: &[&str], rest: &[&str]) {
    let ran = desk.pack(&[]).refused(2, words);
    assert!(desk.written().is_empty(), "{:?}", desk.written());
    let offered = ran
        .err
        .lines()
        .filter_map(|line| line.trim().strip_prefix("--exclude "));
    let script = offered
        .map(|word| format!("--exclude {word}"))
        .collect::<Vec<_>>()
        .join(" ");
    // Through a shell, as they would be typed.
    let line = format!("exec {BINARY} pack ../tree --dry-run --json {script}");
    let ran = Ran::of(
        Command::new("sh")
            .arg("-c")
            .arg(line)
            .current_dir(desk.out())
            .output()
            .unwrap(),
    )
    .done();
    let taken: Vec<_> = ran.json()["files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|file| file["path"].clone())
        .collect();
    assert_eq!(taken, rest);
}

#[test]
fn a_symbolic_link_is_refused() {
    let desk = Desk::with(&[("a", "a")]);
    symlink("/etc/passwd", desk.tree().join("it's a link")).unwrap();
    refused_with_way_out(
        &desk,
        &["1 path", "it's a link: a symbolic link", r"--exclude '/it'\''s a link'"],
        &["a"],
    );
}

#[test]
fn a_link_to_a_folder_is_refused_and_not_looked_through() {
    let desk = Desk::with(&[("a", "a")]);
    symlink("/etc", desk.tree().join("etc")).unwrap();
    refused_with_way_out(&desk, &["1 path", "etc: a symbolic link"], &["a"]);
}

#[test]
fn a_pipe_and_a_socket_are_refused() {
    let desk = Desk::with(&[("a", "a")]);
    mknodat(
        CWD,
        desk.tree().join("pipe"),
        FileType::Fifo,
        Mode::from_raw_mode(0o644),
        0,
    )
    .unwrap();
    let _socket = UnixListener::bind(desk.tree().join("socket")).unwrap();
    refused_with_way_out(
        &desk,
        &["2 paths", "pipe: a device, pipe or socket", "socket: a device"],
        &["a"],
    );
}

#[test]
fn a_device_is_refused() {
    let desk = Desk::with(&[("a", "a")]);
    let made = mknodat(
        CWD,
        desk.tree().join("null"),
        FileType::CharacterDevice,
        Mode::from_raw_mode(0o644),
        0x103,
    );
    if made.is_err() {
        eprintln!("a_device_is_refused: skipped, making a device takes more rights");
        return;
    }
    refused_with_way_out(&desk, &["null: a device"], &["a"]);
}

#[test]
fn a_name_that_is_not_utf8_is_refused_and_shown_escaped() {
    let desk = Desk::with(&[("a", "a")]);
    fs::write(desk.tree().join(OsStr::from_bytes(b"caf\xe9.txt")), "x").unwrap();
    refused_with_way_out(&desk, &[r"caf\xe9.txt: the name is not UTF-8", "'/caf?.txt'"], &["a"]);
}

#[test]
fn names_that_another_system_reads_otherwise_are_refused() {
    let desk = Desk::with(&[("a", "a"), ("b:c", "x"), ("sub/con.txt", "x"), ("end.", "x")]);
    refused_with_way_out(
        &desk,
        &["3 paths", "b:c: ", "Windows", "sub/con.txt: ", "end.: "],
        &["a"],
    );
}

#[test]
fn a_name_with_a_control_character_cannot_act_on_the_terminal() {
    let desk = Desk::with(&[("a", "a"), ("x\u{1b}[2Jy", "x"), ("z\u{202e}w", "x")]);
    refused_with_way_out(&desk, &["2 paths", r"x\u{1b}[2Jy", r"z\u{202e}w"], &["a"]);
}

#[test]
fn names_that_are_one_without_case_are_refused() {
    let desk = Desk::with(&[("README", "x"), ("readme", "y"), ("a", "a")]);
    let ran = desk.pack(&[]).refused(2, &["1 path", "README", "readme", "same name"]);
    assert!(
        ran.err.contains("--exclude /README") || ran.err.contains("--exclude /readme"),
        "{}",
        ran.err
    );
    assert!(desk.written().is_empty());
}

#[test]
fn every_pair_of_names_that_are_one_is_named() {
    let desk = Desk::with(&[
        ("A", "x"),
        ("a", "y"),
        ("B", "x"),
        ("b", "y"),
        ("c", "c"),
        ("u\u{308}", "x"),
        ("\u{fc}", "y"),
    ]);
    desk.pack(&[]).refused(2, &["3 paths"]);
}

#[test]
fn of_many_offences_twenty_are_named_and_the_rest_counted() {
    let desk = Desk::with(&[("a", "a")]);
    for number in 0..25 {
        symlink("a", desk.tree().join(format!("link{number:02}"))).unwrap();
    }
    let ran = desk.pack(&[]).refused(2, &["25 paths", "link19: ", "and 5 more"]);
    assert!(!ran.err.contains("link20"), "{}", ran.err);
}

#[test]
fn an_empty_folder_is_refused() {
    let desk = Desk::new();
    desk.pack(&[]).refused(2, &["no file to pack"]);
    assert!(desk.written().is_empty());
}

#[test]
fn a_folder_of_which_all_is_left_out_is_refused_and_says_by_what() {
    let desk = Desk::with(&[("a.log", "a")]);
    desk.pack(&["--exclude", "*"])
        .refused(2, &["no file to pack", "1 by --exclude"]);
}

#[test]
fn what_is_not_a_folder_is_refused() {
    let desk = Desk::with(&[("a", "a")]);
    desk.run(&["pack", "../tree/a", "--dry-run"])
        .refused(2, &["no folder to pack", "../tree/a"]);
    desk.run(&["pack", "../nowhere", "--dry-run"])
        .refused(2, &["no folder to pack", "../nowhere"]);
}

#[test]
fn a_key_that_others_can_read_is_refused_with_its_mend() {
    let desk = Desk::with(&[("a", "a")]);
    for mode in [0o640, 0o604] {
        desk.set_mode("alice.key", mode);
        desk.pack(&[]).refused(2, &["alice.key", "chmod 600"]);
    }
    assert!(desk.written().is_empty());
}

#[test]
fn a_key_that_is_not_there_or_is_public_is_refused() {
    let desk = Desk::with(&[("a", "a")]);
    let with_key = |key| desk.run(&["pack", "../tree", "--key", key, "--author", "a", "--audience", "r"]);
    with_key("../bob.key").refused(2, &["../bob.key"]);
    with_key("../alice.key.pub").refused(2, &["alice.key.pub", "public key"]);
}

#[test]
fn names_of_people_and_receivers_are_checked() {
    let desk = Desk::with(&[("a", "a")]);
    let named = |author, receiver| {
        desk.run(&[
            "pack",
            "../tree",
            "--key",
            "../alice.key",
            "--author",
            author,
            "--audience",
            receiver,
        ])
    };
    for author in ["", "a\nb", "a b", "a\u{202e}b"] {
        named(author, "plant-7").refused(2, &["author", "--author"]);
    }
    for receiver in ["", "plant\u{7}"] {
        named("alice@lab", receiver).refused(2, &["audience", "--audience"]);
    }
    assert!(desk.written().is_empty());
}

#[test]
fn texts_that_could_act_on_a_terminal_are_refused_by_their_option() {
    let desk = Desk::with(&[("a", "a")]);
    for option in ["--target", "--description", "--tool", "--model"] {
        desk.pack(&[option, "x\u{1b}[2J"]).refused(2, &[option]);
    }
    assert!(desk.written().is_empty());
}

#[test]
fn an_end_that_is_past_or_cannot_be_read_is_refused() {
    let desk = Desk::with(&[("a", "a")]);
    for end in ["0d", "2001-01-01T00:00:00Z", "soon"] {
        desk.pack(&["--not-after", end]).refused(2, &["--not-after", "30d"]);
    }
}

#[test]
fn a_leaf_length_that_is_no_power_of_two_is_refused() {
    let desk = Desk::with(&[("a", "a")]);
    for len in ["5000", "2048", "524288"] {
        desk.pack(&["--leaf-len", len]).refused(2, &["power of two"]);
    }
}

#[test]
fn a_bundle_into_a_folder_that_is_not_there_is_refused() {
    let desk = Desk::with(&[("a", "a")]);
    desk.pack(&["-o", "nowhere/x.bundle"]).refused(2, &["nowhere"]);
    desk.pack(&["-o", ".."]).refused(2, &["names no file"]);
}

/// Runs the program with `args` as a user without rights, who owns the key and the folder worked in.
fn run_unprivileged(desk: &Desk, args: &[&str]) -> Ran {
    const NOBODY: u32 = 65_534;
    // Where this test's binary lies, nobody may be able to look.
    let binary = desk.root().join("diode-pack");
    // By another process: a descriptor of this one, open for writing, could be inherited by a test beside and make the file busy.
    assert!(Command::new("cp").arg(BINARY).arg(&binary).status().unwrap().success());
    fs::set_permissions(desk.root(), fs::Permissions::from_mode(0o755)).unwrap();
    for owned in [desk.out(), desk.key()] {
        chown(owned, Some(NOBODY), Some(NOBODY)).unwrap();
    }
    let mut command = Command::new(binary);
    command
        .args(args)
        .current_dir(desk.out())
        .stdin(Stdio::null())
        .uid(NOBODY)
        .gid(NOBODY);
    Ran::of(command.output().unwrap())
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

#[test]
fn an_unreadable_file_is_refused() {
    if !is_root() {
        eprintln!("an_unreadable_file_is_refused: skipped, only root can drop rights");
        return;
    }
    let desk = Desk::with(&[("a", "a"), ("secret", "s")]);
    desk.set_mode("tree/secret", 0o000);
    run_unprivileged(&desk, &PACK).refused(2, &["1 path", "secret: can't be read", "--exclude /secret"]);
    assert!(desk.written().is_empty());
    run_unprivileged(&desk, &[&PACK[..], &["--exclude", "/secret"]].concat()).done();
}

#[test]
fn an_unreadable_folder_is_refused() {
    if !is_root() {
        eprintln!("an_unreadable_folder_is_refused: skipped, only root can drop rights");
        return;
    }
    let desk = Desk::with(&[("a", "a"), ("private/s", "s")]);
    desk.set_mode("tree/private", 0o700);
    run_unprivileged(&desk, &PACK).refused(2, &["1 path", "private: can't be read", "--exclude /private"]);
    assert!(desk.written().is_empty());
    run_unprivileged(&desk, &[&PACK[..], &["--exclude", "/private"]].concat()).done();
}

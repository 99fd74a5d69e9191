//! Git work trees: tracked files, commit and dirty state, and repositories that mean harm.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::process::{Command, Stdio};

use crate::desk::{Desk, PACK, Ran};

/// A desk whose `tree` is a repository with `a.rs` and `sub/b.rs` committed, or `None`, said by name, if there is no git here.
fn repository(test: &str) -> Option<Desk> {
    if Command::new("git")
        .arg("--version")
        .stdout(Stdio::null())
        .status()
        .is_err()
    {
        eprintln!("{test}: skipped, there is no git on this machine");
        return None;
    }
    let desk = Desk::with(&[("a.rs", "a"), ("sub/b.rs", "b")]);
    git(&desk, &["init", "--quiet"]);
    commit(&desk);
    Some(desk)
}

fn git(desk: &Desk, args: &[&str]) {
    let mut command = Command::new("git");
    command
        .arg("-C")
        .arg(desk.tree())
        .args(["-c", "user.name=Alice", "-c", "user.email=alice@lab.example"]);
    command
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1");
    let status = command
        .args(args)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success(), "git {args:?}");
}

fn commit(desk: &Desk) {
    git(desk, &["add", "--all"]);
    git(desk, &["commit", "--quiet", "--message", "x"]);
}

fn head(desk: &Desk) -> String {
    let output = Command::new("git")
        .arg("-C")
        .arg(desk.tree())
        .args(["rev-parse", "HEAD"])
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Whether the dry run calls the tree dirty.
fn is_dirty(desk: &Desk) -> bool {
    desk.dry_run(&[])["source"]["dirty"].as_bool().unwrap()
}

#[test]
fn only_tracked_files_are_taken_and_the_others_are_named() {
    let Some(desk) = repository("only_tracked_files_are_taken_and_the_others_are_named") else {
        return;
    };
    desk.put("notes.txt", "n");
    desk.put("target/debug/x", "x");
    assert_eq!(desk.would_take(&[]), ["a.rs", "sub/b.rs"]);
    let left_out = desk.dry_run(&[])["left_out"]["untracked"].clone();
    assert_eq!(
        left_out,
        serde_json::json!({"count": 2, "first": ["notes.txt", "target/"]})
    );
    let said = desk.run(&["pack", "../tree", "--dry-run"]).done().out;
    assert!(
        said.contains("tracked files of a git work tree") && said.contains("2 not tracked by git"),
        "{said}"
    );
}

#[test]
fn a_tree_as_committed_is_clean_and_names_its_commit() {
    let Some(desk) = repository("a_tree_as_committed_is_clean_and_names_its_commit") else {
        return;
    };
    let source = desk.dry_run(&[])["source"].clone();
    assert_eq!(
        source,
        serde_json::json!({"files": "tracked", "commit": head(&desk), "dirty": false})
    );
}

#[test]
fn a_changed_file_is_packed_as_it_is_and_makes_the_tree_dirty() {
    let Some(desk) = repository("a_changed_file_is_packed_as_it_is_and_makes_the_tree_dirty") else {
        return;
    };
    desk.put("a.rs", "changed");
    let bundle = desk.bundle(&[]);
    let seen = desk
        .run(&["inspect", "--json", "--files", bundle.to_str().unwrap()])
        .done()
        .json();
    assert_eq!(seen["files"][0]["size"], 7);
    assert_eq!(seen["claimed"]["origin"]["dirty"], true);
    assert_eq!(seen["claimed"]["origin"]["commit"], head(&desk));
}

#[test]
fn a_staged_change_makes_the_tree_dirty() {
    let Some(desk) = repository("a_staged_change_makes_the_tree_dirty") else {
        return;
    };
    desk.put("c.rs", "c");
    git(&desk, &["add", "c.rs"]);
    assert!(is_dirty(&desk));
    assert_eq!(desk.would_take(&[]), ["a.rs", "c.rs", "sub/b.rs"]);
}

#[test]
fn a_file_touched_but_not_changed_leaves_the_tree_clean() {
    let Some(desk) = repository("a_file_touched_but_not_changed_leaves_the_tree_clean") else {
        return;
    };
    let past = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
    fs::File::options()
        .write(true)
        .open(desk.tree().join("a.rs"))
        .unwrap()
        .set_modified(past)
        .unwrap();
    assert!(!is_dirty(&desk));
}

#[test]
fn a_folder_below_the_top_is_packed_from_itself_on_and_judged_by_itself() {
    let name = "a_folder_below_the_top_is_packed_from_itself_on_and_judged_by_itself";
    let Some(desk) = repository(name) else { return };
    desk.put("a.rs", "changed outside of the folder");
    let found = desk.run(&["pack", "../tree/sub", "--dry-run", "--json"]).done().json();
    assert_eq!(found["files"][0]["path"], "b.rs");
    assert_eq!(found["source"]["dirty"], false);
}

#[test]
fn all_takes_untracked_files_too_and_calls_that_dirty() {
    let Some(desk) = repository("all_takes_untracked_files_too_and_calls_that_dirty") else {
        return;
    };
    desk.put("notes.txt", "n");
    assert_eq!(desk.would_take(&["--all"]), ["a.rs", "notes.txt", "sub/b.rs"]);
    let source = desk.dry_run(&["--all"])["source"].clone();
    assert_eq!(
        source,
        serde_json::json!({"files": "all", "commit": head(&desk), "dirty": true})
    );
}

#[test]
fn all_of_a_tree_without_untracked_files_is_clean() {
    let Some(desk) = repository("all_of_a_tree_without_untracked_files_is_clean") else {
        return;
    };
    assert_eq!(desk.dry_run(&["--all"])["source"]["dirty"], false);
}

#[test]
fn a_tree_before_its_first_commit_has_none_and_is_dirty() {
    let Some(desk) = repository("a_tree_before_its_first_commit_has_none_and_is_dirty") else {
        return;
    };
    fs::remove_dir_all(desk.tree().join(".git")).unwrap();
    git(&desk, &["init", "--quiet"]);
    git(&desk, &["add", "a.rs"]);
    let found = desk.dry_run(&[]);
    assert_eq!(found["source"], serde_json::json!({"files": "tracked", "dirty": true}));
    assert_eq!(found["files"].as_array().unwrap().len(), 1);
}

#[test]
fn excluded_and_ignored_apply_to_tracked_files() {
    let Some(desk) = repository("excluded_and_ignored_apply_to_tracked_files") else {
        return;
    };
    desk.put(".diodeignore", "sub/\n");
    desk.put("c.rs", "c");
    commit(&desk);
    assert_eq!(desk.would_take(&["--exclude", "c.*"]), [".diodeignore", "a.rs"]);
}

#[test]
fn a_tracked_file_that_was_deleted_is_an_error_with_its_mend() {
    let Some(desk) = repository("a_tracked_file_that_was_deleted_is_an_error_with_its_mend") else {
        return;
    };
    fs::remove_file(desk.tree().join("a.rs")).unwrap();
    desk.pack(&[])
        .refused(2, &["a.rs", "git restore", "git rm", "--exclude /a.rs"]);
    assert!(desk.written().is_empty());
    assert_eq!(desk.would_take(&["--exclude", "/a.rs"]), ["sub/b.rs"]);
}

#[test]
fn a_deleted_tracked_folder_can_be_left_out_as_one() {
    let Some(desk) = repository("a_deleted_tracked_folder_can_be_left_out_as_one") else {
        return;
    };
    fs::remove_dir_all(desk.tree().join("sub")).unwrap();
    desk.pack(&[]).refused(2, &["sub/b.rs"]);
    assert_eq!(desk.would_take(&["--exclude", "sub/"]), ["a.rs"]);
}

#[test]
fn a_file_in_the_place_of_a_tracked_folder_is_not_taken_for_tracked() {
    let name = "a_file_in_the_place_of_a_tracked_folder_is_not_taken_for_tracked";
    let Some(desk) = repository(name) else { return };
    fs::remove_dir_all(desk.tree().join("sub")).unwrap();
    desk.put("sub", "untracked");
    assert_eq!(desk.would_take(&["--exclude", "sub/*"]), ["a.rs"]);
}

#[test]
fn a_link_in_the_place_of_a_tracked_folder_is_refused_once() {
    let Some(desk) = repository("a_link_in_the_place_of_a_tracked_folder_is_refused_once") else {
        return;
    };
    fs::rename(desk.tree().join("sub"), desk.root().join("elsewhere")).unwrap();
    symlink("../elsewhere", desk.tree().join("sub")).unwrap();
    desk.pack(&[])
        .refused(2, &["1 path can't be packed", "sub: a symbolic link"]);
}

#[test]
fn an_untracked_link_is_merely_left_out() {
    let Some(desk) = repository("an_untracked_link_is_merely_left_out") else {
        return;
    };
    symlink("a.rs", desk.tree().join("link")).unwrap();
    assert_eq!(desk.would_take(&[]), ["a.rs", "sub/b.rs"]);
}

#[test]
fn a_submodule_is_refused_with_the_exclude_that_leaves_it_out() {
    let Some(desk) = repository("a_submodule_is_refused_with_the_exclude_that_leaves_it_out") else {
        return;
    };
    let entry = format!("160000,{},lib/other", head(&desk));
    git(&desk, &["update-index", "--add", "--cacheinfo", &entry]);
    desk.put("lib/other/x.rs", "x");
    desk.pack(&[])
        .refused(2, &["lib/other", "submodule", "--exclude /lib/other"]);
    assert_eq!(desk.would_take(&["--exclude", "/lib/other"]), ["a.rs", "sub/b.rs"]);
}

#[test]
fn a_folder_with_nothing_tracked_is_refused_with_the_way_out() {
    let Some(desk) = repository("a_folder_with_nothing_tracked_is_refused_with_the_way_out") else {
        return;
    };
    desk.put("new/x", "x");
    desk.run(&["pack", "../tree/new", "--dry-run"])
        .refused(2, &["no file to pack", "1 not tracked", "--all"]);
}

#[test]
fn a_repository_that_git_will_not_read_is_refused_unless_all_is_asked_for() {
    let name = "a_repository_that_git_will_not_read_is_refused_unless_all_is_asked_for";
    let Some(desk) = repository(name) else { return };
    fs::write(desk.tree().join(".git/config"), "[broken").unwrap();
    desk.pack(&[]).refused(2, &["git can't say", "config", "--all"]);
    assert_eq!(desk.would_take(&["--all"]), ["a.rs", "sub/b.rs"]);
}

#[test]
fn a_repository_of_somebody_else_is_refused_with_what_git_says_to_do() {
    let name = "a_repository_of_somebody_else_is_refused_with_what_git_says_to_do";
    let Some(desk) = repository(name) else { return };
    if !rustix::process::geteuid().is_root() {
        eprintln!("{name}: skipped, only root can give files away");
        return;
    }
    for path in ["", ".git"] {
        chown(desk.tree().join(path), Some(65_534), Some(65_534)).unwrap();
    }
    // git trusts the user whom sudo names, too.
    let mut command = desk.command();
    command
        .args(PACK)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env_remove("SUDO_UID");
    Ran::of(command.output().unwrap()).refused(2, &["dubious ownership", "git says", "safe.directory", "--all"]);
}

#[test]
fn variables_that_point_git_elsewhere_are_not_heard() {
    let Some(desk) = repository("variables_that_point_git_elsewhere_are_not_heard") else {
        return;
    };
    let mut command = desk.command();
    command
        .args(PACK)
        .args(["--json", "-o", "x"])
        .env("GIT_DIR", "/nowhere")
        .env("GIT_INDEX_FILE", "/nowhere/index");
    let packed = Ran::of(command.env("GIT_WORK_TREE", "/").output().unwrap())
        .done()
        .json();
    assert_eq!(packed["source"]["commit"], head(&desk));
}

/// A repository whose own configuration names a program, in a setting that git runs when it is asked for the tree's state.
fn hostile(test: &str, setting: &str) -> Option<(Desk, std::path::PathBuf)> {
    let desk = repository(test)?;
    let (script, mark) = (desk.root().join("harm.sh"), desk.root().join("harmed"));
    fs::write(&script, format!("#!/bin/sh\ntouch {}\ncat\n", mark.display())).unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    desk.put(".gitattributes", "*.rs filter=harm\n");
    commit(&desk);
    git(&desk, &["config", setting, script.to_str().unwrap()]);
    // Same length, another time: git has to read the file to know, and filters what it reads.
    desk.put("a.rs", "b");
    Some((desk, mark))
}

#[test]
fn a_filter_of_the_repositorys_own_is_not_run() {
    let Some((desk, mark)) = hostile("a_filter_of_the_repositorys_own_is_not_run", "filter.harm.clean") else {
        return;
    };
    assert!(is_dirty(&desk));
    assert!(!mark.exists());
    git(&desk, &["status"]);
    assert!(mark.exists(), "git itself would have run it");
}

#[test]
fn a_filter_that_cannot_be_switched_off_by_name_is_not_run() {
    let name = "a_filter_that_cannot_be_switched_off_by_name_is_not_run";
    let Some((desk, mark)) = hostile(name, "filter.ha=rm.clean") else {
        return;
    };
    desk.put(".gitattributes", "*.rs filter=ha=rm\n");
    assert!(is_dirty(&desk));
    assert!(!mark.exists());
    git(&desk, &["status"]);
    assert!(mark.exists(), "git itself would have run it");
}

#[test]
fn a_file_system_monitor_of_the_repositorys_own_is_not_run() {
    let name = "a_file_system_monitor_of_the_repositorys_own_is_not_run";
    let Some((desk, mark)) = hostile(name, "core.fsmonitor") else {
        return;
    };
    desk.dry_run(&[]);
    assert!(!mark.exists());
    git(&desk, &["status"]);
    assert!(mark.exists(), "git itself would have run it");
}

#[test]
fn asking_git_changes_nothing_in_the_repository() {
    let Some(desk) = repository("asking_git_changes_nothing_in_the_repository") else {
        return;
    };
    let past = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
    fs::File::options()
        .write(true)
        .open(desk.tree().join("a.rs"))
        .unwrap()
        .set_modified(past)
        .unwrap();
    let index = || fs::read(desk.tree().join(".git/index")).unwrap();
    let before = index();
    desk.dry_run(&[]);
    assert_eq!(index(), before);
}

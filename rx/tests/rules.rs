//! Rules that an operator installs, by the binary: with a receiver that runs and without, and what is refused.
//!
//! On a kernel without Landlock or seccomp nothing can be installed; the tests that need it say so, and pass.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test prepares files by itself, and fails by panicking"
)]

use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

const BINARY: &str = env!("CARGO_BIN_EXE_diode-rx");

const YARA: &str = "rule Forbidden_Word {\n  strings:\n    $a = \"acme forbidden word\"\n  condition:\n    $a\n}\n";
const OTHER_YARA: &str = "rule Other_Word {\n  strings:\n    $a = \"acme other word\"\n  condition:\n    $a\n}\n";
const BROKEN_YARA: &str = "rule Forbidden_Word {\n  condition:\n    $a\n}\n";
const PYTHON: &str = r#"
language = "python"

[[rule]]
id = "acme-run"
title = "text of a sender in acme's runner"
cwe = 78
severity = "high"
confidence = "high"
message = "acme.run gives its argument to a shell"
mend = "use acme.run_list"
kind = "command"
sink = [{ call = ["acme.run"], arg = [0] }]
bad = ["import acme\nfrom flask import request\nacme.run(request.args['x'])\n"]
good = ["import acme\nacme.run('ls')\n"]
"#;

fn advisories(version: u64) -> String {
    format!(
        "{{\"schema\":1,\"version\":{version},\"issued\":\"2026-11-01T00:00:00Z\",\"expires\":\"2096-12-01T00:00:00Z\"}}\n"
    )
}

struct Receiver {
    folder: TempDir,
}

impl Receiver {
    fn new() -> Self {
        let receiver = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        receiver.done(&["init", "--name", "plant-7", "--listen", "127.0.0.1:0"]);
        let key = protocol::keys::SigningKey::from_seed([1; 32]).public();
        std::fs::write(receiver.home().join("link.pub"), key.to_openssh("link") + "\n").unwrap();
        receiver
    }

    fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(BINARY);
        command.arg("--home").arg(self.home()).args(args);
        command
    }

    fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    fn done(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert!(output.status.success(), "{args:?}: {}", text(&output.stderr));
        text(&output.stdout)
    }

    /// Writes a file beside the receiver's folder, and installs it; `None`, and a line that says so, where no worker can be confined.
    fn try_install(&self, name: &str, contents: &str) -> Option<Output> {
        let path = self.folder.path().join(name);
        std::fs::write(&path, contents).unwrap();
        let output = self.run(&["rules", "install", path.to_str().unwrap()]);
        if text(&output.stderr).contains("could not be checked") {
            let test = std::thread::current().name().unwrap_or_default().to_owned();
            eprintln!("skipped: {test}: {}", text(&output.stderr));
            return None;
        }
        Some(output)
    }

    /// The names and digests of what is installed.
    fn installed(&self) -> Vec<(String, String)> {
        let lines = self.done(&["rules", "list", "--json"]);
        let objects = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let files = objects.filter(|object| object["kind"] != "engine" && object["kind"] != "rules");
        let word = |object: &Value, key: &str| object[key].as_str().unwrap().to_owned();
        files
            .map(|object| (word(&object, "name"), word(&object, "sha256")))
            .collect()
    }

    /// The digest of all rules.
    fn rules(&self) -> String {
        let lines = self.done(&["rules", "list", "--json"]);
        let last: Value = serde_json::from_str(lines.lines().last().unwrap()).unwrap();
        last["sha256"].as_str().unwrap().to_owned()
    }

    /// The events about rules.
    fn changes(&self) -> Vec<Value> {
        let lines = self.done(&["tail", "--no-follow", "--json", "-n", "1000"]);
        let events = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        events
            .filter(|event| {
                event["event"] == "config.changed"
                    && event["reason"].as_str().is_some_and(|why| why.starts_with("rules-"))
            })
            .collect()
    }
}

struct Serving(Child);

impl Serving {
    fn start(receiver: &Receiver) -> Self {
        let mut child = receiver
            .command(&["serve"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut ready = String::new();
        BufReader::new(child.stdout.as_mut().unwrap())
            .read_line(&mut ready)
            .unwrap();
        assert!(ready.starts_with("ready"), "{ready}");
        Self(child)
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Installs, replaces and removes a pack, and looks at what is in force and on record.
fn install_replace_remove(receiver: &Receiver) {
    let plain = receiver.rules();
    let Some(output) = receiver.try_install("acme.yar", YARA) else {
        return;
    };
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let [(name, first)] = receiver.installed().try_into().unwrap();
    assert_eq!(name, "acme.yar");
    let with_pack = receiver.rules();
    assert_ne!(plain, with_pack);
    assert!(text(&output.stdout).contains(&with_pack), "{}", text(&output.stdout));
    let explained = receiver.done(&["rules", "explain", "acme:forbidden-word"]);
    assert!(explained.contains("malware"), "{explained}");

    receiver.try_install("acme.yar", OTHER_YARA).unwrap();
    let [(_, second)] = receiver.installed().try_into().unwrap();
    receiver.done(&["rules", "remove", "acme.yar"]);
    assert_eq!(receiver.rules(), plain);

    let changes = receiver.changes();
    let told: Vec<_> = changes
        .iter()
        .map(|event| (event["digest"].as_str(), event["digest_before"].as_str()))
        .collect();
    let (first, second) = (first.as_str(), second.as_str());
    assert_eq!(
        told,
        [(Some(first), None), (Some(second), Some(first)), (None, Some(second))]
    );
    assert!(
        changes
            .iter()
            .all(|event| event["actor"].as_str().unwrap().starts_with("uid "))
    );
    assert_eq!(changes[0]["rules"], with_pack.as_str());
    assert_eq!(changes[2]["rules"], plain.as_str());
}

#[test]
fn a_pack_is_installed_replaced_and_removed_with_the_receiver_stopped() {
    install_replace_remove(&Receiver::new());
}

#[test]
fn a_pack_is_installed_replaced_and_removed_at_a_receiver_that_runs_and_is_not_told_again_at_its_next_start() {
    let receiver = Receiver::new();
    let serving = Serving::start(&receiver);
    install_replace_remove(&receiver);
    let before = receiver.changes().len();
    let Some(output) = receiver.try_install("acme.yar", YARA) else {
        return;
    };
    assert!(output.status.success(), "{}", text(&output.stderr));
    drop(serving);
    let _serving = Serving::start(&receiver);
    assert_eq!(receiver.changes().len(), before + 1, "{:?}", receiver.changes());
}

#[test]
fn a_file_with_a_fault_is_refused_with_its_line_and_the_rules_in_force_stay() {
    let receiver = Receiver::new();
    let Some(_) = receiver.try_install("acme.yar", YARA) else {
        return;
    };
    let before = (receiver.rules(), receiver.changes().len());
    for (name, contents, expected) in [
        ("acme.yar", BROKEN_YARA.to_owned(), "acme.yar:3: "),
        ("acme.toml", PYTHON.replace("cwe = 78", "cwe = x"), "acme.toml:7: "),
        (
            "acme.toml",
            PYTHON.replace("request.args['x']", "'ls'"),
            "acme.toml:5: rule acme-run: it does not find",
        ),
        ("acme.txt", "pypi requests\nrequests\n".to_owned(), "acme.txt:2: "),
        ("osv.jsonl", advisories(7) + "{}\n", "osv.jsonl:2: "),
        ("acme.rules", String::new(), "the ending says what it is"),
    ] {
        let output = receiver.try_install(name, &contents).unwrap();
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(
            said.contains(expected) && said.contains("nothing was changed"),
            "{said}"
        );
        assert_eq!((receiver.rules(), receiver.changes().len()), before, "{name}");
    }
    let names: Vec<_> = std::fs::read_dir(receiver.home().join("rules"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert!(
        names.iter().all(|name| name == "acme.yar" || name == ".lock"),
        "{names:?}"
    );
}

#[test]
fn what_does_not_fit_beside_the_rest_is_refused_too() {
    let receiver = Receiver::new();
    let Some(_) = receiver.try_install("acme.toml", PYTHON) else {
        return;
    };
    let before = receiver.rules();
    // The same id in another file, which is good by itself.
    let output = receiver.try_install("acme-too.toml", PYTHON).unwrap();
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("acme-run") && said.contains("taken"), "{said}");
    assert_eq!(receiver.rules(), before);
}

#[test]
fn installed_files_are_their_owners_alone() {
    let receiver = Receiver::new();
    let Some(_) = receiver.try_install("acme.yar", YARA) else {
        return;
    };
    let mode = |name: &str| {
        std::fs::metadata(receiver.home().join(name))
            .unwrap()
            .permissions()
            .mode()
            & 0o777
    };
    assert_eq!((mode("rules"), mode("rules/acme.yar")), (0o700, 0o400));
}

#[test]
fn older_advisories_are_refused_and_a_list_says_how_new_those_in_force_are() {
    let receiver = Receiver::new();
    let Some(_) = receiver.try_install("osv-7.jsonl", &advisories(7)) else {
        return;
    };
    let listed = receiver.done(&["rules", "list"]);
    assert!(
        listed.contains("advisories.jsonl") && listed.contains("version 7 of 2026-11-01"),
        "{listed}"
    );
    let older = receiver.try_install("osv-6.jsonl", &advisories(6)).unwrap();
    assert_eq!(older.status.code(), Some(2));
    assert!(
        text(&older.stderr).contains("version 6 is not newer than version 7"),
        "{}",
        text(&older.stderr)
    );
    let newer = receiver.try_install("osv-8.jsonl", &advisories(8)).unwrap();
    assert!(newer.status.success(), "{}", text(&newer.stderr));
}

#[test]
fn a_file_that_was_broken_by_hand_keeps_the_receiver_from_starting_until_it_is_removed() {
    let receiver = Receiver::new();
    let Some(_) = receiver.try_install("acme.yar", YARA) else {
        return;
    };
    let path = receiver.home().join("rules/acme.yar");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    std::fs::write(&path, BROKEN_YARA).unwrap();
    let output = receiver.run(&["serve"]);
    assert_eq!(output.status.code(), Some(2));
    let said = text(&output.stderr);
    assert!(
        said.contains("rules/acme.yar:3: ") && said.contains("rules remove"),
        "{said}"
    );
    receiver.done(&["rules", "remove", "acme.yar"]);
    let _serving = Serving::start(&receiver);
}

#[test]
fn what_is_not_installed_cannot_be_removed_and_a_rule_that_is_none_is_not_explained() {
    let receiver = Receiver::new();
    let removed = receiver.run(&["rules", "remove", "acme.yar"]);
    assert_eq!(removed.status.code(), Some(2));
    assert!(
        text(&removed.stderr).contains("no such file among the rules"),
        "{}",
        text(&removed.stderr)
    );
    let explained = receiver.run(&["rules", "explain", "pyhton-sql-injection"]);
    assert_eq!(explained.status.code(), Some(2));
    assert!(
        text(&explained.stderr).contains("python-sql-injection"),
        "{}",
        text(&explained.stderr)
    );
}

#[test]
fn the_same_files_have_the_same_digest_at_an_authors_desk() {
    use std::sync::Arc;

    use scanner::additions::{Additions, RuleFile};
    use scanner::dependencies::AsOf;
    use scanner::scan::Scanner;
    use scanner::taint::lower::Nowhere;

    let receiver = Receiver::new();
    let files = [
        ("acme.yar", YARA.to_owned()),
        ("acme.toml", PYTHON.to_owned()),
        ("osv.jsonl", advisories(7)),
    ];
    for (name, contents) in &files {
        let Some(output) = receiver.try_install(name, contents) else {
            return;
        };
        assert!(output.status.success(), "{}", text(&output.stderr));
    }
    let files = files.map(|(name, contents)| RuleFile::new(name, name, contents.into_bytes()).unwrap());
    let additions = Additions::new(files.to_vec()).unwrap();
    let desk = Scanner::with_additions([9; 32], Arc::new(Nowhere), &additions, AsOf::default()).unwrap();
    assert_eq!(receiver.rules(), desk.rules_digest().to_string());
}

#[test]
fn there_is_nothing_to_scan_again_at_a_new_receiver() {
    let receiver = Receiver::new();
    assert!(receiver.done(&["rescan", "--held"]).contains("nothing to scan again"));
    assert_eq!(receiver.run(&["rescan"]).status.code(), Some(2));
    assert_eq!(receiver.run(&["rescan", "--held", "--released"]).status.code(), Some(2));
}

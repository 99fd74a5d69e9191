//! `diode-scan` as a program: what it prints, and how it exits.

#![allow(
    clippy::disallowed_methods,
    reason = "the tests make the folders that the program is to look at"
)]
#![allow(clippy::unwrap_used, reason = "helpers of tests count as tests")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use diode_scanner::secrets::Secrets;
use protocol::bundle::seal::PackedHead;
use protocol::bundle::{AiShare, FileRecord, Kind, Origin, Statement};
use protocol::digest::Digest;
use protocol::keys::SigningKey;
use protocol::merkle;
use protocol::path::BundlePath;
use protocol::time::UnixMillis;
use tempfile::TempDir;

/// A cache folder that none of the runs may use.
const NOWHERE: &str = "/dev/null";

fn diode_scan(args: &[&str]) -> Output {
    diode_scan_at(Path::new(NOWHERE), args)
}

/// A run of a user whose cache folder this is.
fn diode_scan_at(cache_home: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_diode-scan"))
        .env("XDG_CACHE_HOME", cache_home)
        .args(args)
        .output()
        .unwrap()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// A directory with these files.
fn folder(files: &[(&str, &[u8])]) -> TempDir {
    let dir = TempDir::new().unwrap();
    for (path, bytes) in files {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    dir
}

fn check(dir: &TempDir, more: &[&str]) -> Output {
    let path = dir.path().to_str().unwrap();
    diode_scan(&[&["check", path], more].concat())
}

fn planted() -> String {
    format!(
        "import os\n\n{}\n",
        Secrets::built_in().unwrap().samples("aws-access-key-id")[0].text
    )
}

#[test]
fn the_sources_of_this_repository_are_allowed() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    for area in ["protocol", "tx", "hw", "audit", "scanner", "rx", "bench"] {
        let output = diode_scan(&["check", root.join(area).join("src").to_str().unwrap()]);
        assert_eq!(code(&output), 0, "{area}:\n{}", stdout(&output));
    }
}

#[test]
fn ordinary_code_is_allowed_with_the_digests_that_judged_it() {
    let dir = folder(&[
        ("src/main.py", b"import os\nos.system('ls')\n"),
        ("README.md", b"# Hello\n"),
    ]);
    let output = check(&dir, &[]);
    assert_eq!(code(&output), 0);
    let text = stdout(&output);
    let lines: Vec<_> = text.lines().rev().take(2).collect();
    assert!(lines[0].starts_with("ALLOW: 2 of 2 files covered"), "{text}");
    assert!(
        lines[1].starts_with("policy sha256:") && lines[1].ends_with("(default), no advisories"),
        "{text}"
    );
}

#[test]
fn text_and_json_name_the_same_policy_and_rules_and_verbose_names_them_in_full() {
    let dir = folder(&[("src/main.py", b"import os\n")]);
    let json: serde_json::Value = serde_json::from_str(&stdout(&check(&dir, &["--json"]))).unwrap();
    let policy = json["decision"]["policy"].as_str().unwrap();
    let rules = json["report"]["rules_digest"].as_str().unwrap();
    let short = format!(
        "policy sha256:{}…, rules sha256:{}… (default), no advisories\n",
        &policy[..8],
        &rules[..8]
    );
    assert!(stdout(&check(&dir, &[])).contains(&short));
    let full = format!("policy sha256:{policy}\nrules  sha256:{rules}\nreport sha256:");
    assert!(stdout(&check(&dir, &["--verbose"])).contains(&full));
    assert!(stdout(&diode_scan(&["rules", "list"])).contains(rules));
}

#[test]
fn sarif_over_several_paths_is_one_document_with_a_run_for_each_and_exits_by_the_worst() {
    let (one, two) = (
        folder(&[("a.txt", b"plain\n")]),
        folder(&[("config.py", planted().as_bytes())]),
    );
    let paths = [one.path().to_str().unwrap(), two.path().to_str().unwrap()];
    let output = diode_scan(&[&["check", "--format", "sarif"], &paths[..]].concat());
    assert_eq!(code(&output), 4, "{}", stderr(&output));
    let log: serde_json::Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!(log["runs"].as_array().unwrap().len(), 2);
    assert_eq!(log["runs"][1]["results"][0]["ruleId"], "aws-access-key-id");
}

#[test]
fn the_table_by_control_names_weakness_requirement_and_rule() {
    let dir = folder(&[("config.py", planted().as_bytes())]);
    let output = check(&dir, &["--format", "controls"]);
    let text = stdout(&output);
    assert_eq!(code(&output), 4);
    let row = text.lines().find(|line| line.starts_with("CWE-798")).unwrap();
    let fields: Vec<&str> = row.split_whitespace().rev().take(6).collect();
    assert_eq!(fields, ["1", "0", "0", "1", "0", "13.3.1"], "{text}");
    assert!(
        text.contains("aws-access-key-id\n") && text.contains("looked for and not found: "),
        "{text}"
    );
}

#[test]
fn a_rule_is_explained_with_why_and_how_and_the_default_verdict() {
    let text = stdout(&diode_scan(&["rules", "explain", "python-sql-injection"]));
    for part in [
        "REVIEW by the default policy",
        "CWE-89 SQL Injection",
        "ASVS 5.0.0 1.2.4",
        "\nwhy  ",
        "\nmend  ",
        "\nfound in:\n",
    ] {
        assert!(text.contains(part), "{part} in:\n{text}");
    }
    let json = stdout(&diode_scan(&["rules", "explain", "python-sql-injection", "--json"]));
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        (&json["engine"], &json["cwe_name"]),
        (&"sast".into(), &"SQL Injection".into())
    );
}

#[test]
fn a_rule_that_does_not_exist_is_an_error_that_names_the_nearest() {
    let output = diode_scan(&["rules", "explain", "python-sql-injectoin"]);
    assert_eq!(code(&output), 2);
    assert!(
        stderr(&output).contains("the nearest: python-sql-injection, "),
        "{}",
        stderr(&output)
    );
}

#[test]
fn a_program_in_a_language_that_no_rule_follows_is_allowed_and_not_called_covered() {
    let dir = folder(&[("build.mk", b"all:\n"), ("README.md", b"# Hello\n")]);
    let output = check(&dir, &[]);
    assert_eq!(code(&output), 0);
    assert!(
        stdout(&output).contains("ALLOW: 1 of 2 files covered"),
        "{}",
        stdout(&output)
    );
}

#[test]
fn a_value_of_a_request_in_a_command_needs_review_and_is_told_with_its_way() {
    let code_of_it = b"import os\nfrom flask import request\n\n\ndef run():\n    name = request.args['name']\n    os.system('ls ' + name)\n";
    let dir = folder(&[("app.py", code_of_it)]);
    let output = check(&dir, &[]);
    let text = stdout(&output);
    assert_eq!(code(&output), 4, "{text}");
    assert!(text.contains("python-command-injection  CWE-78  app.py:7:"), "{text}");
    assert!(
        text.contains("= way: app.py\n    6 │ name = request.args['name']\n"),
        "{text}"
    );
}

#[test]
fn a_planted_key_needs_review_and_is_named_by_file_and_line() {
    let dir = folder(&[("src/config.py", planted().as_bytes())]);
    let output = check(&dir, &[]);
    assert_eq!(code(&output), 4);
    let text = stdout(&output);
    assert!(
        text.contains("high  aws-access-key-id  CWE-798  src/config.py:3:"),
        "{text}"
    );
    assert!(text.contains("= mend: "), "{text}");
}

#[test]
fn a_bidirectional_override_is_rejected_and_named_by_file_and_line() {
    let dir = folder(&[("a.c", "int a;\n/* \u{202e} } */\n".as_bytes())]);
    let output = check(&dir, &[]);
    assert_eq!(code(&output), 3);
    let text = stdout(&output);
    assert!(text.contains("critical  bidi-control  CWE-1007  a.c:2:4"), "{text}");
    assert!(!text.contains('\u{202e}'), "{text}");
}

#[test]
fn only_incomplete_coverage_is_exit_1() {
    let utf16: Vec<u8> = "\u{feff}hello".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let dir = folder(&[("a.txt", &utf16), ("lax.toml", b"[types]\n")]);
    let policy = dir.path().join("lax.toml");
    let output = check(&dir, &["--policy", policy.to_str().unwrap()]);
    assert_eq!(code(&output), 1, "{}", stdout(&output));
}

#[test]
fn json_is_one_object_with_decision_and_report() {
    let dir = folder(&[("src/config.py", planted().as_bytes())]);
    let output = check(&dir, &["--json"]);
    let text = stdout(&output);
    assert_eq!(text.lines().count(), 1);
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(value["decision"]["verdict"], "review");
    assert_eq!(value["report"]["schema"], 1);
    assert_eq!(value["report"]["findings"][0]["path"], "src/config.py");
    assert_eq!(value["report"]["findings"][0]["line"], 3);
}

#[test]
fn a_path_that_is_not_there_is_exit_2_before_anything_is_scanned() {
    let dir = folder(&[("a.rs", b"")]);
    let output = check(&dir, &["/nowhere/at/all"]);
    assert_eq!(code(&output), 2);
    assert!(stderr(&output).contains("/nowhere/at/all"));
    assert_eq!(stdout(&output), "");
}

#[test]
fn no_path_is_exit_2() {
    assert_eq!(code(&diode_scan(&["check"])), 2);
}

#[test]
fn a_policy_with_an_unknown_key_is_exit_2_with_file_key_and_mend() {
    let dir = folder(&[("p.toml", b"mode = \"auto-release\"\nmodus = 1\n")]);
    let policy = dir.path().join("p.toml");
    let output = check(&dir, &["--policy", policy.to_str().unwrap()]);
    assert_eq!(code(&output), 2);
    let text = stderr(&output);
    for part in ["p.toml", "line 2, modus", "`diode-scan policy`"] {
        assert!(text.contains(part), "{text}");
    }
}

#[test]
fn the_printed_policy_is_the_one_that_judges_by_default() {
    let dir = folder(&[("a.rs", b"fn a() {}\n")]);
    let policy = dir.path().join("policy.toml");
    fs::write(&policy, diode_scan(&["policy"]).stdout).unwrap();
    let digest = |output: &Output| {
        let text = stdout(output);
        let line = text
            .lines()
            .find(|line| line.starts_with("policy "))
            .unwrap()
            .to_owned();
        line.split("sha256:").nth(1).unwrap()[..8].to_owned()
    };
    assert_eq!(
        digest(&check(&dir, &["--policy", policy.to_str().unwrap()])),
        digest(&check(&dir, &[]))
    );
}

#[test]
fn a_link_is_named_and_not_followed() {
    let dir = folder(&[("a.py", b"a = 1\n")]);
    std::os::unix::fs::symlink("/etc/passwd", dir.path().join("link")).unwrap();
    let output = check(&dir, &[]);
    assert!(
        stderr(&output).contains("link is a symbolic link"),
        "{}",
        stderr(&output)
    );
    assert!(stdout(&output).contains("1 of 1 files covered"));
}

#[test]
fn what_is_excluded_and_git_folders_are_left_out_and_named() {
    let files: [(&str, &[u8]); 4] = [
        ("a.py", b"x"),
        (".git/objects/ab", b"\x78\x01\0"),
        ("vendor/b.zip", b"PK\x03\x04"),
        ("sub/.git/c", b"\0"),
    ];
    let output = check(&folder(&files), &["--exclude", "vendor/"]);
    assert_eq!(code(&output), 0, "{}", stdout(&output));
    assert!(stdout(&output).contains("1 of 1 files covered"));
    assert_eq!(stderr(&output).matches("left out: ").count(), 3, "{}", stderr(&output));
}

#[test]
fn a_name_cannot_reach_the_terminal_as_it_is() {
    let dir = folder(&[("a\u{1b}[31m\nALLOW.txt", b"x")]);
    let output = check(&dir, &[]);
    let text = stdout(&output);
    assert!(!text.contains('\u{1b}'), "{text}");
    assert!(text.contains("\\u{1b}"), "{text}");
    assert_eq!(code(&output), 4);
}

#[test]
fn a_name_that_is_not_utf_8_is_scanned_and_reported() {
    use std::os::unix::ffi::OsStrExt;
    let dir = folder(&[]);
    fs::write(dir.path().join(std::ffi::OsStr::from_bytes(b"a\xff.py")), "a = 1\n").unwrap();
    let output = check(&dir, &[]);
    assert!(stdout(&output).contains("path-refused"), "{}", stdout(&output));
    assert!(stdout(&output).contains("1 of 1 files covered"));
}

/// A folder that asks for one package, and a file beside it with `text`.
fn asking(text: &str) -> (TempDir, TempDir, String) {
    let asking = folder(&[("requirements.txt", b"leaky-thing==1.0\n")]);
    let beside = folder(&[("file", text.as_bytes())]);
    let file = beside.path().join("file").to_str().unwrap().to_owned();
    (asking, beside, file)
}

const ADVISORIES: &str = r#"{"schema":1,"version":7,"issued":"2026-11-01T00:00:00Z","expires":"2999-12-01T00:00:00Z"}
{"id":"GHSA-made-up-0001","modified":"2026-10-01T00:00:00Z","affected":[{"package":{"ecosystem":"PyPI","name":"leaky-thing"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"2.0"}]}]}]}
"#;

#[test]
fn a_vulnerable_package_needs_review_and_the_advisories_are_named() {
    let (asking, _beside, file) = asking(ADVISORIES);
    let output = check(&asking, &["--advisories", &file]);
    assert_eq!(code(&output), 4);
    let text = stdout(&output);
    assert!(
        text.contains("GHSA-made-up-0001") && text.contains("advisories 7 of"),
        "{text}"
    );
    let output = check(&asking, &[]);
    assert_eq!(code(&output), 0);
    assert!(stdout(&output).contains("no advisories"), "{}", stdout(&output));
}

#[test]
fn advisories_with_a_fault_are_exit_2_with_file_and_line() {
    let (asking, _beside, file) = asking(&ADVISORIES.replace("introduced", "invented"));
    let output = check(&asking, &["--advisories", &file]);
    assert_eq!(code(&output), 2);
    let expected = format!("{file}:2: ");
    assert!(stderr(&output).contains(&expected), "{}", stderr(&output));
}

#[test]
fn a_package_off_the_list_of_known_names_needs_review() {
    let (asking, _beside, file) = asking("pypi other-thing\n");
    let output = check(&asking, &["--known-names", &file]);
    assert_eq!(code(&output), 4);
    assert!(stdout(&output).contains("unknown-package"), "{}", stdout(&output));
}

#[test]
fn rules_are_listed_with_their_engines() {
    let text = stdout(&diode_scan(&["rules", "list"]));
    for rule in [
        "structure     bidi-control",
        "secrets       aws-access-key-id",
        "dependencies  lookalike-package",
        "rules sha256:",
    ] {
        assert!(text.contains(rule), "{rule} in:\n{text}");
    }
}

#[test]
fn the_help_of_check_has_an_example_and_the_exit_codes() {
    let output = diode_scan(&["check", "--help"]);
    assert_eq!(code(&output), 0);
    let text = stdout(&output);
    assert!(
        text.contains("diode-scan check out.bundle") && text.contains("3  REJECT by policy"),
        "{text}"
    );
}

/// A bundle file with these files.
fn bundle(files: &[(&str, &[u8])]) -> Vec<u8> {
    let content: Vec<u8> = files.iter().flat_map(|(_, bytes)| bytes.iter().copied()).collect();
    let leaves: Vec<Digest> = content.chunks(4096).map(merkle::leaf_hash).collect();
    let records = files.iter().map(|(path, bytes)| FileRecord {
        path: BundlePath::parse(path).unwrap(),
        sha256: Digest::of(bytes),
        size: bytes.len() as u64,
        executable: false,
    });
    let statement = Statement {
        files: records.collect(),
        kind: Kind::Code,
        author: "alice@lab".to_owned(),
        created: UnixMillis(1_795_340_458_000),
        not_after: UnixMillis(1_797_932_458_000),
        audience: vec!["plant-7".to_owned()],
        target: None,
        description: None,
        origin: Origin {
            ai_generated: AiShare::Full,
            ..Origin::default()
        },
        content_len: 0,
        leaf_len: 4096,
        content_root: merkle::root(&leaves),
    };
    let head = PackedHead::seal(statement, leaves, &[&SigningKey::from_seed([1; 32])]).unwrap();
    [&head.prefix().emit()[..], head.head(), &content].concat()
}

fn check_bundle(bytes: &[u8]) -> Output {
    let dir = folder(&[("x.bundle", bytes)]);
    diode_scan(&["check", dir.path().join("x.bundle").to_str().unwrap()])
}

#[test]
fn a_bundle_is_scanned_file_by_file() {
    let key = planted();
    let output = check_bundle(&bundle(&[("a.rs", b"fn a() {}\n"), ("b/config.py", key.as_bytes())]));
    assert_eq!(code(&output), 4);
    assert!(stdout(&output).contains("b/config.py:3:"), "{}", stdout(&output));
    assert_eq!(code(&check_bundle(&bundle(&[("a.rs", b"fn a() {}\n")]))), 0);
}

#[test]
fn a_bundle_whose_content_was_changed_is_exit_5_and_names_the_file() {
    let mut bytes = bundle(&[("a.rs", b"fn a() {}\n"), ("b.rs", b"fn b() {}\n")]);
    *bytes.last_mut().unwrap() ^= 1;
    let output = check_bundle(&bytes);
    assert_eq!(code(&output), 5);
    assert!(
        stdout(&output).contains("REJECT: 1 file not as signed, the first b.rs"),
        "{}",
        stdout(&output)
    );
}

#[test]
fn a_bundle_that_was_cut_short_or_added_to_is_exit_5() {
    let whole = bundle(&[("a.rs", b"fn a() {}\n")]);
    let longer = [&whole[..], b"x"].concat();
    for bytes in [&whole[..whole.len() - 1], &whole[..40], &whole[..3], &longer[..], b""] {
        let output = check_bundle(bytes);
        assert_eq!(code(&output), 5, "{} bytes: {}", bytes.len(), stderr(&output));
        assert!(stderr(&output).contains("x.bundle"));
    }
}

#[test]
fn a_run_with_results_of_an_earlier_one_says_the_same_as_one_without_and_keeps_no_secret() {
    let dir = folder(&[
        (
            "src/main.py",
            b"import os\nimport sys\nos.system('ls ' + sys.argv[1])\n",
        ),
        ("src/key.py", planted().as_bytes()),
    ]);
    let desk = TempDir::new().unwrap();
    let kept = desk.path().join("diode-scan");
    let path = dir.path().to_str().unwrap();
    let run = |more: &[&str]| diode_scan_at(desk.path(), &[&["check", path, "--json"], more].concat());
    let without = run(&["--no-cache"]);
    assert_eq!(code(&without), 4, "{}", stdout(&without));
    assert!(kept.join("key").exists() && !kept.join("results").exists());
    let (first, second) = (run(&[]), run(&[]));
    let results = fs::read(kept.join("results")).unwrap();
    assert_eq!((stdout(&first), stderr(&first)), (stdout(&without), String::new()));
    assert_eq!((stdout(&second), stderr(&second)), (stdout(&without), String::new()));
    let secret = planted();
    let secret = secret.split('"').nth(1).unwrap_or(&secret).trim().as_bytes();
    assert!(!results.windows(secret.len()).any(|window| window == secret));
}

#[test]
fn results_that_were_changed_are_named_replaced_and_nothing_else() {
    let dir = folder(&[("main.py", b"import os\nimport sys\nos.system('ls ' + sys.argv[1])\n")]);
    let desk = TempDir::new().unwrap();
    let kept = desk.path().join("diode-scan/results");
    let path = dir.path().to_str().unwrap();
    let run = || diode_scan_at(desk.path(), &["check", path, "--json"]);
    let first = run();
    let good = fs::read(&kept).unwrap();
    let mut changed = good.clone();
    let middle = changed.len() / 2;
    changed[middle] ^= 1;
    fs::write(&kept, changed).unwrap();
    let second = run();
    assert_eq!(stdout(&second), stdout(&first));
    assert!(
        stderr(&second).contains("was changed after it was stored"),
        "{}",
        stderr(&second)
    );
    assert_eq!(stderr(&run()), "");
}

#[test]
fn where_nothing_can_be_kept_a_run_says_nothing_of_it() {
    let dir = folder(&[("README.md", b"# Hello\n")]);
    let output = check(&dir, &[]);
    assert_eq!((code(&output), stderr(&output)), (0, String::new()));
}

const PACK: &[u8] = b"rule Forbidden_Word {\n  strings:\n    $a = \"acme forbidden word\"\n  condition:\n    $a\n}\n";

#[test]
fn rules_of_a_folder_are_added_and_named_with_their_digest() {
    let dir = folder(&[("a.txt", b"an acme forbidden word\n")]);
    let rules = folder(&[("acme.yar", PACK), (".hidden", b"")]);
    let (dir, rules) = (dir.path().to_str().unwrap(), rules.path().to_str().unwrap());
    let plain = diode_scan(&["check", dir, "--json"]);
    let added = diode_scan(&["check", dir, "--json", "--rules", rules]);
    assert_eq!((code(&plain), code(&added)), (0, 4), "{}", stderr(&added));
    assert!(stdout(&added).contains("acme:forbidden-word"), "{}", stdout(&added));
    let digest = |output: &Output| {
        let line: serde_json::Value = serde_json::from_str(&stdout(output)).unwrap();
        line["report"]["rules_digest"].as_str().unwrap().to_owned()
    };
    assert_ne!(digest(&plain), digest(&added));
    let told = stdout(&diode_scan(&["check", dir, "--rules", rules]));
    assert!(told.contains("acme.yar (sha256:"), "{told}");
}

#[test]
fn rules_with_a_fault_are_no_result_and_named_with_file_and_line() {
    let dir = folder(&[("a.txt", b"text\n")]);
    let rules = folder(&[("acme.yar", b"rule X {\n  condition:\n    $a\n}\n")]);
    let pack = rules.path().join("acme.yar");
    let output = diode_scan(&["check", dir.path().to_str().unwrap(), "--rules", pack.to_str().unwrap()]);
    assert_eq!(code(&output), 2);
    assert!(stderr(&output).contains("acme.yar:3: "), "{}", stderr(&output));
}

#[test]
fn the_list_of_ordinary_packages_has_five_of_each_language_and_none_twice() {
    let mut languages = std::collections::BTreeMap::<_, u32>::new();
    let mut packages = std::collections::BTreeSet::new();
    let lines = include_str!("ordinary/packages.txt").lines();
    for line in lines.filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let words: Vec<_> = line.split_whitespace().collect();
        let [registry, name, version, what, language] = words[..] else {
            panic!("not five words: {line}");
        };
        assert!(["pypi", "npm", "crates", "debian"].contains(&registry), "{line}");
        assert!(packages.insert((registry, name, version, what)), "twice: {line}");
        *languages.entry(language).or_default() += 1;
    }
    assert_eq!(languages.len(), 6);
    assert!(languages.values().all(|&number| number >= 5), "{languages:?}");
}

//! The binary by itself: what it makes, what it refuses, and how it ends.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test prepares files by itself, and fails by panicking"
)]

use std::io::{BufRead, BufReader, Read};
use std::net::UdpSocket;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use protocol::keys::SigningKey;
use protocol::transmission::Lane;
use protocol::wire::{Heartbeat, LinkParameters};
use tempfile::TempDir;

const BINARY: &str = env!("CARGO_BIN_EXE_diode-rx");

fn link_key() -> SigningKey {
    SigningKey::from_seed([1; 32])
}

/// A receiver's folder with a link key.
struct Receiver {
    folder: TempDir,
}

impl Receiver {
    fn new() -> Self {
        let receiver = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        let key = link_key().public();
        std::fs::write(receiver.path("link.pub"), key.to_openssh("link") + "\n").unwrap();
        let link_key = receiver.path("link.pub");
        let init = receiver.run(&[
            "init",
            "--name",
            "plant-7",
            "--listen",
            "127.0.0.1:0",
            "--link-key",
            link_key.to_str().unwrap(),
        ]);
        assert!(init.status.success(), "{}", text(&init.stderr));
        receiver
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn home(&self) -> PathBuf {
        self.path("home")
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(BINARY);
        command.arg("--home").arg(self.home()).args(args);
        command
    }

    fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    fn edit_config(&self, from: &str, to: &str) {
        let path = self.home().join("diode-rx.toml");
        let config = std::fs::read_to_string(&path).unwrap();
        assert!(config.contains(from), "{config}");
        std::fs::write(path, config.replace(from, to)).unwrap();
    }
}

/// A running `serve`; ended when it is dropped.
struct Serving {
    child: Child,
    ready: String,
}

impl Serving {
    fn start(receiver: &Receiver) -> Self {
        Self::logging_to(Stdio::null(), receiver)
    }

    fn logging_to(stderr: Stdio, receiver: &Receiver) -> Self {
        let mut child = receiver
            .command(&["serve"])
            .stdout(Stdio::piped())
            .stderr(stderr)
            .spawn()
            .unwrap();
        let mut ready = String::new();
        BufReader::new(child.stdout.as_mut().unwrap())
            .read_line(&mut ready)
            .unwrap();
        assert!(ready.starts_with("ready"), "{ready}");
        Self { child, ready }
    }

    fn address(&self) -> &str {
        let after = self.ready.split("udp ").nth(1).unwrap();
        after.split(';').next().unwrap()
    }

    fn terminate(mut self) -> i32 {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        self.child.wait().unwrap().code().unwrap()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn init_keeps_the_folder_and_its_keys_to_its_owner() {
    let receiver = Receiver::new();
    assert_eq!(mode(&receiver.home()), 0o700);
    assert_eq!(mode(&receiver.home().join("keys/log.pem")), 0o400);
    assert_eq!(mode(&receiver.home().join("keys/fingerprint")), 0o400);
}

#[test]
fn init_says_which_keys_to_carry_by_hand() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("home");
    let output = Command::new(BINARY)
        .arg("--home")
        .arg(&home)
        .args(["init", "--name", "plant-7"])
        .output()
        .unwrap();
    let said = text(&output.stdout);
    for needed in ["link.pub", "trust add", "diode-rx/plant-7+"] {
        assert!(said.contains(needed), "{needed} is missing: {said}");
    }
}

#[test]
fn init_does_not_touch_a_receiver_that_is_there() {
    let receiver = Receiver::new();
    let again = receiver.run(&["init", "--name", "other"]);
    assert_eq!(again.status.code(), Some(2));
    assert!(text(&again.stderr).contains("there already"));
}

#[test]
fn a_folder_that_is_no_receiver_is_refused_with_the_command_that_makes_one() {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(BINARY)
        .arg("--home")
        .arg(folder.path().join("none"))
        .arg("list")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("init --name"));
}

#[test]
fn a_configuration_with_an_unknown_key_is_refused_naming_it() {
    let receiver = Receiver::new();
    receiver.edit_config("[limits]", "[limits]\nsesions = 4");
    let output = receiver.run(&["serve"]);
    assert_eq!(output.status.code(), Some(2));
    let said = text(&output.stderr);
    assert!(said.contains("diode-rx.toml") && said.contains("sesions"), "{said}");
}

#[test]
fn a_configuration_without_a_needed_key_is_refused_naming_it() {
    let receiver = Receiver::new();
    receiver.edit_config("name = \"plant-7\"", "");
    let output = receiver.run(&["serve"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("name"));
}

#[test]
fn a_value_out_of_range_is_refused_with_its_range() {
    let receiver = Receiver::new();
    receiver.edit_config("#: sessions = 8", "sessions = 0");
    let output = receiver.run(&["serve"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("limits.sessions = 0"));
}

#[test]
fn a_log_key_that_others_can_read_is_refused() {
    let receiver = Receiver::new();
    let key = receiver.home().join("keys/log.pem");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    let output = receiver.run(&["serve"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("chmod"), "{}", text(&output.stderr));
}

#[test]
fn a_receiver_without_its_link_key_does_not_start() {
    let receiver = Receiver::new();
    std::fs::remove_file(receiver.home().join("link.pub")).unwrap();
    let output = receiver.run(&["serve"]);
    assert!(!output.status.success());
    assert!(text(&output.stderr).contains("link.pub"));
}

#[test]
fn a_broken_trust_file_keeps_the_receiver_from_starting() {
    let receiver = Receiver::new();
    std::fs::write(receiver.home().join("allowed_signers"), "alice ssh-ed25519 broken\n").unwrap();
    let output = receiver.run(&["serve"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("allowed_signers"));
}

#[test]
fn serve_ends_in_order_when_it_is_terminated() {
    let receiver = Receiver::new();
    assert_eq!(Serving::start(&receiver).terminate(), 0);
    let events = text(&receiver.run(&["tail", "--no-follow", "--json"]).stdout);
    assert!(
        events.contains("daemon.started") && events.contains("daemon.stopped"),
        "{events}"
    );
    assert!(!receiver.home().join("control.sock").exists());
}

#[test]
fn a_log_that_nobody_reads_any_more_does_not_end_serve() {
    let receiver = Receiver::new();
    let mut serving = Serving::logging_to(Stdio::piped(), &receiver);
    drop(serving.child.stderr.take());
    // Of another wire version: what is logged of at once.
    let mut foreign = [0; 32];
    foreign[..4].copy_from_slice(&[0xD1, 0x0D, 2, 1]);
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.send_to(&foreign, serving.address()).unwrap();
    let is_told = || text(&receiver.run(&["tail", "--no-follow"]).stdout).contains("FOREIGN");
    assert!((0..1000).any(|_| is_told()));
    assert_eq!(serving.terminate(), 0);
}

#[test]
fn a_second_serve_is_refused_while_the_first_runs() {
    let receiver = Receiver::new();
    let _serving = Serving::start(&receiver);
    let second = receiver.run(&["serve"]);
    assert_eq!(second.status.code(), Some(1));
    assert!(text(&second.stderr).contains("in use"));
}

#[test]
fn datagrams_of_any_length_are_counted_and_harm_nothing() {
    let receiver = Receiver::new();
    let serving = Serving::start(&receiver);
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    for len in [0, 1, 31, 32, 33, 1472, 9000, 60_000] {
        socket.send_to(&vec![0xD1; len], serving.address()).unwrap();
    }
    assert_eq!(serving.terminate(), 0);
    let events = text(
        &receiver
            .run(&["tail", "--no-follow", "--json", "--event", "daemon.stopped"])
            .stdout,
    );
    assert!(events.contains("datagrams"), "{events}");
}

#[test]
fn an_author_is_trusted_only_with_the_right_fingerprint() {
    let receiver = Receiver::new();
    let key = SigningKey::from_seed([2; 32]).public();
    let file = receiver.path("alice.pub");
    std::fs::write(&file, key.to_openssh("alice")).unwrap();
    let other = SigningKey::from_seed([3; 32]).public().fingerprint().to_string();
    let add = |fingerprint: &str| {
        receiver.run(&[
            "trust",
            "add",
            "--principal",
            "alice@lab",
            "--fingerprint",
            fingerprint,
            file.to_str().unwrap(),
        ])
    };
    assert_eq!(add(&other).status.code(), Some(5));
    assert!(add(&key.fingerprint().to_string()).status.success());
    let listed = text(&receiver.run(&["trust", "list"]).stdout);
    assert!(
        listed.contains("alice@lab") && listed.contains(&key.fingerprint().to_string()),
        "{listed}"
    );
    assert_eq!(
        add(&key.fingerprint().to_string()).status.code(),
        Some(2),
        "twice is told"
    );
}

#[test]
fn trust_is_added_through_a_running_receiver_and_logged() {
    let receiver = Receiver::new();
    let _serving = Serving::start(&receiver);
    let key = SigningKey::from_seed([2; 32]).public();
    let file = receiver.path("alice.pub");
    std::fs::write(&file, key.to_openssh("alice")).unwrap();
    let fingerprint = key.fingerprint().to_string();
    let added = receiver.run(&[
        "trust",
        "add",
        "--principal",
        "alice@lab",
        "--fingerprint",
        &fingerprint,
        file.to_str().unwrap(),
    ]);
    assert!(added.status.success(), "{}", text(&added.stderr));
    let events = text(
        &receiver
            .run(&["tail", "--no-follow", "--json", "--event", "config.changed"])
            .stdout,
    );
    assert!(
        events.lines().filter(|line| line.contains("allowed_signers")).count() >= 2,
        "{events}"
    );
}

#[test]
fn a_code_that_names_no_bundle_is_refused() {
    let receiver = Receiver::new();
    let output = receiver.run(&["release", "deadbeef-0000", "--reason", "test"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("diode-rx show"));
}

#[test]
fn an_epoch_can_be_accepted_and_refused_whether_the_receiver_runs_or_not() {
    let receiver = Receiver::new();
    let decide = |verb, epoch| receiver.run(&["epoch", verb, epoch, "--reason", "carol told me"]);
    assert!(decide("accept", "9f03c2d41b7788aa").status.success());
    let serving = Serving::start(&receiver);
    assert!(decide("refuse", "aaaac2d41b7788aa").status.success());
    assert_eq!(decide("refuse", "9f03").status.code(), Some(1), "it is accepted");
    drop(serving);
    let listed = text(&receiver.run(&["epoch", "list"]).stdout);
    let row = |epoch: &str| listed.lines().find(|line| line.contains(epoch)).unwrap().to_owned();
    assert!(row("9f03c2d41b7788aa").starts_with("1 ") && row("9f03c2d41b7788aa").contains("accepted"));
    assert!(row("aaaac2d41b7788aa").contains("refused"), "{listed}");
}

#[test]
fn a_folder_of_an_earlier_version_is_read_as_it_is_and_mended_by_its_owner() {
    let receiver = Receiver::new();
    let folders = ["waiting", "evidence"].map(|name| receiver.home().join("quarantine").join(name));
    for folder in &folders {
        std::fs::remove_dir(folder).unwrap();
    }
    assert!(receiver.run(&["list"]).status.success());
    assert!(receiver.run(&["epoch", "list"]).status.success());
    assert!(folders.iter().all(|folder| !folder.exists()));
    drop(Serving::start(&receiver));
    assert!(folders.iter().all(|folder| mode(folder) == 0o700));
}

/// The datagram of a heartbeat that says that all numbers below were sent.
fn heartbeat(counter: u64, sent_below: u64) -> Vec<u8> {
    let heartbeat = Heartbeat {
        epoch: 0xE0E1_E2E3_E4E5_E6E7,
        counter,
        interval_ms: 60_000,
        next: sent_below,
        sent_below,
        parameters: LinkParameters {
            symbol_len: 1408,
            block_len: 262_144,
            depth: 4,
            lanes: 1,
            max_esi: 200,
            passes: 1,
            loss_ppm: 0,
            burst: 0,
        },
        in_flight: Vec::new(),
        voids: Vec::new(),
        checkpoint: None,
    };
    let body = heartbeat.sign(&link_key()).unwrap();
    [&Lane::new(0).heartbeat(&body)[..], &body].concat()
}

#[test]
fn heartbeats_bring_the_link_up_and_what_is_missing_is_told_with_its_code_also_when_the_receiver_is_stopped() {
    let receiver = Receiver::new();
    let serving = Serving::start(&receiver);
    let mut tail = receiver
        .command(&["tail", "-n", "0"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
    for counter in [1, 2] {
        sender.send_to(&heartbeat(counter, 5), serving.address()).unwrap();
    }
    let lines = BufReader::new(tail.stdout.take().unwrap()).lines();
    let missing = lines.map(Result::unwrap).find(|line| line.contains("MISSING")).unwrap();
    tail.kill().unwrap();
    tail.wait().unwrap();
    assert!(
        missing.contains("seq 1..4") && missing.contains("resend 1..4-"),
        "{missing}"
    );
    let status = text(&receiver.run(&["status"]).stdout);
    assert!(
        status.starts_with("link      up for ") && status.contains("next seq 5"),
        "{status}"
    );
    assert_eq!(serving.terminate(), 0);
    let code = text(&receiver.run(&["gaps"]).stdout);
    let code = code.lines().find(|line| line.starts_with("ask")).unwrap().to_owned();
    assert!(missing.ends_with(code.split("diode-tx ").nth(1).unwrap()), "{code}");
    let json = text(&receiver.run(&["gaps", "--json"]).stdout);
    assert!(json.contains(r#""missing":[[1,4]]"#), "{json}");
}

#[test]
fn a_heartbeat_that_is_played_back_to_a_receiver_that_was_started_again_brings_no_link_up() {
    let receiver = Receiver::new();
    let recorded = heartbeat(9, 5);
    let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
    let hear = |counters: &str| {
        let serving = Serving::start(&receiver);
        // Until it was counted, whatever it is counted as.
        loop {
            sender.send_to(&recorded, serving.address()).unwrap();
            let status = receiver.run(&["status", "--json"]);
            let status: serde_json::Value = serde_json::from_slice(&status.stdout).unwrap();
            if status["counters"][counters].as_u64().unwrap() > 0 {
                assert_eq!(serving.terminate(), 0);
                return status["state"]["state"].as_str().unwrap().to_owned();
            }
        }
    };
    assert_eq!(hear("heartbeats"), "up");
    assert_eq!(hear("heartbeats_old"), "unknown");
    let up = receiver.run(&["tail", "--no-follow", "--event", "link.up"]);
    assert_eq!(text(&up.stdout).lines().count(), 1, "{}", text(&up.stdout));
}

#[test]
fn a_full_disk_behind_standard_output_is_told_as_that() {
    let receiver = Receiver::new();
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = receiver
        .command(&["tail", "--no-follow"])
        .stdout(Stdio::from(full))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text(&output.stderr).contains("standard output"),
        "{}",
        text(&output.stderr)
    );
}

#[test]
fn nothing_is_missing_at_a_receiver_that_heard_nothing() {
    let output = Receiver::new().run(&["gaps"]);
    assert!(output.status.success() && text(&output.stdout).starts_with("nothing is missing"));
}

#[test]
fn a_decision_on_an_epoch_needs_a_reason() {
    let output = Receiver::new().run(&["epoch", "accept", "9f03c2d41b7788aa", "--reason", " "]);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn each_verb_helps_with_an_example() {
    for verb in [
        "init",
        "serve",
        "list",
        "show",
        "tail",
        "gaps",
        "release",
        "reject",
        "rescan",
        "rules install",
        "rules remove",
        "rules list",
        "rules explain",
        "epoch list",
        "epoch accept",
        "epoch refuse",
    ] {
        let args = verb.split(' ').chain(["--help"]);
        let output = Command::new(BINARY).args(args).output().unwrap();
        assert!(text(&output.stdout).contains("Example"), "{verb}");
    }
}

#[test]
fn help_goes_to_standard_output_and_is_no_failure() {
    let mut child = Command::new(BINARY)
        .arg("--help")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = String::new();
    child.stdout.take().unwrap().read_to_string(&mut said).unwrap();
    assert!(said.contains("serve") && child.wait().unwrap().success());
}

#[test]
fn a_folder_that_others_can_enter_is_refused() {
    let receiver = Receiver::new();
    std::fs::set_permissions(receiver.home(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let output = receiver.run(&["list"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("chmod 700"));
}

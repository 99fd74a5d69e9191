//! Bundles put into a folder that `diode-tx watch` sends from: what is taken, what is kept, and what a kill leaves.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::symlink;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread::{self, JoinHandle};

use super::receiving::{Desk, PATIENCE, assert_refused, flip, json, stderr};
use audit::event::EventKind;
use audit::log::LogReader;
use audit::storage::{Disk, Storage};
use protocol::digest::BundleId;
use protocol::wire::{Kind, Packet};
use rustix::fs::{CWD, FileType, Mode, mknodat};
use rustix::process::{Pid, Signal, kill_process};

/// A watch that goes on, and what it prints. Killed with the test that it is of.
struct Watching {
    child: Child,
    lines: Receiver<String>,
    errors: Option<JoinHandle<String>>,
}

/// How a watch ended.
struct Ended {
    code: Option<i32>,
    stderr: String,
}

impl Watching {
    fn begin(desk: &Desk, rate: &str) -> Self {
        let mut watching = Self::begin_over(desk.begin_to_watch("outbox", rate, &["--json"]));
        let mut stderr = watching.child.stderr.take().unwrap();
        watching.errors = Some(thread::spawn(move || {
            let mut text = String::new();
            stderr.read_to_string(&mut text).unwrap();
            text
        }));
        watching
    }

    fn begin_over(mut child: Child) -> Self {
        let stdout = child.stdout.take().unwrap();
        let (tell, lines) = channel();
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if tell.send(line).is_err() {
                    return;
                }
            }
        });
        Self {
            child,
            lines,
            errors: None,
        }
    }

    /// The same with a stderr that nobody reads.
    fn begin_unheard(desk: &Desk, rate: &str) -> Self {
        let mut watching = Self::begin_over(desk.begin_to_watch("outbox", rate, &["--json"]));
        drop(watching.child.stderr.take());
        watching
    }

    /// Waits for so many lines; gives them in the order of their events.
    fn told(&mut self, lines: usize) -> Vec<serde_json::Value> {
        let mut told = Vec::new();
        while told.len() < lines {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) => told.push(serde_json::from_str::<serde_json::Value>(&line).unwrap()),
                Err(error) => {
                    let stderr = self.kill();
                    panic!(
                        "{error} for line {} of {lines}, after {told:?}; it said: {stderr}",
                        told.len() + 1
                    );
                }
            }
        }
        told.sort_by_key(|line| line["event"].as_str().unwrap().to_owned());
        told
    }

    fn interrupt(mut self) -> Ended {
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
        let code = self.child.wait().unwrap().code();
        let stderr = self.heard();
        Ended { code, stderr }
    }

    /// Kills it at once; gives what it said on stderr.
    fn kill(&mut self) -> String {
        // Fails if it has ended by itself.
        let _ = self.child.kill();
        self.child.wait().unwrap();
        self.heard()
    }

    /// What it said on stderr, once it has ended.
    fn heard(&mut self) -> String {
        let errors = self.errors.take();
        errors.map_or_else(String::new, |errors| errors.join().unwrap())
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A desk with an outbox.
fn desk() -> Desk {
    let desk = Desk::new();
    fs::create_dir(desk.path("outbox")).unwrap();
    desk
}

/// The names in a folder of the outbox that are not hidden; of the outbox itself only files.
fn names(desk: &Desk, folder: &str) -> Vec<String> {
    let found = fs::read_dir(desk.path("outbox").join(folder))
        .unwrap()
        .map(Result::unwrap);
    let files = found.filter(|entry| entry.file_type().unwrap().is_file());
    let mut names: Vec<String> = files
        .map(|entry| entry.file_name().into_string().unwrap())
        .filter(|name| !name.starts_with('.'))
        .collect();
    names.sort();
    names
}

fn first_announce(desk: &Desk) {
    while Packet::parse(&desk.first_datagram()).unwrap().header.kind != Kind::Announce {}
}

#[test]
fn bundles_are_sent_and_kept_and_a_file_that_is_none_is_refused_and_kept() {
    let desk = desk();
    let mut watching = Watching::begin(&desk, "20M");
    let a = desk.bundle("outbox/a.bundle", 1000);
    desk.bundle("outbox/bb.bundle", 300_000);
    fs::write(desk.path("outbox/bad.bundle"), "no bundle at all, though long enough").unwrap();
    fs::write(desk.path("outbox/notes.txt"), "nobody's business").unwrap();
    let told = watching.told(3);
    let events: Vec<_> = told.iter().map(|line| line["event"].as_str().unwrap()).collect();
    assert_eq!(events, ["bundle.sent", "bundle.sent", "file.refused"]);
    assert_eq!(told[2]["path"], "outbox/refused/bad.bundle");
    let mut paths: Vec<_> = told[..2].iter().map(|line| line["path"].as_str().unwrap()).collect();
    paths.sort_unstable();
    assert_eq!(paths, ["outbox/sent/a.bundle", "outbox/sent/bb.bundle"]);
    let mut numbers: Vec<_> = told[..2].iter().map(|line| line["seq"].as_u64().unwrap()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, [1, 2]);
    assert_eq!(names(&desk, "sent"), ["a.bundle", "bb.bundle"]);
    assert_eq!(names(&desk, "refused"), ["bad.bundle"]);
    assert_eq!(names(&desk, ""), ["notes.txt"]);
    assert!(names(&desk, "sending").is_empty());
    assert!(fs::read(desk.path("outbox/sent/a.bundle")).unwrap() == a);
    let Ended { code, stderr: text } = watching.interrupt();
    assert_eq!(code, Some(0), "{text}");
    for part in [
        "a bundle file was refused",
        "the file is no bundle",
        "kept: outbox/refused/bad.bundle",
        "mend: give a file that diode-pack made",
    ] {
        assert!(text.contains(part), "{part:?} is missing in {text}");
    }
}

#[test]
fn a_log_that_nobody_reads_any_more_holds_no_bundle_up() {
    let desk = desk();
    let mut watching = Watching::begin_unheard(&desk, "20M");
    fs::write(desk.path("outbox/bad.bundle"), "no bundle at all, though long enough").unwrap();
    assert_eq!(watching.told(1)[0]["event"], "file.refused");
    desk.bundle("outbox/a.bundle", 1000);
    assert_eq!(watching.told(1)[0]["event"], "bundle.sent");
    assert_eq!(watching.interrupt().code, Some(0));
}

#[test]
fn a_bundle_that_a_kill_left_half_sent_is_sent_again_under_its_number() {
    let desk = desk();
    desk.bundle("outbox/a.bundle", 300_000);
    let mut killed = Watching::begin(&desk, "1M");
    first_announce(&desk);
    killed.kill();
    assert_eq!(names(&desk, "sending"), ["a.bundle"]);
    desk.bundle("outbox/bb.bundle", 1000);
    let mut watching = Watching::begin(&desk, "20M");
    let mut told = watching.told(2);
    told.sort_by_key(|line| line["seq"].as_u64());
    let facts: Vec<_> = told
        .iter()
        .map(|line| (line["seq"].as_u64(), line["again"].as_bool()))
        .collect();
    assert_eq!(facts, [(Some(1), Some(true)), (Some(2), Some(false))]);
    assert_eq!(names(&desk, "sent"), ["a.bundle", "bb.bundle"]);
    assert!(names(&desk, "sending").is_empty());
    assert_eq!(watching.interrupt().code, Some(0));
}

#[test]
fn an_interrupted_watch_ends_as_a_send_does_and_leaves_the_bundle_to_be_sent() {
    let desk = desk();
    desk.bundle("outbox/a.bundle", 300_000);
    let watching = Watching::begin(&desk, "1M");
    first_announce(&desk);
    let Ended { code, stderr: text } = watching.interrupt();
    assert_eq!(code, Some(1), "{text}");
    for part in ["interrupted", "(seq 1)", "1 file is left in outbox/sending"] {
        assert!(text.contains(part), "{part:?} is missing in {text}");
    }
    assert_eq!(names(&desk, "sending"), ["a.bundle"]);
}

#[test]
fn a_bundle_whose_content_is_damaged_is_refused_and_the_next_is_sent() {
    let desk = desk();
    let bytes = desk.bundle("damaged.bundle", 600_000);
    flip(&desk.path("damaged.bundle"), bytes.len() as u64 - 1);
    let mut watching = Watching::begin(&desk, "20M");
    fs::rename(desk.path("damaged.bundle"), desk.path("outbox/damaged.bundle")).unwrap();
    let told = watching.told(2);
    assert_eq!(
        (&told[0]["event"], &told[0]["reason"]),
        (&"bundle.stopped".into(), &"bundle-changed".into())
    );
    assert_eq!(told[1]["path"], "outbox/refused/damaged.bundle");
    desk.bundle("outbox/a.bundle", 1000);
    assert_eq!(watching.told(1)[0]["event"], "bundle.sent");
    assert_eq!(watching.interrupt().code, Some(0));
}

#[test]
fn a_second_bundle_of_the_same_name_is_kept_beside_the_first() {
    let desk = desk();
    let mut watching = Watching::begin(&desk, "20M");
    let first = desk.bundle("outbox/a.bundle", 1000);
    watching.told(1);
    desk.bundle("outbox/a.bundle", 1001);
    watching.told(1);
    let kept = names(&desk, "sent");
    assert!(kept.len() == 2 && kept.contains(&"a.bundle".to_owned()), "{kept:?}");
    assert!(fs::read(desk.path("outbox/sent/a.bundle")).unwrap() == first);
    assert_eq!(watching.interrupt().code, Some(0));
}

#[test]
fn a_send_hands_its_bundles_to_the_watch_that_runs() {
    let desk = desk();
    let mut watching = Watching::begin(&desk, "20M");
    desk.bundle("outbox/a.bundle", 1000);
    watching.told(1);
    desk.bundle("bb.bundle", 1000);
    let sent = desk.run(&["send", "bb.bundle", "--state", "state", "--json"]);
    assert!(sent.status.success(), "{}", stderr(&sent));
    assert_eq!(json(&sent)[0]["seq"], 2);
    assert!(desk.path("bb.bundle").exists());
    assert_eq!(watching.interrupt().code, Some(0));
}

#[test]
fn a_watch_beats_though_nothing_is_to_be_sent() {
    let desk = desk();
    let watching = Watching::begin(&desk, "20M");
    let [first, second] = [(), ()].map(|()| desk.heartbeat_when(|_| true));
    assert!(first.counter < second.counter && first.epoch == second.epoch);
    assert_eq!((second.next, second.sent_below), (1, 1));
    assert_eq!(watching.interrupt().code, Some(0));
}

#[test]
fn a_number_that_a_kill_left_open_is_not_told_as_sent_before_it_is_sent_again() {
    let desk = desk();
    desk.bundle("outbox/a.bundle", 300_000);
    let mut killed = Watching::begin(&desk, "1M");
    first_announce(&desk);
    killed.kill();
    // All that the killed one has sent.
    desk.datagrams();
    let mut watching = Watching::begin(&desk, "1M");
    let beat = desk.heartbeat_when(|_| true);
    assert_eq!((beat.next, beat.sent_below), (2, 1));
    watching.told(1);
    let beat = desk.heartbeat_when(|beat| beat.sent_below == 2);
    assert_eq!((beat.next, beat.in_flight.len()), (2, 0));
    assert_eq!(watching.interrupt().code, Some(0));
}

#[test]
fn a_resend_hands_its_bundles_to_the_watch_that_runs() {
    let desk = desk();
    let mut watching = Watching::begin(&desk, "20M");
    desk.bundle("outbox/a.bundle", 1000);
    watching.told(1);
    let again = desk.run(&["resend", "1", "--outbox", "outbox", "--state", "state", "--json"]);
    assert!(again.status.success(), "{}", stderr(&again));
    let records = json(&again);
    assert_eq!((&records[0]["seq"], &records[0]["again"]), (&1.into(), &true.into()));
    assert_eq!(watching.interrupt().code, Some(0));
}

#[test]
fn an_outbox_that_is_not_there_and_one_that_is_taken_are_refused() {
    let desk = desk();
    let gone = desk.begin_to_watch("gone", "20M", &[]).wait_with_output().unwrap();
    assert_refused(&gone, 2, &["the outbox can't be used", "gone"]);
    let mut watching = Watching::begin(&desk, "20M");
    desk.bundle("outbox/a.bundle", 1000);
    watching.told(1);
    let second = desk.begin_to_watch("outbox", "20M", &[]).wait_with_output().unwrap();
    assert_refused(&second, 1, &["another transmitter takes files from this outbox"]);
    assert_eq!(watching.interrupt().code, Some(0));
}

/// The bundles that the log gives numbers to, and the numbers of which it says that they were sent.
fn numbers_and_sent(desk: &Desk) -> (BTreeMap<u64, BundleId>, BTreeSet<u64>) {
    let log = Disk::open(&desk.path("state/log")).unwrap();
    let vkey = fs::read_to_string(desk.path("state/log/log.vkey")).unwrap();
    audit::log::verify(&log, &vkey).unwrap();
    let log: Arc<dyn Storage> = Arc::new(log);
    let (mut numbers, mut sent) = (BTreeMap::new(), BTreeSet::new());
    for (_, entry) in LogReader::open(log).unwrap().read(0, 10_000).unwrap() {
        match (entry.event, entry.seq) {
            (EventKind::BundleBound, Some(seq)) => {
                let earlier = numbers.insert(seq, entry.bundle.unwrap());
                assert!(earlier.is_none(), "number {seq} is bound twice");
            }
            (EventKind::BundleSent, Some(seq)) => {
                sent.insert(seq);
            }
            _ => {}
        }
    }
    (numbers, sent)
}

/// Waits for a datagram that is no heartbeat.
fn next_but_heartbeats(desk: &Desk) {
    while Packet::parse(&desk.first_datagram()).unwrap().header.kind == Kind::Heartbeat {}
}

/// Filler before the first bundle.
const WARM_UP: usize = 32;

/// How many packets a bundle of the shortest name takes, sent by itself.
fn packets_of_a_bundle() -> usize {
    let desk = Desk::new();
    desk.bundle("x.bundle", 2_000);
    let sent = desk.send(&["x.bundle"], &["--json"]);
    json(&sent)[0]["datagrams"].as_u64().unwrap() as usize
}

#[test]
fn a_kill_at_any_moment_leaves_each_bundle_in_one_place_with_one_number_and_all_are_sent_in_the_end() {
    const ROUNDS: usize = 8;
    let desk = desk();
    let bundle_packets = packets_of_a_bundle();
    let (mut written, mut left) = (BTreeMap::new(), 0);
    for round in 0..ROUNDS {
        // Of another length of name each, and thus of other content.
        let name = format!("{}.bundle", "x".repeat(round + 1));
        written.insert(name.clone(), desk.bundle(&format!("outbox/{name}"), 2_000));
        let mut watching = Watching::begin(&desk, "2M");
        // From among the filler to the last packet of all, after which the log is written and the file is kept.
        let packets = WARM_UP + (left + 1) * bundle_packets;
        (0..1 + (packets - 1) * round / (ROUNDS - 1)).for_each(|_| next_but_heartbeats(&desk));
        watching.kill();
        // What was on its way counts for no other round.
        desk.datagrams();
        let places = ["", "sending", "sent", "refused"].map(|folder| names(&desk, folder));
        left = places[0].len() + places[1].len();
        let mut found = places.concat();
        found.sort();
        assert!(found.iter().eq(written.keys()), "{places:?} after round {round}");
    }
    let mut watching = Watching::begin(&desk, "20M");
    assert!(watching.told(left).iter().all(|line| line["event"] == "bundle.sent"));
    assert_eq!(watching.interrupt().code, Some(0));
    assert!(names(&desk, "sent").iter().eq(written.keys()));
    for (name, bytes) in &written {
        let kept = fs::read(desk.path("outbox/sent").join(name)).unwrap();
        assert!(kept == *bytes, "{name} is not as it was");
    }
    let (numbers, sent) = numbers_and_sent(&desk);
    assert!(numbers.keys().copied().eq(1..=ROUNDS as u64), "{numbers:?}");
    assert_eq!(numbers.values().collect::<BTreeSet<_>>().len(), ROUNDS);
    assert!(sent.iter().eq(numbers.keys()), "{sent:?}");
}

#[test]
fn what_is_no_file_or_not_called_a_bundle_stays_where_it_is_and_holds_nobody_up() {
    let desk = desk();
    let outbox = desk.path("outbox");
    fs::create_dir(outbox.join("folder.bundle")).unwrap();
    symlink("../elsewhere", outbox.join("link.bundle")).unwrap();
    mknodat(CWD, outbox.join("pipe.bundle"), FileType::Fifo, Mode::RUSR, 0).unwrap();
    fs::write(outbox.join("notes.txt"), "nobody's business").unwrap();
    let mut watching = Watching::begin(&desk, "20M");
    desk.bundle("outbox/a.bundle", 1000);
    assert_eq!(watching.told(1)[0]["event"], "bundle.sent");
    assert_eq!(watching.interrupt().code, Some(0));
    for name in ["folder.bundle", "link.bundle", "pipe.bundle", "notes.txt"] {
        assert!(fs::symlink_metadata(outbox.join(name)).is_ok(), "{name} is gone");
    }
    assert!(names(&desk, "refused").is_empty() && names(&desk, "sending").is_empty());
}

#[test]
fn an_outbox_whose_folders_are_on_another_file_system_is_refused_at_once() {
    let desk = desk();
    fs::create_dir(desk.path("outbox/sending")).unwrap();
    let with_mount = |then: &str, args: &[String]| {
        let script = format!("mount -t tmpfs none outbox/sending && {then}");
        let mut command = Command::new("unshare");
        command.args(["--mount", "sh", "-c", &script, "sh"]).args(args);
        command.current_dir(desk.path("")).stdin(Stdio::null()).output()
    };
    if !with_mount("true", &[]).is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: this user can't mount a file system here");
        return;
    }
    let program = env!("CARGO_BIN_EXE_diode-tx").to_owned();
    let args = [vec![program], desk.watch_args("outbox", "20M")].concat();
    // It would go on for ever, if it did not refuse.
    let output = with_mount("exec timeout 60 \"$@\"", &args).unwrap();
    assert_refused(&output, 2, &["`sending` in it is on another file system", "mend"]);
}

#[test]
fn of_what_was_sent_the_oldest_is_removed_when_all_takes_more_than_its_room_and_the_log_says_so() {
    let desk = desk();
    desk.bundle("outbox/a.bundle", 700_000);
    let mut watching = Watching::begin(&desk, "20M");
    watching.told(1);
    desk.bundle("outbox/bb.bundle", 700_000);
    watching.told(1);
    assert_eq!(watching.interrupt().code, Some(0));
    assert_eq!(names(&desk, "sent"), ["a.bundle", "bb.bundle"]);
    fs::write(desk.path("tx.toml"), "[retention]\nsent_mib = 1\n").unwrap();
    let watching = Watching::begin_over(desk.begin_to_watch("outbox", "20M", &["--json", "--config", "tx.toml"]));
    desk.heartbeat_when(|_| names(&desk, "sent") == ["bb.bundle"]);
    assert_eq!(watching.interrupt().code, Some(0));
    let log = LogReader::open(Arc::new(Disk::open(&desk.path("state/log")).unwrap())).unwrap();
    let entries = log.read(0, 100).unwrap();
    let removed: Vec<_> = (entries.iter())
        .filter(|(_, event)| event.event == EventKind::BundleRemoved)
        .map(|(_, event)| (event.seq, event.path.as_deref(), event.reason.as_deref()))
        .collect();
    assert_eq!(
        removed,
        [(Some(1), Some("outbox/sent/a.bundle"), Some("retention-size"))]
    );
}

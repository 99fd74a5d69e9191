//! That datagrams go one way: the system calls of a transmitter and a receiver at work, as `strace` sees them.
//!
//! ```text
//! diode-tx send ═════ one small bundle, over loopback ═════▶ diode-rx serve ─▶ admitted, scanned, released
//!      │ strace                                                   │ strace
//!      ▼                                                          ▼
//!    Trace ─▶ Descriptors ─▶ sends only?                        Trace ─▶ Descriptors ─▶ receives only?
//! ```
//!
//! The pair runs once for all tests, each program in a process of its own. Each is judged by its own rule, which it keeps, and by the
//! other's, which it must be seen to break: a judge that sees nothing would find both without blame.

// What goes wrong in preparing a test ends it.
#![allow(
    clippy::unwrap_used,
    reason = "a test prepares files by itself, and fails by panicking"
)]

mod descriptors;
mod handing;
mod offences;
mod rights;
mod rules;
mod trace;

use std::fs;
use std::path::Path;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use audit::event::EventKind;
use diode_bench::drive::{Author, Packing, Programs, Receiver, Sending, Transmitter, has_strace};

use rules::{Breach, RECEIVES_ONLY, Rule, SENDS_ONLY, Verdict, Wrong, judge};
use trace::Trace;

/// Longer than anything takes on a busy machine, under strace too: a failure, not a hang.
const LIMIT: Duration = Duration::from_secs(60);

/// What the pair did; absent where there is no strace.
static TRACED: LazyLock<Option<Traced>> = LazyLock::new(|| has_strace().then(Traced::one_bundle));

/// The traces of a pair that sent, admitted and released a bundle.
struct Traced {
    tx: Record,
    rx: Record,
}

/// A trace, as it was written and as it was read.
struct Record {
    text: String,
    trace: Trace,
}

impl Traced {
    fn one_bundle() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let programs = Programs::new(env!("CARGO_BIN_EXE_diode-bench").into(), Arc::default());
        for name in ["tx", "notes"] {
            fs::create_dir(path(name)).unwrap();
        }
        fs::write(path("notes/README.md"), "# Notes\n\nAll is well.\n").unwrap();
        let author = Author::keygen(&programs, folder.path(), "alice@lab").unwrap();
        let transmitter = Transmitter::keygen(&programs, &path("tx")).unwrap();
        let receiver = Receiver::init(&programs, &path("rx"), "plant-7", &transmitter.public_key()).unwrap();
        receiver.trust(&author).unwrap();
        let packing = Packing {
            folder: &path("notes"),
            audience: receiver.name(),
            all: true,
            exclude: &[],
            output: &path("notes.bundle"),
        };
        let packed = author.pack(&packing).unwrap();

        let (tx_calls, rx_calls) = (path("tx.strace"), path("rx.strace"));
        let serving = receiver.tracing_descriptors(&rx_calls).serve().unwrap();
        let mut tail = receiver.tail().unwrap();
        let sending = Sending::new(serving.address, "100M", "1%");
        let transmitter = transmitter.tracing_descriptors(&tx_calls);
        let sent = transmitter
            .send(&[&packed.file], &sending, LIMIT)
            .unwrap()
            .pop()
            .unwrap();
        let is_end = |entry: &diode_bench::drive::Entry| entry.is_of(packed.bundle, sent.seq) && entry.is_final();
        let end = tail.wait_for("the bundle's end", LIMIT, is_end).unwrap();
        assert_eq!(end.event.event, EventKind::BundleReleased, "{:?}", end.event);
        serving.running.end_within(LIMIT).unwrap().done().unwrap();
        Self {
            tx: Record::read(&tx_calls),
            rx: Record::read(&rx_calls),
        }
    }
}

impl Record {
    fn read(file: &Path) -> Self {
        let text = fs::read_to_string(file).unwrap();
        let trace = Trace::parse(&text).unwrap();
        assert!(trace.is_whole(), "{} is cut:\n{}", file.display(), end_of(&text));
        Self { text, trace }
    }

    fn judge(&self, rule: &Rule) -> Verdict {
        judge(&self.trace, rule)
    }

    /// The first breaches, with the beginnings of the lines that they were found in, and how many there are.
    fn shown(&self, breaches: &[Breach]) -> String {
        let line = |breach: &Breach| self.text.lines().nth(breach.line - 1).unwrap_or_default();
        let shown = breaches
            .iter()
            .take(12)
            .map(|breach| format!("\n{breach:?}\n    {:.160}", line(breach)));
        format!("{} breaches:{}", breaches.len(), shown.collect::<String>())
    }
}

/// The last lines of a text.
fn end_of(text: &str) -> String {
    let lines: Vec<&str> = text.lines().rev().take(5).collect();
    lines.into_iter().rev().collect::<Vec<_>>().join("\n")
}

/// What the pair did; says that `test` is skipped where that can't be seen.
fn traced(test: &str) -> Option<&'static Traced> {
    let traced = TRACED.as_ref();
    if traced.is_none() {
        eprintln!("skipped: {test}: there is no strace on this machine");
    }
    traced
}

/// The calls on sockets that a verdict finds fault with for the way they go.
fn wrong_way(verdict: &Verdict) -> impl Iterator<Item = &str> {
    verdict.breaches.iter().filter_map(|breach| match &breach.wrong {
        Wrong::Call(name) => Some(name.as_str()),
        _ => None,
    })
}

#[test]
fn a_receiver_makes_no_call_that_could_send_and_is_shut_before_it_has_a_port() {
    let Some(Traced { rx, .. }) = traced("a_receiver_makes_no_call_that_could_send_and_is_shut_before_it_has_a_port")
    else {
        return;
    };
    let verdict = rx.judge(&RECEIVES_ONLY);
    assert!(verdict.breaches.is_empty(), "{}", rx.shown(&verdict.breaches));
    assert!(verdict.sockets > 0 && verdict.carried > 0, "{verdict:?}");
}

#[test]
fn a_transmitter_makes_no_call_that_could_receive_and_drops_what_comes_before_it_has_a_port() {
    let Some(Traced { tx, .. }) =
        traced("a_transmitter_makes_no_call_that_could_receive_and_drops_what_comes_before_it_has_a_port")
    else {
        return;
    };
    let verdict = tx.judge(&SENDS_ONLY);
    assert!(verdict.breaches.is_empty(), "{}", tx.shown(&verdict.breaches));
    assert!(verdict.sockets > 0 && verdict.carried > 0, "{verdict:?}");
}

#[test]
fn a_transmitter_is_seen_to_send_by_the_receivers_rule() {
    let Some(Traced { tx, .. }) = traced("a_transmitter_is_seen_to_send_by_the_receivers_rule") else {
        return;
    };
    let sent = tx.judge(&SENDS_ONLY).carried;
    let verdict = tx.judge(&RECEIVES_ONLY);
    assert!(wrong_way(&verdict).any(|name| name == "sendmmsg"), "{verdict:?}");
    assert!(wrong_way(&verdict).count() >= sent, "{sent} were sent: {verdict:?}");
    let bound = Wrong::NotYetClosed("bind".to_owned());
    assert!(
        verdict.breaches.iter().any(|breach| breach.wrong == bound),
        "{verdict:?}"
    );
}

#[test]
fn a_receiver_is_seen_to_receive_by_the_transmitters_rule() {
    let Some(Traced { rx, .. }) = traced("a_receiver_is_seen_to_receive_by_the_transmitters_rule") else {
        return;
    };
    let received = rx.judge(&RECEIVES_ONLY).carried;
    let verdict = rx.judge(&SENDS_ONLY);
    assert!(wrong_way(&verdict).any(|name| name == "recvmmsg"), "{verdict:?}");
    assert!(
        wrong_way(&verdict).count() >= received,
        "{received} were received: {verdict:?}"
    );
    let bound = Wrong::NotYetClosed("bind".to_owned());
    assert!(
        verdict.breaches.iter().any(|breach| breach.wrong == bound),
        "{verdict:?}"
    );
}

//! Rules that are installed while the receiver runs, and what was let out before them.
//!
//! On a kernel without Landlock or seccomp nothing can be installed: the tests say so, and pass.

use std::fs;

use audit::event::{EventKind, State, Verdict};

use crate::pair::{Pair, end_of, wait_for};

const PACK: &str = "rule Forbidden_Word {\n  meta:\n    severity = \"critical\"\n  strings:\n    $a = \"acme forbidden word\"\n  condition:\n    $a\n}\n";

/// Installs the pack; `false`, and a line that says so, where no worker can be confined.
fn install(pair: &Pair) -> bool {
    let path = pair.path("acme.yar");
    fs::write(&path, PACK).unwrap();
    let args = ["rules".as_ref(), "install".as_ref(), path.as_os_str()];
    let installed = pair.receiver.run(args).unwrap();
    if installed.stderr.contains("could not be checked") {
        eprintln!("skipped: {}", installed.stderr);
        return false;
    }
    installed.done().unwrap();
    true
}

#[test]
fn a_pack_counts_from_the_next_bundle_on_and_a_rescan_of_what_was_let_out_is_an_alarm() {
    let (pair, serving, mut tail) = Pair::serving();
    let text = b"# notes\n\nThe acme forbidden word stands here.\n";
    let before = pair.bundle("before", &[("README.md", text)]);
    let released = pair.send_and_follow(&before, &serving, &mut tail);
    assert_eq!(released.event.event, EventKind::BundleReleased);
    if !install(&pair) {
        return;
    }
    let after = pair.bundle("after", &[("README.md", &[text, "Again.\n".as_bytes()].concat())]);
    let sent = pair.send(&after, serving.address);
    let rejected = end_of(&mut tail, after.bundle, sent.seq);
    assert_eq!(rejected.event.event, EventKind::BundleRejected);
    let id = before.bundle.to_string();
    let rescanned = pair.receiver.run(["rescan", &id[..8]]).unwrap();
    assert_eq!(rescanned.code(), Some(3), "{}", rescanned.stderr);
    assert!(
        rescanned.stdout.contains("ALARM: released as ALLOW, and REJECT"),
        "{}",
        rescanned.stdout
    );
    let event = wait_for(&mut tail, EventKind::BundleRescanned).event;
    assert_eq!(
        (event.bundle, event.state, event.verdict, event.reason.as_deref()),
        (
            Some(before.bundle),
            Some(State::Released),
            Some(Verdict::Reject),
            Some("rescan-worse")
        )
    );
    assert!(pair.receiver.released(before.bundle).join("README.md").exists());
    let show = pair.receiver.run(["show", &id[..8]]).unwrap().done().unwrap().stdout;
    assert!(show.contains("RELEASED") && show.contains("rescanned"), "{show}");
}

#[test]
fn a_held_bundle_that_is_scanned_again_with_the_receiver_stopped_has_a_verdict_by_the_new_rules() {
    let (pair, serving, mut tail) = Pair::serving();
    let bundle = pair.bundle(
        "blob",
        &[(
            "blob.bin",
            &[
                b"\x01\x02\xff acme forbidden word ".as_slice(),
                &crate::pair::random(500),
            ]
            .concat(),
        )],
    );
    let held = pair.send_and_follow(&bundle, &serving, &mut tail);
    assert_eq!(held.event.event, EventKind::BundleHeld);
    serving.running.end().unwrap().done().unwrap();
    if !install(&pair) {
        return;
    }
    let rescanned = pair.receiver.run(["rescan", "--held"]).unwrap();
    assert_eq!(rescanned.code(), Some(3), "{}{}", rescanned.stdout, rescanned.stderr);
    let rejected = wait_for(&mut tail, EventKind::BundleRejected);
    assert_eq!(rejected.event.bundle, Some(bundle.bundle));
}

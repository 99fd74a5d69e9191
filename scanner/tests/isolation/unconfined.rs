//! What holds where workers cannot be had, and what a person sees who starts one.

use std::env::consts::ARCH;
use std::process::{Command, Stdio};
use std::thread;

use diode_scanner::engine::Outcome;
use diode_scanner::isolation::{Lacking, Probe, Probed, Unanswered, WorkerPool};
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, apply_filter};

use crate::{patient, program, spawner};

/// What a pool answers on a kernel that lacks a system call: here, in a thread to which a filter says so, and to all
/// that it starts.
fn without(call: i64) -> Option<Result<Probed, Unanswered>> {
    let lacking = SeccompFilter::new(
        [(call, Vec::new())].into(),
        SeccompAction::Allow,
        SeccompAction::Errno(libc::ENOSYS.unsigned_abs()),
        ARCH.try_into().unwrap(),
    );
    let lacking: BpfProgram = lacking.unwrap().try_into().unwrap();
    let asked = thread::scope(|scope| {
        let asking = scope.spawn(|| {
            apply_filter(&lacking).ok()?;
            let pool = WorkerPool::new(spawner(), patient());
            let first = pool.ask(&Probe, b"a file");
            assert_eq!(pool.ask(&Probe, b"another"), first, "it stays so");
            Some(first)
        });
        asking.join().unwrap()
    });
    if asked.is_none() {
        let test = thread::current().name().unwrap_or_default().to_owned();
        eprintln!("skipped: {test}: this kernel has no seccomp filters");
    }
    asked
}

fn unsupported_until_mended(answer: &Result<Probed, Unanswered>, lacking: Lacking, mend: &str) {
    let Err(unanswered) = answer else {
        panic!("a worker that is not confined has answered")
    };
    assert_eq!(*unanswered, Unanswered::Unconfined(lacking));
    assert_eq!(unanswered.outcome(), Outcome::Unsupported);
    assert!(unanswered.to_string().contains(mend), "{unanswered}");
}

#[test]
fn on_a_kernel_without_landlock_no_worker_gets_a_file_and_the_mend_is_named() {
    let Some(answer) = without(libc::SYS_landlock_create_ruleset) else {
        return;
    };
    unsupported_until_mended(&answer, Lacking::Landlock, "lsm=");
}

#[test]
fn on_a_kernel_without_seccomp_no_worker_gets_a_file_and_the_mend_is_named() {
    let Some(answer) = without(libc::SYS_seccomp) else {
        return;
    };
    unsupported_until_mended(&answer, Lacking::Seccomp, "CONFIG_SECCOMP_FILTER");
}

#[test]
fn a_worker_with_an_environment_says_so_and_ends() {
    use std::io::Read;
    let (ours, theirs) = socketpair(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None).unwrap();
    let mut child = Command::new(program())
        .arg("--isolation=worker")
        .env("ANY", "thing")
        .stdin(theirs)
        .spawn()
        .unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(70));
    let mut said = Vec::new();
    std::os::unix::net::UnixStream::from(ours)
        .read_to_end(&mut said)
        .unwrap();
    assert_eq!(said, [0, 0, 0, 2, 1, 4], "a frame of `Lacking`, `Environment`");
}

#[test]
fn a_role_by_hand_is_a_wrong_usage() {
    for role in ["--isolation=spawner", "--isolation=worker"] {
        let output = Command::new(program()).arg(role).stdin(Stdio::null()).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        assert!(String::from_utf8(output.stderr).unwrap().contains("by hand"));
    }
}

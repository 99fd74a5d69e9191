//! Workers and spawners come and go: every file has an outcome, and no process is left.

use std::sync::Mutex;
use std::time::Instant;

use diode_scanner::facts::Language;
use diode_scanner::isolation::{Fault, Lower, Probe, Probed, SpawnerError, Unanswered, WorkerPool};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open};

use crate::processes::{children_of, descriptors, exists, kill, send, status};
use crate::{AGES, patient, pool, program};

/// Waits for a process to end, however long it takes; whether it did.
fn ends(pid: u32) -> bool {
    let Ok(pidfd) = pidfd_open(Pid::from_raw(i32::try_from(pid).unwrap()).unwrap(), PidfdFlags::empty()) else {
        return true;
    };
    let until = Timespec {
        tv_sec: i64::try_from(AGES.as_secs()).unwrap(),
        tv_nsec: 0,
    };
    poll(&mut [PollFd::new(&pidfd, PollFlags::IN)], Some(&until)) == Ok(1)
}

#[test]
fn a_worker_has_nothing_but_a_socket_and_what_holds_of_it_holds() {
    let Some((spawner, pool)) = pool(patient()) else { return };
    let held = pool.held().unwrap();
    assert!(held.landlock_abi >= 1);
    let [worker] = children_of(spawner.process_id())[..] else {
        panic!("one worker is idle");
    };
    let open = descriptors(worker);
    assert!(open.len() == 1 && open[0].starts_with("socket:"), "{open:?}");
    assert_eq!(status(worker, "Seccomp"), "2");
    assert_eq!(status(worker, "NoNewPrivs"), "1");
    assert_eq!(status(worker, "Umask"), "0077");
    assert_eq!(
        std::fs::read_link(format!("/proc/{worker}/cwd")).unwrap(),
        std::path::Path::new("/")
    );
    assert!(std::fs::read(format!("/proc/{worker}/environ")).unwrap().is_empty());
    let limits = std::fs::read_to_string(format!("/proc/{worker}/limits")).unwrap();
    for (name, most) in [
        ("Max address space", "1073741824"),
        ("Max core file size", "0"),
        ("Max processes", "0"),
    ] {
        let line = limits.lines().find(|line| line.starts_with(name)).unwrap();
        let words: Vec<_> = line[name.len()..].split_whitespace().collect();
        assert_eq!(words[..2], [most, most], "{name}");
    }
}

#[test]
fn one_worker_answers_file_after_file() {
    let Some((spawner, pool)) = pool(patient()) else { return };
    let before = children_of(spawner.process_id());
    for number in 0..100_u32 {
        let file = vec![b'\n'; usize::try_from(number).unwrap() * 1000];
        assert_eq!(pool.ask(&Probe, &file), Ok(Probed::of(&file)));
    }
    assert_eq!(children_of(spawner.process_id()), before);
}

#[test]
fn a_file_whose_module_is_too_long_is_over_the_limit_and_its_worker_is_kept() {
    let Some((spawner, pool)) = pool(patient()) else { return };
    let before = children_of(spawner.process_id());
    let flat = format!("eval(x);\n{}", "a;".repeat(100_000));
    let lowered = pool.ask(&Lower(Language::JavaScript), flat.as_bytes());
    assert_eq!(lowered.unwrap_err(), Unanswered::OverLimit);
    assert_eq!(children_of(spawner.process_id()), before);
}

#[test]
fn a_pool_takes_its_workers_with_it() {
    let Some((spawner, pool)) = pool(patient()) else { return };
    assert_eq!(children_of(spawner.process_id()).len(), 1);
    drop(pool);
    assert!(children_of(spawner.process_id()).is_empty());
}

#[test]
fn another_bundle_gets_other_workers() {
    let Some((spawner, first)) = pool(patient()) else {
        return;
    };
    let before = children_of(spawner.process_id());
    let second = WorkerPool::new(spawner.clone(), patient());
    second.ask(&Probe, b"").unwrap();
    let both = children_of(spawner.process_id());
    assert_eq!(both.len(), 2);
    drop(first);
    assert!(
        children_of(spawner.process_id())
            .iter()
            .all(|worker| !before.contains(worker))
    );
}

#[test]
fn no_more_workers_live_than_are_allowed() {
    let Some((spawner, pool)) = pool(patient()) else { return };
    let most = Mutex::new(0);
    std::thread::scope(|scope| {
        for _ in 0..12 {
            scope.spawn(|| {
                for number in 0..30_u8 {
                    pool.ask(&Probe, &[number]).unwrap();
                    let now = children_of(spawner.process_id()).len();
                    let mut most = most.lock().unwrap();
                    *most = now.max(*most);
                }
            });
        }
    });
    assert!((1..=4).contains(&*most.lock().unwrap()));
}

#[test]
fn every_file_has_its_outcome_while_workers_are_killed() {
    let Some((spawner, pool)) = pool(patient()) else { return };
    let files = 3_000_u32;
    let outcomes = Mutex::new((0, 0));
    let next = std::sync::atomic::AtomicU32::new(0);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    if number >= files {
                        return;
                    }
                    // Which one is at work is chance enough.
                    if number.is_multiple_of(37) {
                        children_of(spawner.process_id()).into_iter().take(2).for_each(kill);
                    }
                    let file = number.to_be_bytes().repeat(64);
                    let answer = pool.ask(&Probe, &file);
                    let mut outcomes = outcomes.lock().unwrap();
                    match answer {
                        Ok(probed) => {
                            assert_eq!(probed, Probed::of(&file));
                            outcomes.0 += 1;
                        }
                        Err(Unanswered::Crashed(Fault::Died(_))) => outcomes.1 += 1,
                        Err(other) => panic!("{other:?}"),
                    }
                }
            });
        }
    });
    let (scanned, crashed) = *outcomes.lock().unwrap();
    assert_eq!(scanned + crashed, files);
    assert!(
        crashed < files / 10,
        "{crashed} of {files} crashed: the second try is of no use"
    );
    drop(pool);
    assert!(children_of(spawner.process_id()).is_empty());
}

#[test]
fn an_idle_worker_that_was_killed_costs_no_file() {
    let Some((spawner, pool)) = pool(patient()) else { return };
    children_of(spawner.process_id()).into_iter().for_each(kill);
    assert_eq!(pool.ask(&Probe, b"a file"), Ok(Probed::of(b"a file")));
}

#[test]
fn signals_that_mean_the_program_end_neither_spawner_nor_workers() {
    let Some((spawner, pool)) = pool(patient()) else { return };
    let workers = children_of(spawner.process_id());
    for signal in [Signal::TERM, Signal::INT, Signal::HUP] {
        send(spawner.process_id(), signal);
        workers.iter().for_each(|&worker| send(worker, signal));
    }
    assert_eq!(pool.ask(&Probe, b"a file"), Ok(Probed::of(b"a file")));
    assert_eq!(children_of(spawner.process_id()), workers);
}

#[test]
fn a_dropped_spawner_is_gone_with_its_workers() {
    let Some((spawner, pool)) = pool(patient()) else { return };
    let process = spawner.process_id();
    let workers = children_of(process);
    drop((pool, spawner));
    assert!(!exists(process));
    assert!(workers.into_iter().all(|worker| !exists(worker)));
}

#[test]
fn workers_die_with_a_spawner_that_is_killed_and_the_pool_says_so() {
    let Some((spawner, pool)) = pool(patient()) else { return };
    let workers = children_of(spawner.process_id());
    kill(spawner.process_id());
    assert!(workers.into_iter().all(ends));
    let lost = Unanswered::Crashed(Fault::NoWorker(SpawnerError::Lost));
    assert_eq!(pool.ask(&Probe, b"a file"), Err(lost));
}

#[test]
fn a_spawner_ends_when_the_program_is_killed() {
    use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
    let flags = SocketFlags::CLOEXEC;
    let (ours, theirs) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None).unwrap();
    let mut child = std::process::Command::new(program())
        .arg("--isolation=spawner")
        .stdin(theirs)
        .spawn()
        .unwrap();
    // All that a killed program leaves of itself is that its end of the socket is closed.
    drop(ours);
    let begun = Instant::now();
    assert!(ends(child.id()), "{:?}", begun.elapsed());
    child.wait().unwrap();
}

#[test]
fn a_program_without_the_role_is_no_spawner() {
    let refused = diode_scanner::isolation::Spawner::start_program(std::path::Path::new("/bin/true"));
    assert_eq!(refused.unwrap_err(), SpawnerError::Lost);
}

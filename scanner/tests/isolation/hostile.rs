//! A worker that was taken over: each thing it tries fails, and the file's outcome is the right one.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use diode_scanner::engine::Outcome;
use diode_scanner::isolation::hostile::{Act, Hostile};
use diode_scanner::isolation::{Allowance, End, Fault, Malformed, Probe, Probed, Unanswered};

use crate::processes::children_of;
use crate::{AGES, SHORT, patient, pool};

const FILE: &[u8] = b"first line\nsecond line\n";
/// The signal that seccomp kills with.
const SIGSYS: i32 = 31;
const SIGABRT: i32 = 6;
const SIGSEGV: i32 = 11;

fn killed_for_it(act: Act) {
    let Some((_, pool)) = pool(patient()) else { return };
    let answer = pool.ask(&Hostile(act), FILE);
    assert_eq!(answer, died(End::Signalled(SIGSYS)), "{act:?}");
}

fn died(end: End) -> Result<Probed, Unanswered> {
    Err(Unanswered::Crashed(Fault::Died(end)))
}

fn lie_of(act: Act) -> Option<Malformed> {
    let (_, pool) = pool(patient())?;
    match pool.ask(&Hostile(act), FILE) {
        Err(Unanswered::Crashed(Fault::Lied(lie))) => Some(lie),
        other => panic!("{act:?}: {other:?}"),
    }
}

#[test]
fn a_worker_that_opens_a_file_is_killed() {
    killed_for_it(Act::OpenFile);
}

#[test]
fn a_worker_that_lists_a_folder_is_killed() {
    killed_for_it(Act::ListFolder);
}

#[test]
fn a_worker_that_connects_is_killed() {
    killed_for_it(Act::Connect);
}

#[test]
fn a_worker_that_makes_a_datagram_socket_is_killed() {
    killed_for_it(Act::Datagram);
}

#[test]
fn a_worker_that_runs_a_program_is_killed() {
    killed_for_it(Act::Exec);
}

#[test]
fn a_worker_that_starts_a_thread_is_killed() {
    killed_for_it(Act::Thread);
}

#[test]
fn a_worker_that_signals_its_parent_is_killed() {
    killed_for_it(Act::Signal);
}

#[test]
fn a_worker_that_copies_its_descriptor_is_killed() {
    killed_for_it(Act::Descriptors);
}

#[test]
fn a_worker_cannot_write_to_its_file() {
    let Some((_, pool)) = pool(patient()) else { return };
    assert_eq!(pool.ask(&Hostile(Act::WriteFile), FILE), died(End::Signalled(SIGSYS)));
    assert_eq!(pool.ask(&Hostile(Act::WriteInPlace), FILE), Ok(Probed::of(FILE)));
}

#[test]
fn an_answer_to_another_job_is_a_crash() {
    let Some(lie) = lie_of(Act::WrongJob) else { return };
    assert!(
        matches!(lie, Malformed::WrongJob { asked, answered } if answered == asked + 1),
        "{lie}"
    );
}

#[test]
fn an_answer_that_cannot_be_true_is_a_crash() {
    let Some(lie) = lie_of(Act::Lie) else { return };
    assert!(matches!(lie, Malformed::Implausible(_)), "{lie}");
}

#[test]
fn a_huge_length_is_a_crash() {
    let Some(lie) = lie_of(Act::HugeLength) else { return };
    assert!(
        matches!(lie, Malformed::TooLong { len, .. } if len == u32::MAX as usize),
        "{lie}"
    );
}

#[test]
fn garbage_without_end_is_a_crash() {
    let Some(lie) = lie_of(Act::Garbage) else { return };
    assert!(
        matches!(lie, Malformed::WrongJob { .. } | Malformed::Undecodable),
        "{lie}"
    );
}

#[test]
fn a_second_answer_is_not_taken_for_the_next_file() {
    let Some((_, pool)) = pool(patient()) else { return };
    assert_eq!(pool.ask(&Hostile(Act::Twice), FILE), Ok(Probed::of(FILE)));
    assert_eq!(pool.ask(&Probe, b"another file"), Ok(Probed::of(b"another file")));
}

#[test]
fn a_worker_that_never_ends_is_killed_and_the_file_timed_out() {
    late(Act::Outlive);
}

#[test]
fn a_worker_that_sends_half_a_reply_is_killed_and_the_file_timed_out() {
    late(Act::HalfReply);
}

fn late(act: Act) {
    let allowance = Allowance {
        hard: SHORT,
        ..patient()
    };
    let Some((spawner, pool)) = pool(allowance) else { return };
    let answer = pool.ask(&Hostile(act), FILE);
    assert_eq!(answer, Err(Unanswered::TimedOut));
    assert_eq!(answer.unwrap_err().outcome(), Outcome::TimedOut);
    assert!(children_of(spawner.process_id()).is_empty());
}

#[test]
fn a_worker_that_gives_up_in_time_is_kept() {
    let allowance = Allowance {
        soft: SHORT,
        ..patient()
    };
    let Some((spawner, pool)) = pool(allowance) else { return };
    let before = children_of(spawner.process_id());
    assert_eq!(pool.ask(&Hostile(Act::GiveUp), FILE), Err(Unanswered::TimedOut));
    assert_eq!(children_of(spawner.process_id()), before);
}

#[test]
fn what_a_worker_refuses_is_the_outcome_of_the_file() {
    let Some((_, pool)) = pool(patient()) else { return };
    assert_eq!(pool.ask(&Hostile(Act::Refuse), FILE), Err(Unanswered::Unsupported));
    assert_eq!(pool.ask(&Hostile(Act::FindTooLarge), FILE), Err(Unanswered::OverLimit));
}

#[test]
fn a_refusal_with_an_answer_is_a_crash() {
    let Some(lie) = lie_of(Act::RefuseAndAnswer) else {
        return;
    };
    assert!(matches!(lie, Malformed::Trailing { .. }), "{lie}");
}

#[test]
fn a_bundle_that_has_cost_its_time_is_given_up() {
    let allowance = Allowance {
        hard: SHORT,
        lost: SHORT,
        ..patient()
    };
    let Some((_, pool)) = pool(allowance) else { return };
    assert_eq!(pool.ask(&Hostile(Act::Outlive), FILE), Err(Unanswered::TimedOut));
    let answer = pool.ask(&Probe, FILE);
    assert_eq!(answer, Err(Unanswered::Spent));
    assert_eq!(answer.unwrap_err().outcome(), Outcome::TimedOut);
}

#[test]
fn a_worker_that_takes_memory_without_end_aborts() {
    ends(Act::Allocate, End::Signalled(SIGABRT));
}

#[test]
fn a_worker_that_exhausts_its_stack_dies() {
    let Some((_, pool)) = pool(patient()) else { return };
    match pool.ask(&Hostile(Act::Recurse), FILE) {
        Err(Unanswered::Crashed(Fault::Died(End::Signalled(SIGABRT | SIGSEGV)))) => {}
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_panic_ends_the_worker() {
    ends(Act::Panic, End::Exited(101));
}

#[test]
fn an_abort_is_a_crash() {
    ends(Act::Abort, End::Signalled(SIGABRT));
}

#[test]
fn an_end_as_if_all_were_well_is_a_crash() {
    ends(Act::Exit, End::Exited(0));
}

fn ends(act: Act, end: End) {
    let Some((_, pool)) = pool(patient()) else { return };
    let answer = pool.ask(&Hostile(act), FILE);
    assert_eq!(answer, died(end), "{act:?}");
    assert_eq!(answer.unwrap_err().outcome(), Outcome::Crashed);
}

#[test]
fn a_file_after_one_that_crashed_is_answered() {
    let Some((_, pool)) = pool(patient()) else { return };
    for file in [[1_u8], [2], [3], [4], [5]] {
        let answer = pool.ask(&Hostile(Act::AbortIfOdd), &file);
        match file[0] % 2 {
            0 => assert_eq!(answer, Ok(Probed::of(&file))),
            _ => assert_eq!(answer, died(End::Signalled(SIGABRT))),
        }
    }
}

#[test]
fn among_hostile_files_every_one_has_its_outcome_and_no_answer_is_untrue() {
    let Some((_, pool)) = pool(patient()) else { return };
    let acts = [
        Act::Behave,
        Act::Lie,
        Act::Behave,
        Act::OpenFile,
        Act::WriteInPlace,
        Act::WrongJob,
        Act::Behave,
        Act::Twice,
        Act::Behave,
        Act::Abort,
        Act::WriteFile,
    ];
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some(number) = Some(next.fetch_add(1, Ordering::Relaxed)).filter(|&number| number < 1_000) {
                    let act = acts[number % acts.len()];
                    let file = number.to_be_bytes();
                    match (act, pool.ask(&Hostile(act), &file)) {
                        (Act::Behave | Act::WriteInPlace | Act::Twice, answer) => {
                            assert_eq!(answer, Ok(Probed::of(&file)), "{act:?}");
                        }
                        (_, answer) => assert!(matches!(answer, Err(Unanswered::Crashed(_))), "{act:?}: {answer:?}"),
                    }
                }
            });
        }
    });
}

#[test]
fn a_file_over_the_limit_is_not_handed_out() {
    let allowance = Allowance {
        file_bytes: 10,
        hard: AGES,
        ..patient()
    };
    let Some((_, pool)) = pool(allowance) else { return };
    assert_eq!(pool.ask(&Probe, &[0; 10]), Ok(Probed::of(&[0; 10])));
    assert_eq!(pool.ask(&Probe, &[0; 11]), Err(Unanswered::OverLimit));
}

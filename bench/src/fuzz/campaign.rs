//! A run of inputs over one target, one after another, until one fails or all are through.

use std::cell::RefCell;
use std::panic::{self, AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::corpus::Corpus;
use super::mutate::input;
use super::target::Target;

/// How a campaign went.
#[derive(Debug)]
pub(super) struct Outcome {
    /// Inputs that held.
    pub(super) held: u64,
    /// The time that it took.
    pub(super) took: Duration,
    /// The input that took longest, and how long.
    pub(super) slowest: (u64, Duration),
    /// The first input for which the property did not hold.
    pub(super) broken: Option<Broken>,
}

/// An input for which the property did not hold.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Broken {
    pub(super) number: u64,
    pub(super) input: Vec<u8>,
    /// What the target said.
    pub(super) message: String,
}

impl Outcome {
    /// Inputs a second.
    pub(super) fn rate(&self) -> f64 {
        let seconds = self.took.as_secs_f64();
        if seconds > 0.0 { self.held as f64 / seconds } else { 0.0 }
    }
}

/// Runs the inputs `from .. from + rounds` of `target`, or fewer if `stop` is set meanwhile.
pub(super) fn run(target: &Target, corpus: &Corpus, from: u64, rounds: u64, stop: &AtomicBool) -> Outcome {
    let begun = Instant::now();
    let mut outcome = Outcome {
        held: 0,
        took: Duration::ZERO,
        slowest: (from, Duration::ZERO),
        broken: None,
    };
    for number in (0..rounds).map_while(|round| from.checked_add(round)) {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let input = input(target, corpus, number);
        let started = Instant::now();
        let failed = failure_of(target, &input);
        let took = started.elapsed();
        if took > outcome.slowest.1 {
            outcome.slowest = (number, took);
        }
        if let Some(message) = failed {
            outcome.broken = Some(Broken { number, input, message });
            break;
        }
        outcome.held += 1;
    }
    outcome.took = begun.elapsed();
    outcome
}

/// What the target says against `input`, if its property does not hold for it.
pub(super) fn failure_of(target: &Target, input: &[u8]) -> Option<String> {
    catch_unwind(AssertUnwindSafe(|| (target.run)(input)))
        .err()
        .map(|panic| {
            let from_hook = LAST_PANIC.with_borrow_mut(Option::take);
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            from_hook
                .or(text)
                .unwrap_or_else(|| "a panic without a message".to_owned())
        })
}

/// Keeps what this thread's panics say, with their places, instead of printing it: those that the code under a target catches itself are
/// part of its work.
pub(super) fn keep_panics_quiet() {
    panic::set_hook(Box::new(|panic| LAST_PANIC.set(Some(panic.to_string()))));
}

thread_local! {
    static LAST_PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::fuzz::target::Shape;

    fn corpus() -> Corpus {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("t")).unwrap();
        fs::write(folder.path().join("t/seed"), [0; 8]).unwrap();
        Corpus::read(folder.path(), "t").unwrap()
    }

    fn target(run: fn(&[u8])) -> Target {
        Target {
            name: "t",
            about: "",
            shape: Shape::Plain,
            words: &[],
            rounds_in_tests: 0,
            run,
        }
    }

    #[test]
    fn a_panic_ends_a_campaign_with_the_input_that_brought_it() {
        let target = target(|bytes| assert!(bytes.len() <= 10, "over ten"));
        let outcome = run(&target, &corpus(), 0, 10_000, &AtomicBool::new(false));
        let failure = outcome.broken.unwrap();
        assert!(failure.input.len() > 10 && failure.message.contains("over ten"));
        assert_eq!(outcome.held, failure.number);
        assert_eq!(input(&target, &corpus(), failure.number), failure.input);
    }

    #[test]
    fn a_campaign_in_two_parts_meets_the_failure_that_one_in_one_part_meets() {
        let target = target(|bytes| assert!(bytes.len() <= 10));
        let stop = AtomicBool::new(false);
        let whole = run(&target, &corpus(), 0, 10_000, &stop).broken.unwrap();
        let first = run(&target, &corpus(), 0, whole.number, &stop);
        let second = run(&target, &corpus(), whole.number, 10_000, &stop);
        assert_eq!((first.held, first.broken), (whole.number, None));
        assert_eq!(second.broken, Some(whole));
    }

    #[test]
    fn a_campaign_that_is_stopped_tells_how_far_it_came() {
        let outcome = run(&target(|_| {}), &corpus(), 5, 10, &AtomicBool::new(true));
        assert_eq!((outcome.held, outcome.broken), (0, None));
    }
}

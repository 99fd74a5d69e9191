//! Two cores for two threads, so that the scheduler is no part of what is measured.

use std::fs;

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// Two cores that this program may use: of two processors rather than of two halves of one. `None` if there is one alone.
pub(super) fn two() -> Option<[usize; 2]> {
    let allowed = sched_getaffinity(None).ok()?;
    let cores: Vec<usize> = (0..CpuSet::MAX_CPU).filter(|core| allowed.is_set(*core)).collect();
    let (first, others) = cores.split_first()?;
    let apart = others.iter().find(|core| !siblings(**core).contains(first));
    let second = apart.or_else(|| others.first())?;
    Some([*first, *second])
}

/// Keeps the calling thread on a core. Where the system refuses, the thread moves as any other.
pub(super) fn pin(core: usize) {
    let mut only = CpuSet::new();
    only.set(core);
    // A measurement on threads that move is worse, and still one.
    let _ = sched_setaffinity(None, &only);
}

/// The cores that share a processor's execution units with this one.
fn siblings(core: usize) -> Vec<usize> {
    let path = format!("/sys/devices/system/cpu/cpu{core}/topology/thread_siblings_list");
    parse_list(&fs::read_to_string(path).unwrap_or_default())
}

/// Numbers as the kernel lists them: `0-1,8`.
fn parse_list(text: &str) -> Vec<usize> {
    let part = |part: &str| {
        let (from, to) = part.split_once('-').unwrap_or((part, part));
        Some(from.parse::<usize>().ok()?..=to.parse().ok()?)
    };
    text.trim().split(',').filter_map(part).flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_cores_has_ranges_and_single_ones() {
        assert_eq!(parse_list("0-2,8\n"), [0, 1, 2, 8]);
        assert_eq!(parse_list(""), [0; 0]);
    }

    #[test]
    fn two_cores_are_two() {
        // On a machine with a single one there is nothing to choose from.
        assert!(two().is_none_or(|[first, second]| first != second));
    }
}

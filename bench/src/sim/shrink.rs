//! A failure made small: which of the faults it takes.
//!
//! Delta debugging (Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing Input", 2002): parts of the list are left out, larger ones
//! first, as long as what is left fails in the same way.

/// Leaves out of `all` what `fails` does not need, in at most `budget` trials.
pub(super) fn shrink<T: Clone>(all: &[T], mut budget: usize, mut fails: impl FnMut(&[T]) -> bool) -> Vec<T> {
    let mut left = all.to_vec();
    let mut parts = 2;
    while !left.is_empty() && budget > 0 {
        let size = left.len().div_ceil(parts);
        let mut smaller = None;
        for start in (0..left.len()).step_by(size.max(1)) {
            let end = left.len().min(start + size);
            let rest: Vec<T> = left.iter().take(start).chain(left.iter().skip(end)).cloned().collect();
            budget = budget.saturating_sub(1);
            if fails(&rest) {
                smaller = Some(rest);
                break;
            }
            if budget == 0 {
                break;
            }
        }
        match smaller {
            Some(rest) => {
                left = rest;
                parts = parts.saturating_sub(1).max(2);
            }
            None if size <= 1 => break,
            None => parts = (parts * 2).min(left.len()),
        }
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_failure_takes_is_left_and_nothing_else() {
        let all: Vec<u32> = (0..100).collect();
        let needs = [3, 41, 97];
        let left = shrink(&all, 1000, |some| needs.iter().all(|need| some.contains(need)));
        assert_eq!(left, needs);
    }

    #[test]
    fn a_failure_that_takes_nothing_leaves_nothing() {
        assert_eq!(shrink(&[1, 2, 3], 1000, |_| true), [0; 0]);
    }

    #[test]
    fn no_more_is_tried_than_the_budget_allows() {
        let mut trials = 0;
        shrink(&(0..100).collect::<Vec<u32>>(), 7, |some| {
            trials += 1;
            some.contains(&50)
        });
        assert!(trials <= 7);
    }
}

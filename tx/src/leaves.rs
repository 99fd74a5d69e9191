//! The leaves of a content read in order by one thread and worked on by as many as there are cores.
//!
//! ```text
//! fill(0), fill(1), … ──full──▶ work(0) │ work(1) │ …        on threads of their own
//!        ▲──────────────empty──────────────┘
//! ```
//!
//! Always true:
//! - memory is a fixed number of leaf buffers, whatever the content's length;
//! - of the leaves whose work failed, the first in the content is the one reported, on any number of cores.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crossbeam_channel::{Receiver, Sender, bounded};

/// How a content is cut into leaves: all of `leaf_len` bytes but the last, which may be shorter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LeafLayout {
    content_len: u64,
    leaf_len: u32,
}

impl LeafLayout {
    /// The cut of `content_len` bytes into leaves of `leaf_len` bytes, which is not zero.
    pub(crate) fn new(content_len: u64, leaf_len: u32) -> Self {
        Self {
            content_len,
            leaf_len: leaf_len.max(1),
        }
    }

    /// How many leaves there are; an empty content has none.
    pub(crate) fn count(&self) -> u64 {
        self.content_len.div_ceil(u64::from(self.leaf_len))
    }

    /// Where leaf `index` starts in the content, and its length; `None` past the last.
    pub(crate) fn place(&self, index: u64) -> Option<(u64, usize)> {
        let start = index.checked_mul(u64::from(self.leaf_len))?;
        let rest = self.content_len.checked_sub(start).filter(|rest| *rest > 0)?;
        let len = rest.min(u64::from(self.leaf_len));
        Some((start, usize::try_from(len).ok()?))
    }

    /// The leaf that holds byte `offset` of the content.
    pub(crate) fn leaf_at(&self, offset: u64) -> u64 {
        offset / u64::from(self.leaf_len)
    }
}

/// Fills a buffer for each leaf in order with `fill`, and runs `work` over the filled ones on other threads.
///
/// # Errors
/// That of the first leaf whose `work` failed; else that of `fill`. Nothing is filled after the first error.
pub(crate) fn for_each<E, F, W>(layout: LeafLayout, fill: F, work: W) -> Result<(), E>
where
    E: Send,
    F: FnMut(u64, &mut [u8]) -> Result<(), E>,
    W: Fn(u64, &[u8]) -> Result<(), E> + Sync,
{
    let cores = thread::available_parallelism().map_or(1, usize::from).min(MAX_WORKERS);
    let workers = usize::try_from(layout.count()).map_or(cores, |count| count.min(cores));
    let buffers = 2 * workers + 1;
    let (to_work, full) = bounded::<(u64, Vec<u8>)>(workers.max(1));
    let (give_back, empty) = bounded::<Vec<u8>>(buffers);
    for _ in 0..buffers {
        // The channel has room for each of them.
        let _ = give_back.try_send(Vec::new());
    }
    let failure = FirstFailure::default();
    let filled = thread::scope(|scope| {
        for _ in 0..workers {
            let (full, give_back) = (full.clone(), give_back.clone());
            let (failure, work) = (&failure, &work);
            scope.spawn(move || work_through(&full, &give_back, failure, work));
        }
        // Without these, a worker's end would show as a closed channel.
        drop((full, give_back));
        let filled = fill_all(layout, &to_work, &empty, &failure, fill);
        // The workers end when nothing more can come.
        drop(to_work);
        filled
    });
    failure.into_result().and(filled)
}

/// More would wait for the one thread that reads.
const MAX_WORKERS: usize = 8;

fn fill_all<E>(
    layout: LeafLayout,
    to_work: &Sender<(u64, Vec<u8>)>,
    empty: &Receiver<Vec<u8>>,
    failure: &FirstFailure<E>,
    mut fill: impl FnMut(u64, &mut [u8]) -> Result<(), E>,
) -> Result<(), E> {
    for index in 0..layout.count() {
        let Some((_, len)) = layout.place(index) else { break };
        // The channel closes only when every worker has ended, which is a panic that the scope passes on.
        let Ok(mut buffer) = empty.recv() else { break };
        if failure.happened() {
            break;
        }
        buffer.resize(len, 0);
        fill(index, &mut buffer)?;
        if to_work.send((index, buffer)).is_err() {
            break;
        }
    }
    Ok(())
}

fn work_through<E>(
    full: &Receiver<(u64, Vec<u8>)>,
    give_back: &Sender<Vec<u8>>,
    failure: &FirstFailure<E>,
    work: impl Fn(u64, &[u8]) -> Result<(), E>,
) {
    for (index, buffer) in full {
        if let Err(error) = work(index, &buffer) {
            failure.note(index, error);
        }
        // Nobody takes buffers back once filling has ended.
        let _ = give_back.try_send(buffer);
    }
}

/// The failure of the lowest leaf among those noted.
#[derive(Debug)]
struct FirstFailure<E> {
    happened: AtomicBool,
    first: Mutex<Option<(u64, E)>>,
}

impl<E> Default for FirstFailure<E> {
    fn default() -> Self {
        Self {
            happened: AtomicBool::new(false),
            first: Mutex::new(None),
        }
    }
}

impl<E> FirstFailure<E> {
    fn note(&self, index: u64, error: E) {
        let mut first = self.first.lock().unwrap_or_else(PoisonError::into_inner);
        if first.as_ref().is_none_or(|(lowest, _)| index < *lowest) {
            *first = Some((index, error));
        }
        self.happened.store(true, Ordering::Release);
    }

    fn happened(&self) -> bool {
        self.happened.load(Ordering::Acquire)
    }

    fn into_result(self) -> Result<(), E> {
        match self.first.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Some((_, error)) => Err(error),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_content_has_no_leaf() {
        let layout = LeafLayout::new(0, 4096);
        assert_eq!((layout.count(), layout.place(0)), (0, None));
    }

    #[test]
    fn the_last_leaf_is_as_short_as_the_content_leaves_it() {
        let layout = LeafLayout::new(8193, 4096);
        assert_eq!(
            (layout.count(), layout.place(1), layout.place(2)),
            (3, Some((4096, 4096)), Some((8192, 1)))
        );
        assert_eq!(layout.place(3), None);
    }

    #[test]
    fn a_place_past_what_64_bits_hold_is_none() {
        assert_eq!(LeafLayout::new(u64::MAX, 4096).place(u64::MAX), None);
    }

    #[test]
    fn every_leaf_is_worked_on_once_with_its_own_bytes() {
        let seen = Mutex::new(vec![0_u32; 100]);
        let fill = |index: u64, buffer: &mut [u8]| -> Result<(), ()> {
            buffer.fill(index as u8);
            Ok(())
        };
        let work = |index: u64, bytes: &[u8]| {
            assert!(bytes.iter().all(|byte| u64::from(*byte) == index));
            seen.lock().unwrap()[index as usize] += 1;
            Ok(())
        };
        for_each(LeafLayout::new(99 * 4096 + 5, 4096), fill, work).unwrap();
        assert_eq!(seen.into_inner().unwrap(), vec![1; 100]);
    }

    #[test]
    fn the_failure_reported_is_the_first_leafs_even_when_a_later_one_fails_sooner() {
        for _ in 0..50 {
            let work = |index: u64, _: &[u8]| if index >= 7 { Err(index) } else { Ok(()) };
            let failed = for_each(LeafLayout::new(64 * 4096, 4096), |_, _| Ok(()), work);
            assert_eq!(failed, Err(7));
        }
    }

    #[test]
    fn a_fill_that_fails_ends_the_run_with_its_error() {
        let fill = |index: u64, _: &mut [u8]| if index == 3 { Err("cut") } else { Ok(()) };
        assert_eq!(
            for_each(LeafLayout::new(10 * 4096, 4096), fill, |_, _| Ok(())),
            Err("cut")
        );
    }

    #[test]
    fn a_failed_leaf_outranks_a_fill_that_failed_after_it() {
        let fill = |index: u64, _: &mut [u8]| if index == 5 { Err("fill") } else { Ok(()) };
        let work = |index: u64, _: &[u8]| if index == 1 { Err("work") } else { Ok(()) };
        assert_eq!(for_each(LeafLayout::new(10 * 4096, 4096), fill, work), Err("work"));
    }
}

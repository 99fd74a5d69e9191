//! Room for engines that walk deep: threads whose stack is large enough for it.

use std::cell::Cell;
use std::io;
use std::panic::resume_unwind;
use std::thread::{self, Builder, Scope, ScopedJoinHandle};

/// Room for the walk over a module as deep as its check allows, in functions as deep as they are followed.
const STACK: usize = 256 << 20;

thread_local! {
    /// Whether this thread has that room.
    static ROOMY: Cell<bool> = const { Cell::new(false) };
}

/// Starts a thread with room; one without it, if there is none to be had: then each walk asks for its own.
pub(crate) fn spawn<'scope>(scope: &'scope Scope<'scope, '_>, work: impl FnOnce() + Clone + Send + 'scope) {
    let roomy = work.clone();
    let started = Builder::new().stack_size(STACK).spawn_scoped(scope, move || {
        ROOMY.set(true);
        roomy();
    });
    if started.is_err() {
        scope.spawn(work);
    }
}

/// Runs `walk` where there is room for it: here, or on a thread of its own.
///
/// # Errors
/// That of the thread which could not be started.
pub(crate) fn with_room<T: Send>(walk: impl FnOnce() -> T + Send) -> io::Result<T> {
    if ROOMY.get() {
        return Ok(walk());
    }
    thread::scope(|scope| {
        let aside = Builder::new().stack_size(STACK).spawn_scoped(scope, walk)?;
        Ok(joined(aside))
    })
}

/// What a thread gave. Its panic goes on as if it had happened here: whoever runs engines catches it.
pub(crate) fn joined<T>(thread: ScopedJoinHandle<'_, T>) -> T {
    thread.join().unwrap_or_else(|panic| resume_unwind(panic))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes of stack that a walk to this depth takes, at least.
    fn walk(depth: u32) -> u32 {
        let frame = std::hint::black_box([depth; 1024]);
        if depth == 0 {
            0
        } else {
            walk(depth - 1) + u32::from(frame[1023] == depth)
        }
    }

    #[test]
    fn a_deep_walk_has_room_on_a_thread_of_its_own_and_on_one_with_room() {
        // 80 MiB of frames, forty times what a test's thread has.
        assert_eq!(with_room(|| walk(20_000)).unwrap(), 20_000);
        thread::scope(|scope| {
            spawn(scope, || {
                let here = thread::current().id();
                let there = with_room(|| (walk(20_000), thread::current().id())).unwrap();
                assert_eq!(there, (20_000, here));
            });
        });
    }
}

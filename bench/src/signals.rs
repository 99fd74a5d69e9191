//! Ctrl-C and SIGTERM as a flag that every wait looks at, so that what was started is ended in good order.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};

/// Listens from now on; the first signal sets the flag, a second one, [`ANOTHER`] later or more, ends the process at once. Where signals can't be had they keep ending
/// the process, and what it started ends with it.
pub(crate) fn listen() -> Arc<AtomicBool> {
    let flag = Arc::new(AtomicBool::new(false));
    let raised = Arc::clone(&flag);
    // Never joined: it ends with the process.
    let _ = thread::Builder::new().name("signals".to_owned()).spawn(move || {
        let Ok(runtime) = Builder::new_current_thread().enable_all().build() else {
            return;
        };
        runtime.block_on(wait(&raised));
    });
    flag
}

async fn wait(raised: &AtomicBool) {
    let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return;
    };
    let mut first = None::<Instant>;
    loop {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        raised.store(true, Ordering::Relaxed);
        if first.get_or_insert_with(Instant::now).elapsed() >= ANOTHER {
            std::process::exit(1);
        }
    }
}

/// `timeout` signals a process and its group: that is one word, not two.
const ANOTHER: Duration = Duration::from_millis(500);

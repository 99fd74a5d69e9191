//! Ctrl-C and SIGTERM as a flag, so that a verb can end its work in good order.

use std::process;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;

use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};

use crate::complaint::Exit;

/// Listens from now on; the first signal sets the flag, the second ends the process at once. Where signals can't be had they keep ending
/// the process, which leaves at most a temporary file.
pub(crate) fn listen() -> Arc<AtomicBool> {
    let flag = Arc::new(AtomicBool::new(false));
    let raised = Arc::clone(&flag);
    let (listening, ready) = mpsc::channel();
    // Never joined: it ends with the process.
    let _ = thread::Builder::new().name("signals".to_owned()).spawn(move || {
        let Ok(runtime) = Builder::new_current_thread().enable_all().build() else {
            return;
        };
        runtime.block_on(wait(&raised, listening));
    });
    // The other end is dropped when signals are listened to, or when they can't be.
    let _ = ready.recv();
    flag
}

async fn wait(raised: &AtomicBool, listening: mpsc::Sender<()>) {
    let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return;
    };
    drop(listening);
    loop {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        if raised.swap(true, Ordering::Relaxed) {
            process::exit(Exit::Failed as i32);
        }
    }
}

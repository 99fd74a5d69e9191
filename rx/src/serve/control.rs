//! The owner's end of the control socket: takes requests, hands them to the registrar, returns the answers.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Semaphore, oneshot};

use super::registrar::Task;
use super::view::View;
use crate::control::{Answer, MAX_LINE, Query, Request};

/// Connections at once.
const CONNECTIONS: usize = 16;
/// How long a client may take to say what it wants.
const PATIENCE: Duration = Duration::from_secs(10);

/// Serves requests until it is dropped.
pub(super) async fn serve(listener: UnixListener, tasks: crossbeam_channel::Sender<Task>, view: Arc<View>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let Ok(place) = places.clone().acquire_owned().await else {
            return;
        };
        match listener.accept().await {
            Ok((stream, _)) => {
                let (tasks, view) = (tasks.clone(), Arc::clone(&view));
                tokio::spawn(async move {
                    if let Err(error) = exchange(stream, &tasks, &view).await {
                        tracing::debug!(%error, "a control connection failed");
                    }
                    drop(place);
                });
            }
            Err(error) => {
                // Out of descriptors, most likely: wait for some to come back.
                tracing::warn!(%error, "a control connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        }
    }
}

async fn exchange(mut stream: UnixStream, tasks: &crossbeam_channel::Sender<Task>, view: &View) -> io::Result<()> {
    let actor = match stream.peer_cred() {
        Ok(peer) => format!("uid {}", peer.uid()),
        Err(_) => "uid unknown".to_owned(),
    };
    let mut line = String::new();
    let (read, mut write) = stream.split();
    let mut limited = BufReader::new(read.take(MAX_LINE));
    tokio::time::timeout(PATIENCE, limited.read_line(&mut line)).await??;
    let answer = match serde_json::from_str::<Request>(&line) {
        // It changes nothing, and must be told when the registrar is busy too.
        Err(_) if matches!(serde_json::from_str(&line), Ok(Query::Status)) => Answer {
            exit: 0,
            text: audit::escape::json(&view.status())?,
        },
        Err(error) => Answer {
            exit: 2,
            text: format!("the request is malformed: {error}"),
        },
        Ok(request) => answer(request, actor, tasks).await,
    };
    let mut bytes = serde_json::to_vec(&answer)?;
    bytes.push(b'\n');
    write.write_all(&bytes).await?;
    write.shutdown().await
}

async fn answer(request: Request, actor: String, tasks: &crossbeam_channel::Sender<Task>) -> Answer {
    let stopping = || Answer {
        exit: 1,
        text: "the receiver is stopping\n  mend    ask again once it runs".to_owned(),
    };
    let (reply, answer) = oneshot::channel();
    let task = Task::Asked { request, actor, reply };
    let tasks = tasks.clone();
    // The registrar may be busy syncing: wait on a thread that may block.
    match tokio::task::spawn_blocking(move || tasks.send(task).is_ok()).await {
        Ok(true) => answer.await.unwrap_or_else(|_| stopping()),
        _ => stopping(),
    }
}

//! The owner's end of the control socket: takes requests, hands them to the registrar, returns the answers.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Semaphore, oneshot};

use super::registrar::Task;
use super::view::View;
use crate::control::{Answer, MAX_LINE, Query, Request, Work};
use crate::engines::Maker;
use crate::rules::Change;

/// Connections at once.
const CONNECTIONS: usize = 16;
/// How long a client may take to say what it wants.
const PATIENCE: Duration = Duration::from_secs(10);

/// What requests are answered with.
#[derive(Clone)]
pub(super) struct Desk {
    pub(super) tasks: crossbeam_channel::Sender<Task>,
    pub(super) view: Arc<View>,
    /// Makes the engines that a change of the rules asks for.
    pub(super) maker: Arc<Maker>,
}

/// Serves requests until it is dropped.
pub(super) async fn serve(listener: UnixListener, desk: Desk) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let Ok(place) = places.clone().acquire_owned().await else {
            return;
        };
        match listener.accept().await {
            Ok((stream, _)) => {
                let desk = desk.clone();
                tokio::spawn(async move {
                    if let Err(error) = exchange(stream, &desk).await {
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

async fn exchange(mut stream: UnixStream, desk: &Desk) -> io::Result<()> {
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
            text: audit::escape::json(&desk.view.status())?,
        },
        Err(error) => match serde_json::from_str::<Work>(&line) {
            Ok(work) => work_on(work, actor, desk).await,
            Err(_) => Answer {
                exit: 2,
                text: format!("the request is malformed: {error}"),
            },
        },
        Ok(request) => hand_over(&desk.tasks, |reply| Task::Asked { request, actor, reply }).await,
    };
    let mut bytes = serde_json::to_vec(&answer)?;
    bytes.push(b'\n');
    write.write_all(&bytes).await?;
    write.shutdown().await
}

async fn work_on(work: Work, actor: String, desk: &Desk) -> Answer {
    let change = match work {
        Work::Rescan { which } => {
            return hand_over(&desk.tasks, |reply| Task::Rescan { which, actor, reply }).await;
        }
        Work::RulesInstall { name, sha256 } => Change::Install { name, sha256 },
        Work::RulesRemove { name } => Change::Remove { name },
    };
    let maker = Arc::clone(&desk.maker);
    // It takes seconds, in which the registrar does its work; until the change is whole, nothing of it counts.
    match tokio::task::spawn_blocking(move || maker.prepare(&change)).await {
        Ok(Ok(prepared)) => {
            let prepared = Box::new(prepared);
            hand_over(&desk.tasks, |reply| Task::Rules { prepared, actor, reply }).await
        }
        Ok(Err(error)) => Answer {
            exit: 2,
            text: not_changed(&error.to_string()),
        },
        Err(_) => Answer {
            exit: 1,
            text: not_changed("reading them panicked: this is a defect, please report it"),
        },
    }
}

/// Why the rules stay as they are.
pub(crate) fn not_changed(why: &str) -> String {
    format!("{why}\n  nothing was changed: the rules in force stay in force")
}

async fn hand_over(
    tasks: &crossbeam_channel::Sender<Task>,
    task: impl FnOnce(oneshot::Sender<Answer>) -> Task,
) -> Answer {
    let stopping = || Answer {
        exit: 1,
        text: "the receiver is stopping\n  mend    ask again once it runs".to_owned(),
    };
    let (reply, answer) = oneshot::channel();
    let (task, tasks) = (task(reply), tasks.clone());
    // The registrar may be busy syncing: wait on a thread that may block.
    match tokio::task::spawn_blocking(move || tasks.send(task).is_ok()).await {
        Ok(true) => answer.await.unwrap_or_else(|_| stopping()),
        _ => stopping(),
    }
}

//! A worker, from without: one question at a time, each answered, refused or given up in time.
//!
//! Always true:
//! - what it sends is read up to the cap of the question, and no descriptor in it is taken;
//! - a worker that was late, silent or lied is never asked again: the caller drops it;
//! - dropping it kills it and has it reaped.

use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::net::{RecvFlags, recv};
use rustix::process::{Signal, pidfd_send_signal};

use super::confine::{Held, Lacking};
use super::memfd::SealedFile;
use super::message::{
    Hello, MAX_REPLY_HEAD, MAX_SMALL, Malformed, PREFIX_LEN, ReplyHead, Request, Said, body_len, frame, start, whole,
};
use super::rights::{readable_until, send};
use super::spawner::{End, Spawner, SpawnerError, Started};
use super::task::Task;

/// A worker that has said it is confined.
#[derive(Debug)]
pub(super) struct Worker {
    spawner: Arc<Spawner>,
    process: Started,
    held: Held,
    /// Time in which it may have been at work.
    busy: Duration,
    /// Whether its process was waited for.
    ended: bool,
}

/// Why there is no worker.
#[derive(Debug)]
pub(super) enum NoWorker {
    /// This machine cannot confine one.
    Lacking(Lacking),
    /// None could be started.
    Spawner(SpawnerError),
    /// It ended before it was confined, or did not say that it was.
    Mute(End),
}

/// A question.
#[derive(Debug, Clone, Copy)]
pub(super) struct Question<'a> {
    pub(super) job: u64,
    pub(super) task: Task,
    pub(super) file: &'a SealedFile,
    /// Bytes of the answer, at most.
    pub(super) cap: usize,
    pub(super) soft: Duration,
    pub(super) hard: Duration,
}

/// Why a question was not answered. The worker is of no use any more.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Broken {
    /// Time was up.
    Late,
    /// The socket ended.
    Silent,
    /// What came was no answer.
    Lied(Malformed),
}

impl Worker {
    /// A new worker, once it is confined.
    pub(super) fn start(spawner: &Arc<Spawner>) -> Result<Self, NoWorker> {
        let process = spawner.start_worker().map_err(NoWorker::Spawner)?;
        let mut worker = Self {
            spawner: Arc::clone(spawner),
            process,
            held: Held { landlock_abi: 0 },
            busy: Duration::ZERO,
            ended: false,
        };
        let hello = worker.hear(MAX_SMALL, Instant::now() + STARTING);
        match hello.and_then(|body| whole(&body).map_err(Broken::Lied)) {
            Ok(Hello::Ready(held)) => {
                worker.held = held;
                Ok(worker)
            }
            Ok(Hello::Lacking(lacking)) => Err(NoWorker::Lacking(lacking)),
            Err(_) => Err(NoWorker::Mute(worker.end())),
        }
    }

    /// What holds of it.
    pub(super) fn held(&self) -> Held {
        self.held
    }

    /// Whether it may still take a question of this length.
    pub(super) fn is_fresh_enough(&self, hard: Duration) -> bool {
        self.busy.saturating_add(hard) < super::WORKER_TIME
    }

    /// Asks, and waits for the answer's bytes.
    pub(super) fn ask(&mut self, question: &Question<'_>) -> Result<(Said, Vec<u8>), Broken> {
        let begun = Instant::now();
        let request = Request {
            job: question.job,
            task: question.task,
            len: question.file.len(),
            soft_ms: u32::try_from(question.soft.as_millis()).unwrap_or(u32::MAX),
        };
        let bytes = frame(&request, &[]).map_err(Broken::Lied)?;
        // The socket is empty: each question is answered before the next. One that does not take it is not at its post.
        send(self.process.line.as_fd(), &bytes, &[question.file.as_fd()]).map_err(|_| Broken::Silent)?;
        let cap = question.cap.saturating_add(MAX_REPLY_HEAD);
        let mut body = self.hear(cap, begun + question.hard)?;
        self.busy = self.busy.saturating_add(begun.elapsed());
        let (head, answer): (ReplyHead, _) = start(&body).map_err(Broken::Lied)?;
        if head.job != question.job {
            return Err(Broken::Lied(Malformed::WrongJob {
                asked: question.job,
                answered: head.job,
            }));
        }
        let answer_at = body.len() - answer.len();
        body.drain(..answer_at);
        match head.said {
            Said::Done => {}
            _ if body.is_empty() => {}
            _ => return Err(Broken::Lied(Malformed::Trailing { len: body.len() })),
        }
        Ok((head.said, body))
    }

    /// The body of the next frame.
    fn hear(&self, cap: usize, until: Instant) -> Result<Vec<u8>, Broken> {
        let mut prefix = [0; PREFIX_LEN];
        let mut filled = 0;
        while let Some(rest) = prefix.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            filled += self.take(rest, until)?;
        }
        let len = body_len(prefix, cap).map_err(Broken::Lied)?;
        // It grows with what comes, not with what was announced.
        let mut body = Vec::new();
        let mut chunk = vec![0; len.min(CHUNK)];
        while body.len() < len {
            let want = chunk.len().min(len - body.len());
            let read = self.take(chunk.get_mut(..want).unwrap_or_default(), until)?;
            body.extend_from_slice(chunk.get(..read).unwrap_or_default());
        }
        Ok(body)
    }

    /// Takes some bytes; no descriptor that comes with them.
    fn take(&self, buf: &mut [u8], until: Instant) -> Result<usize, Broken> {
        loop {
            match readable_until(&self.process.line, until) {
                Ok(true) => {}
                Ok(false) => return Err(Broken::Late),
                Err(_) => return Err(Broken::Silent),
            }
            match recv(&self.process.line, &mut *buf, RecvFlags::DONTWAIT) {
                Ok((0, _)) => return Err(Broken::Silent),
                Ok((read, _)) => return Ok(read),
                // One that sends a byte at a time is late in the end, too.
                Err(Errno::INTR | Errno::AGAIN) if Instant::now() < until => {}
                Err(Errno::INTR | Errno::AGAIN) => return Err(Broken::Late),
                Err(_) => return Err(Broken::Silent),
            }
        }
    }

    /// Ends it, and says how it ended.
    pub(super) fn end(mut self) -> End {
        self.kill()
    }

    fn kill(&mut self) -> End {
        if self.ended {
            return End::Unknown;
        }
        self.ended = true;
        // At once, also if the spawner does not answer. One that has ended already ended as it did.
        let _gone = pidfd_send_signal(&self.process.pidfd, Signal::KILL);
        self.spawner.reap(self.process.number).unwrap_or(End::Unknown)
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.kill();
    }
}

/// How long a worker may take to be confined.
const STARTING: Duration = Duration::from_secs(10);
/// Bytes that are read at once.
const CHUNK: usize = 64 << 10;

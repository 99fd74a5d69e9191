//! What a worker can be asked about a file: a [`Task`] goes to it, and a [`Job`] knows what may come back.
//!
//! ```text
//! Job::task ─▶ Task ─▶ the worker's `answer` ─▶ bytes ─▶ Job::Reply ─▶ Job::check ─▶ believed
//! ```
//!
//! A new task is a variant of [`Task`], an arm in the worker's `answer`, and a module here with its [`Job`].

use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::room::Room;
use crate::additions::Kind;
use crate::facts::Language;

#[cfg(debug_assertions)]
pub mod hostile;
pub(super) mod lower;
pub(super) mod probe;
pub(super) mod rules;

/// What a worker does with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Task {
    /// See [`Probe`](probe::Probe).
    Probe,
    /// See [`Lower`](lower::Lower).
    Lower(Language),
    /// See [`CheckRules`](rules::CheckRules).
    CheckRules(Kind),
    /// See [`hostile`]: not in release builds.
    #[cfg(debug_assertions)]
    Hostile(hostile::Act),
    /// See [`hostile`].
    #[cfg(debug_assertions)]
    HostileLower(hostile::Act, Language),
}

/// A question about a file, and what an answer to it must look like.
pub trait Job {
    /// The answer.
    ///
    /// It comes from a process that may be hostile, and decoding is only as harmless as the type: it must not contain
    /// itself (the stack would be the limit), nor sequences of what takes no bytes (nothing would be).
    type Reply: DeserializeOwned;

    /// What the worker does.
    fn task(&self) -> Task;

    /// Bytes of an answer about a file of `len` bytes, at most.
    ///
    /// Decoded they may take some fifty times as much: a byte can stand for an empty vector or text. See [`Room`].
    fn reply_cap(&self, len: usize) -> usize;

    /// Whether the answer can be true of the file, and be used without a further look: positions within the file, ids
    /// that stand for something.
    ///
    /// # Errors
    /// [`Implausible`] if not.
    fn check(&self, file: &[u8], reply: &Self::Reply) -> Result<(), Implausible>;

    /// Puts the memory that is taken for the answer where it is given back with it; else that is as soon as it is checked, which is right
    /// for a small answer alone.
    fn settle(&self, _reply: &mut Self::Reply, _room: Room) {}
}

/// Why an answer cannot be true: for whoever looks for a fault, or for what took the worker over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Implausible(pub String);

/// Why a worker gives no answer, by its own word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Declined {
    /// It cannot read such a file.
    #[cfg_attr(not(debug_assertions), allow(dead_code, reason = "a probe reads any file"))]
    Unsupported,
    /// The file is over a limit of the task.
    OverLimit,
    /// Time was up.
    TimedOut,
}

/// When a worker should give a file up.
#[derive(Debug, Clone, Copy)]
pub(super) struct Deadline(Option<Instant>);

impl Deadline {
    /// This long from now.
    pub(super) fn after(time: Duration) -> Self {
        Self(Instant::now().checked_add(time))
    }

    /// Whether it has come.
    pub(super) fn has_passed(self) -> bool {
        self.0.is_some_and(|at| Instant::now() >= at)
    }
}

//! What is said on a worker's socket: frames of a length and a body, the body a postcard value and, in a reply, the
//! bytes of the answer after it.
//!
//! ```text
//! worker  ─▶ Hello                                        once, before it has seen any file
//! program ─▶ Request { job, task, len, soft_ms } + memfd
//! worker  ─▶ ReplyHead { job, said } ‖ answer             hostile from here on
//!
//! frame    length u32 BE │ body of that length
//! ```
//!
//! Always true:
//! - a length is compared with its cap before anything is set aside for it;
//! - decoding is total: every body is a value or [`Malformed`], and no byte is left over where none may be.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::confine::{Held, Lacking};
use super::task::Task;

/// Bytes before a body.
pub(super) const PREFIX_LEN: usize = 4;
/// Bytes of a request's or a hello's body, at most.
pub(super) const MAX_SMALL: usize = 512;
/// Bytes of a [`ReplyHead`], at most: a number, a variant.
pub(super) const MAX_REPLY_HEAD: usize = 16;

/// The first thing a worker says.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Hello {
    /// It is confined.
    Ready(Held),
    /// It could not be, and ends.
    Lacking(Lacking),
}

/// What a worker is asked; a sealed memfd comes with it.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Request {
    /// The number to answer with.
    pub(super) job: u64,
    /// What to do with the file.
    pub(super) task: Task,
    /// The file's bytes.
    pub(super) len: u64,
    /// Milliseconds after which to give up.
    pub(super) soft_ms: u32,
}

/// The start of a reply.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ReplyHead {
    /// The number that was asked with.
    pub(super) job: u64,
    /// How it went.
    pub(super) said: Said,
}

/// How a task went, by the worker's word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Said {
    /// The answer follows.
    Done,
    /// It cannot read such a file.
    Unsupported,
    /// The file is over a limit of the task.
    OverLimit,
    /// Time was up.
    TimedOut,
}

/// Why what a worker said is not an answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// A frame over its cap.
    #[error("a reply of {len} bytes where {cap} are the most")]
    TooLong {
        /// The length it gave.
        len: usize,
        /// The most.
        cap: usize,
    },
    /// Bytes that are no value.
    #[error("a reply that cannot be decoded")]
    Undecodable,
    /// Bytes after the value.
    #[error("a reply with {len} bytes too many")]
    Trailing {
        /// How many.
        len: usize,
    },
    /// The answer to another question.
    #[error("a reply to job {answered} where job {asked} was asked")]
    WrongJob {
        /// The number that was asked with.
        asked: u64,
        /// The number in the reply.
        answered: u64,
    },
    /// A value that cannot be true of the file.
    #[error("a reply that cannot be true: {0}")]
    Implausible(String),
}

/// A frame of `head` and the bytes after it.
///
/// # Errors
/// [`Malformed::TooLong`] if the body is over 4 GiB; [`Malformed::Undecodable`] if `head` has no encoding.
pub(super) fn frame(head: &impl Serialize, payload: &[u8]) -> Result<Vec<u8>, Malformed> {
    let start = vec![0; PREFIX_LEN];
    let mut bytes = postcard::to_extend(head, start).map_err(|_| Malformed::Undecodable)?;
    bytes.extend_from_slice(payload);
    let len = bytes.len() - PREFIX_LEN;
    let prefix = u32::try_from(len).map_err(|_| Malformed::TooLong {
        len,
        cap: u32::MAX as usize,
    })?;
    if let Some(place) = bytes.first_chunk_mut() {
        *place = prefix.to_be_bytes();
    }
    Ok(bytes)
}

/// The length of the body that follows `prefix`.
///
/// # Errors
/// [`Malformed::TooLong`] over `cap`.
pub(super) fn body_len(prefix: [u8; PREFIX_LEN], cap: usize) -> Result<usize, Malformed> {
    let len = usize::try_from(u32::from_be_bytes(prefix)).unwrap_or(usize::MAX);
    if len > cap {
        Err(Malformed::TooLong { len, cap })
    } else {
        Ok(len)
    }
}

/// The value that `body` starts with, and what comes after it.
///
/// # Errors
/// [`Malformed::Undecodable`].
pub(super) fn start<T: DeserializeOwned>(body: &[u8]) -> Result<(T, &[u8]), Malformed> {
    postcard::take_from_bytes(body).map_err(|_| Malformed::Undecodable)
}

/// The value that `body` is.
///
/// # Errors
/// [`Malformed::Undecodable`], or [`Malformed::Trailing`] if it is more.
pub(super) fn whole<T: DeserializeOwned>(body: &[u8]) -> Result<T, Malformed> {
    match start(body)? {
        (value, []) => Ok(value),
        (_, rest) => Err(Malformed::Trailing { len: rest.len() }),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::isolation::task::probe::Probed;

    const HEAD: ReplyHead = ReplyHead {
        job: 300,
        said: Said::OverLimit,
    };

    #[test]
    fn a_reply_is_laid_out_as_drawn() {
        let bytes = frame(&HEAD, b"xy").unwrap();
        assert_eq!(bytes, [0, 0, 0, 5, 0xac, 0x02, 2, b'x', b'y']);
    }

    #[test]
    fn a_frame_is_read_back_as_it_was_made() {
        let bytes = frame(&HEAD, b"answer").unwrap();
        let (prefix, body) = bytes.split_first_chunk().unwrap();
        assert_eq!(body_len(*prefix, body.len()), Ok(body.len()));
        let (head, answer): (ReplyHead, _) = start(body).unwrap();
        assert_eq!((head, answer), (HEAD, b"answer".as_slice()));
    }

    #[test]
    fn a_length_over_its_cap_is_refused_and_one_at_it_is_not() {
        let prefix = 1000_u32.to_be_bytes();
        assert_eq!(body_len(prefix, 1000), Ok(1000));
        assert_eq!(body_len(prefix, 999), Err(Malformed::TooLong { len: 1000, cap: 999 }));
    }

    #[test]
    fn a_byte_too_many_is_refused() {
        let mut bytes = postcard::to_allocvec(&HEAD).unwrap();
        bytes.push(0);
        assert_eq!(whole::<ReplyHead>(&bytes), Err(Malformed::Trailing { len: 1 }));
    }

    #[test]
    fn the_longest_head_and_request_are_within_their_caps() {
        let head = ReplyHead {
            job: u64::MAX,
            said: Said::TimedOut,
        };
        assert!(postcard::to_allocvec(&head).unwrap().len() <= MAX_REPLY_HEAD);
        let request = Request {
            job: u64::MAX,
            task: Task::Probe,
            len: u64::MAX,
            soft_ms: u32::MAX,
        };
        assert!(postcard::to_allocvec(&request).unwrap().len() <= MAX_SMALL);
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_value_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _hello = whole::<Hello>(&bytes);
            let _request = whole::<Request>(&bytes);
            let _reply = start::<ReplyHead>(&bytes);
            let _probed = whole::<Probed>(&bytes);
        }
    }
}

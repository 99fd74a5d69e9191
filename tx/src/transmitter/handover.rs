//! Bundles handed to the transmitter that runs already: what is said over its control socket, and the end that asks.
//!
//! ```text
//! asks     {"schema":1,"paths":["/a.bundle"],"priority":"urgent"}                          a line of at most 64 KiB
//! answers  {"answer":"taken","bundles":1}    {"answer":"ended","record":{…}}…    {"answer":"done"}      a line each
//! ```
//!
//! Always true:
//! - what was answered with `taken` is sent by the transmitter, whatever becomes of whoever asked;
//! - without `taken` nothing was begun, so that whoever asked can ask again or send by itself.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::cli::SenderArgs;
use super::priority::Priority;
use super::record::RecordJson;
use super::state::SOCKET;
use crate::complaint::Complaint;
use crate::output;

/// Bytes of a request at most, the line's end included.
pub(super) const MAX_REQUEST: usize = 64 << 10;
/// Bytes of an answer at most: a record, with a path in which every byte may be an escape.
const MAX_ANSWER: u64 = 256 << 10;
/// What this speaks.
pub(super) const SCHEMA: u32 = 1;

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Request {
    pub(super) schema: u32,
    /// Bundle files, by paths from the root.
    pub(super) paths: Vec<PathBuf>,
    pub(super) priority: Priority,
}

/// What is answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "lowercase", deny_unknown_fields)]
pub(super) enum Answer {
    /// All can be sent, and will be.
    Taken {
        /// How many they are.
        bundles: usize,
    },
    /// How a bundle's sending ended stands in the log.
    Ended {
        /// The line for scripts.
        record: Box<RecordJson>,
        /// The line for people, if all was sent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        text: Option<String>,
    },
    /// Nothing more comes.
    Done {
        /// What failed, if something did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        complaint: Option<Complaint>,
    },
}

/// What came of asking.
#[derive(Debug)]
pub(super) enum Asked {
    /// All bundles were sent, or the first failed.
    Answered(Result<(), Complaint>),
    /// Nobody listens, or has taken them: the transmitter is about to begin, or to end.
    Nobody,
}

/// Asks the transmitter of the state in `dir` to send `left`, prints what becomes of each, and takes those out that it took.
pub(super) fn hand_over(dir: &Path, args: &SenderArgs, left: &mut Vec<PathBuf>) -> Asked {
    while !left.is_empty() {
        let asked = match request(left, args.priority) {
            Ok((request, count)) => ask(dir, &request, count, args, left),
            Err(complaint) => Asked::Answered(Err(complaint)),
        };
        if !matches!(asked, Asked::Answered(Ok(()))) {
            return asked;
        }
    }
    Asked::Answered(Ok(()))
}

/// A request for as many of the first bundles as it has room for, and how many those are.
fn request(bundles: &[PathBuf], priority: Priority) -> Result<(Vec<u8>, usize), Complaint> {
    let mut request = Request {
        schema: SCHEMA,
        paths: Vec::new(),
        priority,
    };
    let mut line = Vec::new();
    for path in bundles {
        let absolute = std::path::absolute(path).map_err(|error| {
            Complaint::usage("the bundle's path has no beginning")
                .fact("file", path.display())
                .fact("cause", error)
                .mend("give a path from the root")
        })?;
        request.paths.push(absolute);
        let longer = serde_json::to_vec(&request).map_err(|error| {
            Complaint::usage("this path can't be handed to the transmitter that runs")
                .fact("file", path.display())
                .fact("cause", error)
                .mend("rename it, or wait until that transmitter has ended")
        })?;
        if longer.len() >= MAX_REQUEST && !line.is_empty() {
            request.paths.pop();
            break;
        }
        line = longer;
    }
    line.push(b'\n');
    Ok((line, request.paths.len()))
}

fn ask(dir: &Path, request: &[u8], count: usize, args: &SenderArgs, left: &mut Vec<PathBuf>) -> Asked {
    let socket = dir.join(SOCKET);
    let stream = match UnixStream::connect(&socket).and_then(|mut stream| stream.write_all(request).map(|()| stream)) {
        Ok(stream) => stream,
        Err(error) => {
            tracing::debug!(%error, "nobody takes bundles at the control socket");
            return Asked::Nobody;
        }
    };
    // No timeout: a bundle takes as long as it takes. The end of the transmitter ends the stream.
    let mut answers = BufReader::new(stream);
    match next_answer(&mut answers) {
        Ok(Some(Answer::Taken { .. })) => {
            left.drain(..count.min(left.len()));
            say_taken(args);
        }
        Ok(Some(Answer::Done { complaint })) => return Asked::Answered(complaint.map_or(Ok(()), Err)),
        Ok(None) => return Asked::Nobody,
        Ok(Some(Answer::Ended { .. })) => return Asked::Answered(Err(not_understood(&"it told of an end first"))),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
            return Asked::Answered(Err(not_understood(&error)));
        }
        // It ended with our request unread.
        Err(_) => return Asked::Nobody,
    }
    Asked::Answered(follow(&mut answers, args.json))
}

/// Prints what becomes of the bundles until nothing more comes.
fn follow(answers: &mut impl BufRead, json: bool) -> Result<(), Complaint> {
    loop {
        match next_answer(answers) {
            Ok(Some(Answer::Ended { record, text })) => {
                if json {
                    output::print(&output::json_line(&record)?)?;
                } else if let Some(text) = text {
                    output::print(&text)?;
                }
            }
            Ok(Some(Answer::Done { complaint })) => return complaint.map_or(Ok(()), Err),
            Ok(Some(Answer::Taken { .. })) => return Err(not_understood(&"it took the bundles twice")),
            Ok(None) => return Err(ended_without_a_word()),
            Err(error) if error.kind() == io::ErrorKind::InvalidData => return Err(not_understood(&error)),
            Err(error) => return Err(ended_without_a_word().fact("cause", error)),
        }
    }
}

/// The next answer; `None` at the end of the stream.
fn next_answer(answers: &mut impl BufRead) -> io::Result<Option<Answer>> {
    let mut line = Vec::new();
    answers.by_ref().take(MAX_ANSWER).read_until(b'\n', &mut line)?;
    if line.is_empty() {
        return Ok(None);
    }
    serde_json::from_slice(&line).map(Some).map_err(io::Error::from)
}

/// The owner's word counts for the link: says so if other words were given.
fn say_taken(args: &SenderArgs) {
    if args.quiet {
        return;
    }
    output::note("handed to the transmitter that runs already");
    let given = args.link_flags();
    if !given.is_empty() {
        output::note(format_args!(
            "note: its own settings hold for the link, not {}",
            given.join(", ")
        ));
    }
}

fn not_understood(cause: &dyn std::fmt::Display) -> Complaint {
    Complaint::failed("the transmitter that runs gave an answer that is not understood")
        .fact("cause", cause)
        .mend("let it end, then send again: a bundle that has a number keeps it")
}

fn ended_without_a_word() -> Complaint {
    Complaint::failed("the transmitter that had taken the bundles ended without a word")
        .mend("send them again: a bundle that has a number keeps it")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_what_the_module_says() {
        let (line, count) = request(&["/a.bundle".into()], Priority::Urgent).unwrap();
        let text = r#"{"schema":1,"paths":["/a.bundle"],"priority":"urgent"}"#;
        assert_eq!((String::from_utf8(line).unwrap(), count), (format!("{text}\n"), 1));
    }

    #[test]
    fn more_bundles_than_a_request_has_room_for_are_left_for_the_next() {
        let bundles: Vec<PathBuf> = (0..2_000).map(|at| format!("/{at:0>60}").into()).collect();
        let (line, count) = request(&bundles, Priority::Normal).unwrap();
        assert!(
            line.len() <= MAX_REQUEST && line.len() + 70 > MAX_REQUEST,
            "{}",
            line.len()
        );
        let read: Request = serde_json::from_slice(&line).unwrap();
        assert_eq!(read.paths, bundles[..count]);
    }

    #[test]
    fn a_relative_path_is_asked_for_from_the_root() {
        let (line, _) = request(&["a.bundle".into()], Priority::Normal).unwrap();
        let read: Request = serde_json::from_slice(&line).unwrap();
        assert!(read.paths[0].is_absolute() && read.paths[0].ends_with("a.bundle"));
    }

    #[test]
    fn a_path_that_json_cannot_carry_is_refused_with_the_mend() {
        use std::os::unix::ffi::OsStrExt as _;
        let path = Path::new(std::ffi::OsStr::from_bytes(b"/a\xff.bundle")).to_owned();
        let complaint = request(&[path], Priority::Normal).unwrap_err();
        assert!(complaint.to_string().contains("mend    rename it"), "{complaint}");
    }

    #[test]
    fn answers_are_lines_that_read_back() {
        let done = Answer::Done {
            complaint: Some(Complaint::usage("no")),
        };
        let taken = Answer::Taken { bundles: 3 };
        let text = [&taken, &done]
            .map(|answer| serde_json::to_string(answer).unwrap() + "\n")
            .concat();
        assert!(
            text.starts_with("{\"answer\":\"taken\",\"bundles\":3}\n{\"answer\":\"done\""),
            "{text}"
        );
        let mut lines = text.as_bytes();
        let read: Vec<_> = std::iter::from_fn(|| next_answer(&mut lines).unwrap()).collect();
        assert_eq!(read, [taken, done]);
    }

    #[test]
    fn an_owner_that_is_gone_after_it_took_bundles_is_a_failure_and_not_a_success() {
        let complaint = follow(&mut &b""[..], true).unwrap_err();
        assert!(complaint.summary().contains("without a word"), "{complaint}");
    }

    #[test]
    fn an_answer_that_nobody_understands_is_a_failure() {
        for answer in ["\n", "{}\n", "{\"answer\":\"else\"}\n", "{\"answer\":\"done\"", "\u{0}"] {
            let mut lines = answer.as_bytes();
            assert!(follow(&mut lines, true).is_err(), "{answer:?}");
        }
    }
}

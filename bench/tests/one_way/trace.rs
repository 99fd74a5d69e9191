//! What `strace -f -o` wrote, as calls that begin and return.
//!
//! ```text
//! 12 sendmmsg(7, [{…}], 1, 0) = 1               ─▶ Begins, Returns
//! 12 recvfrom(7,  <unfinished ...>              ─▶ Begins ┐ one call, its arguments put together
//! 13 close(7)                 = 0                         │
//! 12 <... recvfrom resumed>"abc", 9, 0) = 3     ─▶ Returns┘
//! 12 +++ exited with 0 +++                      ─▶ Ends
//! ```
//!
//! Always true:
//! - steps come in the order of their lines; a call that was cut in two has all its arguments and its result in both steps;
//! - a line that is not understood is an error: nothing in a trace is passed over but signals.

use std::collections::{BTreeMap, BTreeSet};

/// A trace of one program, with its threads and the processes that it began.
#[derive(Debug)]
pub(crate) struct Trace {
    calls: Vec<Call>,
    moments: Vec<Moment>,
}

/// A system call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Call {
    /// The line that it begins in, from 1 on.
    pub(crate) line: usize,
    /// The thread that called.
    pub(crate) thread: u32,
    pub(crate) name: String,
    /// As written, without the spaces around them.
    pub(crate) args: Vec<String>,
    /// The number that it returned; absent if it never returned, or returned no decimal number.
    pub(crate) result: Option<i64>,
    /// The name of its error.
    pub(crate) errno: Option<String>,
}

impl Call {
    /// An argument; empty if there are fewer.
    pub(crate) fn arg(&self, at: usize) -> &str {
        self.args.get(at).map_or("", String::as_str)
    }

    /// An argument that is a whole number.
    pub(crate) fn number(&self, at: usize) -> Option<i32> {
        self.arg(at).parse().ok()
    }

    /// Whether any argument names `word`.
    pub(crate) fn names(&self, word: &str) -> bool {
        self.args.iter().any(|arg| arg.contains(word))
    }

    /// The descriptor or process that it made, if it made one.
    pub(crate) fn made<T: TryFrom<i64>>(&self) -> Option<T> {
        let made = self.result.filter(|result| *result >= 0);
        made.and_then(|made| made.try_into().ok())
    }
}

/// What happens in a trace.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Step<'a> {
    Begins(&'a Call),
    Returns(&'a Call),
    /// A thread is no more.
    Ends(u32),
}

/// A step, with the place of its call.
#[derive(Debug, Clone, Copy)]
enum Moment {
    Begins(usize),
    Returns(usize),
    Ends(u32),
}

impl Trace {
    /// Reads a trace.
    ///
    /// # Errors
    /// The first line that is not understood, with its number.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut reading = Reading::default();
        for (number, line) in (1..).zip(text.lines()) {
            let read = reading.line(number, line);
            read.ok_or_else(|| format!("line {number} is not understood: {line}"))?;
        }
        let Reading { begun, moments, .. } = reading;
        let calls = begun.into_iter().map(Begun::into_call).collect::<Result<_, _>>()?;
        Ok(Self { calls, moments })
    }

    /// What happens, in order.
    pub(crate) fn steps(&self) -> impl Iterator<Item = Step<'_>> {
        self.moments.iter().filter_map(move |moment| {
            Some(match *moment {
                Moment::Begins(at) => Step::Begins(self.calls.get(at)?),
                Moment::Returns(at) => Step::Returns(self.calls.get(at)?),
                Moment::Ends(thread) => Step::Ends(thread),
            })
        })
    }

    /// Whether it shows the end of every thread that it shows a call of, and so has not been cut.
    pub(crate) fn is_whole(&self) -> bool {
        let mut alive = BTreeSet::new();
        for step in self.steps() {
            match step {
                Step::Begins(call) => alive.insert(call.thread),
                Step::Ends(thread) => alive.remove(&thread),
                Step::Returns(_) => false,
            };
        }
        alive.is_empty() && !self.calls.is_empty()
    }
}

/// A trace that is being read.
#[derive(Debug, Default)]
struct Reading {
    begun: Vec<Begun>,
    moments: Vec<Moment>,
    /// The place of the call that a thread is in the middle of.
    unfinished: BTreeMap<u32, usize>,
}

impl Reading {
    /// Takes in a line; absent if it is not understood.
    fn line(&mut self, number: usize, line: &str) -> Option<()> {
        let (thread, what) = line.split_once(' ')?;
        let (thread, what) = (thread.parse().ok()?, what.trim_start());
        if what.starts_with("--- ") {
            return Some(());
        }
        if what.starts_with("+++ ") {
            self.unfinished.remove(&thread);
            self.moments.push(Moment::Ends(thread));
            return Some(());
        }
        if let Some(resumed) = what.strip_prefix("<... ") {
            let (name, rest) = resumed.split_once(" resumed>")?;
            let at = self.unfinished.remove(&thread)?;
            let begun = self.begun.get_mut(at).filter(|begun| begun.name == name)?;
            begun.text.push_str(rest);
            begun.returned = true;
            self.moments.push(Moment::Returns(at));
            return Some(());
        }
        self.call(number, thread, what)
    }

    /// Takes in the beginning of a call, or all of it.
    fn call(&mut self, line: usize, thread: u32, what: &str) -> Option<()> {
        let (name, text) = what.split_once('(')?;
        // strace writes `????` where a thread was ended on its way into a call, which then never began.
        if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || "_?".contains(c)) {
            return None;
        }
        // A thread does one thing at a time.
        if self.unfinished.contains_key(&thread) {
            return None;
        }
        let at = self.begun.len();
        let cut = text.strip_suffix("<unfinished ...>");
        self.moments.push(Moment::Begins(at));
        if cut.is_some() {
            self.unfinished.insert(thread, at);
        } else {
            self.moments.push(Moment::Returns(at));
        }
        self.begun.push(Begun {
            line,
            thread,
            name: name.to_owned(),
            text: cut.unwrap_or(text).to_owned(),
            returned: cut.is_none(),
        });
        Some(())
    }
}

/// A call of which not all may have been read yet.
#[derive(Debug)]
struct Begun {
    line: usize,
    thread: u32,
    name: String,
    /// What stands behind the opening bracket.
    text: String,
    returned: bool,
}

impl Begun {
    fn into_call(self) -> Result<Call, String> {
        let (args, rest) = cut(&self.text);
        let outcome = rest.trim_start().strip_prefix("= ");
        if self.returned && outcome.is_none() {
            return Err(format!(
                "line {}: {} has no result: {}",
                self.line, self.name, self.text
            ));
        }
        let mut words = outcome.unwrap_or("?").split_whitespace();
        let result = words.next().and_then(|word| word.parse().ok());
        Ok(Call {
            line: self.line,
            thread: self.thread,
            args: args.into_iter().map(str::to_owned).collect(),
            result,
            errno: words.next().filter(|_| result == Some(-1)).map(str::to_owned),
            name: self.name,
        })
    }
}

/// Cuts what stands behind a call's opening bracket into its arguments and what stands behind the closing one.
fn cut(text: &str) -> (Vec<&str>, &str) {
    let (mut args, mut start) = (Vec::new(), 0);
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ if quoted => {}
            '(' | '[' | '{' => depth += 1,
            ')' if depth == 0 => {
                args.push(text[start..at].trim());
                return (args, &text[at + 1..]);
            }
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                args.push(text[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    args.push(text[start..].trim());
    (args, "")
}

/// The calls of a trace, in the order that they begin in.
fn calls(text: &str) -> Vec<Call> {
    Trace::parse(text).unwrap().calls
}

#[test]
fn brackets_and_commas_within_strings_and_structures_part_no_arguments() {
    let text = r#"12 sendto(7, "a\",(b]"..., 12, 0, {sa_family=AF_INET, sin_port=htons(9)}, 16) = 12"#;
    let [call] = calls(text).try_into().unwrap();
    assert_eq!(
        (call.args.len(), call.arg(1), call.arg(2)),
        (6, r#""a\",(b]"..."#, "12")
    );
    assert_eq!((call.result, call.errno), (Some(12), None));
}

#[test]
fn a_call_that_failed_has_the_name_of_its_error() {
    let text = "12    shutdown(7, SHUT_WR)    = -1 ENOTCONN (Transport endpoint is not connected)";
    let [call] = calls(text).try_into().unwrap();
    assert_eq!((call.result, call.errno.as_deref()), (Some(-1), Some("ENOTCONN")));
}

#[test]
fn a_call_that_was_cut_in_two_has_the_arguments_of_both_lines_and_its_own_result() {
    let text = "\
12 recvfrom(7,  <unfinished ...>
13 socket(AF_UNIX, SOCK_STREAM, 0 <unfinished ...>
12 --- SIGCHLD {si_signo=SIGCHLD} ---
12 <... recvfrom resumed>\"abc\", 9, 0, NULL, NULL) = 3
13 <... socket resumed>) = 8
";
    let [received, opened] = calls(text).try_into().unwrap();
    assert_eq!(
        (received.args.len(), received.arg(1), received.result),
        (6, "\"abc\"", Some(3))
    );
    assert_eq!((opened.arg(2), opened.result, opened.line), ("0", Some(8), 2));
}

#[test]
fn a_call_that_never_returned_has_begun_all_the_same() {
    let text = "12 write(7, \"x\", 1 <unfinished ...>\n12 +++ exited with 0 +++\n";
    let [call] = calls(text).try_into().unwrap();
    assert_eq!((call.number(0), call.result), (Some(7), None));
}

#[test]
fn a_line_that_is_not_understood_is_an_error() {
    for line in [
        "write(7, \"x\", 1) = 1",
        "12 something else",
        "12 write(7, \"x\", 1",
        "12 <... write resumed>) = 1",
        "12 write(7 <unfinished ...>\n12 <... read resumed>) = 1",
        "12 write(7 <unfinished ...>\n12 close(7) = 0",
        "12",
    ] {
        assert!(Trace::parse(line).is_err(), "{line}");
    }
}

#[test]
fn a_trace_without_the_end_of_a_thread_is_not_whole() {
    let both = "12 close(7) = 0\n13 close(8) = 0\n12 +++ exited with 0 +++\n";
    assert!(!Trace::parse(both).unwrap().is_whole());
    let ended = format!("{both}13 +++ killed by SIGKILL +++\n");
    assert!(Trace::parse(&ended).unwrap().is_whole());
    assert!(!Trace::parse("").unwrap().is_whole());
}

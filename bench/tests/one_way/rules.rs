//! What each side may do with its sockets, and where a trace shows that it did something else.
//!
//! ```text
//! socket ─▶ the wrong way is closed ─▶ bind ─▶ calls of the right way
//!               │ rx: shut for writing           rx: recvmmsg and its like
//!               │ tx: filter that drops all,     tx: sendmmsg and its like
//!               └     and is locked
//! ```
//!
//! Always true:
//! - what is not known to be harmless is a breach: a call that nobody thought of does not pass for a good one;
//! - a call counts from where it begins, whether it returned or not, and whatever it returned;
//! - what a trace can't show (rings, descriptors that come from nowhere) is a breach by itself;
//! - no descriptor is handed to another process unless it is known to lead to no network.

use crate::descriptors::{Brought, Descriptors, Socket};
use crate::rights::{rights, sends};
use crate::trace::{Call, Step, Trace};

/// The way of one side's datagrams.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rule {
    /// Calls that carry datagrams the right way.
    carrying: &'static [&'static str],
    /// Whether a socket's wrong way is closed.
    is_closed: fn(&Socket) -> bool,
}

/// `diode-rx`: it never sends, and could not.
pub(crate) const RECEIVES_ONLY: Rule = Rule {
    carrying: &["recvmmsg", "recvmsg", "recvfrom"],
    is_closed: |socket| socket.is_shut,
};

/// `diode-tx`: it never receives, and nothing is there to be received.
pub(crate) const SENDS_ONLY: Rule = Rule {
    carrying: &["sendmmsg", "sendmsg", "sendto"],
    is_closed: |socket| socket.drops_everything && socket.is_locked,
};

/// What a trace shows against a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Breach {
    /// Where the call begins.
    pub(crate) line: usize,
    pub(crate) wrong: Wrong,
}

/// What is wrong with a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Wrong {
    /// On a socket, it may carry something the wrong way, or is not known.
    Call(String),
    /// It takes a port, or carries something, before the wrong way was closed.
    NotYetClosed(String),
    /// It makes a socket of a network that is not UDP.
    Foreign(String),
    /// After it, a trace does not show what is done with descriptors.
    Unseen(String),
    /// It hands over the descriptor of this number, which is a socket of a network or not known to be none.
    HandedOver(i32),
    /// It is by a thread of which it is not known where it has its descriptors from.
    Stranger(u32),
}

/// What a trace shows.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    /// Sockets of a network that were made.
    pub(crate) sockets: usize,
    /// Calls that carried something the right way.
    pub(crate) carried: usize,
    /// What is against the rule, in order.
    pub(crate) breaches: Vec<Breach>,
}

/// Judges a program by its trace.
pub(crate) fn judge(trace: &Trace, rule: &Rule) -> Verdict {
    let mut verdict = Verdict::default();
    let mut descriptors: Option<Descriptors> = None;
    for step in trace.steps() {
        match step {
            Step::Begins(call) => {
                let descriptors = descriptors.get_or_insert_with(|| Descriptors::of_program(call.thread));
                verdict.look_at(call, descriptors, rule);
                descriptors.begin(call);
            }
            Step::Returns(call) => match descriptors.as_mut().map(|descriptors| descriptors.finish(call)) {
                Some(Brought::Made(socket)) if !socket.is_udp => {
                    verdict.note(call, Wrong::Foreign(call.arg(0).to_owned()));
                }
                Some(Brought::Unknown) => verdict.note(call, Wrong::Unseen(call.name.clone())),
                Some(Brought::Made(_) | Brought::Known) | None => {}
            },
            Step::Ends(thread) => {
                if let Some(descriptors) = &mut descriptors {
                    descriptors.end(thread);
                }
            }
        }
    }
    verdict.sockets = descriptors.map_or(0, |descriptors| descriptors.made());
    verdict
}

impl Verdict {
    fn look_at(&mut self, call: &Call, descriptors: &Descriptors, rule: &Rule) {
        if !descriptors.knows(call.thread) {
            self.note(call, Wrong::Stranger(call.thread));
        }
        if is_unseen(call) {
            self.note(call, Wrong::Unseen(call.name.clone()));
        }
        if sends(&call.name) {
            let handed = rights(call).unwrap_or_default();
            for number in handed
                .into_iter()
                .filter(|number| !descriptors.leads_to_no_network(call.thread, *number))
            {
                self.note(call, Wrong::HandedOver(number));
            }
        }
        let carries = rule.carrying.contains(&call.name.as_str());
        for socket in descriptors.touched(call) {
            if !carries && !is_harmless(call) {
                self.note(call, Wrong::Call(call.name.clone()));
            } else if (carries || call.name == "bind") && !(rule.is_closed)(socket) {
                self.note(call, Wrong::NotYetClosed(call.name.clone()));
            }
            self.carried += usize::from(carries && call.result > Some(0));
        }
    }

    fn note(&mut self, call: &Call, wrong: Wrong) {
        self.breaches.push(Breach { line: call.line, wrong });
    }
}

/// Whether a call on a socket carries nothing either way. `connect` is none of these: a connected socket can be written to, and hears of
/// ICMP errors.
fn is_harmless(call: &Call) -> bool {
    match call.name.as_str() {
        // Joining a group has the kernel tell the network so.
        "setsockopt" => !["JOIN", "MEMBERSHIP"].iter().any(|word| call.arg(2).contains(word)),
        name => HARMLESS.contains(&name),
    }
}

const HARMLESS: [&str; 10] = [
    "bind",
    "close",
    "dup",
    "dup2",
    "dup3",
    "epoll_ctl",
    "fcntl",
    "getsockname",
    "getsockopt",
    "shutdown",
];

/// Whether a call has something done to descriptors that later calls do not show.
fn is_unseen(call: &Call) -> bool {
    let name = call.name.as_str();
    // Work that is put into shared memory, what is taken out of another process, and what is sent and not shown. What is received is
    // judged where the call returns.
    name.starts_with("io_") || name == "pidfd_getfd" || (sends(name) && rights(call).is_none())
}

//! A worker that was taken over, for tests: it does what it is asked to that no worker may. Not in release builds.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "it tries what a worker may not"
)]

use std::io::{self, Write};
use std::net::{TcpStream, UdpSocket};
use std::os::fd::BorrowedFd;
use std::process::Command;
use std::{fs, hint, process, thread};

use rustix::io::{pwrite, write};
use rustix::process::{Pid, Signal, getppid, kill_process};
use serde::{Deserialize, Serialize};

use super::super::message::{ReplyHead, Said, frame};
use super::super::room::Room;
use super::lower::{Lower, lowered};
use super::probe::Probed;
use super::{Deadline, Declined, Implausible, Job, Task};
use crate::facts::Language;
use crate::taint::ir::{Expr, ExprId, ExprKind, Import, NameId, Span};
use crate::taint::lower::Lowered;

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Act {
    /// Open a file that anybody may read.
    OpenFile,
    /// List a folder.
    ListFolder,
    /// Connect to a TCP port.
    Connect,
    /// Make a UDP socket.
    Datagram,
    /// Run another program.
    Exec,
    /// Start a thread.
    Thread,
    /// Send the parent a signal.
    Signal,
    /// Write into the file that it was given, at a place.
    WriteFile,
    /// Write into the file that it was given, and answer truly if that fails.
    WriteInPlace,
    /// Take copies of its socket.
    Descriptors,
    /// Answer truly, but to the next job.
    WrongJob,
    /// Answer untruly.
    Lie,
    /// Answer with a module that names what it does not have.
    ForgeId,
    /// Answer with a module whose places lie beyond the file.
    ForgeSpan,
    /// Answer with a module that has an expression within itself.
    ForgeLoop,
    /// Answer with the module of another file.
    OtherFile,
    /// Say that four gigabytes follow.
    HugeLength,
    /// Send bytes that are no reply, and as many of them as are read.
    Garbage,
    /// Send the length of a reply and nothing more, and wait.
    HalfReply,
    /// Answer twice.
    Twice,
    /// Never end.
    Outlive,
    /// Give up when time is up.
    GiveUp,
    /// Say that it cannot read such a file.
    Refuse,
    /// Say that the file is over a limit.
    FindTooLarge,
    /// Say that it cannot read such a file, and answer.
    RefuseAndAnswer,
    /// Take memory without end.
    Allocate,
    /// Call itself without end.
    Recurse,
    /// Panic.
    Panic,
    /// Abort.
    Abort,
    /// Exit as if all were well.
    Exit,
    /// Abort over a file whose first byte is odd, answer truly about others.
    AbortIfOdd,
    /// Answer truly.
    Behave,
}

/// Asks a worker to misbehave; an answer must be the true one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hostile(pub Act);

impl Job for Hostile {
    type Reply = Probed;

    fn task(&self) -> Task {
        Task::Hostile(self.0)
    }

    fn reply_cap(&self, _len: usize) -> usize {
        1024
    }

    fn check(&self, file: &[u8], reply: &Probed) -> Result<(), Implausible> {
        super::probe::Probe.check(file, reply)
    }
}

/// Asks a worker to misbehave where it should lower a file; an answer must be a module that can be true of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HostileLower(pub Act, pub Language);

impl Job for HostileLower {
    type Reply = Lowered;

    fn task(&self) -> Task {
        Task::HostileLower(self.0, self.1)
    }

    fn reply_cap(&self, len: usize) -> usize {
        Lower(self.1).reply_cap(len)
    }

    fn check(&self, file: &[u8], reply: &Lowered) -> Result<(), Implausible> {
        Lower(self.1).check(file, reply)
    }

    fn settle(&self, reply: &mut Lowered, room: Room) {
        Lower(self.1).settle(reply, room);
    }
}

/// A worker at the moment it misbehaves.
pub(in crate::isolation) struct Scene<'a> {
    pub(in crate::isolation) line: BorrowedFd<'a>,
    pub(in crate::isolation) given: BorrowedFd<'a>,
    pub(in crate::isolation) job: u64,
    pub(in crate::isolation) bytes: &'a [u8],
    /// What it should lower the file as, if it should.
    pub(in crate::isolation) language: Option<Language>,
    pub(in crate::isolation) deadline: Deadline,
}

impl Scene<'_> {
    /// Does it. Whatever the kernel lets pass ends in a lie, which the tests would see.
    pub(in crate::isolation) fn perform(&self, act: Act) -> Result<Vec<u8>, Declined> {
        let truth = || match self.language {
            Some(language) => Ok(encoded(&lowered(language, self.bytes)?)),
            None => Ok(encoded(&Probed::of(self.bytes))),
        };
        match act {
            Act::OpenFile => Ok(told(fs::File::open("/proc/self/status"))),
            Act::ListFolder => Ok(told(fs::read_dir("/"))),
            Act::Connect => Ok(told(TcpStream::connect(("127.0.0.1", 9)))),
            Act::Datagram => Ok(told(UdpSocket::bind(("127.0.0.1", 0)))),
            Act::Exec => Ok(told(Command::new("/proc/self/exe").spawn())),
            Act::Thread => Ok(told(thread::Builder::new().spawn(|| {}))),
            Act::Signal => Ok(told(
                kill_process(getppid().unwrap_or(Pid::INIT), Signal::CONT).map_err(io::Error::from),
            )),
            Act::WriteFile => Ok(told(pwrite(self.given, b"other", 0).map_err(io::Error::from))),
            Act::WriteInPlace => match write(self.given, b"other") {
                Ok(_) => Ok(b"written".to_vec()),
                Err(_) => truth(),
            },
            Act::Descriptors => Ok(told(self.line.try_clone_to_owned())),
            Act::WrongJob => Ok(self.say(&frame_of(self.job + 1, Said::Done, &truth()?))),
            Act::Lie => Ok(encoded(&Probed::of(b"other bytes"))),
            Act::ForgeId | Act::ForgeSpan | Act::ForgeLoop | Act::OtherFile => self.forge(act),
            Act::HugeLength => Ok(self.say(&u32::MAX.to_be_bytes())),
            Act::Garbage => loop {
                self.say(&[0x00, 0x00, 0x01, 0x00, 0xff, 0xff, 0xff, 0xff]);
            },
            Act::HalfReply => {
                self.say(&40_u32.to_be_bytes());
                stay()
            }
            Act::Twice => {
                self.say(&frame_of(self.job, Said::Done, &truth()?));
                truth()
            }
            Act::Outlive => stay(),
            Act::GiveUp => {
                while !self.deadline.has_passed() {
                    hint::spin_loop();
                }
                Err(Declined::TimedOut)
            }
            Act::Refuse => Err(Declined::Unsupported),
            Act::FindTooLarge => Err(Declined::OverLimit),
            Act::RefuseAndAnswer => Ok(self.say(&frame_of(self.job, Said::Unsupported, &truth()?))),
            Act::Allocate => loop {
                std::mem::forget(Vec::<u8>::with_capacity(hint::black_box(16 << 20)));
            },
            Act::Recurse => Ok(vec![deeper(0)]),
            Act::Panic => panic!("as asked"),
            Act::Abort => process::abort(),
            Act::Exit => process::exit(0),
            Act::AbortIfOdd if self.bytes.first().is_some_and(|byte| byte % 2 == 1) => process::abort(),
            Act::AbortIfOdd | Act::Behave => truth(),
        }
    }

    /// A module that is not this file's.
    fn forge(&self, act: Act) -> Result<Vec<u8>, Declined> {
        let language = self.language.unwrap_or(Language::Python);
        let mut forged = match act {
            Act::OtherFile => lowered(language, &[self.bytes, self.bytes].concat())?,
            _ => lowered(language, self.bytes)?,
        };
        let module = &mut forged.module;
        let end = u32::try_from(self.bytes.len()).unwrap_or(u32::MAX);
        match act {
            Act::ForgeId => module.imports.push(Import {
                local: NameId(u32::MAX),
                path: NameId(0),
            }),
            Act::ForgeLoop => {
                let own = ExprId(u32::try_from(module.exprs.len()).unwrap_or(u32::MAX));
                module.exprs.push(Expr {
                    kind: ExprKind::Not(own),
                    span: Span::default(),
                });
                let marks = module.functions.last_mut().map(|function| &mut function.marks);
                marks.into_iter().for_each(|marks| marks.push(own));
            }
            _ => module.unparsed.push(Span {
                start: end,
                end: end.saturating_add(1),
            }),
        }
        Ok(encoded(&forged))
    }

    fn say(&self, bytes: &[u8]) -> Vec<u8> {
        let _gone = write(self.line, bytes);
        b"lied".to_vec()
    }
}

fn encoded(answer: &impl Serialize) -> Vec<u8> {
    postcard::to_allocvec(answer).unwrap_or_default()
}

fn frame_of(job: u64, said: Said, answer: &[u8]) -> Vec<u8> {
    frame(&ReplyHead { job, said }, answer).unwrap_or_default()
}

/// The answer of a worker that the kernel did not kill.
fn told<T>(done: io::Result<T>) -> Vec<u8> {
    let mut told = Vec::new();
    let _in_memory = match done {
        Ok(_) => told.write_all(b"it was done"),
        Err(error) => write!(told, "it was refused: {error}"),
    };
    told
}

fn stay() -> ! {
    loop {
        hint::spin_loop();
    }
}

#[allow(unconditional_recursion, reason = "it is to exhaust the stack")]
fn deeper(depth: u8) -> u8 {
    let here = hint::black_box([depth; 4096]);
    deeper(depth.wrapping_add(here[7])).wrapping_add(here[9])
}

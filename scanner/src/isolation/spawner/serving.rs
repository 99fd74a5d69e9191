//! The spawner, from within.
//!
//! Single-threaded from its first instruction to its last: a worker that is bound to its parent's life is bound to this
//! process's.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, ExitCode};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use rustix::thread::set_name;

use super::{End, MAX_MESSAGE, MAX_WORKERS, Order, Report, own_command};
use crate::isolation::WORKER_ARGUMENT;
use crate::isolation::confine::close_above;
use crate::isolation::inside::{ignore_signals, is_socket, not_for_people};
use crate::isolation::message::whole;
use crate::isolation::rights::{receive, send};

/// Serves as a spawner until its socket ends.
pub(in crate::isolation) fn serve() -> ExitCode {
    let stdin = io::stdin();
    let line = stdin.as_fd();
    if !is_socket(line) {
        return not_for_people();
    }
    let _unnamed = set_name(c"diode-spawner");
    ignore_signals();
    // Workers look again, and refuse to work if anything is left.
    let _workers_look = close_above(STDERR);
    let mut nursery = Nursery::default();
    if report(line, &Report::Here, &[]).is_err() {
        return ExitCode::FAILURE;
    }
    match nursery.serve(line) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// The workers that were not asked for yet. When it is dropped, they are killed and waited for.
#[derive(Default)]
struct Nursery {
    last: u32,
    living: BTreeMap<u32, Living>,
    ended: BTreeMap<u32, End>,
}

struct Living {
    child: Child,
    pidfd: OwnedFd,
}

impl Nursery {
    fn serve(&mut self, line: BorrowedFd<'_>) -> Result<(), Errno> {
        loop {
            if self.wait(line)? {
                let mut buf = [0; MAX_MESSAGE];
                let (len, _) = receive(line, &mut buf)?;
                if len == 0 {
                    return Ok(());
                }
                match whole(buf.get(..len).unwrap_or_default()).map_err(|_| Errno::PROTO)? {
                    Order::Start => self.start(line)?,
                    Order::Reap(number) => report(line, &Report::Ended(self.reap(number)), &[])?,
                }
            }
        }
    }

    /// Waits for an order or for a worker's end; whether there is an order.
    fn wait(&mut self, line: BorrowedFd<'_>) -> Result<bool, Errno> {
        let mut fds = vec![PollFd::from_borrowed_fd(line, PollFlags::IN)];
        fds.extend(
            self.living
                .values()
                .map(|living| PollFd::new(&living.pidfd, PollFlags::IN)),
        );
        match poll(&mut fds, None) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
        }
        let mut changed = fds.iter().map(|fd| !fd.revents().is_empty());
        let ordered = changed.next().unwrap_or_default();
        let over: Vec<u32> = self
            .living
            .keys()
            .zip(changed)
            .filter_map(|(&number, over)| over.then_some(number))
            .collect();
        for number in over {
            let end = self.reap(number);
            // What nobody asks about is forgotten, the oldest first.
            while self.ended.len() >= MAX_WORKERS {
                self.ended.pop_first();
            }
            self.ended.insert(number, end);
        }
        Ok(ordered)
    }

    fn start(&mut self, line: BorrowedFd<'_>) -> Result<(), Errno> {
        if self.living.len() >= MAX_WORKERS {
            return report(line, &Report::NotStarted(Errno::AGAIN.raw_os_error()), &[]);
        }
        match born() {
            Ok((living, socket)) => {
                self.last = self.last.wrapping_add(1);
                let rights = [socket.as_fd(), living.pidfd.as_fd()];
                let reported = report(line, &Report::Started(self.last), &rights);
                self.living.insert(self.last, living);
                reported
            }
            Err(errno) => report(line, &Report::NotStarted(errno), &[]),
        }
    }

    fn reap(&mut self, number: u32) -> End {
        match self.living.remove(&number) {
            Some(mut living) => living.end(),
            None => self.ended.remove(&number).unwrap_or(End::Unknown),
        }
    }
}

impl Drop for Nursery {
    fn drop(&mut self) {
        for living in self.living.values_mut() {
            living.end();
        }
    }
}

impl Living {
    fn end(&mut self) -> End {
        // One that has ended already ended as it did: this does not change it.
        let _gone = self.child.kill();
        match self.child.wait() {
            Ok(status) => match (status.code(), status.signal()) {
                (Some(code), _) => End::Exited(code),
                (None, Some(signal)) => End::Signalled(signal),
                (None, None) => End::Unknown,
            },
            Err(_) => End::Unknown,
        }
    }
}

/// A new worker, and the program's end of its socket; else what the kernel said.
fn born() -> Result<(Living, OwnedFd), i32> {
    let flags = SocketFlags::CLOEXEC;
    let (ours, theirs) =
        socketpair(AddressFamily::UNIX, SocketType::STREAM, flags, None).map_err(Errno::raw_os_error)?;
    let mut child = own_command(Path::new("/proc/self/exe"), WORKER_ARGUMENT, theirs)
        .spawn()
        .map_err(|error| error.raw_os_error().unwrap_or_default())?;
    // Nobody has waited for it, so the number is its own even if it has ended.
    let pid = i32::try_from(child.id())
        .ok()
        .and_then(Pid::from_raw)
        .ok_or(Errno::SRCH);
    match pid.and_then(|pid| pidfd_open(pid, PidfdFlags::empty())) {
        Ok(pidfd) => Ok((Living { child, pidfd }, ours)),
        Err(errno) => {
            let _gone = child.kill();
            let _reaped = child.wait();
            Err(errno.raw_os_error())
        }
    }
}

fn report(line: BorrowedFd<'_>, report: &Report, rights: &[BorrowedFd<'_>]) -> Result<(), Errno> {
    let bytes = postcard::to_allocvec(report).map_err(|_| Errno::INVAL)?;
    send(line, &bytes, rights)
}

/// The last descriptor that a spawner keeps: programs are started with all three.
const STDERR: i32 = 2;

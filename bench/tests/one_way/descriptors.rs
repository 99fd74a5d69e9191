//! Which descriptors of a traced program are sockets of a network, and what was done to those.
//!
//! ```text
//! thread ─▶ table of descriptors ─▶ socket          threads share a table; a process that forks gives away a copy of its own;
//!             7, 9 (dup) ─────────▶  shut, filter   what closes on exec is gone after it
//! ```
//!
//! Always true:
//! - a socket is followed for as long as any descriptor of any process leads to it;
//! - a number is free again from where its close begins: another thread can have it back before close returns;
//! - a step that closes a socket's wrong way counts only if it succeeded, and from where it returned.

use std::collections::BTreeMap;

use crate::trace::Call;

/// A socket of any family but AF_UNIX, which leads nowhere but into this machine.
#[derive(Debug)]
pub(crate) struct Socket {
    /// Whether it is UDP over IPv4 or IPv6.
    pub(crate) is_udp: bool,
    /// Whether it was shut for writing.
    pub(crate) is_shut: bool,
    /// Whether its filter keeps no byte of what comes.
    pub(crate) drops_everything: bool,
    /// Whether that filter can't be taken off.
    pub(crate) is_locked: bool,
}

/// A process's descriptors that are sockets of a network.
type Table = BTreeMap<i32, Slot>;

#[derive(Debug, Clone, Copy)]
struct Slot {
    /// Its place in the list of sockets.
    socket: usize,
    closes_on_exec: bool,
}

/// The descriptors of a program's processes, at some step of its trace.
#[derive(Debug)]
pub(crate) struct Descriptors {
    sockets: Vec<Socket>,
    tables: Vec<Table>,
    /// The table of a thread.
    of: BTreeMap<u32, usize>,
}

impl Descriptors {
    /// Those of a program that begins with this thread, and without any.
    pub(crate) fn of_program(first: u32) -> Self {
        Self {
            sockets: Vec::new(),
            tables: vec![Table::new()],
            of: BTreeMap::from([(first, 0)]),
        }
    }

    /// Whether it is known where a thread has its descriptors from.
    pub(crate) fn knows(&self, thread: u32) -> bool {
        self.of.contains_key(&thread)
    }

    /// How many sockets of a network were made.
    pub(crate) fn made(&self) -> usize {
        self.sockets.len()
    }

    /// The sockets that a call that begins is about.
    pub(crate) fn touched(&self, call: &Call) -> impl Iterator<Item = &Socket> {
        let table = self.table(call.thread);
        let numbers = places(&call.name).iter().filter_map(move |place| call.number(*place));
        numbers.filter_map(move |number| self.sockets.get(table?.get(&number)?.socket))
    }

    /// Takes in what a call does where it begins.
    pub(crate) fn begin(&mut self, call: &Call) {
        match call.name.as_str() {
            "close" if call.errno.as_deref() != Some("EBADF") => self.forget(call.thread, call.number(0)),
            "close_range" if call.result == Some(0) => self.close_range(call),
            "fork" | "vfork" | "clone" | "clone3" => self.give_away(call),
            _ => {}
        }
    }

    /// Takes in what a call has done where it returns. Gives the socket that it made.
    pub(crate) fn finish(&mut self, call: &Call) -> Option<&Socket> {
        match call.name.as_str() {
            "socket" => return self.make(call),
            "dup" => self.copy(call, false),
            "dup2" | "dup3" => self.copy(call, call.names("O_CLOEXEC")),
            "fcntl" if ["F_DUPFD", "F_DUPFD_CLOEXEC"].contains(&call.arg(1)) => self.copy(call, call.names("CLOEXEC")),
            "fcntl" if call.arg(1) == "F_SETFD" && call.result == Some(0) => self.set_closing(call),
            "execve" | "execveat" if call.result == Some(0) => {
                let table = self.separate(call.thread);
                table.retain(|_, slot| !slot.closes_on_exec);
            }
            "unshare" if call.result == Some(0) && call.names("CLONE_FILES") => {
                self.separate(call.thread);
            }
            "shutdown" | "setsockopt" => self.close_a_way(call),
            _ => {}
        }
        None
    }

    /// A thread is no more; its number may come again.
    pub(crate) fn end(&mut self, thread: u32) {
        self.of.remove(&thread);
    }

    fn make(&mut self, call: &Call) -> Option<&Socket> {
        let number: i32 = call.made()?;
        if ["AF_UNIX", "AF_LOCAL"].contains(&call.arg(0)) {
            return None;
        }
        let over_ip = ["AF_INET", "AF_INET6"].contains(&call.arg(0));
        let udp = ["IPPROTO_UDP", "IPPROTO_IP"].contains(&call.arg(2));
        let socket = self.sockets.len();
        self.sockets.push(Socket {
            is_udp: over_ip && udp && call.arg(1).split('|').any(|word| word == "SOCK_DGRAM"),
            is_shut: false,
            drops_everything: false,
            is_locked: false,
        });
        let slot = Slot {
            socket,
            closes_on_exec: call.arg(1).contains("SOCK_CLOEXEC"),
        };
        self.table_mut(call.thread)?.insert(number, slot);
        self.sockets.last()
    }

    /// The descriptor that was returned leads where the first argument does.
    fn copy(&mut self, call: &Call, closes_on_exec: bool) {
        let (Some(from), Some(to)) = (call.number(0), call.made()) else {
            return;
        };
        let Some(table) = self.table_mut(call.thread).filter(|_| from != to) else {
            return;
        };
        // Whatever had that number is closed by the call.
        table.remove(&to);
        if let Some(Slot { socket, .. }) = table.get(&from).copied() {
            table.insert(to, Slot { socket, closes_on_exec });
        }
    }

    fn set_closing(&mut self, call: &Call) {
        let Some((table, number)) = self.table_mut(call.thread).zip(call.number(0)) else {
            return;
        };
        if let Some(slot) = table.get_mut(&number) {
            slot.closes_on_exec = call.arg(2).contains("FD_CLOEXEC");
        }
    }

    fn forget(&mut self, thread: u32, number: Option<i32>) {
        if let Some((table, number)) = self.table_mut(thread).zip(number) {
            table.remove(&number);
        }
    }

    fn close_range(&mut self, call: &Call) {
        let range = call.number(0).unwrap_or(0)..=call.number(1).unwrap_or(i32::MAX);
        if call.names("CLOSE_RANGE_UNSHARE") {
            self.separate(call.thread);
        }
        let Some(table) = self.table_mut(call.thread) else {
            return;
        };
        if call.names("CLOSE_RANGE_CLOEXEC") {
            table.range_mut(range).for_each(|(_, slot)| slot.closes_on_exec = true);
        } else {
            table.retain(|number, _| !range.contains(number));
        }
    }

    /// A new thread has its maker's table, a new process a copy of it as it is when the call begins.
    fn give_away(&mut self, call: &Call) {
        let (Some(new), Some(own)) = (call.made(), self.of.get(&call.thread).copied()) else {
            return;
        };
        self.of.insert(new, own);
        if !call.names("CLONE_FILES") {
            self.separate(new);
        }
    }

    /// Gives a thread a copy of its table for itself.
    fn separate(&mut self, thread: u32) -> &mut Table {
        let copy = self.table(thread).cloned().unwrap_or_default();
        let at = self.tables.len();
        self.of.insert(thread, at);
        self.tables.push(copy);
        &mut self.tables[at]
    }

    fn close_a_way(&mut self, call: &Call) {
        let Some(socket) = self.first(call).and_then(|slot| self.sockets.get_mut(slot.socket)) else {
            return;
        };
        let done = call.result == Some(0);
        match (call.name.as_str(), call.arg(1), call.arg(2)) {
            // On an unconnected socket Linux answers ENOTCONN, having shut it all the same.
            ("shutdown", "SHUT_WR", _) => socket.is_shut |= done || call.errno.as_deref() == Some("ENOTCONN"),
            ("setsockopt", "SOL_SOCKET", "SO_ATTACH_FILTER") if done => {
                socket.drops_everything = call.arg(3) == "{len=1, filter=[BPF_STMT(BPF_RET|BPF_K, 0)]}";
            }
            ("setsockopt", "SOL_SOCKET", "SO_DETACH_FILTER" | "SO_ATTACH_BPF") if done => {
                socket.drops_everything = false;
            }
            ("setsockopt", "SOL_SOCKET", "SO_LOCK_FILTER") if done => socket.is_locked = call.arg(3) == "[1]",
            _ => {}
        }
    }

    /// The slot of a call's first argument.
    fn first(&self, call: &Call) -> Option<Slot> {
        self.table(call.thread)?.get(&call.number(0)?).copied()
    }

    fn table(&self, thread: u32) -> Option<&Table> {
        self.tables.get(*self.of.get(&thread)?)
    }

    fn table_mut(&mut self, thread: u32) -> Option<&mut Table> {
        self.tables.get_mut(*self.of.get(&thread)?)
    }
}

/// Which arguments of a call are descriptors that it may read from or write to: the first, unless it is said here.
fn places(name: &str) -> &'static [usize] {
    match name {
        "splice" | "copy_file_range" => &[0, 2],
        "sendfile" | "tee" => &[0, 1],
        "mmap" => &[4],
        // What waits carries nothing, and these have a number first that is no descriptor.
        "poll" | "ppoll" | "select" | "pselect6" | "close_range" | "epoll_create" | "eventfd" | "eventfd2" => &[],
        _ => &[0],
    }
}

//! Which descriptors of a traced program are sockets of a network, and what was done to those.
//!
//! ```text
//! thread ─▶ table of descriptors ─▶ socket          threads share a table; a process that forks gives away a copy of its own;
//!             7, 9 (dup) ─────────▶  shut, filter   what closes on exec is gone after it
//!             5 ─ end ═ SCM_RIGHTS ═ end ─ 3        what one process hands over is in the other's table when it has taken it
//! ```
//!
//! Always true:
//! - a socket is followed for as long as any descriptor of any process leads to it;
//! - a number that is in no table leads to something unknown: a file, a pipe, or what nobody saw being made;
//! - a number is free again from where its close begins: another thread can have it back before close returns;
//! - a step that closes a socket's wrong way counts only if it succeeded, and from where it returned.

use std::collections::{BTreeMap, VecDeque};

use crate::rights::{receives, rights, sends};
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

/// A process's descriptors of which it is known where they lead.
type Table = BTreeMap<i32, Slot>;

#[derive(Debug, Clone, Copy)]
struct Slot {
    target: Target,
    closes_on_exec: bool,
}

/// Where a descriptor leads.
#[derive(Debug, Clone, Copy)]
enum Target {
    /// To a socket of a network, by its place in the list of those.
    Network(usize),
    /// To an end of a pair of AF_UNIX sockets, by its place in the list of ends.
    End(usize),
    /// To no network: another AF_UNIX socket, a file in memory, a process.
    Local,
}

/// What a call that has returned brought into its process.
#[derive(Debug)]
pub(crate) enum Brought<'a> {
    /// Nothing, or something that leads to no network, or what another process was seen to hand over.
    Known,
    /// A socket of a network that it made.
    Made(&'a Socket),
    /// A descriptor that nobody was seen to hand over.
    Unknown,
}

/// The descriptors of a program's processes, at some step of its trace.
#[derive(Debug)]
pub(crate) struct Descriptors {
    sockets: Vec<Socket>,
    /// For each end of a pair what was handed over to it and not taken yet, absent if unknown. Two that follow each other are a pair.
    ends: Vec<VecDeque<Option<Target>>>,
    tables: Vec<Table>,
    /// The table of a thread.
    of: BTreeMap<u32, usize>,
}

impl Descriptors {
    /// Those of a program that begins with this thread, and without any.
    pub(crate) fn of_program(first: u32) -> Self {
        Self {
            sockets: Vec::new(),
            ends: Vec::new(),
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
        numbers.filter_map(move |number| match table?.get(&number)?.target {
            Target::Network(socket) => self.sockets.get(socket),
            Target::End(_) | Target::Local => None,
        })
    }

    /// Whether a number of a thread is known to lead to no network.
    pub(crate) fn leads_to_no_network(&self, thread: u32, number: i32) -> bool {
        let slot = self.table(thread).and_then(|table| table.get(&number));
        slot.is_some_and(|slot| !matches!(slot.target, Target::Network(_)))
    }

    /// Takes in what a call does where it begins.
    pub(crate) fn begin(&mut self, call: &Call) {
        match call.name.as_str() {
            "close" if call.errno.as_deref() != Some("EBADF") => self.forget(call.thread, call.number(0)),
            "close_range" if call.result == Some(0) => self.close_range(call),
            "fork" | "vfork" | "clone" | "clone3" => self.give_away(call),
            // Who takes it may return first.
            name if sends(name) && call.errno.is_none() => self.hand_over(call),
            _ => {}
        }
    }

    /// Takes in what a call has done where it returns.
    pub(crate) fn finish(&mut self, call: &Call) -> Brought<'_> {
        match call.name.as_str() {
            "socket" | "socketpair" if is_local(call) => self.make_local(call),
            "socket" | "socketpair" => return self.make(call),
            "memfd_create" => self.make_other(call, call.names("MFD_CLOEXEC")),
            "pidfd_open" => self.make_other(call, true),
            name if receives(name) && !self.take_over(call) => return Brought::Unknown,
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
        Brought::Known
    }

    /// A thread is no more; its number may come again.
    pub(crate) fn end(&mut self, thread: u32) {
        self.of.remove(&thread);
    }

    fn make(&mut self, call: &Call) -> Brought<'_> {
        let numbers = sockets_of(call);
        if numbers.is_empty() {
            return Brought::Known;
        }
        let target = Target::Network(self.sockets.len());
        for number in numbers {
            self.put(call.thread, number, target, call.names("SOCK_CLOEXEC"));
        }
        let over_ip = ["AF_INET", "AF_INET6"].contains(&call.arg(0));
        let udp = ["IPPROTO_UDP", "IPPROTO_IP"].contains(&call.arg(2));
        self.sockets.push(Socket {
            is_udp: over_ip && udp && call.arg(1).split('|').any(|word| word == "SOCK_DGRAM"),
            is_shut: false,
            drops_everything: false,
            is_locked: false,
        });
        self.sockets.last().map_or(Brought::Known, Brought::Made)
    }

    fn make_local(&mut self, call: &Call) {
        for number in sockets_of(call) {
            let target = match call.name.as_str() {
                "socketpair" => self.new_end(),
                _ => Target::Local,
            };
            self.put(call.thread, number, target, call.names("SOCK_CLOEXEC"));
        }
    }

    /// A file in memory, or what stands for a process.
    fn make_other(&mut self, call: &Call, closes_on_exec: bool) {
        if let Some(number) = call.made() {
            self.put(call.thread, number, Target::Local, closes_on_exec);
        }
    }

    fn new_end(&mut self) -> Target {
        self.ends.push(VecDeque::new());
        Target::End(self.ends.len() - 1)
    }

    /// A number leads there from now on.
    fn put(&mut self, thread: u32, number: i32, target: Target, closes_on_exec: bool) {
        if let Some(table) = self.table_mut(thread) {
            table.insert(number, Slot { target, closes_on_exec });
        }
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
        if let Some(Slot { target, .. }) = table.get(&from).copied() {
            table.insert(to, Slot { target, closes_on_exec });
        }
    }

    /// What comes with messages waits at the other end.
    fn hand_over(&mut self, call: &Call) {
        let (Some(end), Some(table)) = (self.end_of(call), self.table(call.thread)) else {
            return;
        };
        let sent = rights(call).unwrap_or_default();
        let targets: Vec<_> = sent
            .iter()
            .map(|number| table.get(number).map(|slot| slot.target))
            .collect();
        if let Some(other) = self.ends.get_mut(end ^ 1) {
            other.extend(targets);
        }
    }

    /// What came with messages is what waited here. Whether that much did.
    fn take_over(&mut self, call: &Call) -> bool {
        let Some(numbers) = rights(call) else {
            return false;
        };
        let mut all_known = true;
        for number in numbers {
            let waiting = self.end_of(call).and_then(|end| self.ends.get_mut(end));
            let sent = waiting.and_then(VecDeque::pop_front);
            all_known &= sent.is_some();
            // Whatever had that number is no more, or it would not be free.
            self.forget(call.thread, Some(number));
            if let Some(target) = sent.flatten() {
                self.put(call.thread, number, target, call.names("MSG_CMSG_CLOEXEC"));
            }
        }
        all_known
    }

    /// The end of a pair that is a call's first argument.
    fn end_of(&self, call: &Call) -> Option<usize> {
        match self.first(call)?.target {
            Target::End(end) => Some(end),
            Target::Network(_) | Target::Local => None,
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
        let Some(Target::Network(socket)) = self.first(call).map(|slot| slot.target) else {
            return;
        };
        let Some(socket) = self.sockets.get_mut(socket) else {
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

/// Whether a call makes sockets that lead nowhere but into this machine.
fn is_local(call: &Call) -> bool {
    ["AF_UNIX", "AF_LOCAL"].contains(&call.arg(0))
}

/// The descriptors of the sockets that a call made.
fn sockets_of(call: &Call) -> Vec<i32> {
    match (call.name.as_str(), call.made()) {
        (_, None) => Vec::new(),
        ("socketpair", Some(_)) => {
            let numbers = call.arg(3).trim_matches(['[', ']']).split(", ");
            numbers.filter_map(|number| number.parse().ok()).collect()
        }
        (_, Some(made)) => vec![made],
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

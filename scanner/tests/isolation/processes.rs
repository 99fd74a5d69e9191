//! What the kernel says of processes.

use std::fs;

use rustix::process::{Pid, Signal, kill_process};

/// The living and the unreaped children of a process.
pub(crate) fn children_of(parent: u32) -> Vec<u32> {
    let folders = fs::read_dir("/proc").unwrap();
    let pids = folders.filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok());
    pids.filter(|&pid| stat(pid).is_some_and(|stat| stat.1 == parent))
        .collect()
}

/// The state and the parent of a process, if there is one.
fn stat(pid: u32) -> Option<(char, u32)> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = stat.rsplit_once(") ")?;
    let mut fields = rest.split(' ');
    Some((fields.next()?.chars().next()?, fields.next()?.parse().ok()?))
}

/// Whether there is a process of this number, a zombie too.
pub(crate) fn exists(pid: u32) -> bool {
    stat(pid).is_some()
}

/// What `/proc/<pid>/status` says under a name.
pub(crate) fn status(pid: u32, name: &str) -> String {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(&format!("{name}:")));
    line.unwrap().trim().to_owned()
}

/// What the open descriptors of a process stand for.
pub(crate) fn descriptors(pid: u32) -> Vec<String> {
    let folder = fs::read_dir(format!("/proc/{pid}/fd")).unwrap();
    let links = folder.map(|entry| fs::read_link(entry.unwrap().path()).unwrap());
    links.map(|link| link.to_str().unwrap().to_owned()).collect()
}

pub(crate) fn kill(pid: u32) {
    send(pid, Signal::KILL);
}

pub(crate) fn send(pid: u32, signal: Signal) {
    let _ended_already = kill_process(Pid::from_raw(i32::try_from(pid).unwrap()).unwrap(), signal);
}

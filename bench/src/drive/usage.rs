//! What a process used, as `/proc` tells it: time on a core by thread, and memory.

use std::collections::BTreeMap;
use std::time::Duration;

/// What a process used so far.
///
/// # Units
/// Memory in bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Usage {
    /// Time on a core by the threads' names, those that have ended too. `main` is the first thread, `unnamed` are those that were given no name.
    pub cpu: BTreeMap<String, Duration>,
    /// The most that was resident at once.
    pub peak_resident: u64,
    /// The most of it that was memory of its own: no file's pages, and none of a file system in memory.
    pub peak_own: u64,
}

impl Usage {
    /// The time on a core of all threads together.
    #[must_use]
    pub fn cpu_total(&self) -> Duration {
        self.cpu.values().sum()
    }
}

/// What one look at a process after another found, added up.
#[derive(Debug, Default)]
pub(super) struct Looks {
    threads: BTreeMap<u32, (String, Duration)>,
    peak_resident: u64,
    peak_own: u64,
}

impl Looks {
    /// Takes the texts of `status` of the process.
    pub(super) fn note_status(&mut self, status: &str) {
        let bytes = |key| kib(status, key).unwrap_or(0) << 10;
        self.peak_resident = self.peak_resident.max(bytes("VmHWM"));
        self.peak_own = self.peak_own.max(bytes("RssAnon"));
    }

    /// Takes the texts of `comm` and `schedstat` of one of its threads; one that can't be read any more keeps its last values.
    pub(super) fn note_thread(&mut self, id: u32, comm: &str, schedstat: &str) {
        if let Some(cpu) = on_cpu(schedstat) {
            self.threads.insert(id, (comm.trim_end_matches('\n').to_owned(), cpu));
        }
    }

    /// All of it; `process` is the process's id, which is its first thread's too.
    pub(super) fn usage(&self, process: u32) -> Usage {
        let own_name = self.threads.get(&process).map(|(name, _)| name.as_str());
        let mut cpu = BTreeMap::new();
        for (id, (name, time)) in &self.threads {
            let name = match name.as_str() {
                _ if *id == process => "main",
                // A thread without a name of its own has its process's.
                name if Some(name) == own_name => "unnamed",
                name => name,
            };
            *cpu.entry(name.to_owned()).or_default() += *time;
        }
        Usage {
            cpu,
            peak_resident: self.peak_resident,
            peak_own: self.peak_own,
        }
    }
}

/// The most memory that the system saw resident in a process so far, in KiB; 0 once it has ended.
pub(crate) fn peak_resident_kib(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    kib(&status, "VmHWM").unwrap_or(0)
}

/// The number in a `key:   5120 kB` line.
pub(super) fn kib(status: &str, key: &str) -> Option<u64> {
    let mut lines = status.lines().filter_map(|line| line.split_once(':'));
    let (_, value) = lines.find(|(name, _)| *name == key)?;
    value.split_whitespace().next()?.parse().ok()
}

/// The first number of a `schedstat`: nanoseconds on a core.
fn on_cpu(schedstat: &str) -> Option<Duration> {
    schedstat
        .split_whitespace()
        .next()?
        .parse()
        .ok()
        .map(Duration::from_nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATUS: &str = "Name:\tx\nVmPeak:\t9 kB\nVmHWM:\t   5120 kB\nRssAnon:\t 100 kB\nRssFile:\t 7 kB\n";

    #[test]
    fn a_number_is_found_by_its_whole_key() {
        assert_eq!((kib(STATUS, "VmHWM"), kib(STATUS, "RssAnon")), (Some(5120), Some(100)));
        assert_eq!((kib(STATUS, "Vm"), kib("", "VmHWM")), (None, None));
    }

    #[test]
    fn the_peaks_are_those_of_all_looks() {
        let mut looks = Looks::default();
        looks.note_status(STATUS);
        looks.note_status("VmHWM: 6000 kB\nRssAnon: 50 kB\n");
        let usage = looks.usage(1);
        assert_eq!((usage.peak_resident, usage.peak_own), (6000 << 10, 100 << 10));
    }

    #[test]
    fn threads_of_one_name_are_added_up() {
        let mut looks = Looks::default();
        looks.note_thread(10, "diode-rx\n", "5 0 1\n");
        looks.note_thread(11, "decoder\n", "100 7 2\n");
        looks.note_thread(12, "decoder\n", "200 7 2\n");
        looks.note_thread(13, "diode-rx\n", "1 0 0\n");
        let nanos = |name: &str| looks.usage(10).cpu.get(name).map(Duration::as_nanos);
        assert_eq!(["main", "decoder", "unnamed"].map(nanos), [Some(5), Some(300), Some(1)]);
        assert_eq!(looks.usage(10).cpu_total().as_nanos(), 306);
    }

    #[test]
    fn a_thread_that_has_ended_keeps_its_last_value() {
        let mut looks = Looks::default();
        looks.note_thread(11, "decoder\n", "100 7 2\n");
        looks.note_thread(11, "decoder\n", "150 7 2\n");
        looks.note_thread(11, "decoder\n", "");
        assert_eq!(looks.usage(10).cpu_total().as_nanos(), 150);
    }

    #[test]
    fn a_name_may_hold_blanks() {
        let mut looks = Looks::default();
        looks.note_thread(11, "disk writer 1\n", "1 0 0\n");
        assert!(looks.usage(10).cpu.contains_key("disk writer 1"));
    }
}

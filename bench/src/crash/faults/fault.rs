//! One fault: which call of which phase fails, and how; and how many calls there are.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// When the call is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    /// While the side starts.
    Start,
    /// While it works.
    Work,
}

/// What happens instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Harm {
    /// It fails with this error, by the system's name.
    Error(&'static str),
    /// It is the last thing that the process does.
    Kill,
}

impl Harm {
    const fn name(self) -> &'static str {
        match self {
            Self::Error(error) => error,
            Self::Kill => "SIGKILL",
        }
    }
}

/// One fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::crash) struct Fault {
    pub(super) phase: Phase,
    pub(super) call: &'static str,
    /// The n-th of a thread, from 1.
    pub(super) nth: u32,
    pub(super) harm: Harm,
}

/// The calls by which a disk is changed, and the one by which all of it is reached.
pub(super) const CALLS: [&str; 11] = [
    "fsync",
    "fdatasync",
    "syncfs",
    "renameat2",
    "pwrite64",
    "ftruncate",
    "fallocate",
    "unlinkat",
    "mkdirat",
    "fchmod",
    "openat2",
];

impl Fault {
    /// Every fault of a phase in which each call is made so often.
    pub(super) fn of_phase(phase: Phase, calls: &Calls) -> Vec<Self> {
        let every = CALLS.into_iter().flat_map(|call| {
            let most = calls.most(call);
            (1..=most).flat_map(move |nth| harms(call).map(move |harm| Self { phase, call, nth, harm }))
        });
        every.collect()
    }

    /// What `strace` is told.
    pub(super) fn options(&self) -> Vec<String> {
        let Self { call, nth, harm, .. } = self;
        let (first, what) = match harm {
            Harm::Error(error) => (Some("--seccomp-bpf"), format!("error={error}")),
            // A filter would see the signal too late.
            Harm::Kill => (None, "signal=KILL".to_owned()),
        };
        let options = [
            "-e".to_owned(),
            format!("trace={call}"),
            "-e".to_owned(),
            format!("inject={call}:{what}:when={nth}"),
        ];
        first.map(str::to_owned).into_iter().chain(options).collect()
    }

    /// The words that whoever must act reads of it; none of a kill.
    pub(super) fn cause(&self) -> Option<&'static str> {
        match self.harm {
            Harm::Error("EIO") => Some("os error 5"),
            Harm::Error("ENOSPC") => Some("os error 28"),
            Harm::Error(_) => Some("os error 24"),
            Harm::Kill => None,
        }
    }
}

fn harms(call: &str) -> impl Iterator<Item = Harm> + use<> {
    let error = if call == "openat2" { "EMFILE" } else { "ENOSPC" };
    [Harm::Error("EIO"), Harm::Error(error), Harm::Kill].into_iter()
}

impl FromStr for Fault {
    type Err = String;

    /// Reads what [`Display`](fmt::Display) writes.
    fn from_str(text: &str) -> Result<Self, String> {
        let (phase, rest) = text.split_once(": ").ok_or("no phase, as in 'work: fsync 1 EIO'")?;
        let words: Vec<_> = rest.split(' ').collect();
        let [call, nth, harm] = words[..] else {
            return Err("not a call, its number and what happens, as in 'work: fsync 1 EIO'".to_owned());
        };
        let call = CALLS.into_iter().find(|known| *known == call);
        let call = call.ok_or_else(|| format!("the call is none of {}", CALLS.join(", ")))?;
        Ok(Self {
            phase: match phase {
                "start" => Phase::Start,
                "work" => Phase::Work,
                other => return Err(format!("{other} is neither start nor work")),
            },
            call,
            nth: nth.parse().map_err(|error| format!("{nth}: {error}"))?,
            harm: harms(call)
                .find(|known| known.name() == harm)
                .ok_or_else(|| format!("{harm} does not happen to {call}"))?,
        })
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let phase = match self.phase {
            Phase::Start => "start",
            Phase::Work => "work",
        };
        write!(f, "{phase}: {} {} {}", self.call, self.nth, self.harm.name())
    }
}

/// How often each call was made, by thread.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Calls(BTreeMap<(String, String), u32>);

impl Calls {
    /// Counts the calls in what `strace -f -o` wrote.
    pub(super) fn in_trace(trace: &str) -> Self {
        let mut calls = BTreeMap::new();
        for line in trace.lines() {
            // `PID call(…`; a call that was interrupted by another thread's goes on as `PID <... call resumed>`.
            let Some((thread, rest)) = line.split_once(' ') else {
                continue;
            };
            let Some((call, _)) = rest.trim_start().split_once('(') else {
                continue;
            };
            if CALLS.contains(&call) {
                *calls.entry((call.to_owned(), thread.to_owned())).or_default() += 1;
            }
        }
        Self(calls)
    }

    /// The most that one thread made.
    pub(super) fn most(&self, call: &str) -> u32 {
        let of_call = self.0.iter().filter(|((name, _), _)| name == call);
        of_call.map(|(_, count)| *count).max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "\
71 fsync(3)                         = 0
71 openat2(3, \"log\", {flags=O_RDONLY}, 24) = 4
72 fdatasync(5 <unfinished ...>
71 fsync(3)                         = -1 EIO (Input/output error) (INJECTED)
72 <... fdatasync resumed>)         = 0
72 fsync(9)                         = 0
72 +++ exited with 0 +++
";

    #[test]
    fn calls_are_counted_by_thread_and_once_each() {
        let calls = Calls::in_trace(TRACE);
        assert_eq!(
            [calls.most("fsync"), calls.most("fdatasync"), calls.most("openat2")],
            [2, 1, 1]
        );
        assert_eq!(calls.most("syncfs"), 0);
    }

    #[test]
    fn every_occurrence_fails_in_every_way() {
        let faults = Fault::of_phase(Phase::Work, &Calls::in_trace(TRACE));
        assert_eq!(faults.len(), 4 * 3);
        let told: Vec<_> = faults.iter().map(ToString::to_string).collect();
        assert!(told.contains(&"work: fsync 2 SIGKILL".to_owned()), "{told:?}");
        assert!(told.contains(&"work: openat2 1 EMFILE".to_owned()), "{told:?}");
    }

    #[test]
    fn every_fault_reads_back_from_its_name() {
        for fault in Fault::of_phase(Phase::Start, &Calls::in_trace(TRACE)) {
            assert_eq!(fault.to_string().parse(), Ok(fault));
        }
        for name in [
            "",
            "work: fsync 1",
            "rest: fsync 1 EIO",
            "work: read 1 EIO",
            "work: fsync one EIO",
            "work: fsync 1 EMFILE",
        ] {
            assert!(name.parse::<Fault>().is_err(), "{name}");
        }
    }

    #[test]
    fn a_fault_is_told_to_strace_as_it_understands_it() {
        let fault = Fault {
            phase: Phase::Start,
            call: "pwrite64",
            nth: 3,
            harm: Harm::Error("ENOSPC"),
        };
        let options = fault.options();
        assert_eq!(options[1..3], ["-e", "trace=pwrite64"]);
        assert_eq!(options[4], "inject=pwrite64:error=ENOSPC:when=3");
    }
}

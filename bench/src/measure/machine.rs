//! The machine that a measurement was made on, as far as it decides how fast a link can be.

use std::fmt;
use std::fs;
use std::thread::available_parallelism;

use audit::line;
use serde::{Deserialize, Serialize};

/// A machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Machine {
    /// The processor's name.
    pub(crate) cpu: String,
    /// Cores that this program may use.
    pub(crate) cores: u64,
    /// The kernel's release.
    pub(crate) kernel: String,
    /// Bytes of memory.
    pub(crate) memory: u64,
    /// Those instructions that the code has its own paths for, as the kernel names them.
    pub(crate) features: Vec<String>,
}

/// Flags of the processor that code here or in a library chooses its path by.
const FEATURES: [&str; 7] = ["avx2", "avx512bw", "gfni", "pclmulqdq", "sha_ni", "asimd", "sha2"];

impl Machine {
    /// The machine that this runs on. What the system does not tell is called unknown.
    pub(crate) fn here() -> Self {
        let read = |path| fs::read_to_string(path).unwrap_or_default();
        let cores = available_parallelism().map_or(0, |cores| cores.get() as u64);
        Self::read(
            &read("/proc/cpuinfo"),
            &read("/proc/meminfo"),
            &read("/proc/sys/kernel/osrelease"),
            cores,
        )
    }

    fn read(cpuinfo: &str, meminfo: &str, release: &str, cores: u64) -> Self {
        let known = |text: Option<&str>| text.filter(|text| !text.is_empty()).unwrap_or("unknown").to_owned();
        let flags = value(cpuinfo, &["flags", "Features"]).unwrap_or_default();
        Self {
            cpu: known(value(cpuinfo, &["model name"])),
            cores,
            kernel: known(Some(release.trim())),
            memory: kib(meminfo, "MemTotal").unwrap_or(0) << 10,
            features: FEATURES
                .into_iter()
                .filter(|feature| flags.split(' ').any(|flag| flag == *feature))
                .map(str::to_owned)
                .collect(),
        }
    }

    /// What makes figures of this machine and the other's no two of a kind, in words.
    pub(crate) fn differences(&self, other: &Self) -> Vec<String> {
        let (cores, other_cores) = (self.cores.to_string(), other.cores.to_string());
        let (features, other_features) = (self.features.join(" "), other.features.join(" "));
        let pairs = [
            ("cpu", &self.cpu, &other.cpu),
            ("cores", &cores, &other_cores),
            ("kernel", &self.kernel, &other.kernel),
            ("features", &features, &other_features),
        ];
        let unlike = pairs.into_iter().filter(|(_, first, second)| first != second);
        unlike
            .map(|(what, first, second)| format!("{what}: {first} and {second}"))
            .collect()
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            cpu,
            cores,
            kernel,
            memory,
            features,
        } = self;
        let (cores, memory) = (line::count(*cores, "core"), line::size(*memory));
        write!(f, "{cpu}, {cores}, {memory}, Linux {kernel}")?;
        features.iter().try_for_each(|feature| write!(f, " {feature}"))
    }
}

/// Bytes of memory that could be had, by the kernel's own account; none if it does not tell.
pub(crate) fn memory_available() -> u64 {
    let meminfo = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    kib(&meminfo, "MemAvailable").unwrap_or(0) << 10
}

/// A figure of `/proc/meminfo`.
fn kib(meminfo: &str, key: &str) -> Option<u64> {
    value(meminfo, &[key])?.split(' ').next()?.parse().ok()
}

/// The value of the first `key: value` line with one of these keys.
fn value<'a>(text: &'a str, keys: &[&str]) -> Option<&'a str> {
    let mut pairs = text.lines().filter_map(|line| line.split_once(':'));
    pairs
        .find(|(key, _)| keys.contains(&key.trim()))
        .map(|(_, value)| value.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    const CPUINFO: &str = "processor\t: 0\nmodel name\t: AMD EPYC\nflags\t\t: fpu sse avx2 sha_ni gfni avx512f\n\n";
    const MEMINFO: &str = "MemTotal:       24611412 kB\nMemFree:        1 kB\n";

    fn machine() -> Machine {
        Machine::read(CPUINFO, MEMINFO, "6.1.0\n", 2)
    }

    #[test]
    fn a_machine_is_read_from_what_the_kernel_tells() {
        let expected = Machine {
            cpu: "AMD EPYC".to_owned(),
            cores: 2,
            kernel: "6.1.0".to_owned(),
            memory: 24_611_412 << 10,
            features: ["avx2", "gfni", "sha_ni"].map(str::to_owned).to_vec(),
        };
        assert_eq!(machine(), expected);
    }

    #[test]
    fn what_is_not_told_is_unknown() {
        let unknown = Machine::read("", "", "", 0);
        assert_eq!((unknown.cpu.as_str(), unknown.memory), ("unknown", 0));
    }

    #[test]
    fn a_flag_is_a_whole_word() {
        let machine = Machine::read("flags : avx2x xgfni\n", "", "", 1);
        assert_eq!(machine.features, [""; 0]);
    }

    #[test]
    fn memory_alone_makes_no_machine_another() {
        let other = Machine { memory: 1, ..machine() };
        assert_eq!(machine().differences(&other), [""; 0]);
    }

    #[test]
    fn another_kernel_and_core_count_are_named() {
        let other = Machine {
            kernel: "6.2.0".to_owned(),
            cores: 4,
            ..machine()
        };
        assert_eq!(
            machine().differences(&other),
            ["cores: 2 and 4", "kernel: 6.1.0 and 6.2.0"]
        );
    }

    #[test]
    fn the_memory_that_could_be_had_is_the_kernels_own_figure() {
        let text = "MemTotal:  100 kB\nMemFree:   1 kB\nMemAvailable:     2048 kB\n";
        assert_eq!(kib(text, "MemAvailable"), Some(2048));
        assert_eq!(kib("MemTotal: 1 kB\n", "MemAvailable"), None);
    }
}

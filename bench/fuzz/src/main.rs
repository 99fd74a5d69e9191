//! The targets of `diode-bench fuzz` under libFuzzer, which keeps the inputs that reach something new.
//!
//! ```text
//! cd bench/fuzz
//! mkdir -p target/corpus/header
//! DIODE_FUZZ_TARGET=header cargo run --release -- target/corpus/header ../tests/corpus/header -max_len=65536
//! ```
//!
//! What it finds is written to `crash-*` here; `diode-bench fuzz header --input crash-…` runs it again.

#![no_main]

use std::sync::LazyLock;

use diode_bench::fuzz::{Target, TARGETS};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| (TARGET.run)(bytes));

static TARGET: LazyLock<&'static Target> = LazyLock::new(|| {
    // libFuzzer's hook ends the process at every panic, those too that the code under a target catches itself. One that is not caught ends
    // it in any case.
    drop(std::panic::take_hook());
    let name = std::env::var("DIODE_FUZZ_TARGET").unwrap_or_default();
    let names: Vec<_> = TARGETS.iter().map(|target| target.name).collect();
    Target::named(&name).unwrap_or_else(|| panic!("set DIODE_FUZZ_TARGET to one of: {}", names.join(", ")))
});

//! `diode-bench`: everything is in [`diode_bench`].

use std::process::ExitCode;

fn main() -> ExitCode {
    diode_bench::run(std::env::args_os())
}

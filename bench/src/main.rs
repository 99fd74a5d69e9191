//! `diode-bench`: everything is in [`diode_bench`].

use std::process::ExitCode;

fn main() -> ExitCode {
    // The programs that it stands for start workers from this executable.
    if let Some(done) = scanner::isolation::role(std::env::args_os()) {
        return done;
    }
    diode_bench::run(std::env::args_os())
}

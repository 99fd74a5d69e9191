//! `diode-scan`: the receiver's scan, before anything is sent.

use std::process::ExitCode;

fn main() -> ExitCode {
    diode_scanner::run(std::env::args_os())
}

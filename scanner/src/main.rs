//! `diode-scan`: the receiver's scan, before anything is sent.

use std::process::ExitCode;

fn main() -> ExitCode {
    if let Some(done) = diode_scanner::isolation::role(std::env::args_os()) {
        return done;
    }
    diode_scanner::run(std::env::args_os())
}

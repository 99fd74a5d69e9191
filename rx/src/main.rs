//! `diode-rx`: the receiver of a one-way link.

use std::process::ExitCode;

fn main() -> ExitCode {
    if let Some(done) = scanner::isolation::role(std::env::args_os()) {
        return done;
    }
    diode_rx::run(std::env::args_os())
}

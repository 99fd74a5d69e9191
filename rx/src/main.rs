//! `diode-rx`: the receiver of a one-way link.

use std::process::ExitCode;

fn main() -> ExitCode {
    diode_rx::run(std::env::args_os())
}

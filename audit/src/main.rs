//! The `diode-audit` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    diode_audit::run(std::env::args_os())
}

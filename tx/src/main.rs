//! `diode-tx`: sends signed bundles over a data diode. Everything is in [`diode_tx::transmitter`].

use std::process::ExitCode;

fn main() -> ExitCode {
    diode_tx::run(std::env::args_os())
}

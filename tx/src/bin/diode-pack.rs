//! `diode-pack`: packs and signs what is to cross a data diode. Everything is in [`diode_tx::desk`].

use std::process::ExitCode;

fn main() -> ExitCode {
    diode_tx::desk::run(std::env::args_os())
}

//! What the binaries of the sending side must not contain, read from their symbol tables.
//!
//! A compromised tx host must find nothing on it that signs bundles, and nothing that receives.
#![allow(clippy::disallowed_methods, clippy::unwrap_used)] // Reads the binaries.

use object::{Object, ObjectSymbol};

const TRANSMITTER: &str = env!("CARGO_BIN_EXE_diode-tx");
const DESK: &str = env!("CARGO_BIN_EXE_diode-pack");

/// The symbols that stand for code, as they are called in the source.
fn symbols(binary: &str) -> Vec<String> {
    let bytes = std::fs::read(binary).unwrap();
    let file = object::File::parse(&*bytes).unwrap();
    let names = file
        .symbols()
        .filter_map(|symbol| symbol.name().ok().map(str::to_owned));
    let names: Vec<String> = names.map(|name| rustc_demangle::demangle(&name).to_string()).collect();
    // Without it, a stripped binary would have nothing that is forbidden.
    assert!(
        names.iter().any(|name| name.starts_with("diode_protocol::")),
        "{binary} has no symbols"
    );
    names
}

/// Whether the symbol is code of that module, as a function or in an `impl`. The name of a library's function may mention any type: where the
/// code for two types is the same, the compiler keeps one and calls it by either.
fn is_of(name: &str, module: &str) -> bool {
    name.trim_start_matches(['<', '&']).starts_with(module)
}

fn assert_present(binary: &str, modules: &[&str]) {
    let symbols = symbols(binary);
    for module in modules {
        assert!(
            symbols.iter().any(|name| is_of(name, module)),
            "{module} is missing in {binary}"
        );
    }
}

fn assert_absent(binary: &str, modules: &[&str]) {
    let symbols = symbols(binary);
    for module in modules {
        let found: Vec<_> = symbols.iter().filter(|name| is_of(name, module)).take(5).collect();
        assert!(found.is_empty(), "{module} is in {binary}: {found:#?}");
    }
}

#[test]
fn the_transmitter_has_the_machine_that_transmits() {
    assert_present(TRANSMITTER, &["diode_protocol::transmission", "diode_hw::udp::sink"]);
}

#[test]
fn the_transmitter_cannot_sign_bundles() {
    assert_absent(TRANSMITTER, &["diode_protocol::bundle::seal", "diode_tx::desk"]);
}

#[test]
fn the_transmitter_cannot_receive() {
    assert_absent(TRANSMITTER, &["diode_protocol::reception", "diode_hw::udp::source"]);
}

#[test]
fn the_transmitter_neither_trusts_nor_scans() {
    assert_absent(TRANSMITTER, &["diode_protocol::trust", "diode_scanner"]);
}

#[test]
fn the_desk_signs_bundles() {
    assert_present(DESK, &["diode_protocol::bundle::seal", "diode_protocol::trust"]);
}

#[test]
fn the_desk_has_no_link() {
    assert_absent(
        DESK,
        &[
            "diode_protocol::transmission",
            "diode_protocol::reception",
            "diode_hw::udp",
            "diode_tx::transmitter",
            "diode_scanner",
        ],
    );
}

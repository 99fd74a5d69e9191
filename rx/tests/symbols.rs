//! What must not be in `diode-rx`: anything that sends, and anything that signs bundles; in a release, also what misbehaves on request.
//!
//! The binary is the one that cargo built for this test; `cargo test --release --test symbols` looks at the release binary.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test prepares files by itself, and fails by panicking"
)]

use std::collections::BTreeSet;

use object::{Object, ObjectSymbol};

/// The demangled names of the functions in the binary.
fn functions() -> BTreeSet<String> {
    let bytes = std::fs::read(env!("CARGO_BIN_EXE_diode-rx")).unwrap();
    let file = object::File::parse(&*bytes).unwrap();
    let names = file.symbols().filter_map(|symbol| symbol.name().ok());
    names
        .map(|name| format!("{:#}", rustc_demangle::demangle(name)))
        .collect()
}

fn any(functions: &BTreeSet<String>, part: &str) -> bool {
    functions.iter().any(|name| name.contains(part))
}

#[test]
fn the_receiver_can_receive() {
    // Without this, a stripped binary would pass the next test.
    let functions = functions();
    for present in [
        "diode_protocol::reception",
        "diode_scanner::quarantine",
        "diode_rx::serve",
    ] {
        assert!(
            any(&functions, present),
            "{present} is missing: are the symbols stripped?"
        );
    }
}

#[test]
fn the_receiver_can_neither_transmit_nor_sign_bundles() {
    let functions = functions();
    for absent in [
        "diode_protocol::transmission",
        "diode_protocol::bundle::seal",
        "UdpSink",
        "CodedBlock::encode",
        "diode_tx",
    ] {
        assert!(!any(&functions, absent), "{absent} is linked into diode-rx");
    }
}

#[test]
fn a_release_has_no_task_that_misbehaves_on_request() {
    // A debug build has them, for the tests of workers: there the same look must find them.
    let found = any(&functions(), "isolation::task::hostile");
    assert_eq!(found, cfg!(debug_assertions));
}

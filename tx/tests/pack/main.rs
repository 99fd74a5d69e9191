//! `diode-pack` as its user meets it: folders in, bundles and refusals out.

// A test prepares folders and looks at what came of them; the program's own door to disk is what is tested. What goes wrong in preparing
// ends the test.
#![allow(clippy::disallowed_methods, clippy::disallowed_types, clippy::unwrap_used)]

mod desk;
mod git;
mod inspect;
mod keygen;
mod plain;
mod refused;

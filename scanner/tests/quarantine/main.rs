//! The quarantine: each step, what refuses it, and what is left by a crash at any moment of it.
#![allow(clippy::unwrap_used)] // In helpers of tests, which the lint does not take for tests.

mod aside;
mod crash;
mod disk;
mod group;
mod incomplete;
mod leaving;
mod recovery;
mod release;
mod released;
mod steps;
mod support;

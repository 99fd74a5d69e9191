//! What may come in: engines that look at every file of a bundle, a report of what they found, and a policy that
//! judges it.
//!
//! ```text
//! Content ─▶ Scanner (structure, secrets, …) ─▶ Report ─▶ Policy::judge ─▶ Decision ─▶ Clearance
//!  packed bundle, folder, memory                    JSON      ALLOW < REVIEW < REJECT     by policy, or by a person's code
//! ```
//!
//! The receiver scans what it holds in quarantine; `diode-scan` is the same scan at the author's desk.
//!
//! Always true:
//! - every file is read once, and its digest compared with the signed one in that same read;
//! - what an engine could not see is an outcome, never "clean";
//! - no secret is in a report; names and texts from files are [`Untrusted`](audit::untrusted::Untrusted), and leave it by the encoder of where they go.

#![forbid(unsafe_code)]

pub mod additions;
pub mod agents;
pub mod compliance;
pub mod content;
pub mod controls;
pub mod dependencies;
pub mod engine;
pub mod facts;
pub mod finding;
pub mod isolation;
pub mod malware;
pub mod policy;
pub mod quarantine;
pub mod report;
pub mod sarif;
pub mod scan;
pub mod secrets;
pub mod show;
pub mod structure;
pub mod taint;

mod archive;
mod cli;
mod fixed_rule;

pub use self::cli::run;
pub use self::content::{Content, FileEntry, Folder, Memory, PackedBundle};
pub use self::finding::{Confidence, Finding, Severity};
pub use self::policy::{Clearance, Decision, Policy, Reason};
pub use self::report::Report;
pub use self::scan::{CacheFault, Progress, Scanner};

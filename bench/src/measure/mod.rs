//! Measurements as records: what was measured, with which options, on which machine, and every single value.
//!
//! ```text
//! raw, link ─▶ Record ─┬─▶ table     standard output
//!                      ├─▶ JSON      --json, --out FILE.json ──▶ compare A.json B.json
//!                      └─▶ SVG plot  --plot FILE.svg
//! ```
//!
//! Always true:
//! - a figure keeps the value of each run; median and range are worked out from them, never stored in their place;
//! - two records are only set side by side if kind, options and machine are alike.

mod against;
mod commit;
mod deliver;
mod figure;
mod machine;
mod plot;
mod record;
mod table;

pub(crate) use against::{CompareArgs, run as run_compare};
pub(crate) use commit::Commit;
pub(crate) use deliver::{DeliverArgs, Delivery};
pub(crate) use figure::{Better, Figure, Unit};
pub(crate) use machine::memory_available;
pub(crate) use record::{Kind, Options, Record};

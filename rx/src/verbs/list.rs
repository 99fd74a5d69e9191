//! `diode-rx list`: the bundles in quarantine and those that left it, a line each, also once their files were removed.
//!
//! A bundle that is evidence under one number and was admitted under another has two.

use std::path::Path;

use audit::event::State;
use audit::{escape, line};
use protocol::digest::BundleId;
use serde_json::json;

use super::{Failure, local, open_home, read_log, say, say_json};
use crate::cli::{ListArgs, StateFilter};
use crate::ledger::Record;

pub(crate) fn run(dir: &Path, args: &ListArgs) -> Result<(), Failure> {
    let home = open_home(dir)?;
    let (_, ledger) = read_log(&home)?;
    let wanted = |record: &Record| args.state.is_none_or(|filter| filter.fits(record.state));
    let bundles: Vec<_> = ledger
        .listed()
        .into_iter()
        .filter(|(_, record)| wanted(record))
        .collect();
    if args.json {
        return bundles
            .iter()
            .try_for_each(|(id, record)| say_json(&object(*id, record)));
    }
    if bundles.is_empty() {
        return say("no bundles");
    }
    say(&format!(
        "{:<6} {:<9} {:<8}  {:>10} {:>7}  {:<20}  FROM",
        "SEQ", "STATE", "BUNDLE", "SIZE", "FILES", "CAME"
    ))?;
    for (id, record) in bundles {
        let event = &record.admitted.1;
        let state = record.state.to_string();
        let size = line::size(event.bytes.unwrap_or(0));
        let time = local(event.time);
        let signer = escape::terminal(event.signer.as_deref().unwrap_or("-"));
        let (seq, files) = (record.number.sequence, event.files.unwrap_or(0));
        let removed = if record.removed.is_some() { "  removed" } else { "" };
        say(&format!(
            "{seq:<6} {state:<9} {:<8}  {size:>10} {files:>7}  {time:<20}  {signer}{removed}",
            id.short()
        ))?;
    }
    Ok(())
}

fn object(id: BundleId, record: &Record) -> serde_json::Value {
    let event = &record.admitted.1;
    json!({
        "schema": 1,
        "bundle": id,
        "state": record.state,
        "epoch": record.epoch,
        "seq": record.number.sequence,
        "epoch_id": event.epoch_id,
        "admitted": event.time,
        "since": record.latest.1.time,
        "signer": event.signer,
        "key": event.key,
        "bytes": event.bytes,
        "files": event.files,
        "verdict": record.latest.1.verdict,
        "removed": record.removed.as_ref().map(|removed| json!({ "time": removed.time, "reason": removed.reason })),
    })
}

impl StateFilter {
    pub(crate) fn fits(self, state: State) -> bool {
        matches!(
            (self, state),
            (Self::Held, State::Held)
                | (Self::Released, State::Released)
                | (Self::Rejected, State::Rejected)
                | (Self::Waiting, State::Waiting)
                | (Self::Evidence, State::Evidence)
        )
    }
}

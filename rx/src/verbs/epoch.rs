//! `diode-rx epoch list`: the lives of the transmitter's state, and what waits for a person's word.

use std::path::Path;

use audit::line;
use serde_json::json;

use super::{Failure, local, open_home, read_log, say};
use crate::ledger::{Acceptance, Epoch, Ledger};

pub(crate) fn list(dir: &Path, json: bool) -> Result<(), Failure> {
    let home = open_home(dir)?;
    let (_, ledger) = read_log(&home)?;
    let epochs = ledger.epochs();
    if json {
        return epochs
            .iter()
            .try_for_each(|(id, epoch)| say(&object(&ledger, *id, epoch).to_string()));
    }
    if epochs.is_empty() {
        return say("no epoch was heard of yet: the first with a verified bundle is accepted by itself");
    }
    say(&format!(
        "{:<5}  {:<16}  {:<9}  {:<20}  {:>8}  WAITING",
        "EPOCH", "ID", "STATE", "SINCE", "HIGHEST"
    ))?;
    for (id, epoch) in &epochs {
        say(&row(&ledger, *id, epoch))?;
    }
    match epochs.iter().find(|(id, epoch)| waits(&ledger, *id, epoch)) {
        Some((id, _)) => say(&format!("\nnext: {}", next(&ledger, *id))),
        None => Ok(()),
    }
}

/// Whether something of the epoch waits for a person.
fn waits(ledger: &Ledger, id: u64, epoch: &Epoch) -> bool {
    let waiting = !ledger.waiting_in(id).is_empty();
    waiting && epoch.acceptance != Acceptance::Refused
}

fn row(ledger: &Ledger, id: u64, epoch: &Epoch) -> String {
    let number = ledger
        .epoch_number(id)
        .map_or("-".to_owned(), |number| number.to_string());
    let (bundles, bytes) = waiting(ledger, id);
    let waiting = match bundles {
        0 => "-".to_owned(),
        bundles => format!("{}, {}", line::count(bundles, "bundle"), line::size(bytes)),
    };
    format!(
        "{number:<5}  {id:016x}  {:<9}  {:<20}  {:>8}  {waiting}",
        state(epoch.acceptance),
        local(epoch.since),
        epoch.used.highest()
    )
}

fn object(ledger: &Ledger, id: u64, epoch: &Epoch) -> serde_json::Value {
    let (bundles, bytes) = waiting(ledger, id);
    json!({
        "schema": 1,
        "epoch": ledger.epoch_number(id),
        "epoch_id": format!("{id:016x}"),
        "state": state(epoch.acceptance),
        "since": epoch.since,
        "highest": epoch.used.highest(),
        "waiting": ledger.waiting_in(id),
        "waiting_bundles": bundles,
        "waiting_bytes": bytes,
    })
}

/// Bundles of an epoch that wait, and the bytes of their content.
fn waiting(ledger: &Ledger, id: u64) -> (u64, u64) {
    let waiting = ledger.waiting_in(id);
    let bytes = waiting.iter().filter_map(|id| ledger.waiting(id)?.admitted.1.bytes);
    (waiting.len() as u64, bytes.sum())
}

fn next(ledger: &Ledger, id: u64) -> String {
    let highest = ledger
        .waiting_in(id)
        .iter()
        .filter_map(|id| Some(ledger.waiting(id)?.number.sequence))
        .max();
    match (ledger.epoch_number(id), highest) {
        (Some(number), Some(highest)) => {
            format!("diode-rx epoch accept {number} --up-to {highest} --reason \"…\"")
        }
        _ => format!(
            "diode-rx epoch accept {id:016x} --reason \"…\"   or   diode-rx epoch refuse {id:016x} --reason \"…\""
        ),
    }
}

fn state(acceptance: Acceptance) -> &'static str {
    match acceptance {
        Acceptance::Undecided => "undecided",
        Acceptance::Accepted(_) => "accepted",
        Acceptance::Refused => "refused",
    }
}

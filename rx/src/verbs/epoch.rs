//! `diode-rx epoch list`: the lives of the transmitter's state, and what waits for a person's word.

use std::path::Path;

use audit::line;
use serde_json::json;

use super::{Failure, local, open_home, read_log, say, say_json};
use crate::ledger::{Acceptance, Epoch, Ledger, Wait};

pub(crate) fn list(dir: &Path, json: bool) -> Result<(), Failure> {
    let home = open_home(dir)?;
    let (_, ledger) = read_log(&home)?;
    let epochs = ledger.epochs();
    if json {
        return epochs
            .iter()
            .try_for_each(|(id, epoch)| say_json(&object(&ledger, *id, epoch)));
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

/// What a person can do about what waits in an epoch.
fn next(ledger: &Ledger, id: u64) -> String {
    let Some(number) = ledger.epoch_number(id) else {
        return format!(
            "diode-rx epoch accept {id:016x} --reason \"…\"   or   diode-rx epoch refuse {id:016x} --reason \"…\""
        );
    };
    let waiting = ledger.waiting_in(id);
    let waiting = waiting.iter().filter_map(|id| {
        let record = ledger.waiting(id)?;
        Some((record.number.sequence, ledger.waits_for(id)))
    });
    let (mut ahead, mut gaps) = (None, false);
    for (sequence, wait) in waiting {
        match wait {
            Some(Wait::Ahead { .. }) => ahead = ahead.max(Some(sequence)),
            Some(Wait::Gaps) => gaps = true,
            Some(Wait::Epoch) | None => {}
        }
    }
    match (ahead, gaps) {
        (Some(highest), _) => format!("diode-rx epoch accept {number} --up-to {highest} --reason \"…\""),
        (None, true) => {
            format!("diode-rx gaps: too many numbers of epoch {number} are missing, and have to be sent before more can come")
        }
        (None, false) => {
            "nothing has to be decided: the receiver could not read trust or files; mend what its messages name, and restart it".to_owned()
        }
    }
}

fn state(acceptance: Acceptance) -> &'static str {
    match acceptance {
        Acceptance::Undecided => "undecided",
        Acceptance::Accepted(_) => "accepted",
        Acceptance::Refused => "refused",
    }
}

#[cfg(test)]
mod tests {
    use audit::event::{Event, EventKind};
    use protocol::digest::{BundleId, Digest};
    use protocol::limits::{MAX_OPEN_RANGES, MAX_SEQUENCE_AHEAD};
    use protocol::time::UnixMillis;

    use super::*;

    fn event(kind: EventKind, bundle: u8, seq: u64) -> Event {
        Event {
            bundle: Some(BundleId(Digest([bundle; 32]))),
            seq: Some(seq),
            epoch_id: Some("000000000000000e".to_owned()),
            ..Event::new(kind, UnixMillis(0))
        }
    }

    fn ledger(events: impl IntoIterator<Item = Event>) -> Ledger {
        let mut ledger = Ledger::default();
        for (index, event) in (0..).zip(events) {
            ledger.apply(index, &event);
        }
        ledger
    }

    #[test]
    fn what_lies_far_ahead_is_mended_by_allowing_numbers_up_to_it() {
        let far = 2 + MAX_SEQUENCE_AHEAD;
        let events = [(EventKind::BundleAdmitted, 1, 1), (EventKind::BundleWaiting, 2, far)];
        let ledger = ledger(events.map(|(kind, bundle, seq)| event(kind, bundle, seq)));
        let next = next(&ledger, 0xE);
        assert!(
            next.starts_with(&format!("diode-rx epoch accept 1 --up-to {far} ")),
            "{next}"
        );
    }

    #[test]
    fn what_would_leave_too_many_gaps_is_mended_by_closing_some_and_not_by_allowing_more() {
        let admitted = event(EventKind::BundleAdmitted, 1, 1);
        let others = (1..=MAX_OPEN_RANGES as u64).map(|gaps| Event {
            bundle: Some(BundleId(Digest::of(&gaps.to_be_bytes()))),
            ..event(EventKind::BundleAdmitted, 1, 1 + 2 * gaps)
        });
        let waiting = event(EventKind::BundleWaiting, 2, 2 * MAX_OPEN_RANGES as u64 + 9);
        let ledger = ledger([admitted].into_iter().chain(others).chain([waiting]));
        let next = next(&ledger, 0xE);
        assert!(next.starts_with("diode-rx gaps") && !next.contains("--up-to"), "{next}");
    }
}

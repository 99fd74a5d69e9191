//! A bundle whose files are gone: what the log still says of it.

use audit::{escape, line};
use protocol::digest::BundleId;
use serde_json::json;

use super::super::{Failure, local, say, say_json};
use super::{audited, epoch_of};
use crate::ledger::{Record, Removal};

pub(super) fn say_removed(id: BundleId, record: &Record, removal: &Removal, as_json: bool) -> Result<(), Failure> {
    match as_json {
        true => say_json(&object(id, record, removal)),
        false => say(text(id, record, removal).trim_end()),
    }
}

fn text(id: BundleId, record: &Record, removal: &Removal) -> String {
    let admitted = &record.admitted.1;
    let shown = |text: &Option<String>| escape::terminal(text.as_deref().unwrap_or("-"));
    let (seq, epoch) = (record.number.sequence, epoch_of(record));
    let (since, gone) = (local(record.latest.1.time), local(removal.time));
    let files = line::count(admitted.files.unwrap_or(0), "file");
    let size = line::size(admitted.bytes.unwrap_or(0));
    let mut text = format!(
        "bundle     {id} (seq {seq}, {epoch})\nstate      {} since {since}\n",
        record.state
    );
    text += &format!("removed    {gone}, {}\n", shown(&removal.detail));
    text += &format!(
        "identified when it came as {}, key {}\n",
        shown(&admitted.signer),
        shown(&admitted.key)
    );
    text += &format!("held       {files}, {size}; nothing of it is left here, and it is not taken again\n");
    text + &audited(record)
}

fn object(id: BundleId, record: &Record, removal: &Removal) -> serde_json::Value {
    let admitted = &record.admitted.1;
    json!({
        "schema": 1,
        "bundle": id,
        "seq": record.number.sequence,
        "epoch": record.epoch,
        "epoch_id": admitted.epoch_id,
        "state": record.state,
        "since": record.latest.1.time,
        "removed": { "time": removal.time, "reason": removal.reason, "detail": removal.detail },
        "identified": { "now": false, "signer": admitted.signer, "key": admitted.key, "detail": removal.detail },
        "log_entries": record.history.iter().map(|(index, _)| index).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use audit::event::{Event, EventKind, State};
    use protocol::digest::Digest;
    use protocol::time::UnixMillis;

    use super::*;
    use crate::ledger::Ledger;

    #[test]
    fn a_removed_bundle_is_told_with_state_reason_and_entries() {
        let id = BundleId(Digest([7; 32]));
        let event = |kind| Event {
            bundle: Some(id),
            epoch_id: Some("0000000000000001".to_owned()),
            seq: Some(4),
            signer: Some("alice@lab".to_owned()),
            ..Event::new(kind, UnixMillis(1_795_340_467_000))
        };
        let mut ledger = Ledger::default();
        ledger.apply(3, &event(EventKind::BundleAdmitted));
        ledger.apply(9, &event(EventKind::BundleReleased));
        let removed = Event {
            state: Some(State::Released),
            reason: Some("retention-age".to_owned()),
            detail: Some("by retention: released more than 90 days ago".to_owned()),
            ..event(EventKind::BundleRemoved)
        };
        ledger.apply(12, &removed);
        let record = ledger.get(&id).unwrap();
        let removal = record.removed.as_ref().unwrap();
        let text = text(id, record, removal);
        assert!(text.contains("state      RELEASED"), "{text}");
        assert!(text.contains("by retention: released more than 90 days ago"), "{text}");
        assert!(text.contains("admitted 3, released 9, removed 12"), "{text}");
        assert_eq!(object(id, record, removal)["removed"]["reason"], "retention-age");
    }
}

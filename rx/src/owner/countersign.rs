//! Further signatures of a held bundle: it came again under another head, whose signatures that it lacks are kept beside it.
//!
//! ```text
//! head verified ─▶ signers that the held one lacks ─▶ merged envelope verified ─▶ durable beside it ─▶ bundle.countersigned, one each
//!                     └─ none: nothing more to do
//! ```
//!
//! Always true:
//! - what is added was verified by the trust of now, and the bundle as a whole with it: a countersignature can't make one unfit for release;
//! - signatures that prove nothing keep none out: where there are not places for all, they give way (the packed form still has them);
//! - a crash leaves either the entries and the envelope, or what was held before: an envelope without entries is removed by the next start.

use std::collections::BTreeMap;
use std::sync::PoisonError;

use audit::event::{Event, EventKind, State};
use protocol::bundle::{Envelope, EnvelopeSignature, Signer, VerifiedHead, verify_head};
use protocol::digest::BundleId;
use protocol::keys::Fingerprint;
use protocol::limits::MAX_SIGNATURES;
use scanner::quarantine::{Alarm, Place, QuarantineError};

use super::{Owner, OwnerError, unless_full};
use crate::ledger::Ledger;
use crate::serve::HeadAgain;

/// What a bundle gains.
struct Further {
    signers: Vec<Signer>,
    /// The held one's envelope, with their signatures.
    envelope: Envelope,
}

impl Owner {
    /// Adds what a head that came again has more than the held bundle. Its number was told of at the announce.
    pub(super) fn countersign(&mut self, again: HeadAgain) -> Result<(), OwnerError> {
        let HeadAgain {
            session,
            announce,
            head,
            verified,
        } = again;
        let id = announce.bundle;
        let before = self.with_ledger(|ledger| {
            // It may have been decided on meanwhile.
            let record = ledger.get(&id).filter(|_| ledger.may_countersign(&announce))?;
            Some(record.countersigned)
        });
        let Some(before) = before else { return Ok(()) };
        let envelope = head.get(..announce.envelope_len as usize).unwrap_or_default();
        let Some(Further { signers, envelope }) = (match self.further(id, (before, envelope), &verified) {
            Ok(further) => further,
            Err(error) => return self.refuse_unstorable(&announce, session, error),
        }) else {
            return Ok(());
        };
        let added = before.saturating_add(u8::try_from(signers.len()).unwrap_or(u8::MAX));
        if let Err(error) = self.quarantine.countersign(id, added, &envelope) {
            return self.refuse_unstorable(&announce, session, error);
        }
        let events = signers.iter().map(|signer| Event {
            session: Some(session.to_string()),
            signer: Some(signer.principal.clone()),
            key: Some(signer.fingerprint.to_string()),
            head: Some(announce.head_sha256),
            state: Some(State::Held),
            detail: Some(format!(
                "it came again as seq {}, with a further signature",
                announce.number.sequence
            )),
            ..self.event_about(EventKind::BundleCountersigned, id)
        });
        let events: Vec<_> = events.collect();
        self.record_all(&events)?;
        tracing::info!(bundle = %id, signers = signers.len(), "bundle countersigned");
        if before > 0
            && let Err(error) = self.quarantine.drop_envelope(id, before)
        {
            tracing::warn!(bundle = %id, %error, "an envelope that another one has followed is still there; the next start removes it");
        }
        Ok(())
    }

    /// What the envelope has that the held bundle lacks, to which `before` signers were added; `None` if that is nothing that may be added.
    fn further(
        &mut self,
        id: BundleId,
        (before, came): (u8, &[u8]),
        verified: &VerifiedHead,
    ) -> Result<Option<Further>, QuarantineError> {
        let stored = self.quarantine.open_any(id)?;
        let Some(stored) = stored.filter(|stored| stored.place() == Place::Held) else {
            return Ok(None);
        };
        let (held, Ok(came), Ok(trust)) = (stored.envelope()?, Envelope::parse(came), self.authority.trust()) else {
            return Ok(None);
        };
        let (receiver, now) = (self.authority.receiver().to_owned(), self.now());
        let came = came.with_proven(&trust, now);
        // What the held one has under a signer's key id may be none of the signer's.
        let proven = held.with_proven(&trust, now);
        let lacks = |signer: &&Signer| signature_of(&proven, signer.fingerprint).is_none();
        let mut signers: Vec<_> = verified.signers().filter(lacks).cloned().collect();
        let is_full = held.signatures().len() + signers.len() > MAX_SIGNATURES;
        let held = if is_full { proven } else { held };
        let room = MAX_SIGNATURES.saturating_sub(held.signatures().len());
        // Each takes a number, of which there are as many as places beside the first author.
        let room = room.min((MAX_SIGNATURES - 1).saturating_sub(before.into()));
        if room < signers.len() {
            let (came, most) = (signers.len(), MAX_SIGNATURES);
            tracing::warn!(bundle = %id, came, room, "of {most} signatures there are not places for all that came");
            signers.truncate(room);
        }
        let signatures = signers
            .iter()
            .filter_map(|signer| signature_of(&came, signer.fingerprint));
        let Ok(envelope) = held.with_signatures(signatures.cloned()) else {
            return Ok(None);
        };
        let Ok(merged) = stored.head()?.with_envelope(&envelope.to_bytes()) else {
            return Ok(None);
        };
        match verify_head(&merged.bytes, merged.envelope_len, &trust, &receiver, now) {
            Ok(whole) => {
                let counts = |signer: &Signer| whole.signers().any(|one| one.fingerprint == signer.fingerprint);
                let all_count = !signers.is_empty() && signers.iter().all(counts);
                Ok(all_count.then_some(Further { signers, envelope }))
            }
            Err(error) => {
                tracing::warn!(bundle = %id, %error, "not countersigned: with the further signatures the bundle would not hold");
                Ok(None)
            }
        }
    }

    /// Brings further signatures to where the log says, after a start.
    pub(super) fn recover_countersigned(&mut self) -> Result<(), OwnerError> {
        let recorded = self.with_ledger(countersigned);
        let recovery = self.quarantine.recover_envelopes(&recorded)?;
        for mended in &recovery.done {
            unless_full(self.tell_mended(mended))?;
        }
        for alarm in &recovery.alarms {
            if let Alarm::Unsigned { id, .. } = alarm {
                let mut ledger = self.ledger.write().unwrap_or_else(PoisonError::into_inner);
                ledger.forget_signatures(id);
            }
            unless_full(self.tell_alarm(alarm))?;
        }
        Ok(())
    }
}

fn signature_of(envelope: &Envelope, key: Fingerprint) -> Option<&EnvelopeSignature> {
    let mut signatures = envelope.signatures().iter();
    signatures.find(|signature| signature.keyid.parse() == Ok(key))
}

/// How many signers were added to each bundle whose files are still there.
fn countersigned(ledger: &Ledger) -> BTreeMap<BundleId, u8> {
    let bundles = ledger.bundles().into_iter();
    let there = bundles.filter(|(_, record)| record.countersigned > 0 && record.removed.is_none());
    there.map(|(id, record)| (id, record.countersigned)).collect()
}

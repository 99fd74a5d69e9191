//! The check between announce and signature: a head counts only if both speak of the same bundle. And heads that are all that is wanted.

use super::Reception;
use crate::bundle::{AnnounceField, Refusal, VerifiedHead, verify_head};
use crate::time::UnixMillis;
use crate::trust::Trust;
use crate::wire::{Announce, SessionId};

impl Reception {
    /// Goes on with a session for its head alone: content is not gathered any more, and the session never becomes complete. For a bundle
    /// that is here already, and may come with further signatures.
    pub fn gather_head_only(&mut self, id: SessionId) {
        if let Some(session) = self.sessions.get_mut(&id) {
            session.gather_head_only();
        }
    }
}

/// Verifies a head that was received under `announce`: signatures, trust, audience and dates, and that bundle id, `content_root`,
/// `content_len` and `leaf_len` are those that the author signed.
///
/// # Errors
/// The first check that fails.
pub fn verify_announced_head(
    announce: &Announce,
    head: &[u8],
    trust: &Trust,
    receiver: &str,
    now: UnixMillis,
) -> Result<VerifiedHead, Refusal> {
    let verified = verify_head(head, announce.envelope_len, trust, receiver, now)?;
    let signed = verified.statement();
    let pairs = [
        (
            AnnounceField::BundleId,
            announce.bundle.to_string(),
            verified.id().to_string(),
        ),
        (
            AnnounceField::ContentRoot,
            announce.content_root.to_string(),
            signed.content_root.to_string(),
        ),
        (
            AnnounceField::ContentLen,
            announce.content_len.to_string(),
            signed.content_len.to_string(),
        ),
        (
            AnnounceField::LeafLen,
            announce.leaf_len.to_string(),
            signed.leaf_len.to_string(),
        ),
    ];
    match pairs.into_iter().find(|(_, announced, signed)| announced != signed) {
        Some((field, announced, signed)) => Err(Refusal::AnnounceDiffers {
            field,
            announced,
            signed,
        }),
        None => Ok(verified),
    }
}

//! Bundles that are held and come again with another head: it may bring further signatures, and is all that is received of them.
//!
//! ```text
//! announce, id held, head another ─▶ HeadOnly ──head complete──▶ worker verifies ─┬─▶ News::Countersigned
//!                                       └── idle, evicted ──▶ gone                └─▶ refused
//! ```
//!
//! Always true: nothing of these is spooled, and what becomes of their number is decided at the announce, whatever comes
//! of the head.

use std::sync::PoisonError;

use bytes::Bytes;
use protocol::bundle::VerifiedHead;
use protocol::wire::{Announce, SessionId, SignedAnnounce};

use super::super::workers::HeadFailure;
use super::{News, Reassembly};

/// The head of a bundle that is here already.
#[derive(Debug)]
pub struct HeadAgain {
    /// The session that it came in.
    pub session: SessionId,
    /// Its announce.
    pub announce: Announce,
    /// Envelope and leaf index.
    pub head: Bytes,
    /// The same, verified.
    pub verified: VerifiedHead,
}

/// A transmission of which only the head is received.
#[derive(Debug)]
pub(super) struct HeadOnly {
    pub(super) announce: SignedAnnounce,
    /// Empty until it is complete.
    pub(super) head: Bytes,
}

impl Reassembly {
    /// Receives no more than the head: the bundle is here already.
    pub(super) fn open_head(&mut self, session: SessionId, announce: SignedAnnounce) {
        self.reception.gather_head_only(session);
        let head = Bytes::new();
        self.heads.insert(session, HeadOnly { announce, head });
    }

    pub(super) fn may_countersign(&self, announce: &Announce) -> bool {
        let ledger = self.ledger.read().unwrap_or_else(PoisonError::into_inner);
        ledger.may_countersign(announce)
    }

    /// Hands on what a head that came again was found to be: the session has no further use.
    pub(super) fn take_head_again(
        &mut self,
        session: SessionId,
        again: HeadOnly,
        verified: Result<VerifiedHead, HeadFailure>,
    ) {
        match verified {
            Ok(verified) => {
                self.reception.drop_session(session);
                self.tell(News::Countersigned(Box::new(HeadAgain {
                    session,
                    announce: again.announce.announce().clone(),
                    head: again.head,
                    verified,
                })));
            }
            Err(HeadFailure::Refused(refusal)) => self.reception.refuse(session, refusal),
            Err(HeadFailure::Unjudged(_) | HeadFailure::Unstorable(_)) => self.reception.drop_session(session),
        }
    }
}

//! Heads that are complete: verified by a worker, then kept with their session, or what ends it.
//!
//! ```text
//! Output::Head ─▶ worker ─┬─ verified ──▶ its blocks can be judged, and what an earlier transmission left looked for
//!                         ├─ refused, unstorable, unjudged ──▶ the session ends
//!                         └─ of a bundle that is here already ──▶ its signatures alone
//! ```
//!
//! Always true: nobody's head is taken without having been verified in this session.

use std::sync::Arc;

use bytes::Bytes;
use protocol::bundle::{LeafIndex, VerifiedHead};
use protocol::wire::SessionId;

use super::super::workers::{HeadFailure, HeadWork, Work};
use super::Reassembly;

impl Reassembly {
    pub(super) fn check_head(&mut self, session: SessionId, head: Bytes) {
        let now = self.now();
        let (announce, spool) = if let Some(arriving) = self.arriving.get(&session) {
            (&arriving.announce, Some(Arc::clone(&arriving.spool)))
        } else if let Some(again) = self.heads.get_mut(&session) {
            again.head = head.clone();
            (&again.announce, None)
        } else {
            return;
        };
        let work = HeadWork {
            session,
            announce: announce.announce().clone(),
            head: Some(head),
            spool,
            now,
        };
        self.hand_out(Work::Head(Box::new(work)), usize::MAX);
    }

    pub(super) fn take_head(&mut self, session: SessionId, verified: Result<VerifiedHead, HeadFailure>) {
        if let Some(again) = self.heads.remove(&session) {
            return self.take_head_again(session, again, verified);
        }
        if let Some(index) = self.judge_head(session, verified) {
            self.reception.accept_head(session, index, self.ticker.now());
            self.look_on(session);
        }
    }

    /// Keeps a verified head, and gives its index; else ends the session, if it has not ended meanwhile.
    pub(super) fn judge_head(
        &mut self,
        session: SessionId,
        verified: Result<VerifiedHead, HeadFailure>,
    ) -> Option<Arc<LeafIndex>> {
        let arriving = self.arriving.get_mut(&session)?;
        match verified {
            Ok(verified) => {
                let index = Arc::new(verified.index().clone());
                arriving.head = Some(verified);
                return Some(index);
            }
            Err(HeadFailure::Refused(refusal)) => {
                // Nothing is kept of it, not even what an earlier one left: each that came again would renew its days.
                if let Some(refused) = self.arriving.remove(&session) {
                    refused.spool.discard();
                }
                self.reception.refuse(session, refusal);
            }
            Err(HeadFailure::Unstorable(error)) => self.give_up(session, error),
            Err(HeadFailure::Unjudged(why)) => self.leave_unjudged(session, why),
        }
        None
    }
}

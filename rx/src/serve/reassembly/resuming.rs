//! What an incomplete transmission brought is kept, and the next one of the same bundle goes on with it.
//!
//! ```text
//! Ended, head accepted ─▶ left ──no worker has the file any more──▶ incomplete/
//!                                                                      │ the same is announced
//! Complete ◀─ its blocks, hashed again, a few at a time ◀─ its head, verified again ◀┘
//! ```
//!
//! Always true:
//! - a file is kept, or handed over, only once no worker can write to it any more: what a decoder began before the head came may be forged, and must not come
//!   after the next transmission looked at its place;
//! - kept bytes alone complete nothing: only a live session with a valid announce does, and each of its leaves was hashed in this one.

use std::collections::VecDeque;
use std::sync::{Arc, PoisonError};

use protocol::bundle::VerifiedHead;
use protocol::reception::{Ending, Summary};
use protocol::wire::{Announce, SessionId, SignedAnnounce};
use scanner::quarantine::{ResumeKey, SpoolFile};

use super::super::workers::{HeadFailure, HeadWork, Work};
use super::{Arriving, News, Reassembly};
use crate::ledger::Standing;

/// What waits to be kept, and what waits to be looked for.
#[derive(Debug, Default)]
pub(super) struct Resuming {
    /// Sessions whose next blocks may be looked for.
    due: VecDeque<SessionId>,
    /// Files of sessions that ended, with their blocks that were done: workers may still have them.
    left: Vec<(Arc<SpoolFile>, u32)>,
    /// Bundles that came whole while a worker still looks for what was kept of them.
    complete: Vec<(SessionId, Arriving, Summary)>,
    /// Nothing more is looked for: the receiver stops.
    stopping: bool,
}

impl Reassembly {
    /// Makes a place for a transmission, or goes on where an earlier one ended.
    pub(super) fn begin(&mut self, session: SessionId, signed: SignedAnnounce) {
        let announce = signed.announce().clone();
        let begun = self
            .quarantine
            .begin_resumable(session, ResumeKey::of(&announce), signed.layout().file_len());
        let spool = match begun {
            Ok(spool) => Arc::new(spool),
            Err(error) => {
                self.reception.drop_session(session);
                return self.tell(News::Unstorable(Box::new(announce), session, error));
            }
        };
        let kept = spool.was_kept().then(|| {
            let spool = Arc::clone(&spool);
            HeadWork {
                session,
                announce: announce.clone(),
                head: None,
                spool: Some(spool),
                now: self.now(),
            }
        });
        let arriving = Arriving {
            announce: signed,
            spool,
            head: None,
        };
        self.arriving.insert(session, arriving);
        self.tell(News::Opened(session, announce));
        if let Some(work) = kept {
            self.hand_out(Work::Head(Box::new(work)), usize::MAX);
        }
    }

    /// Takes a head that an earlier transmission left, if it did and it is the announced one; else it has to come.
    pub(super) fn take_kept_head(
        &mut self,
        session: SessionId,
        verified: Option<Box<Result<VerifiedHead, HeadFailure>>>,
    ) {
        if let Some(verified) = verified
            && let Some(index) = self.judge_head(session, *verified)
        {
            self.reception.adopt_head(session, index, self.ticker.now());
            self.look_on(session);
        }
    }

    /// Has the next blocks of a session looked for, if an earlier one left some.
    pub(super) fn look_on(&mut self, session: SessionId) {
        if self
            .arriving
            .get(&session)
            .is_some_and(|arriving| arriving.spool.was_kept())
        {
            self.resuming.due.push_back(session);
        }
    }

    /// Hands out what is to be looked for, and keeps, or hands over, what no worker has any more. Once each: what follows from it waits for the next time.
    pub(super) fn resume_some(&mut self) {
        self.keep_left();
        for (session, arriving, summary) in std::mem::take(&mut self.resuming.complete) {
            self.hand_over(session, arriving, summary);
        }
        let due = std::mem::take(&mut self.resuming.due);
        for session in due {
            if let Some(arriving) = self.arriving.get(&session)
                && !self.resuming.stopping
                && let Some(job) = self.reception.resume(session)
            {
                let spool = Arc::clone(&arriving.spool);
                self.hand_out(Work::Resume(job, spool), usize::MAX);
            }
        }
    }

    /// Has a complete bundle wait until no worker has its file any more.
    pub(super) fn wait_for_looks(&mut self, session: SessionId, arriving: Arriving, summary: Summary) {
        self.resuming.complete.push((session, arriving, summary));
    }

    /// Those that wait, with their blocks.
    pub(super) fn waiting_for_looks(&self) -> impl Iterator<Item = (&Announce, u32)> {
        let complete = self.resuming.complete.iter();
        complete.map(|(_, arriving, summary)| (arriving.announce.announce(), summary.blocks))
    }

    /// Whether one waits.
    pub(super) fn waits_for_looks(&self) -> bool {
        !self.resuming.complete.is_empty()
    }

    /// Looks for nothing any more, so that the receiver stops soon: what is there is kept as it is.
    pub(super) fn stop_resuming(&mut self) {
        self.resuming.stopping = true;
    }

    /// Tells that a session ended without a bundle, and keeps what came of it.
    pub(super) fn end_incomplete(
        &mut self,
        announce: Box<Announce>,
        session: SessionId,
        why: Ending,
        summary: Summary,
    ) {
        let kept = self.put_away(session, summary.blocks - summary.blocks_missing);
        if why != Ending::Dropped {
            self.tell(News::Ended(announce, session, why, summary, kept));
        }
    }

    /// Puts a session's file away; whether what came of it will be there for the next.
    pub(super) fn put_away(&mut self, session: SessionId, blocks_done: u32) -> bool {
        self.heads.remove(&session);
        let Some(Arriving { announce, spool, head }) = self.arriving.remove(&session) else {
            return false;
        };
        // What came by another transmission meanwhile is not sent again.
        if (head.is_none() && !spool.was_kept()) || self.is_closed(announce.announce()) {
            spool.discard();
            return false;
        }
        self.resuming.left.push((spool, blocks_done));
        self.keep_left()
    }

    fn is_closed(&self, announce: &Announce) -> bool {
        let ledger = self.ledger.read().unwrap_or_else(PoisonError::into_inner);
        matches!(ledger.standing(announce.bundle, announce.number), Standing::Closed(_))
    }

    /// Keeps the files that no worker has any more; whether the last of them is kept, or will be.
    fn keep_left(&mut self) -> bool {
        let mut kept = false;
        for (spool, blocks_done) in std::mem::take(&mut self.resuming.left) {
            let session = spool.session();
            kept = match Arc::try_unwrap(spool) {
                Err(spool) => {
                    self.resuming.left.push((spool, blocks_done));
                    true
                }
                Ok(spool) => {
                    let now = self.now();
                    let kept = self.quarantine.keep(spool, blocks_done, now);
                    kept.unwrap_or_else(|error| {
                        tracing::warn!(%session, %error, "what came of a transmission can't be kept");
                        false
                    })
                }
            };
        }
        kept
    }

    /// Nothing is to be gone on with where all is there.
    pub(super) fn forget_kept(&self, announce: &Announce) {
        if let Err(error) = self.quarantine.forget_all_of(&ResumeKey::of(announce)) {
            tracing::warn!(%error, "what an earlier transmission left can't be removed; the next start tries again");
        }
    }

    /// Tells what had to give way.
    pub(super) fn tell_forgotten(&self) {
        for forgotten in self.quarantine.take_forgotten() {
            self.tell(News::Forgotten(forgotten));
        }
    }
}

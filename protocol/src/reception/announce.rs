//! Announces: what opens a session, and what it says of the link.
//!
//! ```text
//! the same bytes in their session ──────────────────────────▶ blocks done since? a sign of life
//! another pass of a session ──verify─▶ taken up ────────────▶ blocks done since? a sign of life
//! no session ──────────────────verify─▶ began after all before? a sign of life ──▶ opened, or does not fit
//! ```
//!
//! Always true: an announce is verified before anything is made of it, and so many a second; no recording of announces keeps a dead
//! link up.

use super::session::Session;
use super::{Output, Reception};
use crate::keys::KeyId;
use crate::time::Tick;
use crate::wire::{ANNOUNCE_BODY_LEN, Announce, AnnounceError, Packet, SessionId, SignedAnnounce, claimed_key};

/// An announce that opens a session, looked at before it is handled: `None` if there was no time to verify it.
#[derive(Debug)]
pub(super) struct VerifiedAnnounce {
    pub(super) id: SessionId,
    pub(super) body: Vec<u8>,
    pub(super) result: Option<Result<SignedAnnounce, AnnounceError>>,
}

impl VerifiedAnnounce {
    pub(super) fn is_of(&self, id: SessionId, body: &[u8]) -> bool {
        self.id == id && self.body == body
    }
}

impl Reception {
    pub(super) fn handle_announce(&mut self, packet: Packet<'_>, now: Tick) {
        let id = packet.header.session;
        if self.ended.contains(&id) {
            self.counters.after_end += 1;
            return;
        }
        if let Some(session) = self.sessions.get_mut(&id)
            && session.knows_announce(packet.body)
        {
            self.counters.announces += 1;
            return self.hear_again(id, now);
        }
        let result = match self.verified.take() {
            Some(verified) if verified.is_of(id, packet.body) => verified.result,
            _ => self.verify_announce(id, packet.body, now),
        };
        let signed = match result {
            Some(Ok(signed)) => signed,
            Some(Err(error)) => {
                self.counters.count_announce_error(&error);
                if let AnnounceError::UnknownKey { key_id } = error {
                    self.tell_stranger(key_id, now);
                }
                return;
            }
            None => {
                self.counters.unverified += 1;
                return;
            }
        };
        self.counters.announces += 1;
        match self.sessions.get_mut(&id) {
            Some(session) => {
                if !session.take_announce(signed.announce(), packet.body) {
                    self.counters.announces_conflicting += 1;
                }
                self.keep_within_budget();
                self.hear_again(id, now);
            }
            None => {
                let is_new = self.hear_announce(signed.announce(), now);
                self.open(id, signed, packet.body, now);
                if is_new && let Some(session) = self.sessions.get_mut(&id) {
                    session.shows_life();
                }
            }
        }
    }

    /// `None` if too many announces came in the same second.
    pub(super) fn verify_announce(
        &mut self,
        id: SessionId,
        body: &[u8],
        now: Tick,
    ) -> Option<Result<SignedAnnounce, AnnounceError>> {
        let is_work = body.len() == ANNOUNCE_BODY_LEN && self.is_pinned(claimed_key(body));
        (!is_work || self.announces_verified.take(now)).then(|| SignedAnnounce::open(id, body, &self.link_keys))
    }

    /// Another key is news, but anybody can make up one a datagram.
    pub(super) fn tell_stranger(&mut self, key_id: KeyId, now: Tick) {
        let is_news = self
            .stranger
            .is_none_or(|(last, told)| last != key_id && now.millis_since(told) >= STRANGER_EVERY_MS);
        if is_news {
            self.stranger = Some((key_id, now));
            self.outputs.push_back(Output::UnknownLinkKey { key_id });
        }
    }

    /// Whether the announce of a session that is not known was a sign of life.
    fn hear_announce(&mut self, announce: &Announce, now: Tick) -> bool {
        let is_new = self.link.handle_announce(announce.number.epoch, announce.created, now);
        self.tell_link();
        is_new
    }

    /// A session is announced again: a sign of life if blocks were done since.
    fn hear_again(&mut self, id: SessionId, now: Tick) {
        if self.sessions.get_mut(&id).is_some_and(Session::got_on) {
            self.link.handle_progress(now);
            self.tell_link();
        }
    }
}

/// Milliseconds after which a further link key that is not pinned is told.
const STRANGER_EVERY_MS: u64 = 60_000;

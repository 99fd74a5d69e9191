//! What a flood consists of: datagrams of each kind, drawn from a seed, as many as are asked for.
//!
//! | kind | what it holds | who can send it |
//! |---|---|---|
//! | random | noise, of any length | anybody |
//! | unknown-sessions | symbols with valid headers, of sessions that nobody announced | anybody |
//! | bad-announces | announces that name the pinned link key, with signatures that do not hold | anybody |
//! | announces | announces that the link key signed, each of another session and bundle | a tx host that was taken over |
//! | forged-symbols | symbols of a session that goes on, with another body | whoever reads the link |

use clap::ValueEnum;
use protocol::digest::{BundleId, Digest};
use protocol::keys::SigningKey;
use protocol::time::UnixMillis;
use protocol::wire::{Announce, HEADER_LEN, Header, Kind as PacketKind, LinkNumber, SessionId};
use rand::{Rng as _, RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

/// A kind of flood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// Noise, of any length
    Random,
    /// Symbols with valid headers, of sessions that nobody announced
    UnknownSessions,
    /// Announces by the pinned link key whose signatures do not hold
    BadAnnounces,
    /// Announces that the link key signed, without end
    Announces,
    /// Symbols of a session that goes on, with another body
    ForgedSymbols,
}

impl Kind {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Random => "random",
            Self::UnknownSessions => "unknown-sessions",
            Self::BadAnnounces => "bad-announces",
            Self::Announces => "announces",
            Self::ForgedSymbols => "forged-symbols",
        }
    }
}

/// A session that goes on, as whoever reads the link knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) session: SessionId,
    pub(super) blocks: u32,
}

/// The datagrams of a flood.
#[derive(Debug)]
pub(super) struct Stream {
    kind: Kind,
    dice: ChaCha8Rng,
    noise: Vec<u8>,
    /// Signed bodies, with their sessions.
    announces: Vec<(SessionId, Vec<u8>)>,
    next: usize,
    target: Target,
}

/// Bytes of a symbol at an MTU of 1500.
pub(super) const SYMBOL_LEN: u16 = 1408;
/// Bytes that all bodies are taken from, at any place.
const NOISE_LEN: usize = 4 << 20;
/// Signed announces that there are: far more than a receiver remembers of sessions that ended, so that each comes back as a new one.
const ANNOUNCES: usize = 20_000;
/// The longest noise, as long as any of ours at an MTU of 1500.
const LONGEST: usize = HEADER_LEN + SYMBOL_LEN as usize;
/// Blocks have fewer symbols than this on any link.
const ESIS: u32 = 200;

impl Stream {
    /// A flood of this kind. `link_key` signs its announces, for bundles of `epoch`; forged symbols are of `target`.
    pub(super) fn new(kind: Kind, seed: u64, link_key: &SigningKey, epoch: u64, target: Target) -> Self {
        let mut dice = ChaCha8Rng::seed_from_u64(seed);
        let mut noise = vec![0; NOISE_LEN];
        dice.fill_bytes(&mut noise);
        let count = match kind {
            Kind::Announces => ANNOUNCES,
            Kind::BadAnnounces => 1,
            Kind::Random | Kind::UnknownSessions | Kind::ForgedSymbols => 0,
        };
        let announces = (0..count).map(|_| announce(&mut dice, link_key, epoch)).collect();
        Self {
            kind,
            dice,
            noise,
            announces,
            next: 0,
            target,
        }
    }

    /// Writes `count` datagrams of one length behind one another into `out`, and says which length that is.
    pub(super) fn fill(&mut self, count: usize, out: &mut Vec<u8>) -> usize {
        out.clear();
        let noise_len = self.dice.random_range(1..=LONGEST);
        for _ in 0..count {
            match self.kind {
                Kind::Random => {
                    let at = self.place(noise_len);
                    out.extend_from_slice(self.noise.get(at..at + noise_len).unwrap_or_default());
                }
                Kind::UnknownSessions => {
                    let session = SessionId(self.dice.next_u64().max(1));
                    let block = self.dice.random_range(0..1024);
                    self.symbol(session, block, out);
                }
                Kind::ForgedSymbols => {
                    let Target { session, blocks } = self.target;
                    let block = self.dice.random_range(0..blocks.max(1));
                    self.symbol(session, block, out);
                }
                Kind::BadAnnounces => self.bad_announce(out),
                Kind::Announces => self.announce(out),
            }
        }
        out.len() / count.max(1)
    }

    /// Where in the noise so many bytes begin.
    fn place(&mut self, len: usize) -> usize {
        self.dice.random_range(0..=NOISE_LEN - len)
    }

    fn symbol(&mut self, session: SessionId, block: u32, out: &mut Vec<u8>) {
        let (at, esi) = (self.place(SYMBOL_LEN.into()), self.dice.random_range(0..ESIS));
        let body = self.noise.get(at..at + usize::from(SYMBOL_LEN)).unwrap_or_default();
        let header = Header {
            kind: PacketKind::Symbol,
            session,
            packet: self.dice.next_u32(),
            block,
            esi,
        };
        out.extend_from_slice(&header.emit(body));
        out.extend_from_slice(body);
    }

    fn bad_announce(&mut self, out: &mut Vec<u8>) {
        let Some((_, body)) = self.announces.first_mut() else {
            return;
        };
        // Behind the key's id: each signature is another one, so that none can be known from before.
        if let Some(signature) = body.get_mut(8..72) {
            self.dice.fill_bytes(signature);
        }
        let header = announce_header(SessionId(self.dice.next_u64().max(1)), self.dice.next_u32());
        out.extend_from_slice(&header.emit(body));
        out.extend_from_slice(body);
    }

    fn announce(&mut self, out: &mut Vec<u8>) {
        let Some((session, body)) = self.announces.get(self.next) else {
            return;
        };
        self.next = (self.next + 1) % self.announces.len();
        out.extend_from_slice(&announce_header(*session, self.dice.next_u32()).emit(body));
        out.extend_from_slice(body);
    }
}

fn announce_header(session: SessionId, packet: u32) -> Header {
    Header {
        kind: PacketKind::Announce,
        session,
        packet,
        block: 0,
        esi: 0,
    }
}

/// A signed announce of a bundle of a few megabytes that nobody ever sends.
fn announce(dice: &mut ChaCha8Rng, link_key: &SigningKey, epoch: u64) -> (SessionId, Vec<u8>) {
    let session = SessionId(dice.next_u64().max(1));
    let mut digest = || {
        let mut bytes = [0; 32];
        dice.fill_bytes(&mut bytes);
        Digest(bytes)
    };
    let announce = Announce {
        bundle: BundleId(digest()),
        head_sha256: digest(),
        content_root: digest(),
        number: LinkNumber {
            epoch,
            sequence: dice.random_range(FIRST_FLOOD_NUMBER..FIRST_FLOOD_NUMBER + 10_000),
        },
        envelope_len: 1_000,
        head_len: 1_000 + 32 * 16,
        content_len: 16 * 262_144,
        leaf_len: 262_144,
        leaves_per_block: 1,
        symbol_len: SYMBOL_LEN,
        depth: 4,
        lanes: 1,
        max_esi: ESIS,
        pass: 1,
        passes: 1,
        created: UnixMillis(dice.random_range(1..1 << 40)),
    };
    (session, announce.sign(session, link_key))
}

/// Numbers of the flood's own bundles: far from those that honest ones get.
const FIRST_FLOOD_NUMBER: u64 = 20_000;

#[cfg(test)]
mod tests {
    use protocol::wire::{Packet, SignedAnnounce};

    use super::*;

    const TARGET: Target = Target {
        session: SessionId(7),
        blocks: 5,
    };

    fn key() -> SigningKey {
        SigningKey::from_seed([6; 32])
    }

    fn datagrams(kind: Kind, count: usize) -> Vec<Vec<u8>> {
        let mut out = Vec::new();
        let len = Stream::new(kind, 1, &key(), 9, TARGET).fill(count, &mut out);
        out.chunks(len).map(<[u8]>::to_vec).collect()
    }

    #[test]
    fn symbols_of_unknown_sessions_have_valid_headers_and_each_a_session_of_its_own() {
        let datagrams = datagrams(Kind::UnknownSessions, 50);
        let sessions: std::collections::BTreeSet<_> = datagrams
            .iter()
            .map(|datagram| Packet::parse(datagram).unwrap().header.session)
            .collect();
        assert_eq!((datagrams.len(), sessions.len()), (50, 50));
    }

    #[test]
    fn forged_symbols_are_of_the_session_and_its_blocks() {
        for datagram in datagrams(Kind::ForgedSymbols, 50) {
            let header = Packet::parse(&datagram).unwrap().header;
            assert!(
                header.session == TARGET.session && header.block < TARGET.blocks,
                "{header:?}"
            );
        }
    }

    #[test]
    fn signed_announces_hold_and_bad_ones_do_not() {
        let opens = |kind| {
            let datagrams = datagrams(kind, 20);
            let opened = datagrams.iter().filter(|datagram| {
                let packet = Packet::parse(datagram).unwrap();
                SignedAnnounce::open(packet.header.session, packet.body, &[key().public()]).is_ok()
            });
            opened.count()
        };
        assert_eq!((opens(Kind::Announces), opens(Kind::BadAnnounces)), (20, 0));
    }

    #[test]
    fn noise_is_nothing_of_ours_and_the_same_for_the_same_seed() {
        let noise = datagrams(Kind::Random, 20);
        assert!(noise.iter().all(|datagram| Packet::parse(datagram).is_err()));
        assert_eq!(noise, datagrams(Kind::Random, 20));
    }
}

//! The header of every datagram, and a datagram taken apart.

use std::fmt;

use super::crc::{BodyCrc, Shift};
use crate::limits::MAX_ESI;

/// Bytes of a header.
pub const HEADER_LEN: usize = 32;
/// The wire format's version.
pub const VERSION: u8 = 1;

const MAGIC: [u8; 2] = [0xD1, 0x0D];
/// The one suite: CRC only. Others are reserved for a keyed link.
const SUITE_PLAIN: u16 = 0;

/// One transmission of a bundle: a random number, never 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub u64);

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// What a datagram carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// What is being sent, signed by the link key.
    Announce,
    /// One encoding symbol of a block.
    Symbol,
    /// That the transmitter lives and how far it is, signed by the link key.
    Heartbeat,
    /// Nothing: warms the link up. Checked, counted, dropped.
    Filler,
}

impl Kind {
    fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            1 => Some(Self::Announce),
            2 => Some(Self::Symbol),
            3 => Some(Self::Heartbeat),
            4 => Some(Self::Filler),
            _ => None,
        }
    }

    /// Whether a datagram of this kind belongs to a transmission.
    fn has_session(self) -> bool {
        matches!(self, Self::Announce | Self::Symbol)
    }

    pub(super) fn to_byte(self) -> u8 {
        match self {
            Self::Announce => 1,
            Self::Symbol => 2,
            Self::Heartbeat => 3,
            Self::Filler => 4,
        }
    }
}

/// Why a datagram is not one of ours, or is damaged. Counted by the receiver, never fatal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// Shorter than a header.
    #[error("{len} bytes are fewer than a header's {HEADER_LEN}")]
    Truncated {
        /// Bytes received.
        len: usize,
    },
    /// Not our magic: some other protocol's datagram.
    #[error("no datagram of this protocol")]
    Magic,
    /// Ours, of another version.
    #[error("wire version {theirs}, this program speaks {VERSION}")]
    Version {
        /// The version received.
        theirs: u8,
    },
    /// The header's body length is not the datagram's.
    #[error("the header says {stated} bytes of body, {actual} follow")]
    BodyLength {
        /// By the header.
        stated: u16,
        /// In the datagram.
        actual: usize,
    },
    /// Damaged on the way.
    #[error("the CRC does not fit")]
    Crc,
    /// A kind that this version does not know.
    #[error("unknown kind {kind}")]
    Kind {
        /// The kind received.
        kind: u8,
    },
    /// A suite or flag that this version does not know.
    #[error("unknown suite or flags {suite:#06x}")]
    Suite {
        /// The field received.
        suite: u16,
    },
    /// A field that the kind does not use is not zero, or one that it needs is.
    #[error("the field {field} has a value that its kind does not allow")]
    Field {
        /// The field's name.
        field: &'static str,
    },
}

/// The fields of a header, but for those that follow from the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// What the datagram carries.
    pub kind: Kind,
    /// The transmission it belongs to; 0 in heartbeat and filler.
    pub session: SessionId,
    /// Counts the lane's datagrams from a random start, wrapping: measures loss.
    pub packet: u32,
    /// The block of a symbol, head blocks first; else 0.
    pub block: u32,
    /// The encoding symbol id of a symbol, 24 bits; else 0.
    pub esi: u32,
}

/// A datagram whose header, length and CRC hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packet<'a> {
    /// The header.
    pub header: Header,
    /// The body, as long as the header said.
    pub body: &'a [u8],
}

/// The kind that a datagram says it is: a claim, before anything of it was checked.
pub(crate) fn claimed_kind(datagram: &[u8]) -> Option<Kind> {
    datagram.get(3).and_then(|byte| Kind::from_byte(*byte))
}

impl<'a> Packet<'a> {
    /// Takes a datagram apart, in the order length, magic, version, body length, CRC, suite, kind, fields.
    ///
    /// # Errors
    /// The first [`WireError`] that applies.
    pub fn parse(datagram: &'a [u8]) -> Result<Self, WireError> {
        let (header, body) = datagram
            .split_first_chunk::<HEADER_LEN>()
            .ok_or(WireError::Truncated { len: datagram.len() })?;
        #[rustfmt::skip]
        let [
            m0, m1, version, kind,
            s0, s1, s2, s3, s4, s5, s6, s7,
            p0, p1, p2, p3,
            b0, b1, b2, b3,
            e0, e1, e2, e3,
            l0, l1, f0, f1,
            c0, c1, c2, c3,
        ] = *header;
        if [m0, m1] != MAGIC {
            return Err(WireError::Magic);
        }
        if version != VERSION {
            return Err(WireError::Version { theirs: version });
        }
        let stated = u16::from_be_bytes([l0, l1]);
        if usize::from(stated) != body.len() {
            return Err(WireError::BodyLength {
                stated,
                actual: body.len(),
            });
        }
        if u32::from_be_bytes([c0, c1, c2, c3]) != crc(header, body) {
            return Err(WireError::Crc);
        }
        let suite = u16::from_be_bytes([f0, f1]);
        if suite != SUITE_PLAIN {
            return Err(WireError::Suite { suite });
        }
        let header = Header {
            kind: Kind::from_byte(kind).ok_or(WireError::Kind { kind })?,
            session: SessionId(u64::from_be_bytes([s0, s1, s2, s3, s4, s5, s6, s7])),
            packet: u32::from_be_bytes([p0, p1, p2, p3]),
            block: u32::from_be_bytes([b0, b1, b2, b3]),
            esi: u32::from_be_bytes([e0, e1, e2, e3]),
        };
        header.check()?;
        Ok(Self { header, body })
    }
}

impl Header {
    fn check(&self) -> Result<(), WireError> {
        let refuse = |field| Err(WireError::Field { field });
        let symbol = self.kind == Kind::Symbol;
        match self.kind {
            _ if self.kind.has_session() != (self.session.0 != 0) => refuse("session"),
            _ if !symbol && self.block != 0 => refuse("block"),
            _ if !symbol && self.esi != 0 || self.esi > MAX_ESI => refuse("esi"),
            _ => Ok(()),
        }
    }

    /// The header's bytes in front of `body`, CRC included. Header and body need not lie beside each other to be sent.
    ///
    /// # Panics
    /// If `body` is longer than 65,535 bytes: no symbol, announce or heartbeat is.
    #[must_use]
    pub fn emit(&self, body: &[u8]) -> [u8; HEADER_LEN] {
        self.emit_with(body.len(), |bytes| crc(bytes, body))
    }

    /// The same in front of a body that was summed before, and has the length that `shift` is for.
    ///
    /// # Panics
    /// As [`emit`](Self::emit).
    pub(crate) fn emit_summed(&self, body: BodyCrc, shift: &Shift) -> [u8; HEADER_LEN] {
        self.emit_with(shift.body_len(), |bytes| shift.crc(bytes, body))
    }

    fn emit_with(&self, body_len: usize, crc: impl FnOnce(&[u8; HEADER_LEN]) -> u32) -> [u8; HEADER_LEN] {
        let body_len = u16::try_from(body_len).expect("bodies are bounded by limits::MAX_SYMBOL_LEN");
        let mut bytes = [0; HEADER_LEN];
        bytes[0..2].copy_from_slice(&MAGIC);
        bytes[2] = VERSION;
        bytes[3] = self.kind.to_byte();
        bytes[4..12].copy_from_slice(&self.session.0.to_be_bytes());
        bytes[12..16].copy_from_slice(&self.packet.to_be_bytes());
        bytes[16..20].copy_from_slice(&self.block.to_be_bytes());
        bytes[20..24].copy_from_slice(&self.esi.to_be_bytes());
        bytes[24..26].copy_from_slice(&body_len.to_be_bytes());
        bytes[26..28].copy_from_slice(&SUITE_PLAIN.to_be_bytes());
        let crc = crc(&bytes);
        bytes[28..32].copy_from_slice(&crc.to_be_bytes());
        bytes
    }
}

/// CRC-32 (IEEE) of the header with its CRC field zero, and the body.
fn crc(header: &[u8; HEADER_LEN], body: &[u8]) -> u32 {
    let mut zeroed = *header;
    zeroed[HEADER_LEN - 4..].fill(0);
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&zeroed);
    hasher.update(body);
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HEADER: Header = Header {
        kind: Kind::Symbol,
        session: SessionId(7),
        packet: 8,
        block: 9,
        esi: 10,
    };

    fn datagram(header: Header, body: &[u8]) -> Vec<u8> {
        [&header.emit(body), body].concat()
    }

    /// Changes a byte and makes the CRC fit again, as an attacker would.
    fn with_byte(at: usize, value: u8) -> Vec<u8> {
        let mut bytes = datagram(HEADER, b"body");
        bytes[at] = value;
        let (header, body) = bytes.split_first_chunk_mut::<HEADER_LEN>().unwrap();
        let crc = crc(header, body);
        header[28..].copy_from_slice(&crc.to_be_bytes());
        bytes
    }

    #[test]
    fn a_datagram_one_byte_shorter_than_a_header_is_truncated() {
        assert_eq!(Packet::parse(&[0; 31]), Err(WireError::Truncated { len: 31 }));
    }

    #[test]
    fn another_version_is_told_with_its_number() {
        assert_eq!(Packet::parse(&with_byte(2, 2)), Err(WireError::Version { theirs: 2 }));
    }

    #[test]
    fn kinds_that_nobody_assigned_are_unknown() {
        for kind in [0, 5, 255] {
            assert_eq!(Packet::parse(&with_byte(3, kind)), Err(WireError::Kind { kind }));
        }
    }

    #[test]
    fn a_heartbeat_with_a_session_a_block_or_an_esi_is_refused() {
        let heartbeat = Header {
            kind: Kind::Heartbeat,
            session: SessionId(0),
            block: 0,
            esi: 0,
            ..HEADER
        };
        assert!(Packet::parse(&datagram(heartbeat, b"")).is_ok());
        let wrong = [
            (
                "session",
                Header {
                    session: SessionId(1),
                    ..heartbeat
                },
            ),
            ("block", Header { block: 1, ..heartbeat }),
            ("esi", Header { esi: 1, ..heartbeat }),
        ];
        for (field, header) in wrong {
            assert_eq!(Packet::parse(&datagram(header, b"")), Err(WireError::Field { field }));
        }
    }

    #[test]
    fn an_unknown_flag_is_refused() {
        assert_eq!(
            Packet::parse(&with_byte(26, 0x80)),
            Err(WireError::Suite { suite: 0x8000 })
        );
    }

    #[test]
    fn an_esi_of_25_bits_is_refused() {
        assert!(Packet::parse(&datagram(Header { esi: MAX_ESI, ..HEADER }, b"")).is_ok());
        assert_eq!(Packet::parse(&with_byte(20, 1)), Err(WireError::Field { field: "esi" }));
    }

    #[test]
    fn a_symbol_without_session_is_refused() {
        let bytes = datagram(
            Header {
                session: SessionId(0),
                ..HEADER
            },
            b"",
        );
        assert_eq!(Packet::parse(&bytes), Err(WireError::Field { field: "session" }));
    }

    #[test]
    fn an_announce_with_a_block_is_refused() {
        let bytes = datagram(
            Header {
                kind: Kind::Announce,
                esi: 0,
                ..HEADER
            },
            b"",
        );
        assert_eq!(Packet::parse(&bytes), Err(WireError::Field { field: "block" }));
    }

    #[test]
    fn a_missing_last_byte_is_a_wrong_length_not_a_wrong_crc() {
        let bytes = datagram(HEADER, b"body");
        assert_eq!(
            Packet::parse(&bytes[..35]),
            Err(WireError::BodyLength { stated: 4, actual: 3 })
        );
    }

    #[test]
    fn a_body_that_was_summed_before_gets_the_same_header() {
        for len in [0, 1, 5, 1400, 8904] {
            let body = vec![0xA5; len];
            assert_eq!(
                HEADER.emit_summed(BodyCrc::of(&body), &Shift::over(len)),
                HEADER.emit(&body)
            );
        }
    }

    proptest! {
        #[test]
        fn parsing_is_total(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Packet::parse(&bytes);
        }

        #[test]
        fn what_was_emitted_parses_back(session in 1u64.., packet: u32, block: u32, esi in 0..=MAX_ESI, body: Vec<u8>) {
            let header = Header { kind: Kind::Symbol, session: SessionId(session), packet, block, esi };
            let bytes = datagram(header, &body);
            prop_assert_eq!(Packet::parse(&bytes), Ok(Packet { header, body: &body }));
        }

        #[test]
        fn a_flipped_bit_is_noticed(bit in 0usize..36 * 8) {
            let mut bytes = datagram(HEADER, b"body");
            bytes[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(Packet::parse(&bytes).is_err());
        }
    }
}

//! What comes over the link, before a session knows it: headers, symbols.

use protocol::fec::{Gathered, Insert, Method, Oti};
use protocol::limits::MAX_ESI;
use protocol::wire::{HEADER_LEN, Packet};

use crate::fuzz::script;

/// A datagram, as it came and with its checksum made to fit: what parses is what would be emitted.
pub fn header(bytes: &[u8]) {
    check_packet(bytes);
    check_packet(&with_fitting_crc(bytes));
}

fn check_packet(bytes: &[u8]) {
    if let Ok(Packet { header, body }) = Packet::parse(bytes) {
        assert!(header.esi <= MAX_ESI);
        assert_eq!(
            bytes,
            [&header.emit(body)[..], body].concat(),
            "another datagram reads the same"
        );
    }
}

/// The datagram with magic, version, body length and CRC made to fit, as whoever writes to the link could.
#[must_use]
pub fn with_fitting_crc(datagram: &[u8]) -> Vec<u8> {
    let mut bytes = datagram.to_vec();
    let body_len = bytes.len().saturating_sub(HEADER_LEN);
    let (Some((header, body)), Ok(body_len)) = (bytes.split_first_chunk_mut::<HEADER_LEN>(), u16::try_from(body_len))
    else {
        return bytes;
    };
    let [m0, m1, version, .., l0, l1, _, _, c0, c1, c2, c3] = header;
    [*m0, *m1, *version] = [0xD1, 0x0D, 1];
    [*l0, *l1] = body_len.to_be_bytes();
    [*c0, *c1, *c2, *c3] = [0; 4];
    let mut crc = crc32fast::Hasher::new();
    crc.update(header);
    crc.update(body);
    let [.., c0, c1, c2, c3] = header;
    [*c0, *c1, *c2, *c3] = crc.finalize().to_be_bytes();
    bytes
}

/// A script: the block's and a symbol's length (u32, u16), then symbols, each behind its ESI (u32). Source symbols come out where they
/// belong, no more is held than was reckoned with, and with exactly K symbols every method gives the same block.
pub fn symbols(bytes: &[u8]) {
    let mut steps = script::steps(bytes);
    let Some([l0, l1, l2, l3, s0, s1]) = steps.next().and_then(|step| step.bytes.first_chunk::<6>().copied()) else {
        return;
    };
    let len = u32::from_be_bytes([l0, l1, l2, l3]) as usize;
    let Ok(oti) = Oti::new(len, u16::from_be_bytes([s0, s1])) else {
        return;
    };
    // Larger blocks take longer, and nothing else.
    if oti.padded_len() > MOST_BLOCK_BYTES {
        return;
    }
    let mut held: Vec<(u32, &[u8])> = Vec::new();
    let mut gathered = Gathered::new(oti);
    for step in steps {
        // No header has a larger one.
        let Some((esi, symbol)) = step.bytes.split_first_chunk::<4>() else {
            continue;
        };
        let esi = u32::from_be_bytes(*esi) & MAX_ESI;
        match gathered.insert(esi, symbol) {
            Insert::Stored => held.push((esi, symbol)),
            Insert::Duplicate => assert!(held.iter().any(|(known, _)| *known == esi)),
            Insert::WrongLength => assert_ne!(symbol.len(), oti.symbol_len()),
            Insert::Full => assert!(gathered.is_ready()),
        }
        assert_eq!(gathered.held(), held.len());
    }
    let cost = Gathered::cost(&oti, MAX_ESI) as usize;
    assert!(held.len() * oti.symbol_len() <= cost);
    let exactly_k = held.len() == oti.k() as usize;
    let solved = gathered.solve().ok();
    if let Some(block) = &solved {
        check_block(&oti, &held, block);
    }
    if exactly_k {
        assert_eq!(solved, by_the_library(oti, &held), "two methods decode differently");
    }
}

const MOST_BLOCK_BYTES: usize = 64 << 10;

fn check_block(oti: &Oti, held: &[(u32, &[u8])], block: &[u8]) {
    assert_eq!(block.len(), oti.block_len());
    for (esi, symbol) in held.iter().filter(|(esi, _)| *esi < oti.k()) {
        let start = *esi as usize * oti.symbol_len();
        let place = block.iter().skip(start).take(oti.symbol_len());
        assert!(
            place.zip(*symbol).all(|(there, sent)| there == sent),
            "source symbol {esi} was changed"
        );
    }
}

fn by_the_library(oti: Oti, held: &[(u32, &[u8])]) -> Option<Vec<u8>> {
    let mut gathered = Gathered::new(oti);
    for (esi, symbol) in held {
        gathered.insert(*esi, symbol);
    }
    gathered.solve_by(Method::Library).ok()
}

#[cfg(test)]
mod tests {
    use protocol::wire::{Header, Kind, SessionId};

    use super::*;

    #[test]
    fn a_datagram_with_any_byte_changed_is_one_again_once_its_crc_fits() {
        let header = Header {
            kind: Kind::Symbol,
            session: SessionId(7),
            packet: 1,
            block: 2,
            esi: 3,
        };
        let datagram = [&header.emit(b"body")[..], b"body"].concat();
        assert_eq!(with_fitting_crc(&datagram), datagram);
        let mut changed = datagram;
        changed[13] ^= 1;
        assert!(Packet::parse(&changed).is_err());
        assert!(Packet::parse(&with_fitting_crc(&changed)).is_ok());
    }
}

//! Every limit that input is compared with before anything is set aside for it.

/// Bytes of envelope and leaf index together.
pub const MAX_HEAD_LEN: u64 = 32 << 20;
/// Files in a bundle.
pub const MAX_FILES: usize = 100_000;
/// Bytes of content: 2^32 leaves of the largest size would be far past what a block number can address.
pub const MAX_CONTENT_LEN: u64 = 1 << 44;
/// Source symbols in a block (K).
pub const MAX_K: u32 = 1024;
/// Repair symbols in a block and pass (R).
pub const MAX_R: u32 = 4096;
/// Encoding symbol ids are 24 bits wide (RFC 6330, section 3.2).
pub const MAX_ESI: u32 = (1 << 24) - 1;
/// Bytes of a symbol, smallest and largest; the largest fits a 9,000-byte frame.
pub const MIN_SYMBOL_LEN: u16 = 64;
/// See [`MIN_SYMBOL_LEN`].
pub const MAX_SYMBOL_LEN: u16 = 8896;
/// Bytes of a leaf, smallest and largest; a leaf length is a power of two.
pub const MIN_LEAF_LEN: u32 = 4096;
/// See [`MIN_LEAF_LEN`].
pub const MAX_LEAF_LEN: u32 = 262_144;
/// Leaves in a block.
pub const MAX_LEAVES_PER_BLOCK: u16 = 256;
/// Blocks in an interleaving group (D).
pub const MAX_DEPTH: u16 = 1024;
/// Lanes of a link.
pub const MAX_LANES: u8 = 16;
/// Times a transmission is repeated.
pub const MAX_PASSES: u16 = 64;
/// Bytes of the encoded fields of what the link key signs.
pub const MAX_SIGNED_FIELDS_LEN: usize = 512;
/// Bytes of a datagram.
pub const MAX_DATAGRAM_LEN: usize = crate::wire::HEADER_LEN + MAX_SYMBOL_LEN as usize;
/// Bytes of a path, in UTF-8.
pub const MAX_PATH_LEN: usize = 512;
/// Bytes of a part of a path: more is no name on any Linux file system.
pub const MAX_PATH_PART_LEN: usize = 255;
/// Parts of a path.
pub const MAX_PATH_DEPTH: usize = 32;
/// Signatures on a bundle.
pub const MAX_SIGNATURES: usize = 8;
/// Times that a block's leaves, or the head, may be wrong in a pass; then no more symbols of it are taken until the next.
pub const MAX_BLOCK_FAILURES: u8 = 8;
/// Milliseconds by which a bundle's creation may lie ahead of the receiver's clock: a day, since no clock is shared.
pub const MAX_CLOCK_AHEAD_MILLIS: u64 = 24 * 60 * 60 * 1000;
/// Milliseconds between heartbeats, least and most.
pub const MIN_HEARTBEAT_MILLIS: u32 = 100;
/// See [`MIN_HEARTBEAT_MILLIS`].
pub const MAX_HEARTBEAT_MILLIS: u32 = 60 * 60 * 1000;
/// Bundles in flight that a heartbeat names.
pub const MAX_IN_FLIGHT: usize = 8;
/// Ranges of void numbers that a heartbeat names.
pub const MAX_VOIDS: usize = 4;
/// Packets lost, in parts per million, that a transmitter can be set up for.
pub const MAX_LOSS_PPM: u32 = 900_000;
/// Packets lost in a row that a transmitter can be set up for.
pub const MAX_BURST: u32 = 1_000_000;
/// How far above the highest used sequence number another may lie without an operator's word.
pub const MAX_SEQUENCE_AHEAD: u64 = 65_536;
/// Ranges of unused sequence numbers below the highest used one that are kept of an epoch.
pub const MAX_OPEN_RANGES: usize = 65_536;

//! Entries one after another, each behind its length: what an entry bundle is, and a group of the write-ahead log after
//! its header.
//!
//! ```text
//! len u16 ‖ entry ‖ len u16 ‖ entry ‖ …          big-endian
//! ```
//!
//! # Source
//! C2SP tlog-tiles, "Log entries".

use crate::event::MAX_ENTRY_LEN;

/// Appends an entry; `None`, and nothing appended, if it is too long.
pub(crate) fn push(out: &mut Vec<u8>, entry: &[u8]) -> Option<()> {
    let len = u16::try_from(entry.len())
        .ok()
        .filter(|_| entry.len() <= MAX_ENTRY_LEN)?;
    out.extend_from_slice(&len.to_be_bytes());
    out.extend_from_slice(entry);
    Some(())
}

/// All entries of `bytes`; `None` unless they end exactly with the bytes and none is too long.
pub(crate) fn split(bytes: &[u8]) -> Option<Vec<&[u8]>> {
    let mut entries = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let (len, after) = rest.split_first_chunk::<2>()?;
        let len = usize::from(u16::from_be_bytes(*len));
        let (entry, after) = after.split_at_checked(len).filter(|_| len <= MAX_ENTRY_LEN)?;
        entries.push(entry);
        rest = after;
    }
    Some(entries)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_entry_at_the_limit_is_taken_and_one_byte_more_is_not() {
        let mut out = Vec::new();
        assert!(push(&mut out, &vec![0; MAX_ENTRY_LEN]).is_some());
        assert_eq!(split(&out).map(|entries| entries.len()), Some(1));
        assert!(push(&mut out, &vec![0; MAX_ENTRY_LEN + 1]).is_none());
        assert_eq!(out.len(), MAX_ENTRY_LEN + 2);
    }

    #[test]
    fn a_cut_end_is_not_skipped() {
        let mut out = Vec::new();
        push(&mut out, b"abc").unwrap();
        for len in 1..out.len() {
            assert_eq!(split(&out[..len]), None, "{len} bytes");
        }
    }

    proptest! {
        #[test]
        fn entries_read_back(entries in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 0..20)) {
            let mut out = Vec::new();
            for entry in &entries {
                push(&mut out, entry).unwrap();
            }
            prop_assert_eq!(split(&out).unwrap(), entries);
        }

        #[test]
        fn any_bytes_split_or_do_not_but_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = split(&bytes);
        }
    }
}

//! Groups of an audit log's write-ahead log, whose hashes are made to fit where an input leaves them out.
//!
//! ```text
//! magic 8 │ first 8 │ count 4 │ length 4 │ the group before 32 │ SHA-256 of header and records 32 │ records │ next group
//! ```

use protocol::digest::Hasher;

/// Makes the hash of each group that has zeros for it, and its link to the group before: whoever holds the disk can. `false` if there is
/// no such group.
pub(super) fn fill_in_hashes(segment: &mut [u8]) -> bool {
    let mut filled = false;
    let mut rest = segment;
    let mut previous: Option<[u8; 32]> = None;
    while let Some(group) = Group::first(rest) {
        if *group.hash == [0; 32] {
            if let (Some(previous), Some(link)) = (previous, group.header.get_mut(LINK_AT..)) {
                link.copy_from_slice(&previous);
            }
            let mut hasher = Hasher::new();
            hasher.update(group.header);
            hasher.update(group.records);
            *group.hash = hasher.finish().0;
            filled = true;
        }
        previous = Some(*group.hash);
        rest = group.after;
    }
    filled
}

/// The segment with zeros for every group's hash.
#[must_use]
pub fn without_hashes(mut segment: Vec<u8>) -> Vec<u8> {
    let mut rest = &mut segment[..];
    while let Some(group) = Group::first(rest) {
        *group.hash = [0; 32];
        rest = group.after;
    }
    segment
}

struct Group<'a> {
    /// Up to the hash, the link included.
    header: &'a mut [u8],
    hash: &'a mut [u8; 32],
    /// What there is of them.
    records: &'a mut [u8],
    /// From the next group on.
    after: &'a mut [u8],
}

impl<'a> Group<'a> {
    fn first(segment: &'a mut [u8]) -> Option<Self> {
        let (header, rest) = segment.split_at_mut_checked(LINK_AT + 32)?;
        let (hash, rest) = rest.split_first_chunk_mut::<32>()?;
        let len = u32::from_be_bytes(*header.get(LEN_AT..)?.first_chunk()?) as usize;
        let (records, after) = rest.split_at_mut(len.min(rest.len()));
        Some(Self {
            header,
            hash,
            records,
            after,
        })
    }
}

/// Behind magic, first and count.
const LEN_AT: usize = 8 + 8 + 4;
/// Behind the length.
const LINK_AT: usize = LEN_AT + 4;

#[cfg(test)]
mod tests {
    use std::path::Path;

    use audit::event::{Event, EventKind};

    use super::*;
    use crate::fuzz::fixture::{NOW, log_files};
    use crate::fuzz::targets::log::SEGMENT;

    #[test]
    fn hashes_that_are_filled_in_are_those_that_were_written() {
        let files = log_files(|log| log.append(&[Event::new(EventKind::LogRecovered, NOW)]).map(drop));
        let segment = files.into_iter().find(|(path, _)| path == Path::new(SEGMENT));
        let written = segment.unwrap().1;
        let mut again = without_hashes(written.clone());
        assert!(again != written);
        assert!(fill_in_hashes(&mut again));
        assert!(again == written);
        assert!(!fill_in_hashes(&mut again), "there is nothing left to fill in");
    }
}

//! A file as a row of overlapping windows, read once, digest included.
//!
//! ```text
//! file     0────────────────4 MiB───────────────8 MiB────
//! window 1 [ owned          ┊ctx]
//! window 2          [ctx┊ owned             ┊ctx]
//! window 3                              [ctx┊ owned     ]
//! ```
//! Half of the overlap belongs to the window before, half to the one after; a file that fits is one window.

use std::cell::OnceCell;
use std::io;
use std::ops::Range;

use protocol::digest::{Digest, Hasher};

use crate::content::Content;
use crate::finding::Place;

/// Bytes that a snippet holds at most before and after its mark.
const SNIPPET_AROUND: usize = 80;
/// Bytes of a mark that a snippet shows at most.
const SNIPPET_MARK: usize = 160;

/// A part of a file, with what is around it.
#[derive(Debug)]
pub struct Window<'a> {
    /// Where `bytes` starts in the file.
    pub offset: u64,
    /// The window's bytes, owned ones and context.
    pub bytes: &'a [u8],
    /// The bytes that no other window owns.
    pub owned: Range<usize>,
    /// Whether the file ends with this window.
    pub last: bool,
    /// The line, from 1, of the first byte.
    first_line: u64,
    /// Characters before the first byte in its line.
    first_column: u64,
    /// Offsets of line feeds; made when the first place is asked for.
    line_feeds: OnceCell<Vec<u32>>,
}

impl<'a> Window<'a> {
    /// A whole file as one window.
    #[must_use]
    pub fn whole(bytes: &'a [u8]) -> Self {
        Self {
            offset: 0,
            bytes,
            owned: 0..bytes.len(),
            last: true,
            first_line: 1,
            first_column: 0,
            line_feeds: OnceCell::new(),
        }
    }

    /// The place of `range` in `bytes`: line, column, and the text of the line around it.
    #[must_use]
    pub fn place(&self, range: Range<usize>) -> Place {
        let start = range.start.min(self.bytes.len());
        let feeds = self.line_feeds.get_or_init(|| self.find_line_feeds());
        let before = feeds.partition_point(|&feed| (feed as usize) < start);
        let line_start = before
            .checked_sub(1)
            .and_then(|last| feeds.get(last))
            .map_or(0, |&feed| feed as usize + 1);
        let line_end = feeds.get(before).map_or(self.bytes.len(), |&feed| feed as usize);
        let carried = if before == 0 { self.first_column } else { 0 };
        let column = carried + characters(self.bytes.get(line_start..start).unwrap_or_default()) + 1;
        // A mark that goes on over the line's end, as a key in PEM does, is shown up to there.
        let mark_end = range.end.clamp(start, line_end.max(start)).min(start + SNIPPET_MARK);
        let from = self.char_boundary(line_start.max(start.saturating_sub(SNIPPET_AROUND)));
        let to = self.char_boundary(line_end.max(start).min(mark_end + SNIPPET_AROUND));
        let text = self.bytes.get(from..to).unwrap_or_default();
        let text = text
            .strip_suffix(b"\r")
            .filter(|text| from + text.len() >= mark_end)
            .unwrap_or(text);
        Place {
            line: self.first_line + before as u64,
            column,
            offset: self.offset + from as u64,
            text: text.to_vec(),
            mark: start.saturating_sub(from)..mark_end.saturating_sub(from),
        }
    }

    /// The first byte at or after `at` that does not continue a UTF-8 character.
    fn char_boundary(&self, at: usize) -> usize {
        let rest = self.bytes.get(at..).unwrap_or_default();
        at + rest.iter().take(3).take_while(|&&byte| is_continuation(byte)).count()
    }

    fn find_line_feeds(&self) -> Vec<u32> {
        let feeds = self.bytes.iter().enumerate().filter(|&(_, &byte)| byte == b'\n');
        // Windows are a few MiB long, so an offset in one fits.
        feeds.map(|(at, _)| u32::try_from(at).unwrap_or(u32::MAX)).collect()
    }
}

fn is_continuation(byte: u8) -> bool {
    byte & 0xC0 == 0x80
}

/// Characters that start in `bytes`.
fn characters(bytes: &[u8]) -> u64 {
    count(bytes, |byte| !is_continuation(byte))
}

/// How many of `bytes` are such; in pieces whose counts fit a byte and so cannot overflow one, which compilers turn into
/// wide instructions.
fn count(bytes: &[u8], is_such: impl Fn(u8) -> bool) -> u64 {
    let piece = |piece: &[u8]| {
        piece
            .iter()
            .fold(0_u8, |sum, &byte| sum.wrapping_add(u8::from(is_such(byte))))
    };
    bytes.chunks(255).map(|bytes| u64::from(piece(bytes))).sum()
}

/// How files are cut into windows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Windowing {
    /// Bytes of a window at most.
    pub(crate) window: usize,
    /// Bytes that a window shares with the next.
    pub(crate) overlap: usize,
}

impl Default for Windowing {
    fn default() -> Self {
        Self {
            window: 4 << 20,
            overlap: 64 << 10,
        }
    }
}

/// Reads one file, window by window, hashing each byte once.
pub(crate) struct Reader<'a> {
    content: &'a dyn Content,
    file: usize,
    size: u64,
    windowing: Windowing,
    buf: &'a mut Vec<u8>,
    /// Offset in the file of `buf`'s first byte.
    offset: u64,
    /// Bytes of the file that were read and hashed.
    read: u64,
    first_line: u64,
    first_column: u64,
    hasher: Hasher,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(
        content: &'a dyn Content,
        file: usize,
        size: u64,
        windowing: Windowing,
        buf: &'a mut Vec<u8>,
    ) -> Self {
        buf.clear();
        Self {
            content,
            file,
            size,
            windowing,
            buf,
            offset: 0,
            read: 0,
            first_line: 1,
            first_column: 0,
            hasher: Hasher::new(),
        }
    }

    /// Whether all of the file was read.
    pub(crate) fn is_done(&self) -> bool {
        self.read >= self.size
    }

    /// The next window. To be called once for an empty file, and then until [`Reader::is_done`].
    pub(crate) fn next_window(&mut self) -> io::Result<Window<'_>> {
        let kept = self.keep_overlap();
        let left = usize::try_from(self.size - self.read).unwrap_or(usize::MAX);
        let fresh = left.min(self.windowing.window.saturating_sub(kept));
        self.buf.resize(kept + fresh, 0);
        self.fill(kept)?;
        let half = self.windowing.overlap / 2;
        let last = self.is_done();
        let start = if self.offset == 0 { 0 } else { kept - half.min(kept) };
        let end = if last { self.buf.len() } else { self.buf.len() - half };
        Ok(Window {
            offset: self.offset,
            bytes: self.buf,
            owned: start..end,
            last,
            first_line: self.first_line,
            first_column: self.first_column,
            line_feeds: OnceCell::new(),
        })
    }

    /// The digest of all that was read.
    pub(crate) fn finish(self) -> Digest {
        self.hasher.finish()
    }

    /// Drops all but the overlap from the buffer, counting lines as they go, and says how much is kept.
    fn keep_overlap(&mut self) -> usize {
        let kept = if self.read == 0 {
            0
        } else {
            self.windowing.overlap.min(self.buf.len())
        };
        let dropped = self.buf.len() - kept;
        let gone = self.buf.get(..dropped).unwrap_or_default();
        self.first_line += count(gone, |byte| byte == b'\n');
        match gone.iter().rposition(|&byte| byte == b'\n') {
            Some(feed) => self.first_column = characters(gone.get(feed + 1..).unwrap_or_default()),
            None => self.first_column += characters(gone),
        }
        self.buf.drain(..dropped);
        self.offset += dropped as u64;
        kept
    }

    fn fill(&mut self, from: usize) -> io::Result<()> {
        let mut filled = from;
        while let Some(target) = self.buf.get_mut(filled..).filter(|target| !target.is_empty()) {
            match self.content.read_at(self.file, self.read, target) {
                Ok(0) => {
                    let message = format!("ends after {} of {} bytes", self.read, self.size);
                    return Err(io::Error::new(io::ErrorKind::UnexpectedEof, message));
                }
                Ok(len) => {
                    // A content that claims more than it was given room for is held to the room.
                    let len = len.min(target.len());
                    self.hasher.update(target.split_at(len).0);
                    filled += len;
                    self.read += len as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::Memory;

    /// The range of the file that each window owns, and the digest.
    fn windows(bytes: &[u8], windowing: Windowing) -> (Vec<Range<u64>>, Digest) {
        let content = Memory::new().with("f", bytes);
        let mut buf = Vec::new();
        let mut reader = Reader::new(&content, 0, bytes.len() as u64, windowing, &mut buf);
        let mut seen = Vec::new();
        loop {
            let window = reader.next_window().unwrap();
            let owned = |at: usize| window.offset + at as u64;
            seen.push(owned(window.owned.start)..owned(window.owned.end));
            if reader.is_done() {
                return (seen, reader.finish());
            }
        }
    }

    #[test]
    fn every_byte_is_owned_by_exactly_one_window() {
        for len in [0, 1, 15, 16, 17, 24, 25, 100, 1000] {
            let bytes = vec![b'x'; len];
            let (seen, _) = windows(&bytes, Windowing { window: 16, overlap: 8 });
            let mut next = 0;
            for owned in seen {
                assert_eq!(owned.start, next, "length {len}");
                next = owned.end;
            }
            assert_eq!(next, len as u64);
        }
    }

    #[test]
    fn the_digest_is_of_each_byte_once() {
        let bytes: Vec<u8> = (0..1000_u32).map(|n| (n % 251) as u8).collect();
        assert_eq!(
            windows(
                &bytes,
                Windowing {
                    window: 64,
                    overlap: 32
                }
            )
            .1,
            Digest::of(&bytes)
        );
    }

    #[test]
    fn an_empty_file_is_one_empty_window() {
        let (seen, _) = windows(b"", Windowing::default());
        assert_eq!((seen.len(), seen.first().cloned()), (1, Some(0..0)));
    }

    #[test]
    fn lines_and_columns_are_counted_over_window_borders() {
        let text = "ab\ncdé\nfghijklmnopqrstuvwxyz\n";
        let content = Memory::new().with("f", text);
        let mut buf = Vec::new();
        let mut reader = Reader::new(
            &content,
            0,
            text.len() as u64,
            Windowing { window: 12, overlap: 4 },
            &mut buf,
        );
        let mut place = None;
        while !reader.is_done() {
            let window = reader.next_window().unwrap();
            let at = window.owned.clone().find(|&at| window.bytes[at] == b'z');
            place = place.or(at.map(|at| window.place(at..at + 1)));
        }
        let place = place.unwrap();
        assert_eq!((place.line, place.column), (3, 21));
    }

    #[test]
    fn a_mark_over_a_line_end_is_shown_up_to_it() {
        let window = Window::whole(b"one\ntwo three\nfour");
        let place = window.place(8..18);
        assert_eq!(
            (place.line, place.column, &place.text[place.mark.clone()]),
            (2, 5, &b"three"[..])
        );
    }

    #[test]
    fn a_snippet_of_a_huge_line_is_short() {
        let bytes = vec![b'x'; 1 << 20];
        let place = Window::whole(&bytes).place(500_000..600_000);
        assert!(
            place.text.len() <= 2 * SNIPPET_AROUND + SNIPPET_MARK,
            "{}",
            place.text.len()
        );
    }

    #[test]
    fn a_file_that_ends_early_is_an_error() {
        let content = Memory::new().with("f", "short");
        let mut buf = Vec::new();
        let mut reader = Reader::new(&content, 0, 10, Windowing::default(), &mut buf);
        assert_eq!(reader.next_window().unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }
}

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
use std::io::{self, Read};
use std::ops::Range;

use protocol::digest::{Digest, Hasher};

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
    source: &'a mut dyn Read,
    /// How long the file is, where that is known before it was read.
    expected: Option<u64>,
    windowing: Windowing,
    buf: &'a mut Vec<u8>,
    /// A byte that was read to see whether the file goes on.
    ahead: Option<u8>,
    ended: bool,
    /// Offset in the file of `buf`'s first byte.
    offset: u64,
    /// Bytes of the file that are or were in `buf`.
    read: u64,
    /// Bytes at the start of `buf` that the window before held too.
    kept: usize,
    first_line: u64,
    first_column: u64,
    hasher: Hasher,
}

/// What is asked for at once where nobody knows how much there is.
const STEP: usize = 64 << 10;

impl<'a> Reader<'a> {
    /// Of what `source` gives; `expected` only says how much room to make.
    pub(crate) fn new(
        source: &'a mut dyn Read,
        expected: Option<u64>,
        windowing: Windowing,
        buf: &'a mut Vec<u8>,
    ) -> Self {
        buf.clear();
        Self {
            source,
            expected,
            windowing,
            buf,
            ahead: None,
            ended: false,
            offset: 0,
            read: 0,
            kept: 0,
            first_line: 1,
            first_column: 0,
            hasher: Hasher::new(),
        }
    }

    /// Whether all of the file was read.
    pub(crate) fn is_done(&self) -> bool {
        self.ended
    }

    /// The bytes that were read so far, those to come in no window among them.
    pub(crate) fn read(&self) -> u64 {
        self.read
    }

    /// The bytes of the window.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.buf
    }

    /// Moves on to the next window. To be called once for an empty file, and then until [`Reader::is_done`].
    pub(crate) fn advance(&mut self) -> io::Result<()> {
        self.kept = self.keep_overlap();
        self.fill()?;
        Ok(())
    }

    /// The window that was read last.
    pub(crate) fn window(&self) -> Window<'_> {
        let half = self.windowing.overlap / 2;
        let start = if self.offset == 0 {
            0
        } else {
            self.kept - half.min(self.kept)
        };
        let end = if self.ended {
            self.buf.len()
        } else {
            self.buf.len() - half.min(self.buf.len())
        };
        Window {
            offset: self.offset,
            bytes: self.buf,
            owned: start..end.max(start),
            last: self.ended,
            first_line: self.first_line,
            first_column: self.first_column,
            line_feeds: OnceCell::new(),
        }
    }

    /// The digest of what was read so far.
    pub(crate) fn digest(&self) -> Digest {
        self.hasher.clone().finish()
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

    /// Fills the buffer up to a window, and looks whether a byte more follows.
    fn fill(&mut self) -> io::Result<()> {
        self.buf.extend(self.ahead.take());
        while self.buf.len() < self.windowing.window {
            let from = self.buf.len();
            let expected = self
                .expected
                .map(|size| size.saturating_sub(self.read + (from - self.kept) as u64));
            let step = expected.map_or(STEP.max(from), |left| {
                usize::try_from(left).unwrap_or(usize::MAX).max(1)
            });
            self.buf.resize(self.windowing.window.min(from.saturating_add(step)), 0);
            let read = more(self.source, self.buf.get_mut(from..).unwrap_or_default());
            self.buf.truncate(from + *read.as_ref().unwrap_or(&0));
            if read? == 0 {
                self.ended = true;
                break;
            }
        }
        if !self.ended {
            let mut next = [0];
            match more(self.source, &mut next)? {
                0 => self.ended = true,
                _ => self.ahead = Some(next[0]),
            }
        }
        let fresh = self.buf.get(self.kept..).unwrap_or_default();
        self.hasher.update(fresh);
        self.read += fresh.len() as u64;
        Ok(())
    }
}

/// Reads what there is; a source that claims more than it was given room for is held to the room.
fn more(source: &mut dyn Read, target: &mut [u8]) -> io::Result<usize> {
    loop {
        match source.read(target) {
            Ok(len) => return Ok(len.min(target.len())),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::{FileSource, Memory};

    /// The range of the file that each window owns, and the digest.
    fn windows(bytes: &[u8], windowing: Windowing) -> (Vec<Range<u64>>, Digest) {
        let content = Memory::new().with("f", bytes);
        let mut buf = Vec::new();
        let mut source = FileSource::new(&content, 0, bytes.len() as u64);
        let mut reader = Reader::new(&mut source, Some(bytes.len() as u64), windowing, &mut buf);
        let mut seen = Vec::new();
        loop {
            reader.advance().unwrap();
            let window = reader.window();
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
        let mut source = FileSource::new(&content, 0, text.len() as u64);
        let mut reader = Reader::new(&mut source, None, Windowing { window: 12, overlap: 4 }, &mut buf);
        let mut place = None;
        while !reader.is_done() {
            reader.advance().unwrap();
            let window = reader.window();
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
        let mut source = FileSource::new(&content, 0, 10);
        let mut reader = Reader::new(&mut source, Some(10), Windowing::default(), &mut buf);
        assert_eq!(reader.advance().unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }
}

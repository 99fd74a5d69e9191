//! Compressed streams: gzip, Zstandard, bzip2; what comes out is a tar, or one file.
//!
//! ```text
//! stream ─▶ frame, frame, … ─▶ nothing more, or zeros
//! ```
//! Several frames in a row are read as one stream, as the formats' own programs do, and said: others stop after the first.

use std::cell::Cell;
use std::fmt;
use std::io::{self, BufRead, Read};

use bzip2::bufread::BzDecoder;
use flate2::bufread::GzDecoder;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

use super::budget::Budget;
use super::flaw::Flaw;
use super::input::{Counted, Member};
use super::{Sink, rules, tar};
use crate::engine::Outcome;

/// Bytes that a Zstandard frame may refer back to, which a decoder has to keep; what `zstd` asks for up to level 19.
const MAX_WINDOW: u64 = 8 << 20;

/// A compressed format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Codec {
    Gzip,
    Zstd,
    Bzip2,
}

/// Reads a compressed stream called `name` to its end.
pub(super) fn read(
    codec: Codec,
    source: &mut dyn BufRead,
    name: &str,
    budget: &Budget,
    sink: &mut dyn Sink,
) -> Result<(), Flaw> {
    let taken = Cell::new(0);
    let mut frames = Frames::new(codec, Counted::new(source, &taken));
    let mut bytes = Member::made(&mut frames, budget, &taken);
    let mut head = [0; tar::BLOCK];
    let len = tar::fill(&mut bytes, &mut head)?;
    let head = head.get(..len).unwrap_or_default();
    if tar::starts(head) {
        tar::read(&mut head.chain(&mut bytes), budget, sink)?;
    } else {
        budget.entry()?;
        let member = super::Member {
            name: codec.content_name(name),
            executable: false,
            size: None,
        };
        sink.file(member, &mut head.chain(&mut bytes));
    }
    bytes.finish()?;
    if let Some(flaw) = frames.flaw(codec) {
        sink.flaw(flaw);
    }
    Ok(())
}

impl Codec {
    /// What a file is called when it is no longer compressed.
    fn content_name(self, name: &str) -> &str {
        let endings: &[&str] = match self {
            Self::Gzip => &[".gz", ".gzip"],
            Self::Zstd => &[".zst", ".zstd"],
            Self::Bzip2 => &[".bz2", ".bzip2"],
        };
        let stem = endings.iter().find_map(|ending| name.strip_suffix(ending));
        stem.filter(|stem| !stem.is_empty()).unwrap_or("content")
    }
}

impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
            Self::Bzip2 => "bzip2",
        })
    }
}

/// The frames of a stream, one after another.
struct Frames<'a> {
    state: State<'a>,
    /// Frames that were begun.
    frames: u32,
    /// Frames of Zstandard that hold bytes for other programs.
    skipped: u32,
    /// Zeros behind the last frame, as tapes leave them.
    padding: u64,
}

enum State<'a> {
    Between(Codec, Counted<'a>),
    Gzip(Box<GzDecoder<Counted<'a>>>),
    Bzip2(Box<BzDecoder<Counted<'a>>>),
    Zstd(Box<FrameDecoder>, Counted<'a>),
    Ended,
}

impl<'a> Frames<'a> {
    fn new(codec: Codec, source: Counted<'a>) -> Self {
        Self {
            state: State::Between(codec, source),
            frames: 0,
            skipped: 0,
            padding: 0,
        }
    }

    /// What is to be said of a stream that was read to its end.
    fn flaw(&self, codec: Codec) -> Option<Flaw> {
        if self.frames > 1 || self.skipped > 0 {
            let message = format!(
                "{} {codec} streams in a row, {} of them not for readers; all that readers see was looked at",
                self.frames + self.skipped,
                self.skipped
            );
            return Some(Flaw::new(&rules::MEMBERS, message));
        }
        (self.padding > 0).then(|| {
            let message = format!("{} zero bytes behind the {codec} stream", self.padding);
            Flaw::new(&rules::STRAY, message).only(crate::finding::Severity::Low)
        })
    }

    /// Starts the next frame, if there is one.
    fn begin(&mut self, codec: Codec, mut source: Counted<'a>) -> Result<State<'a>, Flaw> {
        let Some(&first) = source.fill_buf()?.first() else {
            return Ok(State::Ended);
        };
        let magic = match codec {
            Codec::Gzip => first == 0x1F,
            Codec::Bzip2 => first == b'B',
            Codec::Zstd => first == 0x28 || first & 0xF0 == 0x50,
        };
        if !magic && self.frames > 0 {
            self.padding = zeros(&mut source).map_err(|flaw| flaw.unwrap_or_else(|| stray(codec)))?;
            return Ok(State::Ended);
        }
        self.frames = self.frames.saturating_add(1);
        match codec {
            Codec::Gzip => Ok(State::Gzip(Box::new(GzDecoder::new(source)))),
            Codec::Bzip2 => Ok(State::Bzip2(Box::new(BzDecoder::new(source)))),
            Codec::Zstd => self.begin_zstd(source),
        }
    }

    fn begin_zstd(&mut self, mut source: Counted<'a>) -> Result<State<'a>, Flaw> {
        let mut decoder = Box::new(FrameDecoder::new());
        decoder.set_max_window_size(MAX_WINDOW);
        match decoder.init(&mut source) {
            Ok(()) => Ok(State::Zstd(decoder, source)),
            Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame { length, .. })) => {
                self.frames -= 1;
                self.skipped = self.skipped.saturating_add(1);
                let skipped = io::copy(&mut (&mut source).take(u64::from(length)), &mut io::sink())?;
                if skipped < u64::from(length) {
                    return Err(Flaw::damaged("it ends in the middle of a frame"));
                }
                Ok(State::Between(Codec::Zstd, source))
            }
            Err(FrameDecoderError::WindowSizeTooBig { requested, .. }) => {
                let message = format!(
                    "a window of {requested} bytes; at most {} MiB are kept",
                    MAX_WINDOW >> 20
                );
                Err(Flaw::new(&rules::LIMIT, message).not_seen(Outcome::OverLimit))
            }
            Err(FrameDecoderError::DictNotProvided { .. }) => {
                let message = "compressed with a dictionary that is not in it".to_owned();
                Err(Flaw::new(&rules::UNSUPPORTED, message).not_seen(Outcome::Unsupported))
            }
            Err(error) => Err(Flaw::damaged(format!("no zstd frame: {error}"))),
        }
    }
}

fn stray(codec: Codec) -> Flaw {
    let message = format!("bytes behind the {codec} stream that are no such stream: they were not looked at");
    Flaw::new(&rules::STRAY, message).not_seen(Outcome::Unsupported)
}

/// Reads zeros to the end and counts them; `Err(None)` if something else comes.
fn zeros(source: &mut dyn BufRead) -> Result<u64, Option<Flaw>> {
    let mut padding = 0;
    loop {
        let bytes = source.fill_buf().map_err(|error| Some(error.into()))?;
        if bytes.iter().any(|&byte| byte != 0) {
            return Err(None);
        }
        let len = bytes.len();
        if len == 0 {
            return Ok(padding);
        }
        padding += len as u64;
        source.consume(len);
    }
}

impl Read for Frames<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if buf.is_empty() {
            return Ok(0);
        }
        loop {
            let len = match &mut self.state {
                State::Ended => return Ok(0),
                State::Between(..) => 0,
                State::Gzip(decoder) => decoder.read(buf)?,
                State::Bzip2(decoder) => decoder.read(buf)?,
                State::Zstd(decoder, source) => read_zstd(decoder, source, buf)?,
            };
            if len > 0 {
                return Ok(len);
            }
            self.state = match std::mem::replace(&mut self.state, State::Ended) {
                State::Between(codec, source) => self.begin(codec, source)?,
                State::Gzip(decoder) => State::Between(Codec::Gzip, decoder.into_inner()),
                State::Bzip2(decoder) => State::Between(Codec::Bzip2, decoder.into_inner()),
                State::Zstd(_, source) => State::Between(Codec::Zstd, source),
                State::Ended => State::Ended,
            };
        }
    }
}

/// Bytes of a frame; 0 at its end, if its checksum is right.
fn read_zstd(decoder: &mut FrameDecoder, source: &mut Counted<'_>, buf: &mut [u8]) -> io::Result<usize> {
    while decoder.can_collect() == 0 && !decoder.is_finished() {
        let decoded = decoder.decode_blocks(&mut *source, BlockDecodingStrategy::UptoBlocks(1));
        decoded.map_err(|error| Flaw::damaged(format!("it cannot be decoded: {error}")))?;
    }
    let len = decoder.read(buf)?;
    if len == 0
        && let Some(stated) = decoder.get_checksum_from_data()
        && decoder.get_calculated_checksum() != Some(stated)
    {
        return Err(Flaw::damaged("the checksum of its zstd frame is wrong").into());
    }
    Ok(len)
}

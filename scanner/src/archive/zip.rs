//! Zip, front to back: entries as they lie in the file, then the directory, which must list exactly those.
//!
//! ```text
//! local header ─▶ bytes ─▶ [descriptor] │ … │ directory: one record for each │ [zip64 end] │ end ─▶ comment
//!       └── offset, name, method, CRC, lengths ──────────── must be equal ──┘
//! ```
//! Programs that follow the directory and programs that read on from entry to entry then unpack the same. Entries that
//! overlap, gaps, and anything before, between or behind cannot be read in this way, and are told apart only to be named.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::io::{self, BufRead, Read};

use flate2::bufread::DeflateDecoder;

use super::budget::Budget;
use super::flaw::Flaw;
use super::input::{Counted, Fields, Member};
use super::names::Names;
use super::{Sink, rules};
use crate::engine::Outcome;

mod end;
mod record;

pub(crate) use self::end::ends_as_zip;
use self::record::{CENTRAL, Central, DEFLATED, END, END64, LOCAL, Local, STORED};

/// An entry that was read: what its record in the directory has to say.
struct Seen {
    local: Local,
    crc: u32,
    packed: u64,
    size: u64,
    listed: bool,
}

/// Reads a zip to its end.
pub(super) fn read(source: &mut dyn BufRead, budget: &Budget, sink: &mut dyn Sink) -> Result<(), Flaw> {
    let taken = Cell::new(0);
    let mut zip = Zip {
        source: Counted::new(source, &taken),
        taken: &taken,
        budget,
        sink,
        names: Names::default(),
        seen: BTreeMap::new(),
    };
    let end = loop {
        match zip.signature()? {
            LOCAL => zip.entry()?,
            other => break other,
        }
    };
    zip.directory(end)?;
    if let Some(flaw) = zip.names.finish() {
        zip.sink.flaw(flaw);
    }
    Ok(())
}

struct Zip<'a> {
    source: Counted<'a>,
    taken: &'a Cell<u64>,
    budget: &'a Budget,
    sink: &'a mut dyn Sink,
    names: Names,
    /// By the offset of the local header.
    seen: BTreeMap<u64, Seen>,
}

impl Zip<'_> {
    fn signature(&mut self) -> Result<u32, Flaw> {
        let mut bytes = [0; 4];
        self.source.read_exact(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn bytes(&mut self, len: usize) -> Result<Vec<u8>, Flaw> {
        let mut bytes = vec![0; len];
        self.source.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    fn entry(&mut self) -> Result<(), Flaw> {
        let offset = self.taken.get() - 4;
        self.budget.entry()?;
        let fixed = self.bytes(record::LOCAL_LEN)?;
        let (name_len, extra_len) = record::tail_lengths(&fixed).ok_or_else(cut)?;
        let name = self.bytes(name_len)?;
        let extra = self.bytes(extra_len)?;
        let local = Local::parse(&fixed, name, &extra)?;
        let sink = &mut *self.sink;
        let raw = local.shown()?;
        let name = self.names.check(&raw, &mut |flaw| sink.flaw(flaw))?;
        let folder = raw.ends_with(['/', '\\']);
        if !folder && let Some(flaw) = self.names.add_file(&name) {
            self.sink.flaw(flaw);
        }
        let seen = match local.unreadable(&raw) {
            Some(flaw) => self.skip(local, flaw)?,
            None => self.member(local, &name, folder)?,
        };
        self.seen.insert(offset, seen);
        Ok(())
    }

    /// Reads over an entry that cannot be looked into.
    fn skip(&mut self, local: Local, flaw: Flaw) -> Result<Seen, Flaw> {
        if local.has_descriptor() {
            // Where it ends, only its own reader knows.
            return Err(flaw);
        }
        self.sink.flaw(flaw);
        let skipped = io::copy(&mut (&mut self.source).take(local.packed), &mut io::sink())?;
        if skipped < local.packed {
            return Err(cut());
        }
        Ok(Seen {
            crc: local.crc,
            packed: local.packed,
            size: local.size,
            local,
            listed: false,
        })
    }

    /// Hands an entry's bytes on, and compares what they were with what its header says.
    fn member(&mut self, local: Local, name: &str, folder: bool) -> Result<Seen, Flaw> {
        let start = self.taken.get();
        let stated = !local.has_descriptor() || local.packed > 0;
        let (size, crc) = {
            // Stored bytes without a length in front are none, or nobody could say where they end.
            let bounded = stated || local.method == STORED;
            let limit = if bounded { local.packed } else { u64::MAX };
            let mut packed = (&mut self.source).take(limit);
            let mut plain: Box<dyn Read + '_> = if local.method == DEFLATED {
                Box::new(DeflateDecoder::new(&mut packed))
            } else {
                Box::new(&mut packed)
            };
            let mut bytes = if local.method == DEFLATED {
                Member::made(&mut *plain, self.budget, self.taken)
            } else {
                Member::stored(&mut *plain, self.budget)
            };
            if !folder {
                let member = super::Member {
                    name,
                    executable: false,
                    size: stated.then_some(local.size),
                };
                self.sink.file(member, &mut bytes);
            }
            bytes.finish()?
        };
        let packed = self.taken.get() - start;
        if folder && size > 0 {
            return Err(mismatch(format!("the folder \"{name}\" holds bytes")));
        }
        if stated && packed < local.packed {
            return Err(short(&local, name, packed));
        }
        if local.has_descriptor() {
            self.descriptor(&local, name, crc, packed, size)?;
        }
        if stated && (local.crc, local.packed, local.size) != (crc, packed, size) && !local.has_descriptor() {
            return Err(mismatch(format!(
                "the header of \"{name}\" states other lengths or another CRC than its bytes have"
            )));
        }
        Ok(Seen {
            local,
            crc,
            packed,
            size,
            listed: false,
        })
    }

    /// The record behind an entry whose header was written before its bytes were known.
    fn descriptor(&mut self, local: &Local, name: &str, crc: u32, packed: u64, size: u64) -> Result<(), Flaw> {
        let wrong = || {
            let what = match local.method {
                STORED if packed == 0 => "is stored with its length behind it: where it ends is anybody's guess",
                _ => "is followed by what does not describe it",
            };
            mismatch(format!("\"{name}\" {what}"))
        };
        let first = self.signature()?;
        let stated_crc = if first == record::DESCRIPTOR {
            self.signature()?
        } else {
            first
        };
        let lengths = self.bytes(if local.zip64 { 16 } else { 8 })?;
        let mut fields = Fields(&lengths);
        let mut length = || {
            let length = if local.zip64 {
                fields.u64()
            } else {
                fields.u32().map(u64::from)
            };
            length.unwrap_or(u64::MAX)
        };
        if stated_crc != crc || length() != packed || length() != size {
            return Err(wrong());
        }
        Ok(())
    }

    /// The directory and what ends it; `signature` was read already.
    fn directory(&mut self, mut signature: u32) -> Result<(), Flaw> {
        let start = self.taken.get() - 4;
        let mut listed = 0;
        while signature == CENTRAL {
            self.central()?;
            listed += 1;
            signature = self.signature()?;
        }
        if !matches!(signature, END | END64) {
            let message = "bytes between its entries, or before its end, that belong to no entry";
            return Err(Flaw::new(&rules::STRAY, message.to_owned()).not_seen(Outcome::Unsupported));
        }
        if let Some(hidden) = self.seen.values().find(|seen| !seen.listed) {
            let name = hidden.local.shown()?;
            return Err(mismatch(format!(
                "the entry \"{name}\" is not in the directory: some programs unpack it, others not"
            )));
        }
        let size = self.taken.get() - 4 - start;
        let end = end::Directory { start, size, listed };
        end::read(&mut self.source, self.taken, signature, &end)
    }

    /// One record of the directory, which must be that of an entry that was read.
    fn central(&mut self) -> Result<(), Flaw> {
        let fixed = self.bytes(record::CENTRAL_LEN)?;
        let (name_len, extra_len, comment_len) = record::central_tail_lengths(&fixed).ok_or_else(cut)?;
        let name = self.bytes(name_len)?;
        let extra = self.bytes(extra_len)?;
        self.bytes(comment_len)?;
        let central = Central::parse(&fixed, name, &extra)?;
        let shown = String::from_utf8_lossy(&central.name).into_owned();
        let Some(seen) = self.seen.get_mut(&central.offset).filter(|seen| !seen.listed) else {
            let message = format!("\"{shown}\" is said to start within another entry: the two share their bytes");
            return Err(Flaw::new(&rules::OVERLAP, message).not_seen(Outcome::Unsupported));
        };
        seen.listed = true;
        let differs = match () {
            () if central.name != seen.local.name => Some("the name"),
            () if central.method != seen.local.method => Some("the method"),
            () if !central.flags_agree(&seen.local) => Some("the flags"),
            () if central.crc != seen.crc => Some("the CRC"),
            () if (central.packed, central.size) != (seen.packed, seen.size) => Some("the length"),
            () => None,
        };
        if let Some(what) = differs {
            return Err(mismatch(format!(
                "{what} of \"{shown}\" is another in the directory than at the entry"
            )));
        }
        if central.is_link() {
            let message = format!("\"{shown}\" is a link to some programs and a file to others");
            self.sink.flaw(Flaw::new(&rules::LINK, message));
        }
        Ok(())
    }
}

fn mismatch(message: String) -> Flaw {
    Flaw::new(&rules::MISMATCH, message).not_seen(Outcome::Unsupported)
}

fn cut() -> Flaw {
    Flaw::damaged("it ends in the middle of an entry")
}

/// An entry whose bytes end before the length that its header states.
fn short(local: &Local, name: &str, packed: u64) -> Flaw {
    match local.method {
        STORED => cut(),
        _ => {
            let message = format!(
                "{} bytes of \"{name}\" lie behind the end of its stream",
                local.packed - packed
            );
            Flaw::new(&rules::STRAY, message).not_seen(Outcome::Unsupported)
        }
    }
}

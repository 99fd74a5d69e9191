//! Tar, header by header: ustar, GNU and PAX, as far as all programs read them alike.
//!
//! ```text
//! [PAX or GNU long name]* header ─▶ bytes ─▶ padding to 512 │ … │ two blocks of zeros, and zeros to the end
//! ```
//!
//! The classic trap is a length that two fields state differently: programs then take other bytes for the next header. Here
//! such an entry is refused, and so are lengths where no bytes should follow, fields stated twice, and unreadable numbers.

use std::io::{self, Read};

use super::budget::Budget;
use super::flaw::Flaw;
use super::input::Member;
use super::names::Names;
use super::{Sink, rules};
use crate::engine::Outcome;

mod header;
mod pax;

pub(crate) use self::header::starts;
use self::header::{Header, Kind};
use self::pax::Extended;

/// The unit of a tar.
pub(super) const BLOCK: usize = 512;
/// Bytes of an extended header or a long name at most.
const MAX_EXTENDED: u64 = 1 << 20;

/// Reads `target` full, or up to the end, and says how much there was.
pub(super) fn fill(source: &mut dyn Read, target: &mut [u8]) -> Result<usize, Flaw> {
    let mut filled = 0;
    while let Some(rest) = target.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match source.read(rest)? {
            0 => break,
            len => filled += len,
        }
    }
    Ok(filled)
}

/// Reads a tar to its end.
pub(super) fn read(source: &mut dyn Read, budget: &Budget, sink: &mut dyn Sink) -> Result<(), Flaw> {
    let mut tar = Tar {
        source,
        budget,
        sink,
        names: Names::default(),
        extended: Extended::default(),
    };
    while tar.entry()? {}
    if let Some(flaw) = tar.names.finish() {
        tar.sink.flaw(flaw);
    }
    Ok(())
}

struct Tar<'a> {
    source: &'a mut dyn Read,
    budget: &'a Budget,
    sink: &'a mut dyn Sink,
    names: Names,
    /// What was said ahead of the next header.
    extended: Extended,
}

impl Tar<'_> {
    /// Reads the next header and what belongs to it; `false` at the end.
    fn entry(&mut self) -> Result<bool, Flaw> {
        let mut block = [0; BLOCK];
        match fill(self.source, &mut block)? {
            0 => return self.end(),
            BLOCK => {}
            _ => return Err(Flaw::damaged("it ends in the middle of a header")),
        }
        if block.iter().all(|&byte| byte == 0) {
            self.only_zeros()?;
            return self.end();
        }
        let header = Header::parse(&block)?;
        if let Kind::Extended(what) = header.kind {
            if header.size > MAX_EXTENDED {
                let message = format!("a header of {} bytes", header.size);
                return Err(Flaw::new(&rules::LIMIT, message).not_seen(Outcome::OverLimit));
            }
            self.budget.entry()?;
            let bytes = self.bytes(header.size)?;
            self.extended.take(what, &bytes)?;
            return Ok(true);
        }
        self.budget.entry()?;
        let extended = std::mem::take(&mut self.extended);
        self.file(&header, &extended)?;
        Ok(true)
    }

    fn file(&mut self, header: &Header, extended: &Extended) -> Result<(), Flaw> {
        let raw = extended.path()?.unwrap_or(&header.path);
        let target = extended.link()?.unwrap_or(&header.link);
        if extended.size.is_some_and(|size| size != header.size) {
            let message = format!(
                "\"{raw}\" has two lengths, {} and {}",
                header.size,
                extended.size.unwrap_or(0)
            );
            return Err(desync(&message));
        }
        let kind = match header.kind {
            // Before 1988 a folder was a file whose name ends so.
            Kind::File if raw.ends_with('/') => Kind::Folder,
            kind => kind,
        };
        if kind != Kind::File && header.size != 0 {
            return Err(desync(&format!("\"{raw}\" is {kind} and states {} bytes", header.size)));
        }
        let sink = &mut *self.sink;
        let name = self.names.check(raw, &mut |flaw| sink.flaw(flaw))?;
        let flaw = match kind {
            Kind::File => self.names.add_file(&name),
            Kind::SymbolicLink => Some(self.names.add_link(&name, target)),
            Kind::HardLink => Some(self.names.add_hard_link(&name, target)),
            Kind::Special => Some(Flaw::new(&rules::SPECIAL, format!("\"{raw}\" is {kind}"))),
            Kind::Folder | Kind::Extended(_) => None,
        };
        if let Some(flaw) = flaw {
            self.sink.flaw(flaw);
        }
        if kind == Kind::File {
            self.member(&name, header)?;
        }
        Ok(())
    }

    /// Hands a file's bytes on, and reads the padding behind them.
    fn member(&mut self, name: &str, header: &Header) -> Result<(), Flaw> {
        let mut rest = (&mut *self.source).take(header.size);
        let mut bytes = Member::stored(&mut rest, self.budget);
        let member = super::Member {
            name,
            executable: header.executable,
            size: Some(header.size),
        };
        self.sink.file(member, &mut bytes);
        let (len, _) = bytes.finish()?;
        if len < header.size {
            return Err(Flaw::damaged(format!("it ends in the middle of \"{name}\"")));
        }
        self.padding(header.size)
    }

    /// The bytes of an extended header.
    fn bytes(&mut self, size: u64) -> Result<Vec<u8>, Flaw> {
        let mut bytes = Vec::new();
        (&mut *self.source).take(size).read_to_end(&mut bytes)?;
        if (bytes.len() as u64) < size {
            return Err(Flaw::damaged("it ends in the middle of a header"));
        }
        self.padding(size)?;
        Ok(bytes)
    }

    fn padding(&mut self, size: u64) -> Result<(), Flaw> {
        let len = size.next_multiple_of(BLOCK as u64) - size;
        let skipped = io::copy(&mut (&mut *self.source).take(len), &mut io::sink())?;
        // Some writers leave out the padding of the last entry.
        let mut more = [0];
        if skipped < len && fill(self.source, &mut more)? > 0 {
            return Err(Flaw::damaged("it ends in the middle of a block"));
        }
        Ok(())
    }

    /// After the first block of zeros: programs stop here, or at the second; what follows is for those that go on.
    fn only_zeros(&mut self) -> Result<(), Flaw> {
        let mut block = [0; 16 * BLOCK];
        loop {
            let len = fill(self.source, &mut block)?;
            if block.get(..len).unwrap_or_default().iter().any(|&byte| byte != 0) {
                let message =
                    "bytes behind the end of the tar: some programs read on there, and they were not looked at";
                return Err(Flaw::new(&rules::STRAY, message.to_owned()).not_seen(Outcome::Unsupported));
            }
            if len < block.len() {
                return Ok(());
            }
        }
    }

    fn end(&self) -> Result<bool, Flaw> {
        if self.extended.is_empty() {
            return Ok(false);
        }
        Err(Flaw::damaged("it ends after a header that speaks of the next entry"))
    }
}

/// Two programs would go on at different places.
fn desync(message: &str) -> Flaw {
    Flaw::new(
        &rules::DESYNC,
        format!("{message}: programs differ in where the next entry starts"),
    )
    .not_seen(Outcome::Unsupported)
}

//! Archives, opened as they are read: what is in them goes to the engines as files of their own, and nothing is unpacked.
//!
//! ```text
//! outer.tar.gz ─▶ gunzip ─▶ tar ─┬─▶ outer.tar.gz!setup.py          one file after another, window by window
//!   (one read)                   └─▶ outer.tar.gz!inner.zip ─▶ zip ─▶ outer.tar.gz!inner.zip!name
//! ```
//!
//! Every format is read from its first byte to its last, once, a zip too: its directory comes last and is compared with what
//! was seen. So whatever a file does not account for (a gap, an overlap, something before, between or behind) is a flaw by
//! construction, and what two programs would unpack differently is refused, never guessed at.
//!
//! Always true:
//! - memory is a window for each level, whatever an archive expands to;
//! - no more than the limits of [`budget`] come out of one archive, all levels together;
//! - each refusal is a [`Flaw`]: a finding, and where something was not seen, an outcome that covers nothing.

use std::io::{BufRead, Read};

use crate::engine::Outcome;
use crate::facts::Type;

mod budget;
mod compressed;
mod flaw;
mod input;
mod names;
pub(crate) mod rules;
mod tar;
mod zip;

pub(crate) use self::budget::{Budget, MAX_DEPTH};
use self::compressed::Codec;
pub(crate) use self::flaw::Flaw;
pub(crate) use self::tar::starts as starts_as_tar;
pub(crate) use self::zip::ends_as_zip;

/// The name of this stage in reports and policies, beside those of the engines.
pub(crate) const NAME: &str = "archives";
/// Raised whenever the stage would say something else about the same bytes.
pub(crate) const VERSION: u32 = 1;

/// A kind of archive that can be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Zip,
    Tar,
    Compressed(Codec),
}

impl Format {
    /// How to open a file of this type that starts with `head`; `None` if it cannot be opened.
    pub(crate) fn of(kind: Type, head: &[u8]) -> Option<Self> {
        match kind {
            Type::Archive("zip") => Some(Self::Zip),
            // Documents of today's office programs are zip files.
            Type::Office if head.starts_with(b"PK\x03\x04") => Some(Self::Zip),
            Type::Archive("tar") => Some(Self::Tar),
            Type::Archive("gzip") => Some(Self::Compressed(Codec::Gzip)),
            Type::Archive("zstd") => Some(Self::Compressed(Codec::Zstd)),
            Type::Archive("bzip2") => Some(Self::Compressed(Codec::Bzip2)),
            _ => None,
        }
    }
}

/// A file out of an archive.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Member<'a> {
    /// Its name in the archive, `/`-separated as far as the archive does so.
    pub(crate) name: &'a str,
    /// Whether it may be run, where the archive says so before the bytes.
    pub(crate) executable: bool,
    /// Its bytes, where the archive says so before them.
    pub(crate) size: Option<u64>,
}

/// Who takes what comes out of an archive.
pub(crate) trait Sink {
    /// Takes a file, and reads its bytes up to their end or to the first error.
    fn file(&mut self, member: Member<'_>, bytes: &mut dyn Read);

    /// Takes something that is wrong and yet lets the archive be read on.
    fn flaw(&mut self, flaw: Flaw);
}

/// Opens the archive in `source`, whose own name is `name`, up to its end.
///
/// # Errors
/// The [`Flaw`] that ends the reading; of `source`'s own errors nothing more is said than that.
pub(crate) fn open(
    format: Format,
    source: &mut dyn BufRead,
    name: &str,
    budget: &Budget,
    sink: &mut dyn Sink,
) -> Result<(), Flaw> {
    match format {
        Format::Zip => zip::read(source, budget, sink),
        Format::Tar => tar::read(source, budget, sink),
        Format::Compressed(codec) => compressed::read(codec, source, name, budget, sink),
    }
}

/// The flaw of an archive that is not opened because of its kind.
pub(crate) fn not_opened(kind: Type) -> Flaw {
    let message = format!("{kind} is not opened here: nothing in it was looked at");
    Flaw::new(&rules::UNSUPPORTED, message).not_seen(Outcome::Unsupported)
}

/// The flaw of an archive that lies too deep in others.
pub(crate) fn too_deep() -> Flaw {
    let message = format!("an archive within {MAX_DEPTH} others: it is not opened, and nothing in it was looked at");
    Flaw::new(&rules::LIMIT, message).not_seen(Outcome::OverLimit)
}

/// The flaw of a file that ends as a zip and starts as something else.
pub(crate) fn appended() -> Flaw {
    let message =
        "it ends as a zip and starts as something else: programs that look at the end first open what nobody scanned";
    Flaw::new(&rules::APPENDED, message.to_owned())
}

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

//! The records of a zip (PKWARE's APPNOTE 6.3.10, sections 4.3.7 to 4.3.12), and what in them must not differ.

use super::super::flaw::Flaw;
use super::super::input::Fields;
use super::super::rules;
use super::{cut, mismatch};
use crate::engine::Outcome;

/// Signatures, as read from little-endian bytes.
pub(super) const LOCAL: u32 = 0x0403_4B50;
pub(super) const CENTRAL: u32 = 0x0201_4B50;
pub(super) const END: u32 = 0x0605_4B50;
pub(super) const END64: u32 = 0x0606_4B50;
pub(super) const DESCRIPTOR: u32 = 0x0807_4B50;

/// Bytes of a local header behind its signature, up to the name.
pub(super) const LOCAL_LEN: usize = 26;
/// Bytes of a directory record behind its signature, up to the name.
pub(super) const CENTRAL_LEN: usize = 42;

pub(super) const STORED: u16 = 0;
pub(super) const DEFLATED: u16 = 8;

/// Flags: encrypted; lengths follow the bytes; patch data; strong encryption; names in UTF-8; masked headers.
const ENCRYPTED: u16 = 1;
const HAS_DESCRIPTOR: u16 = 1 << 3;
const PATCHED: u16 = 1 << 5;
const STRONG: u16 = 1 << 6;
const UTF8: u16 = 1 << 11;
const MASKED: u16 = 1 << 13;
/// Flags that change what an entry is.
const TELLING: u16 = ENCRYPTED | HAS_DESCRIPTOR | PATCHED | STRONG | UTF8 | MASKED;

/// Extra fields: 64-bit lengths; a name in UTF-8.
const EXTRA_ZIP64: u16 = 0x0001;
const EXTRA_NAME: u16 = 0x7075;

/// A local header.
pub(super) struct Local {
    pub(super) name: Vec<u8>,
    pub(super) flags: u16,
    pub(super) method: u16,
    pub(super) crc: u32,
    pub(super) packed: u64,
    pub(super) size: u64,
    pub(super) zip64: bool,
    /// The name by an extra field.
    other_name: Option<String>,
}

/// Lengths of a local header's name and extra fields.
pub(super) fn tail_lengths(fixed: &[u8]) -> Option<(usize, usize)> {
    let mut fields = Fields(fixed.get(22..)?);
    Some((fields.u16()?.into(), fields.u16()?.into()))
}

/// Lengths of a directory record's name, extra fields and comment.
pub(super) fn central_tail_lengths(fixed: &[u8]) -> Option<(usize, usize, usize)> {
    let mut fields = Fields(fixed.get(24..)?);
    Some((fields.u16()?.into(), fields.u16()?.into(), fields.u16()?.into()))
}

impl Local {
    pub(super) fn parse(fixed: &[u8], name: Vec<u8>, extra: &[u8]) -> Result<Self, Flaw> {
        let mut fields = Fields(fixed);
        let mut read = || {
            let (_version, flags, method) = (fields.u16()?, fields.u16()?, fields.u16()?);
            let (_time, crc) = (fields.u32()?, fields.u32()?);
            Some((flags, method, crc, fields.u32()?, fields.u32()?))
        };
        let (flags, method, crc, packed, size) = read().ok_or_else(cut)?;
        let extra = Extra::parse(extra, &name)?;
        let mut wide = extra.zip64.map(Fields);
        // Behind the signature the uncompressed length comes last, in the extra field first.
        let size = widened(size, &mut wide)?;
        let packed = widened(packed, &mut wide)?;
        Ok(Self {
            name,
            flags,
            method,
            crc,
            packed,
            size,
            zip64: extra.zip64.is_some(),
            other_name: extra.name,
        })
    }

    pub(super) fn has_descriptor(&self) -> bool {
        self.flags & HAS_DESCRIPTOR != 0
    }

    /// The name as it is shown, and as it is judged.
    pub(super) fn shown(&self) -> Result<String, Flaw> {
        if self.name.contains(&0) {
            let message = "a name with a NUL in it: some programs end it there".to_owned();
            return Err(mismatch(message));
        }
        Ok(match &self.other_name {
            Some(name) => name.clone(),
            None => String::from_utf8_lossy(&self.name).into_owned(),
        })
    }

    /// Why the entry's bytes cannot be looked into.
    pub(super) fn unreadable(&self, name: &str) -> Option<Flaw> {
        if self.flags & (ENCRYPTED | STRONG | MASKED) != 0 {
            let message = format!("\"{name}\" is encrypted: it was not looked into");
            return Some(Flaw::new(&rules::ENCRYPTED, message).not_seen(Outcome::Unsupported));
        }
        let known = matches!(self.method, STORED | DEFLATED) && self.flags & PATCHED == 0;
        (!known).then(|| {
            let message = format!("\"{name}\" is packed by method {}: it was not looked into", self.method);
            Flaw::new(&rules::UNSUPPORTED, message).not_seen(Outcome::Unsupported)
        })
    }
}

/// A record of the directory.
pub(super) struct Central {
    pub(super) name: Vec<u8>,
    pub(super) flags: u16,
    pub(super) method: u16,
    pub(super) crc: u32,
    pub(super) packed: u64,
    pub(super) size: u64,
    pub(super) offset: u64,
    made_by: u16,
    attributes: u32,
}

impl Central {
    pub(super) fn parse(fixed: &[u8], name: Vec<u8>, extra: &[u8]) -> Result<Self, Flaw> {
        let mut fields = Fields(fixed);
        let mut read = || {
            let (made_by, _needed) = (fields.u16()?, fields.u16()?);
            let (flags, method, _time) = (fields.u16()?, fields.u16()?, fields.u32()?);
            let (crc, packed, size) = (fields.u32()?, fields.u32()?, fields.u32()?);
            let _lengths = fields.bytes(6)?;
            let (disk, _internal) = (fields.u16()?, fields.u16()?);
            Some((
                made_by,
                flags,
                method,
                crc,
                packed,
                size,
                disk,
                fields.u32()?,
                fields.u32()?,
            ))
        };
        let (made_by, flags, method, crc, packed, size, disk, attributes, offset) = read().ok_or_else(cut)?;
        let extra = Extra::parse(extra, &name)?;
        let mut wide = extra.zip64.map(Fields);
        let size = widened(size, &mut wide)?;
        let packed = widened(packed, &mut wide)?;
        let offset = widened(offset, &mut wide)?;
        if disk != 0 {
            return Err(mismatch("an entry that lies on another disk".to_owned()));
        }
        Ok(Self {
            name,
            flags,
            method,
            crc,
            packed,
            size,
            offset,
            made_by,
            attributes,
        })
    }

    pub(super) fn flags_agree(&self, local: &Local) -> bool {
        self.flags & TELLING == local.flags & TELLING
    }

    /// Whether Unix programs take it for a symbolic link.
    pub(super) fn is_link(&self) -> bool {
        const UNIX: [u16; 2] = [3, 19];
        UNIX.contains(&(self.made_by >> 8)) && self.attributes >> 28 == 0o12
    }
}

/// A 32-bit field, or the 64-bit one that it points to.
fn widened(narrow: u32, wide: &mut Option<Fields<'_>>) -> Result<u64, Flaw> {
    match wide {
        Some(wide) if narrow == u32::MAX => wide
            .u64()
            .ok_or_else(|| mismatch("a 64-bit length that is not there".to_owned())),
        _ => Ok(narrow.into()),
    }
}

/// The extra fields that matter.
struct Extra<'a> {
    zip64: Option<&'a [u8]>,
    name: Option<String>,
}

impl<'a> Extra<'a> {
    fn parse(bytes: &'a [u8], name: &[u8]) -> Result<Self, Flaw> {
        let mut extra = Self {
            zip64: None,
            name: None,
        };
        let mut fields = Fields(bytes);
        // Some writers fill up with a few zeros, which are no field.
        while let (Some(id), Some(len)) = (fields.u16(), fields.u16()) {
            let Some(value) = fields.bytes(len.into()) else { break };
            match id {
                EXTRA_ZIP64 if extra.zip64.replace(value).is_some() => {
                    return Err(mismatch("an entry with two 64-bit lengths".to_owned()));
                }
                EXTRA_NAME => extra.name = other_name(value, name)?,
                _ => {}
            }
        }
        Ok(extra)
    }
}

/// A name in UTF-8 beside one in an old code page; it counts if it was made for just that name.
fn other_name(value: &[u8], name: &[u8]) -> Result<Option<String>, Flaw> {
    let mut fields = Fields(value);
    let (Some(_version), Some(crc)) = (fields.bytes(1), fields.u32()) else {
        return Ok(None);
    };
    if crc != crc32fast::hash(name) || fields.0 == name {
        return Ok(None);
    }
    if name.is_ascii() {
        return Err(mismatch("an entry with two names".to_owned()));
    }
    Ok(Some(String::from_utf8_lossy(fields.0).into_owned()))
}

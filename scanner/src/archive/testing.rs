//! Archives for tests, made at run time: honest ones, and ones that lie in just one place.

use std::io::Write;

use bzip2::write::BzEncoder;
use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder};

/// The EICAR test file, put together here so that no scanner takes this source for it.
pub(super) fn eicar() -> Vec<u8> {
    let parts = [
        "X5O!P%@AP[4\\PZX54(P^)7CC)7}$",
        "EICAR-STANDARD",
        "-ANTIVIRUS-TEST-FILE",
        "!$H+H*",
    ];
    parts.concat().into_bytes()
}

pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub(super) fn bzip2(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub(super) fn zstd(bytes: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
}

fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// One tar header with its bytes and padding; `size` is what it states.
pub(super) fn tar_entry(name: &str, flag: u8, link: &str, size: u64, bytes: &[u8]) -> Vec<u8> {
    let mut block = [0; 512];
    block[..name.len()].copy_from_slice(name.as_bytes());
    block[100..108].copy_from_slice(b"0000644\0");
    block[124..136].copy_from_slice(format!("{size:011o}\0").as_bytes());
    block[148..156].fill(b' ');
    block[156] = flag;
    block[157..157 + link.len()].copy_from_slice(link.as_bytes());
    block[257..265].copy_from_slice(b"ustar\x0000");
    let sum: u32 = block.iter().map(|&byte| u32::from(byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    let mut entry = block.to_vec();
    entry.extend(bytes);
    entry.resize(entry.len().next_multiple_of(512), 0);
    entry
}

pub(crate) fn tar_file(name: &str, bytes: &[u8]) -> Vec<u8> {
    tar_entry(name, b'0', "", bytes.len() as u64, bytes)
}

/// A PAX header of these records.
pub(super) fn pax(records: &str) -> Vec<u8> {
    tar_entry("pax", b'x', "", records.len() as u64, records.as_bytes())
}

/// Entries and the end.
pub(crate) fn tar(entries: &[Vec<u8>]) -> Vec<u8> {
    let mut tar = entries.concat();
    tar.extend([0; 1024]);
    tar
}

/// An entry of a zip, with what its directory record says where that differs.
#[derive(Clone)]
pub(super) struct ZipEntry {
    pub(super) name: String,
    pub(super) listed_name: String,
    pub(super) bytes: Vec<u8>,
    pub(super) deflated: bool,
    pub(super) descriptor: bool,
    pub(super) flags: u16,
    pub(super) method: Option<u16>,
    pub(super) crc: Option<u32>,
    pub(super) attributes: u32,
    /// Where the directory says it starts.
    pub(super) offset: Option<u32>,
    pub(super) unlisted: bool,
}

impl ZipEntry {
    pub(super) fn new(name: &str, bytes: impl Into<Vec<u8>>) -> Self {
        Self {
            name: name.to_owned(),
            listed_name: name.to_owned(),
            bytes: bytes.into(),
            deflated: true,
            descriptor: false,
            flags: 0,
            method: None,
            crc: None,
            attributes: 0,
            offset: None,
            unlisted: false,
        }
    }
}

pub(super) fn zip(entries: &[ZipEntry]) -> Vec<u8> {
    let (mut out, mut directory, mut listed) = (Vec::new(), Vec::new(), 0_u16);
    for entry in entries {
        let offset = out.len() as u32;
        let packed = if entry.deflated {
            deflate(&entry.bytes)
        } else {
            entry.bytes.clone()
        };
        let crc = entry.crc.unwrap_or_else(|| crc32fast::hash(&entry.bytes));
        let flags = entry.flags | if entry.descriptor { 8 } else { 0 };
        let method = entry.method.unwrap_or(if entry.deflated { 8 } else { 0 });
        let lengths = [crc, packed.len() as u32, entry.bytes.len() as u32];
        let stated = if entry.descriptor { [0; 3] } else { lengths };
        let common = |flags: u16, values: [u32; 3], name: &str| {
            let mut bytes = [20_u16, flags, method, 0, 0].map(u16::to_le_bytes).concat();
            bytes.extend(values.map(u32::to_le_bytes).concat());
            bytes.extend((name.len() as u16).to_le_bytes());
            bytes.extend([0; 2]);
            bytes
        };
        out.extend(b"PK\x03\x04");
        out.extend(common(flags, stated, &entry.name));
        out.extend(entry.name.as_bytes());
        out.extend(&packed);
        if entry.descriptor {
            out.extend(b"PK\x07\x08");
            out.extend(lengths.map(u32::to_le_bytes).concat());
        }
        if entry.unlisted {
            continue;
        }
        listed += 1;
        directory.extend(b"PK\x01\x02\x14\x03");
        directory.extend(common(flags, lengths, &entry.listed_name));
        directory.extend([0; 6]);
        directory.extend(entry.attributes.to_le_bytes());
        directory.extend(entry.offset.unwrap_or(offset).to_le_bytes());
        directory.extend(entry.listed_name.as_bytes());
    }
    let start = out.len() as u32;
    out.extend(&directory);
    out.extend(b"PK\x05\x06\0\0\0\0");
    out.extend([listed, listed].map(u16::to_le_bytes).concat());
    out.extend([directory.len() as u32, start].map(u32::to_le_bytes).concat());
    out.extend([0; 2]);
    out
}

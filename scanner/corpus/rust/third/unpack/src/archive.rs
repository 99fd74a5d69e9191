use std::{
    fs::{self, File},
    io::{self, Read},
    path::{Component, Path},
};

use flate2::read::GzDecoder;
use tar::Archive;
use zip::ZipArchive;

const ENTRY_LIMIT: u64 = 64 * 1024 * 1024;

pub fn names(archive: &Path) -> zip::result::ZipResult<Vec<String>> {
    let zip = ZipArchive::new(File::open(archive)?)?;
    Ok(zip.file_names().map(str::to_owned).collect())
}

pub fn extract(archive: &Path, out: &Path) -> zip::result::ZipResult<usize> {
    let mut zip = ZipArchive::new(File::open(archive)?)?;
    for index in 0..zip.len() {
        let entry = zip.by_index(index)?;
        let target = out.join(entry.name());
        if entry.is_dir() {
            fs::create_dir_all(&target)?;
            continue;
        }
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent)?;
        }
        io::copy(&mut entry.take(ENTRY_LIMIT), &mut File::create(&target)?)?;
    }
    Ok(zip.len())
}

pub fn extract_theme(archive: &Path, out: &Path) -> zip::result::ZipResult<usize> {
    let mut zip = ZipArchive::new(File::open(archive)?)?;
    for index in 0..zip.len() {
        let entry = zip.by_index(index)?;
        let Some(name) = entry.enclosed_name() else {
            continue;
        };
        let target = out.join(name);
        if entry.is_dir() {
            fs::create_dir_all(&target)?;
            continue;
        }
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent)?;
        }
        io::copy(&mut entry.take(ENTRY_LIMIT), &mut File::create(&target)?)?;
    }
    Ok(zip.len())
}

pub fn restore(archive: &Path, out: &Path) -> io::Result<()> {
    let mut tar = Archive::new(GzDecoder::new(File::open(archive)?));
    for entry in tar.entries()? {
        let mut entry = entry?;
        let path = entry.path()?.into_owned();
        entry.unpack(out.join(path))?;
    }
    Ok(())
}

pub fn restore_home(archive: &Path, out: &Path) -> io::Result<()> {
    let mut tar = Archive::new(GzDecoder::new(File::open(archive)?));
    for entry in tar.entries()? {
        let mut entry = entry?;
        if !entry.unpack_in(out)? {
            eprintln!("skipped {:?}", entry.path()?);
        }
    }
    Ok(())
}

fn plain(path: &Path) -> bool {
    path.components().all(|part| matches!(part, Component::Normal(_)))
}

pub fn restore_texts(archive: &Path, out: &Path) -> io::Result<()> {
    let mut tar = Archive::new(GzDecoder::new(File::open(archive)?));
    for entry in tar.entries()? {
        let mut entry = entry?;
        let path = entry.path()?.into_owned();
        if !plain(&path) || !entry.header().entry_type().is_file() {
            continue;
        }
        let target = out.join(&path);
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent)?;
        }
        io::copy(&mut entry.by_ref().take(ENTRY_LIMIT), &mut File::create(target)?)?;
    }
    Ok(())
}

pub fn inflate(body: &[u8]) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    GzDecoder::new(body).read_to_end(&mut text)?;
    Ok(text)
}

pub fn inflate_page(body: &[u8]) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    let mut reader = GzDecoder::new(body).take(ENTRY_LIMIT + 1);
    reader.read_to_end(&mut text)?;
    if text.len() as u64 > ENTRY_LIMIT {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "page too large"));
    }
    Ok(text)
}

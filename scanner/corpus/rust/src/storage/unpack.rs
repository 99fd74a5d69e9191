//! Command that unpacks plug-in archives sent in by authors.

use clap::Parser;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use zip::ZipArchive;

#[derive(Parser)]
pub struct Options {
    archive: PathBuf,
    #[arg(long, default_value = "/srv/plugins")]
    into: PathBuf,
}

fn prepare(target: &Path) -> io::Result<File> {
    if let Some(parent) = target.parent() {
        fs::create_dir_all(parent)?;
    }
    File::create(target)
}

pub fn unpack_all(options: &Options) -> io::Result<usize> {
    let mut archive = ZipArchive::new(File::open(&options.archive)?)?;
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index)?;
        if entry.is_dir() {
            continue;
        }
        let target = options.into.join(entry.name());
        io::copy(&mut entry, &mut prepare(&target)?)?;
    }
    Ok(archive.len())
}

pub fn unpack_plugin(options: &Options) -> io::Result<usize> {
    let mut archive = ZipArchive::new(File::open(&options.archive)?)?;
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index)?;
        let Some(name) = entry.enclosed_name() else { continue };
        if entry.is_dir() {
            continue;
        }
        let target = options.into.join(name);
        io::copy(&mut entry, &mut prepare(&target)?)?;
    }
    Ok(archive.len())
}

pub fn read_manifest(options: &Options) -> io::Result<String> {
    let mut archive = ZipArchive::new(File::open(&options.archive)?)?;
    let mut text = String::new();
    archive.by_name("plugin.toml")?.read_to_string(&mut text)?;
    Ok(text)
}

pub fn run() -> io::Result<()> {
    let options = Options::parse();
    println!("{}", read_manifest(&options)?);
    println!("{} entries", unpack_plugin(&options)?);
    Ok(())
}

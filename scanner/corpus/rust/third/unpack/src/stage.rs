use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

pub fn stage(bytes: &[u8]) -> io::Result<PathBuf> {
    let path = PathBuf::from(format!("/tmp/unpack-{}.part", std::process::id()));
    let mut file = File::create(&path)?;
    file.write_all(bytes)?;
    Ok(path)
}

pub fn stage_once(bytes: &[u8]) -> io::Result<PathBuf> {
    let path = std::env::temp_dir().join(format!("unpack-{}.once", std::process::id()));
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path)?;
    file.write_all(bytes)?;
    Ok(path)
}

pub fn stage_named(bytes: &[u8]) -> io::Result<tempfile::NamedTempFile> {
    let mut file = tempfile::Builder::new().prefix("unpack-").tempfile_in("/tmp")?;
    file.write_all(bytes)?;
    Ok(file)
}

pub fn write_manifest(out: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .open(out.join("manifest"))?;
    file.set_permissions(fs::Permissions::from_mode(0o666))?;
    file.write_all(text.as_bytes())
}

pub fn write_index(out: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .open(out.join("index"))?;
    file.set_permissions(fs::Permissions::from_mode(0o644))?;
    file.write_all(text.as_bytes())
}

//! Keys in files: a private one that others could read is refused, and none is ever overwritten.
//!
//! A private key is PKCS#8 PEM (as openssl writes it) or OpenSSH; its public half stands beside it as `NAME.pub`, one
//! OpenSSH line. Permissions are those of the opened descriptor, so that the file checked is the file read.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use protocol::keys::{KeyError, PublicKey, SigningKey};
use zeroize::Zeroizing;

use crate::storage::{Disk, OpenHow, Storage, open_regular, read_descriptor};

/// Why a key file could not be used or made.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// It cannot be opened or read.
    #[error("cannot read the key file {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Group or others have rights on a private key.
    #[error("the private key {} can be read by others (mode {mode:04o}); mend: chmod 600 {}", path.display(), path.display())]
    OpenToOthers {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// It holds no usable private key.
    #[error("no usable private key in {}", path.display())]
    NotAPrivateKey {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: KeyError,
    },
    /// It holds no usable public key.
    #[error("no usable public key in {}", path.display())]
    NotAPublicKey {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: KeyError,
    },
    /// A private key was given where a public one belongs.
    #[error("{} is a private key, and a public one is needed; mend: give {}", path.display(), public_path(path).display())]
    PrivateGiven {
        /// The file.
        path: PathBuf,
    },
    /// A public key was given where a private one belongs.
    #[error("{} is a public key, and a private one is needed; mend: give the file without .pub", path.display())]
    PublicGiven {
        /// The file.
        path: PathBuf,
    },
    /// The name is taken.
    #[error("{} exists, and a key is never overwritten; mend: choose another name, or move it away", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// It cannot be written.
    #[error("cannot write the key file {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Reads a private key that nobody but its owner can read.
///
/// # Errors
/// [`KeyFileError`], naming the file and, where there is one, the mend. It never contains the file's text.
pub fn load(path: &Path) -> Result<SigningKey, KeyFileError> {
    let fail = |source| KeyFileError::Read {
        path: path.to_owned(),
        source,
    };
    let (fd, stat) = open_regular(path).map_err(fail)?;
    let mode = stat.st_mode & 0o7777;
    let bytes = Zeroizing::new(read_descriptor(&fd, &stat, path, MAX_KEY_LEN).map_err(fail)?);
    let text = str::from_utf8(&bytes).unwrap_or_default();
    if is_public(text) {
        return Err(KeyFileError::PublicGiven { path: path.to_owned() });
    }
    if mode & 0o077 != 0 {
        return Err(KeyFileError::OpenToOthers {
            path: path.to_owned(),
            mode,
        });
    }
    SigningKey::parse(text).map_err(|source| KeyFileError::NotAPrivateKey {
        path: path.to_owned(),
        source,
    })
}

/// Reads a public key: an OpenSSH line or PEM.
///
/// # Errors
/// [`KeyFileError`], naming the file.
pub fn load_public(path: &Path) -> Result<PublicKey, KeyFileError> {
    let fail = |source| KeyFileError::Read {
        path: path.to_owned(),
        source,
    };
    let (fd, stat) = open_regular(path).map_err(fail)?;
    let bytes = Zeroizing::new(read_descriptor(&fd, &stat, path, MAX_KEY_LEN).map_err(fail)?);
    let text = str::from_utf8(&bytes).unwrap_or_default();
    if text.contains("PRIVATE KEY") {
        return Err(KeyFileError::PrivateGiven { path: path.to_owned() });
    }
    PublicKey::parse(text).map_err(|source| KeyFileError::NotAPublicKey {
        path: path.to_owned(),
        source,
    })
}

/// Writes a private key (PKCS#8 PEM, mode 0600) and its public half beside it (`NAME.pub`, one OpenSSH line), durably.
///
/// # Errors
/// [`KeyFileError::Exists`] if either name is taken; nothing is then written. After another error neither file is left.
pub fn create(path: &Path, key: &SigningKey, comment: &str) -> Result<(), KeyFileError> {
    let public = public_path(path);
    let (folder, name) = folder_of(path)?;
    if folder
        .stat(Path::new(&name))
        .map_err(|error| not_written(path, error))?
        .is_some()
    {
        return Err(KeyFileError::Exists { path: path.to_owned() });
    }
    let public_name = public_path(Path::new(&name));
    let line = format!("{}\n", key.public().to_openssh(comment));
    write_new(&folder, &public_name, line.as_bytes(), 0o644).map_err(|e| not_written(&public, e))?;
    let pem = key.to_pkcs8_pem();
    let written =
        write_new(&folder, Path::new(&name), pem.as_bytes(), 0o600).and_then(|()| folder.sync_dir(Path::new("")));
    written.map_err(|error| {
        // The private key was not made: its public half would name a key that nobody has.
        let _ = folder.remove_file(&public_name);
        not_written(path, error)
    })
}

/// Where the public half of a key file lies.
#[must_use]
pub fn public_path(path: &Path) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(".pub");
    PathBuf::from(name)
}

fn folder_of(path: &Path) -> Result<(Disk, OsString), KeyFileError> {
    let fail = |source| KeyFileError::Write {
        path: path.to_owned(),
        source,
    };
    let name = path
        .file_name()
        .ok_or_else(|| fail(io::Error::from(io::ErrorKind::InvalidFilename)))?;
    let folder = Disk::open(path.parent().unwrap_or(Path::new(""))).map_err(fail)?;
    Ok((folder, name.to_owned()))
}

fn write_new(folder: &Disk, name: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let file = folder.open(name, OpenHow::CreateNew { mode })?;
    file.write_at(bytes, 0)
        .and_then(|()| file.sync_data())
        .inspect_err(|_| {
            // Half a key must not stand under the name; the first error is the one to report.
            let _ = folder.remove_file(name);
        })
}

fn not_written(path: &Path, source: io::Error) -> KeyFileError {
    let path = path.to_owned();
    match source.kind() {
        io::ErrorKind::AlreadyExists => KeyFileError::Exists { path },
        _ => KeyFileError::Write { path, source },
    }
}

fn is_public(text: &str) -> bool {
    let text = text.trim_start();
    text.starts_with("ssh-") || text.starts_with("-----BEGIN PUBLIC KEY")
}

/// An Ed25519 key file has some hundred bytes; an RSA one, given by mistake, a few thousand.
const MAX_KEY_LEN: u64 = 64 * 1024;

#[cfg(test)]
mod tests {
    #![allow(
        clippy::disallowed_methods,
        reason = "a test prepares files by itself, and fails by panicking"
    )]

    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn key() -> SigningKey {
        SigningKey::from_seed([3; 32])
    }

    fn made() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("author");
        create(&path, &key(), "alice@lab").unwrap();
        (folder, path)
    }

    fn set_mode(path: &Path, mode: u32) {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn a_created_key_reads_back_with_its_public_half() {
        let (_folder, path) = made();
        assert_eq!(load(&path).unwrap().public(), key().public());
        assert_eq!(load_public(&public_path(&path)).unwrap(), key().public());
    }

    #[test]
    fn a_created_private_key_is_for_its_owner_alone() {
        let (_folder, path) = made();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
    }

    #[test]
    fn a_key_that_its_group_can_read_is_refused_with_the_mend() {
        let (_folder, path) = made();
        set_mode(&path, 0o640);
        let error = load(&path).unwrap_err().to_string();
        assert!(
            error.contains("mode 0640") && error.ends_with(&format!("mend: chmod 600 {}", path.display())),
            "{error}"
        );
    }

    #[test]
    fn a_key_that_only_its_owner_reads_is_taken() {
        let (_folder, path) = made();
        set_mode(&path, 0o400);
        assert!(load(&path).is_ok());
    }

    #[test]
    fn an_existing_key_is_not_overwritten() {
        let (_folder, path) = made();
        let before = std::fs::read(&path).unwrap();
        std::fs::remove_file(public_path(&path)).unwrap();
        let error = create(&path, &SigningKey::from_seed([4; 32]), "").unwrap_err();
        assert!(
            matches!(error, KeyFileError::Exists { path: ref named } if *named == path),
            "{error}"
        );
        assert_eq!(std::fs::read(&path).unwrap(), before);
        assert!(
            !public_path(&path).exists(),
            "no public half of a key that was not written"
        );
    }

    #[test]
    fn an_existing_public_half_is_not_overwritten() {
        let (_folder, path) = made();
        std::fs::remove_file(&path).unwrap();
        assert!(
            matches!(create(&path, &key(), ""), Err(KeyFileError::Exists { path: named }) if named == public_path(&path))
        );
        assert!(!path.exists());
    }

    #[test]
    fn a_public_key_given_as_a_private_one_is_told_apart() {
        let (_folder, path) = made();
        assert!(matches!(
            load(&public_path(&path)),
            Err(KeyFileError::PublicGiven { .. })
        ));
        assert!(matches!(load_public(&path), Err(KeyFileError::PrivateGiven { .. })));
    }

    #[test]
    fn a_file_that_is_no_key_is_named_without_its_text() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notes");
        std::fs::write(&path, "hunter2").unwrap();
        set_mode(&path, 0o600);
        let error = load(&path).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("no usable private key in {}", path.display())
        );
        assert!(!format!("{error:?}").contains("hunter2"));
    }
}

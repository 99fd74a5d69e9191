//! An author's desk: a key, and folders that become signed bundles.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use audit::keyfile;
use protocol::digest::BundleId;
use protocol::keys::SigningKey;
use serde::Deserialize;

use super::{DriveError, Finished, Program, Programs};

/// An author with a key of their own.
#[derive(Debug, Clone)]
pub struct Author {
    programs: Programs,
    name: String,
    key: PathBuf,
    fingerprint: String,
}

/// What a folder is packed as.
#[derive(Debug, Clone, Copy)]
pub struct Packing<'a> {
    /// The folder.
    pub folder: &'a Path,
    /// The receiver that it is for.
    pub audience: &'a str,
    /// Whether files that git does not track are taken too.
    pub all: bool,
    /// What is left out, as patterns.
    pub exclude: &'a [String],
    /// The bundle file to write.
    pub output: &'a Path,
}

/// A bundle file, as `diode-pack pack --json` tells of it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Packed {
    /// The bundle's id.
    pub bundle: BundleId,
    /// The file.
    pub file: PathBuf,
    /// Files in it.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
}

#[derive(Deserialize)]
struct Keygen {
    key: String,
}

impl Author {
    /// Makes a key for the author called `name` in `folder`.
    ///
    /// # Errors
    /// [`DriveError`] if `diode-pack keygen` fails.
    pub fn keygen(programs: &Programs, folder: &Path, name: &str) -> Result<Self, DriveError> {
        let key = key_file(folder, name);
        let args = [
            "keygen".as_ref(),
            "--out".as_ref(),
            key.as_os_str(),
            "--comment".as_ref(),
            name.as_ref(),
            "--json".as_ref(),
        ];
        let Keygen { key: fingerprint } = read(&programs.run(Program::Pack, args)?.done()?)?;
        Ok(Self {
            programs: programs.clone(),
            name: name.to_owned(),
            key,
            fingerprint,
        })
    }

    /// The author called `name` with this key, which is written to `folder`.
    ///
    /// # Errors
    /// [`DriveError::Key`] if it can't be.
    pub fn with_key(programs: &Programs, folder: &Path, name: &str, key: &SigningKey) -> Result<Self, DriveError> {
        let file = key_file(folder, name);
        keyfile::create(&file, key, name)?;
        Ok(Self {
            programs: programs.clone(),
            name: name.to_owned(),
            key: file,
            fingerprint: key.public().fingerprint().to_string(),
        })
    }

    /// Who it is, as receivers' allowed_signers have it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The key's fingerprint, `SHA256:…`.
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// The file with the public key.
    #[must_use]
    pub fn public_key(&self) -> PathBuf {
        keyfile::public_path(&self.key)
    }

    /// Packs and signs a folder.
    ///
    /// # Errors
    /// [`DriveError`] if `diode-pack pack` refuses it: with its words.
    pub fn pack(&self, packing: &Packing<'_>) -> Result<Packed, DriveError> {
        let Packing {
            folder,
            audience,
            all,
            exclude,
            output,
        } = *packing;
        let mut args: Vec<OsString> = vec!["pack".into(), folder.into(), "--key".into(), self.key.clone().into()];
        args.extend(["--author", &self.name, "--audience", audience, "-o"].map(OsString::from));
        args.extend([output.into(), "--json".into()]);
        for pattern in exclude {
            args.extend(["--exclude".into(), pattern.into()]);
        }
        if all {
            args.push("--all".into());
        }
        read(&self.programs.start(Program::Pack, args)?.wait(LONGEST_PACK)?.done()?)
    }
}

fn key_file(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{}.key", name.replace('@', "-at-")))
}

/// Packing reads, hashes and writes the whole content, on a slow disk too.
const LONGEST_PACK: std::time::Duration = std::time::Duration::from_secs(1800);

fn read<T: for<'de> Deserialize<'de>>(finished: &Finished) -> Result<T, DriveError> {
    let json = finished.json()?;
    T::deserialize(&json).map_err(|error| DriveError::Unexpected {
        program: Program::Pack.name(),
        reason: error.to_string(),
        text: json.to_string(),
    })
}

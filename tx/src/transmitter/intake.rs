//! Bundle files that the operator names: told from folders, opened, and checked: the head before anything of them is sent, all of it
//! when they are inspected. What is sent of the content is checked as it is read.
//!
//! Always true:
//! - a bundle whose head or length is not as it was signed never reaches the link, and costs no number;
//! - nothing here says who signed: there is no trust on a transmitter.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use audit::storage::{Disk, EntryKind, OpenHow, Storage};
use indicatif::{ProgressBar, ProgressStyle};

use crate::bundle_file::{BundleFile, BundleFileError};
use crate::complaint::Complaint;

/// Refuses a folder, with the command that packs it.
///
/// # Errors
/// A [`Complaint`] (exit 2) if `path` is one.
pub(super) fn refuse_folder(path: &Path) -> Result<(), Complaint> {
    if Disk::open(path).is_err() {
        return Ok(());
    }
    let folder = shell_word(path);
    Err(Complaint::usage("this is a folder, and only signed bundles are sent")
        .fact("folder", path.display())
        .mend("pack it at the author's desk, then send the bundle that comes of it:")
        .mend(format_args!(
            "diode-pack pack {folder} --key AUTHOR.key --author NAME --audience RECEIVER"
        )))
}

/// Opens the bundle file at `path` and checks it but for its content.
///
/// # Errors
/// A [`Complaint`]: exit 2 if there is no such file, 5 if it is not as it was signed, 1 if the disk fails.
pub(super) fn open(path: &Path) -> Result<BundleFile, Complaint> {
    let (folder, name) = folder_and_name(path)?;
    let name = Path::new(&name);
    let unopened = |cause: &dyn std::fmt::Display| {
        Complaint::usage("the bundle file can't be opened")
            .fact("file", path.display())
            .fact("cause", cause)
    };
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::NotFound | io::ErrorKind::IsADirectory => {
            unopened(&error).mend("make it readable")
        }
        // Out of descriptors, or an ailing disk.
        _ => Complaint::failed("the bundle file can't be opened")
            .fact("file", path.display())
            .fact("cause", error)
            .mend("see to the disk, and to the limit of open files; then try again"),
    };
    match folder.stat(name).map_err(failed)?.map(|found| found.kind) {
        None => return Err(unopened(&"there is no such file").mend("check the name")),
        Some(EntryKind::Symlink) => {
            return Err(unopened(&"it is a link, and no link is followed").mend("give the file itself"));
        }
        Some(EntryKind::Other) => return Err(unopened(&"it is no regular file").mend("give a .bundle file")),
        Some(EntryKind::File | EntryKind::Dir) => {}
    }
    let file = folder.open(name, OpenHow::Read).map_err(failed)?;
    BundleFile::open(file).map_err(|error| damaged(path, &error))
}

/// Checks every leaf against the signed index and every file against its digest, with a bar on a terminal if `shown`.
///
/// # Errors
/// A [`Complaint`]: exit 5 with what failed, 1 if the disk fails.
pub(super) fn verify(path: &Path, bundle: &BundleFile, shown: bool) -> Result<(), Complaint> {
    let bar = if shown {
        ProgressBar::new(bundle.statement().content_len)
    } else {
        ProgressBar::hidden()
    };
    if let Ok(style) = ProgressStyle::with_template("checking {bar:40} {binary_bytes} of {binary_total_bytes}") {
        bar.set_style(style);
    }
    let verified = bundle.verify_all(|bytes| bar.set_position(bytes));
    bar.finish_and_clear();
    verified.map_err(|error| damaged(path, &error))
}

/// What to say of a bundle file that can't be used.
pub(super) fn damaged(path: &Path, error: &BundleFileError) -> Complaint {
    let said = |complaint: Complaint| {
        complaint
            .fact("file", path.display())
            .fact("failed", error)
            .causes(error)
    };
    match error {
        BundleFileError::Read(cause) if cause.kind() != io::ErrorKind::UnexpectedEof => {
            said(Complaint::failed("the bundle file can't be read")).mend("see to the disk, then try again")
        }
        BundleFileError::Prefix(_) => said(Complaint::integrity("the file is no bundle, or its start is damaged"))
            .mend("give a file that diode-pack made, or get it again from where it was packed"),
        _ => said(Complaint::integrity("the bundle file is not as it was signed"))
            .mend("get the file again from where it was packed, and compare the bundle id"),
    }
}

/// Opens the folder that `path` is in, and gives the name in it.
fn folder_and_name(path: &Path) -> Result<(Disk, OsString), Complaint> {
    let Some(name) = path.file_name() else {
        return Err(Complaint::usage("this names no file")
            .fact("file", path.display())
            .mend("give a bundle file"));
    };
    let folder = Disk::open(path.parent().unwrap_or(Path::new(""))).map_err(|error| {
        let text = "the bundle file's folder can't be opened";
        let complaint = match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::PermissionDenied => {
                Complaint::usage(text).mend("check the name")
            }
            _ => Complaint::failed(text).mend("see to the disk, and to the limit of open files; then try again"),
        };
        complaint.fact("cause", error)
    })?;
    Ok((folder, name.to_owned()))
}

/// `path` as one word of a shell's command line.
fn shell_word(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+@%:,=".contains(c);
    if !text.is_empty() && text.chars().all(plain) && !text.starts_with('-') {
        return text;
    }
    // A leading dash would be taken for a flag.
    let dash = if text.starts_with('-') { "./" } else { "" };
    format!("'{dash}{}'", text.replace('\'', r"'\''"))
}

/// A bundle that was found sound, and where it lies.
#[derive(Debug)]
pub(super) struct Sound {
    pub(super) path: PathBuf,
    pub(super) bundle: Arc<BundleFile>,
}

impl Sound {
    /// Opens and checks a bundle.
    ///
    /// # Errors
    /// As [`open`] and [`verify`].
    pub(super) fn check(path: &Path, shown: bool) -> Result<Self, Complaint> {
        let bundle = open(path)?;
        verify(path, &bundle, shown)?;
        Ok(Self {
            path: path.to_owned(),
            bundle: Arc::new(bundle),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_path_is_a_word_as_it_is() {
        assert_eq!(shell_word(Path::new("../src/a-b_c.d")), "../src/a-b_c.d");
    }

    #[test]
    fn a_path_that_a_shell_would_take_apart_is_quoted() {
        let words = ["a b", "it's", "-rf", "$(x)"].map(|path| shell_word(Path::new(path)));
        assert_eq!(words, ["'a b'", r"'it'\''s'", "'./-rf'", "'$(x)'"]);
    }
}

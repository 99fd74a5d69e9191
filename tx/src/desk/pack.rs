//! `diode-pack pack`: a folder becomes a signed bundle file.
//!
//! ```text
//! key ─▶ patterns ─▶ git ─▶ choose ─▶ refuse? ─▶ temporary file ─▶ sync ─▶ rename, replacing nothing
//!                                     └─▶ --dry-run ends here
//! ```
//!
//! Always true:
//! - whatever is refused is refused before a byte is written;
//! - under a final name there is a whole, durable bundle or nothing; a temporary file goes with the error that made it useless.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use audit::keyfile;
use audit::storage::{Disk, OpenHow, Storage, StorageFile};
use indicatif::{ProgressBar, ProgressStyle};
use protocol::bundle::{AiShare, BundleError, FileRecord, Kind, Origin, Statement};
use protocol::digest::Digest;
use protocol::keys::SigningKey;
use protocol::limits::MAX_FILES;
use protocol::time::UnixMillis;

use super::args::{PackArgs, Share};
use super::folder_and_name;
use super::git;
use super::ignore::{IGNORE_FILE, Rules, pattern_for, shell_word};
use super::lifetime;
use super::source::Source;
use super::summary::{self, Packed};
use super::walk::{self, Chosen, Listed, Offence, Selection};
use super::write::{Watch, WriteError, Written, write_bundle};
use crate::complaint::Complaint;
use crate::interrupt;
use crate::output;
use crate::units::count_text;

pub(super) fn pack(args: &PackArgs, now: UnixMillis) -> Result<(), Complaint> {
    let key = match &args.key {
        Some(file) if !args.dry_run => Some(keyfile::load(file)?),
        _ => None,
    };
    let not_after = lifetime::not_after(&args.not_after, now).map_err(|error| {
        Complaint::usage("--not-after can't be used")
            .fact("cause", error)
            .mend("for example --not-after 30d")
    })?;
    let folder = open_folder(&args.dir)?;
    let rules = read_rules(&folder, &args.exclude)?;
    let source = Source::of(git::look_at(&args.dir), args.all)?;
    let selection = walk::choose(&folder, source.taken(), &rules)
        .map_err(|error| Complaint::usage("the folder can't be read").fact("cause", error))?;
    refuse_offences(&selection)?;
    note_bundles(&selection);
    let Some(key) = key else {
        return output::print(&summary::dry_run(&selection, &source, args.json)?);
    };
    let draft = draft(args, now, not_after, &selection, &source);
    draft.check().map_err(|error| refused_statement(&error))?;
    let (written, file) = write_file(args, &folder, draft.clone(), &key, file_mode(&selection.files))?;
    let packed = Packed {
        statement: &draft,
        written: &written,
        file: &file,
        key: key.public().fingerprint(),
    };
    output::print(&summary::packed(&packed, &selection, &source, args.json)?)
}

fn open_folder(path: &Path) -> Result<Disk, Complaint> {
    Disk::open(path).map_err(|error| {
        Complaint::usage("there is no folder to pack")
            .fact("cause", error)
            .mend("give the folder that holds the files")
    })
}

/// The rules of `--exclude` and of the folder's ignore file.
fn read_rules(folder: &dyn Storage, excludes: &[String]) -> Result<Rules, Complaint> {
    let unreadable =
        |cause: &dyn std::fmt::Display| Complaint::usage(format!("{IGNORE_FILE} can't be read")).fact("cause", cause);
    let text = match folder
        .open(Path::new(IGNORE_FILE), OpenHow::Read)
        .and_then(|file| file.read_all(MAX_IGNORE_LEN))
    {
        Ok(bytes) => String::from_utf8(bytes).map_err(|error| unreadable(&error))?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(unreadable(&error)),
    };
    Rules::new(excludes, &text).map_err(|error| {
        Complaint::usage("a pattern can't be read")
            .fact("where", &error.place)
            .fact("pattern", &error.pattern)
            .fact("cause", &error.reason)
            .mend("write it as in a .gitignore; put a \\ before a character that has no meaning")
    })
}

const MAX_IGNORE_LEN: u64 = 1 << 20;

/// Refuses a folder that can't be packed as it is, naming what offends and the `--exclude` that leaves it out.
fn refuse_offences(selection: &Selection) -> Result<(), Complaint> {
    let Listed { shown, count } = &selection.offences;
    if *count > 0 {
        return Err(offence_complaint(shown, *count));
    }
    if selection.surplus > 0 {
        let count = selection.files.len() as u64 + selection.surplus;
        return Err(Complaint::usage(format!(
            "{count} files are too many for a bundle, {MAX_FILES} are the most"
        ))
        .mend("pack a folder below, or leave some out with --exclude"));
    }
    if selection.files.is_empty() {
        return Err(nothing_to_pack(selection));
    }
    Ok(())
}

fn offence_complaint(shown: &[Offence], count: u64) -> Complaint {
    let mut complaint = Complaint::usage(format!("{} can't be packed", count_text(count, "path", "paths")));
    for Offence { path, why } in shown {
        complaint = complaint.fact("refused", format!("{}: {why}", walk::shown(path, false)));
    }
    let more = count - shown.len() as u64;
    if more > 0 {
        complaint = complaint.fact("refused", format!("and {more} more"));
    }
    complaint = complaint.mend("change them, or leave them out with");
    for Offence { path, .. } in shown {
        complaint = complaint.mend(format!("--exclude {}", shell_word(&pattern_for(path))));
    }
    complaint
}

/// Says so if earlier bundles are packed as well, as happens to a folder that is packed into itself.
fn note_bundles(selection: &Selection) {
    let bundles = selection
        .files
        .iter()
        .filter(|file| file.path.as_str().ends_with(".bundle"))
        .count() as u64;
    if bundles > 0 {
        let what = count_text(bundles, "bundle file is", "bundle files are");
        output::note(format_args!(
            "note: {what} among the files; to leave them out: --exclude '*.bundle'"
        ));
    }
}

fn nothing_to_pack(selection: &Selection) -> Complaint {
    let mut complaint = Complaint::usage("there is no file to pack");
    for (listed, _, reason) in summary::left_out(selection) {
        if listed.count > 0 {
            complaint = complaint.fact("left out", format!("{} {reason}", listed.count));
        }
    }
    if selection.untracked.count > 0 {
        complaint = complaint.mend("git add the files, or take untracked ones too with --all");
    }
    complaint
}

/// The statement but for its digests.
fn draft(
    args: &PackArgs,
    created: UnixMillis,
    not_after: UnixMillis,
    selection: &Selection,
    source: &Source,
) -> Statement {
    let unhashed = Digest([0; 32]);
    let record = |file: &Chosen| FileRecord {
        path: file.path.clone(),
        sha256: unhashed,
        size: file.size,
        executable: file.executable(),
    };
    let (commit, dirty) = source.commit_and_dirty(selection.packs_untracked);
    Statement {
        files: selection.files.iter().map(record).collect(),
        kind: Kind::Code,
        author: args.author.clone().unwrap_or_default(),
        created,
        not_after,
        audience: args.audience.clone(),
        target: args.target.clone(),
        description: args.description.clone(),
        origin: Origin {
            tool: args.tool.clone(),
            model: args.model.clone(),
            ai_generated: match args.ai_generated {
                Share::None => AiShare::None,
                Share::Some => AiShare::Some,
                Share::Full => AiShare::Full,
                Share::Unknown => AiShare::Unknown,
            },
            commit,
            dirty,
        },
        // A sum past 64 bits doesn't equal the sizes' and is refused with them.
        content_len: selection
            .files
            .iter()
            .fold(0, |sum: u64, file| sum.saturating_add(file.size)),
        leaf_len: args.leaf_len,
        content_root: unhashed,
    }
}

fn refused_statement(error: &BundleError) -> Complaint {
    let complaint = Complaint::usage("no bundle can be made of this").fact("cause", error);
    match error {
        BundleError::Text { field, .. } => match option_for(field) {
            Some(option) => complaint.mend(format!("give another {option}")),
            None => complaint,
        },
        BundleError::Audience { .. } => complaint.mend("give another --audience"),
        BundleError::HeadTooLong { .. } => complaint.mend("pack fewer files at once, or give a larger --leaf-len"),
        BundleError::ContentTooLong { .. } | BundleError::ContentLength { .. } => {
            complaint.mend("pack a folder below, or leave some out with --exclude")
        }
        _ => complaint,
    }
}

fn option_for(field: &str) -> Option<&'static str> {
    match field {
        "author" => Some("--author, for example alice@lab"),
        "audience" => Some("--audience, for example plant-7"),
        "target" => Some("--target"),
        "description" => Some("--description"),
        "origin.tool" => Some("--tool"),
        "origin.model" => Some("--model"),
        _ => None,
    }
}

/// The bundle is open to group and others only as far as every file in it is.
fn file_mode(files: &[Chosen]) -> u32 {
    files.iter().fold(0o644, |mode, file| mode & (file.mode | 0o600))
}

/// Writes the bundle under a temporary name and gives it its own; tells which.
fn write_file(
    args: &PackArgs,
    source: &dyn Storage,
    draft: Statement,
    key: &SigningKey,
    mode: u32,
) -> Result<(Written, PathBuf), Complaint> {
    let output = args.output.as_deref();
    let (folder, chosen_name) = match output {
        Some(path) => {
            let (folder, name) = folder_and_name(path)?;
            (folder, Some(name))
        }
        None => (Disk::open(Path::new("")).map_err(|error| unwritable(&error))?, None),
    };
    if let Some(name) = &chosen_name
        && folder
            .stat(Path::new(name))
            .map_err(|error| unwritable(&error))?
            .is_some()
    {
        return Err(already_there(Path::new(name)));
    }
    let stop = interrupt::listen();
    let temporary = Temporary::create(&folder, mode).map_err(|error| unwritable(&error))?;
    let written = write_with_progress(source, draft, key, &temporary, &stop)?;
    let name = chosen_name.map_or_else(|| PathBuf::from(default_name(&args.dir, &written)), PathBuf::from);
    temporary.publish(&name).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => already_there(&name),
        _ => unwritable(&error),
    })?;
    Ok((written, output.map_or(name, Path::to_owned)))
}

fn write_with_progress(
    source: &dyn Storage,
    draft: Statement,
    key: &SigningKey,
    temporary: &Temporary<'_>,
    stop: &AtomicBool,
) -> Result<Written, Complaint> {
    // Drawn on stderr, and only if that is a terminal.
    let bar = ProgressBar::new(draft.content_len);
    if let Ok(style) =
        ProgressStyle::with_template("packing {bar:40} {binary_bytes} of {binary_total_bytes}, {eta} left")
    {
        bar.set_style(style);
    }
    let watch = Watch {
        stop,
        progress: &|bytes| bar.set_position(bytes),
    };
    let written = write_bundle(source, draft, key, temporary.file(), &watch);
    bar.finish_and_clear();
    written.map_err(|error| match error {
        WriteError::Head(error) => refused_statement(&error),
        WriteError::Changed { .. } => Complaint::failed(error).mend("pack again when nothing writes to the folder"),
        WriteError::Interrupted => Complaint::failed("interrupted; nothing was written"),
        WriteError::Read { .. } | WriteError::Write(_) | WriteError::HeadMoved { .. } => {
            Complaint::failed(&error).causes(&error)
        }
    })
}

fn unwritable(error: &io::Error) -> Complaint {
    Complaint::failed("the bundle can't be written").fact("cause", error)
}

fn already_there(name: &Path) -> Complaint {
    Complaint::usage("a file of that name is there, and none is overwritten")
        .fact("file", name.display())
        .mend("give another name with -o, or move it away")
}

/// `NAME-ID.bundle`, with what of the folder's name can be typed anywhere.
fn default_name(dir: &Path, written: &Written) -> String {
    let absolute = std::path::absolute(dir).unwrap_or_default();
    let name = absolute
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    let plain: String = name
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-') {
                c
            } else {
                '-'
            }
        })
        .take(64)
        .collect();
    let plain = plain.trim_matches(['.', '-']);
    format!(
        "{}-{}.bundle",
        if plain.is_empty() { "files" } else { plain },
        written.id.short()
    )
}

/// A file under a name that nobody takes for a bundle; removed unless published.
struct Temporary<'a> {
    folder: &'a dyn Storage,
    name: PathBuf,
    file: Box<dyn StorageFile>,
    published: bool,
}

impl<'a> Temporary<'a> {
    fn create(folder: &'a dyn Storage, mode: u32) -> io::Result<Self> {
        let number = getrandom::u64().map_err(|error| io::Error::other(error.to_string()))?;
        let name = PathBuf::from(format!(".diode-pack-{number:016x}.tmp"));
        let file = folder.open(&name, OpenHow::CreateNew { mode })?;
        Ok(Self {
            folder,
            name,
            file,
            published: false,
        })
    }

    fn file(&self) -> &dyn StorageFile {
        &*self.file
    }

    fn publish(mut self, name: &Path) -> io::Result<()> {
        self.folder.rename_noreplace(&self.name, name)?;
        self.published = true;
        self.folder.sync_dir(Path::new(""))
    }
}

impl Drop for Temporary<'_> {
    fn drop(&mut self) {
        if !self.published {
            // The error that brought us here is the one to report.
            let _ = self.folder.remove_file(&self.name);
        }
    }
}

#[cfg(test)]
mod tests {
    use audit::storage::MemoryStorage;

    use super::*;

    fn names(storage: &MemoryStorage) -> Vec<std::ffi::OsString> {
        let entries = storage.list(Path::new("")).unwrap();
        entries.into_iter().map(|entry| entry.name).collect()
    }

    #[test]
    fn a_name_taken_while_the_bundle_was_written_is_not_replaced() {
        let storage = MemoryStorage::new();
        let temporary = Temporary::create(&storage, 0o644).unwrap();
        let taken = storage
            .open(Path::new("x"), OpenHow::CreateNew { mode: 0o644 })
            .unwrap();
        taken.write_at(b"mine", 0).unwrap();
        let error = temporary.publish(Path::new("x")).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(taken.read_all(10).unwrap(), b"mine");
        assert_eq!(names(&storage), ["x"], "the temporary file is gone");
    }

    #[test]
    fn a_published_file_has_its_name_alone() {
        let storage = MemoryStorage::new();
        Temporary::create(&storage, 0o644)
            .unwrap()
            .publish(Path::new("x"))
            .unwrap();
        assert_eq!(names(&storage), ["x"]);
    }

    #[test]
    fn a_bundles_name_can_be_typed_and_starts_with_no_dot_or_dash() {
        let written = Written {
            id: protocol::digest::BundleId(Digest([0xab; 32])),
            leaves: 0,
            file_len: 0,
        };
        let named = |dir: &str| default_name(Path::new(dir), &written);
        assert_eq!(named("/home/a/src"), "src-abababab.bundle");
        assert_eq!(named("/home/a/.my dir$"), "my-dir-abababab.bundle");
        assert_eq!(named("/"), "files-abababab.bundle");
        assert_eq!(named("/home/日本"), "files-abababab.bundle");
    }
}

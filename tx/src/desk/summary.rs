//! What `pack` tells: what it took, from where, what it left out, what came of it; as text and as JSON.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use audit::escape::terminal;
use protocol::bundle::Statement;
use protocol::digest::BundleId;
use protocol::keys::Fingerprint;
use protocol::time::UnixMillis;
use serde::Serialize;

use super::source::Source;
use super::walk::{Chosen, Listed, Selection};
use super::write::Written;
use crate::complaint::Complaint;
use crate::output::json_line;
use crate::units::{count_text, local_time_text, size_text};

/// A bundle that was written.
pub(super) struct Packed<'a> {
    pub(super) statement: &'a Statement,
    pub(super) written: &'a Written,
    pub(super) file: &'a Path,
    pub(super) key: Fingerprint,
}

/// What was left out, with the word for scripts and the reason for people.
pub(super) fn left_out(selection: &Selection) -> [(&Listed<String>, &'static str, &'static str); 3] {
    [
        (&selection.untracked, "untracked", "not tracked by git"),
        (&selection.excluded, "excluded", "by --exclude"),
        (&selection.ignored, "ignored", "by .diodeignore"),
    ]
}

/// What a dry run found.
pub(super) fn dry_run(selection: &Selection, source: &Source, json: bool) -> Result<String, Complaint> {
    let bytes = total(&selection.files);
    if json {
        let (commit, dirty) = source.commit_and_dirty(selection.packs_untracked);
        return json_line(&DryRunJson {
            schema: 1,
            dry_run: true,
            source: SourceJson {
                files: source.name(),
                commit,
                dirty,
            },
            files: selection.files.iter().map(FileJson::from).collect(),
            bytes,
            left_out: left_out_json(selection),
        });
    }
    let mut text = String::new();
    for file in &selection.files {
        let mark = if file.executable() { "  (executable)" } else { "" };
        push(
            &mut text,
            format_args!("{:>10}  {}{mark}\n", size_text(file.size), terminal(file.path.as_str())),
        );
    }
    let files = count_text(selection.files.len() as u64, "file", "files");
    push(&mut text, format_args!("\ncontents  {files}, {}\n", size_text(bytes)));
    push_source(&mut text, selection, source);
    push_left_out(&mut text, selection);
    text.push_str("dry run: nothing was signed or written\n");
    Ok(text)
}

/// What came of a packing.
pub(super) fn packed(
    packed: &Packed<'_>,
    selection: &Selection,
    source: &Source,
    json: bool,
) -> Result<String, Complaint> {
    let Packed {
        statement,
        written,
        file,
        key,
    } = packed;
    if json {
        let Statement {
            author,
            audience,
            created,
            not_after,
            origin,
            leaf_len,
            ..
        } = statement;
        return json_line(&PackedJson {
            schema: 1,
            bundle: written.id,
            file: file.display().to_string(),
            file_len: written.file_len,
            author,
            key: key.to_string(),
            audience,
            created: *created,
            not_after: *not_after,
            files: statement.files.len(),
            bytes: statement.content_len,
            leaves: written.leaves,
            leaf_len: *leaf_len,
            source: SourceJson {
                files: source.name(),
                commit: origin.commit.clone(),
                dirty: origin.dirty,
            },
            left_out: left_out_json(selection),
        });
    }
    let mut text = String::new();
    let shown_file = terminal(&file.display().to_string());
    push(&mut text, format_args!("bundle    {}\n", written.id));
    push(
        &mut text,
        format_args!("file      {shown_file} ({})\n", size_text(written.file_len)),
    );
    let files = count_text(statement.files.len() as u64, "file", "files");
    let leaves = count_text(written.leaves, "leaf", "leaves");
    push(
        &mut text,
        format_args!("contents  {files}, {}, {leaves}\n", size_text(statement.content_len)),
    );
    push_source(&mut text, selection, source);
    push(
        &mut text,
        format_args!("author    {}, key {key}\n", terminal(&statement.author)),
    );
    push(
        &mut text,
        format_args!("audience  {}\n", terminal(&statement.audience.join(", "))),
    );
    push(
        &mut text,
        format_args!("good for  until {}\n", local_time_text(statement.not_after)),
    );
    push_left_out(&mut text, selection);
    Ok(text)
}

fn push_source(text: &mut String, selection: &Selection, source: &Source) {
    let what = match source {
        Source::Tracked(_) => "tracked files of a git work tree".to_owned(),
        Source::AllOfWorkTree(_) => "all files of a git work tree (--all)".to_owned(),
        Source::All(why) => format!("all files ({})", terminal(why)),
    };
    push(text, format_args!("from      {what}\n"));
    if let (commit, Some(dirty)) = source.commit_and_dirty(selection.packs_untracked) {
        let commit = commit.unwrap_or_else(|| "none yet".to_owned());
        let state = if dirty {
            "dirty: these files differ from it"
        } else {
            "clean"
        };
        push(text, format_args!("commit    {commit} ({state})\n"));
    }
}

fn push_left_out(text: &mut String, selection: &Selection) {
    let mut label = "left out";
    for (listed, _, reason) in left_out(selection) {
        if listed.count == 0 {
            continue;
        }
        let names: Vec<_> = listed.shown.iter().map(|name| terminal(name)).collect();
        let more = match listed.count - names.len() as u64 {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        push(
            text,
            format_args!("{label:<8}  {} {reason}: {}{more}\n", listed.count, names.join(", ")),
        );
        label = "";
    }
}

/// Formatting into a String can't fail.
fn push(text: &mut String, line: std::fmt::Arguments<'_>) {
    let _ = text.write_fmt(line);
}

fn total(files: &[Chosen]) -> u64 {
    files.iter().fold(0, |sum: u64, file| sum.saturating_add(file.size))
}

#[derive(Serialize)]
struct DryRunJson<'a> {
    schema: u32,
    dry_run: bool,
    source: SourceJson,
    files: Vec<FileJson<'a>>,
    bytes: u64,
    left_out: BTreeMap<&'static str, LeftOutJson<'a>>,
}

#[derive(Serialize)]
struct PackedJson<'a> {
    schema: u32,
    bundle: BundleId,
    file: String,
    file_len: u64,
    author: &'a str,
    key: String,
    audience: &'a [String],
    created: UnixMillis,
    not_after: UnixMillis,
    files: usize,
    bytes: u64,
    leaves: u64,
    leaf_len: u32,
    source: SourceJson,
    left_out: BTreeMap<&'static str, LeftOutJson<'a>>,
}

#[derive(Serialize)]
struct SourceJson {
    files: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    commit: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dirty: Option<bool>,
}

#[derive(Serialize)]
struct FileJson<'a> {
    path: &'a str,
    size: u64,
    executable: bool,
}

impl<'a> From<&'a Chosen> for FileJson<'a> {
    fn from(file: &'a Chosen) -> Self {
        Self {
            path: file.path.as_str(),
            size: file.size,
            executable: file.executable(),
        }
    }
}

/// A folder left out with all that is below it counts as one and ends in a slash.
#[derive(Serialize)]
struct LeftOutJson<'a> {
    count: u64,
    first: &'a [String],
}

fn left_out_json(selection: &Selection) -> BTreeMap<&'static str, LeftOutJson<'_>> {
    let lists = left_out(selection).into_iter();
    lists
        .map(|(listed, name, _)| {
            (
                name,
                LeftOutJson {
                    count: listed.count,
                    first: &listed.shown,
                },
            )
        })
        .collect()
}

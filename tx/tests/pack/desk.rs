//! A desk in a temporary folder: files to pack, a key, and a folder to work in.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_diode-pack");

pub(crate) struct Desk {
    root: TempDir,
}

/// How a run of the program ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Desk {
    /// An empty folder `tree`, an empty folder `out` to work in, and Alice's key beside them.
    pub(crate) fn new() -> Self {
        let desk = Self {
            root: tempfile::tempdir().unwrap(),
        };
        fs::create_dir(desk.tree()).unwrap();
        fs::create_dir(desk.out()).unwrap();
        desk.run(&["keygen", "--out", "../alice.key", "--comment", "alice@lab"])
            .done();
        desk
    }

    /// One with these files in `tree`.
    pub(crate) fn with(files: &[(&str, &str)]) -> Self {
        let desk = Self::new();
        for (path, text) in files {
            desk.put(path, text);
        }
        desk
    }

    pub(crate) fn root(&self) -> &Path {
        self.root.path()
    }

    pub(crate) fn tree(&self) -> PathBuf {
        self.root().join("tree")
    }

    pub(crate) fn out(&self) -> PathBuf {
        self.root().join("out")
    }

    pub(crate) fn key(&self) -> PathBuf {
        self.root().join("alice.key")
    }

    /// Writes a file in `tree`, with the folders above it.
    pub(crate) fn put(&self, path: &str, text: &str) {
        let path = self.tree().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub(crate) fn set_mode(&self, path: &str, mode: u32) {
        fs::set_permissions(self.root().join(path), fs::Permissions::from_mode(mode)).unwrap();
    }

    /// The program, working in `out`.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(BINARY);
        command
            .current_dir(self.out())
            .stdin(Stdio::null())
            .env("GIT_CEILING_DIRECTORIES", self.root());
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        Ran::of(self.command().args(args).output().unwrap())
    }

    /// Packs `tree` as Alice for plant-7.
    pub(crate) fn pack(&self, more: &[&str]) -> Ran {
        self.run(&[&PACK[..], more].concat())
    }

    /// Packs into `b.bundle` and gives its path.
    pub(crate) fn bundle(&self, more: &[&str]) -> PathBuf {
        self.pack(&[&["-o", "b.bundle"], more].concat()).done();
        self.out().join("b.bundle")
    }

    /// Names in the folder worked in.
    pub(crate) fn written(&self) -> Vec<String> {
        let entries = fs::read_dir(self.out()).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// Paths that packing would take, by a dry run.
    pub(crate) fn would_take(&self, more: &[&str]) -> Vec<String> {
        let found = self.dry_run(more);
        let files = found["files"].as_array().unwrap();
        files
            .iter()
            .map(|file| file["path"].as_str().unwrap().to_owned())
            .collect()
    }

    pub(crate) fn dry_run(&self, more: &[&str]) -> Value {
        self.run(&[&["pack", "../tree", "--dry-run", "--json"], more].concat())
            .done()
            .json()
    }
}

/// The arguments that pack `tree` as Alice for plant-7.
pub(crate) const PACK: [&str; 8] = [
    "pack",
    "../tree",
    "--key",
    "../alice.key",
    "--author",
    "alice@lab",
    "--audience",
    "plant-7",
];

impl Ran {
    pub(crate) fn of(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self {
            code: output.status.code(),
            out: text(output.stdout),
            err: text(output.stderr),
        }
    }

    /// Asserts exit 0.
    pub(crate) fn done(self) -> Self {
        assert_eq!(self.code, Some(0), "{self:?}");
        self
    }

    /// Asserts this exit code and that each of `words` stands in the error.
    pub(crate) fn refused(self, code: i32, words: &[&str]) -> Self {
        assert_eq!(self.code, Some(code), "{self:?}");
        for word in words {
            assert!(self.err.contains(word), "{word:?} is not in {}", self.err);
        }
        self
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap()
    }
}

//! What is known of a file before an engine sees it: its name, its type by its first bytes, its language.
//!
//! The type comes from the bytes, never from the name; [`crate::structure`] compares the two.

use std::fmt;

use crate::content::FileEntry;

mod language;
mod magic;
mod tests_only;

pub use self::language::{Language, Nature};
pub use self::tests_only::is_for_tests;

/// A file's name and nature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileFacts {
    /// Its number in the content, or that of the archive it lies in.
    pub index: usize,
    /// Its path, which starts with that of the archives it lies in.
    pub path: String,
    /// Bytes of the path up to its own name or path; 0 for a file that lies in no archive.
    outside: usize,
    /// Its bytes; of one out of an archive that does not say, those of its first window.
    pub size: u64,
    /// Whether it may be run.
    pub executable: bool,
    /// Its type by its bytes.
    pub kind: Type,
    /// Whether it starts with `#!`.
    pub shebang: bool,
}

impl FileFacts {
    /// The facts of file number `index` that starts with `head`: its first bytes, all of them if it is short.
    #[must_use]
    pub fn of(index: usize, entry: &FileEntry, head: &[u8]) -> Self {
        Self::within(index, entry, 0, head)
    }

    /// The facts of a file out of an archive: the first `outside` bytes of its path name the archive.
    pub(crate) fn within(index: usize, entry: &FileEntry, outside: usize, head: &[u8]) -> Self {
        let own = entry.path.get(outside..).unwrap_or(&entry.path);
        Self {
            index,
            path: entry.path.clone(),
            outside,
            size: entry.size,
            executable: entry.executable,
            kind: Type::of(own, head),
            shebang: head.starts_with(b"#!"),
        }
    }

    /// The path as the bundle, or the archive that the file lies in, has it.
    #[must_use]
    pub fn own_path(&self) -> &str {
        self.path.get(self.outside..).unwrap_or(&self.path)
    }

    /// The last part of the path.
    #[must_use]
    pub fn name(&self) -> &str {
        let path = self.own_path();
        path.rsplit('/').next().unwrap_or(path)
    }

    /// The language, if it is text that both engines read byte by byte.
    #[must_use]
    pub fn language(&self) -> Option<Language> {
        match self.kind {
            Type::Text(language) => Some(language),
            _ => None,
        }
    }
}

/// What a file is, by its bytes (and, for text, the language by its name).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Type {
    /// No bytes at all.
    Empty,
    /// Text in UTF-8, or in some 8-bit encoding that is mostly ASCII.
    Text(Language),
    /// Text in UTF-16 with a byte order mark: no engine reads it.
    Utf16,
    /// Executable and Linkable Format: Linux and most Unix programs, libraries and objects.
    Elf,
    /// Portable Executable or DOS program: Windows programs and libraries.
    Pe,
    /// Mach-O: macOS programs and libraries.
    MachO,
    /// WebAssembly module.
    Wasm,
    /// Java class file.
    JavaClass,
    /// Compiled Python.
    PythonBytecode,
    /// Other code for a machine: LLVM bitcode, Dalvik.
    OtherBytecode,
    /// An archive or compressed file of this kind.
    Archive(&'static str),
    /// An image of this kind.
    Image(&'static str),
    /// PDF document.
    Pdf,
    /// Office document: OLE, OOXML, ODF, RTF.
    Office,
    /// Font.
    Font,
    /// Sound.
    Audio,
    /// Moving pictures.
    Video,
    /// Bytes that fit nothing above.
    UnknownBinary,
}

impl Type {
    /// The type of a file called `path` that starts with `head`.
    #[must_use]
    pub fn of(path: &str, head: &[u8]) -> Self {
        magic::detect(path, head)
    }

    /// Whether a machine or an interpreter's virtual machine runs these bytes as they are.
    #[must_use]
    pub fn is_machine_code(self) -> bool {
        matches!(
            self,
            Self::Elf
                | Self::Pe
                | Self::MachO
                | Self::Wasm
                | Self::JavaClass
                | Self::PythonBytecode
                | Self::OtherBytecode
        )
    }

    /// The group of types that a policy can name as a whole, and the member: `("text", Some("rust"))`.
    #[must_use]
    pub fn parts(self) -> (&'static str, Option<&'static str>) {
        match self {
            Self::Empty => ("empty", None),
            Self::Text(language) => ("text", Some(language.name())),
            Self::Utf16 => ("text", Some("utf-16")),
            Self::Elf => ("executable", Some("elf")),
            Self::Pe => ("executable", Some("pe")),
            Self::MachO => ("executable", Some("mach-o")),
            Self::Wasm => ("executable", Some("wasm")),
            Self::JavaClass => ("executable", Some("java-class")),
            Self::PythonBytecode => ("executable", Some("python-bytecode")),
            Self::OtherBytecode => ("executable", Some("bytecode")),
            Self::Archive(kind) => ("archive", Some(kind)),
            Self::Image(kind) => ("image", Some(kind)),
            Self::Pdf => ("document", Some("pdf")),
            Self::Office => ("document", Some("office")),
            Self::Font => ("font", None),
            Self::Audio => ("audio", None),
            Self::Video => ("video", None),
            Self::UnknownBinary => ("unknown", None),
        }
    }
}

/// The groups of [`Type::parts`].
pub const TYPE_GROUPS: [&str; 10] = [
    "empty",
    "text",
    "executable",
    "archive",
    "image",
    "document",
    "font",
    "audio",
    "video",
    "unknown",
];

impl fmt::Display for Type {
    /// `text.rust`, `archive.zip`, `unknown`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.parts() {
            (group, Some(member)) => write!(f, "{group}.{member}"),
            (group, None) => f.write_str(group),
        }
    }
}

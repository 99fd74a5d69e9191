//! What a file is called against what it is.

use protocol::path::BundlePath;

use super::lookalike::{self, Flaw};
use super::rules;
use crate::engine::Findings;
use crate::facts::{FileFacts, Language, Nature, Type};
use crate::finding::{Confidence, Severity};
use crate::fixed_rule::FixedRule;

/// A program text longer than this is worth a remark.
const LARGE_PROGRAM: u64 = 8 << 20;
/// Any file longer than this is worth a remark.
const LARGE_FILE: u64 = 512 << 20;

/// Adds what a file's name, type and size give.
pub(super) fn check(file: &FileFacts, head: &[u8], out: &mut Findings<'_>) {
    let mut add = |rule: &FixedRule, severity, confidence, message: String| {
        out.add(rule.found(severity, confidence, message, None));
    };
    if let Some(message) = refused_path(file.own_path()) {
        add(&rules::PATH_REFUSED, Severity::High, Confidence::High, message);
    }
    if let Some(message) = lookalike_name(file.name()) {
        add(&rules::LOOKALIKE_NAME, Severity::Medium, Confidence::Medium, message);
    }
    if let Some((severity, message)) = double_extension(file.name()) {
        add(&rules::DOUBLE_EXTENSION, severity, Confidence::Medium, message);
    }
    if let Some((rule, severity, message)) = type_against_name(file, head) {
        add(rule, severity, Confidence::High, message);
    }
    if file.kind == Type::Utf16 {
        let message = "a text in UTF-16: no engine reads it, so nothing was looked for in it".to_owned();
        add(&rules::UTF16, Severity::Low, Confidence::High, message);
    }
    if file.executable && !file.shebang && !file.kind.is_machine_code() {
        let message = format!("marked executable, and is {}: it can be run by mistake", file.kind);
        add(&rules::STRAY_EXECUTABLE_BIT, Severity::Low, Confidence::High, message);
    }
    let program = file
        .language()
        .is_some_and(|language| language.nature() == Nature::Program);
    if file.size > LARGE_FILE || (program && file.size > LARGE_PROGRAM) {
        let message = format!("{} MiB of {}: nobody reads that much", file.size >> 20, file.kind);
        add(&rules::OVERSIZED, Severity::Low, Confidence::High, message);
    }
}

fn refused_path(path: &str) -> Option<String> {
    if path.contains(char::REPLACEMENT_CHARACTER) {
        return Some("the name is not UTF-8: no two systems show it alike".to_owned());
    }
    BundlePath::parse(path).err().map(|error| error.to_string())
}

fn lookalike_name(name: &str) -> Option<String> {
    let words = name.split(|c: char| !c.is_alphanumeric());
    let suspects: String = words
        .filter_map(|word| match lookalike::flaw(word, Language::Unknown) {
            Some(Flaw::Mixed { suspects, .. }) => Some(suspects),
            _ => None,
        })
        .collect();
    if suspects.is_empty() {
        return None;
    }
    let codes: Vec<_> = suspects.chars().map(|c| format!("U+{:04X}", u32::from(c))).collect();
    Some(format!(
        "the name mixes ASCII letters with ones that only look like them: {}",
        codes.join(" ")
    ))
}

/// Extensions that a person opens without a thought.
const DOCUMENTS: &[&str] = &[
    "pdf", "doc", "docx", "xls", "xlsx", "ppt", "pptx", "odt", "rtf", "txt", "csv", "jpg", "jpeg", "png", "gif", "bmp",
    "mp3", "mp4", "avi", "mov", "zip", "rar",
];
/// Extensions that a desktop runs on a double click.
const RUN_ON_CLICK: &[&str] = &[
    "exe", "scr", "com", "pif", "bat", "cmd", "vbs", "vbe", "jse", "wsf", "wsh", "hta", "cpl", "lnk", "msi", "msp",
    "reg", "command", "desktop", "app", "jar",
];
/// Extensions of scripts, which also follow a document's in honest names (`invoice.pdf.js` in a web project's source).
const SCRIPTS: &[&str] = &["js", "ps1", "sh", "py"];

fn double_extension(name: &str) -> Option<(Severity, String)> {
    let lower = name.to_ascii_lowercase();
    let (rest, last) = lower.rsplit_once('.')?;
    let (_, middle) = rest.trim_end().rsplit_once('.')?;
    if !DOCUMENTS.contains(&middle.trim()) {
        return None;
    }
    let severity = match last {
        _ if RUN_ON_CLICK.contains(&last) => Severity::High,
        _ if SCRIPTS.contains(&last) => Severity::Low,
        _ => return None,
    };
    Some((
        severity,
        format!(
            "a .{last} file that reads like a .{} one where endings are hidden",
            middle.trim()
        ),
    ))
}

/// What the bytes of a file with some extension are expected to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expected {
    Code(&'static [Type]),
    Image,
    Archive,
    Document,
    Font,
    Media,
    Text(Nature),
}

/// What an extension promises; `None` where it promises nothing in particular (`.bin`, `.dat`, none at all).
fn expected(extension: &str) -> Option<Expected> {
    let expected = match extension {
        "elf" | "so" | "o" | "ko" | "axf" | "a" => Expected::Code(&[Type::Elf, Type::Archive("ar")]),
        "exe" | "dll" | "sys" | "pyd" | "efi" | "scr" | "com" | "ocx" | "lib" => {
            Expected::Code(&[Type::Pe, Type::Archive("ar")])
        }
        "dylib" | "bundle" => Expected::Code(&[Type::MachO]),
        "wasm" => Expected::Code(&[Type::Wasm]),
        "class" => Expected::Code(&[Type::JavaClass]),
        "pyc" | "pyo" => Expected::Code(&[Type::PythonBytecode]),
        "bc" | "dex" => Expected::Code(&[Type::OtherBytecode]),
        "png" | "jpg" | "jpeg" | "gif" | "bmp" | "ico" | "webp" | "tif" | "tiff" | "avif" | "heic" | "psd" => {
            Expected::Image
        }
        "zip" | "jar" | "war" | "ear" | "aar" | "apk" | "whl" | "egg" | "nupkg" | "xpi" | "vsix" | "gz" | "tgz"
        | "bz2" | "xz" | "zst" | "lz4" | "7z" | "rar" | "tar" | "cab" | "rpm" | "deb" | "iso" | "crate" | "gem" => {
            Expected::Archive
        }
        "pdf" | "doc" | "docx" | "xls" | "xlsx" | "ppt" | "pptx" | "odt" | "ods" | "odp" | "rtf" => Expected::Document,
        "ttf" | "otf" | "woff" | "woff2" | "eot" => Expected::Font,
        "mp3" | "mp4" | "m4a" | "wav" | "ogg" | "flac" | "avi" | "mkv" | "mov" | "webm" => Expected::Media,
        // Names that texts share with binaries: MPEG streams, keys, maps, lists of properties, mail classes.
        "ts" | "key" | "crt" | "pub" | "map" | "plist" | "strings" | "cls" | "s" | "t" | "r" | "1" | "3" | "5"
        | "7" | "8" | "pro" | "snap" | "lock" => return None,
        other => Expected::Text(Language::by_extension(other)?.nature()),
    };
    Some(expected)
}

fn type_against_name(file: &FileFacts, head: &[u8]) -> Option<(&'static FixedRule, Severity, String)> {
    let lower = file.name().to_ascii_lowercase();
    let extension = lower.rsplit_once('.').map(|(_, extension)| extension);
    let expected = extension.and_then(expected);
    let kind = file.kind;
    let shown = extension.unwrap_or_default();
    if kind.is_machine_code() {
        return Some(match expected {
            Some(Expected::Code(types)) if types.contains(&kind) => plain_executable(kind),
            None => plain_executable(kind),
            Some(_) => {
                let message = format!("{kind} under the name of a .{shown}: it is made to be mistaken for one");
                (&rules::DISGUISED_EXECUTABLE, Severity::Critical, message)
            }
        });
    }
    let mismatch = |severity, why: &str| {
        Some((
            &rules::TYPE_MISMATCH,
            severity,
            format!("named .{shown}, and is {kind}: {why}"),
        ))
    };
    let opaque = "whoever trusts the name takes it for something else than what opens it";
    match (expected?, kind) {
        (_, Type::Empty) => None,
        (Expected::Text(_), Type::Text(_) | Type::Utf16) => None,
        (Expected::Text(nature), _) => {
            let severity = match (nature, kind) {
                (Nature::Prose | Nature::Data, Type::UnknownBinary) => Severity::Medium,
                _ => Severity::High,
            };
            let message =
                format!("named .{shown}, which is a text, and is {kind}: no engine could read it as its name says");
            Some((&rules::BINARY_TEXT, severity, message))
        }
        (_, Type::Text(_)) if head.starts_with(b"version https://git-lfs.github.com/spec/") => {
            mismatch(Severity::Low, "a pointer that Git LFS left in place of the file")
        }
        (_, Type::Text(_) | Type::Utf16) => mismatch(Severity::Medium, opaque),
        (Expected::Code(types), _) if types.contains(&kind) => None,
        (Expected::Image, Type::Image(found)) => {
            let same = shown == found
                || matches!(
                    (shown, found),
                    ("jpg", "jpeg" | "jpg") | ("jpeg", "jpg") | ("tiff", "tif")
                );
            if same {
                None
            } else {
                mismatch(Severity::Low, "another kind of image")
            }
        }
        (Expected::Archive, Type::Archive(_)) => None,
        (Expected::Document, Type::Pdf | Type::Office | Type::Archive("zip")) => None,
        (Expected::Font, Type::Font) | (Expected::Media, Type::Audio | Type::Video) => None,
        (_, Type::Archive(_) | Type::Pdf | Type::Office) => mismatch(Severity::High, opaque),
        _ => mismatch(Severity::Medium, opaque),
    }
}

fn plain_executable(kind: Type) -> (&'static FixedRule, Severity, String) {
    let message = format!("{kind}: what it does cannot be read, and it is not shown to come from any source here");
    (&rules::EXECUTABLE, Severity::High, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::FileEntry;

    fn judged(path: &str, head: &[u8]) -> Option<(&'static str, Severity)> {
        let entry = FileEntry {
            path: path.to_owned(),
            size: head.len() as u64,
            executable: false,
            sha256: None,
        };
        let facts = FileFacts::of(0, &entry, head);
        type_against_name(&facts, head).map(|(rule, severity, _)| (rule.id, severity))
    }

    const ELF: &[u8] = b"\x7fELF\x02\x01\x01\0\0\0\0\0";
    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";

    #[test]
    fn a_picture_that_is_a_program_is_critical() {
        assert_eq!(
            judged("logo.png", ELF),
            Some(("disguised-executable", Severity::Critical))
        );
    }

    #[test]
    fn a_program_under_its_own_name_is_high() {
        for name in ["tool", "lib/libx.so", "firmware.bin"] {
            assert_eq!(judged(name, ELF), Some(("executable-binary", Severity::High)), "{name}");
        }
    }

    #[test]
    fn a_text_that_is_an_archive_is_high() {
        assert_eq!(
            judged("notes.txt", b"PK\x03\x04\x14\0\0\0"),
            Some(("binary-as-text", Severity::High))
        );
    }

    #[test]
    fn a_script_that_is_binary_is_high() {
        assert_eq!(
            judged("a.py", &[0, 0x9c, 1, 0xfe, 0, 0x77]),
            Some(("binary-as-text", Severity::High))
        );
    }

    #[test]
    fn files_that_are_what_they_are_called_are_fine() {
        for (name, head) in [
            ("a.png", PNG),
            ("a.rs", b"fn main() {}"),
            ("a.tar.gz", b"\x1f\x8b\x08\0\0\0\0\0"),
            ("a.docx", b"PK\x03\x04\x14\0\0\0"),
            ("Makefile", b"all:\n\ttrue\n"),
            ("a.ts", b"const a = 1;"),
            ("empty.png", b""),
        ] {
            assert_eq!(judged(name, head), None, "{name}");
        }
    }

    #[test]
    fn a_jpeg_called_png_is_low() {
        assert_eq!(
            judged("a.png", b"\xff\xd8\xff\xe0\0\x10JFIF"),
            Some(("type-mismatch", Severity::Low))
        );
    }

    #[test]
    fn an_invoice_that_is_a_screen_saver_is_high() {
        assert_eq!(
            double_extension("Invoice.PDF.scr").map(|(severity, _)| severity),
            Some(Severity::High)
        );
        assert_eq!(
            double_extension("invoice.pdf   .exe").map(|(severity, _)| severity),
            Some(Severity::High)
        );
    }

    #[test]
    fn ordinary_names_with_two_dots_are_fine() {
        for name in [
            "jquery.min.js",
            "a.test.ts",
            "b.tar.gz",
            "index.html.erb",
            "v1.2.sh",
            "a.d.ts",
        ] {
            assert_eq!(double_extension(name), None, "{name}");
        }
    }

    #[test]
    fn a_name_with_a_cyrillic_letter_among_latin_ones_is_reported() {
        assert!(lookalike_name("p\u{0430}ypal.py").is_some());
        assert_eq!(lookalike_name("данные.py"), None);
    }
}

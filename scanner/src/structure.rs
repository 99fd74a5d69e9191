//! Engine *structure*: what a file is called, what it is, and what its text hides.
//!
//! * `naming`: paths that a bundle refuses, types that do not fit their names, machine code, misleading extensions.
//! * `unseen`: characters that change what a person reads, or that nobody sees.
//! * `lookalike`: identifiers that look like others, in one file and over the whole bundle.
//! * `text`: the pass over a text that brings the last two together.
//!
//! A comment in any language, an emoji, a byte order mark at the start, CRLF: none of these is more than worth knowing.

use protocol::path::{BundlePath, check_set};

use crate::content::FileEntry;
use crate::engine::{BundleFindings, BundleScan, Engine, FileScan, Findings, Outcome, Window};
use crate::facts::{FileFacts, Type};
use crate::finding::{Confidence, RuleInfo, Severity};
use crate::fixed_rule::FixedRule;

mod hidden_lines;
mod line;
mod lookalike;
mod naming;
mod rules;
mod text;
mod unseen;
mod words;

pub(crate) use self::lookalike::ascii_lookalike;

use self::lookalike::Lookalikes;
use self::text::TextScan;
use self::words::Words;

/// The engine; it has no settings.
#[derive(Debug, Clone, Copy, Default)]
pub struct Structure;

impl Engine for Structure {
    fn name(&self) -> &'static str {
        "structure"
    }

    fn version(&self) -> u32 {
        3
    }

    fn rules(&self) -> Vec<RuleInfo> {
        rules::ALL.iter().map(FixedRule::info).collect()
    }

    fn begin_bundle<'a>(&'a self, files: &'a [FileEntry]) -> Box<dyn BundleScan + 'a> {
        Box::new(BundleStructure {
            files,
            words: Words::new(),
            lookalikes: Lookalikes::default(),
        })
    }
}

/// What is remembered over the files of a bundle; bounded whatever the files hold.
struct BundleStructure<'a> {
    files: &'a [FileEntry],
    words: Words,
    lookalikes: Lookalikes,
}

impl BundleScan for BundleStructure<'_> {
    fn begin_file<'a>(&'a self, file: &'a FileFacts) -> Option<Box<dyn FileScan + 'a>> {
        let text = file.language().map(|language| TextScan::new(language, &self.words));
        Some(Box::new(FileStructure {
            file,
            text,
            lookalikes: &self.lookalikes,
        }))
    }

    fn finish(self: Box<Self>, out: &mut BundleFindings<'_>) {
        self.lookalikes.report(&self.words, out);
        // A signed bundle keeps these rules already; a directory may not.
        let paths: Vec<_> = self
            .files
            .iter()
            .filter_map(|file| BundlePath::parse(&file.path).ok())
            .collect();
        if let Err(error) = check_set(&paths) {
            let message = format!("{error}: on some systems one of the two would overwrite or hide the other");
            let found = rules::PATH_COLLISION.found(Severity::High, Confidence::High, message, None);
            out.add(&error.path, found);
        }
    }
}

/// One file at work.
struct FileStructure<'a> {
    file: &'a FileFacts,
    text: Option<TextScan<'a>>,
    lookalikes: &'a Lookalikes,
}

impl FileScan for FileStructure<'_> {
    fn window(&mut self, window: &Window<'_>, out: &mut Findings<'_>) {
        if window.offset == 0 {
            naming::check(self.file, window.bytes, out);
        }
        if let Some(language) = self.file.language() {
            hidden_lines::check(language, window, out);
        }
        if let Some(text) = &mut self.text {
            text.window(window, out);
        }
    }

    fn finish(self: Box<Self>, out: &mut Findings<'_>) -> Outcome {
        if self.file.kind == Type::Utf16 {
            return Outcome::Unsupported;
        }
        match self.text {
            Some(text) => text.finish(self.file, self.lookalikes, out),
            None => Outcome::Scanned,
        }
    }
}

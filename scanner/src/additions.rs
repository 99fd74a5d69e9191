//! What an operator adds to the rules that the program is built with: files, each of one kind.
//!
//! ```text
//! FILE ─▶ RuleFile::new ─▶ a worker: RuleFile::check ─▶ Additions ─▶ Scanner::with_additions
//!          name, kind         by itself, as a whole       all together, each name once
//! ```
//!
//! | ending | kind | read by |
//! |---|---|---|
//! | `.toml` | rules of a language, as in `rules/taint`, with `language = "…"` | *sast* |
//! | `.yar`, `.yara` | a pack of YARA rules | *malware* |
//! | `.jsonl` | the advisories; one file | *dependencies* |
//! | `.txt` | the known names of packages; one file | *dependencies* |
//!
//! Always true:
//! - a file with a fault is refused as a whole, with its line where there is one, and the reason;
//! - the same files under the same names give the same rules digest, whoever loads them, in whatever order.

use std::fmt;
use std::sync::Arc;
use std::thread;

use protocol::digest::Digest;
use serde::{Deserialize, Serialize};

use crate::dependencies::{Advisories, Head, KnownNames, MAX_ADVISORIES};
use crate::engine::{Engine, room};
use crate::malware::{Malware, RuleError};
use crate::taint::engine::{Addition, Sast, SastError, check_addition};
use crate::taint::lower::Lowering;
use crate::taint::rules::RulesFault;

/// Files of an operator at most, of all kinds.
const MAX_FILES: usize = 64;
/// Characters of a name at most.
const MAX_NAME: usize = 64;

/// What a file adds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Rules for the programs of a language.
    Sast,
    /// A pack of YARA rules.
    Yara,
    /// Advisories about packages.
    Advisories,
    /// Packages that may be used.
    KnownNames,
}

/// A file of rules, not believed yet.
#[derive(Debug, Clone)]
pub struct RuleFile {
    name: String,
    kind: Kind,
    shown: String,
    bytes: Vec<u8>,
    digest: Digest,
}

/// Why a file of rules is not used; nothing of it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}{}: {problem}", at(.line))]
pub struct RuleFault {
    /// The file, as whoever gave it calls it.
    pub file: String,
    /// The line, from 1, if it is about one.
    pub line: Option<u64>,
    /// What is wrong.
    pub problem: String,
}

/// Files of rules that stand beside each other.
#[derive(Debug, Clone, Default)]
pub struct Additions {
    /// By name.
    files: Vec<RuleFile>,
}

/// What is in force of an operator's, for lists and logs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AdditionInfo {
    /// What it adds.
    pub kind: Kind,
    /// The file's name.
    pub name: String,
    /// The digest of the file.
    pub sha256: Digest,
    /// Rules, advisories or names in it.
    pub count: u64,
    /// Of advisories, how new they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advisories: Option<Head>,
}

/// The engines that an operator adds to, with what he adds.
pub(crate) struct Engines {
    pub(crate) malware: Malware,
    pub(crate) sast: Sast,
    pub(crate) advisories: Option<Arc<Advisories>>,
    pub(crate) known_names: Option<Arc<KnownNames>>,
    pub(crate) infos: Vec<AdditionInfo>,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 4] = [Self::Sast, Self::Yara, Self::Advisories, Self::KnownNames];

    /// The word in lists.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Sast => "sast",
            Self::Yara => "yara",
            Self::Advisories => "advisories",
            Self::KnownNames => "known-names",
        }
    }

    /// What one of those that are counted is called.
    #[must_use]
    pub fn noun(self) -> &'static str {
        match self {
            Self::Sast | Self::Yara => "rule",
            Self::Advisories => "record",
            Self::KnownNames => "name",
        }
    }

    /// The kind of files with this name.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        match name.rsplit_once('.')?.1 {
            "toml" => Some(Self::Sast),
            "yar" | "yara" => Some(Self::Yara),
            "jsonl" => Some(Self::Advisories),
            "txt" => Some(Self::KnownNames),
            _ => None,
        }
    }

    /// The one name of files of this kind, if there is but one file.
    fn only_name(self) -> Option<&'static str> {
        match self {
            Self::Advisories => Some("advisories.jsonl"),
            Self::KnownNames => Some("known-names.txt"),
            Self::Sast | Self::Yara => None,
        }
    }

    /// Bytes of a file at most.
    #[must_use]
    pub fn max_len(self) -> u64 {
        match self {
            Self::Sast => 1 << 20,
            Self::Yara => 8 << 20,
            Self::Advisories => MAX_ADVISORIES,
            Self::KnownNames => 64 << 20,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl RuleFile {
    /// The kind of a file called `name`, and the name that it has beside others: `advisories.jsonl` and `known-names.txt`
    /// whatever they were called, because there is one of each.
    ///
    /// # Errors
    /// [`RuleFault`] if it is no name, or of no kind.
    pub fn place(name: &str) -> Result<(Kind, String), RuleFault> {
        let fault = |problem: String| RuleFault::new(name, None, problem);
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if name.starts_with('.') || name.len() > MAX_NAME || !name.chars().all(fits) {
            let problem =
                format!("call it by up to {MAX_NAME} letters, digits, '-', '_' and '.', not with '.' in front");
            return Err(fault(problem));
        }
        let kind = Kind::of(name).ok_or_else(|| {
            fault("the ending says what it is: .toml (rules of a language), .yar or .yara (YARA), .jsonl (advisories), .txt (known names)".to_owned())
        })?;
        Ok((kind, kind.only_name().unwrap_or(name).to_owned()))
    }

    /// A file called `name`, of which errors speak as `shown`.
    ///
    /// # Errors
    /// [`RuleFault`] as [`place`](Self::place), or if it is too long.
    pub fn new(name: &str, shown: &str, bytes: Vec<u8>) -> Result<Self, RuleFault> {
        let (kind, name) = Self::place(name).map_err(|fault| fault.of(shown))?;
        if bytes.len() as u64 > kind.max_len() {
            let problem = format!(
                "{} bytes are more than the {} that such a file may have",
                bytes.len(),
                kind.max_len()
            );
            return Err(RuleFault::new(shown, None, problem));
        }
        Ok(Self {
            name,
            kind,
            shown: shown.to_owned(),
            digest: Digest::of(&bytes),
            bytes,
        })
    }

    /// Its name beside others.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it adds.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// What errors call it.
    #[must_use]
    pub fn shown(&self) -> &str {
        &self.shown
    }

    /// Its bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The digest of its bytes.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The first line of advisories.
    #[must_use]
    pub fn advisories(&self) -> Option<Head> {
        let head = (self.kind == Kind::Advisories).then(|| Advisories::read_head(&self.bytes));
        head?.ok()
    }

    fn text(&self) -> Result<&str, RuleFault> {
        text(&self.bytes).map_err(|fault| fault.of(&self.shown))
    }

    /// What a pack's rules are called after.
    fn pack(&self) -> &str {
        self.name.rsplit_once('.').map_or(self.name.as_str(), |(stem, _)| stem)
    }
}

/// Reads a file by itself, beside the built-in rules alone, and counts what is in it. Rules of a language are run over their
/// samples here: to be called in a worker.
///
/// # Errors
/// [`RuleFault`], which has no file's name.
pub(crate) fn check(kind: Kind, bytes: &[u8]) -> Result<u64, RuleFault> {
    match kind {
        Kind::Sast => {
            let text = text(bytes)?;
            let count = check_addition(text).map_err(|fault| of_rules("", text, &fault))?;
            Ok(count as u64)
        }
        Kind::Yara => {
            let text = text(bytes)?;
            let pack = Malware::with_packs(false, &[("pack", text)]).map_err(|error| of_pack("", text, error))?;
            Ok(pack.rules().len() as u64)
        }
        Kind::Advisories => Advisories::check(bytes).map_err(|error| at_line("", error.line, error.problem)),
        Kind::KnownNames => {
            let names = KnownNames::parse(text(bytes)?);
            names
                .map(|names| names.count())
                .map_err(|error| at_line("", error.line, error.problem))
        }
    }
}

fn text(bytes: &[u8]) -> Result<&str, RuleFault> {
    std::str::from_utf8(bytes).map_err(|error| {
        let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
        at_line("", 1 + newlines(before), "not UTF-8; save it as UTF-8".to_owned())
    })
}

impl Additions {
    /// These files together.
    ///
    /// # Errors
    /// [`RuleFault`] if two have one name, or there are too many.
    pub fn new(mut files: Vec<RuleFile>) -> Result<Self, RuleFault> {
        files.sort_by(|a, b| a.name.cmp(&b.name));
        let twice = files.windows(2).find_map(|pair| match pair {
            [a, b] if a.name == b.name => Some((a, b)),
            _ => None,
        });
        if let Some((first, second)) = twice {
            let problem = format!("{} is {} already; there is one of each name", second.name, first.shown);
            return Err(RuleFault::new(&second.shown, None, problem));
        }
        if let Some(file) = files.get(MAX_FILES) {
            let problem = format!("more than {MAX_FILES} files of rules; join some");
            return Err(RuleFault::new(&file.shown, None, problem));
        }
        Ok(Self { files })
    }

    /// The same with `file`, in place of one that has its name.
    ///
    /// # Errors
    /// [`RuleFault`] if there are too many.
    pub fn with(self, file: RuleFile) -> Result<Self, RuleFault> {
        let mut files = self.without(&file.name).files;
        files.push(file);
        Self::new(files)
    }

    /// The same without the file of this name.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.files.retain(|file| file.name != name);
        self
    }

    /// The file of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&RuleFile> {
        self.files.iter().find(|file| file.name == name)
    }

    /// The files, by name.
    pub fn iter(&self) -> impl Iterator<Item = &RuleFile> {
        self.files.iter()
    }

    fn of(&self, kind: Kind) -> impl Iterator<Item = &RuleFile> {
        self.files.iter().filter(move |file| file.kind == kind)
    }

    /// The engines with these files.
    pub(crate) fn engines(&self, lowering: Arc<dyn Lowering>) -> Result<Engines, RuleFault> {
        // Both take long.
        let (malware, sast) = thread::scope(|scope| {
            let malware = scope.spawn(|| self.malware());
            let sast = self.sast(lowering);
            (room::joined(malware), sast)
        });
        let (malware, sast) = (malware?, sast?);
        let advisories = self.of(Kind::Advisories).next().map(|file| {
            let advisories = Advisories::parse(&file.bytes);
            advisories
                .map(Arc::new)
                .map_err(|error| at_line(&file.shown, error.line, error.problem))
        });
        let known_names = self.of(Kind::KnownNames).next().map(|file| {
            let names = KnownNames::parse(file.text()?);
            names
                .map(Arc::new)
                .map_err(|error| at_line(&file.shown, error.line, error.problem))
        });
        let mut engines = Engines {
            malware,
            sast,
            advisories: advisories.transpose()?,
            known_names: known_names.transpose()?,
            infos: Vec::new(),
        };
        engines.infos = self.files.iter().map(|file| engines.info(file)).collect();
        Ok(engines)
    }

    fn malware(&self) -> Result<Malware, RuleFault> {
        let files: Vec<_> = self.of(Kind::Yara).collect();
        let packs = files.iter().map(|file| Ok((file.pack(), file.text()?)));
        let packs = packs.collect::<Result<Vec<_>, RuleFault>>()?;
        Malware::with_packs(true, &packs).map_err(|error| {
            let named = error.pack();
            let file = files.iter().find(|file| Some(file.pack()) == named);
            match file.and_then(|file| Some((file, file.text().ok()?))) {
                Some((file, text)) => of_pack(&file.shown, text, error),
                None => RuleFault::new("the YARA rules", None, error.to_string()),
            }
        })
    }

    fn sast(&self, lowering: Arc<dyn Lowering>) -> Result<Sast, RuleFault> {
        let files: Vec<_> = self.of(Kind::Sast).collect();
        let additions = files.iter().map(|file| {
            let text = file.text()?;
            Addition::new(text).map_err(|fault| of_rules(&file.shown, text, &fault))
        });
        let additions = additions.collect::<Result<Vec<_>, RuleFault>>()?;
        Sast::with_additions(&additions, lowering).map_err(|error| match error {
            SastError::Addition { number, fault } => match (files.get(number), additions.get(number)) {
                (Some(file), Some(addition)) => of_rules(&file.shown, addition.text, &fault),
                _ => RuleFault::new("the rules", None, fault.to_string()),
            },
            other => RuleFault::new("the rules", None, other.to_string()),
        })
    }
}

impl Engines {
    fn info(&self, file: &RuleFile) -> AdditionInfo {
        let count = match file.kind {
            Kind::Sast => {
                let addition = file.text().ok().and_then(|text| Addition::new(text).ok());
                addition.map_or(0, |addition| addition.rules as u64)
            }
            Kind::Yara => {
                let prefix = format!("{}:", file.pack());
                let rules = self.malware.rules().into_iter();
                rules.filter(|rule| rule.id.starts_with(&prefix)).count() as u64
            }
            Kind::Advisories => self.advisories.as_ref().map_or(0, |advisories| advisories.records()),
            Kind::KnownNames => self.known_names.as_ref().map_or(0, |names| names.count()),
        };
        AdditionInfo {
            kind: file.kind,
            name: file.name.clone(),
            sha256: file.digest,
            count,
            advisories: file.advisories(),
        }
    }
}

impl RuleFault {
    /// A fault of a file.
    #[must_use]
    pub fn new(file: &str, line: Option<u64>, problem: String) -> Self {
        Self {
            file: file.to_owned(),
            line,
            problem,
        }
    }

    /// The same of a file that is called otherwise.
    #[must_use]
    pub fn of(self, file: &str) -> Self {
        Self {
            file: file.to_owned(),
            ..self
        }
    }
}

fn at(line: &Option<u64>) -> String {
    line.map(|line| format!(":{line}")).unwrap_or_default()
}

fn at_line(file: &str, line: usize, problem: String) -> RuleFault {
    RuleFault::new(file, Some(line as u64), problem)
}

fn newlines(bytes: &[u8]) -> usize {
    bytes.iter().filter(|&&byte| byte == b'\n').count()
}

fn of_pack(file: &str, text: &str, error: RuleError) -> RuleFault {
    match error {
        RuleError::Line { line, reason, .. } => at_line(file, line, reason),
        RuleError::Meta { rule, reason, .. } => {
            let line = line_of(text, |line| {
                let mut words = line.split(|c: char| !c.is_alphanumeric() && c != '_');
                words.by_ref().any(|word| word == "rule") && words.next() == Some(&rule)
            });
            RuleFault::new(file, line, format!("rule {rule}: {reason}"))
        }
        other => RuleFault::new(file, None, other.to_string()),
    }
}

/// The fault of a file of rules, with the line that its place is on: it names a line, or what stands on one.
fn of_rules(file: &str, text: &str, fault: &RulesFault) -> RuleFault {
    let RulesFault { place, problem } = fault;
    if let Some(line) = place.strip_prefix("line ").and_then(|line| line.parse().ok()) {
        return RuleFault::new(file, Some(line), problem.clone());
    }
    let quoted = place.split('"').nth(1);
    let named = quoted.or_else(|| place.strip_prefix("rule "));
    let line = match named {
        Some(named) => line_of(text, |line| line.contains(&format!("\"{named}\""))),
        None => line_of(text, |line| line.trim_start().starts_with(place.as_str())),
    };
    RuleFault::new(file, line, format!("{place}: {problem}"))
}

fn line_of(text: &str, is_it: impl Fn(&str) -> bool) -> Option<u64> {
    (1..)
        .zip(text.lines())
        .find(|(_, line)| is_it(line))
        .map(|(number, _)| number)
}

#[cfg(test)]
mod tests;

//! Engine *sast*: programs whose values go where they must not.
//!
//! ```text
//! windows ─▶ whole file ─┬─ too long ────────────────────────▶ over-limit
//!                        ├─ no word of any sink in it ───────▶ scanned
//!                        └─ Lowerer ─▶ check ─▶ follow ──────▶ findings with their way
//! after the last file: those that call functions of others are followed once more, into them
//! ```
//!
//! Always true:
//! - a file is parsed only if a rule could hold in it, and followed only if its module passed the check;
//! - a file that was not followed to its end is never *scanned*.

use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use aho_corasick::{AhoCorasick, BuildError};
use protocol::digest::{Digest, Hasher};

use super::flow::{self, Followed, Hit, Outside};
use super::ir::{IrFault, Limits, Module, Span};
use super::link::{Export, Link, Modules, Spot, Summary};
use super::lower::{LowerFault, Lowered, Lowerer, Lowering, MAX_FILE, supports};
use super::rules::{Rule, RulesFault, Ruleset};
use crate::content::FileEntry;
use crate::engine::{BundleFindings, BundleScan, Engine, FileScan, Findings, Outcome, RuleDetail, Way, Window, room};
use crate::facts::{FileFacts, Language, Nature};
use crate::finding::{Found, Identity, RuleInfo, Severity, Step};

mod additions;
mod between;
mod in_words;
mod severity;

pub use self::additions::{Addition, check_addition};

/// The rules that the program is built with, by language.
const BUILT_IN: [(Language, &str); 8] = [
    (Language::C, include_str!("../../rules/taint/c.toml")),
    (Language::Go, include_str!("../../rules/taint/go.toml")),
    (Language::Java, include_str!("../../rules/taint/java.toml")),
    (Language::JavaScript, include_str!("../../rules/taint/javascript.toml")),
    (Language::Php, include_str!("../../rules/taint/php.toml")),
    (Language::Python, include_str!("../../rules/taint/python.toml")),
    (Language::Rust, include_str!("../../rules/taint/rust.toml")),
    (Language::Shell, include_str!("../../rules/taint/shell.toml")),
];
/// Places of a way that are told.
const MAX_STEPS: usize = 12;

/// The engine, with its rules and with what lowers for it.
#[derive(Clone)]
pub struct Sast {
    books: Arc<Vec<Book>>,
    lowering: Arc<dyn Lowering>,
}

/// The rules of a language, and the words without one of which none of them holds.
#[derive(Debug)]
struct Book {
    language: Language,
    rules: Ruleset,
    gate: AhoCorasick,
    digest: Digest,
}

/// Rules that the engine cannot work with.
#[derive(Debug, thiserror::Error)]
pub enum SastError {
    /// A fault in a language's rules.
    #[error("the rules for {language}: {fault}")]
    Rules {
        /// The language.
        language: &'static str,
        /// What is wrong, and where.
        fault: RulesFault,
    },
    /// A fault in what an operator adds.
    #[error("{fault}")]
    Addition {
        /// Which of the additions.
        number: usize,
        /// What is wrong, and where.
        fault: RulesFault,
    },
    /// The words of the sinks do not make an automaton.
    #[error("the words of the sinks for {language} do not compile")]
    Gate {
        /// The language.
        language: &'static str,
        /// Why not.
        source: BuildError,
    },
}

impl fmt::Debug for Sast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sast")
            .field("books", &self.books.len())
            .finish_non_exhaustive()
    }
}

impl Sast {
    /// The engine with the rules that the program is built with.
    ///
    /// # Errors
    /// [`SastError`], which a test shows not to happen.
    pub fn built_in(lowering: Arc<dyn Lowering>) -> Result<Self, SastError> {
        Self::with_rules(&BUILT_IN, lowering)
    }

    /// The engine with these rules, as TOML by language.
    ///
    /// # Errors
    /// [`SastError`] naming language and rule.
    pub fn with_rules(rules: &[(Language, &str)], lowering: Arc<dyn Lowering>) -> Result<Self, SastError> {
        let books = rules.iter().map(|&(language, text)| Book::read(language, text, &[]));
        Ok(Self {
            books: Arc::new(books.collect::<Result<_, _>>()?),
            lowering,
        })
    }

    /// The engine with the rules that the program is built with, and what an operator adds to them.
    ///
    /// # Errors
    /// [`SastError::Addition`] naming the addition and the rule; nothing of any addition is used then.
    pub fn with_additions(additions: &[Addition<'_>], lowering: Arc<dyn Lowering>) -> Result<Self, SastError> {
        let books = BUILT_IN
            .iter()
            .map(|&(language, text)| Book::read(language, text, additions));
        let books: Vec<Book> = books.collect::<Result<_, _>>()?;
        additions::check_ids(&books, additions)?;
        Ok(Self {
            books: Arc::new(books),
            lowering,
        })
    }

    /// The same rules, with another that lowers: to read them takes longer than most tests.
    #[cfg(test)]
    pub(crate) fn lowered_by(&self, lowering: Arc<dyn Lowering>) -> Self {
        let books = Arc::clone(&self.books);
        Self { books, lowering }
    }

    /// The rules of a language: one set serves C and C++, and types change nothing of where values go.
    fn book(&self, language: Language) -> Option<&Book> {
        let language = match language {
            Language::TypeScript => Language::JavaScript,
            Language::Cpp => Language::C,
            other => other,
        };
        self.books.iter().find(|book| book.language == language)
    }
}

impl Book {
    /// The rules of a language, with those of the additions that are to it.
    fn read(language: Language, text: &str, additions: &[Addition<'_>]) -> Result<Self, SastError> {
        let name = language.name();
        let numbered = additions.iter().enumerate();
        let (numbers, added): (Vec<usize>, Vec<&str>) = numbered
            .filter(|(_, addition)| addition.language == language)
            .map(|(number, addition)| (number, addition.text))
            .unzip();
        let rules = Ruleset::parse_with(text, &added).map_err(|(at, fault)| {
            match at.and_then(|at| numbers.get(at).copied()) {
                Some(number) => SastError::Addition { number, fault },
                None => SastError::Rules { language: name, fault },
            }
        })?;
        let mut words: Vec<&str> = rules.words().collect();
        words.sort_unstable();
        words.dedup();
        let gate = AhoCorasick::new(words).map_err(|source| SastError::Gate { language: name, source })?;
        let mut digest = Digest::of(text.as_bytes());
        for text in added {
            digest = Digest::of(format!("{digest} and {}", Digest::of(text.as_bytes())).as_bytes());
        }
        Ok(Self {
            language,
            gate,
            rules,
            digest,
        })
    }
}

impl Engine for Sast {
    fn name(&self) -> &'static str {
        super::NAME
    }

    fn version(&self) -> u32 {
        2
    }

    fn rules(&self) -> Vec<RuleInfo> {
        let info = |rule: &Rule| RuleInfo {
            id: rule.id.clone(),
            title: rule.title.clone(),
            severity: rule.severity,
            cwe: Some(rule.cwe),
            mend: rule.mend.clone(),
        };
        self.books.iter().flat_map(|book| &book.rules.rules).map(info).collect()
    }

    fn detail(&self, id: &str) -> RuleDetail {
        let told = self.books.iter().find_map(|book| in_words::detail(book, id));
        told.unwrap_or_default()
    }

    fn rules_digest(&self) -> Digest {
        let mut hasher = Hasher::new();
        hasher.update(b"sast rules\0");
        for book in self.books.iter() {
            hasher.update(format!("{}\0{}\0", book.language.name(), book.digest).as_bytes());
        }
        hasher.finish()
    }

    /// What is scanned where programs can be parsed may not be where they cannot.
    fn by_file(&self) -> bool {
        self.lowering.is_possible()
    }

    fn begin_bundle<'a>(&'a self, files: &'a [FileEntry]) -> Box<dyn BundleScan + 'a> {
        Box::new(BundleSast {
            sast: self,
            lowerer: self.lowering.begin(),
            modules: Modules::of(files),
            link: Mutex::default(),
        })
    }
}

struct BundleSast<'a> {
    sast: &'a Sast,
    lowerer: Box<dyn Lowerer>,
    modules: Modules,
    link: Mutex<Link>,
}

impl BundleScan for BundleSast<'_> {
    fn begin_file<'a>(&'a self, file: &'a FileFacts) -> Option<Box<dyn FileScan + 'a>> {
        let language = file
            .language()
            .filter(|language| language.nature() == Nature::Program)?;
        let book = self.sast.book(language).filter(|_| supports(language));
        Some(match book {
            Some(book) => Box::new(FileSast {
                book,
                language,
                bundle: self,
                file,
                bytes: Vec::new(),
                too_long: file.size > MAX_FILE as u64,
            }),
            None => Box::new(Unreadable),
        })
    }

    fn recall(&self, file: &FileFacts, bytes: &[u8], summary: &[u8]) -> bool {
        let summary = postcard::from_bytes(summary);
        summary.is_ok_and(|summary| {
            self.link(file, summary, || bytes.to_vec());
            true
        })
    }

    fn finish(self: Box<Self>, out: &mut BundleFindings<'_>) {
        let mut link = self.link.lock().unwrap_or_else(PoisonError::into_inner);
        link.close(&self.modules);
        self.report_linked(&link.linked(&self.modules), out);
    }
}

/// Has a file lowered, and believes no more of it than passes the check; else the outcome.
fn lower_checked(lowerer: &dyn Lowerer, language: Language, bytes: &[u8]) -> Result<Lowered, Outcome> {
    let lowered = lowerer.lower(language, bytes).map_err(outcome_of)?;
    match lowered.module.check(bytes.len(), Limits::default()) {
        Ok(()) => Ok(lowered),
        Err(IrFault::TooMany(_) | IrFault::Deep) => Err(Outcome::OverLimit),
        Err(_) => Err(Outcome::Crashed),
    }
}

/// A program in a language that there are no rules for.
struct Unreadable;

impl FileScan for Unreadable {
    fn window(&mut self, _window: &Window<'_>, _out: &mut Findings<'_>) {}

    fn finish(self: Box<Self>, _out: &mut Findings<'_>) -> Outcome {
        Outcome::Unsupported
    }
}

/// One file at work.
struct FileSast<'a> {
    book: &'a Book,
    /// What it is lowered as; the rules may be those of another language.
    language: Language,
    bundle: &'a BundleSast<'a>,
    file: &'a FileFacts,
    bytes: Vec<u8>,
    too_long: bool,
}

impl FileScan for FileSast<'_> {
    fn window(&mut self, window: &Window<'_>, _out: &mut Findings<'_>) {
        let owned = window.bytes.get(window.owned.clone()).unwrap_or_default();
        self.too_long |= self.bytes.len() + owned.len() > MAX_FILE;
        if !self.too_long {
            self.bytes.extend_from_slice(owned);
        }
    }

    fn finish(self: Box<Self>, out: &mut Findings<'_>) -> Outcome {
        if self.too_long {
            return Outcome::OverLimit;
        }
        if !self.book.gate.is_match(&self.bytes) && !has_escaped_letters(&self.bytes) {
            return Outcome::Scanned;
        }
        let lowered = match lower_checked(self.bundle.lowerer.as_ref(), self.language, &self.bytes) {
            Ok(lowered) => lowered,
            Err(outcome) => return outcome,
        };
        let followed = follow(&lowered.module, &self.book.rules, &Outside::default());
        self.report(&followed.hits, &lowered.module, out);
        let outcome = match () {
            () if lowered.cut || followed.exhausted => Outcome::OverLimit,
            () if !declares_only(self.file.name()) && too_much_unparsed(&lowered.module, self.bytes.len()) => {
                Outcome::Unsupported
            }
            () => Outcome::Scanned,
        };
        let summary = self.summary(followed);
        out.remember(postcard::to_allocvec(&summary).unwrap_or_default());
        let Self {
            bundle, file, bytes, ..
        } = *self;
        bundle.link(file, summary, || bytes);
        outcome
    }
}

impl FileSast<'_> {
    fn report(&self, hits: &[Hit], module: &Module, out: &mut Findings<'_>) {
        let window = Window::whole(&self.bytes);
        for hit in hits {
            let Some(rule) = self.book.rules.rules.get(hit.rule) else {
                continue;
            };
            let severity = match severity::is_offered(rule, hit.at, module, &self.bytes) {
                true => Severity::Low,
                false => severity::by_place(rule, hit, &self.book.rules, &self.file.path),
            };
            if out.lists(&rule.id) {
                let way = told(hit, rule, &self.book.rules, &window);
                out.add_with_way(found(rule, severity, hit, &window), way);
            } else {
                out.count(&rule.id, severity);
            }
        }
    }

    /// What other files, and this one in another bundle, need to know.
    fn summary(&self, followed: Followed) -> Summary {
        let window = Window::whole(&self.bytes);
        let exports = followed.exports.into_iter().map(|function| Export {
            path: self.file.path.clone(),
            ways: function
                .reaches
                .iter()
                .map(|reach| spots(&reach.way, &window))
                .collect(),
            passes: function
                .passes
                .iter()
                .map(|passed| spots(&passed.way, &window))
                .collect(),
            function,
        });
        let hits = followed.hits.iter();
        Summary {
            exports: exports.collect(),
            called: followed.called,
            found: hits.map(|hit| (hit.at, hit.rule, hit.way.first().copied())).collect(),
        }
    }
}

/// The places of a way, one a line.
fn spots(way: &[Span], window: &Window<'_>) -> Vec<Spot> {
    let mut spots: Vec<Spot> = Vec::new();
    for span in way {
        let place = window.place(range(*span));
        if spots.last().is_none_or(|last| last.line != place.line) {
            spots.push(Spot {
                path: None,
                line: place.line,
                column: place.column,
            });
        }
    }
    spots
}

fn found(rule: &Rule, severity: Severity, hit: &Hit, window: &Window<'_>) -> Found {
    Found {
        rule: rule.id.clone(),
        severity,
        confidence: rule.confidence,
        cwe: Some(rule.cwe),
        message: rule.message.clone(),
        mend: rule.mend.clone(),
        place: Some(window.place(range(hit.at))),
        identity: Identity::Line,
    }
}

/// The places of a hit's way, one a line; none if the sink alone says it.
fn told(hit: &Hit, rule: &Rule, rules: &Ruleset, window: &Window<'_>) -> Way {
    let source = hit.source.and_then(|source| rules.sources.get(source));
    let mut way = Way::new();
    for (index, span) in hit.way.iter().enumerate() {
        let place = window.place(range(*span));
        let what = match (index, source) {
            (0, Some(source)) => source.what.clone(),
            _ if index + 1 == hit.way.len() => rule.title.clone(),
            _ => Step::GOES_ON.to_owned(),
        };
        let told = way.len();
        match way.last_mut() {
            Some((last, known)) if known.line == place.line => {
                if index + 1 == hit.way.len() && told > 1 {
                    *last = what;
                }
            }
            _ => way.push((what, place)),
        }
    }
    if way.len() > MAX_STEPS {
        // Where it comes from and how it ends says most.
        way.drain(MAX_STEPS / 2..way.len() - MAX_STEPS / 2);
    }
    if way.len() < 2 && hit.beyond.is_none() {
        way.clear();
    }
    way
}

/// Follows a module where there is room for it.
fn follow(module: &Module, rules: &Ruleset, outside: &Outside<'_>) -> Followed {
    room::with_room(|| flow::follow(module, rules, outside)).unwrap_or_else(|_| Followed {
        exhausted: true,
        ..Followed::default()
    })
}

fn outcome_of(fault: LowerFault) -> Outcome {
    match fault {
        LowerFault::Unsupported => Outcome::Unsupported,
        LowerFault::OverLimit => Outcome::OverLimit,
        LowerFault::TimedOut => Outcome::TimedOut,
        LowerFault::Crashed | LowerFault::Grammar => Outcome::Crashed,
    }
}

/// Whether so much of a file was not understood that nothing follows from what was not found.
fn too_much_unparsed(module: &Module, len: usize) -> bool {
    let bytes: usize = module.unparsed.iter().map(|span| range(*span).len()).sum();
    bytes > len / 50
}

/// Whether a letter of a name may be written as an escape, so that no word of a sink stands there.
fn has_escaped_letters(bytes: &[u8]) -> bool {
    let letter = |digits: &[u8]| digits.starts_with(b"{") || matches!(digits, [b'0', b'0', b'4'..=b'7', ..]);
    let mut escapes = bytes.windows(5).filter(|part| part.starts_with(b"\\u"));
    escapes.any(|part| letter(part.get(2..).unwrap_or_default()))
}

/// Whether nothing in a file of this name is ever run: TypeScript's declarations, for some of which the grammar has no rule.
fn declares_only(name: &str) -> bool {
    [".d.ts", ".d.mts", ".d.cts"].iter().any(|end| name.ends_with(end))
}

fn range(span: Span) -> Range<usize> {
    span.start as usize..span.end as usize
}

#[cfg(test)]
mod tests;

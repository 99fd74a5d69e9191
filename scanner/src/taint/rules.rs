//! What is looked for: sources, sinks, and what cleans a value on its way, per language, read from TOML.
//!
//! ```text
//! rules/taint/python.toml ─▶ Ruleset ─┬─ sources      "flask.request.args"          who may have written a value
//!                                     ├─ cleaners     "shlex.quote" for command     what it is safe for afterwards
//!                                     ├─ carriers     "*.append": args to receiver  what a call changes besides its result
//!                                     ├─ guards       "*.isdigit" for all           what a condition proves
//!                                     └─ rules        sinks by kind, patterns       what is reported, with samples
//! ```
//!
//! Always true:
//! - a value is followed by what it *is*, a path through imports, types and calls, not by how a file calls it;
//! - a kind is a word that sinks and cleaners share; a cleaner for no kind is a fault of the file;
//! - every rule has samples that it must find and samples that it must not.

use std::collections::HashSet;

use regex::Regex;
use serde::{Deserialize, Serialize};

use crate::finding::{Confidence, Severity};

mod offered;
mod pattern;
mod shared;
mod text;

pub use self::offered::Offered;
pub use self::pattern::{Keyed, Keys, MARKED, Pattern, PatternFault, PatternIndex, RETURNED};
use self::text::{RulesText, Words};

/// The kinds of sink that a value may be unsafe for, as a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash, Serialize, Deserialize)]
pub struct Kinds(pub u64);

impl Kinds {
    /// No kind.
    pub const NONE: Self = Self(0);
    /// Every kind.
    pub const ALL: Self = Self(u64::MAX);

    /// Kinds of either.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Kinds of both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Every kind that is not in this.
    #[must_use]
    pub fn others(self) -> Self {
        Self(!self.0)
    }

    /// Whether `other` is wholly in this.
    #[must_use]
    pub fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// The rules of one language.
#[derive(Debug, Default)]
pub struct Ruleset {
    /// Where values come from.
    pub sources: Vec<Source>,
    /// Sources by the path of an expression; values are positions in `sources`.
    pub by_path: PatternIndex<usize>,
    /// Calls whose result is safe for some kinds.
    pub cleaners: PatternIndex<Kinds>,
    /// Calls whose result is safe if their first argument is a text of this shape.
    pub shaped_cleaners: PatternIndex<Guard>,
    /// Attributes that are safe, where calls of these names are not meant: `length`.
    pub attribute_cleaners: PatternIndex<Kinds>,
    /// Whether attributes have cleaners of their own, and those of calls do not count for them.
    pub attributes_apart: bool,
    /// Calls after which what was safe for these kinds no longer is: `html_entity_decode`.
    pub spoilers: PatternIndex<Kinds>,
    /// Calls whose result is what the closure that they are given makes of the parts: `map`.
    pub maps: PatternIndex<()>,
    /// What a value is safe for that `-`, `*`, `/`, `%` or an operator over bits gave: all, where that is a number.
    pub arithmetic_cleans: Kinds,
    /// Calls after which what they were called on is safe: `server.starttls()`.
    pub settling: PatternIndex<Kinds>,
    /// Assignments of such a value after which the variable on the left is safe: a header that says `text/plain`.
    pub assigned_cleaners: PatternIndex<AssignedCleaner>,
    /// Calls whose first argument only chooses which part of the receiver is given back: `TABLE.get(key, default)`.
    pub lookups: PatternIndex<()>,
    /// Calls whose result is as good as the text of their first argument: `re.compile`.
    pub keeps_text: PatternIndex<()>,
    /// Calls whose result stands for their arguments in a comparison: `os.path.realpath`.
    pub keeps_reads: PatternIndex<()>,
    /// Attributes that decide about the whole when they are compared: `hostname`.
    pub deciding: Vec<String>,
    /// Calls that prove something of a value when they hold.
    pub guards: PatternIndex<Guard>,
    /// Calls that change what they are called on or given.
    pub carriers: PatternIndex<Carrier>,
    /// Calls that put what someone else wrote into an argument: `recv(fd, buf, len, 0)`.
    pub fills: PatternIndex<Fill>,
    /// Kinds for which a number is safe once it is known to be less than another.
    pub bounded: Kinds,
    /// Whether what is written through a variable is written to what the variable was taken from.
    pub pointers: bool,
    /// Whether what a function gives back is what it prints, and says nothing of whether it went well.
    pub prints: bool,
    /// Further words of which a file must have one: signs that stand for sinks.
    pub signs: Vec<String>,
    /// Calls that do not come back: `sys.exit`.
    pub ends: PatternIndex<()>,
    /// What a call's result is: `"*.getConnection"` is a `java.sql.Connection`.
    pub types: PatternIndex<String>,
    /// What is reported.
    pub rules: Vec<Rule>,
    /// Sinks by the path of what is called; values are positions in `rules` and in their sinks.
    pub calls: PatternIndex<(usize, usize)>,
    /// Sinks by the path of what is assigned to.
    pub assigned: PatternIndex<(usize, usize)>,
    /// The names of sinks, as [`Ruleset::words`] gives them.
    pub word_set: HashSet<String>,
    /// All calls that anything above is about.
    pub about_calls: PatternIndex<()>,
}

/// Where values come from that someone else may have written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// What it is, for people: "the query string of the request".
    pub what: String,
    /// Kinds that it is safe for from the start.
    pub clean: Kinds,
    /// It is one only in files that bring one of these in: `django`. Empty: in all.
    pub with: Vec<String>,
    /// If it is a parameter: of which functions.
    pub param: Option<ParamSource>,
    /// Whether it is about a variable as a whole, and not about what is in it: memory that was given back.
    pub whole: bool,
    /// Whether it is whoever starts the program, or the clock: in a program that only tests run, nobody else.
    pub local: bool,
}

/// A call that puts what someone else wrote into its arguments.
#[derive(Debug, Clone)]
pub struct Fill {
    /// What is put there, by its position in the sources.
    pub source: usize,
    /// The arguments that get it.
    pub to: Vec<u16>,
    /// What the argument must be, if not anything: paths.
    pub being: Vec<Pattern>,
}

/// Which parameters are sources. Whatever is given must hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ParamSource {
    /// The function has a mark (decorator, annotation) of one of these paths.
    pub function_mark: Vec<Pattern>,
    /// The parameter has a mark of one of these.
    pub mark: Vec<Pattern>,
    /// The parameter has one of these types.
    pub ty: Vec<Pattern>,
    /// The parameter has one of these names.
    pub name: Vec<String>,
    /// The function has one of these names.
    pub function: Vec<String>,
    /// The function's class extends one of these.
    pub class: Vec<Pattern>,
    /// The function has parameters of all these names beside it.
    pub beside: Vec<String>,
    /// Parameters with these names are never it.
    pub except: Vec<String>,
    /// Parameters of these types are never it: numbers, injected objects.
    pub except_type: Vec<Pattern>,
    /// Parameters with a default of one of these paths are never it.
    pub except_default: Vec<Pattern>,
    /// What the parameter is, if not itself a source: a path, such as `django.http.HttpRequest`.
    pub is: Option<String>,
}

/// What a condition proves.
#[derive(Debug, Clone)]
pub struct Guard {
    /// Which argument; `None` is what it is called on.
    pub arg: Option<u16>,
    /// What it is safe for when the call holds.
    pub kinds: Kinds,
    /// Whether it is safe when the call does *not* hold.
    pub negated: bool,
    /// What the constant text that it is compared with must be like: a regular expression that is anchored.
    pub shape: Option<Regex>,
}

/// An assignment that cleans.
#[derive(Debug, Clone)]
pub struct AssignedCleaner {
    /// What the variable is safe for afterwards.
    pub kinds: Kinds,
    /// What the constant must match.
    pub value: Regex,
}

/// What a call changes besides its result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Carrier {
    /// Arguments from this one on are taken.
    pub from: u16,
    /// What gets them: an argument, or (`None`) what it is called on.
    pub to: Option<u16>,
    /// Whether what was there before is gone.
    pub over: bool,
}

/// What is reported.
#[derive(Debug)]
pub struct Rule {
    /// Its id, unique in the engine.
    pub id: String,
    /// What it finds, in a few words.
    pub title: String,
    /// The weakness by MITRE's numbering.
    pub cwe: u32,
    /// How bad it is.
    pub severity: Severity,
    /// How sure a finding is.
    pub confidence: Confidence,
    /// Why it matters.
    pub message: String,
    /// What to do about it.
    pub mend: String,
    /// What a value must not be unsafe for; none: a pattern, for which no value has to be tainted.
    pub kind: Option<Kinds>,
    /// When a hit is low because the function around it offers this, and its callers decide.
    pub offered: Option<Offered>,
    /// Where it is looked for.
    pub sinks: Vec<Sink>,
    /// Code in which it must be found.
    pub bad: Vec<Sample>,
    /// Code in which it must not.
    pub good: Vec<Sample>,
}

/// A sample of a rule: one file.
pub type Sample = String;

/// A place where a value must not be unsafe.
#[derive(Debug)]
pub struct Sink {
    /// Which arguments; empty: all.
    pub args: Vec<u16>,
    /// And which named ones.
    pub named: Vec<String>,
    /// Whether what it is called on counts too.
    pub receiver: bool,
    /// Whether only what is spread over unknown parameters counts (`Model(**body)`).
    pub spread: bool,
    /// The one key of an argument that counts, if it is a map.
    pub item: Option<String>,
    /// Whether a value that was written as a list or map here is none: `axios({ url, data })`.
    pub plain: bool,
    /// Whether of a function that is given it matters what it gives back.
    pub gives: bool,
    /// What else must hold of the call.
    pub conditions: Vec<Condition>,
    /// What the constant text of the value must match.
    pub text: Option<Regex>,
    /// What the constant text before the first unknown part must not match: a fixed host, a fixed folder.
    pub unless_prefix: Option<Regex>,
    /// Whether a value that is built from text and a tainted part is needed (`execute(q, params)` with an untouched `q` is none).
    pub built: bool,
}

/// What must hold of a call or an assignment, beside its path.
#[derive(Debug)]
pub struct Condition {
    /// Of which argument: by position, by name (either).
    pub arg: Option<u16>,
    /// Its name; `options.verify` is a key of the map that is given as `options`.
    pub named: Option<String>,
    /// What it is called on instead of an argument.
    pub receiver: bool,
    /// Whether it is enough that some argument is so.
    pub any: bool,
    /// What must hold.
    pub test: Test,
}

/// What must hold of an argument.
#[derive(Debug)]
pub enum Test {
    /// It is a constant whose text matches.
    Matches(Regex),
    /// It is not a constant whose text matches: also if it is not there.
    DiffersFrom(Regex),
    /// It is not given.
    Absent,
    /// It is given.
    Given,
    /// Its path matches.
    Is(Vec<Pattern>),
    /// Its path does not.
    IsNot(Vec<Pattern>),
    /// It is a number with one of these bits set.
    Bits(i64),
    /// It comes from a source and was not cleaned for these kinds.
    Unsafe(Kinds),
    /// It does not.
    Safe(Kinds),
}

/// Rules that cannot be used: which, why and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct RulesFault {
    /// The line, or the rule.
    pub place: String,
    /// What is wrong.
    pub problem: String,
}

impl Ruleset {
    /// Reads and compiles the rules of one language.
    ///
    /// # Errors
    /// [`RulesFault`] naming line or rule.
    pub fn parse(text: &str) -> Result<Self, RulesFault> {
        Self::parse_with(text, &[]).map_err(|(_, fault)| fault)
    }

    /// The rules of one language, and what an operator adds to them, each a text.
    ///
    /// # Errors
    /// [`RulesFault`] naming line or rule, and which of the additions it is in; none: the language's own text.
    pub fn parse_with(text: &str, additions: &[&str]) -> Result<Self, (Option<usize>, RulesFault)> {
        let own = |fault| (None, fault);
        let mut words = Words::default();
        let mut set = RulesText::parse(text)
            .and_then(|text| text.compile(&mut words))
            .map_err(own)?;
        for (number, addition) in additions.iter().enumerate() {
            let added = RulesText::parse(addition).and_then(|text| text.extend(&mut set, &mut words));
            added.map_err(|fault| (Some(number), fault))?;
        }
        Ok(set)
    }

    /// The language that a text says it adds to, if it is one that adds, and the number of its rules.
    ///
    /// # Errors
    /// [`RulesFault`] naming the line.
    pub fn head(text: &str) -> Result<(Option<String>, usize), RulesFault> {
        let text = RulesText::parse(text)?;
        Ok((text.language, text.rule.len()))
    }

    /// Gathers what is known only when all rules are read.
    fn gather(&mut self) {
        self.word_set = self.words().map(str::to_owned).collect();
        let mut about = PatternIndex::default();
        about.add_patterns(&self.cleaners);
        about.add_patterns(&self.shaped_cleaners);
        about.add_patterns(&self.spoilers);
        about.add_patterns(&self.maps);
        about.add_patterns(&self.settling);
        about.add_patterns(&self.lookups);
        about.add_patterns(&self.keeps_text);
        about.add_patterns(&self.keeps_reads);
        about.add_patterns(&self.guards);
        about.add_patterns(&self.carriers);
        about.add_patterns(&self.fills);
        about.add_patterns(&self.ends);
        about.add_patterns(&self.types);
        about.add_patterns(&self.calls);
        self.about_calls = about;
    }

    /// A word of which every file has one in which any rule can hold: names of sinks.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        let signs = self.signs.iter().map(String::as_str);
        self.calls.words().chain(self.assigned.words()).chain(signs)
    }
}

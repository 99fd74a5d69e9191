//! The rules as they are written: those of a language, and what an operator adds to them.
//!
//! Always true: an addition has more rules, and says of more calls what they do; what holds of the language as a whole (its switches, its
//! special kinds) is not for it to say.

use std::collections::BTreeMap;

use regex::Regex;
use serde::Deserialize;

use super::offered::OfferedText;
use super::{
    AssignedCleaner, Carrier, Condition, Fill, Guard, Kinds, ParamSource, Pattern, Rule, RulesFault, Ruleset, Sample,
    Sink, Source, Test, shared,
};
use crate::finding::{Confidence, Severity};

/// Kinds that a set can hold.
const MAX_KINDS: usize = 64;

/// A file of rules.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RulesText {
    /// Of an addition alone: the language whose rules it adds to.
    pub(super) language: Option<String>,
    #[serde(default)]
    source: Vec<SourceText>,
    #[serde(default)]
    cleaner: Vec<CleanerText>,
    #[serde(default)]
    spoiler: Vec<SpoilerText>,
    #[serde(default)]
    guard: Vec<GuardText>,
    #[serde(default)]
    carrier: Vec<CarrierText>,
    #[serde(default)]
    ends: Vec<String>,
    #[serde(default)]
    lookups: Vec<String>,
    #[serde(default)]
    keeps_text: Vec<String>,
    #[serde(default)]
    keeps_reads: Vec<String>,
    #[serde(default)]
    maps: Vec<String>,
    #[serde(default)]
    arithmetic_cleans: bool,
    #[serde(default)]
    deciding: Vec<String>,
    #[serde(default)]
    special: Vec<String>,
    #[serde(default)]
    bounded: Vec<String>,
    #[serde(default)]
    signs: Vec<String>,
    #[serde(default)]
    pointers: bool,
    #[serde(default)]
    prints: bool,
    #[serde(default)]
    result: Vec<ResultText>,
    #[serde(default)]
    pub(super) rule: Vec<RuleText>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SourceText {
    what: String,
    #[serde(default)]
    path: Vec<String>,
    #[serde(default)]
    clean: Vec<String>,
    only: Option<Vec<String>>,
    #[serde(default)]
    with: Vec<String>,
    param: Option<ParamText>,
    #[serde(default)]
    fills: Vec<String>,
    #[serde(default)]
    to: Vec<u16>,
    #[serde(default)]
    being: Vec<String>,
    #[serde(default)]
    whole: bool,
    #[serde(default)]
    local: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[derive(Default)]
struct ParamText {
    function_mark: Vec<String>,
    mark: Vec<String>,
    #[serde(rename = "type")]
    ty: Vec<String>,
    name: Vec<String>,
    function: Vec<String>,
    class: Vec<String>,
    beside: Vec<String>,
    except: Vec<String>,
    except_type: Vec<String>,
    except_default: Vec<String>,
    is: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CleanerText {
    #[serde(default)]
    call: Vec<String>,
    #[serde(default)]
    attribute: Vec<String>,
    #[serde(default)]
    assign: Vec<String>,
    value: Option<String>,
    #[serde(default)]
    receiver: bool,
    shape: Option<String>,
    kinds: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SpoilerText {
    call: Vec<String>,
    kinds: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct GuardText {
    call: Vec<String>,
    kinds: Vec<String>,
    arg: Option<u16>,
    #[serde(default)]
    negated: bool,
    shape: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CarrierText {
    call: Vec<String>,
    #[serde(default)]
    from: u16,
    to: Option<u16>,
    #[serde(default)]
    over: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ResultText {
    call: Vec<String>,
    is: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RuleText {
    id: String,
    title: String,
    cwe: u32,
    severity: Severity,
    confidence: Confidence,
    message: String,
    mend: String,
    kind: Option<String>,
    offered: Option<OfferedText>,
    sink: Vec<SinkText>,
    bad: Vec<Sample>,
    good: Vec<Sample>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SinkText {
    #[serde(default)]
    call: Vec<String>,
    #[serde(default)]
    assign: Vec<String>,
    #[serde(default)]
    arg: Vec<u16>,
    #[serde(default)]
    named: Vec<String>,
    #[serde(default)]
    receiver: bool,
    #[serde(default)]
    spread: bool,
    item: Option<String>,
    #[serde(default)]
    when: Vec<ConditionText>,
    text: Option<String>,
    unless_prefix: Option<String>,
    #[serde(default)]
    built: bool,
    #[serde(default)]
    plain: bool,
    #[serde(default)]
    gives: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ConditionText {
    arg: Option<u16>,
    named: Option<String>,
    #[serde(default)]
    receiver: bool,
    #[serde(default)]
    any: bool,
    matches: Option<String>,
    differs_from: Option<String>,
    is: Option<Vec<String>>,
    is_not: Option<Vec<String>>,
    given: Option<bool>,
    bits: Option<i64>,
    unsafe_for: Option<Vec<String>>,
    safe_for: Option<Vec<String>>,
}

impl RulesText {
    pub(super) fn parse(text: &str) -> Result<Self, RulesFault> {
        toml::from_str(text).map_err(|error| {
            let line = error
                .span()
                .map(|span| text.get(..span.start).unwrap_or(text).matches('\n').count() + 1);
            RulesFault {
                place: line.map_or_else(|| "the file".to_owned(), |line| format!("line {line}")),
                problem: error.message().replace('\n', " "),
            }
        })
    }

    /// The rules of the language itself.
    pub(super) fn compile(self, words: &mut Words) -> Result<Ruleset, RulesFault> {
        let mut set = Ruleset::default();
        words.take(&self.rule, &self.special)?;
        words.special = words.kinds("special", &self.special)?;
        if self.arithmetic_cleans {
            set.arithmetic_cleans = words.special.others();
        }
        set.pointers = self.pointers;
        set.prints = self.prints;
        self.add_to(&mut set, words)?;
        Ok(set)
    }

    /// Adds an operator's rules to those of their language.
    pub(super) fn extend(self, set: &mut Ruleset, words: &mut Words) -> Result<(), RulesFault> {
        let switches = [
            ("special", !self.special.is_empty()),
            ("pointers", self.pointers),
            ("prints", self.prints),
            ("arithmetic_cleans", self.arithmetic_cleans),
        ];
        if let Some((switch, _)) = switches.into_iter().find(|(_, written)| *written) {
            return Err(RulesFault {
                place: switch.to_owned(),
                problem: "that is for the language's own rules to say".to_owned(),
            });
        }
        words.take(&self.rule, &[])?;
        self.add_to(set, words)
    }

    fn add_to(self, set: &mut Ruleset, words: &Words) -> Result<(), RulesFault> {
        set.deciding.extend(self.deciding);
        set.signs.extend(self.signs);
        set.bounded = set.bounded.or(words.kinds("bounded", &self.bounded)?);
        for text in self.source {
            text.compile_into(words, set)?;
        }
        for text in self.cleaner {
            text.compile_into(words, set)?;
        }
        for text in self.spoiler {
            text.compile_into(words, set)?;
        }
        for text in self.guard {
            let place = format!("guard {:?}", text.call);
            let guard = Guard {
                arg: text.arg,
                kinds: words.kinds(&place, &text.kinds)?,
                negated: text.negated,
                shape: text.shape.map(|shape| regex(&place, &shape)).transpose()?,
            };
            each(&place, &text.call, |pattern| set.guards.insert(pattern, guard.clone()))?;
        }
        for text in self.carrier {
            let carrier = Carrier {
                from: text.from,
                to: text.to,
                over: text.over,
            };
            let place = format!("carrier {:?}", text.call);
            each(&place, &text.call, |pattern| set.carriers.insert(pattern, carrier))?;
        }
        each("ends", &self.ends, |pattern| set.ends.insert(pattern, ()))?;
        each("lookups", &self.lookups, |pattern| set.lookups.insert(pattern, ()))?;
        each("maps", &self.maps, |pattern| set.maps.insert(pattern, ()))?;
        each("keeps_text", &self.keeps_text, |pattern| {
            set.keeps_text.insert(pattern, ());
        })?;
        each("keeps_reads", &self.keeps_reads, |pattern| {
            set.keeps_reads.insert(pattern, ());
        })?;
        for text in self.result {
            let place = format!("result {:?}", text.call);
            each(&place, &text.call, |pattern| set.types.insert(pattern, text.is.clone()))?;
        }
        for text in self.rule {
            add_rule(set, words, text)?;
        }
        set.gather();
        Ok(())
    }
}

impl SourceText {
    fn compile_into(self, words: &Words, set: &mut Ruleset) -> Result<(), RulesFault> {
        let place = format!("source \"{}\"", self.what);
        each(&place, &self.path, |pattern| {
            set.by_path.insert(pattern, set.sources.len());
        })?;
        let fill = Fill {
            source: set.sources.len(),
            to: self.to,
            being: patterns(&place, &self.being)?,
        };
        each(&place, &self.fills, |pattern| set.fills.insert(pattern, fill.clone()))?;
        let clean = words.kinds(&place, &self.clean)?;
        let only = self.only.map(|only| words.kinds(&place, &only)).transpose()?;
        set.sources.push(Source {
            clean: clean.or(only.map_or(words.special, Kinds::others)),
            with: self.with,
            param: self.param.map(|param| param.compile(&place)).transpose()?,
            whole: self.whole,
            local: self.local,
            what: self.what,
        });
        Ok(())
    }
}

impl SpoilerText {
    fn compile_into(self, words: &Words, set: &mut Ruleset) -> Result<(), RulesFault> {
        let place = format!("spoiler {:?}", self.call);
        let kinds = words.kinds(&place, &self.kinds)?;
        each(&place, &self.call, |pattern| set.spoilers.insert(pattern, kinds))
    }
}

impl CleanerText {
    fn compile_into(self, words: &Words, set: &mut Ruleset) -> Result<(), RulesFault> {
        let place = format!("cleaner {:?}", [&self.call[..], &self.assign[..]].concat());
        let kinds = words.kinds(&place, &self.kinds)?;
        set.attributes_apart |= !self.attribute.is_empty();
        each(&place, &self.attribute, |pattern| {
            set.attribute_cleaners.insert(pattern, kinds);
        })?;
        if let Some(shape) = &self.shape {
            let guard = Guard {
                arg: Some(0),
                kinds,
                negated: false,
                shape: Some(regex(&place, shape)?),
            };
            return each(&place, &self.call, |pattern| {
                set.shaped_cleaners.insert(pattern, guard.clone());
            });
        }
        let calls = if self.receiver {
            &mut set.settling
        } else {
            &mut set.cleaners
        };
        each(&place, &self.call, |pattern| calls.insert(pattern, kinds))?;
        let value = regex(&place, self.value.as_deref().unwrap_or_default())?;
        each(&place, &self.assign, |pattern| {
            let value = value.clone();
            set.assigned_cleaners.insert(pattern, AssignedCleaner { kinds, value });
        })
    }
}

fn add_rule(set: &mut Ruleset, words: &Words, text: RuleText) -> Result<(), RulesFault> {
    let place = format!("rule {}", text.id);
    let fault = |problem: &str| RulesFault {
        place: place.clone(),
        problem: problem.to_owned(),
    };
    if set.rules.iter().any(|rule| rule.id == text.id) {
        return Err(fault("the id is taken; ids are unique"));
    }
    if text.bad.is_empty() || text.good.is_empty() {
        return Err(fault("it has no samples; write at least one bad and one good"));
    }
    let number = set.rules.len();
    let mut sinks = Vec::new();
    for sink in text.sink {
        if sink.call.is_empty() == sink.assign.is_empty() {
            return Err(fault("a sink has either call or assign"));
        }
        let at = (number, sinks.len());
        each(&place, &sink.call, |pattern| set.calls.insert(pattern, at))?;
        each(&place, &sink.assign, |pattern| set.assigned.insert(pattern, at))?;
        sinks.push(sink.compile(words, &place)?);
    }
    if sinks.is_empty() {
        return Err(fault("it has no sink"));
    }
    let offered = text.offered.map(OfferedText::compile).transpose();
    set.rules.push(Rule {
        offered: offered.map_err(|_| fault("a regular expression of `offered` does not compile"))?,
        kind: text.kind.map(|word| words.kinds(&place, &[word])).transpose()?,
        id: text.id,
        title: text.title,
        cwe: text.cwe,
        severity: text.severity,
        confidence: text.confidence,
        message: text.message,
        mend: text.mend,
        sinks,
        bad: text.bad,
        good: text.good,
    });
    Ok(())
}

impl SinkText {
    fn compile(self, words: &Words, place: &str) -> Result<Sink, RulesFault> {
        let conditions = self.when.into_iter().map(|condition| condition.compile(words, place));
        Ok(Sink {
            args: self.arg,
            named: self.named,
            receiver: self.receiver,
            spread: self.spread,
            item: self.item,
            conditions: conditions.collect::<Result<_, _>>()?,
            text: self.text.map(|text| regex(place, &text)).transpose()?,
            unless_prefix: self.unless_prefix.map(|text| regex(place, &text)).transpose()?,
            built: self.built,
            plain: self.plain,
            gives: self.gives,
        })
    }
}

impl ConditionText {
    fn compile(self, words: &Words, place: &str) -> Result<Condition, RulesFault> {
        let fault = |problem: &str| RulesFault {
            place: place.to_owned(),
            problem: problem.to_owned(),
        };
        if self.arg.is_none() && self.named.is_none() && !self.receiver && !self.any {
            return Err(fault(
                "a condition names no argument; write arg, named, receiver or any",
            ));
        }
        let tests = [
            self.matches.map(|text| regex(place, &text).map(Test::Matches)),
            self.differs_from.map(|text| regex(place, &text).map(Test::DiffersFrom)),
            self.is.map(|paths| patterns(place, &paths).map(Test::Is)),
            self.is_not.map(|paths| patterns(place, &paths).map(Test::IsNot)),
            self.given
                .map(|given| Ok(if given { Test::Given } else { Test::Absent })),
            self.bits.map(|bits| Ok(Test::Bits(bits))),
            self.unsafe_for
                .map(|kinds| words.kinds(place, &kinds).map(Test::Unsafe)),
            self.safe_for.map(|kinds| words.kinds(place, &kinds).map(Test::Safe)),
        ];
        let mut tests = tests.into_iter().flatten();
        match (tests.next(), tests.next()) {
            (Some(test), None) => Ok(Condition {
                arg: self.arg,
                named: self.named,
                receiver: self.receiver,
                any: self.any,
                test: test?,
            }),
            _ => Err(fault(
                "a condition has one test: matches, differs_from, is, is_not, given, bits, unsafe_for or safe_for",
            )),
        }
    }
}

impl ParamText {
    fn compile(self, place: &str) -> Result<ParamSource, RulesFault> {
        Ok(ParamSource {
            function_mark: patterns(place, &self.function_mark)?,
            mark: patterns(place, &self.mark)?,
            ty: patterns(place, &self.ty)?,
            name: self.name,
            function: self.function,
            class: patterns(place, &self.class)?,
            beside: self.beside,
            except: self.except,
            except_type: patterns(place, &self.except_type)?,
            except_default: patterns(place, &self.except_default)?,
            is: self.is,
        })
    }
}

/// The words for kinds: those of the rules' sinks, and those that conditions alone ask for.
#[derive(Default)]
pub(super) struct Words {
    kinds: BTreeMap<String, Kinds>,
    /// Kinds for which a source is unsafe only if it says so.
    special: Kinds,
}

impl Words {
    fn take(&mut self, rules: &[RuleText], special: &[String]) -> Result<(), RulesFault> {
        for word in rules.iter().filter_map(|rule| rule.kind.as_ref()).chain(special) {
            let next = self.kinds.len();
            if self.kinds.contains_key(word) {
                continue;
            }
            if next == MAX_KINDS {
                return Err(RulesFault {
                    place: "the file".to_owned(),
                    problem: format!("with it there are more than {MAX_KINDS} kinds"),
                });
            }
            self.kinds.insert(word.clone(), Kinds(1 << next));
        }
        Ok(())
    }

    fn kinds(&self, place: &str, words: &[String]) -> Result<Kinds, RulesFault> {
        words.iter().try_fold(Kinds::NONE, |all, word| match word.as_str() {
            "all" => Ok(Kinds::ALL),
            _ => self
                .kinds
                .get(word)
                .map(|kinds| all.or(*kinds))
                .ok_or_else(|| RulesFault {
                    place: place.to_owned(),
                    problem: format!("no rule has the kind \"{word}\""),
                }),
        })
    }
}

fn each(place: &str, texts: &[String], mut take: impl FnMut(Pattern)) -> Result<(), RulesFault> {
    patterns(place, texts)?.into_iter().for_each(&mut take);
    Ok(())
}

fn patterns(place: &str, texts: &[String]) -> Result<Vec<Pattern>, RulesFault> {
    let parsed = texts.iter().map(|text| Pattern::parse(text));
    parsed.collect::<Result<_, _>>().map_err(|fault| RulesFault {
        place: place.to_owned(),
        problem: fault.to_string(),
    })
}

fn regex(place: &str, text: &str) -> Result<Regex, RulesFault> {
    shared::regex(text).map_err(|error| RulesFault {
        place: place.to_owned(),
        problem: format!(
            "the regular expression {text:?}: {}",
            error.to_string().replace('\n', " ")
        ),
    })
}

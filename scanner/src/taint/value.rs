//! What is known of a value at a point of a function: who may have written it, what it is, and its text as far as it
//! is constant.
//!
//! Always true:
//! - joining two values knows no more than both did, and is unsafe for whatever either was;
//! - a value holds at most [`MAX_TAINTS`] labels and [`MAX_TEXT`] bytes of text, so that no code makes it grow.

use std::rc::Rc;

use super::ir::{FunctionId, NameId, Span};
use super::path::Path;
use super::rules::Kinds;

/// Labels of one value; more are dropped: one is enough for a finding.
pub const MAX_TAINTS: usize = 12;
/// Bytes of known text.
pub const MAX_TEXT: usize = 2048;
/// Steps that a trail keeps between its ends.
const MAX_STEPS: u16 = 24;

/// Where a value may come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Label {
    /// A source of the rules, and where it stands.
    Source(usize, Span),
    /// A parameter of a function, by its position.
    Param(FunctionId, u16),
}

/// That a value may come from somewhere, and what it is safe for.
#[derive(Debug, Clone)]
pub struct Taint {
    /// From where.
    pub label: Label,
    /// The kinds that it was cleaned for on the way.
    pub clean: Kinds,
    /// The way.
    pub trail: Option<Rc<Step>>,
}

/// A step of a value's way, and the one before it.
#[derive(Debug)]
pub struct Step {
    /// Where.
    pub at: Span,
    before: Option<Rc<Step>>,
    len: u16,
}

/// Text as far as it is constant: pieces, and holes between them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Text {
    /// The constant pieces; between two of them is a hole.
    pieces: Vec<Rc<str>>,
    /// Whether the text is this on every way to here.
    exact: bool,
}

/// The parts of a list or map, each with its key if that is known.
pub type Items = Rc<Vec<(Option<Rc<str>>, Value)>>;

/// What is known of a value.
#[derive(Debug, Clone, Default)]
pub struct Value {
    /// Where it may come from.
    pub taints: Vec<Taint>,
    /// What it is: `flask.request.args`.
    pub path: Option<Path>,
    /// Its text.
    pub text: Option<Text>,
    /// Its value, if it is a constant but no text.
    pub constant: Option<Constant>,
    /// Its parts, if it was written as a list or map here.
    pub items: Option<Items>,
    /// The function that it is.
    pub function: Option<FunctionId>,
    /// The variables that it was taken from by attributes and calls alone: what is proved of it is proved of them.
    pub reads: Vec<NameId>,
    /// What holds if it is true, and if it is false.
    pub proves: Proofs,
}

/// What a condition proves of variables, when it holds and when it does not.
#[derive(Debug, Clone, Default)]
pub struct Proofs {
    /// When it holds.
    pub held: Vec<Proof>,
    /// When it does not.
    pub failed: Vec<Proof>,
}

/// A variable is safe for these kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proof {
    /// The variable.
    pub variable: NameId,
    /// One attribute of it alone.
    pub field: Option<NameId>,
    /// Not of the variable, but of whatever has this path: a hash of it.
    pub place: Option<u64>,
    /// What it is safe for.
    pub kinds: Kinds,
}

/// A constant that is no text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Constant {
    /// A number.
    Int(i64),
    /// A truth.
    Bool(bool),
    /// No value.
    Null,
}

impl Taint {
    /// From here, unsafe for all but `clean`.
    #[must_use]
    pub fn new(label: Label, clean: Kinds, at: Span) -> Self {
        Self {
            label,
            clean,
            trail: Some(Rc::new(Step {
                at,
                before: None,
                len: 1,
            })),
        }
    }

    /// The places of the way, first to last.
    #[must_use]
    pub fn places(&self) -> Vec<Span> {
        let mut places = Vec::new();
        let mut step = self.trail.as_ref();
        while let Some(at) = step {
            places.push(at.at);
            step = at.before.as_ref();
        }
        places.reverse();
        places
    }

    /// One step further.
    fn stepped(&self, at: Span) -> Self {
        let len = self.trail.as_ref().map_or(0, |step| step.len);
        let same = self.trail.as_ref().is_some_and(|step| step.at == at);
        let trail = if same || len >= MAX_STEPS {
            self.trail.clone()
        } else {
            Some(Rc::new(Step {
                at,
                before: self.trail.clone(),
                len: len + 1,
            }))
        };
        Self { trail, ..*self }
    }
}

impl Value {
    /// What stands for its path in a [`Proof`], if the same path is the same value again: `$req.params.id`.
    #[must_use]
    pub fn place(&self) -> Option<u64> {
        self.path.as_ref()?.place()
    }

    /// A constant text.
    #[must_use]
    pub fn of_text(text: &str) -> Self {
        Self {
            text: Some(Text::constant(text)),
            ..Self::default()
        }
    }

    /// A constant that is no text.
    #[must_use]
    pub fn of_constant(constant: Constant) -> Self {
        Self {
            constant: Some(constant),
            ..Self::default()
        }
    }

    /// What has this path.
    #[must_use]
    pub fn of_path(path: &str) -> Self {
        Self {
            path: Path::bounded(path),
            ..Self::default()
        }
    }

    /// Whether it comes from anywhere that someone else may have written.
    #[must_use]
    pub fn is_tainted(&self) -> bool {
        !self.taints.is_empty()
    }

    /// Whether it is the same on every way to here.
    #[must_use]
    pub fn is_constant(&self) -> bool {
        self.constant.is_some() || self.text.as_ref().is_some_and(|text| text.whole().is_some())
    }

    /// Whether nothing at all is known of it, or it is no value (`None`).
    fn is_nothing(&self) -> bool {
        let unknown = self.constant.is_none() && self.text.is_none() && self.items.is_none() && self.path.is_none();
        self.taints.is_empty() && (unknown || self.constant == Some(Constant::Null))
    }

    /// Its truth, if that is known.
    #[must_use]
    pub fn truth(&self) -> Option<bool> {
        match self.constant {
            Some(Constant::Int(value)) => Some(value != 0),
            Some(Constant::Bool(value)) => Some(value),
            Some(Constant::Null) => Some(false),
            None => self.text.as_ref()?.whole().map(|text| !text.is_empty()),
        }
    }

    /// The constant as rules write it: text as it is, `true`, `5`, `null`.
    #[must_use]
    pub fn written(&self) -> Option<Rc<str>> {
        match self.constant {
            Some(Constant::Int(value)) => Some(value.to_string().into()),
            Some(Constant::Bool(value)) => Some(value.to_string().into()),
            Some(Constant::Null) => Some("null".into()),
            None => self.text.as_ref()?.whole(),
        }
    }

    /// Adds where `other` comes from.
    pub fn absorb(&mut self, other: &Self) {
        other.taints.iter().for_each(|taint| self.add(taint.clone()));
    }

    /// Adds one origin.
    pub fn add(&mut self, taint: Taint) {
        let known = self.taints.iter().position(|known| known.label == taint.label);
        match known {
            Some(at) => self.taints[at].clean = self.taints[at].clean.and(taint.clean),
            None if self.taints.len() < MAX_TAINTS => self.taints.push(taint),
            None => {}
        }
    }

    /// Marks a step of its way.
    pub fn step(&mut self, at: Span) {
        self.taints.iter_mut().for_each(|taint| *taint = taint.stepped(at));
    }

    /// Says that it is safe for `kinds`.
    pub fn clean(&mut self, kinds: Kinds) {
        if kinds == Kinds::ALL {
            self.taints.clear();
        }
        self.taints
            .iter_mut()
            .for_each(|taint| taint.clean = taint.clean.or(kinds));
        if let Some(items) = &mut self.items {
            Rc::make_mut(items).iter_mut().for_each(|(_, item)| item.clean(kinds));
        }
    }

    /// Says that it is no longer safe for `kinds`, but for those that it was safe for where it came from.
    pub fn spoil(&mut self, kinds: Kinds, at_first: impl Fn(Label) -> Kinds) {
        for taint in &mut self.taints {
            taint.clean = taint.clean.and(kinds.others().or(at_first(taint.label)));
        }
    }

    /// The part under `key`, if it was written as a list or map.
    #[must_use]
    pub fn item(&self, key: &str) -> Option<&Self> {
        let items = self.items.as_ref()?;
        let found = items.iter().rev().find(|(name, _)| name.as_deref() == Some(key));
        found.map(|(_, value)| value)
    }

    /// Gives a part of a list or map that was written here another value.
    pub fn set_item(&mut self, key: &str, value: &Self) {
        let Some(items) = &mut self.items else { return };
        let items = Rc::make_mut(items);
        items.retain(|(known, _)| known.as_deref() != Some(key));
        items.push((Some(key.into()), value.clone()));
        // What was there is gone, and what is there now counts.
        self.taints.clear();
        let parts: Vec<Taint> = items.iter().flat_map(|(_, item)| item.taints.clone()).collect();
        parts.into_iter().for_each(|taint| self.add(taint));
    }

    /// Whether it says of itself what `other` does, whichever way it came.
    #[must_use]
    pub fn says_what(&self, other: &Self) -> bool {
        // A text of holes and digits, which a counter that may be a text is, says no more than none.
        let known = |text: &Option<Text>| text.clone().filter(|text| text.whole().is_some() || !text.is_digits());
        let same_items = match (&self.items, &other.items) {
            (Some(one), Some(two)) => Rc::ptr_eq(one, two),
            (one, two) => one.is_none() && two.is_none(),
        };
        let same_taints = self.taints.len() == other.taints.len()
            && self.taints.iter().all(|taint| {
                let mut others = other.taints.iter();
                others.any(|other| (other.label, other.clean) == (taint.label, taint.clean))
            });
        same_items
            && same_taints
            && self.constant == other.constant
            && known(&self.text) == known(&other.text)
            && self.path == other.path
            && self.function == other.function
            && self.reads == other.reads
    }

    /// What is known of a value that is this one or the other.
    #[must_use]
    pub fn join(mut self, other: &Self) -> Self {
        let ours = self.is_nothing();
        let tainted = self.is_tainted();
        self.absorb(other);
        self.constant = self.constant.filter(|constant| other.constant == Some(*constant));
        self.text = match (self.text.take(), other.text.as_ref()) {
            (Some(one), Some(two)) => Some(one.join(two)),
            // One that someone else may have written is a hole, whatever the other is.
            (Some(one), None) if other.is_tainted() => Some(one.join(&Text::hole()).inexact()),
            (None, Some(two)) if tainted => Some(Text::hole().join(two).inexact()),
            // What the other one is like is not known.
            (one, two) => one.or_else(|| two.cloned()).filter(Text::is_built).map(Text::inexact),
        };
        self.path = match (self.path.take(), &other.path) {
            (Some(one), Some(two)) if one != *two => None,
            (one, two) => one.or_else(|| two.clone()),
        };
        self.function = self.function.filter(|function| other.function == Some(*function));
        self.items = match (self.items.take(), &other.items) {
            (Some(one), Some(two)) => join_items(&one, two),
            // A variable that is not written yet on the other way.
            (one, two) if ours || other.is_nothing() => one.or_else(|| two.clone()),
            _ => None,
        };
        let both = |one: &mut Vec<Proof>, two: &[Proof]| one.retain(|proof| two.contains(proof));
        both(&mut self.proves.held, &other.proves.held);
        both(&mut self.proves.failed, &other.proves.failed);
        merge(&mut self.reads, &other.reads);
        self
    }
}

/// Lists or maps of one shape, part by part; of two shapes nothing is known.
fn join_items(one: &Items, two: &Items) -> Option<Items> {
    if Rc::ptr_eq(one, two) {
        return Some(Rc::clone(one));
    }
    let alike = one.len() == two.len() && one.iter().zip(two.iter()).all(|((a, _), (b, _))| a == b);
    let numbered = |items: &Items| {
        items.iter().any(|(key, _)| {
            key.as_deref()
                .is_none_or(|key| key.starts_with(|c: char| c.is_ascii_digit()))
        })
    };
    if !alike && !numbered(one) && !numbered(two) {
        // What one of them alone has is not known.
        let mut items = Vec::new();
        for (key, value) in one.iter().chain(two.iter()) {
            if items.iter().any(|(known, _)| known == key) {
                continue;
            }
            let has = |items: &Items| {
                items
                    .iter()
                    .find(|(other, _)| other == key)
                    .map(|(_, value)| value.clone())
            };
            let value = match (has(one), has(two)) {
                (Some(first), Some(second)) => first.join(&second),
                _ => Value {
                    taints: value.taints.clone(),
                    ..Value::default()
                },
            };
            items.push((key.clone(), value));
        }
        return Some(Rc::new(items));
    }
    let joined = one.iter().zip(two.iter());
    alike.then(|| {
        Rc::new(
            joined
                .map(|((key, a), (_, b))| (key.clone(), a.clone().join(b)))
                .collect(),
        )
    })
}

/// Adds what is not there yet.
pub(super) fn merge<T: Copy + PartialEq>(into: &mut Vec<T>, from: &[T]) {
    for item in from {
        if !into.contains(item) {
            into.push(*item);
        }
    }
}

impl Text {
    /// A constant.
    #[must_use]
    pub fn constant(text: &str) -> Self {
        Self {
            pieces: vec![bounded(text).into()],
            exact: text.len() <= MAX_TEXT,
        }
    }

    /// One hole.
    #[must_use]
    pub fn hole() -> Self {
        Self {
            pieces: vec!["".into(), "".into()],
            exact: true,
        }
    }

    /// The text, if it has no hole and is the same on every way.
    #[must_use]
    pub fn whole(&self) -> Option<Rc<str>> {
        match self.pieces.as_slice() {
            [text] if self.exact => Some(Rc::clone(text)),
            _ => None,
        }
    }

    /// Whether there is a hole between constant text.
    #[must_use]
    pub fn is_built(&self) -> bool {
        self.pieces.len() > 1 && self.pieces.iter().any(|piece| !piece.is_empty())
    }

    /// Whether there are only digits between its holes.
    fn is_digits(&self) -> bool {
        let mut bytes = self.pieces.iter().flat_map(|piece| piece.bytes());
        bytes.all(|byte| byte.is_ascii_digit())
    }

    /// What stands before the first hole.
    #[must_use]
    pub fn prefix(&self) -> &str {
        self.pieces.first().map_or("", |piece| piece)
    }

    /// All constant pieces, holes shown as U+FFFC.
    #[must_use]
    pub fn shown(&self) -> String {
        self.pieces.join("\u{fffc}")
    }

    /// The pieces, as [`Text::of_pieces`] takes them.
    #[must_use]
    pub fn pieces(&self) -> Vec<String> {
        self.pieces.iter().map(|piece| String::from(&**piece)).collect()
    }

    /// A text of such pieces, on some way.
    #[must_use]
    pub fn of_pieces(pieces: &[String]) -> Self {
        Self {
            pieces: pieces.iter().map(|piece| piece.as_str().into()).collect(),
            exact: false,
        }
    }

    /// This text and then that.
    #[must_use]
    pub fn then(mut self, next: &Self) -> Self {
        let mut rest = next.pieces.iter();
        if let (Some(last), Some(first)) = (self.pieces.last_mut(), rest.next()) {
            let joined = format!("{last}{first}");
            self.exact &= joined.len() <= MAX_TEXT;
            *last = bounded(&joined).into();
        }
        self.pieces.extend(rest.cloned());
        self.exact &= next.exact && self.bound();
        self
    }

    /// One of two: the one that shows more of what may be unsafe.
    fn join(self, other: &Self) -> Self {
        if self == *other {
            return self;
        }
        let (one, two) = (self.pieces.len(), other.pieces.len());
        if two > one { other.clone() } else { self }.inexact()
    }

    fn inexact(mut self) -> Self {
        self.exact = false;
        self
    }

    /// Keeps the first pieces; whether nothing had to go.
    fn bound(&mut self) -> bool {
        let mut len = 0;
        let fits = self.pieces.iter().take_while(|piece| {
            len += piece.len() + 1;
            len <= 2 * MAX_TEXT
        });
        let fits = fits.count().max(1);
        let whole = fits == self.pieces.len();
        self.pieces.truncate(fits);
        whole
    }
}

fn bounded(text: &str) -> &str {
    // A character is at most four bytes long.
    let ends = (0..=MAX_TEXT.min(text.len())).rev().take(4);
    ends.filter_map(|end| text.get(..end)).next().unwrap_or_default()
}

//! What values are, by name: `flask.request.args`.
//!
//! A file says the same paths over and over. A path knows those that hang below it, and what the rules say of it, so that
//! either is worked out once: to go from `request` to `request.args` is to look a number up.

use std::cell::{OnceCell, RefCell};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Deref;
use std::rc::Rc;

use super::ir::{FunctionId, NameId};
use super::quick::QuickMap;
use super::rules::{Keyed, Keys, Kinds};

/// Bytes of a path: what is named by more is not in any rule.
const MAX_PATH: usize = 200;
/// Paths that one path remembers below it.
const MAX_BELOW: usize = 4096;

/// What hangs below a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Below {
    /// An attribute: `.name`.
    Name(NameId),
    /// Whatever is in it: `.[]`.
    Part,
    /// What it gives back if it is called: `()`.
    Called,
}

/// A path; cheap to clone.
#[derive(Debug, Clone)]
pub struct Path(Rc<Known>);

#[derive(Debug)]
struct Known {
    text: Box<str>,
    below: RefCell<QuickMap<Below, Path>>,
    keys: OnceCell<Keys>,
    place: OnceCell<Option<u64>>,
    /// The function of the file that a call of it is, by its class.
    method: OnceCell<Option<FunctionId>>,
    sources: OnceCell<Vec<usize>>,
    others: OnceCell<Vec<String>>,
    called: OnceCell<CallFacts>,
    cleaned: OnceCell<Kinds>,
}

/// What the rules and a file's names say of calls of a path.
#[derive(Debug)]
pub struct CallFacts {
    /// Whether any rule is about them.
    pub known: bool,
    /// Whether it is a class of the file.
    pub is_class: bool,
    /// What makes an object of it, if the file has that.
    pub constructor: Option<FunctionId>,
}

impl Path {
    /// The path of this text.
    #[must_use]
    pub fn new(text: impl Into<Box<str>>) -> Self {
        Self(Rc::new(Known {
            text: text.into(),
            below: RefCell::default(),
            keys: OnceCell::new(),
            place: OnceCell::new(),
            method: OnceCell::new(),
            sources: OnceCell::new(),
            others: OnceCell::new(),
            called: OnceCell::new(),
            cleaned: OnceCell::new(),
        }))
    }

    /// The path of this text, if it is not too long to be in a rule.
    #[must_use]
    pub fn bounded(text: &str) -> Option<Self> {
        (text.len() <= MAX_PATH).then(|| Self::new(text))
    }

    /// Itself, if it is not too long to be in a rule.
    #[must_use]
    pub fn if_bounded(self) -> Option<Self> {
        (self.len() <= MAX_PATH).then_some(self)
    }

    /// The attribute `name`, which is `id`'s text.
    #[must_use]
    pub fn attribute(&self, id: NameId, name: &str) -> Self {
        self.below(Below::Name(id), || format!("{self}.{name}"))
    }

    /// Whatever is in it.
    #[must_use]
    pub fn part(&self) -> Self {
        self.below(Below::Part, || format!("{self}.[]"))
    }

    /// What it gives back if it is called.
    #[must_use]
    pub fn called(&self) -> Self {
        self.below(Below::Called, || format!("{self}()"))
    }

    fn below(&self, what: Below, text: impl FnOnce() -> String) -> Self {
        let mut below = self.0.below.borrow_mut();
        if let Some(known) = below.get(&what) {
            return known.clone();
        }
        let path = Self::new(text());
        if below.len() < MAX_BELOW {
            below.insert(what, path.clone());
        }
        path
    }

    /// What stands for it in a proof, if the same path is the same value again: `$req.params.id`.
    #[must_use]
    pub fn place(&self) -> Option<u64> {
        *self.0.place.get_or_init(|| {
            let same = self.contains('.') && !self.contains(['(', '[', '?']);
            same.then(|| {
                let mut hasher = DefaultHasher::new();
                self.0.text.hash(&mut hasher);
                hasher.finish()
            })
        })
    }

    /// The method of the file at work that it is. As all of these, it is worked out when it is first asked for.
    pub fn method(&self, work_out: impl FnOnce() -> Option<FunctionId>) -> Option<FunctionId> {
        *self.0.method.get_or_init(work_out)
    }

    /// The sources that it is in the file at work, by their positions.
    pub fn sources(&self, work_out: impl FnOnce() -> Vec<usize>) -> &[usize] {
        self.0.sources.get_or_init(work_out)
    }

    /// What it is beside itself in the file at work.
    pub fn others(&self, work_out: impl FnOnce() -> Vec<String>) -> &[String] {
        self.0.others.get_or_init(work_out)
    }

    /// What calls of it are in the file at work.
    pub fn call_facts(&self, work_out: impl FnOnce() -> CallFacts) -> &CallFacts {
        self.0.called.get_or_init(work_out)
    }

    /// What an attribute of this path is safe for.
    pub fn cleaned(&self, work_out: impl FnOnce() -> Kinds) -> Kinds {
        *self.0.cleaned.get_or_init(work_out)
    }
}

impl Deref for Path {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0.text
    }
}

impl Keyed for Path {
    fn text(&self) -> &str {
        self
    }

    fn keys(&self) -> Keys {
        *self.0.keys.get_or_init(|| Keys::of(self))
    }
}

impl std::fmt::Display for Path {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self)
    }
}

impl PartialEq for Path {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0) || **self == **other
    }
}

impl Eq for Path {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_hangs_below_a_path_is_made_once() {
        let path = Path::new("request");
        let args = path.attribute(NameId(3), "args");
        assert_eq!(&*args, "request.args");
        assert!(Rc::ptr_eq(&args.0, &path.attribute(NameId(3), "args").0));
        assert_eq!(&*args.part(), "request.args.[]");
        assert_eq!(&*path.called(), "request()");
        assert_ne!(path.attribute(NameId(4), "form"), args);
    }

    #[test]
    fn what_is_too_long_for_a_rule_is_no_path() {
        assert!(Path::bounded(&"a".repeat(MAX_PATH)).is_some());
        assert!(Path::bounded(&"a".repeat(MAX_PATH + 1)).is_none());
        assert!(Path::new("a".repeat(MAX_PATH)).called().if_bounded().is_none());
    }

    #[test]
    fn the_same_text_stands_for_the_same_place_unless_it_may_be_another_value() {
        assert_eq!(Path::new("$a.b").place(), Path::new("$a.b").place());
        assert!(Path::new("$a.b").place().is_some());
        for other in ["$a", "a.b()", "a.[]", "?.b"] {
            assert_eq!(Path::new(other).place(), None, "{other}");
        }
    }
}

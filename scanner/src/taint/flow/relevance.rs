//! Where in a file something could be found: what is never given to a sink need not be followed again for each caller.
//!
//! ```text
//! names that are words of sinks ─▶ functions they stand in ─▶ functions that name those ─▶ … until nothing is added
//! ```
//!
//! Always true: a function that is not relevant holds no sink, and calls by their names none of this file that does.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::super::ir::{ExprKind, FunctionId, Module, NameId};
use super::super::rules::Ruleset;
use super::outside::Outside;
use super::own::CONSTRUCTORS;
use super::sink::words_of;

/// Which functions of a file are relevant, by their position.
#[derive(Debug)]
pub(super) struct Relevance(Vec<bool>);

impl Relevance {
    pub(super) fn has(&self, function: FunctionId) -> bool {
        self.0.get(function.0 as usize).copied().unwrap_or(true)
    }

    pub(super) fn of(module: &Module, rules: &Ruleset, outside: &Outside<'_>, accesses: bool) -> Self {
        let Some(around) = Around::of(module) else {
            return Self(vec![true; module.functions.len()]);
        };
        let mut finding = Finding {
            module,
            around,
            relevant: vec![false; module.functions.len()],
            new: Vec::new(),
        };
        let outside: HashSet<&str> = outside.keys().map(|path| last(path)).collect();
        finding.begin(
            &|word| rules.word_set.contains(word) || outside.contains(word),
            accesses,
        );
        finding.spread();
        Self(finding.relevant)
    }
}

/// Which functions stand within which.
struct Around {
    /// The functions by where they begin, those around others first.
    by_start: Vec<(u32, FunctionId)>,
    /// The function around each, by position.
    outer: Vec<Option<FunctionId>>,
}

impl Around {
    /// `None` if functions lie across each other: no lowering makes such, and whoever does gets no faster.
    fn of(module: &Module) -> Option<Self> {
        let ids = (0..module.functions.len()).map(|index| FunctionId(u32::try_from(index).unwrap_or(u32::MAX)));
        let mut by_start: Vec<(u32, FunctionId)> = ids.map(|id| (module.function(id).span.start, id)).collect();
        by_start.sort_by_key(|&(start, id)| (start, std::cmp::Reverse((module.function(id).span.end, id.0))));
        let mut outer = vec![None; module.functions.len()];
        let mut open: Vec<FunctionId> = Vec::new();
        for &(start, id) in &by_start {
            while open.last().is_some_and(|last| module.function(*last).span.end <= start) {
                open.pop();
            }
            if let Some(&last) = open.last() {
                if module.function(last).span.end < module.function(id).span.end {
                    return None;
                }
                outer[id.0 as usize] = Some(last);
            }
            open.push(id);
        }
        Some(Self { by_start, outer })
    }

    /// The innermost function around a place.
    fn at(&self, module: &Module, place: u32) -> Option<FunctionId> {
        let after = self.by_start.partition_point(|(start, _)| *start <= place);
        let mut function = self.by_start[..after].last().map(|(_, id)| *id);
        while let Some(id) = function.filter(|id| module.function(*id).span.end <= place) {
            function = self.outer[id.0 as usize];
        }
        function
    }
}

/// The search at work.
struct Finding<'a> {
    module: &'a Module,
    around: Around,
    relevant: Vec<bool>,
    /// Those that were found since the last look at who names them.
    new: Vec<FunctionId>,
}

impl Finding<'_> {
    /// Marks a function and all around it.
    fn mark(&mut self, function: Option<FunctionId>) {
        let mut function = function;
        while let Some(id) = function.filter(|id| !self.relevant[id.0 as usize]) {
            self.relevant[id.0 as usize] = true;
            self.new.push(id);
            function = self.around.outer[id.0 as usize];
        }
    }

    /// Marks the functions in which the word of a sink stands, or that rules are about by their marks, classes and names.
    fn begin(&mut self, is_sink: &dyn Fn(&str) -> bool, accesses: bool) {
        let module = self.module;
        let mut is_word: Vec<bool> = module.names.iter().map(|name| is_sink(last(name))).collect();
        for import in &module.imports {
            is_word[import.local.0 as usize] |= is_word[import.path.0 as usize];
        }
        let is = |name: &NameId| is_word.get(name.0 as usize).copied().unwrap_or(true);
        for expr in &module.exprs {
            let wanted = match &expr.kind {
                ExprKind::Name(name) | ExprKind::Str(name) => is(name),
                ExprKind::Attr { name, .. } => accesses || is(name),
                ExprKind::Index { .. } => accesses,
                ExprKind::Element { tag, attributes, .. } => is(tag) || attributes.iter().any(|(name, _)| is(name)),
                _ => false,
            };
            if wanted {
                self.mark(self.around.at(module, expr.span.start));
            }
        }
        let with_bases: HashSet<NameId> = module
            .classes
            .iter()
            .filter(|class| !class.marks.is_empty() || !class.bases.is_empty())
            .map(|class| class.name)
            .collect();
        for (index, function) in module.functions.iter().enumerate() {
            let of_rules = !function.marks.is_empty()
                || function.class.is_some_and(|class| with_bases.contains(&class))
                || words_of(module.name(function.name)).iter().any(|word| is_sink(word));
            if of_rules {
                self.mark(Some(FunctionId(u32::try_from(index).unwrap_or(u32::MAX))));
            }
        }
    }

    /// Marks the functions that name marked ones, until there are no more.
    fn spread(&mut self) {
        let module = self.module;
        let names: BTreeSet<NameId> = module.functions.iter().map(|function| function.name).collect();
        let classes = module.classes.iter().map(|class| class.name);
        let names: HashSet<NameId> = names.into_iter().chain(classes).collect();
        let mut named: HashMap<NameId, Vec<u32>> = HashMap::new();
        for expr in &module.exprs {
            if let ExprKind::Name(name) | ExprKind::Attr { name, .. } | ExprKind::Str(name) = &expr.kind
                && names.contains(name)
            {
                named.entry(*name).or_default().push(expr.span.start);
            }
        }
        while let Some(id) = self.new.pop() {
            let function = module.function(id);
            let constructs = CONSTRUCTORS.contains(&module.name(function.name));
            let by = std::iter::once(function.name).chain(function.class.filter(|_| constructs));
            for name in by {
                for place in named.remove(&name).unwrap_or_default() {
                    self.mark(self.around.at(module, place));
                }
            }
        }
    }
}

/// The last name of a path, as words of sinks are written.
fn last(path: &str) -> &str {
    let path = path.trim_start_matches('$').trim_end_matches("()");
    path.rsplit(['.', ':', '\\', '/']).next().unwrap_or(path)
}

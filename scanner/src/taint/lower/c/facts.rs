//! What is known of a function before its statements are read: its variables' sizes and signs, and what it gives back.
//!
//! ```text
//! function ─ every declaration, comparison and call in it ─▶ Facts ─▶ asked while its statements are lowered
//! ```
//!
//! Always true: the walk has a stack of its own, so nesting costs nothing; a name that is declared twice and differently
//! is not known.

use std::collections::{HashMap, HashSet};

use tree_sitter::Node;

use super::super::{Source, children, fields};
use super::declare::{function_declarator, named};
use super::room::{Files, Room};

/// Nodes of a function that are looked at.
const MAX_NODES: usize = 200_000;

/// Calls that only read a number in another form.
const READERS: [&str; 12] = [
    "atoi",
    "atol",
    "strtol",
    "strtoul",
    "strtoull",
    "ntohl",
    "ntohs",
    "be16toh",
    "be32toh",
    "le16toh",
    "le32toh",
    "std::stoul",
];

/// How many bits a number has, and whether one of them is a sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Number {
    pub(super) bits: u8,
    pub(super) signed: bool,
}

/// Of one function.
#[derive(Debug, Default)]
pub(super) struct Facts {
    /// Arrays with a known size.
    pub(super) arrays: HashMap<String, Room>,
    pub(super) numbers: HashMap<String, Number>,
    /// What is compared with 0 from below.
    pub(super) floored: HashSet<String>,
    /// Where the last slash of a path is: what `strrchr` found.
    pub(super) slashes: HashSet<String>,
    /// What `realpath` made.
    pub(super) resolved: HashSet<String>,
    /// Variables whose room ends with the function: arrays, objects.
    local: HashSet<String>,
    /// Arrays that are declared twice.
    twice: HashSet<String>,
    /// What a function worked out: it may be no more than that function allows.
    pub(super) told: HashSet<String>,
    /// Strings among them.
    strings: HashSet<String>,
    /// Pointers that never point to anything else.
    into_local: HashSet<String>,
    /// What it gives back points somewhere.
    pub(super) pointer: bool,
    /// It gives back a view of a text.
    view: bool,
    /// A thread may begin with it.
    pub(super) thread: bool,
    /// A library calls it with as much as came from a server, and it looks at no length.
    pub(super) callback: bool,
    /// The words of its name.
    pub(super) words: Vec<String>,
    /// By a number that says how much was read into an array as large as that: the array.
    pub(super) full: HashMap<String, String>,
}

impl Facts {
    pub(super) fn of(function: Node<'_>, source: &Source<'_>, files: &Files) -> Self {
        let mut facts = Self::default();
        let text = |node: Node<'_>| source.text(node).into_owned();
        let declarator = function.child_by_field_name("declarator");
        let result = function.child_by_field_name("type").map(text).unwrap_or_default();
        facts.pointer = declarator
            .is_some_and(|declarator| matches!(declarator.kind(), "pointer_declarator" | "reference_declarator"));
        facts.view = result.ends_with("string_view");
        let inner = declarator.and_then(function_declarator);
        if let Some(inner) = inner {
            let name = inner.child_by_field_name("declarator").map(text).unwrap_or_default();
            let name = name.rsplit("::").next().unwrap_or_default().to_owned();
            facts.words = name.split('_').map(str::to_ascii_lowercase).collect();
            let params = inner.child_by_field_name("parameters").map(text).unwrap_or_default();
            let lone = params.matches(',').count() == 0 && params.trim_start_matches('(').trim().starts_with("void");
            let given: Vec<&str> = params.trim_matches(['(', ')']).split(',').map(str::trim).collect();
            let counted = |at: usize| given.get(at).is_some_and(|param: &&str| param.starts_with("size_t "));
            let body = function.child_by_field_name("body").map(text).unwrap_or_default();
            facts.callback = given.len() == 4
                && counted(1)
                && counted(2)
                && given[3].starts_with("void")
                && !body.replace("->", "").contains(['<', '>', '?'])
                && !body.contains("alloc");
            facts.thread = facts.pointer && result == "void" && lone && params.contains('*');
        }
        let mut assigned: HashMap<String, bool> = HashMap::new();
        let mut nodes = vec![function];
        let mut seen = 0;
        while let Some(node) = nodes.pop() {
            seen += 1;
            if seen > MAX_NODES {
                break;
            }
            match node.kind() {
                "declaration" | "parameter_declaration" => facts.declared(node, source, files),
                "binary_expression" => facts.compared(node, source),
                "call_expression" => facts.called(node, source),
                _ => {}
            }
            facts.pointed(node, source, &mut assigned);
            // In the order in which they are written.
            nodes.extend(children(node).into_iter().rev());
        }
        let Self { arrays, twice, .. } = &mut facts;
        arrays.retain(|name, _| !twice.contains(name));
        facts.filled(function, source, files);
        facts.into_local = assigned
            .into_iter()
            .filter(|(_, always)| *always)
            .map(|(name, _)| name)
            .collect();
        facts
    }

    fn declared(&mut self, node: Node<'_>, source: &Source<'_>, files: &Files) {
        let ty = node.child_by_field_name("type").map(|ty| source.text(ty).into_owned());
        let ty = ty.unwrap_or_default();
        let keeps = children(node).iter().any(|child| {
            matches!(
                &*source.text(*child),
                "static" | "extern" | "thread_local" | "_Thread_local"
            )
        });
        let local = node.kind() == "declaration" && !keeps;
        for declarator in fields(node, "declarator") {
            let inner = match declarator.kind() {
                "init_declarator" => declarator.child_by_field_name("declarator").unwrap_or(declarator),
                _ => declarator,
            };
            let Some(name) = named(inner).map(|name| source.text(name).into_owned()) else {
                continue;
            };
            match inner.kind() {
                "array_declarator" => {
                    if let Some(room) = files
                        .room_of(inner, &ty, source)
                        .filter(|_| node.kind() == "declaration")
                    {
                        // Of two with one name, which is meant is not known.
                        let other = self.arrays.get(&name).is_some_and(|known| *known != room);
                        match other {
                            true => self.twice.insert(name.clone()),
                            false => self.arrays.insert(name.clone(), room).is_none(),
                        };
                    }
                    if local {
                        self.local.insert(name);
                    }
                }
                "identifier" => {
                    if let Some(number) = number_type(&ty) {
                        self.numbers.insert(name.clone(), number);
                    }
                    if local {
                        if matches!(
                            ty.as_str(),
                            "std::string" | "string" | "QByteArray" | "std::vector<char>"
                        ) {
                            self.strings.insert(name.clone());
                        }
                        self.local.insert(name);
                    }
                }
                _ => {}
            }
        }
    }

    fn compared(&mut self, node: Node<'_>, source: &Source<'_>) {
        let part = |field| {
            node.child_by_field_name(field)
                .map(|part: Node<'_>| source.text(part).into_owned())
        };
        let operator = node
            .child_by_field_name("operator")
            .map_or("", |operator| operator.kind());
        let (Some(left), Some(right)) = (part("left"), part("right")) else {
            return;
        };
        match operator {
            "<" | "<=" | ">=" | ">" if matches!(right.as_str(), "0" | "1" | "-1") => self.floored.insert(left),
            "<" | "<=" | ">=" | ">" if matches!(left.as_str(), "0" | "1" | "-1") => self.floored.insert(right),
            _ => false,
        };
    }

    fn called(&mut self, node: Node<'_>, source: &Source<'_>) {
        let name = node
            .child_by_field_name("function")
            .map(|name| source.text(name).into_owned());
        let args = node.child_by_field_name("arguments").map(children).unwrap_or_default();
        if let (Some("realpath" | "canonicalize_file_name"), [_, to]) = (name.as_deref(), args.as_slice()) {
            self.resolved.insert(source.text(*to).into_owned());
        }
    }

    /// Whether a pointer is only ever given what ends with the function.
    fn pointed(&mut self, node: Node<'_>, source: &Source<'_>, assigned: &mut HashMap<String, bool>) {
        let (target, value) = match node.kind() {
            "init_declarator" => (
                node.child_by_field_name("declarator"),
                node.child_by_field_name("value"),
            ),
            "assignment_expression" => (node.child_by_field_name("left"), node.child_by_field_name("right")),
            _ => return,
        };
        let Some(value) = value else { return };
        let target = target.filter(|target| matches!(target.kind(), "pointer_declarator" | "identifier"));
        let Some(name) = target.and_then(named).map(|name| source.text(name).into_owned()) else {
            return;
        };
        if is_call_of(value, source, &["realpath", "canonicalize_file_name"]) {
            self.resolved.insert(name.clone());
        }
        if is_call_of(value, source, &["strrchr", "memrchr", "rindex"]) && source.text(value).contains("'/'") {
            self.slashes.insert(name.clone());
        }
        let callee = value
            .child_by_field_name("function")
            .filter(|_| value.kind() == "call_expression");
        let callee = callee.map(|callee| source.text(callee).into_owned());
        if callee.is_some_and(|callee| !READERS.contains(&callee.as_str())) {
            self.told.insert(name.clone());
        }
        let ends = self.ends_with_it(value, source);
        let always = assigned.entry(name).or_insert(true);
        *always &= ends;
    }

    /// Whether what is given back ends with the function.
    pub(super) fn is_dangling(&self, value: Node<'_>, source: &Source<'_>) -> bool {
        let value = bare(value);
        if self.view {
            return value.kind() == "identifier" && self.strings.contains(&*source.text(value));
        }
        self.pointer
            && (self.ends_with_it(value, source)
                || value.kind() == "identifier" && self.into_local.contains(&*source.text(value)))
    }

    fn ends_with_it(&self, value: Node<'_>, source: &Source<'_>) -> bool {
        let value = bare(value);
        match value.kind() {
            "identifier" => {
                let name = source.text(value);
                self.local.contains(&*name) && self.arrays.contains_key(&*name)
            }
            "pointer_expression" => {
                let taken = value
                    .child_by_field_name("operator")
                    .is_some_and(|operator| operator.kind() == "&");
                let inner = value.child_by_field_name("argument");
                taken
                    && inner
                        .is_some_and(|inner| inner.kind() == "identifier" && self.local.contains(&*source.text(inner)))
            }
            "call_expression" => {
                let callee = value
                    .child_by_field_name("function")
                    .filter(|callee| callee.kind() == "field_expression");
                let Some(callee) = callee else { return false };
                let part = |field| {
                    callee
                        .child_by_field_name(field)
                        .map(|part: Node<'_>| source.text(part))
                };
                let name = part("field").unwrap_or_default();
                let object = part("argument").unwrap_or_default();
                matches!(&*name, "c_str" | "data" | "constData") && self.strings.contains(&*object)
            }
            _ => false,
        }
    }

    /// Numbers that say how much was read into an array that may be full then.
    fn filled(&mut self, function: Node<'_>, source: &Source<'_>, files: &Files) {
        let mut nodes = vec![function];
        let mut seen = 0;
        while let Some(node) = nodes.pop() {
            seen += 1;
            if seen > MAX_NODES {
                return;
            }
            let (target, value) = match node.kind() {
                "init_declarator" => (
                    node.child_by_field_name("declarator"),
                    node.child_by_field_name("value"),
                ),
                "assignment_expression" => (node.child_by_field_name("left"), node.child_by_field_name("right")),
                _ => (None, None),
            };
            if let (Some(target), Some(value)) = (target.filter(|target| target.kind() == "identifier"), value)
                && is_call_of(
                    value,
                    source,
                    &["read", "recv", "readlink", "recvfrom", "SSL_read", "pread"],
                )
            {
                let args = value.child_by_field_name("arguments").map(children).unwrap_or_default();
                if let [_, to, size, ..] = args.as_slice() {
                    let room = files.capacity(self, *to, source);
                    if room.is_some() && files.number(self, *size, source) == room {
                        let to = source.text(*to).into_owned();
                        self.full.insert(source.text(target).into_owned(), to);
                    }
                }
            }
            nodes.extend(children(node));
        }
        // What is compared with a size is looked after.
        let text = source.text(function).into_owned();
        self.full.retain(|name, _| {
            let forms = ["<", ">", "=="].map(|sign| format!("{name} {sign}"));
            let compared = forms.iter().flat_map(|form| text.match_indices(form.as_str()));
            let mut ends = compared.map(|(at, form)| text[at + form.len()..].trim_start_matches(['=', ' ']));
            !ends.any(|rest| !rest.starts_with(['0', '1', '-']))
        });
    }
}

fn is_call_of(value: Node<'_>, source: &Source<'_>, names: &[&str]) -> bool {
    let callee = value
        .child_by_field_name("function")
        .filter(|_| value.kind() == "call_expression");
    callee.is_some_and(|callee| names.contains(&&*source.text(callee)))
}

/// Without what only groups or casts.
pub(super) fn bare(node: Node<'_>) -> Node<'_> {
    let mut node = node;
    loop {
        let inner = match node.kind() {
            "parenthesized_expression" => node.named_child(0),
            "cast_expression" => node.child_by_field_name("value"),
            _ => None,
        };
        match inner {
            Some(inner) => node = inner,
            None => return node,
        }
    }
}

/// The numbers that a type's name stands for.
pub(super) fn number_type(ty: &str) -> Option<Number> {
    let ty = ty.strip_prefix("std::").unwrap_or(ty);
    let (bits, signed) = match ty {
        "char" | "signed char" | "int8_t" | "bool" => (8, true),
        "unsigned char" | "uint8_t" | "u8" | "byte" | "uint8" | "BYTE" => (8, false),
        "short" | "int16_t" | "short int" | "s16" => (16, true),
        "unsigned short" | "uint16_t" | "u16" | "uint16" | "WORD" | "unsigned short int" => (16, false),
        "int" | "int32_t" | "signed" | "signed int" | "s32" => (32, true),
        "unsigned" | "unsigned int" | "uint32_t" | "u32" | "uint32" | "uint" | "DWORD" => (32, false),
        "long" | "ssize_t" | "int64_t" | "long long" | "off_t" | "ptrdiff_t" | "intptr_t" | "long int" | "s64" => {
            (64, true)
        }
        "size_t" | "unsigned long" | "uint64_t" | "unsigned long long" | "uintptr_t" | "u64" | "unsigned long int" => {
            (64, false)
        }
        _ => return None,
    };
    Some(Number { bits, signed })
}

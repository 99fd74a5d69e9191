//! What unsafe code takes for granted: that a number is one of a list, that bytes are a structure, that nobody else writes.
//!
//! Always true: it is said only of what a safe function was given and looks at nowhere, so that whoever calls it is free to
//! give it anything.

use super::memory::KEYWORD;
use super::{ExprId, Node, Rust, children, span};

/// Nodes of a function that are looked at.
const MAX_NODES: usize = 20_000;
/// Numbers that a value of a list can be taken from.
const INTEGERS: [&str; 10] = ["u8", "u16", "u32", "u64", "usize", "i8", "i16", "i32", "i64", "isize"];

impl Rust<'_> {
    /// What is said of a call of `name` with these arguments: a path below `as`.
    pub(super) fn taken_for_granted(&self, node: Node<'_>, name: &str, args: &[Node<'_>]) -> Option<&'static str> {
        match (name.rsplit("::").next().unwrap_or(name), args) {
            ("transmute" | "transmute_copy", [one]) => self.transmuted(node, *one),
            ("from_raw_parts" | "from_raw_parts_mut", [_, len]) if name.starts_with("slice") || name.len() < 19 => {
                self.is_unweighed(*len).then_some("unweighed")
            }
            ("from_utf8_unchecked", [bytes]) => self.is_unweighed(*bytes).then_some("unread"),
            _ => None,
        }
    }

    /// `v.get_unchecked(i)` and `p.add(i)` with a number that a safe function was given and compares with nothing.
    pub(super) fn is_reached_unweighed(&self, method: &str, receiver: Node<'_>, args: &[Node<'_>]) -> bool {
        let [at] = args else { return false };
        let pointed = || {
            let text = self.source.text(receiver);
            text.ends_with("as_ptr()") || text.ends_with("as_mut_ptr()")
        };
        match method {
            "get_unchecked" | "get_unchecked_mut" => self.is_unweighed(*at),
            "add" | "offset" => pointed() && self.is_unweighed(*at),
            _ => false,
        }
    }

    fn transmuted(&self, node: Node<'_>, from: Node<'_>) -> Option<&'static str> {
        let types = node
            .child_by_field_name("function")
            .and_then(|function| function.child_by_field_name("type_arguments"));
        let types = types.map(children).unwrap_or_default();
        let text = |ty: Node<'_>| self.source.text(ty).into_owned();
        let given = self.given_type(from);
        let (given, wanted) = match types.as_slice() {
            [given, wanted] if text(*wanted) != "_" => (Some(text(*given)).filter(|ty| ty != "_"), text(*wanted)),
            _ => (given, self.wanted_type(node)?),
        };
        let given = given.unwrap_or_default();
        let number = INTEGERS.contains(&given.as_str());
        let plain = |ty: &str| self.types.is_plain(ty) || ty == "Self" && self.class_is_plain();
        if is_shared(&given) && is_exclusive(&wanted) {
            return Some("mutable");
        }
        if matches!(wanted.as_str(), "bool" | "char") || plain(&wanted) {
            return ((number || given.is_empty()) && from.kind() == "identifier" && !self.is_weighed(from))
                .then_some("variant");
        }
        let named = wanted.len() > 1 && wanted.chars().all(|c| c.is_alphanumeric() || c == '_' || c == ':');
        let own = wanted
            .rsplit("::")
            .next()
            .is_some_and(|last| last.starts_with(char::is_uppercase));
        if number && named && own && self.given_type(from).is_some() {
            return (!self.is_weighed(from)).then_some("variant");
        }
        let bytes = ["&[u8", "&mut [u8", "&'a [u8"]
            .iter()
            .any(|front| given.starts_with(front));
        let wide = ["[u16", "[u32", "[u64", "[i32", "[f32", "[f64"]
            .iter()
            .any(|part| wanted.contains(part));
        let other = wanted.starts_with('&')
            && (wide || !wanted.contains('['))
            && !wanted.contains("str")
            && !wanted.contains("u8");
        let lists = given.starts_with("Vec<") && wanted.starts_with("Vec<");
        let address =
            matches!(given.as_str(), "usize" | "u64" | "u32") && (wanted.starts_with('&') || wanted.starts_with("fn"));
        (bytes && other || address || lists).then_some("mistaken")
    }

    /// The type that a value has where it goes: that of the variable, or of the function.
    fn wanted_type(&self, node: Node<'_>) -> Option<String> {
        let mut node = node;
        for _ in 0..12 {
            let around = node.parent()?;
            match around.kind() {
                "let_declaration" => {
                    let ty = around.child_by_field_name("type")?;
                    return Some(self.source.text(ty).into_owned());
                }
                "function_item" => {
                    let ty = around.child_by_field_name("return_type")?;
                    return Some(self.source.text(ty).into_owned());
                }
                "block" if children(around).last().map(Node::id) != Some(node.id()) => return None,
                "block"
                | "unsafe_block"
                | "return_expression"
                | "parenthesized_expression"
                | "expression_statement"
                | "match_arm"
                | "match_block"
                | "match_expression"
                | "if_expression"
                | "else_clause" => node = around,
                _ => return None,
            }
        }
        None
    }

    /// Whether a reference is made of a shared one that may be written to: `&mut *(x as *const T as *mut T)`.
    pub(super) fn is_made_exclusive(&self, reference: Node<'_>) -> bool {
        let exclusive = children(reference)
            .iter()
            .any(|child| child.kind() == "mutable_specifier");
        let value = reference.child_by_field_name("value").filter(|_| exclusive);
        let Some((pointer, casts)) = value.and_then(|value| self.pointed_through(value)) else {
            return false;
        };
        let constant = casts.iter().any(|ty| ty.starts_with("*const"));
        constant && self.given_type(pointer).is_some_and(|ty| is_shared(&ty))
    }

    /// Whether bytes are taken for a structure, and how many there are is not looked at: `&*(b.as_ptr() as *const T)`.
    pub(super) fn is_overlaid(&self, reference: Node<'_>) -> bool {
        let Some((pointer, casts)) = reference
            .child_by_field_name("value")
            .and_then(|value| self.pointed_through(value))
        else {
            return false;
        };
        let other = casts
            .first()
            .is_some_and(|ty| !ty.contains("u8") && !ty.contains("i8") && !ty.ends_with('_'));
        let function = pointer
            .child_by_field_name("function")
            .filter(|_| pointer.kind() == "call_expression");
        let method = function.and_then(|function| function.child_by_field_name("field"));
        let taken = method.is_some_and(|method| matches!(&*self.source.text(method), "as_ptr" | "as_mut_ptr"));
        let bytes = function
            .and_then(|function| function.child_by_field_name("value"))
            .filter(|_| taken && other);
        let Some(bytes) = bytes else { return false };
        let given = self
            .given_type(bytes)
            .is_some_and(|ty| ty.starts_with('&') && ty.ends_with("[u8]"));
        given && !self.is_weighed(bytes)
    }

    /// In `*(x as *const A as *mut B)` the `x`, and the types that it is taken for, last first.
    fn pointed_through<'t>(&self, value: Node<'t>) -> Option<(Node<'t>, Vec<String>)> {
        let starred = value.kind() == "unary_expression" && value.child(0).is_some_and(|sign| sign.kind() == "*");
        let mut inner = children(value).first().copied().filter(|_| starred)?;
        let mut casts = Vec::new();
        for _ in 0..8 {
            inner = match inner.kind() {
                "parenthesized_expression" => children(inner).first().copied()?,
                "type_cast_expression" => {
                    let ty = inner.child_by_field_name("type")?;
                    casts.push(self.source.text(ty).into_owned());
                    inner.child_by_field_name("value")?
                }
                _ => break,
            };
        }
        (!casts.is_empty()).then_some((inner, casts))
    }

    /// Whether a value is what a safe function was given, and the function looks at it nowhere.
    fn is_unweighed(&self, value: Node<'_>) -> bool {
        self.given_type(value).is_some() && !self.is_weighed(value)
    }

    /// The type of a parameter of the safe function around; none if it is not that, or is declared once more.
    fn given_type(&self, value: Node<'_>) -> Option<String> {
        let name = self.source.text(value);
        if !matches!(value.kind(), "identifier" | "self") {
            return None;
        }
        let function = enclosing(value)?;
        let modifiers = children(function)
            .into_iter()
            .find(|child| child.kind() == "function_modifiers");
        if modifiers.is_some_and(|modifiers| {
            let text = self.source.text(modifiers);
            text.contains(KEYWORD) || text.contains("extern")
        }) {
            return None;
        }
        let body = function
            .child_by_field_name("body")
            .map(|body| self.source.text(body).into_owned())?;
        if [format!("let {name} "), format!("let mut {name} "), format!("|{name}|")]
            .iter()
            .any(|other| body.contains(other.as_str()))
        {
            return None;
        }
        let params = function
            .child_by_field_name("parameters")
            .map(children)
            .unwrap_or_default();
        params.into_iter().find_map(|param| match param.kind() {
            "self_parameter" if name == "self" => Some(self.source.text(param).replace("self", "Self")),
            "parameter" => {
                let pattern = param
                    .child_by_field_name("pattern")
                    .map(|pattern| self.source.text(pattern))?;
                let ty = param.child_by_field_name("type").filter(|_| pattern == name)?;
                Some(self.source.text(ty).into_owned())
            }
            _ => None,
        })
    }

    /// Whether the function around compares a value, asks something of it, or takes a part of it.
    fn is_weighed(&self, value: Node<'_>) -> bool {
        let Some(function) = enclosing(value) else { return true };
        let mut names = Vec::new();
        let mut nodes = vec![value];
        while let Some(node) = nodes.pop() {
            if matches!(node.kind(), "identifier" | "field_identifier") {
                names.push(self.source.text(node).into_owned());
            }
            nodes.extend(children(node));
        }
        let named = |node: Node<'_>| {
            let text = self.source.text(node);
            let mut words = text.split(|c: char| !c.is_alphanumeric() && c != '_');
            words.any(|word| names.iter().any(|name| name == word))
        };
        let mut nodes = vec![function];
        let mut seen = 0;
        while let Some(node) = nodes.pop() {
            seen += 1;
            if seen > MAX_NODES {
                return true;
            }
            let weighs = match node.kind() {
                "binary_expression" => {
                    let sign = node.child_by_field_name("operator").map_or("", |sign| sign.kind());
                    matches!(sign, "<" | "<=" | ">" | ">=" | "==" | "!=" | "%" | "&") && named(node)
                }
                "match_expression" => node.child_by_field_name("value").is_some_and(named),
                "call_expression" => {
                    let callee = node
                        .child_by_field_name("function")
                        .map(|callee| self.source.text(callee).into_owned());
                    let callee = callee.unwrap_or_default();
                    let last = callee.rsplit(['.', ':']).next().unwrap_or_default();
                    let asks = [
                        "is_", "check", "valid", "try_", "contains", "assert", "min", "get", "from_u", "ensure", "len",
                        "matches",
                    ];
                    asks.iter().any(|word| last.starts_with(word)) && !last.contains("unchecked") && named(node)
                }
                _ => false,
            };
            if weighs {
                return true;
            }
            nodes.extend(children(node));
        }
        false
    }

    /// Says of a value what is taken for granted of it.
    pub(super) fn granted(&mut self, what: &str, value: ExprId, node: Node<'_>) -> ExprId {
        let said = self.call_of("as", what, &[], node);
        let kind = super::ExprKind::Last(vec![said, value]);
        self.source.build.expr(kind, span(node))
    }
}

/// The function that a node stands in.
pub(super) fn enclosing(node: Node<'_>) -> Option<Node<'_>> {
    let mut around = node.parent();
    while let Some(node) = around {
        if node.kind() == "function_item" {
            return Some(node);
        }
        around = node.parent();
    }
    None
}

fn is_exclusive(ty: &str) -> bool {
    ty.starts_with('&')
        && ty
            .split_whitespace()
            .take(2)
            .any(|word| word.trim_start_matches('&') == "mut")
}

fn is_shared(ty: &str) -> bool {
    ty.starts_with('&') && !is_exclusive(ty)
}

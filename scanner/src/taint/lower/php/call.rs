//! PHP's calls to the one form; what some functions of the language mean is said in it.

use tree_sitter::Node;

use super::super::super::ir::{Arg, ExprId, ExprKind};
use super::super::{children, span};
use super::Php;
use super::Walk;
use super::expr::is_name;

/// Bytes of what says which function is called.
const MAX_CHOSEN: usize = 80;
/// Functions that show what they are given.
const SHOWS: [&str; 7] = [
    "printf",
    "vprintf",
    "print_r",
    "var_dump",
    "var_export",
    "readfile",
    "print",
];

/// What the flags begin with that decide what a function gives.
fn flags_of(name: &str) -> Option<&'static [&'static str]> {
    match name {
        "filter_var" | "filter_input" => Some(&["FILTER_"]),
        "htmlspecialchars" | "htmlentities" => Some(&["ENT_QUOTES", "ENT_NOQUOTES", "ENT_COMPAT"]),
        "ldap_escape" => Some(&["LDAP_ESCAPE_"]),
        "parse_url" => Some(&["PHP_URL_"]),
        "pathinfo" => Some(&["PATHINFO_"]),
        "json_encode" => Some(&["JSON_HEX_", "JSON_UNESCAPED_SLASHES"]),
        _ => None,
    }
}

impl Php<'_> {
    pub(super) fn function_call(&mut self, node: Node<'_>) -> ExprId {
        let function = node.child_by_field_name("function");
        let given = node.child_by_field_name("arguments");
        let name = function
            .filter(|function| is_name(*function))
            .map(|function| self.path_text(function));
        let known = match name.as_deref() {
            Some("array_map") => self.array_map(node, given),
            Some("compact") => self.compact(node, given),
            Some("isset") => self.isset(node, given),
            Some("str_starts_with" | "str_contains") => self.of_first(node, given),
            Some("sys_get_temp_dir") => Some(self.source.build.str_expr("/tmp", span(node))),
            Some(name) if flags_of(name).is_some() => self.flagged(node, name, given),
            Some("file_get_contents" | "fopen" | "file") => self.input(node, given),
            _ => None,
        };
        if let Some(known) = known {
            return known;
        }
        // Only what is short: it is looked at twice.
        let chosen = function
            .filter(|function| matches!(function.kind(), "variable_name" | "subscript_expression"))
            .filter(|function| function.byte_range().len() <= MAX_CHOSEN);
        let callee = match (name, function) {
            // What shows a page shows text once a header has said so.
            (Some(name), _) if self.shows_text && SHOWS.contains(&name.as_str()) => {
                self.named("shown_text", span(node))
            }
            (Some(name), _) => self.named(&name, span(node)),
            (None, Some(function)) => self.expr(function),
            (None, None) => self.source.unknown(node),
        };
        let args = self.args(given);
        self.says_text(function, given);
        let new = false;
        let call = self.source.build.expr(ExprKind::Call { callee, args, new }, span(node));
        match chosen {
            Some(chosen) => self.chosen("call_user_func", chosen, call),
            None => call,
        }
    }

    /// A call of what a value names: the value goes where functions, or classes, are chosen.
    fn chosen(&mut self, by: &str, value: Node<'_>, call: ExprId) -> ExprId {
        let at = span(value);
        let value = self.expr(value);
        let choice = self.call_of(by, &[value], at);
        self.source.build.expr(ExprKind::Last(vec![choice, call]), at)
    }

    /// `f($a, $b)` as `$a.f($b)`: what `$a` is, is then part of what is called.
    fn of_first(&mut self, node: Node<'_>, given: Option<Node<'_>>) -> Option<ExprId> {
        let name = node.child_by_field_name("function")?;
        let name = self.path_text(name);
        self.compared(&name, node, given)
    }

    fn compared(&mut self, name: &str, node: Node<'_>, given: Option<Node<'_>>) -> Option<ExprId> {
        let args = given.map(children)?;
        let [object, part, ..] = args.as_slice() else {
            return None;
        };
        let object = self.expr(*object);
        let part = self.expr(*part);
        let name = self.source.build.name(name);
        let callee = self.source.build.expr(ExprKind::Attr { object, name }, span(node));
        Some(self.source.build.call(callee, &[part], span(node)))
    }

    /// Notes a header that says that what follows is no page: `header('Content-Type: text/plain')`.
    fn says_text(&mut self, function: Option<Node<'_>>, given: Option<Node<'_>>) {
        let header = function.is_some_and(|function| self.source.text(function).trim_start_matches('\\') == "header");
        let Some(given) = given.filter(|_| header) else { return };
        let text = self.source.text(given).to_ascii_lowercase();
        let Some((_, kind)) = text.split_once("content-type:") else {
            return;
        };
        let page = ["html", "xml", "svg", "$"].iter().any(|page| kind.contains(page));
        self.shows_text = !page && text.trim_start_matches('(').trim_start().starts_with(['"', '\'']);
    }

    /// `array_map(f, xs)` is a list of `f(x)`.
    fn array_map(&mut self, node: Node<'_>, given: Option<Node<'_>>) -> Option<ExprId> {
        let args: Vec<Node<'_>> = given
            .map(children)?
            .into_iter()
            .filter_map(|arg| children(arg).last().copied())
            .collect();
        let (function, lists) = args.split_first().filter(|(_, lists)| !lists.is_empty())?;
        let at = span(node);
        let callee = match function.kind() {
            "string" | "encapsed_string" => {
                let name = self.source.text(*function).trim_matches(['"', '\'']).replace('\\', ".");
                self.named(name.trim_start_matches('.'), span(*function))
            }
            "anonymous_function"
            | "arrow_function"
            | "variable_name"
            | "function_call_expression"
            | "array_creation_expression" => self.expr(*function),
            _ => return None,
        };
        let mut parts = Vec::new();
        for list in lists {
            let object = self.expr(*list);
            let key = self.source.unknown(*list);
            let value = self.source.build.expr(ExprKind::Index { object, key }, span(*list));
            let (name, spread) = (None, false);
            parts.push(Arg { name, value, spread });
        }
        let call = ExprKind::Call {
            callee,
            args: parts,
            new: false,
        };
        let call = self.source.build.expr(call, at);
        Some(self.source.build.expr(ExprKind::List(vec![call]), at))
    }

    /// `isset($a[$k])` says that `$k` is a key of `$a`.
    fn isset(&mut self, node: Node<'_>, given: Option<Node<'_>>) -> Option<ExprId> {
        let args = given.map(children)?;
        let [arg] = args.as_slice() else { return None };
        let part = arg
            .named_child(0)
            .filter(|part| part.kind() == "subscript_expression")?;
        let [object, key] = children(part)[..] else { return None };
        let args = [self.expr(key), self.expr(object)];
        Some(self.call_of("array_key_exists", &args, span(node)))
    }

    /// `filter_var($x, FILTER_Y)` is a call of `filter_var.FILTER_Y`, and so of all whose flags decide what they give.
    fn flagged(&mut self, node: Node<'_>, name: &str, given: Option<Node<'_>>) -> Option<ExprId> {
        let flags = flags_of(name)?;
        let args = given.map(children)?;
        let texts: Vec<String> = args
            .iter()
            .skip(1)
            .map(|arg| self.source.text(*arg).into_owned())
            .collect();
        let mut words = texts
            .iter()
            .flat_map(|text| text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')));
        let flag = words.find(|word| flags.iter().any(|flag| word.starts_with(flag)))?;
        let object = self.field(node, "function");
        let name = self.source.build.name(flag);
        let callee = self.source.build.expr(ExprKind::Attr { object, name }, span(node));
        let args = self.args(given);
        let new = false;
        Some(self.source.build.expr(ExprKind::Call { callee, args, new }, span(node)))
    }

    /// `file_get_contents('php://input')` is a call of `file_get_contents.input`.
    fn input(&mut self, node: Node<'_>, given: Option<Node<'_>>) -> Option<ExprId> {
        let args = given.map(children)?;
        let text = args.first().map(|arg| self.source.text(*arg))?;
        if text.trim_matches(['"', '\'']) != "php://input" {
            return None;
        }
        let object = self.field(node, "function");
        let name = self.source.build.name("input");
        let callee = self.source.build.expr(ExprKind::Attr { object, name }, span(node));
        Some(self.source.build.call(callee, &[], span(node)))
    }

    /// `strpos($a, $b) === 0` and its like say that `$a` begins with `$b`; `strpos($a, $b) !== false` that it has it.
    pub(super) fn beginning(&mut self, node: Node<'_>, operator: &str) -> Option<ExprId> {
        let left = node.child_by_field_name("left")?;
        let right = node.child_by_field_name("right")?;
        let is_call = |side: &Node<'_>| side.kind() == "function_call_expression";
        let (call, other) = if is_call(&left) { (left, right) } else { (right, left) };
        let given = call.child_by_field_name("arguments").filter(|_| is_call(&call));
        let name = call.child_by_field_name("function").map(|name| self.path_text(name))?;
        let other_text = self.source.text(other).to_ascii_lowercase();
        let (name, negated) = match (name.as_str(), other_text.as_str()) {
            ("strpos" | "strncmp" | "stripos" | "mb_strpos" | "strncasecmp" | "mb_stripos", "0") => {
                ("str_starts_with", false)
            }
            ("strpos" | "stripos" | "mb_strpos" | "strstr" | "mb_stripos", "false") => ("str_contains", true),
            ("substr" | "mb_substr", _) => {
                return self.begins_as(given?, other, node, operator);
            }
            _ => return None,
        };
        let whole = self.compared(name, node, given)?;
        let equal = matches!(operator, "===" | "==");
        match equal == negated {
            true => Some(self.source.build.expr(ExprKind::Not(whole), span(node))),
            false => Some(whole),
        }
    }

    /// `substr($a, 0, $n) === $b`: `$a` begins with `$b`.
    fn begins_as(&mut self, given: Node<'_>, start: Node<'_>, node: Node<'_>, operator: &str) -> Option<ExprId> {
        let args = children(given);
        let [object, from, _] = args.as_slice() else {
            return None;
        };
        if self.source.text(*from) != "0" {
            return None;
        }
        let object = self.expr(*object);
        let start = self.expr(start);
        let name = self.source.build.name("str_starts_with");
        let callee = self.source.build.expr(ExprKind::Attr { object, name }, span(node));
        let whole = self.source.build.call(callee, &[start], span(node));
        match operator {
            "===" | "==" => Some(whole),
            _ => Some(self.source.build.expr(ExprKind::Not(whole), span(node))),
        }
    }

    /// `compact('a', 'b')` is a map of the variables of these names.
    fn compact(&mut self, node: Node<'_>, given: Option<Node<'_>>) -> Option<ExprId> {
        let mut entries = Vec::new();
        for arg in given.map(children)? {
            let name = self.source.text(arg).trim_matches(['"', '\'']).to_owned();
            let key = self.source.build.str_expr(&name, span(arg));
            let value = self.named(&format!("${name}"), span(arg));
            entries.push((Some(key), value));
        }
        Some(self.source.build.expr(ExprKind::Map(entries), span(node)))
    }

    pub(super) fn member_call(&mut self, node: Node<'_>) -> ExprId {
        let object = match node.kind() {
            "scoped_call_expression" => self.scope_field(node),
            _ => self.field(node, "object"),
        };
        let name = self.member_name(node);
        let callee = self.source.build.expr(ExprKind::Attr { object, name }, span(node));
        let args = self.args(node.child_by_field_name("arguments"));
        let new = false;
        let call = self.source.build.expr(ExprKind::Call { callee, args, new }, span(node));
        let chosen = node
            .child_by_field_name("name")
            .filter(|name| name.kind() == "variable_name");
        match chosen {
            Some(chosen) => self.chosen("call_user_func", chosen, call),
            None => call,
        }
    }

    pub(super) fn creation(&mut self, node: Node<'_>) -> ExprId {
        let parts = children(node);
        let given = parts.iter().copied().find(|part| part.kind() == "arguments");
        let callee = match parts.first().copied() {
            Some(class) if class.kind() == "anonymous_class" => {
                let name = format!("class@{}", class.start_byte());
                let mut methods = Vec::new();
                self.class(class, &name, &mut methods);
                self.named(&name, span(class))
            }
            Some(class) if is_name(class) => self.scope(class),
            Some(class) if class.kind() != "arguments" => self.expr(class),
            _ => self.source.unknown(node),
        };
        let args = self.args(given);
        let call = ExprKind::Call {
            callee,
            args,
            new: true,
        };
        let call = self.source.build.expr(call, span(node));
        match parts.first().filter(|class| class.kind() == "variable_name") {
            Some(class) => self.chosen("ReflectionClass", *class, call),
            None => call,
        }
    }
}

//! PHP's calls to the one form; what some functions of the language mean is said in it.

use tree_sitter::Node;

use super::super::super::ir::{Arg, ExprId, ExprKind};
use super::super::{children, span};
use super::Php;
use super::Walk;
use super::expr::is_name;

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
            Some("filter_var" | "filter_input") => self.filter(node, given),
            Some("file_get_contents" | "fopen" | "file") => self.input(node, given),
            _ => None,
        };
        if let Some(known) = known {
            return known;
        }
        let callee = match (name, function) {
            (Some(name), _) => self.named(&name, span(node)),
            (None, Some(function)) => self.expr(function),
            (None, None) => self.source.unknown(node),
        };
        let args = self.args(given);
        let new = false;
        self.source.build.expr(ExprKind::Call { callee, args, new }, span(node))
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

    /// `filter_var($x, FILTER_Y)` is a call of `filter_var.FILTER_Y`.
    fn filter(&mut self, node: Node<'_>, given: Option<Node<'_>>) -> Option<ExprId> {
        let args = given.map(children)?;
        let texts = args.iter().map(|arg| self.source.text(*arg).into_owned());
        let filter = texts.into_iter().find(|text| text.starts_with("FILTER_"))?;
        let object = self.field(node, "function");
        let name = self.source.build.name(&filter);
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

    /// `strpos($a, $b) === 0` and its like say that `$a` begins with `$b`.
    pub(super) fn beginning(&mut self, node: Node<'_>, operator: &str) -> Option<ExprId> {
        let call = node
            .child_by_field_name("left")
            .filter(|left| left.kind() == "function_call_expression")?;
        let zero = node
            .child_by_field_name("right")
            .is_some_and(|right| self.source.text(right) == "0");
        let name = call
            .child_by_field_name("function")
            .map(|name| self.source.text(name))?;
        if !zero || !matches!(&*name, "strpos" | "strncmp" | "stripos" | "mb_strpos") {
            return None;
        }
        let args = self.args(call.child_by_field_name("arguments"));
        let callee = self.named("str_starts_with", span(call));
        let new = false;
        let whole = self.source.build.expr(ExprKind::Call { callee, args, new }, span(node));
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
        self.source.build.expr(ExprKind::Call { callee, args, new }, span(node))
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
        self.source.build.expr(
            ExprKind::Call {
                callee,
                args,
                new: true,
            },
            span(node),
        )
    }
}

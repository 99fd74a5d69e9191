//! Commands that hang together: `a && b`, pipes with loops in them, and commands that fill variables.

use tree_sitter::Node;

use super::super::super::ir::{StmtId, StmtKind};
use super::super::{children, fields, span};
use super::{Shell, Walk};

impl Shell<'_> {
    /// `return 1`: it did not go well.
    pub(super) fn returns_failure(&self, node: Node<'_>) -> bool {
        let given = fields(node, "argument");
        let code = given.first().map(|code| self.source.text(*code).into_owned());
        code.is_some_and(|code| code.parse::<u32>().is_ok_and(|code| code != 0))
    }

    /// `a && b`, `a || b`: what is done if the first went well, or did not.
    pub(super) fn list_stmt(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) {
        let parts = children(node);
        let [left, right, ..] = parts.as_slice() else {
            return self.printed(node, true, out);
        };
        let mut cursor = node.walk();
        let or = node.children(&mut cursor).any(|child| child.kind() == "||");
        let condition = match does_more(*left) {
            true => {
                self.stmt(*left, out);
                self.source.unknown(*left)
            }
            false => self.condition(*left, out),
        };
        let done = self.block_of_all(&[*right]);
        let nothing = self.source.build.block(Vec::new());
        let (then, otherwise) = if or { (nothing, done) } else { (done, nothing) };
        self.branch((condition, then, otherwise), node, out);
    }

    /// A pipe in which not all are plain commands: one after the other.
    pub(super) fn piped(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) {
        for part in children(node) {
            self.stmt(part, out);
        }
    }

    /// `mapfile -t lines`, `getopts ab: option`, `printf -v name …`: variables that a command fills.
    pub(super) fn filled(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) {
        let args = fields(node, "argument");
        let texts: Vec<String> = args.iter().map(|arg| self.source.text(*arg).into_owned()).collect();
        let word = self.command_word(node).unwrap_or_default();
        let named = match (word.as_str(), texts.as_slice()) {
            ("printf", [option, name, ..]) if option == "-v" => Some(name.clone()),
            ("printf", _) => return self.printed(node, true, out),
            ("getopts", [_, name, ..]) => Some(name.clone()),
            (_, names) => names.last().filter(|name| !name.starts_with('-')).cloned(),
        };
        let value = match word.as_str() {
            "printf" => {
                let given = args.get(2..).unwrap_or_default().to_vec();
                let given = self.exprs(given);
                self.call_of("printf", &given, span(node))
            }
            "getopts" => self.source.unknown(node),
            _ => self.call_of("read", &[], span(node)),
        };
        match named.filter(|name| name.chars().all(|c| c.is_alphanumeric() || c == '_')) {
            Some(name) => {
                let target = self.variable(&name, span(node));
                self.give(target, value, false, node, out);
            }
            None => self.push(StmtKind::Expr(value), node, out),
        }
    }
}

/// What is no plain command: a loop, a branch, a group.
pub(super) fn is_compound(node: Node<'_>) -> bool {
    match node.kind() {
        "redirected_statement" => node.child_by_field_name("body").is_some_and(is_compound),
        kind => matches!(
            kind,
            "while_statement"
                | "for_statement"
                | "if_statement"
                | "case_statement"
                | "compound_statement"
                | "subshell"
                | "c_style_for_statement"
        ),
    }
}

/// Whether what decides also sets variables, or leaves.
pub(super) fn does_more(node: Node<'_>) -> bool {
    match node.kind() {
        "variable_assignment" | "declaration_command" => true,
        "list" => children(node).into_iter().any(does_more),
        _ => is_compound(node),
    }
}

//! Rust to the one form.
//!
//! ```text
//! macros   what macros are given, read as expressions ─┐ (the file is parsed again without their `!`)
//! declare  uses, types, functions, parameters, marks   │
//! rust     statements                                  ├─▶ Builder
//! control  blocks, branches and loops as values        │
//! expr     expressions ─ call ─ command ─ memory ─ …   ┘
//! ```
//!
//! Always true:
//! - a path goes by its names with dots between them: `std::fs::read` is `std.fs.read`, and so is `core::fs::read`;
//! - what only passes a value on is not there: `&x`, `x.clone()`, `x?`, `Some(x)` and `Arc::new(x)` are `x`;
//! - an `Err` and a `None` are no value, so that a function that gives one back proves nothing of its parameters;
//! - what is built for tests alone is not lowered.

use std::collections::{HashMap, HashSet};

use tree_sitter::{Node, Tree};

use super::super::ir::{Arg, BinaryOp, BlockId, Class, ExprId, ExprKind, Function, NameId, Param, StmtId, StmtKind};
use super::walk::Walk;
use super::{LowerFault, Lowered, Source, children, fields, parse, span};

mod call;
mod command;
mod control;
mod credential;
mod declare;
mod expr;
mod literal;
mod macros;
mod memory;
mod pattern;
mod types;
mod unsound;

use self::control::Tail;
use self::types::Types;

/// Lowers a file whose macros are read as what they are given.
pub(super) fn lower(source: &[u8]) -> Result<Lowered, LowerFault> {
    let grammar = tree_sitter_rust::LANGUAGE.into();
    let written = parse(&grammar, source)?;
    let Some(opened) = macros::opened(&written, source) else {
        return Ok(lower_tree(source, &written));
    };
    let tree = parse(&grammar, &opened)?;
    Ok(lower_tree(source, &tree))
}

fn lower_tree(source: &[u8], tree: &Tree) -> Lowered {
    let root = tree.root_node();
    let mut rust = Rust {
        source: Source::new(source),
        types: Types::default(),
        class: None,
        before: Vec::new(),
        commands: vec![HashMap::new()],
        pointers: HashMap::new(),
        arrays: HashSet::new(),
        loops: Vec::new(),
        modules: HashSet::new(),
    };
    rust.find(root);
    let mut stmts = Vec::new();
    rust.items(root, &mut stmts);
    rust.classes(root);
    let body = rust.source.build.block(stmts);
    rust.source.finish(tree, body)
}

struct Rust<'s> {
    source: Source<'s>,
    /// What the file says of its types.
    types: Types,
    /// The type whose methods are lowered.
    class: Option<String>,
    /// What must be done before the statement that is lowered: blocks that are values within it.
    before: Vec<StmtId>,
    /// The variables that are commands in the functions around, innermost last, with the arguments that they have.
    commands: Vec<HashMap<String, Vec<Option<String>>>>,
    /// For the variables of a function, the pointers into them.
    pointers: HashMap<String, Vec<String>>,
    /// Variables that are arrays of one number.
    arrays: HashSet<String>,
    /// The loops around, innermost last, with the variable that gets their value.
    loops: Vec<Option<String>>,
    /// The modules that stand in the file.
    modules: HashSet<String>,
}

impl<'s> Walk<'s> for Rust<'s> {
    fn source(&mut self) -> &mut Source<'s> {
        &mut self.source
    }

    fn any_stmt(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) {
        self.stmt_within(node, out);
    }

    fn any_expr(&mut self, node: Node<'_>) -> ExprId {
        self.expr_within(node)
    }

    fn block_of(&mut self, node: Node<'_>) -> BlockId {
        self.block(Some(node), &Tail::Dropped)
    }

    fn push(&mut self, kind: StmtKind, node: Node<'_>, out: &mut Vec<StmtId>) {
        out.append(&mut self.before);
        let stmt = self.source.build.stmt(kind, span(node));
        out.push(stmt);
    }
}

impl Rust<'_> {
    fn stmt_within(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) {
        match node.kind() {
            "let_declaration" => self.let_stmt(node, out),
            "expression_statement" => {
                if let Some(value) = children(node).first() {
                    self.dropped(*value, out);
                }
            }
            "const_item" | "static_item" => self.constant(node, out),
            "function_item" | "function_signature_item" => self.function(node, &[], out),
            "impl_item" | "trait_item" => self.methods(node, out),
            "struct_item" | "union_item" => self.structure(node, out),
            "mod_item" => {
                if let Some(body) = node.child_by_field_name("body") {
                    self.items(body, out);
                }
            }
            "foreign_mod_item"
            | "use_declaration"
            | "extern_crate_declaration"
            | "macro_definition"
            | "enum_item"
            | "type_item"
            | "associated_type"
            | "attribute_item"
            | "inner_attribute_item"
            | "empty_statement"
            | "shebang"
            | "label" => {}
            "ERROR" => self.items(node, out),
            _ => self.dropped(node, out),
        }
    }

    /// An expression whose value nobody takes.
    fn dropped(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) {
        match node.kind() {
            "assignment_expression" => self.assignment(node, out),
            "compound_assignment_expr" => self.compound(node, out),
            "break_expression" => self.break_stmt(node, out),
            "continue_expression" => self.push(StmtKind::Continue, node, out),
            "return_expression" => match children(node).first() {
                Some(value) => self.tail(*value, &Tail::Returned, out),
                None => self.push(StmtKind::Return(None), node, out),
            },
            "try_expression" => self.attempted(node, out),
            _ => self.tail(node, &Tail::Dropped, out),
        }
    }

    /// `check(x)?;`: what comes after it is come to only if it held.
    fn attempted(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) {
        let value = self.first(node).unwrap_or_else(|| self.source.unknown(node));
        let condition = self.source.build.expr(ExprKind::Not(value), span(node));
        out.append(&mut self.before);
        let failed = self.source.build.expr(ExprKind::Null, span(node));
        let back = self.source.build.stmt(StmtKind::Return(Some(failed)), span(node));
        let then = self.source.build.block(vec![back]);
        let otherwise = self.source.build.block(Vec::new());
        let kind = StmtKind::If {
            condition,
            then,
            otherwise,
        };
        self.push(kind, node, out);
    }

    fn assign(&mut self, target: ExprId, value: ExprId, ty: Option<NameId>, node: Node<'_>, out: &mut Vec<StmtId>) {
        let append = false;
        let kind = StmtKind::Assign {
            target,
            value,
            append,
            ty,
        };
        self.push(kind, node, out);
    }

    /// `x = y`, `(a, b) = f()`, `_ = f()`
    fn assignment(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) {
        let value = self.field(node, "right");
        let Some(left) = node.child_by_field_name("left") else {
            return;
        };
        let target = self.target(left);
        self.assign(target, value, None, node, out);
    }

    /// What is assigned to: a field as it is, whatever its type.
    fn target(&mut self, node: Node<'_>) -> ExprId {
        match node.kind() {
            "field_expression" => self.attribute(node),
            "tuple_expression" => {
                let parts = children(node).into_iter().map(|part| self.target(part)).collect();
                self.source.build.expr(ExprKind::List(parts), span(node))
            }
            _ => self.expr(node),
        }
    }

    /// `x += y`: a text that grows, or a number.
    fn compound(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) {
        let value = self.field(node, "right");
        let Some(left) = node.child_by_field_name("left") else {
            return;
        };
        let operator = node.child_by_field_name("operator").map_or("", |op| op.kind());
        let right = node.child_by_field_name("right");
        if operator == "+=" && right.is_some_and(|right| self.is_text(right)) {
            let target = self.target(left);
            let (append, ty) = (true, None);
            let kind = StmtKind::Assign {
                target,
                value,
                append,
                ty,
            };
            return self.push(kind, node, out);
        }
        let (op, right) = (expr::operator(operator.trim_end_matches('=')), value);
        let before = self.expr(left);
        let kind = ExprKind::Binary {
            op,
            left: before,
            right,
        };
        let value = self.source.build.expr(kind, span(node));
        let target = self.target(left);
        self.assign(target, value, None, node, out);
    }

    fn let_stmt(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) {
        let Some(pattern) = node.child_by_field_name("pattern") else {
            return;
        };
        let Some(value) = node.child_by_field_name("value") else {
            return self.declared(node, pattern, out);
        };
        if pattern.kind() == "_" {
            return self.dropped(value, out);
        }
        if let Some(otherwise) = node.child_by_field_name("alternative") {
            return self.let_else(node, (pattern, value, otherwise), out);
        }
        let ty = node.child_by_field_name("type");
        if pattern.kind() == "identifier" {
            self.note_command(pattern, value);
            self.note_pointer(pattern, value);
            if value.kind() == "array_expression" && value.child_by_field_name("length").is_some() {
                self.arrays.insert(self.source.text(pattern).into_owned());
            }
        }
        let made = self.typed_value(value, ty);
        let ty = ty.and_then(|ty| self.telling(ty));
        let target = self.pattern(pattern);
        self.assign(target, made, ty, node, out);
        self.numbers_in(pattern, out);
    }

    /// `let x: T;`, whose value comes later.
    fn declared(&mut self, node: Node<'_>, pattern: Node<'_>, out: &mut Vec<StmtId>) {
        let target = self.pattern(pattern);
        let value = self.source.unknown(node);
        let ty = node.child_by_field_name("type").and_then(|ty| self.telling(ty));
        self.assign(target, value, ty, node, out);
    }

    /// `let Some(x) = y else { … };`
    fn let_else(
        &mut self,
        node: Node<'_>,
        (pattern, value, otherwise): (Node<'_>, Node<'_>, Node<'_>),
        out: &mut Vec<StmtId>,
    ) {
        let subject = self.subject(value, out);
        let condition = self.fits(pattern, &subject);
        let then = self.source.build.block(Vec::new());
        let otherwise = self.block(Some(otherwise), &Tail::Dropped);
        let kind = StmtKind::If {
            condition,
            then,
            otherwise,
        };
        self.push(kind, node, out);
        self.bind(pattern, &subject, out);
    }

    /// A value as its declared type has it: of a number, its text is gone.
    fn typed_value(&mut self, value: Node<'_>, ty: Option<Node<'_>>) -> ExprId {
        let made = self.expr(value);
        if self.is_dangling(value) {
            return self.call_of("as", "as_ptr", &[made], value);
        }
        match ty.filter(|ty| self.is_number(*ty)) {
            Some(_) => self.as_number(made, value),
            None => made,
        }
    }

    fn constant(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) {
        let Some(name) = node.child_by_field_name("name") else {
            return;
        };
        let value = self.field(node, "value");
        let ty = node.child_by_field_name("type").and_then(|ty| self.telling(ty));
        let name = self.source.text(name).into_owned();
        let value = match node.child_by_field_name("value") {
            Some(given) => self.given_credential(&name, given, value),
            None => value,
        };
        let target = self.source.build.name_expr(&name, span(node));
        self.assign(target, value, ty, node, out);
    }
}

#[cfg(test)]
mod tests;

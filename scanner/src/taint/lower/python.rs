//! Python to the one form.

use tree_sitter::{Node, Tree};

use super::super::ir::{BlockId, Class, ExprId, ExprKind, Function, NameId, Param, StmtId, StmtKind};
use super::walk::Walk;
use super::{Lowered, Source, children, fields, span};

pub(super) mod cython;
mod expr;
mod literal;

pub(super) fn lower(source: Source<'_>, tree: &Tree) -> Lowered {
    let root = tree.root_node();
    let mut python = Python { source, class: None };
    let body = python.block_of(root);
    python.source.finish(tree, body)
}

struct Python<'s> {
    source: Source<'s>,
    /// The class whose body is lowered.
    class: Option<NameId>,
}

impl<'s> Walk<'s> for Python<'s> {
    fn source(&mut self) -> &mut Source<'s> {
        &mut self.source
    }

    fn any_stmt(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) {
        self.stmt_within(node, out);
    }

    fn any_expr(&mut self, node: Node<'_>) -> ExprId {
        self.expr_within(node)
    }
}

impl Python<'_> {
    fn block(&mut self, node: Option<Node<'_>>) -> BlockId {
        match node {
            Some(node) => self.block_of(node),
            None => self.source.build.block(Vec::new()),
        }
    }

    fn stmt_within(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) {
        match node.kind() {
            "expression_statement" => self.expression_stmt(node, out),
            "if_statement" => self.if_stmt(node, out),
            "for_statement" => self.for_stmt(node, out),
            "while_statement" => {
                let condition = self.field(node, "condition");
                let body = self.block(node.child_by_field_name("body"));
                self.push(
                    StmtKind::Loop {
                        condition: Some(condition),
                        body,
                    },
                    node,
                    out,
                );
                self.else_of(node, out);
            }
            "try_statement" => self.try_stmt(node, out),
            "with_statement" => self.with_stmt(node, out),
            "match_statement" => self.match_stmt(node, out),
            "return_statement" => {
                let value = self.first(node);
                self.push(StmtKind::Return(value), node, out);
            }
            "raise_statement" => {
                let value = self.first(node);
                self.push(StmtKind::Throw(value), node, out);
            }
            "assert_statement" => self.assert_stmt(node, out),
            "break_statement" => self.push(StmtKind::Break, node, out),
            "continue_statement" => self.push(StmtKind::Continue, node, out),
            "function_definition" => self.function(node, &[], out),
            "class_definition" => self.class(node, &[], out),
            "decorated_definition" => self.decorated(node, out),
            "import_statement" | "import_from_statement" => self.import(node),
            "delete_statement" | "global_statement" | "nonlocal_statement" | "pass_statement" => {}
            "future_import_statement" | "type_alias_statement" | "comment" => {}
            // Python 2, or what stands where the grammar lost its way: its parts still count.
            _ => {
                for child in children(node) {
                    if child.kind() == "block" {
                        let block = self.block_of(child);
                        self.push(StmtKind::Block(block), child, out);
                    } else {
                        self.stmt_or_expr(child, out);
                    }
                }
            }
        }
    }

    /// What does not hold ends the function.
    fn assert_stmt(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) {
        let Some(condition) = self.first(node) else { return };
        let then = self.source.build.block(Vec::new());
        let throw = self.source.build.stmt(StmtKind::Throw(None), span(node));
        let otherwise = self.source.build.block(vec![throw]);
        let kind = StmtKind::If {
            condition,
            then,
            otherwise,
        };
        self.push(kind, node, out);
    }

    fn stmt_or_expr(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) {
        let kind = node.kind();
        if kind.ends_with("_statement") || kind.ends_with("_definition") || kind == "ERROR" {
            self.stmt(node, out);
        } else {
            let value = self.expr(node);
            self.push(StmtKind::Expr(value), node, out);
        }
    }

    fn expression_stmt(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) {
        for child in children(node) {
            match child.kind() {
                "assignment" => self.assignment(child, out),
                "augmented_assignment" => {
                    let target = self.field(child, "left");
                    let value = self.field(child, "right");
                    let append = child
                        .child_by_field_name("operator")
                        .is_some_and(|op| op.kind() == "+=");
                    self.push(
                        StmtKind::Assign {
                            target,
                            value,
                            append,
                            ty: None,
                        },
                        child,
                        out,
                    );
                }
                _ => {
                    let value = self.expr(child);
                    self.push(StmtKind::Expr(value), child, out);
                }
            }
        }
    }

    /// `a = b = value`: the innermost first.
    fn assignment(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) {
        let Some(right) = node.child_by_field_name("right") else {
            return;
        };
        let value = if right.kind() == "assignment" {
            self.assignment(right, out);
            self.field(right, "left")
        } else {
            self.expr(right)
        };
        let target = self.field(node, "left");
        let ty = node.child_by_field_name("type").map(|ty| self.type_name(ty));
        let append = false;
        self.put(target, value, (append, ty), node, out);
    }

    fn if_stmt(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) {
        let condition = self.field(node, "condition");
        let then = self.block(node.child_by_field_name("consequence"));
        let mut rest = fields(node, "alternative");
        rest.reverse();
        let mut otherwise = self.source.build.block(Vec::new());
        for clause in rest {
            otherwise = match clause.kind() {
                "elif_clause" => {
                    let condition = self.field(clause, "condition");
                    let then = self.block(clause.child_by_field_name("consequence"));
                    let kind = StmtKind::If {
                        condition,
                        then,
                        otherwise,
                    };
                    let stmt = self.source.build.stmt(kind, span(clause));
                    self.source.build.block(vec![stmt])
                }
                _ => self.block(clause.child_by_field_name("body")),
            };
        }
        self.branch((condition, then, otherwise), node, out);
    }

    fn for_stmt(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) {
        let target = self.field(node, "left");
        let iterable = self.field(node, "right");
        let body = self.block(node.child_by_field_name("body"));
        self.push(StmtKind::ForEach { target, iterable, body }, node, out);
        self.else_of(node, out);
    }

    fn else_of(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) {
        if let Some(clause) = node.child_by_field_name("alternative") {
            let body = self.block(clause.child_by_field_name("body"));
            self.push(StmtKind::Block(body), clause, out);
        }
    }

    fn try_stmt(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) {
        let mut body = Vec::new();
        if let Some(block) = node.child_by_field_name("body") {
            children(block)
                .into_iter()
                .for_each(|child| self.stmt(child, &mut body));
        }
        let mut handlers = Vec::new();
        let mut finally = None;
        for clause in children(node) {
            match clause.kind() {
                "except_clause" | "except_group_clause" => {
                    let block = children(clause).into_iter().rfind(|child| child.kind() == "block");
                    handlers.push(self.block(block));
                }
                "else_clause" => {
                    if let Some(block) = clause.child_by_field_name("body") {
                        children(block)
                            .into_iter()
                            .for_each(|child| self.stmt(child, &mut body));
                    }
                }
                "finally_clause" => finally = children(clause).into_iter().find(|child| child.kind() == "block"),
                _ => {}
            }
        }
        let finally = self.block(finally);
        let body = self.source.build.block(body);
        self.push(
            StmtKind::Try {
                body,
                handlers,
                finally,
            },
            node,
            out,
        );
    }

    fn with_stmt(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) {
        let clauses = children(node).into_iter().filter(|child| child.kind() == "with_clause");
        for item in clauses.flat_map(children) {
            let Some(value) = item.child_by_field_name("value") else {
                continue;
            };
            match value.kind() {
                "as_pattern" => {
                    let given = children(value).first().map(|given| self.expr(*given));
                    let alias = value
                        .child_by_field_name("alias")
                        .and_then(|alias| alias.named_child(0));
                    let (Some(given), Some(alias)) = (given, alias) else {
                        continue;
                    };
                    let target = self.expr(alias);
                    let (append, ty) = (false, None);
                    self.push(
                        StmtKind::Assign {
                            target,
                            value: given,
                            append,
                            ty,
                        },
                        item,
                        out,
                    );
                }
                _ => {
                    let value = self.expr(value);
                    self.push(StmtKind::Expr(value), item, out);
                }
            }
        }
        let body = self.block(node.child_by_field_name("body"));
        self.push(StmtKind::Block(body), node, out);
    }

    fn match_stmt(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) {
        let subject = self.field(node, "subject");
        let mut cases = Vec::new();
        let clauses = node.child_by_field_name("body").map(children).unwrap_or_default();
        for clause in clauses.into_iter().filter(|clause| clause.kind() == "case_clause") {
            let patterns = children(clause)
                .into_iter()
                .filter(|child| child.kind() == "case_pattern");
            let labels: Vec<ExprId> = patterns.filter_map(|pattern| self.constant_pattern(pattern)).collect();
            let body = self.block(clause.child_by_field_name("consequence"));
            cases.push((labels, body));
        }
        self.push(StmtKind::Switch { subject, cases }, node, out);
    }

    /// A pattern that is a constant; of any other nothing is known.
    fn constant_pattern(&mut self, pattern: Node<'_>) -> Option<ExprId> {
        let inner = pattern.named_child(0)?;
        matches!(inner.kind(), "string" | "integer" | "true" | "false" | "none").then(|| self.expr(inner))
    }

    fn decorated(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) {
        let decorators = children(node).into_iter().filter(|child| child.kind() == "decorator");
        let marks: Vec<ExprId> = decorators.filter_map(|decorator| self.first(decorator)).collect();
        let Some(definition) = node.child_by_field_name("definition") else {
            return;
        };
        match definition.kind() {
            "class_definition" => self.class(definition, &marks, out),
            _ => self.function(definition, &marks, out),
        }
    }

    fn function(&mut self, node: Node<'_>, marks: &[ExprId], out: &mut Vec<StmtId>) {
        let name = self.name_field(node, "name");
        let class = self.class.take();
        let params = self.params(node.child_by_field_name("parameters"));
        let body = self.block(node.child_by_field_name("body"));
        self.class = class;
        let function = self.source.build.function(Function {
            name,
            class,
            params,
            marks: marks.to_vec(),
            body,
            span: span(node),
        });
        self.push(StmtKind::Define(function), node, out);
    }

    fn class(&mut self, node: Node<'_>, marks: &[ExprId], out: &mut Vec<StmtId>) {
        let name = self.name_field(node, "name");
        let bases = node
            .child_by_field_name("superclasses")
            .map(children)
            .unwrap_or_default();
        let bases = bases.into_iter().filter(|base| base.kind() != "keyword_argument");
        let bases: Vec<NameId> = bases.map(|base| self.type_name(base)).collect();
        let outer = self.class.replace(name);
        let mut body = Vec::new();
        if let Some(block) = node.child_by_field_name("body") {
            children(block)
                .into_iter()
                .for_each(|child| self.stmt(child, &mut body));
        }
        self.class = outer;
        let methods = body
            .iter()
            .filter_map(|stmt| self.source.build.defines(*stmt))
            .collect();
        self.source.build.class(Class {
            name,
            bases,
            methods,
            marks: marks.to_vec(),
            span: span(node),
        });
        // What stands in a class's body is done when the file is loaded.
        let body = self.source.build.block(body);
        self.push(StmtKind::Block(body), node, out);
    }

    fn params(&mut self, node: Option<Node<'_>>) -> Vec<Param> {
        let mut params = Vec::new();
        let written = node.map(children).unwrap_or_default();
        let written = written
            .into_iter()
            .filter(|param| !param.kind().ends_with("_separator"));
        for (position, param) in written.enumerate() {
            let named = match param.kind() {
                "typed_parameter" => param.named_child(0),
                "default_parameter" | "typed_default_parameter" => param.child_by_field_name("name"),
                _ => Some(param),
            };
            let Some(named) = named else { continue };
            let rest = named.kind().ends_with("splat_pattern");
            let name = if rest {
                named.named_child(0).unwrap_or(named)
            } else {
                named
            };
            let name = self.source.text(name).into_owned();
            let ty = param.child_by_field_name("type").map(|ty| self.type_name(ty));
            let default = param.child_by_field_name("value").map(|value| self.expr(value));
            params.push(Param {
                name: self.source.build.name(&name),
                position: u16::try_from(position).unwrap_or(u16::MAX),
                ty,
                marks: Vec::new(),
                default,
                rest,
            });
        }
        params
    }

    /// A type as written, without what it is of: `Optional[str]` is `str`, `list[int]` is `list`.
    fn type_name(&mut self, node: Node<'_>) -> NameId {
        let text = self.source.text(node).into_owned();
        let text = text.trim_matches(['"', '\'']);
        let inner = text
            .strip_prefix("Optional[")
            .or_else(|| text.strip_prefix("Annotated["))
            .unwrap_or(text);
        let end = inner.find(['[', ']', ',', '|', ' ', '(']).unwrap_or(inner.len());
        self.source.build.name(&inner[..end])
    }

    fn import(&mut self, node: Node<'_>) {
        let module = node.child_by_field_name("module_name");
        let module = module.map(|module| self.source.text(module).into_owned());
        for name in fields(node, "name") {
            let (path, alias) = match name.kind() {
                "aliased_import" => {
                    let path = name.child_by_field_name("name").unwrap_or(name);
                    (path, name.child_by_field_name("alias"))
                }
                _ => (name, None),
            };
            let path = self.source.text(path).into_owned();
            let local = alias.map(|alias| self.source.text(alias).into_owned());
            match (&module, local) {
                (Some(module), local) => {
                    let whole = join(module, &path);
                    self.source.build.import(local.as_deref().unwrap_or(&path), &whole);
                }
                (None, Some(local)) => self.source.build.import(&local, &path),
                // `import a.b` brings in `a`.
                (None, None) => {
                    let first = path.split('.').next().unwrap_or(&path);
                    self.source.build.import(first, first);
                }
            }
        }
        if children(node).iter().any(|child| child.kind() == "wildcard_import") {
            self.source.build.import("", module.as_deref().unwrap_or_default());
        }
    }
}

fn join(module: &str, name: &str) -> String {
    if module.ends_with('.') {
        format!("{module}{name}")
    } else {
        format!("{module}.{name}")
    }
}

#[cfg(test)]
mod tests;

//! Patterns: what they take out of a value, and what it is like where they fit.

use super::{BinaryOp, ExprId, ExprKind, Node, Rust, StmtId, Walk, children, span};

/// Wrappers that a value is the same without.
const WRAPPERS: [&str; 2] = ["Some", "Ok"];

/// Parts of a pattern that are looked at.
const MAX_PARTS: usize = 64;

impl Rust<'_> {
    /// A pattern as what gets the parts of a value.
    pub(super) fn pattern(&mut self, node: Node<'_>) -> ExprId {
        if self.source.depth == super::super::MAX_DEPTH {
            self.source.cut = true;
            return self.source.unknown(node);
        }
        self.source.depth += 1;
        let target = self.pattern_within(node);
        self.source.depth -= 1;
        target
    }

    fn pattern_within(&mut self, node: Node<'_>) -> ExprId {
        let at = span(node);
        let inner = || {
            children(node)
                .into_iter()
                .filter(|child| child.kind() != "mutable_specifier")
        };
        match node.kind() {
            "identifier" | "shorthand_field_identifier" => {
                let name = self.source.text(node).into_owned();
                match self.is_constant_name(&name) {
                    true => self.source.unknown(node),
                    false => self.source.build.name_expr(&name, at),
                }
            }
            "mut_pattern" | "ref_pattern" | "reference_pattern" | "or_pattern" | "match_pattern" => {
                match inner().next() {
                    Some(inner) => self.pattern(inner),
                    None => self.source.unknown(node),
                }
            }
            "captured_pattern" => {
                let parts: Vec<ExprId> = inner().map(|part| self.pattern(part)).take(1).collect();
                self.source.build.expr(ExprKind::Of(parts), at)
            }
            "tuple_pattern" | "slice_pattern" if inner().next().is_some() => {
                let parts = inner().map(|part| self.pattern(part)).collect();
                self.source.build.expr(ExprKind::List(parts), at)
            }
            "tuple_struct_pattern" => {
                let ty = node.child_by_field_name("type").map(|ty| ty.id());
                let parts: Vec<Node<'_>> = inner().filter(|part| Some(part.id()) != ty).collect();
                match parts.as_slice() {
                    [] => self.source.unknown(node),
                    [one] => self.pattern(*one),
                    _ => {
                        let parts = parts.into_iter().map(|part| self.pattern(part)).collect();
                        self.source.build.expr(ExprKind::List(parts), at)
                    }
                }
            }
            "struct_pattern" => self.struct_pattern(node),
            _ => self.source.unknown(node),
        }
    }

    fn struct_pattern(&mut self, node: Node<'_>) -> ExprId {
        let mut entries = Vec::new();
        for field in children(node)
            .into_iter()
            .filter(|child| child.kind() == "field_pattern")
        {
            let Some(name) = field.child_by_field_name("name") else {
                continue;
            };
            let text = self.source.text(name).into_owned();
            let key = self.source.build.str_expr(&text, span(name));
            let target = match field.child_by_field_name("pattern") {
                Some(pattern) => self.pattern(pattern),
                None => self.source.build.name_expr(&text, span(name)),
            };
            entries.push((Some(key), target));
        }
        self.source.build.expr(ExprKind::Map(entries), span(node))
    }

    /// Gives the names of a pattern the parts of a variable.
    pub(super) fn bind(&mut self, node: Node<'_>, subject: &str, out: &mut Vec<StmtId>) {
        if matches!(node.kind(), "_" | "scoped_identifier") || node.kind().ends_with("_literal") {
            return;
        }
        // What an error says is not what was given.
        let failed = node.kind() == "tuple_struct_pattern" && self.head(node) == "Err";
        let value = match failed {
            true => self.source.unknown(node),
            false => self.taken(node, subject),
        };
        let target = self.pattern(node);
        if !matches!(self.source.build.kind(target), ExprKind::Unknown) {
            self.assign(target, value, None, node, out);
            self.numbers_in(node, out);
            self.named_within(node, out);
        }
    }

    /// What stands in a pattern within goes by that one's name: `(Some(Component::Normal(part)), None)`.
    fn named_within(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) {
        let mut nodes = children(node);
        let mut seen = 0;
        while let Some(part) = nodes.pop().filter(|_| seen < MAX_PARTS) {
            seen += 1;
            let ty = part.child_by_field_name("type").map(|ty| ty.id());
            let inside: Vec<Node<'_>> = children(part)
                .into_iter()
                .filter(|inner| Some(inner.id()) != ty)
                .collect();
            if let ("tuple_struct_pattern", [one]) = (part.kind(), inside.as_slice())
                && one.kind() == "identifier"
            {
                let name = self.source.text(*one).into_owned();
                let value = self.taken(part, &name);
                if matches!(self.source.build.kind(value), ExprKind::Call { .. }) {
                    let target = self.source.build.name_expr(&name, span(*one));
                    self.assign(target, value, None, *one, out);
                }
            }
            nodes.extend(inside);
        }
    }

    /// What a pattern takes out goes by the pattern's name, if that says something: `Component::Normal(part)`.
    fn taken(&mut self, node: Node<'_>, subject: &str) -> ExprId {
        let value = self.source.build.name_expr(subject, span(node));
        let ty = node
            .child_by_field_name("type")
            .filter(|ty| node.kind() == "tuple_struct_pattern" && ty.kind() == "scoped_identifier");
        let Some(ty) = ty else { return value };
        let path = self.source.text(ty).into_owned();
        let foreign = path
            .split("::")
            .next()
            .is_some_and(|first| !self.types.own.iter().any(|own| own == first));
        if !foreign || path.starts_with("Self") {
            return value;
        }
        let callee = self.path(&path, ty);
        self.source.build.call(callee, &[value], span(node))
    }

    /// The fields among a pattern's names that are numbers are numbers.
    pub(super) fn numbers_in(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) {
        if node.kind() != "struct_pattern" {
            return;
        }
        for field in children(node)
            .into_iter()
            .filter(|child| child.kind() == "field_pattern")
        {
            let Some(name) = field.child_by_field_name("name") else {
                continue;
            };
            let text = self.source.text(name).into_owned();
            if !self.is_number_field(&text) || field.child_by_field_name("pattern").is_some() {
                continue;
            }
            let value = self.source.build.name_expr(&text, span(name));
            let value = self.as_number(value, name);
            let target = self.source.build.name_expr(&text, span(name));
            self.assign(target, value, None, name, out);
        }
    }

    /// The name of a pattern that has parts: `Some`, `Err`.
    fn head(&self, node: Node<'_>) -> String {
        let ty = node.child_by_field_name("type").unwrap_or(node);
        let text = self.source.text(ty);
        text.rsplit("::").next().unwrap_or(&text).to_owned()
    }

    /// Whether a pattern says that something went well, or did not.
    pub(super) fn says_whether(&self, node: Node<'_>) -> bool {
        matches!(node.kind(), "tuple_struct_pattern" | "identifier" | "scoped_identifier")
            && matches!(&*self.head(node), "Some" | "Ok" | "Err" | "None")
    }

    /// Whether a pattern fits whatever comes.
    pub(super) fn is_any(&self, node: Node<'_>) -> bool {
        match node.kind() {
            "_" | "tuple_pattern" => true,
            "identifier" => !self.is_constant_name(&self.source.text(node)),
            _ => false,
        }
    }

    fn is_constant_name(&self, name: &str) -> bool {
        name == "None" || name.len() > 1 && name.chars().all(|c| c.is_uppercase() || c == '_' || c.is_numeric())
    }

    /// Whether a variable is like a pattern says.
    pub(super) fn fits(&mut self, node: Node<'_>, subject: &str) -> ExprId {
        let at = span(node);
        let head = match node.kind() {
            "tuple_struct_pattern" | "identifier" | "scoped_identifier" => self.head(node),
            _ => String::new(),
        };
        if matches!(&*head, "Err" | "None") {
            let value = self.source.build.name_expr(subject, at);
            return self.source.build.expr(ExprKind::Not(value), at);
        }
        if WRAPPERS.contains(&&*head) {
            let ty = node.child_by_field_name("type").map(|ty| ty.id());
            let inner = children(node).into_iter().find(|child| Some(child.id()) != ty);
            return match inner {
                // `Some(text)` may hold an empty one.
                Some(inner) if self.is_any(inner) && inner.kind() == "identifier" => self.source.unknown(node),
                Some(inner) if !matches!(inner.kind(), "unit_expression" | "tuple_pattern" | "_") => {
                    self.fits_within(inner, subject)
                }
                _ => self.source.build.name_expr(subject, at),
            };
        }
        let labels = self.labels(node);
        let known = !labels.is_empty() && labels.iter().all(|label| !self.is_unknown(*label));
        if !known {
            return self.source.unknown(node);
        }
        let left = self.source.build.name_expr(subject, at);
        let (op, right) = match labels.as_slice() {
            [one] => (BinaryOp::Eq, *one),
            _ => (BinaryOp::In, self.source.build.expr(ExprKind::List(labels), at)),
        };
        self.source.build.expr(ExprKind::Binary { op, left, right }, at)
    }

    fn fits_within(&mut self, node: Node<'_>, subject: &str) -> ExprId {
        if self.source.depth == super::super::MAX_DEPTH {
            self.source.cut = true;
            return self.source.unknown(node);
        }
        self.source.depth += 1;
        let fits = self.fits(node, subject);
        self.source.depth -= 1;
        fits
    }

    fn is_unknown(&self, expr: ExprId) -> bool {
        matches!(self.source.build.kind(expr), ExprKind::Unknown)
    }

    /// What a value is equal to where a pattern fits; nothing if that is anything.
    pub(super) fn labels(&mut self, node: Node<'_>) -> Vec<ExprId> {
        if self.is_any(node) {
            return Vec::new();
        }
        match node.kind() {
            "or_pattern" | "mut_pattern" | "ref_pattern" | "reference_pattern" => {
                let alternatives = children(node).into_iter().flat_map(|inner| self.labels_within(inner));
                alternatives.collect()
            }
            "tuple_struct_pattern" if WRAPPERS.contains(&&*self.head(node)) => {
                let ty = node.child_by_field_name("type").map(|ty| ty.id());
                let inner = children(node).into_iter().find(|child| Some(child.id()) != ty);
                match inner {
                    Some(inner) if !self.is_any(inner) => self.labels_within(inner),
                    _ => vec![self.source.unknown(node)],
                }
            }
            "identifier" | "scoped_identifier" => vec![self.expr(node)],
            kind if kind.ends_with("_literal") => vec![self.expr(node)],
            _ => vec![self.source.unknown(node)],
        }
    }

    fn labels_within(&mut self, node: Node<'_>) -> Vec<ExprId> {
        if self.source.depth == super::super::MAX_DEPTH {
            self.source.cut = true;
            return vec![self.source.unknown(node)];
        }
        self.source.depth += 1;
        let labels = self.labels(node);
        self.source.depth -= 1;
        match labels.is_empty() {
            // An alternative that fits anything.
            true => vec![self.source.unknown(node)],
            false => labels,
        }
    }
}

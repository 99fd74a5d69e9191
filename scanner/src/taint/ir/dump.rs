//! A module as text, for tests of lowerings: statements on lines, blocks indented, expressions with their kinds spelled out.

use super::{BlockId, ExprId, ExprKind, Module, Stmt, StmtKind};

impl Module {
    /// The whole of it, the top level last.
    pub(in crate::taint) fn dump(&self) -> String {
        let mut out = String::new();
        for import in &self.imports {
            out.push_str(&format!(
                "import {} = {}\n",
                self.name(import.local),
                self.name(import.path)
            ));
        }
        for function in &self.functions {
            let class = function
                .class
                .map(|class| format!("{}.", self.name(class)))
                .unwrap_or_default();
            let params: Vec<&str> = function.params.iter().map(|param| self.name(param.name)).collect();
            let marks: String = function
                .marks
                .iter()
                .map(|mark| format!("@{} ", self.show(*mark)))
                .collect();
            out.push_str(&format!(
                "{marks}fn {class}{}({})\n",
                self.name(function.name),
                params.join(", ")
            ));
            self.dump_block(function.body, 1, &mut out);
        }
        out
    }

    fn dump_block(&self, block: BlockId, depth: usize, out: &mut String) {
        for stmt in self.block(block) {
            let Stmt { kind, .. } = self.stmt(*stmt);
            out.push_str(&"  ".repeat(depth));
            out.push_str(&self.head(kind));
            out.push('\n');
            kind.blocks(|inner| {
                out.push_str(&format!("{}:\n", "  ".repeat(depth)));
                self.dump_block(inner, depth + 1, out);
            });
        }
    }

    fn head(&self, kind: &StmtKind) -> String {
        match kind {
            StmtKind::Expr(value) => self.show(*value),
            StmtKind::Assign {
                target, value, append, ..
            } => {
                let operator = if *append { "+=" } else { "=" };
                format!("{} {operator} {}", self.show(*target), self.show(*value))
            }
            StmtKind::If { condition, .. } => format!("if {}", self.show(*condition)),
            StmtKind::Loop { condition, .. } => {
                format!(
                    "loop {}",
                    condition.map(|condition| self.show(condition)).unwrap_or_default()
                )
            }
            StmtKind::ForEach { target, iterable, .. } => {
                format!("for {} of {}", self.show(*target), self.show(*iterable))
            }
            StmtKind::Switch { subject, .. } => format!("switch {}", self.show(*subject)),
            StmtKind::Try { .. } => "try".to_owned(),
            StmtKind::Block(_) => "block".to_owned(),
            StmtKind::Return(value) => format!("return {}", value.map(|value| self.show(value)).unwrap_or_default()),
            StmtKind::Throw(value) => format!("throw {}", value.map(|value| self.show(value)).unwrap_or_default()),
            StmtKind::Break => "break".to_owned(),
            StmtKind::Continue => "continue".to_owned(),
            StmtKind::Define(function) => format!("define {}", self.name(self.function(*function).name)),
        }
    }

    fn show(&self, expr: ExprId) -> String {
        let all = |parts: &[ExprId]| parts.iter().map(|part| self.show(*part)).collect::<Vec<_>>().join(", ");
        match &self.expr(expr).kind {
            ExprKind::Str(text) => format!("{:?}", self.name(*text)),
            ExprKind::Int(number) => number.to_string(),
            ExprKind::Bool(truth) => truth.to_string(),
            ExprKind::Null => "null".to_owned(),
            ExprKind::Name(name) => self.name(*name).to_owned(),
            ExprKind::Attr { object, name } => format!("{}.{}", self.show(*object), self.name(*name)),
            ExprKind::Index { object, key } => format!("{}[{}]", self.show(*object), self.show(*key)),
            ExprKind::Call { callee, args, .. } => {
                let args = args.iter().map(|arg| {
                    let name = arg.name.map(|name| format!("{}=", self.name(name))).unwrap_or_default();
                    format!("{}{name}{}", if arg.spread { "*" } else { "" }, self.show(arg.value))
                });
                format!("{}({})", self.show(*callee), args.collect::<Vec<_>>().join(", "))
            }
            ExprKind::Concat(parts) => format!("concat({})", all(parts)),
            ExprKind::Binary { op, left, right } => format!("{op:?}({})", all(&[*left, *right])),
            ExprKind::Not(inner) => format!("not({})", self.show(*inner)),
            ExprKind::Choice {
                condition,
                then,
                otherwise,
            } => {
                let condition = condition.map(|condition| self.show(condition)).unwrap_or_default();
                format!("choice({condition}; {}; {})", self.show(*then), self.show(*otherwise))
            }
            ExprKind::List(parts) => format!("[{}]", all(parts)),
            ExprKind::Map(entries) => {
                let entries = entries.iter().map(|(key, value)| {
                    let key = key.map_or_else(|| "*".to_owned(), |key| self.show(key));
                    format!("{key}: {}", self.show(*value))
                });
                format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
            }
            ExprKind::Closure(function) => format!("closure#{}", function.0),
            ExprKind::Assign { target, value } => format!("({} = {})", self.show(*target), self.show(*value)),
            ExprKind::Of(parts) => format!("of({})", all(parts)),
            ExprKind::Last(parts) => format!("last({})", all(parts)),
            ExprKind::Element { tag, children, .. } => format!("<{}>({})", self.name(*tag), all(children)),
            ExprKind::Unknown => "?".to_owned(),
        }
    }
}

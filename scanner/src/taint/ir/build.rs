//! Puts a module together, parts before wholes, so that [`Module::check`] holds by construction.

use std::collections::HashMap;

use super::{
    Arg, BlockId, Class, Expr, ExprId, ExprKind, Function, FunctionId, Import, Module, NameId, Span, Stmt, StmtId,
    StmtKind,
};

/// A module in the making.
#[derive(Debug, Default)]
pub struct Builder {
    module: Module,
    ids: HashMap<String, NameId>,
}

impl Builder {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The id of a text.
    pub fn name(&mut self, text: &str) -> NameId {
        if let Some(id) = self.ids.get(text) {
            return *id;
        }
        let id = NameId(index(self.module.names.len()));
        self.module.names.push(text.to_owned());
        self.ids.insert(text.to_owned(), id);
        id
    }

    /// Adds an expression.
    pub fn expr(&mut self, kind: ExprKind, span: Span) -> ExprId {
        let id = ExprId(index(self.module.exprs.len()));
        self.module.exprs.push(Expr { kind, span });
        id
    }

    /// Adds a statement, which belongs to a block once that is made.
    pub fn stmt(&mut self, kind: StmtKind, span: Span) -> StmtId {
        let id = StmtId(index(self.module.stmts.len()));
        self.module.stmts.push(Stmt { kind, span });
        id
    }

    /// Adds a block.
    pub fn block(&mut self, stmts: Vec<StmtId>) -> BlockId {
        let id = BlockId(index(self.module.blocks.len()));
        self.module.blocks.push(stmts);
        id
    }

    /// Adds a function.
    pub fn function(&mut self, function: Function) -> FunctionId {
        let id = FunctionId(index(self.module.functions.len()));
        self.module.functions.push(function);
        id
    }

    /// Adds a class.
    pub fn class(&mut self, class: Class) {
        self.module.classes.push(class);
    }

    /// Whether there is a class of that name.
    #[must_use]
    pub fn has_class(&self, name: NameId) -> bool {
        self.module.classes.iter().any(|class| class.name == name)
    }

    /// Adds an import.
    pub fn import(&mut self, local: &str, path: &str) {
        let import = Import {
            local: self.name(local),
            path: self.name(path),
        };
        self.module.imports.push(import);
    }

    /// Says that the grammar could not place these bytes.
    pub fn unparsed(&mut self, span: Span) {
        self.module.unparsed.push(span);
    }

    /// A name as an expression.
    pub fn name_expr(&mut self, text: &str, span: Span) -> ExprId {
        let name = self.name(text);
        self.expr(ExprKind::Name(name), span)
    }

    /// A text literal.
    pub fn str_expr(&mut self, text: &str, span: Span) -> ExprId {
        let name = self.name(text);
        self.expr(ExprKind::Str(name), span)
    }

    /// A call with unnamed arguments.
    pub fn call(&mut self, callee: ExprId, args: &[ExprId], span: Span) -> ExprId {
        let args = args.iter().map(|&value| Arg {
            name: None,
            value,
            spread: false,
        });
        let args = args.collect();
        let new = false;
        self.expr(ExprKind::Call { callee, args, new }, span)
    }

    /// What an expression is.
    #[must_use]
    pub fn kind(&self, id: ExprId) -> &ExprKind {
        &self.module.expr(id).kind
    }

    /// The function that a statement defines.
    #[must_use]
    pub fn defines(&self, id: StmtId) -> Option<FunctionId> {
        self.module.stmt(id).kind.defines()
    }

    /// The text of a name.
    #[must_use]
    pub fn text(&self, id: NameId) -> &str {
        self.module.name(id)
    }

    /// The module; `top` is the file's own level, added last.
    #[must_use]
    pub fn finish(mut self, top: Function) -> Module {
        self.function(top);
        self.module
    }
}

fn index(len: usize) -> u32 {
    // A file of at most 2 MiB has fewer parts than this; a module that had more would not pass its check.
    u32::try_from(len).unwrap_or(u32::MAX)
}

//! Whether a module that a worker sent can be walked.
//!
//! Always true:
//! - every function's body is walked once, without recursion, in time linear in the module;
//! - what passes is a tree: each part belongs to one whole, so no later walk takes longer than this one.

use super::{
    BlockId, Expr, ExprId, ExprKind, FunctionId, MAX_CLOSURES, MAX_NESTING, Module, NameId, Span, StmtId, StmtKind,
};

/// How large a module may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Expressions, statements, blocks, functions, names: each.
    pub parts: usize,
    /// Bytes of all names together.
    pub text: usize,
}

impl Default for Limits {
    /// Enough for a file of 2 MiB.
    fn default() -> Self {
        Self {
            parts: 2 << 20,
            text: 4 << 20,
        }
    }
}

/// Why a module is not walked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IrFault {
    /// More parts than a file of the largest size has.
    #[error("it has too many {0}")]
    TooMany(&'static str),
    /// An id that stands for nothing.
    #[error("an id of its {0} is out of range")]
    OutOfRange(&'static str),
    /// A part that belongs to two wholes.
    #[error("one of its {0} belongs to two wholes")]
    Shared(&'static str),
    /// A part that comes after its whole.
    #[error("one of its {0} comes after what contains it")]
    Order(&'static str),
    /// Nested too deep.
    #[error("it is nested more than {MAX_NESTING} deep, or its functions more than {MAX_CLOSURES}")]
    Deep,
    /// A span outside of the file.
    #[error("a span is not within the file")]
    Span,
    /// No top level.
    #[error("it has no functions")]
    Empty,
}

#[derive(Clone, Copy)]
enum Node {
    Expr(ExprId),
    Stmt(StmtId),
    Block(BlockId),
}

impl Module {
    /// Whether the module can be walked; `file_len` is the file's length in bytes.
    ///
    /// # Errors
    /// [`IrFault`] naming the first rule that is broken.
    pub fn check(&self, file_len: usize, limits: Limits) -> Result<(), IrFault> {
        self.check_sizes(limits)?;
        let mut walk = Walk {
            module: self,
            file_len,
            exprs: vec![false; self.exprs.len()],
            stmts: vec![false; self.stmts.len()],
            blocks: vec![false; self.blocks.len()],
            functions: vec![false; self.functions.len()],
            depths: vec![0; self.functions.len() + 1],
            stack: Vec::new(),
        };
        for (index, function) in self.functions.iter().enumerate() {
            walk.span(function.span)?;
            walk.name(function.name)?;
            function.class.map_or(Ok(()), |class| walk.name(class))?;
            let params = function.params.iter();
            let written = params.flat_map(|param| param.marks.iter().copied().chain(param.default));
            for expr in written.chain(function.marks.iter().copied()) {
                walk.tree(Node::Expr(expr), index)?;
            }
            for param in &function.params {
                walk.name(param.name)?;
                param.ty.map_or(Ok(()), |ty| walk.name(ty))?;
            }
            walk.tree(Node::Block(function.body), index)?;
        }
        for class in &self.classes {
            walk.span(class.span)?;
            class
                .bases
                .iter()
                .chain([&class.name])
                .try_for_each(|&name| walk.name(name))?;
            for &method in &class.methods {
                if method.0 as usize >= self.functions.len() {
                    return Err(IrFault::OutOfRange("functions"));
                }
            }
            for &mark in &class.marks {
                walk.tree(Node::Expr(mark), self.functions.len())?;
            }
        }
        for import in &self.imports {
            walk.name(import.local)?;
            walk.name(import.path)?;
        }
        self.unparsed.iter().try_for_each(|&span| walk.span(span))
    }

    fn check_sizes(&self, limits: Limits) -> Result<(), IrFault> {
        let sizes = [
            ("names", self.names.len()),
            ("expressions", self.exprs.len()),
            ("statements", self.stmts.len()),
            ("blocks", self.blocks.len()),
            ("functions", self.functions.len()),
            ("classes", self.classes.len()),
            ("imports", self.imports.len()),
            ("unparsed places", self.unparsed.len()),
        ];
        if let Some((what, _)) = sizes.iter().find(|(_, size)| *size > limits.parts) {
            return Err(IrFault::TooMany(what));
        }
        if self.names.iter().map(String::len).sum::<usize>() > limits.text {
            return Err(IrFault::TooMany("bytes of names"));
        }
        if self.functions.is_empty() {
            return Err(IrFault::Empty);
        }
        Ok(())
    }
}

struct Walk<'a> {
    module: &'a Module,
    file_len: usize,
    exprs: Vec<bool>,
    stmts: Vec<bool>,
    blocks: Vec<bool>,
    functions: Vec<bool>,
    /// How many functions deep each function is; one more for the marks of classes.
    depths: Vec<u16>,
    /// What is still to be looked at, and how deep it is.
    stack: Vec<(Node, u16)>,
}

impl Walk<'_> {
    /// Walks all that hangs below a part of function number `function`.
    fn tree(&mut self, node: Node, function: usize) -> Result<(), IrFault> {
        self.push(node, 1)?;
        while let Some((node, depth)) = self.stack.pop() {
            match node {
                Node::Expr(id) => self.expr(id, depth, function)?,
                Node::Stmt(id) => self.stmt(id, depth, function)?,
                Node::Block(id) => {
                    for &stmt in &self.module.blocks[id.0 as usize] {
                        self.push(Node::Stmt(stmt), depth)?;
                        self.inner_blocks_come_before(stmt, id)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn expr(&mut self, id: ExprId, depth: u16, function: usize) -> Result<(), IrFault> {
        let Expr { kind, span } = &self.module.exprs[id.0 as usize];
        self.span(*span)?;
        self.names_of(kind)?;
        if let ExprKind::Closure(inner) = kind {
            self.inner_function(*inner, function)?;
        }
        let mut parts = Vec::new();
        kind.parts(|part| parts.push(part));
        for part in parts {
            if part >= id {
                return Err(IrFault::Order("expressions"));
            }
            self.push(Node::Expr(part), depth + 1)?;
        }
        Ok(())
    }

    fn stmt(&mut self, id: StmtId, depth: u16, function: usize) -> Result<(), IrFault> {
        let stmt = &self.module.stmts[id.0 as usize];
        self.span(stmt.span)?;
        if let StmtKind::Assign { ty: Some(ty), .. } = stmt.kind {
            self.name(ty)?;
        }
        if let Some(inner) = stmt.kind.defines() {
            self.inner_function(inner, function)?;
        }
        let mut inner = Vec::new();
        stmt.kind.exprs(|expr| inner.push(Node::Expr(expr)));
        stmt.kind.blocks(|block| inner.push(Node::Block(block)));
        inner.into_iter().try_for_each(|node| self.push(node, depth + 1))
    }

    /// Marks a part as seen and keeps it for later.
    fn push(&mut self, node: Node, depth: u16) -> Result<(), IrFault> {
        let (seen, what) = match node {
            Node::Expr(id) => (self.exprs.get_mut(id.0 as usize), "expressions"),
            Node::Stmt(id) => (self.stmts.get_mut(id.0 as usize), "statements"),
            Node::Block(id) => (self.blocks.get_mut(id.0 as usize), "blocks"),
        };
        let seen = seen.ok_or(IrFault::OutOfRange(what))?;
        if std::mem::replace(seen, true) {
            return Err(IrFault::Shared(what));
        }
        if depth > MAX_NESTING {
            return Err(IrFault::Deep);
        }
        self.stack.push((node, depth));
        Ok(())
    }

    fn inner_blocks_come_before(&self, stmt: StmtId, outer: BlockId) -> Result<(), IrFault> {
        let mut ordered = true;
        let stmt = &self.module.stmts[stmt.0 as usize];
        stmt.kind.blocks(|inner| ordered &= inner < outer);
        if ordered { Ok(()) } else { Err(IrFault::Order("blocks")) }
    }

    /// A function within a function comes before it, and has one place.
    fn inner_function(&mut self, inner: FunctionId, outer: usize) -> Result<(), IrFault> {
        let index = inner.0 as usize;
        let seen = self.functions.get_mut(index).ok_or(IrFault::OutOfRange("functions"))?;
        if std::mem::replace(seen, true) {
            return Err(IrFault::Shared("functions"));
        }
        if index >= outer {
            return Err(IrFault::Order("functions"));
        }
        let depth = self.depths[index] + 1;
        if depth > MAX_CLOSURES {
            return Err(IrFault::Deep);
        }
        self.depths[outer] = self.depths[outer].max(depth);
        Ok(())
    }

    fn names_of(&self, kind: &ExprKind) -> Result<(), IrFault> {
        match kind {
            ExprKind::Str(name) | ExprKind::Name(name) | ExprKind::Attr { name, .. } => self.name(*name),
            ExprKind::Call { args, .. } => args
                .iter()
                .filter_map(|arg| arg.name)
                .try_for_each(|name| self.name(name)),
            ExprKind::Element { tag, attributes, .. } => {
                self.name(*tag)?;
                attributes.iter().try_for_each(|&(name, _)| self.name(name))
            }
            _ => Ok(()),
        }
    }

    fn name(&self, id: NameId) -> Result<(), IrFault> {
        if (id.0 as usize) < self.module.names.len() {
            Ok(())
        } else {
            Err(IrFault::OutOfRange("names"))
        }
    }

    fn span(&self, span: Span) -> Result<(), IrFault> {
        if span.start <= span.end && span.end as usize <= self.file_len {
            Ok(())
        } else {
            Err(IrFault::Span)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Builder, Function, Param, Stmt};
    use super::*;

    fn function(build: &mut Builder, body: BlockId) -> Function {
        Function {
            name: build.name(""),
            class: None,
            params: Vec::new(),
            marks: Vec::new(),
            body,
            span: Span::default(),
        }
    }

    /// `a = (1, 2)` at the top level.
    fn sound() -> Module {
        let mut build = Builder::new();
        let at = Span { start: 0, end: 4 };
        let parts = vec![build.expr(ExprKind::Int(1), at), build.expr(ExprKind::Int(2), at)];
        let value = build.expr(ExprKind::List(parts), at);
        let target = build.name_expr("a", at);
        let assign = StmtKind::Assign {
            target,
            value,
            append: false,
            ty: None,
        };
        let assign = build.stmt(assign, at);
        let body = build.block(vec![assign]);
        let top = function(&mut build, body);
        build.finish(top)
    }

    fn check(module: &Module) -> Result<(), IrFault> {
        module.check(10, Limits::default())
    }

    #[test]
    fn what_a_builder_makes_passes() {
        assert_eq!(check(&sound()), Ok(()));
    }

    #[test]
    fn a_module_without_functions_is_refused() {
        assert_eq!(check(&Module::default()), Err(IrFault::Empty));
    }

    #[test]
    fn an_expression_in_two_places_is_refused() {
        let mut module = sound();
        module.exprs[2].kind = ExprKind::List(vec![ExprId(0), ExprId(0)]);
        assert_eq!(check(&module), Err(IrFault::Shared("expressions")));
    }

    #[test]
    fn an_expression_within_itself_is_refused() {
        let mut module = sound();
        module.exprs[2].kind = ExprKind::Of(vec![ExprId(2)]);
        assert_eq!(check(&module), Err(IrFault::Order("expressions")));
    }

    #[test]
    fn a_block_within_itself_is_refused() {
        let mut module = sound();
        module.stmts[0].kind = StmtKind::Block(BlockId(0));
        assert!(check(&module).is_err());
    }

    #[test]
    fn an_id_that_stands_for_nothing_is_refused_wherever_it_is() {
        let spoil: [fn(&mut Module); 7] = [
            |module| module.exprs[2].kind = ExprKind::Of(vec![ExprId(99)]),
            |module| module.exprs[0].kind = ExprKind::Str(NameId(99)),
            |module| module.blocks[0] = vec![StmtId(99)],
            |module| module.stmts[0].kind = StmtKind::Define(FunctionId(99)),
            |module| module.functions[0].body = BlockId(99),
            |module| module.functions[0].name = NameId(99),
            |module| {
                module.functions[0].params.push(Param {
                    name: NameId(0),
                    position: 0,
                    ty: Some(NameId(99)),
                    marks: Vec::new(),
                    default: None,
                    rest: false,
                });
            },
        ];
        for (number, spoil) in spoil.into_iter().enumerate() {
            let mut module = sound();
            spoil(&mut module);
            let fault = check(&module);
            assert!(
                matches!(fault, Err(IrFault::OutOfRange(_) | IrFault::Order(_))),
                "{number}: {fault:?}"
            );
        }
    }

    #[test]
    fn a_function_that_is_defined_within_itself_is_refused() {
        let mut module = sound();
        module.stmts[0].kind = StmtKind::Define(FunctionId(0));
        assert_eq!(check(&module), Err(IrFault::Order("functions")));
    }

    #[test]
    fn a_function_with_two_places_is_refused() {
        let mut build = Builder::new();
        let inner = build.block(Vec::new());
        let inner = function(&mut build, inner);
        let inner = build.function(inner);
        let twice = [inner, inner].map(|inner| build.stmt(StmtKind::Define(inner), Span::default()));
        let body = build.block(twice.to_vec());
        let top = function(&mut build, body);
        assert_eq!(check(&build.finish(top)), Err(IrFault::Shared("functions")));
    }

    /// An expression in `levels` others.
    fn nested(levels: u16) -> Module {
        let mut build = Builder::new();
        let mut expr = build.expr(ExprKind::Null, Span::default());
        for _ in 0..levels {
            expr = build.expr(ExprKind::Not(expr), Span::default());
        }
        let stmt = build.stmt(StmtKind::Expr(expr), Span::default());
        let body = build.block(vec![stmt]);
        let top = function(&mut build, body);
        build.finish(top)
    }

    #[test]
    fn nesting_is_allowed_up_to_the_limit_and_no_deeper() {
        // The block and the statement are levels, too.
        assert_eq!(check(&nested(MAX_NESTING - 2)), Ok(()));
        assert_eq!(check(&nested(MAX_NESTING - 1)), Err(IrFault::Deep));
    }

    #[test]
    fn functions_within_functions_are_allowed_up_to_the_limit() {
        let nested = |levels: u16| {
            let mut build = Builder::new();
            let mut body = build.block(Vec::new());
            for _ in 0..levels {
                let inner = function(&mut build, body);
                let inner = build.function(inner);
                let define = build.stmt(StmtKind::Define(inner), Span::default());
                body = build.block(vec![define]);
            }
            let top = function(&mut build, body);
            build.finish(top)
        };
        assert_eq!(check(&nested(MAX_CLOSURES)), Ok(()));
        assert_eq!(check(&nested(MAX_CLOSURES + 1)), Err(IrFault::Deep));
    }

    #[test]
    fn a_span_past_the_end_of_the_file_or_backwards_is_refused() {
        let mut module = sound();
        module.exprs[0].span = Span { start: 0, end: 11 };
        assert_eq!(check(&module), Err(IrFault::Span));
        module.exprs[0].span = Span { start: 3, end: 2 };
        assert_eq!(check(&module), Err(IrFault::Span));
    }

    #[test]
    fn more_parts_than_the_limit_are_refused_before_any_is_looked_at() {
        let limits = Limits { parts: 3, text: 100 };
        assert_eq!(sound().check(10, limits), Err(IrFault::TooMany("expressions")));
        let limits = Limits { parts: 100, text: 0 };
        assert_eq!(sound().check(10, limits), Err(IrFault::TooMany("bytes of names")));
    }

    #[test]
    fn a_statement_that_no_block_holds_is_no_fault() {
        let mut module = sound();
        module.stmts.push(Stmt {
            kind: StmtKind::Break,
            span: Span::default(),
        });
        assert_eq!(check(&module), Ok(()));
    }
}

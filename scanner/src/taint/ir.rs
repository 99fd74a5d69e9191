//! The one form that every language is lowered to: functions of structured statements over a flat row of expressions.
//!
//! ```text
//! Module ── functions ── body: BlockId ─▶ blocks ─▶ StmtId ─▶ stmts ─▶ ExprId ─▶ exprs
//!        ── classes, imports                                   └─▶ BlockId (inner)
//! ```
//!
//! A module is what a parser says of a file, and a parser is not believed: it may have been taken over by the file.
//! [`Module::check`] is what makes it safe to walk.
//!
//! Always true of a checked module:
//! - every id is in range, and what an expression or statement contains comes before it: a walk ends;
//! - nesting is at most [`MAX_NESTING`] deep, so a recursive walk does not exhaust the stack;
//! - every span lies within the file.

use serde::{Deserialize, Serialize};

mod build;
mod check;
#[cfg(test)]
mod dump;
mod walk;

pub use self::build::Builder;
pub use self::check::{IrFault, Limits};

/// Blocks within blocks, and expressions within expressions, at most.
pub const MAX_NESTING: u16 = 200;
/// Functions within functions, at most.
pub const MAX_CLOSURES: u16 = 24;

/// A parameter at this position and `n` takes all arguments from `n` on, those that others take, too: `"$@"`.
pub const ALL_FROM: u16 = 0x8000;

/// A position in [`Module::exprs`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ExprId(pub u32);

/// A position in [`Module::stmts`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct StmtId(pub u32);

/// A position in [`Module::blocks`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BlockId(pub u32);

/// A position in [`Module::functions`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FunctionId(pub u32);

/// A position in [`Module::names`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct NameId(pub u32);

/// Bytes of the file, from `start` up to `end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Span {
    /// The first byte.
    pub start: u32,
    /// One past the last.
    pub end: u32,
}

/// A file.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Module {
    /// Every name and every literal's text, once.
    pub names: Vec<String>,
    /// All expressions, parts before wholes.
    pub exprs: Vec<Expr>,
    /// All statements, inner before outer.
    pub stmts: Vec<Stmt>,
    /// All blocks.
    pub blocks: Vec<Vec<StmtId>>,
    /// All functions; the file's own top level is the last.
    pub functions: Vec<Function>,
    /// All classes.
    pub classes: Vec<Class>,
    /// What the file brings in under a name.
    pub imports: Vec<Import>,
    /// Bytes that the grammar could not place: what they do is not known.
    pub unparsed: Vec<Span>,
}

/// `local` stands for `path` in this file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Import {
    /// The name in this file; an empty one brings all names of `path` in.
    pub local: NameId,
    /// What it stands for, dotted: `subprocess.run`, `./db.connect`, `net/http`.
    pub path: NameId,
}

/// A class, structure or trait.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Class {
    /// Its name.
    pub name: NameId,
    /// What it extends or implements, as written.
    pub bases: Vec<NameId>,
    /// Its methods.
    pub methods: Vec<FunctionId>,
    /// Annotations or decorators.
    pub marks: Vec<ExprId>,
    /// The whole of it.
    pub span: Span,
}

/// A function, method, closure, or the top level of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Function {
    /// Its name; empty for a closure and for the top level.
    pub name: NameId,
    /// The class it is a method of, by its name.
    pub class: Option<NameId>,
    /// What it takes, in order; the receiver (`self`, `this`) only where the language writes it.
    pub params: Vec<Param>,
    /// Annotations or decorators.
    pub marks: Vec<ExprId>,
    /// What it does.
    pub body: BlockId,
    /// The whole of it.
    pub span: Span,
}

/// A parameter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Param {
    /// Its name; of a pattern, each name is a parameter of its own with the same `position`.
    pub name: NameId,
    /// Which argument it takes, from 0.
    pub position: u16,
    /// Its type as written, without type arguments: `*http.Request`, `String`.
    pub ty: Option<NameId>,
    /// Annotations: `@RequestParam`.
    pub marks: Vec<ExprId>,
    /// What it is if nothing is given.
    pub default: Option<ExprId>,
    /// Whether it takes all further arguments.
    pub rest: bool,
}

/// An expression and where it stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Where it stands.
    pub span: Span,
}

/// What an expression is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum ExprKind {
    /// A text literal, unescaped.
    Str(NameId),
    /// A number that fits; others are [`ExprKind::Unknown`].
    Int(i64),
    /// `true`, `false`.
    Bool(bool),
    /// `None`, `null`, `nil`, `undefined`.
    Null,
    /// A name: variable, function, class, module.
    Name(NameId),
    /// `object.name`, `object->name`, `Object::name`.
    Attr {
        /// Of what.
        object: ExprId,
        /// Which.
        name: NameId,
    },
    /// `object[key]`.
    Index {
        /// Of what.
        object: ExprId,
        /// Which.
        key: ExprId,
    },
    /// A call, or `new`.
    Call {
        /// What is called.
        callee: ExprId,
        /// With what.
        args: Vec<Arg>,
        /// Whether an object is made.
        new: bool,
    },
    /// Texts put together: `+` of texts, format strings, templates; parts in order.
    Concat(Vec<ExprId>),
    /// Any other operator with two sides.
    Binary {
        /// Which.
        op: BinaryOp,
        /// Left side.
        left: ExprId,
        /// Right side.
        right: ExprId,
    },
    /// `not x`, `!x`.
    Not(ExprId),
    /// One of two values by a condition.
    Choice {
        /// By this; `None` for `a or b`, `a ?? b`, where the first decides.
        condition: Option<ExprId>,
        /// If it holds.
        then: ExprId,
        /// If not.
        otherwise: ExprId,
    },
    /// A list, tuple, set or array literal.
    List(Vec<ExprId>),
    /// A map or object literal; a key of `None` spreads the value.
    Map(Vec<(Option<ExprId>, ExprId)>),
    /// A function as a value.
    Closure(FunctionId),
    /// A value that is assigned within an expression.
    Assign {
        /// What gets it.
        target: ExprId,
        /// The value.
        value: ExprId,
    },
    /// What has no form of its own here (`await x`, casts, `*x`, comprehensions, …): the value of its parts, together.
    Of(Vec<ExprId>),
    /// Several after one another: the value of the last.
    Last(Vec<ExprId>),
    /// A tag with attributes and children, as JSX writes it.
    Element {
        /// The tag.
        tag: NameId,
        /// Its attributes.
        attributes: Vec<(NameId, ExprId)>,
        /// What is in it.
        children: Vec<ExprId>,
    },
    /// What was not understood.
    Unknown,
}

/// What a call gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arg {
    /// The parameter it is for, if it is named.
    pub name: Option<NameId>,
    /// The value.
    pub value: ExprId,
    /// Whether it is spread over several parameters.
    pub spread: bool,
}

/// An operator whose result is a number or a truth, or not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum BinaryOp {
    /// Equal.
    Eq,
    /// Not equal.
    Ne,
    /// Less than.
    Lt,
    /// At most.
    Le,
    /// Greater than.
    Gt,
    /// At least.
    Ge,
    /// The left is in the right.
    In,
    /// The left is not in the right.
    NotIn,
    /// Both.
    And,
    /// Either.
    Or,
    /// Sum of what may be numbers or texts.
    Add,
    /// Difference.
    Sub,
    /// Product.
    Mul,
    /// Quotient.
    Div,
    /// Remainder; in Python also formatting.
    Rem,
    /// The bits of either.
    BitOr,
    /// Other bits and shifts.
    Bits,
}

/// A statement and where it stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stmt {
    /// What it does.
    pub kind: StmtKind,
    /// Where it stands.
    pub span: Span,
}

/// What a statement does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum StmtKind {
    /// Works an expression out.
    Expr(ExprId),
    /// Gives targets a value: one, or several that share its parts.
    Assign {
        /// Names, attributes, elements; `List` and `Map` take a value apart.
        target: ExprId,
        /// The value.
        value: ExprId,
        /// Whether it is added to what is there (`+=`, `.=`).
        append: bool,
        /// The type as written, without type arguments.
        ty: Option<NameId>,
    },
    /// One of two blocks.
    If {
        /// By this.
        condition: ExprId,
        /// If it holds.
        then: BlockId,
        /// If not.
        otherwise: BlockId,
    },
    /// A block, any number of times.
    Loop {
        /// While this holds, if it is known before.
        condition: Option<ExprId>,
        /// What it does.
        body: BlockId,
    },
    /// A block for each part of a value.
    ForEach {
        /// What gets the part; `List` takes it apart.
        target: ExprId,
        /// Of what.
        iterable: ExprId,
        /// What it does.
        body: BlockId,
    },
    /// One of several blocks by a value.
    Switch {
        /// The value.
        subject: ExprId,
        /// For each case: what it is equal to (none: any), and what it does.
        cases: Vec<(Vec<ExprId>, BlockId)>,
    },
    /// A block, and what is done when it fails.
    Try {
        /// The block.
        body: BlockId,
        /// Each of what may be done.
        handlers: Vec<BlockId>,
        /// What is done in the end, whatever happened.
        finally: BlockId,
    },
    /// A block in which names hold (`with`, plain braces).
    Block(BlockId),
    /// Gives a value back.
    Return(Option<ExprId>),
    /// Ends the function by an error: `raise`, `throw`, `panic!`.
    Throw(Option<ExprId>),
    /// Leaves the innermost loop or switch.
    Break,
    /// Begins the innermost loop's next round.
    Continue,
    /// A function that is defined here under its name.
    Define(FunctionId),
}

impl Module {
    /// The expression.
    #[must_use]
    pub fn expr(&self, id: ExprId) -> &Expr {
        &self.exprs[id.0 as usize]
    }

    /// The statement.
    #[must_use]
    pub fn stmt(&self, id: StmtId) -> &Stmt {
        &self.stmts[id.0 as usize]
    }

    /// The statements of a block.
    #[must_use]
    pub fn block(&self, id: BlockId) -> &[StmtId] {
        &self.blocks[id.0 as usize]
    }

    /// The function.
    #[must_use]
    pub fn function(&self, id: FunctionId) -> &Function {
        &self.functions[id.0 as usize]
    }

    /// The text of a name.
    #[must_use]
    pub fn name(&self, id: NameId) -> &str {
        &self.names[id.0 as usize]
    }
}

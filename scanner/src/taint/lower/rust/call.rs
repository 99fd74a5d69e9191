//! Calls, and what some of Rust's own types do that a value or an assignment says better: what only passes a value on,
//! texts that grow, closures that compare.

use super::{Arg, BinaryOp, ExprId, ExprKind, Function, Node, Param, Rust, StmtKind, Walk, children, span};

/// Methods whose result is what they are called on, or in it.
const SAME: [&str; 51] = [
    "unwrap",
    "try_clone",
    "expect",
    "clone",
    "cloned",
    "copied",
    "to_string",
    "to_owned",
    "into",
    "as_str",
    "as_ref",
    "as_mut",
    "as_deref",
    "as_deref_mut",
    "as_bytes",
    "as_bytes_mut",
    "into_bytes",
    "as_slice",
    "as_mut_slice",
    "to_vec",
    "into_vec",
    "into_boxed_str",
    "into_string",
    "borrow",
    "borrow_mut",
    "deref",
    "deref_mut",
    "by_ref",
    "into_inner",
    "get_ref",
    "as_path",
    "to_path_buf",
    "into_path_buf",
    "as_os_str",
    "into_os_string",
    "to_str",
    "to_string_lossy",
    "into_owned",
    "unwrap_or_default",
    "ok",
    "err_into",
    "boxed",
    "fuse",
    "iter",
    "iter_mut",
    "into_iter",
    "collect",
    "unwrap_unchecked",
    "try_into",
    "lock",
    "peekable",
];
/// Methods whose result is what they are called on, whatever they do when there is none.
const SAME_ELSE: [&str; 11] = [
    "ok_or",
    "ok_or_else",
    "map_err",
    "context",
    "with_context",
    "wrap_err",
    "wrap_err_with",
    "inspect",
    "inspect_err",
    "or_raise",
    "change_context",
];
/// Functions that wrap a value.
const WRAPS: [&str; 31] = [
    "Some",
    "Ok",
    "Box::new",
    "Arc::new",
    "Rc::new",
    "Mutex::new",
    "RwLock::new",
    "RefCell::new",
    "Cell::new",
    "Cow::Borrowed",
    "Cow::Owned",
    "Cow::from",
    "String::from",
    "PathBuf::from",
    "Path::new",
    "OsString::from",
    "OsStr::new",
    "Vec::from",
    "Box::pin",
    "Box::from",
    "Arc::from",
    "Rc::from",
    "Pin::new",
    "Bytes::from",
    "str::to_owned",
    "Some::<_>",
    "NonZeroU32::new",
    "NonZeroUsize::new",
    "GenericArray::from_slice",
    "BufReader::new",
    "BufStream::new",
];
/// Functions that are given a closure to be made of what it gives.
const MADE_LATER: [&str; 4] = ["LazyLock::new", "Lazy::new", "LazyCell::new", "OnceLock::from"];
/// Methods that call what they are handed.
const CLOSURES: [&str; 9] = [
    "map",
    "and_then",
    "then",
    "filter_map",
    "flat_map",
    "for_each",
    "try_for_each",
    "map_ok",
    "map_while",
];
/// Parameters of a function that is handed over by its name.
const MAX_HANDED: usize = 8;

impl Rust<'_> {
    pub(super) fn call(&mut self, node: Node<'_>) -> ExprId {
        let at = span(node);
        let Some(function) = node.child_by_field_name("function") else {
            return self.source.unknown(node);
        };
        let args: Vec<Node<'_>> = node.child_by_field_name("arguments").map(children).unwrap_or_default();
        let args: Vec<Node<'_>> = args.into_iter().filter(|arg| arg.kind() != "attribute_item").collect();
        if self.source.bytes.get(function.end_byte()) == Some(&b'!') {
            return self.macro_call(node, function, &args);
        }
        let (bare, turbofish) = match function.kind() {
            "generic_function" => (
                function.child_by_field_name("function").unwrap_or(function),
                function.child_by_field_name("type_arguments"),
            ),
            _ => (function, None),
        };
        if bare.kind() == "field_expression" {
            if let Some(done) = self.method_idiom(node, bare, turbofish, &args) {
                return done;
            }
        } else if let Some(done) = self.function_idiom(node, bare, &args) {
            return done;
        }
        let method = bare.kind() == "field_expression";
        let callee = match method {
            true => self.attribute(bare),
            false => self.expr(bare),
        };
        let args = match args.as_slice() {
            [one] if method && self.takes_closure(bare) => vec![Arg {
                name: None,
                value: self.handed(*one),
                spread: false,
            }],
            _ => self.args(&args),
        };
        let new = false;
        let call = self.source.build.expr(ExprKind::Call { callee, args, new }, at);
        match method {
            true => call,
            false => self.with_types(function, call),
        }
    }

    /// A call, and the types that it was made with: each is one of `TYPE.typed`.
    fn with_types(&mut self, function: Node<'_>, call: ExprId) -> ExprId {
        let path = self.source.text(function).into_owned();
        let path = self.unaliased(&path).unwrap_or(path);
        let mut parts = Vec::new();
        for ty in Self::made_with(&path) {
            let callee = self.path(&format!("{ty}::typed"), function);
            parts.push(self.source.build.call(callee, &[], span(function)));
        }
        if parts.is_empty() {
            return call;
        }
        parts.push(call);
        self.source.build.expr(ExprKind::Last(parts), span(function))
    }

    pub(super) fn args(&mut self, nodes: &[Node<'_>]) -> Vec<Arg> {
        let mut args = Vec::new();
        for node in nodes {
            args.push(Arg {
                name: None,
                value: self.expr(*node),
                spread: false,
            });
        }
        args
    }

    fn takes_closure(&self, function: Node<'_>) -> bool {
        let name = function.child_by_field_name("field");
        name.is_some_and(|name| CLOSURES.contains(&&*self.source.text(name)))
    }

    /// What a method is handed: a function of the file by its name is a closure that calls it.
    fn handed(&mut self, node: Node<'_>) -> ExprId {
        let name = self.source.text(node).into_owned();
        let path = name.rsplit("::").next().unwrap_or(&name);
        let named = matches!(node.kind(), "identifier" | "scoped_identifier");
        let count = self
            .types
            .functions
            .get(path)
            .copied()
            .filter(|count| named && *count <= MAX_HANDED);
        let Some(count) = count.filter(|count| *count > 0) else {
            return self.expr(node);
        };
        let at = span(node);
        let names: Vec<String> = (0..count).map(|at| format!("@{at}")).collect();
        let given: Vec<ExprId> = names.iter().map(|name| self.source.build.name_expr(name, at)).collect();
        let callee = self.expr(node);
        let value = self.source.build.call(callee, &given, at);
        let back = self.source.build.stmt(StmtKind::Return(Some(value)), at);
        let body = self.source.build.block(vec![back]);
        let params = names.iter().enumerate().map(|(position, name)| Param {
            name: self.source.build.name(name),
            position: u16::try_from(position).unwrap_or(u16::MAX),
            ty: None,
            marks: Vec::new(),
            default: None,
            rest: false,
        });
        let params = params.collect();
        let name = self.source.build.name("");
        let function = self.source.build.function(Function {
            name,
            class: None,
            params,
            marks: Vec::new(),
            body,
            span: at,
        });
        self.source.build.expr(ExprKind::Closure(function), at)
    }

    fn function_idiom(&mut self, node: Node<'_>, function: Node<'_>, args: &[Node<'_>]) -> Option<ExprId> {
        let path = self.source.text(function).into_owned();
        let last_two = ends_of(&path);
        if last_two == "Command::new" || self.types.runs(&path) {
            return self.command(node);
        }
        if let Some(done) = self.unsafe_idiom(node, last_two, args) {
            return Some(done);
        }
        let [one] = args else { return None };
        if MADE_LATER.contains(&last_two) && one.kind() == "closure_expression" {
            return one.child_by_field_name("body").map(|body| self.expr(body));
        }
        if path == "Err" {
            // An error is no value, whatever is in it.
            let inside = self.expr(*one);
            let nothing = self.source.build.expr(ExprKind::Null, span(node));
            return Some(
                self.source
                    .build
                    .expr(ExprKind::Last(vec![inside, nothing]), span(node)),
            );
        }
        if !WRAPS.contains(&last_two) {
            return None;
        }
        let inside = self.expr(*one);
        let empty = match self.source.build.kind(inside) {
            ExprKind::Int(0) => true,
            ExprKind::Str(text) => self.source.build.text(*text).is_empty(),
            _ => false,
        };
        if empty && matches!(last_two, "Some" | "Ok") {
            // That it is there is true, though it is empty.
            let unknown = self.source.unknown(node);
            return Some(self.source.build.expr(ExprKind::Of(vec![inside, unknown]), span(node)));
        }
        Some(inside)
    }

    fn method_idiom(
        &mut self,
        node: Node<'_>,
        function: Node<'_>,
        turbofish: Option<Node<'_>>,
        args: &[Node<'_>],
    ) -> Option<ExprId> {
        let at = span(node);
        let receiver = function.child_by_field_name("value")?;
        let method = self.source.text(function.child_by_field_name("field")?).into_owned();
        if args.is_empty() {
            return self.bare_method(node, function, turbofish, (receiver, &method));
        }
        match (&*method, args) {
            (method, [_]) if SAME.contains(&method) => Some(self.expr(receiver)),
            (method, [other]) if SAME_ELSE.contains(&method) => {
                let other = self.expr(*other);
                let value = self.expr(receiver);
                Some(self.source.build.expr(ExprKind::Last(vec![other, value]), at))
            }
            ("eq" | "eq_ignore_ascii_case" | "ne", [other]) => {
                let op = if method == "ne" { BinaryOp::Ne } else { BinaryOp::Eq };
                let (left, right) = (self.expr(receiver), self.expr(*other));
                Some(self.source.build.expr(ExprKind::Binary { op, left, right }, at))
            }
            ("filter", [closure]) if closure.kind() == "closure_expression" => self.filtered(node, receiver, *closure),
            ("then_some" | "then", [value]) => self.given_if(node, receiver, *value),
            ("fill_bytes" | "try_fill_bytes", [filled]) if filled.kind() == "reference_expression" => {
                let callee = self.attribute(function);
                let value = self.source.build.call(callee, &[], at);
                let target = self.expr(*filled);
                Some(self.source.build.expr(ExprKind::Assign { target, value }, at))
            }
            (method, _) if self.is_reached_unweighed(method, receiver, args) => {
                let value = self.expr(receiver);
                Some(self.granted("unweighed", value, node))
            }
            ("push_str", [text]) => self.grown(receiver, *text, node),
            // What is made new, or not at all, is nobody else's.
            ("join", [_]) if self.source.text(receiver).ends_with("temp_dir()") && self.makes_new(node) => {
                Some(self.source.unknown(node))
            }
            ("any" | "all" | "find" | "position" | "contains_key" | "is_some_and" | "is_none_or", [closure])
                if closure.kind() == "closure_expression" =>
            {
                self.asked(node, function, receiver, *closure)
            }
            ("arg" | "args" | "arg0", [_]) => self
                .command(node)
                .or_else(|| self.more_of_command(node, receiver, args)),
            _ => None,
        }
    }

    /// A method that is given nothing.
    fn bare_method(
        &mut self,
        node: Node<'_>,
        function: Node<'_>,
        turbofish: Option<Node<'_>>,
        (receiver, method): (Node<'_>, &str),
    ) -> Option<ExprId> {
        let at = span(node);
        match method {
            method if SAME.contains(&method) => Some(self.expr(receiver)),
            "parse" => self.parsed(node, receiver, turbofish),
            "is_ok" | "is_err" if self.is_call(receiver) => {
                let value = self.expr(receiver);
                Some(match method {
                    "is_err" => self.source.build.expr(ExprKind::Not(value), at),
                    _ => value,
                })
            }
            "assume_init" if self.is_unwritten(receiver) => {
                let value = self.expr(receiver);
                Some(self.call_of("as", "uninit", &[value], node))
            }
            method if self.is_reached_unweighed(method, receiver, &[]) => {
                let value = self.expr(receiver);
                Some(self.granted("unweighed", value, node))
            }
            "send" | "call" => self.fetched(node, function, receiver),
            "concat" => {
                let list = bare_list(receiver).map(|list| self.values(list));
                let parts = list.unwrap_or_else(|| vec![self.expr(receiver)]);
                Some(self.source.build.expr(ExprKind::Concat(parts), at))
            }
            _ => None,
        }
    }

    /// `x.parse::<T>()`: a number, or the same text by another name.
    fn parsed(&mut self, node: Node<'_>, receiver: Node<'_>, turbofish: Option<Node<'_>>) -> Option<ExprId> {
        let types = turbofish.map(children).unwrap_or_default();
        let ty = types.first().copied()?;
        let value = self.expr(receiver);
        if self.is_number(ty) {
            return Some(self.as_number(value, node));
        }
        matches!(&*self.type_text(ty), "String" | "PathBuf" | "OsString").then_some(value)
    }

    /// `client.get(url).header(…).send()`: the address, said as a call of `fetch.url`.
    fn fetched(&mut self, node: Node<'_>, function: Node<'_>, receiver: Node<'_>) -> Option<ExprId> {
        let mut at = receiver;
        for _ in 0..12 {
            let inner = at
                .child_by_field_name("function")
                .filter(|_| at.kind() == "call_expression")?;
            let name = inner
                .child_by_field_name("field")
                .map(|field| self.source.text(field).into_owned());
            let args = at.child_by_field_name("arguments").map(children).unwrap_or_default();
            let url = match (name.as_deref(), args.as_slice()) {
                (Some("get" | "post" | "put" | "head" | "delete" | "patch"), [url]) => Some(*url),
                (Some("request"), [_, url]) => Some(*url),
                _ => None,
            };
            if let Some(url) = url {
                let url = self.expr(url);
                let said = self.call_of("fetch", "url", &[url], node);
                let callee = self.attribute(function);
                let call = self.source.build.call(callee, &[], span(node));
                return Some(self.source.build.expr(ExprKind::Last(vec![said, call]), span(node)));
            }
            at = inner.child_by_field_name("value")?;
        }
        None
    }

    /// Whether the function around makes files anew: `create_new(true)`.
    fn makes_new(&self, node: Node<'_>) -> bool {
        let function = super::unsound::enclosing(node);
        function.is_some_and(|function| self.source.text(function).contains("create_new("))
    }

    /// `x.filter(|given| LIST.contains(given))`: what it is if that holds.
    fn filtered(&mut self, node: Node<'_>, receiver: Node<'_>, closure: Node<'_>) -> Option<ExprId> {
        let body = closure
            .child_by_field_name("body")
            .filter(|body| body.kind() != "block")?;
        let params = children(closure.child_by_field_name("parameters")?);
        let [param] = params.as_slice() else { return None };
        let mut stmts = std::mem::take(&mut self.before);
        let value = self.expr(receiver);
        let name = super::control::temporary(node);
        stmts.append(&mut self.before);
        let target = self.source.build.name_expr(&name, span(node));
        self.assign(target, value, None, node, &mut stmts);
        self.bind(*param, &name, &mut stmts);
        self.before = stmts;
        let condition = self.condition(body);
        let then = self.source.build.name_expr(&name, span(node));
        let otherwise = self.source.build.expr(ExprKind::Null, span(node));
        let kind = ExprKind::Choice {
            condition: Some(condition),
            then,
            otherwise,
        };
        Some(self.source.build.expr(kind, span(node)))
    }

    /// `condition.then(|| value)`.
    fn given_if(&mut self, node: Node<'_>, condition: Node<'_>, value: Node<'_>) -> Option<ExprId> {
        let at = span(node);
        let inner = match value.kind() {
            "closure_expression" => value.child_by_field_name("body")?,
            _ => value,
        };
        let condition = self.expr(condition);
        let then = self.expr(inner);
        let otherwise = self.source.build.expr(ExprKind::Null, at);
        let kind = ExprKind::Choice {
            condition: Some(condition),
            then,
            otherwise,
        };
        Some(self.source.build.expr(kind, at))
    }

    fn is_call(&self, node: Node<'_>) -> bool {
        matches!(node.kind(), "call_expression" | "await_expression")
    }

    /// `text.push_str(x)`: the text with `x` behind it.
    fn grown(&mut self, receiver: Node<'_>, text: Node<'_>, node: Node<'_>) -> Option<ExprId> {
        let place = match receiver.kind() {
            "reference_expression" | "unary_expression" | "parenthesized_expression" => *children(receiver).last()?,
            _ => receiver,
        };
        if !matches!(place.kind(), "identifier" | "field_expression") {
            return None;
        }
        let text = self.expr(text);
        Some(self.with_behind(place, text, node))
    }

    /// A variable that gets a text behind its own.
    pub(super) fn with_behind(&mut self, place: Node<'_>, text: ExprId, node: Node<'_>) -> ExprId {
        let before = self.expr(place);
        let value = self.source.build.expr(ExprKind::Concat(vec![before, text]), span(node));
        let target = match place.kind() {
            "field_expression" => self.attribute(place),
            _ => self.expr(place),
        };
        self.source.build.expr(ExprKind::Assign { target, value }, span(node))
    }

    /// A closure that is asked of each part: what it compares with is in the list; else what it says is its own text.
    fn asked(&mut self, node: Node<'_>, function: Node<'_>, receiver: Node<'_>, closure: Node<'_>) -> Option<ExprId> {
        let at = span(node);
        let name = self.source.text(function.child_by_field_name("field")?).into_owned();
        if let (Some(other), "any") = (self.compared(closure), &*name) {
            let left = self.expr(other);
            let right = self.expr(receiver);
            let op = BinaryOp::In;
            return Some(self.source.build.expr(ExprKind::Binary { op, left, right }, at));
        }
        if !matches!(&*name, "any" | "all" | "is_some_and" | "is_none_or") {
            return None;
        }
        let callee = self.attribute(function);
        let body = closure.child_by_field_name("body");
        let said = body.map(|body| self.source.text(body).into_owned()).unwrap_or_default();
        let said = self.source.build.str_expr(&said, span(closure));
        let closure = self.expr(closure);
        Some(self.source.build.call(callee, &[said, closure], at))
    }

    /// In `|a| *a == x` the `x`.
    fn compared<'t>(&self, closure: Node<'t>) -> Option<Node<'t>> {
        let body = closure.child_by_field_name("body")?;
        let param = closure.child_by_field_name("parameters")?;
        let param = self.source.text(param);
        let param = param.trim_matches(['|', '&', '(', ')', ' ']).trim_start_matches("ref ");
        let sides = match body.kind() {
            "binary_expression" => {
                let equal = body.child_by_field_name("operator").is_some_and(|op| op.kind() == "==");
                [body.child_by_field_name("left"), body.child_by_field_name("right")].map(|side| side.filter(|_| equal))
            }
            "call_expression" => {
                let function = body.child_by_field_name("function")?;
                let name = self.source.text(function.child_by_field_name("field")?);
                let same = matches!(&*name, "eq_ignore_ascii_case" | "eq");
                let given = children(body.child_by_field_name("arguments")?).first().copied();
                [function.child_by_field_name("value"), given].map(|side| side.filter(|_| same))
            }
            _ => return None,
        };
        let is_param = |side: Node<'_>| {
            let text = self.source.text(side);
            let text = text.trim_start_matches(['*', '&']);
            text == param
                || text
                    .strip_prefix(param)
                    .is_some_and(|rest| matches!(rest, ".as_str()" | ".as_ref()"))
        };
        match sides {
            [Some(left), Some(right)] if is_param(left) => Some(right),
            [Some(left), Some(right)] if is_param(right) => Some(left),
            _ => None,
        }
    }
}

/// `["a", x]`, also behind `&` and in brackets.
fn bare_list(node: Node<'_>) -> Option<Node<'_>> {
    match node.kind() {
        "array_expression" => Some(node).filter(|node| node.child_by_field_name("length").is_none()),
        "reference_expression" => bare_list(node.child_by_field_name("value")?),
        "parenthesized_expression" => bare_list(children(node).first().copied()?),
        _ => None,
    }
}

/// The last two names of a path: of `std::process::Command::new` these are `Command::new`.
pub(super) fn ends_of(path: &str) -> &str {
    let mut cuts = path.rmatch_indices("::").map(|(at, _)| at);
    match (cuts.next(), cuts.next()) {
        (Some(_), Some(second)) => &path[second + 2..],
        _ => path,
    }
}

//! Calls, and what some classes of the JDK do that an assignment, a text or a list says better: `StringBuilder`,
//! `List.of`, `Map.put`, `equals`.

use std::collections::HashMap;

use super::{Arg, BinaryOp, ExprId, ExprKind, Function, Java, Node, Walk, children, span};

/// Types of which an object is a function, with the method that calls it.
const FUNCTIONS: [(&str, &str); 14] = [
    ("Function", "apply"),
    ("BiFunction", "apply"),
    ("UnaryOperator", "apply"),
    ("BinaryOperator", "apply"),
    ("Supplier", "get"),
    ("Consumer", "accept"),
    ("BiConsumer", "accept"),
    ("Predicate", "test"),
    ("BiPredicate", "test"),
    ("Callable", "call"),
    ("Runnable", "run"),
    ("IntFunction", "apply"),
    ("ToIntFunction", "applyAsInt"),
    ("BooleanSupplier", "getAsBoolean"),
];
/// Texts that grow.
const BUILDERS: [&str; 3] = ["StringBuilder", "StringBuffer", "StringJoiner"];
/// Lists that begin empty or with another's parts.
const LISTS: [&str; 8] = [
    "ArrayList",
    "LinkedList",
    "HashSet",
    "LinkedHashSet",
    "TreeSet",
    "ArrayDeque",
    "Vector",
    "CopyOnWriteArrayList",
];
/// Maps likewise.
const MAPS: [&str; 5] = ["HashMap", "LinkedHashMap", "TreeMap", "ConcurrentHashMap", "Hashtable"];
/// Calls that fill the array which they are given.
const FILLING: [&str; 4] = ["nextBytes", "read", "readFully", "readNBytes"];

impl Java<'_> {
    pub(super) fn invocation(&mut self, node: Node<'_>) -> ExprId {
        let at = span(node);
        let name = node
            .child_by_field_name("name")
            .map(|name| self.source.text(name).into_owned());
        let name = name.unwrap_or_default();
        let object = node.child_by_field_name("object");
        let args = node.child_by_field_name("arguments").map(children).unwrap_or_default();
        if let Some(done) = self.idiom(node, object, &name, &args) {
            return done;
        }
        let callee = match object {
            Some(object) if self.is_function(object, &name) => self.expr(object),
            Some(object) => {
                let object = self.expr(object);
                let name = self.source.build.name(&name);
                self.source.build.expr(ExprKind::Attr { object, name }, at)
            }
            None => self.source.build.name_expr(&name, at),
        };
        let locale = args
            .first()
            .is_some_and(|arg| self.source.text(*arg).starts_with("Locale."));
        let from = usize::from(locale && name == "format");
        let filled = args
            .first()
            .copied()
            .filter(|arg| FILLING.contains(&&*name) && arg.kind() == "identifier");
        let args = self.args(args.into_iter().skip(from).collect());
        let call = self.source.build.expr(
            ExprKind::Call {
                callee,
                args,
                new: false,
            },
            at,
        );
        if let Some(set) = object.and_then(|object| self.set(node, object, &name)) {
            return self.source.build.expr(ExprKind::Last(vec![set, call]), at);
        }
        match filled {
            Some(array) => {
                let target = self.expr(array);
                self.source.build.expr(ExprKind::Assign { target, value: call }, at)
            }
            None => call,
        }
    }

    /// `x.setFoo(value)` and `x.setFeature(KEY, value)` are also assignments: to the part `setFoo`, and to `KEY`.
    fn set(&mut self, node: Node<'_>, object: Node<'_>, name: &str) -> Option<ExprId> {
        let at = span(node);
        let local = object.kind() == "identifier" && self.variable_type(&self.source.text(object)).is_some();
        let setter = name
            .strip_prefix("set")
            .is_some_and(|rest| rest.starts_with(char::is_uppercase));
        if !local || !setter && name != "header" {
            return None;
        }
        let args = children(node.child_by_field_name("arguments")?);
        let (key, value) = match args.as_slice() {
            [value] => (name.to_owned(), *value),
            [key, value] if matches!(key.kind(), "field_access" | "string_literal") => {
                let text = self.source.text(*key).into_owned();
                let key = match text.strip_prefix('"').and_then(|text| text.strip_suffix('"')) {
                    Some(text) => text,
                    None => text.rsplit('.').next().unwrap_or_default(),
                };
                (key.to_owned(), *value)
            }
            _ => return None,
        };
        if matches!(value.kind(), "lambda_expression" | "object_creation_expression") {
            return None;
        }
        let value = self.expr(value);
        let object = self.expr(object);
        let key = self.source.build.str_expr(&key, at);
        let target = self.source.build.expr(ExprKind::Index { object, key }, at);
        Some(self.source.build.expr(ExprKind::Assign { target, value }, at))
    }

    /// Whether `object.name(…)` calls the function that `object` is.
    fn is_function(&self, object: Node<'_>, name: &str) -> bool {
        let ty = self.variable_type(&self.source.text(object));
        ty.is_some_and(|ty| FUNCTIONS.contains(&(ty, name)))
    }

    /// What a call means that has a form of its own.
    fn idiom(&mut self, node: Node<'_>, object: Option<Node<'_>>, name: &str, args: &[Node<'_>]) -> Option<ExprId> {
        let object = object?;
        let at = span(node);
        let class = self.source.text(object).into_owned();
        let class = class.rsplit('.').next().unwrap_or_default();
        let kind = match (class, name, args) {
            (_, "equals" | "equalsIgnoreCase" | "contentEquals", [other]) => self.equal(object, *other),
            ("Objects" | "StringUtils" | "Strings", "equals" | "equalsIgnoreCase" | "equal", [one, other]) => {
                self.equal(*one, *other)
            }
            (
                "List" | "Set" | "Arrays" | "ImmutableList" | "ImmutableSet" | "Stream" | "Lists",
                "of" | "asList" | "newArrayList",
                _,
            ) => ExprKind::List(self.exprs(args.to_vec())),
            ("Map" | "ImmutableMap", "of", _) => {
                let values = self.exprs(args.to_vec());
                let pairs = values.chunks_exact(2).map(|pair| (Some(pair[0]), pair[1]));
                ExprKind::Map(pairs.collect())
            }
            ("Map", "entry", [key, value]) => ExprKind::Map(vec![(Some(self.expr(*key)), self.expr(*value))]),
            ("Paths", "get", _) => {
                let class = self.source.build.name_expr("Path", at);
                let name = self.source.build.name("of");
                let callee = self.source.build.expr(ExprKind::Attr { object: class, name }, at);
                let args = self.args(args.to_vec());
                ExprKind::Call {
                    callee,
                    args,
                    new: false,
                }
            }
            ("String", "join", [separator, rest @ ..]) => self.joined(node, *separator, rest),
            (_, "concat", [other]) => ExprKind::Concat(self.exprs(vec![object, *other])),
            (_, "append" | "insert" | "add", [_, ..]) => return self.grown(node),
            (_, "put", [key, value]) if object.kind() == "identifier" && self.is_map(class) => {
                let value = self.expr(*value);
                let (object, key) = (self.expr(object), self.expr(*key));
                let target = self.source.build.expr(ExprKind::Index { object, key }, at);
                ExprKind::Assign { target, value }
            }
            _ => return None,
        };
        Some(self.source.build.expr(kind, at))
    }

    fn is_map(&self, name: &str) -> bool {
        self.variable_type(name)
            .is_some_and(|ty| ty.ends_with("Map") || ty == "Hashtable" || ty == "var")
    }

    fn equal(&mut self, left: Node<'_>, right: Node<'_>) -> ExprKind {
        let (left, right) = (self.expr(left), self.expr(right));
        let op = BinaryOp::Eq;
        ExprKind::Binary { op, left, right }
    }

    /// `String.join(separator, parts…)`: a call of the separator's own `join`.
    fn joined(&mut self, node: Node<'_>, separator: Node<'_>, parts: &[Node<'_>]) -> ExprKind {
        let at = span(node);
        let object = self.expr(separator);
        let name = self.source.build.name("join");
        let callee = self.source.build.expr(ExprKind::Attr { object, name }, at);
        let value = match parts {
            [one] => self.expr(*one),
            _ => {
                let parts = self.exprs(parts.to_vec());
                self.source.build.expr(ExprKind::List(parts), at)
            }
        };
        let args = vec![Arg {
            name: None,
            value,
            spread: false,
        }];
        ExprKind::Call {
            callee,
            args,
            new: false,
        }
    }

    /// `text.append(a).append(b)`: the text with these behind it, which the variable then is.
    fn grown(&mut self, node: Node<'_>) -> Option<ExprId> {
        let mut parts = Vec::new();
        let mut root = node;
        while root.kind() == "method_invocation" {
            let name = root.child_by_field_name("name").map(|name| self.source.text(name))?;
            if !matches!(&*name, "append" | "insert" | "add") {
                break;
            }
            let args = root.child_by_field_name("arguments").map(children).unwrap_or_default();
            // Of `insert(0, text)` and `append(chars, from, to)` the text counts.
            let part = if &*name == "insert" { args.get(1) } else { args.first() };
            parts.push(*part?);
            root = root.child_by_field_name("object")?;
        }
        let text = self.source.text(root);
        let ty = self
            .variable_type(&text)
            .or_else(|| self.field_type(text.strip_prefix("this.").unwrap_or(&text)));
        let variable = ty.is_some_and(|ty| BUILDERS.contains(&ty));
        let made = root.kind() == "object_creation_expression"
            && BUILDERS.contains(&&*self.type_text(root.child_by_field_name("type")));
        if !variable && !made {
            return None;
        }
        parts.push(root);
        parts.reverse();
        let parts = self.exprs(parts);
        let value = self.source.build.expr(ExprKind::Concat(parts), span(node));
        if made {
            return Some(value);
        }
        let target = self.expr(root);
        Some(self.source.build.expr(ExprKind::Assign { target, value }, span(node)))
    }

    /// `new T(…)`, and `new T(…) { methods }`, whose methods are given to it as functions by their names.
    pub(super) fn creation(&mut self, node: Node<'_>) -> ExprId {
        let at = span(node);
        let ty = self.type_text(node.child_by_field_name("type"));
        let args = node.child_by_field_name("arguments").map(children).unwrap_or_default();
        let body = children(node).into_iter().find(|child| child.kind() == "class_body");
        let plain = body.is_none();
        let numbered = args.first().is_none_or(|arg| arg.kind().ends_with("integer_literal"));
        match args.as_slice() {
            _ if plain && BUILDERS.contains(&&*ty) => {
                let parts = if numbered { Vec::new() } else { self.exprs(args) };
                return match parts.as_slice() {
                    [] => self.source.build.str_expr("", at),
                    _ => self.source.build.expr(ExprKind::Concat(parts), at),
                };
            }
            _ if plain && numbered && LISTS.contains(&&*ty) => {
                return self.source.build.expr(ExprKind::List(Vec::new()), at);
            }
            _ if plain && numbered && MAPS.contains(&&*ty) => {
                return self.source.build.expr(ExprKind::Map(Vec::new()), at);
            }
            [other] if plain && (LISTS.contains(&&*ty) || MAPS.contains(&&*ty) || ty == "String") => {
                let other = self.expr(*other);
                return self.source.build.expr(ExprKind::Of(vec![other]), at);
            }
            _ => {}
        }
        let callee = self.source.build.name_expr(&ty, at);
        let mut args = self.args(args);
        if let Some(body) = body {
            self.anonymous(body, &mut args);
        }
        self.source.build.expr(
            ExprKind::Call {
                callee,
                args,
                new: true,
            },
            at,
        )
    }

    fn anonymous(&mut self, body: Node<'_>, args: &mut Vec<Arg>) {
        for member in children(body) {
            let Some(block) = member.child_by_field_name("body") else {
                continue;
            };
            if member.kind() != "method_declaration" {
                continue;
            }
            let name = self.name_field(member, "name");
            args.push(Arg {
                name: Some(name),
                value: self.closure_of(member, block),
                spread: false,
            });
        }
    }

    /// A method of an anonymous class as a function.
    fn closure_of(&mut self, method: Node<'_>, block: Node<'_>) -> ExprId {
        self.scopes.push(HashMap::new());
        let params = self.params(method.child_by_field_name("parameters"));
        let body = self.block(Some(block));
        self.scopes.pop();
        let marks = self.trivial_marks(method, block);
        let function = Function {
            name: self.source.build.name(""),
            class: self.classes.last().map(|class| class.name),
            params,
            marks,
            body,
            span: span(method),
        };
        let function = self.source.build.function(function);
        self.source.build.expr(ExprKind::Closure(function), span(method))
    }
}

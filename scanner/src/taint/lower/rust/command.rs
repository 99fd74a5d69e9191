//! Commands, which are given their arguments one by one: each is one call with all of them.

use super::call::ends_of;
use super::{Arg, ExprId, ExprKind, Node, Rust, Walk, children, span};

/// Arguments of a command that are remembered.
const MAX_ARGS: usize = 64;

impl Rust<'_> {
    /// `Command::new("sh").arg("-c").arg(x)` as one call with all that it is given.
    pub(super) fn command(&mut self, node: Node<'_>) -> Option<ExprId> {
        let (program, mut given) = self.command_parts(node)?;
        let callee = program.child_by_field_name("function")?;
        let first = program
            .child_by_field_name("arguments")
            .map(children)
            .unwrap_or_default();
        let mut nodes = first;
        given.reverse();
        let callee = self.expr(callee);
        let mut args = self.args(&nodes);
        nodes.clear();
        for (list, arg) in given {
            match list {
                false => args.extend(self.args(&[arg])),
                true => args.extend(self.spread(arg)),
            }
        }
        let new = false;
        Some(self.source.build.expr(ExprKind::Call { callee, args, new }, span(node)))
    }

    /// The call that begins a command, and what is added to it, last first: whether it is a list, and the argument.
    fn command_parts<'t>(&self, node: Node<'t>) -> Option<(Node<'t>, Vec<(bool, Node<'t>)>)> {
        let mut given = Vec::new();
        let mut at = node;
        loop {
            let function = at
                .child_by_field_name("function")
                .filter(|_| at.kind() == "call_expression")?;
            let args = at.child_by_field_name("arguments").map(children).unwrap_or_default();
            if let Some(field) = function.child_by_field_name("field") {
                match (&*self.source.text(field), args.as_slice()) {
                    ("arg", [one]) => given.push((false, *one)),
                    ("args", [one]) => given.push((true, *one)),
                    (
                        "current_dir" | "env" | "envs" | "env_clear" | "env_remove" | "stdin" | "stdout" | "stderr"
                        | "kill_on_drop" | "arg0" | "uid" | "gid" | "process_group" | "creation_flags",
                        _,
                    ) if at != node => {}
                    _ => return None,
                }
                at = function.child_by_field_name("value")?;
            } else {
                let path = self.source.text(function);
                let begins = ends_of(&path) == "Command::new" || self.types.runs(&path);
                return (begins && given.len() <= MAX_ARGS).then_some((at, given));
            }
        }
    }

    /// The arguments that a list is: one by one if it is written here.
    fn spread(&mut self, list: Node<'_>) -> Vec<Arg> {
        let inner = match list.kind() {
            "reference_expression" => list.child_by_field_name("value").unwrap_or(list),
            _ => list,
        };
        if inner.kind() == "array_expression" && inner.child_by_field_name("length").is_none() {
            return self.args(&children(inner));
        }
        vec![Arg {
            name: None,
            value: self.expr(list),
            spread: true,
        }]
    }

    /// Notes that a variable is a command, with the arguments that it begins with.
    pub(super) fn note_command(&mut self, name: Node<'_>, value: Node<'_>) {
        let name = self.source.text(name).into_owned();
        let known = self.written_args(value);
        if let Some(scope) = self.commands.last_mut() {
            match known {
                Some(args) => scope.insert(name, args),
                None => scope.remove(&name),
            };
        }
    }

    /// What a command that is made here is called, and its program and arguments as far as they are texts.
    fn written_args(&self, value: Node<'_>) -> Option<Vec<Option<String>>> {
        let (program, mut given) = self.command_parts(value)?;
        given.reverse();
        let callee = program.child_by_field_name("function")?;
        let first = program
            .child_by_field_name("arguments")
            .map(children)
            .unwrap_or_default();
        let mut args = vec![Some(self.source.text(callee).into_owned())];
        args.extend(first.into_iter().map(|arg| self.written(arg)));
        for (list, arg) in given {
            let inner = arg
                .child_by_field_name("value")
                .filter(|_| arg.kind() == "reference_expression")
                .unwrap_or(arg);
            match list && inner.kind() == "array_expression" {
                true => args.extend(children(inner).into_iter().map(|arg| self.written(arg))),
                false => args.push(self.written(arg)),
            }
        }
        Some(args)
    }

    fn written(&self, node: Node<'_>) -> Option<String> {
        matches!(node.kind(), "string_literal" | "raw_string_literal").then(|| self.string_text(node))
    }

    /// `cmd.arg(x)` of a variable: the command with what it had and this.
    pub(super) fn more_of_command(&mut self, node: Node<'_>, receiver: Node<'_>, args: &[Node<'_>]) -> Option<ExprId> {
        // `cmd.arg(a).arg(b)`: what stands before is given first.
        let mut root = receiver;
        let mut before = Vec::new();
        while root.kind() == "call_expression" {
            let function = root.child_by_field_name("function")?;
            let field = function.child_by_field_name("field")?;
            let given = root.child_by_field_name("arguments").map(children).unwrap_or_default();
            match (&*self.source.text(field), given.as_slice()) {
                ("arg" | "args", [one]) => before.push(*one),
                _ => return None,
            }
            root = function.child_by_field_name("value")?;
        }
        let name = self.source.text(root).into_owned();
        let known = self.commands.iter().rev().find_map(|scope| scope.get(&name))?.clone();
        let (path, known) = known.split_first()?;
        let callee = self.path(path.as_deref().unwrap_or_default(), node);
        let mut all = Vec::new();
        for text in known.iter().take(MAX_ARGS) {
            let value = match text {
                Some(text) => self.source.build.str_expr(text, span(node)),
                None => self.source.unknown(node),
            };
            let (name, spread) = (None, false);
            all.push(Arg { name, value, spread });
        }
        before.reverse();
        before.extend(args);
        for arg in &before {
            all.extend(self.spread_or_one(*arg));
        }
        let written: Vec<Option<String>> = before.iter().flat_map(|arg| self.texts(*arg)).collect();
        let scope = self.commands.iter_mut().rev().find(|scope| scope.contains_key(&name));
        if let Some(args) = scope
            .and_then(|scope| scope.get_mut(&name))
            .filter(|args| args.len() < MAX_ARGS)
        {
            args.extend(written);
        }
        let new = false;
        let kind = ExprKind::Call { callee, args: all, new };
        Some(self.source.build.expr(kind, span(node)))
    }

    fn spread_or_one(&mut self, arg: Node<'_>) -> Vec<Arg> {
        let inner = arg
            .child_by_field_name("value")
            .filter(|_| arg.kind() == "reference_expression")
            .unwrap_or(arg);
        match inner.kind() {
            "array_expression" => self.spread(arg),
            _ => self.args(&[arg]),
        }
    }

    fn texts(&self, arg: Node<'_>) -> Vec<Option<String>> {
        let inner = arg
            .child_by_field_name("value")
            .filter(|_| arg.kind() == "reference_expression")
            .unwrap_or(arg);
        match inner.kind() {
            "array_expression" => children(inner).into_iter().map(|arg| self.written(arg)).collect(),
            _ => vec![self.written(arg)],
        }
    }
}

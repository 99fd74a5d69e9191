//! Shell to the one form.
//!
//! A command is a call of its name. What comes to it through a pipe or a here-string is an argument named `stdin`; what a
//! function prints is what it gives back. `[ a = b ]` is a comparison, `[[ x =~ re ]]` a call of `matches`, `> file` one of `>`, and
//! `"${words[@]}"` as a command one of `words`. Variables keep their `$`.

use std::collections::BTreeSet;

use tree_sitter::{Node, Tree};

use self::list::is_compound;
use super::super::ir::{ALL_FROM, BlockId, ExprId, ExprKind, Function, Param, Span, StmtId, StmtKind};
use super::walk::Walk;
use super::{Lowered, Source, children, fields, span};

mod expr;
mod list;
mod start;

/// Words that a function puts aside by `shift`, at most, as far as that is followed.
const MAX_SHIFT: u16 = 3;
/// Functions of a file that one word chooses from.
const MAX_CHOSEN: usize = 64;
/// What a function has printed so far.
const PRINTED: &str = "stdout";

pub(super) fn lower(source: Source<'_>, tree: &Tree) -> Lowered {
    let root = tree.root_node();
    let mut shell = Shell {
        associative: associative(&source.text(root)),
        source,
        within: false,
        double: false,
        shifted: 0,
        substituted: false,
        placeholder: None,
        fetched: BTreeSet::new(),
        functions: Vec::new(),
    };
    shell.functions = children(root)
        .into_iter()
        .filter(|child| child.kind() == "function_definition")
        .filter_map(|child| Some(shell.source.text(child.child_by_field_name("name")?).into_owned()))
        .take(MAX_CHOSEN)
        .collect();
    let body = shell.block_of_all(&children(root));
    shell.source.finish(tree, body)
}

struct Shell<'s> {
    source: Source<'s>,
    /// Whether a function's body is lowered.
    within: bool,
    /// Whether a test in two brackets is.
    double: bool,
    /// How many words a function was given that it has put aside: what `$1` was then is no more.
    shifted: u16,
    /// Whether what is lowered is put into something, or tested.
    substituted: bool,
    /// What `xargs` replaces by a name.
    placeholder: Option<String>,
    /// Files that were fetched, and compared with nothing since.
    fetched: BTreeSet<String>,
    /// The functions of the file.
    functions: Vec<String>,
    /// Arrays whose keys are texts.
    associative: BTreeSet<String>,
}

impl<'s> Walk<'s> for Shell<'s> {
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

impl Shell<'_> {
    fn block_of_all(&mut self, nodes: &[Node<'_>]) -> BlockId {
        let mut stmts = Vec::new();
        for node in nodes {
            self.stmt(*node, &mut stmts);
        }
        self.source.build.block(stmts)
    }

    fn give(&mut self, target: ExprId, value: ExprId, append: bool, node: Node<'_>, out: &mut Vec<StmtId>) {
        let ty = None;
        self.put(target, value, (append, ty), node, out);
    }

    fn stmt_within(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) {
        match node.kind() {
            "variable_assignment" => self.assignment(node, out),
            "variable_assignments" => {
                children(node).into_iter().for_each(|child| self.assignment(child, out));
            }
            "declaration_command" => {
                for child in children(node) {
                    if child.kind() == "variable_assignment" {
                        self.assignment(child, out);
                    }
                }
            }
            "function_definition" => self.function(node, out),
            "compound_statement" | "subshell" | "do_group" => {
                let block = self.block_of_all(&children(node));
                self.push(StmtKind::Block(block), node, out);
            }
            "if_statement" => self.if_stmt(node, out),
            "list" => self.list_stmt(node, out),
            "pipeline" if children(node).iter().any(|part| is_compound(*part)) => self.piped(node, out),
            "while_statement" => {
                let condition = fields(node, "condition")
                    .first()
                    .map(|condition| self.condition(*condition, out));
                let body = node.child_by_field_name("body").map(children).unwrap_or_default();
                let body = self.block_of_all(&body);
                self.push(StmtKind::Loop { condition, body }, node, out);
            }
            "for_statement" => self.for_stmt(node, out),
            "c_style_for_statement" => {
                let body = node.child_by_field_name("body").map(children).unwrap_or_default();
                let body = self.block_of_all(&body);
                let condition = None;
                self.push(StmtKind::Loop { condition, body }, node, out);
            }
            "case_statement" => self.case_stmt(node, out),
            "redirected_statement" => self.redirected(node, out),
            "command" => self.command_stmt(node, out),
            "comment" | "heredoc_body" => {}
            "ERROR" => {
                for child in children(node) {
                    self.stmt(child, out);
                }
            }
            _ => self.printed(node, true, out),
        }
    }

    fn command_stmt(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) {
        match self.command_word(node).as_deref() {
            Some("return") if self.returns_failure(node) => self.push(StmtKind::Throw(None), node, out),
            Some("return") => {
                let printed = self.source.build.name_expr(PRINTED, span(node));
                self.push(StmtKind::Return(Some(printed)), node, out);
            }
            Some("break") => self.push(StmtKind::Break, node, out),
            Some("continue") => self.push(StmtKind::Continue, node, out),
            Some("read") => self.read(node, out),
            Some("mapfile" | "readarray" | "getopts" | "printf") => self.filled(node, out),
            _ => self.printed(node, true, out),
        }
    }

    /// A command as a statement; what it prints is added to what its function gives back.
    fn printed(&mut self, node: Node<'_>, prints: bool, out: &mut Vec<StmtId>) {
        let value = self.expr(node);
        self.printed_value(value, node, prints, out);
    }

    fn printed_value(&mut self, value: ExprId, node: Node<'_>, prints: bool, out: &mut Vec<StmtId>) {
        if self.within && prints {
            let target = self.source.build.name_expr(PRINTED, span(node));
            return self.give(target, value, true, node, out);
        }
        self.push(StmtKind::Expr(value), node, out);
    }

    fn assignment(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) {
        let Some(name) = node.child_by_field_name("name") else {
            return;
        };
        let at = span(name);
        let target = match name.kind() {
            "subscript" => self.expr(name),
            _ => self.variable(&self.source.text(name), at),
        };
        let value = match node.child_by_field_name("value") {
            Some(value) => self.expr(value),
            None => self.source.build.str_expr("", span(node)),
        };
        let mut cursor = node.walk();
        let append = node.children(&mut cursor).any(|child| child.kind() == "+=");
        let written = node.child_by_field_name("value");
        let plain = |value: &Node<'_>| {
            matches!(value.kind(), "word" | "string" | "raw_string") && !self.source.text(*value).contains(['$', '`'])
        };
        let written = written.filter(|value| plain(value) && start::is_password(&self.source.text(name)));
        if let Some(written) = written {
            let given = self.expr(written);
            let said = self.call_of("credential", &[given], span(node));
            self.push(StmtKind::Expr(said), node, out);
        }
        self.give(target, value, append, node, out);
    }

    fn function(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) {
        let at = span(node);
        let name = node
            .child_by_field_name("name")
            .map(|name| self.source.text(name).into_owned())
            .unwrap_or_default();
        let mut params = Vec::new();
        for position in 0..9_u16 {
            params.push(self.param(&format!("${}", position + 1), position, false));
        }
        for shifted in 0..=MAX_SHIFT {
            params.push(self.param(&rest_name(shifted), ALL_FROM + shifted, true));
        }
        let shifted = std::mem::take(&mut self.shifted);
        let outer = std::mem::replace(&mut self.within, true);
        let fetched = std::mem::take(&mut self.fetched);
        let mut stmts = Vec::new();
        let target = self.source.build.name_expr(PRINTED, at);
        let nothing = self.source.build.str_expr("", at);
        self.give(target, nothing, false, node, &mut stmts);
        for child in node.child_by_field_name("body").map(children).unwrap_or_default() {
            self.stmt(child, &mut stmts);
            if self.command_word(child).as_deref() == Some("shift") && self.shifted < MAX_SHIFT {
                self.shifted += 1;
            }
        }
        let printed = self.source.build.name_expr(PRINTED, at);
        self.push(StmtKind::Return(Some(printed)), node, &mut stmts);
        self.within = outer;
        self.shifted = shifted;
        self.fetched = fetched;
        let function = Function {
            name: self.source.build.name(&name),
            class: None,
            params,
            marks: Vec::new(),
            body: self.source.build.block(stmts),
            span: at,
        };
        let function = self.source.build.function(function);
        self.push(StmtKind::Define(function), node, out);
    }

    fn param(&mut self, name: &str, position: u16, rest: bool) -> Param {
        Param {
            name: self.source.build.name(name),
            position,
            ty: None,
            marks: Vec::new(),
            default: None,
            rest,
        }
    }

    /// The parts between `if`, `then`, `elif` and `else`.
    fn if_stmt(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) {
        let (condition, then, rest) = parted(node);
        let condition = self.any_condition(&condition, node, out);
        let then = self.block_of_all(&then);
        let mut otherwise = self.source.build.block(Vec::new());
        for clause in rest.into_iter().rev() {
            otherwise = if clause.kind() == "elif_clause" {
                let (condition, then, _) = parted(clause);
                let mut before = Vec::new();
                let condition = self.any_condition(&condition, clause, &mut before);
                let then = self.block_of_all(&then);
                let kind = StmtKind::If {
                    condition,
                    then,
                    otherwise,
                };
                self.push(kind, clause, &mut before);
                self.source.build.block(before)
            } else {
                self.block_of_all(&children(clause))
            };
        }
        self.branch((condition, then, otherwise), node, out);
    }

    fn any_condition(&mut self, nodes: &[Node<'_>], whole: Node<'_>, out: &mut Vec<StmtId>) -> ExprId {
        match nodes.split_last() {
            Some((last, before)) => {
                before.iter().for_each(|node| self.stmt(*node, out));
                self.condition(*last, out)
            }
            None => self.source.unknown(whole),
        }
    }

    fn condition(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) -> ExprId {
        if self.command_word(node).as_deref() == Some("read") {
            self.read(node, out);
            return self.source.unknown(node);
        }
        self.expr(node)
    }

    fn for_stmt(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) {
        let name = node.child_by_field_name("variable");
        let target = match name {
            Some(name) => self.variable(&self.source.text(name), span(name)),
            None => self.source.unknown(node),
        };
        let values = fields(node, "value");
        let globbed = values.iter().any(|value| self.is_glob(*value));
        let iterable = match values.as_slice() {
            _ if globbed => {
                let parts = self.exprs(values);
                self.call_of("glob", &parts, span(node))
            }
            [one] => self.expr(*one),
            _ => {
                let parts = values.into_iter().map(|value| self.expr(value)).collect();
                self.source.build.expr(ExprKind::List(parts), span(node))
            }
        };
        let body = node.child_by_field_name("body").map(children).unwrap_or_default();
        let body = self.block_of_all(&body);
        self.push(StmtKind::ForEach { target, iterable, body }, node, out);
    }

    fn case_stmt(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) {
        let value = node.child_by_field_name("value");
        let subject = match value {
            Some(value) => self.expr(value),
            None => self.source.unknown(node),
        };
        if let Some(value) = value
            && self.case_of_letters(node, value, out)
        {
            return;
        }
        let mut cases = Vec::new();
        for item in children(node).into_iter().filter(|item| item.kind() == "case_item") {
            let patterns = fields(item, "value");
            let texts: Vec<String> = patterns
                .iter()
                .map(|pattern| self.source.text(*pattern).into_owned())
                .collect();
            let any = texts.iter().any(|text| text == "*");
            let mut labels = Vec::new();
            for (pattern, text) in patterns.iter().zip(&texts).filter(|_| !any) {
                let plain = text.trim_matches(['"', '\'']);
                let constant = !plain.contains(['*', '?', '[', '$', '`', '(']);
                labels.push(match constant {
                    true => self.source.build.str_expr(plain, span(*pattern)),
                    false => self.source.unknown(*pattern),
                });
            }
            let ids: Vec<usize> = patterns.iter().map(Node::id).collect();
            let body: Vec<Node<'_>> = children(item)
                .into_iter()
                .filter(|child| !ids.contains(&child.id()))
                .collect();
            let body = self.block_of_all(&body);
            cases.push((labels, body));
        }
        self.push(StmtKind::Switch { subject, cases }, node, out);
    }

    /// `case $x in *[!0-9]*) …`: what does not fit is made of the letters that are meant.
    fn case_of_letters(&mut self, node: Node<'_>, value: Node<'_>, out: &mut Vec<StmtId>) -> bool {
        let items: Vec<Node<'_>> = children(node)
            .into_iter()
            .filter(|item| item.kind() == "case_item")
            .collect();
        let of = |shell: &Self, item: Node<'_>| {
            let patterns = fields(item, "value")
                .into_iter()
                .map(|pattern| shell.source.text(pattern).into_owned());
            patterns.collect::<Vec<_>>()
        };
        let Some((first, rest)) = items.split_first() else {
            return false;
        };
        let patterns = of(self, *first);
        let Some(pattern) = patterns.iter().find(|pattern| proves(pattern).is_some()) else {
            return false;
        };
        if rest
            .iter()
            .any(|item| !of(self, *item).iter().any(|pattern| pattern == "*"))
        {
            return false;
        }
        let condition = self.listed(pattern, value, span(value));
        let then: Vec<Node<'_>> = rest.iter().copied().flat_map(arm).collect();
        let then = self.block_of_all(&then);
        let otherwise = self.block_of_all(&arm(*first));
        let kind = StmtKind::If {
            condition,
            then,
            otherwise,
        };
        self.push(kind, node, out);
        true
    }

    /// A command with its output or input elsewhere.
    fn redirected(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) {
        let mut prints = true;
        for redirect in fields(node, "redirect") {
            if redirect.kind() != "file_redirect" {
                continue;
            }
            let mut cursor = redirect.walk();
            let kinds: Vec<&str> = redirect.children(&mut cursor).map(|child| child.kind()).collect();
            let writes = kinds.iter().any(|kind| matches!(*kind, ">" | ">>" | "&>" | ">|"));
            let other = kinds.contains(&"file_descriptor");
            let destination = redirect.child_by_field_name("destination").filter(|_| writes);
            if let Some(destination) = destination {
                prints &= other;
                let path = self.expr(destination);
                let call = self.call_of(">", &[path], span(redirect));
                self.push(StmtKind::Expr(call), redirect, out);
            }
        }
        match node.child_by_field_name("body") {
            Some(body) if matches!(body.kind(), "command" | "pipeline" | "list") => {
                match self.command_word(body).as_deref() {
                    Some("read") => self.read_from(body, &fields(node, "redirect"), out),
                    Some(_) => {
                        let input = self.redirected_input(&fields(node, "redirect"));
                        let value = self.command(body, input);
                        self.printed_value(value, body, prints, out);
                    }
                    None if body.kind() == "list" => self.list_stmt(body, out),
                    None if children(body).iter().any(|part| is_compound(*part)) => self.piped(body, out),
                    None => self.printed(body, prints, out),
                }
            }
            Some(body) => self.stmt(body, out),
            None => {}
        }
    }

    /// `read a b`: the variables get what comes in, if that is written here.
    fn read(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) {
        self.read_from(node, &fields(node, "redirect"), out);
    }

    fn read_from(&mut self, node: Node<'_>, redirects: &[Node<'_>], out: &mut Vec<StmtId>) {
        let given = redirects
            .iter()
            .find(|redirect| redirect.kind() == "herestring_redirect");
        let given = given.or_else(|| redirects.iter().find(|redirect| redirect.kind() == "file_redirect"));
        for arg in fields(node, "argument") {
            let name = self.source.text(arg).into_owned();
            if name.starts_with('-') || arg.kind() != "word" {
                continue;
            }
            let value = match given
                .filter(|given| given.kind() == "herestring_redirect")
                .and_then(|given| given.named_child(0))
            {
                Some(value) => self.expr(value),
                None => self.call_of("read", &[], span(arg)),
            };
            let target = self.variable(&name, span(arg));
            self.give(target, value, false, arg, out);
        }
    }

    fn call_of(&mut self, name: &str, args: &[ExprId], at: Span) -> ExprId {
        let callee = self.source.build.name_expr(name, at);
        self.source.build.call(callee, args, at)
    }

    /// The name of a command, if it is a plain word.
    fn command_word(&self, node: Node<'_>) -> Option<String> {
        let name = node.child_by_field_name("name").filter(|_| node.kind() == "command")?;
        let word = name.named_child(0).filter(|word| word.kind() == "word")?;
        Some(self.source.text(word).into_owned())
    }
}

/// What is done if one of a case's patterns fits.
fn arm(item: Node<'_>) -> Vec<Node<'_>> {
    let patterns: Vec<usize> = fields(item, "value").iter().map(Node::id).collect();
    let parts = children(item).into_iter();
    parts.filter(|part| !patterns.contains(&part.id())).collect()
}

/// What all words are that a function was given, but for those that it put aside.
fn rest_name(shifted: u16) -> String {
    match shifted {
        0 => "$@".to_owned(),
        shifted => format!("$@{shifted}"),
    }
}

/// What is proved of a text that such a pattern does not fit.
fn proves(pattern: &str) -> Option<&'static str> {
    if pattern.contains("[!") || pattern.contains("[^") {
        Some("unlisted")
    } else if pattern.contains("*/*") || pattern.contains("*..*") {
        Some("unslashed")
    } else {
        None
    }
}

/// The arrays that `declare -A` names.
fn associative(text: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for line in text.lines() {
        let mut words = line.split_whitespace();
        let declares = words.any(|word| matches!(word, "declare" | "local" | "typeset"));
        let keyed = words
            .next()
            .is_some_and(|option| option.starts_with('-') && option.contains('A'));
        if let Some(name) = words.next().filter(|_| declares && keyed) {
            names.insert(name.split('=').next().unwrap_or(name).to_owned());
        }
    }
    names
}

/// What stands before `then`, after it, and the clauses that follow.
fn parted(node: Node<'_>) -> (Vec<Node<'_>>, Vec<Node<'_>>, Vec<Node<'_>>) {
    let (mut condition, mut then, mut rest) = (Vec::new(), Vec::new(), Vec::new());
    let mut cursor = node.walk();
    let mut after = false;
    for child in node.children(&mut cursor) {
        match child.kind() {
            "then" => after = true,
            "elif_clause" | "else_clause" => rest.push(child),
            _ if !child.is_named() || child.is_extra() => {}
            _ if after => then.push(child),
            _ => condition.push(child),
        }
    }
    (condition, then, rest)
}

#[cfg(test)]
mod tests;

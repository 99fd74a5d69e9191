//! Shell's words, commands and conditions to the one form.

use tree_sitter::Node;

use super::super::super::ir::{Arg, BinaryOp, ExprId, ExprKind, Span};
use super::super::{children, fields, span};
use super::Shell;
use super::Walk;

impl Shell<'_> {
    /// A variable; those that a web server makes of the request's headers are parts of one.
    pub(super) fn variable(&mut self, name: &str, at: Span) -> ExprId {
        let given = name.chars().all(|c| c.is_ascii_digit() && c != '0') || matches!(name, "@" | "*");
        let name = match name.strip_prefix("HTTP_") {
            Some(header) => format!("$HTTP.{header}"),
            // What a script is given is not what its functions are given.
            None if given && !self.within => match name {
                "@" | "*" => "$arguments".to_owned(),
                _ => format!("$argument{name}"),
            },
            None if matches!(name, "@" | "*") => super::rest_name(self.shifted),
            None if given && self.shifted > 0 => {
                let number = name.parse::<u16>().unwrap_or_default();
                format!("${}", number.saturating_add(self.shifted))
            }
            None => format!("${name}"),
        };
        self.source.build.name_expr(&name, at)
    }

    pub(super) fn expr_within(&mut self, node: Node<'_>) -> ExprId {
        let at = span(node);
        let kind = match node.kind() {
            "word" | "number" | "extglob_pattern" | "regex" | "file_descriptor" => {
                let text = self.source.text(node).replace('\\', "");
                return self.source.build.str_expr(&text, at);
            }
            "raw_string" | "ansi_c_string" => {
                let text = self.source.text(node).into_owned();
                let text = self.with_placeholder(text);
                return self
                    .source
                    .build
                    .str_expr(text.trim_start_matches('$').trim_matches('\''), at);
            }
            "string_content" => {
                let text = self.with_placeholder(self.source.text(node).into_owned());
                return self.source.build.str_expr(&text, at);
            }
            "string" | "concatenation" | "translated_string" => return self.joined(node),
            "variable_name" => return self.variable(&self.source.text(node), at),
            "simple_expansion" => return self.simple(node),
            "expansion" => return self.expansion(node),
            "subscript" => return self.subscript(node),
            "array" => return self.array(node),
            "command" => return self.command(node, None),
            "pipeline" => return self.pipeline(node),
            "command_substitution" | "subshell" | "compound_statement" | "process_substitution" => {
                let outer = std::mem::replace(&mut self.substituted, true);
                let value = self.substitution(node);
                self.substituted = outer;
                return value;
            }
            "redirected_statement" => return self.redirected_value(node),
            "list" => return self.list(node),
            "negated_command" => match children(node).last().copied() {
                Some(inner) => ExprKind::Not(self.expr(inner)),
                None => ExprKind::Unknown,
            },
            "test_command" => match children(node).first().copied() {
                Some(inner) => {
                    let outer = std::mem::replace(&mut self.double, self.source.text(node).starts_with("[["));
                    let value = match self.source.text(node).starts_with("((") {
                        true => self.arithmetic(&children(node), at),
                        false => self.test(inner),
                    };
                    self.double = outer;
                    return value;
                }
                None => ExprKind::Unknown,
            },
            "arithmetic_expansion" => return self.arithmetic(&children(node), at),
            _ => ExprKind::Of(self.exprs(children(node))),
        };
        self.source.build.expr(kind, at)
    }

    /// What stands for a name is `{}` in whatever words.
    fn with_placeholder(&self, text: String) -> String {
        match self.placeholder.as_deref().filter(|word| word.len() > 1) {
            Some(word) => text.replace(word, "{}"),
            None => text,
        }
    }

    /// Words and expansions next to each other.
    fn joined(&mut self, node: Node<'_>) -> ExprId {
        let parts = self.exprs(children(node));
        match parts.as_slice() {
            [] => self.source.build.str_expr("", span(node)),
            [one] => *one,
            _ => self.source.build.expr(ExprKind::Concat(parts), span(node)),
        }
    }

    fn simple(&mut self, node: Node<'_>) -> ExprId {
        let text = self.source.text(node);
        let name = text.strip_prefix('$').unwrap_or(&text).to_owned();
        match name.as_str() {
            // The number of the process, which anyone can see, and a small number of tries.
            "$" | "PPID" => self.source.build.str_expr("0", span(node)),
            "RANDOM" | "SRANDOM" if name == "RANDOM" => self.call_of("random", &[], span(node)),
            _ => self.variable(&name, span(node)),
        }
    }

    /// `${x:-y}`, `${x%%…}`, `${x//…/…}`, `${#x}`.
    fn expansion(&mut self, node: Node<'_>) -> ExprId {
        let at = span(node);
        let parts = children(node);
        let text = self.source.text(node).into_owned();
        let Some(first) = parts.iter().copied().find(|part| is_variable(*part)) else {
            return self.source.unknown(node);
        };
        if text.starts_with("${#") {
            return self.source.unknown(node);
        }
        let rest = text.trim_start_matches("${").trim_start_matches('!');
        let rest = rest.strip_prefix(&*self.source.text(first)).unwrap_or(rest).to_owned();
        let value = self.expr(first);
        // What is not among these is taken out: `${x//[^0-9]/}`.
        if rest.starts_with("//[^") || rest.starts_with("//[!") {
            return self.call_of("kept", &[value], at);
        }
        if matches!(rest.trim_end_matches('}'), "##*/" | "##*\\/") {
            return self.call_of("basename", &[value], at);
        }
        if rest.starts_with("@Q") {
            return self.call_of("quoted", &[value], at);
        }
        let given = rest
            .trim_start_matches([':', '-', '='])
            .trim_end_matches('}')
            .trim_matches(['"', '\'']);
        let written = rest.starts_with([':', '-', '=']) && !given.contains(['$', '`']);
        if written && super::start::is_password(&self.source.text(first)) {
            let given = self.source.build.str_expr(given, at);
            let said = self.call_of("credential", &[given], at);
            return self.source.build.expr(ExprKind::Last(vec![said, value]), at);
        }
        let other = parts.iter().copied().rfind(|part| part.id() != first.id());
        match other.filter(|_| rest.starts_with([':', '-', '=']) && rest.contains(['-', '='])) {
            Some(other) if matches!(rest.get(..2), Some(":-" | ":=")) || rest.starts_with(['-', '=']) => {
                let choice = ExprKind::Choice {
                    condition: None,
                    then: value,
                    otherwise: self.expr(other),
                };
                self.source.build.expr(choice, at)
            }
            _ if rest.starts_with('}') || rest.starts_with(":?") || rest.starts_with('?') => {
                self.source.build.expr(ExprKind::Of(vec![value]), at)
            }
            // What holds of a part of it does not hold of it.
            _ => self.call_of("part", &[value], at),
        }
    }

    /// `arr[@]` is the array, `arr[k]` a part of it.
    fn subscript(&mut self, node: Node<'_>) -> ExprId {
        let at = span(node);
        let name = node
            .child_by_field_name("name")
            .map(|name| self.source.text(name).into_owned())
            .unwrap_or_default();
        let object = self.variable(&name, at);
        let index = node.child_by_field_name("index");
        match index {
            Some(index) if !matches!(&*self.source.text(index), "@" | "*") => {
                let key = self.expr(index);
                let element = self.source.build.expr(ExprKind::Index { object, key }, at);
                if self.associative.contains(&name) {
                    return element;
                }
                let asked = self.arithmetic(&[index], at);
                self.source.build.expr(ExprKind::Last(vec![asked, element]), at)
            }
            _ => object,
        }
    }

    /// `(a b)`, and `([k]=a [l]=b)`.
    fn array(&mut self, node: Node<'_>) -> ExprId {
        let at = span(node);
        let parts = children(node);
        if !parts.iter().any(|part| self.source.text(*part).starts_with('[')) {
            let parts = self.exprs(parts);
            return self.source.build.expr(ExprKind::List(parts), at);
        }
        let mut entries = Vec::new();
        for part in parts {
            let text = self.source.text(part).into_owned();
            let key = text
                .strip_prefix('[')
                .and_then(|text| text.split(']').next())
                .unwrap_or_default()
                .to_owned();
            let key = self.source.build.str_expr(key.trim_matches(['"', '\'']), span(part));
            let value = match (part.child_by_field_name("value"), children(part).last().copied()) {
                (Some(value), _) => self.expr(value),
                (None, Some(last)) => self.expr(last),
                (None, None) => self.source.unknown(part),
            };
            entries.push((Some(key), value));
        }
        self.source.build.expr(ExprKind::Map(entries), at)
    }

    /// A command; `input` is what comes to it through a pipe.
    pub(super) fn command(&mut self, node: Node<'_>, input: Option<ExprId>) -> ExprId {
        let at = span(node);
        let name = node.child_by_field_name("name").and_then(|name| name.named_child(0));
        let mut words: Vec<Node<'_>> = name.into_iter().chain(fields(node, "argument")).collect();
        self.started(&mut words);
        for setting in children(node)
            .into_iter()
            .filter(|child| child.kind() == "variable_assignment")
        {
            let value = setting.child_by_field_name("value").map(|value| self.expr(value));
            let name = setting
                .child_by_field_name("name")
                .map(|name| self.source.text(name).into_owned());
            if let (Some(value), Some(name)) = (value, name) {
                let target = self.variable(&name, span(setting));
                let set = self
                    .source
                    .build
                    .expr(ExprKind::Assign { target, value }, span(setting));
                let rest = self.command_of(&words, node, input);
                return self.source.build.expr(ExprKind::Last(vec![set, rest]), at);
            }
        }
        self.command_of(&words, node, input)
    }

    fn command_of(&mut self, words: &[Node<'_>], node: Node<'_>, input: Option<ExprId>) -> ExprId {
        let at = span(node);
        let Some(name) = words.first() else {
            return self.source.unknown(node);
        };
        if self.fetched(words) {
            let said = self.call_of("fetched", &[], at);
            let run = self.command_with(words, node, input);
            return self.source.build.expr(ExprKind::Last(vec![said, run]), at);
        }
        if let Some(value) = self.known_command(words, input.is_some(), at) {
            return value;
        }
        let mut said = self.started_within(words, at);
        said.extend(self.split_words(words, at));
        if !said.is_empty() {
            said.push(self.command_with(words, node, input));
            return self.source.build.expr(ExprKind::Last(said), at);
        }
        let chosen = matches!(name.kind(), "simple_expansion" | "expansion" | "string") && !self.is_whole_array(*name);
        if self.is_choice(*name) {
            return self.chosen(at);
        }
        if chosen {
            let run = self.expr(*name);
            let run = self.call_of("runs", &[run], at);
            let call = self.command_with(words, node, input);
            return self.source.build.expr(ExprKind::Last(vec![run, call]), at);
        }
        self.command_with(words, node, input)
    }

    /// Commands that are something else here: what quotes, what reads all that comes in.
    fn known_command(&mut self, words: &[Node<'_>], piped: bool, at: Span) -> Option<ExprId> {
        let texts: Vec<String> = words.iter().map(|word| self.source.text(*word).into_owned()).collect();
        let args: Vec<&str> = texts
            .iter()
            .skip(1)
            .map(|text| text.trim_matches(['"', '\'']))
            .collect();
        match (texts.first()?.as_str(), args.as_slice()) {
            ("printf", [format, ..]) if format.trim_end_matches("\\n") == "%q" => {
                let values = self.exprs(words.iter().skip(2).copied().collect());
                Some(self.call_of("quoted", &values, at))
            }
            ("cat", [] | ["-"] | ["/dev/stdin"]) if !piped => Some(self.call_of("read", &[], at)),
            ("head" | "dd", _) if !piped && args.iter().any(|arg| arg.contains("CONTENT_LENGTH")) => {
                Some(self.source.build.name_expr("$REQUEST_BODY", at))
            }
            _ => None,
        }
    }

    fn command_with(&mut self, words: &[Node<'_>], node: Node<'_>, input: Option<ExprId>) -> ExprId {
        let at = span(node);
        let mut args = Vec::new();
        let Some((name, rest)) = words.split_first() else {
            return self.source.unknown(node);
        };
        let callee = if self.is_whole_array(*name) {
            let list = self.expr(*name);
            args.push(plain(list));
            self.source.build.name_expr("words", at)
        } else {
            self.expr_of_name(*name)
        };
        for word in rest {
            let spread = self.is_whole_array(*word);
            let value = self.expr(*word);
            let name = None;
            args.push(Arg { name, value, spread });
        }
        let input = match input {
            Some(input) => Some(input),
            None => self.redirected_input(&fields(node, "redirect")),
        };
        if let Some(value) = input {
            let name = Some(self.source.build.name("stdin"));
            let spread = false;
            args.push(Arg { name, value, spread });
        }
        let new = false;
        self.source.build.expr(ExprKind::Call { callee, args, new }, at)
    }

    /// The name of a command: a word is the name of what is called.
    fn expr_of_name(&mut self, name: Node<'_>) -> ExprId {
        match name.kind() {
            "word" => {
                let text = self.source.text(name).into_owned();
                let text = match text.as_str() {
                    "." => "source".to_owned(),
                    _ => text.rsplit('/').next().unwrap_or(&text).to_owned(),
                };
                self.source.build.name_expr(&text, span(name))
            }
            _ => self.expr(name),
        }
    }

    /// `"${words[@]}"`, `"$@"`.
    fn is_whole_array(&self, word: Node<'_>) -> bool {
        let text = self.source.text(word);
        let text = text.trim_matches('"');
        matches!(text, "$@" | "$*" | "${@}")
            || (text.starts_with("${") && (text.ends_with("[@]}") || text.ends_with("[*]}")))
    }

    fn pipeline(&mut self, node: Node<'_>) -> ExprId {
        let mut input = None;
        for part in children(node) {
            let part_value = match part.kind() {
                "command" => self.command(part, input.take()),
                "redirected_statement" => match part.child_by_field_name("body") {
                    Some(body) if body.kind() == "command" => self.command(body, input.take()),
                    _ => self.with(part, input.take()),
                },
                _ => self.with(part, input.take()),
            };
            input = Some(part_value);
        }
        match input {
            Some(last) => last,
            None => self.source.unknown(node),
        }
    }

    /// What is no plain command, with what comes to it.
    fn with(&mut self, node: Node<'_>, input: Option<ExprId>) -> ExprId {
        let value = self.expr(node);
        let parts = input.into_iter().chain([value]).collect();
        self.source.build.expr(ExprKind::Of(parts), span(node))
    }

    /// What several commands print.
    fn substitution(&mut self, node: Node<'_>) -> ExprId {
        let parts = children(node).into_iter().filter(|part| part.kind() != "file_redirect");
        let parts: Vec<Node<'_>> = parts.collect();
        match parts.as_slice() {
            [one] => self.expr(*one),
            _ => {
                let parts = self.exprs(parts);
                self.source.build.expr(ExprKind::Of(parts), span(node))
            }
        }
    }

    fn redirected_value(&mut self, node: Node<'_>) -> ExprId {
        match node.child_by_field_name("body") {
            Some(body) => self.expr(body),
            None => self.source.unknown(node),
        }
    }

    /// `a && b || c`, which the grammar nests to the left.
    fn list(&mut self, node: Node<'_>) -> ExprId {
        let parts = children(node);
        let [left, right, ..] = parts.as_slice() else {
            let parts = self.exprs(parts);
            return self.source.build.expr(ExprKind::Of(parts), span(node));
        };
        let mut cursor = node.walk();
        let or = node.children(&mut cursor).any(|child| child.kind() == "||");
        let op = if or { BinaryOp::Or } else { BinaryOp::And };
        let (left, right) = (self.expr(*left), self.expr(*right));
        self.source.build.expr(ExprKind::Binary { op, left, right }, span(node))
    }

    /// What is worked out as a number runs what stands in the brackets of an element's name.
    fn arithmetic(&mut self, nodes: &[Node<'_>], at: Span) -> ExprId {
        let mut nodes: Vec<Node<'_>> = nodes.to_vec();
        let mut found = Vec::new();
        while let Some(node) = nodes.pop() {
            match node.kind() {
                "variable_name" => found.push(node),
                "simple_expansion" | "expansion" => found.push(node),
                _ => nodes.extend(children(node)),
            }
        }
        found.truncate(16);
        let args = self.exprs(found);
        let asked = self.call_of("arithmetic", &args, at);
        let number = self.source.build.expr(ExprKind::Unknown, at);
        self.source.build.expr(ExprKind::Last(vec![asked, number]), at)
    }

    /// That a value does not fit a pattern like `*[!0-9]*`, `*/*`.
    pub(super) fn listed(&mut self, pattern: &str, value: Node<'_>, at: Span) -> ExprId {
        let name = super::proves(pattern).unwrap_or("unlisted");
        let value = self.expr(value);
        self.call_of(name, &[value], at)
    }

    fn test(&mut self, node: Node<'_>) -> ExprId {
        if self.source.depth == super::super::MAX_DEPTH {
            self.source.cut = true;
            return self.source.unknown(node);
        }
        self.source.depth += 1;
        let value = self.test_within(node);
        self.source.depth -= 1;
        value
    }

    fn test_within(&mut self, node: Node<'_>) -> ExprId {
        let at = span(node);
        let operator = node
            .child_by_field_name("operator")
            .map(|operator| self.source.text(operator).into_owned());
        match (node.kind(), operator.as_deref().unwrap_or_default()) {
            ("binary_expression", operator) => {
                let (Some(left), Some(right)) = (node.child_by_field_name("left"), node.child_by_field_name("right"))
                else {
                    return self.source.unknown(node);
                };
                self.compared(left, operator, right, at)
            }
            ("unary_expression", operator) => {
                let Some(inner) = children(node).last().copied() else {
                    return self.source.unknown(node);
                };
                match operator {
                    "!" => {
                        let inner = self.test(inner);
                        self.source.build.expr(ExprKind::Not(inner), at)
                    }
                    "-n" | "-z" => {
                        let left = self.expr(inner);
                        let right = self.source.build.str_expr("", at);
                        let op = if operator == "-n" { BinaryOp::Ne } else { BinaryOp::Eq };
                        self.source.build.expr(ExprKind::Binary { op, left, right }, at)
                    }
                    _ => self.source.unknown(node),
                }
            }
            ("parenthesized_expression", _) => match children(node).first().copied() {
                Some(inner) => self.test(inner),
                None => self.source.unknown(node),
            },
            _ => self.source.unknown(node),
        }
    }

    fn compared(&mut self, left: Node<'_>, operator: &str, right: Node<'_>, at: Span) -> ExprId {
        let pattern = self.source.text(right).into_owned();
        // `! a = b` reads as `(! a) = b`, and is not meant so.
        let negated = left.kind() == "unary_expression" && self.source.text(left).starts_with('!');
        if let Some(inner) = children(left).last().copied().filter(|_| negated) {
            let inner = self.compared(inner, operator, right, at);
            return self.source.build.expr(ExprKind::Not(inner), at);
        }
        let op = match operator {
            "&&" | "-a" | "||" | "-o" => {
                let op = if matches!(operator, "&&" | "-a") {
                    BinaryOp::And
                } else {
                    BinaryOp::Or
                };
                let (left, right) = (self.test(left), self.test(right));
                return self.source.build.expr(ExprKind::Binary { op, left, right }, at);
            }
            "=~" => {
                let pattern = self.source.build.str_expr(&pattern, span(right));
                let left = self.expr(left);
                return self.call_of("matches", &[pattern, left], at);
            }
            "-eq" | "-ne" | "-lt" | "-le" | "-gt" | "-ge" if self.double => {
                return self.arithmetic(&[left, right], at);
            }
            "=" | "==" | "-eq" => BinaryOp::Eq,
            "!=" | "-ne" => BinaryOp::Ne,
            _ => return self.source.build.expr(ExprKind::Unknown, at),
        };
        let glob = matches!(operator, "=" | "==" | "!=") && self.double && unquoted(&pattern).contains(['*', '?']);
        if glob && super::proves(&pattern).is_some() {
            let named = self.listed(&pattern, left, at);
            // It is listed where the pattern does not fit.
            return match operator {
                "!=" => named,
                _ => self.source.build.expr(ExprKind::Not(named), at),
            };
        }
        if glob {
            return self.source.build.expr(ExprKind::Unknown, at);
        }
        let (left, right) = (self.expr(left), self.expr(right));
        self.source.build.expr(ExprKind::Binary { op, left, right }, at)
    }
}

/// A pattern without what stands in quotes.
fn unquoted(pattern: &str) -> String {
    let mut quote = None;
    let mut rest = String::new();
    for c in pattern.chars() {
        match (quote, c) {
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), c) if c == open => quote = None,
            (None, c) => rest.push(c),
            _ => {}
        }
    }
    rest
}

fn plain(value: ExprId) -> Arg {
    let (name, spread) = (None, false);
    Arg { name, value, spread }
}

fn is_variable(node: Node<'_>) -> bool {
    matches!(node.kind(), "variable_name" | "special_variable_name" | "subscript")
}

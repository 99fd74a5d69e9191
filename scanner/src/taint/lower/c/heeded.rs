//! What a function must heed and does not: pointers that may be null, results that say that rights were not given up,
//! variables that nobody wrote yet, sizes of pointers, texts without an end.
//!
//! Always true: it is said only where the function mentions the thing in no condition at all, so that what is checked in an
//! odd way is left alone.

use tree_sitter::Node;

use super::super::super::ir::StmtId;
use super::super::{children, span};
use super::facts::bare;
use super::{C, StmtKind, Walk};

/// Nodes of a function that are looked at.
const MAX_NODES: usize = 20_000;
/// Calls that may give no pointer.
const MAKERS: [&str; 8] = [
    "malloc", "calloc", "realloc", "strdup", "strndup", "fopen", "popen", "fdopen",
];
/// Calls that write or read through what they are given.
const THROUGH: [&str; 20] = [
    "strcpy", "strcat", "strncpy", "memcpy", "memmove", "memset", "sprintf", "snprintf", "fgets", "fread", "fwrite",
    "fprintf", "fputs", "fclose", "fscanf", "strlen", "fputc", "fgetc", "getc", "puts",
];
/// Calls that give up rights, whose result must be heeded.
const RIGHTS: [&str; 11] = [
    "setuid",
    "setgid",
    "seteuid",
    "setegid",
    "setreuid",
    "setregid",
    "setresuid",
    "setresgid",
    "setgroups",
    "initgroups",
    "chroot",
];
/// Calls with a size, and which of their arguments it is.
const SIZED: [(&str, usize, usize); 12] = [
    ("memset", 0, 2),
    ("memcpy", 0, 2),
    ("memmove", 0, 2),
    ("strncpy", 0, 2),
    ("strlcpy", 0, 2),
    ("snprintf", 0, 1),
    ("fgets", 0, 1),
    ("read", 1, 2),
    ("recv", 1, 2),
    ("bzero", 0, 1),
    ("memcmp", 0, 2),
    ("strncat", 0, 2),
];

impl C<'_> {
    /// Says all that a function does not heed, before its body.
    pub(super) fn unheeded(&mut self, function: Node<'_>) -> Vec<StmtId> {
        let mut said = Vec::new();
        let Some(body) = function.child_by_field_name("body") else {
            return said;
        };
        let mut calls = Vec::new();
        let mut pointers = Vec::new();
        let mut made = Vec::new();
        let mut nodes = vec![function];
        let mut seen = 0;
        while let Some(node) = nodes.pop() {
            seen += 1;
            if seen > MAX_NODES {
                return said;
            }
            match node.kind() {
                "call_expression" => calls.push(node),
                "pointer_declarator" => pointers.extend(
                    node.child_by_field_name("declarator")
                        .filter(|name| name.kind() == "identifier"),
                ),
                "init_declarator" | "assignment_expression" => made.extend(self.maker_of(node)),
                _ => {}
            }
            nodes.extend(children(node).into_iter().rev());
        }
        let text = self.source.text(body).into_owned();
        let declarator = function
            .child_by_field_name("declarator")
            .and_then(super::declare::function_declarator);
        let named = declarator.and_then(|declarator| declarator.child_by_field_name("declarator"));
        if let (Some(name), Some(declarator)) = (named, declarator) {
            let agrees = self.files.ones.contains(&*self.source.text(name));
            if agrees && self.source.text(declarator).contains("X509_STORE_CTX") {
                self.unheeded_at("operator.agrees", declarator, &mut said);
            }
        }
        let names = pointers.into_iter();
        let pointers: Vec<String> = names.map(|name| self.source.text(name).into_owned()).collect();
        for (name, at) in made {
            let reached = calls
                .iter()
                .find(|call| call.start_byte() > at.end_byte() && self.reaches(**call, &name));
            let starred = format!("{name}[");
            let behind = text
                .get(at.end_byte().saturating_sub(body.start_byte())..)
                .unwrap_or_default();
            let used = reached.is_some()
                || behind.contains(&starred) && is_word_before(behind, &starred)
                || behind.contains(&format!("{name}->"));
            if used && !asks(&text, &name) {
                self.unheeded_at("operator.unasked", at, &mut said);
            }
        }
        for call in calls {
            self.unheeded_call(call, &text, &pointers, &mut said);
        }
        said
    }

    /// What a call does not heed: that rights are given up, what its size is of, that a text may have no end.
    fn unheeded_call(&mut self, call: Node<'_>, text: &str, pointers: &[String], said: &mut Vec<StmtId>) {
        let name = self.callee_name(call);
        let dropped = call
            .parent()
            .is_some_and(|around| around.kind() == "expression_statement");
        if dropped && RIGHTS.contains(&name.as_str()) {
            self.unheeded_at("operator.rights", call, said);
        }
        let args = call.child_by_field_name("arguments").map(children).unwrap_or_default();
        if self.is_bare_format(&name, &args) {
            self.unheeded_at("operator.format", call, said);
        }
        if let Some((_, to, size)) = SIZED.iter().find(|(sized, ..)| *sized == name) {
            let given = args
                .get(*to)
                .map(|to| self.source.text(bare(*to)).into_owned())
                .unwrap_or_default();
            let size = args
                .get(*size)
                .map(|size| self.source.text(*size).replace(['(', ')', ' '], ""))
                .unwrap_or_default();
            if pointers.contains(&given)
                && !self.facts.arrays.contains_key(&given)
                && size.strip_prefix("sizeof") == Some(&given)
            {
                self.unheeded_at("operator.pointersize", call, said);
            }
            let array = self.facts.arrays.contains_key(&given);
            let whole = size == format!("sizeof{given}");
            if name == "strncpy" && array && whole && !is_ended(text, &given) {
                self.unheeded_at("operator.endless", call, said);
            }
        }
    }

    /// `printf(text)`: a format that is no literal, with nothing to put into it, and that the file does not write as one.
    fn is_bare_format(&self, name: &str, args: &[Node<'_>]) -> bool {
        let at = match name {
            "printf" | "g_print" | "g_message" | "g_warning" | "warnx" | "warn" | "printk" => 0,
            "fprintf" | "syslog" | "dprintf" | "errx" | "err" => 1,
            "snprintf" => 2,
            _ => return false,
        };
        let Some(format) = args
            .get(at)
            .map(|format| bare(*format))
            .filter(|_| args.len() == at + 1)
        else {
            return false;
        };
        let text = self.source.text(format);
        let plain = matches!(
            format.kind(),
            "identifier" | "field_expression" | "subscript_expression"
        );
        let constant = text.chars().all(|c| c.is_uppercase() || c == '_' || c.is_numeric());
        let words = ["usage", "help", "fmt", "format", "version", "banner"];
        let known = words.iter().any(|word| text.to_ascii_lowercase().contains(word));
        let file = String::from_utf8_lossy(self.source.bytes);
        let written = file.contains(&format!("{text}[] =")) || file.contains(&format!("{text} = \""));
        plain && !constant && !known && !written
    }

    fn unheeded_at(&mut self, what: &str, node: Node<'_>, said: &mut Vec<StmtId>) {
        let call = self.call_of(what, &[], span(node));
        self.push(StmtKind::Expr(call), node, said);
    }

    /// A variable that gets what may be no pointer, and where.
    fn maker_of<'t>(&self, node: Node<'t>) -> Option<(String, Node<'t>)> {
        let (target, value) = match node.kind() {
            "init_declarator" => (
                node.child_by_field_name("declarator")?,
                node.child_by_field_name("value")?,
            ),
            _ => (node.child_by_field_name("left")?, node.child_by_field_name("right")?),
        };
        let target = match target.kind() {
            "pointer_declarator" => target.child_by_field_name("declarator")?,
            _ => target,
        };
        let value = bare(value);
        let makes = value.kind() == "call_expression" && MAKERS.contains(&self.callee_name(value).as_str());
        (makes && target.kind() == "identifier").then(|| (self.source.text(target).into_owned(), node))
    }

    fn callee_name(&self, call: Node<'_>) -> String {
        let callee = call.child_by_field_name("function");
        let text = callee
            .map(|callee| self.source.text(callee).into_owned())
            .unwrap_or_default();
        text.trim_start_matches("std::").to_owned()
    }

    /// Whether a call writes or reads through a variable.
    fn reaches(&self, call: Node<'_>, name: &str) -> bool {
        let args = call.child_by_field_name("arguments").map(children).unwrap_or_default();
        THROUGH.contains(&self.callee_name(call).as_str()) && args.iter().any(|arg| self.source.text(*arg) == name)
    }

    /// What is said of the letters of a text by how many of them are in a set: `strspn(s, SET) == strlen(s)`.
    pub(super) fn spanned(&mut self, node: Node<'_>, operator: &str) -> Option<super::ExprId> {
        let sides = ["left", "right"].map(|field| node.child_by_field_name(field).map(bare));
        let [Some(left), Some(right)] = sides else { return None };
        let call = |side: Node<'_>, name: &str| side.kind() == "call_expression" && self.callee_name(side) == name;
        let ends = |side: Node<'_>| matches!(&*self.source.text(side), "'\\0'" | "0");
        let inner = if (call(left, "strspn") || call(left, "strcspn")) && call(right, "strlen") {
            Some(left)
        } else if (call(right, "strspn") || call(right, "strcspn")) && call(left, "strlen") {
            Some(right)
        } else if left.kind() == "subscript_expression" && ends(right) {
            let key = super::room::index_of(left).map(bare)?;
            (call(key, "strspn") || call(key, "strcspn")).then_some(key)
        } else {
            None
        }?;
        let args = children(inner.child_by_field_name("arguments")?);
        let value = self.expr(*args.first()?);
        let listed = self.call_of("operator.listed", &[value], span(node));
        match operator {
            "==" => Some(listed),
            "!=" => Some(self.source.build.expr(super::ExprKind::Not(listed), span(node))),
            _ => None,
        }
    }

    /// `known.find(word) == known.end()`: whether the word is among those known.
    pub(super) fn found(&mut self, node: Node<'_>, operator: &str) -> Option<super::ExprId> {
        let [left, right] = ["left", "right"].map(|field| node.child_by_field_name(field).map(bare));
        let ends = right.is_some_and(|right| self.source.text(right).ends_with("end()"));
        let call = left.filter(|left| ends && left.kind() == "call_expression")?;
        let callee = call
            .child_by_field_name("function")
            .filter(|callee| callee.kind() == "field_expression")?;
        let name = callee.child_by_field_name("field")?;
        let args = children(call.child_by_field_name("arguments")?);
        let [word] = args.as_slice() else { return None };
        if self.source.text(name) != "find" || word.kind() != "identifier" {
            return None;
        }
        let value = self.expr(*word);
        let known = self.call_of("operator.listed", &[value], span(node));
        match operator {
            "!=" => Some(known),
            "==" => Some(self.source.build.expr(super::ExprKind::Not(known), span(node))),
            _ => None,
        }
    }

    /// A size that no number of its type is too large for.
    pub(super) fn fits(&self, name: &str, args: &[Node<'_>], index: usize) -> bool {
        let Some((_, to, _)) = SIZED.iter().find(|(sized, _, size)| *sized == name && *size == index) else {
            return false;
        };
        let room = args
            .get(*to)
            .and_then(|to| self.files.capacity(&self.facts, *to, &self.source));
        let number = args
            .get(index)
            .and_then(|size| self.facts.numbers.get(&*self.source.text(bare(*size))));
        let most = number
            .filter(|number| !number.signed && number.bits <= 16)
            .map(|number| (1_i64 << number.bits) - 1);
        room.zip(most).is_some_and(|(room, most)| most <= room)
    }

    /// Numbers that a call makes room for: `grow(buffer, used + n)`.
    pub(super) fn made_room(&mut self, name: &str, args: &[Node<'_>]) -> Vec<super::ExprId> {
        let words = [
            "grow",
            "reserve",
            "ensure",
            "expand",
            "resize",
            "make_room",
            "make_space",
        ];
        if !words.iter().any(|word| name.contains(word)) {
            return Vec::new();
        }
        let mut nodes: Vec<Node<'_>> = args.to_vec();
        let mut found = Vec::new();
        while let Some(node) = nodes.pop() {
            if node.kind() == "identifier" && self.facts.numbers.contains_key(&*self.source.text(node)) {
                found.push(node);
            }
            nodes.extend(children(node));
        }
        found.truncate(4);
        let mut said = Vec::new();
        for number in found {
            let at = span(number);
            let value = self.expr(number);
            let value = self.call_of("operator.rem", &[value], at);
            let target = self.expr(number);
            said.push(self.source.build.expr(super::ExprKind::Assign { target, value }, at));
        }
        said
    }

    /// `slash + 1`, where `slash = strrchr(name, '/')`: the last part of the name.
    pub(super) fn last_part(&mut self, node: Node<'_>) -> Option<super::ExprId> {
        let sum = match node.kind() {
            "conditional_expression" => bare(node.child_by_field_name("consequence")?),
            _ => node,
        };
        let left = sum
            .child_by_field_name("left")
            .filter(|left| sum.kind() == "binary_expression" && left.kind() == "identifier")?;
        let name = self.source.text(left).into_owned();
        if !self.facts.slashes.contains(&name)
            || sum
                .child_by_field_name("operator")
                .is_none_or(|sign| sign.kind() != "+")
        {
            return None;
        }
        let value = self.expr(left);
        Some(self.call_of("basename", &[value], span(node)))
    }
}

/// Whether a body asks anywhere whether a variable points to something.
fn asks(body: &str, name: &str) -> bool {
    let squeezed: String = body.split_whitespace().collect();
    let forms = [
        format!("!{name}"),
        format!("({name})"),
        format!("{name}=="),
        format!("{name}!="),
        format!("==({name})"),
        format!("{name}?"),
        format!("({name}&&"),
        format!("({name}||"),
        format!("&&{name})"),
        format!("&&{name}&&"),
        format!("==NULL||{name}"),
        format!("NULL=={name}"),
        format!("NULL!={name}"),
        format!("assert({name}"),
        format!("({name}="),
        format!("||{name})"),
        format!("nullptr=={name}"),
        format!("return{name};"),
    ];
    forms
        .iter()
        .any(|form| form != &format!("return{name};") && squeezed.contains(form.as_str()))
}

/// Whether an array gets an end after it was filled, or was all zero before.
fn is_ended(body: &str, name: &str) -> bool {
    let squeezed: String = body.split_whitespace().collect();
    let set = squeezed.match_indices(&format!("{name}[")).any(|(at, _)| {
        let rest = squeezed.get(at..).unwrap_or_default();
        let end = rest.find("]=").map(|end| end + 2).and_then(|end| rest.get(end..));
        end.is_some_and(|value| value.starts_with("'\\0'") || value.starts_with('0'))
    });
    let zeroed = [
        format!("memset({name},"),
        format!("bzero({name}"),
        format!("memset(&{name},"),
    ];
    let initial = squeezed.match_indices(&format!("{name}[")).any(|(at, _)| {
        let rest = squeezed.get(at..).unwrap_or_default();
        rest.find("]=").is_some_and(|end| {
            rest.get(end + 2..)
                .is_some_and(|value| value.starts_with('{') || value.starts_with('"'))
        })
    });
    set || initial || zeroed.iter().any(|form| squeezed.contains(form.as_str()))
}

fn is_word_before(text: &str, form: &str) -> bool {
    text.match_indices(form).any(|(at, _)| {
        let before = text.get(..at).and_then(|before| before.chars().last());
        before.is_none_or(|before| !before.is_alphanumeric() && !matches!(before, '_' | '.' | '>'))
    })
}

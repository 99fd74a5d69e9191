//! C's and C++'s calls to the one form: by what is called, by what it is given, and by the function that it stands in.

use tree_sitter::Node;

use super::super::super::ir::{Arg, BinaryOp, ExprId, ExprKind, StmtId, StmtKind};
use super::super::{children, span};
use super::facts::bare;
use super::{C, Walk};

/// Words for what only its owner knows, in the names of variables and functions.
const CREDENTIALS: [&str; 14] = [
    "password",
    "passwd",
    "passphrase",
    "pwd",
    "pw",
    "pass",
    "pin",
    "unlock",
    "login",
    "authenticate",
    "backdoor",
    "secret",
    "passcode",
    "master",
];
/// Words in the names of functions that make what nobody may guess.
const SECRETS: [&str; 19] = [
    "token",
    "code",
    "session",
    "key",
    "otp",
    "nonce",
    "salt",
    "password",
    "passwd",
    "secret",
    "pin",
    "invite",
    "csrf",
    "voucher",
    "coupon",
    "apikey",
    "passcode",
    "challenge",
    "cookie",
];
/// Calls that allocate, and which of their arguments says how much.
const ALLOCATORS: [(&str, usize); 8] = [
    ("malloc", 0),
    ("alloca", 0),
    ("xmalloc", 0),
    ("kmalloc", 0),
    ("g_malloc", 0),
    ("realloc", 1),
    ("xrealloc", 1),
    ("g_realloc", 1),
];

impl C<'_> {
    /// `strcmp(a, b) == 0` is `a == b`; `strncmp(a, b, n) == 0` says that `a` begins with `b`.
    pub(super) fn compared(&mut self, node: Node<'_>, operator: &str) -> Option<ExprId> {
        let zero = node
            .child_by_field_name("right")
            .is_some_and(|right| self.source.text(right) == "0");
        let call = node.child_by_field_name("left").filter(|_| zero)?;
        match operator {
            "==" => self.equality(call),
            "!=" => {
                let equal = self.equality(call)?;
                Some(self.source.build.expr(ExprKind::Not(equal), span(node)))
            }
            _ => None,
        }
    }

    /// What it means that a comparison of texts gives 0.
    pub(super) fn equality(&mut self, call: Node<'_>) -> Option<ExprId> {
        let call = if call.kind() == "parenthesized_expression" {
            call.named_child(0)?
        } else {
            call
        };
        let function = call
            .child_by_field_name("function")
            .filter(|_| call.kind() == "call_expression")?;
        let name = self.path_text(function);
        let args = call.child_by_field_name("arguments").map(children)?;
        let [left, right, ..] = args.as_slice() else {
            return None;
        };
        match name.as_str() {
            "strcmp" | "strcasecmp" | "stricmp" | "wcscmp" => {
                let (left, right) = (self.expr(*left), self.expr(*right));
                let op = BinaryOp::Eq;
                let equal = self.source.build.expr(ExprKind::Binary { op, left, right }, span(call));
                Some(self.with_credential(call, equal))
            }
            "strncmp" | "strncasecmp" => {
                let compared = [self.expr(*left), self.expr(*right)];
                // Of a path that is not resolved, how it begins says nothing.
                let resolved = self.facts.resolved.contains(&*self.source.text(args[0]));
                let name = if resolved {
                    "starts_with.resolved"
                } else {
                    "starts_with"
                };
                let begins = self.call_of(name, &compared, span(call));
                Some(self.with_credential(call, begins))
            }
            "memcmp" | "CRYPTO_memcmp" | "timingsafe_bcmp" => {
                let compared = [self.expr(*left), self.expr(*right)];
                let equal = self.call_of(&name, &compared, span(call));
                let equal = self.source.build.expr(ExprKind::Not(equal), span(call));
                Some(self.with_credential(call, equal))
            }
            _ => None,
        }
    }

    /// A comparison with what is written in the code, where what is compared is a password by its name.
    fn with_credential(&mut self, call: Node<'_>, result: ExprId) -> ExprId {
        let args = call.child_by_field_name("arguments").map(children).unwrap_or_default();
        let words = |text: &str| {
            let words = text.split(|c: char| !c.is_ascii_alphanumeric());
            words.map(str::to_ascii_lowercase).collect::<Vec<_>>()
        };
        let own = self.facts.words.iter().any(|word| CREDENTIALS.contains(&word.as_str()));
        let given = args
            .iter()
            .take(2)
            .filter(|arg| arg.kind() != "string_literal")
            .any(|arg| {
                words(&self.source.text(*arg))
                    .iter()
                    .any(|word| CREDENTIALS.contains(&word.as_str()))
            });
        // What is compared is worked out twice: only what is not built there.
        let plain = args
            .iter()
            .take(2)
            .all(|arg| matches!(bare(*arg).kind(), "identifier" | "string_literal" | "field_expression"));
        if !plain || !own && !given {
            return result;
        }
        let compared = self.exprs(args.into_iter().take(2).collect());
        let asked = self.call_of("operator.credential", &compared, span(call));
        self.source.build.expr(ExprKind::Last(vec![asked, result]), span(call))
    }

    pub(super) fn call(&mut self, node: Node<'_>) -> ExprId {
        let at = span(node);
        let function = node.child_by_field_name("function");
        let given = node.child_by_field_name("arguments");
        let name = function
            .filter(|function| function.kind() != "field_expression")
            .map(|function| self.path_text(function));
        let args = given.map(children).unwrap_or_default();
        if let Some(value) = self.known_call(node, name.as_deref(), &args) {
            return value;
        }
        let renamed = name.as_deref().and_then(|name| self.renamed(name, &args));
        let callee = match (renamed, function) {
            (Some(name), _) => self.path(&name, node),
            (None, Some(function)) => self.expr(function),
            (None, None) => self.source.unknown(node),
        };
        let name = name.unwrap_or_default();
        let values = self.values_given(&name, &args);
        let less = self.less(&name, &args, node);
        let beyond = self.is_beyond(&name, &args);
        let made = matches!(name.as_str(), "snprintf" | "sprintf")
            .then(|| self.filled_word())
            .flatten();
        let args = values.iter().map(|value| Arg {
            name: None,
            value: *value,
            spread: false,
        });
        let args = args.collect();
        let new = false;
        let call = self.source.build.expr(ExprKind::Call { callee, args, new }, at);
        let mut parts = Vec::new();
        parts.extend(self.made_room(&name, &given.map(children).unwrap_or_default()));
        parts.extend(less);
        if beyond {
            parts.push(self.beyond(node));
        }
        if let Some(fixed) = self.fixed(&name, node) {
            parts.push(fixed);
        }
        if let Some(word) = made {
            let given = given.map(children).unwrap_or_default();
            // They are worked out twice, so not in one another.
            if !given.iter().any(|arg| self.source.text(*arg).contains("printf")) {
                let given = self.exprs(given);
                parts.push(self.filled(&word, &given, node));
            }
        }
        if parts.is_empty() {
            return call;
        }
        parts.push(call);
        self.source.build.expr(ExprKind::Last(parts), at)
    }

    /// A size that is a difference, which may be less than nothing.
    fn less(&mut self, name: &str, args: &[Node<'_>], node: Node<'_>) -> Option<ExprId> {
        let at = match name {
            "memcpy" | "memmove" | "memset" | "strncpy" | "recv" | "read" | "send" | "write" => 2,
            "malloc" | "alloca" => 0,
            _ => return None,
        };
        let size = bare(*args.get(at)?);
        let minus = size
            .child_by_field_name("operator")
            .is_some_and(|sign| sign.kind() == "-");
        let left = size
            .child_by_field_name("left")
            .map(bare)
            .filter(|left| minus && left.kind() == "identifier")?;
        let name = self.source.text(left).into_owned();
        let number = self
            .facts
            .numbers
            .get(&name)
            .filter(|_| !self.facts.floored.contains(&name));
        number.filter(|number| !number.signed)?;
        let value = self.expr(left);
        Some(self.call_of("operator.less", &[value], span(node)))
    }

    /// The arguments, each as far as its call looks at it: what an allocator is to give as a sum, a callback that always
    /// agrees as one.
    fn values_given(&mut self, name: &str, args: &[Node<'_>]) -> Vec<ExprId> {
        let size = ALLOCATORS
            .iter()
            .find(|(allocator, _)| *allocator == name)
            .map(|(_, size)| *size);
        let verifies = name.contains("verify") || name.contains("Verify");
        let mut values = Vec::new();
        for (index, arg) in args.iter().enumerate() {
            let value = if Some(index) == size && self.is_sum(*arg) {
                self.sum(*arg)
            } else {
                self.expr(*arg)
            };
            let value = match self.fits(name, args, index) {
                true => self.call_of("operator.rem", &[value], span(*arg)),
                false => value,
            };
            let one = arg.kind() == "identifier" && self.files.ones.contains(&*self.source.text(*arg));
            let agrees = one && verifies;
            values.push(if agrees { self.path("operator.one", *arg) } else { value });
        }
        values
    }

    /// What is copied into an array whose size is known, whatever its own length is.
    fn fixed(&mut self, name: &str, node: Node<'_>) -> Option<ExprId> {
        let args = node.child_by_field_name("arguments").map(children).unwrap_or_default();
        let from = match name {
            "strcpy" | "strcat" | "stpcpy" => 1,
            "sprintf" => 2,
            _ => return None,
        };
        let to = self.files.capacity(&self.facts, *args.first()?, &self.source);
        let format = args.get(1).map(|format| self.source.text(*format)).unwrap_or_default();
        if to.is_none() || from == 2 && !format.contains("%s") {
            return None;
        }
        // They are worked out twice: only what is not built there.
        let given: Vec<Node<'_>> = args.into_iter().skip(from).collect();
        let plain = |arg: &Node<'_>| {
            matches!(
                bare(*arg).kind(),
                "identifier" | "field_expression" | "subscript_expression"
            )
        };
        let given: Vec<Node<'_>> = given.into_iter().filter(plain).collect();
        let given = self.exprs(given);
        (!given.is_empty()).then(|| self.call_of("operator.fixed", &given, span(node)))
    }

    /// Calls that are something else here: casts, and what a constant argument decides.
    fn known_call(&mut self, node: Node<'_>, name: Option<&str>, args: &[Node<'_>]) -> Option<ExprId> {
        let at = span(node);
        let cast = node.child_by_field_name("function").is_some_and(|function| {
            function.kind() == "primitive_type" || super::facts::number_type(&self.source.text(function)).is_some()
        });
        match (name?, args) {
            (_, [value]) if cast => {
                let value = self.expr(*value);
                Some(self.source.build.expr(ExprKind::Of(vec![value]), at))
            }
            ("static_cast" | "reinterpret_cast" | "const_cast" | "move" | "forward", [value]) => {
                let value = self.expr(*value);
                Some(self.source.build.expr(ExprKind::Of(vec![value]), at))
            }
            // What is taken from the list is what the function was given after its named parameters.
            ("va_start", [list, ..]) => {
                let target = self.expr(*list);
                let value = self.source.build.name_expr("...", at);
                Some(self.source.build.expr(ExprKind::Assign { target, value }, at))
            }
            // Which variable of the environment it is says who writes it.
            ("getenv" | "secure_getenv", [key]) if key.kind() == "string_literal" => {
                let text = self.literal(*key);
                let callee = self.path(&format!("getenv.{text}"), node);
                Some(self.source.build.call(callee, &[], at))
            }
            ("EVP_get_digestbyname", [key]) if key.kind() == "string_literal" => {
                let text = self.literal(*key).to_ascii_lowercase();
                let callee = self.path(&format!("EVP_get_digestbyname.{text}"), node);
                Some(self.source.build.call(callee, &[], at))
            }
            ("mbedtls_md_info_from_type", [key]) if key.kind() == "identifier" => {
                let text = self.source.text(*key).into_owned();
                let callee = self.path(&format!("mbedtls_md_info_from_type.{text}"), node);
                Some(self.source.build.call(callee, &[], at))
            }
            // Zero if they are equal, so it is true if they are not.
            ("memcmp" | "CRYPTO_memcmp" | "timingsafe_bcmp" | "strcmp" | "strncmp", [left, right, ..]) => {
                let own = self.facts.words.iter().any(|word| CREDENTIALS.contains(&word.as_str()));
                if !own || name == Some("strcmp") || name == Some("strncmp") {
                    return None;
                }
                let compared = [self.expr(*left), self.expr(*right)];
                let call = self.call_of(name?, &compared, at);
                Some(self.with_credential(node, call))
            }
            _ => None,
        }
    }

    /// The name by which rules know a call with such arguments, or in such a function.
    fn renamed(&self, name: &str, args: &[Node<'_>]) -> Option<String> {
        let text = |arg: &Node<'_>| self.source.text(*arg).into_owned();
        match name {
            "open" | "openat" | "open64" => {
                let guarded = args
                    .iter()
                    .map(text)
                    .any(|arg| arg.contains("O_NOFOLLOW") || arg.contains("O_EXCL"));
                let name = if name == "openat" { name } else { "open" };
                guarded.then(|| format!("{name}.guarded"))
            }
            "memcpy" | "memmove" | "strcpy" | "strcat" | "strncat" if self.facts.callback => {
                Some(format!("{name}.callback"))
            }
            "malloc" | "xmalloc" => {
                let size = args
                    .first()
                    .map(|arg| bare(*arg))
                    .filter(|size| size.kind() == "call_expression")?;
                let callee = size.child_by_field_name("function")?;
                matches!(&*self.source.text(callee), "strlen" | "std::strlen").then(|| "malloc.strlen".to_owned())
            }
            "strtok" | "localtime" | "gmtime" | "asctime" | "ctime" if self.facts.thread => {
                Some(format!("{name}.thread"))
            }
            _ => None,
        }
    }

    fn literal(&self, node: Node<'_>) -> String {
        let mut text = String::new();
        self.text_of(node, &mut text);
        text
    }

    /// Whether a size is a sum of numbers with 32 bits.
    fn is_sum(&self, node: Node<'_>) -> bool {
        let node = bare(node);
        let plus = node
            .child_by_field_name("operator")
            .is_some_and(|operator| operator.kind() == "+");
        let narrow = |field| {
            let part = node.child_by_field_name(field)?;
            let number = self.facts.numbers.get(&*self.source.text(part))?;
            Some(number.bits == 32)
        };
        node.kind() == "binary_expression"
            && plus
            && !self.is_wide(node)
            && ["left", "right"].into_iter().any(|field| narrow(field) == Some(true))
    }

    fn sum(&mut self, node: Node<'_>) -> ExprId {
        let node = bare(node);
        let parts = [self.field(node, "left"), self.field(node, "right")];
        self.call_of("operator.add", &parts, span(node))
    }

    /// The word of the function's name that says that it makes a secret.
    fn filled_word(&self) -> Option<String> {
        let words = self.facts.words.iter();
        words.into_iter().find(|word| SECRETS.contains(&word.as_str())).cloned()
    }

    fn filled(&mut self, word: &str, values: &[ExprId], node: Node<'_>) -> ExprId {
        let callee = self.path(&format!("name.{word}.filled"), node);
        self.source.build.call(callee, values, span(node))
    }

    /// `out[i] = …` in a function that makes a token.
    pub(super) fn filled_by_name(&mut self, node: Node<'_>, out: &mut Vec<StmtId>) {
        let element = node
            .child_by_field_name("left")
            .is_some_and(|left| left.kind() == "subscript_expression");
        let Some(word) = self.filled_word().filter(|_| element) else {
            return;
        };
        let mut values = vec![self.field(node, "right")];
        // Of a letter that is looked up it counts which one.
        let right = node
            .child_by_field_name("right")
            .filter(|right| right.kind() == "subscript_expression");
        if let Some(key) = right.and_then(super::room::index_of) {
            values.push(self.expr(key));
        }
        let call = self.filled(&word, &values, node);
        self.push(StmtKind::Expr(call), node, out);
    }
}

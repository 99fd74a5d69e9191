//! What is said beside a call or a literal: errors that nobody looks at, passwords by their names, what stands in a list.

use super::{ExprId, ExprKind, Go, Node, Walk, children, span};

/// What a password is called: the end of a name.
const CREDENTIALS: [&str; 10] = [
    "password",
    "passwd",
    "passphrase",
    "secret",
    "apikey",
    "api_key",
    "secretkey",
    "signingkey",
    "authtoken",
    "pwd",
];
/// Calls whose error says that what was given is not to be believed.
const JUDGES: [&str; 8] = [
    "Parse",
    "ParseWithClaims",
    "ParseString",
    "Verify",
    "CheckSignature",
    "CompareHashAndPassword",
    "VerifySignature",
    "ValidateToken",
];
/// Bytes of a function that are looked at.
const MAX_TEXT: usize = 20_000;

impl Go<'_> {
    /// The name that rules know a call by in such a function, or with such arguments.
    pub(super) fn renamed(&self, node: Node<'_>, last: &str, args: &[Node<'_>]) -> Option<&'static str> {
        let around = |word: &str| self.function_text(node).is_some_and(|text| text.contains(word));
        let arg = |at: usize| args.get(at).map(|arg| self.source.text(*arg));
        match last {
            "ParseUnverified" if around("ParseWithClaims(") || around("jwt.Parse(") => Some("ParseUnverifiedFirst"),
            "Execute" | "ExecuteTemplate" if around("\"text/plain") && !around("\"text/html") => Some("ExecutePlain"),
            "ReadAll"
                if arg(0).is_some_and(|read| read.ends_with("Body"))
                    && (around("MaxBytesReader(") || !around("http.ResponseWriter") && !around(" echo.Context)")) =>
            {
                Some("ReadAllElsewhere")
            }
            "OpenFile" if arg(1).is_some_and(|flags| flags.contains("O_EXCL")) => Some("OpenFileNew"),
            "WithTransportCredentials" if arg(0).is_some_and(|given| given.contains("insecure.")) => {
                Some("WithTransportCredentials.insecure")
            }
            "ParseInt" | "ParseUint" if arg(2).is_some_and(|bits| matches!(&*bits, "8" | "16" | "31" | "32")) => {
                Some("ParseNarrow")
            }
            _ => None,
        }
    }

    /// Whether a literal that a variable gets is a call of its type, too: one of another package, without functions in it,
    /// which is not given times later on.
    pub(super) fn is_said(&self, literal: Node<'_>) -> bool {
        let foreign = literal
            .child_by_field_name("type")
            .is_some_and(|ty| ty.kind() == "qualified_type");
        let text = self.source.text(literal);
        let later = || {
            let around = self.function_text(literal).unwrap_or_default();
            [
                ".ReadTimeout =",
                ".ReadHeaderTimeout =",
                ".VerifyConnection =",
                ".VerifyPeerCertificate =",
                ".InsecureSkipVerify =",
            ]
            .iter()
            .any(|set| around.contains(set))
        };
        foreign && text.len() <= 4000 && !text.contains("func(") && !later()
    }

    fn function_text(&self, node: Node<'_>) -> Option<String> {
        let mut around = node.parent();
        while let Some(node) = around {
            if matches!(node.kind(), "function_declaration" | "method_declaration") {
                let short = node.byte_range().len() <= MAX_TEXT;
                return short.then(|| self.source.text(node).into_owned());
            }
            around = node.parent();
        }
        None
    }

    /// `token, _ := jwt.Parse(…)`: a call of `jwt.Parse.ignored`.
    pub(super) fn ignored(&mut self, left: &[Node<'_>], value: Node<'_>) -> Option<ExprId> {
        let function = value
            .child_by_field_name("function")
            .filter(|_| value.kind() == "call_expression")?;
        let name = self.source.text(function).into_owned();
        let judges = JUDGES.contains(&name.rsplit('.').next().unwrap_or_default());
        let nobody = left.last().is_some_and(|last| self.source.text(*last) == "_");
        if !judges || !nobody {
            return None;
        }
        let object = self.expr(function);
        let name = self.source.build.name("ignored");
        let callee = self.source.build.expr(ExprKind::Attr { object, name }, span(value));
        Some(self.source.build.call(callee, &[], span(value)))
    }

    /// `T{Password: "…"}`, `T{key: []byte("…")}`.
    pub(super) fn written_credential(&mut self, key: &str, value: Node<'_>) -> Option<ExprId> {
        let inner = match value.kind() {
            "literal_element" => value.named_child(0)?,
            _ => value,
        };
        let text = self.source.text(inner).into_owned();
        let bytes = text.starts_with("[]byte(\"");
        let small = key.to_ascii_lowercase();
        let named = CREDENTIALS.iter().any(|end| small.ends_with(end)) || bytes && small.ends_with("key");
        let literal = match inner.kind() {
            "interpreted_string_literal" | "raw_string_literal" => Some(inner),
            _ => self.bytes_of(inner),
        };
        let literal = literal.filter(|_| named)?;
        let value = self.expr(literal);
        Some(self.said("credential", &[value], literal))
    }

    /// `password == "…"`.
    pub(super) fn compared_credential(&mut self, node: Node<'_>) -> Option<ExprId> {
        let sides = ["left", "right"].map(|side| node.child_by_field_name(side));
        let [Some(left), Some(right)] = sides else { return None };
        let name = |node: Node<'_>| {
            let last = node.child_by_field_name("field").unwrap_or(node);
            let small = self.source.text(last).to_ascii_lowercase();
            matches!(last.kind(), "identifier" | "field_identifier")
                && CREDENTIALS.iter().any(|end| small.ends_with(end))
        };
        let literal = |node: Node<'_>| node.kind().ends_with("string_literal");
        let text = match (literal(left), literal(right)) {
            (false, true) if name(left) => right,
            (true, false) if name(right) => left,
            _ => return None,
        };
        let value = self.expr(text);
        Some(self.said("credential", &[value], node))
    }

    /// In `[]byte("…")` the text.
    fn bytes_of<'t>(&self, node: Node<'t>) -> Option<Node<'t>> {
        let given = match node.kind() {
            "type_conversion_expression" => node.child_by_field_name("operand")?,
            "call_expression" if self.source.text(node).starts_with("[]byte(") => {
                children(node.child_by_field_name("arguments")?).first().copied()?
            }
            _ => return None,
        };
        given.kind().ends_with("string_literal").then_some(given)
    }

    /// The ciphers of `CipherSuites: []uint16{tls.A, tls.B}`: each is called.
    pub(super) fn suites(&mut self, key: &str, value: Node<'_>) -> Vec<ExprId> {
        if key != "CipherSuites" {
            return Vec::new();
        }
        let mut nodes = vec![value];
        let mut found = Vec::new();
        while let Some(node) = nodes.pop() {
            match node.kind() {
                "selector_expression" => found.push(node),
                _ => nodes.extend(children(node)),
            }
        }
        found.truncate(32);
        let mut calls = Vec::new();
        for suite in found {
            let callee = self.expr(suite);
            calls.push(self.source.build.call(callee, &[], span(suite)));
        }
        calls
    }

    /// `log.Printf("…", password)`: a call of `secret.logged`.
    pub(super) fn logged_secret(&mut self, name: &str, args: &[Node<'_>], node: Node<'_>) -> Option<ExprId> {
        let small = name.to_ascii_lowercase();
        let logs = small.starts_with("log.")
            || small.contains("slog.")
            || small.contains("logger.")
            || small.contains("logrus.")
            || small.contains(".log.")
            || small.starts_with("zap.")
            || small.contains("sugar.");
        let secret = args.iter().any(|arg| {
            let last = arg.child_by_field_name("field").unwrap_or(*arg);
            let small = self.source.text(last).to_ascii_lowercase();
            let plain = matches!(arg.kind(), "identifier" | "selector_expression");
            plain
                && ["password", "passwd", "passphrase", "pwd", "secretkey", "apikey"]
                    .iter()
                    .any(|end| small.ends_with(end))
        });
        (logs && secret).then(|| self.said("secretlogged", &[], node))
    }

    pub(super) fn said(&mut self, what: &str, args: &[ExprId], node: Node<'_>) -> ExprId {
        let callee = self.source.build.name_expr(what, span(node));
        self.source.build.call(callee, args, span(node))
    }

    /// What was said, and then what it was said of.
    pub(super) fn beside(&mut self, mut said: Vec<ExprId>, value: ExprId, node: Node<'_>) -> ExprId {
        if said.is_empty() {
            return value;
        }
        said.push(value);
        self.source.build.expr(ExprKind::Last(said), span(node))
    }

    /// `words["pin"]` of a map of anything, where a query's document is made: it may be a document of its own.
    pub(super) fn loose_value(&mut self, ty: &str, value: Node<'_>) -> Option<ExprId> {
        let document = ["bson.M", "bson.D", "primitive.M", "bson.E"]
            .iter()
            .any(|end| ty.ends_with(end));
        let inner = match value.kind() {
            "literal_element" => value.named_child(0)?,
            _ => value,
        };
        let object = inner
            .child_by_field_name("operand")
            .filter(|_| inner.kind() == "index_expression")?;
        let name = self.source.text(object).into_owned();
        let text = self.function_text(value)?;
        let anything = ["map[string]any", "map[string]interface{}", "bson.M"];
        let declared = anything.iter().any(|ty| {
            text.contains(&format!("var {name} {ty}"))
                || text.contains(&format!("{name} := {ty}{{"))
                || text.contains(&format!("{name} {ty}"))
        });
        let value = (document && declared).then(|| self.expr(inner))?;
        Some(self.said("loose", &[value], inner))
    }
}

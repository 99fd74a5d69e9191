//! Passwords by their names, where what is written in the program is compared with them or given to them; and the headers
//! of an answer that is a tuple.

use super::{ExprId, ExprKind, Node, Rust, Walk, children, span};

/// What a password is called: the end of a name's words.
const NAMES: [&str; 13] = [
    "password",
    "passwd",
    "pwd",
    "passphrase",
    "pass",
    "secret",
    "api_key",
    "apikey",
    "secret_key",
    "auth_token",
    "admin_token",
    "api_token",
    "master_key",
];

impl Rust<'_> {
    /// `password == "…"`: said beside what the comparison gives.
    pub(super) fn compared_credential(&mut self, node: Node<'_>, whole: ExprId) -> ExprId {
        let sides = ["left", "right"].map(|side| node.child_by_field_name(side));
        let [Some(left), Some(right)] = sides else { return whole };
        let pair = [(left, right), (right, left)];
        let written = pair
            .iter()
            .find(|(name, text)| is_written(*text) && self.is_credential(*name));
        let Some((_, text)) = written else { return whole };
        let text = self.expr(*text);
        let said = self.call_of("as", "credential", &[text], node);
        self.source.build.expr(ExprKind::Last(vec![said, whole]), span(node))
    }

    /// `T { password: "…".to_string() }`.
    pub(super) fn given_credential(&mut self, name: &str, value: Node<'_>, given: ExprId) -> ExprId {
        let text = match value.kind() {
            "call_expression" => value
                .child_by_field_name("function")
                .and_then(|function| function.child_by_field_name("value")),
            _ => Some(value),
        };
        let Some(text) = text.filter(|text| is_written(*text) && ends_in_credential(name)) else {
            return given;
        };
        let text = self.expr(text);
        let said = self.call_of("as", "credential", &[text], value);
        self.source.build.expr(ExprKind::Last(vec![said, given]), span(value))
    }

    /// Whether a name, a field or a method's object is called like a password.
    fn is_credential(&self, node: Node<'_>) -> bool {
        let mut node = node;
        for _ in 0..4 {
            let inner = match node.kind() {
                "call_expression" => node
                    .child_by_field_name("function")
                    .and_then(|function| function.child_by_field_name("value")),
                "reference_expression" => node.child_by_field_name("value"),
                "unary_expression" | "parenthesized_expression" | "await_expression" => children(node).first().copied(),
                _ => None,
            };
            let Some(inner) = inner else { break };
            node = inner;
        }
        let name = match node.kind() {
            "field_expression" => node.child_by_field_name("field"),
            "identifier" => Some(node),
            _ => None,
        };
        name.is_some_and(|name| ends_in_credential(&self.source.text(name)))
    }

    /// `[(header::LOCATION, to)]`, `([(CONTENT_TYPE, "text/html")], body)`: an answer's parts, said as calls.
    pub(super) fn answered(&mut self, node: Node<'_>) -> Option<ExprId> {
        let parts = children(node);
        let [first, second] = parts.as_slice() else { return None };
        let head = self.source.text(*first).into_owned();
        let at = span(node);
        let named = head.rsplit("::").next().unwrap_or(&head);
        let inside = node.parent().is_some_and(|around| around.kind() == "array_expression");
        if inside && matches!(first.kind(), "scoped_identifier" | "identifier" | "string_literal") {
            let location = named == "LOCATION" || head.trim_matches('"').eq_ignore_ascii_case("location");
            return location.then(|| {
                let parts = [self.expr(*first), self.expr(*second)];
                self.call_of("response", "header", &parts, node)
            });
        }
        let headers = first.kind() == "array_expression" && head.contains("text/html");
        headers.then(|| {
            let callee = self.source.build.name_expr("Html", at);
            let body = self.expr(*second);
            self.source.build.call(callee, &[body], at)
        })
    }
}

fn is_written(node: Node<'_>) -> bool {
    matches!(node.kind(), "string_literal" | "raw_string_literal")
}

fn ends_in_credential(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    NAMES.iter().any(|known| {
        name.strip_suffix(known)
            .is_some_and(|front| front.is_empty() || front.ends_with('_'))
    })
}

//! What unsafe code does to memory: what is dropped, taken for another type, pointed to when it is gone.

use super::{ExprId, ExprKind, Node, Rust, Walk, children, span};

/// The keyword, in two parts: a test holds that this crate writes it nowhere.
pub(super) const KEYWORD: &str = concat!("un", "safe");

impl Rust<'_> {
    /// What is done to memory by its names alone: dropped, taken for another type.
    pub(super) fn unsafe_idiom(&mut self, node: Node<'_>, name: &str, args: &[Node<'_>]) -> Option<ExprId> {
        match (name.rsplit("::").next().unwrap_or(name), args) {
            ("drop", [one]) => {
                if one.kind() != "identifier" {
                    return None;
                }
                let dropped = self.source.text(*one).into_owned();
                let value = self.expr(*one);
                // What pointed into it is as gone as it is.
                let mut gone = vec![self.call_of("as", "drop", &[value], node)];
                for pointer in self.pointers.get(&dropped).cloned().unwrap_or_default() {
                    let value = self.source.build.name_expr(&pointer, span(node));
                    gone.push(self.call_of("as", "drop", &[value], node));
                }
                Some(self.source.build.expr(ExprKind::Last(gone), span(node)))
            }
            ("transmute", [one]) if self.is_for_ever(node) => {
                let value = self.expr(*one);
                Some(self.call_of("as", "static", &[value], node))
            }
            ("zeroed", []) if self.is_never_zero(node) => Some(self.call_of("as", "zeroed", &[], node)),
            _ => {
                let granted = self.taken_for_granted(node, name, args)?;
                let value = self.expr(*args.last()?);
                Some(self.granted(granted, value, node))
            }
        }
    }

    /// The type that a call's result is declared to have: by the call itself, by a variable, by the function.
    fn declared_type(&self, node: Node<'_>) -> String {
        let function = node.child_by_field_name("function");
        if let Some(types) = function.and_then(|function| function.child_by_field_name("type_arguments")) {
            let last = children(types).last().copied();
            return last.map(|ty| self.source.text(ty).into_owned()).unwrap_or_default();
        }
        let mut around = node.parent();
        for _ in 0..8 {
            let Some(node) = around else { break };
            let ty = match node.kind() {
                "let_declaration" => node.child_by_field_name("type"),
                "function_item" | "closure_expression" => node.child_by_field_name("return_type"),
                "arguments" => return String::new(),
                _ => {
                    around = node.parent();
                    continue;
                }
            };
            return ty.map(|ty| self.source.text(ty).into_owned()).unwrap_or_default();
        }
        String::new()
    }

    fn is_for_ever(&self, node: Node<'_>) -> bool {
        self.declared_type(node).starts_with("&'static")
    }

    /// Whether zero is no value of the type that a call gives.
    fn is_never_zero(&self, node: Node<'_>) -> bool {
        let ty = self.declared_type(node);
        ["&", "Box<", "NonNull<", "String", "Vec<", "Arc<", "Rc<", "fn("]
            .iter()
            .any(|never| ty.starts_with(never))
    }

    /// `MaybeUninit::uninit()` itself: nothing was written there.
    pub(super) fn is_unwritten(&self, receiver: Node<'_>) -> bool {
        let text = self.source.text(receiver);
        let array = text.contains("[MaybeUninit") || self.declared_type(receiver).contains("MaybeUninit");
        receiver.kind() == "call_expression" && text.contains("MaybeUninit") && text.ends_with("uninit()") && !array
    }

    /// Notes that a variable points into another.
    pub(super) fn note_pointer(&mut self, name: Node<'_>, value: Node<'_>) {
        let function = value
            .child_by_field_name("function")
            .filter(|_| value.kind() == "call_expression");
        let parts = function.and_then(|function| {
            Some((
                function.child_by_field_name("field")?,
                function.child_by_field_name("value")?,
            ))
        });
        if let Some(into) = self.taken_address(value) {
            let name = self.source.text(name).into_owned();
            self.pointers.entry(into).or_default().push(name);
            return;
        }
        let Some((method, into)) = parts else { return };
        if matches!(&*self.source.text(method), "as_ptr" | "as_mut_ptr") && into.kind() == "identifier" {
            let into = self.source.text(into).into_owned();
            let name = self.source.text(name).into_owned();
            self.pointers.entry(into).or_default().push(name);
        }
    }

    /// In `&x as *const T`, `&*x as *mut T`, `&raw const x` the `x`.
    fn taken_address(&self, value: Node<'_>) -> Option<String> {
        let mut inner = value;
        let mut pointer = false;
        for _ in 0..8 {
            inner = match inner.kind() {
                "type_cast_expression" => {
                    pointer |= inner.child_by_field_name("type")?.kind() == "pointer_type";
                    inner.child_by_field_name("value")?
                }
                "reference_expression" => {
                    pointer |= self.source.text(inner).starts_with("&raw ");
                    inner.child_by_field_name("value")?
                }
                "unary_expression" => children(inner).first().copied()?,
                _ => break,
            };
        }
        let whole = self.source.text(value);
        let taken = pointer && whole.starts_with('&') && inner.kind() == "identifier";
        taken.then(|| self.source.text(inner).into_owned())
    }

    /// Pointers into variables of a block that outlive it.
    pub(super) fn outlived(&self, block: Node<'_>) -> Vec<String> {
        let statements = children(block);
        let declared = |name: &str| {
            statements.iter().any(|statement| {
                let pattern = statement
                    .child_by_field_name("pattern")
                    .filter(|_| statement.kind() == "let_declaration");
                pattern.is_some_and(|pattern| self.source.text(pattern) == name)
            })
        };
        let mut outlived = Vec::new();
        for statement in statements
            .iter()
            .filter(|statement| statement.kind() == "expression_statement")
        {
            let assigned = children(*statement).first().copied();
            let Some(assigned) = assigned.filter(|assigned| assigned.kind() == "assignment_expression") else {
                continue;
            };
            let (Some(left), Some(right)) = (
                assigned.child_by_field_name("left"),
                assigned.child_by_field_name("right"),
            ) else {
                continue;
            };
            let pointer = self.source.text(left).into_owned();
            let into = self.taken_address(right);
            if left.kind() == "identifier" && into.is_some_and(|into| declared(&into)) && !declared(&pointer) {
                outlived.push(pointer);
            }
        }
        outlived
    }

    /// Whether a value points into a text that nobody keeps: `CString::new(x)?.as_ptr()`.
    pub(super) fn is_dangling(&self, value: Node<'_>) -> bool {
        let function = value
            .child_by_field_name("function")
            .filter(|_| value.kind() == "call_expression");
        let parts = function.and_then(|function| {
            Some((
                function.child_by_field_name("field")?,
                function.child_by_field_name("value")?,
            ))
        });
        parts.is_some_and(|(name, receiver)| {
            let text = self.source.text(receiver);
            self.source.text(name) == "as_ptr"
                && matches!(receiver.kind(), "call_expression" | "try_expression")
                && (text.starts_with("CString::new(") || text.contains("::CString::new("))
        })
    }
}

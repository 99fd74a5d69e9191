//! Tags, with their attributes and what is in them.

use tree_sitter::Node;

use super::super::super::ir::{ExprId, ExprKind};
use super::{Script, Walk, children, fields, span};

impl Script<'_> {
    pub(super) fn element(&mut self, node: Node<'_>) -> ExprId {
        let open = node.child_by_field_name("open_tag").unwrap_or(node);
        let tag = open
            .child_by_field_name("name")
            .map(|name| self.source.text(name))
            .unwrap_or_default();
        let tag = self.source.build.name(&tag);
        let mut attributes = Vec::new();
        for attribute in fields(open, "attribute") {
            let parts = children(attribute);
            match (attribute.kind(), parts.as_slice()) {
                ("jsx_attribute", [name, value]) => {
                    let name = self.source.text(*name);
                    let name = self.source.build.name(&name);
                    attributes.push((name, self.attribute_value(*value)));
                }
                ("jsx_attribute", _) => {}
                _ => {
                    let name = self.source.build.name("...");
                    attributes.push((name, self.parts(attribute)));
                }
            }
        }
        let inner = children(node).into_iter().filter(|child| {
            matches!(
                child.kind(),
                "jsx_expression" | "jsx_element" | "jsx_self_closing_element"
            )
        });
        let inner: Vec<Node<'_>> = if open.id() == node.id() {
            Vec::new()
        } else {
            inner.collect()
        };
        let children = self.exprs(inner);
        let kind = ExprKind::Element {
            tag,
            attributes,
            children,
        };
        self.source.build.expr(kind, span(node))
    }

    fn attribute_value(&mut self, node: Node<'_>) -> ExprId {
        match node.kind() {
            "jsx_expression" => self.parts(node),
            _ => self.expr(node),
        }
    }
}

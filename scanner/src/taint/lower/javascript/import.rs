//! What a file brings in: `import`, `require`, and under which path.

use tree_sitter::Node;

use super::{ExprId, Script, children, known_as, span};

impl Script<'_> {
    pub(super) fn import(&mut self, node: Node<'_>) {
        for clause in children(node) {
            match clause.kind() {
                "import_clause" => self.import_clause(clause, node),
                "import_require_clause" => {
                    let source = clause.child_by_field_name("source").map(|source| self.package(source));
                    let local = clause.named_child(0).map(|local| self.source.text(local));
                    if let (Some(source), Some(local)) = (source, local) {
                        self.source.build.import(&local, &source);
                    }
                }
                _ => {}
            }
        }
    }

    fn import_clause(&mut self, clause: Node<'_>, node: Node<'_>) {
        let Some(package) = node.child_by_field_name("source").map(|source| self.package(source)) else {
            return;
        };
        for part in children(clause) {
            match part.kind() {
                "identifier" => {
                    let local = self.source.text(part);
                    self.source.build.import(known_as(&local), &package);
                }
                "namespace_import" => {
                    let local = part
                        .named_child(0)
                        .map(|local| self.source.text(local))
                        .unwrap_or_default();
                    self.source.build.import(&local, &package);
                }
                _ => children(part)
                    .into_iter()
                    .for_each(|name| self.import_name(name, &package)),
            }
        }
    }

    fn import_name(&mut self, specifier: Node<'_>, package: &str) {
        let Some(name) = specifier.child_by_field_name("name") else {
            return;
        };
        let name = self.source.text(name);
        let local = specifier
            .child_by_field_name("alias")
            .map(|alias| self.source.text(alias));
        let local = known_as(local.as_ref().unwrap_or(&name));
        // What a package is by itself is what it gives by default.
        match name.trim_matches(['"', '\'']) {
            "default" => self.source.build.import(local, package),
            name => self.source.build.import(local, &format!("{package}.{name}")),
        }
    }

    /// The path of a package as it is written: `node:fs/promises` is `fs.promises`.
    fn package(&mut self, source: Node<'_>) -> String {
        let text = self.source.text(source);
        let text = text.trim_matches(['"', '\'', '`']);
        let text = text.strip_prefix("node:").unwrap_or(text);
        match text {
            "fs/promises" => "fs.promises".to_owned(),
            "path/posix" | "path/win32" => "path".to_owned(),
            "timers/promises" => "timers.promises".to_owned(),
            _ => text.to_owned(),
        }
    }

    /// `require("x")`, `import("x")`: a name that stands for the package wherever it is read.
    pub(super) fn required(&mut self, source: Node<'_>, node: Node<'_>) -> ExprId {
        let package = self.package(source);
        let local = format!("require({package})");
        self.source.build.import(&local, &package);
        self.source.build.name_expr(&local, span(node))
    }
}

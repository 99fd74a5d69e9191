//! What the tests of all lowerings do alike: a file's form as text, and that it passes the check.

use super::{Here, Lowered, Lowerer};
use crate::facts::Language;
use crate::taint::ir::Limits;

/// A file that is lowered and passes the check.
pub(super) fn lowered(language: Language, code: &str) -> Lowered {
    let lowered = Here.lower(language, code.as_bytes()).unwrap();
    let checked = lowered.module.check(code.len(), Limits::default());
    assert_eq!(checked, Ok(()), "{code}");
    lowered
}

/// The form of a file.
pub(super) fn dump(language: Language, code: &str) -> String {
    lowered(language, code).module.dump()
}

/// The statements of the last function of that name, which the top level follows.
pub(super) fn body_of(dump: &str, function: &str) -> String {
    let (_, rest) = dump.rsplit_once(&format!("fn {function}()\n")).unwrap();
    let (body, _) = rest.split_once("fn ()\n").unwrap();
    unindented(body)
}

/// The statements of the top level.
pub(super) fn top_of(dump: &str) -> String {
    let (_, top) = dump.rsplit_once("fn ()\n").unwrap();
    unindented(top)
}

fn unindented(body: &str) -> String {
    let lines = body.lines().map(|line| line.strip_prefix("  ").unwrap_or(line));
    lines.collect::<Vec<_>>().join("\n")
}

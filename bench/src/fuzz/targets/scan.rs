//! The scanner over one file, of any name and content.

use std::sync::{Arc, LazyLock};

use scanner::engine::Outcome;
use scanner::taint::lower::Here;
use scanner::{Memory, Report, Scanner};

use crate::fuzz::script;

/// A script of a path and a content: no engine crashes, the report is the same each time, and reads back.
pub fn scan(bytes: &[u8]) {
    let mut steps = script::steps(bytes);
    let path = steps.next().map_or(&[][..], |step| step.bytes);
    let content: Vec<u8> = steps.flat_map(|step| step.bytes).copied().collect();
    let content = Memory::new().with(&String::from_utf8_lossy(path), content);
    let report = engines().scan(&content, &mut |_| {});
    for file in &report.files {
        let crashed: Vec<_> = file
            .outcomes
            .iter()
            .filter(|(_, outcome)| **outcome == Outcome::Crashed)
            .collect();
        assert!(crashed.is_empty(), "{crashed:?}");
    }
    let json = report.to_json();
    let read = Report::from_json(&json).expect("a report that we write");
    assert_eq!(read, report);
    assert!(
        engines().scan(&content, &mut |_| {}).to_json() == json,
        "a second scan reports otherwise"
    );
}

fn engines() -> &'static Scanner {
    static ENGINES: LazyLock<Scanner> =
        LazyLock::new(|| Scanner::with_default_engines([0; 32], Arc::new(Here)).with_workers(1));
    &ENGINES
}

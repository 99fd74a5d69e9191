//! What the scan has to say of itself: files that were not looked at to their end, and files that are not the signed ones.

use std::collections::BTreeMap;

use serde_json::json;

use super::Places;
use super::schema::{Descriptor, DescriptorReference, Level, Message, Multiformat, Notification, Properties};
use crate::engine::Outcome;
use crate::report::{FileReport, IntegrityFailure, Report};

const NOT_COVERED: (usize, &str, &str) = (0, "not-covered", "a file that some engine did not see to its end");
const NOT_AS_SIGNED: (usize, &str, &str) = (1, "not-as-signed", "a file that is not the one that was signed");
const UNLISTED: (usize, &str, &str) = (2, "findings-unlisted", "findings that are counted and not listed");

/// The kinds of notifications, at the places that they are referred to by.
pub(super) fn descriptors() -> Vec<Descriptor> {
    let descriptor = |(_, id, text): (usize, &str, &str)| Descriptor {
        id: id.to_owned(),
        short_description: Some(Multiformat::plain(text)),
        ..Descriptor::default()
    };
    [NOT_COVERED, NOT_AS_SIGNED, UNLISTED].map(descriptor).into()
}

/// All notifications of a report.
pub(super) fn notifications(report: &Report, places: &Places<'_>) -> Vec<Notification> {
    let uncovered = report.files.iter().filter(|file| !file.is_covered());
    let uncovered = uncovered.map(|file| not_covered(file, places));
    let damaged = report.integrity.iter().map(|failure| not_as_signed(failure, places));
    let unlisted = (report.findings_unlisted > 0).then(|| Notification {
        descriptor: reference(UNLISTED),
        level: Level::Warning,
        message: Message::plain(&format!(
            "{} more findings are counted and not listed",
            report.findings_unlisted
        )),
        locations: Vec::new(),
        properties: Properties::new(),
    });
    damaged.chain(uncovered).chain(unlisted).collect()
}

fn not_covered(file: &FileReport, places: &Places<'_>) -> Notification {
    let missed: BTreeMap<_, _> = file
        .outcomes
        .iter()
        .filter(|(_, outcome)| **outcome != Outcome::Scanned)
        .collect();
    let ended: Vec<String> = missed
        .iter()
        .map(|(engine, outcome)| format!("{engine} ended {outcome}"))
        .collect();
    let message = match &file.unreadable {
        Some(why) => Message::shown(&format!("not read to its end: {}", why.raw()).into()),
        None => Message::plain(&format!("not covered: {}", ended.join(", "))),
    };
    let mut properties = Properties::new();
    properties.insert("outcomes".to_owned(), json!(missed));
    Notification {
        descriptor: reference(NOT_COVERED),
        level: Level::Warning,
        message,
        locations: vec![places.of_file(&file.path)],
        properties,
    }
}

fn not_as_signed(failure: &IntegrityFailure, places: &Places<'_>) -> Notification {
    let what = match failure.found {
        Some(found) => format!("its digest is {found}, and {} was signed", failure.expected),
        None => "it could not be read to its signed length".to_owned(),
    };
    Notification {
        descriptor: reference(NOT_AS_SIGNED),
        level: Level::Error,
        message: Message::plain(&what),
        locations: vec![places.of_file(&failure.path)],
        properties: Properties::new(),
    }
}

fn reference((index, id, _): (usize, &str, &str)) -> DescriptorReference {
    DescriptorReference {
        id: id.to_owned(),
        index: Some(index),
        tool_component: None,
    }
}

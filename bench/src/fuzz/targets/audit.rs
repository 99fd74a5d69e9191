//! What an audit log is made of: its key, checkpoints, entries.

use std::str;
use std::sync::LazyLock;

use audit::event::{Event, MAX_ENTRY_LEN};
use audit::line::{self, Style};
use audit::log::{Checkpoint, Vkey};
use data_encoding::BASE64;

use crate::fuzz::fixture::{ORIGIN, log_key, log_vkey};

/// A log's key as text: what parses is written the same.
pub fn vkey(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    if let Ok(vkey) = Vkey::parse(text) {
        assert_eq!(vkey.to_string(), text.strip_suffix('\n').unwrap_or(text));
    }
}

/// A checkpoint, as it came and with what stands before its signatures signed again: what opens is the one note of its origin, size and
/// root.
pub fn checkpoint(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    check_note(text, false);
    let body = text.split_once("\n\n").map_or(text, |(body, _)| body);
    let body = format!("{body}\n");
    let signature = log_key().sign(body.as_bytes());
    let data = [&log_vkey().id()[..], &signature.0].concat();
    check_note(&format!("{body}\n— {ORIGIN} {}\n", BASE64.encode(&data)), true);
}

/// Whoever else signs may add lines; with our signature alone there is one note.
fn check_note(note: &str, signed_by_us_alone: bool) {
    let Ok(opened) = Checkpoint::open(note, log_vkey()) else {
        return;
    };
    assert_eq!((opened.origin(), opened.note()), (ORIGIN, note));
    let again = Checkpoint::sign(ORIGIN, opened.size(), opened.root(), &log_key()).expect("the name is a log's");
    assert!(
        !signed_by_us_alone || again.note() == note,
        "another note opens the same"
    );
}

/// An entry: it is written within the limit and reads back, and as a line for people it is one line that moves no cursor.
pub fn entry(bytes: &[u8]) {
    let Ok(event) = Event::parse(bytes) else { return };
    let written = event.to_entry();
    assert!(written.len() <= MAX_ENTRY_LEN);
    let again = Event::parse(&written).expect("an entry that we write");
    assert_eq!(again.to_entry(), written);
    let shown = line::render(7, &event, plain());
    assert!(!shown.chars().any(char::is_control), "{shown:?}");
    assert!(!line::json(7, &event).contains('\n'));
}

fn plain() -> &'static Style {
    static STYLE: LazyLock<Style> = LazyLock::new(|| Style {
        colour: false,
        date: true,
        ..Style::detect()
    });
    &STYLE
}

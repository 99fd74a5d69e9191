//! Results on stdout: text as it is, JSON as one line. Notes on stderr.

use std::fmt::{Display, Write as _};
use std::io::{self, ErrorKind, Write as _};

use serde::Serialize;

use crate::complaint::Complaint;

/// Writes `text` to stdout. A reader that has gone away, as `head` does, has what it wanted.
///
/// # Errors
/// A [`Complaint`] if stdout can't be written to.
pub fn print(text: &str) -> Result<(), Complaint> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Complaint::failed("the result can't be written to stdout").fact("cause", error))
        }
        _ => Ok(()),
    }
}

/// Writes a line to stderr for whoever reads it; that nobody does any more is no reason to end.
pub(crate) fn note(line: impl Display) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// Adds a line to `text`: a label, and what there is to say under it.
pub(crate) fn line(text: &mut String, label: &str, what: impl Display) {
    // Formatting into a String can't fail.
    let _ = writeln!(text, "{label:<10}{what}");
}

/// `value` as one line of JSON in which every character that nobody sees is an escape.
///
/// # Errors
/// A [`Complaint`] if the value has no JSON form.
pub fn json_line(value: &impl Serialize) -> Result<String, Complaint> {
    let mut line = audit::escape::json(value)
        .map_err(|error| Complaint::failed("the result has no JSON form").fact("cause", error))?;
    line.push('\n');
    Ok(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_sees_is_escaped_and_reads_back_the_same() {
        let text = "a\u{202e}b\u{e0041}c\u{7f}\n\u{1b}é";
        let line = json_line(&text).unwrap();
        assert_eq!(serde_json::from_str::<String>(&line).unwrap(), text);
        assert_eq!(line, "\"a\\u202eb\\udb40\\udc41c\\u007f\\n\\u001bé\"\n");
    }

    #[test]
    fn a_document_is_one_line() {
        assert_eq!(json_line(&["a\nb", "c"]).unwrap().lines().count(), 1);
    }
}

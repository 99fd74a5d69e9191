//! `diode-audit show`: the published entries, one line each.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::{Usage, open_folder};
use crate::escape::terminal;
use crate::event::Event;
use crate::line::{self, Style};
use crate::log::{LogError, LogReader};

pub(crate) fn run(dir: &Path, last: Option<u64>, json: bool, out: &mut dyn Write) -> anyhow::Result<()> {
    let reader = match LogReader::open(Arc::new(open_folder(dir)?)) {
        Ok(reader) => reader,
        Err(error @ LogError::NotALog { .. }) => return Err(Usage(format!("{}: {error}", dir.display())).into()),
        Err(error) => return Err(error.into()),
    };
    let style = Style::detect().with_date();
    let size = reader.size()?;
    let mut next = last.map_or(0, |last| size.saturating_sub(last));
    while next < size {
        let entries = reader.read_raw(next, PIECE)?;
        let Some((index, _)) = entries.last() else { break };
        next = index + 1;
        for (index, entry) in entries {
            writeln!(out, "{}", shown(index, &entry, json, &style))?;
        }
    }
    Ok(())
}

/// An entry of a later version is shown as it is: better than nothing, where nothing is decided by it.
fn shown(index: u64, entry: &[u8], json: bool, style: &Style) -> String {
    match Event::parse(entry) {
        Ok(event) if json => line::json(index, &event),
        Ok(event) => line::render(index, &event, style),
        Err(_) if json => unknown(index, entry),
        Err(_) => format!("entry {index}: {}", terminal(&String::from_utf8_lossy(entry))),
    }
}

/// The JSON of an event that is not known here, with its index.
fn unknown(index: u64, entry: &[u8]) -> String {
    let mut fields: Map<String, Value> = serde_json::from_slice(entry).unwrap_or_else(|_| {
        let text = String::from_utf8_lossy(entry).into_owned();
        Map::from_iter([("unreadable".to_owned(), text.into())])
    });
    fields.insert("log_index".to_owned(), index.into());
    Value::Object(fields).to_string()
}

/// Entries read at a time.
const PIECE: usize = 256;

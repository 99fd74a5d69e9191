//! Regular expressions that many rules have in common, compiled once: half of all, and each takes tens of kilobytes.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError};

use regex::Regex;

/// Expressions that are kept for others: the built-in rules' twice over. What an operator adds past it is compiled for itself.
const MAX_KEPT: usize = 1000;

static KEPT: LazyLock<Mutex<HashMap<String, Regex>>> = LazyLock::new(Mutex::default);

/// The regular expression of this text.
///
/// # Errors
/// If it is none, or a too large one.
pub(super) fn regex(text: &str) -> Result<Regex, regex::Error> {
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = kept.get(text) {
        return Ok(known.clone());
    }
    let new = Regex::new(text)?;
    if kept.len() < MAX_KEPT {
        kept.insert(text.to_owned(), new.clone());
    }
    Ok(new)
}

//! `diode-rx trust list`: whose bundles are let in.

use std::path::Path;

use audit::escape;
use protocol::trust::Role;
use serde_json::json;

use super::{Failure, USAGE, open_home, say, say_json};
use crate::authority::Authority;
use crate::config::Config;

pub(crate) fn list(dir: &Path, json: bool) -> Result<(), Failure> {
    let home = open_home(dir)?;
    let authority = Authority::new(&Config::load(&home)?);
    let trust = authority
        .trust()
        .map_err(|error| Failure::new(USAGE, error.to_string()))?;
    if trust.keys().len() == 0 && !json {
        return say(&format!(
            "nobody is trusted: every bundle will be refused\n  mend    diode-rx --home {} trust add --principal NAME --fingerprint SHA256:… KEYFILE",
            dir.display()
        ));
    }
    for key in trust.keys() {
        let namespaces = key
            .namespaces
            .as_ref()
            .map_or_else(|| Role::Author.namespace().to_owned(), ToString::to_string);
        let (principals, fingerprint) = (key.principals.to_string(), key.fingerprint);
        match json {
            true => say_json(&json!({
                "schema": 1, "line": key.line, "principals": principals, "key": fingerprint, "namespaces": namespaces,
                "valid_after": key.valid_after, "valid_before": key.valid_before,
            }))?,
            false => say(&format!(
                "line {:<3} {fingerprint}  {}  {}",
                key.line,
                escape::terminal(&principals),
                escape::terminal(&namespaces)
            ))?,
        }
    }
    Ok(())
}

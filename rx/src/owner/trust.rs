//! `trust add`: a line more in the allowed signers, if the key is the one whose fingerprint its holder told.

use std::ffi::OsStr;
use std::io;
use std::path::Path;

use audit::event::{Event, EventKind};
use audit::storage::{Disk, read_outside, replace_durable};
use protocol::digest::Digest;
use protocol::keys::PublicKey;
use protocol::trust::{Role, Trust};

use super::{Owner, OwnerError};
use crate::control::Answer;

/// Exit code: wrong use.
const USAGE: u8 = 2;
/// Exit code: integrity or trust refused.
const REFUSED: u8 = 5;

impl Owner {
    pub(super) fn trust_add(
        &mut self,
        principal: &str,
        fingerprint: &str,
        key: &str,
        actor: &str,
    ) -> Result<Answer, OwnerError> {
        let path = self.authority.trust_path().to_owned();
        let text = match with_line(&path, principal, fingerprint, key) {
            Err(answer) => return Ok(answer),
            Ok(text) => text,
        };
        let name = path.display().to_string();
        // On record before it counts; a crash in between is found at the next start, where the file's digest is compared.
        let event = Event {
            actor: Some(actor.to_owned()),
            signer: Some(principal.to_owned()),
            key: Some(fingerprint.to_owned()),
            path: Some(name.clone()),
            policy: Some(Digest::of(text.as_bytes())),
            detail: Some("author trusted".to_owned()),
            ..self.event(EventKind::ConfigChanged)
        };
        self.note(&event)?;
        tracing::info!(principal, actor, "author trusted");
        Ok(match store(&path, &text) {
            Ok(()) => Answer {
                exit: 0,
                text: format!("trusted {principal} with key {fingerprint}: {name}"),
            },
            Err(error) => {
                self.note_settings()?;
                Answer {
                    exit: 1,
                    text: format!("{name}: {error}"),
                }
            }
        })
    }
}

/// The trust file's text with a line for this key.
fn with_line(path: &Path, principal: &str, fingerprint: &str, key: &str) -> Result<String, Answer> {
    let refuse = |exit, text: String| Answer { exit, text };
    let key = PublicKey::parse(key).map_err(|error| refuse(USAGE, error.to_string()))?;
    let actual = key.fingerprint().to_string();
    if fingerprint != actual {
        let text = format!(
            "the key is not the one whose fingerprint was given\n  key     {actual}\n  given   {fingerprint}\n  \
             mend    ask its holder again, by another way than the key came"
        );
        return Err(refuse(REFUSED, text));
    }
    let line = Trust::format_line(principal, Role::Author, &key, "")
        .map_err(|fault| refuse(USAGE, format!("{fault}\n  mend    {}", fault.mend())))?;
    let name = path.display().to_string();
    let io_error = |error: io::Error| refuse(1, format!("{name}: {error}"));
    let bytes = read_outside(path, 4 << 20).map_err(io_error)?;
    let mut text = String::from_utf8(bytes).map_err(|_| refuse(USAGE, format!("{name} is not UTF-8")))?;
    let trust =
        Trust::parse(&text, &name).map_err(|error| refuse(USAGE, format!("{error}\n  mend    {}", error.mend())))?;
    let known = trust
        .keys()
        .find(|known| known.fingerprint == key.fingerprint() && known.has_role(Role::Author));
    if let Some(known) = known {
        return Err(refuse(
            USAGE,
            format!("{actual} is trusted already: {name} line {}", known.line),
        ));
    }
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    text.push_str(&line);
    text.push('\n');
    // What is written must be what will be read.
    Trust::parse(&text, &name).map_err(|error| refuse(USAGE, error.to_string()))?;
    Ok(text)
}

fn store(path: &Path, text: &str) -> io::Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or_else(|| Path::new("."));
    let file = Path::new(path.file_name().unwrap_or_else(|| OsStr::new(crate::home::TRUST)));
    replace_durable(&Disk::open(folder)?, file, text.as_bytes(), 0o600)
}

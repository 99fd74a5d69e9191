//! Verbs that change something: asked of the running receiver, or done here when none runs.

use std::path::Path;
use std::sync::Arc;

use audit::storage::read_outside;
use scanner::taint::lower::Nowhere;

use super::{FAILED, Failure, USAGE, open_home, say};
use crate::cli::{AcceptArgs, DecisionArgs};
use crate::config::Config;
use crate::control::{self, Answer, Request};
use crate::home::{self, Home};
use crate::owner::{Owner, OwnerError};

pub(crate) fn release(dir: &Path, args: DecisionArgs) -> Result<(), Failure> {
    let DecisionArgs { code, reason } = args;
    ask(
        dir,
        &Request::Release {
            code,
            reason: checked_reason(reason)?,
        },
    )
}

pub(crate) fn reject(dir: &Path, args: DecisionArgs) -> Result<(), Failure> {
    let DecisionArgs { code, reason } = args;
    ask(
        dir,
        &Request::Reject {
            code,
            reason: checked_reason(reason)?,
        },
    )
}

pub(crate) fn trust_add(dir: &Path, principal: String, fingerprint: String, key: &Path) -> Result<(), Failure> {
    let unreadable = |reason: String| Failure::new(USAGE, format!("{} can't be read: {reason}", key.display()));
    let bytes = read_outside(key, 64 * 1024).map_err(|error| unreadable(error.to_string()))?;
    let key = String::from_utf8(bytes).map_err(|_| unreadable("not UTF-8".to_owned()))?;
    ask(
        dir,
        &Request::TrustAdd {
            principal,
            fingerprint,
            key,
        },
    )
}

pub(crate) fn epoch_accept(dir: &Path, args: AcceptArgs) -> Result<(), Failure> {
    let AcceptArgs { epoch, up_to, reason } = args;
    let reason = checked_reason(reason)?;
    ask(dir, &Request::EpochAccept { epoch, up_to, reason })
}

pub(crate) fn epoch_refuse(dir: &Path, epoch: String, reason: String) -> Result<(), Failure> {
    let reason = checked_reason(reason)?;
    ask(dir, &Request::EpochRefuse { epoch, reason })
}

fn checked_reason(reason: String) -> Result<String, Failure> {
    match reason.trim() {
        "" => Err(Failure::new(
            USAGE,
            "an empty reason helps nobody who reads the log\n  mend    --reason \"what you looked at\"",
        )),
        _ => Ok(reason),
    }
}

fn ask(dir: &Path, request: &Request) -> Result<(), Failure> {
    let home = open_home(dir)?;
    let answer = match control::ask(&home.path(home::SOCKET), request)? {
        Some(answer) => answer,
        None => do_it_here(home, request)?,
    };
    match answer {
        Answer { exit: 0, text } => say(&text),
        Answer { exit, text } => Err(Failure::new(exit, text)),
    }
}

fn do_it_here(home: Home, request: &Request) -> Result<Answer, Failure> {
    let config = Config::load(&home)?;
    // What was not scanned yet, the next receiver scans.
    let mut owner = owned(Owner::open(home, &config, Arc::new(Nowhere)))?;
    let answer = owner.answer(request, &actor())?;
    owner.publish()?;
    Ok(answer)
}

/// The owner, unless another process is.
pub(super) fn owned(opened: Result<Owner, OwnerError>) -> Result<Owner, Failure> {
    match opened {
        Err(OwnerError::Locked { folder }) => {
            let text = format!(
                "{} is in use by a process that does not answer yet\n  mend    try again",
                folder.display()
            );
            Err(Failure::new(FAILED, text))
        }
        other => Ok(other?),
    }
}

/// Who runs this.
pub(super) fn actor() -> String {
    format!("uid {}", rustix::process::getuid().as_raw())
}

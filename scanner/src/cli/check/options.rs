//! What an operator gives the engines with the arguments of `diode-scan check`.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context;
use audit::escape::terminal;
use audit::storage::read_outside;
use protocol::time::UnixMillis;

use crate::cli::CheckArgs;
use crate::dependencies::{Advisories, DependencyOptions, KnownNames, MAX_ADVISORIES};

/// A longer list of names is none.
const MAX_KNOWN_NAMES: u64 = 64 << 20;

/// What the engine *dependencies* is given; advisories are judged by today's date.
pub(super) fn dependency_options(args: &CheckArgs) -> anyhow::Result<DependencyOptions> {
    let advisories = args.advisories.as_deref().map(|path| {
        let shown = path.display();
        let bytes =
            read_outside(path, MAX_ADVISORIES).with_context(|| format!("cannot read the advisories {shown}"))?;
        let advisories = Advisories::parse(&bytes).with_context(|| format!("{shown} is not used"))?;
        anyhow::Ok(Arc::new(advisories))
    });
    let known_names = args.known_names.as_deref().map(|path| {
        let shown = path.display();
        let bytes = read_outside(path, MAX_KNOWN_NAMES).with_context(|| format!("cannot read the names {shown}"))?;
        let text = String::from_utf8(bytes).with_context(|| format!("{shown} is not UTF-8; save it as UTF-8"))?;
        anyhow::Ok(Arc::new(
            KnownNames::parse(&text).with_context(|| format!("{shown} is not used"))?,
        ))
    });
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Ok(DependencyOptions {
        advisories: advisories.transpose()?,
        known_names: known_names.transpose()?,
        as_of: u64::try_from(since_1970.as_millis()).ok().map(UnixMillis),
    })
}

/// What packages were compared with, for people.
pub(super) fn describe(advisories: Option<&Advisories>) -> String {
    match advisories.map(|advisories| (advisories.head(), advisories.digest())) {
        Some((head, digest)) => format!(
            "advisories {} of {}, good until {} (sha256:{}…)",
            head.version,
            terminal(&head.issued),
            terminal(&head.expires),
            digest.short()
        ),
        None => "no advisories".to_owned(),
    }
}

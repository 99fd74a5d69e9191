//! The verbs of `diode-audit`.

pub(crate) mod show;
pub(crate) mod verify;

use std::path::Path;

use crate::storage::Disk;

/// The operator gave something that cannot be used; the message says what, and the mend.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Usage(String);

fn open_folder(dir: &Path) -> Result<Disk, Usage> {
    Disk::open(dir).map_err(|error| Usage(format!("no log there: {error}")))
}

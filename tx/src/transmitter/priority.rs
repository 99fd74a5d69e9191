//! Which bundles overtake which.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// How urgent a bundle is. A more urgent one overtakes those under way, between their groups; among equals the smaller one does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Priority {
    /// After all others
    Bulk,
    /// As it comes
    #[default]
    Normal,
    /// Before all others
    Urgent,
}

//! Which bundles overtake which.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// How urgent a bundle is. A small one overtakes the large one under way, between its groups, unless that is more urgent; a large one
/// goes before all that wait and are less urgent.
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

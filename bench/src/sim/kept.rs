//! What transmissions that ended incomplete left, as anybody sees it in the quarantine, and what the log says when it goes.
//!
//! ```text
//! spool/<session>-<bundle>-<shape>.part ◀──▶ incomplete/<bundle>-<shape>.part ──▶ gone ──▶ bundle.removed, without a state
//! ```
//!
//! Always true: it is of bundles that a trusted author signed for this receiver, and no more than the operator allows; an entry that some of it
//! went is about a file that was there, for a reason that there can be.

use std::collections::BTreeMap;
use std::path::Path;

use audit::event::Event;
use audit::storage::{EntryKind, MemoryStorage, Storage};
use protocol::digest::BundleId;
use scanner::quarantine::KeepLimits;

use super::bundles::Bundle;
use super::violation::{Invariant, Violation};
use crate::relay::dice::Dice;

/// How much the operator lets be kept, and for how long.
#[derive(Debug, Clone, Copy)]
pub(super) struct Allowed {
    pub(super) limits: KeepLimits,
    pub(super) days: u64,
    /// Whether the disk is so small that what is kept may have to give way.
    pub(super) is_crowded: bool,
}

/// What was seen of it.
#[derive(Debug)]
pub(super) struct Leftovers {
    allowed: Allowed,
    /// By bundle and shape, how many files there are.
    files: BTreeMap<String, usize>,
    /// Files that went, of which no entry told yet.
    gone: BTreeMap<BundleId, usize>,
}

impl Leftovers {
    /// None, on an empty disk.
    pub(super) fn new(allowed: Allowed) -> Self {
        Self {
            allowed,
            files: BTreeMap::new(),
            gone: BTreeMap::new(),
        }
    }

    /// Sees what is there, and what is not any more.
    pub(super) fn look(&mut self, disk: &MemoryStorage) {
        let mut files: BTreeMap<String, usize> = BTreeMap::new();
        let spool = names(disk, "spool").filter_map(|(name, _)| Some(name.split_once('-')?.1.to_owned()));
        let kept = names(disk, "incomplete").map(|(name, _)| name);
        for name in spool.chain(kept).filter(|name| bundle_of(name).is_some()) {
            *files.entry(name).or_default() += 1;
        }
        for (name, count) in std::mem::replace(&mut self.files, files) {
            let left = self.files.get(&name).copied().unwrap_or(0);
            if let Some(id) = bundle_of(&name).filter(|_| left < count) {
                *self.gone.entry(id).or_default() += count - left;
            }
        }
    }

    /// Sees what is there after a start that failed: what a power cut gave back may be on record as removed already.
    pub(super) fn handle_failed_start(&mut self, disk: &MemoryStorage) {
        self.look(disk);
        for id in self.files.keys().filter_map(|name| bundle_of(name)) {
            *self.gone.entry(id).or_default() += 1;
        }
    }

    /// Looks at what is kept. Whether it `must_fit` depends on the disk: what it does not remove stays until the next start.
    pub(super) fn check(&self, disk: &MemoryStorage, must_fit: bool) -> Result<(), Violation> {
        let (mut count, mut bytes) = (0, 0);
        for (name, len) in names(disk, "incomplete") {
            let bundle = bundle_of(&name).and_then(|id| Bundle::named(&id));
            if bundle.is_none_or(|bundle| bundle.flaw.is_some()) {
                return Err(Invariant::Verified.broken(format!("incomplete/{name} is of nothing that may be kept")));
            }
            (count, bytes) = (count + 1, bytes + len);
        }
        let limits = &self.allowed.limits;
        match must_fit && (count > limits.files || bytes > limits.bytes) {
            true => Err(Invariant::Caps.broken(format!("{count} incomplete files of {bytes} bytes, of {limits:?}"))),
            false => Ok(()),
        }
    }

    /// Takes the entry that what was kept of a bundle went.
    pub(super) fn handle_removal(&mut self, event: &Event, id: BundleId) -> Result<(), Violation> {
        let may = match event.reason.as_deref() {
            Some("incomplete-age") => self.allowed.days < LONG_DAYS,
            Some("incomplete-full") => self.allowed.limits != KeepLimits::default(),
            Some("disk-full") => self.allowed.is_crowded,
            _ => false,
        };
        let gone = self.gone.get_mut(&id).filter(|count| **count > 0);
        // The log tells first of what is too old.
        let was_there = gone.is_some() || self.files.keys().any(|name| bundle_of(name) == Some(id));
        if let Some(count) = gone {
            *count -= 1;
        }
        match may && was_there {
            true => Ok(()),
            false => {
                Err(Invariant::OneAdmission.broken(format!("removed, and it need not be, or was not kept: {event:?}")))
            }
        }
    }
}

impl Allowed {
    /// Mostly as much as is usual, else little.
    pub(super) fn draw(dice: &mut Dice, is_crowded: bool) -> Self {
        let mut limits = KeepLimits::default();
        if dice.below(3) == 0 {
            limits.bytes = 8000 + dice.below(80_000);
        }
        if dice.below(3) == 0 {
            limits.files = 1 + dice.below(3) as usize;
        }
        let days = [LONG_DAYS, LONG_DAYS, 1, 0][dice.below(4) as usize];
        Self {
            limits,
            days,
            is_crowded,
        }
    }
}

/// Plain files of one of the quarantine's folders, with their lengths.
fn names(disk: &MemoryStorage, folder: &str) -> impl Iterator<Item = (String, u64)> + use<> {
    let found = disk.list(&Path::new("quarantine").join(folder)).unwrap_or_default();
    let files = found.into_iter().filter(|entry| entry.kind == EntryKind::File);
    files.filter_map(|entry| Some((entry.name.into_string().ok()?, entry.len)))
}

/// The bundle in `<bundle>-<shape>.part`.
fn bundle_of(name: &str) -> Option<BundleId> {
    let (bundle, shape) = name.strip_suffix(".part")?.split_once('-')?;
    let is_digest = shape.len() == 64 && shape.bytes().all(|byte| byte.is_ascii_hexdigit());
    bundle.parse().ok().filter(|_| is_digest)
}

/// Longer than a simulation's clocks ever go on.
const LONG_DAYS: u64 = 7;

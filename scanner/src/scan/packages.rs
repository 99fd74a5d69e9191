//! The packages that files name: as many as are listed, the first ones in order, whatever order they come in.

use std::collections::BTreeMap;

use super::gathered::FileNumber;
use crate::report::{Inventory, ManifestReport, PackageReport};

/// Packages that a report lists.
const MAX_PACKAGES: usize = 50_000;

/// What was gathered so far.
#[derive(Debug, Default)]
pub(super) struct Packages {
    files: BTreeMap<FileNumber, ManifestReport>,
    listed: usize,
    unlisted: u64,
}

impl Packages {
    /// Takes the packages of a file.
    pub(super) fn add(&mut self, number: FileNumber, path: &str, packages: Vec<PackageReport>) {
        if packages.is_empty() {
            return;
        }
        self.listed += packages.len();
        let path = path.to_owned();
        self.files.insert(number, ManifestReport { path, packages });
        // What stands behind what is kept can never come back: files that come later only push more out.
        while self.listed > MAX_PACKAGES
            && let Some(mut last) = self.files.last_entry()
        {
            let packages = &mut last.get_mut().packages;
            let (over, had) = (self.listed - MAX_PACKAGES, packages.len());
            packages.truncate(had.saturating_sub(over));
            let dropped = had - packages.len();
            self.listed -= dropped;
            self.unlisted += dropped as u64;
            if packages.is_empty() {
                last.remove();
            }
        }
    }

    /// The packages as the report has them.
    pub(super) fn into_inventory(self) -> Option<Inventory> {
        let inventory = Inventory {
            files: self.files.into_values().collect(),
            unlisted: self.unlisted,
        };
        (!inventory.files.is_empty()).then_some(inventory)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_packages_that_are_listed_are_the_first_ones_in_whatever_order_they_come() {
        let numbered = |index| FileNumber { index, within: 0 };
        let package = |name: &str| PackageReport {
            purl: format!("pkg:npm/{name}"),
            line: 1,
            origin: None,
        };
        let orders: [[usize; 3]; 3] = [[0, 1, 2], [2, 1, 0], [1, 2, 0]];
        let inventories = orders.map(|order| {
            let mut packages = Packages::default();
            for index in order {
                packages.add(
                    numbered(index),
                    &index.to_string(),
                    vec![package("a"); MAX_PACKAGES / 2 - 1],
                );
            }
            packages.into_inventory().unwrap()
        });
        let kept: Vec<_> = inventories[0].files.iter().map(|file| file.packages.len()).collect();
        assert_eq!(kept, [MAX_PACKAGES / 2 - 1, MAX_PACKAGES / 2 - 1, 2]);
        assert_eq!(inventories[0].unlisted, MAX_PACKAGES as u64 / 2 - 3);
        assert!(inventories.iter().all(|inventory| *inventory == inventories[0]));
    }
}

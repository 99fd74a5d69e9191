//! What a corpus says of its functions, and when a finding is about one.

use serde::Deserialize;

use crate::finding::Finding;

/// Weaknesses that are one and the same to a person who mends them.
const FAMILIES: [&[u32]; 19] = [
    &[77, 78, 88],
    &[94, 95, 96, 1336],
    &[327, 328, 326, 329, 916, 1240, 323],
    &[330, 338, 335, 337, 340],
    &[22, 23, 36, 73, 59],
    &[614, 1004, 1275],
    &[79, 80, 116],
    &[89, 564],
    &[113, 93, 644],
    &[117, 532],
    &[295, 297, 599],
    &[319, 523],
    &[377, 379, 378],
    &[732, 276, 277],
    &[400, 409, 770, 1333, 730],
    &[119, 120, 121, 122, 125, 242, 676, 787, 193, 680, 131],
    &[798, 259, 321],
    &[611, 776, 827],
    &[416, 562, 825],
];

/// The list of a language.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Cases {
    pub(super) case: Vec<Case>,
}

/// A function, and what is known of it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Case {
    pub(super) file: String,
    pub(super) function: String,
    pub(super) lines: [u64; 2],
    pub(super) cwe: u32,
    pub(super) vulnerable: bool,
    pub(super) shape: String,
    pub(super) held_out: bool,
    /// `file:line`, if the sink stands elsewhere: a finding there counts by its way.
    #[serde(rename = "sink")]
    _sink: Option<String>,
    #[serde(rename = "why")]
    _why: String,
}

impl Case {
    /// Whether a finding is about this function: of its family, and on a way that leads through it.
    pub(super) fn is_hit_by(&self, finding: &Finding) -> bool {
        if !finding.cwe.is_some_and(|cwe| same_family(cwe, self.cwe)) {
            return false;
        }
        let steps = finding
            .way
            .iter()
            .map(|step| (step.path.as_ref().unwrap_or(&finding.path), step.line));
        let mut places = steps.chain(finding.line.map(|line| (&finding.path, line)));
        places.any(|(path, line)| *path == self.file && (self.lines[0]..=self.lines[1]).contains(&line))
    }
}

fn same_family(one: u32, other: u32) -> bool {
    one == other
        || FAMILIES
            .iter()
            .any(|family| family.contains(&one) && family.contains(&other))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_weakness_is_in_one_family_at_most() {
        let mut all: Vec<u32> = FAMILIES.concat();
        let len = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), len);
    }

    #[test]
    fn command_and_argument_injection_are_one_family_and_sql_injection_is_none_of_it() {
        assert!(same_family(78, 88));
        assert!(!same_family(78, 89));
    }
}

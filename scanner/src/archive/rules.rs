//! The rules of the stage *archives*: what is refused in an archive, how bad that is, and what to do about it.

use crate::finding::RuleInfo;
use crate::fixed_rule::{FixedRule, fixed_rules};

/// All rules, for lists and for the digest.
pub(crate) fn infos() -> Vec<RuleInfo> {
    ALL.iter().map(FixedRule::info).collect()
}

fixed_rules! {
    BOMB = "archive-bomb", "an archive that expands out of all proportion", Critical, Some(409),
        "do not unpack it; find out who made it and why";
    SLIP = "archive-slip", "an entry that unpacks outside of its folder (zip-slip)", Critical, Some(22),
        "do not unpack it; pack the files again with relative names";
    OVERLAP = "archive-overlap", "entries that share their bytes", Critical, Some(409),
        "do not unpack it; pack the files again with an ordinary program";
    DESYNC = "archive-desync", "a tar that programs cut into different entries", Critical, Some(436),
        "do not unpack it; pack the files again with an ordinary program";
    MISMATCH = "archive-mismatch", "an entry and the directory say different things", High, Some(436),
        "pack the files again with an ordinary program: others may unpack something else than what was scanned";
    STRAY = "archive-stray-data", "bytes that belong to no entry", High, Some(436),
        "pack the files again with an ordinary program, and find out what the bytes are";
    APPENDED = "archive-appended", "another file with a zip at its end", High, Some(436),
        "send the zip by itself: programs that look at the end open what nobody scanned";
    DUPLICATE = "archive-duplicate", "two entries of one name", High, Some(436),
        "pack the files again: programs differ in which of the two they keep";
    COLLISION = "archive-collision", "two entries that are one file on some systems", Medium, Some(178),
        "rename one of the two";
    LINK = "archive-link", "a link in an archive", High, Some(59),
        "put the file itself in the archive";
    SPECIAL = "archive-special", "a device or a pipe in an archive", High, Some(59),
        "pack the files again without it";
    ENCRYPTED = "archive-encrypted", "an encrypted entry", High, Some(506),
        "send it without a password: nobody can look into it";
    LIMIT = "archive-limit", "an archive larger or deeper than what is opened", High, Some(409),
        "send it in smaller parts, or as files";
    DAMAGED = "archive-damaged", "an archive that cannot be read to its end", High, Some(354),
        "pack the files again; programs that read on may see something else";
    UNSUPPORTED = "archive-unsupported", "an archive or entry of a kind that is not opened", Medium, None,
        "send the files as they are, or as .zip, .tar, .tar.gz, .tar.zst or .tar.bz2";
    MEMBERS = "archive-members", "several compressed streams in a row", Medium, Some(436),
        "compress it as one: some programs stop after the first";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_rules_share_an_id() {
        let mut ids: Vec<_> = ALL.iter().map(|rule| rule.id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), ALL.len());
    }
}

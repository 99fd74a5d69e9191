//! How the tests of the readers write down what was read.

use super::manifest::{Origin, Reading, Wanted};

/// Each package with its line, its version or range, and where it comes from if that is not the registry.
pub(super) fn asked(reading: &Reading, text: &str) -> Vec<String> {
    let line = |at: usize| text[..at].matches('\n').count() + 1;
    let each = reading.asked.iter().map(|asked| {
        let wanted = match &asked.wanted {
            Wanted::Exact(_) => String::new(),
            Wanted::Range(range) => format!(" ~{range}"),
            Wanted::Any => " any".to_owned(),
        };
        let origin = match &asked.origin {
            Origin::Registry => String::new(),
            Origin::RegistryAt(url) => format!(" at {url}"),
            Origin::Git(url) => format!(" git {url}"),
            Origin::Url(url) => format!(" url {url}"),
            Origin::Path(path) => format!(" path {path}"),
            Origin::OtherRegistry(name) => format!(" registry {name}"),
        };
        let purl = asked.package.purl(asked.wanted.exact());
        format!("{} {purl}{wanted}{origin}", line(asked.at))
    });
    each.collect()
}

//! The rules of the engine *dependencies*: what each is called, how bad it can be, and what to do about it.

use crate::fixed_rule::fixed_rules;

fixed_rules! {
    MALICIOUS = "malicious-package", "a package that an advisory calls malicious", Critical, Some(506),
        "take it out, and treat machines that installed it as taken over";
    VULNERABLE = "known-vulnerability", "a version with a known vulnerability", High, Some(1395),
        "take a version that the advisory calls fixed";
    STALE = "stale-advisories", "advisories that are out of date", Medium, None,
        "bring a newer advisory file over, and give it in place of this one";
    LOOKALIKE = "lookalike-package", "a package whose name is nearly that of a well-known one", Medium, Some(1357),
        "see which of the two is meant; if it is this one, put it on the list of known names";
    UNKNOWN = "unknown-package", "a package that is not on the list of known names", Medium, Some(1357),
        "look the package up before it is installed, and put its name on the list";
    OTHER_REGISTRY = "other-registry", "packages from a registry that is not a public one", Medium, Some(829),
        "see who runs it: a name that both registries have is taken from either";
    OTHER_HOST = "resolved-elsewhere", "a lockfile that gets a package from another place than the registry", Medium, Some(829),
        "write the lockfile anew against the registry, or have a person vouch for the host";
    PLAIN_HTTP = "plain-source", "packages over a connection that anybody can change", Medium, Some(319),
        "get them over https";
    UNREGISTERED = "unregistered-source", "a package from a repository, an address or a folder outside", Low, Some(829),
        "see where it comes from: no registry holds that version, and no advisory speaks of it";
    UNHASHED = "lock-without-digest", "a lockfile that holds packages without their digests", Low, Some(353),
        "write the lockfile anew with a version of the package manager that notes digests";
    UNBOUND = "unbound-version", "dependencies of whatever version is newest", Low, Some(1357),
        "say which versions will do, or keep a lockfile";
    UNREADABLE = "unreadable-manifest", "a manifest that is not what its name says", Low, None,
        "mend it; if it is meant to be broken, as in a test, nothing is to be done";
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

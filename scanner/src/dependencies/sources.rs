//! Where packages come from: whether an address is a public registry's, and what to say where it is not.

use super::manifest::{Asked, Origin};
use super::package::Ecosystem;
use super::rules;
use crate::fixed_rule::FixedRule;

/// Hosts that serve packages to everybody and are run by those who run the ecosystem, or by those who make what they serve.
const PUBLIC: &[(Ecosystem, &str)] = &[
    (Ecosystem::Cargo, "crates.io"),
    (Ecosystem::Cargo, "index.crates.io"),
    (Ecosystem::Cargo, "static.crates.io"),
    (Ecosystem::Npm, "registry.npmjs.org"),
    (Ecosystem::Npm, "registry.npmjs.com"),
    (Ecosystem::Npm, "registry.yarnpkg.com"),
    (Ecosystem::Npm, "npm.pkg.github.com"),
    (Ecosystem::Npm, "npm.jsr.io"),
    (Ecosystem::PyPi, "pypi.org"),
    (Ecosystem::PyPi, "pypi.python.org"),
    (Ecosystem::PyPi, "test.pypi.org"),
    (Ecosystem::PyPi, "files.pythonhosted.org"),
    (Ecosystem::PyPi, "download.pytorch.org"),
    (Ecosystem::PyPi, "data.pyg.org"),
    (Ecosystem::PyPi, "pypi.nvidia.com"),
    (Ecosystem::PyPi, "pypi.ngc.nvidia.com"),
    (Ecosystem::PyPi, "pypi.anaconda.org"),
    (Ecosystem::PyPi, "wheels.vllm.ai"),
    (Ecosystem::PyPi, "www.piwheels.org"),
    (Ecosystem::Maven, "repo.maven.apache.org"),
    (Ecosystem::Maven, "repo1.maven.org"),
    (Ecosystem::Maven, "central.sonatype.com"),
    (Ecosystem::Maven, "oss.sonatype.org"),
    (Ecosystem::Maven, "s01.oss.sonatype.org"),
    (Ecosystem::Maven, "repository.apache.org"),
    (Ecosystem::Maven, "maven.google.com"),
    (Ecosystem::Maven, "plugins.gradle.org"),
    (Ecosystem::Maven, "repo.gradle.org"),
    (Ecosystem::Maven, "repo.spring.io"),
    (Ecosystem::Maven, "repo.eclipse.org"),
    (Ecosystem::Maven, "repository.jboss.org"),
    (Ecosystem::Maven, "packages.confluent.io"),
    (Ecosystem::Maven, "jitpack.io"),
    (Ecosystem::Maven, "central.maven.org"),
    (Ecosystem::Maven, "aws.oss.sonatype.org"),
    (Ecosystem::Maven, "maven.pkg.github.com"),
    (Ecosystem::Maven, "maven.java.net"),
    (Ecosystem::Maven, "maven.repository.redhat.com"),
    (Ecosystem::Maven, "repo.clojars.org"),
    (Ecosystem::Maven, "clojars.org"),
    (Ecosystem::Maven, "repo.grails.org"),
    (Ecosystem::Maven, "repo.jenkins-ci.org"),
];

/// What is wrong with an address, if anything is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Doubt {
    pub(super) rule: &'static FixedRule,
    pub(super) message: String,
}

impl Doubt {
    fn new(rule: &'static FixedRule, message: String) -> Option<Self> {
        Some(Self { rule, message })
    }
}

/// The host of an address, in lower case, without user and port; never what may be a password.
fn host(url: &str) -> Option<String> {
    let rest = url.split_once("://")?.1;
    let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or(rest);
    let host = authority.rsplit('@').next().unwrap_or(authority);
    let host = host.split(':').next().unwrap_or(host);
    let is_host = |char: char| char.is_ascii_alphanumeric() || char == '.' || char == '-' || char == '_';
    (!host.is_empty() && host.chars().all(is_host)).then(|| host.to_ascii_lowercase())
}

fn is_plain(url: &str) -> bool {
    let scheme = url.split_once("://").map_or("", |(scheme, _)| scheme);
    let scheme = scheme.rsplit('+').next().unwrap_or(scheme);
    let local = host(url).is_some_and(|host| host == "localhost" || host.starts_with("127."));
    (scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("git")) && !local
}

fn is_public(ecosystem: Ecosystem, host: &str) -> bool {
    PUBLIC.contains(&(ecosystem, host))
}

fn shown(url: &str) -> String {
    host(url).unwrap_or_else(|| "an address without a host".to_owned())
}

/// What to say of a registry that a file names.
pub(super) fn doubt_source(ecosystem: Ecosystem, url: &str) -> Option<Doubt> {
    // What stands for a value that is put in later is judged where that is.
    if url.is_empty() || url.starts_with(['$', '%']) || !url.contains("://") || url.starts_with("file:") {
        return None;
    }
    let shown = shown(url);
    if is_plain(url) {
        let message = format!("packages are got from {shown} over http: who is on the way decides what is installed");
        return Doubt::new(&rules::PLAIN_HTTP, message);
    }
    if host(url).is_some_and(|host| is_public(ecosystem, &host)) {
        return None;
    }
    let registry = ecosystem.registry();
    let message = format!("packages are got from {shown}, which is none of the public places of {registry}");
    Doubt::new(&rules::OTHER_REGISTRY, message)
}

/// What to say of where a package comes from; `depth` is how many folders the file lies in.
pub(super) fn doubt_origin(asked: &Asked, depth: usize) -> Option<Doubt> {
    let package = &asked.package;
    match &asked.origin {
        Origin::Registry => None,
        Origin::RegistryAt(url) if is_plain(url) => plain(asked, url),
        Origin::RegistryAt(url) => {
            let public = !url.contains("://") || host(url).is_some_and(|host| is_public(package.ecosystem, &host));
            let shown = shown(url);
            let registry = package.ecosystem.registry();
            let message = format!("{package} is got from {shown}, and not from {registry}, where its name says it is");
            if public {
                None
            } else {
                Doubt::new(&rules::OTHER_HOST, message)
            }
        }
        Origin::Git(url) | Origin::Url(url) if is_plain(url) => plain(asked, url),
        Origin::Git(_) => Doubt::new(&rules::UNREGISTERED, format!("{package} comes from a repository")),
        Origin::Url(url) => {
            let message = format!("{package} comes from an address at {}", shown(url));
            Doubt::new(&rules::UNREGISTERED, message)
        }
        Origin::OtherRegistry(name) => {
            // An address in place of a name may hold a password.
            let is_name = |char: char| char.is_ascii_alphanumeric() || char == '-' || char == '_';
            let plain = name.len() <= 40 && name.chars().all(is_name);
            let called = if plain {
                format!(" called {name}")
            } else {
                String::new()
            };
            Doubt::new(
                &rules::UNREGISTERED,
                format!("{package} comes from another registry{called}"),
            )
        }
        Origin::Path(path) if leads_out(path, depth) => {
            let message = format!("{package} is a folder outside of what is sent");
            Doubt::new(&rules::UNREGISTERED, message)
        }
        Origin::Path(_) => None,
    }
}

fn plain(asked: &Asked, url: &str) -> Option<Doubt> {
    let (package, shown) = (&asked.package, shown(url));
    let message = format!("{package} is got from {shown} unencrypted: who is on the way decides what is installed");
    Doubt::new(&rules::PLAIN_HTTP, message)
}

fn leads_out(path: &str, depth: usize) -> bool {
    let mut depth = depth;
    for part in path.split(['/', '\\']) {
        match part {
            ".." if depth == 0 => return true,
            ".." => depth -= 1,
            "" | "." => {}
            _ => depth += 1,
        }
    }
    path.starts_with(['/', '~']) || path.get(1..3) == Some(":\\")
}

#[cfg(test)]
mod tests {
    use super::super::manifest::Wanted;
    use super::super::package::Package;
    use super::*;

    fn rule_of(ecosystem: Ecosystem, url: &str) -> Option<&'static str> {
        doubt_source(ecosystem, url).map(|doubt| doubt.rule.id)
    }

    fn rule_from(origin: Origin) -> Option<&'static str> {
        let package = Package::new(Ecosystem::Npm, "a").unwrap();
        let wanted = Wanted::Any;
        let asked = Asked {
            package,
            wanted,
            origin,
            at: 0,
        };
        doubt_origin(&asked, 1).map(|doubt| doubt.rule.id)
    }

    #[test]
    fn a_registry_counts_by_its_host() {
        assert_eq!(rule_of(Ecosystem::PyPi, "https://pypi.org/simple"), None);
        assert_eq!(rule_of(Ecosystem::PyPi, "https://PYPI.org:443/simple"), None);
        for url in [
            "https://pypi.org.evil.example/simple",
            "https://pypi.org@evil.example/simple",
            "https://registry.npmjs.org/",
            "https://evil.example/pypi.org",
        ] {
            assert_eq!(rule_of(Ecosystem::PyPi, url), Some("other-registry"), "{url}");
        }
        assert_eq!(rule_of(Ecosystem::PyPi, "http://pypi.org/simple"), Some("plain-source"));
        assert_eq!(
            rule_of(Ecosystem::PyPi, "http://localhost:3141/"),
            Some("other-registry")
        );
    }

    #[test]
    fn an_address_with_a_password_is_shown_by_its_host_alone() {
        let url = format!("https://me:{}@evil.example/simple", "hunter".to_owned() + "2");
        let message = doubt_source(Ecosystem::PyPi, &url).unwrap().message;
        assert!(
            message.contains("evil.example") && !message.contains("hunter"),
            "{message}"
        );
    }

    #[test]
    fn an_origin_counts_by_its_kind() {
        let at = |url: &str| Origin::RegistryAt(url.to_owned());
        assert_eq!(rule_from(at("https://registry.yarnpkg.com/a/-/a-1.0.0.tgz")), None);
        assert_eq!(
            rule_from(at("https://cdn.example/a/-/a-1.0.0.tgz")),
            Some("resolved-elsewhere")
        );
        assert_eq!(
            rule_from(Origin::Git("git://github.com/a/b".to_owned())),
            Some("plain-source")
        );
        assert_eq!(
            rule_from(Origin::Git("git@github.com:a/b".to_owned())),
            Some("unregistered-source")
        );
    }

    #[test]
    fn a_folder_counts_only_where_it_leads_out() {
        assert_eq!(rule_from(Origin::Path("../other".to_owned())), None);
        assert_eq!(
            rule_from(Origin::Path("../../other".to_owned())),
            Some("unregistered-source")
        );
        assert_eq!(
            rule_from(Origin::Path("a/../../b/../../c".to_owned())),
            Some("unregistered-source")
        );
        assert_eq!(rule_from(Origin::Path("/etc".to_owned())), Some("unregistered-source"));
    }
}

//! Which package is meant, whoever writes it: a type, a namespace and a name, each as its registry compares them.
//!
//! ```text
//! pkg:npm/%40babel/core@7.24.0      type / namespace / name @ version
//! pkg:pypi/ruamel-yaml@0.18.6       pypi: lower case, runs of -_. are one -
//! pkg:golang/github.com/spf13/cobra@v1.8.0
//! ```
//!
//! Source: the package-url specification (purl-spec) and its types `cargo`, `npm`, `pypi`, `golang` and `maven`; PEP 503.

use std::fmt;

/// A registry, and the tools that read its manifests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Ecosystem {
    Cargo,
    Npm,
    PyPi,
    Go,
    Maven,
}

impl Ecosystem {
    pub(crate) const ALL: [Self; 5] = [Self::Cargo, Self::Npm, Self::PyPi, Self::Go, Self::Maven];

    /// The type of its package URLs.
    pub(crate) fn purl_type(self) -> &'static str {
        match self {
            Self::Cargo => "cargo",
            Self::Npm => "npm",
            Self::PyPi => "pypi",
            Self::Go => "golang",
            Self::Maven => "maven",
        }
    }

    /// The ecosystem of a package URL's type.
    pub(crate) fn of_purl_type(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|ecosystem| ecosystem.purl_type() == name)
    }

    /// The ecosystem by its name in the OSV schema; what stands behind a colon there is a place to get packages from.
    pub(crate) fn of_osv(name: &str) -> Option<Self> {
        match name.split(':').next().unwrap_or(name) {
            "crates.io" => Some(Self::Cargo),
            "npm" => Some(Self::Npm),
            "PyPI" => Some(Self::PyPi),
            "Go" => Some(Self::Go),
            "Maven" => Some(Self::Maven),
            _ => None,
        }
    }

    /// For people.
    pub(crate) fn registry(self) -> &'static str {
        match self {
            Self::Cargo => "crates.io",
            Self::Npm => "npm",
            Self::PyPi => "PyPI",
            Self::Go => "the Go modules",
            Self::Maven => "Maven Central",
        }
    }
}

/// A package without its version.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Package {
    pub(crate) ecosystem: Ecosystem,
    /// As its registry compares it: `@babel/core`, `ruamel-yaml`, `github.com/spf13/cobra`, `org.slf4j:slf4j-api`.
    name: String,
}

impl Package {
    /// The longest name that is one: the longest of all that some registry takes.
    pub(crate) const MAX_NAME: usize = 256;

    /// The package called `written` there; `None` for what no package can be called.
    pub(crate) fn new(ecosystem: Ecosystem, written: &str) -> Option<Self> {
        let written = written.trim();
        let name = match ecosystem {
            Ecosystem::PyPi => pep503(written),
            // Old names hold capitals, and are others than those in lower case: the registry keeps them apart.
            Ecosystem::Npm | Ecosystem::Maven | Ecosystem::Go => written.to_owned(),
            // The registry takes one of `a-b` and `a_b`, and answers to both.
            Ecosystem::Cargo => written.to_ascii_lowercase(),
        };
        let slashes = name.matches('/').count();
        let fits = match ecosystem {
            Ecosystem::Cargo | Ecosystem::PyPi => name.bytes().all(is_word),
            Ecosystem::Npm => slashes == usize::from(name.starts_with('@')) && !name.contains(':'),
            Ecosystem::Go => !name.starts_with('/') && !name.ends_with('/'),
            Ecosystem::Maven => name.matches(':').count() == 1 && !name.contains(['$', '{']),
        };
        let clean = !name.is_empty()
            && name.len() <= Self::MAX_NAME
            && !name.chars().any(|char| char.is_whitespace() || char.is_control());
        (fits && clean).then_some(Self { ecosystem, name })
    }

    /// The name, as its registry compares it.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// What two crates may not share: for other registries, the name.
    pub(crate) fn key(&self) -> String {
        match self.ecosystem {
            Ecosystem::Cargo => self.name.replace('_', "-"),
            _ => self.name.clone(),
        }
    }

    /// The package URL, with a version if one is known.
    pub(crate) fn purl(&self, version: Option<&str>) -> String {
        let mut url = format!("pkg:{}/", self.ecosystem.purl_type());
        let parts: Vec<_> = match self.ecosystem {
            Ecosystem::Maven => self.name.split(':').collect(),
            _ => self.name.split('/').collect(),
        };
        for (number, part) in parts.iter().enumerate() {
            if number > 0 {
                url.push('/');
            }
            // Types whose specification says so have both parts in lower case.
            match self.ecosystem {
                Ecosystem::Go => encode(&part.to_lowercase(), &mut url),
                _ => encode(part, &mut url),
            }
        }
        if let Some(version) = version {
            url.push('@');
            encode(version, &mut url);
        }
        url
    }
}

impl fmt::Display for Package {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// PEP 503: lower case, and each run of `-`, `_` and `.` is one `-`.
fn pep503(written: &str) -> String {
    let mut name = String::with_capacity(written.len());
    for char in written.chars() {
        match char {
            '-' | '_' | '.' if name.ends_with('-') => {}
            '-' | '_' | '.' => name.push('-'),
            other => name.push(other.to_ascii_lowercase()),
        }
    }
    name
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

/// Percent-encodes a part of a package URL; a colon stays as it is.
fn encode(part: &str, url: &mut String) {
    for byte in part.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'_' | b'~' | b':' => url.push(char::from(byte)),
            other => {
                url.push('%');
                for digit in [other >> 4, other & 15] {
                    url.push(char::from(if digit < 10 { b'0' + digit } else { b'A' - 10 + digit }));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn purl(ecosystem: Ecosystem, name: &str, version: &str) -> String {
        Package::new(ecosystem, name).unwrap().purl(Some(version))
    }

    #[test]
    fn package_urls_are_those_of_the_specification() {
        let cases = [
            (
                Ecosystem::Npm,
                "@angular/animation",
                "12.3.1",
                "pkg:npm/%40angular/animation@12.3.1",
            ),
            (Ecosystem::Npm, "foobar", "12.3.1", "pkg:npm/foobar@12.3.1"),
            (
                Ecosystem::PyPi,
                "Django_allauth",
                "12.23",
                "pkg:pypi/django-allauth@12.23",
            ),
            (Ecosystem::PyPi, "ruamel.yaml", "0.18", "pkg:pypi/ruamel-yaml@0.18"),
            (Ecosystem::Cargo, "clap", "4.0.0+b", "pkg:cargo/clap@4.0.0%2Bb"),
            (
                Ecosystem::Go,
                "google.golang.org/genproto",
                "v0.1.0",
                "pkg:golang/google.golang.org/genproto@v0.1.0",
            ),
            (
                Ecosystem::Go,
                "github.com/BurntSushi/toml",
                "v1.3.2",
                "pkg:golang/github.com/burntsushi/toml@v1.3.2",
            ),
            (
                Ecosystem::Maven,
                "org.apache.commons:io",
                "1.3.4",
                "pkg:maven/org.apache.commons/io@1.3.4",
            ),
        ];
        for (ecosystem, name, version, expected) in cases {
            assert_eq!(purl(ecosystem, name, version), expected);
        }
    }

    #[test]
    fn what_no_registry_takes_is_no_package() {
        let cases = [
            (Ecosystem::Npm, "a/b"),
            (Ecosystem::Npm, "@a"),
            (Ecosystem::PyPi, "a b"),
            (Ecosystem::PyPi, ""),
            (Ecosystem::Maven, "a"),
            (Ecosystem::Maven, "${group}:a"),
            (Ecosystem::Cargo, "a\u{202e}b"),
        ];
        for (ecosystem, name) in cases {
            assert_eq!(Package::new(ecosystem, name), None, "{name}");
        }
    }

    #[test]
    fn names_that_a_registry_holds_for_one_are_one() {
        let one = |a, b, ecosystem| {
            assert_eq!(
                Package::new(ecosystem, a).unwrap().key(),
                Package::new(ecosystem, b).unwrap().key()
            );
        };
        one("Zope.Interface", "zope_interface", Ecosystem::PyPi);
        one("serde_json", "serde-json", Ecosystem::Cargo);
    }
}

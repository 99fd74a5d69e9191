//! What a manifest or a lockfile says: which packages it asks for or holds, where from, and what it provides itself.
//!
//! ```text
//! file name ─▶ Kind ─▶ its reader ─▶ Reading { asked, provides, sources, … }
//!                                 └▶ Fault::Refused   the package manager refuses it too: it names no package
//!                                 └▶ Fault::Unread    the package manager may read it, and we cannot
//! ```
//!
//! Always true:
//! - a reader is total, runs no code, opens no other file and resolves no entity;
//! - what a reader cannot follow is [`Fault::Unread`] unless the format's own specification refuses it.

use super::node::Node;
use super::package::{Ecosystem, Package};
use super::{cargo, golang, maven, npm, npm_lock, python, requirements};

/// Packages that are read from a file at most, and sources.
pub(super) const MAX_ASKED: usize = 200_000;
/// Values that a file in JSON or TOML may hold: their tree takes many times the room of the text.
const MAX_VALUES: usize = 2_000_000;
/// Lines that are refused one by one.
const MAX_REFUSED: usize = 1_000;

/// A kind of file that names packages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    CargoToml,
    CargoLock,
    PackageJson,
    PackageLock,
    YarnLock,
    PnpmLock,
    Npmrc,
    Requirements,
    PyProject,
    Pipfile,
    PipfileLock,
    /// `poetry.lock`, `uv.lock`, `pdm.lock`.
    PythonLock,
    SetupCfg,
    PipConf,
    GoMod,
    GoSum,
    Pom,
    GradleLock,
}

impl Kind {
    /// The kind of a file by its path. File systems that hold `a` and `A` for one decide for all.
    pub(super) fn of(path: &str) -> Option<Self> {
        let path = path.to_ascii_lowercase();
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", &path));
        Some(match name {
            "cargo.toml" => Self::CargoToml,
            "cargo.lock" => Self::CargoLock,
            "package.json" => Self::PackageJson,
            "package-lock.json" | "npm-shrinkwrap.json" | ".package-lock.json" => Self::PackageLock,
            "yarn.lock" => Self::YarnLock,
            "pnpm-lock.yaml" => Self::PnpmLock,
            ".npmrc" => Self::Npmrc,
            "pyproject.toml" => Self::PyProject,
            "pipfile" => Self::Pipfile,
            "pipfile.lock" => Self::PipfileLock,
            "poetry.lock" | "uv.lock" | "pdm.lock" => Self::PythonLock,
            "setup.cfg" => Self::SetupCfg,
            "pip.conf" | "pip.ini" => Self::PipConf,
            "go.mod" => Self::GoMod,
            "go.sum" => Self::GoSum,
            "pom.xml" => Self::Pom,
            "gradle.lockfile" | "buildscript-gradle.lockfile" => Self::GradleLock,
            _ if name.ends_with(".pom") => Self::Pom,
            _ if is_requirements(folder, name) => Self::Requirements,
            _ => return None,
        })
    }

    /// Reads a file of this kind.
    pub(super) fn read(self, text: &str) -> Result<Reading, Fault> {
        let mut reading = match self {
            Self::CargoToml => cargo::read_manifest(text),
            Self::CargoLock => cargo::read_lock(text),
            Self::PackageJson => npm::read_manifest(text),
            Self::Npmrc => Ok(npm::read_npmrc(text)),
            Self::PackageLock => npm_lock::read_package_lock(text),
            Self::YarnLock => Ok(npm_lock::read_yarn(text)),
            Self::PnpmLock => Ok(npm_lock::read_pnpm(text)),
            Self::Requirements => Ok(requirements::read(text)),
            Self::PyProject => python::read_pyproject(text),
            Self::Pipfile => python::read_pipfile(text),
            Self::PipfileLock => python::read_pipfile_lock(text),
            Self::PythonLock => python::read_lock(text),
            Self::SetupCfg => Ok(requirements::read_setup_cfg(text)),
            Self::PipConf => Ok(requirements::read_pip_conf(text)),
            Self::GoMod => Ok(golang::read_mod(text)),
            Self::GoSum => Ok(golang::read_sum(text)),
            Self::Pom => maven::read_pom(text),
            Self::GradleLock => Ok(maven::read_gradle_lock(text)),
        }?;
        if reading.is_full {
            return Err(Fault::TooMany);
        }
        // Tables come out of the parser in an order of its own.
        reading.asked.sort_by_key(|asked| asked.at);
        Ok(reading)
    }

    /// Whether people or programs write down one version of each package here.
    pub(super) fn is_lock(self) -> bool {
        matches!(
            self,
            Self::CargoLock
                | Self::PackageLock
                | Self::YarnLock
                | Self::PnpmLock
                | Self::PipfileLock
                | Self::PythonLock
                | Self::GoSum
                | Self::GradleLock
        )
    }
}

/// `requirements.txt`, `requirements-dev.txt`, `dev-requirements.in`, `requirements/base.txt`, `constraints.txt`.
fn is_requirements(folder: &str, name: &str) -> bool {
    let Some(stem) = name.strip_suffix(".txt").or_else(|| name.strip_suffix(".in")) else {
        return false;
    };
    let by_name = ["requirements", "constraints"].into_iter().any(|word| {
        let mut parts = stem.split(['-', '_', '.']);
        parts.clone().next() == Some(word) || parts.next_back() == Some(word)
    });
    by_name || folder.rsplit('/').next() == Some("requirements")
}

/// What a file says.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Reading {
    pub(super) asked: Vec<Asked>,
    /// The packages whose own manifest this is.
    pub(super) provides: Vec<Package>,
    /// Where packages are to be got from, as far as the file says.
    pub(super) sources: Vec<Source>,
    /// Packages of a lockfile that have no digest, and where the first stands.
    pub(super) unhashed: u64,
    pub(super) first_unhashed: Option<usize>,
    /// Lines that say nothing that the package manager takes; the first ones.
    pub(super) refused: Vec<usize>,
    /// Whether there was more than is read.
    is_full: bool,
}

impl Reading {
    /// Notes a package of a lockfile without a digest.
    pub(super) fn lacks_hash(&mut self, at: usize) {
        self.unhashed += 1;
        self.first_unhashed.get_or_insert(at);
    }

    /// Notes a line that nobody takes.
    pub(super) fn refuse(&mut self, at: usize) {
        if self.refused.len() < MAX_REFUSED {
            self.refused.push(at);
        }
    }

    /// Notes a package that is asked for; what no package can be called is none.
    pub(super) fn ask(&mut self, ecosystem: Ecosystem, name: &str, wanted: Wanted, origin: Origin, at: usize) {
        let Some(package) = Package::new(ecosystem, name) else {
            return;
        };
        self.is_full |= self.asked.len() >= MAX_ASKED;
        if self.is_full {
            return;
        }
        self.asked.push(Asked {
            package,
            wanted,
            origin,
            at,
        });
    }

    pub(super) fn provide(&mut self, ecosystem: Ecosystem, name: Option<&str>) {
        self.is_full |= self.provides.len() >= MAX_ASKED;
        if !self.is_full {
            self.provides
                .extend(name.and_then(|name| Package::new(ecosystem, name)));
        }
    }

    pub(super) fn source(&mut self, ecosystem: Ecosystem, url: &str, at: usize) {
        self.is_full |= self.sources.len() >= MAX_ASKED;
        if self.is_full {
            return;
        }
        self.sources.push(Source {
            ecosystem,
            url: url.trim().to_owned(),
            at,
        });
    }
}

/// A package that a file asks for, or that a lockfile holds.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Asked {
    pub(super) package: Package,
    pub(super) wanted: Wanted,
    pub(super) origin: Origin,
    /// Where in the file.
    pub(super) at: usize,
}

/// Which versions will do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wanted {
    /// This one.
    Exact(String),
    /// These, in the words of the package manager.
    Range(String),
    /// Whichever is newest.
    Any,
}

impl Wanted {
    pub(super) fn exact(&self) -> Option<&str> {
        match self {
            Self::Exact(version) => Some(version),
            _ => None,
        }
    }
}

/// Where a package comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Origin {
    /// The registry that the package manager asks by default.
    Registry,
    /// An archive of a registry at this address, as lockfiles have it.
    RegistryAt(String),
    /// A repository.
    Git(String),
    /// An archive at an address.
    Url(String),
    /// A folder or file at a path.
    Path(String),
    /// A registry of another name.
    OtherRegistry(String),
}

impl Origin {
    /// Whether the name is one of the public registry.
    pub(super) fn is_registry(&self) -> bool {
        matches!(self, Self::Registry | Self::RegistryAt(_))
    }
}

/// A place that packages are got from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Source {
    pub(super) ecosystem: Ecosystem,
    pub(super) url: String,
    pub(super) at: usize,
}

/// Why a file says nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Fault {
    /// The package manager refuses it too.
    #[error("{0}")]
    Refused(String),
    /// The package manager may read it.
    #[error("{0}")]
    Unread(String),
    /// It names more packages, or holds more values, than are read.
    #[error("it names more than {MAX_ASKED} packages, or holds more than {MAX_VALUES} values")]
    TooMany,
}

/// Refuses a text whose tree would be too large: what parts values counts them, and more.
fn bounded(text: &str) -> Result<(), Fault> {
    let parting = text.bytes().filter(|byte| matches!(byte, b',' | b'[' | b'{' | b'='));
    match parting.count() > MAX_VALUES {
        true => Err(Fault::TooMany),
        false => Ok(()),
    }
}

/// Reads JSON as package managers do: strictly, but for what this parser has limits for.
pub(super) fn json(text: &str) -> Result<Node, Fault> {
    bounded(text)?;
    serde_json::from_str(text).map_err(|error| {
        let message = error.to_string();
        // `JSON.parse` reads nesting, numbers and lone surrogates without limits.
        let limits = ["recursion", "number out of range", "surrogate", "hex escape"];
        match limits.iter().any(|limit| message.contains(limit)) {
            true => Fault::Unread(message),
            false => Fault::Refused(message),
        }
    })
}

/// Reads TOML.
pub(super) fn toml(text: &str) -> Result<Node, Fault> {
    bounded(text)?;
    toml::from_str(text).map_err(|error| {
        let message = error.message().replace('\n', " ");
        // Nesting and whole numbers may be larger for other readers.
        let limits = [
            "recursion",
            "too large",
            "overflow",
            "range",
            "too small",
            "limit",
            "number",
        ];
        match limits.iter().any(|limit| message.contains(limit)) {
            true => Fault::Unread(message),
            false => Fault::Refused(message),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requirements_go_by_many_names() {
        for name in [
            "requirements.txt",
            "requirements-dev.txt",
            "requirements_test.in",
            "a/dev-requirements.txt",
            "requirements/base.txt",
            "constraints.txt",
        ] {
            assert_eq!(Kind::of(name), Some(Kind::Requirements), "{name}");
        }
    }

    #[test]
    fn a_text_that_only_speaks_of_requirements_is_none() {
        for name in [
            "requirements.md",
            "requirementsless.txt",
            "docs/notes.txt",
            "requirements",
        ] {
            assert_eq!(Kind::of(name), None, "{name}");
        }
    }

    #[test]
    fn json_that_only_this_parser_cannot_read_is_unread_and_not_refused() {
        let deep = format!("{}{}", "[".repeat(1000), "]".repeat(1000));
        for text in [deep.as_str(), r#"{"a": 1e999}"#, r#"{"a": "\ud800"}"#] {
            assert!(matches!(json(text), Err(Fault::Unread(_))), "{text}");
        }
        for text in ["", "{", "{,}", "{\"a\": 1,}", "{{ name }}", "// x\n{}"] {
            assert!(matches!(json(text), Err(Fault::Refused(_))), "{text}");
        }
    }

    #[test]
    fn toml_that_only_this_parser_cannot_read_is_unread_and_not_refused() {
        let deep = format!("a = {}{}", "[".repeat(1000), "]".repeat(1000));
        for text in [deep.as_str(), "a = 99999999999999999999999999999999999999999"] {
            assert!(matches!(toml(text), Err(Fault::Unread(_))), "{text}");
        }
        for text in ["a = ", "[a", "a = 1\na = 2", "{{ x }}"] {
            assert!(matches!(toml(text), Err(Fault::Refused(_))), "{text}");
        }
    }
}

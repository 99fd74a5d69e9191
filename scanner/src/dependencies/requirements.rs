//! Requirements of pip: `requirements.txt` and its like, single requirements by PEP 508, `setup.cfg`, `pip.conf`.
//!
//! Source: pip's documentation, "Requirements File Format" and "Configuration"; PEP 508; setuptools' "Configuring
//! setuptools using setup.cfg files".

use super::manifest::{Origin, Reading, Wanted};
use super::package::Ecosystem::PyPi;

/// One requirement.
#[derive(Debug, PartialEq)]
pub(super) struct Requirement<'a> {
    pub(super) name: &'a str,
    pub(super) wanted: Wanted,
    pub(super) origin: Origin,
}

/// Reads a requirement by PEP 508: `name[extra] >= 1, < 2 ; marker`, `name @ url`.
pub(super) fn requirement(text: &str) -> Option<Requirement<'_>> {
    let text = text.trim();
    let end = text
        .find(|char: char| !char.is_ascii_alphanumeric() && !"-_.".contains(char))
        .unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    let starts = name.starts_with(|char: char| char.is_ascii_alphanumeric());
    let mut rest = rest.trim_start();
    if let Some(extras) = rest.strip_prefix('[') {
        rest = extras.split_once(']')?.1.trim_start();
    }
    if let Some(url) = rest.strip_prefix('@') {
        let url = url.trim().split([' ', ';']).next().unwrap_or_default();
        let origin = address(url);
        return (starts && !url.is_empty()).then_some(Requirement {
            name,
            wanted: Wanted::Any,
            origin,
        });
    }
    let versions = rest.split(';').next().unwrap_or_default().trim();
    let versions = versions.trim_start_matches('(').trim_end_matches(')').trim();
    let fits = versions.is_empty() || versions.starts_with(['=', '<', '>', '~', '!']);
    (starts && fits).then(|| Requirement {
        name,
        wanted: wanted(versions),
        origin: Origin::Registry,
    })
}

/// Which versions a specifier takes.
pub(super) fn wanted(versions: &str) -> Wanted {
    let versions = versions.trim();
    if matches!(versions, "" | "*" | ">=0" | ">= 0") {
        return Wanted::Any;
    }
    let exact = versions.strip_prefix("===").or_else(|| versions.strip_prefix("=="));
    match exact
        .map(str::trim)
        .filter(|version| !version.contains(['*', ',', ' ']))
    {
        Some(version) => Wanted::Exact(version.to_owned()),
        None => Wanted::Range(versions.to_owned()),
    }
}

/// Where an address leads.
fn address(url: &str) -> Origin {
    let url = url.to_owned();
    if url.starts_with("file:") || url.starts_with('.') || url.starts_with('/') {
        return Origin::Path(url.trim_start_matches("file://").trim_start_matches("file:").to_owned());
    }
    let repository = ["git+", "hg+", "svn+", "bzr+", "git:", "git@"];
    match repository.iter().any(|prefix| url.starts_with(prefix)) {
        true => Origin::Git(url),
        false => Origin::Url(url),
    }
}

/// Reads a requirements file.
pub(super) fn read(text: &str) -> Reading {
    let mut reading = Reading::default();
    let mut joined = String::new();
    let (mut at, mut start) = (0, 0);
    for line in text.split_inclusive('\n') {
        if joined.is_empty() {
            start = at;
        }
        at += line.len();
        let line = line.trim_end_matches(['\n', '\r']);
        // A comment ends the line also where that goes on.
        match line.strip_suffix('\\').filter(|_| !line.trim_start().starts_with('#')) {
            Some(more) if at < text.len() => {
                joined.push_str(more);
                joined.push(' ');
                continue;
            }
            more => joined.push_str(more.unwrap_or(line)),
        }
        self::line(without_comment(&joined), start, &mut reading);
        joined.clear();
    }
    reading
}

/// A `#` begins a comment at the line's start and behind a blank: in an address it is a fragment.
fn without_comment(line: &str) -> &str {
    let hash = line
        .match_indices('#')
        .map(|(at, _)| at)
        .find(|&at| at == 0 || line.get(..at).is_some_and(|before| before.ends_with([' ', '\t'])));
    hash.and_then(|at| line.get(..at)).unwrap_or(line).trim()
}

fn line(line: &str, at: usize, reading: &mut Reading) {
    if line.is_empty() {
        return;
    }
    if line.starts_with('-') {
        return option(line, at, reading);
    }
    // Options of one requirement stand behind it.
    let asked = line.split(" --").next().unwrap_or(line).trim();
    if let Some(requirement) = requirement(asked) {
        return reading.ask(PyPi, requirement.name, requirement.wanted, requirement.origin, at);
    }
    if !located(asked, at, reading) {
        reading.refuse(at);
    }
}

/// A requirement that is an address or a path; whether it is one.
fn located(asked: &str, at: usize, reading: &mut Reading) -> bool {
    let asked = asked.trim().trim_matches(['"', '\'']);
    let is_archive = [".whl", ".tar.gz", ".zip", ".tar.bz2"]
        .iter()
        .any(|end| asked.ends_with(end));
    if !asked.contains("://") && !asked.starts_with("git@") {
        let is_path = asked.starts_with(['.', '/', '~', '$']) || asked.contains('/') || is_archive;
        return is_path;
    }
    let fragment = asked.split_once('#').map(|(_, fragment)| fragment).unwrap_or_default();
    let egg = fragment.split('&').find_map(|part| part.strip_prefix("egg="));
    let address_alone = asked.split(['#', '?']).next().unwrap_or(asked).trim_end_matches('/');
    let file = address_alone.rsplit('/').next().unwrap_or_default();
    let file = file.split('@').next().unwrap_or(file).trim_end_matches(".git");
    // A wheel is called `name-version-…`.
    let name = egg.map(|egg| egg.split('[').next().unwrap_or(egg));
    let name = name.unwrap_or_else(|| {
        if is_archive {
            file.split('-').next().unwrap_or(file)
        } else {
            file
        }
    });
    reading.ask(PyPi, name, Wanted::Any, address(asked), at);
    true
}

fn option(line: &str, at: usize, reading: &mut Reading) {
    let (key, value) = line.split_once([' ', '=']).unwrap_or((line, ""));
    let value = value.trim().trim_start_matches('=').trim().trim_matches(['"', '\'']);
    // `-ihttps://…` needs no blank.
    let (key, value) = match key.strip_prefix("-i").or_else(|| key.strip_prefix("-f")) {
        Some(glued) if glued.contains("://") => ("-i", glued),
        _ => (key, value),
    };
    match key {
        "-i" | "--index-url" | "--pypi-url" | "--extra-index-url" => reading.source(PyPi, value, at),
        "-f" | "--find-links" if value.contains("://") => reading.source(PyPi, value, at),
        "-e" | "--editable" => match requirement(value).filter(|asked| !asked.origin.is_registry()) {
            Some(asked) => reading.ask(PyPi, asked.name, asked.wanted, asked.origin, at),
            None => {
                let _is_address = located(value, at, reading);
            }
        },
        _ => {}
    }
}

/// The lines of an INI file that belong to a key: section, key, value, place.
fn ini<'a>(text: &'a str, mut take: impl FnMut(&'a str, &'a str, &'a str, usize)) {
    let (mut section, mut key) = ("", "");
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let start = at;
        at += line.len();
        let line = line.trim_end();
        if line.trim().is_empty() || line.trim_start().starts_with(['#', ';']) {
            continue;
        }
        if let Some(name) = line.strip_prefix('[') {
            (section, key) = (name.trim_end_matches(']').trim(), "");
        } else if line.starts_with([' ', '\t']) {
            take(section, key, line.trim(), start);
        } else if let Some((name, value)) = line.split_once(['=', ':']) {
            key = name.trim();
            take(section, key, value.trim(), start);
        }
    }
}

/// Reads `setup.cfg`.
pub(super) fn read_setup_cfg(text: &str) -> Reading {
    let mut reading = Reading::default();
    ini(text, |section, key, value, at| {
        let key = key.replace('-', "_");
        let asks = match section {
            "options" => matches!(key.as_str(), "install_requires" | "setup_requires" | "tests_require"),
            "options.extras_require" => true,
            "metadata" if key == "name" => {
                reading.provide(PyPi, Some(value));
                false
            }
            _ => false,
        };
        if !asks {
            return;
        }
        // One a line: a comma parts the bounds of a version.
        if let Some(asked) = requirement(without_comment(value)) {
            reading.ask(PyPi, asked.name, asked.wanted, asked.origin, at);
        }
    });
    reading
}

/// Reads `pip.conf`.
pub(super) fn read_pip_conf(text: &str) -> Reading {
    let mut reading = Reading::default();
    ini(text, |_, key, value, at| {
        if matches!(key, "index-url" | "extra-index-url" | "find-links") {
            for url in value.split_whitespace().filter(|url| url.contains("://")) {
                reading.source(PyPi, url, at);
            }
        }
    });
    reading
}

#[cfg(test)]
mod tests {
    use super::super::testing::asked;
    use super::*;

    #[test]
    fn requirements_are_read_in_every_form() {
        let text = "# tools\n-r base.txt\n-c constraints.txt\n--index-url https://pypi.org/simple\n--extra-index-url=https://other.example/simple\n\
            requests[security]==2.31.0 ; python_version < \"3.9\"  # pinned\n\
            Django>=4,<5\nnumpy\nflask == 2.0.1 \\\n    --hash=sha256:00 \\\n    --hash=sha256:01\n\
            pip @ https://example.org/pip.zip\n-e git+https://github.com/a/b.git@main#egg=pkg_name&subdirectory=x\n\
            ./local\n-e .\nhttps://example.org/wheels/thing-1.0-py3-none-any.whl\nwhat is this\n";
        let reading = read(text);
        assert_eq!(
            asked(&reading, text),
            [
                "6 pkg:pypi/requests@2.31.0",
                "7 pkg:pypi/django ~>=4,<5",
                "8 pkg:pypi/numpy any",
                "9 pkg:pypi/flask@2.0.1",
                "12 pkg:pypi/pip any url https://example.org/pip.zip",
                "13 pkg:pypi/pkg-name any git git+https://github.com/a/b.git@main#egg=pkg_name&subdirectory=x",
                "16 pkg:pypi/thing any url https://example.org/wheels/thing-1.0-py3-none-any.whl",
            ]
        );
        let urls: Vec<_> = reading.sources.iter().map(|source| source.url.as_str()).collect();
        assert_eq!(urls, ["https://pypi.org/simple", "https://other.example/simple"]);
        assert_eq!(reading.refused.len(), 1);
    }

    #[test]
    fn what_pep_508_gives_as_examples_is_read() {
        let cases = [
            ("A", "A", Wanted::Any),
            ("A.B-C_D", "A.B-C_D", Wanted::Any),
            ("aa", "aa", Wanted::Any),
            ("name<=1", "name", Wanted::Range("<=1".to_owned())),
            ("name>=3", "name", Wanted::Range(">=3".to_owned())),
            ("name>=3,<2", "name", Wanted::Range(">=3,<2".to_owned())),
            (
                "name [fred,bar] (>=3) ; python_version=='2.7'",
                "name",
                Wanted::Range(">=3".to_owned()),
            ),
            ("name;os_name=='a' or os_name=='b'", "name", Wanted::Any),
        ];
        for (text, name, wanted) in cases {
            let origin = Origin::Registry;
            assert_eq!(requirement(text), Some(Requirement { name, wanted, origin }), "{text}");
        }
        let by_address = requirement("name@http://foo.com").unwrap();
        assert_eq!(by_address.origin, Origin::Url("http://foo.com".to_owned()));
    }

    #[test]
    fn setup_cfg_asks_in_its_options_alone() {
        let text = "[metadata]\nname = mine\n[options]\ninstall_requires =\n    requests>=2,<3\n    six  # old\n[options.extras_require]\ntest = pytest\n[flake8]\nignore = E501\n";
        let reading = read_setup_cfg(text);
        assert_eq!(
            asked(&reading, text),
            [
                "5 pkg:pypi/requests ~>=2,<3",
                "6 pkg:pypi/six any",
                "8 pkg:pypi/pytest any"
            ]
        );
    }
}

//! The lockfiles of npm (version 1 to 3), yarn (classic and berry) and pnpm (version 5 to 9).
//!
//! `yarn.lock` and `pnpm-lock.yaml` are read line by line: both are written by programs, in one form each, and of a file
//! in another form those lines are taken that fit.

use super::manifest::{Fault, Origin, Reading, Wanted, json};
use super::node::{Finder, Node};
use super::npm::read_spec;
use super::package::Ecosystem::Npm;

/// Where archives are those of repositories.
const REPOSITORIES: [&str; 4] = [
    "https://codeload.github.com/",
    "https://github.com/",
    "https://gitlab.com/",
    "https://bitbucket.org/",
];

pub(super) fn read_package_lock(text: &str) -> Result<Reading, Fault> {
    let root = json(text)?;
    let mut reading = Reading::default();
    reading.provide(Npm, root.at("name").text());
    let mut finder = Finder::new(text);
    let packages = root.at("packages").members();
    if packages.is_empty() {
        nested(root.at("dependencies"), &mut reading, &mut finder);
        return Ok(reading);
    }
    finder.from(0, "\"packages\"");
    for (path, entry) in packages {
        let at = finder.next(&format!("\"{path}\""));
        let by_path = path.rsplit_once("node_modules/").map(|(_, name)| name);
        let name = entry.at("name").text().or(by_path);
        // What lies in no `node_modules` is the bundle's own; a link there only points at it.
        if by_path.is_none() || entry.at("link").is_true() {
            reading.provide(Npm, name.or(path.rsplit('/').next()));
            continue;
        }
        if let Some(name) = name {
            locked(name, entry, at, &mut reading);
        }
    }
    Ok(reading)
}

/// Reads version 1, in which packages lie in each other.
fn nested(table: &Node, reading: &mut Reading, finder: &mut Finder<'_>) {
    // The parser limits the depth.
    for (name, entry) in table.members() {
        let at = finder.next(&format!("\"{name}\""));
        locked(name, entry, at, reading);
        nested(entry.at("dependencies"), reading, finder);
    }
}

fn locked(name: &str, entry: &Node, at: usize, reading: &mut Reading) {
    let version = entry.at("version").text().unwrap_or_default();
    let (name, wanted, mut origin) = read_spec(name, version);
    if let Some(resolved) = entry.at("resolved").text() {
        origin = origin_of(resolved);
    }
    let hashed =
        entry.at("integrity").text().is_some() || entry.at("bundled").is_true() || entry.at("inBundle").is_true();
    if matches!(origin, Origin::RegistryAt(_)) && !hashed {
        reading.lacks_hash(at);
    }
    reading.ask(Npm, name, wanted, origin, at);
}

/// Where an address that a lockfile resolved to lies.
fn origin_of(resolved: &str) -> Origin {
    let (_, _, origin) = read_spec("", resolved);
    match origin {
        // Archives of repositories are asked for as such; any other address claims to be a registry's.
        Origin::Url(url) if !REPOSITORIES.iter().any(|host| url.starts_with(host)) => Origin::RegistryAt(url),
        Origin::Registry => Origin::RegistryAt(resolved.to_owned()),
        other => other,
    }
}

/// A block of `yarn.lock` that is being read.
struct Block<'a> {
    at: usize,
    name: &'a str,
    version: &'a str,
    resolved: &'a str,
    berry: bool,
    hashed: bool,
}

pub(super) fn read_yarn(text: &str) -> Reading {
    let mut reading = Reading::default();
    let mut block: Option<Block<'_>> = None;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let start = at;
        at += line.len();
        let line = line.trim_end();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if !line.starts_with(' ') {
            yarn_block(block.take(), &mut reading);
            let first = line.trim_end_matches(':').split(',').next().unwrap_or_default();
            let first = first.trim().trim_matches('"');
            let name = first
                .get(1..)
                .and_then(|rest| rest.find('@'))
                .map(|at| first.split_at(at + 1).0);
            block = name.map(|name| Block {
                at: start,
                name,
                version: "",
                resolved: "",
                berry: false,
                hashed: false,
            });
            continue;
        }
        // Deeper lines are about what the package itself asks for.
        let Some(block) = block.as_mut().filter(|_| !line.starts_with("   ")) else {
            continue;
        };
        let (key, value) = line.trim().split_once(' ').unwrap_or((line.trim(), ""));
        let value = value.trim().trim_matches('"');
        match key.trim_end_matches(':') {
            "version" => block.version = value,
            "resolved" => block.resolved = value,
            "resolution" => (block.resolved, block.berry) = (value, true),
            "integrity" | "checksum" => block.hashed = true,
            _ => {}
        }
    }
    yarn_block(block, &mut reading);
    reading
}

fn yarn_block(block: Option<Block<'_>>, reading: &mut Reading) {
    let Some(block) = block.filter(|block| !block.version.is_empty()) else {
        return;
    };
    let (mut name, mut wanted) = (block.name, Wanted::Exact(block.version.to_owned()));
    let mut origin = Origin::Registry;
    if block.berry {
        // `resolution: "@scope/name@npm:1.0.0"`, or with `workspace:`, `patch:`, an address.
        let split = block.resolved.get(1..).and_then(|rest| rest.find('@'));
        let (real, from) = split.map_or((name, ""), |at| {
            let (real, from) = block.resolved.split_at(at + 1);
            (real, from.trim_start_matches('@'))
        });
        name = real;
        if from.starts_with("workspace:") {
            return reading.provide(Npm, Some(name));
        }
        if !from.starts_with("npm:") && !from.starts_with("patch:") {
            (_, wanted, origin) = read_spec(name, from);
        }
    } else if !block.resolved.is_empty() {
        origin = origin_of(block.resolved);
        // The oldest ones have the digest behind the address.
        let hashed = block.hashed || block.resolved.contains('#');
        if origin.is_registry() && !hashed {
            reading.lacks_hash(block.at);
        }
    }
    reading.ask(Npm, name, wanted, origin, block.at);
}

pub(super) fn read_pnpm(text: &str) -> Reading {
    let mut reading = Reading::default();
    let (mut within, mut at) = (false, 0);
    for line in text.split_inclusive('\n') {
        let start = at;
        at += line.len();
        let line = line.trim_end();
        if !line.starts_with([' ', '#']) && !line.is_empty() {
            within = line == "packages:";
            continue;
        }
        let Some(key) = line.strip_prefix("  ").filter(|key| within && !key.starts_with(' ')) else {
            continue;
        };
        let Some((name, version)) = pnpm_key(key) else { continue };
        let (_, wanted, origin) = read_spec(name, version);
        reading.ask(Npm, name, wanted, origin, start);
    }
    reading
}

/// `/name/1.0.0:`, `/@scope/name@1.0.0(peer@2.0.0):`, `'@scope/name@1.0.0':`.
fn pnpm_key(key: &str) -> Option<(&str, &str)> {
    let key = key.strip_suffix(':').or_else(|| key.strip_suffix(": {}"))?;
    let key = key.trim_matches(['\'', '"']);
    let old = key.starts_with('/');
    let key = key.trim_start_matches('/');
    let key = key.split('(').next().unwrap_or(key);
    // The oldest ones have a slash before the version, and peers with an `@` behind it.
    let slashes = if key.starts_with('@') { 1 } else { 0 };
    let slash = key.match_indices('/').nth(slashes).map(|(at, _)| at).filter(|_| old);
    let split = slash.or_else(|| key.get(1..)?.find('@').map(|at| at + 1))?;
    let (name, version) = key.split_at(split);
    let version = version.get(1..)?;
    Some((
        name,
        if old {
            version.split('_').next().unwrap_or(version)
        } else {
            version
        },
    ))
}

#[cfg(test)]
mod tests {
    use super::super::testing::asked;
    use super::*;

    const SHA: &str = "sha512-AA==";

    #[test]
    fn a_lockfile_of_version_3_names_each_folder() {
        let text = format!(
            r#"{{"name": "mine", "lockfileVersion": 3, "packages": {{
"": {{"name": "mine"}},
"node_modules/a": {{"version": "1.0.0", "resolved": "https://registry.npmjs.org/a/-/a-1.0.0.tgz", "integrity": "{SHA}"}},
"node_modules/a/node_modules/@s/b": {{"version": "2.0.0", "resolved": "https://registry.npmjs.org/@s/b/-/b-2.0.0.tgz"}},
"packages/own": {{"version": "0.0.1"}},
"node_modules/own": {{"resolved": "packages/own", "link": true}},
"node_modules/g": {{"version": "1.0.0", "resolved": "git+ssh://git@github.com/x/g.git#abc"}}
}}}}"#
        );
        let reading = read_package_lock(&text).unwrap();
        assert_eq!(
            asked(&reading, &text),
            [
                "3 pkg:npm/a@1.0.0 at https://registry.npmjs.org/a/-/a-1.0.0.tgz",
                "4 pkg:npm/%40s/b@2.0.0 at https://registry.npmjs.org/@s/b/-/b-2.0.0.tgz",
                "7 pkg:npm/g@1.0.0 git git+ssh://git@github.com/x/g.git#abc",
            ]
        );
        assert_eq!(reading.unhashed, 1);
        assert!(reading.provides.iter().any(|package| package.name() == "own"));
    }

    #[test]
    fn a_lockfile_of_version_1_has_packages_in_each_other() {
        let text = "{\"lockfileVersion\": 1, \"dependencies\": {\n\"a\": {\"version\": \"1.0.0\", \"dependencies\": {\n\"b\": {\"version\": \"2.0.0\"}}},\n\
            \"c\": {\"version\": \"npm:real@3.0.0\"}}}";
        let reading = read_package_lock(text).unwrap();
        assert_eq!(
            asked(&reading, text),
            ["2 pkg:npm/a@1.0.0", "3 pkg:npm/b@2.0.0", "4 pkg:npm/real@3.0.0"]
        );
    }

    #[test]
    fn the_lockfile_of_classic_yarn_is_read_by_blocks() {
        let text = format!(
            "# yarn lockfile v1\n\n\n\"@babel/core@^7.0.0\", \"@babel/core@^7.1.0\":\n  version \"7.24.0\"\n  resolved \"https://registry.yarnpkg.com/@babel/core/-/core-7.24.0.tgz#abc\"\n  integrity {SHA}\n  dependencies:\n    version \"^9.9.9\"\n\nms@2:\n  version \"2.1.3\"\n  resolved \"https://evil.example/ms/-/ms-2.1.3.tgz\"\n"
        );
        let reading = read_yarn(&text);
        assert_eq!(
            asked(&reading, &text),
            [
                "4 pkg:npm/%40babel/core@7.24.0 at https://registry.yarnpkg.com/@babel/core/-/core-7.24.0.tgz#abc",
                "11 pkg:npm/ms@2.1.3 at https://evil.example/ms/-/ms-2.1.3.tgz",
            ]
        );
        assert_eq!(reading.unhashed, 1);
    }

    #[test]
    fn the_lockfile_of_berry_says_what_each_resolved_to() {
        let text = "__metadata:\n  version: 8\n\n\"a@npm:^1.0.0\":\n  version: 1.2.3\n  resolution: \"a@npm:1.2.3\"\n  checksum: 10c0/aa\n  languageName: node\n\n\
            \"mine@workspace:.\":\n  version: 0.0.0-use.local\n  resolution: \"mine@workspace:.\"\n\n\
            \"alias@npm:@s/real@^2\":\n  version: 2.0.0\n  resolution: \"@s/real@npm:2.0.0\"\n";
        let reading = read_yarn(text);
        assert_eq!(
            asked(&reading, text),
            ["4 pkg:npm/a@1.2.3", "14 pkg:npm/%40s/real@2.0.0"]
        );
        assert_eq!(reading.provides[0].name(), "mine");
    }

    #[test]
    fn the_lockfile_of_pnpm_has_its_packages_as_keys() {
        let text = "lockfileVersion: '9.0'\n\nimporters:\n\n  .:\n    dependencies:\n      x:\n        version: 1.0.0\n\npackages:\n\n  '@s/a@1.0.0':\n    resolution: {integrity: x}\n\n  b@2.0.0(react@18.0.0):\n    resolution: {}\n\n  /c/3.0.0_react@18.0.0:\n    dev: true\n\n  /@s/d@4.0.0:\n\nsnapshots:\n\n  z@9.0.0: {}\n";
        let reading = read_pnpm(text);
        assert_eq!(
            asked(&reading, text),
            [
                "12 pkg:npm/%40s/a@1.0.0",
                "15 pkg:npm/b@2.0.0",
                "18 pkg:npm/c@3.0.0",
                "21 pkg:npm/%40s/d@4.0.0",
            ]
        );
    }
}

//! `package.json` and `.npmrc`.
//!
//! Source: the npm documentation, "package.json", "npmrc", "package spec".

use super::manifest::{Fault, Origin, Reading, Wanted, json};
use super::node::Finder;
use super::package::Ecosystem::Npm;

pub(super) fn read_manifest(text: &str) -> Result<Reading, Fault> {
    let root = json(text)?;
    let mut reading = Reading::default();
    reading.provide(Npm, root.at("name").text());
    let mut finder = Finder::new(text);
    for key in [
        "dependencies",
        "devDependencies",
        "optionalDependencies",
        "peerDependencies",
    ] {
        let table = root.at(key);
        if table.members().is_empty() {
            continue;
        }
        finder.from(0, &format!("\"{key}\""));
        for (name, spec) in table.members() {
            let at = finder.next(&format!("\"{name}\""));
            let Some(spec) = spec.text() else { continue };
            let (name, wanted, origin) = read_spec(name, spec);
            reading.ask(Npm, name, wanted, origin, at);
        }
    }
    Ok(reading)
}

/// What `"name": "spec"` asks for.
pub(super) fn read_spec<'a>(name: &'a str, spec: &'a str) -> (&'a str, Wanted, Origin) {
    let spec = spec.trim();
    if let Some(alias) = spec.strip_prefix("npm:") {
        return match alias.rfind('@').filter(|&at| at > 0) {
            Some(at) => {
                let (name, version) = alias.split_at(at);
                (name, wanted(version.trim_start_matches('@')), Origin::Registry)
            }
            None if alias.starts_with(|char: char| char.is_ascii_digit() || "^~*<>=".contains(char)) => {
                (name, wanted(alias), Origin::Registry)
            }
            None => (alias, Wanted::Any, Origin::Registry),
        };
    }
    let starts = |prefixes: &[&str]| prefixes.iter().any(|prefix| spec.starts_with(prefix));
    let path = ["file:", "link:", "portal:", "workspace:", "./", "../", "/", "~/"];
    let git = [
        "git+",
        "git:",
        "git@",
        "ssh:",
        "github:",
        "gitlab:",
        "bitbucket:",
        "gist:",
    ];
    let origin = if starts(&path) {
        let path = spec.split_once(':').map_or(spec, |(_, path)| path);
        // A workspace's member is found by its name, wherever it lies.
        Origin::Path(if spec.starts_with("workspace:") { "." } else { path }.to_owned())
    } else if starts(&git) || is_git_address(spec) {
        Origin::Git(spec.to_owned())
    } else if starts(&["http:", "https:"]) {
        Origin::Url(spec.to_owned())
    } else if is_shorthand(spec) {
        Origin::Git(format!("https://github.com/{spec}"))
    } else {
        return (name, wanted(spec), Origin::Registry);
    };
    (name, Wanted::Any, origin)
}

/// `https://host/owner/name.git`.
fn is_git_address(spec: &str) -> bool {
    let address = spec.split('#').next().unwrap_or(spec);
    spec.starts_with("http") && address.ends_with(".git")
}

/// `owner/name`, which is a repository at GitHub.
fn is_shorthand(spec: &str) -> bool {
    let name = spec.split('#').next().unwrap_or(spec);
    name.split('/').count() == 2 && !name.contains([' ', ':', '@', '^', '>', '<', '|'])
}

/// Which versions a range takes.
pub(super) fn wanted(range: &str) -> Wanted {
    let range = range.trim();
    if matches!(range, "" | "*" | "x" | "X" | "latest" | "next" | ">=0" | ">=0.0.0") {
        return Wanted::Any;
    }
    let version = range.trim_start_matches(['=', 'v']).trim();
    match semver::Version::parse(version) {
        Ok(_) => Wanted::Exact(version.to_owned()),
        Err(_) => Wanted::Range(range.to_owned()),
    }
}

/// Reads `.npmrc`, of which only the registries matter here.
pub(super) fn read_npmrc(text: &str) -> Reading {
    let mut reading = Reading::default();
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let start = at;
        at += line.len();
        let Some((key, value)) = line.trim().split_once('=') else {
            continue;
        };
        let key = key.trim();
        if key == "registry" || (key.starts_with('@') && key.ends_with(":registry")) {
            reading.source(Npm, value.trim().trim_matches(['"', '\'']), start);
        }
    }
    reading
}

#[cfg(test)]
mod tests {
    use super::super::testing::asked;
    use super::*;

    #[test]
    fn a_manifest_asks_in_every_form_of_a_spec() {
        let text = r#"{
  "name": "@me/mine",
  "dependencies": {
    "react": "^18.2.0",
    "left-pad": "1.3.0",
    "alias": "npm:@scope/real@~2.0",
    "tool": "git+https://github.com/a/tool.git#v1",
    "short": "owner/name#main",
    "tarball": "https://example.org/t.tgz",
    "beside": "file:../beside",
    "member": "workspace:*"
  },
  "devDependencies": { "react": "*", "@types/node": "latest" },
  "peerDependencies": []
}"#;
        let reading = read_manifest(text).unwrap();
        assert_eq!(
            asked(&reading, text),
            [
                "4 pkg:npm/react ~^18.2.0",
                "5 pkg:npm/left-pad@1.3.0",
                "6 pkg:npm/%40scope/real ~~2.0",
                "7 pkg:npm/tool any git git+https://github.com/a/tool.git#v1",
                "8 pkg:npm/short any git https://github.com/owner/name#main",
                "9 pkg:npm/tarball any url https://example.org/t.tgz",
                "10 pkg:npm/beside any path ../beside",
                "11 pkg:npm/member any path .",
                "13 pkg:npm/react any",
                "13 pkg:npm/%40types/node any",
            ]
        );
        assert_eq!(reading.provides[0].name(), "@me/mine");
    }

    #[test]
    fn npmrc_names_the_registries_of_all_and_of_scopes() {
        let text = "; c\nregistry=https://a.example/\n@me:registry = \"https://b.example/\"\nfund=false\n";
        let reading = read_npmrc(text);
        let urls: Vec<_> = reading.sources.iter().map(|source| source.url.as_str()).collect();
        assert_eq!(urls, ["https://a.example/", "https://b.example/"]);
    }
}

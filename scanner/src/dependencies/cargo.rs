//! `Cargo.toml` and `Cargo.lock`.
//!
//! Source: The Cargo Book, "The Manifest Format", "Specifying Dependencies", "Cargo.toml vs Cargo.lock".

use super::manifest::{Fault, Origin, Reading, Wanted, toml};
use super::node::{Finder, Node};
use super::package::Ecosystem::Cargo;

/// The index of crates.io in lockfiles, in both of its forms.
const CRATES_IO: [&str; 2] = [
    "registry+https://github.com/rust-lang/crates.io-index",
    "sparse+https://index.crates.io/",
];

pub(super) fn read_manifest(text: &str) -> Result<Reading, Fault> {
    let root = toml(text)?;
    let mut reading = Reading::default();
    reading.provide(Cargo, root.at("package").at("name").text());
    let mut finder = Finder::new(text);
    tables(&root, &mut reading, &mut finder);
    for (_, target) in root.at("target").members() {
        tables(target, &mut reading, &mut finder);
    }
    table(
        root.at("workspace").at("dependencies"),
        "dependencies",
        &mut reading,
        &mut finder,
    );
    for (_, patches) in root.at("patch").members() {
        table(patches, "patch", &mut reading, &mut finder);
    }
    Ok(reading)
}

fn tables(node: &Node, reading: &mut Reading, finder: &mut Finder<'_>) {
    for key in [
        "dependencies",
        "dev-dependencies",
        "dev_dependencies",
        "build-dependencies",
        "build_dependencies",
    ] {
        table(node.at(key), key, reading, finder);
    }
}

fn table(node: &Node, heading: &str, reading: &mut Reading, finder: &mut Finder<'_>) {
    if node.members().is_empty() {
        return;
    }
    // Tables of one name, as those of targets, come one after the other; the text has its keys in any order.
    let start = finder.from(0, heading);
    for (key, value) in node.members() {
        let at = finder.from(start, key);
        // What is inherited is asked for where the workspace says it.
        if value.at("workspace").is_true() {
            continue;
        }
        let name = value.at("package").text().unwrap_or(key);
        let wanted = value.text().or(value.at("version").text()).map_or(Wanted::Any, wanted);
        reading.ask(Cargo, name, wanted, origin(value), at);
    }
}

fn origin(value: &Node) -> Origin {
    let named = |key: &str| value.at(key).text().map(str::to_owned);
    // A path is for the bundle itself, and a version beside it for those who get it from the registry.
    named("path")
        .map(Origin::Path)
        .or_else(|| named("git").map(Origin::Git))
        .or_else(|| named("registry-index").map(Origin::OtherRegistry))
        .or_else(|| {
            named("registry")
                .filter(|name| name != "crates-io")
                .map(Origin::OtherRegistry)
        })
        .unwrap_or(Origin::Registry)
}

fn wanted(written: &str) -> Wanted {
    let written = written.trim();
    let exact = written.strip_prefix('=').map(str::trim);
    match exact.filter(|version| semver::Version::parse(version).is_ok()) {
        _ if written == "*" => Wanted::Any,
        Some(version) => Wanted::Exact(version.to_owned()),
        None => Wanted::Range(written.to_owned()),
    }
}

pub(super) fn read_lock(text: &str) -> Result<Reading, Fault> {
    let root = toml(text)?;
    let mut reading = Reading::default();
    let mut finder = Finder::new(text);
    // The oldest lockfiles have the digests together, at their end.
    let gathered = !root.at("metadata").members().is_empty();
    for package in root.at("package").items() {
        let Some(name) = package.at("name").text() else {
            continue;
        };
        let at = finder.next(&format!("name = \"{name}\""));
        let Some(source) = package.at("source").text() else {
            reading.provide(Cargo, Some(name));
            continue;
        };
        let wanted = package
            .at("version")
            .text()
            .map_or(Wanted::Any, |version| Wanted::Exact(version.to_owned()));
        let origin = match source.strip_prefix("git+") {
            Some(url) => Origin::Git(url.to_owned()),
            None if CRATES_IO.contains(&source) => Origin::Registry,
            None => Origin::RegistryAt(after_plus(source).to_owned()),
        };
        if origin.is_registry() && !gathered && package.at("checksum").text().is_none() {
            reading.lacks_hash(at);
        }
        reading.ask(Cargo, name, wanted, origin, at);
        // The next package stands behind this one.
        finder.next("[[package]]");
    }
    Ok(reading)
}

fn after_plus(source: &str) -> &str {
    source.split_once('+').map_or(source, |(_, url)| url)
}

#[cfg(test)]
mod tests {
    use super::super::manifest::Kind;
    use super::super::testing::asked;
    use super::*;

    #[test]
    fn a_manifest_asks_for_what_all_its_tables_name() {
        let text = "[package]\nname = \"mine\"\n\n[dependencies]\nserde = { version = \"1\", features = [\"derive\"] }\n\
            local = { path = \"../local\" }\nfork.git = \"https://github.com/a/fork\"\nshort = { package = \"a-long-name\", version = \"=1.2.3\" }\n\
            [target.'cfg(unix)'.dev-dependencies]\nnix = \"*\"\n[workspace.dependencies]\nrand = \"0.9\"\n";
        let reading = Kind::CargoToml.read(text).unwrap();
        assert_eq!(
            asked(&reading, text),
            [
                "5 pkg:cargo/serde ~1",
                "6 pkg:cargo/local any path ../local",
                "7 pkg:cargo/fork any git https://github.com/a/fork",
                "8 pkg:cargo/a-long-name@1.2.3",
                "10 pkg:cargo/nix any",
                "12 pkg:cargo/rand ~0.9",
            ]
        );
        assert_eq!(reading.provides[0].name(), "mine");
    }

    #[test]
    fn a_lockfile_holds_what_has_a_source_and_provides_the_rest() {
        let text = "version = 4\n\n[[package]]\nname = \"a\"\nversion = \"1.0.0\"\n\
            source = \"registry+https://github.com/rust-lang/crates.io-index\"\nchecksum = \"00\"\n\n\
            [[package]]\nname = \"mine\"\nversion = \"0.1.0\"\n\n\
            [[package]]\nname = \"b\"\nversion = \"2.0.0\"\nsource = \"sparse+https://crates.example.org/\"\n";
        let reading = read_lock(text).unwrap();
        assert_eq!(
            asked(&reading, text),
            [
                "4 pkg:cargo/a@1.0.0",
                "14 pkg:cargo/b@2.0.0 at https://crates.example.org/"
            ]
        );
        assert_eq!((reading.provides[0].name(), reading.unhashed), ("mine", 1));
    }

    #[test]
    fn the_digests_of_an_old_lockfile_stand_together() {
        let text = "[[package]]\nname = \"a\"\nversion = \"1.0.0\"\nsource = \"registry+https://github.com/rust-lang/crates.io-index\"\n\n\
            [metadata]\n\"checksum a 1.0.0 (registry+https://github.com/rust-lang/crates.io-index)\" = \"00\"\n";
        assert_eq!(read_lock(text).unwrap().unhashed, 0);
    }
}

//! Which crate may depend on which.
//!
//! ```text
//! protocol ─▶ (none of ours)       hw ─▶ protocol        audit ─▶ protocol       scanner ─▶ protocol, audit
//! tx ─▶ protocol, hw, audit        rx ─▶ protocol, hw, audit, scanner            bench ─▶ all
//! ```

use toml::{Table, Value};

/// Crates by their folders, and which of ours each may know. Tests and benches (dev-dependencies) may know more.
pub(crate) const ARROWS: [(&str, &[&str]); 7] = [
    ("protocol", &[]),
    ("hw", &["protocol"]),
    ("audit", &["protocol"]),
    ("scanner", &["protocol", "audit"]),
    ("tx", &["protocol", "hw", "audit"]),
    ("rx", &["protocol", "hw", "audit", "scanner"]),
    ("bench", &["protocol", "hw", "audit", "scanner", "tx", "rx"]),
];

/// What protocol must do without: it is given bytes, time and chance.
pub(crate) const FORBIDDEN_IN_PROTOCOL: [&str; 8] = [
    "tokio",
    "socket2",
    "libc",
    "rustix",
    "getrandom",
    "rand",
    "tempfile",
    "crossbeam-channel",
];

/// Dependencies of all kinds but dev, by the names of their packages.
fn dependencies(manifest: &Table, workspace: &Table) -> Vec<String> {
    let mut tables = vec![manifest];
    tables.extend(
        manifest
            .get("target")
            .and_then(Value::as_table)
            .into_iter()
            .flat_map(Table::values)
            .filter_map(Value::as_table),
    );
    let kinds = ["dependencies", "build-dependencies"];
    let sections = tables
        .iter()
        .flat_map(|table| kinds.iter().filter_map(|kind| table.get(*kind)?.as_table()));
    sections
        .flatten()
        .map(|(key, value)| package(key, value, workspace))
        .collect()
}

/// The package behind a dependency's name: renamed here, or in the workspace.
fn package(key: &str, value: &Value, workspace: &Table) -> String {
    let renamed = |value: &Value| value.get("package").and_then(Value::as_str).map(str::to_owned);
    let inherited = value.get("workspace").and_then(Value::as_bool) == Some(true);
    let shared = || {
        workspace
            .get("workspace")?
            .get("dependencies")?
            .get(key)
            .and_then(renamed)
    };
    renamed(value)
        .or_else(|| inherited.then(shared).flatten())
        .unwrap_or_else(|| key.to_owned())
}

/// The arrows of the crate in `folder` that must not be.
pub(crate) fn wrong_arrows(folder: &str, manifest: &str, workspace: &str) -> Vec<String> {
    let (manifest, workspace): (Table, Table) = (toml::from_str(manifest).unwrap(), toml::from_str(workspace).unwrap());
    let allowed = ARROWS
        .iter()
        .find(|(name, _)| *name == folder)
        .map_or(&[][..], |(_, allowed)| allowed);
    let ours = |package: &String| package.strip_prefix("diode-").map(str::to_owned);
    let known: Vec<_> = dependencies(&manifest, &workspace).iter().filter_map(ours).collect();
    known
        .into_iter()
        .filter(|name| !allowed.contains(&name.as_str()))
        .map(|name| format!("{folder} ─▶ {name}"))
        .collect()
}

/// The dependencies of a manifest that are among `forbidden`.
pub(crate) fn forbidden_dependencies(manifest: &str, workspace: &str, forbidden: &[&str]) -> Vec<String> {
    let (manifest, workspace): (Table, Table) = (toml::from_str(manifest).unwrap(), toml::from_str(workspace).unwrap());
    let all = dependencies(&manifest, &workspace);
    all.into_iter()
        .filter(|package| forbidden.contains(&package.as_str()))
        .collect()
}

const WORKSPACE: &str = "[workspace.dependencies]\n\
    scanner = { package = \"diode-scanner\", path = \"scanner\" }\n\
    random = { package = \"rand\", version = \"1\" }\n";

#[test]
fn an_arrow_through_the_workspaces_name_is_found() {
    let manifest = "[dependencies]\nscanner.workspace = true\n";
    assert_eq!(wrong_arrows("tx", manifest, WORKSPACE), ["tx ─▶ scanner"]);
    assert_eq!(wrong_arrows("rx", manifest, WORKSPACE), [""; 0]);
}

#[test]
fn an_arrow_under_another_name_is_found() {
    let manifest = "[dependencies]\nharmless = { package = \"diode-rx\", path = \"../rx\" }\n";
    assert_eq!(wrong_arrows("tx", manifest, WORKSPACE), ["tx ─▶ rx"]);
}

#[test]
fn an_arrow_of_one_platform_or_of_the_build_is_found() {
    let manifest = "[build-dependencies]\ndiode-tx = \"1\"\n[target.'cfg(unix)'.dependencies]\ndiode-rx = \"1\"\n";
    let mut found = wrong_arrows("hw", manifest, WORKSPACE);
    found.sort_unstable();
    assert_eq!(found, ["hw ─▶ rx", "hw ─▶ tx"]);
}

#[test]
fn an_arrow_of_tests_alone_is_none() {
    assert_eq!(
        wrong_arrows("protocol", "[dev-dependencies]\ndiode-hw = \"1\"\n", WORKSPACE),
        [""; 0]
    );
}

#[test]
fn a_forbidden_dependency_is_found_under_another_name() {
    let manifest = "[dependencies]\nrandom.workspace = true\n";
    assert_eq!(forbidden_dependencies(manifest, WORKSPACE, &["rand"]), ["rand"]);
}

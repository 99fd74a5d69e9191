//! What Python's tools write in TOML and JSON: `pyproject.toml`, `Pipfile`, and the lockfiles of pipenv, poetry, uv and pdm.
//!
//! Source: the PyPA specifications "pyproject.toml" (PEP 621, PEP 518) and "Dependency Groups" (PEP 735); the documentation of
//! poetry, pipenv and uv.

use std::collections::BTreeMap;

use super::manifest::{Fault, Origin, Reading, Wanted, json, toml};
use super::node::{Finder, Node};
use super::package::Ecosystem::PyPi;
use super::package::Package;
use super::requirements::{requirement, wanted};

pub(super) fn read_pyproject(text: &str) -> Result<Reading, Fault> {
    let root = toml(text)?;
    let mut reading = Reading::default();
    let finder = &mut Finder::new(text);
    let (project, tool) = (root.at("project"), root.at("tool"));
    let poetry = tool.at("poetry");
    reading.provide(PyPi, project.at("name").text().or(poetry.at("name").text()));
    list(root.at("build-system").at("requires"), "requires", &mut reading, finder);
    list(project.at("dependencies"), "dependencies", &mut reading, finder);
    for groups in [
        project.at("optional-dependencies"),
        root.at("dependency-groups"),
        tool.at("pdm").at("dev-dependencies"),
    ] {
        for (group, asked) in groups.members() {
            list(asked, group, &mut reading, finder);
        }
    }
    list(
        tool.at("uv").at("dev-dependencies"),
        "dev-dependencies",
        &mut reading,
        finder,
    );
    table(
        poetry.at("dependencies"),
        "tool.poetry.dependencies",
        &mut reading,
        finder,
    );
    table(
        poetry.at("dev-dependencies"),
        "tool.poetry.dev-dependencies",
        &mut reading,
        finder,
    );
    for (group, asked) in poetry.at("group").members() {
        table(asked.at("dependencies"), group, &mut reading, finder);
    }
    for sources in [
        poetry.at("source"),
        tool.at("pdm").at("source"),
        tool.at("uv").at("index"),
    ] {
        indexes(sources, &mut reading, finder);
    }
    for key in ["index-url", "extra-index-url"] {
        if let Some(url) = tool.at("uv").at(key).text() {
            reading.source(PyPi, url, finder.from(0, key));
        }
    }
    redirect(tool.at("uv").at("sources"), &mut reading);
    Ok(reading)
}

/// A list of requirements by PEP 508.
fn list(asked: &Node, heading: &str, reading: &mut Reading, finder: &mut Finder<'_>) {
    if asked.items().is_empty() {
        return;
    }
    finder.from(0, heading);
    for text in asked.items().iter().filter_map(Node::text) {
        let at = finder.next(text);
        if let Some(asked) = requirement(text) {
            reading.ask(PyPi, asked.name, asked.wanted, asked.origin, at);
        }
    }
}

/// A table of poetry's or pipenv's.
fn table(asked: &Node, heading: &str, reading: &mut Reading, finder: &mut Finder<'_>) {
    if asked.members().is_empty() {
        return;
    }
    let start = finder.from(0, heading);
    for (name, value) in asked.members() {
        let at = finder.from(start, name);
        // Poetry asks for the interpreter in the same table.
        if name == "python" {
            continue;
        }
        // A package of several versions, by platform, is a list.
        let each = if value.items().is_empty() {
            std::slice::from_ref(value)
        } else {
            value.items()
        };
        for value in each {
            let version = value.text().or(value.at("version").text());
            reading.ask(
                PyPi,
                name,
                version.map_or(Wanted::Any, poetry_wanted),
                origin(value),
                at,
            );
        }
    }
}

/// Poetry's ranges: a bare version there is that version.
fn poetry_wanted(versions: &str) -> Wanted {
    let bare = versions.trim();
    match bare.starts_with(|char: char| char.is_ascii_digit()) && !bare.contains(['*', ',', ' ', '|']) {
        true => Wanted::Exact(bare.to_owned()),
        false => wanted(bare),
    }
}

fn origin(value: &Node) -> Origin {
    let named = |key: &str| value.at(key).text().map(str::to_owned);
    named("git")
        .map(Origin::Git)
        .or_else(|| named("url").map(Origin::Url))
        .or_else(|| named("path").map(Origin::Path))
        .or_else(|| named("file").map(Origin::Url))
        .or_else(|| {
            named("index")
                .filter(|index| index != "pypi")
                .map(Origin::OtherRegistry)
        })
        .or_else(|| value.at("workspace").is_true().then(|| Origin::Path(".".to_owned())))
        .unwrap_or(Origin::Registry)
}

/// Where packages come from that are asked for elsewhere in the file.
fn redirect(sources: &Node, reading: &mut Reading) {
    let origins = sources.members().iter().filter_map(|(name, value)| {
        let value = value.items().first().unwrap_or(value);
        Some((Package::new(PyPi, name)?, origin(value)))
    });
    let origins: BTreeMap<_, _> = origins.collect();
    for asked in &mut reading.asked {
        if let Some(origin) = origins.get(&asked.package) {
            asked.origin = origin.clone();
        }
    }
}

fn indexes(sources: &Node, reading: &mut Reading, finder: &mut Finder<'_>) {
    for url in sources.items().iter().filter_map(|source| source.at("url").text()) {
        reading.source(PyPi, url, finder.from(0, &format!("\"{url}\"")));
    }
}

pub(super) fn read_pipfile(text: &str) -> Result<Reading, Fault> {
    let root = toml(text)?;
    let mut reading = Reading::default();
    let finder = &mut Finder::new(text);
    indexes(root.at("source"), &mut reading, finder);
    for key in ["packages", "dev-packages"] {
        table(root.at(key), &format!("[{key}]"), &mut reading, finder);
    }
    Ok(reading)
}

pub(super) fn read_pipfile_lock(text: &str) -> Result<Reading, Fault> {
    let root = json(text)?;
    let mut reading = Reading::default();
    let finder = &mut Finder::new(text);
    indexes(root.at("_meta").at("sources"), &mut reading, finder);
    for key in ["default", "develop"] {
        finder.from(0, &format!("\"{key}\""));
        for (name, entry) in root.at(key).members() {
            let at = finder.next(&format!("\"{name}\""));
            let wanted = entry.at("version").text().map_or(Wanted::Any, wanted);
            let origin = match origin(entry) {
                // It names the index of every package, by a name that the file itself gives.
                Origin::OtherRegistry(_) => Origin::Registry,
                other => other,
            };
            if origin.is_registry() && entry.at("hashes").items().is_empty() {
                reading.lacks_hash(at);
            }
            reading.ask(PyPi, name, wanted, origin, at);
        }
    }
    Ok(reading)
}

/// Reads `poetry.lock`, `uv.lock` or `pdm.lock`: packages in a list, each with its files.
pub(super) fn read_lock(text: &str) -> Result<Reading, Fault> {
    let root = toml(text)?;
    let mut reading = Reading::default();
    let mut finder = Finder::new(text);
    // Older lockfiles of poetry and pdm have the digests of all packages together.
    let metadata = root.at("metadata");
    let gathered = !metadata.at("files").members().is_empty() || !metadata.at("hashes").members().is_empty();
    for package in root.at("package").items() {
        let Some(name) = package.at("name").text() else {
            continue;
        };
        let at = finder.next(&format!("name = \"{name}\""));
        let source = package.at("source");
        if ["virtual", "editable"]
            .iter()
            .any(|key| source.at(key).text().is_some())
        {
            reading.provide(PyPi, Some(name));
            continue;
        }
        let version = package.at("version").text();
        let wanted = version.map_or(Wanted::Any, |version| Wanted::Exact(version.to_owned()));
        let origin = locked_origin(source, package);
        let files = [package.at("files"), package.at("wheels")];
        let hashed = gathered
            || files.iter().any(|files| !files.items().is_empty())
            || package.at("sdist").at("hash").text().is_some();
        if origin.is_registry() && !hashed {
            reading.lacks_hash(at);
        }
        reading.ask(PyPi, name, wanted, origin, at);
        finder.next("[[package]]");
    }
    Ok(reading)
}

fn locked_origin(source: &Node, package: &Node) -> Origin {
    let named = |key: &str| source.at(key).text().map(str::to_owned);
    // Poetry says what kind of source an address is.
    let url = named("url").unwrap_or_default();
    match source.at("type").text() {
        Some("git") => return Origin::Git(url),
        Some("url") => return Origin::Url(url),
        Some("directory" | "file") => return Origin::Path(url),
        Some("legacy") => return Origin::RegistryAt(url),
        _ => {}
    }
    let git = named("git").or_else(|| package.at("git").text().map(str::to_owned));
    git.map(Origin::Git)
        .or_else(|| named("url").map(Origin::Url))
        .or_else(|| named("directory").or_else(|| named("path")).map(Origin::Path))
        .or_else(|| named("registry").map(Origin::RegistryAt))
        .unwrap_or(Origin::Registry)
}

#[cfg(test)]
mod tests {
    use super::super::manifest::Kind;
    use super::super::testing::asked;
    use super::*;

    #[test]
    fn a_project_asks_for_its_own_and_its_builds_and_its_groups() {
        let text = "[build-system]\nrequires = [\"setuptools>=61\", \"wheel\"]\n[project]\nname = \"My.Project\"\ndependencies = [\n  \"httpx[http2]>=0.25,<1\",\n  \"fork\",\n]\n\
            [project.optional-dependencies]\ntest = [\"pytest==8.0.0\"]\n[dependency-groups]\ndev = [{include-group = \"test\"}, \"ruff\"]\n\
            [tool.uv.sources]\nfork = { git = \"https://github.com/a/fork\" }\n[[tool.uv.index]]\nurl = \"https://i.example/simple\"\n";
        let reading = Kind::PyProject.read(text).unwrap();
        assert_eq!(
            asked(&reading, text),
            [
                "2 pkg:pypi/setuptools ~>=61",
                "2 pkg:pypi/wheel any",
                "6 pkg:pypi/httpx ~>=0.25,<1",
                "7 pkg:pypi/fork any git https://github.com/a/fork",
                "10 pkg:pypi/pytest@8.0.0",
                "12 pkg:pypi/ruff any",
            ]
        );
        assert_eq!(reading.provides[0].name(), "my-project");
        assert_eq!(reading.sources[0].url, "https://i.example/simple");
    }

    #[test]
    fn poetry_asks_in_tables_and_for_the_interpreter_beside() {
        let text = "[tool.poetry]\nname = \"mine\"\n[tool.poetry.dependencies]\npython = \"^3.9\"\nrequests = \"^2.31\"\nflask = \"2.0.1\"\nlocal = { path = \"../local\" }\n\
            [tool.poetry.group.dev.dependencies]\nblack = \"*\"\n";
        let reading = Kind::PyProject.read(text).unwrap();
        assert_eq!(
            asked(&reading, text),
            [
                "5 pkg:pypi/requests ~^2.31",
                "6 pkg:pypi/flask@2.0.1",
                "7 pkg:pypi/local any path ../local",
                "9 pkg:pypi/black any",
            ]
        );
    }

    #[test]
    fn the_lockfiles_of_poetry_and_uv_hold_versions() {
        let poetry = "[[package]]\nname = \"idna\"\nversion = \"3.6\"\nfiles = [{file = \"a\", hash = \"sha256:00\"}]\n\n\
            [[package]]\nname = \"six\"\nversion = \"1.16.0\"\nfiles = []\n[package.source]\ntype = \"git\"\nurl = \"https://github.com/x/six\"\n";
        let reading = read_lock(poetry).unwrap();
        assert_eq!(
            asked(&reading, poetry),
            [
                "2 pkg:pypi/idna@3.6",
                "7 pkg:pypi/six@1.16.0 git https://github.com/x/six"
            ]
        );
        let uv = "version = 1\n[[package]]\nname = \"mine\"\nversion = \"0.1\"\nsource = { virtual = \".\" }\n\
            [[package]]\nname = \"idna\"\nversion = \"3.6\"\nsource = { registry = \"https://pypi.org/simple\" }\nsdist = { url = \"u\", hash = \"sha256:00\" }\n";
        let reading = read_lock(uv).unwrap();
        assert_eq!(asked(&reading, uv), ["7 pkg:pypi/idna@3.6 at https://pypi.org/simple"]);
        assert_eq!((reading.provides[0].name(), reading.unhashed), ("mine", 0));
    }

    #[test]
    fn pipenv_asks_in_its_pipfile_and_holds_in_its_lockfile() {
        let text = "[[source]]\nurl = \"https://pypi.org/simple\"\nname = \"pypi\"\n[packages]\nrequests = \"*\"\n[dev-packages]\npytest = \"==8.0.0\"\n";
        let reading = read_pipfile(text).unwrap();
        assert_eq!(
            asked(&reading, text),
            ["5 pkg:pypi/requests any", "7 pkg:pypi/pytest@8.0.0"]
        );
        let lock = "{\"_meta\": {\"sources\": []}, \"default\": {\n\"idna\": {\"version\": \"==3.6\", \"index\": \"pypi\", \"hashes\": [\"sha256:0\"]}}, \"develop\": {\n\"six\": {\"version\": \"==1.16\"}}}";
        let reading = read_pipfile_lock(lock).unwrap();
        assert_eq!(asked(&reading, lock), ["2 pkg:pypi/idna@3.6", "3 pkg:pypi/six@1.16"]);
        assert_eq!(reading.unhashed, 1);
    }
}

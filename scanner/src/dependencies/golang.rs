//! `go.mod` and `go.sum`.
//!
//! Source: the Go Modules Reference, "go.mod files" and "go.sum files".

use std::collections::BTreeMap;

use super::manifest::{Origin, Reading, Wanted};
use super::package::Ecosystem::Go;

pub(super) fn read_mod(text: &str) -> Reading {
    let mut reading = Reading::default();
    let (mut block, mut replaced) = ("", BTreeMap::new());
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let start = at;
        at += line.len();
        let line = line.split("//").next().unwrap_or(line).trim();
        let words: Vec<_> = line
            .split_whitespace()
            .map(|word| word.trim_matches(['"', '`']))
            .collect();
        match words.as_slice() {
            [")"] => block = "",
            [verb, "("] => block = verb,
            [verb, rest @ ..] if block.is_empty() => statement(verb, rest, start, &mut reading, &mut replaced),
            rest => statement(block, rest, start, &mut reading, &mut replaced),
        }
    }
    for asked in &mut reading.asked {
        if let Some(path) = replaced.get(asked.package.name()) {
            (asked.origin, asked.wanted) = (Origin::Path((*path).to_owned()), Wanted::Any);
        }
    }
    reading
}

/// One statement; `replaced` takes the modules that folders stand in for.
fn statement<'a>(
    verb: &str,
    words: &[&'a str],
    at: usize,
    reading: &mut Reading,
    replaced: &mut BTreeMap<&'a str, &'a str>,
) {
    match (verb, words) {
        ("module", [module]) => reading.provide(Go, Some(module)),
        ("require", [module, version]) => {
            reading.ask(Go, module, Wanted::Exact((*version).to_owned()), Origin::Registry, at);
        }
        ("replace", words) => {
            // `old [version] => new [version]`; a new one without a version is a folder.
            let by = words
                .iter()
                .position(|word| *word == "=>")
                .map_or(words.len(), |arrow| arrow + 1);
            let old = words.first().copied().unwrap_or_default();
            match words.get(by..).unwrap_or_default() {
                [module, version] => {
                    reading.ask(Go, module, Wanted::Exact((*version).to_owned()), Origin::Registry, at);
                }
                [path] => {
                    replaced.insert(old, path);
                }
                _ => {}
            }
        }
        _ => {}
    }
}

/// Reads `go.sum`: each version has a line for its archive and one for its `go.mod` alone.
pub(super) fn read_sum(text: &str) -> Reading {
    let mut reading = Reading::default();
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let start = at;
        at += line.len();
        let mut words = line.split_whitespace();
        if let (Some(module), Some(version), Some(_)) = (words.next(), words.next(), words.next())
            && !version.ends_with("/go.mod")
        {
            reading.ask(Go, module, Wanted::Exact(version.to_owned()), Origin::Registry, start);
        }
    }
    reading
}

#[cfg(test)]
mod tests {
    use super::super::testing::asked;
    use super::*;

    #[test]
    fn a_module_requires_in_blocks_and_lines_and_replaces() {
        let text = "module example.org/mine\n\ngo 1.22\n\nrequire github.com/spf13/cobra v1.8.0\n\nrequire (\n\tgolang.org/x/sys v0.1.0 // indirect\n\t\"gopkg.in/yaml.v3\" v3.0.1\n)\n\
            replace golang.org/x/sys => ../sys\n\nreplace (\n\ta.example/b v1.0.0 => c.example/d v1.2.0\n)\n";
        let reading = read_mod(text);
        assert_eq!(
            asked(&reading, text),
            [
                "5 pkg:golang/github.com/spf13/cobra@v1.8.0",
                "8 pkg:golang/golang.org/x/sys any path ../sys",
                "9 pkg:golang/gopkg.in/yaml.v3@v3.0.1",
                "14 pkg:golang/c.example/d@v1.2.0",
            ]
        );
        assert_eq!(reading.provides[0].name(), "example.org/mine");
    }

    #[test]
    fn a_version_that_is_in_go_sum_for_its_go_mod_alone_is_not_held() {
        let text = "a.example/b v1.0.0 h1:AA=\na.example/b v1.0.0/go.mod h1:BB=\na.example/c v0.9.0/go.mod h1:CC=\n";
        assert_eq!(asked(&read_sum(text), text), ["1 pkg:golang/a.example/b@v1.0.0"]);
    }
}

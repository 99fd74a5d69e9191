//! What stands in one place alone.

use std::collections::BTreeMap;

/// Something that stands in these places alone: the text to look for, where it may be, and why nowhere else.
pub(crate) struct Confined {
    pub(crate) what: Needle,
    pub(crate) places: &'static [&'static str],
    pub(crate) why: &'static str,
}

#[derive(Clone, Copy)]
pub(crate) enum Needle {
    /// Anywhere in code.
    Text(&'static str),
    /// A word by itself.
    Word(&'static str),
    /// The name of a crate, at the beginning of a path.
    Crate(&'static str),
}

pub(crate) const CONFINED: [Confined; 10] = [
    Confined {
        what: Needle::Text("bincode::"),
        places: &["protocol/src/codec.rs"],
        why: "it is unmaintained: the wire must survive a change of library",
    },
    Confined {
        what: Needle::Text("raptorq::"),
        places: &["protocol/src/fec/gate.rs"],
        why: "it panics on malformed input: one gate stands in front of it",
    },
    Confined {
        what: Needle::Text("bundle::seal"),
        places: &["tx/src/desk/", "bench/src/mint.rs", "bench/src/sim/bundles.rs"],
        why: "bundles are signed at the author's desk, never by a transmitter or receiver",
    },
    Confined {
        what: Needle::Text("add_signature("),
        places: &["protocol/src/bundle/seal.rs", "protocol/src/bundle/envelope.rs"],
        why: "one module makes signatures over bundles",
    },
    Confined {
        what: Needle::Word("unsafe"),
        places: &["hw/src/", "protocol/src/fec/gf256"],
        why: "system calls are hw's, vector instructions the code's; all else is safe",
    },
    Confined {
        what: Needle::Text("socket2::"),
        places: &["hw/src/"],
        why: "sockets of the link are opened in one crate, which sets their directions",
    },
    Confined {
        what: Needle::Crate("landlock"),
        places: &["scanner/src/isolation/confine/"],
        why: "one folder takes a worker's rights away, step after step",
    },
    Confined {
        what: Needle::Crate("seccompiler"),
        places: &["scanner/src/isolation/confine/"],
        why: "one folder takes a worker's rights away, step after step",
    },
    Confined {
        what: Needle::Crate("nix"),
        places: &["scanner/src/isolation/"],
        why: "it closes by number and holds signals back, for processes that were just started; all else is rustix's",
    },
    Confined {
        what: Needle::Crate("postcard"),
        places: &[
            "scanner/src/isolation/",
            "scanner/src/scan/cache.rs",
            "scanner/src/scan/kept.rs",
            "scanner/src/taint/engine.rs",
            "scanner/src/taint/link.rs",
        ],
        why: "it is spoken between one executable's processes and kept for that very executable: what others read has formats that are written down",
    },
];

/// Where `confined` stands and must not: path and line number.
pub(crate) fn strays(confined: &Confined, sources: &BTreeMap<String, String>) -> Vec<String> {
    let outside = sources
        .iter()
        .filter(|(path, _)| !confined.places.iter().any(|place| path.starts_with(place)));
    let hits = outside.flat_map(|(path, text)| {
        let lines = code(text).filter(|(_, line)| confined.what.is_in(line));
        lines.map(move |(number, _)| format!("{path}:{number}"))
    });
    hits.collect()
}

impl Needle {
    fn is_in(self, line: &str) -> bool {
        let part_of_word = |c: char| c.is_alphanumeric() || c == '_';
        let begins_at = |at: usize| !line[..at].ends_with(part_of_word);
        let (needle, ends_before): (_, &dyn Fn(&str) -> bool) = match self {
            Self::Text(text) => return line.contains(text),
            Self::Word(word) => (word, &|rest| !rest.starts_with(part_of_word)),
            Self::Crate(name) => (name, &|rest| rest.starts_with("::")),
        };
        let mut places = line.match_indices(needle);
        places.any(|(at, _)| begins_at(at) && ends_before(&line[at + needle.len()..]))
    }
}

/// The numbered lines of a source that are compiled into the crate: no comments, and nothing from a test module on, which is the last
/// thing in a file.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text
        .lines()
        .enumerate()
        .map(|(number, line)| (number + 1, line.trim_start()));
    let mut previous = "";
    let before_tests = lines.take_while(move |(_, line)| {
        let tests = previous == "#[cfg(test)]" && line.starts_with("mod ") && line.ends_with('{');
        previous = line;
        !tests
    });
    before_tests.filter(|(_, line)| !line.starts_with("//"))
}

/// The crates that do not forbid unsafe code though they have none.
pub(crate) fn without_forbid(roots: &BTreeMap<String, String>) -> Vec<String> {
    let lacking = roots
        .iter()
        .filter(|(_, text)| !text.contains("#![forbid(unsafe_code)]"));
    lacking.map(|(path, _)| path.clone()).collect()
}

/// Files that are declared as modules of tests: `#[cfg(test)]`, perhaps a path, and `mod name;`.
pub(crate) fn test_only(sources: &BTreeMap<String, String>) -> Vec<String> {
    let mut found = Vec::new();
    for (path, text) in sources {
        let folder = module_folder(path);
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        for (at, line) in lines.iter().enumerate().filter(|(_, line)| **line == "#[cfg(test)]") {
            let _ = line;
            let mut file = None;
            for next in lines.iter().skip(at + 1).take(2) {
                if let Some(name) = next
                    .strip_prefix("#[path = \"")
                    .and_then(|rest| rest.strip_suffix("\"]"))
                {
                    let beside = path.rsplit_once('/').map_or("", |(folder, _)| folder);
                    file = Some(format!("{beside}/{name}"));
                } else if let Some(name) = next.split("mod ").nth(1).and_then(|rest| rest.strip_suffix(';')) {
                    found.push(file.take().unwrap_or_else(|| format!("{folder}/{name}.rs")));
                    break;
                }
            }
        }
    }
    found
}

/// Where the modules declared in a file are.
fn module_folder(path: &str) -> String {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    match name {
        "mod.rs" | "lib.rs" | "main.rs" => folder.to_owned(),
        _ => path.trim_end_matches(".rs").to_owned(),
    }
}

fn one_source(path: &str, text: &str) -> BTreeMap<String, String> {
    BTreeMap::from([(path.to_owned(), text.to_owned())])
}

#[test]
fn a_second_door_to_a_library_is_found() {
    let [bincode, ..] = &CONFINED;
    let found = strays(
        bincode,
        &one_source("rx/src/x.rs", "fn f() {\n    bincode::encode(1);\n}\n"),
    );
    assert_eq!(found, ["rx/src/x.rs:2"]);
}

#[test]
fn a_comment_and_a_test_module_open_no_door() {
    let [bincode, ..] = &CONFINED;
    let text = "/// As bincode::encode does.\nfn f() {}\n\n#[cfg(test)]\nmod tests {\n    use bincode::encode;\n}\n";
    assert_eq!(strays(bincode, &one_source("rx/src/x.rs", text)), [""; 0]);
}

#[test]
fn code_behind_a_declared_test_module_is_still_code() {
    let [bincode, ..] = &CONFINED;
    let text = "#[cfg(test)]\nmod tests;\nfn f() { bincode::encode(1) }\n";
    assert_eq!(strays(bincode, &one_source("rx/src/x.rs", text)), ["rx/src/x.rs:3"]);
}

#[test]
fn unsafe_code_is_found_and_a_lints_name_is_none() {
    let confined = CONFINED
        .iter()
        .find(|confined| matches!(confined.what, Needle::Word("unsafe")))
        .unwrap();
    let text = "#![forbid(unsafe_code)]\nfn f() { unsafe { g() } }\n";
    assert_eq!(
        strays(confined, &one_source("audit/src/lib.rs", text)),
        ["audit/src/lib.rs:2"]
    );
    assert_eq!(strays(confined, &one_source("hw/src/udp/x.rs", text)), [""; 0]);
}

#[test]
fn a_crates_name_is_found_at_the_beginning_of_a_path_alone() {
    let confined = CONFINED
        .iter()
        .find(|confined| matches!(confined.what, Needle::Crate("nix")))
        .unwrap();
    let text = "use std::os::unix::fs::PermissionsExt;\nlet nix = \"nix\";\nuse {nix::unistd::close, std::fs};\n";
    assert_eq!(strays(confined, &one_source("rx/src/x.rs", text)), ["rx/src/x.rs:3"]);
    assert_eq!(
        strays(confined, &one_source("scanner/src/isolation/x.rs", text)),
        [""; 0]
    );
}

#[test]
fn a_crate_that_does_not_forbid_unsafe_code_is_found() {
    assert_eq!(
        without_forbid(&one_source("rx/src/lib.rs", "#![deny(unsafe_code)]\n")),
        ["rx/src/lib.rs"]
    );
}

#[test]
fn files_of_tests_are_known_by_their_declarations() {
    let mut sources = one_source(
        "a/src/x.rs",
        "#[cfg(test)]\nmod tests;\n#[cfg(test)]\n#[path = \"x_tests.rs\"]\nmod more;\n",
    );
    sources.extend(one_source(
        "a/src/lib.rs",
        "#[cfg(test)]\npub(crate) mod samples;\nmod x;\n",
    ));
    let mut found = test_only(&sources);
    found.sort_unstable();
    assert_eq!(found, ["a/src/samples.rs", "a/src/x/tests.rs", "a/src/x_tests.rs"]);
}

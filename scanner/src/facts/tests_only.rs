//! Which files only tests run, by where they lie and what they are called.
//!
//! The names are those by which test runners find tests: pytest, unittest, go test, JUnit with Maven and Gradle, Jest,
//! Mocha, cargo, RSpec, PHPUnit; and folders that fuzzers run, cargo-fuzz and OSS-Fuzz. A name proves nothing, so nothing is left unscanned by it.

/// Folders of tests and of what tests read.
const FOLDERS: [&str; 12] = [
    "test",
    "tests",
    "__tests__",
    "testing",
    "testdata",
    "test-data",
    "test_data",
    "spec",
    "specs",
    "fuzz",
    "ossfuzz",
    "oss-fuzz",
];

/// Whether the file at `path` is one that only tests run.
#[must_use]
pub fn is_for_tests(path: &str) -> bool {
    let mut parts = path.split(['/', '!']).rev();
    let name = parts.next().unwrap_or(path);
    parts.any(|folder| FOLDERS.contains(&folder)) || is_test_name(name)
}

fn is_test_name(name: &str) -> bool {
    let Some((stem, extension)) = name.rsplit_once('.') else {
        return false;
    };
    match extension {
        "py" => stem == "conftest" || stem.starts_with("test_") || stem.ends_with("_test"),
        "rs" => matches!(stem, "tests" | "test") || stem.ends_with("_test"),
        "go" | "c" | "cc" | "cpp" => stem.ends_with("_test"),
        "rb" => stem.ends_with("_spec") || stem.ends_with("_test"),
        "js" | "jsx" | "mjs" | "cjs" | "ts" | "tsx" | "mts" | "cts" => {
            [".test", ".spec", ".tst"].iter().any(|mark| stem.ends_with(mark))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_are_known_by_their_folder_or_by_their_name() {
        for path in [
            "a/tests/b/c.py",
            "src/test/java/A.java",
            "auth_test.go",
            "src/x.spec.ts",
            "a.zip!tests/x.js",
            "pkg/test_x.py",
            "src/frame/tests.rs",
            "ossfuzz/decompress.c",
            "fuzz/fuzz_targets/a.rs",
        ] {
            assert!(is_for_tests(path), "{path}");
        }
    }

    #[test]
    fn what_only_sounds_like_a_test_is_none() {
        for path in [
            "src/contest/a.py",
            "org/benchmark/testcode/A.java",
            "testament.py",
            "latest.js",
            "src/testcases/a.c",
            "src/fuzzy/a.py",
            "A_test.java",
            "tests",
        ] {
            assert!(!is_for_tests(path), "{path}");
        }
    }
}

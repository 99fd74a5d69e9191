//! Each rule from both sides of its boundary.

use super::*;

fn rule(text: &str) -> Option<PathRule> {
    BundlePath::parse(text).err().map(|error| error.rule)
}

fn set(texts: &[&str]) -> Result<(), PathError> {
    let paths: Vec<_> = texts.iter().map(|text| BundlePath::parse(text).unwrap()).collect();
    check_set(&paths)
}

#[test]
fn an_ordinary_path_reads_back() {
    let text = "src/Über uns/日本.rs";
    assert_eq!(BundlePath::parse(text).unwrap().as_str(), text);
}

#[test]
fn a_path_is_split_into_its_parts() {
    let path = BundlePath::parse("a/b/c.rs").unwrap();
    assert_eq!(path.parts().collect::<Vec<_>>(), ["a", "b", "c.rs"]);
}

#[test]
fn an_empty_path_is_refused() {
    assert_eq!(rule(""), Some(PathRule::Empty));
}

#[test]
fn a_path_of_the_most_bytes_is_taken() {
    let part = "é".repeat(MAX_PATH_PART_LEN / 2);
    let text = format!("{part}/{part}/xy");
    assert_eq!((text.len(), rule(&text)), (MAX_PATH_LEN, None));
}

#[test]
fn a_part_of_the_most_bytes_is_taken_and_one_byte_more_is_refused() {
    assert_eq!(rule(&"x".repeat(MAX_PATH_PART_LEN)), None);
    let len = MAX_PATH_PART_LEN + 1;
    assert_eq!(
        rule(&format!("a/{}", "x".repeat(len))),
        Some(PathRule::PartTooLong { len })
    );
}

#[test]
fn a_path_one_byte_longer_is_refused() {
    let text = format!("{}x", "é".repeat(MAX_PATH_LEN / 2));
    assert_eq!(rule(&text), Some(PathRule::TooLong { len: MAX_PATH_LEN + 1 }));
}

#[test]
fn a_path_of_the_most_parts_is_taken() {
    assert_eq!(rule(&vec!["a"; MAX_PATH_DEPTH].join("/")), None);
}

#[test]
fn a_path_one_part_deeper_is_refused() {
    let text = vec!["a"; MAX_PATH_DEPTH + 1].join("/");
    assert_eq!(
        rule(&text),
        Some(PathRule::TooDeep {
            depth: MAX_PATH_DEPTH + 1
        })
    );
}

#[test]
fn an_absolute_path_is_refused() {
    assert_eq!(rule("/etc/passwd"), Some(PathRule::Absolute));
}

#[test]
fn an_empty_part_is_refused_within_and_at_the_end() {
    assert_eq!(rule("a//b"), Some(PathRule::EmptyPart));
    assert_eq!(rule("a/"), Some(PathRule::EmptyPart));
}

#[test]
fn a_part_of_one_or_two_dots_is_refused() {
    assert_eq!(rule("a/./b"), Some(PathRule::Dots { part: "." }));
    assert_eq!(rule("../b"), Some(PathRule::Dots { part: ".." }));
}

#[test]
fn a_name_that_starts_with_dots_is_taken() {
    assert_eq!(rule(".gitignore"), None);
    assert_eq!(rule("..a/...b"), None);
}

#[test]
fn a_bidirectional_override_is_refused_by_its_number() {
    let refused = BundlePath::parse("src/\u{202E}sr.elif").unwrap_err();
    assert_eq!(
        refused.to_string(),
        "path \"src/\\u{202e}sr.elif\" holds U+202E, a bidirectional control"
    );
}

#[test]
fn every_kind_of_unseen_character_is_refused() {
    let unseen = [
        '\0',
        '\n',
        '\t',
        '\u{7F}',
        '\u{85}',
        '\u{A0}',
        '\u{AD}',
        '\u{200B}',
        '\u{200D}',
        '\u{2028}',
        '\u{2029}',
        '\u{2066}',
        '\u{3000}',
        '\u{2800}',
        '\u{FE0F}',
        '\u{FEFF}',
        '\u{E0041}',
        '\u{E0100}',
        '\u{E000}',
        '\u{FFFE}',
    ];
    for character in unseen {
        let found = rule(&format!("a{character}b"));
        assert!(
            matches!(found, Some(PathRule::Unseen { .. })),
            "{character:?}: {found:?}"
        );
    }
}

#[test]
fn every_character_that_windows_refuses_is_refused() {
    for character in "\\:<>\"|?*".chars() {
        assert_eq!(rule(&format!("a{character}b")), Some(PathRule::Windows { character }));
    }
}

#[test]
fn a_part_that_ends_in_a_dot_or_space_is_refused() {
    for text in ["a.", "a ", "a./b", "a /b"] {
        assert!(
            matches!(rule(text), Some(PathRule::TrailingDotOrSpace { .. })),
            "{text}"
        );
    }
}

#[test]
fn a_space_or_dot_within_a_part_is_taken() {
    assert_eq!(rule("a b/c.d e"), None);
}

#[test]
fn a_device_of_windows_is_refused_in_any_case_and_with_any_extension() {
    let devices = [
        "CON",
        "con",
        "Nul.txt",
        "src/aux.c",
        "prn.tar.gz",
        "COM0",
        "com1",
        "COM9.log",
        "COM\u{B9}",
        "lpt\u{B3}.txt",
        "CONIN$",
        "conout$.x",
        "CLOCK$",
        "CON .txt",
    ];
    for text in devices {
        assert!(matches!(rule(text), Some(PathRule::Device { .. })), "{text}");
    }
}

#[test]
fn a_name_that_only_resembles_a_device_is_taken() {
    for text in [
        "CONS",
        "con1",
        "COM",
        "COM10",
        "COMA",
        "xCON",
        "a.CON",
        "com\u{2074}",
        "LPT",
        "nul_",
    ] {
        assert_eq!(rule(text), None, "{text}");
    }
}

#[test]
fn distinct_paths_pass_as_a_set() {
    assert_eq!(set(&["a", "a.b", "a b", "b/c", "b/d", "b-c", "b0"]), Ok(()));
}

#[test]
fn an_empty_set_passes() {
    assert_eq!(set(&[]), Ok(()));
}

#[test]
fn a_path_twice_is_refused() {
    assert!(matches!(
        set(&["x", "a", "x"]).unwrap_err().rule,
        PathRule::SameAs { .. }
    ));
}

#[test]
fn a_file_that_is_a_folder_of_another_is_refused_naming_both() {
    let refused = set(&["a/b/c", "a!", "a/b"]).unwrap_err();
    assert_eq!(refused.path, "a/b");
    assert_eq!(
        refused.rule,
        PathRule::FolderOf {
            other: "a/b/c".to_owned()
        }
    );
}

#[test]
fn a_file_that_is_a_folder_of_another_but_for_case_is_refused() {
    assert!(matches!(
        set(&["README", "readme/x"]).unwrap_err().rule,
        PathRule::FolderOf { .. }
    ));
}

#[test]
fn a_folder_is_found_when_other_names_sort_between_by_bytes() {
    // By bytes `a!`, `a-`, `a.x` come between `a` and `a/b`.
    let refused = set(&["a", "a!", "a-", "a.x", "a/b"]).unwrap_err();
    assert_eq!(
        refused.rule,
        PathRule::FolderOf {
            other: "a/b".to_owned()
        }
    );
}

#[test]
fn folders_that_differ_only_by_case_are_taken() {
    assert_eq!(set(&["Src/a", "src/b"]), Ok(()));
}

#[test]
fn paths_equal_after_case_folding_are_refused() {
    let pairs = [
        ("Makefile", "makefile"),
        ("stra\u{DF}e", "STRASSE"),
        ("\u{1E9E}", "ss"),
        ("\u{3C3}", "\u{3C2}"),
        ("\u{17F}", "s"),
        ("\u{212A}", "k"),
        ("\u{13A0}", "\u{AB70}"),
        ("\u{FB01}", "fi"),
        ("\u{130}", "i\u{307}"),
        ("\u{1FB3}", "\u{3B1}\u{3B9}"),
        ("\u{131}", "I"),
    ];
    for (a, b) in pairs {
        assert!(
            matches!(set(&[a, b]).unwrap_err().rule, PathRule::SameAs { .. }),
            "{a} {b}"
        );
    }
}

#[test]
fn paths_equal_after_normalising_are_refused() {
    for (a, b) in [
        ("\u{E9}", "e\u{301}"),
        ("\u{C9}", "e\u{301}"),
        ("\u{AC00}", "\u{1100}\u{1161}"),
    ] {
        assert!(
            matches!(set(&[a, b]).unwrap_err().rule, PathRule::SameAs { .. }),
            "{a} {b}"
        );
    }
}

#[test]
fn paths_that_differ_by_an_accent_or_a_compatibility_form_are_taken() {
    assert_eq!(set(&["e", "\u{E9}", "\u{FF45}", "\u{BD}", "2"]), Ok(()));
}

#[test]
fn a_hundred_thousand_deep_paths_pass_as_a_set() {
    let folder = ["folder"; 30].join("/");
    let paths: Vec<_> = (0..100_000)
        .map(|n| BundlePath::parse(&format!("{folder}/{n:06}")).unwrap())
        .collect();
    assert_eq!(check_set(&paths), Ok(()));
}

#[test]
fn a_path_is_refused_when_read_from_json() {
    assert!(serde_json::from_str::<BundlePath>("\"../x\"").is_err());
}

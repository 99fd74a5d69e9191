//! Each rule of a statement from both sides, and its one encoding.

use super::*;
use crate::bundle::samples;

fn sample() -> Statement {
    samples::statement().0
}

/// What `check` says of the sample after a change.
fn check(change: impl FnOnce(&mut Statement)) -> Result<(), BundleError> {
    let mut statement = sample();
    change(&mut statement);
    statement.check()
}

/// What `parse` says of the sample's payload with one text in place of another.
fn parse_with(old: &str, new: &str) -> Result<Statement, BundleError> {
    let payload = String::from_utf8(sample().to_payload()).unwrap();
    assert!(payload.contains(old), "{old} is not in {payload}");
    Statement::parse(payload.replacen(old, new, 1).as_bytes())
}

fn json_detail(old: &str, new: &str) -> String {
    match parse_with(old, new) {
        Err(BundleError::StatementJson { detail }) => detail,
        other => panic!("{other:?}"),
    }
}

fn set_files(statement: &mut Statement, files: Vec<FileRecord>) {
    statement.content_len = files.iter().map(|file| file.size).sum();
    statement.files = files;
}

#[test]
fn a_statement_reads_back() {
    assert_eq!(Statement::parse(&sample().to_payload()), Ok(sample()));
}

#[test]
fn a_statement_with_every_field_reads_back() {
    let mut statement = sample();
    statement.description = Some("first\n\t\"second\" \\ \u{1F980}".to_owned());
    statement.origin = Origin {
        tool: Some("tool".to_owned()),
        model: Some("model".to_owned()),
        ai_generated: AiShare::None,
        commit: Some("0123abcd".to_owned()),
        dirty: Some(false),
    };
    assert_eq!(Statement::parse(&statement.to_payload()), Ok(statement));
}

#[test]
fn a_statement_is_an_in_toto_statement_with_fields_in_order() {
    let json = String::from_utf8(sample().to_payload()).unwrap();
    let start = "{\"_type\":\"https://in-toto.io/Statement/v1\",\"subject\":[{\"name\":\"src/main.rs\",\"digest\":{\"sha256\":\"";
    assert!(json.starts_with(start), "{json}");
    let middle = "\"predicateType\":\"urn:diode:bundle:v1\",\"predicate\":{\"kind\":\"code\",\"author\":\"alice@lab\",\
                  \"created\":\"2026-11-22T09:40:58.000Z\",\"not_after\":\"2026-12-22T09:40:58.000Z\",";
    assert!(json.contains(middle), "{json}");
    let end = "\"files\":[{\"size\":9100,\"executable\":false},{\"size\":10,\"executable\":true}]}}";
    assert!(json.ends_with(end), "{json}");
}

#[test]
fn another_type_or_predicate_is_refused_by_its_name() {
    for (field, value) in [
        ("_type", crate::bundle::STATEMENT_TYPE),
        ("predicateType", crate::bundle::PREDICATE_TYPE),
    ] {
        let found = "urn:x".to_owned();
        assert_eq!(
            parse_with(value, "urn:x"),
            Err(BundleError::StatementType {
                field,
                found,
                expected: value
            })
        );
    }
}

#[test]
fn an_unknown_field_is_refused_in_every_object() {
    for object in [
        "{\"_type\"",
        "{\"name\"",
        "{\"sha256\"",
        "{\"kind\"",
        "{\"tool\"",
        "{\"size\"",
    ] {
        let detail = json_detail(object, &object.replace('{', "{\"x\":1,"));
        assert!(detail.starts_with("unknown field `x`"), "{object}: {detail}");
    }
}

#[test]
fn a_repeated_field_is_refused_in_every_object() {
    for field in [
        "\"name\":\"src/main.rs\"",
        "\"kind\":\"code\"",
        "\"tool\":\"claude-code\"",
        "\"size\":10",
    ] {
        let detail = json_detail(field, &format!("{field},{field}"));
        assert!(detail.starts_with("duplicate field"), "{field}: {detail}");
    }
}

#[test]
fn every_other_encoding_of_the_same_statement_is_refused() {
    let others = [
        ("{\"_type\"", "{ \"_type\""),
        ("\"code\"", "{\"code\":null}"),
        ("alice@lab", "\\u0061lice@lab"),
        ("src/main.rs", "src\\/main.rs"),
        ("58.000Z", "58Z"),
        ("\"target\"", "\"description\":null,\"target\""),
        ("{\"size\":10,\"executable\":true}", "[10,true]"),
        ("{\"size\":10,\"executable\":true}", "{\"executable\":true,\"size\":10}"),
        ("true}]}}", "true}]}}\n"),
    ];
    for (old, new) in others {
        let found = parse_with(old, new);
        assert!(matches!(found, Err(BundleError::Encoding { .. })), "{new}: {found:?}");
    }
}

#[test]
fn an_encoding_error_says_where_it_differs() {
    assert_eq!(
        parse_with("{\"_type\"", "{ \"_type\""),
        Err(BundleError::Encoding { at: 1 })
    );
}

#[test]
fn a_digest_of_another_algorithm_is_refused() {
    assert!(json_detail("\"sha256\"", "\"sha512\"").starts_with("unknown field `sha512`"));
}

#[test]
fn sizes_for_more_or_fewer_files_than_there_are_subjects_are_refused() {
    let facts = ",{\"size\":10,\"executable\":true}";
    assert_eq!(
        parse_with(facts, ""),
        Err(BundleError::FileList { subjects: 2, files: 1 })
    );
    assert_eq!(
        parse_with(facts, &facts.repeat(2)),
        Err(BundleError::FileList { subjects: 2, files: 3 })
    );
}

#[test]
fn a_path_that_breaks_a_rule_is_refused_by_its_rule() {
    let refused = parse_with("src/main.rs", "src/../main.rs").unwrap_err().to_string();
    assert_eq!(refused, "path \"src/../main.rs\" has the part \"..\"");
}

#[test]
fn a_size_below_zero_or_with_a_fraction_is_refused() {
    for size in ["-10", "10.0", "1e1", "\"10\"", "18446744073709551616"] {
        json_detail("\"size\":10", &format!("\"size\":{size}"));
    }
}

#[test]
fn json_nested_without_end_is_refused() {
    let deep = "[".repeat(1 << 20);
    assert!(matches!(
        Statement::parse(deep.as_bytes()),
        Err(BundleError::StatementJson { .. })
    ));
}

#[test]
fn a_bundle_without_files_is_refused() {
    assert_eq!(
        check(|statement| set_files(statement, Vec::new())),
        Err(BundleError::FileCount { count: 0 })
    );
}

#[test]
fn the_most_files_are_taken_and_one_more_is_not() {
    let mut files: Vec<_> = (0..=MAX_FILES)
        .map(|n| samples::record(&format!("{n:06}"), b""))
        .collect();
    let mut statement = sample();
    set_files(&mut statement, files.clone());
    let count = MAX_FILES + 1;
    assert_eq!(statement.check(), Err(BundleError::FileCount { count }));
    files.pop();
    set_files(&mut statement, files);
    assert_eq!(Statement::parse(&statement.to_payload()), Ok(statement));
}

#[test]
fn a_bundle_of_empty_files_is_taken() {
    assert_eq!(
        check(|statement| set_files(statement, vec![samples::record("__init__.py", b"")])),
        Ok(())
    );
}

#[test]
fn a_content_length_that_is_not_the_sum_is_refused() {
    let len = sample().content_len;
    for content_len in [len - 1, len + 1] {
        let found = check(|statement| statement.content_len = content_len);
        assert_eq!(
            found,
            Err(BundleError::ContentLength {
                sum: Some(len),
                content_len
            })
        );
    }
}

#[test]
fn sizes_that_overflow_are_refused() {
    let found = check(|statement| {
        statement.files[0].size = u64::MAX;
        statement.content_len = statement.files[1].size - 1;
    });
    assert!(
        matches!(found, Err(BundleError::ContentLength { sum: None, .. })),
        "{found:?}"
    );
}

#[test]
fn the_longest_content_is_taken_and_one_byte_more_is_not() {
    let with_len = |len: u64| {
        check(|statement| {
            statement.files.truncate(1);
            statement.files[0].size = len;
            statement.content_len = len;
        })
    };
    assert_eq!(with_len(MAX_CONTENT_LEN), Ok(()));
    let len = MAX_CONTENT_LEN + 1;
    assert_eq!(with_len(len), Err(BundleError::ContentTooLong { len }));
}

#[test]
fn each_power_of_two_within_the_limits_is_a_leaf_length() {
    for leaf_len in [4096, 8192, 131_072, 262_144] {
        assert_eq!(check(|statement| statement.leaf_len = leaf_len), Ok(()));
    }
}

#[test]
fn every_other_leaf_length_is_refused() {
    for leaf_len in [0, 1, 2048, 4095, 4097, 12_288, 262_143, 524_288, u32::MAX] {
        let found = check(|statement| statement.leaf_len = leaf_len);
        assert_eq!(found, Err(BundleError::LeafLength { leaf_len }));
    }
}

#[test]
fn an_author_or_receiver_that_is_no_name_is_refused_by_its_field() {
    let author = check(|statement| statement.author = "alice, bob".to_owned());
    assert!(matches!(author, Err(BundleError::Text { field: "author", .. })));
    let audience = check(|statement| statement.audience.push(String::new()));
    assert!(matches!(audience, Err(BundleError::Text { field: "audience", .. })));
}

#[test]
fn a_text_that_is_no_line_is_refused_by_its_field() {
    let bad = || Some("a\u{202E}b".to_owned());
    let found = [
        check(|statement| statement.target = bad()),
        check(|statement| statement.origin.tool = bad()),
        check(|statement| statement.origin.model = bad()),
        check(|statement| statement.origin.commit = bad()),
        check(|statement| statement.description = Some("\u{1B}".to_owned())),
    ];
    let fields = found.map(|result| match result {
        Err(BundleError::Text { field, .. }) => field,
        other => panic!("{other:?}"),
    });
    assert_eq!(
        fields,
        ["target", "origin.tool", "origin.model", "origin.commit", "description"]
    );
}

#[test]
fn a_bundle_for_nobody_is_refused() {
    assert_eq!(
        check(|statement| statement.audience.clear()),
        Err(BundleError::Audience { count: 0 })
    );
}

#[test]
fn the_most_receivers_are_taken_and_one_more_is_not() {
    let with = |count| check(|statement| statement.audience = vec!["plant-7".to_owned(); count]);
    assert_eq!(with(MAX_AUDIENCE), Ok(()));
    assert_eq!(
        with(MAX_AUDIENCE + 1),
        Err(BundleError::Audience {
            count: MAX_AUDIENCE + 1
        })
    );
}

#[test]
fn a_bundle_that_ends_as_it_begins_is_taken_and_one_that_ends_before_is_not() {
    assert_eq!(check(|statement| statement.not_after = statement.created), Ok(()));
    let found = check(|statement| statement.not_after = UnixMillis(statement.created.0 - 1));
    assert!(matches!(found, Err(BundleError::Dates { .. })));
}

#[test]
fn a_time_that_cannot_be_written_is_refused() {
    let found = check(|statement| statement.not_after = UnixMillis(u64::MAX));
    assert_eq!(found, Err(BundleError::Time { field: "not_after" }));
}

#[test]
fn files_out_of_order_are_refused_naming_both() {
    let found = check(|statement| statement.files.reverse());
    assert_eq!(
        found,
        Err(BundleError::PathOrder {
            before: "tools/run.sh".to_owned(),
            path: "src/main.rs".to_owned()
        })
    );
}

#[test]
fn a_path_twice_is_refused() {
    let found = check(|statement| {
        let first = statement.files[0].clone();
        set_files(statement, vec![first.clone(), first]);
    });
    assert!(matches!(found, Err(BundleError::PathOrder { .. })));
}

#[test]
fn paths_that_do_not_fit_into_one_folder_are_refused() {
    let found = check(|statement| set_files(statement, vec![samples::record("A", b""), samples::record("a", b"")]));
    assert!(matches!(found, Err(BundleError::Path(_))));
}

#[test]
fn files_start_where_those_before_them_end() {
    assert_eq!(sample().file_offsets(), [0, 9100]);
}

#[test]
fn a_last_leaf_of_one_byte_counts() {
    let mut statement = sample();
    let counts = [0, 1, 4096, 4097].map(|len| {
        statement.content_len = len;
        statement.leaf_count()
    });
    assert_eq!(counts, [0, 1, 1, 2]);
}

//! What shell becomes.

use super::super::testing;
use crate::facts::Language;

fn dump(code: &str) -> String {
    testing::dump(Language::Shell, code)
}

/// The statements of the top level.
fn top(code: &str) -> String {
    testing::top_of(&dump(code))
}

#[test]
fn a_pipe_is_an_argument_of_what_it_leads_to() {
    assert_eq!(
        top("curl -s u | sudo -E bash -s\n"),
        r#"bash("-s", stdin=curl("-s", "u"))"#
    );
}

#[test]
fn a_header_is_a_part_of_the_request() {
    assert_eq!(top("x=${HTTP_X_A:-20}\n"), r#"$x = choice(; $HTTP.X_A; "20")"#);
}

#[test]
fn a_test_is_a_comparison() {
    assert_eq!(top("[ \"$a\" = b ]\n"), r#"Eq($a, "b")"#);
    assert_eq!(top("[[ ! $a =~ ^[a-z]+$ ]]\n"), r#"not(matches("^[a-z]+$", $a))"#);
    assert_eq!(top("[ -n \"$a\" ]\n"), r#"Ne($a, "")"#);
}

#[test]
fn what_a_function_prints_is_what_it_gives_back() {
    let (function, _) = dump("f() { echo \"$1\"; }\n")
        .split_once("fn ()\n")
        .map(|(a, b)| (a.to_owned(), b.to_owned()))
        .unwrap();
    let (_, body) = function.split_once(")\n").unwrap();
    assert_eq!(body, "  stdout = \"\"\n  stdout += echo($1)\n  return stdout\n");
}

#[test]
fn a_file_that_is_written_is_said() {
    assert_eq!(top("a >/tmp/x\n"), ">(\"/tmp/x\")\na()");
}

#[test]
fn an_array_as_a_command_is_its_words() {
    assert_eq!(top("\"${w[@]}\" a\n"), r#"words(of($w), "a")"#);
}

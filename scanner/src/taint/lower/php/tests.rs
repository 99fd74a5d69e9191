//! What PHP becomes.

use super::super::testing;
use crate::facts::Language;

fn dump(code: &str) -> String {
    testing::dump(
        Language::Php,
        &format!(
            "<?php
{code}"
        ),
    )
}

/// The statements of the top level.
fn top(code: &str) -> String {
    testing::top_of(&dump(code))
}

#[test]
fn text_with_values_is_put_together() {
    assert_eq!(
        top("$x = \"a $b[k] {$c->d}\\n\";"),
        r#"$x = concat("a ", $b["k"], " ", $c.d, "\n")"#
    );
    assert_eq!(top("$x = 'a' . $b . 'c';"), r#"$x = concat("a", $b, "c")"#);
    assert_eq!(top("$x .= 'c';"), r#"$x += "c""#);
}

#[test]
fn a_part_of_the_request_is_a_variable_of_its_own() {
    assert_eq!(top("$_GET['a'];"), "$_GET.a");
    assert_eq!(top("$_SERVER['HTTP_X_A'];"), "$_SERVER.HTTP.X_A");
    assert_eq!(top("$_FILES['a']['tmp_name'];"), "uploaded_file($_FILES.a)");
}

#[test]
fn what_stands_between_tags_is_shown() {
    assert_eq!(top("?><b><?= $x ?></b>"), "echo($x)");
}

#[test]
fn names_with_namespaces_are_paths() {
    let code = "use A\\B as C;\nuse D\\{E, F as G};\nnew \\H\\I();\n";
    let expected = "import C = A.B\nimport E = D.E\nimport G = D.F\nfn ()\n  H.I()\n";
    assert_eq!(dump(code), expected);
}

#[test]
fn a_class_gives_its_constants_their_values_before_its_methods() {
    let code = "class A extends B { const X = 1; private $y = 2; function m(int $z) { return self::X; } }";
    let expected =
        "fn A.()\n  $this.X = 1\n  $this.y = 2\nfn A.m($z)\n  $z = intval($z)\n  return self.X\nfn ()\n  define m\n";
    assert_eq!(dump(code), expected);
}

#[test]
fn what_begins_with_a_text_is_said_as_such() {
    assert_eq!(top("strpos($a, 'b') === 0;"), r#"str_starts_with($a, "b")"#);
    assert_eq!(top("strpos($a, 'b') !== 0;"), r#"not(str_starts_with($a, "b"))"#);
    assert_eq!(top("isset($a[$b]);"), "array_key_exists($b, $a)");
}

#[test]
fn a_match_is_a_row_of_choices() {
    assert_eq!(
        top("match($t) { 'a' => 1, default => 2 };"),
        r#"last((match@ = $t), choice(In(match@, ["a"]); 1; 2))"#
    );
}

#[test]
fn a_mapped_list_is_a_list_of_calls() {
    assert_eq!(top("array_map('intval', $x);"), "[intval($x[?])]");
}

#[test]
fn empty_cases_are_further_values_of_the_next() {
    assert_eq!(
        top("switch ($a) { case 1: case 2: b(); break; default: c(); }"),
        "switch $a\n:\n  b()\n  break\n:\n  c()"
    );
}

#[test]
fn what_is_nested_too_deep_is_cut_and_said() {
    let code = format!("<?php $x = {}1{};", "[".repeat(1000), "]".repeat(1000));
    assert!(testing::lowered(Language::Php, &code).cut);
}

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
fn what_begins_with_a_text_or_has_it_is_said_as_such() {
    assert_eq!(top("strpos($a, 'b') === 0;"), r#"$a.str_starts_with("b")"#);
    assert_eq!(top("0 !== strpos($a, 'b');"), r#"not($a.str_starts_with("b"))"#);
    assert_eq!(top("str_starts_with($a, 'b');"), r#"$a.str_starts_with("b")"#);
    assert_eq!(top("substr($a, 0, 1) == 'b';"), r#"$a.str_starts_with("b")"#);
    assert_eq!(top("strpos($a, 'b') === false;"), r#"not($a.str_contains("b"))"#);
    assert_eq!(top("strpos($a, 'b') !== false;"), r#"$a.str_contains("b")"#);
    assert_eq!(top("isset($a[$b]);"), "array_key_exists($b, $a)");
}

#[test]
fn flags_that_decide_are_part_of_what_is_called() {
    assert_eq!(
        top("htmlspecialchars($a, \\ENT_NOQUOTES | ENT_HTML5);"),
        "htmlspecialchars.ENT_NOQUOTES($a, Of(ENT_NOQUOTES, ENT_HTML5))"
            .replace("Of(ENT_NOQUOTES, ENT_HTML5)", "BitOr(ENT_NOQUOTES, ENT_HTML5)")
    );
    assert_eq!(
        top("parse_url($a, PHP_URL_HOST);"),
        "parse_url.PHP_URL_HOST($a, PHP_URL_HOST)"
    );
    assert_eq!(top("parse_url($a);"), "parse_url($a)");
}

#[test]
fn what_chooses_a_function_or_class_goes_where_those_are_chosen() {
    assert_eq!(top("$f(1);"), "last(call_user_func($f), $f(1))");
    assert_eq!(top("$o->$m();"), "last(call_user_func($m), $o.[]())");
    assert_eq!(top("f(1);"), "f(1)");
}

#[test]
fn what_is_shown_is_a_page_until_a_header_says_otherwise() {
    let code = "function a() { header('Content-Type: text/plain'); echo $x; }\nfunction b() { header('Content-Type: text/html'); echo $x; }";
    let shown = dump(code);
    assert!(
        shown.contains("shown_text($x)") && shown.contains("echo($x)"),
        "{shown}"
    );
}

#[test]
fn a_value_between_tags_comes_with_the_tag_that_it_stands_in() {
    assert_eq!(
        top("?><a href=\"<?= $x ?>\"><?= $y ?></a>"),
        "echo(concat(\"<a href=\\\"\", $x))\necho($y)"
    );
    assert_eq!(
        top("?><script>let q = <?= $x ?>;</script><?= $y ?>"),
        "echo(concat(\"<script>let q = \", $x))\necho($y)"
    );
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

//! What Go becomes.

use proptest::prelude::*;

use super::super::testing::{self, body_of, lowered};
use crate::facts::Language;

fn dump(code: &str) -> String {
    testing::dump(Language::Go, code)
}

/// The statements of a function.
fn body(code: &str) -> String {
    let dump = dump(&format!("package a\nfunc f() {{\n{code}\n}}\n"));
    body_of(&dump, "f")
}

#[test]
fn a_package_stands_for_its_path_without_a_version() {
    let code = "package a\nimport (\n\t\"net/http\"\n\tj \"github.com/golang-jwt/jwt/v5\"\n)\n";
    assert_eq!(
        dump(code),
        "import http = net/http\nimport j = github.com/golang-jwt/jwt\nfn ()\n"
    );
}

#[test]
fn a_receiver_is_this_and_fields_are_of_their_types() {
    let code = "package a\ntype T struct {\n\tDB *sql.DB\n}\nfunc (t *T) m(s string) {\n\tt.DB.Query(s)\n}\n";
    let expected = "fn T.()\n  this.DB = ?\nfn T.m(s)\n  this.DB.Query(s)\nfn ()\n  define \n  define m\n";
    assert_eq!(dump(code), expected);
}

#[test]
fn of_several_values_the_first_is_what_was_asked_for() {
    assert_eq!(body("a, err := g.H(x)"), "a = g.H(x)\nerr = ?");
}

#[test]
fn the_values_of_a_function_of_the_file_are_taken_apart() {
    assert_eq!(body("a, err := f()"), "[a, err] = f()");
}

#[test]
fn what_is_found_in_a_table_says_what_the_key_is() {
    assert_eq!(body("v, ok := m[k]"), "v = m[k]\nok = In(k, m)");
    assert_eq!(body("if !m[k] {\n\treturn\n}"), "if not(In(k, m))\n:\n  return \n:");
}

#[test]
fn a_structure_keeps_its_parts_or_is_a_call_of_its_type() {
    assert_eq!(body("x := &T{A: 1}"), "x = {\"A\": 1}");
    assert_eq!(body("g(&T{A: 1})"), "g(of(T(A=1)))");
}

#[test]
fn a_part_of_a_variable_is_assigned_under_its_name() {
    assert_eq!(body("x.A = 1"), "x[\"A\"] = 1");
}

#[test]
fn what_is_printed_to_somewhere_is_one_text() {
    assert_eq!(
        body("fmt.Fprintf(w, \"<p>%s\", x)"),
        "fmt.Fprintf(w, fmt.Sprintf(\"<p>%s\", x))"
    );
}

#[test]
fn a_builder_is_a_text_that_grows() {
    assert_eq!(
        body("var b strings.Builder\nb.WriteString(x)"),
        "b = \"\"\n(b = concat(b, x))"
    );
}

#[test]
fn a_range_gives_parts() {
    assert_eq!(
        body("for _, x := range xs {\n\tg(x)\n}"),
        "for x of xs\n:\n  _ = ?\n  g(x)"
    );
}

#[test]
fn a_path_below_the_root_is_cleaned_as_such() {
    assert_eq!(
        body("x := filepath.Clean(\"/\" + n)"),
        "x = filepath.CleanRooted(concat(\"/\", n))"
    );
}

#[test]
fn what_is_nested_too_deep_is_cut_and_said() {
    let code = format!("package a\nvar x = {}1{}\n", "(".repeat(1000), ")".repeat(1000));
    assert!(lowered(Language::Go, &code).cut);
}

fn piece() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "package a\n",
        "import \"net/http\"\n",
        "import . \"b\"\n",
        "type T struct {\n",
        "A int\n",
        "B\n",
        "}\n",
        "func f(a, b string, c ...int) (x, error) {\n",
        "func (t *T) m() {\n",
        "func(x int) {\n",
        "}",
        "x",
        "t",
        " := ",
        " = ",
        ", ",
        "(",
        ")",
        "[",
        "]",
        "{",
        "T{A: ",
        "[]string{",
        "map[string]bool{",
        "\"k\": ",
        "if ",
        "; ",
        " else {\n",
        "for ",
        "range ",
        "switch ",
        "case 1:\n",
        "case int:\n",
        "default:\n",
        ".(type) {\n",
        "select {\n",
        "case <-c:\n",
        "return ",
        "go ",
        "defer ",
        "break\n",
        "continue\n",
        "fallthrough\n",
        "goto l\n",
        "l:\n",
        "\"a\"",
        "`b`",
        "'c'",
        "1",
        "0x1",
        "nil",
        "iota",
        " + ",
        " && ",
        "!",
        "&",
        "*",
        "<-",
        "x++\n",
        " += ",
        ".A",
        ".m(",
        "fmt.Fprintf(",
        "strings.Join(",
        "new(strings.Builder)",
        "\n",
        "...",
        ":",
        "\u{e9}",
    ])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_row_of_pieces_of_go_passes_the_check(pieces in proptest::collection::vec(piece(), 0..60)) {
        let text = pieces.concat();
        lowered(Language::Go, &text);
    }
}

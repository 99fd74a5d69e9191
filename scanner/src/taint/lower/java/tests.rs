//! What Java becomes.

use proptest::prelude::*;

use super::super::testing::{self, body_of, lowered};
use crate::facts::Language;

fn dump(code: &str) -> String {
    testing::dump(Language::Java, code)
}

/// The statements of a method.
fn body(code: &str) -> String {
    let dump = dump(&format!("class A {{ void f() {{ {code} }} }}"));
    body_of(&dump, "A.f")
}

#[test]
fn a_class_gives_its_fields_their_first_values_before_its_methods() {
    let expected = "fn A.()\n  this.n = 3\nfn A.f(a)\n  return concat(a, \"x\", this.n)\n\
                    fn ()\n  block\n  :\n    define \n    define f\n";
    assert_eq!(
        dump("class A { String f(String a) { return a + \"x\" + n; } int n = 3; }"),
        expected
    );
}

#[test]
fn an_import_is_noted_and_a_static_one_is_of_its_class() {
    let code = "import java.util.List;\nimport static java.nio.file.Files.readString;\n";
    let expected = "import import java.util.List = java.util.List\nimport readString = Files.readString\n\
                    import import java.nio.file.Files.readString = java.nio.file.Files.readString\nfn ()\n";
    assert_eq!(dump(code), expected);
}

#[test]
fn a_class_by_its_whole_name_is_the_class() {
    assert_eq!(body("java.nio.file.Files.delete(p);"), "Files.delete(p)");
}

#[test]
fn equals_is_a_comparison() {
    assert_eq!(body("x = \"a\".equals(b);"), "x = Eq(\"a\", b)");
}

#[test]
fn a_string_builder_is_a_text_that_grows() {
    let code = "StringBuilder sb = new StringBuilder(\"a\"); sb.append(b).append(c);";
    assert_eq!(body(code), "sb = concat(\"a\")\n(sb = concat(sb, b, c))");
}

#[test]
fn a_number_is_none_of_what_it_was_read_from() {
    assert_eq!(
        body("int n = Integer.parseInt(s); int m = 3;"),
        "n = int(Integer.parseInt(s))\nm = 3"
    );
}

#[test]
fn texts_are_joined_by_their_separator() {
    assert_eq!(body("String s = String.join(\",\", a, b);"), "s = \",\".join([a, b])");
}

#[test]
fn what_is_put_into_a_map_is_its_part() {
    let code = "Map<String, String> m = new HashMap<>(); m.put(\"a\", b);";
    assert_eq!(body(code), "m = {}\n(m[\"a\"] = b)");
}

#[test]
fn for_each_is_a_loop_however_it_is_written() {
    assert_eq!(body("for (String s : xs) { f(s); }"), "for s of xs\n:\n  f(s)");
    assert_eq!(body("xs.forEach(s -> f(s));"), "for s of xs\n:\n  f(s)");
}

#[test]
fn a_function_that_is_kept_in_a_variable_is_called_by_its_method() {
    let code = "Function<String, String> g = h; g.apply(x);";
    assert_eq!(body(code), "g = h\ng(x)");
}

#[test]
fn a_method_that_does_nothing_is_marked_with_what_it_overrides() {
    let code = "class T implements X509TrustManager { public void checkServerTrusted(C[] c, String a) { } }";
    assert!(dump(code).starts_with("@X509TrustManager.nothing.checkServerTrusted fn T.checkServerTrusted(c, a)\n"));
}

#[test]
fn a_switch_as_a_value_is_a_row_of_choices() {
    let code = "x = switch (a) { case \"b\" -> \"c\"; default -> throw new E(); };";
    assert_eq!(body(code), "x = choice(Eq(a, \"b\"); \"c\"; of(null, null))");
}

#[test]
fn what_is_nested_too_deep_is_cut_and_said() {
    let code = format!("class A {{ int x = {}1{}; }}", "(".repeat(1000), ")".repeat(1000));
    assert!(lowered(Language::Java, &code).cut);
}

fn piece() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "class A extends B {",
        "interface I {",
        "enum E { X(1) {",
        "record R(int a) {",
        "}",
        "void f(String a, int... b) {",
        "@Mark(\"x\") ",
        "int n = ",
        "x",
        " = ",
        "(",
        ")",
        "[",
        "]",
        ";",
        "{",
        ", ",
        ".",
        "\"a\"",
        "'c'",
        "1",
        "0x1L",
        " + ",
        " && ",
        "!",
        "i++",
        "if (x) ",
        "else ",
        "for (int i = 0; i < n; i++) ",
        "for (T t : ts) ",
        "while (x) ",
        "do ",
        "try (R r = g()) {",
        "catch (E e) {",
        "finally {",
        "switch (x) {",
        "case 1 -> ",
        "case 2: ",
        "default: ",
        "yield ",
        "return ",
        "throw ",
        "new T() {",
        "new int[3]",
        "new StringBuilder()",
        ".append(",
        ".forEach(y -> ",
        "x -> ",
        "A::b",
        "(T) ",
        " instanceof T t",
        " ? ",
        " : ",
        "this",
        "super",
        ".equals(",
        "String.join(",
        "import static a.B.c;",
        "package a;",
        "static {",
        "break;",
        "continue;",
        "lab: ",
        "\u{e9}",
        "\"\"\"\n",
    ])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_row_of_pieces_of_java_passes_the_check(pieces in proptest::collection::vec(piece(), 0..60)) {
        let text = pieces.concat();
        lowered(Language::Java, &text);
    }
}

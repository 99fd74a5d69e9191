//! What Python becomes.

use super::super::{Here, Lowerer, testing};
use crate::facts::Language;

fn dump(code: &str) -> String {
    testing::dump(Language::Python, code)
}

/// The statements of the top level.
fn top(code: &str) -> String {
    testing::top_of(&dump(code))
}

#[test]
fn imports_stand_for_what_they_bring_in() {
    let imports = dump("import os.path\nimport a.b as c\nfrom d import e as f, g\nfrom . import h\nfrom i import *\n");
    let expected =
        "import os = os\nimport c = a.b\nimport f = d.e\nimport g = d.g\nimport h = .h\nimport  = i\nfn ()\n";
    assert_eq!(imports, expected);
}

#[test]
fn texts_are_put_together_and_unescaped() {
    assert_eq!(top("x = 'a\\n' \"b\"\n"), r#"x = concat("a\n", "b")"#);
    assert_eq!(top("x = f'a {b} c'\n"), r#"x = concat("a ", of(b), " c")"#);
    assert_eq!(top("x = f'a {b!r} c'\n"), r#"x = concat("a ", repr(b), " c")"#);
    assert_eq!(top("x = r'\\d'\n"), r#"x = "\\d""#);
}

#[test]
fn calls_keep_names_and_what_is_spread() {
    assert_eq!(top("f(a, *b, c=1, **d)\n"), "f(a, *of(b), c=1, *of(d))");
}

#[test]
fn a_chain_of_assignments_gives_the_innermost_first() {
    assert_eq!(top("a = b = c\n"), "b = c\na = b");
}

#[test]
fn an_elif_is_an_if_in_the_else() {
    assert_eq!(
        top("if a:\n    b\nelif c:\n    d\nelse:\n    e\n"),
        "if a\n:\n  b\n:\n  if c\n  :\n    d\n  :\n    e"
    );
}

#[test]
fn a_chain_of_comparisons_is_one_condition() {
    assert_eq!(top("1 < 2 <= 3 != 4\n"), "And(And(Lt(1, 2), Le(2, 3)), Ne(3, 4))");
}

#[test]
fn a_comprehension_takes_parts_and_leaves_out_what_its_condition_does() {
    assert_eq!(
        top("[f(x) for x in y if z]\n"),
        "last((x = y[?]), [choice(z; f(x); null)])"
    );
}

#[test]
fn a_method_belongs_to_its_class_and_keeps_its_decorators() {
    let code = "class A(B):\n    @app.route('/x')\n    def m(self, a: int = 1, *b, **c):\n        return a\n";
    let expected = "@app.route(\"/x\") fn A.m(self, a, b, c)\n  return a\nfn ()\n  block\n  :\n    define m\n";
    assert_eq!(dump(code), expected);
}

#[test]
fn a_with_statement_gives_its_name_a_value() {
    assert_eq!(
        top("with open(p) as f, g():\n    h\n"),
        "f = open(p)\ng()\nblock\n:\n  h"
    );
}

#[test]
fn try_keeps_what_may_happen_apart() {
    let code = "try:\n    a\nexcept E as e:\n    b\nelse:\n    c\nfinally:\n    d\n";
    assert_eq!(top(code), "try\n:\n  a\n  c\n:\n  b\n:\n  d");
}

#[test]
fn a_match_is_a_switch_over_constants() {
    assert_eq!(
        top("match x:\n    case 'a':\n        b\n    case _:\n        c\n"),
        "switch x\n:\n  b\n:\n  c"
    );
}

#[test]
fn an_assertion_ends_what_it_does_not_hold_for() {
    assert_eq!(top("assert x\ny\n"), "if x\n:\n:\n  throw \ny");
}

#[test]
fn what_the_grammar_cannot_place_is_said() {
    let lowered = Here.lower(Language::Python, b"x = )\n").unwrap();
    assert!(!lowered.module.unparsed.is_empty());
}

#[test]
fn what_is_nested_too_deep_is_cut_and_said() {
    let code = format!("x = {}1{}\n", "[".repeat(1000), "]".repeat(1000));
    assert!(testing::lowered(Language::Python, &code).cut);
}

#[test]
fn a_number_that_is_asked_for_is_one() {
    assert_eq!(top("x = a.get('n', type=int)\n"), r#"x = int(a.get("n", type=int))"#);
    assert_eq!(top("x = a.get('n', type=str)\n"), r#"x = a.get("n", type=str)"#);
}

//! What JavaScript and TypeScript are lowered to, and that no text of theirs breaks the form.

use proptest::prelude::*;

use super::super::super::ir::{ExprKind, Module};
use super::super::{lower, testing};
use crate::facts::Language;

fn lowered(language: Language, text: &str) -> Module {
    testing::lowered(language, text).module
}

fn script(text: &str) -> Module {
    lowered(Language::JavaScript, text)
}

fn imports(module: &Module) -> Vec<(&str, &str)> {
    let mut imports: Vec<_> = module
        .imports
        .iter()
        .map(|it| (module.name(it.local), module.name(it.path)))
        .collect();
    imports.sort_unstable();
    imports
}

fn names(module: &Module) -> Vec<&str> {
    let names = module.exprs.iter().filter_map(|expr| match expr.kind {
        ExprKind::Name(name) => Some(module.name(name)),
        _ => None,
    });
    names.collect()
}

#[test]
fn every_way_to_bring_a_package_in_gives_one_path() {
    let text = "import a, { b as c, default as d } from 'node:fs';\nimport * as e from \"fs/promises\";\nconst f = require('x');";
    let module = script(text);
    let expected = [
        ("a", "fs"),
        ("c", "fs.b"),
        ("d", "fs"),
        ("e", "fs.promises"),
        ("require(x)", "x"),
    ];
    assert_eq!(imports(&module), expected);
    let module = lowered(
        Language::TypeScript,
        "import g = require('g');\nimport type { H } from 'h';",
    );
    assert_eq!(imports(&module), [("H", "h.H"), ("g", "g")]);
}

#[test]
fn a_parameter_that_is_taken_apart_is_one_parameter() {
    let module = script("const f = ({ a, b: [c, , d] }, ...e) => a;");
    let params: Vec<_> = module.functions[0]
        .params
        .iter()
        .map(|it| (module.name(it.name), it.rest))
        .collect();
    assert_eq!(params, [("arg0", false), ("e", true)]);
    assert!(["a", "c", "d"].iter().all(|name| names(&module).contains(name)));
}

#[test]
fn a_closure_is_marked_by_what_it_is_handed_to_and_for_which_event() {
    let module = script("socket.on('message', (m) => m);\ntool({ execute: (x) => x });");
    let of = |index: usize| {
        let ExprKind::Attr { name, .. } = module.expr(module.functions[index].marks[0]).kind else {
            panic!("no mark")
        };
        module.name(name)
    };
    assert_eq!([of(0), of(1)], ["message", "execute"]);
}

#[test]
fn a_function_that_is_called_where_it_stands_is_the_file() {
    let module = script("(function ($) { var q = 1; function f() { return q; } })(jQuery);");
    // `f` and the top level.
    assert_eq!(module.functions.len(), 2);
}

#[test]
fn a_type_in_angle_brackets_and_a_tag_are_told_apart_by_what_parses() {
    for text in [
        "const a = <string>b; const c = <T>(d: T) => d;",
        "const a = <b c={d}>{e}</b>;",
    ] {
        assert!(lowered(Language::TypeScript, text).unparsed.is_empty(), "{text}");
    }
}

#[test]
fn what_a_constructor_keeps_and_what_fields_hold_are_assigned() {
    let module = lowered(
        Language::TypeScript,
        "class A extends B { x = 1; constructor(private y: C) { super(); } }",
    );
    let class = &module.classes[0];
    assert_eq!(module.name(class.bases[0]), "B");
    assert_eq!(class.methods.len(), 2);
    assert!(names(&module).iter().filter(|name| **name == "this").count() >= 2);
}

#[test]
fn a_long_row_of_sums_and_of_branches_is_not_deep() {
    let sum = format!("a = {};", vec!["'x' + b"; 3000].join(" + "));
    assert!(!lower(Language::JavaScript, sum.as_bytes()).unwrap().cut);
    let branches = format!("if (a) {{}} {}", "else if (b) { c(); } ".repeat(40));
    assert!(!lower(Language::JavaScript, branches.as_bytes()).unwrap().cut);
    script(&format!("if (a) {{}} {}", "else if (b) { c(); } ".repeat(3000)));
}

#[test]
fn code_that_is_nested_too_deep_is_cut() {
    for (open, close) in [
        ("(", ")"),
        ("[", "]"),
        ("f(", ")"),
        ("!", ""),
        ("() => ", ""),
        ("{ a: ", "}"),
        ("a[b += ", "]"),
    ] {
        let text = format!("x = {}1{};", open.repeat(3000), close.repeat(3000));
        let lowered = lower(Language::JavaScript, text.as_bytes()).unwrap();
        // Parentheses change nothing, and end.
        assert!(
            lowered.cut || open == "(" || !lowered.module.unparsed.is_empty(),
            "{open}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_row_of_pieces_passes_the_check(pieces in proptest::collection::vec(piece(), 0..60), typed in any::<bool>()) {
        let language = if typed { Language::TypeScript } else { Language::JavaScript };
        lowered(language, &pieces.concat());
    }
}

fn piece() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "function f(a, { b }, ...c) {",
        "class A extends B {",
        "constructor(private x: Y) {",
        "}",
        "(",
        ")",
        "[",
        "]",
        "{",
        "x",
        " = ",
        ";\n",
        ", ",
        ": ",
        "=>",
        "async ",
        "await ",
        "yield ",
        "`a${",
        "`",
        "/a+/g",
        "typeof x === 'string'",
        "new ",
        "...",
        "?.",
        "??",
        "||",
        "&&",
        "+",
        "+=",
        "++",
        "!",
        "-",
        "'a\\x41'",
        "0x1f",
        "if (x) ",
        "else ",
        "for (const a of b) ",
        "for (;;) ",
        "while (x) ",
        "switch (x) { case 1: ",
        "default: ",
        "try {",
        "catch (e) {",
        "finally {",
        "return ",
        "throw ",
        "break;",
        "import a from 'b';\n",
        "require('x')",
        "export default ",
        "<a b={",
        "}>",
        "</a>",
        "<T>",
        "as string",
        "enum E { A = 1 }",
        "namespace N {",
        "@mark ",
        "x.call(y, z)",
        "x.apply(y, z)",
        "x.bind(y)",
        "x.map(y)",
        "a[b][c] = d;",
        "'use server';\n",
        "é",
        "\u{feff}",
        "#!x\n",
        "static {",
    ])
}

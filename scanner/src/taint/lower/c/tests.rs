//! What C and C++ become.

use super::super::testing::{body_of, dump};
use super::super::{Here, Lowerer};
use crate::facts::Language;

/// The statements of one function.
fn body(language: Language, code: &str) -> String {
    let dump = dump(language, &format!("void f(void) {{ {code} }}"));
    body_of(&dump, "f")
}

#[test]
fn a_comparison_of_texts_is_one() {
    assert_eq!(body(Language::C, "strcmp(a, b) == 0;"), "Eq(a, b)");
    assert_eq!(body(Language::C, "!strcmp(a, b);"), "Eq(a, b)");
    assert_eq!(body(Language::C, "strncmp(a, b, 3) != 0;"), "not(starts_with(a, b))");
}

#[test]
fn a_product_that_is_not_known_is_a_call() {
    assert_eq!(
        body(Language::C, "n = a * 4; m = 2 * 4;"),
        "n = operator.mul(a, 4)\nm = Mul(2, 4)"
    );
}

#[test]
fn a_macro_that_always_leaves_ends_its_way_and_one_that_may_does_not() {
    let lowered = |define: &str| {
        let dump = dump(
            Language::C,
            &format!("#define FAIL(x) {define}\nvoid f(void) {{ FAIL(1); }}\n"),
        );
        body_of(&dump, "f")
    };
    for leaves in ["{ log(x); return x; }", "do { goto out; } while (0)", "abort()"] {
        assert!(lowered(leaves).contains("throw"), "{leaves}: {}", lowered(leaves));
    }
    for stays in ["if (x) return x;", "(x) && abort()", "log(x)", "returned(x)"] {
        assert_eq!(lowered(stays), "FAIL(1)");
    }
}

#[test]
fn a_part_behind_a_pointer_is_a_part_of_it() {
    assert_eq!(
        body(Language::C, "x = (*a).b; y = (*a)->b; z = (&a)->b;"),
        "x = a.b\ny = a.b\nz = of(a).b"
    );
}

#[test]
fn the_rest_of_an_array_is_a_call() {
    assert_eq!(
        body(Language::C, "n = sizeof b - m; k = m - 1;"),
        "n = operator.rest(?, m)\nk = Sub(m, 1)"
    );
}

#[test]
fn a_variable_without_a_value_has_none() {
    assert_eq!(body(Language::C, "char b[4], *p = a;"), "b = ?\np = a");
}

#[test]
fn what_can_be_written_through_has_a_star() {
    let code = "int f(char *a, const char *b, int c, struct s *d) { return c; }";
    let lowered = Here.lower(Language::C, code.as_bytes()).unwrap();
    let module = lowered.module;
    let types: Vec<_> = module.functions[0]
        .params
        .iter()
        .map(|param| param.ty.map(|ty| module.name(ty)))
        .collect();
    assert_eq!(types, [Some("*"), None, None, Some("*s")]);
}

#[test]
fn the_environment_is_known_by_its_names() {
    assert_eq!(body(Language::C, "getenv(\"A\");"), "getenv.A()");
}

#[test]
fn a_stream_takes_all_that_is_put_into_it() {
    assert_eq!(body(Language::Cpp, "out << a << \"b\";"), "out.operator<<(a, \"b\")");
}

#[test]
fn a_method_outside_of_its_class_belongs_to_it() {
    assert_eq!(
        dump(Language::Cpp, "int A::f(int x) const { return x; }"),
        "fn A.f(x)\n  return x\nfn ()\n  define f\n"
    );
}

#[test]
fn a_file_that_reads_as_a_function_is_a_variable() {
    assert_eq!(body(Language::Cpp, "std::ifstream in(p);"), "in = ifstream(p)");
}

#[test]
fn a_header_in_the_other_language_is_read_as_such() {
    let lowered = Here
        .lower(Language::C, b"class A : public B { public: int f() { return 1; } };")
        .unwrap();
    assert!(lowered.module.unparsed.is_empty());
    assert_eq!(lowered.module.classes.len(), 1);
}

#[test]
fn of_what_a_definition_chooses_between_one_is_gone() {
    let code = "\n#ifdef A\nfree(p);\n#else\nfree(q);\n#endif\n";
    assert_eq!(body(Language::C, code), "if ?\n:\n  free(p)\n:\n  free(q)");
}

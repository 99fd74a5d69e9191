//! What Rust becomes.

use proptest::prelude::*;

use super::super::testing::{self, body_of, lowered};
use crate::facts::Language;

fn dump(code: &str) -> String {
    testing::dump(Language::Rust, code)
}

/// The statements of a function that gives nothing back.
fn body(code: &str) -> String {
    body_of(&dump(&format!("fn f() {{\n{code}\n}}\n")), "f")
}

#[test]
fn uses_stand_for_what_they_bring_in() {
    let code = "use std::{fs::{self, File as F}, io::*};\nuse core::ptr;\nuse a::B as _;\nuse super::*;\n";
    let expected = "import fs = std.fs\nimport fs! = std.fs!\nimport F = std.fs.File\nimport  = std.io\n\
                    import ptr = std.ptr\nimport ptr! = std.ptr!\nimport use a.B = a.B\nimport use super = super\nfn ()\n";
    assert_eq!(dump(code), expected);
}

#[test]
fn a_path_has_dots_and_modules_of_the_file_are_left_out() {
    let code = "mod db { pub fn find() {} }\nfn f() { db::find(); self::db::find(); std::fs::read(p); }\n";
    let dump = dump(code);
    assert!(
        dump.contains("fn f()\n  find()\n  find()\n  std.fs.read(p)\n"),
        "{dump}"
    );
}

#[test]
fn fields_are_of_their_types_before_methods_have_them() {
    let code = "struct T { db: Arc<sqlx::PgPool>, n: u32 }\nimpl T { fn m(&self, s: &str) { self.db.run(s) } }\n";
    let expected = "fn T.()\n  self.db = ?\nfn T.m(self, s)\n  self.db.run(s)\nfn ()\n  define \n  define m\n";
    assert_eq!(dump(code), expected);
}

#[test]
fn what_only_passes_a_value_on_is_not_there() {
    assert_eq!(body("g(&x.clone().unwrap()?.to_string());"), "g(x)");
    assert_eq!(body("let y = Some(Arc::new(x.await?));"), "y = x");
    assert_eq!(body("let y = x.ok_or_else(|| z)?;"), "y = last(closure#0, x)");
}

#[test]
fn a_format_is_its_pieces_and_values_in_order() {
    assert_eq!(
        body("let s = format!(\"a {} {{b}} {name} {0:?} {n:>8}\", x.y(), n = 1);"),
        "s = concat(\"a \", x.y(), \" {b} \", name, \" \", as.debug(x.y()), \" \", 1)"
    );
    assert_eq!(body("println!(\"{x}\");"), "println!(concat(x))");
    assert_eq!(
        body("let s = format!(\"{}\", format!(\"{}b\", x));"),
        "s = concat(concat(x, \"b\"))"
    );
}

#[test]
fn a_text_grows_by_what_is_pushed_and_written() {
    assert_eq!(body("s.push_str(&x);"), "(s = concat(s, x))");
    assert_eq!(body("s += \"a\";"), "s += \"a\"");
    assert_eq!(
        body("write!(s, \"a{}\", x);"),
        "last(write!(s, concat(\"a\", x)), (s = concat(s, concat(\"a\", x))))"
    );
}

#[test]
fn a_branch_as_a_value_is_done_before() {
    assert_eq!(
        body("let y = if c { a } else { b };"),
        "if c\n:\n  @17 = a\n:\n  @17 = b\ny = @17"
    );
    let table = body("let y = match x.as_str() { \"a\" | \"b\" => 1, _ => { g(); 2 } };");
    let expected = "@23 = x\nswitch @23\n:\n  @17 = 1\n:\n  g()\n  @17 = 2\ny = @17";
    assert_eq!(table, expected);
}

#[test]
fn arms_that_say_whether_something_went_well_are_tried_in_order() {
    let code = "match check(x) { Ok(()) => g(x), Err(e) => return }";
    let expected = "@15 = check(x)\nblock\n:\n  if @15\n  :\n    g(x)\n  :\n    e = ?\n    block\n    :\n      return ";
    assert_eq!(body(code), expected);
}

#[test]
fn what_a_condition_takes_is_taken_before_it() {
    assert_eq!(
        body("if let Some(y) = g() { h(y); }"),
        "@26 = g()\ny = @26\nif ?\n:\n  h(y)\n:"
    );
    assert_eq!(
        body("while let Some(y) = q.pop() { h(y); }"),
        "loop \n:\n  @29 = q.pop()\n  y = @29\n  if ?\n  :\n    h(y)\n  :\n    break"
    );
    assert_eq!(
        body("let Ok(()) = check(x) else { return };"),
        "@22 = check(x)\nif @22\n:\n:\n  return "
    );
}

#[test]
fn what_may_fail_and_gives_nothing_is_a_condition() {
    assert_eq!(body("check(x)?;"), "if not(check(x))\n:\n  return null\n:");
    assert_eq!(
        body("ensure!(ok(x), \"no\");"),
        "if not(ok(x))\n:\n  throw concat(\"no\")\n:\ntrue"
    );
}

#[test]
fn an_error_is_no_value_and_what_is_given_back_is_told_by_branch() {
    let code = "fn f(x: &str) -> Result<(), E> { if x == \"a\" { Ok(()) } else { Err(g(x)) } }\n";
    let expected =
        "fn f(x)\n  if Eq(x, \"a\")\n  :\n    return true\n  :\n    return last(g(x), null)\nfn ()\n  define f\n";
    assert_eq!(dump(code), expected);
}

#[test]
fn a_command_is_called_with_all_that_it_is_given() {
    assert_eq!(
        body("Command::new(\"sh\").args([\"-c\", x]).arg(y).output();"),
        "Command.new(\"sh\", \"-c\", x, y).output()"
    );
    assert_eq!(
        body("let mut c = std::process::Command::new(\"sh\");\nc.arg(\"-c\");\nc.arg(x).spawn();"),
        "c = std.process.Command.new(\"sh\")\nstd.process.Command.new(\"sh\", \"-c\")\n\
         std.process.Command.new(\"sh\", \"-c\", x).spawn()"
    );
}

#[test]
fn a_closure_that_compares_says_that_something_is_in_a_list() {
    assert_eq!(body("ALLOWED.iter().any(|a| *a == x);"), "In(x, ALLOWED)");
    assert_eq!(body("matches!(x, \"a\" | \"b\");"), "In(x, [\"b\", \"a\"])");
    assert_eq!(
        body("x.chars().all(|c| c.is_alphanumeric());"),
        "x.chars().all(\"c.is_alphanumeric()\", closure#0)"
    );
}

#[test]
fn what_is_a_number_says_so() {
    assert_eq!(body("let n: u32 = x.parse()?;"), "n = as.number(x.parse())");
    assert_eq!(body("let n = x.parse::<i64>()?;"), "n = as.number(x)");
    assert_eq!(body("let n = x as u8;"), "n = as.u8(x)");
    let typed = dump("struct Q { page: u32, q: String }\nfn f(q: Query<Q>, id: Path<u32>) { g(q.page, q.q, id) }\n");
    assert!(
        typed.contains("id = as.number(id)") && typed.contains("g(as.number(q.page), q.q, id)"),
        "{typed}"
    );
}

#[test]
fn a_parameter_that_is_taken_apart_has_its_own_part_of_the_type() {
    let code = "fn f(Path((id, name)): Path<(u32, String)>) { g(id, name) }\n";
    let dump = dump(code);
    assert!(
        dump.contains("fn f(id, name)\n  id = as.number(id)\n  block\n"),
        "{dump}"
    );
}

#[test]
fn what_is_built_for_tests_alone_is_not_there() {
    let code = "#[cfg(test)]\nmod tests { fn g() {} }\n#[tokio::test]\nasync fn h() {}\nfn f() {}\n";
    assert_eq!(dump(code), "fn f()\nfn ()\n  define f\n");
}

#[test]
fn attributes_are_marks() {
    assert_eq!(
        dump("#[get(\"/x\")]\nfn f() {}\n"),
        "@get(\"/x\") fn f()\nfn ()\n  define f\n"
    );
}

#[test]
fn a_structure_is_a_call_of_its_type_with_names() {
    assert_eq!(body("let t = a::T { b: 1, c, ..d };"), "t = a.T(b=1, c=c, *d)");
    assert_eq!(body("let T { b, c: e, .. } = t;"), "{\"b\": b, \"c\": e} = t");
}

#[test]
fn of_other_macros_the_tokens_are_named() {
    assert_eq!(
        body("let v = json!({\"a\": x.y, \"b\": [1, z(w)]});"),
        "v = json!({\"a\": x.y, \"b\": [1, z(w)]})"
    );
    assert_eq!(body("ffi_fn! { fn g(x: *mut T) { h(x); } };"), "ffi_fn!()");
    assert_eq!(body("html! { p { (PreEscaped(x)) } };"), "html!(of(p, PreEscaped(x)))");
}

#[test]
fn a_value_that_is_made_later_is_what_it_is_made_of() {
    let code = "lazy_static! { static ref R: Regex = Regex::new(\"a\").unwrap(); }\n\
                static S: LazyLock<Regex> = LazyLock::new(|| Regex::new(\"b\").unwrap());\n";
    assert_eq!(dump(code), "fn ()\n  R = Regex.new(\"a\")\n  S = Regex.new(\"b\")\n");
}

#[test]
fn a_function_that_is_handed_over_by_its_name_is_a_closure_that_calls_it() {
    let dump = dump("fn g(a: &str) -> R { h(a) }\nfn f() { x.and_then(g); }\n");
    assert!(dump.contains("fn (@0)\n  return g(@0)\n"), "{dump}");
}

#[test]
fn what_unsafe_code_drops_forges_and_leaves_unwritten_is_a_call() {
    assert_eq!(
        body("let p = v.as_ptr();\ndrop(v);\nunsafe { *p };"),
        "p = v.as_ptr()\nlast(as.drop(v), as.drop(p))\nas.unsafe(p)"
    );
    assert_eq!(body("let s: &'static str = transmute(x);"), "s = as.static(x)");
    assert_eq!(
        body("let a: [u8; 4] = MaybeUninit::uninit().assume_init();"),
        "a = as.uninit(MaybeUninit.uninit())"
    );
    assert_eq!(
        body("let a: [MaybeUninit<u8>; 4] = MaybeUninit::uninit().assume_init();"),
        "a = MaybeUninit.uninit().assume_init()"
    );
}

#[test]
fn what_is_nested_too_deep_is_cut_and_said() {
    for (open, close) in [
        ("(", ")"),
        ("Some(", ")"),
        ("[", "]"),
        ("{", "}"),
        ("m!(", ")"),
        ("format!(\"{}\", ", ")"),
    ] {
        let code = format!("fn f() {{ let x = {}1{}; }}\n", open.repeat(1000), close.repeat(1000));
        assert!(lowered(Language::Rust, &code).cut, "{open}");
    }
    let pattern = format!(
        "fn f() {{ if let {}x{} = y {{}} }}\n",
        "Some(".repeat(2000),
        ")".repeat(2000)
    );
    assert!(lowered(Language::Rust, &pattern).cut);
    let ty = format!("fn f(x: {}u8{}) {{}}\n", "Option<".repeat(20000), ">".repeat(20000));
    lowered(Language::Rust, &ty);
    let arms = "match x { Some(_) if a => 1, Ok(_) => 2, _ => ".repeat(100);
    lowered(Language::Rust, &format!("fn f() {{ {arms} 1 {} }}\n", "}".repeat(100)));
}

fn piece() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "use a::{b, c as d, e::*};\n",
        "use super::x;\n",
        "mod m {\n",
        "struct T { a: u32, b: String }\n",
        "enum E { A, B(u8) }\n",
        "impl T {\n",
        "impl X for T {\n",
        "trait X {\n",
        "fn f(a: &str, (b, c): (u8, T)) -> R {\n",
        "fn m(&self, Path(p): Path<String>) {\n",
        "async fn g() {\n",
        "const C: &str = ",
        "static S: T = ",
        "#[get(\"/x\")]\n",
        "#[cfg(test)]\n",
        "macro_rules! k { ($x:expr) => { $x } }\n",
        "let ",
        "mut ",
        "x",
        "Some(",
        "Ok(",
        "Err(e)",
        "None",
        "T { a, b: y, .. }",
        "_",
        " = ",
        " else {\n",
        ";\n",
        "}",
        "{",
        "(",
        ")",
        "[",
        "]",
        ", ",
        "if ",
        "if let ",
        " && ",
        "match ",
        " => ",
        "while let ",
        "loop {\n",
        "for ",
        " in ",
        "'l: ",
        "break 'l ",
        "continue",
        "return ",
        "?",
        ".await",
        ".unwrap()",
        ".m(",
        ".f",
        "::",
        "|a| ",
        "move |a, b| {\n",
        "async move {\n",
        "unsafe {\n",
        "&mut ",
        "*",
        "!",
        " as usize",
        " + ",
        " += ",
        "\"a{}{b}\"",
        "r#\"c\"#",
        "'c'",
        "b\"x\"",
        "1",
        "0x1fu8",
        "1.5",
        "format!(",
        "write!(s, ",
        "println!(",
        "vec![",
        "matches!(x, ",
        "assert!(",
        "json!({\"a\": ",
        "lazy_static! { static ref A: B = ",
        "Command::new(\"sh\")",
        ".arg(\"-c\")",
        ".args([",
        ".iter().any(|p| p == ",
        ".push_str(",
        "..",
        "..=",
        "@ ",
        "<T as U>::f",
        "::<u8>",
        "\u{e9}",
        "\n",
    ])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_row_of_pieces_of_rust_passes_the_check(pieces in proptest::collection::vec(piece(), 0..60)) {
        lowered(Language::Rust, &pieces.concat());
    }
}

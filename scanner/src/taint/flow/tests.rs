//! What reaches what, with a handful of rules of its own.

use super::super::ir::Limits;
use super::super::lower::{Here, Lowerer};
use super::super::rules::Ruleset;
use super::*;
use crate::facts::Language;

const RULES: &str = r#"
ends = ["stop"]
lookups = ["*.get"]
keeps_reads = ["same"]
[[source]]
what = "the source"
path = ["source()", "web.ask()"]
[[source]]
what = "the safe source"
clean = ["k"]
path = ["safe()"]
[[source]]
what = "a parameter"
[source.param]
function_mark = ["web.App().route"]
[[cleaner]]
call = ["clean"]
kinds = ["k"]
[[cleaner]]
call = ["number"]
kinds = ["all"]
[[cleaner]]
call = ["*.secure"]
receiver = true
kinds = ["k"]
[[spoiler]]
call = ["undo"]
kinds = ["k"]
[[guard]]
call = ["*.fine"]
kinds = ["k"]
[[carrier]]
call = ["*.append"]
[[rule]]
id = "t"
title = "t"
cwe = 1
severity = "high"
confidence = "high"
message = "m"
mend = "m"
kind = "k"
bad = ["x"]
good = ["x"]
[[rule.sink]]
call = ["sink", "*.web.Handler.write"]
arg = [0]
[[rule.sink]]
assign = ["*.danger"]
[[rule.sink]]
call = ["web.App().route.return"]
text = "<"
[[rule]]
id = "p"
title = "p"
cwe = 2
severity = "high"
confidence = "high"
message = "m"
mend = "m"
bad = ["x"]
good = ["x"]
[[rule.sink]]
call = ["connect"]
when = [{ named = "verify", matches = "^false$" }]
"#;

/// The lines at which rules hold, each with the line where its way begins.
fn hits(code: &str) -> Vec<(usize, usize)> {
    let line = |span: Span| code[..span.start as usize].matches('\n').count() + 1;
    followed(code)
        .hits
        .iter()
        .map(|hit| (line(hit.at), line(hit.way[0])))
        .collect()
}

fn followed(code: &str) -> Followed {
    let rules = Ruleset::parse(RULES).unwrap();
    let lowered = Here.lower(Language::Python, code.as_bytes()).unwrap();
    assert_eq!(lowered.module.check(code.len(), Limits::default()), Ok(()));
    let followed = follow(&lowered.module, &rules, &Outside::default());
    assert!(!followed.exhausted);
    followed
}

#[test]
fn a_value_is_followed_through_names_and_texts() {
    assert_eq!(hits("x = source()\ny = 'a' + x\nsink(f'b {y}')\n"), [(3, 1)]);
    assert_eq!(hits("x = source()\nx = 'a'\nsink(x)\n"), []);
}

#[test]
fn an_alias_of_a_sink_is_the_sink() {
    assert_eq!(hits("from web import ask as a\nf = sink\nf(a())\n"), [(3, 3)]);
}

#[test]
fn a_cleaner_cleans_for_its_kinds_alone() {
    assert_eq!(hits("sink(clean(source()))\n"), []);
    assert_eq!(hits("sink(dirty(source()))\n"), [(1, 1)]);
}

#[test]
fn a_branch_that_is_never_taken_is_not_followed() {
    assert_eq!(hits("OLD = False\nif OLD:\n    sink(source())\n"), []);
    assert_eq!(hits("OLD = 3 > 2\nif OLD:\n    sink(source())\n"), [(3, 3)]);
}

#[test]
fn either_branch_may_have_been_taken() {
    assert_eq!(hits("x = 'a'\nif y:\n    x = source()\nsink(x)\n"), [(4, 3)]);
}

#[test]
fn what_is_on_a_fixed_list_is_safe_and_what_is_not_is_not() {
    let code = "def f():\n    x = source()\n    if x not in ('a', 'b'):\n        return\n    sink(x)\n";
    assert_eq!(hits(code), []);
    assert_eq!(hits(&code.replace("not in", "in")), [(5, 2)]);
}

#[test]
fn a_check_of_one_part_says_nothing_of_another() {
    let code = "def f():\n    x = source()\n    if x.kind == 'a':\n        sink(x.code)\n";
    assert_eq!(hits(code), [(4, 2)]);
    assert_eq!(hits(&code.replace("x.code", "x.kind")), []);
}

#[test]
fn a_guard_holds_where_its_condition_does() {
    let code = "def f():\n    x = source()\n    if x.fine():\n        sink(x)\n    else:\n        sink(x)\n";
    assert_eq!(hits(code), [(6, 2)]);
}

#[test]
fn a_function_that_checks_and_says_so_is_a_guard() {
    let code = "def ok(x):\n    return x in ('a', 'b')\n\ndef f():\n    y = source()\n    if not ok(y):\n        raise E\n    sink(y)\n";
    assert_eq!(hits(code), []);
}

#[test]
fn a_call_that_does_not_come_back_ends_the_way() {
    assert_eq!(
        hits("def f():\n    x = source()\n    if x:\n        stop()\n        sink(x)\n"),
        []
    );
}

#[test]
fn a_wrapper_of_a_sink_is_followed_to_it() {
    let code = "def w(a, b):\n    sink(b)\n\nw(source(), 'x')\nw('x', source())\n";
    assert_eq!(hits(code), [(2, 5)]);
}

#[test]
fn a_wrapper_of_a_source_or_cleaner_is_what_it_wraps() {
    assert_eq!(hits("def s():\n    return source()\n\nsink(s())\n"), [(4, 2)]);
    assert_eq!(hits("def c(x):\n    return clean(x)\n\nsink(c(source()))\n"), []);
}

#[test]
fn options_are_known_in_the_function_that_they_are_handed_to() {
    let code = "def w(**options):\n    connect(**options)\n\nw(verify=True)\nw(verify=False)\n";
    assert_eq!(hits(code), [(2, 5)]);
}

#[test]
fn the_parts_of_a_map_are_kept_apart() {
    let code = "m = {'a': source(), 'b': 'x'}\nsink(m['b'])\nsink(m['a'])\nm['a'] = 'y'\nsink(m['a'])\n";
    assert_eq!(hits(code), [(3, 1)]);
}

#[test]
fn a_look_up_gives_a_part_of_the_table_and_never_the_key() {
    assert_eq!(hits("T = {'a': 'b'}\nsink(T.get(source()))\n"), []);
    assert_eq!(hits("sink(source().get('a'))\n"), [(1, 1)]);
    assert_eq!(hits("T = {'a': 'b'}\nsink(T.get('a', source()))\n"), [(2, 2)]);
}

#[test]
fn what_a_source_is_safe_for_stays_when_escaping_is_undone() {
    assert_eq!(hits("sink(undo(safe()))\nsink(undo(source()))\n"), [(2, 2)]);
}

#[test]
fn what_is_put_into_a_list_is_in_it() {
    assert_eq!(hits("x = []\nfor y in source():\n    x.append(y)\nsink(x)\n"), [(4, 2)]);
}

#[test]
fn a_later_round_of_a_loop_sees_what_an_earlier_one_did() {
    assert_eq!(hits("x = 'a'\nfor i in y:\n    sink(x)\n    x = source()\n"), [(3, 4)]);
}

#[test]
fn a_closure_sees_what_stands_around_it() {
    let code = "def f():\n    x = source()\n    def g():\n        sink(x)\n    g()\n";
    assert_eq!(hits(code), [(4, 2)]);
    assert_eq!(hits("def f():\n    x = source()\n    h(lambda: sink(x))\n"), [(3, 2)]);
}

#[test]
fn what_one_method_keeps_in_its_object_another_sees() {
    let code = "class A:\n    def m(self):\n        sink(self.x)\n    def n(self):\n        self.x = source()\n";
    assert_eq!(hits(code), [(3, 5)]);
}

#[test]
fn what_an_object_was_made_of_is_in_its_fields() {
    let code = "class A:\n    def __init__(self, x):\n        self.x = x\n    def m(self):\n        sink(self.x)\n\nA(source()).m()\n";
    assert_eq!(hits(code), [(5, 7)]);
}

#[test]
fn a_class_is_what_it_extends() {
    let code = "import site_web.web as web\nclass A(web.Handler):\n    def m(self):\n        self.write(source())\n";
    assert_eq!(hits(code), [(4, 4)]);
}

#[test]
fn a_handler_is_given_what_comes_in_and_gives_back_what_goes_out() {
    let code = "import web\napp = web.App()\n\n@app.route('/<a>')\ndef f(a):\n    return '<b>' + a\n";
    assert_eq!(hits(code), [(6, 5)]);
    assert_eq!(hits(&code.replace("/<a>", "/<int:a>")), []);
    assert_eq!(hits(&code.replace("'<b>'", "'b'")), []);
}

#[test]
fn a_call_may_settle_what_it_is_called_on() {
    assert_eq!(hits("x = source()\nx.secure()\nsink(x)\n"), []);
}

#[test]
fn an_assignment_may_be_a_sink() {
    assert_eq!(hits("page.danger = source()\n"), [(1, 1)]);
}

#[test]
fn functions_that_call_each_other_for_ever_are_left() {
    assert_eq!(
        hits("def f(x):\n    return g(x)\n\ndef g(x):\n    sink(x)\n    return f(x)\n\nf(source())\n"),
        [(5, 8)]
    );
}

#[test]
fn a_number_is_no_text() {
    assert_eq!(hits("sink(number(source()))\n"), []);
}

#[test]
fn what_was_made_safe_can_be_undone_and_a_number_stays_one() {
    assert_eq!(
        hits("sink(clean(source()))\nsink(undo(clean(source())))\nsink(undo(number(source())))\n"),
        [(2, 2)]
    );
}

#[test]
fn a_part_of_what_an_attribute_holds_is_apart_from_its_others() {
    let code = "class A:\n    def __init__(self):\n        self.parts = {}\n    def f(self):\n        self.parts['a'] = source()\n        self.parts['b'] = 'x'\n        sink(self.parts['a'])\n        sink(self.parts['b'])\n";
    assert_eq!(hits(code), [(7, 5)]);
}

#[test]
fn a_proof_holds_of_a_variable_of_the_whole_file() {
    let code = "x = source()\ndef f():\n    if x.fine():\n        sink(x)\n    else:\n        sink(x)\n";
    assert_eq!(hits(code), [(6, 1)]);
}

/// Statements that take much working out and that no rule is about.
fn busy(indent: &str) -> String {
    (0..50)
        .map(|at| format!("{indent}b{at} = here(there({at}), a)\n"))
        .collect()
}

#[test]
fn a_loop_is_followed_again_only_if_a_round_leaves_something_new() {
    let once = followed(&busy("")).worked_out;
    let code = format!("for x in y:\n{}", busy("    "));
    assert!(followed(&code).worked_out < once + once / 2);
    // A number that counts rounds is nothing new, what someone else may have written is.
    let counted = format!("n = 0\nfor x in y:\n    n = n + 1\n{}", busy("    "));
    assert!(followed(&counted).worked_out < once + once / 2);
    let tainted = format!("n = 0\nfor x in y:\n{}    n = source()\n", busy("    "));
    assert!(followed(&tainted).worked_out > 3 * once / 2);
}

#[test]
fn a_function_is_followed_for_each_caller_only_if_something_may_be_found_in_it() {
    let calls: String = (0..20).map(|at| format!("f({at})\n")).collect();
    let idle = format!("def f(a):\n{}    return 1\n{calls}", busy("    "));
    let once = followed(&busy("")).worked_out;
    // The top level is followed twice, once for its names.
    assert!(followed(&idle).worked_out < 2 * once, "{}", followed(&idle).worked_out);
    let sinks = format!("def g(a):\n    sink(a)\ndef f(a):\n{}    g(a)\n{calls}", busy("    "));
    assert!(followed(&sinks).worked_out > 10 * once);
}

#[test]
fn a_class_is_looked_at_again_only_if_a_field_changed_after_it_was_read() {
    let set = "    def __init__(self):\n        self.a = 1\n";
    let read = format!("    def f(self, a):\n{}        sink(self.a)\n", busy("        "));
    let in_order = followed(&format!("class A:\n{set}{read}")).worked_out;
    let other_order = followed(&format!("class A:\n{read}{set}")).worked_out;
    assert!(other_order > 3 * in_order / 2, "{in_order} {other_order}");
}

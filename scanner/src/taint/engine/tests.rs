//! The engine from bytes to findings, with the built-in rules; and that no bytes hurt it.

use std::sync::LazyLock;

use audit::untrusted::Untrusted;
use proptest::prelude::*;

use super::*;
use crate::content::Memory;
use crate::engine::FingerprintKey;
use crate::finding::{Finding, Severity};
use crate::report::Report;
use crate::scan::Scanner;
use crate::taint::lower::{Here, Lowered};

static SAST: LazyLock<Sast> = LazyLock::new(|| Sast::built_in(Arc::new(Here)).unwrap());

fn scan_with(sast: Sast, path: &str, text: &[u8]) -> Report {
    let scanner = Scanner::with_engines(vec![Box::new(sast)], FingerprintKey::new([1; 32]));
    scanner.scan(&Memory::new().with(path, text), &mut |_| {})
}

fn findings(path: &str, text: &str) -> Vec<Finding> {
    scan_with(SAST.clone(), path, text.as_bytes()).findings
}

fn outcome(path: &str, text: &[u8]) -> Option<Outcome> {
    scan_with(SAST.clone(), path, text).files[0]
        .outcomes
        .get("sast")
        .copied()
}

fn extension(language: Language, sample: &str) -> &'static str {
    match language {
        Language::C if sample.contains("::") => "cpp",
        Language::C => "c",
        Language::Shell => "sh",
        Language::Php => "php",
        Language::Python => "py",
        // JSX and types: what JavaScript is written in most.
        Language::JavaScript => "tsx",
        Language::Java => "java",
        Language::Go => "go",
        Language::Rust => "rs",
        _ => "",
    }
}

#[test]
fn every_rule_finds_its_bad_samples_and_none_of_its_good_ones() {
    let mut wrong = Vec::new();
    for book in SAST.books.iter() {
        for rule in &book.rules.rules {
            let found = |sample: &str| {
                let path = format!("sample.{}", extension(book.language, sample));
                findings(&path, sample).iter().any(|finding| finding.rule == rule.id)
            };
            let missed = rule
                .bad
                .iter()
                .filter(|sample| !found(sample))
                .map(|sample| ("missed", sample));
            let false_alarms = rule
                .good
                .iter()
                .filter(|sample| found(sample))
                .map(|sample| ("false", sample));
            wrong.extend(
                missed
                    .chain(false_alarms)
                    .map(|(what, sample)| format!("{} {what}: {sample}", rule.id)),
            );
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_file_with_types_or_tags_is_followed_by_the_rules_of_javascript() {
    let code = "app.get('/x', (req: any, res) => res.send(eval(req.query.x)));\n";
    let plain = code.replace(": any", "");
    for (path, text) in [
        ("a.ts", code),
        ("a.tsx", code),
        ("a.js", &plain),
        ("a.mjs", &plain),
        ("a.jsx", &plain),
    ] {
        assert!(
            findings(path, text)
                .iter()
                .any(|found| found.rule == "javascript-code-injection"),
            "{path}"
        );
    }
}

#[test]
fn what_is_proved_of_a_part_holds_where_the_part_is_read_again() {
    let code = "app.get('/x', (req, res) => {\n  if (!/^[a-z]+$/.test(req.query.x)) return;\n  eval(req.query.x);\n  eval(req.query.y);\n});\n";
    let lines: Vec<_> = findings("a.js", code).iter().map(|found| found.line).collect();
    assert_eq!(lines, [Some(4)]);
}

#[test]
fn a_rule_has_an_id_of_its_own() {
    let mut ids: Vec<String> = SAST.rules().into_iter().map(|rule| rule.id).collect();
    let len = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), len);
}

#[test]
fn a_finding_tells_its_way_from_the_source_to_the_sink() {
    let code = "import os\nfrom flask import request\n\ndef f():\n    x = request.args['x']\n    y = 'ls ' + x\n    os.system(y)\n";
    let found = findings("a.py", code);
    let [finding] = found.as_slice() else {
        panic!("{found:?}")
    };
    let lines: Vec<u64> = finding.way.iter().map(|step| step.line).collect();
    assert_eq!((finding.line, lines), (Some(7), vec![5, 6, 7]));
    assert_eq!(finding.way[0].what, "the request, as text that its sender chose");
}

#[test]
fn a_program_in_a_language_without_rules_is_unsupported_and_a_text_is_no_business_of_the_engine() {
    assert_eq!(outcome("a.rb", b"puts 1\n"), Some(Outcome::Unsupported));
    assert_eq!(outcome("a.txt", b"puts 1\n"), None);
}

#[test]
fn a_file_without_a_word_of_any_sink_is_scanned_without_being_parsed() {
    #[derive(Clone)]
    struct Never;
    impl Lowerer for Never {
        fn lower(&self, _: Language, _: &[u8]) -> Result<Lowered, LowerFault> {
            panic!("it was parsed")
        }
    }
    let sast = Sast::built_in(Arc::new(Never)).unwrap();
    let report = scan_with(sast, "a.py", b"a = 1\n");
    assert_eq!(report.files[0].outcomes["sast"], Outcome::Scanned);
}

#[test]
fn a_file_that_is_too_long_is_over_limit() {
    let text = b"import os\nos.system('ls')\n".repeat(MAX_FILE / 26 + 1);
    assert_eq!(outcome("a.py", &text), Some(Outcome::OverLimit));
}

#[test]
fn code_that_is_nested_too_deep_is_over_limit() {
    for (open, close) in [("(", ")"), ("[", "]"), ("f(", ")"), ("not ", ""), ("lambda: ", "")] {
        let lines = "a = 1\n".repeat(2000);
        let text = format!(
            "import os\nos.system({}1{})\n{lines}",
            open.repeat(5000),
            close.repeat(5000)
        );
        assert_eq!(outcome("a.py", text.as_bytes()), Some(Outcome::OverLimit), "{open}");
    }
}

#[test]
fn a_minified_program_is_followed_like_any_other() {
    let padding = "var a=1;".repeat(2000);
    let text = format!("{padding}const e=require('express')();e.get('/',(q,r)=>{{eval(q.query.x)}});");
    let report = scan_with(SAST.clone(), "a.min.js", text.as_bytes());
    assert_eq!(report.files[0].outcomes.get("sast"), Some(&Outcome::Scanned));
    assert_eq!(report.counts.critical + report.counts.high, 1);
}

#[test]
fn a_folder_for_tests_is_no_place_to_hide_in() {
    let code = "import os\nfrom flask import request\nos.system(request.args['x'])\n";
    for path in ["src/a.py", "tests/a.py", "src/test_a.py", "conftest.py", "a.test.py"] {
        assert_eq!(findings(path, code)[0].severity, Severity::High, "{path}");
    }
}

#[test]
fn what_the_starter_of_a_test_gives_it_is_medium_there_and_high_elsewhere() {
    let code = "import os\nimport sys\nos.system('ls ' + sys.argv[1])\n";
    for (path, severity) in [("src/a.py", Severity::High), ("tests/a.py", Severity::Medium)] {
        assert_eq!(findings(path, code)[0].severity, severity, "{path}");
    }
}

#[test]
fn what_a_function_offers_is_low_and_what_it_does_to_a_secret_or_by_default_is_not() {
    let severity = |path: &str, code: &str| findings(path, code).first().map(|found| found.severity);
    let go = |name: &str, text: &str| {
        let code = format!(
            "package a\nimport \"crypto/md5\"\nfunc {name}({text} []byte) [16]byte {{ return md5.Sum({text}) }}\n"
        );
        severity("a.go", &code)
    };
    assert_eq!(go("NewMD5", "data"), Some(Severity::Low));
    assert_eq!(go("Seal", "data"), Some(Severity::Medium));
    assert!(go("NewMD5", "password") > Some(Severity::Low));
    let python = |default: &str, test: &str| {
        let code = format!(
            "import ssl\ndef f(verify={default}):\n    c = ssl.create_default_context()\n    {test}:\n        c.verify_mode = ssl.CERT_NONE\n    return c\n"
        );
        severity("a.py", &code)
    };
    assert_eq!(python("True", "if verify is False"), Some(Severity::Low));
    assert_eq!(python("False", "if verify is False"), Some(Severity::Medium));
    assert_eq!(python("True", "if True"), Some(Severity::Medium));
}

#[test]
fn a_header_leads_nobody_elsewhere_and_a_worker_hears_its_own_page_alone() {
    let rules = |code: &str| {
        findings("a.js", code)
            .into_iter()
            .map(|found| found.rule)
            .collect::<Vec<_>>()
    };
    let redirect = |from: &str| rules(&format!("app.get('/', (req, res) => {{ res.redirect({from}); }});\n"));
    assert_eq!(redirect("req.get('Referrer')"), Vec::<String>::new());
    assert_eq!(redirect("req.query.to"), ["javascript-open-redirect"]);
    let message = |on: &str| {
        rules(&format!(
            "let all = {{}};\n{on}.addEventListener('message', (e) => {{ all[e.data.id].value = e.data.v; }});\n"
        ))
    };
    assert_eq!(message("self"), Vec::<String>::new());
    assert_eq!(message("window"), ["javascript-prototype-pollution"]);
}

#[test]
fn a_cookie_is_insecure_if_nobody_or_a_constant_says_so() {
    let cookie = |secure: &str| {
        let code = format!(
            "package a\nimport \"net/http\"\nfunc f(w http.ResponseWriter, s string, on bool) {{\n http.SetCookie(w, &http.Cookie{{Name: \"a\", Value: s, HttpOnly: true{secure}}})\n}}\n"
        );
        findings("a.go", &code).len()
    };
    assert_eq!(
        [
            cookie(""),
            cookie(", Secure: false"),
            cookie(", Secure: true"),
            cookie(", Secure: on")
        ],
        [1, 1, 0, 0]
    );
}

#[test]
fn a_loader_of_classes_does_not_climb_and_a_server_page_may() {
    let code = |of: &str| {
        format!(
            "class A {{ java.net.URL f({of} c, HttpServletRequest r) {{ return c.getResource(r.getParameter(\"n\")); }} }}\n"
        )
    };
    assert_eq!(findings("A.java", &code("ClassLoader")).len(), 0);
    assert_eq!(findings("A.java", &code("ServletContext")).len(), 1);
}

#[test]
fn cython_is_followed_as_python() {
    let code = "from libc.stdlib cimport system\nimport os, sys\ncdef inline int run(char* what, int n) except -1:\n    cdef int made = system(what)\n    return made\ndef f():\n    run(sys.argv[1], <int>2)\n";
    let found = findings("a.pyx", code);
    let lines: Vec<_> = found.iter().map(|found| (found.rule.as_str(), found.line)).collect();
    assert_eq!(lines, [("python-command-injection", Some(4))]);
    assert_eq!(outcome("a.pyx", code.as_bytes()), Some(Outcome::Scanned));
}

#[test]
fn a_file_that_is_not_of_its_language_is_not_scanned() {
    let text = "os.system(((((( }}}} @@@ ???? <<<>>> ;;; %%%\n".repeat(20);
    assert_eq!(outcome("a.py", text.as_bytes()), Some(Outcome::Unsupported));
}

#[test]
fn a_module_that_does_not_pass_the_check_is_a_crash_and_no_finding() {
    #[derive(Clone)]
    struct Liar;
    impl Lowerer for Liar {
        fn lower(&self, language: Language, source: &[u8]) -> Result<Lowered, LowerFault> {
            let mut lowered = Here.lower(language, source)?;
            for expr in &mut lowered.module.exprs {
                expr.span.end = u32::MAX;
            }
            Ok(lowered)
        }
    }
    let sast = Sast::built_in(Arc::new(Liar)).unwrap();
    let report = scan_with(sast, "a.py", b"import os\nos.system(input())\n");
    assert_eq!(report.files[0].outcomes["sast"], Outcome::Crashed);
    assert!(report.findings.is_empty());
}

#[test]
fn functions_that_call_each_other_in_every_way_end_within_their_budget() {
    let mut code = "import os\nfrom flask import request\n".to_owned();
    for function in 0..40 {
        code.push_str(&format!("def f{function}(a, b='x'):\n"));
        for other in 0..40 {
            code.push_str(&format!("    a = f{other}(a + b, 'y{other}')\n"));
        }
        code.push_str("    os.system(a)\n    return a\n");
    }
    code.push_str("f0(request.args['x'])\n");
    let report = scan_with(SAST.clone(), "a.py", code.as_bytes());
    assert!(
        report
            .findings
            .iter()
            .any(|finding| finding.rule == "python-command-injection")
    );
}

const DB: &str = "import sqlite3\n\ndef select(where, args=()):\n    return sqlite3.connect('x').execute('SELECT * FROM t WHERE ' + where, args)\n\n\
                  def quoted(x):\n    import html\n    return html.escape(x)\n";

fn scan_all(files: &[(&str, &str)]) -> Vec<Finding> {
    let content = files
        .iter()
        .fold(Memory::new(), |content, (path, text)| content.with(path, *text));
    let engines: Vec<Box<dyn Engine>> = vec![Box::new(SAST.clone())];
    Scanner::with_engines(engines, FingerprintKey::new([1; 32]))
        .scan(&content, &mut |_| {})
        .findings
}

#[test]
fn a_value_is_followed_into_the_function_of_another_file() {
    let web = "from flask import request\nfrom shop.db import select\n\ndef f():\n    return select('n = ' + request.args['n'])\n";
    for files in [
        [("shop/db.py", DB), ("shop/web.py", web)],
        [("shop/web.py", web), ("shop/db.py", DB)],
    ] {
        let found = scan_all(&files);
        let [finding] = found.as_slice() else {
            panic!("{found:?}")
        };
        assert_eq!(
            (finding.rule.as_str(), finding.path.raw()),
            ("python-sql-injection", "shop/web.py")
        );
        let last = finding.way.last().unwrap();
        assert_eq!(
            (last.path.as_ref().map(Untrusted::raw), last.line),
            (Some("shop/db.py"), 4)
        );
        // What is shown of a file must not hold what other engines conceal in it.
        assert!(finding.snippet.is_none() && finding.way.iter().all(|step| step.snippet.is_none()));
    }
}

#[test]
fn what_another_file_is_given_for_its_parameters_is_no_part_of_the_statement() {
    let web = "from flask import request\nfrom shop.db import select\n\ndef f():\n    return select('n = ?', [request.args['n']])\n";
    assert_eq!(scan_all(&[("shop/db.py", DB), ("shop/web.py", web)]), []);
}

#[test]
fn a_function_of_a_file_that_is_not_there_is_not_followed() {
    let web = "from flask import request\nfrom shop.db import select\n\ndef f():\n    return select('n = ' + request.args['n'])\n";
    assert_eq!(scan_all(&[("shop/web.py", web)]), []);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_bytes_have_an_outcome(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        let mut text = b"import os\nos.system(x)\n".to_vec();
        text.extend(bytes);
        let lowered = Here.lower(Language::Python, &text).unwrap();
        prop_assert!(lowered.module.check(text.len(), Limits::default()).is_ok());
        follow(&lowered.module, &SAST.books[0].rules, &Outside::default());
    }

    #[test]
    fn any_row_of_pieces_of_python_passes_the_check(pieces in proptest::collection::vec(piece(), 0..60)) {
        let text = pieces.concat();
        let lowered = Here.lower(Language::Python, text.as_bytes()).unwrap();
        prop_assert_eq!(lowered.module.check(text.len(), Limits::default()), Ok(()));
        follow(&lowered.module, &SAST.books[0].rules, &Outside::default());
    }
}

fn piece() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "def f(a, *b, c=1, **d):\n    ",
        "class A(B):\n    ",
        "x",
        " = ",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        ":",
        ", ",
        "\n",
        "\n    ",
        "f'{x!r:>{w}}'",
        "'%s' % ",
        "lambda y: ",
        "return ",
        "yield ",
        "await ",
        "if ",
        "else",
        "for x in ",
        "while ",
        "try:\n    ",
        "except E as e:\n    ",
        "with a as b:\n    ",
        "match x:\n    case 1:\n        ",
        "import os\n",
        "from a import b as c\n",
        "from . import *\n",
        "os.system",
        "request.args",
        ".get(",
        " + ",
        " in ",
        " not in ",
        " and ",
        " or ",
        "@mark\n",
        "**",
        "*",
        "1",
        "'a'",
        "b'\\x00'",
        "del ",
        "global x\n",
        "assert ",
        "raise ",
        "break\n",
        "x := ",
        "print x\n",
        "\u{feff}",
        "é",
    ])
}

/// The places of all findings in these files, with the files that their ways lead through.
fn found_over(files: &[(&str, &str)]) -> Vec<(String, u64, Vec<String>)> {
    let place = |finding: &Finding| {
        let beyond = finding
            .way
            .iter()
            .filter_map(|step| Some(step.path.as_ref()?.raw().to_owned()));
        let mut beyond: Vec<String> = beyond.collect();
        beyond.dedup();
        (finding.path.raw().to_owned(), finding.line.unwrap(), beyond)
    };
    scan_all(files).iter().map(place).collect()
}

#[test]
fn a_value_is_followed_from_a_handler_through_a_service_into_a_store() {
    let handler = "const service = require('./lib/service');\nconst app = require('express')();\n\
                   app.get('/', (req, res) => {\n  service.list(req.query.sort);\n});\n";
    let service = "const store = require('../db/store');\nfunction list(order) { return store.all(order); }\n\
                   module.exports = { list };\n";
    let store = "const db = require('mysql2').createPool({});\n\
                 function all(order) { return db.query('SELECT * FROM t ORDER BY ' + order); }\n\
                 module.exports = { all };\n";
    let found = found_over(&[("app.js", handler), ("lib/service.js", service), ("db/store.js", store)]);
    let beyond = vec!["lib/service.js".to_owned(), "db/store.js".to_owned()];
    assert_eq!(found, [("app.js".to_owned(), 4, beyond)]);
    let safe = store.replace("' + order", "' + Number(order)");
    assert_eq!(
        found_over(&[("app.js", handler), ("lib/service.js", service), ("db/store.js", &safe)]),
        []
    );
}

#[test]
fn what_another_file_writes_through_a_pointer_is_followed() {
    let arg = "#include <stdlib.h>\nvoid arg(char *out, int n) { strncpy(out, getenv(\"QUERY_STRING\"), n); }\n";
    let tool = "void f(void) { char host[64]; arg(host, 64);\n  system(host); }\n";
    let found = found_over(&[("arg.c", arg), ("tool.c", tool)]);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!((found[0].0.as_str(), found[0].1), ("tool.c", 2));
}

#[test]
fn a_name_with_a_letter_written_as_an_escape_is_the_same_name() {
    let text = "const cp = require('child_process');\nconst app = require('express')();\n\
                app.get('/', (req, res) => { cp.EXEC('ping ' + req.query.h); });\n";
    for name in ["ex\\u0065c", "ex\\u{65}c"] {
        let found = findings("a.js", &text.replace("EXEC", name));
        assert_eq!(found.len(), 1, "{name}");
    }
}

#[test]
fn a_file_that_cannot_be_lowered_once_more_beside_the_others_is_not_scanned() {
    /// Lowers what comes by itself, and crashes over what comes again.
    #[derive(Clone, Default)]
    struct Once(Arc<Mutex<Vec<Vec<u8>>>>);
    impl Lowerer for Once {
        fn lower(&self, language: Language, source: &[u8]) -> Result<Lowered, LowerFault> {
            let mut lowered = self.0.lock().unwrap();
            if lowered.iter().any(|known| known == source) {
                return Err(LowerFault::Crashed);
            }
            lowered.push(source.to_vec());
            Here.lower(language, source)
        }
    }
    let calling = "from flask import request\nfrom .db import select\nselect(request.args['n'])\n";
    let content = Memory::new()
        .with("a/__init__.py", "")
        .with("a/db.py", DB)
        .with("a/views.py", calling);
    let outcome = |sast: Sast| {
        let scanner = Scanner::with_engines(vec![Box::new(sast)], FingerprintKey::new([1; 32]));
        let report = scanner.scan(&content, &mut |_| {});
        (report.files[2].outcomes["sast"], report.findings.len())
    };
    assert_eq!(outcome(SAST.clone()), (Outcome::Scanned, 1));
    let once = SAST.lowered_by(Arc::new(Once::default()));
    assert_eq!(outcome(once), (Outcome::Crashed, 0));
}

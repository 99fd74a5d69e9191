//! `diode-scan eval DIR`: how much of a corpus of known functions the engine finds, and what it finds that is not there.
//!
//! ```text
//! DIR/LANGUAGE/cases.toml ─▶ cases ──┐
//! DIR/LANGUAGE/**         ─▶ sast ───┴─▶ hit or not, by language and CWE, tuned and held out apart
//! ```
//!
//! A finding counts if the default policy would not let it pass by itself.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, bail};
use audit::escape::terminal;
use audit::storage::read_outside;
use globset::GlobSet;
use serde::Serialize;

use super::{EvalArgs, exit};
use crate::content::{Content, Folder};
use crate::engine::FingerprintKey;
use crate::finding::Finding;
use crate::policy::Policy;
use crate::scan::Scanner;
use crate::taint::engine::Sast;
use crate::taint::lower::Here;

mod cases;

use self::cases::{Case, Cases};

/// A list of cases longer than this is none.
const MAX_CASES: u64 = 8 << 20;
/// The name of the list in each language's folder.
const CASES: &str = "cases.toml";

/// How many there are and how many of them were reported.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
struct Score {
    vulnerable: u64,
    found: u64,
    safe: u64,
    false_alarms: u64,
}

impl Score {
    fn add(&mut self, case: &Case, hit: bool) {
        let (all, hits) = match case.vulnerable {
            true => (&mut self.vulnerable, &mut self.found),
            false => (&mut self.safe, &mut self.false_alarms),
        };
        *all += 1;
        *hits += u64::from(hit);
    }

    fn row(&self) -> String {
        format!(
            "{:>4}/{:<4} {}   {:>4}/{:<4} {}",
            self.found,
            self.vulnerable,
            share(self.found, self.vulnerable),
            self.false_alarms,
            self.safe,
            share(self.false_alarms, self.safe)
        )
    }
}

/// The scores of one half of the cases.
#[derive(Debug, Default, Serialize)]
struct Scores {
    all: Score,
    by_language: BTreeMap<String, Score>,
    by_cwe: BTreeMap<String, BTreeMap<u32, Score>>,
}

impl Scores {
    fn add(&mut self, language: &str, case: &Case, hit: bool) {
        self.all.add(case, hit);
        self.by_language.entry(language.to_owned()).or_default().add(case, hit);
        let by_cwe = self.by_cwe.entry(language.to_owned()).or_default();
        by_cwe.entry(case.cwe).or_default().add(case, hit);
    }
}

/// What `--json` prints.
#[derive(Debug, Default, Serialize)]
struct Evaluation {
    tuned: Scores,
    held_out: Scores,
    /// Tuned cases that were missed, and those that are false alarms.
    wrong: Vec<Wrong>,
}

#[derive(Debug, Serialize)]
struct Wrong {
    language: String,
    file: String,
    function: String,
    line: u64,
    cwe: u32,
    shape: String,
    missed: bool,
}

/// Measures the engine by the corpus in a directory.
pub(super) fn run(args: &EvalArgs, out: &mut dyn Write) -> anyhow::Result<u8> {
    let evaluation = evaluate(&args.dir)?;
    if args.output.is_json() {
        serde_json::to_writer(&mut *out, &evaluation)?;
        writeln!(out)?;
        return Ok(exit::DONE);
    }
    print(&evaluation, args.list, out)?;
    Ok(exit::DONE)
}

fn evaluate(dir: &Path) -> anyhow::Result<Evaluation> {
    let policy = Policy::parse(Policy::default_text(), "the built-in policy")?;
    let sast = Sast::built_in(Arc::new(Here))?;
    let scanner = Scanner::with_engines(vec![Box::new(sast)], FingerprintKey::new([0; 32]));
    let mut evaluation = Evaluation::default();
    for language in languages(dir)? {
        let folder = dir.join(&language);
        let cases = read_cases(&folder.join(CASES))?;
        let content = Folder::open(&folder, &GlobSet::empty())?;
        let report = scanner.scan(&content, &mut |_| {});
        let blocking = report.findings.iter().filter(|finding| policy.blocks(finding.severity));
        let blocking: Vec<&Finding> = blocking.collect();
        for case in &cases.case {
            let hit = blocking.iter().any(|finding| case.is_hit_by(finding));
            let half = if case.held_out {
                &mut evaluation.held_out
            } else {
                &mut evaluation.tuned
            };
            half.add(&language, case, hit);
            if !case.held_out && hit != case.vulnerable {
                evaluation.wrong.push(wrong(&language, case));
            }
        }
    }
    Ok(evaluation)
}

fn wrong(language: &str, case: &Case) -> Wrong {
    Wrong {
        language: language.to_owned(),
        file: case.file.clone(),
        function: case.function.clone(),
        line: case.lines[0],
        cwe: case.cwe,
        shape: case.shape.clone(),
        missed: case.vulnerable,
    }
}

/// The folders of `dir` that have cases.
fn languages(dir: &Path) -> anyhow::Result<Vec<String>> {
    let folder = Folder::open(dir, &GlobSet::empty()).with_context(|| format!("cannot read {}", dir.display()))?;
    let paths = folder.files().iter().map(|file| file.path.as_str());
    let lists = paths.filter_map(|path| path.strip_suffix(CASES)?.strip_suffix('/'));
    let mut languages: Vec<String> = lists.filter(|name| !name.contains('/')).map(str::to_owned).collect();
    languages.sort();
    if languages.is_empty() {
        bail!("{} is no corpus: none of its folders has a {CASES}", dir.display());
    }
    Ok(languages)
}

fn read_cases(path: &Path) -> anyhow::Result<Cases> {
    let shown = path.display();
    let bytes = read_outside(path, MAX_CASES).with_context(|| format!("cannot read {shown}"))?;
    let text = String::from_utf8(bytes).with_context(|| format!("{shown} is not UTF-8"))?;
    toml::from_str(&text).with_context(|| format!("{shown} is no list of cases"))
}

fn print(evaluation: &Evaluation, list: bool, out: &mut dyn Write) -> anyhow::Result<()> {
    for (name, scores) in [("tuned", &evaluation.tuned), ("held out", &evaluation.held_out)] {
        writeln!(out, "{name:<22}  found    recall    false    rate")?;
        for (language, score) in &scores.by_language {
            writeln!(out, "{:<20} {}", terminal(language), score.row())?;
            for (cwe, score) in scores.by_cwe.get(language).into_iter().flatten() {
                writeln!(out, "  {:<18} {}", format!("CWE-{cwe}"), score.row())?;
            }
        }
        writeln!(out, "{:<20} {}\n", "together", scores.all.row())?;
    }
    for wrong in evaluation.wrong.iter().filter(|_| list) {
        let what = if wrong.missed { "missed" } else { "false alarm" };
        let place = format!("{}/{}:{}", wrong.language, wrong.file, wrong.line);
        writeln!(
            out,
            "{what:<11}  CWE-{:<5} {}  {} ({})",
            wrong.cwe,
            terminal(&place),
            terminal(&wrong.function),
            terminal(&wrong.shape)
        )?;
    }
    Ok(())
}

/// A share with two digits: `.83`, `1.00`, `-` of nothing.
fn share(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "   -".to_owned();
    }
    let hundredths = (part * 100 + whole / 2) / whole;
    match hundredths {
        100.. => format!("{}.{:02}", hundredths / 100, hundredths % 100),
        _ => format!(" .{hundredths:02}"),
    }
}

#[cfg(test)]
#[allow(
    clippy::disallowed_methods,
    reason = "the tests make the folders that are to be looked at"
)]
mod tests {
    use super::*;

    const CODE: &str = "import os\nfrom flask import request\n\n\ndef run(line):\n    os.system(line)\n\n\n\
                        def bad():\n    run(request.args['x'])\n\n\ndef good():\n    run('ls')\n";

    fn case(function: &str, lines: [u64; 2], cwe: u32, vulnerable: bool, held_out: bool) -> String {
        format!(
            "[[case]]\nfile = \"a.py\"\nfunction = \"{function}\"\nlines = [{}, {}]\ncwe = {cwe}\n\
             vulnerable = {vulnerable}\nshape = \"wrapper\"\nheld_out = {held_out}\nwhy = \"as it is\"\n",
            lines[0], lines[1]
        )
    }

    fn corpus(cases: &[String]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("python");
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join("a.py"), CODE).unwrap();
        std::fs::write(folder.join(CASES), cases.concat()).unwrap();
        dir
    }

    #[test]
    fn a_finding_whose_way_leads_through_a_function_is_a_hit_of_it_alone() {
        let dir = corpus(&[
            case("bad", [9, 10], 77, true, false),
            case("good", [13, 14], 78, false, false),
        ]);
        let evaluation = evaluate(dir.path()).unwrap();
        let expected = Score {
            vulnerable: 1,
            found: 1,
            safe: 1,
            false_alarms: 0,
        };
        assert_eq!(evaluation.tuned.all, expected);
        assert!(evaluation.wrong.is_empty());
    }

    #[test]
    fn cases_that_are_held_out_are_counted_apart_and_never_listed() {
        let dir = corpus(&[case("bad", [9, 10], 89, true, true)]);
        let evaluation = evaluate(dir.path()).unwrap();
        assert_eq!(
            (evaluation.tuned.all.vulnerable, evaluation.held_out.all.vulnerable),
            (0, 1)
        );
        assert_eq!(evaluation.held_out.all.found, 0);
        assert!(evaluation.wrong.is_empty());
    }

    #[test]
    fn a_folder_without_cases_is_an_error_that_says_so() {
        let dir = tempfile::tempdir().unwrap();
        let error = evaluate(dir.path()).unwrap_err();
        assert!(error.to_string().contains("is no corpus"), "{error}");
    }

    #[test]
    fn a_share_is_rounded_to_two_digits() {
        assert_eq!([share(1, 3), share(2, 2), share(0, 0)], [" .33", "1.00", "   -"]);
    }
}

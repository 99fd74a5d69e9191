//! `diode-scan`: arguments, and the one place where errors become text and exit codes.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use audit::escape::terminal;
use clap::{Args, Parser, Subcommand, ValueEnum};

mod check;
mod desk;
mod eval;
mod rules;

/// Exit codes; the same in all programs of the pair.
mod exit {
    /// Done; for `check`, ALLOW.
    pub(super) const DONE: u8 = 0;
    /// Failed; for `check`, coverage is incomplete and nothing else is wrong.
    pub(super) const FAILED: u8 = 1;
    /// Wrong usage or configuration.
    pub(super) const USAGE: u8 = 2;
    /// REJECT by policy.
    pub(super) const REJECT: u8 = 3;
    /// REVIEW needed.
    pub(super) const REVIEW: u8 = 4;
    /// A bundle that is damaged, or whose files are not the signed ones.
    pub(super) const INTEGRITY: u8 = 5;
}

/// Looks at code before it is sent, as the receiver will.
#[derive(Debug, Parser)]
#[command(name = "diode-scan", version, max_term_width = 100)]
#[command(after_help = "Example:\n  diode-scan check src/ out.bundle")]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Scan directories, files and bundles, and say what the receiver's policy would
    Check(CheckArgs),
    /// What is looked for
    Rules {
        #[command(subcommand)]
        verb: RulesVerb,
    },
    /// Measure the taint engine by a corpus of functions that are known to be vulnerable or safe
    Eval(EvalArgs),
    /// Print the default policy, to start one from
    #[command(after_help = "Example:\n  diode-scan policy > policy.toml")]
    Policy,
}

#[derive(Debug, Subcommand)]
enum RulesVerb {
    /// List all rules of all engines
    #[command(after_help = "Example:\n  diode-scan rules list --json | jq -r .id")]
    List(OutputArgs),
    /// Tell all about one rule: why, how to mend it, where it looks, samples, and what the default policy does
    #[command(after_help = "Example:\n  diode-scan rules explain python-sql-injection")]
    Explain(ExplainArgs),
    /// Print all rules as Markdown, which is what scanner/RULES.md is
    #[command(after_help = "Example:\n  diode-scan rules markdown > scanner/RULES.md")]
    Markdown,
}

#[derive(Debug, Args)]
struct ExplainArgs {
    /// The rule's id, as findings and `rules list` have it
    #[arg(value_name = "RULE")]
    rule: String,
    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "Exit codes:
  0  ALLOW
  1  coverage is incomplete, and nothing else is wrong
  2  wrong usage, a path that cannot be read, or a policy that cannot be used
  3  REJECT by policy
  4  REVIEW needed
  5  a bundle is damaged, or its files are not the ones that were signed
With several paths, that of the worst; from worst: 5, 3, 4, 1, 0.

A bundle's signatures are not looked at: that is the receiver's business, with its own trust.
Below a directory, `.git` is left out, as diode-pack does; links and devices are named and not followed.

Formats:
  text      each finding with its line, why, how to mend it, how a value came there; the verdict
  json      a line for each path: decision, controls, report (see scanner/REPORT.md)
  sarif     SARIF 2.1.0 for code viewers: one log, a run for each path
  controls  a table by weakness (CWE) and requirement (OWASP ASVS 5.0); the verdict

What is found in a file is kept in $XDG_CACHE_HOME/diode-scan (or ~/.cache/diode-scan) for the next time, beside the key of
the fingerprints; never a secret, and never a verdict. With --no-cache everything takes longer, and is found alike.

Examples:
  diode-scan check .
  diode-scan check src/ --exclude 'vendor/**' --policy policy.toml
  diode-scan check . --advisories advisories.jsonl --known-names packages.txt
  diode-scan check . --rules ~/plant-7-rules
  diode-scan check out.bundle --json | jq .decision.verdict
  diode-scan check . --format sarif > scan.sarif")]
struct CheckArgs {
    /// Directories, files, and .bundle files
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// The policy to judge by [default: the built-in one; see `diode-scan policy`]
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Add these rules to the built-in ones, as `diode-rx rules install` does: a file or a folder of files that end in .toml, .yar,
    /// .yara, .jsonl or .txt; may be repeated
    #[arg(long, value_name = "FILE|DIR")]
    rules: Vec<PathBuf>,
    /// Compare packages with these advisories: a head and one OSV record a line
    #[arg(long, value_name = "FILE")]
    advisories: Option<PathBuf>,
    /// Packages that may be used, a type and a name a line, such as `pypi requests`; others are named
    #[arg(long, value_name = "FILE")]
    known_names: Option<PathBuf>,
    /// Leave out what matches, relative to the directory given; may be repeated
    #[arg(long, value_name = "GLOB")]
    exclude: Vec<String>,
    /// Look at every file anew: do not use, nor keep, what was found in the same files before
    #[arg(long)]
    no_cache: bool,
    /// List at most this many findings of each path, as text
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: usize,
    /// How to print what was found
    #[arg(long, value_enum, default_value_t = CheckFormat::Text)]
    format: CheckFormat,
    /// Short for --format json
    #[arg(long, conflicts_with = "format")]
    json: bool,
    /// Print the digests of policy, rules and report in full, and name every file that was not covered
    #[arg(long, short)]
    verbose: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum CheckFormat {
    Text,
    Json,
    Sarif,
    Controls,
}

#[derive(Debug, Args)]
#[command(
    after_help = "A finding counts if the default policy would not let it pass. Its README says what a corpus is made of.
Only for a corpus that is trusted: files are parsed in this very process.

Examples:
  diode-scan eval scanner/corpus
  diode-scan eval scanner/corpus --json | jq .tuned.all"
)]
struct EvalArgs {
    /// The corpus: a folder for each language, with its cases.toml
    #[arg(value_name = "DIR")]
    dir: PathBuf,
    /// List the cases that were missed and the false alarms, but for those that are held out
    #[arg(long)]
    list: bool,
    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Debug, Args)]
struct OutputArgs {
    /// How to print results; json is one object a line
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Short for --format json
    #[arg(long, conflicts_with = "format")]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
}

impl OutputArgs {
    fn is_json(&self) -> bool {
        self.json || self.format == Format::Json
    }
}

/// Runs `diode-scan` with these arguments, the program's name first.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are no errors, and go to standard output.
            let code = if error.use_stderr() { exit::USAGE } else { exit::DONE };
            let _closed = error.print();
            return ExitCode::from(code);
        }
    };
    let mut out = io::BufWriter::new(io::stdout().lock());
    let done = match &cli.verb {
        Verb::Check(args) => check::run(args, &mut out),
        Verb::Rules { verb } => rules::run(verb, &mut out).map(|()| exit::DONE),
        Verb::Eval(args) => eval::run(args, &mut out),
        Verb::Policy => out
            .write_all(crate::Policy::default_text().as_bytes())
            .map(|()| exit::DONE)
            .map_err(anyhow::Error::from),
    };
    let done = done.and_then(|code| out.flush().map(|()| code).map_err(anyhow::Error::from));
    match done {
        Ok(code) => ExitCode::from(code),
        // Whoever reads has seen enough: `diode-scan … | head` is no failure of ours to report.
        Err(error) if is_broken_pipe(&error) => ExitCode::from(exit::FAILED),
        Err(error) => {
            let text = error.chain().map(ToString::to_string).collect::<Vec<_>>().join(": ");
            let _closed = writeln!(io::stderr(), "error: {}", terminal(&text));
            ExitCode::from(exit::USAGE)
        }
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<io::Error>()
        .is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

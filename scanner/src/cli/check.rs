//! `diode-scan check PATH…`.

use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, bail};
use audit::escape::terminal;
use audit::event::Verdict;
use audit::storage::{Disk, OpenHow, Storage, read_outside};
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use super::desk::{self, Desk};
use super::{CheckArgs, exit};
use crate::content::{Content, Folder, FolderError, LeftOut, PackedBundle, PackedError};
use crate::isolation::start_lowering;
use crate::policy::{Decision, Policy};
use crate::report::Report;
use crate::scan::{Progress, Scanner};
use crate::taint::lower::Lowering;

mod options;
mod print;

use self::options::{additions, as_of_now, describe};
use self::print::Printer;

/// A policy file longer than this is none.
const MAX_POLICY: u64 = 1 << 20;

/// What was given to look at.
enum Subject {
    Folder(Folder),
    Bundle(PackedBundle),
    /// A bundle that is damaged, and how.
    Damaged(String),
}

/// Scans each path, prints what was found, and says how it ended.
pub(super) fn run(args: &CheckArgs, out: &mut dyn Write) -> anyhow::Result<u8> {
    let (policy, policy_name) = load_policy(args.policy.as_deref())?;
    let exclude = exclude_set(&args.exclude)?;
    let (lowering, lacking) = start_lowering();
    if let Some(lacking) = lacking {
        writeln!(
            io::stderr(),
            "warning: programs are not parsed, and so not covered: {lacking}"
        )?;
    }
    let scanner = make_scanner(args, lowering)?;
    let besides = describe(scanner.additions());
    // All paths are opened before the first is scanned: a mistyped one is no result.
    let subjects = args
        .paths
        .iter()
        .map(|path| Ok((path.as_path(), open(path, &exclude)?)));
    let subjects = subjects.collect::<anyhow::Result<Vec<_>>>()?;
    let mut printer = Printer::new(args, &scanner, &policy_name, &besides);
    let mut worst = exit::DONE;
    for (path, subject) in subjects {
        let code = match subject {
            Subject::Folder(folder) => {
                warn_left_out(path, folder.left_out());
                check(&scanner, &policy, path, &folder, &mut printer, out)?
            }
            Subject::Bundle(bundle) => check(&scanner, &policy, path, &bundle, &mut printer, out)?,
            Subject::Damaged(why) => {
                let shown = path.display().to_string();
                writeln!(io::stderr(), "error: {}: {}", terminal(&shown), terminal(&why))?;
                exit::INTEGRITY
            }
        };
        worst = worse(worst, code);
    }
    printer.finish(out)?;
    if let Err(error) = scanner.store_results() {
        // The next run takes longer, and that is all.
        writeln!(
            io::stderr(),
            "warning: what was found is not kept for the next run: {error}"
        )?;
    }
    Ok(worst)
}

/// The engines, with this user's key and, unless they are not wanted, the results of earlier runs.
fn make_scanner(args: &CheckArgs, lowering: Arc<dyn Lowering>) -> anyhow::Result<Scanner> {
    let desk = Desk::open()?;
    let scanner = Scanner::with_additions(desk.key, lowering, &additions(args)?, as_of_now())?;
    let Some(storage) = desk.storage.filter(|_| !args.no_cache) else {
        return Ok(scanner);
    };
    let (scanner, fault) = scanner.with_results(storage, desk::RESULTS.as_ref());
    if let Some(fault) = fault {
        writeln!(
            io::stderr(),
            "warning: what earlier runs found is not used, and replaced: {fault}"
        )?;
    }
    Ok(scanner)
}

fn check(
    scanner: &Scanner,
    policy: &Policy,
    path: &Path,
    content: &dyn Content,
    printer: &mut Printer<'_>,
    out: &mut dyn Write,
) -> anyhow::Result<u8> {
    let mut meter = Meter::new();
    let report = scanner.scan(content, &mut |progress| meter.show(progress));
    meter.clear();
    let decision = policy.judge(&report);
    printer.print(path, &report, &decision, out)?;
    out.flush()?;
    Ok(code(&report, &decision))
}

fn code(report: &Report, decision: &Decision) -> u8 {
    match decision.verdict() {
        _ if !report.integrity.is_empty() => exit::INTEGRITY,
        Verdict::Reject => exit::REJECT,
        Verdict::Review if decision.only_coverage() => exit::FAILED,
        Verdict::Review => exit::REVIEW,
        Verdict::Allow => exit::DONE,
    }
}

fn worse(a: u8, b: u8) -> u8 {
    const FROM_WORST: [u8; 5] = [exit::INTEGRITY, exit::REJECT, exit::REVIEW, exit::FAILED, exit::DONE];
    FROM_WORST
        .into_iter()
        .find(|code| *code == a || *code == b)
        .unwrap_or(a)
}

fn load_policy(path: Option<&Path>) -> anyhow::Result<(Policy, String)> {
    let Some(path) = path else {
        return Ok((
            Policy::parse(Policy::default_text(), "the built-in policy")?,
            "default".to_owned(),
        ));
    };
    let name = path.display().to_string();
    let bytes = read_outside(path, MAX_POLICY).with_context(|| format!("cannot read the policy {name}"))?;
    let text = String::from_utf8(bytes).with_context(|| format!("{name} is not UTF-8; save it as UTF-8"))?;
    Ok((Policy::parse(&text, &name)?, name))
}

fn exclude_set(patterns: &[String]) -> anyhow::Result<GlobSet> {
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        let glob = GlobBuilder::new(pattern.trim_end_matches('/'))
            .literal_separator(true)
            .build();
        set.add(glob.with_context(|| format!("--exclude {pattern} is no pattern; write one such as 'vendor/**'"))?);
    }
    Ok(set.build()?)
}

fn open(path: &Path, exclude: &GlobSet) -> anyhow::Result<Subject> {
    match Folder::open(path, exclude) {
        Ok(folder) => Ok(Subject::Folder(folder)),
        Err(FolderError::Io { path: at, source }) if at == path && source.kind() == io::ErrorKind::NotADirectory => {
            if path.extension().is_some_and(|extension| extension == "bundle") {
                open_bundle(path)
            } else {
                Ok(Subject::Folder(Folder::of_file(path)?))
            }
        }
        Err(error) => Err(error.into()),
    }
}

fn open_bundle(path: &Path) -> anyhow::Result<Subject> {
    let shown = path.display();
    let Some(name) = path.file_name() else {
        bail!("{shown} names no file")
    };
    let parent = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let disk = Disk::open(parent).with_context(|| format!("cannot open the folder of {shown}"))?;
    let file = disk
        .open(Path::new(name), OpenHow::Read)
        .with_context(|| format!("cannot open {shown}"))?;
    match PackedBundle::open_unverified(file) {
        Ok((bundle, _)) => Ok(Subject::Bundle(bundle)),
        Err(PackedError::Io(error)) => Err(error).with_context(|| format!("cannot read {shown}")),
        Err(error @ (PackedError::Malformed(_) | PackedError::Length { .. })) => {
            let error = anyhow::Error::from(error);
            Ok(Subject::Damaged(
                error.chain().map(ToString::to_string).collect::<Vec<_>>().join(": "),
            ))
        }
    }
}

/// Says on standard error what lies below a directory and is not scanned.
fn warn_left_out(root: &Path, left_out: &[LeftOut]) {
    for left in left_out {
        let shown = terminal(&root.join(left.path()).display().to_string());
        let _closed = match left {
            LeftOut::Special { kind, .. } => writeln!(
                io::stderr(),
                "warning: not scanned: {shown} is {kind}, which no bundle can hold; leave it out with --exclude"
            ),
            LeftOut::Excluded { .. } => writeln!(io::stderr(), "left out: {shown}"),
        };
    }
}

/// Progress on standard error, if a person looks at it.
struct Meter {
    on: bool,
    shown: u64,
}

impl Meter {
    fn new() -> Self {
        Self {
            on: io::stderr().is_terminal(),
            shown: 0,
        }
    }

    fn show(&mut self, progress: Progress) {
        // A line for each of a hundred thousand files would take longer than the scan: one in a hundred is enough.
        let share = progress.files * 100 / progress.files_total.max(1);
        if self.on && share > self.shown {
            self.shown = share;
            let _closed = write!(
                io::stderr(),
                "\rscanned {} of {} files",
                progress.files,
                progress.files_total
            );
        }
    }

    fn clear(&self) {
        if self.on {
            let _closed = write!(io::stderr(), "\r\u{1b}[K");
        }
    }
}

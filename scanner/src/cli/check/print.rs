//! What `diode-scan check` prints of each path, and after the last.

use std::io::Write;
use std::path::Path;

use audit::escape::{terminal, write_json};
use serde::Serialize;

use crate::cli::{CheckArgs, CheckFormat};
use crate::controls::{Control, controls};
use crate::policy::Decision;
use crate::report::Report;
use crate::sarif::Sarif;
use crate::scan::Scanner;
use crate::show::{self, Look};

/// What `--json` prints for a path.
#[derive(Serialize)]
struct Line<'a> {
    path: &'a str,
    decision: &'a Decision,
    controls: Vec<Control>,
    report: &'a Report,
}

/// Prints reports in the format that was asked for.
pub(super) struct Printer<'a> {
    args: &'a CheckArgs,
    scanner: &'a Scanner,
    policy_name: &'a str,
    /// What the rules are besides the built-in ones.
    besides: &'a str,
    sarif: Sarif,
}

impl<'a> Printer<'a> {
    pub(super) fn new(args: &'a CheckArgs, scanner: &'a Scanner, policy_name: &'a str, besides: &'a str) -> Self {
        Self {
            args,
            scanner,
            policy_name,
            besides,
            sarif: Sarif::new(),
        }
    }

    fn format(&self) -> CheckFormat {
        if self.args.json {
            CheckFormat::Json
        } else {
            self.args.format
        }
    }

    /// Prints what there is to say of one path, but for SARIF, which is one document over all.
    pub(super) fn print(
        &mut self,
        path: &Path,
        report: &Report,
        decision: &Decision,
        out: &mut dyn Write,
    ) -> anyhow::Result<()> {
        let shown = path.display().to_string();
        let look = Look::detect();
        match self.format() {
            CheckFormat::Json => {
                let line = Line {
                    path: &shown,
                    decision,
                    controls: controls(report, &self.scanner.rules()),
                    report,
                };
                write_json(out, &line)?;
                writeln!(out)?;
            }
            CheckFormat::Sarif => self.sarif.add(self.scanner, &shown, report, decision),
            CheckFormat::Controls => {
                let rows = controls(report, &self.scanner.rules());
                write!(out, "{}", show::controls(&rows, report, look))?;
                self.print_end(&shown, report, decision, look, out)?;
            }
            CheckFormat::Text => {
                write!(out, "{}", show::findings(report, self.args.limit, look))?;
                self.print_end(&shown, report, decision, look, out)?;
            }
        }
        Ok(())
    }

    fn print_end(
        &self,
        shown: &str,
        report: &Report,
        decision: &Decision,
        look: Look,
        out: &mut dyn Write,
    ) -> anyhow::Result<()> {
        if self.args.verbose {
            write!(out, "{}", show::not_covered(report))?;
        }
        writeln!(out, "{}: {}", terminal(shown), show::coverage(report))?;
        if self.args.verbose {
            write!(out, "{}", show::judged_by_in_full(report, decision))?;
            writeln!(out, "{}", self.besides)?;
        } else {
            writeln!(
                out,
                "{} ({}), {}",
                show::judged_by(report, decision),
                terminal(self.policy_name),
                self.besides
            )?;
        }
        write!(out, "{}", show::decision(decision, look))?;
        Ok(())
    }

    /// Prints what there is to say after the last path.
    pub(super) fn finish(self, out: &mut dyn Write) -> anyhow::Result<()> {
        if self.format() == CheckFormat::Sarif {
            self.sarif.write(out)?;
            writeln!(out)?;
        }
        Ok(())
    }
}

//! Where a record goes: to standard output, and into the files that were named.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;

use super::record::Record;
use super::{plot, table};
use crate::outfile::OutFile;
use crate::terminal::{Screen, say};

/// Where a record goes.
#[derive(Debug, Clone, Args)]
pub(crate) struct DeliverArgs {
    /// Write the record as JSON to this file, for `compare`
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Draw the record into this SVG file
    #[arg(long, value_name = "FILE")]
    pub(crate) plot: Option<PathBuf>,
    /// Print the record as JSON instead of a table
    #[arg(long)]
    pub(crate) json: bool,
}

/// The same, with the files tried out: minutes of measuring are not lost to a folder that is not there.
#[derive(Debug)]
pub(crate) struct Delivery {
    out: Option<OutFile>,
    plot: Option<OutFile>,
    json: bool,
}

impl Delivery {
    /// Begins the files.
    pub(crate) fn prepare(args: &DeliverArgs) -> anyhow::Result<Self> {
        let begin =
            |option, path: &Option<PathBuf>| path.as_deref().map(|path| OutFile::begin(option, path)).transpose();
        Ok(Self {
            out: begin("--out", &args.out)?,
            plot: begin("--plot", &args.plot)?,
            json: args.json,
        })
    }

    /// Prints the record, and writes the files.
    pub(crate) fn deliver(self, record: &Record) -> anyhow::Result<()> {
        let json = record.to_json();
        if self.json {
            say(&json);
        } else {
            for line in table::lines(record, Screen::detect()) {
                say(&line);
            }
        }
        if let Some(out) = self.out {
            out.finish(format!("{json}\n").as_bytes())?;
        }
        if let Some(plot) = self.plot {
            let svg = plot::svg(record).context("--plot")?;
            plot.finish(svg.as_bytes())?;
        }
        Ok(())
    }
}

//! The `demo` verb: the pair at its main job, on this machine, with a link that loses, doubles, reorders and damages.
//!
//! ```text
//! desk: keys, folders ─▶ bundles ─▶ diode-tx ══▶ relay ══▶ diode-rx ─▶ quarantine ─▶ scan ─▶ RELEASED, or why not
//!                           a compromised tx host ══▲
//! ```
//!
//! Four scenes, each with bundles of its own: sources that policy lets through, a program with two flaws, a signer whom nobody trusts, and
//! a tx host that lies. What each must come to is checked as it is told; exit code 0 says that all of it held.

mod admission;
mod planted;
mod scenes;
mod sources;
mod stage;
mod story;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::Context as _;
use clap::Args;
use hw::units::Rate;

use crate::signals;
use crate::terminal::{Screen, say};
use admission::Admission;
use sources::Source;
use stage::Stage;
pub use stage::rough_link;
use story::Story;

/// Send real bundles from end to end over a bad link, and check what comes of them
///
/// Transmitter and receiver run as processes of their own. Everything happens in one folder, which stays.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example:\n  diode-bench demo\n  diode-bench demo --dir ~/project --rate 100M")]
pub(crate) struct DemoArgs {
    /// Send this folder in the place of the project's own sources
    #[arg(long, value_name = "PATH")]
    dir: Option<PathBuf>,
    /// Leave out of it what matches; may be repeated
    #[arg(long, value_name = "GLOB", requires = "dir")]
    exclude: Vec<String>,
    /// What the link's damage is drawn from [default: a random one, printed]
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,
    /// Bits a second on the wire
    #[arg(long, value_name = "RATE", default_value = "20M")]
    rate: Rate,
    /// The folder for everything, to be made [default: a fresh one below the system's temporary folder]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// Runs the verb to its end.
pub(crate) fn run(args: &DemoArgs) -> ExitCode {
    let begun = Instant::now();
    let screen = Screen::detect();
    let prepared = sources::choose(args.dir.as_deref(), &args.exclude)
        .and_then(|sources| Ok((sources, stage::make_folder(args.out.as_deref())?)));
    let (sources, folder) = match prepared {
        Ok(prepared) => prepared,
        Err(error) => {
            eprintln!("error: {error:#}");
            return ExitCode::from(2);
        }
    };
    let mut story = Story::new(screen);
    let played = play(args, &sources, folder.clone(), &mut story);
    if let Err(error) = &played {
        // After what was told on stdout, in the order in which it happened.
        eprintln!("\nerror: {error:#}");
    }
    story.ending(&folder, begun.elapsed());
    match played {
        Ok(()) if story.all_held() => ExitCode::SUCCESS,
        _ => ExitCode::from(1),
    }
}

fn play(args: &DemoArgs, sources: &[Source], folder: PathBuf, story: &mut Story) -> anyhow::Result<()> {
    let seed = match args.seed {
        Some(seed) => seed,
        None => getrandom::u64().context("cannot draw a seed: give one with --seed")?,
    };
    story.opening(&folder);
    let mut stage = Stage::set(folder, seed, args.rate, signals::listen())?;
    story.setting(&stage);
    let played = scenes::play_all(&mut stage, sources, args.dir.is_none(), story);
    let log = stage.end();
    let admissions = played?;
    let closed = log?;
    story.table(&admissions);
    story.log(&closed);
    Ok(())
}

impl Story {
    /// The table of all bundles: what was found at each of the five steps.
    fn table(&mut self, admissions: &[Admission]) {
        self.heading("", "Admissions");
        let rows: Vec<_> = admissions.iter().map(Admission::row).collect();
        let headings = ["bundle", "identified", "verified", "scanned", "quarantined", "audited"];
        for line in self.screen().table(&headings, &rows) {
            say(&line);
        }
    }

    fn log(&mut self, closed: &stage::Closed) {
        say("");
        let damage = &closed.relay.damage;
        let lost = damage.lost_at_random + damage.lost_in_bursts;
        let of = closed.relay.received.datagrams.max(1);
        self.fact(
            "link",
            &format!(
                "{of} sent: {lost} lost ({:.1} %), {} doubled, {} overtaken, {} damaged",
                lost as f64 * 100.0 / of as f64,
                damage.duplicated,
                damage.reordered,
                damage.corrupted,
            ),
        );
        match &closed.verified {
            Ok(log) => {
                let root = log.root.get(..16).unwrap_or(&log.root);
                self.check(
                    true,
                    format!("the audit log verifies: {} entries, root {root}…", log.size),
                );
            }
            Err(error) => self.check(false, format!("the audit log does not verify: {error}")),
        }
    }
}

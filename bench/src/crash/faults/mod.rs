//! `crash faults`: each system call by which a side changes its disk, one after another, fails or is the last thing that the side does.
//!
//! ```text
//! a run under strace ─▶ how often each call is made ─▶ faults: (phase, call, n-th, EIO | ENOSPC | EMFILE | SIGKILL), in a drawn order
//!
//! a fault:  hosts put back ─▶ the run with it ─▶ refused with a reason, or ended with one ─▶ the run without it ─▶ all is there, and nothing else
//! ```
//!
//! | phase | rx | tx |
//! |---|---|---|
//! | start | from what a kill left, until it takes datagrams and after | from nothing: its state is made |
//! | work | from when it takes datagrams until it is asked to end | with a state, until all is sent |
//!
//! `strace` counts calls by thread: the n-th of a thread fails, and so does the n-th of each other one that comes so far.

mod campaign;
mod fault;
mod tracer;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use rand::SeedableRng as _;
use rand::seq::SliceRandom as _;
use rand_chacha::ChaCha8Rng;
use rustix::process::Signal;
use tempfile::TempDir;

use super::Side;
use super::hosts::sound;
use super::plan::{During, Kill, When};
use super::round::Ground;
use crate::drive::{Finished, Programs, Running};
use crate::mint::{Minted, Shape};
pub(super) use campaign::try_faults;
pub(in crate::crash) use fault::Fault;
use fault::{Calls, Harm, Phase};
use tracer::Tracer;

/// A pair that is put back before each fault.
#[derive(Debug)]
struct Faulty {
    ground: Ground,
    side: Side,
    /// Copies of both hosts' folders.
    copies: TempDir,
    faults: Vec<Fault>,
}

/// What a fault did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// The call was not made so often this time.
    NotMet,
    /// The side went on.
    Borne,
    /// The side ended, and said why; or was killed.
    Ended,
}

/// Codes of refusals that a disk can be the reason of.
const REFUSALS: &[&str] = &["storage"];
/// What the order of faults is drawn from.
const ORDER: u64 = 1;
/// Longer than anything takes under `strace`.
const LIMIT: Duration = Duration::from_secs(60);
/// How long what was sent under a fault may take to come to its end: what is lost for good is told sooner.
const ENDS_WITHIN: Duration = Duration::from_secs(3);

impl Faulty {
    /// Makes a pair, and finds out what can fail.
    ///
    /// # Errors
    /// If `strace` can't be had, or the pair does not work without faults.
    fn make(programs: &Programs, dir: &Path, side: Side) -> anyhow::Result<Self> {
        let ground = Ground::new(programs, dir, side, 0)?;
        let copies = tempfile::tempdir_in(dir).context("no folder can be made for copies")?;
        let mut faulty = Self {
            ground,
            side,
            copies,
            faults: Vec::new(),
        };
        faulty.prepare()?;
        for phase in [Phase::Start, Phase::Work] {
            let calls = faulty.count(phase)?;
            faulty.faults.extend(Fault::of_phase(phase, &calls));
        }
        faulty.faults.shuffle(&mut ChaCha8Rng::seed_from_u64(ORDER));
        Ok(faulty)
    }

    /// All faults, in the order in which they are numbered.
    fn faults(&self) -> &[Fault] {
        &self.faults
    }

    /// Brings both hosts to where the runs begin, and copies them: a pair that has something to tell; for the transmitter's start one that
    /// has never sent, for the receiver's one that was killed while bundles came.
    fn prepare(&mut self) -> anyhow::Result<()> {
        if self.side == Side::Tx {
            self.copy(Phase::Start)?;
        }
        let round = self.bundles()?;
        self.ground.deliver(&round)?;
        self.ground.rest()?;
        self.copy(Phase::Work)?;
        if self.side == Side::Rx {
            let round = self.bundles()?;
            let at_the_verdicts = Kill {
                during: During::Transfer,
                when: When::LogWrites(1),
                delay_us: 0,
            };
            self.ground.kill(&at_the_verdicts, &round)?;
            self.ground.hosts.end_sending()?;
            self.copy(Phase::Start)?;
        }
        Ok(())
    }

    fn bundles(&mut self) -> anyhow::Result<Vec<Minted>> {
        let shapes = [(900, true), (700_000, true), (2_000, false)];
        let make = |(len, harmless)| self.ground.make(Shape { len, harmless });
        shapes.into_iter().map(make).collect()
    }

    fn copy_of(&self, phase: Phase) -> PathBuf {
        self.copies.path().join(match phase {
            Phase::Start => "start",
            Phase::Work => "work",
        })
    }

    fn copy(&self, phase: Phase) -> anyhow::Result<()> {
        let (to, hosts) = (self.copy_of(phase), &self.ground.hosts);
        copy_tree(hosts.receiver.home(), &to.join("rx"))?;
        match hosts.transmitter.state().exists() {
            true => copy_tree(hosts.transmitter.state(), &to.join("state")),
            false => Ok(()),
        }
    }

    /// Puts both hosts back. What is sent next is new, so that no number is given twice by that.
    fn put_back(&mut self, phase: Phase) -> anyhow::Result<()> {
        self.ground.forget()?;
        let from = self.copy_of(phase);
        let hosts = &self.ground.hosts;
        for (folder, copy) in [
            (hosts.receiver.home(), from.join("rx")),
            (hosts.transmitter.state(), from.join("state")),
        ] {
            if folder.exists() {
                fs::remove_dir_all(folder).with_context(|| format!("cannot remove {}", folder.display()))?;
            }
            if copy.exists() {
                copy_tree(&copy, folder)?;
            }
        }
        Ok(())
    }

    /// Runs a phase under `strace` without a fault, and counts.
    fn count(&mut self, phase: Phase) -> anyhow::Result<Calls> {
        let trace = format!("trace={}", fault::CALLS.join(","));
        let file = self.trace_file();
        self.run_under(phase, &["-e", &trace])?;
        let text = fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        let calls = Calls::in_trace(&text);
        ensure!(calls.most("fdatasync") > 0, "strace saw no call: {}", file.display());
        Ok(calls)
    }

    fn trace_file(&self) -> PathBuf {
        self.copies.path().join("trace")
    }

    /// Tries one fault.
    ///
    /// # Errors
    /// What is not as it must be.
    fn try_fault(&mut self, fault: &Fault) -> anyhow::Result<Outcome> {
        let options = fault.options();
        let options: Vec<&str> = options.iter().map(String::as_str).collect();
        let (round, ended) = self.run_under(fault.phase, &options)?;
        let trace = fs::read_to_string(self.trace_file()).unwrap_or_default();
        let met = match fault.harm {
            Harm::Error(_) => trace.contains("(INJECTED)"),
            Harm::Kill => ended.code().is_none(),
        };
        let outcome = judge(fault, &ended, met)?;
        // Only what went on to its end could write down what it refused.
        if ended.code() == Some(0) && self.side == Side::Rx {
            self.ground.check_told(&round)?;
        }
        self.ground.deliver(&round)?;
        self.ground.check(&round, REFUSALS)?;
        Ok(outcome)
    }

    /// Runs the side under `strace` in this phase, with bundles, until it ends or is asked to.
    fn run_under(&mut self, phase: Phase, options: &[&str]) -> anyhow::Result<(Vec<Minted>, Finished)> {
        self.put_back(phase)?;
        let round = self.bundles()?;
        let ended = match self.side {
            Side::Rx => self.run_rx(phase, options, &round)?,
            Side::Tx => self.run_tx(options, &round)?,
        };
        Ok((round, sound(ended)?))
    }

    fn run_rx(&mut self, phase: Phase, options: &[&str], round: &[Minted]) -> anyhow::Result<Finished> {
        let (file, receiver) = (self.trace_file(), self.ground.hosts.receiver.clone());
        let mut running = match phase {
            Phase::Start => receiver.under_strace(options, &file).begin_to_serve()?,
            Phase::Work => receiver.begin_to_serve()?,
        };
        if running
            .line_before_end("the line that says it is ready", LIMIT)?
            .is_none()
        {
            return Ok(running.wait(LIMIT)?);
        }
        let tracer = match phase {
            Phase::Start => None,
            // Attached, it can't filter.
            Phase::Work => {
                let options: Vec<&str> = options
                    .iter()
                    .copied()
                    .filter(|option| *option != "--seccomp-bpf")
                    .collect();
                Some(Tracer::attach(&running, &options, &file)?)
            }
        };
        self.ground.hosts.send(&round.iter().collect::<Vec<_>>())?;
        self.ground.hosts.end_sending()?;
        let finished = self.end(running, round)?;
        drop(tracer);
        Ok(finished)
    }

    /// Waits for what was sent to come to its end, or for the receiver's; then asks it to end.
    fn end(&mut self, running: Running, round: &[Minted]) -> anyhow::Result<Finished> {
        self.ground.wait_for_ends(round, ENDS_WITHIN, &running)?;
        if !running.has_ended()? {
            running.signal(Signal::TERM)?;
        }
        Ok(running.wait(LIMIT)?)
    }

    fn run_tx(&mut self, options: &[&str], round: &[Minted]) -> anyhow::Result<Finished> {
        self.ground.hosts.up()?;
        let hosts = &self.ground.hosts;
        let files: Vec<&Path> = round.iter().map(|bundle| bundle.file.as_path()).collect();
        let transmitter = hosts.transmitter.under_strace(options, &self.trace_file());
        Ok(transmitter.start(&files, &hosts.sending())?.wait(LIMIT)?)
    }
}

/// Whether the side did what it must: go on; or end with a reason that a person can act on.
fn judge(fault: &Fault, ended: &Finished, met: bool) -> anyhow::Result<Outcome> {
    match ended.code() {
        Some(0) if met => Ok(Outcome::Borne),
        Some(0) => Ok(Outcome::NotMet),
        None if fault.harm == Harm::Kill => Ok(Outcome::Ended),
        Some(1 | 2) if met => {
            let said = &ended.stderr;
            let cause = fault.cause().unwrap_or("os error");
            ensure!(
                said.contains("error: ") && said.contains(cause),
                "it ended without saying that {cause} made it: {said}"
            );
            Ok(Outcome::Ended)
        }
        _ => anyhow::bail!("it ended with {}: {}", ended.status, ended.stderr),
    }
}

/// Copies a folder with all that is in it; modes too. What is no file or folder, as a socket that a killed process left, is left out.
fn copy_tree(from: &Path, to: &Path) -> anyhow::Result<()> {
    let failed = || format!("cannot copy {} to {}", from.display(), to.display());
    fs::create_dir_all(to).with_context(failed)?;
    for entry in fs::read_dir(from).with_context(failed)? {
        let entry = entry.with_context(failed)?;
        let (kind, copy) = (entry.file_type().with_context(failed)?, to.join(entry.file_name()));
        if kind.is_dir() {
            copy_tree(&entry.path(), &copy)?;
        } else if kind.is_file() {
            fs::copy(entry.path(), &copy).with_context(failed)?;
        }
    }
    let mode = fs::metadata(from).with_context(failed)?.permissions();
    fs::set_permissions(to, mode).with_context(failed)
}

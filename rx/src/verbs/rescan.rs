//! `diode-rx rescan`: bundles scanned again, by the running receiver, or here when none runs.

use std::io::Write;
use std::path::Path;

use scanner::isolation::start_lowering;

use super::ask::{actor, owned};
use super::{FAILED, Failure, USAGE, open_home, say};
use crate::cli::RescanArgs;
use crate::config::Config;
use crate::control::{self, Answer, Work};
use crate::home::{self, Home};
use crate::owner::{Owner, Target, Which, answer_rescans, scan_released};
use crate::serve::scan_fenced;

pub(crate) fn run(dir: &Path, args: RescanArgs) -> Result<(), Failure> {
    let which = match args {
        RescanArgs { id: Some(id), .. } => Which::One(id),
        RescanArgs { held: true, .. } => Which::Held,
        _ => Which::Released,
    };
    let home = open_home(dir)?;
    let work = Work::Rescan { which: which.clone() };
    let answer = match control::ask_for(&home.path(home::SOCKET), &work)? {
        Some(answer) => answer,
        None => do_it_here(home, &which)?,
    };
    match answer {
        Answer { exit: 0, text } => say(&text),
        Answer {
            exit: exit @ (FAILED | USAGE),
            text,
        } => Err(Failure::new(exit, text)),
        // A result like any other, with the code that scripts look at.
        Answer { exit, text } => {
            say(&text)?;
            Err(Failure::new(exit, ""))
        }
    }
}

fn do_it_here(home: Home, which: &Which) -> Result<Answer, Failure> {
    let config = Config::load(&home)?;
    // Before there is any thread: it starts a process that starts others.
    let (lowering, lacking) = start_lowering();
    if let Some(lacking) = lacking {
        writeln!(
            std::io::stderr(),
            "warning: programs in bundles are not parsed, and so not covered: {lacking}"
        )?;
    }
    let mut owner = owned(Owner::open(home, &config, lowering))?;
    let targets = match owner.targets(which) {
        Ok(targets) => targets,
        Err(answer) => return Ok(answer),
    };
    if targets.is_empty() {
        let text = "there is nothing to scan again".to_owned();
        return Ok(Answer { exit: 0, text });
    }
    let mut outcomes = Vec::with_capacity(targets.len());
    for target in targets {
        let (quarantine, scanner) = (owner.quarantine(), owner.engines().for_scan());
        outcomes.push(match target {
            Target::Held(id) => {
                owner.judge_all(vec![scan_fenced(&quarantine, &scanner, id)])?;
                let outcome = owner.outcome(id);
                while owner.steps() > 0 {
                    owner.carry_out_next()?;
                }
                outcome
            }
            Target::Released(id) => owner.take_rescanned(scan_released(&quarantine, &scanner, id), &actor())?,
        });
        owner.publish()?;
    }
    crate::results::store(&owner.quarantine(), &owner.scanner());
    Ok(answer_rescans(outcomes))
}

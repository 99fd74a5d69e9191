//! `diode-tx resend`: bundles that the receiver lacks, sent again under the numbers that they have.
//!
//! ```text
//! codes, numbers ─▶ log: number ─▶ bundle id ─▶ file: given, or in the outbox's `sent` ─▶ as `send`, by this process or the one that runs
//! ```
//!
//! Always true:
//! - a number is sent with the bundle that it belongs to, or not at all: files are found by the id of what is in them;
//! - nothing is sent before a file was found for each number;
//! - it is a transmission of its own: a receiver puts no symbol of one session to those of another, so that the repair symbols begin anew,
//!   and fill what is missing by themselves.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use audit::escape::terminal;
use audit::storage::{Disk, EntryKind, OpenHow, Storage};
use protocol::digest::BundleId;
use protocol::keys::SigningKey;
use protocol::resend::{ResendCode, ResendCodeError};
use protocol::sequences::SequenceRange;

use super::cli::ResendArgs;
use super::config::Config;
use super::ledger::Given;
use super::outbox::{REFUSED, SENDING, SENT, is_bundle};
use super::owner::{TRIES, TRY_AGAIN_AFTER};
use super::state::{self, Chance, LOG, State, unusable_ledger};
use super::{clock, intake, random_seed, random_u64, send};
use crate::bundle_file::BundleFile;
use crate::complaint::Complaint;
use crate::output;

/// Numbers of one command at most.
const MOST: u64 = 100_000;

/// Sends the bundles again whose numbers `args` say.
///
/// # Errors
/// A [`Complaint`]: exit 2 for a number, code or file that will not do, else as `send`.
pub(super) fn resend(args: &ResendArgs) -> Result<(), Complaint> {
    let dir = Config::state_of(&args.sender)?.ok_or_else(|| {
        Complaint::usage("`state` is not set")
            .fact("key", "state")
            .mend("give --state DIR, or --config FILE with the key in it")
    })?;
    let wanted = wanted(&dir, &args.what)?;
    let outbox = Config::outbox_of(args.outbox.as_deref(), args.sender.link.config.as_deref())?;
    let found = find(&wanted, &args.bundles, outbox.as_deref())?;
    if !args.sender.json && !args.sender.quiet {
        for (number, path) in &found {
            output::note(format_args!(
                "seq {number} is {}",
                terminal(&path.display().to_string())
            ));
        }
    }
    let paths: Vec<PathBuf> = found.into_values().collect();
    send::send_all(&paths, &args.sender)
}

/// The numbers that the state in `dir` has given.
fn read_given(dir: &Path) -> Result<Given, Complaint> {
    let no_state = |cause: &dyn std::fmt::Display| {
        Complaint::usage("there is no transmitter's state, and so no number, in this folder")
            .fact("state", dir.display())
            .fact("cause", cause)
            .mend("give the folder that `diode-tx send` or `watch` uses")
    };
    let disk = Disk::open(dir).map_err(|error| no_state(&error))?;
    let log = disk.stat(Path::new(LOG)).map_err(|error| state::broken(dir, &error))?;
    if log.is_none() {
        return Err(match state::log_is_gone(&disk, dir)? {
            Some(complaint) => complaint.mend(
                "in a new epoch no number of before is known: send the bundles' files then, with `diode-tx send`",
            ),
            None => no_state(&"it has no log"),
        });
    }
    if state::holder(dir)?.is_none() {
        // What a killed run had no time to publish is published by whoever opens the state next.
        let chance = Chance {
            epoch: random_u64()?,
            log_key: SigningKey::from_seed(*random_seed()?),
        };
        match State::open(dir, "resend", clock()?, &chance) {
            Ok(mut state) => state.publish().map_err(|error| unusable_ledger(dir, &error))?,
            // Somebody was quicker, and publishes by itself.
            Err(state::NotOpened::Held(_)) => {}
            Err(state::NotOpened::Refused(complaint)) => return Err(complaint),
        }
    }
    let log = Disk::open(&dir.join(LOG)).map_err(|error| state::broken(dir, &error))?;
    Given::read(Arc::new(log)).map_err(|error| unusable_ledger(dir, &error))
}

/// The bundles whose numbers are asked for.
fn wanted(dir: &Path, what: &[String]) -> Result<BTreeMap<u64, BundleId>, Complaint> {
    let mut given = read_given(dir)?;
    let ranges: Vec<Vec<_>> = what.iter().map(|text| ranges(text, &given)).collect::<Result<_, _>>()?;
    let highest = ranges.iter().flatten().map(SequenceRange::last).max().unwrap_or(0);
    let mut tries = 0;
    // Whoever runs publishes every second.
    while given.highest() < highest && tries < TRIES && state::holder(dir)?.is_some() {
        tries += 1;
        thread::sleep(TRY_AGAIN_AFTER);
        given = read_given(dir)?;
    }
    if given.highest() < highest {
        return Err(Complaint::usage("this number was not given to any bundle yet")
            .fact("number", highest)
            .fact("highest", given.highest())
            .mend("compare it with the receiver's `diode-rx gaps`; if the receiver knows it, this state was put back from a backup"));
    }
    bundles_of(ranges.into_iter().flatten(), &given)
}

/// The bundles that have these numbers.
fn bundles_of(
    ranges: impl Iterator<Item = SequenceRange>,
    given: &Given,
) -> Result<BTreeMap<u64, BundleId>, Complaint> {
    let mut wanted = BTreeMap::new();
    for range in ranges {
        if range.count() > MOST || wanted.len() as u64 + range.count() > MOST {
            return Err(Complaint::usage("these are too many bundles for one command")
                .fact("numbers", range)
                .mend(format_args!("ask for at most {MOST} at once")));
        }
        for number in range.first()..=range.last() {
            let bundle = given.bundle_of(number).ok_or_else(|| {
                Complaint::usage("this number is void: no bundle has it, and none ever will")
                    .fact("number", number)
                    .mend("ask for the others; the receiver hears of it by itself")
            })?;
            wanted.insert(number, bundle);
        }
    }
    Ok(wanted)
}

/// The numbers of one argument: a code if it has a dash, else a number or two.
fn ranges(text: &str, given: &Given) -> Result<Vec<SequenceRange>, Complaint> {
    if !text.contains('-') {
        let range = text.trim().parse::<SequenceRange>().map_err(|error| {
            Complaint::usage(error)
                .fact("argument", text)
                .mend("give what `diode-rx gaps` shows, such as 44-7QDYF, or numbers, such as 44 or 44..47")
        })?;
        return Ok(vec![range]);
    }
    let code = ResendCode::parse(text, given.epoch()).map_err(|error| {
        let mend = match &error {
            ResendCodeError::OtherEpoch { .. } => {
                "it was made for another transmitter, or before this one began a new epoch: bundles of then are sent anew, from their files"
            }
            _ => "have it read out again; letters of either case will do",
        };
        Complaint::usage(wrong_with(&error)).fact("argument", text).mend(mend)
    })?;
    Ok(code.ranges().to_vec())
}

/// What is wrong with a code. Its group is named by what it says: its place in an argument is not the one in what was read out.
fn wrong_with(error: &ResendCodeError) -> String {
    match error {
        ResendCodeError::Shape { text, .. } => {
            format!("{text:?} does not look like a code, such as 44-7QDYF or 47..51-7Q2E0")
        }
        ResendCodeError::Mistyped { text, .. } => {
            format!("the code {text:?} is mistyped: its last characters do not fit what stands before them")
        }
        ResendCodeError::OtherEpoch { text, .. } => {
            format!("the code {text:?} is for another epoch than this transmitter's")
        }
        ResendCodeError::Empty | ResendCodeError::TooLong => error.to_string(),
    }
}

/// A file for each bundle: among those given, else in the outbox.
fn find(
    wanted: &BTreeMap<u64, BundleId>,
    given: &[PathBuf],
    outbox: Option<&Path>,
) -> Result<BTreeMap<u64, PathBuf>, Complaint> {
    let numbers: BTreeMap<BundleId, u64> = wanted.iter().map(|(number, bundle)| (*bundle, *number)).collect();
    let mut found = BTreeMap::new();
    for path in given {
        let bundle = intake::open(path)?.id();
        let number = numbers.get(&bundle).ok_or_else(|| {
            Complaint::usage("this bundle has none of the numbers that are asked for")
                .fact("file", path.display())
                .fact("bundle", bundle)
                .mend("leave it out, or send it with `diode-tx send`")
        })?;
        found.insert(*number, path.clone());
    }
    if let Some(outbox) = outbox {
        search(outbox, &numbers, &mut found)?;
    }
    let missing = wanted.iter().find(|(number, _)| !found.contains_key(number));
    match missing {
        None => Ok(found),
        Some((number, bundle)) => Err(is_gone(*number, bundle, outbox)),
    }
}

/// Looks for bundles that are not found yet in the folders of an outbox.
fn search(
    outbox: &Path,
    numbers: &BTreeMap<BundleId, u64>,
    found: &mut BTreeMap<u64, PathBuf>,
) -> Result<(), Complaint> {
    let unusable = |error: std::io::Error| {
        Complaint::usage("the outbox can't be searched")
            .fact("outbox", outbox.display())
            .fact("cause", error)
            .mend("give the folder that `diode-tx watch` takes bundles from")
    };
    let disk = Disk::open(outbox).map_err(unusable)?;
    // What was stopped is in the other two.
    for folder in [SENT, SENDING, REFUSED].map(Path::new) {
        if found.len() == numbers.len()
            || !disk
                .stat(folder)
                .map_err(unusable)?
                .is_some_and(|at| at.kind == EntryKind::Dir)
        {
            continue;
        }
        let looked = disk.each_name(folder, &mut |name| {
            let path = folder.join(name);
            if found.len() < numbers.len()
                && is_bundle(name)
                && let Some(number) = id_in(&disk, &path).and_then(|bundle| numbers.get(&bundle))
            {
                found.entry(*number).or_insert_with(|| outbox.join(&path));
            }
        });
        looked.map_err(unusable)?;
    }
    Ok(())
}

/// The id of the bundle in a file; what can't be opened is not what is looked for.
fn id_in(disk: &Disk, path: &Path) -> Option<BundleId> {
    let file = disk.open(path, OpenHow::Read).ok()?;
    BundleFile::open(file).ok().map(|bundle| bundle.id())
}

fn is_gone(number: u64, bundle: &BundleId, outbox: Option<&Path>) -> Complaint {
    let complaint = Complaint::usage("there is no file of this bundle")
        .fact("number", number)
        .fact("bundle", bundle);
    match outbox {
        Some(outbox) => complaint
            .fact(
                "looked",
                format_args!("{}, {SENDING} and {REFUSED} in {}", SENT, outbox.display()),
            )
            .mend("give the file with --bundle FILE; if nobody has it, have it packed and sent as a new bundle"),
        None => complaint
            .fact("looked", "nowhere: no outbox is known")
            .mend("give the file with --bundle FILE, or the folder that `diode-tx watch` uses with --outbox DIR"),
    }
}

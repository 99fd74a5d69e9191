//! The receiver: its real stages, over a disk that fails and a clock that jumps, one process after another.
//!
//! ```text
//! down ──start──▶ up ──stage after stage, as the dice choose──▶ power cut, killed, ended over its disk ──▶ down
//!        └ everything the log acknowledged is there          └ looked at after each stage
//! ```

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};

use audit::event::{Event, EventKind};
use audit::log::Log;
use audit::storage::{Below, MemoryStorage, OpenHow, Storage};
use protocol::digest::BundleId;
use protocol::keys::SigningKey;
use protocol::reception::{Reception, ReceptionLimits};
use protocol::wire::LinkNumber;
use rx::clock::Wall;
use rx::config::Config;
use rx::control::Request;
use rx::engines::Engines;
use rx::home::{self, Home};
use rx::outside::Outside;
use rx::owner::{Owner, OwnerError, Parts};
use rx::retention::{Keep as KeepFor, Retention};
use rx::serve::{Desk, Stages};
use scanner::engine::FingerprintKey;
use scanner::quarantine::{DEFAULT_RESERVE, Quarantine};
use scanner::scan::Scanner;

use super::bundles::{self, RECEIVER, START};
use super::disk::FaultyDisk;
use super::fault::{Fault, Keep};
use super::heard::Heard;
use super::kept::{Allowed, Leftovers};
use super::life::Life;
use super::link::OnLane;
use super::model::{Model, PERSON, Stage};
use super::quarantine::{self, When};
use super::record::Record;
use super::trace::Trace;
use super::violation::{Invariant, Violation};
use super::{Side, transmitter};
use crate::relay::dice::Dice;

/// Times in a row that the receiver may fail to start, while faults strike.
const TRIES: usize = 64;
/// Lanes that it listens on.
pub(super) const LANES: u8 = 2;
/// How long a transmission may be silent.
const IDLE_MILLIS: u64 = 3000;

/// What the receiver's stages are, to be chosen from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Call {
    Work,
    Register,
    Scan,
    Patrol,
    Ask,
}

/// The rx host.
#[derive(Debug)]
pub(super) struct Receiver<'a> {
    disk: FaultyDisk,
    desk: &'a Desk,
    wall: Arc<AtomicU64>,
    config: Config,
    stages: Option<Stages<'a>>,
    dice: Dice,
    record: Record,
    pub(super) model: Model,
    heard: Heard,
    life: Life,
    kept: Leftovers,
    /// Bytes that the disk has, if they are few.
    capacity: Option<u64>,
    /// Operations of the disk when it was looked at last.
    looked_at: u64,
}

/// The operator's files, alike in all simulations.
static OPERATOR: LazyLock<Arc<dyn Storage>> = LazyLock::new(|| {
    let storage = MemoryStorage::new();
    for (name, text) in [
        (home::CONFIG, config_text()),
        (home::TRUST, bundles::trust()),
        (home::POLICY, bundles::POLICY.to_owned()),
    ] {
        let file = storage.open(name.as_ref(), OpenHow::CreateNew { mode: 0o600 });
        if let Err(error) = file.and_then(|file| file.write_at(text.as_bytes(), 0)) {
            panic!("an empty disk in memory takes any file: {error}");
        }
    }
    Arc::new(storage)
});

/// One without engines: policy judges by paths.
static SCANNER: LazyLock<Arc<Scanner>> =
    LazyLock::new(|| Arc::new(Scanner::with_engines(Vec::new(), FingerprintKey::new([7; 32])).with_workers(1)));

fn config_text() -> String {
    format!("[receiver]\nname = \"{RECEIVER}\"\n[link]\nlisten = \"127.0.0.1:0\"\n")
}

fn log_key() -> SigningKey {
    SigningKey::from_seed([3; 32])
}

impl<'a> Receiver<'a> {
    /// A receiver that was just set up, and does not run.
    pub(super) fn new(
        seed: u64,
        faults: &[(usize, Fault)],
        desk: &'a Desk,
        wall: &Arc<AtomicU64>,
    ) -> Result<Self, Violation> {
        let unusable = |what: &dyn std::fmt::Display| Invariant::Alive.broken(format!("no receiver: {what}"));
        let mut dice = Dice::new(seed, 4);
        let mut disk = FaultyDisk::new(seed);
        for name in [home::LOG, home::QUARANTINE] {
            disk.storage
                .create_dir(name.as_ref(), 0o700)
                .map_err(|error| unusable(&error))?;
        }
        let below = |name: &str| Arc::new(Below::new(Arc::new(disk.storage.clone()), name));
        Log::create(below(home::LOG), &format!("diode-rx/{RECEIVER}"), log_key(), START)
            .map_err(|error| unusable(&error))?;
        Quarantine::create(below(home::QUARANTINE)).map_err(|error| unusable(&error))?;
        disk.storage.sync_fs().map_err(|error| unusable(&error))?;
        let capacity = (dice.below(8) == 0).then(|| DEFAULT_RESERVE + 20_000 + dice.below(400_000));
        if let Some(bytes) = capacity {
            disk.storage.set_capacity(bytes);
        }
        disk.arm(Side::Rx, faults);
        let mut config = Config::parse(&config_text(), home::CONFIG, "".as_ref()).map_err(|error| unusable(&error))?;
        config.limits = ReceptionLimits {
            memory_bytes: 64 << (10 + dice.below(6)),
            sessions: 1 + dice.below(8) as usize,
            lanes: LANES,
            idle_millis: IDLE_MILLIS,
            ..config.limits
        };
        config.retention = retention(&mut dice);
        let allowed = Allowed::draw(&mut dice, capacity.is_some());
        (config.incomplete, config.incomplete_days) = (allowed.limits, allowed.days);
        let model = Model::new(config.retention.is_asked_for());
        Ok(Self {
            disk,
            desk,
            wall: Arc::clone(wall),
            config,
            stages: None,
            dice,
            record: Record::new("rx"),
            model,
            heard: Heard::default(),
            life: Life::default(),
            kept: Leftovers::new(allowed),
            capacity,
            looked_at: 0,
        })
    }

    /// Whether all that is sent has room on its disk, and in its memory.
    pub(super) fn has_room(&self) -> bool {
        self.capacity.is_none() && self.config.limits.memory_bytes >= 1 << 20
    }

    /// Whether it runs.
    pub(super) fn is_up(&self) -> bool {
        self.stages.is_some()
    }

    /// Nothing goes wrong from now on. It must have been stopped.
    pub(super) fn heal(&mut self) {
        self.disk.heal();
    }

    /// Entries of a kind in its log.
    pub(super) fn count(&self, kind: EventKind) -> usize {
        self.record.count(kind)
    }

    /// Starts it, in as many tries as faults make necessary.
    pub(super) fn start(&mut self, announced: &Announced, trace: &mut Trace) -> Result<(), Violation> {
        for _ in 0..TRIES {
            self.kept.look(&self.disk.storage);
            match self.open() {
                Ok(owner) => {
                    trace.note(format_args!("rx up"));
                    let fresh = self.record.compare(owner.entries(0))?;
                    self.kept.look(&self.disk.storage);
                    self.learn(&fresh, announced, trace)?;
                    self.model.handle_idle();
                    self.heard.forget();
                    self.life = Life::read(&self.disk.storage);
                    self.record
                        .verify(&Below::new(Arc::new(self.disk.storage.clone()), home::LOG))?;
                    self.look_at_all(When::AfterStart)?;
                    let mut reception = Reception::new(vec![transmitter::link_key().public()], self.config.limits);
                    owner.remind(&mut reception);
                    self.stages = Some(Stages::begin(owner, reception, self.desk));
                    return Ok(());
                }
                Err(error) if !self.disk.has_failed() => {
                    return Err(Invariant::Log.broken(format!("the receiver does not start: {error}")));
                }
                Err(error) => {
                    let how = self.disk.end_process();
                    trace.note(format_args!("rx did not start, {how}: {error}"));
                    self.kept.handle_failed_start(&self.disk.storage);
                }
            }
        }
        Err(Invariant::Alive.broken("the receiver did not start in so many tries as there are faults"))
    }

    fn open(&self) -> Result<Owner, OwnerError> {
        let storage: Arc<dyn Storage> = Arc::new(self.disk.storage.clone());
        let home = Home::over(Arc::clone(&storage));
        let io = |source| OwnerError::Io {
            what: "the lock can't be taken".to_owned(),
            source,
        };
        let lock = home.lock().map_err(io)?.ok_or_else(|| OwnerError::Locked {
            folder: home.dir().to_owned(),
        })?;
        let below = |name: &str| Arc::new(Below::new(Arc::clone(&storage), name));
        let parts = Parts {
            log: below(home::LOG),
            quarantine: below(home::QUARANTINE),
            engines: Engines::of(Arc::clone(&SCANNER)),
            log_key: log_key(),
            wall: Wall::Set(Arc::clone(&self.wall)),
            outside: Outside::Kept(Arc::clone(&OPERATOR)),
        };
        Owner::over(home, &self.config, lock, parts)
    }

    /// A datagram comes; nobody hears it while the receiver is down.
    pub(super) fn datagram(
        &mut self,
        (lane, bytes): OnLane,
        announced: &Announced,
        trace: &mut Trace,
    ) -> Result<(), Violation> {
        let Some(stages) = &mut self.stages else { return Ok(()) };
        let before = stages.reception().counters().heartbeats;
        self.life.handle_datagram(&bytes);
        stages.datagram(lane, &bytes);
        let reception = stages.reception();
        if reception.counters().heartbeats > before
            && let Some(signed) = reception.link().latest()
        {
            let (beat, is_quiet) = (signed.heartbeat(), reception.sessions() == 0);
            let misses = self.model.misses(beat.epoch);
            self.heard.hear(beat.epoch, beat.sent_below, is_quiet, misses);
            self.life.handle_heartbeat(beat)?;
        }
        self.life.check(reception.link().state())?;
        let (memory, limits) = (stages.reception().memory(), &self.config.limits);
        if memory > limits.memory_bytes || stages.reception().sessions() > limits.sessions {
            let what = format!(
                "{memory} bytes, {} sessions, of {limits:?}",
                stages.reception().sessions()
            );
            return Err(Invariant::Caps.broken(what));
        }
        self.after(&Ok(()), announced, trace)
    }

    /// One of its stages does its next work; says whether there was some.
    pub(super) fn call(&mut self, call: Call, announced: &Announced, trace: &mut Trace) -> Result<bool, Violation> {
        let request = (call == Call::Ask).then(|| self.request()).flatten();
        let accepts = matches!(request, Some(Request::EpochAccept { .. }));
        let Some(stages) = &mut self.stages else {
            return Ok(false);
        };
        let mut any = true;
        let outcome = match call {
            Call::Work => {
                any = stages.work();
                Ok(())
            }
            Call::Scan => {
                any = stages.scan();
                Ok(())
            }
            Call::Patrol => {
                stages.patrol();
                Ok(())
            }
            Call::Register => stages.register().map(|found| any = found),
            Call::Ask => match request {
                None => Ok(()),
                Some(request) => stages.ask(request, PERSON).map(|answer| {
                    let exit = answer.map_or(u8::MAX, |answer| answer.exit);
                    trace.note(format_args!("rx answers {exit}"));
                }),
            },
        };
        self.after(&outcome, announced, trace)?;
        if self.stages.is_some() && !self.disk.has_failed() {
            match call {
                Call::Register if !any => {
                    self.model.handle_idle();
                    self.check_told()?;
                }
                Call::Ask if accepts => self.check_admitted()?,
                _ => {}
            }
        }
        Ok(any)
    }

    /// What two heartbeats said was sent has come, or is on record as missing.
    fn check_told(&self) -> Result<(), Violation> {
        (self.heard.must_tell_below())
            .try_for_each(|(epoch, below)| self.check_told_below(LinkNumber { epoch, sequence: below }))
    }

    /// Whether heartbeats told it of all below; those of a transmitter that was put back count only once they are newer than what is remembered.
    pub(super) fn hears(&self, end: LinkNumber) -> bool {
        self.heard.may_tell_below(end.epoch) >= end.sequence || !self.life.remembers(end.epoch)
    }

    /// Every number below has come, or is on record as missing.
    pub(super) fn check_told_below(&self, end: LinkNumber) -> Result<(), Violation> {
        let mut below = (1..end.sequence).map(|sequence| LinkNumber { sequence, ..end });
        match below.find(|number| !self.model.accounts_for(*number)) {
            None => Ok(()),
            Some(number) => {
                let what = format!("{number:?} did not come, is sent, and was not told to be missing");
                Err(Invariant::Number.broken(what))
            }
        }
    }

    /// What waited for an epoch that is accepted is admitted.
    fn check_admitted(&self) -> Result<(), Violation> {
        let undecided = self.model.undecided();
        match self
            .model
            .waiting
            .iter()
            .find(|(_, number)| !undecided.contains(&number.epoch))
        {
            None => Ok(()),
            Some((id, number)) => Err(Invariant::Alive.broken(format!("bundle {id} still waits, as {number:?}"))),
        }
    }

    /// Stops it as an operator does, and looks at what it leaves.
    pub(super) fn stop(&mut self, trace: &mut Trace) -> Result<(), Violation> {
        let Some(stages) = self.stages.take() else {
            return Ok(());
        };
        let stopped = stages.stop();
        if let Err(error) = &stopped
            && !self.disk.has_failed()
        {
            return Err(Invariant::Alive.broken(format!("the receiver does not stop: {error}")));
        }
        if !self.disk.has_failed() {
            self.life.check_remembered(&self.disk.storage)?;
        }
        let how = self.disk.end_process();
        trace.note(format_args!("rx stopped, {how}"));
        Ok(())
    }

    /// Cuts the power of a receiver at work, losing all that was not synced.
    pub(super) fn cut(&mut self, trace: &mut Trace) {
        self.stages = None;
        self.disk.cut_now(Keep::Nothing);
        trace.note(format_args!("rx power cut"));
    }

    /// What a person asks next: to accept an epoch, or mostly what `show` told about a bundle that waits for one.
    fn request(&mut self) -> Option<Request> {
        if let Some(epoch) = self.model.undecided().first()
            && self.dice.below(3) == 0
        {
            return Some(Request::EpochAccept {
                epoch: format!("{epoch:016x}"),
                up_to: None,
                reason: "the transmitter began anew".to_owned(),
            });
        }
        let waiting: Vec<BundleId> = (self.model.bundles.iter())
            .filter(|(_, known)| known.stage == Stage::Held && known.waits)
            .map(|(id, _)| *id)
            .collect();
        let id = *waiting.get(usize::try_from(self.dice.below(waiting.len() as u64)).ok()?)?;
        let owner = self.stages.as_ref()?.owner();
        let report = owner.quarantine().load_report(&id).ok()??;
        let code = owner.authority().policy().ok()?.judge(&report).review_code(&id);
        let reason = "looked at".to_owned();
        Some(match self.dice.below(8) {
            0 => Request::Release {
                code: format!("{}-0000", id.short()),
                reason,
            },
            1 | 2 => Request::Reject { code, reason },
            _ => Request::Release { code, reason },
        })
    }

    /// After a stage: what the log says anew must be true, and if the process is at its end, there must be a cause.
    fn after(
        &mut self,
        outcome: &Result<(), OwnerError>,
        announced: &Announced,
        trace: &mut Trace,
    ) -> Result<(), Violation> {
        let operations = self.disk.storage.operations();
        if outcome.is_ok() && operations == self.looked_at {
            return Ok(());
        }
        self.looked_at = operations;
        let fresh = match &self.stages {
            Some(stages) => self.record.take(stages.owner().entries(self.record.len()))?,
            None => Vec::new(),
        };
        if self.disk.storage.has_power() {
            self.kept.look(&self.disk.storage);
        }
        let touched = self.learn(&fresh, announced, trace)?;
        if self.disk.storage.has_power() {
            self.look_at(&touched)?;
            if let Err(error) = outcome
                && !self.disk.has_failed()
            {
                return Err(Invariant::Alive.broken(format!("the receiver ends without a cause: {error}")));
            }
            if outcome.is_ok() {
                return Ok(());
            }
        }
        self.stages = None;
        let how = self.disk.end_process();
        trace.note(format_args!("rx {how}"));
        Ok(())
    }

    /// Takes entries of the log; gives the admitted bundles that they are about.
    fn learn(
        &mut self,
        events: &[Event],
        announced: &Announced,
        trace: &mut Trace,
    ) -> Result<BTreeSet<BundleId>, Violation> {
        let mut touched = BTreeSet::new();
        for event in events {
            trace.note(format_args!("rx log {}", String::from_utf8_lossy(&event.to_entry())));
            self.model.take(event, announced, &mut self.heard, &mut self.kept)?;
            touched.extend(event.bundle.filter(|id| self.model.holds(id)));
        }
        Ok(touched)
    }

    fn look_at(&self, touched: &BTreeSet<BundleId>) -> Result<(), Violation> {
        self.kept.check(&self.disk.storage, !self.disk.has_failed())?;
        for id in touched {
            if let Some(known) = self.model.bundles.get(id) {
                quarantine::check(&self.disk.storage, id, known, When::AtWork)?;
            }
        }
        if touched.is_empty() {
            return Ok(());
        }
        quarantine::check_strays(&self.disk.storage, &self.model, When::AtWork)?;
        quarantine::check_evidence(&self.disk.storage, &self.model, When::AtWork)?;
        quarantine::check_waiting(&self.disk.storage, &self.model, When::AtWork)?;
        self.check_room()
    }

    /// Looks at every bundle that was ever admitted.
    fn look_at_all(&self, when: When) -> Result<(), Violation> {
        for (id, known) in &self.model.bundles {
            quarantine::check(&self.disk.storage, id, known, when)?;
        }
        quarantine::check_strays(&self.disk.storage, &self.model, when)?;
        quarantine::check_evidence(&self.disk.storage, &self.model, when)?;
        quarantine::check_waiting(&self.disk.storage, &self.model, when)?;
        self.kept.check(&self.disk.storage, !self.disk.has_failed())?;
        self.check_room()
    }

    /// What is kept free for the log is free.
    fn check_room(&self) -> Result<(), Violation> {
        let Some(capacity) = self.capacity else { return Ok(()) };
        let (used, may) = (quarantine::bytes(&self.disk.storage), capacity - DEFAULT_RESERVE);
        match used <= may {
            true => Ok(()),
            false => {
                Err(Invariant::Caps.broken(format!("the quarantine has {used} bytes on a disk that lets it {may}")))
            }
        }
    }

    /// Sets its clock.
    pub(super) fn set_wall(&self, millis: u64) {
        self.wall.store(millis, Ordering::Relaxed);
    }
}

/// How long what was decided on is kept: mostly for ever, else for little.
fn retention(dice: &mut Dice) -> Retention {
    let mut keep = || KeepFor {
        days: [None, None, Some(1), Some(0)][dice.below(4) as usize],
        bytes: [None, None, Some(60_000), Some(5000)][dice.below(4) as usize],
    };
    let (released, rejected) = (keep(), keep());
    match dice.below(2) {
        0 => Retention::default(),
        _ => Retention { released, rejected },
    }
}

/// What valid announces said.
pub(super) type Announced = BTreeSet<(LinkNumber, BundleId)>;

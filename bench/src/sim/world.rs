//! One simulation: both hosts and the link between them, step by step, in an order that the seed gives.
//!
//! ```text
//! work    send a part │ deliver datagrams │ work │ register │ scan │ ask │ let time pass      until all is sent
//! settle  nothing goes wrong any more: what is missing is sent again, and must arrive
//! end     power cut on both sides, nothing kept that was not synced: all that was acknowledged is there
//! ```

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use audit::event::{EventKind, Verdict};
use protocol::time::UnixMillis;
use rx::clock::Wall;
use rx::serve::Desk;

use super::Side;
use super::bundles::{Bundle, POOL, START};
use super::fault::{Fault, NewState};
use super::link::Link;
use super::model::Stage;
use super::receiver::{Call, Receiver};
use super::trace::Trace;
use super::transmitter::Transmitter;
use super::violation::{Invariant, Violation};
use crate::relay::dice::Dice;

/// Datagrams under way, beyond which none is sent.
const CROWDED: usize = 200;
/// Rounds of sending again that must suffice on a link without faults.
const ROUNDS: usize = 3;
/// Steps of a simulation at most, by bundle: far more than are ever needed.
const STEPS_A_BUNDLE: u64 = 4000;

/// After so long what is kept no longer is looked for.
const A_MINUTE: u64 = 61_000;
/// Requests of the operator, of which one in some accepts an epoch, until all are accepted.
const MOST_ASKED: usize = 1000;

/// A simulation that came to its end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Seen {
    /// Bundles that were admitted.
    pub(super) admitted: usize,
    /// How often the receiver began.
    pub(super) starts: u64,
}

struct World<'a> {
    bundles: Vec<usize>,
    ticks: Arc<AtomicU64>,
    rx_clock: i64,
    dice: Dice,
    link: Link,
    tx: Transmitter,
    rx: Receiver<'a>,
    clocks: Vec<(u64, Side, i64)>,
    /// By step: when the transmitter's state is backed up, and when it is gone.
    backups: Vec<u64>,
    states: Vec<(u64, NewState)>,
    steps: u64,
    starts: u64,
    trace: &'a mut Trace,
}

/// Simulates a seed with these faults.
pub(super) fn simulate(
    seed: u64,
    count: usize,
    faults: &[(usize, Fault)],
    trace: &mut Trace,
) -> Result<Seen, Violation> {
    let mut dice = Dice::new(seed, 0);
    let first = usize::try_from(dice.below(POOL as u64)).unwrap_or(0);
    let bundles: Vec<_> = (first..first + count).map(|number| number % POOL).collect();
    let (ticks, wall) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(START.0)));
    let desk = Desk::new(Arc::clone(&ticks), Wall::Set(Arc::clone(&wall)));
    let clock = |fault: &Fault| match fault {
        Fault::Clock(side, at, by) => Some((*at, *side, *by)),
        _ => None,
    };
    let state = |fault: &Fault| match fault {
        Fault::State(at, by) => Some((*at, *by)),
        _ => None,
    };
    let states: Vec<_> = faults.iter().filter_map(|(_, fault)| state(fault)).collect();
    let backup = |(_, by): &(u64, NewState)| match by {
        NewState::Backup(step) => Some(*step),
        NewState::Anew => None,
    };
    let mut world = World {
        tx: Transmitter::new(seed, &bundles, faults)?,
        rx: Receiver::new(seed, faults, &desk, &wall)?,
        link: Link::new(seed, faults),
        clocks: faults.iter().filter_map(|(_, fault)| clock(fault)).collect(),
        backups: states.iter().filter_map(backup).collect(),
        states,
        bundles,
        ticks,
        rx_clock: 0,
        dice,
        steps: 0,
        starts: 0,
        trace,
    };
    world.work(count as u64)?;
    world.settle()?;
    world.end()?;
    Ok(Seen {
        admitted: world.rx.model.bundles.len(),
        starts: world.starts,
    })
}

impl World<'_> {
    fn work(&mut self, count: u64) -> Result<(), Violation> {
        while !(self.tx.is_idle() && self.link.len() == 0) {
            self.step()?;
            if self.steps > STEPS_A_BUNDLE * count.max(10) {
                return Err(Invariant::Alive.broken("the transmitter does not come to its end"));
            }
        }
        self.quieten()
    }

    fn step(&mut self) -> Result<(), Violation> {
        self.steps += 1;
        self.tell_time();
        self.change_state()?;
        self.beat()?;
        if !self.rx.is_up() && self.dice.below(4) == 0 {
            self.start()?;
        }
        match self.dice.below(20) {
            0..=5 => self.send(),
            6..=12 => self.deliver(),
            13 | 14 => self.call(Call::Work).map(drop),
            15 | 16 => self.call(Call::Register).map(drop),
            17 => self.call(Call::Scan).map(drop),
            18 if self.dice.below(4) == 0 => self.call(Call::Ask).map(drop),
            _ => {
                let millis = match self.dice.below(400) {
                    0 => A_MINUTE + self.dice.below(4000),
                    1..=10 => self.dice.below(4000),
                    _ => self.dice.below(60),
                };
                self.pass(millis);
                self.call(Call::Patrol).map(drop)
            }
        }
    }

    fn send(&mut self) -> Result<(), Violation> {
        if self.link.len() > CROWDED || self.tx.is_idle() {
            return Ok(());
        }
        self.tx
            .step(self.ticks.load(Ordering::Relaxed), &mut self.link, self.trace)
    }

    fn beat(&mut self) -> Result<(), Violation> {
        self.tx
            .beat(self.ticks.load(Ordering::Relaxed), &mut self.link, self.trace)
    }

    /// What becomes of the transmitter's state at this step.
    fn change_state(&mut self) -> Result<(), Violation> {
        let steps = self.steps;
        for step in self.backups.extract_if(.., |step| *step <= steps) {
            self.tx.back_up(step);
        }
        for (_, by) in self.states.extract_if(.., |(at, _)| *at <= steps) {
            self.trace.note(format_args!("fault tx state: {by:?}"));
            self.tx
                .replace_state(by, self.ticks.load(Ordering::Relaxed), self.trace)?;
        }
        Ok(())
    }

    fn deliver(&mut self) -> Result<(), Violation> {
        for _ in 0..=self.dice.below(16) {
            let Some(datagram) = self.link.deliver() else { break };
            self.trace.bytes(&datagram.1);
            self.rx.datagram(datagram, &self.tx.announced, self.trace)?;
        }
        Ok(())
    }

    fn call(&mut self, call: Call) -> Result<bool, Violation> {
        self.rx.call(call, &self.tx.announced, self.trace)
    }

    fn start(&mut self) -> Result<(), Violation> {
        self.starts += 1;
        self.rx.start(&self.tx.announced, self.trace)
    }

    fn pass(&mut self, millis: u64) {
        self.ticks.fetch_add(millis, Ordering::Relaxed);
        self.tell_time();
    }

    /// Sets the clocks, by what passed and by what their jumps were.
    fn tell_time(&mut self) {
        let steps = self.steps;
        for (_, side, by) in self.clocks.extract_if(.., |(at, ..)| *at <= steps) {
            self.trace.note(format_args!("fault {side} clock set by {by} ms"));
            match side {
                Side::Tx => self.tx.set_clock(by),
                Side::Rx => self.rx_clock = self.rx_clock.saturating_add(by),
            }
        }
        let passed = START.0 + self.ticks.load(Ordering::Relaxed);
        self.rx.set_wall(passed.saturating_add_signed(self.rx_clock));
    }

    /// Lets the receiver do all that it has to do.
    fn quieten(&mut self) -> Result<(), Violation> {
        for _ in 0..60 {
            if !self.rx.is_up() {
                self.start()?;
            }
            self.pass(100);
            self.beat()?;
            while self.link.len() > 0 {
                self.deliver()?;
            }
            self.call(Call::Patrol)?;
            let mut busy = true;
            while busy {
                busy = self.call(Call::Work)?;
                busy |= self.call(Call::Register)?;
                busy |= self.call(Call::Scan)?;
            }
        }
        Ok(())
    }

    /// Has the operator accept every epoch that was heard of: what waited is admitted, and what is missing of the transmitter's is told, the last
    /// number too.
    fn accept_epochs(&mut self) -> Result<(), Violation> {
        let mut asked = 0;
        while !self.rx.model.undecided().is_empty() {
            self.call(Call::Ask)?;
            asked += 1;
            if asked > MOST_ASKED {
                return Err(Invariant::Alive.broken("an epoch is accepted again and again, and does not count"));
            }
        }
        self.quieten()?;
        let next = self.tx.next_number();
        match self.rx.model.misses(next.epoch) && self.rx.hears(next) && self.tx.is_idle() {
            true => self.rx.check_told_below(next),
            false => Ok(()),
        }
    }

    /// On a sound link and with sound disks everything arrives, and what policy decides alone is carried out.
    fn settle(&mut self) -> Result<(), Violation> {
        self.link.heal();
        self.tx.heal();
        self.clocks.clear();
        self.states.clear();
        self.rx.stop(self.trace)?;
        self.rx.heal();
        self.start()?;
        self.quieten()?;
        self.accept_epochs()?;
        for _ in 0..ROUNDS {
            let missing = self.missing();
            if missing.is_empty() || !self.rx.has_room() {
                break;
            }
            // One after another: a receiver with little memory gives up one of two.
            for bundle in missing {
                self.tx.send_again([bundle]);
                while !(self.tx.is_idle() && self.link.len() == 0) {
                    self.send()?;
                    self.deliver()?;
                    self.call(Call::Work)?;
                    self.call(Call::Register)?;
                }
            }
            self.quieten()?;
            self.accept_epochs()?;
        }
        self.pass(A_MINUTE);
        self.quieten()?;
        self.check_settled()
    }

    fn missing(&self) -> Vec<usize> {
        let missing = |number: &&usize| {
            let bundle = Bundle::of(**number);
            let number = self.tx.number_of(&bundle.id);
            let stolen = number.is_some_and(|number| self.rx.model.is_taken_from(number, &bundle.id));
            bundle.flaw.is_none() && !stolen && !self.rx.model.bundles.contains_key(&bundle.id)
        };
        self.bundles.iter().filter(missing).copied().collect()
    }

    fn check_settled(&self) -> Result<(), Violation> {
        let missing = self.missing();
        if self.rx.has_room() && !missing.is_empty() {
            let ids: Vec<_> = missing.iter().map(|number| Bundle::of(*number).id.short()).collect();
            return Err(Invariant::Alive.broken(format!("never admitted, on a sound link: {ids:?}")));
        }
        if !self.rx.has_room() {
            return Ok(());
        }
        for (id, known) in &self.rx.model.bundles {
            let verdict = Bundle::named(id).map(|bundle| bundle.verdict);
            let fits = match (verdict, known.stage) {
                // It may have waited for a person because of the disk, and been rejected.
                (Some(Verdict::Allow), stage) => matches!(stage, Stage::Released | Stage::Rejected),
                (Some(Verdict::Reject), stage) => stage == Stage::Rejected,
                (_, stage) => stage != Stage::Decided && (stage != Stage::Held || known.waits),
            };
            if !fits {
                let what = format!("bundle {id} is {known:?} in the end, and policy says {verdict:?}");
                return Err(Invariant::Alive.broken(what));
            }
        }
        Ok(())
    }

    /// The last look, after a power cut that keeps nothing.
    fn end(&mut self) -> Result<(), Violation> {
        self.rx.cut(self.trace);
        self.start()?;
        let now = UnixMillis(START.0 + self.ticks.load(Ordering::Relaxed));
        self.tx.check(now, self.trace)?;
        self.trace.note(format_args!(
            "end: {} steps, {} admitted, {} refused",
            self.steps,
            self.rx.model.bundles.len(),
            self.rx.count(EventKind::BundleRefused),
        ));
        Ok(())
    }
}

//! A round: bundles are sent while a side is killed again and again, then all is brought to its end and checked.
//!
//! ```text
//! make bundles ─▶ [ start ─▶ send ─▶ SIGKILL at the moment ] once for each kill ─▶ start ─▶ send what is missing, until all is there ─▶ check
//! ```

use std::time::{Duration, Instant};

use anyhow::{bail, ensure};
use audit::event::EventKind;

use super::Side;
use super::account::{Account, numbers_given};
use super::check::{Sent, check_bytes, check_names, check_numbers, check_quiet, check_state};
use super::hosts::{Hosts, killed};
use super::moment::Scene;
use super::plan::{During, Kill, Plan};
use crate::drive::{Programs, Running};
use crate::mint::{Minted, Shape};

/// A pair over several rounds, and what must be true of it.
#[derive(Debug)]
pub(super) struct Ground {
    pub(super) hosts: Hosts,
    programs: Programs,
    side: Side,
    account: Account,
    sent: Sent,
}

/// What a round came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Told {
    /// Kills that met a running process.
    pub(super) kills: u64,
    /// Bundles that were admitted.
    pub(super) admitted: u64,
    /// Bundles that had to be sent once more than the kills called for.
    pub(super) resent: u64,
}

/// How often what is missing is sent again when nobody is killed any more.
const TRIES: u32 = 20;
/// How long what was sent is waited for before it is sent again.
const ARRIVES_WITHIN: Duration = Duration::from_millis(1_500);
/// Longer than a scan takes on a busy machine.
const SETTLES_WITHIN: Duration = Duration::from_secs(30);
const LOOK_AGAIN: Duration = Duration::from_millis(2);

impl Ground {
    /// New hosts.
    pub(super) fn new(programs: &Programs, dir: &std::path::Path, side: Side, number: u64) -> anyhow::Result<Self> {
        Ok(Self {
            hosts: Hosts::make(programs, dir, number)?,
            programs: programs.clone(),
            side,
            account: Account::default(),
            sent: Sent::new(),
        })
    }

    /// Plays a round to its end.
    ///
    /// # Errors
    /// What is not as it must be, or could not be found out.
    pub(super) fn play(&mut self, plan: &Plan) -> anyhow::Result<Told> {
        let round = plan
            .bundles
            .iter()
            .map(|shape| self.make(*shape))
            .collect::<Result<Vec<_>, _>>()?;
        let mut told = Told::default();
        for kill in &plan.kills {
            told.kills += u64::from(self.kill(kill, &round)?);
        }
        told.resent = self.deliver(&round)?;
        self.check(&round, &[])?;
        told.admitted = round.len() as u64;
        Ok(told)
    }

    /// Makes a bundle, which may be admitted from now on.
    pub(super) fn make(&mut self, shape: Shape) -> anyhow::Result<Minted> {
        let bundle = self.hosts.mint.make(shape)?;
        self.sent.insert(bundle.id, bundle.clone());
        Ok(bundle)
    }

    /// Kills the side once; whether it was still at work.
    pub(super) fn kill(&mut self, kill: &Kill, round: &[Minted]) -> anyhow::Result<bool> {
        match (self.side, kill.during) {
            (Side::Rx, During::Start) => {
                // The one before left none running.
                self.hosts.kill_rx()?;
                let begun = Instant::now();
                let starting = self.hosts.begin_to_serve()?;
                self.scene(kill.during).wait_for(kill, begun);
                killed(starting)
            }
            (Side::Rx, During::Transfer) => {
                self.begin_to_send(round, kill)?;
                self.hosts.kill_rx()
            }
            (Side::Tx, _) => {
                self.begin_to_send(round, kill)?;
                self.hosts.kill_tx()
            }
        }
    }

    /// Sends what is not known to be admitted, until the moment of the kill.
    fn begin_to_send(&mut self, round: &[Minted], kill: &Kill) -> anyhow::Result<()> {
        self.hosts.up()?;
        // Of what the receiver took before it was killed, the log tells.
        self.read_log()?;
        let missing: Vec<_> = self.missing(round);
        if missing.is_empty() {
            return Ok(());
        }
        let begun = Instant::now();
        self.hosts.send(&missing)?;
        self.scene(kill.during).wait_for(kill, begun);
        Ok(())
    }

    /// Where and how long to look for the moment of a kill.
    fn scene(&self, during: During) -> Scene {
        let spans = &self.hosts.spans;
        let (log, span) = match (self.side, during) {
            (Side::Rx, During::Start) => (self.hosts.receiver.log(), spans.start),
            (Side::Rx, During::Transfer) => (self.hosts.receiver.log(), spans.transfer),
            // A start is the first part of the way.
            (Side::Tx, During::Start) => (self.hosts.transmitter.log(), spans.sending / 4),
            (Side::Tx, During::Transfer) => (self.hosts.transmitter.log(), spans.sending),
        };
        Scene {
            log,
            spool: self.hosts.receiver.home().join("quarantine/spool"),
            span,
        }
    }

    /// Sends until everything is there and judged; how many bundles had to be sent again after a sending that nobody disturbed.
    pub(super) fn deliver(&mut self, round: &[Minted]) -> anyhow::Result<u64> {
        let mut round = round.to_vec();
        if self.side == Side::Tx {
            // Nobody has this one yet: so the transmitter starts in any case, and publishes what a killed one wrote last.
            round.push(self.make(Shape { len: 1, harmless: true })?);
        }
        self.send_until_admitted(&round)
    }

    fn send_until_admitted(&mut self, round: &[Minted]) -> anyhow::Result<u64> {
        self.hosts.up()?;
        self.hosts.end_sending()?;
        let mut resent = 0;
        for attempt in 0..TRIES {
            self.read_log()?;
            let missing = self.missing(round);
            if missing.is_empty() {
                return self.settle(round).map(|()| resent);
            }
            resent += if attempt == 0 { 0 } else { missing.len() as u64 };
            let begun = Instant::now();
            self.hosts.send(&missing)?;
            self.hosts.end_sending()?;
            let sending = begun.elapsed();
            if self.wait(ARRIVES_WITHIN, |ground| ground.missing(round).is_empty())? && attempt == 0 {
                self.settle(round)?;
                self.hosts.spans.sending = sending;
                self.hosts.spans.transfer = begun.elapsed();
            }
        }
        bail!("sent {TRIES} times, and not admitted: {:?}", self.missing(round))
    }

    /// Waits until every bundle has its verdict.
    fn settle(&mut self, round: &[Minted]) -> anyhow::Result<()> {
        let over = |ground: &Self| {
            let settled = |bundle: &Minted| {
                ground
                    .account
                    .admitted()
                    .get(&bundle.id)
                    .is_some_and(|known| known.settled)
            };
            round.iter().all(settled)
        };
        let settled = self.wait(SETTLES_WITHIN, over)?;
        ensure!(
            settled,
            "{} s after admission there is no verdict",
            SETTLES_WITHIN.as_secs()
        );
        Ok(())
    }

    /// Waits until what lies there is what the log says, and nothing else. A receiver that runs still goes on with what the one before
    /// left, and writes down what became of transmissions that nobody waits for; what is wrong for good is so however long it is looked at.
    fn wait_until_all_lies_right(&mut self, round: &[Minted]) -> anyhow::Result<()> {
        if self.wait(SETTLES_WITHIN, |ground| ground.check_all_lies_right(round).is_ok())? {
            return Ok(());
        }
        self.check_all_lies_right(round)
    }

    fn check_all_lies_right(&self, round: &[Minted]) -> anyhow::Result<()> {
        let home = self.hosts.receiver.home();
        check_quiet(home)?;
        check_names(home, &self.account)?;
        for bundle in round {
            if let Some(known) = self.account.admitted().get(&bundle.id) {
                check_bytes(home, bundle, known)?;
            }
        }
        Ok(())
    }

    /// Reads the log on until something is so; whether it came to be in time.
    fn wait(&mut self, limit: Duration, over: impl Fn(&Self) -> bool) -> anyhow::Result<bool> {
        let deadline = Instant::now() + limit;
        loop {
            self.read_log()?;
            if over(self) {
                return Ok(true);
            }
            ensure!(!self.programs.is_stopped(), crate::drive::DriveError::Interrupted);
            if Instant::now() >= deadline {
                return Ok(false);
            }
            std::thread::sleep(LOOK_AGAIN);
        }
    }

    fn read_log(&mut self) -> anyhow::Result<()> {
        let sent = &self.sent;
        self.account
            .read_on(&self.hosts.receiver.log(), |id| sent.contains_key(id))
    }

    fn missing<'a>(&self, round: &'a [Minted]) -> Vec<&'a Minted> {
        let known = self.account.admitted();
        round.iter().filter(|bundle| !known.contains_key(&bundle.id)).collect()
    }

    /// Waits until each bundle was judged or turned away, or the receiver has ended.
    pub(super) fn wait_for_ends(&mut self, round: &[Minted], limit: Duration, running: &Running) -> anyhow::Result<()> {
        let over = |ground: &Self| {
            let over = |bundle: &Minted| ground.account.has_ended(&bundle.id);
            round.iter().all(over) || running.has_ended().unwrap_or(true)
        };
        self.wait(limit, over).map(drop)
    }

    /// Checks that the log tells of each bundle.
    pub(super) fn check_told(&mut self, round: &[Minted]) -> anyhow::Result<()> {
        self.read_log()?;
        let silent: Vec<_> = round
            .iter()
            .filter(|bundle| !self.account.tells_of(&bundle.id))
            .collect();
        ensure!(
            silent.is_empty(),
            "the receiver ended in good order, and its log says nothing of {:?}",
            silent.iter().map(|bundle| bundle.id).collect::<Vec<_>>()
        );
        Ok(())
    }

    /// Ends all processes, and lets go of what is known of them: the folders are about to be put back.
    pub(super) fn forget(&mut self) -> anyhow::Result<()> {
        self.hosts.kill_tx()?;
        self.hosts.kill_rx()?;
        self.account = Account::default();
        Ok(())
    }

    /// Ends the receiver as an operator does.
    pub(super) fn rest(&mut self) -> anyhow::Result<()> {
        if let Some(ended) = self.hosts.end_rx()? {
            ended.done()?;
        }
        Ok(())
    }

    /// Everything that must be true when nothing is under way; refusals may have one of these codes.
    pub(super) fn check(&mut self, round: &[Minted], refusals: &[&str]) -> anyhow::Result<()> {
        self.wait_until_all_lies_right(round)?;
        self.hosts.receiver.verify_log()?;
        self.account.check_past(&self.hosts.receiver.log())?;
        let mut refused = self.account.refusals().iter();
        if let Some((id, reason, detail)) = refused.find(|(_, reason, _)| !refusals.contains(&reason.as_str())) {
            bail!("{id} was refused: {reason}: {detail}");
        }
        let log = self.hosts.transmitter.log();
        self.hosts.transmitter.verify_log()?;
        check_numbers(&self.account, &numbers_given(&log)?)?;
        check_state(self.hosts.transmitter.state())
    }

    /// The end of these hosts: what was admitted in earlier rounds is still what it was.
    ///
    /// # Errors
    /// As [`play`](Self::play).
    pub(super) fn finish(&mut self) -> anyhow::Result<Totals> {
        self.rest()?;
        self.read_log()?;
        for (id, known) in self.account.admitted() {
            if let Some(bundle) = self.sent.get(id) {
                check_bytes(self.hosts.receiver.home(), bundle, known)?;
            }
        }
        Ok(Totals {
            entries: self.account.len(),
            duplicates: self.account.count(EventKind::BundleDuplicate),
            incomplete: self.account.count(EventKind::BundleIncomplete),
            torn: self.account.count(EventKind::LogRecovered),
        })
    }
}

/// What the log of a receiver tells in the end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Totals {
    pub(super) entries: u64,
    pub(super) duplicates: u64,
    pub(super) incomplete: u64,
    /// Starts that cut off an unfinished last group.
    pub(super) torn: u64,
}

//! `epoch accept`, `epoch refuse`: which lives of the transmitter's state count.
//!
//! The first epoch with a verified bundle is accepted by itself; any other needs a person who knows why the transmitter began anew. A number far
//! above all before it needs one too, who says up to where numbers were given.

use audit::event::{Event, EventKind};
use protocol::limits::MAX_SEQUENCE_AHEAD;

use super::{Asked, Owner, OwnerError};
use crate::control::Answer;
use crate::ledger::{Acceptance, Ledger};

/// Exit code: something failed.
const FAILED: u8 = 1;
/// Exit code: wrong use.
const USAGE: u8 = 2;

impl Owner {
    /// Accepts an epoch, or its numbers up to `up_to`, and admits what waited for that.
    pub(super) fn accept_epoch(
        &mut self,
        wanted: &str,
        up_to: Option<u64>,
        asked: Asked<'_>,
    ) -> Result<Answer, OwnerError> {
        let (id, known) = match self.find_epoch(wanted) {
            Ok(found) => found,
            Err(answer) => return Ok(answer),
        };
        if let Some(answer) = up_to.and_then(|up_to| self.question(id, up_to)) {
            return Ok(answer);
        }
        let accepted = match known {
            Acceptance::Accepted(number) => Some(number),
            Acceptance::Undecided | Acceptance::Refused => None,
        };
        if let (Some(number), None) = (accepted, up_to) {
            let text = format!("epoch {number} ({id:016x}) is accepted already");
            return Ok(refused(FAILED, text));
        }
        let number = accepted.unwrap_or_else(|| self.with_ledger(Ledger::next_epoch_number));
        let event = Event {
            epoch: Some(number),
            epoch_id: Some(format!("{id:016x}")),
            seq_last: up_to,
            actor: Some(asked.actor.to_owned()),
            detail: Some(asked.reason.to_owned()),
            ..self.event(EventKind::EpochAccepted)
        };
        self.note(&event)?;
        let before = self.with_ledger(|ledger| ledger.waiting_in(id));
        self.admit_waiting()?;
        self.note_heard_before(id)?;
        let admitted = before
            .iter()
            .filter(|id| self.with_ledger(|ledger| ledger.get(id).is_some()))
            .count();
        let left = self.with_ledger(|ledger| ledger.waiting_in(id).len());
        let what = match up_to {
            Some(up_to) => format!("epoch {number} ({id:016x}) is accepted, up to seq {up_to}"),
            None => format!("epoch {number} ({id:016x}) is accepted"),
        };
        let admitted = audit::line::count(admitted as u64, "bundle");
        let left = match left {
            0 => String::new(),
            left => format!(
                "; {} of it still waiting: diode-rx epoch list",
                audit::line::count(left as u64, "bundle")
            ),
        };
        Ok(Answer {
            exit: 0,
            text: format!("{what}; {admitted} that waited admitted{left}"),
        })
    }

    /// What speaks against allowing numbers up to `up_to`: a digit too many would allow any.
    fn question(&self, epoch: u64, up_to: u64) -> Option<Answer> {
        let highest = self.with_ledger(|ledger| ledger.highest_heard(epoch));
        let highest = highest.max(self.heard.highest_sent(epoch));
        let most = highest.saturating_add(MAX_SEQUENCE_AHEAD);
        if (1..=most).contains(&up_to) {
            return None;
        }
        let why = match (up_to, highest) {
            (0, _) => "no bundle has the number 0".to_owned(),
            (_, 0) => format!("nothing was heard of epoch {epoch:016x} yet, and seq {up_to} is above {most}"),
            _ => format!("seq {up_to} is far above {highest}, the highest that was heard of in epoch {epoch:016x}"),
        };
        let mend = "give the highest number that was sent, once a bundle near it waits: diode-rx epoch list";
        Some(refused(USAGE, format!("{why}\n  mend    {mend}")))
    }

    /// Refuses an epoch, and gives up what waits in it.
    pub(super) fn refuse_epoch(&mut self, wanted: &str, asked: Asked<'_>) -> Result<Answer, OwnerError> {
        let (id, known) = match self.find_epoch(wanted) {
            Ok(found) => found,
            Err(answer) => return Ok(answer),
        };
        match known {
            Acceptance::Accepted(number) => {
                let text = format!(
                    "epoch {number} ({id:016x}) is accepted, and bundles of it may be admitted\n  \
                     mend    to take no more of a transmitter, take its key out of link.keys"
                );
                return Ok(refused(FAILED, text));
            }
            Acceptance::Refused => return Ok(refused(FAILED, format!("epoch {id:016x} is refused already"))),
            Acceptance::Undecided => {}
        }
        let event = Event {
            epoch_id: Some(format!("{id:016x}")),
            actor: Some(asked.actor.to_owned()),
            detail: Some(asked.reason.to_owned()),
            ..self.event(EventKind::EpochRefused)
        };
        self.note(&event)?;
        let count = self.give_up_epoch(id, asked.reason)?;
        let given_up = audit::line::count(count as u64, "bundle");
        Ok(Answer {
            exit: 0,
            text: format!("epoch {id:016x} is refused; {given_up} that waited given up"),
        })
    }

    /// The epoch that a person means, and whether it counts: by its number, the beginning of its id, or all of an id that was never heard.
    fn find_epoch(&self, wanted: &str) -> Result<(u64, Acceptance), Answer> {
        let wanted = wanted.trim().trim_end_matches('…').to_lowercase();
        let by_number = wanted.parse::<u32>().ok().filter(|_| wanted.len() < LEAST_DIGITS);
        let fits = |id: u64, acceptance: Acceptance| match by_number {
            Some(number) => acceptance == Acceptance::Accepted(number),
            None => wanted.len() >= LEAST_DIGITS && format!("{id:016x}").starts_with(&wanted),
        };
        let found: Vec<_> = self.with_ledger(|ledger| {
            let epochs = ledger.epochs().into_iter();
            let epochs = epochs.map(|(id, epoch)| (id, epoch.acceptance));
            epochs.filter(|(id, acceptance)| fits(*id, *acceptance)).collect()
        });
        match (found.first(), found.get(1)) {
            (Some(found), None) => Ok(*found),
            (Some(_), Some(_)) => Err(refused(
                USAGE,
                format!("more than one epoch begins with {wanted}\n  mend    give more of it: diode-rx epoch list"),
            )),
            (None, _) => match u64::from_str_radix(&wanted, 16) {
                Ok(id) if wanted.len() == DIGITS => Ok((id, Acceptance::Undecided)),
                _ => Err(refused(
                    USAGE,
                    format!(
                        "{wanted:?} names no epoch\n  mend    diode-rx epoch list; one that was never heard needs all {DIGITS} digits"
                    ),
                )),
            },
        }
    }
}

/// Hex digits of an epoch's id.
const DIGITS: usize = 16;
/// Hex digits that a person must give at least; fewer are a number.
const LEAST_DIGITS: usize = 4;

fn refused(exit: u8, text: String) -> Answer {
    Answer { exit, text }
}

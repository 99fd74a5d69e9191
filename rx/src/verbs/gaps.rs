//! `diode-rx gaps`: which numbers are missing, and what to ask the transmitter's side for. From the log, whether the receiver runs or not.

use std::path::Path;

use audit::line;
use protocol::resend::ResendCode;
use protocol::sequences::SequenceRange;
use serde_json::json;

use super::{Failure, open_home, read_log, say, say_json};
use crate::ledger::Ledger;

/// What did not come of one epoch.
struct Gaps {
    id: u64,
    number: Option<u32>,
    missing: Vec<SequenceRange>,
    open: Vec<SequenceRange>,
}

pub(crate) fn run(dir: &Path, json: bool) -> Result<(), Failure> {
    let home = open_home(dir)?;
    let (_, ledger) = read_log(&home)?;
    let gaps = gaps(&ledger);
    if json {
        let epochs: Vec<_> = gaps.iter().map(Gaps::to_json).collect();
        return say_json(&json!({ "schema": 1, "epochs": epochs }));
    }
    if gaps.is_empty() {
        return say("nothing is missing, by what the transmitter said so far");
    }
    say(&format!("{:<16}  {:<7}  SEQ", "EPOCH", "STATE"))?;
    gaps.iter().try_for_each(Gaps::print_rows)?;
    gaps.iter().try_for_each(Gaps::print_code)?;
    match gaps.iter().any(|gaps| !gaps.open.is_empty()) {
        true => say("\nopen: higher numbers came; on its way still, or lost"),
        false => Ok(()),
    }
}

/// The epochs of which something did not come.
fn gaps(ledger: &Ledger) -> Vec<Gaps> {
    let epochs = ledger.epochs().into_iter().filter(|(id, _)| ledger.misses(*id));
    let gaps = epochs.map(|(id, _)| Gaps {
        id,
        number: ledger.epoch_number(id),
        missing: ledger.missing(id),
        open: ledger.open(id),
    });
    gaps.filter(|gaps| !gaps.missing.is_empty() || !gaps.open.is_empty())
        .collect()
}

impl Gaps {
    fn epoch(&self) -> String {
        self.number
            .map_or_else(|| format!("{:016x}", self.id), |number| number.to_string())
    }

    fn code(&self) -> ResendCode {
        ResendCode::new(self.id, self.missing.iter().copied())
    }

    fn print_rows(&self) -> Result<(), Failure> {
        let epoch = self.epoch();
        let row = |state: &str, range: &SequenceRange| say(&format!("{epoch:<16}  {state:<7}  {range}"));
        self.missing.iter().try_for_each(|range| row("missing", range))?;
        self.open.iter().try_for_each(|range| row("open", range))
    }

    /// What to type on the other side.
    fn print_code(&self) -> Result<(), Failure> {
        if self.missing.is_empty() {
            return Ok(());
        }
        let code = self.code();
        say(&format!(
            "\nask the sender of epoch {}:  diode-tx resend {code}",
            self.epoch()
        ))?;
        match code.left_out() {
            0 => Ok(()),
            left_out => say(&format!(
                "and then again: {} did not fit in",
                line::count(left_out as u64, "range")
            )),
        }
    }

    fn to_json(&self) -> serde_json::Value {
        let code = self.code();
        json!({
            "epoch": self.number,
            "epoch_id": format!("{:016x}", self.id),
            "missing": self.missing,
            "open": self.open,
            "code": (!self.missing.is_empty()).then(|| code.to_string()),
            "left_out": code.left_out(),
        })
    }
}

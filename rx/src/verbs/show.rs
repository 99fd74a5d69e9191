//! `diode-rx show`: one bundle, what is proved apart from what is claimed.

mod removed;

use std::path::Path;
use std::sync::Arc;

use audit::event::{Event, State};
use audit::{escape, line};
use protocol::bundle::{Signer, Statement};
use protocol::digest::BundleId;
use scanner::policy::Decision;
use scanner::quarantine::Quarantine;
use scanner::report::Report;
use scanner::sarif::Sarif;
use scanner::show::Look;
use scanner::taint::lower::Nowhere;
use serde_json::json;

use super::{FAILED, Failure, REFUSED, USAGE, find, local, open_home, read_log, say, say_json};
use crate::authority::Authority;
use crate::cli::ShowArgs;
use crate::clock::wall;
use crate::config::Config;
use crate::engines::Maker;
use crate::home::{self, Home};
use crate::ledger::Record;

/// Findings printed in full; `--json` has them all.
const FINDINGS_SHOWN: usize = 20;

/// What is known of a bundle.
struct Known<'a> {
    id: BundleId,
    record: &'a Record,
    /// Bundles that came under its number, and are kept as evidence.
    rivals: Vec<BundleId>,
    /// The entry about a copy of it that came under another bundle's number, and is kept as evidence besides.
    copy: Option<&'a Event>,
    statement: Statement,
    /// Author and trust line as of now, or why the signatures do not count any more.
    signer: Result<String, String>,
    /// Whose signatures count besides, as of now.
    further: Vec<Signer>,
    report: Option<Report>,
    decision: Option<Decision>,
}

pub(crate) fn run(dir: &Path, args: &ShowArgs) -> Result<(), Failure> {
    let home = open_home(dir)?;
    let config = Config::load(&home)?;
    let (_, ledger) = read_log(&home)?;
    let (id, record) = find(&ledger, &args.id)?;
    if let Some(removal) = &record.removed {
        if args.sarif {
            let text = format!(
                "bundle {id} was removed, and the report of its scan with it\n  mend    diode-rx show {} tells what the log has",
                id.short()
            );
            return Err(Failure::new(FAILED, text));
        }
        return removed::say_removed(id, record, removal, args.json);
    }
    let rivals = ledger.evidence_under(record.number).filter(|rival| *rival != id);
    let copy = ledger.evidence(&id).filter(|_| record.state != State::Evidence);
    let known = Known {
        copy: copy.map(|copy| &copy.admitted.1),
        ..look_up(&home, &config, id, record, rivals.collect())?
    };
    match args {
        ShowArgs { sarif: true, .. } => known.say_sarif(&home),
        ShowArgs { json: true, .. } => say_json(&known.to_json()),
        _ => say(&known.to_text()),
    }
}

fn look_up<'a>(
    home: &Home,
    config: &Config,
    id: BundleId,
    record: &'a Record,
    rivals: Vec<BundleId>,
) -> Result<Known<'a>, Failure> {
    let failed = |error: scanner::quarantine::QuarantineError| {
        let exit = if error.is_integrity() { REFUSED } else { FAILED };
        Failure::new(exit, format!("{}\n  mend    {}", error.told(), error.mend()))
    };
    let authority = Authority::new(config);
    let quarantine = Quarantine::open(home.sub(home::QUARANTINE)?).map_err(failed)?;
    let stored = quarantine.open_any(id).map_err(failed)?.ok_or_else(|| {
        Failure::new(
            FAILED,
            format!(
                "bundle {id} is in the log, and its file is nowhere in quarantine\n  mend    restore it from a backup"
            ),
        )
    })?;
    let statement = stored.unverified().map_err(failed)?.statement;
    let trust = authority
        .trust()
        .map_err(|error| Failure::new(USAGE, error.to_string()))?;
    let verified = stored.verify(&trust, authority.receiver(), wall());
    let signers = verified.as_ref().map(|head| head.signers().skip(1).cloned());
    let further = signers.map_or_else(|_| Vec::new(), Iterator::collect);
    let signer = verified
        .map(|head| {
            let author = head.author();
            format!(
                "{}, key {}, {} line {}",
                author.principal,
                author.fingerprint,
                trust.file(),
                author.trust_line
            )
        })
        .map_err(|error| error.to_string());
    let report = quarantine.load_report(&id).map_err(failed)?;
    let policy = authority
        .policy()
        .map_err(|error| Failure::new(USAGE, error.to_string()))?;
    let decision = report.as_ref().map(|report| policy.judge(report));
    Ok(Known {
        id,
        record,
        rivals,
        copy: None,
        statement,
        signer,
        further,
        report,
        decision,
    })
}

impl Known<'_> {
    fn to_text(&self) -> String {
        let Self {
            id, record, statement, ..
        } = self;
        let since = local(record.latest.1.time);
        let mut text = format!(
            "bundle     {id} (seq {}, {})\nstate      {} since {since}\n",
            record.number.sequence,
            epoch_of(record),
            record.state,
        );
        if let (State::Waiting | State::Evidence, Some(why)) = (record.state, &record.latest.1.detail) {
            text += &format!("because    {}\n", escape::terminal(why));
        }
        for rival in &self.rivals {
            text += &format!("ALARM      bundle {rival} came under the same number, and is kept as evidence\n");
        }
        if let Some(seq) = self.copy.and_then(|copy| copy.seq) {
            text += &format!(
                "ALARM      it came as seq {seq} too, which is another bundle's: that copy is kept as evidence\n"
            );
        }
        text += &match &self.signer {
            Ok(signer) => format!("identified {}\n", escape::terminal(signer)),
            Err(why) => format!(
                "identified when it came as {}; NOT as of now: {}\n",
                escape::terminal(record.admitted.1.signer.as_deref().unwrap_or("-")),
                escape::terminal(why)
            ),
        };
        for Signer {
            principal, fingerprint, ..
        } in &self.further
        {
            text += &format!("           and by {}, key {fingerprint}\n", escape::terminal(principal));
        }
        text += &format!("claims     {}\n", escape::terminal(&claims(statement)));
        text += &format!("verified   {}\n", self.verified());
        text += &format!("scanned    {}\n", self.scanned());
        if let Some(rescanned) = &record.rescanned {
            let detail = escape::terminal(rescanned.detail.as_deref().unwrap_or_default());
            text += &format!("rescanned  {}: {detail}\n", local(rescanned.time));
        }
        text += &audited(record);
        if let Some(report) = &self.report {
            text += &scanner::show::findings(report, FINDINGS_SHOWN, Look::detect());
        }
        text + &self.next()
    }

    /// The report as SARIF, with today's rules to explain what it found.
    fn say_sarif(&self, home: &Home) -> Result<(), Failure> {
        let (Some(report), Some(decision)) = (&self.report, &self.decision) else {
            let text = format!(
                "bundle {} is not scanned yet\n  mend    try again when `diode-rx show` has a verdict",
                self.id
            );
            return Err(Failure::new(FAILED, text));
        };
        // Nothing is scanned or parsed here.
        let scanner = Maker::new(home, Arc::new(Nowhere))?.look()?;
        let mut sarif = Sarif::new();
        sarif.add(&scanner, &self.id.to_string(), report, decision);
        let mut line = Vec::new();
        let written = sarif.write(&mut line);
        written.map_err(|error| Failure::new(FAILED, format!("the report has no form as SARIF: {error}")))?;
        say(&String::from_utf8_lossy(&line))
    }

    fn verified(&self) -> String {
        let event = &self.record.admitted.1;
        let repaired = match event.loss_ppm.unwrap_or(0) {
            0 => "nothing lost".to_owned(),
            ppm => format!("loss {:.1} % repaired", f64::from(ppm) / 10_000.0),
        };
        let (blocks, leaves) = (event.blocks.unwrap_or(0), self.statement.leaf_count());
        format!(
            "announce, {blocks} of {blocks} blocks ({repaired}), {leaves} of {leaves} leaves, {}",
            line::count(self.statement.files.len() as u64, "file"),
        )
    }

    fn scanned(&self) -> String {
        let (Some(report), Some(decision)) = (&self.report, &self.decision) else {
            return "not yet".to_owned();
        };
        let reasons: Vec<_> = decision.reasons().iter().map(|reason| reason.text.terminal()).collect();
        format!(
            "{}: {}\n           {} of {} files covered; {}\n           {}",
            decision.verdict(),
            reasons.join("; "),
            report.coverage.covered,
            report.coverage.files,
            line::findings(&report.counts),
            scanner::show::judged_by(report, decision),
        )
    }

    fn next(&self) -> String {
        let Some(decision) = &self.decision else {
            return String::new();
        };
        if self.record.state != State::Held {
            return String::new();
        }
        let code = decision.review_code(&self.id);
        format!("\nnext: diode-rx release {code} --reason \"…\"   or   diode-rx reject {code} --reason \"…\"")
    }

    fn to_json(&self) -> serde_json::Value {
        let held = self.record.state == State::Held;
        let code = self
            .decision
            .as_ref()
            .filter(|_| held)
            .map(|decision| decision.review_code(&self.id));
        json!({
            "schema": 1,
            "bundle": self.id,
            "seq": self.record.number.sequence,
            "epoch": self.record.epoch,
            "epoch_id": self.record.admitted.1.epoch_id,
            "rivals": self.rivals,
            "evidence": self.copy.map(|copy| json!({ "seq": copy.seq, "epoch_id": copy.epoch_id })),
            "state": self.record.state,
            "since": self.record.latest.1.time,
            "identified": { "now": self.signer.is_ok(), "signer": self.record.admitted.1.signer, "key": self.record.admitted.1.key,
                            "detail": self.signer.as_ref().map_or_else(Clone::clone, Clone::clone) },
            "further": self.further.iter().map(|signer| json!({ "signer": signer.principal, "key": signer.fingerprint.to_string() })).collect::<Vec<_>>(),
            "claims": {
                "author": self.statement.author, "created": self.statement.created, "not_after": self.statement.not_after,
                "audience": self.statement.audience, "target": self.statement.target, "description": self.statement.description,
                "origin": self.statement.origin, "files": self.statement.files.len(), "bytes": self.statement.content_len,
            },
            "decision": self.decision,
            "code": code,
            "report": self.report,
            "rescanned": self.record.rescanned,
            "log_entries": self.record.history.iter().map(|(index, _)| index).collect::<Vec<_>>(),
        })
    }
}

/// The entries about a bundle.
fn audited(record: &Record) -> String {
    let history = record.history.iter();
    let history: Vec<_> = history
        .map(|(index, kind)| format!("{} {index}", kind.as_str().trim_start_matches("bundle.")))
        .collect();
    format!("audited    log entries: {}\n", history.join(", "))
}

/// The epoch's number for people, or its id if it has none.
fn epoch_of(record: &Record) -> String {
    match record.epoch {
        Some(number) => format!("epoch {number}"),
        None => format!("epoch {:016x}, not accepted", record.number.epoch),
    }
}

/// What the author says, which only the signature stands for.
fn claims(statement: &Statement) -> String {
    let origin = &statement.origin;
    let mut claims = vec![
        format!("created {}", local(statement.created)),
        format!("valid until {}", local(statement.not_after)),
    ];
    let mut add = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            claims.push(format!("{name} {value}"));
        }
    };
    add("tool", origin.tool.clone());
    add("model", origin.model.clone());
    add("ai-generated", Some(origin.ai_generated.name().to_owned()));
    add("commit", origin.commit.clone());
    add(
        "work tree",
        origin
            .dirty
            .map(|dirty| if dirty { "dirty" } else { "clean" }.to_owned()),
    );
    add("target", statement.target.clone());
    add("audience", Some(statement.audience.join(" ")));
    add("description", statement.description.clone());
    claims.join(", ")
}

//! The four scenes, and what each must come to.

use std::fs;

use anyhow::Context as _;
use audit::event::State;
use protocol::wire::{LinkNumber, SessionId};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::admission::Admission;
use super::planted::{self, Flaw};
use super::sources::Source;
use super::stage::Stage;
use super::story::Story;
use crate::clock::now;
use crate::compare::Comparison;
use crate::compromised::{Tampered, Tampering};
use crate::drive::Packed;

/// Plays all scenes; `own` says that the sources are the project's own, which policy must let through.
pub(super) fn play_all(
    stage: &mut Stage,
    sources: &[Source],
    own: bool,
    story: &mut Story,
) -> anyhow::Result<Vec<Admission>> {
    let mut admissions = trusted(stage, sources, own, story)?;
    admissions.push(flawed(stage, story)?);
    admissions.push(untrusted(stage, story)?);
    admissions.extend(compromised(stage, story)?);
    Ok(admissions)
}

fn trusted(stage: &mut Stage, sources: &[Source], own: bool, story: &mut Story) -> anyhow::Result<Vec<Admission>> {
    let what = if own { "The project's own sources" } else { "A folder" };
    story.heading("a", &format!("{what}, signed by {}", stage.author.name()));
    let mut packed = Vec::new();
    for source in sources {
        // What nobody has committed yet is part of the project too.
        let label = format!("a {}", source.name);
        let bundle = stage.pack(&stage.author, &label, &source.folder, own, &source.exclude)?;
        story.packed(&source.name, &bundle);
        packed.push(bundle);
    }
    let sent = stage.send(&packed.iter().collect::<Vec<_>>())?;
    let mut admissions = Vec::new();
    for ((source, bundle), sent) in sources.iter().zip(&packed).zip(&sent) {
        story.sent(sent);
        let author = stage.author.name().to_owned();
        let admission = stage.follow(&format!("a {}", source.name), &author, bundle, sent.seq)?;
        story.entries(&admission.entries);
        compare(stage, source, &admission, own, story);
        admissions.push(admission);
    }
    Ok(admissions)
}

/// What was released must be what was packed, byte for byte.
fn compare(stage: &Stage, source: &Source, admission: &Admission, own: bool, story: &mut Story) {
    let name = &source.name;
    let files = admission.packed.files;
    match admission.state() {
        Some(State::Released) => match Comparison::of(&source.folder, &stage.receiver.released(admission.packed.bundle)) {
            Err(error) => story.check(false, format!("{name} can't be compared with what was released: {error}")),
            Ok(found) if found.is_copy_of(files) => {
                story.check(true, format!("{name} was released byte for byte: {files} files, {} bytes", found.bytes));
            }
            Ok(found) => story.check(false, format!(
                "{name} was released otherwise than it was packed: {} of {files} files are the same, {} differ, {} are new",
                found.same,
                found.different.len(),
                found.only_second.len(),
            )),
        },
        Some(state) if !own => story.check(true, format!("{name} is {state}: policy wants a person's word, or none will do")),
        _ => story.check(false, format!("{name} should have been released, and is {}", admission.ending())),
    }
}

fn flawed(stage: &mut Stage, story: &mut Story) -> anyhow::Result<Admission> {
    story.heading(
        "b",
        "A program with a credential, and a line that reads otherwise than it looks",
    );
    let folder = stage.desk("flawed");
    planted::write_flawed(&folder, &mut ChaCha8Rng::seed_from_u64(stage.seed))
        .context("the program can't be written")?;
    let bundle = stage.pack(&stage.author, "b flawed", &folder, true, &[])?;
    story.packed("flawed", &bundle);
    let admission = send_one(stage, "b flawed", true, &bundle, story)?;
    let kept = matches!(admission.state(), Some(State::Held | State::Rejected));
    if !kept {
        story.check(
            false,
            format!("it should have been held or rejected, and is {}", admission.ending()),
        );
        return Ok(admission);
    }
    let findings = stage
        .receiver
        .show(bundle.bundle)?
        .report
        .map(|report| report.findings)
        .unwrap_or_default();
    story.findings(&findings);
    let names = |flaw: Flaw| {
        findings
            .iter()
            .any(|finding| finding.path == flaw.path && finding.line == Some(flaw.line))
    };
    story.check(
        names(planted::CREDENTIAL) && names(planted::REORDERED),
        format!(
            "it stays in quarantine, and findings name {}:{} and {}:{}",
            planted::CREDENTIAL.path,
            planted::CREDENTIAL.line,
            planted::REORDERED.path,
            planted::REORDERED.line
        ),
    );
    Ok(admission)
}

fn untrusted(stage: &mut Stage, story: &mut Story) -> anyhow::Result<Admission> {
    story.heading("c", &format!("Signed by {}, whom nobody trusts", stage.stranger.name()));
    let folder = stage.desk("orders-of-a-stranger");
    planted::write_harmless(&folder, "Orders").context("the orders can't be written")?;
    let bundle = stage.pack(&stage.stranger, "c stranger", &folder, true, &[])?;
    story.packed("orders", &bundle);
    let admission = send_one(stage, "c stranger", false, &bundle, story)?;
    refused(stage, &admission, "untrusted-signer", story);
    Ok(admission)
}

fn compromised(stage: &mut Stage, story: &mut Story) -> anyhow::Result<Vec<Admission>> {
    story.heading(
        "d",
        &format!(
            "Signed by {}, and changed by a tx host in the wrong hands",
            stage.author.name()
        ),
    );
    let folder = stage.desk("orders");
    planted::write_harmless(&folder, "Orders").context("the orders can't be written")?;
    let bundle = stage.pack(&stage.author, "d orders", &folder, true, &[])?;
    story.packed("orders", &bundle);
    let edited = tampered(
        stage,
        "d edited",
        Tampering::ContentOnly,
        &bundle,
        "leaf-mismatch",
        story,
    )?;
    let rebuilt = tampered(
        stage,
        "d rebuilt",
        Tampering::HeadRebuilt,
        &bundle,
        "content-root",
        story,
    )?;
    Ok(vec![edited, rebuilt])
}

fn tampered(
    stage: &mut Stage,
    label: &str,
    tampering: Tampering,
    bundle: &Packed,
    code: &str,
    story: &mut Story,
) -> anyhow::Result<Admission> {
    let bytes = fs::read(&bundle.file).with_context(|| format!("{} can't be read", bundle.file.display()))?;
    let key = audit::keyfile::load(stage.transmitter.key())?;
    let session = getrandom::u64().context("the system gives no randomness")?.max(1);
    let number = LinkNumber {
        sequence: stage.last_number.sequence + 1,
        ..stage.last_number
    };
    stage.last_number = number;
    let what = match tampering {
        Tampering::ContentOnly => "one bit of its content flipped, announced as it was signed",
        Tampering::HeadRebuilt => "the same, with leaves, index, head digest and announce made to fit",
    };
    let changed = Tampered::new(&bytes, tampering)?;
    changed.send(&key, number, SessionId(session), now(), stage.link_entry(), stage.rate)?;
    story.forged(bundle.bundle, number.sequence, what);
    let author = stage.author.name().to_owned();
    let admission = stage.follow(label, &author, bundle, number.sequence)?;
    story.entries(&admission.entries);
    refused(stage, &admission, code, story);
    Ok(admission)
}

fn send_one(
    stage: &mut Stage,
    label: &str,
    trusted: bool,
    bundle: &Packed,
    story: &Story,
) -> anyhow::Result<Admission> {
    let sent = stage.send(&[bundle])?;
    let sent = sent.first().context("diode-tx told of no bundle")?;
    story.sent(sent);
    let author = if trusted {
        stage.author.name()
    } else {
        stage.stranger.name()
    }
    .to_owned();
    let admission = stage.follow(label, &author, bundle, sent.seq)?;
    story.entries(&admission.entries);
    Ok(admission)
}

/// It must have been refused by this check, and nothing of it be in quarantine.
fn refused(stage: &Stage, admission: &Admission, code: &str, story: &mut Story) {
    let left = stage.receiver.stored(admission.packed.bundle);
    let (held, claim) = match (admission.refusal(), left.as_slice()) {
        (Some(found), []) if found == code => (
            true,
            format!("refused by the check {code}, and nothing of it was admitted"),
        ),
        (Some(found), [left, ..]) if found == code => (false, format!("refused, and yet there is {}", left.display())),
        _ => (
            false,
            format!("it should have been refused with {code}, and is {}", admission.ending()),
        ),
    };
    story.check(held, claim);
}

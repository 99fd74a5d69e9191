//! What the demo tells, line by line, and whether all of it held.
//!
//! The story goes to standard output; `diode-tx` shows its own progress on standard error meanwhile.

use std::path::Path;
use std::time::Duration;

use audit::escape::terminal;
use audit::event::{Event, EventKind};
use audit::line;
use protocol::digest::BundleId;
use scanner::finding::Finding;

use super::stage::{Stage, rough_link};
use crate::drive::{Entry, Packed, Sent};
use crate::terminal::{Screen, Tone, WIDTH, say, wrap};

/// The teller.
#[derive(Debug)]
pub(super) struct Story {
    screen: Screen,
    failed: Vec<String>,
    held: usize,
}

/// Columns of the word that a line begins with, and of the blanks around it.
const WORD: usize = 11;
/// Columns of a bundle's id, and of the blanks behind it.
const ID: usize = 10;
const INDENT: &str = "   ";

impl Story {
    pub(super) fn new(screen: Screen) -> Self {
        Self {
            screen,
            failed: Vec::new(),
            held: 0,
        }
    }

    pub(super) fn screen(&self) -> Screen {
        self.screen
    }

    pub(super) fn all_held(&self) -> bool {
        self.failed.is_empty() && self.held > 0
    }

    pub(super) fn opening(&self, folder: &Path) {
        say(&self.screen.paint(
            Tone::Title,
            "A directory goes in, an admitted, scanned, audited bundle comes out",
        ));
        say("");
        self.fact("folder", &folder.display().to_string());
    }

    pub(super) fn setting(&self, stage: &Stage) {
        self.fact("tx host", &format!("link key {}", stage.transmitter.fingerprint()));
        self.fact(
            "rx host",
            &format!("{}, trusts {}", stage.receiver.name(), stage.author.name()),
        );
        self.fact(
            "link",
            &format!(
                "udp {} ▶ {}, one way, {}",
                stage.link_entry(),
                stage.link_exit(),
                stage.rate
            ),
        );
        self.fact("", &format!("seed {}", stage.seed));
        self.fact("", &rough_link().to_string());
    }

    /// The beginning of a scene.
    pub(super) fn heading(&self, letter: &str, text: &str) {
        say("");
        let letter = if letter.is_empty() {
            String::new()
        } else {
            format!("{letter}  ")
        };
        say(&self.screen.paint(Tone::Title, &format!("{letter}{text}")));
    }

    /// A line of its own, wrapped behind its word.
    pub(super) fn fact(&self, word: &str, text: &str) {
        self.toned(word, Tone::Faint, text);
    }

    fn toned(&self, word: &str, tone: Tone, text: &str) {
        let mut first = self.screen.pad(tone, word, WORD);
        for line in wrap(text, WIDTH - INDENT.len() - WORD) {
            say(&format!("{INDENT}{first}{line}"));
            first = " ".repeat(WORD);
        }
    }

    /// A line about a bundle, wrapped behind its id.
    fn of_bundle(&self, word: &str, tone: Tone, bundle: BundleId, text: &str) {
        let mut first = self.screen.pad(tone, word, WORD) + &bundle.short() + "  ";
        for line in wrap(text, WIDTH - INDENT.len() - WORD - ID) {
            say(&format!("{INDENT}{first}{line}"));
            first = " ".repeat(WORD + ID);
        }
    }

    pub(super) fn packed(&self, name: &str, packed: &Packed) {
        let text = format!(
            "{}  {}, {}",
            terminal(name),
            line::count(packed.files, "file"),
            line::size(packed.bytes)
        );
        self.of_bundle("packed", Tone::Faint, packed.bundle, &text);
    }

    pub(super) fn sent(&self, sent: &Sent) {
        let (seq, datagrams, took) = (sent.seq, sent.datagrams, line::duration(sent.duration_ms));
        let text = format!(
            "seq {seq}, {datagrams} datagrams in {took}, {:.0} % of them repair",
            sent.repair_ppm as f64 / 1e4
        );
        self.of_bundle("sent", Tone::Faint, sent.bundle, &text);
    }

    pub(super) fn forged(&self, bundle: BundleId, seq: u64, what: &str) {
        self.of_bundle("forged", Tone::Bad, bundle, &format!("seq {seq}, {what}"));
    }

    /// What the receiver's log says of a bundle.
    pub(super) fn entries(&self, entries: &[Entry]) {
        for entry in entries {
            if let (Some((word, tone, text)), Some(bundle)) = (told(&entry.event), entry.event.bundle) {
                self.of_bundle(word, tone, bundle, &text);
            }
        }
    }

    /// What the scan found, worst first; the same in the same line once.
    pub(super) fn findings(&self, findings: &[Finding]) {
        let mut lines: Vec<(String, usize)> = Vec::new();
        for finding in findings {
            let place = match finding.line {
                Some(line) => format!("{}:{line}", finding.path.terminal()),
                None => finding.path.terminal(),
            };
            let line = format!("{place}  {}  {}", finding.rule, finding.severity.name());
            match lines.iter_mut().find(|(known, _)| *known == line) {
                Some((_, times)) => *times += 1,
                None => lines.push((line, 1)),
            }
        }
        for (line, times) in lines {
            let times = if times > 1 {
                format!(", {times} times")
            } else {
                String::new()
            };
            self.toned("found", Tone::Attention, &(line + &times));
        }
    }

    /// Something that has to hold.
    pub(super) fn check(&mut self, held: bool, claim: String) {
        let (tone, mark) = if held { (Tone::Good, "✓") } else { (Tone::Bad, "✗") };
        let mut first = self.screen.paint(tone, mark);
        for line in wrap(&claim, WIDTH - INDENT.len() - 2) {
            say(&format!("{INDENT}{first} {line}"));
            " ".clone_into(&mut first);
        }
        if held {
            self.held += 1;
        } else {
            self.failed.push(claim);
        }
    }

    /// Whether all held, and where everything is.
    pub(super) fn ending(&self, folder: &Path, elapsed: Duration) {
        say("");
        let seconds = elapsed.as_secs_f64();
        if self.all_held() {
            say(&format!(
                "{} in {seconds:.1} s. It stays in {}",
                self.screen.paint(Tone::Good, "All of it held,"),
                folder.display()
            ));
        } else {
            say(&format!(
                "{} It stays in {}",
                self.screen.paint(Tone::Bad, "Not all of it held."),
                folder.display()
            ));
            for claim in &self.failed {
                say(&format!("{INDENT}{} {claim}", self.screen.paint(Tone::Bad, "✗")));
            }
        }
        for (path, what) in [
            ("desk", "keys and signed bundles of the authors"),
            ("tx", "link key, numbers and audit log of the tx host"),
            ("rx/quarantine/released", "what was released, unpacked"),
            ("rx/quarantine", "what is held and rejected, and the reports"),
            ("rx/log", "the receiver's audit log"),
            ("rx-serve.log", "what the receiver said while it ran"),
        ] {
            if folder.join(path).exists() {
                say(&format!("{INDENT}{path:24}{what}"));
            }
        }
        say("look at it with");
        say(&format!(
            "{INDENT}cargo run --release --bin diode-rx -- --home {}/rx list",
            folder.display()
        ));
    }
}

/// The word, its tone and the rest of a line about an event; nothing for what another line says.
fn told(event: &Event) -> Option<(&'static str, Tone, String)> {
    let detail = || terminal(event.detail.as_deref().unwrap_or_default());
    let told = match event.event {
        EventKind::BundleAdmitted => {
            let loss = f64::from(event.loss_ppm.unwrap_or(0)) / 10_000.0;
            let (blocks, signer) = (event.blocks.unwrap_or(0), event.signer.as_deref().unwrap_or_default());
            let took = line::duration(event.duration_ms.unwrap_or(0));
            let text = format!(
                "from {}, {} in {took}, loss {loss:.1} % repaired",
                terminal(signer),
                line::count(blocks, "block")
            );
            ("ADMITTED", Tone::Good, text)
        }
        EventKind::BundleScanned => {
            let findings = event.findings.map(|counts| line::findings(&counts)).unwrap_or_default();
            ("SCANNED", Tone::Plain, format!("{}, {findings}", detail()))
        }
        EventKind::BundleReleased => {
            let path = event
                .path
                .as_deref()
                .and_then(|path| path.rsplit_once("/rx/"))
                .map(|(_, path)| path);
            let short = path
                .and_then(|path| path.get(..path.len().saturating_sub(56)))
                .map(|path| format!("to rx/{path}…"));
            ("RELEASED", Tone::Good, short.unwrap_or_default())
        }
        EventKind::BundleHeld => ("HELD", Tone::Attention, detail()),
        EventKind::BundleRejected => ("REJECTED", Tone::Bad, detail()),
        EventKind::BundleRefused => {
            // The sentence; what to do about it comes behind it in the log.
            let sentence = detail();
            let sentence = sentence.split("; ").next().unwrap_or_default();
            let code = event.reason.as_deref().unwrap_or("?");
            (
                "REFUSED",
                Tone::Bad,
                format!("{code}: {}", with_short_digests(sentence)),
            )
        }
        EventKind::BundleIncomplete => ("INCOMPLETE", Tone::Bad, detail()),
        EventKind::BundleDuplicate => ("DUPLICATE", Tone::Bad, detail()),
        EventKind::BundleReleaseCancelled => ("CANCELLED", Tone::Bad, detail()),
        _ => return None,
    };
    Some(told)
}

/// `text` with digests cut to what tells them apart.
fn with_short_digests(text: &str) -> String {
    let is_digest = |word: &str| word.len() == 64 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    let short = |word: &str| match word.trim_end_matches([',', '.']) {
        digest if is_digest(digest) => word.replacen(digest, &format!("{}…", digest.get(..8).unwrap_or(digest)), 1),
        _ => word.to_owned(),
    };
    text.split(' ').map(short).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_cut_and_other_words_are_not() {
        let text = format!("root {}, but {}", "ab".repeat(32), "x".repeat(64));
        assert_eq!(
            with_short_digests(&text),
            format!("root abababab…, but {}", "x".repeat(64))
        );
    }
}

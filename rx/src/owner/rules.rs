//! Changes of the rules: on record before they count, in force from the next scan on.
//!
//! ```text
//! Prepared ─▶ config.changed (old digest, new digest, all rules) ─▶ HOME/rules ─▶ Engines::replace
//! ```

use std::sync::Arc;

use audit::event::{Event, EventKind, State};
use audit::line;
use protocol::digest::Digest;
use protocol::time::UnixMillis;
use scanner::additions::RuleFile;
use scanner::scan::Scanner;

use super::{Owner, OwnerError};
use crate::control::Answer;
use crate::engines::Prepared;
use crate::ledger::Ledger;
use crate::rules;

/// What a change of the file `name` comes to, once `scanner` is in force.
fn change(name: &str, scanner: &Scanner) -> String {
    match scanner.additions().iter().find(|info| info.name == name) {
        Some(info) => {
            let count = line::count(info.count, info.kind.noun());
            format!("installed {name}: {}, {count}", info.kind)
        }
        None => format!("removed {name}"),
    }
}

impl Owner {
    /// Takes a change of the rules that was prepared, and records it.
    ///
    /// # Errors
    /// If the log can't be written.
    pub fn change_rules(&mut self, prepared: Prepared, actor: &str) -> Result<Answer, OwnerError> {
        let Prepared {
            name,
            file,
            before,
            scanner,
            ..
        } = prepared;
        let digest = file.as_ref().map(RuleFile::digest);
        if digest.is_some() && digest == before && self.scanner().rules_digest() == scanner.rules_digest() {
            let text = format!("{name} is installed already: {}", told(digest));
            return Ok(Answer { exit: 0, text });
        }
        let path = self.rules_path(&name);
        let what = change(&name, &scanner);
        let reason = match file {
            Some(_) => "rules-installed",
            None => "rules-removed",
        };
        let event = Event {
            actor: Some(actor.to_owned()),
            path: Some(path.clone()),
            reason: Some(reason.to_owned()),
            detail: Some(what.clone()),
            rules: Some(scanner.rules_digest()),
            digest,
            digest_before: before,
            ..self.event(EventKind::ConfigChanged)
        };
        // A crash in between is found at the next start, where digests are compared.
        self.note(&event)?;
        let done = match &file {
            Some(file) => rules::put(&self.home, file),
            None => rules::remove(&self.home, &name),
        };
        if let Err(error) = done {
            self.note_rules()?;
            let text = format!("{path}: {error}\n  the rules that were in force stay in force");
            return Ok(Answer { exit: 1, text });
        }
        let were = self.scanner().rules_digest();
        self.engines.replace(Arc::clone(&scanner));
        tracing::info!(rules = %scanner.rules_digest(), path, actor, "rules changed");
        let text = format!(
            "{what}{}\n  file    {}\n  was     {}\n  rules   sha256:{}\n  were    sha256:{were}{}",
            self.stale(file.as_ref()),
            told(digest),
            told(before),
            scanner.rules_digest(),
            self.behind(scanner.rules_digest())
        );
        Ok(Answer { exit: 0, text })
    }

    /// [`change_rules`](Self::change_rules), where a disk so full that the log took nothing of it is told the person.
    ///
    /// # Errors
    /// As [`change_rules`](Self::change_rules).
    pub fn change_rules_if_there_is_room(&mut self, prepared: Prepared, actor: &str) -> Result<Answer, OwnerError> {
        self.told_if_full(|owner| owner.change_rules(prepared, actor))
    }

    /// That advisories are out of date already.
    fn stale(&mut self, file: Option<&RuleFile>) -> String {
        let head = file.and_then(RuleFile::advisories);
        let expires = head.and_then(|head| UnixMillis::from_rfc3339(&head.expires).ok());
        match expires.filter(|expires| self.now() > *expires) {
            Some(expires) => format!(
                "\n  note    out of date since {}: whatever names packages needs a person until newer ones are installed",
                expires.to_rfc3339()
            ),
            None => String::new(),
        }
    }

    /// What was scanned with other rules, and what to do about it.
    fn behind(&self, rules: Digest) -> String {
        let behind = self.with_ledger(|ledger| {
            let held = ledger
                .bundles()
                .into_iter()
                .filter(|(_, record)| record.state == State::Held);
            held.filter(|(_, record)| record.rules.is_some_and(|by| by != rules))
                .count()
        });
        match behind {
            0 => String::new(),
            count => format!(
                "\n  next    {} scanned with other rules: diode-rx rescan --held",
                match count {
                    1 => "1 held bundle was".to_owned(),
                    count => format!("{count} held bundles were"),
                }
            ),
        }
    }

    /// Records what of the rules in force is not on record: files that were changed by hand, another program.
    pub(super) fn note_rules(&mut self) -> Result<(), OwnerError> {
        let scanner = self.scanner();
        let rules = scanner.rules_digest();
        let found: Vec<_> = scanner
            .additions()
            .iter()
            .map(|info| (self.rules_path(&info.name), info.sha256))
            .collect();
        let folder = rules::folder(&self.home);
        let gone = self.with_ledger(|ledger| ledger.settings_below(&folder));
        let gone = gone
            .into_iter()
            .filter(|path| found.iter().all(|(known, _)| known != path));
        let changes: Vec<_> = gone
            .map(|path| (path, None))
            .chain(found.iter().map(|(path, digest)| (path.clone(), Some(*digest))))
            .collect();
        for (path, digest) in changes {
            let known = self.with_ledger(|ledger| ledger.setting(&path));
            if digest != known {
                let event = Event {
                    path: Some(path),
                    reason: Some("rules-found".to_owned()),
                    rules: Some(rules),
                    digest,
                    digest_before: known,
                    ..self.event(EventKind::ConfigChanged)
                };
                self.note(&event)?;
            }
        }
        if self.with_ledger(Ledger::rules) != Some(rules) {
            let event = Event {
                rules: Some(rules),
                detail: Some(format!("rules sha256:{rules}")),
                ..self.event(EventKind::ConfigChanged)
            };
            self.note(&event)?;
        }
        Ok(())
    }

    fn rules_path(&self, name: &str) -> String {
        format!("{}{name}", rules::folder(&self.home))
    }
}

fn told(digest: Option<Digest>) -> String {
    digest.map_or_else(|| "-".to_owned(), |digest| format!("sha256:{digest}"))
}

#[cfg(test)]
mod tests {
    use scanner::dependencies::AsOf;
    use scanner::engine::FingerprintKey;
    use scanner::scan::Scanner;
    use scanner::structure::Structure;

    use super::super::testing::{Receiver, events};
    use super::*;

    fn pack(text: &str) -> RuleFile {
        RuleFile::new("acme.yar", "acme.yar", text.as_bytes().to_vec()).unwrap()
    }

    /// A change to rules that are others than those of all tests.
    fn prepared(file: &RuleFile) -> Prepared {
        let engines = vec![Box::new(Structure) as Box<dyn scanner::engine::Engine>];
        Prepared {
            name: file.name().to_owned(),
            file: Some(file.clone()),
            before: None,
            scanner: Arc::new(Scanner::with_engines(engines, FingerprintKey::new([7; 32]))),
            as_of: AsOf::default(),
        }
    }

    #[test]
    fn a_change_is_on_record_with_its_digests_and_in_force() {
        let receiver = Receiver::new();
        let mut owner = receiver.open().unwrap();
        let were = owner.scanner().rules_digest();
        let file = pack("rule A { condition: true }");
        let answer = owner.change_rules(prepared(&file), "uid 7").unwrap();
        assert_eq!(answer.exit, 0, "{}", answer.text);
        let now = owner.scanner().rules_digest();
        assert!(now != were && answer.text.contains(&now.to_string()) && answer.text.contains(&were.to_string()));
        let event = events(&owner).pop().unwrap();
        assert_eq!(
            (event.digest, event.digest_before, event.rules, event.actor.as_deref()),
            (Some(file.digest()), None, Some(now), Some("uid 7"))
        );
    }

    #[test]
    fn a_file_that_cannot_be_written_leaves_the_old_rules_in_force_and_the_log_says_so() {
        let receiver = Receiver::new();
        let mut owner = receiver.open().unwrap();
        receiver.write(crate::home::RULES, "in the way of a folder");
        let were = owner.scanner().rules_digest();
        let file = pack("rule A { condition: true }");
        let answer = owner.change_rules(prepared(&file), "uid 7").unwrap();
        assert_eq!(answer.exit, 1, "{}", answer.text);
        assert_eq!(owner.scanner().rules_digest(), were);
        let told = |event: &Event| (event.reason.clone(), event.digest, event.rules);
        let told: Vec<_> = events(&owner).iter().rev().take(2).map(told).collect();
        assert_eq!(told[0], (Some("rules-found".to_owned()), None, Some(were)));
        assert_eq!(told[1].1, Some(file.digest()));
    }
}

//! `diode-rx rules …`: what the engines look for, and what the operator adds to it.
//!
//! ```text
//! install FILE ─▶ checked in a worker ─▶ laid ready ─▶ the running receiver, or the owner itself ─▶ in force
//! ```
//!
//! Always true: a file that is not good as a whole changes nothing.

use std::ffi::OsStr;
use std::path::Path;
use std::sync::Arc;

use audit::escape;
use audit::line;
use audit::storage::read_outside;
use scanner::additions::{AdditionInfo, RuleFile};
use scanner::isolation::{NotChecked, check_rules};
use scanner::scan::Scanner;
use scanner::show::Look;
use scanner::taint::lower::Nowhere;
use serde_json::json;

use super::ask::{actor, owned};
use super::{FAILED, Failure, USAGE, local, open_home, read_log, say, say_json};
use crate::config::Config;
use crate::control::{self, Answer, Work};
use crate::engines::Maker;
use crate::home::{self, Home};
use crate::owner::{Owner, OwnerError};
use crate::rules::{self, Change};
use crate::serve::not_changed;

pub(crate) fn install(dir: &Path, path: &Path) -> Result<(), Failure> {
    let home = open_home(dir)?;
    let file = read(path)?;
    // Before there is any thread: it starts a process that starts others.
    check_rules(&file).map_err(|error| match &error {
        NotChecked::Fault(_) => Failure::new(USAGE, not_changed(&error.to_string())),
        NotChecked::Unanswered { .. } => Failure::new(FAILED, not_changed(&error.to_string())),
    })?;
    let _lock = lock(&home)?;
    rules::stage(&home, &file)?;
    let done = ask(
        &home,
        &Change::Install {
            name: file.name().to_owned(),
            sha256: file.digest(),
        },
    );
    rules::unstage(&home, file.name());
    done
}

pub(crate) fn remove(dir: &Path, name: String) -> Result<(), Failure> {
    let home = open_home(dir)?;
    let _lock = lock(&home)?;
    ask(&home, &Change::Remove { name })
}

fn read(path: &Path) -> Result<RuleFile, Failure> {
    let shown = path.display().to_string();
    let fault = |fault: scanner::additions::RuleFault| Failure::new(USAGE, not_changed(&fault.to_string()));
    let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
    let (kind, _) = RuleFile::place(name).map_err(|error| fault(error.of(&shown)))?;
    let bytes = read_outside(path, kind.max_len())
        .map_err(|error| Failure::new(USAGE, format!("{shown} can't be read: {error}")))?;
    RuleFile::new(name, &shown, bytes).map_err(fault)
}

/// Nobody else changes the rules meanwhile.
fn lock(home: &Home) -> Result<Box<dyn audit::storage::Lock>, Failure> {
    rules::lock(home)?.ok_or_else(|| {
        let text = "the rules are being changed by another `diode-rx rules`\n  mend    try again";
        Failure::new(FAILED, text)
    })
}

fn ask(home: &Home, change: &Change) -> Result<(), Failure> {
    let work = match change {
        Change::Install { name, sha256 } => Work::RulesInstall {
            name: name.clone(),
            sha256: *sha256,
        },
        Change::Remove { name } => Work::RulesRemove { name: name.clone() },
    };
    let answer = match control::ask_for(&home.path(home::SOCKET), &work)? {
        Some(answer) => answer,
        None => do_it_here(home, change)?,
    };
    match answer {
        Answer { exit: 0, text } => say(&text),
        Answer { exit, text } => Err(Failure::new(exit, text)),
    }
}

fn do_it_here(home: &Home, change: &Change) -> Result<Answer, Failure> {
    let config = Config::load(home)?;
    let maker = Maker::new(home, Arc::new(Nowhere))?;
    let prepared = match maker.prepare(change) {
        Err(OwnerError::Rules(fault)) => return Err(Failure::new(USAGE, not_changed(&fault.to_string()))),
        prepared => prepared?,
    };
    // Where what is installed can't be used, the change may be what mends it.
    let engines = || match maker.load() {
        Err(OwnerError::Rules(_)) => Ok(prepared.engines()),
        loaded => loaded,
    };
    let mut owner = owned(Owner::open_with(home.clone(), &config, engines))?;
    let answer = owner.change_rules(prepared, &actor())?;
    owner.publish()?;
    Ok(answer)
}

/// The engines with what is installed, to be looked at.
fn look(home: &Home) -> Result<Scanner, Failure> {
    Ok(Maker::new(home, Arc::new(Nowhere))?.look()?)
}

pub(crate) fn list(dir: &Path, json: bool) -> Result<(), Failure> {
    let home = open_home(dir)?;
    let scanner = look(&home)?;
    let (_, ledger) = read_log(&home)?;
    let since = |info: &AdditionInfo| ledger.since(&format!("{}{}", rules::folder(&home), info.name));
    let engines = scanner.rules();
    let counts = |name: &str| {
        let rules = engines.iter().find(|(engine, _)| *engine == name);
        rules.map_or(0, |(_, rules)| rules.len())
    };
    if json {
        for engine in scanner.engines() {
            say_json(
                &json!({ "schema": 1, "kind": "engine", "name": engine.name, "version": engine.version,
                              "sha256": engine.rules, "rules": counts(&engine.name) }),
            )?;
        }
        for info in scanner.additions() {
            say_json(
                &json!({ "schema": 1, "kind": info.kind, "name": info.name, "sha256": info.sha256, "count": info.count,
                              "installed": since(info), "advisories": info.advisories }),
            )?;
        }
        return say_json(&json!({ "schema": 1, "kind": "rules", "sha256": scanner.rules_digest() }));
    }
    say(&format!(
        "{:<12} {:<24} {:>18}  {:<16}  SINCE",
        "KIND", "NAME", "HOLDS", "SHA-256"
    ))?;
    let row = |kind: &str, name: &str, holds: &str, digest: &str, since: &str| {
        say(format!(
            "{kind:<12} {:<24} {holds:>18}  {digest:<16}  {since}",
            escape::terminal(name)
        )
        .trim_end())
    };
    for engine in scanner.engines() {
        let holds = line::count(counts(&engine.name) as u64, "rule");
        row("engine", &engine.name, &holds, &short(&engine.rules), "")?;
    }
    for info in scanner.additions() {
        let since = since(info).map_or_else(|| "not on record yet".to_owned(), local);
        let holds = line::count(info.count, info.kind.noun());
        row(
            info.kind.name(),
            &info.name,
            &holds,
            &short(&info.sha256),
            &format!("{since}{}", how_new(info)),
        )?;
    }
    say(&format!("\nrules sha256:{}", scanner.rules_digest()))
}

fn short(digest: &protocol::digest::Digest) -> String {
    digest.to_string().chars().take(16).collect()
}

fn how_new(info: &AdditionInfo) -> String {
    let Some(head) = &info.advisories else {
        return String::new();
    };
    let (issued, expires) = (escape::terminal(&head.issued), escape::terminal(&head.expires));
    let is_stale =
        protocol::time::UnixMillis::from_rfc3339(&head.expires).is_ok_and(|expires| crate::clock::wall() > expires);
    let stale = if is_stale {
        ": OUT OF DATE, install newer ones"
    } else {
        ""
    };
    format!("; version {} of {issued}, good until {expires}{stale}", head.version)
}

pub(crate) fn explain(dir: &Path, rule: &str, json: bool) -> Result<(), Failure> {
    let home = open_home(dir)?;
    let scanner = look(&home)?;
    let explained = scanner::show::explain(&scanner, rule);
    let explained = explained.map_err(|none| Failure::new(USAGE, format!("{none}\n  mend    diode-rx rules list")))?;
    for rule in &explained {
        match json {
            true => say(&escape::json(rule).map_err(|error| Failure::new(FAILED, format!("no JSON form: {error}")))?)?,
            false => say(rule.text(Look::detect()).trim_end())?,
        }
    }
    Ok(())
}

//! What an operator gives the engines with the arguments of `diode-scan check`.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, anyhow};
use audit::escape::terminal;
use audit::storage::{Disk, EntryKind, Storage, read_outside};
use protocol::time::UnixMillis;

use crate::additions::{AdditionInfo, Additions, Kind, RuleFault, RuleFile};
use crate::cli::CheckArgs;
use crate::dependencies::AsOf;

/// The files of rules that were named: each by itself, those in folders, and those that have an argument of their own.
pub(super) fn additions(args: &CheckArgs) -> anyhow::Result<Additions> {
    let mut files = Vec::new();
    for path in &args.rules {
        for path in rule_files(path)? {
            let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default().to_owned();
            let (kind, _) = RuleFile::place(&name).map_err(|fault| fault.of(&path.display().to_string()))?;
            files.push(read(&path, kind, &name)?);
        }
    }
    let own = [
        (&args.advisories, Kind::Advisories, "advisories.jsonl"),
        (&args.known_names, Kind::KnownNames, "known-names.txt"),
    ];
    for (path, kind, name) in own {
        files.extend(path.as_deref().map(|path| read(path, kind, name)).transpose()?);
    }
    Ok(Additions::new(files)?)
}

fn read(path: &Path, kind: Kind, name: &str) -> anyhow::Result<RuleFile> {
    let shown = path.display().to_string();
    let bytes = read_outside(path, kind.max_len()).with_context(|| format!("cannot read the rules {shown}"))?;
    Ok(RuleFile::new(name, &shown, bytes)?)
}

/// The file, or those in the folder but for hidden ones.
fn rule_files(path: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let Ok(folder) = Disk::open(path) else {
        return Ok(vec![path.to_owned()]);
    };
    let listed = folder.list(Path::new(""));
    let listed = listed.with_context(|| format!("cannot read the rules in {}", path.display()))?;
    let mut files = Vec::new();
    for entry in listed {
        let is_hidden = entry.name.as_encoded_bytes().starts_with(b".");
        match entry.kind {
            _ if is_hidden => {}
            EntryKind::File => files.push(path.join(entry.name)),
            EntryKind::Dir | EntryKind::Symlink | EntryKind::Other => {
                let problem = "it is no regular file; keep nothing but files of rules in that folder".to_owned();
                let shown = path.join(entry.name).display().to_string();
                return Err(anyhow!(RuleFault::new(&shown, None, problem)));
            }
        }
    }
    files.sort();
    Ok(files)
}

/// Today.
pub(super) fn as_of_now() -> AsOf {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let as_of = AsOf::default();
    as_of.set(UnixMillis(u64::try_from(since_1970.as_millis()).unwrap_or(u64::MAX)));
    as_of
}

/// What the rules are besides the built-in ones, for people.
pub(super) fn describe(additions: &[AdditionInfo]) -> String {
    let of_advisories = |info: &AdditionInfo| {
        let head = info.advisories.as_ref()?;
        Some(format!(
            "advisories {} of {}, good until {} (sha256:{}…)",
            head.version,
            terminal(&head.issued),
            terminal(&head.expires),
            info.sha256.short()
        ))
    };
    let (advisories, others): (Vec<_>, Vec<_>) = additions.iter().partition(|info| info.kind == Kind::Advisories);
    let advisories = advisories.into_iter().find_map(of_advisories);
    let others = others
        .into_iter()
        .map(|info| format!("{} (sha256:{}…)", terminal(&info.name), info.sha256.short()));
    let all = std::iter::once(advisories.unwrap_or_else(|| "no advisories".to_owned())).chain(others);
    all.collect::<Vec<_>>().join(", ")
}

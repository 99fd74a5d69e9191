//! `diode-audit verify`: proves that nothing in a log was changed.

use std::io::Write;
use std::path::Path;

use serde::Serialize;

use super::{Usage, open_folder};
use crate::escape::{self, terminal};
use crate::line::count;
use crate::log::{LogError, LogReader, Verified, Vkey, WalState, verify};
use crate::storage::read_outside;

pub(crate) fn run(dir: &Path, vkey: Option<&Path>, json: bool, out: &mut dyn Write) -> anyhow::Result<()> {
    let storage = open_folder(dir)?;
    let given = vkey.map(read_vkey).transpose()?;
    let (vkey, from) = match (given, vkey) {
        (Some(vkey), Some(path)) => (vkey, path.display().to_string()),
        _ => (own_vkey(dir)?, "log.vkey".to_owned()),
    };
    let own = from == "log.vkey";
    let verified = verify(&storage, &vkey.to_string())?;
    if json {
        writeln!(out, "{}", escape::json(&Outcome::new(&verified, &vkey, own))?)?;
        return Ok(());
    }
    print(out, &verified, &vkey, (!own).then_some(from.as_str()))?;
    Ok(())
}

/// A key from elsewhere that does not read is the operator's mistake, not the log's.
fn read_vkey(path: &Path) -> Result<Vkey, Usage> {
    let bytes = read_outside(path, 4096).map_err(|error| Usage(format!("the log's key: {error}")))?;
    let text = String::from_utf8_lossy(&bytes);
    Vkey::parse(&text).map_err(|error| Usage(format!("{}: {error}", path.display())))
}

fn own_vkey(dir: &Path) -> anyhow::Result<Vkey> {
    let storage = std::sync::Arc::new(open_folder(dir)?);
    match LogReader::open(storage) {
        Ok(reader) => Ok(reader.vkey().clone()),
        Err(error @ LogError::NotALog { .. }) => Err(Usage(format!("{}: {error}", dir.display())).into()),
        Err(error) => Err(error.into()),
    }
}

fn print(out: &mut dyn Write, verified: &Verified, vkey: &Vkey, from: Option<&str>) -> std::io::Result<()> {
    let Verified {
        origin,
        size,
        root,
        files,
        uncovered,
        wal,
    } = verified;
    writeln!(out, "log       {}", terminal(origin))?;
    writeln!(out, "key       {}", terminal(&vkey.to_string()))?;
    match from {
        Some(file) => writeln!(out, "          from {}", terminal(file))?,
        None => writeln!(
            out,
            "          from log.vkey in the same folder: this proves that the log is consistent, not whose it is;\n          \
             for that, give --vkey with the key that was carried from the log's host by another way"
        )?,
    }
    writeln!(out, "root      {root}")?;
    writeln!(
        out,
        "verified  {}, {}, the checkpoint's signature",
        entries(*size),
        count(*files, "tile file")
    )?;
    match wal {
        WalState::Absent => writeln!(out, "wal       not here, or not readable: not verified")?,
        WalState::Agrees {
            unpublished,
            torn_bytes,
        } => {
            let torn = match torn_bytes {
                0 => String::new(),
                bytes => format!("; {bytes} bytes of an unfinished last group, which the next start cuts off"),
            };
            writeln!(
                out,
                "wal       agrees; {} not published yet{torn}",
                entries(*unpublished)
            )?;
        }
    }
    if *uncovered > 0 {
        writeln!(
            out,
            "note      {} ahead of the checkpoint, not verified",
            count(*uncovered, "tile file")
        )?;
    }
    Ok(())
}

fn entries(number: u64) -> String {
    if number == 1 {
        "1 entry".to_owned()
    } else {
        format!("{number} entries")
    }
}

/// The outcome as JSON.
#[derive(Serialize)]
struct Outcome<'a> {
    schema: u32,
    verified: bool,
    origin: &'a str,
    vkey: String,
    /// False if the key came from the folder that it was to verify.
    key_from_elsewhere: bool,
    size: u64,
    root: String,
    tile_files: u64,
    uncovered_files: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    unpublished: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    torn_bytes: Option<u64>,
}

impl<'a> Outcome<'a> {
    fn new(verified: &'a Verified, vkey: &Vkey, own: bool) -> Self {
        let (unpublished, torn_bytes) = match verified.wal {
            WalState::Absent => (None, None),
            WalState::Agrees {
                unpublished,
                torn_bytes,
            } => (Some(unpublished), Some(torn_bytes)),
        };
        Self {
            schema: 1,
            verified: true,
            origin: &verified.origin,
            vkey: vkey.to_string(),
            key_from_elsewhere: !own,
            size: verified.size,
            root: verified.root.to_string(),
            tile_files: verified.files,
            uncovered_files: verified.uncovered,
            unpublished,
            torn_bytes,
        }
    }
}

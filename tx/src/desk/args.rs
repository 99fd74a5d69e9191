//! The command line of `diode-pack`.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use protocol::limits::{MAX_LEAF_LEN, MIN_LEAF_LEN};

/// Packs and signs what is to cross a data diode; the author's desk.
#[derive(Debug, Parser)]
#[command(name = "diode-pack", version, disable_help_subcommand = true)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub(super) verb: Verb,
}

#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Make an author's key
    #[command(after_help = KEYGEN_EXAMPLE)]
    Keygen(KeygenArgs),
    /// Pack a folder into a signed bundle
    #[command(after_help = PACK_EXAMPLE)]
    Pack(Box<PackArgs>),
    /// Check a bundle file, and show what it claims and what is proved
    #[command(after_help = INSPECT_EXAMPLE)]
    Inspect(InspectArgs),
}

const KEYGEN_EXAMPLE: &str = "Example:\n  diode-pack keygen --out alice.key --comment alice@lab";

const PACK_EXAMPLE: &str = "\
In a git work tree the tracked files are packed as they are on disk, elsewhere all files; never what is called .git.

Patterns of --exclude and of the file DIR/.diodeignore are gitignore's: * ? [...] within a name, ** over folders; a / at the start or \
inside means from DIR on, a / at the end folders only; \\ makes a character plain. In the file, # starts a comment and ! takes back. \
Other than in git, files of that name below DIR say nothing, and a pattern that can't be read is an error.

Example:
  diode-pack pack src --key alice.key --author alice@lab --audience plant-7";

const INSPECT_EXAMPLE: &str = "\
Example:
  diode-pack inspect src-3f9a2c71.bundle --trust allowed_signers --as plant-7";

#[derive(Debug, Args)]
pub(super) struct KeygenArgs {
    /// File for the secret key; the public one goes to FILE.pub
    #[arg(long, value_name = "FILE")]
    pub(super) out: PathBuf,
    /// Whose key it is, as in --author
    #[arg(long, value_name = "NAME")]
    pub(super) comment: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct PackArgs {
    /// Folder to pack
    #[arg(value_name = "DIR")]
    pub(super) dir: PathBuf,
    /// The author's secret key
    #[arg(long, value_name = "FILE", required_unless_present = "dry_run")]
    pub(super) key: Option<PathBuf>,
    /// The author's name, as receivers' allowed_signers have it
    #[arg(long, value_name = "NAME", required_unless_present = "dry_run")]
    pub(super) author: Option<String>,
    /// Receivers it is for, parted by commas; may be repeated
    #[arg(long, value_name = "RX", value_delimiter = ',', required_unless_present = "dry_run")]
    pub(super) audience: Vec<String>,
    /// Bundle file to write [default: NAME-ID.bundle in the current folder]
    #[arg(short, long, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
    /// What it is for, for example a system's name
    #[arg(long, value_name = "T")]
    pub(super) target: Option<String>,
    /// What it is
    #[arg(long, value_name = "D")]
    pub(super) description: Option<String>,
    /// The tool that made the files
    #[arg(long, value_name = "T")]
    pub(super) tool: Option<String>,
    /// The model that made the files
    #[arg(long, value_name = "M")]
    pub(super) model: Option<String>,
    /// How much of it a model made
    #[arg(long, value_name = "SHARE", default_value = "unknown")]
    pub(super) ai_generated: Share,
    /// When it ends: a duration (30d, 12h) or an RFC 3339 time
    #[arg(long, value_name = "WHEN", default_value = "30d")]
    pub(super) not_after: String,
    /// Bytes of a leaf: a power of two from 4096 to 262144
    #[arg(long, value_name = "N", default_value_t = MAX_LEAF_LEN, value_parser = leaf_len)]
    pub(super) leaf_len: u32,
    /// Take untracked files too
    #[arg(long)]
    pub(super) all: bool,
    /// Leave out what matches; may be repeated
    #[arg(long, value_name = "GLOB")]
    pub(super) exclude: Vec<String>,
    /// Show what would be packed; sign and write nothing
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct InspectArgs {
    /// Bundle file
    #[arg(value_name = "FILE")]
    pub(super) file: PathBuf,
    /// The allowed_signers file to check the signatures with
    #[arg(long, value_name = "FILE", requires = "receiver")]
    pub(super) trust: Option<PathBuf>,
    /// The receiver to check it as
    #[arg(long = "as", value_name = "RECEIVER", requires = "trust")]
    pub(super) receiver: Option<String>,
    /// List the files
    #[arg(long)]
    pub(super) files: bool,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

/// How much of the files a model made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Share {
    None,
    Some,
    Full,
    Unknown,
}

fn leaf_len(text: &str) -> Result<u32, String> {
    let fits = |len: &u32| len.is_power_of_two() && (MIN_LEAF_LEN..=MAX_LEAF_LEN).contains(len);
    let len = text.parse().ok().filter(fits);
    len.ok_or_else(|| format!("a power of two from {MIN_LEAF_LEN} to {MAX_LEAF_LEN} is needed"))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn leaf_lengths_are_powers_of_two_within_the_limits() {
        assert_eq!(leaf_len("4096"), Ok(4096));
        assert_eq!(leaf_len("262144"), Ok(262_144));
        for text in ["2048", "524288", "5000", "0", "-4096", ""] {
            assert!(leaf_len(text).is_err(), "{text}");
        }
    }

    #[test]
    fn only_a_dry_run_needs_no_key() {
        assert!(Cli::try_parse_from(["diode-pack", "pack", "d", "--dry-run"]).is_ok());
        assert!(Cli::try_parse_from(["diode-pack", "pack", "d", "--author", "a", "--audience", "r"]).is_err());
    }
}

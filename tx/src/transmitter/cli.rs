//! The command line of `diode-tx`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use hw::units::{Percent, Rate};

use super::framing::RateCounts;
use super::owner::Telling;
use super::priority::Priority;
use crate::units::ByteSize;

/// Sends signed bundles over a data diode; the link's transmitter
#[derive(Debug, Parser)]
#[command(name = "diode-tx", version, disable_help_subcommand = true)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub(super) verb: Verb,
    /// What to log on stderr, such as `debug` or `diode_tx=trace` [default: DIODE_LOG, else warn]
    #[arg(long, global = true, value_name = "FILTER")]
    pub(super) log: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Make the link's key
    #[command(after_help = KEYGEN_EXAMPLE)]
    Keygen(KeygenArgs),
    /// Send bundles
    #[command(after_help = SEND_EXAMPLE)]
    Send(Box<SendArgs>),
    /// Send every bundle that is put into a folder, until it is stopped
    #[command(after_help = WATCH_EXAMPLE)]
    Watch(Box<WatchArgs>),
    /// Send again what the receiver lacks, by code or number
    #[command(after_help = RESEND_EXAMPLE)]
    Resend(Box<ResendArgs>),
    /// Begin the numbers anew, when those that were given are not known any more
    #[command(subcommand)]
    Epoch(EpochVerb),
    /// Show what a link's settings come to: repair, bursts, memory, latency, chance of failure
    #[command(after_help = PLAN_EXAMPLE)]
    Plan(PlanArgs),
    /// Show what a bundle claims, and what sending it would take
    #[command(after_help = INSPECT_EXAMPLE)]
    Inspect(InspectArgs),
}

#[derive(Debug, Subcommand)]
pub(super) enum EpochVerb {
    /// Put the log aside and begin with number 1 in a new epoch
    #[command(after_help = EPOCH_NEW_EXAMPLE)]
    New(EpochNewArgs),
}

const KEYGEN_EXAMPLE: &str = "Example:\n  diode-tx keygen --out /etc/diode/link.key";

const SEND_EXAMPLE: &str = "\
A flag goes before the configuration, the configuration before the default. The rate has no default; it counts what the wire \
carries, Ethernet framing included, or the datagrams alone (--rate-counts). Ctrl-C stops after the packets under way and ends with 1; sent again, the bundle keeps its number.

While one send runs, another on the same state hands its bundles over to it and waits: what it says of the link does not count, \
its --priority does. Nothing but --state (or --config) is needed then, and Ctrl-C there calls nothing back.

Example:
  diode-tx send src-3f9a2c71.bundle --to 192.0.2.2:4600 --rate 200M --key /etc/diode/link.key --state /var/lib/diode-tx";

const WATCH_EXAMPLE: &str = "\
Files whose names end in `.bundle` are taken when they have not changed from one look to the next; names that begin with a dot never \
are, so that a file can be written under such a name and renamed. A file that ends before its own head says \
is waited for, until it has not changed for 30 seconds; then it is refused as cut short. Folders, links, \
and names that end otherwise stay where they are; after a minute that is said once.

DIR/sending/ holds what is taken, DIR/sent/ and DIR/refused/ what became of it: one file system, and nobody is to write into these three. \
Nothing is removed, but from DIR/sent/ what [retention] of the configuration says: sent_days, sent_mib; each removal is in the log. A file is refused for what is in it, or because it can't be read; that is logged with the reason and the mend, and holds \
nobody up.

It listens as the first `send` does: another `send` on the same state hands its bundles over. Ctrl-C stops after the packets under way; \
so does a link that fails, with 1 or 2. Started again, it sends all that is in DIR/sending/, each bundle under the number that it has.

Example:
  diode-tx watch /srv/outbox --to 192.0.2.2:4600 --rate 200M --key /etc/diode/link.key --state /var/lib/diode-tx";

const RESEND_EXAMPLE: &str = "\
A code is what `diode-rx gaps` shows, as it is read out over the telephone. Each bundle is found by its id: among --bundle, else in the sent \
folder of the outbox that `watch` uses. It goes under the number that it has, in a new transmission. While a `send` or `watch` runs on the \
same state, it is handed over to that.

Example:
  diode-tx resend 44-7QDYF --outbox /srv/outbox --to 192.0.2.2:4600 --rate 200M --key /etc/diode/link.key --state /var/lib/diode-tx";

const EPOCH_NEW_EXAMPLE: &str = "\
For a state whose log was put back from a backup, or is lost: numbers that it does not know may have been given out, and one belongs to \
one bundle for ever. The log and its key are kept in DIR/old-…; bundles that were sent have no number in the new epoch. The receiver admits \
nothing of it until somebody there accepts it.

Example:
  diode-tx epoch new --state /var/lib/diode-tx --reason \"disk replaced, newest log lost\"";

const PLAN_EXAMPLE: &str = "\
No bundle is needed, and nothing is sent. The chance of failure counts random loss and, in every group, one burst of the longest kind; \
announces are not part of it.

Example:
  diode-tx plan --rate 1G --loss 2% --burst 500 --size 10KB,1MiB,10GiB";

const INSPECT_EXAMPLE: &str = "\
Who signed is not checked: there is no trust on a transmitter (see `diode-pack inspect --trust`).

Example:
  diode-tx inspect src-3f9a2c71.bundle --rate 200M --loss 2%";

#[derive(Debug, Args)]
pub(super) struct KeygenArgs {
    /// File for the secret key; the public one goes to FILE.pub
    #[arg(long, value_name = "FILE")]
    pub(super) out: PathBuf,
    /// The link's name, as the key's comment
    #[arg(long, value_name = "NAME", default_value = "diode-link")]
    pub(super) comment: String,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct SendArgs {
    /// Bundle files
    #[arg(value_name = "BUNDLE", required = true)]
    pub(super) bundles: Vec<PathBuf>,
    #[command(flatten)]
    pub(super) sender: SenderArgs,
}

#[derive(Debug, Args)]
pub(super) struct WatchArgs {
    /// Folder that bundles are put into [default: `outbox` of the configuration]
    #[arg(value_name = "DIR")]
    pub(super) dir: Option<PathBuf>,
    /// Seconds from one look to the next, over which a file must not change: 1 to 3600
    #[arg(long, value_name = "SECONDS", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub(super) interval: u64,
    #[command(flatten)]
    pub(super) sender: SenderArgs,
}

#[derive(Debug, Args)]
pub(super) struct ResendArgs {
    /// Codes of `diode-rx gaps`, or sequence numbers: 44, 44..47
    #[arg(value_name = "CODE|SEQ", required = true)]
    pub(super) what: Vec<String>,
    /// A file of a bundle that is not in the outbox; may be repeated
    #[arg(long = "bundle", value_name = "FILE")]
    pub(super) bundles: Vec<PathBuf>,
    /// Folder that `watch` takes bundles from, to look into its `sent`
    #[arg(long, value_name = "DIR")]
    pub(super) outbox: Option<PathBuf>,
    #[command(flatten)]
    pub(super) sender: SenderArgs,
}

#[derive(Debug, Args)]
pub(super) struct EpochNewArgs {
    /// Folder for numbers and audit log
    #[arg(long, value_name = "DIR")]
    pub(super) state: Option<PathBuf>,
    /// Configuration that names the folder
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// Why, for the log
    #[arg(long, value_name = "TEXT")]
    pub(super) reason: String,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

/// What it takes to send, whatever says which bundles.
#[derive(Debug, Args)]
pub(super) struct SenderArgs {
    /// The receiver's address and port
    #[arg(long, value_name = "ADDR")]
    pub(super) to: Option<SocketAddr>,
    /// The link's secret key
    #[arg(long, value_name = "FILE")]
    pub(super) key: Option<PathBuf>,
    /// Folder for numbers and audit log; made on first use
    #[arg(long, value_name = "DIR")]
    pub(super) state: Option<PathBuf>,
    /// The local address to send from [default: the system's choice]
    #[arg(long, value_name = "ADDR")]
    pub(super) bind: Option<SocketAddr>,
    /// How urgent: small urgent ones overtake those under way; large ones go next
    #[arg(long, value_enum, default_value_t, value_name = "PRIORITY")]
    pub(super) priority: Priority,
    #[command(flatten)]
    pub(super) link: LinkArgs,
    /// Print a line of JSON for each bundle
    #[arg(long)]
    pub(super) json: bool,
    /// Show no progress
    #[arg(short, long)]
    pub(super) quiet: bool,
}

impl SenderArgs {
    /// How the operator is told.
    pub(super) fn telling(&self) -> Telling {
        Telling {
            json: self.json,
            quiet: self.quiet,
        }
    }

    /// The flags given that say something of the link: where to, how fast, how coded.
    pub(super) fn link_flags(&self) -> Vec<&'static str> {
        let LinkArgs {
            config: _,
            rate,
            rate_counts,
            mtu,
            loss,
            burst,
            residual,
            depth,
            lanes,
            passes,
        } = &self.link;
        let flags = [
            ("--to", self.to.is_some()),
            ("--key", self.key.is_some()),
            ("--bind", self.bind.is_some()),
            ("--rate", rate.is_some()),
            ("--rate-counts", rate_counts.is_some()),
            ("--mtu", mtu.is_some()),
            ("--loss", loss.is_some()),
            ("--burst", burst.is_some()),
            ("--residual", residual.is_some()),
            ("--depth", depth.is_some()),
            ("--lanes", lanes.is_some()),
            ("--passes", passes.is_some()),
        ];
        flags
            .into_iter()
            .filter(|(_, given)| *given)
            .map(|(flag, _)| flag)
            .collect()
    }
}

/// What is known of the link. Whole numbers are taken as any, so that one out of range is refused like the same in a file.
#[derive(Debug, Default, Args)]
pub(super) struct LinkArgs {
    /// Configuration; diode-tx.example.toml explains every key
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// Bits a second: 200M, 1.5G
    #[arg(long, value_name = "RATE")]
    pub(super) rate: Option<Rate>,
    /// What the rate counts [default: wire]
    #[arg(long, value_enum, value_name = "WHAT")]
    pub(super) rate_counts: Option<RateCounts>,
    /// Bytes of the largest IP packet on the way [default: 1500]
    #[arg(long, value_name = "BYTES", allow_negative_numbers = true)]
    pub(super) mtu: Option<i64>,
    /// Packets lost at random [default: 1%]
    #[arg(long, value_name = "SHARE")]
    pub(super) loss: Option<Percent>,
    /// Packets lost in a row at worst [default: 64]
    #[arg(long, value_name = "PACKETS", allow_negative_numbers = true)]
    pub(super) burst: Option<i64>,
    /// Probability that a block stays lost at such losses [default: 1e-9]
    #[arg(long, value_name = "P", allow_negative_numbers = true)]
    pub(super) residual: Option<f64>,
    /// Blocks whose packets are interleaved [default: from the burst]
    #[arg(long, value_name = "BLOCKS", allow_negative_numbers = true)]
    pub(super) depth: Option<i64>,
    /// Streams of datagrams, to as many ports from `to` on [default: 1]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub(super) lanes: Option<i64>,
    /// How often the whole is sent [default: 1]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub(super) passes: Option<i64>,
}

#[derive(Debug, Args)]
pub(super) struct PlanArgs {
    #[command(flatten)]
    pub(super) link: LinkArgs,
    /// Bytes of content of bundles to foretell, decimal or binary
    #[arg(
        long,
        value_name = "SIZE",
        value_delimiter = ',',
        default_value = "10KB,1MiB,100MiB,1GiB"
    )]
    pub(super) size: Vec<ByteSize>,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct InspectArgs {
    /// Bundle file
    #[arg(value_name = "BUNDLE")]
    pub(super) bundle: PathBuf,
    #[command(flatten)]
    pub(super) link: LinkArgs,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;
    use protocol::resend::{ResendCode, ResendCodeError};

    use super::*;
    use crate::transmitter::outbox::STALLED;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_send_without_a_bundle_is_refused() {
        assert!(Cli::try_parse_from(["diode-tx", "send"]).is_err());
    }

    #[test]
    fn a_watch_looks_again_after_a_second_to_an_hour() {
        let parsed = |interval| Cli::try_parse_from(["diode-tx", "watch", "out", "--interval", interval]);
        assert!(parsed("0").is_err() && parsed("3601").is_err());
        assert!(parsed("1").is_ok() && parsed("3600").is_ok());
    }

    #[test]
    fn the_help_of_watch_says_how_long_a_file_that_is_not_whole_is_waited_for() {
        let said = format!("has not changed for {} s", STALLED.as_secs());
        assert!(WATCH_EXAMPLE.contains(&said), "{said}");
    }

    #[test]
    fn the_code_in_the_help_of_resend_is_one() {
        let code = RESEND_EXAMPLE.split(' ').find(|word| word.starts_with("44-")).unwrap();
        // Of which epoch does not matter.
        let parsed = ResendCode::parse(code, 0);
        assert!(
            matches!(parsed, Ok(_) | Err(ResendCodeError::OtherEpoch { .. })),
            "{parsed:?}"
        );
    }

    #[test]
    fn every_verbs_help_has_an_example() {
        let mut verbs: Vec<_> = Cli::command().get_subcommands().cloned().collect();
        while let Some(verb) = verbs.pop() {
            let mut inner = verb.get_subcommands().cloned().peekable();
            if inner.peek().is_some() {
                verbs.extend(inner);
                continue;
            }
            let help = verb.get_after_help().map(ToString::to_string).unwrap_or_default();
            let is_example =
                |line: &str| line.starts_with("  diode-tx ") && line.contains(&format!(" {} ", verb.get_name()));
            assert!(help.lines().any(is_example), "{}", verb.get_name());
        }
    }
}

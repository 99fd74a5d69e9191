//! What `diode-rx` understands.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Receives signed bundles from a one-way link, and keeps them in quarantine until policy or a person releases them.
#[derive(Debug, Parser)]
#[command(name = "diode-rx", version, about, arg_required_else_help = true)]
pub(crate) struct Cli {
    /// The receiver's folder.
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        env = "DIODE_RX_HOME",
        default_value = "/var/lib/diode-rx"
    )]
    pub(crate) home: PathBuf,
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Makes the receiver's folder: configuration, policy, log and its key.
    #[command(after_help = "Example:\n  diode-rx --home /var/lib/diode-rx init --name plant-7 --link-key tx-link.pub")]
    Init(InitArgs),
    /// Receives, scans, and serves the other verbs, until it is interrupted.
    #[command(after_help = "Example:\n  diode-rx --home /var/lib/diode-rx serve\n\n\
        Prints `ready` once datagrams are taken. A transmission of which nothing comes is given up after limits.idle_ms (120 s by \
        default); a link is silent after three of its heartbeats' intervals, and one that was never heard after a minute. DIODE_LOG sets what is logged on standard error (info by default).")]
    Serve,
    /// Tells how the link is doing, and where datagrams were lost.
    #[command(after_help = "Example:\n  diode-rx --home /var/lib/diode-rx status")]
    Status {
        /// Prints one JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Lists the sequence numbers that are missing, and the code by which the transmitter's side sends them again.
    #[command(after_help = "Example:\n  diode-rx gaps\n\n\
        Works with the receiver stopped. What the transmitter is done with and that is not here is missing; tell its side the code.")]
    Gaps {
        /// Prints one JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Lists the bundles: admitted, waiting, and kept as evidence.
    #[command(after_help = "Example:\n  diode-rx list --state held")]
    List(ListArgs),
    /// Shows one bundle: what is proved, what is claimed, what was found, and what can be done.
    #[command(after_help = "Example:\n  diode-rx show b07e11d4")]
    Show(ShowArgs),
    /// Prints one line an event, the past first.
    #[command(after_help = "Example:\n  diode-rx tail -n 20 --signer alice@lab")]
    Tail(TailArgs),
    /// Releases a held bundle: unpacks it into HOME/quarantine/released.
    #[command(
        after_help = "Example:\n  diode-rx release b07e11d4-71c0 --reason \"reviewed with bob\"\n\n\
        CODE is printed by `diode-rx show`: it names the bundle, its report and the policy that were looked at."
    )]
    Release(DecisionArgs),
    /// Rejects a held bundle for good.
    #[command(after_help = "Example:\n  diode-rx reject b07e11d4-71c0 --reason \"not ours\"")]
    Reject(DecisionArgs),
    /// Scans bundles again, by today's rules and policy.
    #[command(
        after_help = "Examples:\n  diode-rx rescan b07e11d4\n  diode-rx rescan --held\n  diode-rx rescan --released\n\n\
        A held bundle gets a new verdict, and what policy makes of it follows. A released one stays released: its packed form is scanned, its files\n\
        are compared with what was signed, the report is stored beside the one of its release, and what is worse than its release is an alarm.\n\n\
        Exit codes, of several bundles the worst:\n  \
        0  ALLOW, or released and no worse than then\n  \
        1  could not be scanned\n  \
        3  REJECT\n  \
        4  REVIEW\n  \
        5  released files are not the signed ones"
    )]
    Rescan(RescanArgs),
    /// What the engines look for, and what you add to it.
    #[command(subcommand)]
    Rules(RulesVerb),
    /// Whose bundles are let in.
    #[command(subcommand)]
    Trust(TrustVerb),
    /// Which lives of the transmitter's state count.
    #[command(subcommand)]
    Epoch(EpochVerb),
}

#[derive(Debug, Args)]
pub(crate) struct InitArgs {
    /// The receiver's name, which authors address their bundles to.
    #[arg(long)]
    pub(crate) name: String,
    /// Where datagrams come in.
    #[arg(long, value_name = "ADDR:PORT", default_value = "0.0.0.0:4600")]
    pub(crate) listen: SocketAddr,
    /// The transmitter's public link key, as `diode-tx keygen` wrote it [default: put it at HOME/link.pub by hand].
    #[arg(long, value_name = "FILE")]
    pub(crate) link_key: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum StateFilter {
    Held,
    Released,
    Rejected,
    Waiting,
    Evidence,
}

#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// Only bundles in this state.
    #[arg(long)]
    pub(crate) state: Option<StateFilter>,
    /// Prints one JSON object a bundle.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// The bundle's id, or as much of its beginning as is unique.
    pub(crate) id: String,
    /// Prints one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
    /// Prints the report of its scan as SARIF 2.1.0, for code viewers.
    #[arg(long, conflicts_with = "json")]
    pub(crate) sarif: bool,
}

#[derive(Debug, Args)]
pub(crate) struct TailArgs {
    /// How many past events to show.
    #[arg(short = 'n', value_name = "N", default_value_t = 10)]
    pub(crate) last: u64,
    /// Shows past events from this time on instead (RFC 3339, or as 10m, 2h, 3d ago).
    #[arg(long, value_name = "WHEN")]
    pub(crate) since: Option<String>,
    /// Ends after the past.
    #[arg(long)]
    pub(crate) no_follow: bool,
    /// Only events whose name begins so, for example bundle.refused or link.
    #[arg(long, value_name = "NAME")]
    pub(crate) event: Option<String>,
    /// Only bundles signed by this principal.
    #[arg(long, value_name = "PRINCIPAL")]
    pub(crate) signer: Option<String>,
    /// Only events that leave a bundle in this state.
    #[arg(long)]
    pub(crate) state: Option<StateFilter>,
    /// Prints one JSON object an event.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct DecisionArgs {
    /// The code that `diode-rx show` printed.
    pub(crate) code: String,
    /// Why: it goes into the log.
    #[arg(long)]
    pub(crate) reason: String,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct RescanArgs {
    /// The bundle's id, or as much of its beginning as is unique.
    pub(crate) id: Option<String>,
    /// All that are held.
    #[arg(long)]
    pub(crate) held: bool,
    /// All that are released and not removed.
    #[arg(long)]
    pub(crate) released: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum RulesVerb {
    /// Adds a file to the rules, or replaces the one of its name: in force for the next scan, also of a receiver that runs.
    #[command(
        after_help = "Examples:\n  diode-rx rules install acme.yar\n  diode-rx rules install osv-2026-11.jsonl\n\n\
        The ending says what it is:\n  \
        .toml         rules for the programs of a language, as in scanner/rules/taint, with `language = \"python\"` on top\n  \
        .yar, .yara   YARA rules; their findings are called NAME:RULE\n  \
        .jsonl        advisories about packages (scanner/ADVISORIES.md); one file, which newer ones replace\n  \
        .txt          the packages that may be used (scanner/ADVISORIES.md); one file\n\n\
        It is read in a confined worker first, as a whole: a fault is told with its line, and the rules in force stay."
    )]
    Install {
        /// The file.
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Takes a file out of the rules.
    #[command(after_help = "Example:\n  diode-rx rules remove acme.yar")]
    Remove {
        /// Its name, as `rules list` has it.
        #[arg(value_name = "NAME")]
        name: String,
    },
    /// Lists the engines' rules and what you added: digests, numbers, since when, how new the advisories are.
    #[command(after_help = "Example:\n  diode-rx rules list")]
    List {
        /// Prints one JSON object an engine or file.
        #[arg(long)]
        json: bool,
    },
    /// Tells all about one rule: why, how to mend what it finds, where it looks, samples.
    #[command(after_help = "Example:\n  diode-rx rules explain python-sql-injection")]
    Explain {
        /// The rule's id, as findings have it.
        #[arg(value_name = "RULE")]
        rule: String,
        /// Prints one JSON object.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum TrustVerb {
    /// Trusts an author's key.
    #[command(
        after_help = "Example:\n  diode-rx trust add --principal alice@lab --fingerprint SHA256:hB1… alice.pub\n\n\
        Get the fingerprint from its holder by another way than the key: on the telephone, on paper."
    )]
    Add {
        /// The author's name.
        #[arg(long)]
        principal: String,
        /// The key's fingerprint, as its holder told it.
        #[arg(long, value_name = "SHA256:…")]
        fingerprint: String,
        /// The public key: a file with a line `ssh-ed25519 AAAA…`.
        #[arg(value_name = "KEYFILE")]
        key: PathBuf,
    },
    /// Lists the trusted keys.
    #[command(after_help = "Example:\n  diode-rx trust list")]
    List {
        /// Prints one JSON object a key.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum EpochVerb {
    /// Lists the transmitter's epochs, and what waits in them.
    #[command(after_help = "Example:\n  diode-rx epoch list")]
    List {
        /// Prints one JSON object an epoch.
        #[arg(long)]
        json: bool,
    },
    /// Takes an epoch, and admits what waits in it.
    #[command(
        after_help = "Example:\n  diode-rx epoch accept 9f03c2d41b7788aa --reason \"new tx host, carol told me\"\n\n\
        A transmitter begins a new epoch when its state is made anew. Ask its operator for the epoch's id, by another way than the link."
    )]
    Accept(AcceptArgs),
    /// Takes nothing of an epoch, and gives up what waits in it.
    #[command(after_help = "Example:\n  diode-rx epoch refuse 9f03c2d41b7788aa --reason \"nobody began one\"")]
    Refuse {
        /// The epoch's id, or four digits or more of its beginning.
        epoch: String,
        /// Why: it goes into the log.
        #[arg(long)]
        reason: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct AcceptArgs {
    /// The epoch's id, four digits or more of its beginning, or the number of one that is accepted.
    pub(crate) epoch: String,
    /// Takes sequence numbers up to this one, however far ahead they are.
    #[arg(long, value_name = "SEQ")]
    pub(crate) up_to: Option<u64>,
    /// Why: it goes into the log.
    #[arg(long)]
    pub(crate) reason: String,
}

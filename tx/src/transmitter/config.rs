//! What `diode-tx` runs on: flag over file over default, all checked before anything else happens.
//!
//! ```text
//! flags (cli) ─┐
//! file ────────┼─ Chosen { value, whence } ─▶ Config │ LinkConfig      what both hosts must agree on goes into the announces
//! defaults ────┘
//! ```

use std::fmt::Display;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use hw::units::{Percent, Rate};
use protocol::fec::{Redundancy, RedundancyError};
use protocol::layout::Layout;
use protocol::limits::{MAX_DEPTH, MAX_LANES, MAX_PASSES};
use protocol::wire::{ANNOUNCE_BODY_LEN, HEADER_LEN};

use super::cli::{LinkArgs, SenderArgs};
use super::config_file::ConfigFile;
use super::framing::{Framing, RateCounts};
use super::planning::leaf_len_for;
use super::retention::Retention;
use crate::complaint::Complaint;

/// All that sending needs.
#[derive(Debug, Clone)]
pub(super) struct Config {
    pub(super) to: SocketAddr,
    pub(super) bind: Option<SocketAddr>,
    pub(super) key: PathBuf,
    pub(super) state: PathBuf,
    pub(super) rate: Rate,
    pub(super) rate_counts: RateCounts,
    pub(super) link: LinkConfig,
}

/// How bundles are cut and coded for the link.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct LinkConfig {
    pub(super) mtu: u16,
    /// The encoding symbols' length in bytes, which follows from the MTU.
    pub(super) symbol_len: u16,
    pub(super) redundancy: Redundancy,
    pub(super) passes: u16,
    /// Streams of datagrams, each to a port of its own.
    pub(super) lanes: u8,
}

/// What foretelling needs: the link, and the rate if it is known.
#[derive(Debug)]
pub(super) struct ForecastConfig {
    pub(super) rate: Option<Rate>,
    pub(super) rate_counts: RateCounts,
    pub(super) framing: Framing,
    pub(super) link: LinkConfig,
}

impl Config {
    /// The state's folder, as far as `args` and their file name one.
    ///
    /// # Errors
    /// A [`Complaint`] (exit 2) if the file can't be used.
    pub(super) fn state_of(args: &SenderArgs) -> Result<Option<PathBuf>, Complaint> {
        let file = ConfigFile::read(args.link.config.as_deref())?;
        Ok(args.state.clone().or(file.state))
    }

    /// The folder that `watch` takes bundles from, as far as a flag or the file name one.
    ///
    /// # Errors
    /// A [`Complaint`] (exit 2) if the file can't be used.
    pub(super) fn outbox_of(flag: Option<&Path>, file: Option<&Path>) -> Result<Option<PathBuf>, Complaint> {
        let file = ConfigFile::read(file)?;
        Ok(flag.map(Path::to_owned).or(file.outbox))
    }

    /// How long `watch` keeps files of what was sent, as the file says: for ever if it says nothing.
    ///
    /// # Errors
    /// A [`Complaint`] (exit 2) naming file, key and mend.
    pub(super) fn retention_of(file: Option<&Path>) -> Result<Retention, Complaint> {
        retention(&ConfigFile::read(file)?, &Names { file })
    }

    /// Reads the file that `args` name, and checks all.
    ///
    /// # Errors
    /// A [`Complaint`] (exit 2) naming file or flag, key and mend.
    pub(super) fn of(args: &SenderArgs) -> Result<Self, Complaint> {
        let file = ConfigFile::read(args.link.config.as_deref())?;
        let names = Names {
            file: args.link.config.as_deref(),
        };
        // The one that newcomers miss comes first.
        let rate = needed(args.link.rate.or(file.rate), "rate", "200M")?;
        let to = Chosen::of(args.to, file.to).ok_or_else(|| missing("to", "192.0.2.2:4600"))?;
        if to.value.port() == 0 {
            return Err(names.out_of_range(&to, "to", to.value, "an address with a port from 1 on"));
        }
        let key = needed(
            args.key.clone().or_else(|| file.key.clone()),
            "key",
            "/etc/diode/link.key",
        )?;
        let state = needed(
            args.state.clone().or_else(|| file.state.clone()),
            "state",
            "/var/lib/diode-tx",
        )?;
        let bind = args.bind.or(file.bind);
        if let Some(bind) = bind.filter(|bind| bind.is_ipv4() != to.value.is_ipv4()) {
            return Err(Complaint::usage("`to` and `bind` are addresses of different families")
                .fact("key", format_args!("to = {}, bind = {bind}", to.value))
                .mend("give both as IPv4 or both as IPv6 addresses"));
        }
        let link = LinkConfig::of(&args.link, &file)?;
        for address in [Some(to.value), bind].into_iter().flatten() {
            ports_for(link.lanes, address)?;
        }
        Ok(Self {
            to: to.value,
            bind,
            key,
            state,
            rate,
            rate_counts: rate_counts(&args.link, &file),
            link,
        })
    }

    /// What a datagram costs.
    pub(super) fn framing(&self) -> Framing {
        Framing::towards(self.to, self.rate_counts)
    }
}

impl ForecastConfig {
    /// Reads the file that `args` name, and checks what of it says something about the link.
    ///
    /// # Errors
    /// As [`Config::of`].
    pub(super) fn of(args: &LinkArgs) -> Result<Self, Complaint> {
        let file = ConfigFile::read(args.config.as_deref())?;
        let rate_counts = rate_counts(args, &file);
        // Without an address, IPv4: the difference is 20 bytes a packet.
        let to = file.to.unwrap_or((Ipv4Addr::UNSPECIFIED, 0).into());
        Ok(Self {
            rate: args.rate.or(file.rate),
            rate_counts,
            framing: Framing::towards(to, rate_counts),
            link: LinkConfig::of(args, &file)?,
        })
    }
}

fn retention(file: &ConfigFile, names: &Names<'_>) -> Result<Retention, Complaint> {
    let number = |key, written: Option<i64>, most: u64| {
        Chosen::of(None, written)
            .map(|chosen| names.within(&chosen, key, 1, most))
            .transpose()
    };
    let mib = number("retention.sent_mib", file.retention.sent_mib, MOST_MIB)?;
    Ok(Retention {
        days: number("retention.sent_days", file.retention.sent_days, MOST_DAYS)?,
        bytes: mib.map(|mib| mib << 20),
    })
}

/// Each lane has a port of its own, from the address's on; port 0 is the system's choice for every lane.
fn ports_for(lanes: u8, address: SocketAddr) -> Result<(), Complaint> {
    let last = address.port().checked_add(u16::from(lanes.saturating_sub(1)));
    if address.port() == 0 || last.is_some() {
        return Ok(());
    }
    Err(Complaint::usage("there are not enough ports for all lanes")
        .fact("lanes", lanes)
        .fact("address", address)
        .mend("choose a lower port: each lane takes the next"))
}

fn rate_counts(args: &LinkArgs, file: &ConfigFile) -> RateCounts {
    args.rate_counts.or(file.rate_counts).unwrap_or_default()
}

impl LinkConfig {
    fn of(args: &LinkArgs, file: &ConfigFile) -> Result<Self, Complaint> {
        let names = Names {
            file: args.config.as_deref(),
        };
        let fec = &file.fec;
        let mtu = Chosen::or(args.mtu, file.mtu, DEFAULT_MTU);
        let passes = Chosen::or(args.passes, file.passes, DEFAULT_PASSES);
        let lanes = Chosen::or(args.lanes, file.lanes, DEFAULT_LANES);
        let loss = Chosen::or(args.loss, fec.loss, DEFAULT_LOSS);
        let burst = Chosen::or(args.burst, fec.burst, DEFAULT_BURST);
        let residual = Chosen::or(args.residual, fec.residual, DEFAULT_RESIDUAL);
        let mtu = names.within(&mtu, "mtu", MIN_MTU, MAX_MTU)?;
        let passes = names.within(&passes, "passes", 1, MAX_PASSES)?;
        let lanes = names.within(&lanes, "lanes", 1, MAX_LANES)?;
        let burst_packets = names.within(&burst, "fec.burst", 0, MAX_BURST)?;
        let symbol_len = symbol_len(mtu);
        let from_burst = default_depth(burst_packets, symbol_len);
        let depth = Chosen::or(args.depth, fec.depth, from_burst.into());
        let depth_blocks = names.within(&depth, "fec.depth", 1, MAX_DEPTH)?;
        let redundancy = Redundancy::new(loss.value.fraction(), burst_packets, residual.value, depth_blocks);
        let redundancy = redundancy.map_err(|error| match error {
            RedundancyError::Range {
                field: "loss", range, ..
            } => names.out_of_range(&loss, "fec.loss", loss.value, range),
            RedundancyError::Range { range, .. } => {
                names.out_of_range(&residual, "fec.residual", residual.value, range)
            }
            RedundancyError::TooMuch { .. } => Complaint::usage(error),
        })?;
        Ok(Self {
            mtu,
            symbol_len,
            redundancy,
            passes,
            lanes,
        })
    }
}

/// The largest multiple of 64 bytes that fits an IP packet of `mtu` bytes with header, UDP and IPv6: the same for both families, so that the
/// address doesn't decide how a bundle is cut.
fn symbol_len(mtu: u16) -> u16 {
    (mtu - HEADERS) / 64 * 64
}

/// Blocks to interleave for bursts so long: the fewest by which one takes no more of a block than [`BURST_SHARE`], as far as two groups
/// of so many stay within [`TWO_GROUPS_BYTES`].
fn default_depth(burst: u32, symbol_len: u16) -> u16 {
    let leaf_len = leaf_len_for(symbol_len);
    let block = u64::from(leaf_len) * u64::from(Layout::leaves_per_block_for(leaf_len, symbol_len));
    let fits = |depth: u16| 2 * u64::from(depth) * block <= TWO_GROUPS_BYTES;
    let mut depth = LEAST_DEFAULT_DEPTH;
    while burst.div_ceil(u32::from(depth) - 2) > BURST_SHARE && depth < MAX_DEPTH && fits(depth * 2) {
        depth *= 2;
    }
    depth
}

/// Symbols that a burst may take of a block before more are interleaved: 5 % of a full block's 187.
const BURST_SHARE: u32 = 9;
/// Content of two groups of a lane, which both sides hold, in bytes.
const TWO_GROUPS_BYTES: u64 = 64 << 20;
/// Enough that some are sent while others are coded; with more, a group leaves the cache before it is sent.
const LEAST_DEFAULT_DEPTH: u16 = 4;

/// Bytes around a datagram's body in an IP packet: our header, UDP's, and that of IPv6.
const HEADERS: u16 = HEADER_LEN as u16 + 8 + 40;

const DEFAULT_MTU: i64 = 1500;
const DEFAULT_PASSES: i64 = 1;
const DEFAULT_LANES: i64 = 1;
const DEFAULT_LOSS: Percent = match Percent::from_parts_per_billion(10_000_000) {
    Some(loss) => loss,
    None => Percent::ZERO,
};
const DEFAULT_BURST: i64 = 64;
const DEFAULT_RESIDUAL: f64 = 1e-9;
/// An announce fits, which is longer than the symbols of an MTU so small.
const MIN_MTU: u16 = 320;
const _: () = assert!(ANNOUNCE_BODY_LEN <= MIN_MTU as usize - HEADERS as usize);
const MAX_MTU: u16 = 9000;
/// As on the receiver's side: 16 TiB, and a century.
const MOST_MIB: u64 = 16_777_216;
const MOST_DAYS: u64 = 36_500;
/// What [`Redundancy`] takes.
const MAX_BURST: u32 = 1_000_000;

/// A value, and who chose it.
#[derive(Debug)]
struct Chosen<T> {
    value: T,
    whence: Whence,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whence {
    Flag,
    File,
    Default,
}

impl<T> Chosen<T> {
    fn of(flag: Option<T>, file: Option<T>) -> Option<Self> {
        let from = |whence| move |value| Self { value, whence };
        flag.map(from(Whence::Flag)).or_else(|| file.map(from(Whence::File)))
    }

    fn or(flag: Option<T>, file: Option<T>, default: T) -> Self {
        Self::of(flag, file).unwrap_or(Self {
            value: default,
            whence: Whence::Default,
        })
    }
}

/// What a complaint calls the places that values come from.
struct Names<'a> {
    file: Option<&'a Path>,
}

impl Names<'_> {
    /// The number as the type that the code runs on, if it is from `least` to `most`.
    fn within<N>(&self, chosen: &Chosen<i64>, key: &str, least: N, most: N) -> Result<N, Complaint>
    where
        N: TryFrom<i64> + PartialOrd + Copy + Display,
    {
        let fits = |number: &N| (&least..=&most).contains(&number);
        let number = N::try_from(chosen.value).ok().filter(fits);
        number.ok_or_else(|| self.out_of_range(chosen, key, chosen.value, &format!("{least} to {most}")))
    }

    fn out_of_range<T>(&self, chosen: &Chosen<T>, key: &str, value: impl Display, range: &str) -> Complaint {
        let complaint = Complaint::usage(format_args!("{key} = {value} is out of range ({range})"));
        let complaint = match (chosen.whence, self.file) {
            (Whence::File, Some(file)) => complaint.fact("file", file.display()),
            (Whence::Flag, _) => complaint.fact("flag", flag_of(key)),
            (Whence::File | Whence::Default, _) => complaint,
        };
        complaint
            .fact("key", key)
            .mend(format_args!("choose a value in the range: {range}"))
    }
}

/// The flag that sets a key: its last part.
fn flag_of(key: &str) -> String {
    format!("--{}", key.rsplit('.').next().unwrap_or(key))
}

fn needed<T>(value: Option<T>, key: &str, example: &str) -> Result<T, Complaint> {
    value.ok_or_else(|| missing(key, example))
}

fn missing(key: &str, example: &str) -> Complaint {
    let summary = match key {
        "rate" => "no rate is set, and there is no unlimited default".to_owned(),
        _ => format!("`{key}` is not set"),
    };
    Complaint::usage(summary).fact("key", key).mend(format_args!(
        "give {} {example}, or set {key} = \"{example}\" in the file of --config",
        flag_of(key)
    ))
}

#[cfg(test)]
#[path = "config_tests.rs"]
mod tests;

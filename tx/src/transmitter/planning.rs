//! `diode-tx plan`: what a link's settings come to, without a bundle.
//!
//! ```text
//! settings ─▶ a bundle of many groups ─▶ Forecast ─▶ what every group has in common: K, R, burst, memory, latency
//!          └▶ a bundle of each --size ─▶ Forecast ─▶ a line each: datagrams, repair, time, chance of failure
//! ```

use std::fmt::Write as _;

use hw::units::Rate;
use protocol::digest::{BundleId, Digest};
use protocol::fec::Redundancy;
use protocol::layout::Layout;
use protocol::limits::{MAX_K, MAX_LEAF_LEN, MIN_LEAF_LEN};
use protocol::transmission::{BundleShape, TransmissionError};
use serde::Serialize;

use super::cli::PlanArgs;
use super::config::{ForecastConfig, LinkConfig};
use super::forecast::{Forecast, Memory, PartForecast};
use super::framing::RateCounts;
use super::progress::percent_text;
use crate::complaint::Complaint;
use crate::output::{self, line};
use crate::units::{ByteSize, count_text, size_text};

/// Prints what the settings come to.
///
/// # Errors
/// A [`Complaint`] (exit 2) if the configuration is wrong, or no bundle can be sent with it.
pub(super) fn plan(args: &PlanArgs) -> Result<(), Complaint> {
    let config = ForecastConfig::of(&args.link)?;
    let prospect = Prospect::of(&config, &args.size)?;
    output::print(&if args.json {
        output::json_line(&prospect.json())?
    } else {
        prospect.text()
    })
}

/// What is foretold.
struct Prospect<'a> {
    config: &'a ForecastConfig,
    leaf_len: u32,
    /// A bundle of many groups.
    steady: Forecast,
    sized: Vec<(&'a ByteSize, Forecast)>,
}

impl<'a> Prospect<'a> {
    fn of(config: &'a ForecastConfig, sizes: &'a [ByteSize]) -> Result<Self, Complaint> {
        let link = &config.link;
        let leaf_len = leaf_len_for(link.symbol_len);
        let forecast = |content_len| Forecast::of(&shape_of_size(content_len, leaf_len), link, config.framing);
        let groups = 2 * u64::from(link.lanes) * u64::from(link.redundancy.depth());
        let leaves = Layout::leaves_per_block_for(leaf_len, link.symbol_len);
        let steady = forecast(groups * u64::from(leaf_len) * u64::from(leaves));
        let sized = sizes.iter().map(|size| match forecast(size.bytes()) {
            Ok(forecast) => Ok((size, forecast)),
            Err(error) => Err(unplannable(&error).fact("size", size)),
        });
        Ok(Self {
            config,
            leaf_len,
            steady: steady.map_err(|error| unplannable(&error))?,
            sized: sized.collect::<Result<_, _>>()?,
        })
    }

    fn link(&self) -> (&LinkConfig, &Redundancy) {
        (&self.config.link, &self.config.link.redundancy)
    }

    fn text(&self) -> String {
        let mut text = String::new();
        self.link_text(&mut text);
        self.code_text(&mut text);
        self.burst_text(&mut text);
        self.group_text(&mut text);
        self.sizes_text(&mut text);
        text
    }

    fn link_text(&self, text: &mut String) {
        let (link, redundancy) = self.link();
        let LinkConfig {
            mtu,
            symbol_len,
            passes,
            lanes,
            ..
        } = link;
        let passes = count_text((*passes).into(), "pass", "passes");
        let lanes = count_text((*lanes).into(), "lane", "lanes");
        let depth = redundancy.depth();
        line(
            text,
            "link",
            format_args!("symbols of {symbol_len} bytes (MTU {mtu}), {depth} blocks interleaved"),
        );
        line(text, "", format_args!("{passes}, {lanes}"));
        let leaves = Layout::leaves_per_block_for(self.leaf_len, *symbol_len);
        line(
            text,
            "block",
            format_args!(
                "{} of {}",
                count_text(leaves.into(), "leaf", "leaves"),
                size_text(self.leaf_len.into())
            ),
        );
        if self.leaf_len < MAX_LEAF_LEN {
            line(
                text,
                "",
                format_args!("pack with --leaf-len {}: a longer one does not fit", self.leaf_len),
            );
        }
    }

    fn code_text(&self, text: &mut String) {
        let (_, redundancy) = self.link();
        line(text, "content", part_text(self.steady.content()));
        line(
            text,
            "",
            format_args!(
                "a block fails with {} ({} allowed)",
                chance_text(self.steady.block_failure()),
                chance_text(redundancy.residual())
            ),
        );
        line(
            text,
            "head",
            format_args!(
                "R {} or more: its blocks can be short; sent twice a pass",
                self.steady.head().repair
            ),
        );
        line(
            text,
            "announces",
            format_args!(
                "{} before the first symbol; all lost with {}, and with",
                self.link().1.opening_announces(),
                chance_text(self.announces_lost())
            ),
        );
        line(text, "", "them the first group, which no chance below counts");
    }

    fn burst_text(&self, text: &mut String) {
        let (_, redundancy) = self.link();
        let (burst, share) = (redundancy.burst(), redundancy.burst_share());
        if burst == 0 {
            line(text, "burst", "none is reckoned with");
        } else {
            let shared = count_text(redundancy.sharing_blocks().into(), "block", "blocks");
            line(
                text,
                "burst",
                format_args!("{burst} packets are survived besides random loss: {shared} or more"),
            );
            line(
                text,
                "",
                format_args!(
                    "of a group share them, {} each at most; the head and a",
                    count_text(share.into(), "symbol", "symbols")
                ),
            );
            line(text, "", "shorter group are sent again, that many packets later");
        }
        line(
            text,
            "",
            format_args!("alone, up to {} packets in a row", self.longest_burst()),
        );
    }

    fn group_text(&self, text: &mut String) {
        let Memory { sender, receiver } = self.steady.memory();
        line(
            text,
            "memory",
            format_args!(
                "{} here, {} at the receiver: two groups a lane",
                size_text(sender),
                size_text(receiver)
            ),
        );
        let packets = self.steady.group_packets();
        match self.config.rate {
            Some(rate) => {
                let time = time_text(self.steady.group_nanos_at(rate));
                line(text, "latency", format_args!("{time} for a group of {packets} packets"));
                let counted = match self.config.rate_counts {
                    RateCounts::Wire => "on the wire",
                    RateCounts::Payload => "of payload",
                };
                line(text, "", format_args!("at {rate} {counted}"));
            }
            None => line(
                text,
                "latency",
                format_args!("that of {packets} packets; give --rate to see how long"),
            ),
        }
    }

    fn sizes_text(&self, text: &mut String) {
        let _ = writeln!(
            text,
            "\n{:<10}{:>8}{:>10}{:>13}{:>9}{:>11}{:>12}",
            "bundle", "blocks", "head K+R", "datagrams", "repair", "time", "fails with"
        );
        for (size, forecast) in &self.sized {
            let PartForecast { k, repair, .. } = forecast.head();
            let time = self
                .config
                .rate
                .map(|rate| time_text(nanos_of(forecast.millis_at(rate))));
            let _ = writeln!(
                text,
                "{size:<10}{:>8}{:>10}{:>13}{:>9}{:>11}{:>12}",
                forecast.blocks(),
                format!("{k}+{repair}"),
                forecast.datagrams(),
                percent_text(forecast.repair_ppm()),
                time.as_deref().unwrap_or("-"),
                chance_text(forecast.failure()),
            );
        }
        let _ = write!(
            text,
            "\nA head is taken as {} and 32 bytes a leaf. Repair is all that a link\n\
             without loss would not need: repair symbols, announces, the group that is\n\
             sent again, and gaps, which other bundles fill if there are some.\n",
            size_text(ENVELOPE_LEN.into())
        );
    }

    /// The probability that no announce comes before the first group of any pass.
    fn announces_lost(&self) -> f64 {
        let (link, redundancy) = self.link();
        redundancy
            .loss()
            .powf(f64::from(redundancy.opening_announces() * u32::from(link.passes)))
    }

    /// Packets that can be lost in a row from a full group if nothing else is lost.
    fn longest_burst(&self) -> u64 {
        let spare = self.steady.content().repair.saturating_sub(2);
        u64::from(spare) * u64::from(self.link().1.sharing_blocks())
    }

    fn json(&self) -> PlanJson {
        let (link, redundancy) = self.link();
        let Memory { sender, receiver } = self.steady.memory();
        let content = self.steady.content();
        PlanJson {
            schema: 1,
            mtu: link.mtu,
            symbol_len: link.symbol_len,
            leaf_len: self.leaf_len,
            leaves_per_block: Layout::leaves_per_block_for(self.leaf_len, link.symbol_len),
            depth: redundancy.depth(),
            lanes: link.lanes,
            passes: link.passes,
            content: CodeJson::of(content),
            head: CodeJson::of(self.steady.head()),
            residual_asked: redundancy.residual(),
            block_failure: self.steady.block_failure(),
            announces_lost: self.announces_lost(),
            burst_packets: redundancy.burst(),
            burst_symbols_a_block: redundancy.burst_share(),
            burst_packets_alone: self.longest_burst(),
            memory_bytes: sender,
            receiver_memory_bytes: receiver,
            group_packets: self.steady.group_packets(),
            rate_bits_per_second: self.config.rate.map(Rate::bits_per_second),
            rate_counts: self.config.rate_counts,
            group_ns: self.config.rate.map(|rate| self.steady.group_nanos_at(rate)),
            sizes: self
                .sized
                .iter()
                .map(|(size, forecast)| self.size_json(size, forecast))
                .collect(),
        }
    }

    fn size_json(&self, size: &ByteSize, forecast: &Forecast) -> SizeJson {
        let Memory { sender, receiver } = forecast.memory();
        SizeJson {
            size: size.to_string(),
            bytes: size.bytes(),
            blocks: forecast.blocks(),
            head: CodeJson::of(forecast.head()),
            datagrams: forecast.datagrams(),
            datagram_bytes: forecast.bytes(),
            repair_ppm: forecast.repair_ppm(),
            memory_bytes: sender,
            receiver_memory_bytes: receiver,
            duration_ms: self.config.rate.map(|rate| forecast.millis_at(rate)),
            failure: forecast.failure(),
        }
    }
}

/// The envelope of a bundle with a few files.
const ENVELOPE_LEN: u32 = 2048;

/// The shape of a bundle with so many bytes of content: what is in it has no influence on the numbers.
fn shape_of_size(content_len: u64, leaf_len: u32) -> BundleShape {
    let index_len = content_len.div_ceil(leaf_len.into()).saturating_mul(32);
    let zeros = Digest([0; 32]);
    BundleShape {
        bundle: BundleId(zeros),
        envelope_len: ENVELOPE_LEN,
        // What is too much for a head is refused as one that is too long.
        head_len: u32::try_from(index_len)
            .unwrap_or(u32::MAX)
            .saturating_add(ENVELOPE_LEN),
        head_sha256: zeros,
        content_len,
        content_root: zeros,
        leaf_len,
    }
}

/// The leaf length that `diode-pack` takes by default, or the longest that fits symbols so short.
pub(super) fn leaf_len_for(symbol_len: u16) -> u32 {
    let mut leaf_len = MAX_LEAF_LEN;
    while leaf_len > MIN_LEAF_LEN && leaf_len.div_ceil(symbol_len.max(1).into()) > MAX_K {
        leaf_len /= 2;
    }
    leaf_len
}

fn unplannable(error: &TransmissionError) -> Complaint {
    Complaint::usage("no such bundle can be sent with these settings")
        .fact("cause", error)
        .mend(super::failure::mend_of(error))
}

fn part_text(part: PartForecast) -> String {
    let PartForecast { k, repair, .. } = part;
    let share = u64::from(repair) * 1_000_000 / u64::from(k + repair).max(1);
    format!("K {k}, R {repair}: {} of the symbols are repair", percent_text(share))
}

/// A chance with two digits: `4.1e-10`, `0`.
fn chance_text(chance: f64) -> String {
    if chance == 0.0 {
        "0".to_owned()
    } else {
        format!("{chance:.1e}")
    }
}

fn nanos_of(millis: u64) -> u64 {
    millis.saturating_mul(1_000_000)
}

/// A time in the unit that suits it: `0.21 ms`, `12.0 s`, `3.4 h`.
fn time_text(nanos: u64) -> String {
    let seconds = nanos as f64 / 1e9;
    match seconds {
        _ if seconds < 0.9995 => format!("{:.2} ms", seconds * 1e3),
        _ if seconds < 5999.5 => format!("{seconds:.1} s"),
        _ => format!("{:.1} h", seconds / 3600.0),
    }
}

#[derive(Serialize)]
struct PlanJson {
    schema: u32,
    mtu: u16,
    symbol_len: u16,
    leaf_len: u32,
    leaves_per_block: u16,
    depth: u16,
    lanes: u8,
    passes: u16,
    content: CodeJson,
    head: CodeJson,
    residual_asked: f64,
    block_failure: f64,
    announces_lost: f64,
    burst_packets: u32,
    burst_symbols_a_block: u32,
    burst_packets_alone: u64,
    memory_bytes: u64,
    receiver_memory_bytes: u64,
    group_packets: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    rate_bits_per_second: Option<u64>,
    rate_counts: RateCounts,
    #[serde(skip_serializing_if = "Option::is_none")]
    group_ns: Option<u64>,
    sizes: Vec<SizeJson>,
}

#[derive(Serialize)]
struct SizeJson {
    size: String,
    bytes: u64,
    blocks: u32,
    head: CodeJson,
    datagrams: u64,
    datagram_bytes: u64,
    repair_ppm: u64,
    memory_bytes: u64,
    receiver_memory_bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration_ms: Option<u64>,
    failure: f64,
}

/// K and R of the first block.
#[derive(Serialize)]
struct CodeJson {
    k: u32,
    repair: u32,
}

impl CodeJson {
    fn of(part: PartForecast) -> Self {
        let PartForecast { k, repair, .. } = part;
        Self { k, repair }
    }
}

#[cfg(test)]
#[path = "planning_tests.rs"]
mod tests;

//! `diode-tx inspect`: what a bundle claims, and what sending it would take.

use audit::escape::terminal;
use hw::units::Rate;
use protocol::digest::BundleId;
use protocol::time::UnixMillis;
use serde::Serialize;

use super::cli::InspectArgs;
use super::config::{ForecastConfig, LinkConfig};
use super::failure;
use super::forecast::{Forecast, Memory, PartForecast};
use super::intake::{self, Sound};
use super::link::shape_of;
use super::progress::percent_text;
use crate::complaint::Complaint;
use crate::output::{self, line};
use crate::units::{count_text, local_time_text, size_text};

/// Checks the bundle and prints its claims and its forecast.
///
/// # Errors
/// A [`Complaint`] if the configuration is wrong, or the bundle is not as it was signed.
pub(super) fn inspect(args: &InspectArgs) -> Result<(), Complaint> {
    intake::refuse_folder(&args.bundle)?;
    let config = ForecastConfig::of(&args.link)?;
    let sound = Sound::check(&args.bundle, true)?;
    let forecast = Forecast::of(&shape_of(&sound.bundle), &config.link, config.framing)
        .map_err(|error| failure::does_not_fit(&args.bundle, &error))?;
    let seen = Seen {
        sound: &sound,
        link: &config.link,
        rate: config.rate,
        forecast: &forecast,
    };
    output::print(&if args.json {
        output::json_line(&seen.json())?
    } else {
        seen.text()
    })
}

struct Seen<'a> {
    sound: &'a Sound,
    link: &'a LinkConfig,
    rate: Option<Rate>,
    forecast: &'a Forecast,
}

impl Seen<'_> {
    fn text(&self) -> String {
        let mut text = self.claimed_text();
        text.push_str(&self.sending_text());
        text
    }

    fn claimed_text(&self) -> String {
        let bundle = &self.sound.bundle;
        let statement = bundle.statement();
        let mut text = String::new();
        line(&mut text, "bundle", bundle.id());
        line(
            &mut text,
            "claimed",
            format_args!("author {}", terminal(&statement.author)),
        );
        let (created, end) = (local_time_text(statement.created), local_time_text(statement.not_after));
        line(&mut text, "", format_args!("created {created}, good until {end}"));
        line(
            &mut text,
            "",
            format_args!("audience {}", terminal(&statement.audience.join(", "))),
        );
        let files = count_text(statement.files.len() as u64, "file", "files");
        line(
            &mut text,
            "",
            format_args!("contents {files}, {}", size_text(statement.content_len)),
        );
        let leaves = count_text(bundle.leaf_count(), "leaf", "leaves");
        line(
            &mut text,
            "proved",
            format_args!(
                "head of {}, {leaves}, {files}: each as stated",
                size_text(bundle.head().len() as u64)
            ),
        );
        line(
            &mut text,
            "unproved",
            "who signed: no signature is checked here, a transmitter trusts nobody",
        );
        text
    }

    fn sending_text(&self) -> String {
        let (forecast, mut text) = (self.forecast, String::new());
        let LinkConfig {
            mtu,
            symbol_len,
            redundancy,
            passes,
            lanes,
        } = self.link;
        let passes = count_text((*passes).into(), "pass", "passes");
        let lanes = count_text((*lanes).into(), "lane", "lanes");
        line(
            &mut text,
            "link",
            format_args!(
                "symbols of {symbol_len} bytes (MTU {mtu}), {} blocks interleaved, {passes}, {lanes}",
                redundancy.depth()
            ),
        );
        line(&mut text, "", part_text("head", forecast.head()));
        line(&mut text, "", part_text("content", forecast.content()));
        let Memory { sender, receiver } = forecast.memory();
        line(
            &mut text,
            "",
            format_args!(
                "up to {} of blocks held here, {} at the receiver",
                size_text(sender),
                size_text(receiver)
            ),
        );
        line(
            &mut text,
            "sending",
            format_args!(
                "{} datagrams, {}, {} repair",
                forecast.datagrams(),
                size_text(forecast.bytes()),
                percent_text(forecast.repair_ppm()),
            ),
        );
        match self.rate {
            Some(rate) => {
                let seconds = forecast.millis_at(rate) as f64 / 1000.0;
                line(&mut text, "", format_args!("{seconds:.2} s at {rate}"));
            }
            None => line(&mut text, "", "give --rate to see how long"),
        }
        line(
            &mut text,
            "",
            format_args!("fails with {:.1e} on a link as lossy as that", forecast.failure()),
        );
        text
    }

    fn json(&self) -> InspectJson<'_> {
        let (bundle, forecast) = (&self.sound.bundle, self.forecast);
        let statement = bundle.statement();
        let Memory { sender, receiver } = forecast.memory();
        InspectJson {
            schema: 1,
            bundle: bundle.id(),
            claimed: ClaimedJson {
                author: &statement.author,
                audience: &statement.audience,
                created: statement.created,
                not_after: statement.not_after,
                files: statement.files.len(),
                bytes: statement.content_len,
            },
            signatures_checked: false,
            head_len: bundle.head().len(),
            leaf_len: statement.leaf_len,
            leaves: bundle.leaf_count(),
            mtu: self.link.mtu,
            symbol_len: self.link.symbol_len,
            depth: self.link.redundancy.depth(),
            lanes: self.link.lanes,
            passes: self.link.passes,
            head: forecast.head().into(),
            content: forecast.content().into(),
            datagrams: forecast.datagrams(),
            datagram_bytes: forecast.bytes(),
            repair_ppm: forecast.repair_ppm(),
            memory_bytes: sender,
            receiver_memory_bytes: receiver,
            failure: forecast.failure(),
            rate_bits_per_second: self.rate.map(Rate::bits_per_second),
            duration_ms: self.rate.map(|rate| forecast.millis_at(rate)),
        }
    }
}

fn part_text(name: &str, part: PartForecast) -> String {
    let PartForecast { blocks, k, repair } = part;
    match blocks {
        0 => format!("{name}: nothing"),
        _ => format!(
            "{name}: {}, K {k}, R {repair}",
            count_text(blocks.into(), "block", "blocks")
        ),
    }
}

#[derive(Serialize)]
struct InspectJson<'a> {
    schema: u32,
    bundle: BundleId,
    claimed: ClaimedJson<'a>,
    signatures_checked: bool,
    head_len: usize,
    leaf_len: u32,
    leaves: u64,
    mtu: u16,
    symbol_len: u16,
    depth: u16,
    lanes: u8,
    passes: u16,
    head: PartJson,
    content: PartJson,
    datagrams: u64,
    datagram_bytes: u64,
    repair_ppm: u64,
    memory_bytes: u64,
    receiver_memory_bytes: u64,
    failure: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    rate_bits_per_second: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration_ms: Option<u64>,
}

#[derive(Serialize)]
struct ClaimedJson<'a> {
    author: &'a str,
    audience: &'a [String],
    created: UnixMillis,
    not_after: UnixMillis,
    files: usize,
    bytes: u64,
}

#[derive(Serialize)]
struct PartJson {
    blocks: u32,
    k: u32,
    repair: u32,
}

impl From<PartForecast> for PartJson {
    fn from(part: PartForecast) -> Self {
        let PartForecast { blocks, k, repair } = part;
        Self { blocks, k, repair }
    }
}

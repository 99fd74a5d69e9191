//! One attempt: a new receiver, all bundles sent at a rate, and whether every one arrived.
//!
//! ```text
//! serve, tail ─▶ send ─▶ every bundle admitted? ─no─▶ Err(why)
//!                                │ yes
//!                                └─▶ status ─▶ stop ─▶ compare byte for byte ─▶ Ok(Observed)
//! ```

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, bail};
use audit::event::EventKind;
use hw::units::Rate;
use protocol::digest::BundleId;
use protocol::reception;
use protocol::time::UnixMillis;
use tempfile::TempDir;

use super::observed::{Lost, Observed, Timing};
use super::outfit::Outfit;
use crate::compare::same_bytes;
use crate::drive::{
    DriveError, Entry, Meter, Packed, Receiver, Sending, Sent, Serving, Tail, Transmitter, Usage, read_sent,
    syncs_counted,
};
use crate::lossy::{Dropped, Losses};
use crate::size::Size;

/// Bundles to be sent to a new receiver.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Trial<'a> {
    pub(crate) bundles: &'a [Packed],
    /// What is known of the link.
    pub(crate) sending: &'a Sending,
    /// The rate on the wire.
    pub(crate) rate: Rate,
    /// What the simulated link loses.
    pub(crate) losses: Losses,
    /// The receiver's folder is made below this one.
    pub(crate) spool: &'a Path,
    /// The receiver's limit for memory, unless it is its default.
    pub(crate) memory: Option<Size>,
}

/// How a trial ended: with everything there, or why not.
pub(crate) type Arrival = Result<Box<Observed>, String>;

impl Trial<'_> {
    /// Sends all bundles to a new receiver.
    pub(crate) fn run(&self, outfit: &Outfit) -> anyhow::Result<Arrival> {
        self.run_in(&Outfit::receiver_folder(self.spool)?, outfit)
    }

    /// The same with the receiver in `folder`, which stays.
    pub(crate) fn run_in(&self, folder: &TempDir, outfit: &Outfit) -> anyhow::Result<Arrival> {
        Outfit::warm(self.bundles)?;
        let receiver = outfit.receiver(&folder.path().join("rx"), self.memory)?;
        self.run_with(&outfit.transmitter, receiver)
    }

    fn run_with(&self, transmitter: &Transmitter, receiver: Receiver) -> anyhow::Result<Arrival> {
        let mut up = Up::start(receiver, self.losses)?;
        let rx_meter = up.serving.running.meter()?;
        let (sent, tx) = self.send(transmitter, up.serving.address)?;
        let last_admission = match up.wait_for_all(self.bundles)? {
            Ok(last_admission) => last_admission,
            Err(why) => {
                let places = places(&up.receiver.status()?.lost);
                up.serving.running.kill()?;
                return Ok(Err(format!("{why}; {places}")));
            }
        };
        let rx = rx_meter.stop();
        let status = up.receiver.status()?;
        let dropped = up.stop(self.bytes(), self.bundles)?;
        let bundles = self.bundles.len() as u64;
        let timing = Timing::of(&status, last_admission, bundles)
            .context("diode-rx admitted every bundle and does not say when they were complete")?;
        Ok(Ok(Box::new(Observed {
            bytes: self.bytes(),
            bundles,
            timing,
            rate: achieved(&sent),
            datagrams: dropped.of,
            lost: Lost::of(&status, dropped),
            buffer: status.sockets.iter().map(|socket| socket.buffer_bytes).sum(),
            tx,
            rx,
        })))
    }

    fn bytes(&self) -> u64 {
        self.bundles.iter().map(|bundle| bundle.bytes).sum()
    }

    /// Sends all bundles in one go.
    pub(crate) fn send(&self, transmitter: &Transmitter, to: SocketAddr) -> anyhow::Result<(Vec<Sent>, Usage)> {
        let files: Vec<&Path> = self.bundles.iter().map(|bundle| bundle.file.as_path()).collect();
        let sending = Sending {
            to,
            rate: self.rate.to_string(),
            ..self.sending.clone()
        };
        let running = transmitter.start(&files, &sending)?;
        let meter = running.meter()?;
        let limit = self.rate.time_for(self.bytes()) * 10 + 4 * PATIENCE + Duration::from_secs(files.len() as u64);
        let finished = running.wait(limit)?.done()?;
        let usage = with_the_rest(meter, finished.cpu);
        Ok((read_sent(&finished)?, usage))
    }
}

/// Runs a trial once more, with `strace` counting how often either side waits for the disk: `[tx, rx]`. How fast it is then says nothing.
pub(crate) fn count_syncs(outfit: &Outfit, trial: &Trial<'_>) -> anyhow::Result<Result<[u64; 2], String>> {
    let folder = Outfit::receiver_folder(trial.spool)?;
    let files = ["tx", "rx"].map(|side| folder.path().join(format!("{side}.syncs")));
    let [tx, rx] = &files;
    let receiver = outfit
        .receiver(&folder.path().join("rx"), trial.memory)?
        .counting_syncs(rx);
    match trial.run_with(&outfit.transmitter.counting_syncs(tx), receiver)? {
        Ok(_) => Ok(Ok([syncs_counted(tx)?, syncs_counted(rx)?])),
        Err(why) => Ok(Err(why)),
    }
}

/// A receiver that is up during a trial.
struct Up {
    receiver: Receiver,
    serving: Serving,
    tail: Tail,
}

impl Up {
    fn start(receiver: Receiver, losses: Losses) -> anyhow::Result<Self> {
        // Behind the same simulated link if it loses nothing, so that a loss is all that is added by a loss.
        let serving = receiver.serve_behind(losses)?;
        let tail = receiver.tail()?;
        Ok(Self {
            receiver,
            serving,
            tail,
        })
    }

    /// The time of the last admission, or why a bundle was not admitted.
    fn wait_for_all(&mut self, bundles: &[Packed]) -> anyhow::Result<Result<UnixMillis, String>> {
        let mut last = UnixMillis(0);
        for Packed { bundle, bytes, .. } in bundles {
            let limit = PATIENCE + Duration::from_secs(bytes >> 26);
            match wait_for_admission(&mut self.tail, limit, |id| id == *bundle)? {
                Ok(entry) => last = last.max(entry.event.time),
                Err(why) => return Ok(Err(why)),
            }
        }
        Ok(Ok(last))
    }

    /// Ends the receiver, compares what it holds with what was sent, and says what the simulated link lost.
    fn stop(self, bytes: u64, bundles: &[Packed]) -> anyhow::Result<Dropped> {
        // It finishes the scan that it is at.
        let limit = PATIENCE + Duration::from_secs(bytes >> 23);
        let finished = self.serving.running.end_within(limit)?.done()?;
        for bundle in bundles {
            compare(&self.receiver, bundle)?;
        }
        Dropped::in_words(&finished.stderr).context("the simulated link does not say what it lost")
    }
}

/// The admission of a bundle that is `wanted`, or why it was not admitted.
pub(crate) fn wait_for_admission(
    tail: &mut Tail,
    limit: Duration,
    mut wanted: impl FnMut(BundleId) -> bool,
) -> anyhow::Result<Result<Entry, String>> {
    let ended = tail.wait_for("the admission", limit, |entry| {
        let kind = entry.event.event;
        let decided = kind == EventKind::BundleAdmitted || entry.is_final();
        decided && entry.event.bundle.is_some_and(&mut wanted) || kind == EventKind::LinkMismatched
    });
    match ended {
        Ok(entry) if entry.event.event == EventKind::BundleAdmitted => Ok(Ok(entry)),
        Ok(entry) if entry.event.event == EventKind::LinkMismatched => bail!(
            "the receiver does not take this link: {}\n  mend    give it more memory, or a lower --depth",
            entry.event.detail.unwrap_or_default()
        ),
        Ok(entry) => Ok(Err(why_not(&entry))),
        // Not even an announce came through.
        Err(DriveError::TimedOut { .. }) => Ok(Err("nothing was heard of it".to_owned())),
        Err(error) => Err(error.into()),
    }
}

/// Where datagrams were lost of which some were missed, those of the simulated link among the link's.
pub(crate) fn places(lost: &reception::Lost) -> String {
    let reception::Lost { link, socket, queue } = lost;
    format!("datagrams lost to link {link}, socket {socket}, queue {queue}")
}

fn why_not(entry: &Entry) -> String {
    let missing = entry.event.blocks_missing.zip(entry.event.blocks);
    let missing = missing.map_or_else(String::new, |(missing, all)| format!(" {missing} of {all} blocks"));
    format!("{}{missing}", entry.event.event)
}

/// For what does not depend on the amount.
const PATIENCE: Duration = Duration::from_secs(15);

/// The receiver's copy must be the file that was sent: in whatever state of quarantine, it is kept packed.
fn compare(receiver: &Receiver, packed: &Packed) -> anyhow::Result<()> {
    let name = format!("{}.bundle", packed.bundle);
    let mut stored = receiver.stored(packed.bundle).into_iter();
    let copy = stored.find(|path| path.file_name().is_some_and(|file| file == name.as_str()));
    let copy = copy.with_context(|| format!("bundle {} was admitted and is not there", packed.bundle))?;
    anyhow::ensure!(
        same_bytes(&packed.file, &copy)?,
        "bundle {} was admitted and is not what was sent: this is a defect, please report it",
        packed.bundle
    );
    Ok(())
}

/// What a process used that ended by itself: what it used after the last look has no thread's name.
fn with_the_rest(meter: Meter, total: Duration) -> Usage {
    let mut usage = meter.stop();
    let rest = total.saturating_sub(usage.cpu_total());
    *usage.cpu.entry("unnamed".to_owned()).or_default() += rest;
    usage
}

/// The rate that the transmitter came to; `None` for a time too short to tell, and for several bundles, which overlap.
pub(crate) fn achieved(sent: &[Sent]) -> Option<Rate> {
    let [sent] = sent else { return None };
    let bits = u128::from(sent.wire_bits) * 1000;
    let rate = bits.checked_div(sent.duration_ms.into());
    let rate = rate.filter(|_| sent.duration_ms >= SHORTEST_MILLIS)?;
    Rate::from_bits_per_second(u64::try_from(rate).ok()?)
}

/// A time that is told in whole milliseconds is good for one in a hundred from here on.
const SHORTEST_MILLIS: u64 = 100;

#[cfg(test)]
mod tests {
    use super::*;

    /// A bundle sent in so long, with a million bits on the wire.
    fn sent(duration_ms: u64) -> Sent {
        serde_json::from_value(serde_json::json!({
            "time": UnixMillis(0).to_rfc3339(), "event": "bundle.sent", "epoch_id": "0000000000000001", "seq": 1, "again": false,
            "bundle": "0".repeat(64), "bytes": 1, "blocks": 1, "datagrams": 1_000, "wire_bits": 1_000_000, "repair_ppm": 0,
            "duration_ms": duration_ms,
        }))
        .unwrap()
    }

    #[test]
    fn the_rate_achieved_counts_what_the_wire_carries() {
        assert_eq!(achieved(&[sent(500)]).unwrap().bits_per_second(), 2_000_000);
    }

    #[test]
    fn a_time_too_short_to_tell_is_no_rate() {
        assert_eq!(achieved(&[sent(99)]), None);
        assert!(achieved(&[sent(100)]).is_some());
    }

    #[test]
    fn bundles_that_overlap_have_no_rate_of_their_own() {
        assert_eq!(achieved(&[sent(500), sent(500)]), None);
    }
}

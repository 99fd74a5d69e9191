//! One flood: a receiver, an honest transmitter, the flood, and what is left.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow, bail};
use audit::event::EventKind;
use audit::{keyfile, line};
use hw::units::Rate;
use protocol::digest::BundleId;
use protocol::keys::SigningKey;
use protocol::time::UnixMillis;
use protocol::wire::{LinkNumber, SessionId};

use super::carrier::Carrier;
use super::paced::{Offered, flood};
use super::property::Property;
use super::stream::{Kind, Stream, Target};
use super::watch::{Peak, taken, watch};
use crate::clock::now;
use crate::compare::same_bytes;
use crate::drive::{DriveError, Entry, Packed, Receiver, Sending, Serving, Tail};
use crate::input::Input;
use crate::trial::Outfit;

/// What is tried.
#[derive(Debug)]
pub(super) struct Trial {
    pub(super) kind: Kind,
    pub(super) seconds: Duration,
    /// What bare sockets receive.
    pub(super) raw: Rate,
    pub(super) seed: u64,
    pub(super) dir: PathBuf,
}

/// What was seen.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) offered: Offered,
    pub(super) peak: Peak,
    pub(super) properties: Vec<Property>,
}

/// The receiver's limit for sessions (limits.memory_mib), its queue of 32 MiB, and what a program has.
const MEMORY_CAP_KIB: u64 = (128 + 32 + 64) << 10;
/// What the folder may grow by, besides the honest bundles: sessions of the flood in the spool, and the log.
const DISK_CAP: u64 = 96 << 20;
/// The least and the most that is sent honestly.
const LEAST_BYTES: u64 = 2 << 20;
const MOST_BYTES: u64 = 256 << 20;
/// Longer than anything takes that a flood does not keep from happening.
const LIMIT: Duration = Duration::from_secs(30);
const LOOK_AGAIN: Duration = Duration::from_millis(20);
/// Loss that is provided for: what the sockets lose when the receiver is behind for a moment.
const LOSS: &str = "10%";
/// The number of the attacked session's bundle: far from those that the transmitter gives.
const ATTACKED_NUMBER: u64 = 10_000;

/// Bundles that are honestly sent.
struct Honest {
    /// Sent by the transmitter; its session is left alone.
    whole: Packed,
    /// Its session is attacked, where that is the kind.
    attacked: Packed,
    epoch: u64,
}

impl Trial {
    /// Floods a new receiver.
    ///
    /// # Errors
    /// If it could not be tried.
    pub(super) fn run(&self, outfit: &Outfit) -> anyhow::Result<Seen> {
        let folder = Outfit::receiver_folder(&self.dir)?;
        let receiver = outfit.receiver(&folder.path().join("rx"), None)?;
        let (serving, mut tail) = (receiver.serve()?, receiver.tail()?);
        let honest = self.prepare(outfit, &serving, &mut tail)?;
        let link_key = keyfile::load(outfit.transmitter.key())?;
        let before = taken(receiver.home());
        let sending = Sending::new(serving.address, &self.part(4).to_string(), LOSS);
        let sender = outfit.transmitter.start(&[&honest.whole.file], &sending)?;
        wait_for_session(&receiver, honest.whole.bundle)?;
        let (offered, peak, ended) = self.attack(&receiver, &serving, &honest, &link_key, outfit.stop())?;
        sender.wait(LIMIT)?.done()?;
        let mut properties = vec![
            arrival(&mut tail, &honest, ended)?,
            memory(&peak),
            disk(&peak, before, &honest),
        ];
        if self.kind == Kind::ForgedSymbols {
            properties.extend(self.attacked(&mut tail, &serving, &honest, &link_key)?);
        }
        properties.extend(ending(&receiver, serving, &mut tail, &honest)?);
        Ok(Seen {
            offered,
            peak,
            properties,
        })
    }

    /// A part of what bare sockets receive.
    fn part(&self, of: u64) -> Rate {
        Rate::from_bits_per_second((self.raw.bits_per_second() / of).max(1_000_000)).unwrap_or(self.raw)
    }

    /// Packs the bundles, and has a first one admitted: it tells the transmitter's epoch.
    fn prepare(&self, outfit: &Outfit, serving: &Serving, tail: &mut Tail) -> anyhow::Result<Honest> {
        let during = self.part(4).bits_per_second() as f64 / 8.0 * self.seconds.as_secs_f64() / 2.0;
        let whole = (during as u64).clamp(LEAST_BYTES, MOST_BYTES);
        let pack = |file_len, seed| -> anyhow::Result<Packed> {
            let input = Input { files: 1, file_len };
            outfit.pack(input, 1, seed)?.pop().context("nothing was packed")
        };
        let first = pack(1_000, self.seed)?;
        let sending = Sending::new(serving.address, "100M", "1%");
        outfit.transmitter.send(&[&first.file], &sending, LIMIT)?;
        let admitted = tail.wait_for("the first admission", LIMIT, |entry| is_admission(entry, first.bundle))?;
        let epoch = admitted.event.epoch_id.context("an admission without an epoch")?;
        Ok(Honest {
            whole: pack(whole, self.seed.wrapping_add(1))?,
            // As long as the flood, at a rate at which its first block is there soon.
            attacked: pack(
                LEAST_BYTES * (self.seconds.as_secs() / 10).max(1),
                self.seed.wrapping_add(2),
            )?,
            epoch: u64::from_str_radix(&epoch, 16)?,
        })
    }

    /// The flood itself: what was offered, what the receiver took, and when it ended.
    fn attack(
        &self,
        receiver: &Receiver,
        serving: &Serving,
        honest: &Honest,
        link_key: &SigningKey,
        stop: &AtomicBool,
    ) -> anyhow::Result<(Offered, Peak, UnixMillis)> {
        let (over, process) = (AtomicBool::new(false), serving.running.id());
        thread::scope(|scope| {
            let watching = scope.spawn(|| watch(process, receiver.home(), &over));
            let flooded = self.aim(receiver, serving, honest, link_key, scope).and_then(|target| {
                let stream = Stream::new(self.kind, self.seed, link_key, honest.epoch, target);
                Ok(flood(stream, serving.address, self.part(2), self.seconds, stop)?)
            });
            let ended = now();
            over.store(true, Ordering::Release);
            let peak = watching.join().map_err(|_| anyhow!("the watching thread panicked"))?;
            if stop.load(Ordering::Relaxed) {
                bail!(DriveError::Interrupted);
            }
            Ok((flooded?, peak, ended))
        })
    }

    /// Begins the session that is attacked, if one is to be.
    fn aim<'scope, 'env>(
        &self,
        receiver: &Receiver,
        serving: &Serving,
        honest: &Honest,
        link_key: &'env SigningKey,
        scope: &'scope thread::Scope<'scope, 'env>,
    ) -> anyhow::Result<Target> {
        let session = SessionId(0xA77A_C4ED);
        if self.kind != Kind::ForgedSymbols {
            return Ok(Target { session, blocks: 0 });
        }
        let carried = Carrier::read(&honest.attacked.file)?;
        // Slowly, so that it goes on for as long as the flood does.
        let rate = Rate::from_bits_per_second((honest.attacked.bytes * 8).div_ceil(self.seconds.as_secs().max(1)));
        let rate = rate.context("no rate for the attacked session")?;
        let (number, to) = (honest.number(), serving.address);
        scope.spawn(move || {
            if let Err(error) = carried.send(link_key, number, session, to, rate) {
                eprintln!("the attacked session could not be sent: {error:#}");
            }
        });
        let blocks = wait_for_session(receiver, honest.attacked.bundle)?;
        Ok(Target { session, blocks })
    }

    /// What is said of the attacked bundle, and whether it arrives when it is sent again.
    fn attacked(
        &self,
        tail: &mut Tail,
        serving: &Serving,
        honest: &Honest,
        link_key: &SigningKey,
    ) -> anyhow::Result<[Property; 2]> {
        let id = honest.attacked.bundle;
        let reported = "the attacked bundle is reported with its failed blocks";
        let told = tail.wait_for("the attacked bundle's end", LIMIT, |entry| {
            entry.event.bundle == Some(id)
                && matches!(
                    entry.event.event,
                    EventKind::BundleRefused | EventKind::BundleIncomplete
                )
        });
        let reported = match told {
            Ok(entry) => {
                let detail = entry.event.detail.unwrap_or_default();
                let names = detail.contains("block") || entry.event.blocks_missing > Some(0);
                Property::new(reported, names, format!("{}: {detail}", entry.event.event))
            }
            Err(DriveError::TimedOut { .. }) => Property::new(reported, false, "nothing was said of it"),
            Err(error) => return Err(error.into()),
        };
        let again = Carrier::read(&honest.attacked.file)?;
        again.send(
            link_key,
            honest.number(),
            SessionId(0xA6A1),
            serving.address,
            self.part(4),
        )?;
        let arrived = tail.wait_for("the attacked bundle's admission", LIMIT, |entry| {
            is_admission(entry, id)
        });
        let seen = match &arrived {
            Ok(_) => "admitted".to_owned(),
            Err(error) => error.to_string(),
        };
        let arrives = Property::new(
            "the attacked bundle arrives on the first pass after",
            arrived.is_ok(),
            seen,
        );
        Ok([reported, arrives])
    }
}

impl Honest {
    fn number(&self) -> LinkNumber {
        LinkNumber {
            epoch: self.epoch,
            sequence: ATTACKED_NUMBER,
        }
    }

    fn bytes(&self) -> u64 {
        self.whole.bytes + self.attacked.bytes
    }
}

/// Whether the honest bundle was admitted before the flood was over.
fn arrival(tail: &mut Tail, honest: &Honest, ended: UnixMillis) -> anyhow::Result<Property> {
    let name = "a bundle of another session arrives during the flood";
    let id = honest.whole.bundle;
    let last = tail.wait_for("the honest bundle's end", LIMIT, |entry| {
        is_admission(entry, id) || entry.event.bundle == Some(id) && entry.is_final()
    });
    Ok(match last {
        Ok(entry) if entry.event.event == EventKind::BundleAdmitted => {
            let early = ended.0.saturating_sub(entry.event.time.0);
            let late = entry.event.time.0.saturating_sub(ended.0);
            let told = if late > 0 {
                format!("{late} ms after the flood's end")
            } else {
                format!("{early} ms before the flood's end")
            };
            Property::new(name, late == 0, format!("{}, {told}", line::size(honest.whole.bytes)))
        }
        Ok(entry) => Property::new(
            name,
            false,
            format!("{}: {}", entry.event.event, entry.event.detail.unwrap_or_default()),
        ),
        Err(DriveError::TimedOut { .. }) => Property::new(name, false, "nothing was heard of it"),
        Err(error) => return Err(error.into()),
    })
}

fn is_admission(entry: &Entry, id: BundleId) -> bool {
    entry.event.bundle == Some(id) && entry.event.event == EventKind::BundleAdmitted
}

/// Waits until a bundle's session has a block, and says how many it will have.
fn wait_for_session(receiver: &Receiver, bundle: BundleId) -> anyhow::Result<u32> {
    let deadline = Instant::now() + LIMIT;
    loop {
        let status = receiver.status()?;
        let session = status.sessions.iter().find(|session| session.bundle == bundle);
        if let Some(session) = session.filter(|session| session.blocks_done > 0) {
            return Ok(session.blocks);
        }
        anyhow::ensure!(
            Instant::now() < deadline,
            "the session of {bundle} did not begin in {} s",
            LIMIT.as_secs()
        );
        thread::sleep(LOOK_AGAIN);
    }
}

fn memory(peak: &Peak) -> Property {
    let held = (1..=MEMORY_CAP_KIB).contains(&peak.resident_kib);
    let told = |kib: u64| line::size(kib << 10);
    let seen = format!("{} of {}", told(peak.resident_kib), told(MEMORY_CAP_KIB));
    Property::new("the receiver's memory stays under its cap", held, seen)
}

fn disk(peak: &Peak, before: u64, honest: &Honest) -> Property {
    let grown = peak.folder_bytes.saturating_sub(before);
    let cap = honest.bytes() + DISK_CAP;
    let seen = format!("{} of {}", line::size(grown), line::size(cap));
    Property::new("its folder grows by no more than is allowed", grown <= cap, seen)
}

/// What is true when all is over: of the process, its log, and what it admitted.
fn ending(receiver: &Receiver, serving: Serving, tail: &mut Tail, honest: &Honest) -> anyhow::Result<Vec<Property>> {
    let ended = serving.running.end_within(LIMIT)?;
    let sound = ended.code() == Some(0) && !ended.stderr.contains("panicked");
    let last_words = ended.stderr.lines().last().unwrap_or_default().to_owned();
    tail.wait_for("the receiver's end", LIMIT, |entry| {
        entry.event.event == EventKind::DaemonStopped
    })?;
    let expected = [&honest.whole, &honest.attacked];
    let (mut wrong, mut right) = (Vec::new(), 0);
    for entry in tail
        .seen()
        .iter()
        .filter(|entry| entry.event.event == EventKind::BundleAdmitted)
        .skip(1)
    {
        let packed = expected.iter().find(|packed| entry.event.bundle == Some(packed.bundle));
        match packed {
            Some(packed) if is_there(receiver, packed)? => right += 1,
            _ => wrong.push(entry.event.bundle.map(|id| id.to_string()).unwrap_or_default()),
        }
    }
    let log = receiver.verify_log();
    Ok(vec![
        Property::new(
            "nothing was admitted but what was honestly sent",
            wrong.is_empty(),
            format!("{right} as sent, wrong {wrong:?}"),
        ),
        Property::new(
            "the receiver ends in good order",
            sound,
            if sound { "exit code 0".to_owned() } else { last_words },
        ),
        Property::new(
            "its log verifies",
            log.is_ok(),
            match &log {
                Ok(verified) => format!("{} entries", verified.size),
                Err(error) => error.to_string(),
            },
        ),
    ])
}

/// Whether an admitted bundle lies there as it was sent.
fn is_there(receiver: &Receiver, packed: &Packed) -> anyhow::Result<bool> {
    let name = format!("{}.bundle", packed.bundle);
    let stored = receiver.stored(packed.bundle);
    let copy = stored
        .iter()
        .find(|path| path.file_name().is_some_and(|file| file == name.as_str()));
    match copy {
        Some(copy) => Ok(same_bytes(&packed.file, Path::new(copy))?),
        None => Ok(false),
    }
}

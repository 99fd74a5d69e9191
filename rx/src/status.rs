//! How a link is doing: what came, where datagrams were lost, what was completed last.
//!
//! ```text
//! socket threads ─┐
//! reassembly ─────┴─▶ Gauges ──control socket──▶ Status ─▶ `diode-rx status`, text or JSON
//! ```
//!
//! For reading only: nothing is decided by it, and it is lost at a restart. What must last stands in the audit log.

use std::fmt;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};

use protocol::digest::BundleId;
use protocol::link::{LinkMonitor, LinkState};
use protocol::reception::{Counters, Lost};
use protocol::time::{Tick, UnixMillis};
use protocol::wire::Heartbeat;
use serde::{Deserialize, Serialize};

use audit::line::{count, duration};

/// How a link is doing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// The form of this object.
    pub schema: u32,
    /// The link's name.
    pub link: String,
    /// The link's state.
    pub state: LinkStatus,
    /// When the receiver began to listen.
    pub since: UnixMillis,
    /// Each lane's socket.
    pub sockets: Vec<SocketStatus>,
    /// When the first datagram came, in microseconds since 1970.
    pub first_datagram_us: Option<u64>,
    /// Datagrams that are missing between those that came, by the place where they were lost.
    pub lost: Lost,
    /// Datagrams by fate.
    pub counters: Counters,
    /// Transmissions that go on.
    pub sessions: Vec<SessionStatus>,
    /// Bundles that were complete since the start.
    pub completed: u64,
    /// The last of them.
    pub last: Option<Completed>,
}

/// A link's state, and how far its transmitter is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LinkStatus {
    /// `unknown`, `up`, `silent`, `mismatched` or `foreign-version`.
    pub state: String,
    /// For how long it has been so.
    pub age_ms: u64,
    /// How long ago the last sign of life was, if there was one.
    pub unheard_ms: Option<u64>,
    /// What does not fit.
    pub detail: Option<String>,
    /// What the last heartbeat said.
    pub sender: Option<SenderStatus>,
}

/// How far a transmitter is, by its own word.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SenderStatus {
    /// Its epoch, 16 hex digits.
    pub epoch_id: String,
    /// Milliseconds between its heartbeats.
    pub interval_ms: u32,
    /// The number that the next bundle gets.
    pub next: u64,
    /// All packets of the bundles below this number have been sent.
    pub sent_below: u64,
    /// The numbers of what is being sent, eight at most.
    pub in_flight: Vec<u64>,
    /// Whether nobody accepted the epoch here, so that what it sends waits or is turned away.
    #[serde(default)]
    pub not_accepted: bool,
}

/// One lane's socket.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SocketStatus {
    /// Where it listens.
    pub listen: SocketAddr,
    /// Its receive buffer, in bytes as the kernel counts them.
    pub buffer_bytes: u64,
    /// Whether the kernel hands over datagrams joined (UDP_GRO).
    pub coalescing: bool,
    /// Datagrams that came.
    pub datagrams: u64,
    /// How often the kernel said that the buffer was full: buffers, not datagrams.
    pub overflowed: u64,
    /// How often datagrams had to stay in the buffer for a millisecond, since what is behind it had no room.
    pub behind: u64,
    /// Datagrams longer than any of ours.
    pub truncated: u64,
    /// Datagrams from another address than `link.from`.
    pub strangers: u64,
}

/// A transmission that goes on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SessionStatus {
    /// Its number.
    pub session: String,
    /// The bundle that is announced.
    pub bundle: BundleId,
    /// Its sequence number.
    pub seq: u64,
    /// Blocks that are done.
    pub blocks_done: u32,
    /// Blocks in all.
    pub blocks: u32,
}

/// A bundle that was complete: its last leaf verified and written to the spool.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Completed {
    /// The bundle.
    pub bundle: BundleId,
    /// Its sequence number.
    pub seq: u64,
    /// Bytes of content.
    pub bytes: u64,
    /// From its announce to its last leaf.
    pub duration_ms: u64,
    /// Datagrams lost on the link meanwhile, in parts per million.
    pub loss_ppm: u32,
    /// When, in microseconds since 1970.
    pub at_us: u64,
}

/// What reassembly keeps up to date.
#[derive(Debug, Default)]
pub struct Gauges(Mutex<Live>);

/// Reassembly's part of a [`Status`].
#[derive(Debug, Clone, Default)]
pub struct Live {
    /// See [`Status::state`].
    pub link: LinkStatus,
    /// See [`Status::lost`].
    pub lost: Lost,
    /// See [`Status::counters`].
    pub counters: Counters,
    /// See [`Status::sessions`].
    pub sessions: Vec<SessionStatus>,
    /// See [`Status::completed`].
    pub completed: u64,
    /// See [`Status::last`].
    pub last: Option<Completed>,
}

impl Gauges {
    /// What is known now.
    #[must_use]
    pub fn read(&self) -> Live {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Changes what is known.
    pub fn update(&self, change: impl FnOnce(&mut Live)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl LinkStatus {
    /// What a monitor knows at `now`.
    #[must_use]
    pub fn of(link: &LinkMonitor, now: Tick) -> Self {
        let sender = |heartbeat: &Heartbeat| SenderStatus {
            epoch_id: format!("{:016x}", heartbeat.epoch),
            interval_ms: heartbeat.interval_ms,
            next: heartbeat.next,
            sent_below: heartbeat.sent_below,
            in_flight: heartbeat.in_flight.iter().map(|one| one.sequence).collect(),
            not_accepted: false,
        };
        let detail = match link.state() {
            LinkState::Mismatched(mismatch) => Some(mismatch.to_string()),
            LinkState::ForeignVersion { theirs, ours } => {
                Some(format!("wire version {theirs} comes, {ours} is spoken"))
            }
            LinkState::Unknown | LinkState::Up | LinkState::Silent => None,
        };
        Self {
            state: link.state().word().to_owned(),
            age_ms: link.age_ms(now),
            unheard_ms: link.unheard_ms(now),
            detail,
            sender: link.latest().map(|signed| sender(signed.heartbeat())),
        }
    }
}

impl Default for LinkStatus {
    fn default() -> Self {
        Self::of(&LinkMonitor::default(), Tick(0))
    }
}

impl fmt::Display for LinkStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "link      {} for {}", self.state, duration(self.age_ms))?;
        match self.unheard_ms {
            Some(unheard) => writeln!(f, ", last sign of life {} ago", duration(unheard))?,
            None => writeln!(f, ", no sign of life yet")?,
        }
        if let Some(detail) = &self.detail {
            writeln!(f, "          {detail}")?;
        }
        let Some(sender) = &self.sender else { return Ok(()) };
        let SenderStatus {
            epoch_id,
            interval_ms,
            next,
            sent_below,
            in_flight,
            not_accepted,
        } = sender;
        let every = duration((*interval_ms).into());
        writeln!(f, "sender    epoch {epoch_id}, a heartbeat every {every}")?;
        if *not_accepted {
            writeln!(f, "          the epoch is not accepted here: diode-rx epoch list")?;
        }
        write!(f, "          next seq {next}, all below {sent_below} sent")?;
        match in_flight.as_slice() {
            [] => writeln!(f),
            [first, ..] => writeln!(f, ", {} under way from seq {first} on", in_flight.len()),
        }
    }
}

impl Status {
    /// What a link that is well has none of.
    fn counters_of_nothing_good(&self) -> [(u64, &'static str); 10] {
        let Counters {
            refused,
            foreign_version,
            announces_unknown_key,
            announces_invalid,
            announces_conflicting,
            heartbeats_old,
            heartbeats_unknown_key,
            heartbeats_invalid,
            unverified,
            duplicates,
            out_of_bounds,
            unknown_session,
            forged_blocks,
            ..
        } = self.counters;
        [
            (foreign_version, "of another version"),
            (refused, "of a kind, suite or field that is not known here"),
            (unknown_session, "of transmissions whose announce did not come"),
            (duplicates, "symbols that came twice"),
            (out_of_bounds, "symbols outside of what was announced"),
            (forged_blocks, "blocks solved to what nobody signed"),
            (
                announces_unknown_key + heartbeats_unknown_key,
                "by a link key that is not pinned",
            ),
            (
                announces_invalid + announces_conflicting + heartbeats_invalid,
                "announces and heartbeats that do not hold",
            ),
            (
                unverified,
                "announces and heartbeats too many in a second, not looked at",
            ),
            (heartbeats_old, "heartbeats that are not newer than those before"),
        ]
    }

    /// What came, and what was lost on the way.
    fn write_counters(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Counters {
            datagrams,
            symbols,
            surplus,
            damaged,
            foreign,
            filler,
            after_end,
            heartbeats_old,
            ..
        } = self.counters;
        writeln!(f, "came      {}", count(datagrams, "datagram"))?;
        writeln!(
            f,
            "          {symbols} kept, {surplus} surplus, {damaged} damaged, {foreign} foreign"
        )?;
        writeln!(
            f,
            "          {filler} filler, {after_end} of transmissions that were over"
        )?;
        for (number, what) in self.counters_of_nothing_good() {
            if number > 0 {
                writeln!(f, "          {number} {what}")?;
            }
        }
        if heartbeats_old > 0 && self.state.state != "up" {
            writeln!(
                f,
                "          heard before: a recording is played, or the transmitter's state"
            )?;
            writeln!(f, "          was put back; if it was, there: diode-tx epoch new")?;
        }
        let Lost { link, socket, queue } = self.lost;
        writeln!(
            f,
            "lost      {link} on the link, {socket} at the socket, {queue} in the queue"
        )?;
        if socket > 0 {
            writeln!(
                f,
                "          raise receive_buffer_mib and net.core.rmem_max, or lower the rate"
            )?;
        }
        if queue > 0 {
            writeln!(f, "          this host is too slow for the rate: lower it")?;
        }
        Ok(())
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.state)?;
        for socket in &self.sockets {
            writeln!(
                f,
                "listens   {}, buffer {} KiB{}",
                socket.listen,
                socket.buffer_bytes >> 10,
                if socket.coalescing { ", coalescing" } else { "" },
            )?;
        }
        writeln!(f, "since     {}", self.since.to_rfc3339())?;
        self.write_counters(f)?;
        for session in &self.sessions {
            let SessionStatus {
                seq,
                bundle,
                blocks_done,
                blocks,
                ..
            } = session;
            writeln!(
                f,
                "arriving  seq {seq}  {}…  {blocks_done} of {blocks} blocks",
                bundle.short()
            )?;
        }
        match &self.last {
            None => writeln!(f, "last      no bundle was completed yet"),
            Some(last) => writeln!(f, "last      {last}"),
        }
    }
}

impl fmt::Display for Completed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.duration_ms as f64 / 1000.0;
        write!(
            f,
            "seq {}  {}…  {} bytes in {seconds:.2} s",
            self.seq,
            self.bundle.short(),
            self.bytes
        )?;
        if self.duration_ms > 0 {
            let mbit = self.bytes as f64 * 8.0 / 1e6 / seconds;
            write!(f, ", {mbit:.0} Mbit/s")?;
        }
        write!(f, ", {:.2} % lost", f64::from(self.loss_ppm) / 10_000.0)
    }
}

#[cfg(test)]
mod tests {
    use protocol::digest::Digest;

    use super::*;

    fn status() -> Status {
        let bundle = BundleId(Digest([7; 32]));
        Status {
            schema: 1,
            link: "main".to_owned(),
            state: LinkStatus {
                state: "mismatched".to_owned(),
                age_ms: 7_380_000,
                unheard_ms: Some(400),
                detail: Some("link.lanes allows 1, the transmitter's settings need 4".to_owned()),
                sender: Some(SenderStatus {
                    epoch_id: "0a0b0c0d0e0f0001".to_owned(),
                    interval_ms: 1000,
                    next: 45,
                    sent_below: 43,
                    in_flight: vec![43, 44],
                    not_accepted: false,
                }),
            },
            since: UnixMillis(1_700_000_000_000),
            sockets: vec![SocketStatus {
                listen: ([127, 0, 0, 1], 4600).into(),
                buffer_bytes: 1 << 20,
                coalescing: true,
                datagrams: 10,
                overflowed: 0,
                behind: 0,
                truncated: 0,
                strangers: 0,
            }],
            first_datagram_us: Some(1),
            lost: Lost {
                link: 3,
                socket: 2,
                queue: 1,
            },
            counters: Counters::default(),
            sessions: vec![SessionStatus {
                session: "0a".to_owned(),
                bundle,
                seq: 5,
                blocks_done: 1,
                blocks: 9,
            }],
            completed: 1,
            last: Some(Completed {
                bundle,
                seq: 4,
                bytes: 1_000_000,
                duration_ms: 1000,
                loss_ppm: 25_000,
                at_us: 2,
            }),
        }
    }

    #[test]
    fn a_status_reads_back_from_its_json() {
        let text = serde_json::to_string(&status()).unwrap();
        assert_eq!(serde_json::from_str::<Status>(&text).unwrap(), status());
    }

    #[test]
    fn the_links_state_is_told_first_with_its_age_and_how_far_its_sender_is() {
        let text = status().to_string();
        let expected = [
            "link      mismatched for 2 h 3 min, last sign of life 0.4 s ago",
            "          link.lanes allows 1, the transmitter's settings need 4",
            "sender    epoch 0a0b0c0d0e0f0001, a heartbeat every 1.0 s",
            "          next seq 45, all below 43 sent, 2 under way from seq 43 on",
        ];
        assert_eq!(text.lines().take(4).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn an_epoch_that_nobody_accepted_is_told_with_the_verb_that_shows_it() {
        let mut waits = status();
        if let Some(sender) = &mut waits.state.sender {
            sender.not_accepted = true;
        }
        let told = "          the epoch is not accepted here: diode-rx epoch list\n";
        assert!(waits.to_string().contains(told) && !status().to_string().contains(told));
    }

    #[test]
    fn filler_and_what_comes_after_the_end_are_told() {
        let mut busy = status();
        (busy.counters.filler, busy.counters.after_end) = (12, 3);
        let text = busy.to_string();
        assert!(text.contains("12 filler, 3 of transmissions that were over"), "{text}");
    }

    #[test]
    fn what_came_and_fits_nothing_is_told_only_if_there_is_some() {
        let quiet = status().to_string();
        let mut odd = status();
        (odd.counters.unknown_session, odd.counters.heartbeats_old) = (71, 72);
        (odd.counters.announces_invalid, odd.counters.heartbeats_invalid) = (40, 33);
        let text = odd.to_string();
        for told in [
            "71 of transmissions whose announce did not come",
            "72 heartbeats that are not newer",
            "73 announces and heartbeats that do not hold",
            "diode-tx epoch new",
        ] {
            assert!(text.contains(told) && !quiet.contains(told), "{told}: {text}");
        }
        odd.state.state = "up".to_owned();
        assert!(!odd.to_string().contains("epoch new"), "the transmitter is heard");
    }

    #[test]
    fn a_link_that_was_never_heard_says_so() {
        let text = LinkStatus::default().to_string();
        assert_eq!(text, "link      unknown for 0.0 s, no sign of life yet\n");
    }

    #[test]
    fn losses_at_the_socket_and_in_the_queue_name_their_mend() {
        let text = status().to_string();
        assert!(
            text.contains("3 on the link, 2 at the socket, 1 in the queue"),
            "{text}"
        );
        assert!(
            text.contains("net.core.rmem_max") && text.contains("too slow"),
            "{text}"
        );
        let mut clean = status();
        clean.lost = Lost::default();
        assert!(!clean.to_string().contains("raise"));
    }

    #[test]
    fn the_last_bundle_is_told_with_its_rate_and_loss() {
        let text = status().to_string();
        assert!(
            text.contains("1000000 bytes in 1.00 s, 8 Mbit/s, 2.50 % lost"),
            "{text}"
        );
    }

    #[test]
    fn no_line_is_longer_than_a_terminal() {
        const MANY: u64 = 99_999_999;
        let mut odd = status();
        odd.state.state = "silent".to_owned();
        odd.counters = Counters {
            datagrams: MANY,
            refused: MANY,
            foreign_version: MANY,
            announces_unknown_key: MANY,
            announces_invalid: MANY,
            heartbeats_old: MANY,
            unverified: MANY,
            duplicates: MANY,
            out_of_bounds: MANY,
            unknown_session: MANY,
            forged_blocks: MANY,
            ..Counters::default()
        };
        for text in [status().to_string(), odd.to_string()] {
            assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        }
    }
}

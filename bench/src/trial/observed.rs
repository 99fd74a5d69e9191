//! What was seen of one run that arrived.

use std::time::Duration;

use hw::units::Rate;
use protocol::time::UnixMillis;
use rx::status::Status;

use crate::drive::Usage;
use crate::lossy::Dropped;

/// One run in which everything arrived.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Observed {
    /// Bytes of content that arrived.
    pub(crate) bytes: u64,
    /// Bundles that they arrived in.
    pub(crate) bundles: u64,
    /// When what happened at the receiver.
    pub(crate) timing: Timing,
    /// The rate on the wire that the transmitter came to; `None` if the time was too short to tell.
    pub(crate) rate: Option<Rate>,
    /// Datagrams that came to the receiver's socket, before the simulated link.
    pub(crate) datagrams: u64,
    /// What was lost, and where.
    pub(crate) lost: Lost,
    /// The receive buffer that the kernel granted, in bytes as it counts them.
    pub(crate) buffer: u64,
    /// What the transmitter used.
    pub(crate) tx: Usage,
    /// What the receiver used until the last bundle was admitted.
    pub(crate) rx: Usage,
}

impl Observed {
    /// Bits of content a second, from the first datagram to the last leaf verified and written.
    pub(crate) fn goodput(&self) -> f64 {
        self.bits() / seconds(self.timing.complete)
    }

    /// The same to the last bundle's admission on record.
    pub(crate) fn goodput_admitted(&self) -> f64 {
        self.bits() / seconds(self.timing.admitted)
    }

    /// Bundles a second, to the last one's admission on record.
    pub(crate) fn bundles_a_second(&self) -> f64 {
        self.bundles as f64 / seconds(self.timing.admitted)
    }

    /// What the way from the last leaf to the record takes of the whole time: the bytes and the record made durable, and the rename.
    pub(crate) fn share_of_sync(&self) -> f64 {
        1.0 - seconds(self.timing.complete) / seconds(self.timing.admitted)
    }

    fn bits(&self) -> f64 {
        self.bytes as f64 * 8.0
    }
}

/// Nothing is faster than what times are told to.
fn seconds(time: Duration) -> f64 {
    time.as_secs_f64().max(1e-6)
}

/// From the receiver's first datagram on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Timing {
    /// Until the last leaf was verified and written to the spool.
    pub(crate) complete: Duration,
    /// Until the last bundle's admission was recorded.
    pub(crate) admitted: Duration,
}

impl Timing {
    /// By what a receiver says of itself, and the time of the last admission's entry in its log. `None` unless it completed so many
    /// bundles. The log tells whole milliseconds: an admission is never told earlier than the completion before it.
    pub(crate) fn of(status: &Status, last_admission: UnixMillis, bundles: u64) -> Option<Self> {
        let first = status.first_datagram_us?;
        let last = status.last.as_ref().filter(|_| status.completed == bundles)?;
        let since_first = |micros: u64| Duration::from_micros(micros.saturating_sub(first));
        let complete = since_first(last.at_us);
        Some(Self {
            complete,
            admitted: since_first(last_admission.0.saturating_mul(1000)).max(complete),
        })
    }
}

/// Datagrams that were lost, by the place where.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Lost {
    /// On the simulated link, as it was asked for.
    pub(crate) simulated: u64,
    /// Before the receiver's socket, besides.
    pub(crate) link: u64,
    /// The socket's buffer was full.
    pub(crate) socket: u64,
    /// The socket's buffer was full since the receiver was behind.
    pub(crate) queue: u64,
}

impl Lost {
    /// By what a receiver says of itself, which can't tell a simulated link's losses from another's.
    pub(crate) fn of(status: &Status, dropped: Dropped) -> Self {
        Self {
            simulated: dropped.lost,
            link: status.lost.link.saturating_sub(dropped.lost),
            socket: status.lost.socket,
            queue: status.lost.queue,
        }
    }
}

#[cfg(test)]
mod tests {
    use protocol::digest::{BundleId, Digest};
    use protocol::reception;
    use rx::status::{Completed, LinkStatus};

    use super::*;

    /// Of a receiver that completed so many bundles, from 1,000,000 µs on, the last one at `at_us`.
    fn status(completed: u64, at_us: u64) -> Status {
        Status {
            schema: 1,
            link: "main".to_owned(),
            state: LinkStatus::default(),
            since: UnixMillis(0),
            sockets: Vec::new(),
            first_datagram_us: Some(1_000_000),
            lost: reception::Lost {
                link: 12,
                socket: 3,
                queue: 4,
            },
            counters: reception::Counters::default(),
            sessions: Vec::new(),
            completed,
            last: Some(Completed {
                bundle: BundleId(Digest([1; 32])),
                seq: 1,
                bytes: 1,
                duration_ms: 1,
                loss_ppm: 0,
                at_us,
            }),
        }
    }

    #[test]
    fn time_runs_from_the_first_datagram_to_the_last_completion_and_admission() {
        let timing = Timing::of(&status(2, 1_800_250), UnixMillis(1_900), 2).unwrap();
        assert_eq!(timing.complete, Duration::from_micros(800_250));
        assert_eq!(timing.admitted, Duration::from_millis(900));
    }

    #[test]
    fn an_admission_in_the_same_millisecond_is_not_before_the_completion() {
        let timing = Timing::of(&status(1, 1_800_250), UnixMillis(1_800), 1).unwrap();
        assert_eq!(timing.admitted, timing.complete);
    }

    #[test]
    fn a_receiver_that_did_not_complete_all_bundles_has_no_time() {
        assert_eq!(Timing::of(&status(1, 2_000_000), UnixMillis(2_000), 2), None);
    }

    #[test]
    fn what_the_simulated_link_lost_is_not_counted_twice() {
        let lost = Lost::of(&status(1, 1), Dropped { lost: 10, of: 100 });
        assert_eq!((lost.simulated, lost.link, lost.socket, lost.queue), (10, 2, 3, 4));
    }
}

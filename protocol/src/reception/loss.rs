//! How many of a lane's datagrams were lost, from the gaps in their packet numbers.
//!
//! A gap is blamed on the place whose own count of losses moved meanwhile: that says whose it is, never how many they were.
//! Anybody can write a packet number: the figures are for reading, and decide nothing.

use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

/// A jump further than this is a transmitter that started anew, not loss.
const LARGEST_JUMP: i32 = 1 << 24;

/// Numbers further apart are not taken from a datagram of no session.
const NEAR: i32 = 1 << 12;

/// Where datagrams were lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Place {
    /// Before the receiver's socket: the fibre, or either network card.
    #[default]
    Link,
    /// At the socket, whose buffer was full.
    Socket,
    /// Behind the socket, for want of a free buffer.
    Queue,
}

/// Datagrams lost, by place.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lost {
    /// See [`Place::Link`].
    pub link: u64,
    /// See [`Place::Socket`].
    pub socket: u64,
    /// See [`Place::Queue`].
    pub queue: u64,
}

/// Counts one lane's datagrams.
#[derive(Debug, Default)]
pub(super) struct LossMeter {
    highest: Option<u32>,
    reading: Reading,
    lost: Lost,
}

/// What a meter shows; the difference of two readings tells what was lost in between.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Reading {
    sent: u64,
    received: u64,
}

impl LossMeter {
    /// Counts a datagram; one that is not `known` to belong to a session only if its number is near the last ones. `at` is where
    /// those that are missing before it were lost.
    pub(super) fn count(&mut self, packet: u32, known: bool, at: Place) {
        // Two's complement makes the distance right across the wrap.
        let ahead = self.highest.map(|highest| packet.wrapping_sub(highest) as i32);
        let largest_jump = if known { LARGEST_JUMP } else { NEAR };
        match ahead {
            Some(ahead) if (1..largest_jump).contains(&ahead) => {
                let sent = u64::from(ahead.unsigned_abs());
                self.reading.sent += sent;
                *self.lost.at(at) += sent - 1;
            }
            // Late or twice: it was counted as sent, and as lost, when a later one came.
            Some(ahead) if (-largest_jump..=0).contains(&ahead) => {
                self.reading.received += 1;
                self.lost.link = self.lost.link.saturating_sub(1);
                return;
            }
            _ if !known => return,
            _ => self.reading.sent += 1,
        }
        self.reading.received += 1;
        self.highest = Some(packet);
    }

    pub(super) fn reading(&self) -> Reading {
        self.reading
    }

    pub(super) fn lost(&self) -> Lost {
        self.lost
    }
}

impl Lost {
    fn at(&mut self, place: Place) -> &mut u64 {
        match place {
            Place::Link => &mut self.link,
            Place::Socket => &mut self.socket,
            Place::Queue => &mut self.queue,
        }
    }
}

impl AddAssign for Lost {
    fn add_assign(&mut self, other: Self) {
        let Self { link, socket, queue } = other;
        self.link += link;
        self.socket += socket;
        self.queue += queue;
    }
}

impl AddAssign for Reading {
    fn add_assign(&mut self, other: Self) {
        let Self { sent, received } = other;
        self.sent += sent;
        self.received += received;
    }
}

impl Reading {
    /// Datagrams lost since `earlier`, in parts per million; `duplicates` were received more than once.
    pub(super) fn loss_ppm_since(&self, earlier: Reading, duplicates: u64) -> u32 {
        let sent = self.sent - earlier.sent;
        let arrived = (self.received - earlier.received).saturating_sub(duplicates);
        let lost = sent.saturating_sub(arrived);
        (lost.saturating_mul(1_000_000))
            .checked_div(sent)
            .map_or(0, |ppm| u32::try_from(ppm).unwrap_or(u32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loss(packets: impl IntoIterator<Item = u32>) -> u32 {
        let mut meter = LossMeter::default();
        for packet in packets {
            meter.count(packet, true, Place::Link);
        }
        meter.reading().loss_ppm_since(Reading::default(), 0)
    }

    #[test]
    fn nothing_lost_is_no_loss_across_the_wrap() {
        assert_eq!(loss([u32::MAX - 1, u32::MAX, 0, 1]), 0);
    }

    #[test]
    fn every_other_datagram_lost_is_nearly_half() {
        assert_eq!(loss((0..1000).step_by(2)), 499_499);
    }

    #[test]
    fn late_datagrams_are_no_loss() {
        assert_eq!(loss([1, 3, 2, 5, 4, 6]), 0);
    }

    #[test]
    fn a_strangers_number_counts_only_where_it_fits() {
        let mut meter = LossMeter::default();
        for (packet, known) in [(1, true), (2, false), (3, true), (900_000, false), (4, true)] {
            meter.count(packet, known, Place::Link);
        }
        assert_eq!(meter.reading().loss_ppm_since(Reading::default(), 0), 0);
        assert_eq!(meter.reading().sent, 4);
    }

    #[test]
    fn a_gap_is_blamed_on_the_place_that_was_named() {
        let mut meter = LossMeter::default();
        for (packet, at) in [
            (1, Place::Link),
            (4, Place::Socket),
            (5, Place::Queue),
            (7, Place::Queue),
            (9, Place::Link),
        ] {
            meter.count(packet, true, at);
        }
        let (link, socket, queue) = (1, 2, 1);
        assert_eq!(meter.lost(), Lost { link, socket, queue });
    }

    #[test]
    fn a_new_start_is_no_loss() {
        assert_eq!(loss([1, 2, 3_000_000_000, 3_000_000_001]), 0);
    }
}

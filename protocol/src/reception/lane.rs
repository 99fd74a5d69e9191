//! How many of a lane's datagrams were lost, from the gaps in their packet numbers.
//!
//! Anybody can write a packet number: the figure is for reading, and decides nothing.

/// A jump further than this is a transmitter that started anew, not loss.
const LARGEST_JUMP: i32 = 1 << 24;

/// Numbers further apart are not taken from a datagram of no session.
const NEAR: i32 = 1 << 12;

/// Counts one lane's datagrams.
#[derive(Debug, Default)]
pub(super) struct Lane {
    highest: Option<u32>,
    meter: Meter,
}

/// A reading; the difference of two tells what was lost in between.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Meter {
    sent: u64,
    received: u64,
}

impl Lane {
    /// Counts a datagram; one that is not `known` to belong to a session only if its number is near the last ones.
    pub(super) fn count(&mut self, packet: u32, known: bool) {
        // Two's complement makes the distance right across the wrap.
        let ahead = self.highest.map(|highest| packet.wrapping_sub(highest) as i32);
        let largest_jump = if known { LARGEST_JUMP } else { NEAR };
        match ahead {
            Some(ahead) if (1..largest_jump).contains(&ahead) => self.meter.sent += u64::from(ahead.unsigned_abs()),
            // Late or twice: it was counted as sent when a later one came.
            Some(ahead) if (-largest_jump..=0).contains(&ahead) => {
                self.meter.received += 1;
                return;
            }
            _ if !known => return,
            _ => self.meter.sent += 1,
        }
        self.meter.received += 1;
        self.highest = Some(packet);
    }

    pub(super) fn meter(&self) -> Meter {
        self.meter
    }
}

impl Meter {
    /// Datagrams lost since `earlier`, in parts per million; `duplicates` were received more than once.
    pub(super) fn loss_ppm_since(&self, earlier: Meter, duplicates: u64) -> u32 {
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
        let mut lane = Lane::default();
        for packet in packets {
            lane.count(packet, true);
        }
        lane.meter().loss_ppm_since(Meter::default(), 0)
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
        let mut lane = Lane::default();
        for (packet, known) in [(1, true), (2, false), (3, true), (900_000, false), (4, true)] {
            lane.count(packet, known);
        }
        assert_eq!(lane.meter().loss_ppm_since(Meter::default(), 0), 0);
        assert_eq!(lane.meter().sent, 4);
    }

    #[test]
    fn a_new_start_is_no_loss() {
        assert_eq!(loss([1, 2, 3_000_000_000, 3_000_000_001]), 0);
    }
}

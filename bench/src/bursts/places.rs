//! Where bursts begin: at the seams of a transmission, and evenly in between.

use std::collections::BTreeSet;

use crate::drive::Inspected;

/// Datagrams of filler that a transmitter sends before the first bundle.
pub(super) const WARM_UP: u64 = 32;

/// So many different places at which a burst can begin, by the number of the datagram since the receiver began to listen, in order.
/// There are fewer if there are fewer datagrams.
///
/// Always among them, as far as there are so many: the very start; the first announce; the last of the opening announces with the head
/// right behind it; the end of the last group and what repeats it; and the last datagram.
pub(super) fn places(plan: &Inspected, burst: u32, count: u32) -> Vec<u64> {
    let (burst, end) = (u64::from(burst), WARM_UP + plan.datagrams);
    let before_end = |datagrams: u64| end.saturating_sub(datagrams);
    let seams = [
        0,
        WARM_UP,
        // Between the opening announces are gaps as long as a burst altogether.
        WARM_UP + burst + 2,
        before_end(1),
        before_end(burst),
        before_end(2 * burst),
        before_end(3 * burst),
    ];
    let mut places = BTreeSet::new();
    let even = (1..).map(|nth| (halving(nth) * end as f64) as u64);
    let most = u64::from(count).min(end);
    // Twice as many as there are datagrams reach each of them.
    for place in seams
        .into_iter()
        .chain(even.take(2 * usize::try_from(end).unwrap_or(usize::MAX / 2)))
    {
        if places.len() as u64 >= most {
            break;
        }
        if place < end {
            places.insert(place);
        }
    }
    places.into_iter().collect()
}

/// The `nth` of a sequence of fractions between 0 and 1 that halves what is still widest: 1/2, 1/4, 3/4, 1/8, 5/8, …
fn halving(nth: u32) -> f64 {
    f64::from(nth.reverse_bits()) / 2.0_f64.powi(32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drive::Part;

    fn plan(datagrams: u64) -> Inspected {
        let part = Part {
            blocks: 1,
            k: 187,
            repair: 9,
        };
        Inspected {
            depth: 16,
            head: part,
            content: part,
            datagrams,
            repair_ppm: 0,
        }
    }

    #[test]
    fn there_are_as_many_places_as_were_asked_for_all_within_the_transmission() {
        for datagrams in [1_000, 50_000] {
            let places = places(&plan(datagrams), 500, 20);
            assert_eq!(places.len(), 20);
            assert!(places.iter().all(|place| *place < datagrams + WARM_UP), "{places:?}");
        }
    }

    #[test]
    fn start_head_and_end_are_among_them() {
        let places = places(&plan(50_000), 500, 20);
        for seam in [0, 32, 534, 50_031, 49_532, 49_032] {
            assert!(places.contains(&seam), "{seam} in {places:?}");
        }
    }

    #[test]
    fn no_gap_between_places_is_much_wider_than_it_must_be() {
        let places = places(&plan(50_000), 500, 20);
        let widest = places.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap();
        assert!(widest <= 2 * 50_032 / 13, "{widest}");
    }

    #[test]
    fn a_transmission_with_fewer_datagrams_than_places_has_fewer() {
        let places = places(&plan(8), 500, 100);
        assert!(places.len() <= 40 && places.first() == Some(&0), "{places:?}");
    }
}

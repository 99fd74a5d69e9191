//! Whose part comes next: the more urgent, the smaller, and filler only if nobody has anything.

use super::*;

/// Sends a large bundle and, once so many of its symbols are out, `other`; gives all headers, as far as they are announces and
/// symbols, and the room there was for the other.
fn overtaken(other: Outgoing, symbols_before: usize) -> (Vec<Header>, Option<Room>) {
    let wire = Wire::default();
    let (go_on, given) = bounded::<()>(1);
    let seen = wire.clone();
    let mut held_up = false;
    // Once the large one is far enough, its lane stands still until the other was given.
    let sink = move |batch: &[Vec<u8>]| {
        seen.take(0, batch);
        if !held_up && seen.symbols(session(0)) >= symbols_before {
            held_up = true;
            let _ = given.recv();
        }
        Ok(())
    };
    let mut link = link(vec![sink], 0, &Arc::default());
    let (other_id, mut room_given, wire_seen) = (other.id, None, wire.clone());
    let large = outgoing(0, sample_bundle(60 * LEAF_LEN as usize), &link_config(DEPTH));
    let mut row = Row {
        waiting: [large, other].into(),
        may_go: |room: Room, next: &Outgoing| {
            let goes = next.id != other_id || wire_seen.symbols(session(0)) >= symbols_before;
            if goes && next.id == other_id {
                room_given = Some(room);
                let _ = go_on.send(());
            }
            goes
        },
        ended: Vec::new(),
    };
    link.run(&mut row, &link_key()).unwrap();
    assert!(row.ended.iter().all(|ended| ended.result.is_ok()));
    link.finish();
    let headers = headers(&wire.all())
        .into_iter()
        .filter(|header| header.kind != Kind::Filler);
    (headers.collect(), room_given)
}

fn place_of_last(headers: &[Header], id: u64) -> usize {
    headers
        .iter()
        .rposition(|header| header.session == session(id))
        .unwrap()
}

#[test]
fn a_small_bundle_overtakes_a_large_one_between_its_groups() {
    let (headers, room) = overtaken(outgoing(1, sample_bundle(5000), &link_config(DEPTH)), 500);
    assert_eq!(room, Some(Room::Overtaking(Priority::Normal)));
    let (small, large) = (place_of_last(&headers, 1), place_of_last(&headers, 0));
    // All but 500 symbols of the large one's 10,000 and more were still to come.
    assert!(small < large / 2, "{small} of {large}");
    // Groups are never cut.
    let mut runs: Vec<Header> = headers;
    runs.dedup_by_key(|header| (header.session, header.kind));
    assert!(runs.len() < 200, "{}", runs.len());
}

#[test]
fn a_large_bundle_waits_for_the_large_one_under_way_though_it_is_more_urgent() {
    let (wire, watch) = (Wire::default(), Arc::default());
    let mut link = link(wired(&wire, 1), 0, &watch);
    let large = || sample_bundle(9 * LEAF_LEN as usize);
    // With gaps, in which the first leaves the lane to others.
    let bursts = LinkConfig {
        redundancy: protocol::fec::Redundancy::new(0.01, 50, 1e-9, 4).unwrap(),
        ..link_config(4)
    };
    let urgent = Outgoing {
        priority: Priority::Urgent,
        ..outgoing(1, large(), &bursts)
    };
    let ended = run(&mut link, vec![outgoing(0, large(), &bursts), urgent]);
    link.finish();
    assert!(ended.iter().all(|ended| ended.result.is_ok()));
    let headers = headers(&wire.all());
    let first_urgent = headers.iter().position(|header| header.session == session(1));
    assert!(first_urgent > Some(place_of_last(&headers, 0)), "{first_urgent:?}");
}

#[test]
fn gaps_of_a_bundle_that_is_alone_are_filled_to_the_packet() {
    let bursts = LinkConfig {
        redundancy: protocol::fec::Redundancy::new(0.01, 50, 1e-9, 4).unwrap(),
        ..link_config(4)
    };
    let (wire, watch) = (Wire::default(), Arc::default());
    let mut link = link(wired(&wire, 1), 0, &watch);
    let bundle = outgoing(0, sample_bundle(5000), &bursts);
    let plan = protocol::transmission::Plan::new(&shape_of(&bundle.bundle), &bundle.settings).unwrap();
    run(&mut link, vec![bundle]);
    link.finish();
    let headers = headers(&wire.all());
    assert_eq!(headers.len() as u64, plan.packets());
    let filler = headers.iter().filter(|header| header.kind == Kind::Filler).count();
    // Four gaps of 13 between the announces, and one of 50 before the group comes again.
    assert_eq!(filler, 102);
}

/// The headers of forty small bundles whose parts keep a distance of 8 and 30 packets.
fn forty_bundles() -> Vec<Header> {
    let bursts = LinkConfig {
        redundancy: protocol::fec::Redundancy::new(0.01, 30, 1e-9, 4).unwrap(),
        ..link_config(4)
    };
    let (wire, watch) = (Wire::default(), Arc::default());
    let mut link = link(wired(&wire, 1), 0, &watch);
    let bundles = (0..40).map(|id| outgoing(id, sample_bundle(20_000), &bursts)).collect();
    assert!(run(&mut link, bundles).iter().all(|ended| ended.result.is_ok()));
    link.finish();
    headers(&wire.all())
}

#[test]
fn gaps_are_filled_by_other_bundles_and_filler_makes_none_longer() {
    let headers = forty_bundles();
    let mut filler = 0;
    for (at, pair) in headers.windows(2).enumerate() {
        filler += usize::from(pair[0].kind == Kind::Filler);
        if pair[0].kind == Kind::Filler && pair[1].kind != Kind::Filler {
            // Whoever comes after filler had to wait for just so long: till then nobody had anything.
            let before = headers[..=at]
                .iter()
                .rposition(|header| header.session == pair[1].session);
            let gap = before.map(|before| at - before);
            assert!(matches!(gap, Some(8 | 30)), "{gap:?} packets before {:?}", pair[1]);
        }
    }
    // Alone, each would need 62.
    assert!(filler < 40 * 62 / 5, "{filler} packets of filler");
}

#[test]
fn a_group_comes_again_at_its_distance_whoever_fills_it() {
    let headers = forty_bundles();
    for id in 0..40 {
        let ours = |header: &Header| header.session == session(id) && header.kind == Kind::Symbol;
        let places: Vec<usize> = (0..headers.len()).filter(|at| ours(&headers[*at])).collect();
        let widest = places.windows(2).map(|pair| pair[1] - pair[0] - 1).max().unwrap();
        assert!(widest > 30, "{widest} packets between the sendings of bundle {id}");
    }
}

//! Memory: what is reserved, what is held, how many blocks may be open.

use super::*;
use crate::digest::BundleId;
use crate::wire::Header;

#[test]
fn a_session_past_the_memory_budget_is_told_and_not_opened() {
    let bundle = Bundle::new(60_000);
    let mut receiver = Receiver::new(ReceptionLimits {
        memory_bytes: 10_000,
        ..limits()
    });
    receiver.take_all(&bundle.datagrams(1));
    let told = receiver.told.iter().filter(|told| {
        matches!(
            told,
            Output::Mismatched {
                setting: "limits.memory_mib",
                ..
            }
        )
    });
    assert_eq!((told.count(), receiver.reception.sessions()), (1, 0));
}

#[test]
fn sessions_never_reserve_more_than_the_budget() {
    let bundles: Vec<_> = (0..20)
        .map(|i| Bundle {
            session: 100 + i,
            ..Bundle::new(60_000)
        })
        .collect();
    let budget = 1_000_000;
    let mut receiver = Receiver::new(ReceptionLimits {
        memory_bytes: budget,
        sessions: 100,
        ..limits()
    });
    for bundle in &bundles {
        receiver.take_all(&bundle.datagrams(1)[..20]);
        assert!(receiver.reception.reserved() <= budget);
    }
    assert!(receiver.reception.sessions() < 20);
    assert!(receiver.reception.sessions() > 1);
}

#[test]
fn blocks_that_are_being_solved_are_not_given_up_for_later_ones() {
    let bundle = Bundle::new(400_000);
    let mut receiver = Receiver::new(limits());
    let mut jobs = Vec::new();
    for datagram in bundle.datagrams(1) {
        receiver.reception.handle_datagram(&datagram, Tick(0));
        while let Some(output) = receiver.reception.poll_output() {
            match output {
                Output::Solve(job) => jobs.push(job),
                other => receiver.act(other),
            }
        }
    }
    assert_eq!(jobs.len(), 6, "as many as two groups have, and none twice");
    for job in jobs {
        receiver.reception.handle_solved(job.run(), Tick(0));
    }
    receiver.drain();
    assert_eq!(receiver.reception.progress(SessionId(bundle.session)), Some((6, 14)));
}

/// Sends the `nth` symbol of these blocks; how many of them were kept, and how many were held already.
fn send_symbols(
    receiver: &mut Receiver,
    bundle: &Bundle,
    nth: u32,
    blocks: impl IntoIterator<Item = u32>,
) -> (u64, u64) {
    let before = *receiver.reception.counters();
    for block in blocks {
        receiver.wait(1);
        let header = Header {
            kind: Kind::Symbol,
            session: SessionId(bundle.session),
            packet: 0,
            block,
            esi: nth,
        };
        let body = vec![7; bundle.symbol_len.into()];
        receiver.take(&[&header.emit(&body), &body[..]].concat());
    }
    let after = *receiver.reception.counters();
    (after.symbols - before.symbols, after.duplicates - before.duplicates)
}

/// A bundle of 25 blocks, opened.
fn opened(depth: u16, lanes: u8) -> (Bundle, Receiver) {
    let bundle = Bundle {
        depth,
        lanes,
        ..Bundle::new(24 * 32_768)
    };
    let mut receiver = Receiver::new(ReceptionLimits { lanes, ..limits() });
    receiver.take(&bundle.by_lane(1)[0][0]);
    assert_eq!(receiver.reception.progress(SessionId(bundle.session)), Some((0, 25)));
    (bundle, receiver)
}

#[test]
fn two_groups_a_lane_may_be_open_and_with_one_block_more_the_oldest_gives_way() {
    for (depth, lanes, window) in [(1, 1, 2), (3, 1, 6), (3, 2, 12), (2, 5, 20), (4, 3, 24)] {
        let (bundle, mut receiver) = opened(depth, lanes);
        assert_eq!(send_symbols(&mut receiver, &bundle, 0, 0..window), (window.into(), 0));
        assert_eq!(
            send_symbols(&mut receiver, &bundle, 0, 0..window),
            (0, window.into()),
            "all are held"
        );
        assert_eq!(send_symbols(&mut receiver, &bundle, 0, window..window + 1), (1, 0));
        assert_eq!(
            send_symbols(&mut receiver, &bundle, 0, 1..window + 1),
            (0, window.into())
        );
        assert_eq!(
            send_symbols(&mut receiver, &bundle, 0, 0..1),
            (1, 0),
            "the oldest was given up"
        );
    }
}

#[test]
fn no_block_gives_way_if_all_may_be_open() {
    for (depth, lanes) in [(13, 1), (5, 3), (1000, 16)] {
        let (bundle, mut receiver) = opened(depth, lanes);
        assert_eq!(send_symbols(&mut receiver, &bundle, 0, 0..25), (25, 0));
        assert_eq!(send_symbols(&mut receiver, &bundle, 0, 0..25), (0, 25));
    }
}

#[test]
fn a_bundle_of_few_blocks_reserves_for_no_more_than_it_has() {
    let reserved = |depth, lanes| opened(depth, lanes).1.reception.reserved();
    assert_eq!(reserved(13, 1), reserved(1000, 16));
    assert!(reserved(12, 1) < reserved(13, 1));
    assert_eq!(
        reserved(6, 2),
        reserved(12, 1),
        "what counts is the groups of all lanes"
    );
}

/// A receiver whose workers come to their jobs late.
struct Busy {
    receiver: Receiver,
    jobs: VecDeque<Box<SolveJob>>,
    budget: u64,
}

impl Busy {
    fn take(&mut self, datagram: &[u8], now: Tick) {
        self.receiver.reception.handle_datagram(datagram, now);
        self.drain();
    }

    /// Does the older half of the jobs.
    fn work(&mut self) {
        for job in self.jobs.drain(..self.jobs.len() / 2) {
            self.receiver.solve(*job);
        }
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(output) = self.receiver.reception.poll_output() {
            match output {
                Output::Solve(job) => self.jobs.push_back(job),
                other => self.receiver.act(other),
            }
        }
        self.check();
    }

    /// That no session's blocks take more than it reserved, and reservations and buffers at rest no more than the budget.
    fn check(&self) {
        let reception = &self.receiver.reception;
        assert!(reception.reserved() + reception.pool.bytes() <= self.budget);
        for (id, session) in &reception.sessions {
            let jobs = self.jobs.iter().filter(|job| job.session() == *id);
            let with_workers: u64 = jobs.map(|job| job.gathered.bytes() as u64).sum();
            assert!(session.bytes_of_blocks() + with_workers <= session.reserved(), "{id}");
        }
    }
}

/// A head of 100 bytes and two content blocks of 64 symbols, with one repair symbol each; two blocks may be open.
fn two_blocks() -> Announce {
    Announce {
        number: LinkNumber { epoch: 1, sequence: 1 },
        bundle: BundleId(Digest([1; 32])),
        envelope_len: 36,
        head_len: 100,
        head_sha256: Digest([2; 32]),
        content_len: 8192,
        content_root: Digest([3; 32]),
        leaf_len: 4096,
        leaves_per_block: 1,
        symbol_len: 64,
        depth: 1,
        lanes: 1,
        max_esi: 64,
        pass: 1,
        passes: 1,
        created: UnixMillis(0),
    }
}

#[test]
fn the_most_that_blocks_can_hold_is_what_was_reserved_for_them() {
    let (receiver, jobs, budget) = (Receiver::new(limits()), VecDeque::new(), limits().memory_bytes);
    let mut busy = Busy { receiver, jobs, budget };
    let send = |busy: &mut Busy, kind, block, esi, body: &[u8]| {
        let (session, packet) = (SessionId(5), 0);
        let header = Header {
            kind,
            session,
            packet,
            block,
            esi,
        };
        busy.take(&[&header.emit(body), body].concat(), Tick(0));
    };
    let announce = two_blocks().sign(SessionId(5), &link::link_key());
    send(&mut busy, Kind::Announce, 0, 0, &announce);
    for block in [1, 2] {
        // All but one source symbol, and the repair symbol: that will do. Then whatever comes while it is being solved.
        for esi in (1..=64).chain(0..20) {
            send(&mut busy, Kind::Symbol, block, esi, &[7; 64]);
        }
    }
    let session = &busy.receiver.reception.sessions[&SessionId(5)];
    let with_workers: usize = busy.jobs.iter().map(|job| job.gathered.bytes()).sum();
    let held = session.bytes_of_blocks() + with_workers as u64;
    assert_eq!((busy.jobs.len(), held), (2, 2 * (64 + 1 + 8) * 64));
    let (heads, leaves, blocks) = (2 * 100, 32 * 2, 3);
    assert_eq!(session.reserved(), held + heads + leaves + blocks);
}

/// Bundles of all sizes, in blocks and symbols of all sizes, over links of all depths.
fn bundles_of_all_sizes() -> Vec<Bundle> {
    let sizes = [
        (100, 64, 1),
        (30_000, 1408, 2),
        (200_000, 128, 3),
        (3000, 8896, 16),
        (400_000, 1024, 2),
        (70_000, 64, 5),
    ];
    let bundles = sizes.into_iter().cycle().take(18).enumerate();
    let bundles = bundles.map(|(i, (content_len, symbol_len, depth))| Bundle {
        session: 1 + i as u64,
        symbol_len,
        depth,
        lanes: 1 + (i % 3) as u8,
        ..Bundle::new(content_len + 1000 * i)
    });
    bundles.collect()
}

/// Datagrams of five bundles at a time, in turns of other lengths; each third of every second turn is lost.
fn in_turns(bundles: &[Vec<Vec<u8>>], mut turn: impl FnMut(u64, &mut dyn Iterator<Item = &Vec<u8>>)) {
    for five in bundles.chunks(5) {
        let mut rests: Vec<_> = five.iter().map(Vec::as_slice).collect();
        for number in 0.. {
            if rests.iter().all(|rest| rest.is_empty()) {
                break;
            }
            let rest = &mut rests[number % five.len()];
            let (now, later) = rest.split_at(rest.len().min(40 + 7 * (number % 11)));
            *rest = later;
            let arrives = |at: usize| number % 2 == 0 || !at.is_multiple_of(3);
            let mut arriving = now
                .iter()
                .enumerate()
                .filter(|(at, _)| arrives(*at))
                .map(|(_, datagram)| datagram);
            turn(number as u64, &mut arriving);
        }
    }
}

#[test]
fn what_is_held_stays_within_reservations_and_these_with_buffers_at_rest_within_the_budget() {
    let bundles: Vec<_> = bundles_of_all_sizes()
        .iter()
        .map(|bundle| bundle.by_lane(1).concat())
        .collect();
    for budget in [1_500_000, 4_000_000, 40_000_000] {
        let receiver = Receiver::new(ReceptionLimits {
            memory_bytes: budget,
            sessions: 6,
            lanes: 3,
            ..limits()
        });
        let jobs = VecDeque::new();
        let mut busy = Busy { receiver, jobs, budget };
        in_turns(&bundles, |turn, datagrams| {
            datagrams.for_each(|datagram| busy.take(datagram, Tick(turn)));
            busy.work();
        });
        let completed = busy
            .receiver
            .told
            .iter()
            .any(|told| matches!(told, Output::Complete { .. }));
        assert!(completed, "with {budget} bytes something is received");
    }
}

#[test]
fn a_block_takes_the_memory_of_one_that_is_done() {
    let bundle = Bundle::new(20 * 32_768);
    let mut receiver = Receiver::new(limits());
    let mut at_rest = BTreeSet::new();
    for datagram in bundle.datagrams(1) {
        receiver.take(&datagram);
        at_rest.insert(receiver.reception.pool.bytes());
    }
    assert!(receiver.complete().is_some());
    // Of 21 blocks never more than a group and the head's, which comes again, were begun at once.
    assert!(at_rest.last() <= Some(&(4 * 32_768)), "{at_rest:?}");
    assert!(at_rest.last() >= Some(&(3 * 32_768)), "{at_rest:?}");
}

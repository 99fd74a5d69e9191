//! What an incomplete transmission brought, and who goes on with it.

use std::path::PathBuf;

use audit::storage::{OpenHow, Storage};
use protocol::wire::{Kind as PacketKind, Packet};

use super::*;

/// Blocks of the bundle: its head, and three of content.
const BLOCKS: u32 = 4;

/// Announces, and the symbols of these blocks.
fn of_blocks(datagrams: &[Vec<u8>], wanted: impl Fn(u32) -> bool) -> Vec<Vec<u8>> {
    let is_wanted = |datagram: &&Vec<u8>| {
        let header = Packet::parse(datagram).unwrap().header;
        header.kind != PacketKind::Symbol || wanted(header.block)
    };
    datagrams.iter().filter(is_wanted).cloned().collect()
}

/// All that is to be done, without any further datagram.
fn settle(reassembly: &mut Reassembly) {
    for _ in 0..2 * BLOCKS {
        reassembly.resume_some();
        reassembly.act();
    }
}

fn take(reassembly: &mut Reassembly, datagrams: &[Vec<u8>]) {
    take_all(reassembly, datagrams);
    settle(reassembly);
}

/// Nothing comes for longer than a session waits.
fn fall_silent(reassembly: &mut Reassembly) {
    reassembly.reception.handle_timeout(Tick(1 << 40));
    settle(reassembly);
}

/// Takes a transmission's announces, and the symbols of these blocks.
fn take_blocks(
    reassembly: &mut Reassembly,
    (head, file): (&PackedHead, &[u8]),
    session: u64,
    wanted: impl Fn(u32) -> bool,
) {
    take(reassembly, &of_blocks(&datagrams(head, file, session), wanted));
}

/// A first transmission, number 7, that ends after three of the four blocks.
fn cut_after_three(reassembly: &mut Reassembly, bundle: (&PackedHead, &[u8])) {
    take_blocks(reassembly, bundle, 7, |block| block < 3);
    fall_silent(reassembly);
}

fn incomplete(storage: &MemoryStorage) -> Vec<PathBuf> {
    let folder = Path::new("incomplete");
    let entries = storage.list(folder).unwrap().into_iter();
    entries.map(|entry| folder.join(entry.name)).collect()
}

/// The bundles that were complete, each with its blocks that were resumed; each has its bytes.
fn complete(told: &Receiver<Task>, file: &[u8]) -> Vec<u32> {
    let resumed = |news| match news {
        News::Complete(arrival, summary) => {
            let mut stored = vec![0; file.len()];
            assert_eq!(arrival.spool.read_at(0, &mut stored).unwrap(), file.len());
            assert!(stored == file, "it has a hole");
            arrival.spool.discard();
            Some(summary.blocks_resumed)
        }
        _ => None,
    };
    news(told).into_iter().filter_map(resumed).collect()
}

#[test]
fn a_second_transmission_needs_only_what_the_first_lacked() {
    let (home, (head, file)) = (home(), bundle());
    let (mut reassembly, told, storage) = reassembly(home.path());
    take_blocks(&mut reassembly, (&head, &file), 7, |block| block < 2);
    fall_silent(&mut reassembly);
    let ended = news_of_bundles(&told).pop();
    assert!(
        matches!(ended, Some(News::Ended(_, _, Ending::Idle, _, true))),
        "{ended:?}"
    );
    assert_eq!(incomplete(&storage).len(), 1);
    take_blocks(&mut reassembly, (&head, &file), 8, |block| block >= 2);
    assert_eq!(complete(&told, &file), [2]);
    assert_eq!(incomplete(&storage), [] as [PathBuf; 0]);
}

#[test]
fn a_damaged_kept_file_costs_what_is_damaged() {
    let (home, (head, file)) = (home(), bundle());
    let (mut reassembly, told, storage) = reassembly(home.path());
    cut_after_three(&mut reassembly, (&head, &file));
    let kept = storage.open(&incomplete(&storage)[0], OpenHow::Write).unwrap();
    let content = head.prefix().content_offset();
    kept.write_at(b"damaged", content + 100).unwrap();
    let second = datagrams(&head, &file, 8);
    take(&mut reassembly, &of_blocks(&second, |block| block >= 3));
    assert_eq!(complete(&told, &file), [0; 0]);
    take(&mut reassembly, &of_blocks(&second, |block| block == 1));
    assert_eq!(complete(&told, &file), [2]);
}

#[test]
fn a_kept_file_without_its_head_goes_on_once_the_head_came() {
    let (home, (head, file)) = (home(), bundle());
    let (mut reassembly, told, storage) = reassembly(home.path());
    cut_after_three(&mut reassembly, (&head, &file));
    let kept = storage.open(&incomplete(&storage)[0], OpenHow::Write).unwrap();
    kept.write_at(b"damaged", 40).unwrap();
    let second = datagrams(&head, &file, 8);
    take(&mut reassembly, &of_blocks(&second, |block| block == 0 || block >= 3));
    assert_eq!(complete(&told, &file), [2]);
}

#[test]
fn nothing_is_kept_of_a_transmission_whose_head_did_not_come() {
    let (home, (head, file)) = (home(), bundle());
    let (mut reassembly, told, storage) = reassembly(home.path());
    take_blocks(&mut reassembly, (&head, &file), 7, |block| block > 0);
    fall_silent(&mut reassembly);
    let ended = news_of_bundles(&told).pop();
    assert!(
        matches!(ended, Some(News::Ended(_, _, Ending::Idle, _, false))),
        "{ended:?}"
    );
    assert_eq!(incomplete(&storage), [] as [PathBuf; 0]);
}

#[test]
fn another_bundle_of_the_same_content_goes_on_with_nothing_and_takes_nothing_away() {
    let (home, (head, file)) = (home(), bundle());
    let (other_head, other_file) = described(Some("another"));
    let (mut reassembly, told, storage) = reassembly(home.path());
    cut_after_three(&mut reassembly, (&head, &file));
    take_blocks(&mut reassembly, (&other_head, &other_file), 8, |block| block != 1);
    assert_eq!((complete(&told, &other_file), incomplete(&storage).len()), (vec![], 1));
    take_blocks(&mut reassembly, (&head, &file), 9, |block| block >= 3);
    assert_eq!(complete(&told, &file), [3]);
}

#[test]
fn what_was_taken_over_and_brought_nothing_is_kept_again() {
    let (home, (head, file)) = (home(), bundle());
    let (mut reassembly, told, storage) = reassembly(home.path());
    cut_after_three(&mut reassembly, (&head, &file));
    // Only announced, and over before anything was looked at.
    take_all(&mut reassembly, &datagrams(&head, &file, 8)[..1]);
    reassembly.reception.stop();
    settle(&mut reassembly);
    assert_eq!(incomplete(&storage).len(), 1);
    take_blocks(&mut reassembly, (&head, &file), 9, |block| block >= 3);
    assert_eq!(complete(&told, &file), [3]);
}

#[test]
fn what_was_kept_of_a_bundle_that_is_refused_now_is_gone() {
    let (home, (head, file)) = (home(), bundle());
    let (mut reassembly, told, storage) = reassembly(home.path());
    cut_after_three(&mut reassembly, (&head, &file));
    assert_eq!(incomplete(&storage).len(), 1);
    std::fs::write(home.path().join("allowed_signers"), "").unwrap();
    take(&mut reassembly, &datagrams(&head, &file, 8)[..1]);
    let ended = news_of_bundles(&told).pop();
    assert!(
        matches!(ended, Some(News::Ended(_, _, Ending::Refused(_), _, false))),
        "{ended:?}"
    );
    assert_eq!(incomplete(&storage), [] as [PathBuf; 0]);
    assert_eq!(storage.list(Path::new("spool")).unwrap().len(), 0);
}

#[test]
fn a_bundle_that_came_while_it_was_looked_for_is_handed_over_once_nobody_looks_any_more() {
    let (home, (head, file)) = (home(), bundle());
    let (mut reassembly, told, _storage) = reassembly(home.path());
    cut_after_three(&mut reassembly, (&head, &file));
    let (work, to_do) = bounded(16);
    reassembly.work = work;
    let mut looks = Vec::new();
    for datagram in datagrams(&head, &file, 8) {
        take_all(&mut reassembly, &[datagram]);
        reassembly.resume_some();
        while let Ok(work) = to_do.try_recv() {
            if matches!(work, Work::Resume(..)) {
                looks.push(work);
                continue;
            }
            for done in workers::run_all(vec![work], &reassembly.authority) {
                reassembly.take_done(done);
            }
            settle(&mut reassembly);
        }
    }
    assert_eq!((complete(&told, &file), looks.len()), (vec![], 1));
    take_all(&mut reassembly, &[heartbeat()]);
    let heard = news(&told).into_iter().find_map(|news| match news {
        News::Heartbeat(_, under_way) => Some(under_way),
        _ => None,
    });
    let heard = heard.expect("a heartbeat");
    assert!(
        matches!(heard[..], [one] if one.sequence == 1 && one.came_whole()),
        "it is here: {heard:?}"
    );
    for done in workers::run_all(looks, &reassembly.authority) {
        reassembly.take_done(done);
    }
    settle(&mut reassembly);
    assert_eq!(
        complete(&told, &file),
        [1],
        "of what was kept only the head was in time"
    );
}

/// A receiver that begins anew on the same disk, as after a crash.
fn begin_anew(storage: &Arc<MemoryStorage>, home: &Path) -> Option<(Reassembly, Receiver<Task>)> {
    let quarantine = Quarantine::create(storage.clone()).ok()?;
    let _ = quarantine.recover(&BTreeMap::new()).ok()?;
    Some(reassembly_in(quarantine, home))
}

#[test]
fn a_receiver_that_was_killed_goes_on_with_what_came_before() {
    let (home, (head, file)) = (home(), bundle());
    let (mut first, _told, storage) = reassembly(home.path());
    take(&mut first, &of_blocks(&datagrams(&head, &file, 7), |block| block < 3));
    drop(first);
    let (mut second, told) = begin_anew(&storage, home.path()).unwrap();
    take(&mut second, &of_blocks(&datagrams(&head, &file, 8), |block| block >= 3));
    assert_eq!(complete(&told, &file), [3]);
}

/// The power fails at each operation of a half, an end and another half; whatever of the last writes reached the disk, what is complete
/// after the next start has its bytes.
#[test]
fn whenever_the_power_fails_what_is_complete_after_it_is_whole() {
    let (home, (head, file)) = (home(), bundle());
    let all = [7, 8, 9].map(|session| datagrams(&head, &file, session));
    let mut resumed = 0;
    for cut in 0..40 {
        let (mut reassembly, told, storage) = reassembly(home.path());
        storage.cut_power_at(cut);
        take(&mut reassembly, &of_blocks(&all[0], |block| block < 3));
        fall_silent(&mut reassembly);
        take(&mut reassembly, &of_blocks(&all[1], |block| block == 3));
        drop((reassembly, told));
        let mut dice = 0x9E37_79B9_u64 ^ cut;
        storage.crash(&mut || {
            dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            dice >> 63 == 0
        });
        let (mut reassembly, told) = begin_anew(&storage, home.path()).unwrap();
        take(&mut reassembly, &all[2]);
        let complete = complete(&told, &file);
        assert_eq!(complete.len(), 1, "cut at {cut}");
        resumed += complete[0];
    }
    assert!(resumed > 0, "nothing was ever gone on with");
}

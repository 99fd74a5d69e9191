//! A transmission that goes on where another one ended.

use super::link::{Bundle, LEAF, Receiver, limits};
use super::*;
use crate::bundle::PREFIX_LEN;

/// Bytes of a block: eight leaves.
const BLOCK: usize = 8 * LEAF;

/// The block of a symbol's datagram.
fn block_of(datagram: &[u8]) -> Option<u32> {
    let header = Packet::parse(datagram).unwrap().header;
    (header.kind == Kind::Symbol).then_some(header.block)
}

/// The first transmission of a bundle, cut so that its head and the blocks below `cut` came, and a second one of it.
fn cut_at(cut: u32) -> (Receiver, Bundle) {
    let mut bundle = Bundle::new(10 * BLOCK);
    let mut first = Receiver::new(limits());
    for datagram in bundle.datagrams(1) {
        if block_of(&datagram).is_none_or(|block| block < cut) {
            first.take(&datagram);
        }
    }
    bundle.session += 1;
    (first, bundle)
}

/// A receiver that has heard of the bundle's transmission, and nothing else.
fn announced(bundle: &Bundle) -> Receiver {
    let mut receiver = Receiver::new(limits());
    receiver.take(&bundle.datagrams(1)[0]);
    assert_eq!(receiver.reception.sessions(), 1);
    receiver
}

fn take_blocks(receiver: &mut Receiver, bundle: &Bundle, wanted: impl Fn(u32) -> bool) {
    for datagram in bundle.datagrams(1) {
        if block_of(&datagram).is_some_and(&wanted) {
            receiver.take(&datagram);
        }
    }
}

#[test]
fn blocks_that_an_earlier_transmission_left_need_no_symbols() {
    let (first, bundle) = cut_at(6);
    let mut second = announced(&bundle);
    let job = second.adopt(&bundle, first.file(77));
    second.look(job);
    assert!(second.complete().is_none());
    take_blocks(&mut second, &bundle, |block| block >= 6);
    assert!(second.complete() == Some(&bundle.content));
    assert_eq!(second.summary().map(|summary| summary.blocks_resumed), Some(6));
}

#[test]
fn a_damaged_leaf_costs_its_block_and_no_other() {
    let (first, bundle) = cut_at(6);
    let mut file = first.file(77);
    let damaged = 3;
    let content = PREFIX_LEN + bundle.head.len();
    let head_blocks = bundle.head.len().div_ceil(BLOCK);
    file[content + (damaged - head_blocks) * BLOCK + 17] ^= 1;
    let mut second = announced(&bundle);
    let job = second.adopt(&bundle, file);
    second.look(job);
    take_blocks(&mut second, &bundle, |block| block >= 6);
    assert!(second.complete().is_none());
    take_blocks(&mut second, &bundle, |block| block == damaged as u32);
    assert!(second.complete() == Some(&bundle.content));
    assert_eq!(second.summary().map(|summary| summary.blocks_resumed), Some(5));
}

#[test]
fn a_block_that_can_not_be_written_once_more_has_to_come() {
    let (first, bundle) = cut_at(6);
    let mut second = announced(&bundle);
    let job = second.adopt(&bundle, first.file(77));
    let content = PREFIX_LEN + bundle.head.len();
    second.look_writing(job, |offset| offset != (content + BLOCK) as u64);
    take_blocks(&mut second, &bundle, |block| block >= 6);
    assert!(second.complete().is_none());
    let unwritten = bundle.head.len().div_ceil(BLOCK) + 1;
    take_blocks(&mut second, &bundle, |block| block == unwritten as u32);
    assert!(second.complete() == Some(&bundle.content));
    assert_eq!(second.summary().map(|summary| summary.blocks_resumed), Some(5));
}

#[test]
fn a_bundle_that_was_all_there_is_complete_without_a_symbol() {
    let (first, bundle) = cut_at(u32::MAX);
    let mut second = announced(&bundle);
    let job = second.adopt(&bundle, first.file(77));
    second.look(job);
    assert!(second.complete() == Some(&bundle.content));
}

#[test]
fn nothing_is_looked_for_before_the_head_is_accepted_nor_twice() {
    let (first, bundle) = cut_at(6);
    let mut second = announced(&bundle);
    let session = SessionId(bundle.session);
    assert!(second.reception.resume(session).is_none());
    let job = second.adopt(&bundle, first.file(77));
    second.look(job);
    assert!(second.reception.resume(session).is_none());
}

/// What a decoder began before the head is there may write over what was kept: after the look, or between it and its result.
#[test]
fn a_block_that_a_decoder_began_before_the_head_is_not_taken_for_what_was_kept() {
    let (first, bundle) = cut_at(u32::MAX);
    let head_blocks = bundle.head.len().div_ceil(BLOCK) as u32;
    let mut forged = Bundle::new(10 * BLOCK);
    forged.session = bundle.session;
    forged.content[17] ^= 1;
    let mut second = announced(&bundle);
    let mut begun = Vec::new();
    for datagram in forged.datagrams(1) {
        if block_of(&datagram) == Some(head_blocks) {
            second.reception.handle_datagram(&datagram, Tick(0));
            while let Some(output) = second.reception.poll_output() {
                match output {
                    Output::Solve(job) => begun.push(*job),
                    other => panic!("{other:?}"),
                }
            }
        }
    }
    let job = second.adopt(&bundle, first.file(77));
    second.look(job);
    assert_eq!(begun.len(), 1);
    for job in begun {
        second.solve(job);
    }
    second.drain();
    assert!(second.complete().is_none(), "its file has the forged leaf now");
    // Of the forged symbols some came while the decoder was at work, so that the block fails once more.
    for _ in 0..2 {
        take_blocks(&mut second, &bundle, |block| block == head_blocks);
    }
    assert!(second.complete() == Some(&bundle.content));
}

#[test]
fn symbols_that_came_of_a_block_that_was_kept_give_their_memory_back() {
    let (first, bundle) = cut_at(u32::MAX);
    let mut second = announced(&bundle);
    let half: Vec<_> = bundle.datagrams(1).into_iter().skip(1).step_by(9).take(30).collect();
    second.take_all(&half);
    let before = second.reception.memory();
    let job = second.adopt(&bundle, first.file(77));
    second.look(job);
    assert!(second.complete() == Some(&bundle.content));
    assert!(second.reception.memory() <= before);
}

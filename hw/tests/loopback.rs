//! Sink and source joined over the loopback interface, as tx and rx use them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use diode_hw::udp::{Batch, Datagram, MAX_BATCH, Offload, SinkConfig, SourceConfig, UdpSink, UdpSource};

/// Longer than any wait here takes: a failure, not a hang.
const LONG: Duration = Duration::from_secs(10);
/// Bytes of a datagram at an MTU of 1500, as the link has it.
const LEN: usize = 1_440;
/// What stands for the wire's header.
const HEADER_LEN: usize = 32;

fn source_config(ip: IpAddr, offload: Offload) -> SourceConfig {
    SourceConfig {
        listen: SocketAddr::new(ip, 0),
        receive_buffer_bytes: 4 << 20,
        interface: None,
        from: None,
        offload,
    }
}

fn sink_config(to: SocketAddr, offload: Offload) -> SinkConfig {
    SinkConfig {
        to,
        bind: None,
        send_buffer_bytes: 1 << 20,
        offload,
    }
}

fn pair_with(ip: IpAddr, sending: Offload, receiving: Offload) -> (UdpSink, UdpSource) {
    let source = UdpSource::bind(&source_config(ip, receiving)).expect("a source");
    let sink = UdpSink::bind(&sink_config(source.local_addr(), sending)).expect("a sink");
    (sink, source)
}

fn pair(ip: IpAddr) -> (UdpSink, UdpSource) {
    pair_with(ip, Offload::Auto, Offload::Auto)
}

/// Sends header and body of each from where they lie.
fn send(sink: &mut UdpSink, datagrams: &[Vec<u8>]) {
    let datagrams: Vec<_> = datagrams
        .iter()
        .map(|bytes| {
            let (header, body) = bytes.split_at(bytes.len().min(HEADER_LEN));
            Datagram { header, body }
        })
        .collect();
    sink.send(&datagrams).expect("sent");
}

fn receive(source: &mut UdpSource, count: usize) -> Vec<Vec<u8>> {
    let mut batch = Batch::new(1 << 20);
    let mut datagrams = Vec::new();
    while datagrams.len() < count {
        let came = source.recv_batch(&mut batch, LONG).expect("received");
        assert!(came > 0, "{} of {count} came", datagrams.len());
        assert_eq!(batch.len(), came);
        datagrams.extend(batch.datagrams().map(|datagram| datagram.bytes.to_vec()));
        batch.clear();
    }
    datagrams
}

/// Datagrams of these lengths, each unlike the others.
fn of_lengths(lengths: impl IntoIterator<Item = usize>) -> Vec<Vec<u8>> {
    lengths
        .into_iter()
        .enumerate()
        .map(|(index, len)| (0..len).map(|at| (at * 31 + index) as u8).collect())
        .collect()
}

/// Whether this machine's kernel cuts and joins; without it, what is about that can't be shown.
fn offloads(sink: &UdpSink, source: &UdpSource) -> bool {
    let offloads = sink.segmentation() && source.coalescing();
    if !offloads {
        eprintln!("skipped: this kernel has no UDP_SEGMENT or no UDP_GRO");
    }
    offloads
}

fn has_ipv6() -> bool {
    let has = std::net::UdpSocket::bind((Ipv6Addr::LOCALHOST, 0)).is_ok();
    if !has {
        eprintln!("skipped: this machine has no ::1");
    }
    has
}

#[test]
fn datagrams_of_every_length_arrive_intact_and_in_order() {
    let (mut sink, mut source) = pair(Ipv4Addr::LOCALHOST.into());
    let sent = of_lengths(0..200);
    send(&mut sink, &sent);
    assert_eq!(receive(&mut source, 200), sent);
}

#[test]
fn datagrams_of_one_length_arrive_as_they_were_sent_in_one_call_and_few_messages() {
    let (mut sink, mut source) = pair(Ipv4Addr::LOCALHOST.into());
    let sent = of_lengths([LEN; 100]);
    send(&mut sink, &sent);
    assert_eq!(receive(&mut source, 100), sent);
    if offloads(&sink, &source) {
        assert_eq!((sink.counters().messages, sink.counters().system_calls), (3, 1));
        assert_eq!((source.counters().messages, source.counters().datagrams), (3, 100));
    }
}

#[test]
fn a_short_last_datagram_arrives_short_and_what_follows_it_whole() {
    let (mut sink, mut source) = pair(Ipv4Addr::LOCALHOST.into());
    let sent = of_lengths([LEN, LEN, 1, LEN, LEN, LEN, 0, LEN]);
    send(&mut sink, &sent);
    assert_eq!(receive(&mut source, 8), sent);
}

#[test]
fn datagrams_of_mixed_lengths_keep_their_order() {
    let (mut sink, mut source) = pair(Ipv4Addr::LOCALHOST.into());
    let sent = of_lengths((0..300).map(|index| [LEN, LEN, 700, 8_928, 8_928, 8_928, 40][index % 7]));
    for part in sent.chunks(50) {
        send(&mut sink, part);
        assert_eq!(receive(&mut source, part.len()), part);
    }
}

#[test]
fn the_same_bytes_arrive_whichever_side_does_without_offload() {
    let sent = of_lengths([[LEN; 63], [900; 63]].concat());
    for sending in [Offload::Auto, Offload::Off] {
        for receiving in [Offload::Auto, Offload::Off] {
            let (mut sink, mut source) = pair_with(Ipv4Addr::LOCALHOST.into(), sending, receiving);
            send(&mut sink, &sent);
            assert_eq!(receive(&mut source, sent.len()), sent, "{sending:?} to {receiving:?}");
        }
    }
}

#[test]
fn datagrams_arrive_over_ipv6() {
    if !has_ipv6() {
        return;
    }
    let (mut sink, mut source) = pair(Ipv6Addr::LOCALHOST.into());
    let sent = of_lengths((0..100).chain([LEN; 100]));
    send(&mut sink, &sent);
    assert_eq!(receive(&mut source, 200), sent);
}

#[test]
fn the_longest_run_of_either_family_leaves_as_one_message_and_is_joined_again() {
    for ip in [IpAddr::from(Ipv4Addr::LOCALHOST), Ipv6Addr::LOCALHOST.into()] {
        if ip.is_ipv6() && !has_ipv6() {
            continue;
        }
        let (mut sink, mut source) = pair(ip);
        if !offloads(&sink, &source) {
            return;
        }
        // The longest datagram that goes twice, and the longest that goes 64 times.
        for count in [2, 64] {
            let len = (1..=65_535)
                .rev()
                .find(|len| sink.segments(*len) == count)
                .expect("a length");
            let sent = of_lengths(vec![len; count]);
            let before = (sink.counters().messages, source.counters().messages);
            send(&mut sink, &sent);
            assert_eq!(receive(&mut source, count), sent);
            let after = (sink.counters().messages, source.counters().messages);
            assert_eq!(after, (before.0 + 1, before.1 + 1), "{count} of {len} bytes over {ip}");
        }
    }
}

#[test]
fn without_offload_datagrams_leave_and_arrive_in_one_system_call_for_each_64() {
    let (mut sink, mut source) = pair_with(Ipv4Addr::LOCALHOST.into(), Offload::Off, Offload::Off);
    send(&mut sink, &of_lengths([LEN; MAX_BATCH + 1]));
    assert_eq!(sink.counters().system_calls, 2);
    let mut batch = Batch::new(MAX_BATCH << 16);
    assert_eq!(source.recv_batch(&mut batch, LONG).expect("received"), MAX_BATCH);
    assert_eq!(source.recv_batch(&mut batch, LONG).expect("received"), 1);
}

#[test]
fn a_batch_is_filled_by_many_receives_and_loses_nothing() {
    let (mut sink, mut source) = pair(Ipv4Addr::LOCALHOST.into());
    let mut batch = Batch::new(4 << 16);
    let mut sent = Vec::new();
    while batch.has_room() {
        let part = of_lengths([LEN - sent.len(), LEN - sent.len(), 5]);
        send(&mut sink, &part);
        sent.extend(part);
        while batch.len() < sent.len() {
            assert!(source.recv_batch(&mut batch, LONG).expect("received") > 0);
        }
    }
    assert!(batch.datagrams().map(|datagram| datagram.bytes).eq(&sent));
    assert!(
        batch.bytes() > 2 << 16,
        "{} bytes in a batch of {}",
        batch.bytes(),
        4 << 16
    );
}

#[test]
fn a_sink_with_the_smallest_buffer_sends_whole_runs_all_the_same() {
    let mut source = UdpSource::bind(&source_config(Ipv4Addr::LOCALHOST.into(), Offload::Auto)).expect("a source");
    let mut sink = UdpSink::bind(&SinkConfig {
        send_buffer_bytes: 0,
        ..sink_config(source.local_addr(), Offload::Auto)
    })
    .expect("a sink");
    let sent = of_lengths([LEN; 200]);
    send(&mut sink, &sent);
    assert_eq!(receive(&mut source, 200), sent);
}

#[test]
fn both_ends_count_the_same_datagrams_and_bytes() {
    let (mut sink, mut source) = pair(Ipv4Addr::LOCALHOST.into());
    send(&mut sink, &of_lengths((0..100).chain([LEN; 50])));
    receive(&mut source, 150);
    let (sent, received) = (sink.counters(), source.counters());
    assert_eq!((sent.datagrams, sent.bytes), (received.datagrams, received.bytes));
}

#[test]
fn datagrams_of_another_sender_are_counted_and_not_shown() {
    let from = IpAddr::from(Ipv4Addr::new(127, 0, 0, 2));
    let mut source = UdpSource::bind(&SourceConfig {
        from: Some(from),
        ..source_config(Ipv4Addr::LOCALHOST.into(), Offload::Auto)
    })
    .expect("a source");
    let sink_at = |ip: IpAddr| {
        UdpSink::bind(&SinkConfig {
            bind: Some(SocketAddr::new(ip, 0)),
            ..sink_config(source.local_addr(), Offload::Auto)
        })
        .expect("a sink")
    };
    let (mut known, mut stranger) = (sink_at(from), sink_at(Ipv4Addr::LOCALHOST.into()));
    let sent = of_lengths([LEN; 70]);
    send(&mut stranger, &of_lengths([900; 50]));
    send(&mut known, &sent);
    send(&mut stranger, &of_lengths([900; 3]));
    let mut batch = Batch::new(1 << 20);
    while source.counters().datagrams < 123 {
        source.recv_batch(&mut batch, LONG).expect("received");
    }
    assert!(batch.datagrams().map(|datagram| datagram.bytes).eq(&sent));
    assert_eq!(source.counters().strangers, 53);
}

#[test]
fn the_one_sender_is_known_over_ipv6_too() {
    if !has_ipv6() {
        return;
    }
    let ip = IpAddr::from(Ipv6Addr::LOCALHOST);
    for (from, shown) in [(ip, 5), (Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 1).into(), 0)] {
        let mut source = UdpSource::bind(&SourceConfig {
            from: Some(from),
            ..source_config(ip, Offload::Auto)
        })
        .expect("a source");
        let mut sink = UdpSink::bind(&sink_config(source.local_addr(), Offload::Auto)).expect("a sink");
        send(&mut sink, &of_lengths([LEN; 5]));
        let mut batch = Batch::new(1 << 20);
        while source.counters().datagrams < 5 {
            source.recv_batch(&mut batch, LONG).expect("received");
        }
        assert_eq!((batch.len(), source.counters().strangers), (shown, 5 - shown as u64));
    }
}

#[test]
fn a_source_tied_to_another_interface_receives_nothing_from_this_one() {
    // Any interface but loopback will do; a machine without one can't show it.
    let Some(other) = std::fs::read_dir("/sys/class/net")
        .ok()
        .into_iter()
        .flatten()
        .flatten()
        // Drivers keep plain files of their own there.
        .filter(|entry| entry.path().is_dir())
        .filter_map(|entry| entry.file_name().into_string().ok())
        .find(|name| name != "lo")
    else {
        eprintln!("skipped: this machine has no interface but lo");
        return;
    };
    let bind = |interface: Option<String>, listen| {
        UdpSource::bind(&SourceConfig {
            listen,
            interface,
            ..source_config(Ipv4Addr::LOCALHOST.into(), Offload::Auto)
        })
    };
    let any = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
    let mut tied = bind(Some(other), any).expect("a source tied to an interface");
    let mut free = bind(None, any).expect("a source at any interface");
    let send_to = |port| {
        let to = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let mut sink = UdpSink::bind(&sink_config(to, Offload::Auto)).expect("a sink");
        send(&mut sink, &of_lengths([1]));
    };
    send_to(tied.local_addr().port());
    send_to(free.local_addr().port());
    // What the tied one would have had went before what the free one has now received.
    assert_eq!(receive(&mut free, 1).len(), 1);
    let came = tied.recv_batch(&mut Batch::new(0), Duration::ZERO);
    assert_eq!(came.expect("polled"), 0);
}

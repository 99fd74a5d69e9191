//! Sink and source joined over the loopback interface, as tx and rx use them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use diode_hw::udp::{Batch, MAX_BATCH, SinkConfig, SourceConfig, UdpSink, UdpSource};

/// Longer than any wait here takes: a failure, not a hang.
const LONG: Duration = Duration::from_secs(10);

fn pair(ip: IpAddr) -> (UdpSink, UdpSource) {
    let source = UdpSource::bind(&SourceConfig {
        listen: SocketAddr::new(ip, 0),
        receive_buffer_bytes: 4 << 20,
        interface: None,
    })
    .expect("a source");
    let sink = UdpSink::bind(&SinkConfig {
        to: source.local_addr(),
        bind: None,
        send_buffer_bytes: 1 << 20,
    })
    .expect("a sink");
    (sink, source)
}

fn receive(source: &mut UdpSource, count: usize) -> Vec<Vec<u8>> {
    let mut batch = Batch::new(MAX_BATCH, 2_048);
    let mut datagrams = Vec::new();
    while datagrams.len() < count {
        let came = source.recv_batch(&mut batch, LONG).expect("received");
        assert!(came > 0, "{} of {count} came", datagrams.len());
        datagrams.extend(batch.iter().map(<[u8]>::to_vec));
    }
    datagrams
}

/// Datagrams of every length from 0 on, each unlike the others.
fn datagrams(count: usize) -> Vec<Vec<u8>> {
    (0..count)
        .map(|index| (0..index).map(|at| (at * 31 + index) as u8).collect())
        .collect()
}

#[test]
fn datagrams_arrive_intact_and_in_order() {
    let (mut sink, mut source) = pair(Ipv4Addr::LOCALHOST.into());
    let sent = datagrams(200);
    assert_eq!(sink.send_batch(&sent).expect("sent"), 200);
    assert_eq!(receive(&mut source, 200), sent);
}

#[test]
fn datagrams_arrive_over_ipv6() {
    if std::net::UdpSocket::bind((Ipv6Addr::LOCALHOST, 0)).is_err() {
        eprintln!("skipped: this machine has no ::1");
        return;
    }
    let (mut sink, mut source) = pair(Ipv6Addr::LOCALHOST.into());
    let sent = datagrams(100);
    sink.send_batch(&sent).expect("sent");
    assert_eq!(receive(&mut source, 100), sent);
}

#[test]
fn a_batch_leaves_in_one_system_call_for_each_64() {
    let (mut sink, _source) = pair(Ipv4Addr::LOCALHOST.into());
    sink.send_batch(&datagrams(MAX_BATCH + 1)).expect("sent");
    assert_eq!(sink.counters().system_calls, 2);
}

#[test]
fn both_ends_count_the_same_datagrams_and_bytes() {
    let (mut sink, mut source) = pair(Ipv4Addr::LOCALHOST.into());
    sink.send_batch(&datagrams(100)).expect("sent");
    receive(&mut source, 100);
    let (sent, received) = (sink.counters(), source.counters());
    assert_eq!((sent.datagrams, sent.bytes), (received.datagrams, received.bytes));
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
            receive_buffer_bytes: 1 << 20,
            interface,
        })
    };
    let any = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
    let mut tied = bind(Some(other), any).expect("a source tied to an interface");
    let mut free = bind(None, any).expect("a source at any interface");
    let send_to = |port| {
        let mut sink = UdpSink::bind(&SinkConfig {
            to: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
            bind: None,
            send_buffer_bytes: 1 << 20,
        })
        .expect("a sink");
        sink.send_batch(&[b"x"]).expect("sent");
    };
    send_to(tied.local_addr().port());
    send_to(free.local_addr().port());
    // What the tied one would have had went before what the free one has now received.
    assert_eq!(receive(&mut free, 1).len(), 1);
    let came = tied.recv_batch(&mut Batch::new(1, 64), Duration::ZERO);
    assert_eq!(came.expect("polled"), 0);
}

//! The relay between two sockets, as transmitter and receiver use it.

use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroUsize;
use std::time::Duration;

use diode_bench::relay::{ImpairmentSettings, Relay, RelayConfig, RelayReport};
use hw::udp::{Batch, Datagram, MAX_BATCH, Offload, SinkConfig, SourceConfig, UdpSink, UdpSource};
use hw::units::Percent;

/// Longer than any wait here takes: a failure, not a hang.
const LONG: Duration = Duration::from_secs(10);
const ANY: (Ipv4Addr, u16) = (Ipv4Addr::LOCALHOST, 0);

fn source() -> UdpSource {
    UdpSource::bind(&SourceConfig {
        listen: SocketAddr::from(ANY),
        receive_buffer_bytes: 8 << 20,
        interface: None,
        from: None,
        offload: Offload::Auto,
    })
    .expect("a source")
}

fn sink_to(to: SocketAddr) -> UdpSink {
    UdpSink::bind(&SinkConfig {
        to,
        bind: None,
        send_buffer_bytes: 1 << 20,
        offload: Offload::Auto,
    })
    .expect("a sink")
}

fn send(sink: &mut UdpSink, datagrams: &[impl AsRef<[u8]>]) {
    let datagrams: Vec<_> = datagrams
        .iter()
        .map(|datagram| Datagram {
            header: &[],
            body: datagram.as_ref(),
        })
        .collect();
    sink.send(&datagrams).expect("sent");
}

fn percent(text: &str) -> Percent {
    text.parse().expect(text)
}

fn receive(source: &mut UdpSource, count: usize) -> Vec<Vec<u8>> {
    let mut batch = Batch::new(MAX_BATCH << 16);
    let mut datagrams = Vec::new();
    while datagrams.len() < count {
        let came = source.recv_batch(&mut batch, LONG).expect("received");
        assert!(came > 0, "{} of {count} came", datagrams.len());
        datagrams.extend(batch.datagrams().map(|received| received.bytes.to_vec()));
        batch.clear();
    }
    datagrams
}

/// As many datagrams as fit a receive buffer of the kernel's default limit at once, of lengths from 2 to 101.
fn datagrams() -> Vec<Vec<u8>> {
    (0..400_u16)
        .map(|index| {
            let mut bytes = index.to_be_bytes().to_vec();
            bytes.resize(2 + usize::from(index % 100), 0x5A);
            bytes
        })
        .collect()
}

fn assert_accounted_for(report: &RelayReport) {
    let damage = &report.damage;
    assert_eq!(
        report.received.datagrams + damage.duplicated,
        report.sent.datagrams
            + damage.lost_at_random
            + damage.lost_in_bursts
            + report.over_rate
            + report.undeliverable
            + report.left_in_queue,
        "{report}"
    );
}

#[test]
fn a_link_without_damage_delivers_every_datagram_in_order() {
    let mut rx = source();
    let config = RelayConfig::new(SocketAddr::from(ANY), rx.local_addr(), 1);
    let relay = Relay::bind(config).expect("a relay").spawn().expect("runs");
    let sent = datagrams();
    send(&mut sink_to(relay.local_addr()), &sent);
    assert_eq!(receive(&mut rx, sent.len()), sent);
}

#[test]
fn a_rough_link_accounts_for_every_datagram() {
    let mut rx = source();
    let config = RelayConfig {
        impairment: ImpairmentSettings {
            loss: percent("10%"),
            burst_loss: percent("10%"),
            duplicate: percent("10%"),
            corrupt: percent("10%"),
            reorder: percent("10%"),
            ..ImpairmentSettings::default()
        },
        ..RelayConfig::new(SocketAddr::from(ANY), rx.local_addr(), 7)
    };
    let relay = Relay::bind(config).expect("a relay").spawn().expect("runs");
    let mut tx = sink_to(relay.local_addr());
    send(&mut tx, &datagrams());
    receive(&mut rx, 200);
    let report = relay.stop().expect("a report");
    let damage = &report.damage;
    assert!(damage.lost_at_random > 0 && damage.lost_in_bursts > 0, "{report}");
    assert!(damage.duplicated > 0 && damage.reordered > 0, "{report}");
    assert_accounted_for(&report);
}

#[test]
fn a_silent_link_lets_go_of_what_it_held_back() {
    let mut rx = source();
    let config = RelayConfig {
        impairment: ImpairmentSettings {
            reorder: Percent::HUNDRED,
            ..ImpairmentSettings::default()
        },
        ..RelayConfig::new(SocketAddr::from(ANY), rx.local_addr(), 7)
    };
    let relay = Relay::bind(config).expect("a relay").spawn().expect("runs");
    send(&mut sink_to(relay.local_addr()), &[b"last"]);
    assert_eq!(receive(&mut rx, 1), [b"last"]);
}

#[test]
fn what_comes_beyond_the_rate_and_the_queue_is_dropped_and_counted() {
    let mut rx = source();
    let config = RelayConfig {
        rate: Some("1M".parse().expect("a rate")),
        queue_datagrams: NonZeroUsize::MIN.saturating_add(9),
        ..RelayConfig::new(SocketAddr::from(ANY), rx.local_addr(), 7)
    };
    // All are there before the relay looks: at 10 ms for each of 1,250 bytes, ten are queued and the rest is too much.
    let mut relay = Relay::bind(config).expect("a relay");
    let mut tx = sink_to(relay.local_addr());
    send(&mut tx, &vec![[0; 1_250]; 60]);
    let stop = std::sync::atomic::AtomicBool::new(false);
    let report = relay.run(&stop, Some(Duration::from_millis(1))).expect("a report");
    assert_eq!(report.over_rate, 50, "{report}");
    assert!(report.left_in_queue > 0, "{report}");
    assert_accounted_for(&report);
    receive(&mut rx, 1);
}

#[test]
fn a_rate_spreads_datagrams_over_the_time_that_their_bits_take() {
    let mut rx = source();
    let config = RelayConfig {
        rate: Some("10M".parse().expect("a rate")),
        ..RelayConfig::new(SocketAddr::from(ANY), rx.local_addr(), 7)
    };
    let relay = Relay::bind(config).expect("a relay").spawn().expect("runs");
    let start = std::time::Instant::now();
    let mut tx = sink_to(relay.local_addr());
    send(&mut tx, &vec![[0; 1_250]; 101]);
    receive(&mut rx, 101);
    // 1 ms for each, the first at once, less the millisecond of credit.
    let elapsed = start.elapsed();
    assert!(elapsed >= Duration::from_millis(98), "{elapsed:?}");
}

#[test]
fn a_port_in_use_is_refused_with_its_address() {
    let rx = source();
    let config = RelayConfig::new(rx.local_addr(), rx.local_addr(), 1);
    let error = Relay::bind(config).expect_err("taken");
    let address = rx.local_addr().to_string();
    assert!(error.to_string().contains(&address), "{error}");
}

//! What a running receiver shows of itself to whoever asks for its status.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use hw::udp::UdpSource;
use protocol::time::UnixMillis;

use super::socket::SocketCounters;
use crate::clock::wall;
use crate::status::{Gauges, Live, SocketStatus, Status};

/// The places where a receiver's counters stand.
#[derive(Debug)]
pub(super) struct View {
    link: String,
    since: UnixMillis,
    sockets: Vec<SocketView>,
    pub(super) gauges: Arc<Gauges>,
}

#[derive(Debug)]
struct SocketView {
    listen: SocketAddr,
    buffer_bytes: u64,
    coalescing: bool,
    counters: Arc<SocketCounters>,
}

impl View {
    /// Of a receiver that listens at these sockets.
    pub(super) fn new(link: &str, sources: &[UdpSource]) -> Self {
        let socket = |source: &UdpSource| SocketView {
            listen: source.local_addr(),
            buffer_bytes: source.granted_receive_buffer() as u64,
            coalescing: source.coalescing(),
            counters: Arc::new(SocketCounters::default()),
        };
        Self {
            link: link.to_owned(),
            since: wall(),
            sockets: sources.iter().map(socket).collect(),
            gauges: Arc::new(Gauges::default()),
        }
    }

    /// The counters of each lane's socket.
    pub(super) fn counters(&self) -> impl Iterator<Item = &Arc<SocketCounters>> {
        self.sockets.iter().map(|socket| &socket.counters)
    }

    /// How the link is doing now.
    pub(super) fn status(&self) -> Status {
        let Live {
            link,
            lost,
            counters,
            sessions,
            completed,
            last,
        } = self.gauges.read();
        let first = self
            .counters()
            .map(|counters| counters.first_us.load(Ordering::Relaxed));
        Status {
            schema: 1,
            link: self.link.clone(),
            state: link,
            since: self.since,
            first_datagram_us: first.filter(|at| *at > 0).min(),
            sockets: self.sockets.iter().map(SocketView::status).collect(),
            lost,
            counters,
            sessions,
            completed,
            last,
        }
    }
}

impl SocketView {
    fn status(&self) -> SocketStatus {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let counters = &self.counters;
        SocketStatus {
            listen: self.listen,
            buffer_bytes: self.buffer_bytes,
            coalescing: self.coalescing,
            datagrams: load(&counters.datagrams),
            overflowed: load(&counters.overflowed),
            behind: load(&counters.behind),
            truncated: load(&counters.truncated),
            strangers: load(&counters.strangers),
        }
    }
}

//! The sockets that are measured: the link's own, used as plainly as can be.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use clap::ValueEnum;
use hw::HwError;
use hw::udp::{Batch, Datagram, MAX_BATCH, MAX_DATAGRAM, Offload, SinkConfig, SourceConfig, UdpSink, UdpSource};

/// How datagrams pass through the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Mode {
    /// One by one, 64 a system call: sendmmsg and recvmmsg
    Plain,
    /// In runs, 64 a system call, that the kernel cuts and joins: UDP_SEGMENT and UDP_GRO
    Offload,
}

impl Mode {
    /// Every mode.
    pub(crate) const ALL: &[Self] = &[Self::Plain, Self::Offload];

    /// The name in figures.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Offload => "offload",
        }
    }

    const fn offload(self) -> Offload {
        match self {
            Self::Plain => Offload::Off,
            Self::Offload => Offload::Auto,
        }
    }
}

/// What is asked for either buffer; the kernel grants twice as much, its own bookkeeping counted in.
const BUFFER_BYTES: usize = 64 << 20;

/// The receiving end.
pub(super) struct Inlet {
    source: UdpSource,
    batch: Batch,
}

/// What one system call brought.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Arrived {
    pub(super) datagrams: u64,
    pub(super) bytes: u64,
}

impl Inlet {
    /// A socket on loopback for datagrams of `payload` bytes.
    pub(super) fn bind(mode: Mode, payload: u16) -> Result<Self, HwError> {
        let source = UdpSource::bind(&SourceConfig {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            receive_buffer_bytes: BUFFER_BYTES,
            interface: None,
            from: None,
            offload: mode.offload(),
        })?;
        let batch = match mode {
            Mode::Plain => Batch::for_datagrams(MAX_BATCH, payload.into()),
            Mode::Offload => Batch::new(MAX_BATCH << 16),
        };
        Ok(Self { source, batch })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.source.local_addr()
    }

    /// Bytes that the kernel granted for what waits, as it counts them.
    pub(super) fn granted(&self) -> u64 {
        self.source.granted_receive_buffer() as u64
    }

    /// Takes what waits, or waits up to `timeout` for the first; all of it is discarded.
    pub(super) fn receive(&mut self, timeout: Duration) -> Result<Arrived, HwError> {
        self.batch.clear();
        self.source.recv_batch(&mut self.batch, timeout)?;
        Ok(Arrived {
            datagrams: self.batch.len() as u64,
            bytes: self.batch.bytes() as u64,
        })
    }
}

/// The sending end.
pub(super) struct Outlet {
    sink: UdpSink,
    /// What one system call carries.
    datagrams: Vec<Datagram<'static>>,
}

impl Outlet {
    /// A socket for datagrams of `payload` bytes to `to`.
    pub(super) fn bind(mode: Mode, to: SocketAddr, payload: u16) -> Result<Self, HwError> {
        let sink = UdpSink::bind(&SinkConfig {
            to,
            bind: None,
            send_buffer_bytes: BUFFER_BYTES,
            offload: mode.offload(),
        })?;
        let body = PAYLOAD.get(..usize::from(payload)).unwrap_or(&PAYLOAD);
        let datagrams = vec![Datagram { header: &[], body }; MAX_BATCH * sink.segments(body.len())];
        Ok(Self { sink, datagrams })
    }

    /// Sends as many datagrams as one system call takes, and says how many those are.
    pub(super) fn send(&mut self) -> Result<u64, HwError> {
        self.sink.send(&self.datagrams)?;
        Ok(self.datagrams.len() as u64)
    }
}

/// The same bytes each time.
static PAYLOAD: [u8; MAX_DATAGRAM] = [0xd1; MAX_DATAGRAM];

//! A lane: one stream of numbered datagrams, in which the parts of transmissions follow each other.

use super::{EncodeJob, GroupSymbol, Part, Polled, Transmission};
use crate::fec::{BlockBuffers, FecError};
use crate::wire::{HEADER_LEN, Header, Kind, SessionId, Shift};

/// Numbers the datagrams of one lane, from one transmission to the next.
///
/// # Panics
/// Its methods do, as [`Header::emit`], on a body that is longer than any symbol, announce, heartbeat or filler.
#[derive(Debug, Clone)]
pub struct Lane {
    next: u32,
    /// For symbols of the length that was sent last.
    shift: Shift,
}

impl Lane {
    /// A lane whose first datagram has this number, which should be random.
    #[must_use]
    pub fn new(first_packet: u32) -> Self {
        Self {
            next: first_packet,
            shift: Shift::over(0),
        }
    }

    /// The header of the lane's next datagram, an announce.
    pub fn announce(&mut self, session: SessionId, body: &[u8]) -> [u8; HEADER_LEN] {
        self.header(Kind::Announce, session, (0, 0)).emit(body)
    }

    /// The header of the lane's next datagram, a heartbeat.
    pub fn heartbeat(&mut self, body: &[u8]) -> [u8; HEADER_LEN] {
        self.header(Kind::Heartbeat, SessionId(0), (0, 0)).emit(body)
    }

    /// The header of the lane's next datagram, filler.
    pub fn filler(&mut self, body: &[u8]) -> [u8; HEADER_LEN] {
        self.header(Kind::Filler, SessionId(0), (0, 0)).emit(body)
    }

    /// The header of the lane's next datagram, a symbol.
    pub fn symbol(&mut self, session: SessionId, symbol: &GroupSymbol<'_>) -> [u8; HEADER_LEN] {
        if self.shift.body_len() != symbol.bytes.len() {
            self.shift = Shift::over(symbol.bytes.len());
        }
        let header = self.header(Kind::Symbol, session, (symbol.block, symbol.esi));
        header.emit_summed(symbol.crc, &self.shift)
    }

    fn header(&mut self, kind: Kind, session: SessionId, (block, esi): (u32, u32)) -> Header {
        let packet = self.next;
        self.next = packet.wrapping_add(1);
        Header {
            kind,
            session,
            packet,
            block,
            esi,
        }
    }
}

impl Transmission {
    /// Runs the whole transmission at once, without threads, waits or pacing: `read` fills each block's place, `send` gets the
    /// number of the lane and each datagram, header and body apart. Gaps are filled with filler.
    ///
    /// # Errors
    /// [`FecError`] if a block can't be coded.
    ///
    /// # Panics
    /// Unless there are as many `lanes` as in the transmission's settings.
    pub fn drive(
        mut self,
        lanes: &mut [Lane],
        mut read: impl FnMut(&EncodeJob, &mut [u8]),
        mut send: impl FnMut(usize, &[u8; HEADER_LEN], &[u8]),
    ) -> Result<(), FecError> {
        assert_eq!(
            lanes.len(),
            self.tracks.len(),
            "each lane of the settings numbers its datagrams"
        );
        let mut buffers: Vec<BlockBuffers> = Vec::new();
        loop {
            while let Some(job) = self.poll_job() {
                let mut block = buffers.pop().unwrap_or_default();
                read(&job, job.place(&mut block));
                self.handle_coded(job.run(block)?);
            }
            let mut over = true;
            for (number, lane) in lanes.iter_mut().enumerate() {
                match self.poll_part(number) {
                    Polled::Finished => continue,
                    Polled::Starved => {}
                    Polled::Part(part) => {
                        part.send(lane, |header, body| send(number, header, body));
                        if let Part::Group(group) = part {
                            self.handle_sent(number);
                            buffers.extend(group.into_buffers());
                        }
                    }
                }
                over = false;
            }
            if over {
                return Ok(());
            }
        }
    }
}

impl Part {
    /// Numbers the part's datagrams on `lane` and gives each to `send`.
    pub(super) fn send(&self, lane: &mut Lane, mut send: impl FnMut(&[u8; HEADER_LEN], &[u8])) {
        match self {
            Self::Announces {
                session, body, count, ..
            } => {
                for _ in 0..*count {
                    send(&lane.announce(*session, body), body);
                }
            }
            Self::Gap { packets, filler_len } => {
                let body = vec![0; usize::from(*filler_len)];
                for _ in 0..*packets {
                    send(&lane.filler(&body), &body);
                }
            }
            Self::Group(group) => {
                for symbol in group.symbols() {
                    let header = lane.symbol(group.session(), &symbol);
                    send(&header, symbol.bytes);
                }
            }
        }
    }
}

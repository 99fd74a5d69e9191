//! The receiver as a whole, driven by a script as its daemon drives it: datagrams, time, workers that come late, in any order.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use protocol::digest::Digest;
use protocol::link::{EPOCHS_KEPT, LinkNews, LinkState};
use protocol::merkle;
use protocol::reception::{Incoming, Output, Place, Reception, SolveJob, verify_announced_head};
use protocol::time::Tick;
use protocol::wire::{Announce, Header, Heartbeat, Kind, SessionId, SignedAnnounce};

use super::link::with_fitting_crc;
use super::sealed::{signed_announce, signed_heartbeat};
use crate::fuzz::fixture::{LIMITS, NOW, RECEIVER, link_key, trust};
use crate::fuzz::script::{self, Step};

/// A datagram, as it is.
pub const DATAGRAM: u8 = 0;
/// A datagram whose checksum is made to fit.
pub const FITTING: u8 = 1;
/// An announce: session (u64) and fields, which are signed by the link key.
pub const ANNOUNCE: u8 = 2;
/// Milliseconds that pass (u16).
pub const WAIT: u8 = 3;
/// How many jobs the workers do (u8), the oldest first.
pub const WORK: u8 = 4;
/// The lane (u8) that datagrams come on from now on.
pub const LANE: u8 = 5;
/// A session (u64) that the driver has no use for.
pub const DROP: u8 = 6;
/// The workers do all that there is, after each step from now on.
pub const PROMPT: u8 = 7;
/// A heartbeat: fields, which are signed by the link key.
pub const HEARTBEAT: u8 = 8;
const OPS: u8 = 9;

/// A script of what happens to a receiver. What is set aside stays under the budget after every step; a session that is complete has the
/// content that was announced and signed, byte for byte; a heartbeat and a state of the link are told once; and when all is over nothing is
/// left.
pub fn reception(bytes: &[u8]) {
    let mut driver = Driver::new();
    for step in script::steps(bytes).take(MOST_STEPS) {
        driver.take(step);
        driver.check();
    }
    driver.work(usize::MAX);
    driver.wait(LIMITS.idle_millis);
    driver.check();
    assert_eq!(
        (driver.reception.sessions(), driver.bundles.len()),
        (0, 0),
        "a session outlives its idleness"
    );
}

const MOST_STEPS: usize = 2000;

/// What the daemon has for a session.
struct Bundle {
    announce: Announce,
    file: Vec<u8>,
    content_at: usize,
}

struct Driver {
    reception: Reception,
    bundles: BTreeMap<SessionId, Bundle>,
    /// The counter of each epoch's last heartbeat.
    beaten: BTreeMap<u64, u64>,
    link: LinkState,
    jobs: VecDeque<SolveJob>,
    now: Tick,
    lane: usize,
    prompt: bool,
}

impl Driver {
    fn new() -> Self {
        Self {
            reception: Reception::new(vec![link_key().public()], LIMITS),
            bundles: BTreeMap::new(),
            beaten: BTreeMap::new(),
            link: LinkState::Unknown,
            jobs: VecDeque::new(),
            now: Tick(0),
            lane: 0,
            prompt: false,
        }
    }

    fn take(&mut self, Step { op, bytes }: Step<'_>) {
        match op % OPS {
            DATAGRAM => self.datagram(bytes),
            FITTING => self.datagram(&with_fitting_crc(bytes)),
            ANNOUNCE => self.announce(bytes),
            WAIT => self.wait(number(bytes, 2)),
            WORK => self.work(usize::try_from(number(bytes, 1)).unwrap_or(0)),
            LANE => self.lane = usize::try_from(number(bytes, 1)).unwrap_or(0),
            DROP => self.reception.drop_session(SessionId(number(bytes, 8))),
            PROMPT => self.prompt = true,
            _ => self.heartbeat(bytes),
        }
        self.drain();
        if self.prompt {
            self.work(usize::MAX);
        }
    }

    fn datagram(&mut self, bytes: &[u8]) {
        let incoming = Incoming {
            lane: self.lane,
            bytes,
            lost_at: Place::Link,
        };
        self.reception.handle_datagram(incoming, self.now);
    }

    fn announce(&mut self, bytes: &[u8]) {
        let session = SessionId(number(bytes, 8));
        let Some(body) = signed_announce(session, bytes.get(8..).unwrap_or_default()) else {
            return;
        };
        self.datagram_of(Kind::Announce, session, &body);
    }

    fn heartbeat(&mut self, fields: &[u8]) {
        if let Some(body) = signed_heartbeat(fields) {
            self.datagram_of(Kind::Heartbeat, SessionId(0), &body);
        }
    }

    fn datagram_of(&mut self, kind: Kind, session: SessionId, body: &[u8]) {
        let header = Header {
            kind,
            session,
            packet: 0,
            block: 0,
            esi: 0,
        };
        self.datagram(&[&header.emit(body)[..], body].concat());
    }

    fn wait(&mut self, millis: u64) {
        self.now = self.now.plus_millis(millis);
        self.reception.handle_timeout(self.now);
        self.drain();
    }

    fn work(&mut self, jobs: usize) {
        for _ in 0..jobs {
            let Some(job) = self.jobs.pop_front() else { break };
            let solved = job.run();
            if let (Some((offset, bytes)), Some(bundle)) = (solved.content(), self.bundles.get_mut(&solved.session())) {
                bundle.write(offset, bytes);
            }
            self.reception.handle_solved(solved, self.now);
            self.drain();
        }
    }

    fn drain(&mut self) {
        while let Some(output) = self.reception.poll_output() {
            self.act(output);
        }
    }

    fn act(&mut self, output: Output) {
        match output {
            Output::Opened { session, announce } => {
                let known = self.bundles.insert(session, Bundle::new(&announce));
                assert!(known.is_none(), "a session is opened twice");
            }
            Output::Solve(job) => self.jobs.push_back(*job),
            Output::Head { session, head } => {
                let bundle = self.bundles.get(&session).expect("a head of a session that was opened");
                match verify_announced_head(&bundle.announce, &head, trust(), RECEIVER, NOW) {
                    Ok(verified) => {
                        let index = Arc::new(verified.index().clone());
                        self.reception.accept_head(session, index, self.now);
                    }
                    Err(refusal) => self.reception.refuse(session, refusal),
                }
            }
            Output::Complete { session, summary } => {
                assert!(summary.head && summary.blocks_missing == 0);
                let bundle = self.bundles.remove(&session).expect("a session that was opened");
                bundle.check_whole();
            }
            Output::Ended { session, .. } => {
                let bundle = self.bundles.remove(&session);
                assert!(bundle.is_some(), "a session ends that was not opened, or twice");
            }
            Output::Mismatched { needs, allows, .. } => assert!(needs > allows),
            Output::Heartbeat(signed) => self.take_heartbeat(signed.heartbeat()),
            Output::Link(LinkNews::Changed(change)) => {
                assert!(change.was == self.link && change.is != self.link, "{change:?}");
                self.link = change.is;
            }
            Output::Link(LinkNews::Restored { was, is, .. }) => assert!(is < was),
            Output::UnknownLinkKey { key_id } => assert_ne!(key_id, link_key().public().key_id()),
        }
    }

    /// It is newer than the one before, unless so many epochs came that the first are forgotten.
    fn take_heartbeat(&mut self, heartbeat: &Heartbeat) {
        let before = self.beaten.insert(heartbeat.epoch, heartbeat.counter);
        let newer = before.is_none_or(|before| before < heartbeat.counter);
        assert!(
            newer || self.beaten.len() > EPOCHS_KEPT,
            "an old heartbeat is told as a new one"
        );
    }

    fn check(&self) {
        assert_eq!(
            self.reception.link().state(),
            self.link,
            "a state of the link was not told"
        );
        let (memory, budget) = (self.reception.memory(), LIMITS.memory_bytes);
        assert!(
            memory <= budget,
            "{memory} bytes are set aside, and {budget} are the budget"
        );
        assert!(self.reception.sessions() <= LIMITS.sessions);
        assert_eq!(self.reception.sessions(), self.bundles.len());
    }
}

impl Bundle {
    fn new(announce: &SignedAnnounce) -> Self {
        let layout = announce.layout();
        assert!(
            layout.file_len() <= LIMITS.bundle_bytes,
            "a session of a bundle over the limit"
        );
        let file_len = usize::try_from(layout.file_len()).expect("it is within the limit");
        let content_len = usize::try_from(layout.content_len()).expect("it is less than the file");
        Self {
            announce: announce.announce().clone(),
            file: vec![0; file_len],
            content_at: file_len - content_len,
        }
    }

    fn write(&mut self, offset: u64, bytes: &[u8]) {
        let start = usize::try_from(offset).expect("it is within the file");
        assert!(start >= self.content_at, "content is written over the head");
        let place = self.file.get_mut(start..start + bytes.len());
        place
            .expect("content is written behind the file's end")
            .copy_from_slice(bytes);
    }

    /// The content has the announced root, which the author's signature was compared with.
    fn check_whole(&self) {
        let content = self.file.get(self.content_at..).unwrap_or_default();
        let leaf_len = self.announce.leaf_len.max(1) as usize;
        let leaves: Vec<Digest> = content.chunks(leaf_len).map(merkle::leaf_hash).collect();
        assert_eq!(
            merkle::root(&leaves),
            self.announce.content_root,
            "another content is complete"
        );
    }
}

/// The number in the first bytes, big-endian; what is missing counts as nothing.
fn number(bytes: &[u8], width: usize) -> u64 {
    bytes
        .iter()
        .take(width)
        .fold(0, |number, byte| (number << 8) | u64::from(*byte))
}

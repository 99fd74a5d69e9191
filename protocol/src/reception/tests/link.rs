//! A bundle to send, and a driver that does what the receiver asks, in memory.

use super::*;
use crate::bundle::{AiShare, FileRecord, Kind as BundleKind, Origin, Statement};
use crate::path::BundlePath;
use crate::trust::Trust;

pub(super) const LEAF: usize = 4096;

pub(super) fn link_key() -> SigningKey {
    SigningKey::from_seed([1; 32])
}

fn author_key() -> SigningKey {
    SigningKey::from_seed([2; 32])
}

pub(super) fn limits() -> ReceptionLimits {
    ReceptionLimits {
        memory_bytes: 32 << 20,
        sessions: 4,
        lanes: 1,
        bundle_bytes: 1 << 30,
        idle_millis: 1000,
        signatures_per_second: ReceptionLimits::SIGNATURES_PER_SECOND,
    }
}

/// A signed bundle of one file, what is announced of it, and how it is sent.
pub(super) struct Bundle {
    pub(super) session: u64,
    pub(super) symbol_len: u16,
    pub(super) depth: u16,
    pub(super) lanes: u8,
    pub(super) head: Vec<u8>,
    pub(super) content: Vec<u8>,
    pub(super) shape: BundleShape,
}

impl Bundle {
    pub(super) fn new(content_len: usize) -> Self {
        let content: Vec<u8> = (0..content_len).map(|i| (i * 7 % 251) as u8).collect();
        let leaves: Vec<_> = content.chunks(LEAF).map(merkle::leaf_hash).collect();
        let sealed = PackedHead::seal(statement(&content), leaves, &[&author_key()]).unwrap();
        let shape = BundleShape {
            bundle: sealed.id(),
            envelope_len: sealed.prefix().envelope_len,
            head_len: sealed.head().len() as u32,
            head_sha256: Digest::of(sealed.head()),
            content_len: content.len() as u64,
            content_root: sealed.statement().content_root,
            leaf_len: LEAF as u32,
        };
        Self {
            session: 77,
            symbol_len: 128,
            depth: 3,
            lanes: 1,
            head: sealed.head().to_vec(),
            content,
            shape,
        }
    }

    /// What a compromised transmitter can do: leaves, index and announced head digest made to fit the content.
    pub(super) fn recompute_index(&mut self) {
        let envelope_len = self.shape.envelope_len as usize;
        let leaves: Vec<_> = self.content.chunks(LEAF).map(merkle::leaf_hash).collect();
        self.head.truncate(envelope_len);
        self.head.extend(leaves.iter().flat_map(|leaf| leaf.0));
        self.shape.head_sha256 = Digest::of(&self.head);
        self.shape.content_root = merkle::root(&leaves);
    }

    /// What goes over its one lane.
    pub(super) fn datagrams(&self, passes: u16) -> Vec<Vec<u8>> {
        assert_eq!(self.lanes, 1);
        self.by_lane(passes).concat()
    }

    /// What goes over each lane.
    pub(super) fn by_lane(&self, passes: u16) -> Vec<Vec<Vec<u8>>> {
        let settings = Settings {
            session: SessionId(self.session),
            number: LinkNumber { epoch: 5, sequence: 6 },
            symbol_len: self.symbol_len,
            redundancy: Redundancy::new(0.15, 0, 1e-6, self.depth).unwrap(),
            passes,
            lanes: self.lanes,
            created: UnixMillis(0),
        };
        let transmission = Transmission::new(&self.shape, &settings, &link_key()).unwrap();
        let file = [&[0; crate::bundle::PREFIX_LEN][..], &self.head, &self.content].concat();
        let mut lanes = vec![Lane::new(1000); self.lanes.into()];
        let mut datagrams = vec![Vec::new(); lanes.len()];
        let read = |job: &EncodeJob, place: &mut [u8]| {
            let start = job.file_offset() as usize;
            place.copy_from_slice(&file[start..start + place.len()]);
        };
        let send = |lane: usize, header: &[u8; 32], body: &[u8]| datagrams[lane].push([header, body].concat());
        transmission.drive(&mut lanes, read, send).unwrap();
        datagrams
    }
}

/// When the bundles of these tests are made, and received.
const CREATED: UnixMillis = UnixMillis(1_795_340_467_000);

fn statement(content: &[u8]) -> Statement {
    let path = BundlePath::parse("src/lib.rs").unwrap();
    Statement {
        files: vec![FileRecord {
            path,
            sha256: Digest::of(content),
            size: content.len() as u64,
            executable: false,
        }],
        kind: BundleKind::Code,
        author: "alice@lab".to_owned(),
        created: CREATED,
        not_after: CREATED.plus_millis(1000),
        audience: vec!["plant-7".to_owned()],
        target: None,
        description: None,
        origin: Origin {
            tool: None,
            model: None,
            ai_generated: AiShare::Unknown,
            commit: None,
            dirty: None,
        },
        content_len: 0,
        leaf_len: LEAF as u32,
        content_root: Digest([0; 32]),
    }
}

/// A receiver whose driver runs every job at once.
pub(super) struct Receiver {
    pub(super) reception: Reception,
    pub(super) told: Vec<Output>,
    now: Tick,
    trust: Trust,
    files: BTreeMap<SessionId, Vec<u8>>,
    complete: Option<Vec<u8>>,
}

impl Receiver {
    pub(super) fn new(limits: ReceptionLimits) -> Self {
        Self::with_key(limits, link_key().public())
    }

    pub(super) fn with_key(limits: ReceptionLimits, key: PublicKey) -> Self {
        let signer = format!(
            "alice@lab namespaces=\"diode-bundle\" {}",
            author_key().public().to_openssh("")
        );
        Self {
            reception: Reception::new(vec![key], limits),
            told: Vec::new(),
            now: Tick(0),
            trust: Trust::parse(&signer, "allowed_signers").unwrap(),
            files: BTreeMap::new(),
            complete: None,
        }
    }

    pub(super) fn take(&mut self, datagram: &[u8]) {
        self.reception.handle_datagram(datagram, self.now);
        self.drain();
    }

    pub(super) fn take_on(&mut self, lane: usize, bytes: &[u8], lost_at: Place) {
        self.reception
            .handle_datagram(Incoming { lane, bytes, lost_at }, self.now);
        self.drain();
    }

    pub(super) fn take_all(&mut self, datagrams: &[Vec<u8>]) {
        for datagram in datagrams {
            self.take(datagram);
        }
    }

    pub(super) fn wait(&mut self, millis: u64) {
        self.now = self.now.plus_millis(millis);
        self.reception.handle_timeout(self.now);
        self.drain();
    }

    pub(super) fn drain(&mut self) {
        while let Some(output) = self.reception.poll_output() {
            self.act(output);
        }
    }

    pub(super) fn act(&mut self, output: Output) {
        match output {
            Output::Solve(job) => self.solve(*job),
            Output::Opened { session, announce } => {
                self.files
                    .insert(session, vec![0; announce.layout().file_len() as usize]);
                self.told.push(Output::Opened { session, announce });
            }
            Output::Head { session, head } => {
                let announce = self.told.iter().find_map(|told| match told {
                    Output::Opened {
                        session: opened,
                        announce,
                    } if *opened == session => Some(announce.announce()),
                    _ => None,
                });
                match verify_announced_head(announce.unwrap(), &head, &self.trust, "plant-7", CREATED) {
                    Ok(verified) => {
                        let index = Arc::new(verified.index().clone());
                        self.reception.accept_head(session, index, self.now);
                    }
                    Err(refusal) => self.reception.refuse(session, refusal),
                }
            }
            Output::Complete { session, summary } => {
                let layout = self.told.iter().find_map(|told| match told {
                    Output::Opened {
                        session: opened,
                        announce,
                    } if *opened == session => Some(*announce.layout()),
                    _ => None,
                });
                let content = crate::bundle::PREFIX_LEN + layout.unwrap().head_len() as usize;
                self.complete = Some(self.files[&session][content..].to_vec());
                self.told.push(Output::Complete { session, summary });
            }
            told => self.told.push(told),
        }
    }

    /// Does what a worker does with a job.
    pub(super) fn solve(&mut self, job: SolveJob) {
        let solved = job.run();
        if let Some((offset, bytes)) = solved.content() {
            let start = offset as usize;
            let file = self.files.get_mut(&solved.session()).expect("it was opened");
            file[start..start + bytes.len()].copy_from_slice(bytes);
        }
        self.reception.handle_solved(solved, self.now);
    }

    /// The bytes that a session's file has so far.
    pub(super) fn file(&self, session: u64) -> Vec<u8> {
        self.files[&SessionId(session)].clone()
    }

    /// Goes on with what an earlier transmission left in `file`, and the head as it was verified then; gives the first look's job.
    pub(super) fn adopt(&mut self, bundle: &Bundle, file: Vec<u8>) -> Option<Box<ResumeJob>> {
        let session = SessionId(bundle.session);
        self.files.insert(session, file);
        let verified =
            crate::bundle::verify_head(&bundle.head, bundle.shape.envelope_len, &self.trust, "plant-7", CREATED);
        let index = Arc::new(verified.unwrap().index().clone());
        self.reception.adopt_head(session, index, self.now);
        self.reception.resume(session)
    }

    /// Looks at a job's blocks, and has all that follow looked at.
    pub(super) fn look(&mut self, job: Option<Box<ResumeJob>>) {
        self.look_writing(job, |_| true);
    }

    /// The same on a disk that takes what is whole at the offsets that `takes` says.
    pub(super) fn look_writing(&mut self, job: Option<Box<ResumeJob>>, takes: impl Fn(u64) -> bool) {
        let mut next = job;
        while let Some(job) = next {
            let session = job.session();
            let file = &self.files[&session];
            let at = |offset: u64, len: usize| &file[offset as usize..offset as usize + len];
            let resumed = job.run(
                |offset, bytes| {
                    bytes.copy_from_slice(at(offset, bytes.len()));
                    true
                },
                |offset, bytes| {
                    assert!(bytes == at(offset, bytes.len()), "it is written as it was");
                    takes(offset)
                },
            );
            self.reception.handle_resumed(&resumed, self.now);
            next = self.reception.resume(session);
        }
        self.drain();
    }

    pub(super) fn complete(&self) -> Option<&Vec<u8>> {
        self.complete.as_ref()
    }

    /// The summary of the session that is complete.
    pub(super) fn summary(&self) -> Option<Summary> {
        self.told.iter().find_map(|told| match told {
            Output::Complete { summary, .. } => Some(*summary),
            _ => None,
        })
    }

    pub(super) fn ended(&self) -> (Ending, Summary) {
        self.told
            .iter()
            .find_map(|told| match told {
                Output::Ended { why, summary, .. } => Some((why.clone(), *summary)),
                _ => None,
            })
            .expect("a session ended")
    }
}

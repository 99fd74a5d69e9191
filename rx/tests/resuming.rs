//! A receiver that is killed in the middle of a bundle, and goes on with it when it is sent again.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test prepares files by itself, and fails by panicking"
)]

use std::io::{BufRead, BufReader};
use std::net::UdpSocket;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use protocol::bundle::seal::PackedHead;
use protocol::bundle::{FileRecord, Kind, Origin, Statement};
use protocol::digest::Digest;
use protocol::fec::Redundancy;
use protocol::keys::SigningKey;
use protocol::merkle;
use protocol::path::BundlePath;
use protocol::time::UnixMillis;
use protocol::transmission::{BundleShape, EncodeJob, Lane, Settings, Transmission};
use protocol::wire::{HEADER_LEN, Kind as PacketKind, LinkNumber, Packet, SessionId};
use tempfile::TempDir;

const BINARY: &str = env!("CARGO_BIN_EXE_diode-rx");
const LEAF: usize = 4096;
const BLOCKS: u32 = 4;

fn now() -> UnixMillis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    UnixMillis(u64::try_from(since.as_millis()).unwrap())
}

/// A bundle of a head block and three of content, signed, as its file.
struct Bundle {
    head: PackedHead,
    file: Vec<u8>,
}

impl Bundle {
    fn new(author: &SigningKey) -> Self {
        let content: Vec<u8> = (0..80_000u32).map(|i| (i % 251) as u8).collect();
        let statement = Statement {
            files: vec![FileRecord {
                path: BundlePath::parse("notes.txt").unwrap(),
                sha256: Digest::of(&content),
                size: content.len() as u64,
                executable: false,
            }],
            kind: Kind::Code,
            author: "alice@lab".to_owned(),
            created: now(),
            not_after: now().plus_millis(3_600_000),
            audience: vec!["plant-7".to_owned()],
            target: None,
            description: None,
            origin: Origin::default(),
            content_len: 0,
            leaf_len: LEAF as u32,
            content_root: Digest([0; 32]),
        };
        let leaves = content.chunks(LEAF).map(merkle::leaf_hash).collect();
        let head = PackedHead::seal(statement, leaves, &[author]).unwrap();
        let file = [&head.prefix().emit()[..], head.head(), &content].concat();
        Self { head, file }
    }

    /// Announces, and the symbols of these blocks.
    fn datagrams(&self, session: u64, link: &SigningKey, wanted: impl Fn(u32) -> bool) -> Vec<Vec<u8>> {
        let shape = BundleShape {
            bundle: self.head.id(),
            envelope_len: self.head.prefix().envelope_len,
            head_len: self.head.head().len() as u32,
            head_sha256: Digest::of(self.head.head()),
            content_len: self.head.statement().content_len,
            content_root: self.head.statement().content_root,
            leaf_len: LEAF as u32,
        };
        let settings = Settings {
            session: SessionId(session),
            number: LinkNumber { epoch: 1, sequence: 1 },
            symbol_len: 128,
            redundancy: Redundancy::new(0.0, 0, 1e-9, 2).unwrap(),
            passes: 1,
            lanes: 1,
            created: now(),
        };
        let transmission = Transmission::new(&shape, &settings, link).unwrap();
        let mut datagrams = Vec::new();
        let read = |job: &EncodeJob, place: &mut [u8]| {
            let start = usize::try_from(job.file_offset()).unwrap();
            place.copy_from_slice(&self.file[start..start + place.len()]);
        };
        let send = |_: usize, header: &[u8; HEADER_LEN], body: &[u8]| datagrams.push([&header[..], body].concat());
        transmission.drive(&mut [Lane::new(0)], read, send).unwrap();
        let is_wanted = |datagram: &Vec<u8>| {
            let header = Packet::parse(datagram).unwrap().header;
            header.kind != PacketKind::Symbol || wanted(header.block)
        };
        datagrams.retain(is_wanted);
        datagrams
    }
}

struct Receiver {
    folder: TempDir,
}

impl Receiver {
    fn new(author: &SigningKey, link: &SigningKey) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let receiver = Self { folder };
        let pinned = receiver.folder.path().join("link.pub");
        std::fs::write(&pinned, link.public().to_openssh("link") + "\n").unwrap();
        let mut init = receiver.command(&["init", "--name", "plant-7", "--listen", "127.0.0.1:0"]);
        assert!(init.arg("--link-key").arg(pinned).output().unwrap().status.success());
        let signer = format!(
            "alice@lab namespaces=\"diode-bundle\" {}\n",
            author.public().to_openssh("")
        );
        std::fs::write(receiver.home().join("allowed_signers"), signer).unwrap();
        receiver
    }

    fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(BINARY);
        command.arg("--home").arg(self.home()).args(args);
        command
    }

    fn events(&self) -> String {
        let output = self.command(&["tail", "--no-follow", "--json"]).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    }

    /// Begins to serve; says at which address.
    fn serve(&self) -> (Child, String) {
        let mut serve = self.command(&["serve"]);
        let mut child = serve.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut ready = String::new();
        BufReader::new(child.stdout.as_mut().unwrap())
            .read_line(&mut ready)
            .unwrap();
        let address = ready.split("udp ").nth(1).and_then(|after| after.split(';').next());
        (child, address.expect("it is ready").to_owned())
    }

    /// What lies in the spool of the transmission under way.
    fn spooled(&self) -> Vec<u8> {
        let mut names = std::fs::read_dir(self.home().join("quarantine/spool")).unwrap();
        names
            .next()
            .map_or_else(Vec::new, |name| std::fs::read(name.unwrap().path()).unwrap())
    }
}

fn send(address: &str, datagrams: &[Vec<u8>]) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    for datagram in datagrams {
        socket.send_to(datagram, address).unwrap();
    }
}

fn kill(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_receiver_that_is_killed_goes_on_with_what_it_had_when_the_rest_is_sent() {
    let [author, link] = [1, 2].map(|seed| SigningKey::from_seed([seed; 32]));
    let receiver = Receiver::new(&author, &link);
    let bundle = Bundle::new(&author);
    let block = 8 * LEAF;
    let came = bundle.head.prefix().content_offset() as usize + 2 * block;

    let (first, address) = receiver.serve();
    let first_part = bundle.datagrams(7, &link, |block| block < 3);
    while receiver.spooled().get(..came) != Some(&bundle.file[..came]) {
        send(&address, &first_part);
    }
    kill(first);

    let (second, address) = receiver.serve();
    let rest = bundle.datagrams(8, &link, |block| block == BLOCKS - 1);
    while !receiver.events().contains("bundle.admitted") {
        send(&address, &rest);
    }
    kill(second);
    let name = format!("{}.bundle", bundle.head.id());
    let places = ["held", "originals"].map(|place| receiver.home().join("quarantine").join(place).join(&name));
    let admitted = places.iter().find_map(|path| std::fs::read(path).ok());
    assert!(admitted == Some(bundle.file));
    let events = receiver.events();
    assert!(
        events.contains("3 of 4 blocks were kept from an earlier transmission"),
        "{events}"
    );
    assert!(events.contains("what came of it is kept"), "{events}");
}

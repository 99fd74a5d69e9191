//! The far end of the link for tests: a socket that keeps every datagram, and the bundles and programs around it.

use std::fs::OpenOptions;
use std::net::UdpSocket;
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use audit::keyfile;
use protocol::bundle::seal::PackedHead;
use protocol::bundle::{AiShare, FileRecord, Kind, Origin, Statement};
use protocol::digest::Digest;
use protocol::keys::SigningKey;
use protocol::merkle::leaf_hash;
use protocol::path::BundlePath;
use protocol::time::UnixMillis;
use protocol::wire::{self, Heartbeat, Packet, SignedHeartbeat};
use tempfile::TempDir;

pub(crate) const LEAF_LEN: u32 = 262_144;

/// A folder with a link key in it, and a socket for each lane at the far end.
pub(crate) struct Desk {
    folder: TempDir,
    port: u16,
    lanes: u16,
    datagrams: Receiver<(u16, Vec<u8>)>,
}

impl Desk {
    pub(crate) fn new() -> Self {
        Self::with_lanes(1)
    }

    pub(crate) fn with_lanes(lanes: u16) -> Self {
        let sockets = sockets_in_a_row(lanes);
        let port = sockets[0].local_addr().unwrap().port();
        let (sender, datagrams) = channel();
        for (lane, socket) in (0..lanes).zip(sockets) {
            // Room for a busy machine; the system grants what it can.
            let _ = rustix::net::sockopt::set_socket_recv_buffer_size_force(&socket, 8 << 20)
                .or_else(|_| rustix::net::sockopt::set_socket_recv_buffer_size(&socket, 8 << 20));
            let sender = sender.clone();
            // Ends with the process.
            thread::spawn(move || {
                let mut buffer = [0; 10_000];
                while let Ok(len) = socket.recv(&mut buffer) {
                    if sender.send((lane, buffer[..len].to_vec())).is_err() {
                        return;
                    }
                }
            });
        }
        let desk = Self {
            folder: TempDir::new().unwrap(),
            port,
            lanes,
            datagrams,
        };
        let made = desk.run(&["keygen", "--out", "link.key"]);
        assert!(made.status.success(), "{}", stderr(&made));
        desk
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a bundle of one file of `len` bytes, each bundle of its own content; gives its bytes.
    pub(crate) fn bundle(&self, name: &str, len: usize) -> Vec<u8> {
        self.bundle_in_leaves(name, len, LEAF_LEN)
    }

    /// As [`bundle`](Self::bundle), in leaves of another length.
    pub(crate) fn bundle_in_leaves(&self, name: &str, len: usize, leaf_len: u32) -> Vec<u8> {
        let bytes = bundle_bytes(name, len, leaf_len);
        std::fs::write(self.path(name), &bytes).unwrap();
        bytes
    }

    /// `diode-tx` with these arguments, in the folder.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_diode-tx"));
        command
            .args(args)
            .current_dir(self.folder.path())
            .env_remove("DIODE_LOG")
            .stdin(Stdio::null());
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// The arguments of a send that lacks nothing.
    pub(crate) fn send_args<'a>(&self, bundles: &[&'a str], rate: &'a str) -> Vec<String> {
        self.args("send", bundles, rate)
    }

    fn args<'a>(&self, verb: &'a str, what: &[&'a str], rate: &'a str) -> Vec<String> {
        let to = format!("127.0.0.1:{}", self.port);
        let flags = [
            "--to", &to, "--key", "link.key", "--state", "state", "--rate", rate, "--depth", "2", "--burst", "0",
        ];
        [&[verb], what, &flags]
            .concat()
            .into_iter()
            .map(str::to_owned)
            .collect()
    }

    /// Sends, with further flags.
    pub(crate) fn send(&self, bundles: &[&str], more: &[&str]) -> Output {
        let args = self.send_args(bundles, "20M");
        let args: Vec<&str> = args.iter().map(String::as_str).chain(more.iter().copied()).collect();
        self.run(&args)
    }

    /// Sends again, with further flags.
    pub(crate) fn resend(&self, what: &[&str], more: &[&str]) -> Output {
        let args = self.args("resend", what, "20M");
        let args: Vec<&str> = args.iter().map(String::as_str).chain(more.iter().copied()).collect();
        self.run(&args)
    }

    /// Begins to send at `rate`.
    pub(crate) fn begin(&self, bundles: &[&str], rate: &str, more: &[&str]) -> Child {
        self.spawn(&self.send_args(bundles, rate), more)
    }

    /// Begins to watch a folder.
    pub(crate) fn begin_to_watch(&self, dir: &str, rate: &str, more: &[&str]) -> Child {
        self.spawn(&self.watch_args(dir, rate), more)
    }

    /// The arguments of a watch that lacks nothing.
    pub(crate) fn watch_args<'a>(&self, dir: &'a str, rate: &'a str) -> Vec<String> {
        self.args("watch", &[dir], rate)
    }

    fn spawn(&self, args: &[String], more: &[&str]) -> Child {
        let args: Vec<&str> = args.iter().map(String::as_str).chain(more.iter().copied()).collect();
        self.command(&args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    /// The heartbeat in a datagram, if it is one.
    pub(crate) fn heartbeat(&self, datagram: &[u8]) -> Option<Heartbeat> {
        let pinned = [keyfile::load_public(&self.path("link.key.pub")).unwrap()];
        let Packet { header, body } = Packet::parse(datagram).unwrap();
        let opened = (header.kind == wire::Kind::Heartbeat).then(|| SignedHeartbeat::open(body, &pinned).unwrap());
        opened.map(|signed| signed.heartbeat().clone())
    }

    /// Waits for a heartbeat of which this is true.
    pub(crate) fn heartbeat_when(&self, is_awaited: impl Fn(&Heartbeat) -> bool) -> Heartbeat {
        let datagrams = std::iter::repeat_with(|| self.first_datagram());
        let mut heartbeats = datagrams.filter_map(|datagram| self.heartbeat(&datagram));
        heartbeats.find(is_awaited).unwrap()
    }

    /// Waits for one datagram.
    pub(crate) fn first_datagram(&self) -> Vec<u8> {
        self.datagrams.recv_timeout(PATIENCE).unwrap().1
    }

    /// All datagrams that have come, once the sender has ended: on the loopback they are at the socket by then.
    pub(crate) fn datagrams(&self) -> Vec<Vec<u8>> {
        self.datagrams_by_lane().concat()
    }

    /// As [`datagrams`](Self::datagrams), lane by lane.
    pub(crate) fn datagrams_by_lane(&self) -> Vec<Vec<Vec<u8>>> {
        // One of our own closes each row.
        let mark = b"that was all";
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        for lane in 0..self.lanes {
            socket.send_to(mark, ("127.0.0.1", self.port + lane)).unwrap();
        }
        let mut lanes = vec![Vec::new(); self.lanes.into()];
        let mut open = self.lanes;
        while open > 0 {
            let (lane, datagram) = self.datagrams.recv_timeout(PATIENCE).unwrap();
            if datagram == mark {
                open -= 1;
            } else {
                lanes[usize::from(lane)].push(datagram);
            }
        }
        lanes
    }
}

/// Sockets on ports one after another.
fn sockets_in_a_row(count: u16) -> Vec<UdpSocket> {
    let row = || {
        let first = UdpSocket::bind("127.0.0.1:0").ok()?;
        let port = first.local_addr().ok()?.port();
        let others = (1..count).map(|lane| UdpSocket::bind(("127.0.0.1", port.checked_add(lane)?)).ok());
        std::iter::once(Some(first)).chain(others).collect::<Option<Vec<_>>>()
    };
    // Another process may have one of the ports.
    std::iter::repeat_with(row).flatten().next().unwrap()
}

/// How long to wait for what must come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The lines of JSON on stdout.
pub(crate) fn json(output: &Output) -> Vec<serde_json::Value> {
    stdout(output)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// Asserts how a program ended and that it said all of `parts`.
pub(crate) fn assert_refused(output: &Output, code: i32, parts: &[&str]) {
    let text = stderr(output);
    assert_eq!(output.status.code(), Some(code), "{text}");
    for part in parts {
        assert!(text.contains(part), "{part:?} is missing in {text}");
    }
}

fn bundle_bytes(name: &str, len: usize, leaf_len: u32) -> Vec<u8> {
    let factor = 7919 + 2 * name.len() as u32;
    let content: Vec<u8> = (0..len as u32).map(|at| (at.wrapping_mul(factor) >> 9) as u8).collect();
    let file = FileRecord {
        path: BundlePath::parse(name).unwrap(),
        sha256: Digest::of(&content),
        size: len as u64,
        executable: false,
    };
    let statement = Statement {
        files: vec![file],
        kind: Kind::Code,
        author: "alice@lab".to_owned(),
        created: UnixMillis(1_700_000_000_000),
        not_after: UnixMillis(1_800_000_000_000),
        audience: vec!["plant-7".to_owned()],
        target: None,
        description: None,
        origin: Origin {
            ai_generated: AiShare::Full,
            ..Origin::default()
        },
        content_len: 0,
        leaf_len,
        content_root: Digest([0; 32]),
    };
    let leaves = content.chunks(leaf_len as usize).map(leaf_hash).collect();
    let packed = PackedHead::seal(statement, leaves, &[&SigningKey::from_seed([5; 32])]).unwrap();
    [&packed.prefix().emit(), packed.head(), &content].concat()
}

/// Changes a byte of a file in place.
pub(crate) fn flip(path: &Path, at: u64) {
    let file = OpenOptions::new().read(true).write(true).open(path).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, at).unwrap();
    file.write_all_at(&[byte[0] ^ 1], at).unwrap();
}

/// Runs `diode-tx` as a user who may do nothing special: root may read everything.
pub(crate) fn as_nobody(desk: &Desk, args: &[&str]) -> Output {
    let mut command = desk.command(args);
    if rustix::process::geteuid().is_root() {
        // Where the build lies, others may not be let in.
        let program = desk.path("diode-tx");
        std::fs::copy(env!("CARGO_BIN_EXE_diode-tx"), &program).unwrap();
        std::fs::set_permissions(desk.folder.path(), PermissionsExt::from_mode(0o755)).unwrap();
        command = Command::new(program);
        command
            .args(args)
            .current_dir(desk.folder.path())
            .uid(NOBODY)
            .gid(NOBODY);
    }
    command.output().unwrap()
}

const NOBODY: u32 = 65_534;

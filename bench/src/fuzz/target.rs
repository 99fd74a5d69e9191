//! The list of targets.

use super::targets::{audit, bundle, frame, link, log, numbers, receiver, scan, sealed, trust};

/// What an input is made of, so that it can be changed without being made unreadable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Bytes.
    Plain,
    /// A [`script`](super::script).
    Script,
}

/// A property of the code, as a function over bytes.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Its name on the command line, and its folder's in the corpus.
    pub name: &'static str,
    /// What it is about, in a few words.
    pub about: &'static str,
    /// What its inputs are made of.
    pub shape: Shape,
    /// Words that mean something to the code under it.
    pub words: &'static [&'static str],
    /// Changed inputs that the tests run: as many as take a second or two.
    pub rounds_in_tests: u64,
    /// Panics if the property does not hold for these bytes.
    pub run: fn(&[u8]),
}

impl Target {
    /// The target of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        TARGETS.iter().find(|target| target.name == name)
    }

    const fn plain(name: &'static str, about: &'static str, run: fn(&[u8])) -> Self {
        Self {
            name,
            about,
            shape: Shape::Plain,
            words: &[],
            rounds_in_tests: 20_000,
            run,
        }
    }

    const fn script(self) -> Self {
        Self {
            shape: Shape::Script,
            ..self
        }
    }

    const fn words(self, words: &'static [&'static str]) -> Self {
        Self { words, ..self }
    }

    const fn slow(self, rounds_in_tests: u64) -> Self {
        Self {
            rounds_in_tests,
            ..self
        }
    }
}

/// Every target.
pub const TARGETS: &[Target] = &[
    Target::plain("header", "a datagram's header", link::header),
    Target::plain(
        "announce",
        "a session's announce, and the layout it speaks of",
        sealed::announce,
    )
    .slow(4_000),
    Target::plain("heartbeat", "what a transmitter says of itself", sealed::heartbeat).slow(4_000),
    Target::plain(
        "frame",
        "a datagram of any kind before a receiver with a session",
        frame::frame,
    )
    .slow(4_000),
    Target::plain("symbols", "symbols of one block, and its decoding", link::symbols)
        .script()
        .slow(4_000),
    Target::plain("resend", "a code of lost numbers, as it is typed", numbers::resend).words(RESEND_WORDS),
    Target::plain("sequences", "the record of used sequence numbers", numbers::sequences)
        .script()
        .slow(4_000),
    Target::plain("prefix", "the first bytes of a bundle file", bundle::prefix),
    Target::plain("envelope", "a DSSE envelope", bundle::envelope).words(ENVELOPE_WORDS),
    Target::plain("statement", "an in-toto statement", bundle::statement).words(STATEMENT_WORDS),
    Target::plain("head", "a bundle's head, as it came", bundle::head)
        .words(ENVELOPE_WORDS)
        .slow(4_000),
    Target::plain(
        "signed_head",
        "a bundle's head, signed by a trusted author",
        bundle::signed_head,
    )
    .script()
    .words(STATEMENT_WORDS)
    .slow(4_000),
    Target::plain("paths", "paths of a bundle", bundle::paths).words(PATH_WORDS),
    Target::plain("allowed_signers", "a trust file", trust::allowed_signers).words(TRUST_WORDS),
    Target::plain("public_key", "a public key, and a fingerprint", trust::public_key).words(KEY_WORDS),
    Target::plain("signing_key", "a private key's file", trust::signing_key)
        .words(KEY_WORDS)
        .slow(4_000),
    Target::plain("vkey", "an audit log's key", audit::vkey),
    Target::plain("checkpoint", "an audit log's checkpoint", audit::checkpoint).slow(4_000),
    Target::plain(
        "entry",
        "an entry of the audit log, and its line for people",
        audit::entry,
    )
    .words(ENTRY_WORDS),
    Target::plain(
        "log",
        "an audit log's folder: tiles, checkpoint, write-ahead log",
        log::log,
    )
    .script()
    .slow(800),
    Target::plain("wal", "a write-ahead log, read at a start", log::wal)
        .words(WAL_WORDS)
        .slow(800),
    Target::plain("tiles", "a published log's tiles and entries", log::tiles)
        .script()
        .words(ENTRY_WORDS)
        .slow(800),
    Target::plain("scan", "a file before every engine of the scanner", scan::scan)
        .script()
        .words(SCAN_WORDS)
        .slow(800),
    Target::plain(
        "reception",
        "the receiver: datagrams, time and workers in any order",
        receiver::reception,
    )
    .script()
    .slow(800),
];

const ENVELOPE_WORDS: &[&str] = &[
    "\"payload\":",
    "\"signatures\":[",
    "\"sig\":\"",
    "\"keyid\":\"\"",
    "==",
    "-_",
    "{}",
    "\\u0000",
];

const STATEMENT_WORDS: &[&str] = &[
    "\"subject\":[",
    "\"name\":\"",
    "../",
    "\\u202e",
    "\\ud800",
    "\"executable\":true",
    "\"size\":18446744073709551615",
    "\"leaf_len\":4096",
    "9999-12-31T23:59:59.999Z",
    "null",
    "1e309",
    ",",
];

const RESEND_WORDS: &[&str] = &["..", "-", ",", " ", "0", "1", "18446744073709551615", "o", "L"];

const PATH_WORDS: &[&str] = &[
    "/", "..", "\\", "con", "LPT1.txt", "\u{202e}", "\u{e9}", "e\u{301}", "\u{130}", "\u{df}", " ", "\n",
];

const TRUST_WORDS: &[&str] = &[
    "namespaces=\"",
    "valid-after=\"",
    "valid-before=\"20270101\"",
    "cert-authority",
    "ssh-ed25519 ",
    "ssh-rsa ",
    "!*@",
    "?",
    ",",
    "\"",
    "#",
    "\r\n",
];

const KEY_WORDS: &[&str] = &[
    "ssh-ed25519 ",
    "ssh-rsa ",
    "AAAAC3NzaC1lZDI1NTE5AAAAI",
    "-----",
    "SHA256:",
    "\n",
    "=",
];

const ENTRY_WORDS: &[&str] = &[
    "\"schema\":1",
    "\"detail\":\"",
    "\\u001b[2J",
    "\\u202e",
    "\"bytes\":18446744073709551615",
    "null",
];

const WAL_WORDS: &[&str] = &["{}", "{\"schema\":1}", "\0\u{2}{}", "\0\0"];

const SCAN_WORDS: &[&str] = &[
    "#!/bin/sh\n",
    "\u{202e}",
    "\u{200b}",
    "password = \"",
    "PK\u{3}\u{4}",
    "\u{7f}ELF",
    "eval(",
    "http://",
    "\0",
];

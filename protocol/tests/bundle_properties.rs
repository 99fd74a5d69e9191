//! What holds for any bundle, path and trust file, and for any bytes in the place of one.

#![allow(clippy::unwrap_used, reason = "a helper of tests may fail as a test does")]

use proptest::collection::{btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use diode_protocol::bundle::seal::{PackedHead, seal};
use diode_protocol::bundle::{
    AiShare, Envelope, FileRecord, Kind, LeafIndex, Origin, PREFIX_LEN, Prefix, Statement, UnverifiedHead, verify_head,
};
use diode_protocol::digest::Digest;
use diode_protocol::keys::SigningKey;
use diode_protocol::merkle;
use diode_protocol::path::{BundlePath, check_set};
use diode_protocol::time::UnixMillis;
use diode_protocol::trust::{Role, Trust};

fn key() -> SigningKey {
    SigningKey::from_seed([1; 32])
}

fn trust() -> Trust {
    Trust::parse(&format!("* {}", key().public().to_openssh("")), "allowed_signers").unwrap()
}

fn name() -> impl Strategy<Value = String> {
    "[a-z0-9é日][a-zA-Z0-9@._+/:=%-]{0,20}"
}

fn line() -> impl Strategy<Value = Option<String>> {
    option::of("[ -~äß日🦀]{1,20}")
}

prop_compose! {
    fn origin()(
        tool in line(),
        model in line(),
        commit in line(),
        dirty in any::<Option<bool>>(),
        ai_generated in select(vec![AiShare::None, AiShare::Some, AiShare::Full, AiShare::Unknown]),
    ) -> Origin {
        Origin { tool, model, ai_generated, commit, dirty }
    }
}

prop_compose! {
    /// Files under names that cannot clash: one letter case, no file of one part named as a folder.
    fn files()(
        paths in btree_set("([a-c]{1,3}/){0,3}[x-zß日 ]{0,5}[0-9]", 1..8),
        facts in vec((any::<[u8; 32]>(), 0..5_000_000u64, any::<bool>()), 8),
    ) -> Vec<FileRecord> {
        let record = |(path, (sha256, size, executable)): (String, ([u8; 32], u64, bool))| FileRecord {
            path: BundlePath::parse(&path).unwrap(),
            sha256: Digest(sha256),
            size,
            executable,
        };
        paths.into_iter().zip(facts).map(record).collect()
    }
}

prop_compose! {
    fn statement()(
        files in files(),
        author in name(),
        created in 0..250_000_000_000_000u64,
        life in 0..3_000_000_000_000u64,
        audience in vec(name(), 1..4),
        target in line(),
        description in option::of("[ -~\n\täß日🦀]{1,40}"),
        origin in origin(),
        leaf_bits in 12..=18u32,
    ) -> (Statement, Vec<Digest>) {
        let content_len = files.iter().map(|file| file.size).sum::<u64>();
        let leaf_len = 1 << leaf_bits;
        let leaves: Vec<_> = (0..content_len.div_ceil(leaf_len)).map(|n| merkle::leaf_hash(&n.to_be_bytes())).collect();
        let statement = Statement {
            files,
            kind: Kind::Code,
            author,
            created: UnixMillis(created),
            not_after: UnixMillis(created + life),
            audience,
            target,
            description,
            origin,
            content_len,
            leaf_len: u32::try_from(leaf_len).unwrap(),
            content_root: merkle::root(&leaves),
        };
        (statement, leaves)
    }
}

/// A change of one place: a byte replaced, taken out or put in.
#[derive(Debug, Clone)]
enum Change {
    Replace(Index, u8),
    Remove(Index),
    Insert(Index, u8),
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Change::Replace(at, byte)),
        any::<Index>().prop_map(Change::Remove),
        (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Change::Insert(at, byte)),
    ]
}

impl Change {
    fn apply(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Replace(at, byte) => {
                let at = at.index(bytes.len());
                bytes[at] = *byte;
            }
            Self::Remove(at) => {
                bytes.remove(at.index(bytes.len()));
            }
            Self::Insert(at, byte) => bytes.insert(at.index(bytes.len() + 1), *byte),
        }
    }
}

proptest! {
    #[test]
    fn any_statement_reads_back_from_its_payload((statement, _) in statement()) {
        prop_assert_eq!(Statement::parse(&statement.to_payload()), Ok(statement));
    }

    #[test]
    fn a_payload_that_is_taken_is_the_one_encoding_of_its_statement(
        (statement, _) in statement(),
        change in change(),
    ) {
        let mut payload = statement.to_payload();
        change.apply(&mut payload);
        if let Ok(changed) = Statement::parse(&payload) {
            prop_assert_eq!(changed.to_payload(), payload);
        }
    }

    #[test]
    fn any_payload_reads_back_from_its_envelope(payload in vec(any::<u8>(), 0..300), signers in 1..=8usize) {
        let key = key();
        let envelope = seal(&payload, &vec![&key; signers]).unwrap();
        prop_assert_eq!(Envelope::parse(&envelope.to_bytes()), Ok(envelope));
    }

    #[test]
    fn any_packed_head_reads_back((statement, leaves) in statement()) {
        let packed = PackedHead::seal(statement, leaves.clone(), &[&key()]).unwrap();
        let head = UnverifiedHead::parse(packed.head(), packed.prefix().envelope_len).unwrap();
        prop_assert_eq!(&head.statement, packed.statement());
        prop_assert_eq!(head.id, packed.id());
        prop_assert_eq!(head.index.leaves(), &leaves[..]);
    }

    #[test]
    fn a_changed_head_is_refused_or_has_the_same_payload_and_index(
        (statement, leaves) in statement(),
        change in change(),
    ) {
        let (receiver, now) = (statement.audience[0].clone(), statement.created);
        let packed = PackedHead::seal(statement, leaves.clone(), &[&key()]).unwrap();
        let mut head = packed.head().to_vec();
        change.apply(&mut head);
        if let Ok(verified) = verify_head(&head, packed.prefix().envelope_len, &trust(), &receiver, now) {
            prop_assert_eq!(verified.id(), packed.id());
            prop_assert_eq!(verified.index().leaves(), &leaves[..]);
        }
    }

    #[test]
    fn any_prefix_reads_back(envelope_len in 1..1_000_000u32, leaves in 0..900_000u32) {
        let prefix = Prefix { envelope_len, index_len: leaves * 32 };
        prop_assert_eq!(Prefix::parse(&prefix.emit()), Ok(prefix));
    }

    #[test]
    fn a_prefix_of_any_bytes_is_refused_or_reads_back(bytes in any::<[u8; PREFIX_LEN]>(), magic in any::<bool>()) {
        let mut bytes = bytes;
        if magic {
            bytes[..8].copy_from_slice(b"DIODEBN1");
        }
        if let Ok(prefix) = Prefix::parse(&bytes) {
            prop_assert_eq!(prefix.emit(), bytes);
        }
    }

    #[test]
    fn an_index_of_any_bytes_is_refused_or_reads_back(bytes in vec(any::<u8>(), 0..200)) {
        match LeafIndex::parse(&bytes) {
            Ok(index) => prop_assert_eq!(index.to_bytes(), bytes),
            Err(_) => prop_assert_ne!(bytes.len() % 32, 0),
        }
    }

    #[test]
    fn any_bytes_are_no_head_and_do_not_panic(bytes in vec(any::<u8>(), 0..300), envelope_len in any::<u32>()) {
        prop_assert!(Statement::parse(&bytes).is_err());
        prop_assert!(Envelope::parse(&bytes).is_err());
        let envelope_len = if envelope_len % 2 == 0 { envelope_len } else { envelope_len % 300 };
        prop_assert!(UnverifiedHead::parse(&bytes, envelope_len).is_err());
        prop_assert!(verify_head(&bytes, envelope_len, &trust(), "plant-7", UnixMillis(0)).is_err());
    }

    #[test]
    fn any_text_is_refused_as_a_path_or_reads_back(text in any::<String>()) {
        if let Ok(path) = BundlePath::parse(&text) {
            prop_assert_eq!(path.as_str(), text);
        }
    }

    #[test]
    fn a_path_that_is_taken_stays_below_its_folder(text in "[a./ \u{200B}\\\\:CONcon1]{0,12}") {
        if let Ok(path) = BundlePath::parse(&text) {
            for part in path.parts() {
                prop_assert!(!part.is_empty() && part != "." && part != "..", "{part:?}");
                prop_assert!(!part.contains(['\\', ':', '\u{200B}']) && !part.ends_with(['.', ' ']), "{part:?}");
            }
        }
    }

    #[test]
    fn a_set_of_paths_is_compared_as_if_each_were_compared_with_each(
        texts in vec("([aAbéE\u{301}]{1,2}/){0,2}[aAbéE!-]{1,2}", 0..7),
    ) {
        let paths: Vec<_> = texts.iter().filter_map(|text| BundlePath::parse(text).ok()).collect();
        prop_assert_eq!(check_set(&paths).is_ok(), !any_two_clash(&paths));
    }

    #[test]
    fn any_text_is_refused_as_a_trust_file_or_read(text in any::<String>()) {
        let _: Result<_, _> = Trust::parse(&text, "allowed_signers");
    }

    #[test]
    fn a_trust_file_of_the_right_words_in_any_order_is_refused_or_read(words in vec(select(words()), 0..14)) {
        if let Ok(trust) = Trust::parse(&words.concat(), "allowed_signers") {
            for key in trust.keys() {
                prop_assert_eq!(key.public.fingerprint(), key.fingerprint);
            }
        }
    }

    #[test]
    fn any_principal_is_refused_or_its_line_names_it(principal in any::<String>(), spaced in "[a ,*!#\"\t]{0,6}") {
        for principal in [principal, spaced] {
            if let Ok(line) = Trust::format_line(&principal, Role::Author, &key().public(), "") {
                let trust = Trust::parse(&line, "allowed_signers").unwrap();
                let principals: Vec<_> = trust.keys().map(|key| key.principals.as_str().to_owned()).collect();
                prop_assert_eq!(principals, [principal]);
            }
        }
    }
}

/// What lines of a trust file are made of.
fn words() -> Vec<String> {
    let words = "alice|\"|\"bob smith\"| |\t|,|\n|\r\n|#|namespaces=|\"diode-bundle\"|valid-after=|\"20260101\"|valid-before=|\
                 \"20270101Z\"|cert-authority|ssh-ed25519|ssh-rsa|AAAA|\\\"|!|*|=";
    words
        .split('|')
        .map(str::to_owned)
        .chain([key().public().to_openssh("")])
        .collect()
}

/// The rule for sets, said the slow way; the alphabet of the test needs no more of Unicode than this.
fn any_two_clash(paths: &[BundlePath]) -> bool {
    let folded: Vec<String> = paths
        .iter()
        .map(|path| path.as_str().replace('é', "e\u{301}").to_lowercase())
        .collect();
    folded.iter().enumerate().any(|(at, one)| {
        folded
            .iter()
            .enumerate()
            .any(|(other_at, other)| at != other_at && (one == other || other.starts_with(&format!("{one}/"))))
    })
}

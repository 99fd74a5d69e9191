//! What can be wrong with a bundle's own bytes, whoever signed them.

use crate::digest::Digest;
use crate::limits::{MAX_CONTENT_LEN, MAX_FILES, MAX_HEAD_LEN, MAX_LEAF_LEN, MAX_SIGNATURES, MIN_LEAF_LEN};
use crate::path::PathError;
use crate::path::characters::escaped;
use crate::time::UnixMillis;

use super::envelope::{MAX_ENVELOPE_ROOM, MAX_KEYID_LEN, PAYLOAD_TYPE};
use super::fields::TextFault;
use super::statement::MAX_AUDIENCE;

/// A bundle that breaks a rule of the format; foreign text in it is escaped.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BundleError {
    /// The file begins otherwise.
    #[error("not a bundle file: it does not begin with DIODEBN1")]
    Magic,
    /// Envelope and index together are over [`MAX_HEAD_LEN`].
    #[error("the head is {len} bytes long, and {MAX_HEAD_LEN} are the most")]
    HeadTooLong {
        /// Its bytes.
        len: u64,
    },
    /// No envelope, or one that ends behind the head.
    #[error("the envelope is said to be {envelope_len} bytes of a head of {head_len}")]
    EnvelopeLength {
        /// What prefix or announce says.
        envelope_len: u64,
        /// Bytes of the head.
        head_len: u64,
    },
    /// The index is not a whole number of hashes.
    #[error("the leaf index is {len} bytes long, which is no multiple of 32")]
    IndexLength {
        /// Its bytes.
        len: u64,
    },
    /// Not the JSON of a DSSE envelope.
    #[error("the envelope is not a DSSE envelope: {detail}")]
    EnvelopeJson {
        /// What the JSON reader said.
        detail: String,
    },
    /// An envelope around something else.
    #[error("the envelope's payload type is \"{found}\", not {PAYLOAD_TYPE}")]
    PayloadType {
        /// Its type.
        found: String,
    },
    /// Neither standard nor URL-safe base64 with padding.
    #[error("the envelope's {field} is not base64")]
    Base64 {
        /// Which field.
        field: &'static str,
    },
    /// A signature that is not 64 bytes long.
    #[error("signature {number} is not an Ed25519 signature of 64 bytes")]
    SignatureLength {
        /// Which one, from 1.
        number: usize,
    },
    /// No signature, or over [`MAX_SIGNATURES`].
    #[error("the envelope has {count} signatures, and 1 to {MAX_SIGNATURES} are allowed")]
    SignatureCount {
        /// How many.
        count: usize,
    },
    /// A key id over [`MAX_KEYID_LEN`].
    #[error("a key id is {len} bytes long, and {MAX_KEYID_LEN} are the most")]
    KeyIdLength {
        /// Its bytes.
        len: usize,
    },
    /// More bytes around the payload than signatures need.
    #[error("the envelope has {room} bytes besides its payload, and {MAX_ENVELOPE_ROOM} are the most")]
    EnvelopeRoom {
        /// Bytes that nobody signed.
        room: usize,
    },
    /// Not the JSON of a bundle's statement.
    #[error("the payload is not a bundle's statement: {detail}")]
    StatementJson {
        /// What the JSON reader said.
        detail: String,
    },
    /// The same could have been said in other bytes.
    #[error("the payload is not in the statement's one encoding, from byte {at} on")]
    Encoding {
        /// Where it differs, at the latest from the token that begins here.
        at: usize,
    },
    /// A statement of another kind.
    #[error("the statement's {field} is \"{found}\", not {expected}")]
    StatementType {
        /// `_type` or `predicateType`.
        field: &'static str,
        /// Its value.
        found: String,
        /// What it has to be.
        expected: &'static str,
    },
    /// No file, or over [`MAX_FILES`].
    #[error("the statement lists {count} files, and 1 to {MAX_FILES} are allowed")]
    FileCount {
        /// How many.
        count: usize,
    },
    /// `subject` and `predicate.files` do not run in parallel.
    #[error("the statement has {subjects} subjects, but sizes for {files} files")]
    FileList {
        /// Length of `subject`.
        subjects: usize,
        /// Length of `predicate.files`.
        files: usize,
    },
    /// A path that breaks a rule.
    #[error(transparent)]
    Path(#[from] PathError),
    /// The files are not in order.
    #[error("path \"{path}\" does not come after \"{before}\" in byte order")]
    PathOrder {
        /// The path before it.
        before: String,
        /// The path out of order.
        path: String,
    },
    /// The sizes do not add up.
    #[error("the files' sizes add up to {}, but content_len is {content_len}", sum.map_or("more than 2^64".to_owned(), |sum| sum.to_string()))]
    ContentLength {
        /// Sum of the sizes; `None` if it overflows.
        sum: Option<u64>,
        /// What the statement says.
        content_len: u64,
    },
    /// Over [`MAX_CONTENT_LEN`].
    #[error("the content is {len} bytes long, and {MAX_CONTENT_LEN} are the most")]
    ContentTooLong {
        /// Its bytes.
        len: u64,
    },
    /// No power of two between the limits.
    #[error("leaf_len is {leaf_len}, and a power of two from {MIN_LEAF_LEN} to {MAX_LEAF_LEN} is needed")]
    LeafLength {
        /// What the statement says.
        leaf_len: u32,
    },
    /// A text field that breaks its rule.
    #[error("the statement's {field} {fault}")]
    Text {
        /// Which field.
        field: &'static str,
        /// What is wrong with it.
        fault: TextFault,
    },
    /// Nobody, or too many, to receive it.
    #[error("the audience lists {count} receivers, and 1 to {MAX_AUDIENCE} are allowed")]
    Audience {
        /// How many.
        count: usize,
    },
    /// It ends before it begins.
    #[error("the bundle is created {created}, which is after its not_after {not_after}")]
    Dates {
        /// When it was made.
        created: UnixMillis,
        /// Until when it may be admitted.
        not_after: UnixMillis,
    },
    /// A time past what RFC 3339 can say.
    #[error("the statement's {field} lies past the year 9999")]
    Time {
        /// Which field.
        field: &'static str,
    },
    /// The index has more or fewer hashes than the content has leaves.
    #[error("the leaf index has {found} hashes, but content_len and leaf_len make {expected} leaves")]
    LeafCount {
        /// Hashes in the index.
        found: u64,
        /// Leaves by the statement.
        expected: u64,
    },
    /// The index is not the signed one.
    #[error("the leaf index has the root {computed}, but the statement's content_root is {signed}")]
    ContentRoot {
        /// `content_root` of the statement.
        signed: Digest,
        /// Root over the index.
        computed: Digest,
    },
}

impl BundleError {
    pub(super) fn envelope_json(error: &serde_json::Error) -> Self {
        Self::EnvelopeJson {
            detail: escaped(&error.to_string()).to_string(),
        }
    }

    pub(super) fn statement_json(error: &serde_json::Error) -> Self {
        Self::StatementJson {
            detail: escaped(&error.to_string()).to_string(),
        }
    }
}

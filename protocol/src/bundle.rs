//! A bundle: files that are signed, sent, scanned and admitted as one thing.
//!
//! ```text
//! .bundle   magic "DIODEBN1" │ envelope_len u32 │ index_len u32 │ envelope │ index │ content
//!                                                               └───── head ─────┘
//! envelope  DSSE over an in-toto Statement: who, for whom, until when, which files
//! index     32 bytes a leaf: the RFC 6962 leaf hashes under the statement's content_root
//! content   the files' bytes, one after another, in the statement's order
//! ```
//!
//! On the link the prefix of 16 bytes is left out. The bundle's name is the SHA-256 of the envelope's payload.
//!
//! Always true:
//! - every parser here is total, and holds what it is given at most once more in another form;
//! - what is signed has one encoding, so that a name stands for one statement;
//! - [`seal`] is the only module that signs, [`verify_head`] the only maker of a [`VerifiedHead`].

mod envelope;
mod fields;
mod head;
mod intoto;
mod leaf_index;
mod malformed;
mod prefix;
mod refusal;
pub mod seal;
mod statement;
mod strict_json;

pub use self::envelope::{Envelope, EnvelopeSignature, MAX_ENVELOPE_ROOM, MAX_KEYID_LEN, PAYLOAD_TYPE};
pub use self::fields::{MAX_LINE_LEN, MAX_NAME_LEN, MAX_PROSE_LEN, TextFault, check_name};
pub use self::head::{HeadClaims, Signer, UnverifiedHead, VerifiedHead, verify_head};
pub use self::intoto::{PREDICATE_TYPE, STATEMENT_TYPE};
pub use self::leaf_index::LeafIndex;
pub use self::malformed::BundleError;
pub use self::prefix::{MAGIC, PREFIX_LEN, Prefix};
pub use self::refusal::{AnnounceField, ClaimedAuthor, Refusal};
pub use self::statement::{AiShare, FileRecord, Kind, MAX_AUDIENCE, Origin, Statement};

#[cfg(test)]
mod samples;

//! Why a received bundle is not admitted: a fact each, a code for scripts, a sentence for the operator, and what can be done.

use std::fmt;

use super::BundleError;
use super::fields::check_name;
use crate::digest::Digest;
use crate::keys::Fingerprint;
use crate::path::characters::escaped;
use crate::time::UnixMillis;
use crate::trust::{Role, Trust, TrustLookup};

/// The check that a bundle failed. Foreign text in it is escaped, or is a name that needs no escape.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No signature names a key that trust has.
    #[error("signed by a key that is not trusted: {keyid}{claimed_author} is not in {file} ({})", Keys(*keys))]
    UntrustedSigner {
        /// The key id of the signature that came nearest to counting.
        keyid: String,
        /// The author that the payload names, which nothing proves.
        claimed_author: ClaimedAuthor,
        /// The file of allowed signers.
        file: String,
        /// Keys in it.
        keys: usize,
    },
    /// Trust has the signer's key, but for something else.
    #[error("signed by {keyid}{claimed_author}, which {file} line {line} does not let sign bundles (no {})", role.namespace())]
    SignerRole {
        /// The key id.
        keyid: String,
        /// The author that the payload names, which nothing proves.
        claimed_author: ClaimedAuthor,
        /// The file of allowed signers.
        file: String,
        /// Its line with the key.
        line: usize,
        /// The role that the key lacks.
        role: Role,
    },
    /// The signer's key counts later.
    #[error("signed by {keyid}{claimed_author}, which {file} line {line} lets sign from {from} only")]
    SignerNotYetValid {
        /// The key id.
        keyid: String,
        /// The author that the payload names, which nothing proves.
        claimed_author: ClaimedAuthor,
        /// The file of allowed signers.
        file: String,
        /// Its line with the key.
        line: usize,
        /// Its `valid-after`.
        from: UnixMillis,
    },
    /// The signer's key no longer counts.
    #[error("signed by {keyid}{claimed_author}, which {file} line {line} let sign until {until} only")]
    SignerExpired {
        /// The key id.
        keyid: String,
        /// The author that the payload names, which nothing proves.
        claimed_author: ClaimedAuthor,
        /// The file of allowed signers.
        file: String,
        /// Its line with the key.
        line: usize,
        /// Its `valid-before`.
        until: UnixMillis,
    },
    /// A signature by a trusted key does not fit the payload.
    #[error("the signature said to be by {fingerprint} ({file} line {line}) does not fit the payload")]
    BadSignature {
        /// The key that the signature names.
        fingerprint: Fingerprint,
        /// The file of allowed signers.
        file: String,
        /// Its line with the key.
        line: usize,
    },
    /// A trusted key signed, under somebody else's name.
    #[error(
        "the statement names {author} as its author, but is signed by {principals} (key {fingerprint}, line {line})"
    )]
    AuthorMismatch {
        /// Whom the statement names.
        author: String,
        /// For whom the first key whose signature holds may sign.
        principals: String,
        /// That key.
        fingerprint: Fingerprint,
        /// Its line in the file of allowed signers.
        line: usize,
    },
    /// Its time is over.
    #[error("the bundle may be admitted until {not_after} only, and it is {now}")]
    Expired {
        /// Until when it could be admitted.
        not_after: UnixMillis,
        /// The receiver's time.
        now: UnixMillis,
    },
    /// It was made in the future.
    #[error("the bundle is dated {created}, over a day ahead of this receiver's {now}")]
    NotYetValid {
        /// When it says it was made.
        created: UnixMillis,
        /// The receiver's time.
        now: UnixMillis,
    },
    /// It is for others.
    #[error("the bundle is for {}, and this receiver is {receiver}", Audience(audience))]
    WrongAudience {
        /// This receiver.
        receiver: String,
        /// The receivers that it names.
        audience: Vec<String>,
    },
    /// The head is not the announced one.
    #[error("the received head has the digest {received}, but {announced} was announced")]
    HeadDigest {
        /// By the announce.
        announced: Digest,
        /// Of what arrived.
        received: Digest,
    },
    /// The leaf index is not the one that the author signed.
    #[error("the leaf index has the root {received}, but the author signed {signed}")]
    ContentRoot {
        /// `content_root` of the statement.
        signed: Digest,
        /// Root over the index that arrived.
        received: Digest,
    },
    /// Announce and statement speak of different content.
    #[error("the announce says {field} {announced}, but the author signed {signed}")]
    AnnounceDiffers {
        /// What differs.
        field: AnnounceField,
        /// By the announce.
        announced: String,
        /// By the statement.
        signed: String,
    },
    /// A leaf's bytes are not those that the author signed.
    #[error("leaf {leaf} of block {block} is not what the author signed: it was changed or damaged on the way")]
    LeafMismatch {
        /// The block it came in.
        block: u32,
        /// The leaf, from 0.
        leaf: u64,
    },
    /// The bundle breaks a rule of the format.
    #[error("the bundle is malformed: {0}")]
    Malformed(BundleError),
}

/// A fact that announce and statement both state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnnounceField {
    /// The bundle id.
    BundleId,
    /// The Merkle root of the content.
    ContentRoot,
    /// Bytes of the content.
    ContentLen,
    /// Bytes of a leaf.
    LeafLen,
}

impl fmt::Display for AnnounceField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BundleId => "bundle id",
            Self::ContentRoot => "content_root",
            Self::ContentLen => "content_len",
            Self::LeafLen => "leaf_len",
        })
    }
}

/// The author whom an unproven payload names: to be asked by another way, never to be believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimedAuthor(pub Option<String>);

impl fmt::Display for ClaimedAuthor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_ref().map_or(Ok(()), |author| write!(f, " (says {author})"))
    }
}

impl From<BundleError> for Refusal {
    fn from(error: BundleError) -> Self {
        match error {
            BundleError::ContentRoot { signed, computed } => Self::ContentRoot {
                signed,
                received: computed,
            },
            other => Self::Malformed(other),
        }
    }
}

impl Refusal {
    /// Why no signature counts; the lookup that came nearest decides.
    pub(super) fn of_signer(keyid: &str, lookup: TrustLookup, claimed_author: Option<String>, trust: &Trust) -> Self {
        let keyid = if keyid.is_empty() {
            "a key without an id".to_owned()
        } else {
            escaped(keyid).to_string()
        };
        let file = trust.file().to_owned();
        let claimed_author = ClaimedAuthor(claimed_author);
        match lookup {
            TrustLookup::Unknown => Self::UntrustedSigner {
                keyid,
                claimed_author,
                file,
                keys: trust.keys().len(),
            },
            TrustLookup::OtherRole { line, role } => Self::SignerRole {
                keyid,
                claimed_author,
                file,
                line,
                role,
            },
            TrustLookup::NotYetValid { line, from } => Self::SignerNotYetValid {
                keyid,
                claimed_author,
                file,
                line,
                from,
            },
            TrustLookup::Expired { line, until } => Self::SignerExpired {
                keyid,
                claimed_author,
                file,
                line,
                until,
            },
        }
    }

    /// The reason as a word for scripts and the audit log; never renamed.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::UntrustedSigner { .. } => "untrusted-signer",
            Self::SignerRole { .. } => "signer-role",
            Self::SignerNotYetValid { .. } => "signer-not-yet-valid",
            Self::SignerExpired { .. } => "signer-expired",
            Self::BadSignature { .. } => "bad-signature",
            Self::AuthorMismatch { .. } => "author-mismatch",
            Self::Expired { .. } => "expired",
            Self::NotYetValid { .. } => "not-yet-valid",
            Self::WrongAudience { .. } => "wrong-audience",
            Self::HeadDigest { .. } => "head-digest",
            Self::ContentRoot { .. } => "content-root",
            Self::AnnounceDiffers { field, .. } => match field {
                AnnounceField::BundleId => "bundle-id",
                AnnounceField::ContentRoot => "content-root",
                AnnounceField::ContentLen => "content-length",
                AnnounceField::LeafLen => "leaf-length",
            },
            Self::LeafMismatch { .. } => "leaf-mismatch",
            Self::Malformed(_) => "malformed",
        }
    }

    /// What the operator can do about it.
    #[must_use]
    pub fn mend(&self) -> String {
        match self {
            Self::UntrustedSigner { keyid, claimed_author, .. } => mend_untrusted(keyid, claimed_author),
            Self::SignerRole { file, line, role, .. } => format!(
                "have an author's key sign it; or, if this key is to sign bundles, add {} to namespaces= in {file} line {line}, \
                 then have it sent again",
                role.namespace()
            ),
            Self::SignerNotYetValid { .. } => "check this receiver's clock; else have it sent again once the key's time has begun".to_owned(),
            Self::SignerExpired { .. } => "have the author pack it again with a key that is still valid".to_owned(),
            Self::AuthorMismatch { .. } => {
                "have it packed again with the --author that this key stands for in allowed_signers; if nobody knows of it, \
                 ask the key's owner who used it"
                    .to_owned()
            }
            Self::Expired { .. } => "check this receiver's clock; if it is right, have the author pack it again".to_owned(),
            Self::NotYetValid { .. } => "compare the clocks of this receiver and of the author's desk, then have it packed again".to_owned(),
            Self::WrongAudience { receiver, .. } => {
                format!("have the author pack it again with --audience {receiver}, if it is meant for this receiver")
            }
            Self::BadSignature { .. } | Self::ContentRoot { .. } | Self::AnnounceDiffers { .. } => {
                "compare the bundle id with the author; if the file at the author's desk is sound (diode-pack inspect FILE), \
                 look into the transmitting host before it is sent again"
                    .to_owned()
            }
            Self::HeadDigest { .. } | Self::LeafMismatch { .. } => {
                "have it sent again; if it fails again, look into the transmitting host and the link".to_owned()
            }
            Self::Malformed(_) => "have it packed again with diode-pack of the same version, and sent again".to_owned(),
        }
    }
}

/// The command that trusts a key, with nothing in it that the bundle could have made into another command.
fn mend_untrusted(keyid: &str, claimed_author: &ClaimedAuthor) -> String {
    let Ok(fingerprint) = keyid.parse::<Fingerprint>() else {
        return "have the author pack it again with diode-pack, which names the key that signs".to_owned();
    };
    let principal = claimed_author
        .0
        .as_deref()
        .filter(|author| check_name(author).is_ok())
        .unwrap_or("NAME");
    format!(
        "get the key's fingerprint from the person by another way; if it matches: \
         diode-rx trust add --principal {principal} --fingerprint {fingerprint} KEYFILE, then have it sent again"
    )
}

struct Keys(usize);

impl fmt::Display for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            1 => f.write_str("1 key"),
            keys => write!(f, "{keys} keys"),
        }
    }
}

/// The first receivers of a list that the sender chose.
struct Audience<'a>(&'a [String]);

impl fmt::Display for Audience<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 4;
        let shown: Vec<_> = self.0.iter().take(SHOWN).map(String::as_str).collect();
        f.write_str(&shown.join(", "))?;
        match self.0.len().saturating_sub(SHOWN) {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

#[cfg(test)]
mod tests;

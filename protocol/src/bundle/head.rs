//! Heads that arrive: parsed, and, where trust decides, verified first.
//!
//! ```text
//! head ─▶ Envelope ─▶ each signature: key by its id in trust ─▶ verify_strict over the received payload
//!                                                                   │ at least one author's
//!                      VerifiedHead ◀─ audience, dates ◀─ author ◀─ Statement, LeafIndex
//! ```
//!
//! Always true:
//! - a payload is parsed as a statement only after an author's signature over it held ([`UnverifiedHead`] is for those who decide nothing:
//!   the transmitter, and a person who inspects);
//! - a [`VerifiedHead`] exists only if every check of [`verify_head`] passed, and there is one of it for each time they did.

use super::leaf_index::LeafHashes;
use super::refusal::Refusal;
use super::{BundleError, Envelope, LeafIndex, Statement, intoto};
use crate::digest::BundleId;
use crate::keys::Fingerprint;
use crate::limits::{MAX_CLOCK_AHEAD_MILLIS, MAX_HEAD_LEN};
use crate::path::characters::escaped;
use crate::time::UnixMillis;
use crate::trust::{Role, Trust, TrustLookup, TrustedKey};

/// A head that is well formed; its signatures were NOT checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnverifiedHead {
    /// The bundle's name.
    pub id: BundleId,
    /// Payload and signatures.
    pub envelope: Envelope,
    /// What the payload says.
    pub statement: Statement,
    /// The leaf hashes; their root is the statement's `content_root`.
    pub index: LeafIndex,
}

impl UnverifiedHead {
    /// Reads a head without asking who signed it.
    ///
    /// # Errors
    /// [`BundleError`] naming the first rule that is broken.
    pub fn parse(head: &[u8], envelope_len: u32) -> Result<Self, BundleError> {
        let (claims, hashes) = HeadClaims::read(head, envelope_len)?;
        let HeadClaims {
            id,
            envelope,
            statement,
        } = claims;
        Ok(Self {
            id,
            envelope,
            statement,
            index: hashes.to_index(),
        })
    }
}

/// An [`UnverifiedHead`] for whoever keeps its bytes, in which the leaf hashes are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeadClaims {
    /// The bundle's name.
    pub id: BundleId,
    /// Payload and signatures.
    pub envelope: Envelope,
    /// What the payload says.
    pub statement: Statement,
}

impl HeadClaims {
    /// Reads a head as [`UnverifiedHead::parse`] does, its leaf hashes checked too and not copied.
    ///
    /// # Errors
    /// [`BundleError`] naming the first rule that is broken.
    pub fn parse(head: &[u8], envelope_len: u32) -> Result<Self, BundleError> {
        Self::read(head, envelope_len).map(|(claims, _)| claims)
    }

    fn read(head: &[u8], envelope_len: u32) -> Result<(Self, LeafHashes<'_>), BundleError> {
        let (envelope, index) = split(head, envelope_len)?;
        let envelope = Envelope::parse(envelope)?;
        let (statement, hashes) = read_contents(&envelope, index)?;
        let id = envelope.id();
        let claims = Self {
            id,
            envelope,
            statement,
        };
        Ok((claims, hashes))
    }
}

/// Who signed, as trust has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signer {
    /// The author's name; of a further signer the principals of the line, as written there.
    pub principal: String,
    /// The key.
    pub fingerprint: Fingerprint,
    /// The line of `allowed_signers` that gives the key its role, from 1.
    pub trust_line: usize,
    /// The role in which the signature counts.
    pub role: Role,
}

/// Proof that [`verify_head`] passed.
#[derive(Debug)]
pub struct VerifiedHead {
    id: BundleId,
    statement: Statement,
    index: LeafIndex,
    author: Signer,
    further: Vec<Signer>,
    unknown_signatures: usize,
}

impl VerifiedHead {
    /// The bundle's name.
    #[must_use]
    pub fn id(&self) -> BundleId {
        self.id
    }

    /// What the author signed.
    #[must_use]
    pub fn statement(&self) -> &Statement {
        &self.statement
    }

    /// The leaf hashes under the author's signature.
    #[must_use]
    pub fn index(&self) -> &LeafIndex {
        &self.index
    }

    /// The signer whom the statement names.
    #[must_use]
    pub fn author(&self) -> &Signer {
        &self.author
    }

    /// Everybody whose signature holds, each key once, the author first.
    pub fn signers(&self) -> impl Iterator<Item = &Signer> {
        std::iter::once(&self.author).chain(&self.further)
    }

    /// Signatures that were passed over: their key ids name no key that is trusted for bundles at this time, or they do not fit.
    #[must_use]
    pub fn unknown_signatures(&self) -> usize {
        self.unknown_signatures
    }
}

/// Decides whether a received head is one that this receiver may admit at `now`.
///
/// Signatures with an unknown key id are passed over, and so are those that do not fit, beside one that holds: whoever carries a bundle can
/// add such, and must not spoil it.
///
/// # Errors
/// [`Refusal`] for the first check that fails, in this order: form of the envelope, signatures, form of the statement, author, index,
/// audience, dates.
pub fn verify_head(
    head: &[u8],
    envelope_len: u32,
    trust: &Trust,
    receiver: &str,
    now: UnixMillis,
) -> Result<VerifiedHead, Refusal> {
    let (envelope, index) = split(head, envelope_len)?;
    let envelope = Envelope::parse(envelope)?;
    let proven = verify_signatures(&envelope, trust, now)?;
    let (statement, hashes) = read_contents(&envelope, index)?;
    let (author, further) = name_signers(&proven, &statement, trust, now)?;
    check_audience(&statement, receiver)?;
    check_dates(&statement, now)?;
    let unknown_signatures = proven.unknown;
    Ok(VerifiedHead {
        id: envelope.id(),
        statement,
        index: hashes.to_index(),
        author,
        further,
        unknown_signatures,
    })
}

/// The role whose signature lets a bundle in.
const ROLE: Role = Role::Author;

impl Envelope {
    /// The same payload with one signature of each key that `trust` lets sign at `now`, if it holds: what else there is proves nothing.
    #[must_use]
    pub fn with_proven(&self, trust: &Trust, now: UnixMillis) -> Self {
        let mut proven = Vec::new();
        self.with_only(|signature| {
            let found = signature.keyid.parse().ok();
            let key = found.and_then(|fingerprint| trust.find(&fingerprint, ROLE, now).ok());
            key.is_some_and(|key| {
                let counts =
                    !proven.contains(&key.fingerprint) && key.public.verify(self.pae(), &signature.sig).is_ok();
                proven.extend(counts.then_some(key.fingerprint));
                counts
            })
        })
    }
}

/// What the signatures of an envelope prove: the first line of each key whose signature holds.
struct Proven<'a> {
    first: &'a TrustedKey,
    others: Vec<&'a TrustedKey>,
    unknown: usize,
}

fn verify_signatures<'a>(envelope: &Envelope, trust: &'a Trust, now: UnixMillis) -> Result<Proven<'a>, Refusal> {
    let mut keys: Vec<&TrustedKey> = Vec::new();
    let mut unknown = 0;
    let mut unfit: Option<(&str, TrustLookup)> = None;
    // Whoever carries a bundle can add such a one: beside a good one it does no harm, now or once its key is trusted.
    let mut bad = None;
    for signature in envelope.signatures() {
        let found = match signature.keyid.parse() {
            Ok(fingerprint) => trust.find(&fingerprint, ROLE, now),
            Err(_) => Err(TrustLookup::Unknown),
        };
        match found {
            Ok(key) => {
                if key.public.verify(envelope.pae(), &signature.sig).is_err() {
                    unknown += 1;
                    bad.get_or_insert((key.fingerprint, key.line));
                    continue;
                }
                if !keys.iter().any(|known| known.fingerprint == key.fingerprint) {
                    keys.push(key);
                }
            }
            Err(lookup) => {
                unknown += 1;
                // A key that trust knows says more about what to mend than one that it doesn't.
                if unfit.is_none_or(|(_, known)| known == TrustLookup::Unknown) {
                    unfit = Some((&signature.keyid, lookup));
                }
            }
        }
    }
    let mut keys = keys.into_iter();
    match (keys.next(), bad, unfit) {
        (Some(first), ..) => Ok(Proven {
            first,
            others: keys.collect(),
            unknown,
        }),
        (None, Some((fingerprint, line)), _) => Err(Refusal::BadSignature {
            fingerprint,
            file: trust.file().to_owned(),
            line,
        }),
        (None, None, Some((keyid, lookup))) => Err(Refusal::of_signer(
            keyid,
            lookup,
            intoto::claimed_author(envelope.payload()),
            trust,
        )),
        (None, None, None) => Err(BundleError::SignatureCount { count: 0 }.into()),
    }
}

/// The signer who is the statement's author by trust, and the others.
fn name_signers(
    proven: &Proven<'_>,
    statement: &Statement,
    trust: &Trust,
    now: UnixMillis,
) -> Result<(Signer, Vec<Signer>), Refusal> {
    let mut author = None;
    let mut further = Vec::new();
    for key in std::iter::once(&proven.first).chain(&proven.others) {
        // The same key may stand on several lines, under different names.
        let own = trust
            .fitting(key.fingerprint, ROLE, now)
            .find(|line| line.principals.matches(&statement.author));
        match own {
            Some(line) if author.is_none() => author = Some(signer(line, statement.author.clone())),
            _ => further.push(signer(key, key.principals.as_str().to_owned())),
        }
    }
    let first = proven.first;
    author
        .map(|author| (author, further))
        .ok_or_else(|| Refusal::AuthorMismatch {
            author: statement.author.clone(),
            principals: first.principals.as_str().to_owned(),
            fingerprint: first.fingerprint,
            line: first.line,
        })
}

fn signer(key: &TrustedKey, principal: String) -> Signer {
    Signer {
        principal,
        fingerprint: key.fingerprint,
        trust_line: key.line,
        role: ROLE,
    }
}

fn check_audience(statement: &Statement, receiver: &str) -> Result<(), Refusal> {
    if statement.audience.iter().any(|name| name == receiver) {
        return Ok(());
    }
    Err(Refusal::WrongAudience {
        receiver: escaped(receiver).to_string(),
        audience: statement.audience.clone(),
    })
}

fn check_dates(statement: &Statement, now: UnixMillis) -> Result<(), Refusal> {
    let (created, not_after) = (statement.created, statement.not_after);
    if created > now.plus_millis(MAX_CLOCK_AHEAD_MILLIS) {
        return Err(Refusal::NotYetValid { created, now });
    }
    if not_after < now {
        return Err(Refusal::Expired { not_after, now });
    }
    Ok(())
}

fn split(head: &[u8], envelope_len: u32) -> Result<(&[u8], &[u8]), BundleError> {
    let head_len = head.len() as u64;
    if head_len > MAX_HEAD_LEN {
        return Err(BundleError::HeadTooLong { len: head_len });
    }
    let too_long = BundleError::EnvelopeLength {
        envelope_len: envelope_len.into(),
        head_len,
    };
    usize::try_from(envelope_len)
        .ok()
        .and_then(|at| head.split_at_checked(at))
        .ok_or(too_long)
}

fn read_contents<'a>(envelope: &Envelope, index: &'a [u8]) -> Result<(Statement, LeafHashes<'a>), BundleError> {
    let statement = Statement::parse(envelope.payload())?;
    let hashes = LeafHashes::parse(index)?;
    hashes.check(&statement)?;
    Ok((statement, hashes))
}

#[cfg(test)]
mod tests;

//! A verdict with its reasons, and the clearance that only it can give.

use audit::event::Verdict;
use audit::untrusted::Untrusted;
use protocol::digest::{BundleId, Digest, Hasher};
use serde::Serialize;

/// What a policy says of a report. Made by [`super::Policy::judge`] alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Decision {
    verdict: Verdict,
    reasons: Vec<Reason>,
    report: Digest,
    policy: Digest,
    #[serde(skip_serializing_if = "Option::is_none")]
    bundle: Option<BundleId>,
    /// Whether the policy releases what is allowed without a person.
    automatic: bool,
}

/// One reason for a verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// The verdict that this reason alone gives.
    pub verdict: Verdict,
    /// For programs: `integrity`, `nothing-scanned`, `coverage-incomplete`, `findings-critical`, `findings-high`,
    /// `findings-medium`, `findings-low`, `type`, `path`, `finding`, `licence`, `author`, `clear`.
    pub code: &'static str,
    /// For people, with names out of the bundle in it.
    pub text: Untrusted,
}

/// The proof that a bundle may be released: by the policy, or by a person who saw the report.
#[derive(Debug)]
pub struct Clearance {
    bundle: BundleId,
    report: Digest,
    policy: Digest,
    by: ClearedBy,
}

/// Who gave a clearance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClearedBy {
    /// The policy, which releases what is allowed.
    Policy,
    /// A person, who repeated the review code.
    Person,
}

/// A clearance that is not given.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClearanceError {
    /// The policy rejects the bundle.
    #[error("the policy rejects it, and no person can release what is rejected; a waiver and a new scan can")]
    Rejected,
    /// The report was made of something else.
    #[error("the report is not about this bundle")]
    OtherBundle,
    /// The code is not that of bundle, report and policy as they are now.
    #[error("the code {given:?} is not that of this report; look at the report again, its code is {expected}")]
    OtherCode {
        /// The code that was given.
        given: String,
        /// The code as of now.
        expected: String,
    },
}

impl Decision {
    pub(super) fn new(
        reasons: Vec<Reason>,
        report: Digest,
        policy: Digest,
        bundle: Option<BundleId>,
        automatic: bool,
    ) -> Self {
        // No reason at all would be a fault of the judge, and is no leave.
        let verdict = reasons
            .iter()
            .map(|reason| reason.verdict)
            .max()
            .unwrap_or(Verdict::Reject);
        Self {
            verdict,
            reasons,
            report,
            policy,
            bundle,
            automatic,
        }
    }

    /// ALLOW, REVIEW or REJECT: the strictest of the reasons.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        self.verdict
    }

    /// The reasons, strictest first.
    #[must_use]
    pub fn reasons(&self) -> &[Reason] {
        &self.reasons
    }

    /// The digest of the report that was judged.
    #[must_use]
    pub fn report(&self) -> Digest {
        self.report
    }

    /// The digest of the policy that judged.
    #[must_use]
    pub fn policy(&self) -> Digest {
        self.policy
    }

    /// Whether the only thing against release is that not everything was looked at.
    #[must_use]
    pub fn only_coverage(&self) -> bool {
        let mut against = self
            .reasons
            .iter()
            .filter(|reason| reason.verdict != Verdict::Allow)
            .peekable();
        self.verdict == Verdict::Review
            && against.peek().is_some()
            && against.all(|reason| matches!(reason.code, "coverage-incomplete" | "nothing-scanned"))
    }

    /// The code that a person repeats to release bundle `id`: it names bundle, report and policy, so that it is of no
    /// use once one of them changed.
    #[must_use]
    pub fn review_code(&self, id: &BundleId) -> String {
        let mut hasher = Hasher::new();
        for part in [id.0, self.report, self.policy] {
            hasher.update(part.as_bytes());
        }
        let bound = hasher.finish().short();
        format!("{}-{}", id.short(), bound.get(..4).unwrap_or(&bound))
    }

    /// The clearance that the policy gives by itself: if it allows the bundle and is set to release what it allows.
    #[must_use]
    pub fn clear_automatically(&self) -> Option<Clearance> {
        let bundle = self.bundle?;
        (self.verdict == Verdict::Allow && self.automatic).then_some(self.clearance(bundle, ClearedBy::Policy))
    }

    /// The clearance that a person gives by repeating [`Decision::review_code`], for what is not rejected.
    ///
    /// # Errors
    /// [`ClearanceError`] if the policy rejects it, the report is about another bundle, or the code is not the one.
    pub fn clear_by_person(&self, id: &BundleId, code: &str) -> Result<Clearance, ClearanceError> {
        if self.bundle != Some(*id) {
            return Err(ClearanceError::OtherBundle);
        }
        if self.verdict == Verdict::Reject {
            return Err(ClearanceError::Rejected);
        }
        let expected = self.review_code(id);
        if code != expected {
            return Err(ClearanceError::OtherCode {
                given: code.to_owned(),
                expected,
            });
        }
        Ok(self.clearance(*id, ClearedBy::Person))
    }

    fn clearance(&self, bundle: BundleId, by: ClearedBy) -> Clearance {
        Clearance {
            bundle,
            report: self.report,
            policy: self.policy,
            by,
        }
    }
}

impl Clearance {
    /// The bundle that it is for.
    #[must_use]
    pub fn bundle(&self) -> BundleId {
        self.bundle
    }

    /// The report that it rests on.
    #[must_use]
    pub fn report(&self) -> Digest {
        self.report
    }

    /// The policy that it rests on.
    #[must_use]
    pub fn policy(&self) -> Digest {
        self.policy
    }

    /// Who gave it.
    #[must_use]
    pub fn by(&self) -> ClearedBy {
        self.by
    }
}

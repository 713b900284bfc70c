//! The ratchet: an update is denied only for findings that the stored object does not have yet.

use crate::checks::{CHECK_FAILED, Check};
use crate::engine::Evaluation;
use crate::finding::{Finding, Level};
use crate::policy::{Circumstances, Policy, Preexisting, Verdict};

/// The object that a write replaces, as the denying checks see it.
pub(crate) enum Previous {
    /// Nothing is stored under this name.
    None,
    /// The stored object is not readable, so each finding may be pre-existing.
    Unreadable,
    /// The result of the denying checks on the stored object.
    Evaluated(Evaluation),
}

/// Decides on the findings of an Ingress. If they deny, decides again with the pre-existing ones known: those warn. `previous`
/// is called only then, with a filter that selects the denying checks.
pub(crate) fn decide(
    policy: &Policy,
    findings: Vec<Finding>,
    circumstances: &Circumstances<'_>,
    previous: impl FnOnce(&dyn Fn(&Check) -> bool) -> Previous,
) -> Verdict {
    let verdict = policy.decide(findings.clone(), circumstances);
    if !verdict.denies() {
        return verdict;
    }
    let denying: Vec<&str> = verdict.at(Level::Deny).map(|finding| finding.code).collect();
    let preexisting = match previous(&|check| denying.contains(&check.code)) {
        Previous::None => return verdict,
        Previous::Unreadable => findings.iter().map(identity).collect(),
        Previous::Evaluated(before) => preexisting(&before, &findings),
    };
    policy.decide(findings, &Circumstances { preexisting: Some(&preexisting), ..*circumstances })
}

/// The findings of the stored object, and the current findings of each check that was not evaluated on it.
fn preexisting(before: &Evaluation, now: &[Finding]) -> Preexisting {
    let is_not_evaluated = |code: &str| {
        before.not_evaluated.iter().any(|entry| entry.check.code == code)
            || before.findings.iter().any(|failed| failed.code == CHECK_FAILED.code && &*failed.subject == code)
    };
    let uncertain = now.iter().filter(|finding| is_not_evaluated(finding.code));
    before.findings.iter().chain(uncertain).map(identity).collect()
}

/// Distinguishes a finding from the others of its Ingress.
fn identity(finding: &Finding) -> (&'static str, Box<str>) {
    (finding.code, finding.subject.clone())
}

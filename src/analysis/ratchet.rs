//! The ratchet: an update is denied only for findings that the stored object does not have yet.

use crate::checks::{CHECK_FAILED, CHECK_NOT_EVALUATED, Check};
use crate::engine::{Evaluation, NotEvaluated, NotEvaluatedReason};
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
    evaluation: Evaluation,
    circumstances: &Circumstances<'_>,
    previous: impl FnOnce(&dyn Fn(&Check) -> bool) -> Previous,
) -> Verdict {
    let Evaluation { findings, oversized, not_evaluated, .. } = evaluation;
    let verdict = policy.decide(findings.clone(), circumstances);
    if !verdict.denies() {
        return verdict;
    }
    let denying: Vec<&str> = verdict.at(Level::Deny).map(|finding| finding.code).collect();
    // What a check may spend depends on the other checks, so all of them run again to see whether the stored object is as costly.
    let is_too_costly = not_evaluated.iter().any(|entry| entry.why == NotEvaluatedReason::TooCostly);
    let preexisting = match previous(&|check| is_too_costly || denying.contains(&check.code)) {
        Previous::None => return verdict,
        Previous::Unreadable => findings.iter().map(identity).collect(),
        Previous::Evaluated(before) => preexisting(&before, &findings, oversized),
    };
    policy.decide(findings, &Circumstances { preexisting: Some(&preexisting), ..*circumstances })
}

/// The findings of the stored object, and the current findings of each check that was not evaluated on it.
///
/// If the stored object is itself too costly for a check that cannot be waived, only findings with the same subject are
/// pre-existing. Else a costly object would be a way to any fault: first the costly one, then the fault. Checks that can be waived
/// have no such effect, and those that other Ingresses were too costly for: an update is not denied for what was unknown before.
///
/// Too many hosts and paths are pre-existing unless the write raises their number.
fn preexisting(before: &Evaluation, now: &[Finding], oversized: Option<usize>) -> Preexisting {
    let is_not_evaluated = |code: &str| {
        let unknown = |entry: &NotEvaluated| entry.check.code == code && entry.why != NotEvaluatedReason::TooCostly;
        before.not_evaluated.iter().any(unknown)
            || before.findings.iter().any(|failed| failed.code == CHECK_FAILED.code && &*failed.subject == code)
    };
    let is_as_large = oversized <= before.oversized;
    let uncertain = now
        .iter()
        .filter(|finding| is_not_evaluated(finding.code) || (finding.code == CHECK_NOT_EVALUATED.code && is_as_large));
    before.findings.iter().chain(uncertain).map(identity).collect()
}

/// Distinguishes a finding from the others of its Ingress.
fn identity(finding: &Finding) -> (&'static str, Box<str>) {
    (finding.code, finding.subject.clone())
}

//! One stored Ingress judged over an inventory, as `check`, `audit` and `explain` do it: nobody is writing it, so nothing is a
//! dry run or confirmed by live reads. And what an Ingress had before it was written, which may stay.

use crate::checks::{CHECK_FAILED, Check};
use crate::cluster::ClusterState;
use crate::engine::{Engine, Evaluation, NotEvaluated};
use crate::finding::{Finding, Level};
use crate::model::Ingress;
use crate::policy::{Circumstances, Policy, Preexisting, Verdict};

/// What one Ingress came to.
#[derive(Debug)]
pub struct Analysis<'a> {
    /// The Ingress.
    pub ingress: &'a Ingress,
    /// Its findings with their levels.
    pub verdict: Verdict,
    /// What could not be judged.
    pub not_evaluated: Vec<NotEvaluated>,
}

/// Judge one Ingress as it stands.
#[must_use]
pub fn analyze<'a>(ingress: &'a Ingress, known: ClusterState<'_>, engine: &Engine, policy: &Policy) -> Analysis<'a> {
    analyze_applied(ingress, known, None, engine, policy)
}

/// Judge one Ingress as it would stand if it were applied over what is stored under its name. What would deny and was there
/// before warns, as at admission.
#[must_use]
pub fn analyze_applied<'a>(
    ingress: &'a Ingress,
    known: ClusterState<'_>,
    stored: Option<(&Ingress, ClusterState<'_>)>,
    engine: &Engine,
    policy: &Policy,
) -> Analysis<'a> {
    let Evaluation { findings, not_evaluated } = engine.run(ingress, known, None);
    let circumstances = Circumstances {
        ingress,
        namespace_labels: known.store.namespace_labels(&ingress.meta.key.namespace),
        dry_run: false,
        user: "",
        groups: &[],
        preexisting: None,
        confirmed: None,
        out_of_time: false,
        now: known.now,
    };
    let mut verdict = policy.decide(findings.clone(), &circumstances);
    if let Some((stored, before)) = stored.filter(|_| verdict.denies()) {
        let preexisting =
            preexisting(&verdict, &findings, |is_denying| engine.run_only(is_denying, stored, before, None));
        verdict = policy.decide(findings, &Circumstances { preexisting: Some(&preexisting), ..circumstances });
    }
    Analysis { ingress, verdict, not_evaluated }
}

/// What an Ingress had before a write that would be denied; `again` runs the checks that deny over what it was. Where one of
/// them could not look, whatever it says now may be old.
pub(crate) fn preexisting(
    verdict: &Verdict,
    now: &[Finding],
    again: impl FnOnce(&dyn Fn(&Check) -> bool) -> Evaluation,
) -> Preexisting {
    let denying: Vec<&str> = verdict.at(Level::Deny).map(|finding| finding.code).collect();
    let before = again(&|check| denying.contains(&check.code));
    let unjudged = |code: &str| {
        before.not_evaluated.iter().any(|not| not.check.code == code)
            || before.findings.iter().any(|failed| failed.code == CHECK_FAILED.code && &*failed.subject == code)
    };
    let doubtful = now.iter().filter(|finding| unjudged(finding.code));
    before.findings.iter().chain(doubtful).map(identity).collect()
}

/// What tells a finding from others of its Ingress.
pub(crate) fn identity(finding: &Finding) -> (&'static str, Box<str>) {
    (finding.code, finding.subject.clone())
}

//! One stored Ingress judged over an inventory, as `check`, `audit` and `explain` do it: nobody is writing it, so nothing is a
//! dry run, held from before, or confirmed by live reads.

use crate::cluster::Snapshot;
use crate::engine::{Engine, Evaluation, NotEvaluated};
use crate::model::Ingress;
use crate::policy::{Circumstances, Policy, Verdict};

/// What one Ingress came to.
#[derive(Debug)]
pub struct Judgement<'a> {
    /// The Ingress.
    pub ingress: &'a Ingress,
    /// Its findings with their levels.
    pub verdict: Verdict,
    /// What could not be judged.
    pub not_evaluated: Vec<NotEvaluated>,
}

/// Judge one Ingress as it stands.
#[must_use]
pub fn judge<'a>(ingress: &'a Ingress, known: Snapshot<'_>, engine: &Engine, policy: &Policy) -> Judgement<'a> {
    let Evaluation { findings, not_evaluated } = engine.run(ingress, known, None);
    let circumstances = Circumstances {
        ingress,
        namespace_labels: known.store.namespace_labels(&ingress.meta.key.namespace),
        dry_run: false,
        user: "",
        groups: &[],
        held: None,
        confirmed: None,
        out_of_time: false,
        now: known.now,
    };
    Judgement { ingress, verdict: policy.judge(findings, &circumstances), not_evaluated }
}

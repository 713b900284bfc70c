//! Analysis of one stored Ingress, as `check`, `audit` and `explain` run it, and the ratchet that they share with admission.

mod placeholders;
mod ratchet;
mod waivers;

use crate::budget::Allowance;
use crate::cluster::ClusterState;
use crate::engine::{Engine, Evaluation, NotEvaluated};
use crate::model::Ingress;
use crate::policy::{Circumstances, Policy, Verdict};

pub use placeholders::Placeholders;
pub(crate) use ratchet::{Previous, decide};
pub use waivers::{WaiverInForce, WaiverSource, waivers_in_force};

/// The result for one Ingress.
#[derive(Debug)]
pub struct Analysis<'a> {
    /// The Ingress.
    pub ingress: &'a Ingress,
    /// The findings with their levels.
    pub verdict: Verdict,
    /// The checks that could not be evaluated.
    pub not_evaluated: Vec<NotEvaluated>,
}

/// Analyzes one Ingress as it is stored.
#[must_use]
pub fn analyze<'a>(ingress: &'a Ingress, known: ClusterState<'_>, engine: &Engine, policy: &Policy) -> Analysis<'a> {
    analyze_applied(ingress, known, Applied::default(), engine, policy)
}

/// Analyzes one stored Ingress as [`analyze`] does, within an allowance.
#[must_use]
pub fn analyze_within<'a>(
    allowance: &Allowance,
    ingress: &'a Ingress,
    known: ClusterState<'_>,
    engine: &Engine,
    policy: &Policy,
) -> Analysis<'a> {
    decided(engine.run(ingress, known, allowance), ingress, known, Applied::default(), engine, policy)
}

/// What an Ingress of files is compared with, and how certain it is.
#[derive(Debug, Clone, Copy, Default)]
pub struct Applied<'a> {
    /// The stored Ingress that it replaces, with the cluster.
    pub stored: Option<(&'a Ingress, ClusterState<'a>)>,
    /// Whether something that changes the object is not known, such as the values of a chart. Its findings warn at most.
    pub is_sample: bool,
    /// Whether it contains placeholders. Only findings remain that hold whatever these become.
    pub has_placeholders: bool,
}

/// Analyzes one Ingress as if it replaced the stored one. Findings that would deny and that the stored Ingress already has
/// warn, as at admission.
#[must_use]
pub fn analyze_applied<'a>(
    ingress: &'a Ingress,
    known: ClusterState<'_>,
    applied: Applied<'_>,
    engine: &Engine,
    policy: &Policy,
) -> Analysis<'a> {
    let evaluation = if applied.has_placeholders {
        placeholders::evaluate(engine, ingress, known)
    } else {
        engine.run(ingress, known, &Allowance::command())
    };
    decided(evaluation, ingress, known, applied, engine, policy)
}

/// Decides on the findings of an evaluation.
fn decided<'a>(
    evaluation: Evaluation,
    ingress: &'a Ingress,
    known: ClusterState<'_>,
    Applied { stored, is_sample, .. }: Applied<'_>,
    engine: &Engine,
    policy: &Policy,
) -> Analysis<'a> {
    let not_evaluated = evaluation.not_evaluated.clone();
    // There is no request: no dry run, no user, no field manager and no live reads. The objects of a state are
    // complete, so nothing is about to be created.
    let circumstances = Circumstances {
        ingress,
        namespace_labels: known.store.namespace_labels(&ingress.meta.key.namespace),
        creates: false,
        dry_run: false,
        field_manager: "",
        user: "",
        groups: &[],
        preexisting: None,
        confirmed: None,
        is_sample,
        now: known.now,
    };
    let verdict = decide(policy, evaluation, &circumstances, |is_denying| match stored {
        None => Previous::None,
        Some((stored, before)) => {
            Previous::Evaluated(engine.run_only(is_denying, stored, before, &Allowance::command()))
        }
    });
    Analysis { ingress, verdict, not_evaluated }
}

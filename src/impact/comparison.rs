//! The findings that an Ingress has with a write and not without it.

use super::loss::Losses;
use crate::budget::Allowance;
use crate::cluster::ClusterState;
use crate::engine::{Engine, NotEvaluatedReason};
use crate::finding::{Finding, Level};
use crate::model::Ingress;

/// The steps that an evaluation costs beside those that it counts: it begins with the controllers of the Ingress.
const EVALUATION: u32 = 400;

/// Two states of the cluster, and the checks by which they are compared.
pub(super) struct Comparison<'a> {
    pub(super) engine: &'a Engine,
    /// Codes of checks on Ingresses, each with the code under which a loss is reported.
    pub(super) checks: &'static [(&'static str, &'static str)],
    /// The cluster without the write.
    pub(super) before: ClusterState<'a>,
    /// The cluster with it.
    pub(super) after: ClusterState<'a>,
    /// What all evaluations together may spend.
    pub(super) allowance: &'a Allowance,
    pub(super) spent: u32,
}

impl Comparison<'_> {
    /// Adds what these Ingresses lose. Returns the number of those that were evaluated before the allowance was used up.
    pub(super) fn add_losses<'i>(
        &mut self,
        ingresses: impl Iterator<Item = &'i Ingress>,
        losses: &mut Losses,
    ) -> usize {
        let mut evaluated = 0;
        for ingress in ingresses {
            // One that is being deleted loses nothing.
            if !ingress.meta.deleting {
                let Some(found) = self.new_findings(ingress) else { break };
                for finding in found {
                    losses.add(self.reported_as(finding.code), ingress, &finding);
                }
            }
            evaluated += 1;
        }
        evaluated
    }

    fn reported_as(&self, code: &'static str) -> &'static str {
        self.checks.iter().find(|(check, _)| *check == code).map_or(code, |(_, reported)| reported)
    }

    /// Returns the certain findings that the write causes; `None`: the allowance is used up.
    fn new_findings(&mut self, ingress: &Ingress) -> Option<Vec<Finding>> {
        let mut after = self.findings(ingress, self.after)?;
        if !after.is_empty() {
            let before = self.findings(ingress, self.before)?;
            let is_same = |one: &Finding, other: &Finding| one.code == other.code && one.subject == other.subject;
            after.retain(|finding| !before.iter().any(|other| is_same(finding, other)));
        }
        Some(after)
    }

    fn findings(&mut self, ingress: &Ingress, known: ClusterState<'_>) -> Option<Vec<Finding>> {
        let steps = self.allowance.steps.checked_sub(self.spent)?;
        let allowance = Allowance { steps, ..self.allowance.clone() };
        let is_wanted = |code: &str| self.checks.iter().any(|(check, _)| *check == code);
        let evaluation = self.engine.run_only(|check| is_wanted(check.code), ingress, known, &allowance);
        self.spent = self.spent.saturating_add(evaluation.spent).saturating_add(EVALUATION);
        let ended = |why| matches!(why, NotEvaluatedReason::Deadline | NotEvaluatedReason::Budget);
        if evaluation.exhausted || evaluation.not_evaluated.iter().any(|it| ended(it.why)) {
            return None;
        }
        let mut findings = evaluation.findings;
        findings.retain(|finding| is_wanted(finding.code) && finding.ceiling.guard >= Level::Warn);
        Some(findings)
    }
}

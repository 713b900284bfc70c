//! The findings of checks on the Ingress that a request reaches.

use super::trail::{Explanation, Found};
use crate::analysis::{Analysis, analyze};
use crate::checks::{
    CANARY_WITHOUT_MAIN, CHECK_NOT_EVALUATED, PATH_REGEX_LITERAL, REGEX_HOST_INHERITED, REGEX_ROOT_ONLY,
};
use crate::cluster::ClusterState;
use crate::engine::Engine;
use crate::finding::Level;
use crate::policy::{Decision, Policy};

impl Found {
    /// Whether the requests that a path is intended for do not reach its backend, although a sample request may.
    pub(super) fn breaks(&self, path: &str) -> bool {
        let losing = [&CANARY_WITHOUT_MAIN, &PATH_REGEX_LITERAL, &REGEX_HOST_INHERITED, &REGEX_ROOT_ONLY]
            .map(|check| check.code);
        let is_so = losing.contains(&self.code);
        let is_there = self.field.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
        is_so && is_there && self.level >= Level::Warn
    }
}

/// Returns the findings of an analysis, highest level first.
pub(super) fn all(analysis: &Analysis<'_>) -> Vec<Found> {
    let decisions = analysis.verdict.distinct().filter(|decision| decision.finding.code != CHECK_NOT_EVALUATED.code);
    let found = decisions.map(|Decision { finding, level, .. }| Found {
        code: finding.code,
        level: *level,
        field: finding.field.to_string(),
        message: finding.message.to_string(),
        help: finding.help.to_string(),
    });
    found.collect()
}

/// Adds the findings that concern each answer: those on the path that takes the request, on its rule, and on the Ingress as a
/// whole.
pub fn add_findings(explanation: &mut Explanation, known: ClusterState<'_>, engine: &Engine, policy: &Policy) {
    for other in &mut explanation.others {
        add_findings(other, known, engine, policy);
    }
    let Some((namespace, name)) = explanation.ingress.as_deref().and_then(|key| key.split_once('/')) else { return };
    let Some(ingress) = known.store.ingress(namespace, name) else { return };
    let mut found = all(&analyze(ingress, known, engine, policy));
    found.retain(|found| concerns(explanation, &found.field));
    explanation.findings = found;
}

fn concerns(explanation: &Explanation, field: &str) -> bool {
    const PATHS: &str = ".http.paths[";
    let Some(own) = explanation.field.as_deref() else { return !field.starts_with("spec.") };
    let is_below =
        |whole: &str| field.strip_prefix(whole).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']));
    let rule = own.split_once(PATHS).map(|(rule, _)| rule);
    match field {
        _ if is_below("spec.tls") => explanation.url.starts_with("https:"),
        _ if is_below("spec.defaultBackend") => own == "spec.defaultBackend",
        _ if field.starts_with("spec.rules[") => {
            is_below(own) || (rule.is_some_and(is_below) && !field.contains(PATHS))
        }
        _ => true,
    }
}

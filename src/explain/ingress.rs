//! One Ingress path by path: for each a request that it is meant for, and what becomes of that.

use serde::Serialize;

use super::request::RequestUrl;
use super::trail::{Explanation, RequestOutcome, SCHEMA_VERSION, exit_code};
use super::url::{Whose, explain};
use crate::analysis::Analysis;
use crate::checks::{CHECK_NOT_EVALUATED, Settings};
use crate::cluster::ClusterState;
use crate::finding::Level;
use crate::model::{Ingress, PathRef};
use crate::policy::Decision;
use crate::routing::{Scheme, path_samples, sample_host};

/// So many paths are followed.
const MOST: usize = 200;

/// What becomes of the paths of one Ingress.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct IngressExplanation {
    /// The version of this form.
    pub schema_version: u32,
    /// `namespace/name`
    pub ingress: String,
    /// Its paths in their order.
    pub paths: Vec<PathExplanation>,
    /// Paths that were not followed, since they are so many.
    pub left_out: usize,
    /// What the checks say of it, worst first.
    pub findings: Vec<Found>,
    /// Checks that could not judge it, each with the reason.
    pub not_evaluated: Vec<NotEvaluatedCheck>,
}

/// A finding of a check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Found {
    /// The check's code.
    pub code: &'static str,
    /// What becomes of it when the Ingress is written.
    pub level: Level,
    /// Where in the Ingress.
    pub field: String,
    /// What is wrong and what the visitor will see.
    pub message: String,
    /// What to do; empty where nothing short can be said.
    pub help: String,
}

/// A check without a verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NotEvaluatedCheck {
    /// The check's code.
    pub code: &'static str,
    /// Why.
    pub reason: String,
}

/// What becomes of a request that one path is meant for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PathExplanation {
    /// Where in the Ingress.
    pub field: String,
    /// The host as the rule has it; `*`: any.
    pub host: String,
    /// The path as written.
    pub path: String,
    /// `pathType`
    pub path_type: &'static str,
    /// Whether this path takes the request; if not, `explanation` says what does.
    pub own: bool,
    /// What becomes of the request; `None`: no request could be made that the path is surely meant for.
    pub explanation: Option<Explanation>,
}

impl PathExplanation {
    /// Whether it is certain that visitors of this path are not served by it.
    fn is_broken(&self) -> bool {
        let is_elsewhere = |explanation: &Explanation| !self.own && explanation.outcome != RequestOutcome::Unknown;
        self.explanation.as_ref().is_some_and(|explanation| explanation.is_broken() || is_elsewhere(explanation))
    }

    /// Whether visitors of this path are served by it.
    fn is_served(&self) -> bool {
        self.own && self.explanation.as_ref().is_none_or(Explanation::is_served)
    }
}

impl IngressExplanation {
    /// 0: visitors of every path are served; 1: it is certain that those of some path are not; 2: nobody can tell.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        let is_served = self.paths.iter().all(PathExplanation::is_served);
        exit_code(is_served, self.paths.iter().any(PathExplanation::is_broken))
    }
}

/// Follow every path of an Ingress, beside what the checks say of it.
#[must_use]
pub fn explain_ingress(analysis: &Analysis<'_>, known: ClusterState<'_>, settings: &Settings) -> IngressExplanation {
    let ingress = analysis.ingress;
    let key = ingress.meta.key.to_string();
    let decisions =
        analysis.verdict.decisions.iter().filter(|decision| decision.finding.code != CHECK_NOT_EVALUATED.code);
    let findings = decisions.map(|Decision { finding, level, .. }| Found {
        code: finding.code,
        level: *level,
        field: finding.field.to_string(),
        message: finding.message.to_string(),
        help: finding.help.to_string(),
    });
    let not_evaluated = analysis.not_evaluated.iter();
    IngressExplanation {
        schema_version: SCHEMA_VERSION,
        paths: ingress.paths().take(MOST).map(|at| path(&key, ingress, at, known, settings)).collect(),
        left_out: ingress.paths().count().saturating_sub(MOST),
        findings: findings.collect(),
        not_evaluated: not_evaluated
            .map(|it| NotEvaluatedCheck { code: it.check.code, reason: it.why.text() })
            .collect(),
        ingress: key,
    }
}

fn path(
    key: &str,
    ingress: &Ingress,
    at: PathRef<'_>,
    known: ClusterState<'_>,
    settings: &Settings,
) -> PathExplanation {
    let field = at.field().to_string();
    let scheme = if ingress.tls.is_empty() { Scheme::Http } else { Scheme::Https };
    let explanation = path_samples(at).into_iter().next().and_then(|path| {
        let request = RequestUrl { scheme, host: sample_host(&at.rule.host), path, notes: Vec::new() };
        explain(&request, known, settings, Whose::ControllerOf(ingress)).ok()
    });
    let is_own = |explanation: &Explanation| {
        let took_it = explanation.ingress.as_deref() == Some(key);
        // `app-root` takes the root of a host from whoever has it.
        (took_it && explanation.field.as_deref() == Some(&field)) || explanation.outcome == RequestOutcome::Redirect
    };
    PathExplanation {
        own: explanation.as_ref().is_none_or(is_own),
        field,
        host: at.rule.host.to_string(),
        path: at.path.path.to_string(),
        path_type: at.path.path_type.name(),
        explanation,
    }
}

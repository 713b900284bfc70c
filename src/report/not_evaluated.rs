//! The checks of a report that were not evaluated, by reason.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Serialize;

use super::{Report, counted};
use crate::engine;
use crate::engine::NotEvaluatedReason;
use crate::model::{Key, Kind};

/// A check that was not evaluated on an Ingress.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NotEvaluated {
    /// The check's code.
    pub code: &'static str,
    /// The root of the Ingress, if it is part of one of several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub root: Option<Box<str>>,
    /// Namespace of the Ingress.
    pub namespace: Box<str>,
    /// Name of the Ingress.
    pub ingress: Box<str>,
    /// The reason.
    pub reason: String,
    /// The kind whose objects are unknown, if that is the reason.
    #[serde(skip)]
    pub unknown: Option<Kind>,
}

/// Codes of checks, and the Ingresses on which they were not evaluated.
type Gap<'a> = (BTreeSet<&'static str>, BTreeSet<(Option<&'a str>, &'a str, &'a str)>);

impl Report {
    /// Adds the checks that were not evaluated on one Ingress.
    pub(super) fn add_not_evaluated(&mut self, key: &Key, root: Option<&str>, not_evaluated: &[engine::NotEvaluated]) {
        self.summary.not_evaluated += not_evaluated.len();
        let codes: BTreeSet<&str> = not_evaluated.iter().map(|not| not.check.code).collect();
        if codes.len() * 2 > self.summary.checks {
            let (ingresses, most) = self.mostly_not_evaluated;
            self.mostly_not_evaluated = (ingresses + 1, most.max(codes.len()));
        }
        self.not_evaluated.extend(not_evaluated.iter().map(|not| NotEvaluated {
            code: not.check.code,
            root: root.map(Into::into),
            namespace: key.namespace.clone(),
            ingress: key.name.clone(),
            reason: not.why.text(),
            unknown: if let NotEvaluatedReason::Unknown(unknown) = not.why { Some(unknown.kind) } else { None },
        }));
    }

    /// The reasons why checks were not evaluated, each with the checks and the number of Ingresses.
    #[must_use]
    pub fn not_evaluated_by_reason(&self) -> Vec<(&str, BTreeSet<&'static str>, usize)> {
        let mut reasons: BTreeMap<&str, Gap<'_>> = BTreeMap::new();
        for NotEvaluated { code, root, namespace, ingress, reason, .. } in &self.not_evaluated {
            let (codes, ingresses) = reasons.entry(reason).or_default();
            codes.insert(code);
            ingresses.insert((root.as_deref(), namespace, ingress));
        }
        reasons.into_iter().map(|(reason, (codes, ingresses))| (reason, codes, ingresses.len())).collect()
    }

    /// The number of checks that were not evaluated, and of Ingresses with such checks.
    pub(super) fn gap(&self) -> (usize, usize) {
        let mut all = Gap::default();
        for NotEvaluated { code, root, namespace, ingress, .. } in &self.not_evaluated {
            all.0.insert(code);
            all.1.insert((root.as_deref(), namespace, ingress));
        }
        (all.0.len(), all.1.len())
    }

    /// Where more than half of the checks were not evaluated: the Ingresses and the checks. A report without findings is then no
    /// result.
    pub(super) fn mostly_not_evaluated(&self) -> Option<String> {
        let (ingresses, most) = self.mostly_not_evaluated;
        let checks = self.summary.checks;
        let up_to = if ingresses == 1 { "" } else { "up to " };
        (ingresses > 0)
            .then(|| format!("{}: {up_to}{most} of {checks} checks were not evaluated", counted(ingresses, "Ingress")))
    }
}

//! The faults of an Ingress' annotations, each with its effect. The checks on annotations report them, and routing obeys them.

use super::fault::{AnnotationFault, FaultReason};
use super::references;
use crate::cluster::ClusterView;
use crate::model::Ingress;
use crate::routing::annotations::{Annotation, Effect, NginxAnnotations, find};
use crate::routing::controller::Dialect;

/// Returns the faults of annotation values, and of annotations that the settings of ingress-nginx refuse.
#[must_use]
pub fn value_faults<'a>(ingress: &'a Ingress, dialect: &Dialect) -> Vec<AnnotationFault<'a>> {
    let annotations = NginxAnnotations::of(ingress);
    let mut faults: Vec<AnnotationFault<'a>> = Vec::new();
    let blocked = dialect.blocked_words();
    for (row, value) in annotations.known().filter(|_| blocked.is_some()) {
        // The controller looks for them in every annotation before it reads any (`syncIngress`).
        let mut words = blocked.into_iter().flat_map(|words| words.trim().split(','));
        if let Some(word) = words.find(|word| value.contains(word)) {
            let (effect, reason) = (Effect::NotLoaded, FaultReason::BlockedWord(word.into()));
            faults.push(AnnotationFault { row, value, effect, reason, certain: true, rests_on: None });
        }
    }
    for (row, value) in annotations.known().filter(|(row, _)| row.removed.is_none()) {
        let (effect, reason) = match dialect.risk_level().filter(|highest| row.risk > *highest) {
            // The controller then loads none of the annotations and not the Ingress (section 7.0).
            Some(highest) => (Effect::NotLoaded, FaultReason::Risk(highest)),
            None if row.is_snippet() && !value.is_empty() && dialect.allows_snippets() == Some(false) => {
                (Effect::Ignored, FaultReason::SnippetsDisabled)
            }
            None => continue,
        };
        faults.push(AnnotationFault { row, value, effect, reason, certain: true, rests_on: None });
    }
    for (row, value) in annotations.in_force(dialect.version).filter(|(_, value)| !is_template(value)) {
        if let Some(error) = row.value_error(value, dialect.validates_annotations()) {
            let (effect, reason) = (error.effect, FaultReason::Value(error.flaw));
            let certain = error.certain && has_it(row, dialect);
            faults.push(AnnotationFault { row, value, effect, reason, certain, rests_on: None });
        }
    }
    faults
}

/// Returns the faults of references in annotations of an Ingress that ingress-nginx handles. It reads those of a canary as it reads
/// others (`Extract`). Reads ConfigMaps, Secrets and Services.
#[must_use]
pub fn reference_faults<'a>(
    ingress: &'a Ingress,
    dialect: &Dialect,
    view: &ClusterView<'_>,
) -> Vec<AnnotationFault<'a>> {
    let annotations = NginxAnnotations::of(ingress);
    let mut faults: Vec<AnnotationFault<'a>> = Vec::new();
    if annotations.is_on("auth-type")
        && ingress.meta.annotations.nginx("auth-secret").is_none()
        && let (Some(row), Some(value)) = (find("auth-type"), annotations.value("auth-type"))
    {
        let (effect, reason) = (Effect::Unavailable, FaultReason::SecretNotSet);
        faults.push(AnnotationFault { row, value, effect, reason, certain: true, rests_on: None });
    }
    for (row, value) in annotations.in_force(dialect.version).filter(|(_, value)| !value.is_empty()) {
        // A value that is not a name has another fault.
        let is_name = row.value_error(value, dialect.validates_annotations()).is_none() && !is_template(value);
        if row.names.is_some() && is_name {
            let fault = references::fault(row, value, ingress, dialect, view);
            faults
                .extend(fault.map(|fault| AnnotationFault { certain: fault.certain && has_it(row, dialect), ..fault }));
        }
    }
    faults
}

/// Returns whether the controller certainly has an annotation: one of unknown version may not.
fn has_it(row: &Annotation, dialect: &Dialect) -> bool {
    row.since.is_none() || dialect.version.is_some()
}

/// Returns whether the value holds a placeholder that a tool such as Helm was meant to replace.
fn is_template(value: &str) -> bool {
    let upper = |rest: &str| rest.starts_with(|c: char| c.is_ascii_uppercase());
    value.contains("{{") || value.split("${").skip(1).any(upper)
}
